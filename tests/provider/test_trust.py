"""Many connections, one reading of the trusted authorities."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from ssl import SSLContext

import pytest
import requests
import urllib3.connection
import urllib3.util.ssl_
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from tests.provider.conftest import vms
from urllib3.util.ssl_ import create_urllib3_context

from vmss_emulator import Emulator
from vmss_instance_view import get_instance_view
from vmss_instance_view.azure import trust
from vmss_instance_view.azure.trust import SharedTrust


@pytest.fixture
def session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", SharedTrust(pool_maxsize=50))
    return session


def test_many_threads_read_the_authorities_once(
    azure: Emulator, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted() -> SSLContext:
        made.append(create_urllib3_context())
        return made[-1]

    monkeypatch.setattr(trust, "create_urllib3_context", counted)
    answers: list[int] = []

    def ask() -> None:
        url = f"{azure.url}/metadata/endpoints?api-version=2022-09-01"
        answers.append(session.get(url, verify=str(azure.ca_file), timeout=30).status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 20
    assert len(made) == 1


def test_one_read_reads_the_authorities_once_for_metadata_sign_in_and_resource_manager(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted() -> SSLContext:
        made.append(create_urllib3_context())
        return made[-1]

    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(trust, "create_urllib3_context", counted)
    monkeypatch.setattr(urllib3.connection, "create_urllib3_context", counted)
    monkeypatch.setattr(urllib3.util.ssl_, "create_urllib3_context", counted)
    view = get_instance_view(azure.put_scale_set("web", capacity=2))
    assert vms(view) == 2
    assert len(made) == 1


def test_authorities_that_have_changed_are_read_anew(azure: Emulator, tmp_path: Path) -> None:
    """As where a proxy's authority is renewed while a process runs."""
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes())
    session = requests.Session()
    session.mount("https://", SharedTrust())
    with pytest.raises(requests.exceptions.SSLError):
        session.get(azure.url, verify=str(authorities), timeout=30)
    authorities.write_bytes(azure.ca_file.read_bytes())
    os.utime(authorities, ns=(1, 1))
    assert session.get(azure.url, verify=str(authorities), timeout=30).status_code


def test_who_is_not_trusted_is_refused(azure: Emulator, session: requests.Session) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        session.get(azure.url, verify=DEFAULT_CA_BUNDLE_PATH, timeout=30)


def test_a_file_without_authorities_is_refused(tmp_path: Path, session: requests.Session) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(OSError, match=r"no trusted authorities: .*certificate.*ca\.pem"):
        session.get("https://127.0.0.1:9", verify=str(tmp_path / "ca.pem"), timeout=30)
