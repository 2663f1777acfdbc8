"""The instance view as typed Pulumi outputs: `view.statuses.apply(lambda s: s[0].display_status)`.

In state and in stack outputs they are plain JSON with ARM's own key names, which is what a StackReference of any
language reads. The dataclasses of `model` are what Python code outside of a program's outputs works with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import pulumi

from vmss_instance_view.keys import stored_key

# Pulumi evaluates these annotations when it loads the class, and its SDK reads Optional, not unions with |.
# ruff: noqa: UP045


@pulumi.output_type
class StatusCountOutput(dict[str, object]):
    """How many VMs report a status code."""

    code: Optional[str]
    count: int


@pulumi.output_type
class StatusOutput(dict[str, object]):
    """One status: its code, level (Info, Warning, Error), label, message, and time as Azure wrote it."""

    code: Optional[str]
    level: Optional[str]
    display_status: Optional[str] = pulumi.property("displayStatus")
    message: Optional[str]
    time: Optional[str]


@pulumi.output_type
class VirtualMachineSummaryOutput(dict[str, object]):
    """How many VMs are in which provisioning state."""

    statuses_summary: Optional[Sequence[StatusCountOutput]] = pulumi.property("statusesSummary")


@pulumi.output_type
class ExtensionSummaryOutput(dict[str, object]):
    """On how many VMs an extension is in which provisioning state."""

    name: Optional[str]
    statuses_summary: Optional[Sequence[StatusCountOutput]] = pulumi.property("statusesSummary")


@pulumi.output_type
class OrchestrationServiceOutput(dict[str, object]):
    """A service that acts on the set by itself, such as AutomaticRepairs."""

    service_name: Optional[str] = pulumi.property("serviceName")
    service_state: Optional[str] = pulumi.property("serviceState")
    latest_operation_status: Optional[str] = pulumi.property("latestOperationStatus")
    last_status_change_time: Optional[str] = pulumi.property("lastStatusChangeTime")


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return typed outputs as state has them, with ARM's key names: Pulumi does so for stacks, not for components."""
    if isinstance(value, Mapping):
        return {stored_key(name): plain(each) for name, each in value.items() if each is not None}
    return [plain(each) for each in value] if isinstance(value, list) else value
