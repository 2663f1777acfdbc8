"""What Azure shows of one instance: as part of a Uniform set, as a VM of its own in a Flexible one, and its own view.

In the shapes recorded from api-version 2025-04-01. Pure: a body follows from the set, its instance and the moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from typing import TypeAlias

from vmss_emulator.machines import models
from vmss_emulator.machines.history import Change
from vmss_emulator.machines.looks import Instance, Status
from vmss_emulator.machines.models import Body
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.machines.statuses import status
from vmss_emulator.moments import stamp, tag_stamp

Show: TypeAlias = Callable[[Instance], Body]

_SET_VM = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
_VM = "Microsoft.Compute/virtualMachines"
_SIZE = "Standard_B1s"  # of a VM that no model describes
_PROFILE_TAG = "VirtualMachineProfileTimeCreated"  # since 2023-09-01
_FAULT_DOMAINS = 5
_PROTECTIONS = ("protectFromScaleIn", "protectFromScaleSetActions")


def uniform(found: ScaleSet, instance: Instance, view: Body | None = None) -> Body:
    """Return an instance as the list of a Uniform set and `GET {set}/virtualMachines/{id}` show it.

    view: as much of its instance view as was asked for.
    """
    model = models.shown(instance.model.body)
    applied = {"latestModelApplied": instance.latest, "modelDefinitionApplied": "VirtualMachineScaleSet"}
    properties = {**applied, **_properties(found, instance, models.profile(model))}
    network = models.profile(model).get("networkProfile")
    if network is not None:
        properties["networkProfileConfiguration"] = network
    if instance.protection:
        properties["protectionPolicy"] = {key: key in instance.protection for key in _PROTECTIONS}
    if view is not None:
        properties["instanceView"] = view
    body: Body = {
        "name": f"{found.name}_{instance.id}",
        "id": f"{found.id}/virtualMachines/{instance.id}",
        "type": _SET_VM,
        "instanceId": str(instance.id),
        "sku": {key: value for key, value in model["sku"].items() if key != "capacity"},
    }
    return {**body, **_place(instance, model), "properties": properties, "etag": f'"{instance.model.number}"'}


def member(found: ScaleSet, instance: Instance) -> Body:
    """Return an instance of a Flexible set as the set's own list shows it: its model and its view are not told here."""
    model = models.shown(instance.model.body)
    name = found.vm_name(instance.id)
    state = {"provisioningState": instance.vm.word.capitalize(), "virtualMachineResourceId": found.vm_id(instance.id)}
    body: Body = {"name": name, "id": f"{found.id}/virtualMachines/{name}", "type": _SET_VM, "instanceId": name}
    return {**body, **_place(instance, model), "properties": {**state, "timeCreated": stamp(instance.born)}}


def flexible(found: ScaleSet, instance: Instance, view: Body | None = None) -> Body:
    """Return an instance of a Flexible set as the VM that it is. view: as above."""
    model = models.shown(instance.model.body)
    profile = models.profile(model)
    properties = {**_properties(found, instance, profile), "virtualMachineScaleSet": {"id": found.id}}
    for key in ("priority", "evictionPolicy"):
        if key in profile:
            properties[key] = profile[key]
    if view is not None:
        properties["instanceView"] = view
    body: Body = {"name": found.vm_name(instance.id), "id": found.vm_id(instance.id), "type": _VM}
    if profile and instance.tagged:
        body["tags"] = {_PROFILE_TAG: tag_stamp(found.profile_time(instance.model))}
    return {**body, **_place(instance, model), "properties": properties, "etag": f'"{instance.model.number}"'}


def listed_view(found: ScaleSet, instance: Instance, now: float, carries: Collection[str]) -> Body:
    """As much of an instance's view as an expanded list carries.

    Of a Flexible set Azure's documentation promises fault domain, power and provisioning; the one list of a Uniform set
    that it ever published has both domains and the agent, too. carries: what else a list tells, of `extensions` (in
    Flexible mode with the agent that reports them), `health`, and `standby` (that a VM waits in the pool).
    """
    is_flexible = models.is_flexible(found.body)
    left_out = {"platformUpdateDomain"} if is_flexible else set()
    if "extensions" not in carries:
        left_out |= {"extensions", "computerName", *(["vmAgent"] if is_flexible else [])}
    if "health" not in carries:
        left_out |= {"vmHealth"}
    if "standby" not in carries:
        left_out |= {"isVMInStandbyPool"}
    return {key: value for key, value in own_view(instance, now).items() if key not in left_out}


