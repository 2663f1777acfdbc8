"""`vmss-health:index:FleetHealthGate`: `fleets.gating` in front of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pulumi_vmss_health import gating
from pulumi_vmss_health.fleets.asked import AskedOfFleet
from pulumi_vmss_health.fleets.gating import refresh, wait
from pulumi_vmss_health.gating import NotPassed
from pulumi_vmss_health.plugin import inputs, wire
from pulumi_vmss_health.plugin.gate import Waits, refused_terms
from pulumi_vmss_health.plugin.wire import Values
from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.pulumi.calls import Call, storable

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure


class FleetGate(Waits):
    """One gate of many scale sets: create and update wait."""

    checks: ClassVar[Mapping[str, inputs.Check]] = inputs.FLEET
    outputs: ClassVar[tuple[str, ...]] = (
        "healthy", "state", "message", "reasons", "sets", "healthySets", "requiredSets", "evidence",
    )  # fmt: skip

    def checked(self, _urn: str, news: Values) -> tuple[Values, list[inputs.Refusal]]:
        """Return all inputs, and what is wrong with them."""
        return news, list(inputs.fleet_refusals(news))

    def refresh(self, azure: Azure, call: Call, id_: str, stored: Values) -> Values | None:
        """Look at each set once."""
        known = wire.plain(stored)
        if gating.was_let_pass(known):
            return stored
        asked = _asked(call, stored, None)
        try:
            outputs = refresh(azure, asked, known, call)
        except NotPassed as failed:
            outputs = {**stored, **storable(_marked(asked, failed.outputs))}
            raise call.partial_failure(id_, outputs, failed.lines) from None
        return None if outputs is None else {**stored, **storable(_marked(asked, outputs))}

    def _wait(self, azure: Azure, call: Call, id_: str, olds: Values, news: Values) -> Values:
        asked = _asked(call, news, call.timeout)
        given = _for_the_core(news)
        before = _for_the_core(olds)
        # The core compares texts; outputs may spell an id otherwise than the inputs from which they came.
        before["scaleSets"] = inputs.spelled_as(given["scaleSets"], before["scaleSets"])
        try:
            return {**news, **storable(_marked(asked, wait(azure, asked, before, given, call)))}
        except NotPassed as failed:
            outputs = {**news, **storable(_marked(asked, failed.outputs))}
            raise call.partial_failure(id_, outputs, failed.lines) from None


def _for_the_core(properties: Values) -> Values:
    """Return properties by the names that the core knows them by, and without marks."""
    known = {key: value for key, value in wire.plain(properties).items() if value is not None}
    return {**known, "scaleSets": known.get("scaleSetIds", {})}


def _asked(call: Call, given: Values, timeout: float | None) -> AskedOfFleet:
    is_secret = wire.holds_secret(given.get("scaleSetIds"))
    try:
        return AskedOfFleet.by(_for_the_core(given), timeout, "in the resource's customTimeouts", is_secret=is_secret)
    except (ValueError, TypeError) as error:
        if isinstance(error, InvalidScaleSetId):
            told = "a secret in it is not the ARM id of a scale set" if is_secret else str(error)
            raise call.failure(f"scaleSetIds: {told}") from None
        raise refused_terms(call, error, given, timeout) from None


def _marked(asked: AskedOfFleet, outputs: Mapping[str, object]) -> Values:
    """Return outputs in which those are secrets that would tell a secret id."""
    return wire.with_secrets(outputs, ("sets", "scaleSetIds", "message", "reasons") if asked.is_secret else ())
