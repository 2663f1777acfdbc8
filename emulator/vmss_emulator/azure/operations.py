"""Long-running operations: what `Azure-AsyncOperation` points at."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vmss_emulator.machines.history import Outcome
from vmss_emulator.moments import stamp


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that was begun.

    Attributes:
        started: when, in Unix seconds.
        outcome: tells how it ended by a moment; None while it runs.
    """

    started: float
    outcome: Callable[[float], Outcome | None]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def body(self, now: float) -> dict[str, Any]:
        """Return what a client that polls reads. A failure is told here too, with HTTP status 200."""
        ended = self.outcome(now)
        body: dict[str, Any] = {"startTime": stamp(self.started), "status": "InProgress", "name": self.id}
        if ended is None:
            return body
        body |= {"endTime": stamp(ended.ended), "status": ended.state}
        if ended.code:
            body["error"] = {"code": ended.code, "message": ended.message}
        return body
