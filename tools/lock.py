"""`make lock`: renew the exact versions in requirements.txt and requirements-dev.txt from pyproject.toml.

For all supported Pythons at once, with uv in an environment of its own. What a file says in its first comment and in
its `-e` and `-r` lines is kept; which extras are locked is read from the `-e` line.
"""

from __future__ import annotations

import re
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
OLDEST_PYTHON = "3.10"


def main() -> None:
    """Renew both files."""
    uv = install_uv(ROOT / ".toolchain" / "uv")
    users, developers = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
    what = ["pyproject.toml", *(f"--extra={extra}" for extra in extras_of(users.read_text()))]
    pins = compile_with(uv, what)
    more = compile_with(uv, [*what, "--group=dev", f"--constraint={saved(uv, pins)}"])  # so that both files agree
    users.write_text(renewed(users.read_text(), pins))
    developers.write_text(renewed(developers.read_text(), [pin for pin in more if pin not in pins]))


def install_uv(folder: Path) -> Path:
    """A pinned uv of our own, whatever else is on PATH."""
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", UV], check=True)
    return folder / "bin" / "uv"


def compile_with(uv: Path, what: Sequence[str]) -> list[str]:
    """The lines that lock what is asked for, in every supported Python."""
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--no-header", "--no-annotate", "--quiet"]
    command: list[str | Path] = [uv, "pip", "compile", *options, *what]
    lines = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    return [line for line in lines if not line.endswith("; sys_platform == 'win32'")]  # not supported here


def saved(uv: Path, pins: Sequence[str]) -> Path:
    """Pins as a file beside uv."""
    file = uv.parent / "pins.txt"
    file.write_text("\n".join(pins))
    return file


def extras_of(requirements: str) -> list[str]:
    """The extras in `-e .[one,two]`."""
    found = re.search(r"^-e \.\[(.+)\]$", requirements, re.MULTILINE)
    return found[1].split(",") if found else []


def renewed(old: str, pins: Sequence[str]) -> str:
    """A requirements file with new pins between the comments and options that it had."""
    lines = old.splitlines()
    head = [line for line in lines if line.startswith(("#", "-r"))]
    tail = [line for line in lines if line.startswith("-e")]
    return "\n".join([*head, *pins, *tail]) + "\n"


if __name__ == "__main__":
    main()
