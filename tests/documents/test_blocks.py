"""Every code block of the documents runs here or in the test that is named here, or a parser reads it.

A block of a kind that nothing checks fails.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from tests.documents import shell
from tests.gate.test_worked_deployments import STORIES, Deployment
from tests.pages import PAGES, ROOT, TESTING, blocks, prose

from pulumi_vmss_health import GatePolicy
from pulumi_vmss_health.plugin.schema import schema
from pulumi_vmss_health.testing import HealthyMocks
from vmss_emulator import Emulator, Timeline

DOCS = ROOT / "docs"
REGISTRY = DOCS / "_index.md"
# What the Registry's page shows in other languages.
EXAMPLES = {
    "yaml": ROOT / "examples" / "yaml" / "Pulumi.yaml",
    "typescript": ROOT / "examples" / "typescript" / "index.ts",
    "go": ROOT / "examples" / "go" / "main.go",
}
BLOCKS = [
    pytest.param(page, language, text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, (language, text) in enumerate(blocks(page), 1)
]
# Captures, by what they begin with, and the test that compares them with what the product says.
CAPTURES = {
    " +  pulumi-python:dynamic/vmss-health:HealthGate": "tests/documents/test_captures.py",
    "pulumi-python:dynamic/vmss-health:HealthGate (web):": "tests/documents/test_captures.py",
    "pulumi-python:dynamic/vmss-health:FleetGate (web):": "tests/engine/test_fleet.py",
    "scale set     state            VMs": "tests/documents/test_from_az.py",
}
# `...` in a program stands for the reader's own arguments: here, for what the SDK insists on.
REST = {
    "VirtualMachineScaleSet": {"resource_group_name": "web"},
    "AutoscaleSetting": {"resource_group_name": "web", "profiles": []},
}
_ELLIPSIS = re.compile(r"(\w+)\(([^()]*?)\.\.\.")
WEB = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
CONFIGURATION = {"web:gate": json.dumps({"min_healthy": 1, "timeout": "10m"}), "web:scaleSetId": WEB}


@pytest.mark.parametrize(("page", "language", "text"), BLOCKS)
def test_a_block_runs_or_a_parser_reads_it(
    page: Path, language: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if page == REGISTRY and language in EXAMPLES:
        assert text == EXAMPLES[language].read_text(), "tests/engine runs the file"
    elif language == "python":
        run_python(page, text, monkeypatch, tmp_path)
    elif language == "json":
        assert {"Name", "Actions", "AssignableScopes"} <= set(json.loads(text)), "no role: which test has it?"
    elif language == "yaml":
        check_yaml(page, yaml.safe_load(text), text)
    elif language == "sh":
        shell.check(text)
    elif language == "console":
        shell.check(shell.typed(text))
    elif language == "text":
        check_capture(page, text)
    else:
        pytest.fail(f"nothing checks a block of the language {language!r}")


@pytest.mark.parametrize("page", [REGISTRY, DOCS / "installation-configuration.md"], ids=lambda page: page.name)
def test_a_page_for_the_registry_has_the_front_matter_that_it_wants_and_says_that_nothing_is_published(
    page: Path,
) -> None:
    _, front, body = page.read_text().split("---\n", 2)
    told = yaml.safe_load(front)
    assert told.keys() == {"title", "meta_desc", "layout"}
    assert told["layout"] == "package"
    assert re.search(r"\*\*(The package is not|Nothing is) published\*\*", body)
    assert re.findall(r"^# ", prose(page).partition("\n---\n")[2], re.MULTILINE) == [], (
        "the title is the page's heading"
    )
    assert re.findall(r"\]\((?!https:)", prose(page)) == [], "the Registry has no other page of ours"


def test_the_registrys_page_of_the_configuration_has_every_setting_as_sdks_describe_it() -> None:
    variables = schema()["config"]["variables"]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", (DOCS / "installation-configuration.md").read_text(), re.MULTILINE)
    assert rows == [(key, each["description"]) for key, each in variables.items()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_fence_of_a_page_is_one_of_its_blocks(page: Path) -> None:
    assert page.read_text().count("```") == 2 * len(blocks(page)), "a fence that is indented, or not closed"
    assert "```" not in prose(page)


def run_python(page: Path, text: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Run a program, with mocks in the place of the engine; an emulator's, with a tool of its own."""
    if page == TESTING:
        assert re.match(r"# \S+\.py\n", text), "tests/gate/test_mocks.py runs whole files: name this one"
    elif page.name == "CONTRIBUTING.md":
        compile(text, page.name, "exec")  # tests/tools/test_walks.py runs the first, and there is one
        assert [language for language, _ in blocks(page)].count("python") == 1
    elif "vmss_emulator" in text:
        run_beside_an_emulator(text, monkeypatch, folder)
    else:
        run_with_mocks(text)


