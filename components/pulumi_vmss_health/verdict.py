"""Is the scale set healthy? A table of small checks over one snapshot. No I/O, no clock.

Each check yields a Reason for what is not healthy, or Unjudged where it lacks its evidence; it yields nothing where
all is well. The worst state wins. To add a check is to write one function and one row of CHECKS.

What one look cannot decide is left to `watch`: whether a state lasts, and when to give up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pulumi_vmss_health import instance_checks, set_checks
from pulumi_vmss_health.findings import Facts, Finding, Findings, Reason, State, Unjudged, Verdict
from pulumi_vmss_health.instance_checks import Judge, judge_all, name_instances
from pulumi_vmss_health.policy import GatePolicy
from pulumi_vmss_health.snapshot import Snapshot
from pulumi_vmss_health.zone_checks import zones

__all__ = ["CHECKS", "Reason", "State", "Unjudged", "Verdict", "evaluate"]


def evaluate(snapshot: Snapshot, policy: GatePolicy) -> Verdict:
    """Judge one snapshot. Pure: equal arguments give equal verdicts.

    Reasons come worst first, then in the order of the table. With state HEALTHY they are warnings.
    """
    facts = Facts.of(snapshot, policy)
    findings = [finding for check in CHECKS for finding in check(facts)]
    if all(isinstance(each, Reason) and each.state is State.HEALTHY for each in findings):
        findings.extend(instance_checks.together(facts, _judges(facts)))
    findings.extend(set_checks.set_status(facts, tuple(findings)))
    reasons = sorted((each for each in findings if isinstance(each, Reason)), key=lambda reason: -reason.state)
    unjudged = dict.fromkeys(each.check for each in findings if isinstance(each, Unjudged))
    return Verdict(max((reason.state for reason in reasons), default=State.HEALTHY), tuple(reasons), tuple(unjudged))


def still_open(snapshot: Snapshot, policy: GatePolicy) -> tuple[str, ...]:
    """The ids of the instances that some check of an instance keeps from passing."""
    facts = Facts.of(snapshot, policy)
    instances = facts.snapshot.instances or ()
    found = zip(instances, *(instance_checks.ailments(facts, judge) for judge in _judges(facts)), strict=True)
    return tuple(instance.instance_id for instance, *ailments in found if any(ailments))


def _provisioning(facts: Facts) -> Findings:
    explained = judge_all(facts, "VMs", instance_checks.provisioning)
    yield from _counted_or_explained(set_checks.vm_summary(facts), explained, facts)


def _extensions(facts: Facts) -> Findings:
    if facts.snapshot.scale_set is None and facts.policy.extensions == "all":
        yield Unjudged("extensions of the model")
    for name in facts.extensions:
        explained = judge_all(facts, f"extension {name}", instance_checks.extension(name))
        if any(map(facts.is_exempt, facts.snapshot.instances or ())):
            yield from explained  # the view counts an extension that an older model lacks as "creating"
        else:
            yield from _counted_or_explained(set_checks.extension_summary(facts, name), explained, facts)


def _power(facts: Facts) -> Findings:
    if facts.policy.power_state != "ignored":
        yield from judge_all(facts, "power", instance_checks.power)


def _application_health(facts: Facts) -> Findings:
    model, wanted = facts.snapshot.scale_set, facts.policy.application_health
    if wanted == "auto" and model is None:
        yield Unjudged("application health")
    elif wanted == "required" and model is not None and not model.reports_health:
        message = "application health is required, but the model has no health extension and no load balancer probe"
        hint = "add the Application Health extension to the model, or set application_health='auto'"
        yield Reason("NoHealthSource", "application health", "no source", "healthy", message, hint)
    elif _judges_health(facts):
        yield from judge_all(facts, "application health", instance_checks.application_health)


def _latest_model(facts: Facts) -> Findings:
    if not _judges_model(facts):
        yield from _unknowable_model(facts)
        return
    yield from judge_all(facts, "latest model", instance_checks.latest_model)
    exempt = [instance for instance in facts.snapshot.instances or () if facts.is_exempt(instance)]
    if exempt:
        who = name_instances(exempt)
        message = f"{who}: run an older model, which they may"
        yield Reason("OlderModelAllowed", f"{who}, model", "an older one", "latest", message, state=State.HEALTHY)


def _unknowable_model(facts: Facts) -> Findings:
    """A mode that cannot tell models apart: dropped by default, unjudged where somebody insists."""
    if facts.policy.stale_instances in ("fail", "wait"):
        yield Unjudged("latest model")


def _zones(facts: Facts) -> Findings:
    yield from zones(facts, _judges(facts))


CHECKS: tuple[Callable[[Facts], Findings], ...] = (
    _provisioning,
    _extensions,
    _application_health,
    _power,
    _latest_model,
    set_checks.rolling_upgrade,
    _zones,
    set_checks.capacity,
)


def _judges_health(facts: Facts) -> bool:
    """Whether application health counts: where it is required, or where the model has a source of it."""
    model = facts.snapshot.scale_set
    wanted = facts.policy.application_health
    return wanted == "required" or (wanted == "auto" and model is not None and model.reports_health)


def _judges_model(facts: Facts) -> bool:
    return "latest model" not in facts.snapshot.lacks


def _judges(facts: Facts) -> Iterator[Judge]:
    """Every check that an instance has to pass."""
    yield instance_checks.provisioning
    yield from map(instance_checks.extension, facts.extensions)
    if facts.policy.power_state != "ignored":
        yield instance_checks.power
    if _judges_health(facts):
        yield instance_checks.application_health
    if _judges_model(facts):
        yield instance_checks.latest_model


def _counted_or_explained(counted: Iterable[Finding], explained: Iterable[Finding], facts: Facts) -> Findings:
    """What the view counts, unless the instances explain it: they name who and why.

    Both sources must agree for health. A failure, though, is only final where the instances say so: they know which
    of them still run the previous model.
    """
    if not facts.snapshot.instances:
        yield from counted
        return
    reasons = [each for each in explained if isinstance(each, Reason)]
    yield from reasons
    for each in counted:
        if isinstance(each, Unjudged):
            yield each
        elif not reasons:
            yield replace(each, state=State.PROGRESSING)
