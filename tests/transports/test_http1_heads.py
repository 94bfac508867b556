"""Heads out of bytes: interim ones, limits, what is none, at every cut; and the fast path reads what h11 reads."""

from __future__ import annotations

from unittest.mock import patch

import h11
import pytest
from http1_reading import PLACES, cut, cuts
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core.errors import LimitExceeded, ProtocolViolation
from transports.http1.failures import BAD_CODING, BAD_HEAD, BAD_LENGTH, NOT_HTTP, SWITCHED
from transports.http1.head import Head, HeadReader, usual

OK = b"HTTP/1.1 200 OK\r\n"


def judged(pieces: list[bytes], limit: int = 300, method: str = "GET") -> tuple[Head | None, bytes, str]:
    """The head in `pieces`, all that came after it, and the error."""
    reader, head = HeadReader(method, limit), None
    left = [piece for piece in pieces if piece]
    try:
        while left and head is None:
            head = reader.feed(left.pop(0))
    except ProtocolViolation as error:
        return None, b"", f"{type(error).__name__}: {error}"
    return head, reader.rest + b"".join(left), ""


def test_a_head_at_every_two_cuts() -> None:
    data = b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-A: \xe9\r\nContent-Length: 3\r\n\r\n"
    found = Head(200, [("x-a", "é"), ("content-length", "3")])
    for pieces in cuts(data + b"abc", 2):
        assert judged(pieces) == (found, b"abc", "")
    for end in range(len(data)):
        reader = HeadReader("GET", 300)
        assert not reader.began
        assert reader.feed(data[:end]) is None
        assert reader.began is (end > 0)
        assert reader.feed(data[end:]) == found
        assert reader.rest == b""


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"HTTP/1.1 200\r\n\r\n", Head(200, [])),
        (b"HTTP/1.1 429 \r\nA: b\r\n\r\n", Head(429, [("a", "b")])),
        (b"HTTP/1.1 200 O\xe9\r\nA:b  \r\n\r\n", Head(200, [("a", "b")])),
        (b"HTTP/1.1 200 OK\nA:  b\n\n", Head(200, [("a", "b")])),
        (b"HTTP/1.1 200 OK\r\nA: b\n\r\n", Head(200, [("a", "b")])),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\t c\r\nD:\r\n\r\n", Head(200, [("a", "b c"), ("d", "")])),
        (b"HTTP/1.0 404 No\r\nA: b\r\n\r\n", Head(404, [("a", "b")], False)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\n", Head(200, [("content-length", "3")])),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n", Head(200, [("transfer-encoding", "chunked")])),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 500 No\r\n\r\n", Head(500, [])),
        (b"HTTP/1.0 100 Continue\n\nHTTP/1.0 302 Found\n\n", Head(302, [], False)),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 40 + b"\r\n", Head(200, [("a", "b")] * 40)),
    ],
)
def test_heads_that_are_taken(data: bytes, found: Head) -> None:
    for pieces in cuts(data + b"rest"):
        assert judged(pieces) == (found, b"rest", "")


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.2\r\n", b"h", b"HTTP/2 200\r\n", b"\r\n", b"\x15\x03\x01\0\2\2F"])
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 103 E\r\n\r\n"])
def test_what_is_no_http_is_told_at_once(before: bytes, data: bytes) -> None:
    """A server of another kind greets and then waits for us."""
    for pieces in cuts(before + data):
        assert judged(pieces) == (None, b"", f"ProtocolViolation: {NOT_HTTP}")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 abc\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 2000 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1  200 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.x 200 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 O\0K\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 099 OK\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 200 OK\r\nSet-Cookie : planted\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 200 OK\r\nSet-Cookie: plan\0ted\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 200 OK\r\nSet-Cookie: plan\rted\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 200 OK\r\nplanted\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 200 OK\r\n: planted\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 200 OK\r\n planted\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 103 Early\r\nplanted\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", BAD_HEAD),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", BAD_LENGTH),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", BAD_LENGTH),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", BAD_LENGTH),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n", BAD_LENGTH),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 123456789012345678901\r\n\r\n", BAD_LENGTH),
        (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", BAD_LENGTH),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", BAD_CODING),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", BAD_CODING),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", BAD_CODING),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", BAD_CODING),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", SWITCHED),
    ],
)
def test_what_is_no_head(data: bytes, words: str) -> None:
    for pieces in cuts(data):
        assert judged(pieces) == (None, b"", f"ProtocolViolation: {words}")


