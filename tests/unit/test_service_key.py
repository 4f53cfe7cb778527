# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""Where the key goes, and that a client lets go when it is cancelled."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from myosapiens_addon.errors import CancelledError, InputError, MyoSapiensError
from myosapiens_addon.service import errors
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.wire import Timeouts
from tests.unit.service_stub import KEY, Reply, StubService, on
from tests.unit.transfer_watch import PATIENT, QUICK, ended

Connect = Callable[..., Client]


@pytest.mark.parametrize(
    "key", ["", "  ", "two words", "line\nbreak", "schlüssel", "tab\t"[:3] + "\x07"]
)
def test_what_cannot_be_a_key_is_refused_without_telling_it(key: str) -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        Client(base_url="https://api.example", api_key=key)
    assert not key.strip() or key not in str(caught.value)


def test_the_key_is_in_no_message_repr_log_or_error(
    stub: StubService, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    with Client(base_url=stub.base_url, api_key=KEY, retry=QUICK) as client:
        stub.faults.append(on("GET", "/v1/jobs/echo", Reply(400, {"detail": f"Bad key {KEY}"})))
        stub.faults.append(on("GET", "/v1/jobs/page", *[Reply(500, f"<p>{KEY}".encode())] * 3))
        stub.faults.append(on("GET", "/v1/jobs/gone", *[Reply(lost=True)] * 3))
        for job_id in ("echo", "page", "gone"):
            with pytest.raises(errors.ServiceError) as caught:
                client.get_job(job_id=job_id)
            texts += _everything_of(caught.value)
        texts += [repr(client), repr(vars(client)), repr(vars(vars(client)["_session"]))]
        client.upload_asset(path=_file(tmp_path, b"content"))
    with (
        Client(base_url=stub.base_url, api_key="ak_live_other_key", retry=QUICK) as client,
        pytest.raises(errors.AuthenticationError) as refused,
    ):
        client.list_jobs()
    texts += _everything_of(refused.value)
    assert any(r.headers.get("x-api-key") == KEY for r in stub.received)
    for text in [*texts, caplog.text]:
        assert KEY not in text
        assert "ak_live_other_key" not in text


def _everything_of(error: BaseException) -> list[str]:
    """All that a traceback with locals could show of an error and of what it came from."""
    texts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(vars(seen))]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return texts


def test_a_key_is_not_pickled() -> None:
    client = Client(base_url="https://api.example", api_key=KEY)
    with pytest.raises(TypeError):
        pickle.dumps(vars(client)["_session"]._secret)


