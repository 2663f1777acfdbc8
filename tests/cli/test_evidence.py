"""`vmss-health wait --evidence`: however a wait ends, the file says what it saw, or a word says why there is none."""

from __future__ import annotations

import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.support import AT_ONCE, BROKEN, COMMAND, ILL, environment, put, run
from tests.waiting import until

from pulumi_vmss_health.evidence.bodies import rebuilt
from pulumi_vmss_health.evidence.reading import read
from vmss_emulator import Emulator


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "evidence.json"


def test_a_wait_for_several_sets_leaves_one_file_in_the_order_in_which_they_were_given(
    azure: Emulator, file: Path
) -> None:
    bad, good = put(azure, "bad"), put(azure, "good")
    azure.load({"scale_sets": {"good": AT_ONCE, "bad": BROKEN["scale_sets"]["*"]}})
    ran = run(azure, "wait", bad, good, "--confirm-failure", "1s", "--evidence", str(file))
    assert ran.returncode == 1, ran.stderr
    first, second = read(file)["waits"]
    assert (first["scaleSetId"], first["ending"]) == (bad, "failing")
    assert (second["scaleSetId"], second["ending"]) == (good, "healthy")
    assert "\n  ".join([first["message"], *first["lines"]]) in ran.stdout
    assert first["policy"] == {"confirmFailure": "1s"}
    sent = [each for each in azure.requests if "/virtualMachineScaleSets/" in each.path]
    assert first["requests"] + second["requests"] == len(sent)
    for wait in (first, second):
        assert sum(look["requests"] for look in wait["looks"]) == wait["requests"]
        assert 0 < wait["looks"][-1]["left"] < 1


def test_messages_of_sets_of_one_name_are_those_that_were_printed(azure: Emulator, file: Path) -> None:
    one = put(azure)
    ran = run(azure, "wait", one, one.replace("/rg/", "/other/"), "--timeout", "1s", "--evidence", str(file))
    messages = [each["message"] for each in read(file)["waits"]]
    assert [each.split()[2] for each in messages] == ["rg/web", "other/web"]
    assert all(each in ran.stdout for each in messages)


def test_no_credential_and_nothing_that_azure_hides_is_in_the_file(azure: Emulator, file: Path) -> None:
    canary = "planted-secret"
    properties = {"publisher": "p", "type": "t", "typeHandlerVersion": "1.0"}
    secrets = {"settings": {"key": canary}, "protectedSettings": {"key": canary}}
    app = {"name": "app", "properties": {**properties, **secrets}}
    scale_set = azure.put_scale_set("web", capacity=2, extensions=[app], health=True)
    ran = run(azure, "wait", scale_set, "--hold", "0s", "--evidence", str(file))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    written = file.read_text()
    assert '"name":"app"' in written
    assert azure.tokens
    for secret in (canary, azure.client_secret, *azure.tokens):
        assert secret not in written


def test_a_wait_whose_time_is_over_leaves_its_file(azure: Emulator, file: Path) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    ran = run(azure, "wait", scale_set, "--timeout", "6s", "--evidence", str(file))
    assert ran.returncode == 4
    (wait,) = read(file)["waits"]
    assert (wait["ending"], wait["limitSeconds"]) == ("timedOut", 6.0)
    last = [*rebuilt(wait["looks"])][-1]
    assert last is not None
    assert [each.instance_id for each in last.instances or ()] == ["0", "1", "2"]


def test_a_set_that_cannot_be_read_leaves_the_error_of_each_look(azure: Emulator, file: Path) -> None:
    ran = run(azure, "wait", put(azure), "--evidence", str(file), ARM_CLIENT_SECRET="another")
    assert ran.returncode == 3
    (wait,) = read(file)["waits"]
    assert wait["ending"] == "unreadable"
    assert wait["looks"][-1]["error"]["kind"] == "CredentialError"
    assert "another" not in file.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_wait_leaves_a_whole_file(azure: Emulator, file: Path, number: signal.Signals) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    with subprocess.Popen(
        [*COMMAND, "wait", scale_set, "--evidence", str(file)],
        env=environment(azure),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        until(lambda: [each for each in azure.requests if each.path.endswith("/instanceView")], bool)
        running.send_signal(number)
        _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert read(file)["waits"][0]["ending"] == "cancelled"


def no_space() -> None:
    """Let the process write no file of more than a kilobyte, as a full disk would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


def test_a_full_disk_is_told_in_a_word_changes_no_exit_code_and_leaves_no_half_of_a_file(
    azure: Emulator, file: Path
) -> None:
    file.write_text("of yesterday")
    ran = subprocess.run(
        [*COMMAND, "wait", put(azure), "--hold", "0s", "--evidence", str(file)],
        env=environment(azure),
        preexec_fn=no_space,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0
    assert f"the evidence could not be written to {file}: File too large" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert [each.name for each in file.parent.iterdir()] == ["evidence.json"]
    assert file.read_text() == "of yesterday"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (lambda folder: folder / "absent" / "x.json", "x.json cannot be written: No such file or directory"),
        (lambda folder: folder, "is no file"),
        (lambda folder: folder / ("x" * 300), "x cannot be written: File name too long"),
    ],
)
def test_a_file_that_cannot_be_written_is_wrong_usage_before_anything_is_waited_for(
    azure: Emulator, tmp_path: Path, place: Callable[[Path], Any], words: str
) -> None:
    ran = run(azure, "wait", put(azure), "--evidence", str(place(tmp_path)))
    assert ran.returncode == 2
    assert "--evidence " in ran.stderr
    assert words in ran.stderr
    assert azure.requests == ()
