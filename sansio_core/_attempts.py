"""What an exchange does with the bodies of responses, and what follows an error."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from ._advice import advise
from ._clocks import DRAIN, GRACE, Clocks
from .dialects import ChatParser
from .errors import (
    AuthenticationFailed,
    Cancelled,
    ChatError,
    ConnectionLost,
    HTTPStatusError,
    LimitExceeded,
    StreamTruncated,
    TimedOut,
    UnexpectedRedirect,
)
from .events import ChatEvent
from .http_request import REDIRECTS, Headers, HttpRequest, header, redirect
from .parsers.lines import Data
from .providers import Call, Provider
from .reply import Reply
from .retry import RetryPolicy
from .states import State
from .timing import Limits

# More than any provider sends after the answer's end marker: the last chunk, a trailer section, a comment or two.
_DRAIN_BYTES = 64 * 1024


class Attempts:
    """The part of Exchange that does it; Exchange sets these attributes, and says what they are."""

    __slots__ = (
        "_asking", "_body", "_call", "_clocks", "_delivered", "_key_refused", "_made", "_parser", "_redirects",
        "_renewed", "_resent", "_room", "_until", "attempts", "delay", "error", "headers", "limits", "provider",
        "random", "reply", "request", "retry", "secrets", "state", "status",
    )  # fmt: skip

    attempts: int
    delay: float
    error: ChatError | None
    headers: Headers
    limits: Limits
    provider: Provider
    random: Callable[[], float]
    reply: Reply
    request: HttpRequest | None
    retry: RetryPolicy
    secrets: tuple[str, ...]
    state: State
    status: int | None
    _asking: bool
    _body: bytearray | None
    _call: Call
    _clocks: Clocks
    _delivered: bool
    _key_refused: bool
    _made: HttpRequest | None
    _parser: ChatParser  # of the answer: there is one from STREAM on
    _redirects: int
    _renewed: bool
    _resent: bool
    _room: int
    _until: float

    # --- SETUP, ERROR_RESPONSE, DRAIN: bodies that are no answer ------------------------------------------------------

    def _page(self, data: Data, now: float) -> list[ChatEvent]:
        if self._passes(data, self.limits.page):
            self._fail(LimitExceeded("page", self.limits.page), now)
        return []

    def _page_ended(self, failure: ChatError | None, now: float) -> list[ChatEvent]:
        if failure is not None:
            return self._fail(failure, now)
        try:
            self._call.receive_setup(self.headers, bytes(self._body or b""))
        except ChatError as error:
            self._fail(error, now)
        else:
            # The question is a request of its own: it may go over the connection that this one has left idle.
            self._resent = False
            self._to(State.READY, now)
        return []

    def _error_body(self, data: Data, now: float) -> list[ChatEvent]:
        return self._error_ended(None, now) if self._passes(data, self.limits.error_body) else []

    def _error_ended(self, failure: ChatError | None, now: float) -> list[ChatEvent]:
        # `failure` is dropped: where the body broke off, its status still says what went wrong.
        status, location = self.status or 0, header(self.headers, "location")
        error: HTTPStatusError
        if self.request is not None and status in REDIRECTS and location:
            try:
                self._redirects += 1
                self._made = redirect(self.request, status, location, self._redirects)
            except UnexpectedRedirect as unfollowed:
                error = unfollowed
            else:
                self._to(State.READY, now)
                return []
        else:
            error = self.provider.error_response(status, self.headers, bytes(self._body or b""))
        return self._fail(error, now)

    def _rest(self, data: Data, now: float) -> list[ChatEvent]:
        return self._done(None, now) if self._passes(data, _DRAIN_BYTES) else []

    def _done(self, failure: ChatError | None, now: float) -> list[ChatEvent]:
        self._to(State.DONE, now)
        return []

    def _passes(self, data: Data, limit: int) -> bool:
        """Keep `data`, at most one byte more than `limit` in all. Returns whether the body is longer than `limit`."""
        if self._body is None:
            self._body = bytearray()
        self._body += data[: limit + 1 - len(self._body)]
        return len(self._body) > limit

    # --- STREAM: the answer -------------------------------------------------------------------------------------------

    def _answer(self, data: Data, now: float) -> list[ChatEvent]:
        parser = self._parser
        self._room -= len(data)
        events = parser.feed(data if self._room >= 0 else data[: self._room])
        content, error = self._fold(events, now) if events else (False, None)
        if error is not None:
            self._fail(error, now)
        elif parser.ended:
            # The answer is whole. What is left of the body is read only so that the connection can be reused.
            self._clocks.only_grace(now + DRAIN)
            self._reply_ended(now)
            self._to(State.DRAIN, now)
        elif parser.complete:
            # A finish reason came. Usage and the end marker may follow, or the server may hold the connection open.
            self._clocks.start_grace(now + GRACE, anew=content)
        else:  # the end is not proven, or not any more, as another choice has begun
            self._clocks.grace = inf
        if self._room < 0 and self.state is State.STREAM:
            return events + self._answer_ended(LimitExceeded("decompressed", self.limits.decompressed), now)
        # While a peer sends without a pause, keep-alives perhaps, the caller never waits until `deadline`.
        if self._clocks.overdue(now, len(data)) and self.state is State.STREAM:
            events += self._answer_ended(TimedOut(*self._clocks.fired(now, connecting=False)), now)
        return events

    def _answer_ended(self, failure: ChatError | None, now: float) -> list[ChatEvent]:
        events = self._parser.end(proper=failure is None)
        _, error = self._fold(events, now)
        if error is None:
            self._reply_ended(now)
            self._to(State.DONE, now)
        else:
            # An error that the stream itself reported says more than how the connection broke; that the answer has no
            # end says less.
            self._fail(failure if failure is not None and isinstance(error, StreamTruncated) else error, now)
        return events

    def _reply_ended(self, now: float) -> None:
        self.reply.elapsed = self._clocks.elapsed(now)
        self.reply.redact(self.secrets)

    def _answer_cancelled(self, error: ChatError, now: float) -> list[ChatEvent]:
        if self._parser.complete:
            self.reply.redact(self.secrets)
            self._to(State.DONE, now)
        else:
            self._fail(error, now)
        return []

    # --- failing and trying again -------------------------------------------------------------------------------------

    def _fail(self, error: ChatError, now: float) -> list[ChatEvent]:
        """Decide what follows `error`: the request again at once, or after a delay, or the end. Returns no events."""
        self._record(error, now)
        # Once content was delivered, a second answer would repeat it in other words. Without a key nothing was sent.
        if self._delivered or self.state is State.KEYLESS or isinstance(error, Cancelled):
            self._to(State.FAILED, now)
        elif self._connection_was_stale(error):
            self._start_again(now)
            self._resent = True
        elif self._renew_setup(error) or self._renew_key(error):
            self._start_again(now)
        elif (delay := self.retry.after(error, self.attempts, self.random, self._clocks.left(now))) is not None:
            self.delay, self._until = delay, now + delay
            _let_go(error)
            self._to(State.WAITING, now)
        else:
            self._to(State.FAILED, now)
        return []

    def _renew_setup(self, error: ChatError) -> bool:
        """Whether `error` means, for the first time, that the setup request's answer is stale."""
        # Once: a host that refuses a fresh answer refuses the next as well, and would be asked without end.
        stale = self._asking and self._call.renew(error)
        first, self._renewed = not self._renewed, self._renewed or stale
        return stale and first

    def _renew_key(self, error: ChatError) -> bool:
        """Whether the host refused, for the first time, a key that the user's function gave: it may be stale by now."""
        refused = type(error) is AuthenticationFailed and self.provider.asks_for_key
        first, self._key_refused = not self._key_refused, self._key_refused or refused
        return refused and first

    def _record(self, error: ChatError, now: float) -> None:
        # Before anybody sees the error: peers and proxies quote the request that they reject.
        error.redact(self.secrets)
        error.reply, error.attempts = self.reply, self.attempts
        self.reply.failed = True
        self._reply_ended(now)
        advise(error, self.provider, self.request)
        self.error = error
        self._call.abandon()

    def _connection_was_stale(self, error: ChatError) -> bool:
        """Whether a kept-alive connection failed before a byte of the response came (RFC 9112 9.3.1).

        Servers close idle connections when they like, so that this is no failed attempt; a new connection is asked for,
        and if that one fails, it is.
        """
        lost = isinstance(error, ConnectionLost) and error.reused
        return lost and self.state is State.SENT and not self._resent

    def _start_again(self, now: float) -> None:
        _let_go(self.error)
        self.reply = Reply(self.reply.answer_type)
        self._resent = False
        self._to(State.READY, now)

    def _fold(self, events: list[ChatEvent], now: float) -> tuple[bool, ChatError | None]:
        """Fold `events` into the reply."""
        raise NotImplementedError

    def _to(self, state: State, now: float) -> None:
        """Enter `state`."""
        raise NotImplementedError


def _let_go(error: BaseException | None) -> None:
    """Drop the frames of an error that is not raised further: they hold the stream, which its reader may yet drop."""
    # Until one without frames: a chain of causes may be a circle.
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
