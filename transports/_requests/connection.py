"""One connection of the blocking transport: urllib3's, with its socket under the guard of the call that uses it.

What differs from urllib3's own: how a socket is opened, how a proxy is passed, how a request is written and how a
response's head is read. There, a timeout bounds one receive and not their sum, and nothing can be cancelled. The pools
of `adapter.py` make these; with no call of ours in the thread, they are urllib3's.
"""

from __future__ import annotations

import socket
import ssl
from time import monotonic
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssltransport import SSLTransport

from sansio_core.errors import ChatError, ConnectionLost, TimedOut

from ..http1.failures import no_connection, no_tls
from ..http1.response import Response
from ..http1.tunnels import Tunnel, tunnel_of
from .call import Call, current
from .guard import Expired, Guard, Guarded
from .opening import open_tcp, resolve

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

_KEEP = 60.0
"""Seconds that an idle connection is used after: routers forget one without telling its ends."""


class PlainConnection(HTTPConnection):
    """http://, and what TLS shares with it."""

    # Nothing here may lead back to the client: urllib3 keeps the idle connections alive until their pool is freed.
    ragged = False
    """Whether a TLS connection ended without close_notify; `receive` gave b"" then too."""
    _idle_since = 0.0
    _served = 0
    _response: Response
    _unsent: OSError | None = None
    _handshaking: socket.socket | None = None

    @property
    def is_connected(self) -> bool:
        """Whether it may serve the request that is to be sent: what urllib3 asks of a connection at rest."""
        call = current()
        if call is not None and (call.fresh or self._idle_since + _KEEP < monotonic()):
            return False
        return super().is_connected

    def connect(self) -> None:
        """Look-up, TCP, proxy and TLS, all by the connect deadline. Raises ChatErrors, Expired and Cancelled."""
        self._served = 0
        self._idle_since = monotonic()  # one that served a plain request of requests is not told when that is over
        self.ragged = False
        call = current()
        if call is None:
            super().connect()
            return
        guard = call.guard
        deadline = guard.deadline
        first = call.connect_deadline is not None and (deadline is None or call.connect_deadline < deadline)
        if first:
            guard.deadline = call.connect_deadline
        try:
            try:
                super().connect()
            except ChatError:
                raise
            except (OSError, ValueError) as error:  # of TLS: what else may fail is a ChatError by now
                _close_half_made(error)
                guard.left()  # it may have failed because of us
                to_proxy = self.proxy is not None and not self.has_connected_to_proxy
                raise no_tls(error, call.route.peer, call.route.proxy if to_proxy else None) from None
            except BaseException as error:  # Expired, or what a signal handler raised
                _close_half_made(error)
                raise
            guard.hold(self.sock)
        except Expired:
            if first and call.connect_deadline is not None:
                raise TimedOut("connect", round(max(call.connect_deadline - call.started, 0), 2)) from None
            raise
        finally:
            guard.deadline = deadline
            handle, self._handshaking = self._handshaking, None
            if handle is not None:
                handle.close()

    def _new_conn(self) -> socket.socket:
        call = current()
        if call is None:
            return super()._new_conn()
        guard, route = call.guard, call.route
        try:
            target = None
            if route.proxy is not None and route.proxy.scheme == "socks5":  # which resolves no names, as socks5h does
                target = _address(guard, call)
            tunnel = tunnel_of(route, target)
            sock = open_tcp(guard, resolve(guard, *route.first_hop))
        except (OSError, UnicodeError) as error:
            raise no_connection(error, route.peer, route.proxy) from None
        try:
            if tunnel is not None and route.proxy is not None and route.proxy.socks:
                _pass(guard, sock, tunnel)
            self._ready(call, sock)
        except BaseException:
            guard.let_go()
            sock.close()
            raise
        return sock

    def _ready(self, call: Call, sock: socket.socket) -> None:
        """The socket is connected with the origin, or with the proxy that is to be spoken to."""

    def request(self, *args: Any, **options: Any) -> None:
        """Send the call's request; of what urllib3 passes nothing is needed."""
        call = current()
        if call is None:
            super().request(*args, **options)
            self._served += 1
            return
        guard = call.guard
        if self.sock is None:
            self.connect()
        else:
            guard.hold(self.sock)
        if isinstance(self.sock, SSLTransport) and isinstance(self.sock.socket, Guarded):
            self.sock.socket.guard = guard
        self._response = Response(call.request, call.route, call.limits, self._served > 0)
        self._served += 1
        self._unsent = None
        try:
            guard.send(self.sock, call.data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError) as error:
            self._unsent = error  # it may have answered without reading everything (413 and the like): look first
        except OSError as error:
            raise self._response.lost(error) from None

    def getresponse(self) -> Any:
        """Read the head of the call's response. Raises ChatErrors, Expired and Cancelled."""
        call = current()
        if call is None:
            return super().getresponse()
        response = self._response
        del self._response
        try:
            while not response.feed_head(self.receive(call.guard)):
                pass
        except ConnectionLost:
            if isinstance(self._unsent, ConnectionError):  # the system tells of a reset once: after that, of an end
                raise response.lost(self._unsent) from None
            raise
        except OSError as error:
            raise response.lost(error) from None
        call.answer = Answer(self, response)
        return call.answer

    def receive(self, guard: Guard) -> bytes:
        """What has arrived; b"" at the end. Raises Expired, Cancelled, OSError."""
        try:
            return guard.recv(self.sock)
        except ssl.SSLEOFError as error:
            if _was_reset(error):
                raise ConnectionResetError from None
            self.ragged = True
            return b""

    def abandon(self) -> None:
        """In a forked process: close this process's descriptor, which tells the peer nothing."""
        self.close()

    def rest(self) -> bool:
        """Between two requests; whether the connection is fit for that."""
        self._idle_since = monotonic()
        pending = getattr(self.sock, "pending", None)
        return self.sock is not None and not (pending is not None and pending())


