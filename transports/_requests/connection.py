"""One connection of the blocking transport: how it is opened, and how a request and an answer's head move over it."""

from __future__ import annotations

import importlib
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from urllib3.connection import HTTPConnection
from urllib3.util import Timeout
from urllib3.util.ssltransport import SSLTransport

from sansio_core import Send
from sansio_core._values import immutable
from sansio_core.errors import InvalidRequest, ProtocolViolation, TimedOut
from sansio_core.wire import HttpRequest

from .._shared.addresses import Addresses
from ..http1.routes import Proxy, authority
from ..http1.tls import TLSSettings
from ..http1.words import (
    BEFORE_HEAD,
    IN_BODY,
    TUNNEL_CLOSED,
    TUNNEL_EXCESS,
    closed_early,
    lost,
    no_connection,
    no_tls,
    no_tunnel,
    reason,
    refused,
    socks_words,
)
from .guard import Expired, Guard, Guarded, Stream, open_tcp, resolve
from .old_http1 import Body, CloseBody, ClosedEarly, Head, Incoming, Pairs, body_of, keeps_alive

_JOIN = 65536
"""Up to this size a request's body goes out in one piece with its head."""


@immutable
class Route:
    """Where a connection leads, and through what."""

    tls: bool
    host: str
    port: int
    proxy: Proxy | None = None

    @property
    def peer(self) -> str:
        """The host and port, as CONNECT and our errors name them."""
        return authority(self.host, self.port)

    @property
    def forwarded(self) -> bool:
        """Whether the proxy reads the request itself: plain HTTP through an HTTP proxy (RFC 9112 3.2.2)."""
        return self.proxy is not None and not self.tls and not self.proxy.socks


class Call(Timeout):
    """One request on its way through HTTPAdapter.send, which hands a Timeout on untouched: so this is one.

    For adapters that are not ours it is what urllib3 takes it for. `answer` is there once ours has it.
    """

    def __init__(self, action: Send, guard: Guard, limit: int, started: float) -> None:
        left = guard.left()
        connect = left if action.connect_deadline is None else max(action.connect_deadline - started, 0.001)
        super().__init__(connect=connect if left is None else min(connect or left, left), read=left)
        self.request = action.request
        self.connect_deadline = action.connect_deadline
        self.fresh = action.fresh
        self.guard = guard
        self.limit = limit
        self.started = started
        self.answer: Answer | None = None


class Answer:
    """A response whose head is in: `status`, `headers` (names in lower case), and the body to read."""

    def __init__(self, head: Head, body: Body, done: Callable[[bool], None], connection: Connection) -> None:
        self.status = head.status
        self.headers: Pairs = head.headers
        self._body = body
        self._keep = keeps_alive(head) and not isinstance(body, CloseBody)
        self._done: Callable[[bool], None] | None = done
        self._connection = connection
        if body.ended:
            self._finish()

    def read(self) -> bytes:
        """What is there of the body, as it came; b"" at its end. Raises Expired, Cancelled, StreamTruncated, …"""
        data = self._body.read()
        if self._body.ended:
            self._finish()
        return data

    def _finish(self) -> None:
        # What follows the body cannot belong to a request that was not yet sent (RFC 9112 9.3): not reused.
        self.close(keep=self._keep and not self._body.incoming.buffer)

    def close(self, keep: bool = False) -> None:
        """Let the connection go: closed at once, or kept for another request. Does nothing the second time."""
        done, self._done = self._done, None
        if done is not None:
            done(keep)

    def abandon(self) -> None:
        """In a forked process: close this process's descriptor, which tells the peer nothing."""
        self._done = None
        self._connection.close()


