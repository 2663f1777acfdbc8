"""Wait for many scale sets on a few threads: until enough of them are healthy, or enough of them no longer can be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from pulumi_vmss_health.judging.findings import State
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import LAST_LOOK, MARGIN, WIDTH, Outcome, Steps, in_steps
from vmss_instance_view.clock import Clock, Stopped

_WORST = (Ending.FAILING, Ending.DELETED, Ending.UNREADABLE, Ending.TIMED_OUT)

Begin = Callable[[Callable[[Progress], None]], Steps]
"""Begins the wait for one scale set; it is given what the wait reports to."""


@dataclass(frozen=True, slots=True)
class Goal:
    """When a fleet's wait ends.

    required: scale sets that have to be healthy. limit: seconds; the waits of the sets have the same.
    at_first_failure: whether one that fails ends it, although enough others could still become healthy.
    """

    required: int
    limit: float
    at_first_failure: bool = False


@dataclass(slots=True)
class Fleet:
    """What is known of the scale sets of a fleet, by their names.

    names: all of them. standing: those that passed before and are not looked at again. seen: of sets that are waited
    for. ended: how the wait for a set ended; passed_at: when, if it passed. elapsed: seconds since they began.
    """

    names: Collection[str]
    goal: Goal
    standing: Collection[str] = ()
    seen: dict[str, Progress] = field(default_factory=dict)
    ended: dict[str, Outcome] = field(default_factory=dict)
    passed_at: dict[str, datetime] = field(default_factory=dict)
    elapsed: float = 0.0
    is_cancelled: bool = False

    @property
    def healthy(self) -> list[str]:
        """The sets that passed."""
        return [*self.standing, *(name for name, each in self.ended.items() if each.ending is Ending.HEALTHY)]

    @property
    def failed(self) -> list[str]:
        """The sets that did not."""
        return [name for name, each in self.ended.items() if each.ending is not Ending.HEALTHY]

    @property
    def failing(self) -> list[str]:
        """The sets that did not pass, and those that look like it."""
        seem = [name for name, each in self.seen.items() if each.verdict and each.verdict.state is State.FAILING]
        return [*self.failed, *(name for name in seem if name not in self.ended)]

    @property
    def passes(self) -> bool:
        """Whether enough sets are healthy."""
        return len(self.healthy) >= self.goal.required

    @property
    def is_decided(self) -> bool:
        """Whether enough sets are healthy, or too few can still become so."""
        failed = len(self.failed)
        return (
            self.passes or len(self.names) - failed < self.goal.required or (self.goal.at_first_failure and failed > 0)
        )

    def progress(self, name: str) -> Progress:
        """Return the progress of a wait that did not end, also of one whose first look did not."""
        return self.seen.get(name) or Progress(self.elapsed, self.goal.limit)

    @property
    def is_out_of_time(self) -> bool:
        """Whether the timeout ended the wait, also if some sets had failed before."""
        if self.passes or self.is_cancelled:
            return False
        return self.elapsed >= self.goal.limit or any(each.ending is Ending.TIMED_OUT for each in self.ended.values())

    @property
    def ending(self) -> Ending:
        """Why the wait ended: if not by health, the worst that happened to a set."""
        if self.passes:
            return Ending.HEALTHY
        if self.is_cancelled:
            return Ending.CANCELLED
        endings = {outcome.ending for outcome in self.ended.values()}
        return next((each for each in _WORST if each in endings), Ending.TIMED_OUT)


def watch_fleet(
    waits: Mapping[str, Begin],
    goal: Goal,
    clock: Clock,
    report: Callable[[Fleet], None],
    standing: Collection[str] = (),
    width: int = WIDTH,
) -> Fleet:
    """Wait until it is decided, the time is over or a stop is requested; return what is known of every set.

    waits: for each set that is waited for, by its name. standing: sets that count as healthy without a look.
    report: called after every look, by one thread at a time.
    """
    fleet = Fleet([*standing, *waits], goal, standing)
    began = clock.monotonic()
    lock = threading.Lock()
    is_over = fleet.is_decided  # what comes later is not recorded: nobody then sees a fleet that still changes

    def seen(name: str, progress: Progress) -> None:
        with lock:
            if not is_over:
                fleet.seen[name] = progress
                fleet.elapsed = clock.monotonic() - began
                report(fleet)

    def ended(name: str, outcome: Outcome) -> None:
        nonlocal is_over
        with lock:
            if is_over:
                return
            fleet.elapsed = clock.monotonic() - began
            if outcome.ending is Ending.CANCELLED:
                fleet.is_cancelled = True
            else:
                fleet.ended[name] = _slim(outcome)
                if outcome.ending is Ending.HEALTHY:
                    fleet.passed_at[name] = clock.now()
                fleet.seen.pop(name, None)
                report(fleet)
            is_over = fleet.is_cancelled or fleet.is_decided

    # Nobody waits longer for a set that hangs at the deadline than for one alone.
    longest = goal.limit + LAST_LOOK + MARGIN
    alarm = iter((longest, None))
    tasks = [in_steps(begin(partial(seen, name)), partial(ended, name)) for name, begin in waits.items()]
    try:
        clock.by_turns([*tasks, lambda: next(alarm)], width, lambda: is_over or clock.monotonic() - began >= longest)
    except Stopped:
        fleet.is_cancelled = True
    with lock:
        is_over = True
        fleet.elapsed = clock.monotonic() - began
    return fleet


def _slim(outcome: Outcome) -> Outcome:
    """Return how a wait ended, without the instances of a healthy set: a fleet may have thousands of sets."""
    snapshot = outcome.progress.snapshot
    if outcome.ending is not Ending.HEALTHY or snapshot is None:
        return outcome
    return replace(outcome, progress=replace(outcome.progress, snapshot=replace(snapshot, instances=None)))
