"""Is the scale set healthy? A table of small checks over one snapshot. No I/O, no clock.

Each check yields a Reason for what is not healthy, or Unjudged where it lacks its evidence; it yields nothing where
all is well. The worst state wins. To add a check is to write one function and one row of CHECKS.

What one look cannot decide is left to `watch`: whether a state lasts, and when to give up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pulumi_vmss_health.judging import instance_checks, set_checks
from pulumi_vmss_health.judging.extension_checks import extensions
from pulumi_vmss_health.judging.facts import Facts, is_left_alone
from pulumi_vmss_health.judging.findings import Findings, Reason, State, Unjudged, Verdict, name_instances, warning
from pulumi_vmss_health.judging.instance_checks import Judge, failure_code, judge_all
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Snapshot
from pulumi_vmss_health.judging.zone_checks import zones

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
    told = dict.fromkeys(each for each in findings if isinstance(each, Reason))  # one cause may stop several checks
    reasons = sorted(told, key=lambda reason: -reason.state)
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
    excused = instance_checks.excused(facts)
    counted = set_checks.vm_summary(facts, sum(map(len, excused.values())))
    yield from set_checks.unless_explained(counted, explained, facts)
    for why, instances in excused.items():
        if why:
            who, code = name_instances(instances), failure_code(instances[0])
            message = f"{who}: VM {code}, which does not count: {why}"
            yield warning("VmFailureAllowed", f"{who}, VM", code, "succeeded", message, instances)


def _power(facts: Facts) -> Findings:
    if facts.policy.power_state != "ignored":
        yield from judge_all(facts, "power", instance_checks.power)


def _application_health(facts: Facts) -> Findings:
    model, wanted = facts.snapshot.scale_set, facts.policy.application_health
    if wanted == "ignored":
        return
    if wanted == "auto" and model is None:
        yield Unjudged("application health")
    if wanted == "required" and model is not None and not model.reports_health:
        message = "application health is required, but the model has no health extension, probe or external policy"
        hint = "add the Application Health extension to the model, or set application_health='auto'"
        yield Reason("NoHealthSource", "application health", "no source", "healthy", message, hint)
    elif facts.wants_health or facts.snapshot.instances is not None:
        yield from judge_all(facts, "application health", instance_checks.application_health)
    if model is not None and not facts.wants_health and facts.capacity and not _any_reports_health(facts):
        message = "application health was not judged: the model has no source of it"
        yield warning("ApplicationHealthNotJudged", "application health", "no source", "a source", message)


def _any_reports_health(facts: Facts) -> bool:
    return any(each.view is not None and each.view.vm_health for each in facts.snapshot.instances or ())


_IGNORED = "as stale_instances='ignore' allows"
_FOR_NOW = "which an upgrade policy of Manual allows until the gate has passed once"


def _latest_model(facts: Facts) -> Findings:
    if facts.is_without_profile:
        return
    yield from judge_all(facts, "latest model", instance_checks.latest_model)
    instances = facts.snapshot.instances or ()
    exempt = [each for each in instances if facts.is_exempt(each)]
    ignored = facts.policy.stale_instances == "ignore"
    for why, some in (
        (_IGNORED if ignored else _FOR_NOW, [each for each in exempt if not is_left_alone(each)]),
        ("for nothing upgrades them (protection, or SkipUpgrade)", [each for each in exempt if is_left_alone(each)]),
    ):
        if some:
            who = name_instances(some)
            message = f"{who}: run an older model, {why}"
            yield warning("OlderModelAllowed", f"{who}, model", "an older one", "latest", message, some)
    if facts.may_not_know_models and facts.policy.stale_instances == "auto":
        unknown = [each for each in instances if facts.runs_latest(each) is None]
        if unknown:
            who = name_instances(unknown)
            message = f"{who}: not known which model they run, for Azure does not say when it was made"
            yield warning("ModelUnknown", f"{who}, model", "not reported", "latest", message, unknown)


def _capacity(facts: Facts) -> Findings:
    instances = facts.snapshot.instances or ()
    ill = zip(instances, *(instance_checks.ailments(facts, judge) for judge in _judges(facts)), strict=True)
    yield from set_checks.capacity(facts, [instance for instance, *found in ill if any(found)])


def _zones(facts: Facts) -> Findings:
    yield from zones(facts, _judges(facts))


CHECKS: tuple[Callable[[Facts], Findings], ...] = (
    _provisioning,
    extensions,
    _power,
    _application_health,
    _latest_model,
    set_checks.rolling_upgrade,
    _zones,
    _capacity,
)


def _judges(facts: Facts) -> Iterator[Judge]:
    """Every check that an instance has to pass."""
    yield instance_checks.provisioning
    yield from map(instance_checks.extension, facts.extensions)
    if facts.policy.power_state != "ignored":
        yield instance_checks.power
    if facts.policy.application_health != "ignored":
        yield instance_checks.application_health
    if not facts.is_without_profile:
        yield instance_checks.latest_model
