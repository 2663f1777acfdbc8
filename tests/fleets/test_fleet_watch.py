"""Many scale sets behind one gate: when the wait ends, and what it takes of Azure. In virtual time."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clocks import VirtualClock
from tests.fleets.worlds import AT_ONCE, BROKEN, FAILS, GONE, GOOD, ILL, NEVER, Ran, healthy_after, run
from tests.metered import Metered, ScaleSet, Show, timeline, wait
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, Snapshot
from pulumi_vmss_health.fleets.watch import Goal, watch_fleet
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome, Steps
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.clock import SystemClock

FORBIDDEN = Answer(403, {}, b'{"error": {"code": "AuthorizationFailed", "message": "may not read"}}')


def test_a_fleet_passes_when_its_last_set_does() -> None:
    ran = run({"a": AT_ONCE, "b": healthy_after(100), "c": healthy_after(300)})
    assert ran.fleet.ending is Ending.HEALTHY
    assert sorted(ran.fleet.healthy) == ["a", "b", "c"]
    assert 300 <= ran.fleet.elapsed <= 330
    assert ran.told[-1] == (3, 0)


def test_a_fleet_passes_as_soon_as_enough_of_its_sets_have() -> None:
    ran = run({"a": AT_ONCE, "b": healthy_after(100), "c": NEVER}, 2)
    assert ran.fleet.ending is Ending.HEALTHY
    assert 100 <= ran.fleet.elapsed <= 130
    assert "c" in ran.fleet.seen


def test_a_fleet_fails_as_soon_as_too_few_of_its_sets_can_still_pass() -> None:
    sets = {"a": FAILS, "b": NEVER, "c": healthy_after(300), "d": timeline({0: ILL, 200: BROKEN})}
    ran = run(sets, 3)
    assert ran.fleet.ending is Ending.FAILING
    assert sorted(ran.fleet.failed) == ["a", "d"]
    assert 260 <= ran.fleet.elapsed <= 290


def test_a_set_that_fails_ends_the_wait_at_once_where_the_user_wants_that() -> None:
    sets = {"a": FAILS, "b": healthy_after(300)}
    assert run(sets, 1).fleet.ending is Ending.HEALTHY
    ran = run(sets, 1, at_first_failure=True)
    assert (ran.fleet.ending, ran.fleet.failed) == (Ending.FAILING, ["a"])
    assert ran.fleet.elapsed <= 90


def test_a_fleet_times_out_with_what_is_known_of_each_set() -> None:
    ran = run({"a": AT_ONCE, "b": NEVER, "c": NEVER}, 2, GatePolicy(timeout="5m"))
    assert ran.fleet.ending is Ending.TIMED_OUT
    assert ran.fleet.healthy == ["a"]
    assert {*ran.fleet.failed, *ran.fleet.seen} == {"b", "c"}
    assert 300 <= ran.fleet.elapsed <= 306


def test_sets_that_stand_count_and_are_not_looked_at() -> None:
    ran = run({"b": healthy_after(60)}, standing=("a", "c"))
    assert sorted(ran.fleet.healthy) == ["a", "b", "c"]
    assert ran.fleet.ending is Ending.HEALTHY
    assert run({}, standing=("a",)).fleet.ending is Ending.HEALTHY


def test_a_stop_ends_the_wait_at_once_and_nobody_has_failed() -> None:
    ran = run({"a": AT_ONCE, "b": NEVER, "c": NEVER}, 2, stop_at=100)
    assert ran.fleet.ending is Ending.CANCELLED
    assert ran.fleet.healthy == ["a"]
    assert ran.fleet.failed == []
    assert ran.fleet.elapsed == 100


def test_servers_that_hang_at_the_deadline_are_not_waited_for_one_after_another() -> None:
    hangs = ScaleSet(NEVER, latency=lambda now: 0.2 if now < 250 else 60.0)
    ran = run({f"web{each}": hangs for each in range(20)}, 10, GatePolicy(timeout="5m"), width=2)
    assert ran.fleet.ending in (Ending.TIMED_OUT, Ending.UNREADABLE)
    assert ran.fleet.elapsed <= 300 + 5.5 + 30


@pytest.mark.parametrize(
    ("required", "ending", "latest"),
    [
        (5, Ending.HEALTHY, 560),
        (6, Ending.HEALTHY, 1250),
        (7, Ending.FAILING, 790),
        (8, Ending.DELETED, 700),
        (9, Ending.UNREADABLE, 90),
    ],
)
def test_whatever_happens_to_a_set_is_its_own_verdict_and_the_worst_of_them_names_the_end(
    required: int, ending: Ending, latest: float
) -> None:
    flaps = timeline({each * 20.0: GOOD if each % 2 else ILL for each in range(60)})
    sets: Mapping[str, Show | ScaleSet] = {
        "uniform": healthy_after(250),
        "flexible": ScaleSet(healthy_after(400), flexible=True),
        "at-once": AT_ONCE,
        "heals": timeline({0: BROKEN, 30: GOOD}),
        "late": healthy_after(500),
        "flaps": flaps,
        "forbidden": timeline({0: FORBIDDEN}),
        "deleted": timeline({0: ILL, 600: GONE}),
        "broken": timeline({0: ILL, 700: BROKEN}),
    }
    ran = run(sets, required, GatePolicy(timeout="30m", hold="30s"))
    assert ran.fleet.ending is ending
    assert latest - 60 <= ran.fleet.elapsed <= latest
    of_sets = {name: each.ending for name, each in ran.fleet.ended.items() if each.ending is not Ending.HEALTHY}
    expected = {"forbidden": Ending.UNREADABLE, "deleted": Ending.DELETED, "broken": Ending.FAILING}
    assert of_sets.items() <= expected.items()
    assert ran.azure.refused == []


# --- Azure's limits ---------------------------------------------------------------------------------------------------


def of_random_moments(number: int, latest: float, seed: int = 1) -> tuple[dict[str, ScaleSet], float]:
    """Sets of both modes that get healthy at random moments; the last of these."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    moments = [draw.uniform(0, latest) for _ in range(number)]
    sets = {
        f"web{each}": ScaleSet(healthy_after(moment), flexible=each % 2 == 0) for each, moment in enumerate(moments)
    }
    return sets, max(moments)


