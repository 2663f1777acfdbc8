"""What a gate is, whoever calls it: what its inputs ask for, when it is armed, what a wait and a refresh mean.

No type of Pulumi is in here. `gate` serves it to Python programs as a dynamic resource, `plugin` to all languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pulumi_vmss_health.evidence.file import write
from pulumi_vmss_health.evidence.recorder import Recorder, file_text
from pulumi_vmss_health.judging.findings import Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Ask, Context, Depth, Snapshot
from pulumi_vmss_health.judging.verdict import evaluate
from pulumi_vmss_health.stored import PASSED, REASONS, WARNED, lowered, outputs_of, skipped_outputs
from pulumi_vmss_health.telling.failure import causes, failure_lines, warnings
from pulumi_vmss_health.telling.folding import folded
from pulumi_vmss_health.telling.status import StatusLine
from pulumi_vmss_health.waiting import pace
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import OF_THE_POLICY
from pulumi_vmss_health.waiting.watch import MARGIN, Outcome, watch
from vmss_instance_view.clock import Clock, Deadline, Overdue, Stopped
from vmss_instance_view.errors import InstanceViewError, ScaleSetDeleted, ScaleSetNotFound, Unavailable
from vmss_instance_view.model import parse_time
from vmss_instance_view.scale_set_id import ScaleSetId

if TYPE_CHECKING:
    from pulumi_vmss_health.waiting.look import Looker
    from vmss_instance_view.connection import Azure

_REFRESH_LIMIT = 120.0  # seconds for all looks of a refresh
_MISSING_FOR = 5.0  # seconds between the two looks that must miss a set: Azure's regions may disagree for a while
_OLDER_MODEL = "OlderModelAllowed"


class Teller(Protocol):
    """Tells people what a gate does."""

    def status(self, text: str) -> None:
        """Show a line until the next one; "" clears it."""

    def warn(self, text: str) -> None:
        """Show a warning that stays."""


class NotPassed(Exception):
    """The gate did not pass, or does not any more. It keeps these outputs, and is armed."""

    def __init__(self, outputs: Mapping[str, Any], lines: Sequence[str]) -> None:
        """outputs: those that change; the others stay. lines: headline, causes, what to do, as people see them."""
        super().__init__("\n".join(lines))
        self.outputs = outputs
        self.lines = lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the inputs of any gate ask for, whatever it watches."""

    policy: GatePolicy
    limit_source: str
    only_warns: bool
    skips: bool
    is_secret: bool
    """Whether the scale sets must not be named to people."""

    @property
    def ids(self) -> Iterable[ScaleSetId]:
        """The scale sets."""
        raise NotImplementedError

    def shown(self, line: str) -> str:
        """Return a line as people see it, folded for a terminal."""
        return folded(self.redacted(line))

    def redacted(self, text: str) -> str:
        """Return a text that does not name the scale sets as Azure does, if their ids are secret."""
        for each in self.ids if self.is_secret else ():
            text = each.hide_in(text)
        return text


def terms_of(inputs: Mapping[str, Any], timeout: float | None, limit_source: str) -> dict[str, Any]:
    """Read the terms, besides the secrecy, by the names of their fields.

    inputs: by the names that they have in state. timeout: the resource's own, in seconds, which wins over the policy's.
    limit_source: where people set that one. Raises ValueError or TypeError for what this version does not understand.
    """
    policy = GatePolicy.from_json(inputs.get("policy") or {})
    return {
        "policy": policy if timeout is None else policy.within(timedelta(seconds=timeout)),
        "limit_source": OF_THE_POLICY if timeout is None else limit_source,
        "only_warns": inputs.get("onFailure") == "warn",
        "skips": bool(inputs.get("skip")),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Terms):
    """What the inputs of a gate ask for."""

    scale_set: ScaleSetId

    @classmethod
    def by(
        cls,
        scale_set: object,
        inputs: Mapping[str, Any],
        timeout: float | None,
        limit_source: str,
        *,
        is_secret: bool = False,
    ) -> Asked:
        """Read them, as `terms_of` does."""
        terms = terms_of(inputs, timeout, limit_source)
        return cls(scale_set=ScaleSetId.parse(scale_set), is_secret=is_secret, **terms)

    @property
    def ids(self) -> Iterable[ScaleSetId]:
        """The one scale set."""
        return (self.scale_set,)


