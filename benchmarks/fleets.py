"""What the gate of a fleet takes: time after its slowest set, requests, memory, CPU. In virtual time.

Half of the sets are Uniform and half Flexible, of three VMs each; they get ready at random moments of 15 minutes, one
half because VMs have booted, the other because applications have got healthy. Azure counts every documented bucket,
tells nothing of them in headers, and takes 0.2 s for each answer.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from statistics import mean

from tests.fleets.worlds import run
from tests.gate.test_metered_waits import Case
from tests.metered import ScaleSet

from pulumi_vmss_health import GatePolicy
from pulumi_vmss_health.waiting.memory import Ending

SEED = 20261126
LATEST = 900.0  # seconds after which the last set is ready
USUAL = [(20, 1), (100, 1), (500, 1)]
LARGE = (5000, 10)


def measure(number: int, subscriptions: int) -> None:
    """Wait for one fleet, and print its row."""
    draw = random.Random(SEED)  # noqa: S311 - no secret
    ready = {f"web{each}": draw.uniform(0, LATEST) for each in range(number)}
    sets = {
        name: ScaleSet(Case(ready=moment, open=("view", "health")[each // 2 % 2]).show, flexible=each % 2 == 0)
        for each, (name, moment) in enumerate(ready.items())
    }
    ids = [f"{each:08}-2222-4333-8444-555555555555" for each in range(subscriptions)]
    before = _memory()
    began = time.process_time()
    ran = run(sets, policy=GatePolicy(timeout="2h"), subscription_of=lambda name: ids[int(name[3:]) % subscriptions])
    cpu = time.process_time() - began
    assert ran.fleet.ending is Ending.HEALTHY  # noqa: S101 - a benchmark of a wait that fails would be worthless
    late = [ran.ended_at[name] - moment for name, moment in ready.items()]
    after = ran.fleet.elapsed - max(ready.values())
    print(
        f"{number:6} {subscriptions:14} {after:11.1f}s {mean(late):9.1f}s {max(late):8.1f}s "
        f"{sum(ran.azure.asked.values()) / number:13.1f} {len(ran.azure.refused):5} {_memory() - before:7.0f} MB "
        f"{cpu / (ran.fleet.elapsed / 60):11.2f}s",
        flush=True,
    )


def _memory() -> float:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(fleets: list[tuple[int, int]] = USUAL) -> None:
    """Print the table."""
    print(
        f"{'sets':>6} {'subscriptions':>14} {'after last':>12} {'mean late':>10} {'max late':>9} "
        f"{'requests/set':>13} {'429s':>5} {'memory':>10} {'CPU/minute':>12}"
    )
    for number, subscriptions in fleets:
        measure(number, subscriptions)


if __name__ == "__main__":
    main([*USUAL, LARGE] if "all" in sys.argv else USUAL)
