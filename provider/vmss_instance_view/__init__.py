"""The instance view of Azure VM scale sets, for Python and as a Pulumi dynamic resource. Reads; decides nothing."""

from vmss_instance_view.errors import (
    AzureError,
    ConfigurationError,
    CredentialError,
    Forbidden,
    InstanceViewError,
    InvalidScaleSetId,
    MalformedBody,
    Rejected,
    ScaleSetNotFound,
    Throttled,
    Unavailable,
)
from vmss_instance_view.model import (
    ExtensionProfile,
    ExtensionStatus,
    ExtensionSummary,
    Instance,
    InstanceView,
    OrchestrationService,
    ScaleSet,
    Status,
    StatusCount,
    VirtualMachineInstanceView,
    VirtualMachineSummary,
)
from vmss_instance_view.resource import ScaleSetInstanceView, get_instance_view
from vmss_instance_view.scale_set_id import ScaleSetId

__all__ = [
    "AzureError",
    "ConfigurationError",
    "CredentialError",
    "ExtensionProfile",
    "ExtensionStatus",
    "ExtensionSummary",
    "Forbidden",
    "Instance",
    "InstanceView",
    "InstanceViewError",
    "InvalidScaleSetId",
    "MalformedBody",
    "OrchestrationService",
    "Rejected",
    "ScaleSet",
    "ScaleSetId",
    "ScaleSetInstanceView",
    "ScaleSetNotFound",
    "Status",
    "StatusCount",
    "Throttled",
    "Unavailable",
    "VirtualMachineInstanceView",
    "VirtualMachineSummary",
    "get_instance_view",
]
