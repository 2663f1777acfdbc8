"""Bodies that Azure really sent or published, as `explain` takes them, and as a capture masks them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.recorded import RECORDED

from pulumi_vmss_health import (
    GatePolicy,
    Instance,
    InstanceView,
    RollingUpgrade,
    ScaleSet,
    ScaleSetId,
    Snapshot,
    State,
    Verdict,
    evaluate,
)
from pulumi_vmss_health.capturing.bodies import snapshot_of
from pulumi_vmss_health.capturing.mask import Mask
from pulumi_vmss_health.cli.main import main
from vmss_instance_view.reading.flexible import count

pytestmark = pytest.mark.recorded

SET = ScaleSetId.parse(
    "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Compute"
    "/virtualMachineScaleSets/web"
)
POLICY = GatePolicy(capacity=10)
AN_ERROR, AN_OPERATION, OF_ONE_VM = "but an error: ", "it is not an instance view", "it is the view of one VM"
# What `explain` refuses, by the beginning of a body's name, and what it says.
REFUSED = {
    "doc_err_429_CRP_OperationNotAllowed_no_envelope": "it is not an instance view",
    "doc_err_": AN_ERROR,
    "err_": AN_ERROR,
    "issue_err_": AN_ERROR,
    "issue_arm_deployment": AN_ERROR,
    "operation_failed": AN_ERROR,
    "operation_succeeded": AN_OPERATION,
    "doc_vmssvm_iv": OF_ONE_VM,
    "vmssvm_iv": OF_ONE_VM,
    "vm_iv_vmHealth": OF_ONE_VM,
    "doc_vm_iv_updating_stopping": OF_ONE_VM,
    "doc_vm_iv_extension_failed_customScript": "it is not an instance view",  # the VM's extensions alone
    "vmssvm_get": "it is one VM",
    "vmssvm_put": "it is one VM",
    "vm_put": "it is one VM",
    "vmss_list_in_rg": "it is a list of scale sets",
}


def files() -> list[Any]:
    found = sorted(RECORDED.glob("*.json")) if RECORDED.exists() else []
    return [pytest.param(file, id=file.stem) for file in found]


def refusal_of(name: str) -> str | None:
    return next((words for begin, words in REFUSED.items() if name.startswith(begin)), None)


def parsed(name: str, body: Any) -> Snapshot:
    """What the library reads in a body, told from its name. A piece of a VM's view, of statuses alone, is a view."""
    if "rolling_latest" in name:
        return Snapshot(InstanceView(), rolling_upgrade=RollingUpgrade.from_json(body))
    if "value" in body:
        instances = tuple(Instance.from_json(each) for each in body["value"])
        return Snapshot(count(ScaleSet(), instances), instances=instances)
    if name.startswith(("vmss_get", "vmss_put", "vmss_flexible_properties")):
        resource = body if "properties" in body else {"properties": body}
        return Snapshot(InstanceView(), ScaleSet.from_json(resource))
    return Snapshot(InstanceView.from_json(body))


def known(seen: Snapshot) -> tuple[Snapshot, GatePolicy]:
    """What is judged, and how: where nothing tells of VMs, without a capacity of which all would be missing."""
    if seen.view != InstanceView() or seen.instances is not None:
        return seen, POLICY
    return replace(seen, scale_set=seen.scale_set and replace(seen.scale_set, capacity=None)), GatePolicy()


def told(verdict: Verdict) -> tuple[Any, ...]:
    return verdict.state, [(reason.code, reason.state) for reason in verdict.reasons], verdict.unjudged


@pytest.mark.parametrize("file", files())
def test_explain_judges_what_azure_really_sent_as_the_library_does(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = file.read_text()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    refused = refusal_of(file.stem)
    if refused:
        with pytest.raises(SystemExit) as ended:
            main(["explain", "-", "--capacity", "10"])
        assert ended.value.code == 2
        assert refused in capsys.readouterr().err
        return
    verdict = evaluate(*known(parsed(file.stem, json.loads(text))))
    assert main(["explain", "-", "--capacity", "10"]) == (0 if verdict.passes else 1)
    state, *causes = capsys.readouterr().out.splitlines()
    is_unjudged = verdict.state is State.HEALTHY and not verdict.passes
    assert state.startswith(f"{'not judged' if is_unjudged else verdict.state.word}: ")
    assert told(evaluate(*known(snapshot_of([("-", text)])))) == told(verdict)
    assert all(any(reason.message[:40] in line for line in causes) for reason in verdict.reasons[:1])


@pytest.mark.parametrize("file", files())
def test_what_azure_really_sent_is_judged_the_same_once_it_is_masked(file: Path) -> None:
    mask, text = Mask(SET), file.read_text()
    masked = json.dumps(mask.body(json.loads(text)))
    assert json.loads(masked) == mask.again(json.loads(masked))
    if refusal_of(file.stem) is None:
        seen, as_masked = (snapshot_of([("-", each)]) for each in (text, masked))
        assert told(evaluate(as_masked, POLICY)) == told(evaluate(seen, POLICY))
