"""The log of requests, those that are still being answered included."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One request that reached the emulator.

    Attributes:
        method: the HTTP method.
        path: as the client wrote it, without the query.
        query: as the client wrote it; "" without one.
        status: of the answer; None while there is none, and for a connection that was reset or given up.
        started: `time.monotonic()` when the request arrived.
        ended: when the last byte was handed over or the client left; None while it is being answered.
        client_id: the application, or the managed identity, that the request's token was issued to; None without one.
    """

    method: str
    path: str
    query: str
    status: int | None
    started: float
    ended: float | None
    client_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a flat JSON object."""
        return asdict(self)


class Journal:
    """All requests in the order in which they arrived; may be read from any thread."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    @property
    def requests(self) -> tuple[Request, ...]:
        """A snapshot."""
        with self._lock:
            return tuple(self._requests)

    def begin(self, method: str, path: str, query: str, client_id: str | None) -> int:
        """Record that a request arrived; return its number for `answered` and `end`."""
        with self._lock:
            self._requests.append(Request(method, path, query, None, time.monotonic(), None, client_id))
            return len(self._requests) - 1

    def answered(self, number: int, status: int) -> None:
        """The headers of its answer are out."""
        with self._lock:
            self._requests[number] = replace(self._requests[number], status=status)

    def end(self, number: int) -> None:
        """Nothing more will be sent."""
        with self._lock:
            self._requests[number] = replace(self._requests[number], ended=time.monotonic())
