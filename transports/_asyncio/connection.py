"""One open connection of asyncio: a pair of a StreamReader and a StreamWriter, as `wire.py` and `pool.py` use it.

Any pair will do: of a socket, of an SSH channel, in memory. What a pair of asyncio's own can do besides is used where
it is there: wake a reader with an exception, cut the connection without a word, tell how TLS ended.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Any, Final, SupportsIndex

from sansio_core.errors import Cancelled, ChatError

from ..http1.failures import no_tls
from ..http1.routes import Proxy

READ_SIZE: Final = 64 * 1024
"""How much one read takes."""
LIMIT: Final = 32 * 1024
"""A reader with more than twice as much unread holds the peer up: with one more read, it has at most 128 KiB."""

_LOOK: Final = 0.01
# Seconds for which a reader that comes after its deadline waits: what came in time is read, also where a loop needs
# several steps for it (one that was held up by what is unread, in TLS).


class Broken(Exception):
    """The connection broke: `error` is the system's or OpenSSL's. (No OSError, as TimeoutError is one of those.)"""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error if isinstance(error, OSError) else OSError(None, type(error).__name__)


class Reader(asyncio.StreamReader):
    """A StreamReader that calls `on_event` when anything happens: a connection at rest must not say anything."""

    on_event: Callable[[], None] | None = None

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        super().feed_data(data)
        if self.on_event is not None:
            self.on_event()

    def feed_eof(self) -> None:
        super().feed_eof()
        if self.on_event is not None:
            self.on_event()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        if self.on_event is not None:
            self.on_event()


class Connection:
    """A connection's bytes. Used by one task at a time, in the loop's thread."""

    __slots__ = (
        "_deadline", "_loop", "_lost", "_reader", "_reading", "_reads", "_timer", "_timer_at", "_writer", "idle_since",
        "ragged", "reused",
    )  # fmt: skip

    def __init__(
        self, loop: asyncio.AbstractEventLoop, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._writer = writer
        self._lost: Exception | None = None
        self._reading = False
        self._reads = 0
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self.ragged = False
        """Whether a TLS connection ended without close_notify; `receive` gave b"" then too."""
        self.reused = False
        self.idle_since = 0.0
        # Else asyncio asks for 256 KiB in each read, which the allocator maps and unmaps. (uvloop's has no such thing.)
        with suppress(AttributeError):
            self._transport.max_size = READ_SIZE

    def write(self, data: bytes) -> None:
        """Send `data`. Never waits: who reads the answer under a deadline bounds the sending as well."""
        if self._lost is None and not self._writer.is_closing():
            self._writer.write(data)

    async def receive(self, deadline: float | None = None) -> bytes:
        """What has come, as soon as anything has; b"" once the peer has ended the connection.

        `deadline` is in the loop's time. Raises TimeoutError, after which the connection is of no more use, Broken, and
        what `abort` was given.
        """
        if self._lost is not None:
            raise self._lost
        # The timer outlives the read: the next read's deadline is mostly later, and then costs one comparison
        self._deadline = deadline
        if deadline is not None and deadline < self._timer_at:
            self._set_timer(max(deadline, self._loop.time() + _LOOK))
        self._reading = True
        self._reads += 1
        try:
            data = await self._reader.read(READ_SIZE)
        except Exception as error:  # noqa: BLE001  # each kind of pair has its own
            raise (self._lost or Broken(error)) from None
        finally:
            self._reading = False
        if data:
            return data
        if self._lost is not None:
            raise self._lost
        self.ragged = self._ends_ragged()
        return b""

    def peek(self) -> bytes:
        """What has come already, b"" if nothing has; it never waits."""
        if self._lost is not None:
            return b""
        read = self._reader.read(READ_SIZE)
        try:
            read.send(None)  # it suspends only where there is nothing
        except StopIteration as done:
            data: bytes = done.value
            return data
        except Exception:  # noqa: BLE001  # what broke it is told by the next receive
            return b""
        read.close()
        return b""

    @property
    def quiet(self) -> bool:
        """Open both ways, with nothing unread and nothing unsent: fit for another request."""
        if self._lost is not None or self._writer.is_closing() or self._reader.at_eof():
            return False
        unsent = getattr(self._transport, "get_write_buffer_size", None)
        return not (unsent is not None and unsent()) and not self.peek()

    def watch(self, on_event: Callable[[], None] | None) -> None:
        """At rest: have `on_event` called when anything happens, so that a place and a descriptor become free at once.

        (A reader that is not ours cannot tell; then `quiet` sees it when the connection is wanted.)
        """
        if isinstance(self._reader, Reader):
            self._reader.on_event = on_event

    def rest(self) -> None:
        """No read is under way for a while: keep no timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, inf

    def abort(self, error: ChatError | None = None) -> None:
        """Close at once, without a word to the peer; a read, under way or later, raises `error`, or Cancelled."""
        self.watch(None)
        self.rest()
        if self._lost is None:
            self._interrupt(error or Cancelled("the stream was closed"))
        if not self._loop.is_closed():
            self._cut()

    @property
    def _transport(self) -> Any:
        """What is under the writer, where that tells: TLS changes it, an SSH channel has none."""
        return getattr(self._writer, "transport", None)

    def _interrupt(self, error: Exception) -> None:
        """End a read with `error`."""
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
        else:  # bytes that came in this very step of the loop have woken the reader, whose turn is in the next
            self._loop.call_soon(self._expire, self._reads)

    def _expire(self, read: int) -> None:
        if self._reading and read == self._reads and self._lost is None:
            self._interrupt(TimeoutError())

    def _ends_ragged(self) -> bool:
        """Whether this is TLS, and its end came without close_notify: OpenSSL then waits for more to read."""
        tls: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        try:
            return tls is not None and bool(tls.read(1))
        except ssl.SSLError as error:
            return not isinstance(error, ssl.SSLZeroReturnError)

    async def start_tls(self, context: ssl.SSLContext, host: str, peer: str, proxy: Proxy | None = None) -> None:
        """Speak TLS from here on, with `peer` (host:port) or else with `proxy`.

        Raises TLSFailed, or ConnectFailed when the connection broke meanwhile; with a proxy, ProxyFailed.
        """
        try:
            if self._writer.is_closing():  # uvloop's RuntimeError comes of that
                raise ConnectionResetError
            await self._writer.start_tls(context, server_hostname=host)
        except (OSError, ValueError) as error:
            raise no_tls(error, peer, proxy) from None
