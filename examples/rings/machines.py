"""A scale set whose machines serve one release of an application and tell whether it is well."""

import pulumi
import pulumi_azure_native as azure


def network(name: str, group: azure.resources.ResourceGroup, location: str) -> azure.network.Subnet:
    """A network of its own for each region, and the subnet in it."""
    vnet = azure.network.VirtualNetwork(
        name,
        resource_group_name=group.name,
        location=location,
        address_space={"address_prefixes": ["10.0.0.0/16"]},
    )
    return azure.network.Subnet(
        name, resource_group_name=group.name, virtual_network_name=vnet.name, address_prefix="10.0.1.0/24"
    )


def scale_set(
    name: str,
    group: azure.resources.ResourceGroup,
    location: str,
    subnet: azure.network.Subnet,
    release: str,
    capacity: int,
    opts: pulumi.ResourceOptions | None = None,
) -> azure.compute.VirtualMachineScaleSet:
    """The application is a web server that is part of the image, so that the VMs need no way to the internet."""
    install = f"""set -e
mkdir -p /srv/app && echo 'release {release}' > /srv/app/index.html
systemctl stop app 2>/dev/null || true
systemd-run --unit=app --property=Restart=always python3 -m http.server 8080 --directory /srv/app
"""
    app = {
        "name": "app",
        "publisher": "Microsoft.Azure.Extensions",
        "type": "CustomScript",
        "type_handler_version": "2.1",
        "settings": {"commandToExecute": install},
    }
    health = {
        "name": "health",
        "publisher": "Microsoft.ManagedServices",
        "type": "ApplicationHealthLinux",
        "type_handler_version": "1.0",
        "settings": {
            "protocol": "http",
            "port": 8080,
            "requestPath": "/",
            "intervalInSeconds": 5,
            "numberOfProbes": 1,
        },
        "provision_after_extensions": ["app"],
    }
    key = {
        "path": "/home/azureuser/.ssh/authorized_keys",
        "key_data": pulumi.Config().require("sshPublicKey"),
    }
    return azure.compute.VirtualMachineScaleSet(
        name,
        resource_group_name=group.name,
        location=location,
        sku={"name": "Standard_B2s", "tier": "Standard", "capacity": capacity},
        orchestration_mode="Uniform",
        overprovision=False,
        upgrade_policy={"mode": "Automatic"},
        virtual_machine_profile={
            "os_profile": {
                "computer_name_prefix": "web",
                "admin_username": "azureuser",
                "linux_configuration": {"disable_password_authentication": True, "ssh": {"public_keys": [key]}},
            },
            "storage_profile": {
                "image_reference": {
                    "publisher": "Canonical",
                    "offer": "ubuntu-24_04-lts",
                    "sku": "server",
                    "version": "latest",
                },
                "os_disk": {
                    "create_option": "FromImage",
                    "managed_disk": {"storage_account_type": "StandardSSD_LRS"},
                },
            },
            "network_profile": {
                "network_interface_configurations": [
                    {
                        "name": "web",
                        "primary": True,
                        "ip_configurations": [{"name": "web", "subnet": {"id": subnet.id}}],
                    }
                ]
            },
            "extension_profile": {"extensions": [app, health]},
        },
        opts=opts,
    )
