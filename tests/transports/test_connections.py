"""Connections of one's own, on both clients: connect=, uds=, resolver=; what they may return, and how they fail."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from proxies import Recorder, Socks, Tunnels
from seats import Asyncio, Blocking, Seat
from servers import OK, PATIENCE, Authority, Peer, Server, join

from sansio_core import (
    Cancelled,
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    ProxyFailed,
    TimedOut,
    Timeouts,
    TLSFailed,
)
from transports import Client
from transports.emulator import DEFAULT_TEXT, Emulator

NOWHERE = "http://chat.example:81/acytoo"
"""A host that no look-up and no connection finds here."""
Asked = list[tuple[str, int]]


class Ways:
    """The same functions for both clients: what `of` gives is a `connect=` that does what it is given."""

    def __init__(self, seat: Seat) -> None:
        self.blocking = isinstance(seat, Blocking)
        self.asked: Asked = []
        self.timeouts: list[float | None] = []

    def of(self, do: Callable[[str, int], Any], wrap: Callable[[Any], Any] = lambda made: made) -> Any:
        """A connect= that calls `do`, and gives what `wrap` makes of the socket, or of the pair, that it returns."""

        def connect(host: str, port: int, timeout: float | None) -> Any:
            self.asked.append((host, port))
            self.timeouts.append(timeout)
            return wrap(do(host, port))

        async def aconnect(host: str, port: int) -> Any:
            self.asked.append((host, port))
            sock = do(host, port)
            return wrap(await asyncio.open_connection(sock=sock) if isinstance(sock, socket.socket) else sock)

        return connect if self.blocking else aconnect

    def to(self, port: int, wrap: Callable[[Any], Any] = lambda made: made) -> Any:
        """A connect= that goes to that port of this machine, whatever it is asked for."""
        return self.of(lambda *_: socket.create_connection(("127.0.0.1", port)), wrap)

    def hanging(self, began: threading.Event, go: threading.Event) -> Any:
        """A connect= that hangs: for as long as it may here, until it is cancelled there."""

        def connect(host: str, port: int, timeout: float | None) -> Any:
            began.set()
            go.wait(PATIENCE if timeout is None else timeout)
            raise TimeoutError

        async def aconnect(host: str, port: int) -> Any:
            began.set()
            await asyncio.Event().wait()

        return connect if self.blocking else aconnect


@pytest.fixture
def ways(seat: Seat) -> Ways:
    return Ways(seat)


def port_of(emulator: Emulator) -> int:
    return int(emulator.base_url("acytoo").split(":")[2].split("/")[0])


def ask(seat: Seat, base_url: str = NOWHERE, **settings: Any) -> str:
    settings = {"retry": 1, "timeout": Timeouts(connect=5, total=PATIENCE), **settings}
    client = seat.client("acytoo", base_url=base_url, **settings)
    try:
        return seat.complete(client).text
    finally:
        seat.close_client(client)


# --- connect=


def test_whatever_the_host_is_the_hook_is_asked(seat: Seat, emulator: Emulator, ways: Ways) -> None:
    client = seat.client("acytoo", base_url=NOWHERE, connect=ways.to(port_of(emulator)), timeout=5)
    for _ in range(3):
        assert seat.complete(client).text == DEFAULT_TEXT
    assert ways.asked == [("chat.example", 81)], "the connection is kept"
    assert emulator.requests[0].headers["host"] == "chat.example:81"
    assert all(timeout is not None and 4 < timeout <= 5 for timeout in ways.timeouts)


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
@pytest.mark.parametrize("tls", [False, True])
def test_with_a_proxy_the_hook_is_asked_for_the_proxy(
    seat: Seat, authority: Authority, ways: Ways, scheme: str, tls: bool
) -> None:
    """The tunnel and TLS come on top."""
    context = authority.server("127.0.0.1") if tls else None
    proxy = Socks() if scheme != "http" else Tunnels() if tls else Recorder()
    with Emulator(ssl_context=context) as emulator, Server(proxy) as server:  # type: ignore[arg-type]
        settings = {"proxy": f"{scheme}://proxy.example:3128", "verify": authority.client()}
        url = emulator.base_url("acytoo")
        said = "ok" if scheme == "http" and not tls else DEFAULT_TEXT  # the Recorder itself says so
        assert ask(seat, url, connect=ways.to(server.port), **settings) == said
    assert ways.asked == [("proxy.example", 3128)]


def test_tls_comes_on_top(seat: Seat, authority: Authority, ways: Ways) -> None:
    with Emulator(ssl_context=authority.server("chat.example")) as emulator:
        connect = ways.to(port_of(emulator))
        assert ask(seat, "https://chat.example/acytoo", connect=connect, verify=authority.client()) == DEFAULT_TEXT
        with pytest.raises(TLSFailed, match=r"no TLS with other\.example:443"):
            ask(seat, "https://other.example/acytoo", connect=connect, verify=authority.client())


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ConnectionRefusedError(), ConnectFailed, "^no connection to chat.example:81: refused"),
        (OSError("secret"), ConnectFailed, "^no connection to chat.example:81: OSError$"),
        (TimeoutError(), ConnectFailed, "^no connection to chat.example:81: no answer"),
        (TLSFailed("theirs"), TLSFailed, "theirs"),
        (LookupError("theirs"), LookupError, "theirs"),
        (ValueError("theirs"), ValueError, "theirs"),
    ],
)
def test_what_a_hook_raises(seat: Seat, ways: Ways, error: Exception, kind: type[Exception], words: str) -> None:
    """An OSError is a failed connection; a ChatError is itself; all else is the hook's own fault and shown as such."""

    def fail(host: str, port: int) -> Any:
        raise error

    for base_url in (NOWHERE, "https://chat.example:81"):
        with pytest.raises(kind, match=words) as caught:
            ask(seat, base_url, connect=ways.of(fail))
        assert error in (caught.value, caught.value.__cause__), "a traceback shows it"


