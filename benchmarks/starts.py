"""What it costs to start: the command, the plugin, the provider's process, and the imports of a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tests.emulator.clients.table import printed

from benchmarks.suite import peers
from benchmarks.suite.peers import AZ, SDK
from benchmarks.suite.processes import Command, inherited, work
from benchmarks.suite.works import OF_PROCESSES, RUNS, Effort, LeftOut, Table, Whose, Work, in_turns

TITLE = "Starts and imports"
ABOUT = (
    "New processes of the same Python, whose caches are warm. The plugin and the provider's process are measured until "
    "they have told the engine their port. Pulumi starts the provider's process for dynamic resources of every "
    "library; ours has what it needs of this project imported as well."
)
PROVIDER = (
    "import pulumi_vmss_health.gate, pulumi_vmss_health.fleet_gate, runpy; "
    "runpy.run_module('pulumi.dynamic', run_name='__main__')"
)


Offered: TypeAlias = tuple[str, list[str], Whose, tuple[str, ...]]


def tables(effort: Effort) -> Iterator[Table]:
    """Measure."""
    environment = inherited()
    for key, title, offered in (("starts", "Starts", STARTS), ("imports", "Imports of a program", IMPORTS)):
        works, left_out = list[Work](), list[LeftOut]()
        for name, words, whose, needs in offered:
            if lacking := peers.left_out(name, *needs):
                left_out += lacking
                continue
            serves = words[-1] == _ENGINE
            works.append(work(name, Command(words, environment, _RIGHT[serves], until_line=serves), whose))
        yield Table(key, title, ABOUT, OF_PROCESSES, in_turns(works, effort(RUNS, 1), effort(1, 0)), left_out)


def _imports(what: str, python: str = sys.executable) -> list[str]:
    return [python, "-c", f"import {what}; print('well')"]


def _module(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


_ENGINE = "127.0.0.1:1"  # where none is
_NATIVE = "pulumi, pulumi_azure_native.compute as compute; compute.VirtualMachineScaleSet"
STARTS: tuple[Offered, ...] = (
    ("`vmss-health --version`", _module("pulumi_vmss_health.cli", "--version"), "ours", ()),
    ("the plugin", _module("pulumi_vmss_health.plugin", _ENGINE), "ours", ()),
    ("the provider's process, with gates", [sys.executable, "-c", PROVIDER, _ENGINE], "ours", ()),
    ("the provider's process, Pulumi's part alone", _module("pulumi.dynamic", _ENGINE), "floor", ()),
    ("`az version`", printed("az version -o json"), "peer", (AZ,)),
)
IMPORTS: tuple[Offered, ...] = (
    ("pulumi and this project", _imports("pulumi, pulumi_vmss_health as vmss; vmss.ScaleSetHealthGate"), "ours", ()),
    ("this project without pulumi", _imports("pulumi_vmss_health"), "ours", ()),
    ("pulumi alone", _imports("pulumi"), "floor", ()),
    ("pulumi and azure-native's compute", _imports(_NATIVE), "peer", ()),
    ("azure-mgmt-compute", _imports("azure.mgmt.compute", peers.sdk_python()), "peer", (SDK,)),
)
# A server tells its port; of all others it is enough that they end well and say something.
_RIGHT: dict[bool, Callable[[str], bool]] = {
    True: lambda said: said.strip().isdigit(),
    False: lambda said: bool(said.strip()),
}
