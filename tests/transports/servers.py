"""Hand-written servers on loopback, with a thread for each connection; they leave no thread and no socket behind."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import trustme

PATIENCE = 10.0
"""Seconds after which a wait in a test is a failure."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """The server's end of one connection. EOFError at the client's end closes it."""

    def __init__(self, sock: Any, number: int, released: threading.Event) -> None:
        self.sock = sock
        self.number = number
        self.first = ""
        """The first line of the last request."""
        self.fields: dict[str, str] = {}
        """Its header fields; names in lower case."""
        self.last = b""
        """All of it, as it came."""
        self._released = released
        self._rest = b""

    @property
    def target(self) -> str:
        """The target of the last request."""
        return self.first.split(" ")[1]

    def request(self) -> None:
        """Read the next request, whole."""
        while b"\r\n\r\n" not in self._rest:
            self.more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.first, *lines = head.decode("latin-1").split("\r\n")
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.last = head + b"\r\n\r\n" + self.exactly(int(self.fields.get("content-length", "0")))

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes."""
        while len(self._rest) < size:
            self.more()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def more(self) -> None:
        """Receive something, which is kept for those who read."""
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError
        self._rest += data

    def send(self, *pieces: bytes) -> None:
        """Send the pieces one after another."""
        for piece in pieces:
            self.sock.sendall(piece)

    def flood(self, piece: bytes, size: float = float("inf")) -> None:
        """Send `piece` again and again until `size` bytes went out."""
        sent = 0
        while sent < size:
            self.sock.sendall(piece)
            sent += len(piece)

    def drip(self, data: bytes, size: int = 1) -> None:
        """Send `data` again and again, that many bytes each 20 ms, until the client closed its end."""
        self.sock.settimeout(0.02)
        while True:
            for at in range(0, len(data), size):
                self.sock.sendall(data[at : at + size])
                with suppress(TimeoutError):
                    self.more()

    def gone(self) -> None:
        """Wait until the client has closed its end."""
        while True:
            self.more()

    def deaf(self) -> None:
        """Read nothing, until the server is released or ends: a client's end cannot be seen behind what it sent."""
        self._released.wait(PATIENCE)
        raise EOFError

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise EOFError


class Server:
    """A listening socket; each connection is `script`'s, and is closed when that returns."""

    def __init__(
        self,
        script: Callable[[Peer], None],
        tls: ssl.SSLContext | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self.tls = tls
        self.connections = 0
        self.released = threading.Event()
        self._script = script
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._open: dict[int, Any] = {}
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.released.set()
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
            return self._changed.wait_for(lambda: len(self._open) == count, PATIENCE)

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
            with suppress(OSError):  # a Unix socket has none
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or a second piece may wait for 40 ms
            with self._changed:
                self.connections += 1
                self._open[self.connections] = sock
                self._changed.notify_all()
            self._start(self._serve, sock, self.connections)

    def _serve(self, sock: Any, number: int) -> None:
        try:
            if self.tls is not None and self._shakes_hands():
                sock = self._open[number] = self.tls.wrap_socket(sock, server_side=True)
            self._script(Peer(sock, number, self.released))
        except (EOFError, OSError):
            pass
        except BaseException as error:  # noqa: BLE001  # is raised in the test's thread
            self._failures.append(error)
        finally:
            sock.close()
            with self._changed:
                del self._open[number]
                self._changed.notify_all()

    def _shakes_hands(self) -> bool:
        """Whether TLS is spoken on the next connection, where there are settings for it."""
        return True


def answering(*answers: bytes) -> Callable[[Peer], None]:
    """Each connection gives these answers to its requests, one after another, then waits for the client's end."""

    def script(peer: Peer) -> None:
        for answer in answers:
            peer.request()
            peer.send(answer)
        peer.gone()

    return script


def ok(peer: Peer) -> None:
    """Every request gets OK."""
    while True:
        peer.request()
        peer.send(OK)


def plain(peer: Peer) -> None:
    """An HTTP server that is spoken to in TLS."""
    peer.more()
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.gone()


def join(peer: Peer, host: str, port: int) -> None:
    """Pass bytes both ways between a proxy's client and the server at that address, until both ends are in."""

    def pump(source: Any, sink: Any) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            socket.socket.shutdown(sink, socket.SHUT_RDWR)

    with socket.create_connection((host, port)) as origin:
        back = threading.Thread(target=pump, args=(origin, peer.sock))
        back.start()
        pump(peer.sock, origin)
        back.join()
    raise EOFError


class Authority:
    """A certificate authority of this test run."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    def server(self, *names: str, **dates: Any) -> ssl.SSLContext:
        """A server's settings, with a certificate for `names`, else for 127.0.0.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1",)), **dates).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """A client's settings that trust this authority alone."""
        return ssl.create_default_context(cadata=self.ca.cert_pem.bytes().decode())
