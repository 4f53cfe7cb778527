# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests go by the studio's proxy, and trust the studio's certificates."""

from __future__ import annotations

import http.server
import logging
import shutil
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from myosapiens_addon.service.client import Client
from myosapiens_addon.service.errors import UnreachableError
from myosapiens_addon.service.network import Network
from myosapiens_addon.service.retry import RetryPolicy
from tests.unit.service_stub import KEY, StubService

FAR = "https://api.studio.invalid"
ONCE = RetryPolicy(tries=1)
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class RefusingProxy(socketserver.ThreadingTCPServer):
    """Notes what it is asked, and lets nobody through."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Refuse)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Refuse(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        lines: list[str] = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        assert isinstance(self.server, RefusingProxy)
        self.server.asked.append("\n".join(lines))
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def proxy() -> Iterator[RefusingProxy]:
    with RefusingProxy() as made:
        yield made
        made.shutdown()


def ask(network: Network, base_url: str = FAR) -> None:
    with Client(base_url=base_url, api_key=KEY, retry=ONCE, network=network) as client:
        client.list_jobs()


def test_requests_go_by_the_proxy_and_its_password_is_told_to_it_alone(
    proxy: RefusingProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    network = Network(proxy=f"http://artist:opensesame@{proxy.address}")
    with pytest.raises(UnreachableError, match="the proxy refuses") as refused:
        ask(network)
    (asked,) = proxy.asked
    assert asked.startswith("CONNECT api.studio.invalid:443 ")
    assert "Proxy-Authorization: Basic YXJ0aXN0Om9wZW5zZXNhbWU=" in asked
    assert KEY not in asked
    told = f"{network!r} {refused.value!r} {refused.value.__cause__!r} {caplog.text}"
    assert "opensesame" not in told
    assert "YXJ0aXN0" not in told


def test_this_machine_is_asked_without_a_proxy(stub: StubService, proxy: RefusingProxy) -> None:
    ask(Network(proxy=f"http://{proxy.address}", proxy_first=True), stub.base_url)
    assert proxy.asked == []


@pytest.mark.parametrize("first", [False, True])
def test_the_environment_goes_before_a_proxy_unless_that_is_locked(
    proxy: RefusingProxy, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RefusingProxy() as other:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{other.address}")
        with pytest.raises(UnreachableError):
            ask(Network(proxy=f"http://{proxy.address}", proxy_first=first))
        assert (len(proxy.asked), len(other.asked)) == ((1, 0) if first else (0, 1))
        other.shutdown()


def test_an_environments_proxy_for_plain_http_leaves_the_studios_in_force(
    proxy: RefusingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="the proxy refuses"):
        ask(Network(proxy=f"http://{proxy.address}"))
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "text", ["socks5://u:opensesame@127.0.0.1:1080", "http://", "htp://h:1", "http://u:p@h:99999"]
)
def test_a_proxy_of_the_environment_that_can_be_none_is_told(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", text)
    with pytest.raises(
        UnreachableError, match=r"proxy of the environment .* cannot be used"
    ) as told:
        ask(Network())
    assert "opensesame" not in told.value.sentence


@pytest.mark.parametrize("first", [False, True])
def test_no_proxy_is_heeded_unless_the_proxy_is_locked(
    proxy: RefusingProxy, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", ".studio.invalid")
    with pytest.raises(UnreachableError):
        ask(Network(proxy=f"http://{proxy.address}", proxy_first=first))
    assert len(proxy.asked) == (1 if first else 0)


# Certificates


class _Jobs(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"jobs": [], "total": 0}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def make_certificate(folder: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not at hand to make a certificate")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=studio"
    more = "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out ca.pem"
    command = [openssl, *words.split(), *more.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "ca.pem"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A service over TLS, and the certificate that it shows."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, folder / "key.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Jobs) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}", certificate
        server.shutdown()


def test_the_studios_certificates_are_trusted(secure: tuple[str, Path]) -> None:
    base_url, certificate = secure
    with pytest.raises(UnreachableError, match="certificate was refused"):
        ask(Network(), base_url)
    ask(Network(ca_bundle=certificate), base_url)


@pytest.mark.parametrize("first", [False, True])
def test_the_environment_goes_before_certificates_unless_they_are_locked(
    secure: tuple[str, Path], first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base_url, certificate = secure
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(make_certificate(tmp_path)))
    network = Network(ca_bundle=certificate, ca_bundle_first=first)
    if first:
        ask(network, base_url)
        return
    with pytest.raises(UnreachableError, match="certificate was refused"):
        ask(network, base_url)


def test_certificates_that_are_gone_are_told(secure: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"gone\.pem, which the studio's settings name"):
        ask(Network(ca_bundle=tmp_path / "gone.pem"), secure[0])


def test_missing_certificates_of_the_environment_are_told(
    secure: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    with pytest.raises(UnreachableError, match=r"gone\.pem, which REQUESTS_CA_BUNDLE or"):
        ask(Network(), secure[0])
