"""What people give to a resource: checked in their program where it is known there, else as soon as Pulumi knows it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import pulumi
from pulumi.dynamic import CheckFailure
from pulumi.output import Unknown

from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.keys import stored_key
from vmss_instance_view.scale_set_id import ScaleSetId


class HasId(Protocol):
    """Anything with an ARM id, such as a `pulumi_azure_native.compute.VirtualMachineScaleSet`."""

    @property
    def id(self) -> pulumi.Output[str] | str:
        """The ARM id."""


ScaleSetInput: TypeAlias = pulumi.Input[str] | ScaleSetId | HasId
"""What people give as `scale_set`."""


def scale_set_id(scale_set: ScaleSetInput) -> str | pulumi.Output[str]:
    """Return the id of what a user gave as `scale_set`, checked at once where it is known.

    Raises InvalidScaleSetId (a ValueError) or TypeError, naming `scale_set`.
    """
    if isinstance(scale_set, (str, ScaleSetId)):
        return _known(str(scale_set))
    if isinstance(scale_set, pulumi.Output) or inspect.isawaitable(scale_set):
        return pulumi.Output.from_input(scale_set).apply(_id_of)
    _check_type(scale_set)
    identity = getattr(scale_set, "id", None)
    if isinstance(identity, (pulumi.Output, str)):
        return identity
    raise TypeError(
        "scale_set must be a scale set resource, its ARM id or an Output of it, "
        f"not {type(scale_set).__name__}: it has no id"
    )


def _id_of(known: Any) -> Any:  # noqa: ANN401 - whatever an Output holds
    return getattr(known, "id", None) if isinstance(known, pulumi.Resource) else known


def _known(scale_set: str) -> str:
    try:
        return str(ScaleSetId.parse(scale_set))
    except InvalidScaleSetId as error:
        raise InvalidScaleSetId(f"scale_set: {error}; or give the resource itself, scale_set=web") from None


def _check_type(scale_set: object) -> None:
    """Refuse a resource of Azure that is another kind of thing. Raises TypeError, naming `scale_set`."""
    if isinstance(scale_set, pulumi.Resource) and is_other_kind(scale_set):
        kind = scale_set.pulumi_resource_type.rpartition(":")[2]
        hint = "; give its scale set, and the extension in changed_by" if kind.endswith("ScaleSetExtension") else ""
        raise TypeError(f"scale_set must be a VirtualMachineScaleSet, not a {kind}{hint}")


def is_other_kind(resource: pulumi.Resource) -> bool:
    """Return whether this is a resource of Azure, but no scale set."""
    package, *_, kind = resource.pulumi_resource_type.split(":")
    return package in ("azure-native", "azure") and not kind.endswith("VirtualMachineScaleSet")


async def scale_sets_behind(identity: str | pulumi.Output[str]) -> list[pulumi.Resource]:
    """Return the resources of which an id was made and which may be scale sets: a group's name can be in it, too."""
    behind = await identity.resources() if isinstance(identity, pulumi.Output) else ()
    return [each for each in behind if not is_other_kind(each)]


def canonical(scale_set: str) -> str:
    """Return the id as outputs have it. What is no id stays as it is: the provider refuses it in better words."""
    try:
        return str(ScaleSetId.parse(scale_set))
    except InvalidScaleSetId:
        return scale_set


def mark_secret_outputs(
    scale_set: str | pulumi.Output[str], secret: list[str], outputs: Sequence[str]
) -> str | pulumi.Output[str]:
    """Return the id; once it is known to be a secret, add the outputs that contain it to `secret`.

    secret: the list that Pulumi gets as additional_secret_outputs, and reads after the inputs are known: only then can
    be told whether an Output is a secret.
    """
    if not isinstance(scale_set, pulumi.Output):
        return scale_set

    async def tell(known: str) -> str:
        if await scale_set.is_secret():
            secret.extend(outputs)
        return known

    return scale_set.apply(tell)


def scale_set_failures(news: Mapping[str, Any]) -> list[CheckFailure]:
    """Return what is wrong with the id among a resource's inputs; one that is not known yet is checked when it is."""
    scale_set = news.get("scaleSet")
    try:
        if not isinstance(scale_set, Unknown):
            ScaleSetId.parse(scale_set)
    except InvalidScaleSetId as error:
        return [CheckFailure("scaleSet", str(error))]
    return []


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return the value if it is one of the choices. Raises ValueError, naming the argument."""
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, not {value!r}")
    return str(value)


def check_flag(name: str, value: object) -> bool:
    """Return the value if it is True or False: "no" would be taken for yes. Raises TypeError, naming the argument.

    None, which `Config.get_bool` returns for a key that is not set, is False.
    """
    if value is None:
        return False
    if not isinstance(value, bool):
        hint = "; pulumi.Config has get_bool" if isinstance(value, str) else ""
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}{hint}")
    return value


def switch_failures(news: Mapping[str, Any], name: str) -> list[CheckFailure]:
    """Return what is wrong with a flag among a resource's inputs; one that is not known yet is checked when it is.

    name: that of the argument.
    """
    key = stored_key(name)
    try:
        if not isinstance(news.get(key), Unknown):
            check_flag(name, news.get(key))
    except TypeError as error:
        return [CheckFailure(key, str(error))]
    return []


def as_before(olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """Return inputs in which a scale set is written as in the state, if it is the same one.

    Azure compares ids without case, and other resources spell them otherwise from one update to the next: for the
    engine that would be a change.
    """
    is_same = ScaleSetId.are_same(olds.get("scaleSet"), news.get("scaleSet"))
    return {**news, "scaleSet": olds["scaleSet"]} if is_same else news
