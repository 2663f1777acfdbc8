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
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Ask, Context, Depth
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.watch import Outcome, watch
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.limits.quota import Room

GOOD = Vm(zone="1")


@dataclass(frozen=True)
class World:
    """What is true of a set for a while.

    lost: what a read of it is answered with instead, or the evidence that is missing. view_of: an older world that the
    instance view still shows. latency: seconds that each request takes. flexible: the mode, whose view is counted from
    the machines. source: what the model names as the source of health: "extension", "external" or "none".
    logs: whether the model has a second extension, and suppresses its failures: "", "counts" or "suppressed".
    pool: machines that wait in a standby pool (Flexible); what they are is no matter. attached: whether somebody
    attaches each machine (Flexible): the set has no model, and no capacity that Azure would tell. unread: the place of
    a machine whose own view is refused.
    """

    machines: tuple[Vm, ...] = ()
    capacity: int = 0
    operation: str | None = "succeeded"
    upgrading: bool = False
    lost: str | None = None
    manual: bool = False
    view_of: World | None = None
    latency: float = 0.2
    flexible: bool = False
    source: str = "extension"
    logs: str = ""
    pool: tuple[Vm, ...] = ()
    attached: bool = False
    unread: int | None = None


@dataclass(frozen=True)
class History:
    """Worlds one after the other, each with the moment it begins."""

    chapters: tuple[tuple[float, World], ...]

    def at(self, moment: float) -> World:
        return [world for begins, world in self.chapters if begins <= moment][-1]


# --- What is true, told from the machines --------------------------------------------------------------------------


def is_met(world: World, policy: dict[str, Any], *, surplus_allowed: bool) -> bool:
    """Whether the policy is met by what a look can see, as a person with access to every machine would say."""
    capacity = wanted(world, policy)
    if capacity is None or world.lost not in (None, "capacity"):
        return False
    world = replace(world, capacity=capacity)
    machines = [as_told(machine, world) for machine in world.machines]
    fit = [machine for machine in machines if is_fit(machine, world, policy)]
    if policy.get("application_health") == "required" and world.source == "none":
        return False
    if not all(is_known(name, world, machines) for name in judged(world, policy)):
        return False
    if not has_right_size(world, surplus_allowed=surplus_allowed):
        return False
    least = needed(policy.get("min_healthy", "100%"), world.capacity)
    if least > world.capacity or len(fit) < least:  # more than the set is to have is a mistake, surplus or not
        return False
    if "min_healthy_per_zone" in policy and not all(zone_is_served(zone, world, fit, policy) for zone in ("1", "2")):
        return False
    if world.upgrading and policy.get("rolling_upgrade", "wait") == "wait":
        return False
    asked = policy.get("set_status", "auto")
    operation = (world if world.flexible else world.view_of or world).operation
    if asked == "ignored" or operation == "succeeded":
        return True
    # A failed operation counts for nothing once every check is met by the machines themselves.
    return asked == "auto" and has_failed(operation) and bool(world.machines)


def wanted(world: World, policy: dict[str, Any]) -> int | None:
    """How many machines there are to be, where a look can know: a policy says it also of a set that tells nothing."""
    tells = not world.attached and world.lost != "capacity"
    return policy.get("capacity", world.capacity if tells else None)


def as_told(machine: Vm, world: World) -> Vm:
    """A machine of a set: with the second extension, if it has any; a Flexible set knows no protection.

    What it asks for by custom metrics is written beside an extension: without any, nobody reads it. An attached
    machine was made from no model.
    """
    has_logs = not world.logs or not machine.extensions or "logs" in dict(machine.extensions)
    extensions = machine.extensions if has_logs else (*machine.extensions, ("logs", "succeeded"))
    skips = machine.skips and (bool(extensions) or world.source == "extension")
    latest = None if world.attached else machine.latest
    protected = machine.protected and not world.flexible
    return replace(machine, extensions=extensions, protected=protected, skips=skips, latest=latest)


