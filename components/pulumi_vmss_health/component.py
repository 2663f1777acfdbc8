"""What people put into their programs: a component that blocks everything depending on it until a set is healthy."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Optional

import pulumi
from pulumi.dynamic import Resource

from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE
from pulumi_vmss_health.gate import HealthGateProvider
from pulumi_vmss_health.judging.policy import GatePolicy
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
    stored_paths,
)
from vmss_instance_view.pulumi.outputs import ExtensionSummaryOutput, StatusOutput, VirtualMachineSummaryOutput, plain
from vmss_instance_view.pulumi.triggers import check_triggers, joined, own_triggers, warn_of_unnoticed_changes

# Pulumi evaluates the outputs' annotations, and its SDK reads Optional, not unions with |.
# ruff: noqa: UP045


@pulumi.output_type
class ReasonOutput(dict[str, object]):
    """Why a set is not healthy; with state "healthy", a warning about a set that is."""

    code: str
    subject: str
    have: str
    want: str
    message: str
    hint: str
    state: str


class _Gate(Resource, module="vmss-health", name="HealthGate"):
    """The dynamic resource inside of the component. Its properties have the names that state has."""

    healthy: pulumi.Output[bool]
    state: pulumi.Output[str]
    message: pulumi.Output[str]
    reasons: pulumi.Output[Sequence[ReasonOutput]]
    statuses: pulumi.Output[Optional[Sequence[StatusOutput]]]
    virtualMachine: pulumi.Output[Optional[VirtualMachineSummaryOutput]]
    extensions: pulumi.Output[Optional[Sequence[ExtensionSummaryOutput]]]
    orchestrationMode: pulumi.Output[Optional[str]]
    capacity: pulumi.Output[Optional[int]]
    scaleSetId: pulumi.Output[str]
    evidence: pulumi.Output[Optional[dict[str, Any]]]

    def __init__(self, name: str, inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        # Declared as None: only declared outputs resolve, and these are unknown in preview.
        outputs = dict.fromkeys(_Gate.__annotations__)
        super().__init__(HealthGateProvider(), name, {**inputs, **outputs}, opts)


class ScaleSetHealthGate(pulumi.ComponentResource):
    """Blocks what depends on it until the scale set's VMs, extensions and application are healthy.

    Where they cannot become so it fails with the cause: which instance, which extension, what the guest said, what to
    do next. A gate that failed gates again in the next `pulumi up`, without any change.

    Outputs: healthy; state ("healthy", "skipped", "warned", …); message; reasons; the view's statuses,
    virtual_machine and extensions; orchestration_mode; capacity; evidence; and scale_set_id, which in `up` resolves
    once the gate has passed: feed it to whatever must not start earlier.
    """

    healthy: pulumi.Output[bool]
    state: pulumi.Output[str]
    message: pulumi.Output[str]
    reasons: pulumi.Output[Sequence[ReasonOutput]]
    statuses: pulumi.Output[Optional[Sequence[StatusOutput]]]
    virtual_machine: pulumi.Output[Optional[VirtualMachineSummaryOutput]]
    extensions: pulumi.Output[Optional[Sequence[ExtensionSummaryOutput]]]
    orchestration_mode: pulumi.Output[Optional[str]]
    capacity: pulumi.Output[Optional[int]]
    scale_set_id: pulumi.Output[str]
    evidence: pulumi.Output[Optional[dict[str, Any]]]

    def __init__(
        self,
        resource_name: str,
        *,
        scale_set: ScaleSetInput,
        policy: GatePolicy | Mapping[str, Any] | None = None,
        changed_by: Sequence[pulumi.Resource] = (),
        triggers: Sequence[pulumi.Input[Any]] | None = None,
        recheck: Literal["on_change", "always"] = "on_change",
        on_failure: Literal["fail", "warn"] = "fail",
        skip: bool | None = False,
        evidence_file: str | os.PathLike[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the gate.

        scale_set: a `pulumi_azure_native.compute.VirtualMachineScaleSet`, anything else with an `id`, or an id.
        policy: what is asked of the set, as a GatePolicy or a dict of its fields; the default asks everything of every
            VM, for at most 30 minutes.
        changed_by: other resources that change the set, such as a `VirtualMachineScaleSetExtension`: the gate waits
            until they are deployed, and gates again when a property of one of them changes, or a file that it takes.
            Of a component, name the resources inside of it.
        triggers: values whose change gates again; the set's `etag` and `unique_id` are triggers by themselves. Where
            these are not known, as of an id from the configuration, an empty list says that to pass once is enough.
        recheck: "always" gates in every `pulumi up`, also without a change.
        on_failure: "warn" lets the stack go on with a warning; `healthy` then says False.
        skip: do not look at all; `healthy` then says False, and `state` "skipped".
        evidence_file: where the gate writes, as JSON, what it saw, each time it runs; relative to the program's folder.
            No input: to set, change or remove it gates nothing again. Each gate needs a file of its own.
        opts: `custom_timeouts` reach the gate and win over the policy's timeout; `ignore_changes` and
            `replace_on_changes` reach it, too, and name these arguments ("triggers", "policy.timeout"), as does
            `additional_secret_outputs`, which names outputs; `hooks` run whenever the gate ran. An explicit
            azure-native provider is refused, for the gate reads with the settings of the stack.
        Raises ValueError or TypeError that names the argument.
        """
        check_options(opts, _ARGUMENTS, inspect.get_annotations(ScaleSetHealthGate))
        asked = policy_of(policy)
        timeouts = custom_timeouts(opts.custom_timeouts if opts else None, asked.within)
        secret: list[str] = []
        given = scale_set_id(scale_set)
        identity = mark_secret_outputs(given, secret, ("scaleSetId", "message", "reasons"))
        inputs = {
            "scaleSet": identity,
            "policy": asked.to_json(),
            "triggers": joined(own_triggers(scale_set, given), [*check_triggers(triggers), *changes_of(changed_by)]),
            "recheck": check_choice("recheck", recheck, ("on_change", "always")),
            "onFailure": check_choice("on_failure", on_failure, ("fail", "warn")),
            "skip": check_flag("skip", skip),
            **_evidence_file(evidence_file),
        }
        super().__init__("vmss-health:index:ScaleSetHealthGate", resource_name, None, without_hooks(opts))
        named, ids = {"the scale set": scale_set}, {"the scale set": given}
        say_whose_identity_reads(self, named, ids, opts)
        if triggers is None and not (changed_by or skip or recheck == "always"):
            warn_of_unnoticed_changes(self, named, ids)
        own = options_of(self, opts or pulumi.ResourceOptions(), timeouts, changed_by, secret, _ARGUMENTS)
        gate = _Gate(resource_name, inputs, own)
        for name in inspect.get_annotations(ScaleSetHealthGate):
            setattr(self, name, getattr(gate, stored_key(name)))
        self.scale_set_id = _given_on(identity, gate)
        self.register_outputs({name: getattr(gate, name).apply(plain) for name in _Gate.__annotations__})


