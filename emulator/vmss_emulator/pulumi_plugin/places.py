"""Where a resource of azure-native lies in Azure Resource Manager: what the SDK does not tell.

Most paths follow from the names: `network:RouteTable` is `Microsoft.Network/routeTables/{routeTableName}`, and what has
the name of a parent among its inputs lies below it. The tables hold what does not.
"""

from __future__ import annotations

import re

from vmss_emulator.pulumi_plugin import sdk
from vmss_emulator.pulumi_plugin.sdk import Described

# Modules whose namespace is another word, or written with other capitals.
_NAMESPACES = {
    "apimanagement": "Microsoft.ApiManagement",
    "appconfiguration": "Microsoft.AppConfiguration",
    "applicationinsights": "Microsoft.Insights",
    "alertsmanagement": "Microsoft.AlertsManagement",
    "azurefleet": "Microsoft.AzureFleet",
    "cognitiveservices": "Microsoft.CognitiveServices",
    "computeschedule": "Microsoft.ComputeSchedule",
    "containerinstance": "Microsoft.ContainerInstance",
    "containerregistry": "Microsoft.ContainerRegistry",
    "containerservice": "Microsoft.ContainerService",
    "cosmosdb": "Microsoft.DocumentDB",
    "dbformysql": "Microsoft.DBforMySQL",
    "dbforpostgresql": "Microsoft.DBforPostgreSQL",
    "desktopvirtualization": "Microsoft.DesktopVirtualization",
    "dns": "Microsoft.Network",
    "eventgrid": "Microsoft.EventGrid",
    "eventhub": "Microsoft.EventHub",
    "frontdoor": "Microsoft.Network",
    "iothub": "Microsoft.Devices",
    "keyvault": "Microsoft.KeyVault",
    "machinelearningservices": "Microsoft.MachineLearningServices",
    "managedidentity": "Microsoft.ManagedIdentity",
    "monitor": "Microsoft.Insights",
    "netapp": "Microsoft.NetApp",
    "notificationhubs": "Microsoft.NotificationHubs",
    "operationalinsights": "Microsoft.OperationalInsights",
    "operationsmanagement": "Microsoft.OperationsManagement",
    "privatedns": "Microsoft.Network",
    "recoveryservices": "Microsoft.RecoveryServices",
    "redis": "Microsoft.Cache",
    "redisenterprise": "Microsoft.Cache",
    "resourcehealth": "Microsoft.ResourceHealth",
    "securityinsights": "Microsoft.SecurityInsights",
    "servicebus": "Microsoft.ServiceBus",
    "servicefabric": "Microsoft.ServiceFabric",
    "signalrservice": "Microsoft.SignalRService",
    "standbypool": "Microsoft.StandbyPool",
    "streamanalytics": "Microsoft.StreamAnalytics",
    "trafficmanager": "Microsoft.Network",
    "virtualmachineimages": "Microsoft.VirtualMachineImages",
    "webpubsub": "Microsoft.SignalRService",
}

# Types whose collection has another word than the type, after that of the parent; what is missing follows the rule.
_COLLECTIONS = {
    "apimanagement:ApiManagementService": "service",
    "compute:DedicatedHost": "hosts",
    "compute:DedicatedHostGroup": "hostGroups",
    "compute:GalleryImage": "images",
    "compute:GalleryImageVersion": "versions",
    "compute:VirtualMachineExtension": "extensions",
    "compute:VirtualMachineScaleSetExtension": "extensions",
    "cdn:AFDCustomDomain": "customDomains",
    "cdn:AFDEndpoint": "afdEndpoints",
    "cdn:AFDOrigin": "origins",
    "cdn:AFDOriginGroup": "originGroups",
    "cosmosdb:MongoDBResourceMongoDBDatabase": "mongodbDatabases",
    "cosmosdb:SqlResourceSqlContainer": "containers",
    "cosmosdb:SqlResourceSqlDatabase": "sqlDatabases",
    "dbformysql:Server": "flexibleServers",
    "dbforpostgresql:Server": "flexibleServers",
    "dns:Zone": "dnsZones",
    "iothub:IotHubResource": "iotHubs",
    "network:LoadBalancerBackendAddressPool": "backendAddressPools",
    "network:VirtualNetworkGatewayConnection": "connections",
    "network:WebApplicationFirewallPolicy": "ApplicationGatewayWebApplicationFirewallPolicies",
    "operationsmanagement:Solution": "solutions",
    "privatedns:PrivateZone": "privateDnsZones",
    "redis:Redis": "redis",
    "signalrservice:SignalR": "signalR",
    "storage:BlobContainer": "blobServices/default/containers",
    "storage:FileShare": "fileServices/default/shares",
    "storage:Queue": "queueServices/default/queues",
    "storage:Table": "tableServices/default/tables",
    "web:AppServiceEnvironment": "hostingEnvironments",
    "web:AppServicePlan": "serverfarms",
    "web:WebApp": "sites",
    "web:WebAppSlot": "slots",
}

