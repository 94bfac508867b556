"""The blocking wire: framings, heads, reuse, TLS; on hand-written servers."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from socket_harness import (
    PATIENCE,
    Peer,
    Server,
    answering,
    body,
    get,
    nothing_is_left,  # noqa: F401  # a fixture
    soon,
)

from sansio_core import Limits, Send
from sansio_core.errors import (
    Cancelled,
    ChatError,
    ConnectionLost,
    LimitExceeded,
    ProtocolViolation,
    StreamTruncated,
    UnexpectedContent,
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


def squeeze(data: bytes, kind: int) -> list[bytes]:
    """`data` in two pieces, each of which can be decoded when it is in."""
    squeezer = zlib.compressobj(wbits=kind)
    half = len(data) // 2
    first = squeezer.compress(data[:half]) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    return [first, squeezer.compress(data[half:]) + squeezer.flush()]


def collect(wire: RequestsWire, pieces: list[bytes]) -> None:
    """Every piece of the body, also of one that fails."""
    while data := wire.read(soon()):
        pieces.append(data)


def chunk(data: bytes) -> bytes:
    return b"%x;ext=1\r\n%s\r\n" % (len(data), data)


FRAMINGS = {
    "chunked": (CHUNKED, [chunk(b"first"), chunk(b"second") + b"0\r\nTrailer: x\r\n\r\n"]),
    "length": (HEAD + b"Content-Length: 11\r\n\r\n", [b"first", b"second"]),
    "close": (HEAD + b"Connection: close\r\n\r\n", [b"first", b"second"]),
    "http/1.0": (b"HTTP/1.0 200 OK\r\n\r\n", [b"first", b"second"]),
}
for coding, kind in {"gzip": 31, "deflate": 15, "x-gzip": 31}.items():
    packed = squeeze(b"firstsecond!"[:-2], kind)
    FRAMINGS[f"close {coding}"] = (HEAD + f"Content-Encoding: {coding}\r\n\r\n".encode(), packed)
    FRAMINGS[f"chunked {coding}"] = (
        HEAD + f"Content-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
        [chunk(packed[0]), chunk(packed[1]) + b"0\r\n\r\n"],
    )


@pytest.mark.parametrize("framing", FRAMINGS)
def test_what_arrived_is_handed_on_before_the_rest_is_sent(wire: RequestsWire, framing: str) -> None:
    head, (first, second) = FRAMINGS[framing]
    seen = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(head, first)
        assert seen.wait(PATIENCE)
        peer.send(second)

    with Server(script) as server:
        wire.send(get(server.port), soon())
        data = wire.read(soon())
        assert data == b"first"
        seen.set()
        assert data + body(wire) in (b"firstsecond", b"firstsecon")


@pytest.mark.parametrize("framing", FRAMINGS)
def test_one_byte_at_a_time(wire: RequestsWire, framing: str) -> None:
    head, pieces = FRAMINGS[framing]
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

    def script(peer: Peer) -> None:
        peer.request()
        data = interim + head + b"".join(pieces)
        peer.send(*(data[i : i + 1] for i in range(len(data))))

    with Server(script) as server:
        status, headers = wire.send(get(server.port), soon())
        assert status == 200
        assert all(name == name.lower() for name, _ in headers)
        assert body(wire) in (b"firstsecond", b"firstsecon")


def test_chunks_of_one_receive_are_joined(wire: RequestsWire) -> None:
    with Server(answering(CHUNKED + chunk(b"ab") * 1000 + b"0\r\n\r\n")) as server:
        wire.send(get(server.port), soon())
        pieces: list[bytes] = []
        collect(wire, pieces)
        assert b"".join(pieces) == b"ab" * 1000
        assert len(pieces) < 100
        assert wire.read(soon()) == b""


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (CHUNKED + b"5\r\nfir", StreamTruncated),
        (CHUNKED + b"3\r\nfir", StreamTruncated),
        (CHUNKED + b"3\r\nfir\r\n", StreamTruncated),
        (CHUNKED + b"3\r\nfir\r\n5", StreamTruncated),
        (CHUNKED + b"3\r\nfir\r\n0\r\n", StreamTruncated),
        (CHUNKED + b"3\r\nfir\r\n0\r\nTrailer: x\r\n", StreamTruncated),
        (HEAD + b"Content-Length: 9\r\n\r\nfir", StreamTruncated),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"fir", mtime=0)[:-4], StreamTruncated),
        (CHUNKED + b"3\r\nfir\r\n+3\r\n", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n0x3\r\n", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n1_0\r\n", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n-1\r\n", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n" + b"f" * 20 + b"\r\n", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n3;" + b"x" * 9000, ProtocolViolation),
        (CHUNKED + b"3\r\nfirst", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n0\r\nno field\r\n\r\n", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n0\r\nlong: " + b"x" * 5000, LimitExceeded),
    ],
)
def test_a_broken_body_gives_its_good_part_and_then_its_fault(
    wire: RequestsWire, answer: bytes, kind: type[ChatError]
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(answer)

    with Server(script) as server:
        wire.send(get(server.port), soon())
        read: list[bytes] = []
        with pytest.raises(kind) as raised:
            collect(wire, read)
        assert type(raised.value) is kind
        assert b"".join(read) == b"fir"
        with pytest.raises(Cancelled):
            wire.read(soon())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", ProtocolViolation),
        (b"HTTP/2.0 200 OK\r\n\r\n", ProtocolViolation),
        (b"HTTP/1.1 99 OK\r\n\r\n", ProtocolViolation),
        (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", ProtocolViolation),
        (b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n", ProtocolViolation),
        (b"HTTP/1.1 200 OK\r\nname : x\r\n\r\n", ProtocolViolation),
        (b"HTTP/1.1 200 OK\r\nnul: \0\r\n\r\n", ProtocolViolation),
        (b"HTTP/1.1 200 OK\r\ncr: a\rb\r\n\r\n", ProtocolViolation),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", ProtocolViolation),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", ProtocolViolation),
        (HEAD + b"Content-Length: +5\r\n\r\n", ProtocolViolation),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", ProtocolViolation),
        (HEAD + b"Long: " + b"x" * 5000 + b"\r\n\r\n", LimitExceeded),
        (HEAD + b"Long: " + b"x" * 5000, LimitExceeded),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 1000, LimitExceeded),
        (b"", ConnectionLost),
        (HEAD, ConnectionLost),
    ],
)
def test_a_broken_head(wire: RequestsWire, answer: bytes, kind: type[ChatError]) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(answer)

    with Server(script) as server, pytest.raises(kind) as raised:
        wire.send(get(server.port), soon())
    assert type(raised.value) is kind
    assert not getattr(raised.value, "reused", False)


@pytest.mark.parametrize("where", ["head", "inside head", "body"])
def test_a_reset_is_a_lost_connection(wire: RequestsWire, where: str) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        if where != "head":
            peer.send(HEAD if where == "inside head" else CHUNKED + b"3\r\nfir\r\n")
            assert seen.wait(PATIENCE)
        peer.reset()

    seen = threading.Event()
    with Server(script) as server:
        if where == "body":
            wire.send(get(server.port), soon())
            assert wire.read(soon()) == b"fir"
        seen.set()
        with pytest.raises(ConnectionLost) as raised:
            wire.read(soon()) if where == "body" else wire.send(get(server.port), soon())
        assert not raised.value.reused


def test_heads_as_servers_write_them(wire: RequestsWire) -> None:
    answer = (
        b"HTTP/1.1 200\nX-Folded: one\n\ttwo\nX-Latin: \xe9 \r\nSet-Cookie: a=1\r\nset-cookie: b=2\nX-Empty:\n"
        b"Content-Length: 2, 2\n\nok"
    )
    with Server(answering(answer, b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        assert wire.send(get(server.port), soon()) == (
            200,
            [
                ("x-folded", "one two"), ("x-latin", "é"), ("set-cookie", "a=1"), ("set-cookie", "b=2"),
                ("x-empty", ""), ("content-length", "2"),
            ],
        )  # fmt: skip
        assert body(wire) == b"ok"
        assert wire.send(get(server.port), soon()) == (204, [])
        assert body(wire) == b""
        assert server.connections == 1


def test_the_request_is_the_cores_to_the_letter(
    wire: RequestsWire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        for _ in range(3):
            data = b""
            while b"\r\n\r\n" not in data or (b": 3\r\n" in data and data.endswith(b"\r\n\r\n")):
                data += peer.sock.recv(65536)
            seen.append(data)
            peer.send(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    with Server(script) as server:
        url = f"http://127.0.0.1:{server.port}"
        fields = (("Authorization", "Bearer k"), ("X-Twice", "1"), ("x-twice", "2"))
        for request in (
            HttpRequest("POST", f"{url}/a%20b?q=<1>#fragment", fields, b"abc"),
            HttpRequest("POST", url, (("accept-encoding", "identity"), ("host", "other.example"))),
            HttpRequest("GET", f"{url}?q"),
        ):
            assert wire.send(Send(request), soon())[0] == 302
            assert body(wire) == b""
    host = f"Host: 127.0.0.1:{server.port}\r\n".encode()
    assert seen == [
        b"POST /a%20b?q=<1> HTTP/1.1\r\n" + host + b"Authorization: Bearer k\r\n"
        b"X-Twice: 1\r\nx-twice: 2\r\nContent-Length: 3\r\nAccept-Encoding: gzip, deflate\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: other.example\r\naccept-encoding: identity\r\nContent-Length: 0\r\n\r\n",
        b"GET /?q HTTP/1.1\r\n" + host + b"Accept-Encoding: gzip, deflate\r\n\r\n",
    ]  # fmt: skip


def test_an_unknown_coding_is_told_when_the_body_is_read(wire: RequestsWire) -> None:
    with Server(answering(HEAD + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nok")) as server:
        assert wire.send(get(server.port), soon())[0] == 200
        with pytest.raises(UnexpectedContent):
            wire.read(soon())


def test_a_corrupt_coding(wire: RequestsWire) -> None:
    with Server(answering(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok")) as server:
        wire.send(get(server.port), soon())
        with pytest.raises(ProtocolViolation):
            body(wire)


def test_a_bomb_is_bounded() -> None:
    connections = Connections(limits=Limits(decompressed=3 * 1024 * 1024))
    wire = RequestsWire(connections)
    bomb = gzip.compress(b"\0" * 50 * 1024 * 1024)
    with Server(answering(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)) as server:
        wire.send(get(server.port), soon())
        assert [len(wire.read(soon())) for _ in range(3)] == [1024 * 1024] * 3
        with pytest.raises(LimitExceeded):
            wire.read(soon())
    connections.close()
