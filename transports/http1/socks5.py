"""The tunnel through a SOCKS5 proxy (RFC 1928), with a user name and password where it wants them (RFC 1929).

socksio makes and parses the messages. It must be given each message whole, so this module finds its end.
"""

from __future__ import annotations

from typing import Any

from socksio import (
    ProtocolError,
    SOCKS5AuthMethod,
    SOCKS5AuthMethodsRequest,
    SOCKS5AuthReply,
    SOCKS5Command,
    SOCKS5CommandRequest,
    SOCKS5Connection,
    SOCKS5UsernamePasswordRequest,
)
from socksio.socks5 import SOCKS5State

from sansio_core.errors import ChatError, InvalidRequest

from .failures import (
    NOT_SOCKS,
    SOCKS_PASSWORD,
    SOCKS_REPLIES,
    SOCKS_WANTS_PASSWORD,
    TUNNEL_CLOSED,
    TUNNEL_EXCESS,
    no_tunnel,
    reason,
)
from .routes import Proxy

_ADDRESS_SIZES = {1: 4, 4: 16}  # bytes of an IPv4 and an IPv6 address (RFC 1928 5); before a name (3) stands its length


class Socks5:
    """A Tunnel (see `tunnels.py`). `host` is what the proxy is to connect to: an address, or a name that it resolves.

    `peer` is the origin's host:port for errors. Raises InvalidRequest for a name that is too long.
    """

    def __init__(self, proxy: Proxy, host: str, port: int, peer: str) -> None:
        if len(host) > 255:  # RFC 1928 5: one byte for the length
            raise InvalidRequest("a SOCKS proxy takes a host name of at most 255 bytes")
        self.done = False
        self._proxy = proxy
        self._target = host, port
        self._peer = peer
        self._received = b""
        self._socks = SOCKS5Connection()
        self._send: Any = self._socks.send  # pyright: ignore[reportAttributeAccessIssue]  a decorator hides its type

    def begin(self) -> bytes:
        methods = [SOCKS5AuthMethod.NO_AUTH_REQUIRED]
        if self._proxy.username is not None:
            methods.append(SOCKS5AuthMethod.USERNAME_PASSWORD)
        self._send(SOCKS5AuthMethodsRequest(methods))
        return self._socks.data_to_send()

    def feed(self, data: bytes) -> bytes:
        if not data:
            raise self._failed(TUNNEL_CLOSED)
        self._received += data
        try:
            while not self.done and len(self._received) >= (size := self._size()):
                message, self._received = self._received[:size], self._received[size:]
                self._take(message)
        except ProtocolError:
            raise self._failed(NOT_SOCKS) from None
        if self.done and self._received:
            raise self._failed(TUNNEL_EXCESS)
        return self._socks.data_to_send()

    def lost(self, error: OSError) -> ChatError:
        return self._failed(reason(error))

    def _size(self) -> int:
        """The size in bytes of the next message, or of as much of it as must be read to know that."""
        begun = self._received
        if self._socks.state is not SOCKS5State.CLIENT_AUTHENTICATED:
            return 2
        if len(begun) < 5 or begun[1]:  # an error's code is enough: some proxies send no address after it
            return 2 if begun[1:2] > b"\0" else 5
        return 6 + (1 + begun[4] if begun[3] == 3 else _ADDRESS_SIZES.get(begun[3], 0))

    def _take(self, message: bytes) -> None:
        state = self._socks.state
        if message[0] != (1 if state is SOCKS5State.SERVER_VERIFY_USERNAME_PASSWORD else 5):
            raise ProtocolError
        if state is SOCKS5State.CLIENT_AUTHENTICATED:
            if message[1]:
                raise self._failed(SOCKS_REPLIES.get(message[1], f"its reply was {message[1]}"))
            if message[3] != 3 and message[3] not in _ADDRESS_SIZES:
                raise ProtocolError
            # This reply is not given to socksio, which fails at a bound name of more than 127 bytes; nothing here needs
            # the address.
            self.done = True
            return
        reply = self._socks.receive_data(message)
        if isinstance(reply, SOCKS5AuthReply) and reply.method is not SOCKS5AuthMethod.NO_AUTH_REQUIRED:
            self._authenticate(reply.method)
        elif self._socks.state is not SOCKS5State.CLIENT_AUTHENTICATED:
            raise self._failed(SOCKS_PASSWORD)
        else:
            self._send(SOCKS5CommandRequest.from_address(SOCKS5Command.CONNECT, self._target))

    def _authenticate(self, method: SOCKS5AuthMethod) -> None:
        if method is not SOCKS5AuthMethod.USERNAME_PASSWORD or self._proxy.username is None:
            raise self._failed(SOCKS_WANTS_PASSWORD if self._proxy.username is None else SOCKS_PASSWORD)
        name, password = self._proxy.username, self._proxy.password or ""
        self._send(SOCKS5UsernamePasswordRequest(name.encode(), password.encode()))

    def _failed(self, why: str) -> ChatError:
        return no_tunnel(self._proxy, self._peer, why)
