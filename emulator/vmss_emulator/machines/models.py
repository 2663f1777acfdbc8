"""The body of a scale set: what of it matters, how bodies combine, what Azure never shows again.

Bodies are plain JSON objects in ARM's own shape. Nothing here changes a body in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]

WRITE_ONLY = frozenset({"adminPassword", "customData", "protectedSettings", "userData"})
# How Azure recognises the application health extension.
# Source: "Using Application Health extension with Virtual Machine Scale Sets" on learn.microsoft.com.
_HEALTH_PUBLISHER = "microsoft.managedservices"
_HEALTH_TYPES = frozenset({"applicationhealthlinux", "applicationhealthwindows"})


def merge(body: Body, patch: Mapping[str, Any]) -> Body:
    """Return the body after a PATCH: objects merge, everything else is replaced, null removes."""
    merged = dict(body)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def shown(body: Body) -> Body:
    """Return the body as Azure gives it back: without passwords and protected settings."""
    found: Body = _without(body, WRITE_ONLY)
    return found


def capacity(body: Body) -> int:
    """Return how many instances are asked for; of a set without a model none are."""
    return 0 if is_without_profile(body) else int(body["sku"]["capacity"])


def is_without_profile(body: Body) -> bool:
    """Return whether the set has no model of its VMs, which are then attached to it one by one."""
    return is_flexible(body) and not body.get("sku") and not profile(body)


def size(body: Body) -> str | None:
    """Return the size of the VMs."""
    found: str | None = (body["sku"] or {}).get("name")
    return found


def upgrade_mode(body: Body) -> str:
    """Return `manual`, `automatic` or `rolling`."""
    return str(body["properties"]["upgradePolicy"].get("mode", "Manual")).lower()


def is_flexible(body: Body) -> bool:
    """Return whether the set is Flexible: its instances are VMs of their own."""
    return bool(body["properties"]["orchestrationMode"] == "Flexible")


def overprovisions(body: Body) -> bool:
    """Return whether overprovisioning is on: extra instances are created until enough are up."""
    return bool(body["properties"].get("overprovision")) and not is_flexible(body)


def deletes_evicted(body: Body) -> bool:
    """Return whether evicted instances are deleted instead of deallocated."""
    return str(profile(body).get("evictionPolicy")).lower() == "delete"


def repairs_automatically(body: Body) -> bool:
    """Return whether automatic repairs are on: Azure replaces instances that are not healthy."""
    return bool((body["properties"].get("automaticRepairsPolicy") or {}).get("enabled"))


def upgrades_os(body: Body) -> bool:
    """Return whether automatic upgrades of the operating system are on."""
    policy = body["properties"]["upgradePolicy"].get("automaticOSUpgradePolicy") or {}
    return bool(policy.get("enableAutomaticOSUpgrade"))


def profile(body: Body) -> Body:
    """Return the model of a VM."""
    found: Body = body["properties"].get("virtualMachineProfile") or {}
    return found


def vm_model(body: Body) -> Body:
    """Return the parts of a model whose change requires an update of the instances."""
    return {"size": size(body), "profile": profile(body)}


def extensions(body: Body) -> list[Body]:
    """Return the extensions of the model, each {"name", "properties"}."""
    found: list[Body] = (profile(body).get("extensionProfile") or {}).get("extensions") or []
    return found


def with_extensions(body: Body, found: list[Body]) -> Body:
    """Return the body with other extensions in its model."""
    change = {"properties": {"virtualMachineProfile": {"extensionProfile": {"extensions": found}}}}
    return merge(body, change)


def suppressed(body: Body) -> set[str]:
    """Return the names of the extensions whose failures are not to fail anything else."""
    return {one["name"] for one in extensions(body) if (one.get("properties") or {}).get("suppressFailures") is True}


def reports_health(body: Body) -> bool:
    """Return whether application health is reported, by the instances or by somebody outside."""
    network = profile(body).get("networkProfile") or {}
    external = bool((body["properties"].get("externalHealthPolicy") or {}).get("enabled"))
    return external or bool(network.get("healthProbe")) or has_health_extension(body)


def has_health_extension(body: Body) -> bool:
    """Return whether the model has the application health extension."""
    return any(map(_is_health, extensions(body)))


def _is_health(extension: Body) -> bool:
    properties = extension.get("properties") or {}
    publisher, kind = str(properties.get("publisher")).lower(), str(properties.get("type")).lower()
    return publisher == _HEALTH_PUBLISHER and kind in _HEALTH_TYPES


def _without(value: object, keys: frozenset[str]) -> Any:  # noqa: ANN401 - JSON, whatever it is
    if isinstance(value, Mapping):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys}
    if isinstance(value, list):
        return [_without(item, keys) for item in value]
    return value
