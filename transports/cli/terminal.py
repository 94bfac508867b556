"""The terminal on which the answer, the messages and the status line may meet: each begins on a line of its own.

What goes to a file or into a pipe is written as it is; only where both streams end on a terminal is anything added.
On a terminal, and in messages, no text can give the terminal commands.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TextIO

CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160)], "�")
"""For str.translate: what a terminal may take for commands."""
_lock = threading.RLock()  # the status line is drawn by a thread
_unended = False
"""Whether the last line on the terminal is a piece of the answer, without its newline."""
_status = False
"""Whether the last line is the status line."""


def write_text(out: TextIO, text: str) -> None:
    """Write a piece of the answer and flush, so that a reader at the other end of a pipe gets it now."""
    global _unended
    if not out.isatty():
        out.write(text)
        out.flush()
        return
    with _lock:
        _erase()
        out.write(text.translate(CONTROLS))
        out.flush()
        _unended = not text.endswith("\n")


def end_text(out: TextIO, last: str) -> None:
    """End the answer's last line, if its `last` character has not, or a message on the same terminal."""
    if _unended if out.isatty() else last != "\n":
        write_text(out, "\n")


def write_message(text: str) -> None:
    """Write whole lines to standard error."""
    global _unended
    with _lock, suppress(OSError, ValueError):  # standard error is closed
        if sys.stderr is None:
            return
        _erase()
        if sys.stderr.isatty():
            sys.stderr.write("\n" if _unended else "\r")  # over the ^C that a terminal shows
            _unended = False
        sys.stderr.write(text.translate(CONTROLS))
        sys.stderr.flush()


def show_status(text: str, over: threading.Event) -> None:
    """Show `text`, cut to the terminal's width, as the status line; once `over` is set, none is shown any more."""
    global _status
    with _lock, suppress(OSError, ValueError):
        _erase()
        if over.is_set() or _unended:
            return
        plain = "".join(letter if letter.isprintable() else " " for letter in text)
        sys.stderr.write(_cut(plain, columns() - 1))  # a line that wraps could not be erased
        sys.stderr.flush()
        _status = True


def has_status_line() -> bool:
    """Whether standard error is a terminal on which a line can be drawn over."""
    if sys.stderr is None or not sys.stderr.isatty():
        return False
    return os.environ.get("TERM", "dumb" if sys.platform != "win32" else "") != "dumb"


def _erase() -> None:
    global _status
    if _status:
        _status = False
        # Spaces, as not every console of Windows knows ESC [ K; over the whole line, as Ctrl-C writes ^C at its end.
        sys.stderr.write("\r" + " " * (columns() - 1) + "\r")
        sys.stderr.flush()


def _cut(text: str, room: int) -> str:
    """So much of `text` as has room in so many columns."""
    if text.isascii():
        return text[:room]
    from unicodedata import east_asian_width

    for place, letter in enumerate(text):
        room -= 2 if east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[:place]
    return text


def columns() -> int:
    """The width of the terminal."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    return 80
