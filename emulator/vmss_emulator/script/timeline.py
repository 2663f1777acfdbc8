"""The timeline: what happens to which scale set when, and which requests go wrong. This is the whole format.

```yaml
scale_sets:
  "*":                            # every set without an entry of its own; what is left out is as shown here
    boot: 1s                      # until a new VM is there
    extension: 1s                 # then each extension of the model installs, all at once
    extensions: {cse: 2s}         # one that takes its own time (default: none does)
    healthy: 2s                   # then, until the application is healthy
  web:                            # also web1a2b3c4d, as Pulumi names it; a pattern such as "web-*" fits several sets
    list_carries: [extensions, health, standby]  # what the expanded list of the set's VMs tells; [] is what Azure's
                                  # documentation shows: statuses and domains, in Uniform mode the agent
    standby: 2                    # VMs in a Flexible set's standby pool, which do not count (default: 0)
    standby_power: deallocated    # or running
    attached: 3                   # VMs attached one by one to a Flexible set without a model (default: 0): of their
                                  # extensions and health they tell what events say
    untagged: [2]                 # a Flexible set's VMs without the tag of their profile's time (default: none); or all
    omit_mode: true               # the model does not name its orchestration mode, as in older versions of the API
    surplus: 1                    # instances too many that a set which overprovisions creates (default: 0);
    surplus_stays: 2s             # they leave so long after the operation: the lowest ids of the new ones
    patience: 2s                  # for how long a rolling upgrade waits for a batch that should be healthy
    pause: 1s                     # between batches (default: as the policy says)
    events:
      # Of instances. From their moment on they win over the natural life, and later ones over earlier ones.
      - {put: 2, at: 0s, instances: [1], health: unhealthy}     # healthy, unhealthy, initializing, unknown
      - {put: 3, at: 1s, instances: [2], extension: cse, state: failed/50, message: "exit status 50"}
      - {put: 3, at: 2s, state: failed/OSProvisioningTimedOut, message: "no signal from the guest"}
      - {put: 3, at: 5s, instances: [0], power: deallocated}    # starting, running, stopping, stopped, ...
      - {put: 3, at: 6s, instances: [0], agent: unavailable, message: "no heartbeat"}  # while the VM runs; or ready
      - {put: 3, at: 9s, instances: [0, 1], evict: true}        # deallocated or deleted, by the eviction policy
      - {put: 3, at: 40s, heal: true}                           # natural again, switched on; who is gone stays gone
      # Of the whole set.
      - {put: 3, at: 50s, upgrade: true}                        # Azure's own rolling upgrade, of all or of `instances`
      - {put: 3, at: 55s, cancel: true}                         # the operation that is under way
      - {put: 3, at: 60s, repairs: Suspended}                   # or Running, NotRunning
faults:                           # the first rule that matches and is due answers; the remote control never fails
  # Which requests: METHOD or *, a glob for the path and perhaps one for the decoded query; from which on, how many.
  - {match: "GET */instanceView", after: 2, times: 3, status: 503, code: ServerBusy, message: "busy", retry_after: 1}
  - {match: "GET */virtualMachines", query: "*$expand=*", status: 429, retry_after: 30s}   # 30s: as a date; or any text
  - {match: "GET */web", status: 307, headers: {Location: "{url}/x", X-Twice: [a, b]}}     # {url}: the emulator's
  - {match: "GET */web", headers: {Retry-After: "5"}}     # headers alone: laid over the true answer's, as below
  - {match: "GET */web", body: {value: [], nextLink: "https://elsewhere"}}      # JSON; a text is sent as it is
  - {match: "POST */token", hang: headers}                # no answer; hang: body - half of it, then silence
  - {match: "GET */web", reset: true}                     # the connection is reset
  - {match: "GET */web", cut: true}                       # half of the body, then the connection is closed
  - {match: "GET */web", trickle: 200ms}                  # a byte of the body at a time
  - {match: "GET */web", trickle_headers: 200ms}          # a byte of the headers at a time, then the body
  - {match: "GET */web", bomb: 200MB}                     # a small packed body that unpacks to an empty list so large
  - {match: "GET */virtualMachines", endless: true}       # each page has another nextLink
  - {match: "GET */instanceView", claims: true}           # 401 until the token was asked for with the claims wanted
quota:                            # absent: no limits; true: as Azure documents them; or what differs from that
  view: {size: 30, per_minute: 10}
  headers: true                   # tell what is left of Compute's buckets, as Azure did until 2024 (default: no)
  retry_after: 1200               # seconds that each 429 asks for, as in Azure's own samples (default: what is needed)
```

`put` counts the PUTs and PATCHes that changed something, the create being 1; `at` counts from that one's arrival.
`instances` are indices, also where a Flexible set gives its VMs names; left out, or `all`, it means every instance.
The buckets of `quota` are named in the module of that name, faults are explained in theirs.

A timeline is data: frozen, validated when read, and knows neither a clock nor a scale set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import cast

from vmss_emulator.durations import parse_duration
from vmss_emulator.protocol.quota import Quota
from vmss_emulator.script import timeline_text
from vmss_emulator.script.events import KEYS as EVENT_KEYS
from vmss_emulator.script.events import Event, instance_ids
from vmss_emulator.script.faults import KEYS as FAULT_KEYS
from vmss_emulator.script.faults import Fault
from vmss_emulator.sections import Section, TimelineError, count, flag, one_of, shown

__all__ = ["Event", "Life", "Timeline", "TimelineError"]

_AUTONAMED = re.compile("(?<=.)[0-9a-f]{8}$")
LIST_CARRIES = ("extensions", "health", "standby")

KEYS = ("scale_sets", "faults", "quota")
LIFE_KEYS = (
    "boot",
    "extension",
    "extensions",
    "healthy",
    "events",
    "list_carries",
    "standby",
    "standby_power",
    "attached",
    "untagged",
    "omit_mode",
    "surplus",
    "surplus_stays",
    "patience",
    "pause",
)


@dataclass(frozen=True, slots=True)
class Life:
    """How the instances of one scale set live; durations in seconds.

    Attributes:
        boot: until a new VM is there.
        extension: for each extension, unless `extensions` names it.
        healthy: after the extensions, until the application is healthy.
        list_carries: what the expanded list of a set's VMs tells; None: what the emulator was told.
        standby: VMs that wait in a Flexible set's standby pool.
        standby_power: what they do meanwhile: `deallocated` or `running`.
        attached: VMs that were attached one by one to a Flexible set without a model.
        untagged: the ids of a Flexible set's VMs that have no tag with the time of their profile; None: all.
        omit_mode: the model does not name its orchestration mode, as in older versions of the API.
        surplus: how many instances too many a set that overprovisions creates.
        surplus_stays: for how long after the operation has ended.
        patience: for how long a rolling upgrade waits for a batch that is not healthy when it should be.
        pause: between two batches of a rolling upgrade; None: what the policy says.
    """

    boot: float = 1.0
    extension: float = 1.0
    extensions: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    healthy: float = 2.0
    events: tuple[Event, ...] = ()
    list_carries: frozenset[str] | None = None
    standby: int = 0
    standby_power: str = "deallocated"
    attached: int = 0
    untagged: frozenset[int] | None = frozenset()
    omit_mode: bool = False
    surplus: int = 0
    surplus_stays: float = 2.0
    patience: float = 2.0
    pause: float | None = None

    @classmethod
    def parse(cls, section: Section) -> Life:
        """Read the entry of one set; the section keeps its mistakes."""
        usual, named = cls(), section.section("extensions")
        return cls(
            boot=section.duration("boot", usual.boot),
            extension=section.duration("extension", usual.extension),
            extensions=MappingProxyType({name: named.duration(name, 0.0) for name in named.names()}),
            healthy=section.duration("healthy", usual.healthy),
            events=tuple(Event.parse(event) for event in section.sections("events", EVENT_KEYS)),
            list_carries=section.read("list_carries", _carried, None),
            standby=section.read("standby", _machines, 0),
            standby_power=section.read("standby_power", one_of("deallocated", "running"), usual.standby_power),
            attached=section.read("attached", _machines, 0),
            untagged=section.read("untagged", instance_ids, usual.untagged),
            omit_mode=section.read("omit_mode", flag, False),
            surplus=section.read("surplus", _machines, 0),
            surplus_stays=section.duration("surplus_stays", usual.surplus_stays),
            patience=section.duration("patience", usual.patience),
            pause=section.read("pause", parse_duration, cast("float", None)),
        )

    def installs(self, extension: str) -> float:
        """Return how long an extension takes to install, in seconds."""
        return self.extensions.get(extension, self.extension)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lives of all sets, the faults, and the quota, if there is to be one."""

    lives: Mapping[str, Life] = field(default_factory=lambda: MappingProxyType({}))
    faults: tuple[Fault, ...] = ()
    quota: Quota | None = None

    @classmethod
    def load(cls, source: Timeline | Mapping[str, object] | Path | str | None) -> Timeline:
        """Read a timeline: a path is a file, a string is YAML text, None is a world in which all goes well.

        Raises:
            TimelineError: the first mistake, naming the key and what would be right; its `others` are the rest.
            OSError: if the file cannot be read.
        """
        if source is None or isinstance(source, Timeline):
            return source or cls()
        if isinstance(source, Path):
            source = timeline_text.from_file(source)
        said, repeated = timeline_text.parse(source) if isinstance(source, str) else (source, [])
        section = Section(said, "", KEYS, repeated)
        found = cls._parse(section)
        section.refuse_mistakes()
        return found

    @classmethod
    def _parse(cls, section: Section) -> Timeline:
        sets = section.section("scale_sets")
        _refuse_same_names(sets)
        return cls(
            lives=MappingProxyType({name.lower(): Life.parse(sets.section(name, LIFE_KEYS)) for name in sets.names()}),
            faults=tuple(Fault.parse(fault) for fault in section.sections("faults", FAULT_KEYS)),
            quota=Quota.parse(section),
        )

    def life(self, scale_set: str) -> Life:
        """Return the life of a set by its name (see `entry`), else the defaults."""
        found = self.entry(scale_set)
        return Life() if found is None else self.lives[found]

    def entry(self, scale_set: str) -> str | None:
        """Return the entry that is about a set of this name; None: none is.

        Its own name, else the name that a program has for it, to which Pulumi adds eight digits, else the longest
        pattern that fits, such as `web-*`, of which `*` is the last.
        """
        name = scale_set.lower()
        for own in (name, _AUTONAMED.sub("", name)):
            if own in self.lives:
                return own
        fitting = [pattern for pattern in self.lives if fnmatchcase(name, pattern)]
        return max(fitting, key=len, default=None)


def _refuse_same_names(sets: Section) -> None:
    """Two entries of one set, of which the last would hold."""
    first: dict[str, str] = {}
    for name in sets.names():
        other = first.setdefault(name.lower(), name)
        if other != name:
            sets.complain(f"for Azure this is {shown(other)}, too, whatever the case: make one entry of them", name)


def _machines(value: object) -> int:
    return count(value, most=1000)


def _carried(value: object) -> frozenset[str]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{shown(value)} is not a list of {', '.join(LIST_CARRIES)}")  # noqa: TRY004 - see Section.read
    return frozenset(map(one_of(*LIST_CARRIES), value))
