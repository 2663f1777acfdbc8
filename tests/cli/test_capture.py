"""`vmss-health capture`, what `explain` and the emulator make of it, and Azure's own body of `view --json`."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from tests.cli.support import AT_ONCE, BROKEN, COMMAND, ILL, environment, put
from tests.cli.test_masking import Judged
from tests.cli.test_replay import places
from tests.clocks import VirtualClock
from tests.emulator.support import ArmSession
from tests.metered import Metered, ScaleSet, Tokens
from tests.pages import ROOT
from tests.sets import Vm, snapshot
from tests.waiting import until

from pulumi_vmss_health import GatePolicy, ScaleSetId
from pulumi_vmss_health.capturing import questions
from pulumi_vmss_health.capturing.folder import MANIFEST, Captured, Folder
from pulumi_vmss_health.capturing.mask import Mask
from pulumi_vmss_health.capturing.playback import snapshot_in
from pulumi_vmss_health.capturing.questions import QUESTIONS, Seen
from pulumi_vmss_health.capturing.reads import Reads
from pulumi_vmss_health.capturing.take import Capture, Ended
from pulumi_vmss_health.cli.main import main
from pulumi_vmss_health.judging.snapshot import Ask
from pulumi_vmss_health.waiting.look import Looker
from vmss_emulator import Emulator
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.azure.recording import Recording
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure, Connection

DEEP = "[" * 100_000
SLOWLY = {"scale_sets": {"*": {"boot": "2s", "extension": "200ms", "healthy": "200ms"}}}


@pytest.fixture
def azure() -> Iterator[Emulator]:
    with Emulator({"scale_sets": {"*": AT_ONCE}}, page_size=2) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command sets its own; what the tests had comes back."""
    had = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in had.items():
        signal.signal(number, handler)


