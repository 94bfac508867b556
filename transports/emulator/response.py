"""One response as data, and as the steps that send it, which the server carries out one by one.

A step is bytes (one write each), a Pause, an Until, or a Control. Framing, content coding and cutting into writes are
done here, without I/O; the server only writes, waits, resets and closes. What no pause and no fault keeps apart goes
into one write: most of what a small answer costs is its writes.
"""

from __future__ import annotations

import enum
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from itertools import chain
from typing import Literal, TypeAlias

from .request import Request

Framing: TypeAlias = Literal["chunked", "content-length", "close"]

_WRITE = 64 * 1024
"""Bytes that are written at once, though nothing keeps them apart from those that follow."""


class Control(enum.Enum):
    """The steps of the server other than writing and pausing."""

    HOLD = "silence until released"
    HANG = "silence until the client leaves"
    RESET = "end the connection with a TCP reset"
    CLOSE = "end the connection cleanly"
    CUT = "end the connection cleanly, within the next frame"


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence for that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Until:
    """Silence until that time of `time.monotonic`, which may be over: pauses between such times do not add up."""

    when: float


Step: TypeAlias = bytes | Pause | Until | Control


@dataclass(slots=True)
class Response:
    """The answer, and how it is sent: systems set the first half of the fields, the emulator and faults the second."""

    content_type: str | None
    pieces: list[bytes]
    """The frames of each piece of the reply or of a tool call; in chunked framing, each is one chunk."""
    opening: list[bytes] = field(default_factory=list)
    ending: list[bytes] = field(default_factory=list)
    prefix: bytes = b""
    """The beginning of the body, which faults in the content do not move."""
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)

    framing: Framing = "content-length"
    keep_alive: bool = True
    pace: float = 0.0
    gzip: Literal["whole", "truncated", "corrupt"] | None = None
    raw: bytes | None = None
    bodiless: bool = False
    endless: bool = False
    line_end: bytes = b"\n"
    cuts: list[re.Pattern[bytes]] = field(default_factory=list)
    cut_size: int | None = None
    byte_interval: float | None = None
    before_head: list[Step] = field(default_factory=list)
    inserted: dict[int, list[Iterable[Step]]] = field(default_factory=dict)
    last: list[Step] = field(default_factory=list)
    after_end: bytes = b""
    """Bytes after the end of the message."""

    def insert(self, after_pieces: int | None, *steps: Step) -> None:
        """Put steps into the body: straight after the headers (0), after N pieces, or at its very end (None)."""
        if after_pieces is None:
            self.last += steps
        else:
            self.inserted.setdefault(after_pieces, []).append(steps)

    def replace_body(self, content_type: str | None, body: bytes) -> None:
        """Send `body` in place of the answer."""
        self.content_type, self.prefix, self.opening, self.ending = content_type, b"", [], []
        self.pieces = [body] if body else []

    def end_after(self, after_pieces: int | None) -> None:
        """Drop the pieces after that place."""
        if after_pieces is not None:
            del self.pieces[after_pieces:]
        if after_pieces == 0:
            self.opening = []

    def fit(self, request: Request) -> None:
        """Have it sent as the client of `request` can read it."""
        self.keep_alive = request.keep_alive and self.keep_alive
        if request.version == "1.0" and self.framing == "chunked":  # HTTP/1.0 has no chunks (RFC 9112 7.1)
            self.framing = "close"
        self.bodiless = request.method == "HEAD"

    def wire(self) -> Iterator[Step]:
        """The steps that send this response; CLOSE is the last unless the connection may be used again."""
        if self.raw is not None:
            steps = chain(self.before_head, [self.raw], [] if self.keep_alive else [Control.CLOSE])
        else:
            steps = chain(self.before_head, self._message())
        if self.byte_interval is not None:
            return _one_byte(steps, self.byte_interval)
        return steps if self.cuts or self.cut_size else _joined(steps)

    def _message(self) -> Iterator[Step]:
        framing = self._used_framing()
        body = self._body() if framing else iter(())
        if self.cut_size or self.cuts or self.line_end != b"\n":
            body = self._cut(body)
        if self.gzip:
            body = self._coded(body)
        kept = self.keep_alive and framing != "close"
        length: int | None = None
        if framing == "content-length":
            counted = list(body)
            length, body = sum(len(step) for step in counted if isinstance(step, bytes)), iter(counted)
        yield self._head(framing, length, kept)
        yield from _framed(body, chunked=framing == "chunked")
        if self.after_end:
            yield self.after_end
        if not kept:
            yield Control.CLOSE

    def _used_framing(self) -> Framing | None:
        """None for a response without a body (RFC 9112 6.3, rule 1)."""
        if self.bodiless or self.status in (204, 304):
            return None
        if self.endless and self.framing == "content-length":  # a body without an end has no length
            return "chunked"
        return self.framing

    def _head(self, framing: Framing | None, length: int | None, kept: bool) -> bytes:
        given = {name.lower() for name, _ in self.headers}
        headers = list(self.headers)
        if "date" not in given:
            headers.insert(0, ("Date", formatdate(usegmt=True)))
        if self.content_type is not None and "content-type" not in given:
            headers.append(("Content-Type", self.content_type))
        if self.gzip:
            headers.append(("Content-Encoding", "gzip"))
        if framing == "chunked":
            headers.append(("Transfer-Encoding", "chunked"))
        elif length is not None:
            headers.append(("Content-Length", str(length)))
        if not kept:
            headers.append(("Connection", "close"))
        return head(self.status, headers)

    def _body(self) -> Iterator[Step]:
        if self.prefix:
            yield self.prefix
        yield from chain(*self.inserted.get(0, ()))
        yield from self.opening
        for number, piece in enumerate(self.pieces, 1):
            if number > 1 and self.pace:
                yield Pause(self.pace)
            yield piece
            yield from chain(*self.inserted.get(number, ()))
        for number in sorted(self.inserted):
            if number > len(self.pieces):
                yield from chain(*self.inserted[number])
        yield from self.ending
        yield from self.last

    def _cut(self, steps: Iterable[Step]) -> Iterator[Step]:
        if self.cut_size:
            steps = _glued(steps, self.cut_size)
        for step in steps:
            if isinstance(step, bytes):
                pieces = [step.replace(b"\n", self.line_end)]
                for cut in self.cuts:
                    pieces = [part for piece in pieces for part in cut.split(piece)]
                yield from filter(None, pieces)
            else:
                yield step

    def _coded(self, steps: Iterable[Step]) -> Iterator[Step]:
        coder = zlib.compressobj(wbits=31)
        spoiled = self.gzip != "corrupt"  # nothing (more) is to be spoiled
        for step in steps:
            if not isinstance(step, bytes):
                yield step
                continue
            yield coder.compress(step) + coder.flush(zlib.Z_SYNC_FLUSH)  # so that each piece can be read at once
            if not spoiled:
                spoiled = True
                yield b"\xff" * 8  # a block of the reserved type 3 (RFC 1951 3.2.3)
        if self.gzip != "truncated":
            yield coder.flush()


