"""How long one verdict takes, by the number of instances; beside the JSON of the same instances, parsed by Python."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median

from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, evaluate

SIZES = (100, 1000, 2000, 4000)
RUNS = 15


def timed(function: Callable[[], object]) -> float:
    """The median time of some runs, in milliseconds."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        function()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def main() -> None:
    """Print the table."""
    print(f"{'instances':>9} {'all well':>9} {'all ill':>9} {'json.loads':>11} {'ratio':>6}")
    for size in SIZES:
        well = snapshot(*[Vm(zone="1")] * size, zones=("1",))
        ill = snapshot(*[Vm(power="stopped", health="unhealthy")] * size)
        body = json.dumps([each.to_json() for each in well.instances or ()])
        took = [
            timed(lambda seen=well: evaluate(seen, GatePolicy())),  # type: ignore[misc]  # mypy knows no such lambda
            timed(lambda seen=ill: evaluate(seen, GatePolicy())),  # type: ignore[misc]
            timed(lambda text=body: json.loads(text)),  # type: ignore[misc]
        ]
        print(f"{size:9} {took[0]:7.2f}ms {took[1]:7.2f}ms {took[2]:9.2f}ms {took[0] / took[2]:6.2f}")


if __name__ == "__main__":
    main()
