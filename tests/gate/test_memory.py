"""What a wait remembers, to the second: it is told the time, which does not begin at 0."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.sets import HEALTH_EXTENSION, Vm, snapshot

from pulumi_vmss_health import (
    Forbidden,
    GatePolicy,
    InstanceViewError,
    MalformedBody,
    Rejected,
    ScaleSetNotFound,
    Snapshot,
    State,
    Status,
    Throttled,
    Unavailable,
)
from pulumi_vmss_health.judging.snapshot import Ask, Depth
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Memory
from pulumi_vmss_health.waiting.pace import MOVING
from pulumi_vmss_health.waiting.prospects import evaluate_wait

START = 1000.0
GOOD = snapshot(Vm(), Vm())
SLOW = snapshot(Vm(), Vm(provisioning="creating"))
SLOWER = snapshot(Vm(provisioning="creating"), Vm(provisioning="creating"))
BAD = snapshot(Vm(), Vm(provisioning="failed"))


def memory(**policy: object) -> Memory:
    return Memory(GatePolicy(**policy), START)  # type: ignore[arg-type]


def of_the_view(seen: Snapshot) -> Snapshot:
    return replace(seen, instances=None)


def probed(interval: int | None, probes: int | None) -> Snapshot:
    assert GOOD.scale_set is not None
    extension = replace(HEALTH_EXTENSION, interval=interval, probes=probes)
    return replace(GOOD, scale_set=replace(GOOD.scale_set, extensions=(extension,)))


def test_progress_begins_with_nothing_but_its_limits() -> None:
    begun = memory(timeout="20m", capacity=3).progress
    assert (begun.elapsed, begun.limit, begun.looks, begun.snapshot, begun.capacity) == (0.0, 1200.0, 0, None, 3)
    assert begun.limit_source == "of the policy"


def test_progress_counts_looks_and_seconds_since_the_beginning() -> None:
    waiting = memory(capacity=2)
    waiting.saw(SLOW, START + 4)
    waiting.lost(Unavailable("HTTP 503"), START + 9)
    assert (waiting.progress.elapsed, waiting.progress.looks, waiting.progress.capacity) == (9.0, 2, 2)
    assert waiting.progress.snapshot == SLOW
    assert waiting.progress.verdict is not None


@pytest.mark.parametrize(("seen", "quiet"), [(SLOW, MOVING + 1), (GOOD, 0), (BAD, 0)])
def test_the_first_look_is_news_where_it_could_end_the_wait(seen: Snapshot, quiet: int) -> None:
    waiting = memory()
    waiting.saw(seen, START)
    assert waiting.quiet == quiet


def test_looks_since_the_last_news_are_counted() -> None:
    waiting = memory()
    waiting.saw(SLOWER, START)
    for looks, seen in enumerate((SLOW, SLOW, SLOW)):
        waiting.saw(seen, START + 2 * looks)
        assert waiting.quiet == looks
    waiting.lost(Unavailable("HTTP 503"), START + 20)
    assert waiting.quiet == MOVING


def saw_parts(waiting: Memory, number: int, seen: Snapshot = SLOW) -> None:
    for at in range(number):
        waiting.saw(seen, START + 2 * at, depth=Depth.VIEW)


ILL = snapshot(Vm(), Vm(health="unhealthy"))


@pytest.mark.parametrize(
    ("seen", "after", "parts", "depth"),
    [
        (SLOW, 59.9, 5, Depth.VIEW),
        (SLOW, 60.0, 4, Depth.VIEW),
        (SLOW, 60.0, 5, Depth.VIEW_AND_MODEL),
        (SLOW, 180.0, 5, Depth.FULL),
        (ILL, 59.9, 6, Depth.OWN_VIEWS),
        (ILL, 60.0, 6, Depth.FULL),
    ],
)
def test_a_minute_and_five_parts_after_a_full_look_parts_are_not_enough(
    seen: Snapshot, after: float, parts: int, depth: Depth
) -> None:
    """Where the view itself stands in the way, the model is enough for a while: instances take of the view's bucket."""
    waiting = memory()
    assert waiting.ask(START).depth is Depth.FULL
    waiting.saw(seen, START)
    saw_parts(waiting, parts, seen)
    assert waiting.ask(START + after).depth is depth


@pytest.mark.parametrize("seen", [GOOD, BAD])
def test_what_could_end_the_wait_is_looked_at_fully(seen: Snapshot) -> None:
    waiting = memory()
    waiting.saw(seen, START)
    assert waiting.ask(START + 1) == Ask(Depth.FULL, START + 1, urgent=seen is GOOD)


