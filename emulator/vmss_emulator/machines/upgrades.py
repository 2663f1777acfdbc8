"""Rolling upgrades: batch after batch, as long as the application stays healthy.

Source: "Rolling upgrades" and "Rolling upgrades with MaxSurge" on learn.microsoft.com. A batch begins when not too many
instances of the set are unhealthy; it ends when all of it are well, or when the time has passed in which they should
have become so; then not too many of the upgraded ones may be unhealthy. With max surge a batch are new VMs with new
ids: each takes the place of an instance once it is well, and until then there is one too many. Those that do not get
well stay beside the instances that they were to replace: so there is nothing to roll back. Zone-wise batches and the
image itself are not imitated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from vmss_emulator.durations import parse_iso_duration
from vmss_emulator.machines import models
from vmss_emulator.machines.history import CANCELED, Change, Outcome
from vmss_emulator.machines.looks import Instance


@dataclass(frozen=True, slots=True)
class Policy:
    """A rolling upgrade policy; percents, and seconds between batches."""

    batch: int
    unhealthy: int
    unhealthy_upgraded: int
    pause: float
    unhealthy_first: bool
    roll_back: bool
    surge: bool
    body: models.Body

    @classmethod
    def of(cls, body: models.Body, pause: float | None = None) -> Policy:
        """That of a set's model, completed with Azure's defaults; pause: another one than it says."""
        usual = {
            "maxBatchInstancePercent": 20,
            "maxUnhealthyInstancePercent": 20,
            "maxUnhealthyUpgradedInstancePercent": 20,
            "pauseTimeBetweenBatches": "PT0S",
        }
        said = {**usual, **(body["properties"]["upgradePolicy"].get("rollingUpgradePolicy") or {})}
        return cls(
            batch=int(said["maxBatchInstancePercent"]),
            unhealthy=int(said["maxUnhealthyInstancePercent"]),
            unhealthy_upgraded=int(said["maxUnhealthyUpgradedInstancePercent"]),
            pause=parse_iso_duration(said["pauseTimeBetweenBatches"]) if pause is None else pause,
            unhealthy_first=bool(said.get("prioritizeUnhealthyInstances")),
            roll_back=bool(said.get("rollbackFailedInstancesOnPolicyBreach")),
            surge=bool(said.get("maxSurge")),
            body=said,
        )


class UpgradedInstances(Protocol):
    """What an upgrade does to the instances of a set; `Population` says more of each."""

    def renew(self, index: int, change: Change, moment: float) -> float:
        """Let one begin anew with a change; returns until when it should be well."""

    def surge(self, change: Change, moment: float) -> tuple[int, float]:
        """Create one too many; returns its id and until when it should be well."""

    def replace_by(self, index: int, successor: int) -> None:
        """Let that one take the place of an instance."""


@dataclass(slots=True)
class Upgrade:
    """One rolling upgrade and how far it has come.

    Attributes:
        policy: its rules.
        target: the change whose model it brings; None: Azure renews what the instances run already.
        started: when.
        waiting: the ids whose turn has not come.
        batch: the ids that are being upgraded; with max surge, those of the new VMs.
        done, failed: the ids that were, with and without success.
        code: RollingForward, RollingBack, Completed, Cancelled or Faulted.
        action: the last one that a client or Azure took, with its time.
        outcome: how it ended; None while it runs.
    """

    policy: Policy
    target: Change | None
    started: float
    waiting: list[int]
    done: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    batch: list[int] = field(default_factory=list)
    code: str = "RollingForward"
    action: tuple[str, float] = ("Start", 0.0)
    outcome: Outcome | None = None
    _next: float = 0.0
    _deadline: float = 0.0
    _breach: tuple[str, str] | None = None
    _before: dict[int, Change] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)  # whom each new VM of a surge is to replace
    _replaced: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._next, self.action = self.started, ("Start", self.started)

    @property
    def running(self) -> bool:
        """Is it still under way?"""
        return self.outcome is None

    @property
    def error(self) -> dict[str, Any] | None:
        """Why it faulted, as `rollingUpgrades/latest` tells it."""
        if self.code != "Faulted" or self.outcome is None:
            return None
        return {"code": self.outcome.code, "message": self.outcome.message}

    def cancel(self, now: float) -> None:
        """A client wants no further batch; the one that is under way goes on by itself."""
        self.action = ("Cancel", now)
        self._end("Cancelled", now, (CANCELED, "The rolling upgrade was cancelled."))

    def step(self, now: float, instances: Sequence[Instance], population: UpgradedInstances) -> float | None:
        """Go on as far as possible at a moment; returns another moment to look again, if it knows one.

        Args:
            now: the moment.
            instances: all of the set.
            population: the same, to be changed.
        """
        if self.outcome is not None:
            return None
        if self.batch:
            self._judge_batch(now, [one for one in instances if one.id in self.batch], population)
        if self.batch or self.outcome is not None:
            return self._deadline
        instances = [one for one in instances if one.id not in self._replaced]
        present = {one.id for one in instances}
        self.waiting = [one for one in self.waiting if one in present]
        if not self.waiting:
            self._end("Completed", now)
        elif now >= self._next:
            self._begin_batch(now, instances, population)
            return self._deadline
        return self._next

    def _judge_batch(self, now: float, batch: Sequence[Instance], population: UpgradedInstances) -> None:
        if now < self._deadline and not all(one.well or one.failed for one in batch):
            return
        self.batch = []
        if self._breach is not None:
            self._end("Faulted", now, self._breach)
            return
        self.done += [one.id for one in batch if one.well]
        self.failed += [one.id for one in batch if not one.well]
        for one in batch:
            if one.well and one.id in self._places:
                population.replace_by(self._places[one.id], one.id)
                self._replaced.add(self._places[one.id])
        self._next = now + self.policy.pause
        upgraded = len(self.done) + len(self.failed)
        if self.failed and 100 * len(self.failed) > self.policy.unhealthy_upgraded * upgraded:
            self._break(now, _too_many_upgraded(self), population)

    def _begin_batch(self, now: float, instances: Sequence[Instance], population: UpgradedInstances) -> None:
        unhealthy = sum(one.unhealthy for one in instances)
        if 100 * unhealthy > self.policy.unhealthy * len(instances):
            self._break(now, _too_many(self, 100 * unhealthy // len(instances)), population)
            return
        if self.policy.unhealthy_first:
            ill = {one.id for one in instances if one.unhealthy}
            self.waiting.sort(key=lambda one: (one not in ill, one))
        size = max(1, len(instances) * self.policy.batch // 100)
        turn, self.waiting = self.waiting[:size], self.waiting[size:]
        self._before |= {one.id: one.model for one in instances if one.id in turn}
        wanted = {one: self.target or self._before[one] for one in turn}
        if self.policy.surge:
            created = {one: population.surge(change, now) for one, change in wanted.items()}
            self._places |= {new: one for one, (new, _) in created.items()}
            self.batch = [new for new, _ in created.values()]
            self._deadline = max(end for _, end in created.values())
        else:
            self.batch = turn
            self._deadline = max(population.renew(one, change, now) for one, change in wanted.items())

    def _break(self, now: float, error: tuple[str, str], population: UpgradedInstances) -> None:
        if not self.policy.roll_back or self.policy.surge or self.target is None or not self.failed:
            self._end("Faulted", now, error)
            return
        self.code, self._breach, self.batch = "RollingBack", error, list(self.failed)
        self._deadline = max(population.renew(one, self._before[one], now) for one in self.batch)

    def _end(self, code: str, now: float, error: tuple[str, str] | None = None) -> None:
        self.code = code
        self.outcome = Outcome(now, *error) if error else Outcome(now)


def _too_many(upgrade: Upgrade, percent: int) -> tuple[str, str]:
    limit = upgrade.policy.unhealthy
    said = f"{percent}% of the instances are unhealthy, and the policy's MaxUnhealthyInstancePercent is {limit}%."
    return "MaxUnhealthyInstancePercentExceededInRollingUpgrade", f"The rolling upgrade ended: {said}"


def _too_many_upgraded(upgrade: Upgrade) -> tuple[str, str]:
    count, limit = len(upgrade.failed), upgrade.policy.unhealthy_upgraded
    percent = 100 * count // (count + len(upgrade.done))
    said = f"{percent}% of the upgraded instances are unhealthy, and the policy allows {limit}%"
    first = f"the first of them is instance {upgrade.failed[0]}."
    return "MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade", f"The rolling upgrade ended: {said}; {first}"
