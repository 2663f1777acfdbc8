"""A release that goes from a canary to a region, and then everywhere: each ring waits for the gates of the one before.

Configuration: sshPublicKey (required), release ("1"), and rings, a list of which each entry has a name, regions,
capacity (of each scale set), hold (the bake time: for how long its sets must stay healthy) and timeout.
"""

import machines
import pulumi
import pulumi_azure_native as azure

import pulumi_vmss_health as vmss

RINGS = [
    {"name": "canary", "regions": ["westeurope"], "capacity": 1, "hold": "10m", "timeout": "30m"},
    {"name": "first", "regions": ["westeurope"], "capacity": 3, "hold": "30m", "timeout": "1h"},
    {"name": "rest", "regions": ["northeurope", "eastus2"], "capacity": 3, "hold": "10m", "timeout": "1h"},
]

config = pulumi.Config()
release = config.get("release") or "1"
rings = config.get_object("rings") or RINGS
for number, ring in enumerate(rings):
    if missing := RINGS[0].keys() - ring:
        raise pulumi.RunError(f"rings[{number}] needs {', '.join(sorted(missing))}")
    if not ring["regions"] or not isinstance(ring["regions"], list):  # the next ring would wait for nobody
        raise pulumi.RunError(f"rings[{number}]: regions must be a list of at least one; or take the ring out")

group = azure.resources.ResourceGroup("web")
regions = dict.fromkeys(region for ring in rings for region in ring["regions"])
subnets = {region: machines.network(region, group, region) for region in regions}

before: list[pulumi.Resource] = []  # the gates of the ring before
for ring in rings:
    gates: list[pulumi.Resource] = []
    for region in ring["regions"]:
        name = f"{ring['name']}-{region}"
        web = machines.scale_set(
            name,
            group,
            region,
            subnets[region],
            release,
            ring["capacity"],
            opts=pulumi.ResourceOptions(depends_on=before),
        )
        policy = {"hold": ring["hold"], "timeout": ring["timeout"]}
        gates.append(vmss.ScaleSetHealthGate(name, scale_set=web, policy=policy))
    before = gates

pulumi.export("release", release)
