"""Scripted loopback servers for the asyncio wire, and a runner that lets nothing be left behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import trustme
import uvloop

from sansio_core import Send
from sansio_core.http_request import HttpRequest
from transports._asyncio.wire import AsyncWire

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(main: Callable[[], Coroutine[Any, Any, None]], loop: str = "asyncio") -> None:
    """Run `main` in debug mode; fail if it leaves a task, an unclosed transport or a complaint of the loop."""
    complaints: list[dict[str, Any]] = []
    theirs = "Error on transport creation for incoming connection"  # a server's, of a client that left its handshake

    async def whole() -> None:
        running = asyncio.get_running_loop()
        running.set_exception_handler(lambda _, what: None if what["message"] == theirs else complaints.append(what))
        async with asyncio.timeout(20):
            await main()
        for _ in range(50):  # a server may still be about to accept what its client has left
            if len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(debug=True, loop_factory=LOOPS[loop]) as runner:
        runner.run(whole())
    gc.collect()
    assert not complaints, complaints


@asynccontextmanager
async def serve(handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A server's port; each connection is `handler`'s, and is closed when that returns."""
    handlers: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(guarded, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """A request: its first line, its fields (names in lower case) and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first, fields, await reader.readexactly(int(fields.get("content-length", "0")))


async def gone(reader: asyncio.StreamReader) -> None:
    """Wait until the client has closed its end."""
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def answering(*answers: bytes) -> Handler:
    """Each connection gives these answers to its requests, one after another, then waits for the client's end."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_request(reader)
            writer.write(answer)
        await gone(reader)

    return handler


async def forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says nothing, until the client has closed its end."""
    await gone(reader)


def get(port: int, path: str = "/", **kwargs: Any) -> Send:
    """A GET of the loopback server."""
    return Send(HttpRequest("GET", f"http://127.0.0.1:{port}{path}"), **kwargs)


async def body(wire: AsyncWire, seconds: float = 5) -> bytes:
    """The rest of the body; then the wire is left."""
    pieces = []
    while piece := await wire.read(wire.now() + seconds):
        pieces.append(piece)
    wire.leave()
    return b"".join(pieces)


async def fetch(wire: AsyncWire, action: Send, seconds: float = 5) -> bytes:
    """Send, and read the whole body."""
    await wire.send(action, wire.now() + seconds)
    return await body(wire)


class Authority:
    """A certificate authority of this test run."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    def server(self, *names: str, **kwargs: Any) -> ssl.SSLContext:
        """A server's settings, with a certificate for `names`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, **kwargs).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """A client's settings that trust this authority alone."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context
