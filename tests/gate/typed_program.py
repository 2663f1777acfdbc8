"""A user's program that names everything public. Nobody runs it: mypy and, in `make types`, pyright check it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

import pulumi_vmss_health as vmss


class Mine:
    @property
    def id(self) -> pulumi.Output[str]:
        return pulumi.Output.from_input(ID)


ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
config: dict[str, Any] = {"min_healthy": "90%"}
extension = pulumi.CustomResource("acme:index:Extension", "app", {})


async def later() -> str:
    await asyncio.sleep(0)
    return ID


policy = vmss.GatePolicy(min_healthy="90%", timeout="20m")
by_id = vmss.ScaleSetHealthGate("a", scale_set=ID, policy=policy)
by_output = vmss.ScaleSetHealthGate("b", scale_set=pulumi.Output.from_input(ID), policy=config)
by_object = vmss.ScaleSetHealthGate("c", scale_set=Mine(), changed_by=[extension], triggers=["v1", 2])
by_awaitable = vmss.ScaleSetHealthGate("d", scale_set=later(), recheck="always", on_failure="warn", skip=True)
by_parsed = vmss.ScaleSetHealthGate("e", scale_set=vmss.ScaleSetId.parse(ID))
vmss.RequireHealthy("d", gate=by_awaitable, opts=pulumi.ResourceOptions(depends_on=[extension]))
fleet = vmss.FleetHealthGate(
    "f",
    scale_sets={"a": ID, "b": Mine(), "c": pulumi.Output.from_input(ID), "d": later(), "e": vmss.ScaleSetId.parse(ID)},
    policy={"min_healthy": "90%"},
    min_healthy_sets="75%",
    on_set_failure="fail",
    changed_by=[extension],
    triggers=["v1"],
    recheck="always",
    on_failure="warn",
    skip=True,
)
maybe: bool | None = pulumi.Config().get_bool("maybe")
by_maybe = vmss.ScaleSetHealthGate("m", scale_set=ID, skip=maybe)
fleet_by_maybe = vmss.FleetHealthGate("n", scale_sets={"a": ID}, skip=maybe)
by_count = vmss.FleetHealthGate("g", scale_sets={"a": Mine()}, policy=policy, min_healthy_sets=1)
vmss.RequireHealthy("h", gate=fleet)
view = vmss.ScaleSetInstanceView(
    "v", scale_set=by_id.scale_set_id, recheck="always", skip=False, include_instances=True
)
view_by_output = vmss.ScaleSetInstanceView("w", scale_set=ID, include_instances=by_id.healthy, skip=maybe)

healthy: pulumi.Output[bool] = by_id.healthy
state: pulumi.Output[str] = by_id.state
reasons: pulumi.Output[Sequence[vmss.ReasonOutput]] = by_id.reasons
statuses: pulumi.Output[Sequence[vmss.StatusOutput] | None] = by_id.statuses
machines: pulumi.Output[vmss.VirtualMachineSummaryOutput | None] = by_id.virtual_machine
extensions: pulumi.Output[Sequence[vmss.ExtensionSummaryOutput] | None] = by_id.extensions
services: pulumi.Output[Sequence[vmss.OrchestrationServiceOutput] | None] = view.orchestration_services
read_at: pulumi.Output[str | None] = view.read_at
instances: pulumi.Output[Sequence[Mapping[str, Any]] | None] = view.instances
sets: pulumi.Output[Mapping[str, vmss.FleetSetOutput]] = fleet.sets
of_fleet: pulumi.Output[Mapping[str, str]] = fleet.scale_set_ids
healthy_sets: pulumi.Output[int] = fleet.healthy_sets
ill: pulumi.Output[list[str]] = sets.apply(lambda each: [name for name, one in each.items() if not one.healthy])
codes: pulumi.Output[list[str]] = reasons.apply(lambda each: [reason.code for reason in each])


def counts(summary: vmss.VirtualMachineSummaryOutput | None) -> list[vmss.StatusCountOutput]:
    return list(summary.statuses_summary or []) if summary else []


total: pulumi.Output[int] = machines.apply(lambda each: sum(count.count for count in counts(each)))
has_id: vmss.HasId = Mine()
version: str = vmss.__version__


def judge(seen: vmss.Snapshot) -> vmss.Verdict:
    return vmss.evaluate(seen, policy)


def words(verdict: vmss.Verdict) -> tuple[vmss.State, list[vmss.Reason], bool]:
    return verdict.state, list(verdict.reasons), verdict.passes


def read() -> vmss.InstanceView:
    try:
        return vmss.get_instance_view(ID)
    except (vmss.Throttled, vmss.Unavailable, vmss.ScaleSetNotFound, vmss.InstanceViewError) as error:
        raise RuntimeError(str(error)) from error


later_view: pulumi.Output[vmss.InstanceView] = vmss.get_instance_view_output(Mine())


def of_one(instance: vmss.Instance) -> list[vmss.ExtensionStatus]:
    own: vmss.VirtualMachineInstanceView | None = instance.view
    return list(own.extensions) if own else []


MODELS = (
    vmss.ExtensionProfile,
    vmss.ExtensionSummary,
    vmss.OrchestrationService,
    vmss.RollingUpgrade,
    vmss.ScaleSet,
    vmss.Status,
    vmss.StatusCount,
    vmss.VirtualMachineSummary,
)
ERRORS: tuple[type[vmss.InstanceViewError], ...] = (
    vmss.AzureError,
    vmss.ConfigurationError,
    vmss.CredentialError,
    vmss.Forbidden,
    vmss.InvalidScaleSetId,
    vmss.MalformedBody,
    vmss.NotSupported,
    vmss.Rejected,
    vmss.ScaleSetDeleted,
    vmss.Unauthorized,
    vmss.UnexpectedError,
)
