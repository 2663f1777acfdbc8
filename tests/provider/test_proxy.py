"""Through a proxy, and to names to which nothing can be sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.clocks import within
from tests.provider.servers import TlsServer

from pulumi_vmss_health import ConfigurationError, Unavailable
from vmss_emulator import Emulator
from vmss_instance_view.azure.cloud import find_cloud
from vmss_instance_view.azure.credential import TokenSource
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Anonymous, Https
from vmss_instance_view.clock import SystemClock

URL = "https://management.azure.com/subscriptions"


def test_a_proxy_over_https_with_a_certificate_of_a_private_authority_is_trusted_as_told(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TlsServer() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(ConfigurationError, match=r"not trusted .* set REQUESTS_CA_BUNDLE"):
            Https().fetch("a read", URL, Anonymous(), within(5))
        proxy.trust(azure, tmp_path, monkeypatch)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(Unavailable, match="503"):  # which this proxy answers to everything
            Https().fetch("a read", URL, Anonymous(), within(5))
    assert [each.partition(" HTTP/")[0] for each in proxy.seen] == ["CONNECT management.azure.com:443"]


def test_headers_of_an_answer_that_contradict_each_other_are_no_mistake_of_the_settings(
    azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
    with TlsServer(lambda: (head,)) as server:
        server.trust(azure, tmp_path, monkeypatch)
        with pytest.raises(Unavailable, match=r"a read: no answer: .*Content-Length"):
            Https().fetch("a read", server.url, Anonymous(), within(5))


UNSHOWN = "an address that cannot be read, and is not shown, as a proxy's may hold a password"


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://proxy..corp:8080", "'proxy..corp', label empty or too long"),
        ("http://user:h%E2%82%ACimlich@127.0.0.1:9", "a character that cannot be sent"),
        ("http://user:heimlich@proxy:port", UNSHOWN),
        ("http://user:heim/lich@proxy:8080", UNSHOWN),
        ("http://user:heimlich@[::1:8080", UNSHOWN),
        ("http://user:heimlich@proxy..corp:8080", UNSHOWN),
        ("ftp://127.0.0.1:9", "unsupported scheme ftp"),
    ],
)
def test_a_proxy_that_cannot_be_is_told_at_once_without_its_password(
    proxy: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigurationError) as refused:
        Https().fetch("a read", URL, Anonymous(), within(5))
    assert str(refused.value).startswith("a read: ")
    assert words in str(refused.value)
    assert str(refused.value).endswith("; check the host's name and HTTPS_PROXY")
    assert not re.search("imlich|heim|u20ac", str(refused.value))


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://proxy..corp:8080", "label empty or too long"),
        ("http://user:heimlich@proxy:port", UNSHOWN),
        ("http://user:heim/lich@proxy:8080", UNSHOWN),
        ("http://user:heimlich@proxy..corp:8080", UNSHOWN),
        ("user:heimlich@127.0.0.1:9", UNSHOWN),
    ],
)
def test_a_proxy_that_cannot_be_is_told_at_once_where_a_token_is_asked_for(
    proxy: str, words: str, azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, cloud = Settings(azure.environment), find_cloud(Settings(azure.environment), within(5), Https())
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(ConfigurationError) as refused:
        TokenSource(settings, cloud, SystemClock()).token(within(5))
    assert words in str(refused.value)
    assert str(refused.value).endswith("; check the host's name and HTTPS_PROXY")
    assert not re.search("imlich|heim", str(refused.value))


@pytest.mark.parametrize("host", ["management..local.azurestack", f"{'a' * 64}.example", "host:99999", "[1.1.1]"])
def test_a_metadata_host_that_no_name_server_could_know_is_told_at_once(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"metadata host .*Failed to parse.*check the host's name"):
        find_cloud(Settings({"ARM_METADATA_HOSTNAME": host}), within(5), Https())
