"""A second stack that reads what the gate of the first one found, and looks at the scale set itself.

Configuration: quickstart, the first stack's name, such as organization/web/dev.
"""

import pulumi

import pulumi_vmss_health as vmss

quickstart = pulumi.StackReference(pulumi.Config().require("quickstart"))

# Stack outputs are those of the last update that completed: what a gate found then.
pulumi.export("releaseThen", quickstart.require_output("release"))
pulumi.export("healthyThen", quickstart.require_output("healthy"))
pulumi.export("messageThen", quickstart.require_output("message"))

# What is true now takes a read of one's own.
now = vmss.ScaleSetInstanceView("web", scale_set=quickstart.require_output("scaleSetId"))
pulumi.export("statusNow", now.statuses.apply(lambda statuses: statuses[0].display_status if statuses else None))
pulumi.export("vmsNow", now.virtual_machine)
pulumi.export("capacityNow", now.capacity)
