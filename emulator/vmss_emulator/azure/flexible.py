"""The routes of the VMs that a Flexible scale set consists of: they lie in the resource group, beside the set.

They can be read and acted on; all else that Azure does with them is refused as not emulated. VMs that clients PUT by
themselves are resources like any other, and listed after them. Source: REST reference "Virtual Machines"; the filter as
Microsoft's own clients write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from vmss_emulator.azure.actions import ActionRoutes
from vmss_emulator.azure.world import World
from vmss_emulator.machines import models, vm_views
from vmss_emulator.machines.looks import Instance
from vmss_emulator.machines.models import Body
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError, not_emulated
from vmss_emulator.protocol.messages import Answer, Ask
from vmss_emulator.protocol.pages import page

_FILTER = re.compile(r"\s*'virtualMachineScaleSet/id'\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
_COLLECTIONS = ("extensions", "runcommands")  # of resources below a VM


@dataclass(frozen=True, slots=True)
class _Vm:
    """A VM and the set that it belongs to."""

    owner: ScaleSet
    instance: Instance


class FlexibleRoutes:
    """Answers for `{group}/providers/Microsoft.Compute/virtualMachines` and each VM of a set in it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._actions = ActionRoutes(world)

    def answer(self, ask: Ask, path: ArmPath) -> Answer | None:
        """Answer a request; None if it is about a VM that belongs to no set.

        Raises:
            ArmError: the answer is an error.
        """
        if path.group is not None:
            self._world.resources.group(path)
        words = path.lower()[1:]
        if not words:
            return self._list(ask, path) if ask.method == "GET" else None
        vm = self._named(path, words[0])
        if vm is not None:
            return self._one(ask, vm, words[1:])
        if words[1:]:
            self._world.resources.get(path.up(len(words) - 1))
            if words[1] not in _COLLECTIONS:
                raise not_emulated(f"{words[1]} of a VM that belongs to no scale set")
        elif ask.method in ("PUT", "PATCH"):
            _refuse_to_attach(ask)
        return None

    def has(self, path: ArmPath) -> bool:
        """Return whether a path is that of a VM of a Flexible set, or lies below one."""
        kind, *words = path.lower()
        return kind == "virtualmachines" and bool(words) and self._named(path, words[0]) is not None

    def bodies(self, path: ArmPath) -> Iterator[Body]:
        """Yield the VMs of all Flexible sets in a group, or in the subscription, without their views."""
        return (self._shown(vm, expanded=False) for vm in self._all(path))

    def _one(self, ask: Ask, vm: _Vm, below: tuple[str, ...]) -> Answer:
        now = self._world.clock()
        match below:
            case () if ask.method == "GET":
                view = vm_views.own_view(vm.instance, now) if ask.expands_view else None
                body = vm_views.flexible(vm.owner, vm.instance, view)
                return Answer(200, body, {"ETag": body["etag"]})
            case ("instanceview",):
                ask.require_get()
                return Answer(200, vm_views.own_view(vm.instance, now))
        waits = vm.instance.standby
        if len(below) <= 1 and not waits:
            action = below[0] if below else None
            if answer := self._actions.on_instance(ask, vm.owner, vm.instance.id, action):
                return answer
        what = " ".join([ask.method, *below])
        raise not_emulated(f"{what} of a VM that {'waits in a standby pool' if waits else 'belongs to a scale set'}")

    def _list(self, ask: Ask, path: ArmPath) -> Answer:
        """List VMs; with their views, too, where a client asks for the status of all VMs of the subscription."""
        wanted = ask.query.get("$filter")
        if ask.expands_view and wanted is None:
            raise ArmError(400, "BadRequest", "The list of VMs takes $expand only together with $filter.")
        expanded = ask.expands_view or (path.group is None and ask.query.get("statusonly", "").lower() == "true")
        found: list[_Vm | Body] = [*self._filtered(path, wanted), *(self._others(path) if wanted is None else ())]
        show = partial(self._shown, expanded=expanded)
        return Answer(200, page(ask, self._world.url, self._world.page_size, found, show))

    def _filtered(self, path: ArmPath, wanted: str | None) -> list[_Vm]:
        if wanted is None:
            return list(self._all(path))
        match = _FILTER.fullmatch(wanted)
        if match is None:
            message = "The $filter must be: 'virtualMachineScaleSet/id' eq '{the id of a scale set}'."
            raise ArmError(400, "BadRequest", message, target="$filter")
        return [vm for vm in self._all(path) if vm.owner.id.lower() == match[1].lower()]

    def _all(self, path: ArmPath) -> Iterator[_Vm]:
        """Yield the VMs of all Flexible sets in a group, or in the subscription, those that wait in a pool last."""
        now = self._world.clock()
        for found in self._sets(path):
            life = self._world.life(found)
            for instance in (*found.instances(life, now), *found.standby(life, now)):
                yield _Vm(found, instance)

    def _named(self, path: ArmPath, name: str) -> _Vm | None:
        """Return the VM of a set by its name in lower case, without a look at all the others."""
        now = self._world.clock()
        for found in self._sets(path):
            if not name.startswith(found.name.lower() + "_"):
                continue
            life = self._world.life(found)
            for index in found.story(life, now).ids:
                if found.vm_name(index).lower() == name and (instance := found.story(life, now).instance(index)):
                    return _Vm(found, instance)
            for waiting in found.standby(life, now):
                if found.vm_name(waiting.id).lower() == name:
                    return _Vm(found, waiting)
        return None

    def _sets(self, path: ArmPath) -> Iterator[ScaleSet]:
        prefix = path.prefix
        for key, found in self._world.scale_sets.items():
            if key.startswith(prefix) and models.is_flexible(found.body):
                yield found

    def _others(self, path: ArmPath) -> Iterator[Body]:
        resources = self._world.resources
        return resources.of_kind(path.kind) if path.group is None else resources.below(path.id)

    def _shown(self, found: _Vm | Body, *, expanded: bool) -> Body:
        if not isinstance(found, _Vm):
            return found
        if not expanded:
            return vm_views.flexible(found.owner, found.instance)
        carries = self._world.carried(found.owner)
        view = vm_views.listed_view(found.owner, found.instance, self._world.clock(), carries)
        return vm_views.flexible(found.owner, found.instance, view)


def _refuse_to_attach(ask: Ask) -> None:
    """Refuse a body that makes a VM a member of a set: it would be stored, and missing among the set's VMs.

    Raises:
        ArmError: 501.
    """
    properties = ask.json().get("properties")
    if isinstance(properties, dict) and properties.get("virtualMachineScaleSet") is not None:
        raise not_emulated("attach a VM to a scale set; the timeline's key `attached` says how many VMs a set has")
