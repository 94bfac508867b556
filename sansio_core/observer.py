"""What an exchange tells of itself while it runs: notices, a few per exchange, as frozen and slotted values.

An observer is a callable that takes the exchange and a notice; `print` is one. Any I/O gives it the same, as the
notices come from the core:

    def watch(exchange: Exchange, notice: Notice) -> None:
        match notice:
            case Waiting(seconds, error, attempt, of):
                print(f"attempt {attempt} of {of} failed ({type(error).__name__}): again in {seconds:.1f} s")
            case FirstText(seconds):
                print(f"the first text after {seconds:.2f} s")
            case Ended(seconds, error, reply):
                print(f"{error or 'complete'} after {seconds:.2f} s, {reply.usage and reply.usage.output} tokens")

    Exchange(provider, ChatRequest("Hello"), observer=watch)       # or Client("openai", observer=watch)

The order is that of the classes below: Asked once; AttemptBegan to UsageReported for each request that is sent; Ended
once, for every exchange that was asked. All times are differences of the `now` that the exchange is given, in seconds.
An observer is called within the exchange's methods: it must not call them itself, and what it waits for, the answer
waits for too. What it raises ends nothing: a RuntimeWarning names it, once for each exchange. No notice and no `repr`
of one holds a key, a cookie or a nonce.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ChatError, InvalidRequest, safe_repr
from .events import ChatEvent, Failed, KeepAlive, TextDelta, UsageReport
from .http_request import Headers, HttpRequest
from .redact import redact, redact_response
from .reply import Reply
from .request import ChatRequest
from .states import State

if TYPE_CHECKING:
    from .exchange import Exchange


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """The first action was asked for. `request` is the question, without the header fields and cookies given for it.

    A ModelList asks no question: its `request` says nothing.
    """

    request: ChatRequest

    def __repr__(self) -> str:  # numbers and not the text, as a repr ends up in logs
        return f"Asked(messages={len(self.request.messages)}, model={self.request.model!r})"


@dataclass(frozen=True, slots=True)
class AttemptBegan:
    """A request is sent: the question, or before it a provider's setup request.

    `attempt` counts from 1 and `of` is how many there may be. A setup request, a redirected request, and one that goes
    out again at once (a kept-alive connection was stale, or the key of a function) have the number of the attempt that
    they belong to. In `request`, each secret value is `[hidden]`.
    """

    attempt: int
    of: int
    request: HttpRequest


@dataclass(frozen=True, slots=True)
class PlaceAwaited:
    """All of the client's `max_connections` are in use: the transport waits for one (`seconds` is None), or has waited.

    Only some transports tell this.
    """

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """The request has its connection, `seconds` after AttemptBegan; `reused`: one that was kept alive.

    Only transports that know it tell this: the two clients do.
    """

    reused: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class HeadReceived:
    """A response's status and header fields, `seconds` after AttemptBegan; fields with a secret are `[hidden]`."""

    status: int
    headers: Headers
    seconds: float


@dataclass(frozen=True, slots=True)
class FirstEvent:
    """The answer's first event, keep-alives left aside, `seconds` after Asked."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FirstText:
    """The first piece of the answer's text, `seconds` after Asked. An answer may have none, as one of tool calls."""

    seconds: float


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The provider's count of tokens; a later one replaces it, and some hosts send one with each event."""

    usage: UsageReport


