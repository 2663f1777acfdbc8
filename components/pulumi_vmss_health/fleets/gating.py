"""What a fleet's gate is, whoever calls it: which sets it looks at, what a wait and a refresh mean. Without Pulumi."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pulumi_vmss_health.fleets.asked import AskedOfFleet
from pulumi_vmss_health.fleets.stored import (
    REASONS_OF_SET,
    RECOVERED,
    Sets,
    after_pass_without,
    fleet_outputs,
    seen_set,
    skipped_fleet,
    totals,
)
from pulumi_vmss_health.fleets.telling import (
    FleetStatusLine,
    fleet_lines,
    fleet_notes,
    grouped,
    key_of,
    needed,
    of_all,
)
from pulumi_vmss_health.fleets.watch import Begin, watch_fleet
from pulumi_vmss_health.gating import NotPassed, Teller, armed_line, context_of, context_of_refresh, is_gone, look_once
from pulumi_vmss_health.judging.findings import Verdict
from pulumi_vmss_health.judging.snapshot import Ask
from pulumi_vmss_health.judging.verdict import evaluate
from pulumi_vmss_health.stored import PASSED, WARNED, unhealthy_state
from pulumi_vmss_health.telling.failure import causes
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import WIDTH, Steps, steps
from vmss_instance_view.clock import Stopped, Task
from vmss_instance_view.errors import InstanceViewError, Unavailable
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import named

if TYPE_CHECKING:
    from pulumi_vmss_health.waiting.look import Looker
    from vmss_instance_view.connection import Azure

_OF_ALL = ("policy", "triggers")
_OF_A_SET = ("scaleSets", "setTriggers")
_GONE = "not there any more"
_REFRESH_LIMIT = 300.0  # seconds for all sets


def wait(
    azure: Azure, asked: AskedOfFleet, stored: Mapping[str, Any], inputs: Mapping[str, Any], teller: Teller
) -> dict[str, Any]:
    """Wait until enough sets are healthy; return the outputs. Raises NotPassed.

    stored: inputs and outputs of the gate's last run. inputs: of this one.
    """
    from pulumi_vmss_health.waiting.look import Looker

    before = _known_of(asked, stored)
    if asked.skips:
        return skipped_fleet(asked.sets, asked.goal.required, before)
    standing = [name for name in asked.sets if _stands(name, before.get(name, {}), stored, inputs)]
    looks = {name: Looker(azure, id_, asked.policy) for name, id_ in asked.sets.items() if name not in standing}

    def begin(name: str) -> Begin:
        def began(report: Callable[[Progress], None]) -> Steps:
            known = before.get(name, {})
            context = after_pass_without(context_of(known.get("passedAt"), azure.clock), known)
            return steps(looks[name], asked.policy, azure.clock, report, context, asked.limit_source)

        return began

    status_line = FleetStatusLine(lambda text: teller.status(asked.redacted(text)), azure.clock)
    fleet = watch_fleet({name: begin(name) for name in looks}, asked.goal, azure.clock, status_line, standing)
    teller.status("")
    requests = sum(look.requests for look in looks.values())
    outputs = fleet_outputs(fleet, asked.sets, asked.limit_source, requests, azure.clock.now(), before)
    lines = fleet_lines(fleet, asked.sets, asked.limit_source, azure.portal)
    if fleet.passes:
        if len(lines) > 1:  # the sets that are not healthy, and that the goal can do without
            teller.warn("\n".join(map(asked.shown, lines)))
        if notes := fleet_notes(fleet):
            teller.warn("\n".join(map(asked.shown, notes)))
        return outputs
    if asked.only_warns and not fleet.is_cancelled:
        teller.warn("\n".join(map(asked.shown, lines)))
        return {**outputs, "state": WARNED}
    raise NotPassed(outputs, [asked.shown(line) for line in lines])


def _known_of(asked: AskedOfFleet, stored: Mapping[str, Any]) -> Sets:
    """Return what is stored of each set that is asked for, whatever its name in the fleet was."""
    known = {ScaleSetId.parse(each["scaleSetId"]): each for each in (stored.get("sets") or {}).values()}
    return {name: known[id_] for name, id_ in asked.sets.items() if id_ in known}


def _stands(name: str, known: Mapping[str, Any], stored: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    """Return whether a set passed in an earlier run, and nothing that this depends on has changed since.

    known: what is stored of it.
    """
    if inputs.get("recheck") == "always" or known.get("state") != Ending.HEALTHY.value:
        return False
    if stored.get("state") == WARNED:  # no refresh looks at such a gate
        return False
    of_all = all(stored.get(key) == inputs.get(key) for key in _OF_ALL)
    return of_all and all((stored.get(key) or {}).get(name) == (inputs.get(key) or {}).get(name) for key in _OF_A_SET)


def refresh(azure: Azure, asked: AskedOfFleet, stored: Mapping[str, Any], teller: Teller) -> dict[str, Any] | None:
    """Look at each set, once if it is found; return the outputs, None if no set is there any more.

    What is stored of the fleet, and of each set of an armed one, is lowered by it, never raised. Raises NotPassed where
    the gate is armed, or is from now on.
    """
    from pulumi_vmss_health.waiting.look import Looker

    before: Sets = stored.get("sets") or {}
    found: dict[str, Verdict | InstanceViewError] = {}

    def look_at(name: str) -> Task:
        look = Looker(azure, asked.sets[name], asked.policy)
        pauses = iter((look.turn(Ask()), None))

        def task() -> float | None:
            if (pause := next(pauses)) is None:
                found[name] = _seen(azure, look, asked, before.get(name, {}))
            return pause

        return task

    until = azure.clock.monotonic() + _REFRESH_LIMIT
    with suppress(Stopped):
        azure.clock.by_turns([look_at(name) for name in asked.sets], WIDTH, lambda: azure.clock.monotonic() >= until)
    unread = Unavailable("the refresh ended before it was read")
    found = {name: found.get(name, unread) for name in asked.sets}
    gone = [name for name, each in found.items() if is_gone(each)]
    if len(gone) == len(asked.sets):
        return None
    lost = {name: each for name, each in found.items() if isinstance(each, InstanceViewError) and name not in gone}
    verdicts = {name: each for name, each in found.items() if isinstance(each, Verdict)}
    sets = {name: _refreshed(name, each, found.get(name)) for name, each in before.items()}
    if stored.get("state") not in PASSED:
        lowered = {name: each if before[name].get("healthy") else before[name] for name, each in sets.items()}
        outputs = totals(lowered, asked.goal.required) if lowered != before else {}
        raise NotPassed(outputs, [asked.shown(line) for line in (armed_line(stored), *_news(verdicts, lost, gone))])
    if lost:
        first = next(iter(lost))
        teller.warn(asked.shown(f"could not check the health of {named(list(lost))}: {lost[first]}"))
    outputs = totals(sets, asked.goal.required)
    if outputs["healthySets"] >= asked.goal.required:
        if sets == before:
            return outputs
        message = f"{of_all(outputs['healthySets'], len(sets))}, {needed(asked.goal, len(sets))}"
        teller.warn("\n".join(asked.shown(line) for line in (message, *_news(verdicts, lost, gone))))
        return {**outputs, "message": message}
    before_that = f"{asked.goal.required} {'was' if asked.goal.required == 1 else 'were'}"
    message = f"{of_all(outputs['healthySets'], len(sets))}, {before_that}"
    lines = [asked.shown(line) for line in (message, *_news(verdicts, lost, gone))]
    raise NotPassed({**outputs, "healthy": False, "state": "progressing", "message": message}, lines)


def _seen(azure: Azure, look: Looker, asked: AskedOfFleet, before: Mapping[str, Any]) -> Verdict | InstanceViewError:
    try:
        snapshot = look_once(look, azure.clock)
    except InstanceViewError as error:
        return error
    context = context_of_refresh(before.get("passedAt"), before, REASONS_OF_SET, azure.clock)
    return evaluate(snapshot, asked.policy, after_pass_without(context, before))


def _refreshed(name: str, before: Mapping[str, Any], found: Verdict | InstanceViewError | None) -> Mapping[str, Any]:
    """Return what is stored of a set after one more look at it. found: None if it is not asked for."""
    if isinstance(found, InstanceViewError) and is_gone(found):
        return seen_set(before, Ending.DELETED.value, f"{name} is {_GONE}", error=found)
    if not isinstance(found, Verdict) or found.passes is bool(before.get("healthy")):
        return before
    if found.passes:
        return seen_set(before, RECOVERED, f"{name} was seen healthy once since")
    return seen_set(before, unhealthy_state(found), f"{name} was healthy and is not any more", found)


def _news(verdicts: Mapping[str, Verdict], lost: Mapping[str, InstanceViewError], gone: Sequence[str]) -> list[str]:
    """Return what keeps the sets from passing now, one line for each cause."""
    told = {name: (key_of(each), causes(each)) for name, each in verdicts.items() if not each.passes}
    errors = {name: (str(error), [f"could not be read: {error}"]) for name, error in lost.items()}
    absent = dict.fromkeys(gone, (_GONE, [_GONE]))
    lines = [line for group in grouped({**told, **errors, **absent}) for line in group.lines]
    return lines or ["all sets are healthy now"]
