"""The reads of a Uniform scale set, and those that both modes share: model and rolling upgrade."""

from __future__ import annotations

from collections.abc import Mapping

from vmss_instance_view import quota
from vmss_instance_view.arm import Arm, Question
from vmss_instance_view.clock import Deadline
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet
from vmss_instance_view.model.body import Body
from vmss_instance_view.quota import Limits
from vmss_instance_view.scale_set_id import ScaleSetId


class UniformReader:
    """One set. Raises NotSupported for views and instances of a Flexible set."""

    def __init__(self, arm: Arm, scale_set: ScaleSetId) -> None:
        """Nothing is read yet."""
        self._arm = arm
        self._id = scale_set

    def model(self, deadline: Deadline) -> ScaleSet:
        """The scale set's model."""
        return self._arm.get(self._question("model", "", quota.SCALE_SET), ScaleSet.from_json, deadline)

    def view(self, deadline: Deadline) -> InstanceView:
        """The instance view."""
        question = self._question("instance view", "/instanceView", quota.INSTANCE_VIEW)
        return self._arm.get(question, InstanceView.from_json, deadline)

    def instances(self, deadline: Deadline) -> tuple[Instance, ...]:
        """All instances with their instance views, from as many pages as Azure sends.

        Each once: a list that changes between two pages can show an instance twice, which must not count double.
        """
        question = self._question("instances", "/virtualMachines", quota.INSTANCES, ("$expand", "instanceView"))
        pages = self._arm.pages(question, instances_of, deadline)
        return tuple({instance.instance_id: instance for page in pages for instance in page}.values())

    def rolling_upgrade(self, deadline: Deadline) -> RollingUpgrade:
        """The latest rolling upgrade. Raises ScaleSetNotFound where there never was one."""
        question = self._question("latest rolling upgrade", "/rollingUpgrades/latest", quota.SCALE_SET)
        return self._arm.get(question, RollingUpgrade.from_json, deadline)

    def _question(self, what: str, path: str, limits: Limits, *query: tuple[str, str]) -> Question:
        named = f"{what} of scale set {self._id.name} (resource group {self._id.resource_group})"
        return Question(named, f"{self._id}{path}", limits, query)


def instances_of(page: Mapping[str, object]) -> list[Instance]:
    """The instances on one page of a list."""
    return [Instance.from_body(body) for body in Body(page).children("value")]
