"""The exchange as a state machine: what may be called when, what a head means, what is bounded."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from typing import Any

import pytest
from exchange_driver import JSON, SSE, TEXT, Answer, Run, chunk, exchange, sse, stream

from sansio_core import (
    AuthenticationFailed,
    BadRequest,
    Cancelled,
    ChatError,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Finish,
    HttpRequest,
    InvalidRequest,
    LimitExceeded,
    Limits,
    NotFound,
    PermissionDenied,
    ProtocolViolation,
    ProviderRefused,
    RateLimited,
    Send,
    ServerFailed,
    State,
    StreamTruncated,
    TimedOut,
    UnexpectedContent,
    UnexpectedRedirect,
    providers,
    states,
)
from sansio_core._attempts import Attempts
from sansio_core.exchange import _HANDLERS
from sansio_core.providers import Call
from sansio_core.states import EDGES, NEXT, READING, Input

LOST = ConnectionLost("reset by peer")


def failing(*answers: Any, name: str = "free_netfly", **settings: Any) -> tuple[ChatError, Run]:
    run = Run(exchange(name, **settings))
    with pytest.raises(ChatError) as caught:
        run.over(*answers)
    return caught.value, run


# --- states ----------------------------------------------------------------------------------------------------------

REUSED = ConnectionLost("closed", reused=True)
STALE = ServerFailed(503)
"""The error of which the call below says that what its setup request gave is stale."""


class Stale(Call):
    """A call whose question is worth asking again at once, as often as it fails with a BadRequest or worse content."""

    def renew(self, error: ChatError) -> bool:
        return isinstance(error, (BadRequest, UnexpectedContent))


class Page(Call):
    """A call that needs a page first, and `fails` when it has read it."""

    fails: ChatError | None = None

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self._read = False

    def setup_request(self, now: float) -> HttpRequest | None:
        return None if self._read else HttpRequest("GET", "http://h/page")

    def receive_setup(self, headers: Any, body: bytes) -> None:
        self._read = True
        if self.fails is not None:
            raise self.fails


class Recorded(Exchange):
    """An exchange that notes each edge that it takes: state, input, and the state that followed."""

    taken: list[tuple[State, Input, State]]
    given: Input
    kind: type[Call] = Stale

    def _begin(self, request: ChatRequest) -> Call:
        self.taken = []
        return self.kind(HttpRequest("POST", "http://h/ask"))

    def _to(self, state: State, now: float) -> None:
        before = self.state
        super()._to(state, now)
        # A next action that leaves WAITING looks at READY's right after.
        self.taken.append((before, self.given, state))

    def give(self, given: Input, call: Any) -> None:
        self.given = given
        call(self)


def recorded(kind: type[Call] = Stale, **settings: Any) -> Recorded:
    ours_kind = type("Ours", (Recorded,), {"kind": kind})
    provider = settings.pop("provider", None) or providers.create("free_netfly")
    ours: Recorded = ours_kind(provider, ChatRequest("Hello"), **settings)
    return ours


KEYED = providers.create("openai", api_key=lambda: "sk-first")  # the tests give the keys: it is not called


def at(state: State, kind: type[Call] = Stale, **settings: Any) -> Recorded:
    """An exchange in `state`."""
    ours = recorded(Page if state is State.SETUP and kind is Stale else kind, **settings)
    if state is State.KEYLESS:
        ours = recorded(kind, provider=KEYED, **settings)
    if state is State.READY:
        return ours
    ours.give(Input.ACTION, lambda ours: ours.next_action(0))
    match state:
        case State.WAITING:
            ours.give(Input.FAILURE, lambda ours: ours.receive_failure(ConnectFailed("refused"), 0))
        case State.SETUP | State.STREAM:
            ours.give(Input.HEAD, lambda ours: ours.receive_head(200, SSE, 0))
        case State.ERROR_RESPONSE:
            ours.give(Input.HEAD, lambda ours: ours.receive_head(500, JSON, 0))
        case State.DRAIN | State.DONE:
            ours.give(Input.HEAD, lambda ours: ours.receive_head(200, SSE, 0))
            ours.give(Input.DATA, lambda ours: ours.receive_data(stream("Hello"), 0))
            if state is State.DONE:
                ours.give(Input.END, lambda ours: ours.receive_data(b"", 0))
        case State.FAILED:
            ours.give(Input.CANCEL, lambda ours: ours.receive_failure(Cancelled(), 0))
    ours.taken.clear()
    return ours


CALLS: dict[Input, Any] = {
    Input.ACTION: lambda ours: ours.next_action(1),
    Input.PLACE: lambda ours: ours.receive_place(False, 1),
    Input.CONNECTION: lambda ours: ours.receive_connection(True, 1),
    Input.KEY: lambda ours: ours.receive_key("sk-given", 1),
    Input.HEAD: lambda ours: ours.receive_head(200, SSE, 1),
    Input.DATA: lambda ours: ours.receive_data(b"x", 1),
    Input.END: lambda ours: ours.receive_data(b"", 1),
    Input.FAILURE: lambda ours: ours.receive_failure(ConnectionLost("reset"), 1),
    Input.CANCEL: lambda ours: ours.receive_failure(Cancelled(), 1),
}


def everything(ours: Exchange) -> dict[str, Any]:
    """What can be seen of `ours`, and its clocks."""
    apart = {"reply", "_parser", "_clocks", "_body", "__weakref__"}
    shown = {name: getattr(ours, name) for name in {*Exchange.__slots__, *Attempts.__slots__} - apart}
    clocks = {name: getattr(ours._clocks, name) for name in ours._clocks.__slots__}
    return {
        **shown,
        **clocks,
        "body": bytes(ours._body or b""),
        "text": ours.reply.text,
        "failed": ours.reply.failed,
        "deadline": ours.deadline,
    }


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("given", Input)
def test_a_call_in_the_wrong_state_raises_and_changes_nothing(state: State, given: Input) -> None:
    ours = at(state)
    assert ours.state is state
    assert ours.reading is (state in READING)
    before = everything(ours)
    if (state, given) in EDGES:
        try:
            ours.give(given, CALLS[given])
        except Cancelled:
            assert state is State.FAILED
        assert ours.state is state or ours.state in NEXT[state] or ours.state is State.SENT
    else:
        with pytest.raises(RuntimeError, match=re.escape(state.value)):
            ours.give(given, CALLS[given])
        assert everything(ours) == before
    if state in (State.DONE, State.FAILED):
        assert everything(ours) == before


REPORTED = sse({"error": {"message": "busy", "type": "server_error"}})
TOO_LONG = sse({"error": {"message": "too long", "code": "context_length_exceeded"}})
MOVED = [*TEXT, ("location", "/elsewhere")]


def head(status: int, headers: Any = TEXT) -> Any:
    return lambda ours: ours.receive_head(status, headers, 0)


def error_response(status: int, headers: Any = TEXT, **settings: Any) -> Recorded:
    ours = at(State.SENT, **settings)
    ours.give(Input.HEAD, head(status, headers))
    ours.taken.clear()
    return ours


def page(fails: ChatError | None = None, **settings: Any) -> Recorded:
    return at(State.SETUP, type("Failing", (Page,), {"fails": fails}), **settings)


def streaming(*data: Any, **settings: Any) -> Recorded:
    ours = at(State.STREAM, **settings)
    if data:
        ours.give(Input.DATA, lambda ours: ours.receive_data(sse(*data), 0))
        ours.taken.clear()
    return ours


def data(body: bytes, now: float = 0) -> Any:
    return lambda ours: ours.receive_data(body, now)


def failure(error: ChatError) -> Any:
    return lambda ours: ours.receive_failure(error, 0)


def late(ours: Exchange) -> None:
    """The caller comes back when the total has fired: the error is the last attempt's."""
    with pytest.raises(ConnectFailed):
        ours.next_action(99)
    assert ours.attempts == 1


