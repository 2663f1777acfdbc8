"""Did the extensions succeed, and what of those that are suppressed, ignored, or known to nobody?"""

from __future__ import annotations

from pulumi_vmss_health.judging import set_checks
from pulumi_vmss_health.judging.facts import Facts, is_unknown, unknown_extensions
from pulumi_vmss_health.judging.findings import Findings, Reason, State, Unjudged, name_instances, warning
from pulumi_vmss_health.judging.instance_checks import (
    extension,
    failed_extensions,
    failure_code,
    failure_words,
    judge_all,
)
from vmss_instance_view.model import Instance
from vmss_instance_view.text import clean

_NAMES = 6  # extensions of the model that are named where one is not among them
_NAME = 60  # characters of each


def extensions(facts: Facts) -> Findings:
    """Did each extension succeed, by the view and on the instances? One that nobody knows is told at once."""
    if facts.snapshot.scale_set is None and facts.policy.extensions == "all":
        yield Unjudged("extensions of the model")
    unknown = unknown_extensions(facts)
    for name in facts.extensions:
        judge = extension(name)
        explained = judge_all(facts, f"extension {name}", judge)
        suppressed = _suppressed(facts, name)
        if name in unknown:
            yield _unknown_extension(facts, name)
        elif facts.is_without_profile or any(map(facts.is_exempt, facts.snapshot.instances or ())):
            yield from explained  # the view counts an extension that an older model lacks as "creating"
        else:
            counted = set_checks.extension_summary(facts, name, _excused_of(facts, name, suppressed))
            yield from set_checks.unless_explained(counted, explained, facts)
        if suppressed:
            who, code = name_instances(suppressed), failure_code(suppressed[0], name)
            message = f"{who}: extension {name} {code}, which the model suppresses (suppressFailures)"
            words = failure_words(suppressed[0], name)
            message += f": {words}" if words else ""
            yield warning(
                "ExtensionFailureSuppressed", f"{who}, extension {name}", code, "succeeded", message, suppressed
            )
    yield from _ignored_unknown(facts)


def _suppressed(facts: Facts, name: str) -> list[Instance]:
    """Instances on which an extension failed in a way that the model does not count."""
    if name.lower() not in facts.suppressed:
        return []
    instances = facts.snapshot.instances or ()
    return [each for each in instances if name.lower() in map(str.lower, failed_extensions(each))]


def _excused_of(facts: Facts, name: str, suppressed: list[Instance]) -> int:
    """How many failures of an extension do not count; where nobody looked at the instances, all that may be."""
    if facts.snapshot.instances is None and name.lower() in facts.suppressed:
        return facts.vms
    return len(suppressed)


def _unknown_extension(facts: Facts, name: str) -> Reason:
    hint = "correct the name in extensions, unless somebody else than the model installs it"
    subject = f"extension {name}"
    return Reason(
        "ExtensionUnknown", subject, "not in the model", "succeeded", _lacks(facts, name), hint, State.PROGRESSING
    )


def _ignored_unknown(facts: Facts) -> Findings:
    for name in facts.policy.ignore_extensions:
        if is_unknown(facts, name):
            message = f"ignore_extensions: {_lacks(facts, name)}"
            yield warning("IgnoredExtensionUnknown", f"extension {name}", "not in the model", "a known name", message)


def _lacks(facts: Facts, name: str) -> str:
    model = facts.snapshot.scale_set
    known = [clean(each.name, _NAME) for each in (model.extensions if model else ()) if each.name]
    more = f" and {len(known) - _NAMES} more" if len(known) > _NAMES else ""
    return f"the model has no {name}; it has {', '.join(known[:_NAMES]) or 'no extensions'}{more}"
