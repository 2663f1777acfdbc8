"""The package's resources: what each does when it is created, updated or refreshed. Names are those in state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from pulumi_vmss_health.plugin import inputs
from pulumi_vmss_health.plugin.fleet import FleetGate
from pulumi_vmss_health.plugin.gate import Gate
from pulumi_vmss_health.plugin.view import View
from pulumi_vmss_health.plugin.wire import Values
from vmss_instance_view.pulumi.calls import Call

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure


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
        """Return all properties of a resource as they are now; None if every scale set of it is gone."""


RESOURCES: Mapping[str, Kind] = {
    "vmss-health:index:ScaleSetHealthGate": Gate(),
    "vmss-health:index:FleetHealthGate": FleetGate(),
    "vmss-health:index:ScaleSetInstanceView": View(),
}
FUNCTION = "vmss-health:index:getInstanceView"
