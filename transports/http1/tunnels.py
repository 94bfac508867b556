"""Tunnels through a proxy, as bytes in and bytes out: CONNECT here, SOCKS5 in `socks5.py`. A transport drives one so:

send(tunnel.begin())
while not tunnel.done:
    send(tunnel.feed(receive()))
"""

from __future__ import annotations

from typing import Protocol

from sansio_core.errors import ChatError, InvalidRequest, ProtocolViolation

from .failures import TUNNEL_CLOSED, TUNNEL_EXCESS, no_tunnel, proxy_error_status
from .head import HeadReader
from .request import by_h11
from .routes import Proxy, Route

_MAX_HEAD = 64 * 1024  # bytes of the head of the proxy's response to CONNECT


class Tunnel(Protocol):
    """The talk with a proxy that opens a tunnel to the origin. Once `done`, all bytes are the origin's."""

    done: bool

    def begin(self) -> bytes:
        """The bytes to send first."""
        ...

    def feed(self, data: bytes) -> bytes:
        """The bytes to send next (b"" for none), after the proxy sent `data` (b"": it ended the connection).

        Raises ProxyFailed when the proxy opens no tunnel.
        """
        ...

    def lost(self, error: OSError) -> ChatError:
        """The error to raise where the connection with the proxy failed with `error`."""
        ...


def tunnel_of(route: Route, address: str | None = None) -> Tunnel | None:
    """The tunnel through the proxy of `route`; None without a proxy, or with one that forwards the request itself.

    `address`: the origin's IP address for a socks5 proxy; without it the proxy gets the name (socks5h). Raises
    InvalidRequest where the extra `socks` is not installed, and for a name that is too long for SOCKS.
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
    """CONNECT (RFC 9110 9.3.6). The proxy gets the origin's name and port, and nothing else of the request."""

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
                raise proxy_error_status(self._proxy, head.status, f"a tunnel to {self._peer}")
            if self._reader.rest:
                raise no_tunnel(self._proxy, self._peer, TUNNEL_EXCESS)
            self.done = True
        return b""

    def lost(self, error: OSError) -> ChatError:
        return no_tunnel(self._proxy, self._peer, TUNNEL_CLOSED)
