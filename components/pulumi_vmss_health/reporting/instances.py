"""When each instance passed, and what keeps the others from it: judged again from what each look saw. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_vmss_health.judging.judged import Ailment
from pulumi_vmss_health.judging.snapshot import Context
from pulumi_vmss_health.judging.verdict import judge_instances
from pulumi_vmss_health.reporting.waits import Wait
from vmss_instance_view.model import Instance


@dataclass(slots=True)
class Course:
    """How one instance did. Moments are seconds from the beginning of the wait.

    values: from when on it passed (True), did not (False), or was not there (None). ailments: what kept it from
    passing when it was last seen. instance: as it was last seen.
    """

    instance: Instance
    values: list[tuple[float, bool | None]] = field(default_factory=list)
    ailments: list[Ailment] = field(default_factory=list)

    @property
    def passed(self) -> float | None:
        """Since when it has passed, if it does at the end."""
        return self.values[-1][0] if self.values[-1][1] else None

    @property
    def is_gone(self) -> bool:
        """Whether it was not there any more at the end."""
        return self.values[-1][1] is None

    def was(self, moment: float, value: bool | None) -> None:
        """Add what was seen, if it is news."""
        if not self.values or self.values[-1][1] is not value:
            self.values.append((moment, value))


def courses(wait: Wait) -> list[Course]:
    """Return the course of each instance that a look saw, in the order in which they were listed first."""
    found: dict[str, Course] = {}
    context = Context(since=wait.passed_before, before_first_pass=wait.before_first_pass)
    before = None
    for look in wait.looks:
        seen = look.snapshot
        if seen is None or seen.instances is None or look.state is None:
            continue
        known = (seen.scale_set, seen.instances, seen.view)
        if before is not None and all(new is old for new, old in zip(known, before, strict=True)):
            continue
        before = known
        for instance, ailments in judge_instances(seen, wait.policy, context).ailments:
            course = found.setdefault(instance.instance_id, Course(instance))
            course.instance, course.ailments = instance, ailments
            course.was(look.seen, not ailments)
        listed = {each.instance_id for each in seen.instances}
        for id_, course in found.items():
            if id_ not in listed:
                course.was(look.seen, None)
    return list(found.values())
