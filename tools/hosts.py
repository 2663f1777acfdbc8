"""`make languages`: what the tests of TypeScript and Go programs need, their hosts and SDKs.

`make sdks` generates the SDKs anew. Go builds from modules, as `make setup` builds the CLI; npm brings Pulumi's SDK, as
tools/typescript locks it. What is there is left alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from tools.setup import BIN, MODULES, ROOT, SDK, Problem, run

TYPESCRIPT = ROOT / ".toolchain" / "typescript"
SCHEMA = ROOT / "components" / "pulumi_vmss_health" / "plugin" / "schema.json"
HOSTS = {
    "pulumi-language-nodejs": ("node-host", f"{SDK}/nodejs/cmd/pulumi-language-nodejs"),
    "pulumi-language-go": ("go-host", f"{SDK}/go/pulumi-language-go"),
}
"""What is built where the CLI did not bring it: each program's module below tools/go, and its package."""


def main(arguments: list[str]) -> int:
    """Do what is missing, or, as "sdks", generate the SDKs; return the exit code."""
    try:
        if arguments == ["sdks"]:
            make_sdks(ROOT / "sdk")
        else:
            get_hosts()
            make_typescript()
            compile_go()
    except Problem as problem:
        print(f"languages: {problem}", file=sys.stderr)
        return 1
    return 0


def get_hosts() -> None:
    """Build the hosts that are neither on PATH nor in the clone, beside the clone's own CLI."""
    for name, (module, package) in HOSTS.items():
        if not shutil.which(name):
            BIN.mkdir(parents=True, exist_ok=True)
            build(module, package, BIN / name)


def make_typescript() -> None:
    """Make a folder of packages in which a TypeScript program finds Pulumi's SDK, and this package's."""
    sdk = ROOT / "sdk" / "nodejs"
    stamp = TYPESCRIPT / "stamp"
    files = [ROOT / "tools" / "typescript" / "package-lock.json", *sorted(sdk.rglob("*.ts")), sdk / "package.json"]
    wanted = "".join(file.read_text(encoding="utf-8") for file in files)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if not shutil.which("npm"):
        raise Problem("there is no npm on PATH: install Node.js 20 or later")
    shutil.rmtree(TYPESCRIPT, ignore_errors=True)
    shutil.copytree(ROOT / "tools" / "typescript", TYPESCRIPT)
    shutil.copytree(sdk, TYPESCRIPT / "sdk")
    run(
        "packages of TypeScript programs", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=TYPESCRIPT
    )
    run("the TypeScript SDK", "node_modules/.bin/tsc", "-p", "sdk", folder=TYPESCRIPT)
    shutil.copy(TYPESCRIPT / "sdk" / "package.json", TYPESCRIPT / "sdk" / "bin")
    (TYPESCRIPT / "node_modules" / "pulumi-vmss-health").symlink_to(Path("..", "sdk", "bin"))
    stamp.write_text(wanted, encoding="utf-8")


def compile_go() -> None:
    """Fill Go's build cache: Pulumi's SDK takes minutes the first time, which no test waits for."""
    need_go()
    env = {**os.environ, "CGO_ENABLED": "0"}  # as the tests build
    run("the Go SDK", "go", "build", "-o", os.devnull, ".", folder=ROOT / "examples" / "go", env=env)


def make_sdks(out: Path) -> None:
    """Generate the SDKs for TypeScript, Go and C# from the schema."""
    codegen = ROOT / ".toolchain" / "codegen"
    build("codegen", ".", codegen)
    run("SDKs", codegen, SCHEMA, out)
    (out / "schema.sha256").write_text(hashlib.sha256(SCHEMA.read_bytes()).hexdigest() + "\n", encoding="utf-8")


def build(module: str, package: str, program: Path) -> None:
    """Build a program, as go.sum of its module has it."""
    need_go()
    env = {**os.environ, "GOWORK": "off", "CGO_ENABLED": "0"}
    flags = ("-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w")
    run(f"building {program.name}", "go", "build", *flags, "-o", program, package, folder=MODULES / module, env=env)


def need_go() -> None:
    """Raise Problem where there is no Go."""
    if not shutil.which("go"):
        raise Problem("there is no go on PATH to build with: install Go 1.24 or later")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
