"""`make lock`: renew the exact versions and hashes in the requirements files from pyproject.toml.

For all supported Pythons at once. What a file says in its first comments and in its `-r` line is kept.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"  # locked itself, in requirements-dev.txt
OLDEST_PYTHON = "3.10"
USED = ("--extra=azure-native", "--extra=emulator", "--group=build")
"""What a clone is used with; developers add the group dev."""


def main() -> None:
    """Renew the files."""
    users, developers = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
    pins = compile_pins("pyproject.toml", *USED)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as agreed:  # both are installed together
        agreed.write("".join(pins))
        agreed.flush()
        more = compile_pins("pyproject.toml", *USED, "--group=dev", f"--constraint={agreed.name}")
    users.write_text(renewed(users.read_text(), pins))
    developers.write_text(renewed(developers.read_text(), [pin for pin in more if pin not in pins]))
    for group in ("release", "publish"):
        file = ROOT / f"requirements-{group}.txt"
        file.write_text(renewed(file.read_text(), compile_pins(f"--group={group}")))


def compile_pins(*what: str) -> list[str]:
    """What locks what is asked for, in every supported Python; each pin with the lines of its hashes."""
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate"]
    command: list[str | Path] = [UV, "pip", "compile", "--quiet", *options, *what]
    return pins_in(subprocess.check_output(command, cwd=ROOT, text=True))


def pins_in(compiled: str) -> list[str]:
    """The pins of a requirements file, each with its hashes; without those for Windows, which is not supported."""
    pins = re.findall(r"^\S.*\n(?:[ \t].*\n)*", compiled, re.MULTILINE)
    return [pin for pin in pins if "; sys_platform == 'win32' \\\n" not in pin]


def renewed(old: str, pins: Sequence[str]) -> str:
    """A requirements file with new pins after the comments and the option that it had."""
    head = [line for line in old.splitlines(keepends=True) if line.startswith(("#", "-r"))]
    return "".join([*head, *pins])


if __name__ == "__main__":
    main()
