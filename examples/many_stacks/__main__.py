"""A stack that gates what other stacks deployed, as examples/quickstart does: what depends on its gates waits for all.

Configuration: stacks, a list of their names, such as ["organization/web/dev"]; hold ("auto") and timeout ("20m").
"""

import pulumi

import pulumi_vmss_health as vmss

config = pulumi.Config()
stacks = {name: pulumi.StackReference(name) for name in config.require_object("stacks")}
policy = {"hold": config.get("hold") or "auto", "timeout": config.get("timeout") or "20m"}

# Stack outputs are those of the last update that completed: what each stack's own gate found then.
pulumi.export("healthyThen", {name: stack.require_output("healthy") for name, stack in stacks.items()})

# What is true now takes a look of one's own; and in every update, for no input here changes when they deploy.
gates = {
    name: vmss.ScaleSetHealthGate(name, scale_set=stack.require_output("scaleSetId"), policy=policy, recheck="always")
    for name, stack in stacks.items()
}

# Whatever must not happen before all of them are well: opts=pulumi.ResourceOptions(depends_on=[*gates.values()])
pulumi.export("messageNow", {name: gate.message for name, gate in gates.items()})
pulumi.export("vmsNow", {name: gate.virtual_machine for name, gate in gates.items()})