class TLSConnection(PlainConnection, HTTPSConnection):
    """https://, or a proxy that is spoken to in TLS."""

    def connect(self) -> None:
        """As above; an end without close_notify is told apart from one with it (RFC 9112 9.8)."""
        super().connect()
        if current() is not None:
            secure: Any = self.sock
            secure.suppress_ragged_eofs = False

    def _ready(self, call: Call, sock: socket.socket) -> None:
        # A TLS object takes the socket's descriptor over: while it shakes hands, a copy is what cancel() shuts.
        try:
            self._handshaking = handle = sock.dup()
        except OSError as error:  # too many open files
            raise no_connection(error, call.route.peer, call.route.proxy) from None
        call.guard.hold(handle)
        sock.settimeout(call.guard.left())

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> Any:
        call = current()
        if call is None:
            return super()._connect_tls_proxy(hostname, sock)
        context = call.tls.context
        self.proxy_is_verified = context.verify_mode == ssl.CERT_REQUIRED
        secure = context.wrap_socket(sock, server_hostname=hostname, suppress_ragged_eofs=False)
        # TLS inside TLS makes several calls of the socket in one of ours.
        return secure if self.proxy_is_forwarding else Guarded(call.guard, secure)

    def _tunnel(self) -> None:
        call = current()
        tunnel = None if call is None else tunnel_of(call.route)
        if call is None or tunnel is None:
            super()._tunnel()
            return
        sock = self.sock.socket if isinstance(self.sock, Guarded) else self.sock
        _pass(call.guard, sock, tunnel)
        sock.settimeout(call.guard.left())


def _close_half_made(error: BaseException) -> None:
    """Close the SSLSocket that wrap_socket leaves open when the peer has reset the connection before: its frame has it.

    (It takes the socket over, looks whether that is connected, and lets what this look raises pass.)
    """
    for frame, _ in walk_tb(error.__traceback__):
        if isinstance(made := frame.f_locals.get("self"), ssl.SSLSocket):
            made.close()


def _address(guard: Guard, call: Call) -> str:
    try:
        return str(resolve(guard, call.route.host, call.route.port)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise no_connection(error, call.route.peer) from None


def _pass(guard: Guard, sock: Any, tunnel: Tunnel) -> None:
    """Have the proxy connect us with the origin. Raises ProxyFailed, Expired, Cancelled."""
    try:
        guard.send(sock, tunnel.begin())
        while not tunnel.done:
            guard.send(sock, tunnel.feed(guard.recv(sock)))
    except OSError as error:
        raise tunnel.lost(error) from None


def _was_reset(error: ssl.SSLEOFError) -> bool:
    """Whether it was a reset that Python before 3.13 takes for an end: its _ssl loses the number of the error.

    OpenSSL 3 gives a reason for an end without close_notify; of a failed system call it knows none.
    """
    return error.reason is None and ssl.OPENSSL_VERSION_INFO >= (3,)


class Answer:
    """A response whose head is in: what the wire reads on with, and as much of a urllib3 response as its pool asks for.

    The pool looks whether the response asks for a retry or a redirect, which the exchange decides, and sets itself and
    the connection, which `release` gives back.
    """

    retries: Any = None
    version_string = "HTTP/1.1"
    length_remaining = None
    headers: dict[str, str] = {}  # noqa: RUF012  # never written to
    _pool: HTTPConnectionPool | None = None

    def __init__(self, connection: PlainConnection, response: Response) -> None:
        self.connection = connection
        self.response = response
        self.status = response.status

    def release(self, guard: Guard) -> None:
        """Let the connection go: closed at once, or kept for another request."""
        connection, pool = self.connection, self._pool
        if not (guard.let_go() and self.response.reusable and connection.rest()):
            connection.close()
        if pool is not None:
            pool._put_conn(connection)
