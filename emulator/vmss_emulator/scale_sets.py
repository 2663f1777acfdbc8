"""One scale set: its identity, the changes it has seen, and how its operations ended.

All it remembers is what clients asked for. What its instances are like follows from that (`life`); an outcome is kept
once it is known, because an operation that has ended stays ended even when another timeline is loaded.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vmss_emulator import life as lives
from vmss_emulator import models
from vmss_emulator.life import Change, Instance, Outcome
from vmss_emulator.timeline import Life


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What the last operation on a set came to.

    Attributes:
        state: Creating, Updating, Succeeded or Failed.
        time: when it ended, or began if it still runs.
        outcome: None while it runs.
    """

    state: str
    time: float
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An operation: it was begun for a change, or again for one that had failed."""

    change: int
    at: float


class ScaleSet:
    """A Uniform scale set. Moments are given, never read from a clock."""

    def __init__(self, resource_id: str, body: models.Body, now: float) -> None:
        self.id = resource_id
        self.name = resource_id.rpartition("/")[2]
        self.unique_id = str(uuid.uuid4())
        self.created = now
        self.changes = [Change(1, now, body, 1)]
        self.attempts = [Attempt(1, now)]
        self._outcomes: dict[int, Outcome] = {}

    @property
    def body(self) -> models.Body:
        """The model as it is asked for now."""
        return self.changes[-1].body

    @property
    def etag(self) -> str:
        """A quoted number that grows with each change; Azure quotes it in the body, too."""
        return f'"{len(self.changes)}"'

    def put(self, asked: Mapping[str, Any], life: Life, now: float) -> int | None:
        """Replace the model. Returns the number of the attempt to follow; None if there is nothing to do.

        A PUT that changes nothing does something only after a failure: Azure tries again.

        Raises:
            ArmError: 400 for a body that is no scale set.
        """
        body = models.complete(asked, self.body)
        last = len(self.attempts) - 1
        outcome = self.outcome(last, life, now)
        if body != self.body:
            self._change(body, now)
        elif outcome is None:
            return last
        elif outcome.code is None:
            return None
        self.attempts.append(Attempt(len(self.changes), now))
        return last + 1

    def patch(self, patch: Mapping[str, Any], life: Life, now: float) -> int | None:
        """Change parts of the model; otherwise like `put`."""
        return self.put(models.merge(self.body, patch), life, now)

    def _change(self, body: models.Body, now: float) -> None:
        last = self.changes[-1]
        number = last.number + 1
        same_model = models.vm_model(body) == models.vm_model(last.body)
        self.changes.append(Change(number, now, body, last.model if same_model else number))

    def outcome(self, attempt: int, life: Life, now: float) -> Outcome | None:
        """How an attempt ended; None while it runs."""
        if attempt not in self._outcomes:
            begun = self.attempts[attempt]
            found = lives.outcome(self.changes, begun.change, begun.at, life, now)
            if found is None:
                return None
            self._outcomes[attempt] = found
        return self._outcomes[attempt]

    def settle(self, life: Life, now: float) -> None:
        """Keep the outcomes of what has ended by now, before another life begins."""
        for attempt in range(len(self.attempts)):
            self.outcome(attempt, life, now)

    def instances(self, life: Life, now: float) -> list[Instance]:
        """The instances at a moment, by id."""
        first = {attempt.change: index for index, attempt in reversed(list(enumerate(self.attempts)))}
        return lives.instances(self.changes, life, now, lambda change: self.outcome(first[change.number], life, now))

    def provisioning(self, life: Life, now: float) -> Provisioning:
        """What the last operation came to."""
        last = len(self.attempts) - 1
        outcome = self.outcome(last, life, now)
        if outcome is None:
            return Provisioning("Updating" if last else "Creating", self.attempts[last].at, None)
        return Provisioning("Failed" if outcome.code else "Succeeded", outcome.ended, outcome)
