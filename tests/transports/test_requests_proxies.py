"""The blocking wire through proxies (forwarding, CONNECT, SOCKS5) and its TLS."""

from __future__ import annotations

import socket
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from ports import closed_port
from socket_harness import (
    OK,
    Authority,
    Peer,
    Server,
    answering,
    cancelling,
    fetch,
    get,
    join,
    nothing_is_left,  # noqa: F401  # a fixture
    soon,
    within,
)  # fmt: skip

from sansio_core import Send
from sansio_core.errors import (
    Cancelled,
    ConnectFailed,
    InvalidRequest,
    ProxyFailed,
    TimedOut,
)
from sansio_core.http_request import HttpRequest
from transports._requests.wire import Connections, RequestsWire

SHORT = 0.2
SECRET = "pa ss:wörd"
USER = "user:pa%20ss%3Aw%C3%B6rd@"
BASIC = "Basic " + b64encode(f"user:{SECRET}".encode()).decode()


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


class Recorder:
    """An origin, or a forwarding proxy: answers, and keeps what it was asked."""

    def __init__(self, answer: bytes = OK) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, peer: Peer) -> None:
        while True:
            first, fields, _ = peer.request()
            self.asked.append((first, fields))
            peer.send(self.answer)


class Tunnels(Recorder):
    """A proxy that connects its clients through."""

    def __call__(self, peer: Peer) -> None:
        first, fields, _ = peer.request()
        self.asked.append((first, fields))
        host, _, port = first.split()[1].rpartition(":")
        peer.send(b"HTTP/1.1 200 Connected\r\nContent-Length: 5\r\n\r\n")  # a length has no meaning here
        join(peer.sock, socket.create_connection((host, int(port))))


class Socks(Recorder):
    """A SOCKS5 proxy (RFC 1928, with RFC 1929's names and passwords) that knows the name `chat.example`."""

    def __init__(self, user: bytes = b"", reply: int = 0) -> None:
        super().__init__()
        self.user = user
        self.reply = reply
        self.targets: list[tuple[bytes, int]] = []

    def __call__(self, peer: Peer) -> None:
        _, count = peer.exactly(2)
        method = 2 if self.user else 0
        if method not in peer.exactly(count):
            peer.send(b"\x05\xff")
            return
        peer.send(bytes([5, method]))
        if self.user:
            _, size = peer.exactly(2)
            user = peer.exactly(size) + b":"
            user += peer.exactly(peer.exactly(1)[0])
            peer.send(bytes([1, user != self.user]))
            if user != self.user:
                return
        kind = peer.exactly(4)[3]
        host = peer.exactly(peer.exactly(1)[0]) if kind == 3 else socket.inet_ntoa(peer.exactly(4)).encode()
        port = int.from_bytes(peer.exactly(2), "big")
        self.targets.append((host, port))
        peer.send(bytes([5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if not self.reply:
            join(peer.sock, socket.create_connection(("127.0.0.1" if kind == 3 else host, port)))


# --- HTTP proxies


def test_forwarding(connections: Connections) -> None:
    proxy = Recorder()
    with Server(proxy) as server:
        for _ in range(2):
            action = Send(HttpRequest("GET", "http://chat.example:81/a?b#c", (("authorization", "Bearer k"),)))
            assert ask(connections, action, f"http://{USER}127.0.0.1:{server.port}") == b"ok"
        assert server.connections == 1
        assert ask(connections, Send(HttpRequest("GET", "http://chat.example")), f"127.0.0.1:{server.port}") == b"ok"
    assert proxy.asked[0] == proxy.asked[1]
    first, fields = proxy.asked[0]
    assert first == "GET http://chat.example:81/a?b HTTP/1.1"
    assert fields["host"] == "chat.example:81"
    assert fields["proxy-authorization"] == BASIC
    assert proxy.asked[2][0] == "GET http://chat.example/ HTTP/1.1"
    assert "proxy-authorization" not in proxy.asked[2][1]


@pytest.mark.parametrize("proxy_tls", [False, True])
def test_a_tunnel(connections: Connections, authority: Authority, proxy_tls: bool) -> None:
    origin, proxy = Recorder(), Tunnels()
    tls = authority.server("127.0.0.1")
    with Server(origin, tls) as target, Server(proxy, tls if proxy_tls else None) as server:
        url = f"http{'s' * proxy_tls}://{USER}127.0.0.1:{server.port}"
        for _ in range(2):
            assert ask(connections, secure(target.port), url) == b"ok"
        assert server.connections == 1
        name = f"127.0.0.1:{target.port}"
        connections.close()
    assert proxy.asked == [(f"CONNECT {name} HTTP/1.1", {"host": name, "proxy-authorization": BASIC})]
    assert [first for first, _ in origin.asked] == ["GET /x HTTP/1.1"] * 2
    assert all("proxy-authorization" not in fields and fields["host"] == name for _, fields in origin.asked)


def test_no_tunnel_is_shared_by_other_credentials(connections: Connections, authority: Authority) -> None:
    """A name may be whose traffic it is, or which of many addresses it leaves by."""
    proxy = Tunnels()
    with Server(Recorder(), authority.server("127.0.0.1")) as target, Server(proxy) as server:
        for user in ("one:secret@", "two:secret@", "", "one:other@", "one:secret@"):
            assert ask(connections, secure(target.port), f"http://{user}127.0.0.1:{server.port}") == b"ok"
        connections.close()
    names = [fields.get("proxy-authorization") for _, fields in proxy.asked]
    assert names == [f"Basic {b64encode(name).decode()}" if name else None for name in (
        b"one:secret", b"two:secret", b"", b"one:other",
    )]  # fmt: skip


def test_forwarding_through_tls(connections: Connections, authority: Authority) -> None:
    proxy = Recorder()
    with Server(proxy, authority.server("localhost")) as server:
        action = Send(HttpRequest("GET", "http://a.example/"))
        assert ask(connections, action, f"https://localhost:{server.port}") == b"ok"
        with pytest.raises(ProxyFailed, match=r"certificate .*verify="):
            ask(connections, action, f"https://127.0.0.1:{server.port}")
    assert proxy.asked[0][0] == "GET http://a.example/ HTTP/1.1"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", 407),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", 502),
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nfie", None),
        (b"<html>no</html>\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 70000, None),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", None),
    ],
)
def test_a_tunnel_that_is_refused(connections: Connections, answer: bytes, status: int | None) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(answer)

    with Server(script) as server, pytest.raises(ProxyFailed) as raised:
        ask(connections, secure(1), f"http://{USER}127.0.0.1:{server.port}")
    assert raised.value.status == status
    assert SECRET not in str(raised.value)
    assert BASIC[6:] not in str(raised.value)


