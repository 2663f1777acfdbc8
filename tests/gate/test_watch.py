from dataclasses import replace
from itertools import pairwise

import pytest
from tests.clocks import VirtualClock
from tests.sets import Vm, snapshot

from pulumi_vmss_health import (
    CredentialError,
    Forbidden,
    GatePolicy,
    InstanceViewError,
    MalformedBody,
    Rejected,
    RollingUpgrade,
    ScaleSetNotFound,
    Snapshot,
    State,
    Throttled,
    Unavailable,
)
from pulumi_vmss_health.memory import Ending, Progress
from pulumi_vmss_health.pace import Cost
from pulumi_vmss_health.snapshot import Depth
from pulumi_vmss_health.watch import LAST_LOOK, Outcome, watch
from vmss_instance_view.quota import INSTANCE_VIEW, Ledger

GOOD = snapshot(Vm(), Vm())
SLOW = snapshot(Vm(), Vm(provisioning="creating"))
BAD = snapshot(Vm(), Vm(provisioning="failed"))

Sight = Snapshot | InstanceViewError


class Script:
    """A look that shows what a story says: at this second and until the next entry, this."""

    def __init__(self, clock: VirtualClock, story: dict[float, Sight], *, takes: float = 0.0) -> None:
        self.clock, self.story, self.takes = clock, story, takes
        self.looked_at: list[float] = []
        self.depths: list[tuple[float, Depth]] = []
        self.limits: list[float] = []

    def __call__(self, seconds: float, depth: Depth) -> Snapshot:
        self.limits.append(seconds)
        if not self.looked_at or self.looked_at[-1] != self.clock.time:
            self.looked_at.append(self.clock.time)
        self.depths.append((self.clock.time, depth))
        self.clock.time += self.takes
        sight = [sight for since, sight in self.story.items() if since <= self.clock.time][-1]
        if isinstance(sight, InstanceViewError):
            raise sight
        return sight if depth is Depth.FULL else replace(sight, instances=None)

    @property
    def cost(self) -> Cost:
        return Cost()


def ignore(_progress: Progress) -> None:
    """A report to nobody."""


def wait(story: dict[float, Sight], *, takes: float = 0.0, stop_at: float | None = None, **policy: object) -> Outcome:
    clock = VirtualClock()
    clock.stop_at = stop_at
    return watch(Script(clock, story, takes=takes), GatePolicy(**policy), clock, ignore)  # type: ignore[arg-type]


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
    look = Script(clock, {0: SLOW})
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


def test_a_set_that_was_seen_and_is_missing_was_deleted() -> None:
    outcome = wait({0: SLOW, 20: ScaleSetNotFound("404")})
    assert outcome.ending is Ending.DELETED
    assert 20 <= outcome.progress.elapsed < 27


def test_throttling_moves_the_next_look_and_never_ends_the_wait() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: Throttled("429", retry_after=300), 200: GOOD})
    outcome = watch(look, GatePolicy(), clock, ignore)
    assert outcome.ending is Ending.HEALTHY
    assert look.looked_at[:2] == [0, 300]


@pytest.mark.parametrize("timeout", ["60s", "61s", "62s", "63s"])
def test_slow_looks_end_the_wait_late_by_one_short_look_at_most(timeout: str) -> None:
    progress = wait({0: SLOW}, timeout=timeout, takes=3.0).progress
    assert progress.limit <= progress.elapsed <= progress.limit + LAST_LOOK + 0.5


def test_a_retry_after_beyond_the_deadline_still_leaves_the_last_look() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: Throttled("429", retry_after=1200)})
    outcome = watch(look, GatePolicy(timeout="20s"), clock, ignore)
    assert (outcome.ending, look.looked_at) == (Ending.TIMED_OUT, [0, 20])


def test_a_stop_ends_the_wait_at_once() -> None:
    outcome = wait({0: SLOW}, stop_at=33.3)
    assert (outcome.ending, outcome.progress.elapsed <= 33.3) == (Ending.CANCELLED, True)


def test_a_server_that_hangs_delays_the_deadline_by_one_short_look() -> None:
    outcome = wait({0: GOOD}, takes=10_000, timeout="60s")
    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.progress.elapsed <= 60 + LAST_LOOK + 1
    assert isinstance(outcome.progress.error, Unavailable)


class Metered(Script):
    """A script whose looks are taken from the bucket that Azure documents for the instance view."""

    def __init__(self, clock: VirtualClock, story: dict[float, Sight]) -> None:
        super().__init__(clock, story)
        self.ledger = Ledger()
        self.least = 30.0

    def __call__(self, seconds: float, depth: Depth) -> Snapshot:
        if not self.looked_at or self.looked_at[-1] != self.clock.time:  # a full look right after takes its view over
            self.ledger.note(INSTANCE_VIEW, "/subscriptions/s/web", {}, self.clock.time)
        self.least = min(self.least, self.cost.left)
        return super().__call__(seconds, depth)

    @property
    def cost(self) -> Cost:
        return Cost(4, self.ledger.left(INSTANCE_VIEW, "/subscriptions/s/web", self.clock.time))


