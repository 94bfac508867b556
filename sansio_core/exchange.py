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
            case NeedKey():                                # only where the provider's api_key is a function
                exchange.receive_key(provider.api_key(), now())
            case Finish():
                break

Decisions are actions, a few per exchange. Bytes are a plain call, thousands per exchange, which never raises for what
the peer did: the exchange records the fault, and next_action raises it when nothing can be done about it. `now` is the
time in seconds of any monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import TYPE_CHECKING

from ._attempts import Attempts
from ._clocks import ERROR_BODY, Clocks
from .dialects import ChatParser
from .dialects.error_mapping import request_id
from .errors import (
    Cancelled,
    ChatError,
    InvalidRequest,
    ProtocolViolation,
    StreamTruncated,
    TimedOut,
    UnexpectedContent,
)
from .events import ChatEvent, Failed, KeepAlive
from .http_request import Headers, HttpRequest, account_headers, body_length, header
from .parsers.lines import Data
from .providers.base import Provider, no_provider
from .providers.call import Call
from .redact import longest_first, redact
from .reply import Reply
from .request import ChatRequest
from .retry import RetryPolicy, middle
from .states import ANSWERING, NEXT, READING, Action, Finish, Handlers, NeedKey, Send, State, Wait
from .timing import Limits, Timeouts

if TYPE_CHECKING:
    from .observer import Observer, Watch


