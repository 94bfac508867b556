"""The blocking wire's deadlines and cancel(), in every phase."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ports import silent_port
from socket_harness import (
    OK,
    PATIENCE,
    Authority,
    Peer,
    Server,
    answering,
    body,
    cancelling,
    fetch,
    get,
    nothing_is_left,  # noqa: F401  # a fixture
    soon,
    within,
)  # fmt: skip

from sansio_core import Send
from sansio_core.errors import Cancelled, TimedOut
from sansio_core.wire import HttpRequest
from transports._requests.wire import Connections, RequestsWire

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SHORT = 0.2


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def wire(authority: Authority) -> Iterator[RequestsWire]:
    connections = Connections(verify=authority.client())
    wire = RequestsWire(connections)
    yield wire
    wire.close()
    connections.close()


class SlowNames:
    """socket.getaddrinfo that answers for `slow.example` when `go` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self._real = socket.getaddrinfo
        self._threads: list[threading.Thread] = []
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, *args: Any, **kwargs: Any) -> Any:
        if host != "slow.example":
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


def silent(peer: Peer) -> None:
    peer.gone()


def connect_by(seconds: float) -> dict[str, float]:
    return {"connect_deadline": time.monotonic() + seconds}


def upload(port: int, scheme: str = "http") -> Send:
    """More than the system buffers."""
    return Send(HttpRequest("POST", f"{scheme}://127.0.0.1:{port}/", (), b"x" * 32 * 1024 * 1024))


def read_all(wire: RequestsWire, deadline: float) -> None:
    while wire.read(deadline):
        pass


def ask(wire: RequestsWire, action: Send) -> None:
    wire.send(action, soon())
    read_all(wire, soon())


# --- deadlines


def test_connect_deadline_in_the_look_up(wire: RequestsWire, names: SlowNames) -> None:
    with within(SHORT), pytest.raises(TimedOut) as raised:
        wire.send(get(1, host="slow.example", **connect_by(SHORT)), soon())
    assert raised.value.clock == "connect"
    assert 0 < raised.value.seconds <= SHORT  # less what went by before the wire was asked


def test_a_slow_look_up_that_ends_in_time(wire: RequestsWire, names: SlowNames) -> None:
    with Server(answering(OK)) as server:
        starter = threading.Thread(target=lambda: names.asked.wait(PATIENCE) and names.go.set())
        starter.start()
        assert fetch(wire, get(server.port, host="slow.example")) == b"ok"
        starter.join()


def test_connect_deadline_in_the_connect(wire: RequestsWire) -> None:
    with silent_port() as port, within(SHORT), pytest.raises(TimedOut, match="'connect'"):
        wire.send(get(port, **connect_by(SHORT)), None)


def test_several_addresses_share_the_connect_deadline(wire: RequestsWire, monkeypatch: pytest.MonkeyPatch) -> None:
    def tcp(port: int) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with silent_port() as port:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: tcp(port) * 4)
        with within(SHORT), pytest.raises(TimedOut):
            wire.send(get(port, **connect_by(SHORT)), soon())
        with Server(answering(OK)) as server:
            addresses = tcp(port) + tcp(server.port)
            monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: addresses)
            assert fetch(wire, get(port, **connect_by(PATIENCE))) == b"ok"


@pytest.mark.parametrize("secret", [b"", b"\x16\x03\x03\x40\x00" + b"\x02" * 1000])
def test_connect_deadline_in_the_tls_handshake(wire: RequestsWire, secret: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.drip(secret) if secret else peer.gone()

    with Server(script) as server, within(SHORT), pytest.raises(TimedOut, match="'connect'"):
        wire.send(get(server.port, scheme="https", **connect_by(SHORT)), soon())


def test_the_deadline_of_the_whole_while_connecting_is_not_the_connect_clock(wire: RequestsWire) -> None:
    with silent_port() as port, within(SHORT), pytest.raises(TimeoutError):
        wire.send(get(port, **connect_by(PATIENCE)), time.monotonic() + SHORT)


def test_connect_deadline_does_not_bound_what_follows(wire: RequestsWire) -> None:
    deadline = time.monotonic() + 0.5

    def script(peer: Peer) -> None:
        peer.request()
        while time.monotonic() < deadline:
            time.sleep(0.01)
        peer.send(OK)

    with Server(script) as server:
        wire.send(get(server.port, connect_deadline=deadline), soon())
        assert body(wire) == b"ok"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_deadline_in_the_send(wire: RequestsWire, authority: Authority, scheme: str) -> None:
    done = threading.Event()
    tls = authority.server("127.0.0.1") if scheme == "https" else None
    with Server(lambda peer: done.wait(PATIENCE) and None, tls) as server:
        with within(SHORT), pytest.raises(TimeoutError):
            wire.send(upload(server.port, scheme), time.monotonic() + SHORT)
        done.set()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("silence", [True, False])
def test_deadline_in_the_head(wire: RequestsWire, authority: Authority, scheme: str, silence: bool) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.gone() if silence else peer.drip(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1000)

    tls = authority.server("127.0.0.1") if scheme == "https" else None
    with Server(script, tls) as server, within(SHORT), pytest.raises(TimeoutError):
        wire.send(get(server.port, scheme=scheme), time.monotonic() + SHORT)


@pytest.mark.parametrize("framing", ["chunked", "size line", "length"])
@pytest.mark.parametrize("silence", [True, False])
def test_deadline_in_the_body(wire: RequestsWire, framing: str, silence: bool) -> None:
    heads = {
        "chunked": CHUNKED + b"400\r\n",
        "size line": CHUNKED + b"1;",
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    }

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(heads[framing])
        peer.gone() if silence else peer.drip(b"x" * 1000)

    with Server(script) as server:
        wire.send(get(server.port), soon())
        deadline = time.monotonic() + SHORT
        with within(SHORT), pytest.raises(TimeoutError):
            read_all(wire, deadline)


def test_a_read_may_be_tried_again_after_its_deadline(wire: RequestsWire) -> None:
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + b"5\r\nfir")
        assert go.wait(PATIENCE)
        peer.send(b"st\r\n0\r\n\r\n")
        peer.gone()

    with Server(script) as server:
        wire.send(get(server.port), soon())
        assert wire.read(soon()) == b"fir"
        for seconds in (0.05, -1.0):
            with pytest.raises(TimeoutError):
                wire.read(time.monotonic() + seconds)
        go.set()
        assert wire.read(None) == b"st"
        assert wire.read(soon()) == b""


