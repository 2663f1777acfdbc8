"""The routes of Microsoft.Compute/virtualMachineScaleSets: the set itself, and who answers below it.

Source: REST reference "Virtual Machine Scale Sets"; statuses and headers as recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from vmss_emulator.azure.actions import ActionRoutes
from vmss_emulator.azure.extensions import ExtensionRoutes
from vmss_emulator.azure.virtual_machines import VirtualMachineRoutes
from vmss_emulator.azure.world import World
from vmss_emulator.machines import models, puts, views, vm_views
from vmss_emulator.machines.history import Outcome
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.protocol import cloud, computed, filters
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError, method_not_allowed, operation_not_allowed
from vmss_emulator.protocol.messages import Answer, Ask, require_etag

_NAME = re.compile(r"[^\W_][\w.-]{0,63}")  # Azure's "Naming rules and restrictions" forbid more still


class ScaleSetRoutes:
    """Answers for scale sets and all that lies below them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._virtual_machines = VirtualMachineRoutes(world)
        self._extensions = ExtensionRoutes(world)
        self._actions = ActionRoutes(world)

    def answer(self, ask: Ask, path: ArmPath) -> Answer:
        """Answer a request whose path begins with a scale set, or with their list.

        Raises:
            ArmError: the answer is an error.
        """
        match path.lower()[2:]:
            case () if len(path.parts) == 1:
                return self._list(ask, path)
            case ():
                return self._one(ask, path)
            case ("instanceview",):
                return self._instance_view(ask, path)
            case ("virtualmachines", *_):
                return self._virtual_machines.answer(ask, path)
            case ("networkinterfaces",):
                return self._interfaces(ask, path)
            case ("extensions", *_):
                return self._extensions.answer(ask, path)
        return self._actions.answer(ask, path)

    def _list(self, ask: Ask, path: ArmPath) -> Answer:
        ask.require_get()
        if path.group is not None:
            self._world.resources.group(path)
        prefix = path.prefix
        return self._told(ask, (one for key, one in self._world.scale_sets.items() if key.startswith(prefix)))

    def at(self, ask: Ask, place: str) -> Answer:
        """List the sets of a location."""
        ask.require_get()
        sets = self._world.scale_sets.values()
        return self._told(ask, (one for one in sets if cloud.location(one.body["location"]) == place))

    def _told(self, ask: Ask, found: Iterable[ScaleSet]) -> Answer:
        return Answer(200, {"value": [self._shown(one) for one in filters.unfiltered(ask, found)]})

    def _one(self, ask: Ask, path: ArmPath) -> Answer:
        match ask.method:
            case "GET":
                found = self._world.scale_set(path)
                return Answer(200, self._shown(found), {"ETag": found.etag})
            case "PUT":
                return self._put(ask, path)
            case "PATCH":
                found = self._world.scale_set(path)
                require_etag(ask, found.etag)
                attempt = found.patch(ask.json(), self._world.life(found), self._world.clock())
                return self._changed(found, ask, attempt)
            case "DELETE":
                return self._delete(ask, path)
        raise method_not_allowed(ask.method)

    def _put(self, ask: Ask, path: ArmPath) -> Answer:
        self._world.resources.group(path)
        found = self._world.scale_sets.get(path.id.lower())
        require_etag(ask, found.etag if found else None)
        if found is not None:
            attempt = found.put(ask.json(), self._world.life(found), self._world.clock())
            return self._changed(found, ask, attempt)
        found = self.create(path, ask.json())
        return Answer(201, self._shown(found), {"ETag": found.etag, **self._world.follow(found, 0, ask.version)})

    def create(self, path: ArmPath, asked: Mapping[str, Any]) -> ScaleSet:
        """Create a set; its resource group is known to exist.

        Raises:
            ArmError: 400 for a body that is no scale set, or a name that none can have.
        """
        if not _NAME.fullmatch(path.parts[1]):
            message = "A scale set needs a name of up to 64 letters, digits, '_', '.' and '-'; "
            message += "the first is a letter or a digit."
            raise ArmError(400, "InvalidResourceName", message)
        found = ScaleSet(path.id, puts.complete(asked, None), self._world.clock())
        self._world.scale_sets[path.id.lower()] = found
        self._world.names.append(found.name)
        return found

    def _changed(self, found: ScaleSet, ask: Ask, attempt: int) -> Answer:
        return Answer(200, self._shown(found), {"ETag": found.etag, **self._world.follow(found, attempt, ask.version)})

    def _delete(self, ask: Ask, path: ArmPath) -> Answer:
        self._world.resources.group(path)
        found = self._world.scale_sets.get(path.id.lower())
        if found is None:
            return Answer(204)
        require_etag(ask, found.etag)
        self._world.remove(found)
        self._world.resources.delete(path)  # what extended it, such as locks
        now = self._world.clock()
        operation = self._world.begin(lambda _: Outcome(now))
        return Answer(202, None, self._world.lead_to(operation, found, ask.version, by_location=True))

    def _instance_view(self, ask: Ask, path: ArmPath) -> Answer:
        ask.require_get()
        found = self._world.scale_set(path)
        if models.is_flexible(found.body):
            raise operation_not_allowed("VirtualMachineScaleSets.instanceView.GET", found.name)
        return Answer(200, views.instance_view(found, self._world.life(found), self._world.clock()))

    def _interfaces(self, ask: Ask, path: ArmPath) -> Answer:
        ask.require_get()
        found = self._world.scale_set(path)
        instances = found.instances(self._world.life(found), self._world.clock())
        cards = (card for one in instances for card in vm_views.interfaces(found, one))
        return Answer(200, {"value": filters.unfiltered(ask, cards)})

    def _shown(self, found: ScaleSet) -> models.Body:
        body = views.scale_set(found, self._world.life(found), self._world.clock())
        identity = computed.identity(body.get("identity"), found.id, self._world.tenant_id)
        return {**body, "identity": identity} if identity else body
