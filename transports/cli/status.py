"""The status line: what is waited for, on a terminal, once nothing was to be seen for a second. An observer."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from math import ceil
from time import monotonic
from urllib.parse import urlsplit

from sansio_core import ChatError, ChatRequest, Exchange, ModelList
from sansio_core.observer import (
    Asked,
    AttemptBegan,
    Connected,
    Ended,
    FirstText,
    HeadReceived,
    Notice,
    PlaceAwaited,
    Waiting,
)

from .exit import message_of
from .terminal import show_status

_EVERY = 1.0  # seconds between two looks


class StatusLine:
    """The status line of one exchange after another.

    It ends before the first text, where that goes to the terminal too; with `whole_answer`, of which nothing is to be
    seen before its end, it ends with the answer.
    """

    def __init__(self, *, whole_answer: bool) -> None:
        self._until_text = not whole_answer and sys.stdout is not None and sys.stdout.isatty()
        self._over = threading.Event()
        self._awaited = ""
        self._since = 0.0  # when the attempt began
        self._words: Callable[[], str] = str

    def __call__(self, exchange: Exchange, notice: Notice) -> None:
        match notice:
            case Asked(request):
                self._awaited = _awaited(exchange, request)
                self._over = threading.Event()
                threading.Thread(target=self._run, args=(self._over,), name="status line", daemon=True).start()
            case AttemptBegan(attempt, of, request):
                self._since = monotonic()
                again = f", attempt {attempt} of {of}" if attempt > 1 else ""
                self._say(f"connecting to {urlsplit(request.url).hostname}{again}")
            case PlaceAwaited(None):
                self._say("waiting for a free connection")
            case Connected() | HeadReceived():
                self._say(f"waiting for {self._awaited}")
            case FirstText() if not self._until_text:
                self._say(f"{self._awaited} is answering")
            case Waiting(seconds, error, attempt, of):
                self._wait(seconds, f"(attempt {attempt + 1} of {of})", error)
            case FirstText() | Ended():
                self._over.set()
                show_status("", self._over)

    def _say(self, words: str) -> None:
        self._words = lambda: f"{words} ({monotonic() - self._since:.0f} s)"

    def _wait(self, seconds: float, which: str, error: ChatError) -> None:
        until, reason = monotonic() + seconds, message_of(error).partition("\n")[0]
        reason = reason.removesuffix(f" (after {error.attempts} attempts)")  # this line counts them itself
        self._words = lambda: f"retrying in {max(0, ceil(until - monotonic()))} s {which}: {reason}"

    def _run(self, over: threading.Event) -> None:
        while not over.wait(_EVERY):
            show_status(self._words(), over)


def _awaited(exchange: Exchange, request: ChatRequest) -> str:
    """The name of what is waited for."""
    if isinstance(exchange, ModelList):
        return "the list of models"
    return request.model or exchange.provider.model or exchange.provider.info.name
