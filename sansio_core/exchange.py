"""Exchange: one question's way to its answer as a state machine. Actions out, bytes and failures in; no I/O, no clock.

    exchange = Exchange(provider, ChatRequest("Hello"))
    while True:
        match exchange.next_action(now()):
            case Send(request):
                ...                                        # send it your way, read the response's head
                exchange.receive_head(status, headers, now())
                while exchange.reading:
                    for event in exchange.receive_data(read(exchange.deadline), now()):    # b"" ends the body
                        ...
            case Wait(seconds):
                sleep(seconds)
            case Finish():
                break

Decisions are actions, a few per exchange. Bytes are a plain call, thousands per exchange, which never raises for what
the peer did: faults are recorded, and raised by next_action when nothing can be done about them. `now` is seconds of
any monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ._advice import advise
from ._clocks import DRAIN, ERROR_BODY, SETTLE, Clocks
from .dialects import ChatParser
from .dialects.error_mapping import request_id
from .errors import (
    Cancelled,
    ChatError,
    ConnectionLost,
    HTTPStatusError,
    InvalidRequest,
    LimitExceeded,
    ProtocolViolation,
    StreamTruncated,
    TimedOut,
    UnexpectedContent,
    UnexpectedRedirect,
)
from .events import ChatEvent, Failed, KeepAlive
from .http_request import REDIRECTS, Headers, HttpRequest, body_length, header, redirect
from .providers import Call, Provider
from .redact import redact
from .reply import Reply
from .request import ChatRequest
from .retry import RetryPolicy, middle
from .states import NEXT, READING, Action, Finish, Send, State, Wait
from .timing import Limits, Timeouts

_DRAIN_BYTES = 64 * 1024


class Exchange:
    """One question to one provider, over whatever I/O drives it.

    `retry` and `timeouts` replace the provider's (or a number of attempts; a number of total seconds); `random` gives
    numbers in [0, 1) for jitter and random ids, without it the middle is taken. Raises InvalidRequest for a request
    that cannot be sent.

    To be read at any time: `reading` (receive_data wants bytes), `under_way` (a Send's response is awaited, its head or
    more of its body), `reply` (the fold of the events so far), `attempts` (how many counted), `status` and `headers`
    (of the last response), `reusable` (its body was read to its end, so that
    the connection may carry the next request), `state`; `request` (the one under way; None again once content came, as
    nothing is sent after that), `secrets` (what of all requests must be in no log), `error` (why it failed, or is tried
    again) and `pause` (the seconds before that). `watch`, if set, is called after each change of `state`.
    """

    __slots__ = (
        "__weakref__",
        "_asking",
        "_body",
        "_call",
        "_clocks",
        "_delivered",
        "_fresh",
        "_missing",
        "_parser",
        "_random",
        "_redirected",
        "_redirects",
        "_resent",
        "_until",
        "attempts",
        "delay",
        "error",
        "headers",
        "limits",
        "on_state_change",
        "provider",
        "reading",
        "reply",
        "request",
        "retry",
        "reusable",
        "secrets",
        "state",
        "status",
        "timeouts",
    )  # fmt: skip

    def __init__(
        self,
        provider: Provider,
        request: ChatRequest,
        *,
        retry: RetryPolicy | int | None = None,
        timeouts: Timeouts | float | None = None,
        limits: Limits | None = None,
        random: Callable[[], float] | None = None,
    ) -> None:
        if not isinstance(provider, Provider):
            raise InvalidRequest(f"provider must be what providers.create() gives, not {type(provider).__name__}")
        if not isinstance(request, ChatRequest):
            raise InvalidRequest(f"request must be a ChatRequest, not {type(request).__name__}: ChatRequest(messages)")
        self.provider = provider
        self.retry = RetryPolicy.of(retry, provider.retry)
        self.timeouts = Timeouts.of(timeouts, provider.timeouts)
        self.limits = limits or Limits()
        self._random = random or middle
        self._call = self._begin(request)
        self._clocks = Clocks(self.timeouts)
        self.state = State.READY
        self.reading = False
        self.reply = Reply()
        self.attempts = 0
        self.status: int | None = None
        self.headers: Headers = ()
        self.reusable = False
        self._missing: int | None = None  # how many bytes of the body have still to come, where that is known
        self.request: HttpRequest | None = None  # the one under way
        self._asking = False  # whether that is the question, not what comes before it
        self._redirected: HttpRequest | None = None  # where it goes next
        self._redirects = 0
        self._fresh = self._resent = False
        self._parser: ChatParser | None = None
        self._delivered = False
        self._body: bytearray | None = None  # of a response that is no answer
        self.delay = 0.0
        self._until: float | None = None
        self.error: ChatError | None = None
        self.on_state_change: Callable[[], None] | None = None
        self.secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Exchange with {self.provider.info.name}: {self.state.value}>"

    def _begin(self, request: ChatRequest) -> Call:
        """What is asked. With `_answer` all that an exchange of another kind replaces (see ModelList)."""
        return self.provider.begin(request, self._random)

    def _answer(self, content_type: str) -> ChatParser:
        """What reads the answer."""
        return self.provider.parser(content_type, max_frame_size=self.limits.frame)

    # --- actions out ---------------------------------------------------------------------------------------------

    def next_action(self, now: float) -> Action:
        """What to do next. Raises the error that ended the exchange, with the partial `reply` in it."""
        self._clocks.start(now)
        match self.state:
            case State.WAITING:
                return self._wait(now)
            case State.READY:
                return self._send(now)
            case State.DONE:
                return Finish()
            case State.FAILED if self.error is not None:
                raise self.error
            case _:
                raise RuntimeError(f"next_action: the exchange is {self.state.value}; give it that first")

    def _wait(self, now: float) -> Action:
        if self._until is None:
            self._until = now + self.delay
            if self._clocks.expired(self._until):  # there would be no time left to try again
                self._to(State.FAILED)
                return self.next_action(now)
        if now < self._until:
            return Wait(self._until - now)
        self._until = None
        self.attempts += 1
        self._again()
        return self._send(now)

    def _send(self, now: float) -> Action:
        if self._clocks.expired(now):
            self._fail(TimedOut("total", self.timeouts.total))
            return self.next_action(now)
        request, self._redirected = self._redirected, None
        if request is None:
            first = self._call.setup_request(now)
            if isinstance(first, float):
                return Wait(first)
            self._asking = first is None
            request = first or self._call.request()
            self._redirects = 0
        self.attempts = self.attempts or 1
        self.request = request
        secrets = request.secrets
        self.secrets = secrets if not self.secrets else tuple({*self.secrets, *secrets})
        self._clocks.sent(now)
        self._to(State.SENT)
        return Send(request, self._clocks.connect, self._fresh)

    # --- bytes and failures in -----------------------------------------------------------------------------------

    def receive_head(self, status: int, headers: Iterable[tuple[str, str]], now: float) -> None:
        """The response's status and header fields. An interim response (1xx) is passed over.

        Fields that tell of a coding must be among them also where a transport has taken it off: without one, a body
        that ends before its Content-Length was cut.
        """
        if self.state is not State.SENT:
            raise RuntimeError(f"receive_head: the exchange is {self.state.value}, no Send is under way")
        if 100 <= status < 200 and status != 101:
            return
        self.status, self.headers, self.reusable = status, tuple(headers), False
        self._missing = body_length(self.headers)
        self._body = None
        self._clocks.byte(now)
        if self._asking:
            # without what a peer may have copied into it of ours
            self.reply.request_id = redact(request_id(self.headers) or "", self.secrets) or None
        if status < 200:
            self._fail(ProtocolViolation(f"the server answered with the status {status}, which nobody asked for"))
        elif status in (204, 205, 304):
            self._fail(UnexpectedContent(f"the provider answered with the status {status}: no content"))
        elif status >= 300:
            self._clocks.only_settle(now + ERROR_BODY)
            self._to(State.ERROR_RESPONSE)
        elif self._asking:
            self._parser = self._answer(header(self.headers, "content-type"))
            self._to(State.STREAM)
        else:
            self._to(State.SETUP)

    def receive_data(self, data: bytes | bytearray | memoryview, now: float) -> list[ChatEvent]:
        """A piece of the body, content coding removed; b"" is its proper end. Gives the events that are complete."""
        if not self.reading:
            raise RuntimeError(f"receive_data: the exchange is {self.state.value} and reads nothing")
        if data:
            if self._missing:
                self._missing -= len(data)
        elif self._missing is not None and self._missing > 0:  # some transports end such a body as if it were whole
            cut = StreamTruncated(f"the body ended {self._missing} bytes before its Content-Length")
            return self.receive_failure(cut)
        else:
            self.reusable = True
        self._clocks.byte(now)
        if self.state is State.STREAM and self._parser is not None:
            return self._events(self._parser, data, now) if data else self._conclude()
        self._collect(data)
        return []

    def receive_failure(self, error: ChatError) -> list[ChatEvent]:
        """Connecting, sending or reading failed, or the stream was cancelled. Gives the last events, if there are any.

        An answer whose end was already proven is complete all the same.
        """
        if self.state in (State.DONE, State.FAILED):
            return []
        cancelled = isinstance(error, Cancelled)
        if not cancelled and self.state in (State.READY, State.WAITING):
            raise RuntimeError(f"receive_failure: the exchange is {self.state.value}, nothing is under way")
        proven = self.state is State.STREAM and self._parser is not None and self._parser.complete
        if self.state is State.DRAIN or (cancelled and proven):
            self._to(State.DONE)
        elif cancelled:
            self._fail(error)
        elif self.state is State.STREAM:
            return self._conclude(error)
        elif self.state is State.ERROR_RESPONSE:
            self._refused()  # the status said enough
        else:
            self._fail(error)
        return []

    def receive_timeout(self, now: float) -> list[ChatEvent]:
        """`deadline` passed, or a Send's `connect_deadline`. As receive_failure, with the clock that fired."""
        clock, seconds = self._clocks.next()
        if self.state is State.SENT and self._clocks.connecting(now):
            clock, seconds = "connect", self.timeouts.connect
        return self.receive_failure(TimedOut(clock, seconds))

    @property
    def under_way(self) -> bool:
        """Whether a Send's response is awaited, its head or more of its body; when not, ask next_action."""
        return self.reading or self.state is State.SENT

    @property
    def deadline(self) -> float | None:
        """When to stop waiting for the head or for bytes and to call receive_timeout instead; None is never."""
        return self._clocks.deadline

    # --- the answer ----------------------------------------------------------------------------------------------

    def _events(self, parser: ChatParser, data: bytes | bytearray | memoryview, now: float) -> list[ChatEvent]:
        events = parser.feed(data)
        content, error = self._fold(events) if events else (False, None)
        if content or any(type(event) is not KeepAlive for event in events):
            self._clocks.event(now, content)
        if error is not None:
            self._fail(error)
        elif parser.ended:  # its marker may come alone and give no event
            self._clocks.only_settle(now + DRAIN)
            self._to(State.DRAIN)
        elif parser.complete:
            self._clocks.settle(now + SETTLE, anew=content)
        else:
            self._clocks.unsettle()
        # by a peer that never leaves time to wait for it
        if self._clocks.due(now, len(data)) and self.state is State.STREAM:
            events += self.receive_timeout(now)
        return events

    def _fold(self, events: list[ChatEvent]) -> tuple[bool, ChatError | None]:
        """Fold them into the reply. Gives whether any is content, and what the stream says of its own failure.

        That is taken out of `events`: it is for next_action to raise.
        """
        last = events[-1] if events else None
        content = self.reply.extend(events)
        if content and not self._delivered:
            self._delivered = True
            self.request = None  # which may hold a long conversation
            self._call.answered()
        if type(last) is not Failed:
            return content, None
        events.pop()
        return content, last.error

    def _conclude(self, failure: ChatError | None = None) -> list[ChatEvent]:
        """The body ended, properly or by `failure`."""
        assert self._parser is not None, "STREAM has a parser"
        events = self._parser.end(proper=failure is None)
        _, error = self._fold(events)
        if error is None:
            self._to(State.DONE)
        else:  # what the stream said of itself tells more than how it broke
            self._fail(failure if failure is not None and isinstance(error, StreamTruncated) else error)
        return events

    # --- responses that are no answer ----------------------------------------------------------------------------

    def _collect(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes that are no part of an answer: each kind has its bound and its end."""
        limits = {
            State.SETUP: self.limits.page,
            State.ERROR_RESPONSE: self.limits.error_body,
            State.DRAIN: _DRAIN_BYTES,
        }
        limit = limits[self.state]
        self._body = self._body or bytearray()
        self._body += data[: limit + 1 - len(self._body)]
        over = len(self._body) > limit
        if data and not over:
            return
        if self.state is State.DRAIN:
            self._to(State.DONE)
        elif self.state is State.ERROR_RESPONSE:
            self._refused()
        elif over:
            self._fail(LimitExceeded("page", limit))
        else:
            try:
                self._call.receive_setup(self.headers, bytes(self._body))
            except ChatError as error:
                self._fail(error)
            else:
                self._fresh = self._resent = False  # the question is a request of its own, and may reuse this one's
                self._to(State.READY)

    def _refused(self) -> None:
        status, location = self.status or 0, header(self.headers, "location")
        error: HTTPStatusError
        if self.request is not None and status in REDIRECTS and location:
            try:
                self._redirects += 1
                self._redirected = redirect(self.request, status, location, self._redirects)
            except UnexpectedRedirect as refused:
                error = refused
            else:
                self._to(State.READY)
                return
        else:
            error = self.provider.refusal(status, self.headers, bytes(self._body or b""))
        self._fail(error)

    # --- failing and trying again --------------------------------------------------------------------------------

    def _fail(self, error: ChatError) -> None:
        """Decide what `error` means: nothing is sent again once content was handed out."""
        error.redact(self.secrets)
        error.reply = self.reply
        self.reply.failed = True
        advise(error, self.provider, self.request)
        self.error = error
        self._call.abandon()
        if self._delivered or isinstance(error, Cancelled):
            self._to(State.FAILED)
        elif isinstance(error, ConnectionLost) and error.reused and not self._resent:
            self._again()
            self._fresh = self._resent = True  # RFC 9112 9.3.1: nothing had come back on a kept-alive connection
        elif self._call.renew(error):
            self._again()
        elif self.attempts < self.retry.attempts and self.retry.retries(error):
            asked = error.retry_after if isinstance(error, HTTPStatusError) else None
            self.delay = self.retry.wait(self.attempts, self._random, asked)
            self._to(State.WAITING)
        else:
            self._to(State.FAILED)

    def _again(self) -> None:
        self.reply = Reply()
        self._parser = self._redirected = None
        self._fresh = self._resent = False
        self._to(State.READY)

    def _to(self, state: State) -> None:
        if state not in NEXT[self.state]:
            raise RuntimeError(f"an exchange that is {self.state.value} cannot become {state.value}")
        self.state = state
        self.reading = state in READING
        if self.on_state_change is not None:
            self.on_state_change()
