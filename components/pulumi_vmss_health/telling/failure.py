"""The end of a wait in words: its headline, each cause with what to do next, and where to look. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from pulumi_vmss_health.judging.findings import Reason, State, Verdict
from pulumi_vmss_health.telling.commands import where_to_look
from pulumi_vmss_health.telling.status import counts_of, in_standby_pool
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.errors import InstanceViewError
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import LINE, clean

_NO_HEALTH = "ApplicationHealthNotJudged"
_DELETED = "find out who deleted it; if that was meant, run `pulumi refresh`, or take the gate out of the program"
_REASONS = 10  # lines of a failure; a set with more causes than these is read in the portal


def told_apart(wanted: Sequence[ScaleSetId]) -> list[str]:
    """Return a name for each scale set: with its resource group, and then its subscription, where others have it."""
    forms = [
        (each.name, f"{each.resource_group}/{each.name}", f"{each.subscription_id}/{each.resource_group}/{each.name}")
        for each in wanted
    ]
    taken = Counter(form.lower() for one in forms for form in one)
    return [clean(next((form for form in one if taken[form.lower()] == 1), one[-1])) for one in forms]


def headline(outcome: Outcome, scale_set: str) -> str:
    """Return why the wait stopped, in one line. scale_set: its name."""
    progress = outcome.progress
    after = f"after {format_seconds(progress.elapsed)}"
    limit = format_seconds(progress.limit)  # which the last look may have exceeded
    unwell = f"is not healthy after {limit}" if progress.snapshot else f"was never seen in {limit}"
    texts = {
        Ending.HEALTHY: f"scale set {scale_set} is healthy {after}",
        Ending.FAILING: f"scale set {scale_set} is failing, given up {after} of {limit}",
        Ending.TIMED_OUT: f"scale set {scale_set} {unwell}, which is the timeout {progress.limit_source}",
        Ending.UNREADABLE: f"scale set {scale_set} could not be read, given up {after}",
        Ending.DELETED: f"scale set {scale_set} was deleted while the gate waited, {after}",
        Ending.CANCELLED: f"scale set {scale_set}: cancelled {after}, not known to be healthy",
    }
    if progress.snapshot is None:
        return texts[outcome.ending]
    counts = ", ".join(
        [*map(str, counts_of(progress.snapshot, progress.capacity)), *in_standby_pool(progress.snapshot)]
    )
    unjudged = _health_unjudged(progress.verdict) if outcome.ending is Ending.HEALTHY else []
    return clean("; ".join([f"{texts[outcome.ending]}: {counts}", *unjudged]), LINE)


def _health_unjudged(verdict: Verdict | None) -> list[str]:
    """Return the warning that application health was not judged, if there is one."""
    return [each.message for each in (verdict.reasons if verdict else ()) if each.code == _NO_HEALTH]


def failure_lines(outcome: Outcome, scale_set: ScaleSetId, portal: str | None = None) -> list[str]:
    """Return the headline, then each cause with what to do next, worst first, then where to look.

    portal: the cloud's portal, None where there is none.
    """
    progress = outcome.progress
    lines = [headline(outcome, scale_set.name)]
    if progress.error is not None:
        lines.append(lost_look(progress.error).message)
    if outcome.ending is Ending.DELETED:
        lines.append(f"next: {_DELETED}")
    elif progress.verdict:
        lines += causes(progress.verdict)
        lines += [each.message for each in progress.verdict.reasons if each.state is State.HEALTHY][:_REASONS]
    is_well = progress.verdict is not None and progress.verdict.passes
    if is_well and not progress.error and outcome.ending is Ending.TIMED_OUT:
        lines.append("it was healthy at the last look, but not for the whole hold: raise the timeout")
    return [clean(line, LINE) for line in (*lines, *where_to_look(scale_set, portal, progress))]


def below_headline(outcome: Outcome, scale_set: ScaleSetId, portal: str | None = None) -> list[str]:
    """Return what follows the headline: warnings if the set passed, else the causes and where to look."""
    return warnings(outcome) if outcome.ending is Ending.HEALTHY else failure_lines(outcome, scale_set, portal)[1:]


def warnings(outcome: Outcome) -> list[str]:
    """Return what there is to tell of a set that passed, one line each, without what the headline says already."""
    return [reason.message for reason in beside_the_headline(outcome.progress.verdict)]


def beside_the_headline(verdict: Verdict | None) -> list[Reason]:
    """Return the reasons of a verdict without the warning on application health, which is no news at every pass."""
    return [each for each in (verdict.reasons if verdict else ()) if each.code != _NO_HEALTH]


def causes(verdict: Verdict) -> list[str]:
    """Return each cause, worst first, and what to do next; no line for a set that is well.

    What to do about several causes is said once, after the last of them. One line says what could not be judged.
    """
    reasons = [reason for reason in verdict.reasons if reason.state is not State.HEALTHY]
    lines = []
    shown = reasons[:_REASONS]
    for reason, after in zip_longest(shown, shown[1:]):
        lines.append(reason.message)
        if reason.hint and (after is None or after.hint != reason.hint):
            lines.append(f"next: {reason.hint}")
    if len(reasons) > _REASONS:
        lines.append(f"and {len(reasons) - _REASONS} more")
    if verdict.unjudged:
        lines.append(clean(f"not judged for lack of evidence: {', '.join(verdict.unjudged)}", LINE))
    return lines


def lost_look(error: InstanceViewError) -> Reason:
    """Return a failed last look as a reason beside those of the verdict before it; its code is the error's name."""
    message = f"the last look failed: {error}"
    return Reason(type(error).__name__, "scale set", "no answer", "instance view", message, state=State.PROGRESSING)
