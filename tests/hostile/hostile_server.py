"""A hand-written server on loopback that misbehaves as told, counts what it sees, and can be told to behave again."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PATIENCE = 10.0
"""Seconds after which a wait in a test is a failure."""

Fault = bytes | Callable[["Peer"], None]
"""What is done with a request: an answer as it stands, or anything else with the connection. EOFError closes it."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: Any, number: int, healed: threading.Event) -> None:
        self.sock = sock
        self.number = number
        self._healed = healed
        self.target = ""
        self.fields: dict[str, str] = {}
        self.last = b""
        self._rest = b""

    def request(self) -> bytes:
        """Read the next request; gives its head and body as they came. EOFError at the end."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.target = first.split(" ")[1]
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(self.fields.get("content-length", "0"))
        while len(self._rest) < size:
            self._more()
        body, self._rest = self._rest[:size], self._rest[size:]
        self.last = head + b"\r\n\r\n" + body
        return self.last

    def _more(self) -> None:
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError
        self._rest += data

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.sock.sendall(piece)

    def flood(self, piece: bytes, size: float = float("inf")) -> None:
        """Send `piece` again and again until `size` bytes went out, or the client closed its end."""
        sent = 0
        while sent < size:
            self.sock.sendall(piece)
            sent += len(piece)

    def drip(self, piece: bytes, seconds: float) -> None:
        """Send `piece`, then byte by byte the like, that many seconds apart, until the client closed its end."""
        self.sock.settimeout(seconds)
        while True:
            for i in range(len(piece)):
                self.sock.sendall(piece[i : i + 1])
                self.listen()

    def repeat(self, piece: bytes, seconds: float) -> None:
        """Send `piece` each so many seconds, until the client closed its end."""
        self.sock.settimeout(seconds)
        while True:
            self.sock.sendall(piece)
            self.listen()

    def listen(self) -> None:
        """Wait for one interval; EOFError if the client closed its end."""
        with suppress(TimeoutError):
            self._more()

    def gone(self) -> None:
        """Wait until the client has closed its end."""
        while True:
            self._more()

    def deaf(self) -> None:
        """Read nothing, until the server is healed or ends: a client's end cannot be seen behind what it sent."""
        self._healed.wait(PATIENCE)
        raise EOFError

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise EOFError


class Server:
    """Each connection in a thread of its own; every request gets `fault`, and `good` once it was healed.

    `unread`: the fault is for connections, whose requests are not even read.
    """

    def __init__(
        self,
        fault: Fault,
        good: Fault,
        *,
        tls: ssl.SSLContext | None = None,
        listener: socket.socket | None = None,
        unread: bool = False,
    ) -> None:
        self.fault, self.good, self.tls, self.unread = fault, good, tls, unread
        self._healed = threading.Event()
        self.requests: list[tuple[int, bytes]] = []
        """The number of the connection, and the request as it came."""
        self.connections = 0
        self._changed = threading.Condition()
        self._open: dict[int, Any] = {}
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Server:
        self._start(self._accept)
        return self

    @property
    def healed(self) -> bool:
        """Whether requests get the good answer."""
        return self._healed.is_set()

    def heal(self) -> None:
        """From now on every request gets the good answer."""
        self._healed.set()

    def __exit__(self, kind: object, *_: object) -> None:
        self.heal()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(PATIENCE)
        for sock in list(self._open.values()):
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        self._listener.close()
        if kind is None and self._failures:
            raise self._failures[0]

    def settled(self, count: int) -> bool:
        """Wait until that many connections are open; False if they never are."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._open) == count, PATIENCE / 2)

    def seen(self, count: int) -> bool:
        """Wait until that many requests (connections, if `unread`) came; False if they never do."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (self.connections if self.unread else len(self.requests)) >= count, PATIENCE / 2
            )

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self.connections += 1
                self._open[self.connections] = sock
                self._changed.notify_all()
            self._start(self._serve, sock, self.connections)

    def _serve(self, sock: Any, number: int) -> None:
        try:
            if self.tls is not None and not (self.unread and not self.healed):
                sock = self._open[number] = self.tls.wrap_socket(sock, server_side=True)
            self._talk(Peer(sock, number, self._healed))
        except (EOFError, OSError):
            pass
        except BaseException as error:  # noqa: BLE001  # is raised in the test's thread
            self._failures.append(error)
        finally:
            sock.close()
            with self._changed:
                del self._open[number]
                self._changed.notify_all()

    def _talk(self, peer: Peer) -> None:
        while True:
            if not (self.unread and not self.healed):
                request = peer.request()
                with self._changed:
                    self.requests.append((peer.number, request))
                    self._changed.notify_all()
            deed = self.good if self.healed else self.fault
            if isinstance(deed, bytes):
                peer.send(deed)
            else:
                deed(peer)
