"""What a call was like, recorded, and whether its replay is like it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matrix import Cell, Row
from seats import Outcome, Seat

from transports import tapes


@contextmanager
def recorded(row: Row, cell: Cell, tape: Path) -> Iterator[None]:
    """The calls of the block are recorded; not those of a cell that bounds the memory, as a take is held in it.

    Nor questions of many MiB: that costs seconds.
    """
    if cell.memory or len(row.message) > 1 << 20:
        yield
        return
    with tapes.record(tape):
        yield


def plays_alike(seat: Seat, client: Any, message: str, live: Outcome, tape: Path, **options: Any) -> None:
    """The same question, answered by the tape, must go as it went live: each piece, the end, and every word of it."""
    with tapes.replay(tape) as replay:
        played = Outcome(seat, client, message, **options)
    assert facts(played) == facts(live)
    assert played.pieces == live.pieces
    assert not replay.unused
    assert not replay.unmatched


def facts(outcome: Outcome) -> dict[str, Any]:
    """All that may be compared; the seconds that it took are not to the millisecond."""
    reply = outcome.reply.to_dict()
    reply.pop("elapsed", None)
    error = outcome.error
    return {
        "class": type(error),
        "text": str(error),
        "error": error and error.to_dict(),
        "attempts": outcome.exchange.attempts,
        "state": outcome.exchange.state,
        "status": outcome.exchange.status,
        "handed": outcome.text,
        "reply": reply,
        "own reply": error is None or error.reply is outcome.reply,
    }
