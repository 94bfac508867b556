"""Ways through proxies as bytes: CONNECT and SOCKS5, what they ask, what they may be answered, at every cut."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import pytest
from http1_reading import PLACES, cut, cuts
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core.errors import InvalidRequest, ProxyFailed
from transports.http1.failures import (
    NOT_HTTP,
    NOT_SOCKS,
    SOCKS_PASSWORD,
    SOCKS_REPLIES,
    SOCKS_WANTS_PASSWORD,
    SWITCHED,
    TUNNEL_CLOSED,
    TUNNEL_EXCESS,
)
from transports.http1.routes import Route, parse_proxy
from transports.http1.socks5 import Socks5
from transports.http1.tunnels import Connect, Tunnel, tunnel_of

USER = "user-name:pass-word@"
SECRETS = ("user-name", "pass-word", "dXNlci1uYW1lOnBhc3Mtd29yZA")
LEFT = "left for whoever comes next"


class Course(NamedTuple):
    """What became of a tunnel: `sent` of one that is open, else the error's text and status."""

    sent: bytes = b""
    error: str = ""
    status: int | None = None


def route(proxy: str, origin: str = "https://chat.example:8443") -> Route:
    scheme, _, rest = origin.partition("://")
    host, _, port = rest.rpartition(":")
    return Route(scheme, host.strip("[]"), int(port), parse_proxy(proxy))


def opened(way: Route, address: str | None = None) -> Tunnel:
    tunnel = tunnel_of(way, address)
    assert tunnel is not None
    return tunnel


def run(tunnel: Tunnel, pieces: Sequence[bytes]) -> Course:
    """What `pieces` give that arrive one after another before the proxy ends the connection, as a transport does it."""
    arriving = iter([piece for piece in pieces if piece])
    sent, failed = tunnel.begin(), None
    try:
        while not tunnel.done:
            sent += tunnel.feed(next(arriving, b""))
    except ProxyFailed as error:
        failed = error
    if failed is None:
        return Course(sent, LEFT if b"".join(arriving) else "")
    assert failed.__cause__ is None
    assert not [secret for secret in SECRETS if secret in f"{failed} {failed!r}"]
    return Course(b"", str(failed), failed.status)


# --- which way


@pytest.mark.parametrize(
    ("proxy", "origin", "kind"),
    [
        ("http://p", "https://a:443", Connect),
        ("https://p", "https://a:443", Connect),
        ("socks5://p", "https://a:443", Socks5),
        ("socks5h://p", "http://a:80", Socks5),
        ("http://p", "http://a:80", type(None)),
        ("https://p", "http://a:80", type(None)),
    ],
)
def test_which_way(proxy: str, origin: str, kind: type[object]) -> None:
    assert type(tunnel_of(route(proxy, origin))) is kind
    assert tunnel_of(route(proxy, origin)._replace(proxy=None)) is None


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks_without_its_extra(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.delitem(sys.modules, "transports.http1.socks5")
    with pytest.raises(InvalidRequest) as caught:
        tunnel_of(route(f"{scheme}://{USER}p"))
    assert str(caught.value) == 'a SOCKS proxy needs socksio: pip install "sansio-chat[socks]"'
    assert caught.value.__cause__ is None
    assert isinstance(tunnel_of(route("http://p")), Connect)


# --- CONNECT

REFUSED = "the proxy http://p:3128 refused a tunnel to chat.example:8443 with status "
NO_WAY = "the proxy http://p:3128 opened no connection to chat.example:8443: "


@pytest.mark.parametrize(
    ("proxy", "origin", "asked"),
    [
        ("http://p", "https://a:443", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
        ("https://p", "https://[::1]:8443", b"CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"),
        (
            f"http://{USER}p:3128", "https://a:443",
            b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n"
            b"Proxy-Authorization: Basic dXNlci1uYW1lOnBhc3Mtd29yZA==\r\n\r\n",
        ),
    ],
)  # fmt: skip
def test_what_connect_asks(proxy: str, origin: str, asked: bytes) -> None:
    assert opened(route(proxy, origin)).begin() == asked


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200\r\n\r\n",
        b"HTTP/1.1 299 Oh\nA: b\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",  # a length has no meaning here (RFC 9110 9.3.6)
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    ],
)
def test_connect_at_every_cut(answer: bytes) -> None:
    asked = b"CONNECT chat.example:8443 HTTP/1.1\r\nHost: chat.example:8443\r\n\r\n"
    for pieces in cuts(answer):
        assert run(opened(route("http://p:3128")), pieces) == Course(asked)
    for pieces in cuts(answer + b"EXCESS"):
        course = run(opened(route("http://p:3128")), pieces)
        at_its_end = len(answer) in accumulate(map(len, pieces))
        assert course == (Course(asked, LEFT) if at_its_end else Course(b"", NO_WAY + TUNNEL_EXCESS))


