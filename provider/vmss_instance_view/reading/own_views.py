"""The instance views of single VMs: for data that a list leaves out, and for a few VMs alone.

A list may carry no extensions and no application health (the published sample has neither), and a set of 1,000 VMs
takes 1,000 requests then: views are kept as they arrive, a look reads as many as time and budget allow, and the next
one goes on from there. A view that fails is asked for again by the next look; after some failures in a row the look is
complete without it, and names the VM among those that are `unread`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vmss_instance_view.azure.arm import Arm, Question
from vmss_instance_view.clock import Deadline, Overdue
from vmss_instance_view.errors import AzureError, NotSupported, Rejected, ScaleSetNotFound, Throttled, Unavailable
from vmss_instance_view.model import Instance, ScaleSet, VirtualMachineInstanceView

_WIDTH = 8
_AT_ONCE = 10.0  # seconds that one look spends on own views
_TO_SPARE = 2.0  # seconds that must be left to begin another
_PAUSE = 0.2  # seconds, until there may be room for another
_TRIES = 3  # of one view in a row, beside others that are read, until it is taken for one that cannot be read


@dataclass(frozen=True, slots=True)
class _OwnView:
    """A VM's own instance view, None if the VM was gone, and when it was asked for.

    error: why it cannot be read, "" if it can; the view is an old one then.
    """

    view: VirtualMachineInstanceView | None
    asked_at: float
    error: str = ""


class OwnViews:
    """The instance views of one set's single VMs. Moments are those of the reader's clock."""

    def __init__(self, arm: Arm) -> None:
        """Read nothing yet."""
        self._arm = arm
        self._kept: dict[str, _OwnView] = {}
        self._joined: dict[str, tuple[Instance, _OwnView, Instance]] = {}
        self._failures: dict[str, int] = {}

    def read(
        self,
        wanted: Iterable[tuple[Instance, Question]],
        deadline: Deadline,
        *,
        since: float,
        at_any_price: bool = False,
    ) -> None:
        """Read the views that were not read since a moment, as many as time and budget allow.

        wanted: instances, and how to ask for the view of each. at_any_price: all of them, as slowly as Azure's limits
        demand. Raises as `Arm.get`, and Overdue; what came before is kept. One view that fails is no error, unless
        none could be read, or all are wanted at any price.
        """
        clock = self._arm.clock
        wanted = [*wanted]
        due = [(each, asked) for each, asked in wanted if not self._is_read(each, since)]
        failed: list[tuple[Instance, AzureError]] = []
        is_small = len(due) <= _WIDTH  # enough to have been reckoned with before the look
        until = Deadline(_AT_ONCE, clock)

        def read_one(pair: tuple[Instance, Question]) -> None:
            instance, asked = pair
            if at_any_price and not is_small:
                self._wait_for_room(asked, deadline)
            elif not is_small and not self._may_go_on(asked, until, deadline):
                return
            now = clock.monotonic()
            try:
                self._kept[_key(instance)] = _OwnView(self._view(asked, deadline), now)
            except (Throttled, NotSupported):
                raise
            except (Rejected, Unavailable) as error:
                failed.append((instance, error))
            else:
                self._failures.pop(_key(instance), None)

        clock.each(read_one, due, _WIDTH)
        none_is_read = not any(self._is_read(each, since) for each, _ in wanted)
        if failed and (at_any_price or (none_is_read and not all(self._is_given_up(each) for each, _ in failed))):
            raise failed[0][1]
        for instance, error in failed:
            self._count_failure(instance, error)

    def forget_all_but(self, instances: Iterable[Instance]) -> None:
        """Drop the views of VMs that are there no more."""
        there = {*map(_key, instances)}
        self._kept = {key: kept for key, kept in self._kept.items() if key in there}
        self._joined = {key: joined for key, joined in self._joined.items() if key in there}
        self._failures = {key: number for key, number in self._failures.items() if key in there}

    def oldest(self, instances: Iterable[Instance]) -> float:
        """Return when the oldest of these views was read; minus infinity if one was never read."""
        known = (self._kept.get(_key(each)) for each in instances)
        return min((kept.asked_at if kept else float("-inf") for kept in known), default=float("inf"))

    def says_pool(self, instance: Instance) -> bool:
        """Return whether the VM itself said, when it was last asked, that it waits in a standby pool."""
        kept = self._kept.get(_key(instance))
        return bool(kept and kept.view and kept.view.in_standby_pool)

    def joined(self, instances: Sequence[Instance], listed_at: float) -> tuple[Instance, ...]:
        """Join instances with their own views; if list and view both have a value, the newer one counts."""
        return tuple(self._join(each, listed_at) for each in instances)

    def unread(self, instances: Iterable[Instance]) -> tuple[tuple[str, str], ...]:
        """Return the ids of the instances whose views cannot be read, each with the reason why."""
        known = ((each, self._kept.get(_key(each))) for each in instances)
        return tuple((each.instance_id, kept.error) for each, kept in known if kept and kept.error)

    def _count_failure(self, instance: Instance, error: AzureError) -> None:
        key = _key(instance)
        self._failures[key] = self._failures.get(key, 0) + 1
        if self._is_given_up(instance):
            kept = self._kept.get(key)
            self._kept[key] = _OwnView(kept.view if kept else None, self._arm.clock.monotonic(), str(error))

    def _is_given_up(self, instance: Instance) -> bool:
        return self._failures.get(_key(instance), 0) >= _TRIES

    def _is_read(self, instance: Instance, since: float) -> bool:
        kept = self._kept.get(_key(instance))
        return kept is not None and kept.asked_at >= since

    def _may_go_on(self, asked: Question, until: Deadline, deadline: Deadline) -> bool:
        try:
            until.left()
            enough_time = deadline.left() > _TO_SPARE
        except Overdue:
            return False
        return enough_time and self._has_room(asked)

    def _wait_for_room(self, asked: Question, deadline: Deadline) -> None:
        while not self._has_room(asked):
            deadline.left()
            self._arm.clock.wait(_PAUSE)

    def _has_room(self, asked: Question) -> bool:
        return self._arm.budget.spare(asked.charge, self._arm.clock.monotonic()) >= 1

    def _view(self, asked: Question, deadline: Deadline) -> VirtualMachineInstanceView | None:
        try:
            return self._arm.get(asked, VirtualMachineInstanceView.from_json, deadline)
        except ScaleSetNotFound:
            return None  # deleted since the list was read

    def _join(self, instance: Instance, listed_at: float) -> Instance:
        key = _key(instance)
        kept = self._kept.get(key)
        if kept is None or kept.view is None or kept.error:
            return instance
        known = self._joined.get(key)
        if known is None or known[0] is not instance or known[1] is not kept:
            known = self._joined[key] = (instance, kept, _with_own_view(instance, kept, kept.view, listed_at))
        return known[2]


def _with_own_view(instance: Instance, kept: _OwnView, own: VirtualMachineInstanceView, listed_at: float) -> Instance:
    listed = instance.view or VirtualMachineInstanceView()
    newer, older = (own, listed) if kept.asked_at >= listed_at else (listed, own)
    view = VirtualMachineInstanceView(
        newer.statuses or older.statuses,
        newer.extensions or older.extensions,
        newer.vm_agent or older.vm_agent,
        newer.vm_health or older.vm_health,
        older.in_standby_pool if newer.in_standby_pool is None else newer.in_standby_pool,
    )
    return replace(instance, view=view)


def is_bare(model: ScaleSet, instance: Instance, *, needs_extensions: bool = False) -> bool:
    """Return whether a list may have left out something of an instance that its own view has.

    That is what the model promises (extensions, application health) or the caller needs, or, where the list has nothing
    at all of what guests report, that a VM of a Flexible set waits in a standby pool. A set without a profile promises
    nothing, so that anything may be left out.
    """
    view = instance.view
    if view is None:
        return True
    if model.is_flexible and not model.has_profile:
        return not view.extensions or view.vm_health is None
    if model.is_flexible and not view.extensions and view.vm_health is None and view.in_standby_pool is None:
        return True
    lacks_extensions = not view.extensions and (needs_extensions or bool(model.extensions))
    return lacks_extensions or (model.reports_health and view.vm_health is None)


def _key(instance: Instance) -> str:
    return (instance.id or instance.instance_id).lower()
