from dataclasses import replace
from itertools import pairwise

import pytest
from tests.clocks import VirtualClock
from tests.looks import Script, Sight, chapters
from tests.sets import Vm, snapshot

from pulumi_vmss_health import (
    CredentialError,
    Forbidden,
    GatePolicy,
    InstanceViewError,
    MalformedBody,
    Rejected,
    RollingUpgrade,
    ScaleSet,
    ScaleSetNotFound,
    Snapshot,
    State,
    Throttled,
    Unavailable,
    evaluate,
)
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Ask, Depth
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.plan import Plan, cheapest, state_of_view
from pulumi_vmss_health.waiting.watch import LAST_LOOK, Looked, Outcome, watch
from vmss_instance_view.limits.quota import Room

GOOD = snapshot(Vm(), Vm())
SLOW = snapshot(Vm(), Vm(provisioning="creating"))
BAD = snapshot(Vm(), Vm(provisioning="failed"))


def ignore(_progress: Progress) -> None:
    """A report to nobody."""


def wait(story: dict[float, Sight], *, takes: float = 0.0, stop_at: float | None = None, **policy: object) -> Outcome:
    clock = VirtualClock()
    clock.stop_at = stop_at
    return watch(Script(clock, chapters(story), takes=takes), GatePolicy(**policy), clock, ignore)  # type: ignore[arg-type]


def test_health_must_hold() -> None:
    outcome = wait({0: GOOD}, hold="30s")
    assert outcome.ending is Ending.HEALTHY
    assert 30 <= outcome.progress.elapsed < 40


def test_without_a_hold_the_first_healthy_look_ends_the_wait() -> None:
    assert wait({0: GOOD}, hold="0s").progress.looks == 1


def test_by_default_health_must_hold_for_two_looks_and_for_what_the_health_extension_takes_to_notice() -> None:
    unprobed = snapshot(Vm(health=None), health=False)
    assert wait({0: unprobed}).progress.looks == 2
    assert wait({0: GOOD}).progress.elapsed >= 10  # its extension probes twice, every 5 seconds


def test_anything_but_health_restarts_the_hold() -> None:
    outcome = wait({0: GOOD, 20: SLOW, 25: GOOD}, hold="30s")
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed >= 55


def test_a_lost_look_restarts_the_hold() -> None:
    outcome = wait({0: GOOD, 20: Unavailable("503"), 25: GOOD}, hold="30s")
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed >= 55


def test_a_change_of_the_capacity_restarts_the_hold() -> None:
    outcome = wait({0: GOOD, 20: snapshot(Vm(), Vm(), Vm())}, hold="30s")
    assert outcome.progress.elapsed >= 50


def test_a_failure_ends_the_wait_early_once_it_lasted() -> None:
    outcome = wait({0: BAD}, timeout="30m", confirm_failure="60s")
    assert outcome.ending is Ending.FAILING
    assert 60 <= outcome.progress.elapsed <= 75


def test_a_failure_that_passes_does_not_end_the_wait() -> None:
    outcome = wait({0: BAD, 50: GOOD}, confirm_failure="60s")
    assert outcome.ending is Ending.HEALTHY


def test_a_failure_takes_three_looks_to_confirm() -> None:
    assert wait({0: BAD}, confirm_failure="0s").progress.looks == 3


def test_without_a_confirmation_only_the_timeout_ends_a_failure() -> None:
    outcome = wait({0: BAD}, confirm_failure=None, timeout="10m")
    assert (outcome.ending, outcome.progress.elapsed) == (Ending.TIMED_OUT, 600)


def test_the_timeout_ends_the_wait_after_one_last_look() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW}))
    outcome = watch(look, GatePolicy(timeout="95s"), clock, ignore)
    assert outcome.ending is Ending.TIMED_OUT
    assert look.looked_at[-1] == 95


def test_health_at_the_last_look_counts_if_it_has_held() -> None:
    assert wait({0: SLOW, 95: GOOD}, timeout="95s", hold="0s").ending is Ending.HEALTHY
    assert wait({0: SLOW, 95: GOOD}, timeout="95s", hold="5s").ending is Ending.TIMED_OUT


def test_no_wait_ends_in_health_while_something_is_unjudged() -> None:
    view_alone = Snapshot(GOOD.view)
    outcome = wait({0: view_alone}, capacity=2, timeout="5m")
    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.progress.verdict is not None
    assert "power" in outcome.progress.verdict.unjudged


