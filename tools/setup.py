"""The entry of `make setup`: finds a Python that the project runs on and hands over to `tools.toolchain`.

Whatever `python3` happens to be reads this one file, so it keeps to what Python 3.6 understands and answers an old one
in words instead of a syntax error.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 10), (3, 13)
RANGE = "3.10 to 3.13"


def is_supported(version: "tuple[int, ...]") -> bool:
    """Whether the project runs on this version."""
    return OLDEST <= version[:2] <= NEWEST


def version_of(command: str) -> "tuple[int, ...]":
    """The version that an interpreter reports; empty if it is missing, or a version manager's empty promise."""
    code = "import sys; print(*sys.version_info[:3])"
    try:
        answer = subprocess.check_output([command, "-c", code], stderr=subprocess.DEVNULL)
        return tuple(int(part) for part in answer.split())
    except (OSError, subprocess.CalledProcessError, ValueError):
        return ()


def choose(wanted: str, own: str, newer: "list[str]") -> str:
    """The Python to set up with: the one asked for, else the one that runs this, else the newest on PATH; or none."""
    for candidate in [wanted] if wanted else [own, *newer]:
        version = sys.version_info[:3] if candidate == sys.executable else version_of(candidate)
        if is_supported(version):
            return candidate
    return ""


def advice(asked: str) -> str:
    """What to install, when no Python will do."""
    version = version_of(asked)
    found = "{} is {}".format(asked, ".".join(map(str, version))) if version else f"{asked} does not run"
    return (
        f"setup: Python {RANGE} is needed and {found}. Install one together with its venv "
        "(Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13), "
        "or name one: make setup PYTHON=/path/to/python3.12"
    )


def main() -> None:
    """Go on in the right interpreter."""
    wanted = os.environ.get("PYTHON", "")
    newer = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    python = choose(wanted, sys.executable, newer)
    if not python:
        sys.exit(advice(wanted or sys.executable))
    os.chdir(ROOT)
    os.environ.pop("PYTHONSAFEPATH", None)  # it would hide the folder that `tools` is found in
    os.execvp(python, [python, "-m", "tools.toolchain"])  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main()
