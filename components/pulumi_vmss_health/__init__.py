"""The health gate for Azure VM scale sets in Pulumi.

    import pulumi_vmss_health as vmss

    gate = vmss.ScaleSetHealthGate("web", scale_set=web)

Everything public is here, the reader's names included. Importing it loads no HTTP client and no Azure SDK, and Pulumi
only when a resource is declared.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from pulumi_vmss_health.version import __version__
from vmss_instance_view import __all__ as _reader

if TYPE_CHECKING:
    from pulumi_vmss_health.component import ReasonOutput, ScaleSetHealthGate
    from pulumi_vmss_health.fleet import FleetHealthGate, FleetSetOutput
    from pulumi_vmss_health.judging.findings import Reason, State, Verdict
    from pulumi_vmss_health.judging.policy import GatePolicy
    from pulumi_vmss_health.judging.snapshot import Snapshot
    from pulumi_vmss_health.judging.verdict import evaluate
    from pulumi_vmss_health.required import RequireHealthy
    from vmss_instance_view import *  # noqa: F403 - its __all__ is its public names
else:
    _MODULES = {
        "FleetHealthGate": "fleet",
        "FleetSetOutput": "fleet",
        "GatePolicy": "judging.policy",
        "Reason": "judging.findings",
        "ReasonOutput": "component",
        "RequireHealthy": "required",
        "ScaleSetHealthGate": "component",
        "Snapshot": "judging.snapshot",
        "State": "judging.findings",
        "Verdict": "judging.findings",
        "evaluate": "judging.verdict",
    }

    def __getattr__(name: str) -> object:
        """Import what a name needs, Pulumi or the judging or nothing of both, when it is first asked for."""
        if name in _MODULES:
            found = import_module(f"pulumi_vmss_health.{_MODULES[name]}")
        elif name in _reader:
            found = import_module("vmss_instance_view")
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = getattr(found, name)
        return globals()[name]


__all__ = [
    "FleetHealthGate",
    "FleetSetOutput",
    "GatePolicy",
    "Reason",
    "ReasonOutput",
    "RequireHealthy",
    "ScaleSetHealthGate",
    "Snapshot",
    "State",
    "Verdict",
    "__version__",
    "evaluate",
    *_reader,
]
