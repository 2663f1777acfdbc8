"""The timeline: what happens to which scale set when, and which requests go wrong.

```yaml
scale_sets:
  "*":                   # every set without an entry of its own
    boot: 1s             # a VM is created
    extension: 1s        # each extension of the model, after the boot; all at once
    extensions: {cse: 2s}
    healthy: 2s          # after the extensions, until the application is healthy
  web:
    events:              # from their moment on they win over the natural life, and later ones over earlier ones
      - {put: 2, at: 0s, instances: [1], health: unhealthy}
      - {put: 3, at: 1s, instances: [2], extension: cse, state: failed/50, message: "exit status 50"}
      - {put: 3, at: 2s, state: failed/OSProvisioningTimedOut, message: "no signal from the guest"}
      - {put: 3, at: 5s, instances: [0], power: deallocated}
      - {put: 3, at: 40s, heal: true}
faults:                  # checked in order: see the module `faults`
  - {match: "GET */instanceView", after: 2, times: 3, status: 503, retry_after: 1}
```

`put` counts the PUTs and PATCHes that changed something, the create being 1; `at` counts from that one's arrival.
It is data: frozen, validated when read, and knows neither a clock nor a scale set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from vmss_emulator.faults import KEYS as FAULT_KEYS
from vmss_emulator.faults import Fault
from vmss_emulator.sections import Section, TimelineError, count, flag, one_of, text

__all__ = ["Event", "Life", "Timeline", "TimelineError"]

PROVISIONING = ("creating", "updating", "succeeded", "failed", "deleting", "migrating", "transitioning")
POWER = ("starting", "running", "stopping", "stopped", "deallocating", "deallocated", "unknown")
HEALTH = ("healthy", "unhealthy", "initializing", "unknown")

_EVENT_KEYS = ("put", "at", "instances", "health", "extension", "state", "message", "power", "heal")
_LIFE_KEYS = ("boot", "extension", "extensions", "healthy", "events")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to instances; exactly one of health, state, power, heal.

    Attributes:
        put: counted from the arrival of this change of the set, 1 being its create.
        at: seconds after it.
        instances: the ids concerned; None: all.
        extension: whose provisioning state `state` is; None: the VM's own.
        state: a provisioning state, with a detail after a slash where there is one: `failed/50`.
        message: what the guest or Azure says about the state.
        heal: everything natural again.
    """

    put: int = 1
    at: float = 0.0
    instances: frozenset[int] | None = None
    health: str | None = None
    extension: str | None = None
    state: str | None = None
    message: str | None = None
    power: str | None = None
    heal: bool = False

    @classmethod
    def parse(cls, section: Section) -> Event:
        """Read one event.

        Raises:
            TimelineError: naming the key and what would be right.
        """
        if sum(key in section for key in ("health", "state", "power", "heal")) != 1:
            raise TimelineError(f"{section.where}: exactly one of health, state, power, heal must say what happens")
        for key in ("extension", "message"):
            if key in section and "state" not in section:
                raise section.error(key, "goes with a state, such as failed/50")
        return cls(
            put=section.read("put", _put, 1),
            at=section.duration("at", 0.0),
            instances=section.read("instances", _instances, None),
            health=section.read("health", one_of(*HEALTH), "") or None,
            extension=section.read("extension", text, "") or None,
            state=section.read("state", _state, "") or None,
            message=section.read("message", text, "") or None,
            power=section.read("power", one_of(*POWER), "") or None,
            heal=section.read("heal", flag, False),
        )

    def concerns(self, instance: int) -> bool:
        """Is this about the instance?"""
        return self.instances is None or instance in self.instances


@dataclass(frozen=True, slots=True)
class Life:
    """How the instances of one scale set live; durations in seconds."""

    boot: float = 1.0
    extension: float = 1.0
    extensions: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    healthy: float = 2.0
    events: tuple[Event, ...] = ()

    @classmethod
    def parse(cls, section: Section) -> Life:
        """Read the entry of one set.

        Raises:
            TimelineError: naming the key and what would be right.
        """
        usual, named = cls(), section.section("extensions")
        return cls(
            boot=section.duration("boot", usual.boot),
            extension=section.duration("extension", usual.extension),
            extensions=MappingProxyType({name: named.duration(name, 0.0) for name in named.names()}),
            healthy=section.duration("healthy", usual.healthy),
            events=tuple(Event.parse(event) for event in section.sections("events", _EVENT_KEYS)),
        )

    def installs(self, extension: str) -> float:
        """How long an extension takes to install, in seconds."""
        return self.extensions.get(extension, self.extension)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lives of all sets, and the faults."""

    lives: Mapping[str, Life] = field(default_factory=lambda: MappingProxyType({}))
    faults: tuple[Fault, ...] = ()

    @classmethod
    def load(cls, source: Timeline | Mapping[str, object] | Path | str | None) -> Timeline:
        """Read a timeline: a path is a file, a string is YAML text, None is a world in which all goes well.

        Raises:
            TimelineError: naming the key and what would be right.
            OSError: if the file cannot be read.
        """
        if source is None or isinstance(source, Timeline):
            return source or cls()
        if isinstance(source, Path):
            source = _file(source)
        return cls._parse(Section(_yaml(source) if isinstance(source, str) else source, "", ("scale_sets", "faults")))

    @classmethod
    def _parse(cls, section: Section) -> Timeline:
        sets = section.section("scale_sets")
        return cls(
            lives=MappingProxyType({name.lower(): Life.parse(sets.section(name, _LIFE_KEYS)) for name in sets.names()}),
            faults=tuple(Fault.parse(fault) for fault in section.sections("faults", FAULT_KEYS)),
        )

    def life(self, scale_set: str) -> Life:
        """The life of a set by its name: its own entry, else that of `*`, else the defaults."""
        return self.lives.get(scale_set.lower()) or self.lives.get("*") or Life()


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TimelineError(f"not UTF-8: {error}") from None


def _yaml(source: str) -> object:
    import yaml  # slow to import, and many emulators run without a timeline

    try:
        found = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise TimelineError(f"not YAML: {' '.join(str(error).split())}") from None
    if isinstance(found, str):
        raise TimelineError(f"{found!r} is no timeline; give a file as a pathlib.Path")
    return {} if found is None else found


def _put(value: object) -> int:
    number = count(value)
    if number < 1:
        raise ValueError("the first PUT, the create, is number 1")
    return number


def _instances(value: object) -> frozenset[int] | None:
    if value == "all":
        return None
    if not isinstance(value, list | tuple):
        raise ValueError(f'{value!r} is neither a list of instance ids nor "all"')  # noqa: TRY004 - see Section.read
    return frozenset(count(item) for item in value)


def _state(value: object) -> str:
    state = text(value)
    if state.split("/")[0] not in PROVISIONING or not re.fullmatch(r"\w+(/[\w.-]+)?", state):
        raise ValueError(f'{value!r} is none of {", ".join(PROVISIONING)}, with or without a detail, as in "failed/50"')
    return state
