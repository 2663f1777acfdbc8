"""The scale set's model: what it is meant to be. The instance view says what it is.

Source: REST "Virtual Machine Scale Sets - Get", 2016-04-30-preview to 2026-04-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vmss_instance_view.model.body import Body, Json, drop_empty

_HEALTH_PUBLISHER = "microsoft.managedservices"
_HEALTH_TYPES = ("applicationhealthlinux", "applicationhealthwindows")


@dataclass(frozen=True, slots=True)
class ExtensionProfile:
    """An extension that the model puts on every VM.

    interval, probes: of a health extension, in seconds and in equal answers that it takes to change its mind.
    """

    name: str | None
    publisher: str | None = None
    type: str | None = None
    interval: int | None = None
    probes: int | None = None

    @classmethod
    def from_body(cls, body: Body) -> ExtensionProfile:
        """One element of extensionProfile.extensions. Settings are free-form: only a health extension's are read."""
        properties = body.child("properties")
        profile = cls(body.text("name"), properties.text("publisher"), properties.text("type"))
        if not profile.reports_health:
            return profile
        settings = properties.child("settings")
        return cls(
            profile.name,
            profile.publisher,
            profile.type,
            settings.number("intervalInSeconds"),
            settings.number("numberOfProbes"),
        )

    @property
    def reports_health(self) -> bool:
        """Whether this is the Application Health extension."""
        return (self.publisher or "").lower() == _HEALTH_PUBLISHER and (self.type or "").lower() in _HEALTH_TYPES

    def to_json(self) -> Json:
        """ARM's form, with what this class names."""
        settings = drop_empty({"intervalInSeconds": self.interval, "numberOfProbes": self.probes})
        properties = drop_empty({"publisher": self.publisher, "type": self.type, "settings": settings})
        return drop_empty({"name": self.name, "properties": properties})


@dataclass(frozen=True, slots=True)
class ScaleSet:
    """A scale set's model.

    capacity: None where Azure did not say: never to be read as 0. orchestration_mode: None in bodies before 2020-12-01
    and then Uniform. unique_id: differs for a set that was recreated under its name.
    """

    id: str | None = None
    name: str | None = None
    location: str | None = None
    etag: str | None = None
    unique_id: str | None = None
    provisioning_state: str | None = None
    capacity: int | None = None
    orchestration_mode: str | None = None
    upgrade_mode: str | None = None
    overprovision: bool | None = None
    zones: tuple[str, ...] = ()
    extensions: tuple[ExtensionProfile, ...] = ()
    health_probe: str | None = None
    time_created: str | None = None
    priority: str | None = None
    automatic_repairs: bool | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> ScaleSet:
        """Parse a scale set as ARM sends it. Raises MalformedBody, naming the JSON path."""
        root = Body(body)
        properties = root.child("properties")
        profile = properties.child("virtualMachineProfile")
        return cls(
            id=root.text("id"),
            name=root.text("name"),
            location=root.text("location"),
            etag=root.text("etag"),
            unique_id=properties.text("uniqueId"),
            provisioning_state=properties.text("provisioningState"),
            capacity=root.child("sku").number("capacity"),
            orchestration_mode=properties.text("orchestrationMode"),
            upgrade_mode=properties.child("upgradePolicy").text("mode"),
            overprovision=properties.flag("overprovision"),
            zones=root.texts("zones"),
            extensions=tuple(map(ExtensionProfile.from_body, profile.child("extensionProfile").children("extensions"))),
            health_probe=profile.child("networkProfile").child("healthProbe").text("id"),
            time_created=properties.text("timeCreated"),
            priority=profile.text("priority"),
            automatic_repairs=properties.child("automaticRepairsPolicy").flag("enabled"),
        )

    @property
    def is_flexible(self) -> bool:
        """Whether the set says that its orchestration mode is Flexible."""
        return (self.orchestration_mode or "").lower() == "flexible"

    @property
    def health_extension(self) -> ExtensionProfile | None:
        """The Application Health extension of the model, if it has one."""
        return next((extension for extension in self.extensions if extension.reports_health), None)

    @property
    def reports_health(self) -> bool:
        """Whether the model has a source of application health: the health extension or a load balancer's probe."""
        return self.health_extension is not None or self.health_probe is not None

    def to_json(self) -> Json:
        """ARM's form, with what this class names."""
        profile = drop_empty(
            {
                "priority": self.priority,
                "extensionProfile": drop_empty({"extensions": [each.to_json() for each in self.extensions]}),
                "networkProfile": drop_empty({"healthProbe": drop_empty({"id": self.health_probe})}),
            }
        )
        properties = drop_empty(
            {
                "uniqueId": self.unique_id,
                "provisioningState": self.provisioning_state,
                "orchestrationMode": self.orchestration_mode,
                "upgradePolicy": drop_empty({"mode": self.upgrade_mode}),
                "overprovision": self.overprovision,
                "timeCreated": self.time_created,
                "automaticRepairsPolicy": drop_empty({"enabled": self.automatic_repairs}),
                "virtualMachineProfile": profile,
            }
        )
        return drop_empty(
            {
                "id": self.id,
                "name": self.name,
                "location": self.location,
                "etag": self.etag,
                "sku": drop_empty({"capacity": self.capacity}),
                "zones": list(self.zones),
                "properties": properties,
            }
        )
