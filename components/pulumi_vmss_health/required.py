"""The last resource of a program whose gate only warns: it fails the update with the gate's reasons.

A gate with `on_failure="warn"` lets the program go on, so that traffic can move back; this resource, which depends on
whatever moved, then makes the run fail. It asks Azure nothing. The module path and name of the provider class, its
token and the stored keys are in users' state: they never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from pulumi_vmss_health.judging.findings import Reason, State, Verdict
from pulumi_vmss_health.stored import SKIPPED
from pulumi_vmss_health.telling.failure import causes
from pulumi_vmss_health.telling.folding import folded
from vmss_instance_view.pulumi.calls import current_call
from vmss_instance_view.pulumi.options import check_type

_OUTPUTS = ("healthy", "state", "message", "reasons")
_TEXTS = ("code", "subject", "have", "want", "message", "hint")  # of a reason, in the order of its class
_AGAIN = (
    "next: mend it, then run `pulumi up` again; a gate that only warned looks again by itself "
    'if it has recheck="always", otherwise only after a change'
)

T = TypeVar("T")


class HasVerdict(Protocol):
    """What tells whether it passed, and why not: a gate."""

    @property
    def healthy(self) -> pulumi.Output[bool]:
        """Whether it passed."""

    @property
    def state(self) -> pulumi.Output[str]:
        """How its last run ended."""

    @property
    def message(self) -> pulumi.Output[str]:
        """The result in one line."""

    @property
    def reasons(self) -> pulumi.Output[Sequence[Mapping[str, object]]]:
        """The causes, worst first."""


class RequireHealthyProvider(ResourceProvider):
    """Fails in create and update while the gate has not passed; stays armed until it has."""

    # By reference in state: without this Pulumi stores 40 bytes as an encrypted blob.
    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Report a change while armed; else let the engine compare what the gate says now."""
        return DiffResult(changes=None if _passed(olds) else True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Fail unless the gate passed."""
        id_ = uuid4().hex
        return CreateResult(id_, _passing(id_, props))

    def update(self, id_: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Fail unless the gate passed."""
        return UpdateResult(_passing(id_, news))


def _passing(id_: str, props: dict[str, Any]) -> dict[str, Any]:
    """Return the outputs if the gate passed; else fail the call with the gate's reasons, and keep the outputs."""
    if _passed(props):
        return props
    raise current_call().partial_failure(id_, props, [folded(line) for line in _lines(props)])


def _passed(told: Mapping[str, Any]) -> bool:
    """Return whether the gate passed, or its user told it not to look."""
    return told.get("healthy") is True or told.get("state") == SKIPPED


def _lines(told: Mapping[str, Any]) -> list[str]:
    """Return the headline, each cause with what to do next, and how to go on."""
    message = told.get("message") or f"its state is {told.get('state')}"
    verdict = Verdict(State.FAILING, tuple(map(_reason, told.get("reasons") or ())))
    return [f"the gate did not pass: {message}", *causes(verdict), _AGAIN]


def _reason(told: Mapping[str, Any]) -> Reason:
    code, subject, have, want, message, hint = (str(told.get(key) or "") for key in _TEXTS)
    state = State.__members__.get(str(told.get("state")).upper(), State.FAILING)
    return Reason(code, subject, have, want, message, hint, state)


class RequireHealthy(Resource, module="vmss-health", name="RequireHealthy"):
    """Fails the update with the gate's own reasons unless the gate passed.

    For a gate with `on_failure="warn"` and `recheck="always"`: what follows `gate.healthy`, such as the traffic, moves
    back first, then the update fails.

        vmss.RequireHealthy("green", gate=gate, opts=pulumi.ResourceOptions(depends_on=[traffic]))

    Without `recheck="always"` a gate that warned does not look again by itself, and this resource repeats what it said.
    A gate with `skip=True` fails nothing: its user let it pass.
    """

    def __init__(self, resource_name: str, *, gate: HasVerdict, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare it.

        gate: a `ScaleSetHealthGate` or a `FleetHealthGate`.
        opts: `depends_on` names what has to be done before the update fails.
        Raises TypeError or ValueError that names the argument.
        """
        _check(gate, opts)
        # A gate that passed tells its elapsed time, which is another one in each run and no change here.
        inputs = {
            "healthy": gate.healthy,
            "state": gate.state,
            "message": _unless_healthy(gate, gate.message),
            "reasons": _unless_healthy(gate, gate.reasons),
        }
        super().__init__(RequireHealthyProvider(), resource_name, inputs, opts)


def _check(gate: object, opts: pulumi.ResourceOptions | None) -> None:
    # An Output has every attribute, whatever it will be.
    is_gate = all(isinstance(getattr(gate, name, None), pulumi.Output) for name in _OUTPUTS)
    if isinstance(gate, pulumi.Output) or not is_gate:
        raise TypeError(f"gate must be a ScaleSetHealthGate or a FleetHealthGate, not {type(gate).__name__}")
    check_type(opts)
    if opts is not None and opts.ignore_changes:
        raise ValueError("opts.ignore_changes would keep what the gate said before: remove it")


def _unless_healthy(gate: HasVerdict, output: pulumi.Output[T]) -> pulumi.Output[T | None]:
    def told(both: Sequence[Any]) -> T | None:
        healthy, known = both
        return None if healthy else known

    return pulumi.Output.all(gate.healthy, output).apply(told)
