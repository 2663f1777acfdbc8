"""What people put into their programs: a component that blocks everything depending on it until a set is healthy."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Literal, Optional

import pulumi
from pulumi.dynamic import Resource

from pulumi_vmss_health.gate import HealthGateProvider
from pulumi_vmss_health.judging.policy import GatePolicy
from vmss_instance_view.durations import format_duration, parse_duration
from vmss_instance_view.keys import stored_key
from vmss_instance_view.pulumi.arguments import check_options, scale_set_id, telling_secrecy, triggers_of
from vmss_instance_view.pulumi.outputs import ExtensionSummaryOutput, StatusOutput, VirtualMachineSummaryOutput, plain

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
        scale_set: Any,  # noqa: ANN401 - anything with an `id`, or an Input[str]
        policy: GatePolicy | None = None,
        triggers: Sequence[pulumi.Input[Any]] | None = None,
        recheck: Literal["on_change", "always"] = "on_change",
        on_failure: Literal["fail", "warn"] = "fail",
        skip: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the gate.

        scale_set: a `pulumi_azure_native.compute.VirtualMachineScaleSet`, anything else with an `id`, or an id.
        policy: what is asked of the set; the default asks everything of every VM, for at most 30 minutes.
        triggers: values whose change gates again; the set's `etag` and `unique_id` are triggers by themselves.
        recheck: "always" gates in every `pulumi up`, also without a change.
        on_failure: "warn" lets the stack go on with a warning; `healthy` then says False.
        skip: do not look at all; `healthy` then says False, and `state` "skipped".
        opts: `custom_timeouts` reach the gate and win over the policy's timeout; `ignore_changes` and
            `replace_on_changes` reach it, too, and name these arguments ("triggers", "policy.timeout"). An explicit
            azure-native provider is refused, for the gate reads with the settings of the stack.
        Raises ValueError or TypeError that names the argument.
        """
        check_options(opts)
        timeouts = _timeouts(opts.custom_timeouts if opts else None, _policy(policy))
        secret: list[str] = []
        inputs = {
            "scaleSet": telling_secrecy(scale_set_id(scale_set), secret, ("scaleSetId", "message", "reasons")),
            "policy": _policy(policy).to_json(),
            "triggers": triggers_of(scale_set, triggers),
            "recheck": _choice("recheck", recheck, ("on_change", "always")),
            "onFailure": _choice("on_failure", on_failure, ("fail", "warn")),
            "skip": _flag("skip", skip),
        }
        super().__init__("vmss-health:index:ScaleSetHealthGate", resource_name, None, opts)
        own = _options(self, opts or pulumi.ResourceOptions(), timeouts, secret)
        gate = _Gate(resource_name, inputs, own)
        for name in inspect.get_annotations(ScaleSetHealthGate):
            setattr(self, name, getattr(gate, stored_key(name)))
        self.register_outputs({name: getattr(gate, name).apply(plain) for name in _Gate.__annotations__})


def _policy(policy: object) -> GatePolicy:
    if policy is None:
        return GatePolicy()
    if not isinstance(policy, GatePolicy):
        raise TypeError(f"policy must be a GatePolicy, not {type(policy).__name__}")
    return policy


def _choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, not {value!r}")
    return str(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def _options(
    parent: pulumi.Resource,
    given: pulumi.ResourceOptions,
    timeouts: pulumi.CustomTimeouts | None,
    secret: list[str],
) -> pulumi.ResourceOptions:
    """The component's options that are meant for its gate: Pulumi itself ignores them on components."""
    return pulumi.ResourceOptions(
        parent=parent,
        custom_timeouts=timeouts,
        additional_secret_outputs=secret,
        ignore_changes=[stored_key(path) for path in given.ignore_changes or ()],
        replace_on_changes=[stored_key(path) for path in given.replace_on_changes or ()],
    )


def _timeouts(given: pulumi.CustomTimeouts | dict[str, Any] | None, policy: GatePolicy) -> pulumi.CustomTimeouts | None:
    """Create and update stand in for each other: the run after a failed create is an update.

    Raises ValueError or TypeError, naming custom_timeouts, for a time in which the policy cannot be met.
    """
    if given is None:
        return None
    if not isinstance(given, (dict, pulumi.CustomTimeouts)):  # Pulumi takes a dictionary, too
        raise TypeError(f"opts.custom_timeouts must be a pulumi.CustomTimeouts, not {type(given).__name__}")
    asked = given if isinstance(given, dict) else vars(given)
    unknown = sorted(set(asked) - {"create", "update", "delete", "read"})
    if unknown:
        raise ValueError(f"opts.custom_timeouts has no {', '.join(unknown)}; it has create and update")
    create, update = asked.get("create"), asked.get("update")
    return pulumi.CustomTimeouts(
        create=_limit("create", create or update, policy), update=_limit("update", update or create, policy)
    )


def _limit(name: str, value: Any, policy: GatePolicy) -> str | None:  # noqa: ANN401 - a user's argument, to be checked
    """A time-out in the form that the engine reads, which knows no days."""
    if value is None:
        return None
    try:
        limit = parse_duration(value, name)
        policy.within(limit)
    except (ValueError, TypeError) as error:
        raise type(error)(f"opts.custom_timeouts: {error}") from None
    return format_duration(limit)
