"""A deliberately naive oracle of a scale set's true health, and the Azure that shows it.

It shares nothing with the verdict: it looks at machines, not at Azure's bodies, and counts with fractions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from tests.clocks import VirtualClock
from tests.metered import Metered, ScaleSet
from tests.sets import HEALTH_EXTENSION, Vm, snapshot

from pulumi_vmss_health import GatePolicy, RollingUpgrade, Snapshot
from pulumi_vmss_health.look import Looker
from pulumi_vmss_health.snapshot import Ask, Depth
from pulumi_vmss_health.watch import Outcome, watch
from vmss_instance_view.quota import Room
from vmss_instance_view.wire import Answer

GOOD = Vm(zone="1")


@dataclass(frozen=True)
class World:
    """What is true of a set for a while.

    lost: what a read of it is answered with instead, or the evidence that is missing. view_of: an older world that the
    instance view still shows. latency: seconds that each request takes. flexible: the mode, which tells no models apart
    and whose view is counted from the machines.
    """

    machines: tuple[Vm, ...] = ()
    capacity: int = 0
    operation: str = "succeeded"
    upgrading: bool = False
    lost: str | None = None
    manual: bool = False
    view_of: World | None = None
    latency: float = 0.2
    flexible: bool = False


@dataclass(frozen=True)
class History:
    """Worlds one after the other, each with the moment it begins."""

    chapters: tuple[tuple[float, World], ...]

    def at(self, moment: float) -> World:
        return [world for begins, world in self.chapters if begins <= moment][-1]


# --- What is true, told from the machines --------------------------------------------------------------------------


def is_met(world: World, policy: dict[str, Any], *, surplus_allowed: bool) -> bool:
    """Whether the policy is met by what a look can see, as a person with access to every machine would say."""
    if world.lost is not None:
        return False
    machines = [as_told(machine, world) for machine in world.machines]
    fit = [machine for machine in machines if is_fit(machine, policy, manual=world.manual)]
    if not has_right_size(world, surplus_allowed=surplus_allowed):
        return False
    if len(fit) < needed(policy.get("min_healthy", "100%"), world.capacity):
        return False
    if "min_healthy_per_zone" in policy and not all(zone_is_served(zone, world, fit, policy) for zone in ("1", "2")):
        return False
    if world.upgrading and policy.get("rolling_upgrade", "wait") == "wait":
        return False
    wanted = policy.get("set_status", "auto")
    operation = (world if world.flexible else world.view_of or world).operation
    if wanted == "ignored" or operation == "succeeded":
        return True
    # A failed operation counts for nothing once every check is met by the machines themselves.
    return wanted == "auto" and operation.startswith("failed") and bool(world.machines)


def as_told(machine: Vm, world: World) -> Vm:
    """A machine so far as its set's mode can tell: a Flexible one does not tell which model it runs."""
    return replace(machine, latest=True, protected=False) if world.flexible else machine


def is_fit(machine: Vm, policy: dict[str, Any], *, manual: bool) -> bool:
    judges_extensions = policy.get("extensions", "all") == "all"
    wanted = policy.get("stale_instances", "auto")
    excused = wanted == "auto" and manual and policy.get("before_first_pass", False)
    may_be_old = wanted == "ignore" or machine.protected or excused
    installed = dict(machine.extensions).get("cse")
    runs_the_right_model = machine.latest is True or (machine.latest is False and may_be_old)
    has_extension = installed == "succeeded" or (installed is None and machine.latest is False and may_be_old)
    return (
        machine.provisioning == "succeeded"
        and (machine.power == "running" or policy.get("power_state", "running") == "ignored")
        and (machine.health == "healthy" or policy.get("application_health", "auto") == "ignored")
        and (has_extension or not judges_extensions)
        and runs_the_right_model
    )


def has_right_size(world: World, *, surplus_allowed: bool) -> bool:
    surplus = len(world.machines) - world.capacity
    return surplus == 0 or (surplus > 0 and surplus_allowed)


def needed(least: int | str, capacity: int) -> int:
    if isinstance(least, int):
        return least
    return math.ceil(Fraction(least.rstrip("%")) * capacity / 100)


def zone_is_served(zone: str, world: World, fit: list[Vm], policy: dict[str, Any]) -> bool:
    share = world.capacity // 2
    least = max(needed(policy["min_healthy_per_zone"], share), 1 if share else 0)
    return sum(machine.zone == zone for machine in fit) >= least


