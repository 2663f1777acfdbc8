"""What a fleet's gate keeps in a stack's state. Keys and states never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pulumi_vmss_health.fleets.telling import fleet_headline
from pulumi_vmss_health.fleets.watch import Fleet
from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.snapshot import Context
from pulumi_vmss_health.stored import REASONS, SKIPPED, mode_and_capacity, reasons_json, when_passed
from pulumi_vmss_health.telling.failure import headline
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.errors import InstanceViewError
from vmss_instance_view.scale_set_id import ScaleSetId

RECOVERED = "recovered"
"""The state of a set that a refresh saw healthy: it counts, but the next run looks at it again, for it did not hold."""

REASONS_OF_SET = 3

# When the gate first passed although this set had not: since then the set may run no older model.
_PASSED_WITHOUT = "passedWithoutAt"

Sets = Mapping[str, Mapping[str, Any]]
"""What is stored of each set."""


def fleet_outputs(
    fleet: Fleet, asked: Mapping[str, ScaleSetId], limit_source: str, requests: int, now: datetime, before: Sets
) -> dict[str, Any]:
    """Return the outputs that say how a wait ended.

    requests: what the wait took of Azure. before: what is stored of each set.
    """
    ended = now.isoformat(timespec="seconds")
    known = {name: before.get(name, {}) for name in asked}
    if fleet.passes:
        known = {name: {_PASSED_WITHOUT: ended, **each} for name, each in known.items()}
    sets = {
        name: before[name] if name in fleet.standing else _of_set(name, id_, fleet, known[name])
        for name, id_ in asked.items()
    }
    looks = sum(each.progress.looks for each in fleet.ended.values()) + sum(each.looks for each in fleet.seen.values())
    return {
        **totals(sets, fleet.goal.required),
        "healthy": fleet.passes,
        "state": fleet.ending.value,
        "message": fleet_headline(fleet, limit_source),
        "evidence": {
            "looks": looks,
            "requests": requests,
            "elapsedSeconds": round(fleet.elapsed, 1),
            "limitSeconds": fleet.goal.limit,
            "endedAt": ended,
        },
    }


def totals(sets: Sets, required: int) -> dict[str, Any]:
    """Return the outputs that follow from those of the sets."""
    reasons = [
        {**reason, **{key: f"{name}: {reason[key]}" for key in ("subject", "message")}}
        for name, each in sorted(sets.items())
        if not each["healthy"]
        for reason in each["reasons"]
    ]
    return {
        "sets": dict(sets),
        "scaleSetIds": {name: each["scaleSetId"] for name, each in sets.items()},
        "healthySets": sum(bool(each["healthy"]) for each in sets.values()),
        "requiredSets": required,
        "reasons": reasons[:REASONS],
    }


def skipped_fleet(asked: Mapping[str, ScaleSetId], required: int, before: Sets) -> dict[str, Any]:
    """Return the outputs of a gate that was told not to look; when its sets last passed is not forgotten."""
    sets = {
        name: _set(id_, SKIPPED, f"scale set {id_.name}: skipped, not judged", None, before.get(name, {}))
        for name, id_ in asked.items()
    }
    message = f"{len(sets)} scale sets: skipped, not judged"
    return {**totals(sets, required), "healthy": False, "state": SKIPPED, "message": message, "evidence": {}}


def after_pass_without(context: Context, known: Mapping[str, Any]) -> Context:
    """Return the context of a look at a set; the gate may have passed without that set.

    Such a pass judged nothing of the set, so its time is not that of a pass with it. known: what is stored of the set.
    """
    return replace(context, before_first_pass=False) if _PASSED_WITHOUT in known else context


def seen_set(
    before: Mapping[str, Any],
    state: str,
    message: str,
    verdict: Verdict | None = None,
    error: InstanceViewError | None = None,
) -> dict[str, Any]:
    """Return what is stored of a set of which a refresh found something else."""
    reasons = reasons_json(verdict, error, REASONS_OF_SET)
    return {**before, "healthy": state == RECOVERED, "state": state, "message": message, "reasons": reasons}


def _of_set(name: str, id_: ScaleSetId, fleet: Fleet, before: Mapping[str, Any]) -> dict[str, Any]:
    if (outcome := fleet.ended.get(name)) is not None:
        at = fleet.passed_at.get(name)
        passed = {"passedAt": at.isoformat(timespec="seconds")} if at else before
        return _set(id_, outcome.ending.value, headline(outcome, id_.name), outcome.progress, passed)
    progress = fleet.progress(name)
    if fleet.is_out_of_time:
        outcome = Outcome(Ending.TIMED_OUT, progress)
        return _set(id_, outcome.ending.value, headline(outcome, id_.name), outcome.progress, before)
    is_failing = progress.verdict is not None and progress.verdict.state is State.FAILING
    message = f"scale set {id_.name} was not decided when the wait of the fleet ended"
    return _set(id_, "failing" if is_failing else "progressing", message, progress, before)


def _set(
    id_: ScaleSetId, state: str, message: str, progress: Progress | None, passed: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is stored of a set. passed: holds when the gate passed with it, or without, if it did."""
    snapshot = progress.snapshot if progress else None
    verdict, error = (progress.verdict, progress.error) if progress else (None, None)
    return {
        "scaleSetId": str(id_),
        "healthy": state == Ending.HEALTHY.value,
        "state": state,
        "message": message,
        "reasons": reasons_json(verdict, error, REASONS_OF_SET),
        **(mode_and_capacity(snapshot) if snapshot else {}),
        **(when_passed(passed) or {key: passed[key] for key in (_PASSED_WITHOUT,) if key in passed}),
    }
