"""Generated lives of a scale set, each waited for and held against an oracle of its true health.

Hypothesis makes a life event by event; at its end a whole wait runs over it, in virtual time, on an Azure that counts
every request against its documented limits. `make soak` lives a hundred times as many.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from tests.gate.oracle import GOOD, Azure, History, Seen, World, hold_of, is_met
from tests.gate.worlds import ECHO, FLAW, LOGS, MODE, POLICIES, POOL, SOURCE, agreed, context_of, gate_policy, of_mode
from tests.sets import Vm

from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.watch import LAST_LOOK, Outcome

pytestmark = pytest.mark.timeout(0)  # thousands of lives take minutes

HISTORIES = int(os.environ.get("HISTORIES", "2000"))
PARTS = 4  # side by side; the first in `make test`, the others, lives of the same kind, in `make test-rest`
MENDED_BY = 250.0  # seconds after which the longest hold or confirmation is over, errors and all
NOTICED_BY = 130.0  # and after which all that is there was looked at again and again
SETTLED_BY = 340.0  # and the longest memory is over: of a surplus that stays

# What no waiting mends: a VM or an extension that failed, and a model that nobody applies.
BROKEN = [
    replace(GOOD, provisioning="failed/AllocationFailed"),
    replace(GOOD, provisioning="canceled"),
    replace(GOOD, provisioning=ECHO, extensions=(("cse", "failed/1"),)),
    replace(GOOD, extensions=(("cse", "failed/1"),)),
    replace(GOOD, latest=False, extensions=()),
]
MENDED: dict[str, Any] = {
    "operation": "succeeded", "upgrading": False, "latency": 0.2, "view_of": None, "unread": None
}  # fmt: skip
AFTER = st.sampled_from([0.0, 3.0, 7.0, 25.0, 70.0, 150.0, 340.0])
WHICH = st.integers(0, 4)


class Life(RuleBasedStateMachine):
    """What happens to a scale set while a gate waits for it."""

    policy: dict[str, Any]
    ends: Callable[[Life], None]
    patience: float
    bare: bool
    tells_pool: bool
    page: int
    latest: str

    @initialize(
        number=st.integers(0, 4),
        flaw=FLAW,
        manual=st.booleans(),
        mode=MODE,
        bare=st.booleans(),
        tells_pool=st.booleans(),
        page=st.sampled_from([100, 100, 100, 100, 100, 2, 1]),
        latest=st.sampled_from(["", "", "", "view", "instances", "model", "list", "vm", "vmss vm"]),
        source=SOURCE,
        logs=LOGS,
        policy=POLICIES,
        patience=st.sampled_from([300.0, 300.0, 900.0]),
        ends=st.sampled_from([0, 0, 0, 1, 2]),
    )
    def is_created(
        self,
        number: int,
        flaw: dict[str, Any],
        manual: bool,
        mode: str,
        bare: bool,
        tells_pool: bool,
        page: int,
        latest: str,
        source: str,
        logs: str,
        policy: dict[str, Any],
        patience: float,
        ends: int,
    ) -> None:
        machines = (replace(GOOD, **flaw),) * number
        world = of_mode(World(machines, number, manual=manual, source=source, logs=logs), mode)
        self.policy, self.world = agreed(policy, world, number if world.attached else None)
        self.ends, self.moment, self.patience = ENDS[ends], 0.0, patience
        self.bare, self.tells_pool, self.page, self.latest = bare, tells_pool, page, latest
        self.chapters = [(0.0, self.world)]

    def then(self, after: float, **changes: Any) -> None:
        self.moment += after
        if self.world.attached:  # then the policy alone says how many there are to be
            changes["capacity"] = self.policy["capacity"]
        self.world = replace(self.world, **changes)
        self.chapters.append((self.moment, self.world))

    @rule(after=AFTER, which=WHICH, flaw=FLAW)
    @precondition(lambda self: self.world.machines)
    def a_machine_changes(self, after: float, which: int, flaw: dict[str, Any]) -> None:
        """It boots, fails, is repaired, stops, falls ill, reports, runs an older model, …"""
        machines = list(self.world.machines)
        machines[which % len(machines)] = replace(GOOD, **flaw)
        self.then(after, machines=tuple(machines))

    @rule(after=AFTER)
    def all_machines_are_well(self, after: float) -> None:
        self.then(after, machines=(GOOD,) * len(self.world.machines))

    @rule(after=AFTER, flaw=FLAW)
    @precondition(lambda self: len(self.world.machines) < 5)
    def a_surplus_machine_comes(self, after: float, flaw: dict[str, Any]) -> None:
        self.then(after, machines=(*self.world.machines, replace(GOOD, **flaw)))

    @rule(after=AFTER, with_the_capacity=st.booleans())
    @precondition(lambda self: self.world.machines)
    def a_machine_is_evicted(self, after: float, with_the_capacity: bool) -> None:
        fewer = max(self.world.capacity - with_the_capacity, 0)
        self.then(after, machines=self.world.machines[1:], capacity=fewer)

    @rule(after=AFTER, capacity=st.integers(0, 4), at_once=st.booleans())
    def autoscale_wants(self, after: float, capacity: int, at_once: bool) -> None:
        machines = (*self.world.machines, *(GOOD,) * capacity)[:capacity] if at_once else self.world.machines
        self.then(after, capacity=capacity, machines=machines)

    @rule(after=AFTER, machine=POOL)
    @precondition(lambda self: self.world.flexible and not self.world.attached and len(self.world.pool) < 3)
    def a_machine_comes_into_the_standby_pool(self, after: float, machine: Vm) -> None:
        self.then(after, pool=(*self.world.pool, machine))

    @rule(after=AFTER, with_the_capacity=st.booleans())
    @precondition(lambda self: self.world.pool and len(self.world.machines) < 5)
    def a_machine_leaves_the_standby_pool_for_the_set(self, after: float, with_the_capacity: bool) -> None:
        """It keeps its name, and so its place: behind those that were there."""
        more = self.world.capacity + with_the_capacity
        self.then(after, machines=(*self.world.machines, GOOD), pool=self.world.pool[1:], capacity=more)

    @rule(after=AFTER)
    @precondition(lambda self: self.world.pool)
    def the_standby_pool_is_emptied(self, after: float) -> None:
        self.then(after, pool=())

    @rule(after=AFTER)
    @precondition(lambda self: not self.world.attached)
    def a_new_model_makes_all_machines_stale(self, after: float) -> None:
        self.then(after, machines=tuple(replace(each, latest=False, extensions=()) for each in self.world.machines))

    @rule(after=AFTER, operation=st.sampled_from(["updating", "failed/Any", ECHO, "canceled", "succeeded"]))
    def an_operation_on_the_set_is(self, after: float, operation: str) -> None:
        self.then(after, operation=operation)

    @rule(after=AFTER)
    @precondition(lambda self: not self.world.attached)
    def a_rolling_upgrade_starts_or_ends(self, after: float) -> None:
        self.then(after, upgrading=not self.world.upgrading)

    @rule(after=AFTER, seconds=AFTER, lost=st.sampled_from(["unavailable", "throttled", "capacity", "an instance"]))
    @precondition(lambda self: len(self.world.machines) == self.world.capacity > 0)
    def evidence_is_lost_for_a_while(self, after: float, seconds: float, lost: str) -> None:
        self.then(after, lost=lost)
        self.then(seconds, lost=None)

    @rule(after=AFTER, seconds=AFTER, lost=st.sampled_from(["unavailable", "throttled", "capacity"]))
    @precondition(lambda self: self.world.machines)
    def sight_of_a_good_set_is_lost_for_a_while(self, after: float, seconds: float, lost: str) -> None:
        number = self.policy.get("capacity", len(self.world.machines))
        self.then(after, machines=(GOOD,) * number, capacity=number, **MENDED)
        self.then(7.0, lost=lost)
        self.then(seconds, lost=None)

    @rule(after=AFTER, seconds=AFTER, which=WHICH)
    @precondition(lambda self: self.world.machines)
    def the_own_view_of_a_machine_is_refused_for_a_while(self, after: float, seconds: float, which: int) -> None:
        self.then(after, unread=which % len(self.world.machines))
        self.then(seconds, unread=None)

    @rule(after=AFTER, latency=st.sampled_from([0.01, 0.7, 3.0, 40.0]))
    def requests_take(self, after: float, latency: float) -> None:
        self.then(after, latency=latency)

    @rule(after=AFTER, which=WHICH)
    @precondition(lambda self: self.world.view_of is None and not self.world.flexible)
    def the_view_lags_behind(self, after: float, which: int) -> None:
        older = [world for _, world in self.chapters if world.view_of is None]
        self.then(after, view_of=older[-1 - which % len(older)])

    @rule(after=AFTER)
    @precondition(lambda self: self.world.view_of)
    def the_view_is_back(self, after: float) -> None:
        self.then(after, view_of=None)

    def teardown(self) -> None:
        if sys.exc_info()[0] is None:  # otherwise Hypothesis has given this life up halfway, and counts it not
            self.ends(self)

    def check_what_was_said(self) -> None:
        """Never healthy where the oracle denies it, never late."""
        outcome, azure = self.wait(self.policy)
        ended = outcome.progress.elapsed
        assert ended <= self.timeout(self.policy) + LAST_LOOK + 1
        if outcome.ending is Ending.HEALTHY:
            assert azure.looks[-1] == azure.whole_looks[-1], "it decided without looking at everything"
            seconds, looks = hold_of(self.policy, self.world)
            last = azure.whole_looks[-1].began
            lasted = [look for look in azure.whole_looks if look.began >= last - seconds]
            for look in {*lasted, *azure.whole_looks[-looks:]}:
                if not self.changes_within(look):
                    allowed = azure.surplus_stays(look.began, self.policy)
                    assert is_met(azure.history.at(look.began), self.policy, surplus_allowed=allowed)
            assert azure.looks[0].began <= ended - seconds
        if outcome.ending is Ending.FAILING and not self.changes_within(azure.looks[-1]):
            assert not is_met(azure.history.at(azure.looks[-1].began), self.policy, surplus_allowed=False)
            assert self.policy.get("confirm_failure", "60s") is not None

    def check_a_good_end(self) -> None:
        """A set that stays good is found healthy in the end, also where it has taken in what its pool had."""
        number = max(2, len(self.world.machines) + len(self.world.pool)) if self.world.pool else 2
        number = self.policy.get("capacity", number)
        self.then(1.0, machines=(GOOD,) * number, capacity=number, pool=(), **MENDED)
        outcome, _ = self.wait(self.policy)
        hold, _ = hold_of(self.policy, self.world)
        possible = is_met(self.world, self.policy, surplus_allowed=False) and self.moment + MENDED_BY < self.patience
        if possible and outcome.ending not in (Ending.FAILING, Ending.UNREADABLE):
            assert outcome.ending is Ending.HEALTHY
            assert outcome.progress.elapsed < self.moment + hold + MENDED_BY

    def check_a_broken_end(self) -> None:
        """A set that stays broken is given up long before the timeout."""
        policy = {"hold": "auto", "confirm_failure": self.policy.get("confirm_failure") or "2m"}
        broken = [each for each in BROKEN if each.latest or not self.world.attached]
        if self.world.attached:
            self.policy = policy = {**policy, "capacity": 2}
        self.then(1.0, machines=(broken[len(self.chapters) % len(broken)], GOOD), capacity=2, manual=True, **MENDED)
        outcome, _ = self.wait(policy)
        if self.moment + MENDED_BY < self.patience and outcome.ending not in (Ending.HEALTHY, Ending.UNREADABLE):
            assert outcome.ending is Ending.FAILING
            assert outcome.progress.elapsed < self.moment + MENDED_BY

    def timeout(self, policy: dict[str, Any]) -> float:
        """What the user has patience for, and the hold; no longer than anything can still come of what happened."""
        has_surplus = any(len(world.machines) > world.capacity for _, world in self.chapters)
        is_open = self.ends is Life.check_what_was_said
        settled = self.moment + (SETTLED_BY if has_surplus else NOTICED_BY if is_open else MENDED_BY)
        return min(self.patience, settled) + hold_of(policy, World())[0]

    def changes_within(self, look: Seen) -> bool:
        """Whether the world changes during a look, which then sees some of each."""
        return any(look.began < moment <= look.ended for moment, _ in self.chapters)

    def wait(self, policy: dict[str, Any]) -> tuple[Outcome, Azure]:
        """A whole wait; gives back its outcome and the Azure that was looked at."""
        history = History(tuple(self.chapters))
        azure = Azure.of(history, bare=self.bare, tells_pool=self.tells_pool, page=self.page, latest=self.latest)
        outcome = azure.wait(gate_policy(policy, self.timeout(policy)), context_of(policy))
        assert azure.metered.refused == [], "it throttled itself"
        return outcome, azure


ENDS = (Life.check_what_was_said, Life.check_a_good_end, Life.check_a_broken_end)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.rest) for part in range(1, PARTS))])
def test_every_wait_ends_as_the_true_health_of_its_set_wants_it(part: int) -> None:
    lives = type(f"Life{part}", (Life,), {})  # under its own name, by which Hypothesis begins with other lives
    asked = settings(
        max_examples=HISTORIES // PARTS,
        derandomize="HISTORIES" not in os.environ,  # make test is the same everywhere, make soak never
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(lives, settings=asked)


def test_a_capacity_that_no_look_saw_does_not_begin_a_surplus_anew() -> None:
    life = Life()
    life.is_created(
        number=2,
        flaw={},
        manual=False,
        mode="Uniform",
        bare=False,
        tells_pool=False,
        page=100,
        latest="",
        source="extension",
        logs="",
        policy={"hold": "auto"},
        patience=900.0,
        ends=0,
    )
    life.autoscale_wants(after=0.0, at_once=False, capacity=0)
    life.a_new_model_makes_all_machines_stale(after=7.0)
    life.autoscale_wants(after=7.0, at_once=False, capacity=1)
    life.autoscale_wants(after=3.0, at_once=False, capacity=0)
    life.check_what_was_said()
