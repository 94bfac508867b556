"""The server: a process of its own, raw asyncio; what a question's words ask for is what it answers.

python load_server.py        prints its port; runs until its standard input ends

ticks NAME COUNT SECONDS     COUNT events of the text "NAME:n ", SECONDS between two
good NAME, gzip NAME, …      one of FORMS: a short answer of the same kind, in that form or with that fault
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import sys
import zlib
from collections.abc import Callable

SHORT = 5
"""Events of a short answer."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
OPEN, CLOSE = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"',
    b'"},"finish_reason":null}]}\n\n',
)
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def text(name: str, count: int) -> str:
    """The text of an answer."""
    return "".join(f"{name}:{number} " for number in range(count))


def event(name: str, number: int) -> bytes:
    return b"%s%s:%d %s" % (OPEN, name.encode(), number, CLOSE)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def body(name: str) -> bytes:
    return b"".join(event(name, number) for number in range(SHORT)) + STOP + DONE


def plain(status: str, kind: str, data: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{more}\r\n".encode() + data


def refusal(status: str, more: str = "") -> bytes:
    return plain(status, "application/json", b'{"error": {"message": "refused", "type": "t"}}', more)


def compressed(name: str, cut: int = 0) -> bytes:
    packer = zlib.compressobj(wbits=31)
    data = b"".join(packer.compress(event(name, n)) + packer.flush(zlib.Z_SYNC_FLUSH) for n in range(SHORT))
    data += packer.compress(STOP + DONE) + packer.flush()
    return (
        HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(data[: len(data) - cut]) + LAST
    )


LAST = b"0\r\n\r\n"
Form = Callable[[str], list[bytes]]
"""Pieces to write one after the other; a last one of b"close" ends the connection, b"reset" resets it."""
FORMS: dict[str, Form] = {
    "good": lambda name: [CHUNKED, *(chunk(event(name, n)) for n in range(SHORT)), chunk(STOP), chunk(DONE) + LAST],
    "joined": lambda name: [CHUNKED + chunk(body(name)) + LAST],
    "sized": lambda name: [plain("200 OK", "text/event-stream", body(name))],
    "until-close": lambda name: [HEAD + b"\r\n" + body(name), b"close"],
    "then-close": lambda name: [CHUNKED + chunk(body(name)) + LAST, b"close"],  # without saying so before
    "gzip": lambda name: [compressed(name)],
    "interim": lambda name: [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", CHUNKED + chunk(body(name)) + LAST],
    "too-much": lambda name: [CHUNKED + chunk(body(name)) + LAST + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    "bytes": lambda name: [CHUNKED, *(chunk(body(name)[at : at + 7]) for at in range(0, len(body(name)), 7)), LAST],
    "status-503": lambda name: [refusal("503 Busy")],
    "status-429": lambda name: [refusal("429 Slow down", "Retry-After: 1\r\n")],
    "status-401": lambda name: [refusal("401 Who"), b"close"],
    "html": lambda name: [plain("200 OK", "text/html", b"<html><title>Sign in</title></html>")],
    "in-band": lambda name: [CHUNKED, chunk(event(name, 0)), chunk(b'data: {"error": {"message": "m"}}\n\n') + LAST],
    "no-end": lambda name: [CHUNKED, chunk(event(name, 0)), LAST],
    "reset-head": lambda name: [b"reset"],
    "reset-body": lambda name: [CHUNKED, chunk(event(name, 0)), b"reset"],
    "cut-chunk": lambda name: [CHUNKED, chunk(event(name, 0)), chunk(event(name, 1))[:50], b"close"],
    "cut-gzip": lambda name: [compressed(name, 30)],
    "bad-chunk": lambda name: [CHUNKED, chunk(event(name, 0)), b"zz\r\n"],
    "huge-head": lambda name: [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000 + b"\r\n\r\n", b"close"],
    "not-http": lambda name: [b"SSH-2.0-OpenSSH\r\n", b"close"],
    "silence": lambda name: [CHUNKED, chunk(event(name, 0))],
}


Tick = tuple[asyncio.Transport, str, int, int]
"""A stream, its name, the number of its next event, and how many it has."""


class Answering(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, ticks: Ticks) -> None:
        self.ticks = ticks
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, rest = self.received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not blank or length is None or len(rest) < int(length[1]):
            return
        self.received = b""
        form, name, *options = json.loads(rest)["messages"][-1]["content"].split()
        if form == "ticks":
            self.transport.write(CHUNKED)
            self.ticks.add(self.transport, name, int(options[0]), float(options[1]))
        else:
            self.say(FORMS[form](name))

    def say(self, pieces: list[bytes]) -> None:
        if not pieces:
            return
        first, *rest = pieces
        if first == b"close":
            self.transport.close()
        elif first == b"reset":
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.write(first)
            if rest:  # a turn of the loop between two, so that they are two packets
                asyncio.get_running_loop().call_soon(self.say, rest)


class Ticks:
    """All streams of one interval get their next events together: one timer, as fast as a server can."""

    def __init__(self) -> None:
        self.streams: dict[float, list[Tick]] = {}

    def add(self, transport: asyncio.Transport, name: str, count: int, seconds: float) -> None:
        """The first event at once, the others with all of their interval."""
        streams = self.streams.setdefault(seconds, [])
        begun = bool(streams)
        streams += self.say([(transport, name, 0, count)])
        if streams and not begun:
            self.later(seconds, asyncio.get_running_loop().time() + seconds)

    def later(self, seconds: float, when: float) -> None:
        asyncio.get_running_loop().call_at(when, self.tick, seconds, when)

    def tick(self, seconds: float, when: float) -> None:
        self.streams[seconds] = streams = self.say(self.streams[seconds])
        if streams:
            self.later(seconds, when + seconds)

    @staticmethod
    def say(streams: list[Tick]) -> list[Tick]:
        """The next event of each; those that go on."""
        left = []
        for transport, name, number, count in streams:
            if transport.is_closing():
                continue
            transport.write(chunk(event(name, number)))
            if number + 1 < count:
                left.append((transport, name, number + 1, count))
            else:
                transport.write(chunk(STOP) + chunk(DONE) + LAST)
        return left


async def serve() -> None:
    ticks = Ticks()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(ticks), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve())
