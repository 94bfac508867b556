"""The status line: what is waited for, on a terminal, once nothing was to be seen for a second. An observer."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from math import ceil
from time import monotonic
from urllib.parse import urlsplit

from sansio_core import Exchange
from sansio_core.observer import (
    Asked,
    AttemptBegan,
    Connected,
    Ended,
    FirstText,
    HeadReceived,
    Notice,
    Observer,
    PlaceAwaited,
    Waiting,
)

from .exit import message_of
from .terminal import has_status_line, show_status

_EVERY = 1.0  # seconds between two looks


def status_line(*, until_text: bool = True) -> Observer | None:
    """An observer that draws the status line; None where standard error is no terminal that can show one.

    With `until_text` it ends before the first text that goes to the terminal too; else it ends with the answer.
    """
    return _StatusLine(until_text and sys.stdout.isatty()) if has_status_line() else None


class _StatusLine:
    """The status line of one exchange after another."""

    def __init__(self, until_text: bool) -> None:
        self._until_text = until_text
        self._over = threading.Event()
        self._model = ""
        self._since = 0.0  # when the attempt began
        self._words: Callable[[], str] = str

    def __call__(self, exchange: Exchange, notice: Notice) -> None:
        match notice:
            case Asked(request):
                self._model = request.model or exchange.provider.model or exchange.provider.info.name
                self._over = threading.Event()
                threading.Thread(target=self._run, args=(self._over,), name="status line", daemon=True).start()
            case AttemptBegan(attempt, of, request):
                self._since = monotonic()
                again = f", attempt {attempt} of {of}" if attempt > 1 else ""
                self._say(f"connecting to {urlsplit(request.url).hostname}{again}")
            case PlaceAwaited(None):
                self._say("waiting for a free connection")
            case Connected() | HeadReceived():
                self._say(f"waiting for {self._model}")
            case FirstText() if not self._until_text:
                self._say(f"{self._model} is answering")
            case Waiting(seconds, error, attempt, of):
                until, reason = monotonic() + seconds, message_of(error).partition("\n")[0]
                end = f"(attempt {attempt + 1} of {of}): {reason}"
                self._words = lambda: f"retrying in {max(0, ceil(until - monotonic()))} s {end}"
            case FirstText() | Ended():
                self._over.set()
                show_status("", self._over)

    def _say(self, words: str) -> None:
        self._words = lambda: f"{words} ({monotonic() - self._since:.0f} s)"

    def _run(self, over: threading.Event) -> None:
        while not over.wait(_EVERY):
            show_status(self._words(), over)
