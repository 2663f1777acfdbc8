"""Pages and pictures of waits: what they draw and tell is what the evidence holds, and nothing comes from outside."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import evidence
from tests.hostile import EVERYTHING, harm
from tests.reporting.parsing import Element, drawn, html, svg, tables, words

from pulumi_vmss_health.reporting.chart import NARROW, ROWS, WIDE
from pulumi_vmss_health.reporting.instances import courses
from pulumi_vmss_health.reporting.page import page
from pulumi_vmss_health.reporting.picture import picture
from pulumi_vmss_health.reporting.style import DARK, LIGHT, Colours
from pulumi_vmss_health.reporting.waits import Wait

PASSED, FAILED = evidence.passed(), evidence.failed()
LARGE = evidence.large(ROWS + 1)
EMPTY = evidence.wait_of(
    [], [], ending="cancelled", message="scale set web: cancelled after 0s, not known to be healthy"
)
WAITS = {"passed": PASSED, "failed": FAILED, "large": LARGE, "empty": EMPTY}
each_wait = pytest.mark.parametrize("name", WAITS)


def page_of(*waits: dict[str, Any]) -> Element:
    found = evidence.evidence_of(*waits)
    return html(page(evidence.read(found), found["versions"]))


def picture_of(*waits: dict[str, Any]) -> Element:
    return svg(picture(evidence.read(evidence.evidence_of(*waits))))


def wait_of(wait: dict[str, Any]) -> Wait:
    return evidence.read(evidence.evidence_of(wait))[0]


def counts(wait: dict[str, Any]) -> dict[str, Any]:
    """What an evidence counts at each look."""
    found: dict[str, Any] = {}
    for look in wait["looks"]:
        if look["verdict"] is None:
            continue
        for each in look["counts"]:
            moment = pytest.approx(look["at"] + look["took"], abs=0.4)
            found.setdefault(each["of"], []).append((moment, each["done"], each["total"]))
    return found


@each_wait
def test_the_lines_of_a_page_draw_the_counts_of_the_evidence_on_a_desktop_and_on_a_phone(name: str) -> None:
    drawings = page_of(WAITS[name]).all("svg")
    assert [int(each.attributes["width"]) for each in drawings] == [WIDE, NARROW]
    for drawing in drawings:
        assert drawn(drawing) == counts(WAITS[name])


@each_wait
def test_the_lines_of_a_picture_draw_the_counts_of_the_evidence(name: str) -> None:
    assert drawn(picture_of(WAITS[name])) == counts(WAITS[name])


def test_a_look_that_failed_leaves_a_gap_and_is_told_with_its_words() -> None:
    root = page_of(PASSED)
    (row,) = (each for each in root.all("svg")[0].all("g") if each.attributes.get("data-counts-of") == "VMs")
    assert len(row.all("path", class_="line")) == 2
    (lost,) = (each for each in tables(root) if each["titles"] == ["at", "error", "what was said"])
    assert lost["rows"] == [["1m", "Throttled 429", "too many requests: wait 5s"]]
    assert "no answer" in [each.attributes.get("data-verdict") for each in root.all("g")]


def test_the_table_of_numbers_holds_every_look() -> None:
    (table,) = (each for each in tables(page_of(FAILED)) if each["caption"] == "Each look")
    assert table["titles"] == [
        "at", "took", "read", "verdict", "VMs", "appHealth", "app", "health", "requests", "left",
    ]  # fmt: skip
    assert len(table["rows"]) == len(FAILED["looks"])
    assert table["rows"][0] == ["0.2s", "0.2s", "full", "progressing", "0/5", "0/5", "-", "-", "4", "100%"]
    assert table["rows"][-1] == ["95.2s", "0.2s", "instances", "failing", "5/5", "3/5", "3/5", "5/5", "1", "76%"]


def test_the_bands_of_the_verdict_have_the_states_of_the_looks() -> None:
    drawing = page_of(PASSED).all("svg")[0]
    shown = [each.attributes for each in drawing.all("g") if "data-verdict" in each.attributes]
    assert [each["data-verdict"] for each in shown] == ["progressing", "no answer", "progressing", "healthy"]
    assert [float(each["data-begin"]) for each in shown] == [0.2, 60.2, 65.2, 110.2]
    assert float(shown[-1]["data-end"]) == 140.2


def test_what_was_healthy_and_could_not_be_judged_whole_is_drawn_as_in_progress() -> None:
    wait = copy.deepcopy(PASSED)
    for look in wait["looks"]:
        if look["verdict"]:
            look["verdict"] = {"state": "healthy", "passes": False, "unjudged": ["power"], "reasons": []}
    root = page_of(wait)
    shown = {each.attributes["data-verdict"] for each in root.all("g") if "data-verdict" in each.attributes}
    assert shown == {"progressing", "no answer"}
    assert "not judged for lack of evidence: power" in words(root, "li")[0]


def test_each_instance_passes_from_the_look_that_saw_it_first_in_order() -> None:
    found = {each.instance.instance_id: each.passed for each in courses(wait_of(PASSED))}
    assert found == {"0": 45.2, "1": 65.2, "2": 80.2, "3": 95.2, "4": 110.2}
    drawing = page_of(PASSED).all("svg")[0]
    shown = [each.attributes for each in drawing.all("g") if "data-instance" in each.attributes]
    assert {each["data-instance"]: float(each["data-passed"]) for each in shown} == found
    assert "passes from 1m50s" in words(drawing, "text")


def test_an_instance_that_went_away_or_fell_ill_again_did_not_pass() -> None:
    wait = copy.deepcopy(PASSED)
    first, *_, last = (look["bodies"] for look in wait["looks"] if "instances" in look["bodies"])
    ill = copy.deepcopy(first["instances"][0])
    last["instances"] = [ill]  # as it was at the beginning
    last["instancesKept"].remove("0")
    last["instancesKept"].remove("1")
    found = {each.instance.instance_id: each for each in courses(wait_of(wait))}
    assert (found["0"].passed, found["0"].is_gone) == (None, False)
    assert (found["1"].passed, found["1"].is_gone) == (None, True)
    assert [value for _, value in found["0"].values] == [False, True, False]


def test_instances_get_a_row_each_or_a_histogram_that_counts_all_of_them() -> None:
    assert (
        len([each for each in page_of(evidence.large(ROWS)).all("g") if "data-instance" in each.attributes]) == 2 * ROWS
    )
    root = page_of(LARGE)
    assert not [each for each in root.all("g") if "data-instance" in each.attributes]
    for drawing in root.all("svg"):
        (counted,) = (
            each.attributes["data-passed-at"] for each in drawing.all("g") if "data-passed-at" in each.attributes
        )
        assert sum(map(int, counted.split())) == ROWS + 1


def test_a_failure_has_its_causes_its_instances_and_the_commands() -> None:
    root = page_of(FAILED)
    assert words(root, "h1") == ["api: failing"]
    assert words(root, "h2") == ["Causes", "Instances that do not pass", "Where to look", "The wait"]
    causes = words(root, "li")
    assert causes[0].startswith("\u2715instances 1 and 3: extension app failed/1, want succeeded")
    assert "Next: check the log of extension app on the instance" in causes[0]
    (ill,) = (each for each in tables(root) if each["titles"][:1] == ["instance"] and each["caption"].startswith("As"))
    assert [row[:2] for row in ill["rows"]] == [["1", "2"], ["3", "1"]]
    assert all("No space left on device" in row[2] and "application health unhealthy" in row[2] for row in ill["rows"])
    assert [text[:32] for text in words(root, "code")] == ["az vmss list-instances -g rg -n "]


def test_the_policy_the_requests_and_what_was_left_are_told() -> None:
    (about,) = (each["rows"] for each in tables(page_of(FAILED)) if ["policy", "minHealthy: 80%"] in each["rows"])
    told = {row[0]: row[1] for row in about}
    assert told["requests to Azure"] == str(FAILED["requests"])
    assert told["least left of Azure's limits"] == "76%"
    assert told["took"] == "1m35s of 30m, the timeout of the policy"
    assert told["looks"] == "20, of which 7 whole"
    assert told["last passed before"] == "never"
    assert "last passed beforenot known" in page_of({**FAILED, "beforeFirstPass": False}).text
    assert "last passed before2026-01-31" in page_of({**FAILED, "passedBefore": "2026-01-31T12:00:00Z"}).text


def test_several_waits_have_a_section_each_and_a_summary_on_top() -> None:
    root = page_of(PASSED, FAILED)
    assert words(root, "h1") == ["2 scale sets: 1 healthy, 1 not"]
    assert words(root, "h2") == ["web: healthy", "api: failing"]
    assert [row[:2] for row in tables(root)[0]["rows"]] == [["web", "\u2713 healthy"], ["api", "\u2715 failing"]]
    targets = {each.attributes.get("id") for each in root}
    assert [each.attributes["href"][1:] in targets for each in root.all("a")] == [True, True]
    assert len(page_of(PASSED, PASSED).all("svg")) == 4
    shown = picture_of(PASSED, FAILED)
    assert [each for each in words(shown, "text") if each.startswith("scale set")] == [
        PASSED["message"], FAILED["message"].partition(", ")[0] + FAILED["message"][len("scale set api is failing"):],
    ]  # fmt: skip


def test_sets_of_one_name_are_told_apart_by_their_groups() -> None:
    other = {**FAILED, "scaleSetId": FAILED["scaleSetId"].replace("/rg/", "/other/")}
    root = page_of(FAILED, other)
    assert words(root, "h2") == ["rg/api: failing", "other/api: failing"]
    assert words(root, "a") == ["rg/api", "other/api"]
    assert "How the wait for rg/api, other/api went" in words(picture_of(FAILED, other), "title")


def test_ids_are_unique_and_what_refers_to_them_finds_them() -> None:
    for root in (page_of(PASSED, FAILED, LARGE), picture_of(PASSED, FAILED)):
        ids = [each.attributes["id"] for each in root if "id" in each.attributes]
        assert len(ids) == len(set(ids))
        used = [id_ for each in root for id_ in each.attributes.get("aria-labelledby", "").split()]
        assert used
        assert set(used) <= set(ids)


@each_wait
def test_a_page_can_be_read_by_everybody(name: str) -> None:
    root = page_of(WAITS[name], PASSED)
    (page_,) = root.all("html")
    assert page_.attributes["lang"] == "en"
    levels = [int(each.name[1]) for each in root if re.fullmatch("h[1-6]", each.name)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for drawing in root.all("svg"):
        assert drawing.attributes["role"] == "img"
        assert all(each.text for each in (drawing.all("title")[0], drawing.all("desc")[0]))
    for table in root.all("table"):
        assert all(each.attributes.get("scope") in ("col", "row") for each in table.all("th"))
        assert all(row.all("th") or row.all("td") for row in table.all("tr"))


@each_wait
def test_nothing_is_loaded_and_nothing_runs(name: str) -> None:
    for root in (page_of(WAITS[name]), picture_of(WAITS[name])):
        for each in root:
            assert each.name not in (
                "script",
                "link",
                "img",
                "image",
                "iframe",
                "object",
                "use",
                "base",
                "foreignObject",
            )
            assert not [key for key in each.attributes if key.startswith("on") or key in ("src", "style", "srcset")]
            assert each.attributes.get("href", "#").startswith("#")
            assert not [value for value in each.attributes.values() if "url(" in value]
        for sheet in words(root, "style"):
            assert "url(" not in sheet
            assert "@import" not in sheet


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
        return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa_in_both_schemes(scheme: Colours) -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    for text in (scheme.ink, scheme.muted, scheme.healthy, scheme.failing, scheme.count):
        assert contrast(text, scheme.paper) >= 4.5
    assert contrast(scheme.ink, scheme.soft) >= 4.5
    for band in (scheme.progressing, scheme.healthy, scheme.failing):  # on which a word stands in the paper's colour
        assert contrast(scheme.paper, band) >= 4.5


def texts_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each text."""
    if isinstance(value, str):
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from texts_in(each, (*path, key))