_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "scale_set": (),
    "policy": tuple(each.name for each in dataclasses.fields(GatePolicy)),
    "triggers": (),
    "recheck": (),
    "on_failure": (),
    "skip": (),
}
"""What ignore_changes and replace_on_changes may name, with the fields below it."""


def policy_of(policy: object) -> GatePolicy:
    """Return the policy that a person gave. Raises ValueError or TypeError, naming it and its field."""
    if policy is None:
        return GatePolicy()
    if isinstance(policy, GatePolicy):
        return policy
    if not isinstance(policy, Mapping):
        hint = "; it is needed before any Output is known" if isinstance(policy, pulumi.Output) else ""
        raise TypeError(f"policy must be a GatePolicy, or a dict of its fields, not {type(policy).__name__}{hint}")
    return GatePolicy.of(policy)


def _evidence_file(given: object) -> dict[str, str]:
    """Return the file as an input, if there is one; its path is absolute: the provider may run in another folder."""
    if given is None:
        return {}
    path = os.fspath(given) if isinstance(given, (str, os.PathLike)) else None
    if not isinstance(path, str):
        hint = "; it is needed before any Output is known" if isinstance(given, pulumi.Output) else ""
        raise TypeError(f"evidence_file must be a path, such as 'web.json', not {type(given).__name__}{hint}")
    if not path:
        raise ValueError("evidence_file must be a path, such as 'web.json', not an empty text")
    if "\0" in path:
        raise ValueError("evidence_file must be a path without a NUL character")
    return {EVIDENCE_FILE: str(Path(path).absolute())}


def _given_on(identity: str | pulumi.Output[str], gate: _Gate) -> pulumi.Output[str]:
    """Return the id for whoever depends on the gate: of the set, too, so that it tells which set it is of.

    In a preview the gate's own output is unknown whenever the gate will run. A dependent that takes it would show an
    update each time, or a replacement, which Pulumi refuses for a protected resource: there, it is the id as far as the
    program knows it. Not in `up`: with --continue-on-error the URN of a gate that failed is known, its outputs are not.
    """
    if pulumi.runtime.is_dry_run():
        return pulumi.Output.all(identity, gate.urn).apply(lambda both: canonical(both[0]))
    return pulumi.Output.all(gate.scaleSetId, identity)[0]


def without_hooks(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions | None:
    """Return the options of the component itself: it is never updated, and its gate runs the hooks."""
    own = copy.copy(opts)
    if own is not None:
        own.hooks = None
    return own


def options_of(
    parent: pulumi.Resource,
    given: pulumi.ResourceOptions,
    timeouts: pulumi.CustomTimeouts | None,
    changed_by: Sequence[pulumi.Resource],
    secret: list[str],
    arguments: Mapping[str, Collection[str]],
) -> pulumi.ResourceOptions:
    """Return the component's options that are meant for its gate: Pulumi itself ignores them on components.

    secret: the outputs that have to be secrets by themselves; the user's are added.
    """
    secret.extend(map(stored_key, given.additional_secret_outputs or ()))
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=changed_by,
        custom_timeouts=timeouts,
        hooks=given.hooks,
        additional_secret_outputs=secret,
        ignore_changes=stored_paths(given.ignore_changes, arguments),
        replace_on_changes=stored_paths(given.replace_on_changes, arguments),
    )
