"""The gate as a dynamic resource: create and update block until the scale set is healthy, or fail with the cause.

Runs in the provider's process, which the engine starts. Module path, names and stored keys are in users' state: they
never change. A gate that did not pass stays armed: it is stored as a partial failure, `diff` reports a change by
itself, and a refresh may lower a stored verdict, never raise it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from pulumi_vmss_health import gating
from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE, Owners
from pulumi_vmss_health.gating import Asked, NotPassed
from pulumi_vmss_health.judging.policy import GatePolicy
from vmss_instance_view.pulumi import pools
from vmss_instance_view.pulumi.arguments import as_before, scale_set_failures
from vmss_instance_view.pulumi.calls import Call, current_call, stored
from vmss_instance_view.pulumi.configuration import azure_of

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure


class HealthGateProvider(ResourceProvider):
    """Blocks in create and update. One instance serves all gates of a stack, on many threads."""

    # By reference in state: without this Pulumi stores 40 bytes as an encrypted blob.
    serialize_as_secret_always = False

    _azure: Callable[[], Azure]
    _evidence: Owners

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where to read. Does no I/O."""
        pools.install()
        self._azure = azure_of(req)
        self._evidence = Owners()

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse, in preview already, what cannot work; what is not known yet is checked when it is."""
        pools.install()  # the call that waits comes next, and another library may have set a narrow pool meanwhile
        failures = scale_set_failures(news)
        try:
            if isinstance(news.get("policy"), dict):
                GatePolicy.from_json(news["policy"])
        except (ValueError, TypeError) as error:
            failures.append(CheckFailure("policy", str(error)))
        file = news.get(EVIDENCE_FILE)
        news = {key: value for key, value in news.items() if key != EVIDENCE_FILE}
        urn = current_call().urn if file is not None else ""  # without one nobody could tell whose file it is
        if urn and (why := self._evidence.keep(urn, Path(str(file)))):
            failures.append(CheckFailure(EVIDENCE_FILE, why))
        return CheckResult(as_before(olds, news), failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Report a change while armed, and always where the user wants that; else let the engine compare inputs."""
        # None, not False: the engine then compares itself, which ignore_changes and replace_on_changes rely on.
        return DiffResult(changes=True if gating.runs_without_a_change(olds, news) else None)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait. The id is opaque: another set is an update, not a replacement."""
        id_ = uuid4().hex
        return CreateResult(id_, self._wait(id_, props, {}))

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again."""
        before = gating.evidence_at(news.get("scaleSet"), olds.get("scaleSet"), olds)
        return UpdateResult(self._wait(id_, news, before))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Look once, for a refresh. A set that is gone takes its gate out of the state."""
        if gating.was_let_pass(props):
            return ReadResult(id_, props)
        call = current_call()
        asked = _asked(call, props, None)
        try:
            is_there = gating.refresh(self._azure(), asked, props, call)
        except NotPassed as failed:
            outputs = stored(call, {**props, **failed.outputs})
            raise call.partial_failure(id_, outputs, failed.lines) from None
        return ReadResult(id_, props) if is_there else ReadResult("", {})

    def _wait(self, id_: str, props: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for health. before: the evidence that the gate's last run at this set left in state."""
        call = current_call()
        asked = _asked(call, props, call.timeout)
        try:
            file = None if asked.skips else self._evidence.writable_file_of(call.urn)
        except ValueError as error:
            raise call.failure(f"evidence_file: {error}") from None
        try:
            return {**props, **stored(call, gating.wait(self._azure(), asked, before, call, file))}
        except NotPassed as failed:
            outputs = {**props, **stored(call, failed.outputs)}
            raise call.partial_failure(id_, outputs, failed.lines) from None


def _asked(call: Call, props: Mapping[str, Any], timeout: float | None) -> Asked:
    """Return what the inputs ask. Fails the call where they are none that this version understands."""
    try:
        return Asked.by(props.get("scaleSet"), props, timeout, "in the resource's custom_timeouts")
    except (ValueError, TypeError) as error:
        raise call.failure(str(error)) from None
