"""Four scale sets in two regions behind one health gate: the stack goes on when three of them are healthy.

Configuration: sshPublicKey (required), release ("1"), minHealthySets (a percentage: "75%") and timeout ("20m").
"""

import pulumi
import pulumi_azure_native as azure

import pulumi_vmss_health as vmss

REGIONS = {"weu": "westeurope", "neu": "northeurope"}
SETS_OF_A_REGION = 2

config = pulumi.Config()
release = config.get("release") or "1"

# The application: a web server that is part of the image.
INSTALL = f"""set -e
mkdir -p /srv/app && echo 'release {release}' > /srv/app/index.html
systemctl stop app 2>/dev/null || true
systemd-run --unit=app --property=Restart=always python3 -m http.server 8080 --directory /srv/app
"""

compute = azure.compute
group = azure.resources.ResourceGroup("web", location=REGIONS["weu"])


def subnet_of(place: str) -> azure.network.Subnet:
    network = azure.network.VirtualNetwork(
        f"web-{place}",
        resource_group_name=group.name,
        location=REGIONS[place],
        address_space=azure.network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]),
    )
    return azure.network.Subnet(
        f"web-{place}",
        resource_group_name=group.name,
        virtual_network_name=network.name,
        address_prefix="10.0.1.0/24",
    )


def scale_set(place: str, number: int, subnet: azure.network.Subnet) -> compute.VirtualMachineScaleSet:
    name = f"web-{place}-{number}"
    return compute.VirtualMachineScaleSet(
        name,
        resource_group_name=group.name,
        location=REGIONS[place],
        vm_scale_set_name=name,
        sku=compute.SkuArgs(name="Standard_B2s", tier="Standard", capacity=2),
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
                                path="/home/azureuser/.ssh/authorized_keys", key_data=config.require("sshPublicKey")
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
                        settings={"commandToExecute": INSTALL},
                    ),
                    # Azure fails the scale set itself if "app" fails while the set is made; what this one finds out
                    # only the gate tells.
                    compute.VirtualMachineScaleSetExtensionArgs(
                        name="health",
                        publisher="Microsoft.ManagedServices",
                        type="ApplicationHealthLinux",
                        type_handler_version="1.0",
                        settings={"protocol": "http", "port": 8080, "requestPath": "/", "intervalInSeconds": 5},
                        provision_after_extensions=["app"],
                    ),
                ]
            ),
        ),
    )


sets = {}
for place in REGIONS:
    subnet = subnet_of(place)
    for number in range(1, SETS_OF_A_REGION + 1):
        sets[f"{place}-{number}"] = scale_set(place, number, subnet)

gate = vmss.FleetHealthGate(
    "web",
    scale_sets=sets,
    min_healthy_sets=config.get("minHealthySets") or "75%",
    policy=vmss.GatePolicy(timeout=config.get("timeout") or "20m"),
)

# Whatever must not happen before enough sets are healthy: it depends on the gate.
azure.network.PublicIPAddress(
    "web",
    resource_group_name=group.name,
    location=REGIONS["weu"],
    tags={"release": release},
    opts=pulumi.ResourceOptions(depends_on=[gate]),
)

pulumi.export("healthy", gate.healthy)
pulumi.export("message", gate.message)
pulumi.export("healthySets", gate.healthy_sets)
pulumi.export("requiredSets", gate.required_sets)
pulumi.export(
    "notHealthy", gate.sets.apply(lambda sets: sorted(name for name, each in sets.items() if not each.healthy))
)
