"""What a wait saw, recorded while it goes on: read again it is what was seen, and judged again it ends the same."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from tests.clocks import VirtualClock
from tests.gate.oracle import Azure, History
from tests.gate.test_histories import Life
from tests.gate.worlds import context_of, gate_policy
from tests.hostile import EVERYTHING, harm
from tests.looks import Script, chapters
from tests.metered import Metered, timeline
from tests.metered import ScaleSet as MeteredSet
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, RollingUpgrade, ScaleSet, ScaleSetId, Snapshot, State, Verdict
from pulumi_vmss_health.evidence import schema
from pulumi_vmss_health.evidence.bodies import rebuilt
from pulumi_vmss_health.evidence.file import refuse_unwritable, write
from pulumi_vmss_health.evidence.reading import read
from pulumi_vmss_health.evidence.recorder import LIMIT, Recorder, depth_name, file_text
from pulumi_vmss_health.evidence.replay import recorded_policy, replay
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Ask, Context, Depth
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.prospects import refusal
from pulumi_vmss_health.waiting.watch import Looked, Outcome, watch
from vmss_instance_view.errors import ConfigurationError, Forbidden, Throttled, Unavailable
from vmss_instance_view.model import Status

WEB = ScaleSetId("0b1f", "rg", "web")
EXAMPLES = int(os.environ.get("HISTORIES", "1000")) // 40


class Recorded:
    """A wait that was recorded. looked: every look, as `watch` gave it."""

    def __init__(
        self, look: Any, policy: GatePolicy, clock: VirtualClock, context: Context = NOTHING_ELSE, limit: int = LIMIT
    ) -> None:
        self.looked: list[Looked] = []
        recorder = Recorder(look, policy, clock, context, limit)

        def record(looked: Looked) -> None:
            self.looked.append(looked)
            recorder(looked)

        self.outcome = watch(look, policy, clock, lambda _progress: None, context, record=record)
        self.text = recorder.text(self.outcome, WEB)
        self.wait: dict[str, Any] = json.loads(self.text)
        schema.check(json.loads(file_text([self.text])))

    @property
    def seen(self) -> list[Snapshot | None]:
        """What each look saw; None where it failed."""
        return [each.progress.snapshot if each.progress.error is None else None for each in self.looked]


@dataclass
class Told(Script):
    """A story's looks, each of which takes two requests."""

    @property
    def requests(self) -> int:
        return 2 * len(self.looked_at)


def told(story: Mapping[float, Any], policy: GatePolicy, limit: int = LIMIT, stop_at: float | None = None) -> Recorded:
    clock = VirtualClock()
    clock.stop_at = stop_at
    return Recorded(Told(clock, chapters(story), takes=0.25), policy, clock, limit=limit)


class RecordedLife(Life):
    """A life of a set, and a wait that is recorded."""

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        policy = gate_policy(self.policy, self.timeout(self.policy))
        for limit in (LIMIT, 12_000 * (1 + len(self.chapters))):
            azure = Azure.of(History(tuple(self.chapters)), bare=self.bare, tells_pool=self.tells_pool)
            looker = Looker(azure.metered.azure(), azure.id, policy)
            recorded = Recorded(looker, policy, azure.clock, context_of(self.policy), limit)
            check_bodies(recorded.wait, recorded.seen)
            if limit == LIMIT:
                check_replay(recorded)
            else:
                assert len(recorded.text) <= limit


def check_bodies(wait: dict[str, Any], seen: list[Snapshot | None]) -> None:
    """What was seen is what the file tells, but for looks whose bodies are left out."""
    kept = len(wait["looks"]) - 1  # the first one, and the last ones
    told = [seen[0], *seen[len(seen) - kept :]]
    assert len(seen) - len(told) == wait["capped"]["looksLeftOut"]
    for look, one, other in zip(wait["looks"], rebuilt(wait["looks"]), told, strict=True):
        if "bodies" in look and not (look["verdict"] and look["error"]):  # such a one shows another set of that name
            assert one == other
    assert sum("bodies" not in look for look in wait["looks"]) == wait["capped"]["looksWithoutBodies"]


