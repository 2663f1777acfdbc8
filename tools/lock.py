"""`make lock`: renew the exact versions and hashes in the requirements files from what both distributions ask for.

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
EMULATOR = "emulator/pyproject.toml"
USED = ("pyproject.toml", EMULATOR, "--extra=azure-native", "--group=build")
"""What a clone is used with; developers add the group dev. The extra `emulator` is the clone's own second project."""


def main() -> None:
    """Renew the files."""
    used = compile_pins(*USED)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as agreed:  # all are installed together
        agreed.write("".join(used))
        agreed.flush()
        alone = compile_pins(EMULATOR, f"--constraint={agreed.name}")
        developers = compile_pins(*USED, "--group=dev", f"--constraint={agreed.name}")
    emulator, others = parted(used, alone)
    renew("-emulator", emulator)
    renew("", others)
    renew("-dev", [pin for pin in developers if pin not in used])
    packed = [
        f"--constraint={name}" for name in ("requirements.txt", "requirements-emulator.txt", "requirements-dev.txt")
    ]
    renew("-archive", compile_pins("pyproject.toml", "--group=archive", *packed))
    for group in ("release", "publish"):
        renew(f"-{group}", compile_pins(f"--group={group}"))


def renew(suffix: str, pins: Sequence[str]) -> None:
    """Write pins into one of the files."""
    file = ROOT / f"requirements{suffix}.txt"
    file.write_text(renewed(file.read_text(), pins))


def compile_pins(*what: str) -> list[str]:
    """Return what locks what is asked for, in every supported Python; each pin with the lines of its hashes."""
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate"]
    command: list[str | Path] = [UV, "pip", "compile", "--quiet", *options, *what]
    return pins_in(subprocess.check_output(command, cwd=ROOT, text=True))


def pins_in(compiled: str) -> list[str]:
    """The pins of a requirements file, each with its hashes; without those for Windows, which is not supported."""
    pins = re.findall(r"^\S.*\n(?:[ \t].*\n)*", compiled, re.MULTILINE)
    return [pin for pin in pins if "; sys_platform == 'win32' \\\n" not in pin]


def parted(pins: Sequence[str], some: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the pins whose versions are among some others, and the rest.

    By version alone: what needs a package in fewer places than all together do writes another marker.
    """
    versions = {pin.split()[0] for pin in some}
    return [pin for pin in pins if pin.split()[0] in versions], [pin for pin in pins if pin.split()[0] not in versions]


def renewed(old: str, pins: Sequence[str]) -> str:
    """Return a requirements file with new pins after the comments and the option that it had."""
    head = [line for line in old.splitlines(keepends=True) if line.startswith(("#", "-r"))]
    return "".join([*head, *pins])


if __name__ == "__main__":
    main()
