"""What may be asked in a minute, what is left, and the two kinds of 429.

Compute's resource provider gives each kind of call a token bucket for the resource and one for the subscription in a
region; Azure Resource Manager has buckets of its own for a principal and for the whole subscription. Buckets are
refilled steadily here.

Documented ("Compute throttling limits" of 2024-05-27, "Request limits and throttling" of Azure Resource Manager): the
sizes of all buckets but one.
Recorded in 2024: a set's view and each page of its instances are taken from `HighCostGetVMScaleSetResource`, and the
page takes one more of `VMScaleSetVMViewsSubscriptionMaximum` (30,000) for each VM on it; the model and the rolling
upgrade are taken from `GetVMScaleSetResource`, polls from `GetOperationResource`.
Inferred: that the 30,000 come back within three minutes, as all others do; that a list of a Flexible set counts alike;
the other names, made in the style of those recorded.

What is left of Compute's buckets used to be told in `x-ms-ratelimit-remaining-resource`. Recordings of 2025 no longer
have it, so it is sent only where a timeline wants it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from vmss_emulator.moments import stamp
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.protocol.messages import Answer, Ask
from vmss_emulator.sections import Section, count, flag

_WRITES = 1200  # Compute's writes have their own documented table, which no reader meets: one generous bucket


@dataclass(frozen=True, slots=True)
class Bucket:
    """What it holds, and what comes back in a minute."""

    size: int
    per_minute: int

    @classmethod
    def parse(cls, section: Section, usual: Bucket) -> Bucket:
        """Read `{size: 3, per_minute: 10}`; what is left out is as usual. The section keeps its mistakes."""
        return cls(section.read("size", count, usual.size), section.read("per_minute", count, usual.per_minute))


# By their keys in a timeline. Those of Compute first, each for one resource and for the subscription.
DOCUMENTED: Mapping[str, Bucket] = MappingProxyType(
    {
        "view": Bucket(30, 10),
        "view_subscription": Bucket(1080, 360),
        "vm_views_subscription": Bucket(30000, 10000),  # its refill is inferred
        "set": Bucket(36, 12),
        "set_subscription": Bucket(2400, 800),
        "instance": Bucket(36, 12),
        "instance_subscription": Bucket(6000, 2000),
        "list_subscription": Bucket(900, 300),
        "vm": Bucket(36, 12),
        "vm_subscription": Bucket(24000, 8000),
        "operation": Bucket(45, 15),
        "operation_subscription": Bucket(15000, 5000),
        "write": Bucket(_WRITES, _WRITES),
        "reads": Bucket(250, 25 * 60),
        "writes": Bucket(200, 10 * 60),
        "deletes": Bucket(200, 10 * 60),
        "global_reads": Bucket(250 * 15, 25 * 60 * 15),
        "global_writes": Bucket(200 * 15, 10 * 60 * 15),
        "global_deletes": Bucket(200 * 15, 10 * 60 * 15),
    }
)
_NAMES = {
    "view": "HighCostGetVMScaleSet",
    "vm_views": "VMScaleSetVMViews",
    "set": "GetVMScaleSet",
    "instance": "GetVMScaleSetVM",
    "list": "ListVMsByFilter",
    "vm": "GetVM",
    "operation": "GetOperation",
    "write": "VMScaleSetActions",
}
_WAYS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}  # of Resource Manager; all others are writes
_REMAINING = "x-ms-ratelimit-remaining-resource"
_CHARGE = "x-ms-request-charge"


@dataclass(frozen=True, slots=True)
class Quota:
    """Which buckets there are, and what is told of them.

    Attributes:
        buckets: by the keys of `DOCUMENTED`.
        headers: is `x-ms-ratelimit-remaining-resource` sent, as before 2025?
        retry_after: what each 429 asks its client to wait, in seconds; None: until the bucket has what it takes.
    """

    buckets: Mapping[str, Bucket] = field(default_factory=lambda: DOCUMENTED)
    headers: bool = False
    retry_after: int | None = None

    @classmethod
    def parse(cls, section: Section) -> Quota | None:
        """Read the key `quota`: true, or a mapping of what is not as documented. None: it is not there.

        The section keeps its mistakes.
        """
        if "quota" not in section:
            return None
        if section.read("quota", lambda value: value is True, False):
            return cls()
        section = section.section("quota", (*DOCUMENTED, "headers", "retry_after"))
        changed = {
            key: Bucket.parse(section.section(key, ("size", "per_minute")), DOCUMENTED[key])
            for key in section.names()
            if key in DOCUMENTED
        }
        return cls(
            MappingProxyType({**DOCUMENTED, **changed}),
            section.read("headers", flag, False),
            section.read("retry_after", count, cast("int", None)),
        )


@dataclass(slots=True)
class Meter:
    """What is left of each bucket; moments are given, never read from a clock."""

    quota: Quota
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def charge(self, ask: Ask, path: ArmPath, now: float) -> dict[str, str]:
        """Charge a request; returns the headers that tell what is left.

        Raises:
            ArmError: 429. It is charged, too, but takes no bucket below nothing.
        """
        way = _WAYS.get(ask.method, "writes")
        for key, code in ((way, "TooManyRequests"), (f"global_{way}", "SubscriptionRequestsThrottled")):
            if not self._take(key, key, 1, now):
                raise self._throttled_by_arm(ask, code, key, now)
        headers = {_header(key): str(self._whole(key, key, now)) for key in (way, f"global_{way}")}
        call = _call(ask, path)
        if call is None:
            return headers
        return {**headers, _CHARGE: "1", **self._take_all(self._of(call, path), 1, now)}

    def give_back(self, ask: Ask, path: ArmPath, now: float) -> None:
        """Give back what a request took that Compute was never asked: Resource Manager answered it by itself."""
        call = _call(ask, path)
        for bucket, key in self._of(call, path) if call else ():
            self._left[key] = (self._filled(bucket, key, now) + 1, now)

    def charge_listed(self, path: ArmPath, answer: Answer, told: dict[str, str], now: float) -> dict[str, str]:
        """Charge the VMs on an answer's page of a set's instances; returns the headers, `told` included.

        Raises:
            ArmError: 429.
        """
        if not _lists_instances(path) or answer.status != 200:  # a capture has refusals, too
            return told
        vms = len(answer.body["value"])
        bucket = ("vm_views_subscription", _key("vm_views_subscription", path.subscription))
        more = self._take_all([bucket], vms, now)
        if _REMAINING in more:
            more[_REMAINING] = f"{told[_REMAINING]},{more[_REMAINING]}"
        return {**told, **more, _CHARGE: str(vms)}

    def _take_all(self, buckets: Iterable[tuple[str, str]], amount: int, now: float) -> dict[str, str]:
        """Take from each of Compute's buckets; returns what is told of them."""
        taken = [(bucket, key, self._take(bucket, key, amount, now)) for bucket, key in buckets]
        left = [f"Microsoft.Compute/{_name(bucket)};{self._whole(bucket, key, now)}" for bucket, key, _ in taken]
        headers = {_REMAINING: ",".join(left)} if self.quota.headers else {}
        for bucket, key, enough in taken:
            if not enough:
                wait = self._retry_after(bucket, key, amount, now)
                raise self._throttled_by_compute(bucket, now, {**headers, _CHARGE: "1", "Retry-After": wait})
        return headers

    def _of(self, call: str, path: ArmPath) -> Iterator[tuple[str, str]]:
        """Yield the buckets of a call: (which, whose)."""
        own = path.up(max(len(path.parts) - (4 if call in ("instance", "operation") else 2), 0))
        for bucket, whose in ((call, own.id), (f"{call}_subscription", path.subscription)):
            if bucket in self.quota.buckets and (bucket != "set" or own.names_a_resource):  # a list of sets is none
                yield bucket, _key(bucket, whose)

    def _filled(self, bucket: str, key: str, now: float) -> float:
        found = self.quota.buckets[bucket]
        left, since = self._left.get(key, (float(found.size), now))
        return min(float(found.size), left + (now - since) * found.per_minute / 60)

    def _take(self, bucket: str, key: str, amount: int, now: float) -> bool:
        left = self._filled(bucket, key, now)
        enough = left >= amount
        self._left[key] = (left - amount if enough else left, now)
        return enough

    def _whole(self, bucket: str, key: str, now: float) -> int:
        return int(self._filled(bucket, key, now))

    def _retry_after(self, bucket: str, key: str, amount: int, now: float) -> str:
        if self.quota.retry_after is not None:
            return str(self.quota.retry_after)
        per_second = self.quota.buckets[bucket].per_minute / 60
        missing = amount - self._filled(bucket, key, now)
        return str(max(1, math.ceil(missing / per_second)) if per_second else 3600)

    def _throttled_by_arm(self, ask: Ask, code: str, key: str, now: float) -> ArmError:
        wait = self._retry_after(key, key, 1, now)
        who = "subscription" if key.startswith("global") else "client"
        message = f"This {who} sent too many requests ({ask.method}). Try again after '{wait}' seconds."
        return ArmError(429, code, message, gateway=True, headers={_header(key): "0", "Retry-After": wait})

    def _throttled_by_compute(self, bucket: str, now: float, headers: dict[str, str]) -> ArmError:
        name, limits = _name(bucket), self.quota.buckets[bucket]
        measured = {
            "operationGroup": name,
            "startTime": stamp(now - 60),
            "endTime": stamp(now),
            "allowedRequestCount": limits.per_minute,
            "measuredRequestCount": limits.per_minute + 1,
        }
        detail = {"code": "TooManyRequests", "target": name, "message": json.dumps(measured)}
        message = "More requests came for this resource or subscription than are allowed."
        inner = "TooManyRequestsReceived"
        return ArmError(429, "OperationNotAllowed", message, details=[detail], inner=inner, headers=headers)