def head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """A status line and header fields (RFC 9112 4, 5), up to and with the empty line."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _framed(steps: Iterable[Step], *, chunked: bool) -> Iterator[Step]:
    """Each piece in a chunk of its own (RFC 9112 7.1) if `chunked`; a CUT ends in the middle of the next piece."""
    cutting = False
    for step in steps:
        if step is Control.CUT:
            cutting = True
        elif isinstance(step, bytes):
            frame = b"%x\r\n%b\r\n" % (len(step), step) if chunked else step
            if cutting:
                yield frame[: len(frame) // 2]
                yield Control.CLOSE
                return
            yield frame
        else:
            yield step
    if cutting:
        yield Control.CLOSE
    elif chunked:
        yield b"0\r\n\r\n"


def _joined(steps: Iterable[Step]) -> Iterator[Step]:
    """The same bytes in as few writes as the steps between them allow."""
    held = bytearray()
    for step in steps:
        if isinstance(step, bytes):
            held += step
            if len(held) < _WRITE:
                continue
        if held:
            yield bytes(held)
            held.clear()
        if not isinstance(step, bytes):
            yield step
    if held:
        yield bytes(held)


def _glued(steps: Iterable[Step], size: int) -> Iterator[Step]:
    """The same bytes in pieces of `size`; before any other step comes a shorter piece with the bytes so far."""
    held = b""
    for step in steps:
        if isinstance(step, bytes):
            held += step
            whole = len(held) - len(held) % size
            for start in range(0, whole, size):
                yield held[start : start + size]
            held = held[whole:]
        else:
            if held:
                yield held
                held = b""
            yield step
    if held:
        yield held


def _one_byte(steps: Iterable[Step], interval: float) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, bytes):
            for start in range(len(step)):
                yield step[start : start + 1]
                if interval:
                    yield Pause(interval)
        else:
            yield step
