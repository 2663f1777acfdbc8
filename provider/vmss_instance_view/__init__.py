"""The instance view of Azure VM scale sets, for Python and as a Pulumi dynamic resource. Reads; decides nothing."""

from importlib import import_module
from typing import TYPE_CHECKING

from vmss_instance_view.errors import (
    AzureError,
    ConfigurationError,
    CredentialError,
    Forbidden,
    InstanceViewError,
    InvalidScaleSetId,
    MalformedBody,
    NotSupported,
    Rejected,
    ScaleSetDeleted,
    ScaleSetNotFound,
    Throttled,
    Unauthorized,
    Unavailable,
    UnexpectedError,
)
from vmss_instance_view.functions import get_instance_view, get_instance_view_output
from vmss_instance_view.model import (
    ExtensionProfile,
    ExtensionStatus,
    ExtensionSummary,
    Instance,
    InstanceView,
    OrchestrationService,
    RollingUpgrade,
    ScaleSet,
    Status,
    StatusCount,
    VirtualMachineInstanceView,
    VirtualMachineSummary,
)
from vmss_instance_view.scale_set_id import ScaleSetId

if TYPE_CHECKING:
    from vmss_instance_view.pulumi.arguments import HasId
    from vmss_instance_view.pulumi.outputs import (
        ExtensionSummaryOutput,
        OrchestrationServiceOutput,
        StatusCountOutput,
        StatusOutput,
        VirtualMachineSummaryOutput,
    )
    from vmss_instance_view.resource import ScaleSetInstanceView
else:
    _OF_PULUMI = {
        "HasId": "pulumi.arguments",
        "ExtensionSummaryOutput": "pulumi.outputs",
        "OrchestrationServiceOutput": "pulumi.outputs",
        "StatusCountOutput": "pulumi.outputs",
        "StatusOutput": "pulumi.outputs",
        "VirtualMachineSummaryOutput": "pulumi.outputs",
        "ScaleSetInstanceView": "resource",
    }

    def __getattr__(name: str) -> object:
        """Import what needs Pulumi only when it is asked for: reading does without."""
        if name not in _OF_PULUMI:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = getattr(import_module(f"{__name__}.{_OF_PULUMI[name]}"), name)
        return globals()[name]


__all__ = [
    "AzureError",
    "ConfigurationError",
    "CredentialError",
    "ExtensionProfile",
    "ExtensionStatus",
    "ExtensionSummary",
    "ExtensionSummaryOutput",
    "Forbidden",
    "HasId",
    "Instance",
    "InstanceView",
    "InstanceViewError",
    "InvalidScaleSetId",
    "MalformedBody",
    "NotSupported",
    "OrchestrationService",
    "OrchestrationServiceOutput",
    "Rejected",
    "RollingUpgrade",
    "ScaleSet",
    "ScaleSetDeleted",
    "ScaleSetId",
    "ScaleSetInstanceView",
    "ScaleSetNotFound",
    "Status",
    "StatusCount",
    "StatusCountOutput",
    "StatusOutput",
    "Throttled",
    "Unauthorized",
    "Unavailable",
    "UnexpectedError",
    "VirtualMachineInstanceView",
    "VirtualMachineSummary",
    "VirtualMachineSummaryOutput",
    "get_instance_view",
    "get_instance_view_output",
]
