"""What a guest, or whoever answers for Azure, writes into a run: harmless lines, and a verdict all the same."""

from __future__ import annotations

from typing import Any

import pytest
from tests.emulator.support import ArmSession
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, Ran
from tests.hostile import EVERYTHING, harm

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

GATED = """
gate = vmss.ScaleSetHealthGate(
    "web", scale_set={id!r}, triggers=[{release!r}], on_failure={on_failure!r},
    policy=vmss.GatePolicy(hold="0s", timeout="4s"),
)
pulumi.export("message", gate.message)
pulumi.export("reasons", gate.reasons)
"""
GUEST = {"message", "displayStatus"}
NAMES = {"name", "instanceId", "serviceName", "code", "provisioningState", "zones"}


def gated(scale_set: str, release: str, on_failure: str = "fail") -> str:
    return GATED.format(id=scale_set, release=release, on_failure=on_failure)


def poisoned(body: Any, keys: set[str], key: str = "") -> Any:
    """A body in which the texts under some keys end in everything that does harm."""
    if isinstance(body, dict):
        return {each: poisoned(value, keys, each) for each, value in body.items()}
    if isinstance(body, list):
        return [poisoned(value, keys, key) for value in body]
    return f"{body}{EVERYTHING}" if isinstance(body, str) and key in keys else body


def poison(azure: Emulator, keys: set[str]) -> None:
    """Serve an unhealthy set whose texts do harm: its view, its instances, and a service that Azure has given up."""
    azure.load(UNHEALTHY)
    arm = ArmSession(azure)
    view = arm.get(f"{arm.set_id}/instanceView")
    instances = arm.get(f"{arm.set_id}/virtualMachines", expand="instanceView")
    arm.close()
    for each in (view, *(vm["properties"]["instanceView"]["vmHealth"]["status"] for vm in instances["value"])):
        each.update({"message": "said"} if "code" in each else {})
    view["statuses"][0].update(code="ProvisioningState/failed", level="Error", message="said")
    view["orchestrationServices"] = [{"serviceName": "Repairs", "serviceState": "Suspended"}]
    answers = {"GET */instanceView": view, "GET */virtualMachines": instances}
    faults = [{"match": match, "status": 200, "body": poisoned(body, keys)} for match, body in answers.items()]
    azure.load({**UNHEALTHY, "faults": faults})


def check(ran: Ran) -> None:
    """Pulumi's own lines have tabs at most; no line has more, none is a command."""
    assert "Traceback" not in ran.output
    assert "Exception calling application" not in ran.output
    for line in ran.output.splitlines():
        assert harm(line.replace("\t", " ")) is None


def stored(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = project.state()["HealthGate/web"]["outputs"]
    for text in (found["message"], *(text for reason in found["reasons"] for text in reason.values())):
        assert harm(text) is None
    return found


@pytest.mark.rest  # tests/gate/test_hostile_text.py has every text, in every line
@pytest.mark.parametrize("keys", [pytest.param(GUEST, id="guest"), pytest.param(NAMES, id="names")])
def test_text_that_does_harm_becomes_harmless_lines_and_the_verdict_is_stored_as_always(
    project: Project, azure: Emulator, keys: set[str]
) -> None:
    azure.load(HEALTHY)
    web = azure.put_scale_set("web", capacity=2, health=True, extensions=["cse"])
    project.program(gated(web, "1"))
    assert project.up().code == 0
    assert stored(project)["healthy"] is True

    poison(azure, keys)
    ran = project.refresh()
    assert ran.code == 0, ran.output
    check(ran)
    assert "was healthy and is not any more" in ran.output
    seen = "failing" if keys is GUEST else "progressing"  # a code that nobody knows has not failed for good
    assert (stored(project)["healthy"], stored(project)["state"]) == (False, seen)

    project.program(gated(web, "2"))
    ran = project.up()
    assert ran.code != 0
    check(ran)
    assert "* scale set web is not healthy after 4s" in ran.output
    assert "# #vso[task.setvariable variable=PATH]" in ran.output, "it is broken, not hidden"
    assert "--service-name" in ran.output
    failed = stored(project)
    assert (failed["healthy"], failed["state"]) == (False, "timedOut")
    assert failed["reasons"]
    if keys is GUEST:
        assert failed["statuses"][0]["message"] == f"said{EVERYTHING}".replace("\ud83d\ude00", "\N{GRINNING FACE}")

    project.program(gated(web, "2", "warn"))
    ran = project.up()
    assert ran.code == 0, ran.output
    check(ran)
    assert stored(project)["state"] == "warned"
