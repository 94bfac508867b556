"""One open connection of asyncio, as `wire.py` and `pool.py` use it: a Reader and its transport, or a pair of others.

Any pair of a StreamReader and a StreamWriter will do: of a socket, of an SSH channel, in memory. Some things only
asyncio's own can do, and they are used where they are there: to wake a reader with an exception, to close at once
(abort), to see how TLS ended.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any, Final, Protocol

from sansio_core.errors import Cancelled, ChatError

from ..http1.failures import no_tls
from ..http1.routes import Proxy

READ_SIZE: Final = 64 * 1024
"""The most bytes that one read takes."""
LIMIT: Final = 64 * 1024
"""A Reader with more bytes unread stops reading its socket: it holds at most 128 KiB."""

# Seconds that a read begun after its deadline still gets, for bytes that came in time: the loop may need several steps
# to deliver them (in TLS, after a reader that was full).
_GRACE: Final = 0.01


class Reader(asyncio.Protocol):
    """What a transport of the loop received and nobody has read yet, for one task to read.

    It is as much of a StreamReader as a Connection needs, and does not copy what it receives. `on_activity` is called
    at bytes, the end or an error: each makes an idle connection unfit.
    """

    transport: Any

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.on_activity: Callable[[], None] | None = None
        self.unread: list[bytes] = []
        self._size = 0  # bytes of `unread`, in memory
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._ended = self._paused = False

    async def read(self, size: int) -> bytes:
        """All bytes that are here, as soon as there are any, also more than `size`; b"" once the peer has ended.

        Raises the error that the connection failed with, or that `set_exception` was given.
        """
        if self._error is None and not (self.unread or self._ended):
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._error is not None:
            raise self._error
        unread, self.unread, self._size = self.unread, [], 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return unread[0] if len(unread) == 1 else b"".join(unread)

    def at_eof(self) -> bool:
        """Whether the peer has ended, and all was read."""
        return self._ended and not self.unread

    def set_exception(self, error: Exception) -> None:
        """Have the read under way, and all later ones, raise `error`."""
        self._error = error
        self._stir()

    # --- called by the loop

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.unread.append(data)
        self._size += len(data) + 64  # an object has bytes of its own, and a peer may send one byte at a time
        if self._size > LIMIT and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._stir()

    def eof_received(self) -> bool:
        self._ended = True
        self._stir()
        return self.transport.get_extra_info("sslcontext") is None  # TLS cannot stay open in one direction

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self._ended = True
        else:
            self._error = self._error or exc
        self._stir()

    def _stir(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if self.on_activity is not None:
            self.on_activity()


class Peer(Protocol):
    """What a connection is read for: a Response, or a Tunnel."""

    def lost(self, error: OSError) -> ChatError:
        """The error to raise where the connection failed with `error`."""
        ...


class Connection:
    """The bytes of one connection. Used by one task at a time, in the loop's thread."""

    __slots__ = (
        "_deadline", "_loop", "_lost", "_reader", "_reading", "_reads", "_timer", "_timer_at", "_writer", "idle_since",
        "ragged", "reused",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reader: Reader | asyncio.StreamReader,
        writer: asyncio.WriteTransport | asyncio.StreamWriter,
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._writer: Any = writer
        self._lost: Exception | None = None
        self._reading = False
        self._reads = 0
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self.ragged = False
        """Whether a TLS connection ended without close_notify; `receive` returns b"" for that end too."""
        self.reused = False
        self.idle_since = 0.0
        # asyncio's own size of a read, 256 KiB, is above the allocator's mmap threshold: each read would map and unmap
        # pages. (uvloop's transports have no such attribute.)
        with suppress(AttributeError):
            self._transport.max_size = READ_SIZE

    def write(self, data: bytes) -> None:
        """Send `data`. Never waits: the deadline of reading the answer bounds the sending as well."""
        if self._lost is None and not self._writer.is_closing():
            self._writer.write(data)

    async def receive(self, peer: Peer, deadline: float | None = None) -> bytes:
        """The next bytes, as soon as there are any; b"" once the other end has closed the connection.

        `deadline` is in the loop's time. Raises TimeoutError, after which the connection is of no more use; what
        `peer.lost` makes of a connection that failed; and the error that `abort` was given.
        """
        if self._lost is not None:
            raise self._lost
        # The timer outlives the read, and the response: the next read mostly has a later deadline, which then costs
        # one comparison.
        self._deadline = deadline
        if deadline is not None and deadline < self._timer_at:
            self._set_timer(max(deadline, self._loop.time() + _GRACE))
        self._reading = True
        self._reads += 1
        try:
            data = await self._reader.read(READ_SIZE)
        except Exception as error:  # noqa: BLE001  # each kind of pair has exceptions of its own
            broken = error if isinstance(error, OSError) else OSError(None, type(error).__name__)
            raise (self._lost or peer.lost(broken)) from None
        finally:
            self._reading = False
        if data:
            return data
        if self._lost is not None:
            raise self._lost
        self.ragged = self._ends_ragged()
        return b""

    def peek(self) -> bytes:
        """The bytes that are here already, b"" for none; never waits."""
        if self._lost is not None or (isinstance(self._reader, Reader) and not self._reader.unread):
            return b""
        read = self._reader.read(READ_SIZE)
        try:
            read.send(None)  # one step of the coroutine: it suspends only where nothing is there
        except StopIteration as done:
            data: bytes = done.value
            return data
        except Exception:  # noqa: BLE001  # the next receive raises it
            return b""
        read.close()
        return b""

    @property
    def quiet(self) -> bool:
        """Whether the connection is fit for another request: open both ways, with nothing unread and nothing unsent."""
        if self._lost is not None or self._writer.is_closing() or self._reader.at_eof():
            return False
        unsent = getattr(self._transport, "get_write_buffer_size", None)
        return not (unsent is not None and unsent()) and not self.peek()

    def set_idle_callback(self, callback: Callable[[], None] | None) -> None:
        """While idle: have `callback` called at bytes, the end or an error; the pool then drops the connection at once.

        (A reader that is not a Reader never calls it; there `quiet` finds out when the connection is to be reused.)
        """
        if isinstance(self._reader, Reader):
            self._reader.on_activity = callback

    def abort(self, error: ChatError | None = None) -> None:
        """Close at once, without waiting for the peer; a read, under way or later, raises `error`, or Cancelled."""
        self.set_idle_callback(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, inf
        if self._lost is None:
            self._interrupt(error or Cancelled("the stream was closed"))
        if not self._loop.is_closed():
            self._cut()

    @property
    def _transport(self) -> Any:
        """The transport now, as start_tls replaces it; None where the writer has none (an SSH channel)."""
        return getattr(self._reader if isinstance(self._reader, Reader) else self._writer, "transport", None)

    def _interrupt(self, error: Exception) -> None:
        """Have the read under way, and all later ones, raise `error`."""
        self._lost = error
        if self._reading:
            if (wake := getattr(self._reader, "set_exception", None)) is not None:
                wake(error)
            else:
                self._cut()

    def _cut(self) -> None:
        abort = getattr(self._transport, "abort", None)
        with suppress(OSError):
            (abort or self._writer.close)()

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._on_timer)
        self._timer_at = when

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, inf
        deadline = self._deadline
        if not self._reading or deadline is None or self._lost is not None:
            return
        if self._loop.time() < deadline:
            self._set_timer(deadline)
        else:  # bytes that came in this step of the loop have woken the reader, which runs in the next: it goes first
            self._loop.call_soon(self._expire, self._reads)

    def _expire(self, read: int) -> None:
        if self._reading and read == self._reads and self._lost is None:
            self._interrupt(TimeoutError())

    def _ends_ragged(self) -> bool:
        """Whether this is TLS and ended without close_notify: only after close_notify does OpenSSL report the end."""
        tls: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        try:
            return tls is not None and bool(tls.read(1))
        except ssl.SSLError as error:
            return not isinstance(error, ssl.SSLZeroReturnError)

    async def start_tls(self, context: ssl.SSLContext, host: str, peer: str, proxy: Proxy | None = None) -> None:
        """Speak TLS from here on: with `proxy` if given, else with `peer` (host:port).

        Raises TLSFailed, or ConnectFailed when the connection broke meanwhile; with a proxy, ProxyFailed.
        """
        try:
            if self._writer.is_closing():  # uvloop would raise RuntimeError
                raise ConnectionResetError
            if not await self._starts_tls(context, host):
                from .foreign import TLSPair

                pair: Any = TLSPair(self._reader, self._writer, context, host)
                await pair.handshake()
                self._reader = self._writer = pair
        except (OSError, ValueError) as error:
            raise no_tls(error, peer, proxy) from None

    async def _starts_tls(self, context: ssl.SSLContext, host: str) -> bool:
        """Have asyncio speak TLS; False where it cannot, as the pair, or the transport under it, is not its own."""
        if isinstance(self._reader, Reader):
            reader = self._reader
            transport = await self._loop.start_tls(reader.transport, reader, context, server_hostname=host)
            self._writer = reader.transport = transport
            return True
        if isinstance(self._reader, asyncio.StreamReader) and hasattr(self._writer, "start_tls"):
            with suppress(TypeError):  # by which start_tls refuses a transport that is not the loop's
                await self._writer.start_tls(context, server_hostname=host)
                return True
        return False
