"""One instance at one moment: what would be natural, and what its events say otherwise.

A new VM boots, then installs all its extensions at once, then its application gets healthy. A new model lets it run
through the same life again, without being absent meanwhile. Moments and durations are seconds on one clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from vmss_emulator.machines import models
from vmss_emulator.machines.history import Change
from vmss_emulator.script.events import Event
from vmss_emulator.script.timeline import Life

# What Azure took for a change that touches no VM was 0 to 1 s (recorded); this much of it is kept.
BRIEF = 0.1
# Of a VM, and of an operation on a set, whose extension failed.
EXTENSION_FAILED = "VMExtensionProvisioningError"

Happened: TypeAlias = Sequence[tuple[float, Event]]


@dataclass(frozen=True, slots=True)
class Status:
    """One state of one thing: `code` without its group, such as `failed/50`."""

    code: str
    since: float
    message: str | None = None

    @property
    def word(self) -> str:
        """The state without the detail."""
        return self.code.partition("/")[0]

    @property
    def detail(self) -> str:
        """What the state is told with, such as `50`; empty where there is nothing."""
        return self.code.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Run:
    """The natural life that an instance is in: what it runs, and since when.

    Attributes:
        instance: the id.
        born: when the instance was created.
        change: the change whose model it runs.
        since: when it got that model.
        switched: when it was last switched off or started by hand; None: never.
        off: `stopped` or `deallocated` since then; None: started.
    """

    instance: int
    born: float
    change: Change
    since: float
    switched: float | None = None
    off: str | None = None

    @property
    def new(self) -> bool:
        """Is this the life of a VM that was not there before?"""
        return self.born == self.since

    def moments(self, life: Life) -> set[float]:
        """Return when something about it changes by itself."""
        booted = self.since + life.boot
        installed = {booted, *(booted + life.installs(name) for name in expected_extensions(self.change))}
        last = max(installed) + life.healthy
        found = {*installed, last, last + life.patience}
        if self.switched is not None:
            started = self.switched + life.boot
            found |= {started, started + life.healthy}
        return found


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
        health: None if the model has nothing that could tell.
        agent: does the guest's agent report?
        silence: what Azure says of an agent that does not.
        tagged: does the VM of a Flexible set have a tag with the time of its profile?
        standby: does it wait in the set's standby pool instead of working?
        protection: from what it is protected: `protectFromScaleIn`, `protectFromScaleSetActions`.
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
    silence: str | None = None
    tagged: bool = True
    standby: bool = False
    protection: frozenset[str] = frozenset()

    @property
    def failures(self) -> Mapping[str, Status]:
        """The extensions that failed, but for those whose failures the model suppresses."""
        return _failures(self.model, self.extensions)

    @property
    def failed(self) -> bool:
        """Did its VM fail, or one of its extensions?"""
        return self.vm.word == "failed" or bool(self.failures)

    @property
    def provisioned(self) -> bool:
        """Are the VM and all extensions of its model there, as far as their failures count?"""
        ended = {name for name, status in self.extensions.items() if status.word in ("succeeded", "failed")}
        return self.vm.word == "succeeded" and not self.failed and ended >= set(expected_extensions(self.model))

    @property
    def unhealthy(self) -> bool:
        """As rolling upgrades count: failed, or an application that answers wrongly or not at all."""
        return self.failed or (self.health is not None and self.health.word in ("unhealthy", "unknown"))

    @property
    def well(self) -> bool:
        """Provisioned, and healthy as far as anything tells."""
        return self.provisioned and (self.health is None or self.health.word == "healthy")


def look(run: Run, life: Life, now: float, happened: Happened, newest: int) -> Instance:
    """Return an instance at a moment.

    Args:
        run: the natural life that it is in.
        life: how long everything takes.
        now: the moment.
        happened: the events that have come to pass, the latest first.
        newest: the number of the set's newest model.
    """
    fate = [(at, event) for at, event in happened if event.concerns(run.instance)]
    healed = next((index for index, (_, event) in enumerate(fate) if event.heal), len(fate))
    if healed < len(fate) and run.switched is not None and fate[healed][0] >= run.switched:
        run = replace(run, switched=None, off=None)
    return _Look(run, life, now, fate[:healed]).instance(newest)


def standby(first: Change, newest: Change, life: Life, now: float) -> list[Instance]:
    """The VMs in the set's standby pool: made with the set, on its newest model, untouched by events. Ids below 0."""
    runs = [Run(-1 - index, first.at, newest, first.at) for index in range(life.standby)]
    waiting = [look(run, life, now, (), newest.model) for run in runs]
    if life.standby_power == "running":
        return [replace(instance, standby=True) for instance in waiting]
    power = Status("deallocated", first.at)
    return [replace(one, standby=True, power=power, extensions={}, health=None, agent=False) for one in waiting]


