"""Many gates in one stack: all of them wait at once, and hold nobody else up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.engine.processes import provider_below, resident_mib
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, looked_at, wait_for_a_look
from tests.waiting import until

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

VIEWS = 5  # more than the threads that serve Check and Diff

PROGRAM = """
for number, id in enumerate({ids!r}[:{gates}]):
    vmss.ScaleSetHealthGate(f"web{{number}}", scale_set=id, policy=vmss.GatePolicy(timeout="5m", hold="0s"))
for number in range({views}):
    vmss.ScaleSetInstanceView(f"view{{number}}", scale_set={ids!r}[-1], triggers=[{gates}])
"""


def scale_sets(azure: Emulator, gates: int) -> list[str]:
    """A set for each gate, and one to look at."""
    names = [*(f"web{number}" for number in range(gates)), "seen"]
    return [azure.put_scale_set(name, capacity=2, health=True) for name in names]


def waits(project: Project) -> list[float]:
    """How long the gates that passed have waited, in seconds."""
    gates = [each["outputs"] for key, each in project.state().items() if key.startswith("HealthGate/")]
    return [gate["evidence"]["elapsedSeconds"] for gate in gates if gate["state"] == "healthy"]


@pytest.mark.rest  # test_interrupt.py has twelve that wait at once
@pytest.mark.parametrize("gates", [30, 100])
def test_many_gates_wait_at_once_and_hold_up_neither_the_others_nor_each_other(
    project: Project, azure: Emulator, gates: int
) -> None:
    ids = scale_sets(azure, gates)
    project.program(PROGRAM.format(ids=ids, gates=0, views=VIEWS))
    assert project.up().code == 0
    azure.load(UNHEALTHY)
    project.program(PROGRAM.format(ids=ids, gates=gates, views=VIEWS))
    began = time.monotonic()
    running = project.start_up("--parallel", "200")
    wait_for_a_look(azure, gates + 1)
    for number in range(VIEWS):  # checked, compared and read while every gate waits
        running.until(f"ScaleSetInstanceView view{number} updated")
    provider = provider_below(running.pid)
    memory = resident_mib(provider) if provider else None
    azure.load(HEALTHY)
    ran = running.wait()
    took = time.monotonic() - began
    assert ran.code == 0, ran.output
    assert len(waits(project)) == gates
    assert took <= max(waits(project)) + 30  # one after the other they would take many minutes
    assert memory is not None or not Path("/proc/self/status").exists()
    assert memory is None or memory < 120


def test_with_fewer_steps_than_gates_only_so_many_wait_and_the_others_begin_when_they_have_passed(
    project: Project, azure: Emulator
) -> None:
    azure.load(UNHEALTHY)
    project.program(PROGRAM.format(ids=scale_sets(azure, 6), gates=6, views=0))
    project.environment["PULUMI_PARALLEL"] = "3"
    running = project.start_up()
    wait_for_a_look(azure, 3)
    first = set(looked_at(azure))
    until(lambda: min(map(len, looked_at(azure).values())), lambda looks: looks >= 3)
    assert set(looked_at(azure)) == first
    azure.load(HEALTHY)
    ran = running.wait()
    assert ran.code == 0, ran.output
    assert len(waits(project)) == 6


@pytest.mark.rest  # test_quota.py has it of one gate
def test_throttling_delays_gates_and_breaks_none(project: Project, azure: Emulator) -> None:
    gates = 12  # whose full looks are 60 requests
    ids = scale_sets(azure, gates)
    quota = {"quota": {"reads": {"size": 40, "per_minute": 600}}}
    azure.load({**UNHEALTHY, **quota})
    project.program(PROGRAM.format(ids=ids, gates=gates, views=VIEWS))
    running = project.start_up("--parallel", "50")
    wait_for_a_look(azure, gates + 1)
    azure.load({**HEALTHY, **quota})
    ran = running.wait()
    assert any(request.status == 429 for request in azure.requests)
    assert ran.code == 0, ran.output
    assert len(waits(project)) == gates
