"""The numbers of a picture: scales, ticks, paths, and how much room a text takes. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)  # seconds
_LETTER = 0.58  # of the size of a font: the width of its letters on the average, DejaVu Sans among the widest
_WIDE = 1.05


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps 0 to `most` onto pixels from `start` to `end`; what is beyond stays at the end."""

    most: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        share = min(max(value / self.most, 0.0), 1.0) if self.most > 0 else 0.0
        return round(self.start + share * (self.end - self.start), 2)


def time_ticks(length: float, at_most: int) -> list[float]:
    """Return moments from 0 to `length` seconds at a step that people count in, `at_most` of them."""
    step: float = next((each for each in _STEPS if length / each < at_most), _STEPS[-1])
    while length / step >= at_most:
        step *= 2
    return [index * step for index in range(int(length / step) + 1)]


def runs(values: Iterable[tuple[float, float | None]], end: float) -> Iterator[list[Point]]:
    """Return what is known without a gap: each run as its points, and its end with its last value.

    values: moments, each with what holds from then on; None: not known. end: of the last one.
    """
    run: list[Point] = []
    for moment, value in values:
        if value is not None:
            run.append((moment, value))
        elif run:
            yield [*run, (moment, run[-1][1])]
            run = []
    if run:
        yield [*run, (end, run[-1][1])]


def step_path(run: Sequence[Point]) -> str:
    """Return the path of a line that stays at a value until the next one. run: pixels."""
    (x, y), *others = run
    return f"M{_short(x)} {_short(y)}" + "".join(f"H{_short(x)}V{_short(y)}" for x, y in others)


def area_path(run: Sequence[Point], floor: float) -> str:
    """Return the path of what is between such a line and the floor."""
    return f"{step_path(run)}V{_short(floor)}H{_short(run[0][0])}Z"


def bands(values: Sequence[tuple[float, str]], end: float) -> list[tuple[float, float, str]]:
    """Return for how long each value held: begin, end, value. Equal neighbours are one band."""
    found: list[tuple[float, float, str]] = []
    for (begin, value), (until, _) in pairwise([*values, (end, "")]):
        if found and found[-1][2] == value:
            found[-1] = (found[-1][0], until, value)
        else:
            found.append((begin, until, value))
    return found


def bins(values: Iterable[float], most: float, number: int) -> list[int]:
    """Count values from 0 to `most` in so many bins of equal width."""
    counts = [0] * number
    for value in values:
        counts[min(int(value / most * number), number - 1) if most > 0 else 0] += 1
    return counts


def text_width(text: str, size: float) -> float:
    """Estimate the width of a text in pixels, rather too wide than too narrow."""
    return size * sum(_WIDE if unicodedata.east_asian_width(each) in "WF" else _LETTER for each in text)


def fitted(text: str, size: float, width: float) -> str:
    """Shorten a text to a width in pixels."""
    if text_width(text, size) <= width:
        return text
    short = text
    while short and text_width(f"{short}…", size) > width:
        short = short[:-1]
    return f"{short.rstrip()}…"


def wrapped(text: str, size: float, width: float, most: int) -> list[str]:
    """Break a text between words into at most so many lines of a width in pixels; the last one is shortened."""
    lines = [""]
    words = text.split()
    for index, word in enumerate(words):
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or text_width(longer, size) <= width:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = " ".join([lines[-1], *words[index:]])
            break
    return [fitted(line, size, width) for line in lines]


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
