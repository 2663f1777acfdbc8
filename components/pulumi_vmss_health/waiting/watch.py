"""Wait until a verdict lasts: look, remember, report, and look again. Clock, look and report are passed in.

The first look is a full one, and so is every look that decides; in between, `memory` asks for the parts that are still
open. `memory` decides what ends the wait early; the timeout ends it after one last look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Ask, Context, Depth, Snapshot
from pulumi_vmss_health.waiting import pace
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import OF_THE_POLICY, Memory, Progress
from vmss_instance_view.clock import Clock, Overdue, Stopped, Task
from vmss_instance_view.errors import InstanceViewError, Unavailable, UnexpectedError
from vmss_instance_view.limits.quota import Room

_log = logging.getLogger(__name__)

LAST_LOOK = 5.0  # seconds for the look at the deadline
WIDTH = 32
"""Scale sets that are looked at in the same moment: Azure answers in less than a second, and its limits allow less."""
_NO_PLACE = (
    "Azure's rate limits left no place for a look beside those at other scale sets: raise the timeout, or watch fewer "
    "at a time"
)
MARGIN = 0.5  # seconds of grace, so that the look's own error, which says more, comes before ours


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a wait, and what was known by then."""

    ending: Ending
    progress: Progress


Steps: TypeAlias = Generator[float, None, Outcome]
"""A wait in steps."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A look that ended. began, started: when it and the wait began. progress: of the wait, when the look had ended."""

    ask: Ask
    began: float
    started: float
    progress: Progress


class Look(Protocol):
    """Looks at one scale set. Raises InstanceViewError if the set cannot be read."""

    def __call__(self, seconds: float, ask: Ask, /) -> Snapshot:
        """Look once, in at most `seconds`; a full look always returns instances."""

    def room(self, ask: Ask, /) -> Room:
        """Return what Azure's rate limits for this set leave for such a look."""

    def turn(self, ask: Ask, /) -> float:
        """Reserve a place for such a look among those at other sets; return the seconds until it may begin."""

    def turn_now(self, ask: Ask, /) -> bool:
        """Reserve a place for such a look if it may begin at once; return whether it may."""


def watch(
    look: Look,
    policy: GatePolicy,
    clock: Clock,
    report: Callable[[Progress], None],
    context: Context = NOTHING_ELSE,
    limit_source: str = OF_THE_POLICY,
    record: Callable[[Looked], None] | None = None,
) -> Outcome:
    """Look until the verdict lasts, the timeout is over or a stop is requested. Never raises an error of a look.

    report: called after every look, except one that is followed by another at once. An exception that it raises ends
    the wait. context: what is known when the wait begins. limit_source: where the timeout was set.
    record: called after every look, without exception.
    """
    waiting = steps(look, policy, clock, report, context, limit_source, record)
    try:
        while True:
            pause = next(waiting)
            try:
                clock.wait(pause)
            except Stopped as stop:
                waiting.throw(stop)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


def steps(
    look: Look,
    policy: GatePolicy,
    clock: Clock,
    report: Callable[[Progress], None],
    context: Context = NOTHING_ELSE,
    limit_source: str = OF_THE_POLICY,
    record: Callable[[Looked], None] | None = None,
) -> Steps:
    """Wait as `watch` does, but let the caller pass the time, who may serve many waits.

    Yields seconds to wait, looks when it is resumed, and returns the outcome. Stopped, thrown into it, cancels it.
    """
    memory = Memory(policy, clock.monotonic(), context, limit_source)
    try:
        ask = replace(memory.ask(clock.monotonic()), urgent=True)
        while True:
            yield min(look.turn(ask), _left(memory, clock))
            if (last := _last(look, memory, clock)) is not None:
                ask = last
            elif _left(memory, clock) <= 0:
                if memory.progress.looks == 0:
                    memory.lost(Unavailable(_NO_PLACE), clock.monotonic())
                return Outcome(Ending.TIMED_OUT, memory.time_is_up(clock.monotonic()))
            ending = _look_once(look, ask, memory, clock, record)
            progress = memory.progress
            if ending is not None or not memory.may_hurry:  # otherwise a full look follows at once, and shows more
                report(progress)
            left = progress.limit - progress.elapsed
            if ending is None and left <= 0:
                ending = Ending.TIMED_OUT
            if ending is not None:
                return Outcome(ending, progress)
            # The last look is at the deadline itself, however late the next one would be.
            yield min(_pause(look, memory, clock), left)
            # By now more may be due to be read than the pause was for, such as the pages of a large set's list.
            yield min(look.room(memory.ask(clock.monotonic())).closed, _left(memory, clock))
            ask = memory.ask(clock.monotonic())
    except Stopped:
        return Outcome(Ending.CANCELLED, memory.time_is_up(clock.monotonic()))


