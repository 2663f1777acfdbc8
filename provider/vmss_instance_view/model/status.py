"""Status codes and the statuses that carry them: the vocabulary of every body.

Source: REST "Virtual Machine Scale Sets - Get Instance View", 2016-04-30-preview to 2026-04-01.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Protocol, TypeVar

from vmss_instance_view.model.body import Body, Json, drop_empty


@lru_cache(maxsize=1024)  # a set of 1,000 instances asks for the same few codes thousands of times
def state_of(code: str | None) -> str:
    """Return the state that a status code names, in lower case: "succeeded" of "ProvisioningState/succeeded/Anything".

    Codes are `Group/state[/detail]`; the detail is a reason, never a state. "" if there is no code or no state.
    """
    parts = (code or "").split("/")
    return parts[1].strip().lower() if len(parts) > 1 else ""


@lru_cache(maxsize=1024)
def in_group(code: str | None, group: str) -> bool:
    """Return whether a status code belongs to a group such as "PowerState", compared without case."""
    return (code or "").split("/")[0].strip().lower() == group.lower()


@lru_cache(maxsize=1024)
def detail_of(code: str | None) -> str:
    """Return the reason that a status code gives for its state, as Azure wrote it; "" if it gives none."""
    return (code or "").partition("/")[2].partition("/")[2].strip()


def is_failure(state: str) -> bool:
    """Return whether a state in lower case is a final one without success: what was canceled is not done either."""
    return state in ("failed", "canceled", "cancelled")


_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE)
_TIME_LENGTH = 64  # characters that a time has at most
_US_TIME = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d\d):(\d\d)(?: ([AP])M)?(?: ?(Z|[+-]\d\d:\d\d))?", re.IGNORECASE
)


def parse_time(text: str | None) -> datetime | None:
    """Return a time as Azure writes it (up to 7 fraction digits, any offset), in UTC; None for anything else.

    Also as it writes one into the tags of VMs: "4/3/2025 7:34:39 PM +00:00".
    """
    return _parsed_time(text) if text and len(text) <= _TIME_LENGTH else None


@lru_cache(maxsize=4096)  # the VMs of a set share a few times, which every look asks for several times
def _parsed_time(text: str) -> datetime | None:
    match = _TIME.fullmatch(_iso(text.strip()))
    if not match:
        return None
    seconds, fraction, offset = match.groups()
    offset = "+00:00" if (offset or "Z").upper() == "Z" else offset
    try:
        return datetime.fromisoformat(f"{seconds}.{(fraction or '')[:6]:0<6}{offset}").astimezone(timezone.utc)
    except (ValueError, OverflowError):  # a thirteenth month, or the year 1 in a zone east of Greenwich
        return None


def _iso(text: str) -> str:
    """Return a time of the form "4/3/2025 7:34:39 PM +00:00" as an ISO one; any other text as it is."""
    match = _US_TIME.fullmatch(text)
    if not match:
        return text
    month, day, year, hour, minute, second, half, offset = match.groups()
    hours = int(hour) if half is None else int(hour) % 12 + (12 if half.upper() == "P" else 0)
    return f"{year}-{int(month):02}-{int(day):02}T{hours:02}:{minute}:{second}{offset or 'Z'}"


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many VMs report a status code."""

    code: str | None
    count: int

    @classmethod
    def from_body(cls, body: Body) -> StatusCount:
        """Parse one element of a statusesSummary."""
        return cls(body.text("code"), body.number("count") or 0)

    def to_json(self) -> Json:
        """Return ARM's form."""
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
        """Parse one element of a statuses list."""
        text = body.text
        return cls(text("code"), text("level"), text("displayStatus"), text("message"), text("time"))

    @property
    def state(self) -> str:
        """The state its code names, in lower case: "succeeded", "running", "healthy"; "" for none."""
        return state_of(self.code)

    @property
    def detail(self) -> str:
        """The reason that its code gives for the state: "OSProvisioningTimedOut"; "" for none."""
        return detail_of(self.code)

    def to_json(self) -> Json:
        """Return ARM's form."""
        return drop_empty(
            {
                "code": self.code,
                "level": self.level,
                "displayStatus": self.display_status,
                "message": self.message,
                "time": self.time,
            }
        )


def worst(statuses: Iterable[Status], good: str = "succeeded") -> Status | None:
    """Return, of several statuses of one thing, a failure, else one that is not good, else the first; None for none."""
    known = tuple(statuses)
    if len(known) == 1:
        return known[0]
    failed = (each for each in known if is_failure(each.state))
    unfinished = (each for each in known if each.state != good)
    return next(failed, next(unfinished, known[0] if known else None))


class _Named(Protocol):
    @property
    def name(self) -> str | None: ...


N = TypeVar("N", bound=_Named)


def named(items: Iterable[N], name: str) -> list[N]:
    """Return those of this name, compared without case, as Azure does."""
    return [each for each in items if (each.name or "").lower() == name.lower()]


def describe(summary: Sequence[StatusCount]) -> str:
    """Describe a summary: "2 succeeded, 1 failed"; "none reported" for an empty one."""
    counts: dict[str, int] = {}
    for each in summary:
        state = state_of(each.code) or (each.code or "unknown")
        counts[state] = counts.get(state, 0) + each.count
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none reported"