@pytest.mark.parametrize("error", [Unavailable("503"), MalformedBody("$", "not JSON")])
def test_errors_in_a_row_spend_a_budget_of_number_and_time(error: InstanceViewError) -> None:
    outcome = wait({0: error})
    assert outcome.ending is Ending.UNREADABLE
    assert outcome.progress.looks >= 5
    assert 120 <= outcome.progress.elapsed <= 130
    assert outcome.progress.error is error


def test_a_good_look_restores_the_budget() -> None:
    story: dict[float, Sight] = {0: Unavailable("503"), 100: SLOW, 112: Unavailable("503"), 215: GOOD}
    assert wait(story).ending is Ending.HEALTHY


@pytest.mark.parametrize("error", [CredentialError("no"), Rejected("no", status=400)])
def test_what_no_repetition_mends_ends_the_wait_at_once(error: InstanceViewError) -> None:
    outcome = wait({0: error})
    assert (outcome.ending, outcome.progress.looks) == (Ending.UNREADABLE, 1)


@pytest.mark.parametrize("error", [ScaleSetNotFound("404"), Forbidden("403")])
def test_before_the_set_was_first_seen_it_may_be_missing_or_forbidden_for_a_while(error: InstanceViewError) -> None:
    assert wait({0: error, 50: GOOD}).ending is Ending.HEALTHY
    late = wait({0: error, 90: GOOD})
    assert late.ending is Ending.UNREADABLE
    assert late.progress.elapsed <= 75


def test_a_set_that_was_seen_and_stays_missing_for_a_minute_was_deleted() -> None:
    outcome = wait({0: SLOW, 20: ScaleSetNotFound("404")})
    assert outcome.ending is Ending.DELETED
    assert 80 <= outcome.progress.elapsed < 90


def test_a_set_that_is_missing_for_a_moment_was_not_deleted() -> None:
    assert wait({0: SLOW, 20: ScaleSetNotFound("404"), 24: GOOD}).ending is Ending.HEALTHY


def test_a_set_that_another_one_replaced_was_deleted() -> None:
    first, second = (replace(GOOD, scale_set=replace(GOOD.scale_set, unique_id=each)) for each in "ab")  # type: ignore[type-var]
    outcome = wait({0: first, 20: second}, hold="60s")
    assert outcome.ending is Ending.DELETED
    assert "another one of the same name was created" in str(outcome.progress.error)


@pytest.mark.parametrize("error", [CredentialError("no"), Unavailable("no")])
def test_after_a_first_sight_a_credential_that_fails_spends_the_budget_of_errors(error: InstanceViewError) -> None:
    assert wait({0: SLOW, 20: error, 100: GOOD}).ending is Ending.HEALTHY
    assert wait({0: SLOW, 20: error}).ending is Ending.UNREADABLE


def test_throttling_moves_the_next_look_and_never_ends_the_wait() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: Throttled("429", retry_after=300), 200: GOOD}))
    outcome = watch(look, GatePolicy(), clock, ignore)
    assert outcome.ending is Ending.HEALTHY
    assert look.looked_at[:2] == [0, 300]


@pytest.mark.parametrize("timeout", ["60s", "61s", "62s", "63s"])
def test_slow_looks_end_the_wait_late_by_one_short_look_at_most(timeout: str) -> None:
    progress = wait({0: SLOW}, timeout=timeout, takes=3.0).progress
    assert progress.limit <= progress.elapsed <= progress.limit + LAST_LOOK + 0.5


def test_a_retry_after_beyond_the_deadline_still_leaves_the_last_look() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: Throttled("429", retry_after=1200)}))
    outcome = watch(look, GatePolicy(timeout="20s"), clock, ignore)
    assert (outcome.ending, look.looked_at) == (Ending.TIMED_OUT, [0, 20])


def test_a_stop_ends_the_wait_at_once() -> None:
    outcome = wait({0: SLOW}, stop_at=33.3)
    assert outcome.ending is Ending.CANCELLED
    assert outcome.progress.elapsed == pytest.approx(33.3), "not the time of the last look"


def test_a_server_that_hangs_delays_the_deadline_by_one_short_look() -> None:
    outcome = wait({0: GOOD}, takes=10_000, timeout="60s")
    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.progress.elapsed <= 60 + LAST_LOOK + 1
    assert isinstance(outcome.progress.error, Unavailable)


