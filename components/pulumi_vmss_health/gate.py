"""The gate as a dynamic resource: create and update block until the scale set is healthy, or fail with the cause.

Runs in the provider's process, which the engine starts. Module path, names and stored keys are in users' state: they
never change. A gate that did not pass stays armed: it is stored as a partial failure, `diff` reports a change by
itself, and a refresh may lower a stored verdict, never raise it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
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

from pulumi_vmss_health.evidence.file import refuse_unwritable, write
from pulumi_vmss_health.evidence.recorder import Recorder, file_text
from pulumi_vmss_health.judging.findings import Verdict
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Ask, Context, Depth, Snapshot
from pulumi_vmss_health.judging.verdict import evaluate
from pulumi_vmss_health.stored import PASSED, WARNED, lowered, outputs_of, skipped_outputs
from pulumi_vmss_health.telling.failure import causes, failure_lines, folded, warnings
from pulumi_vmss_health.telling.status import StatusLine
from pulumi_vmss_health.waiting import pace
from pulumi_vmss_health.waiting.memory import OF_THE_POLICY, Ending
from pulumi_vmss_health.waiting.watch import LOOK_LIMIT, MARGIN, watch
from vmss_instance_view.clock import Clock, Deadline, Overdue, Stopped
from vmss_instance_view.errors import InstanceViewError, ScaleSetNotFound, Unavailable
from vmss_instance_view.model import parse_time
from vmss_instance_view.pulumi import pools
from vmss_instance_view.pulumi.arguments import as_before, scale_set_failures
from vmss_instance_view.pulumi.calls import Call, PartialFailure, current_call, storable
from vmss_instance_view.pulumi.configuration import azure_of
from vmss_instance_view.scale_set_id import ScaleSetId

if TYPE_CHECKING:
    from pulumi_vmss_health.waiting.look import Looker
    from vmss_instance_view.connection import Azure

INPUTS = ("scaleSet", "policy", "triggers", "recheck", "onFailure", "skip")
EVIDENCE_FILE = "evidenceFile"
"""What the program passes beside the inputs: `check` takes it out, so that no state has it."""

_REFRESH_LIMIT = 120.0  # seconds for all looks of a refresh


class HealthGateProvider(ResourceProvider):
    """Blocks in create and update. One instance serves all gates of a stack, on many threads."""

    # By reference in state: without this Pulumi stores 40 bytes as an encrypted blob.
    serialize_as_secret_always = False

    _azure: Azure
    _evidence_files: dict[str, Path]  # by the gate's URN: what `check` took out of the inputs
    _gates_of_files: dict[Path, str]

    def configure(self, req: ConfigureRequest) -> None:
        """Remember where to read. Does no I/O."""
        pools.install()
        self._azure = azure_of(req)
        self._evidence_files, self._gates_of_files = {}, {}

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse, in preview already, what cannot work; what is not known yet is checked when it is."""
        pools.install()  # the call that waits comes next, and another library may have set a narrow pool meanwhile
        failures = scale_set_failures(news)
        try:
            if isinstance(news.get("policy"), dict):
                GatePolicy.from_json(news["policy"])
        except (ValueError, TypeError) as error:
            failures.append(CheckFailure("policy", str(error)))
        news, file = {key: value for key, value in news.items() if key != EVIDENCE_FILE}, news.get(EVIDENCE_FILE)
        if file is not None and (why := self._keep_evidence(current_call().urn, Path(file))):
            failures.append(CheckFailure(EVIDENCE_FILE, why))
        return CheckResult(as_before(olds, news), failures)

    def _keep_evidence(self, urn: str, file: Path) -> str | None:
        """Remember where a gate's evidence is to be written; say why it cannot be.

        The inputs do not keep it: then it is not in the state, and no change of it is a reason to gate again.
        """
        if not urn:  # nobody could tell whose file it is
            return None
        first = self._gates_of_files.setdefault(file, urn)
        if first != urn:
            return f"{file} is the file of gate {first.rpartition('::')[2]}: each gate needs one of its own"
        self._evidence_files[urn] = file
        return None

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """A change by itself while armed, and always where the user wants that; else the engine compares inputs."""
        armed = olds.get("state") not in PASSED
        # None, not False: the engine then compares itself, which ignore_changes and replace_on_changes rely on.
        return DiffResult(changes=True if armed or news.get("recheck") == "always" else None)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait. The id is opaque: another set is an update, not a replacement."""
        id_ = uuid4().hex
        return CreateResult(id_, self._wait(id_, props, {}))

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again."""
        return UpdateResult(self._wait(id_, news, olds.get("evidence") or {}))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Refresh: look once. A set that is gone takes its gate out of the state."""
        from pulumi_vmss_health.waiting.look import Looker

        call = current_call()
        if props.get("state") in PASSED and props.get("state") != Ending.HEALTHY.value:
            return ReadResult(id_, props)
        passed = parse_time((props.get("evidence") or {}).get("passedAt"))
        scale_set, policy = _asked(call, props, None)
        try:
            snapshot = _look_once(Looker(self._azure, scale_set, policy), self._azure.clock)
        except InstanceViewError as error:
            if isinstance(error, ScaleSetNotFound) and error.is_of_the_set:
                return ReadResult("", {})
            return _unread(call, id_, props, error)
        # One look cannot tell a surplus that stays from one that leaves; neither takes a pass back.
        context = Context(passed, before_first_pass=passed is None, surplus_settled=True)
        return _refreshed(call, id_, props, snapshot, evaluate(snapshot, policy, context))

    def _wait(self, id_: str, props: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for health. before: the evidence that the gate's last run left in state."""
        from pulumi_vmss_health.waiting.look import Looker

        call = current_call()
        passed = parse_time(before.get("passedAt"))
        scale_set, policy = _asked(call, props, call.timeout)
        if props.get("skip"):
            return {**props, **skipped_outputs(scale_set, before)}
        clock = self._azure.clock
        look = Looker(self._azure, scale_set, policy)
        file = self._evidence_files.get(call.urn)
        if file is not None:
            _refuse_unwritable(call, file)
        # What began since the gate last passed is still to be judged, also where failures lie in between.
        context = Context(passed, before_first_pass=passed is None)
        limit_source = OF_THE_POLICY if call.timeout is None else "in the resource's custom_timeouts"
        recorder = Recorder(look, policy, clock, context) if file is not None else None
        outcome = watch(look, policy, clock, StatusLine(call.status, clock), context, limit_source, recorder)
        call.status("")
        if file is not None and recorder is not None:
            _save(call, file, recorder.text(outcome, scale_set, self._azure.portal))
        told = outputs_of(outcome, look.requests, scale_set, clock.now(), before)
        outputs = {**props, **_storable(call, told)}
        if outcome.ending is Ending.HEALTHY:
            for warning in warnings(outcome):
                call.warn(folded(warning))
            return outputs
        lines = failure_lines(outcome, scale_set, self._azure.portal)
        if props.get("onFailure") == "warn" and outcome.ending is not Ending.CANCELLED:
            call.warn("\n".join(map(folded, lines)))
            return {**outputs, "state": WARNED}
        raise _failed(call, id_, outputs, lines)


