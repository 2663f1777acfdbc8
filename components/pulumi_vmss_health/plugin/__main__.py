"""`python -m pulumi_vmss_health.plugin`: what the engine starts."""

from pulumi_vmss_health.plugin.server import main

if __name__ == "__main__":
    main()
