"""What the project makes of each field that Azure alone writes: one table, complete, true, and told in docs/fields.md.

`UPDATE_DOCS=1 pytest tests/census/test_census.py` writes the page anew.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.census import azure_models

from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet, VirtualMachineInstanceView

TABLE: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "fields.yaml").read_text())
PAGE = Path(__file__).parents[2] / "docs" / "fields.md"
FATES = ("judged", "shown", "ignored")

# Of these every field is Azure's, whatever the SDK's generator was told: nobody can PUT them.
WHOLLY_AZURES = (
    "VirtualMachineScaleSetInstanceView",
    "VirtualMachineScaleSetVMInstanceView",
    "VirtualMachineInstanceView",
    "RollingUpgradeStatusInfo",
)
READERS: dict[str, Any] = {
    "VirtualMachineScaleSetInstanceView": InstanceView,
    "VirtualMachineScaleSetVMInstanceView": VirtualMachineInstanceView,
    "VirtualMachineInstanceView": VirtualMachineInstanceView,
    "RollingUpgradeStatusInfo": RollingUpgrade,
    "VirtualMachineScaleSetVM": Instance,
    "VirtualMachine": Instance,
    "VirtualMachineScaleSet": ScaleSet,
}
# Values that a reader takes; any text, number, flag or moment does elsewhere.
VALUES: dict[str, object] = {
    "tags{}": {"VirtualMachineProfileTimeCreated": "4/3/2025 7:34:39 PM +00:00"},
    "properties.instanceView": {"statuses": [{"code": "PowerState/running"}]},
    "properties.virtualMachineProfile.extensionProfile.extensions[].properties.publisher": "Microsoft.ManagedServices",
    "properties.virtualMachineProfile.extensionProfile.extensions[].properties.type": "ApplicationHealthLinux",
    "properties.virtualMachineProfile.extensionProfile.extensions[].properties.settings": {"intervalInSeconds": 5},
}
SAMPLES: dict[object, object] = {int: 3, bool: True}


def expanded(field: str) -> list[str]:
    """`a.{b, c}` as a.b and a.c."""
    match = re.fullmatch(r"(.*?)\{(\S[^{}]*(?:\{\}[^{}]*)*)\}", field)
    return [match[1] + one.strip() for one in match[2].split(",")] if match else [field]


def fate(row: Mapping[str, Any]) -> str:
    (found,) = (one for one in FATES if one in row)
    return found


def told(model: str) -> dict[str, str]:
    """What the table says of a model's fields: the fate of each, by its path."""
    fates = [
        (path, fate(row))
        for section in TABLE
        if model in section["models"]
        for row in section["rows"]
        for field in row["fields"]
        for path in expanded(field)
    ]
    twice = [path for path, count in Counter(path for path, _ in fates).items() if count > 1]
    assert twice == [], f"{model}: told twice"
    return dict(fates)


def missing(model: str, found: Mapping[str, azure_models.Leaf]) -> list[str]:
    wanted = {path for path, leaf in found.items() if leaf.read_only or model in WHOLLY_AZURES}
    return sorted(wanted - told(model).keys())


@pytest.mark.parametrize("model", READERS)
def test_every_field_that_azure_alone_writes_is_in_the_table(model: str) -> None:
    assert missing(model, azure_models.leaves(model)) == [], "new in the SDK: say in fields.yaml what becomes of it"


@pytest.mark.parametrize(
    ("model", "path", "read_only"),
    [
        ("VirtualMachineScaleSet", "properties.uniqueId", True),
        ("VirtualMachineScaleSet", "properties.virtualMachineProfile.timeCreated", True),
        ("VirtualMachineScaleSet", "sku.capacity", False),
        ("VirtualMachineScaleSetVM", "properties.latestModelApplied", True),
        ("VirtualMachineScaleSetVM", "resources[].properties.settings", True),
        ("VirtualMachineScaleSetVM", "properties.protectionPolicy.protectFromScaleIn", False),
        ("VirtualMachine", "properties.instanceView", True),
        ("VirtualMachine", "tags{}", False),
    ],
)
def test_the_sdk_still_marks_what_azure_alone_writes(model: str, path: str, read_only: bool) -> None:
    assert azure_models.leaves(model)[path].read_only is read_only, "does its generator mark fields in another way now?"


