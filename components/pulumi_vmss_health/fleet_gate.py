"""A fleet's gate as a dynamic resource: create and update block until enough scale sets are healthy.

Runs in the provider's process. Module path, names and stored keys are in users' state: they never change. As with the
gate of one set, a gate that did not pass is stored as a partial failure and stays armed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from pulumi.output import Unknown

from pulumi_vmss_health import gating
from pulumi_vmss_health.fleets.asked import ALL, AskedOfFleet, check_names, id_of, refuse_duplicates, required_of
from pulumi_vmss_health.fleets.gating import refresh, wait
from pulumi_vmss_health.gating import NotPassed
from pulumi_vmss_health.judging.policy import GatePolicy
from vmss_instance_view.pulumi import pools
from vmss_instance_view.pulumi.calls import Call, current_call, stored
from vmss_instance_view.pulumi.configuration import azure_of
from vmss_instance_view.scale_set_id import ScaleSetId

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure


class FleetGateProvider(ResourceProvider):
    """Blocks in create and update. One instance serves all fleets of a stack, on many threads."""

    # By reference in state: without this Pulumi stores 40 bytes as an encrypted blob.
    serialize_as_secret_always = False

    _azure: Callable[[], Azure]

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where to read. Does no I/O."""
        pools.install()
        self._azure = azure_of(req)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse, in preview already, what cannot work; what is not known yet is checked when it is."""
        pools.install()  # the call that waits comes next, and another library may have set a narrow pool meanwhile
        failures = []
        for name, check in (("policy", _check_policy), ("scaleSets", _check_sets), ("minHealthySets", _check_minimum)):
            try:
                check(news)
            except (ValueError, TypeError) as error:
                failures.append(CheckFailure(name, str(error)))
        return CheckResult(_as_before(olds, news), failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Report a change while armed, and always where the user wants that; else let the engine compare inputs."""
        return DiffResult(changes=True if gating.runs_without_a_change(olds, news) else None)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait. The id is opaque: other sets are an update, not a replacement."""
        id_ = uuid4().hex
        return CreateResult(id_, self._wait(id_, {}, props))

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again, for what did not pass or has changed."""
        return UpdateResult(self._wait(id_, olds, news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Look once, for a refresh. A fleet whose sets are all gone takes its gate out of the state."""
        if gating.was_let_pass(props):
            return ReadResult(id_, props)
        call = current_call()
        try:
            outputs = refresh(self._azure(), _asked(call, props, None), props, call)
        except NotPassed as failed:
            raise call.partial_failure(id_, stored(call, {**props, **failed.outputs}), failed.lines) from None
        return ReadResult("", {}) if outputs is None else ReadResult(id_, {**props, **stored(call, outputs)})

    def _wait(self, id_: str, olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        call = current_call()
        asked = _asked(call, news, call.timeout)
        try:
            return {**news, **stored(call, wait(self._azure(), asked, olds, news, call))}
        except NotPassed as failed:
            outputs = {**news, **stored(call, failed.outputs)}
            raise call.partial_failure(id_, outputs, failed.lines) from None


def _check_policy(news: Mapping[str, Any]) -> None:
    if isinstance(news.get("policy"), dict):
        GatePolicy.from_json(news["policy"])


def _check_sets(news: Mapping[str, Any]) -> None:
    sets = news.get("scaleSets")
    if isinstance(sets, dict):
        check_names(sets)
        refuse_duplicates(
            (name, id_of(name, each)) for name, each in sorted(sets.items()) if not isinstance(each, Unknown)
        )


def _check_minimum(news: Mapping[str, Any]) -> None:
    sets = news.get("scaleSets")
    if isinstance(sets, dict) and sets:
        required_of(news.get("minHealthySets", ALL), len(sets))


def _as_before(olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """Return inputs in which a scale set is written as in the state, if it is the same one: else that is a change."""
    before, sets = olds.get("scaleSets"), news.get("scaleSets")
    if not isinstance(before, dict) or not isinstance(sets, dict):
        return news
    kept = {name: each for name, each in before.items() if ScaleSetId.are_same(each, sets.get(name))}
    return {**news, "scaleSets": {**sets, **kept}}


def _asked(call: Call, props: Mapping[str, Any], timeout: float | None) -> AskedOfFleet:
    """Return what the inputs ask. Fails the call where they are none that this version understands."""
    try:
        return AskedOfFleet.by(props, timeout, "in the resource's custom_timeouts")
    except (ValueError, TypeError) as error:
        raise call.failure(str(error)) from None
