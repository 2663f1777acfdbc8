"""Who belongs to a scale set, and what each runs: instances come and go, are renewed, switched and protected.

Ids are never given twice. Whoever changes something here is told which moments to expect from it: each of them tells
`expect` when something about it will change by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from vmss_emulator.machines import models
from vmss_emulator.machines.history import Change, Deed
from vmss_emulator.machines.looks import Happened, Instance, Run, look
from vmss_emulator.script.timeline import Life

# Protection from the set's model and from Azure's upgrades; deeds that name the instance itself still reach it.
_FROM_ACTIONS = "protectFromScaleSetActions"
_FROM_SCALE_IN = "protectFromScaleIn"


@dataclass(slots=True)
class Member:
    """One instance of the set.

    Attributes:
        run: what it runs.
        origin: the number of the change that asked for it; 0: an upgrade created it.
        surplus: is it one too many, which will leave, or take another's place?
        protection: from what it is protected.
    """

    run: Run
    origin: int
    surplus: bool = False
    protection: frozenset[str] = frozenset()

    @property
    def id(self) -> int:
        """Azure's instance id."""
        return self.run.instance

    @property
    def is_left_out(self) -> bool:
        """Is it protected from what is done to the whole set?"""
        return _FROM_ACTIONS in self.protection


class Population:
    """The instances of one set.

    Attributes:
        life: how long everything takes them.
        lost: how many were deleted or evicted since the last change, and are asked for no more.
    """

    def __init__(self, life: Life, expect: Callable[[Iterable[float]], None]) -> None:
        self.life = life
        self.lost = 0
        self._expect = expect
        self._members: dict[int, Member] = {}
        self._unused = 0

    @property
    def members(self) -> list[Member]:
        """All of them, by id."""
        return list(self._members.values())

    @property
    def upgradable(self) -> list[Member]:
        """Those that what is done to the whole set may touch."""
        return [one for one in self.members if not one.is_left_out]

    def find(self, index: int) -> Member | None:
        """Return one of them by its id."""
        return self._members.get(index)

    def concerned(self, deed: Deed) -> list[Member]:
        """Return the instances that an operation concerns."""
        named = deed.instances is not None
        return [one for one in self.members if deed.concerns(one.id) and (named or not one.is_left_out)]

    def looks(self, members: Sequence[Member], now: float, happened: Happened, newest: int) -> list[Instance]:
        """Return the state of some instances at a moment; see `looks.look`."""
        found = [look(one.run, self.life, now, happened, newest) for one in members]
        pairs = zip(found, members, strict=True)
        return [replace(one, protection=member.protection) if member.protection else one for one, member in pairs]

    def scale(self, change: Change) -> None:
        """Let there be as many as a change asks for; the highest ids leave first, unless they are protected."""
        self.lost = 0
        wanted = self.life.attached if models.is_without_profile(change.body) else models.capacity(change.body)
        working = [one for one in self.members if not one.surplus]
        loose = [one.id for one in working if _FROM_SCALE_IN not in one.protection]
        for index in sorted(loose, reverse=True)[: max(len(working) - wanted, 0)]:
            del self._members[index]
        missing = max(wanted - len(working), 0)
        surplus = self.life.surplus if missing and models.overprovisions(change.body) else 0
        for index in range(missing + surplus):
            run = Run(self._unused + index, change.at, change, change.at)
            # Those that are up last leave, in Azure; here it is the lowest ids, so that the others' do not begin at 0.
            self._members[run.instance] = Member(run, change.number, surplus=index < surplus)
            self._expect(run.moments(self.life))
        self._unused += missing + surplus

    def renew(self, index: int, change: Change, moment: float) -> float:
        """Let an instance begin anew with a change's model; returns until when it should be well."""
        member = self._members[index]
        member.run = Run(index, member.run.born, change, moment, member.run.switched, member.run.off)
        moments = member.run.moments(self.life)
        self._expect(moments)
        return max(moments)

    def surge(self, change: Change, moment: float) -> tuple[int, float]:
        """Create one too many with a change's model; returns its id and until when it should be well."""
        run = Run(self._unused, moment, change, moment)
        self._members[run.instance] = Member(run, 0, surplus=True)
        self._unused += 1
        moments = run.moments(self.life)
        self._expect(moments)
        return run.instance, max(moments)

    def replace_by(self, index: int, successor: int) -> None:
        """Let one too many take the place of an instance, which goes; where that is gone already, both are."""
        before = self._members.pop(index, None)
        if before is None:
            self.leave(successor)
        else:
            self._members[successor].surplus = before.surplus

    def switch(self, member: Member, moment: float, off: str | None) -> None:
        """Switch it off (`stopped` or `deallocated`), or start it."""
        member.run = replace(member.run, switched=moment, off=off)
        self._expect(member.run.moments(self.life))

    def lose(self, indices: Iterable[int]) -> None:
        """Instances go, and are asked for no more."""
        for index in indices:
            self.lost += not self._members.pop(index).surplus

    def leave(self, index: int) -> None:
        """One too many goes."""
        self._members.pop(index, None)