class Exchange(Attempts):
    """One question to one provider, over whatever I/O drives it.

    `retry` and `timeouts` replace the provider's own (or are a number of attempts, a number of total seconds). `random`
    gives numbers in [0, 1) for jitter and random ids; without it, every draw is 0.5; a tape that is played
    replaces it. Raises InvalidRequest for a request that cannot be sent.

    To be read at any time: `state`; `reading` (receive_data wants bytes); `under_way` (a response is awaited, its head
    or more of its body); `reply` (the fold of the events so far); `attempts` (how many counted as one); `status` and
    `headers` of the last response; `reusable` (its body was read to its end, so that the connection may carry the next
    request); `request` (the one under way; None again once content came, as nothing is sent after that); `secrets` (the
    values in all requests that must be in no log); `error` (what ended the exchange, or is tried again, then after
    `delay` seconds). `observer` is called with each notice of `sansio_core.observer`; `observe` adds further ones.

    What the exchange can be given in each state, and where that leads, is drawn in `states`; any other call raises
    RuntimeError, as it is the caller's mistake.
    """

    __slots__ = ("__weakref__", "_missing", "_question", "_watch", "reusable", "timeouts")

    def __init__(
        self,
        provider: Provider,
        request: ChatRequest,
        *,
        retry: RetryPolicy | int | None = None,
        timeouts: Timeouts | float | None = None,
        limits: Limits | None = None,
        random: Callable[[], float] | None = None,
        observer: Observer | None = None,
    ) -> None:
        if not isinstance(provider, Provider):
            raise no_provider(provider, "what providers.create() gives")
        if not isinstance(request, ChatRequest):
            raise InvalidRequest(f"request must be a ChatRequest, not {type(request).__name__}: ChatRequest(messages)")
        self.provider = provider
        self.retry = RetryPolicy.of(retry, provider.retry)
        self.timeouts = Timeouts.of(timeouts, provider.timeouts)
        self.limits = Limits.of(limits)
        self.random = random or middle
        self._call = self._begin(request)
        self._clocks = Clocks(self.timeouts)
        self.state = State.READY
        self._question: ChatRequest | None = request  # until it is asked
        self._watch: Watch | None = None
        if observer is not None:
            self.observe(observer)
        self.reply = Reply(request.answer_type)
        self.attempts = 0
        self.error: ChatError | None = None
        self.delay = 0.0
        self._until = 0.0  # when WAITING ends
        key = provider.api_key if provider.key_header is None else None  # a wire of one's own has it in the body
        self.secrets: tuple[str, ...] = longest_first((key,)) if isinstance(key, str) else ()
        # The request under way
        self.request: HttpRequest | None = None
        self._asking = False  # whether it is the question, not the setup request
        self._made: HttpRequest | None = None  # to be sent next: the one of a redirect, or one that waits for its key
        self._redirects = 0  # how many were followed since the request was made
        self._resent = False  # whether it goes out a second time, as a kept-alive connection failed
        self._renewed = False  # whether the question failed as its setup request's answer was stale
        self._key_refused = False  # whether the host has refused a key that the user's function gave
        # Its response
        self.status: int | None = None
        self.headers: Headers = ()
        self.reusable = False
        self._missing: int | None = None  # how many bytes of the body are still to come, where that is known
        self._room = 0  # how many bytes the answer's body may yet have
        self._body: bytearray | None = None  # of a response that is no answer
        self._delivered = False  # whether content of the answer was returned to the caller

    def __repr__(self) -> str:
        return f"<Exchange with {self.provider.info.name}: {self.state.value}>"

    # The two methods that an exchange of another kind replaces (see ModelList)

    def _begin(self, request: ChatRequest) -> Call:
        return self.provider.begin(request, self.random)

    def _new_parser(self, content_type: str) -> ChatParser:
        return self.provider.parser(content_type, max_frame_size=self.limits.frame)

    def observe(self, observer: Observer) -> None:
        """Have `observer` called with each notice, after those that are there already; before the first action only."""
        from .observer import Watch  # imported here: whoever observes nothing does not pay for it

        if self._question is None:
            raise RuntimeError("observe: the exchange has begun, and its first notices were given")
        self._watch = self._watch or Watch()
        self._watch.add(observer)

    # --- what the caller gives: _HANDLERS says what handles it in which state -----------------------------------------

    def next_action(self, now: float) -> Action:
        """What to do next. Raises the error that ended the exchange, with the partial `reply` in it."""
        # The total counts from here, not from __init__: an exchange may be made long before anybody drives it.
        if self._question is not None:
            self._clocks.start(now)
            question, self._question = self._question, None
            if self._watch is not None:
                self._watch.asked(self, question, now)
        handler = _HANDLERS[self.state].action
        if handler is None:
            raise RuntimeError(f"next_action: the exchange is {self.state.value}; give it that first")
        return handler(self, now)

    def receive_key(self, key: str, now: float) -> None:
        """The key for the request that goes out next. One that cannot be sent is an InvalidRequest of next_action."""
        if self.state is not State.KEYLESS or self._made is None:
            raise RuntimeError(f"receive_key: the exchange is {self.state.value}, it asked for no key")
        try:
            self._made = self.provider.with_key(self._made, key)
        except InvalidRequest as error:
            self._fail(error, now)
        else:
            self._to(State.READY, now)

    def receive_place(self, free: bool, now: float) -> None:
        """The transport waits for one of a bounded number of connections (`free` False), or has it now (True).

        Meanwhile the total is the only clock; the others count from the end of the waiting.
        """
        if self.state is not State.SENT:
            raise RuntimeError(f"receive_place: the exchange is {self.state.value}, no Send is under way")
        self._clocks.place(free, now)
        if self._watch is not None:
            self._watch.place(self, free, now)

    def receive_connection(self, reused: bool, now: float) -> None:
        """The transport has a connection, a kept one if `reused`: what counts from the sending counts from here.

        A transport need not tell this; then the clock for the first event counts the connecting as well.
        """
        if self.state is not State.SENT:
            raise RuntimeError(f"receive_connection: the exchange is {self.state.value}, no Send is under way")
        self._clocks.connected(now)
        if self._watch is not None:
            self._watch.connected(self, reused, now)

    def receive_head(self, status: int, headers: Iterable[tuple[str, str]], now: float) -> None:
        """The response's status and header fields. The exchange passes over an interim response (1xx).

        Fields that name a content coding must be among them also where the transport has removed the coding: without
        one, a body that ends before its Content-Length was cut.
        """
        handler = _HANDLERS[self.state].head
        if handler is None:
            raise RuntimeError(f"receive_head: the exchange is {self.state.value}, no Send is under way")
        # RFC 9110 15.2: a client must be able to read interim responses, also those that it did not ask for. 101
        # (Switching Protocols) is not passed over: what follows it would not be HTTP.
        if 100 <= status < 200 and status != 101:
            return
        self.status, self.headers, self.reusable = status, tuple(headers), False
        self._missing, self._room = body_length(self.headers), self.limits.decompressed
        self._body = None
        self._clocks.last_byte = now
        if self._watch is not None:
            self._watch.head(self, status, self.headers, now)
        if self._asking:
            self._note_account()
        handler(self, status, now)

    def receive_data(self, data: Data, now: float) -> list[ChatEvent]:
        """A piece of the body, content coding removed; b"" is its proper end. Returns the events that are complete."""
        handlers = _HANDLERS[self.state]
        if handlers.data is None or handlers.end is None:
            raise RuntimeError(f"receive_data: the exchange is {self.state.value} and reads nothing")
        self._clocks.last_byte = now
        if data:
            if self._missing:
                self._missing -= len(data)
            return handlers.data(self, data, now)
        if self._missing is not None and self._missing > 0:
            # Some HTTP libraries end a body that was cut as if it were whole (http.client's read1 and older requests).
            cut = StreamTruncated(f"the body ended {self._missing} bytes before its Content-Length")
            return self.receive_failure(cut, now)
        self.reusable = True
        return handlers.end(self, None, now)

    def receive_failure(self, error: ChatError, now: float) -> list[ChatEvent]:
        """Connecting, sending or reading failed, or the stream was cancelled. Returns the last events, if any.

        An answer whose end was already proven is complete all the same.
        """
        handlers = _HANDLERS[self.state]
        handler = handlers.cancel if isinstance(error, Cancelled) else handlers.failure or handlers.end
        if handler is None:
            raise RuntimeError(f"receive_failure: the exchange is {self.state.value}, nothing is under way")
        return handler(self, error, now)

    def receive_timeout(self, now: float) -> list[ChatEvent]:
        """`deadline` passed, or a Send's `connect_deadline`: as receive_failure, with the clock that fired."""
        return self.receive_failure(self.timed_out(now), now)

    def timed_out(self, now: float) -> TimedOut:
        """The error of a `receive_timeout(now)`, with the name of the clock; nothing is changed."""
        return TimedOut(*self._clocks.fired(now, connecting=self.state is State.SENT))

    @property
    def reading(self) -> bool:
        """Whether receive_data wants bytes, or the body's end."""
        return self.state in READING

    @property
    def asking(self) -> bool:
        """Whether the last request is the question, and no setup request before it."""
        return self._asking

    @property
    def answering(self) -> bool:
        """Whether a response was accepted as the answer; until content comes, it may yet fail and be asked for anew."""
        return self.state in ANSWERING

    @property
    def under_way(self) -> bool:
        """Whether a Send's response is awaited, its head or more of its body; when not, ask next_action."""
        return self.state is State.SENT or self.state in READING

    @property
    def deadline(self) -> float | None:
        """When to stop waiting for the head or for bytes and to call receive_timeout instead; None is never."""
        return self._clocks.deadline

    # --- READY, WAITING, DONE, FAILED: the next action ----------------------------------------------------------------

    def _send(self, now: float) -> Action:
        if self._clocks.total_fired(now):
            self._record(TimedOut("total", self.timeouts.total), now)
            self._to(State.FAILED, now)
            return self.next_action(now)
        request, self._made = self._made, None
        # A redirected request is the same question at another address: neither the call nor the user is asked again.
        if request is None:
            setup = self._call.setup_request(now)
            if isinstance(setup, (int, float)):
                return Wait(setup)
            self._asking = setup is None
            request = setup or self._call.request()
            self._redirects = 0
            if self.provider.asks_for_key:
                self._made = request
                self._clocks.only_grace(inf)  # the total alone bounds the asking: no other clock of the response before
                self._to(State.KEYLESS, now)
                return NeedKey()
        # Only `_wait` counts further attempts: a setup request is none, nor is a redirect, nor a request that goes out
        # again because its connection was stale.
        self.attempts = self.reply.attempts = self.attempts or 1
        self.request = request
        # Those of earlier requests stay: an error may quote a header of any response so far.
        self.secrets = tuple({*self.secrets, *request.secrets}) if self.secrets else request.secrets
        self._clocks.request_sent(now)
        self._to(State.SENT, now)
        return Send(request, self._clocks.connect, fresh=self._resent)

    def _wait(self, now: float) -> Action:
        if now < self._until:
            return Wait(self._until - now)
        if self._clocks.total_fired(now):
            # The caller comes back late. There is no time left for another attempt; the last one's error is the reason.
            self._to(State.FAILED, now)
            return self.next_action(now)
        self.attempts += 1
        self._start_again(now)
        return self.next_action(now)

    def _finish(self, now: float) -> Action:
        return Finish()

    def _raise(self, now: float) -> Action:
        assert self.error is not None, "nothing fails without an error"
        raise self.error

    # --- SENT: the response's head ------------------------------------------------------------------------------------

    def _note_account(self) -> None:
        """Keep of an answer's head what is the reply's; a gateway may put a piece of the request there, and a key."""
        self.reply.request_id = redact(request_id(self.headers) or "", self.secrets) or None
        if (account := account_headers(self.headers)) or self.reply.headers:
            self.reply.headers = {name: redact(value, self.secrets) for name, value in account}

    def _head(self, status: int, now: float) -> None:
        if status < 200:
            self._fail(ProtocolViolation(f"the server answered with the status {status}, which nobody asked for"), now)
        elif status in (204, 205, 304):  # RFC 9110 15.3.5, 15.3.6, 15.4.5: these have no content
            self._fail(UnexpectedContent(f"the provider answered with the status {status}: no content"), now)
        elif status >= 300:
            # The status has decided already; the body only says more about it, so that little time is spent on it.
            self._clocks.only_grace(now + ERROR_BODY)
            self._to(State.ERROR_RESPONSE, now)
        elif self._asking:
            self._parser = self._new_parser(header(self.headers, "content-type"))
            self._to(State.STREAM, now)
        else:
            self._to(State.SETUP, now)

    # --- every state -------------------------------------------------------------------------------------------------

    def _fold(self, events: list[ChatEvent], now: float) -> tuple[bool, ChatError | None]:
        """Fold `events` into the reply. Returns whether any is content, and the error that the stream itself reports.

        The event of that error leaves `events`: next_action raises it.
        """
        last = events[-1] if events else None
        content = self.reply.extend(events)
        if content or any(type(event) is not KeepAlive for event in events):
            self._clocks.event_arrived(now, content)
        if content and not self._delivered:
            self._delivered = True
            # Nothing is sent again from here on, and a request may hold a long conversation.
            self.request = None
            self._call.answered()
        if self._watch is not None:
            self._watch.events(self, events, now)
        if type(last) is not Failed:
            return content, None
        events.pop()
        return content, last.error

    def _ignore(self, error: ChatError, now: float) -> list[ChatEvent]:
        """The exchange is over; a transport's timer or a second cancellation may still report."""
        return []

    def _to(self, state: State, now: float) -> None:
        if state not in NEXT[self.state]:
            raise RuntimeError(f"an exchange that is {self.state.value} cannot become {state.value}")
        self.state = state
        if self._watch is not None:
            self._watch.entered(self, now)


_HANDLERS: dict[State, Handlers] = {
    State.READY: Handlers(action=Exchange._send, cancel=Exchange._fail),
    State.KEYLESS: Handlers(failure=Exchange._fail, cancel=Exchange._fail),
    State.WAITING: Handlers(action=Exchange._wait, cancel=Exchange._fail),
    State.SENT: Handlers(head=Exchange._head, failure=Exchange._fail, cancel=Exchange._fail),
    State.SETUP: Handlers(data=Exchange._page, end=Exchange._page_ended, cancel=Exchange._fail),
    State.ERROR_RESPONSE: Handlers(data=Exchange._error_body, end=Exchange._error_ended, cancel=Exchange._fail),
    State.STREAM: Handlers(data=Exchange._answer, end=Exchange._answer_ended, cancel=Exchange._answer_cancelled),
    State.DRAIN: Handlers(data=Exchange._rest, end=Exchange._done, cancel=Exchange._done),
    State.DONE: Handlers(action=Exchange._finish, failure=Exchange._ignore, cancel=Exchange._ignore),
    State.FAILED: Handlers(action=Exchange._raise, failure=Exchange._ignore, cancel=Exchange._ignore),
}
