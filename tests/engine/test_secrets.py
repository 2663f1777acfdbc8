"""No secret and no token leaves the processes that need it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.engine.projects import Project

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

SINGLE = 'vmss.ScaleSetHealthGate("web", scale_set={id!r}, policy=vmss.GatePolicy(timeout="3s", hold="0s"))'
FLEET = 'vmss.FleetHealthGate("web", scale_sets={{"a": {id!r}}}, policy=vmss.GatePolicy(timeout="3s", hold="0s"))'


@pytest.mark.parametrize(
    "outcome", ["failing", *(pytest.param(each, marks=pytest.mark.rest) for each in ("healthy", "refused"))]
)
@pytest.mark.parametrize("gate", [SINGLE, pytest.param(FLEET, marks=pytest.mark.rest)], ids=["single", "fleet"])
def test_no_secret_and_no_token_is_in_state_output_or_logs(
    tmp_path: Path, azure: Emulator, outcome: str, gate: str
) -> None:
    project = Project(tmp_path, azure)
    project.environment["PULUMI_DEBUG_GRPC"] = str(tmp_path / "grpc.json")
    if outcome == "failing":
        azure.load({"faults": [{"match": "GET */instanceView", "status": 403, "code": "AuthorizationFailed"}]})
    if outcome == "refused":
        project.environment["ARM_TENANT_ID"] = "no-such-tenant"
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    project.program(gate.format(id=scale_set))
    ran = project.up("--logtostderr", "-v=9")
    assert (ran.code == 0) == (outcome == "healthy"), ran.output
    assert azure.tokens or outcome == "refused"
    written = "".join(
        file.read_text(errors="replace")
        for file in tmp_path.rglob("*")
        if file.is_file() and file.suffix not in (".pem", ".pyc") and "plugins" not in file.parts
    )
    for secret in (azure.client_secret, *azure.tokens):
        assert secret not in ran.output
        assert secret not in written
    assert os.environ.get("ARM_CLIENT_SECRET") != azure.client_secret


def test_a_wrong_secret_is_one_line_that_says_what_was_tried_and_what_to_set(project: Project, azure: Emulator) -> None:
    canary = "planted-secret-that-nobody-may-see"
    project.environment["ARM_CLIENT_SECRET"] = canary
    project.program(f'vmss.ScaleSetHealthGate("web", scale_set={azure.put_scale_set("web")!r})')
    ran = project.up()
    assert ran.code != 0
    assert "no token from the client secret" in ran.output
    assert "AADSTS7000215" in ran.output
    assert "ARM_CLIENT_SECRET" in ran.output
    assert "Traceback" not in ran.output
    assert canary not in ran.output


@pytest.mark.rest  # another credential than the wrong secret above
def test_without_any_credential_the_line_names_every_way_to_give_one(project: Project, azure: Emulator) -> None:
    for variable in ("ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID"):
        del project.environment[variable]
    project.program(f'vmss.ScaleSetHealthGate("web", scale_set={azure.put_scale_set("web")!r})')
    ran = project.up()
    assert ran.code != 0
    assert "no token from the az CLI" in ran.output
    assert "az login" in ran.output
    assert "ARM_CLIENT_SECRET" in ran.output
    assert "ARM_USE_MSI" in ran.output
    assert "Traceback" not in ran.output
