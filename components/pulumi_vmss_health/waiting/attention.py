"""What the next look is for: everything, the part that is still open, or the rest of what one look was too short for.

A full look of many own views goes on over several looks: that is a sweep. Reads no clock: it is told the time.
"""

from __future__ import annotations

from dataclasses import replace

from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Ask, Context, Depth, Snapshot
from pulumi_vmss_health.judging.verdict import evaluate
from pulumi_vmss_health.waiting.plan import Plan, cheapest, is_flexible

FULL_AGAIN_AFTER = 60.0  # seconds after a full look, and PARTS looks at parts, that parts are not enough any more
VIEW_ENOUGH_FOR = 180.0  # seconds, where the view itself stands in the way: the model is looked at more often
PARTS = 5
CHANGED_AFTER = 30.0  # seconds after a full look that instances are looked at again where the view has changed
VIEW_EVERY = 3  # looks at parts


class Attention:
    """What a wait looks at.

    is_complete: whether all that was seen last is newer than the full look that it belongs to was begun.
    is_sweeping: whether own views are being read for a full look. is_unblocked: whether the last look was at a part,
    and nothing of that part stands in the way any more.
    """

    def __init__(self, policy: GatePolicy, now: float) -> None:
        self.is_complete = True
        self.is_sweeping = False
        self.is_unblocked = False
        self._policy = policy
        self._full_at = self._model_at = float("-inf")
        self._parts = 0
        self._vms_at_full = 0
        self._sweep_at = now
        self._plan: Plan | None = None

    def next(self, snapshot: Snapshot | None, now: float, *, urgent: bool) -> Ask:
        """What to look at, if the next look begins now.

        snapshot: the last one; None where the last look saw nothing. urgent: a full look may end the wait.
        """
        full = Ask(Depth.FULL, self._sweep_at if self.is_sweeping else now, urgent=urgent)
        if snapshot is None or self.is_unblocked:
            return full
        if self.is_sweeping and not self.is_complete:
            return Ask(Depth.OWN_VIEWS, self._sweep_at)
        part = self._part(self._plan, snapshot, now) if self._plan else None
        return part or full

    def begins(self, ask: Ask) -> None:
        """Take in what is looked at now."""
        if ask.depth is Depth.FULL:
            self._sweep_at = ask.since

    def saw(
        self, snapshot: Snapshot, verdict: Verdict, depth: Depth, context: Context, *, seen_at: float, now: float
    ) -> None:
        """Take in a look. seen_at: when the oldest of it was seen."""
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
        """Take in a look that saw nothing."""
        self.is_sweeping = self.is_unblocked = False

    def _goes_on_sweeping(self, snapshot: Snapshot, verdict: Verdict, depth: Depth, context: Context) -> bool:
        """Whether own views are being read for a full look that one look was too short for."""
        began = self.is_sweeping or (depth is Depth.FULL and not self.is_complete)
        if not began or (self.is_complete and depth is Depth.FULL):
            return False
        if not verdict.is_open:
            return True
        if self.is_complete and depth is Depth.OWN_VIEWS:
            return False
        # Something was never read, so that nobody knows what is open; but the view of all may know it.
        return snapshot.age == float("inf") and (is_flexible(snapshot) or not self._blocks_alone(snapshot, context))

    def _blocks_alone(self, snapshot: Snapshot, context: Context) -> bool:
        view_alone = replace(snapshot, instances=None, rolling_upgrade=None)
        return evaluate(view_alone, self._policy, context).state is State.PROGRESSING

    def _part(self, plan: Plan, snapshot: Snapshot, now: float) -> Ask | None:
        """The part that is still open, or what was not looked at for long; None: everything."""
        if plan.depth is Depth.FULL:
            return None
        if self._may_be_meant_to_grow(snapshot):
            return None
        if snapshot.instances is None and now - self._full_at >= CHANGED_AFTER:
            return None  # the view has changed: instances may say more than it does, such as a failure
        if self._parts >= PARTS and now - self._model_at >= FULL_AGAIN_AFTER:
            is_view_enough = plan.depth is Depth.VIEW and now - self._full_at < VIEW_ENOUGH_FOR
            return Ask(Depth.VIEW_AND_MODEL) if is_view_enough else None
        # Now and then the view as well, where it is not what is waited for: the rest of the set may change meanwhile.
        if not is_flexible(snapshot) and self._parts % VIEW_EVERY == VIEW_EVERY - 1:
            return Ask(Depth.VIEW)
        return Ask(plan.depth, now, plan.which)

    def _may_be_meant_to_grow(self, snapshot: Snapshot) -> bool:
        """Whether VMs came that are more than the model asked for when it was read: it may ask for them by now."""
        model = snapshot.scale_set
        if model is None or model.capacity is None or self._policy.capacity is not None:
            return False
        return _vms(snapshot) > max(model.capacity, self._vms_at_full)


def _vms(snapshot: Snapshot) -> int:
    return max(snapshot.vms_seen, len(snapshot.instances or ()))
