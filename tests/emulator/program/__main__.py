"""A network, a scale set with two extensions, an autoscale setting, and something that depends on the set's etag."""

import pulumi
from pulumi_azure_native import compute, monitor, network, resources

config = pulumi.Config()
group = resources.ResourceGroup("rg", location="westeurope")
vnet = network.VirtualNetwork(
    "vnet",
    resource_group_name=group.name,
    address_space=network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]),
)
subnet = network.Subnet(
    "subnet", resource_group_name=group.name, virtual_network_name=vnet.name, address_prefix="10.0.0.0/24"
)
script = compute.VirtualMachineScaleSetExtensionArgs(
    name="cse",
    publisher="Microsoft.Azure.Extensions",
    type="CustomScript",
    type_handler_version="2.1",
    settings={"commandToExecute": config.get("command") or "true"},
)
health = compute.VirtualMachineScaleSetExtensionArgs(
    name="health",
    publisher="Microsoft.ManagedServices",
    type="ApplicationHealthLinux",
    type_handler_version="2.0",
    settings={"protocol": "http", "port": 80, "requestPath": "/healthz"},
)
address = compute.VirtualMachineScaleSetIPConfigurationArgs(
    name="ip", subnet=compute.ApiEntityReferenceArgs(id=subnet.id)
)
card = compute.VirtualMachineScaleSetNetworkConfigurationArgs(name="nic", primary=True, ip_configurations=[address])
web = compute.VirtualMachineScaleSet(
    "web",
    resource_group_name=group.name,
    vm_scale_set_name="web",
    sku=compute.SkuArgs(name="Standard_B1s", capacity=3),
    upgrade_policy=compute.UpgradePolicyArgs(mode=compute.UpgradeMode.AUTOMATIC),
    virtual_machine_profile=compute.VirtualMachineScaleSetVMProfileArgs(
        os_profile=compute.VirtualMachineScaleSetOSProfileArgs(
            computer_name_prefix="web", admin_username="user", admin_password=pulumi.Output.secret("Canary-1!")
        ),
        network_profile=compute.VirtualMachineScaleSetNetworkProfileArgs(network_interface_configurations=[card]),
        extension_profile=compute.VirtualMachineScaleSetExtensionProfileArgs(extensions=[script, health]),
    ),
)
monitor.AutoscaleSetting(
    "auto",
    resource_group_name=group.name,
    target_resource_uri=web.id,
    enabled=True,
    profiles=[
        monitor.AutoscaleProfileArgs(
            name="usual", capacity=monitor.ScaleCapacityArgs(default="3", minimum="1", maximum="5"), rules=[]
        )
    ],
)
network.PublicIPAddress("dependent", resource_group_name=group.name, tags={"etag": web.etag, "uniqueId": web.unique_id})
if config.get_bool("broken"):
    network.PublicIPAddress("lost", resource_group_name="no-such-group", location="westeurope")
pulumi.export("id", web.id)
