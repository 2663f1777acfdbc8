"""What keeps an instance from passing, check by check: each `Judge` names the ailment of one instance, or None.

An instance whose evidence is missing does not pass. Only a failed provisioning state is final; power and application
health can recover, so that only time ends the wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pulumi_vmss_health.findings import Facts, Findings, Reason, State, Unjudged, short_code
from vmss_instance_view.errors import clean
from vmss_instance_view.model import ExtensionStatus, Instance, Status

_NAMED = 5  # instances that a reason names before it counts the rest


@dataclass(frozen=True, slots=True)
class Ailment:
    """What keeps one instance from passing. Instances with equal ailments are told of together.

    topic: what it is about besides the instance, such as "extension cse". final: it will not pass by waiting.
    """

    code: str
    topic: str
    have: str
    want: str
    message: str = ""
    hint: str = ""
    final: bool = False


Judge: TypeAlias = Callable[[Instance], "Ailment | None"]


def provisioning(instance: Instance) -> Ailment | None:
    """Is the VM provisioned? The resource and its instance view must both say so, where they say anything."""
    status = instance.view.status("ProvisioningState") if instance.view else None
    states = [status.state] if status else []
    if instance.provisioning_state is not None:
        states.append(instance.provisioning_state.lower())
    if "failed" in states:
        code = short_code(status) if status and status.state == "failed" else "failed"
        hint = "see its boot diagnostics; reimage or delete the instance"
        return Ailment("VmFailed", "VM", code, "succeeded", _said(status), hint, final=True)
    if states and set(states) == {"succeeded"}:
        return None
    have = next((state for state in states if state != "succeeded"), "unknown")
    return Ailment("VmNotProvisioned", "VM", have, "succeeded")


def extension(name: str) -> Judge:
    """Did an extension succeed on the VM? One that the VM does not list is still to come."""

    def judge(instance: Instance) -> Ailment | None:
        listed = _find(instance, name)
        states = [status.state for status in listed.statuses] if listed else []
        if listed and "failed" in states:
            return _failed_extension(name, listed)
        if states and set(states) == {"succeeded"}:
            return None
        have = next((state for state in states if state != "succeeded"), "not reported")
        return Ailment("ExtensionNotReady", f"extension {name}", have or "unknown", "succeeded")

    return judge


def power(instance: Instance) -> Ailment | None:
    """Does the VM run? A deallocated VM still says that its provisioning succeeded."""
    status = instance.view.status("PowerState") if instance.view else None
    have = status.state if status else "unknown"
    if have == "running":
        return None
    return Ailment("VmNotRunning", "power", have or "unknown", "running", hint=_POWER_HINT)


def application_health(instance: Instance) -> Ailment | None:
    """Does the application say that it is healthy? Not to say anything is neither healthy nor unhealthy."""
    status = instance.view.vm_health if instance.view else None
    have = (status.state if status else "") or "not reported"
    if have == "healthy":
        return None
    return Ailment("ApplicationNotHealthy", "application health", have, "healthy", _said(status), _HEALTH_HINT)


_POWER_HINT = "start the instance, or set power_state='ignored'"
_HEALTH_HINT = "see the application's own log on the instance, and what its health probe answers there"


def judge_all(facts: Facts, check: str, judge: Judge) -> Findings:
    """Do enough instances pass one check? check: its name, where the instances were not looked at."""
    instances = facts.snapshot.instances
    if instances is None or facts.required is None:
        yield Unjudged(check)
        return
    ailing = [(instance, ailment) for instance in instances if (ailment := judge(instance)) is not None]
    passing = len(instances) - len(ailing)
    if passing >= facts.required:
        return
    final = sum(ailment.final for _, ailment in ailing)
    hopeless = facts.vms - final < facts.required
    arithmetic = f"{passing} of {facts.capacity} pass, {facts.required} required"
    for ailment, ill in _by_cause(ailing).items():
        state = State.FAILING if hopeless and ailment.final else State.PROGRESSING
        yield _reason(ailment, name_instances(ill), arithmetic, state)


def together(facts: Facts, judges: Iterable[Judge]) -> Findings:
    """Do enough instances pass every check? Three checks passing on different thirds are not health."""
    instances = facts.snapshot.instances
    if instances is None or facts.required is None:
        return
    judges = tuple(judges)
    partial = [instance.instance_id for instance in instances if any(judge(instance) for judge in judges)]
    passing = len(instances) - len(partial)
    if passing < facts.required:
        subject = name_instances(partial)
        message = (
            f"{passing} of {facts.capacity} VMs pass every check, {facts.required} required; {subject} fail one each"
        )
        yield Reason(
            "TooFewVmsPassEveryCheck", subject, str(passing), str(facts.required), message, state=State.PROGRESSING
        )


def name_instances(ids: list[str]) -> str:
    """Instances in words: "instance 3", "instances 3 and 7", "instances 0, 1, 2, 3, 4 and 11 more"."""
    shown, more = ids[:_NAMED], len(ids) - _NAMED
    if len(ids) == 1:
        return f"instance {ids[0]}"
    if more > 0:
        return f"instances {', '.join(shown)} and {more} more"
    return f"instances {', '.join(shown[:-1])} and {shown[-1]}"


def _by_cause(ailing: list[tuple[Instance, Ailment]]) -> dict[Ailment, list[str]]:
    groups: dict[Ailment, list[str]] = {}
    for instance, ailment in ailing:
        groups.setdefault(ailment, []).append(instance.instance_id)
    return dict(sorted(groups.items(), key=lambda group: (not group[0].final, -len(group[1]))))


def _reason(ailment: Ailment, who: str, arithmetic: str, state: State) -> Reason:
    said = f": {ailment.message}" if ailment.message else ""
    message = f"{who}: {ailment.topic} {ailment.have}, want {ailment.want} ({arithmetic}){said}"
    return Reason(ailment.code, f"{who}, {ailment.topic}", ailment.have, ailment.want, message, ailment.hint, state)


def _find(instance: Instance, name: str) -> ExtensionStatus | None:
    extensions = instance.view.extensions if instance.view else ()
    return next((each for each in extensions if (each.name or "").lower() == name.lower()), None)


def _failed_extension(name: str, listed: ExtensionStatus) -> Ailment:
    status = next(status for status in listed.statuses if status.state == "failed")
    hint = f"see the log of extension {name} on the instance; mend its settings and update the instance"
    return Ailment(
        "ExtensionFailed", f"extension {name}", short_code(status), "succeeded", _said(status), hint, final=True
    )


def _said(status: Status | None) -> str:
    """What the guest said, in one line."""
    return clean(status.message or status.display_status or "") if status else ""
