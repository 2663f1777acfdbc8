"""What people put into programs with many scale sets: a component that blocks until enough of the sets are healthy."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional

import pulumi
from pulumi.dynamic import Resource
from pulumi.output import Unknown

from pulumi_vmss_health.component import ReasonOutput, options_of, policy_of, without_hooks
from pulumi_vmss_health.fleet_gate import FleetGateProvider
from pulumi_vmss_health.fleets.asked import ALL, AT_FAILURE, check_names, refuse_duplicates, required_of
from pulumi_vmss_health.judging.policy import GatePolicy, check_amount
from vmss_instance_view.keys import stored_key
from vmss_instance_view.pulumi.arguments import (
    ScaleSetInput,
    canonical,
    check_choice,
    check_flag,
    mark_secret_outputs,
    scale_set_id,
)
from vmss_instance_view.pulumi.changes import changes_of
from vmss_instance_view.pulumi.options import (
    check_options,
    custom_timeouts,
    say_whose_identity_reads,
)
from vmss_instance_view.pulumi.outputs import plain
from vmss_instance_view.pulumi.triggers import Triggers, check_triggers, own_triggers, warn_of_unnoticed_changes
from vmss_instance_view.scale_set_id import ScaleSetId

# Pulumi evaluates the outputs' annotations, and its SDK reads Optional, not unions with |.
# ruff: noqa: UP045


@pulumi.output_type
class FleetSetOutput(dict[str, object]):
    """What a fleet's gate found of one scale set. passed_at: when the set last passed this gate."""

    scale_set_id: str = pulumi.property("scaleSetId")
    healthy: bool
    state: str
    message: str
    reasons: Sequence[ReasonOutput]
    orchestration_mode: Optional[str] = pulumi.property("orchestrationMode")
    capacity: Optional[int]
    passed_at: Optional[str] = pulumi.property("passedAt")


