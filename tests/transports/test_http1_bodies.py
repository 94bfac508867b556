"""Framings of bodies at every cut, which one a head means, and whether the connection may then be used again."""

from __future__ import annotations

from contextlib import suppress

import h11
import pytest
from http1_reading import ASKED, DIRECT, PLACES, SMALL, cut, cuts, fed, read, said
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import Limits
from sansio_core.errors import ChatError, LimitExceeded, ProtocolViolation
from sansio_core.http_request import HttpRequest
from transports.http1.failures import BAD_CHUNK, BAD_TRAILER, CUT_CHUNKED, CUT_TLS, cut_short
from transports.http1.framing import Body, Chunked, Sized, UntilClose
from transports.http1.response import Response

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b'5\r\nhello\r\n1;a="b;c"\r\n \r\n05  \r\nworld\r\n000\r\nA: b\r\nC:\r\n\r\n'


def body_of(body: Body, *pieces: bytes) -> bytes:
    """All that `body` gives for `pieces`, fed until its end or its fault."""
    out = b""
    for piece in pieces:
        if body.ended or body.fault:
            break
        out += body.feed(piece)
    return out


# --- framings


def test_chunks_at_every_two_cuts() -> None:
    for pieces in cuts(CHUNKS, 2):
        body = Chunked(1000)
        assert body_of(body, *pieces) == b"hello world"
        assert (body.ended, body.excess, body.fault) == (True, False, None)


@pytest.mark.parametrize("trailers", [b"\n", b"A: b\n\n", b"A: b\n\r\n", b"A: b\r\nC:d\n\r\n"])
def test_a_lone_lf_ends_a_line_of_the_trailers(trailers: bytes) -> None:
    """As one of the head (RFC 9112 2.2)."""
    for pieces in cuts(CHUNKED + b"1\r\na\r\n0\r\n" + trailers):
        assert read(pieces)[2:] == (b"a", "", True)


def test_what_came_of_a_chunk_is_given_at_once() -> None:
    body = Chunked(1000)
    assert [body.feed(b"5\r\n"), body.feed(b"h"), body.feed(b"el"), body.feed(b"lo\r")] == [b"", b"h", b"el", b"lo"]
    assert not body.ended


@pytest.mark.parametrize("data", [b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"1\r\na\r\n0\r\n\r\n", b"sized"])
@pytest.mark.parametrize("at_once", [True, False])
def test_excess_is_seen(data: bytes, at_once: bool) -> None:
    body = Sized(5) if data == b"sized" else Chunked(100)
    for piece in [data + b"X"] if at_once else [data, b"X"]:
        assert not body.excess
        body.feed(piece)
        assert body.ended
    assert body.excess


@pytest.mark.parametrize(
    "bad",
    [
        b"zz\r\n", b"\r\n", b"+5\r\n", b"-5\r\n", b"0x5\r\n", b"1_0\r\n", b" 5\r\n", b"5\n", b"5\r5", b"5 5\r\n",
        b"12345678901234567\r\n", b"5;" + b"x" * 2000, b"5;" + b"x" * 2000 + b"\r\nhello\r\n0\r\n\r\n", b"5;x\ny\r\n",
        "\u0665\r\n".encode(), b"3\r\nabcd\r\n", b"3\r\nabc\n0\r\n", b"3\r\nabcX\r\n", b";a\r\n", b"5\x0b\r\n",
    ],
)  # fmt: skip
def test_malformed_chunks(bad: bytes) -> None:
    """What was good before is handed out, at any cut."""
    good = b"4\r\ngood\r\n"
    data = CHUNKED + good + bad
    whole = read([data], limits=Limits(head=4000))
    assert whole.body == b"good" + (b"abc" if bad.startswith(b"3") else b"")
    assert whole.error == f"ProtocolViolation: {BAD_CHUNK}"
    assert not whole.keep
    for pieces in cuts(data) if len(data) < 200 else [cut(data, [at]) for at in range(60, len(data), 97)]:
        assert read(pieces, limits=Limits(head=4000)) == whole


@pytest.mark.parametrize("room", [0, 1])
def test_the_longest_line_of_a_chunk(room: int) -> None:
    line = b"1;" + b"x" * (1020 + room)  # with the CRLF before it 1024
    for step in (1, 500, 5000):
        data = b"1\r\na\r\n" + line + b"\r\nb\r\n0\r\n\r\n"
        body = Chunked(100)
        text = body_of(body, *(data[at : at + step] for at in range(0, len(data), step)))
        assert (text, body.ended) == ((b"a", False) if room else (b"ab", True))
    body = Chunked(100)
    body.feed(b"1;" + b"x" * (1021 + room))  # it may still end here: one more is too many
    assert isinstance(body.fault, ProtocolViolation) is bool(room)


