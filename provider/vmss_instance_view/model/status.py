"""Status codes and the statuses that carry them: the vocabulary of every body.

Source: REST "Virtual Machine Scale Sets - Get Instance View", 2016-04-30-preview to 2026-04-01.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

from vmss_instance_view.model.body import Body, Json, drop_empty


@lru_cache(maxsize=1024)  # a set of 1,000 instances asks for the same few codes thousands of times
def state_of(code: str | None) -> str:
    """The state that a status code names, in lower case: "succeeded" of "ProvisioningState/succeeded/Anything".

    Codes are `Group/state[/detail]`; the detail is a reason, never a state. "" where there is no code or no state.
    """
    parts = (code or "").split("/")
    return parts[1].strip().lower() if len(parts) > 1 else ""


@lru_cache(maxsize=1024)
def in_group(code: str | None, group: str) -> bool:
    """Whether a status code belongs to a group such as "PowerState", compared without case."""
    return (code or "").split("/")[0].strip().lower() == group.lower()


_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE)


def parse_time(text: str | None) -> datetime | None:
    """A time as Azure writes it (up to 7 fraction digits, any offset), in UTC; None for anything else."""
    match = _TIME.fullmatch((text or "").strip())
    if not match:
        return None
    seconds, fraction, offset = match.groups()
    offset = "+00:00" if (offset or "Z").upper() == "Z" else offset
    try:
        return datetime.fromisoformat(f"{seconds}.{(fraction or '')[:6]:0<6}{offset}").astimezone(timezone.utc)
    except (ValueError, OverflowError):  # a thirteenth month, or the year 1 in a zone east of Greenwich
        return None


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many VMs report a status code."""

    code: str | None
    count: int

    @classmethod
    def from_body(cls, body: Body) -> StatusCount:
        """One element of a statusesSummary."""
        return cls(body.text("code"), body.number("count") or 0)

    def to_json(self) -> Json:
        """ARM's form."""
        return drop_empty({"code": self.code, "count": self.count})


@dataclass(frozen=True, slots=True)
class Status:
    """One status: of the set's last operation, of a VM, of an extension on a VM.

    time: as Azure wrote it (RFC 3339, 6 or 7 fraction digits); `parse_time` reads it. For the set it is the end of
        the last control-plane operation, not the time of the read.
    """

    code: str | None = None
    level: str | None = None
    display_status: str | None = None
    message: str | None = None
    time: str | None = None

    @classmethod
    def from_body(cls, body: Body) -> Status:
        """One element of a statuses list."""
        return cls(*(body.text(key) for key in ("code", "level", "displayStatus", "message", "time")))

    @property
    def state(self) -> str:
        """The state its code names, in lower case: "succeeded", "running", "healthy"; "" for none."""
        return state_of(self.code)

    def to_json(self) -> Json:
        """ARM's form."""
        return drop_empty(
            {
                "code": self.code,
                "level": self.level,
                "displayStatus": self.display_status,
                "message": self.message,
                "time": self.time,
            }
        )