ACT = CALLS[Input.ACTION]
END = data(b"")
FULL = b"x" * (64 * 1024 + 1)
S, IN = State, Input
# One row for each edge of the table: the exchange before, what it is given, and the state that follows at once.
WAYS: list[tuple[Any, Input, Any, State]] = [
    (lambda: at(S.READY), IN.ACTION, ACT, S.SENT),
    (lambda: at(S.READY, timeouts=1), IN.ACTION, lambda ours: (ours._clocks.start(0), ours.next_action(2)), S.FAILED),
    (lambda: recorded(provider=KEYED), IN.ACTION, ACT, S.KEYLESS),
    (lambda: at(S.READY), IN.CANCEL, failure(Cancelled()), S.FAILED),
    (lambda: at(S.KEYLESS), IN.KEY, CALLS[IN.KEY], S.READY),
    (lambda: at(S.KEYLESS), IN.KEY, lambda ours: ours.receive_key("a\nb", 1), S.FAILED),
    (lambda: at(S.KEYLESS), IN.FAILURE, failure(LOST), S.FAILED),
    (lambda: at(S.KEYLESS), IN.CANCEL, failure(Cancelled()), S.FAILED),
    (lambda: at(S.WAITING), IN.ACTION, lambda ours: ours.next_action(9), S.READY),
    (lambda: at(S.WAITING, timeouts=60), IN.ACTION, late, S.FAILED),
    (lambda: at(S.WAITING), IN.CANCEL, failure(Cancelled()), S.FAILED),
    (lambda: at(S.SENT), IN.HEAD, head(200), S.STREAM),
    (lambda: at(S.SENT, Page), IN.HEAD, head(200), S.SETUP),
    (lambda: at(S.SENT), IN.HEAD, head(404), S.ERROR_RESPONSE),
    (lambda: at(S.SENT), IN.HEAD, head(204), S.READY),
    (lambda: at(S.SENT), IN.HEAD, head(101), S.FAILED),
    (lambda: at(S.SENT), IN.FAILURE, failure(REUSED), S.READY),
    (lambda: at(S.SENT), IN.FAILURE, failure(LOST), S.WAITING),
    (lambda: at(S.SENT, retry=1), IN.FAILURE, failure(LOST), S.FAILED),
    (lambda: at(S.SENT), IN.CANCEL, failure(Cancelled()), S.FAILED),
    (lambda: page(limits=Limits(page=9)), IN.DATA, data(b"x" * 10), S.FAILED),
    (page, IN.END, END, S.READY),
    (lambda: page(STALE), IN.END, END, S.WAITING),
    (lambda: page(NotFound(404)), IN.END, END, S.FAILED),
    (page, IN.FAILURE, failure(REUSED), S.WAITING),
    (lambda: page(retry=1), IN.FAILURE, failure(LOST), S.FAILED),
    (page, IN.CANCEL, failure(Cancelled()), S.FAILED),
    *(
        row
        for given, call in ((IN.DATA, data(FULL)), (IN.END, END), (IN.FAILURE, failure(LOST)))
        for row in (
            (lambda: error_response(307, MOVED), given, call, S.READY),
            (lambda: error_response(422), given, call, S.READY),
            (lambda: error_response(503), given, call, S.WAITING),
            (lambda: error_response(404), given, call, S.FAILED),
        )
    ),
    (lambda: error_response(503), IN.CANCEL, failure(Cancelled()), S.FAILED),
    (streaming, IN.DATA, data(stream("Hello")), S.DRAIN),
    (lambda: streaming(chunk("a", "stop")), IN.DATA, data(b": ping\n\n", 99), S.DONE),
    (streaming, IN.DATA, data(TOO_LONG), S.READY),
    (streaming, IN.DATA, data(REPORTED), S.WAITING),
    (lambda: streaming(chunk("a")), IN.DATA, data(REPORTED), S.FAILED),
    (lambda: streaming(chunk("a", "stop")), IN.END, END, S.DONE),
    (lambda: at(S.STREAM), IN.END, lambda ours: (ours.receive_data(b"<html>", 0), ours.receive_data(b"", 0)), S.READY),
    (streaming, IN.END, END, S.WAITING),
    (lambda: streaming(chunk("a")), IN.END, END, S.FAILED),
    (lambda: streaming(chunk("a", "stop")), IN.FAILURE, failure(LOST), S.DONE),
    (lambda: streaming(), IN.FAILURE, failure(BadRequest(400)), S.READY),
    (streaming, IN.FAILURE, failure(LOST), S.WAITING),
    (lambda: streaming(chunk("a")), IN.FAILURE, failure(LOST), S.FAILED),
    (lambda: streaming(chunk("a", "stop")), IN.CANCEL, failure(Cancelled()), S.DONE),
    (streaming, IN.CANCEL, failure(Cancelled()), S.FAILED),
    (lambda: at(S.DRAIN), IN.DATA, data(FULL), S.DONE),
    (lambda: at(S.DRAIN), IN.END, END, S.DONE),
    (lambda: at(S.DRAIN), IN.FAILURE, failure(LOST), S.DONE),
    (lambda: at(S.DRAIN), IN.CANCEL, failure(Cancelled()), S.DONE),
]


