"""For what is asyncio's alone: scripted servers in the same loop, and a runner that lets nothing be left behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from wires import LOOPS

from sansio_core import Send
from transports._asyncio.wire import AsyncWire

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(main: Callable[[], Coroutine[Any, Any, None]], loop: str = "asyncio") -> None:
    """Run `main` in debug mode; fail if it leaves a task, an unclosed transport or a complaint of the loop."""
    complaints: list[dict[str, Any]] = []

    async def whole() -> None:
        running = asyncio.get_running_loop()
        running.set_exception_handler(lambda _, what: complaints.append(what))
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
async def serve(handler: Handler) -> AsyncIterator[int]:
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

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> None:
    """Wait for a request, which has no body."""
    await reader.readuntil(b"\r\n\r\n")


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