@pytest.mark.parametrize(
    "bad",
    [b"no field", b" a: folded", b"A: b\0", b"A b: c", b": c", b"A: b\r\n folded"],
)
def test_malformed_trailers(bad: bytes) -> None:
    for pieces in cuts(CHUNKED + b"1\r\na\r\n0\r\n" + bad + b"\r\n\r\n"):
        assert read(pieces)[2:] == (b"a", f"ProtocolViolation: {BAD_TRAILER}", False)


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\nHTTP/1.1 200 OK\r\n\r\n"])
def test_trailers_are_bounded(end: bytes) -> None:
    trailers = b"A: b\r\n" * 51 + end
    for pieces in cuts(CHUNKED + b"1\r\na\r\n0\r\n" + trailers):
        assert read(pieces)[2:] == (b"a", said(LimitExceeded("head", SMALL.head)), False)
    for size in (299, 300, 301):
        line = b"A: " + b"b" * (size - 7) + b"\r\n\r\n"
        for pieces in cuts(CHUNKED + b"1\r\na\r\n0\r\n" + line):
            assert (len(line), read(pieces).error != "") == (size, size > SMALL.head)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (CHUNKED, CUT_CHUNKED),
        (CHUNKED + b"5\r\nabc", CUT_CHUNKED),
        (CHUNKED + b"3\r\nabc\r\n", CUT_CHUNKED),
        (CHUNKED + b"3\r\nabc\r\n0\r\nA: b\r\n", CUT_CHUNKED),
        (OK + b"Content-Length: 10\r\n\r\nabc", cut_short(7)),
        (OK + b"Content-Length: 999999999999999999\r\n\r\nabc", cut_short(999999999999999996)),
    ],
)
def test_the_end_of_the_connection_is_no_end_of_the_body(data: bytes, words: str, ragged: bool) -> None:
    for pieces in cuts(data):
        got = read(pieces, ragged=ragged)
        assert got[2:] == (b"abc" if b"abc" in data else b"", f"StreamTruncated: {words}", False)


def test_a_body_until_the_end_of_the_connection() -> None:
    for pieces in cuts(OK + b"\r\nabc"):
        assert read(pieces)[2:] == (b"abc", "", False)
        assert read(pieces, ragged=True)[2:] == (b"abc", f"StreamTruncated: {CUT_TLS}", False)


def chunked_by_h11(data: bytes) -> tuple[bytes, bool, bool]:
    """What h11 makes of a chunked body: its bytes, whether it ended, whether it is malformed."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(CHUNKED + data)
    out = b""
    try:
        while (event := connection.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Data):
                out += event.data
            elif isinstance(event, h11.EndOfMessage):
                return out, True, False
    except h11.RemoteProtocolError:
        return out, False, True
    return out, False, False


PIECE = st.one_of(
    st.binary(min_size=1, max_size=20).map(lambda data: b"%x\r\n%s\r\n" % (len(data), data)),
    st.sampled_from([b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"1;x\r\na\r\n", b"1 \r\nb\r\n"]),
    st.sampled_from([b"\r\n", b"g\r\n", b"A\r\n", b"\r"]),
)


@given(data=st.lists(PIECE, max_size=8).map(b"".join), places=PLACES)
def test_chunks_mean_what_h11_makes_of_them(data: bytes, places: list[int]) -> None:
    body = Chunked(1000)
    text = body_of(body, *(piece for piece in cut(data, places) if piece))
    expected, ended, malformed = chunked_by_h11(data)
    assert (text, body.ended) == (expected, ended)
    # ours may tell a malformed chunk before its line is complete
    assert isinstance(body.fault, ChatError) >= malformed


# --- which framing, and whether the connection may be used again


@pytest.mark.parametrize(
    ("head", "kind", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Sized, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n", Sized, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", Sized, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", Chunked, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", Chunked, False),
        (b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\n", Sized, False),
        (b"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n", Sized, False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 3\r\n\r\n", Sized, False),
        (b"HTTP/1.1 200 OK\r\n\r\n", UntilClose, False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", UntilClose, False),
        (b"HTTP/1.0 200 OK\r\n\r\n", UntilClose, False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", UntilClose, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", Sized, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\n", Sized, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: Keep-Alive, close\r\n\r\n", Sized, False),
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: Keep-Alive\r\n\r\n", Chunked, False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", None, True),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", None, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: br\r\n\r\n", None, True),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", None, True),
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", None, False),
        (b"HTTP/1.0 204 No Content\r\n\r\n", None, False),
        (b"HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n", None, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Encoding: br\r\n\r\n", None, True),
    ],
)
def test_framing_and_reuse(head: bytes, kind: type[Body] | None, keep: bool) -> None:
    body = b"3\r\nabc\r\n0\r\n\r\n" if kind is Chunked else b"abc" if kind else b""
    for pieces in cuts(head + body):
        got = read(pieces)
        assert got[2:] == (b"abc" if kind else b"", "", keep)
    assert not read([head + body], HttpRequest("GET", "http://a/", (("connection", "x, Close"),))).keep
    none = read([head], HttpRequest("HEAD", "http://a/"))
    assert (none.body, none.error) == (b"", "")
    assert none.keep is (keep or (kind is UntilClose and (b"1.1" in head or b"keep-alive" in head)))
    if kind is not UntilClose:
        for pieces in cuts(head + body + b"HTTP/1.1 200 OK\r\n\r\n"):
            assert read(pieces) == got._replace(keep=False)


def test_a_connection_is_not_reusable_before_the_end_of_the_body() -> None:
    response = Response(ASKED, DIRECT, SMALL)
    assert not response.reusable
    assert response.feed_head(OK + b"Content-Length: 2\r\n\r\na")
    assert not response.reusable
    assert response.pending() == b"a"
    assert (response.pending(), response.feed(b"b"), response.reusable) == (None, b"b", True)


@pytest.mark.parametrize("bad", [b"zz\r\n", b"1\r\na", b"0\r\nno field\r\n\r\n", b"0\r\n" + b"A: b\r\n" * 99])
def test_a_fault_is_not_forgotten_for_what_follows(bad: bytes) -> None:
    """Who leaves a response feeds what is there, in the hope of its end."""
    response = fed(CHUNKED + bad)
    for piece in (b"", b"\r\n0\r\n\r\n", b"\r\n0\r\n\r\n"):
        with suppress(ChatError):
            response.feed(piece)
        assert not response.reusable
