"""Checks of the extensions, including suppressed, ignored and unknown ones. Pure."""

from __future__ import annotations

from functools import partial

from pulumi_vmss_health.judging import advice, set_checks
from pulumi_vmss_health.judging.facts import Facts, is_unknown, listed_extensions, unknown_extensions
from pulumi_vmss_health.judging.findings import Findings, Reason, State, Unjudged, name_instances, warning
from pulumi_vmss_health.judging.guest import said, without_names
from pulumi_vmss_health.judging.instance_checks import (
    STOPPED,
    absent_agent,
    failed_extensions,
    failure_code,
    failure_words,
    power_state,
)
from pulumi_vmss_health.judging.judged import Ailment, InstanceCheck, Judged, enough
from vmss_instance_view.model import Instance, is_failure, named
from vmss_instance_view.text import clean

_NAMES = 6  # extensions of the model that a message about an unknown one lists
_NAME = 60  # characters of each name
_FAILURES = 5  # suppressed failures of an extension that are told one by one: a pass is told whole


def checks(facts: Facts) -> list[InstanceCheck]:
    """Return a check for each extension that is to be judged."""
    unknown = unknown_extensions(facts)
    return [
        InstanceCheck(
            f"extension {name}", partial(extension, name), tell=partial(_tell, name, is_unknown=name in unknown)
        )
        for name in facts.extensions
    ]


def _tell(name: str, judged: Judged, check: str, *, is_unknown: bool) -> Findings:
    """Check one extension, by the instance view and by the instances; report an unknown extension at once."""
    facts = judged.facts
    explained = enough(judged, check)
    suppressed = _suppressed(facts, name)
    if is_unknown:
        yield _unknown_extension(facts, name)
    elif facts.is_without_profile or any(map(facts.is_exempt, facts.snapshot.instances or ())):
        yield from explained  # the view counts an extension that an older model lacks as "creating"
    else:
        counted = set_checks.extension_summary(facts, name, _excused_of(facts, name, suppressed))
        yield from set_checks.unless_explained(counted, explained, facts)
    yield from _suppressed_failures(name, suppressed)


def _suppressed_failures(name: str, suppressed: list[Instance]) -> Findings:
    """Warn of each suppressed failure, that of most instances first, and of the rare ones together."""
    groups: dict[tuple[str, str], list[Instance]] = {}
    for instance in suppressed:
        cause = failure_code(instance, name), without_names(failure_words(instance, name), instance)
        groups.setdefault(cause, []).append(instance)
    ordered = sorted(groups.values(), key=len, reverse=True)
    for alike in ordered[:_FAILURES]:
        yield _suppressed_failure(name, alike, failure_code(alike[0], name), failure_words(alike[0], name))
    rare = [instance for alike in ordered[_FAILURES:] for instance in alike]
    if rare:
        yield _suppressed_failure(name, rare, "failed in other ways", "")


def _suppressed_failure(name: str, instances: list[Instance], code: str, words: str) -> Reason:
    who = name_instances(instances)
    message = f"{who}: extension {name} {code}, ignored: the model sets suppressFailures"
    message += f": {words}" if words else ""
    return warning("ExtensionFailureSuppressed", f"{who}, extension {name}", code, "succeeded", message, instances)


def names(judged: Judged) -> Findings:
    """Check that the model has been read, and that each name in `ignore_extensions` is known."""
    facts = judged.facts
    if facts.snapshot.scale_set is None and facts.policy.extensions == "all":
        yield Unjudged("extensions of the model")
    for name in facts.policy.ignore_extensions:
        if is_unknown(facts, name):
            message = f"ignore_extensions: {_lacks(facts, name)}"
            yield warning("IgnoredExtensionUnknown", f"extension {name}", "not in the model", "a known name", message)


