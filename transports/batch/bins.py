"""What a report counts in flat memory: a histogram of positive numbers, and what happened over time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import Final, NamedTuple

_PER_DECADE: Final = 120
"""Bins between 1 and 10. The bounds of each differ by 1.9 %, so that its middle is less than 1 % from all in it: the
histogram with a relative error of DDSketch (Masson, Rim and Lee, PVLDB 12, 2019, section 2.1)."""
_JOINED: Final = (1, 2, 3, 6, 12, 24, 40, 60, 120)
"""How many bins a bar may have: divisors of a decade, so that bars begin at 1, 10 and 100 alike."""
_LEAST: Final = 0.001  # what is smaller is counted as this: an output has its seconds in milliseconds

_WIDTHS: Final = (0.1, 0.2, 1, 2, 10, 20, 60, 120, 600, 1200, 3600, 7200, 21600, 43200, 86400, 604800)
"""Seconds of a time bin: each a multiple of the one before."""


class Bar(NamedTuple):
    """How many numbers are more than `low` and at most `high`."""

    low: float
    high: float
    numbers: int


class Histogram:
    """Counts of positive numbers, from which percentiles are known to 1 %."""

    __slots__ = ("_bins", "count", "highest", "lowest")

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self.count = 0
        self.lowest, self.highest = float("inf"), 0.0

    def add(self, value: float) -> None:
        """Count one number."""
        value = max(value, _LEAST)
        self._bins[ceil(log10(value) * _PER_DECADE) - 1] += 1
        self.count += 1
        if value < self.lowest:
            self.lowest = value
        if value > self.highest:
            self.highest = value

    def percentile(self, percent: float) -> float:
        """The number that `percent` of all do not exceed (nearest rank), to 1 %; there must be one at least."""
        rank, seen = ceil(self.count * percent / 100), 0
        for place in sorted(self._bins):
            seen += self._bins[place]
            if seen >= rank:
                break
        middle: float = 10 ** ((place + 0.5) / _PER_DECADE)
        return min(max(middle, self.lowest), self.highest)

    def bars(self, at_most: int) -> list[Bar]:
        """All numbers in bars of one ratio, the empty ones between the first and the last too."""
        if not self.count:
            return []
        first, last = min(self._bins), max(self._bins)
        size = next((size for size in _JOINED if last // size - first // size < at_most), _JOINED[-1])
        counts: Counter[int] = Counter()
        for place, count in self._bins.items():
            counts[place // size] += count
        places = range(first // size, last // size + 1)
        bounds = [10 ** (place * size / _PER_DECADE) for place in (*places, places.stop)]
        return [Bar(low, high, counts[n]) for n, low, high in zip(places, bounds, bounds[1:], strict=False)]


@dataclass(slots=True)
class Span:
    """What happened in one time bin."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # by the error's class
    refused: int = 0
    window: float = 0.0  # the sum of those at the rows' ends
    windows: int = 0  # how many have told one
    begun: int = 0  # rows that began here, less those that ended here

    @property
    def ended(self) -> int:
        """How many rows ended, answered or failed."""
        return self.answered + self.failed.total()

    def add(self, other: Span) -> None:
        """Count the other's as well."""
        self.answered += other.answered
        self.failed += other.failed
        self.refused += other.refused
        self.window += other.window
        self.windows += other.windows
        self.begun += other.begun


class Timeline:
    """Spans of equal width, which grows with the time that they cover: never more than `most` of them."""

    def __init__(self, most: int = 240) -> None:
        self._most = most
        self._spans: dict[int, Span] = {}
        self.width: float = _WIDTHS[0]
        self._first, self._last = 0, -1  # none yet

    def at(self, time: float) -> Span:
        """The span of a time, in seconds since the epoch."""
        place = floor(time / self.width)
        span = self._spans.get(place)
        if span is None:
            span = self._spans[place] = Span()
            first_of_all = len(self._spans) == 1
            self._first = place if first_of_all else min(self._first, place)
            self._last = place if first_of_all else max(self._last, place)
            if self._last - self._first >= self._most:
                self._widen(self._most)
                return self.at(time)
        return span

    def spans(self) -> list[Span]:
        """Every span from the first to the last, also those in which nothing happened."""
        return [self._spans.get(place) or Span() for place in range(self._first, self._last + 1)]

    def coarser(self, most: int) -> Timeline:
        """The same in at most `most` spans."""
        copy = Timeline(most)
        copy.width, copy._first, copy._last = self.width, self._first, self._last
        for place, span in self._spans.items():
            copy._spans[place] = Span()
            copy._spans[place].add(span)
        copy._widen(most)
        return copy

    @property
    def begin(self) -> float:
        """When the first span begins, in seconds since the epoch."""
        return self._first * self.width

    def idle(self) -> float:
        """The seconds in which no row was under way, to two spans' width."""
        under_way = idle = 0
        for span in self.spans():
            idle += not (under_way or span.begun or span.ended)
            under_way += span.begun
        return idle * self.width

    def _widen(self, most: int) -> None:
        while self._last - self._first >= most:
            wider = next((width for width in _WIDTHS if width > self.width), self.width * 2)
            ratio = round(wider / self.width)
            spans: dict[int, Span] = {}
            for place, span in self._spans.items():
                if known := spans.get(place // ratio):
                    known.add(span)
                else:
                    spans[place // ratio] = span
            self._spans, self.width = spans, wider
            self._first, self._last = min(spans), max(spans)
