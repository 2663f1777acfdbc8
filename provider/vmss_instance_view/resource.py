"""The instance view in a Pulumi program as a dynamic resource: read when it is created, changed or refreshed.

The reader is imported in the provider's methods only: a program that declares these resources talks to no Azure.
The module path and name of the provider class are in users' state: they never change.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Optional
from uuid import uuid4

import pulumi
from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from vmss_instance_view.clock import Stopped
from vmss_instance_view.errors import InstanceViewError, ScaleSetNotFound
from vmss_instance_view.keys import stored_key
from vmss_instance_view.pulumi import pools
from vmss_instance_view.pulumi.arguments import (
    ScaleSetInput,
    as_before,
    check_choice,
    check_flag,
    mark_secret_outputs,
    scale_set_failures,
    scale_set_id,
    switch_failures,
)
from vmss_instance_view.pulumi.calls import Call, current_call
from vmss_instance_view.pulumi.configuration import azure_of
from vmss_instance_view.pulumi.options import check_options, custom_timeouts, say_whose_identity_reads
from vmss_instance_view.pulumi.outputs import (
    ExtensionSummaryOutput,
    OrchestrationServiceOutput,
    StatusOutput,
    VirtualMachineSummaryOutput,
)
from vmss_instance_view.pulumi.triggers import check_triggers, joined, own_triggers
from vmss_instance_view.reading.retry import READ_TIMEOUT
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.viewing import APPEARS_WITHIN, read_outputs

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure

# Pulumi evaluates the outputs' annotations, and its SDK reads Optional, not unions with |.
# ruff: noqa: UP045

_ARGUMENTS: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("scale_set", "include_instances", "triggers", "recheck", "skip"), ()
)
_INPUTS = tuple(map(stored_key, _ARGUMENTS))
# By the names that state and stack outputs have, where those are others than in Python.
_PYTHON_NAMES = {
    stored_key(name): name
    for name in (
        "scale_set",
        "include_instances",
        "scale_set_id",
        "virtual_machine",
        "orchestration_services",
        "orchestration_mode",
        "read_at",
    )
}


class InstanceViewProvider(ResourceProvider):
    """Reads the view on create, update and refresh; a set that is gone drops the resource on refresh."""

    # By reference in state: without this Pulumi stores 40 bytes as an encrypted blob.
    serialize_as_secret_always = False

    _azure: Callable[[], Azure]

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where to read. Does no I/O."""
        pools.install()
        self._azure = azure_of(req)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse, in preview already, an id that can be none, and a switch that is neither on nor off."""
        failures = [*scale_set_failures(news), *switch_failures(news, "include_instances")]
        return CheckResult(as_before(olds, news), failures)

    def diff(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Report a change where the user wants to read in every update; else let the engine compare inputs."""
        # None, not False: the engine then compares itself, which ignore_changes and replace_on_changes rely on.
        return DiffResult(changes=True if news.get("recheck") == "always" else None)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Read the view. The id is opaque: another set is an update, not a replacement."""
        call = current_call()
        with _clean_failures(call):
            return CreateResult(uuid4().hex, self._outputs(call, {}, props))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Read the view anew."""
        call = current_call()
        with _clean_failures(call):
            return UpdateResult(self._outputs(call, olds, news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read the view anew, for a refresh; an empty id takes the resource of a vanished set out of the state."""
        if props.get("skip"):
            return ReadResult(id_, props)
        with _clean_failures(current_call()):
            try:
                return ReadResult(id_, self._read(props, READ_TIMEOUT))
            except ScaleSetNotFound as error:
                if not error.is_of_the_set:
                    raise
                return ReadResult("", {})

    def _outputs(self, call: Call, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        if news.get("skip"):
            scale_set = str(ScaleSetId.parse(news.get("scaleSet")))
            seen = olds if olds.get("scaleSetId") == scale_set else {}
            kept = {key: value for key, value in seen.items() if key not in _INPUTS}
            return {**kept, **news, "scaleSetId": scale_set}
        return self._read(news, call.timeout or READ_TIMEOUT, grace=APPEARS_WITHIN)

    def _read(self, props: dict[str, Any], timeout: float, *, grace: float = 0.0) -> dict[str, Any]:
        scale_set, with_instances = ScaleSetId.parse(props.get("scaleSet")), props.get("includeInstances") is True
        outputs = read_outputs(self._azure(), scale_set, timeout, with_instances=with_instances, grace=grace)
        return {**{key: props[key] for key in _INPUTS if key in props}, **outputs}


@contextmanager
def _clean_failures(call: Call) -> Iterator[None]:
    """Turn what a read can raise into one line for the user, without a traceback."""
    try:
        yield
    except Stopped:
        raise call.failure("cancelled before the instance view was read") from None
    except InstanceViewError as error:
        raise call.failure(str(error)) from None


class ScaleSetInstanceView(Resource, module="vmss-health", name="ScaleSetInstanceView"):
    """The instance view of a scale set as outputs of a stack: read when it is created, changed or refreshed.

    It reads and judges nothing: `pulumi_vmss_health.ScaleSetHealthGate` waits for health. instances: in ARM's form,
    where `include_instances` asked for them. capacity: how many VMs the model asks for. read_at: UTC.
    """

    scale_set_id: pulumi.Output[str] = pulumi.property("scaleSetId")
    statuses: pulumi.Output[Optional[Sequence[StatusOutput]]]
    virtual_machine: pulumi.Output[Optional[VirtualMachineSummaryOutput]] = pulumi.property("virtualMachine")
    extensions: pulumi.Output[Optional[Sequence[ExtensionSummaryOutput]]]
    orchestration_services: pulumi.Output[Optional[Sequence[OrchestrationServiceOutput]]] = pulumi.property(
        "orchestrationServices"
    )
    orchestration_mode: pulumi.Output[Optional[str]] = pulumi.property("orchestrationMode")
    capacity: pulumi.Output[Optional[int]]
    instances: pulumi.Output[Optional[Sequence[Mapping[str, Any]]]]
    read_at: pulumi.Output[Optional[str]] = pulumi.property("readAt")

    def __init__(
        self,
        resource_name: str,
        *,
        scale_set: ScaleSetInput,
        include_instances: pulumi.Input[bool] | None = False,
        triggers: Sequence[pulumi.Input[Any]] | None = None,
        recheck: Literal["on_change", "always"] = "on_change",
        skip: bool | None = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the read.

        scale_set: a `pulumi_azure_native.compute.VirtualMachineScaleSet`, anything else with an `id`, or an id.
        include_instances: also read every instance with its own view.
        triggers: values whose change reads anew; the set's `etag` and `unique_id` are triggers by themselves.
        recheck: "always" reads in every `pulumi up`, also without a change.
        skip: do not read; the outputs stay as they are, and are None if there are none yet.
        opts: `custom_timeouts` say how long to try while Azure cannot be read; otherwise that is a minute.
        Raises ValueError or TypeError that names the argument.
        """
        check_options(opts, _ARGUMENTS, inspect.get_annotations(ScaleSetInstanceView))
        opts = pulumi.ResourceOptions.merge(opts, None)  # a copy
        opts.additional_secret_outputs = secret = [*(opts.additional_secret_outputs or ())]
        opts.custom_timeouts = custom_timeouts(opts.custom_timeouts, _check_timeout)
        check_choice("recheck", recheck, ("on_change", "always"))
        check_flag("skip", skip)
        if not (isinstance(include_instances, pulumi.Output) or inspect.isawaitable(include_instances)):
            include_instances = check_flag("include_instances", include_instances)
        identity = scale_set_id(scale_set)
        inputs = {
            "scale_set": mark_secret_outputs(identity, secret, ("scale_set_id", "instances")),
            "include_instances": include_instances,
            "triggers": joined(own_triggers(scale_set, identity), check_triggers(triggers)),
            # Stored only if set: the state of a version without them must show no change.
            "recheck": None if recheck == "on_change" else recheck,
            "skip": skip or None,
        }
        # Declared as None: only declared outputs resolve, and these are unknown in preview.
        outputs = dict.fromkeys(inspect.get_annotations(ScaleSetInstanceView))
        super().__init__(InstanceViewProvider(), resource_name, {**inputs, **outputs}, opts)
        say_whose_identity_reads(self, {"the scale set": scale_set}, {"the scale set": identity}, opts)

    def translate_output_property(self, prop: str) -> str:
        """Return the Python name of a property."""
        return _PYTHON_NAMES.get(prop, prop)

    def translate_input_property(self, prop: str) -> str:
        """Return the name of a property in state."""
        return stored_key(prop) if prop in _PYTHON_NAMES.values() else prop


def _check_timeout(limit: timedelta) -> None:
    if limit <= timedelta():
        raise ValueError("a time-out must be longer than 0s")
