"""A file that one process alone writes: opened, and locked until it is closed.

The lock is flock's: the system gives it back when the process ends, however it does. On Windows, and on file systems
that have none, there is no lock, and two runs at once would ask the same rows.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress

from sansio_core import InvalidRequest
from sansio_core.errors import safe_repr

from .._shared.ways import PathLike

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def opened(path: PathLike) -> tuple[str, int]:
    """The real path of the file, which is made if need be, and its descriptor, for reading and for adding at the end.

    Raises InvalidRequest if it is no regular file, or is locked by another process; OSError.
    """
    real = _checked(path)
    while True:
        fd = os.open(real, _FLAGS, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise _no_file(real)
            _lock(fd, real)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(fd), os.stat(real)):
                    return real, fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # the run that had the lock has put another file in its place (Journal.in_order)


def sync_folder(path: str) -> None:
    """Write the folder of the file `path` to the disk: only then has the file its name after a power cut."""
    with suppress(OSError):  # Windows opens no folders, and some file systems do not sync them
        fd = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _checked(path: PathLike) -> str:
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(name, str) or not name or "\0" in name:
        raise InvalidRequest(f"the output is the path of a file, not {safe_repr(path)}")
    with suppress(FileNotFoundError):
        # Before it is opened, as opening a device may do something; and /dev/stdout has no real path.
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise _no_file(name)
    return os.path.realpath(name)


def _no_file(name: str) -> InvalidRequest:
    kind = "a folder" if os.path.isdir(name) else "a pipe or a device"
    return InvalidRequest(f"{name} is {kind}: the output must be a file, which a run that is resumed reads again")


def _lock(fd: int, path: str) -> None:
    if sys.platform == "win32":  # msvcrt.locking locks bytes below 2 GiB alone, and nobody could read these meanwhile
        return
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InvalidRequest(f"{path} is being written by another run: wait for its end, or use another file") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
