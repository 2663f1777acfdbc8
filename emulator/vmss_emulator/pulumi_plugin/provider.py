"""The provider: what the engine asks, answered from the table of kinds and from Azure.

Secrets arrive as plain values and the engine marks them again; inputs are compared by the engine itself, so that
`ignore_changes` and its detailed diff work as with any provider.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental import provider as pulumi
from pulumi.provider.experimental.property_value import PropertyValue

from vmss_emulator.pulumi_plugin import kinds, values
from vmss_emulator.pulumi_plugin.client import ArmClient, AzureError, Settings
from vmss_emulator.pulumi_plugin.kinds import Kind
from vmss_emulator.pulumi_plugin.values import UNKNOWN

_GROUP = "azure-native:resources:ResourceGroup"


class PartialFailureError(AzureError):
    """The resource exists, but its operation failed: the engine must remember it."""

    def __init__(self, reason: str, resource_id: str, properties: dict[str, Any]) -> None:
        super().__init__(reason)
        self.resource_id = resource_id
        self.properties = properties


class AzureNative(pulumi.Provider):
    """Creates, reads, updates and deletes through Azure Resource Manager."""

    def __init__(self) -> None:
        self._client: ArmClient | None = None

    async def configure(self, request: pulumi.ConfigureRequest) -> pulumi.ConfigureResponse:
        """Remember who asks; nothing is sent yet."""
        self._client = ArmClient(Settings.read(values.to_json(request.args)))
        return pulumi.ConfigureResponse(supports_preview=True)

    @property
    def client(self) -> ArmClient:
        """The client, once configured."""
        if self._client is None:
            raise AzureError("the provider is not configured")
        return self._client

    async def cancel(self) -> None:
        """End all waiting; the engine also says so when all is done."""
        if self._client is not None:
            self._client.cancel()

    async def diff_config(self, request: pulumi.DiffRequest) -> pulumi.DiffResponse:
        """Report that no setting requires a replacement."""
        return pulumi.DiffResponse(changes=False)

    async def check(self, request: pulumi.CheckRequest) -> pulumi.CheckResponse:
        """Name the resource, if the program does not; the name stays as long as the resource."""
        try:
            kind = kinds.find(request.type)
        except LookupError as error:
            return pulumi.CheckResponse(request.new_inputs, [pulumi.CheckFailure("", str(error))])
        inputs, given = dict(request.new_inputs), request.old_inputs
        if kind.own_name is not None and kind.own_name not in inputs:
            name = values.from_json({kind.own_name: _name(kind, request.name, request.random_seed)})
            inputs[kind.own_name] = given.get(kind.own_name) or name[kind.own_name]
        if kind.has_location and "location" not in inputs:
            told = given.get("location")
            inputs |= {"location": told} if told else values.from_json({"location": await self._location(kind, inputs)})
        inputs.setdefault("azureApiVersion", PropertyValue(kind.api_version))
        return pulumi.CheckResponse(inputs)

    async def diff(self, request: pulumi.DiffRequest) -> pulumi.DiffResponse:
        """Let the engine compare; say only which changes require a replacement."""
        kind = kinds.find(request.type)
        old, new = values.to_json(request.old_state), values.to_json(request.new_inputs)
        replaces = [key for key in (*kind.parameters, "location") if _another(old.get(key), new.get(key))]
        same_name = kind.own_name is None or old.get(kind.own_name) == new.get(kind.own_name)
        return pulumi.DiffResponse(replaces=replaces, delete_before_replace=bool(replaces) and same_name)

    async def create(self, request: pulumi.CreateRequest) -> pulumi.CreateResponse:
        """Create a resource that does not exist yet."""
        kind, inputs = kinds.find(request.type), values.to_json(request.properties)
        if request.preview:
            return pulumi.CreateResponse(properties=values.from_json(_foreseen(kind, inputs, {})))
        path = _path(kind, inputs)
        if kind.own_name is not None and await self.client.get(path, kind.api_version) is not None:
            raise AzureError(f"cannot create {path}: it exists already")
        outputs = await self._put(kind, path, inputs)
        return pulumi.CreateResponse(outputs["id"], values.from_json(outputs))

    async def update(self, request: pulumi.UpdateRequest) -> pulumi.UpdateResponse:
        """Send the whole resource again."""
        kind, inputs = kinds.find(request.type), values.to_json(request.news)
        if request.preview:
            old = values.to_json(request.olds)
            kept = [key for key in ("name", "location") if key in old]  # as azure-native has it
            stay: dict[str, Any] = {key: old[key] for key in kept}
            return pulumi.UpdateResponse(values.from_json(_foreseen(kind, inputs, stay)))
        outputs = await self._put(kind, _path(kind, inputs), inputs)
        return pulumi.UpdateResponse(values.from_json(outputs))

    async def read(self, request: pulumi.ReadRequest) -> pulumi.ReadResponse:
        """Return what Azure has now; nothing if it has none."""
        kind, inputs = kinds.find(request.type), values.to_json(request.inputs)
        parameters = {**_parameters(kind, request.resource_id), **inputs}
        found = await self.client.get(_path(kind, parameters), kind.api_version)
        if found is None:
            return pulumi.ReadResponse(resource_id="")
        outputs = _outputs(kind, parameters, found)
        if inputs:
            now = {**parameters, **_refreshed(inputs, values.to_json(request.properties), outputs)}
        else:
            now = {**_imported(kind, outputs), **parameters, "azureApiVersion": kind.api_version}
        return pulumi.ReadResponse(outputs["id"], values.from_json(outputs), values.from_json(now))

    async def delete(self, request: pulumi.DeleteRequest) -> None:
        """Remove a resource."""
        kind = kinds.find(request.type)
        await self.client.delete(_path(kind, values.to_json(request.properties)), kind.api_version)

    async def invoke(self, request: pulumi.InvokeRequest) -> pulumi.InvokeResponse:
        """Answer `getClientConfig`, and `get...` of the known kinds."""
        settings = self.client.settings
        if request.tok.endswith(":getClientConfig"):
            who = {"clientId": settings.client_id, "objectId": "", "tenantId": settings.tenant_id}
            return pulumi.InvokeResponse(values.from_json({**who, "subscriptionId": settings.subscription_id}))
        kind = kinds.find(request.tok.replace(":get", ":"))
        path = _path(kind, values.to_json(request.args))
        found = await self.client.get(path, kind.api_version)
        if found is None:
            raise AzureError(f"there is no {path}")
        return pulumi.InvokeResponse(values.from_json(kind.shape.to_sdk(found)))

    async def _location(self, kind: Kind, inputs: Mapping[str, PropertyValue]) -> str | None:
        """Where a resource goes that the program gives no place: the provider's location, else that of its group."""
        if self.client.settings.location is not None:
            return self.client.settings.location
        group = values.to_json(inputs).get("resourceGroupName")
        if group == UNKNOWN:
            return UNKNOWN
        if group is None or "resourceGroupName" not in kind.parameters:
            return None
        found = await self.client.get(f"resourceGroups/{group}", kinds.find(_GROUP).api_version)
        return (found or {}).get("location")

    async def _put(self, kind: Kind, path: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = kind.shape.to_arm({key: value for key, value in inputs.items() if key not in _not_sent(kind)})
        if isinstance(body.get("identity"), dict):
            body["identity"] = _identity(body["identity"])
        answer = await self.client.put(path, kind.api_version, body)
        try:
            await self.client.follow(answer)
        except AzureError as error:
            outputs = _outputs(kind, inputs, answer.json())
            raise PartialFailureError(str(error), outputs["id"], outputs) from error
        found = await self.client.get(path, kind.api_version)
        if found is None:
            raise AzureError(f"{path} is gone although it was just created")
        return _outputs(kind, inputs, found)


def _not_sent(kind: Kind) -> frozenset[str]:
    """Return the inputs that say where the body is sent, and in which version."""
    return frozenset({*kind.parameters, "azureApiVersion"})


def _identity(asked: dict[str, Any]) -> dict[str, Any]:
    """Turn the SDK's list of identity ids into the object that ARM wants, whose keys they are."""
    named = asked.get("userAssignedIdentities")
    return {**asked, "userAssignedIdentities": {one: {} for one in named}} if isinstance(named, list) else asked


def _name(kind: Kind, resource: str, seed: bytes) -> str:
    """Return the name that azure-native gives a resource without one."""
    if kind.has_uuid:
        return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))
    return resource if kind.is_child else resource + seed[:4].hex()


