"""What keeps an instance from passing, check by check: each `Judge` names the ailment of one instance, or None.

An instance whose evidence is missing does not pass. Only a failed provisioning state is final, and a model that nobody
will apply; power and application health can recover, so that only time ends the wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from pulumi_vmss_health.judging import advice
from pulumi_vmss_health.judging.facts import Facts, listed_extensions
from pulumi_vmss_health.judging.findings import Findings, Reason, State, Unjudged, name_instances, short_code
from pulumi_vmss_health.judging.guest import said, without_names
from vmss_instance_view.model import Instance, Status, VirtualMachineInstanceView, is_failure

_STOPPED = ("stopping", "stopped", "deallocating", "deallocated")
_PRESENT = ("succeeded", "ready", "updating", "")  # what is said of an agent that is there


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


def provisioning(facts: Facts, instance: Instance) -> Ailment | None:
    """Is the VM provisioned? The resource and its instance view must both say so, where they say anything.

    A failure that does not count is none: see `excuse`.
    """
    status = instance.view.status("ProvisioningState") if instance.view else None
    states = _provisioning_states(instance)
    failed = [state for state in states if is_failure(state)]
    if failed and excuse(facts, instance) is None:
        is_said = status is not None and is_failure(status.state)
        code = short_code(status) if status and is_said else failed[0]
        words = said([status], ()) if status and is_said else ""
        hint = advice.after(failed[0], status.detail if status and is_said else "")
        if facts.snapshot.scale_set and facts.snapshot.scale_set.resilient_creation:
            hint += "; resilient VM creation is on: Azure may try for 30 minutes"
        return Ailment("VmFailed", "VM", code, "succeeded", words, hint, final=True)
    if failed or (states and set(states) == {"succeeded"}):
        return None
    have = next((state for state in states if state != "succeeded"), "unknown") or "unknown"
    return Ailment("VmNotProvisioned", "VM", have, "succeeded", hint=_resilient(facts, have))


def excuse(facts: Facts, instance: Instance) -> str | None:
    """Why the failure of a VM's provisioning does not count; None where there is none, or it counts.

    The policy lets its code pass; or it only echoes extensions that failed, each of them ignored, suppressed, or told
    by itself: then "".
    """
    statuses = instance.view.statuses_of("ProvisioningState") if instance.view else ()
    failed = [each for each in statuses if is_failure(each.state)]
    if not failed or any(not is_failure(state) and state != "succeeded" for state in _provisioning_states(instance)):
        return None
    allowed = {code.lower() for code in facts.policy.ignore_failure_codes}
    excuses = [
        "ignore_failure_codes" if each.detail.lower() in allowed else _echo(facts, each, instance) for each in failed
    ]
    return None if None in excuses else ", ".join(dict.fromkeys(each for each in excuses if each))


def excused(facts: Facts) -> dict[str, list[Instance]]:
    """The instances whose failure does not count, by why it does not."""
    found: dict[str, list[Instance]] = {}
    for instance in facts.snapshot.instances or ():
        why = excuse(facts, instance)
        if why is not None:
            found.setdefault(why, []).append(instance)
    return found


def failure_code(instance: Instance, extension: str = "") -> str:
    """The code of the failure of a VM, or of an extension on it."""
    view = instance.view or VirtualMachineInstanceView()
    statuses = view.extension_statuses(extension) if extension else view.statuses_of("ProvisioningState")
    return next((short_code(each) for each in statuses if is_failure(each.state)), "failed")


def failure_words(instance: Instance, extension: str) -> str:
    """What was said of the failure of an extension on a VM."""
    view = instance.view or VirtualMachineInstanceView()
    failed = [each for each in view.extension_statuses(extension) if is_failure(each.state)]
    listed = [each for each in view.extensions if (each.name or "").lower() == extension.lower()]
    return said(failed, [each for one in listed for each in one.substatuses])


def _echo(facts: Facts, status: Status, instance: Instance) -> str | None:
    """What a VM's failure echoes, if that is nothing but the failure of extensions that are told or do not count."""
    failed = failed_extensions(instance)
    if not failed or not status.detail.lower().startswith("vmextension"):
        return None
    if not all(facts.is_told(name) or facts.is_ignored(name) or name.lower() in facts.suppressed for name in failed):
        return None
    ignored = [name for name in failed if facts.is_ignored(name)]
    return f"extension {', '.join(ignored)} is ignored" if ignored else ""


