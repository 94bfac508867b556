"""The matrix of faults: what each row means, how it is run, and `python tests/hostile/matrix.py`, which prints it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # for the command, wherever it is called
sys.path.insert(0, str(Path(__file__).parents[1] / "transports"))

from hostile_server import Fault, Server

from sansio_core import ChatError, Timeouts
from sansio_core.timing import Limits

CLOCK = 0.4
"""Seconds of the clock that a row is about: enough for a busy machine to come to where it fires; others have ten."""
BARE = 0.2
"""Seconds of one that fires with nothing handed out, wherever a busy machine has come to by then."""
TEN = Timeouts(connect=10, first_event=10, idle=10, progress=10, total=20)
WHOLE = "whole answer"
TEXT = "Hello, world"
HEAD = "Hello"
"""What of it the faults in mid-body let through."""


@dataclass(frozen=True)
class Cell:
    """How one client must end: `end` is the class of error, or WHOLE.

    `says` is in the error's text; `clock` names the clock that must fire in a TimedOut; `handed` is the text handed
    out; `tries` counts the attempts, of the two that are allowed, and `requests` what reached the server, all attempts
    and redirects; `connection`: whether the next call gets the same one ("kept"), or a "new" one as this is closed;
    `least` is the seconds that it must take; `memory` bounds the peak, in MiB.
    """

    end: type[ChatError] | str
    handed: str = ""
    tries: int = 1
    requests: int = 1
    connection: str = "new"
    says: str = ""
    clock: str = ""
    least: float = 0.0
    memory: int | None = None

    def __str__(self) -> str:
        end = self.end if isinstance(self.end, str) else self.end.__name__
        handed = {"": "nothing", HEAD: "the text so far"}.get(self.handed, "all of it")
        when = f"{self.clock} clock" if self.clock else "at once"
        words = [end, f"handed out: {handed}", when, f"{self.tries} of 2 tries", f"connection {self.connection}"]
        if self.memory:
            words.append(f"memory below {self.memory} MiB")
        return ", ".join(words)


@dataclass
class World:
    """Where a fault lives: what the clients are given, and how it is ended."""

    base_url: str
    server: Server | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    end_fault: Callable[[], None] | None = None

    def heal(self) -> bool:
        """End the fault; False where there is nothing that could get well."""
        if self.end_fault is not None:
            self.end_fault()
        if self.server is not None:
            self.server.heal()
        return self.server is not None or self.end_fault is not None


@dataclass(frozen=True)
class Row:
    """One fault, and what both columns say to it."""

    family: str
    fault: str
    world: Callable[[], AbstractContextManager[World]]
    blocking: Cell
    asyncio: Cell
    provider: str = "free_netfly"
    message: str = "Hello"
    timeouts: Timeouts = TEN
    limits: Limits | None = None


def sse(*texts: str, end: bool = True) -> bytes:
    """The event stream of an answer in these pieces."""
    events = [b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text.encode() for text in texts]
    return b"".join(events) + (b"data: [DONE]\n\n" if end else b"")


def head(status: int = 200, content_type: str = "text/event-stream", **fields: str) -> bytes:
    """A response's head; `fields` with underscores for hyphens."""
    given = {"content-type": content_type} | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in given.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode()


def sized(body: bytes, status: int = 200, content_type: str = "text/event-stream", **fields: str) -> bytes:
    """A response with a Content-Length."""
    return head(status, content_type, content_length=str(len(body)), **fields) + body


def chunked(*pieces: bytes, last: bool = True) -> bytes:
    """A response in those chunks."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head(transfer_encoding="chunked") + body + (b"0\r\n\r\n" if last else b"")


GOOD = {"free_netfly": chunked(sse("Hello", ", world")), "acytoo": sized(TEXT.encode(), content_type="text/plain")}


def served(
    fault: Fault, *, provider: str = "free_netfly", unread: bool = False
) -> Callable[[], AbstractContextManager[World]]:
    """A plain loopback server with that fault."""

    @contextmanager
    def world() -> Iterator[World]:
        with Server(fault, GOOD[provider], unread=unread) as server:
            yield World(f"http://127.0.0.1:{server.port}", server)

    return world


def main() -> None:
    """Print the matrix as a Markdown table."""
    from hostile_rows import ROWS

    print("| | fault | blocking | asyncio |\n|---|---|---|---|")
    for row in ROWS:
        other = "the same" if row.asyncio == row.blocking else row.asyncio
        print(f"| {row.family} | {row.fault} | {row.blocking} | {other} |")


if __name__ == "__main__":
    main()
