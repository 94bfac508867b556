"""Requests as bytes: what is added to them, what HTTP/1.1 cannot carry, and the fast path writes what h11 would."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core.errors import InvalidRequest
from sansio_core.http_request import Fields, HttpRequest
from transports.http1 import request as module
from transports.http1.request import asks_close, options, write
from transports.http1.routes import Proxy, Route, parse_proxy

DIRECT = Route("http", "a", 80)
PROXY = parse_proxy("http://user:pass-word@p:3128")
AUTHORIZATION = b"Proxy-Authorization: Basic dXNlcjpwYXNzLXdvcmQ=\r\n"


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        ("http://a.example", "/", "a.example"),
        ("http://a.example:80/x?y=1#z", "/x?y=1", "a.example"),
        ("https://a.example:443/", "/", "a.example"),
        ("https://a.example:80/", "/", "a.example:80"),
        ("http://a.example:443/", "/", "a.example:443"),
        ("http://[::1]:8080/v1", "/v1", "[::1]:8080"),
        ("http://[::1]/v1", "/v1", "[::1]"),
        ("http://a.example?q", "/?q", "a.example"),
    ],
)
def test_target_and_host(url: str, target: str, host: str) -> None:
    data = write(HttpRequest("GET", url), DIRECT)
    assert data == f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip, deflate\r\n\r\n".encode()


def test_only_what_is_missing_is_added() -> None:
    fields = (("HOST", "other"), ("accept-Encoding", "br"), ("Content-Length", "2"))
    data = write(HttpRequest("POST", "http://a/", fields, b"ab"), DIRECT)
    assert data == b"POST / HTTP/1.1\r\nHOST: other\r\naccept-Encoding: br\r\nContent-Length: 2\r\n\r\nab"


def test_a_length_stands_where_a_body_is_or_might_be() -> None:
    assert b"\r\nContent-Length: 0\r\n" in write(HttpRequest("POST", "http://a/"), DIRECT)
    assert b"\r\nContent-Length: 2\r\n" in write(HttpRequest("DELETE", "http://a/", (), b"ab"), DIRECT)
    assert b"Content-Length" not in write(HttpRequest("DELETE", "http://a/"), DIRECT)
    chunked = write(HttpRequest("POST", "http://a/", (("Transfer-Encoding", "chunked"),), b"ab"), DIRECT)
    assert b"Content-Length" not in chunked
    assert chunked.endswith(b"\r\n\r\n2\r\nab\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("url", "proxy", "forwarded"),
    [
        ("http://a:81/x?y", "http://user:pass-word@p:3128", True),
        ("http://a:81/x?y", "https://user:pass-word@p:3128", True),
        ("https://a:81/x?y", "http://user:pass-word@p:3128", False),
        ("http://a:81/x?y", "socks5h://user:pass-word@p:3128", False),
        ("http://a:81/x?y", None, False),
    ],
)
def test_only_a_proxy_that_forwards_gets_the_whole_url_and_its_credentials(
    url: str, proxy: str | None, forwarded: bool
) -> None:
    request = HttpRequest("GET", url, (("x", "y"),))
    data = write(request, Route(url.partition(":")[0], "a", 81, parse_proxy(proxy) if proxy else None))
    first, _, rest = data.partition(b"\r\n")
    assert first == (b"GET http://a:81/x?y HTTP/1.1" if forwarded else b"GET /x?y HTTP/1.1")
    assert rest.startswith(b"Host: a:81\r\n")
    assert (AUTHORIZATION in rest, b"Authorization" in rest) == (forwarded, forwarded)


def test_a_forwarding_proxy_without_credentials_gets_none() -> None:
    data = write(HttpRequest("GET", "http://a"), Route("http", "a", 80, parse_proxy("p")))
    assert data == b"GET http://a/ HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, deflate\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("POST", "http://a/", (("Content-Length", "5"),), b"the-secret"),
        HttpRequest("GET", "http://a/", (("authorization", " the-secret"),)),
        HttpRequest("GET", "http://a/", (("authorization", "the-secret "),)),
        HttpRequest("GET", "http://a/", (("Content-Length", "the-secret"),)),
        HttpRequest("GET", "http://a/", (("Host", "the-secret"), ("host", "the-secret"))),
        HttpRequest("POST", "http://a/", (("Transfer-Encoding", "the-secret"),), b"x"),
        HttpRequest("the secret", "http://a/"),
        HttpRequest("", "http://a/"),
    ],
)
def test_what_cannot_be_sent_is_said_without_quoting_it(request_: HttpRequest) -> None:
    with pytest.raises(InvalidRequest, match=r"HTTP/1\.1 cannot carry that request: .") as caught:
        write(request_, Route("http", "a", 80, PROXY))
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)
    assert "pass-word" not in str(caught.value)


def test_the_options_of_a_connection() -> None:
    assert options([("Connection", "Keep-Alive,\tX , close"), ("x", "y"), ("CONNECTION", "upgrade")]) == {
        "keep-alive", "x", "close", "upgrade",
    }  # fmt: skip
    assert options([("proxy-connection", "close")]) == set()
    assert asks_close((("cOnnection", "x, CLOSE"),))
    assert not asks_close((("connection", "closed"), ("x", "close")))


# --- the fast path


@pytest.mark.parametrize("body", [b"", b"{}"])
@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("route", [DIRECT, Route("https", "a", 443, PROXY)])
def test_a_usual_request_does_without_h11(body: bytes, checked: bool, route: Route) -> None:
    fields = (("authorization", "Bearer sk-1"), ("content-type", "application/json"), ("accept", "text/event-stream"))
    if checked:
        fields = Fields(fields)
    with patch.object(module, "by_h11", side_effect=AssertionError):
        assert write(HttpRequest("POST", "http://a/v1?x=y", fields, body), route).endswith(b"\r\n\r\n" + body)


_NAMES = st.sampled_from(
    ["accept", "X-Key", "HOST", "Host", "Connection", "content-length", "Transfer-Encoding", "expect", "upgrade",
     "Accept-Encoding", "!#$%&'*+-.^_`|~", "te", "Proxy-Authorization"]
)  # fmt: skip
_VALUES = st.one_of(
    st.text("\t ,;:aB0\"\\~!", max_size=5),
    st.sampled_from(["chunked", "0", "2", "5", "close", "gzip, br", "+5", "Chunked", "100-continue", "2, 2"]),
)
_METHODS = st.sampled_from(["POST", "GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "get", "P T", "M-SEARCH", ""])


@given(
    method=_METHODS,
    url=st.sampled_from(["http://a/", "https://a:443", "http://a.example:81/b?c=d&e", "http://[::1]/?", "http://a/%20"]),
    fields=st.lists(st.tuples(_NAMES, _VALUES), max_size=4),
    body=st.binary(max_size=3),
    proxy=st.sampled_from([None, PROXY]),
)
@example("POST", "http://a/", [("Connection", "close")], b"ab", None)
@example("POST", "http://a/", [("content-length", "2"), ("Content-Length", "2")], b"ab", None)
@example("GET", "http://a/", [("accept", "")], b"", None)
@example("GET", "http://a/", [("accept", "a\tb")], b"", None)
def test_every_request_is_written_as_h11_writes_it(
    method: str, url: str, fields: list[tuple[str, str]], body: bytes, proxy: Proxy | None
) -> None:
    """The fields as by_h11 is given them are taken from a write without a fast path."""
    plain, checked = (HttpRequest(method, url, kind(fields), body) for kind in (tuple, Fields))
    route = Route(*plain.origin, proxy)
    written = _written(plain, route, fast=False)
    assert _written(plain, route, fast=True) == written
    assert _written(checked, route, fast=True) == written
    assert asks_close(checked.headers) is asks_close(plain.headers)


def _written(request: HttpRequest, route: Route, *, fast: bool) -> bytes | str:
    with patch.object(module, "usual", module.usual if fast else lambda *_: b""):
        try:
            return write(request, route)
        except InvalidRequest as error:
            return str(error)
