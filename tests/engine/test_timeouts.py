"""How long a gate waits: the resource's custom_timeouts win over the policy's timeout."""

from __future__ import annotations

import pytest
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, looked_at, wait_for_a_look
from tests.waiting import until

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

LIMITED = """
gate = vmss.ScaleSetHealthGate(
    "web",
    scale_set={id!r},
    policy=vmss.GatePolicy(timeout={timeout!r}, hold="0s"),
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts({custom})),
)
"""


@pytest.mark.rest  # a shorter time instead of a longer one
def test_custom_timeouts_of_the_component_reach_the_gate_and_win_over_a_longer_policy_also_in_the_next_run(
    project: Project, azure: Emulator
) -> None:
    azure.load(UNHEALTHY)
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    project.program(LIMITED.format(id=scale_set, timeout="20m", custom='create="3s"'))
    # The second run, after a failed create, is an update, and only create was given.
    for run in ("creating", "updating"):
        ran = project.up()
        assert ran.code != 0
        assert f"HealthGate web {run}" in ran.output
        assert (
            "scale set web is not healthy after 3s, which is the timeout in the resource's custom_timeouts" in ran.told
        )
        evidence = project.state()["HealthGate/web"]["outputs"]["evidence"]
        assert evidence["limitSeconds"] == 3
        assert 3 <= evidence["elapsedSeconds"] < 10

    # Without them the policy's own applies, and the failure says so.
    project.program(LIMITED.format(id=scale_set, timeout="2s", custom=""))
    ran = project.up()
    assert "scale set web is not healthy after 2s, which is the timeout of the policy" in ran.output


def test_custom_timeouts_win_over_a_shorter_policy_and_update_stands_in_for_create(
    project: Project, azure: Emulator
) -> None:
    azure.load(UNHEALTHY)
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    project.program(LIMITED.format(id=scale_set, timeout="1s", custom='update="1.5m"'))
    running = project.start("up", "--yes", "--skip-preview", "--non-interactive")
    running.until("timeout 1m30s")
    wait_for_looks_apart(azure, seconds=1.5)
    azure.load(HEALTHY)
    ran = running.wait()
    assert ran.code == 0, ran.output
    evidence = project.state()["HealthGate/web"]["outputs"]["evidence"]
    assert evidence["limitSeconds"] == 90
    assert evidence["elapsedSeconds"] > 1


def wait_for_looks_apart(azure: Emulator, *, seconds: float) -> None:
    """Wait until the gate has looked for so long."""
    wait_for_a_look(azure)
    until(lambda: looked_at(azure)["web"], lambda looks: looks[-1] - looks[0] > seconds)


@pytest.mark.rest  # tests/gate/test_component.py has it without an engine
def test_custom_timeouts_too_short_for_the_policy_are_refused_in_preview_by_name(
    project: Project, azure: Emulator
) -> None:
    custom = 'create="5m", update="30s"'
    program = LIMITED.format(id=azure.put_scale_set("web"), timeout="20m", custom=custom)
    project.program(program.replace('hold="0s"', 'hold="1m"'))
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    assert "ValueError: opts.custom_timeouts: hold (1m) must be shorter than timeout (30s)" in ran.output
