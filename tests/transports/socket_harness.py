"""Hand-written threaded servers on loopback for the blocking wire, which leave no thread and no socket behind."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import trustme

from sansio_core import Send
from sansio_core.wire import HttpRequest
from transports._requests.wire import RequestsWire

PATIENCE = 10.0
"""Seconds after which a wait in a test is a failure."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self._rest = b""

    def request(self) -> tuple[str, dict[str, str], bytes]:
        """The next request: its first line, its fields (names in lower case), its body. EOFError at the end."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return first, fields, self.exactly(int(fields.get("content-length", "0")))

    def exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self._rest += data

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.sock.sendall(piece)

    def gone(self) -> None:
        """Wait until the client has closed its end."""
        with suppress(OSError):
            while self.sock.recv(65536):
                pass

    def drip(self, data: bytes) -> None:
        """One byte each 20 ms, until the client has closed its end."""
        self.sock.settimeout(0.02)
        for i in range(len(data)):
            try:
                self.sock.sendall(data[i : i + 1])
                if not self.sock.recv(65536):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    """A listening socket; each connection is `script`'s, in a thread of its own, and is closed when that returns."""

    def __init__(self, script: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._socks: list[Any] = []
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def __enter__(self) -> Server:
        self._start(self._accept)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for sock in self._socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        self._listener.close()
        if kind is None and self._failures:
            raise self._failures[0]

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
            self.connections += 1
            self._socks.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        peer: Any = sock
        try:
            if self._tls is not None:
                peer = self._tls.wrap_socket(sock, server_side=True)
                self._socks.append(peer)
            self._script(Peer(peer))
        except (EOFError, OSError):
            pass
        except BaseException as error:  # noqa: BLE001  # is raised in the test's thread
            self._failures.append(error)
        finally:
            peer.close()


def answering(*answers: bytes) -> Callable[[Peer], None]:
    """Each connection gives these answers to its requests, one after another, then waits for the client's end."""

    def script(peer: Peer) -> None:
        for answer in answers:
            peer.request()
            peer.send(answer)
        peer.gone()

    return script


def join(one: Any, other: Any) -> None:
    """Pass bytes both ways between two sockets until both ends are in."""

    def pump(source: Any, sink: Any) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=pump, args=(other, one))
    back.start()
    pump(one, other)
    back.join()
    other.close()


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy or authority out of the environment, and no thread that outlives its test."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before



@contextmanager
def cancelling(wire: RequestsWire, when: threading.Event | None = None) -> Iterator[None]:
    """Cancel from another thread once `when` is set (or at once), and see that the block does not wait for anything."""

    def cancel() -> None:
        if when is not None:
            assert when.wait(PATIENCE)
        wire.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    began = time.monotonic()
    try:
        yield
    finally:
        thread.join()
    assert time.monotonic() - began < PATIENCE / 2


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block must take that long, and not much more as a slow machine counts."""
    began = time.monotonic()
    yield
    assert seconds - 0.02 <= time.monotonic() - began < seconds + PATIENCE


def soon() -> float:
    """A deadline that only a hanging test reaches."""
    return time.monotonic() + PATIENCE


def get(port: int, path: str = "/", *, scheme: str = "http", host: str = "127.0.0.1", **kwargs: Any) -> Send:
    return Send(HttpRequest("GET", f"{scheme}://{host}:{port}{path}"), **kwargs)


def body(wire: RequestsWire) -> bytes:
    """The rest of the body; then the wire is left."""
    pieces = []
    while piece := wire.read(soon()):
        pieces.append(piece)
    wire.leave()
    return b"".join(pieces)


def fetch(wire: RequestsWire, action: Send) -> bytes:
    """Send, and read the whole body."""
    wire.send(action, soon())
    return body(wire)


class Authority:
    """A certificate authority of this test run."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    def server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context