class Connection(HTTPConnection):
    """A connection along a Route; opened and used under the Guard of the call that has it at the time."""

    route: Route
    idle_since = 0.0
    # Nothing here may lead back to the client: urllib3 keeps the idle connections alive until their pool is freed.

    def open(self, call: Call, tls: TLSSettings) -> None:
        """Look-up, TCP, proxy and TLS, all by the connect deadline. Raises ChatErrors, Expired and Cancelled."""
        guard = call.guard
        deadline = guard.deadline
        first = call.connect_deadline is not None and (deadline is None or call.connect_deadline < deadline)
        if first:
            guard.deadline = call.connect_deadline
        try:
            self._open(guard, tls, call.limit)
        except Expired:
            if first and call.connect_deadline is not None:
                raise TimedOut("connect", round(call.connect_deadline - call.started, 2)) from None
            raise
        finally:
            guard.deadline = deadline

    def _open(self, guard: Guard, tls: TLSSettings, limit: int) -> None:
        route, proxy = self.route, self.route.proxy
        sock: Any = self._tcp(guard)
        handle: socket.socket | None = None
        try:
            if route.tls or (proxy is not None and proxy.scheme == "https"):
                # A TLS object takes the socket's descriptor over: while it shakes hands, a copy is what cancel() shuts.
                handle = self._copy(sock)
                guard.hold(handle)
            if proxy is not None and proxy.scheme == "https":
                sock = self._tls(guard, tls.context, sock, proxy.host, proxy)
            if proxy is not None and route.tls and not proxy.socks:
                _tunnel(guard, sock, route, proxy, limit)
            if route.tls:
                sock = self._tls(guard, tls.context, sock, route.host, None)
            guard.hold(sock)
        except BaseException:
            guard.let_go()
            sock.close()
            raise
        finally:
            if handle is not None:
                handle.close()
        self.sock = sock

    def _tcp(self, guard: Guard) -> socket.socket:
        route, proxy = self.route, self.route.proxy
        host, port = (route.host, route.port) if proxy is None else (proxy.host, proxy.port)
        try:
            if proxy is not None and proxy.socks:
                return _socks(guard, route, proxy)
            return open_tcp(guard, resolve(guard, host, port))
        except (OSError, UnicodeError) as error:
            raise no_connection(error, route.peer, proxy) from None

    def _copy(self, sock: socket.socket) -> socket.socket:
        try:
            return sock.dup()
        except OSError as error:  # too many open files
            raise no_connection(error, self.route.peer, self.route.proxy) from None

    def _tls(self, guard: Guard, context: ssl.SSLContext, sock: Any, host: str, proxy: Proxy | None) -> Any:
        host = host.rstrip(".").partition("%")[0]
        try:
            sock.settimeout(guard.left())
            # Of a socket that was reset already wrap_socket leaves half an SSLSocket behind, which nobody can close.
            sock.getpeername()
            # An end without close_notify is told apart from one with it (RFC 9112 9.8).
            if isinstance(sock, ssl.SSLSocket):
                inner: Any = Guarded(guard, sock)
                return SSLTransport(inner, context, host, suppress_ragged_eofs=False)
            return context.wrap_socket(sock, server_hostname=host, suppress_ragged_eofs=False)
        except (OSError, ValueError) as error:
            sock.close()
            guard.left()
            raise no_tls(error, self.route.peer, proxy) from None

    def ask(self, call: Call, reused: bool, done: Callable[[bool], None]) -> Answer:
        """Send the request and read the answer's head. Raises ChatErrors, Expired and Cancelled."""
        guard, sock = call.guard, self.sock
        if isinstance(sock, SSLTransport) and isinstance(sock.socket, Guarded):
            sock.socket.guard = guard
        incoming = _Incoming(guard, sock, call.limit)
        try:
            # It may have answered without reading everything (413 and the like): look in any case.
            with suppress(BrokenPipeError, ConnectionResetError):
                _send(guard, sock, call.request, self.route)
            head = incoming.head()
        except ClosedEarly:
            raise closed_early(self.route.peer, incoming.began, reused) from None
        except OSError as error:
            raise lost(error, BEFORE_HEAD, reused and not incoming.began) from None
        if self.route.forwarded and self.route.proxy is not None and head.status == 407:
            raise refused(self.route.proxy, head.status, "the request")
        return Answer(head, body_of(head, call.request.method, incoming), done, self)


class _Incoming(Incoming):
    """Incoming from a socket: its errors become ours once the head is in."""

    def __init__(self, guard: Guard, sock: Stream, limit: int) -> None:
        super().__init__(self._receive, limit)
        self._guard = guard
        self._sock = sock
        self._in_body = False

    def head(self) -> Head:
        head = super().head()
        self._in_body = True
        return head

    def _receive(self) -> bytes:
        try:
            return self._guard.recv(self._sock)
        except ssl.SSLEOFError as error:
            if _was_reset(error):
                raise (lost(ConnectionResetError(), IN_BODY) if self._in_body else ConnectionResetError()) from None
            self.ragged = True
            return b""
        except OSError as error:
            if self._in_body:
                raise lost(error, IN_BODY) from None
            raise


def _was_reset(error: ssl.SSLEOFError) -> bool:
    """Whether it was a reset that Python before 3.13 takes for an end: its _ssl loses the number of the error.

    OpenSSL 3 gives a reason for an end without close_notify; of a failed system call it knows none.
    """
    return error.reason is None and ssl.OPENSSL_VERSION_INFO >= (3,)


