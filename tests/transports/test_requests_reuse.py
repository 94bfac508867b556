"""The blocking wire: which connections are used again, and what ends them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from ports import closed_port
from socket_harness import (
    OK,
    PATIENCE,
    Peer,
    Server,
    answering,
    fetch,
    get,
    nothing_is_left,  # noqa: F401  # a fixture
    soon,
)

from sansio_core import Limits, Send
from sansio_core.errors import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
)
from sansio_core.http_request import HttpRequest
from transports._requests.wire import Connections, RequestsWire

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = Connections(limits=Limits(head=4096))
    yield connections
    connections.close()


@pytest.fixture
def wire(connections: Connections) -> Iterator[RequestsWire]:
    wire = RequestsWire(connections)
    yield wire
    wire.close()


def chunk(data: bytes) -> bytes:
    return b"%x;ext=1\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("answer", [OK, CHUNKED + chunk(b"ok") + b"0\r\n\r\n", HEAD + b"content-length: 0\r\n\r\n"])
def test_a_body_at_its_end_gives_the_connection_back(wire: RequestsWire, answer: bytes) -> None:
    with Server(answering(answer, answer, answer)) as server:
        for _ in range(2):
            fetch(wire, get(server.port))
        assert server.connections == 1
        fetch(wire, get(server.port, fresh=True))
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Connection: x, Close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + OK,
        CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + OK,
    ],
)
def test_a_connection_that_cannot_be_trusted_is_not_used_again(wire: RequestsWire, answer: bytes) -> None:
    with Server(answering(answer, b"HTTP/1.1 500 Wrong\r\n\r\n")) as server:
        for _ in range(2):
            assert fetch(wire, get(server.port)) == b"ok"
        assert server.connections == 2


def test_a_second_response_that_comes_later_is_nobodys(wire: RequestsWire) -> None:
    done, sent, first = threading.Event(), threading.Event(), [True]

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        if first and first.pop():
            assert done.wait(PATIENCE)
            peer.send(b"HTTP/1.1 500 Wrong\r\nContent-Length: 0\r\n\r\n")
            sent.set()
        peer.gone()

    with Server(script) as server:
        assert fetch(wire, get(server.port)) == b"ok"
        done.set()
        assert sent.wait(PATIENCE)
        assert wire.send(get(server.port), soon())[0] == 200
        assert server.connections == 2


@pytest.mark.parametrize("end", ["eof", "reset"])
def test_a_stale_connection_says_that_it_was_reused(wire: RequestsWire, end: str) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()  # and only now it ends: nobody could know before
        if end == "reset":
            peer.reset()

    with Server(script) as server:
        assert fetch(wire, get(server.port)) == b"ok"
        with pytest.raises(ConnectionLost) as raised:
            wire.send(get(server.port), soon())
        assert raised.value.reused
        assert fetch(wire, get(server.port, fresh=True)) == b"ok"


def test_an_idle_connection_that_the_server_ended_is_replaced(wire: RequestsWire) -> None:
    ended = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.sock.close()
        ended.set()

    with Server(script) as server:
        for _ in range(3):
            ended.clear()
            assert fetch(wire, get(server.port)) == b"ok"
            assert ended.wait(PATIENCE)
        assert server.connections == 3


def test_leaving_an_unfinished_body_closes_at_once(wire: RequestsWire) -> None:
    gone = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + chunk(b"first"))
        peer.gone()
        gone.set()

    with Server(script) as server:
        for end in (wire.leave, wire.close):
            gone.clear()
            wire.send(get(server.port), soon())
            assert wire.read(soon()) == b"first"
            end()
            end()
            assert gone.wait(PATIENCE)
        assert server.connections == 2


def test_an_answer_before_the_whole_request_was_read(wire: RequestsWire) -> None:
    def script(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        peer.sock.shutdown(socket.SHUT_WR)
        peer.gone()

    with Server(script) as server:
        request = HttpRequest("POST", f"http://127.0.0.1:{server.port}/", (), b"x" * 300_000)
        assert wire.send(Send(request), soon())[0] == 413


def test_closing_the_connections_ends_what_is_open(connections: Connections) -> None:
    wire = RequestsWire(connections)
    with Server(answering(CHUNKED + chunk(b"first"))) as server:
        wire.send(get(server.port), soon())
        wire.read(soon())
        connections.close()
        with pytest.raises(Cancelled):
            wire.read(soon())


def test_many_threads_share_the_connections(connections: Connections) -> None:
    def script(peer: Peer) -> None:
        while True:
            first, _, _ = peer.request()
            data = first.split()[1].encode()
            peer.send(CHUNKED + chunk(data) + b"0\r\n\r\n")

    results: list[bool] = []

    def work(name: str) -> None:
        for i in range(20):
            path = f"/{name}/{i}"
            results.append(fetch(RequestsWire(connections), get(server.port, path)) == path.encode())

    with Server(script) as server:
        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [True] * 320
        assert server.connections <= 32
        connections.close()


def test_names_and_refusals(wire: RequestsWire, monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    with pytest.raises(ConnectFailed, match=rf"no connection to 127\.0\.0\.1:{port}: refused"):
        wire.send(get(port), soon())
    with pytest.raises(ConnectFailed, match=r"'no-such-name\.invalid' was not found"):
        wire.send(get(port, host="no-such-name.invalid"), soon())
    with pytest.raises(ConnectFailed, match="was not found"):
        wire.send(get(port, host="x" * 64 + ".example"), soon())
    real = socket.getaddrinfo

    def several(host: str, port: int, **kwargs: int) -> object:
        if host != "several.example":
            return real(host, port, **kwargs)
        if kwargs.get("flags"):
            raise socket.gaierror
        return real("127.0.0.2", port, **kwargs) + real("127.0.0.1", port, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", several)
    with Server(answering(OK)) as server:
        assert fetch(wire, get(server.port, host="several.example")) == b"ok"