def failed_extensions(instance: Instance) -> list[str]:
    """The names of the extensions that failed on a VM, each once."""
    view = instance.view
    if view is None:
        return []
    names = {each.name.lower(): each.name for each in view.extensions if each.name}
    return [name for name in names.values() if any(is_failure(each.state) for each in view.extension_statuses(name))]


@lru_cache(maxsize=256)  # the same judge for the same name: what it found is kept by judge
def extension(name: str) -> Judge:
    """Did an extension succeed on the VM? One that the VM does not list is still to come.

    A failure is not final where it can be the previous model's, or where the agent that reports it is not there. What
    an agent that is gone last said is no success either.
    """

    def judge(facts: Facts, instance: Instance) -> Ailment | None:
        statuses = instance.view.extension_statuses(name) if instance.view else ()
        is_listed = any(each.lower() == name.lower() for each in listed_extensions(instance))
        if not is_listed and (facts.is_exempt(instance) or facts.is_without_profile) and not _is_named(facts, name):
            return None  # the model that it runs may not have it
        if any(is_failure(each.state) for each in statuses):
            return None if name.lower() in facts.suppressed else _failed_extension(facts, instance, name)
        if statuses and all(each.state == "succeeded" for each in statuses):
            return _not_believed(instance)
        have = next((each.state for each in statuses if each.state != "succeeded"), "not reported")
        return Ailment(
            "ExtensionNotReady", f"extension {name}", have or "unknown", "succeeded", _waits_for(facts, instance, name)
        )

    return judge


def power(_facts: Facts, instance: Instance) -> Ailment | None:
    """Does the VM run? A deallocated VM still says that its provisioning succeeded."""
    have = _power(instance) or "unknown"
    if have == "running":
        return None
    hint = "start the instance, or set power_state='ignored'" if have in _STOPPED else ""
    return Ailment("VmNotRunning", "power", have, "running", hint=hint)


def application_health(facts: Facts, instance: Instance) -> Ailment | None:
    """Does the application say that it is healthy? Not to say anything is neither healthy nor unhealthy.

    What a VM reports counts, whatever the model says; silence counts where it should have reported.
    """
    status = instance.view.vm_health if instance.view else None
    have = status.state if status else ""
    if have == "healthy" or (status is None and not facts.wants_health):
        return None
    if status is not None:
        hint = "see the application's log on the instance, and what its health probe answers there"
        return Ailment(
            "ApplicationNotHealthy", "application health", have or "unknown", "healthy", said([status]), hint
        )
    agent = _absent_agent(instance)
    hint = advice.AGENT if agent else "see whether the source of health that the model names works on the instance"
    if provisioning(facts, instance) or (facts.policy.power_state != "ignored" and power(facts, instance)):
        hint = ""  # the VM itself comes first, and is told of first
    words = f"the VM agent: {said([agent])}" if agent and said([agent]) else ""
    return Ailment("ApplicationNotHealthy", "application health", "not reported", "healthy", words, hint)


def latest_model(facts: Facts, instance: Instance) -> Ailment | None:
    """Does the VM run the latest model? Under a Manual policy nobody will apply it by waiting."""
    runs_latest = facts.runs_latest(instance)
    if runs_latest or facts.is_exempt(instance):
        return None
    wanted = facts.policy.stale_instances
    if runs_latest is None:
        return None if facts.may_not_know_models else Ailment("ModelUnknown", "model", "not reported", "latest")
    final = wanted == "fail" or (wanted == "auto" and facts.is_manual)
    hint = "the upgrade policy is Manual: apply the model (az vmss update-instances)" if facts.is_manual else ""
    model = facts.snapshot.scale_set
    if model and model.os_upgrade_deferral and not hint:
        hint = "OS upgrades of this set wait for approval (osRollingUpgradeDeferral): approve the upgrade"
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
    for ailment, ill in _by_cause(ailing):
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


