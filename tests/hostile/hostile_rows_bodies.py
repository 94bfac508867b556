"""The matrix's rows about bodies: odd ones that are whole, and floods."""

from __future__ import annotations

import socket
import zlib
from functools import cache

from hostile_rows_answers import MIB, clock, floods, row
from hostile_server import Fault
from matrix import CLOCK, GOOD, TEXT, WHOLE, Cell, chunked, head, sized, sse
from servers import Peer

from sansio_core import BadRequest, LimitExceeded, ServerFailed, TimedOut
from sansio_core.timing import Limits


def too_large(peer: Peer) -> None:
    """The refusal comes before the request was read; what is still under way is read, so that no reset discards it."""
    peer.send(sized(b"too large", 413, "text/plain", connection="close"))
    peer.sock.shutdown(socket.SHUT_WR)
    peer.gone()


def one_write(body: bytes) -> bytes:
    return sized(body)


def pieces(body: bytes) -> Fault:
    """Every byte in a write of its own."""

    def fault(peer: Peer) -> None:
        peer.send(head(content_length=str(len(body))), *(body[i : i + 1] for i in range(len(body))))

    return fault


@cache
def bomb(size: int) -> bytes:
    """A gzip of that many MiB of comments: about a thousandth of it on the wire."""
    coder = zlib.compressobj(9, wbits=31)
    line = (b":" * 1023 + b"\n") * 1024
    return b"".join(coder.compress(line) for _ in range(size)) + coder.flush()


def text_bomb() -> bytes:
    """A gzip of 250 MiB of text, in more bytes than one read takes: blocks that stand alone may be repeated."""
    coder = zlib.compressobj(9, wbits=31)
    first, again = (coder.compress(b"A" * MIB) + coder.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * 250


_THOUSAND = (
    b'data: {"choices":[{"delta":{"content":"'
    + TEXT.encode()
    + b'"}}],"pad":"'
    + b"." * 900
    + b'"}\n\ndata: [DONE]\n\n'
)
_KEPT = Cell(WHOLE, handed=TEXT, connection="kept")
_FRAMES = [
    row("odd bodies", "two frames glued", one_write(sse(*TEXT.partition(" "))), _KEPT),
    row("odd bodies", "one frame in a thousand pieces", pieces(_THOUSAND), _KEPT),
    row(
        "odd bodies", "NUL bytes among the frames",
        chunked(b"\0\n\ndata: \0\n\n\0" + sse("x", end=False) + sse(TEXT)), _KEPT,
    ),
    row(
        "odd bodies", "NUL in a text", sized(b"a\0b", content_type="text/plain"),
        Cell(WHOLE, handed="a\0b", connection="kept"), provider="acytoo",
    ),
    row(
        "odd bodies", "lone and divided surrogates", chunked(sse("a\\ud83d", "\\ude00b\\ud83d", "c\\ude00")),
        Cell(WHOLE, handed="a\U0001f600b\ufffdc\ufffd", connection="kept"),
    ),
    row(
        "odd bodies", "bytes that are no UTF-8", sized(b"a\xed\xa0\x80b\xff", content_type="text/plain"),
        Cell(WHOLE, handed="a\ufffd\ufffd\ufffdb\ufffd", connection="kept"), provider="acytoo",
    ),
    row("odd bodies", "deep JSON", chunked(b"data: " + b"[" * 200_000 + b"\n\n" + sse(TEXT)), _KEPT),
    row(
        "odd bodies", "a body that goes on after its end marker", floods(head() + sse(TEXT), b": on and on\n\n"),
        Cell(WHOLE, handed=TEXT),
    ),
    row("odd bodies", "an event after the end marker", chunked(sse(TEXT), sse("MORE")), _KEPT),
    row(
        "odd bodies", "a second response on the wire", GOOD["free_netfly"] + chunked(sse("not asked for")),
        Cell(WHOLE, handed=TEXT),
    ),
    row(
        "odd bodies", "413 before a request of 8 MiB was read", too_large,
        Cell(BadRequest, says="413"), message="x" * (8 * MIB), unread=True,
    ),
    row("odd bodies", "a request of 24 MiB", GOOD["free_netfly"], _KEPT, message="x" * (24 * MIB)),
]  # fmt: skip

_MEMORY = [
    row(
        "floods", "100 MiB without a newline", floods(head(), b"x" * MIB, 100 * MIB),
        Cell(LimitExceeded, says="frame", memory=56),
    ),
    row(
        "floods", "gzip bombs one after another", floods(head(content_encoding="gzip"), bomb(64)),
        Cell(LimitExceeded, says="decompressed", memory=8), limits=Limits(decompressed=32 * MIB),
    ),
    row(
        "floods", "a gzip bomb in one piece", sized(bomb(64), content_encoding="gzip"),
        Cell(LimitExceeded, says="decompressed", memory=8), limits=Limits(decompressed=32 * MIB),
    ),
    row(
        "floods", "a gzip bomb of plain text", sized(text_bomb(), content_type="text/plain", content_encoding="gzip"),
        Cell(LimitExceeded, says="decompressed", handed="A" * 2 * MIB, memory=24), provider="acytoo",
        limits=Limits(decompressed=2 * MIB),
    ),
    row(
        "floods", "a plain text without an end", floods(head(content_type="text/plain"), b"A" * MIB),
        Cell(LimitExceeded, says="decompressed", handed="A" * 2 * MIB, memory=24), provider="acytoo",
        limits=Limits(decompressed=2 * MIB),
    ),
    row(
        "floods", "a gzip bomb in a refusal", sized(bomb(64), 500, content_encoding="gzip"),
        Cell(ServerFailed, tries=2, requests=2, memory=8), limits=Limits(decompressed=32 * MIB),
    ),
    row(
        "floods", "a million empty events", chunked(b"event\n\n" * 1_000_000 + sse(TEXT)),
        Cell(WHOLE, handed=TEXT, connection="kept", memory=24), timeouts=clock(first_event=50, total=50),
    ),
    row(
        "floods", "a hundred thousand events of empty data", chunked(b"data\n\n" * 100_000 + sse(TEXT)),
        Cell(WHOLE, handed=TEXT, connection="kept", memory=24), timeouts=clock(first_event=50, total=50),
    ),
    row(
        "floods", "comments as fast as they come", floods(head(), b": flood\n\n" * 999),
        Cell(TimedOut, tries=2, requests=2, clock="first_event", memory=16), timeouts=clock(first_event=CLOCK),
    ),
]  # fmt: skip

BODIES = [*_FRAMES, *_MEMORY]
