"""Property values as the engine sends them: plain JSON, in which marks stand for secrets and for what is not known yet.

Source: sdk/go/common/resource/plugin/rpc.go and sdk/go/common/resource/properties.go of Pulumi 3.259.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

Values = dict[str, Any]
"""Properties as they were received, or are to be sent."""

_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark
UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value of any type that only the update will tell. What arrives may have the mark of its type."""

_UNKNOWNS = {
    UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # an array
    "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
    "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
}


def received(properties: struct_pb2.Struct) -> Values:
    """Return properties with their marks, by their names in order, because a map on the wire has none.

    Whole numbers become int, because Pulumi sends 3 as 3.0.
    """
    return {key: _json(value) for key, value in sorted(properties.fields.items())}


def _json(value: struct_pb2.Value) -> Any:  # noqa: ANN401 - JSON
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return received(value.struct_value)
    if kind == "list_value":
        return [_json(each) for each in value.list_value.values]
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return getattr(value, kind) if kind in ("string_value", "bool_value") else None


def sent(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return properties as they are sent; without those that have no value."""
    struct = struct_pb2.Struct()
    struct.update({key: value for key, value in properties.items() if value is not None})
    return struct


def is_secret(value: object) -> bool:
    """Return whether a value, as it was received, is a secret."""
    return isinstance(value, Mapping) and value.get(_MARK) == _SECRET


def holds_secret(value: object) -> bool:
    """Return whether a value, as it was received, is a secret, or one is in it."""
    if isinstance(value, Mapping):
        return is_secret(value) or any(map(holds_secret, value.values()))
    return isinstance(value, list) and any(map(holds_secret, value))


def secret(value: object) -> object:
    """Mark a value as a secret."""
    return value if value is None or is_secret(value) else {_MARK: _SECRET, "value": value}


def with_secrets(outputs: Mapping[str, Any], names: Collection[str]) -> Values:
    """Return outputs of which these are marked as secrets."""
    return {key: secret(value) if key in names else value for key, value in outputs.items()}


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value without the marks of secrets, wherever they are in it."""
    if is_secret(value):
        return plain(value.get("value"))
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def is_known(value: object) -> bool:
    """Return whether a plain value is known, and all that is in it."""
    if isinstance(value, Mapping):
        return all(map(is_known, value.values()))
    if isinstance(value, list):
        return all(map(is_known, value))
    return not (isinstance(value, str) and value in _UNKNOWNS)
