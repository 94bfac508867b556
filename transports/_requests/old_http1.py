"""HTTP/1.1 responses from bytes: the head, and the body in any of its framings (RFC 9112), without a socket.

Beside http.client: a head costs a tenth (that one uses the e-mail parser, and refuses more than 100 fields), every 1xx
is skipped and not only 100, and a body cut short is never taken for a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from sansio_core._values import immutable
from sansio_core.errors import LimitExceeded, ProtocolViolation, StreamTruncated

from ..http1.words import (
    BAD_CHUNK,
    BAD_CODING,
    BAD_HEAD,
    BAD_LENGTH,
    BAD_TRAILER,
    CUT_CHUNKED,
    CUT_TLS,
    NOT_HTTP,
    SWITCHED,
    cut_short,
)

Pairs = list[tuple[str, str]]

# RFC 9112 2.2: a recipient may take a bare LF for a line's end.
_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: [^\r\n\0]*)?\r?\n")  # RFC 9112 4
_FIELDS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r?\n)*")  # RFC 9112 5, RFC 9110 5.5
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")  # RFC 9112 5.2: to be read as a space
# RFC 9112 7.1: the end of one chunk's data and the size line of the next; what of these two may still be growing.
_CHUNK = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\r\n]*|[ \t]*)\r\n")
_GROWING = re.compile(rb"\r?|\r\n[0-9A-Fa-f]{0,15}|\r\n[0-9A-Fa-f]{1,15}(?:[ \t]*;[^\r\n]*|[ \t]*)\r?")
_LONGEST_SIZE_LINE = 1024
_START = b"HTTP/1."


class ClosedEarly(Exception):
    """The peer ended the connection before the head's end."""


@immutable
class Head:
    """A response's head: names in lower case, values without the blanks around them."""

    minor: int
    status: int
    headers: Pairs

    def get(self, name: str) -> list[str]:
        """The members of the list that the fields called `name` make, in lower case (RFC 9110 5.6.1)."""
        members = ",".join(value for key, value in self.headers if key == name).lower().split(",")
        return [member.strip(" \t") for member in members if member.strip(" \t")]


class Incoming:
    """A connection's bytes on their way in. `recv` gives what has arrived, b"" at the end; `limit` bounds a head."""

    def __init__(self, recv: Callable[[], bytes], limit: int) -> None:
        self.recv = recv
        self.limit = limit
        self.buffer = b""
        self.began = False
        """Whether a byte of the response came."""
        self.ragged = False
        """Whether a TLS connection ended without close_notify; `recv` gives b"" then too."""

    def take(self) -> bytes:
        """What is there, as soon as anything is; b"" at the end."""
        data, self.buffer = self.buffer, b""
        return data or self.recv()

    def head(self) -> Head:
        """The head of the answer itself. 1xx heads before it are skipped (RFC 9110 15.2), and count for the limit."""
        room = self.limit
        while True:
            block = self._block(room)
            head = _parse_head(block)
            if head.status == 101:
                raise ProtocolViolation(SWITCHED)
            if head.status >= 200:
                return head
            room -= len(block)

    def _block(self, room: int) -> str:
        searched = 0
        while True:
            if not self.buffer.startswith(_START[: len(self.buffer)]):  # at once: it may say nothing more for long
                raise ProtocolViolation(NOT_HTTP)
            end = _HEAD_END.search(self.buffer, searched)
            if (end.end() if end else len(self.buffer)) > room:
                raise LimitExceeded("head", self.limit)
            if end:
                break
            searched = max(len(self.buffer) - 2, 0)
            data = self.recv()
            if not data:
                raise ClosedEarly
            self.began = True
            self.buffer += data
        block, self.buffer = self.buffer[: end.end()], self.buffer[end.end() :]
        return block.decode("latin-1")


def _parse_head(block: str) -> Head:
    """Raises ProtocolViolation for what is no HTTP/1.x head."""
    line = _STATUS_LINE.match(block)
    if line is None:
        raise ProtocolViolation(NOT_HTTP)
    text = block[line.end() :].rstrip("\r\n")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    if not _FIELDS.fullmatch(text + "\n" if text else ""):
        raise ProtocolViolation(BAD_HEAD)
    headers = []
    for field in text.split("\n") if text else ():
        name, _, value = field.partition(":")
        headers.append((name.lower(), value.strip(" \t\r")))
    return Head(int(line[1]), int(line[2]), headers)


