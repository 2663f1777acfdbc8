"""`vmss-health view`: what Azure says of a scale set now, as a table or as JSON. It judges nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from pulumi_vmss_health.capturing.originals import instances_of, view_of
from pulumi_vmss_health.capturing.reads import Reads
from pulumi_vmss_health.cli.console.screen import Redrawn, columns, is_terminal
from pulumi_vmss_health.cli.console.sheet import Sheet
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.flags.scale_set import add_scale_set, azure_of, scale_sets
from pulumi_vmss_health.cli.printing import has_reader, progress, result
from pulumi_vmss_health.waiting import pace
from vmss_instance_view.azure.recording import Read
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.connection import Azure
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.errors import ConfigurationError, InstanceViewError, Unavailable
from vmss_instance_view.model import Instance, InstanceView, ScaleSet
from vmss_instance_view.reading.reader import Part, ScaleSetReader
from vmss_instance_view.reading.retry import READ_TIMEOUT, read_with_retry, read_within
from vmss_instance_view.scale_set_id import ScaleSetId

_OWN_VIEWS_FOR = 60.0  # seconds for which a repeated table does with the views of single instances that it has

Seen = tuple[ScaleSet, InstanceView, "tuple[Instance, ...] | None"]


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_scale_set(parser)
    parser.add_argument("--instances", action="store_true", help="show every instance, too")
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json",
        action="store_true",
        help="print Azure's own answer, unchanged; of a Flexible set, which has no view, the counts of its VMs",
    )
    form.add_argument("--watch", action="store_true", help="look again and again, and mark what changes")


def run(options: argparse.Namespace, clock: Clock) -> Exit:
    """Read and print. Raises InstanceViewError if the scale set cannot be read."""
    (scale_set,) = scale_sets(options)
    reads = Reads()
    view = _View(azure_of(options, clock, reads.keep), scale_set, reads, has_instances=options.instances)
    if options.watch:
        _watch(view, clock)
        return Exit.HEALTHY
    model, seen, instances = view.read()
    if options.json:
        text = json.dumps(_body(seen, reads.take(), with_instances=options.instances), indent=2)
        result(text.replace("##", "#\\u0023"))  # the same JSON, in which no pipeline finds a command (`##vso[…]`)
    else:
        result("\n".join(Sheet.of(scale_set.name, model, seen, instances).lines(columns())))
    return Exit.HEALTHY


class _View:
    """One scale set, read as often as it is asked for."""

    def __init__(self, azure: Azure, scale_set: ScaleSetId, reads: Reads, *, has_instances: bool) -> None:
        """Read nothing yet. reads: where Azure's own answers are kept."""
        self.name = scale_set.name
        self._azure = azure
        self._id = scale_set
        self._reads = reads
        self._parts = (Part.MODEL, Part.VIEW, *([Part.INSTANCES] if has_instances else []))
        self._reader: ScaleSetReader | None = None
        self._is_first = True

    def read(self) -> Seen:
        """Return model, view and, if asked for, instances, from as many attempts as it takes.

        Raises InstanceViewError.
        """
        return self._seen(lambda: read_with_retry(self._attempt, READ_TIMEOUT, self._azure.clock))

    def look(self) -> Seen:
        """Return the same from one attempt: who watches is told of each that fails. Raises InstanceViewError."""
        return self._seen(lambda: read_within(pace.LOOK_LIMIT, self._attempt, self._azure.clock))

    def _seen(self, read: Callable[[], Seen]) -> Seen:
        try:
            found = read()
        except ConfigurationError as error:  # of the environment: the flags are right
            raise InstanceViewError(str(error)) from None
        self._is_first = False
        return found

    def pause(self, quiet: int, retry_after: float | None) -> float:
        """Return the seconds until the next look, as Azure's limits allow. quiet: looks since the last change."""
        clock, budget = self._azure.clock, self._azure.budget
        if self._reader is None:
            return max(pace.QUICK, retry_after or 0.0)
        charges = self._reader.charges(self._parts)
        wait = pace.interval(budget.room(charges, clock.monotonic()), quiet, retry_after)
        return wait + budget.turn(charges, clock.monotonic() + wait)

    def _attempt(self, deadline: Deadline) -> Seen:
        self._reads.take()  # what was read before
        reader = self._reader = self._reader or self._azure.reader(self._id, deadline)
        model = reader.model(deadline)
        since = None if self._is_first else self._azure.clock.monotonic() - _OWN_VIEWS_FOR
        instances = reader.instances(deadline, since=since) if Part.INSTANCES in self._parts else None
        return model, reader.counted(instances) or reader.view(deadline), instances


def _watch(view: _View, clock: Clock) -> None:
    """Show the table while somebody reads it: on a terminal in the same place, in a log when it changed.

    Raises Stopped, and InstanceViewError if the scale set cannot be read any more.
    """
    screen = Redrawn() if is_terminal(sys.stdout) else None
    before: Sheet | None = None
    shown: Sheet | None = None
    changed, quiet = "", 0
    is_read = True
    while is_read and (screen or has_reader()):
        now, error, is_new = f"{clock.now():%H:%M:%S} UTC", None, False
        try:
            sheet = Sheet.of(view.name, *view.look())
        except Unavailable as unavailable:
            error, quiet = unavailable, quiet + 1
        else:
            is_new, quiet = sheet != before, quiet + 1
            if is_new:
                shown, quiet = sheet.marked(before) if before else sheet, 0
                changed = f"* changed at {now}" if before else ""
            before = sheet
        pause = view.pause(quiet, error.retry_after if error else None)
        if screen:
            seen = f"cannot read: {error}" if error else f"seen at {now}"
            notes = [*filter(None, [changed]), seen, f"next look in {format_seconds(pause)}", "Ctrl-C ends it"]
            screen.show(shown.lines(columns(), screen.height, *notes) if shown else ["; ".join(notes)[: columns()]])
        elif error:
            progress(f"{now}  cannot read: {error}")
        elif shown and is_new:
            is_read = result("\n".join([now, *shown.lines(columns()), ""]))
        if is_read:
            clock.wait(pause)


def _body(counted: InstanceView, reads: Sequence[Read], *, with_instances: bool) -> dict[str, Any]:
    """Return the view as it came, or what was counted if there is none; beside it the instances as they came."""
    raw = view_of(reads)
    view = counted.to_json() if raw is None else raw
    return {**view, "instances": instances_of(reads)} if with_instances else view
