"""Reading a mapping that a person wrote: each complaint names the key and what would be right.

A mistake does not end the reading. It is kept, and what is wrong counts as absent meanwhile, so that all mistakes are
told at once.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from vmss_emulator.durations import parse_duration

T = TypeVar("T")


_LONGEST = 500  # characters of a message


class TimelineError(ValueError):
    """The timeline cannot mean anything: the message says where, what, and what would be right.

    Attributes:
        where: the way to what is wrong, such as `scale_sets.web.events[2].at`; empty where it is no place of its own.
        others: what else is wrong, in the order in which it was found.
    """

    others: Sequence[TimelineError] = ()

    def __init__(self, message: str, where: str = "") -> None:
        """Cut a message that something long got into, and write out what is half a character."""
        self.where = where
        message = message[: 2 * _LONGEST].encode(errors="backslashreplace").decode()
        super().__init__(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…")


class Section:
    """One mapping of the timeline together with the way to it, such as `scale_sets.web.events[2]`.

    Args:
        value: the mapping; another value is a mistake, and counts as an empty one.
        where: the way to it.
        keys: which it may have; None: any.
        mistakes: the list that takes all mistakes of a timeline; None: a new one.

    Attributes:
        sound: is it a mapping of known keys? Else what seems to be missing may only be misspelled.
    """

    def __init__(
        self,
        value: object,
        where: str,
        keys: Collection[str] | None = None,
        mistakes: list[TimelineError] | None = None,
    ) -> None:
        self.where = where
        self.sound = isinstance(value, Mapping)
        self._mistakes = [] if mistakes is None else mistakes
        if not isinstance(value, Mapping):
            self.complain(f"a mapping is needed here, not {_kind(value)}")
            value = {}
        self._values: dict[str, Any] = {key: item for key, item in value.items() if self._is_text(key)}
        for key in self._values:
            if keys is not None and key not in keys:
                self.sound = False
                self.complain(f"unknown key; known here: {', '.join(sorted(keys))}", key)

    def _is_text(self, key: object) -> bool:
        if not isinstance(key, str):
            self.sound = False
            self.complain(f"the key {shown(key)} is not a text; put it in quotes")
        return isinstance(key, str)

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def names(self) -> list[str]:
        """Return the keys that are there, as they were written."""
        return list(self._values)

    def at(self, key: str) -> str:
        """Return the way to a key, for messages."""
        return f"{self.where}.{key}" if self.where else key

    def complain(self, complaint: str, key: str | None = None) -> None:
        """Keep a mistake: of the value of a key, or of the whole mapping."""
        where = self.where if key is None else self.at(key)
        self._mistakes.append(TimelineError(f"{where or 'the timeline'}: {complaint}", where))

    def refuse_mistakes(self) -> None:
        """End the reading, which must have found nothing wrong in this mapping, below and above it.

        Raises:
            TimelineError: the first mistake; its `others` are the rest.
        """
        if self._mistakes:
            first, *others = self._mistakes
            first.others = others
            raise first

    def read(self, key: str, parse: Callable[[Any], T], default: T) -> T:
        """Return the value of a key as `parse` understands it; `default` where it is absent, null or wrong."""
        if key not in self:
            return default
        try:
            return parse(self._values[key])
        except (ValueError, OverflowError) as error:
            self.complain(str(error), key)
            return default

    def duration(self, key: str, default: float) -> float:
        """Return a duration, in seconds."""
        return self.read(key, parse_duration, default)

    def sections(self, key: str, keys: Collection[str]) -> list[Section]:
        """Return the mappings in a list."""
        values = self._values[key] if key in self else []
        if not isinstance(values, list | tuple):
            self.complain(f"a list is needed here, not {_kind(values)}", key)
            return []
        return [Section(value, f"{self.at(key)}[{index}]", keys, self._mistakes) for index, value in enumerate(values)]

    def section(self, key: str, keys: Collection[str] | None = None) -> Section:
        """Return a mapping in this mapping; empty where it is absent."""
        return Section(self._values[key] if key in self else {}, self.at(key), keys, self._mistakes)


def text(value: object) -> str:
    """Return a string, and nothing that YAML made a number or a truth value of."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is not a text; put it in quotes")
    return value


def count(value: object, most: int = 10**9) -> int:
    """Return a whole number, 0 or more, and no more than a world can hold."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{shown(value)} is not a whole number of 0 or more")
    if value > most:
        raise ValueError(f"{shown(value)} is too many; {most} are the most")
    return value


def flag(value: object) -> bool:
    """Accept only `true`: leaving the key out means no."""
    if value is not True:
        raise ValueError(f"{shown(value)} is not allowed here; write true, or leave the key out")
    return True


def one_of(*words: str) -> Callable[[object], str]:
    """Return a parser for one of some words."""

    def parse(value: object) -> str:
        if value not in words:
            raise ValueError(f"{shown(value)} is none of {', '.join(words)}")
        return str(value)

    return parse


def shown(value: object) -> str:
    """Return a value as messages show it: not all of a large one, which would take long to write out."""
    try:
        return _repr.repr(value)
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return "a very long number"


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 80


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {shown(value)}"
