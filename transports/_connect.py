"""How a connection of asyncio is made: name look-up, TCP, proxies, TLS."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Coroutine
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from sansio_core.errors import (
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    ProtocolViolation,
    ProxyFailed,
    TLSFailed,
)

from ._connection import Connection, reason
from ._http11 import Head, HeadReader, write
from ._proxies import Proxy, authority
from ._verify import Verify, settled

EYEBALLS_DELAY = 0.25  # seconds, RFC 8305 section 5
_MAX_PROXY_HEAD = 64 * 1024
_FOREVER = 1e6  # seconds


class Route(NamedTuple):
    """Where a connection goes, and through what; equal routes may share connections."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None

    @property
    def forwarded(self) -> bool:
        """Whether an HTTP proxy reads the request and forwards it (RFC 9112 3.2.2), rather than tunnels bytes."""
        return self.scheme == "http" and self.proxy is not None and not self.proxy.socks


class TLSSettings:
    """What a client's TLS connections share; the context is made when one needs it, as that takes time.

    Raises InvalidRequest for a CA path that does not exist.
    """

    def __init__(self, verify: Verify, trust_env: bool) -> None:
        self._verify = settled(verify, trust_env)
        self._context: ssl.SSLContext | None = None

    @property
    def context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl_context(self._verify)
        return self._context


def ssl_context(verify: bool | str | ssl.SSLContext) -> ssl.SSLContext:
    """The TLS settings that `verify` means. It takes tens of milliseconds to make.

    True: certifi's authorities, else the system's. False: no check at all. A str: a CA file or directory. Raises
    InvalidRequest for one that is not.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    authorities = verify if isinstance(verify, str) else ""
    if verify is True:
        try:
            import certifi
        except ImportError:
            pass
        else:
            authorities = certifi.where()
    try:
        if os.path.isdir(authorities):
            context = ssl.create_default_context(capath=authorities)
        else:
            context = ssl.create_default_context(cafile=authorities or None)
    except OSError as error:  # SSLError is one
        raise InvalidRequest(f"the CA file {authorities!r} cannot be used: {reason(error)}") from None
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


async def connect(route: Route, tls: TLSSettings, space: memoryview) -> Connection:
    """A connection ready for a request.

    Raises ConnectFailed, ProxyFailed, TLSFailed and InvalidRequest. Not bounded in time: the caller's part.
    """
    loop = asyncio.get_running_loop()
    proxy = route.proxy

    def make() -> Connection:
        return Connection(loop, space)

    if proxy is None:
        try:
            connection = await _open(route.host, route.port, loop, make)
        except (OSError, UnicodeError) as error:
            raise ConnectFailed(f"no connection to {authority(route.host, route.port)}: {reason(error)}") from None
    elif proxy.socks:
        connection = await _open_socks(proxy, route, loop, make)
    else:
        try:
            connection = await _open(proxy.host, proxy.port, loop, make)
        except (OSError, UnicodeError) as error:
            raise ProxyFailed(f"no connection to the proxy {proxy}: {reason(error)}") from None
    try:
        if proxy is not None and proxy.scheme == "https":
            await _secure_proxy(connection, proxy, tls.context)
        if route.scheme == "https":
            if proxy is not None and not proxy.socks:
                await _tunnel(connection, proxy, route)
            await connection.start_tls(tls.context, route.host)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _secure_proxy(connection: Connection, proxy: Proxy, context: ssl.SSLContext) -> None:
    try:
        await connection.start_tls(context, proxy.host)
    except (TLSFailed, ConnectFailed) as error:
        raise ProxyFailed(f"the proxy {proxy} cannot be used: {error}") from None


async def _tunnel(connection: Connection, proxy: Proxy, route: Route) -> None:
    """Have the proxy connect us through (RFC 9110 9.3.6). It sees the origin's name and port, and nothing else."""
    target = authority(route.host, route.port)
    state, request = write("CONNECT", target, [("Host", target), *proxy.authorization])
    connection.write(request)
    reader = HeadReader(state, "CONNECT", False, _MAX_PROXY_HEAD)
    head: Head | None = None
    try:
        while head is None:
            data = await connection.receive()
            if not data:
                raise ProxyFailed(f"the proxy {proxy} closed the connection instead of opening a tunnel to {target}")
            head = reader.feed(data)
    except (ProtocolViolation, ConnectionLost) as error:
        raise ProxyFailed(f"the proxy {proxy} opened no tunnel to {target}: {error}") from None
    if not 200 <= head.status < 300:
        raise refused(proxy, head.status, f"a tunnel to {target}")
    if head.body.excess:
        raise ProxyFailed(f"the proxy {proxy} sent bytes of its own into the tunnel to {target}")


