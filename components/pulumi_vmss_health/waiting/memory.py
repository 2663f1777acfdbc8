"""Remember what looks saw, and decide when the wait ends.

HEALTHY ends the wait when it has lasted for `hold` and every check was judged; FAILING when it has lasted for
`confirm_failure`. Only full looks count, and only if all of their data is newer than the look before. A failed look is
no evidence and restarts both times; a throttled one only delays the next look. An error that may pass ends the wait
when it has lasted (ERRORS, ERRORS_FOR), any other error at once. Reads no clock: its callers pass the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Ask, Context, Depth, Snapshot
from pulumi_vmss_health.waiting import pace
from pulumi_vmss_health.waiting.attention import Attention
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.prospects import evaluate_wait, hold_of
from vmss_instance_view.errors import (
    ConfigurationError,
    CredentialError,
    Forbidden,
    InstanceViewError,
    MalformedBody,
    Rejected,
    ScaleSetDeleted,
    ScaleSetNotFound,
    Throttled,
    Unavailable,
    UnexpectedError,
)

GRACE = 60.0  # seconds for which a set that was never read may be not found, or forbidden
GONE_FOR = 60.0  # seconds, and GONE_LOOKS looks, for which a set must be missing: regions may disagree for a while
GONE_LOOKS = 3
ERRORS = 5  # so many errors in a row, over at least ERRORS_FOR seconds, end the wait
ERRORS_FOR = 120.0
CONFIRMING_LOOKS = 3
LULL = 15.0  # seconds between the two looks of hold="auto", at most
SURPLUS_STAYS = 300.0  # seconds after which extra VMs are not expected to leave any more
TRANSITIONS = 20
OF_THE_POLICY = "of the policy"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a wait. elapsed, limit: seconds. limit_source: where the limit was set.

    snapshot, verdict: of the last look that succeeded. error: of the last look, if it failed.
    capacity: VMs that the policy expects; None if it leaves that to the model.
    transitions: the latest changes of the verdict's state: when, and to which state.
    """

    elapsed: float
    limit: float
    looks: int = 0
    snapshot: Snapshot | None = None
    verdict: Verdict | None = None
    error: InstanceViewError | None = None
    capacity: int | None = None
    transitions: tuple[tuple[float, State], ...] = ()
    limit_source: str = OF_THE_POLICY


