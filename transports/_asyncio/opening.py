"""How a connection of asyncio is made: name look-up, TCP, proxies, TLS."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from sansio_core.errors import InvalidRequest, ProtocolViolation

from .._shared.addresses import EYEBALLS_DELAY, Addresses, in_order, look_up, numeric
from ..http1.routes import Proxy, authority
from ..http1.tls import TLSSettings
from ..http1.words import TUNNEL_CLOSED, TUNNEL_EXCESS, no_connection, no_tunnel, reason, refused, socks_words
from .connection import Broken, Connection
from .old_http11 import Head, HeadReader, write

_MAX_PROXY_HEAD = 64 * 1024
_FOREVER = 1e6  # seconds


class Route(NamedTuple):
    """Where a connection goes, and through what; equal routes may share connections."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None

    @property
    def peer(self) -> str:
        """The host and port, as CONNECT and our errors name them."""
        return authority(self.host, self.port)

    @property
    def forwarded(self) -> bool:
        """Whether an HTTP proxy reads the request and forwards it (RFC 9112 3.2.2), rather than tunnels bytes."""
        return self.scheme == "http" and self.proxy is not None and not self.proxy.socks


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


async def connect(route: Route, tls: TLSSettings, names: Names, space: memoryview) -> Connection:
    """A connection ready for a request.

    Raises ConnectFailed, ProxyFailed, TLSFailed and InvalidRequest. Not bounded in time: the caller's part.
    """
    loop = asyncio.get_running_loop()
    proxy = route.proxy

    def make() -> Connection:
        return Connection(loop, space)

    if proxy is not None and proxy.socks:
        connection = await _open_socks(proxy, route, names, make)
    else:
        host, port = (route.host, route.port) if proxy is None else (proxy.host, proxy.port)
        try:
            connection = await _open(await names.find(host, port), loop, make)
        except (OSError, UnicodeError) as error:
            raise no_connection(error, route.peer, proxy) from None
    try:
        if proxy is not None and proxy.scheme == "https":
            await connection.start_tls(tls.context, proxy.host, route.peer, proxy)
        if route.scheme == "https":
            if proxy is not None and not proxy.socks:
                await _tunnel(connection, proxy, route.peer)
            await connection.start_tls(tls.context, route.host, route.peer)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _tunnel(connection: Connection, proxy: Proxy, target: str) -> None:
    """Have the proxy connect us through (RFC 9110 9.3.6). It sees the origin's name and port, and nothing else."""
    state, request = write("CONNECT", target, [("Host", target), *proxy.authorization])
    connection.write(request)
    reader = HeadReader(state, "CONNECT", False, _MAX_PROXY_HEAD)
    head: Head | None = None
    try:
        while head is None:
            data = await connection.receive()
            if not data:
                raise no_tunnel(proxy, target, TUNNEL_CLOSED)
            head = reader.feed(data)
    except Broken:
        raise no_tunnel(proxy, target, TUNNEL_CLOSED) from None
    except ProtocolViolation as error:
        raise no_tunnel(proxy, target, str(error)) from None
    if not 200 <= head.status < 300:
        raise refused(proxy, head.status, f"a tunnel to {target}")
    if head.body.excess:
        raise no_tunnel(proxy, target, TUNNEL_EXCESS)


async def _open(
    addresses: Addresses, loop: asyncio.AbstractEventLoop, make: Callable[[], Connection]
) -> Connection:
    """A TCP connection by the first address that answers (RFC 8305). uvloop has no happy eyeballs of its own.

    Raises OSError.
    """

    async def attempt(address: tuple[Any, ...]) -> Connection:
        host, port = address[4][:2]
        return (await loop.create_connection(make, host, port))[1]

    if len(addresses) == 1:
        return await attempt(addresses[0])
    return await _race(in_order(addresses), attempt, loop)


async def _race(
    addresses: Addresses,
    attempt: Callable[[tuple[Any, ...]], Coroutine[Any, Any, Connection]],
    loop: asyncio.AbstractEventLoop,
) -> Connection:
    """The first of several attempts that succeeds; each begins when the one before failed, or is slow."""
    waiting = addresses[::-1]
    running: set[asyncio.Task[Connection]] = set()
    failure: OSError | None = None
    try:
        while running or waiting:
            if waiting:
                running.add(loop.create_task(attempt(waiting.pop())))
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


async def _reachable(addresses: Addresses, loop: asyncio.AbstractEventLoop, make: Callable[[], Connection]) -> str:
    """The one of `addresses` that answers first. python_socks connects by itself, to one address."""
    if len(addresses) == 1:
        return str(addresses[0][4][0])
    connection = await _open(addresses, loop, make)
    try:
        return connection.peer_address
    finally:
        connection.abort()


async def _open_socks(proxy: Proxy, route: Route, names: Names, make: Callable[[], Connection]) -> Connection:
    """A connection through a SOCKS5 proxy (RFC 1928); with socks5h the proxy resolves the name."""
    try:
        from python_socks import ProxyConnectionError, ProxyError, ProxyType
        from python_socks.async_.asyncio import Proxy as Socks
    except ImportError:
        raise InvalidRequest('a SOCKS proxy needs a library: pip install "sansio-chat[socks]"') from None
    except OSError as error:  # too many open files
        raise no_connection(error, route.peer, proxy) from None
    loop = asyncio.get_running_loop()
    remote = proxy.scheme == "socks5h"
    target = route.host
    if not remote:
        try:
            target = str((await names.find(route.host, route.port))[0][4][0])
        except (OSError, UnicodeError) as error:
            raise no_connection(error, route.peer) from None
    try:
        where = await _reachable(await names.find(proxy.host, proxy.port), loop, make)
        socks = Socks(ProxyType.SOCKS5, where, proxy.port, proxy.username, proxy.password, remote, loop=loop)
        # its own clock, of 60 s, must not be the one that fires
        opened = await socks.connect(target, route.port, timeout=_FOREVER)
    except ProxyConnectionError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else OSError(None, "it cannot be reached")
        raise no_connection(cause, route.peer, proxy) from None
    except ProxyError as error:
        raise no_tunnel(proxy, route.peer, socks_words(getattr(error, "error_code", None), str(error))) from None
    except (socket.gaierror, UnicodeError) as error:
        raise no_connection(error, route.peer, proxy) from None
    except OSError as error:
        raise no_tunnel(proxy, route.peer, reason(error)) from None
    try:
        return (await loop.create_connection(make, sock=opened))[1]
    except BaseException:
        opened.close()
        raise