def test_the_key_never_goes_to_the_storage(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    asset_id = client.upload_asset(path=_file(tmp_path, b"content")).asset_id
    client.download_asset(asset_id=asset_id, target=tmp_path / "back")
    stored = [r for r in stub.received if r.origin == "storage"]
    assert len(stored) == 2
    for received in stored:
        assert KEY not in repr(received.headers)
        assert "authorization" not in received.headers


def test_netrc_adds_nothing(
    stub: StubService, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = _file(tmp_path, b"machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(stub.base_url) == ("me", "secret")
    asset_id = client.upload_asset(path=_file(tmp_path, b"content")).asset_id
    client.download_asset(asset_id=asset_id, target=tmp_path / "back")
    assert all("authorization" not in r.headers for r in stub.received)


def test_a_redirect_to_another_origin_is_refused(stub: StubService, client: Client) -> None:
    target = {"Location": f"{stub.storage_url}/v1/jobs"}
    stub.faults.append(on("GET", "/v1/jobs", Reply(307, b"", target)))
    with pytest.raises(errors.AnswerError, match="must not go"):
        client.list_jobs()
    assert [r.origin for r in stub.received] == ["api"]


def test_a_redirect_within_the_origin_is_followed(stub: StubService, client: Client) -> None:
    stub.faults.append(on("GET", "/v1/jobs", Reply(307, b"", {"Location": "/v1/jobs/?limit=1"})))
    stub.faults.append(on("GET", "/v1/jobs/", None))
    assert client.list_jobs().jobs == ()
    assert [r.url for r in stub.received][-1] == "/v1/jobs/?limit=1"


def test_a_redirect_in_a_circle_ends(stub: StubService, client: Client) -> None:
    stub.faults.append(on("GET", "/v1/jobs", *[Reply(307, b"", {"Location": "/v1/jobs"})] * 50))
    with pytest.raises(errors.AnswerError, match="circle"):
        client.list_jobs()
    assert len(stub.received) < 10


def test_no_proxy_gets_what_is_for_this_machine(
    stub: StubService, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, stub.storage_url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    client.list_jobs()
    assert [r.origin for r in stub.received] == ["api"]


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1\\@evil.example",
        "http://192.168.1.5:8000",
        "http://127.1",
        "http://0.0.0.0",
        "https://me:pw@api.example",
        "ftp://127.0.0.1",
        "api.example",
        "https://",
        "",
        "https://api.example/?q=1",
        "https://api.example/#x",
        "https://api .example",
        "https://api.example:0",
        "https://api.example:99999",
        "https://[::1",
    ],
)
def test_an_address_that_no_key_may_go_to(url: str) -> None:
    with pytest.raises(InputError):
        Client(base_url=url, api_key=KEY)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://API.example/", "https://api.example"),
        (" http://localhost:8765 ", "http://localhost:8765"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://[::1]:8765", "http://[::1]:8765"),
        ("https://api.example/base/", "https://api.example/base"),
    ],
)
def test_an_address_that_is_good(url: str, normal: str) -> None:
    assert Client(base_url=url, api_key=KEY).base_url == normal


# Cancelling


def check_left(act: Callable[[threading.Event], Any], *, after_s: float = 0.3) -> None:
    """What hangs for an hour is left when it is cancelled."""
    cancel = threading.Event()
    threading.Timer(after_s, cancel.set).start()
    with pytest.raises(CancelledError):
        ended(lambda: act(cancel))


def connected(stub: StubService, cancel: threading.Event, timeouts: Timeouts = PATIENT) -> Client:
    return Client(
        base_url=stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK, timeouts=timeouts
    )


def test_a_server_that_never_answers_is_left(stub: StubService) -> None:
    stub.faults.append(on("GET", "/v1/jobs", Reply(hang=True)))
    check_left(lambda cancel: connected(stub, cancel).list_jobs())


def test_a_server_that_stops_within_its_answer_is_left(stub: StubService) -> None:
    reply = Reply(200, b"{", {"Content-Length": "1000"}, pause_s=0)
    stub.faults.append(on("GET", "/v1/jobs", reply))
    check_left(lambda cancel: connected(stub, cancel).list_jobs())


def test_a_connection_that_never_comes_is_left() -> None:
    # A listening socket whose queue is full takes no further connection.
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        blockers = [socket.socket() for _ in range(4)]
        for blocker in blockers:
            blocker.setblocking(False)
            blocker.connect_ex(listener.getsockname())

        def act(cancel: threading.Event) -> None:
            Client(base_url=url, api_key=KEY, cancel=cancel, timeouts=PATIENT).list_jobs()

        check_left(act)
        for blocker in blockers:
            blocker.close()


def test_the_wait_for_a_rate_limit_is_left(stub: StubService) -> None:
    stub.faults.append(on("GET", "/v1/jobs", Reply(429, {}, {"Retry-After": "60"})))
    check_left(lambda cancel: connected(stub, cancel).list_jobs())


def test_nothing_is_sent_once_cancelled(stub: StubService) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        connected(stub, cancel).list_jobs()
    assert stub.received == []


def test_a_slow_answer_has_a_limit(stub: StubService) -> None:
    stub.faults.append(on("GET", "/v1/jobs", *[Reply(hang=True)] * 3))
    timeouts = Timeouts(read_s=3600.0, answer_s=0.3)
    with pytest.raises(errors.UnreachableError, match="too long"):
        ended(lambda: connected(stub, threading.Event(), timeouts=timeouts).list_jobs())


def test_no_threads_stay_behind_a_cancel(stub: StubService) -> None:
    before = threading.active_count()
    stub.faults.append(on("GET", "/v1/jobs", *[Reply(hang=True)] * 5))
    for _time in range(5):
        check_left(lambda cancel: connected(stub, cancel).list_jobs(), after_s=0.05)
    ours = [t for t in threading.enumerate() if t.name == "myosapiens-exchange"]
    assert ours == []
    assert threading.active_count() <= before + 12  # the stub's own, one per connection


# The transport can be given


class _Canned(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response.raw = __import__("io").BytesIO(b'{"jobs": [], "total": 0, "new": 1}')
        return response


def test_a_transport_can_be_injected() -> None:
    client = Client(base_url="https://api.example", api_key=KEY, transport=_Canned())
    assert client.list_jobs().total == 0


def test_every_error_of_the_service_is_one_of_ours() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if kind.__module__ == errors.__name__]
    assert len(ours) > 10
    assert all(issubclass(kind, MyoSapiensError) for kind in ours)


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "take.c3d"
    path.write_bytes(content)
    return path
