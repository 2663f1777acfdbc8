"""The routes of a scale set's instances below the set: all about them in Uniform mode, little in Flexible mode.

Source: REST reference "Virtual Machine Scale Set VMs"; the refusal of an id that is no number as recorded, those of
Flexible sets as users met them.
"""

from __future__ import annotations

from functools import partial

from vmss_emulator.azure.actions import ActionRoutes, refuse_not_emulated
from vmss_emulator.azure.world import World
from vmss_emulator.machines import models, vm_views
from vmss_emulator.machines.looks import Instance
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.protocol import filters
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError, not_emulated, operation_not_allowed, resource_not_found
from vmss_emulator.protocol.messages import Answer, Ask, require_etag
from vmss_emulator.protocol.pages import NUMBER, page


class VirtualMachineRoutes:
    """Answers for `{set}/virtualMachines` and what lies below."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._actions = ActionRoutes(world)

    def answer(self, ask: Ask, path: ArmPath) -> Answer:
        """Answer a request.

        Raises:
            ArmError: the answer is an error.
        """
        found = self._world.scale_set(path)
        if below := path.lower()[4:]:
            refuse_not_emulated(below[0])
        if ask.method != "GET" and (answer := self._change(ask, path, found)):
            return answer
        ask.require_get()
        if models.is_flexible(found.body):
            return self._flexible(ask, path, found)
        now, expand, carries = self._world.clock(), ask.expands_view, self._world.carried(found)
        match path.lower()[3:]:
            case () if expand:
                shown = partial(vm_views.listed_view, found, now=now, carries=carries)
                return self._list(ask, found, lambda one: vm_views.uniform(found, one, shown(one)))
            case ():
                return self._list(ask, found, lambda one: vm_views.uniform(found, one))
            case (_,):
                one = self._numbered(path, found)
                body = vm_views.uniform(found, one, vm_views.own_view(one, now) if expand else None)
                return Answer(200, body, {"ETag": body["etag"]})
            case (_, "instanceview"):
                return Answer(200, vm_views.own_view(self._numbered(path, found), now))
            case (_, "networkinterfaces"):
                cards = vm_views.interfaces(found, self._numbered(path, found))
                return Answer(200, {"value": filters.unfiltered(ask, cards)})
            case (_, "networkinterfaces", *_):
                raise not_emulated("single network interfaces of instances")
        raise resource_not_found(path.kind, path.name, path.group or "", gateway=False)

    def _change(self, ask: Ask, path: ArmPath, found: ScaleSet) -> Answer | None:
        """Do something to one instance; None if it is no such request."""
        words = path.lower()[3:]
        if not 1 <= len(words) <= 2:
            return None
        flexible = models.is_flexible(found.body)
        instance = self._named(path, found, words[0]) if flexible else self._numbered(path, found)
        if len(words) == 1 and not flexible:
            require_etag(ask, str(vm_views.uniform(found, instance)["etag"]))
        if ask.method == "PUT" and len(words) == 1 and not flexible:
            headers = self._actions.protect(ask, found, instance.id)
            body = vm_views.uniform(found, self._numbered(path, found))
            body["properties"]["provisioningState"] = "Updating"  # as recorded; here it has ended by the next look
            return Answer(200, body, {"ETag": body["etag"], **headers})
        return self._actions.on_instance(ask, found, instance.id, words[1] if len(words) == 2 else None)

    def _flexible(self, ask: Ask, path: ArmPath, found: ScaleSet) -> Answer:
        match path.lower()[3:]:
            case () if ask.expands_view:
                raise operation_not_allowed("VirtualMachineScaleSets.virtualMachines.GET", found.name, bad_request=True)
            case ():
                return self._list(ask, found, lambda one: vm_views.member(found, one))
            case (name,):
                return Answer(200, vm_views.member(found, self._named(path, found, name)))
            case (number, "instanceview"):
                _require_number(number)
                raise operation_not_allowed("VMScaleSetVMs.instanceView.GET", found.name)
        raise resource_not_found(path.kind, path.name, path.group or "", gateway=False)

    def _list(self, ask: Ask, found: ScaleSet, show: vm_views.Show) -> Answer:
        instances = found.instances(self._world.life(found), self._world.clock())
        chosen = [one for one in instances if _is_wanted(ask, one)]
        return Answer(200, page(ask, self._world.url, self._world.page_size, chosen, _narrowed(ask, show)))

    def _numbered(self, path: ArmPath, found: ScaleSet) -> Instance:
        _require_number(path.parts[3])
        return self._the(path, found, int(path.parts[3]))

    def _named(self, path: ArmPath, found: ScaleSet, name: str) -> Instance:
        ids = found.story(self._world.life(found), self._world.clock()).ids
        return self._the(path, found, next((one for one in ids if found.vm_name(one).lower() == name), -1))

    def _the(self, path: ArmPath, found: ScaleSet, index: int) -> Instance:
        instance = found.story(self._world.life(found), self._world.clock()).instance(index)
        if instance is None:
            own = path.up(len(path.parts) - 4)
            raise resource_not_found(own.kind, own.name, path.group or "", gateway=False)
        return instance


def _is_wanted(ask: Ask, instance: Instance) -> bool:
    """Return whether an instance matches the list's $filter. Azure documents three of them.

    Raises:
        ArmError: 400 for another one.
    """
    wanted = " ".join(ask.query.get("$filter", "").lower().split())
    match wanted:
        case "" | "startswith(instanceview/statuses/code, 'powerstate') eq true":
            return True  # each tells its power
        case "properties/latestmodelapplied eq true" | "properties/latestmodelapplied eq false":
            return instance.latest == wanted.endswith("true")
    raise ArmError(400, "InvalidParameter", f"The $filter {wanted[:100]!r} is not supported.", target="$filter")


def _narrowed(ask: Ask, show: vm_views.Show) -> vm_views.Show:
    """Show no more of the instances' views than $select asks for.

    Raises:
        ArmError: 400 for what cannot be selected.
    """
    wanted = ask.query.get("$select", "").lower()
    if wanted in ("", "instanceview"):
        return show
    if wanted != "instanceview/statuses":
        raise ArmError(400, "InvalidParameter", f"The $select {wanted[:100]!r} is not supported.", target="$select")

    def narrow(instance: Instance) -> models.Body:
        body = show(instance)
        view = body["properties"].get("instanceView")
        statuses = {"instanceView": {"statuses": view["statuses"]}} if view else {}
        return {**body, "properties": {**body["properties"], **statuses}}

    return narrow


def _require_number(instance_id: str) -> None:
    if not NUMBER.fullmatch(instance_id):
        raise ArmError(400, "InvalidParameter", "The instanceId must be a number.", target="instanceId")
