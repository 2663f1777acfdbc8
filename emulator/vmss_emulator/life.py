"""How a scale set lives: its instances at a moment, from what was changed when, the timeline, and the moment.

Nothing here is stored, waits, or reads a clock: asked twice about the same moment it says the same, and a test gives
any moment it likes. Moments and durations are seconds on one clock.

The story told is that of a Uniform set. A change that asks for more instances creates them (boot, then all extensions
at once, then the application gets healthy); the operation of that change ends when their boots and extensions have,
and does not wait for health. A change of the VM's model reaches instances that exist already only where the upgrade
policy is not Manual, and only after the operation has ended, as Azure's Automatic mode does: they run through the same
life again, without being absent meanwhile. Rolling mode is told like Automatic until batches are known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from vmss_emulator import models
from vmss_emulator.timeline import Event, Life

# What Azure took for a change that touches no VM was 0 to 1 s (recorded); this much of it is kept.
BRIEF = 0.1


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
    def reaches_running_instances(self) -> bool:
        """Does this change update instances that exist already?"""
        return self.model == self.number > 1 and models.upgrade_mode(self.body) != "manual"


@dataclass(frozen=True, slots=True)
class Status:
    """One state of one thing: `code` without its group, such as `failed/50`."""

    code: str
    since: float
    message: str | None = None

    @property
    def word(self) -> str:
        """The state without the detail."""
        return self.code.split("/")[0]


@dataclass(frozen=True, slots=True)
class Run:
    """The natural life that an instance is in: what it runs, and since when.

    Attributes:
        instance: the id.
        born: when the instance was created.
        change: the change whose model it runs.
        since: when it got that model.
    """

    instance: int
    born: float
    change: Change
    since: float

    @property
    def new(self) -> bool:
        """Is this the life of a VM that was not there before?"""
        return self.born == self.since


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance at a moment.

    Attributes:
        id: Azure's instance id, a number.
        model: the change whose model it runs.
        latest: is that the set's newest model?
        vm: its provisioning state.
        power: its power state.
        extensions: by name, those that the VM reports; none before its first boot has ended.
        health: None where the model has nothing that could tell.
        agent: does the guest's agent report?
    """

    id: int
    born: float
    model: Change
    latest: bool
    vm: Status
    power: Status
    extensions: Mapping[str, Status]
    health: Status | None
    agent: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ended; `code` and `message` say why it failed, None that it succeeded."""

    ended: float
    code: str | None = None
    message: str | None = None


Ended: TypeAlias = Callable[[Change], "Outcome | None"]


def instances(changes: Sequence[Change], life: Life, now: float, ended: Ended) -> list[Instance]:
    """All instances of a set at a moment, by id.

    Args:
        changes: all changes of the set so far.
        life: the natural life of its instances, and the events.
        now: the moment.
        ended: tells how the operation of a change ended; None if it had not by now.
    """
    happened = _happened(changes, life, now)
    newest = changes[-1].model
    return [_instance(run, life, now, happened, newest) for run in _runs(changes, now, ended)]


def outcome(changes: Sequence[Change], number: int, begun: float, life: Life, now: float) -> Outcome | None:
    """How an operation on behalf of a change ended; None if it had not by now.

    It waits for the VMs that the change created and for the extensions on them, and fails with the first that fails.
    """
    change = changes[number - 1]
    added = [run for run in _population(changes[:number]) if run.change is change]
    for moment in sorted(_moments(changes, change, begun, life)):
        if moment > now:
            return None
        happened = _happened(changes, life, moment)
        found = [_instance(run, life, moment, happened, change.model) for run in added]
        judged = _judge(found, moment)
        if judged is not None:
            return judged
    return None


def expected_extensions(change: Change) -> list[str]:
    """The names of the extensions in a model."""
    return [extension["name"] for extension in models.extensions(change.body)]


def _population(changes: Sequence[Change]) -> list[Run]:
    """Who exists after these changes, each as it was created. Ids are never given twice; the highest leave first."""
    alive: list[Run] = []
    unused = 0
    for change in changes:
        wanted = models.capacity(change.body)
        del alive[wanted:]
        missing = wanted - len(alive)
        alive += [Run(unused + index, change.at, change, change.at) for index in range(missing)]
        unused += max(missing, 0)
    return alive


def _runs(changes: Sequence[Change], now: float, ended: Ended) -> Iterator[Run]:
    adopted = [(change, end) for change in changes if (end := _adopted(change, now, ended)) is not None]
    for run in _population(changes):
        current = run
        for change, end in adopted:
            if change.number > run.change.number:
                current = replace(current, change=change, since=max(end, run.born))
        yield current


def _adopted(change: Change, now: float, ended: Ended) -> float | None:
    """When the instances that existed began to get this change's model, if they have by now."""
    if not change.reaches_running_instances:
        return None
    end = ended(change)
    return end.ended if end is not None and end.ended <= now else None


