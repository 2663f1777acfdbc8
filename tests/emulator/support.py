"""What the emulator's tests share: a clock that they move, a client that holds a token, bodies as clients send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from tests.waiting import until

from vmss_emulator import Emulator

VERSION = "2024-11-01"
QUICK = {"scale_sets": {"*": {"boot": "100ms", "extension": "100ms", "healthy": "100ms"}}}


class FakeClock:
    """Unix seconds that pass when a test says so."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class ArmSession:
    """Asks the emulator over https as the one application it lets in."""

    def __init__(self, azure: Emulator) -> None:
        self.azure = azure
        self.session = requests.Session()
        self.session.trust_env = False  # REQUESTS_CA_BUNDLE would win over verify
        self.session.verify = str(azure.ca_file)
        self.session.headers["Authorization"] = f"Bearer {token(azure)}"
        self.group_id = f"/subscriptions/{azure.subscription_id}/resourceGroups/rg"
        self.set_id = f"{self.group_id}/providers/Microsoft.Compute/virtualMachineScaleSets/web"

    def ask(
        self, method: str, path: str, json: object = None, *, version: str = VERSION, **query: str
    ) -> requests.Response:
        url = path if path.startswith("https://") else self.azure.url + path
        params = {} if "api-version=" in url else {"api-version": version}
        expand = {f"${key}": value for key, value in query.items()}
        return self.session.request(method, url, json=json, params={**params, **expand}, timeout=10)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def put(self, path: str, body: object) -> requests.Response:
        answer = self.ask("PUT", path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer

    def put_group(self) -> None:
        self.put(self.group_id, {"location": "westeurope"})

    def finish(self, answer: requests.Response) -> dict[str, Any]:
        """Poll an operation to its end."""
        url = answer.headers["Azure-AsyncOperation"]
        return dict(until(lambda: self.get(url), lambda body: body["status"] != "InProgress"))

    def close(self) -> None:
        self.session.close()


def token(azure: Emulator, **changed: str) -> str:
    return str(ask_for_token(azure, **changed).json()["access_token"])


def ask_for_token(azure: Emulator, *, tenant: str | None = None, **changed: str) -> requests.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": azure.client_id,
        "client_secret": azure.client_secret,
        "scope": f"{azure.url}/.default",
        **changed,
    }
    url = f"{azure.url}/{tenant or azure.tenant_id}/oauth2/v2.0/token"
    return requests.post(url, data=form, verify=str(azure.ca_file), timeout=10)


def scale_set_body(
    capacity: int = 3,
    *,
    extensions: tuple[str, ...] = (),
    health: bool = False,
    mode: str = "Manual",
    size: str = "B1s",
) -> dict[str, Any]:
    """A scale set as a client PUTs it."""
    wanted = [extension(name) for name in extensions]
    if health:
        wanted.append(extension("health", "Microsoft.ManagedServices", "ApplicationHealthLinux"))
    return {
        "location": "westeurope",
        "sku": {"name": size, "capacity": capacity},
        "properties": {
            "upgradePolicy": {"mode": mode},
            "virtualMachineProfile": {
                "osProfile": {"computerNamePrefix": "web", "adminUsername": "user", "adminPassword": "Canary-1!"},
                "extensionProfile": {"extensions": wanted},
            },
        },
    }


def extension(
    name: str, publisher: str = "Microsoft.Azure.Extensions", kind: str = "CustomScript", **properties: object
) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {"publisher": publisher, "type": kind, "typeHandlerVersion": "2.1", **properties},
    }


def error(answer: requests.Response) -> str:
    """The code of an answer that is an error."""
    return str(answer.json()["error"]["code"])


def counts(summary: list[Mapping[str, Any]]) -> dict[str, int]:
    """A statusesSummary as {"succeeded": 3}."""
    return {str(item["code"]).removeprefix("ProvisioningState/"): item["count"] for item in summary}