def test_every_edge_of_the_table_is_taken_and_no_other() -> None:
    taken = set()
    for make, given, call, follows in WAYS:
        ours = make()
        before = ours.state
        with suppress(TimedOut):
            ours.give(given, call)
        assert ours.taken[0] == (before, given, follows), (before, given, follows)
        taken.add(ours.taken[0])
    assert taken == {(state, given, to) for (state, given), following in EDGES.items() for to in following}


def diagram() -> str:
    """The table as the docstring of `states` draws it: a line for each input of each state that leads elsewhere."""
    lines = []
    last = None
    for (state, given), following in EDGES.items():
        if following:
            name = "" if state is last else state.name
            lines.append(f"{name:14}  {given.value:26}  → {', '.join(to.name for to in following)}")
            last = state
    return "\n".join(lines)


def test_the_docstring_draws_the_table() -> None:
    lines = [line.strip() for line in (states.__doc__ or "").splitlines()]
    drawn = [line.strip() for line in diagram().splitlines()]
    assert drawn == [line for line in lines if "→" in line]
    for (state, given), following in EDGES.items():
        assert not following or any(given.value in line and following[-1].name in line for line in drawn), state


def test_every_edge_has_its_handler_and_every_handler_its_edge() -> None:
    column = {IN.ACTION: "action", IN.HEAD: "head", IN.DATA: "data", IN.END: "end", IN.CANCEL: "cancel"}
    for state in State:
        handlers = _HANDLERS[state]
        for given, name in column.items():
            assert (getattr(handlers, name) is not None) is ((state, given) in EDGES), (state, given)
        assert bool(handlers.failure or handlers.end) is ((state, IN.FAILURE) in EDGES), state


