"""Recording: what one exchange sends and receives, as takes. Whoever drives the exchange tells it of both."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import ChatError, TimedOut
from ..exchange import Exchange
from ..http_request import Headers, HttpRequest
from ..observer import Connected, Notice, PlaceAwaited
from .model import TIMER, End, Head, Mark, Piece, Step, Take
from .redact import redacted

Secret = str | re.Pattern[str]


class Recording:
    """The takes of one exchange; made before the exchange's first action.

        recording.sent(request, now())             # of each Send
        recording.head(status, headers, now())     # what receive_head is given
        recording.data(data, now())                # what receive_data is given; b"" is the body's end
        recording.failed(error, now())             # what receive_failure is given; a TimeoutError for receive_timeout
        take = recording.take(now())               # before the next Send, and when the exchange is over

    Each of these comes before the exchange is told the same. `redact`: texts and patterns that are blotted out, besides
    the secrets of the exchange's requests. Times are those of the exchange's `now`.
    """

    __slots__ = ("_began", "_exchange", "_marks", "_redact", "_request", "_steps")

    def __init__(self, exchange: Exchange, *, redact: Iterable[Secret] = ()) -> None:
        self._exchange = exchange
        self._redact = tuple(redact)
        self._request: HttpRequest | None = None
        self._began = 0.0
        self._marks: list[Mark] = []  # `after` is still the time since the request was sent
        self._steps: list[tuple[float, object]] = []
        exchange.observe(self._notice)

    def _notice(self, exchange: Exchange, notice: Notice) -> None:
        match notice:
            case PlaceAwaited(None):
                self._marks.append(Mark(0.0, "waiting"))
            case PlaceAwaited(float(seconds)):
                self._marks.append(Mark(seconds, "place"))
            case Connected(reused, seconds):
                self._marks.append(Mark(seconds, "reused" if reused else "connected"))

    def sent(self, request: HttpRequest, now: float) -> None:
        """A request goes out."""
        self._request, self._began = request, now
        self._marks, self._steps = [], []

    def head(self, status: int, headers: Headers, now: float) -> None:
        """The head of its response is in."""
        self._came(now)
        self._steps.append((now, (status, tuple(headers))))

    def data(self, data: bytes, now: float) -> None:
        """A piece of the body, without its content coding; b"" at its end."""
        self._came(now)
        self._steps.append((now, data))

    def _came(self, now: float, allowed: float = 0.0) -> None:
        """Note that the reader came late for what it reads now: it was there before, or the clock would have fired."""
        deadline = self._exchange.deadline
        if deadline is not None and now >= deadline + allowed:
            self._steps.append((now, Mark(0, "late")))

    def failed(self, error: BaseException, now: float) -> None:
        """Sending or reading raised `error`."""
        if isinstance(error, TimeoutError):
            self._came(now, TIMER)
            timed_out = self._exchange.timed_out(now)
            self._steps.append((now, End(0, "TimeoutError", {"clock": timed_out.clock, "seconds": timed_out.seconds})))
        elif isinstance(error, ChatError):
            if not isinstance(error, TimedOut):  # of a clock that the wire itself looks after
                self._came(now)
            self._steps.append((now, End.of(0, error)))
        else:
            self._steps.append((now, End(0, "closed")))

    def take(self, now: float) -> Take | None:
        """The take that ends here; None where no request was sent since the last. Raises UnsafeTape."""
        request, self._request = self._request, None
        if request is None:
            return None
        provider = self._exchange.provider
        take = Take(
            request.method, request.url, provider.base_url, provider.info.name, request.headers, request.body,
            tuple(self._timed(now)),
        )  # fmt: skip
        self._marks, self._steps = [], []
        return redacted(take, self._exchange.secrets, self._redact, given=request.given)

    def _timed(self, now: float) -> Iterable[Step]:
        """The steps with the seconds between them, to the millisecond; rounding does not add up."""
        last = 0.0

        def after(when: float) -> float:
            nonlocal last
            before, last = last, max(last, round(when, 3))
            return round(last - before, 3)

        for mark in self._marks:
            yield Mark(after(mark.after), mark.what)
        ended = False
        for when, what in self._steps:
            since = after(when - self._began)
            match what:
                case Mark(_, name):
                    yield Mark(since, name)
                case (int(status), tuple(headers)):
                    yield Head(since, status, headers)
                case b"":
                    ended = True
                    yield End(since)
                case End(_, kind, attributes):
                    ended = True
                    yield End(since, kind, attributes)
                case bytes(data):
                    yield Piece(since, data)
        if not ended:
            yield End(after(now - self._began), "closed")
