"""What a refresh may do to a gate: lower its verdict or drop it, never raise it, and ask for no change in silence."""

from __future__ import annotations

import pytest
from tests.emulator.support import ArmSession
from tests.engine.gates import BOTH, Gate
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, looks

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

UNREADABLE = {**HEALTHY, "faults": [{"match": "GET */virtualMachineScaleSets/*", "status": 503}]}

HOLD = 2.0  # seconds


COULD_NOT_SEE = {
    "HealthGate": "could not check whether the set is still healthy: model of scale set web",
    "FleetGate": "could not check the health of web: model of scale set web",
}
FELL = {
    "HealthGate": "scale set web was healthy and is not any more",
    "FleetGate": "0 of 1 scale sets are healthy, 1 was",
}
HEALED = {"HealthGate": "the set is healthy now", "FleetGate": "all sets are healthy now"}


def gated(gate: Gate, azure: Emulator, *, timeout: str = "1m") -> str:
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    return f"""
gate = {gate.declared(repr(scale_set), f'policy=vmss.GatePolicy(hold="2s", timeout={timeout!r})')}
after = vmss.ScaleSetInstanceView(
    "after", scale_set=gate.{gate.output}, opts=pulumi.ResourceOptions(depends_on=[gate])
)
pulumi.export("healthy", gate.healthy)
"""


def reasons(gate: Gate, project: Project) -> list[str]:
    """The codes of what it says of the set."""
    return [reason["code"] for reason in gate.of_the_set(project)["reasons"]]


def delete(azure: Emulator) -> None:
    """Delete the set behind Pulumi's back."""
    arm = ArmSession(azure)
    arm.finish(arm.ask("DELETE", arm.set_id))
    arm.close()


@BOTH
def test_a_refresh_of_a_healthy_gate_is_quiet_warns_where_it_cannot_see_and_arms_the_gate_of_a_set_that_is_ill(
    project: Project, azure: Emulator, gate: Gate
) -> None:
    project.program(gated(gate, azure))
    assert project.up().code == 0
    passed = gate.of(project)

    before = looks(azure)
    ran = project.refresh("--expect-no-changes")
    assert ran.code == 0, ran.output
    assert "warning" not in ran.output
    assert looks(azure) > before, "it did not look"

    azure.load(UNREADABLE)
    ran = project.refresh("--target", passed["urn"])
    assert ran.code == 0, ran.output
    assert f"warning: {COULD_NOT_SEE[gate.kind]}" in ran.output
    assert gate.of(project)["outputs"] == passed["outputs"]

    azure.load(UNHEALTHY)
    ran = project.refresh("--target", passed["urn"])
    assert ran.code == 0, ran.output
    assert "Traceback" not in ran.output
    armed = gate.of(project)
    assert (armed["outputs"]["healthy"], armed["outputs"]["state"]) == (False, "progressing")
    assert armed["outputs"]["message"] == armed["initErrors"][0] == FELL[gate.kind]
    assert reasons(gate, project) == ["ApplicationNotHealthy"]
    assert project.outputs() == {"healthy": True}, "a refresh runs no program"

    azure.load(HEALTHY)
    before = looks(azure)
    assert project.up().code == 0
    assert looks(azure) > before
    assert gate.of(project)["outputs"]["evidence"]["elapsedSeconds"] >= HOLD


@pytest.mark.rest  # the first test here has it without previews
@BOTH
def test_a_preview_with_refresh_tells_what_a_refresh_would_arm_and_arms_nothing(
    project: Project, azure: Emulator, gate: Gate
) -> None:
    project.program(gated(gate, azure))
    assert project.up().code == 0
    ran = project.run("preview", "--refresh", "--non-interactive", "--expect-no-changes")
    assert ran.code == 0, ran.output
    azure.load(UNHEALTHY)
    ran = project.run("preview", "--refresh", "--non-interactive")
    assert FELL[gate.kind] in ran.output
    assert "instance 1: application health unhealthy" in ran.output
    assert f"{gate.kind} web update" in ran.output
    assert gate.of(project)["outputs"]["state"] == "healthy"
    assert "Traceback" not in ran.output

    ran = project.refresh()
    assert ran.code == 0, ran.output
    armed = gate.of(project)
    assert (armed["outputs"]["healthy"], armed["outputs"]["state"]) == (False, "progressing")
    assert armed["outputs"]["message"] == armed["initErrors"][0] == FELL[gate.kind]
    assert reasons(gate, project) == ["ApplicationNotHealthy"]
    assert project.outputs() == {"healthy": True}, "a refresh runs no program"

    azure.load(HEALTHY)
    ran = project.run("preview", "--refresh", "--non-interactive", "--expect-no-changes")
    assert ran.code != 0, "healthy again, and armed all the same"
    before = looks(azure)
    assert project.up().code == 0
    assert looks(azure) > before
    assert gate.of(project)["outputs"]["evidence"]["elapsedSeconds"] >= HOLD


@pytest.mark.rest  # test_gate.py has it with a refresh of its own
@BOTH
def test_a_gate_that_failed_gates_again_with_the_whole_hold_also_in_an_update_that_refreshes_first(
    project: Project, azure: Emulator, gate: Gate
) -> None:
    azure.load(UNHEALTHY)
    project.program(gated(gate, azure, timeout="7s"))
    assert project.up().code != 0
    azure.load(HEALTHY)
    ran = project.up("--refresh")
    assert ran.code == 0, ran.output
    assert HEALED[gate.kind] in ran.output
    passed = gate.of(project)
    assert (passed["outputs"]["state"], passed.get("initErrors")) == ("healthy", None)
    assert passed["outputs"]["evidence"]["elapsedSeconds"] >= HOLD
    assert "ScaleSetInstanceView/after" in project.state()
    assert project.up("--refresh", "--expect-no-changes").code == 0


@pytest.mark.rest  # test_gate_provider.py drops the gate, test_instance_view.py a resource of a stack
@BOTH
@pytest.mark.parametrize("before", ["passed", "failed"])
def test_a_refresh_drops_the_gate_of_a_deleted_set_and_the_next_update_gates_a_new_one(
    project: Project, azure: Emulator, gate: Gate, before: str
) -> None:
    azure.load(HEALTHY if before == "passed" else UNHEALTHY)
    project.program(gated(gate, azure, timeout="1m" if before == "passed" else "4s"))
    assert (project.up().code == 0) == (before == "passed")
    first = gate.of(project)["id"]
    delete(azure)
    ran = project.refresh()
    assert ran.code == 0, ran.output
    assert f"{gate.kind}/web" not in project.state()

    azure.load(HEALTHY)
    program = gated(gate, azure)
    seen = looks(azure)
    project.program(program)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert looks(azure) > seen
    assert gate.of(project)["id"] != first
