"""The framings of a body (RFC 9112 6): bytes in, the body's bytes out. `response.py` chooses one by the head.

Chunks are read here and not by h11: chat servers send one an event, h11 takes several microseconds for each, and this
reader a fraction of one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sansio_core.errors import ChatError, LimitExceeded, ProtocolViolation, StreamTruncated

from .head import BLANK_LINE
from .words import BAD_CHUNK, BAD_TRAILER, CUT_CHUNKED, CUT_TLS, cut_short


class Body:
    """One framing of a body: bytes in, the body's bytes out.

    `ended` once the end was in, `excess` when bytes came after it. What is wrong is kept in `fault`, so that the good
    bytes before it are handed out first.
    """

    __slots__ = ("ended", "excess", "fault")

    def __init__(self) -> None:
        self.ended = False
        self.excess = False
        self.fault: ChatError | None = None

    def feed(self, data: bytes) -> bytes:
        """The body's bytes in `data`; b"" when there are none yet."""
        raise NotImplementedError

    def finish(self, *, ragged: bool = False) -> None:
        """The peer ended the connection: the body's end, or its truncation. `ragged`: TLS, without close_notify."""
        raise NotImplementedError


class UntilClose(Body):
    """A body that the end of the connection ends (RFC 9112 6.3, rule 8)."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self, *, ragged: bool = False) -> None:
        if ragged:
            self.fault = StreamTruncated(CUT_TLS)
        else:
            self.ended = True


class Sized(Body):
    """A body of a known length."""

    __slots__ = ("_remaining",)

    def __init__(self, length: int) -> None:
        super().__init__()
        self._remaining = length
        self.ended = not length

    def feed(self, data: bytes) -> bytes:
        self.excess = len(data) > self._remaining
        piece = data[: self._remaining]
        self._remaining -= len(piece)
        self.ended = not self._remaining
        return piece

    def finish(self, *, ragged: bool = False) -> None:
        self.fault = StreamTruncated(cut_short(self._remaining))


_MAX_LINE: Final = 1024  # of one chunk-size line with its extensions
_CHUNK_LINE: Final = re.compile(rb"\r\n([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\Z")
_CHUNK_LINE_BEGUN: Final = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,16}[ \t]*(?:;[^\r\n]*)?\r?)?)?)?\Z")
_TRAILERS: Final = re.compile(rb"\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r?\n)*\r?\n")


@lru_cache(1024)  # a stream's chunks have few different sizes: a look-up costs a fifth of the match
def _chunk_size(line: bytes) -> int:
    """The size in a chunk's line, which begins with the CRLF that ends the chunk before; -1 if malformed.

    Extensions are ignored, and white space before the line's end tolerated, as some servers pad the size.
    """
    found = _CHUNK_LINE.match(line)
    return int(found[1], 16) if found else -1


class Chunked(Body):
    """The chunked coding (RFC 9112 7.1). Trailer fields are checked, bounded by `limit`, and dropped."""

    __slots__ = ("_held", "_limit", "_remaining", "_trailers")

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._held = b"\r\n"  # the first chunk's line is read like all others, after a chunk's closing CRLF
        self._limit = limit
        self._remaining = 0
        self._trailers: bytearray | None = None

    def feed(self, data: bytes) -> bytes:
        if self._trailers is not None:
            self._feed_trailers(data)
            return b""
        at = self._remaining
        if at > len(data):
            self._remaining = at - len(data)
            return data
        if self._held:
            data = self._held + data
        pieces = [data[:at]] if at else []
        while (end := data.find(b"\r\n", at + 2)) >= 0 and end - at <= _MAX_LINE:
            # one look at `CRLF size` proves the end of the chunk before and the line of the next
            size = _chunk_size(data[at:end])
            if size <= 0:
                self._held = b""
                self._remaining = 0
                if size:
                    self.fault = ProtocolViolation(BAD_CHUNK)
                else:
                    self._trailers = bytearray(b"\n")  # the end of the last chunk's line
                    self._feed_trailers(data[end + 2 :])
                return b"".join(pieces)
            at = end + 2 + size
            pieces.append(data[end + 2 : at])
        self._remaining = max(0, at - len(data))
        self._held = data[at:]
        if self._held and (len(self._held) > _MAX_LINE + 1 or not _CHUNK_LINE_BEGUN.match(self._held)):
            self.fault = ProtocolViolation(BAD_CHUNK)
        return b"".join(pieces)

    def _feed_trailers(self, data: bytes) -> None:
        trailers = self._trailers
        assert trailers is not None
        if self.ended:
            self.excess = True
            return
        searched = max(0, len(trailers) - 2)
        trailers += data
        blank = BLANK_LINE.search(trailers, searched)
        end = blank.end() if blank else len(trailers)
        if end - 1 > self._limit:
            self.fault = LimitExceeded("head", self._limit)
        elif blank and _TRAILERS.fullmatch(trailers, 0, end):
            self.ended = True
            self.excess = len(trailers) > end
        elif blank:
            self.fault = ProtocolViolation(BAD_TRAILER)

    def finish(self, *, ragged: bool = False) -> None:
        self.fault = StreamTruncated(CUT_CHUNKED)
