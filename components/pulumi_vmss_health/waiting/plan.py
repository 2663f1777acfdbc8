"""Choose the cheapest read that can show progress in what is still open. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from pulumi_vmss_health.judging.facts import expected_capacity
from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Context, Depth, Snapshot
from pulumi_vmss_health.judging.verdict import evaluate

FEW = 8  # up to so many instances are read one by one instead of as a list
SAMPLE = 4  # of the open instances, at least one in so many is read at each look: all of them in so many looks

# Reasons that the views of single instances show.
_OF_OWN_VIEWS = {
    "ApplicationNotHealthy",
    "ExtensionFailed",
    "ExtensionNotReady",
    "InstanceViewUnread",
    "RollingUpgradeRunning",
    "TooFewVmsPassEveryCheck",
    "VmAgentGone",
    "VmNotRunning",
    "ZoneNotHealthy",
}
# Reasons that the instance view of a Uniform set does not show.
_OF_INSTANCES = (_OF_OWN_VIEWS | {"ModelNotApplied", "ModelUnknown"}) - {"ExtensionFailed", "ExtensionNotReady"}
# Reasons that the model of a Flexible set shows.
_OF_MODEL = {"SetOperationRunning", "SetStatusAbsent"}
# A failed operation that is not final stops counting when everything else passes: no read shows it mended.
_OF_THE_REST = {"SetOperationFailed"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read while the verdict is unchanged.

    which: ids of the open instances; None if they do not matter. sample: how many of them show whether the set can
    pass; None: all do.
    """

    depth: Depth
    which: tuple[str, ...] | None = None
    sample: int | None = None


def cheapest(snapshot: Snapshot, verdict: Verdict, policy: GatePolicy, context: Context) -> Plan:
    """Return the cheapest read for a verdict in progress; a full one if no part alone shows progress."""
    instances = snapshot.instances
    open_codes = {reason.code for reason in verdict.reasons if reason.state is not State.HEALTHY} - _OF_THE_REST
    of_view = not is_flexible(snapshot) and not open_codes <= _OF_INSTANCES
    if of_view and state_of_view(snapshot, policy, context) is not State.HEALTHY:
        return Plan(Depth.VIEW)  # a view that shows nothing open was read after the instances, in the same look
    if instances is None:
        return Plan(Depth.FULL)
    if is_flexible(snapshot) and open_codes <= _OF_MODEL:
        return Plan(Depth.FULL)
    if open_codes == {"RollingUpgradeRunning"}:
        return Plan(Depth.UPGRADE)
    which = verdict.ill
    capacity = expected_capacity(snapshot.scale_set, policy)
    has_right_size = len(instances) == capacity
    if has_right_size and not which:
        return Plan(Depth.FULL)  # instances do not show what is open, such as an operation on the set
    takes_list = not has_right_size or not open_codes <= _OF_OWN_VIEWS
    if takes_list or (len(which) > FEW and not snapshot.is_bare):
        return Plan(Depth.INSTANCES, which)
    return Plan(Depth.OWN_VIEWS, which, _sample(which, len(instances), capacity, policy))


def _sample(which: tuple[str, ...], instances: int, capacity: int | None, policy: GatePolicy) -> int | None:
    """Return how many of the open instances to read: while all of these are open, too few others are left to pass."""
    if capacity is None or policy.min_healthy_per_zone is not None:
        return None
    lacking = policy.required(capacity) - (instances - len(which))
    if lacking < 1:
        return None
    return max(len(which) - lacking + 1, ceil(len(which) / SAMPLE))


def state_of_view(snapshot: Snapshot, policy: GatePolicy, context: Context) -> State:
    """Return what the view and the model alone say of the set."""
    return evaluate(replace(snapshot, instances=None, rolling_upgrade=None), policy, context).state


def is_flexible(snapshot: Snapshot) -> bool:
    """Return whether the set is Flexible: its instance view is counted from its instances and costs as much."""
    return snapshot.scale_set is not None and snapshot.scale_set.is_flexible