@pytest.mark.parametrize("state", State)
def test_cancelling_ends_it_anywhere(state: State) -> None:
    ours = at(state)
    ours.give(Input.CANCEL, CALLS[Input.CANCEL])
    assert not ours.reading
    if state in (State.DRAIN, State.DONE):
        assert ours.next_action(0) == Finish()
        assert ours.reply.complete
    else:
        with pytest.raises(Cancelled):
            ours.next_action(0)
        assert not ours.reply.complete


class Hopeful(Call):
    """A call that would renew its setup request after any error."""

    def renew(self, error: ChatError) -> bool:
        return True


def test_a_cancelled_question_is_not_renewed() -> None:
    ours = at(State.STREAM, Hopeful)
    ours.give(Input.CANCEL, CALLS[Input.CANCEL])
    assert ours.state is State.FAILED


def test_a_state_that_cannot_follow_is_a_fault_of_ours() -> None:
    with pytest.raises(RuntimeError, match="cannot become"):
        at(State.READY)._to(State.DONE, 0)


def test_what_can_be_read_at_any_time() -> None:
    ours = exchange("yqcloud")
    assert (ours.state, ours.attempts, ours.status, ours.headers, ours.reusable) == (State.READY, 0, None, (), False)
    assert repr(ours) == "<Exchange with yqcloud: ready to send>"
    assert (ours.delay, ours.error, ours.request, ours.secrets) == (0, None, None, ())
    ours.next_action(0)
    assert ours.attempts == 1
    ours.receive_head(200, [("Content-Type", "text/plain"), ("X-Request-Id", "r1")], 0)
    assert (ours.status, ours.reply.request_id) == (200, "r1")
    assert at(State.STREAM).reply.request_id is None
    ours.receive_data(b"Hel", 0)
    assert (ours.reply.text, ours.reply.complete) == ("Hel", False)
    ours.receive_data(memoryview(b"lo"), 0)
    ours.receive_data(bytearray(b"!"), 0)
    ours.receive_data(b"", 0)
    assert (ours.reply.text, ours.reply.complete, ours.reusable) == ("Hello!", True, True)
    assert ours.next_action(0) == ours.next_action(0) == Finish()


