"""Works that are measured in turns, and the table that becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal, TypeAlias, TypeVar

Whose: TypeAlias = Literal["ours", "peer", "floor"]
T = TypeVar("T")
RUNS = 11  # of each work that counts, at least


class NotDone(Exception):
    """A work did not do what it is measured for; its figures would be worthless."""


@dataclass(frozen=True)
class Effort:
    """How much a run takes on. quick: it only tries the suite out."""

    quick: bool = False

    def __call__(self, full: T, quick: T) -> T:
        """Choose."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Measure:
    """A column. unit: of its numbers; empty for counts."""

    key: str
    label: str
    unit: str = ""


WALL = Measure("wall", "time", "s")
PROCESSOR = Measure("processor", "CPU", "s")
MEMORY = Measure("memory", "peak memory", "MB")
OF_PROCESSES = (WALL, PROCESSOR, MEMORY)


@dataclass(frozen=True)
class Work:
    """Something to be done once, and what that took.

    run: does it, checks what came of it, and returns a number for each measure. Raises NotDone. about: what a reader
    must know to compare it.
    """

    name: str
    run: Callable[[], Mapping[str, float]]
    whose: Whose = "peer"
    about: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A peer that was not measured, and why."""

    name: str
    why: str


@dataclass
class Measured:
    """A work with the numbers of its runs, by measure."""

    name: str
    whose: Whose
    about: str = ""
    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, numbers: Mapping[str, float]) -> None:
        """Keep one run."""
        for key, number in numbers.items():
            self.samples.setdefault(key, []).append(number)


@dataclass(frozen=True)
class Table:
    """What was measured side by side.

    Attributes:
        key: names it in the record.
        title: what is done.
        about: how it was measured.
        measures: the columns; the first one is drawn.
        results: ours first, which the others are compared with.
        left_out: peers that could not be measured.
    """

    key: str
    title: str
    about: str
    measures: Sequence[Measure]
    results: Sequence[Measured]
    left_out: Sequence[LeftOut] = ()

    def to_json(self) -> dict[str, Any]:
        """Every sample, and what follows from the samples."""
        return {
            "key": self.key,
            "title": self.title,
            "about": self.about,
            "measures": [{"key": each.key, "label": each.label, "unit": each.unit} for each in self.measures],
            "results": [self._shown(each) for each in self.results],
            "left_out": [{"name": each.name, "why": each.why} for each in self.left_out],
        }

    def _shown(self, result: Measured) -> dict[str, Any]:
        ours = self.results[0]
        return {
            "name": result.name,
            "whose": result.whose,
            "about": result.about,
            "samples": {key: [_short(each) for each in numbers] for key, numbers in result.samples.items()},
            "spread": {key: spread(numbers) for key, numbers in result.samples.items()},
            "times_ours": {
                key: ratio(numbers, ours.samples[key])
                for key, numbers in result.samples.items()
                if result is not ours and key in ours.samples and median(ours.samples[key]) > 0
            },
        }


def in_turns(works: Sequence[Work], runs: int, warm_ups: int = 1) -> list[Measured]:
    """Run all works, then all of them again, each time another one first. Warm-ups fill caches and do not count."""
    measured = [Measured(each.name, each.whose, each.about) for each in works]
    for turn in range(-warm_ups, runs):
        for place in range(len(works)):
            index = (place + max(turn, 0)) % len(works)
            numbers = works[index].run()
            if turn >= 0:
                measured[index].add(numbers)
    return measured


def spread(numbers: Sequence[float]) -> dict[str, float]:
    """The least, the quartiles, the most, and the number of samples."""
    low, middle, high = (quantile(numbers, share) for share in (0.25, 0.5, 0.75))
    found = {"min": min(numbers), "low": low, "median": middle, "high": high, "max": max(numbers)}
    return {**{name: _short(each) for name, each in found.items()}, "runs": len(numbers)}


def ratio(numbers: Sequence[float], ours: Sequence[float]) -> dict[str, float]:
    """The ratio of the medians; the quartiles of the ratios run by run, where both ran side by side."""
    found = {"median": _short(median(numbers) / median(ours))}
    if len(numbers) == len(ours) and all(ours):
        by_run = [their / our for their, our in zip(numbers, ours, strict=True)]
        found |= {"low": _short(quantile(by_run, 0.25)), "high": _short(quantile(by_run, 0.75))}
    return found


def quantile(numbers: Iterable[float], share: float) -> float:
    """The number below which this share of all numbers lies, between neighbours where need be."""
    ordered = sorted(numbers)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _short(number: float) -> float:
    """Six digits are more than any clock here is good for."""
    return float(f"{number:.6g}")
