"""Scale sets as Azure would show them, for tests of verdicts and waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pulumi_vmss_health import (
    ExtensionProfile,
    ExtensionStatus,
    ExtensionSummary,
    Instance,
    InstanceView,
    ScaleSet,
    Snapshot,
    Status,
    StatusCount,
    VirtualMachineInstanceView,
    VirtualMachineSummary,
)

SKIPS = Status("ComponentStatus/CustomMetrics/succeeded", message='{"rollingUpgrade": {"SkipUpgrade": "true"}}')
HEALTH_EXTENSION = ExtensionProfile("health", "Microsoft.ManagedServices", "ApplicationHealthLinux", 5, 2)


@dataclass(frozen=True)
class Vm:
    """One VM, in the words of its status codes; None: Azure says nothing.

    skips: it asks to be left out of rolling upgrades. pool: it waits in a standby pool, as its instance view says.
    """

    provisioning: str | None = "succeeded"
    power: str | None = "running"
    health: str | None = "healthy"
    extensions: Sequence[tuple[str, str]] = (("cse", "succeeded"),)
    message: str | None = None
    latest: bool | None = True
    protected: bool = False
    zone: str | None = None
    agent: str = "succeeded"
    skips: bool = False
    pool: bool = False


def snapshot(
    *vms: Vm,
    capacity: int | None = None,
    status: str | None = "succeeded",
    extensions: Sequence[str] = ("cse",),
    health: bool = True,
    upgrade_mode: str = "Automatic",
    zones: Sequence[str] = (),
) -> Snapshot:
    """A full look at a set of these VMs, its view counted as Azure counts it."""
    profile = tuple(ExtensionProfile(name) for name in extensions)
    model = ScaleSet(
        name="web",
        capacity=len(vms) if capacity is None else capacity,
        extensions=(*profile, HEALTH_EXTENSION) if health else profile,
        upgrade_mode=upgrade_mode,
        zones=tuple(zones),
    )
    with_health = [_with_health_extension(vm) if health else vm for vm in vms]
    names = [each.name for each in model.extensions if each.name]
    view = InstanceView(
        VirtualMachineSummary(_count([vm.provisioning or "unknown" for vm in vms])),
        (Status(f"ProvisioningState/{status}", "Info", "Provisioning"),) if status else (),
        tuple(
            ExtensionSummary(name, _count([dict(vm.extensions).get(name, "creating") for vm in with_health]))
            for name in names
        ),
    )
    return Snapshot(view, model, tuple(_instance(str(number), vm) for number, vm in enumerate(with_health)))


def _with_health_extension(vm: Vm) -> Vm:
    return replace(vm, extensions=(*vm.extensions, ("health", "succeeded")))


def _count(states: Sequence[str]) -> tuple[StatusCount, ...]:
    return tuple(StatusCount(f"ProvisioningState/{state}", states.count(state)) for state in dict.fromkeys(states))


def _instance(instance_id: str, vm: Vm) -> Instance:
    statuses = [Status(f"ProvisioningState/{vm.provisioning}", message=vm.message)] if vm.provisioning else []
    statuses += [Status(f"PowerState/{vm.power}")] if vm.power else []
    metrics = (SKIPS,) if vm.skips else ()
    extensions = tuple(
        ExtensionStatus(name, (Status(f"ProvisioningState/{state}", message=vm.message),), metrics)
        for name, state in vm.extensions
    )
    health = Status(f"HealthState/{vm.health}") if vm.health else None
    agent = (Status(f"ProvisioningState/{vm.agent}"),)
    return Instance(
        instance_id,
        f"web_{instance_id}",
        provisioning_state=(vm.provisioning or "").split("/")[0].capitalize() or None,
        latest_model_applied=vm.latest,
        zones=(vm.zone,) if vm.zone else (),
        view=VirtualMachineInstanceView(tuple(statuses), extensions, agent, health, vm.pool or None),
        protected_from_scale_set_actions=vm.protected,
    )
