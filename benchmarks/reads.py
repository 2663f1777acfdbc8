"""What one look at a scale set costs: `vmss-health view` beside az, in turns, on the same offline Azure.

az is that of `make clients`; where it was not made, it is left out. It keeps its token in a file, so that only the
first run, which does not count, signs in; `vmss-health view` signs in each time. The last line is a `view` that has its
token from az, as on a machine where somebody has typed `az login`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.emulator.clients.table import printed

from vmss_emulator import Emulator
from vmss_emulator.running import az_login

RUNS = 11
CAPACITY = 3
# A process of its own starts what is measured: the kernel counts the memory of who forks as that of the child.
MEASURE = """
import os, sys, time
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
began = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """Of one run, or the medians of several: seconds on the wall, seconds of a processor, the most memory in MB."""

    wall: float
    processor: float
    memory: float

    @classmethod
    def median(cls, costs: list[Cost]) -> Cost:
        """The median of each."""
        return cls(*(median(getattr(each, name) for each in costs) for name in ("wall", "processor", "memory")))


@dataclass(frozen=True)
class Command:
    """A command that looks. is_right: whether what it printed is all that it was asked for."""

    name: str
    words: list[str]
    environment: dict[str, str]
    is_right: Callable[[str], bool]

    def cost(self, folder: Path) -> Cost:
        """Run it. Raises RuntimeError if it printed anything else than the scale set."""
        out = folder / "out"
        words = [sys.executable, "-I", "-S", "-c", MEASURE, str(out), *self.words]
        ran = subprocess.run(  # noqa: S603 - ourselves
            words, env=self.environment, capture_output=True, text=True, check=True
        )
        wall, processor, memory, code = ran.stdout.split()
        if code != "0" or not self.is_right(out.read_text()):
            raise RuntimeError(f"{self.name}: exit code {code}: {out.read_text()}{ran.stderr}")
        return Cost(float(wall), float(processor), int(memory) / (2**20 if sys.platform == "darwin" else 2**10))


def commands(azure: Emulator, path: str, folder: Path) -> list[Command]:
    """What can be measured on this machine."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ARM_", "AZURE_"))}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    environment = {**inherited, **azure.environment, "AZURE_CONFIG_DIR": str(folder / "az")}
    view = [sys.executable, "-m", "pulumi_vmss_health.cli", "view", path]
    ours = [
        Command("vmss-health view", view, environment, _is_table),
        Command("vmss-health view --json", [*view, "--json"], environment, _is_view),
    ]
    get = printed("az vmss get-instance-view -g rg -n web -o json")
    if not Path(get[0]).exists():
        print("az is left out: `make clients` makes it")
        return ours
    given = (azure.tenant_id, azure.subscription_id, azure.client_id, azure.client_secret)
    (folder / "az").mkdir()
    az_login.write(folder / "az", azure.url, *given)
    rest = printed(f"az rest --method get --url {azure.url}{path}/instanceView?api-version=2024-11-01")
    (folder / "bin").mkdir()
    started = folder / "bin" / "az"
    started.write_text(f'#!/bin/sh\nexec {shlex.join(get[:3])} "$@"\n')
    started.chmod(0o755)
    of_az = {name: value for name, value in environment.items() if name != "ARM_CLIENT_SECRET"}
    of_az["PATH"] = f"{started.parent}{os.pathsep}{of_az['PATH']}"
    return [
        *ours,
        Command("az vmss get-instance-view", get, environment, _is_view),
        Command("az rest", rest, environment, _is_view),
        Command("vmss-health view, az signs in", view, of_az, _is_table),
    ]


def _is_view(text: str) -> bool:
    states = json.loads(text)["virtualMachine"]["statusesSummary"]
    return any(each["code"] == "ProvisioningState/succeeded" and each["count"] == CAPACITY for each in states)


def _is_table(text: str) -> bool:
    return "web" in text and f"{CAPACITY} succeeded" in text


def main() -> None:
    """Print the table."""
    with Emulator("scale_sets: {web: {boot: 0s, extension: 0s}}") as azure, tempfile.TemporaryDirectory() as folder:
        path = azure.put_scale_set("web", capacity=CAPACITY, extensions=["app"])
        measured = commands(azure, path, Path(folder))
        costs: dict[str, list[Cost]] = {each.name: [] for each in measured}
        for run in range(RUNS + 1):
            for each in measured:
                cost = each.cost(Path(folder))
                if run:  # the first one fills caches
                    costs[each.name].append(cost)
    print(f"{'one look, median of ' + str(RUNS):30} {'wall':>8} {'processor':>10} {'memory':>9}")
    for name, of_runs in costs.items():
        found = Cost.median(of_runs)
        print(f"{name:30} {found.wall:6.2f} s {found.processor:8.2f} s {found.memory:6.0f} MB")


if __name__ == "__main__":
    main()
