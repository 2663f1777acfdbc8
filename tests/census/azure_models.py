"""Azure's own models, as Microsoft's SDK has them: which fields a body can have, and what of a body fits none.

The generator of today's SDK writes a field as `rest_field(name=..., visibility=[...])`; what Azure alone writes has
the visibility `read` and no other. (Older generators wrote `_validation = {"x": {"readonly": True}}`.)
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from azure.mgmt.compute import models
from azure.mgmt.compute._utils.model_base import Model
from azure.mgmt.compute.models import _models

# Shapes with a place of their own in the census: a field that holds one is listed, and what is below it there.
OWN_PLACE = ("VirtualMachineScaleSetVMInstanceView", "VirtualMachineInstanceView")

# What annotations of the SDK refer to.
_NAMES = {**vars(_models), "_models": models}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model. attribute: its name in Python; key: in JSON; kind: its type, without None."""

    model: Any
    attribute: str
    key: str
    kind: Any
    read_only: bool

    def read(self, value: object) -> object:
        """The value as the SDK gives it to a program."""
        return getattr(self.model({self.key: value}), self.attribute)


@cache
def fields(model: Any) -> dict[str, Field]:
    """The fields of a model by their keys."""
    found = model()._attr_to_rest_field  # complete once there is an object
    kinds = typing.get_type_hints(model, globalns=_NAMES)
    return {
        field._rest_name: Field(
            model, name, field._rest_name, _without_none(kinds[name]), field._visibility == ["read"]
        )
        for name, field in found.items()
    }


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that holds a value, and not further fields. read_only: it, or what it lies in, is Azure's to write."""

    field: Field
    read_only: bool


def leaves(name: str) -> dict[str, Leaf]:
    """All that bodies of a model can hold, by paths such as `statuses[].code` and `tags{}`."""
    return dict(_leaves(getattr(models, name), "", read_only=False, above=()))


def _leaves(model: Any, path: str, *, read_only: bool, above: tuple[Any, ...]) -> Iterator[tuple[str, Leaf]]:
    for key, field in fields(model).items():
        below, marks = _content(field.kind)
        here, fixed = f"{path}{key}{marks}", read_only or field.read_only
        if _is_model(below) and below.__name__ not in OWN_PLACE and below not in above:
            yield from _leaves(below, f"{here}.", read_only=fixed, above=(*above, model))
        else:
            yield here, Leaf(field, fixed)


def misfits(name: str, body: object) -> list[str]:
    """What of a body a model of the SDK does not know, or does not expect to be so; nothing where all fits."""
    return list(_misfits(getattr(models, name), body, "$", None))


def _misfits(kind: Any, value: object, path: str, field: Field | None) -> Iterator[str]:
    if value is None or kind is Any:
        return
    wrong = f"{path}: {str(value)[:60]!r} is not {_called(kind)}"
    origin = typing.get_origin(kind)
    if _is_model(kind):
        yield from _unknown(kind, value, path) if isinstance(value, Mapping) else [wrong]
    elif origin is list:
        below = enumerate(value) if isinstance(value, list) else None
        yield from [wrong] if below is None else _each(kind, ((f"{path}[{at}]", one) for at, one in below), field)
    elif origin is dict:
        found = value.items() if isinstance(value, Mapping) else None
        yield from [wrong] if found is None else _each(kind, ((f"{path}.{key}", one) for key, one in found), field)
    elif not _is(kind, value, field):
        yield wrong


def _unknown(model: Any, body: Mapping[str, object], path: str) -> Iterator[str]:
    known = fields(model)
    for key, value in body.items():
        if key in known:
            yield from _misfits(known[key].kind, value, f"{path}.{key}", known[key])
        else:
            yield f"{path}.{key}: {model.__name__} has no such field"


def _each(kind: Any, found: typing.Iterable[tuple[str, object]], field: Field | None) -> Iterator[str]:
    for path, value in found:
        yield from _misfits(_without_none(typing.get_args(kind)[-1]), value, path, field)


def _is(kind: Any, value: object, field: Field | None) -> bool:
    """Whether a value is what a field of this kind holds, as the SDK itself reads it."""
    if kind in (datetime, timedelta):
        return isinstance(value, str) and field is not None and isinstance(field.read(value), kind)
    words = [one for one in typing.get_args(kind) if isinstance(one, type) and issubclass(one, Enum)]
    if words:
        return value in [word.value for word in words[0]]
    if kind is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    return type(value) is kind


def _called(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _content(kind: Any) -> tuple[Any, str]:
    """What a list or a mapping is made of, and `[]` or `{}` for each level of it."""
    marks = {list: "[]", dict: "{}"}.get(typing.get_origin(kind) or kind)
    if marks is None or not typing.get_args(kind):
        return kind, ""
    content, more = _content(_without_none(typing.get_args(kind)[-1]))
    return content, marks + more


def _without_none(kind: Any) -> Any:
    """The kind itself of one that may be None; of a model, also where a text may stand for it."""
    several = [one for one in typing.get_args(kind) if one is not type(None)]
    if typing.get_origin(kind) is not typing.Union:
        return kind
    return next((one for one in several if _is_model(one)), several[0] if len(several) == 1 else kind)
