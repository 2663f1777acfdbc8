"""What Azure lets one read, and what is left of it. Never sleeps: it only knows.

Compute gives each call a bucket for the resource and one for the subscription and region, refilled by the minute.
Its answers used to name what is left of each (`x-ms-ratelimit-remaining-resource`), Resource Manager's still do for
the subscription (`x-ms-ratelimit-remaining-subscription-reads` and its kin).
Source: "Compute throttling limits" of 2024-05-27, and "Request limits and throttling" of Azure Resource Manager.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: how many requests it holds, and how many come back in a minute."""

    size: int
    per_minute: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The buckets of one kind of call. resource: None where Azure limits the subscription alone."""

    name: str
    resource: Bucket | None
    subscription: Bucket


INSTANCE_VIEW = Limits("VMSS Get Instance View", Bucket(30, 10), Bucket(1080, 360))
SCALE_SET = Limits("VMSS Get, rolling upgrades latest", Bucket(36, 12), Bucket(2400, 800))
INSTANCES = Limits("VMSS VM Get and instance view", Bucket(36, 12), Bucket(6000, 2000))
VM_LIST = Limits("VM list with filter", None, Bucket(900, 300))
VM = Limits("VM Get and instance view", Bucket(36, 12), Bucket(24000, 8000))

_REMAINING = re.compile(r"\s*([\w./-]+);(\d{1,9})\s*")
_SUBSCRIPTION = "x-ms-ratelimit-remaining-subscription-"


def remaining(headers: Mapping[str, str]) -> dict[str, int]:
    """What the headers of an answer say is left, by bucket: {"Microsoft.Compute/GetVMScaleSet3Min": 178, …}.

    The subscription's are named "subscription-reads" and the like. Headers that came twice arrive joined by commas.
    """
    left = {}
    for part in (headers.get("x-ms-ratelimit-remaining-resource") or "").split(","):
        if match := _REMAINING.fullmatch(part):
            left[match.group(1)] = int(match.group(2))
    for name, value in headers.items():
        if name.lower().startswith(_SUBSCRIPTION) and value.isascii() and value.isdigit():
            left[f"subscription-{name.lower().removeprefix(_SUBSCRIPTION)}"] = int(value[:9])
    return left


def charge(headers: Mapping[str, str]) -> int:
    """How many requests an answer was charged as (`x-ms-request-charge`); 1 where it does not say."""
    value = headers.get("x-ms-request-charge") or ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else 1


class Ledger:
    """One process's account of one cloud: what was spent of each bucket, and what Azure last said is left."""

    def __init__(self) -> None:
        """Every bucket is full, as far as this process knows."""
        self._lock = threading.Lock()
        self._spent: dict[tuple[str, str], tuple[float, float]] = {}
        self._said: dict[str, int] = {}

    def note(self, limits: Limits, resource: str, headers: Mapping[str, str], now: float) -> None:
        """Take in an answer. resource: what was read, in lower case; now: seconds on a monotonic clock."""
        with self._lock:
            for key, bucket in _buckets(limits, resource):
                self._spent[key] = (self._left(key, bucket, now) - charge(headers), now)
            self._said.update(remaining(headers))

    def left(self, limits: Limits, resource: str, now: float) -> float:
        """Requests left for a resource: of the tightest of its buckets, by this process's own account."""
        with self._lock:
            return min(self._left(key, bucket, now) for key, bucket in _buckets(limits, resource))

    @property
    def said(self) -> Mapping[str, int]:
        """What Azure last said is left, by bucket: it counts other clients, too."""
        with self._lock:
            return MappingProxyType(dict(self._said))

    def _left(self, key: tuple[str, str], bucket: Bucket, now: float) -> float:
        left, since = self._spent.get(key, (float(bucket.size), now))
        return min(float(bucket.size), left + (now - since) * bucket.per_minute / 60)


def _buckets(limits: Limits, resource: str) -> list[tuple[tuple[str, str], Bucket]]:
    subscription = "/".join(resource.split("/")[:3])
    own = [((limits.name, resource), limits.resource)] if limits.resource else []
    return [*own, ((limits.name, subscription), limits.subscription)]
