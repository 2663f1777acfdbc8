"""Generated histories of a scale set against a deliberately naive oracle of its true health.

The oracle shares nothing with the verdict: it looks at machines, not at Azure's bodies. `make soak` runs a hundred
times as many histories.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.clocks import VirtualClock
from tests.sets import Vm, snapshot

from pulumi_vmss_health import (
    GatePolicy,
    InstanceViewError,
    RollingUpgrade,
    Snapshot,
    Throttled,
    Unavailable,
)
from pulumi_vmss_health.memory import Ending, Progress
from pulumi_vmss_health.pace import Cost
from pulumi_vmss_health.snapshot import Depth
from pulumi_vmss_health.watch import LAST_LOOK, Outcome, watch

HISTORIES = int(os.environ.get("HISTORIES", "2000"))
TIMEOUT = 900.0

# --- What may be true of a set -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """What is true of a set for a while. lost: what a look at it raises instead, or the evidence that it misses."""

    machines: tuple[Vm, ...]
    capacity: int
    operation: str = "succeeded"
    upgrading: bool = False
    lost: str | None = None
    manual: bool = False


GOOD = Vm(zone="1")
# One thing wrong with a machine; two would hide a check that looks at neither.
FLAWS: list[dict[str, Any]] = [
    *({"provisioning": each} for each in ("creating", "updating", "deleting", "failed/X", None)),
    *({"power": each} for each in ("starting", "deallocated", "stopped", None)),
    *({"health": each} for each in ("unhealthy", "initializing", "unknown", None)),
    *({"extensions": each} for each in ((("cse", "failed/1"),), (("cse", "transitioning"),), ())),
    *({"latest": each} for each in (False, None)),
    {"latest": False, "protected": True},
    {"latest": False, "extensions": ()},
    {"extensions": (("cse", "failed/1"),), "agent": "Unavailable"},
    {"zone": "2"},
]
FLAWED = st.sampled_from(FLAWS).map(lambda flaw: replace(GOOD, **flaw))
MACHINES = {"few": st.one_of(st.just(GOOD), st.just(GOOD), FLAWED), "many": st.one_of(st.just(GOOD), FLAWED, FLAWED)}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Mostly good machines, and as many as asked for; mostly one thing wrong at a time."""
    flaws = draw(st.sampled_from(["few", "few", "many"]))
    machines = draw(st.lists(MACHINES[flaws], min_size=draw(st.sampled_from([0, 1, 2, 3])), max_size=4))
    wrong = draw(st.sampled_from(["nothing", "nothing", "nothing", "size", "operation", "upgrade", "lost"]))
    size = draw(st.sampled_from([1, 1, -1])) if wrong == "size" else 0
    return World(
        tuple(machines),
        max(0, len(machines) + size),
        draw(st.sampled_from(["updating", "failed/Any"])) if wrong == "operation" else "succeeded",
        wrong == "upgrade",
        draw(st.sampled_from(["unavailable", "throttled", "capacity"])) if wrong == "lost" else None,
        draw(st.booleans()),
    )


# What no waiting mends: a VM or an extension that failed, and a model that nobody applies.
BROKEN = st.sampled_from(
    [
        replace(GOOD, provisioning="failed/AllocationFailed"),
        replace(GOOD, extensions=(("cse", "failed/1"),)),
        replace(GOOD, latest=False, extensions=()),
    ]
)
BROKEN_WORLDS = st.builds(
    lambda broken, others: World((broken,) + (GOOD,) * others, others + 1, manual=True), BROKEN, st.integers(0, 3)
)
GOOD_WORLDS = st.integers(1, 4).map(lambda number: World((GOOD,) * number, number))
POLICIES = st.fixed_dictionaries(
    {"timeout": st.just("15m"), "hold": st.sampled_from(["auto", "0s", "20s", "2m"])},
    optional={
        "min_healthy": st.sampled_from(["100%", "50%", "34%", 1, 2]),
        "min_healthy_per_zone": st.sampled_from(["50%", 1]),
        "extensions": st.just([]),
        "set_status": st.sampled_from(["auto", "required", "ignored"]),
        "application_health": st.sampled_from(["auto", "required", "ignored"]),
        "power_state": st.sampled_from(["running", "ignored"]),
        "stale_instances": st.sampled_from(["auto", "fail", "wait", "ignore"]),
        "rolling_upgrade": st.sampled_from(["wait", "ignore"]),
        "confirm_failure": st.sampled_from([None, "60s", "0s"]),
    },
)


@dataclass(frozen=True)
class History:
    """Worlds one after the other, each with the moment it begins."""

    chapters: tuple[tuple[float, World], ...]

    def at(self, moment: float) -> World:
        return [world for begins, world in self.chapters if begins <= moment][-1]

    def surplus_since(self, moment: float) -> float:
        """Since when, until this moment, a surplus of the same size has been there without an upgrade."""
        since = moment
        for begins, world in reversed([each for each in self.chapters if each[0] <= moment]):
            same = (len(world.machines), world.capacity) == (len(self.at(moment).machines), self.at(moment).capacity)
            if world.lost is None and (not same or world.upgrading):
                break
            since = begins
        return since


@st.composite
def histories(draw: st.DrawFn, ending: st.SearchStrategy[World]) -> History:
    chapters, moment = [], 0.0
    for world in draw(st.lists(worlds(), max_size=5)):
        chapters.append((moment, world))
        moment += draw(st.sampled_from([1.0, 7.0, 25.0, 70.0, 150.0, 340.0]))
    return History((*chapters, (moment, draw(ending))))


