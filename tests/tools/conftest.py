"""A small clone to set up, and stand-ins for the programs that set-up runs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # tools/ and tests/ are no installed packages

from tests.tools.support import REPOSITORY, program
from tools.toolchain.clone import Clone

PACKAGES = {".": "a_clone", "emulator": "an_emulator"}
BUILDS_ITSELF = """\
[project]
name = "NAME"
version = "1"
[build-system]
requires = ["no-such-build-backend"]
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
from pathlib import Path
from zipfile import ZipFile

def build_editable(folder, settings=None, metadata=None):
    with ZipFile(f"{folder}/NAME-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("NAME.py", "")
        wheel.writestr("NAME-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1\\n"
                       "Requires-Dist: no-such-dependency\\n")
        wheel.writestr("NAME-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("NAME-1.dist-info/RECORD", "")
        if Path("command").exists():
            entry = "[console_scripts]\\na-command = NAME:main\\n"
            wheel.writestr("NAME-1.dist-info/entry_points.txt", entry)
    return "NAME-1-py3-none-any.whl"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A fresh clone that wants no packages, with a blank in its path; it packs its two projects with what is there."""
    root = tmp_path / "a clone"
    shutil.copytree(REPOSITORY / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements-emulator.txt", "requirements.txt"):
        (root / name).write_text("# nothing\n")
    (root / "requirements-dev.txt").write_text("-r requirements.txt\n")
    for folder, name in PACKAGES.items():
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "pyproject.toml").write_text(BUILDS_ITSELF.replace("NAME", name))
        (root / folder / "backend.py").write_text(BACKEND.replace("NAME", name))
    return Clone(root)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first folder of a PATH that has the system's own programs besides, and neither pulumi nor go."""
    folder = tmp_path / "path"
    for name in ("sh", "sleep", "cat", "dirname", "mkdir", "touch"):
        found = shutil.which(name)
        assert found
        program(folder / name, f'exec {found} "$@"')
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def go(path: Path, tmp_path: Path) -> Path:
    """A go that builds in no time; it takes note of its arguments and surroundings in go.log."""
    sdk = tmp_path / "sdk" / "python"
    program(sdk / "cmd" / "pulumi-language-python-exec", "")
    program(sdk / "dist" / "pulumi-resource-pulumi-python", "")
    return program(
        path / "go",
        f"""
        case $1 in
            env) echo '{{"GOVERSION": "go1.26.8", "GOTOOLCHAIN": "local"}}' ;;
            list) echo '{sdk.parent}' ;;
            build)
                echo "$GOMODCACHE $GOCACHE $GOTMPDIR $GOWORK $*" >> '{tmp_path}/go.log'
                mkdir -p "$GOMODCACHE/read-only"
                while [ "$1" != -o ]; do shift; done
                touch "$2" ;;
        esac
        """,
    )
