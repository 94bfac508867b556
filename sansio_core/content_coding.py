"""Content codings taken off a body as it comes, bounded (RFC 9110 8.4)."""

from __future__ import annotations

import zlib
from contextlib import suppress

from .errors import LimitExceeded, ProtocolViolation, StreamTruncated, UnexpectedContent

PIECE = 1024 * 1024
"""The most that one call gives, in bytes."""
MAX_CODINGS = 4
"""More codings on one body than anybody uses are an attack on our time."""


class ContentDecoder:
    """Takes off what a `Content-Encoding` header names: gzip, x-gzip, deflate, identity, or several with commas.

    `max_size` bounds, in bytes, what comes out of any of the codings in all. A body without any coding passes as it is,
    unbounded. Raises UnexpectedContent for a coding that is not known.
    """

    def __init__(self, content_encoding: str, max_size: int) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > MAX_CODINGS:
            raise UnexpectedContent(f"the body has {len(names)} content codings; at most {MAX_CODINGS} are taken off")
        self._stages: list[_Inflater] = []
        for name in reversed(names):  # named in the order in which they were applied (RFC 9110 8.4)
            if name not in ("gzip", "x-gzip", "deflate"):
                raise UnexpectedContent(f"the body has the content coding {name[:40]!r}, which was not asked for")
            self._stages.append(_Inflater(max_size, gzip=name != "deflate"))

    @property
    def pending(self) -> bool:
        """True when more output may wait: call `decode(b"")` before anything else."""
        return any(stage.pending for stage in self._stages)

    def decode(self, data: bytes) -> bytes:
        """What `data` decodes to, at most PIECE bytes of it now (see `pending`).

        Raises ProtocolViolation for corrupt data, and LimitExceeded when there is more than `max_size`; what is good
        before that is given first, so that it is the same for every cut.
        """
        if not self._stages:
            return data
        self._stages[0].push(data)
        # the last stage with input waiting goes first, so that no stage is given more than one piece at a time
        start = max((at for at, stage in enumerate(self._stages) if stage.pending), default=0)
        out = self._stages[start].pull()
        for stage in self._stages[start + 1 :]:
            stage.push(out)
            out = stage.pull()
        return out

    def finish(self) -> None:
        """The body ended. Raises StreamTruncated when a coding did not; a body of no bytes at all is none."""
        if any(stage.unfinished for stage in self._stages):
            raise StreamTruncated("the compressed body stopped before its end")


class _Inflater:
    """One coding: gzip (RFC 1952, of any members) or deflate (RFC 9110 8.4.1.2: zlib's; or bare, as some send it)."""

    def __init__(self, max_size: int, *, gzip: bool) -> None:
        self._max_size = self._left = max_size
        self._gzip = gzip
        self._input = b""
        self._inflate: zlib._Decompress | None = None  # none before the first bytes, and between two members
        self._full = False  # the last pull gave all that it may, so more may wait
        self._fault: ProtocolViolation | None = None  # what the next pull raises
        self._started = False
        self._ended = False

    @property
    def pending(self) -> bool:
        return self._inflate is not None and (self._full or bool(self._input) or self._fault is not None)

    @property
    def unfinished(self) -> bool:
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
        before = self._inflate.copy()  # 1 µs: zlib gives nothing of the bytes among which it finds the corruption
        try:
            out = self._inflate.decompress(self._input, PIECE)
        except zlib.error as error:
            out = _good(before, self._input)
            self._fault = ProtocolViolation(f"the compressed body is corrupt ({error})")
        self._left -= len(out)
        if self._left < 0:
            out, self._fault = out[: self._left], LimitExceeded("decompressed", self._max_size)
        if self._fault is not None:
            return out or self.pull()
        self._input = self._inflate.unconsumed_tail
        self._full = len(out) == PIECE
        if self._inflate.eof:
            self._input, self._inflate = self._inflate.unused_data, None
            self._begin()
        return out

    def _begin(self) -> None:
        """Begin with a stream, or with the next member of gzip, once its first two bytes are in."""
        if self._inflate is not None or len(self._input) < 2:
            return
        if self._started and not (self._gzip and self._input.startswith(b"\x1f\x8b")):
            self._ended, self._input = True, b""  # what stands behind the end is not ours, as every client has it
            return
        self._started = True
        self._inflate = zlib.decompressobj(31 if self._gzip else _deflate_window(self._input))


def _good(inflate: zlib._Decompress, data: bytes) -> bytes:
    """What `inflate` makes of `data` before the corruption in it."""
    good = bytearray()
    with suppress(zlib.error):
        for at in range(len(data)):
            good += inflate.decompress(data[at : at + 1])
    return bytes(good)


def _deflate_window(head: bytes) -> int:
    """zlib's number for zlib's format (RFC 1950 2.2: method 8, a checksum that divides by 31), or for bare deflate."""
    return 15 if head[0] & 15 == 8 and (head[0] << 8 | head[1]) % 31 == 0 else -15
