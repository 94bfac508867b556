"""One connection of the blocking transport: urllib3's, with its socket under the guard of the Call that uses it.

It replaces four steps of urllib3: opening the socket, opening a proxy's tunnel, sending the request, reading the head.
There a timeout bounds each receive and not their sum, and nothing can be cancelled. The pools of `adapter.py` make
these connections; in a thread without a Call they behave as urllib3's.
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
from .opening import first_hop, resolve

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

_KEEP = 60.0
"""Seconds after which an idle connection is not used again: routers drop idle ones without telling either end."""


class PlainConnection(HTTPConnection):
    """A connection for http://; the base of the one for https://."""

    # No attribute may refer to the client: urllib3's pool keeps idle connections, and would keep it alive with them.
    ragged = False
    """Whether a TLS connection ended without close_notify; `receive` returns b"" for that end too."""
    _idle_since = 0.0
    _served = 0
    _response: Response
    _unsent: OSError | None = None
    _dialled: Any = None
    """The socket that `_dial` has given, until urllib3's connect takes it."""
    _handshaking: socket.socket | None = None

    @property
    def is_connected(self) -> bool:
        """Whether an idle connection may serve the next request; urllib3 opens it anew if not."""
        call = current()
        if call is not None and (call.fresh or self._idle_since + _KEEP < monotonic()):
            return False
        return super().is_connected

    def connect(self) -> None:
        """Look-up, TCP, proxy and TLS, all by the connect deadline. Raises ChatErrors, Expired and Cancelled."""
        self._served = 0
        self._idle_since = monotonic()  # for a request that is no Call: its end, when idling begins, is not seen here
        self.ragged = False
        call = current()
        if call is None:
            super().connect()
            return
        guard, deadline, limit = call.guard, call.guard.deadline, call.connect_deadline
        if limit is None or (deadline is not None and deadline <= limit):
            self._connect_by_deadline(call)
            return
        guard.deadline = limit
        try:
            self._connect_by_deadline(call)
        except Expired:
            raise TimedOut("connect", round(max(limit - call.started, 0), 2)) from None
        finally:
            guard.deadline = deadline

    def _connect_by_deadline(self, call: Call) -> None:
        """As `connect`, by the guard's deadline. Raises ChatErrors and Expired."""
        dialled = False
        try:
            self._dialled = self._dial(call)
            dialled = True
            self._secure(call)
            call.guard.hold(self.sock)
        except ChatError:  # before the next line: InvalidRequest is a ValueError too
            raise
        except (OSError, ValueError) as error:  # from TLS: all other failures are ChatErrors by now
            if not dialled:  # but those of a user's function
                raise
            _close_half_made(error)
            call.guard.left()  # raises if the deadline or cancel() caused the error
            to_proxy = self.proxy is not None and not self.has_connected_to_proxy
            raise no_tls(error, call.route.peer, call.route.proxy if to_proxy else None) from None
        except BaseException as error:  # Expired, or the exception of a signal handler
            _close_half_made(error)
            raise
        finally:
            left, self._handshaking, self._dialled = (self._handshaking, self._dialled), None, None
            for sock in left:
                if sock is not None:
                    sock.close()

    def _secure(self, call: Call) -> None:
        """Make `sock` of the one that was dialled."""
        super().connect()

    def _new_conn(self) -> Any:
        if current() is None:
            return super()._new_conn()
        sock, self._dialled = self._dialled, None
        return sock

    def _dial(self, call: Call) -> Any:
        """Look-up, TCP, and a SOCKS proxy. Raises ChatErrors, Expired, Cancelled; and what a user's function raises."""
        guard, route = call.guard, call.route
        try:
            target = None
            if route.proxy is not None and route.proxy.scheme == "socks5":  # with socks5h the proxy resolves
                target = _address(guard, call)
            tunnel = tunnel_of(route, target)
            sock = first_hop(guard, call.way, *route.first_hop)
        except (OSError, UnicodeError) as error:
            raise no_connection(error, call.way.uds or route.peer, route.proxy) from call.way.users(error)
        try:
            if tunnel is not None and route.proxy is not None and route.proxy.socks:
                _open_tunnel(guard, sock, tunnel)
            self._before_tls(call, sock)
        except BaseException:
            guard.let_go()
            sock.close()
            raise
        return sock

    def _before_tls(self, call: Call, sock: socket.socket) -> None:
        """Called with the connected socket, before anything is sent to the origin or to an HTTP proxy."""

    def request(self, *args: Any, **options: Any) -> None:
        """Send the Call's bytes; the arguments, urllib3's form of the request, are not used."""
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
        layer: Any = self.sock
        while isinstance(layer, (SSLTransport, Guarded)):
            if isinstance(layer, Guarded):
                layer.guard = guard
            layer = layer.socket
        reused = self._served > 0
        if call.on_connection is not None:
            call.on_connection(reused)
        self._response = Response(call.request, call.route, call.limits, reused)
        self._served += 1
        self._unsent = None
        try:
            guard.send(self.sock, call.data)  # pyright: ignore[reportArgumentType]  connect() has set it
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError) as error:
            self._unsent = error  # the server may have answered before it read all (413): getresponse looks first
        except OSError as error:
            raise self._response.lost(error) from None

    def getresponse(self) -> Any:
        """Read the head of the Call's response. Raises ChatErrors, Expired and Cancelled."""
        call = current()
        if call is None:
            return super().getresponse()
        response = self._response
        del self._response
        try:
            while not response.feed_head(self.receive(call.guard)):
                pass
        except ConnectionLost:
            if isinstance(self._unsent, ConnectionError):  # sending got the reset already: recv then reports an end
                raise response.lost(self._unsent) from None
            raise
        except OSError as error:
            raise response.lost(error) from None
        call.answer = Answer(self, response)
        return call.answer

    def receive(self, guard: Guard) -> bytes:
        """The next bytes; b"" once the peer has closed the connection. Raises Expired, Cancelled, OSError."""
        try:
            return guard.recv(self.sock)
        except ssl.SSLEOFError as error:
            if _was_reset(error):
                raise ConnectionResetError from None
            self.ragged = True
            return b""

    def abandon(self) -> None:
        """In a forked process: close this process's descriptor; that sends the peer nothing."""
        self.close()

    def become_idle(self) -> bool:
        """Note the time; returns whether the connection is fit for another request."""
        self._idle_since = monotonic()
        pending = getattr(self.sock, "pending", None)
        return self.sock is not None and not (pending is not None and pending()) and self.sock.fileno() >= 0


