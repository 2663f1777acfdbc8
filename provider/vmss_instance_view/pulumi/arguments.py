"""What people give to a resource: checked in their program where it is known there, else as soon as Pulumi knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure
from pulumi.output import Unknown

from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.scale_set_id import ScaleSetId


def scale_set_id(scale_set: Any) -> pulumi.Input[str]:  # noqa: ANN401 - a user's argument, to be checked
    """The id of what a user gave as `scale_set`; checked at once where it is known.

    Raises InvalidScaleSetId (a ValueError) or TypeError, naming `scale_set`.
    """
    if isinstance(scale_set, (str, ScaleSetId)):
        return str(ScaleSetId.parse(str(scale_set)))
    if isinstance(scale_set, pulumi.Output):
        return scale_set
    identity = getattr(scale_set, "id", None)
    if isinstance(identity, (pulumi.Output, str)):
        return identity
    raise TypeError(
        "scale_set must be a scale set resource, its ARM id or an Output of it, "
        f"not {type(scale_set).__name__}: it has no id"
    )


def telling_secrecy(scale_set: pulumi.Input[str], secret: list[str], outputs: Sequence[str]) -> pulumi.Input[str]:
    """The same id; if it turns out to be a secret, `secret` then names the outputs that would tell it in state.

    secret: the list that Pulumi gets as additional_secret_outputs. It reads the list after the inputs are known, and
    not before can be told whether an Output is a secret.
    """
    if not isinstance(scale_set, pulumi.Output):
        return scale_set

    async def tell(known: str) -> str:
        if await scale_set.is_secret():
            secret.extend(outputs)
        return known

    return scale_set.apply(tell)


def triggers_of(scale_set: Any, triggers: Sequence[pulumi.Input[Any]] | None) -> list[pulumi.Input[Any]]:  # noqa: ANN401 - as above
    """What makes a resource act again: the set's etag and unique id where it has them, then the user's own.

    The etag alone is not enough: a set recreated under its old name can have the same.
    """
    if triggers is not None and (isinstance(triggers, (str, pulumi.Output)) or not isinstance(triggers, Sequence)):
        raise TypeError(f"triggers must be a list of values, not {type(triggers).__name__}")
    own = (
        []
        if isinstance(scale_set, (str, ScaleSetId, pulumi.Output))
        else [getattr(scale_set, name) for name in ("etag", "unique_id") if getattr(scale_set, name, None) is not None]
    )
    return [*own, *(triggers or ())]


def check_options(opts: object) -> None:
    """Refuse an explicit azure-native provider: what it signs in with stays hidden from the program.

    Pulumi would ignore it without a word, and another identity read the scale set than the user meant.
    Raises ValueError or TypeError, naming `opts`.
    """
    if opts is None:
        return
    if not isinstance(opts, pulumi.ResourceOptions):
        raise TypeError(f"opts must be pulumi.ResourceOptions, not {type(opts).__name__}")
    several = opts.providers or ()
    given = [opts.provider, *(several.values() if isinstance(several, Mapping) else several)]
    if any(provider is not None and provider.package == "azure-native" for provider in given):
        raise ValueError(
            "opts has an explicit azure-native provider, but a scale set is read with the settings of the stack: take "
            "it out of provider and providers, and let the stack's azure-native configuration (azure-native:clientId, "
            "…) or the ARM_* variables name an identity that may read the scale set"
        )


def scale_set_failures(news: Mapping[str, Any]) -> list[CheckFailure]:
    """What is wrong with the id among a resource's inputs; one that is not known yet is checked when it is."""
    scale_set = news.get("scaleSet")
    try:
        if not isinstance(scale_set, Unknown):
            ScaleSetId.parse(scale_set)
    except InvalidScaleSetId as error:
        return [CheckFailure("scaleSet", str(error))]
    return []


def check_switch(name: str, value: object) -> None:
    """Refuse what is neither True nor False: "no" would be taken for yes. Raises TypeError, naming the argument."""
    if not isinstance(value, (bool, pulumi.Output)):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")


def switch_failures(news: Mapping[str, Any], name: str) -> list[CheckFailure]:
    """The same for a resource's input that was not known in the program."""
    value = news.get(name)
    if value is None or isinstance(value, (bool, Unknown)):
        return []
    return [CheckFailure(name, f"{name} must be true or false, not {type(value).__name__}")]


def as_before(olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """Inputs in which a scale set is written as in the state, if it is the same one.

    Azure compares ids without case, and other resources spell them otherwise from one update to the next: for the
    engine that would be a change.
    """
    try:
        is_same = ScaleSetId.parse(olds.get("scaleSet")) == ScaleSetId.parse(news.get("scaleSet"))
    except InvalidScaleSetId:  # also what is not known yet
        return news
    return {**news, "scaleSet": olds["scaleSet"]} if is_same else news
