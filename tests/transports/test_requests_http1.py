"""Heads and bodies out of bytes: no cut changes what they mean, and h11 reads the same."""

from __future__ import annotations

from collections.abc import Iterator

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sansio_core.errors import ChatError, ProtocolViolation
from transports._requests.old_http1 import ClosedEarly, Head, Incoming, body_of, keeps_alive

Outcome = tuple[object, bytes, bytes, type[Exception] | None]
LIMIT = 300

PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Early Hints\r\n", b"HTTP/1.0 404\r\n", b"HTTP/1.1 204 No\r\n",
        b"transfer-encoding: chunked\r\n", b"content-length: 4\r\n", b"connection: close\r\n", b" folded\r\n",
        b"\r\n", b"\n", b"0\r\n", b"4\r\n", b"4;x=y\r\n", b"abcd", b"abcd\r\n", b"0\r\n\r\n", b"x: y\r\n", b"\0", b"\r",
        b"z" * 320,
    ]
)  # fmt: skip


def run(pieces: list[bytes]) -> Outcome:
    """What `pieces`, as they arrive one after another, give: the head, the body, what is left, and the error."""
    arriving = iter([piece for piece in pieces if piece])
    incoming = Incoming(lambda: next(arriving, b""), LIMIT)
    read, head = b"", None
    try:
        head = incoming.head()
        body = body_of(head, "POST", incoming)
        while data := body.read():
            read += data
        assert body.ended
        return head, read, incoming.buffer + b"".join(arriving), None
    except (ChatError, ClosedEarly) as error:
        return head, read, b"", type(error)


def cuts(data: bytes) -> Iterator[list[bytes]]:
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    for i in range(1, len(data), max(1, len(data) // 40)):
        yield [data[:i], data[i:]]


@settings(deadline=None)
@given(st.lists(PIECES, max_size=10).map(b"".join))
@example(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;" + b"x" * 2000 + b"\r\nabcd\r\n0\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: " + b"x" * 400 + b"\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nx: y\r\n\r\nHTTP/1.1")
def test_no_cut_changes_anything(data: bytes) -> None:
    whole, *others = (run(pieces) for pieces in cuts(data))
    assert all(other == whole for other in others)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"", b"x: y\r\n", b"Connection: keep-alive\r\n", b"a:\t b c \r\n"]), max_size=3).map(
        b"".join
    ),
    st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    st.sampled_from(["chunked", "length", "close"]),
)
def test_h11_reads_the_same(fields: bytes, body: list[bytes], framing: str) -> None:
    whole = b"".join(body)
    sent = {
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(b), b) for b in body)
        + b"0\r\n\r\n",
        "length": b"Content-Length: %d\r\n\r\n%s" % (len(whole), whole),
        "close": b"\r\n" + whole,
    }[framing]
    data = b"HTTP/1.1 200 OK\r\n" + fields + sent
    theirs = h11.Connection(h11.CLIENT)
    theirs.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    theirs.send(h11.EndOfMessage())
    theirs.receive_data(data)
    response = theirs.next_event()
    assert isinstance(response, h11.Response)
    head, read, left, error = run([data])
    assert isinstance(head, Head)
    assert head.headers == [(name.decode(), value.decode()) for name, value in response.headers]
    assert (read, left, error) == (whole, b"", None)
    assert keeps_alive(head)


@pytest.mark.parametrize(
    ("block", "alive"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nconnection: a, CLOSE\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ntransfer-encoding: chunked\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", False),
    ],
)
def test_what_keeps_a_connection_alive(block: bytes, alive: bool) -> None:
    assert keeps_alive(Incoming(iter([block]).__next__, LIMIT).head()) is alive


@pytest.mark.parametrize("start", [b"SSH-2.0-OpenSSH\r\n", b"h", b"HTTP/2", b"\r\n", b"HTTP/1.1 103 E\r\n\r\nHTTP/3"])
def test_what_is_no_http_is_told_at_once(start: bytes) -> None:
    """A server of another kind greets and then waits for us."""

    def recv() -> bytes:
        assert arriving, "nothing more was to be read"
        return arriving.pop(0)

    arriving = [start]
    with pytest.raises(ProtocolViolation, match="right host, port"):
        Incoming(recv, LIMIT).head()


def test_bodies_that_are_none() -> None:
    for status, method in ((204, "POST"), (304, "GET"), (200, "HEAD")):
        head = Head(1, status, [("content-length", "5")])
        assert body_of(head, method, Incoming(bytes, LIMIT)).ended
    assert not body_of(Head(1, 200, [("transfer-encoding", "identity")]), "GET", Incoming(bytes, LIMIT)).ended
    with pytest.raises(ProtocolViolation):
        body_of(Head(1, 200, [("content-length", "1_0")]), "GET", Incoming(bytes, LIMIT))
