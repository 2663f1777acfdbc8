"""The routes of a scale set's extensions: resources of their own, and yet parts of the set's model.

Source: REST reference "Virtual Machine Scale Set Extensions".
"""

from __future__ import annotations

from vmss_emulator.azure.world import World
from vmss_emulator.machines import models
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.protocol import filters
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import method_not_allowed, resource_not_found
from vmss_emulator.protocol.json_shapes import check
from vmss_emulator.protocol.messages import Answer, Ask

_TYPE = "Microsoft.Compute/virtualMachineScaleSets/extensions"


class ExtensionRoutes:
    """Answers for `{set}/extensions` and each one in it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, ask: Ask, path: ArmPath) -> Answer:
        """Answer a request.

        Raises:
            ArmError: the answer is an error.
        """
        found = self._world.scale_set(path)
        match path.lower()[3:]:
            case ():
                ask.require_get()
                shown = (self._shown(found, one) for one in models.extensions(found.body))
                return Answer(200, {"value": filters.unfiltered(ask, shown)})
            case (_,):
                return self._one(ask, path, found)
        raise resource_not_found(path.kind, path.name, path.group or "", gateway=False)

    def _one(self, ask: Ask, path: ArmPath, found: ScaleSet) -> Answer:
        known = _named(found, path.parts[3])
        match ask.method:
            case "GET" if known is not None:
                return Answer(200, self._shown(found, known))
            case "PATCH" if known is not None:
                return self._put(ask, path, found, known.get("properties") or {})
            case "GET" | "PATCH":
                raise resource_not_found(path.kind, path.name, path.group or "", gateway=False)
            case "PUT":
                return self._put(ask, path, found, {})
            case "DELETE" if known is not None:
                others = [one for one in models.extensions(found.body) if one is not known]
                return Answer(202, None, self._change(found, others, ask, by_location=True))
            case "DELETE":
                return Answer(204)
        raise method_not_allowed(ask.method)

    def _put(self, ask: Ask, path: ArmPath, found: ScaleSet, before: models.Body) -> Answer:
        """Put an extension. before: the properties that what is asked joins, as in a PATCH."""
        known, extensions = _named(found, path.parts[3]), models.extensions(found.body)
        name = known["name"] if known else path.parts[3]
        asked = ask.json()
        check(asked, {"properties": {}})
        extension = {"name": name, "properties": models.merge(before, asked.get("properties") or {})}
        replaced = [extension if one is known else one for one in extensions]
        headers = self._change(found, replaced if known else [*extensions, extension], ask)
        return Answer(200 if known else 201, self._shown(found, extension), headers)

    def _change(
        self, found: ScaleSet, extensions: list[models.Body], ask: Ask, *, by_location: bool = False
    ) -> dict[str, str]:
        life, now = self._world.life(found), self._world.clock()
        attempt = found.put(models.with_extensions(found.model(life, now), extensions), life, now)
        return self._world.follow(found, attempt, ask.version, by_location=by_location)

    def _shown(self, found: ScaleSet, extension: models.Body) -> models.Body:
        body = models.shown(extension)
        state = found.provisioning(self._world.life(found), self._world.clock()).state
        properties = {**(body.get("properties") or {}), "provisioningState": state}
        return {**body, "id": f"{found.id}/extensions/{body['name']}", "type": _TYPE, "properties": properties}


def _named(found: ScaleSet, name: str) -> models.Body | None:
    return next((one for one in models.extensions(found.body) if one["name"].lower() == name.lower()), None)
