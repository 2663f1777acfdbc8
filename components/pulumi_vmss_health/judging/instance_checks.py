"""Checks of one instance: each judge returns what keeps the instance from passing, or None. Pure.

An instance without evidence does not pass. Only a failed provisioning state of a VM that no upgrade will still replace
and a model that nobody will apply are final; power and application health can recover, so only the timeout ends the
wait for them.
"""

from __future__ import annotations

from pulumi_vmss_health.judging import advice
from pulumi_vmss_health.judging.facts import Facts
from pulumi_vmss_health.judging.findings import short_code
from pulumi_vmss_health.judging.guest import said
from pulumi_vmss_health.judging.judged import Ailment
from vmss_instance_view.model import Instance, Status, VirtualMachineInstanceView, is_failure, named

STOPPED = ("stopping", "stopped", "deallocating", "deallocated")
OF_EXTENSIONS = "vmextension"
"""The beginning, in lower case, of the detail of a failure that an extension caused."""

_PRESENT = ("succeeded", "ready", "updating", "")  # states of an agent that runs


def provisioning(facts: Facts, instance: Instance) -> Ailment | None:
    """Check that the VM is provisioned. The resource and its instance view must both say so, if they say anything.

    A failure that does not count is not reported: see `excuse`.
    """
    status = instance.view.status("ProvisioningState") if instance.view else None
    states = _provisioning_states(instance)
    failed = [state for state in states if is_failure(state)]
    if failed and excuse(facts, instance) is None:
        is_said = status is not None and is_failure(status.state)
        code = short_code(status) if status and is_said else failed[0]
        words = said([status]) if status and is_said else ""
        hint = advice.after(failed[0], status.detail if status and is_said else "")
        if facts.snapshot.scale_set and facts.snapshot.scale_set.resilient_creation:
            hint += "; resilient VM creation is on: Azure may try for 30 minutes"
        return Ailment("VmFailed", "VM", code, "succeeded", words, hint, final=not facts.will_be_renewed(instance))
    if failed or (states and set(states) == {"succeeded"}):
        return None
    have = next((state for state in states if state != "succeeded"), "unknown") or "unknown"
    return Ailment("VmNotProvisioned", "VM", have, "succeeded", hint=_resilient(facts, have))


def excuse(facts: Facts, instance: Instance) -> str | None:
    """Say why the failure of a VM's provisioning does not count; None if it counts or there is none.

    Either the policy ignores its code; or it only repeats the failure of extensions, each of which is ignored,
    suppressed, or reported by a check of its own (then "").
    """
    statuses = instance.view.statuses_of("ProvisioningState") if instance.view else ()
    failed = [each for each in statuses if is_failure(each.state)]
    if not failed or any(not is_failure(state) and state != "succeeded" for state in _provisioning_states(instance)):
        return None
    allowed = {code.lower() for code in facts.policy.ignore_failure_codes}
    excuses = [
        "by ignore_failure_codes" if each.detail.lower() in allowed else _echo(facts, each, instance) for each in failed
    ]
    return None if None in excuses else ", ".join(dict.fromkeys(each for each in excuses if each))


def excused(facts: Facts) -> dict[tuple[str, str], list[Instance]]:
    """Group the instances whose failure does not count, by the reason why and the failure's code."""
    found: dict[tuple[str, str], list[Instance]] = {}
    for instance in facts.snapshot.instances or ():
        why = excuse(facts, instance)
        if why is not None:
            found.setdefault((why, failure_code(instance)), []).append(instance)
    return found


def failure_code(instance: Instance, extension: str = "") -> str:
    """Return the code of the failure of a VM, or of an extension on it."""
    view = instance.view or VirtualMachineInstanceView()
    statuses = view.extension_statuses(extension) if extension else view.statuses_of("ProvisioningState")
    return next((short_code(each) for each in statuses if is_failure(each.state)), "failed")


def failure_words(instance: Instance, extension: str) -> str:
    """Return the message of the failure of an extension on a VM."""
    view = instance.view or VirtualMachineInstanceView()
    failed = [each for each in view.extension_statuses(extension) if is_failure(each.state)]
    listed = named(view.extensions, extension)
    return said(failed, [each for one in listed for each in one.substatuses])


def _echo(facts: Facts, status: Status, instance: Instance) -> str | None:
    """Name the ignored extensions whose failure is all that a VM's failure repeats; "" if others report it.

    None if the failure of the VM counts. A VM that waited too long for an extension may not list it at all.
    """
    detail = status.detail.lower()
    if not detail.startswith(OF_EXTENSIONS):
        return None
    failed = failed_extensions(instance)
    blamed = failed or (_unfinished_extensions(facts, instance) if detail.endswith("timeout") else [])
    ignored = [name for name in blamed if facts.is_ignored(name)]
    reported = [name for name in failed if facts.is_told(name) or name.lower() in facts.suppressed]
    if not blamed or {*blamed} - {*ignored, *reported}:
        return None
    if len(ignored) > 1:
        return f"because extensions {', '.join(ignored)} are ignored"
    return f"because extension {ignored[0]} is ignored" if ignored else ""


