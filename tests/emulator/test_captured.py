"""The emulator in the place of an Azure that was captured: it answers what a folder holds, when it was answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.support import ArmSession, FakeClock, error

from vmss_emulator import Emulator
from vmss_emulator.cli import main
from vmss_emulator.script.captured import CaptureError

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
SET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/s"
LIST, LINK = f"{SET}/virtualMachines", f"https://management.azure.com{SET}/virtualMachines?$skiptoken=page.1"


def capture(folder: Path, *reads: tuple[Any, ...], **more: Any) -> Path:
    """A folder with these reads: when, status, path, query, body, headers."""
    folder.mkdir()
    rows = []
    for number, (at, status, path, query, body, *headers) in enumerate(reads):
        (folder / f"{number}.json").write_text(json.dumps(body))
        row = {"file": f"{number}.json", "look": 1, "at": at, "took": 0.1, "path": path, "query": query}
        rows.append({**row, "api_version": "2024-11-01", "status": status, "headers": dict(*headers)})
    manifest = {"format": 1, "scale_set": SET, "looks": [], "reads": rows, **more}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_each_path_has_the_last_answer_that_it_had_by_then(tmp_path: Path) -> None:
    clock = FakeClock()
    folder = capture(
        tmp_path / "capture",
        (3.0, 200, f"{SET}/instanceView", {}, {"is": "first"}),
        (10.0, 429, f"{SET}/instanceView", {}, {"error": {"code": "X"}}, {"retry-after": "7", "date": "yesterday"}),
        (20.0, 200, f"{SET}/instanceView", {}, {"is": "last"}),
    )
    with Emulator(capture=folder, clock=clock) as azure:
        arm = ArmSession(azure)
        assert azure.subscription_id == SUBSCRIPTION
        clock.advance(100)  # nobody has asked yet
        said = []
        for seconds in (0, 9, 2, 10, 1000):
            clock.advance(seconds)
            said.append(arm.ask("GET", f"{SET}/instanceView".upper().replace("/SUBSCRIPTIONS", "/subscriptions")))
        arm.close()
    assert [each.status_code for each in said] == [200, 200, 429, 200, 200]
    assert [each.json().get("is") for each in said] == ["first", "first", None, "last", "last"]
    assert said[2].headers["Retry-After"] == "7"
    assert said[2].headers.get("Date") != "yesterday"


def test_pages_lead_to_each_other_and_a_list_is_told_from_its_expansion(tmp_path: Path) -> None:
    expanded = {"$expand": "instanceView"}
    folder = capture(
        tmp_path / "capture",
        (0.0, 200, LIST, {}, {"value": ["plain"]}),
        (0.1, 200, LIST, expanded, {"value": ["one"], "nextLink": LINK}),
        (0.2, 200, LIST, {"$skiptoken": "page.1"}, {"value": ["two"]}),
    )
    with Emulator(capture=folder) as azure:
        arm = ArmSession(azure)
        first = arm.get(LIST, expand="instanceView")
        assert first["value"] == ["one"]
        assert first["nextLink"].startswith(azure.url)
        assert arm.get(first["nextLink"])["value"] == ["two"]
        assert arm.get(LIST)["value"] == ["plain"]
        arm.close()


@pytest.mark.parametrize("status", [403, 404, 429, 503])
def test_a_refusal_is_played_under_a_quota_and_to_who_asks_for_the_head_alone(tmp_path: Path, status: int) -> None:
    refusal = {"error": {"code": "X"}}
    with Emulator(capture=capture(tmp_path / "capture", (0.0, status, LIST, {}, refusal)), quota=True) as azure:
        arm = ArmSession(azure)
        assert [arm.ask(method, LIST).status_code for method in ("GET", "HEAD")] == [status, status]
        assert arm.ask("GET", LIST).json() == refusal
        arm.close()


def test_what_was_not_read_is_not_there_and_nothing_can_be_changed(tmp_path: Path) -> None:
    folder = capture(
        tmp_path / "capture",
        (0.0, 401, SET, {}, {"error": {"code": "ExpiredAuthenticationToken"}}),
        (0.1, 400, SET, {}, {"error": {"code": "InvalidApiVersionParameter"}}),
        (0.2, 200, SET, {}, {"name": "s"}),
    )
    with Emulator(capture=folder) as azure:
        arm = ArmSession(azure)
        assert arm.get(SET) == {"name": "s"}, "what Azure said of another's token or version is not played"
        absent = arm.ask("GET", f"{SET}/virtualMachines/0/instanceView")
        assert (absent.status_code, error(absent)) == (404, "ResourceNotFound")
        for path in (SET, arm.group_id, f"{arm.group_id}/providers/Microsoft.Network/virtualNetworks/n"):
            for method in ("PUT", "PATCH", "DELETE"):
                assert arm.ask(method, path, {"location": "westeurope"}).status_code == 405
        assert arm.ask("GET", arm.group_id).status_code == 404
        arm.session.headers["Authorization"] = "Bearer wrong"
        assert arm.ask("GET", SET).status_code == 401
        arm.close()


def test_what_was_kept_has_no_place_beside_a_capture(tmp_path: Path) -> None:
    with Emulator() as azure:
        azure.save(tmp_path / "azure.json")
    playing = Emulator(capture=capture(tmp_path / "capture", (0.0, 200, SET, {}, {})))
    with pytest.raises(RuntimeError, match="plays a capture"):
        playing.restore(tmp_path / "azure.json")
    assert playing.subscription_id == SUBSCRIPTION


@pytest.mark.parametrize("more", [{"format": 2}, {"scale_set": "x"}, {"reads": [{"file": "0.json"}]}])
def test_a_folder_that_is_no_capture_is_refused(
    tmp_path: Path, more: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = capture(tmp_path / "capture", (0.0, 200, SET, {}, {}), **more)
    with pytest.raises(CaptureError, match="capture: it"):
        Emulator(capture=folder)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--capture", str(folder)])
    assert ended.value.code == 2
    assert f"--capture {folder}: it" in capsys.readouterr().err
