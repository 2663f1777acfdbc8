"""What Azure alone can tell of a resource, and programs feed onwards: ids, principals, addresses, endpoints.

The same resource always gets the same values: they are made of its id. Addresses are of 198.18.0.0/15, which is set
aside for tests (RFC 2544), and names end in `.invalid`: nobody answers there.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any

from vmss_emulator.protocol.cloud import SUFFIX, location

Body = dict[str, Any]

_ADDRESSES = IPv4Network("198.18.0.0/15")
_SERVICES = ("blob", "dfs", "file", "queue", "table", "web")


def identity(asked: Mapping[str, Any] | None, resource_id: str, tenant: str) -> Body | None:
    """Return the identity of a resource as Azure shows it: with the principals that were made for it."""
    if not asked:
        return None
    shown = {key: value for key, value in asked.items() if key not in ("principalId", "tenantId")}
    if "systemassigned" in str(asked.get("type")).lower():
        shown |= {"principalId": _uuid(resource_id, "principal"), "tenantId": tenant}
    assigned = asked.get("userAssignedIdentities")
    if isinstance(assigned, Mapping):
        shown["userAssignedIdentities"] = {one: _principal(str(one)) for one in assigned}
    return shown


def complete(body: Body, tenant: str) -> Body:
    """Return a resource with what Azure adds to what was asked for."""
    resource_id, kind = str(body["id"]), str(body["type"]).lower()
    own = body.get("properties") or {}
    more = _OF[kind](body, tenant) if kind in _OF else {}
    properties = {**own, **more}
    if kind.startswith("microsoft.network/"):
        properties = {key: _children(value, f"{resource_id}/{key}", body) for key, value in properties.items()}
    shown = {**body, "properties": properties} if own or more else dict(body)
    if body.get("identity"):
        shown["identity"] = identity(body["identity"], resource_id, tenant)
    return shown


def _children(value: Any, collection: str, owner: Body) -> Any:  # noqa: ANN401 - JSON
    """Named objects in a network's lists are resources by themselves: with an id, an etag and a state."""
    if not isinstance(value, list):
        return value
    return [
        {
            **item,
            "id": f"{collection}/{item['name']}",
            "etag": owner.get("etag"),
            "properties": {**item["properties"], "provisioningState": "Succeeded"},
        }
        if isinstance(item, dict) and item.get("name") and isinstance(item.get("properties"), dict) and "id" not in item
        else item
        for item in value
    ]


def _principal(resource_id: str) -> Body:
    return {"principalId": _uuid(resource_id, "principal"), "clientId": _uuid(resource_id, "client")}


def _managed_identity(body: Body, tenant: str) -> Body:
    return {**_principal(body["id"]), "tenantId": tenant}


def _address(body: Body, _: str) -> Body:
    """Azure gives an address at once where it is to stay, else with the first use: never here."""
    own = body["properties"]
    number = int.from_bytes(hashlib.sha256(body["id"].lower().encode()).digest()[:4], "big")
    more: Body = {}
    if str(own.get("publicIPAllocationMethod")).lower() == "static":
        more["ipAddress"] = str(_ADDRESSES[1 + number % (_ADDRESSES.num_addresses - 2)])
    dns = own.get("dnsSettings")
    if isinstance(dns, dict) and dns.get("domainNameLabel"):
        place = location(body.get("location", ""))
        more["dnsSettings"] = {**dns, "fqdn": f"{dns['domainNameLabel']}.{place}.cloudapp.{SUFFIX}"}
    return more


def _storage_account(body: Body, _: str) -> Body:
    endpoints = {service: f"https://{body['name']}.{service}.core.{SUFFIX}/" for service in _SERVICES}
    return {"primaryEndpoints": endpoints, "primaryLocation": body.get("location"), "statusOfPrimary": "available"}


def _component(body: Body, _: str) -> Body:
    key = _uuid(body["id"], "instrumentation")
    return {
        "InstrumentationKey": key,
        "ConnectionString": f"InstrumentationKey={key}",
        "AppId": _uuid(body["id"], "app"),
    }


_OF: dict[str, Callable[[Body, str], Body]] = {
    "microsoft.containerregistry/registries": lambda body, _: {
        "loginServer": f"{body['name'].lower()}.azurecr.{SUFFIX}"
    },
    "microsoft.insights/components": _component,
    "microsoft.keyvault/vaults": lambda body, _: {"vaultUri": f"https://{body['name']}.vault.{SUFFIX}/"},
    "microsoft.managedidentity/userassignedidentities": _managed_identity,
    "microsoft.network/publicipaddresses": _address,
    "microsoft.operationalinsights/workspaces": lambda body, _: {"customerId": _uuid(body["id"], "customer")},
    "microsoft.storage/storageaccounts": _storage_account,
    "microsoft.web/sites": lambda body, _: {"defaultHostName": f"{body['name']}.azurewebsites.{SUFFIX}"},
}


def _uuid(resource_id: str, purpose: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{resource_id.lower()}#{purpose}"))