def failed_extensions(instance: Instance) -> list[str]:
    """Return the names of the extensions that failed on a VM, each once."""
    view = instance.view or VirtualMachineInstanceView()
    names = {each.name.lower(): each.name for each in view.extensions if each.name}
    return [name for name in names.values() if any(is_failure(each.state) for each in view.extension_statuses(name))]


def _unfinished_extensions(facts: Facts, instance: Instance) -> list[str]:
    """Return the names of the extensions of the model or the VM that are not known to have succeeded, each once."""
    view, model = instance.view or VirtualMachineInstanceView(), facts.snapshot.scale_set
    listed = [each.name for each in (model.extensions if model else ())] + [each.name for each in view.extensions]
    names = {name.lower(): name for name in listed if name}
    return [name for name in names.values() if {each.state for each in view.extension_statuses(name)} != {"succeeded"}]


def power(_facts: Facts, instance: Instance) -> Ailment | None:
    """Check that the VM is running. A deallocated VM still reports that its provisioning succeeded."""
    have = power_state(instance) or "unknown"
    if have == "running":
        return None
    hint = "start the instance, or set power_state='ignored'" if have in STOPPED else ""
    return Ailment("VmNotRunning", "power", have, "running", hint=hint)


def application_health(facts: Facts, instance: Instance) -> Ailment | None:
    """Check that the application reports that it is healthy. A missing report is neither healthy nor unhealthy.

    A report always counts; a missing one only if the VM should report health.
    """
    status = instance.view.vm_health if instance.view else None
    have = status.state if status else ""
    if have == "healthy" or (status is None and not facts.wants_health):
        return None
    if status is not None:
        hint = "check the application's log on the instance, and what its health endpoint answers there"
        return Ailment(
            "ApplicationNotHealthy", "application health", have or "unknown", "healthy", said([status]), hint
        )
    agent = absent_agent(instance)
    hint = advice.AGENT if agent else _without_health(facts, instance)
    if provisioning(facts, instance) or (facts.policy.power_state != "ignored" and power(facts, instance)):
        hint = ""  # the VM itself has to be repaired first, and another reason says so
    elif power_state(instance) in STOPPED:
        hint = "the VM does not run, and so reports no health: start it, or set application_health='ignored'"
    words = f"the VM agent: {said([agent])}" if agent and said([agent]) else ""
    return Ailment("ApplicationNotHealthy", "application health", "not reported", "healthy", words, hint)


def _without_health(facts: Facts, instance: Instance) -> str:
    """Say what to do about a VM that runs, but reports no health; "" if waiting is enough."""
    if facts.runs_latest(instance) is not False:
        return "check that the health extension or probe of the model works on the instance"
    if not facts.is_manual and not facts.is_exempt(instance):
        return ""  # Azure applies the latest model, and another reason says so
    hint = "the instance runs an older model, which may lack the health extension: apply the latest model"
    return f"{hint} (az vmss update-instances)" if facts.is_manual else hint


def latest_model(facts: Facts, instance: Instance) -> Ailment | None:
    """Check that the VM runs the latest model. Under a Manual upgrade policy waiting does not apply it."""
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
        hint = advice.DEFERRED
    return Ailment("ModelNotApplied", "model", "an older one", "latest", hint=hint, final=final)


def readable(facts: Facts, instance: Instance) -> Ailment | None:
    """Check that the VM's own instance view can be read, if it is needed. What the list says is not enough then."""
    why = dict(facts.snapshot.unread).get(instance.instance_id)
    return Ailment("InstanceViewUnread", "instance view", "unreadable", "readable", why, advice.UNREAD) if why else None


def _provisioning_states(instance: Instance) -> list[str]:
    """Return the provisioning states that the VM's view and its resource report, in lower case."""
    statuses = instance.view.statuses_of("ProvisioningState") if instance.view else ()
    resource = instance.provisioning_state
    return [*(each.state for each in statuses), *([] if resource is None else [resource.strip().lower()])]


def _resilient(facts: Facts, state: str) -> str:
    """Say what Azure does about a VM that is still being created or deleted, if the model asks for resiliency."""
    model = facts.snapshot.scale_set
    if model and model.resilient_creation and state == "creating":
        return "resilient VM creation is on: Azure tries for up to 30 minutes, and may replace the VM"
    if model and model.resilient_deletion and state == "deleting":
        return "resilient VM deletion is on: Azure tries up to five times"
    return ""


def power_state(instance: Instance) -> str:
    """Return the power state of a VM, such as "running"; "" if its view does not say."""
    status = instance.view.status("PowerState") if instance.view else None
    return status.state if status else ""


def absent_agent(instance: Instance) -> Status | None:
    """Return the status of a VM agent that is known not to run; None otherwise."""
    agent = instance.view.vm_agent if instance.view else ()
    return next((each for each in agent if each.state not in _PRESENT), None)
