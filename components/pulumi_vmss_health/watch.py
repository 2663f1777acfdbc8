"""Waits until a verdict lasts: looks, remembers, reports, and looks again. Clock, look and report are passed in.

The first look is a full one, and so is every look that could decide: the view alone is looked at while it cannot pass.
The timeout ends the wait after one last look. What ends it earlier, `memory` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pulumi_vmss_health import pace
from pulumi_vmss_health.memory import Ending, Memory, Progress
from pulumi_vmss_health.pace import Cost
from pulumi_vmss_health.policy import GatePolicy
from pulumi_vmss_health.snapshot import Depth, Snapshot
from vmss_instance_view.clock import Clock, Overdue, Stopped
from vmss_instance_view.errors import InstanceViewError, Unavailable

LOOK_LIMIT = 30.0  # seconds for one look
LAST_LOOK = 5.0  # seconds that the look at the deadline may take
MARGIN = 0.5  # seconds beyond a look's own deadline, which has the better words


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a wait ended, and what was known by then."""

    ending: Ending
    progress: Progress


class Look(Protocol):
    """Looks at one scale set. Raises InstanceViewError where it cannot see."""

    def __call__(self, seconds: float, depth: Depth, /) -> Snapshot:
        """Look once, in at most so many seconds; instances are there after every full look."""

    @property
    def cost(self) -> Cost:
        """What looking takes by now."""


def watch(look: Look, policy: GatePolicy, clock: Clock, report: Callable[[Progress], None]) -> Outcome:
    """Look until the verdict lasts, the time is over or a stop is asked for. Never raises an InstanceViewError.

    report: called after every look; what it raises ends the wait, so it must not fail for reasons of its own.
    """
    memory = Memory(policy, clock.monotonic())
    try:
        while True:
            ending = _look_once(look, memory, clock)
            progress = memory.progress
            report(progress)
            left = progress.limit - progress.elapsed
            if ending is None and left <= 0:
                ending = Ending.TIMED_OUT
            if ending is not None:
                return Outcome(ending, progress)
            retry_after = getattr(progress.error, "retry_after", None)
            # The last look is at the deadline itself, however far away the next one would be.
            clock.wait(min(pace.interval(look.cost, memory.quiet, retry_after), left))
    except Stopped:
        return Outcome(Ending.CANCELLED, memory.progress)


def _look_once(look: Look, memory: Memory, clock: Clock) -> Ending | None:
    """One look; where the view alone could decide, and where it can be the last, a full one."""
    began = clock.monotonic()
    left = memory.progress.limit - (began - memory.started)
    seconds = min(LOOK_LIMIT, max(left - MARGIN, LAST_LOOK))
    depth = Depth.FULL if left < LAST_LOOK else memory.depth(began)

    def see() -> Snapshot:
        seen = look(seconds, depth)
        if seen.instances is None and memory.could_decide(seen, clock.monotonic()):
            return look(seconds - (clock.monotonic() - began), Depth.FULL)
        return seen

    try:
        snapshot = clock.call(see, seconds + MARGIN)
    except Overdue:
        return memory.lost(Unavailable(f"no look came back within {seconds:.0f}s"), clock.monotonic())
    except InstanceViewError as error:
        return memory.lost(error, clock.monotonic())
    now = clock.monotonic()
    return memory.saw(snapshot, now, took=now - began)
