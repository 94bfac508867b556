"""Draft: a recording that is held in memory until it is known to be wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from sansio_core.tape.blots import Secret
from sansio_core.tape.format import FIRST_LINE
from sansio_core.tape.model import Take
from sansio_core.tape.writing import dumps

from .recorder import Recorder
from .taping import active
from .ways import PathLike


class Draft(Recorder):
    """A recorder whose file `save` alone writes, all at once: until then an older one there stays as it is.

    `takes`: those that ended so far, as text. `streams`: one for each stream that is recorded and has not ended.
    `lost`: what kept takes from being recorded; raised at the end of their streams, and not again by the `with`.
    """

    def __init__(self, path: PathLike, *, redact: Secret | Iterable[Secret] = ()) -> None:
        super().__init__(path, redact=redact)
        self.takes: list[bytes] = []
        self.lost: list[Exception] = []
        self.streams: list[None] = []  # no number, as two threads may change it at once

    def __enter__(self) -> Self:
        active.append(self)
        return self

    def __exit__(self, *left_by: object) -> None:
        with suppress(ValueError):  # it was left already
            active.remove(self)

    def begin(self) -> None:
        self.streams.append(None)

    def end(self) -> None:
        self.streams.pop()

    def write(self, take: Take) -> None:
        """Add `take`. Raises ValueError for what cannot be written."""
        self.takes.append(dumps(take))

    def missed(self, error: Exception) -> Exception:
        self.lost.append(error)
        return super().missed(error)

    def save(self) -> None:
        """Write the file, and make its folder if need be. Raises OSError."""
        path = Path(self.path)
        path.parent.mkdir(exist_ok=True)
        whole = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
        try:
            whole.write_bytes(FIRST_LINE + b"".join(self.takes))
            os.replace(whole, path)
        finally:
            whole.unlink(missing_ok=True)
