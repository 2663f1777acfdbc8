"""Other libraries' dynamic resources in the same stack, and so in the same process as the gates."""

from __future__ import annotations

import signal

import pytest
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, wait_for_a_look

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

GATES = 6  # more than Pulumi's four threads, and than the other library's one

# Two libraries that nobody here wrote: one sets pools of its own, as the SDK allows; the other knows of no pools.
FOREIGN = """
import pathlib
from concurrent.futures import ThreadPoolExecutor
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

class CancelPool(ThreadPoolExecutor):
    def submit(self, *arguments, **more):
        pathlib.Path("cancelled").touch()
        return super().submit(*arguments, **more)

class Plain(ResourceProvider):
    def create(self, props):
        return CreateResult("plain", {**props, "made": True})
    def diff(self, id, olds, news):
        return DiffResult(changes=olds["release"] != news["release"])
    def update(self, id, olds, news):
        return UpdateResult({**news, "made": True})

class Pooled(Plain):
    def configure(self, request):
        import __main__ as process
        process.DynamicResourceProviderServicer.Create.experimental_thread_pool = ThreadPoolExecutor(1)
        process.DynamicResourceProviderServicer.Cancel.experimental_thread_pool = CancelPool(1)

class PlainThing(Resource, module="foreign", name="Plain"):
    def __init__(self, name, release, opts=None):
        super().__init__(Plain(), name, {"release": release, "made": None}, opts)

class PooledThing(Resource, module="foreign", name="Pooled"):
    def __init__(self, name, release, opts=None):
        super().__init__(Pooled(), name, {"release": release, "made": None}, opts)
"""

PROGRAM = """
import asyncio, pathlib
from foreign import PlainThing, PooledThing

async def when(name):
    while name and not pathlib.Path(name).exists():
        await asyncio.sleep(0.05)
    return {release!r}

def gates(name, ids, after):
    policy = vmss.GatePolicy(timeout="10m", hold="0s")
    for number, id in enumerate(ids):
        triggers, opts = [{release!r}], pulumi.ResourceOptions(depends_on=after)
        vmss.ScaleSetHealthGate(f"{{name}}{{number}}", scale_set=id, policy=policy, triggers=triggers, opts=opts)

pooled = PooledThing("pooled", pulumi.Output.from_input(when({last!r})))
plain = PlainThing("plain", {release!r})
view = vmss.ScaleSetInstanceView("view", scale_set={ids!r}[-1], triggers=[{release!r}])
gates("early", {ids!r}[:{gates}], [] if {last!r} else [pooled])
gates("late", {ids!r}[{gates}:-1], [pooled])
"""


@pytest.mark.rest  # test_interrupt.py has gates alone
@pytest.mark.parametrize(
    "order", [pytest.param("configured first", marks=pytest.mark.rest), "configured while gates wait"]
)
def test_other_libraries_and_gates_do_not_disturb_each_other_and_both_hear_ctrl_c(
    project: Project, azure: Emulator, order: str
) -> None:
    (project.folder / "foreign.py").write_text(FOREIGN)
    # Looks that hang: whatever the gates do at each look must not be what brings the pools back.
    azure.load({**UNHEALTHY, "faults": [{"match": "GET */web*/instanceView", "hang": "body"}]})
    names = [*(f"web{number}" for number in range(2 * GATES)), "seen"]
    ids = [azure.put_scale_set(name, capacity=2, health=True) for name in names]
    last = "" if order == "configured first" else "go"
    project.program(PROGRAM.format(ids=ids, gates=GATES, release="1", last=last))
    running = project.start_up("--parallel", "50")
    if last:
        wait_for_a_look(azure, GATES + 1)
        (project.folder / "go").touch()
    for each in ("Plain plain", "Pooled pooled", "ScaleSetInstanceView view"):
        running.until(f"{each} created")
    wait_for_a_look(azure, len(ids))  # of all gates at once, since none ends
    waiting = [f"HealthGate {kind}{number}" for kind in ("early", "late") for number in range(GATES)]
    assert not (project.folder / "cancelled").exists()
    interrupted = running.interrupt(signal.SIGINT)
    ended = max(running.until(f"{each} **creating failed**", timeout=10) for each in waiting)
    ran = running.wait(timeout=10)
    assert ended - interrupted < 1
    assert (project.folder / "cancelled").exists(), "the other library's own pool never heard the engine's Cancel"
    assert "Traceback" not in ran.of_resources

    azure.load(HEALTHY)
    project.program(PROGRAM.format(ids=ids, gates=GATES, release="2", last=last))
    ran = project.up("--parallel", "50")
    assert ran.code == 0, ran.output
    state = project.state()
    assert [state[each.replace(" ", "/")]["outputs"]["state"] for each in waiting] == ["healthy"] * len(waiting)
    for each in ("Plain/plain", "Pooled/pooled"):
        assert state[each]["outputs"]["release"] == "2"
        assert state[each]["outputs"]["made"] is True
