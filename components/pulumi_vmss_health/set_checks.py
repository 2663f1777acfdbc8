"""Checks of the whole set: its last operation, its size, and what its instance view counts."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_vmss_health.findings import Facts, Finding, Findings, Reason, State, Unjudged, short_code
from pulumi_vmss_health.snapshot import count_state, describe
from vmss_instance_view.errors import clean
from vmss_instance_view.model import Status, StatusCount

_SUBJECT = "scale set"


def capacity(facts: Facts) -> Findings:
    """Are there as many VMs as asked for? Refuses to be content with nothing."""
    if facts.capacity is None:
        yield Unjudged("capacity")
        return
    instances = facts.snapshot.instances
    counts = [facts.snapshot.vms_seen, *([] if instances is None else [len(instances)])]
    wrong = next((count for count in counts if count != facts.capacity), None)
    if wrong is not None:
        code = "TooFewVms" if wrong < facts.capacity else "SurplusVms"
        message = f"{wrong} VMs exist, the capacity is {facts.capacity}"
        yield Reason(code, _SUBJECT, str(wrong), str(facts.capacity), message, state=State.PROGRESSING)
    elif facts.capacity == 0:
        message = "the capacity is 0: there was nothing to judge"
        yield Reason("NothingToJudge", _SUBJECT, "0", "0", message, state=State.HEALTHY)


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
    outlived = facts.policy.set_status == "auto" and facts.snapshot.instances is not None and not others
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
