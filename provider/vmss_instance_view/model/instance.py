"""One VM of a scale set: the resource, and what its own instance view says.

Source: REST "Virtual Machine Scale Set VMs - List" and "- Get Instance View", 2016-04-30-preview to 2026-04-01.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from vmss_instance_view.model.body import Body, Json, drop_empty
from vmss_instance_view.model.status import Status, in_group, named, state_of, worst

PROFILE_TAG = "VirtualMachineProfileTimeCreated"
"""The tag of a Flexible set's VM in which Azure keeps the time of the profile that it was made from."""

_COMPONENT = "ComponentStatus"  # the group of what an extension reports beside its state
_RUNNING = {"powerstate": "running", "healthstate": "healthy"}  # good states of groups; of others: succeeded


@dataclass(frozen=True, slots=True)
class ExtensionStatus:
    """An extension on one VM, with what the guest said (messages, and substatuses such as stdout and stderr)."""

    name: str | None
    statuses: tuple[Status, ...] = ()
    substatuses: tuple[Status, ...] = ()

    @classmethod
    def from_body(cls, body: Body) -> ExtensionStatus:
        """Parse one element of a VM's extensions."""
        return cls(body.text("name"), _statuses(body), _statuses(body, "substatuses"))

    def to_json(self) -> Json:
        """Return ARM's form."""
        return drop_empty(
            {
                "name": self.name,
                "statuses": [each.to_json() for each in self.statuses],
                "substatuses": [each.to_json() for each in self.substatuses],
            }
        )


@dataclass(frozen=True, slots=True)
class VirtualMachineInstanceView:
    """The instance view of one VM.

    vm_agent: what the guest agent reports of itself. vm_health: the application's health, None if no health
    extension or probe reported (yet): that is neither healthy nor unhealthy. in_standby_pool: the VM waits there and
    counts for nothing (Flexible); None if Azure did not say.
    """

    statuses: tuple[Status, ...] = ()
    extensions: tuple[ExtensionStatus, ...] = ()
    vm_agent: tuple[Status, ...] = ()
    vm_health: Status | None = None
    in_standby_pool: bool | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> VirtualMachineInstanceView:
        """Parse a VM's instance view as ARM sends it. Raises MalformedBody, naming the JSON path."""
        return cls.from_body(Body(body))

    @classmethod
    def from_body(cls, body: Body) -> VirtualMachineInstanceView:
        """Parse the same, at its place in a larger body."""
        health = Status.from_body(body.child("vmHealth").child("status"))
        return cls(
            _statuses(body),
            tuple(map(ExtensionStatus.from_body, body.children("extensions"))),
            _statuses(body.child("vmAgent")),
            health if health.code else None,  # a status without a code reports nothing
            body.flag("isVMInStandbyPool"),
        )

    def status(self, group: str) -> Status | None:
        """Return the status of a group such as "ProvisioningState" or "PowerState"; None if the view has none.

        Where the view has several of one group, the worst.
        """
        return worst(self.statuses_of(group), _RUNNING.get(group.lower(), "succeeded"))

    def statuses_of(self, group: str) -> tuple[Status, ...]:
        """Return all statuses of a group."""
        return tuple(status for status in self.statuses if in_group(status.code, group))

    def extension_statuses(self, name: str) -> tuple[Status, ...]:
        """Return all statuses of an extension, even if it is listed several times, without its components' output."""
        return tuple(
            status
            for each in named(self.extensions, name)
            for status in each.statuses
            if not in_group(status.code, _COMPONENT)
        )

    @property
    def skips_upgrades(self) -> bool:
        """Whether the application asks, by custom metrics of its health, to be left out of rolling upgrades."""
        return any(
            in_group(each.code, _COMPONENT) and state_of(each.code) == "custommetrics" and _says_skip(each.message)
            for extension in self.extensions
            for each in (*extension.substatuses, *extension.statuses)
        )

    def to_json(self) -> Json:
        """Return ARM's form."""
        return drop_empty(
            {
                "statuses": [each.to_json() for each in self.statuses],
                "extensions": [each.to_json() for each in self.extensions],
                "vmAgent": drop_empty({"statuses": [each.to_json() for each in self.vm_agent]}),
                "vmHealth": {"status": self.vm_health.to_json()} if self.vm_health else None,
                "isVMInStandbyPool": self.in_standby_pool,
            }
        )


