"""Tapes: streams recorded once, and played anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sansio_core.tape import BrokenTape, Deck, Tape, UnmatchedRequest, UnsafeTape

from ._shared.ways import PathLike

if TYPE_CHECKING:
    from .emulator.tape_server import TapeServer


def serve(
    tape: PathLike | Tape | Deck,
    *,
    speed: float = 1.0,
    ignore: Iterable[str] = (),
    host: str = "127.0.0.1",
    port: int = 0,
) -> TapeServer:
    """A loopback server that plays `tape`, a path, a Tape or a Deck, to clients of any make."""
    from .emulator.tape_server import TapeServer

    return TapeServer(_deck(tape, ignore), speed=speed, host=host, port=port)


def _deck(tape: PathLike | Tape | Deck, ignore: Iterable[str]) -> Deck:
    if isinstance(tape, Deck):
        return tape
    if not isinstance(tape, Tape):
        tape = Tape.loads(Path(tape).read_bytes())
    return Deck(tape, ignore=ignore)


__all__ = ["BrokenTape", "Tape", "UnmatchedRequest", "UnsafeTape", "serve"]
