"""HTTP/1.1 as both transports read it, against h11, and what of header fields and URLs is understood."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import h11
from cutting import Input, Target, named

from sansio_core import ChatError, HttpRequest, InvalidRequest
from sansio_core.dialects._refusals import of_response, request_id
from sansio_core.providers.chatgpt_free import _cookies_of, _read
from sansio_core.retry import retry_after
from sansio_core.wire import check_base_url, check_header, check_url, cookie_header, origin, redact_url, redirect
from transports.http1 import _requests_http1
from transports.http1.routes import parse_proxy

LIMIT = 1000
Read = tuple[int, list[tuple[str, str]], bytes, str]
"""Status, header fields, body, and the error that ended it all, or ""."""


def asyncio_reads(pieces: list[bytes]) -> Read:
    connection, _ = _http11.write("GET", "/", [("host", "h")])
    reader, head, body = _http11.HeadReader(connection, "GET", False, LIMIT), None, b""
    try:
        for piece in pieces:
            if head is None:
                head = reader.feed(piece)
                body = head.first if head else b""
            elif not head.body.ended and not head.body.fault:
                body += head.body.feed(piece)
        if head is None:
            return 0, [], b"", "ended"
        if not head.body.ended and not head.body.fault:
            head.body.finish()
        return head.status, head.headers, body, named(head.body.fault) if head.body.fault else ""
    except ChatError as error:
        return 0, [], b"", named(error)


def h11_reads(data: bytes) -> Read:
    """What h11 makes of it all at once."""
    connection, _ = _http11.write("GET", "/", [("host", "h")])
    status, headers, body = 0, list[tuple[str, str]](), b""
    try:
        connection.receive_data(data)
        ended = False
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA and not ended:
                ended = True
                connection.receive_data(b"")
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, headers, body, ""
            elif not isinstance(event, h11.InformationalResponse):
                return status, headers, body, "ended"
    except h11.RemoteProtocolError as error:
        return status, headers, body, str(error)


def blocking_reads(pieces: list[bytes]) -> Read:
    source = iter([piece for piece in pieces if piece])
    incoming = _requests_http1.Incoming(lambda: next(source, b""), LIMIT)
    status, headers, out = 0, list[tuple[str, str]](), b""
    try:
        head = incoming.head()
        status, headers = head.status, head.headers
        body = _requests_http1.body_of(head, "GET", incoming)
        while piece := body.read():
            out += piece
    except _requests_http1.ClosedEarly:
        return 0, [], b"", "ended"
    except ChatError as error:
        return status, headers, out, named(error)
    return status, headers, out, ""


def http(reads: Callable[[list[bytes]], Read]) -> Target:
    """Heads and bodies: the same at any cut, and what we and h11 both take as whole is the same to both."""

    def target(data: bytes) -> None:
        given = Input.of(data)
        begun = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" if given.choice & 1 else b""
        given = given._replace(body=begun + given.body)
        ours, at_a_cut = reads([given.body]), reads(given.pieces())
        assert bool(ours[3]) == bool(at_a_cut[3]), (ours, at_a_cut)
        assert ours[3] or ours == at_a_cut, (ours, at_a_cut)
        theirs = h11_reads(given.body)
        if not ours[3] and not theirs[3]:
            assert (ours[0], ours[2]) == (theirs[0], theirs[2]), (ours, theirs)

    return target


def headers(data: bytes) -> None:
    """Header fields that a peer made up: understood, or left aside, or an error of ours."""
    given = Input.of(data)
    lines = given.body.decode("latin-1").split("\n")
    fields = tuple((name, value) for name, _, value in (line.partition(":") for line in lines))
    after = retry_after(fields)
    assert after is None or after >= 0
    request_id(fields)
    cookies = _cookies_of(fields)
    for name, value in cookie_header(cookies):
        check_header(name, value)
    error = of_response(100 + given.size * 2, fields, given.body)
    assert str(error)
    assert repr(error)
    with suppress(ChatError):
        _read(given.body.decode("utf-8", "replace"), fields, "http://h/")


def urls(data: bytes) -> None:
    """Any text as a URL, a Location, a header's value, a proxy: safe, or refused by an error of ours."""
    given = Input.of(data)
    text, key = given.body.decode("utf-8" if given.choice & 1 else "latin-1", "replace"), "sk-of-the-fuzzer"
    for check in (check_url, check_base_url, parse_proxy):
        said = ""
        try:
            said = repr(check(text))
        except InvalidRequest as error:
            said = str(error)
        else:
            assert text.isascii()
            assert not any(sign in text for sign in "\r\n\0 ")
        assert secret_of(text) not in said
    with suppress(InvalidRequest):
        check_header("x", text)
        assert not any(sign in text for sign in "\r\n\0")
    asked = HttpRequest("POST", f"https://h.example/a/b?key={key}", (("authorization", f"Bearer {key}"),), b"x")
    with suppress(ChatError):
        moved = redirect(asked, (301, 302, 303, 307, 308)[given.size % 5], text, 1)
        assert origin(moved.url) == origin(asked.url)
        assert urlsplit(moved.url).scheme == "https"
        assert key not in repr(moved) or key in text
    with suppress(InvalidRequest):
        asked = HttpRequest("GET", text)
        assert repr(asked)
        assert asked.secrets is not None
        assert redact_url(text)


def secret_of(text: str) -> str:
    """The password in a URL; where there is none, or one that its error may well contain, something impossible."""
    before = text.rpartition("@")[0].rpartition("/")[2]
    password = before.partition(":")[2]
    return password if len(password) > 12 and text.count(password) == 1 else "\0 never"


TARGETS: dict[str, Target] = {
    "http-asyncio": http(asyncio_reads),
    "http-blocking": http(blocking_reads),
    "headers": headers,
    "urls": urls,
}
