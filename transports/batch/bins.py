"""Counts for a report, in bounded memory: a histogram of positive numbers, and a run over time."""

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
_LEAST: Final = 0.001  # smaller numbers are counted as this: an output has its seconds to the millisecond

_WIDTHS: Final = (0.1, 0.2, 1, 2, 10, 20, 60, 120, 600, 1200, 3600, 7200, 21600, 43200, 86400, 604800)
"""Seconds of a time bin: each a multiple of the one before."""
_PAUSE: Final = 60.0
"""Seconds without a row under way from which they are a pause: what is shorter is a wait of the run itself."""
_MOST: Final = 240
"""Time bins of a run, at most."""


class Bar(NamedTuple):
    """The count of the numbers that are more than `low` and at most `high`."""

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
        """At most `at_most` bars that hold all numbers, each with the same ratio of `high` to `low`."""
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
    window: float = 0.0  # the sum of the windows at the rows' ends
    windows: int = 0  # how many rows have one
    begun: int = 0  # rows that began here, less those that ended here

    def add(self, other: Span) -> None:
        """Count the other's as well."""
        self.answered += other.answered
        self.failed += other.failed
        self.refused += other.refused
        self.window += other.window
        self.windows += other.windows
        self.begun += other.begun


@dataclass(slots=True)
class Course:
    """A run as a list of spans, each of `width` seconds, without its pauses: a minute or more with no row under way.

    `times`: when each span begins, in seconds since the epoch; `pauses`: the indices of the spans that follow a pause;
    `paused`: the seconds of all pauses.
    """

    width: float
    spans: list[Span] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    pauses: list[int] = field(default_factory=list)
    paused: float = 0.0


class Timeline:
    """Spans of equal width, which grows with the time in which something happened: never more than 240 of them."""

    def __init__(self) -> None:
        self._spans: dict[int, Span] = {}
        self._width: float = _WIDTHS[0]

    def at(self, time: float) -> Span:
        """The span of a time, in seconds since the epoch."""
        place = floor(time / self._width)
        span = self._spans.get(place)
        if span is None:
            if len(self._spans) >= _MOST:
                self._width, self._spans = _wider(self._width, self._spans)
                return self.at(time)
            span = self._spans[place] = Span()
        return span

    def course(self, most: int) -> Course:
        """The whole run in at most `most` spans; empty spans are left out only where they are a pause."""
        width, spans = self._width, self._spans
        while (course := _course(width, spans, most)) is None:
            width, spans = _wider(width, spans)
        return course


def _course(width: float, spans: dict[int, Span], most: int) -> Course | None:
    """The course of `spans`, by their numbers; None where it would have more than `most`."""
    course = Course(width)
    under_way, end = 0, min(spans, default=0)
    for place in sorted(spans):
        empty = place - end
        if empty > most // 20 and empty * width >= _PAUSE and not under_way:
            course.pauses.append(len(course.spans))
            course.paused += empty * width
            end = place
        if len(course.spans) + place - end >= most:
            return None
        course.spans += (spans.get(each, Span()) for each in range(end, place + 1))
        course.times += (each * width for each in range(end, place + 1))
        under_way += spans[place].begun
        end = place + 1
    return course


def _wider(width: float, spans: dict[int, Span]) -> tuple[float, dict[int, Span]]:
    """The next larger width, and `spans` joined to spans of that width."""
    wider = next((each for each in _WIDTHS if each > width), width * 2)
    ratio = round(wider / width)
    joined: dict[int, Span] = {}
    for place, span in spans.items():
        joined.setdefault(place // ratio, Span()).add(span)
    return wider, joined
