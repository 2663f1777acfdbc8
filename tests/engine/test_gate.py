"""A gate's ordinary life on the real engine."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.engine.processes import provider_below, resident_mib, wait_for_the_end
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, looked_at, wait_for_a_look

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


def test_preview_knows_nothing_of_the_outputs_and_asks_azure_nothing(project: Project, azure: Emulator) -> None:
    project.program(gated(azure))
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, ran.output
    for output in ("healthy", "virtualMachine", "label", "scaleSetId"):
        assert f"{output}: [unknown]" in " ".join(ran.output.split()).replace(" :", ":"), ran.output
    assert azure.requests == ()


def test_a_gate_passes_and_its_outputs_are_typed_in_the_program_and_azures_json_outside(
    project: Project, azure: Emulator
) -> None:
    project.program(gated(azure))
    ran = project.up()
    assert ran.code == 0, ran.output
    assert project.outputs() == {
        "healthy": True,
        "label": "Provisioning succeeded",
        "scaleSetId": project.state()["HealthGate/web"]["outputs"]["scaleSetId"],
        "virtualMachine": {"statusesSummary": [{"code": "ProvisioningState/succeeded", "count": 3}]},
    }


def test_the_status_line_is_on_the_gates_own_row_and_changes(project: Project, azure: Emulator) -> None:
    azure.load(UNHEALTHY)
    project.program(gated(azure))
    running = project.start("up", "--yes", "--skip-preview", "--non-interactive")
    running.until("appHealth 2/3, ")
    azure.load(HEALTHY)
    ran = running.wait()
    assert ran.code == 0, ran.output
    rows = [line for line in ran.output.splitlines() if "HealthGate web creating" in line]
    assert any("3/3 VMs, appHealth 2/3, " in row and "of 1m" in row for row in rows), ran.output
    assert any("3/3 VMs, appHealth 3/3, healthy" in row for row in rows), ran.output
    assert any("created" in line for line in ran.output.splitlines() if "HealthGate web" in line)


def test_nothing_changed_asks_azure_nothing(project: Project, azure: Emulator) -> None:
    project.program(gated(azure))
    assert project.up().code == 0
    before = len(azure.requests)
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, ran.output
    assert len(azure.requests) == before


def test_a_failed_gate_says_why_keeps_its_verdict_and_gates_again_until_it_passes(
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
    ran = project.up()
    assert ran.code == 0, ran.output
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


def test_a_failed_gate_stays_armed_through_a_healthy_refresh(project: Project, azure: Emulator) -> None:
    azure.load(UNHEALTHY)
    project.program(gated(azure, timeout="3s"))
    assert project.up().code != 0
    azure.load(HEALTHY)
    ran = project.run("refresh", "--yes", "--skip-preview", "--non-interactive")
    assert ran.code == 0, ran.output
    assert "the gate is armed" in ran.output
    assert "healthy now; the next `pulumi up` gates again" in ran.output
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "timedOut"

    before = len(azure.requests)
    assert project.up().code == 0
    assert any(request.path.endswith("/instanceView") for request in azure.requests[before:])
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "healthy"


def test_a_refresh_lowers_a_verdict_and_arms_the_gate(project: Project, azure: Emulator) -> None:
    project.program(gated(azure, timeout="3s"))
    assert project.up().code == 0
    azure.load(UNHEALTHY)
    ran = project.run("refresh", "--yes", "--skip-preview", "--non-interactive")
    assert "was healthy and is not any more" in ran.output
    assert project.state()["HealthGate/web"]["outputs"]["healthy"] is False
    assert project.up().code != 0


@pytest.mark.parametrize(
    "hang", [None, pytest.param("headers", marks=pytest.mark.rest), pytest.param("body", marks=pytest.mark.rest)]
)
def test_ctrl_c_ends_a_waiting_gate_at_once_and_saves_its_state(
    project: Project, azure: Emulator, hang: str | None
) -> None:
    azure.load({**UNHEALTHY, **({"faults": [{"match": "GET */instanceView", "hang": hang}]} if hang else {})})
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


def test_twelve_gates_wait_at_once_in_little_memory(project: Project, azure: Emulator) -> None:
    azure.load(UNHEALTHY)
    ids = [azure.put_scale_set(f"web{number}", capacity=2, health=True) for number in range(12)]
    project.program(f"""
    for number, id in enumerate({ids!r}):
        vmss.ScaleSetHealthGate(f"web{{number}}", scale_set=id, policy=vmss.GatePolicy(hold="6s"))
    """)
    running = project.start("up", "--yes", "--skip-preview", "--non-interactive", "--parallel", "50")
    wait_for_a_look(azure, 12)
    provider = provider_below(running.pid)
    memory = resident_mib(provider) if provider else None
    azure.load(HEALTHY)
    ran = running.wait()
    assert ran.code == 0, ran.output
    waits = [(min(times), max(times)) for times in looked_at(azure).values()]
    assert max(begin for begin, _ in waits) < min(end for _, end in waits), "the gates did not wait at the same time"
    assert memory is not None or not Path("/proc/self/status").exists()
    assert memory is None or memory < 120


def test_a_provider_whose_engine_was_killed_ends_itself_instead_of_polling_for_ever(
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