@pytest.mark.parametrize("state", State)
def test_a_response_is_under_way_from_sending_to_the_bodys_end(state: State) -> None:
    ours = at(state)
    assert ours.reading is (state in (S.SETUP, S.ERROR_RESPONSE, S.STREAM, S.DRAIN))
    assert ours.under_way is (ours.reading or state is S.SENT)


def test_the_secrets_of_earlier_requests_stay_secret() -> None:
    """The second nonce replaces the first one; a peer may still quote that."""
    ours = exchange("chatgpt_free")
    for nonce in (b"nonce-no-1", b"nonce-no-2"):
        ours.next_action(0)
        ours.receive_head(200, TEXT, 0)
        ours.receive_data(b'<p data-post-id="1" data-nonce="%s">' % nonce, 0)
        ours.receive_data(b"", 0)
        ours.next_action(0)
        ours.receive_head(403, TEXT, 0)
        ours.receive_data(b"nonce-no-1 is stale, nonce-no-2 is not", 0)
        ours.receive_data(b"", 0)
    assert {"nonce-no-1", "nonce-no-2"} <= set(ours.secrets)
    with pytest.raises(PermissionDenied, match=r": \[hidden\] is stale, \[hidden\] is not"):
        ours.next_action(0)


def test_an_event_without_content_does_not_keep_a_failed_answer_from_being_asked_again() -> None:
    run = Run(exchange("free_netfly")).over(
        Answer(sse({"id": "c1", "model": "m", "choices": []}), end=LOST), Answer(stream("Hello"))
    )
    assert len(run.sent) == 2
    assert run.text == "Hello"


def test_an_answer_after_a_page_may_come_in_many_pieces() -> None:
    page, *pieces = b'<p data-post-id="1" data-nonce="n1">', sse(chunk("Hel")), sse(chunk("lo")), sse("[DONE]")
    assert Run(exchange("chatgpt_free")).over(Answer(page), Answer(pieces)).text == "Hello"


def test_a_little_behind_the_end_leaves_the_connection_reusable() -> None:
    ours = at(State.DRAIN)
    ours.receive_data(b": bye\n\n", 0)
    assert (ours.state, ours.reusable) == (S.DRAIN, False)
    ours.receive_data(b"", 0)
    assert (ours.state, ours.reusable) == (S.DONE, True)


def test_an_error_response_without_a_body_has_none() -> None:
    error, _ = failing(Answer(b"", 404))
    assert isinstance(error, NotFound)
    assert error.body == ""


def test_a_question_is_let_go_once_content_of_its_answer_came() -> None:
    ours = at(State.STREAM)
    question = ours.request
    assert isinstance(question, HttpRequest)
    ours.receive_data(b": ping\n\n", 0)
    assert ours.request is question
    ours.receive_data(sse(chunk("Hello")), 0)
    assert ours.request is None
    assert sys.getrefcount(question) == 2, "this test's own, and the argument's"


def test_it_can_be_driven_by_a_callback() -> None:
    """A protocol's data_received has no loop of its own: every call says by `reading` whether it wants more."""
    ours, got = exchange("free_netfly"), list[str]()

    def data_received(data: bytes) -> None:
        if ours.reading:
            got.extend(event.text for event in ours.receive_data(data, 0) if hasattr(event, "text"))

    assert isinstance(ours.next_action(0), Send)
    ours.receive_head(200, SSE, 0)
    for byte in stream("Hel", "lo"):
        data_received(bytes([byte]))
    data_received(b"")
    assert "".join(got) == "Hello"
    assert ours.next_action(0) == Finish()


# --- heads -----------------------------------------------------------------------------------------------------------


def test_interim_responses_are_passed_over() -> None:
    ours = exchange("free_netfly")
    ours.next_action(0)
    for status in (100, 102, 103, 199):
        ours.receive_head(status, [("link", "x")], 1)
        assert (ours.state, ours.status, ours.headers) == (State.SENT, None, ())
    ours.receive_head(200, SSE, 1)
    assert ours.state is State.STREAM


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (101, ProtocolViolation),
        (0, ProtocolViolation),
        (99, ProtocolViolation),
        (204, UnexpectedContent),
        (205, UnexpectedContent),
        (304, UnexpectedContent),
    ],
)
def test_a_head_that_can_have_no_answer(status: int, kind: type[ChatError]) -> None:
    error, run = failing(Answer(b"", status))
    assert type(error) is kind
    assert str(status) in str(error)
    assert len(run.sent) == 1