def _by_cause(ailing: list[tuple[Instance, Ailment]]) -> list[tuple[Ailment, list[Instance]]]:
    """Instances that suffer alike, in the words of the first: what these say of its own name tells nothing."""
    groups: dict[Ailment, tuple[Ailment, list[Instance]]] = {}
    for instance, ailment in ailing:
        names = (instance.name, instance.instance_id, instance.vm_id)
        alike = replace(ailment, message=without_names(ailment.message, names)) if ailment.message else ailment
        groups.setdefault(alike, (ailment, []))[1].append(instance)
    return sorted(groups.values(), key=lambda group: (not group[0].final, -len(group[1])))


def _reason(ailment: Ailment, ill: list[Instance], arithmetic: str, state: State) -> Reason:
    who = name_instances(ill)
    said = f": {ailment.message}" if ailment.message else ""
    message = f"{who}: {ailment.topic} {ailment.have}, want {ailment.want} ({arithmetic}){said}"
    subject, ids = f"{who}, {ailment.topic}", tuple(each.instance_id for each in ill)
    return Reason(ailment.code, subject, ailment.have, ailment.want, message, ailment.hint, state, ids)


def _provisioning_states(instance: Instance) -> list[str]:
    """What the VM's view and its resource say of its provisioning, in lower case."""
    statuses = instance.view.statuses_of("ProvisioningState") if instance.view else ()
    resource = instance.provisioning_state
    return [*(each.state for each in statuses), *([] if resource is None else [resource.strip().lower()])]


def _resilient(facts: Facts, state: str) -> str:
    """What Azure does about a VM that is not there yet, or not gone yet, where the model asks it to."""
    model = facts.snapshot.scale_set
    if model and model.resilient_creation and state == "creating":
        return "resilient VM creation is on: Azure tries for up to 30 minutes, and may replace the VM"
    if model and model.resilient_deletion and state == "deleting":
        return "resilient VM deletion is on: Azure tries up to five times"
    return ""


def _is_named(facts: Facts, name: str) -> bool:
    """Whether the policy asks for an extension by its name, so that VMs of a set without a model must have it."""
    return facts.is_without_profile and facts.policy.extensions != "all"


def _power(instance: Instance) -> str:
    status = instance.view.status("PowerState") if instance.view else None
    return status.state if status else ""


def _absent_agent(instance: Instance) -> Status | None:
    """What is said of a VM's agent that is known to be gone."""
    agent = instance.view.vm_agent if instance.view else ()
    return next((each for each in agent if each.state not in _PRESENT), None)


def _not_believed(instance: Instance) -> Ailment | None:
    """The success that an agent told before it was gone; a VM that was stopped has none, which is no news.

    It is the same ailment for every extension, and so told once.
    """
    agent = _absent_agent(instance)
    if agent is None or _power(instance) in _STOPPED:
        return None
    return Ailment("VmAgentGone", "VM agent", agent.state, "succeeded", said([agent]), advice.AGENT)


def _waits_for(facts: Facts, instance: Instance, name: str) -> str:
    """Which extension that comes before this one failed on the instance, if one did."""
    model = facts.snapshot.scale_set
    profiles = {(each.name or "").lower(): each for each in (model.extensions if model else ())}
    profile = profiles.get(name.lower())
    failed = {each.lower() for each in failed_extensions(instance)}
    before = [each for each in (profile.provision_after if profile else ()) if each.lower() in failed]
    return f"it comes after extension {before[0]}, which failed" if before else ""


def _may_be_outdated(facts: Facts, instance: Instance) -> bool:
    """Whether what the guest reports of an extension may change without anybody's doing."""
    being_upgraded = facts.runs_latest(instance) is False and (not facts.is_manual or facts.snapshot.is_upgrading)
    agent = instance.view.vm_agent if instance.view else ()
    return being_upgraded or any(status.state != "succeeded" for status in agent)


def _failed_extension(facts: Facts, instance: Instance, name: str) -> Ailment:
    hint = f"see the log of extension {name} on the instance; mend its settings and update the instance"
    code, words = failure_code(instance, name), failure_words(instance, name)
    final = not _may_be_outdated(facts, instance)
    return Ailment("ExtensionFailed", f"extension {name}", code, "succeeded", words, hint, final)