@pytest.mark.parametrize("model", READERS)
def test_the_table_names_no_field_that_azure_does_not_have(model: str) -> None:
    assert sorted(told(model).keys() - azure_models.leaves(model).keys()) == [], "gone from the SDK, or misspelt"


@pytest.mark.parametrize("model", READERS)
def test_a_field_that_a_new_sdk_brings_is_noticed_at_any_depth(model: str) -> None:
    found = azure_models.leaves(model)
    some = next(path for path in told(model) if "." in path or "[]" in path)
    beside = f"{some}OfTomorrow"
    assert missing(model, {**found, beside: azure_models.Leaf(found[some].field, True)}) == [beside]


@pytest.mark.parametrize("model", READERS)
def test_what_is_judged_or_shown_is_read(model: str) -> None:
    found = azure_models.leaves(model)
    used = [path for path, kept in told(model).items() if kept != "ignored"]
    body: dict[str, Any] = {}
    for path in used:
        put(body, path.split("."), VALUES.get(path, SAMPLES.get(found[path].field.kind, "some/thing")))
    kept = READERS[model].from_json(body).to_json()
    assert [path for path in used if not list(values(kept, path.split(".")))] == []


@pytest.mark.parametrize("section", TABLE, ids=lambda section: str(section["title"]))
def test_what_is_ignored_says_why(section: dict[str, Any]) -> None:
    assert [row for row in section["rows"] if len(str(row[fate(row)]).split()) < 3] == []


def test_the_page_says_what_the_table_says() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page()


def put(body: dict[str, Any], steps: list[str], value: object) -> None:
    """Write a value at a path, with one element in each list."""
    key, lists, mappings = re.fullmatch(r"([^\[{]+)((?:\[\])*)((?:\{\})*)", steps[0]).groups()  # type: ignore[union-attr]
    if steps[1:]:
        inner = body.setdefault(key, [{}] if lists else {})
        put(inner[0] if lists else inner, steps[1:], value)
    else:
        body[key] = [value] if lists else {"key": value} if mappings and not isinstance(value, dict) else value


def values(body: Any, steps: list[str]) -> Iterator[object]:
    """What a body has at a path."""
    key = steps[0].rstrip("[]{}")
    if not isinstance(body, Mapping) or key not in body:
        return
    for one in body[key] if steps[0].endswith("[]") else [body[key]]:
        if steps[1:]:
            yield from values(one, steps[1:])
        else:
            yield one


def page() -> str:
    return "\n".join([INTRODUCTION, counts(), *(line for section in TABLE for line in shown(section))]) + "\n"


def counts() -> str:
    number = Counter(kept for model in READERS for kept in told(model).values())
    return f"In all {number.total()} fields: {', '.join(f'{number[one]} {one}' for one in FATES)}."


def shown(section: Mapping[str, Any]) -> Iterator[str]:
    names = " and ".join(f"`{model}`" for model in section["models"])
    yield from [
        "",
        f"## {section['title']}",
        "",
        f"{names}: {section['read']}",
        "",
        "| field | here | how, or why |",
        "|---|---|---|",
    ]
    for row in section["rows"]:
        fields = "<br>".join(f"`{field}`" for field in row["fields"])
        yield f"| {fields} | {fate(row)} | {row[fate(row)]} |"


INTRODUCTION = """\
# What is done with each field that Azure writes

Azure's own models for Python (azure-mgmt-compute) say which fields its answers can have. This page lists every field
that only Azure writes, and others that a gate could care about:

- **judged**: a verdict can depend on it;
- **shown**: it appears in a reason, a status line or an output, and decides nothing;
- **ignored**, with the reason.

You can still read an ignored field from Azure. If a new version of Azure's models brings a new field, a test fails
until the field has a line here. A test writes this page from `tests/census/fields.yaml`; change that file.
"""
