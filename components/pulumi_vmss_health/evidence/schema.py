"""Check JSON against the published schema of evidence: the part of JSON Schema 2020-12 that this one uses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


@cache
def schema() -> dict[str, Any]:
    """Return the published schema."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath("evidence.schema.json").read_text())
    return found


def check(document: object) -> None:
    """Raise ValueError, naming the path, for JSON that is no evidence."""
    for problem in _problems(document, schema(), "$"):
        raise ValueError(problem)


def _problems(value: object, wanted: Mapping[str, Any], path: str) -> Iterator[str]:
    if "$ref" in wanted:
        wanted = schema()["$defs"][wanted["$ref"].rpartition("/")[2]]
    types = wanted.get("type", [*_TYPES])
    types = [types] if isinstance(types, str) else types
    if not any(_is(value, each) for each in types):
        yield f"{path}: {' or '.join(types)} belongs here, not {type(value).__name__}"
    elif "enum" in wanted and value not in wanted["enum"]:
        yield f"{path}: one of {', '.join(map(str, wanted['enum']))} belongs here"
    elif isinstance(value, (int, float)) and not _is_within(value, wanted):
        yield f"{path}: a number from {wanted.get('minimum', 'any')} to {wanted.get('maximum', 'any')} belongs here"
    elif isinstance(value, dict):
        for key in wanted.get("required", ()):
            if key not in value:
                yield f"{path}: {key} is missing"
        for key, each in wanted.get("properties", {}).items():
            if key in value:
                yield from _problems(value[key], each, f"{path}.{key}")
    elif isinstance(value, list) and "items" in wanted:
        for number, each in enumerate(value):
            yield from _problems(each, wanted["items"], f"{path}[{number}]")


def _is_within(value: float, wanted: Mapping[str, Any]) -> bool:
    """Return whether a number is neither too small nor too large; NaN and infinity, which Python reads, are none."""
    largest = sys.float_info.max
    return bool(wanted.get("minimum", -largest) <= value <= wanted.get("maximum", largest))


def _is(value: object, name: str) -> bool:
    is_flag = isinstance(value, bool)
    return isinstance(value, _TYPES[name]) and is_flag == (name == "boolean")
