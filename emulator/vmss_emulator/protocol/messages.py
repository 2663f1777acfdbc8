"""A request and its answer without any web framework: what the routes of the emulator take and give."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from vmss_emulator.protocol.errors import ArmError, method_not_allowed

METHODS = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes:
        path: without the query, as the client wrote it.
        query: the parameters by name in lower case.
        headers: by name in lower case.
        content: the raw body.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def version(self) -> str:
        """The api-version that was asked for."""
        return self.query.get("api-version", "")

    @property
    def expands_view(self) -> bool:
        """Are instance views asked for along with the resources?"""
        return self.query.get("$expand", "").lower() == "instanceview"

    def require_get(self) -> None:
        """Refuse other methods.

        Raises:
            ArmError: 405.
        """
        if self.method != "GET":
            raise method_not_allowed(self.method)

    def json(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object.

        Raises:
            ArmError: 400.
        """
        try:
            found = json.loads(self.content, parse_constant=_refused, parse_float=_finite)
        except (ValueError, RecursionError):  # Python writes no numbers of many digits, and reads none
            found = None
        if not isinstance(found, dict) or _depth(found) > _DEEPEST:
            message = "The request content was invalid and could not be deserialized: a JSON object is needed, "
            message += f"at most {_DEEPEST} levels deep."
            raise ArmError(400, "InvalidRequestContent", message, gateway=True)
        return found


def require_etag(ask: Ask, etag: str | None) -> None:
    """Hold a request to the etag that it says it is about; None: there is no such resource, empty: it has no etag.

    Raises:
        ArmError: 412.
    """
    wanted = ask.headers.get("if-match")
    if wanted is not None and (etag is None or wanted not in ("*", etag)):
        has = "and there is no such resource" if etag is None else f"which has etag {etag or '(none)'}"
        raise ArmError(412, "PreconditionFailed", f"The request asks for etag {wanted} of a resource, {has}.")
    if ask.headers.get("if-none-match") == "*" and etag is not None:
        raise ArmError(412, "PreconditionFailed", f"The resource exists, with etag {etag or '(none)'}.")


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    if math.isinf(float(digits)):
        raise ValueError("a number that is too large")
    return float(digits)


def _depth(value: object) -> int:
    """Return how many objects and lists lie in each other."""
    depth, level = 0, [value]
    while level:
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        depth, level = depth + bool(inner), [item for items in inner for item in items]
    return depth


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `body` is JSON, None for no body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
