"""The virtual environment: made once, brought up to date when what it was made from changes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from tools.toolchain.clone import Clone, digest, read_record, remove_tree, write_record
from tools.toolchain.steps import Problem, run, step

PROJECTS = (".", "emulator")
"""The distributions that the clone holds, in the order in which they are installed.

An older `.` had the command of `emulator` in it, and takes it away when it is replaced.
"""

REQUIREMENTS = (
    "requirements-emulator.txt",
    "requirements.txt",
    "requirements-dev.txt",
    *(f"{project}/pyproject.toml" for project in PROJECTS),
)


class Work(Enum):
    """What has to be done about the virtual environment."""

    NOTHING = "nothing"
    UPDATE = "update"
    CREATE = "create"


def ensure_environment(clone: Clone, asked_for_python: bool) -> None:
    """Bring .venv to where the requirements files want it; instant if it is there."""
    work = work_needed(noted(clone), target(clone), asked_for_python)
    if work is Work.CREATE:
        _create(clone)
    if work is not Work.NOTHING:
        _install(clone)


def noted(clone: Clone) -> dict[str, str]:
    """What an environment noted when it was finished; empty if it was not, or the Python behind it has gone."""
    return read_record(_record(clone)) if clone.venv_python.exists() else {}


def target(clone: Clone) -> dict[str, str]:
    """What a finished environment would note about itself."""
    return {
        "folder": str(clone.root),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "requirements": digest(clone.root / name for name in REQUIREMENTS),
    }


def work_needed(found: Mapping[str, str], wanted: Mapping[str, str], asked_for_python: bool) -> Work:
    """Compare what was noted with what is wanted.

    An environment without a note was cut short: pip may take a half-written package for an installed one, so it is
    made anew. One that moved has its old path in every script. Its Python matters only to somebody who asked for one.
    """
    if found.get("folder") != wanted["folder"]:
        return Work.CREATE
    if asked_for_python and found.get("python") != wanted["python"]:
        return Work.CREATE
    return Work.NOTHING if found.get("requirements") == wanted["requirements"] else Work.UPDATE


def venv_problem() -> str:
    """Why this Python cannot make virtual environments, and what to install; empty if it can."""
    if find_spec("venv") and find_spec("ensurepip"):
        return ""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"Python {version} ({sys.executable}) has no venv with pip. "
        f"Install its package (Debian, Ubuntu: apt install python3-venv, or python{version}-venv)"
    )


def _create(clone: Clone) -> None:
    if problem := venv_problem():
        raise Problem(problem)
    with step(f".venv: a new one with Python {sys.version.split()[0]}"):
        remove_tree(clone.venv)
        run("venv", [_lasting_python(), "-m", "venv", clone.venv])


def _lasting_python() -> Path:
    """This Python; or the one behind it, for in an activated .venv this one has just been removed."""
    if sys.prefix == sys.base_prefix:
        return Path(sys.executable)
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def _install(clone: Clone) -> None:
    record = _record(clone)
    record.unlink(missing_ok=True)
    pip = [str(clone.venv_python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    with step(".venv: packages from requirements-dev.txt (about a minute)"):
        # Whole packages with the hashes that the file names: nothing is built, and so nothing else is downloaded.
        locked = ["--require-hashes", "--only-binary", ":all:", "--requirement", "requirements-dev.txt"]
        run("pip", [*pip, *locked], cwd=clone.root)
        for project in PROJECTS:
            run("pip", [*pip, "--no-deps", "--no-build-isolation", "--editable", project], cwd=clone.root)
    write_record(record, target(clone) | {"python": _python_of(clone)})


def _python_of(clone: Clone) -> str:
    """The version in the environment: an update may be run by another Python than the one that made it."""
    return run(
        "the Python in .venv", [clone.venv_python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    ).strip()


def _record(clone: Clone) -> Path:
    return clone.venv / "setup.json"