def is_fit(machine: Vm, world: World, policy: dict[str, Any]) -> bool:
    wanted = policy.get("stale_instances", "auto")
    excused = wanted == "auto" and world.manual and policy.get("before_first_pass", False)
    may_be_old = wanted == "ignore" or machine.protected or machine.skips or excused
    # Nobody knows which model a Flexible set's machine runs that has no tag: that is told, unless the policy insists.
    # An attached one cannot lack a model that is not there.
    may_be_unknown = world.attached or (world.flexible and wanted in ("auto", "ignore"))
    runs_the_right_model = {True: True, False: may_be_old, None: may_be_unknown}[machine.latest]
    is_exempt = machine.latest is False and may_be_old
    return (
        is_provisioned(machine, world, policy)
        and (machine.power == "running" or policy.get("power_state", "running") == "ignored")
        and is_well(machine, world, policy)
        and all(has_extension(machine, one, world, policy, exempt=is_exempt) for one in judged(world, policy, machine))
        and is_believed(machine, world, policy)
        and runs_the_right_model
    )


def has_failed(state: str | None) -> bool:
    """Whether an operation ended without success; what was canceled did."""
    return (state or "").split("/")[0] in ("failed", "canceled")


def is_provisioned(machine: Vm, world: World, policy: dict[str, Any]) -> bool:
    """Whether the machine was made, or failed only in ways that do not count."""
    if not has_failed(machine.provisioning):
        return machine.provisioning == "succeeded"
    code = (machine.provisioning or "").partition("/")[2]
    if code in policy.get("ignore_failure_codes", []):
        return True
    broken = [name for name, state in machine.extensions if has_failed(state)]
    is_echo = code.startswith("VMExtension") and bool(broken)
    return is_echo and not any(counts(name, world, policy) for name in broken)


def is_well(machine: Vm, world: World, policy: dict[str, Any]) -> bool:
    """Whether the application is: what it reports counts always, its silence where the model names a source."""
    wanted = policy.get("application_health", "auto")
    may_be_silent = world.source == "none" and wanted != "required"
    return wanted == "ignored" or machine.health == "healthy" or (machine.health is None and may_be_silent)


def judged(world: World, policy: dict[str, Any], machine: Vm | None = None) -> list[str]:
    """The extensions that matter (to a machine): those of the policy, else the model's, else those that it lists."""
    named = policy.get("extensions", "all")
    if named != "all":
        return list(named)
    listed = [name for name, _ in machine.extensions] if machine else []
    model = ["cse", *(["logs"] if world.logs else []), *(["health"] if world.source == "extension" else [])]
    return [name for name in (listed if world.attached else model) if name not in policy.get("ignore_extensions", [])]


def is_known(name: str, world: World, machines: list[Vm]) -> bool:
    """Whether anything has an extension; every name that these policies know is one of each model."""
    return not world.attached or any(name in dict(machine.extensions) for machine in machines)


def counts(name: str, world: World, policy: dict[str, Any]) -> bool:
    """Whether a failure of an extension counts: not if the policy leaves it out, nor if the model suppresses it."""
    named = policy.get("extensions", "all")
    if named != "all":
        return name in named
    is_suppressed = name == "logs" and world.logs == "suppressed" and not world.attached
    return not is_suppressed and name not in policy.get("ignore_extensions", [])


def has_extension(machine: Vm, name: str, world: World, policy: dict[str, Any], *, exempt: bool) -> bool:
    state = "succeeded" if name == "health" else dict(machine.extensions).get(name)
    if state is None:
        return exempt
    return state == "succeeded" or (has_failed(state) and not counts(name, world, policy))


def is_believed(machine: Vm, world: World, policy: dict[str, Any]) -> bool:
    """Whether what the agent said of extensions can be believed: not once it is gone from a machine that runs."""
    is_stopped = machine.power in ("stopping", "stopped", "deallocating", "deallocated")
    said = {"health": "succeeded", **dict(machine.extensions)}
    relied_on = any(said.get(name) == "succeeded" for name in judged(world, policy, machine))
    return machine.agent == "succeeded" or is_stopped or not relied_on


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


