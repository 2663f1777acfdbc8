"""What the workflows may do: they cannot be run here, but read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.tools.support import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
WRITES = {"id-token": "write", "attestations": "write", "artifact-metadata": "write"}


def jobs(file: Path) -> dict[str, Any]:
    workflow: dict[Any, Any] = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    found: dict[str, Any] = workflow["jobs"]
    return found


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_taken_by_its_commit(file: Path) -> None:
    steps = [step for job in jobs(file).values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions
    assert [each for each in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each)] == []
    assert all("uses" in step or "run" in step for step in steps)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_what_runs_by_a_make_target_is_one_of_the_makefile(file: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    commands = [step.get("run", "") for job in jobs(file).values() for step in job["steps"]]
    assert set(re.findall(r"make ([a-z-]+)", "\n".join(commands))) <= set(targets)
    assert all((REPOSITORY / each).exists() for each in re.findall(r"\S+\.txt|^\.ci/\S+", "\n".join(commands), re.M))


def test_only_the_job_that_publishes_may_sign_and_it_runs_none_of_the_repositorys_code() -> None:
    release = jobs(REPOSITORY / ".github" / "workflows" / "release.yml")
    assert "permissions" not in release["build"]
    publish = release["publish"]
    assert publish["permissions"] == {"contents": "read", **WRITES}
    assert (publish["needs"], publish["environment"]) == ("build", "pypi")
    commands = " ".join(step.get("run", "") for step in publish["steps"])
    assert not re.search(r"make|nox|\.ci|\.py\b|pip install (?!--require-hashes)", commands)