class _Fleet(Resource, module="vmss-health", name="FleetGate"):
    """The dynamic resource inside of the component. Its properties have the names that state has."""

    healthy: pulumi.Output[bool]
    state: pulumi.Output[str]
    message: pulumi.Output[str]
    reasons: pulumi.Output[Sequence[ReasonOutput]]
    sets: pulumi.Output[Mapping[str, FleetSetOutput]]
    healthySets: pulumi.Output[int]
    requiredSets: pulumi.Output[int]
    scaleSetIds: pulumi.Output[Mapping[str, str]]
    evidence: pulumi.Output[Optional[dict[str, Any]]]

    def __init__(self, name: str, inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        # Declared as None: only declared outputs resolve, and these are unknown in preview.
        outputs = dict.fromkeys(_Fleet.__annotations__)
        super().__init__(FleetGateProvider(), name, {**inputs, **outputs}, opts)


class FleetHealthGate(pulumi.ComponentResource):
    """Blocks what depends on it until enough of many scale sets are healthy.

    One resource watches them all, on a few threads and within Azure's rate limits; each set is judged as a gate of its
    own would judge it. Where too few sets can still become healthy it fails with the causes: which sets, which
    instances, what to do next. The next `pulumi up` then gates again, and looks at the sets that did not pass.

    Outputs: healthy; state ("healthy", "failing", "timedOut", "skipped", "warned", …); message; reasons; sets, which
    holds what was found of each set by its name; healthy_sets and required_sets, which are numbers; evidence; and
    scale_set_ids, which in `up` resolves once the gate has passed.
    """

    healthy: pulumi.Output[bool]
    state: pulumi.Output[str]
    message: pulumi.Output[str]
    reasons: pulumi.Output[Sequence[ReasonOutput]]
    sets: pulumi.Output[Mapping[str, FleetSetOutput]]
    healthy_sets: pulumi.Output[int]
    required_sets: pulumi.Output[int]
    scale_set_ids: pulumi.Output[Mapping[str, str]]
    evidence: pulumi.Output[Optional[dict[str, Any]]]

    def __init__(
        self,
        resource_name: str,
        *,
        scale_sets: Mapping[str, ScaleSetInput],
        policy: GatePolicy | Mapping[str, Any] | None = None,
        min_healthy_sets: int | str = ALL,
        on_set_failure: Literal["wait", "fail"] = "wait",
        changed_by: Sequence[pulumi.Resource] = (),
        triggers: Sequence[pulumi.Input[Any]] | None = None,
        recheck: Literal["on_change", "always"] = "on_change",
        on_failure: Literal["fail", "warn"] = "fail",
        skip: bool | None = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the gate.

        scale_sets: what to watch, by names of your choice: for each a `pulumi_azure_native.compute.
            VirtualMachineScaleSet`, anything else with an `id`, or an id.
        policy: what is asked of each set, as for `ScaleSetHealthGate`; its timeout is that of the whole fleet.
        min_healthy_sets: how many sets have to be healthy: a count, or a percentage, rounded up.
        on_set_failure: "fail" ends the wait as soon as one set has failed; "wait" goes on while enough other sets can
            still become healthy.
        changed_by, triggers: as for `ScaleSetHealthGate`: a change gates all sets again; a change of one set's `etag`
            or `unique_id` gates that set again.
        recheck: "always" gates all sets in every `pulumi up`, also without a change.
        on_failure: "warn" lets the stack go on with a warning; `healthy` then says False.
        skip: do not look at all; `healthy` then says False, and `state` "skipped".
        opts: as for `ScaleSetHealthGate`.
        Raises ValueError or TypeError that names the argument, and the entry of scale_sets.
        """
        check_options(opts, _ARGUMENTS, inspect.get_annotations(FleetHealthGate))
        identities = _identities(scale_sets)
        _check_minimum(min_healthy_sets, len(identities))
        asked = policy_of(policy)
        timeouts = custom_timeouts(opts.custom_timeouts if opts else None, asked.within)
        secret: list[str] = []
        ids = {name: mark_secret_outputs(_never_none(each), secret, _TELLING) for name, each in identities.items()}
        inputs = {
            "scaleSets": ids,
            "policy": asked.to_json(),
            "minHealthySets": min_healthy_sets,
            "onSetFailure": check_choice("on_set_failure", on_set_failure, AT_FAILURE),
            "triggers": [*check_triggers(triggers), *changes_of(changed_by)],
            "setTriggers": _set_triggers(scale_sets, identities),
            "recheck": check_choice("recheck", recheck, ("on_change", "always")),
            "onFailure": check_choice("on_failure", on_failure, ("fail", "warn")),
            "skip": check_flag("skip", skip),
        }
        super().__init__("vmss-health:index:FleetHealthGate", resource_name, None, without_hooks(opts))
        called = {name: f"scale_sets[{name!r}]" for name in scale_sets}
        named = {called[name]: each for name, each in scale_sets.items()}
        by_name = {called[name]: each for name, each in identities.items()}
        say_whose_identity_reads(self, named, by_name, opts)
        if triggers is None and not (changed_by or skip or recheck == "always"):
            warn_of_unnoticed_changes(self, named, by_name)
        inner = options_of(self, opts or pulumi.ResourceOptions(), timeouts, changed_by, secret, _ARGUMENTS)
        inner.ignore_changes = _with_the_sets_own(inner.ignore_changes)
        inner.replace_on_changes = _with_the_sets_own(inner.replace_on_changes)
        gate = _Fleet(resource_name, inputs, inner)
        for name in inspect.get_annotations(FleetHealthGate):
            setattr(self, name, getattr(gate, stored_key(name)))
        self.scale_set_ids = _given_on(ids, gate)
        self.register_outputs(
            {name: getattr(gate, name).apply(_by_set if name in _BY_SET else plain) for name in _Fleet.__annotations__}
        )


_TELLING = ("sets", "scaleSetIds", "message", "reasons")
"""The outputs that would tell an id that is a secret."""

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "scale_sets": (),
    "policy": tuple(each.name for each in dataclasses.fields(GatePolicy)),
    "min_healthy_sets": (),
    "on_set_failure": (),
    "triggers": (),
    "recheck": (),
    "on_failure": (),
    "skip": (),
}
"""What ignore_changes and replace_on_changes may name, with the fields below it."""


_ALL_TRIGGERS = re.compile(r"""(triggers|\["triggers"\])(\[\*\])?""")


def _with_the_sets_own(paths: Sequence[str] | None) -> list[str]:
    """Return the paths; with all triggers, those of the sets too, which are an input that no user knows."""
    given = paths or ()
    return [*given, *(["setTriggers"] if any(map(_ALL_TRIGGERS.fullmatch, given)) else [])]


def _identities(scale_sets: object) -> dict[str, str | pulumi.Output[str]]:
    """Return the ids of what a user gave, checked where known. Raises ValueError or TypeError, naming the entry."""
    if not isinstance(scale_sets, Mapping):
        hint = "; the names are needed before any Output is known" if isinstance(scale_sets, pulumi.Output) else ""
        example = "{'web-weu': weu, 'web-neu': neu}"
        raise TypeError(f"scale_sets must be a dict such as {example}, not {type(scale_sets).__name__}{hint}")
    check_names(scale_sets)
    ids: dict[str, str | pulumi.Output[str]] = {}
    for name, each in scale_sets.items():
        try:
            ids[name] = scale_set_id(each)
        except (ValueError, TypeError) as error:
            raise type(error)(str(error).replace("scale_set", f"scale_sets[{name!r}]")) from None
    refuse_duplicates((name, ScaleSetId.parse(each)) for name, each in ids.items() if isinstance(each, str))
    return ids


def _never_none(id_: str | pulumi.Output[str]) -> str | pulumi.Output[str]:
    """Return the id, "" for None: Pulumi would leave the entry out, and the gate would pass without that set."""
    return id_.apply(lambda known: "" if known is None else known) if isinstance(id_, pulumi.Output) else id_


def _set_triggers(
    scale_sets: Mapping[str, object], identities: Mapping[str, str | pulumi.Output[str]]
) -> dict[str, Triggers | pulumi.Output[list[Any] | None]]:
    """Return the own triggers of each set that has some."""
    triggers = {name: own_triggers(each, identities[name]) for name, each in scale_sets.items()}
    return {name: _unless_empty(own) for name, own in triggers.items() if isinstance(own, pulumi.Output) or own}


def _unless_empty(own: Triggers) -> Triggers | pulumi.Output[list[Any] | None]:
    """Return triggers; where it turns out that there are none, None: Pulumi leaves that entry out."""
    return own.apply(lambda known: known or None) if isinstance(own, pulumi.Output) else own


def _check_minimum(minimum: object, sets: int) -> None:
    """Refuse what asks for no number of so many sets. Raises ValueError or TypeError, naming it."""
    if isinstance(minimum, pulumi.Output):
        raise TypeError(
            "min_healthy_sets must be a count or a percentage, such as 3 or '90%', not Output; "
            "it is needed before any Output is known"
        )
    check_amount("min_healthy_sets", minimum)  # type: ignore[arg-type] # 1.0, too, which could be one set or all of them
    required_of(minimum, sets)


def _given_on(ids: Mapping[str, str | pulumi.Output[str]], gate: _Fleet) -> pulumi.Output[Mapping[str, str]]:
    """Return the ids for whoever depends on the gate, as the gate of one set does.

    In a preview they are known one by one: a set that is new changes nothing for what depends on another one.
    """
    if pulumi.runtime.is_dry_run():
        known = {name: pulumi.Output.from_input(each).apply(_canonical, True) for name, each in ids.items()}
        return pulumi.Output.all(known, gate.urn)[0]
    return pulumi.Output.all(gate.scaleSetIds, ids)[0]


def _canonical(id_: str) -> str:
    return id_ if isinstance(id_, Unknown) else canonical(id_)


_BY_SET = ("sets", "scaleSetIds")
"""The outputs whose keys are names that the user gave."""


def _by_set(values: Mapping[str, object]) -> dict[str, object]:
    """Return typed outputs as state has them, by the names of the sets, which stay as they are."""
    return {name: plain(each) for name, each in values.items()}
