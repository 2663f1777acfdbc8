"""What clients asked of a scale set, in order: the model they wanted, and what they did to its instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vmss_emulator.machines import models

# Deeds that are done at once and leave the set's last operation what it was.
INSTANT = frozenset({"protect", "cancel", "repairs"})
CANCELED = "Canceled"


@dataclass(frozen=True, slots=True)
class Change:
    """A PUT or PATCH that changed something.

    Attributes:
        number: 1 is the create.
        at: when it arrived.
        body: the whole model of the set since then.
        model: the number of the change that made the VM model in this body.
    """

    number: int
    at: float
    body: models.Body
    model: int

    @property
    def has_new_model(self) -> bool:
        """Do instances that exist already differ from it?"""
        return self.number > 1 and self.model == self.number


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a client did.

    Attributes:
        kind: `put` (a change, or the same once more), `manualupgrade`, `reimage`, `start`, `restart`,
            `deallocate`, `poweroff`, `delete`, `rollingupgrade`, `protect`, `cancel`, `repairs`.
        at: when.
        change: the newest one at that moment.
        instances: the ids concerned; None: all.
        value: what else was said: the protection of instances, the state of the repairs.
    """

    kind: str
    at: float
    change: Change
    instances: frozenset[int] | None = None
    value: Any = None

    def concerns(self, instance: int) -> bool:
        """Return whether this concerns the instance."""
        return self.instances is None or instance in self.instances


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ended; `code` and `message` say why it failed or was canceled, None that it succeeded."""

    ended: float
    code: str | None = None
    message: str | None = None

    @property
    def state(self) -> str:
        """Succeeded, Failed or Canceled, all of which are the end of it."""
        return "Succeeded" if self.code is None else CANCELED if self.code == CANCELED else "Failed"
