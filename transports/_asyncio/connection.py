"""One open connection of asyncio: bytes out at once, bytes in under a deadline, TLS when asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from math import inf
from typing import Final

from sansio_core.errors import Cancelled, ChatError

from ..http1.routes import Proxy
from ..http1.words import no_tls

READ_SIZE: Final = 64 * 1024
"""How much one read takes, and how much may wait unread before the peer is held up."""


class Broken(Exception):
    """The connection broke: `error` is the system's or OpenSSL's. (No OSError, as TimeoutError is one of those.)"""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error if isinstance(error, OSError) else OSError(None, type(error).__name__)


class Connection(asyncio.BufferedProtocol):
    """A connection's bytes. Used by one task at a time, in the loop's thread, except where said otherwise.

    `space` is where a read puts its bytes before they are copied out at their own size. All connections of a loop
    share it: loops fill it and tell us so in one go. (A stream reader's transport allocates 256 KiB for each read,
    which the allocator maps and unmaps.)
    """

    __slots__ = (
        "_deadline", "_loop", "_lost", "_over", "_paused", "_received", "_size", "_space", "_timer", "_timer_at",
        "_transport", "_waiter", "idle_since", "on_disturbed", "ragged", "reused",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, space: memoryview) -> None:
        self._loop = loop
        self._space = space
        self._transport: asyncio.Transport | None = None
        self._received: list[bytes] = []
        self._size = 0
        self._paused = False
        self._over = False
        self._lost: Exception | None = None
        self._waiter: asyncio.Future[bytes] | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self.ragged = False
        """Whether a TLS connection ended without close_notify; `receive` gives b"" then too."""
        self.reused = False
        self.idle_since = 0.0
        self.on_disturbed: Callable[[Connection], None] | None = None
        """Called when anything happens on a connection that waits in a pool."""

    # --- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a stream socket; uvloop's is no subclass

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._space[:nbytes])
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(data)
            return
        self._received.append(data)
        self._size += nbytes
        if self._size >= READ_SIZE and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if self.on_disturbed is not None:
            self.on_disturbed(self)

    def eof_received(self) -> None:
        # asyncio calls this also where TLS ends without close_notify: its TLS object then waits for more, and gives b""
        # only behind a close_notify.
        if (tls := self._tls_object()) is not None:
            try:
                self.ragged = bool(tls.read(1))
            except ssl.SSLError:
                self.ragged = True
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        # uvloop calls nothing before where TLS ends without close_notify
        self.ragged = self.ragged or (not self._over and self._tls_object() is not None)
        self._end(None if exc is None else Broken(exc))

    def _tls_object(self) -> ssl.SSLObject | None:
        found: ssl.SSLObject | None = None
        if self._transport is not None:
            found = self._transport.get_extra_info("ssl_object")
        return found

    def _end(self, lost: Exception | None) -> None:
        if self._over:
            return
        self._over = True
        self._lost = lost
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            if lost is None:
                waiter.set_result(b"")
            else:
                waiter.set_exception(lost)
        if self.on_disturbed is not None:
            self.on_disturbed(self)

    # --- what we call

    @property
    def peer_address(self) -> str:
        """The peer's IP address."""
        return str(self._transport.get_extra_info("peername")[0]) if self._transport is not None else ""

    @property
    def quiet(self) -> bool:
        """Open both ways, with nothing unread and nothing unsent: fit for another request."""
        transport = self._transport
        return not (
            self._over
            or self._received
            or transport is None
            or transport.is_closing()
            or transport.get_write_buffer_size()
        )

    def write(self, data: bytes) -> None:
        """Send `data`. Never waits: who reads the answer under a deadline bounds the sending as well."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def peek(self) -> bytes:
        """What has come already, b"" if nothing has; it never waits."""
        received = self._received
        if not received:
            return b""
        data = b"".join(received)  # one alone is not copied
        received.clear()
        self._size = 0
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return data

    async def receive(self, deadline: float | None = None) -> bytes:
        """What has come, as soon as anything has; b"" once the peer has ended the connection properly.

        `deadline` is in the loop's time. Raises TimeoutError, Broken, and what `abort` was given.
        """
        if self._received:
            return self.peek()
        if self._over:
            if self._lost is None:
                return b""
            raise self._lost
        # The timer outlives the read: the next read's deadline is mostly later, and then costs one comparison
        self._deadline = deadline
        if deadline is not None and deadline < self._timer_at:
            self._set_timer(deadline)
        waiter: asyncio.Future[bytes] = self._loop.create_future()
        self._waiter = waiter
        try:
            return await waiter
        finally:
            self._waiter = None

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._on_timer)
        self._timer_at = when

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, inf
        waiter, deadline = self._waiter, self._deadline
        if waiter is None or waiter.done() or deadline is None:
            return
        if self._loop.time() < deadline:
            self._set_timer(deadline)
        else:
            waiter.set_exception(TimeoutError())

    def rest(self) -> None:
        """No read is under way for a while: keep no timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, inf

    def abort(self, error: ChatError | None = None) -> None:
        """Close at once, without a word to the peer; a read, under way or later, raises `error`, or Cancelled."""
        self.on_disturbed = None
        self._over = True
        self._lost = lost = self._lost or error or Cancelled("the stream was closed")
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(lost)
        self.rest()
        self._received.clear()
        transport, self._transport = self._transport, None
        if transport is not None and not self._loop.is_closed():
            transport.abort()

    async def start_tls(self, context: ssl.SSLContext, host: str, peer: str, proxy: Proxy | None = None) -> None:
        """Speak TLS from here on, with `peer` (host:port) or else with `proxy`.

        Raises TLSFailed, or ConnectFailed when the connection broke meanwhile; with a proxy, ProxyFailed.
        """
        transport = self._transport
        try:
            if transport is None or transport.is_closing():  # uvloop's RuntimeError comes of the latter
                raise ConnectionResetError
            secure = await self._loop.start_tls(transport, self, context, server_hostname=host)
            if secure is None:
                raise ConnectionResetError
        except (OSError, ValueError) as error:
            raise no_tls(error, peer, proxy) from None
        self._transport = secure
