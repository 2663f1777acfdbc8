"""How late a wait notices that a set is ready, and what it asks of Azure until then, beside the schedules of others.

In virtual time, on an Azure in memory that counts every documented bucket and takes 0.2 s for each answer; no header
tells what is left. Ours is everything that the product has between a gate and HTTPS. The others are their documented
schedules; each look of theirs reads the instance view alone, which shows no application health.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean, quantiles

from tests.clocks import VirtualClock
from tests.metered import BUCKETS, Metered, ScaleSet, Show, size_of, timeline, wait
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, ScaleSetId
from pulumi_vmss_health.waiting.memory import Ending
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.clock import Deadline

DRAWS = 150
SEED = 20261123
READY = snapshot(Vm(), Vm(), Vm())
NOT_YET = {
    "a VM boots": snapshot(Vm(), Vm(), Vm(provisioning="creating", health=None, extensions=())),
    "an application is ill": snapshot(Vm(), Vm(), Vm(health="unhealthy")),
}


@dataclass(frozen=True)
class Wait:
    """One wait: how late it noticed (seconds), its requests, the largest share of a bucket that it used, 429s."""

    late: float
    requests: int
    share: float
    refused: int


@dataclass(frozen=True)
class Kind:
    """A kind of wait: what is not ready, and how the set is read."""

    open: str
    flexible: bool = False
    bare: bool = False

    def __str__(self) -> str:
        return f"{'Flexible' if self.flexible else 'Uniform'}{', bare lists' if self.bare else ''}: {self.open}"

    def shown(self, ready: float) -> Show:
        """What Azure shows of the set."""
        return timeline({0: NOT_YET[self.open], ready: READY})


def ours(kind: Kind, ready: float) -> Wait:
    """The gate's own wait; its hold is excluded."""
    azure, scale_set = metered(kind, ready)
    waited = wait(azure.azure(), scale_set, GatePolicy(hold="0s", timeout="2h"))
    assert waited.outcome.ending is Ending.HEALTHY  # noqa: S101 - a benchmark of a wait that fails would be worthless
    return measured(azure, waited.outcome.progress.elapsed, ready)


def metered(kind: Kind, ready: float) -> tuple[Metered, ScaleSetId]:
    """An Azure with one set."""
    azure = Metered(VirtualClock())
    return azure, azure.add("web", ScaleSet(kind.shown(ready), flexible=kind.flexible, bare=kind.bare))


def measured(azure: Metered, noticed: float, ready: float) -> Wait:
    """One wait, against what Azure allowed until then: each bucket and its refill."""
    shares = []
    for key in azure.used:
        size, per_minute = size_of(key)
        shares.append(azure.used[key] / (size + noticed * per_minute / 60))
    return Wait(noticed - ready, sum(azure.asked.values()), max(shares), len(azure.refused))


def every(seconds: float) -> Callable[[], Iterator[float]]:
    """A schedule with one interval."""

    def schedule() -> Iterator[float]:
        while True:
            yield seconds

    return schedule


def terraform() -> Iterator[float]:
    """StateChangeConf: from 100 ms, doubled up to 10 s."""
    pause = 0.1
    while True:
        pause = min(pause * 2, 10.0)
        yield pause


def simulated(schedule: Callable[[], Iterator[float]], ready: float) -> Wait:
    """Another's schedule against the same Azure, reading the view of a Uniform set."""
    azure, scale_set = metered(Kind("a VM boots"), ready)
    clock = azure.clock
    url = f"{PUBLIC.resource_manager}{scale_set}/instanceView"
    for pause in schedule():
        began = clock.time
        answer = azure.get("view", url, "token", Deadline(30, clock))
        if answer.status == 200 and began >= ready:
            break
        clock.sleep(pause)
    return measured(azure, clock.time, ready)


KINDS = [
    Kind("a VM boots"),
    Kind("a VM boots", bare=True),
    Kind("an application is ill"),
    Kind("a VM boots", flexible=True),
    Kind("a VM boots", flexible=True, bare=True),
    Kind("an application is ill", flexible=True, bare=True),
]
SCHEDULES: dict[str, Callable[[], Iterator[float]]] = {
    "terraform (0.2 to 10 s)": terraform,
    "botocore (15 s)": every(15),
    "az vmss wait (30 s)": every(30),
}


def main() -> None:
    """Print the table."""
    draw = random.Random(SEED)  # noqa: S311 - no secret
    moments = [draw.uniform(60, 600) for _ in range(DRAWS)]
    print(f"buckets: {', '.join(BUCKETS)}, and Resource Manager's")
    print(f"{'':50} {'mean late':>10} {'p95 late':>10} {'requests':>9} {'of quota':>9} {'429s':>6}")
    for kind in KINDS:
        tell(f"this gate, {kind}", [ours(kind, moment) for moment in moments])
    for name, schedule in SCHEDULES.items():
        tell(name, [simulated(schedule, moment) for moment in moments])


def tell(name: str, waits: list[Wait]) -> None:
    """Print a row."""
    late = [each.late for each in waits]
    print(
        f"{name:50} {mean(late):9.2f}s {quantiles(late, n=20)[-1]:9.2f}s {mean(each.requests for each in waits):9.1f} "
        f"{mean(each.share for each in waits):9.0%} {sum(each.refused for each in waits):6}",
        flush=True,
    )


if __name__ == "__main__":
    main()