def command(azure: Emulator, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process."""
    for name in [name for name in os.environ if name.startswith(("ARM_", "AZURE_"))]:
        monkeypatch.delenv(name)
    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def settled(azure: Emulator, scale_set: str) -> ArmSession:
    arm = ArmSession(azure)
    until(lambda: arm.get(scale_set), lambda body: body["properties"]["provisioningState"] != "Creating")
    return arm


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return found


# --- What is captured ----------------------------------------------------------------------------------------------


def test_a_capture_has_every_answer_of_a_look_and_a_manifest_that_names_no_one(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scale_set = put(azure, "shop", resource_group="Checkout")
    settled(azure, scale_set).close()
    before = len(azure.requests)
    folder = tmp_path / "new" / "capture"
    assert command(azure, monkeypatch, "capture", scale_set, str(folder)) == 0
    asked = [each for each in azure.requests[before:] if each.path.startswith("/subscriptions")]
    manifest = manifest_of(folder)
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        [MANIFEST, *(read["file"] for read in manifest["reads"])]
    )
    assert len(manifest["reads"]) == len(asked)
    kinds = sorted(read["file"].split("-", 1)[1] for read in manifest["reads"])
    assert kinds == ["instances.json", "instances.json", "model.json", "upgrade.json", "view.json"]
    assert [manifest[key] for key in ("format", "ended", "mode", "messages")] == [1, "complete", "Uniform", "mask"]
    assert manifest["scale_set"].endswith("/resourceGroups/masked-group-1/providers/Microsoft.Compute/"
                                          "virtualMachineScaleSets/masked-set-1")  # fmt: skip
    (look,) = manifest["looks"]
    assert (look["number"], look["complete"], look["error"]) == (1, True, None)
    secrets = (*azure.tokens, azure.client_secret, azure.client_id, azure.tenant_id, azure.subscription_id)
    for file in folder.iterdir():
        text = file.read_text().lower()
        assert not re.search(r"checkout|shop|authorization|127\.0\.0\.1", text), file
        assert not any(secret.lower() in text for secret in secrets), file
    out = capsys.readouterr()
    assert out.out.startswith(f"{folder}: complete, 5 answers, 1 complete looks\n")
    assert "look 1: 5 reads" in out.err


@pytest.mark.parametrize("mode", [pytest.param("Uniform", marks=pytest.mark.rest), "Flexible"])
@pytest.mark.parametrize("case", ["healthy", "ill", "broken", "bare", "pool", "empty"])
def test_explain_judges_a_capture_as_the_gate_judges_the_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, case: str
) -> None:
    life: dict[str, Any] = {"ill": ILL, "broken": BROKEN}.get(case, {"scale_sets": {"*": AT_ONCE}})
    more: dict[str, dict[str, Any]] = {"bare": {"list_carries": []}, "pool": {"standby": 2}}
    timeline = {"scale_sets": {"*": {**life["scale_sets"]["*"], **more.get(case, {})}}}
    folder = tmp_path / "capture"
    with Emulator(timeline, page_size=2) as azure:
        scale_set = put(azure, orchestration_mode=mode, capacity=0 if case == "empty" else 3)
        settled(azure, scale_set).close()
        assert command(azure, monkeypatch, "capture", scale_set, str(folder), "--quiet") == 0
        offline = Azure(Settings({**azure.environment}))
        live = Looker(offline, ScaleSetId.parse(scale_set), GatePolicy())(30, Ask())
        seen = snapshot_in(folder, VirtualClock())
        assert Judged.of(seen, GatePolicy()) == Judged.of(live, GatePolicy())
        assert seen.in_standby_pool == live.in_standby_pool == (2 if case == "pool" and mode == "Flexible" else 0)
        assert command(azure, monkeypatch, "explain", str(folder)) == (1 if case in ("ill", "broken") else 0)


def test_a_capture_over_a_time_looks_at_a_gates_pace_and_meets_no_limit(tmp_path: Path) -> None:
    clock, reads = VirtualClock(), Reads()
    metered = Metered(clock)
    shown = snapshot(*[Vm()] * 30)
    scale_set = metered.add("web", ScaleSet(lambda _now: shown, bare=True, page=10))
    azure = Azure(Settings({}), clock, Connection(PUBLIC, Recording(metered, clock, reads.keep), Tokens()))
    mask = Mask(scale_set)
    folder = Folder(tmp_path / "capture", mask, clock.monotonic())
    assert Capture(azure, scale_set, reads, folder, lambda _line: None).run(1800) is Ended.COMPLETE
    folder.close({"ended": "complete", "scale_set": mask.path(str(scale_set))}, lambda _captured: [])
    captured = Captured.load(tmp_path / "capture")
    assert metered.refused == []
    assert 1800 <= clock.time < 2000
    assert sum(each.complete for each in captured.sights) > 30
    assert len(captured.entries) == metered.asked.total()
    assert len(snapshot_in(tmp_path / "capture", VirtualClock()).instances or ()) == 30


# --- How it ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["a folder that is not empty", "a file"])
def test_nothing_is_read_into_a_folder_that_holds_something(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    (tmp_path / "kept").write_text("mine")
    folder = tmp_path / "kept" if what == "a file" else tmp_path
    assert command(azure, monkeypatch, "capture", put(azure), str(folder)) == 2
    assert f"{folder}: it is not an empty folder" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]
    assert azure.requests == ()


def test_a_disk_that_takes_nothing_is_said_in_a_word(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert command(azure, monkeypatch, "capture", put(azure), str(tmp_path / "file" / "capture")) == 3
    assert "it cannot be written: Not a directory" in capsys.readouterr().err

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        assert command(azure, patched, "capture", put(azure), str(tmp_path / "capture")) == 3
    assert "it cannot be written: No space left on device" in capsys.readouterr().err
    assert [*(tmp_path / "capture").iterdir()] == []


def test_a_set_that_is_not_there_ends_with_3_and_the_refusal_is_kept(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "capture"
    absent = put(azure).replace("/web", "/Absent-One")
    assert command(azure, monkeypatch, "capture", absent, str(folder), "--for", "1h") == 3
    assert "HTTP 404" in capsys.readouterr().err
    manifest = manifest_of(folder)
    assert [read["status"] for read in manifest["reads"]] == [404]
    assert manifest["ended"] == "unreadable"
    assert "absent-one" not in (folder / "001-model.json").read_text().lower()
    assert command(azure, monkeypatch, "explain", str(folder)) == 2
    assert "no look of this capture is complete" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_whole_capture_that_says_so(
    azure: Emulator, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "capture"
    words = [*COMMAND, "capture", put(azure), str(folder), "--for", "10m"]
    with subprocess.Popen(
        words, env=environment(azure), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline().startswith("look 1: ")
        assert not (folder / MANIFEST).exists(), "the manifest comes last"
        running.send_signal(number)
        out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert out.startswith(f"{folder}: interrupted, ")
    assert "Traceback" not in err
    assert manifest_of(folder)["ended"] == "interrupted"
    assert [each for each in folder.iterdir() if each.name.startswith(".")] == []
    assert snapshot_in(folder, VirtualClock()).instances


def test_an_interrupt_within_the_first_look_keeps_what_came(tmp_path: Path) -> None:
    clock, reads = VirtualClock(), Reads()
    clock.stop_at = 1.5  # the model came after a second; the other answers are on their way
    metered = Metered(clock)
    scale_set = metered.add("web", ScaleSet(lambda _now: snapshot(Vm()), latency=1.0))
    azure = Azure(Settings({}), clock, Connection(PUBLIC, Recording(metered, clock, reads.keep), Tokens()))
    folder = Folder(tmp_path / "capture", Mask(scale_set), clock.monotonic())
    assert Capture(azure, scale_set, reads, folder, lambda _line: None).run(60) is Ended.INTERRUPTED
    folder.close({"ended": "interrupted", "scale_set": str(scale_set)}, lambda _captured: [])
    captured = Captured.load(tmp_path / "capture")
    assert captured.entries[0].kind == "model"
    assert [(each.complete, each.error) for each in captured.sights] == [(False, "interrupted")]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / MANIFEST).unlink(), "without manifest.json is no capture"),
        pytest.param(lambda folder: (folder / MANIFEST).write_text("{"), "manifest.json: ", marks=pytest.mark.rest),
        (lambda folder: changed(folder, format=2), "its format is 2, and not 1"),
        pytest.param(lambda folder: changed(folder, reads=[{"file": "x"}]), "manifest.json: ", marks=pytest.mark.rest),
        (lambda folder: changed(folder, scale_set="/x"), "in scale set id '/x'"),
        (lambda folder: (folder / "001-model.json").unlink(), "001-model.json"),
        (lambda folder: (folder / "001-model.json").write_text("[]"), "an object belongs here"),
        (lambda folder: (folder / "001-model.json").write_text(DEEP), "001-model.json: it is nested too deeply"),
        pytest.param(
            lambda folder: (folder / MANIFEST).write_text(DEEP), "manifest.json: it is nested", marks=pytest.mark.rest
        ),
        (lambda folder: renamed(folder, "../x.json"), "is not the name of a file in this folder"),
    ],
)
def test_explain_refuses_a_folder_that_is_no_capture_and_says_why(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    spoil: Any, words: str
) -> None:  # fmt: skip
    folder = tmp_path / "capture"
    assert command(azure, monkeypatch, "capture", put(azure), str(folder), "--quiet") == 0
    spoil(folder)
    capsys.readouterr()
    assert command(azure, monkeypatch, "explain", str(folder)) == 2
    assert words in capsys.readouterr().err
    assert command(azure, monkeypatch, "explain", str(folder), str(tmp_path)) == 2
    assert "either the folder of one capture, or files" in capsys.readouterr().err


def test_whatever_a_manifest_holds_it_is_judged_or_refused_by_its_name(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "capture"
    assert command(azure, monkeypatch, "capture", put(azure), str(folder), "--quiet") == 0
    found = manifest_of(folder)
    odds: tuple[Any, ...] = (None, 5, "x", [], {"x": 5}, ...)
    refused = 0
    for *above, last in (path for path in places(found) if path and path[0] != "questions"):
        for odd in odds:
            wrong = copy.deepcopy(found)
            parent = reduce(getitem, above, wrong)
            if odd is ...:
                del parent[last]
            else:
                parent[last] = odd
            (folder / MANIFEST).write_text(json.dumps(wrong))
            try:
                snapshot_in(folder, VirtualClock())
            except ValueError as error:
                assert str(error).startswith(str(folder)), (above, last, odd)  # noqa: PT017 - it is one of many
                refused += 1
    assert refused > 200


def changed(folder: Path, **more: Any) -> None:
    (folder / MANIFEST).write_text(json.dumps({**manifest_of(folder), **more}))


def renamed(folder: Path, name: str) -> None:
    first, *others = manifest_of(folder)["reads"]
    changed(folder, reads=[{**first, "file": name}, *others])


# --- Played back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_the_emulator_plays_a_capture_back_as_the_set_lived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    folder = tmp_path / "capture"
    with Emulator(SLOWLY, page_size=2) as azure:
        scale_set = put(azure, orchestration_mode=mode)
        assert command(azure, monkeypatch, "capture", scale_set, str(folder), "--for", "4s", "--quiet") == 0
    manifest = manifest_of(folder)
    first = Captured.load(folder)
    views = [each for each in first.entries if each.kind == "view" and each.status == 200]
    capsys.readouterr()
    with Emulator(capture=folder) as played:
        assert played.subscription_id == manifest["scale_set"].split("/")[2]
        assert command(played, monkeypatch, "view", manifest["scale_set"], "--json") == 0
        shown = json.loads(capsys.readouterr().out)
        if mode == "Uniform":
            assert shown == first.body(views[0])
        assert shown["virtualMachine"]["statusesSummary"] == [{"code": "ProvisioningState/creating", "count": 3}]
        assert command(played, monkeypatch, "wait", manifest["scale_set"], "--hold", "0s", "--timeout", "30s") == 0
        assert "0/3 VMs" in capsys.readouterr().err
        assert command(played, monkeypatch, "explain", str(folder)) == 0


# --- Azure's own body ----------------------------------------------------------------------------------------------


def test_view_prints_azures_own_body_with_fields_that_nobody_knows(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scale_set = put(azure, capacity=3)
    arm = settled(azure, scale_set)
    body = {**arm.get(f"{scale_set}/instanceView"), "futureField": {"of": ["Azure", 1, None, ""]}, "empty": []}
    arm.close()
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": "GET */web/instanceView", "body": body}]})
    assert command(azure, monkeypatch, "view", scale_set, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown.items()) == list(body.items())


@pytest.mark.parametrize("carries", [["extensions", "health", "standby"], []])
@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_view_prints_azures_own_instances_and_explain_judges_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str, carries: list[str]
) -> None:
    with Emulator({"scale_sets": {"*": AT_ONCE}}, page_size=2, list_carries=carries) as azure:
        scale_set = put(azure, orchestration_mode=mode)
        arm = settled(azure, scale_set)
        assert command(azure, monkeypatch, "view", scale_set, "--json", "--instances") == 0
        text = capsys.readouterr().out
        own = "virtualMachines" if mode == "Flexible" else "virtualMachineScaleSets/web/virtualMachines"
        shown = json.loads(text)["instances"]
        assert len({each["id"] for each in shown}) == 3
        for each in shown:
            assert f"/{own}/" in each["id"]
            resource = arm.get(each["id"])
            view = each["properties"].pop("instanceView")
            resource["properties"].pop("instanceView", None)
            assert each == resource
            own_view = timeless(arm.get(f"{each['id']}/instanceView"))
            assert timeless(view) == {key: value for key, value in own_view.items() if key in view or not carries}
        (tmp_path / "model").write_text(json.dumps(arm.get(scale_set)))
        (tmp_path / "view").write_text(text)
        arm.close()
        assert command(azure, monkeypatch, "explain", str(tmp_path / "view"), str(tmp_path / "model")) == 0


def timeless(value: Any) -> Any:
    """JSON without its times: an agent reports anew at each read."""
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key != "time"}
    return [timeless(each) for each in value] if isinstance(value, list) else value


# --- The questions -------------------------------------------------------------------------------------------------


def listed(*views: dict[str, Any], kind: str = "instances", at: float = 0.0, **vm: Any) -> Seen:
    vms = [{"properties": {"vmId": str(place), "instanceView": view}, **vm} for place, view in enumerate(views)]
    return Seen(kind, 1, at, 200, {"$expand": "instanceView"}, {}, {"value": vms})


def seen(kind: str, body: Any, status: int = 200, at: float = 0.0, **headers: str) -> Seen:
    return Seen(kind, 1, at, status, {}, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def view(*codes: str, **counts: int) -> dict[str, Any]:
    summary = [{"code": code.replace("_", "/"), "count": count} for code, count in counts.items()]
    return {"statuses": [{"code": each} for each in codes], "virtualMachine": {"statusesSummary": summary}}


def tagged(time: str) -> Seen:
    return listed({}, kind="vms", tags={"VirtualMachineProfileTimeCreated": time})


PROBE = {"properties": {"virtualMachineProfile": {"networkProfile": {"healthProbe": {"id": "/x"}}}}}
FAILED_VM = {"statuses": [{"code": "ProvisioningState/failed/X"}]}
ERROR = {"error": {"code": "OperationNotAllowed"}}
SHOWN: dict[str, tuple[list[Seen], str]] = {
    "a set's own status failed or updating": (
        [seen("view", view("ProvisioningState/failed/X"))], "ProvisioningState/failed/X",
    ),
    "health or power states in the view's counts": (
        [seen("view", view(HealthState_healthy=3))], "HealthState/healthy",
    ),
    "the view of a set of capacity 0": (
        [seen("model", {"sku": {"capacity": 0}}), seen("view", {"virtualMachine": {}})],
        "the view has virtualMachine; statusesSummary: none",
    ),
    "what a list with $expand=instanceView tells": (
        [listed({"vmHealth": {"status": {}}, "statuses": [{}]}, {})],
        "of 2 listed VMs have: 1 statuses, 0 extensions, 1 health, 0 agent",
    ),
    "a VM of a standby pool in a Flexible set's list": (
        [listed({"isVMInStandbyPool": True}, {"isVMInStandbyPool": False}, kind="vms")],
        "1 of 2 listed VMs with isVMInStandbyPool have it true",
    ),
    "the profile's tag after an upgrade in place": (
        [tagged("5/1/2026 10:00:00 AM +00:00"), tagged("5/2/2026 10:00:00 AM +00:00")],
        "1 VMs kept their id and got another time in the tag",
    ),
    "vmHealth from a load balancer's probe alone": (
        [seen("model", PROBE), listed({"vmHealth": {}}, {})],
        "1 of 2 listed VMs of a set with a probe have vmHealth",
    ),
    "a rolling upgrade under way": (
        [seen("upgrade", {"properties": {"runningStatus": {"code": "RollingForward"}}})], "RollingForward",
    ),
    "a server error for a scale set": ([seen("view", ERROR, 503)], "503 for the view OperationNotAllowed"),
    "a refusal for too many requests": (
        [seen("view", ERROR, 429, retry_after="7")], "for the view, with retry-after",
    ),
    "how a Flexible set refuses its view": ([seen("view", ERROR, 409)], "409 OperationNotAllowed"),
    "how old the view is": ([seen("view", view(), age="4")], "the header Age: 4"),
    "how soon a failed VM is counted": (
        [
            listed({}, at=1), seen("view", view(), at=1), listed(FAILED_VM, at=5), seen("view", view(), at=5),
            seen("view", view(ProvisioningState_failed=1), at=12.5),
        ],
        "7.5s after the list of instances showed the failure",
    ),
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.ask)
def test_each_open_question_is_answered_by_what_shows_it_and_by_nothing_else(question: questions.Question) -> None:
    answers, said = SHOWN[question.ask]
    assert question.find(answers) == said
    assert question.find([]) is None
    rest = [each for ask, (others, _) in SHOWN.items() if ask != question.ask for each in others if each.status >= 400]
    assert question.find([each for each in rest if each.kind == "model"]) is None


def test_the_page_that_asks_for_captures_names_each_question() -> None:
    told = re.findall(r"^\| (.+) \| (.+) \|$", (ROOT / "docs" / "capture.md").read_text(), re.MULTILINE)
    asked = [(each.ask, each.how) for each in QUESTIONS]
    assert told[told.index(asked[0]) :][: len(asked)] == asked


def test_the_answers_are_in_the_manifest_and_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as azure:
        scale_set = put(azure, orchestration_mode="Flexible")
        assert command(azure, monkeypatch, "capture", scale_set, str(tmp_path / "capture")) == 0
    told = {row["question"]: row for row in manifest_of(tmp_path / "capture")["questions"]}
    assert list(told) == [each.ask for each in QUESTIONS]
    assert told["how a Flexible set refuses its view"]["answer"] == "409 OperationNotAllowed"
    assert not told["a refusal for too many requests"]["seen"]
    out = capsys.readouterr().out
    assert "  seen      how a Flexible set refuses its view: 409 OperationNotAllowed" in out
    assert "  not seen  a refusal for too many requests" in out
