"""Draw a wait: rows that share one axis of time, from the verdict down to what was left of Azure's limits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from pulumi_vmss_health.reporting.instances import Course
from pulumi_vmss_health.reporting.markup import Markup, element, joined, raw
from pulumi_vmss_health.reporting.scale import (
    Point,
    Scale,
    area_path,
    bands,
    bins,
    fitted,
    runs,
    step_path,
    text_width,
    time_ticks,
)
from pulumi_vmss_health.reporting.waits import Wait
from vmss_instance_view.durations import format_seconds

WIDE, NARROW = 848, 340
"""Pixels: of a desktop's page, and of a phone's."""

ROWS = 32
"""Instances that get a row each; more become a histogram."""

_BAND, _PLOT, _ROW, _HISTOGRAM, _LOOKS, _GAP = 20, 36, 14, 64, 14, 18
_SMALL = 11  # the size of small letters
_CROSS = 3.5  # half of the width of a cross
_HATCH = 7  # pixels between two lines
_NAMES = {"appHealth": ("application health", "healthy VMs"), "VMs": ("VMs", "provisioned")}


def chart(wait: Wait, instances: Sequence[Course], width: int, name: str) -> Markup:
    """Return the drawing of a wait as an svg element. name: for its ids, unique on the page."""
    drawing = Drawing(wait, instances, width)
    titles = f"{name}-title", f"{name}-description"
    told = (
        element("title", f"How the wait for {wait.name} went", id=titles[0]),
        element("desc", described(wait), id=titles[1]),
    )
    return element(
        "svg",
        *told,
        drawing.content,
        viewBox=f"0 0 {width} {drawing.height:.0f}",
        width=width,
        height=f"{drawing.height:.0f}",
        role="img",
        aria_labelledby=" ".join(titles),
    )


def verdicts_of(wait: Wait) -> list[tuple[float, float, str]]:
    """Return the bands of the verdict, without the time before the first look had ended."""
    return bands([(look.seen, look.word) for look in wait.looks], wait.end)


def described(wait: Wait) -> str:
    """Say what the drawing shows."""
    told = [f"{word} from {format_seconds(begin)} to {format_seconds(end)}" for begin, end, word in verdicts_of(wait)]
    more = f", and {len(told) - 8} more changes" if len(told) > 8 else ""
    return f"{wait.message}. Verdict: {', '.join(told[:8]) or 'none'}{more}."


class Drawing:
    """One wait, drawn from the top down."""

    def __init__(self, wait: Wait, instances: Sequence[Course], width: int) -> None:
        self.wait = wait
        self.width = width
        self.bands = verdicts_of(wait)
        self._narrow = width < 600
        self._left, self._right = (36, width - 6) if self._narrow else (164, width - 132)
        self._x = Scale(wait.end, self._left, self._right)
        self._time_scale = {"data_left": self._left, "data_right": self._right, "data_end": wait.end}
        self._y = 0.0
        self._parts: list[Markup] = []
        self._verdict()
        for name in _series(wait):
            self._counts(name)
        if instances:
            (self._rows if len(instances) <= ROWS else self._histogram)(instances)
        self._looks()
        self._limits()
        axis = self._axis()
        self._legend(instances)
        self.content = joined(axis, *self._parts)
        self.height = self._y

    def _lane(self, label: str, value: str, height: float, below: str = "") -> tuple[float, float]:
        """Make room for a row and name it; return its top and its bottom. below: in small letters below its name."""
        if self._narrow:
            room = self._right - text_width(value, 13) - 12
            name = fitted(label, 12, room)
            is_short = text_width(f"{label} {below}", 12) > room
            text = name if is_short else joined(name, raw(" "), element("tspan", below, class_="small"))
            self._text(0, self._y + 11, text)
            self._text(self._right, self._y + 11, value, "value", "end")
            self._y += 20
        top, bottom = self._y, self._y + height
        if not self._narrow:
            middle = (top + bottom) / 2 + (-2 if below else 4)
            self._text(0, middle, fitted(label, 12, self._left - 36), full=label)
            self._text(0, middle + 14, below, "small")
            self._text(
                self._right + 12, (top + bottom) / 2 + 4, fitted(value, 12, self.width - self._right - 12), "value"
            )
        self._y = bottom + _GAP
        return top, bottom

    def _text(
        self, x: float, y: float, text: str, class_: str | None = None, anchor: str | None = None, full: str = ""
    ) -> None:
        """Write a text. full: shown where a pointer rests, if the text was shortened."""
        if text:
            more = [element("title", full)] if full and full != text else []
            self._add("text", text, *more, x=x, y=y, class_=class_, text_anchor=anchor)

    def _add(self, name: str, /, *content: str, **attributes: object) -> None:
        self._parts.append(element(name, *content, **attributes))

    def _verdict(self) -> None:
        top, bottom = self._lane("verdict", self.wait.ending_words, _BAND)
        height = bottom - top
        for begin, end, word in self.bands:
            x, width = self._x(begin), self._x(end) - self._x(begin)
            shape = element(
                "rect",
                element("title", f"{word}, {format_seconds(begin)} to {format_seconds(end)}"),
                x=x,
                y=top,
                width=max(width, 1.0),
                height=height,
                class_=f"is-{word.replace(' ', '-')}",
            )
            room = text_width(word, _SMALL) + 14
            is_named = room <= width and word != "no answer"
            label = [element("text", word, x=x + 7, y=top + 14, class_="on")] if is_named else []
            hatch = _hatched(x + (room if is_named else 0), x + width, top, bottom) if word == "failing" else ""
            lines = [element("path", d=hatch, class_="hatch")] if hatch else []
            self._add("g", shape, *lines, *label, data_verdict=word, data_begin=begin, data_end=end)

    def _counts(self, name: str) -> None:
        # What a look did not read is as before; after a look that failed nothing is known.
        looks = [look for look in self.wait.looks if name in look.counts or look.is_lost]
        found = [(look.seen, look.counts.get(name)) for look in looks]
        known = [count for _, count in found if count]
        most = max(max(count.done, count.total) for count in known) or 1
        label, below = _NAMES.get(name, (name, "extension"))
        top, bottom = self._lane(label, f"{known[-1].done}/{known[-1].total}", _PLOT, below)
        y = Scale(most, bottom, top)
        self._scale_of(top, bottom, f"{most:,}")
        done = [(seen, float(count.done) if count else None) for seen, count in found]
        total = [(seen, float(count.total) if count else None) for seen, count in found]
        required = [(seen, self._required(value)) for seen, value in total]
        parts = []
        for run in self._pixels(done, y):
            parts += [
                element("path", d=area_path(run, bottom), class_="area"),
                element("path", d=step_path(run), class_="line"),
            ]
        parts += [element("path", d=step_path(run), class_="expected") for run in self._pixels(total, y)]
        parts += [element("path", d=step_path(run), class_="required") for run in self._pixels(required, y)]
        scales = {"data_zero": bottom, "data_top": top, "data_most": most}
        self._add("g", *parts, data_counts_of=name, **scales, **self._time_scale)

    def _required(self, total: float | None) -> float | None:
        """Return how many VMs are enough; None if all are needed, or if the total is not known."""
        if total is None:
            return None
        required = min(self.wait.policy.required(int(total)), int(total))
        return float(required) if required < total else None

    def _pixels(self, values: Iterable[tuple[float, float | None]], y: Scale) -> list[list[Point]]:
        return [[(self._x(moment), y(value)) for moment, value in run] for run in runs(values, self.wait.end)]

    def _scale_of(self, top: float, bottom: float, most: str) -> None:
        self._add("path", d=f"M{self._left} {bottom}H{self._right}", class_="grid")
        self._text(self._left - 8, top + 4, most, "small", "end")
        self._text(self._left - 8, bottom + 4, "0", "small", "end")

    def _rows(self, instances: Sequence[Course]) -> None:
        passing = sum(each.passed is not None for each in instances)
        here = sum(not each.is_gone for each in instances)
        height = _ROW * len(instances)
        y = self._y + (20 if self._narrow else 0)
        self._lane("instances", f"{passing} of {here} pass" if self._narrow else "", height)
        if not self._narrow:  # its name stands at the first row, and not in the middle of all of them
            self._parts[-1] = element("text", "instances", x=0, y=y + 11)
        for each in instances:
            self._row(each, y)
            y += _ROW

    def _row(self, each: Course, top: float) -> None:
        middle, id_ = top + _ROW / 2, each.instance.instance_id
        self._text(
            self._left - 8,
            middle + 4,
            fitted(id_, _SMALL, self._left - (8 if self._narrow else 84)),
            "small",
            "end",
            id_,
        )
        parts = []
        for (begin, value), (end, _) in pairwise([*each.values, (self.wait.end, None)]):
            x, until = self._x(begin), self._x(end)
            if value:
                parts.append(
                    element("rect", x=x, y=middle - 4, width=max(until - x, 1.5), height=8, rx=1.5, class_="passes")
                )
            elif value is False:
                parts.append(element("path", d=f"M{x} {middle}H{until}", class_="waits"))
        word = "gone" if each.is_gone else "does not pass"
        if each.passed is not None:
            word = f"passes from {format_seconds(each.passed)}"
        elif not each.is_gone:
            parts.append(element("path", d=_cross(self._right - _CROSS - 1, middle), class_="lost"))
        shown = element("title", f"instance {id_}: {word}")
        self._add("g", shown, *parts, data_instance=id_, data_passed="" if each.passed is None else f"{each.passed:g}")
        if not self._narrow:
            self._text(self._right + 12, middle + 4, word, "small")

    def _histogram(self, instances: Sequence[Course]) -> None:
        passed = [each.passed for each in instances if each.passed is not None]
        here = sum(not each.is_gone for each in instances)
        counts = bins(passed, self.wait.end, (self._right - self._left) // 14)
        top, bottom = self._lane("instances", f"{len(passed):,} of {here:,}", _HISTOGRAM, "when each passed")
        most = max(counts) or 1
        y, x = Scale(most, bottom, top), Scale(len(counts), self._left, self._right)
        self._scale_of(top, bottom, f"{most:,}")
        bars = [
            element("rect", x=x(i) + 1, y=y(n), width=x(i + 1) - x(i) - 2, height=bottom - y(n), class_="passes")
            for i, n in enumerate(counts)
            if n
        ]
        self._add("g", *bars, data_passed_at=" ".join(map(str, counts)))

    def _looks(self) -> None:
        looks = self.wait.looks
        lost = sum(look.is_lost for look in looks)
        words = f"{len(looks):,}" + (f", {lost} failed" if lost else "")
        top, bottom = self._lane("looks", words, _LOOKS)
        whole, part, failed = [], [], []
        for look in looks:
            x = self._x(look.seen)
            if look.is_lost:
                failed.append(_cross(min(max(x, self._left + _CROSS), self._right - _CROSS), (top + bottom) / 2))
            elif look.is_whole:
                whole.append(f"M{x} {bottom}V{top}")
            else:
                part.append(f"M{x} {bottom}V{bottom - _LOOKS * 0.4}")
        self._add("path", d=f"M{self._left} {bottom}H{self._right}", class_="grid")
        for paths, class_ in ((whole, "look"), (part, "look"), (failed, "lost")):
            if paths:
                self._add("path", d="".join(paths), class_=class_)

    def _limits(self) -> None:
        known = [(look.seen, look.left) for look in self.wait.looks if look.left is not None]
        if not known:
            return
        least = min(left for _, left in known)
        top, bottom = self._lane("Azure's limits", f"least {least:.0%}", _PLOT, "left after each look")
        self._scale_of(top, bottom, "1" if self._narrow else "100%")
        y = Scale(1.0, bottom, top)
        # No line: looks that read other things are charged to other limits.
        self._add("g", *(element("circle", cx=self._x(seen), cy=y(left), r=2, class_="dot") for seen, left in known))

    def _axis(self) -> Markup:
        """Write the moments below the rows; return the lines behind them."""
        bottom = self._y - _GAP + 6
        ticks = time_ticks(self.wait.end, max((self._right - self._left) // 64, 2))
        lines = element("path", d="".join(f"M{self._x(at)} 0V{bottom}" for at in ticks), class_="grid")
        for at in ticks:
            half = text_width(format_seconds(at), _SMALL) / 2 + 3
            x = min(max(self._x(at), half), self.width - half)
            self._text(x, bottom + 13, format_seconds(at), "small", "middle")
        self._y = bottom + 13 + _GAP
        return lines

    def _legend(self, instances: Sequence[Course]) -> None:
        """Explain the marks that are there."""
        looks = self.wait.looks
        totals = {float(count.total) for look in looks for count in look.counts.values()}
        is_lost = any(look.is_lost for look in looks)
        is_ill = len(instances) <= ROWS and any(each.values[-1][1] is False for each in instances)
        lost = " or ".join(["failed look"] * is_lost + ["not passing at the end"] * is_ill)
        marks = [
            (bool(totals), "expected", "M0 0H18", "expected"),
            (any(self._required(total) is not None for total in totals), "required", "M0 0H18", "required"),
            (bool(instances), "passes", "", "passes"),
            (0 < len(instances) <= ROWS, "does not pass", "M0 0H18", "waits"),
            (any(look.is_whole and not look.is_lost for look in looks), "whole look", "M9 5V-7", "look"),
            (any(not look.is_whole and not look.is_lost for look in looks), "look at a part", "M9 5V0", "look"),
            (bool(lost), lost, _cross(9, 0), "lost"),
        ]
        x, y = 0.0, self._y + 10
        for _, words, path, class_ in (each for each in marks if each[0]):
            width = 24 + text_width(words, _SMALL) + 14
            if x and x + width > self.width:
                x, y = 0.0, y + 18
            mark = element("path", d=path, class_=class_) if path else _bar()
            self._add("g", mark, transform=f"translate({x:.0f} {y - 4:.0f})", aria_hidden="true")
            self._text(round(x) + 24, y, words, "small")
            x += width
        self._y = y + 8


def _series(wait: Wait) -> list[str]:
    """Return what is counted: VMs first, application health last, extensions between them as they came."""
    names = dict.fromkeys(name for look in wait.looks for name in look.counts)
    return sorted(names, key=lambda name: {"VMs": 0, "appHealth": 2}.get(name, 1))


def _bar() -> Markup:
    return element("rect", x=0, y=-4, width=18, height=8, rx=1.5, class_="passes")


def _cross(x: float, y: float) -> str:
    c = _CROSS
    return f"M{x - c} {y - c}L{x + c} {y + c}M{x - c} {y + c}L{x + c} {y - c}"


def _hatched(left: float, right: float, top: float, bottom: float) -> str:
    """Return slanted lines that fill a rectangle."""
    height = bottom - top
    number = int((right - left - height) // _HATCH)
    return "".join(
        f"M{left + i * _HATCH:.1f} {bottom}L{left + i * _HATCH + height:.1f} {top}" for i in range(max(number, 0))
    )
