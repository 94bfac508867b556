"""Sockets that a user's `connect=` returns: the system's own, or others (paramiko's channels, a connection in TLS).

`opening.py` checks them here; `connection.py` speaks TLS here over those that OpenSSL cannot take over.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from urllib3.util.ssltransport import SSLTransport

from sansio_core import InvalidRequest

from .guard import Guard, Guarded

METHODS = ("recv", "send", "settimeout", "close")


class AnySocket(Protocol):
    """What is needed of a connected socket. `recv` and `send` raise TimeoutError after the time of `settimeout`.

    One that has `fileno()` as well, which tells by poll whether there is something to read, can serve many requests.
    """

    def recv(self, n: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...
    def settimeout(self, seconds: float | None, /) -> None: ...
    def close(self) -> None: ...


class ForeignSocket:
    """A socket that is not the system's, with the methods that urllib3 calls and this package needs."""

    def __init__(self, sock: AnySocket) -> None:
        self._sock = sock
        self.recv, self.settimeout, self.close = sock.recv, sock.settimeout, sock.close

    def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`; returns how many bytes."""
        return self._sock.send(bytes(data))

    def fileno(self) -> int:
        """The descriptor to be polled, -1 without one."""
        fileno: Callable[[], int] | None = getattr(self._sock, "fileno", None)
        return -1 if fileno is None else fileno()


def checked_socket(sock: object) -> Any:
    """The socket that `connect=` has returned. Raises InvalidRequest for anything else, OSError for a closed one."""
    if isinstance(sock, socket.socket):
        if sock.fileno() < 0:
            raise OSError(None, "connect= returned a closed socket")
        if isinstance(sock, ssl.SSLSocket):
            secure: Any = sock
            secure.suppress_ragged_eofs = False  # an end without close_notify must show (RFC 9112 9.8)
        return sock
    if all(callable(getattr(sock, name, None)) for name in METHODS):
        return ForeignSocket(sock)  # type: ignore[arg-type]  # it was just looked at
    raise InvalidRequest(f"connect= must return a connected socket, or its like, not {type(sock).__name__}")


def over_tls(sock: Any, guard: Guard, context: ssl.SSLContext, host: str) -> SSLTransport:
    """TLS with `host` over any socket, itself in TLS perhaps."""
    return SSLTransport(Guarded(guard, sock), context, host, suppress_ragged_eofs=False)  # type: ignore[arg-type]
