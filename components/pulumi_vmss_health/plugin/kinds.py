"""The package's resources: what each does when it is created, updated or refreshed. Names are those in state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pulumi_vmss_health import gating
from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE, Owners
from pulumi_vmss_health.gating import Asked, NotPassed
from pulumi_vmss_health.plugin import inputs, wire
from vmss_instance_view.errors import InstanceViewError, InvalidScaleSetId, ScaleSetNotFound
from vmss_instance_view.pulumi.calls import Call, storable
from vmss_instance_view.reading.retry import READ_TIMEOUT
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.viewing import APPEARS_WITHIN, viewed

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure

Values = dict[str, Any]


class Kind(Protocol):
    """One kind of resource. Values are as the engine sends them, with the marks of secrets."""

    checks: ClassVar[Mapping[str, inputs.Check]]
    outputs: ClassVar[tuple[str, ...]]
    no_import: ClassVar[str]

    def checked(self, urn: str, news: Values) -> tuple[Values, list[inputs.Refusal]]:
        """Return the inputs that the engine compares and stores, and what is wrong with those given."""

    def runs_without_a_change(self, olds: Values, news: Values) -> bool:
        """Return whether an update is due although the inputs are the same."""

    def create(self, azure: Azure, call: Call, id_: str, news: Values) -> Values:
        """Return all properties of a new resource. Fails the call, in part or as a whole."""

    def update(self, azure: Azure, call: Call, id_: str, olds: Values, news: Values) -> Values:
        """Return all properties of a resource that changed."""

    def refresh(self, azure: Azure, call: Call, id_: str, stored: Values) -> Values | None:
        """Return all properties of a resource as they are now; None if its scale set is gone."""


class Gate:
    """`vmss-health:index:ScaleSetHealthGate`: `gating` in front of the engine."""

    checks: ClassVar[Mapping[str, inputs.Check]] = inputs.GATE
    outputs: ClassVar[tuple[str, ...]] = (
        "healthy", "state", "message", "reasons", "statuses", "virtualMachine", "extensions", "orchestrationMode",
        "capacity", "evidence",
    )  # fmt: skip
    no_import: ClassVar[str] = "a gate is a wait and nothing in Azure: declare it, and `pulumi up` runs it"

    def __init__(self) -> None:
        self._evidence = Owners()

    def checked(self, urn: str, news: Values) -> tuple[Values, list[inputs.Refusal]]:
        """All inputs but the evidence file, which is remembered."""
        refusals = list(inputs.refusals(self.checks, news))
        stored, file = {key: value for key, value in news.items() if key != EVIDENCE_FILE}, news.get(EVIDENCE_FILE)
        if not refusals and file is not None and wire.is_known(file):
            # Relative to where the engine starts this process, which is the program's folder.
            why = self._evidence.keep(urn, Path(file).absolute())
            refusals += [(EVIDENCE_FILE, why)] if why else []
        return stored, refusals

    def runs_without_a_change(self, olds: Values, news: Values) -> bool:
        """A gate that did not pass, and one that is to run in every update."""
        return gating.runs_without_a_change(wire.plain(olds), wire.plain(news))

    def create(self, azure: Azure, call: Call, id_: str, news: Values) -> Values:
        """Wait."""
        return self._wait(azure, call, id_, {}, news)

    def update(self, azure: Azure, call: Call, id_: str, olds: Values, news: Values) -> Values:
        """Wait again."""
        return self._wait(azure, call, id_, olds, news)

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
            outputs = gating.wait(azure, asked, wire.plain(olds.get("evidence")) or {}, call, file)
            return {**news, **storable(_marked(asked, outputs))}
        except NotPassed as failed:
            outputs = {**news, **storable(_marked(asked, failed.outputs))}
            raise call.partial_failure(id_, outputs, failed.lines) from None


_WRONG_SECRET = "scaleSetId is a secret, and not the ARM id of a scale set"  # noqa: S105 - no password


def _asked(call: Call, given: Values, timeout: float | None) -> Asked:
    is_secret = wire.is_secret(given.get("scaleSetId"))
    try:
        known = wire.plain(given)
        return Asked.by(
            known.get("scaleSetId"), known, timeout, "in the resource's customTimeouts", is_secret=is_secret
        )
    except (ValueError, TypeError) as error:
        if is_secret and isinstance(error, InvalidScaleSetId):
            raise call.failure(_WRONG_SECRET) from None
        source = "" if timeout is None else " (the resource's customTimeouts win over policy.timeout)"
        raise call.failure(inputs.in_wire_words(str(error)) + source) from None


def _marked(asked: Asked, outputs: Mapping[str, Any]) -> Values:
    """Return outputs in which those are secrets that would tell a secret id."""
    return _secret(outputs, ("scaleSetId", "message", "reasons")) if asked.is_secret else dict(outputs)


def _secret(outputs: Mapping[str, Any], names: tuple[str, ...]) -> Values:
    return {key: wire.secret(value) if key in names else value for key, value in outputs.items()}


class View:
    """`vmss-health:index:ScaleSetInstanceView`: one read of the instance view."""

    checks: ClassVar[Mapping[str, inputs.Check]] = inputs.VIEW
    outputs: ClassVar[tuple[str, ...]] = (
        "statuses", "virtualMachine", "extensions", "orchestrationServices", "orchestrationMode", "capacity",
        "instances", "readAt",
    )  # fmt: skip
    no_import: ClassVar[str] = "an instance view is read and nothing in Azure: declare it, and `pulumi up` reads it"

    def checked(self, _urn: str, news: Values) -> tuple[Values, list[inputs.Refusal]]:
        """All inputs."""
        return news, list(inputs.refusals(self.checks, news))

    def runs_without_a_change(self, _olds: Values, news: Values) -> bool:
        """A view that is to be read in every update."""
        return bool(wire.plain(news.get("recheck")) == "always")

    def create(self, azure: Azure, call: Call, _id: str, news: Values) -> Values:
        """Read the view."""
        return self._read(azure, call, {}, news)

    def update(self, azure: Azure, call: Call, _id: str, olds: Values, news: Values) -> Values:
        """Read the view anew."""
        return self._read(azure, call, olds, news)

    def refresh(self, azure: Azure, call: Call, _id: str, stored: Values) -> Values | None:
        """Read the view anew."""
        if wire.plain(stored.get("skip")):
            return stored
        try:
            read = read_view(azure, call, stored, READ_TIMEOUT, 0.0)
        except ScaleSetNotFound as error:
            if not error.is_of_the_set:
                raise
            return None
        return {**{key: stored[key] for key in self.checks if key in stored}, **read}

    def _read(self, azure: Azure, call: Call, olds: Values, news: Values) -> Values:
        if wire.plain(news.get("skip")):
            is_same = _same_set(olds, news)
            return {**({key: olds[key] for key in self.outputs if key in olds} if is_same else {}), **news}
        return {**news, **read_view(azure, call, news, call.timeout or READ_TIMEOUT, APPEARS_WITHIN)}


def read_view(azure: Azure, call: Call, asked: Values, timeout: float, not_found_grace: float) -> Values:
    """Read the view that inputs or arguments ask for. Errors do not name the set where its id is a secret."""
    is_secret = wire.is_secret(asked.get("scaleSetId"))
    try:
        scale_set = ScaleSetId.parse(wire.plain(asked.get("scaleSetId")))
    except InvalidScaleSetId as error:
        raise call.failure(_WRONG_SECRET if is_secret else f"scaleSetId: {error}") from None
    with_instances = wire.plain(asked.get("includeInstances")) is True
    try:
        outputs = viewed(azure, scale_set, timeout, with_instances=with_instances, not_found_grace=not_found_grace)
    except InstanceViewError as error:
        if is_secret:
            error.args = (scale_set.hide_in(str(error)),)
        raise
    return storable(_secret(outputs, ("scaleSetId", "instances")) if is_secret else outputs)


def _same_set(olds: Values, news: Values) -> bool:
    return ScaleSetId.are_same(*(wire.plain(each.get("scaleSetId")) for each in (olds, news)))


def as_before(olds: Values, news: Values) -> Values:
    """Return inputs in which a scale set is written as before, if it is the same one: else it would be a change."""
    is_same = _same_set(olds, news) and wire.is_secret(olds["scaleSetId"]) == wire.is_secret(news["scaleSetId"])
    return {**news, "scaleSetId": olds["scaleSetId"]} if is_same else news


RESOURCES: Mapping[str, Kind] = {
    "vmss-health:index:ScaleSetHealthGate": Gate(),
    "vmss-health:index:ScaleSetInstanceView": View(),
}
FUNCTION = "vmss-health:index:getInstanceView"
