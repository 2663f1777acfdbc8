"""The words: a status line that fits a terminal's column, and a failure that says what to do next. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest

from pulumi_vmss_health.findings import Reason, State, Verdict
from pulumi_vmss_health.memory import Ending, Progress
from pulumi_vmss_health.snapshot import Snapshot, count_state
from pulumi_vmss_health.watch import Outcome
from vmss_instance_view.durations import format_duration
from vmss_instance_view.errors import AzureError, InstanceViewError
from vmss_instance_view.model import Instance
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import LINE, clean

_EXTENSIONS = 3  # named on a status line
_NAME = 24  # characters of an extension's name there
_SERVICE = 60  # characters of the name of a service that acts on the set
_OF_UPGRADES = {"RollingUpgradeFailed", "RollingUpgradeRunning", "OtherUpgradeFailed"}
# A table that fits a screen. az prints what is below "properties" beside the other fields.
_INSTANCES = (
    "--query '[].{id:instanceId,vm:provisioningState,latest:latestModelApplied,"
    "health:instanceView.vmHealth.status.code}' -o table"
)
_VMS = "--query '[].{name:name,vm:provisioningState,power:powerState,zone:zones[0]}' -o table"
_VIEW = "--query 'instanceView.{vm:statuses[].code,health:vmHealth.status.code,extensions:extensions}'"
_FAILED_OPERATIONS = (
    "--query \"[?status.value=='Failed'].{at:eventTimestamp,what:operationName.value,why:subStatus.value}\" -o table"
)
_NO_HEALTH = "ApplicationHealthNotJudged"
_BUSY = ("inprogress", "in progress")
_SAID_AT_ONCE = ("ExtensionUnknown", "SurgeVms")  # on the status line, also while counts are not complete
_SAID_WHOLE = ("HoldBeyondTimeout", "MinHealthyAboveCapacity")  # nothing else says why such a wait cannot end well
_REASONS = 10  # lines of a failure; a set with more causes than these is read in the portal


def status_line(progress: Progress) -> str:
    """What a wait looks like now: "3/5 VMs, cse 4/5, appHealth 2/5, 1m20s of 20m"."""
    elapsed = min(progress.elapsed, progress.limit)  # the last look may end after the limit
    return f"{status_text(progress)}, {seconds(elapsed)} of {seconds(progress.limit)}"


def status_text(progress: Progress) -> str:
    """The status line without its time."""
    return clean(_status_text(progress), LINE - 40)


def _status_text(progress: Progress) -> str:
    if progress.error is not None:
        return f"cannot read: {progress.error}"
    if progress.snapshot is None or progress.verdict is None:
        return "looking"
    counts = _counts(progress.snapshot, progress.capacity)
    beside = [*_in_standby_pool(progress.snapshot), *_azures_doing(progress.snapshot)]
    return ", ".join([*map(str, counts), *beside, *_doing(progress.verdict, counts)])


def _in_standby_pool(snapshot: Snapshot) -> list[str]:
    """The VMs that are there beside the set's own."""
    number = snapshot.in_standby_pool
    return [f"{number} more VM{'s' * (number > 1)} in the standby pool"] if number else []


def _doing(verdict: Verdict, counts: list[_Count]) -> list[str]:
    """What the wait does; where the counts are complete and it still waits, what for."""
    if verdict.state is State.HEALTHY:
        return ["healthy", "holding"]
    at_once = [f"{each.subject} {each.have}" for each in verdict.reasons if each.code in _SAID_AT_ONCE][:1]
    if verdict.state is State.FAILING:
        said = [each.message for each in verdict.reasons if each.code in _SAID_WHOLE]
        return [*said, "failing", "confirming"]
    if at_once:
        return at_once
    if all(count.done >= count.total for count in counts):
        return [f"{reason.subject} {reason.have}" for reason in verdict.reasons[:1]]
    return []


def _azures_doing(snapshot: Snapshot) -> list[str]:
    """What Azure does to the set of its own accord, where it says so."""
    services = snapshot.view.orchestration_services
    busy = [each.service_name or "" for each in services if (each.latest_operation_status or "").lower() in _BUSY]
    return [f"{clean(name, _SERVICE)} at work" for name in busy[:_EXTENSIONS]]


