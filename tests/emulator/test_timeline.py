from __future__ import annotations

import itertools
import re
import time
from pathlib import Path
from typing import Any

import pytest

from vmss_emulator.durations import parse_duration, parse_iso_duration
from vmss_emulator.protocol.quota import Quota
from vmss_emulator.script import faults, timeline
from vmss_emulator.script.events import KEYS as EVENT_KEYS
from vmss_emulator.script.faults import FaultLine
from vmss_emulator.script.timeline import Event, Life, Timeline, TimelineError

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("2s", 2.0), ("1m30s", 90.0), ("1.5s", 1.5), ("2h", 7200.0), ("0s", 0.0), ("1m5ms", 60.005)],
)
def test_durations_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "3", 3, 1.5, "2 s", "-1s", "s", "1s2m", None, True])
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match='write "500ms"'):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT0S", 0), ("PT5M", 300), ("pt1h30m", 5400), ("PT1.5S", 1.5), ("P1DT1S", 86401), ("P2D", 172800)],
)
def test_durations_read_as_azures_models_have_them(text: str, seconds: float) -> None:
    assert parse_iso_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "5M", "PT5", "P5M", 5, None])
def test_anything_else_is_none_of_azures(text: object) -> None:
    with pytest.raises(ValueError, match="PT5M"):
        parse_iso_duration(text)


def test_nothing_is_a_world_in_which_all_goes_well() -> None:
    assert Timeline.load(None).life("web") == Timeline.load("").life("web") == Life()


def test_the_documented_timeline_says_what_it_documents() -> None:
    found = Timeline.load(yaml_of(timeline.__doc__ or ""))
    web = found.life("web")
    assert found.life("other") == Life(extensions={"cse": 2.0})
    assert web.list_carries == frozenset({"extensions", "health", "standby"})
    assert (web.standby, web.surplus, web.pause) == (2, 1, 1.0)
    assert {fault.effect for fault in found.faults} == {"answer", "headers", *faults._EFFECTS}
    assert found.quota == Quota(headers=True, retry_after=1200)
    written = {key for event in web.events for key in EVENT_KEYS if getattr(event, key)}
    assert written == set(EVENT_KEYS)


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))
def test_the_timelines_of_the_document_can_be_loaded(block: str) -> None:
    assert Timeline.load(block) != Timeline()


def yaml_of(text: str) -> str:
    return text.partition("```yaml\n")[2].partition("```")[0]


def test_a_set_without_an_entry_lives_as_the_star_says() -> None:
    lives = Timeline.load("scale_sets: {'*': {boot: 3s}, web: {extension: 4s}}")
    assert lives.life("other").boot == 3.0
    assert lives.life("WEB") == Life(extension=4.0)


def test_a_path_is_read_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "timeline.yaml"
    file.write_text("scale_sets: {web: {extensions: {cse: 250ms}}}")
    assert Timeline.load(file).life("web").installs("cse") == 0.25
    assert Timeline.load(file).life("web").installs("other") == 1.0


