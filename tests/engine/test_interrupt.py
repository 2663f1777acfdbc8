"""What Ctrl-C, and a pipeline's SIGTERM, do to gates that wait: many of one set each, and one of many sets."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, Ran, wait_for_a_look

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

SETS = 12


@dataclass(frozen=True)
class Gates:
    """Gates of so many sets. declared: their program. rows: what Pulumi calls them on their rows."""

    declared: str
    rows: tuple[str, ...]

    def program(self, azure: Emulator) -> str:
        """Gates that wait for long."""
        ids = {f"web{number}": azure.put_scale_set(f"web{number}", capacity=2, health=True) for number in range(SETS)}
        return f"""
        ids, policy = {ids!r}, vmss.GatePolicy(timeout="10m", hold="0s")
        {self.declared}
        """

    def states(self, project: Project) -> list[object]:
        """How the gates are stored."""
        kind = self.rows[0].split()[0]
        return [each["outputs"]["state"] for key, each in project.state().items() if key.startswith(f"{kind}/")]


SINGLE = Gates(
    "[vmss.ScaleSetHealthGate(name, scale_set=id, policy=policy) for name, id in ids.items()]",
    tuple(f"HealthGate web{number}" for number in range(SETS)),
)
FLEET = Gates('vmss.FleetHealthGate("web", scale_sets=ids, policy=policy)', ("FleetGate web",))


@pytest.mark.parametrize(
    "gates", [pytest.param(SINGLE, id="single"), pytest.param(FLEET, id="fleet", marks=pytest.mark.rest)]
)
@pytest.mark.parametrize(
    ("number", "faults"),
    [
        pytest.param(signal.SIGINT, [], id="SIGINT"),
        pytest.param(
            signal.SIGTERM,
            [{"match": "GET */instanceView", "hang": "body"}],
            id="SIGTERM while bodies hang",
            marks=pytest.mark.rest,
        ),
        # Everything, so that the first look hangs already where it asks which cloud this is.
        pytest.param(
            signal.SIGINT,
            [{"match": "GET *", "hang": "headers"}],
            id="SIGINT while everything hangs",
            marks=pytest.mark.rest,
        ),
    ],
)
def test_a_signal_ends_all_waiting_gates_within_a_second_and_the_next_update_gates_again(
    project: Project, azure: Emulator, number: signal.Signals, faults: list[dict[str, object]], gates: Gates
) -> None:
    azure.load({**UNHEALTHY, "faults": faults})
    project.program(gates.program(azure))
    running = project.start_up("--parallel", "50")
    for row in gates.rows:
        running.until(f"dynamic/vmss-health:{row} creating")
    if not faults or faults[0]["match"] != "GET *":
        wait_for_a_look(azure, SETS)
    interrupted = running.interrupt(number)
    ended = [running.until(f"{row} **creating failed**") for row in gates.rows]
    ran = running.wait(timeout=interrupted + 10 - max(ended))
    assert max(ended) - interrupted < 1
    assert ran.code != 0
    assert "Traceback" not in ran.of_resources
    assert ran.output.count("cancelled after") == len(gates.rows)
    assert gates.states(project) == ["cancelled"] * len(gates.rows)
    assert "pending_operations" not in project.deployment()

    azure.load(HEALTHY)
    before = len(azure.requests)
    ran = project.up("--parallel", "50")
    assert ran.code == 0, ran.output
    assert len({request.path for request in azure.requests[before:] if request.path.endswith("/instanceView")}) == SETS
    assert gates.states(project) == ["healthy"] * len(gates.rows)


@pytest.mark.rest  # another signal after the first
@pytest.mark.parametrize("gates", [pytest.param(SINGLE, id="single"), pytest.param(FLEET, id="fleet")])
def test_a_second_ctrl_c_loses_no_state_and_passes_no_gate(project: Project, azure: Emulator, gates: Gates) -> None:
    azure.load(UNHEALTHY)
    project.program(gates.program(azure))
    running = project.start_up("--parallel", "50")
    wait_for_a_look(azure, SETS)
    running.interrupt()
    running.until("^C received")
    running.interrupt()
    ran = running.wait(timeout=10)
    assert ran.code != 0
    assert "Traceback" not in ran.of_resources
    assert "healthy" not in gates.states(project)
    azure.load(HEALTHY)
    ran = project.up("--parallel", "50")
    assert ran.code == 0, ran.output
    assert gates.states(project) == ["healthy"] * len(gates.rows)
    ran = project.run("refresh", "--yes", "--skip-preview", "--non-interactive", "--clear-pending-creates")
    assert ran.code == 0, ran.output
    assert "pending_operations" not in project.deployment()
    assert gates.states(project) == ["healthy"] * len(gates.rows)


NEWER_HOST = """\
 +  pulumi-python:dynamic/vmss-health:HealthGate web **creating failed** {row}
 +  pulumi:pulumi:Stack gated-dev creating (2s) Traceback (most recent call last):
Diagnostics:
  pulumi:pulumi:Stack (gated-dev):
    Traceback (most recent call last):

    KeyboardInterrupt

    error: update failed
  pulumi-python:dynamic/vmss-health:HealthGate (web):
    error: {error}
"""


@pytest.mark.parametrize(("row", "error", "told"), [("", "", False), ("Traceback", "", True), ("", "Traceback", True)])
def test_a_traceback_is_a_defect_in_a_gate_and_not_in_the_program_that_ctrl_c_ended(
    row: str, error: str, told: bool
) -> None:
    assert ("Traceback" in Ran(1, NEWER_HOST.format(row=row, error=error)).of_resources) == told
