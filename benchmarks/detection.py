"""How late a wait notices that a set is ready, and what it asks of Azure until then, beside the schedules of others.

In simulation: ready times uniform in 60 to 600 s, looks of no duration, the bucket that Azure documents for the
instance view of one set. Ours is the real `watch`, `pace` and ledger; the others are their documented schedules.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import mean, quantiles

from tests.clocks import VirtualClock
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, Snapshot
from pulumi_vmss_health.memory import Ending, Progress
from pulumi_vmss_health.pace import Cost
from pulumi_vmss_health.snapshot import Depth
from pulumi_vmss_health.watch import watch
from vmss_instance_view.quota import INSTANCE_VIEW, Ledger

DRAWS = 2000
SEED = 20261123
RESOURCE = "/subscriptions/s/web"
BUCKET = INSTANCE_VIEW.resource
READY = snapshot(Vm(), Vm(), Vm())
BOOTING = snapshot(Vm(), Vm(), Vm(provisioning="creating", health=None, extensions=()))


@dataclass(frozen=True)
class Wait:
    """One wait: how late it noticed (seconds), how many reads it took, its share of what Azure allowed, 429s."""

    late: float
    reads: int
    share: float
    throttled: int


class Set:
    """A set that is ready from one moment on."""

    def __init__(self, clock: VirtualClock, ready: float) -> None:
        """ready: seconds after the start."""
        self.clock, self.ready = clock, ready
        self.ledger = Ledger()
        self.reads = self.throttled = 0
        self.last_read = -1.0

    def __call__(self, _seconds: float, depth: Depth) -> Snapshot:
        """Look, at the view once."""
        now = self.clock.time
        if depth is Depth.VIEW or self.last_read != now:
            self.throttled += self.ledger.left(INSTANCE_VIEW, RESOURCE, now) < 1
            self.ledger.note(INSTANCE_VIEW, RESOURCE, {}, now)
            self.reads += 1
            self.last_read = now
        seen = READY if now >= self.ready else BOOTING
        return seen if depth is Depth.FULL else replace(seen, instances=None)

    @property
    def cost(self) -> Cost:
        """As the looker accounts for it."""
        return Cost(4, self.ledger.left(INSTANCE_VIEW, RESOURCE, self.clock.time))


def ours(ready: float) -> Wait:
    """The gate's own wait; its hold is excluded."""
    clock = VirtualClock()
    web = Set(clock, ready)

    def report(_progress: Progress) -> None:
        """To nobody."""

    outcome = watch(web, GatePolicy(hold="0s"), clock, report)
    assert outcome.ending is Ending.HEALTHY  # noqa: S101 - a benchmark of a wait that fails would be worthless
    return measured(clock.time, ready, web.reads, web.throttled)


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
    """Another's schedule against the same bucket."""
    now, reads, throttled, ledger = 0.0, 0, 0, Ledger()
    for pause in schedule():
        throttled += ledger.left(INSTANCE_VIEW, RESOURCE, now) < 1
        ledger.note(INSTANCE_VIEW, RESOURCE, {}, now)
        reads += 1
        if now >= ready:
            break
        now += pause
    return measured(now, ready, reads, throttled)


def measured(noticed: float, ready: float, reads: int, throttled: int) -> Wait:
    """One wait, against what Azure allowed until then: the bucket and its refill."""
    assert BUCKET is not None  # noqa: S101 - documented
    return Wait(noticed - ready, reads, reads / (BUCKET.size + noticed * BUCKET.per_minute / 60), throttled)


SCHEDULES: dict[str, Callable[[float], Wait]] = {
    "this gate": ours,
    "terraform (0.2 to 10 s)": lambda ready: simulated(terraform, ready),
    "botocore (15 s)": lambda ready: simulated(every(15), ready),
    "az vmss wait (30 s)": lambda ready: simulated(every(30), ready),
}


def main() -> None:
    """Print the table."""
    draw = random.Random(SEED)  # noqa: S311 - no secret
    moments = [draw.uniform(60, 600) for _ in range(DRAWS)]
    print(f"{'schedule':26} {'mean late':>10} {'p95 late':>10} {'reads':>7} {'of quota':>9} {'429s':>6}")
    for name, wait in SCHEDULES.items():
        waits = [wait(moment) for moment in moments]
        late = [each.late for each in waits]
        print(
            f"{name:26} {mean(late):9.2f}s {quantiles(late, n=20)[-1]:9.2f}s {mean(each.reads for each in waits):7.1f} "
            f"{mean(each.share for each in waits):9.0%} {sum(each.throttled for each in waits):6}"
        )


if __name__ == "__main__":
    main()
