"""What the documents tell people to run with Pulumi: each command and option exists, and a recipe does its work."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from functools import cache

import pytest
import yaml
from tests.documents.shell import simple_commands, typed
from tests.engine.projects import UNHEALTHY, Project
from tests.pages import PAGES, ROOT, blocks, prose

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

PIPELINES, RECIPES = ROOT / "docs" / "pipelines.md", ROOT / "docs" / "recipes.md"


def scripts() -> list[str]:
    """Every text of the documents that a shell would take."""
    found = []
    for page in PAGES:
        for language, text in blocks(page):
            if language in ("sh", "console"):
                found.append(typed(text) if language == "console" else text)
            elif language == "yaml":
                found += texts_of(yaml.safe_load(text))
        found += [text for text in re.findall(r"`([^`]+)`", prose(page)) if text.startswith("pulumi ")]
    return found


def texts_of(found: object) -> list[str]:
    """The scripts in a workflow."""
    if isinstance(found, list):
        return [text for each in found for text in texts_of(each)]
    if isinstance(found, dict):
        own = [value for key, value in found.items() if key in ("run", "script", "inlineScript")]
        return own + [text for each in found.values() for text in texts_of(each)]
    return []


def pulumi_commands() -> list[list[str]]:
    found = []
    for script in scripts():
        for words in simple_commands(script):
            if words[0] == "sh" and words[1] == "-c":
                found += list(simple_commands(words[2]))
            elif "sh" in words and "-c" in words:
                found += list(simple_commands(words[words.index("-c") + 1]))
            found.append(words[words.index("--") + 1 :] if "--" in words else words)
    unique = {tuple(words[1:]) for words in found if words and words[0] == "pulumi"}
    return [list(words) for words in sorted(unique) if words]


@cache
def options_of(path: str, *words: str) -> frozenset[str] | None:
    """The options of a command of Pulumi's on a PATH; None if it has no such command, or only commands below it."""
    pulumi = shutil.which("pulumi", path=path)
    assert pulumi is not None
    told = subprocess.run([pulumi, *words, "--help"], capture_output=True, text=True, check=False).stdout
    usage = re.search(r"^  pulumi (.+)$", told, re.MULTILINE)
    aliases = re.search(r"^Aliases:\n(.+)$", told, re.MULTILINE)
    if usage is None or usage[1].split()[: len(words) - 1] != list(words[:-1]):
        return None
    names = {usage[1].split()[len(words) - 1], *(re.split(r"[\s,]+", aliases[1]) if aliases else ())}
    if words[-1] not in names:
        return None
    return frozenset(re.findall(r"(?<![\w-])--?[a-z][\w-]*", told))


def options_for(path: str, words: list[str]) -> frozenset[str] | None:
    """The options of the command that these words begin with; None if there is no such command."""
    named = [each for each in words if not each.startswith("-")]
    if len(named) > 1 and (found := options_of(path, *named[:2])) is not None:
        return found
    is_a_group = named[0] in ("stack", "config", "state", "plugin", "policy")
    return None if is_a_group and len(named) > 1 else options_of(path, named[0])


def test_every_pulumi_command_of_the_documents_is_one_and_has_the_options(project: Project) -> None:
    path = project.environment["PATH"]
    commands = pulumi_commands()
    assert len(commands) > 15
    for words in commands:
        known = options_for(path, words)
        assert known is not None, f"pulumi {shlex.join(words)}: no such command"
        options = {each.partition("=")[0] for each in words if each.startswith("-")}
        assert options <= known, f"pulumi {shlex.join(words)}: {options - known}"


@pytest.mark.parametrize("words", [["uo"], ["stack", "outptu"], ["state", "taintt", "urn"]])
def test_a_command_that_pulumi_does_not_have_is_found_out(words: list[str], project: Project) -> None:
    assert options_for(project.environment["PATH"], words) is None


def test_a_failed_gates_verdict_is_had_as_json_as_documented(project: Project, azure: Emulator) -> None:
    if shutil.which("jq") is None:
        pytest.skip("there is no jq")
    azure.load(UNHEALTHY)
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    project.program(f"""
    vmss.ScaleSetHealthGate("web", scale_set={scale_set!r}, policy=vmss.GatePolicy(timeout="3s", hold="0s"))
    """)
    assert project.up().code != 0
    recipe, decision = [text for language, text in blocks(PIPELINES) if language == "sh"]
    told = subprocess.run(
        [shutil.which("bash") or "bash", "-ec", f"{recipe}\n{decision}"],
        cwd=project.folder, env=project.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "a gate did not pass\n"
    (gate,) = json.loads((project.folder / "gates.json").read_text())
    assert (gate["state"], gate["reasons"][0]["code"]) == ("timedOut", "ApplicationNotHealthy")


@pytest.mark.rest  # each field's form is a test of tests/gate/test_policy.py
def test_a_policy_is_taken_from_the_configuration_as_documented(project: Project, azure: Emulator) -> None:
    configured = [text for language, text in blocks(RECIPES) if language == "yaml"]
    program = next(text for _, text in blocks(RECIPES) if "require_object" in text)
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    project.program(program.replace("scale_set=web", f"scale_set={scale_set!r}"))
    file = project.folder / "Pulumi.dev.yaml"
    own = yaml.safe_load(file.read_text())
    for text, stored in zip(configured, ({"minHealthy": 1}, {"minHealthy": "90%"}), strict=True):
        file.write_text(yaml.safe_dump({**own, **yaml.safe_load(text)}))
        ran = project.run("preview", "--non-interactive", "--json")
        assert ran.code == 0, ran.output
        assert json.dumps(stored)[1:-1] in ran.output
