"""The instance view in a Pulumi program: a dynamic resource that reads it, and a function that does.

The reader is imported in the provider's methods only: a program that declares these resources talks to no Azure.
The module path and name of the provider class are in users' state: they never change.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Optional
from uuid import uuid4

import pulumi
from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from vmss_instance_view import engine
from vmss_instance_view.arguments import (
    as_before,
    check_options,
    check_switch,
    scale_set_failures,
    scale_set_id,
    switch_failures,
    telling_secrecy,
    triggers_of,
)
from vmss_instance_view.clock import Deadline, Stopped, SystemClock
from vmss_instance_view.errors import InstanceViewError, ScaleSetNotFound
from vmss_instance_view.model import InstanceView
from vmss_instance_view.outputs import (
    ExtensionSummaryOutput,
    OrchestrationServiceOutput,
    StatusOutput,
    VirtualMachineSummaryOutput,
)
from vmss_instance_view.retry import read_with_retry
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.settings import Settings

if TYPE_CHECKING:
    from vmss_instance_view.azure import Azure
    from vmss_instance_view.reader import ScaleSetReader

# Pulumi evaluates the outputs' annotations, and its SDK reads Optional, not unions with |.
# ruff: noqa: UP045

_READ_TIMEOUT = 60.0  # seconds, for all attempts of one read
_APPEARS_WITHIN = 30.0  # seconds: a set just created can be missing where it is read, for regions disagree at first

_INPUTS = ("scaleSet", "includeInstances", "triggers")
# Python names of the properties, and the names that state and stack outputs have.
_KEYS = {
    "scale_set": "scaleSet",
    "include_instances": "includeInstances",
    "scale_set_id": "scaleSetId",
    "virtual_machine": "virtualMachine",
    "orchestration_services": "orchestrationServices",
    "orchestration_mode": "orchestrationMode",
    "read_at": "readAt",
}
_PYTHON_NAMES = {key: name for name, key in _KEYS.items()}


def get_instance_view(scale_set: str | ScaleSetId) -> InstanceView:
    """Read the instance view of a scale set, now. Tries again for a minute while Azure is unavailable.

    scale_set: its ARM id. Cloud and credential: as the stack's azure-native provider has them (its configuration
        inside of a Pulumi program, else the ARM_* variables, else the az CLI).
    Raises InvalidScaleSetId, CredentialError, ScaleSetNotFound, … : all are InstanceViewError.
    """
    from vmss_instance_view.azure import shared_azure

    scale_set = scale_set if isinstance(scale_set, ScaleSetId) else ScaleSetId.parse(scale_set)
    azure = shared_azure(Settings(os.environ, pulumi.runtime.get_config), SystemClock())
    return read_with_retry(
        lambda deadline: azure.reader(scale_set, deadline).view(deadline), _READ_TIMEOUT, azure.clock
    )


def get_instance_view_output(scale_set: pulumi.Input[str]) -> pulumi.Output[InstanceView]:
    """The same inside of a program, for an id that may be an Output; the program's event loop goes on meanwhile.

    Like azure-native's functions it reads in preview, too, where the id is known, and then shows the view before the
    update. Unknown ids stay unknown. Errors as `get_instance_view`.
    """

    async def read(known: str) -> InstanceView:
        return await asyncio.to_thread(get_instance_view, known)

    return pulumi.Output.from_input(scale_set_id(scale_set)).apply(read)


def azure_of(request: ConfigureRequest) -> Azure:
    """The Azure that a provider reads, from the configuration that the engine gave it. Does no I/O."""
    from vmss_instance_view.azure import shared_azure

    return shared_azure(Settings(os.environ, engine.configured(request)), SystemClock(engine.STOP))


class InstanceViewProvider(ResourceProvider):
    """Reads the view on create, update and refresh; a set that is gone drops the resource on refresh."""

    # By reference in state: without this Pulumi stores 40 bytes as an encrypted blob.
    serialize_as_secret_always = False

    _azure: Azure

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where to read. Does no I/O."""
        engine.install()
        self._azure = azure_of(req)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse, in preview already, an id that can be none, and a switch that is neither on nor off."""
        failures = [*scale_set_failures(news), *switch_failures(news, "includeInstances")]
        return CheckResult(as_before(olds, news), failures)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Read the view. The id is opaque: another set is an update, not a replacement."""
        with _clean_failures(engine.current_call()):
            return CreateResult(uuid4().hex, self._read(props, not_found_grace=_APPEARS_WITHIN))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Read the view anew."""
        with _clean_failures(engine.current_call()):
            return UpdateResult(self._read(news, not_found_grace=_APPEARS_WITHIN))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Refresh: read the view anew; an empty id takes the resource of a vanished set out of the state."""
        with _clean_failures(engine.current_call()):
            try:
                return ReadResult(id_, self._read(props))
            except ScaleSetNotFound as error:
                if not error.is_of_the_set:
                    raise
                return ReadResult("", {})

    def _read(self, props: dict[str, Any], *, not_found_grace: float = 0.0) -> dict[str, Any]:
        scale_set = ScaleSetId.parse(props.get("scaleSet"))

        def attempt(deadline: Deadline) -> dict[str, Any]:
            reader = self._azure.reader(scale_set, deadline)
            return _outputs(reader, deadline, with_instances=props.get("includeInstances") is True)

        clock = self._azure.clock
        outputs = read_with_retry(attempt, _READ_TIMEOUT, clock, not_found_grace=not_found_grace)
        outputs["readAt"] = clock.now().isoformat(timespec="seconds")
        inputs: dict[str, Any] = {key: props[key] for key in _INPUTS if key in props}
        return {**inputs, "scaleSetId": str(scale_set), **outputs}