def in_steps(waiting: Steps, ended: Callable[[Outcome], None]) -> Task:
    """Return a task for `Clock.by_turns` that takes a wait on to its next pause. ended: is told how the wait ended."""

    def step() -> float | None:
        try:
            while (seconds := next(waiting)) <= 0:
                pass
        except StopIteration as end:
            ended(end.value)
            return None
        return seconds

    return step


def _pause(look: Look, memory: Memory, clock: Clock) -> float:
    """Return the seconds until the next look: as Azure's limits allow, but earlier if the look can end the wait."""
    now = clock.monotonic()
    room = look.room(memory.ask(now))
    seconds = pace.interval(room, memory.quiet, getattr(memory.progress.error, "retry_after", None))
    due = memory.due_in(now)
    # A look that can end the wait replaces one that would come shortly before it.
    if due is None or due > max(seconds * 1.5, memory.lull):
        return seconds
    return max(due, room.closed, 0.0 if memory.may_hurry else pace.QUICK)


def _left(memory: Memory, clock: Clock) -> float:
    """Return the seconds until the timeout is over."""
    return max(memory.progress.limit - (clock.monotonic() - memory.started), 0.0)


def _last(look: Look, memory: Memory, clock: Clock) -> Ask | None:
    """Return a look at everything if it may be the last one and Azure's limits allow it.

    They may not: many sets may be waited for whose time is over in the same moment.
    """
    whole = Ask(Depth.FULL, clock.monotonic(), urgent=True)
    is_last = _left(memory, clock) < LAST_LOOK
    return whole if is_last and look.room(whole).closed <= 0 and look.turn_now(whole) else None


def _look_once(
    look: Look, ask: Ask, memory: Memory, clock: Clock, record: Callable[[Looked], None] | None
) -> Ending | None:
    began = clock.monotonic()
    seconds = min(pace.LOOK_LIMIT, max(_left(memory, clock) - MARGIN, LAST_LOOK))
    memory.begins(ask)
    ending = _remember(look, ask, seconds, began, memory, clock)
    if record is not None:
        record(Looked(ask, began, memory.started, memory.progress))
    return ending


def _remember(look: Look, ask: Ask, seconds: float, began: float, memory: Memory, clock: Clock) -> Ending | None:
    """Look, and let memory know what came of it. began: when the look begins, which is now."""
    try:
        snapshot = clock.call(lambda: look(seconds, ask), seconds + MARGIN)
        now = clock.monotonic()
        return memory.saw(snapshot, now, took=now - began, depth=ask.depth)
    except Stopped:
        raise
    except Overdue:
        return memory.lost(Unavailable(f"reading the scale set took longer than {seconds:.0f}s"), clock.monotonic())
    except InstanceViewError as error:
        return memory.lost(error, clock.monotonic())
    except Exception as error:  # a defect must neither lose the verdict nor end a wait with a traceback
        _log.debug("a look failed unexpectedly", exc_info=True)
        return memory.lost(UnexpectedError(error), clock.monotonic())
