"""docs/performance.md and its picture, of a record and of nothing else."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import delay, judging, reads, ups
from benchmarks.suite.numbers import short, with_unit
from benchmarks.suite.peers import ROOT
from benchmarks.suite.picture import picture

PAGE, PICTURE = ROOT / "docs" / "performance.md", ROOT / "docs" / "pictures" / "performance.svg"
_QUICK = (
    "**This page is of a quick run, with few runs and small sizes. It shows that the suite works; no figure of it is a "
    "measurement to quote.**"
)
_IN_SHORT = (
    ("delay", delay.OURS, delay.AZ_WAIT),
    ("delay-real", delay.CLIENTS[0].name, delay.AZ_WAIT),
    ("read", reads.VIEW, reads.GET),
    ("read", reads.VIEW, reads.REST),
    ("judge-1000", judging.OURS, judging.THEIRS),
    ("up", ups.GATED, ups.WITHOUT),
    ("up-sets", ups.GATED, ups.WITHOUT),
)


def write(record: Mapping[str, Any], page: Path, drawing: Path) -> None:
    """Write both files."""
    page.write_text(text(record, drawing), encoding="utf-8")
    drawing.write_text(f"{picture(record)}\n", encoding="utf-8")


def text(record: Mapping[str, Any], drawing: Path = PICTURE) -> str:
    """The page."""
    apart = " (but for what was [measured again](#how-it-was-measured))" if "again" in record else ""
    link = drawing.name if drawing != PICTURE else str(PICTURE.relative_to(PAGE.parent))
    parts = [
        "# Performance, beside what you would pick instead",
        *([_wrapped(_QUICK)] if record["quick"] else []),
        _wrapped(
            f"`make bench` measured every figure of this page in one run, on {record['date']}{apart}, and wrote the "
            "page from [its record](../benchmarks/results.json), which has every sample. A peer really does the work, "
            "and its result is checked: if it is wrong, there is no page. All of it is offline: nothing here was "
            "measured in Azure."
        ),
        "\n".join(_in_short(record)),
        f"![How many times ours each peer takes]({link})",
        "## What was asked",
        "\n".join(_limits(record["limits"])),
        _wrapped(_missed(record["limits"])),
        *_why(record["limits"]),
        *_tables(record["tables"]),
        "## How it was measured",
        "\n".join(_method(record)),
        "## Versions and machine",
        "\n".join(_versions(record)),
    ]
    return "\n\n".join(parts) + "\n"


def _in_short(record: Mapping[str, Any]) -> Iterator[str]:
    """The first measure of each row, ours beside one peer."""
    yield "| | ours | | instead | | times ours |"
    yield "|---|---|---|---|---|---|"
    tables = {each["key"]: each for each in record["tables"]}
    for key, ours, theirs in _IN_SHORT:
        rows = {each["name"]: each for each in tables.get(key, {"results": []})["results"]}
        if ours in rows and theirs in rows:
            measure = tables[key]["measures"][0]
            our, their = (rows[name]["spread"][measure["key"]]["median"] for name in (ours, theirs))
            figures = [with_unit(each, measure["unit"]) for each in (our, their)]
            title = f"{tables[key]['title']} ({measure['label']})"
            yield f"| {title} | {ours} | **{figures[0]}** | {theirs} | {figures[1]} | {short(their / our)} |"


def _limits(limits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| asked | at most | measured | |"
    yield "|---|---|---|---|"
    for each in limits:
        found = "" if each["measured"] is None else short(each["measured"])
        word = {True: "met", False: "**missed**", None: "not measured"}[each["met"]]
        yield f"| {each['asked']} | {short(each['most'])} | {found} | {word} |"


def _missed(limits: Sequence[Mapping[str, Any]]) -> str:
    """How many are missed, and by how much at most."""
    missed = [each for each in limits if each["met"] is False]
    unknown = sum(each["met"] is None for each in limits)
    rest = f" {unknown} could not be measured, because a peer was left out." if unknown else ""
    if not missed:
        return f"None of the {len(limits)} is missed.{rest}"
    worst = max(missed, key=_factor)
    far = f"{short(_factor(worst))} times what was asked" if worst["most"] else "it was to be none"
    return f"{len(missed)} of {len(limits)} are missed. The farthest is: {worst['asked']}; {far}.{rest}"


def _why(limits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What makes those large that are missed, each cause once."""
    causes = dict.fromkeys(each["why"] for each in limits if each["met"] is False)
    if causes:
        yield "Why they are:"
        yield "\n".join(_wrapped(f"- {each}.", "  ") for each in causes)


