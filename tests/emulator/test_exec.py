"""`vmss-emulator exec` and `serve` as a shell meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from tests.emulator.commands import COMMAND, execute, ran
from tests.waiting import until

from vmss_emulator.running import isolation
from vmss_emulator.running.isolation import Workspace

PLANTED = {
    "ARM_CLIENT_SECRET": "planted",
    "AZURE_CLIENT_SECRET": "planted",
    "AZURE_CONFIG_DIR": "/planted",
    "PULUMI_ACCESS_TOKEN": "planted",
    "PULUMI_BACKEND_URL": "s3://planted",
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/planted",
    "PULUMI_CONFIG": "planted",
    "PULUMI_CREDENTIALS_PATH": "/planted",
    "PULUMI_STACK": "planted",
    "AWS_SECRET_ACCESS_KEY": "planted",
    "GOOGLE_CREDENTIALS": "planted",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "planted",
    "GITHUB_TOKEN": "planted",
    "SYSTEM_ACCESSTOKEN": "planted",
    "VAULT_TOKEN": "planted",
    "KUBECONFIG": "/planted",
    "SSH_AUTH_SOCK": "/planted",
    "UNHEARD_OF": "planted",
}
REST = pytest.mark.rest
ELSEWHERE = "azure-native:metadataHost: login.stack.example"
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def python(script: str) -> list[str]:
    return ["--", sys.executable, "-c", script]


def test_the_command_learns_that_no_public_cloud_is_to_be_asked_about_this_one() -> None:
    found = json.loads(execute(*python(SHOW)).stdout)
    assert found["ARM_DISABLE_INSTANCE_DISCOVERY"] == "true"


def test_credentials_and_backends_are_neither_passed_on_nor_used() -> None:
    kept = {
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_PARALLEL": "50",
        "LC_TIME": "C",
        "HTTPS_PROXY": "http://proxy",
        "COVERAGE_PROCESS_START": "",
        "CI": "true",
        "HOME": "/",
    }
    found = execute(*python(SHOW), environment={**PLANTED, **kept})
    seen = json.loads(found.stdout)
    assert "planted" not in found.stdout
    assert {key: seen[key] for key in kept} == kept
    assert seen["PULUMI_BACKEND_URL"].startswith("file:///")
    assert seen["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert seen["ARM_METADATA_HOSTNAME"].startswith("127.0.0.1:")
    assert "localhost" in seen["NO_PROXY"]
    assert not Path(seen["PULUMI_HOME"]).exists()
    assert not Path(seen["REQUESTS_CA_BUNDLE"]).exists()


def test_what_the_user_names_is_passed_on() -> None:
    found = execute("--env", "UNHEARD_OF", "--env", "VAULT_TOKEN", *python(SHOW), environment=PLANTED)
    seen = json.loads(found.stdout)
    assert {key for key, value in seen.items() if "planted" in value} == {"UNHEARD_OF", "VAULT_TOKEN"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NOT_THERE", "no variable"),
        ("AZURE_CLIENT_SECRET", "refused"),
        pytest.param("PULUMI_BACKEND_URL", "refused", marks=REST),
    ],
)
def test_what_is_missing_or_would_lead_elsewhere_is_not_passed_on(name: str, told: str) -> None:
    found = execute("--env", name, *python("print('ran')"), environment=PLANTED)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert name in found.stderr
    assert told in found.stderr
    assert "planted" not in found.stderr


@pytest.mark.parametrize(
    ("file", "text", "below"),
    [
        ("Pulumi.prod.yaml", f"config:\n  {ELSEWHERE}\n", "inner"),
        pytest.param("Pulumi.prod.yaml", f"config:\n  {ELSEWHERE}\n", "", marks=REST),
        pytest.param("Pulumi.prod.yaml", f"config:\n  {ELSEWHERE}\n".replace(":m", ":config:m"), "", marks=REST),
        pytest.param("Pulumi.prod.yaml", f"config:\n  {ELSEWHERE}\n".replace(": ", ":\n    secure: "), "", marks=REST),
        pytest.param("Pulumi.prod.json", '{"config": {"azure-native:metadataHost": "x"}}', "", marks=REST),
        pytest.param("Pulumi.yaml", "config: {'azure-native:metadataHost': {value: x}}\n", "", marks=REST),
        ("stacks/Pulumi.prod.yaml", f"config:\n  {ELSEWHERE}\n", ""),
    ],
)
def test_a_stack_that_names_another_cloud_keeps_the_command_from_running(
    tmp_path: Path, file: str, text: str, below: str
) -> None:
    (tmp_path / below).mkdir(exist_ok=True)
    (tmp_path / "stacks").mkdir()
    stacks = "stackConfigDir: stacks\n" if "stacks" in file else ""
    (tmp_path / "Pulumi.yaml").write_text(f"name: x\nruntime: python\n{stacks}")
    with (tmp_path / file).open("a") as settings:
        settings.write(text)
    found = execute(*python("print('ran')"), folder=tmp_path / below)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    for word in (file, "azure-native:metadataHost", "127.0.0.1:", "a copy of the project"):
        assert word in found.stderr


@pytest.mark.parametrize(
    "text",
    [
        "config: {a:b: c}",
        "[" * 10_000,
        *(pytest.param(each, marks=REST) for each in ("", "config: 5", "[", "\0", "- a")),
    ],
)
def test_other_settings_of_a_stack_are_none_of_its_business(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    assert execute(*python("print('ran')"), folder=tmp_path).stdout == "ran\n"


def test_the_help_says_that_it_is_no_sandbox() -> None:
    told = " ".join(execute("--help").stdout.split())
    assert "no sandbox" in told
    assert "HOME" in told
    assert "network" in told


def test_the_stand_in_is_found_by_the_command_only() -> None:
    script = (
        "import os, pathlib\n"
        "for found in pathlib.Path(os.environ['PULUMI_HOME'], 'plugins').glob('*/pulumi-resource-azure-native'):\n"
        "    print(found.parent.name, os.access(found, os.X_OK))"
    )
    found = execute(*python(script))
    assert found.stdout.startswith("resource-azure-native-v")
    assert found.stdout.strip().endswith("True")


def test_the_stand_in_goes_before_a_real_one_on_path(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "pulumi-resource-azure-native").write_text("#!/bin/sh\n")
    (real / "pulumi-resource-azure-native").chmod(0o755)
    place = Workspace(tmp_path / "home", "file:///state")
    path = isolation.environment({"PATH": str(real)}, {}, place)["PATH"].split(os.pathsep)
    assert (path[0].startswith(str(place.home)), path[1:]) == (True, [str(real)])


def test_the_users_other_plugins_are_seen_and_the_real_azure_native_is_not(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs" / "plugins"
    for name in ("resource-random-v4.16.0", "resource-azure-native-v3.29.0", "analyzer-policy-v1.0.0"):
        (theirs / name).mkdir(parents=True)
    place = Workspace(tmp_path / "home", "file:///state")
    found = isolation.environment({"PULUMI_HOME": str(tmp_path / "theirs")}, {}, place)
    assert found["PULUMI_HOME"] == str(place.home)
    seen = {folder.name for folder in (place.home / "plugins").iterdir()}
    assert seen >= {"resource-random-v4.16.0", "analyzer-policy-v1.0.0"}
    assert "resource-azure-native-v3.29.0" not in seen


def test_the_command_speaks_to_the_emulator_and_its_requests_are_written_down(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    script = (
        "import os, ssl, urllib.request\n"
        "url = os.environ['VMSS_EMULATOR_URL'] + '/emulator/timeline'\n"
        "allowed = {'Authorization': 'Bearer ' + os.environ['VMSS_EMULATOR_TOKEN']}\n"
        "request = urllib.request.Request(url, b'{}', allowed, method='PUT')\n"
        "print(urllib.request.urlopen(request, context=ssl.create_default_context()).status)"
    )
    assert execute("--requests", log, *python(script)).stdout == "204\n"
    (request,) = map(json.loads, log.read_text().splitlines())
    assert (request["method"], request["path"], request["status"]) == ("PUT", "/emulator/timeline", 204)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("", "it is a folder"),
        ("none/log", "there is no folder"),
        ("file/log", "there is no folder"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_file_that_no_requests_can_be_written_to_is_told_before_the_command_runs(
    tmp_path: Path, file: str, told: str
) -> None:
    (tmp_path / "file").touch()
    found = execute("--requests", tmp_path / file, *python("print('ran')"))
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert f"exec: --requests {tmp_path / file}: {told}" in found.stderr


@pytest.mark.parametrize(("code", "told"), [(3, 3), (0, 2)])
def test_requests_that_cannot_be_written_in_the_end_hide_no_failure_of_the_command(
    tmp_path: Path, code: int, told: int
) -> None:
    log = tmp_path / "log"
    found = execute("--requests", log, "--", "sh", "-c", f"mkdir '{log}'; exit {code}")
    assert (found.returncode, found.stderr) == (told, f"vmss-emulator: exec: --requests {log}: Is a directory\n")


def test_requests_may_be_written_into_the_folder_of_the_state_that_the_run_makes(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert execute("--state", state, "--requests", state / "log", "--", "true").returncode == 0
    assert (state / "log").read_text() == ""


def test_a_run_that_is_refused_leaves_the_file_of_requests_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("of yesterday")
    for name in ("old", "new"):
        assert execute("--requests", tmp_path / name, "--env", "NOT_THERE", "--", "true").returncode == 2
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("old", "of yesterday")]


def test_the_backend_can_be_kept(tmp_path: Path) -> None:
    state = tmp_path / "kept"
    script = "import os; open(os.environ['PULUMI_BACKEND_URL'].removeprefix('file://') + '/mark', 'w').close()"
    assert execute("--state", state, *python(script)).returncode == 0
    assert (state / "mark").exists()


def test_another_backend_is_refused_unless_it_may_be_lost() -> None:
    refused = execute("--backend", "s3://production", "--", "true")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--throw-away" in refused.stderr
    script = "import os; print(os.environ['PULUMI_BACKEND_URL'], os.environ['AWS_SECRET_ACCESS_KEY'])"
    allowed = execute("--backend", "s3://test", "--throw-away", *python(script), environment=PLANTED)
    assert allowed.stdout == "s3://test planted\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param(["true"], 0, marks=REST),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["no-such-command"], 127),
        pytest.param(["/dev/null"], 126, marks=REST),
    ],
)
def test_the_exit_code_is_the_commands(command: list[str], code: int) -> None:
    found = execute("--", *command)
    assert found.returncode == code
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "a command is needed"),
        (["--timeline", "missing.yaml", "--", "true"], "missing.yaml: there is no such file, and no ready timeline"),
        (["--timeline", "/", "--", "true"], "--timeline /: Is a directory"),
        (["--timeline", "flapping", "--capture", "x", "--", "true"], "exclude each other"),
        pytest.param(["--unknown", "--", "true"], "--unknown", marks=REST),
        (["--state", "x", "--backend", "y", "--throw-away", "--", "true"], "exclude each other"),
        (["--state", "x", "--capture", "y", "--", "true"], "--state and --capture exclude each other"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments: list[str], told: str) -> None:
    found = execute(*arguments)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert told in found.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scale_sets: {web: {boot: 3}}", "scale_sets.web.boot"),
        ("scale_sets: {web: {boot: 3, healthy: 4}, api: 5}", "(and 2 more: see `vmss-emulator check`)"),
        pytest.param("a: 2001-99-99", "line 1, column 4", marks=REST),
        pytest.param("[" * 1000, "50 levels", marks=REST),
        pytest.param("a: &a [1]\nb: *a", "anchors", marks=REST),
    ],
)
def test_a_wrong_timeline_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "timeline.yaml"
    file.write_text(text)
    found = execute("--timeline", file, "--", "true")
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert told in found.stderr


STUBBORN = """
import signal, sys, time
def interrupted(*_):
    time.sleep(0.5)
    print("cleaned up", flush=True)
    sys.exit(5)
