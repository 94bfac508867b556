"""Recorder: the file that takes are written to, and the two wires that record."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO  # at the interpreter's end, when a dropped stream may still be written, there is no `open`
from pathlib import Path
from typing import Self

from sansio_core import Exchange, InvalidRequest, Send, State
from sansio_core.errors import safe_repr
from sansio_core.tape.blots import Secret
from sansio_core.tape.format import FIRST_LINE
from sansio_core.tape.model import Take
from sansio_core.tape.recording import Recording
from sansio_core.tape.redact import checked_redact
from sansio_core.tape.writing import dumps

from ..drive import AWire, BothWires, Head, Wire
from .forks import watch_forks
from .taping import active, note
from .ways import PathLike


class _Files:
    """The files that are recorded to at the moment, and by how many: streams, and `with` blocks.

    While a file has users, nobody begins it anew, so that no take is lost.
    """

    def __init__(self) -> None:
        # Each take is one write under it. A stream that is collected may write its take while the same thread writes.
        self.lock = threading.RLock()
        self.users = Counter[str]()
        watch_forks(self)

    def _forked(self) -> None:
        """In a forked process: a thread of the parent may hold the lock. The parent goes on with its files."""
        self.lock = threading.RLock()


_files = _Files()


class Recorder:
    """Writes the takes of any number of streams to one tape; safe to share between threads, tasks and forks.

    A context manager: while it is entered, every stream that a client of this process begins is recorded.

    `path`: the file, in a folder that exists; symbolic links are followed. It is begun anew when the recorder is
    entered, or else before the first request of a stream; OSError is raised then, before anything is asked. A file
    that a stream of this process is recorded to already is not begun anew: both write to it. `redact`: a text, a
    compiled pattern, or several: blotted out besides keys and the like. Raises InvalidRequest for others.
    """

    plays = False

    def __init__(self, path: PathLike, *, redact: Secret | Iterable[Secret] = ()) -> None:
        self.path = _real(path)
        self.redact = checked_redact(redact)
        self._begun = False
        self._untold: list[Exception] = []

    def __repr__(self) -> str:
        return f"<Recorder to {self.path}>"

    def wire(self, exchange: Exchange, wire: Wire) -> Wire:
        """A wire that records what `wire` moves."""
        return wire if self._records(wire) else RecordedWire(exchange, wire, self)

    def awire(self, exchange: Exchange, wire: AWire) -> AWire:
        """The same for asyncio."""
        return wire if self._records(wire) else ARecordedWire(exchange, wire, self)

    def _records(self, wire: object) -> bool:
        """Whether `wire` writes the same takes to the same file already."""
        while isinstance(wire, _Recorded):
            if wire.recorder.path == self.path and set(self.redact) <= set(wire.recorder.redact):
                return True
            wire = wire.wire
        return False

    def __enter__(self) -> Self:
        with _files.lock:
            if _files.users[self.path]:
                raise InvalidRequest(f"{self.path} is being recorded to already: give each recording a file of its own")
            self._begun = False
            self.begin()
        active.append(self)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        active.remove(self)
        self.end()
        errors = [*([] if error is None else [error]), *self.untold()]
        for missed in errors[1:]:
            note(errors[0], missed)
        if errors and error is None:
            raise errors[0]

    def begin(self) -> None:
        """Use the file, which is begun anew unless this recorder or another one has begun it. Raises OSError."""
        with _files.lock:
            if not self._begun and not _files.users[self.path]:
                try:
                    with FileIO(self.path, "wb") as file, suppress(OSError):
                        # Where the disk is full, the first take that finds room brings the line (see `write`).
                        if file.write(FIRST_LINE) != len(FIRST_LINE):
                            file.truncate(0)
                except FileNotFoundError as error:
                    error.add_note(f"Make the folder {os.path.dirname(self.path)} first: a recording makes none.")
                    raise
                except OSError as error:
                    raise _no_clock(error) from None
            self._begun = True
            _files.users[self.path] += 1

    def end(self) -> None:
        """Use the file no longer."""
        with _files.lock:
            _files.users[self.path] -= 1
            if not _files.users[self.path]:
                del _files.users[self.path]

    def write(self, take: Take) -> None:
        """Add `take` to the file, whole or not at all. Raises OSError, and ValueError for what cannot be written."""
        data = dumps(take)
        # Opened for each take: between them a process may fork, or change its limits, and nothing is left open.
        with _files.lock, FileIO(self.path, "ab") as file:
            size = os.fstat(file.fileno()).st_size
            left = memoryview(data if size else FIRST_LINE + data)
            try:
                while left:
                    left = left[file.write(left) :]
            except BaseException as error:
                with suppress(OSError):  # a device has no size
                    file.truncate(size)
                if isinstance(error, OSError):
                    error.filename = self.path
                raise

    def missed(self, error: Exception) -> Exception:
        """A take was not written because of `error`, which is given back as it is to be raised, with a note."""
        if isinstance(error, OSError):
            error = _no_clock(error)
        error.add_note(f"This request is not in the tape {self.path}; the stream itself went on as ever.")
        self._untold.append(error)
        return error

    def untold(self) -> list[Exception]:
        """What kept takes from being written and was raised to nobody; each is given once."""
        untold, self._untold = self._untold, []
        return untold

    def told(self, error: Exception) -> None:
        """`error` is raised to the user."""
        with suppress(ValueError):
            self._untold.remove(error)


def _no_clock(error: OSError) -> OSError:
    """`error`, unless it is a TimeoutError (of a network's file system): that would be one of the answer's clocks."""
    return OSError(str(error)) if isinstance(error, TimeoutError) else error


def _real(path: PathLike) -> str:
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(name, str) or not name or "\0" in name:
        raise InvalidRequest(f"a tape is recorded to the path of a file, not to {safe_repr(path)}")
    if Path(name).is_fifo():  # each take would wait until somebody opens its other end
        raise InvalidRequest(f"a tape is recorded to a file, and {name} is a pipe")
    return os.path.realpath(name)


class _Recorded:
    """The methods of a wire that both colours have alike. A take ends where its response is left."""

    def __init__(self, exchange: Exchange, wire: BothWires, recorder: Recorder) -> None:
        self.wire, self.recorder = wire, recorder
        self._exchange = exchange
        self._recording = Recording(exchange, redact=recorder.redact)
        self._using = False
        self._left = 0.0
        self._missed: Exception | None = None
        self.now, self.check_place, self.cancel = wire.now, wire.check_place, wire.cancel

    @property
    def abandoned(self) -> bool:
        return self.wire.abandoned

    def leave(self) -> None:
        # Before a Send, this is the time at which the exchange gave it; writing the take before may take a while.
        self._left = self.now()
        try:
            self.wire.leave()
        finally:
            self._end(self._left)
            # Before that, the stream goes on; where it failed, it is closed next.
            if self._exchange.state is State.DONE:
                self._over(told=True)

    def close(self) -> None:
        try:
            self.wire.close()
        finally:
            if not self.abandoned:
                self._end(self.now() if self._using else 0.0)
                under_way = sys.exception()
                if self._missed is not None and under_way is not None and not isinstance(under_way, Exception):
                    note(under_way, self._missed)  # a cancellation or an interrupt must arrive as such
                    self._missed = None
                # What else is being raised goes before this as well (see BaseStream): the block raises it then.
                self._over(told=under_way is None)

    def _sent(self, action: Send) -> None:
        if not self._using:
            self.recorder.begin()
            self._using = True
        self._recording.sent(action.request, self._left)

    def _end(self, now: float) -> None:
        """Write the take that is under way, if any."""
        try:
            if self._using and (take := self._recording.take(now)) is not None:
                self.recorder.write(take)
        except Exception as error:  # noqa: BLE001  the stream goes on; it is raised at its end
            self._missed = self._missed or self.recorder.missed(error)

    def _over(self, *, told: bool) -> None:
        """The stream has ended. Raises what kept a take of it from being written, once."""
        if self._using:
            self._using = False
            self.recorder.end()
        missed, self._missed = self._missed, None
        if missed is not None:
            if told:
                self.recorder.told(missed)
            raise missed


class RecordedWire(_Recorded):
    """A blocking wire that is recorded."""

    wire: Wire

    def __init__(self, exchange: Exchange, wire: Wire, recorder: Recorder) -> None:
        super().__init__(exchange, wire, recorder)
        self.sleep, self.call = wire.sleep, wire.call

    def send(self, action: Send, deadline: float | None) -> Head:
        self._sent(action)
        try:
            head = self.wire.send(action, deadline)
        except BaseException as error:
            self._recording.failed(error, self.now())
            raise
        self._recording.head(head[0], tuple(head[1]), self.now())
        return head

    def read(self, deadline: float | None) -> bytes:
        try:
            data = self.wire.read(deadline)
        except BaseException as error:
            self._recording.failed(error, self.now())
            raise
        self._recording.data(data, self.now(), deadline)
        return data


class ARecordedWire(_Recorded):
    """The same for asyncio."""

    wire: AWire

    def __init__(self, exchange: Exchange, wire: AWire, recorder: Recorder) -> None:
        super().__init__(exchange, wire, recorder)
        self.sleep, self.call = wire.sleep, wire.call

    async def send(self, action: Send, deadline: float | None) -> Head:
        self._sent(action)
        try:
            head = await self.wire.send(action, deadline)
        except BaseException as error:
            self._recording.failed(error, self.now())
            raise
        self._recording.head(head[0], tuple(head[1]), self.now())
        return head

    async def read(self, deadline: float | None) -> bytes:
        try:
            data = await self.wire.read(deadline)
        except BaseException as error:
            self._recording.failed(error, self.now())
            raise
        self._recording.data(data, self.now(), deadline)
        return data
