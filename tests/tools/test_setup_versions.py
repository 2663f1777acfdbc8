"""Which versions of the Pulumi CLI and of Go will do."""

from __future__ import annotations

import pytest
from tests.tools.support import REPOSITORY
from tools.toolchain.versions import Go, cli_problem, go_problem, go_wanted, locked, parse_version

WANTED = (1, 25, 11)


@pytest.mark.parametrize(
    "reported", ["v3.216.0\n", "3.259.0", "v3.300.1-alpha.5+dirty", "warning: 1.0 is odd\nv3.272.0"]
)
def test_a_new_enough_cli_will_do(reported: str) -> None:
    assert cli_problem(reported) == ""


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        ("v3.215.9", "older than 3.216.0"),
        ("v3.99.0", "it is 3.99.0"),
        ("v4.0.0", "wants a 3.x"),
        ("v2.25.2", "wants a 3.x"),
        ("command not found", "'command not found'"),
    ],
)
def test_another_cli_will_not_do_and_it_is_said_why(reported: str, said: str) -> None:
    assert said in cli_problem(reported)


@pytest.mark.parametrize(
    "go",
    [Go((1, 26, 8), "local"), Go(WANTED, "local"), Go((1, 21, 0), "auto"), Go((1, 22, 3), "go1.22.3+auto")],
)
def test_a_new_go_will_do_and_an_older_one_that_fetches_its_successor(go: Go) -> None:
    assert go_problem(go, WANTED) == ""


@pytest.mark.parametrize("toolchain", ["local", "path", "go1.24.1", "local+path"])
def test_a_go_that_may_not_fetch_is_told_how_it_may(toolchain: str) -> None:
    text = go_problem(Go((1, 24, 1), toolchain), WANTED)
    assert "GOTOOLCHAIN=auto make setup" in text
    assert "1.25.11" in text


def test_a_go_too_old_to_fetch_is_called_too_old_whatever_it_may() -> None:
    assert "Go 1.19.8 is too old. Install Go 1.25.11 or later" in go_problem(Go((1, 19, 8), "auto"), WANTED)


def test_without_go_the_message_names_the_package_and_what_suffices() -> None:
    text = go_problem(None, WANTED)
    assert "there is no go on PATH" in text
    assert "golang-go" in text
    assert "any from 1.21 on" in text


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go1.25.11", (1, 25, 11)),
        ("go1.26", (1, 26, 0)),
        ("go1.27rc1", (1, 27, 0)),
        ("devel go1.28-a1b2", (1, 28, 0)),
        ("", ()),
    ],
)
def test_versions_are_read_as_go_and_pulumi_write_them(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_the_locked_version_is_read_from_a_go_mod() -> None:
    go_mod = "module m\n\ngo 1.25.11\n\nrequire (\n\texample.org/a/v3 v3.1.0 // indirect\n\texample.org/b v0.2.0\n)\n"
    assert locked(go_mod, "example.org/a/v3") == "v3.1.0"
    assert go_wanted(go_mod) == (1, 25, 11)
    with pytest.raises(LookupError):
        locked(go_mod, "example.org/a")


def test_cli_and_sdk_are_locked_to_the_same_version() -> None:
    go_mod = (REPOSITORY / "tools" / "go" / "cli" / "go.mod").read_text()
    assert locked(go_mod, "github.com/pulumi/pulumi/pkg/v3") == locked(go_mod, "github.com/pulumi/pulumi/sdk/v3")