# Paths in which names stand otherwise than in all others.
_PATHS = {
    "authorization:ManagementLockAtResourceGroupLevel": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.Authorization/locks/{lockName}"
    ),
    "authorization:ManagementLockAtSubscriptionLevel": "providers/Microsoft.Authorization/locks/{lockName}",
    "authorization:ManagementLockByScope": "{scope}/providers/Microsoft.Authorization/locks/{lockName}",
    "containerservice:AgentPool": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.ContainerService/managedClusters/{resourceName}"
        "/agentPools/{agentPoolName}"
    ),
    "dns:RecordSet": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/dnsZones/{zoneName}/{recordType}"
        "/{relativeRecordSetName}"
    ),
    "managedidentity:FederatedIdentityCredential": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
        "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}"
    ),
    "privatedns:PrivateRecordSet": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/privateDnsZones/{privateZoneName}/{recordType}"
        "/{relativeRecordSetName}"
    ),
    "resources:ResourceGroup": "resourceGroups/{resourceGroupName}",
    "resources:TagAtScope": "{scope}/providers/Microsoft.Resources/tags/default",
}


class PlaceError(LookupError):
    """Nobody tells where a resource of this type lies."""


def path(found: Described) -> str:
    """Return the path of a type below the subscription, or from its scope on; names in braces are inputs.

    Raises:
        PlaceError: it does not follow from what the SDK tells.
    """
    known = _PATHS.get(f"{found.module}:{found.name}")
    if known is not None:
        return known
    if found.own is None:
        raise PlaceError("which of its inputs is its name")
    if found.scope is not None:
        begin = "{" + found.scope + "}/"
    else:
        begin = "resourceGroups/{resourceGroupName}/" if found.in_group else ""
    namespace = _NAMESPACES.get(found.module, f"Microsoft.{found.module.capitalize()}")
    parents = "".join(f"{collection}/{{{name}}}/" for collection, name in _line(found))
    return f"{begin}providers/{namespace}/{parents}{_collection(found)}/{{{found.own}}}"


def _line(found: Described) -> list[tuple[str, str]]:
    """Return the collections and names of what a type lies below, the highest first."""
    line, left = [], set(found.parents)
    while left:
        beyond = set(found.parents) - left
        near = [(one, name) for name in sorted(left) if (one := _parent(found, name)) and one.parents <= beyond]
        one, name = near[0] if near else (None, min(left))
        line.append((_collection(one) if one else _plural(re.sub("Name$", "", name)), name))
        left.discard(name)
    return line


def _parent(found: Described, name: str) -> Described | None:
    """Return the type of the same module whose name an input is; None if that fits several types or none."""
    named = [one for one in sdk.module(found.module).values() if one.own == name and one.parents < found.parents]
    return named[0] if len(named) == 1 else None


def _collection(found: Described) -> str:
    known = _COLLECTIONS.get(f"{found.module}:{found.name}")
    return known or _plural(re.sub("^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+", lambda begin: begin[0].lower(), found.name))


def _plural(word: str) -> str:
    if re.search("[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
