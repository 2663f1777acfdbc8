"""What an instance view is as a resource, whoever calls it: the outputs that one read gives. No type of Pulumi."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmss_instance_view.clock import Deadline
from vmss_instance_view.reading.retry import read_with_retry
from vmss_instance_view.scale_set_id import ScaleSetId

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure
    from vmss_instance_view.reading.reader import ScaleSetReader

# Seconds: a set just created can be missing where it is read, for regions disagree at first, and a role takes time to
# spread.
APPEARS_WITHIN = 30.0


def read_outputs(
    azure: Azure, scale_set: ScaleSetId, timeout: float, *, with_instances: bool = False, grace: float = 0.0
) -> dict[str, Any]:
    """Read the view, in Azure's own JSON. Tries again for `timeout` seconds while Azure is unavailable.

    Raises InstanceViewError, or Stopped.
    """
    reader = one_reader(azure, scale_set)

    def attempt(deadline: Deadline) -> dict[str, Any]:
        return _read_once(reader(deadline), deadline, with_instances=with_instances)

    outputs = read_with_retry(attempt, timeout, azure.clock, grace=grace)
    return {"scaleSetId": str(scale_set), **outputs, "readAt": azure.clock.now().isoformat(timespec="seconds")}


def one_reader(azure: Azure, scale_set: ScaleSetId) -> Callable[[Deadline], ScaleSetReader]:
    """Return what gives all attempts of a read the same reader, so that one goes on where the one before it failed."""
    made: list[ScaleSetReader] = []

    def reader(deadline: Deadline) -> ScaleSetReader:
        if not made:
            made.append(azure.reader(scale_set, deadline))
        return made[0]

    return reader


def _read_once(reader: ScaleSetReader, deadline: Deadline, *, with_instances: bool) -> dict[str, Any]:
    model = reader.model(deadline)
    instances = reader.instances(deadline) if with_instances else None
    view = reader.counted(instances) or reader.view(deadline)
    return {
        **view.to_json(),
        "orchestrationMode": model.mode,
        "capacity": model.capacity,
        "instances": None if instances is None else [each.to_json() for each in instances],
    }
