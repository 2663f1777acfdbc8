"""Which read costs least of those that can show that what is still open no longer is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Context, Depth, Snapshot
from pulumi_vmss_health.judging.verdict import still_open

FEW = 8  # instances whose own views are rather asked for than the list of all

# What the own views of instances show.
_OF_OWN_VIEWS = {
    "ApplicationNotHealthy",
    "ExtensionFailed",
    "ExtensionNotReady",
    "RollingUpgradeRunning",
    "TooFewVmsPassEveryCheck",
    "VmAgentGone",
    "VmNotRunning",
    "ZoneNotHealthy",
}
# What the instance view of a Uniform set has nothing of.
_OF_INSTANCES = (_OF_OWN_VIEWS | {"ModelNotApplied", "ModelUnknown"}) - {"ExtensionFailed", "ExtensionNotReady"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look at while a verdict stands. which: ids of the instances that are open; None: of no matter."""

    depth: Depth
    which: tuple[str, ...] | None = None


def cheapest(snapshot: Snapshot, verdict: Verdict, policy: GatePolicy, context: Context) -> Plan:
    """The read that costs least for a verdict in progress; everything, where no part alone would tell."""
    model, instances = snapshot.scale_set, snapshot.instances
    open_codes = {reason.code for reason in verdict.reasons if reason.state is not State.HEALTHY}
    if not is_flexible(snapshot) and not open_codes <= _OF_INSTANCES:
        return Plan(Depth.VIEW)
    if instances is None:
        return Plan(Depth.FULL)
    if open_codes == {"RollingUpgradeRunning"}:
        return Plan(Depth.UPGRADE)
    which = still_open(snapshot, policy, context)
    capacity = policy.capacity if policy.capacity is not None else (model.capacity if model else None)
    has_right_size = len(instances) == capacity
    if has_right_size and not which:
        return Plan(Depth.FULL)  # what is open, such as an operation on the set, instances do not show
    takes_list = not has_right_size or not open_codes <= _OF_OWN_VIEWS
    if takes_list or (len(which) > FEW and not snapshot.is_bare):
        return Plan(Depth.INSTANCES, which)
    return Plan(Depth.OWN_VIEWS, which)


def is_flexible(snapshot: Snapshot) -> bool:
    """Whether the set's instance view is counted from its instances, and so costs as much."""
    return snapshot.scale_set is not None and snapshot.scale_set.is_flexible
