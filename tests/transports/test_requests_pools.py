"""The blocking wire's connections in urllib3's pools, and what a user's Session says of TLS and proxies."""

from __future__ import annotations

import gc
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from servers import OK, PATIENCE, Authority, Peer, Server, ok
from wires import Wire, blocking, get, secure, soon

from sansio_core.errors import ConnectFailed, ConnectionLost, TLSFailed
from transports._requests.wire import Connections


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = Connections()
    yield connections
    connections.close()


@pytest.fixture
def wire(connections: Connections) -> Iterator[Wire]:
    wire = blocking(connections)
    yield wire
    wire.close()


@pytest.mark.parametrize("what", ["end", "reset", "second answer"])
def test_a_connection_that_says_something_at_rest_is_not_used_again(wire: Wire, what: str) -> None:
    done, said = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        assert done.wait(PATIENCE)
        try:
            if what == "second answer":
                peer.send(OK)
            elif what == "reset":
                peer.reset()
            else:
                peer.sock.shutdown(socket.SHUT_RDWR)
        finally:
            said.set()
        peer.gone()

    with Server(script) as server:
        for connections in (1, 2, 3):
            assert wire.fetch(get(server.port)) == b"ok"
            assert server.connections == connections
            done.set()
            assert said.wait(PATIENCE)
            done.clear()
            said.clear()
        done.set()


def test_only_so_many_origins_are_remembered(connections: Connections, resolve: Callable[..., None]) -> None:
    resolve("127.0.0.1")
    with Server(ok) as server:
        for i in range(70):
            blocking(connections).fetch(get(server.port, host=f"h{i}.example"))
        blocking(connections).fetch(get(server.port, host="h69.example"))
        assert server.connections == 70
        blocking(connections).fetch(get(server.port, host="h0.example"))
        assert server.connections == 71
        connections.close()


def test_a_forwarding_proxys_connection_serves_every_origin(connections: Connections) -> None:
    with Server(ok) as server:
        for i in range(3):
            blocking(connections, f"http://127.0.0.1:{server.port}").fetch(get(80, host=f"h{i}.example"))
        assert server.connections == 1
        connections.close()


def test_the_proxies_of_a_session() -> None:
    """With trust_env false, the environment has no say."""
    with Server(ok) as server, requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http://b.example": f"http://127.0.0.1:{server.port}"}
        connections = Connections(session=session)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
            with pytest.raises(ConnectFailed):
                blocking(connections).fetch(get(80, host="a.invalid"))
            assert server.connections == 0
            assert blocking(connections).fetch(get(80, host="b.example")) == b"ok"
        connections.close()


# --- TLS


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_what_a_session_says_of_tls(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, empty, files = tmp_path / "ca.pem", tmp_path / "folder", (tmp_path / "client.pem", tmp_path / "client.key")
    authority.ca.cert_pem.write_to_path(str(ca))
    empty.mkdir()
    certificate = authority.ca.issue_cert("client.example")
    certificate.cert_chain_pems[0].write_to_path(str(files[0]))
    certificate.private_key_pem.write_to_path(str(files[1]))
    asking = authority.server()
    asking.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(asking)
    with Server(ok, authority.server()) as server, Server(ok, asking) as strict, requests.Session() as session:

        def works(port: int = server.port, **settings: Any) -> bool:
            connections = Connections(session=session, **settings)
            wire = blocking(connections)
            try:
                return wire.fetch(secure(port)) == b"ok"
            except (TLSFailed, ConnectionLost):
                return False
            finally:
                wire.close()
                connections.close()

        session.verify = str(ca)
        assert works()
        assert not works(verify=str(empty))
        session.verify = False
        assert works()
        assert not works(strict.port)
        session.cert = (str(files[0]), str(files[1]))
        assert works(strict.port)
        session.verify, session.trust_env = True, False
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
        assert not works()


def test_a_reset_before_tls_leaves_nothing_open() -> None:
    """wrap_socket then leaves half an SSLSocket behind, whose ResourceWarning would fail this."""

    class Late(ssl.SSLContext):
        def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:  # type: ignore[override]
            connected.set()
            select.select([sock], [], [], PATIENCE)  # until the reset is there
            return super().wrap_socket(sock, **options)

    def script(peer: Peer) -> None:
        assert connected.wait(PATIENCE)
        peer.reset()

    connected = threading.Event()
    connections = Connections(verify=Late(ssl.PROTOCOL_TLS_CLIENT))
    with Server(script) as server, pytest.raises(ConnectFailed, match="ended the connection in the TLS handshake"):
        blocking(connections).send(secure(server.port), soon())
    gc.collect()
    connections.close()
