"""What a wait remembers between looks, and what follows from it: streaks, windows and budgets.

HEALTHY ends the wait when it has held, with nothing left unjudged; FAILING when it was confirmed. A look that was lost
is no evidence of anything: it restarts both windows. How many may be lost depends on the error: one that could pass
spends a budget, one that cannot ends the wait. Reads no clock: it is told the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from pulumi_vmss_health import pace
from pulumi_vmss_health.findings import State, Verdict
from pulumi_vmss_health.policy import GatePolicy
from pulumi_vmss_health.snapshot import Depth, Snapshot
from pulumi_vmss_health.verdict import evaluate
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
CONFIRMING_LOOKS = 3
FULL_AGAIN_AFTER = 60.0  # seconds after a full look that the view alone is not enough any more
SURPLUS_STAYS = 300.0  # seconds that more VMs than the capacity are taken for leaving
TRANSITIONS = 20


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
    """How far a wait has come. elapsed, limit: seconds. limit_source: who has set the limit.

    snapshot, verdict: of the last look that saw something. error: of the last look, if it was lost.
    capacity: VMs that the policy expects, None where it leaves that to the model.
    transitions: when the verdict's state changed, and to what; the last of them.
    """

    elapsed: float
    limit: float
    looks: int = 0
    snapshot: Snapshot | None = None
    verdict: Verdict | None = None
    error: InstanceViewError | None = None
    capacity: int | None = None
    transitions: tuple[tuple[float, State], ...] = ()
    limit_source: str = "of the policy"


class Memory:
    """What a wait remembers between looks: the streak of equal states, the errors in a row, the last sight."""

    def __init__(self, policy: GatePolicy, now: float) -> None:
        self.started = now
        self.progress = Progress(
            0.0, policy.timeout_seconds, capacity=policy.capacity, limit_source=policy.timeout_source
        )
        self.quiet = pace.MOVING
        self._policy = policy
        self._streak: _Streak | None = None
        self._errors: list[float] = []
        self._full_at: float | None = None
        self._count: tuple[int, int, int | None] | None = None
        self._count_since = now
        self._listed = 0
        self._upgrading = False

    def depth(self, now: float) -> Depth:
        """How much the next look has to look at: the view alone where the last one could not decide anything."""
        verdict = self.progress.verdict
        undecided = self.progress.error is None and verdict is not None and verdict.state is State.PROGRESSING
        recent = self._full_at is not None and now - self._full_at < FULL_AGAIN_AFTER
        return Depth.VIEW if undecided and recent else Depth.FULL

    def could_decide(self, seen: Snapshot, now: float) -> bool:
        """Whether a look at the view alone must be followed by a full one: the view does not stand in the way."""
        return evaluate(self._with_surplus(seen, now), self._policy).state is not State.PROGRESSING

    def saw(self, snapshot: Snapshot, now: float, *, took: float = 0.0) -> Ending | None:
        """Take in a look that took so many seconds until now; the ending, if this was the one that decides."""
        snapshot = self._with_surplus(snapshot, now)
        verdict = evaluate(snapshot, self._policy)
        if snapshot.instances is not None:
            self._full_at = now
        elif self.progress.snapshot is not None and self.progress.snapshot.view == snapshot.view:
            snapshot = replace(snapshot, instances=self.progress.snapshot.instances)  # for the status line alone
        self.quiet = 0 if self._moved(snapshot, verdict) else self.quiet + 1
        self.progress = self._next(now, snapshot=snapshot, verdict=verdict, error=None)
        self._errors = []
        # Missing evidence is never health, however long it is missing.
        state = State.PROGRESSING if verdict.state is State.HEALTHY and verdict.unjudged else verdict.state
        same = (state, *_identity(snapshot))
        if self._streak is None or self._streak.same != same:
            self._streak = _Streak(same, now)
        self._streak.looks += snapshot.age == 0  # what was seen before is not seen again
        # What a look takes is no time in which health was seen to last: it may tell of its beginning, or of before.
        return self._decide(state, self._streak, max(now - took - snapshot.age - self._streak.since, 0.0))

    def lost(self, error: InstanceViewError, now: float) -> Ending | None:
        """Take in a look that saw nothing; the ending, if no further one can help."""
        before = self.progress
        self.progress = self._next(now, snapshot=before.snapshot, verdict=before.verdict, error=error)
        self._streak = None
        self.quiet = pace.MOVING
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
        elapsed = now - self.started
        transitions = before.transitions
        if verdict is not None and error is None and (before.verdict is None or before.verdict.state != verdict.state):
            transitions = (*transitions, (elapsed, verdict.state))[-TRANSITIONS:]
        return replace(
            before,
            elapsed=elapsed,
            looks=before.looks + 1,
            snapshot=snapshot,
            verdict=verdict,
            error=error,
            transitions=transitions,
        )

    def _moved(self, snapshot: Snapshot, verdict: Verdict) -> bool:
        """Whether this look saw something new; the first one, whether it saw what could end the wait."""
        last = self.progress.snapshot or snapshot
        state = self.progress.verdict.state if self.progress.verdict else State.PROGRESSING
        return (verdict.state, snapshot.view, snapshot.instances) != (state, last.view, last.instances)

    def _with_surplus(self, snapshot: Snapshot, now: float) -> Snapshot:
        """Tell a surplus that stays from one on its way out: unchanged for long, and no upgrade runs."""
        if snapshot.instances is not None:
            self._listed, self._upgrading = len(snapshot.instances), snapshot.is_upgrading
        count = (snapshot.vms_seen, self._listed, _identity(snapshot)[0])
        if count != self._count or self._upgrading:
            self._count, self._count_since = count, now
        return replace(snapshot, surplus_settled=now - self._count_since >= SURPLUS_STAYS)

    def _spend(self, now: float) -> Ending | None:
        self._errors.append(now)
        spent = len(self._errors) >= ERRORS and now - self._errors[0] >= ERRORS_FOR
        return Ending.UNREADABLE if spent else None

    def _decide(self, state: State, streak: _Streak, lasted: float) -> Ending | None:
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

    same: tuple[State, int | None, str | None]
    since: float
    looks: int = 0


def _identity(snapshot: Snapshot) -> tuple[int | None, str | None]:
    """Capacity and unique id: evidence of another size, or of a set recreated under its name, starts anew."""
    model = snapshot.scale_set
    return (model.capacity, model.unique_id) if model else (None, None)


def _health_delay(snapshot: Snapshot | None, policy: GatePolicy) -> float:
    """Seconds that the health extension takes to notice that an application became unhealthy; 0 where none judges."""
    extension = snapshot.scale_set.health_extension if snapshot and snapshot.scale_set else None
    if extension is None or policy.application_health == "ignored":
        return 0.0
    return float((extension.interval or _HEALTH_INTERVAL) * (extension.probes or _HEALTH_PROBES))


# Source: Application Health extension, settings intervalInSeconds and numberOfProbes and their defaults.
_HEALTH_INTERVAL = 5
_HEALTH_PROBES = 1
