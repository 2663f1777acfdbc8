"""Azure Resource Manager: who may ask, in which version, and which provider answers.

The order of refusals is ARM's: first the token, then the api-version, then the quota, then what the path
names.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from vmss_emulator.azure import activity
from vmss_emulator.azure.compute import ScaleSetRoutes
from vmss_emulator.azure.flexible import FlexibleRoutes
from vmss_emulator.azure.tenant import TenantRoutes
from vmss_emulator.azure.world import World
from vmss_emulator.entra.identity import Identity
from vmss_emulator.machines import models
from vmss_emulator.machines.history import Outcome
from vmss_emulator.protocol import api_versions, filters
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError, method_not_allowed, not_emulated
from vmss_emulator.protocol.json_shapes import check
from vmss_emulator.protocol.messages import Answer, Ask, require_etag


class Arm:
    """Answers every path below /subscriptions."""

    def __init__(self, world: World, identity: Identity) -> None:
        self._world = world
        self._identity = identity
        self._scale_sets = ScaleSetRoutes(world)
        self._flexible = FlexibleRoutes(world)
        self._tenant = TenantRoutes(world)

    def answer(self, ask: Ask) -> Answer:
        """Answer a request.

        Raises:
            ArmError: the answer is an error.
        """
        path = ArmPath.parse(ask.path)
        if path is None and ask.path.strip("/").partition("/")[0].lower() not in ("tenants", "providers"):
            raise ArmError(404, "NotFound", f"There is nothing at '{ask.path}'.", gateway=True)
        self._authorise(ask)
        api_versions.check(ask.version, path or ArmPath())
        with self._world.lock:
            if path is None:
                return self._tenant.above(ask)
            if ask.method == "HEAD":
                return self._exists(ask, path)
            return self._metered(ask, path)

    def _exists(self, ask: Ask, path: ArmPath) -> Answer:
        """Answer HEAD: is it there?"""
        try:
            found = self._metered(replace(ask, method="GET"), path)
        except ArmError as error:
            if error.status == 404:
                return Answer(404)
            raise
        return Answer(204) if found.status == 200 else Answer(found.status, None, found.headers)

    def _metered(self, ask: Ask, path: ArmPath) -> Answer:
        meter, now = self._world.meter, self._world.clock()
        if meter is None:
            return self._route(ask, path)
        told = meter.charge(ask, path, now)
        try:
            answer = self._route(ask, path)
            told = meter.charge_listed(path, answer, told, now)
        except ArmError as error:
            if error.gateway:
                meter.give_back(ask, path, now)
            else:
                error.headers = {**told, **error.headers}
            raise
        return replace(answer, headers={**told, **answer.headers})

    def _authorise(self, ask: Ask) -> None:
        kind, _, token = ask.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._identity.valid(token.strip()):
            return
        error = "invalid_token" if token else "invalid_request"
        authority = f'Bearer authorization_uri="{self._world.url}/{self._identity.tenant_id}"'
        challenge = f'{authority}, error="{error}", error_description="The token is missing, unknown or expired."'
        message = "Authentication failed: the bearer token is missing, unknown or expired."
        raise ArmError(401, "AuthenticationFailed", message, gateway=True, headers={"WWW-Authenticate": challenge})

    def _route(self, ask: Ask, path: ArmPath) -> Answer:
        if path.subscription is None:
            ask.require_get()
            return Answer(200, {"value": filters.unfiltered(ask, [self._subscription()])})
        if path.subscription.lower() != self._world.subscription_id:
            message = f"The subscription '{path.subscription}' could not be found."
            raise ArmError(404, "SubscriptionNotFound", message, gateway=True)
        if answer := self._tenant.below(ask, path):
            return answer
        if path.provider is None:
            return self._subscription_or_group(ask, path)
        return self._provider(ask, path)

    def _subscription(self) -> dict[str, object]:
        return {
            "id": f"/subscriptions/{self._world.subscription_id}",
            "subscriptionId": self._world.subscription_id,
            "tenantId": self._identity.tenant_id,
            "displayName": "Emulated",
            "state": "Enabled",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }

    def _subscription_or_group(self, ask: Ask, path: ArmPath) -> Answer:
        if self._world.captured is not None:
            ask.require_get()
        match path.lower():
            case () if path.group is not None:
                return self._group(ask, path)
            case ():
                ask.require_get()
                return Answer(200, self._subscription())
            case ("resourcegroups",):
                ask.require_get()
                return Answer(200, {"value": filters.by_tag(ask, self._world.resources.groups.values())})
            case ("operationresults", _):
                ask.require_get()
                return Answer(200)
        raise ArmError(404, "NotFound", f"There is nothing at '{ask.path}'.", gateway=True)

    def _group(self, ask: Ask, path: ArmPath) -> Answer:
        groups = self._world.resources
        match ask.method:
            case "PUT":
                new = groups.put_group(path, ask.json())
                return Answer(201 if new else 200, groups.group(path))
            case "GET":
                return Answer(200, groups.group(path))
            case "PATCH":
                groups.put_group(path, models.merge(groups.group(path), ask.json()))
                return Answer(200, groups.group(path))
            case "DELETE":
                self._world.delete_group(path)
                return Answer(202, None, self._group_operation())
        raise method_not_allowed(ask.method)

    def _group_operation(self) -> dict[str, str]:
        now = self._world.clock()
        operation = self._world.begin(lambda _: Outcome(now))
        base = f"{self._world.url}/subscriptions/{self._world.subscription_id}"
        return {"Location": f"{base}/operationresults/{operation.id}?api-version=2021-04-01", "Retry-After": "0"}

    def _provider(self, ask: Ask, path: ArmPath) -> Answer:
        if self._world.captured is not None:
            ask.require_get()
            told = self._world.played(self._world.captured, ask.path, ask.query)
            return Answer(told.status, told.body, told.headers)
        match ((path.provider or "").lower(), *path.lower()):
            case (_, "locations", _, "operations", operation):
                ask.require_get()
                return self._operation(ask, operation)
            case ("microsoft.insights", "eventtypes", "management", "values"):
                ask.require_get()
                return Answer(200, {"value": activity.events(ask, self._world)})
            case ("microsoft.compute", "locations", place, "virtualmachinescalesets") if path.group is None:
                return self._scale_sets.at(ask, place)
            case (_, "locations", _, what, *_):
                raise not_emulated(f"{what} of a location")
            case ("microsoft.compute", "skus"):
                raise not_emulated("skus of the subscription")
            case ("microsoft.resources", "deployments", *_) if ask.method != "GET":
                raise not_emulated("deployments of templates, as `az vmss create` and `az deployment` send them")
            case ("microsoft.compute", "virtualmachinescalesets", *_):
                return self._scale_sets.answer(ask, path)
            case ("microsoft.compute", "virtualmachines", *_) if answer := self._flexible.answer(ask, path):
                return answer
        return self._generic(ask, path)

    def _operation(self, ask: Ask, operation_id: str) -> Answer:
        """Return how an operation stands: told in a body, or, for those who follow `Location`, by the status alone."""
        found, now = self._world.operation(operation_id), self._world.clock()
        body, ended = found.body(now), found.outcome(now)
        # Azure sends no Retry-After here, and clients then wait for 30 s; nothing takes that long here. Under a quota
        # an operation may be polled 15 times a minute.
        wait = {} if ended else {"Retry-After": "1" if self._world.meter is None else "4"}
        if ask.query.get("monitor") != "true":
            return Answer(200, body, wait)
        if ended is None:
            return Answer(202, None, {"Location": f"{self._world.url}{ask.path}?{urlencode(ask.query)}", **wait})
        if ended.code:
            raise ArmError(409, ended.code, ended.message or "")
        return Answer(200)

    def _generic(self, ask: Ask, path: ArmPath) -> Answer:
        resources = self._world.resources
        if path.scope is not None:
            if not self._flexible.has(path.scope):
                self._world.require(path.scope)
        elif path.group is not None:
            resources.group(path)
        elif ask.method == "GET" and not path.names_a_resource:
            return Answer(200, {"value": filters.unfiltered(ask, resources.of_kind(path.kind))})
        match ask.method:
            case "GET" if not path.names_a_resource:
                resources.require_parent(path)
                return Answer(200, {"value": filters.unfiltered(ask, resources.below(path.id))})
            case "POST" if len(path.parts) > 2:
                raise not_emulated(f"{path.parts[-1]} of {path.up(1).kind}")
        if not path.names_a_resource:
            raise method_not_allowed(ask.method)
        return self._stored(ask, path)

    def _stored(self, ask: Ask, path: ArmPath) -> Answer:
        resources = self._world.resources
        before = resources.resources.get(path.id.lower())
        match ask.method:
            case "GET":
                return Answer(200, resources.get(path))
            case "PUT":
                require_etag(ask, None if before is None else _etag(before))
                new = resources.put(path, ask.json())
                return Answer(201 if new else 200, resources.get(path))
            case "PATCH":
                found = resources.stored(path)
                require_etag(ask, _etag(found))
                resources.put(path, _patched(found, ask.json()))
                return Answer(200, resources.get(path))
            case "DELETE":
                if before is not None:
                    require_etag(ask, _etag(before))
                return Answer(200 if resources.delete(path) else 204)
        raise method_not_allowed(ask.method)


def _etag(found: models.Body) -> str:
    return str(found.get("etag", ""))


def _patched(found: models.Body, asked: models.Body) -> models.Body:
    """Return a resource after a PATCH. That of its tags, which `az tag` sends, says itself how it is meant."""
    operation = str(asked.get("operation")).lower()
    if found["type"].lower() != "microsoft.resources/tags" or operation not in ("replace", "delete"):
        return models.merge(found, {key: value for key, value in asked.items() if key != "operation"})
    check(asked, {"properties": {"tags": {}}})
    tags = (asked.get("properties") or {}).get("tags") or {}
    known = (found.get("properties") or {}).get("tags") or {}
    left = tags if operation == "replace" else {key: value for key, value in known.items() if key not in tags}
    return {**found, "properties": {"tags": left}}
