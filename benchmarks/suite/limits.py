"""What was asked of the figures, and whether they meet it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import delay, growth, judging, reads, ups

Tables = Mapping[str, Any]  # of the record, by their keys


@dataclass(frozen=True)
class Limit:
    """A number that was to be at most so large.

    measured: from the tables; LookupError: a peer was left out. why: what makes it large; the tables have the figures.
    """

    asked: str
    most: float
    measured: Callable[[Tables], float]
    why: str

    def to_json(self, tables: Tables) -> dict[str, Any]:
        """Say whether it is met; None: what it is about was not measured."""
        try:
            found = float(f"{self.measured(tables):.6g}")
        except LookupError:
            return {"asked": self.asked, "most": self.most, "measured": None, "met": None}
        said = {"asked": self.asked, "most": self.most, "measured": found, "met": found <= self.most}
        return said if said["met"] else {**said, "why": self.why}


def judged(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All limits, against the tables of a record."""
    tables = {each["key"]: each for each in record["tables"]}
    return [each.to_json(tables) for each in LIMITS]


def median(tables: Tables, key: str, name: str, measure: str) -> float:
    """The median of a row. Raises LookupError if there is none."""
    for each in tables[key]["results"]:
        if each["name"] == name:
            return float(each["spread"][measure]["median"])
    raise LookupError(f"{name} in {key}")


def over(key: str, ours: str, theirs: str, measure: str) -> Callable[[Tables], float]:
    """Ours divided by theirs."""
    return lambda tables: median(tables, key, ours, measure) / median(tables, key, theirs, measure)


def refused(tables: Tables) -> float:
    """All 429s that our waits got."""
    rows = [each for key in ("delay", "delay-20", "delay-real") for each in tables[key]["results"]]
    return sum(sum(each["samples"]["refused"]) for each in rows if each["whose"] == "ours")


def grown(key: str) -> Callable[[Tables], float]:
    """The exponent over all sizes, or over the larger ones, whichever is the larger: a start costs what it costs."""

    def measured(tables: Tables) -> float:
        costs = {}
        for each in tables[key]["results"]:
            if each["whose"] != "ours":
                continue
            size, cost = int(each["name"].replace(",", "")), each["spread"]["processor"]["median"]
            costs[size] = cost * size if key == "grow-sets" else cost
        larger = dict(sorted(costs.items())[len(costs) // 2 :])
        return max(growth.exponent(costs), growth.exponent(larger))

    return measured


_OF_DELAY = (
    "lateness: the gate looks every two seconds or less often, and leaves a third of every bucket to others: a "
    "shorter interval would have gates refused that wait for long"
)
_OF_A_READ = (
    "one read: requests and MSAL take most of its memory, which is all that is missed: a Python process that has "
    "imported the two, and done nothing, has 30 MB already"
)
_OF_JUDGING = (
    "parse and judge: `json.loads`, which also looks for keys that occur twice, takes a large part of what is left, "
    "and of one instance the model and the view do, which cost the same for any number; the models of "
    "azure-mgmt-compute are lazy"
)
_OF_UPS = (
    "`pulumi up`: Pulumi starts one more Python process for dynamic resources, which imports pulumi, and registers "
    "each resource by itself, as the row of those that do nothing shows; the rest is the import of the gate, once "
    "in the program and once in that process"
)
_OF_INSTANCES = "instances: `json.loads` alone, beside it in the table, grows so, too"
_OF_SETS = (
    "sets: the requests of a set, beside it in the table, do not grow; each size is run once, and the CPU of the same "
    "fleet differs from run to run"
)


def _all() -> Iterator[Limit]:
    places = {"delay": "each wait alone", "delay-20": "20 waits at a time", "delay-real": "in real time"}
    for key, where in places.items():
        ours = delay.CLIENTS[0].name if key == "delay-real" else delay.OURS
        asked = f"late at most 1/5 of `az vmss wait`, {where}"
        yield Limit(asked, 0.2, over(key, ours, delay.AZ_WAIT, "late"), _OF_DELAY)
    yield Limit("no 429 for any of our waits", 0, refused, "429s: the account of what is left of a bucket was wrong")
    names = {"wall": "time", "processor": "CPU", "memory": "memory"}
    for peer, most in ((reads.GET, 0.5), (reads.REST, 1.0)):
        for measure, name in names.items():
            asked = f"one read: {name} at most {'1/2 of' if most < 1 else 'that of'} {peer}"
            yield Limit(asked, most, over("read", reads.VIEW, peer, measure), _OF_A_READ)
    for size in judging.SIZES:
        asked = f"parse and judge {size:,}: at most 1/10 of azure-mgmt-compute's models"
        yield Limit(asked, 0.1, over(f"judge-{size}", judging.OURS, judging.THEIRS, "processor"), _OF_JUDGING)
    for key, where in (("up", ""), ("up-sets", ", beside 20 scale sets")):
        asked = f"`pulumi up` with nothing to do: 20 gates at most 1.1 times none{where}"
        yield Limit(asked, 1.1, over(key, ups.GATED, ups.WITHOUT, "wall"), _OF_UPS)
    yield Limit("exponent of the cost of instances", 1.05, grown("grow-instances"), _OF_INSTANCES)
    yield Limit("exponent of the cost of sets", 1.05, grown("grow-sets"), _OF_SETS)


LIMITS = tuple(_all())
