"""Each undocumented mechanism of Pulumi taken away in turn: display gets worse, verdicts stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, wait_for_a_look
from tests.engine.test_gate import gated

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

# What a later Pulumi, another library or another grpc may do to a provider's process.
NO_CONTEXT = "import grpc, grpc._server; grpc.ServicerContext = type('ServicerContext', (), {})"
NO_PARTIAL_FAILURE = "from pulumi.runtime.proto import provider_pb2; del provider_pb2.ErrorResourceInitFailed"
STATUS_TAKEN = "import google.rpc.status_pb2"  # registers the message that Pulumi's own module would register
NO_LOG = "from pulumi.runtime.proto import engine_pb2_grpc; del engine_pb2_grpc.EngineStub"
NO_ADDRESS = "del sys.argv[1:]"
OTHER_ADDRESS = "sys.argv.append('127.0.0.1:1')"
NO_POOLS = "import grpc._server; grpc._server._select_thread_pool_for_behavior = lambda behavior, default: default"
NO_CONFIGURATION = "import pulumi.dynamic; del pulumi.dynamic.Config.get"
NOTHING = "; ".join([NO_CONTEXT, NO_PARTIAL_FAILURE, NO_LOG, NO_ADDRESS, NO_POOLS, NO_CONFIGURATION])


def take_away(project: Project, code: str) -> None:
    """Run this in each provider process before anything else."""
    folder = project.folder.parent / "broken"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import sys\nif 'pulumi.dynamic' in sys.orig_argv: {code}\n")
    project.environment["PYTHONPATH"] = str(folder)


@dataclass(frozen=True)
class Gate:
    """One kind of gate, its program, how it fails, and what its row shows meanwhile."""

    kind: str
    program: Callable[[Emulator], str]
    headline: str
    status: str


SINGLE = Gate(
    "HealthGate",
    lambda azure: gated(azure, timeout="4s"),
    "scale set web is not healthy after 4s, which is the timeout",
    "appHealth 2/3, 3/3 VMs, ",
)
FLEET = Gate(
    "FleetGate",
    lambda azure: (
        f"""
    policy = vmss.GatePolicy(timeout="4s", hold="0s")
    fleet = vmss.FleetHealthGate("web", scale_sets={{"a": {scale_set(azure)!r}}}, policy=policy)
    vmss.ScaleSetInstanceView("after", scale_set=fleet.scale_set_ids["a"])
    """
    ),
    "0 of 1 scale sets are healthy after 4s, which is the timeout",
    "0/1 sets healthy, ",
)


@pytest.mark.parametrize("gate", [SINGLE, pytest.param(FLEET, marks=pytest.mark.rest)], ids=lambda gate: gate.kind)
@pytest.mark.parametrize(
    ("missing", "has_status_line", "is_kept"),
    [
        pytest.param(NO_CONTEXT, False, False, id="context", marks=pytest.mark.rest),
        pytest.param(NO_PARTIAL_FAILURE, True, False, id="partial failure", marks=pytest.mark.rest),
        pytest.param(STATUS_TAKEN, True, True, id="status taken", marks=pytest.mark.rest),
        pytest.param(NO_LOG, False, True, id="log", marks=pytest.mark.rest),
        pytest.param(NO_ADDRESS, False, True, id="address", marks=pytest.mark.rest),
        pytest.param(OTHER_ADDRESS, False, True, id="other address", marks=pytest.mark.rest),
        pytest.param(NO_POOLS, True, True, id="pools", marks=pytest.mark.rest),
        pytest.param(NO_CONFIGURATION, True, True, id="configuration", marks=pytest.mark.rest),
        pytest.param(NOTHING, False, False, id="everything"),
    ],
)
def test_without_a_mechanism_a_gate_fails_with_its_reasons_stays_armed_and_passes_once_healed(
    project: Project, azure: Emulator, missing: str, has_status_line: bool, is_kept: bool, gate: Gate
) -> None:
    take_away(project, missing)
    azure.load(UNHEALTHY)
    project.program(gate.program(azure))
    ran = project.up()
    assert ran.code != 0
    assert gate.headline in ran.told
    assert "instance 1: application health unhealthy, want healthy" in ran.told
    assert "look closer: `az vmss list-instances" in ran.told
    rows = [line for line in ran.output.splitlines() if f"{gate.kind} web creating" in line]
    assert any(gate.status in row for row in rows) == has_status_line, ran.output
    state = project.state()
    assert (f"{gate.kind}/web" in state) == is_kept
    assert not is_kept or state[f"{gate.kind}/web"]["outputs"]["state"] == "timedOut"
    assert "ScaleSetInstanceView/after" not in state

    azure.load(HEALTHY)
    before = len(azure.requests)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert any(request.path.endswith("/instanceView") for request in azure.requests[before:]), "it did not gate again"
    state = project.state()
    assert state[f"{gate.kind}/web"]["outputs"]["state"] == "healthy"
    assert "ScaleSetInstanceView/after" in state


@pytest.mark.rest
@pytest.mark.parametrize("missing", [pytest.param(NO_CONTEXT, id="context"), pytest.param(NO_LOG, id="log")])
def test_without_the_engines_log_a_gate_that_only_warns_is_heard_all_the_same(
    project: Project, azure: Emulator, missing: str
) -> None:
    take_away(project, missing)
    azure.load(UNHEALTHY)
    project.program(f"""
    policy = vmss.GatePolicy(timeout="2s", hold="0s")
    vmss.ScaleSetHealthGate("web", scale_set={scale_set(azure)!r}, policy=policy, on_failure="warn")
    """)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert "scale set web is not healthy after 2s, which is the timeout" in ran.told
    assert "instance 1: application health unhealthy, want healthy" in ran.told
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "warned"


@pytest.mark.rest
def test_without_partial_failures_an_update_that_fails_and_a_refresh_leave_the_state_as_it_was(
    project: Project, azure: Emulator
) -> None:
    take_away(project, NO_PARTIAL_FAILURE)
    program = """
    policy = vmss.GatePolicy(timeout="2s", hold="0s")
    vmss.ScaleSetHealthGate("web", scale_set={id!r}, policy=policy, triggers=[{trigger!r}])
    """
    project.program(program.format(id=scale_set(azure), trigger="one"))
    assert project.up().code == 0

    azure.load(UNHEALTHY)
    ran = project.run("refresh", "--yes", "--skip-preview", "--non-interactive")
    assert ran.code != 0
    assert "was healthy and is not any more" in ran.output
    project.program(program.format(id=scale_set(azure), trigger="two"))
    for _ in range(2):
        ran = project.up()
        assert ran.code != 0
        assert "scale set web is not healthy after 2s" in ran.output
        # What it was is a verdict of the deployment before; its triggers say so, and differ from the program's.
        assert project.state()["HealthGate/web"]["outputs"]["triggers"] == ["one"]

    azure.load(HEALTHY)
    assert project.up().code == 0
    assert project.state()["HealthGate/web"]["outputs"]["triggers"] == ["two"]


@pytest.mark.rest
def test_without_the_pool_of_cancel_the_second_ctrl_c_ends_a_gate_which_gates_again(
    project: Project, azure: Emulator
) -> None:
    take_away(project, NO_POOLS)
    azure.load(UNHEALTHY)
    project.program(gated(azure, timeout="10m"))
    running = project.start("up", "--yes", "--skip-preview", "--non-interactive")
    wait_for_a_look(azure)
    running.interrupt()
    running.until("press ^C again")
    running.interrupt()
    ran = running.wait(timeout=30)
    assert ran.code != 0
    assert project.state().get("HealthGate/web", {}).get("outputs", {}).get("state") != "healthy"

    azure.load(HEALTHY)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert project.state()["HealthGate/web"]["outputs"]["state"] == "healthy"


def scale_set(azure: Emulator) -> str:
    return azure.put_scale_set("web", capacity=3, extensions=["cse"], health=True)
