"""Reads of one process share what is dear, a token and a connection, and follow a change of the variables at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pulumi
import pytest
from tests.provider.conftest import AT_ONCE, trust, vms

from vmss_emulator import Emulator
from vmss_instance_view import CredentialError, functions, get_instance_view


def tokens(azure: Emulator) -> int:
    return sum(each.path.endswith("/token") for each in azure.requests)


def sign_in(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def signed_in(azure: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    sign_in(azure, monkeypatch)
    return azure


def test_a_second_read_asks_for_no_token_and_no_description_of_the_cloud(signed_in: Emulator) -> None:
    scale_set = signed_in.put_scale_set("web", capacity=2)
    get_instance_view(scale_set)
    before = len(signed_in.requests)
    get_instance_view(scale_set)
    assert [each.path.rpartition("/")[2] for each in signed_in.requests[before:]] == ["instanceView"]
    assert tokens(signed_in) == 1


def test_many_threads_that_read_for_the_first_time_ask_for_one_token(signed_in: Emulator) -> None:
    scale_set = signed_in.put_scale_set("web", capacity=2)
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(vms(get_instance_view(scale_set)))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert seen == [2] * 8
    assert tokens(signed_in) == 1


def test_another_azure_in_the_variables_is_the_one_that_is_read_and_the_first_is_known_still(
    signed_in: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = signed_in.put_scale_set("web", capacity=2)
    assert vms(get_instance_view(first)) == 2
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as other:
        trust(other, monkeypatch)
        sign_in(other, monkeypatch)
        assert vms(get_instance_view(other.put_scale_set("web", capacity=3))) == 3
        assert tokens(other) == 1
    trust(signed_in, monkeypatch)
    sign_in(signed_in, monkeypatch)
    assert vms(get_instance_view(first)) == 2
    assert tokens(signed_in) == 1


@pytest.mark.parametrize("name", ["ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET"])
def test_a_credential_that_was_changed_is_the_one_that_is_used(
    signed_in: Emulator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name.startswith("AZURE_"):  # those of the default credential, which azure-identity itself reads
        monkeypatch.setenv("ARM_USE_DEFAULT_AZURE_CREDENTIAL", "true")
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
        for key in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"):
            monkeypatch.setenv(f"AZURE_{key}", signed_in.environment[f"ARM_{key}"])
    scale_set = signed_in.put_scale_set("web", capacity=2)
    assert vms(get_instance_view(scale_set)) == 2
    monkeypatch.setenv(name, "another")
    with pytest.raises(CredentialError):
        get_instance_view(scale_set)


def test_a_thread_of_an_inline_program_has_the_configuration_in_a_copy_of_its_context() -> None:
    def program() -> tuple[object, object]:
        pulumi.runtime.set_all_config({"azure-native:environment": "china"})
        with ThreadPoolExecutor() as threads:
            alone = threads.submit(environment)
            copied = threads.submit(copy_context().run, environment)
        return alone.result(), copied.result()

    def environment() -> object:
        return functions._configuration()("azure-native:environment")

    assert copy_context().run(program) == (None, "china")
