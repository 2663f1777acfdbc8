"""What one read of a set's instance view costs as a process of its own."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator

from tests.emulator.clients.table import printed

from benchmarks.suite import peers
from benchmarks.suite.peers import AZ, JAVASCRIPT, SDK, Ground
from benchmarks.suite.processes import WITHIN, Command, ended, work
from benchmarks.suite.works import (
    OF_PROCESSES,
    RUNS,
    Effort,
    LeftOut,
    Measure,
    Measured,
    NotDone,
    Table,
    Work,
    in_turns,
)

TITLE = "One read"
CAPACITY = 3
VIEW, GET, REST = "`vmss-health view`", "`az vmss get-instance-view`", "`az rest`"
ABOUT = (
    f"A process reads the instance view of a set of {CAPACITY} machines, prints it, and ends. az has its token in a "
    "file, as after `az login`; all others sign in each time. The table of `vmss-health view` takes a second read, of "
    "the model, for the capacity."
)

IMPORTS = (Measure("imports", "import alone", "ms"), Measure("modules", "modules"))
OF_IMPORTS = (
    "The imports of one `vmss-health view`, by package, the ten that take longest, as `python -X importtime` tells "
    "them in one run, which is slower than others for it."
)
OURS = ("pulumi_vmss_health", "vmss_instance_view")


def tables(effort: Effort) -> Iterator[Table]:
    """Measure."""
    with peers.ground({"scale_sets": {"web": {"boot": "0s", "extension": "0s"}}}) as ground:
        path = ground.azure.put_scale_set("web", capacity=CAPACITY, extensions=["app"])
        works, left_out = _works(ground, path)
        yield Table("read", TITLE, ABOUT, OF_PROCESSES, in_turns(works, effort(RUNS, 1), effort(1, 0)), left_out)
        yield profile([sys.executable, "-X", "importtime", "-m", "pulumi_vmss_health.cli", "view", path], ground)


def profile(words: list[str], ground: Ground) -> Table:
    """What a read imports, by package."""
    code, _, errors = ended(words, ground.environment, WITHIN)
    if code != 0:
        raise NotDone(f"{' '.join(words)}: {errors[-2000:]}")
    measured: dict[str, Measured] = {}
    for microseconds, module in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \| +(\S+)$", errors, re.MULTILINE):
        package = _package(module)
        row = measured.setdefault(package, Measured(package, "ours" if package in OURS else "floor"))
        row.samples.setdefault("imports", [0.0])[0] += int(microseconds) / 1000
        row.samples.setdefault("modules", [0.0])[0] += 1
    rows = sorted(measured.values(), key=lambda row: -row.samples["imports"][0])
    return Table("read-imports", f"{TITLE}: what it imports", OF_IMPORTS, IMPORTS, rows[:10])


def _package(module: str) -> str:
    """The package of a module, as people install it; Python's own ones are one."""
    first, _, rest = module.partition(".")
    if first in sys.stdlib_module_names or first.startswith("_"):
        return "Python's own modules"
    return f"{first}.{rest.partition('.')[0]}" if first == "azure" and rest else first


def _works(ground: Ground, path: str) -> tuple[list[Work], list[LeftOut]]:
    """What can be measured on this machine, and what cannot."""
    environment, url = ground.environment, f"{ground.azure.url}{path}/instanceView?api-version=2024-11-01"
    view = [sys.executable, "-m", "pulumi_vmss_health.cli", "view", path]
    of_az = {name: value for name, value in ground.with_az.items() if name != "ARM_CLIENT_SECRET"}
    offered = [
        (VIEW, Command(view, environment, _is_table), ()),
        ("`vmss-health view --json`", Command([*view, "--json"], environment, _is_view), ()),
        ("`vmss-health view`, az signs in", Command(view, of_az, _is_table), (AZ,)),
        ("`get_instance_view`, in a program", Command(peers.our_view("web"), environment, _is_view), ()),
        (GET, Command(printed("az vmss get-instance-view -g rg -n web -o json"), environment, _is_view), (AZ,)),
        (REST, Command(printed(f"az rest --method get --url {url}"), environment, _is_view), (AZ,)),
        (SDK + ", in a program", Command(peers.sdk_view("web"), environment, _is_view), (SDK,)),
        (JAVASCRIPT + ", in a program", Command(peers.javascript_view("web"), environment, _is_view), (JAVASCRIPT,)),
    ]  # fmt: skip
    works, left_out = [], []
    for number, (name, command, needs) in enumerate(offered):
        if lacking := peers.left_out(name, *needs):
            left_out += lacking
        else:
            works.append(work(name, command, "ours" if number < 4 else "peer"))
    return works, left_out


def _is_view(text: str) -> bool:
    view = json.loads(text)
    states = view["virtualMachine"]["statusesSummary"]
    return any(each["code"] == "ProvisioningState/succeeded" and each["count"] == CAPACITY for each in states)


def _is_table(text: str) -> bool:
    return "web" in text and f"{CAPACITY} succeeded" in text
