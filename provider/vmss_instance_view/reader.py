"""Reads one scale set: its instance view, its model, its instances. Alone knows the paths and the orchestration mode.

Only Uniform sets so far: Azure refuses these reads on Flexible sets, and its words reach the caller.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from vmss_instance_view.arm import Arm, Question
from vmss_instance_view.clock import Deadline
from vmss_instance_view.cloud import find_cloud
from vmss_instance_view.credential import TokenSource
from vmss_instance_view.model import Instance, InstanceView, ScaleSet
from vmss_instance_view.model.body import Body
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.settings import Settings


class ScaleSetReader:
    """One scale set. Every method reads anew and raises InstanceViewError where it cannot."""

    def __init__(self, arm: Arm, scale_set: ScaleSetId) -> None:
        """Nothing is read yet."""
        self._arm = arm
        self._id = scale_set

    def view(self, deadline: Deadline) -> InstanceView:
        """The instance view."""
        return self._arm.get(self._question("instance view", "/instanceView"), InstanceView.from_json, deadline)

    def model(self, deadline: Deadline) -> ScaleSet:
        """The scale set's model."""
        return self._arm.get(self._question("model", ""), ScaleSet.from_json, deadline)

    def instances(self, deadline: Deadline) -> tuple[Instance, ...]:
        """All instances with their instance views, from as many pages as Azure sends.

        Each once: a list that changes between two pages can show an instance twice, which must not count double.
        """
        question = self._question("instances", "/virtualMachines", ("$expand", "instanceView"))
        pages = self._arm.pages(question, _instances, deadline)
        return tuple({instance.instance_id: instance for page in pages for instance in page}.values())

    def _question(self, what: str, path: str, *query: tuple[str, str]) -> Question:
        named = f"{what} of scale set {self._id.name} (resource group {self._id.resource_group})"
        return Question(named, f"{self._id}{path}", query)


class Azure:
    """The stack's Azure: connected when something is first read, then shared by all threads of the process."""

    def __init__(self, settings: Settings) -> None:
        """No I/O yet: Pulumi configures providers under a process-wide lock."""
        self._settings = settings
        self._lock = threading.Lock()
        self._arm: Arm | None = None

    def reader(self, scale_set: ScaleSetId) -> ScaleSetReader:
        """A reader of one set. Raises ConfigurationError or Unavailable where the cloud cannot be found."""
        with self._lock:
            if self._arm is None:
                cloud = find_cloud(self._settings)
                self._arm = Arm(cloud, TokenSource(self._settings, cloud))
            return ScaleSetReader(self._arm, scale_set)


def _instances(page: Mapping[str, object]) -> list[Instance]:
    return [Instance.from_body(body) for body in Body(page).children("value")]