def test_a_long_deadline_renewed_for_every_read(wire: RequestsWire) -> None:
    turn = threading.Semaphore(0)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED)
        for _ in range(20):
            assert turn.acquire(timeout=PATIENCE)
            peer.send(b"1\r\nx\r\n")
        peer.gone()

    with Server(script) as server:
        total = soon()
        wire.send(get(server.port), total)
        for i in range(20):
            turn.release()
            assert wire.read(None if i == 7 else min(total, time.monotonic() + 5 + i)) == b"x"
        with within(0.1), pytest.raises(TimeoutError):
            wire.read(time.monotonic() + 0.1)


def test_sleep(wire: RequestsWire) -> None:
    with within(0.05):
        wire.sleep(0.05)


# --- cancel


def test_cancel_before_anything(wire: RequestsWire) -> None:
    wire.cancel()
    with Server(answering(OK)) as server:
        with pytest.raises(Cancelled):
            wire.send(get(server.port), soon())
        assert server.connections == 0
    with pytest.raises(Cancelled):
        wire.sleep(PATIENCE)
    with pytest.raises(Cancelled):
        wire.read(soon())


def test_cancel_in_the_look_up(wire: RequestsWire, names: SlowNames) -> None:
    with cancelling(wire, names.asked), pytest.raises(Cancelled):
        wire.send(get(1, host="slow.example"), soon())


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_cancel_in_the_connect(wire: RequestsWire, delay: float) -> None:
    when = threading.Event()
    timer = threading.Timer(delay, when.set)  # both before and while it waits must do
    timer.start()
    with silent_port() as port, cancelling(wire, when), pytest.raises(Cancelled):
        wire.send(get(port), soon())
    timer.join()


def test_cancel_in_the_tls_handshake(wire: RequestsWire) -> None:
    hello = threading.Event()

    def script(peer: Peer) -> None:
        peer.exactly(1)
        hello.set()
        peer.gone()

    with Server(script) as server, cancelling(wire, hello), pytest.raises(Cancelled):
        wire.send(get(server.port, scheme="https"), soon())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cancel_in_the_send(wire: RequestsWire, authority: Authority, scheme: str) -> None:
    began, done = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.exactly(1)
        began.set()
        assert done.wait(PATIENCE)

    with Server(script, authority.server("127.0.0.1") if scheme == "https" else None) as server:
        with cancelling(wire, began), pytest.raises(Cancelled):
            wire.send(upload(server.port, scheme), soon())
        done.set()


@pytest.mark.parametrize("end", ["cancel", "close"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nx: ", CHUNKED, CHUNKED + b"5\r\nfir"])
def test_cancel_and_close_in_the_answer(
    wire: RequestsWire, authority: Authority, scheme: str, sent: bytes, end: str
) -> None:
    reached, gone = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(sent)
        reached.set()
        peer.gone()
        gone.set()

    def finish() -> None:
        assert reached.wait(PATIENCE)
        # close() acts on what is under way: so it is called until it met that
        while not gone.is_set():
            wire.close() if end == "close" else wire.cancel()
            gone.wait(0.01)

    thread = threading.Thread(target=finish)
    with Server(script, authority.server("127.0.0.1") if scheme == "https" else None) as server:
        thread.start()
        with pytest.raises(Cancelled):
            ask(wire, get(server.port, scheme=scheme))
        thread.join()


def test_cancel_in_sleep(wire: RequestsWire) -> None:
    with cancelling(wire), pytest.raises(Cancelled):
        wire.sleep(PATIENCE)


def test_cancel_after_the_end_leaves_the_kept_connection_alone(wire: RequestsWire) -> None:
    with Server(answering(OK, OK)) as server:
        other = RequestsWire(wire._connections)
        assert fetch(wire, get(server.port)) == b"ok"
        wire.cancel()
        wire.close()
        assert fetch(other, get(server.port)) == b"ok"
        assert server.connections == 1