def runs_without_a_change(stored: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    """Return whether the next update runs the gate although its inputs are the same: armed, or told to recheck."""
    return stored.get("state") not in PASSED or inputs.get("recheck") == "always"


def was_let_pass(stored: Mapping[str, Any]) -> bool:
    """Return whether the user let the gate pass unjudged: a refresh then has nothing to say."""
    return stored.get("state") in PASSED - {Ending.HEALTHY.value}


def evidence_at(scale_set: object, known_as: object, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the evidence that a gate's last run left, if that was at this set: at another one it has not passed yet.

    scale_set, known_as: the ids of this set and of the one before, as they are given.
    """
    return (stored.get("evidence") or {}) if ScaleSetId.are_same(scale_set, known_as) else {}


def wait(
    azure: Azure, asked: Asked, before: Mapping[str, Any], teller: Teller, evidence_file: Path | None = None
) -> dict[str, Any]:
    """Wait for health; return the outputs. Raises NotPassed.

    before: the evidence that the gate's last run at this set left. evidence_file: where to write what was seen, however
    it ends.
    """
    if asked.skips:
        return skipped_outputs(asked.scale_set, before)
    outcome, requests = _watched(azure, asked, before, teller, evidence_file)
    outputs = outputs_of(outcome, requests, asked.scale_set, azure.clock.now(), before)
    if outcome.ending is Ending.HEALTHY:
        for warning in warnings(outcome):
            teller.warn(asked.shown(warning))
        return outputs
    lines = failure_lines(outcome, asked.scale_set, azure.portal)
    if asked.only_warns and outcome.ending is not Ending.CANCELLED:
        teller.warn("\n".join(map(asked.shown, lines)))
        return {**outputs, "state": WARNED}
    raise NotPassed(outputs, [asked.shown(line) for line in lines])


def _watched(
    azure: Azure, asked: Asked, before: Mapping[str, Any], teller: Teller, evidence_file: Path | None
) -> tuple[Outcome, int]:
    """Look until it is decided; return how it ended, and how many requests that took."""
    from pulumi_vmss_health.waiting.look import Looker

    look = Looker(azure, asked.scale_set, asked.policy)
    context = context_of(before.get("passedAt"), azure.clock)
    status_line = StatusLine(lambda text: teller.status(asked.redacted(text)), azure.clock)
    recorder = Recorder(look, asked.policy, azure.clock, context) if evidence_file is not None else None
    outcome = watch(look, asked.policy, azure.clock, status_line, context, asked.limit_source, recorder)
    teller.status("")
    if evidence_file is not None and recorder is not None:
        _save(evidence_file, recorder.text(outcome, asked.scale_set, azure.portal), asked, teller)
    return outcome, look.requests


def _save(file: Path, wait: str, asked: Asked, teller: Teller) -> None:
    """Write the evidence; that it cannot be written changes no verdict."""
    try:
        write(file, file_text([wait]))
    except OSError as error:
        teller.warn(asked.shown(f"the evidence could not be written to {file}: {error.strerror}"))


def refresh(azure: Azure, asked: Asked, stored: Mapping[str, Any], teller: Teller) -> bool:
    """Look, once if the scale set is found; return whether it is still there.

    A stored verdict is lowered by it, never raised. Raises NotPassed where the gate is armed, or is from now on.
    """
    from pulumi_vmss_health.waiting.look import Looker

    look = Looker(azure, asked.scale_set, asked.policy)
    try:
        _take_turn(look, azure.clock)
        snapshot = look_once(look, azure.clock)
    except InstanceViewError as error:
        if is_gone(error):
            return False
        if stored.get("state") not in PASSED:
            raise NotPassed({}, [asked.shown(line) for line in (armed_line(stored), str(error))]) from None
        teller.warn(asked.shown(f"could not check whether the set is still healthy: {error}"))
        return True
    context = context_of_refresh((stored.get("evidence") or {}).get("passedAt"), stored, REASONS, azure.clock)
    _compare(asked, stored, snapshot, evaluate(snapshot, asked.policy, context))
    return True


def context_of(passed_at: str | None, clock: Clock) -> Context:
    """Return what is known before a look. passed_at: when the set last passed, as stored; None if it never did.

    What began since then is still to be judged, also where failures lie in between. A pass in the future was told by a
    clock that was ahead: it cannot be later than now.
    """
    passed = parse_time(passed_at)
    return Context(passed and min(passed, clock.now()), before_first_pass=passed is None)


def context_of_refresh(passed_at: str | None, stored: Mapping[str, Any], most: int, clock: Clock) -> Context:
    """Return what is known before the one look of a refresh, which takes no pass back for what did not change.

    passed_at: as above. stored: state and reasons of the set. most: how many reasons are stored at most.
    """
    reasons = stored.get("reasons") or ()
    # A pass that allowed older models was the first one. Where there are as many reasons as fit, that may be cut off.
    allowed = len(reasons) >= most or any(each.get("code") == _OLDER_MODEL for each in reasons)
    was_first = allowed and stored.get("state") == Ending.HEALTHY.value
    context = context_of(passed_at, clock)
    # One look cannot tell a surplus that stays from one that leaves.
    return replace(context, before_first_pass=context.before_first_pass or was_first, surplus_settled=True)


def is_gone(found: object) -> bool:
    """Return whether `look_once` found no set at all: one that was read in between is not deleted, but unreadable."""
    return isinstance(found, ScaleSetNotFound) and found.is_of_the_set and not isinstance(found, ScaleSetDeleted)


def _take_turn(look: Looker, clock: Clock) -> None:
    """Wait for the place of a look among those of all gates that the engine refreshes side by side.

    Raises Unavailable if a stop is requested.
    """
    try:
        clock.wait(look.turn(Ask()))
    except Stopped:
        raise Unavailable("the refresh ended before it was read") from None


def look_once(look: Looker, clock: Clock) -> Snapshot:
    """Look once for a refresh; where many instances have to be asked one by one, as often as it takes.

    A set that is not found is looked for once more, after a pause.
    """

    def see(ask: Ask) -> Snapshot:
        return clock.call(lambda: look(pace.LOOK_LIMIT, ask), pace.LOOK_LIMIT + MARGIN)

    until = Deadline(_REFRESH_LIMIT, clock)
    try:
        try:
            snapshot = see(Ask())
        except ScaleSetNotFound as error:
            if not error.is_of_the_set:
                raise
            clock.wait(min(_MISSING_FOR, until.left()))
            snapshot = see(Ask())
        while snapshot.age == float("inf"):
            clock.wait(min(pace.QUICK, until.left()))
            snapshot = see(Ask(Depth.OWN_VIEWS))
    except (Overdue, Stopped):
        raise Unavailable("the scale set could not be read completely in time") from None
    return snapshot


def _compare(asked: Asked, stored: Mapping[str, Any], snapshot: Snapshot, verdict: Verdict) -> None:
    """Say what a look means for a stored verdict. Raises NotPassed unless both are good."""
    if stored.get("state") not in PASSED:
        news = ["the set is healthy now"] if verdict.passes else causes(verdict)
        raise NotPassed({}, [asked.shown(line) for line in (armed_line(stored), *news)])
    if not verdict.passes:
        message = f"scale set {asked.scale_set.name} was healthy and is not any more"
        lines = [asked.shown(line) for line in (message, *causes(verdict))]
        raise NotPassed(lowered(snapshot, verdict, message), lines)


def armed_line(stored: Mapping[str, Any]) -> str:
    """Return what a refresh says of a gate that did not pass."""
    return f"the next `pulumi up` runs this gate again: {stored.get('message') or 'it has not passed yet'}"
