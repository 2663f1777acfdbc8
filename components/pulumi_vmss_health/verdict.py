"""Is the scale set healthy? A table of small checks over one snapshot. No I/O, no clock.

Each check yields a Reason for what is not healthy, or Unjudged where it lacks its evidence; it yields nothing where
all is well. The worst state wins. To add a check is to write one function and one row of CHECKS.

What one look cannot decide is left to `watch`: whether a state lasts, and when to give up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from pulumi_vmss_health import instance_checks, set_checks
from pulumi_vmss_health.facts import Facts, expected_capacity, is_left_alone, is_unknown, unknown_extensions
from pulumi_vmss_health.findings import Finding, Findings, Reason, State, Unjudged, Verdict, name_instances
from pulumi_vmss_health.instance_checks import Judge, failure_code, judge_all
from pulumi_vmss_health.policy import GatePolicy
from pulumi_vmss_health.snapshot import Snapshot
from pulumi_vmss_health.zone_checks import zones
from vmss_instance_view.durations import format_duration
from vmss_instance_view.model import Instance, ScaleSet
from vmss_instance_view.text import clean

__all__ = ["CHECKS", "Reason", "State", "Unjudged", "Verdict", "evaluate", "evaluate_wait", "hold_of", "refusal"]

_NAMES = 6  # extensions of the model that are named where one is not among them
_NAME = 60  # characters of each
# Source: Application Health extension, settings intervalInSeconds and numberOfProbes and their defaults.
_HEALTH_INTERVAL = 5
_HEALTH_PROBES = 1


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


def evaluate_wait(snapshot: Snapshot, policy: GatePolicy) -> Verdict:
    """Judge one snapshot for a wait: as `evaluate`, and whether the wait is long enough to end in health at all."""
    verdict = evaluate(snapshot, policy)
    reason = _hold_beyond_timeout(snapshot.scale_set, policy)
    if reason is None:
        return verdict
    return Verdict(State.FAILING, (reason, *verdict.reasons), verdict.unjudged)


def hold_of(model: ScaleSet | None, policy: GatePolicy) -> float:
    """Seconds for which health must last: the policy's, else those that the health extension takes to notice."""
    if policy.hold_seconds is not None:
        return policy.hold_seconds
    extension = model.health_extension if model else None
    if extension is None or policy.application_health == "ignored":
        return 0.0
    return float((extension.interval or _HEALTH_INTERVAL) * (extension.probes or _HEALTH_PROBES))


def _hold_beyond_timeout(model: ScaleSet | None, policy: GatePolicy) -> Reason | None:
    hold = hold_of(model, policy)
    if hold < policy.timeout_seconds:
        return None
    have, want = (format_duration(timedelta(seconds=each)) for each in (policy.timeout_seconds, hold))
    message = f"health must last {want} (interval times probes of the health extension), and the timeout is {have}"
    hint = f"raise the timeout above {want}, or set hold"
    return Reason("HoldBeyondTimeout", "timeout", have, f"more than {want}", message, hint)


def refusal(model: ScaleSet, policy: GatePolicy) -> str | None:
    """Why a wait for such a set cannot end, whatever happens: said at the first look; None where it can."""
    if expected_capacity(model, policy) is not None:
        return None
    why = "VMs are attached to it one by one" if model.is_flexible and not model.has_profile else "its sku names none"
    return f"the scale set has no capacity ({why}), so nobody knows how many VMs to wait for: set policy.capacity"


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
    yield from _counted_or_explained(counted, explained, facts)
    for why, instances in excused.items():
        if why:
            who, code = name_instances(instances), failure_code(instances[0])
            message = f"{who}: VM {code}, which does not count: {why}"
            yield _warning("VmFailureAllowed", f"{who}, VM", code, "succeeded", message, instances)


