"""What the installed `pulumi_azure_native` tells about a resource type, read from its text: importing it takes seconds.

It tells the api-version, the inputs, the outputs, and so the parts of the resource's path: inputs that are texts, that
Azure does not give back, and that are called `...Name` or alike. It does not tell the path itself (see `places`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_CLASS = re.compile(r"^class \w+\(pulumi\.CustomResource\):", re.MULTILINE)
_TOKEN = re.compile(r"__init__\(\n +'azure-native:(\w+):(\w+)',")
_ARGUMENT = re.compile(r"^ +(\w+): (.*?)( = None)?(?:,|\):)?$", re.MULTILINE)
_GETTER = re.compile(r'@pulumi\.getter(?:\(name="(\w+)"\))?\n    def (\w+)\(self\)')
_VERSION = re.compile(r"Uses Azure REST API version (\d{4}-\d\d-\d\d[\w-]*)")
# As 3.0 and 3.2, 3.5 and 3.10, and 3.29 write it.
_TEXT = re.compile(r"(?:Optional\[)?pulumi\.Input\[(?:Optional\[)?(?:_?builtins\.)?str\]{1,2}")
_SCOPES = ("scope", "resourceUri", "resourceId")


@dataclass(frozen=True, slots=True)
class Described:
    """A resource type as the SDK has it; names are those that Pulumi sends.

    Attributes:
        module: of the SDK, such as `network`.
        name: of the type, such as `LoadBalancer`.
        api_version: that the provider asks for.
        inputs: all that a program can set.
        outputs: all that Azure gives back.
        own: the input that is the resource's name; None: it has none that the SDK tells.
        parents: the other inputs that are parts of its path, without the resource group; in no order.
        in_group: does it lie in a resource group?
        scope: the input that is the id of the resource it belongs to; None: it belongs to none.
    """

    module: str
    name: str
    api_version: str
    inputs: frozenset[str]
    outputs: frozenset[str]
    own: str | None
    parents: frozenset[str]
    in_group: bool
    scope: str | None


def root() -> Path | None:
    """Return where the SDK is installed, without importing it; None: it is not."""
    found = find_spec("pulumi_azure_native")
    return Path(found.origin).parent if found is not None and found.origin else None


@cache
def module(name: str) -> dict[str, Described]:
    """Return the types of a module of the SDK by their names; none where there is no such module, or no SDK."""
    folder = root()
    if folder is None or not name.isidentifier() or not (folder / name).is_dir():
        return {}
    return {found.name: found for file in (folder / name).glob("*.py") for found in _described(file)}


def _described(file: Path) -> Iterator[Described]:
    text = file.read_text(encoding="utf-8")
    begin, token, version = _CLASS.search(text), _TOKEN.search(text), _VERSION.search(text)
    if begin is None or token is None or version is None:
        return
    arguments = re.search(
        r"class \w+Args:\n    def __init__\(__self__, ?\*?,?\n?(.*?)\n        \"\"\"", text, re.DOTALL
    )
    before, after = text[: begin.start()], text[begin.end() :]
    names = {own: told or own for told, own in _GETTER.findall(before)}
    outputs = frozenset(told or own for told, own in _GETTER.findall(after))
    found = _ARGUMENT.findall(arguments[1]) if arguments else []
    texts = [(names.get(key, key), not optional) for key, kind, optional in found if _TEXT.fullmatch(kind)]
    parts = [
        (key, required)
        for key, required in texts
        if (required and key in _SCOPES) or (key not in outputs and key.lower().endswith(("name", "id")))
    ]
    own = _own(token[2], [key for key, required in parts if not required], set(names.values()))
    parents = {key for key, required in parts if required}
    yield Described(
        module=token[1],
        name=token[2],
        api_version=version[1],
        inputs=frozenset(names.values()),
        outputs=outputs,
        own=own,
        parents=frozenset(parents - {"resourceGroupName", *_SCOPES}),
        in_group="resourceGroupName" in parents,
        scope=next((key for key in _SCOPES if key in parents), None),
    )


def _own(name: str, optional: list[str], inputs: set[str]) -> str | None:
    """Return the input that Pulumi fills in itself where a program leaves it out."""
    called = [key for key in optional if key.lower().endswith("name")] or [key for key in optional if key != "id"]
    if len(called) == 1:
        return called[0]
    like_the_type = name[0].lower() + name[1:] + "Name"
    return next((key for key in (like_the_type, "name") if key in inputs and not called), None)
