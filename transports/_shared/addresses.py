"""Names into addresses, for the `opening.py` of both transports: look-ups in threads, and the order of attempts.

A user's `resolver=` takes the place of getaddrinfo: a function of host and port that returns IP addresses as text.

getaddrinfo has no timeout and cannot be interrupted. So a daemon thread runs it, for which neither a caller nor the end
of the process waits: a look-up that hangs ends by itself when the system's resolver gives up. (asyncio's own look-ups
share the loop's executor: there a few that hang block all others, and asyncio.run() at its end.)
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest
from typing import Any

from sansio_core.errors import ChatError, InvalidRequest, safe_repr

from ..http1.failures import reason

Addresses = list[tuple[Any, ...]]
"""What socket.getaddrinfo returns."""

EYEBALLS_DELAY = 0.25
"""Seconds for which an address may be silent before the next one is tried beside it (RFC 8305 5)."""


def numeric(host: str, port: int) -> Addresses:
    """The addresses of a `host` that is an IP address, which needs no look-up; an empty list for a name."""
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except (socket.gaierror, UnicodeError):
        return []


def look_up(
    host: str,
    port: int,
    found: Callable[[Addresses | Exception], None],
    resolver: Callable[[str, int], Iterable[str]] | None = None,
) -> None:
    """Ask the system's resolver in a thread, or the user's; it then calls `found` with the addresses, or the error."""

    def run() -> None:
        result: Addresses | Exception
        try:
            if resolver is None:
                result = list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            else:
                result = resolved(resolver(host, port), port)
        except Exception as error:  # noqa: BLE001  # whoever waits for the look-up raises it
            result = error if resolver is None else resolver_error(error)
        found(result)

    threading.Thread(target=run, name=f"look up {host}", daemon=True).start()


def resolved(found: object, port: int) -> Addresses:
    """What a user's resolver has returned, as addresses. Raises gaierror where it is empty; InvalidRequest."""
    if isinstance(found, str) or not isinstance(found, Iterable):
        kind = type(found).__name__
        raise InvalidRequest(f"resolver= must return a list of IP addresses, not {kind}")
    addresses: Addresses = []
    for address in found:
        known = numeric(address, port) if isinstance(address, str) and address else []
        if not known:
            raise InvalidRequest(f"resolver= must return IP addresses as text, not {safe_repr(address)}")
        addresses += known
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return addresses


def resolver_error(error: Exception) -> Exception:
    """The error to raise for one of a user's resolver, whose own text may say anything."""
    if isinstance(error, (ChatError, socket.gaierror)):
        return error
    called = " (it is called with a host and a port)" if isinstance(error, TypeError) else ""
    failed = OSError(None, f"the resolver failed: {reason(error)}{called}")
    failed.__cause__ = error
    return failed


def in_order(addresses: Addresses) -> Addresses:
    """`addresses` with IPv6 and IPv4 in turn, beginning with the family of the resolver's first (RFC 8305 4)."""
    families: dict[int, Addresses] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return [address for address in chain(*zip_longest(*families.values())) if address is not None]