def _extensions(facts: Facts) -> Findings:
    if facts.snapshot.scale_set is None and facts.policy.extensions == "all":
        yield Unjudged("extensions of the model")
    unknown = unknown_extensions(facts)
    for name in facts.extensions:
        judge = instance_checks.extension(name)
        explained = judge_all(facts, f"extension {name}", judge)
        suppressed = _suppressed(facts, name)
        if name in unknown:
            yield _unknown_extension(facts, name)
        elif facts.is_without_profile or any(map(facts.is_exempt, facts.snapshot.instances or ())):
            yield from explained  # the view counts an extension that an older model lacks as "creating"
        else:
            counted = set_checks.extension_summary(facts, name, _excused_of(facts, name, suppressed))
            yield from _counted_or_explained(counted, explained, facts)
        if suppressed:
            who, code = name_instances(suppressed), failure_code(suppressed[0], name)
            message = f"{who}: extension {name} {code}, which the model suppresses (suppressFailures)"
            words = instance_checks.failure_words(suppressed[0], name)
            message += f": {words}" if words else ""
            yield _warning(
                "ExtensionFailureSuppressed", f"{who}, extension {name}", code, "succeeded", message, suppressed
            )
    yield from _ignored_unknown(facts)


def _suppressed(facts: Facts, name: str) -> list[Instance]:
    """Instances on which an extension failed in a way that the model does not count."""
    if name.lower() not in facts.suppressed:
        return []
    instances = facts.snapshot.instances or ()
    return [each for each in instances if name.lower() in map(str.lower, instance_checks.failed_extensions(each))]


def _excused_of(facts: Facts, name: str, suppressed: list[Instance]) -> int:
    """How many failures of an extension do not count; where nobody looked at the instances, all that may be."""
    if facts.snapshot.instances is None and name.lower() in facts.suppressed:
        return facts.vms
    return len(suppressed)


def _unknown_extension(facts: Facts, name: str) -> Reason:
    hint = "correct the name in extensions, unless somebody else than the model installs it"
    subject = f"extension {name}"
    return Reason(
        "ExtensionUnknown", subject, "not in the model", "succeeded", _lacks(facts, name), hint, State.PROGRESSING
    )


def _ignored_unknown(facts: Facts) -> Findings:
    for name in facts.policy.ignore_extensions:
        if is_unknown(facts, name):
            message = f"ignore_extensions: {_lacks(facts, name)}"
            yield _warning("IgnoredExtensionUnknown", f"extension {name}", "not in the model", "a known name", message)


def _lacks(facts: Facts, name: str) -> str:
    model = facts.snapshot.scale_set
    known = [clean(each.name, _NAME) for each in (model.extensions if model else ()) if each.name]
    more = f" and {len(known) - _NAMES} more" if len(known) > _NAMES else ""
    return f"the model has no {name}; it has {', '.join(known[:_NAMES]) or 'no extensions'}{more}"


def _warning(code: str, subject: str, have: str, want: str, message: str, instances: Sequence[Instance] = ()) -> Reason:
    ids = tuple(each.instance_id for each in instances)
    return Reason(code, subject, have, want, message, "", State.HEALTHY, ids)


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
        yield _warning("ApplicationHealthNotJudged", "application health", "no source", "a source", message)


def _any_reports_health(facts: Facts) -> bool:
    return any(each.view is not None and each.view.vm_health for each in facts.snapshot.instances or ())


def _latest_model(facts: Facts) -> Findings:
    if facts.is_without_profile:
        return
    yield from judge_all(facts, "latest model", instance_checks.latest_model)
    instances = facts.snapshot.instances or ()
    exempt = [each for each in instances if facts.is_exempt(each)]
    for why, some in (
        ("which they may", [each for each in exempt if not is_left_alone(each)]),
        ("for nothing upgrades them (protection, or SkipUpgrade)", [each for each in exempt if is_left_alone(each)]),
    ):
        if some:
            who = name_instances(some)
            message = f"{who}: run an older model, {why}"
            yield _warning("OlderModelAllowed", f"{who}, model", "an older one", "latest", message, some)
    if facts.may_not_know_models and facts.policy.stale_instances == "auto":
        unknown = [each for each in instances if facts.runs_latest(each) is None]
        if unknown:
            who = name_instances(unknown)
            message = f"{who}: not known which model they run, for Azure does not say when it was made"
            yield _warning("ModelUnknown", f"{who}, model", "not reported", "latest", message, unknown)


def _capacity(facts: Facts) -> Findings:
    instances = facts.snapshot.instances or ()
    ill = zip(instances, *(instance_checks.ailments(facts, judge) for judge in _judges(facts)), strict=True)
    yield from set_checks.capacity(facts, [instance for instance, *found in ill if any(found)])


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
