"""Look at a scale set: read all that a policy judges, or the part that is still open. Alone imports the reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Ask, Depth, Snapshot
from pulumi_vmss_health.waiting.prospects import refusal
from vmss_instance_view.clock import Deadline
from vmss_instance_view.connection import Azure
from vmss_instance_view.errors import ConfigurationError
from vmss_instance_view.limits import quota
from vmss_instance_view.limits.quota import Charge, Room
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet
from vmss_instance_view.reading.reader import Part, ScaleSetReader
from vmss_instance_view.scale_set_id import ScaleSetId

_FRESH = 1.0  # seconds for which a view is not read again, because its rate limit is the tightest
_ONCE = float("-inf")  # single instances' views of any age are good enough


class Looker:
    """Looks at one set for one wait."""

    def __init__(self, azure: Azure, scale_set: ScaleSetId, policy: GatePolicy) -> None:
        """Read nothing yet."""
        self._azure = azure
        self._clock = azure.clock
        self._id = scale_set
        self._policy = policy
        self._reader: ScaleSetReader | None = None
        self._last: Snapshot | None = None
        self._looks = 0
        self._sampled = 0
        self._view_at = self._clock.monotonic() - _FRESH

    def __call__(self, seconds: float, ask: Ask) -> Snapshot:
        """Look once, in at most `seconds`. Raises InstanceViewError if the set cannot be read.

        A partial look returns the other parts as they were read last.
        """
        began = self._clock.monotonic()
        deadline = Deadline(seconds, self._clock)
        if self._reader is None:
            names_extensions = self._policy.extensions not in ("all", ())
            self._reader = self._azure.reader(self._id, deadline, needs_extensions=names_extensions)
        self._looks += 1
        this_one = self._looks
        seen = self._part(self._reader, ask, deadline)
        oldest = self._reader.oldest
        seen = replace(seen, age=max(began - oldest, 0.0), is_bare=oldest < float("inf"), unread=self._reader.unread)
        if this_one == self._looks:  # otherwise this look was abandoned, and another one began
            self._last = seen
        return seen

    def room(self, ask: Ask) -> Room:
        """Return what the rate limits of the set and its instances leave for such a look."""
        return self._azure.budget.room(self._charges(ask), self._clock.monotonic())

    def turn(self, ask: Ask) -> float:
        """Reserve a place for such a look among all of this process; return the seconds until it may begin."""
        return self._azure.budget.turn(self._charges(ask), self._clock.monotonic(), urgent=ask.urgent)

    def turn_now(self, ask: Ask) -> bool:
        """Reserve a place for such a look if it may begin at once; return whether it may."""
        return self._azure.budget.turn_now(self._charges(ask), self._clock.monotonic())

    @property
    def requests(self) -> int:
        """The number of requests that were sent so far."""
        return self._reader.requests if self._reader else 0

    def _part(self, reader: ScaleSetReader, ask: Ask, deadline: Deadline) -> Snapshot:
        """Read a part. In a mode that has no operation for the part alone, read the instances."""
        last = self._last
        if last is None or ask.depth is Depth.FULL:
            return self._full(reader, ask, deadline)
        if ask.depth is Depth.UPGRADE:
            return replace(last, rolling_upgrade=reader.rolling_upgrade(deadline))
        if ask.depth is Depth.OWN_VIEWS:
            return self._with(reader, last, self._own_views(reader, ask, last.instances or (), deadline))
        if ask.depth is Depth.INSTANCES or reader.is_flexible:
            instances = reader.instances(deadline, since=_ONCE, whole=False)
            if which := self._asked_beside_list(ask):
                instances = reader.own_views(which, deadline, since=ask.since)
            return self._with(reader, last, instances)
        if ask.depth is Depth.VIEW_AND_MODEL:
            model = reader.model(deadline)
            last = replace(last, scale_set=model, rolling_upgrade=self._upgrade(reader, deadline))
        view = reader.view(deadline)
        self._view_at = self._clock.monotonic()
        # If the view has changed, the instances that were read before may have changed, too.
        return replace(last, view=view, instances=last.instances if view == last.view else None)

    def _own_views(
        self, reader: ScaleSetReader, ask: Ask, before: Sequence[Instance], deadline: Deadline
    ) -> tuple[Instance, ...]:
        """Read a sample of the open instances; if one of it has changed, the others as well, where there is room."""
        sample = self._sample(ask)
        seen = reader.own_views(sample, deadline, since=ask.since)
        self._sampled += ask.sample or 0
        if sample is None or ask.which is None or [*map(_states, seen)] == [*map(_states, before)]:
            return seen
        others = [each for each in ask.which if each not in sample]
        return reader.own_views(ask.which, deadline, since=ask.since) if self._has_room(reader, others) else seen

    def _has_room(self, reader: ScaleSetReader, which: Sequence[str]) -> bool:
        """Return whether the views of these instances may be read at once, and if so, book them."""
        charges, now = reader.own_charges(which), self._clock.monotonic()
        return self._azure.budget.room(charges, now).closed == 0 and self._azure.budget.turn_now(charges, now)

    def _sample(self, ask: Ask) -> tuple[str, ...] | None:
        """Return the open instances to read first, others than at the look before."""
        if ask.which is None or ask.sample is None or ask.sample >= len(ask.which):
            return ask.which
        first = self._sampled % len(ask.which)
        return (ask.which + ask.which)[first : first + ask.sample]

    def _with(self, reader: ScaleSetReader, last: Snapshot, instances: tuple[Instance, ...]) -> Snapshot:
        view = reader.counted(instances) or last.view
        return replace(last, view=view, instances=instances, in_standby_pool=reader.in_standby_pool)

    def _full(self, reader: ScaleSetReader, ask: Ask, deadline: Deadline) -> Snapshot:
        """Read everything, in parallel; the first time read the model before, which tells the orchestration mode."""
        first = None if self._last else reader.model(deadline)
        if first is not None and (why := refusal(first, self._policy)):
            raise ConfigurationError(why)
        is_fresh = self._last is not None and self._clock.monotonic() - self._view_at < _FRESH
        reads: dict[str, Callable[[], Any]] = {}
        if first is None:
            reads["model"] = lambda: reader.model(deadline)
        reads["upgrade"] = lambda: self._upgrade(reader, deadline)
        reads["instances"] = lambda: reader.instances(deadline, since=ask.since)
        if not is_fresh and not reader.is_flexible:
            reads["view"] = lambda: reader.view(deadline)
        results = self._clock.each(lambda read: read(), reads.values(), len(reads))
        read = dict(zip(reads, results, strict=True))
        instances: tuple[Instance, ...] = read["instances"]
        model: ScaleSet = first or read["model"]
        upgrade: RollingUpgrade | None = read.get("upgrade")
        known = self._last.view if self._last else InstanceView()
        view: InstanceView = reader.counted(instances) or read.get("view") or known
        if reader.is_flexible and not model.is_flexible:  # the mode is known from Azure's refusal, not from the model
            model = replace(model, orchestration_mode="Flexible")
        return Snapshot(view, model, instances, upgrade, in_standby_pool=reader.in_standby_pool)

    def _upgrade(self, reader: ScaleSetReader, deadline: Deadline) -> RollingUpgrade | None:
        return reader.rolling_upgrade(deadline) if self._policy.rolling_upgrade == "wait" else None

    def _charges(self, ask: Ask) -> list[Charge]:
        reader = self._reader
        if reader is None:
            # The mode is not known yet, nor whether views of single instances have to be read.
            kinds = (quota.HIGH_COST, quota.LOW_COST, quota.VM_LIST, quota.VM)
            return [Charge(kind, str(self._id), tokens=2.0) for kind in kinds]
        if ask.depth is Depth.OWN_VIEWS and ask.which is not None:
            return reader.own_charges(self._sample(ask) or ())
        charges = reader.charges(_PARTS[ask.depth], whole=ask.depth is Depth.FULL)
        named = reader.own_charges(self._asked_beside_list(ask))
        return [*charges, *(each for each in named if each not in charges)]

    def _asked_beside_list(self, ask: Ask) -> tuple[str, ...]:
        """Return the open instances whose own views are read besides the list, because the list leaves out data."""
        last = self._last
        is_list = ask.depth is Depth.INSTANCES and last is not None and last.is_bare
        return (ask.which or ()) if is_list else ()


def _states(instance: Instance) -> tuple[object, ...]:
    """Return what an instance says, without times and messages: the agent's status has the time of each read."""
    view = instance.view
    if view is None:
        return (instance.instance_id,)
    extensions = tuple((each.name, *(status.code for status in each.statuses)) for each in view.extensions)
    health = view.vm_health.code if view.vm_health else None
    codes = tuple(each.code for each in (*view.statuses, *view.vm_agent))
    return (instance.instance_id, instance.provisioning_state, view.in_standby_pool, health, codes, extensions)


_PARTS: dict[Depth, tuple[Part, ...]] = {
    Depth.FULL: (Part.MODEL, Part.UPGRADE, Part.INSTANCES, Part.VIEW),
    Depth.VIEW: (Part.VIEW,),
    Depth.INSTANCES: (Part.INSTANCES,),
    Depth.OWN_VIEWS: (Part.OWN_VIEWS,),
    Depth.UPGRADE: (Part.UPGRADE,),
    Depth.VIEW_AND_MODEL: (Part.VIEW, Part.MODEL, Part.UPGRADE),
}
