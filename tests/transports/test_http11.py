"""HTTP/1.1 as bytes: requests as written, heads and bodies as read, at every cut."""

from __future__ import annotations

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core.errors import ChatError, InvalidRequest, LimitExceeded, ProtocolViolation, StreamTruncated
from sansio_core.wire import HttpRequest
from transports._asyncio.old_http11 import (
    Body,
    Chunked,
    Head,
    HeadReader,
    Sized,
    UntilClose,
    _usual_head,
    _usual_request,
    start,
    write,
)


def read(body: Body, *pieces: bytes) -> bytes:
    """All that `body` gives for `pieces`, fed until its end or its fault."""
    out = b""
    for piece in pieces:
        if body.ended or body.fault:
            break
        out += body.feed(piece)
    return out


def head_of(data: bytes, method: str = "GET", limit: int = 65536) -> Head:
    state, _ = start(HttpRequest(method, "http://a/"))
    head = HeadReader(state, method, False, limit).feed(data)
    assert head is not None
    return head


# --- requests


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        ("http://a.example", "/", "a.example"),
        ("http://a.example:80/x?y=1#z", "/x?y=1", "a.example"),
        ("https://a.example:443/", "/", "a.example"),
        ("https://a.example:80/", "/", "a.example:80"),
        ("http://[::1]:8080/v1", "/v1", "[::1]:8080"),
        ("http://[::1]/v1", "/v1", "[::1]"),
        ("http://a.example?q", "/?q", "a.example"),
    ],
)
def test_target_and_host(url: str, target: str, host: str) -> None:
    _, data = start(HttpRequest("GET", url))
    assert data == f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip, deflate\r\n\r\n".encode()


def test_only_what_is_missing_is_added() -> None:
    fields = (("HOST", "other"), ("accept-Encoding", "br"), ("Content-Length", "2"))
    _, data = start(HttpRequest("POST", "http://a/", fields, b"ab"))
    assert data == b"POST / HTTP/1.1\r\nHOST: other\r\naccept-Encoding: br\r\nContent-Length: 2\r\n\r\nab"
    assert b"Content-Length: 0\r\n" in start(HttpRequest("POST", "http://a/"))[1]


def test_absolute_target_for_a_proxy() -> None:
    _, data = start(HttpRequest("GET", "http://a:81/x?y"), absolute=True, extra=(("Proxy-Authorization", "Basic x"),))
    assert data.startswith(b"GET http://a:81/x?y HTTP/1.1\r\nHost: a:81\r\n")
    assert b"\r\nProxy-Authorization: Basic x\r\n" in data


def test_what_cannot_be_sent() -> None:
    with pytest.raises(InvalidRequest):
        start(HttpRequest("POST", "http://a/", (("Content-Length", "5"),), b"ab"))
    with pytest.raises(InvalidRequest) as caught:
        start(HttpRequest("GET", "http://a/", (("authorization", " secret-key"),)))
    assert "secret-key" not in str(caught.value)


# --- heads


def test_head_at_every_cut() -> None:
    data = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-A: \xe9\r\nContent-Length: 3\r\n\r\n"
    for cut in range(len(data)):
        state, _ = start(HttpRequest("GET", "http://a/"))
        reader = HeadReader(state, "GET", False, 1000)
        assert reader.empty
        assert reader.feed(data[:cut]) is None
        head = reader.feed(data[cut:] + b"abc")
        assert head is not None
        assert (head.status, head.headers, head.first) == (200, [("x-a", "é"), ("content-length", "3")], b"abc")
        assert head.reusable
        assert head.body.ended