class TLSConnection(PlainConnection, HTTPSConnection):
    """A connection for https://, or to a proxy that speaks TLS."""

    def connect(self) -> None:
        """As PlainConnection's; an end without close_notify raises, unlike one with it (RFC 9112 9.8)."""
        super().connect()
        if current() is not None:
            secure: Any = self.sock
            secure.suppress_ragged_eofs = False

    def _secure(self, call: Call) -> None:
        """As PlainConnection's, and TLS."""
        if isinstance(self._dialled, socket.socket) and not isinstance(self._dialled, ssl.SSLSocket):
            super()._secure(call)
        else:
            self._secure_foreign(call)

    def _secure_foreign(self, call: Call) -> None:
        """As urllib3's connect, over a socket whose descriptor OpenSSL cannot take over: it is foreign, or in TLS."""
        from .sockets import over_tls

        guard, route, context = call.guard, call.route, call.tls.context
        proxy, tunnel = route.proxy, tunnel_of(route)
        sock = self._dialled
        if proxy is not None and proxy.scheme == "https":
            sock = over_tls(sock, guard, context, proxy.host)
        if tunnel is not None and proxy is not None and not proxy.socks:
            self._has_connected_to_proxy = True
            _open_tunnel(guard, sock, tunnel)
        self.sock, self._dialled = over_tls(sock, guard, context, route.host) if route.tls else sock, None
        self._has_connected_to_proxy = proxy is not None
        self.is_verified = self.proxy_is_verified = context.verify_mode == ssl.CERT_REQUIRED

    def _before_tls(self, call: Call, sock: socket.socket) -> None:
        if not isinstance(sock, socket.socket) or isinstance(sock, ssl.SSLSocket):
            return
        # wrap_socket takes the descriptor from the socket object, so during the handshake cancel() shuts down a copy.
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
        # With TLS inside TLS, one call of ours makes several of the outer socket: each must get the remaining time.
        return secure if self.proxy_is_forwarding else Guarded(call.guard, secure)

    def _tunnel(self) -> None:
        call = current()
        tunnel = None if call is None else tunnel_of(call.route)
        if call is None or tunnel is None:
            super()._tunnel()
            return
        sock = self.sock.socket if isinstance(self.sock, Guarded) else self.sock
        _open_tunnel(call.guard, sock, tunnel)
        sock.settimeout(call.guard.left())


def _close_half_made(error: BaseException) -> None:
    """Close the SSLSocket that wrap_socket leaves open when the peer resets the connection just before the handshake.

    SSLSocket._create takes the descriptor over and then checks whether it is connected; if that check raises, the only
    reference to the new SSLSocket is `self` in the traceback's frame.
    """
    for frame, _ in walk_tb(error.__traceback__):
        if isinstance(made := frame.f_locals.get("self"), ssl.SSLSocket):
            made.close()


def _address(guard: Guard, call: Call) -> str:
    try:
        return str(resolve(guard, call.way, call.route.host, call.route.port)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise no_connection(error, call.route.peer) from None


def _open_tunnel(guard: Guard, sock: Any, tunnel: Tunnel) -> None:
    """Have the proxy connect us with the origin. Raises ProxyFailed, Expired, Cancelled."""
    try:
        guard.send(sock, tunnel.begin())
        while not tunnel.done:
            guard.send(sock, tunnel.feed(guard.recv(sock)))
    except OSError as error:
        raise tunnel.lost(error) from None


def _was_reset(error: ssl.SSLEOFError) -> bool:
    """Whether a reset caused `error`: Python before 3.13 loses the errno, and raises SSLEOFError for it as for an end.

    For an end without close_notify OpenSSL 3 gives a `reason`; for a failed system call it gives none.
    """
    return error.reason is None and ssl.OPENSSL_VERSION_INFO >= (3,)


class Answer:
    """A response whose head is in: the wire reads the body with it, and urllib3's pool takes it for a urllib3 response.

    For the pool it has the attributes that urllib3 looks at for retries and redirects (none: the exchange decides on
    both), and `_pool`, which the pool sets: `release` gives the connection back to it.
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
        """Give the connection back: to be kept for another request, or closed at once."""
        connection, pool = self.connection, self._pool
        if not (guard.let_go() and self.response.reusable and connection.become_idle()):
            connection.close()
        if pool is not None:
            pool._put_conn(connection)  # pyright: ignore[reportArgumentType]  urllib3's own pools pass the same
