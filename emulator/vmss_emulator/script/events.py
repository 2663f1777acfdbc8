"""Events: what a timeline lets happen to instances of a scale set, against their natural life.

Data: frozen, validated when read, and without a clock or a scale set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vmss_emulator.sections import Section, count, flag, one_of, shown, text

PROVISIONING = ("creating", "updating", "succeeded", "failed", "deleting", "migrating", "transitioning", "canceled")
POWER = ("starting", "running", "stopping", "stopped", "deallocating", "deallocated", "unknown")
HEALTH = ("healthy", "unhealthy", "initializing", "unknown")
AGENT = ("ready", "unavailable")
REPAIRS = ("Running", "Suspended", "NotRunning")

_EFFECTS = ("health", "state", "power", "agent", "heal", "evict", "upgrade", "cancel", "repairs")
KEYS = ("put", "at", "instances", "extension", "message", *_EFFECTS)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to instances or to their set: exactly one of what `_EFFECTS` names.

    Attributes:
        put: counted from the arrival of this change of the set, 1 being its create.
        at: seconds after it.
        instances: the ids concerned; None: all.
        extension: whose provisioning state `state` is; None: the VM's own.
        state: a provisioning state, with a detail after a slash where there is one: `failed/50`.
        message: what the guest or Azure says about the state, or about the agent.
        agent: `unavailable`: it reports no more, while the VM runs; `ready` again.
        heal: everything natural again; an instance that is gone stays gone.
        evict: Azure takes the machines: they are deallocated or deleted, as the model's eviction policy says.
        upgrade: Azure starts a rolling upgrade of its own accord, which brings no other model.
        cancel: the operation on the set that is under way is canceled, and so is its rolling upgrade.
        repairs: the state of the automatic repairs from now on.
    """

    put: int = 1
    at: float = 0.0
    instances: frozenset[int] | None = None
    health: str | None = None
    extension: str | None = None
    state: str | None = None
    message: str | None = None
    power: str | None = None
    agent: str | None = None
    heal: bool = False
    evict: bool = False
    upgrade: bool = False
    cancel: bool = False
    repairs: str | None = None

    @classmethod
    def parse(cls, section: Section) -> Event:
        """Read one event; the section keeps its mistakes."""
        effects = sum(key in section for key in _EFFECTS)
        if effects > 1 or (effects == 0 and section.sound):
            section.complain(f"exactly one of {', '.join(_EFFECTS)} must say what happens")
        if "extension" in section and "state" not in section:
            section.complain("goes with a state, such as failed/50", "extension")
        if "message" in section and "state" not in section and "agent" not in section:
            section.complain("goes with a state, such as failed/50, or with an agent", "message")
        if "instances" in section and ("cancel" in section or "repairs" in section):
            section.complain("goes with none of cancel, repairs, which are of the whole set; leave it out", "instances")
        return cls(
            put=section.read("put", _put, 1),
            at=section.duration("at", 0.0),
            instances=section.read("instances", _concerned, None),
            health=section.read("health", one_of(*HEALTH), "") or None,
            extension=section.read("extension", text, "") or None,
            state=section.read("state", _state, "") or None,
            message=section.read("message", text, "") or None,
            power=section.read("power", one_of(*POWER), "") or None,
            agent=section.read("agent", one_of(*AGENT), "") or None,
            heal=section.read("heal", flag, False),
            evict=section.read("evict", flag, False),
            upgrade=section.read("upgrade", flag, False),
            cancel=section.read("cancel", flag, False),
            repairs=section.read("repairs", one_of(*REPAIRS), "") or None,
        )

    @property
    def is_structural(self) -> bool:
        """Does it change who exists or what the set does, rather than what an instance looks like?"""
        return self.evict or self.upgrade or self.cancel or self.repairs is not None

    def concerns(self, instance: int) -> bool:
        """Return whether this concerns the instance."""
        return self.instances is None or instance in self.instances


def _put(value: object) -> int:
    number = count(value)
    if number < 1:
        raise ValueError("the first PUT, the create, is number 1")
    return number


def instance_ids(value: object) -> frozenset[int] | None:
    """Read instance ids; None: all."""
    if value == "all":
        return None
    if not isinstance(value, list | tuple):
        raise ValueError(f'{shown(value)} is neither a list of instance ids nor "all"')  # noqa: TRY004 - see Section.read
    return frozenset(count(item) for item in value)


def _concerned(value: object) -> frozenset[int] | None:
    found = instance_ids(value)
    if found is not None and not found:
        raise ValueError('an empty list concerns no instance; name some, or write "all"')
    return found


def _state(value: object) -> str:
    state = text(value)
    if state.split("/")[0] not in PROVISIONING or not re.fullmatch(r"\w+(/[\w.-]+)?", state):
        raise ValueError(
            f'{shown(value)} is none of {", ".join(PROVISIONING)}, with or without a detail, as in "failed/50"'
        )
    return state
