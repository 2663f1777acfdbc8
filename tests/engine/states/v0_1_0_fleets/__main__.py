"""What the state beside it was recorded from: fleets with the defaults and with all that can be set; one required."""

import pulumi

import pulumi_vmss_health as vmss

web = pulumi.Config().require("scaleSet")

fleet = vmss.FleetHealthGate("defaults", scale_sets={"web_weu": web})
everything = vmss.FleetHealthGate(
    "everything",
    scale_sets={"web_weu": web},
    policy=vmss.GatePolicy(
        min_healthy="50%", extensions=["cse"], power_state="ignored", timeout="30m", hold="0s", confirm_failure=None
    ),
    min_healthy_sets=1,
    on_set_failure="fail",
    triggers=["image-1", {"sku": ["B1s", 2]}],
    on_failure="warn",
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="5m")),
)
vmss.FleetHealthGate("skipped", scale_sets={"web_weu": web}, skip=True)
vmss.RequireHealthy("everything", gate=everything)
pulumi.export("healthySets", fleet.healthy_sets)
