"""The reads of a Flexible scale set, and its instance view counted from its VMs as Azure counts that of a Uniform one.

Azure refuses both Uniform operations here, so: the VMs of the resource group that name the set, plain (the resource)
and expanded (its instance view), joined by id. What the expanded list does not carry - its documentation promises
fault domain, power and provisioning only - comes from the VMs' own instance views.

A filter that matches nothing is answered with an empty list, also for a set that does not exist: the counts then are
zero, which is never "no problem" beside a capacity. Which model a VM has is told by the time in its tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from vmss_instance_view.azure.arm import Arm, Question
from vmss_instance_view.azure.wire import SMALL
from vmss_instance_view.clock import Deadline
from vmss_instance_view.limits import quota
from vmss_instance_view.limits.quota import Charge
from vmss_instance_view.model import (
    ExtensionSummary,
    Instance,
    InstanceView,
    ScaleSet,
    Status,
    StatusCount,
    VirtualMachineInstanceView,
    VirtualMachineSummary,
    is_failure,
    worst,
)
from vmss_instance_view.model.body import Body
from vmss_instance_view.reading.uniform import check_number, instances_of, pages_at_least
from vmss_instance_view.scale_set_id import ScaleSetId

_LIST = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/virtualMachines"
_VM_ID = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourcegroups/[\w.()-]{0,89}[\w()-]"
    r"/providers/microsoft\.compute/virtualmachines/[\w.-]{0,63}[\w-]",
    re.IGNORECASE,
)


class FlexibleReader:
    """One set. region, capacity, pages: as a UniformReader's; pages are those of one of its last lists.

    tells_pool: whether the last list says of any VM if it waits in a standby pool; else only its own view may tell.
    in_standby_pool: of how many it says that they do; they are not among the instances.
    """

    def __init__(self, arm: Arm, scale_set: ScaleSetId) -> None:
        """Read nothing yet."""
        self.region = ""
        self.capacity: int = 0
        self.pages: int = 1
        self.tells_pool: bool = False
        self.in_standby_pool: int = 0
        self._arm = arm
        self._id = scale_set

    def instances(self, deadline: Deadline, *, whole: bool = True) -> tuple[Instance, ...]:
        """Return all instances, with as much of their instance views as the list has.

        whole: read the plain list, too; else what the expanded one says of the resources is good enough.
        """
        queries: list[tuple[tuple[str, str], ...]] = [(("$expand", "instanceView"),), *([()] if whole else [])]
        expanded, *plain = self._arm.clock.each(lambda query: self._list(deadline, *query), queries, len(queries))
        vms = {**expanded, **(plain[0] if plain else {})}
        joined = [replace(vm, view=expanded[key].view if key in expanded else vm.view) for key, vm in vms.items()]
        self.tells_pool = any(vm.view is not None and vm.view.in_standby_pool is not None for vm in joined)
        members = tuple(vm for vm in joined if not vm.in_standby_pool)
        self.in_standby_pool = len(joined) - len(members)
        return members

    def own_view(self, instance: Instance) -> Question | None:
        """Return how to ask for the view of one VM; None if its id is not one of a VM in the set's subscription."""
        match = _VM_ID.fullmatch(instance.id or "")
        if match is None or match["subscription"].lower() != self._id.subscription_id.lower():
            return None
        what = f"instance view of VM {instance.instance_id} of scale set {self._id.name}"
        return Question(
            what, f"{instance.id}/instanceView", Charge(quota.VM, instance.id or "", self.region), limit=SMALL
        )

    def list_charge(self, lists: int) -> Charge:
        """Return the rate limits that so many lists count towards."""
        return Charge(quota.VM_LIST, str(self._id), self.region, lists * self.pages)

    def _list(self, deadline: Deadline, *query: tuple[str, str]) -> dict[str, Instance]:
        path = _LIST.format(self._id.subscription_id, self._id.resource_group)
        what = f"VMs of scale set {self._id.name} (resource group {self._id.resource_group})"
        filtered = ("$filter", f"'virtualMachineScaleSet/id' eq '{self._id}'")
        question = Question(what, path, Charge(quota.VM_LIST, str(self._id), self.region), (filtered, *query))
        found: dict[str, Instance] = {}
        pages = 0
        for page in self._arm.pages(question, instances_of(deadline, self._other_set), deadline):
            pages += 1
            self.pages = max(self.pages, pages_at_least(pages, self.capacity, len(page)))
            found.update(((each.id or each.instance_id).lower(), each) for each in page)
            check_number(question, len(found))
        self.pages = pages
        return found

    def _other_set(self, vm: Body) -> str | None:
        id_ = vm.child("properties").child("virtualMachineScaleSet").text("id")
        return id_ if id_ and id_.lower() != str(self._id).lower() else None


def count(model: ScaleSet, instances: Iterable[Instance]) -> InstanceView:
    """Return the instance view of a set of these instances, as Azure gives it for a Uniform set.

    Codes have two segments there, and an extension of the model that a VM does not list counts as creating. The
    status of the last operation is the model's provisioning state; its time is not known.
    """
    vms = tuple(instances)
    views = [each.view or VirtualMachineInstanceView() for each in vms]
    reported = [_extensions(view) for view in views]
    names = _names(model, views)
    extensions = [
        ExtensionSummary(name, _counted(each.get(name.lower(), "creating") for each in reported)) for name in names
    ]
    return InstanceView(
        VirtualMachineSummary(_counted(map(_provisioning, vms))),
        _set_statuses(model),
        tuple(extensions),
    )


def _names(model: ScaleSet, views: Iterable[VirtualMachineInstanceView]) -> Iterable[str]:
    """Return every extension that the model has or a VM lists, once, as the model spells it."""
    listed = [each.name for view in views for each in view.extensions]
    modelled = [each.name for each in model.extensions]
    return {name.lower(): name for name in (*listed, *modelled) if name}.values()


def _provisioning(instance: Instance) -> str:
    status = instance.view.status("ProvisioningState") if instance.view else None
    return (status.state if status else "") or (instance.provisioning_state or "unknown").lower()


def _extensions(view: VirtualMachineInstanceView) -> dict[str, str]:
    """Return the state of each extension that a VM lists with one, by its name in lower case."""
    said = {each.name: worst(view.extension_statuses(each.name)) for each in view.extensions if each.name}
    return {name.lower(): status.state for name, status in said.items() if status}


def _counted(states: Iterable[str]) -> tuple[StatusCount, ...]:
    counts: dict[str, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return tuple(StatusCount(f"ProvisioningState/{state}", number) for state, number in counts.items())


def _set_statuses(model: ScaleSet) -> tuple[Status, ...]:
    state = (model.provisioning_state or "").lower()
    if not state:
        return ()
    level = "Error" if is_failure(state) else "Info"
    return (Status(f"ProvisioningState/{state}", level, f"Provisioning {state}"),)
