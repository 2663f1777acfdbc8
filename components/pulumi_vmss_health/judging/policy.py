"""The policy of a gate: how much of a scale set must be healthy, by which checks, and how long that may take.

A policy is validated when it is made, in the user's program, before anything is deployed. No I/O, no clock.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

from vmss_instance_view.durations import format_duration, parse_duration
from vmss_instance_view.keys import stored_key

_AMOUNT = "a count such as 3 or a percentage such as '90%'"
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_NEVER = "never"  # stored in state for confirm_failure=None, because Pulumi drops a null
_BESIDES_DURATIONS = {
    "hold": "'auto' is allowed, too",
    "confirm_failure": "None is allowed, too: only the timeout then ends the wait",
}

CHOICES = {
    "set_status": ("auto", "required", "ignored"),
    "application_health": ("auto", "required", "ignored"),
    "power_state": ("running", "ignored"),
    "stale_instances": ("auto", "fail", "wait", "ignore"),
    "rolling_upgrade": ("wait", "ignore"),
}


class _Default(str):
    """A default value, distinguishable from the same text given by a user.

    State stores only what the user set, so that a new default in a new version makes no gate run again.
    """

    __slots__ = ()


def _default(text: str) -> Any:  # noqa: ANN401 - stands in for a field's literal type
    return _Default(text)


@dataclass(frozen=True, kw_only=True)
class GatePolicy:
    """What a gate requires. Every field has a default that suits a production deployment.

    min_healthy: VMs that must pass, as a count (int) or a percentage of the capacity ("90%"), rounded up.
    min_healthy_per_zone: the same for each zone of the set: a count, or a percentage of the zone's share of the
        capacity; None: zones are not checked.
    capacity: the expected number of VMs; None: what the scale set's model says when the gate looks.
    extensions: names of the extensions to judge, or "all" that the model has.
    ignore_extensions: names of extensions that do not matter.
    ignore_failure_codes: codes with which a VM's provisioning may fail, as Azure names them behind "failed/":
        "OSProvisioningTimedOut" for images without a VM agent.
    set_status: the last operation on the set: "auto" (its failure is only a warning once enough instances are healthy),
        "required" (it must have succeeded), "ignored".
    application_health: "auto" (every VM must be healthy if the model has a health extension, probe or external policy;
        without one, VMs that report health must be healthy), "required", "ignored".
    power_state: "running" (stopped and deallocated VMs do not count), "ignored".
    stale_instances: VMs that do not run the latest model: "auto" (Automatic and Rolling upgrade policy: wait until
        Azure has updated them; Manual: fail, because nobody will, but only warn until the gate has passed once),
        "fail", "wait", "ignore" (only warn).
    rolling_upgrade: "wait" (until a running one ends; fail if this deployment's own failed), "ignore".
    timeout: how long the gate waits at most.
    hold: how long the set must stay healthy; "auto": for two looks, and for as long as the health extension takes to
        notice a change.
    confirm_failure: how long a failure must last before it ends the wait; None: only the timeout ends the wait.

    Durations are timedeltas or texts such as "90s" and "1h30m".
    Raises ValueError or TypeError, naming the field and what would be right.
    """

    min_healthy: int | str = _default("100%")
    min_healthy_per_zone: int | str | None = None
    capacity: int | None = None
    extensions: Literal["all"] | Sequence[str] = _default("all")
    ignore_extensions: Sequence[str] = ()
    ignore_failure_codes: Sequence[str] = ()
    set_status: Literal["auto", "required", "ignored"] = _default("auto")
    application_health: Literal["auto", "required", "ignored"] = _default("auto")
    power_state: Literal["running", "ignored"] = _default("running")
    stale_instances: Literal["auto", "fail", "wait", "ignore"] = _default("auto")
    rolling_upgrade: Literal["wait", "ignore"] = _default("wait")
    timeout: timedelta | str = _default("30m")
    hold: timedelta | str = _default("auto")
    confirm_failure: timedelta | str | None = _default("60s")

    def __post_init__(self) -> None:
        """Check every field, then whether they agree."""
        for each in fields(self):
            _refuse_output(each.name, getattr(self, each.name))
        check_amount("min_healthy", self.min_healthy)
        if self.min_healthy_per_zone is not None:
            check_amount("min_healthy_per_zone", self.min_healthy_per_zone)
        if self.capacity is not None:
            _check_count("capacity", self.capacity, least=0)
        for name, choices in CHOICES.items():
            _check_choice(name, getattr(self, name), choices)
        if self.extensions != "all":
            self._put("extensions", _names("extensions", self.extensions))
        self._put("ignore_extensions", _names("ignore_extensions", self.ignore_extensions))
        self._put("ignore_failure_codes", _codes("ignore_failure_codes", self.ignore_failure_codes))
        for name in ("timeout", "hold", "confirm_failure"):
            self._put_duration(name, getattr(self, name))
        self._check_agreement()

    def required(self, capacity: int) -> int:
        """Return how many of `capacity` VMs must pass, rounded up."""
        return amount("min_healthy", self.min_healthy, capacity)

    def required_per_zone(self, share: int) -> int:
        """Return how many VMs of a zone's `share` of the capacity must pass, rounded up; 0 if zones are not checked."""
        if self.min_healthy_per_zone is None:
            return 0
        return amount("min_healthy_per_zone", self.min_healthy_per_zone, share)

    @property
    def timeout_seconds(self) -> float:
        """Seconds that the gate waits at most."""
        return parse_duration(self.timeout, "timeout").total_seconds()

    @property
    def hold_seconds(self) -> float | None:
        """Seconds that the set must stay healthy; None for "auto"."""
        return None if self.hold == "auto" else parse_duration(self.hold, "hold").total_seconds()

    @property
    def confirm_seconds(self) -> float | None:
        """Seconds that a failure must last before it ends the wait; None for never."""
        if self.confirm_failure is None:
            return None
        return parse_duration(self.confirm_failure, "confirm_failure").total_seconds()

    def within(self, limit: timedelta) -> GatePolicy:
        """Copy the policy with a timeout from elsewhere, which counts as not set and so is not stored.

        Raises ValueError if the gate cannot pass in that time.
        """
        copied = copy.copy(self)
        copied._put("timeout", _Default(format_duration(limit)))
        copied._check_agreement()
        return copied

    def to_json(self) -> dict[str, object]:
        """Return the fields that were set, as a stack's state stores them."""
        return {stored_key(each.name): _plain(getattr(self, each.name)) for each in fields(self) if self._is_set(each)}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> GatePolicy:
        """Read a policy that `to_json` stored; null, as programs in other languages give it, is a field not set.

        Raises ValueError or TypeError for what this version does not know.
        """
        known = {stored_key(each.name): each.name for each in fields(cls)}
        unknown = sorted(set(stored) - set(known))
        if unknown:
            raise ValueError(f"the policy has fields that this version does not know: {', '.join(unknown)}")
        values: dict[str, Any] = {known[key]: value for key, value in stored.items() if value is not None}
        for name in ("min_healthy", "min_healthy_per_zone", "capacity"):
            if isinstance(values.get(name), float):  # Pulumi passes every number as a float
                values[name] = int(values[name])
        if values.get("confirm_failure") == _NEVER:
            values["confirm_failure"] = None
        return cls(**values)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> GatePolicy:
        """Make a policy of what a person wrote, with names in Python's or in ARM's spelling.

        Raises ValueError or TypeError, naming the field.
        """
        known = {stored_key(each.name): each.name for each in fields(cls)}
        unknown = [key for key in given if stored_key(str(key)) not in known]
        if unknown:
            raise ValueError(f"policy has no field {unknown[0]!r}; it has {', '.join(known.values())}")
        return cls(**{known[stored_key(key)]: value for key, value in given.items()})

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """Return what the docstring says of each field."""
        docstring = inspect.cleandoc(cls.__doc__ or "")  # whose indentation Python 3.13 takes away by itself
        told = re.findall(r"^(\w+): (.*?)(?=^\w+: |^$)", docstring, re.MULTILINE | re.DOTALL)
        return {name: " ".join(text.split()).rstrip(".") for name, text in told}

    def _put(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _put_duration(self, name: str, value: object) -> None:
        """Check a duration, and keep it in the form in which state stores it."""
        if value is None or value == "auto":
            return
        try:
            duration = format_duration(parse_duration(value, name))
        except (TypeError, ValueError) as error:
            if name not in _BESIDES_DURATIONS:
                raise
            raise type(error)(f"{error}; {_BESIDES_DURATIONS[name]}") from None
        self._put(name, _Default(duration) if isinstance(value, _Default) else duration)

    def _is_set(self, of: Field[Any]) -> bool:
        value = getattr(self, of.name)
        return not isinstance(value, _Default) if isinstance(of.default, _Default) else value != of.default

    def _check_agreement(self) -> None:
        both = {name.lower() for name in self.ignore_extensions}
        judged = () if self.extensions == "all" else [name for name in self.extensions if name.lower() in both]
        if judged:
            raise ValueError(f"extensions and ignore_extensions both name {', '.join(judged)}")
        if self.timeout_seconds == 0:
            raise ValueError("timeout must be longer than 0s")
        if (self.hold_seconds or 0) >= self.timeout_seconds:
            raise ValueError(f"hold ({_plain(self.hold)}) must be shorter than timeout ({_plain(self.timeout)})")
        are_set = not isinstance(self.confirm_failure, _Default) and not isinstance(self.timeout, _Default)
        if are_set and (self.confirm_seconds or 0) >= self.timeout_seconds:
            raise ValueError(
                f"confirm_failure ({_plain(self.confirm_failure)}) must be shorter than timeout "
                f"({_plain(self.timeout)}); with None only the timeout ends the wait"
            )
        if self.capacity is not None and self.required(self.capacity) > self.capacity:
            raise ValueError(f"min_healthy ({self.min_healthy}) must not be more than capacity ({self.capacity})")


def _refuse_output(name: str, value: object) -> None:
    """Refuse a Pulumi output, also in a list, and say what to give instead. Told by its name: judging has no Pulumi."""
    for each in value if isinstance(value, (list, tuple)) else [value]:
        if type(each).__name__ == "Output":
            raise TypeError(
                f"{name} must not be an Output: a policy is decided in the program, before anything is deployed; "
                "give the value itself, or read it from the configuration with pulumi.Config"
            )


def check_amount(name: str, value: int | str) -> None:
    """Refuse what is neither a count of at least 1 nor a percentage. Raises ValueError or TypeError, naming it."""
    if isinstance(value, str):
        _percentage(name, value)
    elif isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be {_AMOUNT}, not {type(value).__name__}")
    else:
        _check_count(name, value, least=1)


def amount(name: str, value: int | str, whole: int) -> int:
    """Return how many of `whole` a checked count or percentage is, rounded up."""
    if isinstance(value, int):
        return value
    return int((_percentage(name, value) * whole / 100).to_integral_value(ROUND_CEILING))


def _percentage(name: str, text: str) -> Decimal:
    match = _PERCENT.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{name} must be {_AMOUNT}, not {text!r}")
    percentage = Decimal(match.group(1))
    if not 0 < percentage <= 100:
        raise ValueError(f"{name} must be more than 0% and at most 100%, not {text!r}")
    return percentage


def _check_count(name: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    words = " or ".join(repr(choice) for choice in choices)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be {words}, not {type(value).__name__}")
    if value not in choices:
        raise ValueError(f"{name} must be {words}, not {value!r}")


def _codes(field_name: str, value: object) -> tuple[str, ...]:
    codes = _names(field_name, value, "failure codes")
    for code in codes:
        if "/" in code or code != code.strip():
            short = code.strip().rpartition("/")[2]
            raise ValueError(f"{field_name} must hold the last part of a code, such as {short!r}, not {code!r}")
    return codes


def _names(field_name: str, value: object, what: str = "names of extensions") -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        words = "'all' or a list of names" if field_name == "extensions" else f"a list of {what.partition(' of ')[0]}"
        have = repr(value) if isinstance(value, str) else type(value).__name__
        raise TypeError(f"{field_name} must be {words}, not {have}")
    for name in value:
        if not isinstance(name, str) or not name:
            have = "an empty text" if name == "" else type(name).__name__
            raise TypeError(f"{field_name} must hold {what}, not {have}")
    return tuple(value)


def _plain(value: object) -> object:
    if value is None:
        return _NEVER
    return list(value) if isinstance(value, tuple) else value
