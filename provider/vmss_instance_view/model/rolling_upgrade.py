"""The latest rolling upgrade of a scale set.

Source: REST "Virtual Machine Scale Set Rolling Upgrades - Get Latest", 2017-03-30 to 2026-04-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vmss_instance_view.model.body import Body, Json, drop_empty


@dataclass(frozen=True, slots=True)
class RollingUpgrade:
    """How the latest rolling upgrade goes, or went; Azure starts some of its own accord.

    code: RollingForward, RollingBack, Cancelled, Completed or Faulted. start_time: as Azure wrote it; it tells one
    upgrade from the next. The counts are instances. error_code, error_message: why it faulted.
    """

    code: str | None = None
    start_time: str | None = None
    last_action: str | None = None
    last_action_time: str | None = None
    successful: int | None = None
    failed: int | None = None
    in_progress: int | None = None
    pending: int | None = None
    error_code: str | None = None
    error_message: str | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> RollingUpgrade:
        """Parse a rolling upgrade as ARM sends it; also as the az CLI prints it, without `properties`.

        Raises MalformedBody, naming the JSON path.
        """
        root = Body(body)
        root = root.child("properties") if root.has("properties") else root
        running, progress, error = root.child("runningStatus"), root.child("progress"), root.child("error")
        return cls(
            running.text("code"),
            running.text("startTime"),
            running.text("lastAction"),
            running.text("lastActionTime"),
            progress.number("successfulInstanceCount"),
            progress.number("failedInstanceCount"),
            progress.number("inProgressInstanceCount"),
            progress.number("pendingInstanceCount"),
            error.text("code"),
            error.text("message"),
        )

    def to_json(self) -> Json:
        """Return ARM's form."""
        running = {
            "code": self.code,
            "startTime": self.start_time,
            "lastAction": self.last_action,
            "lastActionTime": self.last_action_time,
        }
        progress = {
            "successfulInstanceCount": self.successful,
            "failedInstanceCount": self.failed,
            "inProgressInstanceCount": self.in_progress,
            "pendingInstanceCount": self.pending,
        }
        error = {"code": self.error_code, "message": self.error_message}
        parts = {"runningStatus": drop_empty(running), "progress": drop_empty(progress), "error": drop_empty(error)}
        return drop_empty({"properties": drop_empty(parts)})