class Mocks(HealthyMocks):
    """Also of a stack that exports a scale set's id."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        made = super().new_resource(args)
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {"name": args.name, "outputs": {"scaleSetId": WEB}, "secretOutputNames": []}
        return made


def run_with_mocks(text: str) -> None:
    import pulumi_azure_native as azure

    import pulumi_vmss_health as vmss

    pulumi.runtime.set_mocks(Mocks(), project="web")
    pulumi.runtime.set_all_config(CONFIGURATION)
    program = _ELLIPSIS.sub(r'\1(\2**REST["\1"]', text)

    @pulumi.runtime.test  # type: ignore[untyped-decorator, unused-ignore]
    def declare() -> None:
        given: dict[str, Any] = {"pulumi": pulumi, "azure": azure, "vmss": vmss, "REST": REST}
        if not re.search(r"^web = ", program, re.MULTILINE):
            given["web"] = azure.compute.VirtualMachineScaleSet("given", resource_group_name="web")
        exec(compile(program, "a document", "exec"), given)  # noqa: S102 - it is this project's own

    declare()


TOOL = """#!/bin/sh
exec '{python}' - "$@" <<'END'
import sys
import pulumi_vmss_health as vmss
assert vmss.get_instance_view(sys.argv[1]).virtual_machine.statuses_summary[0].count == 3
END
"""


def run_beside_an_emulator(text: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    tool = folder / "my-tool"
    tool.write_text(TOOL.format(python=sys.executable))
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    found: dict[str, Any] = {}
    exec(compile(text, "a document", "exec"), found)  # noqa: S102 - it is this project's own
    for test in (each for name, each in found.items() if name.startswith("test_")):
        with Emulator() as azure:
            test(azure, monkeypatch)


def check_yaml(page: Path, found: Any, text: str) -> None:
    assert isinstance(found, dict), found
    if page == DOCS / "emulator.md":
        assert Timeline.load(text) != Timeline()
    elif page == DOCS / "verdicts.md":
        Deployment(**found)
        assert text in [match["told"] for match in STORIES.values()], "tests/gate/test_worked_deployments.py misses it"
    elif "jobs" in found:
        check_pipeline(found)
    elif set(found) == {"config"}:
        for policy in found["config"].values():
            GatePolicy(**policy)
    elif "runtime" in found:
        assert {"name", "runtime"} <= set(found)
        assert page in (TESTING, DOCS / "languages.md")  # tests/engine runs it: test_programs.py, test_fleet_plugin.py
    else:
        assert "StackReference" in text, "nothing checks such YAML"  # tests/engine/test_programs.py runs it
        assert page == TESTING


def check_pipeline(found: dict[Any, Any]) -> None:
    """A workflow of GitHub or of Azure Pipelines: each script's commands, each action's form, and a limit of time."""
    jobs = found["jobs"]
    is_github = isinstance(jobs, dict)
    for job in jobs.values() if is_github else jobs:
        assert job["timeout-minutes" if is_github else "timeoutInMinutes"]
        scripts = [script for step in job["steps"] for script in scripts_of(step)]
        assert scripts
        for script in scripts:
            shell.check(script)
    if is_github:
        assert found["permissions"]["contents"] == "read"
        assert True in found, "`on:`, which YAML 1.1 takes for true"


def scripts_of(step: Mapping[str, Any]) -> Iterator[str]:
    assert set(step) & {"run", "script", "uses", "task", "publish"}, step
    if "uses" in step:
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step
    for script in (step.get("run"), step.get("script"), step.get("inputs", {}).get("inlineScript")):
        if script:
            yield script


def check_capture(page: Path, text: str) -> None:
    if page == DOCS / "verdicts.md":
        assert text in [match["said"] for match in STORIES.values()], "tests/gate/test_worked_deployments.py misses it"
        return
    tests = [test for begin, test in CAPTURES.items() if text.startswith(begin)]
    assert tests, "nothing compares this capture with the product"
    assert all((ROOT / test).is_file() for test in tests)