@pytest.mark.parametrize("seen", [of_the_view(GOOD), GOOD, BAD])
def test_a_part_that_no_longer_stands_in_the_way_is_followed_by_all_the_rest_at_once(seen: Snapshot) -> None:
    waiting = memory()
    waiting.saw(SLOW, START)
    waiting.saw(seen, START + 2, depth=Depth.VIEW)
    assert waiting.ask(START + 3) == Ask(Depth.FULL, START + 3, urgent=True)
    assert (waiting.due_in(START + 3), waiting.may_hurry) == (0.0, True)


def test_a_part_ends_no_wait() -> None:
    waiting = memory(hold="0s")
    assert waiting.saw(GOOD, START, depth=Depth.VIEW) is None
    assert waiting.saw(GOOD, START + 1, depth=Depth.OWN_VIEWS) is None
    assert waiting.saw(GOOD, START + 2) is Ending.HEALTHY


def test_a_part_that_contradicts_restarts_the_hold() -> None:
    waiting = memory(hold="10s")
    waiting.saw(GOOD, START)
    waiting.saw(SLOW, START + 5, depth=Depth.VIEW)
    assert waiting.saw(GOOD, START + 6) is None
    assert waiting.saw(GOOD, START + 12) is None
    assert waiting.saw(GOOD, START + 16) is Ending.HEALTHY


@pytest.mark.parametrize("error", [Throttled("HTTP 429"), Unavailable("HTTP 503")])
def test_a_look_after_a_lost_one_is_a_full_one(error: InstanceViewError) -> None:
    waiting = memory()
    waiting.saw(SLOW, START)
    waiting.lost(error, START + 2)
    assert waiting.ask(START + 3).depth is Depth.FULL


@pytest.mark.parametrize(
    ("policy", "since_the_first", "due"),
    [
        ({}, 4.0, 6.0),  # the health extension's 10 seconds
        ({"hold": "1m"}, 20.0, 40.0),
        ({"hold": "1m"}, 70.0, 0.0),
    ],
)
def test_when_a_look_can_end_the_wait_is_known(policy: dict[str, str], since_the_first: float, due: float) -> None:
    waiting = memory(**policy)
    waiting.saw(GOOD, START)
    assert waiting.due_in(START + since_the_first) == pytest.approx(due)


def test_a_failure_can_end_the_wait_from_its_third_look_on() -> None:
    waiting = memory(confirm_failure="60s")
    waiting.saw(BAD, START)
    assert waiting.due_in(START) is None
    waiting.saw(BAD, START + 10)
    assert waiting.due_in(START + 10) == 50.0


def swept(waiting: Memory, ask: Ask, seen: Snapshot, now: float, age: float) -> Ending | None:
    waiting.begins(ask)
    return waiting.saw(replace(seen, age=age, is_bare=True), now, depth=ask.depth)


def test_own_views_that_one_look_was_too_short_for_are_read_on_and_the_rest_is_read_anew() -> None:
    """A thousand instances: what was read is kept, and the last look is one of evidence that is all of this sweep."""
    waiting = memory(hold="0s")
    first = waiting.ask(START)
    assert swept(waiting, first, GOOD, START + 10, float("inf")) is None
    more = waiting.ask(START + 12)
    assert more == Ask(Depth.OWN_VIEWS, since=START)
    assert swept(waiting, more, GOOD, START + 22, float("inf")) is None
    assert swept(waiting, waiting.ask(START + 24), GOOD, START + 30, 30.0) is None
    last = waiting.ask(START + 31)
    assert (last.depth, last.since) == (Depth.FULL, START)
    assert swept(waiting, last, GOOD, START + 32, 32.0) is Ending.HEALTHY


def test_a_second_look_of_many_own_views_reads_them_all_again() -> None:
    waiting = memory(application_health="ignored")
    swept(waiting, waiting.ask(START), GOOD, START + 1, 1.0)
    second = waiting.ask(START + 20)
    assert (second.depth, second.since) == (Depth.FULL, START + 20)
    assert swept(waiting, second, GOOD, START + 30, 30.0) is None, "some were read before the first look ended"
    assert waiting.ask(START + 32) == Ask(Depth.OWN_VIEWS, since=START + 20)


@pytest.mark.parametrize(("after", "settled"), [(299.9, False), (300.0, True)])
def test_a_surplus_settles_after_five_minutes(after: float, settled: bool) -> None:
    surplus = snapshot(Vm(), Vm(), Vm(), capacity=2)
    waiting = memory(hold="0s")
    assert waiting.saw(surplus, START) is None
    assert waiting.saw(surplus, START + after) is (Ending.HEALTHY if settled else None)


