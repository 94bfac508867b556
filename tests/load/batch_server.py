"""A server for bulk runs: raw asyncio, the same 20 words to every question, so that the client is what is measured.

python batch_server.py DELAY [RATE BURST]

Prints its port, answers after DELAY seconds, and runs until its standard input ends. With RATE, at most so many
requests a second are answered, BURST at once, and others get a 429. GET of /counts: how often each row was asked, and
how many requests were refused, since the last such GET. A row is the number that ends its prompt.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from math import ceil
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[2]))
from transports.emulator.limit import Bucket, Limit

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
STREAMED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"x-request-id: req_0123456789\r\nx-ratelimit-remaining-requests: 999\r\n\r\n"
    + b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in _EVENTS)
    + b"0\r\n\r\n"
)


def _json(status: bytes, value: object, fields: bytes = b"") -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n" % (
        status, fields, len(body),
    ) + body  # fmt: skip


_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "word " * WORDS}, "finish_reason": "stop"}
_TOKENS = {"prompt_tokens": 9, "completion_tokens": WORDS, "total_tokens": 9 + WORDS}
WHOLE = _json(
    b"200 OK",
    {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [_CHOICE], "usage": _TOKENS},
    b"x-request-id: req_0123456789\r\nx-ratelimit-remaining-requests: 999\r\n",
)
_REFUSAL = {"message": "Rate limit reached for requests", "type": "requests", "code": "rate_limit_exceeded"}


class Counts:
    """What was asked."""

    def __init__(self, delay: float, limit: Limit | None) -> None:
        self.delay = delay
        self._bucket = limit and Bucket(limit)
        self._asked: Counter[str] = Counter()
        self._refused = 0

    def answer(self, head: bytes, body: bytes) -> tuple[float, bytes]:
        """Seconds until the response, and the response."""
        if head.startswith(b"GET"):
            counts = {"asked": self._asked, "refused": self._refused}
            self._asked, self._refused = Counter(), 0
            return 0.0, _json(b"200 OK", counts)
        question = json.loads(body)
        row = question["messages"][-1]["content"].rpartition(" ")[2] if question["messages"] else ""
        if self._bucket is not None and (wait := self._bucket.take(monotonic())):
            self._refused += 1
            return 0.0, _json(b"429 Too Many Requests", {"error": _REFUSAL}, b"retry-after: %d\r\n" % ceil(wait))
        self._asked[row] += 1
        return self.delay, STREAMED if question.get("stream") else WHOLE


class Answering(asyncio.Protocol):
    """One connection: requests one after the other, each answered after the delay."""

    def __init__(self, counts: Counts) -> None:
        self.counts, self.received = counts, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0):
            return
        self.received = b""
        delay, response = self.counts.answer(head, body)
        if delay:
            asyncio.get_running_loop().call_later(delay, self.transport.write, response)
        else:
            self.transport.write(response)


async def serve(delay: float, limit: Limit | None) -> None:
    loop = asyncio.get_running_loop()
    counts = Counts(delay, limit)
    server = await loop.create_server(lambda: Answering(counts), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    _delay, *_limit = map(float, sys.argv[1:])
    asyncio.run(serve(_delay, Limit(_limit[0], int(_limit[1])) if _limit else None))
