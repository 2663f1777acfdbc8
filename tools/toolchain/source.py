"""The Pulumi CLI and its Python language host, built from modules locked under tools/go.

Their caches take gigabytes, so they live in the clone while they are needed and go when the CLI is there. A build cut
short leaves them: the next one goes on from them.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tools.toolchain.clone import Clone, remove_tree
from tools.toolchain.steps import Problem, run, step
from tools.toolchain.versions import Go, go_problem, go_wanted, locked, parse_version

SPACE = 5.5e9
"""Bytes of disk that a build takes at its height: 5.1 measured, and 0.3 should go fetch a toolchain."""

SDK = "github.com/pulumi/pulumi/sdk/v3"
CLI = "github.com/pulumi/pulumi/pkg/v3"
HOST_PROGRAM = f"{SDK}/python/cmd/pulumi-language-python"
CLI_PROGRAM = f"{CLI}/cmd/pulumi"


def cli_version(clone: Clone) -> str:
    """The locked version of the CLI, with its v."""
    return locked((clone.modules / "cli" / "go.mod").read_text(), CLI)


def problem(clone: Clone) -> str:
    """Why a CLI cannot be built here, and what to do about it; empty if it can. Downloads nothing."""
    wanted = max(go_wanted(file.read_text()) for file in clone.modules.glob("*/go.mod"))
    missing = go_problem(_installed_go(), wanted) or _space_problem(clone)
    return f"a Pulumi CLI cannot be built here: {missing}; or install the CLI yourself" if missing else ""


def build(clone: Clone) -> Path:
    """Build everything and return the folder it is in; raises Problem if something is missing or goes wrong."""
    if missing := problem(clone):
        raise Problem(missing)
    made = clone.work / "bin"
    remove_tree(made)
    for folder in (made, clone.work / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    with step("Pulumi's Python language host: building it from source"):
        compile_program(clone, clone.modules / "language-host", HOST_PROGRAM, made / "pulumi-language-python.real")
    with step(f"Pulumi CLI {cli_version(clone)}: building it from source (about 4 minutes on 2 cores)"):
        stamp = f"-X {SDK}/go/common/version.Version={cli_version(clone)}"
        compile_program(clone, clone.modules / "cli", CLI_PROGRAM, made / "pulumi", stamp)
        _copy_scripts(clone, made)
    return made


def refresh_launchers(clone: Clone) -> None:
    """Renew the launchers of a CLI that was built here, should the repository's have changed since."""
    if (clone.bin / "pulumi-language-python.real").exists():
        _copy_launchers(clone, clone.bin)


def _installed_go() -> Go | None:
    if not shutil.which("go"):
        return None
    # Outside of any module, or go would already switch to the toolchain that the module asks for.
    answer = json.loads(run("go env", ["go", "env", "-json", "GOVERSION", "GOTOOLCHAIN"], cwd=Path("/"), limit=60))
    return Go(parse_version(answer["GOVERSION"]), answer.get("GOTOOLCHAIN", ""))


def _space_problem(clone: Clone) -> str:
    if _free(clone) < SPACE:
        remove_tree(clone.work)  # what an earlier build left may be what is missing
    if _free(clone) >= SPACE:
        return ""
    return (
        f"building takes {SPACE / 1e9:.1f} GB of disk, most of it only meanwhile, and {clone.root} has "
        f"{_free(clone) / 1e9:.1f} GB. Make room"
    )


def _free(clone: Clone) -> int:
    return shutil.disk_usage(clone.root).free


def compile_program(clone: Clone, module: Path, program: str, output: Path, stamp: str = "") -> None:
    """Build one program of a module; -mod=readonly makes go.sum the last word, and these flags win over GOFLAGS."""
    flags = ["-mod=readonly", "-modcacherw", "-buildvcs=false", "-trimpath", "-tags=osusergo,grpcnotrace"]
    command = ["go", "build", *flags, f"-ldflags=-s -w {stamp}", "-o", str(output), program]
    run("go build", command, cwd=module, env=_go_environment(clone))


def _go_environment(clone: Clone) -> dict[str, str]:
    """The caller's settings (proxies, GOFLAGS, GOTOOLCHAIN), with the caches in the clone and no cross-compiling."""
    kept = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOBIN"}}
    folders = {"GOPATH": "go", "GOMODCACHE": "modules", "GOCACHE": "cache", "GOTMPDIR": "tmp"}
    places = {name: str(clone.work / folder) for name, folder in folders.items()}
    return kept | places | {"GOWORK": "off", "CGO_ENABLED": "0"}


def _copy_scripts(clone: Clone, made: Path) -> None:
    """The parts that are scripts: the program's executor, the provider of dynamic resources, and our launchers."""
    command = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK]
    sdk = Path(run("go list", command, cwd=clone.modules / "cli", env=_go_environment(clone)).strip()) / "python"
    _copy_program(sdk / "cmd" / "pulumi-language-python-exec", made / "pulumi-language-python-exec")
    _copy_program(sdk / "dist" / "pulumi-resource-pulumi-python", made / "pulumi-resource-pulumi-python.real")
    _copy_launchers(clone, made)


def _copy_launchers(clone: Clone, folder: Path) -> None:
    for launcher in clone.launchers.iterdir():
        _copy_program(launcher, folder / launcher.name)


def _copy_program(found: Path, to: Path) -> None:
    if to.exists() and to.read_bytes() == found.read_bytes():
        return
    fresh = to.with_suffix(".new")
    shutil.copyfile(found, fresh)
    fresh.chmod(0o755)
    fresh.replace(to)
