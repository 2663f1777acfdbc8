"""Waits until a verdict lasts: looks, remembers, reports, and looks again. Clock, look and report are passed in.

The first look is a full one, and so is every look that decides: in between, `memory` asks for what is still open. The
timeout ends the wait after one last look. What ends it earlier, `memory` decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Ask, Context, Depth, Snapshot
from pulumi_vmss_health.waiting import pace
from pulumi_vmss_health.waiting.memory import OF_THE_POLICY, Ending, Memory, Progress
from vmss_instance_view.clock import Clock, Overdue, Stopped
from vmss_instance_view.errors import InstanceViewError, Unavailable, UnexpectedError
from vmss_instance_view.limits.quota import Room

_log = logging.getLogger(__name__)

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

    def __call__(self, seconds: float, ask: Ask, /) -> Snapshot:
        """Look once, in at most so many seconds; instances are there after every full look."""

    def room(self, ask: Ask, /) -> Room:
        """What Azure's limits for this set leave for such a look."""

    def turn(self, ask: Ask, /) -> float:
        """Seconds until such a look may begin, beside those at other sets."""


def watch(
    look: Look,
    policy: GatePolicy,
    clock: Clock,
    report: Callable[[Progress], None],
    context: Context = NOTHING_ELSE,
    limit_source: str = OF_THE_POLICY,
) -> Outcome:
    """Look until the verdict lasts, the time is over or a stop is asked for. Never raises for what a look meets.

    report: called after every look but those that another one follows at once. What it raises ends the wait, so it must
    not fail for reasons of its own. context: what is known when the wait begins. limit_source: who has set the timeout.
    """
    memory = Memory(policy, clock.monotonic(), context, limit_source)
    try:
        clock.wait(min(look.turn(Ask(urgent=True)), memory.progress.limit))
        while True:
            ending = _look_once(look, memory, clock)
            progress = memory.progress
            if ending is not None or not memory.may_hurry:  # else the whole is looked at next, and has more to tell
                report(progress)
            left = progress.limit - progress.elapsed
            if ending is None and left <= 0:
                ending = Ending.TIMED_OUT
            if ending is not None:
                return Outcome(ending, progress)
            # The last look is at the deadline itself, however far away the next one would be.
            clock.wait(min(_pause(look, memory, clock), left))
            queue = look.turn(memory.ask(clock.monotonic()))
            clock.wait(min(queue, max(progress.limit - (clock.monotonic() - memory.started), 0.0)))
            if _is_shut_out(look, memory, clock):
                return Outcome(Ending.TIMED_OUT, memory.time_is_up(clock.monotonic()))
    except Stopped:
        return Outcome(Ending.CANCELLED, memory.progress)


def _pause(look: Look, memory: Memory, clock: Clock) -> float:
    """Seconds until the next look: as Azure's limits allow, but at once where it can end the wait."""
    now = clock.monotonic()
    room = look.room(memory.ask(now))
    seconds = pace.interval(room, memory.quiet, getattr(memory.progress.error, "retry_after", None))
    due = memory.due_in(now)
    # A look that can end the wait comes in the place of one shortly before it.
    if due is None or due > max(seconds * 1.5, memory.lull):
        return seconds
    return max(due, room.closed, 0.0 if memory.may_hurry else pace.QUICK)


def _is_shut_out(look: Look, memory: Memory, clock: Clock) -> bool:
    """Whether the time is over, and Azure's limits leave nothing for a last look."""
    now = clock.monotonic()
    return now - memory.started >= memory.progress.limit and look.room(Ask(Depth.FULL, now)).closed > 0


def _look_once(look: Look, memory: Memory, clock: Clock) -> Ending | None:
    """One look; where it can be the last, a full one."""
    began = clock.monotonic()
    left = memory.progress.limit - (began - memory.started)
    seconds = min(LOOK_LIMIT, max(left - MARGIN, LAST_LOOK))
    ask = Ask(Depth.FULL, began, urgent=True) if left < LAST_LOOK else memory.ask(began)
    memory.begins(ask)
    try:
        snapshot = clock.call(lambda: look(seconds, ask), seconds + MARGIN)
        now = clock.monotonic()
        return memory.saw(snapshot, now, took=now - began, depth=ask.depth)
    except Stopped:
        raise
    except Overdue:
        return memory.lost(Unavailable(f"no look came back within {seconds:.0f}s"), clock.monotonic())
    except InstanceViewError as error:
        return memory.lost(error, clock.monotonic())
    except Exception as error:  # a defect must not lose the verdict, nor end a wait with a traceback
        _log.debug("a look failed unexpectedly", exc_info=True)
        return memory.lost(UnexpectedError(error), clock.monotonic())
