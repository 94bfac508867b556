"""The server: a process of its own that sends bytes rendered beforehand. Raw asyncio, no framework.

    python server.py SCENARIO:...        prints its port; runs until its standard input ends

The first segment of a request's path says what is sent:

    burst-WIRE-COUNT   an answer of so many words, at once, an HTTP chunk for each event
    first              head and first event at once, the rest 2 ms later
    ticks-STREAMS-COUNT-MS
                       an event at once; when so many streams are open, COUNT events, one in so many ms
    slow-FRAMING       an event each 40 ms, framed as chunked, length, close or gzip

In all but the first, an event's text is the time of its sending: time.monotonic_ns(), which processes share.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
import zlib
from functools import cache

from wires import events, words

SLOW = 12
SLOW_EVERY = 0.04
_OPENING, _STAMPED, *_CLOSING = events("openai", ["STAMP"])
_HEAD, _TAIL = _STAMPED.split(b"STAMP")
_ID = b"chatcmpl-"
_STAMP_SIZE = 20
_TYPE = (
    b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/event-stream\r\nServer: bench\r\n"
)


def stamped(number: int = 0) -> bytes:
    """An event that says when it was sent, in the answer of that number."""
    return b"%s%020d%s" % (named(_HEAD, number), time.monotonic_ns(), _TAIL)


@cache
def named(event: bytes, number: int) -> bytes:
    """`event` with an id of its answer's own, as every host gives one."""
    assert _ID in event
    return event.replace(_ID, b"%s%08d" % (_ID, number))


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = _TYPE + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


@cache
def burst(wire: str, count: int) -> bytes:
    return CHUNKED + b"".join(map(chunk, events(wire, words(count)))) + END


class Answering(asyncio.Protocol):
    """One connection: requests one after the other, each answered as its path says."""

    waiting: list[Answering] = []  # noqa: RUF012  # of the scenario `ticks`, shared by all
    number = 0  # of the answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not blank or (length and len(body) < int(length[1])):
            return
        self.received = b""
        path = head.split(b" ")[1].split(b"/")[1].decode()
        scenario, *options = path.rsplit("-", {"burst": 2, "ticks": 3}.get(path.partition("-")[0], 1))
        getattr(self, scenario)(*options)

    def burst(self, *options: str) -> None:
        wire, count = options
        self.transport.write(burst(wire, int(count)))

    def first(self) -> None:
        self.number += 1
        self.transport.write(CHUNKED + chunk(named(_OPENING, self.number)) + chunk(stamped(self.number)))
        self.loop.call_later(0.002, self.transport.write, b"".join(map(chunk, _CLOSING)) + END)

    def ticks(self, streams: str, count: str, ms: str) -> None:
        self.number = len(self.waiting)
        self.transport.write(CHUNKED + chunk(named(_OPENING, self.number)) + chunk(stamped(self.number)))
        self.waiting.append(self)
        if len(self.waiting) == int(streams):
            ready, Answering.waiting = self.waiting, []
            transports = [one.transport for one in ready]
            self.loop.call_later(0.5, self.tick, transports, self.loop.time() + 0.5, int(count), int(ms) / 1000)

    def tick(self, transports: list[asyncio.Transport], due: float, left: int, every: float) -> None:
        for number, transport in enumerate(transports):
            transport.write(chunk(stamped(number)) if left else b"".join(map(chunk, _CLOSING)) + END)
        if left:
            self.loop.call_at(due + every, self.tick, transports, due + every, left - 1, every)

    def slow(self, framing: str) -> None:
        coder = zlib.compressobj(wbits=31)
        length = len(_OPENING) + SLOW * (len(_HEAD) + _STAMP_SIZE + len(_TAIL)) + len(b"".join(_CLOSING))
        fields = {
            "chunked": b"Transfer-Encoding: chunked",
            "length": b"Content-Length: %d" % length,
            "close": b"Connection: close",
            "gzip": b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked",
        }

        def framed(data: bytes, last: bool = False) -> bytes:
            if framing == "gzip":
                data = coder.compress(data) + coder.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
            return chunk(data) + END * last if framing in ("chunked", "gzip") else data

        def step(left: int) -> None:
            self.transport.write(framed(stamped()) if left else framed(b"".join(_CLOSING), last=True))
            if left:
                self.loop.call_later(SLOW_EVERY, step, left - 1)
            elif framing == "close":
                self.transport.close()

        self.transport.write(_TYPE + fields[framing] + b"\r\n\r\n" + framed(_OPENING))
        self.loop.call_later(SLOW_EVERY, step, SLOW)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
