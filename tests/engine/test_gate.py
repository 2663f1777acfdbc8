"""A gate's ordinary life on the real engine."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest
from tests.engine.processes import provider_below, wait_for_the_end
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, looks, wait_for_a_look

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

GATED = """
gate = vmss.ScaleSetHealthGate("web", scale_set={id!r}, policy=vmss.GatePolicy(timeout={timeout!r}, hold="0s"))
after = vmss.ScaleSetInstanceView("after", scale_set={id!r}, opts=pulumi.ResourceOptions(depends_on=[gate]))
pulumi.export("healthy", gate.healthy)
pulumi.export("virtualMachine", gate.virtual_machine)
pulumi.export("label", gate.statuses.apply(lambda statuses: statuses[0].display_status))
pulumi.export("scaleSetId", gate.scale_set_id)
"""


def gated(azure: Emulator, *, timeout: str = "1m") -> str:
    return GATED.format(id=azure.put_scale_set("web", capacity=3, extensions=["cse"], health=True), timeout=timeout)


def test_a_gate_is_unknown_in_preview_but_for_its_id_then_passes_with_typed_outputs_and_unchanged_asks_azure_nothing(
    project: Project, azure: Emulator
) -> None:
    project.program(gated(azure))
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, ran.output
    shown = " ".join(ran.output.split()).replace(" :", ":")
    for output in ("healthy", "virtualMachine", "label"):
        assert f"{output}: [unknown]" in shown, ran.output
    assert re.search(r'scaleSetId: "/subscriptions/\S+/web"', shown), "the program knows the id"
    assert azure.requests == ()

    ran = project.up()
    assert ran.code == 0, ran.output
    # Typed in the program, Azure's JSON outside.
    assert project.outputs() == {
        "healthy": True,
        "label": "Provisioning succeeded",
        "scaleSetId": project.state()["HealthGate/web"]["outputs"]["scaleSetId"],
        "virtualMachine": {"statusesSummary": [{"code": "ProvisioningState/succeeded", "count": 3}]},
    }

    before = len(azure.requests)
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, ran.output
    assert len(azure.requests) == before


def test_a_failed_gate_says_why_keeps_its_verdict_through_a_healthy_refresh_and_gates_again_until_it_passes(
    project: Project, azure: Emulator
) -> None:
    azure.load(UNHEALTHY)
    project.program(gated(azure, timeout="4s"))
    ran = project.up()
    assert ran.code != 0
    assert "Traceback" not in ran.output
    causes = [line.strip() for line in ran.told.splitlines() if line.strip().startswith("* ")]
    assert f"{len(causes)} errors occurred:" in ran.output
    assert "scale set web is not healthy after 4s, which is the timeout" in causes[0]
    assert "instance 1: application health unhealthy, want healthy" in causes[1]
    assert causes[2].startswith("* next: check the application's log on the instance")
    assert "look closer: `az vmss list-instances -g rg -n web" in causes[3]

    state = project.state()
    gate = state["HealthGate/web"]["outputs"]
    assert (gate["healthy"], gate["state"]) == (False, "timedOut")
    assert [reason["code"] for reason in gate["reasons"]] == ["ApplicationNotHealthy"]
    assert gate["evidence"]["looks"] >= 2
    assert state["HealthGate/web"]["initErrors"]
    assert "ScaleSetInstanceView/after" not in state

    azure.load(HEALTHY)
    ran = project.refresh()
    assert ran.code == 0, ran.output
    assert "the next `pulumi up` runs this gate again: " in ran.output
    assert "the set is healthy now" in ran.output
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "timedOut"

    before = looks(azure)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert looks(azure) > before
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "healthy"
    assert "ScaleSetInstanceView/after" in project.state()


def test_an_extension_that_fails_ends_the_wait_early_with_the_guests_message(project: Project, azure: Emulator) -> None:
    event = {"instances": [2], "extension": "cse", "state": "failed/50", "message": "no such package: ngnix"}
    scale_set = azure.put_scale_set("web", capacity=3, extensions=["cse"])
    azure.load({"scale_sets": {"*": {"boot": "0s", "extension": "0s", "events": [event]}}})
    project.program(
        f'vmss.ScaleSetHealthGate("web", scale_set={scale_set!r}, policy=vmss.GatePolicy(confirm_failure="5s"))'
    )
    began = time.monotonic()
    ran = project.up()
    assert time.monotonic() - began < 60
    assert ran.code != 0
    assert "instance 2: extension cse failed/50, want succeeded" in ran.told
    assert "no such package: ngnix" in ran.told
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "failing"


@pytest.mark.rest  # test_interrupt.py has it of many gates
@pytest.mark.parametrize("hang", ["headers", "body"])
def test_ctrl_c_ends_a_gate_at_once_whose_look_hangs_and_saves_its_state(
    project: Project, azure: Emulator, hang: str
) -> None:
    azure.load({**UNHEALTHY, "faults": [{"match": "GET */instanceView", "hang": hang}]})
    project.program(gated(azure, timeout="10m"))
    running = project.start("up", "--yes", "--skip-preview", "--non-interactive")
    running.until("HealthGate web creating")
    wait_for_a_look(azure)
    interrupted = running.interrupt()
    ended = running.until("creating failed")
    ran = running.wait(timeout=20)
    assert ended - interrupted < 1
    assert ran.code != 0
    assert "Traceback" not in ran.output
    assert "cancelled" in ran.output
    exported = project.state()
    assert exported["HealthGate/web"]["outputs"]["state"] == "cancelled"
    assert "pending_operations" not in project.run("stack", "export").output


def test_a_provider_whose_engine_was_killed_ends_itself_and_the_next_update_gates(
    project: Project, azure: Emulator
) -> None:
    azure.load(UNHEALTHY)
    project.program(gated(azure, timeout="10m"))
    running = project.start("up", "--yes", "--skip-preview", "--non-interactive")
    wait_for_a_look(azure)
    provider = provider_below(running.pid)
    if provider is None:
        pytest.skip("there is no /proc to find the provider's process in")
    os.kill(running.pid, signal.SIGKILL)
    wait_for_the_end(provider)
    running.wait()
    assert project.run("cancel", "--yes", "dev").code == 0
    azure.load(HEALTHY)
    before = looks(azure)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert looks(azure) > before
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "healthy"
