"""Guard: what a thread of the blocking transport waits under, a deadline and cancel() from any other thread.

A wire has one Guard; `opening.py` and `connection.py` wait under the one of the Call that their thread sends.

A socket's timeout bounds one system call, so before each call it is set to the time that remains. close() does not wake
a thread that is blocked on the socket, shutdown() does: so the guard holds the socket from its creation on.

A signal handler may raise between any two steps of Python code (Ctrl-C, a soft time limit), and may call cancel()
itself. So nothing here takes a lock whose `__enter__` is Python code, as threading.Condition's and queue.Queue's are:
an exception inside it would leave the lock taken for ever. RLock and SimpleQueue are C code, and a signal handler may
use one that the interrupted code is just using.
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
"""The most bytes of one recv: below the allocator's mmap threshold, so that a read costs no page faults."""
_SEND = 262144  # the most bytes of one send, so that the deadline is looked at in between
_EXACT = 0.1  # seconds: with less time left, the socket's timeout is set exactly
_POLL = 0.2  # seconds after which a call on a socket that cancel() cannot shut down looks whether it was called


class Expired(Exception):
    """The deadline passed. (Not the builtin TimeoutError, as that is an OSError, which requests would wrap.)"""


class Stream(Protocol):
    """The methods of a connected socket, plain or TLS, that a Guard uses."""

    def recv(self, size: int, /) -> Any: ...
    def send(self, data: memoryview, /) -> int: ...
    def settimeout(self, seconds: float | None, /) -> None: ...


class Guard:
    """One wire's deadline (in the time of `monotonic`), its cancel switch, and the sockets that it is blocked on."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._cancelled: type[Cancelled] | None = None
        self._interrupted = False
        self._busy = False
        self._lock = threading.RLock()  # around the state; never held while anything is waited for
        self._bell: queue.SimpleQueue[None] | None = None  # made by the first wait(), as most wires never wait
        self._held: tuple[socket.socket, ...] = ()
        self._deaf = False  # whether a socket in use is none of the system's, and so cannot be shut down
        self._timeout: float | None = None  # what the socket's timeout was last set to
        self._timed: object = None  # the socket whose timeout that is

    # --- what the owner's thread calls

    def enter(self, deadline: float | None) -> None:
        """Begin a call on the connection in this thread. Raises Cancelled."""
        with self._lock:
            self.check()
            self.deadline = deadline
            self._busy = True

    def leave(self) -> None:
        """End that call."""
        with self._lock:
            self._busy = self._interrupted = False

    def check(self) -> None:
        """Raises the Cancelled, or its subclass, that cancel() was given; Cancelled after interrupt()."""
        if self._cancelled or self._interrupted:
            raise (self._cancelled or Cancelled)() from None

    def left(self) -> float | None:
        """The seconds that remain until the deadline; None without one. Raises Expired after it, and Cancelled."""
        self.check()
        if self.deadline is None:
            return None
        left = self.deadline - monotonic()
        if left <= 0:
            raise Expired
        return left

    def hold(self, *socks: object) -> None:
        """From now on cancel() shuts down `socks`. Raises Cancelled if it was called already."""
        held = tuple(filter(None, map(_plain, socks)))
        with self._lock:
            self.check()
            self._held = held
            self._deaf = len(held) < len(socks)
            self._timed = None

    def let_go(self) -> bool:
        """Forget the sockets, before they are closed or given back; False if cancel() has shut them down."""
        with self._lock:
            self._held = ()
            return not (self._cancelled or self._interrupted)

    def arm(self, sock: Stream, exact: bool = False) -> None:
        """Set the timeout of `sock` for the next call on it, to the time that remains or less."""
        left = self.left()
        if self._deaf:
            left = _POLL if left is None else min(left, _POLL)
        if self._timed is sock and not exact:
            if self._timeout == left or (left is not None and self._timeout is not None and self._timeout <= left):
                return  # it times out early, and recv() or send() calls again: cheaper than settimeout for every call
            left = left / 2 if left is not None and left > _EXACT else left  # half, so that the next calls can keep it
        sock.settimeout(left)
        self._timed, self._timeout = sock, left

    def recv(self, sock: Stream) -> bytes:
        """The next bytes, at most RECEIVE; b"" once the peer has closed. Raises Expired, Cancelled, OSError."""
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
        """The bytes that are here already, after the deadline: a slow reader asks late for what came in time.

        Raises Expired if there are none.
        """
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
        """Wait until `ready()`, which is called again after each wake(). Raises Expired, Cancelled."""
        bell = self._bell = self._bell or queue.SimpleQueue()  # before the first ready(), so that no wake() is missed
        while not ready():
            with suppress(queue.Empty):
                bell.get(timeout=self.left())

    # --- what any thread calls

    def wake(self) -> None:
        """Have wait() call its `ready` again."""
        if self._bell is not None:
            self._bell.put(None)

    def cancel(self, kind: type[Cancelled] = Cancelled) -> None:
        """For good: the call that the owner is blocked in ends at once, and it and all later ones raise `kind`."""
        with self._lock:
            self._cancelled = self._cancelled or kind
            self._shut()

    def interrupt(self) -> bool:
        """End the owner's call under way as cancel() does, but no later one; False if there is none."""
        with self._lock:
            if self._busy:
                self._interrupted = True
                self._shut()
            return self._busy

    def _shut(self) -> None:
        for sock in self._held:
            with suppress(OSError):  # it is closed; or, on some systems, not connected yet
                # Not SSLSocket.shutdown, which drops the TLS object that the reading thread is using.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self.wake()


def _plain(sock: Any) -> socket.socket | None:
    """The socket.socket under `sock`: urllib3's SSLTransport, for TLS inside TLS, is not one itself."""
    while not isinstance(sock, socket.socket) and hasattr(sock, "socket"):
        sock = sock.socket
    return sock if isinstance(sock, socket.socket) else None


class Guarded:
    """The socket under an SSLTransport, where one call of ours makes several: each gets the time that remains.

    `guard` is the one of the Call that has the connection at the time.
    """

    def __init__(self, guard: Guard, sock: Any) -> None:
        self.guard = guard
        self.socket = sock
        self.fileno, self.close, self.settimeout = sock.fileno, sock.close, sock.settimeout

    def recv(self, size: int) -> bytes:
        """As the socket's. Raises Expired, Cancelled, OSError."""
        while True:
            self.guard.arm(self.socket, exact=True)
            try:
                data: bytes = self.socket.recv(size)
            except TimeoutError:
                continue
            return data

    def sendall(self, data: bytes) -> None:
        """As the socket's. Raises Expired, Cancelled, OSError."""
        self.guard.send(self.socket, data)
