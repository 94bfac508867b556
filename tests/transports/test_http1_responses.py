"""Whole responses: what is given when, what is said of all that goes wrong, and the same at every cut."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable
from email.utils import formatdate

import pytest
from http1_reading import ASKED, DIRECT, PLACES, SMALL, Outcome, cut, cuts, fed, h11_reads, read, said
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core import Limits
from sansio_core.errors import ConnectionLost, LimitExceeded, ProtocolViolation, ProxyFailed, UnexpectedContent
from sansio_core.http_request import HttpRequest
from sansio_core.retry_after import retry_after
from transports.http1.failures import BAD_CHUNK, BAD_TRAILER, SWITCHED
from transports.http1.response import Response
from transports.http1.routes import Route, parse_proxy

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def test_what_is_pending_needs_no_more_of_the_connection() -> None:
    response = fed(CHUNKED + b"1\r\na\r\n1")
    assert [response.pending(), response.pending()] == [b"a", None]
    assert [response.feed(b"\r\n"), response.feed(b"b"), response.feed(b"\r\n")] == [None, b"b", None]
    assert response.feed(b"1\r\nc\r\nzz\r\n") == b"c"  # what is wrong comes after what is good
    for _ in range(2):
        with pytest.raises(ProtocolViolation):
            response.pending()
    response = fed(OK + b"Content-Length: 1\r\n\r\n")
    assert [response.pending(), response.feed(b"a"), response.pending(), response.pending()] == [None, b"a", b"", b""]
    assert fed(OK + b"Content-Length: 0\r\n\r\n").pending() == b""


def test_a_compressed_piece_is_given_piece_by_piece() -> None:
    """One receive may decode to more than one read should give."""
    text = bytes(2_500_000)
    body = gzip.compress(text)
    response = Response(ASKED, DIRECT, Limits())
    response.feed_head(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert response.pending() is None
    first, got = response.feed(body), b""
    assert first is not None
    while piece := response.pending():
        assert len(piece) < 1_100_000
        got += piece
    assert first + got == text
    assert response.reusable


@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("start", [b"", b"H", b"HTTP/1.1 200 OK\r\nA: b\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_lost_or_closed_before_the_answer(start: bytes, reused: bool) -> None:
    """Only where no byte of an answer came on a used connection may the request be taken for one that nobody read."""
    where = "inside the head of its answer" if start else "without an answer"
    for pieces in cuts(start) if start else [[]]:
        response = Response(ASKED, DIRECT, SMALL, reused)
        assert [response.feed_head(piece) for piece in pieces] == [False] * len(pieces)
        lost = response.lost(ConnectionResetError())
        assert str(lost) == "the connection was reset before the answer's head was in"
        assert lost.reused is (reused and not start)
        with pytest.raises(ConnectionLost, match=f"^a.example:80 closed the connection {where}$") as caught:
            response.feed_head(b"")
        assert caught.value.reused is (reused and not start)


def test_a_date_to_wait_for_needs_no_date_of_the_server() -> None:
    head = b"HTTP/1.1 429 -\r\nContent-Length: 0\r\nRetry-After: %s\r\n\r\n"
    asked = fed(head % formatdate(time.time() + 3600, usegmt=True).encode())
    assert 3000 < (retry_after(asked.headers) or 0) <= 3600
    assert fed(head % b"5").headers == [("content-length", "0"), ("retry-after", "5")]


def test_lost_in_the_body() -> None:
    response = Response(ASKED, DIRECT, SMALL, True)
    response.feed_head(OK + b"Content-Length: 2\r\n\r\n")
    lost = response.lost(TimeoutError())
    assert isinstance(lost, ConnectionLost)
    assert (str(lost), lost.reused) == ("the connection was lost (no answer) in the middle of the answer", False)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://p:3128", " (put its user name and password into the proxy's URL, percent-encoded)"),
        ("http://user:pass-word@p:3128", " (it did not accept the user name and password of the proxy's URL)"),
    ],
)
def test_407_of_a_forwarding_proxy(url: str, advice: str) -> None:
    data = b"HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nabc"
    forwarded = DIRECT._replace(proxy=parse_proxy(url))
    for pieces in cuts(data):
        error = f"ProxyFailed: the proxy http://p:3128 refused the request with status 407{advice}"
        assert read(pieces, route=forwarded) == Outcome(407, [("content-length", "3")], b"", error, False)
    response = Response(ASKED, forwarded, SMALL)
    with pytest.raises(ProxyFailed) as caught:
        response.feed_head(data)
    assert caught.value.status == 407
    assert not response.reusable
    socks = parse_proxy(url.replace("http", "socks5"))
    for route in (Route("https", "a", 80, forwarded.proxy), Route("http", "a", 80, socks), DIRECT):
        assert read([data], route=route)[2:] == (b"abc", "", True)
    assert read([data.replace(b"407", b"502")], route=forwarded)[2:] == (b"abc", "", True)


def test_another_protocol_is_refused_even_if_it_was_asked_for() -> None:
    asked = HttpRequest("GET", "http://a/", (("connection", "upgrade"), ("upgrade", "x")))
    for pieces in cuts(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nx"):
        assert read(pieces, asked) == Outcome(0, [], b"", f"ProtocolViolation: {SWITCHED}", False)


def test_an_unknown_coding_is_told_when_the_body_is_wanted() -> None:
    """A refusal's status says more than its odd coding."""
    response = fed(b"HTTP/1.1 503 No\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\na")
    assert response.status == 503
    with pytest.raises(UnexpectedContent, match="'br'"):
        response.pending()