def refused(proxy: Proxy, status: int, what: str) -> ProxyFailed:
    """The error for a proxy's refusal of `what`, with `status`."""
    advice = ""
    if status == 407:
        advice = " (put its user name and password into the proxy's URL)"
        if proxy.username is not None:
            advice = " (it did not accept the user name and password of the proxy's URL)"
    return ProxyFailed(f"the proxy {proxy} refused {what} with status {status}{advice}", status)


async def _open(host: str, port: int, loop: asyncio.AbstractEventLoop, make: Callable[[], Connection]) -> Connection:
    """A TCP connection by the first address that answers (RFC 8305). uvloop has no happy eyeballs of its own.

    Raises OSError or UnicodeError.
    """

    async def attempt(address: str) -> Connection:
        return (await loop.create_connection(make, address, port))[1]

    try:
        ipaddress.ip_address(host)
    except ValueError:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        return await attempt(host)
    families: dict[int, list[str]] = {}
    for family, _, _, _, address in found:
        families.setdefault(family, []).append(str(address[0]))
    addresses = [address for address in chain(*zip_longest(*families.values())) if address]
    if len(addresses) == 1:
        return await attempt(addresses[0])
    return await _race(addresses, attempt, loop)


async def _race(
    addresses: list[str], attempt: Callable[[str], Coroutine[Any, Any, Connection]], loop: asyncio.AbstractEventLoop
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
    raise failure or OSError("no address")


def _drop(task: asyncio.Task[Connection]) -> None:
    """Close what an attempt that is no longer wanted came to."""
    if not task.cancelled() and task.exception() is None:
        task.result().abort()


async def _open_socks(
    proxy: Proxy, route: Route, loop: asyncio.AbstractEventLoop, make: Callable[[], Connection]
) -> Connection:
    """A connection through a SOCKS5 proxy (RFC 1928); with socks5h the proxy resolves the name."""
    try:
        from python_socks import ProxyConnectionError, ProxyError, ProxyType
        from python_socks.async_.asyncio import Proxy as Socks
    except ImportError:
        raise InvalidRequest('a SOCKS proxy needs a library: pip install "sansio-chat[socks]"') from None
    target = authority(route.host, route.port)
    remote = proxy.scheme == "socks5h"
    socks = Socks(ProxyType.SOCKS5, proxy.host, proxy.port, proxy.username, proxy.password, remote, loop=loop)
    try:
        # its own clock, of 60 s, must not be the one that fires
        opened = await socks.connect(route.host, route.port, timeout=_FOREVER)
    except ProxyConnectionError as error:
        why = reason(error.__cause__) if isinstance(error.__cause__, OSError) else "it cannot be reached"
        raise ProxyFailed(f"no connection to the proxy {proxy}: {why}") from None
    except ProxyError as error:
        raise ProxyFailed(f"the proxy {proxy} opened no connection to {target}: {error}") from None
    except socket.gaierror as error:
        raise ConnectFailed(f"no connection to {target}: {reason(error)}") from None
    except (OSError, UnicodeError) as error:
        raise ProxyFailed(f"the proxy {proxy} opened no connection to {target}: {reason(error)}") from None
    try:
        return (await loop.create_connection(make, sock=opened))[1]
    except BaseException:
        opened.close()
        raise
