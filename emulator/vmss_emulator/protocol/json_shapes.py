"""The shapes of JSON bodies: where an object, a list or a text belongs, and the refusal of anything else.

What a shape does not mention may be anything: the emulator gives it back without looking at it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vmss_emulator.protocol.cloud import location
from vmss_emulator.protocol.errors import ArmError

# A mapping: an object with these shapes inside. A list of one shape: a list of such items. A type: a value of it.
Shape = Any

_WORDS = {str: "a text", bool: "true or false"}
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ()-]{0,89}")


def check(value: object, shape: Shape, where: str = "") -> None:
    """Hold a body against a shape; null is as good as absent.

    Raises:
        ArmError: 400, naming the place.
    """
    if value is None:
        return
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            raise _invalid(where, "an object", value)
        for key, inner in shape.items():
            check(value.get(key), inner, f"{where}.{key}" if where else key)
    elif isinstance(shape, list):
        if not isinstance(value, list | tuple):
            raise _invalid(where, "a list", value)
        for index, item in enumerate(value):
            if item is None:
                raise _invalid(f"{where}[{index}]", "an item", item)
            check(item, shape[0], f"{where}[{index}]")
    elif not isinstance(value, shape):
        raise _invalid(where, _WORDS[shape], value)


def require_location(body: Mapping[str, Any], *, gateway: bool = False) -> None:
    """Hold a body to having a location that could be one.

    Raises:
        ArmError: 400.
    """
    place = body.get("location")
    if not isinstance(place, str):
        message = "The location property is required for this definition."
        raise ArmError(400, "LocationRequired", message, gateway=gateway)
    if not _PLACE.fullmatch(place):
        message = f"The provided location '{place[:80]}' is not available."
        raise ArmError(400, "LocationNotAvailableForResourceType", message, gateway=gateway)


def require_same_location(asked: Mapping[str, Any], before: Mapping[str, Any], *, what: str = "Resource") -> None:
    """Hold a body to the location where something is already: nothing moves. what: as the error's code has it.

    Raises:
        ArmError: 409.
    """
    here, there = before.get("location"), asked.get("location")
    if here and there and location(here) != location(there):
        message = f"It is in {here} already, and cannot move to {there}: delete it first, or take another name."
        raise ArmError(409, f"Invalid{what}Location", message, gateway=True)


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON, whatever it is
    """Return a copy without the members that are null: a PUT says nothing by them."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value]
    return value


def _invalid(where: str, wanted: str, value: object) -> ArmError:
    kind = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    message = f"{where}: {wanted} is needed here, not {kind.get(type(value), 'a number')}."
    return ArmError(400, "InvalidParameter", message, target=where)
