"""A scale set behind a load balancer, whose pool, frontend and probe it takes from the balancer's own outputs."""

import pulumi
from pulumi_azure_native import compute, network, resources

group = resources.ResourceGroup("rg", location="westeurope")
vnet = network.VirtualNetwork(
    "vnet",
    resource_group_name=group.name,
    address_space=network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]),
    subnets=[network.SubnetArgs(name="machines", address_prefix="10.0.0.0/24")],
)
address = network.PublicIPAddress(
    "address",
    resource_group_name=group.name,
    public_ip_allocation_method=network.IPAllocationMethod.STATIC,
    sku=network.PublicIPAddressSkuArgs(name=network.PublicIPAddressSkuName.STANDARD),
)
balancer = network.LoadBalancer(
    "balancer",
    resource_group_name=group.name,
    sku=network.LoadBalancerSkuArgs(name=network.LoadBalancerSkuName.STANDARD),
    frontend_ip_configurations=[
        network.FrontendIPConfigurationArgs(name="front", public_ip_address=network.PublicIPAddressArgs(id=address.id))
    ],
    backend_address_pools=[network.BackendAddressPoolArgs(name="machines")],
    probes=[
        network.ProbeArgs(
            name="healthz", protocol="Http", port=80, request_path="/healthz", interval_in_seconds=5, number_of_probes=2
        )
    ],
)
pool = balancer.backend_address_pools.apply(lambda pools: pools[0].id)
probe = balancer.probes.apply(lambda probes: probes[0].id)
card = compute.VirtualMachineScaleSetNetworkConfigurationArgs(
    name="nic",
    primary=True,
    ip_configurations=[
        compute.VirtualMachineScaleSetIPConfigurationArgs(
            name="ip",
            subnet=compute.ApiEntityReferenceArgs(id=vnet.subnets.apply(lambda subnets: subnets[0].id)),
            load_balancer_backend_address_pools=[compute.SubResourceArgs(id=pool)],
        )
    ],
)
web = compute.VirtualMachineScaleSet(
    "web",
    resource_group_name=group.name,
    sku=compute.SkuArgs(name="Standard_B1s", capacity=pulumi.Config().get_int("size") or 2),
    upgrade_policy=compute.UpgradePolicyArgs(mode=compute.UpgradeMode.AUTOMATIC),
    virtual_machine_profile=compute.VirtualMachineScaleSetVMProfileArgs(
        network_profile=compute.VirtualMachineScaleSetNetworkProfileArgs(
            health_probe=compute.ApiEntityReferenceArgs(id=probe), network_interface_configurations=[card]
        )
    ),
)
pulumi.export("address", address.ip_address)
pulumi.export("pool", pool)
pulumi.export("front", balancer.frontend_ip_configurations.apply(lambda fronts: fronts[0].id))
