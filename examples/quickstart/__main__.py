"""A scale set of three VMs behind a health gate: nothing that depends on the gate happens before the set is healthy.

Configuration: sshPublicKey (required), release ("1"), gateTimeout ("20m"), confirmFailure ("60s") and
azure-native:location.
"""

import pulumi
import pulumi_azure_native as azure

import pulumi_vmss_health as vmss

config = pulumi.Config()
release = config.get("release") or "1"

group = azure.resources.ResourceGroup("web")

network = azure.network.VirtualNetwork(
    "network",
    resource_group_name=group.name,
    address_space=azure.network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]),
)
subnet = azure.network.Subnet(
    "web",
    resource_group_name=group.name,
    virtual_network_name=network.name,
    address_prefix="10.0.1.0/24",
)

# The application: a web server that is part of the image, so that the VMs need no way to the internet.
install = f"""set -e
mkdir -p /srv/app && echo 'release {release}' > /srv/app/index.html
systemctl stop app 2>/dev/null || true
systemd-run --unit=app --property=Restart=always python3 -m http.server 8080 --directory /srv/app
"""

compute = azure.compute
web = compute.VirtualMachineScaleSet(
    "web",
    resource_group_name=group.name,
    sku=compute.SkuArgs(name="Standard_B2s", tier="Standard", capacity=3),
    orchestration_mode=compute.OrchestrationMode.UNIFORM,
    overprovision=False,
    upgrade_policy=compute.UpgradePolicyArgs(mode=compute.UpgradeMode.AUTOMATIC),
    virtual_machine_profile=compute.VirtualMachineScaleSetVMProfileArgs(
        os_profile=compute.VirtualMachineScaleSetOSProfileArgs(
            computer_name_prefix="web",
            admin_username="azureuser",
            linux_configuration=compute.LinuxConfigurationArgs(
                disable_password_authentication=True,
                ssh=compute.SshConfigurationArgs(
                    public_keys=[
                        compute.SshPublicKeyArgs(
                            path="/home/azureuser/.ssh/authorized_keys",
                            key_data=config.require("sshPublicKey"),
                        )
                    ]
                ),
            ),
        ),
        storage_profile=compute.VirtualMachineScaleSetStorageProfileArgs(
            image_reference=compute.ImageReferenceArgs(
                publisher="Canonical", offer="ubuntu-24_04-lts", sku="server", version="latest"
            ),
            os_disk=compute.VirtualMachineScaleSetOSDiskArgs(
                create_option=compute.DiskCreateOptionTypes.FROM_IMAGE,
                managed_disk=compute.VirtualMachineScaleSetManagedDiskParametersArgs(
                    storage_account_type=compute.StorageAccountTypes.STANDARD_SS_D_LRS
                ),
            ),
        ),
        network_profile=compute.VirtualMachineScaleSetNetworkProfileArgs(
            network_interface_configurations=[
                compute.VirtualMachineScaleSetNetworkConfigurationArgs(
                    name="web",
                    primary=True,
                    ip_configurations=[
                        compute.VirtualMachineScaleSetIPConfigurationArgs(
                            name="web", subnet=compute.ApiEntityReferenceArgs(id=subnet.id)
                        )
                    ],
                )
            ]
        ),
        extension_profile=compute.VirtualMachineScaleSetExtensionProfileArgs(
            extensions=[
                compute.VirtualMachineScaleSetExtensionArgs(
                    name="app",
                    publisher="Microsoft.Azure.Extensions",
                    type="CustomScript",
                    type_handler_version="2.1",
                    auto_upgrade_minor_version=True,
                    settings={"commandToExecute": install},
                ),
                compute.VirtualMachineScaleSetExtensionArgs(
                    name="health",
                    publisher="Microsoft.ManagedServices",
                    type="ApplicationHealthLinux",
                    type_handler_version="1.0",
                    auto_upgrade_minor_version=True,
                    settings={
                        "protocol": "http",
                        "port": 8080,
                        "requestPath": "/",
                        "intervalInSeconds": 5,
                        "numberOfProbes": 1,
                    },
                    provision_after_extensions=["app"],
                ),
            ]
        ),
    ),
    # Autoscale, below, owns the capacity from the second deployment on.
    opts=pulumi.ResourceOptions(ignore_changes=["sku.capacity"]),
)

gate = vmss.ScaleSetHealthGate(
    "web",
    scale_set=web,
    policy=vmss.GatePolicy(
        timeout=config.get("gateTimeout") or "20m",
        confirm_failure=config.get("confirmFailure") or "60s",
    ),
)

# Whatever must not happen before the machines work: it depends on the gate.
azure.monitor.AutoscaleSetting(
    "web",
    resource_group_name=group.name,
    enabled=True,
    target_resource_uri=web.id,
    profiles=[
        azure.monitor.AutoscaleProfileArgs(
            name="default",
            capacity=azure.monitor.ScaleCapacityArgs(minimum="3", maximum="6", default="3"),
            rules=[],
        )
    ],
    tags={"release": release},
    opts=pulumi.ResourceOptions(depends_on=[gate]),
)

pulumi.export("release", release)
pulumi.export("healthy", gate.healthy)
pulumi.export("message", gate.message)
# For a second stack that wants to look for itself, such as examples/many_stacks.
pulumi.export("scaleSetId", web.id)
