"""What is piped into the command: the text on standard input, and files. Used by `ask.py` and `chat.py`."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from sansio_core import FilePart, InvalidRequest

from .._shared.files import read
from .exit import say

_MOST = 100 * 2**20  # bytes; more than any vendor takes in one request
_QUIET = 2.0  # seconds of waiting for the first byte, before a line on standard error says so
_PATIENCE = 60.0  # and before waiting ends, where there is a question already


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The file at `path`, or for - standard input, which stays open."""
    if path != "-":
        with open(path, "rb") as file:
            yield file
    elif sys.stdin is None:
        raise InvalidRequest("standard input is closed: name a file")
    else:
        yield sys.stdin.buffer


def typed_or_piped() -> str:
    """The text on standard input, which the user asked to have read: also from a terminal, and however long it takes.

    Raises InvalidRequest for what is no text.
    """
    return _text(_bytes())


def piped_beside(asked: bool) -> str:
    """The text on standard input where that is a pipe, a file or a socket; "" for all else, as a terminal.

    `asked`: there is a question already, and the text is added to it. So a pipe that stays silent may be one that
    nobody meant to write to, as programs give it to those that they start: it is waited for _PATIENCE seconds. A file
    that another program has begun to read is left to it, as to a shell's `while read` loop. Raises InvalidRequest for a
    pipe that stays silent, and for what is no text.
    """
    try:
        fd = sys.stdin.fileno()
        kind = os.fstat(fd).st_mode
    except (AttributeError, OSError, ValueError):  # it is closed, or no file of the system
        return ""
    if stat.S_ISREG(kind):
        if asked and os.lseek(fd, 0, os.SEEK_CUR):
            say("standard input is left to the program that has begun to read it (-f - reads the rest of it)")
            return ""
    elif not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        return ""
    elif asked:
        _await(fd)
    return _text(_bytes())


def file_of(path: str) -> FilePart:
    """The file at `path` or URL, or for - what is piped in. Raises OSError, or InvalidRequest for what is no file."""
    if path == "-":
        data = _bytes()
        if not data:
            raise InvalidRequest("standard input is empty")
        part = FilePart(data)
        return part if part.known_type else FilePart(_text(data).encode(), "text/plain")
    try:
        part = read(FilePart(path))
    except InvalidRequest as error:
        if isinstance(error.__context__, OSError):  # it has an exit code of its own
            raise error.__context__ from None
        raise
    if part.url is None and part.known_type is None:
        raise InvalidRequest(f"{path!r} is no text in UTF-8, and neither its name nor its first bytes tell what it is")
    return part


def _await(fd: int) -> None:
    """Wait until the pipe has its first bytes, or its end. On Windows, where that cannot be seen, reading waits."""
    if os.name == "nt":
        return
    import select

    if select.select([fd], [], [], _QUIET)[0]:
        return
    say("waiting for standard input; give </dev/null if there is none")
    if not select.select([fd], [], [], _PATIENCE - _QUIET)[0]:
        raise InvalidRequest(
            f"nothing came on standard input within {_PATIENCE:g} s: give </dev/null if there is none, "
            "or -f - to wait for it"
        )


def _bytes() -> bytes:
    if sys.stdin is not None and sys.stdin.isatty():
        say("reading from the terminal: Ctrl-D on a line of its own ends it")
    with opened("-") as source:
        data = source.read(_MOST + 1)
    if len(data) > _MOST:
        raise InvalidRequest(f"standard input has more than {_MOST >> 20} MiB: no provider takes that")
    return data


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"standard input is not UTF-8 (byte {error.start}); a PDF, an image or an audio goes with -a -"
        ) from None
