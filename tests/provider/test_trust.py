"""Many connections, one reading of the trusted authorities."""

from __future__ import annotations

import threading
from pathlib import Path
from ssl import SSLContext

import pytest
import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from vmss_emulator import Emulator
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


def test_who_is_not_trusted_is_refused(azure: Emulator, session: requests.Session) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        session.get(azure.url, verify=DEFAULT_CA_BUNDLE_PATH, timeout=30)


def test_a_file_without_authorities_is_refused(tmp_path: Path, session: requests.Session) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(OSError, match=r"no trusted authorities: .*certificate.*ca\.pem"):
        session.get("https://127.0.0.1:9", verify=str(tmp_path / "ca.pem"), timeout=30)