def _path(kind: Kind, inputs: Mapping[str, Any]) -> str:
    return kind.path.format_map({key: inputs.get(key, "") for key in kind.parameters})


def _parameters(kind: Kind, resource_id: str) -> dict[str, str]:
    """Return the parts of a path, read back from an id: all that is known of a resource that is imported."""
    pattern = re.sub(r"{(\w+)}", lambda name: f"(?P<{name[1]}>{'.+' if name.start() == 0 else '[^/]+'})", kind.path)
    found = re.fullmatch(f"(?:/subscriptions/[^/]+/)?{pattern}", resource_id, re.IGNORECASE)
    return found.groupdict() if found else {}


def _outputs(kind: Kind, inputs: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = kind.shape.to_sdk(body)
    return {**found, **{key: inputs[key] for key in kind.parameters}, "azureApiVersion": kind.api_version}


def _foreseen(kind: Kind, inputs: Mapping[str, Any], stay: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that a preview can promise: what Azure alone can tell is unknown, ids inside lists included."""
    known = {**inputs, **stay}
    rewritten = [key for key in known if key in kind.shape.inside and isinstance(known[key], list)]
    if isinstance(known.get("identity"), dict):
        known["identity"] = {"principalId": UNKNOWN, "tenantId": UNKNOWN, **known["identity"]}
        if "userAssignedIdentities" in known["identity"]:
            known["identity"]["userAssignedIdentities"] = UNKNOWN
    return {**known, **dict.fromkeys((*(kind.outputs - known.keys()), *rewritten), UNKNOWN)}


def _refreshed(inputs: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with what has changed in Azure since the last look; what Azure fills in is no change."""
    changed = [key for key in (*inputs, "tags") if key in new and old.get(key) != new[key]]
    return {**inputs, **{key: _drifted(inputs[key], new[key]) if key in inputs else new[key] for key in changed}}


def _imported(kind: Kind, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that would make a resource as Azure has it."""
    return {key: _writable(value) for key, value in outputs.items() if kind.settable(key)}


def _writable(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if not isinstance(value, dict):
        return value
    own = ("id", "etag", "type", "provisioningState") if "provisioningState" in value else ()
    return {key: _writable(item) for key, item in value.items() if key not in own}


def _another(old: object, new: object) -> bool:
    """Return whether a part of the id differs. Azure ignores the case of names and places, and spaces in places."""
    if old is None or new is None:
        return False
    return str(old).replace(" ", "").lower() != str(new).replace(" ", "").lower()


def _drifted(inputs: Any, found: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the inputs with the values that Azure has now; what it does not show, such as a password, is as it was."""
    if isinstance(inputs, dict) and isinstance(found, dict):
        return {key: _drifted(value, found[key]) if key in found else value for key, value in inputs.items()}
    if isinstance(inputs, list) and isinstance(found, list) and len(inputs) == len(found):
        return [_drifted(old, new) for old, new in zip(inputs, found, strict=True)]
    return inputs if not _another(inputs, found) and isinstance(found, str) else found
