"""`make setup` in a small clone with a blank in its path. What costs time or a download has a stand-in: pulumi, go,
the vendor's installer, and often the virtual environment."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest
from tests.engine.processes import is_running
from tests.tools.support import REPOSITORY, program
from tests.waiting import until

PROJECT = """\
[project]
name = "NAME"
version = "1"
[build-system]
requires = ["no-such-build-backend"]
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
from zipfile import ZipFile

def build_editable(folder, settings=None, metadata=None):
    with ZipFile(f"{folder}/NAME-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("NAME.py", "")
        wheel.writestr("NAME-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1\\n"
                       "Requires-Dist: no-such-dependency\\n")
        wheel.writestr("NAME-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("NAME-1.dist-info/RECORD", "")
    return "NAME-1-py3-none-any.whl"
"""
GO = """
echo "$GOMODCACHE $GOCACHE $GOTMPDIR $*" >> "$GO_LOG"
while [ "$1" != -o ]; do shift; done
touch "$2"
for version in VERSION v9.9.9; do
    sdk="$GOMODCACHE/github.com/pulumi/pulumi/sdk/v3@$version/python"
    mkdir -p "$sdk/cmd" "$sdk/dist"
    touch "$sdk/cmd/pulumi-language-python-exec" "$sdk/dist/pulumi-resource-pulumi-python"
done
"""
VERSION = (REPOSITORY / "tools" / "go" / "cli" / "go.mod").read_text().partition("pulumi/pkg/v3 ")[2].split()[0]
COMPANIONS = ["pulumi-language-python", "pulumi-resource-pulumi-python"]
INSTALLER = 'mkdir -p "$3/bin"; for name in pulumi pulumi-language-python; do echo "$5" > "$3/bin/$name"; done'
PYTHON = """
mkdir -p "$3/bin"
echo "version = VERSION.0" > "$3/pyvenv.cfg"
printf '#!/bin/sh\necho "$*" >> "$PIP_LOG"\n' > "$3/bin/python"
chmod +x "$3/bin/python"
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh clone that wants no packages; PATH has the system's own programs, and neither pulumi nor go."""
    root = tmp_path / "a clone"
    shutil.copytree(REPOSITORY / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Makefile", root)
    for name in ("requirements-emulator.txt", "requirements.txt", "requirements-dev.txt"):
        (root / name).write_text("")
    for folder, name in (root, "a_clone"), (root / "emulator", "an_emulator"):
        folder.mkdir(exist_ok=True)
        (folder / "pyproject.toml").write_text(PROJECT.replace("NAME", name))
        (folder / "backend.py").write_text(BACKEND.replace("NAME", name))
    for name in ("sh", "chmod", "rm", "make", "mkdir", "touch", "sleep", "dirname", "cat"):
        program(tmp_path / "path" / name, f'exec {shutil.which(name)} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for log in ("GO_LOG", "PIP_LOG"):
        monkeypatch.setenv(log, str(tmp_path / log))
    for name in ("PULUMI_FROM", "PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # `make test` is a make, too
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def path(clone: Path, tmp_path: Path) -> Path:
    """The first folder of PATH."""
    return tmp_path / "path"


@pytest.fixture
def setup(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """That clone's set-up, run by the Python of a .venv; the installer is out of reach."""
    spec = importlib.util.spec_from_file_location("a_clones_setup", clone / "tools" / "setup.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    program(tmp_path / "base" / "bin" / f"python{version}", PYTHON.replace("VERSION", version))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "base"))
    monkeypatch.setattr(module, "INSTALLER", (tmp_path / "install.sh").as_uri())
    return module


def put_pulumi(folder: Path, version: str = "v3.300.0") -> None:
    program(folder / "pulumi", f"echo {version}")
    for name in COMPANIONS:
        program(folder / name, "")


@pytest.fixture
def ready(setup: ModuleType, clone: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> ModuleType:
    """Set-up of a clone that has all it needs; `known` is in its environment until that is made anew."""
    put_pulumi(path)
    assert setup.main() == 0
    (clone / ".venv" / "known").touch()
    capsys.readouterr()
    return setup


def is_the_same(clone: Path) -> bool:
    return (clone / ".venv" / "known").exists()


def make_setup(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    make = shutil.which("make")
    assert make
    return subprocess.run([make, "setup", *arguments], cwd=clone, capture_output=True, text=True, check=False)


def test_an_unsuitable_python3_is_passed_over_and_one_that_was_asked_for_is_not_replaced(
    clone: Path, path: Path
) -> None:
    program(path / "python3", "exit 1")
    program(path / "python3.12", 'case $1 in -c) ;; *) echo "set up by $0 with $1" ;; esac')
    assert "/python3.12 with tools/setup.py" in make_setup(clone).stdout
    ran = make_setup(clone, f"PYTHON={path}/python3")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"Python 3.10 to 3.13 is needed, and none of these is one: {path}/python3\n" in ran.stderr
    assert "python3-venv" in ran.stderr


@pytest.mark.rest  # two whole environments, made by pip; that CI begins with a set-up shows the way to the good end
def test_a_fresh_clone_gets_what_has_the_right_hash_and_both_projects_and_a_second_run_says_nothing(
    clone: Path, path: Path, tmp_path: Path
) -> None:
    put_pulumi(path)
    wheel = tmp_path / "wanted-1-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("wanted.py", "")
        archive.writestr("wanted-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: wanted\nVersion: 1\n")
        archive.writestr("wanted-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("wanted-1.dist-info/RECORD", "")
    wanted = f"--no-index\n--find-links {tmp_path}\nwanted==1"
    (clone / "requirements-dev.txt").write_text(wanted)
    ran = make_setup(clone, f"PYTHON={sys.executable}")
    assert ran.returncode != 0
    assert "ashes are required" in ran.stderr

    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (clone / "requirements-dev.txt").write_text(f"{wanted} --hash=sha256:{found}")
    ran = make_setup(clone, f"PYTHON={sys.executable}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert 'export PATH="$PWD/.toolchain/bin:$PWD/.venv/bin:$PATH"' in ran.stdout
    subprocess.run([clone / ".venv" / "bin" / "python", "-c", "import wanted, a_clone, an_emulator"], check=True)
    ran = make_setup(clone, f"PYTHON={sys.executable}")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("file", ["requirements-dev.txt", "pyproject.toml", "emulator/pyproject.toml"])
def test_changed_requirements_bring_the_same_environment_up_to_date(
    ready: ModuleType, clone: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (clone / file).open("a") as requirements:
        requirements.write("# other words\n")
    for news in (True, False):
        assert ready.main() == 0
        assert is_the_same(clone)
        assert ("done" in capsys.readouterr().out) == news


def test_an_install_that_fails_is_quoted_and_made_anew(
    ready: ModuleType, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / "requirements-dev.txt").write_text("# other words\n")
    program(clone / ".venv" / "bin" / "python", "echo no such package; exit 1")
    assert ready.main() == 1
    assert capsys.readouterr().err.endswith("failed\n    no such package\n")
    assert ready.main() == 0
    assert not is_the_same(clone), "pip may have left half of a package"


@pytest.mark.parametrize(
    ("file", "found", "asked", "same"),
    [
        ("setup.stamp", "/moved/from/here 1234", "", False),
        ("pyvenv.cfg", "version = 3.9.1", "", True),
        ("pyvenv.cfg", "version = 3.9.1", "python3", False),
    ],
)
def test_an_environment_is_made_anew_when_the_clone_moved_or_another_python_is_asked_for(
    ready: ModuleType, clone: Path, monkeypatch: pytest.MonkeyPatch, file: str, found: str, asked: str, same: bool
) -> None:
    (clone / ".venv" / file).write_text(found)
    monkeypatch.setenv("PYTHON", asked)
    assert ready.main() == 0
    assert is_the_same(clone) == same


def test_a_new_enough_cli_on_path_is_taken_and_an_outdated_one_of_our_own_does_not_stay_before_it(
    setup: ModuleType, clone: Path, path: Path, tmp_path: Path
) -> None:
    put_pulumi(tmp_path / "cellar")
    (path / "pulumi").symlink_to(tmp_path / "cellar" / "pulumi")  # its companions are where the link points to
    put_pulumi(clone / ".toolchain" / "bin", "v3.1.0")
    assert setup.get_cli() is False
    assert list((clone / ".toolchain").iterdir()) == []


@pytest.mark.parametrize(
    ("version", "missing", "said"),
    [
        ("v3.300.0", "pulumi", "there is no pulumi on PATH"),
        ("v3.300.0", COMPANIONS[0], f"has no {COMPANIONS[0]}"),
        ("v3.300.0", COMPANIONS[1], f"has no {COMPANIONS[1]}"),
        ("v3.215.9", "", "not 3.216 or a later 3.x"),
        ("v4.0.0", "", "not 3.216 or a later 3.x"),
        ("no such version; exit 1", "", "no such version"),
    ],
)
def test_another_cli_on_path_is_refused_and_it_is_said_why(
    setup: ModuleType, clone: Path, path: Path, monkeypatch: pytest.MonkeyPatch, version: str, missing: str, said: str
) -> None:
    put_pulumi(path, version)
    (path / (missing or "none")).unlink(missing_ok=True)
    monkeypatch.setenv("PATH", f"{clone}/.toolchain/bin:{path}")
    put_pulumi(clone / ".toolchain" / "bin")  # does not count: it is the clone's own
    for name in COMPANIONS:
        (clone / ".toolchain" / "bin" / name).unlink()
    monkeypatch.setenv("PULUMI_FROM", "path")
    with pytest.raises(setup.Problem, match=said):
        setup.get_cli()


def test_an_unknown_source_is_refused(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULUMI_FROM", "brew")
    assert setup.main() == 1
    assert capsys.readouterr().err == "setup: PULUMI_FROM=brew: use path, installer or source\n"


def test_what_the_vendors_installer_brings_is_put_in_place(setup: ModuleType, clone: Path, tmp_path: Path) -> None:
    (tmp_path / "install.sh").write_text(INSTALLER)
    assert setup.get_cli() is True
    assert (clone / ".toolchain" / "bin" / "pulumi").read_text() == f"{VERSION[1:]}\n"
    assert [each.name for each in (clone / ".toolchain").iterdir()] == ["bin"]
    assert setup.get_cli() is False


@pytest.mark.parametrize(
    ("script", "said"),
    [("", "did not install a CLI"), ("echo no curl here; exit 3", "no curl here"), (None, "cannot be fetched")],
)
def test_an_installer_that_fails_is_quoted_and_the_cli_is_built_in_its_place(
    setup: ModuleType, clone: Path, path: Path, tmp_path: Path, script: str | None, said: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if script is not None:
        (tmp_path / "install.sh").write_text(script)
    program(path / "go", GO.replace("VERSION", VERSION))
    assert setup.get_cli() is True
    assert said in capsys.readouterr().out
    made = clone / ".toolchain" / "bin"
    assert sorted(each.name for each in made.glob("pulumi*") if os.access(each, os.X_OK)) == [
        "pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-language-python.real",
        "pulumi-language-yaml", "pulumi-resource-pulumi-python", "pulumi-resource-pulumi-python.real",
    ]  # fmt: skip
    assert [each.name for each in (clone / ".toolchain").iterdir()] == ["bin"], "no caches are left"
    builds = (tmp_path / "GO_LOG").read_text().splitlines()
    assert len(builds) == 3
    assert all(build.count(f"{clone}/.toolchain/build/") == 4 and " build -mod=readonly" in build for build in builds)
    assert setup.get_cli() is False
    monkeypatch.setenv("PULUMI_FROM", "installer")
    with pytest.raises(setup.Problem, match=said):
        setup.get_cli()


def test_a_cli_of_another_pinned_version_is_replaced_only_by_a_whole_one(
    setup: ModuleType, clone: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_FROM", "source")
    program(path / "go", GO.replace("VERSION", VERSION))
    assert setup.get_cli() is True
    pinned = clone / "tools" / "go" / "cli" / "go.mod"
    pinned.write_text(pinned.read_text().replace(VERSION, "v9.9.9"))
    program(path / "go", "echo checksum mismatch; exit 1")
    with pytest.raises(setup.Problem, match="checksum mismatch"):
        setup.get_cli()
    assert (clone / ".toolchain" / "bin" / "setup.stamp").read_text() == f"{VERSION} source"
    program(path / "go", GO.replace("VERSION", VERSION))
    assert setup.get_cli() is True
    assert (clone / ".toolchain" / "bin" / "setup.stamp").read_text() == "v9.9.9 source"


def test_missing_go_is_said_before_anything_is_built(setup: ModuleType, clone: Path) -> None:
    with pytest.raises(setup.Problem, match="apt install golang-go"):
        setup.get_cli()


def test_a_clone_that_cannot_be_written_is_named_without_a_traceback(
    setup: ModuleType, clone: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(path / "go", GO)
    (clone / ".toolchain").touch()  # root may write everywhere, but not below a file
    assert setup.main() == 1
    told = capsys.readouterr().err
    assert told.startswith(f"setup: {clone}/.toolchain/")
    assert told.endswith("; a clone of your own may help\n")


def test_a_long_step_says_that_it_still_runs(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "PATIENCE", 0.01)
    setup.run("a nap", "sleep", "0.1")
    assert capsys.readouterr().out.startswith("setup: a nap ...\nsetup:     0 s\n")


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_set_up_that_is_ended_ends_what_it_started(
    clone: Path, path: Path, tmp_path: Path, ending: signal.Signals, code: int
) -> None:
    noted = tmp_path / "pid"
    program(path / "go", f"sleep 0.5; echo $$ > '{noted}'; exec '{sys.executable}' -c 'import time; time.sleep(100)'")
    command: list[str | Path] = [sys.executable, clone / "tools" / "setup.py"]
    with subprocess.Popen(command, env={**os.environ, "PULUMI_FROM": "source"}) as process:
        pid = int(until(lambda: noted.read_text() if noted.exists() else ""))
        process.send_signal(ending)
        assert process.wait(10) == code
    until(lambda: not is_running(pid))
    assert not (clone / ".toolchain" / "bin").exists()


@pytest.mark.parametrize("name", COMPANIONS)
def test_program_and_provider_run_in_the_clones_environment_unless_another_python_is_chosen(
    clone: Path, name: str
) -> None:
    made = clone / ".toolchain" / "bin"
    show = 'echo "${PULUMI_PYTHON_CMD:-$(command -v python3)}|${PULUMI_RUNTIME_VIRTUALENV:-none}|$*"'
    program(made / f"{name}.real", show)
    (made / name).symlink_to(f"../../tools/launchers/{name}")
    program(clone / ".venv" / "bin" / "python3", "")

    def launched(**environment: str) -> list[str]:
        said = subprocess.check_output([made / name, "--root", "a b"], env=os.environ | environment, text=True)
        return said.strip().split("|")

    python, _, arguments = launched()
    assert Path(python).resolve() == clone / ".venv" / "bin" / "python3"
    assert arguments.endswith("--root a b")
    assert launched(PULUMI_PYTHON_CMD="/opt/python")[0] == "/opt/python"
    if name == COMPANIONS[0]:
        assert arguments.startswith(f"-use-executor {made}/pulumi-language-python-exec")
    else:  # the language host knows no virtualenv: two environments may hold two versions of one package
        assert launched(PULUMI_RUNTIME_VIRTUALENV=".venv")[1] == "none"
        assert launched(PULUMI_RUNTIME_VIRTUALENV=".venv", PULUMI_PYTHON_CMD="/opt/python")[1] == "none"
