"""A page of waits: why each ended, the drawing, the causes, the instances, and every number as a table. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pulumi_vmss_health.judging.findings import Reason, State
from pulumi_vmss_health.reporting.chart import NARROW, WIDE, chart
from pulumi_vmss_health.reporting.instances import Course, courses
from pulumi_vmss_health.reporting.markup import Markup, element, joined, raw, void
from pulumi_vmss_health.reporting.style import of_page
from pulumi_vmss_health.reporting.waits import Look, Wait
from pulumi_vmss_health.waiting.ending import Ending
from vmss_instance_view.durations import format_seconds

_INSTANCES = 200
"""Rows of a table of instances."""

_MARKS = {State.HEALTHY: "!", State.PROGRESSING: "…", State.FAILING: "✕"}
_BLANK = raw(" ")
_NONE = "-"
_COMMAND = re.compile("`([^`]*)`")


def page(waits: Sequence[Wait], versions: Mapping[str, str]) -> Markup:
    """Return the whole page. versions: of what recorded them."""
    title = waits[0].name if len(waits) == 1 else f"{len(waits)} scale sets"
    summary = [] if len(waits) == 1 else [_summary(waits)]
    head = element(
        "head",
        void("meta", charset="utf-8"),
        element("title", f"{title}: {_result(waits)}"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        element("style", raw(of_page())),
    )
    made = ", ".join(f"{name} {version}" for name, version in versions.items())
    body = element(
        "main",
        element("h1", f"{title}: {_result(waits)}"),
        *summary,
        *(_section(wait, index, is_alone=len(waits) == 1) for index, wait in enumerate(waits, 1)),
        element("p", f"Recorded by {made}.", class_="note") if made else "",
    )
    return joined(raw("<!DOCTYPE html>\n"), element("html", head, element("body", body), lang="en"), raw("\n"))


def _result(waits: Sequence[Wait]) -> str:
    if len(waits) == 1:
        return waits[0].ending_words
    healthy = sum(wait.ending is Ending.HEALTHY for wait in waits)
    return f"{healthy} healthy, {len(waits) - healthy} not" if healthy < len(waits) else "all healthy"


def _summary(waits: Sequence[Wait]) -> Markup:
    rows = [
        [
            element("th", element("a", wait.name, href=f"#wait-{index}"), scope="row"),
            element("td", _ending(wait)),
            _number(format_seconds(wait.elapsed)),
            _number(f"{len(wait.looks):,}"),
            _number(f"{wait.requests:,}"),
        ]
        for index, wait in enumerate(waits, 1)
    ]
    return _table(["scale set", "ended", "#took", "#looks", "#requests"], rows, "All waits")


def _section(wait: Wait, index: int, *, is_alone: bool) -> Markup:
    found = courses(wait)
    name = f"wait-{index}"
    title = "" if is_alone else element("h2", f"{wait.name}: {wait.ending_words}", id=name)
    level = "h2" if is_alone else "h3"
    drawn = [
        element("div", chart(wait, found, width, f"{name}-{class_}"), class_=class_)
        for width, class_ in ((WIDE, "wide"), (NARROW, "narrow"))
    ]
    return element(
        "section",
        title,
        element("p", str(wait.scale_set), class_="about"),
        element("p", _mark(wait), _BLANK, wait.message, class_="headline"),
        element("figure", *drawn),
        *_causes(wait, level),
        *_ailing(found, level),
        *_next(wait, level),
        *_errors(wait, level),
        *_about(wait, level),
        _numbers(wait, found),
    )


def _mark(wait: Wait) -> Markup:
    good = wait.ending is Ending.HEALTHY
    return element("span", "✓" if good else "✕", class_="healthy" if good else "failing", aria_hidden="true")


def _ending(wait: Wait) -> Markup:
    good = wait.ending is Ending.HEALTHY
    words = joined(_mark(wait), _BLANK, wait.ending_words)
    return element("span", words, class_=f"ending {'healthy' if good else 'failing'}")


def _causes(wait: Wait, level: str) -> list[Markup]:
    """Return the reasons of the last verdict, worst first, then what was not judged."""
    last = wait.last_verdict
    if last is None or not (last.reasons or last.unjudged):
        return []
    items = [_cause(each) for each in last.reasons]
    if last.unjudged:
        mark = element("span", "?", class_="mark", aria_hidden="true")
        items.append(element("li", mark, f"not judged for lack of evidence: {', '.join(last.unjudged)}"))
    title = "Warnings" if wait.ending is Ending.HEALTHY else "Causes"
    return [element(level, title, class_="part"), element("ul", *items)]


def _cause(reason: Reason) -> Markup:
    word = "warning" if reason.state is State.HEALTHY else reason.state.word
    mark = element("span", _MARKS[reason.state], class_=f"mark {word}", title=word)
    hint = [element("p", f"Next: {reason.hint}")] if reason.hint else []
    return element("li", mark, reason.message, *hint)


def _ailing(found: Sequence[Course], level: str) -> list[Markup]:
    """Return a table of the instances that did not pass at the end, each with its own reasons."""
    ill = [each for each in found if each.ailments and not each.is_gone]
    ill.sort(key=lambda each: not any(ailment.final for ailment in each.ailments))
    if not ill:
        return []
    rows = map(_ailments, ill[:_INSTANCES])
    table = _table(["instance", "zone", "what keeps it from passing"], rows, "As they were seen last")
    return [element(level, "Instances that do not pass", class_="part"), table, *_more(len(ill))]


def _ailments(each: Course) -> list[Markup]:
    """Return the cells of an instance: its name, its zone, and all that keeps it from passing."""
    found = [
        element(
            "div",
            f"{ailment.topic} {ailment.have}, want {ailment.want}",
            element("p", ailment.message, class_="note") if ailment.message else "",
        )
        for ailment in each.ailments
    ]
    return [
        element("th", each.instance.instance_id, scope="row"),
        element("td", ", ".join(each.instance.zones) or _NONE),
        element("td", *found, class_="words"),
    ]


def _more(number: int) -> list[Markup]:
    return [element("p", f"and {number - _INSTANCES:,} more", class_="note")] if number > _INSTANCES else []


def _next(wait: Wait, level: str) -> list[Markup]:
    """Return what was said beside the causes: where to look, and commands."""
    last = wait.last_verdict
    reasons = last.reasons if last else ()
    told = {line for each in reasons for line in (each.message, f"next: {each.hint}")}
    lines = [line for line in wait.lines if line not in told]
    return (
        [element(level, "Where to look", class_="part"), element("ul", *map(_line, lines), class_="plain")]
        if lines
        else []
    )


def _line(text: str) -> Markup:
    """Return a line as an item of a list, its commands set apart."""
    parts = _COMMAND.split(text)
    cells = [_command(part) if index % 2 else part for index, part in enumerate(parts)]
    return element("li", *(piece for cell in cells for piece in (cell, _BLANK)))


def _command(text: str) -> Markup:
    """Return a command that a browser breaks only between words."""
    first, *others = (element("span", word) for word in text.split(" "))
    return element("code", first, *(part for word in others for part in (_BLANK, word)))


def _errors(wait: Wait, level: str) -> list[Markup]:
    found = [(look, look.error) for look in wait.looks if look.error]
    if not found:
        return []
    rows = [
        [
            _number(format_seconds(look.seen)),
            element("td", " ".join(each for each in (error.kind, str(error.status or ""), error.code) if each)),
            element("td", error.message, class_="words"),
        ]
        for look, error in found
    ]
    return [element(level, "Errors of looks", class_="part"), _table(["#at", "error", "what was said"], rows, None)]


def _about(wait: Wait, level: str) -> list[Markup]:
    known = [look.left for look in wait.looks if look.left is not None]
    policy = wait.policy.to_json()
    before = "never" if wait.before_first_pass else "not known"
    rows = [
        ("policy", ", ".join(f"{key}: {_plain(value)}" for key, value in policy.items()) or "all defaults"),
        ("began", f"{wait.began:%Y-%m-%d %H:%M:%S} UTC"),
        ("took", f"{format_seconds(wait.elapsed)} of {format_seconds(wait.limit)}, the timeout {wait.limit_source}"),
        ("last passed before", f"{wait.passed_before:%Y-%m-%d %H:%M:%S} UTC" if wait.passed_before else before),
        ("looks", f"{len(wait.looks):,}, of which {sum(look.is_whole for look in wait.looks):,} whole"),
        ("requests to Azure", f"{wait.requests:,}"),
        ("least left of Azure's limits", f"{min(known):.0%}" if known else "not known"),
    ]
    left_out = [
        f"what {wait.without_bodies:,} looks saw" if wait.without_bodies else "",
        f"{wait.left_out:,} whole looks" if wait.left_out else "",
    ]
    if any(left_out):
        rows.append(("left out, to keep the file small", ", ".join(filter(None, left_out))))
    cells = [[element("th", name, scope="row"), element("td", value, class_="words")] for name, value in rows]
    return [element(level, "The wait", class_="part"), _table([], cells, None)]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _numbers(wait: Wait, found: Sequence[Course]) -> Markup:
    names = list(dict.fromkeys(name for look in wait.looks for name in look.counts))
    titles = ["#at", "#took", "read", "verdict", *(f"#{name}" for name in names), "#requests", "#left"]
    looks = _table(titles, [_row(look, names) for look in wait.looks], "Each look")
    moments = [
        [
            element("th", each.instance.instance_id, scope="row"),
            element("td", ", ".join(each.instance.zones) or _NONE),
            element("td", _moment(each)),
        ]
        for each in found[:_INSTANCES]
    ]
    instances = _table(["instance", "zone", "passes"], moments, "Each instance") if found else ""
    content = element("div", looks, instances, *_more(len(found)))
    return element("details", element("summary", "All numbers"), content)


def _row(look: Look, names: Iterable[str]) -> list[Markup]:
    counts = [look.counts.get(name) for name in names]
    return [
        _number(f"{look.seen:.1f}s"),
        _number(f"{look.took:.1f}s"),
        element("td", look.depth),
        element("td", look.word),
        *(_number(f"{count.done}/{count.total}" if count else _NONE) for count in counts),
        _number(f"{look.requests:,}"),
        _number(_NONE if look.left is None else f"{look.left:.0%}"),
    ]


def _moment(each: Course) -> str:
    if each.is_gone:
        return "gone"
    return "no" if each.passed is None else f"from {format_seconds(each.passed)}"


def _table(titles: Sequence[str], rows: Iterable[Sequence[Markup]], caption: str | None) -> Markup:
    """Make a table. titles: of its columns; a column of numbers has a # before its title."""
    head = [
        element("th", title.lstrip("#"), scope="col", class_="number" if title.startswith("#") else None)
        for title in titles
    ]
    parts = [element("caption", caption)] if caption else []
    parts += [element("thead", element("tr", *head))] if head else []
    table = element("table", *parts, element("tbody", *(element("tr", *cells) for cells in rows)))
    if not caption:
        return table
    # Who has no pointer scrolls what has the focus.
    return element("div", table, class_="scroll", tabindex=0, role="group", aria_label=caption)


def _number(text: str) -> Markup:
    return element("td", text, class_="number")