def test_a_failed_connection_is_tried_again_and_a_proxys_is_the_proxys(seat: Seat, ways: Ways) -> None:
    from sansio_core import RetryPolicy

    def fail(host: str, port: int) -> Any:
        raise ConnectionRefusedError

    with pytest.raises(ConnectFailed):
        ask(seat, connect=ways.of(fail), retry=RetryPolicy(attempts=3, first_wait=0.001))
    assert len(ways.asked) == 3
    with pytest.raises(ProxyFailed, match=r"no connection to the proxy http://proxy.example:1: refused"):
        ask(seat, connect=ways.of(fail), proxy="http://proxy.example:1")


@pytest.mark.parametrize("result", [None, "socket", (1, 2), object()])
def test_what_a_hook_may_not_return(seat: Seat, ways: Ways, result: Any) -> None:
    with pytest.raises(InvalidRequest, match=rf"connect= must return .*, not {type(result).__name__}$"):
        ask(seat, connect=ways.of(lambda *_: result))


def test_a_closed_connection(seat: Seat, ways: Ways) -> None:
    def close(made: Any) -> Any:
        (made if ways.blocking else made[1]).close()
        return made

    with Server(lambda peer: peer.gone()) as server:
        with pytest.raises(ConnectFailed, match="connect= returned a closed"):
            ask(seat, connect=ways.to(server.port, close))
        assert server.settled(0)


def test_a_peer_that_is_gone(seat: Seat, ways: Ways) -> None:
    with pytest.raises(ConnectionLost), Server(lambda peer: None) as server:
        ask(seat, connect=ways.to(server.port))


def test_a_hook_that_hangs_is_ended_by_the_connect_clock(seat: Seat, ways: Ways) -> None:
    connect = ways.hanging(threading.Event(), threading.Event())
    began = time.monotonic()
    with pytest.raises(TimedOut, match="'connect'"):
        ask(seat, connect=connect, timeout=Timeouts(connect=0.1))
    with pytest.raises(TimedOut, match="'total'"):
        ask(seat, connect=connect, timeout=Timeouts(connect=None, total=0.1))
    assert time.monotonic() - began < PATIENCE


def test_a_hook_that_hangs_is_cancelled(seat: Seat, ways: Ways) -> None:
    """For the blocking client once the hook is back: nobody else can end it."""
    began, go = threading.Event(), threading.Event()
    client = seat.client("acytoo", base_url=NOWHERE, connect=ways.hanging(began, go), retry=1)
    stream = seat.stream(client)
    wait = stream.in_background()
    assert began.wait(PATIENCE)
    stream.raw.cancel()
    go.set()
    assert isinstance(wait(), Cancelled)


