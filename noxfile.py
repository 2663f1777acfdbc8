"""`make test-matrix`: every supported Python, each with the lowest and the newest packages that pyproject.toml allows.

Reading and deciding are tested in each; the real engine takes minutes, and is run in the oldest and the newest of all.
One of them: `.venv/bin/nox --session "tests-3.12(newest)"`; arguments behind `--` go to pytest.

`make mutants` is a session of its own: what deciding and waiting is changed, one small thing at a time, and tests that
take no time have to notice.
"""

import json
import platform
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"  # which alone can install the lowest versions
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True  # the others run all the same
nox.options.reuse_venv = "yes"

_NOTICED = 0.95
_SIDE_BY_SIDE = ("-n", "4")

PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
LOWEST = nox.param("lowest-direct", id="lowest")  # what pyproject.toml names; what that in turn asks for is new
NEWEST = nox.param("highest", id="newest")


@nox.session(python=PYTHONS)
@nox.parametrize("resolution", [LOWEST, NEWEST])
def tests(session: nox.Session, resolution: str) -> None:
    """The reader, the verdicts, the wait, the command and the emulator, without an engine."""
    install(session, resolution)
    rooms = [f"tests/{room}" for room in ("provider", "gate", "fleets", "cli", "reporting", "emulator")]
    # They need azure-native's SDK in the version that is locked, and what `make setup` installs to build wheels.
    left_out = [f"--ignore=tests/emulator/test_{name}.py" for name in ("plugin", "distribution")]
    session.run("pytest", *_SIDE_BY_SIDE, "-m", "not engine", *rooms, *left_out, *session.posargs)


@nox.session(python=[PYTHONS[0], PYTHONS[-1]], venv_params=["--seed"])  # Pulumi's language host asks pip
def engine(session: nox.Session) -> None:
    """The real engine, with the CLI that `make setup` got or built: oldest with lowest, newest with newest."""
    install(session, "lowest-direct" if session.python == PYTHONS[0] else "highest", "--extra", "azure-native")
    session.run("pytest", *_SIDE_BY_SIDE, "tests/engine", *session.posargs)


def install(session: nox.Session, resolution: str, *extra: str) -> None:
    """What a user installs, in those versions; then this clone, and what its tests need besides."""
    projects = ("-r", "pyproject.toml", "-r", "emulator/pyproject.toml")
    session.install("--resolution", resolution, "--upgrade", *extra, *projects)
    session.install("--group", "test")
    session.install("--no-deps", "--no-build-isolation", "-e", ".", "-e", "emulator")


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Of a thousand and more small changes, how many does no test notice? pyproject.toml says where they are made."""
    session.install("-r", "pyproject.toml", "--group", "test", "mutmut==3.8.1")
    copy = Path(session.create_tmp(), "copy").resolve()
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree("components", copy / "src")  # where mutmut expects packages
    for folder in ("provider", "tests", "tools"):
        shutil.copytree(folder, copy / folder)
    shutil.copy("pyproject.toml", copy)
    session.chdir(copy)
    session.run("mutmut", "run", *session.posargs, env={"PYTHONPATH": str(copy / "provider")}, silent=True)
    session.run("mutmut", "results")
    session.run("mutmut", "export-cicd-stats", silent=True)
    told = json.loads(Path("mutants", "mutmut-cicd-stats.json").read_text())
    noticed = (told["killed"] + told["timeout"]) / told["total"]
    session.log(f"{told['total']} mutants, {noticed:.1%} noticed; the others are listed above")
    if noticed < _NOTICED:
        session.error(f"fewer than {_NOTICED:.0%} were noticed")


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Does a known vulnerability concern what is locked? Asks PyPI's vulnerability service."""
    _install_release_tools(session)
    for file in ("requirements.txt", "requirements-dev.txt"):
        session.run("pip-audit", "--require-hashes", "--disable-pip", "--requirement", file, *session.posargs)


@nox.session(default=False)
def sbom(session: nox.Session) -> None:
    """Write what each distribution is locked with, as CycloneDX: dist/NAME.cdx.json."""
    _install_release_tools(session)
    Path("dist").mkdir(exist_ok=True)
    for name, locked, project in (
        ("pulumi-vmss-health", "requirements.txt", "pyproject.toml"),
        ("vmss-emulator", "requirements-emulator.txt", "emulator/pyproject.toml"),
    ):
        output = ("--output-reproducible", "--output-file", f"dist/{name}.cdx.json")
        session.run("cyclonedx-py", "requirements", locked, "--pyproject", project, *output)


@nox.session(default=False)
def archive(session: nox.Session) -> None:
    """Pack the plugin, its Python included, as `pulumi plugin install resource vmss-health VERSION --file` takes it."""
    session.install("--require-hashes", "--only-binary", ":all:", "-r", "requirements-archive.txt")
    name, plugin = "pulumi-resource-vmss-health", "components/pulumi_vmss_health/plugin"
    folders = ("--distpath=build/archive", "--workpath=build/pyinstaller", "--specpath=build/pyinstaller")
    data = f"--add-data={Path(plugin, 'schema.json').resolve()}:pulumi_vmss_health/plugin"
    # Imported by its name: the module that protobuf allows only one of.
    hidden = "--hidden-import=pulumi.runtime.proto.status_pb2"
    options = ("--noconfirm", "--log-level=ERROR", f"--name={name}")
    session.run(
        "pyinstaller",
        *options,
        "--paths=components",
        "--paths=provider",
        *folders,
        data,
        hidden,
        f"{plugin}/__main__.py",
    )
    version = nox.project.load_toml("pyproject.toml")["project"]["version"]
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    made = shutil.make_archive(
        f"dist/{name}-v{version}-{platform.system().lower()}-{machine}", "gztar", f"build/archive/{name}"
    )
    session.log(made)


def _install_release_tools(session: nox.Session) -> None:
    session.install("--require-hashes", "--only-binary", ":all:", "-r", "requirements-release.txt")
