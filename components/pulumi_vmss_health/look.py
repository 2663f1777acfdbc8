"""Looks at a scale set: at all that a policy judges, or at its instance view alone. Alone imports the reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pulumi_vmss_health.pace import Cost
from pulumi_vmss_health.policy import GatePolicy
from pulumi_vmss_health.snapshot import Depth, Snapshot
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.errors import ConfigurationError
from vmss_instance_view.reader import Azure, ScaleSetReader
from vmss_instance_view.scale_set_id import ScaleSetId

_FRESH = 1.0  # seconds that a view is not read again: its bucket is the tightest
_PAGE = 100  # instances that Azure sends on a page, roughly


class Looker:
    """Looks at one set for one wait. since: when the change began that is judged, None where it is not known."""

    def __init__(
        self, azure: Azure, scale_set: ScaleSetId, policy: GatePolicy, clock: Clock, since: datetime | None = None
    ) -> None:
        """Nothing is looked at yet."""
        self._azure = azure
        self._id = scale_set
        self._policy = policy
        self._clock = clock
        self._since = since
        self._reader: ScaleSetReader | None = None
        self._last: Snapshot | None = None
        self._view_at = clock.monotonic() - _FRESH

    def __call__(self, seconds: float, depth: Depth) -> Snapshot:
        """Look once, in at most so many seconds. Raises InstanceViewError where it cannot see.

        A look at the view alone carries the model of the last full one, and no instances.
        """
        deadline = Deadline(seconds)
        if self._reader is None:
            self._reader = self._azure.reader(self._id)
        # Counting a Flexible set's view takes its instances: nothing would be saved.
        if depth is Depth.VIEW and self._last is not None and not self._reader.is_flexible:
            self._last = replace(self._last, view=self._reader.view(deadline))
            self._view_at = self._clock.monotonic()
            return replace(self._last, instances=None, rolling_upgrade=None)
        self._last = self._full(self._reader, deadline)
        return self._last

    @property
    def requests(self) -> int:
        """How many requests its looks took so far."""
        return self._reader.requests if self._reader else 0

    @property
    def cost(self) -> Cost:
        """What a full look takes by now, and what is left."""
        instances = len(self._last.instances or ()) if self._last else 0
        requests = 4 + instances // _PAGE
        return Cost(requests, self._azure.left(self._id))

    def _full(self, reader: ScaleSetReader, deadline: Deadline) -> Snapshot:
        model = reader.model(deadline)
        self._refuse_what_the_mode_cannot_tell(reader)
        upgrade = reader.rolling_upgrade(deadline) if self._policy.rolling_upgrade == "wait" else None
        if self._last is not None and self._clock.monotonic() - self._view_at < _FRESH:
            view, instances = self._last.view, reader.instances(deadline)  # a view that passed a moment ago
        else:
            view, instances = reader.view_and_instances(deadline)
        return Snapshot(view, model, instances, upgrade, self._since, reader.lacks, age=reader.age)

    def _refuse_what_the_mode_cannot_tell(self, reader: ScaleSetReader) -> None:
        if reader.lacks and self._policy.stale_instances in ("fail", "wait"):
            raise ConfigurationError(
                f"stale_instances={self._policy.stale_instances!r} needs to know which model each VM runs, and Azure "
                "does not tell that of a set in Flexible orchestration mode; set stale_instances='auto'"
            )