@dataclass(frozen=True, slots=True)
class Waiting:
    """The attempt number `attempt` of `of` failed with `error`; the next one begins after `seconds`."""

    seconds: float
    error: ChatError
    attempt: int
    of: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The exchange is over, `seconds` after Asked: complete where `error` is None, else failed or cancelled.

    `reply` is the whole answer, or as much of it as came.
    """

    seconds: float
    error: ChatError | None
    reply: Reply


Notice = (
    Asked | AttemptBegan | PlaceAwaited | Connected | HeadReceived | FirstEvent | FirstText | UsageReported | Waiting
    | Ended
)  # fmt: skip
"""Every notice."""
Observer = Callable[["Exchange", Notice], None]
"""What is called with each notice, and with the exchange that it is about."""


def check_observer(observer: object) -> None:
    """Raises InvalidRequest for what cannot be called."""
    if not callable(observer):
        raise InvalidRequest(f"observer must be callable with an exchange and a notice, not {safe_repr(observer)}")


class Watch:
    """The observers of one exchange, and the times that their notices need; the exchange calls it."""

    # It holds no exchange, which holds it: a circle would keep an answer in memory until the next collection.
    __slots__ = (
        "_asked", "_event_came", "_last", "_observers", "_sent", "_text_came", "_usage", "_waits_since", "_warned",
    )  # fmt: skip

    def __init__(self) -> None:
        self._observers: tuple[Observer, ...] = ()
        self._asked: float | None = None
        self._sent = self._waits_since = self._last = 0.0
        self._event_came = self._text_came = self._warned = False
        self._usage: UsageReport | None = None

    def add(self, observer: Observer) -> None:
        check_observer(observer)
        self._observers += (observer,)

    def asked(self, exchange: Exchange, question: ChatRequest, now: float) -> None:
        """The exchange takes its first action."""
        self._asked = self._last = now
        self._tell(exchange, Asked(ChatRequest(question.messages, model=question.model, **question.options)))

    def entered(self, exchange: Exchange, now: float) -> None:
        """The exchange has changed its state."""
        if self._asked is None:  # cancelled before it began
            return
        # A stream that is closed from outside may have no clock at hand, and gives 0.
        self._last = now = max(now, self._last)
        of = exchange.retry.attempts
        match exchange.state:
            case State.SENT if exchange.request is not None:
                self._sent = now
                self._event_came = self._text_came = False
                self._tell(exchange, AttemptBegan(exchange.attempts, of, exchange.request.redacted))
            case State.WAITING if exchange.error is not None:
                self._tell(exchange, Waiting(exchange.delay, exchange.error, exchange.attempts, of))
            case State.DONE:
                self._tell(exchange, Ended(now - self._asked, None, exchange.reply))
            case State.FAILED:
                self._tell(exchange, Ended(now - self._asked, exchange.error, exchange.reply))

    def place(self, exchange: Exchange, free: bool, now: float) -> None:
        self._tell(exchange, PlaceAwaited(now - self._waits_since if free else None))
        self._waits_since = now

    def connected(self, exchange: Exchange, reused: bool, now: float) -> None:
        self._tell(exchange, Connected(reused, now - self._sent))

    def head(self, exchange: Exchange, status: int, headers: Headers, now: float) -> None:
        self._tell(exchange, HeadReceived(status, redact_response(headers, exchange.secrets), now - self._sent))

    def events(self, exchange: Exchange, events: Sequence[ChatEvent], now: float) -> None:
        """`events` of the answer were folded into the reply."""
        if not self._text_came:  # from here on, no event is looked at
            since = now - (self._asked or 0.0)
            if not self._event_came and any(type(event) not in (KeepAlive, Failed) for event in events):
                self._event_came = True
                self._tell(exchange, FirstEvent(since))
            if any(type(event) is TextDelta for event in events):
                self._text_came = True
                self._tell(exchange, FirstText(since))
        usage = exchange.reply.usage
        if usage is not self._usage:
            self._usage = usage
            if usage is not None:  # a new attempt has none yet
                self._tell(exchange, UsageReported(usage))

    def _tell(self, exchange: Exchange, notice: Notice) -> None:
        for observer in self._observers:
            try:
                observer(exchange, notice)
            except Exception as error:  # noqa: BLE001  # an answer does not end because somebody's look at it failed
                if not self._warned:
                    self._warned = True
                    _warn(exchange, observer, notice, error)


def _warn(exchange: Exchange, observer: Observer, notice: Notice, error: Exception) -> None:
    """Warn of the `error` that `observer` raised, at its line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ("observer", 0) if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    said = redact(f"{type(error).__name__}: {error}", exchange.secrets)
    name = getattr(observer, "__qualname__", type(observer).__qualname__)
    text = f"the observer {name} failed at {type(notice).__name__} ({said}); the exchange goes on"
    warnings.warn_explicit(text, RuntimeWarning, *where)
