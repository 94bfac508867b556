"""HTTP/1.1 as both transports read it, against h11; proxies; and what of header fields and URLs is understood."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from cutting import Input, Target, named, same
from http1_reading import h11_reads, read

from sansio_core import ChatError, HttpRequest, InvalidRequest, Limits, ProxyFailed
from sansio_core.dialects.error_mapping import of_response, request_id
from sansio_core.http_request import check_base_url, check_header, check_url, cookie_header, origin, redirect
from sansio_core.providers.chatgpt_free import _cookies_of, _read
from sansio_core.quota import LONGEST, wait_of
from sansio_core.redact import redact_url
from sansio_core.retry_after import retry_after
from transports.http1.failures import TUNNEL_EXCESS
from transports.http1.routes import Route, parse_proxy
from transports.http1.tunnels import tunnel_of

SECRET = "word-of-the-fuzzer"
PROXIES = tuple(parse_proxy(f"{start}p") for start in (f"http://u:{SECRET}@", f"socks5h://u:{SECRET}@", "socks5h://"))
LIMITS = Limits(head=1000, decompressed=10_000)
EXCESS = "bytes after the end"

def http(data: bytes) -> None:
    """Heads and bodies: the same at any cut, and what we and h11 both take as whole is the same to both."""
    given = Input.of(data)
    method = "HEAD" if given.choice & 2 else "GET"
    begun = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" if given.choice & 1 else b""
    body = begun + given.body
    asked = HttpRequest(method, "http://h/")
    whole = read([body], asked, limits=LIMITS)
    same(whole, read(given._replace(body=body).pieces(), asked, limits=LIMITS), "a response at a cut")
    theirs = h11_reads(body, method)
    if "content-encoding" not in dict(whole.headers) and not whole.error and theirs is not None:
        same(whole[:3], theirs, "a response to us and to h11")


def tunnel_by(way: Route, pieces: list[bytes]) -> tuple[bytes, str]:
    """What was sent through an open way, or the error that there is none."""
    arriving = iter([piece for piece in pieces if piece])
    tunnel = tunnel_of(way)
    assert tunnel is not None
    sent = tunnel.begin()
    try:
        while not tunnel.done:
            sent += tunnel.feed(next(arriving, b""))
    except ProxyFailed as error:
        return b"", EXCESS if TUNNEL_EXCESS in str(error) else named(error)
    return (b"", EXCESS) if any(arriving) else (sent, "")


def tunnels(data: bytes) -> None:
    """CONNECT and SOCKS5: open or refused, the same at any cut, and no error quotes a password."""
    given = Input.of(data)
    way = Route("https", "h", 443, PROXIES[given.choice % len(PROXIES)])
    whole = tunnel_by(way, [given.body])
    same(whole, tunnel_by(way, given.pieces()), "a tunnel at a cut")
    assert SECRET not in whole[1]


def headers(data: bytes) -> None:
    """Header fields that a peer made up: understood, or left aside, or an error of ours."""
    given = Input.of(data)
    lines = given.body.decode("latin-1").split("\n")
    fields = tuple((name, value) for name, _, value in (line.partition(":") for line in lines))
    after = retry_after(fields)
    assert after is None or after >= 0
    wait = wait_of(fields)
    assert wait is None or 0 < wait <= LONGEST
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


TARGETS: dict[str, Target] = {"http": http, "tunnels": tunnels, "headers": headers, "urls": urls}
