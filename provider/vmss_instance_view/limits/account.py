"""Estimate what is left in one of Azure's token buckets from the requests sent. Pure: callers pass the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from vmss_instance_view.limits.quota import LOW, Bucket, Room

_CROWDED = 2 / 3  # of the refill is reckoned with where others evidently use a bucket, too; again for each 429
_CROWDED_LEAST = 0.2
_CROWDED_FOR = 1800.0  # seconds after the last 429
_UNDER_WAY = 1.0  # seconds that tokens stay booked after their look began: its requests are being sent
_ORDINARY = 2 / 3  # of a shared bucket's refill is for looks that end no wait
_RUSH = 60.0  # seconds after an urgent look for which they may have all of it: sets get ready together
_LIMIT = 24 * 3600.0  # seconds that a bucket stays closed at most, whatever an answer says


@dataclass(slots=True)
class Account:
    """One bucket.

    is_shared: by many sets, so that their looks take turns. by_compute: it is Compute's, not Resource Manager's.
    left: tokens at the moment `since`. closed_until: Azure asked to wait. share: of the refill that comes to us, until
    crowded_until. rush_until: until then ordinary looks may have all of the refill. next_free: when the next ordinary
    look may begin. booked: looks that have their turn but did not send yet, the earliest first: when they begin, and
    what they take. held: what they take in sum.
    """

    name: str
    bucket: Bucket
    is_shared: bool
    by_compute: bool
    left: float
    since: float = 0.0
    closed_until: float = 0.0
    share: float = 1.0
    crowded_until: float = 0.0
    rush_until: float = 0.0
    next_free: float = 0.0
    booked: list[tuple[float, float]] = field(default_factory=list)
    held: float = 0.0

    def is_untouched(self, now: float) -> bool:
        """Return whether it equals a new account."""
        is_full = self.level(now) >= self.bucket.size and not self.booked
        return is_full and now >= max(self.closed_until, self.crowded_until, self.next_free)

    def level(self, now: float) -> float:
        """Return the tokens left."""
        back = max(now - self.since, 0.0) / self.refill_time(1.0, now)
        return min(float(self.bucket.size), self.left + back)

    def refill_time(self, tokens: float, now: float) -> float:
        """Return the seconds until so many tokens have come back, besides what others take."""
        return self.bucket.refill_time(tokens) / (self.share if now < self.crowded_until else 1.0)

    def take(self, tokens: float, now: float) -> None:
        """Spend tokens."""
        self.left, self.since = max(self.level(now) - tokens, 0.0), max(now, self.since)

    def at_most(self, left: float, now: float) -> None:
        """Lower the account to at most so many tokens."""
        if left < self.level(now):
            self.left, self.since = float(left), max(now, self.since)

    def refused(self, now: float, retry_after: float | None) -> None:
        """Record that Azure says the bucket is empty: other clients use it, too."""
        self.left, self.since = 0.0, max(now, self.since)
        before = self.share if now < self.crowded_until else 1.0
        self.share, self.crowded_until = max(before * _CROWDED, _CROWDED_LEAST), now + _CROWDED_FOR
        self.closed_until = max(self.closed_until, now + min(retry_after or 0.0, _LIMIT))

    def room(self, tokens: float, now: float) -> Room:
        """Return what is left for a look that takes so many tokens."""
        refill = self.refill_time(tokens, now)
        return Room(self.level(now) / self.bucket.size, refill, self.closed_for(now, tokens))

    def closed_for(self, now: float, tokens: float) -> float:
        """Return the seconds until so many tokens may be taken."""
        spare = min(tokens, LOW * self.bucket.size / 2)  # a look with many pages must not take all that is left
        missing = min(tokens + spare, self.bucket.size) - self.level(now)
        return max(self.closed_until - now, self.refill_time(missing, now), 0.0)

    def wait(self, tokens: float, now: float, *, urgent: bool) -> float:
        """Return the seconds until a look may begin."""
        while self.booked and self.booked[0][0] <= now - _UNDER_WAY:
            self.held -= heappop(self.booked)[1]
        kept = LOW * self.bucket.size * (0.5 if urgent else 1.0)
        free = self.level(now) - self.held - min(tokens, self.bucket.size / 2)
        queue = now if urgent else self.next_free
        return max(queue - now, self.closed_until - now, self.refill_time(kept - free, now), 0.0)

    def book(self, tokens: float, begins: float, *, urgent: bool) -> None:
        """Give a look its turn."""
        tokens = min(tokens, self.bucket.size / 2)
        heappush(self.booked, (begins, tokens))
        self.held += tokens
        if urgent:
            self.rush_until = begins + _RUSH
        else:
            part = 1.0 if begins < self.rush_until else _ORDINARY
            self.next_free = max(self.next_free, begins) + self.refill_time(tokens, begins) / part
