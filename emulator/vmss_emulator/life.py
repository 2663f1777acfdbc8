"""How a scale set lives: a story told from what clients did, from the timeline, and up to a moment.

Nothing here waits or reads a clock. The story goes from moment to moment at which something can change: a deed of a
client, an event of the timeline, or the natural end of a boot, an installation, a batch. Told again from the beginning
it is the same; it remembers where it is only because telling it is work.

A change that asks for more instances creates them; its operation ends when their boots and extensions have, and does
not wait for health. A change of the VM's model reaches instances that exist by the upgrade policy: Manual by a deed of
their own; Automatic all at once, after the operation has ended, as Azure does; Rolling in batches, which the operation
waits for, health included.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from vmss_emulator import models
from vmss_emulator.events import Event
from vmss_emulator.history import INSTANT, Change, Deed, Outcome
from vmss_emulator.looks import BRIEF, Instance, Run, Status, look
from vmss_emulator.timeline import Life
from vmss_emulator.upgrades import Policy, Upgrade

_NO_REASON = "The VM failed to provision, and the timeline does not say why."
# What is no business of the set's model or of Azure's upgrades: deeds that name the instance itself still reach it.
_FROM_ACTIONS = "protectFromScaleSetActions"
_FROM_SCALE_IN = "protectFromScaleIn"


@dataclass(slots=True)
class _Member:
    """One instance of the set: what it runs, who asked for it, and whether it is one too many."""

    run: Run
    origin: int
    surplus: bool = False
    protection: frozenset[str] = frozenset()

    @property
    def id(self) -> int:
        return self.run.instance

    @property
    def is_left_out(self) -> bool:
        """Is it protected from what is done to the whole set?"""
        return _FROM_ACTIONS in self.protection


class Story:
    """The life of one set up to a moment, which only grows.

    Args:
        life: the natural life, and the events.
        known: outcomes that stand whatever the story says: of operations that had ended under another life.
    """

    def __init__(self, life: Life, known: Mapping[int, Outcome]) -> None:
        self.now = float("-inf")
        self.upgrade: Upgrade | None = None
        self.repairs = Status("Running", 0.0)
        self.outcomes: dict[int, Outcome] = {}
        self._life = life
        self._known = dict(known)
        self._changes: list[Change] = []
        self._deeds: list[Deed] = []
        self._members: dict[int, _Member] = {}
        self._unused = 0
        self._lost = 0
        self._upgrades: dict[int, Upgrade] = {}
        self._leaving: list[tuple[float, int]] = []
        self._moments: list[float] = sorted(outcome.ended for outcome in known.values())
        self._struck: list[Event] = []

    def tell(self, deeds: Sequence[Deed], life: Life, now: float) -> None:
        """Go on to a moment that does not lie before the last one; `deeds` are all so far."""
        if life is not self._life and life != self._life:
            self._heed(life, now)
        self._expect(deed.at for deed in deeds[len(self._deeds) :])
        while self._moments and self._moments[0] <= now:
            self._pass(heapq.heappop(self._moments), deeds)
        self.now = now

    @property
    def capacity(self) -> int:
        """How many instances are asked for: less than in the last body if some were deleted or evicted since."""
        return models.capacity(self._changes[-1].body) - self._lost

    def instances(self) -> list[Instance]:
        """All instances now, by id."""
        return self._looks(self._members.values(), self.now)

    @property
    def ids(self) -> list[int]:
        """Whom there is now."""
        return list(self._members)

    def instance(self, index: int) -> Instance | None:
        """One instance now; None if there is no such."""
        found = self._looks([self._members[index]], self.now) if index in self._members else [None]
        return found[0]

    def _heed(self, life: Life, now: float) -> None:
        """Let another life hold: all is seen as if it had always held, but who exists and runs what stays."""
        self._life = life
        self._expect([now])
        for member in self._members.values():
            self._expect(member.run.moments(life))
        for change in self._changes:
            self._expect(change.at + event.at for event in life.events if event.put == change.number)

    def _expect(self, moments: Iterable[float]) -> None:
        for moment in moments:
            heapq.heappush(self._moments, moment)

    def _pass(self, moment: float, deeds: Sequence[Deed]) -> None:
        self._settle(moment)
        while len(self._deeds) < len(deeds) and deeds[len(self._deeds)].at <= moment:
            self._deeds.append(deeds[len(self._deeds)])
            _DEEDS[self._deeds[-1].kind](self, len(self._deeds) - 1, self._deeds[-1])
        self._strike(moment)
        self._settle(moment)

    # What clients do.

    def put(self, number: int, deed: Deed) -> None:
        """A change of the model, or the same again."""
        change = deed.change
        if not self._changes or self._changes[-1] is not change:
            self._changes.append(change)
            self._expect(change.at + event.at for event in self._life.events if event.put == change.number)
            self._lost = 0
            self._scale(change)
        if change.has_new_model and models.upgrade_mode(change.body) == "rolling":
            stale = [one for one in self._upgradable() if one.run.change.model < change.model]
            if stale:
                self._upgrades[number] = self._roll(stale, change, deed.at)
        self._expect([deed.at + BRIEF])

    def renewed(self, _: int, deed: Deed) -> None:
        """Instances get the newest model, or are made anew from it."""
        for member in self._concerned(deed):
            self._renew(member.id, deed.change, deed.at)
        self._expect([deed.at + BRIEF])

    def switched(self, _: int, deed: Deed) -> None:
        """Instances are started, restarted, or switched off in one of two ways."""
        off = {"deallocate": "deallocated", "poweroff": "stopped"}.get(deed.kind)
        for member in self._concerned(deed):
            self._switch(member, deed.at, off)
        self._expect([deed.at + BRIEF])

    def deleted(self, _: int, deed: Deed) -> None:
        """Instances go, and are asked for no more."""
        self._lose([member.id for member in self._concerned(deed)])
        self._expect([deed.at + BRIEF])

    def rolled(self, number: int, deed: Deed) -> None:
        """A client starts a rolling upgrade; where all is the newest already it has nothing to do."""
        stale = [one for one in self._upgradable() if one.run.change.model < deed.change.model]
        done = [one.id for one in self._upgradable() if one not in stale]
        self._upgrades[number] = self._roll(stale, deed.change, deed.at, done)
        self._expect([deed.at + BRIEF])

    def cancelled(self, _: int, deed: Deed) -> None:
        """The running upgrade is to stop."""
        if self.upgrade is not None and self.upgrade.running:
            self.upgrade.cancel(deed.at)

    def protected(self, _: int, deed: Deed) -> None:
        """Instances are protected, or no longer."""
        for member in self._concerned(deed):
            member.protection = deed.value

    def repaired(self, _: int, deed: Deed) -> None:
        """Automatic repairs are suspended or resumed."""
        self.repairs = Status(str(deed.value), deed.at)

    def _concerned(self, deed: Deed) -> list[_Member]:
        named = deed.instances is not None
        return [one for one in self._members.values() if deed.concerns(one.id) and (named or not one.is_left_out)]

    def _upgradable(self) -> list[_Member]:
        return [one for one in self._members.values() if not one.is_left_out]

    # Who exists, and what they run.

    def _scale(self, change: Change) -> None:
        """Ids are never given twice; the highest leave first, unless they are protected."""
        wanted = models.capacity(change.body)
        working = [one for one in self._members.values() if not one.surplus]
        loose = [one.id for one in working if _FROM_SCALE_IN not in one.protection]
        for index in sorted(loose, reverse=True)[: max(len(working) - wanted, 0)]:
            del self._members[index]
        missing = max(wanted - len(working), 0)
        surplus = self._life.surplus if missing and models.overprovisions(change.body) else 0
        for index in range(missing + surplus):
            run = Run(self._unused + index, change.at, change, change.at)
            # Those that are up last leave, in Azure; here it is the lowest ids, so that the others' do not begin at 0.
            self._members[run.instance] = _Member(run, change.number, surplus=index < surplus)
            self._expect(run.moments(self._life))
        self._unused += missing + surplus

    def _renew(self, instance: int, change: Change, moment: float) -> float:
        member = self._members[instance]
        member.run = Run(instance, member.run.born, change, moment, member.run.switched, member.run.off)
        moments = member.run.moments(self._life)
        self._expect(moments)
        return max(moments)

    def _switch(self, member: _Member, moment: float, off: str | None) -> None:
        member.run = replace(member.run, switched=moment, off=off)
        self._expect(member.run.moments(self._life))

    def _lose(self, instances: Iterable[int]) -> None:
        for index in instances:
            self._lost += not self._members.pop(index).surplus

    def _roll(
        self, stale: Sequence[_Member], target: Change | None, moment: float, done: Sequence[int] = ()
    ) -> Upgrade:
        policy = Policy.of(self._changes[-1].body, self._life.pause)
        self.upgrade = Upgrade(policy, target, moment, sorted(one.id for one in stale), list(done))
        return self.upgrade

    # What the timeline lets happen to the set as a whole.

    def _strike(self, moment: float) -> None:
        for _, event in reversed(self._happened(moment)):
            if event.is_structural and event not in self._struck:
                self._struck.append(event)
                self._suffer(event, moment)

    def _suffer(self, event: Event, moment: float) -> None:
        if event.repairs:
            self.repairs = Status(event.repairs, moment)
        elif event.upgrade and not (self.upgrade and self.upgrade.running):
            self._roll([one for one in self._upgradable() if event.concerns(one.id)], None, moment)
        elif event.evict:
            evicted = [one for one in self._members.values() if event.concerns(one.id)]
            if models.deletes_evicted(self._changes[-1].body):
                self._lose([one.id for one in evicted])
            else:
                for one in evicted:
                    self._switch(one, moment, "deallocated")

    def _happened(self, now: float) -> list[tuple[float, Event]]:
        """The events that have come to pass, the latest first."""
        found = [
            (self._changes[event.put - 1].at + event.at, index, event)
            for index, event in enumerate(self._life.events)
            if event.put <= len(self._changes)
        ]
        return [(at, event) for at, _, event in sorted(found, key=lambda item: item[:2], reverse=True) if at <= now]

    def _looks(self, members: Iterable[_Member], now: float) -> list[Instance]:
        happened = self._happened(now)
        newest = self._changes[-1].model
        return [
            replace(found, protection=member.protection) if member.protection else found
            for member in members
            for found in [look(member.run, self._life, now, happened, newest)]
        ]

    # What comes of it.

    def _settle(self, moment: float) -> None:
        """Let end what ends at this moment."""
        if self.upgrade is not None and self.upgrade.running:
            again = self.upgrade.step(moment, self._looks(self._members.values(), moment), self._renew)
            self._expect([again] if again is not None and again > moment else [])
        for number, deed in enumerate(self._deeds):
            if number not in self.outcomes and (found := self._judge(number, deed, moment)) is not None:
                self.outcomes[number] = found
                self._conclude(number, deed, found.ended)
        while self._leaving and self._leaving[0][0] <= moment:
            self._members.pop(heapq.heappop(self._leaving)[1], None)

    def _judge(self, number: int, deed: Deed, moment: float) -> Outcome | None:
        """How an operation ended; None if it had not by now.

        It waits for its rolling upgrade and for the instances that it concerns, and fails with the first that fails.
        """
        if number in self._known:
            return self._known[number] if self._known[number].ended <= moment else None
        if deed.kind in INSTANT or deed.kind in ("delete", "deallocate", "poweroff"):
            return Outcome(moment) if deed.kind in INSTANT or moment >= deed.at + BRIEF else None
        if moment < deed.at + BRIEF:
            return None
        found = self._looks(self._awaited(deed), moment)
        failed = next((_failure(one, moment) for one in found if one.failed), None)
        if failed is not None:
            return failed
        upgrade = self._upgrades.get(number)
        if upgrade is not None and upgrade.outcome is None:
            return None
        if upgrade is not None and upgrade.outcome is not None and upgrade.outcome.code:
            return replace(upgrade.outcome, ended=moment)
        return Outcome(moment) if all(one.provisioned and one.power.word != "starting" for one in found) else None

    def _awaited(self, deed: Deed) -> list[_Member]:
        if deed.kind == "put":
            return [one for one in self._members.values() if one.origin == deed.change.number and not one.surplus]
        return [] if deed.kind == "rollingupgrade" else self._concerned(deed)

    def _conclude(self, number: int, deed: Deed, moment: float) -> None:
        """What follows the first end of a change's operation: surplus leaves, Automatic policy applies the model."""
        change = deed.change
        if deed.kind != "put" or any(one.change is change for one in self._deeds[:number] if one.kind == "put"):
            return
        for member in self._members.values():
            if member.surplus and member.origin == change.number:
                heapq.heappush(self._leaving, (moment + self._life.surplus_stays, member.id))
                self._expect([moment + self._life.surplus_stays])
        if change.has_new_model and models.upgrade_mode(change.body) == "automatic":
            for member in self._upgradable():
                if member.run.change.number < change.number:
                    self._renew(member.id, change, moment)


_DEEDS = {
    "put": Story.put,
    "manualupgrade": Story.renewed,
    "reimage": Story.renewed,
    "start": Story.switched,
    "restart": Story.switched,
    "deallocate": Story.switched,
    "poweroff": Story.switched,
    "delete": Story.deleted,
    "rollingupgrade": Story.rolled,
    "cancel": Story.cancelled,
    "protect": Story.protected,
    "repairs": Story.repaired,
}


def _failure(instance: Instance, moment: float) -> Outcome:
    if instance.vm.word == "failed":
        return Outcome(moment, _detail(instance.vm, "InternalExecutionError"), instance.vm.message or _NO_REASON)
    name, status = next(item for item in instance.extensions.items() if item[1].word == "failed")
    said = status.message or f"terminated with exit code {_detail(status, 'unknown')}"
    message = f"A VM reported a failure when processing extension '{name}'. Error message: \"{said}\"."
    return Outcome(moment, "VMExtensionProvisioningError", message)


def _detail(status: Status, otherwise: str) -> str:
    return status.code.partition("/")[2] or otherwise
