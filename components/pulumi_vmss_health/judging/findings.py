"""The words of a verdict: states, reasons, and what could not be judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from vmss_instance_view.model import Instance, Status
from vmss_instance_view.text import clean

_MESSAGE = 1500  # characters: with a hint still one line
_NAMED = 5  # instances that a reason names before it counts the rest


class State(IntEnum):
    """The order is the order of badness."""

    HEALTHY = 0
    PROGRESSING = 1
    FAILING = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a set is not healthy; with state HEALTHY, a warning about a set that is.

    code: CamelCase, for programs to match. subject: what it is about, as "instance 3, extension cse". have, want: the
    arithmetic. message: one line. hint: the next thing to do, "" where waiting is all there is to do. instances: the
    ids of all that it is about, where it is about some.
    Each text is cut and cleaned, for it may quote a guest.
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
    """A check that lacked its evidence; its name is cleaned, for it may be an extension's."""

    check: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", clean(self.check))


Finding: TypeAlias = Reason | Unjudged
Findings: TypeAlias = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one snapshot says. unjudged: enabled checks that lacked their evidence; with any, no wait ends in health."""

    state: State
    reasons: tuple[Reason, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the set is healthy and nothing is unjudged: the state alone does not say the second."""
        return self.state is State.HEALTHY and not self.unjudged

    @property
    def is_open(self) -> bool:
        """Whether it neither passes nor fails: something is in progress, or lacks its evidence."""
        return self.state is not State.FAILING and not self.passes


def warning(code: str, subject: str, have: str, want: str, message: str, instances: Sequence[Instance] = ()) -> Reason:
    """What is told of a set although it passes."""
    ids = tuple(each.instance_id for each in instances)
    return Reason(code, subject, have, want, message, "", State.HEALTHY, ids)


def name_instances(instances: Iterable[Instance]) -> str:
    """Instances in words: "no instance", "instance 3", "instances 3 and 7", "instances 0, 1, 2, 3, 4 and 11 more".

    Where they are all of one zone of several, it is named: that is a cause of its own.
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
    """A status code without its group: "failed/VMExtensionProvisioningError"."""
    code = status.code or "unknown"
    return clean(code.partition("/")[2] or code, 80)