@pytest.mark.parametrize("restless", [False, True])
def test_looks_leave_a_third_of_the_bucket_to_others(restless: bool) -> None:
    clock = VirtualClock()
    moments = range(0, 3600, 10) if restless else [0]
    story: dict[float, Sight] = {float(at): GOOD if at % 20 else SLOW for at in moments}
    look = Metered(clock, story)
    watch(look, GatePolicy(timeout="1h", hold="30m"), clock, ignore)
    assert look.least >= 8.9


def test_the_view_alone_is_looked_at_while_it_cannot_pass_and_everything_once_a_minute() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: SLOW, 200: GOOD})
    watch(look, GatePolicy(hold="0s"), clock, ignore)
    full = [at for at, depth in look.depths if depth is Depth.FULL]
    assert full[0] == 0
    assert all(50 < later - before < 70 for before, later in pairwise(full[:-1]))
    decided = look.depths[-1][0]
    assert 200 <= decided < 210
    assert look.depths[-2:] == [(decided, Depth.VIEW), (decided, Depth.FULL)]
    assert len(full) < len(look.depths) / 5


def test_the_last_look_at_the_deadline_is_a_full_one() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: SLOW})
    watch(look, GatePolicy(timeout="95s"), clock, ignore)
    assert look.depths[-1] == (95, Depth.FULL)


def test_the_wait_counts_from_its_own_beginning() -> None:
    clock = VirtualClock()
    clock.time = 1000.0
    look = Script(clock, {0: SLOW})
    outcome = watch(look, GatePolicy(timeout="95s"), clock, ignore)
    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.progress.elapsed == pytest.approx(95)
    assert [depth for at, depth in look.depths if at > 1000][:5] == [Depth.VIEW] * 5


def test_a_look_may_take_as_long_as_is_left_and_ends_itself_before_it_is_abandoned() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: SLOW})
    watch(look, GatePolicy(timeout="60s"), clock, ignore)
    assert (look.limits[0], clock.limits[0]) == (30.0, 30.5)
    late = [(60 - at, limit) for at, limit in zip(look.looked_at, look.limits, strict=True) if 6 < 60 - at < 30]
    assert late
    assert all(limit == pytest.approx(left - 0.5) for left, limit in late)
    assert (look.limits[-1], clock.limits[-1]) == (5.0, 5.5)


def test_a_full_look_after_the_view_may_take_as_long_as_any() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: SLOW, 20: GOOD})
    watch(look, GatePolicy(hold="0s"), clock, ignore)
    assert set(look.limits) == {30.0}


def test_a_look_that_does_not_come_back_says_so() -> None:
    error = wait({0: SLOW}, takes=100.0, timeout="20s").progress.error
    assert str(error) == "no look came back within 20s"


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
    look = Script(clock, {0: SLOW})
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


def test_a_set_that_was_recreated_under_its_name_has_to_hold_anew() -> None:
    assert GOOD.scale_set is not None
    other = replace(GOOD, scale_set=replace(GOOD.scale_set, unique_id="another"))
    assert wait({0: GOOD, 20: other}, hold="30s").progress.elapsed >= 50


def test_the_outcome_tells_when_the_state_changed() -> None:
    transitions = wait({0: SLOW, 60: BAD, 90: GOOD}).progress.transitions
    assert [state for _, state in transitions] == [State.PROGRESSING, State.FAILING, State.HEALTHY]


def test_every_look_is_reported() -> None:
    seen: list[Progress] = []
    clock = VirtualClock()
    outcome = watch(Script(clock, {0: SLOW, 10: GOOD}), GatePolicy(), clock, seen.append)
    assert [progress.looks for progress in seen] == list(range(1, outcome.progress.looks + 1))
    assert seen[0].snapshot == SLOW


def test_a_bug_in_a_look_is_not_taken_for_an_unreadable_set() -> None:
    class Broken:
        cost = Cost()

        def __call__(self, _seconds: float, _depth: Depth) -> Snapshot:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        watch(Broken(), GatePolicy(), VirtualClock(), ignore)


def test_the_models_capacity_is_looked_up_anew_each_time() -> None:
    assert GOOD.scale_set is not None
    grown = replace(GOOD, scale_set=replace(GOOD.scale_set, capacity=3))
    outcome = wait({0: grown, 30: GOOD})
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed >= 30
