"""Recording: what one exchange sends and receives, as takes. Whoever drives the exchange tells it of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from ..errors import ChatError, TimedOut
from ..exchange import Exchange
from ..http_request import Headers, HttpRequest
from ..observer import Connected, Notice, PlaceAwaited, Waiting
from ..parsers.lines import Data
from ..redact import secrets_of_page
from ..states import State
from .blots import Secret
from .model import End, Head, Mark, Piece, Step, Take
from .redact import checked_redact, redacted


class Recording:
    """The takes of one exchange; made before the exchange's first action.

        recording, takes = Recording(exchange), []
        while True:
            action = exchange.next_action(now())
            if take := recording.take(now()):                  # of the request before, if there was one
                takes.append(take)
            match action:
                case Send(request):
                    recording.sent(request, now())
                    status, headers = send(request)
                    recording.head(status, headers, now())
                    exchange.receive_head(status, headers, now())
                    while exchange.reading:
                        data = read()
                        recording.data(data, now())
                        events = exchange.receive_data(data, now())
                case Finish():
                    break
        text = Tape.of(takes).dumps()

    What is given to receive_failure is given to `failed` before, and so is a TimeoutError before receive_timeout. Where
    next_action raises, `take` gives the last take all the same. `redact`: texts and patterns that are blotted, besides
    the secrets of the exchange's requests. Raises InvalidRequest for a `redact` that names nothing.
    """

    __slots__ = ("_began", "_deadline", "_exchange", "_marks", "_redact", "_request", "_setup", "_steps", "_waits")

    def __init__(self, exchange: Exchange, *, redact: Secret | Iterable[Secret] = ()) -> None:
        self._exchange = exchange
        self._redact = checked_redact(redact)
        self._request: HttpRequest | None = None
        self._began = 0.0
        self._setup = False  # whether it is a setup request, such as one for a page
        self._deadline: float | None = None
        # `after` is still the time since the request was sent; and the exchange's deadline from then on
        self._marks: list[tuple[Mark, float | None]] = []
        self._steps: list[tuple[float, Mark | Head | End | bytes]] = []  # `after` is still 0
        self._waits: list[float] = []  # the one before the next attempt
        # Not a method of this object: the exchange would hold it, and it the exchange, until the next collection.
        exchange.observe(partial(_mark, self._marks, self._waits))

    def sent(self, request: HttpRequest, now: float) -> None:
        """A request goes out, at the time that its next_action was given; the take before must have been taken."""
        if self._request is not None:
            raise RuntimeError("sent: ask take() for the take of the request before, or it is lost")
        self._request, self._began, self._setup = request, now, not self._exchange.asking
        self._deadline = self._exchange.deadline
        self._marks.clear()
        self._waits.clear()
        self._steps = []

    def head(self, status: int, headers: Headers, now: float) -> None:
        """The head of its response is in. Interim responses (1xx) leave no trace, as in the exchange."""
        if status >= 200 or status == 101:
            self._came(now)
            self._steps.append((now, Head(0.0, status, tuple(headers))))

    def data(self, data: Data, now: float, deadline: float | None = None) -> None:
        """A piece of the body, without its content coding; b"" at its end. A buffer is copied.

        `deadline`: the exchange's, where the caller has it at hand; asking for it takes longer than all else here.
        """
        if deadline is None or now > deadline:
            self._came(now)
        self._steps.append((now, data if type(data) is bytes else bytes(data)))

    def _came(self, now: float) -> None:
        """Note that the reader came late for what it reads now: it was there before, or the clock would have fired."""
        deadline = self._exchange.deadline
        if deadline is not None and now > deadline:
            self._steps.append((now, Mark(0.0, "late")))

    def failed(self, error: BaseException, now: float) -> None:
        """Sending or reading raised `error`; the exchange has not been told yet."""
        if isinstance(error, TimeoutError):
            end = _timeout(0.0, self._exchange.timed_out(now))
        elif isinstance(error, ChatError):
            if not isinstance(error, TimedOut):  # of a clock that the wire itself looks after
                self._came(now)
            end = End.of(0.0, error)
        else:
            end = End(0.0, "closed")
        self._steps.append((now, end))

    def take(self, now: float) -> Take | None:
        """The take that ends here, or None if no request was sent since the last; raises UnsafeTape.

        Best after the exchange gave another request, and before that is `sent`: it knows all secrets of a page then.
        """
        request, self._request = self._request, None
        if request is None:
            return None
        provider = self._exchange.provider
        take = Take(
            request.method, request.url, provider.base_url, provider.info.name, tuple(request.headers), request.body,
            tuple(self._timed(now)),
        )  # fmt: skip
        if self._waits:
            take = replace(take, steps=(*take.steps[:-1], replace(take.end, again=round(self._waits[0], 3))))
        self._steps = []
        return redacted(take, self._secrets(take), self._redact)

    def _secrets(self, take: Take) -> set[str]:
        secrets = set(self._exchange.secrets)
        if self._setup:  # what the question is sent with, perhaps: it may never be sent
            secrets |= secrets_of_page(take.answer.decode("utf-8", "replace"))
        return secrets

    def _timed(self, now: float) -> Iterator[Step]:
        """The steps with the seconds between them, to the millisecond; rounding does not add up."""
        last = 0

        def after(when: float) -> float:
            nonlocal last
            before, last = last, max(last, round(when * 1000))
            return (last - before) / 1000

        for mark in self._connecting():
            yield Mark(after(mark.after), mark.what)
        for when, what in self._steps:
            since = after(when - self._began)
            if isinstance(what, bytes):
                yield Piece(since, what) if what else End(since)
            else:
                yield replace(what, after=since)
            if not what or isinstance(what, End):
                return
        since, fired = after(now - self._began), self._fired(now)
        yield End(since, "closed") if fired is None else _timeout(since, fired)

    def _fired(self, now: float) -> TimedOut | None:
        """Of which clock the exchange found itself that it had fired, if so; bytes do not stop every clock."""
        exchange, error, deadline = self._exchange, self._exchange.error, self._exchange.deadline
        if exchange.state not in (State.WAITING, State.FAILED):
            return None
        if isinstance(error, TimedOut):
            return error
        return exchange.timed_out(now) if deadline is not None and now >= deadline else None

    def _connecting(self) -> Iterator[Mark]:
        """What became of the connection, `after` the request was sent; `late` before what came when a clock had fired.
        """
        allowed = self._exchange.timeouts.connect
        begins, deadline = 0.0, self._deadline
        for mark, then in self._marks:
            fires = [] if deadline is None else [deadline - self._began]
            if allowed is not None and mark.what in ("connected", "reused"):
                fires.append(begins + allowed)
            if fires and mark.after > min(fires):
                yield Mark(mark.after, "late")
            yield mark
            begins, deadline = mark.after, then


def _timeout(after: float, error: TimedOut) -> End:
    return End(after, "TimeoutError", {"clock": error.clock, "seconds": error.seconds})


def _mark(
    marks: list[tuple[Mark, float | None]], waits: list[float], exchange: Exchange, notice: Notice
) -> None:
    match notice:
        case PlaceAwaited(None):
            mark = Mark(0.0, "waiting")
        case PlaceAwaited(float(seconds)):
            mark = Mark(seconds, "place")
        case Connected(reused, seconds):
            mark = Mark(seconds, "reused" if reused else "connected")
        case Waiting(seconds):
            waits.append(seconds)
            return
        case _:
            return
    marks.append((mark, exchange.deadline))
