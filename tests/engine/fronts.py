"""The same gate, declared in programs of several languages: what the life-cycle suite runs over."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.engine.projects import TOOLCHAIN, Project

from pulumi_vmss_health.plugin.install import install


@dataclass(frozen=True)
class Wanted:
    """A gate `web`, a view `after` of the id that the gate gives, and what the gate says as stack outputs."""

    scale_set: str
    policy: dict[str, Any] = field(default_factory=lambda: {"timeout": "1m", "hold": "0s"})
    inputs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


class Front(Protocol):
    """A language: how its program is written, and what the gate's type is in the state."""

    gate: str

    def write(self, project: Project, wanted: Wanted) -> None:
        """Write the program that the next command runs."""


class Dynamic:
    """A Python program: a dynamic resource inside of a component."""

    gate = "HealthGate"

    def write(self, project: Project, wanted: Wanted) -> None:
        names = {"onFailure": "on_failure", "ignoreChanges": "ignore_changes", "replaceOnChanges": "replace_on_changes"}
        inputs = "".join(f", {names.get(key, key)}={value!r}" for key, value in wanted.inputs.items())
        options = ", ".join(f"{names.get(key, 'custom_timeouts')}={value!r}" for key, value in wanted.options.items())
        project.program(f"""
        opts = pulumi.ResourceOptions({options})
        policy = {wanted.policy!r}
        gate = vmss.ScaleSetHealthGate("web", scale_set={wanted.scale_set!r}, policy=policy{inputs}, opts=opts)
        vmss.ScaleSetInstanceView("after", scale_set=gate.scale_set_id, opts=pulumi.ResourceOptions(depends_on=[gate]))
        pulumi.export("healthy", gate.healthy)
        pulumi.export("state", gate.state)
        pulumi.export("virtualMachine", gate.virtual_machine)
        """)


class Yaml:
    """A YAML program on the plugin: JSON is YAML."""

    gate = "ScaleSetHealthGate"

    def write(self, project: Project, wanted: Wanted) -> None:
        gate = {
            "type": "vmss-health:ScaleSetHealthGate",
            "properties": {"scaleSetId": wanted.scale_set, "policy": wanted.policy, **wanted.inputs},
            "options": wanted.options,
        }
        after = {"type": "vmss-health:ScaleSetInstanceView", "properties": {"scaleSetId": "${web.scaleSetId}"}}
        outputs = {key: f"${{web.{key}}}" for key in ("healthy", "state", "virtualMachine")}
        yaml(project, {"web": gate, "after": after}, outputs=outputs)


def yaml(project: Project, resources: dict[str, Any], **more: Any) -> None:
    """Write a YAML program, and give the project the plugin."""
    install(Path(project.environment["PULUMI_HOME"]))
    program = {"name": project.name, "runtime": "yaml", "resources": resources, **more}
    (project.folder / "Pulumi.yaml").write_text(json.dumps(program))


def has_host(language: str) -> bool:
    """Whether programs in the language can be run here."""
    name = f"pulumi-language-{language}"
    return (TOOLCHAIN / name).exists() or shutil.which(name) is not None
