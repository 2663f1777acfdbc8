"""One scale set: its identity, what clients did to it, and how that ended.

All it remembers is what clients asked for. What its instances are like follows from that (`life`); an outcome is kept
once it is known, because an operation that has ended stays ended even when another timeline is loaded.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from vmss_emulator.machines import models, puts
from vmss_emulator.machines.history import INSTANT, Change, Deed, Outcome
from vmss_emulator.machines.life import Story
from vmss_emulator.machines.looks import Instance, standby
from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.script.timeline import Life


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What the last operation on a set came to.

    Attributes:
        state: Creating, Updating, Succeeded, Failed or Canceled.
        time: when it ended, or began if it still runs.
        outcome: None while it runs.
    """

    state: str
    time: float
    outcome: Outcome | None


class ScaleSet:
    """A scale set of either mode. Moments are given, never read from a clock."""

    def __init__(self, resource_id: str, body: models.Body, now: float) -> None:
        self.id = resource_id
        self.name = resource_id.rpartition("/")[2]
        self.unique_id = str(uuid.uuid4())
        self.created = now
        self.changes = [Change(1, now, body, 1)]
        self.deeds = [Deed("put", now, self.changes[0])]
        self._outcomes: dict[int, Outcome] = {}
        self._story: Story | None = None

    @classmethod
    def again(
        cls, resource_id: str, unique_id: str, changes: list[Change], deeds: list[Deed], outcomes: Mapping[int, Outcome]
    ) -> ScaleSet:
        """The same set once more, from what it remembers."""
        found = cls(resource_id, changes[0].body, changes[0].at)
        found.unique_id, found.changes, found.deeds, found._outcomes = unique_id, changes, deeds, dict(outcomes)
        return found

    @property
    def outcomes_so_far(self) -> Mapping[int, Outcome]:
        """How deeds ended, as far as `settle` has kept it."""
        return self._outcomes

    @property
    def body(self) -> models.Body:
        """The model as it was last put; `model` knows the capacity of a moment."""
        return self.changes[-1].body

    @property
    def etag(self) -> str:
        """A quoted number that grows with each change; Azure quotes it in the body, too."""
        return f'"{len(self.changes)}"'

    def vm_name(self, index: int) -> str:
        """Return the name of an instance's VM in Flexible mode: the same for the same set and index."""
        return f"{self.name}_{hashlib.sha256(f'{self.id.lower()}/{index}'.encode()).hexdigest()[:8]}"

    def vm_id(self, index: int) -> str:
        """Return where the VM of an instance is found in Flexible mode: beside the set, in its resource group."""
        group = self.id.rsplit("/providers/", 1)[0]
        return f"{group}/providers/Microsoft.Compute/virtualMachines/{self.vm_name(index)}"

    def model(self, life: Life, now: float) -> models.Body:
        """Return the model as Azure shows it: instances that were deleted or evicted are asked for no more."""
        if models.is_without_profile(self.body):
            return self.body
        return {**self.body, "sku": {**self.body["sku"], "capacity": self.story(life, now).capacity}}

    def profile_time(self, change: Change) -> float:
        """Return when the model of the VMs that a change knows was made."""
        return self.changes[change.model - 1].at

    def put(self, asked: Mapping[str, Any], life: Life, now: float, *, whole: bool = False) -> int:
        """Replace the model. Returns the number of the deed to follow.

        A PUT that changes nothing is an operation, too, as recorded; after a failure it tries again. While another
        operation runs, it is that one. whole: see `puts.complete`.

        Raises:
            ArmError: 400 for a body that is no scale set; 409 for another mode or location, or while a rolling upgrade
                runs.
        """
        before = self.model(life, now)
        body = puts.complete(asked, before, whole=whole)
        last = self._last_operation()
        if body == before and self.outcome(last, life, now) is None:
            return last
        self.refuse_while_upgrading(life, now)
        if body != before:
            self._change(body, now)
        return self.do("put", now)

    def patch(self, patch: Mapping[str, Any], life: Life, now: float) -> int:
        """Change parts of the model; otherwise like `put`."""
        return self.put(models.merge(self.model(life, now), patch), life, now, whole=True)

    def do(self, kind: str, now: float, instances: Collection[int] | None = None, value: Any = None) -> int:  # noqa: ANN401 - see Deed
        """Let a client do something. Returns its number, for `outcome`."""
        if self._story is not None and now < self._story.now:
            self._story = None  # it went on without this
        chosen = None if instances is None else frozenset(instances)
        self.deeds.append(Deed(kind, now, self.changes[-1], chosen, value))
        return len(self.deeds) - 1

    def refuse_while_upgrading(self, life: Life, now: float) -> None:
        """Let nothing begin that a running upgrade would get in the way of.

        Raises:
            ArmError: 409.
        """
        upgrade = self.story(life, now).upgrade
        if upgrade is not None and upgrade.running:
            message = f"The scale set '{self.name}' cannot be changed now: a rolling upgrade is in progress."
            raise ArmError(409, "OperationNotAllowed", message)

    def _change(self, body: models.Body, now: float) -> None:
        last = self.changes[-1]
        number = last.number + 1
        same_model = models.vm_model(body) == models.vm_model(last.body)
        self.changes.append(Change(number, now, body, last.model if same_model else number))

    def outcome(self, number: int, life: Life, now: float) -> Outcome | None:
        """Return how a deed ended; None while it goes on."""
        return self.story(life, now).outcomes.get(number)

    def settle(self, life: Life, now: float) -> None:
        """Keep the outcomes of what has ended by now, before another life begins."""
        self._outcomes.update(self.story(life, now).outcomes)

    def story(self, life: Life, now: float) -> Story:
        """Return the life of the set, told up to a moment; from the beginning if it had gone further already."""
        begun = self._story
        if begun is None or now < begun.now:
            begun = self._story = Story(life, self._outcomes)
        begun.tell(self.deeds, life, now)
        return begun

    def instances(self, life: Life, now: float) -> list[Instance]:
        """Return the instances at a moment, by id."""
        return self.story(life, now).instances()

    def standby(self, life: Life, now: float) -> list[Instance]:
        """Return the VMs that wait in the set's standby pool: not its instances, and yet listed beside them."""
        return standby(self.changes[0], self.changes[-1], life, now)

    def provisioning(self, life: Life, now: float) -> Provisioning:
        """Return the result of the last operation."""
        last = self._last_operation()
        outcome = self.outcome(last, life, now)
        if outcome is None:
            return Provisioning("Updating" if last else "Creating", self.deeds[last].at, None)
        return Provisioning(outcome.state, outcome.ended, outcome)

    def _last_operation(self) -> int:
        return max(number for number, deed in enumerate(self.deeds) if deed.kind not in INSTANT)
