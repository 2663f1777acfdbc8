"""What keeps an instance from passing, check by check: each `Judge` names the ailment of one instance, or None.

An instance whose evidence is missing does not pass. Only a failed provisioning state is final, and a model that nobody
will apply; power and application health can recover, so that only time ends the wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from pulumi_vmss_health.findings import Facts, Findings, Reason, State, Unjudged, short_code
from vmss_instance_view.model import ExtensionStatus, Instance, Status
from vmss_instance_view.text import clean

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


Judge: TypeAlias = Callable[[Facts, Instance], "Ailment | None"]


def provisioning(_facts: Facts, instance: Instance) -> Ailment | None:
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
    return Ailment("VmNotProvisioned", "VM", have or "unknown", "succeeded")


@lru_cache(maxsize=256)  # the same judge for the same name: what it found is kept by judge
def extension(name: str) -> Judge:
    """Did an extension succeed on the VM? One that the VM does not list is still to come.

    A failure is not final where it can be the previous model's, or where the agent that reports it is not there.
    """

    def judge(facts: Facts, instance: Instance) -> Ailment | None:
        listed = _find(instance, name)
        if listed is None and facts.is_exempt(instance):
            return None  # the model that it runs may not have it
        states = [status.state for status in listed.statuses] if listed else []
        if listed and "failed" in states:
            return _failed_extension(name, listed, final=not _may_be_outdated(facts, instance))
        if states and set(states) == {"succeeded"}:
            return None
        have = next((state for state in states if state != "succeeded"), "not reported")
        return Ailment("ExtensionNotReady", f"extension {name}", have or "unknown", "succeeded")

    return judge


def power(_facts: Facts, instance: Instance) -> Ailment | None:
    """Does the VM run? A deallocated VM still says that its provisioning succeeded."""
    status = instance.view.status("PowerState") if instance.view else None
    have = (status.state if status else "") or "unknown"
    if have == "running":
        return None
    return Ailment("VmNotRunning", "power", have, "running", hint="start the instance, or set power_state='ignored'")


def application_health(_facts: Facts, instance: Instance) -> Ailment | None:
    """Does the application say that it is healthy? Not to say anything is neither healthy nor unhealthy."""
    status = instance.view.vm_health if instance.view else None
    have = (status.state if status else "") or "not reported"
    if have == "healthy":
        return None
    hint = "see the application's own log on the instance, and what its health probe answers there"
    return Ailment("ApplicationNotHealthy", "application health", have, "healthy", _said(status), hint)


def latest_model(facts: Facts, instance: Instance) -> Ailment | None:
    """Does the VM run the latest model? Under a Manual policy nobody will apply it by waiting."""
    if instance.latest_model_applied or facts.is_exempt(instance):
        return None
    if instance.latest_model_applied is None:
        return Ailment("ModelUnknown", "model", "not reported", "latest")
    wanted = facts.policy.stale_instances
    final = wanted == "fail" or (wanted == "auto" and facts.is_manual)
    hint = "the upgrade policy is Manual: apply the model with `az vmss update-instances`" if facts.is_manual else ""
    return Ailment("ModelNotApplied", "model", "an older one", "latest", hint=hint, final=final)


def ailments(facts: Facts, judge: Judge) -> list[Ailment | None]:
    """What one check finds of each instance, in their order; each instance is judged once."""
    found: list[Ailment | None] | None = facts.found.get(judge)
    if found is None:
        found = facts.found[judge] = [judge(facts, instance) for instance in facts.snapshot.instances or ()]
    return found


def judge_all(facts: Facts, check: str, judge: Judge) -> Findings:
    """Do enough instances pass one check? check: its name, where the instances were not looked at."""
    instances = facts.snapshot.instances
    if instances is None or facts.required is None:
        yield Unjudged(check)
        return
    judged = zip(instances, ailments(facts, judge), strict=True)
    ailing = [(instance, ailment) for instance, ailment in judged if ailment is not None]
    passing = len(instances) - len(ailing)
    if passing >= facts.required:
        return
    final = sum(ailment.final for _, ailment in ailing)
    hopeless = facts.vms - final < facts.required
    arithmetic = f"{passing} of {facts.capacity} pass, {facts.required} required"
    for ailment, ill in _by_cause(ailing).items():
        state = State.FAILING if hopeless and ailment.final else State.PROGRESSING
        yield _reason(ailment, ill, arithmetic, state)


def together(facts: Facts, judges: Iterable[Judge]) -> Findings:
    """Do enough instances pass every check? Three checks passing on different thirds are not health."""
    instances = facts.snapshot.instances or ()
    judged = zip(instances, *(ailments(facts, judge) for judge in judges), strict=True)
    partial = [instance for instance, *found in judged if any(found)]
    passing = len(instances) - len(partial)
    if passing < (facts.required or 0):  # the checks themselves say where the instances or the capacity are not known
        subject = name_instances(partial)
        message = f"{passing} of {facts.capacity} VMs pass every check, {facts.required} required"
        message += f"; {subject} do not" if partial else ""
        have, want = str(passing), str(facts.required)
        yield Reason("TooFewVmsPassEveryCheck", subject, have, want, message, state=State.PROGRESSING)


def name_instances(instances: Iterable[Instance]) -> str:
    """Instances in words: "no instance", "instance 3", "instances 3 and 7", "instances 0, 1, 2, 3, 4 and 11 more".

    Where they are all of one zone of several, it is named: that is a cause of its own.
    """
    known = list(instances)
    ids = [instance.instance_id for instance in known]
    zones = {zone for instance in known for zone in instance.zones}
    where = f" in zone {zones.pop()}" if len(zones) == 1 and len(ids) > 1 else ""
    shown, more = ids[:_NAMED], len(ids) - _NAMED
    if len(ids) < 2:
        return f"instance {ids[0]}" if ids else "no instance"
    if more > 0:
        return f"instances {', '.join(shown)} and {more} more{where}"
    return f"instances {', '.join(shown[:-1])} and {shown[-1]}{where}"


def _by_cause(ailing: list[tuple[Instance, Ailment]]) -> dict[Ailment, list[Instance]]:
    groups: dict[Ailment, list[Instance]] = {}
    for instance, ailment in ailing:
        groups.setdefault(ailment, []).append(instance)
    return dict(sorted(groups.items(), key=lambda group: (not group[0].final, -len(group[1]))))


def _reason(ailment: Ailment, ill: list[Instance], arithmetic: str, state: State) -> Reason:
    who = name_instances(ill)
    said = f": {ailment.message}" if ailment.message else ""
    message = f"{who}: {ailment.topic} {ailment.have}, want {ailment.want} ({arithmetic}){said}"
    return Reason(ailment.code, f"{who}, {ailment.topic}", ailment.have, ailment.want, message, ailment.hint, state)


def _find(instance: Instance, name: str) -> ExtensionStatus | None:
    wanted = name.lower()
    for each in instance.view.extensions if instance.view else ():
        if each.name == name or (each.name or "").lower() == wanted:
            return each
    return None


def _may_be_outdated(facts: Facts, instance: Instance) -> bool:
    """Whether what the guest reports of an extension may change without anybody's doing."""
    being_upgraded = instance.latest_model_applied is False and (not facts.is_manual or facts.snapshot.is_upgrading)
    agent = instance.view.vm_agent if instance.view else ()
    return being_upgraded or any(status.state != "succeeded" for status in agent)


def _failed_extension(name: str, listed: ExtensionStatus, *, final: bool) -> Ailment:
    status = next(status for status in listed.statuses if status.state == "failed")
    hint = f"see the log of extension {name} on the instance; mend its settings and update the instance"
    topic = f"extension {name}"
    return Ailment("ExtensionFailed", topic, short_code(status), "succeeded", _said(status), hint, final=final)


def _said(status: Status | None) -> str:
    """What the guest said, in one line."""
    return clean(status.message or status.display_status or "") if status else ""
