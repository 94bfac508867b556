"""The floors: what nobody can do without. A bare socket, asyncio's streams; heads, framings and events by hand."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import zlib
from collections.abc import Callable
from urllib.parse import urlsplit

Use = Callable[[str], object]
_BODY = b'{"model":"m","messages":[{"role":"user","content":"Hello"}],"stream":true}'
_READ = 65536


class Answer:
    """What is done with the bytes of one answer, in as few steps as it takes."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.buffer = b""
        self.text = ""
        self.head = b""
        self.left = -1  # of Content-Length
        self.ended = False
        self.coder = zlib.decompressobj(31)

    def feed(self, data: bytes) -> None:
        if not self.head:
            self.head, blank, data = (self.buffer + data).partition(b"\r\n\r\n")
            if not blank:
                self.buffer, self.head = self.head, b""
                return
            self.buffer = b""
            self.chunked = b"Transfer-Encoding: chunked" in self.head
            self.gzip = b"Content-Encoding: gzip" in self.head
            if length := re.search(rb"Content-Length: (\d+)", self.head):
                self.left = int(length[1])
        if self.chunked:
            data = self.dechunk(self.buffer + data)
        elif self.left >= 0:
            self.left -= len(data)
            self.ended = not self.left
        self.events((self.coder.decompress(data) if self.gzip else data).decode())

    def dechunk(self, data: bytes) -> bytes:
        pieces, at = [], 0
        while (end := data.find(b"\r\n", at)) >= 0:
            size = int(data[at:end], 16)
            if len(data) < end + size + 4:
                break
            pieces.append(data[end + 2 : end + 2 + size])
            at = end + size + 4
            self.ended = not size
        self.buffer = data[at:]
        return b"".join(pieces)

    def events(self, text: str) -> None:
        use = self.use
        *events, self.text = (self.text + text).split("\n\n")
        for event in events:
            if event == "data: [DONE]":
                continue
            if said := json.loads(event[6:])["choices"][0]["delta"].get("content"):
                use(said)


def _request(url: str) -> bytes:
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n"
    head += f"Content-Type: application/json\r\nAccept-Encoding: gzip\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    return head.encode() + _BODY


class BlockingFloor:
    """A bare socket, kept alive."""

    def __init__(self, url: str) -> None:
        self.request = _request(url)
        parts = urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.sock: socket.socket | None = None

    def __call__(self, use: Use) -> None:
        if self.sock is None:
            self.sock = socket.create_connection(self.address)
        sock, answer = self.sock, Answer(use)
        sock.sendall(self.request)
        while not answer.ended and (data := sock.recv(_READ)):
            answer.feed(data)
        if not answer.ended:
            sock.close()
            self.sock = None


class AsyncioFloor:
    """asyncio's streams; a kept-alive connection is used again."""

    def __init__(self, url: str) -> None:
        self.request = _request(url)
        parts = urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __call__(self, use: Use) -> None:
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(*self.address)
        answer = Answer(use)
        writer.write(self.request)
        while not answer.ended and (data := await reader.read(_READ)):
            answer.feed(data)
        if answer.ended:
            self.idle.append((reader, writer))
        else:
            writer.close()
