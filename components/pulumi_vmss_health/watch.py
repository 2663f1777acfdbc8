"""Waits until a verdict lasts: a state machine over looks. Clock, look and report are passed in.

HEALTHY ends the wait when it has held, with nothing left unjudged; FAILING when it was confirmed; the timeout ends it
after one last look. A look that was lost is no evidence of anything: it restarts both windows. How many may be lost
depends on the error: one that could pass spends a budget, one that cannot ends the wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pulumi_vmss_health import pace
from pulumi_vmss_health.findings import State, Verdict
from pulumi_vmss_health.policy import GatePolicy
from pulumi_vmss_health.snapshot import Snapshot
from pulumi_vmss_health.verdict import evaluate
from vmss_instance_view.clock import Clock, Overdue, Stopped
from vmss_instance_view.errors import (
    Forbidden,
    InstanceViewError,
    MalformedBody,
    ScaleSetNotFound,
    Throttled,
    Unavailable,
)

GRACE = 60.0  # seconds that a set may be not found, or forbidden, before it was first seen
ERRORS = 5  # in a row, over at least ERRORS_FOR seconds, and the set cannot be read
ERRORS_FOR = 120.0
LOOK_LIMIT = 30.0  # seconds for one look
LAST_LOOK = 5.0  # seconds that the look at the deadline may take
CONFIRMING_LOOKS = 3


class Ending(Enum):
    """Why a wait stopped."""

    HEALTHY = "healthy"
    FAILING = "failing"
    TIMED_OUT = "timedOut"
    UNREADABLE = "unreadable"
    DELETED = "deleted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a wait has come. elapsed, limit: seconds.

    snapshot, verdict: of the last look that saw something. error: of the last look, if it was lost.
    """

    elapsed: float
    limit: float
    looks: int = 0
    snapshot: Snapshot | None = None
    verdict: Verdict | None = None
    error: InstanceViewError | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a wait ended, and what was known by then."""

    ending: Ending
    progress: Progress


Look = Callable[[float], Snapshot]


def watch(look: Look, policy: GatePolicy, clock: Clock, report: Callable[[Progress], None]) -> Outcome:
    """Look until the verdict lasts, the time is over or a stop is asked for. Never raises an InstanceViewError.

    look: takes the seconds that it may take; raises InstanceViewError where it cannot see. report: called after every
    look; what it raises ends the wait, so it must not fail for reasons of its own.
    """
    memory = _Memory(policy, clock.monotonic())
    try:
        while True:
            ending = _look_once(look, memory, clock)
            progress = memory.progress
            report(progress)
            if ending is None and progress.elapsed >= progress.limit:
                ending = Ending.TIMED_OUT
            if ending is not None:
                return Outcome(ending, progress)
            retry_after = getattr(progress.error, "retry_after", None)
            left = progress.limit - progress.elapsed
            # The last look is at the deadline itself, however far away the next one would be.
            clock.wait(min(pace.interval(progress.elapsed, retry_after), left))
    except Stopped:
        return Outcome(Ending.CANCELLED, memory.progress)


def _look_once(look: Look, memory: _Memory, clock: Clock) -> Ending | None:
    left = memory.progress.limit - (clock.monotonic() - memory.started)
    seconds = min(LOOK_LIMIT, max(left, LAST_LOOK))
    try:
        snapshot = clock.call(lambda: look(seconds), seconds + 0.5)  # its own deadline has the better words
    except Overdue:
        return memory.lost(Unavailable(f"no look came back within {seconds:.0f}s"), clock.monotonic())
    except InstanceViewError as error:
        return memory.lost(error, clock.monotonic())
    return memory.saw(snapshot, clock.monotonic())


class _Memory:
    """What a wait remembers between looks: the streak of equal states, the errors in a row, the last sight."""

    def __init__(self, policy: GatePolicy, now: float) -> None:
        self.started = now
        self.progress = Progress(0.0, policy.timeout_seconds)
        self._policy = policy
        self._streak: _Streak | None = None
        self._errors = 0
        self._errors_since = now

    def saw(self, snapshot: Snapshot, now: float) -> Ending | None:
        """Take in a look; the ending, if this was the one that decides."""
        verdict = evaluate(snapshot, self._policy)
        self.progress = self._next(now, snapshot=snapshot, verdict=verdict, error=None)
        self._errors = 0
        # Missing evidence is never health, however long it is missing.
        state = State.PROGRESSING if verdict.state is State.HEALTHY and verdict.unjudged else verdict.state
        same = (state, _capacity(snapshot))
        if self._streak is None or self._streak.same != same:
            self._streak = _Streak(same, now)
        self._streak.looks += 1
        return self._decide(state, self._streak, now)

    def lost(self, error: InstanceViewError, now: float) -> Ending | None:
        """Take in a look that saw nothing; the ending, if no further one can help."""
        before = self.progress
        self.progress = self._next(now, snapshot=before.snapshot, verdict=before.verdict, error=error)
        self._streak = None
        seen = before.snapshot is not None
        if isinstance(error, ScaleSetNotFound) and seen:
            return Ending.DELETED
        if isinstance(error, ScaleSetNotFound) or (isinstance(error, Forbidden) and not seen):
            return Ending.UNREADABLE if self.progress.elapsed > GRACE else None
        if isinstance(error, Throttled):
            return None
        if not isinstance(error, (Forbidden, MalformedBody, Unavailable)):
            return Ending.UNREADABLE
        return self._spend(now)

    def _next(
        self, now: float, *, snapshot: Snapshot | None, verdict: Verdict | None, error: InstanceViewError | None
    ) -> Progress:
        before = self.progress
        return Progress(now - self.started, before.limit, before.looks + 1, snapshot, verdict, error)

    def _spend(self, now: float) -> Ending | None:
        if self._errors == 0:
            self._errors_since = now
        self._errors += 1
        spent = self._errors >= ERRORS and now - self._errors_since >= ERRORS_FOR
        return Ending.UNREADABLE if spent else None

    def _decide(self, state: State, streak: _Streak, now: float) -> Ending | None:
        lasted = now - streak.since
        if state is State.HEALTHY:
            seconds, looks = self._hold()
            return Ending.HEALTHY if streak.looks >= looks and lasted >= seconds else None
        confirm = self._policy.confirm_seconds
        if state is State.FAILING and confirm is not None:
            return Ending.FAILING if streak.looks >= CONFIRMING_LOOKS and lasted >= confirm else None
        return None

    def _hold(self) -> tuple[float, int]:
        """How long health must last: seconds, and looks."""
        if self._policy.hold_seconds is not None:
            return self._policy.hold_seconds, 1
        return _health_delay(self.progress.snapshot, self._policy), 2


@dataclass(slots=True)
class _Streak:
    """Looks in a row that said the same, of a set of the same capacity."""

    same: tuple[State, int | None]
    since: float
    looks: int = 0


def _capacity(snapshot: Snapshot) -> int | None:
    return snapshot.scale_set.capacity if snapshot.scale_set else None


def _health_delay(snapshot: Snapshot | None, policy: GatePolicy) -> float:
    """Seconds that the health extension takes to notice that an application became unhealthy; 0 where none judges."""
    extension = snapshot.scale_set.health_extension if snapshot and snapshot.scale_set else None
    if extension is None or policy.application_health == "ignored":
        return 0.0
    return float((extension.interval or _HEALTH_INTERVAL) * (extension.probes or _HEALTH_PROBES))


# Source: Application Health extension, settings intervalInSeconds and numberOfProbes and their defaults.
_HEALTH_INTERVAL = 5
_HEALTH_PROBES = 1
