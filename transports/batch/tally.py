"""Tally: the counts of an output file, made in one pass and in bounded memory, for the report."""

from __future__ import annotations

import json
import os
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappush, heapreplace
from pathlib import Path
from typing import IO, Any, Final

from sansio_core import InvalidRequest

from .bins import Histogram, Timeline
from .keys import BUCKETS, SHIFT
from .output_lines import key_number

_LONGEST: Final = 1 << 25  # bytes: a longer line is no row of a batch, and is not held in memory
_FOREIGN: Final = 100  # lines that are read of a file before it is clear that it is no output
_NAMES: Final = 20  # models, settings or classes of errors that are counted apart
OTHERS: Final = "others"
_decode: Final = json.JSONDecoder().decode  # json.loads guesses the encoding of bytes first
_YEAR_10000: Final = 253_402_300_800.0  # seconds since the epoch; Python's dates end there
_SLOWEST: Final = 20
_ID: Final = 80  # characters that are kept of an id, a model, a class
_MESSAGE: Final = 400


class Names:
    """How often each name occurs; names after the first 20 are counted together, as `OTHERS`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, name: object) -> str:
        """Count one; returns the name by which it is counted."""
        if isinstance(name, str) and name in self.counts:
            self.counts[name] += 1
            return name
        known = name[:_ID] if isinstance(name, str) and name else "none given"
        if known not in self.counts and len(self.counts) >= _NAMES:
            known = OTHERS
        self.counts[known] += 1
        return known


@dataclass(frozen=True, slots=True)
class Example:
    """The first error of a class: its row and message."""

    row: int
    message: str


@dataclass(frozen=True, slots=True)
class Slow:
    """An answered row. `id`: "" where it has none; `output`: its tokens."""

    row: int
    id: str
    seconds: float
    first_text: float | None
    output: float | None


class Tally:
    """The counts of an output file.

    `rows` counts each line of the input once: a row that was asked again (`--retry-failed`) counts as what it became.
    Refusals, tokens and times are those of all lines. `begin` and `end`: seconds since the epoch, None before the first
    row with a time. `odd` counts lines that are no rows of a batch; `odd_lines` has the numbers of the first three.
    """

    def __init__(self) -> None:
        self.lines = self.answered = self.retried = self.refused = self.asked_again = self.without_usage = 0
        self.input_tokens = self.output_tokens = 0.0
        self.begin: float | None = None
        self.end: float | None = None
        self.models, self.settings, self.finished = Names(), Names(), Names()
        self.errors = Names()
        self.examples: dict[str, Example] = {}
        self.first_text, self.speed = Histogram(), Histogram()
        self.timeline = Timeline()
        self.slowest: list[Slow] = []
        self.odd = 0
        self.odd_lines: list[int] = []
        self._failures = _Failures()
        self._heap: list[tuple[float, int, Slow]] = []  # the second makes each different

    @property
    def failed(self) -> int:
        """How many rows are failed."""
        return self.errors.counts.total()

    @property
    def rows(self) -> int:
        """How many rows are answered or failed."""
        return self.answered + self.failed

    @property
    def seconds(self) -> float:
        """The seconds from `begin` to `end`, 0 only where there is no time."""
        return 0.0 if self.begin is None or self.end is None else max(self.end - self.begin, 0.001)

    def add_line(self, number: int, line: bytes) -> None:
        """Count a line of the file."""
        try:
            row = _decode(line.decode())
        except (ValueError, RecursionError):
            row = None
        if not self._add(row) and line.endswith(b"\n"):  # a torn line will be whole soon, or be cut off
            self.odd += 1
            if len(self.odd_lines) < 3:
                self.odd_lines.append(number)

    def close(self) -> None:
        """After the last line: take out the errors of rows that were asked again."""
        for name, count in self._failures.replaced().items():
            self.errors.counts[name] -= count
            self.asked_again += count
        self.errors.counts = +self.errors.counts
        self.slowest = [slow for _, _, slow in sorted(self._heap, reverse=True)]

    def _add(self, row: Any) -> bool:
        """Count a row; False for what is none."""
        digest = _digest(row)
        if digest is None:
            return False
        self.lines += 1
        self.settings.add(row.get("settings"))
        if row.get("tries") != 1:
            self.retried += (_number(row.get("tries")) or 0) > 1
        refused = int(_number(row["refused"]) or 0) if "refused" in row else 0
        self.refused += refused
        if row.get("again") is True:
            self._failures.again(digest)
        failed = ""
        if "error" in row:
            failed = self._add_error(row["row"], row["error"])
            self._failures.add(digest, failed)
        else:
            self.answered += 1
            self._add_answer(row)
        self._add_time(row, failed, refused)
        return True

    def _add_error(self, number: int, error: dict[str, Any]) -> str:
        name = self.errors.add(error.get("class"))
        if name not in self.examples:
            message = error.get("message")
            self.examples[name] = Example(number, message[:_MESSAGE] if isinstance(message, str) else "")
        return name

    def _add_answer(self, row: dict[str, Any]) -> None:
        self.models.add(row.get("model"))
        self.finished.add(row.get("finish_reason"))
        usage = row.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        output, seconds = _number(usage.get("output")), _number(row.get("seconds"))
        self.input_tokens += _number(usage.get("input")) or 0
        self.output_tokens += output or 0
        self.without_usage += output is None
        first_text = _number(row.get("first_text"))
        if first_text is not None:
            self.first_text.add(first_text)
        if seconds is not None:
            if output and seconds:
                self.speed.add(output / max(seconds, 0.001))
            self._add_slow(row, seconds, first_text, output)

    def _add_slow(self, row: dict[str, Any], seconds: float, first_text: float | None, output: float | None) -> None:
        if len(self._heap) < _SLOWEST or seconds > self._heap[0][0]:
            told = row.get("id")
            slow = Slow(row["row"], "" if told is None else str(told)[:_ID], seconds, first_text, output)
            (heappush if len(self._heap) < _SLOWEST else heapreplace)(self._heap, (seconds, -self.lines, slow))

    def _add_time(self, row: dict[str, Any], failed: str, refused: int) -> None:
        at = _number(row.get("at"))
        if at is None or at >= _YEAR_10000:
            return
        begin = at - min(_number(row.get("seconds")) or 0.0, at)
        self.begin = begin if self.begin is None else min(self.begin, begin)
        self.end = at if self.end is None else max(self.end, at)
        self.timeline.at(begin).begun += 1
        span = self.timeline.at(at)
        span.begun -= 1
        span.refused += refused
        if failed:
            span.failed[failed] += 1
        else:
            span.answered += 1
        window = _number(row.get("window"))
        if window is not None:
            span.window += window
            span.windows += 1


class _Failures:
    """The class of error of each failed row, in 8 bytes a row, to know which one an `again` line replaces."""

    _AGAIN: Final = 255

    def __init__(self) -> None:
        # By bucket, so that only a small part is resolved at a time: the rest of the key, and the class.
        self._entries = [array("Q") for _ in range(BUCKETS)]
        self._classes: dict[str, int] = {}

    def add(self, key: int, name: str) -> None:
        """Note a failed row."""
        self._note(key, self._classes.setdefault(name, len(self._classes)))

    def again(self, key: int) -> None:
        """Note that an earlier failed row of this key is replaced."""
        self._note(key, self._AGAIN)

    def _note(self, key: int, what: int) -> None:
        self._entries[key >> SHIFT].append(key << 8 & 0xFFFF_FFFF_FFFF_FFFF | what)

    def replaced(self) -> Counter[str]:
        """How many failed rows of each class were replaced by a later line."""
        names, counts = list(self._classes), Counter[str]()
        for entries in self._entries:
            failed: dict[int, list[int]] = {}
            for entry in entries:
                key, what = entry >> 8, entry & 255
                if what != self._AGAIN:
                    failed.setdefault(key, []).append(what)
                elif failed.get(key):
                    counts[names[failed[key].pop()]] += 1
        return counts


def tally_of(path: str | os.PathLike[str]) -> Tally:
    """The counts of the output file at `path`, which may still be written: a torn last line is left out.

    Raises OSError, and InvalidRequest for a file that is no output of a batch.
    """
    tally = Tally()
    with Path(path).open("rb", buffering=1 << 20) as file:
        for number, line in _lines(file):
            tally.add_line(number, line)
            if tally.odd == _FOREIGN and not tally.lines:
                break
    if tally.odd and not tally.lines:
        raise InvalidRequest(
            f"{os.fspath(path)!r} is no output of a batch: line {tally.odd_lines[0]} is not one of its rows. "
            "A report is made of the file that `sansio-chat batch IN OUT` or Batch(input, output, …) writes"
        )
    tally.close()
    return tally


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each line with its number; an empty line in place of one that is too long."""
    number = 0
    while line := file.readline(_LONGEST):
        number += 1
        if len(line) == _LONGEST and not line.endswith(b"\n"):
            if not _ended(file):
                return
            line = b"\n"
        yield number, line


def _ended(file: IO[bytes]) -> bool:
    """Skip the rest of a line. Returns whether it ends before the file does."""
    return any(rest.endswith(b"\n") for rest in iter(lambda: file.readline(_LONGEST), b""))


def _digest(row: Any) -> int | None:
    """The number of an output row's key; None for anything else."""
    if not isinstance(row, dict) or not isinstance(row.get("row"), int):
        return None
    if not isinstance(row.get("error"), dict) and ("error" in row or "text" not in row):
        return None
    return key_number(row.get("key"))


def _number(value: Any) -> float | None:
    """A number that may be counted; None for anything else."""
    return value if type(value) in (int, float) and 0 <= value < 1e12 else None
