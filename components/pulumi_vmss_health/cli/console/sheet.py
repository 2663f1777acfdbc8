"""The table of `vmss-health view`: what there is to know of the set, and a row for each instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi_vmss_health.cli.console.tables import aligned, listed, wide
from vmss_instance_view.model import Instance, InstanceView, ScaleSet, describe, state_of
from vmss_instance_view.text import LINE, clean

_CELL = 60  # characters of a cell
_TITLES = ("instance", "zone", "VM", "power", "health", "latest model")
_SPARE = ("zone", "latest model")  # columns that are left out where there is no room and they say the same of all
_FINE = ({"succeeded"}, {"running"}, {"healthy", "-"}, {"yes", "-"})  # of the columns behind the zone
_MARK = "*"
_OF_INSTANCES = "not in the instance view: see --instances"


@dataclass(frozen=True, slots=True)
class Sheet:
    """facts: name and value. instances: rows of cells; None if they were not read.

    gone: instances that were there before. is_marked: whether what changed since then has a mark.
    """

    facts: tuple[tuple[str, str], ...]
    instances: tuple[tuple[str, ...], ...] | None = None
    gone: tuple[str, ...] = ()
    is_marked: bool = False

    @classmethod
    def of(cls, name: str, model: ScaleSet, view: InstanceView, instances: Sequence[Instance] | None) -> Sheet:
        """Put into words what was read; all that comes from Azure is cleaned."""
        capacity = "not named" if model.capacity is None else model.capacity
        facts = [
            ("scale set", f"{name} ({model.mode}, capacity {capacity})"),
            *(("status", each.display_status or each.code or "") for each in view.statuses),
            ("VMs", describe(view.virtual_machine.statuses_summary)),
            *((f"extension {each.name}", describe(each.statuses_summary)) for each in view.extensions),
            *((f"service {each.service_name}", each.service_state or "") for each in view.orchestration_services),
            *([("application health", _OF_INSTANCES)] if model.reports_health and instances is None else []),
        ]
        cleaned = tuple((clean(fact, LINE), clean(value, LINE)) for fact, value in facts)
        rows = None if instances is None else tuple(_row(model, each) for each in instances)
        return cls(cleaned, rows)

    def marked(self, before: Sheet) -> Sheet:
        """Return the sheet with a mark behind everything that is not as it was before."""
        facts = tuple(
            (name, value if (name, value) in before.facts else f"{value}{_MARK}") for name, value in self.facts
        )
        rows = {row[0]: row for row in before.instances or ()}
        gone = tuple(name for name in rows if name not in {row[0] for row in self.instances or ()})
        marked = None if self.instances is None else tuple(_marked(row, rows.get(row[0])) for row in self.instances)
        return Sheet(facts, marked, gone, is_marked=True)

    def lines(self, width: int, height: int = 0, *notes: str) -> list[str]:
        """Return the lines of the table. height: how many there may be; 0: any. notes: lines below."""
        below = [f"gone: {', '.join(self.gone)}{_MARK}"] if self.gone else []
        told = [*([f"{_MARK} changed"] if self.is_marked and not notes else []), *notes]
        below += ["; ".join(told)] if told else []
        facts = listed(self.facts, width)
        room = max(height - len(facts) - len(below) - 1, 3) if height else 0
        return [*facts, *self._table(width, room), *(line[:width] for line in below)]

    def _table(self, width: int, height: int) -> list[str]:
        """Return a row for each instance below titles; where not all fit, those that changed or are not well first."""
        if self.instances is None:
            return []
        rows, more = list(self.instances), 0
        if height and len(rows) + 1 > height:
            rows = sorted(rows, key=_is_fine)[: height - 2]
            more = len(self.instances) - len(rows)
        columns = list(zip(_TITLES, *rows, strict=True))
        if wide(columns) > width:
            columns = [each for each in columns if each[0] not in _SPARE or len({*each[1:]}) > 1]
        return ["", *aligned(list(zip(*columns, strict=True)), width), *([f"and {more} more"] if more else [])]


def _row(model: ScaleSet, instance: Instance) -> tuple[str, ...]:
    view = instance.view
    provisioning = view.status("ProvisioningState") if view else None
    power = view.status("PowerState") if view else None
    health = view.vm_health if view else None
    runs = {True: "yes", False: "no", None: "-"}[model.runs_on(instance)]
    states = [state_of(each.code) if each else "-" for each in (provisioning, power, health)]
    cells = [instance.instance_id, ",".join(instance.zones) or "-", *(each or "-" for each in states), runs]
    return tuple(clean(cell, _CELL) for cell in cells)


def _marked(row: tuple[str, ...], before: tuple[str, ...] | None) -> tuple[str, ...]:
    if before is None:
        return (f"{row[0]}{_MARK}", *row[1:])
    return tuple(cell if cell == old else f"{cell}{_MARK}" for cell, old in zip(row, before, strict=True))


def _is_fine(row: tuple[str, ...]) -> bool:
    return all(cell in fine for cell, fine in zip(row[2:], _FINE, strict=True)) and not row[0].endswith(_MARK)
