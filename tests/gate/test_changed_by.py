"""What makes a resource in `changed_by` a trigger: everything that it has, in a value that stays the same otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import pulumi_vmss_health as vmss
from pulumi_vmss_health.testing import HealthyMocks

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


class Extension(pulumi.CustomResource):
    """What azure-native declares: inputs are properties, also those that Azure does not give back."""

    def __init__(self, **properties: Any) -> None:
        super().__init__("azure-native:compute:VirtualMachineScaleSetExtension", "app", properties)


def triggers_by(changed: Callable[[], pulumi.Resource]) -> Any:
    """The triggers of a gate whose set is changed by a resource."""
    mocks = HealthyMocks()
    pulumi.runtime.set_mocks(mocks)

    def program() -> pulumi.Output[bool]:
        return vmss.ScaleSetHealthGate("web", scale_set=ID, triggers=["mine"], changed_by=[changed()]).healthy

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi has not typed it
    return mocks.declared[-1].inputs["triggers"]


def triggers_of(**properties: Any) -> Any:
    return triggers_by(lambda: Extension(**properties))


def test_a_resource_that_changes_the_set_is_a_trigger_by_everything_that_it_has() -> None:
    first = triggers_of(settings={"release": 1, "port": 80})
    assert first[0] == "mine"
    assert re.fullmatch("app [0-9a-f]{16}", first[1])
    assert triggers_of(settings={"port": 80, "release": 1}) == first
    assert triggers_of(settings={"port": 80, "release": 2}) != first
    assert triggers_of(settings={"port": 80, "release": 1}, protectedSettings={"key": "b"}) != first


def test_a_secret_of_such_a_resource_makes_the_triggers_one() -> None:
    triggers = triggers_of(protectedSettings=pulumi.Output.secret({"key": "b"}))
    assert triggers["value"][1].startswith("app ")
    assert triggers[pulumi.runtime.rpc._special_sig_key] == pulumi.runtime.rpc._special_secret_sig


@pytest.mark.parametrize(
    ("properties", "trigger"),
    [
        ({}, "app 248e2f96a7b380e8"),
        ({"settings": {"release": 1, "port": 80.5}}, "app fd0e66d396f7e7d6"),
        ({"settings": {"a": [1, "ü", None, {"b": True}], "c": {}}, "tags": ["x"], "no": None}, "app 2c68da751d51c4bc"),
        ({"script": lambda: pulumi.StringAsset("x")}, "app d634b25ad8784c42"),
        (
            {"settings": {"release": 1}, "protectedSettings": lambda: pulumi.Output.secret({"key": "b"})},
            "app 9ecc8e15801efad5",
        ),
    ],
)
def test_triggers_are_those_that_users_states_hold_for_others_would_run_every_gate_again(
    properties: dict[str, Any], trigger: str
) -> None:
    triggers = triggers_of(**{name: made() if callable(made) else made for name, made in properties.items()})
    assert (triggers["value"] if isinstance(triggers, dict) else triggers)[1] == trigger


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    "asset",
    [
        lambda folder: pulumi.FileAsset(folder / "app" / "main"),
        lambda folder: pulumi.FileArchive(str(folder / "app" / "main")),
        lambda folder: pulumi.FileArchive(str(folder)),
        lambda folder: pulumi.AssetArchive({"app": pulumi.FileArchive(str(folder / "app"))}),
        lambda folder: pulumi.AssetArchive(
            {"all": pulumi.AssetArchive({"main": pulumi.FileAsset(folder / "app" / "main")})}
        ),
    ],
    ids=["file", "archive", "folder", "archive of a folder", "archive of an archive"],
)
def test_the_content_of_a_file_is_a_trigger_and_the_place_where_it_lies_is_none(
    tmp_path: Path, asset: Callable[[Path], object]
) -> None:
    def trigger(clone: str, text: str) -> Any:
        return triggers_of(source=asset(write(tmp_path / clone, **{"app/main": text, "read": "me"})))

    first = trigger("here", "v1")
    assert trigger("here", "v2") != first
    assert trigger("there", "v1") == first


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: write(folder, new=""),
        lambda folder: (folder / "a").unlink(),
        lambda folder: (folder / "a").rename(folder / "c"),
        lambda folder: write(folder, a="two", b="one"),
    ],
    ids=["new", "gone", "renamed", "swapped"],
)
def test_a_folder_changes_with_its_files(tmp_path: Path, change: Callable[[Path], object]) -> None:
    write(tmp_path, a="one", b="two")
    before = triggers_of(source=pulumi.FileArchive(str(tmp_path)))
    change(tmp_path)
    assert triggers_of(source=pulumi.FileArchive(str(tmp_path))) != before


def test_what_pulumi_leaves_out_of_an_archive_changes_no_folder(tmp_path: Path) -> None:
    folder, other = tmp_path / "app", write(tmp_path / "other", main="v1")
    write(folder, **{"main": "v1", ".pulumi/stacks": "1"})
    (folder / "link").symlink_to(other, target_is_directory=True)
    before = triggers_of(source=pulumi.FileArchive(str(folder)))
    write(folder, **{".pulumi/stacks": "2"})
    write(other, main="v2")
    assert triggers_of(source=pulumi.FileArchive(str(folder))) == before


@pytest.mark.parametrize("asset", [pulumi.RemoteAsset, pulumi.RemoteArchive])
def test_a_remote_file_is_a_trigger_by_its_address(asset: Any) -> None:
    first = triggers_of(source=asset("https://acme.example/1.zip"))
    assert triggers_of(source=asset("https://acme.example/1.zip")) == first
    assert triggers_of(source=asset("https://acme.example/2.zip")) != first


def test_a_file_that_cannot_be_read_ends_the_program_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "app.zip"
    with pytest.raises(pulumi.RunError) as refused:
        triggers_of(source=pulumi.FileArchive(str(path)))
    assert str(refused.value).startswith(
        f"changed_by has 'app', but {path} cannot be read: No such file or directory; "
    )


class Owned(Extension):
    """A resource with values that its class made."""

    def __init__(self, owner: object) -> None:
        super().__init__()
        self.owner = pulumi.Output.from_input({"by": [owner]})


def test_another_resource_in_a_property_is_told_by_its_type_and_name() -> None:
    def trigger(name: str) -> Any:
        return triggers_by(lambda: Owned(pulumi.CustomResource("acme:shop:Shop", name, {"release": 1})))

    assert trigger("a") == trigger("a")
    assert trigger("a") != trigger("b")


class Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1, 2}, "set is no JSON"),
        (b"x", "bytes is no JSON"),
        (Circle(), "Circular reference detected"),
    ],
    ids=["set", "bytes", "circle"],
)
def test_a_value_without_a_text_that_stays_the_same_ends_the_program_with_the_resource(
    value: object, words: str
) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        triggers_by(lambda: Owned(value))
    assert str(refused.value).startswith(f"changed_by has 'app', but a property of it cannot be compared: {words}; ")


@pytest.mark.parametrize("outputs", [{}, {"address": "10.0.0.1"}])
def test_a_component_is_refused_for_it_does_not_tell_what_changes_inside_of_it(outputs: dict[str, str]) -> None:
    class Shop(pulumi.ComponentResource):
        def __init__(self) -> None:
            super().__init__("acme:shop:Shop", "shop")
            for name, value in outputs.items():
                setattr(self, name, pulumi.Output.from_input(value))

    with pytest.raises(TypeError) as refused:
        triggers_by(Shop)
    assert str(refused.value).startswith("changed_by has the component 'shop', ")
    assert "name the resources" in str(refused.value)
