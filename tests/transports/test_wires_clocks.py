"""The wires' deadlines, cancel() and close(), wherever a call may stand still: in silence, or byte after byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ports import silent_port
from servers import OK, PATIENCE, Authority, Peer, Server, answering
from wires import Wire, Wires, after, ending, get, soon, within

from sansio_core import Send
from sansio_core.errors import Cancelled, ClientClosed, TimedOut
from sansio_core.http_request import HttpRequest
from transports._shared.addresses import EYEBALLS_DELAY

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HANDSHAKE = b"\x16\x03\x03\x40\x00" + b"\x02" * 1000
"""The beginning of a server's half of a TLS handshake."""
TUNNEL = b"HTTP/1.1 200 OK\r\n\r\n"
SHORT = 0.1


@dataclass
class Stall:
    """Where a call stands still: the server sends `begun`, and then nothing, or `drip` again and again.

    `tls`: the server shakes hands. `connecting`: the connect clock runs, unlike in the rest of the call.
    """

    begun: bytes = b""
    drip: bytes = b""
    scheme: str = "http"
    proxy: str = ""
    tls: bool = False
    connecting: bool = False
    upload: bool = False

    def server(self, authority: Authority, reached: threading.Event) -> Server:
        def script(peer: Peer) -> None:
            if self.upload:
                peer.sock.recv(1)
                reached.set()
                peer.deaf()
            if self.connecting and not self.begun:
                peer.more()
            else:
                peer.request()
            peer.send(self.begun)
            if self.begun == TUNNEL:
                peer.more()
            reached.set()
            peer.drip(self.drip) if self.drip else peer.gone()

        return Server(script, authority.server() if self.tls else None)

    def call(self, wire: Wire, port: int, connect_deadline: float | None, deadline: float) -> None:
        body = b"x" * (32 << 20) if self.upload else b""  # more than the system buffers
        url = f"{self.scheme}://127.0.0.1:{port}/"
        wire.send(Send(HttpRequest("POST", url, (), body), connect_deadline=connect_deadline), deadline)
        while wire.read(deadline):
            pass


CONNECTING = {
    "TLS": Stall(scheme="https"),
    "TLS, drip": Stall(scheme="https", drip=HANDSHAKE),
    "http proxy": Stall(scheme="https", proxy="http"),
    "http proxy, drip": Stall(scheme="https", proxy="http", drip=b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1000),
    "https proxy": Stall(scheme="https", proxy="https"),
    "https proxy's answer": Stall(scheme="https", proxy="https", tls=True),
    "TLS inside TLS": Stall(scheme="https", proxy="https", tls=True, begun=TUNNEL),
    "TLS inside TLS, drip": Stall(scheme="https", proxy="https", tls=True, begun=TUNNEL, drip=HANDSHAKE),
    "socks5": Stall(proxy="socks5"),
    "socks5h, drip": Stall(proxy="socks5h", drip=b"\x05\x00\x05\x00\x00\x03\xff" + b"x" * 255),
}
for place in CONNECTING.values():
    place.connecting = True