def check_replay(recorded: Recorded) -> None:
    """By its own policy a wait ends as it did, and says the same."""
    policy = recorded_policy(recorded.wait)
    replayed = replay(recorded.wait, policy)
    before, now = recorded.outcome, replayed.outcome
    assert (replayed.unknown, now.ending) == ("", before.ending)
    assert now.progress.elapsed == before.progress.elapsed
    assert now.progress.verdict == before.progress.verdict
    assert now.progress.transitions == before.progress.transitions
    assert now.progress.looks == before.progress.looks


def test_whatever_happens_to_a_set_its_evidence_is_what_was_seen_and_ends_the_same_by_the_same_policy() -> None:
    asked = settings(
        max_examples=EXAMPLES,
        derandomize="HISTORIES" not in os.environ,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(RecordedLife, settings=asked)


GOOD, BOOTING = snapshot(Vm(), Vm()), snapshot(Vm(), Vm(provisioning="creating"), status="updating")
FAILED = snapshot(Vm(), Vm(provisioning="failed/X", message="no disk"))
AT_ONCE = GatePolicy(hold="0s")


def named(seen: Snapshot, unique_id: str) -> Snapshot:
    assert seen.scale_set is not None
    return replace(seen, scale_set=replace(seen.scale_set, unique_id=unique_id))


@pytest.mark.parametrize(
    ("story", "ending"),
    [
        ({0: GOOD}, Ending.HEALTHY),
        ({0: FAILED}, Ending.FAILING),
        ({0: BOOTING}, Ending.TIMED_OUT),
        ({0: Forbidden("no role", status=403, code="AuthorizationFailed")}, Ending.UNREADABLE),
        ({0: BOOTING, 5: Unavailable("gone", status=503)}, Ending.UNREADABLE),
        ({0: named(BOOTING, "a"), 9: named(BOOTING, "b")}, Ending.DELETED),
        ({0: BOOTING, 20: Throttled("slow down", status=429, retry_after=17.0), 30: GOOD}, Ending.HEALTHY),
    ],
)
def test_every_ending_is_recorded_and_comes_again_in_a_replay(story: Mapping[float, Any], ending: Ending) -> None:
    recorded = told(story, GatePolicy(hold="0s", timeout="5m"))
    assert recorded.outcome.ending is ending
    assert recorded.wait["ending"] == ending.value
    check_bodies(recorded.wait, recorded.seen)
    check_replay(recorded)


def test_a_wait_that_was_interrupted_leaves_what_it_saw_and_is_interrupted_again_in_a_replay() -> None:
    recorded = told({0: BOOTING}, AT_ONCE, stop_at=20.0)
    assert recorded.outcome.ending is Ending.CANCELLED
    assert len(recorded.wait["looks"]) > 3
    check_replay(recorded)
    assert replay(recorded.wait, GatePolicy(min_healthy=1, hold="0s", set_status="ignored")).outcome.ending is not (
        Ending.CANCELLED
    ), "with less asked of it, it would have passed before"


def test_vms_whose_own_views_could_not_be_read_are_kept_with_why() -> None:
    seen = replace(snapshot(Vm(), Vm()), unread=(("1", "HTTP 503"),))
    recorded = told({0: seen}, GatePolicy(timeout="30s"))
    assert recorded.outcome.ending is Ending.TIMED_OUT
    check_bodies(recorded.wait, recorded.seen)
    check_replay(recorded)


def test_a_look_that_takes_several_is_recorded_with_what_is_new_in_each() -> None:
    clock = VirtualClock()
    metered = Metered(clock)
    vms = [Vm()] * 150
    show = timeline({0: snapshot(*vms[1:], Vm(health="initializing")), 90: snapshot(*vms)})
    scale_set = metered.add("web", MeteredSet(show, flexible=True, bare=True, latency=1.5))
    policy = GatePolicy(timeout="5m")
    recorded = Recorded(Looker(metered.azure(), scale_set, policy), policy, clock)
    assert recorded.outcome.ending is Ending.HEALTHY
    looks = recorded.wait["looks"]
    assert any(look["verdict"] and look["age"] is None for look in looks), "no look was unfinished"
    assert any(look["depth"] == "full" and look["since"] < look["at"] for look in looks), "no look finished it"
    check_bodies(recorded.wait, recorded.seen)
    check_replay(recorded)


def test_an_error_is_recorded_with_what_a_retry_depends_on_and_without_a_verdict() -> None:
    refused = Throttled("slow down", status=429, code="TooManyRequests", retry_after=17.0)
    recorded = told({0: BOOTING, 5: refused, 7: GOOD}, AT_ONCE)
    (lost,) = [look for look in recorded.wait["looks"] if look["error"]]
    assert lost["error"] == {
        "kind": "Throttled",
        "message": "slow down",
        "retryAfter": 17.0,
        "status": 429,
        "code": "TooManyRequests",
    }
    assert (lost["verdict"], lost["counts"], lost["bodies"]) == (None, [], {})


def test_each_look_counts_every_extension_by_its_whole_name() -> None:
    names = ["ManagedServices.ApplicationHealthExtension", "b", "c", "d", "e"]
    late, done = (
        snapshot(*(Vm(extensions=[(name, state) for name in names]) for state in states), extensions=names)
        for states in (("succeeded", "creating"), ("succeeded", "succeeded"))
    )
    counted = [
        {each["of"]: (each["done"], each["total"]) for each in look["counts"]}
        for look in told({0: late, 5: done}, AT_ONCE).wait["looks"]
    ]
    others = {"VMs": (2, 2), "health": (2, 2), "appHealth": (2, 2)}
    assert counted[0] == {**others, **dict.fromkeys(names, (1, 2))}
    assert counted[-1] == {**others, **dict.fromkeys(names, (2, 2))}


def test_each_look_says_what_it_read_when_it_began_and_what_it_took() -> None:
    recorded = told({0: BOOTING, 10: GOOD}, AT_ONCE)
    for look, looked in zip(recorded.wait["looks"], recorded.looked, strict=True):
        assert (look["at"], look["took"]) == (looked.began, 0.25)
        assert look["depth"] == depth_name(looked.ask.depth)
        assert look["requests"] == 2
    assert recorded.wait["requests"] == 2 * len(recorded.looked)
    assert {look["depth"] for look in recorded.wait["looks"]} > {"full"}


# --- Another policy ------------------------------------------------------------------------------------------------


def test_a_replay_by_less_passes_earlier_and_by_more_does_not_pass() -> None:
    some = snapshot(Vm(), Vm(), Vm(health="unhealthy"))
    recorded = told({0: some, 100: snapshot(Vm(), Vm(), Vm())}, GatePolicy(hold="0s", timeout="5m"))
    assert recorded.outcome.ending is Ending.HEALTHY
    less = replay(recorded.wait, GatePolicy(hold="0s", min_healthy=2)).outcome
    assert (less.ending, less.progress.elapsed) == (Ending.HEALTHY, 0.25)
    more = replay(recorded.wait, GatePolicy(hold="10m", timeout="20m"))
    assert more.outcome.ending is Ending.TIMED_OUT
    assert more.unknown.startswith("the recorded looks end after 1m4")
    assert more.unknown.endswith("before this policy would have decided")


def test_a_replay_with_a_shorter_timeout_ends_there_unless_the_look_that_a_gate_makes_then_could_have_decided() -> None:
    recorded = told({0: BOOTING, 60: GOOD}, GatePolicy(hold="20s", timeout="5m"))
    assert recorded.outcome.ending is Ending.HEALTHY
    early = replay(recorded.wait, GatePolicy(hold="20s", timeout="40s"))
    assert (early.outcome.ending, early.unknown) == (Ending.TIMED_OUT, "")
    assert early.outcome.progress.elapsed == 40.0
    end = recorded.outcome.progress.elapsed
    close = replay(recorded.wait, GatePolicy(hold="20s", timeout=f"{end - 1.5}s"))
    assert "could have decided, and there was none at that time" in close.unknown


def test_a_replay_to_a_timeout_behind_the_last_look_does_not_know_what_a_look_then_would_have_seen() -> None:
    wait = told({0: GOOD}, GatePolicy(hold="2m", timeout="5m"), stop_at=50.0).wait
    wait["looks"] = [each for each in wait["looks"] if each["at"] <= 32]
    replayed = replay(wait, GatePolicy(hold="35s", timeout="40s"))
    assert replayed.outcome.ending is Ending.TIMED_OUT
    assert replayed.unknown == "a look at the timeout of 40s could have decided, and there was none at that time"


def test_a_replay_does_not_end_with_a_look_at_a_part_where_a_gate_looks_at_the_whole() -> None:
    recorded = told({0: BOOTING, 60: GOOD}, GatePolicy(hold="20s", timeout="5m"))
    part, whole = next(
        (one, other)
        for one, other in pairwise(recorded.wait["looks"])
        if one["depth"] != "full" and other["verdict"]["passes"]
    )
    policy = GatePolicy(hold="0s", timeout=f"{part['at'] + 0.1}s")
    assert part["at"] + part["took"] > policy.timeout_seconds
    assert whole["depth"] == "full"
    replayed = replay(recorded.wait, policy)
    assert replayed.outcome.ending is Ending.TIMED_OUT
    assert "could have decided, and there was none at that time" in replayed.unknown


def test_a_replay_does_not_take_an_unreadable_time_of_the_last_pass_for_never() -> None:
    wait = told({0: GOOD}, AT_ONCE).wait
    with pytest.raises(ValueError, match="passedBefore must be a time such as 2026-01-31T12:00:00Z"):
        replay({**wait, "passedBefore": "today"}, AT_ONCE)


def test_what_the_recorded_wait_did_not_read_is_not_judged() -> None:
    recorded = told({0: GOOD}, GatePolicy(hold="0s", rolling_upgrade="ignore"))
    replayed = replay(recorded.wait, AT_ONCE)
    assert replayed.outcome.ending is Ending.UNREADABLE
    assert "which the recorded wait did not read (rolling_upgrade='ignore')" in replayed.unknown
    recorded = told({0: BOOTING, 90: GOOD}, GatePolicy(hold="0s"), limit=12_000)
    assert recorded.wait["capped"]["looksWithoutBodies"] > 0
    replayed = replay(recorded.wait, AT_ONCE)
    assert replayed.outcome.ending is Ending.UNREADABLE
    assert replayed.unknown == "what was seen after 0s is not in the file, which holds at most 8 MiB of a wait"


def test_a_replay_needs_a_capacity_as_the_gate_does() -> None:
    assert GOOD.scale_set is not None
    unknown = replace(GOOD, scale_set=replace(GOOD.scale_set, capacity=None))
    recorded = told({0: unknown}, GatePolicy(hold="0s", capacity=2))
    assert recorded.outcome.ending is Ending.HEALTHY
    outcome = replay(recorded.wait, AT_ONCE).outcome
    assert outcome.ending is Ending.UNREADABLE
    assert "set policy.capacity" in str(outcome.progress.error)


def test_a_replay_with_a_capacity_knows_nothing_of_a_wait_that_was_refused_for_lack_of_one() -> None:
    assert GOOD.scale_set is not None
    why = refusal(replace(GOOD.scale_set, capacity=None), AT_ONCE)
    assert why is not None
    recorded = told({0: ConfigurationError(why)}, AT_ONCE)
    check_replay(recorded)
    replayed = replay(recorded.wait, GatePolicy(hold="0s", capacity=2))
    assert replayed.outcome.ending is Ending.UNREADABLE
    assert replayed.unknown == "the recorded wait saw nothing, because its policy named no capacity"


# --- Size ----------------------------------------------------------------------------------------------------------


def large(number: int, words: str, of: int) -> Snapshot:
    """A set of a thousand instances whose guests have much to say; one of so many says something else in each look."""
    said = [f"{words} {number if each % of == 0 else 0}" for each in range(1000)]
    return snapshot(*(Vm(health="initializing", message=each) for each in said))


def wait_for_a_large_one(words: str, of: int) -> Recorded:
    story = {4.0 * number: large(number, words, of) for number in range(5)}
    recorded = told(story, GatePolicy(hold="0s", timeout="18s"))
    assert recorded.outcome.ending is Ending.TIMED_OUT
    return recorded


def test_of_a_thousand_instances_each_look_holds_those_that_changed() -> None:
    recorded = wait_for_a_large_one("step", of=10)
    assert recorded.wait["capped"] == {"looksWithoutBodies": 0, "looksLeftOut": 0}
    first, *others = [len(look["bodies"].get("instances", ())) for look in recorded.wait["looks"]]
    assert first == 1000
    assert set(others) == {0, 100}
    check_bodies(recorded.wait, recorded.seen)


def test_the_evidence_of_a_thousand_talkative_instances_is_capped_and_keeps_its_first_and_its_last_look() -> None:
    recorded = wait_for_a_large_one("step " * 150, of=1)
    assert LIMIT * 0.5 < len(recorded.text.encode()) <= LIMIT
    looks = recorded.wait["looks"]
    assert 0 < recorded.wait["capped"]["looksWithoutBodies"] < len(looks) - 1
    assert recorded.wait["capped"]["looksLeftOut"] == 0
    assert "bodies" in looks[0]
    check_bodies(recorded.wait, recorded.seen)
    assert [*rebuilt(looks)][-1] == recorded.seen[-1]


def test_a_wait_of_days_leaves_looks_out_and_one_whose_first_and_last_look_are_too_large_their_bodies() -> None:
    long = GatePolicy(hold="0s", timeout="10m", confirm_failure=None)
    recorded = told({0: BOOTING, 30: FAILED, 200: BOOTING}, long, limit=20_000)
    assert recorded.outcome.ending is Ending.TIMED_OUT
    assert recorded.wait["capped"]["looksLeftOut"] > 0
    assert len(recorded.text) <= 20_000
    check_bodies(recorded.wait, recorded.seen)
    assert "bodies" in recorded.wait["looks"][0]
    recorded = told({0: BOOTING}, GatePolicy(hold="0s", timeout="20s"), limit=6_000)
    assert not any("bodies" in look for look in recorded.wait["looks"])
    assert [*rebuilt(recorded.wait["looks"])] == [None] * len(recorded.wait["looks"])


INSTANCE = (snapshot(Vm(message="as it was " * 30)).instances or ())[0]
STEPS = st.sampled_from(["one goes", "one comes", "one changes", "all turn", "unread", "upgrade", "lost", "view"])


def seen_after(steps: list[str]) -> list[Snapshot | None]:
    """A look at some instances, and one after each step."""
    there = tuple(replace(INSTANCE, instance_id=each) for each in "abcd")
    seen = Snapshot(BOOTING.view, BOOTING.scale_set, there)
    sights: list[Snapshot | None] = [seen]
    for number, step in enumerate(steps):
        if step == "one goes":
            there = there[1:]
        elif step == "one comes":
            missing = next(each for each in "abcdefghijklmnopqrst" if each not in {vm.instance_id for vm in there})
            there = (*there, replace(INSTANCE, instance_id=missing))
        elif step == "one changes":
            there = (*(replace(each, name=str(number)) for each in there[:1]), *there[1:])
        elif step == "all turn":
            there = there[::-1]
        elif step == "upgrade":
            seen = replace(seen, rolling_upgrade=None if seen.rolling_upgrade else RollingUpgrade("Completed"))
        elif step == "view":
            seen = replace(seen, view=GOOD.view if seen.view == BOOTING.view else BOOTING.view)
        seen = replace(seen, instances=None if step == "unread" else there)
        sights.append(None if step == "lost" else seen)
    return sights


@settings(max_examples=EXAMPLES * 6, derandomize="HISTORIES" not in os.environ, deadline=None)
@given(st.builds(seen_after, st.lists(STEPS, min_size=3, max_size=12)), st.integers(8_000, 40_000))
@example(seen_after(["unread", "one changes"]), 14_000)
def test_whatever_the_cap_leaves_is_what_was_seen(sights: list[Snapshot | None], limit: int) -> None:
    clock = VirtualClock()
    recorder = Recorder(Told(clock, chapters({})), AT_ONCE, clock, limit=limit)
    progress = Progress(0.0, 60.0)
    for number, sight in enumerate(sights):
        error = Unavailable("503") if sight is None else None
        known, verdict = (progress.snapshot, progress.verdict) if sight is None else (sight, Verdict(State.PROGRESSING))
        progress = replace(progress, elapsed=number + 0.5, snapshot=known, verdict=verdict, error=error)
        recorder(Looked(Ask(), number, 0.0, progress))
    text = recorder.text(Outcome(Ending.TIMED_OUT, progress), WEB)
    assert len(text) <= limit
    check_bodies(json.loads(text), sights)


def test_times_of_statuses_alone_are_no_change() -> None:
    def at(moment: str) -> Snapshot:
        vms = [
            replace(each, view=replace(each.view, vm_agent=(Status("ProvisioningState/succeeded", time=moment),)))
            for each in BOOTING.instances or ()
            if each.view
        ]
        return replace(BOOTING, instances=tuple(vms))

    recorded = told({float(each): at(f"2026-01-01T00:00:{each:02}Z") for each in range(60)}, GatePolicy(timeout="30s"))
    first, *others = recorded.wait["looks"]
    assert len(first["bodies"]["instances"]) == 2
    assert not any("instances" in look["bodies"] for look in others)
    check_replay(recorded)


# --- The file ------------------------------------------------------------------------------------------------------


def test_printing_the_file_harms_no_terminal_and_no_pipeline_and_it_still_tells_what_the_guest_said() -> None:
    said = EVERYTHING.encode("utf-8", "replace").decode()
    recorded = told({0: snapshot(Vm(provisioning="failed/X", message=said))}, GatePolicy(hold="0s", timeout="10s"))
    (instance,) = recorded.wait["looks"][0]["bodies"]["instances"]
    assert instance["properties"]["instanceView"]["statuses"][0]["message"] == said
    for line in file_text([recorded.text]).splitlines():
        assert harm(line) is None


def test_what_was_written_is_read_again_and_has_the_keys_of_the_published_schema(tmp_path: Path) -> None:
    refused = Throttled("slow down", status=429, code="TooManyRequests", retry_after=17.0)
    upgrade = replace(GOOD, rolling_upgrade=RollingUpgrade("Completed"))
    unread = replace(BOOTING, instances=None)
    texts = [
        told({0: BOOTING, 5: refused, 40: unread, 90: FAILED, 100: upgrade}, GatePolicy(timeout="3m")).text,
        told({0: FAILED, 20: GOOD}, AT_ONCE).text,
    ]
    file = tmp_path / "evidence.json"
    write(file, file_text(texts))
    evidence = read(file)
    assert evidence["waits"] == [json.loads(each) for each in texts]
    found: dict[str, tuple[set[str], set[str]]] = {}
    collect(evidence, schema.schema(), "$", found)
    assert {"$", "#/$defs/wait", "#/$defs/look", "#/$defs/look/bodies", "#/$defs/look/error"} < found.keys()
    for path, (published, written) in found.items():
        assert published == written, path


def collect(value: Any, wanted: Mapping[str, Any], path: str, found: dict[str, tuple[set[str], set[str]]]) -> None:
    """Find for each object of the schema the keys that it names and those that a document has."""
    if "$ref" in wanted:
        path = wanted["$ref"]
        wanted = schema.schema()["$defs"][path.rpartition("/")[2]]
    if isinstance(value, dict) and "properties" in wanted:
        found.setdefault(path, (set(wanted["properties"]), set()))[1].update(value)
        for key, each in value.items():
            collect(each, wanted["properties"].get(key, {}), f"{path}/{key}", found)
    for each in value if isinstance(value, list) else ():
        collect(each, wanted.get("items", {}), path + "[]", found)


def test_the_words_of_the_schema_are_those_of_the_code() -> None:
    of_wait, of_look = (schema.schema()["$defs"][each]["properties"] for each in ("wait", "look"))
    assert of_wait["ending"]["enum"] == [each.value for each in Ending]
    assert of_look["depth"]["enum"] == [depth_name(each) for each in Depth]
    assert of_look["verdict"]["properties"]["state"]["enum"] == [each.name.lower() for each in State]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found.update(evidence=2), "it has version 2 of the format, and this package reads 1"),
        (lambda found: found.pop("waits"), "$: waits is missing"),
        (lambda found: found["waits"].clear(), "$.waits: it is empty, and one wait at least belongs there"),
        (lambda found: found["waits"][0].update(looks={}), "$.waits[0].looks: array belongs here, not dict"),
        (lambda found: found["waits"][0].update(ending="lost"), "$.waits[0].ending: one of healthy, failing, "),
        (lambda found: found["waits"][0]["looks"][0].update(at=True), "$.waits[0].looks[0].at: number belongs here"),
        (lambda found: found["waits"][0]["looks"][0].update(verdict=1), "object or null belongs here, not int"),
    ],
)
def test_what_is_no_evidence_is_refused_by_name(tmp_path: Path, change: Callable[[Any], object], words: str) -> None:
    found = json.loads(file_text([told({0: GOOD}, AT_ONCE).text]))
    change(found)
    file = tmp_path / "evidence.json"
    file.write_text(json.dumps(found))
    with pytest.raises(ValueError, match=re.escape(f"{file} is no evidence: ")) as refused:
        read(file)
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\xff"])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "evidence.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="is no evidence: "):
        read(file)
    with pytest.raises(ValueError, match="is no evidence: No such file or directory"):
        read(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instances": [], "instancesKept": ["7"]}, "look 0: instancesKept names '7', which the look before"),
        ({"view": {"statuses": 1}}, "look 0: the body is malformed at $.statuses"),
        ({}, "look 0: the instance view is missing"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused_by_the_look(change: dict[str, Any], words: str) -> None:
    wait = told({0: GOOD}, AT_ONCE).wait
    wait["looks"][0]["bodies"] = change
    with pytest.raises(ValueError, match=re.escape(words)):
        replay(wait, AT_ONCE)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, link = tmp_path / "evidence.json", tmp_path / "link.json"
    link.symlink_to(file)
    write(link, "1")
    assert (link.is_symlink(), file.read_text()) == (True, "1")

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(file, "2")
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["evidence.json", "link.json"]
    assert file.read_text() == "1"


def test_a_file_that_is_replaced_keeps_who_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    write(file, "1")
    for mode in (0o600, 0o440):
        file.chmod(mode)
        write(file, "2")
        assert stat.S_IMODE(file.stat().st_mode) == mode


def test_where_no_file_can_be_written_is_told_before_and_leaves_nothing_behind(tmp_path: Path) -> None:
    for file, words in (
        (tmp_path, "is no file"),
        (Path("/dev/null"), "/dev/null is no file"),
        (tmp_path / "absent" / "x.json", "cannot be written: No such file or directory"),
        (tmp_path / ("x" * 300), "x cannot be written: File name too long"),
        (Path("/dev/null/x.json"), "/dev/null/x.json cannot be written: Not a directory"),
    ):
        with pytest.raises(ValueError, match=words):
            refuse_unwritable(file)
    refuse_unwritable(tmp_path / "x.json")
    assert [*tmp_path.iterdir()] == []


def test_a_loop_of_links_is_told_before_and_at_the_end_and_stays(tmp_path: Path) -> None:
    loop = tmp_path / "loop.json"
    loop.symlink_to(loop)
    with pytest.raises(ValueError, match=r"loop.json cannot be written: Too many levels of symbolic links"):
        refuse_unwritable(loop)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write(loop, "1")
    assert [*tmp_path.iterdir()] == [loop]


def test_a_folder_that_may_not_be_entered_or_was_deleted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ValueError, match=r"^x.json cannot be written: No such file or directory"):
        refuse_unwritable(Path("x.json"))

    def locked(*_arguments: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", locked)
    with pytest.raises(ValueError, match=r"x.json cannot be written: Permission denied"):
        refuse_unwritable(tmp_path / "x.json")


def test_settings_of_extensions_are_no_part_of_the_evidence() -> None:
    canary = "planted-secret"
    properties = {"publisher": "p", "type": "t", "settings": {"key": canary}, "protectedSettings": {"key": canary}}
    profile: dict[str, Any] = {"extensionProfile": {"extensions": [{"name": "cse", "properties": properties}]}}
    profile["osProfile"] = {"adminPassword": canary, "customData": canary}
    body = {"sku": {"capacity": 2}, "tags": {"t": canary}, "properties": {"virtualMachineProfile": profile}}
    seen = replace(GOOD, scale_set=ScaleSet.from_json(body))
    recorded = told({0: seen}, AT_ONCE)
    assert '"name":"cse"' in recorded.text
    assert canary not in recorded.text