def test_of_two_fields_the_first_names_the_coding() -> None:
    head = OK + b"Content-Encoding: gzip\r\nContent-Encoding: br\r\n\r\n"
    assert read([head + gzip.compress(b"text")])[2:] == (b"text", "", False)


def test_a_decompressed_body_is_bounded() -> None:
    data = OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(9000))
    for pieces in cuts(data):
        assert read(pieces)[2:] == (bytes(5000), said(LimitExceeded("decompressed", 5000)), False)


def bare_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, "identity": bytes, "gzip": gzip.compress, "X-GZip": gzip.compress, "deflate": zlib.compress,
    "Deflate": bare_deflate, "deflate, gzip": lambda data: gzip.compress(zlib.compress(data)), "br": bytes,
}  # fmt: skip


def message(body: bytes, coding: str, framing: str, sizes: list[int]) -> bytes:
    """A response with `body`, which may be coded already."""
    head = OK + (f"Content-Encoding: {coding}\r\n" if coding else "").encode()
    if framing == "length":
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == "close":
        return head + b"\r\n" + body
    chunks = b"".join([b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut(body, sizes) if piece])
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nA: b\r\n\r\n"


@given(
    text=st.one_of(st.binary(max_size=60), st.binary(min_size=1, max_size=40).map(lambda data: data * 150)),
    coding=st.sampled_from(sorted(CODINGS)),
    framing=st.sampled_from(["length", "close", "chunked"]),
    sizes=PLACES,
    spoilt=st.one_of(st.none(), st.tuples(st.integers(0, 200), st.integers(1, 255))),
    missing=st.one_of(st.just(0), st.integers(1, 30)),
    excess=st.sampled_from([b"", b"X", OK + b"\r\n"]),
    places=PLACES,
)
def test_no_cut_changes_a_response(
    text: bytes, coding: str, framing: str, sizes: list[int], spoilt: tuple[int, int] | None, missing: int,
    excess: bytes, places: list[int],
) -> None:  # fmt: skip
    body = bytearray(CODINGS[coding](text))
    if spoilt and body:
        body[spoilt[0] % len(body)] ^= spoilt[1]
    data = message(bytes(body), coding, framing, sizes)
    data = data[: len(data) - missing] if missing else data + (b"" if framing == "close" else excess)
    whole = read([data])
    assert read(cut(data, places)) == read([data[at : at + 1] for at in range(len(data))]) == whole
    if missing and framing != "close":
        assert whole.error
    elif not missing and not spoilt and coding != "br" and len(text) <= SMALL.decompressed:
        assert whole[2:] == (text, "", framing != "close" and not excess)
    if not spoilt:
        assert text.startswith(whole.body), "what is given is good"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_stands_before_a_corruption_comes_first(coding: str) -> None:
    text = bytes(range(200))
    body = bytearray(CODINGS[coding](text))
    body[-1] ^= 1  # of the checksum
    for pieces in cuts(message(bytes(body), coding, "chunked", [50])):
        got = read(pieces)
        assert got.body == text
        assert got.error.startswith("ProtocolViolation: the compressed body is corrupt (")


@pytest.mark.parametrize("framing", ["length", "close", "chunked"])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "Deflate"])
def test_a_coding_has_an_end_of_its_own(coding: str, framing: str) -> None:
    whole = CODINGS[coding](b"some text")
    for missing in range(1, 5):
        for pieces in cuts(message(whole[:-missing], coding, framing, [])):
            assert read(pieces).error == "StreamTruncated: the compressed body stopped before its end"
    assert read([message(b"", coding, framing, [])])[2:] == (b"", "", framing != "close")


BITS = st.sampled_from(
    [
        OK, OK, b"HTTP/1.1 103 Early Hints\r\n", b"HTTP/1.0 404\r\n", b"HTTP/1.1 204 No\r\n", b" folded\r\n",
        b"transfer-encoding: chunked\r\n", b"content-length: 4\r\n", b"connection: close\r\n", b"a:\t b c \r\n",
        b"\r\n", b"\r\n", b"\n", b"0\r\n", b"4\r\n", b"4;x=y\r\n", b"abcd", b"abcd\r\n", b"0\r\n\r\n", b"x: y\r\n",
        b"\0", b"\r", b"z" * 320,
    ]
)  # fmt: skip


@given(
    st.tuples(
        st.sampled_from([b"", OK, CHUNKED, OK + b"content-length: 4\r\n\r\n", CHUNKED + b"4\r\n"]),
        st.lists(BITS, max_size=9).map(b"".join),
    ).map(b"".join),
    PLACES,
)
@example(CHUNKED + b"4;" + b"x" * 2000 + b"\r\nabcd\r\n0\r\n\r\n", [60])
@example(CHUNKED + b"0\r\nx: " + b"x" * 400 + b"\r\n\r\n", [60])
@example(CHUNKED + b"4\r\nabcd\r\n0\r\nx: y\r\n\r\nHTTP/1.1", [])
def test_any_bytes_mean_the_same_at_any_cut_and_to_h11(data: bytes, places: list[int]) -> None:
    whole = read([data])
    assert read(cut(data, places)) == read([data[at : at + 1] for at in range(len(data))]) == whole
    theirs = h11_reads(data)
    if not whole.error and theirs is not None:
        assert whole[:3] == theirs
    if theirs is not None and whole.error and not whole.error.startswith("LimitExceeded"):
        # a folded line there, or blanks where they have no meaning
        assert whole.error in (f"ProtocolViolation: {BAD_CHUNK}", f"ProtocolViolation: {BAD_TRAILER}")
