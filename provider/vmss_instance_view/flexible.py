"""The reads of a Flexible scale set, and its instance view counted from its VMs as Azure counts that of a Uniform one.

Azure refuses both Uniform operations here, so: the VMs of the resource group that name the set, plain (the resource)
and expanded (its instance view), joined by id. What the expanded list does not carry - its documentation promises
fault domain, power and provisioning only - comes from the VM's own instance view, at most once a minute.

A filter that matches nothing is answered with an empty list, also for a set that does not exist: the counts then are
zero, which is never "no problem" beside a capacity. Which model a VM has, this mode cannot tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from vmss_instance_view import quota
from vmss_instance_view.arm import Arm, Question
from vmss_instance_view.clock import Deadline
from vmss_instance_view.errors import ScaleSetNotFound
from vmss_instance_view.model import (
    ExtensionSummary,
    Instance,
    InstanceView,
    ScaleSet,
    Status,
    StatusCount,
    VirtualMachineInstanceView,
    VirtualMachineSummary,
)
from vmss_instance_view.parallel import each_of
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.uniform import instances_of

LACKS = frozenset({"latest model"})

_AGAIN_AFTER = 60.0  # seconds between two reads of one VM's own view: a set of 1,000 takes 1,000 requests
_WIDTH = 8
_LIST = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/virtualMachines"


@dataclass(frozen=True, slots=True)
class _OwnView:
    """A VM's own instance view, and when it was read (monotonic)."""

    view: VirtualMachineInstanceView | None
    read_at: float


class FlexibleReader:
    """One set. Remembers the VMs' own views for a minute. age: of the oldest one that was used last, in seconds."""

    def __init__(self, arm: Arm, scale_set: ScaleSetId) -> None:
        """Nothing is read yet."""
        self._arm = arm
        self._id = scale_set
        self._own_views: dict[str, _OwnView] = {}
        self.age = 0.0

    def view(self, model: ScaleSet, deadline: Deadline) -> InstanceView:
        """The instance view, counted."""
        return count(model, self.instances(model, deadline))

    def instances(self, model: ScaleSet, deadline: Deadline) -> tuple[Instance, ...]:
        """All instances with their instance views."""
        plain = self._list(deadline)
        expanded = self._list(deadline, ("$expand", "instanceView"))
        vms = {**expanded, **plain}
        joined = [replace(vm, view=expanded[key].view if key in expanded else vm.view) for key, vm in vms.items()]
        members = [vm for vm in joined if not vm.in_standby_pool]
        return tuple(self._completed(model, members, deadline))

    def _list(self, deadline: Deadline, *query: tuple[str, str]) -> dict[str, Instance]:
        path = _LIST.format(self._id.subscription_id, self._id.resource_group)
        what = f"VMs of scale set {self._id.name} (resource group {self._id.resource_group})"
        filtered = ("$filter", f"'virtualMachineScaleSet/id' eq '{self._id}'")
        question = Question(what, path, quota.VM_LIST, (filtered, *query))
        pages = self._arm.pages(question, instances_of, deadline)
        return {(each.id or each.instance_id).lower(): each for page in pages for each in page}

    def _completed(self, model: ScaleSet, members: list[Instance], deadline: Deadline) -> list[Instance]:
        """The members with what the list left out: whatever the model promises and the list does not show."""
        now = time.monotonic()
        asked = [each for each in members if each.id and _is_incomplete(model, each)]
        stale = [each for each in asked if self._is_stale(each, now)]
        for instance, view in zip(stale, each_of(lambda each: self._own(each, deadline), stale, _WIDTH), strict=True):
            self._own_views[_key(instance)] = _OwnView(view, now)
        self._own_views = {key: self._own_views[key] for key in map(_key, asked) if key in self._own_views}
        self.age = max((now - each.read_at for each in self._own_views.values()), default=0.0)
        return [self._with_own_view(each) for each in members]

    def _is_stale(self, instance: Instance, now: float) -> bool:
        known = self._own_views.get(_key(instance))
        return known is None or now - known.read_at >= _AGAIN_AFTER

    def _own(self, instance: Instance, deadline: Deadline) -> VirtualMachineInstanceView | None:
        what = f"instance view of VM {instance.instance_id} of scale set {self._id.name}"
        question = Question(what, f"{instance.id}/instanceView", quota.VM)
        try:
            return self._arm.get(question, VirtualMachineInstanceView.from_json, deadline)
        except ScaleSetNotFound:
            return None  # deleted since the list was read

    def _with_own_view(self, instance: Instance) -> Instance:
        known = self._own_views.get(_key(instance))
        if known is None or known.view is None:
            return instance
        listed = instance.view or VirtualMachineInstanceView()
        own = known.view
        view = VirtualMachineInstanceView(
            listed.statuses or own.statuses,
            listed.extensions or own.extensions,
            listed.vm_agent or own.vm_agent,
            listed.vm_health or own.vm_health,
        )
        return replace(instance, view=view)


def _key(instance: Instance) -> str:
    return (instance.id or instance.instance_id).lower()


def _is_incomplete(model: ScaleSet, instance: Instance) -> bool:
    view = instance.view
    if view is None:
        return True
    return bool(model.extensions and not view.extensions) or (model.reports_health and view.vm_health is None)


def count(model: ScaleSet, instances: Iterable[Instance]) -> InstanceView:
    """The instance view of a set of these instances, as Azure gives it for a Uniform set.

    Codes have two segments there, and an extension of the model that a VM does not list counts as creating. The
    status of the last operation is the model's provisioning state; its time is not known.
    """
    vms = tuple(instances)
    views = [each.view or VirtualMachineInstanceView() for each in vms]
    names = _names(model, views)
    extensions = [ExtensionSummary(name, _counted(_extension(view, name) for view in views)) for name in names]
    return InstanceView(
        VirtualMachineSummary(_counted(map(_provisioning, vms))),
        _set_statuses(model),
        tuple(extensions),
    )


def _names(model: ScaleSet, views: Iterable[VirtualMachineInstanceView]) -> Iterable[str]:
    """Every extension that the model has or a VM lists, once, as the model spells it."""
    listed = [each.name for view in views for each in view.extensions]
    modelled = [each.name for each in model.extensions]
    return {name.lower(): name for name in (*listed, *modelled) if name}.values()


def _provisioning(instance: Instance) -> str:
    status = instance.view.status("ProvisioningState") if instance.view else None
    return (status.state if status else "") or (instance.provisioning_state or "unknown").lower()


def _extension(view: VirtualMachineInstanceView, name: str) -> str:
    states = [
        status.state
        for extension in view.extensions
        if (extension.name or "").lower() == name.lower()
        for status in extension.statuses
    ]
    if "failed" in states:
        return "failed"
    return next((state for state in states if state != "succeeded"), "succeeded") if states else "creating"


def _counted(states: Iterable[str]) -> tuple[StatusCount, ...]:
    counts: dict[str, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return tuple(StatusCount(f"ProvisioningState/{state}", number) for state, number in counts.items())


def _set_statuses(model: ScaleSet) -> tuple[Status, ...]:
    state = (model.provisioning_state or "").lower()
    if not state:
        return ()
    level = "Error" if state == "failed" else "Info"
    return (Status(f"ProvisioningState/{state}", level, f"Provisioning {state}"),)
