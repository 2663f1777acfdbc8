"""The role that SECURITY.md describes covers what the reader asks of Azure, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.clocks import within
from tests.pages import blocks
from tests.provider.conftest import vms
from tests.provider.test_modes import flexible, reader

from vmss_emulator import Emulator
from vmss_instance_view.reading.reader import ScaleSetReader

SECURITY = Path(__file__).parents[2] / "SECURITY.md"
JSON = [json.loads(text) for language, text in blocks(SECURITY) if language == "json"]


def role() -> dict[str, Any]:
    """The one custom role on the page."""
    (role,) = (each for each in JSON if "Actions" in each)
    assert isinstance(role, dict)
    return role


def action(path: str, query: str) -> set[str]:
    """The actions that a GET wants of its caller: one for the type, and one for what it expands of a list."""
    provider, *rest = path.split("/providers/")[1].split("/")
    types = rest[::2]  # each but the last is followed by a name
    actions = {"/".join([provider, *types, "read"])}
    if "$expand=instanceView" in query:
        actions.add("/".join([provider, *types, "instanceView", "read"]))
    return actions


def asked(azure: Emulator) -> set[str]:
    """The actions that the requests for instances, views, models and upgrades wanted."""
    gets = [each for each in azure.requests if "/providers/Microsoft.Compute/" in each.path and each.method == "GET"]
    return set().union(*(action(each.path, each.query) for each in gets))


def read_everything(read: ScaleSetReader) -> None:
    deadline = within(30)
    assert read.model(deadline).capacity == 3
    assert len(read.instances(deadline)) == 3
    assert vms(read.view(deadline)) == 3
    read.rolling_upgrade(deadline)


@pytest.mark.parametrize(
    ("path", "query", "wanted"),
    [
        ("virtualMachineScaleSets/web", "", {"virtualMachineScaleSets/read"}),
        ("virtualMachineScaleSets/web/instanceView", "", {"virtualMachineScaleSets/instanceView/read"}),
        ("virtualMachineScaleSets/web/rollingUpgrades/latest", "", {"virtualMachineScaleSets/rollingUpgrades/read"}),
        ("virtualMachines/web_0/instanceView", "", {"virtualMachines/instanceView/read"}),
        (
            "virtualMachines",
            "$filter=x&$expand=instanceView",
            {"virtualMachines/read", "virtualMachines/instanceView/read"},
        ),
    ],
)
def test_a_path_wants_the_action_of_its_type(path: str, query: str, wanted: set[str]) -> None:
    group = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/"
    assert action(group + path, query) == {f"Microsoft.Compute/{each}" for each in wanted}


def test_the_role_covers_every_request_of_the_reader_and_nothing_else(azure: Emulator) -> None:
    read_everything(reader(azure, "uniform", capacity=3, extensions=["cse"], health=True))
    uniform = asked(azure)
    read_everything(flexible(azure, "flexible", capacity=3, extensions=["cse"], health=True))
    assert set(role()["Actions"]) == asked(azure)
    assert uniform == set(role()["Actions"][:-2])  # as the page says of the last two


def test_the_role_is_made_of_reads_alone_and_names_a_scope() -> None:
    assert all(each.endswith("/read") and "*" not in each for each in role()["Actions"])
    assert (role()["IsCustom"], role()["NotActions"]) == (True, [])
    assert all(scope.startswith("/subscriptions/") for scope in role()["AssignableScopes"])
    assert len(JSON) == SECURITY.read_text().count("```json")