# --- The oracle: what is true, told from the machines --------------------------------------------------------------


def is_met(world: World, policy: dict[str, Any], *, surplus_allowed: bool) -> bool:
    """Whether the policy is met by what is true, as a person with access to every machine would say."""
    if world.lost is not None:
        return False
    fit = [machine for machine in world.machines if is_fit(machine, policy)]
    if not has_right_size(world, surplus_allowed=surplus_allowed):
        return False
    if len(fit) < needed(policy.get("min_healthy", "100%"), world.capacity):
        return False
    if "min_healthy_per_zone" in policy and not all(zone_is_served(zone, world, fit, policy) for zone in ("1", "2")):
        return False
    if world.upgrading and policy.get("rolling_upgrade", "wait") == "wait":
        return False
    wanted = policy.get("set_status", "auto")
    if wanted == "ignored" or world.operation == "succeeded":
        return True
    # A failed operation counts for nothing once every check is met by the machines themselves.
    return wanted == "auto" and world.operation.startswith("failed") and bool(world.machines)


def is_fit(machine: Vm, policy: dict[str, Any]) -> bool:
    judges_extensions = policy.get("extensions", "all") == "all"
    may_be_old = policy.get("stale_instances", "auto") == "ignore" or machine.protected
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


# --- What Azure shows of it ----------------------------------------------------------------------------------------


class Azure:
    """Shows the world of the moment, as far as a look looks; keeps what each look could see."""

    def __init__(self, clock: VirtualClock, history: History) -> None:
        self.clock, self.history = clock, history
        self.last_full = 0.0
        self.looks: list[float] = []

    @property
    def cost(self) -> Cost:
        return Cost()

    def __call__(self, _seconds: float, depth: Depth) -> Snapshot:
        world = self.history.at(self.clock.time)
        self.looks.append(self.clock.time)
        if world.lost in LOST:
            raise LOST[world.lost]
        seen = snapshot(
            *world.machines,
            capacity=world.capacity,
            status=world.operation,
            upgrade_mode="Manual" if world.manual else "Automatic",
            zones=("1", "2"),
        )
        if world.lost == "capacity" and seen.scale_set is not None:
            seen = replace(seen, scale_set=replace(seen.scale_set, capacity=None))
        if depth is Depth.VIEW:
            return replace(seen, instances=None)
        self.last_full = self.clock.time
        return replace(seen, rolling_upgrade=RollingUpgrade("RollingForward") if world.upgrading else None)


# "auto": as long as the health extension of `tests.sets` takes to notice, where it counts; here its least.
HOLDS = {"auto": 0.0, "0s": 0.0, "20s": 20.0, "2m": 120.0}
LOST: dict[str, InstanceViewError] = {
    "unavailable": Unavailable("HTTP 503"),
    "throttled": Throttled("HTTP 429", retry_after=20),
}


def run(history: History, policy: dict[str, Any]) -> tuple[Outcome, Azure]:
    """A whole wait; gives back its outcome and the Azure that was looked at."""
    clock = VirtualClock()
    azure = Azure(clock, history)

    def report(_progress: Progress) -> None:
        """To nobody."""

    return watch(azure, GatePolicy(**policy), clock, report), azure


RUN = settings(max_examples=HISTORIES // 3, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RUN
@given(histories(worlds()), POLICIES)
def test_a_wait_never_says_what_the_oracle_denies_and_never_comes_late(
    history: History, policy: dict[str, Any]
) -> None:
    outcome, azure = run(history, policy)
    ended = outcome.progress.elapsed
    assert ended <= TIMEOUT + LAST_LOOK + 1
    if outcome.ending is Ending.HEALTHY:
        assert azure.last_full == ended, "it decided without looking at everything"
        hold = HOLDS[policy["hold"]]
        assert azure.looks[0] <= ended - hold
        for look in [each for each in azure.looks if each >= ended - hold]:
            settled = look - history.surplus_since(look) >= 290
            assert is_met(history.at(look), policy, surplus_allowed=settled)
    if outcome.ending is Ending.FAILING:
        assert not is_met(history.at(ended), policy, surplus_allowed=False)
        assert policy.get("confirm_failure", "60s") is not None


@RUN
@given(histories(GOOD_WORLDS), POLICIES)
def test_a_set_that_stays_good_is_found_healthy_in_the_end(history: History, policy: dict[str, Any]) -> None:
    begins, world = history.chapters[-1]
    outcome, _ = run(history, policy)
    possible = is_met(world, policy, surplus_allowed=False) and begins + 200 < TIMEOUT
    if possible and outcome.ending not in (Ending.FAILING, Ending.UNREADABLE):
        assert outcome.ending is Ending.HEALTHY
        assert outcome.progress.elapsed < begins + 200


@RUN
@given(histories(BROKEN_WORLDS), st.sampled_from(["0s", "60s", "2m"]))
def test_a_set_that_stays_broken_is_given_up_long_before_the_timeout(history: History, confirm: str) -> None:
    begins, _ = history.chapters[-1]
    outcome, _ = run(history, {"timeout": "15m", "confirm_failure": confirm})
    if begins + 250 < TIMEOUT and outcome.ending not in (Ending.HEALTHY, Ending.UNREADABLE):
        assert outcome.ending is Ending.FAILING
        assert outcome.progress.elapsed < begins + 250
