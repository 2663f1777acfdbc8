"""Works, tables and a record that cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.suite import limits
from benchmarks.suite.works import OF_PROCESSES, Effort, LeftOut, NotDone, Table, Work, in_turns

COSTS = {"wall": 2.0, "processor": 1.0, "memory": 40.0}


def costing(factor: float) -> Callable[[], Mapping[str, float]]:
    return lambda: {measure: cost * factor for measure, cost in COSTS.items()}


def lazy() -> Mapping[str, float]:
    raise NotDone("az vmss get-instance-view: exit code 1: ERROR: Please run 'az login'")


def row(peer: Callable[[], Mapping[str, float]] | None = None, left_out: tuple[LeftOut, ...] = ()) -> Any:
    """A row of one table, in which a peer takes twice what ours does."""

    def tables(effort: Effort) -> Iterator[Table]:
        works = [Work("ours", costing(1), "ours"), Work("`az`", peer or costing(2), "peer", "It signs in.")]
        measured = in_turns(works, effort(11, 1))
        yield Table("read", "One read", "How it is done.", OF_PROCESSES, measured, left_out)

    return tables


def record(**changes: Any) -> dict[str, Any]:
    """A record of that row."""
    made: dict[str, Any] = {
        "quick": False,
        "date": "2026-11-26",
        "machine": {"cores": 2, "model": "Abacus", "memory_gib": 8.0, "system": "Linux 6"},
        "versions": {"vmss-health": "0.1.0", "az": "2.91.0"},
        "tables": [table.to_json() for table in row()(Effort())],
        "load": {"before": [0.1, 0.2, 0.3], "after": [1.0, 0.5, 0.4]},
        "seconds": 600,
        **changes,
    }
    return {**made, "limits": limits.judged(made), **changes}
