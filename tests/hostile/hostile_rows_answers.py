"""The matrix's rows about answers: heads, statuses, redirects, bodies, silence, floods."""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hostile_rows_network import row as network_row
from hostile_rows_network import tls, tls_pair
from hostile_server import Fault, Server
from matrix import BARE, CLOCK, GOOD, HEAD, TEN, TEXT, WHOLE, Cell, Row, World, head, served, sized, sse
from servers import Peer

from sansio_core import (
    AuthenticationFailed,
    BadRequest,
    ChatError,
    ConnectionLost,
    LimitExceeded,
    NotFound,
    PermissionDenied,
    ProtocolViolation,
    RateLimited,
    ServerFailed,
    StreamTruncated,
    TimedOut,
    Timeouts,
    UnexpectedContent,
    UnexpectedRedirect,
)

MIB = 1 << 20


def clock(**seconds: float) -> Timeouts:
    """Ten seconds for all but those."""
    return replace(TEN, **seconds)


def row(family: str, name: str, fault: Fault, cell: Cell, other: Cell | None = None, **more: Any) -> Row:
    unread, provider = more.pop("unread", False), more.get("provider", "free_netfly")
    return Row(family, name, served(fault, provider=provider, unread=unread), cell, other or cell, **more)


def ends(*pieces: bytes) -> Fault:
    """Those bytes, then the end of the connection."""

    def fault(peer: Peer) -> None:
        peer.send(*pieces)
        raise EOFError

    return fault


def resets(*pieces: bytes) -> Fault:
    """Those bytes, which the client has read when the reset comes: that would discard the rest."""

    def fault(peer: Peer) -> None:
        peer.send(*pieces)
        if pieces:
            _until_read(peer.sock)
        peer.reset()

    return fault


def _until_read(sock: socket.socket) -> None:
    """Wait until nothing is in either end's queues, as Linux tells; elsewhere, give the client the time to read."""
    table, port = Path("/proc/net/tcp"), f":{sock.getpeername()[1]:04X} "
    if not table.exists():
        time.sleep(CLOCK / 2)
    empty = " 00000000:00000000 "  # bytes to send, and to be read
    while table.exists() and any(port in line and empty not in line for line in table.read_text().splitlines()):
        pass


def floods(begin: bytes, piece: bytes, size: float = float("inf")) -> Fault:
    """As fast as it goes, for ever or that many bytes."""

    def fault(peer: Peer) -> None:
        peer.send(begin)
        peer.flood(piece, size)
        peer.gone()

    return fault


def drips(begin: bytes, piece: bytes) -> Fault:
    """A byte each 20 ms, for ever."""

    def fault(peer: Peer) -> None:
        peer.send(begin)
        peer.drip(piece)

    return fault


def repeats(begin: bytes, piece: bytes) -> Fault:
    """The piece each 20 ms, for ever."""

    def fault(peer: Peer) -> None:
        peer.send(begin)
        peer.drip(piece, len(piece))

    return fault


def _flushed(body: bytes) -> bytes:
    """A gzip that has not ended, with all of `body` in it."""
    coder = zlib.compressobj(wbits=31)
    return coder.compress(body) + coder.flush(zlib.Z_SYNC_FLUSH)


def silent(*pieces: bytes) -> Fault:
    """Those bytes, then silence."""

    def fault(peer: Peer) -> None:
        peer.send(*pieces)
        peer.gone()

    return fault


_BEGUN = head(transfer_encoding="chunked") + b"%x\r\n" % len(sse(HEAD, end=False)) + sse(HEAD, end=False) + b"\r\n"
_UNTIL_CLOSE = head() + sse(HEAD, end=False)

