"""A client that talks to a function in this process, by connections of one's own: no port, no TCP.

    python examples/in_memory.py

The blocking client gets one end of a socketpair, the asyncio client a reader and a writer that never leave memory. An
SSH channel is given in the same way: see the docstrings of Client and AsyncClient.
"""

import asyncio
import re
import socket
import threading

from transports import AsyncClient, Client

BODY = b'data: {"choices": [{"delta": {"content": "Hello from memory."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def length(head: bytes) -> int:
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found[1]) if found else 0


# --- blocking: a socketpair, whose other end a thread serves


def serve(sock: socket.socket) -> None:
    head = b""
    with sock, sock.makefile("rb") as lines:
        while line := lines.readline():
            head += line
            if line == b"\r\n":
                lines.read(length(head))
                sock.sendall(ANSWER)
                head = b""


def connect(host: str, port: int, timeout: float | None) -> socket.socket:
    ours, theirs = socket.socketpair()
    threading.Thread(target=serve, args=(theirs,), daemon=True).start()
    return ours


def blocking() -> None:
    with Client("openai", api_key="any", base_url="http://in.memory/v1", connect=connect) as client:
        print(client.complete("Hello").text)


# --- asyncio: two StreamReaders, each written to by the other end


class Pipe:
    """What a writer must have: it feeds a reader."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._closed = False

    def write(self, data: bytes) -> None:
        self._reader.feed_data(data)

    def close(self) -> None:
        if not self._closed:
            self._reader.feed_eof()
        self._closed = True

    def is_closing(self) -> bool:
        return self._closed

    def get_extra_info(self, name: str) -> None:
        """Nothing is known of it: no address, no TLS."""


servers = set[asyncio.Task[None]]()


async def aserve(reader: asyncio.StreamReader, writer: Pipe) -> None:
    while not reader.at_eof():
        try:
            await reader.readexactly(length(await reader.readuntil(b"\r\n\r\n")))
        except asyncio.IncompleteReadError:
            return
        writer.write(ANSWER)


async def aconnect(host: str, port: int) -> tuple[asyncio.StreamReader, Pipe]:
    ours, theirs = asyncio.StreamReader(), asyncio.StreamReader()
    task = asyncio.create_task(aserve(theirs, Pipe(ours)))
    servers.add(task)
    task.add_done_callback(servers.discard)
    return ours, Pipe(theirs)


async def asynchronous() -> None:
    async with AsyncClient("openai", api_key="any", base_url="http://in.memory/v1", connect=aconnect) as client:
        print((await client.complete("Hello")).text)


if __name__ == "__main__":
    blocking()
    asyncio.run(asynchronous())
