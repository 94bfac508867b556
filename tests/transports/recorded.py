"""What a test of recording needs: answers as bytes, clients, and what the file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seats import Seat
from servers import Peer, Server

from sansio_core.tape import Head, Piece, Take, Tape
from transports.emulator import Emulator

EVENTS = [b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text for text in (b"Hello", b", w\xc3\xb6rld")]
DONE = b"data: [DONE]\n\n"
TEXT = "Hello, wörld"


def head(status: int = 200, **fields: str) -> bytes:
    given = {"content_type": "text/event-stream", **fields}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""]).encode()


def sized(body: bytes, status: int = 200, **fields: str) -> bytes:
    return head(status, content_length=str(len(body)), **fields) + body


GOOD = sized(b"".join(EVENTS) + DONE)


def takes_of(path: Path) -> tuple[Take, ...]:
    return Tape.loads(path.read_bytes()).takes


def body_of(take: Take) -> bytes:
    return b"".join(step.data for step in take.steps if isinstance(step, Piece))


def status_of(take: Take) -> int | None:
    return next((step.status for step in take.steps if isinstance(step, Head)), None)


def ends(path: Path) -> list[tuple[int | None, str]]:
    """The status of each take, and how it ended."""
    return [(status_of(take), take.end.what) for take in takes_of(path)]


def openai(seat: Seat, emulator: Emulator, **settings: Any) -> Any:
    return seat.client("openai", **{"base_url": emulator.base_url("openai"), "api_key": "sk-test", **settings})


def netfly(seat: Seat, server: Server, **settings: Any) -> Any:
    return seat.client("free_netfly", base_url=f"http://127.0.0.1:{server.port}", **settings)


def good(peer: Peer) -> None:
    """Every request gets the good answer."""
    while True:
        peer.request()
        peer.send(GOOD)
