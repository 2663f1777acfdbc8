"""What a `pulumi up` with nothing to do costs, with gates and without."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.engine.projects import AZURE_NATIVE, HEALTHY, TOOLCHAIN, Project

from benchmarks.suite import peers
from benchmarks.suite.peers import Ground
from benchmarks.suite.processes import Command, inherited, work
from benchmarks.suite.works import OF_PROCESSES, RUNS, Effort, LeftOut, NotDone, Table, Whose, Work, in_turns

TITLE = "`pulumi up` with nothing to do"
UP = ("up", "--yes", "--skip-preview", "--non-interactive")
ABOUT = (
    "The real engine with a file backend, on the emulator. Every stack was deployed before; the command finds that "
    "nothing has changed. Time is that of the command, CPU that of all its processes, memory that of the largest one. "
    "Pulumi's question to pip, which takes a second each time and is the same with and without gates, is answered from "
    "a file. "
)
BARE = (
    "Nothing but gates is in these stacks, so the one without them needs no provider's process at all. A gate is a "
    "component with a dynamic resource in it: 20 of these that do nothing show what Pulumi's own mechanism takes, "
    "without this project."
)
SETS = (
    "In these stacks are also 20 scale sets of azure-native, by the emulator's stand-in for that plugin, and without "
    "its SDK, whose import alone takes longer."
)
WITHOUT, GATED, IDLE = "without gates", "with 20 gates", "with 20 components that do nothing"
LOCAL_COMMAND = LeftOut(
    "`command.local.Command` around az",
    "its plugin is on the vendor's download site alone; and with nothing to do it starts no az, so that a process for "
    "each gate would be no stand-in",
)
_GATES = """
import pulumi_vmss_health as vmss
for number, id in enumerate({ids!r}):
    vmss.ScaleSetHealthGate(f"web{{number}}", scale_set=id, policy=vmss.GatePolicy(timeout="5m", hold="0s"))
"""
_IDLE = """
from pulumi import dynamic
class Nothing(dynamic.ResourceProvider):
    def create(self, props):
        return dynamic.CreateResult("id", props)
class Thing(dynamic.Resource):
    def __init__(self, number, parent):
        options = pulumi.ResourceOptions(parent=parent)
        super().__init__(Nothing(), f"web{number}", {"number": number}, options)
for number in range(20):
    Thing(number, pulumi.ComponentResource("gated:index:Thing", f"web{number}"))
"""
_SETS = """
place = {"resourceGroupName": "rg", "location": "westeurope"}
kind = {"sku": {"name": "Standard_B1s", "capacity": 2.0}, "upgradePolicy": {"mode": "Manual"}}
names = [f"{name}{number}" for number in range(20)]
sets = [AzureNative("compute:VirtualMachineScaleSet", each, vmScaleSetName=each, **place, **kind) for each in names]
"""
_ON_SETS = """
import pulumi_vmss_health as vmss
for number, each in enumerate(sets):
    policy = vmss.GatePolicy(timeout="5m", hold="0s")
    vmss.ScaleSetHealthGate(f"web{number}", scale_set=each.id, policy=policy, triggers=[each.etag])
"""


def tables(effort: Effort) -> Iterator[Table]:
    """Measure."""
    if shutil.which("pulumi") is None and not (TOOLCHAIN / "pulumi").exists():
        yield Table("up", TITLE, ABOUT, OF_PROCESSES, [], [LeftOut(TITLE, "no Pulumi CLI: `make setup` gets one")])
        return
    with peers.ground(HEALTHY) as ground:
        ids = [ground.azure.put_scale_set(f"web{number}", capacity=2, health=True) for number in range(100)]
        runs, warm_ups = effort(RUNS, 1), effort(1, 0)
        works = [
            _work(ground, GATED, _GATES.format(ids=ids[:20]), 41, "ours"),
            _work(ground, "with 1 gate", _GATES.format(ids=ids[:1]), 3, "ours"),
            _work(ground, WITHOUT, "", 1, "floor"),
            _work(ground, IDLE, _IDLE, 41),
        ]
        yield Table("up", TITLE, ABOUT + BARE, OF_PROCESSES, in_turns(works, runs, warm_ups), [LOCAL_COMMAND])
        beside = [
            _work(ground, GATED, _named("gated") + _ON_SETS, 61, "ours"),
            _work(ground, WITHOUT, _named("plain"), 21, "floor"),
        ]
        measured = in_turns(beside, runs, warm_ups)
        yield Table("up-sets", f"{TITLE}, beside 20 scale sets", ABOUT + SETS, OF_PROCESSES, measured)
        if effort.quick:
            return
        hundred = [_work(ground, "with 100 gates", _GATES.format(ids=ids), 201, "ours"), works[2]]
        about = f"{ABOUT}Five runs, because the time is short."
        yield Table("up-100", f"{TITLE}, 100 gates", about, OF_PROCESSES, in_turns(hundred, 5))


def _named(name: str) -> str:
    """The program of 20 sets, which have such names: no two stacks have the same sets."""
    return f"{AZURE_NATIVE}name = {name!r}\n{_SETS}"


def _work(ground: Ground, name: str, program: str, resources: int, whose: Whose = "peer") -> Work:
    """Deploy a stack; the work is to find nothing to do. resources: how many there are then, the stack among them."""
    folder = Path(tempfile.mkdtemp(dir=ground.folder))
    project = Project(folder, ground.azure, inherited())
    (project.folder / "__main__.py").write_text(f"import pulumi\n{program}")
    ran = project.up("--parallel", "200")
    if ran.code != 0:
        raise NotDone(f"{name}: it cannot be deployed: {ran.output}")
    pulumi = shutil.which("pulumi", path=project.environment["PATH"]) or "pulumi"

    def is_right(said: str) -> bool:
        return re.findall(r"^ +(\d+ unchanged|[-+~].*)$", said.partition("Resources:")[2], re.MULTILINE) == [
            f"{resources} unchanged"
        ]

    return work(name, Command([pulumi, *UP], project.environment, is_right, project.folder), whose)
