"""Estimate what is left of Azure's rate limits: one account for all gates and views of a cloud.

The account is kept from what was sent, because Azure's answers no longer tell what is left. Where one does, and where
one refuses (429), it corrects the account downwards.

It reads no clock and never sleeps: whoever asks says what time it is. Moments are seconds of a monotonic clock.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping

from vmss_instance_view.limits.account import Account
from vmss_instance_view.limits.quota import GLOBAL_READS, LISTED, LOW, READS, Bucket, Charge, Policy, Room

_MANY = 20_000  # kinds of reads of which accounts are kept without a look whether they still matter


class Budget:
    """One process's account of one cloud. Safe for many threads.

    Two things are asked of it before a look: `room`, from which a gate makes its own pace, and `turn`, which keeps
    many gates apart where they share a bucket.
    """

    def __init__(self) -> None:
        """Start with full buckets: nothing is known of what was read before."""
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str], Account] = {}
        self._accounts_of: dict[tuple[str, str, str], tuple[Account, ...]] = {}
        self._regions: dict[str, str] = {}

    def spend(self, charge: Charge, now: float) -> None:
        """Charge what is being sent now, whatever will become of it."""
        with self._lock:
            if len(self._accounts_of) > _MANY:
                self._forget_the_full(now)
            for account in self._of(charge):
                account.take(charge.tokens, now)

    def room(self, charges: Iterable[Charge], now: float) -> Room:
        """Return what is left for a look, by the buckets of its resources alone: of the one that holds it up most."""
        with self._lock:
            own = [each for each in self._joined(charges) if not each[0].is_shared]
            rooms = [account.room(tokens, now) for account, tokens in own]
        tightest = max(rooms, key=lambda room: room.refill * (1.5 - room.fraction), default=Room())
        return Room(tightest.fraction, tightest.refill, max((room.closed for room in rooms), default=0.0))

    def turn(self, charges: Iterable[Charge], now: float, *, urgent: bool = False) -> float:
        """Book a look in the shared buckets; return the seconds until it may begin.

        Ordinary looks queue at two thirds of what comes back and keep the buckets full. An urgent one, which may end a
        wait, goes first and takes what was kept: it leaves half of the part that is for others.
        """
        with self._lock:
            shared = [each for each in self._joined(charges) if each[0].is_shared]
            wait = max((account.wait(tokens, now, urgent=urgent) for account, tokens in shared), default=0.0)
            for account, tokens in shared:
                account.book(tokens, now + wait, urgent=urgent)
            return wait

    def turn_now(self, charges: Iterable[Charge], now: float) -> bool:
        """Book an urgent look in the shared buckets if it may begin at once; return whether it may."""
        with self._lock:
            shared = [each for each in self._joined(charges) if each[0].is_shared]
            if any(account.wait(tokens, now, urgent=True) > 0 for account, tokens in shared):
                return False
            for account, tokens in shared:
                account.book(tokens, now, urgent=True)
            return True

    def spare(self, charge: Charge, now: float) -> int:
        """Return how many such requests can be sent at once without using the part that is left to others."""
        with self._lock:
            return int(min(account.level(now) - LOW * account.bucket.size for account in self._of(charge)))

    def correct(self, charge: Charge, headers: Mapping[str, str], now: float) -> None:
        """Take in what an answer says is left. Only downwards: its buckets of other sizes say nothing of ours."""
        with self._lock:
            by_arm = {each.name: each for each in self._of(charge) if not each.by_compute}
            for name, left in remaining(headers).items():
                account = by_arm.get(name) if name.startswith(_SUBSCRIPTION) else self._named(charge, name)
                if account is not None:
                    account.at_most(left, now)

    def refused(self, charge: Charge, now: float, retry_after: float | None, bucket: str | None) -> None:
        """Take in a 429: a bucket is empty, for as long as Azure says.

        bucket: the name that Compute gives it, "" if it gives none; None: it is one of Resource Manager's.
        """
        with self._lock:
            account = self._of(charge)[-1] if bucket is None else self._named(charge, bucket)
            account.refused(now, retry_after)

    def _named(self, charge: Charge, name: str) -> Account:
        """Return the bucket of Compute that is meant by a name, such as "HighCostGetVMScaleSetSubscriptionMaximum".

        Names tell the subscription's buckets from those of a resource; of another one, it is the resource's.
        """
        name = name.rpartition("/")[2].lower()
        if name.startswith(LISTED.name.lower()):  # which a page of a list takes from besides
            return self._of(Charge(LISTED, charge.resource, charge.region))[0]
        ours = [each for each in self._of(charge) if each.by_compute]
        return ours[-1] if "subscription" in name else ours[0]

    def _forget_the_full(self, now: float) -> None:
        """Keep no account of what was not read for long: ids come from outside, and there may be ever new ones."""
        self._accounts = {key: account for key, account in self._accounts.items() if not account.is_untouched(now)}
        self._accounts_of = {}

    def _joined(self, charges: Iterable[Charge]) -> list[tuple[Account, float]]:
        """Return the tokens that a look takes from each account."""
        taken: dict[int, tuple[Account, float]] = {}
        for charge in charges:
            for account in self._of(charge):
                before = taken.get(id(account), (account, 0.0))[1]
                taken[id(account)] = (account, before + charge.tokens)
        return list(taken.values())

    def _of(self, charge: Charge) -> tuple[Account, ...]:
        """Return the accounts of a charge: Compute's first, a resource's own before the subscription's."""
        key = (charge.policy.name, charge.resource, charge.region)
        if key not in self._accounts_of:
            self._accounts_of[key] = tuple(self._find(charge.policy, charge.resource.lower(), charge.region.lower()))
        return self._accounts_of[key]

    def _find(self, policy: Policy, resource: str, region: str) -> Iterator[Account]:
        subscription = resource.split("/")[2]
        if policy.resource is not None:
            yield self._account(policy.name, resource, policy.resource, is_shared=False)
        place = f"{subscription} {self._region(subscription, region)}"
        yield self._account(policy.name, place, policy.subscription)
        if policy is not LISTED:  # VMs on a page, not requests
            for name, bucket in _OF_ARM.items():
                yield self._account(name, subscription, bucket, by_compute=False)

    def _region(self, subscription: str, region: str) -> str:
        """Return the region whose buckets count; until a set's own is known, that of the sets before it."""
        known = self._regions.get(subscription)
        if region and known is None:
            self._regions[subscription] = region
            for name, place in [*self._accounts]:
                if place == f"{subscription} ":
                    self._accounts[name, f"{subscription} {region}"] = self._accounts.pop((name, place))
        return region or known or ""

    def _account(
        self, name: str, whose: str, bucket: Bucket, *, is_shared: bool = True, by_compute: bool = True
    ) -> Account:
        key = (name, whose)
        if key not in self._accounts:
            self._accounts[key] = Account(name, bucket, is_shared, by_compute, float(bucket.size))
        return self._accounts[key]


_REMAINING = re.compile(r"\s*([\w./-]+);(\d{1,9})\s*")
_SUBSCRIPTION = "subscription-"
_OF_ARM = {f"{_SUBSCRIPTION}global-reads": GLOBAL_READS, f"{_SUBSCRIPTION}reads": READS}
_SUBSCRIPTION_HEADER = "x-ms-ratelimit-remaining-subscription-"


def remaining(headers: Mapping[str, str]) -> dict[str, int]:
    """Return what the headers of an answer say is left, by bucket: {"Microsoft.Compute/GetVMScaleSetResource": 30, …}.

    The subscription's are named "subscription-reads" and the like. Headers that came twice arrive joined by commas.
    """
    left = {}
    for part in (headers.get("x-ms-ratelimit-remaining-resource") or "").split(","):
        if match := _REMAINING.fullmatch(part):
            left[match.group(1)] = int(match.group(2))
    for name, value in headers.items():
        if name.lower().startswith(_SUBSCRIPTION_HEADER) and value.isascii() and value.isdigit():
            left[f"{_SUBSCRIPTION}{name.lower().removeprefix(_SUBSCRIPTION_HEADER)}"] = int(value[:9])
    return left
