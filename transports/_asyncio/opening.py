"""How a connection of asyncio is made: name look-up, TCP, proxies, TLS. `pool.py` calls `connect` for each new one."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from inspect import isawaitable
from typing import Any

from sansio_core import InvalidRequest

from .._shared.addresses import EYEBALLS_DELAY, Addresses, in_order, look_up, numeric, resolved, resolver_error
from .._shared.ways import Way, is_async
from ..http1.failures import no_connection
from ..http1.routes import Route
from ..http1.tls import TLSSettings
from ..http1.tunnels import Tunnel, tunnel_of
from .connection import Connection, Reader


class Names:
    """Look-ups of names in one loop. Several tasks that ask for the same name at the same time share one look-up.

    A user's `resolver` is called in a thread, as the system's is, unless it is an async function.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, resolver: Callable[..., Any] | None = None) -> None:
        self._loop = loop
        self._resolver = resolver
        self._async = resolver is not None and is_async(resolver)
        self._under_way: dict[tuple[str, int], asyncio.Future[Addresses | Exception]] = {}

    async def find(self, host: str, port: int) -> Addresses:
        """The addresses of `host`. Raises OSError (gaierror), UnicodeError; and a user's resolver InvalidRequest."""
        if addresses := numeric(host, port):
            return addresses
        if self._async and self._resolver is not None:
            try:
                return resolved(await self._resolver(host, port), port)
            except Exception as error:  # noqa: BLE001  # whatever a user's function raises
                failed = resolver_error(error)
            raise failed
        key = host, port
        future = self._under_way.get(key)
        if future is None:
            future = self._under_way[key] = self._loop.create_future()
            future.add_done_callback(lambda _: self._under_way.pop(key, None))
            look_up(host, port, partial(self._found, future), self._resolver)
        found = await asyncio.shield(future)  # a task that is cancelled does not cancel it for the others
        if isinstance(found, Exception):
            raise found
        return found

    def _found(self, future: asyncio.Future[Addresses | Exception], result: Addresses | Exception) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(future.set_result, result)


async def connect(route: Route, tls: TLSSettings, names: Names, way: Way) -> Connection:
    """A connection along `route` that is ready for a request.

    Raises ConnectFailed, ProxyFailed, TLSFailed and InvalidRequest; and of a user's function, what is no OSError. No
    clock is kept here: the caller cancels it.
    """
    proxy = route.proxy
    resolves = proxy is not None and proxy.scheme == "socks5"  # with socks5h the proxy does
    tunnel = tunnel_of(route, await _address(names, route) if resolves else None)
    try:
        connection = await _first_hop(route, names, way)
    except (OSError, UnicodeError) as error:
        raise no_connection(error, way.uds or route.peer, proxy) from way.users(error)
    try:
        if proxy is not None and proxy.scheme == "https":
            await connection.start_tls(tls.context, proxy.host, route.peer, proxy)
        if tunnel is not None:
            await _open_tunnel(tunnel, connection)
        if route.tls:
            await connection.start_tls(tls.context, route.host, route.peer)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _address(names: Names, route: Route) -> str:
    try:
        return str((await names.find(route.host, route.port))[0][4][0])
    except (OSError, UnicodeError) as error:
        raise no_connection(error, route.peer) from None


async def _first_hop(route: Route, names: Names, way: Way) -> Connection:
    """A connection to the origin, or to the proxy on the way to it. Raises OSError, InvalidRequest."""
    if way.connect is not None:
        return await _asked(way.connect, *route.first_hop)
    if way.uds is not None:
        return await _streams(asyncio.get_running_loop().create_unix_connection, way.uds)
    return await _open(await names.find(*route.first_hop))


async def _asked(hook: Callable[..., Any], host: str, port: int) -> Connection:
    """The connection that a user's function makes. Raises what that raises, OSError, InvalidRequest."""
    from .foreign import checked_pair

    pair = hook(host, port)
    if not isawaitable(pair):
        raise InvalidRequest("connect must be an async function for AsyncClient (Client takes a plain one)")
    reader, writer = checked_pair(await pair)
    if writer.is_closing():
        raise OSError(None, "connect= returned a closed connection")
    return Connection(asyncio.get_running_loop(), reader, writer)


async def _open_tunnel(tunnel: Tunnel, connection: Connection) -> None:
    """Have the proxy connect us with the origin. Raises ProxyFailed."""
    connection.write(tunnel.begin())
    while not tunnel.done:
        connection.write(tunnel.feed(await connection.receive(tunnel)))


async def _open(addresses: Addresses) -> Connection:
    """A TCP connection to the first address that answers (RFC 8305, "happy eyeballs"). Raises OSError.

    (asyncio's own create_connection can do that; uvloop's cannot.)
    """
    if len(addresses) == 1:
        return await _attempt(addresses[0])
    return await _race(in_order(addresses))


async def _attempt(address: tuple[Any, ...]) -> Connection:
    host, port = address[4][:2]
    return await _streams(asyncio.get_running_loop().create_connection, host, port)


async def _streams(create: Callable[..., Any], *place: Any) -> Connection:
    """A connection that `create`, a method of the loop, makes to `place`."""
    loop = asyncio.get_running_loop()
    transport, reader = await create(lambda: Reader(loop), *place)
    return Connection(loop, reader, transport)


async def _race(addresses: Addresses) -> Connection:
    """The first attempt that succeeds; each begins when the one before has failed, or is silent for EYEBALLS_DELAY."""
    loop = asyncio.get_running_loop()
    waiting = addresses[::-1]
    running: set[asyncio.Task[Connection]] = set()
    failure: OSError | None = None
    try:
        while running or waiting:
            if waiting:
                running.add(loop.create_task(_attempt(waiting.pop())))
            done, running = await asyncio.wait(
                running, timeout=EYEBALLS_DELAY if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            while done:
                task = done.pop()
                try:
                    connection = task.result()
                except OSError as error:
                    failure = failure or error
                else:
                    running |= done
                    return connection
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_drop)
    raise failure or OSError(errno.EADDRNOTAVAIL, "the name has no address")


def _drop(task: asyncio.Task[Connection]) -> None:
    """Close the connection of a cancelled attempt that had succeeded nevertheless."""
    if not task.cancelled() and task.exception() is None:
        task.result().abort()