STALLS = CONNECTING | {
    "sending": Stall(upload=True),
    "sending in TLS": Stall(scheme="https", tls=True, upload=True),
    "head": Stall(),
    "head, drip": Stall(drip=b"x", begun=b"HTTP/1.1 200 OK\r\nx: "),
    "head in TLS, drip": Stall(scheme="https", tls=True, drip=b"x", begun=b"HTTP/1.1 200 OK\r\nx: "),
    "body": Stall(begun=CHUNKED + b"5\r\nfir"),
    "body in TLS": Stall(scheme="https", tls=True, begun=CHUNKED + b"5\r\nfir"),
    "chunk, drip": Stall(begun=CHUNKED + b"ffffff\r\n", drip=b"x"),
    "chunk's size, drip": Stall(begun=CHUNKED + b"1;", drip=b"x"),
    "length, drip": Stall(begun=b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", drip=b"x"),
}


@pytest.fixture
def wire(wires: Wires, authority: Authority) -> Wire:
    return wires.wire(verify=authority.client())


@pytest.fixture(params=STALLS)
def stall(request: pytest.FixtureRequest) -> Stall:
    return STALLS[request.param]


Caller = Callable[[Server, Stall], Wire]


@pytest.fixture
def wire_to(wires: Wires, authority: Authority) -> Caller:
    def wire_to(server: Server, stall: Stall) -> Wire:
        proxy = f"{stall.proxy}://127.0.0.1:{server.port}" if stall.proxy else False
        return wires.wire(verify=authority.client(), proxy=proxy)

    return wire_to


def test_a_deadline_ends_it(wires: Wires, wire_to: Caller, stall: Stall, authority: Authority) -> None:
    with stall.server(authority, threading.Event()) as server:
        wire = wire_to(server, stall)
        if stall.connecting:
            with within(SHORT), pytest.raises(TimedOut, match="'connect'"):
                stall.call(wire, server.port, after(SHORT), soon())
        else:
            with within(SHORT), pytest.raises(TimeoutError):
                stall.call(wire, server.port, soon(), after(SHORT))
        wire.leave()
        assert stall.upload or wires.left(server)


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_another_thread_ends_it(
    wires: Wires, wire_to: Caller, stall: Stall, authority: Authority, how: str
) -> None:
    reached = threading.Event()
    with stall.server(authority, reached) as server:
        wire = wire_to(server, stall)
        with ending(wire, how, reached):
            stall.call(wire, server.port, None, soon())
        assert stall.upload or wires.left(server)


# --- before there is a connection


class SlowNames:
    """socket.getaddrinfo that answers for names under `slow.example` when `go` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self._real = socket.getaddrinfo
        self._threads: list[threading.Thread] = []
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, *args: Any, **kwargs: Any) -> Any:
        if not host.endswith(".slow.example"):
            return self._real(host, *args, **kwargs)
        if kwargs.get("flags"):
            raise socket.gaierror
        self._threads.append(threading.current_thread())
        self.asked.set()
        assert self.go.wait(PATIENCE)
        return self._real("127.0.0.1", *args, **kwargs)

    def end(self) -> None:
        self.go.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    names = SlowNames(monkeypatch)
    yield names
    names.end()


def test_a_look_up_is_ended(wire: Wire, names: SlowNames) -> None:
    with within(SHORT), pytest.raises(TimedOut) as raised:
        wire.send(get(1, host="a.slow.example", connect_deadline=after(SHORT)), soon())
    assert raised.value.clock == "connect"
    assert raised.value.seconds is not None
    assert 0 <= raised.value.seconds <= SHORT  # less what went by before the wire was asked
    names.asked.clear()
    with ending(wire, "cancel", names.asked):
        wire.send(get(1, host="b.slow.example"), soon())


def test_a_slow_look_up_that_ends_in_time(wire: Wire, names: SlowNames) -> None:
    with Server(answering(OK)) as server:
        starter = threading.Thread(target=lambda: names.asked.wait(PATIENCE) and names.go.set())
        starter.start()
        assert wire.fetch(get(server.port, host="c.slow.example")) == b"ok"
        starter.join()


def test_a_connect_is_ended(wire: Wire) -> None:
    with silent_port() as port:
        with within(SHORT), pytest.raises(TimedOut, match="'connect'"):
            wire.send(get(port, connect_deadline=after(SHORT)), None)
        with within(SHORT), pytest.raises(TimeoutError) as raised:  # the clock of the whole is another
            wire.send(get(port, connect_deadline=soon()), after(SHORT))
        assert type(raised.value) is TimeoutError


@pytest.mark.parametrize("delay", [0.0, 0.1, 1.2 * EYEBALLS_DELAY])
def test_a_connect_is_cancelled(wire: Wire, delay: float) -> None:
    when = threading.Event()
    timer = threading.Timer(delay, when.set)  # before it waits, while, and where it looks for no other address
    timer.start()
    with silent_port() as port, ending(wire, "cancel", when):
        wire.send(get(port), soon())
    timer.join()


def test_several_addresses_share_the_connect_deadline(wire: Wire, resolve: Callable[..., None]) -> None:
    with silent_port() as port:
        resolve(*["127.0.0.1"] * 4)
        with within(SHORT), pytest.raises(TimedOut):
            wire.send(get(port, host="chat.example", connect_deadline=after(SHORT)), soon())


# --- what a deadline does not end


def test_connect_deadline_does_not_bound_what_follows(wire: Wire) -> None:
    deadline = after(0.3)

    def script(peer: Peer) -> None:
        peer.request()
        while time.monotonic() < deadline:
            time.sleep(0.01)
        peer.send(OK)

    with Server(script) as server:
        wire.send(get(server.port, connect_deadline=deadline), soon())
        assert wire.body() == b"ok"


def test_a_read_after_its_deadline(wires: Wires) -> None:
    """The blocking wire may try again; with asyncio the connection is of no more use."""
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + b"5\r\nfir")
        assert go.wait(PATIENCE)
        peer.send(b"st\r\n0\r\n\r\n")
        peer.gone()

    with Server(script) as server:
        wire = wires.wire()
        wire.send(get(server.port), soon())
        assert wire.read(after(PATIENCE)) == b"fir"
        for seconds in (0.05, -1.0):
            with pytest.raises(TimeoutError):
                wire.read(after(seconds))
        go.set()
        if wires.kind == "blocking":
            assert wire.read(None) == b"st"
            assert wire.read(soon()) == b""
        else:
            with pytest.raises(TimeoutError):
                wire.read(soon())
        wire.close()
        with pytest.raises(Cancelled):
            wire.read(None)


def test_a_long_deadline_renewed_for_every_read(wire: Wire) -> None:
    turn = threading.Semaphore(0)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED)
        for _ in range(20):
            assert turn.acquire(timeout=PATIENCE)
            peer.send(b"1\r\nx\r\n")
        peer.gone()

    with Server(script) as server:
        wire.send(get(server.port), soon())
        for i in range(20):
            turn.release()
            assert wire.read(None if i == 7 else after(5 + i % 3)) == b"x"
        with within(0.1), pytest.raises(TimeoutError):
            wire.read(after(0.1))


def test_what_came_in_time_is_read_though_late(wire: Wire) -> None:
    """A reader may be busy with a piece for longer than the next one's clock allows."""
    asked, sent = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfirst")
        assert asked.wait(PATIENCE)
        peer.send(b"second")
        sent.set()
        peer.gone()

    with Server(script) as server:
        wire.send(get(server.port), soon())
        assert wire.read(soon()) == b"first"
        deadline = after(0.05)
        asked.set()
        assert sent.wait(PATIENCE)
        time.sleep(0.1)  # that is the case
        assert wire.read(deadline) == b"second"
        with pytest.raises(TimeoutError):
            wire.read(deadline)


# --- waiting; a wire that was cancelled


def test_sleep(wire: Wire) -> None:
    with within(0.05):
        wire.sleep(0.05)
    when = threading.Event()
    when.set()
    with ending(wire, "cancel", when):
        wire.sleep(PATIENCE)


def test_closing_the_client_ends_a_sleep(wires: Wires) -> None:
    """Of a stream, too, that has sent nothing: it may wait for what another one fetches. Later ones do not begin."""
    pool = wires.pool()
    wire = wires.wire(pool)
    timer = threading.Timer(0.02, pool.close)
    timer.start()
    for _ in range(2):
        with pytest.raises(ClientClosed):
            wire.sleep(PATIENCE)
    timer.join()


def test_cancelled_once_is_cancelled_for_good(wires: Wires) -> None:
    pool = wires.pool()
    wire, closed, other = (wires.wire(pool) for _ in range(3))
    with Server(answering(OK, OK, OK)) as server:
        for _ in range(2):
            wire.cancel()
            wire.close()
            closed.close()
            for attempt in (lambda: wire.send(get(server.port)), lambda: wire.read(soon()), lambda: wire.sleep(1)):
                with pytest.raises(Cancelled):
                    attempt()
            assert closed.fetch(get(server.port)) == b"ok"
            closed.sleep(0)
        closed.cancel()
        closed.close()
        assert other.fetch(get(server.port)) == b"ok"  # on the connection that was kept
        assert server.connections == 1