# What the format itself fixes: another text there is refused.
FIXED = ("state", "depth", "ending", "beganAt", "passedBefore", "scaleSetId", "timeout", "minHealthy")
EVIL = '<script>alert(1)</script><evil on="1">]]>--></style></svg></title>"\' x="1" onload=\'a()\' &lt;b&gt; https://evil.example/'
SHORT = evidence.wait_of(
    [evidence.Machine(broken=True), evidence.Machine()],
    [0.0, 5.0, 10.0],
    lost={5.0: "slow down"},
    policy={"minHealthy": "80%"},
    lines=["look closer: `az vmss show`", "said"],
    ending="failing",
)
PLACES = [
    path
    for path in texts_in(SHORT)
    if not {"bodies"} & set(path) and path[-1] not in FIXED and path[0] != "transitions"
]
OF_GUESTS = [
    path
    for path in texts_in(SHORT)
    if "bodies" in path and (path[-1] in ("message", "name", "instanceId") or path[-2] == "zones")
]


def put(value: Any, path: tuple[Any, ...], text: str) -> Any:
    changed = copy.deepcopy(value)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    return changed


def forms(root: Element) -> set[tuple[str, str]]:
    """Each element with each of its attributes: what data must never add to."""
    return {(each.name, key) for each in root for key in ("", *each.attributes)}


