"""Journal: the output file, which is also the only record of what was asked."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from array import array
from contextlib import suppress
from typing import Any, BinaryIO, Self

from sansio_core import InvalidRequest

from .._shared.ways import PathLike
from .history import History
from .locking import opened, sync_folder
from .order import write_in_order
from .output_lines import BEGINNING, CHUNK, chunks, dump_line, is_json, read_lines

_SYNC = 1.0  # seconds: what a power cut may cost


class Journal:
    """The output of a run, opened to add rows; a context manager.

    A torn last line, as a killed run leaves it, is cut off. `settings`: 8 hex digits, the digest of all that answers
    depend on besides their rows. `fresh`: the rows of the file are not read, and are deleted by `begin_anew`.
    `retry_failed`: rows with an error are asked again. The file is locked while it is open (see `locking`).

    Raises InvalidRequest, and leaves the file as it is, if it is no output, or no regular file, if another run writes
    it, or if it has rows of other settings; OSError if it cannot be opened.
    """

    def __init__(self, path: PathLike, settings: str, *, fresh: bool = False, retry_failed: bool = False) -> None:
        self._settings = settings.encode()
        self.history = History(retry_failed)
        """The rows that the file had when it was opened."""
        self._failure: OSError | None = None
        self._unsynced = self._old = False
        self._closing = threading.Event()
        self.path, self._fd = opened(path)
        try:
            self._begin(fresh)
        except BaseException:
            os.close(self._fd)
            raise
        self.history.settle()
        self._syncer = threading.Thread(target=self._sync_each_second, name="batch-fsync", daemon=True)
        self._syncer.start()

    def begin_anew(self) -> None:
        """Delete what a file that is begun `fresh` had before: not sooner than there is a row, or no row will be."""
        if self._old:
            os.ftruncate(self._fd, 0)
            self._old = False

    def write(self, line: dict[str, Any]) -> None:
        """Add a row, whole or not at all. Raises OSError."""
        if self._failure is not None:
            raise self._failure
        self.begin_anew()
        self._add(dump_line(line))
        self._unsynced = True

    def in_order(self, keys: array[int]) -> None:
        """Write the file anew, its rows in the order of `keys`, those of the input's lines (0: blank), and close it.

        A line with an error that was replaced falls out; rows that are not in the input any more stand at the end. If
        this is interrupted, the file is as it was before; `keys` are used up. Raises OSError.
        """
        self._stop_syncing()
        self._sync()
        self.history = History()  # the memory is needed
        new = f"{self.path}.in-order~"
        with suppress(FileNotFoundError):  # of a run that was killed meanwhile: the lock says that nobody writes it now
            os.unlink(new)
        try:
            with self._reader() as source, open(new, "xb", CHUNK, opener=_private) as to:
                write_in_order(source, to, keys)
                to.flush()
                os.chmod(new, stat.S_IMODE(os.fstat(self._fd).st_mode))
                os.fsync(to.fileno())
            if sys.platform == "win32":  # there a file that is open cannot be replaced
                self.close()
            os.replace(new, self.path)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(new)
            if isinstance(error, OSError) and error.filename is None:
                error.filename = new
            raise
        sync_folder(self.path)
        self.close()

    def close(self) -> None:
        """Write what the system holds back to the disk, and close the file. Raises OSError, also where it is gone."""
        if self._fd < 0:
            return
        try:
            self._stop_syncing()
            self._sync()
            if self._failure is not None:
                raise self._failure
        finally:
            os.close(self._fd)  # and the lock with it
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()
            return
        with suppress(OSError):  # what is being raised goes first
            self.close()

    # --- writing ------------------------------------------------------------------------------------------------------

    def _add(self, data: bytes) -> None:
        written = 0
        try:
            written = os.write(self._fd, data)
            while written < len(data):  # a signal came, or the disk is full: then the next call raises
                written += os.write(self._fd, data[written:])
        except BaseException as error:
            if written:
                self._cut(written)
            if isinstance(error, OSError):
                error.filename = self.path
            raise

    def _cut(self, torn: int) -> None:
        """Cut off the last `torn` bytes."""
        try:
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - torn)
        except OSError as error:
            error.filename = self.path
            self._failure = error  # another row would stand on the same line

    def _sync_each_second(self) -> None:
        while not self._closing.wait(_SYNC):
            try:
                self._sync()
            except OSError as error:
                self._failure = error
                return

    def _sync(self) -> None:
        if self._unsynced:
            self._unsynced = False
            try:
                os.fsync(self._fd)
            except OSError as error:
                error.filename = self.path
                raise
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._fd), os.stat(self.path)):
                    return
            # as an editor does that saves it
            said = "it was moved, deleted or replaced while it was being written; put it back first"
            raise OSError(errno.ENOENT, said, self.path)

    def _stop_syncing(self) -> None:
        self._closing.set()
        self._syncer.join()

    # --- reading ------------------------------------------------------------------------------------------------------

    def _begin(self, fresh: bool) -> None:
        size = os.fstat(self._fd).st_size
        with self._reader() as file:
            # A file of others may be one line of gigabytes.
            if not BEGINNING.startswith(file.read(len(BEGINNING))):
                raise self._no_row(1)
            file.seek(0)
            keep = self._read(file, size, fresh)
        if keep < size:
            os.ftruncate(self._fd, keep)
        if not size:
            sync_folder(self.path)

    def _reader(self) -> BinaryIO:
        os.lseek(self._fd, 0, os.SEEK_SET)  # rows are added at the end all the same
        return open(self._fd, "rb", closefd=False, buffering=1 << 14)

    def _read(self, file: BinaryIO, size: int, fresh: bool) -> int:
        """Count the rows of `file`, which has `size` bytes. Returns how many of these bytes are kept."""
        count, lines = 0, b""
        for lines in chunks(file):
            for said in read_lines(lines):
                if isinstance(said, bytes):
                    count += 1
                    if self._is_torn(said, count):
                        return size - len(said)
                elif fresh:
                    self._old = True
                    return size
                else:
                    if {*said.settings} != {self._settings}:
                        raise self._others()
                    self.history.add(said.keys, said.failed, said.again)
                    count += len(said.keys)
        if lines[-1:] not in (b"", b"\n"):  # the row is whole but for its line end
            self._add(b"\n")
        return size

    def _is_torn(self, line: bytes, number: int) -> bool:
        """Whether a `line` that is no row was cut at the end of the file; False if it is blank.

        Raises InvalidRequest for any other.
        """
        if not line.endswith(b"\n") and not is_json(line):
            return True
        if number == 1 or not line.isspace():
            raise self._no_row(number)
        return False

    def _no_row(self, number: int) -> InvalidRequest:
        if number == 1:
            return InvalidRequest(
                f"{self.path} is no output of a batch, and is left as it is: give the output another name"
            )
        return InvalidRequest(
            f"{self.path}, line {number}, is no row of an output: it was damaged, or changed. Delete this line: "
            "then its row is asked again"
        )

    def _others(self) -> InvalidRequest:
        return InvalidRequest(
            f"{self.path} has answers of other settings (another model, template, system text, option or host): give "
            "the output another name, or begin it anew with fresh=True, which deletes them"
        )


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
