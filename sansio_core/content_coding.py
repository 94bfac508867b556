"""Decompression of a response body as it comes, bounded: the content codings of RFC 9110, section 8.4."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Protocol, Self

from .errors import LimitExceeded, ProtocolViolation, StreamTruncated, UnexpectedContent

PIECE = 1024 * 1024
"""How many bytes one call gives at most: a small body may decompress to a thousand times its size."""
MAX_CODINGS = 4
"""How many codings one body may have: nobody uses more, and each further one costs an attacker nothing and us time."""


class _Decompressor(Protocol):
    """What `zlib.decompressobj` gives; the standard library has no public name for it."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...
    def copy(self) -> Self: ...


class ContentDecoder:
    """Decodes what a `Content-Encoding` header names: gzip, x-gzip, deflate, identity, or several with commas.

    `max_size` bounds, in bytes, the whole output of each coding; a body without any passes as it is, unbounded here.
    Raises UnexpectedContent for a coding that is not known.
    """

    def __init__(self, content_encoding: str, max_size: int) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        # RFC 9110 8.4: "identity" should not be sent here; where a server does, it changes nothing.
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > MAX_CODINGS:
            raise UnexpectedContent(f"the body has {len(names)} content codings; at most {MAX_CODINGS} are decoded")
        self._stages: list[_Inflater] = []
        for name in reversed(names):  # the header lists them in the order in which they were applied (RFC 9110, 8.4)
            if name not in ("gzip", "x-gzip", "deflate"):
                raise UnexpectedContent(f"the body has the content coding {name[:40]!r}, which was not asked for")
            self._stages.append(_Inflater(max_size, gzip=name != "deflate"))

    @property
    def pending(self) -> bool:
        """True when there may be more output of the data so far: call `decode(b"")` before anything else."""
        return any(stage.pending for stage in self._stages)

    def decode(self, data: bytes) -> bytes:
        """What `data` decodes to, at most PIECE bytes of it now (see `pending`).

        Raises ProtocolViolation for corrupt data, and LimitExceeded when there is more than `max_size`. The output
        before the fault is given first, and the next call raises, so that it is the same for every cut.
        """
        if not self._stages:
            return data
        self._stages[0].push(data)
        # The last stage that has input waiting goes first, so that no stage holds more than one piece of input.
        start = max((at for at, stage in enumerate(self._stages) if stage.pending), default=0)
        out = self._stages[start].pull()
        for stage in self._stages[start + 1 :]:
            stage.push(out)
            out = stage.pull()
        return out

    def finish(self) -> None:
        """The body ended. Raises StreamTruncated if a coding did not; a body without any bytes is no error."""
        if any(stage.unfinished for stage in self._stages):
            raise StreamTruncated("the compressed body stopped before its end")


class _Inflater:
    """One coding: gzip (RFC 1952, any number of members), or deflate (RFC 9110, 8.4.1.2: zlib's format, RFC 1950).

    Some servers send deflate without zlib's header (bare, RFC 1951); every client takes it, and so does this.
    """

    def __init__(self, max_size: int, *, gzip: bool) -> None:
        self._max_size = self._left = max_size
        self._gzip = gzip
        self._input = b""
        self._inflate: _Decompressor | None = None  # None before the first two bytes, and between two members of gzip
        self._full = False  # the last pull gave as much as it may, so there may be more
        self._fault: ProtocolViolation | None = None  # what the next pull raises
        self._started = False  # the first member has begun
        self._ended = False  # the last member has ended: what is behind it is dropped

    @property
    def pending(self) -> bool:
        return self._inflate is not None and (self._full or bool(self._input))

    @property
    def unfinished(self) -> bool:
        # One byte alone has begun no member, and yet the body was cut.
        return self._inflate is not None or (bool(self._input) and not self._started)

    def push(self, data: bytes) -> None:
        if not self._ended:
            self._input += data
            self._begin()

    def pull(self) -> bytes:
        if self._fault is not None:
            raise self._fault
        if self._inflate is None:
            return b""
        # zlib gives nothing for input with a corruption in it: a copy from before tells what is good (1 µs to make).
        before = self._inflate.copy()
        try:
            out = self._inflate.decompress(self._input, PIECE)
        except zlib.error as error:
            out = _good(before, self._input)
            self._fault = ProtocolViolation(f"the compressed body is corrupt ({error})")
        self._left -= len(out)
        if self._left < 0:  # by as many bytes as there are too many
            out, self._fault = out[: self._left], LimitExceeded("decompressed", self._max_size)
        if self._fault is not None:
            # pull() begins with raising the fault: that is now where no output stands before it.
            return out or self.pull()
        self._input = self._inflate.unconsumed_tail
        self._full = len(out) == PIECE
        if self._inflate.eof:
            self._input, self._inflate = self._inflate.unused_data, None
            self._begin()
        return out

    def _begin(self) -> None:
        """Begin the stream, or the next member of gzip, once its first two bytes are in."""
        if self._inflate is not None or len(self._input) < 2:
            return
        if self._started and not (self._gzip and self._input.startswith(b"\x1f\x8b")):
            # RFC 1952, 2.2: members follow one another, "with no additional information before, between, or after".
            # Some servers pad with zeros, all the same, and every client drops what is no member.
            self._ended, self._input = True, b""
            return
        self._started = True
        # wbits 31 is the largest window (15) and 16 for gzip's header and checksum
        self._inflate = zlib.decompressobj(31 if self._gzip else _deflate_wbits(self._input))


def _good(inflate: _Decompressor, data: bytes) -> bytes:
    """What `inflate` makes of `data` up to the corruption in it: byte by byte, until one raises."""
    good = bytearray()
    with suppress(zlib.error):
        for at in range(len(data)):
            good += inflate.decompress(data[at : at + 1])
    return bytes(good)


def _deflate_wbits(head: bytes) -> int:
    """`wbits` for zlib's format, or for bare deflate, by the first two bytes.

    zlib's format begins with compression method 8 and a number that 31 divides (RFC 1950, 2.2); 15 and -15 are `zlib`'s
    own words for the two, each with the largest window.
    """
    return 15 if head[0] & 15 == 8 and (head[0] << 8 | head[1]) % 31 == 0 else -15
