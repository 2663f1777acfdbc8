"""Record a wait while it goes on, and write it as JSON: at most so much that a file of it can be kept.

What is recorded is text at once: the bodies of a thousand instances take a tenth of the memory that they take as
objects.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pulumi_vmss_health.evidence.bodies import Bodies, Delta, compact
from pulumi_vmss_health.judging.findings import Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Ask, Context, Depth, Snapshot
from pulumi_vmss_health.stored import REASONS, reason_json
from pulumi_vmss_health.telling.failure import below_headline, headline
from pulumi_vmss_health.telling.status import all_counts
from pulumi_vmss_health.version import __version__
from pulumi_vmss_health.waiting.watch import Looked, Outcome
from vmss_instance_view.clock import Clock
from vmss_instance_view.errors import InstanceViewError
from vmss_instance_view.keys import stored_key
from vmss_instance_view.limits.quota import Room
from vmss_instance_view.scale_set_id import ScaleSetId

FORMAT = 1
LIMIT = 8 * 2**20
"""Bytes of one wait."""

_BESIDE_LOOKS = 2**19  # bytes that are kept free for what a file says of the whole wait


class Counting(Protocol):
    """Looks at a scale set, and knows what that takes."""

    def room(self, ask: Ask, /) -> Room:
        """Return what Azure's rate limits for this set leave for such a look."""

    @property
    def requests(self) -> int:
        """The number of requests that were sent so far."""


@dataclass(slots=True)
class _Recorded:
    """A look. head: all but its bodies, as JSON. bodies: None: left out."""

    head: str
    bodies: Delta | None
    size: int = 0

    @property
    def text(self) -> str:
        return self.head if self.bodies is None else f'{self.head[:-1]},"bodies":{self.bodies.text}}}'

    def measure(self) -> int:
        """Return by how much it has grown since it was measured last."""
        before, self.size = self.size, len(self.head) + (self.bodies.size if self.bodies else 0)
        return self.size - before


