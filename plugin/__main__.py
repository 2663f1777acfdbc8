"""The plugin as Pulumi runs it from its source: `pulumi package add <this repository>/plugin`."""

from pulumi_vmss_health.plugin.server import main

if __name__ == "__main__":
    main()
