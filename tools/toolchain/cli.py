"""A Pulumi CLI with its Python language host: the one on PATH, else the vendor's, else one built here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

from tools.toolchain import installer, source
from tools.toolchain.clone import Clone, digest, read_record, remove_tree, write_record
from tools.toolchain.steps import Problem, run, say
from tools.toolchain.versions import MINIMUM_CLI, cli_problem, show

COMPANIONS = ("pulumi-language-python", "pulumi-resource-pulumi-python")
"""What a CLI needs at its side to run Python programs with dynamic resources."""

VERSION_LIMIT = 30.0


class Way(Enum):
    """How to come by a CLI, in the order in which they are tried; the values are what PULUMI_FROM takes."""

    PATH = "path"
    INSTALLER = "installer"
    SOURCE = "source"


def asked_way(environ: Mapping[str, str]) -> Way | None:
    """The one way that somebody insists on with PULUMI_FROM."""
    asked = environ.get("PULUMI_FROM", "")
    try:
        return Way(asked) if asked else None
    except ValueError:
        choices = ", ".join(way.value for way in Way)
        raise Problem(f"PULUMI_FROM={asked}: no such way to a Pulumi CLI, only {choices}") from None


def ways_to_try(clone: Clone, asked: Way | None, path: str) -> list[Way]:
    """The ways on which a CLI must still be had; none if there is one. Downloads nothing.

    Raises Problem if the one way that was asked for cannot work; says so if the last resort could not.
    """
    if is_installed(clone, asked):
        source.refresh_launchers(clone)
        remove_tree(clone.work)
        return []
    if asked in (None, Way.PATH):
        problem = problem_on_path(path_without(clone, path))
        if not problem:
            _remove_own(clone)
            return []
        if asked:
            raise Problem(f"{problem}. Install the Pulumi CLI, {show(MINIMUM_CLI)} or later")
        say(f"Pulumi CLI: {problem}")
    _check_source(clone, asked)
    return [asked] if asked else [Way.INSTALLER, Way.SOURCE]


def get_cli(clone: Clone, ways: Sequence[Way]) -> None:
    """Get a CLI on the first way that works; raises what kept the last one from working, and says so of the others."""
    makers = {Way.INSTALLER: installer.install, Way.SOURCE: source.build}
    for way in ways:
        try:
            made = makers[way](clone)
        except Problem as problem:
            if way is ways[-1]:
                raise
            say(f"Pulumi CLI: {problem}")
        else:
            _put_in_place(clone, made, way)
            return


def is_installed(clone: Clone, asked: Way | None) -> bool:
    """Whether the clone has a whole CLI of its own, of the locked version, from where it was asked for."""
    record = read_record(_record(clone.bin))
    fits = asked is None or record.get("from") == asked.value
    return fits and record.get("locked") == _locked(clone) and (clone.bin / "pulumi").exists()


def problem_on_path(path: str) -> str:
    """Why no CLI on this PATH will do; empty if one will."""
    found = shutil.which("pulumi", path=path)
    if not found:
        return "there is no pulumi on PATH"
    # A link, as package managers make, has its companions beside the file that it points to.
    beside = os.pathsep.join([str(Path(found).parent), str(Path(found).resolve().parent), path])
    for name in COMPANIONS:
        if not shutil.which(name, path=beside):
            return f"{found} has no {name} beside it or on PATH"
    problem = cli_problem(_version_of(found))
    return f"{found} will not do: {problem}" if problem else ""


def _version_of(pulumi: str) -> str:
    try:
        quiet = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
        return run("pulumi version", [pulumi, "version"], env=quiet, limit=VERSION_LIMIT)
    except Problem as problem:
        return str(problem)


def path_without(clone: Clone, path: str) -> str:
    """PATH without the clone's own CLI, which the Makefile puts there."""
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if Path(folder).resolve() != clone.bin.resolve())


def _check_source(clone: Clone, asked: Way | None) -> None:
    missing = "" if asked is Way.INSTALLER else source.problem(clone)
    if missing and asked:
        raise Problem(missing)
    if missing:
        say(f"the vendor's installer must work here, for {missing}")


def _remove_own(clone: Clone) -> None:
    """Remove what an earlier set-up made: an outdated CLI would come first on PATH."""
    remove_tree(clone.bin)
    remove_tree(clone.work)


def _put_in_place(clone: Clone, made: Path, way: Way) -> None:
    """Let a finished CLI appear all at once: whoever finds it finds it whole."""
    write_record(_record(made), {"from": way.value, "locked": _locked(clone)})
    remove_tree(clone.bin)
    made.rename(clone.bin)
    remove_tree(clone.work)


def _locked(clone: Clone) -> str:
    return digest(sorted(clone.modules.glob("*/go.*")))


def _record(folder: Path) -> Path:
    return folder / "setup.json"