class Recorder:
    """Records the looks of one wait. Give it to `watch`; then ask it for what it recorded."""

    def __init__(
        self, look: Counting, policy: GatePolicy, clock: Clock, context: Context = NOTHING_ELSE, limit: int = LIMIT
    ) -> None:
        """Begin when the wait begins. limit: bytes of its looks, at most."""
        self._look = look
        self._policy = policy
        self._clock = clock
        self._context = context
        self._room = limit - min(_BESIDE_LOOKS, limit // 2)
        self._began_at = clock.now()
        self._bodies = Bodies()
        self._looks: list[_Recorded] = []
        self._last: Snapshot | None = None
        self._requests = 0
        self._next_to_strip = 1  # the first look that has bodies which may be left out
        self._left_out = 0

    def __call__(self, looked: Looked) -> None:
        """Record a look that ended."""
        seen = looked.progress.snapshot
        # A look that failed leaves the progress what the look before saw; one that saw another set has an error, too.
        if looked.progress.error is not None and seen is self._last:
            seen = None
        self._last = seen or self._last
        delta = self._bodies.delta(seen) if seen else Delta()
        self._looks.append(_Recorded(compact(self._head(looked, seen)), delta))
        self._room -= self._looks[-1].measure()
        while self._room < 0 and self._shrink():
            pass

    def text(self, outcome: Outcome, scale_set: ScaleSetId, portal: str | None = None, name: str = "") -> str:
        """Return the whole wait as JSON: its looks one a line. name: what the set was called, if not by its own."""
        passed = self._context.since
        progress = outcome.progress
        told: dict[str, Any] = {
            "scaleSetId": str(scale_set),
            "policy": self._policy.to_json(),
            "limitSeconds": progress.limit,
            "limitSource": progress.limit_source,
            "beganAt": _time(self._began_at),
            "endedAt": _time(self._clock.now()),
            "elapsedSeconds": progress.elapsed,
            "ending": outcome.ending.value,
            "passedBefore": passed.isoformat() if passed else None,
            "beforeFirstPass": self._context.before_first_pass,
            "message": headline(outcome, name or scale_set.name),
            "lines": below_headline(outcome, scale_set, portal),
            "requests": self._look.requests,
            "transitions": [{"at": at, "state": state.word} for at, state in progress.transitions],
            "capped": {
                "looksWithoutBodies": sum(each.bodies is None for each in self._looks),
                "looksLeftOut": self._left_out,
            },
        }
        looks = ",\n".join(each.text for each in self._looks)
        return f'{compact(told)[:-1]},"looks":[\n{looks}\n]}}'

    def _head(self, looked: Looked, seen: Snapshot | None) -> dict[str, Any]:
        """Return all but the bodies. seen: None if the look failed."""
        progress = looked.progress
        at = looked.began - looked.started
        before, self._requests = self._requests, self._look.requests
        return {
            "at": at,
            "took": progress.elapsed - at,
            "depth": depth_name(looked.ask.depth),
            "since": _finite(looked.ask.since - looked.started),
            "requests": self._requests - before,
            "left": round(self._look.room(looked.ask).fraction, 3),
            "verdict": _verdict(progress.verdict) if seen and progress.verdict else None,
            "error": _error(progress.error) if progress.error else None,
            "counts": [
                {"of": each.of, "done": each.done, "total": each.total}
                for each in (all_counts(seen, progress.capacity) if seen else ())
            ],
            "age": _finite(seen.age) if seen else None,
            "isBare": bool(seen and seen.is_bare),
            "inStandbyPool": seen.in_standby_pool if seen else 0,
            "unread": dict(seen.unread) if seen else {},
        }

    def _shrink(self) -> bool:
        """Make the record smaller; return whether it could be.

        The oldest looks lose their bodies, but for the first look and the last. If that is not enough, there are too
        many looks, or the bodies of these two are too large: whatever takes more is left out.
        """
        looks = self._looks
        first, last = looks[0], looks[-1]
        if self._next_to_strip < len(looks) - 1:
            self._strip(self._next_to_strip)
            self._next_to_strip += 1
        elif len(looks) > 2 and 2 * sum(len(each.head) for each in looks) > sum(each.size for each in looks):
            self._room += looks.pop(1).size
            self._next_to_strip -= 1
            self._left_out += 1
        elif len(looks) > 1 and first.bodies is not None:
            self._strip(0)
        elif last.bodies is not None:
            last.bodies = None
            self._room -= last.measure()
            self._bodies = Bodies()  # so that the next look has all
        else:
            return False
        return True

    def _strip(self, index: int) -> None:
        """Take a look's bodies away, and give the next look that has any all that it then differs in."""
        look = self._looks[index]
        after = next(each for each in self._looks[index + 1 :] if each.bodies is not None)
        if look.bodies is not None and after.bodies is not None:
            after.bodies = after.bodies.onto(look.bodies, self._looks[0].bodies or Delta())
        look.bodies = None
        self._room -= look.measure() + after.measure()


def depth_name(depth: Depth) -> str:
    """Return what a look read, as files have it: "full", "ownViews"."""
    return stored_key(depth.name.lower())


def file_text(waits: Sequence[str]) -> str:
    """Return the file of waits that were recorded."""
    versions = {"pulumi-vmss-health": __version__, "python": platform.python_version()}
    return f'{{"evidence":{FORMAT},"versions":{compact(versions)},"waits":[\n' + ",\n".join(waits) + "\n]}\n"


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "state": verdict.state.word,
        "passes": verdict.passes,
        "unjudged": list(verdict.unjudged),
        "reasons": [reason_json(each) for each in verdict.reasons[:REASONS]],
    }


def _error(error: InstanceViewError) -> dict[str, Any]:
    retry_after: float | None = getattr(error, "retry_after", None)
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "retryAfter": None if retry_after is None else _finite(retry_after),
        "status": getattr(error, "status", None),
        "code": getattr(error, "code", None) or None,
    }


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