def _asked(call: Call, props: dict[str, Any], timeout: float | None) -> tuple[ScaleSetId, GatePolicy]:
    """What the inputs ask. Fails the call where they are none that this version understands.

    timeout: the resource's own (custom_timeouts), in seconds: it wins over the policy's.
    """
    try:
        policy = GatePolicy.from_json(props.get("policy") or {})
        if timeout is not None:
            policy = policy.within(timedelta(seconds=timeout))
        return ScaleSetId.parse(props.get("scaleSet")), policy
    except (ValueError, TypeError) as error:
        raise call.failure(str(error)) from None


def _refuse_unwritable(call: Call, file: Path) -> None:
    """Fail the call before it waits, rather than to find at its end that there is no evidence."""
    try:
        refuse_unwritable(file)
    except ValueError as error:
        raise call.failure(f"evidence_file: {error}") from None


def _save(call: Call, file: Path, wait: str) -> None:
    """Write the evidence; that it cannot be written changes no verdict."""
    try:
        write(file, file_text([wait]))
    except OSError as error:
        call.warn(folded(f"the evidence could not be written to {file}: {error.strerror}"))


def _look_once(look: Looker, clock: Clock) -> Snapshot:
    """One look for a refresh; where many instances have to be asked one by one, as many as it takes."""

    def see(ask: Ask) -> Snapshot:
        return clock.call(lambda: look(LOOK_LIMIT, ask), LOOK_LIMIT + MARGIN)

    until = Deadline(_REFRESH_LIMIT, clock)
    try:
        snapshot = see(Ask())
        while snapshot.age == float("inf"):
            clock.wait(min(pace.QUICK, until.left()))
            snapshot = see(Ask(Depth.OWN_VIEWS))
    except (Overdue, Stopped):
        raise Unavailable("the scale set could not be read completely in time") from None
    return snapshot


def _unread(call: Call, id_: str, props: dict[str, Any], error: InstanceViewError) -> ReadResult:
    """A refresh that saw nothing changes nothing: a gate that passed has passed, an armed one stays armed."""
    if props.get("state") in PASSED:
        call.warn(folded(f"could not check whether the set is still healthy: {error}"))
        return ReadResult(id_, props)
    raise _failed(call, id_, props, [_armed(props), str(error)])


def _refreshed(call: Call, id_: str, props: dict[str, Any], snapshot: Snapshot, verdict: Verdict) -> ReadResult:
    """What a look means for a stored verdict: it may lower it, never raise it."""
    if props.get("state") not in PASSED:
        news = ["the set is healthy now"] if verdict.passes else causes(verdict)
        raise _failed(call, id_, props, [_armed(props), *news])
    if verdict.passes:
        return ReadResult(id_, props)
    message = f"scale set {ScaleSetId.parse(props.get('scaleSet')).name} was healthy and is not any more"
    outputs = _storable(call, lowered(props, snapshot, verdict, message))
    raise _failed(call, id_, outputs, [message, *causes(verdict)])


def _failed(call: Call, id_: str, outputs: dict[str, Any], lines: Sequence[str]) -> PartialFailure:
    """The exception for a gate that did not pass, with its lines folded for a terminal."""
    return call.partial_failure(id_, outputs, [folded(line) for line in lines])


def _storable(call: Call, outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs that state can hold: a verdict is stored, also where what it was made of cannot be."""
    kept = storable(outputs)
    for key in sorted(outputs.keys() - kept.keys()):
        call.warn(f"{key}: not stored, for Pulumi cannot store what it holds")
    return kept


def _armed(props: dict[str, Any]) -> str:
    return f"the next `pulumi up` runs this gate again: {props.get('message') or 'it has not passed yet'}"
