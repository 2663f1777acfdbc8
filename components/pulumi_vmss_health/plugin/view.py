"""`vmss-health:index:ScaleSetInstanceView`, and the function `getInstanceView`: one read of the instance view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pulumi_vmss_health.plugin import inputs, wire
from pulumi_vmss_health.plugin.wire import Values
from vmss_instance_view.errors import InstanceViewError, InvalidScaleSetId, ScaleSetNotFound
from vmss_instance_view.pulumi.calls import Call, storable
from vmss_instance_view.reading.retry import READ_TIMEOUT
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.viewing import APPEARS_WITHIN, read_outputs

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure


class View:
    """One view: create, update and refresh read it."""

    checks: ClassVar[Mapping[str, inputs.Check]] = inputs.VIEW
    outputs: ClassVar[tuple[str, ...]] = (
        "statuses", "virtualMachine", "extensions", "orchestrationServices", "orchestrationMode", "capacity",
        "instances", "readAt",
    )  # fmt: skip
    no_import: ClassVar[str] = "an instance view is read and nothing in Azure: declare it, and `pulumi up` reads it"

    def checked(self, _urn: str, news: Values) -> tuple[Values, list[inputs.Refusal]]:
        """Return all inputs, and what is wrong with them."""
        return news, list(inputs.refusals(self.checks, news))

    def runs_without_a_change(self, _olds: Values, news: Values) -> bool:
        """Return whether the view is to be read in every update."""
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
            is_same = ScaleSetId.are_same(*(wire.plain(each.get("scaleSetId")) for each in (olds, news)))
            kept = {key: olds[key] for key in self.outputs if key in olds} if is_same else {}
            return {**kept, **news, "scaleSetId": inputs.canonical(news.get("scaleSetId"))}
        return {**news, **read_view(azure, call, news, call.timeout or READ_TIMEOUT, APPEARS_WITHIN)}


def read_view(azure: Azure, call: Call, asked: Values, timeout: float, grace: float) -> Values:
    """Read the view that inputs or arguments ask for. Errors do not name the set where its id is a secret."""
    is_secret = wire.is_secret(asked.get("scaleSetId"))
    try:
        scale_set = ScaleSetId.parse(wire.plain(asked.get("scaleSetId")))
    except InvalidScaleSetId as error:
        raise call.failure(inputs.WRONG_SECRET_ID if is_secret else f"scaleSetId: {error}") from None
    with_instances = wire.plain(asked.get("includeInstances")) is True
    try:
        outputs = read_outputs(azure, scale_set, timeout, with_instances=with_instances, grace=grace)
    except InstanceViewError as error:
        if is_secret:
            error.args = (scale_set.hide_in(str(error)),)
        raise
    return storable(wire.with_secrets(outputs, ("scaleSetId", "instances") if is_secret else ()))