@pytest.mark.parametrize("number", [20, pytest.param(500, marks=pytest.mark.rest)])
def test_a_fleet_throttles_nobody_and_ends_soon_after_its_slowest_set(number: int) -> None:
    sets, slowest = of_random_moments(number, 600)
    ran = run(sets)
    assert ran.fleet.ending is Ending.HEALTHY
    assert ran.azure.refused == []
    assert ran.fleet.elapsed <= 1.1 * (slowest + 10)


def test_a_fleet_takes_no_more_than_its_width_of_sets_at_once() -> None:
    spans: list[tuple[float, float]] = []
    sets, _ = of_random_moments(40, 60)

    def show(now: float) -> Snapshot:
        spans.append((now, now + 0.2))
        return GOOD

    slow = {name: replace(each, show=show, flexible=False) for name, each in sets.items()}
    run(slow, width=3)
    at_once = [sum(begun <= moment < ended for begun, ended in spans) for moment, _ in spans]
    assert 3 < max(at_once) <= 3 * 4  # a look reads up to four things at the same time


@pytest.mark.parametrize("number", [30, pytest.param(60, marks=pytest.mark.rest)])
def test_sets_of_other_subscriptions_have_limits_of_their_own(number: int) -> None:
    sets, _ = of_random_moments(number, 300)
    subscriptions = [f"{number:08}-2222-4333-8444-555555555555" for number in range(3)]
    ran = run(sets, subscription_of=lambda name: subscriptions[int(name[3:]) % 3])
    assert ran.fleet.ending is Ending.HEALTHY
    assert ran.azure.refused == []
    used = {key.split()[-1] for key in ran.azure.used if " of all" in key}
    assert used == set(subscriptions)