def test_throttling_leaves_what_was_seen_to_hold() -> None:
    """It says nothing about the set: a gate that Azure throttles now and then must still pass."""
    story: dict[float, Sight] = {0: GOOD, 10: Throttled("429", retry_after=5), 14: GOOD}
    assert wait(story, hold="30s").progress.elapsed == pytest.approx(30, abs=3)
    failing: dict[float, Sight] = {0: BAD, 30: Throttled("429", retry_after=5), 34: BAD}
    assert 60 <= wait(failing, confirm_failure="60s").progress.elapsed <= 75


def test_a_look_waits_for_what_azures_limits_allow() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW}), allowed=Room(fraction=1 / 3, refill=6.0, closed=0.0))
    watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert look.looked_at == pytest.approx([0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60])


def test_a_look_waits_for_its_turn_beside_other_sets() -> None:
    class Queue(Script):
        def turn(self, ask: Ask) -> float:
            return 10.0 + super().turn(ask)

    clock = VirtualClock()
    clock.time = 1000.0
    look = Queue(clock, chapters({0: SLOW}))
    watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert look.looked_at[0] == 1010
    assert all(later - before > 10 for before, later in pairwise(look.looked_at[:-1]))
    assert look.looked_at[-1] == 1060, "the last look is at the deadline, whoever else waits"


def test_no_last_look_is_taken_that_azure_would_only_refuse() -> None:
    clock = VirtualClock()
    clock.time = 1000.0
    look = Script(clock, chapters({0: SLOW}))
    look.allowed = Room(closed=1200.0)
    outcome = watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert (outcome.ending, outcome.progress.elapsed, look.looked_at) == (Ending.TIMED_OUT, 60, [1000])
    assert outcome.progress.error is None, "what was seen is told"
    assert look.rooms[-1] == Ask(Depth.FULL, 1060, urgent=True)


def test_no_last_look_is_taken_for_which_other_sets_leave_no_place_at_the_deadline() -> None:
    class Crowded(Script):
        def turn_now(self, ask: Ask) -> bool:
            return not super().turn_now(ask)

    clock = VirtualClock()
    look = Crowded(clock, chapters({0: SLOW}))
    outcome = watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert (outcome.ending, outcome.progress.elapsed, outcome.progress.error) == (Ending.TIMED_OUT, 60, None)
    assert look.turns[-1] == Ask(Depth.FULL, 60, urgent=True)
    assert look.looked_at[-1] < 60


def test_a_wait_that_had_no_place_for_any_look_says_so() -> None:
    class Full(Script):
        def turn(self, ask: Ask) -> float:
            return super().turn(ask) + 90.0

        def turn_now(self, ask: Ask) -> bool:
            return not super().turn_now(ask)

    clock = VirtualClock()
    look = Full(clock, chapters({0: GOOD}))
    outcome = watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert (outcome.ending, outcome.progress.elapsed, look.looked_at) == (Ending.TIMED_OUT, 60, [])
    assert isinstance(outcome.progress.error, Unavailable)
    assert str(outcome.progress.error).startswith("Azure's rate limits left no place for a look beside those at other")


def test_a_last_look_for_which_there_is_no_room_for_half_a_second_is_not_taken_either() -> None:
    clock = VirtualClock()
    clock.time = 1000.0
    look = Script(clock, chapters({0: SLOW}), allowed=Room(closed=0.5))
    outcome = watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert (outcome.ending, outcome.progress.elapsed) == (Ending.TIMED_OUT, 60)
    assert 1050 < look.looked_at[-1] < 1060


def test_the_first_look_goes_before_others_and_what_is_booked_is_what_is_then_read() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW, 100: snapshot(Vm(), Vm(health="unhealthy")), 200: GOOD}))
    watch(look, GatePolicy(), clock, ignore)
    assert look.turns[0] == Ask(since=0.0, urgent=True)
    assert look.turns == look.asks
    assert {each.depth for each in look.rooms} == {each.depth for each in look.asks[1:]}


def test_the_last_look_before_the_deadline_goes_before_others_and_takes_nothing_of_before() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW}))
    watch(look, GatePolicy(timeout="95s"), clock, ignore)
    assert look.asks[-1] == Ask(Depth.FULL, 95, urgent=True)


def test_a_hold_is_as_long_as_health_was_seen_and_not_as_long_as_it_took_to_see_it() -> None:
    assert wait({0: GOOD}, takes=10.0, hold="30s").progress.elapsed >= 50


def test_who_set_the_timeout_is_told_with_it() -> None:
    clock = VirtualClock()
    outcome = watch(Script(clock, chapters({0: GOOD})), GatePolicy(), clock, ignore, limit_source="of the options")
    assert outcome.progress.limit_source == "of the options"