def test_events_keep_their_order_and_their_words() -> None:
    (first, second) = (
        Timeline.load(
            """
        scale_sets:
          web:
            events:
              - {put: 3, at: 1s, instances: [2], extension: cse, state: failed/50, message: "Enable failed"}
              - {put: 3, at: 40s, heal: true}
        """
        )
        .life("web")
        .events
    )
    assert first == Event(3, 1.0, frozenset({2}), extension="cse", state="failed/50", message="Enable failed")
    assert second == Event(3, 40.0, heal=True)
    assert first.concerns(2)
    assert not first.concerns(1)
    assert second.concerns(1)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("scale_set: {}", "scale_set", "scale_sets"),
        ("scale_sets: {web: {bot: 1s}}", "scale_sets.web.bot", "boot"),
        ("scale_sets: {web: {boot: 1}}", "scale_sets.web.boot", "500ms"),
        ("scale_sets: {web: {extensions: {cse: fast}}}", "scale_sets.web.extensions.cse", "500ms"),
        ("scale_sets: {web: {events: [{at: 1s}]}}", "scale_sets.web.events[0]", "exactly one of"),
        ("scale_sets: {web: {events: [{health: ill}]}}", "events[0].health", "unhealthy"),
        ("scale_sets: {web: {events: [{state: broken}]}}", "events[0].state", "failed/50"),
        ("scale_sets: {web: {events: [{power: off}]}}", "events[0].power", "deallocated"),
        ("scale_sets: {web: {events: [{heal: true, put: 0}]}}", "events[0].put", "number 1"),
        ("scale_sets: {web: {events: [{heal: true, instances: 1}]}}", "events[0].instances", '"all"'),
        ("scale_sets: {web: {events: [{heal: true, instances: []}]}}", "events[0].instances", "no instance"),
        ("scale_sets: {web: {events: [{cancel: true, instances: [1]}]}}", "events[0].instances", "the whole set"),
        ("scale_sets: {web: {events: [{repairs: Running, instances: all}]}}", "events[0].instances", "the whole set"),
        ("scale_sets: {web: {events: [{heal: true, extension: cse}]}}", "events[0].extension", "a state"),
        ("scale_sets: {web: {events: [{heal: false}]}}", "events[0].heal", "true"),
        ("scale_sets: {web: {events: {}}}", "scale_sets.web.events", "list"),
        ("scale_sets: [web]", "scale_sets", "mapping"),
        ("faults: [{match: 'GET *'}]", "faults[0].match", "exactly one of status"),
        ("faults: [{match: '*/instanceView', reset: true}]", "faults[0].match", "GET */instanceView"),
        ("faults: [{reset: true}]", "faults[0].match", "GET */instanceView"),
        ("faults: [{match: 'GETT */a', reset: true}]", "faults[0].match", "GET, HEAD, PUT, PATCH, POST, DELETE"),
        ("faults: [{match: 'G*T */a', reset: true}]", "faults[0].match", "none of *, GET"),
        ("faults: [{match: 'get */a', reset: true}]", "faults[0].match", "none of *, GET"),
        ("faults: [{match: 'GET a', reset: true}]", "faults[0].match", '"*/..."'),
        ("faults: [{match: 'GET https://127.0.0.1/a', reset: true}]", "faults[0].match", "begin with a slash"),
        ("faults: [{match: 'GET */a?x=1', reset: true}]", "faults[0].match", "`query`"),
        ("faults: [{match: 'GET */a?*$expand=*', reset: true}]", "faults[0].match", "`query`"),
        ("faults: [{match: 'GET *', status: 100}]", "faults[0].status", "200 to 599"),
        ("faults: [{match: 'GET *', status: 503, cut: true}]", "faults[0].match", "exactly one of"),
        ("faults: [{match: 'GET *', trickle: 3}]", "faults[0].trickle", "500ms"),
        ("faults: [{match: 'GET *', bomb: 200}]", "faults[0].bomb", "200MB"),
        ("faults: [{match: 'GET *', status: 503, headers: [a]}]", "faults[0].headers", "mapping"),
        ("faults: [{match: 'GET *', status: 503, retry_after: -1}]", "faults[0].retry_after", "0 or more"),
        ("scale_sets: {web: {list_carries: all}}", "web.list_carries", "extensions, health"),
        ("scale_sets: {web: {list_carries: [power]}}", "web.list_carries", "extensions, health"),
        ("scale_sets: {web: {events: [{repairs: Broken}]}}", "events[0].repairs", "Suspended"),
        ("scale_sets: {web: {pause: 5}}", "web.pause", "500ms"),
        ("quota: 5", "quota", "mapping"),
        ("quota: {views: {size: 3}}", "quota.views", "known here"),
        ("quota: {view: {size: -3}}", "quota.view.size", "0 or more"),
        ("quota: {headers: 1}", "quota.headers", "write true"),
        ("quota: {retry_after: soon}", "quota.retry_after", "0 or more"),
        ("scale_sets: {web: {standby_power: off}}", "web.standby_power", "deallocated"),
        ("faults: [{match: 'GET *', hang: forever}]", "faults[0].hang", "headers"),
        ("faults: [{match: 'GET *', reset: true, times: -1}]", "faults[0].times", "0 or more"),
        ("faults: [{match: 'GET *', bomb: 9999999GB}]", "faults[0].bomb", "200MB"),
        ("faults: [{match: 'GET *', body: {2020-01-01: x}}]", "faults[0].body", "JSON"),
        ("faults: [{match: 'GET *', body: {a: 2020-01-01}}]", "faults[0].body", "JSON"),
        ('faults: [{match: "GET *", headers: {a: "b\\r\\nc: d"}}]', "faults[0].headers", "one line"),
        ("faults: [{match: 'GET *', headers: {'a b': c}}]", "faults[0].headers", "name of a header"),
        ("faults: [{match: 'GET *', headers: {1: c}}]", "faults[0].headers", "name of a header"),
        ('faults: [{match: "GET *", retry_after: "a\\nb"}]', "faults[0].retry_after", "one line"),
        ("scale_sets: {1: {boot: 1s}}", "scale_sets", "quotes"),
        ("scale_sets: {2020-01-01: {boot: 1s}}", "scale_sets", "quotes"),
        ("? [a, b]\n: c", "line 1", "unhashable key"),
        ("null: 1", "the timeline", "quotes"),
        (f"scale_sets: {{web: {{boot: '{'9' * 400}s'}}}}", "scale_sets.web.boot", "ten years"),
        ("scale_sets: {web: {standby: 1000000}}", "scale_sets.web.standby", "1000"),
        pytest.param(f"scale_sets: {{web: {{surplus: 0x{'f' * 5000}}}}}", "scale_sets.web.surplus", "1000", id="hex"),
        ("quota: {view: {size: 100000000000}}", "quota.view.size", "the most"),
        ("a: 2001-99-99", "line 1", "month"),
        pytest.param(f"quota: {{retry_after: {'9' * 5000}}}", "line 1", "digits", id="5000 digits"),
        ("a: &x 1", "line 1", "anchors"),
        ("- *x", "line 1", "aliases"),
        ("a: !!python/name:os.system 1", "line 1", "tags"),
        pytest.param("[" * 100_000, "line 1", "50 levels", id="100,000 brackets"),
        ("{a: " * 60 + "1" + "}" * 60, "line 1", "50 levels"),
    ],
)
def test_a_mistake_is_refused_with_the_key_and_what_would_be_right(text: str, where: str, what: str) -> None:
    with pytest.raises(TimelineError) as caught:
        Timeline.load(text)
    assert where in str(caught.value)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "where", "lines"),
    [
        ("quota: {}\nfaults: []\nquota: true", "quota", "in line 1 and again in line 3"),
        ("scale_sets:\n  web: {}\n  'web': {}", "scale_sets.web", "in line 2 and again in line 3"),
        ("scale_sets: {web: {events: [], boot: 1s, events: []}}", "scale_sets.web.events", "2 times in line 1"),
        ("faults: [{match: 'GET *', body: {a: [{b: 1, b: 1}]}}]", "faults[0].body.a[0].b", "2 times in line 1"),
        ('{"faults": [],\n"faults": [],\n"faults": []}', "faults", "in line 1 and again in line 3"),
    ],
)
def test_a_key_that_is_there_twice_is_refused_with_both_lines(text: str, where: str, lines: str) -> None:
    with pytest.raises(TimelineError, match=f"{re.escape(where)}: {lines}; .*make one") as caught:
        Timeline.load(text)
    assert (caught.value.where, caught.value.others) == (where, [])


