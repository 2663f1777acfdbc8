"""The routes of a Uniform scale set's instances.

Source: REST reference "Virtual Machine Scale Set VMs"; the refusal of an id that is no number as recorded.
"""

from __future__ import annotations

from urllib.parse import urlencode

from vmss_emulator import models, views
from vmss_emulator.arm_path import ArmPath
from vmss_emulator.errors import ArmError, resource_not_found
from vmss_emulator.life import Instance
from vmss_emulator.messages import Answer, Ask
from vmss_emulator.world import World


class VirtualMachineRoutes:
    """Answers for `{set}/virtualMachines` and what lies below."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, ask: Ask, path: ArmPath) -> Answer:
        """Answer a request.

        Raises:
            ArmError: the answer is an error.
        """
        ask.require_get()
        found, now = self._world.scale_set(path), self._world.clock()
        expand = ask.query.get("$expand", "").lower() == "instanceview"
        match path.lower()[3:]:
            case ():
                return self._list(ask, path, expand=expand)
            case (_,):
                instance = self._instance(path)
                body = views.virtual_machine(found, instance, now, expand=expand)
                return Answer(200, body, {"ETag": body["etag"]})
            case (_, "instanceview"):
                return Answer(200, views.virtual_machine_view(found, self._instance(path), now))
        raise resource_not_found(path.kind, path.name, path.group or "")

    def _list(self, ask: Ask, path: ArmPath, *, expand: bool) -> Answer:
        found, now = self._world.scale_set(path), self._world.clock()
        instances = found.instances(self._world.life(found), now)
        begin = _skipped(ask)
        end = begin + self._world.page_size
        page = [views.virtual_machine(found, one, now, expand=expand) for one in instances[begin:end]]
        body: models.Body = {"value": page}
        if end < len(instances):
            query = {**ask.query, "$skiptoken": str(end)}
            body["nextLink"] = f"{self._world.url}{ask.path}?{urlencode(query)}"
        return Answer(200, body)

    def _instance(self, path: ArmPath) -> Instance:
        found, wanted = self._world.scale_set(path), path.parts[3]
        if not wanted.isdecimal():
            raise ArmError(400, "InvalidParameter", "The instanceId must be a number.", target="instanceId")
        for instance in found.instances(self._world.life(found), self._world.clock()):
            if instance.id == int(wanted):
                return instance
        own = path.up(len(path.parts) - 4)
        raise resource_not_found(own.kind, own.name, path.group or "")


def _skipped(ask: Ask) -> int:
    token = ask.query.get("$skiptoken", "0")
    if not token.isdecimal():
        raise ArmError(400, "InvalidParameter", "The $skiptoken is none of this service.", target="$skiptoken")
    return int(token)
