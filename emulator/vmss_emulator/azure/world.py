"""Everything that the emulator knows: one subscription, its resources, its operations, and the timeline.

Whoever reads or changes it holds its lock: requests come in one thread, the owner of an `Emulator` sits in another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from vmss_emulator.azure.operations import Operation
from vmss_emulator.azure.resources import Resources
from vmss_emulator.machines.history import Outcome
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.protocol import cloud
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError, resource_not_found
from vmss_emulator.protocol.quota import Meter, Quota
from vmss_emulator.script.captured import Captured, Told
from vmss_emulator.script.faults import FaultLine
from vmss_emulator.script.timeline import LIST_CARRIES, Life, Timeline

# How long a client should wait between two looks at an operation; Azure says more, yet nothing here takes minutes.
_RETRY_AFTER = "1"


@dataclass(slots=True)
class World:
    """The state behind all routes.

    Attributes:
        clock: Unix seconds.
        url: where clients find Azure Resource Manager; known once the server listens.
        page_size: instances on one page of a list.
        tenant_id: of the identities that resources have.
        list_carries: what the expanded list of VMs tells of a set for which the timeline does not say it.
        names: of all scale sets that there ever were.
        gone: those that were deleted, and when.
        quota: what may be asked in a minute where the timeline does not say it; None: anything.
        captured: what is answered instead of everything that lives here; None: nothing.
        played_since: when it was first asked for.
    """

    subscription_id: str
    clock: Callable[[], float]
    page_size: int
    timeline: Timeline
    list_carries: frozenset[str] = frozenset(LIST_CARRIES)
    quota: Quota | None = None
    captured: Captured | None = None
    played_since: float | None = None
    url: str = ""
    tenant_id: str = ""
    resources: Resources = field(default_factory=Resources)
    scale_sets: dict[str, ScaleSet] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    faults: FaultLine = field(default_factory=lambda: FaultLine(()))
    meter: Meter | None = None
    names: list[str] = field(default_factory=list)
    gone: list[tuple[ScaleSet, float]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.resources.tenant_id = self.tenant_id
        self._heed(self.timeline)

    def _heed(self, timeline: Timeline) -> None:
        self.timeline, self.faults = timeline, FaultLine(timeline.faults)
        quota = timeline.quota or self.quota
        if quota is None or self.meter is None or self.meter.quota != quota:
            self.meter = None if quota is None else Meter(quota)

    def load(self, timeline: Timeline) -> None:
        """Let another timeline hold from now on; operations that have ended stay ended, fault counts begin anew.

        What was spent of a quota stays spent, unless the new timeline has another quota.
        """
        with self.lock:
            now = self.clock()
            for found in self.scale_sets.values():
                found.settle(self.life(found), now)
            self._heed(timeline)

    def played(self, captured: Captured, path: str, query: Mapping[str, str]) -> Told:
        """Return what a capture answers now; its time begins with the first request.

        Raises:
            ArmError: 404: the capture has no such answer.
        """
        now = self.clock()
        self.played_since = now if self.played_since is None else self.played_since
        told = captured.answer(path, query, now - self.played_since, self.url)
        if told is None:
            raise ArmError(404, "ResourceNotFound", f"The capture has no answer for '{path}'.", gateway=True)
        return told

    def life(self, found: ScaleSet) -> Life:
        """Return how a set's instances live."""
        return self.timeline.life(found.name)

    def idle_entries(self) -> list[str]:
        """Return the timeline's entries that were about none of the sets that there ever were."""
        used = {self.timeline.entry(name) for name in self.names}
        return [entry for entry in self.timeline.lives if entry != "*" and entry not in used]

    def carried(self, found: ScaleSet) -> frozenset[str]:
        """Return what the expanded list tells of the VMs of a set."""
        own = self.life(found).list_carries
        return self.list_carries if own is None else own

    def scale_set(self, path: ArmPath) -> ScaleSet:
        """Return the set that a path lies in.

        Raises:
            ArmError: 404 ResourceGroupNotFound or ResourceNotFound.
        """
        self.resources.group(path)
        own = path.up(len(path.parts) - 2)
        found = self.scale_sets.get(own.id.lower())
        if found is None:
            raise resource_not_found(own.kind, own.name, path.group or "")
        return found

    def require(self, path: ArmPath) -> None:
        """Make sure that the resource is there which another one extends.

        Raises:
            ArmError: 404.
        """
        if path.lower()[:1] == ("virtualmachinescalesets",):
            self.scale_set(path)
        else:
            self.resources.stored(path)

    def delete_group(self, path: ArmPath) -> None:
        """Remove a group and all that is in it, scale sets included."""
        self.resources.delete_group(path)
        for key in [key for key in self.scale_sets if key.startswith(path.id.lower() + "/")]:
            self.remove(self.scale_sets[key])

    def remove(self, found: ScaleSet) -> None:
        """Remove a scale set, and remember when."""
        now = self.clock()
        found.settle(self.life(found), now)
        del self.scale_sets[found.id.lower()]
        self.gone.append((found, now))

    def begin(self, outcome: Callable[[float], Outcome | None]) -> Operation:
        """Begin an operation."""
        operation = Operation(self.clock(), outcome)
        self.operations[operation.id] = operation
        return operation

    def follow(self, found: ScaleSet, attempt: int, version: str, *, by_location: bool = False) -> dict[str, str]:
        """Return the headers that lead to an operation on a set (see `ScaleSet.put`)."""
        operation = self.begin(lambda now: found.outcome(attempt, self.life(found), now))
        return self.lead_to(operation, found, version, by_location=by_location)

    def lead_to(
        self, operation: Operation, found: ScaleSet, version: str, *, by_location: bool = False
    ) -> dict[str, str]:
        """Return the headers that lead to an operation on a set, in Azure's form but on this host.

        by_location: another one leads there, too, for clients that want a status alone, as after POST and DELETE.
        """
        place = cloud.location(found.body["location"])
        base = f"{self.url}/subscriptions/{self.subscription_id}/providers/Microsoft.Compute/locations/{place}"
        query = urlencode({"api-version": version})
        url = f"{base}/operations/{operation.id}?{query}"
        more = {"Location": f"{url}&monitor=true"} if by_location else {}
        told = {"Azure-AsyncOperation": url, "Azure-AsyncNotification": "Enabled", "Retry-After": _RETRY_AFTER}
        return told | more

    def operation(self, operation_id: str) -> Operation:
        """Return an operation by its id.

        Raises:
            ArmError: 404.
        """
        found = self.operations.get(operation_id)
        if found is None:
            raise ArmError(404, "OperationNotFound", f"There is no operation '{operation_id}'.")
        return found
