"""What Azure shows of scale sets: the JSON bodies, in the shapes recorded from api-version 2025-04-01.

Pure: a body follows from the set, its life and the moment. Codes are grouped as Azure groups them; a summary counts
states without their details, as recorded ones do.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from vmss_emulator import models
from vmss_emulator.life import Change, Instance, Status, expected_extensions
from vmss_emulator.models import Body
from vmss_emulator.scale_sets import ScaleSet
from vmss_emulator.timeline import Life

_TYPE = "Microsoft.Compute/virtualMachineScaleSets"
# Where Azure's label is not the state's name.
_LABELS = {
    "succeeded": "Provisioning succeeded",
    "failed": "Provisioning failed",
    "healthy": "The VM is reporting itself as healthy",
    "unhealthy": "The VM is reporting itself as unhealthy or is unreachable",
}
_ERRORS = frozenset({"failed", "unhealthy"})


def stamp(moment: float) -> str:
    """A moment in Unix seconds as Azure writes it: with seven digits of a second, the last of which nobody measured."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")


def scale_set(found: ScaleSet, life: Life, now: float) -> Body:
    """The answer to `GET {set}`."""
    shown = models.shown(found.body)
    properties = dict(shown["properties"])
    properties["provisioningState"] = found.provisioning(life, now).state
    properties["uniqueId"] = found.unique_id
    properties["timeCreated"] = stamp(found.created)
    body = {"name": found.name, "id": found.id, "type": _TYPE}
    return {**body, **shown, "etag": found.etag, "properties": properties}


def instance_view(found: ScaleSet, life: Life, now: float) -> Body:
    """The answer to `GET {set}/instanceView`: counts by state, and nothing about power or health."""
    instances = found.instances(life, now)
    view: Body = {"virtualMachine": {"statusesSummary": _summary(instance.vm.word for instance in instances)}}
    names = expected_extensions(found.changes[-1])
    if names:
        view["extensions"] = [{"name": name, "statusesSummary": _extension_summary(name, instances)} for name in names]
    return {**view, "statuses": [_set_status(found, life, now)]}


def virtual_machine(found: ScaleSet, instance: Instance, now: float, *, expand: bool = False) -> Body:
    """One instance as the list and `GET {set}/virtualMachines/{id}` show it; `expand` adds its view."""
    model = models.shown(instance.model.body)
    properties = _vm_properties(found, instance, models.profile(model))
    if expand:
        properties["instanceView"] = virtual_machine_view(found, instance, now)
    body: Body = {
        "name": f"{found.name}_{instance.id}",
        "id": _vm_id(found, instance),
        "type": f"{_TYPE}/virtualMachines",
    }
    body |= {"location": model["location"], "instanceId": str(instance.id)}
    body |= {"sku": {key: value for key, value in model["sku"].items() if key != "capacity"}}
    if model.get("zones"):
        body["zones"] = [model["zones"][instance.id % len(model["zones"])]]
    return {**body, "properties": properties, "etag": f'"{instance.model.number}"'}


def virtual_machine_view(found: ScaleSet, instance: Instance, now: float) -> Body:
    """The answer to `GET {set}/virtualMachines/{id}/instanceView`."""
    view: Body = {
        "platformUpdateDomain": instance.id % 5,
        "platformFaultDomain": instance.id % 5,
        "computerName": _computer_name(instance),
        "vmAgent": _agent(instance, now),
    }
    if instance.extensions:
        view["extensions"] = [_extension(instance, name, status) for name, status in instance.extensions.items()]
    if instance.health is not None:
        view["vmHealth"] = {"status": _status("HealthState", instance.health)}
    power = _status("PowerState", instance.power, label=f"VM {instance.power.word}")
    return {**view, "statuses": [_status("ProvisioningState", instance.vm), power]}


def _vm_properties(found: ScaleSet, instance: Instance, profile: Body) -> Body:
    vm: Body = {"latestModelApplied": instance.latest, "modelDefinitionApplied": "VirtualMachineScaleSet"}
    vm["provisioningState"] = instance.vm.word.capitalize()
    vm["hardwareProfile"] = {"vmSize": instance.model.body["sku"].get("name")}
    vm["vmId"] = str(uuid.uuid5(uuid.UUID(found.unique_id), str(instance.id)))
    if "storageProfile" in profile:
        vm["storageProfile"] = profile["storageProfile"]
    if "osProfile" in profile:
        os_profile = {key: value for key, value in profile["osProfile"].items() if key != "computerNamePrefix"}
        vm["osProfile"] = {"computerName": _computer_name(instance), **os_profile}
    if "networkProfile" in profile:
        vm["networkProfileConfiguration"] = profile["networkProfile"]
    return {**vm, "timeCreated": stamp(instance.born)}


def _vm_id(found: ScaleSet, instance: Instance) -> str:
    return f"{found.id}/virtualMachines/{instance.id}"


def _computer_name(instance: Instance) -> str:
    prefix = (models.profile(instance.model.body).get("osProfile") or {}).get("computerNamePrefix", "vmss")
    return f"{prefix}{instance.id:06d}"


def _set_status(found: ScaleSet, life: Life, now: float) -> Body:
    last = found.provisioning(life, now)
    code, message = last.state.lower(), None
    if last.outcome is not None and last.outcome.code:
        code, message = f"failed/{last.outcome.code}", last.outcome.message
    return _status("ProvisioningState", Status(code, last.time, message))


def _summary(words: Iterable[str]) -> list[Body]:
    return [{"code": f"ProvisioningState/{word}", "count": count} for word, count in Counter(words).items()]


def _extension_summary(name: str, instances: list[Instance]) -> list[Body]:
    """An instance that does not report an extension of the model counts as creating it (recorded in 2017-03-30)."""
    missing = Status("creating", 0.0)
    return _summary(instance.extensions.get(name, missing).word for instance in instances)


def _extension(instance: Instance, name: str, status: Status) -> Body:
    properties = _extension_model(instance.model, name).get("properties") or {}
    return {
        "name": name,
        "type": f"{properties.get('publisher')}.{properties.get('type')}",
        "typeHandlerVersion": properties.get("typeHandlerVersion"),
        "statuses": [_status("ProvisioningState", status)],
    }


def _extension_model(change: Change, name: str) -> Body:
    return next(extension for extension in models.extensions(change.body) if extension["name"] == name)


def _agent(instance: Instance, now: float) -> Body:
    if instance.agent:
        said = "The guest agent is running and processes the extensions."
        status = _status("ProvisioningState", Status("succeeded", now, said), label="Ready")
        return {"vmAgentVersion": "2.13.1.1", "statuses": [status]}
    said = "The guest agent has not reported yet."
    status = _status("ProvisioningState", Status("Unavailable", now, said), label="Not Ready")
    return {"vmAgentVersion": "Unknown", "statuses": [{**status, "level": "Warning"}]}


def _status(group: str, status: Status, *, label: str | None = None) -> dict[str, Any]:
    body = {
        "code": f"{group}/{status.code}",
        "level": "Error" if status.word in _ERRORS else "Info",
        "displayStatus": label or _LABELS.get(status.word, status.word.capitalize()),
        "time": stamp(status.since),
    }
    if status.message:
        body["message"] = status.message
    if group == "PowerState":
        del body["time"]  # Azure gives none
    return body
