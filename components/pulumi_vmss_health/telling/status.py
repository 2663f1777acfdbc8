"""The status line of a wait, made to fit a terminal's column. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.snapshot import Snapshot, count_succeeded
from pulumi_vmss_health.waiting.memory import Progress
from vmss_instance_view.clock import Clock
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.errors import AzureError
from vmss_instance_view.model import Instance
from vmss_instance_view.text import LINE, clean

SERVICE_NAME = 60
"""Characters of the name of a service that acts on the set."""

_HEARTBEAT = 30.0  # seconds between equal status lines: outside of a terminal each one is a line of the log
_NAMED = 3  # extensions, and services, that a status line names
_NAME = 24  # characters of an extension's name there
_TIMEOUT = 40  # characters that `status_line` adds
_BUSY = ("inprogress", "in progress")
_SAID_AT_ONCE = ("ExtensionUnknown", "SurgeVms")  # on the status line, also while counts are not complete
_SAID_WHOLE = ("HoldBeyondTimeout", "MinHealthyAboveCapacity")  # nothing else says why such a wait cannot end well


class StatusLine:
    """Says how a wait goes: on every change, and now and then that it still waits."""

    def __init__(self, say: Callable[[str], None], clock: Clock) -> None:
        """Say nothing yet."""
        self._say = say
        self._clock = clock
        self._topic: str | None = None
        self._said_at = 0.0

    def __call__(self, progress: Progress) -> None:
        """Say it if it is news, or if nothing was said for long."""
        topic, now = status_topic(progress), self._clock.monotonic()
        if topic != self._topic or now - self._said_at >= _HEARTBEAT:
            self._topic, self._said_at = topic, now
            self._say(status_line(progress))


def status_line(progress: Progress) -> str:
    """Return what a wait looks like now, what is not fine first: "appHealth 2/5, 5/5 VMs, timeout 20m".

    A narrow terminal shows its beginning alone. It has no clock: Pulumi shows its own beside it.
    """
    return f"{status_text(progress)}, timeout {format_seconds(progress.limit)}"


def status_text(progress: Progress) -> str:
    """Return the status line without its timeout."""
    return clean(_status_text(progress), LINE - _TIMEOUT)


def _status_text(progress: Progress) -> str:
    if progress.error is not None:
        return f"cannot read: {progress.error}"
    if progress.snapshot is None or progress.verdict is None:
        return "looking"
    counts = counts_of(progress.snapshot, progress.capacity)
    open_first = sorted(counts, key=lambda count: count.done >= count.total)
    beside = [*in_standby_pool(progress.snapshot), *_azures_doing(progress.snapshot)]
    return ", ".join([*_doing(progress.verdict, counts), *map(str, open_first), *beside])


def status_topic(progress: Progress) -> str:
    """Return what a status line is about: only another topic is news.

    Elapsed time alone is none, nor is the same refusal with another correlation id, or with another moment to wait for.
    """
    error = progress.error
    if isinstance(error, AzureError):
        return f"{type(error).__name__} {error.status} {error.code}"
    return status_text(progress)


def _doing(verdict: Verdict, counts: list[Count]) -> list[str]:
    """Return what the wait does; where the counts are complete and it still waits, what it waits for."""
    if verdict.state is State.HEALTHY:
        return ["healthy", "holding"]
    at_once = [f"{each.subject} {each.have}" for each in verdict.reasons if each.code in _SAID_AT_ONCE][:1]
    if verdict.state is State.FAILING:
        said = [each.message for each in verdict.reasons if each.code in _SAID_WHOLE]
        return [*said, "failing"]
    if at_once:
        return at_once
    if all(count.done >= count.total for count in counts):
        return [f"{reason.subject} {reason.have}" for reason in verdict.reasons[:1]]
    return []


def _azures_doing(snapshot: Snapshot) -> list[str]:
    """Return what Azure does to the set of its own accord, where it says so."""
    services = snapshot.view.orchestration_services
    busy = [each.service_name or "" for each in services if (each.latest_operation_status or "").lower() in _BUSY]
    return [f"{clean(name, SERVICE_NAME)} running" for name in busy[:_NAMED]]


def in_standby_pool(snapshot: Snapshot) -> list[str]:
    """Return how many VMs are in the standby pool, beside the set's own; nothing if there are none."""
    number = snapshot.in_standby_pool
    return [f"{number} more VM{'s' * (number > 1)} in the standby pool"] if number else []


@dataclass(frozen=True, slots=True)
class Count:
    """Done of expected: "4/5 VMs" for VMs, else "cse 4/5"."""

    of: str
    done: int
    total: int

    def __str__(self) -> str:
        numbers = f"{self.done}/{self.total}"
        return f"{numbers} VMs" if self.of == "VMs" else f"{self.of} {numbers}"


def counts_of(snapshot: Snapshot, capacity: int | None) -> list[Count]:
    """Count as `all_counts`, for a line: extensions that are not done alone, by their names' ends, few of them."""
    vms, extensions, health = _counted(snapshot, capacity)
    waiting = [each for each in extensions if each.done < each.total]
    counts = [vms, *(replace(each, of=_short(each.of)) for each in waiting[:_NAMED])]
    if len(waiting) > _NAMED:
        more = waiting[_NAMED:]
        counts.append(Count(f"{len(more)} more extensions", min(count.done for count in more), vms.total))
    return [*counts, *health]


def all_counts(snapshot: Snapshot, capacity: int | None) -> list[Count]:
    """Count what succeeded of what is expected: VMs, each extension, and application health."""
    vms, extensions, health = _counted(snapshot, capacity)
    return [vms, *extensions, *health]


def _counted(snapshot: Snapshot, capacity: int | None) -> tuple[Count, list[Count], list[Count]]:
    model, instances = snapshot.scale_set, snapshot.instances
    expected = model.capacity if model and capacity is None else capacity
    total = snapshot.vms_seen if expected is None else expected
    vms = Count("VMs", count_succeeded(snapshot.view.virtual_machine.statuses_summary), total)
    done = {each.name or "": count_succeeded(each.statuses_summary) for each in snapshot.view.extensions}
    extensions = [Count(name, count, total) for name, count in done.items()]
    if instances is None or not model or not model.reports_health:
        return vms, extensions, []
    return vms, extensions, [Count("appHealth", sum(map(_is_healthy, instances)), total)]


def _is_healthy(instance: Instance) -> bool:
    return bool(instance.view and instance.view.vm_health and instance.view.vm_health.state == "healthy")


def _short(name: str) -> str:
    """Shorten an extension's name for a column to its end, which tells it apart (Microsoft.Azure.Monitor.Agent)."""
    return name if len(name) <= _NAME else f"…{name[-_NAME + 1 :]}"
