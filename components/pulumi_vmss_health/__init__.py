"""The health gate for Azure VM scale sets in Pulumi.

    import pulumi_vmss_health as vmss

    gate = vmss.ScaleSetHealthGate("web", scale_set=web)

Everything public is here, the reader's names included. Importing it loads no HTTP client and no Azure SDK.
"""

from pulumi_vmss_health.component import ReasonOutput, ScaleSetHealthGate
from pulumi_vmss_health.judging.findings import Reason, State, Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Snapshot
from pulumi_vmss_health.judging.verdict import evaluate
from vmss_instance_view import *  # noqa: F403 - its __all__ is its public names
from vmss_instance_view import __all__ as _reader

__version__ = "0.1.0"

__all__ = [
    "GatePolicy",
    "Reason",
    "ReasonOutput",
    "ScaleSetHealthGate",
    "Snapshot",
    "State",
    "Verdict",
    "__version__",
    "evaluate",
    *_reader,
]
