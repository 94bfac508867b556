"""What a blocked thread of the blocking transport waits under: a deadline, and cancel() from any other thread.

A socket timeout bounds one system call, so each call gets only the time that remains. close() of a socket does not wake
a thread that is blocked on it, shutdown() does: the guard knows the socket from its creation on.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

from sansio_core.errors import Cancelled

RECEIVE = 65536
"""Bytes asked of one recv: below the allocator's mmap threshold, so that no read costs page faults."""
_SEND = 262144
_EXACT = 0.1

Addresses = list[tuple[Any, ...]]
"""What socket.getaddrinfo gives."""


class Expired(Exception):
    """The deadline passed. No OSError (as the builtin TimeoutError is): requests would wrap that."""


class Stream(Protocol):
    """What is used of a connected socket, plain or TLS."""

    def recv(self, size: int, /) -> Any: ...
    def send(self, data: memoryview, /) -> int: ...
    def settimeout(self, seconds: float | None, /) -> None: ...


class Guard:
    """One wire's deadline, its cancel switch, and the socket that it is blocked on. `deadline` is absolute."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.cancelled = False
        self._interrupted = False
        self._busy = False
        self._changed = threading.Condition(threading.Lock())
        self._held: socket.socket | None = None
        self._timeout: float | None = None  # what the socket's timeout was last set to
        self._timed: object = None  # the socket that it was set on

    # --- what the owner's thread calls

    def enter(self, deadline: float | None) -> None:
        """Begin to work on the connection in this thread. Raises Cancelled."""
        with self._changed:
            self.check()
            self.deadline = deadline
            self._busy = True

    def leave(self) -> None:
        """This thread is done with the connection for now."""
        with self._changed:
            self._busy = self._interrupted = False

    def check(self) -> None:
        """Raises Cancelled if it was."""
        if self.cancelled or self._interrupted:
            raise Cancelled() from None

    def left(self) -> float | None:
        """The seconds that remain, None for endless. Raises Expired when none do, and Cancelled."""
        self.check()
        if self.deadline is None:
            return None
        left = self.deadline - monotonic()
        if left <= 0:
            raise Expired
        return left

    def hold(self, sock: object) -> None:
        """From now on `sock` is what cancel() frees. Raises Cancelled if that was called already."""
        while not isinstance(sock, socket.socket) and hasattr(sock, "socket"):
            sock = sock.socket  # urllib3's TLS inside TLS is no socket itself
        with self._changed:
            self.check()
            self._held = sock if isinstance(sock, socket.socket) else None
            self._timed = None

    def let_go(self) -> bool:
        """Forget the socket (before it is closed, or lent to another). False if it was shut down meanwhile."""
        with self._changed:
            self._held = None
            return not (self.cancelled or self._interrupted)

    def arm(self, sock: Stream, exact: bool = False) -> None:
        """Give the next call on `sock` no more than the time that remains."""
        left = self.left()
        if self._timed is sock and not exact:
            if self._timeout == left or (left is not None and self._timeout is not None and self._timeout <= left):
                return  # wakes early, looks at the clock and waits again: cheaper than a system call for every read
            left = left / 2 if left is not None and left > _EXACT else left
        sock.settimeout(left)
        self._timed, self._timeout = sock, left

    def recv(self, sock: Stream) -> bytes:
        """What has arrived, at most RECEIVE bytes; b"" at the end. Raises Expired, Cancelled, OSError."""
        while True:
            try:
                self.arm(sock)
            except Expired:
                return self._late(sock)
            try:
                data = sock.recv(RECEIVE)
            except TimeoutError:
                continue
            except OSError:
                self.check()
                raise
            self.check()
            return data or b""

    def _late(self, sock: Stream) -> bytes:
        """What came in time, though it is asked for late, by a slow reader. Raises Expired if nothing did."""
        sock.settimeout(0)
        self._timed = None
        try:
            data = sock.recv(RECEIVE)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            raise Expired from None
        except OSError:
            self.check()
            raise
        return data or b""

    def send(self, sock: Stream, data: bytes) -> None:
        """Send all of `data`. Raises Expired, Cancelled, OSError."""
        with memoryview(data) as view:
            while view:
                self.arm(sock)
                try:
                    view = view[sock.send(view[:_SEND]) :]
                except TimeoutError:
                    continue
                except OSError:
                    self.check()
                    raise
        self.check()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()`, which a wake() makes look again. Raises Expired, Cancelled."""
        with self._changed:
            while not ready():
                self._changed.wait(self.left())

    # --- what any thread calls

    def wake(self) -> None:
        """Make wait() look again."""
        with self._changed:
            self._changed.notify_all()

    def cancel(self) -> None:
        """For good: whatever the owner is blocked in ends at once, and raises Cancelled."""
        with self._changed:
            self.cancelled = True
            self._shut()

    def interrupt(self) -> bool:
        """If the owner's thread is at work, end that as cancel() does, but only that; False if it is not."""
        with self._changed:
            if self._busy:
                self._interrupted = True
                self._shut()
            return self._busy

    def _shut(self) -> None:
        if self._held is not None:
            with suppress(OSError):  # not connected (yet), or gone
                # Not SSLSocket.shutdown, which takes the TLS object away from under the reading thread.
                socket.socket.shutdown(self._held, socket.SHUT_RDWR)
        self._changed.notify_all()


class Guarded:
    """A socket each of whose calls gets the time that remains, for TLS inside TLS: that makes several in one of ours.

    `guard` is the one of the call that has the connection at the time.
    """

    def __init__(self, guard: Guard, sock: socket.socket) -> None:
        self.guard = guard
        self.socket = sock
        self.fileno, self.close, self.settimeout = sock.fileno, sock.close, sock.settimeout

    def recv(self, size: int) -> bytes:
        """As the socket's. Raises Expired, Cancelled, OSError."""
        self.guard.arm(self.socket, exact=True)
        return self.socket.recv(size)

    def sendall(self, data: bytes) -> None:
        """As the socket's. Raises Expired, Cancelled, OSError."""
        self.guard.send(self.socket, data)


def look_up(guard: Guard, host: str, port: int) -> Addresses:
    """The addresses of `host`. Raises OSError (gaierror), UnicodeError, Expired, Cancelled.

    getaddrinfo knows no timeout and cannot be interrupted: it runs in a daemon thread, and one that is waited for no
    longer ends by itself when the system's resolver gives up. An address needs no look-up and no thread.
    """
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except (socket.gaierror, UnicodeError):
        pass
    found: list[Addresses | Exception] = []

    def run() -> None:
        try:
            found.append(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:  # noqa: BLE001  # is raised in the thread that waits
            found.append(error)
        guard.wake()

    threading.Thread(target=run, name=f"look up {host}", daemon=True).start()
    guard.wait(lambda: bool(found))
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def open_tcp(guard: Guard, addresses: Addresses) -> socket.socket:
    """A socket connected to one of `addresses`, held by the guard. Raises the last OSError, Expired, Cancelled.

    They share one deadline: each gets its equal part of what remains, so that a silent first one leaves time for the
    next.
    """
    failure: OSError = ConnectionError("the name has no address")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            guard.hold(sock)
            left = guard.left()
            sock.settimeout(None if left is None else left / (len(addresses) - tried))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            guard.check()
            return sock
        except OSError as error:
            failure = error
            guard.let_go()
            sock.close()
            guard.left()
        except BaseException:
            guard.let_go()
            sock.close()
            raise
    raise failure
