"""The asyncio wire: the bytes of one stream over a pool's connections. `aio.py` makes one for each stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from sansio_core import Exchange, Limits, Send
from sansio_core.errors import Cancelled, InvalidRequest, StreamMisused, TimedOut
from sansio_core.http_request import origin

from .._shared.forks import ELSEWHERE
from ..http1.failures import no_place
from ..http1.request import write
from ..http1.response import Response
from ..http1.routes import Proxy, ProxySetting, Route, parse_proxy
from .connection import Connection
from .pool import LoopPool, Pool

T = TypeVar("T")
_NOWHERE = Route("", "", 0)


class AsyncWire:
    """Moves the bytes of one stream, for `adrive`. Its methods raise ChatErrors and TimeoutError, and nothing else.

    `proxy`: a URL; None: the one that the environment names (if the pool trusts it); False: none. Deadlines are in the
    loop's time, in seconds. Used by one task at a time; `close` and `cancel` may be called from any thread or task.
    `exchange`: is told when a connection is waited for, and when there is one; its deadline counts from then on.
    """

    __slots__ = (
        "__weakref__", "_ask_environment", "_cancelled", "_closed", "_connection", "_exchange", "_limits", "_loop",
        "_pool", "_proxy", "_response", "_route", "_scope", "_share", "abandoned",
    )  # fmt: skip

    def __init__(
        self,
        pool: Pool,
        *,
        proxy: ProxySetting = None,
        limits: Limits | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        self._pool = pool
        self._exchange = exchange
        self._proxy = parse_proxy(proxy) if proxy else None
        self._ask_environment = proxy is None
        self._limits = limits or Limits()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scope: asyncio.Timeout | None = None
        self._closed = False
        self._cancelled: type[Cancelled] | None = None
        self.abandoned = False
        self._share: LoopPool | None = None
        self._route = _NOWHERE
        self._connection: Connection | None = None
        self._response: Response | None = None

    def now(self) -> float:
        """The loop's time, in seconds."""
        return (self._loop or asyncio.get_running_loop()).time()

    def check_place(self) -> None:
        """Raises StreamMisused in another event loop than the one that began this stream, and in a forked process."""
        if self.abandoned:
            raise StreamMisused(ELSEWHERE.format("process"))
        if self._loop is not None and self._loop is not asyncio.get_running_loop():
            raise StreamMisused(ELSEWHERE.format("event loop"))

    def secrets(self, url: str) -> tuple[str, ...]:
        """The credentials of the proxy on the way to `url`, to be redacted in every error and log."""
        try:
            proxy = self._proxy_to(url)
        except InvalidRequest:  # of a bad proxy URL in the environment: `send` raises it
            return ()
        return proxy.secrets if proxy else ()

    async def send(self, action: Send, deadline: float | None) -> tuple[int, list[tuple[str, str]]]:
        """Send a request; returns its response's status and header fields (names in lower case).

        Raises InvalidRequest, TimedOut("connect"), TimeoutError at `deadline`, ConnectFailed, ProxyFailed, TLSFailed,
        ConnectionLost, ProtocolViolation, LimitExceeded("head"), Cancelled. The connection is then closed.
        """
        self._enter()
        self.leave()
        self._closed = False
        url = action.request.url
        self._route = route = Route(*origin(url), self._proxy_to(url))
        data = write(action.request, route)
        try:
            self._connection = connection = await self._connect(action, deadline)
            self._check_closed()
            if self._exchange is not None:
                self._exchange.receive_connection(connection.reused, self.now())
                deadline = self._exchange.deadline
            self._response = response = Response(action.request, route, self._limits, connection.reused)
            connection.write(data)
            while not response.feed_head(await connection.receive(response, deadline)):
                pass
        except BaseException:
            self._close()
            raise
        return response.status, response.headers

    async def read(self, deadline: float | None) -> bytes:
        """The body's next bytes, as soon as there are any, without their content coding; b"" at its proper end.

        Raises TimeoutError at `deadline`, ConnectionLost, StreamTruncated, ProtocolViolation, UnexpectedContent,
        LimitExceeded("decompressed"), Cancelled. Each of them but TimeoutError closes the connection.
        """
        if self._cancelled:
            self._enter()
        response, connection = self._response, self._connection
        if response is None or connection is None:
            raise Cancelled("the connection was closed")
        try:
            data = response.pending()
            while data is None:
                data = response.feed(await connection.receive(response, deadline), connection.ragged)
        except TimeoutError:
            raise
        except BaseException:
            self._close()
            raise
        return data

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises Cancelled as soon as `cancel` is called, and ClientClosed."""
        self._enter()
        self._closed = False
        self._pool.here().wires.add(self)  # a stream may wait before it has sent anything
        await self._bounded(asyncio.sleep(seconds), None)
        self._check_closed()

    async def call(self, function: Callable[[], Awaitable[T]], deadline: float | None) -> T:
        """What `function` gives, awaited. Raises TimeoutError at `deadline`, and Cancelled when `cancel` is called."""
        self._enter()
        self._closed = False
        result = await self._bounded(function(), deadline)
        self._check_closed()
        return result

    def leave(self) -> None:
        """Drop this response: keep the connection if the body was read to its end, else close it."""
        connection, response = self._connection, self._response
        self._connection = self._response = None
        if connection is None or self._share is None:
            return
        if response is not None and not response.reusable and (data := connection.peek()):
            response.skip(data)  # the body's end may have arrived without having been read
        if response is not None and response.reusable:
            self._share.keep(self._route, connection)
        else:
            self._share.drop(self._route, connection)

    def close(self) -> None:
        """Close the connection at once; a call under way raises Cancelled. Any thread may call it, also again."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            here = asyncio.get_running_loop() is loop
        except RuntimeError:
            here = not loop.is_running()
        if here:
            self._close()
        else:
            with suppress(RuntimeError):  # the loop was closed meanwhile, and its connections with it
                loop.call_soon_threadsafe(self._close)

    def cancel(self, kind: type[Cancelled] = Cancelled) -> None:
        """Have the call under way, and all later ones, raise `kind`. Any thread or task may call it."""
        # Set before close() looks for a loop: _enter() sets the loop before it looks at this, so one of them sees it.
        self._cancelled = self._cancelled or kind
        self.close()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                # A signal handler runs in the loop's own thread, while that sleeps in its selector: what _close
                # scheduled there would wait for the next event.
                self._loop.call_soon_threadsafe(_nothing)

    def abandon(self) -> None:
        """In a forked process: this stream is the parent's, and its loop as well."""
        self.abandoned = True
        self._loop = self._connection = self._response = self._share = None

    def _enter(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._cancelled:
            self._close()
            raise self._cancelled

    def _close(self) -> None:
        self._closed = True
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(self.now())  # ends the wait in _bounded, where _check_closed then raises Cancelled
        connection = self._connection
        self._connection = self._response = None
        if connection is not None and self._share is not None:
            self._share.drop(self._route, connection, (self._cancelled or Cancelled)())

    def _proxy_to(self, url: str) -> Proxy | None:
        return self._pool.environment_proxy(url) if self._ask_environment else self._proxy

    async def _connect(self, action: Send, deadline: float | None) -> Connection:
        """A connection, idle or new. Only the total runs while the wire waits for a free place."""
        self._share = share = self._pool.here()
        share.wires.add(self)
        began = self.now()
        connection = None if action.fresh else share.take(self._route)
        if connection is None and not share.place(self._route, action.fresh):
            connection, deadline = await self._wait_for_place(share, action.fresh, deadline)
        if connection is not None:
            return connection
        if action.connect_deadline is None:
            return await self._bounded(share.open(self._route), deadline)
        seconds = action.connect_deadline - began
        connect_deadline = self.now() + seconds
        first = deadline is None or connect_deadline <= deadline
        try:
            return await self._bounded(share.open(self._route), connect_deadline if first else deadline)
        except TimeoutError:
            if first:
                raise TimedOut("connect", round(max(seconds, 0), 2)) from None
            raise

    async def _wait_for_place(
        self, share: LoopPool, fresh: bool, deadline: float | None
    ) -> tuple[Connection | None, float | None]:
        """What `share.wait` gives, and the deadline from then on. Raises TimedOut("total")."""
        exchange = self._exchange
        if exchange is None:
            return await self._bounded(share.wait(self._route, fresh, _nothing), deadline), deadline
        exchange.receive_place(False, self.now())
        try:
            wait = share.wait(self._route, fresh, lambda: exchange.receive_place(True, self.now()))
            connection = await self._bounded(wait, exchange.deadline)
        except TimeoutError:
            raise no_place(exchange.timeouts.total) from None
        return connection, exchange.deadline

    async def _bounded(self, work: Awaitable[T], when: float | None) -> T:
        """The result of `work`. Raises TimeoutError at `when`, and Cancelled when `close` or `cancel` is called.

        A result that is ready in the same step of the loop in which the wire is closed is returned nevertheless, so
        that a connection is not lost: the caller then calls `_check_closed`.
        """
        try:
            async with asyncio.timeout_at(self.now() if self._closed else when) as self._scope:
                return await work
        except TimeoutError:
            self._check_closed()
            raise
        finally:
            self._scope = None

    def _check_closed(self) -> None:
        """Raises Cancelled if `close` or `cancel` was called since the sending or the sleep began."""
        if self._closed:
            raise (self._cancelled or Cancelled) from None


def _nothing() -> None:
    """Does nothing; scheduled by call_soon_threadsafe, it wakes the loop."""
