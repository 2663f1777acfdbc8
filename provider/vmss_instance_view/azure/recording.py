"""Keep every answer as it came: for those who show Azure's own words. What is kept names no host and no token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:  # what reads a capture needs no HTTP client
    from vmss_instance_view.azure.wire import Answer, Wire
    from vmss_instance_view.clock import Clock, Deadline

_HEADERS = ("retry-after", "date", "age", "x-ms-request-charge", "x-ms-failure-cause")
_OF_LIMITS = "x-ms-ratelimit-"


@dataclass(frozen=True, slots=True)
class Read:
    """One answer.

    path: without host and query, decoded. query: the parameters without the api-version, decoded. headers: by name in
    lower case; those that tell of limits and of time, and no other. body: the parsed JSON; None for anything else.
    began: when it was asked for, on the clock of the reader. took: seconds.
    """

    path: str
    query: tuple[tuple[str, str], ...]
    api_version: str
    status: int
    headers: Mapping[str, str]
    body: object
    began: float
    took: float


class Recording:
    """A wire that hands every answer of another wire to `keep`, and changes nothing."""

    def __init__(self, wire: Wire, clock: Clock, keep: Callable[[Read], None]) -> None:
        """keep: is called by the thread that read, so by several at a time."""
        self._wire = wire
        self._clock = clock
        self._keep = keep

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        """Send one GET, as `Wire.get`."""
        began = self._clock.monotonic()
        answer = self._wire.get(what, url, token, deadline)
        self._keep(_read(url, answer, began, self._clock.monotonic() - began))
        return answer


def _read(url: str, answer: Answer, began: float, took: float) -> Read:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Read(
        unquote(parts.path),
        tuple(pair for pair in query if pair[0].lower() != "api-version"),
        next((value for name, value in query if name.lower() == "api-version"), ""),
        answer.status,
        {name: value for name, value in headers.items() if name in _HEADERS or name.startswith(_OF_LIMITS)},
        _parsed(answer.content),
        began,
        took,
    )


def _parsed(content: bytes) -> object:
    try:
        body: object = json.loads(content)
    except (ValueError, RecursionError):  # a proxy's page, or half a body: the reader says what is wrong with it
        return None
    return body
