"""The framings of a body (RFC 9112 6): bytes in, the body's bytes out. `response.py` chooses one by the head.

Chunks are read here and not by h11: chat servers send one chunk for each event, h11 takes several microseconds for each
chunk, and this reader a fraction of one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sansio_core.errors import ChatError, LimitExceeded, ProtocolViolation, StreamTruncated

from .failures import BAD_CHUNK, BAD_TRAILER, CUT_CHUNKED, CUT_TLS, cut_short
from .head import BLANK_LINE


class Body:
    """One framing of a body: bytes in, the body's bytes out.

    `ended`: the body is complete. `excess`: the connection brought bytes after the body's end, which belong to no
    response. `fault`: the error in the framing; it is kept and not raised, so that the good bytes before it are
    delivered first.
    """

    __slots__ = ("ended", "excess", "fault")

    def __init__(self) -> None:
        self.ended = False
        self.excess = False
        self.fault: ChatError | None = None

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body that `data` holds, without the framing; b"" when it holds none."""
        raise NotImplementedError

    def finish(self, *, ragged: bool = False) -> None:
        """The peer ended the connection: that is the body's end, or cuts the body short.

        `ragged`: the connection was TLS and ended without close_notify, so an attacker may have ended it.
        """
        raise NotImplementedError


class UntilClose(Body):
    """A body that lasts until the peer closes the connection (RFC 9112 6.3, rule 8)."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self, *, ragged: bool = False) -> None:
        if ragged:
            self.fault = StreamTruncated(CUT_TLS)
        else:
            self.ended = True


class Sized(Body):
    """A body of Content-Length bytes (RFC 9112 6.2)."""

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


_MAX_LINE: Final = 1024  # bytes of one chunk-size line with its extensions (RFC 9112 7.1.1 asks for such a bound)
_CHUNK_LINE: Final = re.compile(rb"\r\n([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\Z")
# The beginning of such a line: bytes that cannot become one are a fault at once, before a line's end is there.
_CHUNK_LINE_BEGUN: Final = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,16}[ \t]*(?:;[^\r\n]*)?\r?)?)?)?\Z")
_TRAILERS: Final = re.compile(rb"\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r?\n)*\r?\n")


@lru_cache(1024)  # the chunks of a stream have few different sizes: a look-up costs a fifth of the match
def _chunk_size(line: bytes) -> int:
    """The size in a chunk-size line, here with the CRLF that ends the chunk before it; -1 if the line is malformed.

    Extensions are ignored (RFC 9112 7.1.1). White space after the size is tolerated, as some servers pad the size.
    """
    found = _CHUNK_LINE.match(line)
    return int(found[1], 16) if found else -1


class Chunked(Body):
    """The chunked coding (RFC 9112 7.1). Trailer fields are checked and dropped; `limit` is their bound in bytes."""

    __slots__ = ("_held", "_limit", "_remaining", "_trailers")

    def __init__(self, limit: int) -> None:
        super().__init__()
        # The bytes of a chunk-size line whose end has not come yet. Each such line is read with the CRLF that ends the
        # chunk before it, so the first one is given a CRLF.
        self._held = b"\r\n"
        self._limit = limit
        self._remaining = 0  # bytes of the current chunk that have not come yet
        self._trailers: bytearray | None = None  # the trailer section so far, once the last chunk is in

    def feed(self, data: bytes) -> bytes:
        if self._trailers is not None:
            self._feed_trailers(data)
            return b""
        at = self._remaining
        if at > len(data):
            self._remaining = at - len(data)
            return data
        data = self._held + data  # bytes are held only where no chunk is under way: `at` is 0 then
        pieces = [data[:at]] if at else []
        while (end := data.find(b"\r\n", at + 2)) >= 0 and end - at <= _MAX_LINE:
            # one match of CRLF, size proves the end of the chunk before and the beginning of the next
            size = _chunk_size(data[at:end])
            if size <= 0:
                self._end_chunks(size, data[end + 2 :])
                return b"".join(pieces)
            at = end + 2 + size
            pieces.append(data[end + 2 : at])
        self._remaining = max(0, at - len(data))
        self._held = data[at:]
        if self._held and (len(self._held) > _MAX_LINE + 1 or not _CHUNK_LINE_BEGUN.match(self._held)):
            self.fault = ProtocolViolation(BAD_CHUNK)
        return b"".join(pieces)

    def _end_chunks(self, size: int, rest: bytes) -> None:
        """After the last chunk, whose size is 0, or a malformed line (-1); `rest` follows that line."""
        self._held = b""
        self._remaining = 0
        if size:
            self.fault = ProtocolViolation(BAD_CHUNK)
        else:
            self._trailers = bytearray(b"\n")  # the end of the last chunk's line: a blank line is searched from it on
            self._feed_trailers(rest)

    def _feed_trailers(self, data: bytes) -> None:
        trailers = self._trailers
        assert trailers is not None
        if self.ended:
            self.excess = True
            return
        searched = max(0, len(trailers) - 2)  # a blank line may have begun with the last two bytes
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
