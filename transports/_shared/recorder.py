"""Recorder: the file that takes are written to, and the two wires that record."""

from __future__ import annotations

from sansio_core import Exchange

from ..drive import AWire, Wire
from .ways import PathLike


class Recorder:
    """Writes the takes of any number of streams to one tape."""

    plays = False

    def __init__(self, path: PathLike) -> None:
        self.path = path

    def wire(self, exchange: Exchange, wire: Wire) -> Wire:
        """A wire that records what `wire` moves."""
        raise NotImplementedError

    def awire(self, exchange: Exchange, wire: AWire) -> AWire:
        """The same for asyncio."""
        raise NotImplementedError
