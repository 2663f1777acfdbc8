"""Resource groups, and every resource whose life the emulator does not tell: stored, shown, removed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vmss_emulator.machines.models import shown
from vmss_emulator.protocol import computed
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError, group_not_found, resource_not_found
from vmss_emulator.protocol.json_shapes import check, require_location, require_same_location, without_nulls

Body = dict[str, Any]

VNET = ("microsoft.network", "virtualnetworks")
_SHAPE = {"properties": {}, "tags": {}, "location": str, "identity": {}}
_SHAPES = {
    "microsoft.network/virtualnetworks": {**_SHAPE, "properties": {"subnets": [{"name": str, "properties": {}}]}},
    "microsoft.resources/tags": {**_SHAPE, "properties": {"tags": {}}},
}
_NAME = re.compile(r"[\w.-]{1,80}")
_GROUP_NAME = re.compile(r"[\w.()-]{0,89}[\w()-]")


@dataclass(slots=True)
class Resources:
    """All groups and resources of a subscription by their ids in lower case.

    Attributes:
        tenant_id: of the identities that resources have.
    """

    tenant_id: str = ""
    groups: dict[str, Body] = field(default_factory=dict)
    resources: dict[str, Body] = field(default_factory=dict)

    def put_group(self, path: ArmPath, asked: Mapping[str, Any]) -> bool:
        """Create or update a resource group. True if it is new.

        Raises:
            ArmError: 400 for a body of another shape, or a name that no group can have; 409 for another location.
        """
        new = path.id.lower() not in self.groups
        if new and not _GROUP_NAME.fullmatch(path.group or ""):
            message = "A resource group needs a name of up to 90 letters, digits, '_', '-', '.', '(' and ')'; "
            message += "the last is no '.'."
            raise ArmError(400, "InvalidResourceGroup", message, gateway=True)
        check(asked, _SHAPE)
        require_location(asked, gateway=True)
        known = {} if new else self.groups[path.id.lower()]
        require_same_location(asked, known, what="ResourceGroup")
        fixed = {"id": path.id, "name": path.group, "type": "Microsoft.Resources/resourceGroups"}
        self.groups[path.id.lower()] = {
            **fixed,
            **known,
            **_own(asked),
            "properties": {"provisioningState": "Succeeded"},
        }
        return new

    def group(self, path: ArmPath) -> Body:
        """Return the resource group that a path lies in.

        Raises:
            ArmError: 404 ResourceGroupNotFound.
        """
        found = self.groups.get(ArmPath(path.subscription, path.group).id.lower())
        if found is None:
            raise group_not_found(path.group or "")
        return found

    def delete_group(self, path: ArmPath) -> None:
        """Remove a group and all that is in it.

        Raises:
            ArmError: 404 ResourceGroupNotFound.
        """
        self.group(path)
        del self.groups[path.id.lower()]
        for key in [key for key in self.resources if key.startswith(path.id.lower() + "/")]:
            del self.resources[key]

    def put(self, path: ArmPath, asked: Mapping[str, Any]) -> bool:
        """Store a resource, and a network's subnets as resources of their own. True if it is new.

        Raises:
            ArmError: 400 for a body of another shape; 404 without the parent; 409 for another location.
        """
        check(asked, _SHAPES.get(path.kind.lower(), _SHAPE))
        self.require_parent(path.up(1))
        before = self.resources.get(path.id.lower())
        require_same_location(asked, before or {})
        properties = dict(without_nulls(asked.get("properties")) or {})
        if _is_vnet(path):
            self._put_subnets(path, properties.pop("subnets", None))
        self._store(path, {**_own(asked), "properties": {**properties, "provisioningState": "Succeeded"}}, before)
        return before is None

    def get(self, path: ArmPath) -> Body:
        """Return a resource as Azure shows it.

        Raises:
            ArmError: 404 ResourceNotFound.
        """
        body = self._shown(self.stored(path))
        if _is_vnet(path):
            subnets = list(self.below(f"{path.id}/subnets"))
            body = {**body, "properties": {**body["properties"], "subnets": subnets}}
        return body

    def stored(self, path: ArmPath) -> Body:
        """Return a resource as it was put, secrets included. That of the tags of something is always there.

        Raises:
            ArmError: 404 ResourceNotFound.
        """
        found = self.resources.get(path.id.lower())
        if found is None and path.kind.lower() == "microsoft.resources/tags":
            return {"id": path.id, "name": "default", "type": path.kind, "properties": {"tags": {}}}
        if found is None:
            raise resource_not_found(path.kind, path.name, path.group or "")
        return found

    def delete(self, path: ArmPath) -> bool:
        """Remove a resource and its children. False if there is none."""
        for key in [key for key in self.resources if key.startswith(path.id.lower() + "/")]:
            del self.resources[key]
        return self.resources.pop(path.id.lower(), None) is not None

    def below(self, collection: str) -> Iterator[Body]:
        """Yield the resources directly in a collection, such as `{vnet}/subnets`."""
        prefix = collection.lower() + "/"
        for key, body in self.resources.items():
            if key.startswith(prefix) and "/" not in key[len(prefix) :]:
                yield self._shown(body)

    def of_kind(self, kind: str) -> Iterator[Body]:
        """Return the resources of one full type in all groups."""
        return (self._shown(body) for body in self.resources.values() if body["type"].lower() == kind.lower())

    def _shown(self, body: Body) -> Body:
        return computed.complete(shown(body), self.tenant_id)

    def require_parent(self, collection: ArmPath) -> None:
        """Make sure that the resource is there which a collection lies below, such as the network of subnets.

        Raises:
            ArmError: 404.
        """
        parent = collection.up(3 if collection.lower()[-2:-1] == ("default",) else 1)  # blobServices/default always is
        if parent.parts and parent.id.lower() not in self.resources:
            message = (
                f"Can not perform requested operation on nested resource. Parent resource '{parent.name}' not found."
            )
            raise ArmError(404, "ParentResourceNotFound", message, gateway=True)

    def _put_subnets(self, vnet: ArmPath, subnets: list[Body] | None) -> None:
        """Subnets written into a network's body replace those there were; a body without them keeps them."""
        if subnets is None:
            return
        for subnet in subnets:
            if not _NAME.fullmatch(subnet.get("name") or ""):
                message = "Each subnet needs a name of up to 80 letters, digits, '_', '.' and '-'."
                raise ArmError(400, "InvalidResourceName", message, target="subnets")
        wanted = {f"{vnet.id}/subnets/{subnet.get('name')}": subnet for subnet in subnets}
        for subnet in list(self.below(f"{vnet.id}/subnets")):
            if subnet["id"].lower() not in map(str.lower, wanted):
                del self.resources[subnet["id"].lower()]
        for resource_id, subnet in wanted.items():
            path = ArmPath.parse(resource_id)
            if path is not None:
                properties = {**(subnet.get("properties") or {}), "provisioningState": "Succeeded"}
                self._store(path, {"properties": properties}, self.resources.get(path.id.lower()))

    def _store(self, path: ArmPath, own: Body, before: Body | None) -> None:
        fixed: Body = {"id": before["id"] if before else path.id, "name": path.parts[-1], "type": path.kind}
        if (path.provider or "").lower() == VNET[0]:  # the providers of other namespaces here send no etag
            same = before is not None and {**before, **own} == before
            fixed["etag"] = before["etag"] if before and same else f'W/"{uuid.uuid4()}"'
        self.resources[path.id.lower()] = {**fixed, **own}


def _is_vnet(path: ArmPath) -> bool:
    return ((path.provider or "").lower(), *path.lower()[::2]) == VNET


def _own(asked: Mapping[str, Any]) -> Body:
    return {key: value for key, value in asked.items() if key not in ("id", "name", "type", "etag", "properties")}
