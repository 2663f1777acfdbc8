"""Reading a JSON body that came from outside: typed access that names the path of what is wrong.

A value that is absent or null is None (or no children); a value of another type than documented is a MalformedBody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from vmss_instance_view.errors import MalformedBody
from vmss_instance_view.text import clean, encodable

T = TypeVar("T")

Json = dict[str, object]

_Place: TypeAlias = "tuple[_Place, str, int | None] | None"
"""The place of the object around a value, its key there, and its index in a list."""

_DIGITS = re.compile(r"[0-9]{1,9}")
_LARGEST = 2**53  # from there on others who read the number as JSON may read another one


def drop_empty(body: Mapping[str, object]) -> Json:
    """Drop what is None or an empty list or mapping; keep 0, False and ""."""
    return {key: value for key, value in body.items() if value is not None and value not in ([], {}, ())}


class Body:
    """A JSON object and its place in the whole, of which a path is made only when something is wrong."""

    __slots__ = ("_place", "_values")

    def __init__(self, values: object, place: _Place = None) -> None:
        """Take the object. Raises MalformedBody if `values` is not a JSON object. place: None for the whole."""
        if not isinstance(values, (dict, Mapping)):  # dict first: the other takes ten times as long to tell
            raise MalformedBody(_path(place), f"an object belongs here, not {_kind(values)}")
        self._values: Mapping[str, object] = values
        self._place = place

    def text(self, key: str) -> str | None:
        """Return a text, without halves of surrogate pairs: nothing after the parser could encode them."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        return value if value.isascii() else encodable(value)

    def flag(self, key: str) -> bool | None:
        """Return true or false."""
        return self._typed(key, bool, "true or false")

    def number(self, key: str) -> int | None:
        """Return a non-negative whole number, also from a text of digits (2016 API page) or a float (Pulumi state)."""
        value = self._values.get(key)
        if value is None:
            return None
        whole = _whole(value)
        if whole is None:
            raise self._wrong(key, "a whole number", value)
        return whole

    def child(self, key: str) -> Body:
        """Return an object; an empty one if it is absent."""
        value = self._values.get(key)
        return Body({} if value is None else value, (self._place, key, None))

    def free_form(self, key: str) -> Body:
        """Return an object that Azure does not define; an empty one if it is anything else."""
        value = self._values.get(key)
        return Body(value if isinstance(value, Mapping) else {}, (self._place, key, None))

    def free_number(self, key: str) -> int | None:
        """Return a whole number of an object of free form; None if it cannot be read as one."""
        return _whole(self._values.get(key))

    def text_of_any_case(self, key: str) -> str | None:
        """Return a text below a key that is compared without case, as the names of tags are."""
        return next((self.text(each) for each in self._values if each.lower() == key.lower()), None)

    def children(self, key: str) -> list[Body]:
        """Return the objects of a list."""
        return [Body(each, (self._place, key, index)) for index, each in enumerate(self._list(key))]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts of a list."""
        values = self._list(key)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self._wrong(key, "a text", value, index)
        return tuple(encodable(str(value)) for value in values)

    def has(self, key: str) -> bool:
        """Return whether there is anything but null."""
        return self._values.get(key) is not None

    def _typed(self, key: str, kind: type[T], words: str) -> T | None:
        value = self._values.get(key)
        if value is None or isinstance(value, kind):
            return value
        raise self._wrong(key, words, value)

    def _list(self, key: str) -> list[object]:
        return self._typed(key, list, "a list") or []

    def _wrong(self, key: str, words: str, value: object, index: int | None = None) -> MalformedBody:
        return MalformedBody(_path((self._place, key, index)), f"{words} belongs here, not {_kind(value)}")


def _path(place: _Place) -> str:
    if place is None:
        return "$"
    parent, key, index = place
    return f"{_path(parent)}.{key}" if index is None else f"{_path(parent)}.{key}[{index}]"


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _LARGEST else None


def _kind(value: object) -> str:
    """Return a value's type, and the value where it is short: what a person needs to see."""
    names = {dict: "an object", list: "a list", str: "the text", bool: "", type(None): "null"}
    name = names.get(type(value), "the number")
    if isinstance(value, (dict, list)) or value is None:
        return name
    shown = repr(value[:60]) if isinstance(value, str) else str(value)
    return f"{name} {clean(shown, 60)}".strip()