def expected_extensions(change: Change) -> list[str]:
    """Return the names of the extensions in a model."""
    return [extension["name"] for extension in models.extensions(change.body)]


def _failures(change: Change, extensions: Mapping[str, Status]) -> Mapping[str, Status]:
    suppressed = models.suppressed(change.body)
    return {name: one for name, one in extensions.items() if one.word == "failed" and name not in suppressed}


def said_of(extension: str, status: Status) -> str:
    """Return what Azure says of a VM, and of an operation, because of an extension."""
    said = status.message or f"terminated with exit code {status.detail or 'unknown'}"
    return f"A VM reported a failure when processing extension '{extension}'. Error message: \"{said}\"."


@dataclass(frozen=True, slots=True)
class _Look:
    """The run, the moment, and the events that still count, latest first."""

    run: Run
    life: Life
    now: float
    fate: Happened

    @property
    def booted(self) -> float:
        return self.run.since + self.life.boot

    def instance(self, newest: int) -> Instance:
        absent_yet = self.run.new and self.now < self.booted
        power = self.power(absent_yet)
        silence = self.silence()
        extensions = {name: self.extension(name) for name in self.reported(absent_yet)}
        return Instance(
            id=self.run.instance,
            born=self.run.born,
            model=self.run.change,
            latest=self.run.change.model >= newest,
            vm=self.vm(extensions),
            power=power,
            extensions=extensions,
            health=self.health() if self.reports_health and silence is None else None,
            agent=not absent_yet and not self.switched_off and silence is None,
            silence=silence,
            tagged=self.life.untagged is not None and self.run.instance not in self.life.untagged,
        )

    @property
    def reports_health(self) -> bool:
        """Of a VM without a model nothing is known but what events say."""
        body = self.run.change.body
        said = not models.profile(body) and any(event.health for _, event in self.fate)
        return models.reports_health(body) or said

    def silence(self) -> str | None:
        """Return what Azure says of an agent that an event took away."""
        for _, event in self.fate:
            if event.agent:
                return (event.message or "The guest agent does not respond.") if event.agent != "ready" else None
        return None

    def vm(self, extensions: Mapping[str, Status]) -> Status:
        """Return the VM's provisioning state: failed also where only an extension failed, although the VM runs."""
        for at, event in self.fate:
            if event.state and event.extension is None:
                return Status(event.state, at, event.message)
        for name, status in _failures(self.run.change, extensions).items():
            return Status(f"failed/{EXTENSION_FAILED}", status.since, said_of(name, status))
        return self.natural(self.run.since, self.booted)

    @property
    def switched_off(self) -> bool:
        """Switched off by hand, or still starting since it was switched on again."""
        switched = self.run.switched
        return switched is not None and (self.run.off is not None or self.now < switched + self.life.boot)

    def power(self, absent_yet: bool) -> Status:
        switched = self.run.switched
        for at, event in self.fate:
            if event.power and (switched is None or at >= switched):
                return Status(event.power, at)
        if switched is not None and self.switched_off:
            return Status(self.run.off or "starting", switched)
        return Status("starting" if absent_yet else "running", self.run.born)

    def reported(self, absent_yet: bool) -> list[str]:
        """Return the extensions that the VM says something about: while it boots only those that an event speaks of."""
        names = expected_extensions(self.run.change)
        if not models.profile(self.run.change.body):
            names = list(dict.fromkeys(event.extension for _, event in reversed(self.fate) if event.extension))
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
        if self.run.switched is not None and self.run.off is not None:
            return Status("unknown", self.run.switched)
        healthy = self.installed + self.life.healthy
        if self.run.switched is not None:
            healthy = max(healthy, self.run.switched + self.life.boot + self.life.healthy)
        return Status("healthy", healthy) if self.now >= healthy else Status("initializing", self.run.since)

    @property
    def installed(self) -> float:
        names = expected_extensions(self.run.change)
        return max([self.booted, *(self.booted + self.life.installs(name) for name in names)])
