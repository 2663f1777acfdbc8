"""`vmss-health view`: what Azure says of a scale set now, as a table or as JSON. It judges nothing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from pulumi_vmss_health.capturing.originals import instances_of, view_of
from pulumi_vmss_health.capturing.take import Reads
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.flags import add_scale_set, azure_of, scale_sets
from pulumi_vmss_health.cli.printing import result
from pulumi_vmss_health.judging.snapshot import describe
from vmss_instance_view.azure.recording import Read
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.model import Instance, InstanceView, ScaleSet, state_of
from vmss_instance_view.reading.retry import READ_TIMEOUT, read_with_retry
from vmss_instance_view.text import LINE, clean

Seen = tuple[ScaleSet, InstanceView, "tuple[Instance, ...] | None"]


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_scale_set(parser)
    parser.add_argument("--instances", action="store_true", help="show every instance, too")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print Azure's own answer, unchanged; of a Flexible set, which has no view, the counts of its VMs",
    )


def run(options: argparse.Namespace, clock: Clock) -> Exit:
    """Read and print. Raises InstanceViewError if the scale set cannot be read."""
    (scale_set,) = scale_sets(options)
    reads = Reads()
    azure = azure_of(options, clock, reads.keep)

    def attempt(deadline: Deadline) -> Seen:
        reads.take()  # what an attempt that failed has read
        reader = azure.reader(scale_set, deadline)
        model = reader.model(deadline)
        instances = reader.instances(deadline) if options.instances else None
        counted = reader.counted(instances) if instances is not None else None
        return model, counted or reader.view(deadline), instances

    model, view, instances = read_with_retry(attempt, READ_TIMEOUT, clock)
    if options.json:
        result(json.dumps(_body(view, reads.take(), with_instances=options.instances), indent=2))
    else:
        result("\n".join([*_summary(scale_set.name, model, view), *_table(model, instances)]))
    return Exit.HEALTHY


def _body(counted: InstanceView, reads: Sequence[Read], *, with_instances: bool) -> dict[str, Any]:
    """Return the view as it came, or what was counted if there is none; beside it the instances as they came."""
    raw = view_of(reads)
    view = counted.to_json() if raw is None else raw
    return {**view, "instances": instances_of(reads)} if with_instances else view


def _summary(name: str, model: ScaleSet, view: InstanceView) -> list[str]:
    mode = model.orchestration_mode or "Uniform"
    capacity = "not named" if model.capacity is None else model.capacity
    rows = [
        ("scale set", f"{name} ({mode}, capacity {capacity})"),
        *(("status", each.display_status or each.code or "") for each in view.statuses),
        ("VMs", describe(view.virtual_machine.statuses_summary)),
        *((f"extension {each.name}", describe(each.statuses_summary)) for each in view.extensions),
        *((f"service {each.service_name}", each.service_state or "") for each in view.orchestration_services),
    ]
    return _aligned([[clean(cell, LINE) for cell in row] for row in rows])


def _table(model: ScaleSet, instances: Sequence[Instance] | None) -> list[str]:
    """Return a row for each instance, below a row of titles."""
    if instances is None:
        return []
    titles = ["instance", "zone", "VM", "power", "health", "latest model"]
    return ["", *_aligned([titles, *([clean(cell, 60) for cell in _row(model, each)] for each in instances)])]


def _row(model: ScaleSet, instance: Instance) -> list[str]:
    view = instance.view
    provisioning = view.status("ProvisioningState") if view else None
    power = view.status("PowerState") if view else None
    health = view.vm_health if view else None
    runs = {True: "yes", False: "no", None: "-"}[model.runs_on(instance)]
    states = [state_of(each.code) if each else "-" for each in (provisioning, power, health)]
    return [instance.instance_id, ",".join(instance.zones) or "-", *(each or "-" for each in states), runs]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
