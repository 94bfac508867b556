"""Every fault of the matrix, on both clients: what its cell says must be what happens."""

from __future__ import annotations

import contextlib
import gc
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matrix
import pytest
from hostile_rows import ROWS
from hostile_rows_network import tls_pair
from hostile_server import Server
from matrix import BARE, TEXT, WHOLE, Cell, Row, World, head, sse
from replaying import plays_alike, recorded
from seats import Asyncio, Blocking, Outcome, Seat
from servers import Peer

from sansio_core import ChatError, RetryPolicy, TimedOut, Timeouts

TWICE = RetryPolicy(attempts=2, first_wait=0.01, jitter=0)


def test_no_cell_is_empty_and_no_row_is_there_twice() -> None:
    for row in ROWS:
        for cell in (row.blocking, row.asyncio):
            assert cell.end == WHOLE or (isinstance(cell.end, type) and issubclass(cell.end, ChatError)), row.fault
            assert cell.connection in ("kept", "new"), row.fault
            assert (cell.end is TimedOut) == bool(cell.clock), row.fault
    names = [(row.family, row.fault) for row in ROWS]
    assert len(set(names)) == len(names)


def test_the_command_prints_every_row(tmp_path: Path) -> None:
    command = [sys.executable, str(matrix.__file__)]
    lines = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert [line.split(" | ")[1] for line in lines] == [row.fault for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.family}: {row.fault}")
def test_a_fault_ends_as_its_cell_says_and_plays_alike(seat: Seat, row: Row, tmp_path: Path) -> None:
    cell: Cell = getattr(row, seat.name)
    for left in range(3 if cell.clock else 0, -1, -1):  # a clock may overtake a busy machine, but not each time
        try:
            run(seat, row, cell, tmp_path / f"row{left}.tape")
            break
        except AssertionError:
            if not left:
                raise


def run(seat: Seat, row: Row, cell: Cell, tape: Path) -> None:
    with row.world() as world:
        settings: dict[str, Any] = {"retry": TWICE, "timeout": row.timeouts, "limits": row.limits, **world.settings}
        client = seat.client(row.provider, base_url=world.base_url, **settings)
        with recorded(row, cell, tape), peak_memory(cell.memory):
            began = time.monotonic()
            outcome = Outcome(seat, client, row.message)
            took = time.monotonic() - began
        judge(row, cell, outcome, took)
        if world.server is not None:
            count_requests(world.server, cell)
        after(seat, client, world, cell, row.message)
    if tape.exists():  # the server is gone
        plays_alike(seat, client, row.message, outcome, tape)


_EITHER = ("reset in the handshake",)  # a reset may come before the handshake as well: that is the system's affair


@pytest.mark.parametrize(
    "row",
    [
        row for row in ROWS
        if not (row.asyncio.clock or row.asyncio.memory or row.asyncio.end == WHOLE or row.fault in _EITHER)
    ],
    ids=lambda row: f"{row.family}: {row.fault}",
)
def test_a_fault_has_the_same_words_on_both_clients(row: Row) -> None:
    words = []
    for seat in (Blocking(), Asyncio()):
        with row.world() as world:
            settings: dict[str, Any] = {"retry": 1, "timeout": row.timeouts, "limits": row.limits, **world.settings}
            client = seat.client(row.provider, base_url=world.base_url, **settings)
            outcome = Outcome(seat, client, row.message)
            words.append(re.sub(r":[0-9]+", ":PORT", str(outcome.error)))
            seat.end()
    assert words[0] == words[1]


def judge(row: Row, cell: Cell, outcome: Outcome, took: float) -> None:
    """How the call ended, what was handed out, how long it took, how often it was tried."""
    if cell.end == WHOLE:
        assert outcome.error is None
        assert outcome.reply.complete
    else:
        assert type(outcome.error) is cell.end, repr(outcome.error)
        assert outcome.error.reply is outcome.reply
        assert not outcome.reply.complete
    assert cell.says in str(outcome.error)
    assert outcome.text == outcome.reply.text == cell.handed
    assert outcome.exchange.attempts == cell.tries
    least = cell.least
    if cell.clock:
        assert isinstance(outcome.error, TimedOut)
        assert outcome.error.clock == cell.clock
        least = getattr(row.timeouts, cell.clock) * cell.tries
        assert took < least + 8, "long after its clock"
    assert took >= least - 0.01


def count_requests(server: Server, cell: Cell) -> None:
    """What reached the server, or the proxy."""
    assert server.seen(cell.requests)
    assert (server.connections if server.unread else len(server.requests)) == cell.requests


def after(seat: Seat, client: Any, world: World, cell: Cell, message: str) -> None:
    """The connection is kept or gone, and the client works on once the fault is over."""
    if not world.heal():
        return
    server = world.server
    assert server is not None
    kept = cell.connection == "kept"
    assert server.settled(1 if kept else 0), "the connection was not closed" if not kept else "the connection was lost"
    before = server.connections
    assert seat.complete(client, message[:100]).text == TEXT
    assert server.connections == before + (0 if kept else 1)


@pytest.mark.parametrize("keep_alives", [0, 6_000])
@pytest.mark.parametrize("tls", [False, True])
def test_a_slow_reader_is_no_silent_server(seat: Seat, tls: bool, keep_alives: int) -> None:
    """What came while the user was busy with a piece is handed out, though its clocks have passed meanwhile.

    So is text behind more keep-alives than one read takes (of the blocking wire with TLS, 16 KiB). They are less than
    TCP's first window, 64 KiB: more than that would arrive only after something was read, and so too late.
    """
    said = threading.Event()

    def fault(peer: Peer) -> None:
        peer.send(head(), sse("Hello", end=False))
        assert heard.wait(10)
        peer.send(b": ping\n\n" * keep_alives + sse(", world"))
        said.set()
        raise EOFError

    heard = threading.Event()
    server_tls, client_tls = tls_pair()
    with Server(fault, b"", tls=server_tls if tls else None) as server:
        url = f"http{'s' if tls else ''}://127.0.0.1:{server.port}"
        clocks = Timeouts(idle=BARE, progress=BARE, first_event=5)
        client = seat.client("free_netfly", base_url=url, timeout=clocks, retry=1, verify=client_tls)
        stream = seat.stream(client)
        assert stream.next() == "Hello"
        heard.set()
        assert said.wait(10)
        time.sleep(BARE * 1.5)  # the reader is that long at work on the piece, whatever else goes on
        assert stream.next() == ", world"
        assert stream.next() is None


@contextlib.contextmanager
def peak_memory(mebibytes: int | None) -> Iterator[None]:
    """The block must not make the process (client and server) larger by more than that, at any time."""
    status = Path("/proc/self/status")
    if mebibytes is None or not status.exists():
        yield
        return
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    before = _resident(status, "VmRSS")
    yield
    peak = _resident(status, "VmHWM") - before
    assert peak < mebibytes * 1024, f"{peak / 1024:.1f} MiB"


def _resident(status: Path, name: str) -> int:
    """Kilobytes."""
    return int(next(line for line in status.read_text().splitlines() if line.startswith(name)).split()[1])
