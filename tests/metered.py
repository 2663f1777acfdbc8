"""An Azure in memory that counts: the documented buckets, both modes, lists with and without details, latency.

The product's own reader, budget, looks, pace, memory and watch run on it in virtual time. It shares no code with the
budget: what a request takes, and what is left, is counted here once more.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from pulumi_vmss_health import GatePolicy, Instance, ScaleSetId, Snapshot, VirtualMachineInstanceView
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome, watch
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import BEGINS_WITHIN, Answer, Silent
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.connection import Azure, Connection

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"


def group(subscription: str) -> str:
    """The one resource group of a subscription."""
    return f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Compute"


# Size, and what comes back in a minute: of each resource, and of the subscription in a region.
BUCKETS: dict[str, tuple[tuple[int, int] | None, tuple[int, int]]] = {
    "high": ((30, 10), (1080, 360)),
    "low": ((36, 12), (2400, 800)),
    "vmss vm": ((36, 12), (6000, 2000)),
    "listed": (None, (30_000, 10_000)),
    "list": (None, (900, 300)),
    "vm": ((36, 12), (24_000, 8000)),
}
ARM = {"reads": (250, 1500), "global reads": (3750, 22_500)}

# When the profile of a Flexible set was made, and what VMs made from it, or from the one before, have in their tags.
PROFILE = "2026-05-01T10:00:00.1234567+00:00"
TAGS = {True: "5/1/2026 10:00:00 AM +00:00", False: "4/30/2026 6:00:00 PM +00:00", None: None}

Show = Callable[[float], "Snapshot | Answer"]


class SleepingClock(Clock, Protocol):
    """A virtual clock on which a server can let time pass."""

    @property
    def time(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class ScaleSet:
    """A set: what it shows at a moment (as a Uniform one would), its mode, and what its lists leave out.

    bare: extensions, health and standby pool. tells_pool: False where they leave out the standby pool. latest: the kind
    of read that shows the moment of its end; all others show that of their beginning, as reads at the same time may.
    fails: the status by which a VM's own view is refused at a moment, such as 503; 0: it is not.
    """

    show: Show
    flexible: bool = False
    bare: bool = False
    tells_pool: bool = True
    latency: float | Callable[[float], float] = 0.2
    page: int = 100
    latest: str = ""
    fails: Callable[[float, str], int] = lambda _now, _vm: 0


@dataclass
class Metered:
    """The Azure: a wire for the product.

    headers: whether answers tell what is left. retry_after: what a 429 says, None: what the bucket needs. others: the
    part of every refill that other clients use. asked: requests by their kind; used: tokens by their bucket.
    refused: the requests that were answered with 429, each with its moment and the bucket.
    """

    clock: SleepingClock
    headers: bool = False
    retry_after: int | None = None
    others: float = 0.0
    sets: dict[str, ScaleSet] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[float, str]] = field(default_factory=list)
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _bodies: dict[tuple[int, str], tuple[Snapshot, bytes]] = field(default_factory=dict)

    def add(self, name: str, scale_set: ScaleSet, subscription: str = SUBSCRIPTION) -> ScaleSetId:
        """Add a set; its name is its own in all subscriptions, which have limits of their own."""
        self.sets[name] = scale_set
        return ScaleSetId.parse(f"{group(subscription)}/virtualMachineScaleSets/{name}")

    def azure(self, clock: Clock | None = None) -> Azure:
        return Azure(Settings({}), clock or self.clock, Connection(PUBLIC, self, Tokens()))

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        del what, token
        route = _route(url)
        scale_set = self.sets[route.name]
        now = self.clock.time
        latency = scale_set.latency if isinstance(scale_set.latency, float) else scale_set.latency(now)
        self.asked[route.kind] += 1
        empty = [key for key in _keys(route) if not self.take(key, now)]
        if latency > min(deadline.left(), BEGINS_WITHIN):
            self.clock.sleep(min(deadline.left(), BEGINS_WITHIN))
            raise Silent
        seen = scale_set.show(now + latency if route.kind == scale_set.latest else now)
        self.clock.sleep(latency)
        if empty:
            self.refused.append((now, empty[0]))
            return self._throttled(empty[0], now)
        if route.instance and (status := scale_set.fails(now, route.instance.rpartition("_")[2])):
            return Answer(status, {}, b'{"error": {"code": "Busy", "message": "later"}}')
        return seen if isinstance(seen, Answer) else self._shown(scale_set, route, seen, now)

    def left(self, key: str, now: float) -> float:
        size, per_minute = size_of(key)
        left, since = self._left.get(key, (float(size), now))
        return min(size, left + max(now - since, 0.0) * per_minute * (1 - self.others) / 60)

    def take(self, key: str, now: float, tokens: float = 1.0) -> bool:
        left = self.left(key, now)
        self.used[key] += int(tokens)
        since = max(now, self._left.get(key, (0.0, now))[1])
        self._left[key] = (left - tokens if left >= tokens else left, since)
        return left >= tokens

    def _throttled(self, key: str, now: float) -> Answer:
        _, per_minute = size_of(key)
        wait = self.retry_after or max(1, round((1 - self.left(key, now)) * 60 / per_minute + 0.5))
        by_compute = key.partition(" of ")[0] not in ARM
        code = "OperationNotAllowed" if by_compute else "TooManyRequests"
        target = key.replace(" of all", "Subscription").replace(" of ", " ")
        details = [{"code": "TooManyRequests", "target": target}] if by_compute else []
        body = {"error": {"code": code, "message": "too many", "details": details}}
        return Answer(429, {"Retry-After": str(wait)}, json.dumps(body).encode())

    def _shown(self, scale_set: ScaleSet, route: Route, seen: Snapshot, now: float) -> Answer:
        key = (id(seen), f"{route.name} {route.place}")
        if key not in self._bodies:
            self._bodies[key] = (seen, json.dumps(_body(scale_set, route, seen)).encode())
        content = self._bodies[key][1]
        if route.kind == "instances":
            listed = len((seen.instances or ())[route.skip : route.skip + scale_set.page])
            self.take(f"listed of {_all(route)}", now, listed)
        if content == b"null":
            return Answer(404, {}, b'{"error": {"code": "NotFound", "message": "not there"}}')
        left = f"Microsoft.Compute/X0;{int(self.left(_keys(route)[0], now))}" if self.headers else ""
        return Answer(200, {"x-ms-ratelimit-remaining-resource": left} if left else {}, content)


class Tokens:
    """A sign-in that always works."""

    def token(self, deadline: Deadline) -> str:
        del deadline
        return "token"

    def refused(self, token: str, claims: str | None) -> None:
        raise AssertionError("nobody refuses a token here")


@dataclass(frozen=True)
class Route:
    """What a URL asks for. resource: whose bucket it is. place: kind, instance and page."""

    subscription: str
    kind: str
    name: str
    resource: str
    instance: str = ""
    skip: int = 0

    @property
    def place(self) -> str:
        return f"{self.kind} {self.instance} {self.skip}"


def _all(route: Route) -> str:
    return "all" if route.subscription == SUBSCRIPTION else f"all {route.subscription}"


_BUCKET_OF = {
    "view": "high",
    "instances": "high",
    "model": "low",
    "upgrade": "low",
    "vmss vm": "vmss vm",
    "list": "list",
    "expanded list": "list",
    "vm": "vm",
}


@cache
def _keys(route: Route) -> list[str]:
    """The buckets that a request takes from."""
    bucket = _BUCKET_OF[route.kind]
    own = [f"{bucket} of {route.resource}"] if BUCKETS[bucket][0] else []
    return [*own, f"{bucket} of {_all(route)}", *(f"{each} of {_all(route)}" for each in ARM)]


@cache
def size_of(key: str) -> tuple[int, int]:
    """How much a bucket holds, and what comes back in a minute."""
    bucket, _, whose = key.partition(" of ")
    if bucket in ARM:
        return ARM[bucket]
    own, of_all = BUCKETS[bucket]
    return of_all if own is None or whose.split()[0] == "all" else own


_OF_SET = re.compile(r".*/virtualMachineScaleSets/(?P<name>[\w-]+)(?P<rest>/.*)?")
_OWN = re.compile(r".*/virtualMachines/(?P<id>[\w-]+)/instanceView")


@cache
def _route(url: str) -> Route:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    skip = int(query.get("$skiptoken", ["0"])[0])
    subscription = parts.path.split("/")[2]
    own = _OWN.fullmatch(parts.path)
    if match := _OF_SET.fullmatch(parts.path):
        name, rest = match["name"], match["rest"] or ""
        if own:
            return Route(subscription, "vmss vm", name, f"{name}/{own['id']}", own["id"])
        kind = {"": "model", "/instanceView": "view", "/virtualMachines": "instances"}.get(rest, "upgrade")
        return Route(subscription, kind, name, name, skip=skip)
    if own:
        return Route(subscription, "vm", own["id"].rpartition("_")[0], own["id"], own["id"])
    filtered = _OF_SET.fullmatch(query["$filter"][0].rpartition(" ")[2].strip("'"))
    assert filtered is not None
    kind = "expanded list" if "$expand" in query else "list"
    return Route(subscription, kind, filtered["name"], filtered["name"], skip=skip)


def _body(scale_set: ScaleSet, route: Route, seen: Snapshot) -> Any:
    instances = seen.instances or ()
    if scale_set.flexible:
        instances = tuple(_flexible(route, each) for each in instances)
    if route.kind == "model":
        assert seen.scale_set is not None
        mode = "Flexible" if scale_set.flexible else "Uniform"
        status = seen.view.statuses[0].state if seen.view.statuses else None
        shown = replace(seen.scale_set, orchestration_mode=mode, location="westeurope", provisioning_state=status)
        return replace(shown, profile_time_created=PROFILE).to_json()
    if route.kind == "view":
        return seen.view.to_json()
    if route.kind == "upgrade":
        return seen.rolling_upgrade.to_json() if seen.rolling_upgrade else None
    if route.instance:
        return next((each.view.to_json() for each in instances if route.instance in _names(each) and each.view), None)
    listed = [_listed(scale_set, route, each).to_json() for each in instances]
    page: dict[str, Any] = {"value": listed[route.skip : route.skip + scale_set.page]}
    if len(listed) > route.skip + scale_set.page:
        page["nextLink"] = _next_link(route, route.skip + scale_set.page)
    return page


def _next_link(route: Route, skip: int) -> str:
    own = f"{group(route.subscription)}/virtualMachineScaleSets/{route.name}"
    if route.kind == "instances":
        return f"{PUBLIC.resource_manager}{own}/virtualMachines?$skiptoken={skip}"
    expand = "&$expand=instanceView" if route.kind == "expanded list" else ""
    query = f"$filter='virtualMachineScaleSet/id' eq '{own}'{expand}&$skiptoken={skip}"
    return f"{PUBLIC.resource_manager}{group(route.subscription)}/virtualMachines?{query}"


def _names(instance: Instance) -> tuple[str, ...]:
    return (instance.instance_id, instance.name or "")


def _flexible(route: Route, instance: Instance) -> Instance:
    """The VM as one of a Flexible set: it tells its model by a tag, and knows no protection."""
    vm = f"{route.name}_{instance.instance_id}"
    return replace(
        instance,
        instance_id="",
        name=vm,
        id=f"{group(route.subscription)}/virtualMachines/{vm}",
        latest_model_applied=None,
        profile_time_created=TAGS[instance.latest_model_applied],
        protected_from_scale_set_actions=None,
    )


def _listed(scale_set: ScaleSet, route: Route, instance: Instance) -> Instance:
    if route.kind == "list":
        return replace(instance, view=None)
    if scale_set.bare and instance.view:
        bare = VirtualMachineInstanceView(instance.view.statuses, (), instance.view.vm_agent, None)
        return replace(instance, view=bare)
    if instance.view and not scale_set.tells_pool:
        return replace(instance, view=replace(instance.view, in_standby_pool=None))
    return instance


@dataclass
class Waited:
    """A wait, and the moments at which its looks ended."""

    outcome: Outcome
    looks: list[Progress]
    requests: int


def wait(azure: Azure, scale_set: ScaleSetId, policy: GatePolicy) -> Waited:
    """One whole wait, by the product's own parts."""
    looks: list[Progress] = []
    looker = Looker(azure, scale_set, policy)
    outcome = watch(looker, policy, azure.clock, looks.append)
    return Waited(outcome, looks, looker.requests)


def timeline(chapters: Mapping[float, Snapshot | Answer]) -> Show:
    """What is shown from each moment on."""
    moments: Sequence[float] = sorted(chapters, reverse=True)
    return lambda now: chapters[next(moment for moment in moments if moment <= now)]
