"""Azure's answers about a scale set, as frozen dataclasses.

`from_json` takes ARM's bodies of every API version since 2016-04-30-preview; `to_json` gives ARM's own key names back,
so that `from_json(to_json(x)) == x`. Every field is optional in Azure: what is absent, null or empty becomes None or
an empty tuple, and absence never means that nothing is wrong. Nothing here decides anything.
"""

from vmss_instance_view.model.instance import ExtensionStatus, Instance, VirtualMachineInstanceView
from vmss_instance_view.model.instance_view import (
    ExtensionSummary,
    InstanceView,
    OrchestrationService,
    VirtualMachineSummary,
)
from vmss_instance_view.model.rolling_upgrade import RollingUpgrade
from vmss_instance_view.model.scale_set import ExtensionProfile, ScaleSet
from vmss_instance_view.model.status import (
    Status,
    StatusCount,
    describe,
    detail_of,
    in_group,
    is_failure,
    named,
    parse_time,
    state_of,
    worst,
)

__all__ = [
    "ExtensionProfile",
    "ExtensionStatus",
    "ExtensionSummary",
    "Instance",
    "InstanceView",
    "OrchestrationService",
    "RollingUpgrade",
    "ScaleSet",
    "Status",
    "StatusCount",
    "VirtualMachineInstanceView",
    "VirtualMachineSummary",
    "describe",
    "detail_of",
    "in_group",
    "is_failure",
    "named",
    "parse_time",
    "state_of",
    "worst",
]
