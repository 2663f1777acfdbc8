"""What makes a resource act again: a change of its scale set, as far as the program knows it, and the user's values."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pulumi

from vmss_instance_view.pulumi.arguments import scale_sets_behind
from vmss_instance_view.text import named

_TELLING = ("etag", "unique_id")
"""The etag alone is not enough: a set recreated under its old name can have the same."""

_COMPARABLE = (type(None), str, int, float, pulumi.Output, pulumi.Resource)

Triggers: TypeAlias = list[pulumi.Input[Any]] | pulumi.Output[list[Any]]


def check_triggers(triggers: Sequence[pulumi.Input[Any]] | None) -> list[pulumi.Input[Any]]:
    """Return the values that a user gave. Raises TypeError, naming `triggers`."""
    if triggers is not None and (isinstance(triggers, (str, pulumi.Output)) or not isinstance(triggers, Sequence)):
        raise TypeError(f"triggers must be a list of values, not {type(triggers).__name__}")
    for number, each in enumerate(triggers or ()):
        if wrong := next(_incomparable(each), None):
            kinds = "a text, a number, a list or a dict of such, or an Output"
            raise TypeError(f"triggers[{number}] must be {kinds}, not {wrong}")
    return list(triggers or ())


def _incomparable(value: object) -> Iterator[str]:
    """Yield what Pulumi could not store or compare, and what to give instead. What is known later is taken."""
    if isinstance(value, (pulumi.Asset, pulumi.Archive)):
        yield f"{type(value).__name__}; name the resource that takes it in changed_by, or give a hash of the file"
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _incomparable(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _incomparable(each)
    elif not (isinstance(value, _COMPARABLE) or inspect.isawaitable(value) or hasattr(value, "_pulumi_input_type")):
        yield f"{type(value).__name__}; give str(...) of it, or a property"


def own_triggers(scale_set: object, identity: str | pulumi.Output[str]) -> Triggers:
    """Return the etag and the unique id of what a user gave as `scale_set`, or of the scale sets behind its id.

    identity: the id, as `scale_set_id` returns it. An Output knows of which resources it was made, so `web.id` tells as
    much as `web`. That they are known does not depend on whether the id is.
    """
    if own := _told_by(scale_set):
        return own
    if not isinstance(identity, pulumi.Output):
        return []

    async def told() -> list[pulumi.Input[Any]]:
        behind = {str(await each.urn.future()): each for each in await scale_sets_behind(identity)}
        return [value for urn in sorted(behind) for value in _told_by(behind[urn])]

    return pulumi.Output.from_input(told())


def joined(own: Triggers, others: list[pulumi.Input[Any]]) -> Triggers:
    """Return the set's own triggers, then the others."""
    if not isinstance(own, pulumi.Output):
        return [*own, *others]
    return pulumi.Output.all(own, others).apply(lambda both: [*both[0], *both[1]])


def warn_of_unnoticed_changes(
    resource: pulumi.Resource, scale_sets: Mapping[str, object], ids: Mapping[str, str | pulumi.Output[str]]
) -> None:
    """Warn of scale sets of which nothing tells that they changed: a gate of one passes once and never looks again.

    A resource of the classic azure provider has no etag, nor has one of azure-native's old API versions, nor has
    another stack, nor an id from the configuration.
    scale_sets, ids: by what people call them.
    """

    async def warn() -> list[str]:
        without = [name for name, each in scale_sets.items() if await _is_unnoticed(each, ids[name])]
        if without:
            text = (
                f"no change of {named(without)} would be noticed, for no etag is known: name what changes with a "
                'release in triggers or changed_by, or set recheck="always"; triggers=[] says that to pass once is '
                "enough"
            )
            pulumi.log.warn(text, resource)
        return without

    # Pulumi awaits every Output before it ends the program.
    _warned: pulumi.Output[list[str]] = pulumi.Output.from_input(warn())


async def _is_unnoticed(scale_set: object, identity: str | pulumi.Output[str]) -> bool:
    if _told_by(scale_set):
        return False
    return not any(map(_told_by, await scale_sets_behind(identity)))


def _told_by(scale_set: object) -> list[pulumi.Input[Any]]:
    if isinstance(scale_set, pulumi.Output):  # it has every attribute, whatever it will be
        return []
    return [getattr(scale_set, name) for name in _TELLING if getattr(scale_set, name, None) is not None]
