"""Replay a recorded wait under a policy: its own or another one. Asks nobody and takes no time. Pure.

The real memory of a wait is given what the looks saw, at the moments at which they ended. Where the evidence does not
say what would have happened, the replay says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pulumi_vmss_health.evidence.bodies import rebuilt
from pulumi_vmss_health.evidence.reading import moment
from pulumi_vmss_health.evidence.recorder import depth_name
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Ask, Context, Depth, Snapshot
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import OF_THE_POLICY, Memory
from pulumi_vmss_health.waiting.prospects import NO_CAPACITY, refusal
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.errors import AzureError, ConfigurationError, InstanceViewError

_AT_THE_TIMEOUT = 1.0  # seconds behind it: a look that began by then is the one that a wait makes at its timeout
_DEPTHS = {depth_name(each): each for each in Depth}


@dataclass(frozen=True, slots=True)
class Replayed:
    """How the wait would have ended. unknown: why that is not known; "" if it is.

    If it is not known, the outcome's ending is TIMED_OUT where the looks end too early, and UNREADABLE where they lack
    what would have to be judged.
    """

    outcome: Outcome
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """A look. sight: what it saw, or why it failed."""

    at: float
    ended: float
    ask: Ask
    sight: Snapshot | InstanceViewError


def recorded_policy(wait: Mapping[str, Any]) -> GatePolicy:
    """Return the policy that a wait had. Raises ValueError or TypeError for one that this version does not know."""
    return limited(GatePolicy.from_json(wait["policy"]), wait)


def limited(policy: GatePolicy, wait: Mapping[str, Any]) -> GatePolicy:
    """Return a policy with the limit that a wait had, wherever it was set. Raises ValueError if it is too short."""
    limit = timedelta(seconds=wait["limitSeconds"])
    return policy if policy.timeout_seconds == limit.total_seconds() else policy.within(limit)


def replay(wait: Mapping[str, Any], policy: GatePolicy) -> Replayed:
    """Judge what a wait saw by a policy. wait: checked. Raises ValueError for bodies that cannot be read."""
    passed = None if wait["passedBefore"] is None else moment(wait, "passedBefore")
    limit = policy.timeout_seconds
    source = wait["limitSource"] if limit == wait["limitSeconds"] else OF_THE_POLICY
    memory = Memory(policy, 0.0, Context(passed, wait["beforeFirstPass"]), source)
    if policy.rolling_upgrade == "wait" and recorded_policy(wait).rolling_upgrade == "ignore":
        why = "this policy judges rolling upgrades, which the recorded wait did not read (rolling_upgrade='ignore')"
        return Replayed(Outcome(Ending.UNREADABLE, memory.progress), why)
    for look in _looks(wait):
        if look is None:
            since = format_seconds(memory.progress.elapsed)
            why = f"what was seen after {since} is not in the file, which holds at most 8 MiB of a wait"
            return Replayed(Outcome(Ending.UNREADABLE, memory.progress), why)
        if look.at > limit + _AT_THE_TIMEOUT or memory.progress.elapsed >= limit:
            return _timed_out(memory, look, policy)
        if policy.capacity is not None and _lacks_capacity(look.sight):
            why = "the recorded wait saw nothing, because its policy named no capacity"
            return Replayed(Outcome(Ending.UNREADABLE, memory.progress), why)
        ending = _feed(memory, look, policy)
        # Shortly before its timeout a gate looks at the whole: a part may end the recorded wait alone.
        may_be_last = look.ask.depth is Depth.FULL or limit == wait["limitSeconds"]
        if ending is None and memory.progress.elapsed >= limit and may_be_last:
            ending = Ending.TIMED_OUT
        if ending is not None:
            return Replayed(Outcome(ending, memory.progress))
    return _after_the_last(memory, wait, policy)


def _looks(wait: Mapping[str, Any]) -> Iterator[_Look | None]:
    """Yield each look; None, and nothing more, where one does not tell what it saw."""
    looks: Sequence[Mapping[str, Any]] = wait["looks"]
    for number, (look, snapshot) in enumerate(zip(looks, rebuilt(looks), strict=True)):
        if "bodies" not in look or (number and wait["capped"]["looksLeftOut"]):
            yield None
            return
        since = float("-inf") if look["since"] is None else look["since"]
        sight = snapshot or _error(look["error"] or {"kind": None})
        yield _Look(look["at"], look["at"] + look["took"], Ask(_DEPTHS[look["depth"]], since), sight)


def _lacks_capacity(sight: Snapshot | InstanceViewError) -> bool:
    return isinstance(sight, ConfigurationError) and str(sight).startswith(NO_CAPACITY)


def _feed(memory: Memory, look: _Look, policy: GatePolicy) -> Ending | None:
    """Let memory know of a look, as `watch` does."""
    memory.begins(look.ask)
    is_first = memory.progress.snapshot is None
    if isinstance(look.sight, InstanceViewError):
        return memory.lost(look.sight, look.ended)
    model = look.sight.scale_set
    if is_first and model is not None and (why := refusal(model, policy)):
        return memory.lost(ConfigurationError(why), look.ended)
    return memory.saw(look.sight, look.ended, took=look.ended - look.at, depth=look.ask.depth)


def _timed_out(memory: Memory, next_one: _Look, policy: GatePolicy) -> Replayed:
    """End at the timeout, where a gate looks once more: a look that was not recorded."""
    limit = memory.progress.limit
    outcome = Outcome(Ending.TIMED_OUT, memory.time_is_up(limit))
    due = memory.due_in(limit)
    if (due is not None and due <= 0) or _feed(memory, next_one, policy) is not None:
        return Replayed(outcome, _no_look_at(limit))
    return Replayed(outcome)


def _no_look_at(limit: float) -> str:
    return f"a look at the timeout of {format_seconds(limit)} could have decided, and there was none at that time"


def _after_the_last(memory: Memory, wait: Mapping[str, Any], policy: GatePolicy) -> Replayed:
    """End where nothing more was recorded."""
    elapsed, limit = wait["elapsedSeconds"], memory.progress.limit
    if elapsed >= limit:
        outcome = Outcome(Ending.TIMED_OUT, memory.time_is_up(elapsed))
        return Replayed(outcome, "" if policy == recorded_policy(wait) else _no_look_at(limit))
    if wait["ending"] == Ending.CANCELLED.value:
        return Replayed(Outcome(Ending.CANCELLED, memory.time_is_up(elapsed)))
    why = f"the recorded looks end after {format_seconds(elapsed)}, before this policy would have decided"
    return Replayed(Outcome(Ending.TIMED_OUT, memory.progress), why)


def _error(told: Mapping[str, Any]) -> InstanceViewError:
    """Make an error of its record. Raises ValueError for one that this version does not know."""
    kinds = {each.__name__: each for each in _with_subclasses(InstanceViewError)}
    if told["kind"] not in kinds:
        raise ValueError(f"this version does not know the error {told['kind']!r}")
    kind = kinds[told["kind"]]
    error = kind.__new__(kind)
    InstanceViewError.__init__(error, told["message"])
    if isinstance(error, AzureError):
        error.status, error.code, error.retry_after = told["status"], told["code"] or "", told["retryAfter"]
    return error


def _with_subclasses(kind: type[InstanceViewError]) -> list[type[InstanceViewError]]:
    return [kind, *(each for subclass in kind.__subclasses__() for each in _with_subclasses(subclass))]