def hold_of(policy: dict[str, Any], world: World) -> tuple[float, int]:
    """Seconds and looks that health must last: by default until the health extension would have noticed."""
    if policy["hold"] == "auto":
        waits = world.source == "extension" and policy.get("application_health", "auto") != "ignored"
        return (HEALTH_EXTENSION.interval or 0) * (HEALTH_EXTENSION.probes or 0) if waits else 0.0, 2
    return {"0s": 0.0, "20s": 20.0, "2m": 120.0, "20m": 1200.0}[policy["hold"]], 1


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
    def of(cls, history: History, *, bare: bool, tells_pool: bool = True, page: int = 100, latest: str = "") -> Azure:
        clock = VirtualClock()
        return cls(history, clock, Metered(clock)).with_set(bare=bare, tells_pool=tells_pool, page=page, latest=latest)

    def with_set(self, *, bare: bool, tells_pool: bool, page: int, latest: str = "") -> Azure:
        known: dict[int, Snapshot] = {}

        def show(now: float) -> Snapshot | Answer:
            world = self.history.at(now)
            if world.lost in ERRORS:
                return ERRORS[world.lost]
            if id(world) not in known:
                known[id(world)] = shown(world, is_pool_known=bare or tells_pool)
            return known[id(world)]

        def latency(now: float) -> float:
            return self.history.at(now).latency

        def fails(now: float, vm: str) -> int:
            return 503 if vm == str(self.history.at(now).unread) else 0

        scale_set = ScaleSet(
            show, self.history.at(0).flexible, bare, tells_pool, latency=latency, page=page, latest=latest, fails=fails
        )
        self.id = self.metered.add("web", scale_set)
        return self

    def wait(self, policy: GatePolicy, context: Context = NOTHING_ELSE) -> Outcome:
        """A whole wait."""
        looker = Noted(self, Looker(self.metered.azure(), self.id, policy))
        return watch(looker, policy, self.clock, lambda _progress: None, context)

    @property
    def whole_looks(self) -> list[Seen]:
        return [look for look in self.looks if look.depth is Depth.FULL and not look.is_lost]

    def surplus_stays(self, moment: float, policy: dict[str, Any]) -> bool:
        """Whether looks have seen for five minutes that the set's size stays, and no upgrade.

        Only some looks read the capacity: one that came and went between them is none that anybody saw. Nor does a gate
        that ignores rolling upgrades see any. Whether a VM has left the standby pool, only a full look asks.
        """
        seen = [look for look in self.looks if moment - 290 <= look.began <= moment and not look.is_lost]
        worlds = [(self.history.at(look.began), look.depth) for look in seen]
        counts = {len((it.view_of or it).machines) for it, depth in worlds if depth is Depth.FULL or not it.pool}
        capacities = {world.capacity for world, depth in worlds if depth in (Depth.FULL, Depth.VIEW_AND_MODEL)}
        lists = {len(world.machines) for world, depth in worlds if depth is Depth.FULL}
        is_read = policy.get("rolling_upgrade", "wait") == "wait"
        upgrading = is_read and any(world.upgrading for world, depth in worlds if depth is Depth.FULL)
        stays = len(counts) == len(capacities) == len(lists) == 1 and not upgrading
        return self.looks[0].began <= moment - 290 and stays


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

    def turn_now(self, ask: Ask) -> bool:
        return self.looker.turn_now(ask)


def shown(world: World, *, is_pool_known: bool = True) -> Snapshot:
    """A full look at a world.

    is_pool_known: whether each machine's evidence tells of the standby pool. Where no list does, a gate asks only if
    there are more machines than the capacity: a pool that would fill up a gap cannot be told from the set, and is not
    there in these lives.
    """
    fills_a_gap = len(world.machines) < world.capacity or world.lost == "an instance"
    seen = snapshot(
        *(as_told(machine, world) for machine in world.machines),
        *(world.pool if is_pool_known or not fills_a_gap else ()),
        capacity=world.capacity,
        status=world.operation,
        extensions=("cse", "logs") if world.logs else ("cse",),
        health=world.source == "extension",
        upgrade_mode="Manual" if world.manual else "Automatic",
        zones=("1", "2"),
    )
    upgrade = RollingUpgrade("RollingForward") if world.upgrading else None
    view = shown(world.view_of).view if world.view_of else seen.view
    model, instances = seen.scale_set, seen.instances or ()
    if model is not None:
        suppressed = {"logs"} if world.logs == "suppressed" else set()
        extensions = tuple(replace(each, suppress_failures=each.name in suppressed) for each in model.extensions)
        model = replace(model, extensions=extensions, external_health=world.source == "external")
        if world.attached:
            model = replace(model, extensions=(), has_profile=False)
    if (world.lost == "capacity" or world.attached) and model is not None:
        model = replace(model, capacity=None)
    if world.lost == "an instance":
        instances = instances[1:]
    return replace(seen, view=view, scale_set=model, instances=instances, rolling_upgrade=upgrade)