def status_topic(progress: Progress) -> str:
    """What a status line is about: only another topic is news.

    Elapsed time alone is none, nor is the same refusal with another correlation id, or with another moment to wait for.
    """
    error = progress.error
    if isinstance(error, AzureError):
        return f"{type(error).__name__} {error.status} {error.code}"
    return status_text(progress)


def headline(outcome: Outcome, scale_set: str) -> str:
    """Why the wait stopped, in one line. scale_set: its name."""
    progress = outcome.progress
    after = f"after {seconds(progress.elapsed)}"
    limit = seconds(progress.limit)  # which the last look may have exceeded
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
    counts = ", ".join([*map(str, _counts(progress.snapshot, progress.capacity)), *_in_standby_pool(progress.snapshot)])
    unjudged = _health_unjudged(progress.verdict) if outcome.ending is Ending.HEALTHY else []
    return clean("; ".join([f"{texts[outcome.ending]}: {counts}", *unjudged]), LINE)


def _health_unjudged(verdict: Verdict | None) -> list[str]:
    """A word of it where nothing tells of the application: the set is healthy without it."""
    return [each.message for each in (verdict.reasons if verdict else ()) if each.code == _NO_HEALTH]


def failure_lines(outcome: Outcome, scale_set: ScaleSetId, portal: str | None = None) -> list[str]:
    """The headline, then each cause with what to do next, worst first, then where to look.

    portal: the cloud's portal, None where there is none.
    """
    progress = outcome.progress
    lines = [headline(outcome, scale_set.name)]
    if progress.error is not None:
        lines.append(lost_look(progress.error).message)
    if progress.verdict:
        lines += causes(progress.verdict)
        lines += [each.message for each in progress.verdict.reasons if each.state is State.HEALTHY][:_REASONS]
    is_well = progress.verdict is not None and progress.verdict.passes
    if is_well and not progress.error and outcome.ending is Ending.TIMED_OUT:
        lines.append("it was healthy at the last look, but not yet for as long as hold asks: give the gate more time")
    return [clean(line, LINE) for line in (*lines, *_where_to_look(scale_set, portal, progress))]


def warnings(outcome: Outcome) -> list[str]:
    """What there is to tell of a set that passed, one line each; not what the headline says already."""
    return [reason.message for reason in beside_the_headline(outcome.progress.verdict)]


def beside_the_headline(verdict: Verdict | None) -> list[Reason]:
    """The reasons of a verdict without the word on application health, which is no news at every pass."""
    return [each for each in (verdict.reasons if verdict else ()) if each.code != _NO_HEALTH]


def causes(verdict: Verdict) -> list[str]:
    """Each cause, worst first, and what to do next; one line for what could not be judged; none for a set that is well.

    What to do about several causes is said once, after the last of them.
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
    """A last look that saw nothing, as a reason beside those of the verdict before it; its code is the error's name."""
    message = f"the last look saw nothing: {error}"
    return Reason(type(error).__name__, "scale set", "no answer", "instance view", message, state=State.PROGRESSING)


def _where_to_look(scale_set: ScaleSetId, portal: str | None, progress: Progress) -> list[str]:
    """Ready to paste: what mends, the instances, the operations, the portal; only where there was something to see."""
    if progress.snapshot is None:
        return []
    names = scale_set.resource_group, scale_set.name, scale_set.subscription_id
    group, name, subscription = map(shlex.quote, names)
    where = f"-g {group} -n {name} --subscription {subscription}"
    codes = {reason.code for reason in progress.verdict.reasons} if progress.verdict else set()
    commands = [
        *_instances(progress, scale_set, where),
        *([f"az vmss rolling-upgrade get-latest {where}"] if codes & _OF_UPGRADES else []),
        f"az monitor activity-log list --resource-id {shlex.quote(str(scale_set))} --offset 1d {_FAILED_OPERATIONS}",
    ]
    places = [*(f"`{each}`" for each in commands), *([f"{portal}/#@/resource{scale_set}/instances"] if portal else [])]
    return [
        *_suspended(progress.snapshot, where),
        *_stale(progress.snapshot, codes, where),
        *(f"look closer: {place}" for place in places),
    ]