def test_the_look_that_can_end_the_wait_comes_when_the_hold_is_over() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: GOOD}), allowed=Room(fraction=1 / 3, refill=12.0))
    watch(look, GatePolicy(hold="31s"), clock, ignore)
    assert look.looked_at == pytest.approx([0, 12, 24, 31], abs=0.1)
    assert look.asks[-1].urgent


def test_the_view_alone_is_looked_at_while_it_cannot_pass_and_the_model_once_a_minute() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW, 200: GOOD}))
    watch(look, GatePolicy(hold="0s"), clock, ignore)
    more = [(at, depth) for at, depth in look.depths if depth is not Depth.VIEW]
    assert [depth for _, depth in more] == [
        Depth.FULL, Depth.VIEW_AND_MODEL, Depth.VIEW_AND_MODEL, Depth.FULL, Depth.FULL
    ]  # fmt: skip
    assert all(50 < later - before < 70 for (before, _), (later, _) in pairwise(more[:-1]))
    decided = look.looked_at[-1]
    assert 200 <= decided < 210
    assert look.depths[-2:] == [(decided, Depth.VIEW), (decided, Depth.FULL)]
    assert len(more) < len(look.depths) / 5


@pytest.mark.parametrize(
    ("ill", "upgrade", "depth"),
    [
        (Vm(health="unhealthy"), None, Depth.OWN_VIEWS),
        (Vm(power="starting"), None, Depth.OWN_VIEWS),
        (Vm(latest=False), None, Depth.INSTANCES),
        (Vm(), RollingUpgrade("RollingForward"), Depth.UPGRADE),
        (Vm(health="unhealthy"), RollingUpgrade("RollingForward"), Depth.OWN_VIEWS),
        (Vm(provisioning="creating", health="unhealthy"), RollingUpgrade("RollingForward"), Depth.VIEW),
    ],
)
def test_what_is_still_open_is_asked_for_by_the_read_that_costs_least(
    ill: Vm, upgrade: RollingUpgrade | None, depth: Depth
) -> None:
    clock = VirtualClock()
    before = replace(snapshot(Vm(), ill), rolling_upgrade=upgrade)
    look = Script(clock, chapters({0: before, 30: GOOD}))
    outcome = watch(look, GatePolicy(hold="0s"), clock, ignore)
    assert outcome.ending is Ending.HEALTHY
    parts = [each for at, each in look.depths if 0 < at < 30]
    assert {*parts} == {depth, Depth.VIEW}
    assert parts.count(depth) >= 2 * (len(parts) // 3), "now and then the view tells whether the rest has changed"
    assert look.depths[-1][1] is Depth.FULL
    if depth is Depth.OWN_VIEWS:
        assert look.asks[1].which == ("1",)


@pytest.mark.parametrize(
    ("ill", "well", "policy", "sample"),
    [
        (3, 0, {}, 1),  # while one of them is ill, the set cannot pass
        (8, 0, {}, 2),  # enough that each is asked at every fourth look
        (3, 1, {"min_healthy": 3}, 2),  # two of three must get well: of any two of them at least one
        (3, 1, {"min_healthy": 2}, 3),  # whichever gets well first
        (2, 2, {"min_healthy_per_zone": 1}, None),  # each counts for its zone
    ],
)
def test_of_the_open_instances_as_many_are_asked_as_show_that_the_set_cannot_pass(
    ill: int, well: int, policy: dict[str, object], sample: int | None
) -> None:
    clock = VirtualClock()
    sick = snapshot(*[Vm(health="unhealthy", zone="1")] * ill, *[Vm(zone="2")] * well, zones=("1", "2"))
    look = Script(clock, chapters({0: sick}))
    watch(look, GatePolicy(timeout="20s", **policy), clock, ignore)  # type: ignore[arg-type]
    ask = next(each for each in look.asks if each.depth is Depth.OWN_VIEWS)
    assert ask.which == tuple(map(str, range(ill)))
    assert ask.sample == sample


def flexible(seen: Snapshot) -> Snapshot:
    return replace(seen, scale_set=replace(seen.scale_set or ScaleSet(), orchestration_mode="Flexible"))


def test_of_the_view_alone_neither_the_instances_nor_an_upgrade_are_judged() -> None:
    seen = replace(snapshot(Vm(), Vm(), capacity=3), rolling_upgrade=RollingUpgrade("RollingForward"))
    assert state_of_view(seen, GatePolicy(capacity=2), NOTHING_ELSE) is State.HEALTHY
    ill = replace(snapshot(Vm(), Vm(health="unhealthy")), rolling_upgrade=RollingUpgrade("RollingForward"))
    assert state_of_view(ill, GatePolicy(), NOTHING_ELSE) is State.HEALTHY


@pytest.mark.parametrize(
    ("seen", "policy", "plan"),
    [
        (Snapshot(GOOD.view, instances=GOOD.instances), {"capacity": 2}, Plan(Depth.FULL)),
        (replace(snapshot(Vm(), Vm(health="unhealthy")), instances=None), {}, Plan(Depth.FULL)),
        (snapshot(Vm(), Vm(), Vm()), {"capacity": 4}, Plan(Depth.VIEW)),
        (snapshot(Vm(), Vm(health="unhealthy"), capacity=5), {"capacity": 2}, Plan(Depth.OWN_VIEWS, ("1",), 1)),
        (snapshot(*[Vm(health="unhealthy")] * 9), {}, Plan(Depth.INSTANCES, tuple("012345678"))),
        (snapshot(Vm(), Vm(latest=False)), {}, Plan(Depth.INSTANCES, ("1",))),
        (snapshot(Vm(), Vm(), status="updating"), {}, Plan(Depth.VIEW)),
        (flexible(snapshot(Vm(), Vm(health="unhealthy"), status="updating")), {"min_healthy": 1}, Plan(Depth.FULL)),
        (
            snapshot(Vm(health="unhealthy"), Vm("failed/X"), status="failed/X"),
            {"ignore_failure_codes": ["X"]},
            Plan(Depth.OWN_VIEWS, ("0",), 1),
        ),
    ],
)
def test_the_next_look_is_planned_by_what_is_open(seen: Snapshot, policy: dict[str, object], plan: Plan) -> None:
    asked = GatePolicy(**policy)  # type: ignore[arg-type]
    assert cheapest(seen, evaluate(seen, asked), asked, NOTHING_ELSE) == plan


def test_many_open_instances_are_asked_for_by_their_list() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: snapshot(*[Vm(health="unhealthy")] * 9), 30: snapshot(*[Vm()] * 9)}))
    watch(look, GatePolicy(hold="0s"), clock, ignore)
    assert {each for at, each in look.depths if 0 < at < 30} == {Depth.INSTANCES, Depth.VIEW}