@cache
def known() -> list[set[tuple[str, str]]]:
    """The forms of a page and of a picture."""
    return [
        set().union(*(forms(make(wait)) for wait in (*WAITS.values(), SHORT)), *[forms(make(PASSED, FAILED))])
        for make in (page_of, picture_of)
    ]


def check(wait: dict[str, Any], wanted: str | None = None) -> None:
    for make, allowed in zip((page_of, picture_of), known(), strict=True):
        root = make(wait)
        assert forms(root) <= allowed
        for each in root:
            found = [text for text in (*each.attributes.values(), *each.own) if each.name != "style" and text != "\n"]
            assert [text for text in found if harm(text)] == []
            assert not each.attributes.get("href", "").startswith("http")
        if wanted and make is page_of:
            assert wanted in root.text


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_hostile_text_becomes_no_markup_wherever_it_is(path: tuple[Any, ...]) -> None:
    for text in (EVIL, EVERYTHING):
        check(put(SHORT, path, text))


def test_hostile_texts_of_all_guests_become_no_markup_and_are_told_as_they_are() -> None:
    assert len(OF_GUESTS) > 10
    wait = SHORT
    for path in OF_GUESTS:
        wait = (
            put(wait, path, f"{path[-1]} {EVIL}") if path[-1] != "instanceId" else put(wait, path, f"0{EVIL}{path[-2]}")
        )
    for look in wait["looks"]:
        look["bodies"].pop("instancesKept", None)
    check(wait, "<script>alert(1)</script>")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from(PLACES))
def test_any_text_becomes_no_markup(text: str, path: tuple[Any, ...]) -> None:
    check(put(SHORT, path, text))
