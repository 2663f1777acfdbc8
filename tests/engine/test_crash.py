"""What is left when a process of a gated deployment is killed, at random moments.

`make test-rest` tries a few, `make soak` many: CRASHES says how many. A failure shows its seed;
CRASH_SEED repeats it.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.emulator.support import ArmSession
from tests.engine import processes
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, Running
from tests.waiting import until

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

VICTIMS: Mapping[str, Callable[[int], int | None]] = {
    "CLI": lambda cli: cli,
    "provider": processes.provider_below,
    "program": processes.program_below,
}
CRASHES = int(os.environ.get("CRASHES", "5"))
# Another one in each run, the same in all processes of a run side by side: they must agree on what there is to do.
FIRST = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).randrange(10**6) * len(VICTIMS)  # noqa: S311
SEEDS = [int(os.environ["CRASH_SEED"])] if "CRASH_SEED" in os.environ else range(FIRST, FIRST + CRASHES)

# A resource of azure-native without its SDK, which takes longer to import than all else together.
GATES: Mapping[str, str] = {
    "HealthGate": 'ScaleSetHealthGate("web", scale_set={id!r}',
    "FleetGate": 'FleetHealthGate("web", scale_sets={{"web": {id!r}, "api": {other!r}}}',
}
RELEASE = """
group = pulumi.CustomResource(
    "azure-native:resources:ResourceGroup", "group",
    {{"resourceGroupName": "group", "location": "westeurope", "tags": {{"release": "{release}"}}}},
)
gate = vmss.{gate}, policy=vmss.GatePolicy(timeout="6s", hold="0s"), triggers=["{release}"],
    opts=pulumi.ResourceOptions(depends_on=[group]),
)
vmss.ScaleSetInstanceView(
    "after", scale_set={id!r}, triggers=["{release}"], opts=pulumi.ResourceOptions(depends_on=[gate])
)
"""


@pytest.fixture(autouse=True)
def _needs_proc() -> None:
    if not processes.descendants(os.getppid()):
        pytest.skip("there is no /proc to find the processes in")


@pytest.mark.rest  # test_gate.py has a kill at one moment
@pytest.mark.parametrize("seed", SEEDS, ids="CRASH_SEED={}".format)
def test_after_a_kill_at_a_random_moment_no_gate_has_passed_wrongly_and_the_next_update_completes(
    project: Project, azure: Emulator, seed: int
) -> None:
    random_ = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    victim = list(VICTIMS)[seed % len(VICTIMS)]
    kind = list(GATES)[seed // len(VICTIMS) % len(GATES)]
    scale_set, other = (azure.put_scale_set(name, capacity=2, health=True) for name in ("web", "api"))
    gate = GATES[kind].format(id=scale_set, other=other)
    if random_.random() < 0.5:  # else the crash is in the first deployment
        project.program(RELEASE.format(gate=gate, id=scale_set, release=1))
        assert project.up().code == 0
    project.program(RELEASE.format(gate=gate, id=scale_set, release=2))
    azure.load(UNHEALTHY)
    crash, healing = random_.uniform(0, 5), random_.uniform(0, 8)
    print(f"{kind}: kill the {victim} after {crash:.2f}s, healthy after {healing:.2f}s")

    running = project.start_up()
    running.until("Updating")
    began = time.monotonic()
    if healing < crash:
        sleep_until(began + healing)
        azure.load(HEALTHY)
    sleep_until(began + crash)
    kill(running, victim)
    ran = running.wait()
    print(ran.output)
    assert "Traceback" not in ran.of_resources
    if victim == "CLI":
        meet_pulumis_demands(project, azure)

    passed = gate_of(project, kind, "2").get("state") == "healthy"
    assert not (passed and crash < healing), "a gate is recorded healthy, and its set never was"
    azure.load(HEALTHY)
    before = len(azure.requests)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert gate_of(project, kind, "2")["state"] == "healthy"
    assert project.state()["ScaleSetInstanceView/after"]["outputs"]["triggers"] == ["2"]
    looked = any(request.path.endswith("/rollingUpgrades/latest") for request in azure.requests[before:])
    assert looked != passed, "a gate that had not passed must look again, and only that one"


def sleep_until(moment: float) -> None:
    """Let real processes go on until then: a random moment is no condition to wait for."""
    time.sleep(max(moment - time.monotonic(), 0))


def kill(running: Running, victim: str) -> None:
    """Kill one of the processes, as soon as it is there; providers without an engine must then end themselves."""
    pid = None
    while pid is None and processes.is_running(running.pid):
        pid = VICTIMS[victim](running.pid)
    provider, stand_in = processes.provider_below(running.pid), processes.stand_in_below(running.pid)
    # Before its first call the provider's process has none of our code in it, and Pulumi's own would stay for ever.
    is_ours = "dynamic/vmss-health:" in running.output
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    if victim == "CLI":
        try:
            orphans = (provider if is_ours else None, stand_in)
            processes.wait_for_the_end(*(each for each in orphans if each is not None))
        finally:
            if provider is not None and processes.is_running(provider):
                os.kill(provider, signal.SIGKILL)


def meet_pulumis_demands(project: Project, azure: Emulator) -> None:
    """What Pulumi wants after its CLI was killed.

    The lock stays, and so does a file that was just being written. A group that Azure has made, and the state does not
    have yet, Pulumi leaves to people: it is removed.
    """
    for attributes in project.state_folder.rglob("*.attrs"):
        if not attributes.read_bytes():  # beside the state, written in place: "failed to load checkpoint: EOF"
            print(f"remove the empty {attributes.name}")
            attributes.unlink()
    assert project.run("cancel", "--yes", "dev").code == 0
    pending = [each["resource"]["urn"] for each in project.deployment().get("pending_operations") or []]
    if any(urn.endswith("ResourceGroup::group") for urn in pending):
        arm = ArmSession(azure)
        group = f"/subscriptions/{azure.subscription_id}/resourceGroups/group"
        print("remove the group that was being created:", arm.ask("DELETE", group).status_code)
        until(lambda: arm.ask("GET", group).status_code, lambda status: status == 404)
        arm.close()


def gate_of(project: Project, kind: str, release: str) -> dict[str, Any]:
    """The stored outputs of the gate, if it gated this release."""
    outputs: dict[str, Any] = project.state().get(f"{kind}/web", {}).get("outputs", {})
    return outputs if outputs.get("triggers") == [release] else {}
