"""Checks of the whole set: its last operation, its size, and the counts of its instance view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from pulumi_vmss_health.judging import advice
from pulumi_vmss_health.judging.facts import Facts, is_left_alone
from pulumi_vmss_health.judging.findings import (
    Finding,
    Findings,
    Reason,
    State,
    Unjudged,
    name_instances,
    short_code,
    warning,
)
from pulumi_vmss_health.judging.guest import last_words, said
from pulumi_vmss_health.judging.instance_checks import OF_EXTENSIONS, excused, failed_extensions
from pulumi_vmss_health.judging.judged import Judged
from pulumi_vmss_health.judging.snapshot import count_succeeded
from vmss_instance_view.model import (
    Instance,
    ScaleSet,
    Status,
    StatusCount,
    describe,
    in_group,
    is_failure,
    named,
    parse_time,
    state_of,
)

_SUBJECT = "scale set"
_CLOCKS_DIFFER = timedelta(minutes=5)


def capacity(judged: Judged) -> Findings:
    """Check that there are as many VMs as the capacity. Never pass without knowing the capacity."""
    facts = judged.facts
    if facts.capacity is None:
        yield Unjudged("capacity")
        return
    asked = facts.policy.required(facts.capacity)
    if asked > facts.capacity:
        message = f"min_healthy requires {asked} VMs, but the capacity is {facts.capacity}"
        hint = "lower min_healthy, or raise the capacity"
        yield Reason("MinHealthyAboveCapacity", _SUBJECT, str(facts.capacity), str(asked), message, hint)
    instances = facts.snapshot.instances
    counts = [facts.snapshot.vms_seen, *([] if instances is None else [len(instances)])]
    wrong = min(
        (count for count in counts if count != facts.capacity), default=None
    )  # if both differ, the smaller counts
    if wrong is not None:
        yield _wrong_count(facts, wrong, facts.capacity, judged.ill)
    elif facts.capacity == 0:
        message = "the capacity is 0: there are no VMs to judge"
        yield Reason("NothingToJudge", _SUBJECT, "0", "0", message, state=State.HEALTHY)


def _wrong_count(facts: Facts, seen: int, wanted: int, ill: Sequence[Instance]) -> Reason:
    """Report a wrong number of VMs: missing ones are still to come, extra ones leave unless they stayed for long."""
    model = facts.snapshot.scale_set
    message = f"{seen} VMs exist, the capacity is {wanted}"
    numbers = _SUBJECT, str(seen), str(wanted)
    if seen < wanted:
        hint = "spot restore is on: Azure tries to bring evicted VMs back" if model and model.spot_restore else ""
        return Reason("TooFewVms", *numbers, message, hint, State.PROGRESSING)
    if model and model.max_surge and facts.snapshot.is_upgrading:
        surge = f"{message}: the rolling upgrade adds VMs while it runs (maxSurge)"
        return Reason("SurgeVms", *numbers, surge, "", State.PROGRESSING)
    if facts.context.surplus_settled:
        message += ": the extra VMs have stayed for 5 minutes, so they only give a warning"
        message += f"; not healthy: {name_instances(ill)}" if ill else ""
        ids = tuple(each.instance_id for each in ill)
        return Reason("SurplusStays", *numbers, message, "", State.HEALTHY, ids)
    hint = advice.REBALANCES if model and model.zone_rebalancing else ""
    return Reason("SurplusVms", *numbers, message, hint, State.PROGRESSING)


def vm_summary(facts: Facts, excused: int) -> Findings:
    """Check that enough VMs were provisioned. excused: the number of VMs whose failure does not count."""
    yield from _enough(facts, "VMs", "Vms", [facts.snapshot.view.virtual_machine.statuses_summary], excused)


def extension_summary(facts: Facts, name: str, excused: int) -> Findings:
    """Check that an extension succeeded on enough VMs. An extension that the view does not list is still to come.

    excused: the number of VMs on which its failure does not count.
    """
    summaries = [each.statuses_summary for each in named(facts.snapshot.view.extensions, name)]
    yield from _enough(facts, f"extension {name}", "Extensions", summaries or [()], excused)


def _enough(
    facts: Facts, subject: str, code: str, summaries: Sequence[Sequence[StatusCount]], excused: int
) -> Findings:
    """Compare a summary with the required number: enough succeeded, not yet, or never. Of several, take the worst."""
    if facts.required is None:
        yield Unjudged(subject)
        return
    summary = min(summaries, key=lambda each: (count_succeeded(each), -_count_failed(each)))
    succeeded, failed = count_succeeded(summary), _count_failed(summary)
    if succeeded + min(excused, failed) >= facts.required:
        return
    hopeless = facts.vms - max(failed - excused, 0) < facts.required
    yield Reason(
        f"TooMany{code}Failed" if hopeless else f"TooFew{code}Succeeded",
        subject,
        str(succeeded),
        str(facts.required),
        f"{subject}: {succeeded} of {facts.capacity} succeeded, {facts.requirement} ({describe(summary)})",
        state=State.FAILING if hopeless else State.PROGRESSING,
    )


def unless_explained(counted: Iterable[Finding], explained: Iterable[Finding], facts: Facts) -> Findings:
    """Yield what the instances explain, else what the view counts: the instances say which of them fail, and why.

    Both sources must be healthy. Only the instances can make a failure final: the view does not tell which of them
    still run the previous model.
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


