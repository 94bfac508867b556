"""The tapes that this process records or plays at the moment: what a client asks when a stream begins.

Nothing of `sansio_core.tape` is loaded before somebody uses a tape.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Protocol

from sansio_core import Exchange, InvalidRequest

from ..drive import AWire, Wire
from .ways import PathLike

if TYPE_CHECKING:
    from sansio_core.providers import Provider

    from .recorder import Recorder


class Taping(Protocol):
    """A Recorder, or a Replay."""

    plays: bool
    """Whether it answers in place of the network."""

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
    for taping in _effective():
        wire = taping.wire(exchange, wire)
    return wire if record is None else _recorder(record).wire(exchange, wire)


def ataped(exchange: Exchange, wire: AWire, record: PathLike | Recorder | None) -> AWire:
    """The same for asyncio."""
    for taping in _effective():
        wire = taping.awire(exchange, wire)
    return wire if record is None else _recorder(record).awire(exchange, wire)


def asked(provider: Provider) -> Provider:
    """`provider`; while a tape is played, one that lacks a key is a copy with a key that no tape asks for."""
    if any(taping.plays for taping in tuple(active)):
        try:
            provider.check_key()
        except InvalidRequest:
            from sansio_core.tape.play import KEY

            provider = copy(provider)
            provider.api_key = KEY
    return provider


def _effective() -> list[Taping]:
    """The active ones, from the innermost replay on: it plays in place of all that is outside it."""
    tapings = list(active)  # another thread may leave its block meanwhile
    plays = [place for place, taping in enumerate(tapings) if taping.plays]
    return tapings[plays[-1] :] if plays else tapings


def _recorder(record: PathLike | Recorder) -> Recorder:
    from .recorder import Recorder

    if isinstance(record, Recorder):
        return record
    # What the blocks around the call blot out is private in its own tape as well.
    around = [taping for taping in tuple(active) if isinstance(taping, Recorder)]
    return Recorder(record, redact=[secret for taping in around for secret in taping.redact])


def note(error: BaseException, missed: Exception) -> None:
    """Add to `error`, which goes before it, that a take was not written because of `missed`."""
    text = f"Besides, the recording failed: {type(missed).__name__}: {missed}"
    if text not in getattr(error, "__notes__", ()):
        error.add_note(text)
