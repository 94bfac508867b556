"""How a connection of asyncio is made: name look-up, TCP, proxies, TLS. Called by `pool.py` for each new one."""

from __future__ import annotations

import asyncio
import errno
from contextlib import suppress
from functools import partial
from typing import Any

from .._shared.addresses import EYEBALLS_DELAY, Addresses, in_order, look_up, numeric
from ..http1.failures import no_connection
from ..http1.routes import Route
from ..http1.tls import TLSSettings
from ..http1.tunnels import Tunnel, tunnel_of
from .connection import LIMIT, Broken, Connection, Reader


class Names:
    """Look-ups of names in one loop; those of the same name at the same time are one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._under_way: dict[tuple[str, int], asyncio.Future[Addresses | Exception]] = {}

    async def find(self, host: str, port: int) -> Addresses:
        """The addresses of `host`. Raises OSError (gaierror), UnicodeError."""
        if addresses := numeric(host, port):
            return addresses
        key = host, port
        future = self._under_way.get(key)
        if future is None:
            future = self._under_way[key] = self._loop.create_future()
            future.add_done_callback(lambda _: self._under_way.pop(key, None))
            look_up(host, port, partial(self._found, future))
        found = await asyncio.shield(future)  # who leaves does not end it for the others
        if isinstance(found, Exception):
            raise found
        return found

    def _found(self, future: asyncio.Future[Addresses | Exception], result: Addresses | Exception) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(future.set_result, result)


async def connect(route: Route, tls: TLSSettings, names: Names) -> Connection:
    """A connection ready for a request.

    Raises ConnectFailed, ProxyFailed, TLSFailed and InvalidRequest. Not bounded in time: the caller's part.
    """
    proxy = route.proxy
    target = None
    if proxy is not None and proxy.scheme == "socks5":  # which does not resolve names, as socks5h does
        try:
            target = str((await names.find(route.host, route.port))[0][4][0])
        except (OSError, UnicodeError) as error:
            raise no_connection(error, route.peer) from None
    tunnel = tunnel_of(route, target)
    try:
        connection = await _open(await names.find(*route.first_hop))
    except (OSError, UnicodeError) as error:
        raise no_connection(error, route.peer, proxy) from None
    try:
        if proxy is not None and proxy.scheme == "https":
            await connection.start_tls(tls.context, proxy.host, route.peer, proxy)
        if tunnel is not None:
            await _pass(tunnel, connection)
        if route.tls:
            await connection.start_tls(tls.context, route.host, route.peer)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _pass(tunnel: Tunnel, connection: Connection) -> None:
    """Have the proxy connect us with the origin. Raises ProxyFailed."""
    try:
        connection.write(tunnel.begin())
        while not tunnel.done:
            connection.write(tunnel.feed(await connection.receive()))
    except Broken as broken:
        raise tunnel.lost(broken.error) from None


async def _open(addresses: Addresses) -> Connection:
    """A TCP connection by the first address that answers (RFC 8305). uvloop has no happy eyeballs of its own.

    Raises OSError.
    """
    if len(addresses) == 1:
        return await _attempt(addresses[0])
    return await _race(in_order(addresses))


async def _attempt(address: tuple[Any, ...]) -> Connection:
    """As asyncio.open_connection, with a Reader of ours."""
    loop = asyncio.get_running_loop()
    reader = Reader(limit=LIMIT, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    host, port = address[4][:2]
    transport, _ = await loop.create_connection(lambda: protocol, host, port)
    return Connection(loop, reader, asyncio.StreamWriter(transport, protocol, reader, loop))


async def _race(addresses: Addresses) -> Connection:
    """The first of several attempts that succeeds; each begins when the one before failed, or is slow."""
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
    """Close what an attempt that is no longer wanted came to."""
    if not task.cancelled() and task.exception() is None:
        task.result().abort()