def _count_failed(summary: Sequence[StatusCount]) -> int:
    return sum(each.count for each in summary if is_failure(state_of(each.code)))


def set_status(judged: Judged, others: Sequence[Finding]) -> Findings:
    """Check that the last operation on the set succeeded. others: what all other checks found.

    A failure that only repeats a reported failure of extensions is not reported again, be it final or not.
    """
    facts = judged.facts
    if facts.policy.set_status == "ignored":
        return
    told = {each.code for each in others if isinstance(each, Reason)}
    statuses = _operation(facts)
    if not statuses:
        message = "no operation on the set has reported its status yet"
        yield Reason("SetStatusAbsent", _SUBJECT, "no status", "succeeded", message, state=State.PROGRESSING)
    for status in statuses:
        code = short_code(status)
        if is_failure(status.state):
            if not ("ExtensionFailed" in told and _may_be_of_an_extension(status, judged)):
                yield _failed_operation(status, _state_of_a_failure(status, judged, others), judged.ill)
        elif status.state != "succeeded":
            message = f"an operation on the set is in progress ({code})"
            yield Reason("SetOperationRunning", _SUBJECT, code, "succeeded", message, state=State.PROGRESSING)
        elif (status.level or "").lower() == "error":
            words = said([status])
            message = f"the last operation on the set {code}, but with level {status.level}"
            message += f": {words}" if words else ""
            yield Reason("SetStatusLevel", _SUBJECT, code, "succeeded", message, state=State.HEALTHY)


def _operation(facts: Facts) -> Sequence[Status]:
    """Return the statuses of the last operation: the view's; if it has none at all, the model's."""
    statuses = facts.snapshot.view.statuses
    model = facts.snapshot.scale_set
    if not statuses and model is not None and model.provisioning_state:
        return (Status(f"ProvisioningState/{model.provisioning_state.strip().lower()}"),)
    return tuple(each for each in statuses if in_group(each.code, "ProvisioningState")) or statuses


def _state_of_a_failure(status: Status, judged: Judged, others: Sequence[Finding]) -> State:
    """Return how bad a failed last operation is. Its status stays until the next operation.

    It is only a warning if all other checks pass, unless the policy requires the operation's success. It is not final
    if it repeats the failure of a VM, which tells by itself whether it counts, if it is of before the gate's last pass,
    or if all instances exist and are healthy, and only the instance view is behind.
    """
    facts = judged.facts
    instances = facts.snapshot.instances
    if not instances or facts.policy.set_status != "auto":
        return State.FAILING
    if all(isinstance(each, Reason) and each.state is State.HEALTHY for each in others):
        return State.HEALTHY
    are_all_well = len(instances) >= (facts.capacity or 0) and not judged.ill
    counts = not (are_all_well or _repeats_a_vm(judged, status) or _is_of_before(facts, status))
    return State.FAILING if counts else State.PROGRESSING


def _repeats_a_vm(judged: Judged, status: Status) -> bool:
    """Return whether a status tells no more than the VMs do, be their failures excused or not.

    That of a Flexible set has no detail, and that of a VM may have none. The codes of an extension's failure differ
    between the set and its VMs.
    """
    codes = {*_failures_of_vms(judged), *(code.lower() for _, code in excused(judged.facts))}
    is_of_extensions = status.detail.lower().startswith(OF_EXTENSIONS)
    if status.detail and not is_of_extensions:
        return bool({short_code(status).lower(), status.state} & codes)
    if any(map(failed_extensions, judged.facts.snapshot.instances or ())):
        return True
    return any(OF_EXTENSIONS in code for code in codes) if is_of_extensions else bool(codes)