@dataclass(frozen=True, slots=True)
class Instance:
    """One VM of a scale set.

    instance_id: "0", "7", …; a VM name in Flexible mode. id: the ARM id. view: None if no instance view was read.
    latest_model_applied: None if Azure did not say. profile_time_created: of the set's profile that a Flexible set's
    VM was made from, as Azure wrote it into the VM's tags. protected_from_scale_set_actions: upgrades leave it alone.
    """

    instance_id: str
    name: str | None = None
    vm_id: str | None = None
    provisioning_state: str | None = None
    latest_model_applied: bool | None = None
    zones: tuple[str, ...] = ()
    view: VirtualMachineInstanceView | None = None
    id: str | None = None
    time_created: str | None = None
    protected_from_scale_in: bool | None = None
    protected_from_scale_set_actions: bool | None = None
    profile_time_created: str | None = None

    @property
    def in_standby_pool(self) -> bool:
        """Whether its instance view says that it waits in a standby pool, where it counts for nothing (Flexible)."""
        return bool(self.view and self.view.in_standby_pool)

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> Instance:
        """Parse a VM of a scale set as ARM sends it. Raises MalformedBody, naming the JSON path."""
        return cls.from_body(Body(body))

    @classmethod
    def from_body(cls, body: Body) -> Instance:
        """Parse the same, at its place in a list."""
        properties = body.child("properties")
        view = properties.child("instanceView")
        protection = properties.child("protectionPolicy")
        return cls(
            body.text("instanceId") or body.text("name") or "",
            body.text("name"),
            properties.text("vmId"),
            properties.text("provisioningState"),
            properties.flag("latestModelApplied"),
            body.texts("zones"),
            VirtualMachineInstanceView.from_body(view) if properties.has("instanceView") else None,
            body.text("id"),
            properties.text("timeCreated"),
            protection.flag("protectFromScaleIn"),
            protection.flag("protectFromScaleSetActions"),
            body.child("tags").text_of_any_case(PROFILE_TAG),
        )

    def to_json(self) -> Json:
        """Return ARM's form."""
        protection = {
            "protectFromScaleIn": self.protected_from_scale_in,
            "protectFromScaleSetActions": self.protected_from_scale_set_actions,
        }
        properties = drop_empty(
            {
                "vmId": self.vm_id,
                "provisioningState": self.provisioning_state,
                "latestModelApplied": self.latest_model_applied,
                "protectionPolicy": drop_empty(protection),
                "timeCreated": self.time_created,
            }
        )
        if self.view is not None:
            properties["instanceView"] = self.view.to_json()
        return drop_empty(
            {
                "instanceId": self.instance_id,
                "name": self.name,
                "id": self.id,
                "zones": list(self.zones),
                "tags": drop_empty({PROFILE_TAG: self.profile_time_created}),
                "properties": properties,
            }
        )


def _says_skip(message: str | None) -> bool:
    try:
        metrics = json.loads(message or "")
    except (ValueError, RecursionError):  # the application may write anything there
        return False
    upgrade = metrics.get("rollingUpgrade") if isinstance(metrics, dict) else None
    skip = upgrade.get("SkipUpgrade") if isinstance(upgrade, dict) else None
    return skip is True or str(skip).lower() == "true"


def _statuses(body: Body, key: str = "statuses") -> tuple[Status, ...]:
    return tuple(map(Status.from_body, body.children(key)))
