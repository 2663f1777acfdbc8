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
from dataclasses import replace

from vmss_emulator.machines import models
from vmss_emulator.machines.history import CANCELED, INSTANT, Change, Deed, Outcome
from vmss_emulator.machines.looks import BRIEF, EXTENSION_FAILED, Happened, Instance, Status, said_of
from vmss_emulator.machines.population import Member, Population
from vmss_emulator.machines.upgrades import Policy, Upgrade
from vmss_emulator.script.events import Event
from vmss_emulator.script.timeline import Life

_NO_REASON = "The VM failed to provision, and the timeline does not say why."


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
        self._population = Population(life, self._expect)
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
            moment = heapq.heappop(self._moments)
            if moment not in self._moments[:1]:  # else many expect the same, and once is enough
                self._pass(moment, deeds)
        self.now = now

    @property
    def capacity(self) -> int:
        """How many instances are asked for: less than in the last body if some were deleted or evicted since."""
        return models.capacity(self._changes[-1].body) - self._population.lost

    def instances(self) -> list[Instance]:
        """Return all instances now, by id."""
        return self._looks(self._population.members, self.now)

    @property
    def ids(self) -> list[int]:
        """Whom there is now."""
        return [member.id for member in self._population.members]

    def instance(self, index: int) -> Instance | None:
        """Return one instance now; None if it does not exist."""
        member = self._population.find(index)
        return None if member is None else self._looks([member], self.now)[0]

    def _heed(self, life: Life, now: float) -> None:
        """Let another life hold: all is seen as if it had always held, but who exists and runs what stays.

        What it puts into the past happens now.
        """
        self._life = self._population.life = life
        expected = {moment for member in self._population.members for moment in member.run.moments(life)}
        expected |= {self._changes[event.put - 1].at + event.at for event in self._known_events()}
        self._expect({max(moment, now) for moment in (*expected, now)})

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
            self._population.scale(change)
        if change.has_new_model and models.upgrade_mode(change.body) == "rolling":
            stale = [one for one in self._population.upgradable if one.run.change.model < change.model]
            if stale:
                self._upgrades[number] = self._roll(stale, change, deed.at)
        self._expect([deed.at + BRIEF])

    def renewed(self, _: int, deed: Deed) -> None:
        """Instances get the newest model, or are made anew from it."""
        for member in self._population.concerned(deed):
            self._population.renew(member.id, deed.change, deed.at)
        self._expect([deed.at + BRIEF])

    def switched(self, _: int, deed: Deed) -> None:
        """Instances are started, restarted, or switched off in one of two ways."""
        off = {"deallocate": "deallocated", "poweroff": "stopped"}.get(deed.kind)
        for member in self._population.concerned(deed):
            self._population.switch(member, deed.at, off)
        self._expect([deed.at + BRIEF])

    def deleted(self, _: int, deed: Deed) -> None:
        """Instances go, and are asked for no more."""
        self._population.lose([member.id for member in self._population.concerned(deed)])
        self._expect([deed.at + BRIEF])

    def rolled(self, number: int, deed: Deed) -> None:
        """A client starts a rolling upgrade; where all is the newest already it has nothing to do."""
        stale = [one for one in self._population.upgradable if one.run.change.model < deed.change.model]
        done = [one.id for one in self._population.upgradable if one not in stale]
        self._upgrades[number] = self._roll(stale, deed.change, deed.at, done)
        self._expect([deed.at + BRIEF])

    def cancelled(self, _: int, deed: Deed) -> None:
        """The running upgrade is to stop."""
        if self.upgrade is not None and self.upgrade.running:
            self.upgrade.cancel(deed.at)

    def protected(self, _: int, deed: Deed) -> None:
        """Instances are protected, or no longer."""
        for member in self._population.concerned(deed):
            member.protection = deed.value

    def repaired(self, _: int, deed: Deed) -> None:
        """Automatic repairs are suspended or resumed."""
        self.repairs = Status(str(deed.value), deed.at)

    def _roll(self, stale: Sequence[Member], target: Change | None, moment: float, done: Sequence[int] = ()) -> Upgrade:
        policy = Policy.of(self._changes[-1].body, self._life.pause)
        self.upgrade = Upgrade(policy, target, moment, sorted(one.id for one in stale), list(done))
        # What a timeline lets happen at the very moment of a change is meant as its consequence: the first batch has
        # begun by then.
        earlier = [(at, event) for at, event in self._happened(moment) if at < moment]
        self._go_on(self.upgrade, moment, earlier)
        return self.upgrade

    def _go_on(self, upgrade: Upgrade, moment: float, happened: Happened) -> None:
        instances = self._population.looks(self._population.members, moment, happened, self._changes[-1].model)
        again = upgrade.step(moment, instances, self._population)
        self._expect([again] if again is not None and again > moment else [])

    # What the timeline lets happen to the set as a whole.

    def _strike(self, moment: float) -> None:
        for _, event in reversed(self._happened(moment)):
            if event.is_structural and event not in self._struck:
                self._struck.append(event)
                self._suffer(event, moment)

    def _suffer(self, event: Event, moment: float) -> None:
        if event.repairs:
            self.repairs = Status(event.repairs, moment)
        elif event.cancel:
            self._cancel(moment)
        elif event.upgrade and not (self.upgrade and self.upgrade.running):
            self._roll([one for one in self._population.upgradable if event.concerns(one.id)], None, moment)
        elif event.evict:
            evicted = [one for one in self._population.members if event.concerns(one.id)]
            if models.deletes_evicted(self._changes[-1].body):
                self._population.lose([one.id for one in evicted])
            else:
                for one in evicted:
                    self._population.switch(one, moment, "deallocated")

    def _cancel(self, moment: float) -> None:
        """Cancel what is running; keep what it has already done."""
        for number, deed in enumerate(self._deeds):
            if number not in self.outcomes and deed.kind not in INSTANT:
                self.outcomes[number] = Outcome(moment, CANCELED, "The operation was canceled.")
        if self.upgrade is not None and self.upgrade.running:
            self.upgrade.cancel(moment)

    def _happened(self, now: float) -> list[tuple[float, Event]]:
        """Return the events that have come to pass, the latest first."""
        found = [
            (self._changes[event.put - 1].at + event.at, index, event)
            for index, event in enumerate(self._known_events())
        ]
        return [(at, event) for at, _, event in sorted(found, key=lambda item: item[:2], reverse=True) if at <= now]

    def _known_events(self) -> list[Event]:
        """Those that count from a change that there was already."""
        return [event for event in self._life.events if event.put <= len(self._changes)]

    def _looks(self, members: Sequence[Member], now: float) -> list[Instance]:
        return self._population.looks(members, now, self._happened(now), self._changes[-1].model)

    # What comes of it.

    def _settle(self, moment: float) -> None:
        """Let end what ends at this moment."""
        if self.upgrade is not None and self.upgrade.running:
            self._go_on(self.upgrade, moment, self._happened(moment))
        for number, deed in enumerate(self._deeds):
            if number not in self.outcomes and (found := self._judge(number, deed, moment)) is not None:
                self.outcomes[number] = found
                self._conclude(number, deed, found.ended)
        while self._leaving and self._leaving[0][0] <= moment:
            self._population.leave(heapq.heappop(self._leaving)[1])

    def _judge(self, number: int, deed: Deed, moment: float) -> Outcome | None:
        """Return how an operation ended; None if it had not by now.

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

    def _awaited(self, deed: Deed) -> list[Member]:
        if deed.kind == "put":
            return [one for one in self._population.members if one.origin == deed.change.number and not one.surplus]
        return [] if deed.kind == "rollingupgrade" else self._population.concerned(deed)

    def _conclude(self, number: int, deed: Deed, moment: float) -> None:
        """What follows the first end of a change's operation: surplus leaves, Automatic policy applies the model."""
        change = deed.change
        if deed.kind != "put" or any(one.change is change for one in self._deeds[:number] if one.kind == "put"):
            return
        for member in self._population.members:
            if member.surplus and member.origin == change.number:
                heapq.heappush(self._leaving, (moment + self._life.surplus_stays, member.id))
                self._expect([moment + self._life.surplus_stays])
        if change.has_new_model and models.upgrade_mode(change.body) == "automatic":
            for member in self._population.upgradable:
                if member.run.change.number < change.number:
                    self._population.renew(member.id, change, moment)


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
        return Outcome(moment, instance.vm.detail or "InternalExecutionError", instance.vm.message or _NO_REASON)
    name, status = next(iter(instance.failures.items()))
    return Outcome(moment, EXTENSION_FAILED, said_of(name, status))