def test_a_surplus_settles_anew_when_the_capacity_changes() -> None:
    waiting = memory(hold="0s")
    waiting.saw(snapshot(Vm(), Vm(), Vm(), capacity=1), START)
    surplus = snapshot(Vm(), Vm(), Vm(), capacity=2)
    assert waiting.saw(surplus, START + 200) is None
    assert waiting.saw(surplus, START + 400) is None
    assert waiting.saw(surplus, START + 500) is Ending.HEALTHY


@pytest.mark.parametrize(
    "error", [Unavailable("HTTP 503"), MalformedBody("statuses", "is no list"), Forbidden("HTTP 403")]
)
@pytest.mark.parametrize(("last", "ending"), [(119.9, None), (120.0, Ending.UNREADABLE)])
def test_five_errors_over_two_minutes_are_too_many(
    error: InstanceViewError, last: float, ending: Ending | None
) -> None:
    waiting = memory()
    waiting.saw(SLOW, START)
    assert [waiting.lost(error, START + 10 + at) for at in (0, 1, 2, 3)] == [None] * 4
    assert waiting.lost(error, START + 10 + last) is ending


def test_four_errors_are_not_too_many_however_long_they_last_and_a_sight_forgives_them() -> None:
    waiting = memory()
    error = Unavailable("HTTP 503")
    assert [waiting.lost(error, START + at) for at in (0, 100, 200, 300)] == [None] * 4
    waiting.saw(SLOW, START + 301)
    assert [waiting.lost(error, START + at) for at in (302, 303, 304, 500)] == [None] * 4
    assert waiting.lost(error, START + 501) is Ending.UNREADABLE


@pytest.mark.parametrize(
    ("at", "ending"),
    [((0, 30, 59.9), None), ((0, 60), None), ((0, 30, 60), Ending.DELETED), ((0, 1, 2, 61), Ending.DELETED)],
)
def test_a_set_that_was_seen_is_deleted_after_three_looks_and_a_minute(
    at: tuple[float, ...], ending: Ending | None
) -> None:
    waiting = memory()
    waiting.saw(SLOW, START)
    endings = [waiting.lost(ScaleSetNotFound("HTTP 404"), START + 5 + each) for each in at]
    assert endings == [None] * (len(at) - 1) + [ending]


@pytest.mark.parametrize("error", [ScaleSetNotFound("HTTP 404"), Forbidden("HTTP 403")])
@pytest.mark.parametrize(("after", "ending"), [(60.0, None), (60.1, Ending.UNREADABLE)])
def test_a_set_that_was_never_seen_has_a_minute_to_appear(
    error: InstanceViewError, after: float, ending: Ending | None
) -> None:
    assert memory().lost(error, START + after) is ending


@pytest.mark.parametrize(("last", "ending"), [(59.9, None), (60.0, Ending.FAILING)])
def test_a_failure_is_confirmed_by_three_looks_in_a_minute(last: float, ending: Ending | None) -> None:
    waiting = memory(confirm_failure="60s")
    assert [waiting.saw(BAD, START + at) for at in (0, 5)] == [None, None]
    assert waiting.saw(BAD, START + last) is ending


def test_a_minute_with_two_looks_confirms_nothing() -> None:
    waiting = memory(confirm_failure="60s")
    assert [waiting.saw(BAD, START + at) for at in (0, 100)] == [None, None]


@pytest.mark.parametrize(
    ("seen", "health", "delay"),
    [
        (probed(30, 3), "auto", 90.0),
        (probed(None, None), "auto", 5.0),
        (probed(None, 4), "auto", 20.0),
        (probed(7, None), "required", 7.0),
        (probed(30, 3), "ignored", 0.0),
        (snapshot(Vm(health=None), Vm(), health=False), "auto", 0.0),
    ],
)
def test_health_holds_as_long_as_the_health_extension_takes_to_notice(
    seen: Snapshot, health: str, delay: float
) -> None:
    waiting = memory(application_health=health, extensions=[], min_healthy=1)
    assert waiting.saw(seen, START) is None
    if delay:
        assert waiting.saw(seen, START + delay - 0.1) is None
    assert waiting.saw(seen, START + (delay or 0.1)) is Ending.HEALTHY


def test_what_a_look_takes_is_no_time_in_which_health_was_seen_to_last() -> None:
    waiting = memory(hold="20s")
    assert waiting.saw(GOOD, START + 5, took=5) is None
    assert waiting.saw(GOOD, START + 29.9, took=5) is None
    assert waiting.saw(GOOD, START + 30, took=5) is Ending.HEALTHY
    assert memory(hold="0s").saw(GOOD, START + 5, took=5) is Ending.HEALTHY