def _header(key: str) -> str:
    return f"x-ms-ratelimit-remaining-subscription-{key.replace('_', '-')}"


def _name(bucket: str) -> str:
    call = bucket.removesuffix("_subscription")
    return _NAMES[call] + ("Resource" if call == bucket else "SubscriptionMaximum")


def _key(bucket: str, whose: str | None) -> str:
    return f"{bucket} {(whose or '').lower()}"


def _lists_instances(path: ArmPath) -> bool:
    match path.lower():
        case ("virtualmachinescalesets", _, "virtualmachines"):
            return (path.provider or "").lower() == "microsoft.compute"
    return False


def _call(ask: Ask, path: ArmPath) -> str | None:
    """Return which of Compute's calls a request is; None if Compute is not asked."""
    if (path.provider or "").lower() != "microsoft.compute":
        return None
    if ask.method not in ("GET", "HEAD"):
        return "write"
    match path.lower():
        case ("locations", _, "operations", _):
            return "operation"
        case ("virtualmachinescalesets", _, "instanceview" | "virtualmachines"):
            return "view"
        case ("virtualmachinescalesets", _, "virtualmachines", *_):
            return "instance"
        case ("virtualmachinescalesets", *_):
            return "set"
        case ("virtualmachines",):
            return "list"
        case ("virtualmachines", *_):
            return "vm"
    return None