@pytest.mark.parametrize(
    ("head", "kind", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Sized, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n", Sized, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", Chunked, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", Chunked, False),
        (b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\n", Sized, False),
        (b"HTTP/1.1 200 OK\r\n\r\n", UntilClose, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", Sized, False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", Sized, True),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", Sized, True),
    ],
)
def test_framing_and_reuse(head: bytes, kind: type[Body], reusable: bool) -> None:
    found = head_of(head)
    assert (type(found.body), found.reusable) == (kind, reusable)
    assert found.body.ended == (found.status in (204, 304))


def test_no_body_after_head() -> None:
    assert head_of(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD").body.ended


def test_close_in_the_request_forbids_reuse() -> None:
    state, _ = start(HttpRequest("GET", "http://a/", (("connection", "close"),)))
    head = HeadReader(state, "GET", True, 1000).feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert head is not None
    assert not head.reusable


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02F",
        b"HTTP/2 200\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie : planted\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: plan\0ted\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_what_is_no_head(data: bytes) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        head_of(data)
    assert "plan" not in str(caught.value)


def test_101_to_a_request_that_asks_for_an_upgrade() -> None:
    state, _ = start(HttpRequest("GET", "http://a/", (("connection", "upgrade"), ("upgrade", "x"))))
    with pytest.raises(ProtocolViolation, match="another protocol"):
        HeadReader(state, "GET", False, 1000).feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5,
    ],
)
@pytest.mark.parametrize("step", [1, 1000])
def test_head_is_bounded(data: bytes, step: int) -> None:
    state, _ = start(HttpRequest("GET", "http://a/"))
    reader = HeadReader(state, "GET", False, 100)
    with pytest.raises(LimitExceeded) as caught:  # noqa: PT012 - whichever piece passes it
        for at in range(0, len(data), step):
            assert reader.feed(data[at : at + step]) is None
    assert (caught.value.limit, caught.value.size) == ("head", 100)


# --- chunked bodies


CHUNKED = b'5\r\nhello\r\n1;a="b;c"\r\n \r\n05  \r\nworld\r\n000\r\nA: b\r\nC:\r\n\r\n'


def test_chunked_at_every_two_cuts() -> None:
    for first in range(len(CHUNKED)):
        for second in range(first, len(CHUNKED)):
            body = Chunked(1000)
            assert read(body, CHUNKED[:first], CHUNKED[first:second], CHUNKED[second:]) == b"hello world"
            assert body.ended
            assert not body.excess
            assert body.fault is None


def test_chunked_byte_by_byte_gives_each_byte_at_once() -> None:
    body = Chunked(1000)
    assert [body.feed(b"5\r\n"), body.feed(b"h"), body.feed(b"el"), body.feed(b"lo\r")] == [b"", b"h", b"el", b"lo"]
    assert not body.ended


def test_excess_is_seen() -> None:
    for body, data in ((Chunked(100), b"0\r\n\r\nX"), (Chunked(100), b"0\r\nA: b\r\n\r\nX"), (Sized(2), b"okX")):
        read(body, data)
        assert body.ended
        assert body.excess


@pytest.mark.parametrize(
    "bad",
    [
        b"zz\r\n", b"\r\n", b"+5\r\n", b"-5\r\n", b"0x5\r\n", b"1_0\r\n", b" 5\r\n", b"5\n", b"5\r5", b"5 5\r\n",
        b"12345678901234567\r\n", b"5;" + b"x" * 2000, b"5;x\ny\r\n", "\u0665\r\n".encode(), b"3\r\nabcd\r\n",
        b"3\r\nabc\n0\r\n", b"3\r\nabcX\r\n", b";a\r\n", b"0\r\nno field\r\n\r\n", b"0\r\n a: folded\r\n\r\n",
        b"0\r\nA: b\0\r\n\r\n",
    ],
)  # fmt: skip
def test_malformed_chunks(bad: bytes) -> None:
    good = b"4\r\ngood\r\n"
    texts = set()
    for step in (1, 2, 3, len(good + bad)):
        body = Chunked(1000)
        data = good + bad
        texts.add(read(body, *(data[at : at + step] for at in range(0, len(data), step))))
        assert isinstance(body.fault, ProtocolViolation)
        assert not body.ended
    assert len(texts) == 1  # what was good before is handed out, at any cut


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_trailers_are_bounded(step: int) -> None:
    data = b"0\r\n" + b"A: b\r\n" * 100
    body = Chunked(200)
    read(body, *(data[at : at + step] for at in range(0, len(data), step)))
    assert isinstance(body.fault, LimitExceeded)