def hold_of(policy: dict[str, Any]) -> tuple[float, int]:
    """Seconds and looks that health must last: by default until the health extension would have noticed."""
    if policy["hold"] == "auto":
        judged = policy.get("application_health", "auto") != "ignored"
        return (HEALTH_EXTENSION.interval or 0) * (HEALTH_EXTENSION.probes or 0) if judged else 0.0, 2
    return {"0s": 0.0, "20s": 20.0, "2m": 120.0, "1h": 3600.0}[policy["hold"]], 1


# --- What Azure shows of it ----------------------------------------------------------------------------------------

ERRORS = {
    "unavailable": Answer(503, {}, b"{}"),
    "throttled": Answer(429, {"Retry-After": "20"}, b'{"error": {"code": "TooManyRequests", "message": "others"}}'),
}


@dataclass(frozen=True)
class Seen:
    """A look: when it began and ended, how deep it was, and whether it saw anything."""

    began: float
    ended: float
    depth: Depth
    is_lost: bool


@dataclass
class Azure:
    """The metered Azure with one set whose worlds are a history; it notes every look."""

    history: History
    clock: VirtualClock
    metered: Metered
    looks: list[Seen] = field(default_factory=list)

    @classmethod
    def of(cls, history: History, *, bare: bool) -> Azure:
        clock = VirtualClock()
        return cls(history, clock, Metered(clock)).with_set(bare=bare)

    def with_set(self, *, bare: bool) -> Azure:
        known: dict[int, Snapshot] = {}

        def show(now: float) -> Snapshot | Answer:
            world = self.history.at(now)
            if world.lost in ERRORS:
                return ERRORS[world.lost]
            if id(world) not in known:
                known[id(world)] = shown(world)
            return known[id(world)]

        def latency(now: float) -> float:
            return self.history.at(now).latency

        is_flexible = self.history.at(0).flexible
        self.id = self.metered.add("web", ScaleSet(show, flexible=is_flexible, bare=bare, latency=latency))
        return self

    def wait(self, policy: GatePolicy) -> Outcome:
        """A whole wait."""
        azure = self.metered.azure()
        return watch(Noted(self, Looker(azure, self.id, policy)), policy, self.clock, lambda _progress: None)

    @property
    def whole_looks(self) -> list[Seen]:
        return [look for look in self.looks if look.depth is Depth.FULL and not look.is_lost]

    def surplus_stays(self, moment: float) -> bool:
        """Whether looks have seen for five minutes that the set's size stays, and no upgrade."""
        seen = [look for look in self.looks if moment - 290 <= look.began <= moment and not look.is_lost]
        worlds = [(self.history.at(look.began), look.depth) for look in seen]
        sizes = {(len((world.view_of or world).machines), world.capacity) for world, _ in worlds}
        lists = {len(world.machines) for world, depth in worlds if depth is Depth.FULL}
        upgrading = any(world.upgrading for world, depth in worlds if depth is Depth.FULL)
        return self.looks[0].began <= moment - 290 and len(sizes) == len(lists) == 1 and not upgrading


@dataclass
class Noted:
    """A looker whose looks are noted."""

    azure: Azure
    looker: Looker

    def __call__(self, seconds: float, ask: Ask) -> Snapshot:
        began, is_lost = self.azure.clock.time, True
        try:
            seen = self.looker(seconds, ask)
            is_lost = False
        finally:
            depth = ask.depth if self.azure.looks else Depth.FULL
            self.azure.looks.append(Seen(began, self.azure.clock.time, depth, is_lost))
        return seen

    def room(self, ask: Ask) -> Room:
        return self.looker.room(ask)

    def turn(self, ask: Ask) -> float:
        return self.looker.turn(ask)


def shown(world: World) -> Snapshot:
    """A full look at a world."""
    seen = snapshot(
        *world.machines,
        capacity=world.capacity,
        status=world.operation,
        upgrade_mode="Manual" if world.manual else "Automatic",
        zones=("1", "2"),
    )
    upgrade = RollingUpgrade("RollingForward") if world.upgrading else None
    view = shown(world.view_of).view if world.view_of else seen.view
    model, instances = seen.scale_set, seen.instances or ()
    if world.lost == "capacity" and model is not None:
        model = replace(model, capacity=None)
    if world.lost == "an instance":
        instances = instances[1:]
    return replace(seen, view=view, scale_set=model, instances=instances, rolling_upgrade=upgrade)
