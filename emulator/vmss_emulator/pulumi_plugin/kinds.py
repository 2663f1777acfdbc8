"""The resource types that the stand-in knows: what the SDK tells of them, where they lie, and the form of their bodies.

The api-version, the inputs and the outputs are the installed SDK's (see `sdk`), the path follows from them (see
`places`). The tables here say in which objects ARM has `properties`; without the SDK only these types are known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from vmss_emulator.pulumi_plugin import places, sdk
from vmss_emulator.pulumi_plugin.install import sdk_version
from vmss_emulator.pulumi_plugin.shapes import Shape, plain, wrapped

_ENVELOPE = ("type", "location", "tags", "sku", "kind", "zones", "identity", "plan", "extendedLocation", "managedBy")
_TOKEN = re.compile(r"azure-native:(\w+?)(?:/v\d{8}\w*)?:(\w+)")
# Where Azure alone tells a value, whatever the type.
_READ_ONLY = frozenset({"id", "type", "etag", "provisioningState", "systemData", "uniqueId", "timeCreated"})
_UUIDS = frozenset({"roleAssignmentName", "roleDefinitionId"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One type.

    Attributes:
        path: below the subscription, or from another resource on; names in braces are inputs of the resource.
        api_version: that is asked for.
        shape: of the body.
        inputs: that the SDK has; empty where it is not installed.
        outputs: that the SDK has; empty where it is not installed.
    """

    path: str
    api_version: str
    shape: Shape
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset({"name", "type", "etag", "provisioningState"})

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs that are parts of the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def own_name(self) -> str | None:
        """The input that is the resource's name; None: it is always called the same."""
        return self.parameters[-1] if self.path.endswith("}") else None

    @property
    def is_child(self) -> bool:
        """Does it lie below another resource?"""
        return len(self.path.rpartition("providers/")[2].split("/")) > 3

    @property
    def has_uuid(self) -> bool:
        """Is its name a UUID?"""
        return self.own_name in _UUIDS

    @property
    def has_location(self) -> bool:
        """Is it told a location?"""
        beside = self.shape.beside
        return "location" in self.inputs if self.inputs else beside is None or "location" in beside

    def settable(self, key: str) -> bool:
        """Return whether a program may set this."""
        return key not in _READ_ONLY and (key in self.inputs or not self.inputs)


_IP_CONFIGURATION = wrapped(publicIPAddressConfiguration=wrapped("sku", "tags"))
_VM_PROFILE = plain(
    networkProfile=plain(networkInterfaceConfigurations=wrapped("tags", ipConfigurations=_IP_CONFIGURATION)),
    extensionProfile=plain(extensions=wrapped()),
)
# Lists of named objects in the bodies of networks, which are resources by themselves.
_NETWORK = {
    "backendAddressPools": wrapped(),
    "delegations": wrapped(),
    "frontendIPConfigurations": wrapped("zones"),
    "inboundNatPools": wrapped(),
    "inboundNatRules": wrapped(),
    "ipConfigurations": wrapped(),
    "loadBalancingRules": wrapped(),
    "outboundRules": wrapped(),
    "privateDnsZoneConfigs": wrapped(),
    "privateLinkServiceConnections": wrapped(),
    "probes": wrapped(),
    "routes": wrapped(),
    "securityRules": wrapped(),
    "subnets": wrapped(delegations=wrapped()),
    "virtualNetworkPeerings": wrapped(),
}
_MADE_OF_ITSELF = plain()  # its body has no `properties`, or the SDK shows them as such
_SHAPES = {
    "resources:ResourceGroup": _MADE_OF_ITSELF,
    "compute:VirtualMachineScaleSet": wrapped(*_ENVELOPE, virtualMachineProfile=_VM_PROFILE),
    "compute:VirtualMachineScaleSetExtension": wrapped(),  # its `type` is the extension's own
    "compute:VirtualMachineExtension": wrapped("location", "tags"),
    "monitor:AutoscaleSetting": Shape(frozenset(_ENVELOPE)),
}
_WITHOUT_SDK = {
    "compute:VirtualMachineScaleSet": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/virtualMachineScaleSets/{vmScaleSetName}",
        "2024-11-01",
    ),
    "network:Subnet": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/virtualNetworks/{virtualNetworkName}"
        "/subnets/{subnetName}",
        "2024-05-01",
    ),
    "network:VirtualNetwork": (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/virtualNetworks/{virtualNetworkName}",
        "2024-05-01",
    ),
    "resources:ResourceGroup": ("resourceGroups/{resourceGroupName}", "2024-03-01"),
}


@cache
def find(token: str) -> Kind:
    """Return the kind of a type, whatever component it lies in and whichever of the SDK's versions of it is asked for.

    Raises:
        LookupError: saying what is missing, and where it is explained.
    """
    own = token.rpartition("$")[2]  # before it stand the types of the components that the resource lies in
    match = _TOKEN.fullmatch(own)
    if match is None:
        raise LookupError(_refusal(own, "it is not a resource type of azure-native"))
    name = f"{match[1]}:{match[2]}"
    described = sdk.module(match[1]).get(match[2])
    if described is None:
        if name in _WITHOUT_SDK and sdk.root() is None:
            return Kind(*_WITHOUT_SDK[name], _shape(name, frozenset()))
        raise LookupError(_refusal(own, _why_not_described()))
    try:
        path = places.path(described)
    except places.PlaceError as error:
        raise LookupError(_refusal(own, f"nothing tells {error}, and so where it lies in Azure")) from None
    shape = _shape(name, described.inputs | described.outputs)
    return Kind(path, described.api_version, shape, described.inputs, described.outputs)


def _shape(name: str, keys: frozenset[str]) -> Shape:
    if name in _SHAPES:
        return _SHAPES[name]
    if "properties" in keys:
        return _MADE_OF_ITSELF
    inside = _NETWORK if name.startswith("network:") else {}
    return wrapped(*(key for key in _ENVELOPE if key != "type"), **inside)


def _why_not_described() -> str:
    if sdk.root() is None:
        return "the package pulumi-azure-native, from which it learns types, is not installed beside it"
    return f"the installed pulumi-azure-native {sdk_version() or ''} has no such type"


def _refusal(token: str, why: str) -> str:
    return (
        f"the emulator's stand-in for azure-native cannot deploy {token}: {why}. "
        'See "Pulumi programs" in docs/emulator.md for what it can.'
    )
