"""The instance view of a scale set.

Source: REST "Virtual Machine Scale Sets - Get Instance View", 2016-04-30-preview to 2026-04-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vmss_instance_view.model.body import Body, Json, drop_empty
from vmss_instance_view.model.status import Status, StatusCount


@dataclass(frozen=True, slots=True)
class VirtualMachineSummary:
    """How many VMs of the set are in which provisioning state."""

    statuses_summary: tuple[StatusCount, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtensionSummary:
    """On how many VMs an extension is in which provisioning state."""

    name: str | None
    statuses_summary: tuple[StatusCount, ...] = ()

    @classmethod
    def from_body(cls, body: Body) -> ExtensionSummary:
        """Parse one element of the view's extensions."""
        return cls(body.text("name"), _summary(body))

    def to_json(self) -> Json:
        """Return ARM's form."""
        return drop_empty({"name": self.name, "statusesSummary": [each.to_json() for each in self.statuses_summary]})


@dataclass(frozen=True, slots=True)
class OrchestrationService:
    """A service that acts on the set by itself, such as AutomaticRepairs, and whether it is suspended."""

    service_name: str | None = None
    service_state: str | None = None
    latest_operation_status: str | None = None
    last_status_change_time: str | None = None

    @classmethod
    def from_body(cls, body: Body) -> OrchestrationService:
        """Parse one element of the view's orchestrationServices."""
        keys = ("serviceName", "serviceState", "latestOperationStatus", "lastStatusChangeTime")
        return cls(*(body.text(key) for key in keys))

    def to_json(self) -> Json:
        """Return ARM's form."""
        return drop_empty(
            {
                "serviceName": self.service_name,
                "serviceState": self.service_state,
                "latestOperationStatus": self.latest_operation_status,
                "lastStatusChangeTime": self.last_status_change_time,
            }
        )


@dataclass(frozen=True, slots=True)
class InstanceView:
    """The instance view of a scale set: what its VMs and extensions report, counted by status code.

    It never holds the capacity, instance ids, power or health states: those are in ScaleSet and Instance.
    """

    virtual_machine: VirtualMachineSummary = VirtualMachineSummary()
    statuses: tuple[Status, ...] = ()
    extensions: tuple[ExtensionSummary, ...] = ()
    orchestration_services: tuple[OrchestrationService, ...] = ()

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> InstanceView:
        """Parse an instance view as ARM sends it.

        body: virtualMachine.statusesSummary is a list of {"code": str, "count": int or a text of digits}; every
            field may be absent: {} is a valid answer, and not a healthy one.
        Raises MalformedBody, naming the JSON path, where a value has a type that Azure does not document.
        """
        root = Body(body)
        machine = root.child("virtualMachine")
        return cls(
            VirtualMachineSummary(_summary(machine)),
            tuple(map(Status.from_body, root.children("statuses"))),
            tuple(map(ExtensionSummary.from_body, root.children("extensions"))),
            tuple(map(OrchestrationService.from_body, root.children("orchestrationServices"))),
        )

    def to_json(self) -> Json:
        """Return ARM's form, without what is empty."""
        summary = [each.to_json() for each in self.virtual_machine.statuses_summary]
        return drop_empty(
            {
                "virtualMachine": drop_empty({"statusesSummary": summary}),
                "extensions": [each.to_json() for each in self.extensions],
                "statuses": [each.to_json() for each in self.statuses],
                "orchestrationServices": [each.to_json() for each in self.orchestration_services],
            }
        )


def _summary(body: Body) -> tuple[StatusCount, ...]:
    return tuple(map(StatusCount.from_body, body.children("statusesSummary")))
