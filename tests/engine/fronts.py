"""The same gate, declared in programs of several languages: what the life-cycle suite runs over."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.engine.projects import TOOLCHAIN, Project
from tests.pages import ROOT
from tools.hosts import TYPESCRIPT

from pulumi_vmss_health.plugin.install import install


@dataclass(frozen=True)
class Wanted:
    """A gate `web`, a view `after` of the id that the gate gives, and what the gate says as stack outputs."""

    scale_set: str
    policy: dict[str, Any] = field(default_factory=lambda: {"timeout": "1m", "hold": "0s"})
    inputs: dict[str, Any] = field(default_factory=lambda: {"triggers": []})
    options: dict[str, Any] = field(default_factory=dict)


class Front(Protocol):
    """A language: how its program is written, and what the gate's type is in the state."""

    gate: str

    def write(self, project: Project, wanted: Wanted) -> None:
        """Write the program that the next command runs."""


class Compiled(Front, Protocol):
    """A language whose programs need an SDK, and its host `make languages`."""

    example: str
    nested: str
    """A program: a gate in a component, of which a view `first` of the set `web` tells the id, a field, a trigger."""

    def give(self, project: Project, program: str) -> None:
        """Write this program, and beside it what it needs."""


class Dynamic:
    """A Python program: a dynamic resource inside of a component."""

    gate = "HealthGate"

    def write(self, project: Project, wanted: Wanted) -> None:
        names = {
            "onFailure": "on_failure",
            "evidenceFile": "evidence_file",
            "ignoreChanges": "ignore_changes",
            "replaceOnChanges": "replace_on_changes",
        }
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


class TypeScript:
    """A TypeScript program on the plugin: JSON is TypeScript."""

    gate = "ScaleSetHealthGate"
    example = "typescript/index.ts"
    nested = """
import * as pulumi from "@pulumi/pulumi";
import * as vmss from "pulumi-vmss-health";

class Gated extends pulumi.ComponentResource {
    constructor(name: string, first: vmss.ScaleSetInstanceView) {
        super("my:index:Gated", name);
        new vmss.ScaleSetHealthGate(name, {
            scaleSetId: pulumi.interpolate`FOLDER/${first.orchestrationMode}`,
            policy: { minHealthy: first.capacity.apply(capacity => capacity!), timeout: "1m", hold: "0s" },
            triggers: [first.readAt],
        }, { parent: this });
    }
}

new Gated("web", new vmss.ScaleSetInstanceView("first", { scaleSetId: "FOLDER/web" }));
"""

    def write(self, project: Project, wanted: Wanted) -> None:
        inputs = json.dumps({"scaleSetId": wanted.scale_set, "policy": wanted.policy, **wanted.inputs})
        options = json.dumps(wanted.options)
        program = f"""
            import * as vmss from "pulumi-vmss-health";
            const gate = new vmss.ScaleSetHealthGate("web", {inputs}, {options});
            new vmss.ScaleSetInstanceView("after", {{ scaleSetId: gate.scaleSetId }});
            export const healthy = gate.healthy;
            export const state = gate.state;
            export const virtualMachine = gate.virtualMachine;
        """
        self.give(project, program)

    def give(self, project: Project, program: str) -> None:
        install(Path(project.environment["PULUMI_HOME"]))
        (project.folder / "index.ts").write_text(program)
        write_project(project, "nodejs")
        (project.folder / "package.json").write_text('{"name": "gated", "private": true}')
        if not (project.folder / "node_modules").exists():
            (project.folder / "node_modules").symlink_to(TYPESCRIPT / "node_modules")


