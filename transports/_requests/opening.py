"""How a socket of the blocking transport is opened: look-up and TCP under a guard. `connection.py` calls both."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Callable
from typing import Any

from .._shared.addresses import EYEBALLS_DELAY, Addresses, in_order, look_up, numeric
from .._shared.ways import Way
from .guard import Guard

# Unlike epoll and kqueue, the default, these selectors need no file descriptor of their own.
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


def first_hop(guard: Guard, way: Way, host: str, port: int) -> Any:
    """A connection to the origin, or to the proxy on the way to it, held by the guard.

    Raises OSError, UnicodeError, InvalidRequest, Expired, Cancelled; and what a user's function raises.
    """
    if way.connect is not None:
        return _asked(guard, way.connect, host, port)
    if way.uds is not None:
        return _unix(guard, way.uds)
    return open_tcp(guard, resolve(guard, way, host, port))


def _asked(guard: Guard, hook: Callable[..., Any], host: str, port: int) -> Any:
    """The connection that a user's function makes; cancel() cannot end that, only its timeout can."""
    from .sockets import checked_socket

    try:
        found = hook(host, port, guard.left())
    except OSError:
        guard.left()  # raises if the deadline has passed: that was its timeout
        raise
    sock = checked_socket(found)
    try:
        guard.left()
        guard.hold(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _unix(guard: Guard, path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        guard.hold(sock)
        sock.settimeout(guard.left())
        sock.connect(path)
    except BaseException:
        guard.let_go()
        sock.close()
        guard.left()
        raise
    return sock


def resolve(guard: Guard, way: Way, host: str, port: int) -> Addresses:
    """The addresses of `host`. Raises OSError (gaierror), UnicodeError, Expired, Cancelled.

    A user's resolver runs in a thread, as the system's does; it may also have InvalidRequest raised.
    """
    found: list[Addresses | Exception] = []
    if addresses := numeric(host, port):
        return addresses

    def tell(result: Addresses | Exception) -> None:
        found.append(result)
        guard.wake()

    look_up(host, port, tell, way.resolver)
    guard.wait(lambda: bool(found))
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def open_tcp(guard: Guard, addresses: Addresses) -> socket.socket:
    """A socket connected to the first of `addresses` that answers, held by the guard (RFC 8305).

    The next address is tried beside the one before when that is silent for EYEBALLS_DELAY, and at once when it has
    failed. Raises the first OSError if all fail; Expired, Cancelled.
    """
    todo = in_order(addresses)[::-1]
    with _Race(guard) as race:
        while todo or race.runners:
            left = guard.left()
            if todo:
                left = EYEBALLS_DELAY if left is None else min(left, EYEBALLS_DELAY)
                if not race.begin(todo.pop()):
                    continue
            if winner := race.wait(left):
                return winner
        guard.check()  # raises if cancel() caused the failure
        raise race.failure or OSError(errno.EADDRNOTAVAIL, "the name has no address")


class _Race:
    """The sockets that are connecting, all held by the guard. Leaving the `with` closes all but the winner."""

    def __init__(self, guard: Guard) -> None:
        self.runners: list[socket.socket] = []
        self.failure: OSError | None = None
        self._guard = guard
        self._selector = _Selector()

    def begin(self, address: tuple[Any, ...]) -> bool:
        """Begin to connect one more socket; False if that failed at once."""
        try:
            sock = _connecting(address)
        except OSError as error:
            self.failure = self.failure or error
            return False
        self.runners.append(sock)
        self._selector.register(sock, selectors.EVENT_WRITE)
        self._guard.hold(*self.runners)
        return True

    def wait(self, seconds: float | None) -> socket.socket | None:
        """The first socket that connects within `seconds`, now alone held by the guard. Those that fail are closed."""
        for key, _ in self._selector.select(seconds):
            sock = next(runner for runner in self.runners if runner is key.fileobj)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not number:
                self._guard.hold(sock)
                self.runners.remove(sock)
                return sock
            self.failure = self.failure or OSError(number, os.strerror(number))
            self._selector.unregister(sock)
            self.runners.remove(sock)
            sock.close()
        return None

    def __enter__(self) -> _Race:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._guard.let_go()
        for sock in self.runners:
            sock.close()
        self._selector.close()


def _connecting(address: tuple[Any, ...]) -> socket.socket:
    """A non-blocking socket that is connecting. Raises OSError."""
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sock.connect_ex(place)
        if number not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            raise OSError(number, os.strerror(number))
    except BaseException:
        sock.close()
        raise
    return sock
