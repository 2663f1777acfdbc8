"""Each known bug of a tool that waits for deployments, as a test that we do not have it."""

from dataclasses import replace

from tests.gate.test_watch import BAD, GOOD, SLOW, wait
from tests.sets import Vm, snapshot

from pulumi_vmss_health import (
    GatePolicy,
    InstanceView,
    ScaleSet,
    ScaleSetNotFound,
    Snapshot,
    State,
    Status,
    Throttled,
    Unavailable,
    evaluate,
)
from pulumi_vmss_health.waiting.ending import Ending


def test_vacuous_pass_spinnaker_and_kstatus_take_an_empty_set_for_a_healthy_one() -> None:
    empty = Snapshot(InstanceView(statuses=(Status("ProvisioningState/succeeded"),)), ScaleSet(capacity=3), ())
    assert evaluate(empty, GatePolicy()).state is not State.HEALTHY
    assert wait({0: empty}, timeout="5m").ending is Ending.TIMED_OUT


def test_no_conditions_no_problem_kstatus_takes_missing_health_for_health() -> None:
    assert evaluate(snapshot(Vm(health=None)), GatePolicy()).state is State.PROGRESSING


def test_stale_success_az_reads_what_the_previous_deployment_left() -> None:
    stale = snapshot(Vm(latest=False), Vm(latest=False))
    assert evaluate(stale, GatePolicy()).state is State.PROGRESSING


def test_stale_failure_az_shows_the_previous_models_failed_extension() -> None:
    stale = snapshot(Vm(latest=False, extensions=(("cse", "failed/1"),)))
    assert evaluate(stale, GatePolicy()).state is State.PROGRESSING


def test_eager_failure_terraform_gives_up_on_the_first_zone_without_capacity() -> None:
    assert wait({0: BAD, 30: GOOD}).ending is Ending.HEALTHY


def test_sticky_status_a_failed_operation_outlives_its_cause() -> None:
    assert evaluate(snapshot(Vm(), Vm(), status="failed/AllocationFailed"), GatePolicy()).state is State.HEALTHY


def test_time_out_that_exits_zero_az_vmss_wait_prints_nothing_and_succeeds() -> None:
    assert wait({0: SLOW}, timeout="2m").ending is Ending.TIMED_OUT


def test_not_found_that_is_waited_out_az_takes_a_deleted_set_for_one_to_come() -> None:
    outcome = wait({0: SLOW, 60: ScaleSetNotFound("404")}, timeout="30m")
    assert outcome.ending is Ending.DELETED
    assert 120 <= outcome.progress.elapsed < 130, "a minute, for regions disagree at times"


def test_throttling_that_kills_the_wait_botocore_ends_on_one_429() -> None:
    assert wait({0: SLOW, 30: Throttled("429", retry_after=60), 100: GOOD}).ending is Ending.HEALTHY


def test_sleeping_the_whole_retry_after_azure_core_is_blind_to_the_deadline() -> None:
    assert wait({0: Throttled("429", retry_after=1200)}, timeout="30s").progress.elapsed == 30


def test_streak_not_reset_terraform_counts_successes_across_a_not_seen() -> None:
    outcome = wait({0: GOOD, 15: Unavailable("503"), 21: GOOD}, hold="30s")
    assert outcome.progress.elapsed >= 51


def test_any_error_is_fatal_terraform_ends_on_one_failed_read() -> None:
    assert wait({0: SLOW, 20: Unavailable("503"), 40: GOOD}).ending is Ending.HEALTHY


def test_waiting_out_the_clock_pulumi_kubernetes_waits_ten_minutes_for_a_failed_deployment() -> None:
    outcome = wait({0: BAD}, timeout="30m")
    assert (outcome.ending, outcome.progress.elapsed < 80) == (Ending.FAILING, True)


def test_failure_stored_as_success_a_wait_that_was_cancelled_is_no_health() -> None:
    assert wait({0: GOOD}, hold="5m", stop_at=60).ending is Ending.CANCELLED


def test_every_level_but_error_is_up_spinnaker_takes_warnings_for_health() -> None:
    seen = snapshot(Vm())
    warned = replace(seen.view, statuses=(Status("ProvisioningState/updating", "Warning"),))
    assert evaluate(replace(seen, view=warned), GatePolicy()).state is State.PROGRESSING