def test_a_key_may_stand_beside_a_merge_key_that_has_it_too() -> None:
    found = Timeline.load("scale_sets: {web: {<<: {boot: 5s, healthy: 4s}, boot: 3s}}")
    assert (found.life("web").boot, found.life("web").healthy) == (3.0, 4.0)


@pytest.mark.parametrize(
    "timeline",
    [{"scale_sets": {"web": {"boot": "1s"}, "Web": {"boot": "5s"}}}, "scale_sets: {web: {boot: 1s}, Web: {boot: 5s}}"],
)
def test_two_entries_of_one_set_are_refused_though_they_differ_in_case(timeline: Any) -> None:
    with pytest.raises(TimelineError, match="'web', too") as caught:
        Timeline.load(timeline)
    assert (caught.value.where, caught.value.others) == ("scale_sets.Web", [])


def test_a_timeline_is_refused_with_its_first_mistake_and_holds_the_others_ready() -> None:
    with pytest.raises(TimelineError) as caught:
        Timeline.load("scale_sets: {web: {boot: 1, healthy: 2}}\nfaults: [{match: 'GET *', cut: 3}]")
    assert caught.value.where == "scale_sets.web.boot"
    assert [other.where for other in caught.value.others] == ["scale_sets.web.healthy", "faults[0].cut"]