def test_what_a_hook_made_is_cancelled_as_any_connection(seat: Seat, ways: Ways) -> None:
    reached = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        reached.set()
        peer.gone()

    with Server(script) as server:
        client = seat.client("acytoo", base_url=NOWHERE, connect=ways.to(server.port), retry=1)
        stream = seat.stream(client)
        wait = stream.in_background()
        assert reached.wait(PATIENCE)
        stream.raw.cancel()
        assert isinstance(wait(), Cancelled)
        assert server.settled(0)


# --- what is no socket of the system's


class Channel:
    """A connected socket as paramiko's channels are one: no descriptor, no shutdown, bytes alone."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.settimeout, self.close, self.recv = sock.settimeout, sock.close, sock.recv

    def send(self, data: bytes) -> int:
        assert type(data) is bytes
        return self._sock.send(data)


class Reading:
    """A reader as asyncssh's is one: it cannot be woken by set_exception."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.at_eof = reader.at_eof

    async def read(self, n: int = -1) -> bytes:
        return await self._reader.read(n)


class Writing:
    """A writer as asyncssh's is one: no transport, no start_tls."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.write, self.close, self.is_closing = writer.write, writer.close, writer.is_closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def like_ssh(made: Any) -> Any:
    return Channel(made) if isinstance(made, socket.socket) else (Reading(made[0]), Writing(made[1]))


@pytest.mark.parametrize("tls", [False, True])
def test_an_ssh_channel(seat: Seat, authority: Authority, ways: Ways, tls: bool) -> None:
    with Emulator(ssl_context=authority.server("chat.example") if tls else None) as emulator:
        url = "https://chat.example/acytoo" if tls else NOWHERE
        connect = ways.to(port_of(emulator), like_ssh)
        client = seat.client("acytoo", base_url=url, connect=connect, verify=authority.client(), retry=1)
        for _ in range(2):
            assert seat.complete(client).text == DEFAULT_TEXT
        assert len(ways.asked) == (2 if ways.blocking else 1), "without a descriptor nothing tells whether it is fit"
        seat.close_client(client)
        emulator.wait_for(lambda e: e.open_connections == 0)
        if tls:
            with pytest.raises(TLSFailed, match="certificate was not accepted"):
                ask(seat, "https://chat.example/acytoo", connect=connect)


@pytest.mark.parametrize("tls", [False, True])
def test_an_ssh_channel_stands_still(seat: Seat, authority: Authority, ways: Ways, tls: bool) -> None:
    """The clocks and cancel() end a read that no shutdown and no set_exception can wake."""
    reached = threading.Semaphore(0)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK[:30])
        reached.release()
        peer.gone()

    url = "https://127.0.0.1" if tls else NOWHERE
    with Server(script, authority.server() if tls else None) as server:
        connect = ways.to(server.port, like_ssh)
        with pytest.raises(TimedOut, match="'first_event'"):
            ask(seat, url, connect=connect, verify=authority.client(), timeout=Timeouts(first_event=0.3))
        assert server.settled(0)
        reached.acquire(blocking=False)  # on a busy machine the clock may come before the request
        client = seat.client("acytoo", base_url=url, connect=connect, verify=authority.client(), retry=1)
        stream = seat.stream(client)
        wait = stream.in_background()
        assert reached.acquire(timeout=PATIENCE)
        stream.raw.cancel()
        assert isinstance(wait(), Cancelled)
        assert server.settled(0)


def test_an_ssh_channel_whose_handshake_stands_still(seat: Seat, ways: Ways) -> None:
    with Server(lambda peer: peer.gone()) as server:
        for wrap in (like_ssh, lambda made: made):
            with pytest.raises(TimedOut, match="'connect'"):
                ask(seat, "https://a.example", connect=ways.to(server.port, wrap), timeout=Timeouts(connect=0.2))
        assert server.settled(0)


@pytest.mark.parametrize("ending", ["announced", "cut", "in the handshake"])
def test_how_tls_ends_over_an_ssh_channel(seat: Seat, authority: Authority, ways: Ways, ending: str) -> None:
    """Only close_notify tells that a body which ends with its connection is whole (RFC 9112 9.8)."""

    def script(peer: Peer) -> None:
        if ending == "in the handshake":
            peer.more()
            return
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall")
        if ending == "announced":
            peer.sock.unwrap()
        else:
            socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)

    with Server(script, None if ending == "in the handshake" else authority.server()) as server:
        settings = {"connect": ways.to(server.port, like_ssh), "verify": authority.client()}
        if ending == "announced":
            assert ask(seat, "https://127.0.0.1", **settings) == "all"
        else:
            words = "close_notify" if ending == "cut" else "ended the connection in the TLS handshake"
            with pytest.raises(ChatError, match=words):
                ask(seat, "https://127.0.0.1", **settings)


@pytest.mark.parametrize("proxy_tls", [False, True])
def test_an_ssh_channel_to_a_proxy(seat: Seat, authority: Authority, ways: Ways, proxy_tls: bool) -> None:
    with (
        Emulator(ssl_context=authority.server()) as emulator,
        Server(Tunnels(), authority.server("proxy.example") if proxy_tls else None) as server,
    ):
        proxy = f"http{'s' * proxy_tls}://proxy.example:3128"
        settings = {"proxy": proxy, "verify": authority.client()}
        url = emulator.base_url("acytoo")
        assert ask(seat, url, connect=ways.to(server.port, like_ssh), **settings) == DEFAULT_TEXT
        if proxy_tls:
            settings["proxy"] = "https://other.example:1"
            with pytest.raises(ProxyFailed, match=r"no TLS with the proxy https://other\.example:1"):
                ask(seat, url, connect=ways.to(server.port, like_ssh), **settings)


def test_a_connection_that_is_in_tls_already(authority: Authority) -> None:
    """Of the blocking client; asyncio's own pairs may be in TLS as well. An end without close_notify shows."""
    context = authority.client()

    def connect(host: str, port: int, timeout: float | None) -> socket.socket:
        return context.wrap_socket(socket.create_connection(("127.0.0.1", target)), server_hostname="127.0.0.1")

    with Emulator(ssl_context=authority.server()) as emulator:
        target = port_of(emulator)
        seat = Blocking()
        assert ask(seat, NOWHERE, connect=connect) == DEFAULT_TEXT

    with Emulator(ssl_context=authority.server()) as emulator:

        def relay(peer: Peer) -> None:
            join(peer, "127.0.0.1", port_of(emulator))

        with Server(relay, authority.server()) as outer:  # TLS inside TLS
            target = outer.port
            assert ask(seat, emulator.base_url("acytoo"), connect=connect, verify=context) == DEFAULT_TEXT

    def cut(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf")
        socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)

    with Server(cut, authority.server()) as server:
        target = server.port
        with pytest.raises(ChatError, match="close_notify"):
            ask(seat, NOWHERE, connect=connect)