class Memory:
    """The memory of a wait: the streak of equal states, the errors in a row, the last result."""

    def __init__(
        self, policy: GatePolicy, now: float, context: Context = NOTHING_ELSE, limit_source: str = OF_THE_POLICY
    ) -> None:
        """Begin a wait. context: what is known when the wait begins. limit_source: as in Progress."""
        self.started = now
        self.progress: Progress = Progress(
            0.0, policy.timeout_seconds, capacity=policy.capacity, limit_source=limit_source
        )
        self.quiet: int = pace.MOVING
        self._policy = policy
        self._context = context
        self._streak: _Streak | None = None
        self._errors: list[float] = []
        self._gone: list[float] = []
        self._attention = Attention(policy, now)
        self._unique_id: str | None = None
        self._count: tuple[int, int, int | None] | None = None
        self._count_since = now
        self._listed = 0
        self._upgrading = False

    def ask(self, now: float) -> Ask:
        """Return what to read if the next look begins now."""
        seen = self.progress.snapshot if self.progress.error is None else None
        return self._attention.next(seen, now, urgent=self.due_in(now) is not None)

    def begins(self, ask: Ask) -> None:
        """Record what the look that begins now reads."""
        self._attention.begins(ask)

    @property
    def may_hurry(self) -> bool:
        """Whether the last look was partial and its part no longer keeps the set from passing or failing."""
        return self._attention.is_unblocked and self.progress.error is None

    @property
    def lull(self) -> float:
        """Seconds for which no look is needed during `hold`: with "auto", two looks are enough."""
        return LULL if self._policy.hold_seconds is None else 0.0

    def due_in(self, now: float) -> float | None:
        """Return the seconds until a full look could end the wait; None if one look alone cannot."""
        verdict, streak = self.progress.verdict, self._streak
        if self.progress.error is not None or verdict is None:
            return None
        if self._attention.is_unblocked or self._attention.is_sweeping:
            return 0.0
        needed = self._needed(verdict.state)
        if streak is None or verdict.unjudged or needed is None or needed.looks - streak.looks > 1:
            return None
        return max(streak.since + needed.seconds - now, 0.0)

    def saw(self, snapshot: Snapshot, now: float, *, took: float = 0.0, depth: Depth = Depth.FULL) -> Ending | None:
        """Record the result of a look that took `took` seconds until `now`; return the ending if it decides."""
        self._count_vms(snapshot, now)
        context = replace(self._context, surplus_settled=now - self._count_since >= SURPLUS_STAYS)
        verdict = evaluate_wait(snapshot, self._policy, context)
        self.quiet = 0 if self._moved(snapshot, verdict) else self.quiet + 1
        in_progress = verdict.state is State.PROGRESSING
        self.progress = self._next(now, snapshot, verdict, is_news=depth is Depth.FULL or in_progress)
        self._errors, self._gone = [], []
        if self._was_replaced(snapshot):
            gone = ScaleSetDeleted("the scale set was deleted, and another one of the same name was created")
            self.progress = replace(self.progress, error=gone)
            return Ending.DELETED
        # Do not count the duration of the read: its data may be as old as its beginning, or older.
        seen_at = now - took - snapshot.age
        self._attention.saw(snapshot, verdict, depth, context, seen_at=seen_at, now=now)
        # Missing evidence is never health, however long it has been missing.
        state = State.PROGRESSING if verdict.is_open else verdict.state
        if depth is Depth.FULL:
            return self._count_look(state, snapshot, seen_at, now)
        # A partial look decides nothing, but if it contradicts the streak, the streak is over.
        if self._streak is not None and self._streak.state is not state:
            self._streak = None
        return None

    def time_is_up(self, now: float) -> Progress:
        """Return the progress of a wait that ends without another look."""
        self.progress = replace(self.progress, elapsed=now - self.started)
        return self.progress

    def _count_look(self, state: State, snapshot: Snapshot, seen_at: float, now: float) -> Ending | None:
        """Count a full look if all of its data is newer than the look before; return the ending if it decides."""
        capacity = snapshot.scale_set.capacity if snapshot.scale_set else None
        streak, is_complete = self._streak, self._attention.is_complete
        if streak is None or (streak.state, streak.capacity) != (state, capacity):
            counted_at = now if is_complete else float("-inf")
            streak = self._streak = _Streak(state, capacity, now, counted_at, int(is_complete))
        elif is_complete and seen_at > streak.counted_at:
            streak.looks, streak.counted_at = streak.looks + 1, now
        needed = self._needed(state)
        if needed is None or not is_complete:
            return None
        lasted = max(seen_at - streak.since, 0.0)
        if streak.looks < needed.looks or lasted < needed.seconds:
            return None
        return Ending.HEALTHY if state is State.HEALTHY else Ending.FAILING

    def _needed(self, state: State) -> _Needed | None:
        """Return for how long a state must last to end the wait; None if it never does."""
        if state is State.HEALTHY:
            return self._hold()
        confirm = self._policy.confirm_seconds
        return _Needed(confirm, CONFIRMING_LOOKS) if state is State.FAILING and confirm is not None else None

    def lost(self, error: InstanceViewError, now: float) -> Ending | None:
        """Record a look that failed; return the ending if no further look can help."""
        before = self.progress
        self.progress = self._next(now, before.snapshot, before.verdict, error)
        self.quiet = pace.MOVING
        if isinstance(error, Throttled):
            return None
        self._streak = None
        self._attention.lost()
        if isinstance(error, ScaleSetNotFound):
            return self._missed(now)
        if before.snapshot is not None:  # a read that worked before may work again
            return self._spend(now) if _may_pass_once_seen(error) else Ending.UNREADABLE
        if isinstance(error, Forbidden):
            return Ending.UNREADABLE if self.progress.elapsed > GRACE else None
        may_pass = isinstance(error, (MalformedBody, Unavailable, UnexpectedError))
        return self._spend(now) if may_pass else Ending.UNREADABLE

    def _missed(self, now: float) -> Ending | None:
        """Record that the set was not found: it may not exist yet, or no longer; return the ending if it decides."""
        if self.progress.snapshot is None:
            return Ending.UNREADABLE if self.progress.elapsed > GRACE else None
        self._gone.append(now)
        is_gone = len(self._gone) >= GONE_LOOKS and now - self._gone[0] >= GONE_FOR
        return Ending.DELETED if is_gone else None

    def _was_replaced(self, snapshot: Snapshot) -> bool:
        unique_id = snapshot.scale_set.unique_id if snapshot.scale_set else None
        before, self._unique_id = self._unique_id, unique_id or self._unique_id
        return None not in (before, unique_id) and before != unique_id

    def _next(
        self,
        now: float,
        snapshot: Snapshot | None,
        verdict: Verdict | None,
        error: InstanceViewError | None = None,
        *,
        is_news: bool = False,
    ) -> Progress:
        """Return the progress after a look. is_news: whether its verdict is on the whole set, so that it counts."""
        before = self.progress
        elapsed = now - self.started
        transitions = before.transitions
        if verdict is not None and is_news and (not transitions or transitions[-1][1] is not verdict.state):
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
        """Return whether this look saw a change; for the first one, whether it could end the wait.

        Compare states, not whole bodies: the VM agents' statuses carry the time of each read.
        """
        before = self.progress
        if before.snapshot is None or before.verdict is None:
            return verdict.state is not State.PROGRESSING
        return _gist(snapshot, verdict) != _gist(before.snapshot, before.verdict)

    def _count_vms(self, snapshot: Snapshot, now: float) -> None:
        """Record since when the number of VMs has not changed without an upgrade, to tell whether extra VMs stay."""
        if snapshot.instances is not None:
            self._listed, self._upgrading = len(snapshot.instances), snapshot.is_upgrading
        capacity = snapshot.scale_set.capacity if snapshot.scale_set else None
        count = (snapshot.vms_seen, self._listed, capacity)
        if count != self._count or self._upgrading:
            self._count, self._count_since = count, now

    def _spend(self, now: float) -> Ending | None:
        self._errors.append(now)
        spent = len(self._errors) >= ERRORS and now - self._errors[0] >= ERRORS_FOR
        return Ending.UNREADABLE if spent else None

    def _hold(self) -> _Needed:
        """Return for how long the set must stay healthy."""
        snapshot = self.progress.snapshot
        looks = 1 if self._policy.hold_seconds is not None else 2
        return _Needed(hold_of(snapshot.scale_set if snapshot else None, self._policy), looks)


class _Needed(NamedTuple):
    """For how many seconds, and how many full looks, a state must last."""

    seconds: float
    looks: int


@dataclass(slots=True)
class _Streak:
    """Full looks in a row with the same state and capacity.

    since: when the first of them ended. counted_at: when the last one that counted ended.
    """

    state: State
    capacity: int | None
    since: float
    counted_at: float
    looks: int


_PASSING_ONCE_SEEN = (ConfigurationError, CredentialError, Forbidden, MalformedBody, Unavailable, UnexpectedError)


def _may_pass_once_seen(error: InstanceViewError) -> bool:
    """Return whether an error may pass, once the set was read. A refusal without Azure's code is a gateway's, say."""
    return isinstance(error, _PASSING_ONCE_SEEN) or (isinstance(error, Rejected) and not error.code)


def _gist(snapshot: Snapshot, verdict: Verdict) -> tuple[object, ...]:
    """Return what a look says, without times and messages."""
    counts = snapshot.view.virtual_machine.statuses_summary
    return verdict.state, counts, [(each.code, each.subject, each.have) for each in verdict.reasons]
