"""Reads one scale set: its instance view, its model, its instances, its latest rolling upgrade.

Azure reads Uniform and Flexible sets by different operations; callers see no difference, but in what a mode cannot
tell (`lacks`). Safe for many threads, but one reader serves one caller: it remembers what it has seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from vmss_instance_view import flexible, uniform
from vmss_instance_view.arm import Arm
from vmss_instance_view.clock import Deadline
from vmss_instance_view.cloud import find_cloud
from vmss_instance_view.credential import TokenSource
from vmss_instance_view.errors import NotSupported, ScaleSetDeleted, ScaleSetNotFound
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet
from vmss_instance_view.quota import INSTANCE_VIEW, Ledger
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.settings import Settings

T = TypeVar("T")


class ScaleSetReader:
    """One scale set. Every method reads anew and raises InstanceViewError where it cannot.

    Of a set whose model it has seen it raises ScaleSetDeleted in the place of ScaleSetNotFound.
    """

    def __init__(self, arm: Arm, scale_set: ScaleSetId) -> None:
        """Nothing is read yet."""
        self._arm = arm
        self._uniform = uniform.UniformReader(arm, scale_set)
        self._flexible = flexible.FlexibleReader(arm, scale_set)
        self._is_flexible = False
        self._model: ScaleSet | None = None

    def model(self, deadline: Deadline) -> ScaleSet:
        """The scale set's model."""
        try:
            self._model = self._uniform.model(deadline)
        except ScaleSetNotFound as error:
            raise _deleted(error) if self._model else error from None
        self._is_flexible = self._is_flexible or self._model.is_flexible
        return self._model

    def view(self, deadline: Deadline) -> InstanceView:
        """The instance view; of a Flexible set it is counted from its VMs."""
        return self._by_mode(self._uniform.view, self._flexible.view, deadline)

    def instances(self, deadline: Deadline) -> tuple[Instance, ...]:
        """All instances with their instance views. Those in a standby pool are not the set's yet."""
        return self._by_mode(self._uniform.instances, self._flexible.instances, deadline)

    def view_and_instances(self, deadline: Deadline) -> tuple[InstanceView, tuple[Instance, ...]]:
        """Both, with as few requests as the mode allows; the view is read last: what decides is the newest."""
        instances = self.instances(deadline)
        if self._is_flexible and self._model is not None:
            return flexible.count(self._model, instances), instances
        return self.view(deadline), instances

    def rolling_upgrade(self, deadline: Deadline) -> RollingUpgrade | None:
        """The latest rolling upgrade; None where there never was one."""
        try:
            return self._uniform.rolling_upgrade(deadline)
        except (ScaleSetNotFound, NotSupported):
            return None

    @property
    def requests(self) -> int:
        """How many requests it took so far, those that failed included."""
        return self._arm.requests

    @property
    def is_flexible(self) -> bool:
        """Whether the set is Flexible, so far as it is known: then its view costs as much as its instances."""
        return self._is_flexible

    @property
    def lacks(self) -> frozenset[str]:
        """Evidence that the set's mode cannot give, so far as it is known: {"latest model"} or nothing."""
        return flexible.LACKS if self._is_flexible else frozenset()

    @property
    def age(self) -> float:
        """Seconds by which what was last told of instances can be older than its reading: VMs' own views are kept."""
        return self._flexible.age

    def _by_mode(
        self,
        read_uniform: Callable[[Deadline], T],
        read_flexible: Callable[[ScaleSet, Deadline], T],
        deadline: Deadline,
    ) -> T:
        try:
            if not self._is_flexible:
                try:
                    return read_uniform(deadline)
                except NotSupported:
                    self._is_flexible = True  # the model may not name the mode; Azure's refusal does
            return read_flexible(self._model or self.model(deadline), deadline)
        except ScaleSetNotFound as error:
            raise _deleted(error) if self._model else error from None


class Azure:
    """The stack's Azure: connected when something is first read, then shared by all threads of the process."""

    def __init__(self, settings: Settings) -> None:
        """No I/O yet: Pulumi configures providers under a process-wide lock."""
        self._settings = settings
        self._lock = threading.Lock()
        self._arm: Arm | None = None
        self.ledger: Ledger = Ledger()

    def left(self, scale_set: ScaleSetId) -> float:
        """Reads of a set's instance view that are left: by our own account, and by what Azure last said."""
        resource = f"{scale_set}/instanceView".lower()
        return min([self.ledger.left(INSTANCE_VIEW, resource, time.monotonic()), *self.ledger.said.values()])

    @property
    def portal(self) -> str | None:
        """The address of the cloud's portal, None where it is not known (yet)."""
        return self._arm.cloud.portal if self._arm else None

    def reader(self, scale_set: ScaleSetId) -> ScaleSetReader:
        """A reader of one set. Raises ConfigurationError or Unavailable where the cloud cannot be found."""
        with self._lock:
            if self._arm is None:
                cloud = find_cloud(self._settings)
                self._arm = Arm(cloud, TokenSource(self._settings, cloud), self.ledger)
            return ScaleSetReader(self._arm.counted_apart(), scale_set)


def _deleted(error: ScaleSetNotFound) -> ScaleSetDeleted:
    text = f"{error}; it was there before"
    return ScaleSetDeleted(text, status=error.status, code=error.code, retry_after=error.retry_after)
