"""What stands around the resources: the tenant, the subscription's places and providers, and lists of all there is.

Tools ask for these before they do anything: which places there are, which provider answers in which version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vmss_emulator.azure.flexible import FlexibleRoutes
from vmss_emulator.azure.world import World
from vmss_emulator.protocol import computed, filters
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.protocol.messages import Answer, Ask

_LOCATIONS = {
    "eastus": "East US",
    "eastus2": "East US 2",
    "northeurope": "North Europe",
    "swedencentral": "Sweden Central",
    "uksouth": "UK South",
    "westeurope": "West Europe",
    "westus2": "West US 2",
}
_VERSIONS = {
    "Microsoft.Compute": "2024-11-01",
    "Microsoft.Insights": "2022-10-01",
    "Microsoft.Network": "2024-05-01",
    "Microsoft.Resources": "2024-03-01",
    "Microsoft.Storage": "2024-01-01",
    "Microsoft.Authorization": "2022-04-01",
    "Microsoft.ManagedIdentity": "2023-01-31",
    "Microsoft.KeyVault": "2024-11-01",
    "Microsoft.OperationalInsights": "2023-09-01",
}
_TYPES = {
    "Microsoft.Authorization": ("roleAssignments", "roleDefinitions", "locks"),
    "Microsoft.Compute": (
        "virtualMachineScaleSets",
        "virtualMachineScaleSets/extensions",
        "virtualMachineScaleSets/virtualMachines",
        "virtualMachines",
        "disks",
        "images",
    ),
    "Microsoft.Insights": ("autoscalesettings", "actionGroups", "diagnosticSettings", "components"),
    "Microsoft.KeyVault": ("vaults",),
    "Microsoft.ManagedIdentity": ("userAssignedIdentities",),
    "Microsoft.Network": (
        "virtualNetworks",
        "virtualNetworks/subnets",
        "loadBalancers",
        "publicIPAddresses",
        "networkSecurityGroups",
        "natGateways",
        "networkInterfaces",
    ),
    "Microsoft.OperationalInsights": ("workspaces",),
    "Microsoft.Resources": ("resourceGroups", "deployments", "tags"),
    "Microsoft.Storage": ("storageAccounts",),
}


class TenantRoutes:
    """Answers for `/tenants`, `/providers`, and for what a subscription or group says about itself."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._flexible = FlexibleRoutes(world)

    def above(self, ask: Ask) -> Answer:
        """Answer a path that begins with no subscription.

        Raises:
            ArmError: 404.
        """
        match tuple(word.lower() for word in ask.path.split("/") if word):
            case ("tenants",):
                ask.require_get()
                return Answer(200, {"value": filters.unfiltered(ask, [self._tenant()])})
            case ("providers",):
                ask.require_get()
                return self._providers(ask, None)
            case ("providers", namespace):
                ask.require_get()
                return Answer(200, self._provider(namespace, None))
        raise ArmError(404, "NotFound", f"There is nothing at '{ask.path}'.", gateway=True)

    def below(self, ask: Ask, path: ArmPath) -> Answer | None:
        """Answer a path right below a subscription or group; None: it is about something else."""
        if path.provider is not None:
            match path.lower():
                case ():
                    ask.require_get()
                    return Answer(200, self._provider(path.provider, path.subscription))
                case ("register",) | ("unregister",) if ask.method == "POST":
                    return Answer(200, self._provider(path.provider, path.subscription))
            return None
        match path.lower():
            case ("locations",):
                ask.require_get()
                found = (self._location(*one) for one in _LOCATIONS.items())
                return Answer(200, {"value": filters.unfiltered(ask, found)})
            case ("providers",):
                ask.require_get()
                return self._providers(ask, path.subscription)
            case ("resources",):
                ask.require_get()
                if path.group is not None:
                    self._world.resources.group(path)
                return Answer(200, {"value": list(self._resources(ask, path))})
        return None

    def _tenant(self) -> dict[str, Any]:
        tenant = self._world.tenant_id
        return {"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": "Emulated", "tenantCategory": "Home"}

    def _location(self, name: str, display_name: str) -> dict[str, Any]:
        return {
            "id": f"/subscriptions/{self._world.subscription_id}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": display_name,
            "regionalDisplayName": display_name,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }

    def _namespaces(self) -> list[str]:
        stored = {str(body["type"]).partition("/")[0] for body in self._world.resources.resources.values()}
        lower = {name.lower() for name in _VERSIONS}
        return sorted([*_VERSIONS, *(name for name in stored if name.lower() not in lower)])

    def _providers(self, ask: Ask, subscription: str | None) -> Answer:
        found = (self._provider(name, subscription) for name in self._namespaces())
        return Answer(200, {"value": filters.unfiltered(ask, found)})

    def _provider(self, namespace: str, subscription: str | None) -> dict[str, Any]:
        """Return a provider and its types: those of a usual program, and those of the resources that there are."""
        name = next((one for one in _VERSIONS if one.lower() == namespace.lower()), namespace)
        stored = [str(body["type"]).split("/", 1) for body in self._world.resources.resources.values()]
        types = [*_TYPES.get(name, ()), *(kind for own, kind in stored if own.lower() == name.lower())]
        version = _VERSIONS.get(name, "2024-01-01")
        where = list(_LOCATIONS.values())
        shown = [{"resourceType": kind, "locations": where, "apiVersions": [version]} for kind in dict.fromkeys(types)]
        prefix = f"/subscriptions/{subscription}" if subscription else ""
        return {
            "id": f"{prefix}/providers/{name}",
            "namespace": name,
            "registrationPolicy": "RegistrationRequired",
            "registrationState": "Registered",
            "resourceTypes": shown,
        }

    def _resources(self, ask: Ask, path: ArmPath) -> Iterator[dict[str, Any]]:
        """Yield the resources of a group or of all groups, as short as Azure tells of them; children are not listed."""
        world, prefix = self._world, path.prefix
        wanted = filters.wanted_type(ask)
        sets = [(key, self._scale_set(key)) for key in world.scale_sets]
        vms = [(str(body["id"]).lower(), body) for body in self._flexible.bodies(path)]
        for key, body in (*sets, *vms, *world.resources.resources.items()):
            top = len(str(body["type"]).split("/")) == 2 and key.count("/providers/") == 1
            if key.startswith(prefix) and top and wanted in (None, str(body["type"]).lower()):
                yield {name: value for name, value in body.items() if name not in ("properties", "etag")}

    def _scale_set(self, key: str) -> dict[str, Any]:
        found = self._world.scale_sets[key]
        body = found.model(self._world.life(found), self._world.clock())
        shown = {name: body[name] for name in ("location", "tags", "sku", "zones") if body.get(name)}
        identity = computed.identity(body.get("identity"), found.id, self._world.tenant_id)
        more = {"identity": identity} if identity else {}
        return {"id": found.id, "name": found.name, "type": "Microsoft.Compute/virtualMachineScaleSets"} | shown | more
