"""Whose identity reads: the stack's own, from its azure-native configuration or the environment."""

from __future__ import annotations

import pytest
from tests.engine.projects import Project

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

KEYS = {"clientId": "ARM_CLIENT_ID", "clientSecret": "ARM_CLIENT_SECRET", "tenantId": "ARM_TENANT_ID"}

GATED = """
import pulumi_vmss_health

gate = vmss.ScaleSetHealthGate("web", scale_set={id!r}, policy=vmss.GatePolicy(timeout={timeout!r}, hold="0s"))
view = vmss.ScaleSetInstanceView("view", scale_set={id!r})
succeeded = vmss.get_instance_view_output(gate.scale_set_id).apply(
    lambda view: view.virtual_machine.statuses_summary[0].count
)
pulumi.export("seen", [gate.healthy, view.capacity, succeeded])
"""


def gated(azure: Emulator, timeout: str = "1m") -> str:
    return GATED.format(id=azure.put_scale_set("web", capacity=2), timeout=timeout)


def test_azure_natives_configuration_signs_in_beside_an_environment_that_knows_nothing_or_another(
    project: Project, azure: Emulator
) -> None:
    for key, variable in KEYS.items():
        value = project.environment.pop(variable)
        kind = "--secret" if key == "clientSecret" else "--plaintext"
        assert project.run("config", "set", kind, f"azure-native:{key}", value).code == 0
    metadata = project.environment.pop("ARM_METADATA_HOSTNAME")
    assert project.run("config", "set", "azure-native:metadataHost", metadata).code == 0
    project.program(gated(azure))
    ran = project.up()
    assert ran.code == 0, ran.output
    assert project.outputs() == {"seen": [True, 2, 2]}

    # The configuration comes first, as it does in azure-native itself.
    project.environment |= dict.fromkeys(KEYS.values(), "of-somebody-else")
    asked = azure.token_requests
    refreshed = project.run("refresh", "--yes", "--skip-preview", "--non-interactive")
    assert refreshed.code == 0, refreshed.output
    assert "could not be checked" not in refreshed.output
    assert azure.token_requests > asked

    exported = project.run("stack", "export").output
    for secret in (azure.client_secret, *azure.tokens):
        assert secret not in exported + ran.output + refreshed.output


@pytest.mark.rest  # tests/gate/test_component.py has it without an engine
@pytest.mark.parametrize(
    ("resource", "options"),
    [
        ("ScaleSetHealthGate", "provider=other"),
        ("ScaleSetHealthGate", "providers=[other]"),
        ("ScaleSetInstanceView", "providers={'azure-native': other}"),
    ],
)
def test_an_explicit_azure_native_provider_is_refused_in_the_program_with_what_to_do_instead(
    project: Project, azure: Emulator, resource: str, options: str
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    project.program(f"""
    import pulumi_azure_native as azure
    other = azure.Provider("other", client_id="another", client_secret=pulumi.Output.secret("planted"))
    opts = pulumi.ResourceOptions({options})
    vmss.{resource}("web", scale_set={azure.put_scale_set("web")!r}, opts=opts)
    """)
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    (told,) = [line.strip() for line in ran.output.splitlines() if "ValueError:" in line]
    assert told.startswith("ValueError: opts has an explicit azure-native provider, but a scale set is read with the")
    assert "remove it from provider and providers" in told
    assert "azure-native:clientId" in told
    assert "ARM_*" in told
    assert f"vmss-health:index:{resource}" not in ran.output
    assert "planted" not in ran.output


@pytest.mark.rest  # another credential than the wrong secret of test_secrets.py
def test_a_wrong_tenant_is_one_line_that_says_what_to_check(project: Project, azure: Emulator) -> None:
    project.environment["ARM_TENANT_ID"] = "11111111-2222-3333-4444-555555555555"
    project.program(f'vmss.ScaleSetHealthGate("web", scale_set={azure.put_scale_set("web")!r})')
    ran = project.up()
    assert ran.code != 0
    told = ran.told[ran.told.index("Diagnostics:") :]
    (line,) = [line for line in told.splitlines() if "11111111-2222-3333-4444-555555555555" in line]
    assert "no token from the client secret: AADSTS90002: Tenant" in line
    assert "check azure-native:clientId or ARM_CLIENT_ID, azure-native:tenantId or ARM_TENANT_ID" in line
    assert "Traceback" not in ran.output


@pytest.mark.rest  # test_refusal.py has its words
def test_a_missing_permission_names_the_action_the_scope_and_the_role(project: Project, azure: Emulator) -> None:
    program = gated(azure, timeout="2s")
    action = "Microsoft.Compute/virtualMachineScaleSets/read"
    message = f"The client 'deployer' does not have authorization to perform action '{action}' over scope '/subs/web'"
    forbidden = {"status": 403, "code": "AuthorizationFailed", "message": message}
    azure.load({"faults": [{"match": "GET */virtualMachineScaleSets/*", **forbidden}]})
    project.program(program)
    ran = project.up()
    assert ran.code != 0
    lines = ran.told[ran.told.index("Diagnostics:") :].splitlines()
    told = [line for line in lines if "HTTP 403 AuthorizationFailed" in line]
    assert len(told) == 2, "one for the gate, one for the view"
    for line in told:
        assert f"perform action '{action}' over scope '/subs/web'" in line
        assert "give the identity the role Reader on the scale set; if it was given just now, wait" in line
    assert "scale set web was never seen in 2s, which is the timeout of the policy" in ran.told
    assert "Traceback" not in ran.output
