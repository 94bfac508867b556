"""The connections of an AsyncClient: kept alive, bounded in number, given to waiting streams in their order.

Each wire takes its connection here and gives it back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from typing import Protocol
from weakref import WeakSet

from sansio_core.errors import Cancelled, ClientClosed, InvalidRequest
from sansio_core.http_request import origin

from .._shared.forks import watch_forks
from .._shared.ways import MAX_CONNECTIONS, USUAL, Way, checked_count
from ..http1.routes import Proxy, Route, environment_proxy, parse_proxy
from ..http1.tls import TLSSettings, Verify
from .connection import Connection
from .opening import Names, connect


class Cancellable(Protocol):
    """A wire, as the pool knows it: closing the pool cancels it, a forked process abandons it."""

    def cancel(self, kind: type[Cancelled] = ...) -> None: ...
    def abandon(self) -> None: ...


class Pool:
    """The connections of one client, and the settings that they share.

    `verify` is True (check against the known authorities), False (no check), a CA file or folder, or an SSLContext.
    With `trust_env` the environment may name proxies and authorities. `way`: how connections are made. On one route
    (origin and proxy) at most `max_connections` are open at a time; a stream that needs one more waits for the next
    that becomes free, first come, first served. Of the idle ones at most `max_idle` are kept, each for `keepalive`
    seconds.

    A pool is not tied to an event loop: each loop has connections of its own, which are closed when it shuts down.
    """

    def __init__(
        self,
        *,
        verify: Verify = True,
        trust_env: bool = True,
        way: Way = USUAL,
        max_connections: int = MAX_CONNECTIONS,
        max_idle: int = 100,
        keepalive: float = 60.0,
    ) -> None:
        self._shares: dict[asyncio.AbstractEventLoop, tuple[LoopPool, AsyncGenerator[None, None]]] = {}
        self._proxies: dict[tuple[str, str, int], Proxy | None] = {}
        if max_idle < 0 or keepalive < 0:
            raise InvalidRequest("a pool needs max_idle and keepalive from 0")
        self.trust_env = trust_env
        self.way = way
        self.max_connections = checked_count(max_connections)
        self.max_idle = max_idle
        self.keepalive = keepalive
        self.closed = False
        self.tls = TLSSettings(verify, trust_env)
        self._inherited: list[object] = []
        watch_forks(self)

    def here(self) -> LoopPool:
        """The running loop's share. Raises ClientClosed once the pool is closed."""
        loop = asyncio.get_running_loop()
        share = self._shares.get(loop)
        if share is not None:
            return share[0]
        if self.closed:
            raise ClientClosed
        for other in list(self._shares):  # a copy, and pop with a default: other threads may do the same
            if other.is_closed():
                self._shares.pop(other, None)
        mine = LoopPool(self, loop)
        guard = _until_shutdown(mine)
        with suppress(StopIteration):
            guard.asend(None).__await__().__next__()  # runs it to its `yield`: from then on the loop knows it
        self._shares[loop] = mine, guard
        return mine

    def environment_proxy(self, url: str) -> Proxy | None:
        """The proxy that the environment names for `url`, looked up once for each origin. Raises InvalidRequest."""
        key = origin(url)
        if key not in self._proxies:
            found = environment_proxy(url) if self.trust_env and not self.way.uds else None
            self._proxies[key] = parse_proxy(found) if found else None
        return self._proxies[key]

    def _forked(self) -> None:
        """In a forked process: the connections are the parent's, and so are the loops with their epoll descriptors."""
        self.tls._forked()
        for share, _ in self._shares.values():
            share.abandon()
        # Never finalized, as that would remove the parent's sockets from the epoll set that both processes share.
        self._inherited.append(self._shares)
        self._shares = {}

    def close(self) -> None:
        """Close every connection at once, also those in use: their reads raise ClientClosed. Any thread may call it."""
        self.closed = True
        shares, self._shares = self._shares, {}
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        for loop, (share, guard) in shares.items():
            if loop is running or not loop.is_running():
                _finish(share, guard)
            else:
                with suppress(RuntimeError):  # it was closed meanwhile
                    loop.call_soon_threadsafe(_finish, share, guard)

    __del__ = close  # a client that is dropped without close() leaves no connection open

    async def aclose(self) -> None:
        """As `close`, and lets the loop run its callbacks for the closed connections."""
        self.close()
        await asyncio.sleep(0)


