"""One run of the whole suite as JSON: every sample, the machine, the versions, what was asked and what came out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.suite import limits, machine
from benchmarks.suite.works import Effort, Table


def measured(
    rows: Iterable[Callable[[Effort], Iterator[Table]]], effort: Effort, tell: Callable[[str], object]
) -> dict[str, Any]:
    """Measure all rows, one after the other, and tell each table when it is there. Raises NotDone."""
    began, before = time.monotonic(), machine.load()
    record: dict[str, Any] = {
        "quick": effort.quick,
        "date": _today(),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "tables": [],
    }
    for row in rows:
        for table in row(effort):
            shown = table.to_json()
            record["tables"].append(shown)
            tell("\n".join([*in_text(shown), f"  after {time.monotonic() - began:.0f} s", ""]))
    record["load"] = {"before": before, "after": machine.load()}
    record["seconds"] = round(time.monotonic() - began)
    record["limits"] = limits.judged(record)
    for each in record["limits"]:
        tell(f"{_word(each)}: {each['asked']}: {each['measured']} (at most {each['most']})")
    return record


def measured_again(
    record: Mapping[str, Any], row: Callable[[Effort], Iterator[Table]], tell: Callable[[str], object]
) -> dict[str, Any]:
    """Measure one row again, and put its tables into a record, which tells of it. Raises NotDone."""
    tables = {each["key"]: each for each in record["tables"]}
    again = dict(record.get("again", {}))
    for table in row(Effort()):
        tables[table.key] = table.to_json()
        again[table.key] = {"title": table.title, "date": _today(), "commit": machine.versions().get("commit", "")}
        tell("\n".join([*in_text(tables[table.key]), ""]))
    found = {**record, "tables": [*tables.values()], "again": again}
    return {**found, "limits": limits.judged(found)}


def _today() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")


def in_text(table: Mapping[str, Any]) -> Iterator[str]:
    """A table for a terminal: the medians."""
    yield f"{table['title']:58}" + "".join(f" {each['label']:>12.12}" for each in table["measures"])
    for result in table["results"]:
        numbers = [result["spread"][each["key"]]["median"] for each in table["measures"]]
        yield f"  {result['name']:56.56}" + "".join(f" {number:12.4g}" for number in numbers)
    for each in table["left_out"]:
        yield f"  left out: {each['name']}: {each['why']}"


def write(record: Mapping[str, Any], file: Path) -> None:
    """Write a record; a list of numbers is one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+([-\d.e+,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    file.write_text(text + "\n", encoding="utf-8")


def read(file: Path) -> dict[str, Any]:
    """Read a record."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _word(limit: Mapping[str, Any]) -> str:
    return {True: "met", False: "MISSED", None: "not measured"}[limit["met"]]
