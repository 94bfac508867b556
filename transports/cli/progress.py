"""Progress: what is shown of a run while it goes on, tqdm's bar on a terminal, elsewhere a line each 10 seconds."""

from __future__ import annotations

import os
import stat
import threading
from collections import deque
from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Any, Self

from ..batch.run import GRACE, Summary

_LOOK = 0.2  # seconds between two looks at the run
_LINE = 10.0  # and between two lines
_SPAN = 60.0  # seconds over which the speed is measured; longer, until so many rows have ended
_FEW = 10  # rows
_HOLD = 30.0  # seconds: a wait for the server that is worth a line
_CHUNK = 1 << 20
_READING = "the output is being read"
_ORDERING = "the output is being put into the order of the input"
_FORMAT = "{percentage:3.0f}% {bar} {desc}"
_BAR = 10  # columns that are left to it, where there are so many


class Progress:
    """Shows the state of a run, from a thread of its own, while its `with` is open: the run never waits for it.

    `summary` gives the run's Summary as it is. `say` writes a line. `draw` writes a line in place of the one before, of
    `columns` characters at most; None where there is no terminal. `path` is the input's, whose lines are counted, so
    that the time left is known; "-" is not counted.
    """

    def __init__(
        self,
        summary: Callable[[], Summary],
        path: str,
        say: Callable[[str], None],
        draw: Callable[[str], None] | None = None,
        columns: Callable[[], int] = lambda: 80,
    ) -> None:
        self._summary, self._path, self._say, self._draw, self._columns = summary, path, say, draw, columns
        self._total: int | None = None
        self._marks: deque[tuple[float, int, int]] = deque(maxlen=3600)  # the rows and tokens of a time, each second
        self._skipped = 0  # as it was at the last look
        self._told: set[str] = set()
        self._held = 0.0  # until when the server has everybody wait, as far as it was said
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batch-progress", daemon=True)

    def __enter__(self) -> Self:
        threading.Thread(target=self._count, name="batch-count", daemon=True).start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    # --- in the threads -----------------------------------------------------------------------------------------------

    def _count(self) -> None:
        """The lines of the input, which may take a while."""
        try:
            if not stat.S_ISREG(os.stat(self._path).st_mode):  # what a pipe has would be lost
                return
            total, chunk = 0, b""
            with open(self._path, "rb", buffering=0) as file:
                while data := file.read(_CHUNK):
                    chunk = data
                    total += chunk.count(b"\n")
                    if self._over.is_set():
                        return
        except OSError:  # the run says so
            return
        self._total = total + (chunk != b"" and not chunk.endswith(b"\n"))

    def _run(self) -> None:
        meter = _meter() if self._draw is not None else None
        line = monotonic()
        while not self._over.wait(_LOOK):
            now, summary = monotonic(), self._summary()
            other = self._look(summary, now)
            if self._draw is not None and meter is not None:
                self._draw(other or self._bar(meter, summary, now))
            elif now - line >= _LINE:
                line = now
                self._say(other or ", ".join(self._parts(summary, now)))

    def _look(self, summary: Summary, now: float) -> str:
        """Take note of a run's state; returns what it does while it asks nothing, "" where it asks."""
        if not summary.window:
            return _READING
        self._tell(summary, now)
        if summary.ordering:
            return _ORDERING
        before, self._skipped = self._skipped, summary.skipped
        if summary.skipped > before and not summary.in_flight:  # and no speed is taken of this time
            return f"passing over rows that are done: {summary.skipped:,}"
        self._mark(summary, now)
        return ""

    def _mark(self, summary: Summary, now: float) -> None:
        marks = self._marks
        if not marks or now - marks[-1][0] >= 1:
            marks.append((now, summary.rows, summary.output_tokens))
        while now - marks[0][0] > _SPAN and summary.rows - marks[1][1] >= _FEW:
            marks.popleft()

    def _speeds(self, summary: Summary, now: float) -> tuple[float, float]:
        """The rows and the tokens of a second, of late."""
        began, rows, tokens = self._marks[0]
        seconds = max(now - began, _LOOK)
        return (summary.rows - rows) / seconds, (summary.output_tokens - tokens) / seconds

    def _tell(self, summary: Summary, now: float) -> None:
        """Say what has happened since the last look."""
        if summary.answered_before and (summary.rows or summary.in_flight):
            done = counted(summary.answered_before, "row")
            self._once("resumed", f"{done} answered already, and not asked again")
        if summary.interrupted and summary.in_flight:
            flying = f"{summary.in_flight:,} in flight may end ({GRACE:g} s)"
            self._once("interrupted", f"no new rows; {flying}, Ctrl-C again cancels them")
        if summary.away is None:
            self._told.discard("away")
        else:
            self._once("away", f"{summary.away}: everybody waits for it")
        if summary.held >= _HOLD and now > self._held:
            self._held = now + summary.held
            self._say(f"the server asks to slow down: everybody waits {clock(summary.held)}")

    def _once(self, what: str, words: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self._say(words)

    # --- the words ----------------------------------------------------------------------------------------------------

    def _parts(self, summary: Summary, now: float) -> list[str]:
        """The facts of a run in words, the most important first."""
        done = summary.skipped + summary.rows
        if self._total is not None and done > self._total:  # the input grows
            self._total = None
        rows, tokens = self._speeds(summary, now)
        parts = [f"{done:,} rows" if self._total is None else f"{done:,} of {self._total:,} rows"]
        if summary.failed:
            parts.append(f"{summary.failed:,} failed")
        parts += self._times(summary, done, rows)
        parts.append(f"{_speed(rows)} rows/s")
        if tokens:
            parts.append(f"{_speed(tokens)} tokens/s")
        parts.append(f"{summary.window:,} at once")
        if summary.refused:
            parts.append(f"{summary.refused:,} refused")
        return parts

    def _times(self, summary: Summary, done: int, rows: float) -> list[str]:
        """A wait that goes on, or the time that is left at so many `rows` a second, where it is known."""
        if summary.interrupted:
            return [f"{summary.in_flight:,} in flight may end"]
        if summary.held >= 1:
            return [f"waiting {clock(summary.held)}"]
        if rows and self._total is not None:
            return [f"{clock((self._total - done) / rows)} left"]
        return []

    def _bar(self, meter: Any, summary: Summary, now: float) -> str:
        """The bar, and so many words as leave it room."""
        parts, columns = self._parts(summary, now), self._columns()
        while len(parts) > 1 and len(", ".join(parts)) > columns - _BAR:
            parts.pop()
        words = ", ".join(parts)
        if self._total is None:
            return words
        done = min(summary.skipped + summary.rows, self._total)
        bar: str = meter(done, self._total, 0, ncols=columns, prefix=words, bar_format=_FORMAT)
        return bar


def _meter() -> Any:
    """The function that makes the bar; None without tqdm."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    # It alone, and no bar that draws itself: that would need the terminal for itself, and a thread and a lock more.
    return tqdm.format_meter


def _speed(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def counted(number: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def clock(seconds: float) -> str:
    """`34 s`, `5:41`, `1:05:41`."""
    minutes, rest = divmod(ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