def _factor(limit: Mapping[str, Any]) -> float:
    return float(limit["measured"] / limit["most"]) if limit["most"] else float("inf")


def _tables(tables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    told = ""
    for table in tables:
        yield f"## {table['title']}"
        if table["about"] != told:
            yield _wrapped(table["about"])
        told = table["about"]
        if table["results"]:
            yield "\n".join(_rows(table))
        notes = [f"- {each['name']}: {each['about']}" for each in table["results"] if each["about"]]
        notes += [f"- **Left out:** {each['name']}: {each['why']}." for each in table["left_out"]]
        if notes:
            yield "\n".join(_wrapped(each, "  ") for each in notes)


def _rows(table: Mapping[str, Any]) -> Iterator[str]:
    measures, first = table["measures"], table["measures"][0]
    compared = any(each["whose"] != "ours" for each in table["results"]) and _runs(table) > 1
    heads = ["", *(f"{each['label']}, {each['unit']}" if each["unit"] else each["label"] for each in measures)]
    heads += [f"times ours ({first['label']})"] * compared
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for result in table["results"]:
        cells = [f"**{result['name']}**" if result["whose"] == "ours" else result["name"]]
        cells += [_cell(result["spread"][each["key"]]) for each in measures]
        if compared:
            cells.append(_ratio(result["times_ours"].get(first["key"])))
        yield f"| {' | '.join(cells)} |"


def _runs(table: Mapping[str, Any]) -> int:
    return max((each["spread"][table["measures"][0]["key"]]["runs"] for each in table["results"]), default=0)


def _cell(spread: Mapping[str, float]) -> str:
    """The median, and from where to where all runs went, if that is not the same."""
    low, middle, high = (short(spread[name]) for name in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _ratio(found: Mapping[str, float] | None) -> str:
    if found is None:
        return ""
    spread = f" ({short(found['low'])} to {short(found['high'])})" if "low" in found else ""
    return f"{short(found['median'])}{spread}"


def _method(record: Mapping[str, Any]) -> Iterator[str]:
    before, after = (", ".join(map(str, record["load"][name])) for name in ("before", "after"))
    for each in (
        f"The whole took {with_unit(record['seconds'] / 60, 'minutes')}. The load of the machine (processes that want "
        f"a processor, over 1, 5 and 15 minutes) was {before} before and {after} after.",
        "The works of a table take turns: all run once, then all again, each time another one first. Of each process "
        "11 runs count, after one that fills caches and does not. Where there are fewer, the table says so.",
        "A cell is the median, and from where to where all runs went. “Times ours” is the ratio of the medians to that "
        "of the first row, and the quartiles of the ratios run by run. Rows in bold are this project's.",
        "Time is that on the wall. CPU is that of the process and of all that it started, user and system. Memory is "
        "the largest resident set of one process, as the kernel tells it to a small process that started it.",
        "The emulator runs on the same machine and takes part of its processors, for ours and for peers alike.",
        *(
            f"“{each['title']}” was measured again, alone, on {each['date']}, at commit {each['commit']}; the rest at "
            "the commit below."
            for each in record.get("again", {}).values()
        ),
        "A peer that is not installed is left out and named with the reason. One whose result is wrong ends the run.",
        "`make bench QUICK=1` tries everything out in two minutes and writes below `build/`; its figures are none to "
        "quote.",
    ):
        yield _wrapped(f"- {each}", "  ")


def _versions(record: Mapping[str, Any]) -> Iterator[str]:
    machine = record["machine"]
    memory = f"{machine['memory_gib']} GiB"
    yield "| | |"
    yield "|---|---|"
    yield f"| machine | {machine['cores']} cores, {machine['model']}, {memory}, {machine['system']} |"
    for name, version in record["versions"].items():
        yield f"| {name} | {version} |"


def _wrapped(said: str, indent: str = "") -> str:
    """As wide as every page here."""
    return textwrap.fill(said, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