class Body:
    """A body of a known length. `read` gives what is there; b"" only once `ended`, at the end of the framing."""

    def __init__(self, incoming: Incoming, left: int) -> None:
        self.incoming = incoming
        self.left = left
        self.ended = left == 0

    def read(self) -> bytes:
        """Raises StreamTruncated when the peer ends the connection before."""
        if self.ended:
            return b""
        data = self.incoming.take()
        if not data:
            raise StreamTruncated(cut_short(self.left))
        if len(data) > self.left:
            data, self.incoming.buffer = data[: self.left], data[self.left :]
        self.left -= len(data)
        self.ended = not self.left
        return data


class CloseBody(Body):
    """A body that the end of the connection ends."""

    def __init__(self, incoming: Incoming) -> None:
        super().__init__(incoming, -1)

    def read(self) -> bytes:
        """Raises StreamTruncated when a TLS connection ends without close_notify."""
        data = b"" if self.ended else self.incoming.take()
        if not data and self.incoming.ragged:
            raise StreamTruncated(CUT_TLS)
        self.ended = not data
        return data


class ChunkedBody(Body):
    """A chunked body (RFC 9112 7.1). One read gives all chunks of one receive joined: a server sends one an event."""

    def __init__(self, incoming: Incoming) -> None:
        super().__init__(incoming, 0)
        self.ended = self._in_trailers = False
        # Between two chunks stand the end of the one and the size line of the next: so the first is read like the rest.
        incoming.buffer = b"\r\n" + incoming.buffer

    def read(self) -> bytes:
        """Raises StreamTruncated when the peer ends the connection before the last chunk, or inside the trailers."""
        incoming = self.incoming
        while not self.ended:
            if not self._in_trailers and (data := self._chunks()):
                return data
            if self._in_trailers:
                self._trailers()
                if self.ended:
                    break
            more = incoming.recv()
            if not more:
                raise StreamTruncated(CUT_CHUNKED)
            incoming.buffer = incoming.buffer + more if incoming.buffer else more
        return b""

    def _chunks(self) -> bytes:
        buffer = self.incoming.buffer
        pieces = []
        start, end, size = 0, self.left, len(buffer)
        while True:
            if end > start:
                pieces.append(buffer[start:end])
            if end >= size:
                break
            line = _CHUNK.match(buffer, end)
            if line is None or line.end() - end > _LONGEST_SIZE_LINE:
                if pieces:
                    break  # the good ones are handed out before a broken one is looked at
                if size - end > _LONGEST_SIZE_LINE or not _GROWING.fullmatch(buffer, end):
                    raise ProtocolViolation(BAD_CHUNK)
                break
            start = line.end()
            end = start + int(line[1], 16)
            if end == start:
                self._in_trailers = True
                break
        self.left = max(end - size, 0)
        self.incoming.buffer = b"\n" + buffer[start:] if self._in_trailers else buffer[end:]
        if self._in_trailers and pieces:
            with suppress(ProtocolViolation):  # which the next read raises
                self._trailers()
        return b"".join(pieces)

    def _trailers(self) -> None:
        """Skip the trailer fields (RFC 9112 7.1.2); the buffer begins with the end of the last chunk's line."""
        buffer = self.incoming.buffer
        end = _HEAD_END.search(buffer)
        if len(buffer if end is None else buffer[: end.end()]) > self.incoming.limit:
            raise LimitExceeded("head", self.incoming.limit)
        if end is not None:
            fields = buffer[1 : end.end()].decode("latin-1").rstrip("\r\n")
            if not _FIELDS.fullmatch(fields + "\n" if fields else ""):
                raise ProtocolViolation(BAD_TRAILER)
            self.incoming.buffer = buffer[end.end() :]
            self.ended = True


def body_of(head: Head, method: str, incoming: Incoming) -> Body:
    """The body that follows `head` (RFC 9112 6.3). Raises ProtocolViolation for a framing that nobody can follow."""
    if method == "HEAD" or head.status in (204, 304):
        return Body(incoming, 0)
    codings, lengths = head.get("transfer-encoding"), set(head.get("content-length"))
    if codings == ["chunked"]:
        return ChunkedBody(incoming)
    if codings and codings != ["identity"]:
        raise ProtocolViolation(BAD_CODING)
    if not lengths:
        return CloseBody(incoming)
    length = lengths.pop()
    if lengths or not re.fullmatch("[0-9]{1,18}", length):
        raise ProtocolViolation(BAD_LENGTH)
    return Body(incoming, int(length))


def keeps_alive(head: Head) -> bool:
    """Whether the connection may carry another request after this response (RFC 9112 9.3).

    One with both framings, or with a chunked body in HTTP/1.0, may hide another response: not reused (6.1).
    """
    options = head.get("connection")
    chunked = bool(head.get("transfer-encoding"))
    if "close" in options or (chunked and (head.minor == 0 or head.get("content-length"))):
        return False
    return head.minor >= 1 or "keep-alive" in options
