"""What a gate keeps in a stack's state, and so in stack outputs: plain JSON, with ARM's own names where ARM has them.

Keys and states never change: state files and programs in other languages read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pulumi_vmss_health.judging.findings import Reason, State, Verdict
from pulumi_vmss_health.judging.snapshot import Snapshot
from pulumi_vmss_health.telling.failure import beside_the_headline, headline, lost_look
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.errors import InstanceViewError
from vmss_instance_view.model import ScaleSet
from vmss_instance_view.scale_set_id import ScaleSetId

SKIPPED = "skipped"
WARNED = "warned"
PASSED = frozenset({Ending.HEALTHY.value, SKIPPED, WARNED})
"""States that disarm a gate. Every other one, and none at all, keeps it armed."""

REASONS = 20
"""That are stored of a verdict: a state file is no log."""

_NOTHING_COUNTED = {"statuses": [], "virtualMachine": {"statusesSummary": []}, "extensions": []}


def outputs_of(
    outcome: Outcome, requests: int, scale_set: ScaleSetId, now: datetime, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the outputs that say how a wait ended.

    requests: what the wait took of Azure. before: the evidence of the gate's last run.
    """
    progress = outcome.progress
    return {
        **_sight(progress.snapshot),
        "reasons": reasons_json(progress.verdict, progress.error, REASONS),
        "scaleSetId": str(scale_set),
        "healthy": outcome.ending is Ending.HEALTHY,
        "state": outcome.ending.value,
        "message": headline(outcome, scale_set.name),
        "evidence": _evidence(outcome, requests, now, before),
    }


def _evidence(outcome: Outcome, requests: int, now: datetime, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the verdict rests on. passedAt: when this gate last passed; it outlives failures."""
    progress = outcome.progress
    ended = now.isoformat(timespec="seconds")
    passed = ended if outcome.ending is Ending.HEALTHY else before.get("passedAt")
    return {
        "looks": progress.looks,
        "requests": requests,
        "elapsedSeconds": round(progress.elapsed, 1),
        "limitSeconds": progress.limit,
        "endedAt": ended,
        "transitions": [{"at": round(at, 1), "state": state.word} for at, state in progress.transitions],
        **({"passedAt": passed} if passed else {}),
    }


def skipped_outputs(scale_set: ScaleSetId, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a gate that was told not to look. before: as above; when it last passed is kept."""
    return {
        "scaleSetId": str(scale_set),
        "healthy": False,
        "state": SKIPPED,
        "message": f"scale set {scale_set.name}: skipped, not judged",
        "reasons": [],
        "evidence": when_passed(before),
    }


def when_passed(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return passedAt alone of what was stored before; nothing if there never was a pass."""
    return {"passedAt": before["passedAt"]} if "passedAt" in before else {}


def lowered(snapshot: Snapshot, verdict: Verdict, message: str) -> dict[str, Any]:
    """Return what changes in the outputs if a refresh finds the set unhealthy; what the view lacks becomes empty."""
    return {
        **_NOTHING_COUNTED,
        **_sight(snapshot),
        "reasons": reasons_json(verdict, None, REASONS),
        "healthy": False,
        "state": unhealthy_state(verdict),
        "message": message,
    }


def unhealthy_state(verdict: Verdict) -> str:
    """Return the state of a verdict that does not pass: what is healthy but for a check not judged is in progress."""
    return max(verdict.state, State.PROGRESSING).word


def _sight(snapshot: Snapshot | None) -> dict[str, Any]:
    if snapshot is None:
        return {}
    view = snapshot.view.to_json()
    return {
        **{key: view[key] for key in ("statuses", "virtualMachine", "extensions") if key in view},
        **mode_and_capacity(snapshot),
    }


def mode_and_capacity(snapshot: Snapshot) -> dict[str, Any]:
    """Return what is stored of a set's model."""
    model = snapshot.scale_set or ScaleSet()
    return {"orchestrationMode": model.mode, "capacity": model.capacity}


def reasons_json(verdict: Verdict | None, error: InstanceViewError | None, most: int) -> list[dict[str, str]]:
    """Return the reasons of the last look, at most so many; error: what it failed with."""
    reasons = [*([lost_look(error)] if error else []), *beside_the_headline(verdict)]
    return [reason_json(each) for each in reasons[:most]]


def reason_json(reason: Reason) -> dict[str, str]:
    """Return a reason as state and evidence hold it."""
    return {
        "code": reason.code,
        "subject": reason.subject,
        "have": reason.have,
        "want": reason.want,
        "message": reason.message,
        "hint": reason.hint,
        "state": reason.state.word,
    }
