"""Looks that a test tells, in the place of an Azure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.clocks import VirtualClock

from pulumi_vmss_health import InstanceViewError, Snapshot
from pulumi_vmss_health.judging.snapshot import Ask, Depth
from vmss_instance_view.limits.quota import Room

Sight = Snapshot | InstanceViewError


@dataclass
class Script:
    """A look that shows what a story says of a moment. takes: seconds of each look.

    looked_at: the moments; asks: what each was for; limits: seconds that each was given. rooms, turns: what there was
    asked to be room, and a turn, for.
    """

    clock: VirtualClock
    story: Callable[[float], Sight]
    takes: float = 0.0
    allowed: Room = field(default_factory=Room)
    looked_at: list[float] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    rooms: list[Ask] = field(default_factory=list)
    turns: list[Ask] = field(default_factory=list)
    last: Snapshot | None = None

    def __call__(self, seconds: float, ask: Ask) -> Snapshot:
        self.limits.append(seconds)
        self.looked_at.append(self.clock.time)
        self.asks.append(ask)
        self.clock.time += self.takes
        sight = self.story(self.clock.time)
        if isinstance(sight, InstanceViewError):
            raise sight
        self.last = part_of(sight, ask.depth, self.last)
        return self.last

    def room(self, ask: Ask) -> Room:
        self.rooms.append(ask)
        return self.allowed

    def turn(self, ask: Ask) -> float:
        self.turns.append(ask)
        return 0.0

    def turn_now(self, ask: Ask) -> bool:
        self.turns.append(ask)
        return True

    @property
    def depths(self) -> list[tuple[float, Depth]]:
        return [(at, ask.depth) for at, ask in zip(self.looked_at, self.asks, strict=True)]


def part_of(seen: Snapshot, depth: Depth, last: Snapshot | None) -> Snapshot:
    """What a look of some depth shows; it carries the rest from the one before."""
    if last is None or depth is Depth.FULL:
        return seen
    if depth is Depth.VIEW_AND_MODEL:
        last = replace(last, scale_set=seen.scale_set, rolling_upgrade=seen.rolling_upgrade)
    if depth in (Depth.VIEW, Depth.VIEW_AND_MODEL):
        return replace(last, view=seen.view, instances=last.instances if seen.view == last.view else None)
    if depth is Depth.UPGRADE:
        return replace(last, rolling_upgrade=seen.rolling_upgrade)
    return replace(last, instances=seen.instances)


def chapters(story: Mapping[float, Sight]) -> Callable[[float], Sight]:
    """At each moment and until the next entry, this."""
    return lambda now: [sight for since, sight in story.items() if since <= now][-1]
