"""How a client's connections are made, where not by the system's look-up and TCP; and how many there may be.

Both clients take connect=, uds=, resolver= and max_connections=, and check them here.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Final, NamedTuple

from sansio_core import InvalidRequest
from sansio_core.errors import safe_repr

from ..http1.routes import ProxySetting

MAX_CONNECTIONS: Final = 1000
"""How many connections a client has to one origin, where the user gives no number: a bound on mistakes alone."""

_LONGEST = 107 if sys.platform == "linux" else 103
"""Bytes of a Unix socket's path, without the 0 at its end: sun_path has 108, on BSD and macOS 104 (man 7 unix)."""

PathLike = str | os.PathLike[str]


class Way(NamedTuple):
    """How a connection is made; at most one is set.

    `connect` makes it, `uds` is the path of the Unix socket that it goes to, `resolver` finds the addresses of a name.
    """

    connect: Callable[..., Any] | None = None
    uds: str | None = None
    resolver: Callable[..., Any] | None = None

    @property
    def own(self) -> bool:
        """Whether connections are not made as those of other clients, and so cannot be shared with them."""
        return self != USUAL

    def users(self, error: Exception) -> BaseException | None:
        """`error` or what caused it, if it is that of the user's function: a traceback should show it whole."""
        if self.connect is not None:
            return error
        return error.__cause__ if self.resolver is not None else None

    def check_proxy(self, proxy: ProxySetting) -> None:
        """Raises InvalidRequest for a proxy beside a Unix socket."""
        if proxy and self.uds:
            raise InvalidRequest("uds= takes no proxy=: the Unix socket is the whole way")


USUAL: Final = Way()


def way_of(
    connect: Callable[..., Any] | None,
    uds: PathLike | None,
    resolver: Callable[..., Any] | None,
    proxy: ProxySetting,
    *,
    blocking: bool,
) -> Way:
    """The Way of a client with these settings. Raises InvalidRequest."""
    given = {"connect": connect, "uds": uds, "resolver": resolver}
    names = [f"{name}=" for name, value in given.items() if value is not None]
    if not names:
        return USUAL
    if len(names) > 1:
        raise InvalidRequest(f"give only one of {' and '.join(names)}: each says how connections are made")
    if uds is None:
        _check_hook(names[0].rstrip("="), resolver if connect is None else connect, blocking)
    way = Way(connect, None if uds is None else _path(uds), resolver)
    way.check_proxy(proxy)
    return way


def _check_hook(name: str, hook: Any, blocking: bool) -> None:
    if not callable(hook):
        raise InvalidRequest(f"{name} must be a function, not {type(hook).__name__}")
    if blocking and is_async(hook):
        raise InvalidRequest(f"{name} is an async function, which only AsyncClient takes")


def is_async(hook: Callable[..., Any]) -> bool:
    """Whether calling `hook` gives a coroutine: an async function, or an object with an async __call__."""
    return iscoroutinefunction(hook) or iscoroutinefunction(getattr(hook, "__call__", None))  # noqa: B004


def _path(uds: PathLike) -> str:
    if not isinstance(uds, (str, os.PathLike)):
        raise InvalidRequest(f"uds must be the path of a Unix socket, not {type(uds).__name__}")
    if not hasattr(socket, "AF_UNIX"):
        raise InvalidRequest("this system has no Unix sockets, which uds= needs")
    path = os.fspath(uds)
    if not 0 < len(os.fsencode(path)) <= _LONGEST:
        raise InvalidRequest(f"uds must be the path of a Unix socket, at most {_LONGEST} bytes: {safe_repr(path)}")
    return path


def checked_count(max_connections: int) -> int:
    """`max_connections`, unchanged. Raises InvalidRequest for one that is no whole number from 1."""
    if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
        raise InvalidRequest(f"max_connections must be a whole number from 1, not {safe_repr(max_connections)}")
    return max_connections
