"""Reads one scale set: its instance view, its model, its instances, its latest rolling upgrade.

Azure reads Uniform and Flexible sets by different operations; callers see no difference. One reader serves one caller:
it remembers what it has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import Enum
from typing import TypeVar

from vmss_instance_view.azure.arm import Arm, Question
from vmss_instance_view.clock import Deadline
from vmss_instance_view.errors import NotSupported, ScaleSetDeleted, ScaleSetNotFound
from vmss_instance_view.limits import quota
from vmss_instance_view.limits.quota import Charge
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet
from vmss_instance_view.reading import flexible, uniform
from vmss_instance_view.reading.own_views import OwnViews, is_bare
from vmss_instance_view.scale_set_id import ScaleSetId

T = TypeVar("T")

_OWN_AT_ONCE = 50  # own views that a look is reckoned with; it reads as many as there is room for


class Part(Enum):
    """The parts of a scale set that can be read."""

    MODEL = "the model"
    UPGRADE = "the latest rolling upgrade"
    VIEW = "the instance view"
    INSTANCES = "the list of instances, with the views of single instances for what it leaves out"
    OWN_VIEWS = "the views of single instances alone"


class ScaleSetReader:
    """One scale set. Every method reads anew and raises InstanceViewError if it cannot.

    needs_extensions: whether the VMs' extensions are needed though the model has none: others may install some, too.
    Raises ScaleSetDeleted instead of ScaleSetNotFound once the model has been read.
    """

    def __init__(self, arm: Arm, scale_set: ScaleSetId, *, needs_extensions: bool = False) -> None:
        """Read nothing yet."""
        self._needs_extensions = needs_extensions
        self._arm = arm
        self._uniform = uniform.UniformReader(arm, scale_set)
        self._flexible = flexible.FlexibleReader(arm, scale_set)
        self._own = OwnViews(arm)
        self._is_flexible = False
        self._model: ScaleSet | None = None
        self._listed: tuple[Instance, ...] = ()
        self._listed_at = 0.0
        self._in_pool = 0
        self._since: float | None = None
        self._found: list[tuple[Instance, Question]] = []
        self._found_for: tuple[object, object, object] = (self._listed, None, False)

    def model(self, deadline: Deadline) -> ScaleSet:
        """Return the scale set's model."""
        self._model = self._read(self._uniform.model, deadline)
        self._is_flexible = self._is_flexible or self._model.is_flexible
        self._uniform.region = self._flexible.region = self._model.location or ""
        self._uniform.capacity = self._flexible.capacity = self._model.capacity or 0
        return self._model

    def view(self, deadline: Deadline) -> InstanceView:
        """Return the instance view; of a Flexible set it is counted from its VMs."""
        if not self._is_flexible:
            try:
                return self._read(self._uniform.view, deadline)
            except NotSupported as refused:
                self._turn_flexible(refused)
        return flexible.count(self._model or self.model(deadline), self.instances(deadline))

    def instances(self, deadline: Deadline, *, since: float | None = None, whole: bool = True) -> tuple[Instance, ...]:
        """Return all instances with their instance views. Those in a standby pool are not the set's yet.

        since: own views of VMs that were read since this moment are good enough, and only as many others are read as
            time and budget allow (`oldest` tells); None: all are read now, in as many attempts as it takes: one goes
            on where the one before it failed. whole: False where a Flexible set's VMs may be told from one list instead
            of two.
        """
        now = self._arm.clock.monotonic()
        self._listed = self._list(deadline, whole=whole)
        self._listed_at = now
        self._own.forget_all_but(self._listed)
        if since is not None:
            self._own.read(self._bare(), deadline, since=since)
            return self._members()
        if self._since is None:
            self._since = now
        self._own.read(self._bare(), deadline, since=self._since, at_any_price=True)
        self._since = None
        return self._members()

    def own_views(self, which: Sequence[str] | None, deadline: Deadline, *, since: float) -> tuple[Instance, ...]:
        """Return the instances of the last list, after reading own views that were not read since a moment.

        which: instance ids; None: of all that the list left bare.
        """
        self._own.read(self._bare() if which is None else self._asked(which), deadline, since=since)
        return self._members()

    def rolling_upgrade(self, deadline: Deadline) -> RollingUpgrade | None:
        """Return the latest rolling upgrade; None if there never was one."""
        try:
            return self._uniform.rolling_upgrade(deadline)
        except (ScaleSetNotFound, NotSupported):
            return None

    def counted(self, instances: Sequence[Instance] | None) -> InstanceView | None:
        """Return the view of a Flexible set of these instances; None for a Uniform one, whose view is read."""
        if instances is None or self._model is None or not self._is_flexible:
            return None
        return flexible.count(self._model, instances)

    def charges(self, parts: Iterable[Part], *, whole: bool = True) -> list[Charge]:
        """Return which rate limits reading these parts counts towards, as far as known. whole: as for `instances`."""
        if self._is_flexible:  # its view is counted
            parts = {Part.INSTANCES if part is Part.VIEW else part: part for part in parts}
        return [charge for part in parts for charge in self._charges(part, lists=1 + whole)]

    def own_charges(self, which: Iterable[str]) -> list[Charge]:
        """Return which rate limits reading the views of these single instances counts towards."""
        return [asked.charge for _, asked in self._asked(which)]

    @property
    def oldest(self) -> float:
        """When the oldest own view that is needed was asked for; infinity: none is; minus infinity: one lacks."""
        return self._own.oldest(each for each, _ in self._bare())

    @property
    def unread(self) -> tuple[tuple[str, str], ...]:
        """The ids of the instances whose own views are needed and cannot be read, each with the reason why."""
        return self._own.unread(each for each, _ in self._bare())

    @property
    def in_standby_pool(self) -> int:
        """How many VMs of the last list wait in a standby pool."""
        return self._in_pool

    @property
    def requests(self) -> int:
        """How many requests it took so far, those that failed included."""
        return self._arm.requests

    @property
    def is_flexible(self) -> bool:
        """Whether the set is Flexible, so far as it is known: then its view costs as much as its instances."""
        return self._is_flexible

    def _list(self, deadline: Deadline, *, whole: bool) -> tuple[Instance, ...]:
        if not self._is_flexible:
            try:
                return self._read(self._uniform.instances, deadline)
            except NotSupported as refused:
                self._turn_flexible(refused)
        if self._model is None:
            self.model(deadline)
        return self._read(lambda left: self._flexible.instances(left, whole=whole), deadline)

    def _members(self) -> tuple[Instance, ...]:
        """Return the instances, joined with their own views: these may tell of a standby pool where a list does not."""
        joined = self._own.joined(self._listed, self._listed_at)
        members = tuple(_told(each, self._model) for each in joined if not each.in_standby_pool)
        self._in_pool = self._flexible.in_standby_pool + len(joined) - len(members)
        return members

    def _turn_flexible(self, refused: NotSupported) -> None:
        """Take Azure's refusal for the mode, unless the model names one: a set that says Uniform is Uniform."""
        if self._model is not None and self._model.orchestration_mode:
            raise refused
        self._is_flexible = True

    def _read(self, read: Callable[[Deadline], T], deadline: Deadline) -> T:
        """Read a part; a set that was read before and is not found is deleted."""
        try:
            return read(deadline)
        except ScaleSetNotFound as error:
            raise _deleted(error) if self._model else error from None

    def _bare(self) -> list[tuple[Instance, Question]]:
        """Find the instances of which the list left something out, and how to ask each; once for a list and a model."""
        found_for = (self._listed, self._model, self._is_flexible)
        if not all(one is other for one, other in zip(found_for, self._found_for, strict=True)):
            self._found = [(each, asked) for each in self._incomplete() if (asked := self._own_view(each))]
            self._found_for = found_for
        return self._found

    def _asked(self, which: Iterable[str]) -> list[tuple[Instance, Question]]:
        ids = {*which}
        named = [each for each in self._listed if each.instance_id in ids]
        return [(each, asked) for each in named if (asked := self._own_view(each))]

    def _incomplete(self) -> list[Instance]:
        model = self._model
        if model is None:
            return []
        # More VMs than the capacity, where it is known, may be those of a standby pool, of which the list did not tell.
        surplus = model.has_profile if model.capacity is None else len(self._listed) > model.capacity
        may_wait = self._is_flexible and surplus and not self._flexible.tells_pool
        return [
            each
            for each in self._listed
            if may_wait
            or is_bare(model, each, needs_extensions=self._needs_extensions)
            or self._may_have_left_pool(each)
        ]

    def _may_have_left_pool(self, instance: Instance) -> bool:
        """Return whether a VM that was in a standby pool may be the set's by now, and no list would tell."""
        is_told = instance.view is not None and instance.view.in_standby_pool is not None
        return not is_told and self._own.says_pool(instance)

    def _own_view(self, instance: Instance) -> Question | None:
        return self._flexible.own_view(instance) if self._is_flexible else self._uniform.own_view(instance)

    def _charges(self, part: Part, *, lists: int) -> list[Charge]:
        if part in (Part.MODEL, Part.UPGRADE):
            return [self._uniform.charge(quota.LOW_COST)]
        if part is Part.VIEW:
            return [self._uniform.charge(quota.HIGH_COST)]
        own = [asked.charge for _, asked in self._bare()[:_OWN_AT_ONCE]]
        if part is Part.OWN_VIEWS:
            return own
        if self._is_flexible:
            return [self._flexible.list_charge(lists), *own]
        pages = self._uniform.charge(quota.HIGH_COST, self._uniform.pages)
        return [pages, self._uniform.charge(quota.LISTED, len(self._listed)), *own]


def _told(instance: Instance, model: ScaleSet | None) -> Instance:
    """Return an instance that says whether it runs the model."""
    runs = model.runs_on(instance) if model else instance.latest_model_applied
    return instance if runs is instance.latest_model_applied else replace(instance, latest_model_applied=runs)


def _deleted(error: ScaleSetNotFound) -> ScaleSetDeleted:
    text = f"{error}; it was there before"
    return ScaleSetDeleted(text, status=error.status, code=error.code, retry_after=error.retry_after)
