"""Read the evidence of waits into what a page draws. What is wrong is refused, by the name of its key. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from pulumi_vmss_health.judging.findings import Reason, State
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Snapshot, count_state
from pulumi_vmss_health.telling.status import Count
from pulumi_vmss_health.waiting.memory import Ending
from vmss_instance_view.errors import MalformedBody
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet
from vmss_instance_view.model.status import parse_time
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import LINE, clean

VERSION = 1
"""The newest version of the format that this module reads."""

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
_STATES = {state.name.lower(): state for state in State}

T = TypeVar("T")


class EvidenceError(ValueError):
    """What was given is no evidence that this version can read; the message names the key."""


@dataclass(frozen=True, slots=True)
class LostLook:
    """Why a look saw nothing."""

    kind: str
    message: str
    status: int | None
    code: str


@dataclass(frozen=True, slots=True)
class Look:
    """One look. seen: seconds from the beginning of the wait until it had ended.

    state, passes, reasons, unjudged: its verdict; state is None if it failed. left: what Azure's limits left, 0 to 1.
    counts: also of extensions that all VMs have, where the view that was kept lists them.
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
    error: LostLook | None = None
    snapshot: Snapshot | None = field(default=None, repr=False)

    @property
    def word(self) -> str:
        """The look's verdict in a word; what could not be judged is in progress, as for the wait."""
        if self.state is None:
            return "no answer"
        if self.state is State.HEALTHY and not self.passes:
            return "progressing"
        return self.state.name.lower()

    @property
    def is_whole(self) -> bool:
        """Whether it read everything that the policy judges."""
        return self.depth == "full"


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait for one scale set. lines: what was said below the message. elapsed, limit: seconds.

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

    @property
    def ending_words(self) -> str:
        """How it ended, in a word or two."""
        return _ENDINGS[self.ending]

    @property
    def last_verdict(self) -> Look | None:
        """The last look that succeeded."""
        return next((each for each in reversed(self.looks) if each.state is not None), None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Waits, and the versions of what recorded them."""

    versions: Mapping[str, str]
    waits: tuple[Wait, ...]


def evidence_of(text: str) -> Evidence:
    """Read the text of an evidence file. Raises EvidenceError."""
    try:
        return _evidence(_Node(json.loads(text, parse_constant=_refuse), ""))
    except RecursionError:
        raise EvidenceError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise EvidenceError(f"it is no JSON: {error}") from None
    except EvidenceError:
        raise
    except ValueError as error:  # such as a number of ten thousand digits
        raise EvidenceError(clean(f"it is no JSON: {error}")) from None


def _refuse(constant: str) -> None:
    raise EvidenceError(f"it is no JSON: {constant} is no number")


@dataclass(frozen=True, slots=True)
class _Node:
    """A value of the file, and where it is."""

    value: object
    path: str

    def __getitem__(self, key: str) -> _Node:
        found = self.optional(key)
        if found is None:
            raise EvidenceError(f"{self._path(key)} is missing")
        return found

    def optional(self, key: str) -> _Node | None:
        mapping = self.mapping()
        return _Node(mapping[key], self._path(key)) if key in mapping else None

    def known(self) -> _Node | None:
        """Itself, or None for null."""
        return None if self.value is None else self

    def mapping(self) -> Mapping[str, object]:
        if not isinstance(self.value, Mapping):
            raise self.wrong("an object")
        return self.value

    def items(self) -> list[_Node]:
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [_Node(each, f"{self.path}[{index}]") for index, each in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return clean(self.value, LINE)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def number(self, most: float = _MOST) -> float:
        value = self.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong("a number")
        if not 0 <= value <= most:
            raise self.wrong(f"from 0 to {most:.0f}")
        return float(value)

    def count(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        return int(self.number())

    def moment(self) -> datetime:
        found = parse_time(self.text())
        if found is None:
            raise self.wrong("a time such as 2026-01-31T12:00:00Z")
        return found

    def one_of(self, choices: Mapping[str, T]) -> T:
        if not isinstance(self.value, str) or self.value not in choices:
            raise self.wrong(f"one of {', '.join(choices)}")
        return choices[self.value]

    def parsed(self, parse: Callable[[Any], T]) -> T:
        """Let another module parse it, and say whose value it was."""
        try:
            return parse(self.value)
        except (ValueError, TypeError, MalformedBody) as error:
            raise EvidenceError(clean(f"{self.path}: {error}", LINE)) from None

    def wrong(self, wanted: str) -> EvidenceError:
        return EvidenceError(clean(f"{self.path or 'it'} must be {wanted}, not {json.dumps(self.value):.60}"))

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _evidence(root: _Node) -> Evidence:
    version = root["evidence"].count()
    if version > VERSION:
        raise EvidenceError(f"it has version {version} of the format, and this vmss-health reads {VERSION}: upgrade it")
    if version != VERSION:
        raise root["evidence"].wrong(str(VERSION))
    versions = root["versions"]
    named = {clean(name): versions[name].text() for name in versions.mapping()}
    waits = tuple(map(_wait, root["waits"].items()))
    if not waits:
        raise EvidenceError("waits is empty: there is nothing to draw")
    return Evidence(named, waits)


def _wait(node: _Node) -> Wait:
    passed = node["passedBefore"].known()
    bodies = _Bodies()
    policy = node["policy"].parsed(GatePolicy.from_json) if node["policy"].mapping() else GatePolicy()
    return Wait(
        node["scaleSetId"].parsed(ScaleSetId.parse),
        policy,
        node["limitSeconds"].number(),
        node["limitSource"].text(),
        node["beganAt"].moment(),
        node["elapsedSeconds"].number(),
        node["ending"].one_of({each.value: each for each in Ending}),
        passed.moment() if passed else None,
        node["beforeFirstPass"].flag(),
        node["message"].text(),
        tuple(each.text() for each in node["lines"].items()),
        node["requests"].count(),
        node["capped"]["looksWithoutBodies"].count(),
        node["capped"]["looksLeftOut"].count(),
        tuple(_look(each, bodies) for each in node["looks"].items()),
    )


def _look(node: _Node, bodies: _Bodies) -> Look:
    left, verdict, error = node["left"].known(), node["verdict"].known(), node["error"].known()
    if (verdict is None) == (error is None):
        raise EvidenceError(f"{node.path} must have either a verdict or an error")
    took, kept = node["took"].number(), node.optional("bodies")
    counts = {each.of: each for each in map(_count, node["counts"].items())}
    snapshot = bodies.after(kept) if kept else None
    look = Look(
        seen=node["at"].number() + took,
        took=took,
        depth=node["depth"].text(),
        requests=node["requests"].count(),
        left=left.number(most=1) if left else None,
        error=_lost(error) if error else None,
        snapshot=snapshot,
    )
    if verdict is None:
        return look
    return replace(
        look,
        counts={**counts, **_finished(snapshot, counts)},
        state=verdict["state"].one_of(_STATES),
        passes=verdict["passes"].flag(),
        reasons=tuple(map(_reason, verdict["reasons"].items())),
        unjudged=tuple(each.text() for each in verdict["unjudged"].items()),
    )


def _finished(snapshot: Snapshot | None, counts: Mapping[str, Count]) -> dict[str, Count]:
    """The extensions that the recorded counts leave out, because every VM has them."""
    total = counts["VMs"].total if "VMs" in counts else None
    if snapshot is None or total is None:
        return {}
    found = {}
    for each in snapshot.view.extensions:
        name, done = clean(each.name or ""), count_state(each.statuses_summary, "succeeded")
        if name not in counts and done >= total:
            found[name] = Count(name, done, total)
    return found


def _count(node: _Node) -> Count:
    return Count(clean(node["of"].text()), node["done"].count(), node["total"].count())


def _reason(node: _Node) -> Reason:
    code, subject, have, want, message, hint = (node[key].text() for key in _OF_REASONS)
    return Reason(code, subject, have, want, message, hint, node["state"].one_of(_STATES))


def _lost(node: _Node) -> LostLook:
    status, code = node["status"].known(), node["code"].known()
    return LostLook(
        node["kind"].text(), node["message"].text(), status.count() if status else None, code.text() if code else ""
    )


class _Bodies:
    """What was known of a set at each look: a look keeps only what differs from the look before."""

    def __init__(self) -> None:
        self._view = InstanceView()
        self._model: ScaleSet | None = None
        self._instances: dict[str, Instance] | None = None
        self._upgrade: RollingUpgrade | None = None

    def after(self, bodies: _Node) -> Snapshot:
        """Take a look's bodies in."""
        if (view := bodies.optional("view")) is not None:
            self._view = view.parsed(InstanceView.from_json) if view.known() else InstanceView()
        if (model := bodies.optional("model")) is not None:
            self._model = model.parsed(ScaleSet.from_json) if model.known() else None
        if (upgrade := bodies.optional("rollingUpgrade")) is not None:
            self._upgrade = upgrade.parsed(RollingUpgrade.from_json) if upgrade.known() else None
        if (instances := bodies.optional("instances")) is not None:
            self._instances = self._merged(instances, bodies.optional("instancesKept")) if instances.known() else None
        listed = None if self._instances is None else tuple(self._instances.values())
        return Snapshot(self._view, self._model, listed, self._upgrade)

    def _merged(self, changed: _Node, kept: _Node | None) -> dict[str, Instance]:
        new = {each.instance_id: each for each in (node.parsed(Instance.from_json) for node in changed.items())}
        if kept is None:
            return new
        before, ids = self._instances or {}, {each.text() for each in kept.items()}
        unknown = sorted(ids - set(before))
        if unknown:
            raise EvidenceError(f"{kept.path} names instance {unknown[0]}, which no look before has")
        return {**{each: new.get(each, one) for each, one in before.items() if each in ids or each in new}, **new}
