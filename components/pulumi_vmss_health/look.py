"""One look at a scale set: everything that a policy judges, read one after the other. Alone imports the reader."""

from __future__ import annotations

from collections.abc import Callable

from pulumi_vmss_health.snapshot import Snapshot
from vmss_instance_view.clock import Deadline
from vmss_instance_view.reader import Azure
from vmss_instance_view.scale_set_id import ScaleSetId


def looker(azure: Azure, scale_set: ScaleSetId) -> Callable[[float], Snapshot]:
    """A function that looks once, in at most so many seconds. It raises InstanceViewError where it cannot see.

    The model is read first and the view last: what decides is the newest.
    """

    def look(seconds: float) -> Snapshot:
        deadline = Deadline(seconds)
        reader = azure.reader(scale_set)
        model = reader.model(deadline)
        instances = reader.instances(deadline)
        return Snapshot(reader.view(deadline), model, instances)

    return look
