"""The words of a verdict: states, reasons, what could not be judged, and the facts that checks start from. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

from pulumi_vmss_health.policy import GatePolicy
from pulumi_vmss_health.snapshot import Snapshot
from vmss_instance_view.model import Instance, Status
from vmss_instance_view.text import clean

_MESSAGE = 1500  # characters: with a hint still one line


class State(IntEnum):
    """The order is the order of badness."""

    HEALTHY = 0
    PROGRESSING = 1
    FAILING = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a set is not healthy; with state HEALTHY, a warning about a set that is.

    code: CamelCase, for programs to match. subject: what it is about, as "instance 3, extension cse". have, want: the
    arithmetic. message: one line. hint: the next thing to do, "" where waiting is all there is to do.
    Each text is cut and cleaned, for it may quote a guest.
    """

    code: str
    subject: str
    have: str
    want: str
    message: str
    hint: str = ""
    state: State = State.FAILING

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


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot, a policy, and what follows from both.

    capacity, required: None where neither policy nor model named the capacity. extensions: names to be judged.
    found: what the checks have found of the instances so far, by check.
    """

    snapshot: Snapshot
    policy: GatePolicy
    capacity: int | None
    required: int | None
    extensions: tuple[str, ...]
    found: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, snapshot: Snapshot, policy: GatePolicy) -> Facts:
        """Derive the facts."""
        capacity = policy.capacity
        if capacity is None and snapshot.scale_set is not None:
            capacity = snapshot.scale_set.capacity
        required = None if capacity is None else policy.required(capacity)
        return cls(snapshot, policy, capacity, required, _extensions(snapshot, policy))

    @property
    def is_manual(self) -> bool:
        """Whether the upgrade policy leaves it to people to bring VMs to the latest model."""
        model = self.snapshot.scale_set
        return model is not None and (model.upgrade_mode or "").lower() == "manual"

    def is_exempt(self, instance: Instance) -> bool:
        """Whether an instance may run an older model: it is protected from changes, or the policy does not mind."""
        if instance.latest_model_applied is not False:
            return False
        return bool(instance.protected_from_scale_set_actions) or self.allows_stale

    @property
    def allows_stale(self) -> bool:
        """Whether instances may run an older model.

        So they may under a Manual policy before the gate ever passed: nobody knows whose change they lack.
        """
        wanted = self.policy.stale_instances
        return wanted == "ignore" or (wanted == "auto" and self.policy.before_first_pass and self.is_manual)

    @property
    def vms(self) -> int:
        """VMs that could pass: those seen, or those still to come."""
        return max(self.snapshot.vms_seen, len(self.snapshot.instances or ()), self.capacity or 0)


def _extensions(snapshot: Snapshot, policy: GatePolicy) -> tuple[str, ...]:
    """The policy's names, else the model's, else (from the view alone) those that the view lists."""
    if policy.extensions != "all":
        return tuple(policy.extensions)
    source = snapshot.view.extensions if snapshot.scale_set is None else snapshot.scale_set.extensions
    ignored = {name.lower() for name in policy.ignore_extensions}
    return tuple(each.name for each in source if each.name and each.name.lower() not in ignored)


def short_code(status: Status) -> str:
    """A status code without its group: "failed/VMExtensionProvisioningError"."""
    code = status.code or "unknown"
    return clean(code.partition("/")[2] or code, 80)
