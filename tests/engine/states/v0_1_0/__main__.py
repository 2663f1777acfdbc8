"""What the state beside it was recorded from: a gate with the defaults, one with all that can be set, and a view."""

import pulumi

import pulumi_vmss_health as vmss

web = pulumi.Config().require("scaleSet")

gate = vmss.ScaleSetHealthGate("defaults", scale_set=web)
vmss.ScaleSetHealthGate(
    "everything",
    scale_set=web,
    policy=vmss.GatePolicy(
        min_healthy="50%",
        min_healthy_per_zone=1,
        capacity=3,
        extensions=["cse"],
        ignore_extensions=["monitor"],
        set_status="required",
        application_health="required",
        power_state="ignored",
        stale_instances="wait",
        rolling_upgrade="ignore",
        timeout="30m",
        hold="0s",
        confirm_failure=None,
    ),
    triggers=["image-1", {"sku": ["B1s", 2]}],
    on_failure="warn",
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="5m")),
)
vmss.ScaleSetHealthGate("skipped", scale_set=web, skip=True)
view = vmss.ScaleSetInstanceView("view", scale_set=web, include_instances=True, triggers=["image-1"])
pulumi.export("healthy", gate.healthy)
pulumi.export("view", view.virtual_machine)
