"""What the inputs of a fleet's gate ask for, checked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_vmss_health.fleets.watch import Goal
from pulumi_vmss_health.gating import Terms, terms_of
from pulumi_vmss_health.judging.policy import amount, check_amount
from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import clean

ALL = "100%"
AT_FAILURE = ("wait", "fail")
"""What a set's failure means for a fleet that could still have enough healthy ones: to go on, or to end at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOfFleet(Terms):
    """What a fleet's gate asks for. sets: by the names that the user gave them."""

    sets: Mapping[str, ScaleSetId]
    goal: Goal

    @classmethod
    def by(
        cls, inputs: Mapping[str, Any], timeout: float | None, limit_source: str, *, is_secret: bool = False
    ) -> AskedOfFleet:
        """Read them, as `terms_of` does."""
        terms = terms_of(inputs, timeout, limit_source)
        given = inputs["scaleSets"]
        check_names(given)
        # Sorted: Pulumi passes them in another order each time.
        sets = {name: ScaleSetId.parse(given[name]) for name in sorted(given)}
        refuse_duplicates(sets.items())
        required = required_of(inputs.get("minHealthySets", ALL), len(sets))
        goal = Goal(required, terms["policy"].timeout_seconds, inputs.get("onSetFailure") == "fail")
        return cls(sets=sets, goal=goal, is_secret=is_secret, **terms)

    @property
    def ids(self) -> Iterable[ScaleSetId]:
        """All scale sets."""
        return self.sets.values()


def required_of(minimum: object, sets: int) -> int:
    """Return how many of so many sets have to be healthy.

    Raises ValueError or TypeError, naming the argument, for what is no count or percentage, or for more than there are.
    """
    if isinstance(minimum, float) and minimum.is_integer():  # Pulumi passes every number as a float
        minimum = int(minimum)
    check_amount("min_healthy_sets", minimum)  # type: ignore[arg-type]  # it refuses every other type
    required = amount("min_healthy_sets", minimum, sets)  # type: ignore[arg-type]
    if required > sets:
        raise ValueError(f"min_healthy_sets ({minimum}) must not be more than the number of scale sets ({sets})")
    return required


def refuse_duplicates(sets: Iterable[tuple[str, ScaleSetId]]) -> None:
    """Refuse one set under two names: it would count twice. Raises ValueError, naming both."""
    named: dict[ScaleSetId, str] = {}
    for name, scale_set in sets:
        other = named.setdefault(scale_set, name)
        if other != name:
            raise ValueError(f"scale_sets: {clean(other)!r} and {clean(name)!r} are the same scale set")


def check_names(sets: Mapping[object, object]) -> None:
    """Refuse an empty fleet and names that are no text. Raises ValueError or TypeError, naming the entry."""
    if not sets:
        raise ValueError("scale_sets must name at least one scale set, such as {'web-weu': web}")
    for name in sets:
        if not isinstance(name, str):
            raise TypeError(f"scale_sets: the name {name!r} must be a text, not {type(name).__name__}")
        if not name or name != clean(name, 200):
            raise ValueError(f"scale_sets: {clean(name, 60)!r} is no name: use letters, digits and dashes")


def id_of(name: str, given: object) -> ScaleSetId:
    """Return the id of one entry. Raises InvalidScaleSetId, naming the entry."""
    try:
        return ScaleSetId.parse(given)
    except InvalidScaleSetId as error:
        raise InvalidScaleSetId(f"scale_sets[{name!r}]: {error}") from None
