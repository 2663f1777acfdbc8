"""The resource types that the stand-in knows, as a table.

To add one: its token as the SDK has it, its path in Azure Resource Manager with the SDK's names for the parts, an
api-version, and where its body has `properties` (see `shapes`). The emulator stores types that it does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vmss_emulator.pulumi_plugin.shapes import Shape, plain, wrapped

_ENVELOPE = ("location", "tags", "sku", "zones", "identity", "plan", "extendedLocation")
_NETWORK = "2024-07-01"


@dataclass(frozen=True, slots=True)
class Kind:
    """One type.

    Attributes:
        path: below the subscription; names in braces are inputs of the resource, the last one is its own name.
        api_version: that is asked for.
        shape: of the body.
        computed: outputs that only Azure can tell, and that a change of the resource may change.
        constant: outputs that only Azure can tell, and that never change.
    """

    path: str
    api_version: str
    shape: Shape
    computed: tuple[str, ...] = ("provisioningState",)
    constant: tuple[str, ...] = ("name", "type")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs that are parts of the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def own_name(self) -> str:
        """The input that is the resource's name."""
        return self.parameters[-1]


_SUBNET = wrapped()
_IP_CONFIGURATION = wrapped(publicIPAddressConfiguration=wrapped("sku", "tags"))
_VM_PROFILE = plain(
    networkProfile=plain(networkInterfaceConfigurations=wrapped("tags", ipConfigurations=_IP_CONFIGURATION)),
    extensionProfile=plain(extensions=wrapped()),
)
_GROUP = "resourceGroups/{resourceGroupName}"
_VNET = _GROUP + "/providers/Microsoft.Network/virtualNetworks/{virtualNetworkName}"
_SCALE_SET = _GROUP + "/providers/Microsoft.Compute/virtualMachineScaleSets/{vmScaleSetName}"

KINDS = {
    "azure-native:resources:ResourceGroup": Kind(_GROUP, "2024-07-01", plain(), ()),
    "azure-native:network:VirtualNetwork": Kind(
        _VNET, _NETWORK, wrapped(*_ENVELOPE, subnets=_SUBNET), ("provisioningState", "etag")
    ),
    "azure-native:network:Subnet": Kind(
        _VNET + "/subnets/{subnetName}", _NETWORK, _SUBNET, ("provisioningState", "etag")
    ),
    "azure-native:network:PublicIPAddress": Kind(
        _GROUP + "/providers/Microsoft.Network/publicIPAddresses/{publicIpAddressName}",
        _NETWORK,
        wrapped(*_ENVELOPE),
        ("provisioningState", "etag"),
    ),
    "azure-native:network:LoadBalancer": Kind(
        _GROUP + "/providers/Microsoft.Network/loadBalancers/{loadBalancerName}",
        _NETWORK,
        wrapped(
            *_ENVELOPE,
            frontendIPConfigurations=wrapped("zones"),
            backendAddressPools=wrapped(),
            probes=wrapped(),
            loadBalancingRules=wrapped(),
            inboundNatPools=wrapped(),
            inboundNatRules=wrapped(),
            outboundRules=wrapped(),
        ),
        ("provisioningState", "etag"),
    ),
    "azure-native:compute:VirtualMachineScaleSet": Kind(
        _SCALE_SET,
        "2024-11-01",
        wrapped(*_ENVELOPE, virtualMachineProfile=_VM_PROFILE),
        ("provisioningState", "etag"),
        ("name", "type", "uniqueId", "timeCreated"),
    ),
    "azure-native:compute:VirtualMachineScaleSetExtension": Kind(
        _SCALE_SET + "/extensions/{vmssExtensionName}", "2024-11-01", wrapped()
    ),
    "azure-native:monitor:AutoscaleSetting": Kind(
        _GROUP + "/providers/Microsoft.Insights/autoscaleSettings/{autoscaleSettingName}",
        "2022-10-01",
        Shape(frozenset(_ENVELOPE)),
        (),
    ),
    "azure-native:monitor:ActionGroup": Kind(
        _GROUP + "/providers/Microsoft.Insights/actionGroups/{actionGroupName}", "2023-01-01", wrapped(*_ENVELOPE), ()
    ),
}


def find(token: str) -> Kind:
    """The row of a type, whichever of the SDK's versions of it is asked for.

    Raises:
        LookupError: saying how to add it.
    """
    found = KINDS.get(re.sub(r"/v\d{8}\w*:", ":", token))
    if found is None:
        raise LookupError(
            f"the emulator's stand-in for azure-native does not know {token}; it knows {', '.join(KINDS)}. "
            "Another type is one row in vmss_emulator/pulumi_plugin/kinds.py."
        )
    return found
