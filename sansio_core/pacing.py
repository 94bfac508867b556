"""Pacing: when the next of many requests may be sent, to a server whose limit nobody knows.

A first version: slow start by a window, then a rate and a window that are measured at each refusal, and probed above.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt

from .retry import middle

_FIRST = 4  # at once, before any answer: they may all be 401
_MARGIN = 0.97
_LATE = 0.01  # s: a timer may be that late without loss of rate
_LONGEST_GUESS = 60.0  # s: a hold where the server says nothing
_HELD = 16.0
_PRICE = 100.0  # requests that are answered for one that is refused


class Ticket:
    """A request in flight, as it was when it was sent."""

    __slots__ = ("at", "beside", "by_rate", "by_window", "epoch", "good", "number", "peak", "recent")

    def __init__(self, at: float, epoch: int, number: int, beside: int, peak: int) -> None:
        self.at, self.epoch, self.number, self.beside, self.peak = at, epoch, number, beside, peak
        self.by_rate = self.by_window = self.good = False


class _Bound:
    """A rate, or a number at once: how much of it is used at present, and at how much the server refused."""

    __slots__ = ("again", "last", "top", "value", "x")

    def __init__(self, value: float) -> None:
        self.value, self.top, self.last, self.x = value, inf, 0.0, 0.0
        self.again = 1.0  # how much rarer it probes

    def shrink(self, value: float, top: float, number: int) -> None:
        if number >= 8:
            near = 0.75 * self.last <= top <= 1.05 * self.last
            self.again = self.again * 2 if near else max(1.0, self.again / 2)
        self.value, self.top, self.last = value, top, top
        self.x = 1 - 2 * (1 - min(value / top, 1.0)) ** (1 / 3)

    def grow(self, rate: float, late: float, pause: float, refused: int) -> None:
        quick = (1 if self.x < 1 else 2) * late * rate
        if self.top == inf:
            self.value *= 1 + 1 / max(32, 4 * late * rate, pause * rate)
            return
        target = max(_PRICE * refused, _HELD * pause * rate)
        self.x += 1 / max(8, quick, target * min(self.again / 8, 1))
        self.value = self.top * (1 + (self.x - 1) ** 3 / 8)
        if self.value >= 1.5 * self.top:
            self.top, self.again = inf, 1.0


class Pacing:
    """Says when the next request may be sent: at most `concurrency` at once, at most `rate` a second."""

    def __init__(self, concurrency: int, *, rate: float | None = None, random: Callable[[], float] = middle) -> None:
        self.in_flight = 0
        self.hold = -inf
        self._most, self._random = concurrency, random
        self._user = 1 / rate if rate else 0.0
        self._window = _Bound(float(min(_FIRST, concurrency)))
        self._rate = _Bound(inf)
        self._next = -inf
        self._spell = self._latency = 1.0
        self._ended = self._begun = False
        self._epoch, self._number, self._accepted = 0, 0, 0
        self._since = self._began = self._from = self._sending = self._quarter_at = self._half_at = 0.0
        self._quarter = self._half = 0
        self._extra, self._mark = 0, 0  # accepted of the flight that was refused, sent after its first refused one
        self._count = self._time = 0.0
        self._flight_refused = 0
        self._row = 0
        self._late = 0.0
        self._pause = 0.0
        self._trial = False
        self._patience = 0.0
        self._open = 0
        self._peak = self._peaks = -1

    @property
    def window(self) -> int:
        return max(1, min(self._most, int(self._window.value + 0.5)))

    def _interval(self) -> float:
        start = self._rate.value == inf
        return max(self._spell / (2 * self._window.value) if start else 1 / self._rate.value, self._user)

    def ready(self, now: float) -> float:
        if self.in_flight >= self.window or (self._trial and self._open):
            return inf
        return max(self._next, self.hold)

    def sent(self, now: float) -> Ticket:
        if not self._number:
            self._began, self._from = now, self._rate.value
            self._quarter = self._half = 0
            self._quarter_at = self._half_at = now
            if not self._epoch:
                self._since = now
        ticket = Ticket(now, self._epoch, self._number, self.in_flight, self._peak)
        self._peak = max(self._peak, self.in_flight)
        if self._number >= 2 * self._half:
            self._quarter, self._quarter_at = self._half, self._half_at
            self._half, self._half_at = max(self._number, 1), now
        ticket.recent = (self._number - self._quarter) / max(now - self._quarter_at, 1e-6)
        self._number += 1
        self.in_flight += 1
        self._open += 1
        interval = self._interval()
        ticket.by_window = self.in_flight >= self.window
        ticket.by_rate = now - self._next < interval
        self._next = max(self._next, now - _LATE) + interval
        return ticket

    def head(self, ticket: Ticket, now: float, wait: float | None = None) -> None:
        if ticket.good:
            return
        ticket.good = True
        delay = now - ticket.at
        self._latency += (delay - self._latency) / (8 if self._begun else 1)
        self._begun = True
        if wait is not None:
            self._wait(now, wait)
        if ticket.epoch != self._epoch:
            if ticket.epoch == self._epoch - 1 and ticket.number > self._mark:
                self._extra += 1
            return
        self._open -= 1
        if self._row:
            self._trial, self._row = False, 0
            self._pause = max(ticket.at - self._since, 0.0)
            self._patience = self._pause / 2
        self._accepted += 1
        flight = max(self.in_flight, 1)
        if self._rate.value == inf:
            if True:
                if self.in_flight * 2 >= self._window.value:
                    self._window.value = min(self._window.value + 0.4, self._most)
                return
        elif ticket.by_rate:
            self._rate.grow(self._rate.value, self._late, self._pause, self._flight_refused)
        if ticket.by_window and self._window.value < self._most:
            self._window.grow(flight / max(self._spell, 1e-3), self._late, self._pause, self._flight_refused)

    def done(self, ticket: Ticket, now: float) -> None:
        self.in_flight -= 1
        if ticket.good:
            self._spell += (now - ticket.at - self._spell) / (8 if self._ended else 1)
            self._ended = True
        elif ticket.epoch == self._epoch:
            self._open -= 1

    def refused(self, ticket: Ticket, now: float, retry_after: float | None = None) -> None:
        self.in_flight -= 1
        self._late += (now - ticket.at - self._late) / (2 if self._late else 1)
        if ticket.epoch != self._epoch:
            self._flight_refused += 1
            if retry_after:
                self._wait(now, retry_after)
            return
        if not ticket.good:
            self._open -= 1
        first = self._row == 0
        guess = min(max(min(self._latency / 2, 0.5), 0.05, self._patience) * 2**self._row, _LONGEST_GUESS)
        wait = guess if not retry_after else retry_after if first else max(retry_after, guess / 2)
        self._row += 1
        self._wait(now, wait)
        if not first and not self._accepted:
            self._trial = True
        elif ticket.number or not self._epoch:
            self._shrink(ticket, now)
        self._epoch += 1
        self._number = self._accepted = self._open = 0
        self._peaks, self._peak = ticket.peak, -1

    def _shrink(self, ticket: Ticket, now: float) -> None:
        count, time = self._extra + ticket.number, ticket.at - self._since
        start = self._rate.value == inf
        if start:
            low = max(count, 1) / (time + self.hold - now)
            high = top = max(ticket.recent, low)
        else:
            memory = min(1.0, 16 / max(self._count, 1))
            self._count = self._count * memory + count
            self._time = self._time * memory + time
            self._sending = self._sending * memory + ticket.at - self._began
            high = top = sqrt(min(ticket.recent, self._rate.value) * self._rate.value)
            low = min(self._count / max(self._time, 1e-9), top)
            if self._rate.value < 1.5 * self._from:
                high = min(self._count / max(self._sending, 1e-9), top)
        value = (0.5 if start else _MARGIN) * sqrt(low * high)
        if start:
            self._rate.shrink(value, top, 8)
            self._window.shrink(max(min(_FIRST, self._most), 0.95 * ticket.beside), max(ticket.beside + 1, _FIRST), 8)
        elif ticket.number >= 4 and ticket.beside > max(ticket.peak, self._peaks):
            self._window.shrink(max(1.0, 0.95 * ticket.beside), ticket.beside + 1, 8)
        else:
            self._rate.shrink(value, top, ticket.number)
        self._since, self._mark, self._extra, self._flight_refused = ticket.at, ticket.number, 0, 1

    def _wait(self, now: float, seconds: float) -> None:
        self.hold = max(self.hold, now + seconds + self._random() * min(seconds / 10 + 0.001, 5.0))
