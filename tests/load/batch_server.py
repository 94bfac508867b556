"""A server for bulk runs: raw asyncio, the same 20 words to every question, so that the client is what is measured.

python batch_server.py DELAY        prints its port; answers after DELAY seconds; runs until its standard input ends
"""

from __future__ import annotations

import asyncio
import sys

WORDS = 20
_EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'
)
_USAGE = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":20,"total_tokens":29}}\n\n'
_EVENTS = [
    *(_EVENT % (b'{"content":"word "}', b"null") for _ in range(WORDS)),
    _EVENT % (b"{}", b'"stop"'), _USAGE, b"data: [DONE]\n\n",
]  # fmt: skip
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"x-request-id: req_0123456789\r\nx-ratelimit-remaining-requests: 999\r\n\r\n"
    + b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in _EVENTS)
    + b"0\r\n\r\n"
)


class Answering(asyncio.Protocol):
    """One connection: requests one after the other, each answered after the delay."""

    def __init__(self, delay: float) -> None:
        self.delay, self.received = delay, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return
        self.received = b""
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, ANSWER)
        else:
            self.transport.write(ANSWER)


async def serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(delay), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
