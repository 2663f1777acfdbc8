"""Reading a mapping that a person wrote: each complaint names the key and what would be right."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from vmss_emulator.durations import parse_duration

T = TypeVar("T")


_LONGEST = 500  # characters of a message


class TimelineError(ValueError):
    """The timeline cannot mean anything: the message says where, what, and what would be right.

    Attributes:
        where: the way to what is wrong, such as `scale_sets.web.events[2].at`; empty where it is no place of its own.
    """

    def __init__(self, message: str, where: str = "") -> None:
        """Cut a message that something long got into, and write out what is half a character."""
        self.where = where
        message = message[: 2 * _LONGEST].encode(errors="backslashreplace").decode()
        super().__init__(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…")


class Section:
    """One mapping of the timeline together with the way to it, such as `scale_sets.web.events[2]`."""

    def __init__(self, value: object, where: str, keys: Collection[str] | None = None) -> None:
        if not isinstance(value, Mapping):
            raise TimelineError(f"{where or 'the timeline'}: a mapping is needed here, not {_kind(value)}", where)
        self.where = where
        self._values: dict[str, Any] = {self._key(key): item for key, item in value.items()}
        if keys is not None:
            self._refuse_others(keys)

    def _key(self, key: object) -> str:
        if isinstance(key, str):
            return key
        complaint = f"the key {shown(key)} is not a text; put it in quotes"
        raise TimelineError(f"{self.where or 'the timeline'}: {complaint}", self.where)

    def _refuse_others(self, keys: Collection[str]) -> None:
        for key in self._values:
            if key not in keys:
                raise self.error(key, f"unknown key; known here: {', '.join(sorted(keys))}")

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def names(self) -> list[str]:
        """The keys that are there, as they were written."""
        return list(self._values)

    def at(self, key: str) -> str:
        """The way to a key, for messages."""
        return f"{self.where}.{key}" if self.where else key

    def error(self, key: str, complaint: str) -> TimelineError:
        """The error to raise about a key."""
        return TimelineError(f"{self.at(key)}: {complaint}", self.at(key))

    def read(self, key: str, parse: Callable[[Any], T], default: T) -> T:
        """The value of a key as `parse` understands it; `default` where it is absent or null."""
        if key not in self:
            return default
        try:
            return parse(self._values[key])
        except TimelineError:
            raise
        except (ValueError, OverflowError) as error:
            raise self.error(key, str(error)) from None

    def duration(self, key: str, default: float) -> float:
        """A duration, in seconds."""
        return self.read(key, parse_duration, default)

    def sections(self, key: str, keys: Collection[str]) -> list[Section]:
        """The mappings in a list."""
        values = self._values[key] if key in self else []
        if not isinstance(values, list | tuple):
            raise self.error(key, f"a list is needed here, not {_kind(values)}")
        return [Section(value, f"{self.at(key)}[{index}]", keys) for index, value in enumerate(values)]

    def section(self, key: str, keys: Collection[str] | None = None) -> Section:
        """A mapping in this mapping; empty where it is absent."""
        return Section(self._values[key] if key in self else {}, self.at(key), keys)


def text(value: object) -> str:
    """A string, and nothing that YAML made a number or a truth value of."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is not a text; put it in quotes")
    return value


def count(value: object, most: int = 10**9) -> int:
    """A whole number, 0 or more, and no more than a world can hold."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{shown(value)} is not a whole number of 0 or more")
    if value > most:
        raise ValueError(f"{shown(value)} is too many; {most} are the most")
    return value


def flag(value: object) -> bool:
    """Only `true`: leaving the key out means no."""
    if value is not True:
        raise ValueError(f"{shown(value)} makes no sense here; write true, or leave the key out")
    return True


def one_of(*words: str) -> Callable[[object], str]:
    """A parser for one of some words."""

    def parse(value: object) -> str:
        if value not in words:
            raise ValueError(f"{shown(value)} is none of {', '.join(words)}")
        return str(value)

    return parse


def shown(value: object) -> str:
    """A value as messages show it: not all of a large one, which would take long to write out."""
    try:
        return _repr.repr(value)
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return "a very long number"


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 80


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {shown(value)}"
