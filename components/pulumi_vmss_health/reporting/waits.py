"""What a page draws of evidence: the waits of a file that was read and held against its schema. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pulumi_vmss_health.evidence.bodies import rebuilt
from pulumi_vmss_health.evidence.reading import moment
from pulumi_vmss_health.judging.findings import Reason, State
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Snapshot
from pulumi_vmss_health.telling.failure import told_apart
from pulumi_vmss_health.telling.status import Count
from pulumi_vmss_health.waiting.ending import Ending
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import LINE, clean

_MOST = 1e9  # seconds, VMs, requests: whatever is larger was never measured
_ENDINGS = {
    Ending.HEALTHY: "healthy",
    Ending.FAILING: "failing",
    Ending.TIMED_OUT: "timed out",
    Ending.UNREADABLE: "not readable",
    Ending.DELETED: "deleted",
    Ending.CANCELLED: "cancelled",
}
_OF_REASONS = ("code", "subject", "have", "want", "message", "hint")


@dataclass(frozen=True, slots=True)
class LookError:
    """Why a look saw nothing, or why what it saw ended the wait."""

    kind: str
    message: str
    status: int | None
    code: str


@dataclass(frozen=True, slots=True)
class Look:
    """One look. seen: seconds from the beginning of the wait until it had ended.

    state, passes, reasons, unjudged: its verdict; state is None if it failed. left: what Azure's limits left, 0 to 1.
    snapshot: all that was known then; None where its bodies were not kept.
    """

    seen: float
    took: float
    depth: str
    requests: int
    left: float | None
    counts: Mapping[str, Count] = field(default_factory=dict)
    state: State | None = None
    passes: bool = False
    reasons: tuple[Reason, ...] = ()
    unjudged: tuple[str, ...] = ()
    error: LookError | None = None
    snapshot: Snapshot | None = field(default=None, repr=False)

    @property
    def is_lost(self) -> bool:
        """Whether it saw nothing."""
        return self.state is None

    @property
    def word(self) -> str:
        """The look's verdict in a word; what could not be judged is in progress, as for the wait."""
        if self.state is None:
            return "no answer"
        if self.state is State.HEALTHY and not self.passes:
            return "progressing"
        return self.state.word

    @property
    def is_whole(self) -> bool:
        """Whether it read everything that the policy judges."""
        return self.depth == "full"


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait for one scale set. lines: what was said below the message. elapsed, limit: seconds.

    name: the scale set's, with what tells it apart from the others of the file.
    without_bodies, left_out: looks of which it was not kept what they saw, or nothing at all, to keep the file small.
    """

    scale_set: ScaleSetId
    policy: GatePolicy
    limit: float
    limit_source: str
    began: datetime
    elapsed: float
    ending: Ending
    passed_before: datetime | None
    before_first_pass: bool
    message: str
    lines: tuple[str, ...]
    requests: int
    without_bodies: int
    left_out: int
    looks: tuple[Look, ...]
    name: str = ""

    @property
    def end(self) -> float:
        """Seconds from the beginning to the end of the wait, or of its last look, which may end later."""
        return max([self.elapsed, *(look.seen for look in self.looks)])

    @property
    def ending_words(self) -> str:
        """How it ended, in a word or two."""
        return _ENDINGS[self.ending]

    @property
    def last_verdict(self) -> Look | None:
        """The last look that succeeded."""
        return next((each for each in reversed(self.looks) if not each.is_lost), None)


def waits_of(evidence: Mapping[str, Any]) -> tuple[Wait, ...]:
    """Return the waits of a file of evidence. Raises ValueError, naming what is wrong."""
    if not evidence["waits"]:
        raise ValueError("waits is empty: there is nothing to draw")
    found = []
    for number, told in enumerate(evidence["waits"]):
        where = f"waits[{number}]"
        try:
            _refuse_unmeasured(told["looks"], "looks")
            _refuse_unmeasured([told["elapsedSeconds"], told["limitSeconds"]], "seconds")
            found.append(_wait(told))
        except (ValueError, TypeError) as error:
            raise ValueError(clean(f"{where}: {error}", LINE)) from None
        except RecursionError:
            raise ValueError(f"{where} is nested too deeply") from None
    names = told_apart([each.scale_set for each in found])
    return tuple(replace(each, name=name) for each, name in zip(found, names, strict=True))


def _refuse_unmeasured(value: object, where: str) -> None:
    """Refuse numbers that nobody could have measured: what is drawn of them would be no picture."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "settings":  # of an extension: the user's own
                continue
            _refuse_unmeasured(each, f"{where}.{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            _refuse_unmeasured(each, f"{where}[{index}]")
    elif isinstance(value, (int, float)) and not -_MOST <= value <= _MOST:
        raise ValueError(f"{where}: a number of at most {_MOST:.0f} belongs here")


def _wait(told: Mapping[str, Any]) -> Wait:
    return Wait(
        ScaleSetId.parse(told["scaleSetId"]),
        GatePolicy.from_json(told["policy"]),
        told["limitSeconds"],
        _text(told["limitSource"]),
        moment(told, "beganAt"),
        told["elapsedSeconds"],
        Ending(told["ending"]),
        None if told["passedBefore"] is None else moment(told, "passedBefore"),
        told["beforeFirstPass"],
        _text(told["message"]),
        tuple(map(_text, told["lines"])),
        told["requests"],
        told["capped"]["looksWithoutBodies"],
        told["capped"]["looksLeftOut"],
        tuple(map(_look, told["looks"], rebuilt(told["looks"]))),
    )


def _look(told: Mapping[str, Any], snapshot: Snapshot | None) -> Look:
    verdict = told["verdict"] or {"state": None, "passes": False, "reasons": [], "unjudged": []}
    return Look(
        seen=told["at"] + told["took"],
        took=told["took"],
        depth=_text(told["depth"]),
        requests=told["requests"],
        left=told["left"],
        counts={each.of: each for each in map(_count, told["counts"])},
        state=State[verdict["state"].upper()] if verdict["state"] else None,
        passes=verdict["passes"],
        reasons=tuple(map(_reason, verdict["reasons"])),
        unjudged=tuple(map(_text, verdict["unjudged"])),
        error=_error(told["error"]) if told["error"] else None,
        snapshot=snapshot,
    )


def _count(told: Mapping[str, Any]) -> Count:
    return Count(_text(told["of"]), told["done"], told["total"])


def _reason(told: Mapping[str, Any]) -> Reason:
    code, subject, have, want, message, hint = (told[key] for key in _OF_REASONS)
    return Reason(code, subject, have, want, message, hint, State[told["state"].upper()])


def _error(told: Mapping[str, Any]) -> LookError:
    return LookError(_text(told["kind"]), _text(told["message"]), told["status"], _text(told["code"] or ""))


def _text(text: str) -> str:
    return clean(text, LINE)