async def _until_shutdown(share: LoopPool) -> AsyncGenerator[None, None]:
    """Closes `share` when the loop shuts its asynchronous generators down, as asyncio.run does before it ends.

    A loop has no other hook for its end.
    """
    try:
        yield
    finally:
        share.close(Cancelled)


def _finish(share: LoopPool, guard: AsyncGenerator[None, None]) -> None:
    """Close `share`, and its generator: as `await guard.aclose()`, which waits for nothing, but in a plain function."""
    share.close(ClientClosed)
    with suppress(StopIteration):
        guard.aclose().__await__().__next__()


class _Lane:
    """The connections of one route: the idle ones (the last used at the right), the busy ones, and who waits for one.

    `count` is the number of places that are taken: by busy and idle connections, and by those that are being opened.
    """

    __slots__ = ("busy", "count", "idle", "waiters")

    def __init__(self) -> None:
        self.idle: deque[Connection] = deque()
        self.busy: set[Connection] = set()
        self.count = 0
        self.waiters: deque[asyncio.Future[Connection | None]] = deque()


class LoopPool:
    """A pool's connections in one loop, used in its thread only.

    A wire calls `take`, then `place`, then `wait`. It has a connection to itself from `take`, `wait` or `open` until
    `keep` or `drop`. A place is the right to have one of the `max_connections`: a wire that got one, by True from
    `place` or None from `wait`, must call `open`.
    """

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._max_connections = pool.max_connections
        self._max_idle = pool.max_idle
        self._keepalive = pool.keepalive
        self._tls = pool.tls
        self._way = pool.way
        self._names = Names(loop, pool.way.resolver)
        self._lanes: dict[Route, _Lane] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self.wires: WeakSet[Cancellable] = WeakSet()
        """The wires that send through here: closing cancels also those that have no connection at the moment."""

    def take(self, route: Route) -> Connection | None:
        """An idle connection that is fit for another request, or None."""
        lane = self._lanes.get(route)
        if lane is None or not lane.idle:
            return None
        self._expire(route, lane)
        while lane.idle:
            connection = lane.idle.pop()
            if connection.quiet:
                connection.set_idle_callback(None)
                connection.reused = True
                lane.busy.add(connection)
                return connection
            self._release(route, connection)
        return None

    def place(self, route: Route, fresh: bool = False) -> bool:
        """Take a place for a new connection; False if all are taken. After True, `open` must be called.

        `fresh`: no idle connection will do, so one may be closed to make room.
        """
        if fresh:
            self._make_room(route)
        lane = self._lanes.setdefault(route, _Lane())
        if lane.count >= self._max_connections:
            return False
        lane.count += 1
        return True

    async def wait(self, route: Route, fresh: bool, had: Callable[[], None]) -> Connection | None:
        """Wait after `place` gave False: for the next connection that is given back, or None for a free place.

        A `fresh` request only gets a place. `had` is called at the end of the waiting; what it raises ends it as a
        cancellation does.
        """
        lane = self._lanes[route]
        waiter: asyncio.Future[Connection | None] = self.loop.create_future()
        lane.waiters.append(waiter)
        try:
            connection = await waiter
            had()
        except BaseException:
            self._pass_on(route, lane, waiter)
            raise
        if connection is None or (not fresh and connection.quiet):
            return connection
        lane.busy.discard(connection)  # its place goes to the new connection
        connection.abort()
        return None

    async def open(self, route: Route) -> Connection:
        """A new connection, for a place that was taken before. Raises what `opening.connect` raises."""
        try:
            connection = await connect(route, self._tls, self._names, self._way)
        except BaseException:
            self._free_place(route)
            raise
        lane = self._lanes.get(route)
        if lane is None or self._closed:
            connection.abort()
            raise ClientClosed
        lane.busy.add(connection)
        return connection

    def keep(self, route: Route, connection: Connection) -> None:
        """Give back a connection that may serve another request: the first waiter gets it, else it becomes idle."""
        lane = self._lanes.get(route)
        if lane is None or connection not in lane.busy or not connection.quiet:
            self.drop(route, connection)
            return
        while lane.waiters:
            waiter = lane.waiters.popleft()
            if not waiter.done():
                connection.reused = True
                waiter.set_result(connection)
                return
        lane.busy.discard(connection)
        if not self._max_idle or not self._keepalive:
            self._release(route, connection)
            return
        if len(lane.idle) >= self._max_idle:
            self._release(route, lane.idle.popleft())
        connection.idle_since = self.loop.time()
        connection.set_idle_callback(partial(self._disturbed, route, connection))
        lane.idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(self._keepalive, self._sweep)

    def drop(self, route: Route, connection: Connection, error: Cancelled | None = None) -> None:
        """Close a connection that is of no more use, and free its place; a read of it raises `error`."""
        connection.abort(error)
        lane = self._lanes.get(route)
        if lane is not None and connection in lane.busy:
            lane.busy.discard(connection)
            self._free_place(route)

    def abandon(self) -> None:
        """In a forked process: all connections are the parent's."""
        self._closed = True
        for wire in list(self.wires):
            wire.abandon()

    def close(self, kind: type[Cancelled]) -> None:
        """Close all connections; reads and waits under way raise `kind`."""
        if self._closed:
            return
        self._closed = True
        if self.loop.is_closed():  # asyncio has dropped the connections already
            return
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        lanes, self._lanes = self._lanes, {}  # first, lest a place that becomes free has a waiter connect
        for wire in list(self.wires):
            wire.cancel(kind)
        for lane in lanes.values():
            for connection in [*lane.idle, *lane.busy]:
                connection.abort(kind())
            for waiter in lane.waiters:
                if not waiter.done():
                    waiter.set_exception(kind())

    def _make_room(self, route: Route) -> None:
        """Close idle connections until a place is free, or none is idle."""
        lane = self._lanes.get(route)
        while lane is not None and lane.idle and lane.count >= self._max_connections:
            self._release(route, lane.idle.popleft())

    def _release(self, route: Route, connection: Connection) -> None:
        connection.abort()
        self._free_place(route)

    def _free_place(self, route: Route) -> None:
        """Give a place that became free to the first waiter."""
        lane = self._lanes.get(route)
        if lane is None:
            return
        while lane.waiters:
            waiter = lane.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        lane.count -= 1
        if not lane.count:
            del self._lanes[route]

    def _pass_on(self, route: Route, lane: _Lane, waiter: asyncio.Future[Connection | None]) -> None:
        """A waiter was cancelled: the connection or place that it may have been given goes to the next one."""
        if not waiter.done() or waiter.cancelled():
            if waiter in lane.waiters:
                lane.waiters.remove(waiter)
        elif waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._free_place(route)
            else:
                self.keep(route, connection)

    def _disturbed(self, route: Route, connection: Connection) -> None:
        """Drop an idle connection that the server closed, or on which it sent something that nobody asked for."""
        lane = self._lanes.get(route)
        if lane is not None and connection in lane.idle:
            lane.idle.remove(connection)
            self._release(route, connection)

    def _expire(self, route: Route, lane: _Lane) -> None:
        """Close the connections that were idle for more than `keepalive` seconds."""
        until = self.loop.time() - self._keepalive
        while lane.idle and lane.idle[0].idle_since <= until:
            self._release(route, lane.idle.popleft())

    def _sweep(self) -> None:
        """Close the expired connections of all routes; runs again while any connection is idle."""
        self._sweeper = None
        for route, lane in list(self._lanes.items()):
            self._expire(route, lane)
        oldest = min((lane.idle[0].idle_since for lane in self._lanes.values() if lane.idle), default=None)
        if oldest is not None:
            self._sweeper = self.loop.call_at(oldest + self._keepalive, self._sweep)
