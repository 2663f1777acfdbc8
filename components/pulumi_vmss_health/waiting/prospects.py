"""Check that a gate can pass at all with this policy and model, whatever the VMs do. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pulumi_vmss_health.judging.facts import expected_capacity
from pulumi_vmss_health.judging.findings import Reason, State, Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Context, Snapshot
from pulumi_vmss_health.judging.verdict import evaluate
from vmss_instance_view.durations import format_duration
from vmss_instance_view.model import ScaleSet

NO_CAPACITY = "the scale set has no capacity"
"""How the refusal of a set without a capacity begins."""

# Source: Application Health extension, settings intervalInSeconds and numberOfProbes and their defaults.
_HEALTH_INTERVAL = 5
_HEALTH_PROBES = 1
_LONGEST = 366 * 24 * 3600.0  # seconds of a hold: a model may name any number


def evaluate_wait(snapshot: Snapshot, policy: GatePolicy, context: Context = NOTHING_ELSE) -> Verdict:
    """Judge one snapshot as `evaluate` does, and check that the timeout is long enough for the gate to pass."""
    verdict = evaluate(snapshot, policy, context)
    reason = _hold_beyond_timeout(snapshot.scale_set, policy)
    if reason is None:
        return verdict
    return replace(verdict, state=State.FAILING, reasons=(reason, *verdict.reasons))


def hold_of(model: ScaleSet | None, policy: GatePolicy) -> float:
    """Return the seconds for which the set must stay healthy: the policy's, else the health extension's own delay."""
    if policy.hold_seconds is not None:
        return policy.hold_seconds
    extension = model.health_extension if model else None
    if extension is None or policy.application_health == "ignored":
        return 0.0
    return float(min((extension.interval or _HEALTH_INTERVAL) * (extension.probes or _HEALTH_PROBES), _LONGEST))


def _hold_beyond_timeout(model: ScaleSet | None, policy: GatePolicy) -> Reason | None:
    hold = hold_of(model, policy)
    if hold < policy.timeout_seconds:
        return None
    have, want = (format_duration(timedelta(seconds=each)) for each in (policy.timeout_seconds, hold))
    why = "interval times probes of the health extension"
    message = f"the set must stay healthy for {want} ({why}), but the timeout is {have}"
    hint = f"raise the timeout above {want}, or set hold"
    return Reason("HoldBeyondTimeout", "timeout", have, f"more than {want}", message, hint)


def refusal(model: ScaleSet, policy: GatePolicy) -> str | None:
    """Say why a gate on such a set can never pass; None if it can."""
    if expected_capacity(model, policy) is not None:
        return None
    why = "VMs are attached one by one" if model.is_flexible and not model.has_profile else "its sku gives none"
    return f"{NO_CAPACITY} ({why}), so the number of VMs to wait for is not known: set policy.capacity"