@pytest.mark.parametrize(
    ("number", "subscriptions"),
    [(200, 1), *(pytest.param(*each, marks=pytest.mark.rest) for each in ((500, 1), (1000, 2)))],
)
def test_hundreds_of_sets_that_get_ready_together_throttle_nobody(number: int, subscriptions: int) -> None:
    """Also where every change leads to more reads in the same look: these are booked, or left to the next look."""
    draw = random.Random(number)  # noqa: S311 - no secret
    ill, booting, well = (
        [Vm(health="unhealthy")] * 3,
        [Vm(), Vm(), Vm(provisioning="creating", health=None)],
        [Vm()] * 3,
    )
    before = [snapshot(*ill), snapshot(*ill), snapshot(*booting), snapshot(*booting)]
    shows = [timeline({0: before[each % 4], draw.uniform(0, 300): snapshot(*well)}) for each in range(number)]
    sets = {f"web{each}": ScaleSet(show, flexible=each % 2 == 0) for each, show in enumerate(shows)}
    ids = [f"{each:08}-2222-4333-8444-555555555555" for each in range(subscriptions)]
    ran = run(sets, policy=GatePolicy(timeout="2h"), subscription_of=lambda name: ids[int(name[3:]) % subscriptions])
    assert ran.fleet.ending is Ending.HEALTHY
    assert ran.azure.refused == []


def test_a_look_that_waits_for_its_turn_reads_what_the_turn_is_for() -> None:
    """Meanwhile more may have become due, for which no place is reserved beside a hundred others."""
    ran = run({f"web{each}": ScaleSet(NEVER, bare=True) for each in range(100)}, policy=GatePolicy(timeout="100s"))
    assert ran.azure.refused == []


@pytest.mark.parametrize(
    ("number", "flexible", "bare"),
    [
        (60, False, False),
        (60, True, True),
        pytest.param(60, False, True, marks=pytest.mark.rest),
        pytest.param(400, False, False, marks=pytest.mark.rest),
        pytest.param(400, True, False, marks=pytest.mark.rest),
    ],
)
def test_sets_whose_time_is_over_together_throttle_nobody(number: int, flexible: bool, bare: bool) -> None:
    """Each would like a last look at the deadline: as many as Azure's limits allow at once get one."""
    sets = {f"web{each}": ScaleSet(NEVER, flexible=flexible, bare=bare) for each in range(number)}
    ran = run(sets, 1, GatePolicy(timeout="6m"))
    assert ran.fleet.ending is Ending.TIMED_OUT
    assert ran.azure.refused == []
    assert {outcome.ending for outcome in ran.fleet.ended.values()} == {Ending.TIMED_OUT}
    assert all(outcome.progress.error is None for outcome in ran.fleet.ended.values())


@pytest.mark.parametrize("number", [200, pytest.param(400, marks=pytest.mark.rest)])
def test_a_set_for_which_there_was_no_place_before_its_timeout_is_told_so_and_throttles_nobody(number: int) -> None:
    ran = run({f"web{each}": ScaleSet(NEVER) for each in range(number)}, 1, GatePolicy(timeout="20s"))
    assert ran.azure.refused == []
    never = [outcome for outcome in ran.fleet.ended.values() if outcome.progress.snapshot is None]
    assert 0 < len(never) < number
    assert {outcome.ending for outcome in never} == {Ending.TIMED_OUT}
    (told,) = {str(outcome.progress.error) for outcome in never}
    assert told.startswith("Azure's rate limits left no place for a look beside those at other scale sets: raise the ")


THROTTLED = Answer(
    429,
    {"Retry-After": "60"},
    b'{"error": {"code": "OperationNotAllowed", "message": "too many", '
    b'"details": [{"code": "TooManyRequests", "target": "HighCostGetVMScaleSetSubscriptionMaximum"}]}}',
)


def test_a_subscription_that_throttles_or_forbids_holds_up_no_set_of_another() -> None:
    subscriptions = {each: f"{number:08}-2222-4333-8444-555555555555" for number, each in enumerate("abc")}
    sets = {
        **{f"a{each}": healthy_after(100) for each in range(5)},
        **{f"b{each}": timeline({0: THROTTLED, 300: GOOD}) for each in range(5)},
        **{f"c{each}": timeline({0: FORBIDDEN}) for each in range(2)},
    }
    ran = run(sets, 10, subscription_of=lambda name: subscriptions[name[0]])
    assert ran.fleet.ending is Ending.HEALTHY
    assert {name: outcome.ending for name, outcome in ran.fleet.ended.items() if name[0] == "c"} == {
        "c0": Ending.UNREADABLE,
        "c1": Ending.UNREADABLE,
    }
    assert max(ran.ended_at[name] for name in sets if name[0] == "a") <= 120
    assert max(ran.ended_at[name] for name in sets if name[0] == "b") <= 300 + 60 + 60