@pytest.mark.parametrize(
    "entry",
    [
        "scale_sets: {web: {events: [{helth: healthy}]}}",
        "scale_sets: {web: {events: [later]}}",
        "faults: [{match: 'GET *', statu: 503}]",
        "faults: [{mach: 'GET *', cut: true}]",
        "faults: [{match: '*/instanceView', cut: true}]",
    ],
)
def test_one_slip_is_one_mistake_and_nothing_is_called_missing_for_it(entry: str) -> None:
    with pytest.raises(TimelineError) as caught:
        Timeline.load(entry)
    assert caught.value.others == []


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))


@pytest.mark.parametrize(
    "timeline",
    [
        BOMB,
        f"scale_sets: {'x' * 1_000_000}",
        f"{'x' * 100_000}: 1",
        f"scale_sets: {{web: {{{'x' * 100_000}: 1}}}}",
        pytest.param(f"scale_sets: {{web: {{boot: [{'[a, b], ' * 10_000}]}}}}", marks=pytest.mark.rest),
        "\0",
        "{",
        {"scale_sets": {"web": {"boot": 10**5000}}},
        {"faults": [{"match": "GET *", "body": {"a": {1, 2}}}]},
        pytest.param({"scale_sets": {"web": {"events": [[{}]] * 100_000}}}, marks=pytest.mark.rest),
    ],
    ids=itertools.count(),
)
def test_a_large_mistake_is_told_at_once_and_in_short(timeline: Any) -> None:
    begun = time.process_time()
    with pytest.raises(TimelineError) as caught:
        Timeline.load(timeline)
    assert len(str(caught.value)) < 600
    assert time.process_time() - begun < 5


def test_text_that_is_not_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(TimelineError, match=r"not YAML.*line 1"):
        Timeline.load("scale_sets: {*: {}}")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "timeline.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(TimelineError, match="not UTF-8"):
        Timeline.load(tmp_path / "timeline.yaml")


def test_a_file_name_is_not_mistaken_for_a_timeline() -> None:
    with pytest.raises(TimelineError, match=r"pathlib\.Path"):
        Timeline.load("timeline.yaml")


def test_a_fault_lets_requests_pass_then_answers_some() -> None:
    faults = FaultLine(Timeline.load("faults: [{match: 'GET */view', after: 1, times: 2, status: 503}]").faults)
    assert [faults.pick("GET", "/a/view") is not None for _ in range(5)] == [False, True, True, False, False]
    assert faults.pick("PUT", "/a/view") is None


@pytest.mark.parametrize("match", ["* *", "GET /a?c", "PATCH ?a*", "DELETE [/]a*", "HEAD  */a?c"])
def test_a_fault_may_be_of_any_method_and_begin_with_what_fits_a_slash(match: str) -> None:
    (fault,) = Timeline.load({"faults": [{"match": match, "reset": True}]}).faults
    assert fault.matches("GET" if fault.method == "*" else fault.method, "/abc")


def test_the_first_fault_that_matches_answers() -> None:
    text = "faults: [{match: '* /a*', times: 1, status: 500}, {match: 'GET *', status: 503}]"
    faults = FaultLine(Timeline.load(text).faults)
    picked = [faults.pick("GET", "/abc") for _ in range(2)]
    assert [fault.status for fault in picked if fault] == [500, 503]


def test_only_a_fault_that_no_request_matches_is_idle_and_none_that_was_not_due_or_came_second() -> None:
    rules = [{"match": "GET /a*", "cut": True}, {"match": "GET *c", "after": 9, "cut": True}]
    faults = FaultLine(Timeline.load({"faults": [*rules, {"match": "GET /A*", "cut": True}]}).faults)
    assert [index for index, _ in faults.idle()] == [0, 1, 2]
    faults.pick("GET", "/abc")
    assert [(index, str(fault)) for index, fault in faults.idle()] == [(2, "GET /A*")]


def test_a_fault_of_instances_does_not_match_the_set_whose_path_begins_alike() -> None:
    (fault,) = Timeline.load("faults: [{match: 'GET */virtualMachines*', reset: true}]").faults
    assert fault.matches("GET", "/providers/Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/0")
    assert not fault.matches("GET", "/providers/Microsoft.Compute/virtualMachineScaleSets/web/instanceView")
