"""The words: a status line that fits a terminal's column, and a failure that says what to do next. Pure."""

from __future__ import annotations

from datetime import timedelta

from pulumi_vmss_health.findings import Reason, State
from pulumi_vmss_health.snapshot import Snapshot, count_state
from pulumi_vmss_health.watch import Ending, Outcome, Progress
from vmss_instance_view.durations import format_duration

_REASONS = 10  # lines of a failure; a set with more causes than these is read in the portal


def status_line(progress: Progress) -> str:
    """What a wait looks like now: "3/5 VMs, cse 4/5, appHealth 2/5, 1m20s of 20m"."""
    return f"{status_text(progress)}, {seconds(progress.elapsed)} of {seconds(progress.limit)}"


def status_text(progress: Progress) -> str:
    """The status line without its time: elapsed time alone is no change worth telling."""
    if progress.error is not None:
        return f"cannot read: {progress.error}"
    if progress.snapshot is None:
        return "looking"
    text = ", ".join(_counts(progress.snapshot))
    if progress.verdict and progress.verdict.state is State.HEALTHY:
        return f"{text}, healthy: making sure that it lasts"
    if progress.verdict and progress.verdict.state is State.FAILING:
        return f"{text}, failing: making sure"
    return text


def headline(outcome: Outcome, scale_set: str) -> str:
    """Why the wait stopped, in one line. scale_set: its name."""
    progress = outcome.progress
    after = f"after {seconds(progress.elapsed)}"
    texts = {
        Ending.HEALTHY: f"scale set {scale_set} is healthy {after}",
        Ending.FAILING: f"scale set {scale_set} is failing, given up {after} of {seconds(progress.limit)}",
        Ending.TIMED_OUT: f"scale set {scale_set} is not healthy {after}, which is the timeout",
        Ending.UNREADABLE: f"scale set {scale_set} could not be read, given up {after}",
        Ending.DELETED: f"scale set {scale_set} was deleted while the gate waited, {after}",
        Ending.CANCELLED: f"scale set {scale_set}: cancelled {after}, not known to be healthy",
    }
    counts = f": {', '.join(_counts(progress.snapshot))}" if progress.snapshot else ""
    return texts[outcome.ending] + counts


def failure_lines(outcome: Outcome, scale_set: str) -> list[str]:
    """The headline, then one line for each cause, worst first, with what to do about it."""
    progress = outcome.progress
    lines = [headline(outcome, scale_set)]
    if progress.error is not None:
        lines.append(f"the last look saw nothing: {progress.error}")
    verdict = progress.verdict
    reasons = [reason for reason in verdict.reasons if reason.state is not State.HEALTHY] if verdict else []
    lines += [_line(reason) for reason in reasons[:_REASONS]]
    if len(reasons) > _REASONS:
        lines.append(f"and {len(reasons) - _REASONS} more")
    if verdict and verdict.unjudged:
        lines.append(f"not judged for lack of evidence: {', '.join(verdict.unjudged)}")
    if verdict and not reasons and not progress.error and outcome.ending is Ending.TIMED_OUT:
        lines.append("it was healthy at the last look, but not yet for as long as hold asks: give the gate more time")
    return lines


def seconds(value: float) -> str:
    """Seconds in words, without fractions."""
    return format_duration(timedelta(seconds=int(value)))


def _line(reason: Reason) -> str:
    return f"{reason.message}; next: {reason.hint}" if reason.hint else reason.message


def _counts(snapshot: Snapshot) -> list[str]:
    """Succeeded of expected, for the VMs, each extension that is not there yet, and application health."""
    model, instances = snapshot.scale_set, snapshot.instances
    total = model.capacity if model and model.capacity is not None else snapshot.vms_seen
    vms = count_state(snapshot.view.virtual_machine.statuses_summary, "succeeded")
    parts = [f"{vms}/{total} VMs"]
    for extension in snapshot.view.extensions:
        parts.append(f"{extension.name} {count_state(extension.statuses_summary, 'succeeded')}/{total}")
    if instances is not None and model and model.reports_health:
        healthy = sum(
            1 for each in instances if each.view and each.view.vm_health and each.view.vm_health.state == "healthy"
        )
        parts.append(f"appHealth {healthy}/{total}")
    return parts
