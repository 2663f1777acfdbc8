"""The rooms of the code: small enough to be known, and named where a newcomer looks."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSES = (
    ROOT / "provider/vmss_instance_view",
    ROOT / "components/pulumi_vmss_health",
    ROOT / "emulator/vmss_emulator",
)
ROOMS = [room for house in HOUSES for room in (house, *house.rglob("*/")) if (room / "__init__.py").is_file()]
MODULES = 12  # in a room, at most


def modules(room: Path) -> list[str]:
    return sorted(each.stem for each in room.glob("*.py") if each.name != "__init__.py")


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_holds_about_ten_modules(room: Path) -> None:
    assert 0 < len(modules(room)) <= MODULES


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.name)
def test_the_architecture_names_every_room(house: Path) -> None:
    told = (ROOT / "docs/architecture.md").read_text()
    rooms = [str(room.relative_to(house)) for room in ROOMS if room.is_relative_to(house) and room != house]
    assert [name for name in rooms if f"`{name}/`" not in told] == []


@pytest.mark.parametrize("house", HOUSES[:2], ids=lambda house: house.name)
def test_the_architecture_names_every_module_of_what_users_install(house: Path) -> None:
    told = (ROOT / "docs/architecture.md").read_text()
    found = [name for room in ROOMS if room.is_relative_to(house) and room.name != "model" for name in modules(room)]
    assert [name for name in found if f"`{name}`" not in told] == []
