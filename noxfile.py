"""`make test-matrix`: every supported Python, each with the lowest and the newest packages that pyproject.toml allows.

Reading and deciding are tested in each; the real engine takes minutes, and is run in the oldest and the newest of all.
One of them: `.venv/bin/nox --session "tests-3.12(newest)"`; arguments behind `--` go to pytest.
"""

import nox

nox.options.default_venv_backend = "uv"  # which alone can install the lowest versions
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True  # the others run all the same
nox.options.reuse_venv = "yes"

PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
LOWEST = nox.param("lowest-direct", id="lowest")  # what pyproject.toml names; what that in turn asks for is new
NEWEST = nox.param("highest", id="newest")


@nox.session(python=PYTHONS)
@nox.parametrize("resolution", [LOWEST, NEWEST])
def tests(session: nox.Session, resolution: str) -> None:
    """The reader, the verdicts and the wait, without an engine."""
    install(session, resolution)
    session.run("pytest", "tests/provider", "tests/gate", *session.posargs)


@nox.session(python=[PYTHONS[0], PYTHONS[-1]])
def engine(session: nox.Session) -> None:
    """The real engine, with the CLI that `make setup` got or built: oldest with lowest, newest with newest."""
    install(session, "lowest-direct" if session.python == PYTHONS[0] else "highest")
    session.run("pytest", "tests/engine", *session.posargs)


def install(session: nox.Session, resolution: str) -> None:
    """What a user installs, in those versions; then this clone, and what its tests need besides."""
    session.install("--resolution", resolution, "--upgrade", "-r", "pyproject.toml", "--extra", "emulator")
    session.install("--no-deps", "-e", ".")
    session.install("--group", "test")
