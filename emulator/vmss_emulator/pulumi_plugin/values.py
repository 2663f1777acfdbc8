"""Between Pulumi's property values and plain JSON, in which `UNKNOWN` stands for what only the update will tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc

# As it goes over the wire: this SDK reads an unknown value as that string, and cannot write its own `Computed`.
UNKNOWN: Final = rpc.UNKNOWN


def to_json(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Return plain values, with whole numbers as int: Pulumi sends 3 as 3.0."""
    return {key: _plain(value) for key, value in properties.items()}


def _plain(value: PropertyValue) -> Any:  # noqa: ANN401 - JSON
    match value.value:
        case Computed():
            return UNKNOWN
        case float() as number if number.is_integer():
            return int(number)
        case None | bool() | float() | str() as scalar:
            return scalar
        case Mapping() as mapping:
            return to_json(mapping)
        case Sequence() as items:
            return [_plain(item) for item in items]
    raise TypeError(f"the stand-in for azure-native cannot send {type(value.value).__name__} to Azure")


def from_json(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """Return property values without null, as the engine does."""
    return {key: _property(value) for key, value in values.items() if value is not None}


def _property(value: Any) -> PropertyValue:  # noqa: ANN401 - JSON
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue(from_json(value))
    if isinstance(value, list):
        return PropertyValue([_property(item) for item in value])
    return PropertyValue(value)