class Go:
    """A Go program on the plugin."""

    gate = "ScaleSetHealthGate"
    example = "go/main.go"
    nested = """package main

import (
	"pulumi-vmss-health/sdk/go/vmsshealth"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type Gated struct {
	pulumi.ResourceState
}

func NewGated(ctx *pulumi.Context, name string, first *vmsshealth.ScaleSetInstanceView) error {
	gated := &Gated{}
	if err := ctx.RegisterComponentResource("my:index:Gated", name, gated); err != nil {
		return err
	}
	_, err := vmsshealth.NewScaleSetHealthGate(ctx, name, &vmsshealth.ScaleSetHealthGateArgs{
		ScaleSetId: pulumi.Sprintf("FOLDER/%s", first.OrchestrationMode.Elem()),
		Policy: &vmsshealth.GatePolicyArgs{
			MinHealthy: first.Capacity,
			Timeout:    pulumi.String("1m"),
			Hold:       pulumi.String("0s"),
		},
		Triggers: pulumi.Array{first.ReadAt},
	}, pulumi.Parent(gated))
	return err
}

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		first, err := vmsshealth.NewScaleSetInstanceView(ctx, "first", &vmsshealth.ScaleSetInstanceViewArgs{
			ScaleSetId: pulumi.String("FOLDER/web"),
		})
		if err != nil {
			return err
		}
		return NewGated(ctx, "web", first)
	})
}
"""

    def write(self, project: Project, wanted: Wanted) -> None:
        kinds = {
            "recheck": "vmsshealth.Recheck",
            "onFailure": "vmsshealth.OnFailure",
            "skip": "pulumi.Bool",
            "evidenceFile": "pulumi.String",
        }
        inputs = {
            "ScaleSetId": f"pulumi.String({json.dumps(wanted.scale_set)})",
            "Policy": _literal("&vmsshealth.GatePolicyArgs", {_title(k): _text(v) for k, v in wanted.policy.items()}),
            **{
                _title(key): f"{kinds[key]}({json.dumps(value)})"
                for key, value in wanted.inputs.items()
                if key in kinds
            },
        }
        if "triggers" in wanted.inputs:
            inputs["Triggers"] = f"pulumi.Array{{{', '.join(map(_text, wanted.inputs['triggers']))}}}"
        options = [
            *(f"pulumi.{_title(key)}({_texts(wanted.options[key])})" for key in _LISTS if key in wanted.options),
            *(f"pulumi.Timeouts({_timeouts(each)})" for key, each in wanted.options.items() if key == "customTimeouts"),
        ]
        program = _GO.format(
            inputs=_literal("&vmsshealth.ScaleSetHealthGateArgs", inputs),
            options="".join(f", {each}" for each in options),
        )
        self.give(project, program)

    def give(self, project: Project, program: str) -> None:
        install(Path(project.environment["PULUMI_HOME"]))
        project.environment["CGO_ENABLED"] = "0"  # needs no C compiler
        (project.folder / "main.go").write_text(program)
        write_project(project, "go")
        example = ROOT / "examples" / "go"
        modules = (example / "go.mod").read_text().replace("../../sdk/go", str(ROOT / "sdk" / "go"))
        (project.folder / "go.mod").write_text(modules)
        shutil.copy(example / "go.sum", project.folder)


_LISTS = ("ignoreChanges", "replaceOnChanges")
_GO = """package main

import (
	"pulumi-vmss-health/sdk/go/vmsshealth"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {{
	pulumi.Run(func(ctx *pulumi.Context) error {{
		gate, err := vmsshealth.NewScaleSetHealthGate(ctx, "web", {inputs}{options})
		if err != nil {{
			return err
		}}
		after := &vmsshealth.ScaleSetInstanceViewArgs{{ScaleSetId: gate.ScaleSetId}}
		if _, err = vmsshealth.NewScaleSetInstanceView(ctx, "after", after); err != nil {{
			return err
		}}
		ctx.Export("healthy", gate.Healthy)
		ctx.Export("state", gate.State)
		ctx.Export("virtualMachine", gate.VirtualMachine)
		return nil
	}})
}}
"""


def _title(name: str) -> str:
    return name[0].upper() + name[1:]


def _text(value: str) -> str:
    return f"pulumi.String({json.dumps(value)})"


def _texts(values: list[str]) -> str:
    return f"[]string{{{', '.join(map(json.dumps, values))}}}"


def _timeouts(limits: dict[str, str]) -> str:
    return _literal("&pulumi.CustomTimeouts", {_title(key): json.dumps(value) for key, value in limits.items()})


def _literal(kind: str, fields: dict[str, str]) -> str:
    return f"{kind}{{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}"


def write_project(project: Project, runtime: str) -> None:
    """Write the project's own file."""
    (project.folder / "Pulumi.yaml").write_text(json.dumps({"name": project.name, "runtime": runtime}))


def yaml(project: Project, resources: dict[str, Any], **more: Any) -> None:
    """Write a YAML program, and give the project the plugin."""
    install(Path(project.environment["PULUMI_HOME"]))
    program = {"name": project.name, "runtime": "yaml", "resources": resources, **more}
    (project.folder / "Pulumi.yaml").write_text(json.dumps(program))


def has_host(language: str) -> bool:
    """Whether programs in the language can be run here."""
    name = f"pulumi-language-{language}"
    return (TOOLCHAIN / name).exists() or shutil.which(name) is not None


# The fronts whose hosts and SDKs `make languages` builds.
COMPILED = [
    pytest.param(front, id=type(front).__name__, marks=[pytest.mark.rest, pytest.mark.compiled])
    for front in (TypeScript(), Go())
]