# --- Against the gate of one set --------------------------------------------------------------------------------------


def known_as(seen: Snapshot, unique_id: str) -> Snapshot:
    """The same set with a unique id, which another set of its name does not share."""
    assert seen.scale_set is not None
    return replace(seen, scale_set=replace(seen.scale_set, unique_id=unique_id))


LIVES = [
    AT_ONCE,
    healthy_after(45),
    healthy_after(95),
    NEVER,
    FAILS,
    timeline({0: BROKEN, 30: GOOD}),
    timeline({0: ILL, 40: BROKEN}),
    timeline({0: GOOD, 5: ILL, 90: GOOD}),
    timeline({0: ILL, 60: GONE}),
    timeline({0: known_as(ILL, "one"), 60: known_as(GOOD, "another")}),
    timeline({0: FORBIDDEN}),
]
POLICY = GatePolicy(timeout="2m")


@cache
def alone(life: int, flexible: bool) -> tuple[Ending, float]:
    """How the wait of a gate of its own ends, and when."""
    azure = Metered(VirtualClock())
    outcome = wait(azure.azure(), azure.add("web", ScaleSet(LIVES[life], flexible=flexible)), POLICY).outcome
    return outcome.ending, outcome.progress.elapsed


FLEETS = st.lists(st.tuples(st.integers(0, len(LIVES) - 1), st.booleans()), min_size=1, max_size=5)


@settings(max_examples=500, deadline=None)
@given(FLEETS, st.integers(1, 5), st.booleans())
def test_a_fleet_ends_as_gates_of_its_sets_would_have_it(
    lives: list[tuple[int, bool]], required: int, at_first_failure: bool
) -> None:
    required = min(required, len(lives))
    sets = {f"web{number}": ScaleSet(LIVES[life], flexible=mode) for number, (life, mode) in enumerate(lives)}
    ran = run(sets, required, POLICY, at_first_failure=at_first_failure)
    expected = {f"web{number}": alone(*each) for number, each in enumerate(lives)}
    for name, outcome in ran.fleet.ended.items():
        ending, elapsed = expected[name]
        assert outcome.ending is ending
        assert ran.ended_at[name] <= elapsed + 15
    assert_decided_in_time(ran, expected, required, at_first_failure)
    assert ran.azure.refused == []


def assert_decided_in_time(
    ran: Ran, expected: Mapping[str, tuple[Ending, float]], required: int, at_first_failure: bool
) -> None:
    """The fleet's end follows from the ends of its sets, in the order in which these come."""
    healthy = failed = 0
    for ending, elapsed in sorted(expected.values(), key=lambda each: each[1]):
        healthy, failed = healthy + (ending is Ending.HEALTHY), failed + (ending is not Ending.HEALTHY)
        passes = healthy >= required
        if passes or len(expected) - failed < required or (at_first_failure and failed):
            assert abs(ran.fleet.elapsed - elapsed) <= 15
            if not at_first_failure:  # there the order of two ends that come together decides
                assert ran.fleet.passes is passes
            return
    raise AssertionError("undecided")


def test_what_is_told_never_takes_back_a_set_that_passed() -> None:
    sets, _ = of_random_moments(10, 120)
    healthy = [each for each, _ in run(sets).told]
    assert all(before <= after for before, after in pairwise(healthy))


def test_many_sets_that_end_at_once_on_many_threads_are_all_counted() -> None:
    outcome = Outcome(Ending.HEALTHY, Progress(0.0, 60.0))

    def ending(report: Callable[[Progress], None]) -> Steps:
        report(outcome.progress)
        yield 0.001
        return outcome

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        fleet = watch_fleet(
            {f"web{each}": ending for each in range(300)}, Goal(300, 60.0), SystemClock(), lambda _: None
        )
    finally:
        sys.setswitchinterval(before)
    assert len(fleet.healthy) == 300
    assert fleet.ending is Ending.HEALTHY
