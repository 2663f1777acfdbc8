"""The reads of a Uniform scale set, and those that both modes share: model and rolling upgrade."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from vmss_instance_view.azure.arm import Arm, Parse, Question
from vmss_instance_view.azure.wire import SMALL
from vmss_instance_view.clock import Deadline
from vmss_instance_view.errors import MalformedBody, Rejected
from vmss_instance_view.limits import quota
from vmss_instance_view.limits.quota import Charge, Policy
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet
from vmss_instance_view.model.body import Body
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import clean

_INSTANCES = 5_000  # of a set; Azure's limit is 1,000
_INSTANCE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")  # digits, as far as is known


class UniformReader:
    """One set. Raises NotSupported for views and instances of a Flexible set.

    region: of the set, "" until it is known. capacity: of the set, 0 until it is known. pages: how many its last list
    had; of one that came to no end, how many it was to have.
    """

    def __init__(self, arm: Arm, scale_set: ScaleSetId) -> None:
        """Read nothing yet."""
        self.region = ""
        self.capacity: int = 0
        self.pages: int = 1
        self._arm = arm
        self._id = scale_set

    def model(self, deadline: Deadline) -> ScaleSet:
        """Return the scale set's model."""
        return self._arm.get(self._question("model", "", quota.LOW_COST), _model_of, deadline)

    def view(self, deadline: Deadline) -> InstanceView:
        """Return the instance view."""
        question = self._question("instance view", "/instanceView", quota.HIGH_COST)
        return self._arm.get(question, InstanceView.from_json, deadline)

    def instances(self, deadline: Deadline) -> tuple[Instance, ...]:
        """Read all instances, with as much of their instance views as the list has, from as many pages as Azure sends.

        Each once: a list that changes between two pages can show an instance twice, which must not count double.
        """
        question = self._question("instances", "/virtualMachines", quota.HIGH_COST, ("$expand", "instanceView"))
        found: dict[str, Instance] = {}
        pages = 0
        for page in self._arm.pages(question, instances_of(deadline, self._other_set), deadline):
            pages += 1
            self.pages = max(self.pages, pages_at_least(pages, self.capacity, len(page)))
            listed = Charge(quota.LISTED, str(self._id), self.region, len(page))
            self._arm.budget.spend(listed, self._arm.clock.monotonic())
            found.update((instance.instance_id, instance) for instance in page)
            check_number(question, len(found))
        self.pages = pages
        return tuple(found.values())

    def own_view(self, instance: Instance) -> Question | None:
        """Return how to ask for the view of one instance; None if its id is none: it would lead elsewhere."""
        if not _INSTANCE_ID.fullmatch(instance.instance_id):
            return None
        path = f"{self._id}/virtualMachines/{instance.instance_id}"
        what = f"instance view of instance {instance.instance_id} of scale set {self._id.name}"
        return Question(what, f"{path}/instanceView", Charge(quota.SCALE_SET_VM, path, self.region), limit=SMALL)

    def rolling_upgrade(self, deadline: Deadline) -> RollingUpgrade:
        """Return the latest rolling upgrade. Raises ScaleSetNotFound if there never was one."""
        question = self._question("latest rolling upgrade", "/rollingUpgrades/latest", quota.LOW_COST)
        return self._arm.get(question, RollingUpgrade.from_json, deadline)

    def charge(self, policy: Policy, tokens: float = 1.0) -> Charge:
        """Return the rate limit that a read of the set counts towards."""
        return Charge(policy, str(self._id), self.region, tokens)

    def _other_set(self, vm: Body) -> str | None:
        id_ = vm.text("id")
        return id_ if id_ and not id_.lower().startswith(f"{self._id}/virtualMachines/".lower()) else None

    def _question(self, what: str, path: str, policy: Policy, *query: tuple[str, str]) -> Question:
        named = f"{what} of scale set {self._id.name} (resource group {self._id.resource_group})"
        return Question(named, f"{self._id}{path}", self.charge(policy), query)


def _model_of(body: Mapping[str, object]) -> ScaleSet:
    """Parse a model. Unlike a view, it is never empty."""
    if not any(body.get(key) for key in ("id", "name", "properties")):
        raise MalformedBody("$", "this is no scale set: it has no id, no name and no properties")
    return ScaleSet.from_json(body)


def instances_of(deadline: Deadline, other_set: Callable[[Body], str | None]) -> Parse[list[Instance]]:
    """Return how the instances on one page of a list are read. The parser raises Overdue once the deadline is past.

    other_set: returns the id by which a VM says that it is another set's. It must not count here, whoever listed it.
    """

    def parse(page: Mapping[str, object]) -> list[Instance]:
        listed = page.get("value")
        if not isinstance(listed, list):
            raise MalformedBody("$.value", "a list belongs here")
        if len(listed) > _INSTANCES:
            raise MalformedBody("$.value", f"more than {_INSTANCES:,} instances are on one page")
        found = []
        for index, body in enumerate(Body(page).children("value")):
            deadline.left()
            if other := other_set(body):
                raise MalformedBody(f"$.value[{index}]", f"a VM of another scale set is listed: {clean(other, 300)}")
            found.append(Instance.from_body(body))
        return found

    return parse


def pages_at_least(read: int, capacity: int, on_page: int) -> int:
    """Return how many pages a list has at least, after so many were read; the size of the first one tells more."""
    return -(-capacity // on_page) if read == 1 and capacity and on_page else read


def check_number(question: Question, instances: int) -> None:
    """Raise Rejected for more instances than a set can have."""
    if instances > _INSTANCES:
        raise Rejected(f"{question.what}: gave up: there are more than {_INSTANCES:,}, and Azure's limit is 1,000")
