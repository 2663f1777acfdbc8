"""How cost grows: with the instances of a set, and with the sets of a fleet. Everything here is ours.

Sets live in virtual time, on an Azure in memory that counts every documented bucket, tells nothing of them in headers,
and takes 0.2 s for each answer. Half of the sets are Uniform and half Flexible, of three VMs each; they get ready at
random moments, one half because VMs have booted, the other because applications have got healthy.
`python -m benchmarks.growth` prints what fleets take, for docs/scale.md.
"""

from __future__ import annotations

import math
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from tests.fleets.worlds import run
from tests.gate.test_metered_waits import Case as Wait
from tests.metered import ScaleSet

from benchmarks import judging
from benchmarks.suite.works import RUNS, Effort, Measure, Measured, NotDone, Table, Work, in_turns
from pulumi_vmss_health import GatePolicy
from pulumi_vmss_health.waiting.ending import Ending

TITLE = "How cost grows"
SEED = 20261126
INSTANCES = (1, 3, 10, 30, 100, 300, 1000)
IN_A_SUBSCRIPTION = 500
KINDS = 4  # of sets: both modes, and what is open last
PROCESSOR = Measure("processor", "CPU", "ms")
OF_FLEETS = (
    Measure("processor", "CPU of a set in a minute", "ms"),
    Measure("requests", "requests of a set"),
    Measure("refused", "429s"),
    Measure("late", "noticed after, mean", "s"),
)
OF_INSTANCES = (
    "From bytes to a verdict, as in the table above, by the number of instances; and `json.loads` alone of as many."
)
OF_SETS = (
    "A fleet of so many sets of three machines, which get ready at random moments of five minutes; half of them are "
    "Uniform, half Flexible. In virtual time, on an Azure in memory that counts every documented bucket; its own CPU "
    "is in the figures. Up to 500 sets are in one subscription, as many as that in each of several. One run of each "
    "size; 5,000 sets take too long for a suite of fifteen minutes. Noticed after has the ten seconds of `hold` in it."
)


@dataclass(frozen=True)
class Fleet:
    """What a fleet took. after: the last set was ready; late: each set was ready; processor: in seconds."""

    sets: int
    subscriptions: int
    elapsed: float
    after: float
    late: Sequence[float]
    requests: int
    refused: int
    memory: float
    processor: float


def fleet(number: int, subscriptions: int, latest: float) -> Fleet:
    """Wait for one fleet; the last set is ready within `latest` seconds."""
    draw = random.Random(SEED)  # noqa: S311 - no secret
    ready = {f"web{each}": draw.uniform(0, latest) for each in range(number)}
    sets = {  # of KINDS kinds, each as often in every subscription
        name: ScaleSet(Wait(ready=moment, open=("view", "health")[each // 2 % 2]).show, flexible=each % 2 == 0)
        for each, (name, moment) in enumerate(ready.items())
    }
    ids = [f"{each:08}-2222-4333-8444-555555555555" for each in range(subscriptions)]
    before, began = _memory(), time.process_time()
    subscription_of = {name: ids[each // KINDS % subscriptions] for each, name in enumerate(ready)}
    ran = run(sets, policy=GatePolicy(timeout="2h"), subscription_of=subscription_of.__getitem__)
    processor = time.process_time() - began
    if ran.fleet.ending is not Ending.HEALTHY:
        raise NotDone(f"a fleet of {number} sets ended as {ran.fleet.ending}")
    late = [ran.ended_at[name] - moment for name, moment in ready.items()]
    after = ran.fleet.elapsed - max(ready.values())
    asked, refused = sum(ran.azure.asked.values()), len(ran.azure.refused)
    memory = _memory() - before
    return Fleet(number, subscriptions, ran.fleet.elapsed, after, late, asked, refused, memory, processor)


def _memory() -> float:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def exponent(costs: dict[int, float]) -> float:
    """The power of the size with which the cost grows: least squares on logarithms."""
    points = [(math.log(size), math.log(cost)) for size, cost in costs.items()]
    x, y = mean(each[0] for each in points), mean(each[1] for each in points)
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def tables(effort: Effort) -> Iterator[Table]:
    """Measure."""
    works = []
    for size in INSTANCES:
        case = judging.Case(size)
        times = judging.repeated(size)
        works.append(Work(f"{size:,}", judging.ours(case, times), "ours"))
        works.append(Work(f"{size:,}, `json.loads` alone", judging.floor(case, times), "floor"))
    measured_all = in_turns(works, effort(RUNS, 3))
    yield Table("grow-instances", f"{TITLE}: instances of a set", OF_INSTANCES, (PROCESSOR,), measured_all)
    results = []
    for number in effort((1, 10, 100, 500, 1000, 2000), (1, 10, 100)):
        found = fleet(number, math.ceil(number / IN_A_SUBSCRIPTION), 300.0)
        measured = Measured(f"{number:,}", "ours")
        measured.add(
            {
                "processor": found.processor * 1000 / number / (found.elapsed / 60),
                "requests": found.requests / number,
                "refused": found.refused,
                "late": mean(found.late),
            }
        )
        results.append(measured)
    yield Table("grow-sets", f"{TITLE}: sets of a fleet", OF_SETS, OF_FLEETS, results)


def main() -> None:
    """Print the table of docs/scale.md."""
    print(
        f"{'sets':>6} {'subscriptions':>14} {'after last':>12} {'mean late':>10} {'max late':>9} "
        f"{'requests/set':>13} {'429s':>5} {'memory':>10} {'CPU/minute':>12}"
    )
    for number, subscriptions in ((20, 1), (100, 1), (500, 1), (5000, 10)):
        found = fleet(number, subscriptions, 900.0)
        print(
            f"{number:6} {subscriptions:14} {found.after:11.1f}s {mean(found.late):9.1f}s {max(found.late):8.1f}s "
            f"{found.requests / number:13.1f} {found.refused:5} {found.memory:7.0f} MB "
            f"{found.processor / (found.elapsed / 60):11.2f}s",
            flush=True,
        )


if __name__ == "__main__":
    main()
