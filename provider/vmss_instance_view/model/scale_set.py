"""The scale set's model: what it is meant to be. The instance view says what it is.

Source: REST "Virtual Machine Scale Sets - Get", 2016-04-30-preview to 2026-04-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from vmss_instance_view.model.body import Body, Json, drop_empty
from vmss_instance_view.model.instance import Instance
from vmss_instance_view.model.status import parse_time

_HEALTH_PUBLISHER = "microsoft.managedservices"
_HEALTH_TYPES = ("applicationhealthlinux", "applicationhealthwindows")


@dataclass(frozen=True, slots=True)
class ExtensionProfile:
    """An extension that the model puts on every VM.

    interval, probes: of a health extension, in seconds and in equal answers that it takes to change its mind; None
        where the settings, which are of free form, do not say it readably.
    suppress_failures: its failure is not to fail the deployment. provision_after: extensions that come before it.
    """

    name: str | None
    publisher: str | None = None
    type: str | None = None
    interval: int | None = None
    probes: int | None = None
    suppress_failures: bool | None = None
    provision_after: tuple[str, ...] = ()

    @classmethod
    def from_body(cls, body: Body) -> ExtensionProfile:
        """Read an element of extensionProfile.extensions; its free-form settings only if it is a health extension."""
        properties = body.child("properties")
        profile = cls(
            body.text("name"),
            properties.text("publisher"),
            properties.text("type"),
            suppress_failures=properties.flag("suppressFailures"),
            provision_after=properties.texts("provisionAfterExtensions"),
        )
        if not profile.reports_health:
            return profile
        settings = properties.free_form("settings")
        interval, probes = settings.free_number("intervalInSeconds"), settings.free_number("numberOfProbes")
        return replace(profile, interval=interval, probes=probes)

    @property
    def reports_health(self) -> bool:
        """Whether this is the Application Health extension."""
        return (self.publisher or "").lower() == _HEALTH_PUBLISHER and (self.type or "").lower() in _HEALTH_TYPES

    def to_json(self) -> Json:
        """Return ARM's form, with what this class names."""
        settings = drop_empty({"intervalInSeconds": self.interval, "numberOfProbes": self.probes})
        properties = drop_empty(
            {
                "publisher": self.publisher,
                "type": self.type,
                "settings": settings,
                "suppressFailures": self.suppress_failures,
                "provisionAfterExtensions": list(self.provision_after),
            }
        )
        return drop_empty({"name": self.name, "properties": properties})


