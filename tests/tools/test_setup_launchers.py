"""Program and provider run in one environment: the clone's .venv, unless PULUMI_PYTHON_CMD says otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.tools.support import program
from tools.toolchain.clone import Clone

SHOW = 'echo "${PULUMI_PYTHON_CMD:-$(command -v python3)}|${PULUMI_RUNTIME_VIRTUALENV:-none}|$*"'
LAUNCHERS = ["pulumi-language-python", "pulumi-resource-pulumi-python"]


@pytest.fixture
def ready(clone: Clone) -> Clone:
    """A clone whose language host and provider script only tell which Python they would run."""
    for name in LAUNCHERS:
        program(clone.bin / f"{name}.real", SHOW)
        shutil.copy(clone.launchers / name, clone.bin / name)
    program(clone.venv / "bin" / "python3", "")
    return clone


def launch(clone: Clone, name: str, **environ: str) -> tuple[Path, str, str]:
    """The Python that is run, the virtualenv that is left to choose, and the arguments."""
    command: list[str | Path] = [clone.bin / name, "--root", "a b"]
    said = subprocess.check_output(command, env=os.environ | environ, text=True).strip()
    python, virtualenv, arguments = said.split("|")
    return Path(python).resolve(), virtualenv, arguments


@pytest.mark.parametrize("name", LAUNCHERS)
def test_the_clones_environment_is_taken(ready: Clone, name: str) -> None:
    python, _, arguments = launch(ready, name)
    assert python == ready.venv / "bin" / "python3"
    assert arguments.endswith("--root a b")


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_chosen_python_wins(ready: Clone, name: str) -> None:
    assert launch(ready, name, PULUMI_PYTHON_CMD="/opt/python")[0] == Path("/opt/python")


def test_the_provider_follows_the_projects_virtualenv_as_the_vendors_does(ready: Clone) -> None:
    assert launch(ready, LAUNCHERS[1], PULUMI_RUNTIME_VIRTUALENV=".venv")[1] == ".venv"


def test_the_provider_prefers_a_chosen_python_to_the_virtualenv_because_the_program_does(ready: Clone) -> None:
    assert launch(ready, LAUNCHERS[1], PULUMI_RUNTIME_VIRTUALENV=".venv", PULUMI_PYTHON_CMD="/opt/python")[1] == "none"


def test_the_host_gets_the_executor_beside_it(ready: Clone) -> None:
    _, _, arguments = launch(ready, LAUNCHERS[0])
    assert arguments.startswith(f"-use-executor {ready.bin}/pulumi-language-python-exec")
