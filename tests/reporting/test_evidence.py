"""What is no evidence is refused by the name of the key that is wrong, and by nothing else."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import evidence

from pulumi_vmss_health.reporting.evidence import EvidenceError, evidence_of
from pulumi_vmss_health.reporting.page import page
from pulumi_vmss_health.reporting.picture import picture

GOOD = evidence.evidence_of(
    evidence.wait_of([evidence.Machine(1.0, 2.0, 3.0)], [0.0, 4.0, 8.0, 12.0], lost={8.0: "slow down"})
)
GONE = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """Good evidence with another value at a path such as waits.0.looks; GONE: without it."""
    found = copy.deepcopy(GOOD)
    place: Any = found
    *parents, last = [int(each) if each.isdigit() else each for each in path.split(".")]
    for key in parents:
        place = place[key]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("evidence", GONE, "evidence is missing"),
        ("evidence", 2, "it has version 2 of the format, and this vmss-health reads 1: upgrade it"),
        ("evidence", 0, "evidence must be 1, not 0"),
        ("evidence", "1", 'evidence must be a whole number, not "1"'),
        ("waits", [], "waits is empty"),
        ("waits", {}, "waits must be a list, not {}"),
        ("waits.0", None, "waits[0] must be an object, not null"),
        ("waits.0.scaleSetId", "web", "waits[0].scaleSetId: "),
        ("waits.0.policy", {"minHealthy": "150%"}, "waits[0].policy: min_healthy must be more than 0%"),
        (
            "waits.0.policy",
            {"newer": 1},
            "waits[0].policy: the policy has fields that this version does not know: newer",
        ),
        ("waits.0.limitSeconds", -1, "waits[0].limitSeconds must be from 0 to 1000000000, not -1"),
        ("waits.0.elapsedSeconds", True, "waits[0].elapsedSeconds must be a number, not true"),
        ("waits.0.elapsedSeconds", 10**400, "waits[0].elapsedSeconds must be from 0 to 1000000000"),
        ("waits.0.ending", "well", "waits[0].ending must be one of healthy, failing, timedOut"),
        ("waits.0.ending", [], "waits[0].ending must be one of healthy"),
        ("waits.0.beganAt", "today", "waits[0].beganAt must be a time such as 2026-01-31T12:00:00Z"),
        ("waits.0.passedBefore", "today", "waits[0].passedBefore must be a time"),
        ("waits.0.message", None, "waits[0].message must be a text, not null"),
        ("waits.0.lines.0", 1, "waits[0].lines[0] must be a text, not 1"),
        ("waits.0.requests", 1.5, "waits[0].requests must be a whole number, not 1.5"),
        ("waits.0.capped", {}, "waits[0].capped.looksWithoutBodies is missing"),
        ("waits.0.looks.0.at", GONE, "waits[0].looks[0].at is missing"),
        ("waits.0.looks.0.left", 1.2, "waits[0].looks[0].left must be from 0 to 1, not 1.2"),
        ("waits.0.looks.0.error", {}, "waits[0].looks[0] must have either a verdict or an error"),
        ("waits.0.looks.2.error", None, "waits[0].looks[2] must have either a verdict or an error"),
        ("waits.0.looks.0.verdict.state", "fine", "waits[0].looks[0].verdict.state must be one of healthy, progress"),
        ("waits.0.looks.0.verdict.passes", 1, "waits[0].looks[0].verdict.passes must be true or false, not 1"),
        ("waits.0.looks.0.verdict.reasons.0.hint", GONE, "waits[0].looks[0].verdict.reasons[0].hint is missing"),
        ("waits.0.looks.0.counts.0.done", "3", 'waits[0].looks[0].counts[0].done must be a whole number, not "3"'),
        ("waits.0.looks.0.bodies.view", [], "waits[0].looks[0].bodies.view: "),
        ("waits.0.looks.0.bodies.instances", {}, "waits[0].looks[0].bodies.instances must be a list"),
        ("waits.0.looks.1.bodies.instancesKept", ["7"], "waits[0].looks[1].bodies.instancesKept names instance 7"),
        ("waits.0.looks.2.error.status", "429", "waits[0].looks[2].error.status must be a whole number"),
    ],
)
def test_the_key_that_is_wrong_is_named(path: str, value: Any, words: str) -> None:
    if path == "waits.0.lines.0":
        path, value = "waits.0.lines", [value]
    with pytest.raises(EvidenceError) as refused:
        evidence_of(json.dumps(changed(path, value)))
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is no JSON: "),
        ("{", "it is no JSON: "),
        ("[]", "it must be an object, not []"),
        ('{"evidence": NaN}', "it is no JSON: NaN is no number"),
        ('{"evidence": 1' + "0" * 5000 + "}", "it is no JSON: Exceeds the limit"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_what_is_no_evidence_at_all_is_refused(text: str, words: str) -> None:
    with pytest.raises(EvidenceError, match=re.escape(words)):
        evidence_of(text)


def test_a_file_whose_bodies_were_left_out_is_drawn_without_them() -> None:
    found = copy.deepcopy(GOOD)
    for look in found["waits"][0]["looks"]:
        look.pop("bodies")
    found["waits"][0]["capped"] = {"looksWithoutBodies": 4, "looksLeftOut": 2}
    read = evidence_of(json.dumps(found))
    assert [look.snapshot for look in read.waits[0].looks] == [None] * 4
    assert "what 4 looks saw, 2 whole looks" in page(read)
    assert "data-instance" not in picture(read.waits)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(each, (*path, key))


ANYTHING = st.one_of(
    st.just(GONE), st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.just([]), st.just({}), st.just([None]), st.just({"id": {}}),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(paths(GOOD))), ANYTHING)
def test_whatever_is_wrong_is_refused_or_drawn(path: tuple[Any, ...], value: Any) -> None:
    found = place = copy.deepcopy(GOOD)
    for key in path[:-1]:
        place = place[key]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with suppress(EvidenceError):
        read = evidence_of(json.dumps(found))
        assert page(read)
        assert picture(read.waits)