@dataclass(frozen=True, slots=True)
class ScaleSet:
    """A scale set's model.

    capacity: None if Azure did not say: never to be read as 0. orchestration_mode: None in bodies before 2020-12-01
    and then Uniform. unique_id: differs for a set that was recreated under its name. external_health: somebody outside
    reports the health of its VMs. has_profile: False for a Flexible set to which VMs are attached one by one.
    profile_time_created: when the profile got its present form. max_surge, os_upgrade_deferral, resilient_creation,
    resilient_deletion, zone_rebalancing, spot_restore, lifecycle_hooks: what Azure does with VMs of its own accord.
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
    external_health: bool | None = None
    has_profile: bool = True
    profile_time_created: str | None = None
    max_surge: bool | None = None
    os_upgrade_deferral: bool | None = None
    resilient_creation: bool | None = None
    resilient_deletion: bool | None = None
    zone_rebalancing: bool | None = None
    spot_restore: bool | None = None
    lifecycle_hooks: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> ScaleSet:
        """Parse a scale set as ARM sends it. Raises MalformedBody, naming the JSON path."""
        root = Body(body)
        properties = root.child("properties")
        profile = properties.child("virtualMachineProfile")
        upgrade = properties.child("upgradePolicy")
        resiliency = properties.child("resiliencyPolicy")
        return cls(
            id=root.text("id"),
            name=root.text("name"),
            location=root.text("location"),
            etag=root.text("etag"),
            unique_id=properties.text("uniqueId"),
            provisioning_state=properties.text("provisioningState"),
            capacity=root.child("sku").number("capacity"),
            orchestration_mode=properties.text("orchestrationMode"),
            upgrade_mode=upgrade.text("mode"),
            overprovision=properties.flag("overprovision"),
            zones=root.texts("zones"),
            extensions=tuple(map(ExtensionProfile.from_body, profile.child("extensionProfile").children("extensions"))),
            health_probe=profile.child("networkProfile").child("healthProbe").text("id"),
            time_created=properties.text("timeCreated"),
            priority=profile.text("priority"),
            automatic_repairs=properties.child("automaticRepairsPolicy").flag("enabled"),
            external_health=properties.child("externalHealthPolicy").flag("enabled"),
            has_profile=properties.has("virtualMachineProfile"),
            profile_time_created=profile.text("timeCreated"),
            max_surge=upgrade.child("rollingUpgradePolicy").flag("maxSurge"),
            os_upgrade_deferral=upgrade.child("automaticOSUpgradePolicy").flag("osRollingUpgradeDeferral"),
            resilient_creation=resiliency.child("resilientVMCreationPolicy").flag("enabled"),
            resilient_deletion=resiliency.child("resilientVMDeletionPolicy").flag("enabled"),
            zone_rebalancing=resiliency.child("automaticZoneRebalancingPolicy").flag("enabled"),
            spot_restore=properties.child("spotRestorePolicy").flag("enabled"),
            lifecycle_hooks=tuple(
                each.text("type") or "" for each in properties.child("lifecycleHooksProfile").children("lifecycleHooks")
            ),
        )

    @property
    def is_flexible(self) -> bool:
        """Whether the set says that its orchestration mode is Flexible."""
        return self.mode.lower() == "flexible"

    @property
    def mode(self) -> str:
        """The orchestration mode; Uniform where the model does not say."""
        return self.orchestration_mode or "Uniform"

    @property
    def is_manual(self) -> bool:
        """Whether the upgrade policy leaves it to people to bring VMs to the latest model."""
        return (self.upgrade_mode or "").lower() == "manual"

    @property
    def health_extension(self) -> ExtensionProfile | None:
        """The Application Health extension of the model, if it has one."""
        return next((extension for extension in self.extensions if extension.reports_health), None)

    @property
    def reports_health(self) -> bool:
        """Whether the model has a source of application health: the health extension, a probe, or somebody outside."""
        return self.health_extension is not None or self.health_probe is not None or bool(self.external_health)

    def runs_on(self, instance: Instance) -> bool | None:
        """Return whether an instance runs this model; None if Azure does not say.

        A Flexible set's VMs tell it by the time of the profile that they were made from, in whole seconds.
        """
        if not self.is_flexible:
            return instance.latest_model_applied
        made, ours = parse_time(instance.profile_time_created), parse_time(self.profile_time_created)
        if made is None or ours is None:
            return instance.latest_model_applied
        return made > ours - timedelta(seconds=1)

    def to_json(self) -> Json:
        """Return ARM's form, with what this class names."""
        profile = drop_empty(
            {
                "priority": self.priority,
                "extensionProfile": drop_empty({"extensions": [each.to_json() for each in self.extensions]}),
                "networkProfile": drop_empty({"healthProbe": drop_empty({"id": self.health_probe})}),
                "timeCreated": self.profile_time_created,
            }
        )
        upgrade = {
            "mode": self.upgrade_mode,
            "rollingUpgradePolicy": drop_empty({"maxSurge": self.max_surge}),
            "automaticOSUpgradePolicy": drop_empty({"osRollingUpgradeDeferral": self.os_upgrade_deferral}),
        }
        resiliency = {
            "resilientVMCreationPolicy": drop_empty({"enabled": self.resilient_creation}),
            "resilientVMDeletionPolicy": drop_empty({"enabled": self.resilient_deletion}),
            "automaticZoneRebalancingPolicy": drop_empty({"enabled": self.zone_rebalancing}),
        }
        properties = drop_empty(
            {
                "uniqueId": self.unique_id,
                "provisioningState": self.provisioning_state,
                "orchestrationMode": self.orchestration_mode,
                "upgradePolicy": drop_empty(upgrade),
                "overprovision": self.overprovision,
                "timeCreated": self.time_created,
                "automaticRepairsPolicy": drop_empty({"enabled": self.automatic_repairs}),
                "externalHealthPolicy": drop_empty({"enabled": self.external_health}),
                "resiliencyPolicy": drop_empty(resiliency),
                "spotRestorePolicy": drop_empty({"enabled": self.spot_restore}),
                "lifecycleHooksProfile": drop_empty(
                    {"lifecycleHooks": [{"type": each} for each in self.lifecycle_hooks]}
                ),
            }
        )
        if self.has_profile:
            properties["virtualMachineProfile"] = profile
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