@pytest.mark.parametrize("status", [201, 203, 206, 299])
def test_any_other_success_is_an_answer(status: int) -> None:
    assert Run(exchange("free_netfly")).over(Answer(stream("Hello"), status)).text == "Hello"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, UnexpectedRedirect), (305, UnexpectedRedirect), (302, UnexpectedRedirect), (400, BadRequest),
        (401, AuthenticationFailed), (402, PermissionDenied), (403, PermissionDenied), (404, NotFound),
        (405, BadRequest), (408, BadRequest), (409, BadRequest), (410, NotFound), (413, BadRequest), (422, BadRequest),
        (425, BadRequest), (429, RateLimited), (499, BadRequest), (500, ServerFailed), (502, ServerFailed),
        (503, ServerFailed), (504, ServerFailed), (529, ServerFailed), (599, ServerFailed), (999, ServerFailed),
    ],
)  # fmt: skip
def test_a_refusal_by_status(status: int, kind: type[ChatError]) -> None:
    body = b'{"error": {"message": "because"}}'
    error, run = failing(Answer(body, status, [*JSON, ("x-request-id", "r9")]), retry=1)
    assert type(error) is kind
    assert isinstance(error, kind)
    assert (error.status, error.in_band, error.request_id) == (status, False, "r9")  # type: ignore[attr-defined]
    assert all(word in str(error) for word in (str(status), "because", "r9"))
    assert error.reply is run.exchange.reply
    assert run.exchange.reply.failed


@pytest.mark.parametrize("end", [b"", LOST, StreamTruncated("mid-chunk")])
def test_a_refusals_body_is_bounded_and_may_break_off(end: Any) -> None:
    error, run = failing(Answer([b"x" * 600, b"y" * 600], 404, TEXT, end), limits=Limits(error_body=1000))
    assert isinstance(error, NotFound)
    assert error.body.startswith("xxx")
    assert len(error.body) < 600
    assert len(run.exchange._body) <= 1001
    error, _ = failing(Answer([b"why"], 404, TEXT, end))
    assert "why" in str(error)


def test_a_refusal_whose_body_never_ends_is_used_as_it_is() -> None:
    ours = exchange("free_netfly")
    ours.next_action(0)
    ours.receive_head(404, TEXT, 1)
    ours.receive_data(b"no such path", 2)
    assert ours.deadline == 11
    ours.receive_timeout(11)
    with pytest.raises(NotFound, match="no such path"):
        ours.next_action(11)


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [[b"data: " + b"x" * 2000], [b"data: "] + [b"x"] * 2000])
def test_a_frame_is_bounded(pieces: list[bytes]) -> None:
    error, run = failing(Answer([sse(chunk("a")), *pieces]), limits=Limits(frame=1000))
    assert isinstance(error, LimitExceeded)
    assert (error.limit, error.size) == ("frame", 1000)
    assert run.text == "a"
    assert "'frame' of 1000 bytes" in str(error)


# --- limits of the caller --------------------------------------------------------------------------------------------


def test_a_request_that_cannot_be_sent_is_refused_before_anything_is() -> None:
    for settings in ({"retry": 0}, {"retry": True}, {"timeouts": -1}, {"timeouts": "5"}, {"timeouts": 10**400}):
        with pytest.raises(InvalidRequest):
            exchange("acytoo", **settings)
    with pytest.raises(InvalidRequest, match="'x-y'"):
        Exchange(providers.create("acytoo"), ChatRequest("Hello", headers={"x-y": "a\nb"}))


def test_a_ban_is_an_error_of_its_own_and_not_tried_again() -> None:
    error, run = failing(
        Answer("oh, sorry, 您的ip已由于触发防滥用检测而被封禁".encode(), headers=TEXT), name="yqcloud", retry=5
    )
    assert isinstance(error, ProviderRefused)
    assert run.text == "oh, "
    assert "blocked this network address" in str(error)