def extension(name: str, facts: Facts, instance: Instance) -> Ailment | None:
    """Check that an extension succeeded on the VM. An extension that the VM does not list is still to come.

    A failure is not final if it may be the previous model's, or if the VM agent, which reports it, is not running. A
    success that the agent reported before it stopped does not count either.
    """
    statuses = instance.view.extension_statuses(name) if instance.view else ()
    may_lack_it = not statuses and not _lists(instance, name) and not _is_named(facts)
    if may_lack_it and (facts.is_exempt(instance) or facts.is_without_profile):
        return None  # the model that this VM runs may not have the extension
    if any(is_failure(each.state) for each in statuses):
        return None if name.lower() in facts.suppressed else _failed(facts, instance, name)
    if statuses and all(each.state == "succeeded" for each in statuses):
        return _not_believed(instance)
    have = next((each.state for each in statuses if each.state != "succeeded"), "not reported") or "unknown"
    return Ailment("ExtensionNotReady", f"extension {name}", have, "succeeded", _waits_for(facts, instance, name))


def _lists(instance: Instance, name: str) -> bool:
    return any(each.lower() == name.lower() for each in listed_extensions(instance))


def _not_believed(instance: Instance) -> Ailment | None:
    """Return the ailment of a VM whose agent stopped after it had reported success; None if it runs.

    A stopped VM has no agent, which needs no mention. The ailment is the same for every extension, so that it is
    reported once.
    """
    agent = absent_agent(instance)
    if agent is None or power_state(instance) in STOPPED:
        return None
    return Ailment("VmAgentGone", "VM agent", agent.state, "succeeded", said([agent]), advice.AGENT)


def _waits_for(facts: Facts, instance: Instance, name: str) -> str:
    """Name a failed extension that this one is installed after, if there is one."""
    model = facts.snapshot.scale_set
    failed = {each.lower() for each in failed_extensions(instance)}
    profiles = named(model.extensions if model else (), name)
    before = [each for profile in profiles for each in profile.provision_after if each.lower() in failed]
    return f"it is installed after extension {before[0]}, which failed" if before else ""


def _may_be_outdated(facts: Facts, instance: Instance) -> bool:
    """Return whether the reported state of an extension may change by itself."""
    agent = instance.view.vm_agent if instance.view else ()
    return facts.will_be_renewed(instance) or any(status.state not in ("succeeded", "ready") for status in agent)


def _failed(facts: Facts, instance: Instance, name: str) -> Ailment:
    hint = f"check the log of extension {name} on the instance, correct its settings, then update the instance"
    code, words = failure_code(instance, name), failure_words(instance, name)
    final = not _may_be_outdated(facts, instance)
    return Ailment("ExtensionFailed", f"extension {name}", code, "succeeded", words, hint, final)


def _is_named(facts: Facts) -> bool:
    """Return whether the policy names extensions, so that the VMs must have them although there is no model."""
    return facts.is_without_profile and facts.policy.extensions != "all"


def _suppressed(facts: Facts, name: str) -> list[Instance]:
    """Return the instances on which an extension failed although the model suppresses its failures."""
    if name.lower() not in facts.suppressed:
        return []
    instances = facts.snapshot.instances or ()
    return [each for each in instances if name.lower() in map(str.lower, failed_extensions(each))]


def _excused_of(facts: Facts, name: str, suppressed: list[Instance]) -> int:
    """Count the failures of an extension that do not matter; without a list of instances, all of them may not."""
    if facts.snapshot.instances is None and name.lower() in facts.suppressed:
        return facts.vms
    return len(suppressed)


def _unknown_extension(facts: Facts, name: str) -> Reason:
    hint = "correct the name in extensions, unless something other than the model installs it"
    subject = f"extension {name}"
    return Reason(
        "ExtensionUnknown", subject, "not in the model", "succeeded", _lacks(facts, name), hint, State.PROGRESSING
    )


def _lacks(facts: Facts, name: str) -> str:
    model = facts.snapshot.scale_set
    known = [clean(each.name, _NAME) for each in (model.extensions if model else ()) if each.name]
    more = f" and {len(known) - _NAMES} more" if len(known) > _NAMES else ""
    return f"the model has no extension {name}; it has {', '.join(known[:_NAMES]) or 'none'}{more}"
