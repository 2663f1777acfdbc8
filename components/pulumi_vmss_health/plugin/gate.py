"""`vmss-health:index:ScaleSetHealthGate`: `gating` in front of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pulumi_vmss_health import gating
from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE, Owners
from pulumi_vmss_health.gating import Asked, NotPassed, terms_of
from pulumi_vmss_health.plugin import inputs, wire
from pulumi_vmss_health.plugin.wire import Values
from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.pulumi.calls import Call, CallFailed, storable

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure


class Waits:
    """A resource that waits whenever it is created or updated, and that gates again until it has passed."""

    no_import: ClassVar[str] = "a gate is a wait and nothing in Azure: declare it, and `pulumi up` runs it"

    def runs_without_a_change(self, olds: Values, news: Values) -> bool:
        """Return whether the gate did not pass, or is to run in every update."""
        return gating.runs_without_a_change(wire.plain(olds), wire.plain(news))

    def check_timeout(self, call: Call, news: Values) -> None:
        """Fail the call where the resource's own timeout is too short for the policy; that has to be known."""
        policy = wire.plain(news.get("policy"))
        if call.timeout is None or not wire.is_known(policy):
            return
        try:
            terms_of({"policy": policy}, call.timeout, "")
        except (ValueError, TypeError) as error:
            raise refused_terms(call, error, news, call.timeout) from None

    def create(self, azure: Azure, call: Call, id_: str, news: Values) -> Values:
        """Wait."""
        return self._wait(azure, call, id_, {}, news)

    def update(self, azure: Azure, call: Call, id_: str, olds: Values, news: Values) -> Values:
        """Wait again."""
        return self._wait(azure, call, id_, olds, news)

    def _wait(self, azure: Azure, call: Call, id_: str, olds: Values, news: Values) -> Values:
        raise NotImplementedError


class Gate(Waits):
    """One gate: create and update wait."""

    checks: ClassVar[Mapping[str, inputs.Check]] = inputs.GATE
    outputs: ClassVar[tuple[str, ...]] = (
        "healthy", "state", "message", "reasons", "statuses", "virtualMachine", "extensions", "orchestrationMode",
        "capacity", "evidence",
    )  # fmt: skip

    def __init__(self) -> None:
        self._evidence = Owners()

    def checked(self, urn: str, news: Values) -> tuple[Values, list[inputs.Refusal]]:
        """Return the inputs without the evidence file, which is remembered, and what is wrong with them."""
        refusals = list(inputs.refusals(self.checks, news))
        file = news.get(EVIDENCE_FILE)
        stored = {key: value for key, value in news.items() if key != EVIDENCE_FILE}
        if not refusals and file is not None and wire.is_known(file):
            # Relative to where the engine starts this process, which is the program's folder.
            why = self._evidence.keep(urn, Path(file).absolute())
            refusals += [(EVIDENCE_FILE, why)] if why else []
        return stored, refusals

    def refresh(self, azure: Azure, call: Call, id_: str, stored: Values) -> Values | None:
        """Look once."""
        known = wire.plain(stored)
        if gating.was_let_pass(known):
            return stored
        asked = _asked(call, stored, None)
        try:
            return stored if gating.refresh(azure, asked, known, call) else None
        except NotPassed as failed:
            outputs = storable({**stored, **_marked(asked, failed.outputs)})
            raise call.partial_failure(id_, outputs, failed.lines) from None

    def _wait(self, azure: Azure, call: Call, id_: str, olds: Values, news: Values) -> Values:
        asked = _asked(call, news, call.timeout)
        try:
            file = None if asked.skips else self._evidence.writable_file_of(call.urn)
        except ValueError as error:
            raise call.failure(f"{EVIDENCE_FILE}: {error}") from None
        try:
            known = wire.plain(olds)
            before = gating.evidence_at(str(asked.scale_set), known.get("scaleSetId"), known)
            outputs = gating.wait(azure, asked, before, call, file)
            return {**news, **storable(_marked(asked, outputs))}
        except NotPassed as failed:
            outputs = {**news, **storable(_marked(asked, failed.outputs))}
            raise call.partial_failure(id_, outputs, failed.lines) from None


def _asked(call: Call, given: Values, timeout: float | None) -> Asked:
    is_secret = wire.is_secret(given.get("scaleSetId"))
    try:
        known = wire.plain(given)
        return Asked.by(
            known.get("scaleSetId"), known, timeout, "in the resource's customTimeouts", is_secret=is_secret
        )
    except (ValueError, TypeError) as error:
        if is_secret and isinstance(error, InvalidScaleSetId):
            raise call.failure(inputs.WRONG_SECRET_ID) from None
        raise refused_terms(call, error, given, timeout) from None


def refused_terms(call: Call, error: Exception, given: Values, timeout: float | None) -> CallFailed:
    """Return the failure of a call whose terms the core refuses. timeout: the resource's own."""
    source = "" if timeout is None else " (the resource's customTimeouts win over policy.timeout)"
    told = inputs.in_wire_words(str(error))
    if "policy" in told and wire.holds_secret(given.get("policy")):
        told = "policy holds a secret, and is not shown; it does not fit: hold must be shorter than the timeout"
    return call.failure(told + source)


def _marked(asked: Asked, outputs: Mapping[str, object]) -> Values:
    """Return outputs in which those are secrets that would tell a secret id."""
    return wire.with_secrets(outputs, ("scaleSetId", "message", "reasons") if asked.is_secret else ())