def test_the_last_look_at_the_deadline_is_a_full_one() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW}))
    watch(look, GatePolicy(timeout="95s"), clock, ignore)
    assert look.depths[-1] == (95, Depth.FULL)


def test_the_wait_counts_from_its_own_beginning() -> None:
    clock = VirtualClock()
    clock.time = 1000.0
    look = Script(clock, chapters({0: SLOW}))
    outcome = watch(look, GatePolicy(timeout="95s"), clock, ignore)
    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.progress.elapsed == pytest.approx(95)
    assert [depth for at, depth in look.depths if at > 1000][:5] == [Depth.VIEW] * 5


def test_a_look_may_take_as_long_as_is_left_and_ends_itself_before_it_is_abandoned() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW}))
    watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert (look.limits[0], clock.limits[0]) == (30.0, 30.5)
    late = [(60 - at, limit) for at, limit in zip(look.looked_at, look.limits, strict=True) if 6 < 60 - at < 30]
    assert late
    assert all(limit == pytest.approx(left - 0.5) for left, limit in late)
    assert (look.limits[-1], clock.limits[-1]) == (5.0, 5.5)


def test_a_full_look_after_the_view_may_take_as_long_as_any() -> None:
    clock = VirtualClock()
    look = Script(clock, chapters({0: SLOW, 20: GOOD}))
    watch(look, GatePolicy(hold="0s"), clock, ignore)
    assert set(look.limits) == {30.0}


def test_a_look_that_does_not_come_back_says_so() -> None:
    error = wait({0: SLOW}, takes=100.0, timeout="20s").progress.error
    assert str(error) == "reading the scale set took longer than 20s"


def test_a_failure_that_only_the_instances_show_is_confirmed_though_the_view_alone_is_in_progress() -> None:
    """A Manual policy: the view counts the new extension as creating, and nobody will ever create it."""
    stale = snapshot(Vm(latest=False, extensions=()), Vm(latest=False, extensions=()), upgrade_mode="Manual")
    outcome = wait({0: stale}, timeout="30m", confirm_failure="60s")
    assert outcome.ending is Ending.FAILING
    assert outcome.progress.elapsed < 80


