"""The tapes that this process records or plays at the moment: what a client asks when a stream begins.

Nothing of `sansio_core.tape` is loaded before somebody uses a tape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sansio_core import Exchange

from ..drive import AWire, Wire
from .ways import PathLike

if TYPE_CHECKING:
    from .recorder import Recorder


class Taping(Protocol):
    """A Recorder, or a Replay."""

    def wire(self, exchange: Exchange, wire: Wire) -> Wire:
        """A wire that records what `wire` moves, or that plays a tape in place of it."""
        ...

    def awire(self, exchange: Exchange, wire: AWire) -> AWire:
        """The same for asyncio."""
        ...


active: list[Taping] = []
"""Those that every client of this process uses, the outermost first: the innermost has the last word."""


def taped(exchange: Exchange, wire: Wire, record: PathLike | Recorder | None) -> Wire:
    """`wire`, in wrappers for the tapes that are active, and for that of the call, `record`."""
    for taping in tuple(active):
        wire = taping.wire(exchange, wire)
    return wire if record is None else _recorder(record).wire(exchange, wire)


def ataped(exchange: Exchange, wire: AWire, record: PathLike | Recorder | None) -> AWire:
    """The same for asyncio."""
    for taping in tuple(active):
        wire = taping.awire(exchange, wire)
    return wire if record is None else _recorder(record).awire(exchange, wire)


def _recorder(record: PathLike | Recorder) -> Recorder:
    from .recorder import Recorder

    return record if isinstance(record, Recorder) else Recorder(record)


def note(error: BaseException, missed: Exception) -> None:
    """Add to `error`, which goes before it, that a take was not written because of `missed`."""
    text = f"Besides, the recording failed: {type(missed).__name__}: {missed}"
    if text not in getattr(error, "__notes__", ()):
        error.add_note(text)
