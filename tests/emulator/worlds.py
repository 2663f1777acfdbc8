"""A scale set on a clock that the tests move: no server, no waiting."""

from __future__ import annotations

from typing import Any

from tests.emulator.support import scale_set_body

from vmss_emulator.machines import models, puts, views
from vmss_emulator.machines.history import Outcome
from vmss_emulator.machines.looks import Instance
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.machines.upgrades import Upgrade
from vmss_emulator.script.timeline import Life, Timeline

ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
BOOT, INSTALL, HEALTHY = 10.0, 20.0, 30.0
START = 1000.0


class World:
    """One set and the life of its instances."""

    def __init__(self, events: str = "[]", more: str = "", **body: Any) -> None:
        """events: of the timeline; more: of its keys, such as "surplus: 1"; body: see `body`."""
        text = f"scale_sets: {{web: {{boot: 10s, extension: 20s, healthy: 30s, events: {events}, {more}}}}}"
        self.life: Life = Timeline.load(text).life("web")
        self.properties: dict[str, Any] = {}
        self.set = ScaleSet(ID, puts.complete(self.body(**body), None), START)

    def body(self, properties: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        return models.merge(scale_set_body(**body), {"properties": properties or {}})

    def put(self, now: float, **body: Any) -> int:
        return self.set.put(self.body(**body), self.life, START + now)

    def instances(self, now: float) -> list[Instance]:
        return self.set.instances(self.life, START + now)

    def vms(self, now: float) -> list[str]:
        return [instance.vm.code for instance in self.instances(now)]

    def health(self, now: float) -> list[str | None]:
        return [instance.health.code if instance.health else None for instance in self.instances(now)]

    def extension(self, now: float, name: str = "cse") -> list[str | None]:
        found = [instance.extensions.get(name) for instance in self.instances(now)]
        return [status.code if status else None for status in found]

    def state(self, now: float) -> str:
        return self.set.provisioning(self.life, START + now).state

    def view(self, now: float) -> dict[str, Any]:
        return views.instance_view(self.set, self.life, START + now)

    def status(self, now: float) -> str:
        return str(self.view(now)["statuses"][0]["code"])

    def do(self, now: float, kind: str, instances: list[int] | None = None, value: Any = None) -> int:
        return self.set.do(kind, START + now, instances, value)

    def outcome(self, number: int, now: float) -> Outcome | None:
        return self.set.outcome(number, self.life, START + now)

    def ids(self, now: float) -> list[int]:
        return [instance.id for instance in self.instances(now)]

    def latest(self, now: float) -> list[int]:
        """The instances that run the newest model."""
        return [instance.id for instance in self.instances(now) if instance.latest]

    def power(self, now: float) -> list[str]:
        return [instance.power.code for instance in self.instances(now)]

    def upgrade(self, now: float) -> Upgrade:
        found = self.set.story(self.life, START + now).upgrade
        assert found is not None
        return found

    def progress(self, now: float) -> tuple[str, int, int, int, int]:
        """How the rolling upgrade stands: its code, then done, failed, in progress, pending."""
        found = self.upgrade(now)
        return found.code, len(found.done), len(found.failed), len(found.batch), len(found.waiting)