_BREAKS = [
    row("breaks", "reset before the head", resets(), Cell(ConnectionLost, tries=2, requests=2)),
    row("breaks", "end before the head", ends(), Cell(ConnectionLost, tries=2, requests=2)),
    row(
        "breaks", "reset inside the head", resets(b"HTTP/1.1 200 OK\r\nx: "),
        Cell(ConnectionLost, tries=2, requests=2),
    ),
    row("breaks", "end inside the head", ends(b"HTTP/1.1 200 OK\r\nx: "), Cell(ConnectionLost, tries=2, requests=2)),
    row(
        "breaks", "reset in the body before any text", resets(head() + b": hi\n\n"),
        Cell(ConnectionLost, tries=2, requests=2),
    ),
    row("breaks", "reset in mid-body", resets(_BEGUN), Cell(ConnectionLost, handed=HEAD)),
    network_row(
        "breaks", "reset in mid-body, over TLS", tls(lambda: tls_pair()[0], resets(_BEGUN)),
        Cell(ConnectionLost, handed=HEAD),
    ),
    row("breaks", "end in mid-chunk", ends(_BEGUN + b"ff\r\ndata: "), Cell(StreamTruncated, handed=HEAD)),
    row("breaks", "end between two chunks", ends(_BEGUN), Cell(StreamTruncated, handed=HEAD)),
    row(
        "breaks", "end in mid-Content-Length", ends(head(content_length="999") + sse(HEAD, end=False)),
        Cell(StreamTruncated, handed=HEAD),
    ),
    row(
        "breaks", "end of a close-delimited body, no end marker", ends(_UNTIL_CLOSE),
        Cell(StreamTruncated, handed=HEAD),
    ),
    row("breaks", "end of a close-delimited body, whole", ends(head() + sse(TEXT)), Cell(WHOLE, handed=TEXT)),
    row("breaks", "malformed chunk size", silent(_BEGUN + b"xyz\r\n"), Cell(ProtocolViolation, handed=HEAD)),
    row(
        "breaks", "truncated gzip", sized(zlib.compress(sse(HEAD, end=False), wbits=31)[:-9], content_encoding="gzip"),
        Cell(StreamTruncated, handed=HEAD, connection="kept"), Cell(StreamTruncated, handed=HEAD),
    ),
    row(
        "breaks", "corrupt gzip",
        sized(zlib.compress(sse(HEAD), wbits=31)[:10] + b"\xff" * 50, content_encoding="gzip"),
        Cell(ProtocolViolation, connection="kept"), Cell(ProtocolViolation),
    ),
    row(
        "breaks", "corrupt gzip behind good text, in one read", sized(_flushed(sse(HEAD, end=False)) + b"\xff" * 50,
        content_encoding="gzip"), Cell(ProtocolViolation, handed=HEAD, connection="kept"),
        Cell(ProtocolViolation, handed=HEAD),
    ),
]  # fmt: skip

