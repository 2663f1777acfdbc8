"""Decide what the next look reads: everything, the part that is still open, or the rest of an unfinished full look.

A full look that has to read the views of many single instances takes several looks, called a sweep. Reads no clock:
its callers pass the time.
"""

from __future__ import annotations

from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Ask, Context, Depth, Snapshot
from pulumi_vmss_health.waiting.plan import Plan, cheapest, is_flexible, state_of_view

FULL_AGAIN_AFTER = 60.0  # seconds after a full look, and PARTS partial looks, until the next full look is due
VIEW_ENOUGH_FOR = 180.0  # the same while only the view is open; the model is read more often
PARTS = 5
CHANGED_AFTER = 30.0  # seconds after a full look until instances are read again, if the view has changed
VIEW_EVERY = 3  # every so many partial looks, the view is read


class Attention:
    """Decides what a wait reads next.

    is_complete: whether every part of the last result is newer than the beginning of its full look.
    is_sweeping: whether views of single instances are being read for a full look.
    is_unblocked: whether the last look was partial and its part no longer keeps the set from passing or failing.
    """

    def __init__(self, policy: GatePolicy, now: float) -> None:
        self.is_complete: bool = True
        self.is_sweeping: bool = False
        self.is_unblocked: bool = False
        self._policy = policy
        self._full_at = self._model_at = float("-inf")
        self._parts = 0
        self._vms_at_full = 0
        self._sweep_at = now
        self._plan: Plan | None = None

    def next(self, snapshot: Snapshot | None, now: float, *, urgent: bool) -> Ask:
        """Return what to read if the next look begins now.

        snapshot: the last one; None if the last look failed. urgent: whether a full look may end the wait.
        """
        full = Ask(Depth.FULL, self._sweep_at if self.is_sweeping else now, urgent=urgent)
        if snapshot is None or self.is_unblocked:
            return full
        if self.is_sweeping and not self.is_complete:
            return Ask(Depth.OWN_VIEWS, self._sweep_at)
        part = self._part(self._plan, snapshot, now) if self._plan else None
        return part or full

    def begins(self, ask: Ask) -> None:
        """Record what the look that begins now reads."""
        if ask.depth is Depth.FULL:
            self._sweep_at = ask.since

    def saw(
        self, snapshot: Snapshot, verdict: Verdict, depth: Depth, context: Context, *, seen_at: float, now: float
    ) -> None:
        """Record the result of a look. seen_at: when its oldest part was read."""
        self._plan = cheapest(snapshot, verdict, self._policy, context) if verdict.state is State.PROGRESSING else None
        self.is_complete = seen_at >= self._sweep_at
        self.is_sweeping = self._goes_on_sweeping(snapshot, verdict, depth, context)
        is_full = depth is Depth.FULL
        if is_full or depth is Depth.VIEW_AND_MODEL:
            self._model_at = now
        if is_full:
            self._full_at, self._vms_at_full = now, _vms(snapshot)
        self._parts = 0 if is_full else self._parts + 1
        self.is_unblocked = not is_full and not self.is_sweeping and verdict.state is not State.PROGRESSING

    def lost(self) -> None:
        """Record a look that failed."""
        self.is_sweeping = self.is_unblocked = False

    def _goes_on_sweeping(self, snapshot: Snapshot, verdict: Verdict, depth: Depth, context: Context) -> bool:
        """Return whether a full look is unfinished, so that the next look continues it."""
        began = self.is_sweeping or (depth is Depth.FULL and not self.is_complete)
        if not began or (self.is_complete and depth is Depth.FULL):
            return False
        if not verdict.is_open:
            return True
        if self.is_complete and depth is Depth.OWN_VIEWS:
            return False
        # A part was never read, so it is not known what is open, unless the instance view of the set shows it.
        if snapshot.age < float("inf"):
            return False
        return is_flexible(snapshot) or state_of_view(snapshot, self._policy, context) is not State.PROGRESSING

    def _part(self, plan: Plan, snapshot: Snapshot, now: float) -> Ask | None:
        """Return the part to read: the one that is still open, or one not read for long; None for everything."""
        if plan.depth is Depth.FULL:
            return None
        if self._may_be_meant_to_grow(snapshot):
            return None
        if snapshot.instances is None and now - self._full_at >= CHANGED_AFTER:
            return None  # the view has changed: the instances may show more, such as a failure
        if self._parts >= PARTS and now - self._model_at >= FULL_AGAIN_AFTER:
            is_view_enough = plan.depth is Depth.VIEW and now - self._full_at < VIEW_ENOUGH_FOR
            return Ask(Depth.VIEW_AND_MODEL) if is_view_enough else None
        # Read the view from time to time although it is not open: the rest of the set may change meanwhile.
        if not is_flexible(snapshot) and self._parts % VIEW_EVERY == VIEW_EVERY - 1:
            return Ask(Depth.VIEW)
        return Ask(plan.depth, now, plan.which, plan.sample)

    def _may_be_meant_to_grow(self, snapshot: Snapshot) -> bool:
        """Return whether there are more VMs than the capacity when it was read: it may have been raised since."""
        model = snapshot.scale_set
        if model is None or model.capacity is None or self._policy.capacity is not None:
            return False
        return _vms(snapshot) > max(model.capacity, self._vms_at_full)


def _vms(snapshot: Snapshot) -> int:
    return max(snapshot.vms_seen, len(snapshot.instances or ()))
