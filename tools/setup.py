"""`make setup`: a virtual environment in .venv and, unless PATH has one that is new enough, a Pulumi CLI in .toolchain.

Standard library only, for nothing is installed yet. What is there and up to date is left alone, in silence.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = ROOT / ".toolchain" / "bin"
BUILD = ROOT / ".toolchain" / "build"
MODULES = ROOT / "tools" / "go"
PROJECTS = (".", "emulator")

OLDEST_CLI = 216
"""The minor version of the oldest 3.x that is taken from PATH. README.md names the one that is tested."""

INSTALLER = "https://get.pulumi.com/install.sh"
PULUMI = "github.com/pulumi/pulumi"
SDK = f"{PULUMI}/sdk/v3"
PROGRAMS = {
    "pulumi-language-python.real": ("language-host", f"{SDK}/python/cmd/pulumi-language-python"),
    "pulumi": ("cli", f"{PULUMI}/pkg/v3/cmd/pulumi"),
    "pulumi-language-yaml": ("cli", "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"),
}
"""What is built from source: each program's module below tools/go, and its package."""

PATIENCE = 20.0
"""Seconds that a step may take without a word."""


class Problem(Exception):
    """Set-up cannot go on this way; the text says why."""


def main() -> int:
    """Do what is missing; return the exit code."""
    try:
        news = get_cli()  # first, for it may lack something that only a person can bring
        news |= make_environment()
    except Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    except OSError as error:  # somebody else's clone, a full disk
        print(f"setup: {error.filename or ROOT}: {error.strerror}; a clone of your own may help", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; run `make setup` again to finish", file=sys.stderr)
        return 130
    if news:
        say('done. For your shell: export PATH="$PWD/.toolchain/bin:$PWD/.venv/bin:$PATH"')
    return 0


def make_environment() -> bool:
    """Bring .venv to what the requirements ask for; return whether anything had to be done.

    Its stamp is written last: an install that was cut short is made anew, because pip takes a half-written package for
    an installed one. So is the environment of a clone that has moved, because its scripts hold the old path.
    """
    files = [*sorted(ROOT.glob("requirements*.txt")), *(ROOT / project / "pyproject.toml" for project in PROJECTS)]
    wanted = f"{ROOT} {hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()}"
    stamp, python = VENV / "setup.stamp", VENV / "bin" / "python"
    found = stamp.read_text() if stamp.exists() and python.exists() else ""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # Another Python than the one in .venv matters only to somebody who asked for it.
    if found and os.environ.get("PYTHON") and f"version = {version}." not in (VENV / "pyvenv.cfg").read_text():
        found = ""
    if found == wanted:
        return False
    if not found.startswith(f"{ROOT} "):
        # In an activated .venv the interpreter that runs this is about to be removed: take the one behind it.
        base = sys.executable if sys.prefix == sys.base_prefix else f"{sys.base_prefix}/bin/python{version}"
        remove(VENV)
        run(f".venv with Python {version}", base, "-m", "venv", VENV)
    stamp.unlink(missing_ok=True)
    pip = (python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
    # Whole packages with the hashes that the file names: nothing is built, and so nothing else is downloaded.
    locked = ("--require-hashes", "--only-binary", ":all:", "--requirement", "requirements-dev.txt")
    run(".venv: Python packages (1 to 5 minutes, 700 MB of disk)", *pip, *locked)
    for project in PROJECTS:
        run(f".venv: this clone's {project}", *pip, "--no-deps", "--no-build-isolation", "--editable", project)
    stamp.write_text(wanted)
    return True


def get_cli() -> bool:
    """Have a Pulumi CLI: the one on PATH, else the vendor's, else one built here; return whether one was made.

    PULUMI_FROM insists on one of the three.
    """
    asked = os.environ.get("PULUMI_FROM", "")
    if asked not in ("", "path", "installer", "source"):
        raise Problem(f"PULUMI_FROM={asked}: use path, installer or source")
    version = (MODULES / "cli" / "go.mod").read_text().partition(f"{PULUMI}/pkg/v3 ")[2].split()[0]
    stamp = BIN / "setup.stamp"
    ways = {way: make for way, make in (("installer", install), ("source", build)) if asked in ("", way)}
    if stamp.exists() and stamp.read_text() in [f"{version} {way}" for way in ways]:
        return False
    if asked in ("", "path"):
        problem = problem_on_path()
        if not problem:
            remove(BIN)  # what an earlier set-up made would come first
            return False
        if asked:
            raise Problem(f"{problem}; install Pulumi 3.{OLDEST_CLI} or later")
        say(problem)
    for way, make in ways.items():
        try:
            made = make(version)
            break
        except Problem as problem:
            if asked or way == "source":
                raise
            say(f"{problem}; building one instead")
    (made / stamp.name).write_text(f"{version} {way}")
    remove(BIN)
    made.rename(BIN)  # whoever finds it finds it whole
    remove(BUILD)
    return True


def problem_on_path() -> str:
    """Why no CLI on PATH will do; empty if one will. The clone's own, which the Makefile puts there, does not count."""
    path = os.pathsep.join(
        each for each in os.environ["PATH"].split(os.pathsep) if Path(each).resolve() != BIN.resolve()
    )
    pulumi = shutil.which("pulumi", path=path)
    if not pulumi:
        return "there is no pulumi on PATH"
    # A link, as package managers make, has its companions beside the file that it points to.
    beside = os.pathsep.join([str(Path(pulumi).parent), str(Path(pulumi).resolve().parent), path])
    for name in ("pulumi-language-python", "pulumi-resource-pulumi-python"):
        if not shutil.which(name, path=beside):
            return f"{pulumi} has no {name} beside it or on PATH"
    quiet = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    said = subprocess.run([pulumi, "version"], env=quiet, capture_output=True, text=True, check=False)
    found = re.search(r"^v?3\.(\d+)\.", said.stdout, re.MULTILINE)
    if not found or int(found[1]) < OLDEST_CLI:
        return f"{pulumi} says {(said.stdout + said.stderr).strip()!r}, not 3.{OLDEST_CLI} or a later 3.x"
    return ""


def install(version: str) -> Path:
    """Run the vendor's installer. Tested against a stand-in: the authors' network does not reach the real site."""
    try:
        with urllib.request.urlopen(INSTALLER, timeout=20) as answer:
            text = answer.read()
    except OSError as error:
        raise Problem(f"the vendor's installer of the Pulumi CLI cannot be fetched: {error}") from None
    remove(BUILD)
    BUILD.mkdir(parents=True)
    script = BUILD / "install.sh"
    script.write_bytes(text)
    options = ("--no-edit-path", "--install-root", BUILD, "--version", version.removeprefix("v"))
    said = run(f"Pulumi CLI {version} by the vendor's installer (500 MB of disk)", "sh", script, *options)
    if not (BUILD / "bin" / "pulumi-language-python").exists():
        raise Problem(f"the vendor's installer did not install a CLI: {said.strip()}")
    return BUILD / "bin"


def build(version: str) -> Path:
    """Build the CLI and its language hosts. Go's caches stay in the clone until that is done, also across attempts."""
    if not shutil.which("go"):
        raise Problem(
            "there is no go on PATH to build a Pulumi CLI with. Install Go 1.21 or later (Debian, Ubuntu: apt install "
            "golang-go; macOS: brew install go), or install the Pulumi CLI"
        )
    say(f"building Pulumi {version}: 7 to 20 minutes on 2 cores; uses 6 GB of disk while it runs, 0.2 GB afterwards")
    made = BUILD / "bin"
    remove(made)
    for folder in (made, BUILD / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    caches = {"GOPATH": "go", "GOMODCACHE": "modules", "GOCACHE": "cache", "GOTMPDIR": "tmp"}
    env = {**os.environ, **{name: str(BUILD / folder) for name, folder in caches.items()}}
    env |= {"GOWORK": "off", "CGO_ENABLED": "0"}
    # -mod=readonly makes go.sum the last word; these flags win over the caller's GOFLAGS.
    flags = ("-mod=readonly", "-modcacherw", "-buildvcs=false", "-trimpath", "-tags=osusergo,grpcnotrace")
    for name, (module, package) in PROGRAMS.items():
        stamp = f"-X {SDK}/go/common/version.Version={version}" if module == "cli" else ""
        command = ("go", "build", *flags, f"-ldflags=-s -w {stamp}", "-o", made / name, package)
        run(f"building {name}", *command, folder=MODULES / module, env=env)
    scripts = BUILD / "modules" / f"{SDK}@{version}" / "python"
    shutil.copy(scripts / "cmd" / "pulumi-language-python-exec", made)
    shutil.copy(scripts / "dist" / "pulumi-resource-pulumi-python", made / "pulumi-resource-pulumi-python.real")
    for program in made.iterdir():
        program.chmod(0o755)  # nothing in a module's archive is executable
    for launcher in (ROOT / "tools" / "launchers").iterdir():
        (made / launcher.name).symlink_to(Path("..", "..", "tools", "launchers", launcher.name))
    return made


def run(what: str, *command: str | Path, folder: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Run a command that asks nothing, say now and then that it still runs, and return its output.

    Raises Problem with the end of the output if it fails. Ends the command if this process is told to end.
    """
    say(f"{what} ...")
    began = time.monotonic()
    with (
        tempfile.TemporaryFile("w+", errors="replace") as log,
        subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            while process.poll() is None:
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    say(f"    {time.monotonic() - began:.0f} s")
        except BaseException:
            process.terminate()
            raise
        log.seek(0)
        output = log.read()
    if process.returncode:
        raise Problem("\n    ".join([f"{what}: failed", *output.splitlines()[-40:]]))
    return output


def remove(folder: Path) -> None:
    """Remove a folder, if there is one. Go makes the toolchains that it downloads read-only."""
    if folder.exists():
        run(f"removing {folder.relative_to(ROOT)}", "sh", "-c", 'chmod -R u+w "$0"; rm -rf "$0"', folder)


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
