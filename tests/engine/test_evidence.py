"""A gate's evidence file on the real engine: written when the gate runs, and no input of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.engine.projects import UNHEALTHY, Project

from pulumi_vmss_health.evidence.reading import read
from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

GATED = """
vmss.ScaleSetHealthGate(
    "web", scale_set={id!r}, policy=vmss.GatePolicy(hold="0s", timeout={timeout!r}), evidence_file={file!r}
)
"""


def gated(azure: Emulator, file: str | None, timeout: str = "1m") -> str:
    return GATED.format(id=azure.put_scale_set("web", health=True), file=file, timeout=timeout)


def test_a_gate_writes_its_evidence_when_it_runs_and_neither_the_state_nor_a_later_change_knows_of_the_file(
    project: Project, azure: Emulator, tmp_path: Path
) -> None:
    file = project.folder / "web.json"
    project.program(gated(azure, "web.json"))
    ran = project.run("preview", "--non-interactive")
    assert ran.code == 0, ran.output
    assert not file.exists(), "a preview waits for nothing"
    assert project.up().code == 0
    (wait,) = read(file)["waits"]
    assert (wait["ending"], wait["beforeFirstPass"], wait["passedBefore"]) == ("healthy", True, None)
    assert wait["requests"] == project.state()["HealthGate/web"]["outputs"]["evidence"]["requests"]
    gate = project.state()["HealthGate/web"]
    assert "evidenceFile" not in {*gate["inputs"], *gate["outputs"]}
    assert str(tmp_path) not in json.dumps(project.deployment())

    file.unlink()
    project.program(gated(azure, "elsewhere.json"))
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, ran.output
    assert not list(project.folder.glob("*.json"))


@pytest.mark.rest  # other changes of the file than the test above
@pytest.mark.parametrize("other", [None, "web.json"])
def test_no_file_and_the_same_file_are_no_change_either(project: Project, azure: Emulator, other: str | None) -> None:
    project.program(gated(azure, "web.json"))
    assert project.up().code == 0
    (project.folder / "web.json").unlink()
    project.program(gated(azure, other))
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, ran.output
    assert not list(project.folder.glob("*.json"))


@pytest.mark.rest  # tests/gate/test_evidence.py has it without an engine
def test_a_gate_that_cannot_write_its_evidence_says_so_before_it_waits(project: Project, azure: Emulator) -> None:
    azure.load(UNHEALTHY)
    project.program(gated(azure, "nowhere/web.json"))
    ran = project.up()
    assert ran.code != 0
    assert "evidence_file: " in ran.told
    assert "nowhere/web.json cannot be written: No such file or directory" in ran.told.replace("\n", " ")
    assert "Traceback" not in ran.output
    assert azure.requests == (), "it is known before the gate waits"


@pytest.mark.rest  # the first test here has the file of a gate that passes
def test_a_gate_that_fails_leaves_its_evidence(project: Project, azure: Emulator) -> None:
    azure.load(UNHEALTHY)
    project.program(gated(azure, "web.json", timeout="3s"))
    ran = project.up()
    assert ran.code != 0
    (wait,) = read(project.folder / "web.json")["waits"]
    assert wait["ending"] == "timedOut"
    assert wait["message"] in ran.told
    assert any("instance 1: application health unhealthy" in line for line in wait["lines"])


@pytest.mark.rest  # tests/gate/test_gate_provider.py has it without an engine
def test_two_gates_do_not_share_a_file(project: Project, azure: Emulator) -> None:
    project.program(
        gated(azure, "web.json") + gated(azure, "./web.json").replace('"web", scale_set', '"other", scale_set')
    )
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    assert "web.json is the file of gate " in ran.told
    assert "each gate needs one of its own" in ran.told
