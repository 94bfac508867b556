"""The asyncio wire against scripted servers: every framing, every end, every clock, cancelling anywhere."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from wire_harness import LOOPS, OK, answering, body, fetch, forever, get, gone, read_request, reset, run, serve

from sansio_core import Send
from sansio_core.errors import (
    Cancelled,
    ChatError,
    ConnectionLost,
    LimitExceeded,
    ProtocolViolation,
    StreamTruncated,
    UnexpectedContent,
)
from sansio_core.timing import Limits
from sansio_core.wire import HttpRequest
from transports._asyncio.pool import Pool
from transports._asyncio.wire import AsyncWire

TEXT = b"hello world " * 20
both_loops = pytest.mark.parametrize("loop", LOOPS)


def chunked(data: bytes, size: int = 7) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def head(*fields: bytes, version: bytes = b"1.1", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/%s %s\r\n%s\r\n" % (version, status, b"".join(field + b"\r\n" for field in fields))


CHUNKED = b"Transfer-Encoding: chunked"
LENGTH = b"Content-Length: %d"
DEFLATED = zlib.compress(TEXT)
BARE = DEFLATED[2:-4]
GZIPPED = gzip.compress(TEXT, mtime=0)

# name -> method, response, body, whether the server closes after it, whether the connection is kept
FRAMINGS: dict[str, tuple[str, bytes, bytes, bool, bool]] = {
    "chunked": ("GET", head(CHUNKED) + chunked(TEXT), TEXT, False, True),
    "length": ("GET", head(LENGTH % len(TEXT)) + TEXT, TEXT, False, True),
    "until close": ("GET", head() + TEXT, TEXT, True, False),
    "until close, said": ("GET", head(b"Connection: close") + TEXT, TEXT, True, False),
    "HTTP/1.0": ("GET", head(version=b"1.0") + TEXT, TEXT, True, False),
    "HTTP/1.0 length": ("GET", head(LENGTH % 2, version=b"1.0") + b"ok", b"ok", False, False),
    "close": ("GET", head(LENGTH % 2, b"Connection: close") + b"ok", b"ok", False, False),
    "empty": ("GET", head(LENGTH % 0), b"", False, True),
    "HEAD": ("HEAD", head(LENGTH % 50), b"", False, True),
    "204": ("GET", head(status=b"204 No Content"), b"", False, True),
    "304": ("GET", head(LENGTH % 50, status=b"304 Not Modified"), b"", False, True),
    "interim": ("POST", head(status=b"100 Continue") + head(status=b"103 X") + OK, b"ok", False, True),
    "gzip chunked": ("GET", head(CHUNKED, b"Content-Encoding: gzip") + chunked(GZIPPED), TEXT, False, True),
    "gzip until close": ("GET", head(b"Content-Encoding: x-gzip") + GZIPPED, TEXT, True, False),
    "deflate": (
        "GET", head(LENGTH % len(DEFLATED), b"Content-Encoding: deflate") + DEFLATED, TEXT, False, True,
    ),
    "bare deflate": ("GET", head(CHUNKED, b"Content-Encoding: deflate") + chunked(BARE), TEXT, False, True),
    "gzip, but HEAD": ("HEAD", head(LENGTH % 9, b"Content-Encoding: gzip"), b"", False, True),
    "gzip, but empty": ("GET", head(CHUNKED, b"Content-Encoding: gzip") + b"0\r\n\r\n", b"", False, True),
}  # fmt: skip


@pytest.mark.parametrize("pieces", ["whole", "bytes"])
@pytest.mark.parametrize("name", FRAMINGS)
def test_framing(name: str, pieces: str) -> None:
    method, response, expected, closes, kept = FRAMINGS[name]
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        for piece in [response] if pieces == "whole" else [response[at : at + 1] for at in range(len(response))]:
            writer.write(piece)
            await asyncio.sleep(0)
        if not closes:
            await read_request(reader)
            writer.write(OK)
            await gone(reader)

    async def main() -> None:
        async with serve(handler) as port:
            pool = Pool()
            wire = AsyncWire(pool)
            action = Send(HttpRequest(method, f"http://127.0.0.1:{port}/"))
            assert await fetch(wire, action) == expected
            if kept:
                assert await fetch(wire, get(port)) == b"ok"
            else:
                assert not pool.here()._lanes
            await pool.aclose()

    run(main)
    assert connections == 1


@both_loops
def test_text_is_out_before_the_last_byte_is_sent(loop: str) -> None:
    async def main() -> None:
        seen = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(head(CHUNKED) + b"5\r\nhello")
            await seen.wait()
            writer.write(b"\r\n0\r\n\r\n")
            await gone(reader)

        async with serve(handler) as port:
            wire = AsyncWire(pool := Pool())
            assert (await wire.send(get(port), None))[0] == 200
            assert await wire.read(None) == b"hello"
            seen.set()
            assert await body(wire) == b""
            await pool.aclose()

    run(main, loop)


GZIP = b"Content-Encoding: gzip"
# response, how the server ends ("eof", "reset" or "" for not at all), the error, what is handed out before it
FAILURES: dict[str, tuple[bytes, str, type[ChatError], bytes]] = {
    "eof before head": (b"", "eof", ConnectionLost, b""),
    "eof in head": (b"HTTP/1.1 200 OK\r\nConte", "eof", ConnectionLost, b""),
    "reset before head": (b"", "reset", ConnectionLost, b""),
    "reset in chunk": (head(CHUNKED) + b"9\r\nabc", "reset", ConnectionLost, b"abc"),
    "reset until close": (head() + b"abc", "reset", ConnectionLost, b"abc"),
    "eof in chunk": (head(CHUNKED) + b"9\r\nabc", "eof", StreamTruncated, b"abc"),
    "eof between chunks": (head(CHUNKED) + b"3\r\nabc\r\n", "eof", StreamTruncated, b"abc"),
    "eof in trailer": (head(CHUNKED) + b"3\r\nabc\r\n0\r\nA: b\r\n", "eof", StreamTruncated, b"abc"),
    "eof in length": (head(LENGTH % 9) + b"abc", "eof", StreamTruncated, b"abc"),
    "eof in gzip": (head(GZIP) + GZIPPED[:-4], "eof", StreamTruncated, TEXT),
    "no chunk size": (head(CHUNKED) + b"3\r\nabc\r\nxyz\r\n", "", ProtocolViolation, b"abc"),
    "corrupt gzip": (head(GZIP, LENGTH % 30) + b"\x1f\x8b" + b"x" * 28, "", ProtocolViolation, b""),
    "unknown coding": (head(b"Content-Encoding: br", LENGTH % 3) + b"abc", "", UnexpectedContent, b""),
    "bomb": (head(GZIP) + gzip.compress(b"0" * 30_000_000, mtime=0), "eof", LimitExceeded, b"0"),
    "long head": (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000, "", LimitExceeded, b""),
    "not HTTP": (b"220 smtp.example ESMTP\r\n", "", ProtocolViolation, b""),
    "other protocol": (head(status=b"101 Switching Protocols"), "", ProtocolViolation, b""),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failure(name: str) -> None:
    response, end, error, expected = FAILURES[name]

    async def main() -> None:
        handed_out = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(response)
            if end == "reset":
                await handed_out.wait()
                reset(writer)
            elif end != "eof":
                await gone(reader)  # the client must be the one that closes

        async with serve(handler) as port:
            wire = AsyncWire(pool := Pool(), limits=Limits(decompressed=10_000_000))
            text = b""
            with pytest.raises(error) as caught:  # noqa: PT012 - the pieces before the error are what is looked at
                if not expected:
                    handed_out.set()
                await wire.send(get(port), wire.now() + 5)
                while piece := await wire.read(wire.now() + 5):
                    text += piece
                    if text.endswith(expected):
                        handed_out.set()
            assert text.strip(b"0") == expected.strip(b"0")
            assert not isinstance(caught.value, ConnectionLost) or not caught.value.reused
            wire.leave()
            assert not pool.here()._lanes
            await pool.aclose()

    run(main)


def test_many_bytes_are_neither_held_nor_lost() -> None:
    sent = b"".join(b"%08d" % number for number in range(1_000_000))

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(head(CHUNKED) + chunked(sent, 100_001))
        await gone(reader)

    async def main() -> None:
        async with serve(handler) as port:
            wire = AsyncWire(pool := Pool())
            await wire.send(get(port), None)
            pieces = []
            while piece := await wire.read(None):
                assert len(piece) <= 128 * 1024
                pieces.append(piece)
                await asyncio.sleep(0)  # a slow reader: the server is held up meanwhile
                assert wire._connection is not None
                assert len(wire._connection._reader._buffer) <= 128 * 1024
            assert b"".join(pieces) == sent
            await pool.aclose()

    run(main)


@both_loops
def test_an_answer_may_come_before_the_request_is_out(loop: str) -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head(LENGTH % 2, status=b"413 Content Too Large") + b"no")
        await asyncio.Event().wait()

    async def main() -> None:
        async with serve(early) as port:
            wire = AsyncWire(pool := Pool())
            request = HttpRequest("POST", f"http://127.0.0.1:{port}/", (), b"x" * 12_000_000)
            assert (await wire.send(Send(request), wire.now() + 5))[0] == 413
            assert await body(wire) == b"no"
            assert not pool.here()._lanes  # the rest of the request is not sent
            await pool.aclose()

    run(main, loop)


# --- clocks: what stalls, and how


async def stall_in_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200")
    await gone(reader)


async def stall_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head(CHUNKED) + b"3\r\nabc\r\n")
    await gone(reader)


async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()  # the reader takes 128 KiB by itself, and no more


STALLS: dict[str, Any] = {"head": forever, "mid-head": stall_in_head, "body": stall_in_body, "request": never_read}


async def ask(wire: AsyncWire, port: int, stall: str, seconds: float) -> None:
    """Ask a server that stalls; returns never."""
    data = b"x" * 12_000_000 if stall == "request" else b""
    deadline = wire.now() + seconds
    await wire.send(Send(HttpRequest("POST", f"http://127.0.0.1:{port}/", (), data), deadline), deadline)
    while await wire.read(deadline):
        pass


@both_loops
@pytest.mark.parametrize("stall", STALLS)
def test_deadline(stall: str, loop: str) -> None:
    async def main() -> None:
        async with serve(STALLS[stall]) as port:
            wire = AsyncWire(pool := Pool())
            began = wire.now()
            with pytest.raises(TimeoutError):
                await ask(wire, port, stall, 0.2)
            assert began + 0.2 <= wire.now() < began + 10
            wire.leave()
            assert not pool.here()._lanes
            await pool.aclose()

    run(main, loop)


def test_a_deadline_that_comes_nearer() -> None:
    async def main() -> None:
        async with serve(stall_in_body) as port:
            wire = AsyncWire(pool := Pool())
            await wire.send(get(port), wire.now() + 60)
            assert await wire.read(wire.now() + 0.02) == b"abc"
            began = wire.now()
            with pytest.raises(TimeoutError):
                await wire.read(began + 0.01)
            assert began + 0.01 <= wire.now() < began + 10
            with pytest.raises(TimeoutError):  # it stays so
                await wire.read(wire.now() + 60)
            wire.close()
            with pytest.raises(Cancelled):
                await wire.read(None)
            await pool.aclose()

    run(main)


# --- cancelling

WAYS: dict[str, Callable[[AsyncWire, asyncio.Task[None]], object]] = {
    "task": lambda wire, task: task.cancel(),
    "wire": lambda wire, task: wire.cancel(),
    "close": lambda wire, task: wire.close(),
    "thread": lambda wire, task: threading.Thread(target=wire.cancel).start(),
    "thread close": lambda wire, task: threading.Thread(target=wire.close).start(),
}


@both_loops
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stall", ["head", "mid-head", "body"])
def test_cancel(stall: str, way: str, loop: str) -> None:
    async def main() -> None:
        asked, closed = asyncio.Event(), asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            asked.set()
            await STALLS[stall](reader, writer)
            closed.set()

        async with serve(handler) as port:
            wire = AsyncWire(pool := Pool())
            task = asyncio.create_task(ask(wire, port, stall, 10))
            await asked.wait()
            WAYS[way](wire, task)
            with pytest.raises(asyncio.CancelledError if way == "task" else Cancelled):
                await task
            await closed.wait()
            assert not pool.here()._lanes
            await pool.aclose()

    run(main, loop)


@pytest.mark.parametrize("way", WAYS)
def test_cancel_a_sleep(way: str) -> None:
    async def main() -> None:
        wire = AsyncWire(pool := Pool())
        task = asyncio.create_task(wire.sleep(60))
        await asyncio.sleep(0)
        WAYS[way](wire, task)
        with pytest.raises(asyncio.CancelledError if way == "task" else Cancelled):
            await task
        await pool.aclose()

    run(main)


def test_cancelled_once_is_cancelled_for_good() -> None:
    async def main() -> None:
        async with serve(answering(OK)) as port:
            wire = AsyncWire(pool := Pool())
            wire.cancel()
            for attempt in (wire.send(get(port), None), wire.read(None), wire.sleep(1)):
                with pytest.raises(Cancelled):
                    await attempt
            closed = AsyncWire(pool)
            closed.close()
            assert await fetch(closed, get(port)) == b"ok"
            await closed.sleep(0)
            await pool.aclose()

    run(main)


def test_cancel_after_the_loop_is_gone() -> None:
    wires = []

    async def main() -> None:
        async with serve(stall_in_body) as port:
            wires.append(AsyncWire(Pool()))
            await wires[0].send(get(port), None)
            await wires[0].read(None)
            wires[0].close()

    run(main)
    wires[0].cancel()
    wires[0].close()


@both_loops
def test_what_came_while_the_loop_was_busy_is_read_though_late(loop: str) -> None:
    """Both loops look at their sockets before an overdue timer fires."""
    asked, sent = threading.Event(), threading.Event()

    def serve_once(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(65536)
            accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfirst")
            assert asked.wait(10)
            accepted.sendall(b"second")
            sent.set()
            while accepted.recv(65536):
                pass

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve_once, args=(listener,))
            thread.start()
            pool = Pool()
            wire = AsyncWire(pool)
            await wire.send(get(listener.getsockname()[1]), None)
            deadline = wire.now() + 0.05
            assert await wire.read(deadline) == b"first"
            asked.set()
            assert sent.wait(10)
            time.sleep(0.1)  # noqa: ASYNC251  # that is the case: somebody holds up the loop
            assert await wire.read(deadline) == b"second"
            with pytest.raises(TimeoutError):
                await wire.read(deadline)
            await pool.aclose()
            thread.join(10)

    run(main, loop)
