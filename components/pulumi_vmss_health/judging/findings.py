"""The parts of a verdict: its state, its reasons, and the checks that could not be judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from vmss_instance_view.model import Instance, Status
from vmss_instance_view.text import clean

_MESSAGE = 1500  # characters
_NAMED = 5  # instances that a reason names; it counts the others


class State(IntEnum):
    """The state of a set, ordered from best to worst."""

    HEALTHY = 0
    PROGRESSING = 1
    FAILING = 2

    @property
    def word(self) -> str:
        """The state as state files and evidence have it: "healthy"."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a set is not healthy; with state HEALTHY, a warning about a healthy set.

    code: CamelCase, for programs to match. subject: for example "instance 3, extension cse". have, want: the actual and
    the expected value. message: one line for people. hint: what to do next; "" if waiting is enough. instances: the ids
    of all affected instances.
    Each text is shortened and cleaned, because it may quote a guest.
    """

    code: str
    subject: str
    have: str
    want: str
    message: str
    hint: str = ""
    state: State = State.FAILING
    instances: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("code", "subject", "have", "want", "hint"):
            object.__setattr__(self, name, clean(getattr(self, name)))
        object.__setattr__(self, "message", clean(self.message, _MESSAGE))


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A check that lacks the data that it needs; its name is cleaned, because it may contain an extension's name."""

    check: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", clean(self.check))


Finding: TypeAlias = Reason | Unjudged
Findings: TypeAlias = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one snapshot.

    unjudged: enabled checks that lacked the data that they need; while there are any, a gate does not pass.
    ill: the ids of all instances that do not pass every check.
    """

    state: State
    reasons: tuple[Reason, ...] = ()
    unjudged: tuple[str, ...] = ()
    ill: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def passes(self) -> bool:
        """Whether the set is healthy and every enabled check was judged; `state` alone does not say the latter."""
        return self.state is State.HEALTHY and not self.unjudged

    @property
    def is_open(self) -> bool:
        """Whether it neither passes nor fails: something is in progress or could not be judged."""
        return self.state is not State.FAILING and not self.passes


def warning(code: str, subject: str, have: str, want: str, message: str, instances: Sequence[Instance] = ()) -> Reason:
    """Make a warning: a reason that does not keep the set from passing."""
    ids = tuple(each.instance_id for each in instances)
    return Reason(code, subject, have, want, message, "", State.HEALTHY, ids)


def name_instances(instances: Iterable[Instance]) -> str:
    """Name instances: "no instance", "instance 3", "instances 3 and 7", "instances 0, 1, 2, 3, 4 and 11 more".

    If all of several are in one zone, name it, because the zone may be the cause.
    """
    known = list(instances)
    ids = [instance.instance_id for instance in known]
    zones = {zone for instance in known for zone in instance.zones}
    where = f" in zone {zones.pop()}" if len(zones) == 1 and len(ids) > 1 else ""
    shown, more = ids[:_NAMED], len(ids) - _NAMED
    if len(ids) < 2:
        return f"instance {ids[0]}" if ids else "no instance"
    if more > 0:
        return f"instances {', '.join(shown)} and {more} more{where}"
    return f"instances {', '.join(shown[:-1])} and {shown[-1]}{where}"


def short_code(status: Status) -> str:
    """Return a status code without its group: "failed/VMExtensionProvisioningError"."""
    code = status.code or "unknown"
    return clean(code.partition("/")[2] or code, 80)
