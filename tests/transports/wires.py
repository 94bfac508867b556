"""Both clients' wires, the asyncio one on both of its loops, with one face: a case is written once and run on all."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop
from servers import PATIENCE, Server

from sansio_core import Send
from sansio_core.errors import Cancelled
from sansio_core.http_request import HttpRequest
from transports._asyncio.pool import Pool
from transports._asyncio.wire import AsyncWire
from transports._requests.wire import Connections, RequestsWire

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Wire:
    """One stream's wire, called as the blocking one is. `cancel` and `close` may come from any thread."""

    def __init__(self, raw: Any, run: Callable[[Any], Any]) -> None:
        self.raw = raw
        self._run = run
        self.cancel, self.close = raw.cancel, raw.close

    def send(self, action: Send, deadline: float | None = None) -> Any:
        """Status and header fields of the answer."""
        return self._run(lambda: self.raw.send(action, deadline))

    def read(self, deadline: float | None = None) -> bytes:
        """The body's next bytes."""
        data: bytes = self._run(lambda: self.raw.read(deadline))
        return data

    def sleep(self, seconds: float) -> None:
        self._run(lambda: self.raw.sleep(seconds))

    def leave(self) -> None:
        self._run(self.raw.leave)

    def body(self) -> bytes:
        """The rest of the body; then the wire is left."""
        pieces = list(iter(lambda: self.read(soon()), b""))
        self.leave()
        return b"".join(pieces)

    def fetch(self, action: Send) -> bytes:
        """Send, and read the whole body."""
        self.send(action, soon())
        return self.body()


def blocking(connections: Connections, proxy: str | None = None) -> Wire:
    """A blocking wire."""
    return Wire(RequestsWire(connections, proxy=proxy), lambda call: call())


class Wires:
    """One client's connections, and the loop that they are used in, if any."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.complaints: list[Any] = []
        self._pools: list[Any] = []
        self._wires: list[Wire] = []
        if kind != "blocking":
            self._runner = asyncio.Runner(debug=True, loop_factory=LOOPS[kind])
            loop = self._runner.get_loop()
            loop.set_exception_handler(lambda _, what: self.complaints.append(what))

    def pool(self, **settings: Any) -> Any:
        """The connections of a client with these settings, closed at the end."""
        pool = Connections(**settings) if self.kind == "blocking" else Pool(**settings)
        self._pools.append(pool)
        return pool

    def wire(self, pool: Any = None, proxy: str | bool | None = None, **settings: Any) -> Wire:
        """A wire of that pool, or of a new one."""
        kind: Any = RequestsWire if self.kind == "blocking" else AsyncWire
        wire = Wire(kind(pool or self.pool(**settings), proxy=proxy), self.run)
        self._wires.append(wire)
        return wire

    def run(self, call: Callable[[], Any]) -> Any:
        """What `call` gives; a coroutine is run to its end in the loop."""
        if self.kind == "blocking":
            return call()

        async def main() -> Any:
            found = call()
            return await found if asyncio.iscoroutine(found) else found

        return self._runner.run(main())

    def left(self, server: Server) -> bool:
        """Whether the server sees every connection closed, which takes some turns of a loop."""
        for _ in range(10 if self.kind != "blocking" else 0):
            self.run(lambda: asyncio.sleep(0))
        return server.settled(0)

    def close(self) -> None:
        """Close all wires and connections."""
        for wire in self._wires:
            wire.close()
        for pool in self._pools:
            self.run(pool.close if self.kind == "blocking" else pool.aclose)

    def end(self) -> None:
        """Close everything; nothing may be left of it, and the loop may have complained of nothing."""
        self.close()
        if self.kind != "blocking":
            assert not asyncio.all_tasks(self._runner.get_loop())
            self._runner.close()
        gc.collect()
        assert not self.complaints, [dict(what) for what in self.complaints]


def get(port: int, path: str = "/", *, scheme: str = "http", host: str = "127.0.0.1", **kwargs: Any) -> Send:
    return Send(HttpRequest("GET", f"{scheme}://{host}:{port}{path}"), **kwargs)


def secure(port: int, host: str = "127.0.0.1", **kwargs: Any) -> Send:
    """A GET by https, with a header field that is for the origin alone."""
    return Send(HttpRequest("GET", f"https://{host}:{port}/x", (("authorization", "Bearer k"),)), **kwargs)


def soon() -> float:
    """A deadline that only a hanging test reaches."""
    return time.monotonic() + PATIENCE


def after(seconds: float) -> float:
    """A deadline."""
    return time.monotonic() + seconds


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block must take that long, and not much more as a slow machine counts."""
    began = time.monotonic()
    yield
    assert seconds - 0.02 <= time.monotonic() - began < seconds + PATIENCE


@contextmanager
def ending(wire: Wire, how: str, when: threading.Event) -> Iterator[None]:
    """Cancel or close `wire` in another thread once `when` is set; that ends what the block waits for, at once."""
    over = threading.Event()

    def work() -> None:
        assert when.wait(PATIENCE)
        getattr(wire, how)()
        while how == "close" and not over.wait(0.01):  # it acts on what is under way, which it may come too early for
            wire.close()

    thread = threading.Thread(target=work)
    thread.start()
    began = time.monotonic()
    try:
        with pytest.raises(Cancelled):
            yield
    finally:
        over.set()
        thread.join()
    assert time.monotonic() - began < PATIENCE / 2