def _tunnel(guard: Guard, sock: Stream, route: Route, proxy: Proxy, limit: int) -> None:
    """Have the proxy connect us with the origin (RFC 9110 9.3.6)."""
    lines = [f"CONNECT {route.peer} HTTP/1.1", f"host: {route.peer}"]
    lines += [f"{name}: {value}" for name, value in proxy.authorization]
    incoming = Incoming(partial(guard.recv, sock), limit)
    try:
        guard.send(sock, ("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
        head = incoming.head()
    except (ClosedEarly, OSError):
        raise no_tunnel(proxy, route.peer, TUNNEL_CLOSED) from None
    except ProtocolViolation as error:
        raise no_tunnel(proxy, route.peer, str(error)) from None
    if not 200 <= head.status < 300:
        raise refused(proxy, head.status, f"a tunnel to {route.peer}")
    if incoming.buffer:
        raise no_tunnel(proxy, route.peer, TUNNEL_EXCESS)


def _socks(guard: Guard, route: Route, proxy: Proxy) -> socket.socket:
    """A socket connected through a SOCKS5 proxy (RFC 1928). socks5h lets the proxy resolve the name."""
    try:
        socks = importlib.import_module("socks")
    except ImportError:
        raise InvalidRequest('a SOCKS proxy needs PySocks: pip install "sansio-chat[socks]"') from None

    class Hurried(socks.socksocket):  # type: ignore[misc, name-defined]  # PySocks has no types
        """Its negotiation reads a few bytes at a time: each gets the time that remains."""

        def recv_into(self, *args: Any) -> Any:
            guard.arm(self, exact=True)
            return super().recv_into(*args)

    target = route.host
    if proxy.scheme == "socks5":
        try:
            target = str(resolve(guard, route.host, route.port)[0][4][0])
        except (OSError, UnicodeError) as error:
            raise no_connection(error, route.peer) from None
    family, *_, address = _reachable(guard, resolve(guard, proxy.host, proxy.port))
    sock = Hurried(family)
    try:
        guard.hold(sock)
        sock.set_proxy(socks.SOCKS5, *address[:2], proxy.scheme == "socks5h", proxy.username, proxy.password)
        guard.arm(sock, exact=True)
        sock.connect((target, route.port))
        guard.let_go()
        return socket.socket(fileno=sock.detach())
    except BaseException as error:
        guard.let_go()
        sock.close()
        if isinstance(error, OSError):
            guard.left()  # it ended in that way because of us
            inner = getattr(error, "socket_err", None)  # PySocks wraps what it fails with, its own errors as well
            if isinstance(error, socks.ProxyConnectionError):
                raise no_connection(inner or error, route.peer, proxy) from None
            raise no_tunnel(proxy, route.peer, _said_by_socks(inner or error)) from None
        raise


def _reachable(guard: Guard, addresses: Addresses) -> tuple[Any, ...]:
    """The one of `addresses` that answers first. PySocks connects by itself, to one address."""
    if len(addresses) == 1:
        return addresses[0]
    with open_tcp(guard, addresses) as sock:
        guard.let_go()
        place = sock.getpeername()[:2]  # a scope may be written in it (fe80::1%eth0): then the first is as good as any
        return next((address for address in addresses if address[4][:2] == place), addresses[0])


def _said_by_socks(error: Exception) -> str:
    """PySocks' own errors are OSErrors without a number; of a proxy's reply they begin with its code (RFC 1928 6)."""
    said = str(error)
    code = re.match("0x([0-9a-f]{2}): ", said)
    if isinstance(error, OSError) and error.errno is not None:
        said = reason(error)
    return socks_words(int(code[1], 16) if code else None, said)


def _send(guard: Guard, sock: Stream, request: HttpRequest, route: Route) -> None:
    place, target = request.authority, request.target
    given = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {f'http://{place}{target}' if route.forwarded else target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"host: {place}")
    if "accept-encoding" not in given:
        lines.append("accept-encoding: gzip, deflate")
    if (request.body or request.method == "POST") and "content-length" not in given:
        lines.append(f"content-length: {len(request.body)}")
    extra = route.proxy.authorization if route.forwarded and route.proxy is not None else ()
    lines += [f"{name}: {value}" for name, value in (*extra, *request.headers)]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
    if len(request.body) <= _JOIN:
        guard.send(sock, head + request.body)
    else:
        guard.send(sock, head)
        guard.send(sock, request.body)
