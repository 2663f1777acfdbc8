"""A fleet in words: its status line, how its wait ended, and the causes, each with the sets that it keeps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pulumi_vmss_health.fleets.watch import Fleet, Goal
from pulumi_vmss_health.judging.findings import Reason, State, Verdict
from pulumi_vmss_health.judging.guest import without_numbers
from pulumi_vmss_health.telling.commands import where_to_look
from pulumi_vmss_health.telling.failure import beside_the_headline, causes, headline, lost_look
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.clock import Clock
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import LINE, clean, named

_HEARTBEAT = 30.0  # seconds between equal status lines
_PAUSE = 5.0  # seconds between any two: the sets of a large fleet change all the time
_DELETED = "find out who deleted it; if that was meant, take it out of the program"
_CAUSES = 10  # of a failure, and further ones are counted


class FleetStatusLine:
    """Says how the wait of a fleet goes: on a change, but not on every one, and now and then that it still waits."""

    def __init__(self, say: Callable[[str], None], clock: Clock) -> None:
        """Say nothing yet."""
        self._say = say
        self._clock = clock
        self._topic: str | None = None
        self._said_at = float("-inf")

    def __call__(self, fleet: Fleet) -> None:
        """Say it if it is news, or if nothing was said for long."""
        now = self._clock.monotonic()
        if now - self._said_at < _PAUSE:  # before anything is counted: looks are many
            return
        topic = status_topic(fleet)
        if topic != self._topic or now - self._said_at >= _HEARTBEAT:
            self._topic, self._said_at = topic, now
            self._say(status_line(fleet))


def status_line(fleet: Fleet) -> str:
    """Say how the wait goes: "41/50 sets healthy, 3 failing (web-weu, api-weu, api-neu), 2m of 30m"."""
    return f"{status_topic(fleet)}, {format_seconds(fleet.elapsed)} of {format_seconds(fleet.goal.limit)}"


def status_topic(fleet: Fleet) -> str:
    """Return the status line without its time: only another one is news."""
    needed = "" if fleet.goal.required == len(fleet.names) else f" of {fleet.goal.required} needed"
    failing = fleet.failing
    return ", ".join(
        [
            f"{len(fleet.healthy)}/{len(fleet.names)} sets healthy{needed}",
            *([f"{len(failing)} failing ({named(failing)})"] if failing else []),
        ]
    )


def fleet_headline(fleet: Fleet, limit_source: str) -> str:
    """Say why the wait stopped, in one line."""
    healthy, number = len(fleet.healthy), len(fleet.names)
    after, limit = format_seconds(fleet.elapsed), format_seconds(fleet.goal.limit)
    counted = of_all(healthy, number)
    wanted = needed(fleet.goal, number)
    if fleet.ending is Ending.HEALTHY:
        return f"{counted} after {after}" + (f"; {wanted}" if healthy < number else "")
    if fleet.ending is Ending.CANCELLED:
        return f"{counted}: cancelled after {after}; {wanted}"
    if fleet.ending is Ending.TIMED_OUT:
        return f"{counted} after {limit}, which is the timeout {limit_source}; {wanted}"
    failed = [name for name in fleet.failed if fleet.ended[name].ending is not Ending.TIMED_OUT]
    if fleet.is_out_of_time and (late := number - healthy - len(failed)):
        others = f"{late} more {'is' if late == 1 else 'are'} not healthy"
        reason = f"{named(failed)} failed, {others} after {limit}, which is the timeout {limit_source}"
        return clean(f"{counted}, {reason}; {wanted}", LINE)
    return clean(f"{counted}, {named(fleet.failed)} failed: given up after {after} of {limit}; {wanted}", LINE)


def fleet_lines(fleet: Fleet, sets: Mapping[str, ScaleSetId], limit_source: str, portal: str | None) -> list[str]:
    """Return the headline, each cause with the sets that it keeps, and where to look at the first of them."""
    if fleet.ending is Ending.CANCELLED:
        return [fleet_headline(fleet, limit_source)]
    ill = _unwell(fleet)
    groups = grouped({name: causes_of(name, each) for name, each in ill.items()})
    lines = [line for group in groups[:_CAUSES] for line in group.lines]
    if len(groups) > _CAUSES:
        more = sum(len(group.names) for group in groups[_CAUSES:])
        lines.append(f"and {more} more scale set{'s' * (more > 1)}, with other causes")
    first = groups[0].names[0] if groups else None
    closer = where_to_look(sets[first], portal, _progress(ill[first])) if first else []
    return [clean(line, LINE) for line in (fleet_headline(fleet, limit_source), *lines, *closer)]


def fleet_notes(fleet: Fleet) -> list[str]:
    """Return what there is to say of sets that passed, each line with the sets that it is true of."""
    notes: dict[object, list[str]] = {}
    words: dict[object, str] = {}
    for name, outcome in sorted(fleet.ended.items()):
        if outcome.ending is Ending.HEALTHY:
            for reason in beside_the_headline(outcome.progress.verdict):
                notes.setdefault(_cause(reason), []).append(name)
                words.setdefault(_cause(reason), reason.message)
    lines = [f"{named(names)}: {words[key]}" for key, names in sorted(notes.items(), key=lambda each: -len(each[1]))]
    more = len(lines) - _CAUSES
    return [clean(line, LINE) for line in lines[:_CAUSES]] + (
        [f"and {more} more note{'s' * (more > 1)}"] if more > 0 else []
    )


def needed(goal: Goal, number: int) -> str:
    """Return how many of so many sets have to be healthy, in words."""
    if goal.required == number:
        return "all are needed"
    return f"{goal.required} {'is' if goal.required == 1 else 'are'} needed"


def of_all(healthy: int, number: int) -> str:
    """Return how many of so many sets are healthy, in words."""
    return f"{healthy} of {number} scale sets {'is' if healthy == 1 else 'are'} healthy"


@dataclass(frozen=True, slots=True)
class Group:
    """Sets that are kept by the same cause. told: the cause as lines, of the first of them."""

    names: Sequence[str]
    told: Sequence[str]

    @property
    def lines(self) -> list[str]:
        """The cause behind the names of its sets, then what else there is to say."""
        return [f"{named(self.names)}: {self.told[0]}", *self.told[1:]]


def grouped(told: Mapping[str, tuple[object, Sequence[str]]]) -> list[Group]:
    """Group sets by the key of their cause, the largest group first.

    told: for each set a key that is equal for equal causes, and the cause as lines.
    """
    groups: dict[object, list[str]] = {}
    for name, (key, _) in told.items():
        groups.setdefault(key, []).append(name)
    in_order = sorted(groups.values(), key=len, reverse=True)
    return [Group(names, told[names[0]][1]) for names in in_order]


def causes_of(name: str, state: Outcome | Progress) -> tuple[object, list[str]]:
    """Return what keeps a set from passing: a key that is equal for equal causes, and lines."""
    progress = _progress(state)
    error = progress.error
    is_deleted = isinstance(state, Outcome) and state.ending is Ending.DELETED
    verdict = None if is_deleted else progress.verdict
    lines = [lost_look(error).message] if error else []
    if is_deleted:
        lines.append(f"next: {_DELETED}")
    if verdict:
        lines += causes(verdict)
    if not lines:
        lines = [headline(state, name) if isinstance(state, Outcome) else "it was not seen yet"]
    allowed = [each for each in (verdict.reasons if verdict else ()) if each.state is State.HEALTHY]
    refused = (type(error), getattr(error, "status", None), getattr(error, "code", ""))
    key = (refused, key_of(verdict) or lines[0], frozenset(map(_cause, allowed)))
    return key, [*lines, *(each.message for each in allowed)]


def key_of(verdict: Verdict | None) -> object:
    """Return what is equal for verdicts with the same causes, whichever VMs they name; None if there is no cause.

    All causes count: those of one set are told for all sets with an equal key.
    """
    if verdict is None:
        return None
    reasons = frozenset(_cause(each) for each in verdict.reasons if each.state is not State.HEALTHY)
    return (reasons, verdict.unjudged) if reasons or verdict.unjudged else None


def _cause(reason: Reason) -> tuple[str, str, str, str, str]:
    """Return a reason without the VMs that it names, and without words with a digit in what Azure or a guest said."""
    who, _, topic = reason.subject.rpartition(", ") if reason.instances else ("", "", reason.subject)
    message = reason.message.removeprefix(f"{who}: ")
    return reason.code, topic, reason.have, reason.want, without_numbers(message)


def _unwell(fleet: Fleet) -> dict[str, Outcome | Progress]:
    """Return what is known of the sets that did not pass, or look like it, in their order."""
    is_over = fleet.is_out_of_time
    ill: dict[str, Outcome | Progress] = {}
    for name in fleet.names:
        if (ended := fleet.ended.get(name)) is not None:
            if ended.ending is not Ending.HEALTHY:
                ill[name] = ended
        elif name not in fleet.standing and (is_over or _fails(fleet.progress(name))):
            ill[name] = fleet.progress(name)
    return ill


def _fails(progress: Progress) -> bool:
    return progress.verdict is not None and progress.verdict.state is State.FAILING


def _progress(state: Outcome | Progress) -> Progress:
    return state.progress if isinstance(state, Outcome) else state
