"""Checks of the whole set: its last operation, its size, and what its instance view counts."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_vmss_health.findings import Facts, Finding, Findings, Reason, State, Unjudged, short_code
from pulumi_vmss_health.snapshot import count_state, describe
from vmss_instance_view.model import Status, StatusCount, parse_time
from vmss_instance_view.text import clean

_SUBJECT = "scale set"


def capacity(facts: Facts) -> Findings:
    """Are there as many VMs as asked for? Refuses to be content with nothing."""
    if facts.capacity is None:
        yield Unjudged("capacity")
        return
    instances = facts.snapshot.instances
    counts = [facts.snapshot.vms_seen, *([] if instances is None else [len(instances)])]
    wrong = min((count for count in counts if count != facts.capacity), default=None)  # where both are, fewer counts
    if wrong is not None:
        yield _wrong_count(wrong, facts.capacity, settled=facts.snapshot.surplus_settled)
    elif facts.capacity == 0:
        message = "the capacity is 0: there was nothing to judge"
        yield Reason("NothingToJudge", _SUBJECT, "0", "0", message, state=State.HEALTHY)


def _wrong_count(seen: int, wanted: int, *, settled: bool) -> Reason:
    """Fewer VMs are still to come. More are on their way out, unless they have stayed for long."""
    message = f"{seen} VMs exist, the capacity is {wanted}"
    if seen < wanted:
        return Reason("TooFewVms", _SUBJECT, str(seen), str(wanted), message, state=State.PROGRESSING)
    if settled:
        message += ": the surplus stays, so it is only told"
        return Reason("SurplusStays", _SUBJECT, str(seen), str(wanted), message, state=State.HEALTHY)
    return Reason("SurplusVms", _SUBJECT, str(seen), str(wanted), message, state=State.PROGRESSING)


def vm_summary(facts: Facts) -> Findings:
    """Were enough VMs provisioned?"""
    yield from _enough(facts, "VMs", "Vms", facts.snapshot.view.virtual_machine.statuses_summary)


def extension_summary(facts: Facts, name: str) -> Findings:
    """Did an extension succeed on enough VMs? One that the view does not list is still to come."""
    summary: Sequence[StatusCount] = ()
    for listed in facts.snapshot.view.extensions:
        if (listed.name or "").lower() == name.lower():
            summary = listed.statuses_summary
    yield from _enough(facts, f"extension {name}", "Extensions", summary)


def _enough(facts: Facts, subject: str, code: str, summary: Sequence[StatusCount]) -> Findings:
    """The arithmetic of a summary: enough succeeded, or not yet, or never."""
    if facts.required is None:
        yield Unjudged(subject)
        return
    succeeded = count_state(summary, "succeeded")
    if succeeded >= facts.required:
        return
    hopeless = facts.vms - count_state(summary, "failed") < facts.required
    yield Reason(
        f"TooMany{code}Failed" if hopeless else f"TooFew{code}Succeeded",
        subject,
        str(succeeded),
        str(facts.required),
        f"{subject}: {succeeded} of {facts.capacity} succeeded, {facts.required} required ({describe(summary)})",
        state=State.FAILING if hopeless else State.PROGRESSING,
    )


def set_status(facts: Facts, others: Sequence[Finding]) -> Findings:
    """Did the last operation on the set succeed? others: what every other check found.

    The status is sticky: it stays failed until the next operation. A failure that all instances have outlived (each
    judged on its own, nothing found) is a warning, unless the policy requires the operation's success.
    """
    if facts.policy.set_status == "ignored":
        return
    judged_on_instances = bool(facts.snapshot.instances) and all(
        isinstance(each, Reason) and each.state is State.HEALTHY for each in others
    )
    outlived = facts.policy.set_status == "auto" and judged_on_instances
    statuses = facts.snapshot.view.statuses
    if not statuses:
        message = "no operation on the set has reported yet"
        yield Reason("SetStatusAbsent", _SUBJECT, "no status", "succeeded", message, state=State.PROGRESSING)
    for status in statuses:
        if status.state == "failed" or (status.level or "").lower() == "error":
            yield _failed_operation(status, outlived=outlived)
        elif status.state != "succeeded":
            message = f"an operation on the set is {short_code(status)}"
            yield Reason(
                "SetOperationRunning", _SUBJECT, short_code(status), "succeeded", message, state=State.PROGRESSING
            )


def _failed_operation(status: Status, *, outlived: bool) -> Reason:
    said = f": {clean(status.message)}" if status.message else ""
    message = f"the last operation on the set ended {short_code(status)}{said}"
    if outlived:
        warning = f"{message}; every instance is well, so it is taken for outlived"
        return Reason("SetOperationOutlived", _SUBJECT, short_code(status), "succeeded", warning, state=State.HEALTHY)
    hint = "see the failed operation in the scale set's activity log"
    return Reason("SetOperationFailed", _SUBJECT, short_code(status), "succeeded", message, hint)


def rolling_upgrade(facts: Facts) -> Findings:
    """Is a rolling upgrade under way, or did this deployment's own one fail? Azure also starts some by itself."""
    upgrade = facts.snapshot.rolling_upgrade
    if facts.policy.rolling_upgrade == "ignore" or upgrade is None:
        return
    state = facts.snapshot.upgrade_state
    whose = "" if _is_ours(facts) else " that Azure or somebody else started"
    counts = f"{upgrade.successful or 0} upgraded, {upgrade.in_progress or 0} at work, {upgrade.pending or 0} to come"
    have = upgrade.code or "unknown"
    if state in ("faulted", "cancelled"):
        if _is_ours(facts) and not _enough_on_the_latest_model(facts):
            said = f": {clean(upgrade.error_message)}" if upgrade.error_message else ""
            message = f"the rolling upgrade ended {have} ({counts}, {upgrade.failed or 0} failed){said}"
            hint = "see `az vmss rolling-upgrade get-latest`; mend the model, or start the upgrade again"
            yield Reason("RollingUpgradeFailed", "rolling upgrade", have, "Completed", message, hint)
    elif state != "completed":
        message = f"a rolling upgrade{whose} is {have} ({counts})"
        yield Reason("RollingUpgradeRunning", "rolling upgrade", have, "Completed", message, state=State.PROGRESSING)


def _is_ours(facts: Facts) -> bool:
    """Whether the upgrade began after the change that is judged: the gate's last pass, else the set's creation."""
    upgrade, model = facts.snapshot.rolling_upgrade, facts.snapshot.scale_set
    began = parse_time(upgrade.start_time) if upgrade else None
    since = facts.snapshot.since or parse_time(model.time_created if model else None)
    return began is None or since is None or began >= since


def _enough_on_the_latest_model(facts: Facts) -> bool:
    instances = facts.snapshot.instances
    if instances is None or facts.required is None:
        return False
    return sum(instance.latest_model_applied is True for instance in instances) >= facts.required
