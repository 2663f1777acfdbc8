"""When the virtual environment is made, brought up to date, or left alone."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from tools.toolchain.clone import Clone, write_record
from tools.toolchain.environment import Work, ensure_environment, noted, target, work_needed
from tools.toolchain.steps import Problem, run

WANTED = {"folder": "/clone", "python": "3.12", "requirements": "abc"}


@pytest.fixture(scope="session")
def made_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    run("venv", [sys.executable, "-m", "venv", folder])
    return folder


@pytest.fixture
def ready(clone: Clone, made_environment: Path) -> Clone:
    """A clone whose environment is whole, and has something in it by which it is known again."""
    shutil.copytree(made_environment, clone.venv, symlinks=True)
    write_record(clone.venv / "setup.json", target(clone))
    (clone.venv / "known").touch()
    return clone


def is_the_same(clone: Clone) -> bool:
    return (clone.venv / "known").exists()


def is_whole(clone: Clone) -> bool:
    return (clone.venv / "setup.json").exists() and clone.venv_python.exists()


@pytest.mark.parametrize(
    ("found", "asked", "work"),
    [
        (WANTED, False, Work.NOTHING),
        (WANTED | {"requirements": "old"}, False, Work.UPDATE),
        ({}, False, Work.CREATE),
        (WANTED | {"folder": "/moved/from/here"}, False, Work.CREATE),
        (WANTED | {"python": "3.10"}, False, Work.NOTHING),
        (WANTED | {"python": "3.10"}, True, Work.CREATE),
        (WANTED, True, Work.NOTHING),
    ],
)
def test_what_was_noted_decides_what_is_done(found: dict[str, str], asked: bool, work: Work) -> None:
    assert work_needed(found, WANTED, asked) is work


def test_a_whole_environment_is_left_alone_in_silence(ready: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    ensure_environment(ready, asked_for_python=False)
    assert is_the_same(ready)
    assert capsys.readouterr().out == ""


def test_changed_requirements_bring_the_same_environment_up_to_date(ready: Clone) -> None:
    (ready.root / "requirements-dev.txt").write_text("# other words\n")
    ensure_environment(ready, asked_for_python=False)
    assert is_the_same(ready)
    assert is_whole(ready)


@pytest.mark.parametrize("project", [".", "emulator"])
def test_a_project_that_asks_for_something_else_brings_the_environment_up_to_date(ready: Clone, project: str) -> None:
    with (ready.root / project / "pyproject.toml").open("a") as file:
        file.write("# other words\n")
    ensure_environment(ready, asked_for_python=False)
    assert is_the_same(ready)
    assert is_whole(ready)
    assert noted(ready) == target(ready)


def test_a_command_that_moved_to_the_second_project_is_there_after_an_update(ready: Clone) -> None:
    """Replacing an older first project takes its files away, the command's among them."""
    command, requirements = ready.root / "command", ready.root / "requirements-dev.txt"
    command.touch()
    requirements.write_text("# one\n")
    ensure_environment(ready, asked_for_python=False)
    command.rename(ready.root / "emulator" / "command")
    requirements.write_text("# two\n")
    ensure_environment(ready, asked_for_python=False)
    assert "an_emulator" in (ready.venv / "bin" / "a-command").read_text()


def test_an_interrupted_install_is_redone(ready: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    (ready.venv / "setup.json").unlink()  # it is written last
    ensure_environment(ready, asked_for_python=False)
    assert not is_the_same(ready)
    assert is_whole(ready)
    assert "done in" in capsys.readouterr().out


def test_an_environment_whose_python_has_gone_counts_as_interrupted(ready: Clone) -> None:
    ready.venv_python.unlink()
    ready.venv_python.symlink_to("/nowhere/python3")
    assert noted(ready) == {}


def test_both_projects_of_the_clone_are_installed_with_what_is_there_already(ready: Clone) -> None:
    (ready.venv / "setup.json").unlink()
    ensure_environment(ready, asked_for_python=False)
    run("the clone's packages", [ready.venv_python, "-c", "import a_clone, an_emulator"])


def test_a_package_without_a_hash_is_not_installed(ready: Clone, tmp_path: Path) -> None:
    wheel = tmp_path / "wanted-1-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("wanted-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: wanted\nVersion: 1\n")
        archive.writestr("wanted-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("wanted-1.dist-info/RECORD", "")
    wanted = f"--no-index\n--find-links {tmp_path}\nwanted==1"
    (ready.root / "requirements-dev.txt").write_text(wanted)
    with pytest.raises(Problem, match=r"[Hh]ashes are required"):
        ensure_environment(ready, asked_for_python=False)
    assert not is_whole(ready)

    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (ready.root / "requirements-dev.txt").write_text(f"{wanted} --hash=sha256:{found}")
    ensure_environment(ready, asked_for_python=False)
    run("what was wanted", [ready.venv_python, "-m", "pip", "show", "wanted"])


def test_a_failed_install_shows_what_pip_said_and_is_not_taken_for_whole(ready: Clone) -> None:
    (ready.root / "requirements-dev.txt").write_text("--no-such-option\n")
    with pytest.raises(Problem, match=r"pip ended with exit code \d+:\n(.*\n)*.*no such option"):
        ensure_environment(ready, asked_for_python=False)
    assert not is_whole(ready)
