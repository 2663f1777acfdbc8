"""Azure's documented rate limits for reads. Pure.

Compute gives each kind of call a token bucket for the resource and one for the subscription and region; Resource
Manager counts all reads of a client besides.
Sources: "Compute throttling limits", 2024-05-27; "Request limits and throttling" of Azure Resource Manager; recorded
traffic of 2024 (which bucket the list of a Uniform set is taken from).
"""

from __future__ import annotations

from dataclasses import dataclass

LOW = 1 / 3
"""The part of every bucket that is left to others. It also covers a refill by the minute instead of by the second."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: how many requests it holds, and how many come back in a minute."""

    size: int
    per_minute: int

    def refill_time(self, tokens: float) -> float:
        """Return the seconds until so many tokens have come back."""
        return tokens * 60 / self.per_minute


@dataclass(frozen=True, slots=True)
class Policy:
    """The buckets of one kind of call. resource: None if Azure limits the subscription alone."""

    name: str
    resource: Bucket | None
    subscription: Bucket


HIGH_COST = Policy("HighCostGetVMScaleSet", Bucket(30, 10), Bucket(1080, 360))
"""A set's instance view, and each page of the list of a Uniform set's instances."""
LOW_COST = Policy("GetVMScaleSet", Bucket(36, 12), Bucket(2400, 800))
"""A set's model, and its latest rolling upgrade."""
LISTED = Policy("VMScaleSetVMViews", None, Bucket(30_000, 10_000))
"""The VMs on a page of a Uniform set's list. The refill is inferred: a third of the size, as for all the others."""
SCALE_SET_VM = Policy("GetVMScaleSetVM", Bucket(36, 12), Bucket(6000, 2000))
"""One instance of a Uniform set and its own view; the resource is that instance."""
VM_LIST = Policy("ListVMs", None, Bucket(900, 300))
"""Each page of the VMs of a resource group, by filter."""
VM = Policy("GetVM", Bucket(36, 12), Bucket(24_000, 8000))
"""One VM and its own view."""

READS = Bucket(250, 25 * 60)
"""All reads of one client in a subscription, by Resource Manager."""
GLOBAL_READS = Bucket(250 * 15, 25 * 60 * 15)
"""All reads in a subscription, by all clients."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Requests of one kind to one resource.

    resource: its ARM id. region: of the resource, "" if it is not known yet. tokens: how many there are.
    """

    policy: Policy
    resource: str
    region: str = ""
    tokens: float = 1.0


@dataclass(frozen=True, slots=True)
class Room:
    """What the buckets of the resources themselves allow.

    fraction: what is left: 0 to 1. refill: seconds until what a look takes has come back. Both are of the bucket that
    holds the look up most. closed: seconds until the look may be taken at all.
    """

    fraction: float = 1.0
    refill: float = 0.0
    closed: float = 0.0