def _instances(progress: Progress, scale_set: ScaleSetId, where: str) -> list[str]:
    """What shows the instances: all in a table, and of a Flexible set one that is not well, whole."""
    snapshot = progress.snapshot
    if snapshot is None or snapshot.scale_set is None or not snapshot.scale_set.is_flexible:
        return [f"az vmss list-instances {where} --expand instanceView {_INSTANCES}"]
    subscription = shlex.quote(scale_set.subscription_id)
    commands = [f"az vm list --vmss {shlex.quote(str(scale_set))} --subscription {subscription} -d {_VMS}"]
    reasons = progress.verdict.reasons if progress.verdict else ()
    ill = next((each.instances[0] for each in reasons if each.instances), "")
    ids = [each.id for each in snapshot.instances or () if each.instance_id == ill and each.id]
    return [*commands, *(f"az vm get-instance-view --ids {shlex.quote(id_)} {_VIEW}" for id_ in ids[:1])]


def _stale(snapshot: Snapshot, codes: set[str], where: str) -> list[str]:
    """How instances get the latest model where nobody else applies it; past a rolling upgrade's batches it must not."""
    if snapshot.scale_set is None or not snapshot.scale_set.is_manual or "ModelNotApplied" not in codes:
        return []
    return [f"apply the latest model: `az vmss update-instances {where} --instance-ids '*'`"]


def _suspended(snapshot: Snapshot, where: str) -> list[str]:
    """Services that Azure has given up: nobody repairs an unhealthy instance any more."""
    names = [
        clean(each.service_name or "", _SERVICE)
        for each in snapshot.view.orchestration_services
        if (each.service_state or "").lower() == "suspended"
    ]
    return [
        f"{name} is suspended; when the cause is mended, resume it with `az vmss set-orchestration-service-state "
        f"{where} --service-name {shlex.quote(name)} --action Resume`"
        for name in names[:_REASONS]
    ]


def seconds(value: float) -> str:
    """Seconds in words, without fractions."""
    return format_duration(timedelta(seconds=int(value)))


@dataclass(frozen=True, slots=True)
class _Count:
    """Done of expected: "4/5 VMs" for VMs, else "cse 4/5"."""

    of: str
    done: int
    total: int

    def __str__(self) -> str:
        numbers = f"{self.done}/{self.total}"
        return f"{numbers} VMs" if self.of == "VMs" else f"{self.of} {numbers}"


def _counts(snapshot: Snapshot, capacity: int | None) -> list[_Count]:
    """Succeeded of expected: the VMs, each extension that is not done, and application health."""
    model, instances = snapshot.scale_set, snapshot.instances
    expected = model.capacity if model and capacity is None else capacity
    total = snapshot.vms_seen if expected is None else expected
    counts = [_Count("VMs", count_state(snapshot.view.virtual_machine.statuses_summary, "succeeded"), total)]
    done = {each.name or "": count_state(each.statuses_summary, "succeeded") for each in snapshot.view.extensions}
    waiting = [_Count(_short(name), count, total) for name, count in done.items() if count < total]
    counts += waiting[:_EXTENSIONS]
    if len(waiting) > _EXTENSIONS:
        more = waiting[_EXTENSIONS:]
        counts.append(_Count(f"{len(more)} more extensions", min(count.done for count in more), total))
    if instances is not None and model and model.reports_health:
        counts.append(_Count("appHealth", sum(map(_is_healthy, instances)), total))
    return counts


def _is_healthy(instance: Instance) -> bool:
    return bool(instance.view and instance.view.vm_health and instance.view.vm_health.state == "healthy")


def _short(name: str) -> str:
    """An extension's name, for a column: the end of a long one tells it apart (Microsoft.Azure.Monitor.Agent)."""
    return name if len(name) <= _NAME else f"…{name[-_NAME + 1 :]}"
