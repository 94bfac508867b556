"""The blocking wire and TLS: what verify may be, and what is not accepted."""

from __future__ import annotations

import datetime
import gc
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ports import closed_port
from socket_harness import (
    OK,
    Authority,
    Peer,
    Server,
    fetch,
    get,
    nothing_is_left,  # noqa: F401  # a fixture
    soon,
)

from sansio_core import Send
from sansio_core.errors import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    TLSFailed,
)
from sansio_core.http_request import HttpRequest
from transports._requests.wire import Connections, RequestsWire


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def connections(authority: Authority) -> Iterator[Connections]:
    connections = Connections(verify=authority.client())
    yield connections
    connections.close()


def ask(connections: Connections, action: Send, proxy: str | None = None) -> bytes:
    wire = RequestsWire(connections, proxy=proxy)
    try:
        return fetch(wire, action)
    finally:
        wire.close()


def secure(port: int, host: str = "127.0.0.1") -> Send:
    return Send(HttpRequest("GET", f"https://{host}:{port}/x", (("authorization", "Bearer k"),)))


def serving(peer: Peer) -> None:
    while True:
        peer.request()
        peer.send(OK)


def test_certificates_that_are_not_accepted(authority: Authority, connections: Connections) -> None:
    expired = Authority()
    tls = authority.server("127.0.0.1")
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    expired.ca.issue_cert("127.0.0.1", not_after=past).configure_cert(stale := expired.server("127.0.0.1"))
    trusting = Connections(verify=expired.client())
    with Server(serving, tls) as server, Server(serving, stale) as old:
        with pytest.raises(TLSFailed, match=r"'localhost'.*verify=|localhost.*verify="):
            ask(connections, secure(server.port, "localhost"))
        with pytest.raises(TLSFailed, match=r"unable to get local issuer certificate|self-signed"):
            ask(trusting, secure(server.port))
        with pytest.raises(TLSFailed, match="expired"):
            ask(trusting, secure(old.port))
        assert ask(connections, secure(server.port)) == b"ok"
        connections.close()
    trusting.close()


def test_no_tls_on_the_port(connections: Connections) -> None:
    def plain(peer: Peer) -> None:
        peer.exactly(1)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def leaves(peer: Peer) -> None:
        peer.exactly(1)

    def resets(peer: Peer) -> None:
        peer.exactly(1)
        peer.reset()

    with Server(plain) as server, pytest.raises(TLSFailed, match="does not speak TLS"):
        ask(connections, secure(server.port))
    with Server(leaves) as server, pytest.raises(ConnectFailed, match="handshake"):
        ask(connections, secure(server.port))
    with Server(resets) as server, pytest.raises(ConnectFailed, match="handshake"):
        ask(connections, secure(server.port))


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_what_verify_may_be(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.ca.cert_pem.write_to_path(str(ca_file))
    folder = tmp_path / "folder"
    folder.mkdir()
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    with Server(serving, authority.server("127.0.0.1")) as server:

        def works(**settings: Any) -> bool:
            connections = Connections(**settings)
            try:
                return ask(connections, secure(server.port)) == b"ok"
            except TLSFailed:
                return False
            finally:
                connections.close()

        assert not works()
        assert works(verify=False)
        assert works(verify=str(ca_file))
        assert not works(verify=str(folder))
        with pytest.raises(InvalidRequest, match="cannot be used"):
            works(verify=str(junk))
        with pytest.raises(InvalidRequest, match="no CA file"):
            works(verify=str(tmp_path / "missing"))
        with requests.Session() as session:
            session.verify = str(ca_file)
            assert works(session=session)
            session.verify = False
            assert works(session=session)
            assert not works(session=session, verify=str(folder))
        monkeypatch.setenv("CURL_CA_BUNDLE", str(ca_file))
        assert works()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder))
        assert not works()
        with requests.Session() as session:
            session.trust_env = False
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
            assert not works(session=session)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_client_certificate_of_the_session(authority: Authority, tmp_path: Path) -> None:
    files = tmp_path / "client.pem", tmp_path / "client.key"
    certificate = authority.ca.issue_cert("client.example")
    certificate.cert_chain_pems[0].write_to_path(str(files[0]))
    certificate.private_key_pem.write_to_path(str(files[1]))
    tls = authority.server("127.0.0.1")
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(tls)
    with Server(serving, tls) as server, requests.Session() as session:
        session.verify = False
        session.cert = (str(files[0]), str(files[1]))
        connections = Connections(session=session)
        assert ask(connections, secure(server.port)) == b"ok"
        connections.close()
        session.cert = None
        connections = Connections(session=session)
        with pytest.raises((TLSFailed, ConnectionLost)):
            ask(connections, secure(server.port))
        connections.close()


def test_a_reset_before_tls_leaves_nothing_open() -> None:
    """wrap_socket then leaves half an SSLSocket behind, whose ResourceWarning would fail this."""

    class Late(ssl.SSLContext):
        def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:  # type: ignore[override]
            connected.set()
            select.select([sock], [], [], 10)  # until the reset is there
            return super().wrap_socket(sock, **options)

    def script(peer: Peer) -> None:
        assert connected.wait(10)
        peer.reset()

    connected = threading.Event()
    connections = Connections(verify=Late(ssl.PROTOCOL_TLS_CLIENT))
    with Server(script) as server, pytest.raises(ConnectFailed, match="ended the connection in the TLS handshake"):
        RequestsWire(connections).send(secure(server.port), soon())
    gc.collect()
    connections.close()


def test_errors_name_no_library(connections: Connections) -> None:
    port = closed_port()
    for action in (get(port), secure(port), get(port, host="no-such.invalid")):
        with pytest.raises(ChatError) as raised:
            ask(connections, action)
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__
