"""The matrix's rows below the answer: names, connections, TLS, proxies."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hostile_server import Fault, Server
from matrix import BARE, GOOD, TEN, TEXT, WHOLE, Cell, Row, World, head, served
from ports import closed_port, silent_port
from servers import Authority, Peer, join

from sansio_core import (
    ConnectFailed,
    ConnectionLost,
    ProxyFailed,
    StreamTruncated,
    TimedOut,
    TLSFailed,
    UnexpectedContent,
)

CONNECT = replace(TEN, connect=BARE)
FIRST_EVENT = replace(TEN, first_event=BARE)
Worlds = Callable[[], AbstractContextManager[World]]


def row(family: str, fault: str, world: Worlds, cell: Cell, other: Cell | None = None, **more: Any) -> Row:
    return Row(family, fault, world, cell, other or cell, **more)


# --- no connection ---------------------------------------------------------------------------------------------------


@contextmanager
def refused() -> Iterator[World]:
    """Nobody listens, until it is healed."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))  # from here on nobody else is given the port
        world = World(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def heal() -> None:
            listener.listen()
            world.server = stack.enter_context(Server(b"", GOOD["free_netfly"], listener=listener))

        world.end_fault = heal
        yield world


@contextmanager
def unresolved() -> Iterator[World]:
    """A name that the system's resolver does not know, until it is healed (nothing is asked of a network)."""
    known = False
    resolver = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host in ("127.0.0.1", b"127.0.0.1") or kwargs.get("flags"):
            return resolver(host, *args, **kwargs)
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolver("127.0.0.1", *args, **kwargs)

    def heal() -> None:
        nonlocal known
        known = True

    with Server(b"", GOOD["free_netfly"]) as server, patch("socket.getaddrinfo", getaddrinfo):
        yield World(f"http://chat.invalid:{server.port}", server, end_fault=heal)


@contextmanager
def slow_resolver() -> Iterator[World]:
    """A resolver that does not answer, until it is healed."""
    answered = threading.Event()
    resolver = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("flags"):  # AI_NUMERICHOST: no look-up
            return resolver(host, *args, **kwargs)
        answered.wait()
        return resolver("127.0.0.1", *args, **kwargs)

    with Server(b"", GOOD["free_netfly"]) as server, patch("socket.getaddrinfo", getaddrinfo):
        try:
            yield World(f"http://chat.invalid:{server.port}", server, end_fault=answered.set)
        finally:
            answered.set()


@contextmanager
def too_long_a_label() -> Iterator[World]:
    yield World(f"http://{'a' * 64}.invalid")


@contextmanager
def stalled() -> Iterator[World]:
    """A connect gets no answer: the queue is full, and nobody accepts."""
    with silent_port() as port:
        yield World(f"http://127.0.0.1:{port}")


_NO_CONNECTION = [
    row("no connection", "refused", refused, Cell(ConnectFailed, tries=2, requests=0, says="refused")),
    row(
        "no connection", "the name does not resolve", unresolved,
        Cell(ConnectFailed, tries=2, requests=0, says="name"),
    ),
    row("no connection", "a name that cannot be one", too_long_a_label, Cell(ConnectFailed, tries=2, requests=0)),
    row(
        "no connection", "the resolver is silent", slow_resolver,
        Cell(TimedOut, tries=2, requests=0, clock="connect"), timeouts=CONNECT,
    ),
    row(
        "no connection", "connecting stalls", stalled,
        Cell(TimedOut, tries=2, requests=0, clock="connect"), timeouts=CONNECT,
    ),
]  # fmt: skip


# --- TLS -------------------------------------------------------------------------------------------------------------

TRUSTED, _STRANGER = Authority(), Authority()


def tls_pair() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Settings of a server on loopback and of a client that trusts it."""
    return TRUSTED.server(), TRUSTED.client()


def tls(make: Callable[[], ssl.SSLContext], fault: Fault | None = None, provider: str = "free_netfly") -> Worlds:
    """A TLS server with those settings, and a client that trusts one authority; healed, it has a good certificate."""

    @contextmanager
    def world() -> Iterator[World]:
        with Server(fault or GOOD[provider], GOOD[provider], tls=make()) as server:

            def heal() -> None:
                server.tls = TRUSTED.server()

            yield World(f"https://127.0.0.1:{server.port}", server, {"verify": TRUSTED.client()}, heal)

    return world


def on_tls_port(fault: Fault) -> Worlds:
    """A server that does not shake hands."""

    @contextmanager
    def world() -> Iterator[World]:
        with Server(fault, GOOD["free_netfly"], tls=TRUSTED.server(), unread=True) as server:
            yield World(f"https://127.0.0.1:{server.port}", server, {"verify": TRUSTED.client()})

    return world


def plain(peer: Peer) -> None:
    peer.sock.recv(65536)
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port")
    peer.gone()


def hang_up(peer: Peer) -> None:
    peer.sock.recv(65536)
    raise EOFError


def ends_without_a_word(peer: Peer) -> None:
    """An answer that the end of the connection ends, and no word of TLS before that."""
    peer.send(head(content_type="text/plain"), TEXT.encode())
    raise EOFError


_PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)

_TLS = [
    row(
        "TLS", "unknown authority", tls(_STRANGER.server),
        Cell(TLSFailed, requests=0, says="verify="),
    ),
    row(
        "TLS", "wrong name", tls(lambda: TRUSTED.server("other.example")),
        Cell(TLSFailed, requests=0, says="not valid for"),
    ),
    row(
        "TLS", "expired", tls(lambda: TRUSTED.server(not_before=_PAST, not_after=_PAST)),
        Cell(TLSFailed, requests=0, says="expired"),
    ),
    row("TLS", "plain text on a TLS port", on_tls_port(plain), Cell(TLSFailed, requests=1)),
    row("TLS", "ended in the handshake", on_tls_port(hang_up), Cell(ConnectFailed, tries=2, requests=2)),
    row("TLS", "reset in the handshake", on_tls_port(Peer.reset), Cell(ConnectFailed, tries=2, requests=2)),
    row(
        "TLS", "ends without close_notify",
        tls(TRUSTED.server, ends_without_a_word, "acytoo"),
        Cell(StreamTruncated, handed=TEXT, says="close_notify"), provider="acytoo",
    ),
    row(
        "TLS", "silence in the handshake", on_tls_port(Peer.gone),
        Cell(TimedOut, tries=2, requests=2, clock="connect"), timeouts=CONNECT,
    ),
]  # fmt: skip


# --- proxies ---------------------------------------------------------------------------------------------------------


def relay(peer: Peer, port: int) -> None:
    """A proxy's own work: connect the client through to the origin at `port`."""
    peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    join(peer, "127.0.0.1", port)


def proxied(fault: Fault, *, tunnel: bool, unread: bool = False) -> Worlds:
    """A proxy with that fault, on the way to a good origin; `tunnel`: to one of https."""

    @contextmanager
    def world() -> Iterator[World]:
        good = GOOD["free_netfly"]
        tls = TRUSTED.server() if tunnel else None
        with Server(good, good, tls=tls) as origin:
            work: Fault = (lambda peer: relay(peer, origin.port)) if tunnel else good
            with Server(fault, work, unread=unread) as proxy:
                settings = {"verify": TRUSTED.client(), "proxy": f"http://user:pass@127.0.0.1:{proxy.port}"}
                yield World(f"http{'s' if tunnel else ''}://127.0.0.1:{origin.port}", proxy, settings)
                if tunnel:
                    assert all(b"Hello" not in request for _, request in proxy.requests), "the proxy saw the question"

    return world


@contextmanager
def refused_proxy() -> Iterator[World]:
    with Server(b"", GOOD["free_netfly"]) as origin:
        yield World(f"http://127.0.0.1:{origin.port}", None, {"proxy": f"http://127.0.0.1:{closed_port()}"})
        assert origin.connections == 0, "the proxy was passed by"


def drop(peer: Peer) -> None:
    raise EOFError


def drop_after_opening(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    peer.sock.recv(65536)
    raise EOFError


def drop_inside_answer(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 Connection esta")
    raise EOFError


_HTML = b"<html><head><title>Sign in to the hotel's network</title></head></html>"
_NEEDED = head(407, "", proxy_authenticate='Basic realm="x"', content_length="0")
_LOGIN = head(200, "text/html", content_length=str(len(_HTML))) + _HTML
_GATEWAY = head(502, "text/html", content_length=str(len(_HTML))) + _HTML


def html_instead(peer: Peer) -> None:
    peer.send(_HTML)
    raise EOFError


_PROXY = [
    row("proxy", "refused", refused_proxy, Cell(ProxyFailed, tries=2, requests=0, says="proxy")),
    row("proxy", "407 to a tunnel", proxied(_NEEDED, tunnel=True), Cell(ProxyFailed, says="407")),
    row("proxy", "407 to a forwarded request", proxied(_NEEDED, tunnel=False), Cell(ProxyFailed, says="407")),
    row("proxy", "drops the request for a tunnel", proxied(drop, tunnel=True), Cell(ProxyFailed, tries=2, requests=2)),
    row(
        "proxy", "drops inside its answer", proxied(drop_inside_answer, tunnel=True),
        Cell(ProxyFailed, tries=2, requests=2),
    ),
    row(
        "proxy", "drops the tunnel it opened", proxied(drop_after_opening, tunnel=True),
        Cell(ConnectFailed, tries=2, requests=2),
    ),
    row(
        "proxy", "drops a forwarded request", proxied(drop, tunnel=False), Cell(ConnectionLost, tries=2, requests=2)
    ),
    row(
        "proxy", "answers 502 with HTML to a tunnel", proxied(_GATEWAY, tunnel=True),
        Cell(ProxyFailed, tries=2, requests=2, says="502"),
    ),
    row(
        "proxy", "answers HTML with 200 to a tunnel", proxied(_LOGIN, tunnel=True),
        Cell(ProxyFailed, tries=2, requests=2),
    ),
    row(
        "proxy", "answers HTML without a head", proxied(html_instead, tunnel=True),
        Cell(ProxyFailed, tries=2, requests=2),
    ),
    row(
        "proxy", "answers HTML with 200 to a request", proxied(_LOGIN, tunnel=False),
        Cell(UnexpectedContent, says="HTML", connection="kept"),
    ),
    row(
        "proxy", "is silent about a tunnel", proxied(Peer.gone, tunnel=True),
        Cell(TimedOut, tries=2, requests=2, clock="connect"), timeouts=CONNECT,
    ),
    row(
        "proxy", "is silent about a request", proxied(Peer.gone, tunnel=False),
        Cell(TimedOut, tries=2, requests=2, clock="first_event"), timeouts=FIRST_EVENT,
    ),
]  # fmt: skip

_NONE = row("none", "no fault at all", served(GOOD["free_netfly"]), Cell(WHOLE, handed=TEXT, connection="kept"))
NETWORK = [_NONE, *_NO_CONNECTION, *_TLS, *_PROXY]