@pytest.mark.parametrize("body", [Chunked(100), Sized(100)])
def test_end_of_the_connection_is_no_end_of_the_body(body: Body) -> None:
    body.feed(b"50\r\nabc")
    body.finish()
    assert isinstance(body.fault, StreamTruncated)
    assert not body.ended


def oracle(data: bytes) -> tuple[bytes, bool, bool]:
    """What h11 makes of a chunked body: its bytes, whether it ended, whether it is malformed."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
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
    st.sampled_from([b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"1;x\r\na\r\n", b"\r\n", b"g\r\n", b"A\r\n", b"\r"]),
)


@given(pieces=st.lists(PIECE, max_size=8), cuts=st.lists(st.integers(1, 9), max_size=20))
def test_chunks_mean_what_h11_makes_of_them(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    fed, at = [], 0
    for cut in cuts:
        fed.append(data[at : at + cut])
        at += cut
    body = Chunked(1000)
    text = read(body, *(piece for piece in (*fed, data[at:]) if piece))
    expected, ended, malformed = oracle(data)
    assert (text, body.ended) == (expected, ended)
    # ours may tell a malformed chunk before its line is complete
    assert isinstance(body.fault, ChatError) >= malformed


# --- the fast path of heads

_ODD = st.text(" \t\r\n:,;aB-é0", max_size=4)
_NAMES = ["accept", "X-Key", "HOST", "Connection", "content-length", "Transfer-Encoding", "expect", "x y", ""]
_VALUES = st.one_of(_ODD, st.sampled_from(["chunked", "5", "close", "gzip, br", "+5", "Chunked"]))
_FIELDS = st.lists(st.tuples(st.sampled_from(_NAMES), _VALUES), max_size=4)


@given(
    method=st.sampled_from(["POST", "GET", "HEAD", "get", "P T"]),
    target=st.sampled_from(["/", "/a?b=c", "/a b", "http://a/", ""]),
    fields=_FIELDS,
    body=st.binary(max_size=3),
)
def test_a_usual_request_is_written_as_h11_writes_it(
    method: str, target: str, fields: list[tuple[str, str]], body: bytes
) -> None:
    request = HttpRequest.__new__(HttpRequest)  # unchecked, so that all that could be wrong is seen
    for name, value in {"method": method, "url": "http://a/", "headers": tuple(fields), "body": body}.items():
        object.__setattr__(request, name, value)
    whole = [("Host", "a"), *fields, ("Content-Length", str(len(body)))]
    if data := _usual_request(request, target, whole):
        assert data == write(method, target, whole, body)[1]
    else:
        assert fields or method not in ("POST", "GET", "HEAD") or " " in target or not target


@given(
    line=st.one_of(
        st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 429", "HTTP/1.1 500 ", "HTTP/1.0 200 OK", "HTTP/1.1 199 x"]),
        _ODD.map("HTTP/1.1 20".__add__),
    ),
    fields=_FIELDS,
    colon=st.sampled_from([": ", ":", ":  "]),
    end=st.sampled_from(["\r\n", "\n"]),
)
@example(line="HTTP/1.1 200 OK", fields=[("content-length", "chunked")], colon=": ", end="\r\n")
@example(line="HTTP/1.1 200 OK", fields=[("transfer-encoding", "5")], colon=": ", end="\r\n")
def test_a_usual_head_is_read_as_h11_reads_it(line: str, fields: list[tuple[str, str]], colon: str, end: str) -> None:
    data = "".join([line, end, *(f"{name}{colon}{value}{end}" for name, value in fields), end]).encode("latin-1")
    usual = _usual_head(data)
    if usual is not None:
        connection, _ = write("GET", "/", [("Host", "a")])
        connection.receive_data(data)
        event = connection.next_event()
        assert isinstance(event, h11.Response)
        assert event.http_version == b"1.1"
        headers = [(name.decode(), value.decode()) for name, value in event.headers]
        assert usual == (event.status_code, headers)
        assert connection.trailing_data[0] == b""
    else:
        assert fields or line not in ("HTTP/1.1 200 OK", "HTTP/1.1 429", "HTTP/1.1 500 ") or end == "\n"
