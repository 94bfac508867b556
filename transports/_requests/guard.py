"""What a blocked thread of the blocking transport waits under: a deadline, and cancel() from any other thread.

A wire has one Guard; `opening.py` and `connection.py` wait under that of the call in whose thread they run.

A socket timeout bounds one system call, so each call gets only the time that remains. close() of a socket does not wake
a thread that is blocked on it, shutdown() does: the guard knows the socket from its creation on.

A signal handler may raise between any two steps of Python code (Ctrl-C, a soft time limit), and may call cancel()
itself. So nothing here takes a lock whose `__enter__` is Python code, as threading.Condition's and queue.Queue's are:
an exception inside it leaves the lock taken for ever. RLock and SimpleQueue are C code, and may be used again from a
handler that interrupts their user.
"""

from __future__ import annotations

import queue
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


class Expired(Exception):
    """The deadline passed. No OSError (as the builtin TimeoutError is): requests would wrap that."""


class Stream(Protocol):
    """What is used of a connected socket, plain or TLS."""

    def recv(self, size: int, /) -> Any: ...
    def send(self, data: memoryview, /) -> int: ...
    def settimeout(self, seconds: float | None, /) -> None: ...


class Guard:
    """One wire's deadline, its cancel switch, and the sockets that it is blocked on. `deadline` is absolute."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._cancelled: type[Cancelled] | None = None
        self._interrupted = False
        self._busy = False
        self._lock = threading.RLock()  # around the state; never held while anything is waited for
        self._bell: queue.SimpleQueue[None] | None = None  # made where something is waited for
        self._held: tuple[socket.socket, ...] = ()
        self._timeout: float | None = None  # what the socket's timeout was last set to
        self._timed: object = None  # the socket that it was set on

    # --- what the owner's thread calls

    def enter(self, deadline: float | None) -> None:
        """Begin to work on the connection in this thread. Raises Cancelled."""
        with self._lock:
            self.check()
            self.deadline = deadline
            self._busy = True

    def leave(self) -> None:
        """This thread is done with the connection for now."""
        with self._lock:
            self._busy = self._interrupted = False

    def check(self) -> None:
        """Raises Cancelled, or the kind of it that cancel() was given, if it was."""
        if self._cancelled or self._interrupted:
            raise (self._cancelled or Cancelled)() from None

    def left(self) -> float | None:
        """The seconds that remain, None for endless. Raises Expired when none do, and Cancelled."""
        self.check()
        if self.deadline is None:
            return None
        left = self.deadline - monotonic()
        if left <= 0:
            raise Expired
        return left

    def hold(self, *socks: object) -> None:
        """From now on `socks` are what cancel() frees. Raises Cancelled if that was called already."""
        held = tuple(filter(None, map(_plain, socks)))
        with self._lock:
            self.check()
            self._held = held
            self._timed = None

    def let_go(self) -> bool:
        """Forget the socket (before it is closed, or lent to another). False if it was shut down meanwhile."""
        with self._lock:
            self._held = ()
            return not (self._cancelled or self._interrupted)

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
        bell = self._bell = self._bell or queue.SimpleQueue()  # before the first look at what a wake() may change
        while not ready():
            with suppress(queue.Empty):
                bell.get(timeout=self.left())

    # --- what any thread calls

    def wake(self) -> None:
        """Make wait() look again."""
        if self._bell is not None:
            self._bell.put(None)

    def cancel(self, kind: type[Cancelled] = Cancelled) -> None:
        """For good: whatever the owner is blocked in ends at once, and raises `kind`."""
        with self._lock:
            self._cancelled = self._cancelled or kind
            self._shut()

    def interrupt(self) -> bool:
        """If the owner's thread is at work, end that as cancel() does, but only that; False if it is not."""
        with self._lock:
            if self._busy:
                self._interrupted = True
                self._shut()
            return self._busy

    def _shut(self) -> None:
        for sock in self._held:
            with suppress(OSError):  # gone; or, on some systems, not connected yet
                # Not SSLSocket.shutdown, which takes the TLS object away from under the reading thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self.wake()


def _plain(sock: object) -> socket.socket | None:
    """The socket under `sock`: urllib3's TLS inside TLS is none itself."""
    while not isinstance(sock, socket.socket) and hasattr(sock, "socket"):
        sock = sock.socket
    return sock if isinstance(sock, socket.socket) else None


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
