"""The check of each zone: the number of healthy VMs alone does not show that a zone has lost all of its VMs."""

from __future__ import annotations

from pulumi_vmss_health.judging import advice
from pulumi_vmss_health.judging.facts import Facts
from pulumi_vmss_health.judging.findings import Findings, Reason, State, Unjudged
from pulumi_vmss_health.judging.judged import Ailment, Judged, not_passing
from vmss_instance_view.model import Instance, ScaleSet


def zones(judged: Judged) -> Findings:
    """Check that enough instances of each zone pass every check, if the policy asks for it."""
    facts = judged.facts
    if facts.policy.min_healthy_per_zone is None:
        return
    model, instances = facts.snapshot.scale_set, facts.snapshot.instances
    if model is None or instances is None or facts.capacity is None:
        yield Unjudged("zones")
        return
    if not model.zones:
        message = "min_healthy_per_zone is set, but the scale set has no zones"
        yield Reason("NoZones", "scale set", "no zones", "zones", message, "set min_healthy_per_zone=None")
        return
    for zone in model.zones:
        members = [(instance, found) for instance, found in judged.ailments if zone in instance.zones]
        yield from _zone(facts, model, zone, members)


def _zone(facts: Facts, model: ScaleSet, zone: str, members: list[tuple[Instance, list[Ailment]]]) -> Findings:
    """Check one zone. members: its VMs, each with its ailments.

    A VM whose zone is not told may be in it. Zone rebalancing can still bring a zone VMs that it lacks, up to its share
    of the capacity.
    """
    capacity = facts.capacity or 0
    share = capacity // len(model.zones)  # of the capacity, which Azure spreads evenly
    required = facts.policy.required_per_zone(share)  # rounded up, so that no zone may be empty
    ill = [instance for instance, ailing in members if ailing]
    passing = len(members) - len(ill)
    if passing >= required:
        return
    final = sum(any(ailment.final for ailment in ailing) for _, ailing in members)
    to_come = max(capacity - sum(bool(each.zones) for each in facts.snapshot.instances or ()), 0)
    hopeless = len(members) + to_come - final < required
    rebalanced = hopeless and not final and bool(model.zone_rebalancing) and required <= share
    told, hint = not_passing(members)
    message = f"zone {zone}: {passing} of {len(members)} VMs pass every check, {required} required{told}"
    if hopeless and not final:
        message += f"; its share of the capacity is {share}"
    hint = advice.REBALANCES if rebalanced else hint
    state = State.FAILING if hopeless and not rebalanced else State.PROGRESSING
    ids = tuple(each.instance_id for each in ill)
    yield Reason("ZoneNotHealthy", f"zone {zone}", str(passing), str(required), message, hint, state, ids)
