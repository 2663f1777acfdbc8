"""What a shell does to a command: closes its streams, fills its disk, closes its terminal, mixes its words."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.here import run_here
from tests.cli.support import COMMAND, environment, put, run

from pulumi_vmss_health.evidence.reading import read
from pulumi_vmss_health.plugin.install import folder_in
from vmss_emulator import Emulator

BODY = '{"virtualMachine": {"statusesSummary": [{"code": "ProvisioningState/succeeded", "count": 2}]}}'


def shell(azure: Emulator, line: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which "$@" is the command."""
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", *COMMAND, *words],
        env=environment(azure), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    "closed", ["<&- >&- 2>&-", *(pytest.param(each, marks=pytest.mark.rest) for each in ("<&-", ">&-", "2>&-"))]
)
@pytest.mark.parametrize("command", [("view",), ("wait", "--hold", "0s")])
def test_a_closed_stream_changes_no_exit_code(azure: Emulator, command: tuple[str, ...], closed: str) -> None:
    ran = shell(azure, f'"$@" {closed}', *command, put(azure))
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False)


def test_progress_does_not_go_to_standard_output_where_standard_error_is_closed(azure: Emulator) -> None:
    ran = shell(azure, '"$@" 2>&-', "wait", "--hold", "0s", put(azure))
    assert len(ran.stdout.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(("command", "code"), [(("view",), 3), (("view", "--json"), 3), (("wait", "--hold", "0s"), 0)])
def test_a_result_that_a_full_disk_does_not_take_is_told_in_a_line(
    azure: Emulator, command: tuple[str, ...], code: int
) -> None:
    ran = shell(azure, '"$@" > /dev/full', *command, put(azure))
    assert ran.returncode == code
    assert ran.stderr.splitlines()[-1] == "vmss-health: standard output cannot be written: No space left on device"
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_not_mistaken_for_the_folder_of_the_plugin(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*COMMAND, "plugin", "install"], env={**os.environ, "PULUMI_HOME": str(tmp_path)},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert ran.returncode == 3
    assert ran.stderr == "vmss-health: standard output cannot be written: No space left on device\n"


def test_a_plugin_that_cannot_be_removed_is_called_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    place = folder_in(tmp_path)
    place.parent.mkdir()
    place.write_text("no folder")
    with pytest.raises(SystemExit) as ended:
        run_here("plugin", "uninstall")
    assert ended.value.code == 2
    assert f"{place}: Not a directory" in capsys.readouterr().err


def test_a_name_that_no_file_can_have_is_told_as_that_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_here("explain", "x" * 300)
    assert ended.value.code == 2
    assert "x: File name too long" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_progress_that_a_full_disk_does_not_take_changes_no_exit_code(azure: Emulator) -> None:
    ran = shell(azure, '"$@" 2> /dev/full', "wait", "--hold", "0s", put(azure))
    assert (ran.returncode, ran.stdout.startswith("scale set web is healthy")) == (0, True)


def test_a_character_that_the_encoding_of_standard_output_lacks_is_escaped_and_the_result_stays(
    azure: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "model.json"
    extension = {"name": "app \u2013 web", "properties": {}}
    profile = {"extensionProfile": {"extensions": [extension]}}
    file.write_text(json.dumps({"sku": {"capacity": 2}, "properties": {"virtualMachineProfile": profile}}))
    ran = run(azure, "explain", str(file), PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "app \\u2013 web" in ran.stdout


@pytest.fixture
def hears_hangups() -> Iterator[None]:
    """Whoever runs the tests may have had SIGHUP ignored (nohup), which every process below would inherit."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hears_hangups")
@pytest.mark.parametrize(("before", "ends"), [("", True), ("trap '' HUP; ", False)])
def test_a_terminal_that_closes_ends_a_wait_as_ctrl_c_does_unless_nohup_has_it_ignored(
    azure: Emulator, tmp_path: Path, before: str, ends: bool
) -> None:
    file = tmp_path / "web.json"
    words = [*COMMAND, "wait", put(azure), "--hold", "5s", "--evidence", str(file)]
    with subprocess.Popen(
        ["/bin/sh", "-c", f'{before}exec "$@"', "sh", *words],
        env=environment(azure), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()  # it waits
        process.send_signal(signal.SIGHUP)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == (130 if ends else 0)
    assert ("cancelled" in said) is ends
    assert file.exists()


@pytest.mark.usefixtures("hears_hangups")
def test_the_evidence_is_whole_when_the_terminal_of_a_panel_closes(azure: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "wait", put(azure), "--hold", "10m", "--evidence", str(file)],
        env=environment(azure, TERM="xterm"), stdin=its, stdout=its, stderr=its, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    shown = b""
    while b"healthy" not in shown:
        shown += os.read(ours, 4096)
    os.close(ours)  # which alone sends no signal: it is not the terminal that controls the process
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 130
    assert read(file)["waits"][0]["ending"] == "cancelled"


def test_a_flag_may_stand_between_the_words_of_a_command(azure: Emulator, tmp_path: Path) -> None:
    web, api = put(azure), put(azure, "api")
    assert run(azure, "capture", web, "--for", "0s", str(tmp_path / "captured")).returncode == 0
    assert (tmp_path / "captured" / "manifest.json").exists()
    ran = run(azure, "wait", web, "--hold", "0s", api)
    assert (ran.returncode, len(ran.stdout.splitlines())) == (0, 2)


def test_results_of_sets_of_one_name_say_their_groups(azure: Emulator, tmp_path: Path) -> None:
    file = str(tmp_path / "both.json")
    ids = [put(azure, resource_group=group) for group in ("east", "west")]
    waited = run(azure, "wait", *ids, "--hold", "0s", "--evidence", file)
    replayed = run(azure, "replay", file)
    for said in (waited.stdout, replayed.stdout):
        assert [line.split()[2] for line in said.splitlines() if line.startswith("scale set")] == [
            "east/web",
            "west/web",
        ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_explain_and_policies_read_each_encoding_of_unicode(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, policy = tmp_path / "view.json", tmp_path / "policy.json"
    body.write_text(BODY, encoding=encoding)
    policy.write_text('{"capacity": 2}', encoding=encoding)
    run_here("explain", str(body), "--policy", str(policy))
    assert "2/2 VMs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"\xff\xfa\x00", "it is no text in UTF-8 or UTF-16"),
        (b"{", "it is no JSON: "),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_json_is_called_by_its_name_and_by_what_it_is(
    content: bytes | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "view.json"
    if content is not None:
        file.write_bytes(content)
    for words in ([str(file)], [os.devnull, "--policy", str(file)]):
        with pytest.raises(SystemExit) as ended:
            run_here("explain", *words)
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert f"{file}: {why}" in said
        assert "Errno" not in said


def test_a_group_with_a_slash_is_refused_as_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_here("view", "-g", "r/g", "-n", "web", "--subscription", "s")
    assert "-g GROUP: a name has no '/'" in capsys.readouterr().err
