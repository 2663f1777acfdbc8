"""The table of `make clients`: it tells what differs, and leaves out what this machine cannot run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.clients import __main__ as clients
from tests.emulator.clients import table
from tests.emulator.clients.table import CLIENTS, Client

AZ = next(client for client in CLIENTS if client.name == "az")
GO = next(client for client in CLIENTS if client.name.endswith("(Go)"))


def view(succeeded: int, failed: int = 0) -> dict[str, Any]:
    """An instance view with one extension."""
    states = {"ProvisioningState/succeeded": succeeded, "ProvisioningState/failed/1": failed}
    summary = [{"code": code, "count": count} for code, count in states.items() if count]
    extensions = [{"name": "app", "statusesSummary": summary}]
    return {"virtualMachine": {"statusesSummary": summary}, "extensions": extensions, "statuses": [{"time": "now"}]}


def came(found: Any, want: Any, ours: Any = None, *, client: Client = GO, code: int = 0) -> str:
    """What the table says of a client that ended with a code and printed something."""
    said = clients.Told(code, found, "no such host", 1.0)
    return clients.outcome(client, said, want, clients.counts(ours) if ours else {})


def test_a_view_that_all_see_alike_is_the_same_whatever_the_form_of_its_times() -> None:
    later = {**view(2, 1), "statuses": [{"time": "later"}]}
    assert came(later, view(2, 1), view(2, 1)) == "the same as over plain HTTP, counts as vmss_instance_view"


def test_what_a_client_shows_otherwise_than_plain_http_is_told() -> None:
    assert came(view(3), view(2, 1), view(2, 1)) == "DIFFERENT from plain HTTP"
    assert came([{"name": "0"}], [{"name": "0"}, {"name": "1"}]) == "DIFFERENT from plain HTTP"


def test_what_our_reader_counts_otherwise_than_a_client_is_told() -> None:
    assert came(view(2, 1), view(2, 1), view(3)).startswith("DIFFERENT from vmss_instance_view: ")


def test_a_client_that_fails_is_told_with_the_end_of_its_error() -> None:
    assert came(None, view(3), code=1) == "FAILED with exit code 1: no such host"


def test_properties_beside_the_name_are_the_same_for_az_alone() -> None:
    want, flat = {"name": "web", "properties": {"capacity": 3}}, {"name": "web", "capacity": 3}
    assert came(flat, want, client=AZ) == "the same as over plain HTTP"
    assert came(flat, want, client=GO) == "DIFFERENT from plain HTTP"


def test_a_client_whose_language_is_not_here_is_left_out_and_nothing_has_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Client("sdk", lambda operation, name: [], needs=("no-such-language",), steps=(["no-such-language"],))
    monkeypatch.setattr(clients, "CLIENTS", (absent,))
    monkeypatch.setattr(clients, "SCENES", ())
    assert clients.main() == 0
    assert capsys.readouterr().out == "sdk is left out: this machine has no no-such-language\n"


def test_an_environment_is_made_once_and_anew_when_what_it_is_made_of_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "HERE", tmp_path / "here")
    monkeypatch.setattr(table, "HOME", tmp_path / "home")
    pins, made = tmp_path / "here" / "sdk" / "pins", tmp_path / "home" / "sdk" / "made"
    pins.parent.mkdir(parents=True)
    count = f"open({str(made)!r}, 'a').write('x')"
    client = Client("sdk", lambda operation, name: [], folder="sdk", steps=([sys.executable, "-c", count],))
    pins.write_text("1.0", encoding="utf-8")
    client.prepare()
    client.prepare()
    assert made.read_text(encoding="utf-8") == "x"
    made.write_text("of 1.0", encoding="utf-8")
    pins.write_text("2.0", encoding="utf-8")
    client.prepare()
    assert made.read_text(encoding="utf-8") == "x"
    assert (made.parent / "pins").read_text(encoding="utf-8") == "2.0"


def test_an_environment_that_cannot_be_made_ends_the_run_with_what_the_step_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "HOME", tmp_path)
    fails = [sys.executable, "-c", "raise SystemExit('no such version')"]
    client = Client("sdk", lambda operation, name: [], folder="sdk", steps=(fails,))
    with pytest.raises(SystemExit, match=r"the environment of sdk cannot be made: (?s:.)*no such version"):
        client.prepare()
    assert not (tmp_path / "sdk" / "complete").exists()


def test_an_environment_is_made_of_a_programs_files_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever imported the program has left Python's cache beside it."""
    monkeypatch.setattr(table, "HERE", tmp_path / "here")
    monkeypatch.setattr(table, "HOME", tmp_path / "home")
    (tmp_path / "here" / "sdk" / "__pycache__").mkdir(parents=True)
    (tmp_path / "here" / "sdk" / "client.py").write_text("print('well')")
    Client("sdk", lambda _operation, _name: [], folder="sdk", steps=([sys.executable, "-c", ""],)).prepare()
    assert {each.name for each in (tmp_path / "home" / "sdk").iterdir()} == {"client.py", "complete"}
