"""The picture of a record: how many times ours each peer takes, a bar for each, on a logarithmic scale. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.suite.numbers import short, with_unit
from pulumi_vmss_health.reporting.markup import Markup, element, joined, raw
from pulumi_vmss_health.reporting.scale import fitted
from pulumi_vmss_health.reporting.style import of_picture

DRAWN = ("delay", "delay-real", "read", "judge-1", "judge-100", "judge-1000", "up", "up-sets", "starts", "imports")
LARGEST = 100_000  # bytes
_WIDTH, _MARGIN, _LABEL, _TOLD = 860, 20, 330, 130
_LINE, _HEAD, _BAR = 20, 34, 10
_LEAST, _MOST = 0.05, 20.0  # times ours; what is beyond ends at the edge, and its number tells
_TIMES = "\N{MULTIPLICATION SIGN}"
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
_STYLE = (
    "svg .floor{fill:none;stroke:var(--progressing);stroke-width:1.5}"
    "svg .spread{stroke:var(--ink);stroke-width:1.5}"
    "svg .head{font-weight:600}"
)


def x(ratio: float) -> float:
    """The place of a ratio."""
    share = math.log(min(max(ratio, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return round(_LABEL + share * (_WIDTH - _TOLD - _LABEL), 1)


def picture(record: Mapping[str, Any]) -> Markup:
    """Return the svg file."""
    tables = [each for each in record["tables"] if each["key"] in DRAWN and len(each["results"]) > 1]
    y, parts = 64.0, list[Markup]()
    for table in tables:
        drawn, y = _group(table, y)
        parts += drawn
    height = y + 16
    grid = [
        joined(
            element("path", d=f"M{x(each)} 60V{y}", class_="grid" if each != 1 else "expected"),
            element("text", _tick(each), x=x(each), y=54, text_anchor="middle", class_="small"),
        )
        for each in _TICKS
    ]
    title = "How many times ours each peer takes (median; the thin line spans the middle half of the runs)"
    told = f"From {record['date']}. Right of the line a peer takes more than ours, left of it less. Blue: this project."
    return element(
        "svg",
        element("title", title, id="title"),
        element("desc", told, id="description"),
        element("style", raw(of_picture() + _STYLE)),
        element("rect", class_="paper", width=_WIDTH + 2 * _MARGIN, height=f"{height:.0f}"),
        element(
            "g",
            element("text", title, x=0, y=22, class_="head"),
            element("text", f"{told} Outlined: a floor, which does less.", x=0, y=38, class_="small"),
            *grid,
            *parts,
            transform=f"translate({_MARGIN} 0)",
        ),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH + 2 * _MARGIN} {height:.0f}",
        width=_WIDTH + 2 * _MARGIN,
        height=f"{height:.0f}",
        role="img",
        aria_labelledby="title description",
    )


def _group(table: Mapping[str, Any], y: float) -> tuple[list[Markup], float]:
    """The bars of one table, and where the next one begins."""
    measure = table["measures"][0]
    parts = [element("text", f"{_plain(table['title'])} ({measure['label']})", x=0, y=y + 22, class_="head")]
    y += _HEAD
    for result in table["results"]:
        parts.extend(_bar(result, measure, y, is_first=result is table["results"][0]))
        y += _LINE
    return parts, y


def _bar(result: Mapping[str, Any], measure: Mapping[str, str], y: float, *, is_first: bool) -> Iterator[Markup]:
    """A result: its name, its bar from ours on, its spread, its number."""
    yield element("text", fitted(_plain(result["name"]), 12, _LABEL), x=8, y=y + 10)
    own = with_unit(result["spread"][measure["key"]]["median"], measure["unit"])
    found = {"median": 1.0} if is_first else result["times_ours"].get(measure["key"])
    if found is None:
        return
    begin, end = sorted((x(1), x(found["median"])))
    width = max(end - begin, 3.0)
    middle = (begin + end - width) / 2
    yield element("rect", class_=_class(result["whose"], found["median"]), x=middle, y=y, width=width, height=_BAR)
    if "low" in found:
        yield element("path", d=f"M{x(found['low'])} {y + _BAR / 2:g}H{x(found['high'])}", class_="spread")
    told = own if is_first else f"{own}, {short(found['median'])} {_TIMES}"
    yield element("text", told, x=_WIDTH - _TOLD + 10, y=y + 10, class_="small")


def _class(whose: str, ratio: float) -> str:
    """Ours, a floor, a peer that takes more than ours, or one that takes less."""
    usual = "is-progressing" if ratio >= 1 else "is-failing"
    return {"ours": "dot", "floor": "floor"}.get(whose, usual)


def _tick(ratio: float) -> str:
    return "ours" if ratio == 1 else f"{ratio:g} {_TIMES}"


def _plain(text: str) -> str:
    return text.replace("`", "")
