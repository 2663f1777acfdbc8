"""Check the `opts` that people give to a resource, in their program: Pulumi ignores much of it without a word."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pulumi

from vmss_instance_view.durations import format_duration, parse_duration
from vmss_instance_view.keys import stored_key
from vmss_instance_view.pulumi.arguments import scale_sets_behind

_AZURE_NATIVE = "azure-native"
_NAME = re.compile(r"[^\W\d]\w*")


def check_options(opts: object, inputs: Mapping[str, Collection[str]], outputs: Collection[str]) -> None:
    """Refuse options that could only be a mistake.

    inputs: the resource's arguments by their Python names, each with the fields that it has, if those are known.
    outputs: its outputs by their Python names.
    Raises ValueError or TypeError, naming `opts`.
    """
    check_type(opts)
    if not isinstance(opts, pulumi.ResourceOptions):
        return
    _check_providers(opts)
    _check_paths("opts.ignore_changes", opts.ignore_changes, inputs)
    _check_paths("opts.replace_on_changes", opts.replace_on_changes, inputs)
    _check_secrets(opts.additional_secret_outputs or (), inputs, outputs)
    for name in ("import_", "id"):
        if getattr(opts, name) is not None:
            raise ValueError(f"opts.{name} must not be set: nothing of this resource is in Azure: declare it")


def check_type(opts: object) -> None:
    """Refuse what are no options. Raises TypeError, naming `opts`."""
    if opts is not None and not isinstance(opts, pulumi.ResourceOptions):
        raise TypeError(f"opts must be pulumi.ResourceOptions, not {type(opts).__name__}")


def _check_providers(opts: pulumi.ResourceOptions) -> None:
    """Refuse an explicit azure-native provider: the program cannot see what it signs in with.

    Pulumi would ignore it, and another identity would read the scale set than the user meant.
    """
    several = opts.providers or ()
    given = [opts.provider, *(several.values() if isinstance(several, Mapping) else several)]
    if any(provider is not None and provider.package == _AZURE_NATIVE for provider in given):
        raise ValueError(
            "opts has an explicit azure-native provider, but a scale set is read with the settings of the stack: "
            "remove it from provider and providers, and let the stack's azure-native configuration "
            "(azure-native:clientId, …) or the ARM_* variables name an identity that may read the scale set"
        )


def _check_paths(option: str, paths: Sequence[str] | None, inputs: Mapping[str, Collection[str]]) -> None:
    """Refuse a path to a property that does not exist, which Pulumi would ignore."""
    known = {stored_key(name): {stored_key(field) for field in fields} for name, fields in inputs.items()}
    for path in paths or ():
        root, *below = [stored_key(name) for name in re.findall(rf"{_NAME.pattern}|\*", path)] or [path]
        if root in ("*", "__provider"):
            continue
        if root not in known:
            raise ValueError(f"{option} has {path!r}, which is no argument; there are {', '.join(inputs)}")
        if below and known[root] and below[0] not in {*known[root], "*"}:
            (fields,) = (fields for name, fields in inputs.items() if stored_key(name) == root)
            raise ValueError(f"{option} has {path!r}, which is no field; {root} has {', '.join(fields)}")


def _check_secrets(names: Sequence[str], inputs: Collection[str], outputs: Collection[str]) -> None:
    """Refuse what is no property: Pulumi would ignore it, and leave in the clear what was meant."""
    known = {stored_key(name) for name in (*outputs, *inputs)}
    for name in names:
        if stored_key(name) not in known:
            text = f"opts.additional_secret_outputs has {name!r}, which is no output; there are {', '.join(outputs)}"
            raise ValueError(text)


def stored_paths(paths: Sequence[str] | None, inputs: Mapping[str, Collection[str]]) -> list[str]:
    """Return paths to arguments, which `check_options` took, as the engine knows them.

    Only the argument, and a field where the fields are known, have other names in state: what is below are keys of the
    user.
    """
    with_fields = {stored_key(name) for name, fields in inputs.items() if fields}

    def stored(path: str) -> str:
        root = _NAME.search(path)
        depth = 2 if root and stored_key(root[0]) in with_fields else 1
        return _NAME.sub(lambda name: stored_key(name[0]), path, count=depth)

    return [stored(path) for path in paths or ()]


def say_whose_identity_reads(
    resource: pulumi.Resource,
    scale_sets: Mapping[str, object],
    ids: Mapping[str, str | pulumi.Output[str]],
    opts: pulumi.ResourceOptions | None,
) -> None:
    """Tell the user, once, if a scale set, or the parent, has an explicit provider: its identity is not what reads.

    That is no mistake while the stack's own identity may read the scale set; Azure refuses the read otherwise.
    scale_sets, ids: by what people call them.
    """

    async def say() -> None:
        for name, owner in {**scale_sets, "the parent": opts.parent if opts else None}.items():
            behind = [owner] if isinstance(owner, pulumi.Resource) else await scale_sets_behind(ids.get(name, ""))
            if any(each.get_provider(f"{_AZURE_NATIVE}::") for each in behind):
                text = (
                    f"{name} has an explicit azure-native provider; the scale set is read with the identity of the "
                    "stack's azure-native configuration or ARM_* variables, which needs the role Reader on it"
                )
                pulumi.log.info(text, resource)
                return

    # Pulumi awaits every Output before it ends the program.
    _said: pulumi.Output[None] = pulumi.Output.from_input(say())


def custom_timeouts(given: object, check: Callable[[timedelta], object]) -> pulumi.CustomTimeouts | None:
    """Return the resource's own time-outs in the form that the engine reads; None if the user gave none.

    Create and update stand in for each other: the run after a failed create is an update.
    check: raises ValueError for a time that is too short.
    Raises ValueError or TypeError, naming custom_timeouts.
    """
    if given is None:
        return None
    if not isinstance(given, (dict, pulumi.CustomTimeouts)):  # Pulumi takes a dictionary, too
        raise TypeError(f"opts.custom_timeouts must be a pulumi.CustomTimeouts, not {type(given).__name__}")
    asked = given if isinstance(given, dict) else vars(given)
    unknown = sorted(set(asked) - {"create", "update", "delete", "read"})
    if unknown:
        raise ValueError(f"opts.custom_timeouts has no {', '.join(unknown)}; it has create and update")
    create, update = asked.get("create"), asked.get("update")
    return pulumi.CustomTimeouts(
        create=_limit("create", create or update, check), update=_limit("update", update or create, check)
    )


def _limit(name: str, value: Any, check: Callable[[timedelta], object]) -> str | None:  # noqa: ANN401 - a user's argument
    """Return a time-out in the form that the engine reads, which knows no days; None for None."""
    if value is None:
        return None
    try:
        limit = parse_duration(value, name)
        check(limit)
    except (ValueError, TypeError) as error:
        raise type(error)(f"opts.custom_timeouts: {error}") from None
    return format_duration(limit)
