"""A deliberately naive oracle of a scale set's true health, and the Azure that shows it.

It shares nothing with the verdict: it looks at machines, not at Azure's bodies, and counts with fractions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from tests.clocks import VirtualClock
from tests.sets import HEALTH_EXTENSION, Vm, snapshot

from pulumi_vmss_health import InstanceViewError, RollingUpgrade, Snapshot, Throttled, Unavailable
from pulumi_vmss_health.pace import Cost
from pulumi_vmss_health.snapshot import Depth

GOOD = Vm(zone="1")


@dataclass(frozen=True)
class World:
    """What is true of a set for a while.

    lost: what a look at it raises instead, or the evidence that it misses. view_of: an older world that the instance
    view still shows. takes: seconds that a look takes.
    """

    machines: tuple[Vm, ...] = ()
    capacity: int = 0
    operation: str = "succeeded"
    upgrading: bool = False
    lost: str | None = None
    manual: bool = False
    view_of: World | None = None
    takes: float = 0.0


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
    fit = [machine for machine in world.machines if is_fit(machine, policy, manual=world.manual)]
    if not has_right_size(world, surplus_allowed=surplus_allowed):
        return False
    if len(fit) < needed(policy.get("min_healthy", "100%"), world.capacity):
        return False
    if "min_healthy_per_zone" in policy and not all(zone_is_served(zone, world, fit, policy) for zone in ("1", "2")):
        return False
    if world.upgrading and policy.get("rolling_upgrade", "wait") == "wait":
        return False
    wanted = policy.get("set_status", "auto")
    operation = (world.view_of or world).operation
    if wanted == "ignored" or operation == "succeeded":
        return True
    # A failed operation counts for nothing once every check is met by the machines themselves.
    return wanted == "auto" and operation.startswith("failed") and bool(world.machines)


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
    return {"0s": 0.0, "20s": 20.0, "2m": 120.0}[policy["hold"]], 1


# --- What Azure shows of it ----------------------------------------------------------------------------------------

ERRORS: dict[str, InstanceViewError] = {
    "unavailable": Unavailable("HTTP 503"),
    "throttled": Throttled("HTTP 429", retry_after=20),
}


@dataclass
class Azure:
    """Shows the world of the moment, as far as a look looks.

    looks: when each began; last_full: when it ended. sights: the worlds that were seen, and whether the machines were.
    """

    clock: VirtualClock
    history: History
    last_full: float = -1.0
    looks: list[float] = field(default_factory=list)
    sights: list[tuple[float, World, bool]] = field(default_factory=list)

    def surplus_stays(self, moment: float) -> bool:
        """Whether looks have seen for five minutes that the set's size stays, and no upgrade."""
        seen = [(world, fully) for at, world, fully in self.sights if moment - 290 <= at <= moment]
        sizes = {(len((world.view_of or world).machines), world.capacity) for world, _ in seen}
        lists = {len(world.machines) for world, fully in seen if fully}
        upgrading = any(world.upgrading for world, fully in seen if fully)
        return self.looks[0] <= moment - 290 and len(sizes) == len(lists) == 1 and not upgrading

    @property
    def cost(self) -> Cost:
        return Cost()

    def __call__(self, _seconds: float, depth: Depth) -> Snapshot:
        world = self.history.at(self.clock.time)
        self.looks.append(self.clock.time)
        self.clock.time += world.takes
        if world.lost in ERRORS:
            raise ERRORS[world.lost]
        self.sights.append((self.looks[-1], world, depth is Depth.FULL))
        seen = shown(world)
        if depth is Depth.VIEW:
            return replace(seen, instances=None, rolling_upgrade=None)
        self.last_full = self.clock.time
        return seen


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