def test_the_last_look_is_a_full_one_also_where_a_sleep_ends_a_little_early() -> None:
    class Early(VirtualClock):
        def wait(self, seconds: float) -> None:
            super().wait(seconds * 0.9999)

    clock = Early()
    look = Script(clock, chapters({0: SLOW}))
    outcome = watch(look, GatePolicy(timeout="20s"), clock, ignore)
    assert outcome.ending is Ending.TIMED_OUT
    assert look.depths[-1][1] is Depth.FULL


def test_a_surplus_that_stays_unchanged_for_five_minutes_no_longer_holds_up_the_wait() -> None:
    surplus = snapshot(Vm(), Vm(), Vm(), capacity=2)
    outcome = wait({0: surplus})
    assert outcome.ending is Ending.HEALTHY
    assert 300 <= outcome.progress.elapsed < 330


def test_a_surplus_while_an_upgrade_runs_is_on_its_way_out() -> None:
    surplus = replace(snapshot(Vm(), Vm(), Vm(), capacity=2), rolling_upgrade=RollingUpgrade("RollingForward"))
    assert wait({0: surplus}, timeout="20m").ending is Ending.TIMED_OUT


def test_a_surplus_in_the_list_is_one_though_the_view_still_counts_the_capacity() -> None:
    fine = snapshot(Vm(), Vm())
    listed = replace(snapshot(Vm(), Vm(), Vm(), capacity=2), view=fine.view)
    lagging = replace(snapshot(Vm(power="stopped"), Vm()), view=fine.view)
    assert wait({0: lagging, 310: listed}, hold="0s").progress.elapsed >= 610


def test_the_outcome_tells_when_the_state_changed() -> None:
    transitions = wait({0: SLOW, 60: BAD, 90: GOOD}).progress.transitions
    assert [state for _, state in transitions] == [State.PROGRESSING, State.FAILING, State.HEALTHY]


def test_every_look_is_reported_but_those_that_another_one_follows_at_once() -> None:
    seen: list[Progress] = []
    clock = VirtualClock()
    outcome = watch(Script(clock, chapters({0: SLOW, 10: GOOD})), GatePolicy(), clock, seen.append)
    told = [progress.looks for progress in seen]
    assert [look for look in range(1, outcome.progress.looks + 1) if look not in told] == [told[-2] - 1]
    assert all(each.verdict and not each.verdict.unjudged for each in seen)
    assert seen[0].snapshot == SLOW


def test_every_look_is_recorded_with_its_beginning_also_one_that_failed_or_that_another_one_follows_at_once() -> None:
    recorded: list[Looked] = []
    clock = VirtualClock()
    clock.time = 1000.0
    look = Script(clock, chapters({0: SLOW, 1010: Unavailable("503"), 1020: GOOD}), takes=0.5)
    outcome = watch(look, GatePolicy(), clock, ignore, record=recorded.append)
    assert [each.progress.looks for each in recorded] == [*range(1, outcome.progress.looks + 1)]
    assert [(each.began, each.ask) for each in recorded] == [*zip(look.looked_at, look.asks, strict=True)]
    assert {each.started for each in recorded} == {1000.0}
    assert [each.progress.elapsed for each in recorded] == [each.began - 1000 + 0.5 for each in recorded]
    assert any(each.progress.error for each in recorded)


def test_a_defect_in_a_look_is_a_lost_look_that_says_so_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    def broken(_now: float) -> Snapshot:
        raise ZeroDivisionError

    clock = VirtualClock()
    outcome = watch(Script(clock, broken), GatePolicy(), clock, ignore)
    assert outcome.ending is Ending.UNREADABLE
    assert "unexpected ZeroDivisionError" in str(outcome.progress.error)
    assert "please report it" in str(outcome.progress.error)
    assert {each.getMessage() for each in caplog.records} == {"a look failed unexpectedly"}
    assert all("in broken" in caplog.handler.format(each) for each in caplog.records)

    def broken_once(now: float) -> Sight:
        return broken(now) if 10 < now < 20 else GOOD

    clock = VirtualClock()
    assert watch(Script(clock, broken_once), GatePolicy(hold="1m"), clock, ignore).ending is Ending.HEALTHY


def test_the_models_capacity_is_looked_up_anew_each_time() -> None:
    assert GOOD.scale_set is not None
    grown = replace(GOOD, scale_set=replace(GOOD.scale_set, capacity=3))
    outcome = wait({0: grown, 30: GOOD})
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed >= 30
