"""Two scale sets, blue and green: traffic goes to the candidate while its gate passes, otherwise to the other one.

If the candidate is not healthy, its gate only warns: the traffic moves back, and then the update fails.

Configuration: sshPublicKey (required), candidate ("green"), blueRelease and greenRelease ("1"), capacity (2, of each
set), hold ("2m", for how long the candidate must stay healthy), timeout ("20m"), zone ("example.com").
"""

import machines
import pulumi
import pulumi_azure_native as azure

import pulumi_vmss_health as vmss

config = pulumi.Config()
candidate = config.get("candidate") or "green"
if candidate not in ("blue", "green"):
    raise pulumi.RunError(f"candidate must be 'blue' or 'green', not {candidate!r}")
stable = {"blue": "green", "green": "blue"}[candidate]

location = pulumi.Config("azure-native").require("location")
group = azure.resources.ResourceGroup("web")
subnet = machines.network("web", group, location)


def scale_set(colour: str) -> azure.compute.VirtualMachineScaleSet:
    release = config.get(f"{colour}Release") or "1"
    return machines.scale_set(colour, group, location, subnet, release, config.get_int("capacity") or 2)


sets = {colour: scale_set(colour) for colour in ("blue", "green")}

gate = vmss.ScaleSetHealthGate(
    "candidate",
    scale_set=sets[candidate],
    policy={"hold": config.get("hold") or "2m", "timeout": config.get("timeout") or "20m"},
    # Go on if it is not healthy, so that the traffic can move back ...
    on_failure="warn",
    # ... and look again in every update: for a gate that warned, that was all.
    recheck="always",
)
live = gate.healthy.apply(lambda healthy: candidate if healthy else stable)

# What clients ask. The load balancers in front of the sets, blue.example.com and green.example.com, are not shown.
zone = azure.dns.Zone(
    "web", resource_group_name=group.name, zone_name=config.get("zone") or "example.com", location="global"
)
traffic = azure.dns.RecordSet(
    "web",
    resource_group_name=group.name,
    zone_name=zone.name,
    record_type="CNAME",
    relative_record_set_name="www",
    ttl=30,
    cname_record={"cname": pulumi.Output.concat(live, ".", zone.name)},
    # The other set must be there when traffic moves back to it.
    opts=pulumi.ResourceOptions(depends_on=[sets[stable]]),
)

# The last one: the traffic has moved back, and now the update fails, with the gate's reasons.
vmss.RequireHealthy("candidate", gate=gate, opts=pulumi.ResourceOptions(depends_on=[traffic]))

pulumi.export("live", live)
pulumi.export("message", gate.message)