@pytest.mark.parametrize(
    ("user", "status", "advice"),
    [
        ("", 407, " (put its user name and password into the proxy's URL, percent-encoded)"),
        (USER, 407, " (it did not accept the user name and password of the proxy's URL)"),
        (USER, 403, ""),
        ("", 302, ""),
        ("", 502, ""),
    ],
)
def test_connect_is_refused(user: str, status: int, advice: str) -> None:
    head = b"HTTP/1.1 %d No\r\nContent-Length: 3\r\nX-Quoted: user-name:pass-word\r\n\r\n" % status
    for body in (b"", b"no!"):
        for pieces in cuts(b"HTTP/1.1 103 Early\r\n\r\n" + head + body):
            course = run(opened(route(f"http://{user}p:3128")), pieces)
            assert course == Course(b"", f"{REFUSED}{status}{advice}", status)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", TUNNEL_CLOSED),
        (b"HTTP/1.1 200 OK\r\n", TUNNEL_CLOSED),
        (b"HTTP/1.1 100 Continue\r\n\r\n", TUNNEL_CLOSED),
        (b"\x05\xff", NOT_HTTP),
        (b"SSH-2.0-OpenSSH\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nuser-name pass-word\r\n\r\n", "the answer's head has a line that is no header field"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", SWITCHED),
    ],
)
def test_connect_is_not_answered(answer: bytes, words: str) -> None:
    for pieces in cuts(answer) if answer else [[]]:
        assert run(opened(route(f"http://{USER}p:3128")), pieces) == Course(b"", NO_WAY + words)


def test_an_endless_answer_to_connect() -> None:
    error = NO_WAY + "the answer passed the limit 'head' of 65536 bytes (see Limits)"
    for size in (1000, 100_000):
        answer = b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000
        pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
        assert run(opened(route("http://p:3128")), pieces) == Course(b"", error)


def test_connect_is_lost() -> None:
    error = opened(route(f"https://{USER}p:3128")).lost(ConnectionResetError())
    assert isinstance(error, ProxyFailed)
    assert str(error) == NO_WAY.replace("http:", "https:") + TUNNEL_CLOSED


# --- SOCKS5

