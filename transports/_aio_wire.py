"""The wire of the asyncio client: one stream's requests and responses, over a pool's connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Literal, TypeVar

from sansio_core.coding import ContentDecoder
from sansio_core.errors import Cancelled, ChatError, ConnectionLost, ProxyFailed, TimedOut
from sansio_core.exchange import Send
from sansio_core.timing import Limits
from sansio_core.wire import HttpRequest, header, origin

from ._connect import Route, refused
from ._connection import Connection
from ._http11 import Body, Head, HeadReader, asks_close, start
from ._pool import LoopPool, Pool
from ._proxies import environment_proxy, parse_proxy

T = TypeVar("T")


class AsyncWire:
    """Moves the bytes of one stream; see the methods for what they raise, which are errors of ours only.

    `proxy`: a URL; None means what the environment says (if the pool trusts it), False none at all. Deadlines are in
    the loop's time. Used by one task at a time; `close` and `cancel` may come from anywhere.
    """

    def __init__(self, pool: Pool, *, proxy: str | Literal[False] | None = None, limits: Limits | None = None) -> None:
        self._pool = pool
        self._proxy = parse_proxy(proxy) if proxy else None
        self._ask_environment = proxy is None and pool.trust_env
        self._limits = limits or Limits()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelled = False
        self._scope: asyncio.Timeout | None = None
        self._share: LoopPool | None = None
        self._route = Route("", "", 0)
        self._connection: Connection | None = None
        self._head: Head | None = None
        self._first = b""
        self._decoder: ContentDecoder | None = None

    def now(self) -> float:
        """The loop's time, in seconds."""
        return (self._loop or asyncio.get_running_loop()).time()

    async def send(self, action: Send, deadline: float | None) -> tuple[int, list[tuple[str, str]]]:
        """Send a request; the status and header fields of its response, names in lower case.

        Raises TimedOut("connect"), TimeoutError at `deadline`, and the errors of connecting and of HTTP.
        """
        self.leave()
        self._enter()
        request = action.request
        try:
            connection = await self._connect(action, deadline)
            return await self._exchange(connection, request, deadline)
        except BaseException:
            self.close()
            raise

    async def read(self, deadline: float | None) -> bytes:
        """The body's next bytes, as soon as there are any, without their content coding; b"" at its proper end.

        Raises TimeoutError at `deadline`, ConnectionLost, StreamTruncated, ProtocolViolation and LimitExceeded.
        """
        self._enter()
        head, connection = self._head, self._connection
        if head is None or connection is None:
            raise Cancelled("the stream was closed")
        body = head.body
        try:
            while True:
                data = await self._piece(body, connection, deadline)
                if self._decoder is None:
                    return data
                data = self._decoder.decode(data)
                if data:
                    return data
                if body.ended and not self._decoder.pending:
                    self._decoder.finish()
                    return b""
        except TimeoutError:
            raise
        except BaseException:
            self.close()
            raise

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises Cancelled as soon as `cancel` is called."""
        self._enter()
        await self._bounded(asyncio.sleep(seconds), None)

    def leave(self) -> None:
        """No more of this response is wanted: keep the connection if its body was read to the end, else close it."""
        connection, head = self._connection, self._head
        if connection is None or self._share is None:
            return
        self._connection = self._head = self._decoder = None
        if head is not None and head.reusable and head.body.ended and not head.body.excess:
            self._share.keep(self._route, connection)
        else:
            self._share.drop(self._route, connection)

    def close(self) -> None:
        """Close the connection at once; what is under way raises Cancelled. May be called often, and from anywhere."""
        self._from_anywhere(self._close)

    def cancel(self) -> None:
        """End what is under way, and all that would follow, with Cancelled. From any thread or task."""
        self._cancelled = True
        self._from_anywhere(self._close)
