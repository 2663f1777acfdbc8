"""Is every zone of the set served? A zone that lost all of its VMs can hide behind the others' number."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_vmss_health.findings import Facts, Findings, Reason, State, Unjudged
from pulumi_vmss_health.instance_checks import Judge
from vmss_instance_view.model import Instance


def zones(facts: Facts, judges: Iterable[Judge]) -> Findings:
    """Do enough instances of each zone pass every check? Only where the policy asks for it."""
    if facts.policy.min_healthy_per_zone is None:
        return
    model, instances = facts.snapshot.scale_set, facts.snapshot.instances
    if model is None or instances is None or facts.capacity is None:
        yield Unjudged("zones")
        return
    if not model.zones:
        message = "min_healthy_per_zone is asked for, but the scale set has no zones"
        yield Reason("NoZones", "scale set", "no zones", "zones", message, "set min_healthy_per_zone=None")
        return
    judges = tuple(judges)
    for zone in model.zones:
        members = [instance for instance in instances if zone in instance.zones]
        yield from _zone(facts, zone, len(model.zones), members, judges)


def _zone(facts: Facts, zone: str, zones: int, members: list[Instance], judges: tuple[Judge, ...]) -> Findings:
    capacity = facts.capacity or 0
    # Azure spreads VMs evenly, give or take one; a zone with a share must not be empty, whatever the percentage.
    share = capacity // zones
    required = max(facts.policy.required_per_zone(share), 1 if share else 0)
    passing, final = 0, 0
    for instance in members:
        ailments = [ailment for judge in judges if (ailment := judge(facts, instance)) is not None]
        passing += not ailments
        final += any(ailment.final for ailment in ailments)
    if passing >= required:
        return
    to_come = max(capacity - len(facts.snapshot.instances or ()), 0)
    hopeless = len(members) + to_come - final < required
    message = f"zone {zone}: {passing} of {len(members)} VMs pass every check, {required} required"
    state = State.FAILING if hopeless else State.PROGRESSING
    yield Reason("ZoneNotHealthy", f"zone {zone}", str(passing), str(required), message, state=state)