SOCKS = "the proxy socks5h://p:1080 opened no connection to chat.example:8443: "
PASSWORD = b"\x01\x09user-name\x09pass-word"
NAME = b"\x05\x01\x00\x03\x0cchat.example\x20\xfb"
REPLIES = {
    "IPv4": b"\x05\0\0\x01\x7f\0\0\x01\x20\xfb",
    "IPv6": b"\x05\0\0\x04" + bytes(15) + b"\x01\x20\xfb",
    "name": b"\x05\0\0\x03\x03a.b\x20\xfb",
    "no name": b"\x05\0\0\x03\x00\x20\xfb",
    "odd name": b"\x05\0\0\x03\x02\xff\xfe\x20\xfb",
    "long name": b"\x05\0\0\x03\xff" + b"a" * 255 + b"\x20\xfb",
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize(
    ("user", "methods", "answers", "sent"),
    [
        ("", b"\x05\x01\x00", b"\x05\x00", NAME),
        (USER, b"\x05\x02\x00\x02", b"\x05\x00", NAME),
        (USER, b"\x05\x02\x00\x02", b"\x05\x02\x01\x00", PASSWORD + NAME),
        ("user-name@", b"\x05\x02\x00\x02", b"\x05\x02\x01\x00", b"\x01\x09user-name\x00" + NAME),
        ("%C3%B6:%3A@", b"\x05\x02\x00\x02", b"\x05\x02\x01\x00", b"\x01\x02\xc3\xb6\x01:" + NAME),
    ],
)
def test_socks_at_every_cut(user: str, methods: bytes, answers: bytes, sent: bytes, reply: bytes) -> None:
    way = route(f"socks5h://{user}p")
    for pieces in cuts(answers + reply, 2 if len(reply) < 12 else 1):
        assert run(opened(way), pieces) == Course(methods + sent)
    for pieces in cuts(answers + reply + b"EXCESS"):
        course = run(opened(way), pieces)
        at_its_end = len(answers + reply) in accumulate(map(len, pieces))
        assert course == (Course(methods + sent, LEFT) if at_its_end else Course(b"", SOCKS + TUNNEL_EXCESS))


def test_socks_says_each_thing_in_its_turn() -> None:
    tunnel = opened(route(f"socks5h://{USER}p"))
    assert tunnel.begin() == b"\x05\x02\x00\x02"
    assert [tunnel.feed(b"\x05"), tunnel.feed(b"\x02")] == [b"", PASSWORD]
    assert [tunnel.feed(b"\x01"), tunnel.feed(b"\x00")] == [b"", NAME]
    assert [tunnel.feed(b"\x05\0\0\x01\x7f\0\0\x01\x20"), tunnel.done] == [b"", False]
    assert [tunnel.feed(b"\xfb"), tunnel.done] == [b"", True]


@pytest.mark.parametrize(
    ("origin", "address", "asked"),
    [
        ("http://chat.example:80", None, b"\x03\x0cchat.example\0\x50"),
        ("http://chat.example:80", "127.0.0.1", b"\x01\x7f\0\0\x01\0\x50"),
        ("http://chat.example:80", "::1", b"\x04" + bytes(15) + b"\x01\0\x50"),
        ("http://127.0.0.2:80", None, b"\x01\x7f\0\0\x02\0\x50"),
        ("https://[::1]:443", None, b"\x04" + bytes(15) + b"\x01\x01\xbb"),
        (f"http://{'a' * 255}:80", None, b"\x03\xff" + b"a" * 255 + b"\0\x50"),
    ],
)
def test_what_a_socks_proxy_is_to_connect_to(origin: str, address: str | None, asked: bytes) -> None:
    tunnel = opened(route("socks5://p", origin), address)
    assert run(tunnel, [b"\x05\x00", REPLIES["IPv4"]]).sent == b"\x05\x01\x00\x05\x01\x00" + asked


def test_a_name_that_socks_cannot_carry() -> None:
    with pytest.raises(InvalidRequest, match="a host name of at most 255 bytes"):
        tunnel_of(route(f"socks5h://{USER}p", f"http://{'a' * 256}:80"))
    assert tunnel_of(route("socks5://p", f"http://{'a' * 256}:80"), "127.0.0.1") is not None


@pytest.mark.parametrize(("user", "answers"), [("", b"\x05\x00"), (USER, b"\x05\x02\x01\x00")])
@pytest.mark.parametrize("rest", [b"", b"\0", b"\0\x01", b"\0\x01\0\0\0\0\0\0", b"\0\x03\x09pass-word\0\0", b"\0\x09"])
@pytest.mark.parametrize("code", [*SOCKS_REPLIES, 9, 255])
def test_socks_is_refused(code: int, rest: bytes, user: str, answers: bytes) -> None:
    """With or without an address behind the code."""
    words = {
        1: "general failure", 2: "not allowed by its ruleset", 3: "network unreachable", 4: "host unreachable",
        5: "connection refused", 6: "TTL expired", 7: "command not supported", 8: "address type not supported",
    }.get(code, f"its reply was {code}")  # fmt: skip
    for pieces in cuts(answers + bytes([5, code]) + rest):
        assert run(opened(route(f"socks5h://{user}p")), pieces) == Course(b"", SOCKS + words)


@pytest.mark.parametrize(
    ("user", "answer", "words"),
    [
        ("", b"\x05\xff", SOCKS_WANTS_PASSWORD),
        ("", b"\x05\x02", SOCKS_WANTS_PASSWORD),
        ("", b"\x05\x01", SOCKS_WANTS_PASSWORD),
        (USER, b"\x05\xff", SOCKS_PASSWORD),
        (USER, b"\x05\x01", SOCKS_PASSWORD),
        (USER, b"\x05\x02\x01\x01", SOCKS_PASSWORD),
        (USER, b"\x05\x02\x01\xff", SOCKS_PASSWORD),
        (USER, b"\x05\x02\x05\x00", NOT_SOCKS),
        ("", b"\x05\x07", NOT_SOCKS),
        ("", b"\x04\x00", NOT_SOCKS),
        ("", b"\x00\x5a", NOT_SOCKS),
        (USER, b"HTTP/1.1 400 user-name pass-word\r\n\r\n", NOT_SOCKS),
        (USER, b"SSH-2.0-OpenSSH\r\n", NOT_SOCKS),
        ("", b"\x05\x00\x04\0\0\x01\x7f\0\0\x01\0\0", NOT_SOCKS),
        ("", b"\x05\x00\x04\x01", NOT_SOCKS),
        ("", b"\x05\x00HT", NOT_SOCKS),
        ("", b"\x05\x00\x05\0\0\x02\x7f\0\0\x01\0\0", NOT_SOCKS),
        ("", b"\x05\x00\x05\0\0\0\0\0\0\0\0\0", NOT_SOCKS),
        ("", b"", TUNNEL_CLOSED),
        ("", b"\x05", TUNNEL_CLOSED),
        ("", b"\x05\x00", TUNNEL_CLOSED),
        (USER, b"\x05\x02", TUNNEL_CLOSED),
        (USER, b"\x05\x02\x01", TUNNEL_CLOSED),
        (USER, b"\x05\x02\x01\x00\x05\x00", TUNNEL_CLOSED),
        ("", b"\x05\x00\x05\x00\x00\x01\x7f\0\0\x01\0", TUNNEL_CLOSED),
        ("", b"\x05\x00\x05\x00\x00\x03", TUNNEL_CLOSED),
    ],
)
def test_socks_fails(user: str, answer: bytes, words: str) -> None:
    for pieces in cuts(answer, 2) if answer else [[]]:
        assert run(opened(route(f"socks5h://{user}p")), pieces) == Course(b"", SOCKS + words)


def test_socks_is_lost() -> None:
    tunnel = opened(route(f"socks5h://{USER}p"))
    for error, words in ((ConnectionResetError(), "reset"), (TimeoutError(), "no answer")):
        lost = tunnel.lost(error)
        assert isinstance(lost, ProxyFailed)
        assert str(lost) == SOCKS + words


@given(
    proxy=st.sampled_from(["http://p", f"http://{USER}p", "socks5h://p", f"socks5h://{USER}p"]),
    data=st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [b"\x05\x00", b"\x05\x02\x01\x00", b"\x05\x00\x00", *REPLIES.values(), b"HTTP/1.1 200 OK\r\n", b"\r\n",
                 b"HTTP/1.1 103 Early\r\n\r\n", b"a: b\r\n"]
            ),
        ),
        max_size=4,
    ).map(b"".join),
    places=PLACES,
)  # fmt: skip
@example("socks5h://p", b"\x05\x00\x05\x00\x00\x03\xff", [])
def test_no_cut_changes_a_tunnel(proxy: str, data: bytes, places: list[int]) -> None:
    whole, *others = (
        run(opened(route(proxy)), pieces)
        for pieces in ([data], cut(data, places), [data[at : at + 1] for at in range(len(data))])
    )
    for other in others:
        if other.error == LEFT:  # what a transport finds later, it finds in the tunnel
            assert TUNNEL_EXCESS in whole.error
        else:
            assert other == whole
