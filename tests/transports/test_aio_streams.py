"""A connection of asyncio over any pair of a reader and a writer: a unix socket, memory, what is no asyncio stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from wire_harness import run
from wires import LOOPS

from sansio_core import Limits
from sansio_core.errors import Cancelled, ConnectionLost, StreamTruncated
from sansio_core.http_request import HttpRequest
from transports._asyncio.connection import Connection
from transports.http1.request import write
from transports.http1.response import Response
from transports.http1.routes import Route

REQUEST = HttpRequest("POST", "http://chat.example/v1", (("x", "y"),), b"{}")
ROUTE = Route("http", "chat.example", 80)
AWAITED = Response(REQUEST, ROUTE, Limits())  # what a bare read is for
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Server = Callable[[Any, Any], Awaitable[None]]


class Pipe:
    """One direction of a channel in memory. It is no asyncio stream: it reads and writes, and nothing besides."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ended = False
        self._changed = asyncio.Event()

    # what a reader is

    async def read(self, size: int) -> bytes:
        while not self._bytes and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._bytes[:size])
        del self._bytes[:size]
        return data

    def at_eof(self) -> bool:
        return self._ended and not self._bytes

    # what a writer is

    def write(self, data: bytes) -> None:
        assert not self._ended
        self._bytes += data
        self._changed.set()

    def close(self) -> None:
        self._ended = True
        self._changed.set()

    def is_closing(self) -> bool:
        return self._ended

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class Duplex:
    """A writer whose end is the end of both directions, as of an SSH channel."""

    def __init__(self, there: Pipe, here: Pipe) -> None:
        self._there, self._here = there, here
        self.write, self.is_closing, self.get_extra_info = there.write, there.is_closing, there.get_extra_info

    def close(self) -> None:
        self._there.close()
        self._here.close()


@asynccontextmanager
async def in_memory(server: Server, path: Path) -> AsyncIterator[Connection]:
    there, here = Pipe(), Pipe()
    task = asyncio.create_task(server(there, here))
    connection = Connection(asyncio.get_running_loop(), here, Duplex(there, here))  # type: ignore[arg-type]
    yield connection
    connection.abort()
    await task


@asynccontextmanager
async def unix(server: Server, path: Path) -> AsyncIterator[Connection]:
    done = asyncio.Event()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server(reader, writer)
        writer.close()
        done.set()

    listener = await asyncio.start_unix_server(accepted, str(path / "s"))
    connection = Connection(asyncio.get_running_loop(), *await asyncio.open_unix_connection(str(path / "s")))
    yield connection
    connection.abort()
    await done.wait()
    listener.close()
    await listener.wait_closed()


PAIRS = pytest.mark.parametrize("pair", [in_memory, unix])
both_loops = pytest.mark.parametrize("loop", LOOPS)


async def asked(reader: Any) -> bytes:
    data = b""
    while not data.endswith(b"\r\n\r\n{}"):
        data += await reader.read(100)
    return data


async def read(connection: Connection, deadline: float | None = None) -> bytes:
    """A whole answer, as the wire reads one."""
    response, out = Response(REQUEST, ROUTE, Limits()), b""
    connection.write(write(REQUEST, ROUTE))
    while not response.feed_head(await connection.receive(response, deadline)):
        pass
    while True:
        data = response.pending()
        while data is None:
            data = response.feed(await connection.receive(response, deadline))
        if not data:
            assert response.reusable
            return out
        out += data


@PAIRS
@both_loops
def test_two_answers_over_any_pair(pair: Any, loop: str, tmp_path: Path) -> None:
    async def server(reader: Any, writer: Any) -> None:
        for _ in range(2):
            assert (await asked(reader)).startswith(b"POST /v1 HTTP/1.1\r\nHost: chat.example\r\n")
            for piece in (OK, b"5\r\nhello\r\n", b"0\r\n\r\n"):
                writer.write(piece)
                await asyncio.sleep(0)

    async def main() -> None:
        async with pair(server, tmp_path) as connection:
            assert connection.quiet
            for _ in range(2):
                assert await read(connection, asyncio.get_running_loop().time() + 10) == b"hello"
                assert connection.quiet
            connection.abort()

    run(main, loop)


@PAIRS
@both_loops
def test_a_deadline_and_abort_end_a_read_of_any_pair(pair: Any, loop: str, tmp_path: Path) -> None:
    async def server(reader: Any, writer: Any) -> None:
        while await reader.read(100):
            pass

    async def main() -> None:
        now = asyncio.get_running_loop().time
        async with pair(server, tmp_path) as connection:
            began = now()
            with pytest.raises(TimeoutError):
                await connection.receive(AWAITED, began + 0.05)
            assert began + 0.05 <= now() < began + 10
            assert not connection.quiet
        async with pair(server, tmp_path / "..") as connection:
            read = asyncio.create_task(connection.receive(AWAITED, now() + 60))
            await asyncio.sleep(0.01)
            connection.abort(Cancelled("enough"))
            with pytest.raises(Cancelled, match="enough"):
                await read
            with pytest.raises(Cancelled, match="enough"):
                await connection.receive(AWAITED)
            assert connection.peek() == b""

    run(main, loop)


@PAIRS
def test_what_stands_unread_makes_a_pair_unfit(pair: Any, tmp_path: Path) -> None:
    async def main() -> None:
        late = asyncio.Event()

        async def server(reader: Any, writer: Any) -> None:
            await late.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
            while await reader.read(100):
                pass

        async with pair(server, tmp_path) as connection:
            assert connection.quiet
            late.set()
            while connection.quiet:  # noqa: ASYNC110  # it is what is asked
                await asyncio.sleep(0)

    run(main)


@PAIRS
def test_the_end_of_a_pair_is_the_end(pair: Any, tmp_path: Path) -> None:
    async def server(reader: Any, writer: Any) -> None:
        await asked(reader)
        writer.write(OK + b"5\r\nhel")
        writer.close()

    async def main() -> None:
        async with pair(server, tmp_path) as connection:
            with pytest.raises(StreamTruncated):
                await read(connection)
            assert await connection.receive(AWAITED) == b""
            assert not connection.ragged
            assert not connection.quiet

    run(main)


def test_a_reader_that_fails_in_its_own_way() -> None:
    class Failing(Pipe):
        async def read(self, size: int) -> bytes:
            raise EOFError("the channel is gone")

    async def main() -> None:
        there, here = Pipe(), Failing()
        connection = Connection(asyncio.get_running_loop(), here, there)  # type: ignore[arg-type]
        with pytest.raises(ConnectionLost, match="EOFError"):
            await connection.receive(AWAITED)
        assert connection.peek() == b""
        connection.abort()

    run(main)
