"""What a PUT makes of the body that a client sends: held against Azure's rules, and completed.

Nothing here changes a client's body, or the one before, in place.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from vmss_emulator.durations import parse_iso_duration
from vmss_emulator.machines.models import (
    WRITE_ONLY,
    Body,
    extensions,
    has_health_extension,
    is_flexible,
    is_without_profile,
    profile,
    repairs_automatically,
    reports_health,
    upgrade_mode,
    upgrades_os,
)
from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.protocol.json_shapes import check, require_location, require_same_location, without_nulls

_READ_ONLY = ("id", "name", "type", "etag", "systemData")
_READ_ONLY_PROPERTIES = ("provisioningState", "uniqueId", "timeCreated")
_PRINCIPAL = ("principalId", "tenantId")
_UNIFORM: Body = {
    "singlePlacementGroup": True,
    "orchestrationMode": "Uniform",
    "upgradePolicy": {"mode": "Manual"},
    "overprovision": True,
    "doNotRunExtensionsOnOverprovisionedVMs": False,
    "platformFaultDomainCount": 5,
}
_FLEXIBLE: Body = {
    "singlePlacementGroup": False,
    "orchestrationMode": "Flexible",
    "upgradePolicy": {"mode": "Manual"},
    "platformFaultDomainCount": 1,
    "constrainedMaximumCapacity": False,
}
_MODES = ("manual", "automatic", "rolling")
_INTERFACE = {"name": str, "properties": {"primary": bool, "ipConfigurations": [{"name": str, "properties": {}}]}}
# All that is looked into; the rest of a body is only given back.
_SHAPE = {
    "tags": {},
    "sku": {"name": str, "tier": str},
    "plan": {},
    "identity": {},
    "zones": [str],
    "properties": {
        "orchestrationMode": str,
        "overprovision": bool,
        "upgradePolicy": {
            "mode": str,
            "rollingUpgradePolicy": {},
            "automaticOSUpgradePolicy": {"enableAutomaticOSUpgrade": bool},
        },
        "automaticRepairsPolicy": {"enabled": bool},
        "externalHealthPolicy": {"enabled": bool},
        "virtualMachineProfile": {
            "evictionPolicy": str,
            "extensionProfile": {"extensions": [{"name": str, "properties": {"publisher": str, "type": str}}]},
            "networkProfile": {"healthProbe": {}, "networkInterfaceConfigurations": [_INTERFACE]},
            "osProfile": {"computerNamePrefix": str},
            "storageProfile": {},
        },
    },
}


def complete(asked: Mapping[str, Any], before: Body | None, *, whole: bool = False) -> Body:
    """Return what a PUT makes of the model: without what clients cannot set, with Azure's defaults.

    A PUT that does not mention a property leaves it as it was, as recorded of `az vmss scale`, which sends a location
    and a sku alone; nor does one without a secret, its extensions or the capacity take those away: so clients may read
    a set and put it back. Inside a property that is sent, the VM's model included, what is missing is gone.

    whole: the body is that of a PATCH already merged, in which what is missing was taken away.

    Raises:
        ArmError: 400 for a body that is no scale set; 409 for another mode or location.
    """
    check(asked, _SHAPE)
    body = _writable(asked)
    if before is not None:
        _keep(body, before, unmentioned=not whole)
    mode = _mode(body, before)
    defaults = copy.deepcopy(_FLEXIBLE if mode == "Flexible" else _UNIFORM)
    body["properties"] = {**defaults, **(body.get("properties") or {}), "orchestrationMode": mode}
    if is_without_profile(body):
        body["sku"] = body["properties"]["virtualMachineProfile"] = None
    _validate(body)
    require_same_location(body, before or {})
    return body


def _writable(asked: Mapping[str, Any]) -> Body:
    body: Body = without_nulls({key: value for key, value in asked.items() if key not in _READ_ONLY})
    if isinstance(body.get("identity"), dict):
        body["identity"] = identity = {key: item for key, item in body["identity"].items() if key not in _PRINCIPAL}
        if isinstance(identity.get("userAssignedIdentities"), dict):
            identity["userAssignedIdentities"] = {name: {} for name in identity["userAssignedIdentities"]}
    properties = body.get("properties")
    if isinstance(properties, dict):
        for key in _READ_ONLY_PROPERTIES:
            properties.pop(key, None)
        if isinstance(properties.get("virtualMachineProfile"), dict):
            properties["virtualMachineProfile"].pop("timeCreated", None)
    return body


def _mode(body: Body, before: Body | None) -> str:
    """Return the orchestration mode that is asked for, else the one there was, else Uniform; a set keeps its mode."""
    known = before["properties"]["orchestrationMode"] if before is not None else None
    asked = (body.get("properties") or {}).get("orchestrationMode") or known or "Uniform"
    mode = str(asked).capitalize()
    if mode not in ("Uniform", "Flexible"):
        raise _invalid("properties.orchestrationMode", f"{asked!r} is neither Uniform nor Flexible")
    if known not in (None, mode):
        message = "Changing property 'orchestrationMode' is not allowed."
        raise ArmError(409, "PropertyChangeNotAllowed", message, target="orchestrationMode")
    return mode


def _keep(body: Body, before: Body, *, unmentioned: bool) -> None:
    if unmentioned:
        for key in before:
            body.setdefault(key, copy.deepcopy(before[key]))
        body["properties"] = {**copy.deepcopy(before["properties"]), **body["properties"]}
    if "capacity" not in (body.get("sku") or {}):
        body["sku"] = {**(before["sku"] or {}), **(body.get("sku") or {})}
    properties = body.setdefault("properties", {})
    vm = properties["virtualMachineProfile"] = properties.get("virtualMachineProfile") or copy.deepcopy(profile(before))
    if "extensionProfile" in profile(before):
        vm.setdefault("extensionProfile", copy.deepcopy(profile(before)["extensionProfile"]))
    _keep_secrets(vm, profile(before))


def _keep_secrets(value: object, before: object) -> None:
    """Fill in what Azure never shows and a client can therefore not send again."""
    if isinstance(value, dict) and isinstance(before, dict):
        for key, old in before.items():
            if key in WRITE_ONLY:
                value.setdefault(key, old)
            elif key in value:
                _keep_secrets(value[key], old)
    elif isinstance(value, list) and isinstance(before, list):
        for item in value:
            same = (old for old in before if isinstance(old, dict) and old.get("name") == item.get("name"))
            _keep_secrets(item, next(same, None) if isinstance(item, dict) else None)


def _validate(body: Body) -> None:
    require_location(body)
    count = 0 if is_without_profile(body) else (body.get("sku") or {}).get("capacity")
    if isinstance(count, float) and count.is_integer():
        count = body["sku"]["capacity"] = int(count)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 1000:
        raise _invalid("sku.capacity", "the capacity must be a whole number of 0 to 1000")
    for extension in extensions(body):
        if not isinstance(extension.get("name"), str):
            raise _invalid("extensionProfile", "each extension needs a name")
    if upgrade_mode(body) not in _MODES:
        raise _invalid("properties.upgradePolicy.mode", "the mode must be Manual, Automatic or Rolling")
    _validate_policy(body["properties"]["upgradePolicy"].get("rollingUpgradePolicy") or {})
    _require_health(body)


def _require_health(body: Body) -> None:
    """Refuse what Azure does by the health of the VMs where nothing reports it."""
    flexible = is_flexible(body)
    if has_health_extension(body) or (reports_health(body) and not flexible):
        return
    more = "" if flexible else ", a healthProbe in its networkProfile, or an externalHealthPolicy"
    asked = {
        "upgradePolicy.mode Rolling": upgrade_mode(body) == "rolling",
        "upgradePolicy.automaticOSUpgradePolicy.enableAutomaticOSUpgrade": upgrades_os(body),
        "automaticRepairsPolicy.enabled": repairs_automatically(body),
    }
    for name, wanted in asked.items():
        if wanted:
            message = f"properties.{name} needs a source of health: a health extension in the model{more}."
            raise ArmError(400, "BadRequest", message)


def _validate_policy(policy: Body) -> None:
    for key, value in policy.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if key.endswith("Percent") and not (is_number and 0 <= value <= 100):
            raise _invalid(f"rollingUpgradePolicy.{key}", "a percentage of 0 to 100 is needed")
    try:
        parse_iso_duration(policy.get("pauseTimeBetweenBatches", "PT0S"))
    except ValueError as error:
        raise _invalid("rollingUpgradePolicy.pauseTimeBetweenBatches", str(error)) from None


def _invalid(target: str, message: str) -> ArmError:
    return ArmError(400, "InvalidParameter", f"{target}: {message}.", target=target)