def test_what_was_read_before_the_look_is_neither_another_look_nor_time_that_health_lasted() -> None:
    waiting = memory(hold="20s", confirm_failure="20s")
    assert waiting.saw(GOOD, START) is None
    assert [waiting.saw(replace(GOOD, age=age), START + age) for age in (6.0, 30.0, 59.0)] == [None] * 3
    assert waiting.saw(GOOD, START + 60) is Ending.HEALTHY

    by_looks = memory(application_health="ignored")
    assert [by_looks.saw(replace(GOOD, age=age), START + age) for age in (0.0, 30.0, 59.0)] == [None] * 3
    assert by_looks.saw(GOOD, START + 60) is Ending.HEALTHY


def test_a_part_that_is_well_is_no_transition_to_health() -> None:
    waiting = memory()
    waiting.saw(SLOW, START)
    waiting.saw(GOOD, START + 2, depth=Depth.VIEW)
    waiting.saw(BAD, START + 3)
    assert waiting.progress.transitions == ((0.0, State.PROGRESSING), (3.0, State.FAILING))


def test_transitions_are_the_last_twenty() -> None:
    waiting = memory()
    for at in range(50):
        waiting.saw((SLOW, BAD)[at % 2], START + at)
    assert [at for at, _ in waiting.progress.transitions] == [float(at) for at in range(30, 50)]
    assert waiting.progress.transitions[-1] == (49.0, State.FAILING)


def test_the_time_stamps_and_words_of_guests_are_no_news() -> None:
    """An agent stamps its status at each read: were that news, looks would be quick ones for ever."""
    waiting = memory()
    assert SLOW.instances is not None
    for at in range(4):
        status = Status("ProvisioningState/succeeded", message=f"heartbeat {at}", time=f"2026-01-01T00:00:0{at}Z")
        instances = tuple(
            replace(each, view=replace(each.view, vm_agent=(status,))) for each in SLOW.instances if each.view
        )
        waiting.saw(replace(SLOW, instances=instances), START + at)
    assert waiting.quiet == MOVING + 4


def known_as(unique_id: str | None) -> Snapshot:
    assert GOOD.scale_set is not None
    return replace(GOOD, scale_set=replace(GOOD.scale_set, unique_id=unique_id))


@pytest.mark.parametrize(
    ("ids", "ending"),
    [
        (("one", "another"), Ending.DELETED),
        (("one", None, "another"), Ending.DELETED),
        (("one", "one"), None),
        (("one", None, None), None),
        ((None, "one", "one"), None),
    ],
)
def test_a_set_is_another_one_where_its_unique_id_is(ids: tuple[str | None, ...], ending: Ending | None) -> None:
    waiting = memory(hold="1h", timeout="2h")
    ended = [waiting.saw(known_as(each), START + number) for number, each in enumerate(ids)]
    assert ended == [None] * (len(ids) - 1) + [ending]
    gone = "the scale set was deleted, and another one of the same name was created"
    assert str(waiting.progress.error) == (gone if ending else "None")


def test_a_wait_that_ends_without_another_look_tells_how_long_it_took() -> None:
    assert memory().time_is_up(START + 7).elapsed == 7


def test_a_look_that_lacks_the_model_decides_nothing() -> None:
    waiting = memory(capacity=2, application_health="ignored", stale_instances="ignore")
    assert waiting.saw(replace(GOOD, scale_set=None), START) is None
    assert waiting.due_in(START) is None


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (Unavailable("503"), None),
        (Rejected("302", status=302), None),
        (Rejected("<html>", status=400), None),
        (Rejected("400", status=400, code="BadRequest"), Ending.UNREADABLE),
    ],
)
def test_after_a_sight_only_what_may_pass_is_waited_for(error: InstanceViewError, ending: Ending | None) -> None:
    waiting = memory()
    waiting.saw(SLOW, START)
    assert waiting.lost(error, START + 1) is ending


def test_what_a_gateway_says_in_the_place_of_azure_spends_the_budget_of_errors() -> None:
    waiting = memory()
    waiting.saw(SLOW, START)
    assert [waiting.lost(Rejected("302"), START + at) for at in (1, 31, 61, 91)] == [None] * 4
    assert waiting.lost(Rejected("302"), START + 121) is Ending.UNREADABLE


def test_a_health_extension_with_any_number_of_seconds_is_a_reason_in_words() -> None:
    seen = snapshot(Vm())
    assert seen.scale_set is not None
    endless = replace(HEALTH_EXTENSION, interval=2**53, probes=2**53)
    seen = replace(seen, scale_set=replace(seen.scale_set, extensions=(*seen.scale_set.extensions[:-1], endless)))
    assert [each.code for each in evaluate_wait(seen, GatePolicy()).reasons] == ["HoldBeyondTimeout"]
