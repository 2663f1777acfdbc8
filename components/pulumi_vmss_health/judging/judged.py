"""The result of each check for each instance, and whether enough instances pass. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pulumi_vmss_health.judging.facts import Facts
from pulumi_vmss_health.judging.findings import Findings, Reason, State, Unjudged, name_instances
from pulumi_vmss_health.judging.guest import without_names
from vmss_instance_view.model import Instance


@dataclass(frozen=True, slots=True)
class Ailment:
    """What keeps one instance from passing. Instances with equal ailments share one reason.

    topic: the part of the instance that is affected, such as "extension cse". final: waiting will not cure it.
    """

    code: str
    topic: str
    have: str
    want: str
    message: str = ""
    hint: str = ""
    final: bool = False


_CAUSES = 3  # that a reason tells of instances that do not pass every check

Judge: TypeAlias = Callable[[Facts, Instance], "Ailment | None"]


@dataclass(frozen=True, slots=True)
class Judged:
    """The facts, and the result of each check for each instance, in the order of the instances.

    found: the results by the name of the check. Each check judges each instance once.
    """

    facts: Facts
    found: Mapping[str, tuple[Ailment | None, ...]]

    @classmethod
    def by(cls, checks: Iterable[InstanceCheck], facts: Facts) -> Judged:
        """Judge every instance by every check."""
        instances = facts.snapshot.instances or ()
        return cls(facts, {each.name: tuple(each.judge(facts, one) for one in instances) for each in checks})

    @property
    def ailments(self) -> list[tuple[Instance, list[Ailment]]]:
        """Every instance with all that keeps it from passing."""
        instances = self.facts.snapshot.instances or ()
        rows = zip(instances, *self.found.values(), strict=True)
        return [(instance, [each for each in found if each]) for instance, *found in rows]

    @property
    def ill(self) -> list[Instance]:
        """The instances that some check keeps from passing."""
        return [instance for instance, found in self.ailments if found]


def enough(judged: Judged, check: str) -> Findings:
    """Report what keeps instances from passing one check, unless enough of them pass. check: its name."""
    facts = judged.facts
    instances = facts.snapshot.instances
    if instances is None or facts.required is None:
        yield Unjudged(check)
        return
    found = zip(instances, judged.found[check], strict=True)
    ailing = [(instance, ailment) for instance, ailment in found if ailment is not None]
    passing = len(instances) - len(ailing)
    if passing >= facts.required:
        return
    final = sum(ailment.final for _, ailment in ailing)
    hopeless = facts.vms - final < facts.required
    arithmetic = f"{passing} of {facts.capacity} pass, {facts.requirement}"
    for ailment, ill in _by_cause(ailing):
        state = State.FAILING if hopeless and ailment.final else State.PROGRESSING
        yield _reason(ailment, ill, arithmetic, state)


@dataclass(frozen=True, slots=True)
class InstanceCheck:
    """A check that each instance has to pass.

    name: the name in `Verdict.unjudged`, such as "power". judge: returns what keeps one instance from passing.
    is_asked: whether the policy and the model ask for the check. tell: yields what the results mean for the set.
    """

    name: str
    judge: Judge
    is_asked: Callable[[Facts], bool] = lambda _facts: True
    tell: Callable[[Judged, str], Findings] = enough


def enough_pass_all(judged: Judged) -> Findings:
    """Check that enough instances pass every check: each check alone may pass on other instances."""
    facts, partial = judged.facts, judged.ill
    passing = len(facts.snapshot.instances or ()) - len(partial)
    if passing < (facts.required or 0):  # unknown or missing instances and an unknown capacity are reported elsewhere
        told, hint = not_passing(judged.ailments)
        message = f"{passing} of {facts.capacity} VMs pass every check, {facts.requirement}{told}"
        subject, have, want = name_instances(partial), str(passing), str(facts.required)
        ids = tuple(each.instance_id for each in partial)
        yield Reason("TooFewVmsPassEveryCheck", subject, have, want, message, hint, State.PROGRESSING, ids)


def not_passing(found: Iterable[tuple[Instance, list[Ailment]]]) -> tuple[str, str]:
    """Return which instances do not pass and why, as the end of a message, and what to do about the first cause."""
    causes = _by_cause([(instance, ailment) for instance, ailments in found for ailment in ailments])
    told = [
        f"{name_instances(ill)} ({ailment.topic} {ailment.have}{f': {ailment.message}' if ailment.message else ''})"
        for ailment, ill in causes[:_CAUSES]
    ]
    more = len(causes) - _CAUSES
    if more > 0:
        told.append(f"{more} more cause{'s' * (more > 1)}")
    return f"; not passing: {', '.join(told)}" if told else "", causes[0][0].hint if causes else ""


def _by_cause(ailing: list[tuple[Instance, Ailment]]) -> list[tuple[Ailment, list[Instance]]]:
    """Group instances by their ailment, ignoring each VM's own names in the message; keep the first one's message."""
    groups: dict[Ailment, tuple[Ailment, list[Instance]]] = {}
    for instance, ailment in ailing:
        alike = replace(ailment, message=without_names(ailment.message, instance)) if ailment.message else ailment
        groups.setdefault(alike, (ailment, []))[1].append(instance)
    return sorted(groups.values(), key=lambda group: (not group[0].final, -len(group[1])))


def _reason(ailment: Ailment, ill: list[Instance], arithmetic: str, state: State) -> Reason:
    who = name_instances(ill)
    said = f": {ailment.message}" if ailment.message else ""
    message = f"{who}: {ailment.topic} {ailment.have}, want {ailment.want} ({arithmetic}){said}"
    subject, ids = f"{who}, {ailment.topic}", tuple(each.instance_id for each in ill)
    return Reason(ailment.code, subject, ailment.have, ailment.want, message, ailment.hint, state, ids)
