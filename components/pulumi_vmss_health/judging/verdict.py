"""The verdict on one snapshot, from two tables of small checks. No I/O, no clock.

A check yields a Reason for what is not healthy, or Unjudged if it lacks the data that it needs; it yields nothing if
all is well. The worst state wins. A new check of each instance is a judge and a row of INSTANCE_CHECKS; a new check of
the whole set is a function and a row of SET_CHECKS.

Whether a state lasts, and when to give up, is decided in `waiting`.
"""

from __future__ import annotations

from collections.abc import Callable

from pulumi_vmss_health.judging import extension_checks, instance_checks, set_checks
from pulumi_vmss_health.judging.facts import Facts, is_left_alone
from pulumi_vmss_health.judging.findings import Findings, Reason, State, Unjudged, Verdict, name_instances, warning
from pulumi_vmss_health.judging.judged import InstanceCheck, Judged, enough, enough_pass_all
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Context, Snapshot
from pulumi_vmss_health.judging.zone_checks import zones

__all__ = ["INSTANCE_CHECKS", "SET_CHECKS", "Reason", "State", "Unjudged", "Verdict", "evaluate"]


def evaluate(snapshot: Snapshot, policy: GatePolicy, context: Context = NOTHING_ELSE) -> Verdict:
    """Judge one snapshot. Pure: equal arguments give equal verdicts.

    context: what is known besides the snapshot. Reasons are sorted worst first, then in the order of the tables; those
    with state HEALTHY are warnings. Raises TypeError that names the argument.
    """
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"snapshot must be a Snapshot, such as Snapshot(view), not {type(snapshot).__name__}")
    if not isinstance(policy, GatePolicy):
        example = "GatePolicy(min_healthy='90%')"
        raise TypeError(f"policy must be a GatePolicy, such as {example}, not {type(policy).__name__}")
    facts = Facts.of(snapshot, policy, context)
    checks = _asked(facts)
    judged = Judged.by(checks, facts)
    findings = [finding for check in checks for finding in check.tell(judged, check.name)]
    findings += [finding for check in SET_CHECKS for finding in check(judged)]
    if all(isinstance(each, Reason) and each.state is State.HEALTHY for each in findings):
        findings.extend(enough_pass_all(judged))
    findings.extend(set_checks.set_status(judged, tuple(findings)))
    told = dict.fromkeys(each for each in findings if isinstance(each, Reason))  # several checks may report one cause
    reasons = sorted(told, key=lambda reason: -reason.state)
    unjudged = dict.fromkeys(each.check for each in findings if isinstance(each, Unjudged))
    state = max((reason.state for reason in reasons), default=State.HEALTHY)
    ill = tuple(instance.instance_id for instance in judged.ill)
    return Verdict(state, tuple(reasons), tuple(unjudged), ill)


def judge_instances(snapshot: Snapshot, policy: GatePolicy, context: Context) -> Judged:
    """Judge every instance by every check that is asked for."""
    facts = Facts.of(snapshot, policy, context)
    return Judged.by(_asked(facts), facts)


def _asked(facts: Facts) -> list[InstanceCheck]:
    """Return the instance checks that the policy and the model ask for, in the order of their reasons."""
    vms, *others = (check for check in INSTANCE_CHECKS if check.is_asked(facts))
    return [vms, *extension_checks.checks(facts), *others]


def _vms(judged: Judged, check: str) -> Findings:
    facts = judged.facts
    excused = instance_checks.excused(facts)
    counted = set_checks.vm_summary(facts, sum(map(len, excused.values())))
    yield from set_checks.unless_explained(counted, enough(judged, check), facts)
    for (why, code), instances in excused.items():
        if why:
            who = name_instances(instances)
            message = f"{who}: VM {code}, ignored {why}"
            yield warning("VmFailureAllowed", f"{who}, VM", code, "succeeded", message, instances)


def _application_health(judged: Judged, check: str) -> Findings:
    facts = judged.facts
    model, wanted = facts.snapshot.scale_set, facts.policy.application_health
    if wanted == "auto" and model is None:
        yield Unjudged(check)
    if wanted == "required" and model is not None and not model.reports_health:
        message = "application health is required, but the model has no health extension, probe or external policy"
        hint = "add the Application Health extension to the model, or set application_health='auto'"
        yield Reason("NoHealthSource", check, "no source", "healthy", message, hint)
    elif facts.wants_health or facts.snapshot.instances is not None:
        yield from enough(judged, check)
    if model is not None and not facts.wants_health and facts.capacity and not _any_reports_health(facts):
        message = "application health was not judged: the model has no health extension or probe"
        yield warning("ApplicationHealthNotJudged", check, "no source", "a source", message)


def _any_reports_health(facts: Facts) -> bool:
    return any(each.view is not None and each.view.vm_health for each in facts.snapshot.instances or ())


_IGNORED = "allowed by stale_instances='ignore'"
_FOR_NOW = "allowed under a Manual upgrade policy until the gate has passed once"


def _latest_model(judged: Judged, check: str) -> Findings:
    facts = judged.facts
    yield from enough(judged, check)
    instances = facts.snapshot.instances or ()
    exempt = [each for each in instances if facts.is_exempt(each)]
    ignored = facts.policy.stale_instances == "ignore"
    for why, some in (
        (_IGNORED if ignored else _FOR_NOW, [each for each in exempt if not is_left_alone(each)]),
        (
            "upgrades leave them out: protection or SkipUpgrade",
            [each for each in exempt if is_left_alone(each)],
        ),
    ):
        if some:
            who = name_instances(some)
            message = f"{who}: on an older model ({why})"
            yield warning("OlderModelAllowed", f"{who}, model", "an older one", "latest", message, some)
    if facts.may_not_know_models and facts.policy.stale_instances == "auto":
        unknown = [each for each in instances if facts.runs_latest(each) is None]
        if unknown:
            who = name_instances(unknown)
            message = f"{who}: model unknown, because Azure does not say when it was created"
            yield warning("ModelUnknown", f"{who}, model", "not reported", "latest", message, unknown)


INSTANCE_CHECKS = (
    InstanceCheck("VMs", instance_checks.provisioning, tell=_vms),
    # Each extension that is to be judged gets a row of its own here.
    InstanceCheck("power", instance_checks.power, lambda facts: facts.policy.power_state != "ignored"),
    InstanceCheck(
        "application health",
        instance_checks.application_health,
        lambda facts: facts.policy.application_health != "ignored",
        _application_health,
    ),
    InstanceCheck(
        "latest model", instance_checks.latest_model, lambda facts: not facts.is_without_profile, _latest_model
    ),
    InstanceCheck("instance view", instance_checks.readable, lambda facts: bool(facts.snapshot.unread)),
)

SET_CHECKS: tuple[Callable[[Judged], Findings], ...] = (
    extension_checks.names,
    set_checks.rolling_upgrade,
    zones,
    set_checks.capacity,
)