@contextmanager
def _clean_failures(call: engine.Call) -> Iterator[None]:
    """Turn what a read can raise into one line for the user, without a traceback."""
    try:
        yield
    except Stopped:
        raise call.failure("cancelled before the instance view was read") from None
    except InstanceViewError as error:
        raise call.failure(str(error)) from None


def _outputs(reader: ScaleSetReader, deadline: Deadline, *, with_instances: bool) -> dict[str, Any]:
    model = reader.model(deadline)
    instances = reader.instances(deadline) if with_instances else None
    view = (reader.counted(instances) if instances is not None else None) or reader.view(deadline)
    return {
        **view.to_json(),
        "orchestrationMode": model.orchestration_mode or "Uniform",
        "capacity": model.capacity,
        "instances": None if instances is None else [each.to_json() for each in instances],
    }


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
    orchestration_mode: pulumi.Output[str] = pulumi.property("orchestrationMode")
    capacity: pulumi.Output[Optional[int]]
    instances: pulumi.Output[Optional[Sequence[Mapping[str, Any]]]]
    read_at: pulumi.Output[str] = pulumi.property("readAt")

    def __init__(
        self,
        resource_name: str,
        *,
        scale_set: Any,  # noqa: ANN401 - anything with an `id`, or an Input[str]
        include_instances: bool = False,
        triggers: Sequence[pulumi.Input[Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the read.

        scale_set: a `pulumi_azure_native.compute.VirtualMachineScaleSet`, anything else with an `id`, or an id.
        include_instances: also read every instance with its own view.
        triggers: values whose change reads anew; the set's `etag` and `unique_id` are triggers by themselves.
        Raises ValueError or TypeError that names the argument.
        """
        check_options(opts)
        check_switch("include_instances", include_instances)
        opts = pulumi.ResourceOptions.merge(opts, None)  # a copy
        opts.additional_secret_outputs = secret = [*(opts.additional_secret_outputs or ())]
        inputs = {
            "scale_set": telling_secrecy(scale_set_id(scale_set), secret, ("scale_set_id", "instances")),
            "include_instances": include_instances,
            "triggers": triggers_of(scale_set, triggers),
        }
        # Declared as None: only declared outputs resolve, and these are unknown in preview.
        outputs = dict.fromkeys(inspect.get_annotations(ScaleSetInstanceView))
        super().__init__(InstanceViewProvider(), resource_name, {**inputs, **outputs}, opts)

    def translate_output_property(self, prop: str) -> str:
        """The Python name of a property."""
        return _PYTHON_NAMES.get(prop, prop)

    def translate_input_property(self, prop: str) -> str:
        """The name of a property in state."""
        return _KEYS.get(prop, prop)