def _happened(changes: Sequence[Change], life: Life, now: float) -> list[tuple[float, Event]]:
    """The events that have come to pass, the latest first."""
    found = [
        (changes[event.put - 1].at + event.at, index, event)
        for index, event in enumerate(life.events)
        if event.put <= len(changes)
    ]
    return [(at, event) for at, _, event in sorted(found, key=lambda item: item[:2], reverse=True) if at <= now]


def _moments(changes: Sequence[Change], change: Change, begun: float, life: Life) -> set[float]:
    """When an operation for a change can end: nothing happens to the change's instances in between."""
    booted = change.at + life.boot
    natural = {booted, *(booted + life.installs(name) for name in expected_extensions(change))}
    events = {changes[event.put - 1].at + event.at for event in life.events if event.put <= len(changes)}
    soonest = begun + BRIEF
    return {soonest} | {moment for moment in natural | events if moment > soonest}


def _judge(added: Sequence[Instance], moment: float) -> Outcome | None:
    for instance in added:
        if instance.vm.word == "failed":
            return Outcome(moment, _detail(instance.vm, "InternalExecutionError"), instance.vm.message or _NO_REASON)
        for name, status in instance.extensions.items():
            if status.word == "failed":
                return Outcome(moment, "VMExtensionProvisioningError", _extension_failed(name, status))
    return Outcome(moment) if all(map(_provisioned, added)) else None


_NO_REASON = "The VM failed to provision, and the timeline does not say why."


def _provisioned(instance: Instance) -> bool:
    installed = [status.word for status in instance.extensions.values()]
    wanted = len(expected_extensions(instance.model))
    return instance.vm.word == "succeeded" and installed == ["succeeded"] * wanted


def _detail(status: Status, otherwise: str) -> str:
    return status.code.partition("/")[2] or otherwise


def _extension_failed(name: str, status: Status) -> str:
    said = status.message or f"terminated with exit code {_detail(status, 'unknown')}"
    return f"A VM reported a failure when processing extension '{name}'. Error message: \"{said}\"."


def _instance(run: Run, life: Life, now: float, happened: Sequence[tuple[float, Event]], newest: int) -> Instance:
    fate = [(at, event) for at, event in happened if event.concerns(run.instance)]
    healed = next((index for index, (_, event) in enumerate(fate) if event.heal), len(fate))
    return _Look(run, life, now, fate[:healed]).instance(newest)


@dataclass(frozen=True, slots=True)
class _Look:
    """One instance at one moment: what would be natural, and which of its events, latest first, say otherwise."""

    run: Run
    life: Life
    now: float
    fate: Sequence[tuple[float, Event]]

    @property
    def booted(self) -> float:
        return self.run.since + self.life.boot

    def instance(self, newest: int) -> Instance:
        absent_yet = self.run.new and self.now < self.booted
        return Instance(
            id=self.run.instance,
            born=self.run.born,
            model=self.run.change,
            latest=self.run.change.model >= newest,
            vm=self.vm(),
            power=self.power(absent_yet),
            extensions={name: self.extension(name) for name in self.reported(absent_yet)},
            health=self.health() if models.reports_health(self.run.change.body) else None,
            agent=not absent_yet,
        )

    def vm(self) -> Status:
        for at, event in self.fate:
            if event.state and event.extension is None:
                return Status(event.state, at, event.message)
        return self.natural(self.run.since, self.booted)

    def power(self, absent_yet: bool) -> Status:
        for at, event in self.fate:
            if event.power:
                return Status(event.power, at)
        return Status("starting", self.run.born) if absent_yet else Status("running", self.run.born)

    def reported(self, absent_yet: bool) -> list[str]:
        """The extensions that the VM says something about: while it boots only those that an event speaks of."""
        names = expected_extensions(self.run.change)
        return [name for name in names if not absent_yet or self.spoken_of(name)]

    def spoken_of(self, extension: str) -> bool:
        return any(event.extension == extension for _, event in self.fate)

    def extension(self, name: str) -> Status:
        for at, event in self.fate:
            if event.state and event.extension == name:
                return Status(event.state, at, event.message)
        return self.natural(self.booted, self.booted + self.life.installs(name))

    def natural(self, begin: float, end: float) -> Status:
        if self.now >= end:
            return Status("succeeded", end)
        return Status("creating" if self.run.new else "updating", min(begin, self.now))

    def health(self) -> Status:
        for at, event in self.fate:
            if event.health:
                return Status(event.health, at)
        installed = max([self.booted, *(self.booted + self.life.installs(n) for n in self.names)])
        healthy = installed + self.life.healthy
        return Status("healthy", healthy) if self.now >= healthy else Status("initializing", self.run.since)

    @property
    def names(self) -> list[str]:
        return expected_extensions(self.run.change)
