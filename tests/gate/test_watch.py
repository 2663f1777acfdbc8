from collections.abc import Callable
from dataclasses import replace

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
    ScaleSetNotFound,
    Snapshot,
    Throttled,
    Unavailable,
)
from pulumi_vmss_health.watch import LAST_LOOK, Ending, Outcome, Progress, watch

GOOD = snapshot(Vm(), Vm())
SLOW = snapshot(Vm(), Vm(provisioning="creating"))
BAD = snapshot(Vm(), Vm(provisioning="failed"))

Sight = Snapshot | InstanceViewError


class Script:
    """A look that shows what a story says: at this second and until the next entry, this."""

    def __init__(self, clock: VirtualClock, story: dict[float, Sight], *, takes: float = 0.0) -> None:
        self.clock, self.story, self.takes = clock, story, takes
        self.looked_at: list[float] = []

    def __call__(self, _seconds: float) -> Snapshot:
        self.looked_at.append(self.clock.time)
        self.clock.time += self.takes
        sight = [sight for since, sight in self.story.items() if since <= self.clock.time][-1]
        if isinstance(sight, InstanceViewError):
            raise sight
        return sight


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
    assert (outcome.ending, outcome.progress.elapsed) == (Ending.DELETED, 20)


def test_throttling_moves_the_next_look_and_never_ends_the_wait() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: Throttled("429", retry_after=300), 200: GOOD})
    outcome = watch(look, GatePolicy(), clock, ignore)
    assert outcome.ending is Ending.HEALTHY
    assert look.looked_at[:2] == [0, 300]


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


def test_looks_stay_within_the_bucket_that_azure_documents() -> None:
    clock = VirtualClock()
    look = Script(clock, {0: SLOW})
    watch(look, GatePolicy(timeout="1h"), clock, ignore)
    left, before = 30.0, 0.0
    for moment in look.looked_at:
        left, before = min(30.0, left + (moment - before) * 10 / 60) - 1, moment
        assert left >= 8.99  # a third stays for others


def test_every_look_is_reported() -> None:
    seen: list[Progress] = []
    clock = VirtualClock()
    outcome = watch(Script(clock, {0: SLOW, 10: GOOD}), GatePolicy(), clock, seen.append)
    assert [progress.looks for progress in seen] == list(range(1, outcome.progress.looks + 1))
    assert seen[0].snapshot == SLOW


def test_a_bug_in_a_look_is_not_taken_for_an_unreadable_set() -> None:
    def broken(_seconds: float) -> Snapshot:
        raise ZeroDivisionError

    look: Callable[[float], Snapshot] = broken
    with pytest.raises(ZeroDivisionError):
        watch(look, GatePolicy(), VirtualClock(), ignore)


def test_the_models_capacity_is_looked_up_anew_each_time() -> None:
    assert GOOD.scale_set is not None
    grown = replace(GOOD, scale_set=replace(GOOD.scale_set, capacity=3))
    outcome = wait({0: grown, 30: GOOD})
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed >= 30