def test_a_forwarding_proxy_that_wants_a_password(connections: Connections) -> None:
    with Server(Recorder(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as server:
        with pytest.raises(ProxyFailed, match="407") as raised:
            ask(connections, Send(HttpRequest("GET", "http://a.example/")), f"http://127.0.0.1:{server.port}")
        assert raised.value.status == 407
        assert ask(connections, get(server.port)) == b""  # of the origin itself it is a status like others


def test_a_proxy_that_is_not_there(connections: Connections) -> None:
    port = closed_port()
    for scheme in ("http", "socks5h"):
        with pytest.raises(ProxyFailed) as raised:
            ask(connections, secure(1), f"{scheme}://{USER}127.0.0.1:{port}")
        assert SECRET not in str(raised.value)
    with pytest.raises(ProxyFailed, match=r"'no-such\.invalid' was not found"):
        ask(connections, secure(1), "http://no-such.invalid:1")
    with pytest.raises(InvalidRequest):
        RequestsWire(connections, proxy="ftp://127.0.0.1")


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
@pytest.mark.parametrize(
    "drip", [b"", b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1000, b"\x05\x00\x05\x00\x00\x03\xff" + b"x" * 255]
)
def test_the_connect_deadline_in_a_proxys_answer(connections: Connections, scheme: str, drip: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.exactly(3)
        peer.drip(drip) if drip else peer.gone()

    with Server(script) as server:
        wire = RequestsWire(connections, proxy=f"{scheme}://127.0.0.1:{server.port}")
        action = Send(secure(1).request, connect_deadline=time.monotonic() + SHORT)
        if drip[:1] == (b"H" if scheme == "socks5h" else b"\x05"):  # the other protocol's: told with its first byte
            with pytest.raises(ProxyFailed):
                wire.send(action, soon())
        else:
            with within(SHORT), pytest.raises(TimedOut, match="'connect'"):
                wire.send(action, soon())


def test_the_deadlines_of_tls_inside_tls(connections: Connections, authority: Authority) -> None:
    def script(peer: Peer) -> None:
        if "CONNECT 127.0.0.1:1 " in peer.request()[0]:
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
            peer.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000)

    with Server(script, authority.server("127.0.0.1")) as server, within(SHORT):
        wire = RequestsWire(connections, proxy=f"https://127.0.0.1:{server.port}")
        with pytest.raises(TimedOut, match="'connect'"):
            wire.send(Send(secure(1).request, connect_deadline=time.monotonic() + SHORT), soon())


@pytest.mark.parametrize("end", ["deadline", "cancel"])
def test_the_body_of_tls_inside_tls(connections: Connections, authority: Authority, end: str) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 300_000)
        peer.gone()

    tls = authority.server("127.0.0.1")
    with Server(script, tls) as target, Server(Tunnels(), tls) as server:
        wire = RequestsWire(connections, proxy=f"https://127.0.0.1:{server.port}")
        wire.send(secure(target.port), soon())
        size = 0
        while size < 300_000:
            size += len(wire.read(soon()))
        if end == "deadline":
            with within(SHORT), pytest.raises(TimeoutError):
                wire.read(time.monotonic() + SHORT)
        else:
            with cancelling(wire), pytest.raises(Cancelled):
                wire.read(soon())
        wire.close()


def test_only_so_many_origins_are_remembered(connections: Connections, resolve: Callable[..., None]) -> None:
    resolve("127.0.0.1")
    with Server(Recorder()) as server:
        for i in range(70):
            ask(connections, get(server.port, host=f"h{i}.example"))
        ask(connections, get(server.port, host="h69.example"))
        assert server.connections == 70
        ask(connections, get(server.port, host="h0.example"))
        assert server.connections == 71
        connections.close()


def test_a_forwarding_proxys_connection_serves_every_origin(connections: Connections) -> None:
    with Server(Recorder()) as server:
        for i in range(3):
            ask(connections, get(80, host=f"h{i}.example"), f"http://127.0.0.1:{server.port}")
        assert server.connections == 1
        connections.close()


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
def test_cancel_in_a_proxys_answer(connections: Connections, authority: Authority, scheme: str) -> None:
    reached = threading.Event()

    def script(peer: Peer) -> None:
        peer.exactly(3)
        reached.set()
        peer.gone()

    with Server(script, authority.server("127.0.0.1") if scheme == "https" else None) as server:
        wire = RequestsWire(connections, proxy=f"{scheme}://127.0.0.1:{server.port}")
        with cancelling(wire, reached), pytest.raises(Cancelled):
            wire.send(secure(1), soon())


# --- SOCKS


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("user", [b"", f"user:{SECRET}".encode()])
def test_socks(
    connections: Connections, authority: Authority, monkeypatch: pytest.MonkeyPatch, scheme: str, user: bytes
) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        assert host != "chat.example" or scheme == "socks5"
        return real("127.0.0.1" if host == "chat.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    proxy, origin = Socks(user), Recorder()
    with Server(origin, authority.server("chat.example")) as target, Server(proxy) as server:
        url = f"{scheme}://{USER if user else ''}127.0.0.1:{server.port}"
        for _ in range(2):
            assert ask(connections, secure(target.port, "chat.example"), url) == b"ok"
        connections.close()
    assert proxy.targets == [(b"127.0.0.1" if scheme == "socks5" else b"chat.example", target.port)]
    assert origin.asked[0][1]["host"] == f"chat.example:{target.port}"


def test_socks_without_tls_and_its_refusals(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = Recorder()
    with Server(origin) as target, Server(Socks()) as server:
        assert ask(connections, get(target.port), f"socks5h://127.0.0.1:{server.port}") == b"ok"
        with pytest.raises(ConnectFailed, match="not found"):
            ask(connections, get(1, host="no-such.invalid"), f"socks5://127.0.0.1:{server.port}")
        connections.close()
    connections = Connections()
    assert origin.asked[0][0] == "GET / HTTP/1.1"
    for proxy in (Socks(b"user:else"), Socks(reply=5)):
        with Server(proxy) as server, pytest.raises(ProxyFailed) as raised:
            ask(connections, get(1), f"socks5h://{USER}127.0.0.1:{server.port}")
        assert SECRET not in str(raised.value)
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.delitem(sys.modules, "transports.http1.socks5", raising=False)
    with pytest.raises(InvalidRequest, match=r"pip install .*sansio-chat\[socks\]"):
        ask(connections, get(1), "socks5://127.0.0.1:1")
    connections.close()


# --- where the proxy's name comes from


def test_the_environment_names_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Recorder()
    with Server(proxy) as server, Server(answering(OK)) as origin:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        connections = Connections()
        assert ask(connections, Send(HttpRequest("GET", "http://a.example/"))) == b"ok"
        assert ask(connections, get(origin.port)) == b"ok"
        connections.close()
        assert len(proxy.asked) == 1
        with requests.Session() as session:
            session.trust_env = False
            connections = Connections(session=session)
            with pytest.raises(ConnectFailed):
                ask(connections, Send(HttpRequest("GET", "http://a.invalid/")))
            session.proxies = {"http://b.example": f"http://127.0.0.1:{server.port}"}
            assert ask(connections, Send(HttpRequest("GET", "http://b.example/"))) == b"ok"
            connections.close()
        assert len(proxy.asked) == 2