@pytest.mark.parametrize(
    "data",
    [
        OK + b"X: " + b"a" * 100 + b"\r\n\r\n",
        OK + b"X: " + b"a" * 100,
        OK + b"\xe9: " + b"a" * 100 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK + b"A: b\r\n\r\n",
    ],
)
def test_all_heads_together_are_bounded(data: bytes) -> None:
    for pieces in cuts(data):
        with pytest.raises(LimitExceeded) as caught:  # noqa: PT012 - whichever piece passes it
            reader = HeadReader("GET", 90)
            for piece in pieces:
                assert reader.feed(piece) is None
        assert (caught.value.limit, caught.value.size) == ("head", 90)


def test_a_head_of_just_the_limit_is_taken() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n"
    for pieces in cuts(data + b"body"):
        assert judged(pieces, len(data))[1:] == (b"body", "")
        assert judged(pieces, len(data) - 1)[2].startswith("LimitExceeded")


PIECES = st.sampled_from(
    [
        OK, b"HTTP/1.1 103 Early Hints\r\n", b"HTTP/1.0 404\r\n", b"transfer-encoding: chunked\r\n",
        b"content-length: 4\r\n", b"connection: close\r\n", b" folded\r\n", b"\r\n", b"\n", b"x:y\n", b"\r", b"\0",
        b"HTTP/1.1 101 S\r\n", b"z" * 290,
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=10).map(b"".join), PLACES)
def test_no_cut_changes_a_head(data: bytes, places: list[int]) -> None:
    whole = judged([data])
    assert judged(cut(data, places)) == judged([data[at : at + 1] for at in range(len(data))]) == whole


# --- the fast path


def test_a_usual_head_does_without_h11() -> None:
    data = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nconnection: close\r\n\r\n"
    with patch.object(HeadReader, "_by_h11", side_effect=AssertionError):
        head = HeadReader("POST", 300).feed(data)
    assert head is not None
    assert head == judged([data.replace(b"OK", b"O\xe9")])[0], "h11 says the same of one that is hardly less usual"


_ODD = st.text(" \t\r\n:,;aB-é0", max_size=4)
_NAMES = st.sampled_from(
    ["accept", "X-Key", "HOST", "Connection", "content-length", "Transfer-Encoding", "expect", "x y", "", "é"]
)
_VALUES = st.one_of(
    _ODD, st.sampled_from(["chunked", "5", "007", "9" * 18, "9" * 19, "close", "gzip, br", "+5", "CHUNKED"])
)


@given(
    line=st.one_of(
        st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 429", "HTTP/1.1 500 ", "HTTP/1.0 200 OK", "HTTP/1.1 199 x"]),
        _ODD.map("HTTP/1.1 20".__add__),
    ),
    fields=st.lists(st.tuples(_NAMES, _VALUES), max_size=4),
    colon=st.sampled_from([": ", ":", ":  "]),
    end=st.sampled_from(["\r\n", "\n"]),
)
@example(line="HTTP/1.1 200 OK", fields=[("content-length", "chunked")], colon=": ", end="\r\n")
@example(line="HTTP/1.1 200 OK", fields=[("transfer-encoding", "5")], colon=": ", end="\r\n")
@example(line="HTTP/1.1 200 OK", fields=[("content-length", "5"), ("content-length", "6")], colon=": ", end="\r\n")
@example(line="HTTP/1.1 200 OK", fields=[("transfer-encoding", "CHUNKED")], colon=": ", end="\r\n")
@example(line="HTTP/1.1 200 OK", fields=[("content-length", "9" * 19)], colon=": ", end="\r\n")
@example(line="HTTP/1.1 199 x", fields=[], colon=": ", end="\r\n")
@example(line="HTTP/1.0 200 OK", fields=[], colon=": ", end="\r\n")
def test_a_usual_head_is_read_as_h11_reads_it(line: str, fields: list[tuple[str, str]], colon: str, end: str) -> None:
    data = "".join([line, end, *(f"{name}{colon}{value}{end}" for name, value in fields), end]).encode("latin-1")
    ours = usual(data)
    if ours is not None:
        theirs = h11.Connection(h11.CLIENT)
        theirs.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        theirs.receive_data(data)
        event = theirs.next_event()
        assert isinstance(event, h11.Response)
        assert ours == Head(event.status_code, [(name.decode(), value.decode()) for name, value in event.headers])
        assert event.http_version == b"1.1"
        assert theirs.trailing_data[0] == b""
    else:
        assert fields or line not in ("HTTP/1.1 200 OK", "HTTP/1.1 429", "HTTP/1.1 500 ") or end == "\n"
