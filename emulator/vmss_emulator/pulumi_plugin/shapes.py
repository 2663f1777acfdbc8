"""Between ARM's bodies and the flat ones of the azure-native SDK.

ARM puts what a resource provider defines into `properties`; the SDK shows it beside `name` and `location`, in the
resource and in some of the objects inside it. A `Shape` says where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """An object in a body, or each object in a list there.

    Attributes:
        beside: the keys that ARM keeps beside `properties`; None: there is no `properties`.
        inside: the shapes of values by their keys.
    """

    beside: frozenset[str] | None = None
    inside: Mapping[str, Shape] = field(default_factory=lambda: MappingProxyType({}))

    def to_arm(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the body that ARM wants."""
        if isinstance(value, list):
            return [self.to_arm(item) for item in value]
        if not isinstance(value, dict):
            return value
        body = {key: self._of(key).to_arm(item) for key, item in value.items()}
        if self.beside is None:
            return body
        own = {key: item for key, item in body.items() if key not in self.beside}
        return {**{key: item for key, item in body.items() if key in self.beside}, "properties": own}

    def to_sdk(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the flat form of a body that ARM sent; what stands beside `properties` wins."""
        if isinstance(value, list):
            return [self.to_sdk(item) for item in value]
        if not isinstance(value, dict):
            return value
        if self.beside is not None:
            value = {**(value.get("properties") or {}), **{k: item for k, item in value.items() if k != "properties"}}
        return {key: self._of(key).to_sdk(item) for key, item in value.items()}

    def _of(self, key: str) -> Shape:
        return self.inside.get(key, _AS_IT_IS)


_AS_IT_IS = Shape()


def wrapped(*beside: str, **inside: Shape) -> Shape:
    """Return an object with `properties`; ARM keeps `name` and `id` beside them, and the keys named here."""
    return Shape(frozenset({"name", "id", *beside}), MappingProxyType(inside))


def plain(**inside: Shape) -> Shape:
    """Return an object without `properties` of its own, somewhere inside which there are some."""
    return Shape(None, MappingProxyType(inside))