_HEADS = [
    row(
        "heads", "header block too large", silent(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000),
        Cell(LimitExceeded, says="head"),
    ),
    row(
        "heads", "endless header fields", floods(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 999),
        Cell(LimitExceeded, says="head"),
    ),
    row(
        "heads", "endless interim responses", floods(b"", b"HTTP/1.1 102 P\r\n\r\n" * 99),
        Cell(LimitExceeded, says="head"),
    ),
    row("heads", "no HTTP at all", silent(b"220 smtp.example ESMTP\r\n\r\n"), Cell(ProtocolViolation, says="HTTP")),
    row("heads", "NUL in a header field", silent(b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n"), Cell(ProtocolViolation)),
    row(
        "heads", "two Content-Lengths", silent(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"),
        Cell(ProtocolViolation),
    ),
    row(
        "heads", "1xx before the real one",
        head(100, "") + head(102, "") + head(103, "", link="</x>") + GOOD["free_netfly"],
        Cell(WHOLE, handed=TEXT, connection="kept"),
    ),
    row(
        "heads", "101 that nobody asked for", silent(head(101, "", upgrade="x", connection="upgrade")),
        Cell(ProtocolViolation),
    ),
]  # fmt: skip


def _status(
    status: int, kind: type[ChatError], tries: int = 1, says: str = "", least: float = 0.0, **fields: str
) -> Row:
    body = b'{"error": {"message": "told why"}}'
    name = str(status) + "".join(f", {key.replace('_', '-')}: {value}" for key, value in fields.items())
    cell = Cell(kind, tries=tries, requests=tries, connection="kept", says=says or "told why", least=least)
    return row("statuses", name, sized(body, status, "application/json", **fields), cell)


_EMPTY = b"HTTP/1.1 %d Whatever\r\n%b\r\n"
_HTML = b"<!doctype html><html><head><title>Bad gateway</title></head><body>nginx</body></html>"

_STATUSES = [
    row("statuses", "204", _EMPTY % (204, b""), Cell(UnexpectedContent, says="204", connection="kept")),
    row(
        "statuses", "205", _EMPTY % (205, b"content-length: 0\r\n"),
        Cell(UnexpectedContent, says="205", connection="kept"),
    ),
    row("statuses", "304", _EMPTY % (304, b""), Cell(UnexpectedContent, says="304", connection="kept")),
    _status(400, BadRequest),
    _status(401, AuthenticationFailed),
    _status(403, PermissionDenied),
    _status(404, NotFound),
    _status(408, BadRequest, tries=2),
    _status(413, BadRequest),
    _status(422, BadRequest),
    _status(429, RateLimited, tries=2),
    _status(429, RateLimited, tries=2, least=0.3, retry_after_ms="300", says="0.3 s"),
    _status(429, RateLimited, tries=1, retry_after="30", says="30 s"),  # later than the total allows: at once
    _status(500, ServerFailed, tries=2),
    _status(503, ServerFailed, tries=2),
    _status(503, ServerFailed, tries=2, retry_after="0"),
    _status(504, ServerFailed, tries=2),
    _status(529, ServerFailed),
    row(
        "statuses", "502 with HTML", sized(_HTML, 502, "text/html"),
        Cell(ServerFailed, tries=2, requests=2, connection="kept", says="Bad gateway"),
    ),
    row(
        "statuses", "200 with HTML", sized(_HTML, 200, "text/html"),
        Cell(UnexpectedContent, says="HTML", connection="kept"),
    ),
    row(
        "statuses", "500 with an endless body", floods(head(500, "text/plain"), b"no " * 9999),
        Cell(ServerFailed, tries=2, requests=2, memory=8),
    ),
]  # fmt: skip


def _redirect(status: int, location: str) -> bytes:
    return _EMPTY % (status, b"location: %b\r\ncontent-length: 0\r\n" % location.encode())


def once_moved(peer: Peer) -> None:
    peer.send(GOOD["free_netfly"] if peer.target == "/there" else _redirect(307, "/there"))


@contextmanager
def elsewhere() -> Iterator[World]:
    """A redirect to another origin, at which nothing may arrive."""
    good = GOOD["free_netfly"]
    with Server(good, good) as other, Server(_redirect(307, f"http://127.0.0.1:{other.port}/"), good) as server:
        yield World(f"http://127.0.0.1:{server.port}", server)
        assert other.connections == 0, "the redirect was followed"


_ELSEWHERE = Cell(UnexpectedRedirect, says="another origin", connection="kept")
_REDIRECTS = [
    row("redirects", "307 to the same origin", once_moved, Cell(WHOLE, handed=TEXT, requests=2, connection="kept")),
    row(
        "redirects", "302 of a POST", _redirect(302, "/there"),
        Cell(UnexpectedRedirect, says="302", connection="kept"),
    ),
    Row("redirects", "307 to another origin", elsewhere, _ELSEWHERE, _ELSEWHERE),
    row(
        "redirects", "in a circle", _redirect(308, "/"),
        Cell(UnexpectedRedirect, requests=6, says="more than 5", connection="kept"),
    ),
    row(
        "redirects", "to file:", _redirect(307, "file:///etc/passwd"),
        Cell(UnexpectedRedirect, says="http", connection="kept"),
    ),
    row(
        "redirects", "without a Location", _EMPTY % (307, b"content-length: 0\r\n"),
        Cell(UnexpectedRedirect, connection="kept"),
    ),
    row("redirects", "to no URL", _redirect(307, "http://[::1"), Cell(UnexpectedRedirect, connection="kept")),
]  # fmt: skip

_COMMENT = b"%x\r\n: still there\n\n\r\n" % len(": still there\n\n")
_SILENCE = [
    row(
        "silence", "before the head", silent(), Cell(TimedOut, tries=2, requests=2, clock="first_event"),
        timeouts=clock(first_event=BARE),
    ),
    row(
        "silence", "after the head", silent(head()), Cell(TimedOut, tries=2, requests=2, clock="first_event"),
        timeouts=clock(first_event=BARE),
    ),
    row(
        "silence", "in mid-body", silent(_BEGUN),
        Cell(TimedOut, handed=HEAD, clock="idle"), timeouts=clock(idle=CLOCK),
    ),
    row(
        "silence", "after the answer's end marker", silent(head() + sse(TEXT)), Cell(WHOLE, handed=TEXT),
    ),
    row(
        "silence", "one byte at a time, for ever", drips(head(), b": a comment that never ends "),
        Cell(TimedOut, tries=2, requests=2, clock="first_event"), timeouts=clock(first_event=BARE),
    ),
    row(
        "silence", "one byte of the head at a time", drips(b"HTTP/1.1 200 OK\r\nx: ", b"y"),
        Cell(TimedOut, clock="total"), timeouts=clock(total=BARE),
    ),
    row(
        "silence", "comments for ever, no content", repeats(head(transfer_encoding="chunked"), _COMMENT),
        Cell(TimedOut, tries=2, requests=2, clock="first_event"), timeouts=clock(first_event=BARE),
    ),
    row(
        "silence", "comments for ever after content", repeats(_BEGUN, _COMMENT),
        Cell(TimedOut, handed=HEAD, clock="progress"), timeouts=clock(progress=CLOCK),
    ),
    row(
        "silence", "a request of 24 MiB is never read", Peer.deaf,
        Cell(TimedOut, tries=2, requests=2, clock="first_event"), timeouts=clock(first_event=BARE),
        message="x" * (24 * MIB), unread=True,
    ),
]  # fmt: skip


ANSWERS = [*_BREAKS, *_HEADS, *_STATUSES, *_REDIRECTS, *_SILENCE]