signal.signal(signal.SIGINT, interrupted)
signal.signal(signal.SIGTERM, interrupted)
print("ready", flush=True)
time.sleep(30)
"""


@pytest.mark.parametrize("everybody", [True, False], ids=["ctrl-c", "sigterm"])
def test_it_waits_for_a_command_that_is_interrupted(everybody: bool) -> None:
    words = [*COMMAND, "exec", *python(STUBBORN)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if everybody:  # a terminal tells the whole group
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[0] == "cleaned up\n"
        assert process.returncode == 5


HEARS = """
import os, signal
from vmss_emulator.running import processes
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"the caller heard it\\n"))
code = processes.run(["sh", "-c", "trap 'echo so did the command; exit 5' TERM; kill -TERM $PPID; sleep 30 & wait"], {})
print("exit code", code)
"""


EARLY = """
import os, signal, subprocess
from vmss_emulator.running import processes
begin = subprocess.Popen
def begin_late(*arguments, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    return begin(*arguments, **options)
subprocess.Popen = begin_late
print("exit code", processes.run(["sleep", "30"], {}))
"""


def test_a_signal_that_comes_before_the_command_has_begun_ends_it_all_the_same() -> None:
    said = subprocess.run([sys.executable, "-c", EARLY], stdout=subprocess.PIPE, text=True, check=True, timeout=20)
    assert said.stdout == "exit code 143\n"


def test_a_script_that_runs_a_command_hears_the_signals_that_end_it() -> None:
    said = subprocess.run(
        [sys.executable, "-c", HEARS], stdout=subprocess.PIPE, text=True, check=True, timeout=20
    ).stdout
    assert sorted(said.splitlines()) == ["exit code 5", "so did the command", "the caller heard it"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans cannot be adopted")
def test_no_process_is_left_behind() -> None:
    orphan = "trap '' TERM; while :; do sleep 1; done"
    found = execute("--", "sh", "-c", f'setsid sh -c "{orphan}" >/dev/null 2>&1 & echo $!; kill -KILL $$')
    assert found.returncode == 137
    with pytest.raises(ProcessLookupError):
        os.kill(int(found.stdout), 0)


def test_serve_says_how_to_reach_it_and_ends_at_a_signal() -> None:
    with subprocess.Popen([*COMMAND, "serve"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("export VMSS_EMULATOR_TOKEN"):
                break
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if "export " in line)
        url = f"{exported['VMSS_EMULATOR_URL']}/metadata/endpoints"
        assert requests.get(url, verify=exported["SSL_CERT_FILE"], timeout=5).status_code == 200
        allowed = {"Authorization": f"Bearer {exported['VMSS_EMULATOR_TOKEN']}"}
        url = f"{exported['VMSS_EMULATOR_URL']}/emulator/requests"
        assert requests.get(url, verify=exported["SSL_CERT_FILE"], headers=allowed, timeout=5).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_serve_says_how_to_sign_in_as_a_managed_identity() -> None:
    with subprocess.Popen([*COMMAND, "serve", "--token-lifetime", "5m"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told: dict[str, str] = {}
        for line in process.stdout:
            words = line.removeprefix("# ").removeprefix("export ").split()[0].split("=", 1)
            told |= {words[0]: words[-1]}
            if "AZURE_POD_IDENTITY_AUTHORITY_HOST" in line:
                break
        header = {"X-IDENTITY-HEADER": told["IDENTITY_HEADER"]}
        found = requests.get(told["IDENTITY_ENDPOINT"], params={"resource": "x"}, headers=header, timeout=5).json()
        assert found["expires_in"] == "300"
        as_a_vm = f"{told['AZURE_POD_IDENTITY_AUTHORITY_HOST']}/metadata/identity/oauth2/token?resource=x"
        assert requests.get(as_a_vm, headers={"Metadata": "true"}, timeout=5).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--port", "99999"], "'99999' is not a port"),
        pytest.param(["--page-size", "0"], "'0' is not a number of 1 to 1000", marks=REST),
        (["--latency", "5"], "is not a duration"),
        pytest.param(["--token-lifetime", "soon"], "is not a duration", marks=REST),
    ],
)
def test_a_wrong_option_of_serve_is_told_in_one_line(options: list[str], complaint: str) -> None:
    told = ran("serve", *options)
    assert (told.returncode, told.stdout) == (2, "")
    assert complaint in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_exec_keeps_limits_that_it_is_given_and_waits_before_it_answers() -> None:
    script = (
        "import os, requests, time\n"
        "begun = time.monotonic()\n"
        "requests.get(os.environ['VMSS_EMULATOR_URL'] + '/metadata/endpoints', timeout=5)\n"
        "print(time.monotonic() - begun >= 0.3)"
    )
    options = ["--latency", "300ms", "--quota-headers", "--page-size", "7", "--token-lifetime", "5m"]
    assert execute(*options, *python(script)).stdout == "True\n"


def test_az_is_signed_in_for_the_command_in_a_folder_of_its_own() -> None:
    script = (
        "import configparser, json, os, pathlib\n"
        "folder = pathlib.Path(os.environ['AZURE_CONFIG_DIR'])\n"
        "config, clouds = configparser.RawConfigParser(), configparser.RawConfigParser()\n"
        "config.read(folder / 'config'), clouds.read(folder / 'clouds.config')\n"
        "cloud = clouds[config['cloud']['name']]\n"
        "account = json.loads((folder / 'azureProfile.json').read_text())['subscriptions'][0]\n"
        "entry = json.loads((folder / 'service_principal_entries.json').read_text())[0]\n"
        "print(cloud['endpoint_resource_manager'] == os.environ['VMSS_EMULATOR_URL'])\n"
        "print(account['id'] == os.environ['ARM_SUBSCRIPTION_ID'], account['isDefault'])\n"
        "print(entry['client_secret'] == os.environ['ARM_CLIENT_SECRET'])\n"
        "print(oct((folder / 'service_principal_entries.json').stat().st_mode & 0o77))\n"
    )
    assert execute(*python(script)).stdout.split() == ["True", "True", "True", "True", "0o0"]


def test_the_stand_in_ends_with_its_engine() -> None:
    starter = (
        "import subprocess, sys\n"
        "script = 'from vmss_emulator.pulumi_plugin.start import main; main()'\n"
        "plugin = subprocess.Popen([sys.executable, '-c', script, '127.0.0.1:1'], stdout=subprocess.PIPE, text=True)\n"
        "print(plugin.stdout.readline().strip(), plugin.pid, flush=True)\n"
        "import os; os.kill(os.getpid(), 9)"
    )
    found = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=False, timeout=60)
    plugin = int(found.stdout.split()[1])
    until(lambda: alive(plugin), lambda living: not living, seconds=5)


def alive(process: int) -> bool:
    with suppress(OSError):
        if ") Z " in Path(f"/proc/{process}/stat").read_text():
            return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
