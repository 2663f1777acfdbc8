"""The roles in docs/access.md cover what the reader asks of Azure, each for its mode, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.clocks import within
from tests.pages import ROOT, blocks
from tests.provider.conftest import vms
from tests.provider.test_modes import flexible, reader

from vmss_emulator import Emulator
from vmss_instance_view.reading.reader import ScaleSetReader

PAGE = ROOT / "docs" / "access.md"
UNIFORM, FLEXIBLE = (json.loads(text) for language, text in blocks(PAGE) if language == "json")


def action(path: str, query: str) -> set[str]:
    """The actions that a GET wants of its caller: one for the type, and one for what it expands of a list."""
    provider, *rest = path.split("/providers/")[1].split("/")
    types = rest[::2]  # each but the last is followed by a name
    actions = {"/".join([provider, *types, "read"])}
    if "$expand=instanceView" in query:
        actions.add("/".join([provider, *types, "instanceView", "read"]))
    return actions


def asked(azure: Emulator, before: int = 0) -> set[str]:
    """The actions that requests wanted, without so many that came before."""
    requests = azure.requests[before:]
    gets = [each for each in requests if "/providers/Microsoft.Compute/" in each.path and each.method == "GET"]
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


def test_each_role_covers_every_request_of_its_mode_and_nothing_else(azure: Emulator) -> None:
    read_everything(reader(azure, "uniform", capacity=3, extensions=["cse"], health=True))
    assert set(UNIFORM["Actions"]) == asked(azure)
    before = len(azure.requests)
    read_everything(flexible(azure, "flexible", capacity=3, extensions=["cse"], health=True))
    assert set(FLEXIBLE["Actions"]) == asked(azure, before)


@pytest.mark.parametrize("role", [UNIFORM, FLEXIBLE], ids=["uniform", "flexible"])
def test_a_role_is_made_of_reads_alone_and_names_a_scope(role: dict[str, Any]) -> None:
    assert all(each.endswith("/read") and "*" not in each for each in role["Actions"])
    assert (role["IsCustom"], role["NotActions"]) == (True, [])
    assert role["AssignableScopes"]
    assert all(scope.startswith("/subscriptions/") for scope in role["AssignableScopes"])
