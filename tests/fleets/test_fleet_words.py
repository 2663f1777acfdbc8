"""What a fleet's gate asks of its inputs, and what it tells of a wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from tests.fleets.worlds import AT_ONCE, BROKEN, FAILS, GONE, ILL, NEVER, healthy_after, run
from tests.metered import SUBSCRIPTION as S
from tests.metered import ScaleSet, Show, group, timeline
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, ScaleSetId
from pulumi_vmss_health.fleets.asked import AskedOfFleet, check_names, required_of
from pulumi_vmss_health.fleets.stored import fleet_outputs
from pulumi_vmss_health.fleets.telling import FleetStatusLine, fleet_headline, fleet_lines, key_of, status_line
from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.waiting.memory import OF_THE_POLICY
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.clock import SystemClock
from vmss_instance_view.text import named


def id_of(name: str) -> str:
    return f"{group(S)}/virtualMachineScaleSets/{name}"


def lines(sets: Mapping[str, Show | ScaleSet], required: int | None = None, timeout: str = "5m") -> list[str]:
    ran = run(sets, required, GatePolicy(timeout=timeout))
    ids = {name: ScaleSetId.parse(id_of(name)) for name in sets}
    return fleet_lines(ran.fleet, ids, OF_THE_POLICY, "https://portal.azure.com")


# --- Inputs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minimum", "sets", "required"),
    [("100%", 50, 50), ("90%", 50, 45), ("90%", 11, 10), (1, 50, 1), (3.0, 3, 3), ("0.1%", 50, 1)],
)
def test_a_minimum_is_a_count_or_a_part_rounded_up(minimum: object, sets: int, required: int) -> None:
    assert required_of(minimum, sets) == required


@pytest.mark.parametrize(
    ("minimum", "told"),
    [
        (4, "min_healthy_sets (4) must not be more than the number of scale sets (3)"),
        (0, "min_healthy_sets must be at least 1, not 0"),
        ("0%", "min_healthy_sets must be more than 0% and at most 100%, not '0%'"),
        ("most", "min_healthy_sets must be a count such as 3 or a percentage such as '90%', not 'most'"),
        (True, "min_healthy_sets must be a count such as 3 or a percentage such as '90%', not bool"),
        (2.5, "min_healthy_sets must be a count such as 3 or a percentage such as '90%', not float"),
        (None, "min_healthy_sets must be a count such as 3 or a percentage such as '90%', not NoneType"),
    ],
)
def test_a_minimum_that_cannot_be_is_refused_by_its_name(minimum: object, told: str) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        required_of(minimum, 3)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ({}, "scale_sets must name at least one scale set, such as {'web-weu': web}"),
        ({1: "x"}, "scale_sets: the name 1 must be a text, not int"),
        ({"": "x"}, "scale_sets: '' is no name: use letters, digits and dashes"),
        ({"a\nb": "x"}, "is no name: use letters, digits and dashes"),
    ],
)
def test_names_that_cannot_be_are_refused(sets: dict[object, object], told: str) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        check_names(sets)
    assert told in str(refused.value)


def test_one_set_under_two_names_is_refused_also_where_it_is_spelled_otherwise() -> None:
    inputs: dict[str, Any] = {"scaleSets": {"a": id_of("web"), "b": id_of("other"), "c": id_of("WEB")}}
    with pytest.raises(ValueError, match="scale_sets: 'a' and 'c' are the same scale set"):
        AskedOfFleet.by(inputs, None, "")


def test_no_set_at_all_is_refused_also_where_nobody_checked_before() -> None:
    with pytest.raises(ValueError, match="scale_sets must name at least one scale set"):
        AskedOfFleet.by({"scaleSets": {}}, None, "")


def test_the_order_of_the_sets_is_that_of_their_names() -> None:
    inputs = {"scaleSets": {name: id_of(name) for name in ("b", "c", "a")}}
    assert [*AskedOfFleet.by(inputs, None, "").sets] == ["a", "b", "c"]


def test_the_resources_own_timeout_wins_over_the_policys() -> None:
    inputs = {"scaleSets": {"a": id_of("web")}, "policy": {"timeout": "20m"}}
    asked = AskedOfFleet.by(inputs, 60.0, "in the resource's custom_timeouts")
    assert (asked.goal.limit, asked.policy.timeout_seconds) == (60.0, 60.0)
    assert asked.limit_source == "in the resource's custom_timeouts"
    assert AskedOfFleet.by(inputs, None, "").goal.limit == 1200.0


def test_secret_ids_are_hidden_in_whatever_is_told() -> None:
    asked = AskedOfFleet.by({"scaleSets": {"a": id_of("web"), "b": id_of("api")}}, None, "", is_secret=True)
    told = asked.shown(f"web and api of rg: look at {id_of('web')}")
    for part in ("web", "api", S, "/rg"):
        assert part not in told


# --- Words ------------------------------------------------------------------------------------------------------------


def test_the_status_line_counts_sets_and_names_those_that_fail() -> None:
    ran = run({"a": AT_ONCE, "b": NEVER, "c": timeline({0: BROKEN})}, policy=GatePolicy(timeout="5m"), stop_at=50)
    assert status_line(ran.fleet) == "1/3 sets healthy, 1 failing (c), 50s of 5m"
    ran = run({"a": AT_ONCE, "b": NEVER, "c": NEVER}, 2, GatePolicy(timeout="5m"), stop_at=50)
    assert status_line(ran.fleet) == "1/3 sets healthy of 2 needed, 50s of 5m"


def test_the_status_line_is_said_on_changes_but_not_on_every_one() -> None:
    told: list[str] = []
    ran = run({"a": AT_ONCE, "b": NEVER}, stop_at=50)
    line = FleetStatusLine(told.append, clock := _Clock())
    for clock.time, healthy in ((0.0, 1), (1.0, 2), (6.0, 2), (20.0, 2), (40.0, 2)):
        ran.fleet.standing = ["x"] * (healthy - 1)
        line(ran.fleet)
    assert [each.partition(",")[0] for each in told] == [
        "1/2 sets healthy",
        "2/2 sets healthy",
        "2/2 sets healthy",
    ]


class _Clock(SystemClock):
    time = 0.0

    def monotonic(self) -> float:
        return self.time


@pytest.mark.parametrize(
    ("sets", "required", "told"),
    [
        ({"a": AT_ONCE, "b": AT_ONCE}, 2, "2 of 2 scale sets are healthy after 10s"),
        ({"a": AT_ONCE, "b": NEVER}, 1, "1 of 2 scale sets is healthy after 10s; 1 is needed"),
        (
            {"a": AT_ONCE, "b": FAILS},
            2,
            "1 of 2 scale sets is healthy, b failed: given up after 1m of 5m; all are needed",
        ),
        (
            {"a": AT_ONCE, "b": NEVER, "c": AT_ONCE},
            3,
            "2 of 3 scale sets are healthy after 5m, which is the timeout of the policy; all are needed",
        ),
        (
            {"a": FAILS, "b": NEVER, "c": NEVER, "d": AT_ONCE},
            3,
            "1 of 4 scale sets is healthy, a failed, 2 more are not healthy after 5m, which is the timeout of the "
            "policy; 3 are needed",
        ),
    ],
)
def test_the_headline_says_how_many_are_healthy_and_how_many_are_needed(
    sets: Mapping[str, Show], required: int, told: str
) -> None:
    ran = run(sets, required, GatePolicy(timeout="5m"))
    assert _rounded(fleet_headline(ran.fleet, OF_THE_POLICY)) == told


def _rounded(text: str) -> str:
    return text.replace("after 1m1s", "after 1m").replace("after 11s", "after 10s")


def test_a_cause_is_told_once_for_all_sets_that_it_keeps_the_most_frequent_first() -> None:
    ill = {f"web{each}": timeline({0: ILL}) for each in range(5)}
    stopped = snapshot(Vm(), Vm(power="stopped"))
    told = lines({**ill, "api": timeline({0: stopped})})
    assert told[0] == "0 of 6 scale sets are healthy after 5m, which is the timeout of the policy; all are needed"
    assert told[1].startswith("web0, web1, web2 and 2 more: instance 1: application health unhealthy, want healthy")
    assert told[2].startswith("next: check the application's log")
    assert told[3].startswith("api: instance 1: power stopped, want running")
    assert sum("application health unhealthy" in each for each in told) == 1


@pytest.mark.parametrize("first", [FAILS, timeline({0: GONE}), timeline({0: ILL, 60: GONE})])
def test_a_set_that_failed_before_the_timeout_hides_none_that_ran_out_of_time(first: Show) -> None:
    told = lines({"a": first, "b": NEVER, "c": NEVER, "d": AT_ONCE}, 3)
    assert told[1].startswith("b, c: instance 1: application health unhealthy")
    assert any(each.startswith("a: ") for each in told)


def failed(*extensions: str, message: str | None = None, well: int = 1) -> Show:
    """A set of which one VM has these extensions failed, after so many that are well."""
    states = [(name, "failed/1" if name in extensions else "succeeded") for name in ("cse", "logs1", "logs2")]
    good = Vm(extensions=[(name, "succeeded") for name, _ in states])
    ill = Vm(extensions=states, message=message)
    return timeline({0: snapshot(*[good] * well, ill, extensions=("cse", "logs1", "logs2"))})


def told_of(sets: Mapping[str, Show]) -> list[str]:
    """The lines that tell a cause with its sets."""
    return [each for each in lines(sets) if re.match(r"[a-c](, [a-c])*: ", each)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (failed("cse", message="no such package"), failed("logs1", message="no such package")),
        (failed("logs1"), failed("logs2")),
        (failed("cse", message="no such package"), failed("cse", message="the disk is full")),
    ],
    ids=["another extension", "one that differs in a digit", "another message"],
)
def test_each_cause_is_told_of_the_sets_that_have_it_and_of_no_other(one: Show, other: Show) -> None:
    first, second = told_of({"a": one, "b": other, "c": one})
    assert first.startswith("a, c: instance 1: extension ")
    assert second.startswith("b: instance 1: extension ")


def test_sets_that_share_the_worst_cause_and_not_the_next_one_are_told_apart() -> None:
    told = lines({"a": failed("cse"), "b": failed("cse", "logs1")})
    assert any(each.startswith("a: instance 1: extension cse failed/1") for each in told)
    assert any(each.startswith("b: instance 1: extension cse failed/1") for each in told)
    assert any(each.startswith("instance 1: extension logs1 failed/1") for each in told)


def test_a_cause_is_the_same_whichever_vms_have_it_and_how_many_there_are() -> None:
    (told,) = told_of(
        {
            "a": failed("cse", message="exit code 1 on web_1 at 12:30:01"),
            "b": failed("cse", message="exit code 1 on web_3 at 12:31:59", well=3),
            "c": timeline(
                {0: snapshot(*[Vm(extensions=[("cse", "failed/1")], message="exit code 1 on x2 at 9:00:00")] * 2)}
            ),
        }
    )
    assert told.startswith("a, b, c: instance 1: extension cse failed/1")


def test_sets_that_lack_other_evidence_are_told_apart() -> None:
    healthy = State.HEALTHY
    assert key_of(Verdict(healthy, unjudged=("capacity",))) != key_of(Verdict(healthy, unjudged=("power",)))
    assert key_of(Verdict(healthy)) is None


def test_a_set_that_was_deleted_is_told_without_what_was_wrong_with_it_before() -> None:
    _, cause, advice, closer = lines({"a": AT_ONCE, "b": timeline({0: ILL, 60: GONE})})
    assert cause.startswith("b: the last look failed: ")
    assert cause.endswith("it was there before")
    assert advice == "next: find out who deleted it; if that was meant, take it out of the program"
    assert "activity-log" in closer


def test_where_to_look_is_told_of_one_set() -> None:
    told = lines({"a": FAILS, "b": FAILS})
    assert {each.split(" -n ")[1].split()[0] for each in told if "az vmss" in each} <= {"a", "b"}
    assert sum("activity-log" in each for each in told) == 1


def test_a_failure_of_many_causes_is_cut() -> None:
    one_each = {
        f"web{each:02}": timeline({0: snapshot(Vm(), Vm(extensions=(("cse", f"failed/{each}"),)))})
        for each in range(14)
    }
    told = lines({**one_each, "well": AT_ONCE}, 1, "5m")
    assert told[0].startswith("1 of 15 scale sets is healthy")
    told = lines({**one_each, "late": healthy_after(200)}, 15, "5m")
    assert len([each for each in told if ": instance 1: extension cse failed/" in each]) <= 10


@pytest.mark.parametrize(
    ("names", "told"),
    [(["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c and 2 more")],
)
def test_names_are_cut(names: list[str], told: str) -> None:
    assert named(names) == told


def test_sets_that_were_seen_and_then_refused_for_different_reasons_are_told_apart() -> None:
    def refused(code: str) -> Show:
        return timeline({0: ILL, 30: Answer(403, {}, f'{{"error": {{"code": "{code}", "message": "no"}}}}'.encode())})

    role, policy = refused("AuthorizationFailed"), refused("RequestDisallowedByPolicy")
    told = lines({"a": role, "b": policy, "c": role, "d": AT_ONCE}, 2)
    assert any(line.startswith("a, c: the last look failed: ") and "AuthorizationFailed" in line for line in told)
    assert any(line.startswith("b: the last look failed: ") and "RequestDisallowedByPolicy" in line for line in told)


def test_a_set_that_does_not_pass_is_told_with_its_warnings_as_by_a_gate_of_its_own() -> None:
    seen = snapshot(Vm(), Vm(health="unhealthy"), Vm(latest=False, protected=True))
    told = lines({"a": timeline({0: seen}), "b": NEVER, "c": AT_ONCE})
    start = next(number for number, line in enumerate(told) if line.startswith("a: "))
    warning = "instance 2: on an older model (upgrades leave them out: protection or SkipUpgrade)"
    assert warning in told[start : start + 3]
    assert told.count(warning) == 1


def test_a_set_whose_first_look_was_not_over_at_the_timeout_is_named_too() -> None:
    ran = run({f"web{each}": ScaleSet(NEVER, latency=60.0) for each in range(4)}, 2, GatePolicy(timeout="20s"), width=1)
    ids = {name: ScaleSetId.parse(id_of(name)) for name in ran.fleet.names}
    told = fleet_lines(ran.fleet, ids, OF_THE_POLICY, None)
    assert "web2, web3: it was not seen yet" in told
    assert {name for line in told for name in ids if re.search(rf"\b{name}\b", line)} == set(ids)
    stored = fleet_outputs(ran.fleet, ids, OF_THE_POLICY, 0, datetime.now(timezone.utc), {})["sets"]
    assert {each["state"] for each in stored.values()} == {"timedOut"}
