"""Ways through a proxy, as bytes in and bytes out: CONNECT here, SOCKS5 in `socks5.py`. Both transports drive them so:

send(tunnel.begin())
while not tunnel.done:
    send(tunnel.feed(receive()))
"""

from __future__ import annotations

from typing import Protocol

from sansio_core.errors import ChatError, InvalidRequest, ProtocolViolation

from .head import HeadReader
from .request import by_h11
from .routes import Proxy, Route
from .words import TUNNEL_CLOSED, TUNNEL_EXCESS, no_tunnel, refused

_MAX_HEAD = 64 * 1024


class Tunnel(Protocol):
    """Talks with a proxy until that has connected us with the origin: then it is `done`."""

    done: bool

    def begin(self) -> bytes:
        """What is to be sent first."""

    def feed(self, data: bytes) -> bytes:
        """What is to be sent next, b"" for nothing, now that the proxy sent `data` (b"": it ended the connection).

        Raises ProxyFailed when it opens no way.
        """

    def lost(self, error: OSError) -> ChatError:
        """What it means that the connection with the proxy failed."""


def tunnel_of(route: Route, address: str | None = None) -> Tunnel | None:
    """The way through the route's proxy; None where there is no proxy, or one that forwards the request itself.

    `address`: what a socks5 proxy is to connect to; socks5h gets the name. Raises InvalidRequest for SOCKS without the
    extra, and for a name that is too long for it.
    """
    proxy = route.proxy
    if proxy is None or route.forwarded:
        return None
    if not proxy.socks:
        return Connect(proxy, route.peer)
    try:
        from .socks5 import Socks5
    except ImportError:
        raise InvalidRequest('a SOCKS proxy needs socksio: pip install "sansio-chat[socks]"') from None
    return Socks5(proxy, address or route.host, route.port, route.peer)


class Connect:
    """CONNECT (RFC 9110 9.3.6). The proxy sees the origin's name and port, and nothing else."""

    def __init__(self, proxy: Proxy, peer: str) -> None:
        self.done = False
        self._proxy = proxy
        self._peer = peer
        self._reader = HeadReader("CONNECT", _MAX_HEAD)

    def begin(self) -> bytes:
        return by_h11("CONNECT", self._peer, [("Host", self._peer), *self._proxy.authorization])

    def feed(self, data: bytes) -> bytes:
        if not data:
            raise no_tunnel(self._proxy, self._peer, TUNNEL_CLOSED)
        try:
            head = self._reader.feed(data)
        except ProtocolViolation as error:
            raise no_tunnel(self._proxy, self._peer, str(error)) from None
        if head is not None:
            if not 200 <= head.status < 300:
                raise refused(self._proxy, head.status, f"a tunnel to {self._peer}")
            if self._reader.rest:
                raise no_tunnel(self._proxy, self._peer, TUNNEL_EXCESS)
            self.done = True
        return b""

    def lost(self, error: OSError) -> ChatError:
        return no_tunnel(self._proxy, self._peer, TUNNEL_CLOSED)