def test_a_socketpair(emulator: Emulator) -> None:
    ours, theirs = socket.socketpair()
    peer = Peer(theirs, 1, threading.Event())

    def serve() -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi")

    thread = threading.Thread(target=serve)
    thread.start()
    with Client("acytoo", base_url=NOWHERE, connect=lambda host, port, timeout: ours) as client:
        assert client.complete("Hello").text == "hi"
    thread.join()
    theirs.close()


# --- uds=


@contextmanager
def unix(path: Path, script: Callable[[Peer], None]) -> Iterator[Server]:
    """A server on a Unix socket."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    with Server(script, listener=listener) as server:
        yield server


def test_a_unix_socket(
    seat: Seat, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Host field stays the URL's; the environment's proxies do not apply."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:1")
    path = tmp_path / "s"
    with unix(path, lambda peer: join(peer, "127.0.0.1", port_of(emulator))) as server:
        client = seat.client("acytoo", base_url=NOWHERE, uds=path, retry=1)
        for _ in range(3):
            assert seat.complete(client).text == DEFAULT_TEXT
        assert server.connections == 1
        assert ask(seat, uds=str(path)) == DEFAULT_TEXT
        seat.close_client(client)
    assert {request.headers["host"] for request in emulator.requests} == {"chat.example:81"}
    origin = Recorder()
    with unix(tmp_path / "t", origin):
        assert ask(seat, uds=tmp_path / "t") == "ok"
    assert origin.asked[0][0] == "POST /acytoo/api/completions HTTP/1.1", "a proxy would get the whole URL"


def test_tls_over_a_unix_socket(seat: Seat, authority: Authority, tmp_path: Path) -> None:
    with (
        Emulator(ssl_context=authority.server("chat.example")) as emulator,
        unix(tmp_path / "s", lambda peer: join(peer, "127.0.0.1", port_of(emulator))),
    ):
        settings = {"uds": tmp_path / "s", "ssl_context": authority.client()}
        assert ask(seat, "https://chat.example/acytoo", **settings) == DEFAULT_TEXT


def test_a_unix_socket_that_is_not_there(seat: Seat, tmp_path: Path) -> None:
    path = tmp_path / "none.sock"
    with pytest.raises(ConnectFailed, match=f"^no connection to {path}: No such file or directory$"):
        ask(seat, uds=path)
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with pytest.raises(ConnectFailed, match=f"^no connection to {path}: refused$"):
        ask(seat, uds=path)
    with pytest.raises(InvalidRequest, match=r"at most \d+ bytes"):
        ask(seat, uds="x" * 200)


# --- resolver=


def test_a_resolver_is_asked_for_names_alone(seat: Seat, emulator: Emulator) -> None:
    asked: Asked = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.3", "127.0.0.1"]  # nobody listens at the first

    url = emulator.base_url("acytoo")
    assert ask(seat, url.replace("127.0.0.1", "chat.example"), resolver=resolver) == DEFAULT_TEXT
    assert ask(seat, url, resolver=resolver) == DEFAULT_TEXT
    assert asked == [("chat.example", port_of(emulator))]


def test_a_resolver_finds_proxies_and_what_socks5_is_asked_for(seat: Seat, emulator: Emulator) -> None:
    names: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        names.append(host)
        return ["127.0.0.1"]

    with Server(Socks()) as proxy:
        url = emulator.base_url("acytoo").replace("127.0.0.1", "chat.example")
        settings = {"proxy": f"socks5://proxy.example:{proxy.port}", "resolver": resolver}
        assert ask(seat, url, **settings) == DEFAULT_TEXT
    assert names == ["chat.example", "proxy.example"]


def test_an_async_resolver(emulator: Emulator) -> None:
    async def resolver(host: str, port: int) -> tuple[str, ...]:
        await asyncio.sleep(0)
        return ("127.0.0.1",)

    class Callable:
        async def __call__(self, host: str, port: int) -> list[str]:
            raise KeyError(host)

    seat = Asyncio()
    url = emulator.base_url("acytoo").replace("127.0.0.1", "chat.example")
    assert ask(seat, url, resolver=resolver) == DEFAULT_TEXT
    words = r"^no connection to chat\.example:81: the resolver failed: KeyError"
    with pytest.raises(ConnectFailed, match=words) as caught:
        ask(seat, resolver=Callable())
    assert isinstance(caught.value.__cause__, KeyError)
    seat.end()


@pytest.mark.parametrize(
    ("result", "kind", "words"),
    [
        ([], ConnectFailed, r"^no connection to chat\.example:81: the name 'chat\.example' was not found$"),
        (socket.gaierror(socket.EAI_NONAME, "no"), ConnectFailed, "the name 'chat.example' was not found$"),
        (KeyError("secret"), ConnectFailed, r"^no connection to chat\.example:81: the resolver failed: KeyError$"),
        (ConnectionRefusedError(), ConnectFailed, "the resolver failed: refused$"),
        (TLSFailed("theirs"), TLSFailed, "theirs"),
        ("127.0.0.1", InvalidRequest, "resolver= must return a list of IP addresses, not str"),
        (None, InvalidRequest, "resolver= must return a list of IP addresses, not NoneType"),
        (["localhost"], InvalidRequest, "resolver= must return IP addresses as text, not 'localhost'"),
        ([("127.0.0.1", 1)], InvalidRequest, "resolver= must return IP addresses as text, not "),
    ],
)
def test_what_a_resolver_may_do(seat: Seat, result: Any, kind: type[Exception], words: str) -> None:
    def resolver(host: str, port: int) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    with pytest.raises(kind, match=words):
        ask(seat, resolver=resolver)


def test_a_resolver_that_hangs(seat: Seat) -> None:
    go = threading.Event()

    def resolver(host: str, port: int) -> list[str]:
        go.wait(PATIENCE)
        return []

    with pytest.raises(TimedOut, match="'connect'"):
        ask(seat, resolver=resolver, timeout=Timeouts(connect=0.1))
    go.set()


# --- settings


def hook(*_: Any) -> Any:
    raise AssertionError


async def ahook(*_: Any) -> Any:
    raise AssertionError


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"connect": 5}, "connect must be a function, not int"),
        ({"resolver": "dns"}, "resolver must be a function, not str"),
        ({"uds": 5}, "uds must be the path of a Unix socket, not int"),
        ({"uds": ""}, "uds must be the path of a Unix socket, at most .* bytes: ''"),
        ({"uds": "/s", "connect": hook}, "give only one of connect= and uds="),
        ({"resolver": hook, "connect": hook}, "give only one of connect= and resolver="),
        ({"uds": "/s", "proxy": "http://p:1"}, "uds= takes no proxy="),
        ({"max_connections": 0}, "max_connections must be a whole number from 1, not 0"),
        ({"max_connections": True}, "max_connections must be a whole number from 1, not True"),
        ({"max_connections": None}, "max_connections must be a whole number from 1, not a value of type NoneType"),
        ({"ssl_context": "ca.pem"}, "ssl_context must be an ssl.SSLContext, not str"),
        ({"ssl_context": ssl.create_default_context(), "verify": False}, "verify= and ssl_context= say different"),
    ],
)
def test_settings_that_cannot_be(seat: Seat, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        seat.client("acytoo", **settings)


def test_settings_of_one_client_alone() -> None:
    for name in ("connect", "resolver"):
        with pytest.raises(InvalidRequest, match=f"{name} is an async function, which only AsyncClient takes"):
            Client("acytoo", **{name: ahook})  # type: ignore[arg-type]
    seat = Asyncio()
    with pytest.raises(InvalidRequest, match="connect must be an async function for AsyncClient"):
        ask(seat, connect=lambda host, port: None)
    seat.end()


def test_a_calls_proxy_beside_a_unix_socket(seat: Seat) -> None:
    client = seat.client("acytoo", uds="/s")
    with pytest.raises(InvalidRequest, match="uds= takes no proxy="):
        client.stream("Hello", proxy="http://proxy.example:1")
    client.stream("Hello", proxy=False)


def test_a_system_without_unix_sockets(seat: Seat) -> None:
    with pytest.MonkeyPatch.context() as system:  # and not longer, as a loop needs them too
        system.delattr(socket, "AF_UNIX")
        with pytest.raises(InvalidRequest, match="this system has no Unix sockets, which uds= needs"):
            seat.client("acytoo", uds="/s")


@pytest.mark.parametrize("name", ["verify", "ssl_context"])
def test_both_names_of_a_context(seat: Seat, authority: Authority, name: str) -> None:
    context = authority.client()
    with Emulator(ssl_context=authority.server()) as emulator:
        assert ask(seat, emulator.base_url("acytoo"), **{name: context}) == DEFAULT_TEXT
        assert ask(seat, emulator.base_url("acytoo"), verify=context, ssl_context=context) == DEFAULT_TEXT


def test_a_users_session(emulator: Emulator) -> None:
    """A client with a way of its own shares no connection by the session's Adapter, and cannot use a foreign one."""
    from transports.blocking import Adapter

    with Server(lambda peer: join(peer, "127.0.0.1", port_of(emulator))) as server, requests.Session() as session:
        session.mount("http://", Adapter())
        url = emulator.base_url("acytoo")

        def connect(host: str, port: int, timeout: float | None) -> socket.socket:
            return socket.create_connection(("127.0.0.1", server.port))

        with Client("acytoo", base_url=url, session=session) as plain, Client(
            "acytoo", base_url=url, session=session, connect=connect
        ) as own:
            for client in (plain, own, plain, own):
                assert client.complete("Hello").text == DEFAULT_TEXT
            assert server.connections == 1
            assert [request.connection for request in emulator.requests] == [1, 2, 1, 2]
        session.mount("http://", type("Foreign", (requests.adapters.HTTPAdapter,), {})())
        with (
            Client("acytoo", base_url=url, session=session, resolver=hook) as client,
            pytest.raises(InvalidRequest, match="no say in a session's own adapter"),
        ):
            client.complete("Hello")
        session.proxies = {"http": "http://proxy.example:1"}
        with pytest.raises(InvalidRequest, match="uds= takes no proxy="):
            Client("acytoo", session=session, uds="/s")
