"""The examples for pipelines: a parser reads each, and what knows a command's options checks each line of shell.

Those that are programs run on the engine: tests/engine.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.documents import shell
from tests.documents.test_blocks import check_pipeline, scripts_of
from tests.pages import ROOT

FOLDER = ROOT / "examples" / "pipelines"
FILES = sorted(FOLDER.glob("*.yml"))


def jobs(file: Path) -> list[dict[str, Any]]:
    found = yaml.safe_load(file.read_text())["jobs"]
    return list(found.values()) if isinstance(found, dict) else found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_pipeline_has_commands_that_exist_with_options_that_they_have(file: Path) -> None:
    check_pipeline(yaml.safe_load(file.read_text()))
    scripts = [script for job in jobs(file) for step in job["steps"] for script in scripts_of(step)]
    assert any("vmss-health wait" in script for script in scripts)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_job_may_take_longer_than_the_wait_in_it(file: Path) -> None:
    (minutes,) = re.findall(r"--timeout (\d+)m", file.read_text())
    (job,) = jobs(file)
    assert int(job.get("timeout-minutes") or job["timeoutInMinutes"]) >= int(minutes) + 10


def test_the_makefile_runs_commands_that_exist_in_their_order() -> None:
    make = ["make", "--no-print-directory", "--dry-run", "release"]  # which is said by a make within a make
    ran = subprocess.run(make, cwd=FOLDER, capture_output=True, text=True, check=True)
    shell.check(ran.stdout)
    deploy, wait = shell.simple_commands(ran.stdout)
    assert (deploy[0], wait[:2]) == ("./my-tool", ["vmss-health", "wait"])


def test_every_example_says_that_it_was_not_tried_on_the_service() -> None:
    files = [*FILES, FOLDER / "Makefile"]
    assert len(files) == 3
    assert [file.name for file in files if not re.search(r"not tried", file.read_text(), re.IGNORECASE)] == []


def test_the_machines_of_two_examples_which_can_each_be_copied_alone_are_the_same() -> None:
    rings, blue_green = ((ROOT / "examples" / name / "machines.py").read_text() for name in ("rings", "blue_green"))
    assert rings == blue_green