def _may_be_of_an_extension(status: Status, judged: Judged) -> bool:
    """Return whether the failure of an operation may be that of an extension alone."""
    if status.detail:
        return status.detail.lower().startswith(OF_EXTENSIONS)
    return not _failures_of_vms(judged)


def _failures_of_vms(judged: Judged) -> set[str]:
    """Return the codes, in lower case, of the failures of VMs that count."""
    return {each.have.lower() for _, found in judged.ailments for each in found if each.code == "VmFailed"}


def _is_of_before(facts: Facts, status: Status) -> bool:
    """Return whether a status is older than the gate's last pass, allowing for clocks that differ."""
    passed, told = facts.context.since, parse_time(status.time)
    return passed is not None and told is not None and told < passed - _CLOCKS_DIFFER


def _failed_operation(status: Status, state: State, ill: Sequence[Instance]) -> Reason:
    words = f": {last_words(status.message)}" if status.message else ""
    message = f"the last operation on the set ended {short_code(status)}{words}"
    if state is State.HEALTHY:
        who = "enough" if ill else "all"
        message = f"{message.removesuffix('.')}; {who} instances are healthy, so this failure is ignored"
        message += f"; not healthy: {name_instances(ill)}" if ill else ""
        return warning("SetOperationOutlived", _SUBJECT, short_code(status), "succeeded", message, ill)
    hint = advice.after(status.state, status.detail)
    return Reason("SetOperationFailed", _SUBJECT, short_code(status), "succeeded", message, hint, state)


def rolling_upgrade(judged: Judged) -> Findings:
    """Report a rolling upgrade that runs, or that failed and left instances behind. Azure also starts some itself."""
    facts = judged.facts
    upgrade = facts.snapshot.rolling_upgrade
    if facts.policy.rolling_upgrade == "ignore" or upgrade is None or not (upgrade.code or upgrade.start_time):
        return
    state = facts.snapshot.upgrade_state
    whose = "" if _is_ours(facts) else " that Azure or somebody else started"
    counts = (
        f"{upgrade.successful or 0} upgraded, {upgrade.in_progress or 0} in progress, {upgrade.pending or 0} pending"
    )
    have = upgrade.code or "unknown"
    if state == "faulted" or is_failure(state):
        if not _enough_need_no_upgrade(facts):
            words = f": {last_words(upgrade.error_message)}" if upgrade.error_message else ""
            message = f"the rolling upgrade{whose} ended {have} ({counts}, {upgrade.failed or 0} failed){words}"
            hint = "correct the cause of the failure, then start the upgrade again"
            code, found = ("OtherUpgradeFailed", State.HEALTHY) if whose else ("RollingUpgradeFailed", State.FAILING)
            yield Reason(code, "rolling upgrade", have, "Completed", message, hint, found)
    elif state != "completed":
        message = f"a rolling upgrade{whose} is {have} ({counts})"
        hint = _held_back(facts.snapshot.scale_set)
        yield Reason("RollingUpgradeRunning", "rolling upgrade", have, "Completed", message, hint, State.PROGRESSING)


def _held_back(model: ScaleSet | None) -> str:
    """Say what an upgrade may wait for besides the VMs."""
    if model and model.os_upgrade_deferral:
        return advice.DEFERRED
    if model and model.lifecycle_hooks:
        return f"a lifecycle hook may hold it back until it is approved: {', '.join(model.lifecycle_hooks)}"
    return ""


def _is_ours(facts: Facts) -> bool:
    """Return whether the upgrade began after the gate's last pass, or, if there is none, after the set's creation.

    The time of the pass is from the clock of another machine, which may be ahead of Azure's.
    """
    upgrade, model, passed = facts.snapshot.rolling_upgrade, facts.snapshot.scale_set, facts.context.since
    began = parse_time(upgrade.start_time) if upgrade else None
    since = passed - _CLOCKS_DIFFER if passed else parse_time(model.time_created if model else None)
    return began is None or since is None or began >= since


def _enough_need_no_upgrade(facts: Facts) -> bool:
    """Return whether enough instances run the latest model, or stay on an older one because they may."""
    instances = facts.snapshot.instances
    if instances is None or facts.required is None:
        return False
    settled = (facts.allows_stale or is_left_alone(each) or facts.runs_latest(each) is True for each in instances)
    return sum(settled) >= facts.required
