"""Evidence that no picture can be made of is refused by the name of the key that is wrong, and by nothing else."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import evidence

from pulumi_vmss_health.reporting.page import page
from pulumi_vmss_health.reporting.picture import picture
from pulumi_vmss_health.reporting.waits import waits_of

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
        ("waits", [], "waits is empty"),
        ("waits.0.scaleSetId", "web", "waits[0]: no leading '/' in scale set id 'web'"),
        ("waits.0.policy", {"minHealthy": "150%"}, "waits[0]: min_healthy must be more than 0%"),
        ("waits.0.policy", {"newer": 1}, "waits[0]: the policy has fields that this version does not know: newer"),
        ("waits.0.elapsedSeconds", -1, "$.waits[0].elapsedSeconds: a number from 0 to any belongs here"),
        ("waits.0.elapsedSeconds", True, "$.waits[0].elapsedSeconds: number belongs here, not bool"),
        ("waits.0.elapsedSeconds", float("nan"), "$.waits[0].elapsedSeconds: a number from 0"),
        ("waits.0.elapsedSeconds", float("inf"), "$.waits[0].elapsedSeconds: a number from 0"),
        ("waits.0.elapsedSeconds", 10**400, "$.waits[0].elapsedSeconds: a number from 0"),
        ("waits.0.elapsedSeconds", 1e12, "waits[0]: seconds[0]: a number of at most 1000000000 belongs here"),
        ("waits.0.ending", "well", "$.waits[0].ending: one of healthy, failing, timedOut"),
        ("waits.0.beganAt", "today", "waits[0]: beganAt must be a time such as 2026-01-31T12:00:00Z"),
        ("waits.0.passedBefore", "today", "waits[0]: passedBefore must be a time"),
        ("waits.0.message", None, "$.waits[0].message: string belongs here, not NoneType"),
        ("waits.0.looks.0.at", GONE, "$.waits[0].looks[0]: at is missing"),
        ("waits.0.looks.0.left", 1.2, "$.waits[0].looks[0].left: a number from 0 to 1 belongs here"),
        ("waits.0.looks.0.at", 1e12, "waits[0]: looks[0].at: a number of at most 1000000000 belongs here"),
        ("waits.0.looks.0.verdict.state", "fine", "$.waits[0].looks[0].verdict.state: one of healthy, progressing"),
        ("waits.0.looks.0.bodies.view", {"statuses": 1}, "waits[0]: look 0: "),
        (
            "waits.0.looks.0.bodies.model.sku.capacity",
            10**400,
            "waits[0]: looks[0].bodies.model.sku.capacity: a num",
        ),
        ("waits.0.looks.1.bodies.instancesKept", ["7"], "waits[0]: look 1: instancesKept names '7'"),
    ],
)
def test_the_key_that_is_wrong_is_named(path: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        evidence.read(changed(path, value))
    assert str(refused.value).startswith(words)


def test_evidence_that_is_nested_deeper_than_python_goes_is_refused() -> None:
    deep: Any = "deep"
    for _ in range(2000):
        deep = [deep]
    found = changed("waits.0.looks.0.bodies.view", {"statuses": [], "more": deep})
    with pytest.raises(ValueError, match=re.escape("waits[0] is nested too deeply")):
        waits_of(found)


def test_a_setting_that_no_measurement_gave_may_be_any_number() -> None:
    found = copy.deepcopy(GOOD)
    model = found["waits"][0]["looks"][0]["bodies"]["model"]
    (*_, extension) = model["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
    extension["properties"]["settings"] = {"intervalInSeconds": 10**10}
    assert page(evidence.read(found), {})


def test_a_file_whose_bodies_were_left_out_is_drawn_without_them() -> None:
    found = copy.deepcopy(GOOD)
    for look in found["waits"][0]["looks"]:
        look.pop("bodies")
    found["waits"][0]["capped"] = {"looksWithoutBodies": 4, "looksLeftOut": 2}
    waits = evidence.read(found)
    assert [look.snapshot for look in waits[0].looks] == [None] * 4
    assert "what 4 looks saw, 2 whole looks" in page(waits, {})
    assert "data-instance" not in picture(waits)


def test_an_error_beside_a_verdict_is_told_and_the_look_is_not_lost() -> None:
    gone = {"kind": "ScaleSetDeleted", "message": "another one of the same name", "retryAfter": None, "status": None}
    waits = evidence.read(changed("waits.0.looks.3.error", {**gone, "code": None}))
    assert [look.is_lost for look in waits[0].looks] == [False, False, True, False]
    assert "another one of the same name" in page(waits, {})


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
    with suppress(ValueError):
        waits = evidence.read(found)
        assert page(waits, {})
        assert picture(waits)
