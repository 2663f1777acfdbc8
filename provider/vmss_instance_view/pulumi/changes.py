"""What changes beside a scale set, as triggers: a text for each resource that differs when anything of it does.

Only of a resource's own properties can that be told: what is inside of a component is not known to the program.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi

_AT_ONCE = 1 << 20  # bytes of a file


def changes_of(resources: Sequence[pulumi.Resource]) -> list[pulumi.Output[str]]:
    """Return a trigger for each resource: a text that changes when any of its properties does.

    Raises TypeError, naming `changed_by`, for anything but a list of resources that are no components.
    """
    is_list = isinstance(resources, Sequence) and not isinstance(resources, (str, bytes))
    wrong = [each for each in resources if not isinstance(each, pulumi.Resource)] if is_list else [resources]
    if wrong:
        kind = type(wrong[0]).__name__
        raise TypeError(f"changed_by must be a list of resources, such as [app], not {kind}")
    for each in resources:
        if isinstance(each, pulumi.ComponentResource):
            raise TypeError(
                f"changed_by has the component {each.pulumi_resource_name!r}, which does not tell when a resource "
                "inside of it changes: name the resources, such as [shop.app], or give a value of them in triggers"
            )
    return [_fingerprint(each) for each in resources]


def _fingerprint(resource: pulumi.Resource) -> pulumi.Output[str]:
    """Return the resource's name and a hash of what Pulumi knows of it; a secret where any of that is one.

    A hash: the properties themselves would be in the state twice. Inputs that Azure does not give back, such as
    protected settings, are properties, too.
    """
    properties = {
        name: value
        for name, value in vars(resource).items()
        if isinstance(value, pulumi.Output) and not name.startswith("_") and name != "urn"
    }

    def text(known: Mapping[str, Any]) -> str:
        told = {name: value for name, value in known.items() if value is not None}  # a newer SDK may know more of them
        written = _written(resource.pulumi_resource_name, told)
        return f"{resource.pulumi_resource_name} {hashlib.sha256(written).hexdigest()[:16]}"

    return pulumi.Output.from_input(properties).apply(text)


def _written(name: str, properties: Mapping[str, Any]) -> bytes:
    """Return the properties of the resource as JSON, the same from run to run.

    Raises RunError, which ends the program without a traceback, for what cannot be read or written.
    """
    try:
        return json.dumps(properties, sort_keys=True, default=_encodable).encode()
    except OSError as error:
        problem = f"{error.filename} cannot be read: {error.strerror}"
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"a property of it cannot be compared: {error}"
    hint = "take it out of changed_by, and give what changes of it in triggers"
    raise pulumi.RunError(f"changed_by has {name!r}, but {problem}; {hint}")


def _encodable(value: object) -> object:
    """Return what stands for a value in JSON: hashes of files, a resource's type and name, else the value's attributes.

    Raises OSError for a file that cannot be read, TypeError for a value without attributes.
    """
    if isinstance(value, (pulumi.FileAsset, pulumi.FileArchive)):
        return {"content": _content(Path(value.path).absolute())}
    if isinstance(value, pulumi.Resource):
        return {"resource": [value.pulumi_resource_type, value.pulumi_resource_name]}
    made_of = getattr(value, "__dict__", None)
    if made_of is None:
        raise TypeError(f"{type(value).__name__} is no JSON")
    return made_of


def _content(path: Path) -> object:
    """Return a hash of the file, or of each file in the folder by its name.

    The path is left out: on another machine it is another one. Raises OSError, naming what cannot be read.
    """
    if path.is_dir():
        return {each.relative_to(path).as_posix(): _hash(each) for each in _files(path)}
    return _hash(path)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that Pulumi's engine puts into an archive of the folder: it follows no links to other folders.

    Source: pulumi/pulumi, sdk/go/common/resource/archive/archive.go, readPath.
    """

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if name != _BOOKS]
        yield from (Path(parent, name) for name in files if name != _BOOKS)


_BOOKS = ".pulumi"
"""The engine's own files, such as the state."""


def _hash(path: Path) -> str:
    content = hashlib.sha256()
    with path.open("rb") as file:
        while some := file.read(_AT_ONCE):
            content.update(some)
    return content.hexdigest()
