"""A component of the user's own makes a group, a network, a scale set, its gate, and a storage account behind it."""

import pulumi
from pulumi_azure_native import compute, network, resources, storage

import pulumi_vmss_health as vmss


class Shop(pulumi.ComponentResource):
    def __init__(self, name: str, capacity: int) -> None:
        super().__init__("acme:shop:Shop", name)
        own = pulumi.ResourceOptions(parent=self)
        group = resources.ResourceGroup(f"{name}-rg", location="westeurope", opts=own)
        vnet = network.VirtualNetwork(
            f"{name}-vnet",
            resource_group_name=group.name,
            address_space=network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]),
            opts=own,
        )
        subnet = network.Subnet(
            "machines",
            resource_group_name=group.name,
            virtual_network_name=vnet.name,
            address_prefix="10.0.0.0/24",
            opts=own,
        )
        address = compute.VirtualMachineScaleSetIPConfigurationArgs(
            name="ip", subnet=compute.ApiEntityReferenceArgs(id=subnet.id)
        )
        card = compute.VirtualMachineScaleSetNetworkConfigurationArgs(
            name="nic", primary=True, ip_configurations=[address]
        )
        self.machines = compute.VirtualMachineScaleSet(
            f"{name}-machines",
            resource_group_name=group.name,
            sku=compute.SkuArgs(name="Standard_B1s", capacity=capacity),
            identity=compute.VirtualMachineScaleSetIdentityArgs(type=compute.ResourceIdentityType.SYSTEM_ASSIGNED),
            upgrade_policy=compute.UpgradePolicyArgs(mode=compute.UpgradeMode.AUTOMATIC),
            virtual_machine_profile=compute.VirtualMachineScaleSetVMProfileArgs(
                network_profile=compute.VirtualMachineScaleSetNetworkProfileArgs(
                    network_interface_configurations=[card]
                )
            ),
            opts=own,
        )
        policy = vmss.GatePolicy(hold="0s", timeout="60s")
        gate = vmss.ScaleSetHealthGate(f"{name}-web", scale_set=self.machines, policy=policy, opts=own)
        self.account = storage.StorageAccount(
            f"{name}pictures".replace("-", ""),
            resource_group_name=group.name,
            kind=storage.Kind.STORAGE_V2,
            sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
            tags={"for": gate.scale_set_id},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gate]),
        )
        self.register_outputs({})


shop = Shop("shop", pulumi.Config().get_int("size") or 2)
pulumi.export("principal", shop.machines.identity.apply(lambda identity: identity.principal_id))
pulumi.export("blobs", shop.account.primary_endpoints.apply(lambda endpoints: endpoints.blob))
