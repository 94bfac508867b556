"""Pacing: when the next of many requests may be sent, to a server whose limit nobody knows.

How it works, from the first request on:

1. Slow start. Four requests at once, and 0.4 more for each that is answered, half as many again in the time of an
   answer; from sixteen on one more for each, so that they double, up to `concurrency`: a limit that is larger is met in
   a longer run, in which what overshoots weighs less. They are spread over that time, which is a guess until the first
   answer begins, so that a small bucket is not emptied by a burst. There is no rate yet. A server without a limit gets
   no further than this.
2. A refusal (429, 503, 529) makes everybody wait: as long as Retry-After says, and a little longer by chance, so that
   many clients do not come back together. Without Retry-After the wait is short at first, doubles while no request is
   answered, and begins the next time at half of what was needed the last time, unless two minutes went well
   since; and where two in a row were refused, one request tries alone. The wait that a good response's quota fields
   ask for holds everybody too, but waits of seconds do so for no more than a fifth of the time.
3. One of two bounds is then taken back, once for all requests that were in flight: later refusals of the same flight
   only prolong the wait. If never since the last but one refusal so many were in flight, it is the window; else it is
   the rate. (After slow start nobody knows yet: it is both. Before any answer, and after a second or more without
   rows, if that is longer than an answer takes, it is neither.)
4. The new rate comes from what was accepted between two refusals, over the time between them: a bucket is empty at
   both ends. With the waiting counted, that is at most the server's rate; without it, it is at least that, if the
   bucket did not run over. The geometric mean of both is taken, less three per cent. From then on one request is sent
   each 1/rate seconds, without bursts.
5. Either estimate may be wrong, so both bounds grow: as CUBIC's window does (RFC 9438), quickly up to where it was too
   much, hardly at all near it, and ever faster beyond it; half as much again beyond it, the place is forgotten, and
   growth is exponential. A bound only grows by requests that it held back (as in RFC 7661).
6. What sets the pace of growing is the price of the last refusal: a hundred answers for each request that was refused,
   ten minutes at most, and sixteen seconds for each that everybody waited, two minutes at most. The first attempts are
   eight times as quick; each refusal at the same place doubles the distance to the next, up to that price. So about one
   request of a hundred is refused where the limit is known, at 0.5 a second as at 500, and a wrong estimate is mended
   within some dozens of requests.

A latency that rises with the load is no reason to slow down: it is `concurrency` that bounds what may queue up.
Refusals that have nothing to do with the load look as if they had: from one in two hundred requests on, or fewer where
each asks for seconds of waiting, the rate falls needlessly. Two clients that share a server which bounds what runs at
once do not share it fairly: the first keeps most of it.

The user's own `rate` is kept by the same clock (a generic cell rate with a tolerance of 10 ms).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt

from .errors import InvalidRequest, safe_repr
from .retry import middle
from .timing import MAX_SECONDS, within

_FIRST = 4  # at once, before any answer: they may all be 401
_SMALL, _MORE = 16, 0.4  # below so many at once, so many more for each answer: less overshoots by less, takes longer
_MARGIN = 0.97  # of a measured rate: a bucket that is empty takes nothing above its rate
_PRICE = 100.0  # answers for one refused request
_HELD = 16.0  # seconds of sending for one of waiting
_LONGEST = 120.0  # s: and at most so long, as an outage is no limit that is probed
_SLOW = 600.0  # s: nor longer for the answers, as a rate that is far too low must not take hours to grow
_HASTE = 8.0  # how much sooner the first probing comes
_NEWS, _MINUTE = 4.0, 60.0  # s of sending for one that a response's fields ask to wait; and at most
_IDLE = 1.0  # s without a request: less may be a timer, or a machine, that was late
_LATE = 0.01  # s: a timer may be that late without loss of rate
_GUESS = (0.05, 0.5, 60.0)  # s: a wait where the server says none: at least, at first at most, at most
_JITTER = (0.1, 5.0)  # of a wait, and s: at most so much longer
_MEMORY = 16.0  # requests: so much of earlier flights counts in a mean


class _Flight:
    """The requests sent between two refusals."""

    __slots__ = ("answered", "began", "half", "half_at", "open", "peak", "quarter", "quarter_at", "rate", "sent",
                 "since")  # fmt: skip

    def __init__(self, since: float) -> None:
        self.since = since  # when the request was sent whose refusal ended the flight before
        self.sent = self.answered = self.open = self.half = self.quarter = 0
        self.peak = -1  # the most that were in flight beside one
        self.began = self.half_at = self.quarter_at = self.rate = 0.0

    def recent(self, now: float) -> float:
        """Requests a second, over the last half to three quarters of them."""
        if self.sent >= 2 * self.half:
            self.quarter, self.quarter_at = self.half, self.half_at
            self.half, self.half_at = max(self.sent, 1), now
        return (self.sent - self.quarter) / max(now - self.quarter_at, 1e-6)


class Ticket:
    """A request in flight, and how things stood when it was sent."""

    __slots__ = ("at", "beside", "by_rate", "by_window", "flight", "good", "number", "peak", "recent")

    def __init__(self, at: float, flight: _Flight, beside: int) -> None:
        self.at, self.flight, self.beside = at, flight, beside
        self.number, self.peak, self.recent = flight.sent, flight.peak, flight.recent(at)
        self.by_rate = self.by_window = self.good = False


class _Bound:
    """A rate, or a number of requests at once: `value` at present; `top`, where it was too much, inf if unknown."""

    __slots__ = ("again", "last", "time", "top", "value")

    def __init__(self, value: float) -> None:
        self.value, self.top, self.last = value, inf, 0.0
        self.again = 1.0  # doubles with each refusal at the same place
        self.time = 0.0  # of CUBIC's curve: 1 is at `top`

    def shrink(self, value: float, top: float, again: bool = True) -> None:
        """It was too much at `top`; `again`: that is another refusal, not a part of the last one."""
        if again:
            same = 0.75 * self.last <= top <= 1.05 * self.last
            self.again = min(self.again * 2, 2 * _HASTE) if same else max(1.0, self.again / 2)
        self.value, self.top, self.last = value, top, top
        self.time = 1 - 2 * (1 - min(value / top, 1.0)) ** (1 / 3)

    def grow(self, rate: float, delay: float, pause: float, refused: int) -> None:
        """A request that it held back was answered.

        `rate`: requests a second; `delay`: seconds after which a refusal is known; `pause` and `refused`: the seconds
        and the requests that the last refusal cost.
        """
        minute = max(60 * rate, 1.0)  # requests: a slow rate must not take for ever to grow
        if self.top == inf:
            self.value *= 1 + 1 / max(min(32.0, minute), 4 * delay * rate, pause * rate)
            return
        # Beyond the top no further step before the last one's refusals are known.
        known = (1 if self.time < 1 else 2) * delay * rate
        price = max(min(_PRICE * refused, _SLOW * rate), min(_HELD * pause, _LONGEST) * rate)
        self.time += 1 / max(min(8.0, minute), known, price * min(self.again / _HASTE, 1.0))
        self.value = self.top * (1 + (self.time - 1) ** 3 / 8)
        if self.value >= 1.5 * self.top:
            self.top, self.again = inf, 1.0


class Pacing:
    """Says when the next request may be sent: at most `concurrency` at once, at most `rate` a second.

    Every request is told by `sent`, perhaps by `head`, and by one of `done` and `refused`. Times are seconds of any
    clock that does not go back. `random` gives a number in [0, 1).

    in_flight  requests sent and not ended
    window     how many may be in flight at present
    hold       until when nothing is sent; in the past: it may be. A day's quota shows as a hold of hours.
    """

    def __init__(self, concurrency: int, *, rate: float | None = None, random: Callable[[], float] = middle) -> None:
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise InvalidRequest(f"concurrency must be a whole number from 1, not {safe_repr(concurrency)}")
        if rate is not None and (not within(rate, MAX_SECONDS) or rate == 0):
            raise InvalidRequest(f"rate must be a positive number of requests a second, not {safe_repr(rate)}")
        self.in_flight, self.hold = 0, -inf
        self._most, self._random = concurrency, random
        self._interval = 1 / rate if rate else 0.0
        self._next = -inf
        self._rate, self._window = _Bound(inf), _Bound(float(min(_FIRST, concurrency)))
        self.window = round(self._window.value)
        self._flight, self._peak = _Flight(0.0), -1  # the one before had so many in flight beside one
        self._told = -inf  # until when a response's fields asked for nothing
        self._ended = -inf  # when the last one ended
        self._head = self._spell = 1.0  # s: from sending to an answer's head, to its end; guesses at first
        self._heads = self._spells = 0
        self._delay = 0.0  # s: from sending to a refusal
        # What the last refusal cost that a bound was taken back for: requests, seconds.
        self._refused, self._pause = 0, 0.0
        # Refused in a row; whether the next one goes alone; the seconds to begin with where the server says none.
        self._row, self._alone, self._patience = 0, False, 0.0
        self._count = self._time = self._sending = 0.0  # means over several flights: requests, seconds, without waits

    def ready(self, now: float) -> float:
        """When the next request may be sent: at once if that is not after `now`; inf: once one in flight has ended."""
        if self.in_flight >= self.window or (self._alone and self._flight.open):
            return inf
        return max(self._next, self.hold)

    def sent(self, now: float) -> Ticket:
        """A request is sent. The ticket stands for it from here on."""
        flight, rate = self._flight, self._rate.value
        if now - max(self._next, self.hold, self._ended) > max(self._spell, _IDLE):  # there was nothing to send
            self._peak = max(self._peak, flight.peak)
            flight = self._flight = _Flight(now)
        if not flight.sent:
            flight.began = flight.half_at = flight.quarter_at = now
            flight.rate = rate
        ticket = Ticket(now, flight, self.in_flight)
        flight.peak = max(flight.peak, self.in_flight)
        flight.sent += 1
        flight.open += 1
        self.in_flight += 1
        # In slow start: two windows in the time of an answer, as the window grows meanwhile.
        own = 1 / rate
        if rate == inf and self.window < self._most:
            own = self._spell / (2 * self._window.value)
        interval = max(own, self._interval)
        ticket.by_window = self.in_flight >= self.window
        ticket.by_rate = own >= self._interval and now - self._next < max(interval, _LATE)
        self._next = max(self._next, now - _LATE) + interval
        return ticket

    def head(self, ticket: Ticket, now: float, wait: float | None = None) -> None:
        """Its good response began; `wait`: seconds for which its header fields ask to send nothing."""
        # The rate keeps short distances itself. And where such waits would be most of the time, as at a bucket of one
        # with whole seconds, they are no news: what is sent too early will be refused.
        if wait and wait * self._rate.value > 1 and (now < self.hold or now > self._told + min(_NEWS * wait, _MINUTE)):
            self._wait(now, wait)
            self._told = self.hold
        if ticket.good:
            return
        ticket.good = True
        self._time_head(now - ticket.at, now)
        flight = self._flight
        if ticket.flight is not flight:
            return
        flight.open -= 1
        flight.answered += 1
        if self._row:
            self._row, self._alone = 0, False
            self._pause = max(ticket.at - flight.since, 0.0)
            self._patience = self._pause / 2
        self._grow(ticket)

    def _time_head(self, seconds: float, now: float) -> None:
        """A head came after so many seconds."""
        self._heads += 1
        if self._heads == 1:  # a better guess, which the next one need not wait out
            self._spell = 2 * seconds
            if not self._interval and self._rate.value == inf:
                self._next = min(self._next, now)
        self._head += (seconds - self._head) / min(self._heads, 8)

    def done(self, ticket: Ticket, now: float) -> None:
        """It ended, answered or failed, and was not refused."""
        self.in_flight -= 1
        self._ended = now
        if ticket.good:
            self._spells += 1
            spell = now - ticket.at
            if self._spells > 8:  # a machine that slept for an hour must not take hours to forget it
                spell = min(spell, 8 * self._spell)
            self._spell += (spell - self._spell) / min(self._spells, 8)
        elif ticket.flight is self._flight:
            ticket.flight.open -= 1

    def refused(self, ticket: Ticket, now: float, retry_after: float | None = None) -> None:
        """It ended with 429, 503 or 529, which asked to wait `retry_after` seconds. Nothing is sent for a while."""
        self.in_flight -= 1
        self._ended = now
        delay = now - ticket.at
        self._delay = (self._delay + delay) / 2 if self._delay else delay
        flight = ticket.flight
        if flight is not self._flight:
            self._refused += 1
            self._wait(now, retry_after or 0.0)
            return
        least, first, most = _GUESS
        if ticket.at - flight.began > _LONGEST:  # that outage is past
            self._patience = 0.0
        guess = min(max(min(self._head / 2, first), least, self._patience) * 2**self._row, most)
        # A server whose Retry-After was too short once may be wrong again: 0 is what is left of 0.9 s, rounded down.
        self._wait(now, max(retry_after, guess / 2 if self._row else 0.0) if retry_after else guess)
        self._alone = self._row > 0 and not flight.answered
        self._row += 1
        since = flight.since
        # It says nothing of the rate, if it is of the first one after a wait, which was too short, or after a time in
        # which there was nothing to send, or if there was no answer before, as where a model is being loaded.
        if not self._alone and self._heads and ticket.number:
            self._shrink(ticket, now)
            since = ticket.at
        self._flight, self._peak = _Flight(since), ticket.peak

    def _wait(self, now: float, seconds: float) -> None:
        share, most = _JITTER
        if seconds > 0:
            self.hold = max(self.hold, now + seconds + self._random() * min(share * seconds + 0.001, most))

    def _grow(self, ticket: Ticket) -> None:
        rate, window = self._rate, self._window
        if rate.value == inf:
            if self.in_flight * 2 >= window.value:
                window.value += _MORE if window.value < _SMALL else 1.0
        else:
            if ticket.by_rate:
                rate.grow(rate.value, self._delay, self._pause, self._refused)
            if ticket.by_window and self.window < self._most:
                window.grow(self.in_flight / max(self._spell, 1e-3), self._delay, self._pause, self._refused)
        self._resize()

    def _resize(self) -> None:
        self._window.value = min(max(self._window.value, 1.0), self._most)
        self.window = int(self._window.value + 1e-9)

    def _shrink(self, ticket: Ticket, now: float) -> None:
        """Take a bound back: this is the first refusal of its flight."""
        if self._rate.value == inf:
            # The bucket was full at first, so that the mean is above its rate: a half of it, at most.
            low = max(ticket.number, 1) / (ticket.at - ticket.flight.began + self.hold - now)
            top = max(ticket.recent, low)
            self._rate.shrink(0.5 * sqrt(low * top), top)
            value = float(max(ticket.beside, min(_FIRST, self._most)))
            self._window.shrink(value, value + 1)
        else:
            value, top = self._measured(ticket)
            # Some requests must have shown before how many at once are accepted.
            if ticket.number >= 4 and ticket.beside > max(ticket.peak, self._peak):
                self._window.shrink(ticket.beside, ticket.beside + 1)
            else:
                self._rate.shrink(value, top, again=ticket.number >= 8)
        self._resize()
        self._refused = 1

    def _measured(self, ticket: Ticket) -> tuple[float, float]:
        """The rate to go on with, and the one that was too much."""
        rate, flight = self._rate.value, ticket.flight
        memory = min(1.0, _MEMORY / max(self._count, 1.0))
        self._count = self._count * memory + ticket.number
        self._time = self._time * memory + ticket.at - flight.since
        self._sending = self._sending * memory + ticket.at - flight.began
        top = sqrt(min(ticket.recent, rate) * rate)
        low = min(self._count / max(self._time, 1e-9), top)
        # Where the rate rose much meanwhile, a mean over that time is far below what was accepted in the end.
        high = top if rate > 1.5 * flight.rate else min(self._count / max(self._sending, 1e-9), top)
        return _MARGIN * sqrt(low * high), top
