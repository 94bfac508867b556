"""Which proxy a URL goes through, held against requests' own answer; and what a proxy's URL may say."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.utils import get_environ_proxies, select_proxy

from sansio_core.errors import InvalidRequest
from transports.http1.routes import Proxy, environment_proxy, parse_proxy


@pytest.fixture(autouse=True)
def no_cgi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUEST_METHOD", raising=False)


ENVIRONMENTS: list[tuple[dict[str, str], str, str | None]] = [
    ({}, "http://a.example/", None),
    ({"HTTP_PROXY": "http://p:1"}, "http://a.example/", "http://p:1"),
    ({"HTTP_PROXY": "http://p:1"}, "https://a.example/", None),
    ({"HTTP_PROXY": "p:1"}, "http://a.example/", "p:1"),
    ({"HTTPS_PROXY": "http://p:1"}, "https://a.example/", "http://p:1"),
    ({"ALL_PROXY": "socks5h://p:1"}, "https://a.example/", "socks5h://p:1"),
    ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}, "https://a.example/", "http://q:2"),
    ({"HTTP_PROXY": "http://p:1", "http_proxy": "http://q:2"}, "http://a.example/", "http://q:2"),
    ({"HTTP_PROXY": "http://p:1", "http_proxy": ""}, "http://a.example/", None),
    ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http://a.example/", None),
    ({"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"}, "http://a.example/", "http://p:1"),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, "http://a.example/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.example"}, "http://a.example/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": ".example"}, "http://a.example/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "b.example, example"}, "http://a.example/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.example:81"}, "http://a.example/", "http://p:1"),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.example:81"}, "http://a.example:81/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "x", "no_proxy": "a.example"}, "http://a.example/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "127.0.0.1"}, "http://127.0.0.1:8080/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3/", None),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://11.1.2.3/", "http://p:1"),
    ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "::1"}, "http://[::1]:8080/", None),
]


@pytest.mark.parametrize(("environment", "url", "expected"), ENVIRONMENTS)
def test_environment(
    environment: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(url) == expected
    assert environment_proxy(url) == (select_proxy(url, get_environ_proxies(url)) or None)


def test_requests_is_loaded_only_if_there_is_a_proxy() -> None:
    code = (
        "import os, sys\n"
        "from transports.http1.routes import environment_proxy\n"
        "for name in list(os.environ):\n"
        "    if name.lower().endswith('_proxy'): del os.environ[name]\n"
        "assert environment_proxy('http://a.example/') is None\n"
        "assert 'requests' not in sys.modules\n"
        "os.environ['HTTP_PROXY'] = 'http://p'\n"
        "assert environment_proxy('http://a.example/') == 'http://p'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://p", Proxy("http", "p", 80)),
        ("https://p", Proxy("https", "p", 443)),
        ("HTTP://P:3128/", Proxy("http", "p", 3128)),
        ("p:3128", Proxy("http", "p", 3128)),
        ("user:word@p", Proxy("http", "p", 80, "user", "word")),
        ("http://user@[::1]:1", Proxy("http", "::1", 1, "user")),
        ("http://:word@p", Proxy("http", "p", 80, "", "word")),
        ("socks5://p", Proxy("socks5", "p", 1080)),
        ("socks5h://u%40:%3aw%2F@p:9", Proxy("socks5h", "p", 9, "u@", ":w/")),
    ],
)
def test_parse(url: str, expected: Proxy) -> None:
    assert parse_proxy(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "", "http://", "ftp://p", "socks4://p", "http://p:99999", "http://p:x", "http://[::1", "http://p\r\n",
        "http://a b", "http://pé", "http://hush:a%0d%0aX@p", "http://hush%00:a@p", "http://hu%3ash:a@p",
        f"socks5://hush:{'x' * 256}@p", f"socks5://{'x' * 256}@p", "gopher://hush:hush@p", "http://hush:hush@:80",
    ],
)  # fmt: skip
def test_parse_refuses(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_proxy(url)
    assert "hush" not in str(caught.value)


def test_no_text_shows_credentials() -> None:
    proxy = parse_proxy("http://hush:hush@[::1]:8080")
    assert str(proxy) == "http://[::1]:8080"
    assert repr(proxy) == "Proxy(scheme='http', host='::1', port=8080)"
    assert proxy != parse_proxy("http://[::1]:8080")


def test_authorization() -> None:
    assert parse_proxy("http://p").authorization == ()
    assert parse_proxy("http://Aladdin:open%20sesame@p").authorization == (
        ("Proxy-Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 2
    )
    ((_, value),) = parse_proxy("http://test:123%C2%A3@p").authorization
    assert value == "Basic dGVzdDoxMjPCow=="  # RFC 7617 2.1
    ((_, value),) = parse_proxy("http://user@p").authorization
    assert b64decode(value.partition(" ")[2]) == b"user:"


@given(st.text())
def test_any_text_is_a_proxy_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://{text}@p"):
        with suppress(InvalidRequest):
            parse_proxy(url)