def own_view(instance: Instance, now: float) -> Body:
    """Return the instance view of one instance, alike in both modes."""
    domain = abs(instance.id) % _FAULT_DOMAINS
    view: Body = {
        "platformUpdateDomain": domain,
        "platformFaultDomain": domain,
        "computerName": _computer_name(instance),
        "vmAgent": _agent(instance, now),
    }
    if instance.extensions:
        view["extensions"] = [_extension(instance, name, found) for name, found in instance.extensions.items()]
    if instance.health is not None:
        view["vmHealth"] = {"status": status("HealthState", instance.health)}
    if instance.standby:
        view["isVMInStandbyPool"] = True
    power = status("PowerState", instance.power, label=f"VM {instance.power.word}")
    return {**view, "statuses": [status("ProvisioningState", instance.vm), power]}


def _place(instance: Instance, model: Body) -> Body:
    zones = model.get("zones")
    return {"location": model["location"], **({"zones": [zones[abs(instance.id) % len(zones)]]} if zones else {})}


def _properties(found: ScaleSet, instance: Instance, profile: Body) -> Body:
    vm: Body = {"provisioningState": instance.vm.word.capitalize()}
    vm["hardwareProfile"] = {"vmSize": models.size(instance.model.body) or _SIZE}
    vm["vmId"] = str(uuid.uuid5(uuid.UUID(found.unique_id), str(instance.id)))
    if "storageProfile" in profile:
        vm["storageProfile"] = profile["storageProfile"]
    if "osProfile" in profile:
        os_profile = {key: value for key, value in profile["osProfile"].items() if key != "computerNamePrefix"}
        vm["osProfile"] = {"computerName": _computer_name(instance), **os_profile}
    return {**vm, "timeCreated": stamp(instance.born)}


def _computer_name(instance: Instance) -> str:
    prefix = (models.profile(instance.model.body).get("osProfile") or {}).get("computerNamePrefix", "vmss")
    return f"{prefix}{abs(instance.id):06d}"


def _extension(instance: Instance, name: str, found: Status) -> Body:
    properties = _extension_model(instance.model, name).get("properties") or {}
    return {
        "name": name,
        "type": f"{properties.get('publisher')}.{properties.get('type')}",
        "typeHandlerVersion": properties.get("typeHandlerVersion"),
        "statuses": [status("ProvisioningState", found)],
    }


def _extension_model(change: Change, name: str) -> Body:
    return next((extension for extension in models.extensions(change.body) if extension["name"] == name), {})


def _agent(instance: Instance, now: float) -> Body:
    if instance.agent:
        said = "The guest agent is running and processes the extensions."
        ready = status("ProvisioningState", Status("succeeded", now, said), label="Ready")
        return {"vmAgentVersion": "2.13.1.1", "statuses": [ready]}
    said = instance.silence or "The guest agent has not reported yet."
    silent = status("ProvisioningState", Status("Unavailable", now, said), label="Not Ready")
    return {"vmAgentVersion": "Unknown", "statuses": [{**silent, "level": "Warning"}]}


def interfaces(found: ScaleSet, instance: Instance) -> list[Body]:
    """The network interfaces of an instance of a Uniform set; the addresses are made up, each its own in the set."""
    profile = models.profile(models.shown(instance.model.body))
    own = f"{found.id}/virtualMachines/{instance.id}"
    cards = (profile.get("networkProfile") or {}).get("networkInterfaceConfigurations") or []
    return [
        {
            "name": card["name"],
            "id": f"{own}/networkInterfaces/{card['name']}",
            "etag": f'W/"{instance.model.number}"',
            "properties": {
                "provisioningState": "Succeeded",
                "primary": bool((card.get("properties") or {}).get("primary", len(cards) == 1)),
                "virtualMachine": {"id": own},
                "ipConfigurations": [
                    _ip_configuration(one, f"{own}/networkInterfaces/{card['name']}", instance.id)
                    for one in (card.get("properties") or {}).get("ipConfigurations") or []
                ],
            },
        }
        for card in cards
        if isinstance(card, dict) and card.get("name")
    ]


def _ip_configuration(asked: Body, card: str, index: int) -> Body:
    number = index + 4  # Azure keeps the first four addresses of a subnet
    address = {"privateIPAddress": f"10.0.{number >> 8 & 255}.{number & 255}", "privateIPAllocationMethod": "Dynamic"}
    given = {**(asked.get("properties") or {}), **address, "provisioningState": "Succeeded"}
    return {"name": asked.get("name"), "id": f"{card}/ipConfigurations/{asked.get('name')}", "properties": given}
