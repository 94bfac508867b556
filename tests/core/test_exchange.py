"""The exchange as a state machine: what may be called when, what a head means, what is bounded."""

from __future__ import annotations

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
    UnexpectedContent,
    UnexpectedRedirect,
    providers,
)
from sansio_core.states import NEXT, READING

LOST = ConnectionLost("reset by peer")


def failing(*answers: Any, name: str = "free_netfly", **settings: Any) -> tuple[ChatError, Run]:
    run = Run(exchange(name, **settings))
    with pytest.raises(ChatError) as caught:
        run.over(*answers)
    return caught.value, run


# --- states ----------------------------------------------------------------------------------------------------------


def at(state: State) -> Exchange:
    """An exchange in `state`."""
    ours = exchange("chatgpt_free" if state is State.SETUP else "free_netfly")
    if state is State.READY:
        return ours
    ours.next_action(0)
    match state:
        case State.WAITING:
            ours.receive_failure(ConnectFailed("refused"))
        case State.SETUP | State.STREAM:
            ours.receive_head(200, SSE, 0)
        case State.ERROR_RESPONSE:
            ours.receive_head(500, JSON, 0)
        case State.DRAIN | State.DONE:
            ours.receive_head(200, SSE, 0)
            ours.receive_data(stream("Hello"), 0)
            if state is State.DONE:
                ours.receive_data(b"", 0)
        case State.FAILED:
            ours.receive_failure(Cancelled())
    return ours


CALLS: dict[str, Any] = {
    "next_action": lambda ours: ours.next_action(1),
    "receive_head": lambda ours: ours.receive_head(200, SSE, 1),
    "receive_data": lambda ours: ours.receive_data(b"x", 1),
    "end": lambda ours: ours.receive_data(b"", 1),
    "receive_failure": lambda ours: ours.receive_failure(ConnectionLost("reset")),
    "receive_timeout": lambda ours: ours.receive_timeout(1),
}
READS = {"receive_data", "end", "receive_failure", "receive_timeout"}
LEGAL = {
    State.READY: {"next_action"},
    State.WAITING: {"next_action"},
    State.SENT: {"receive_head", "receive_failure", "receive_timeout"},
    State.SETUP: READS,
    State.ERROR_RESPONSE: READS,
    State.STREAM: READS,
    State.DRAIN: READS,
    State.DONE: {"next_action", "receive_failure", "receive_timeout"},  # what comes too late changes nothing
    State.FAILED: {"next_action", "receive_failure", "receive_timeout"},
}


def everything(ours: Exchange) -> dict[str, Any]:
    """What can be seen of `ours`, and its clocks."""
    apart = {"reply", "_parser", "_clocks", "_body", "__weakref__"}
    shown = {name: getattr(ours, name) for name in set(Exchange.__slots__) - apart}
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
@pytest.mark.parametrize("call", CALLS)
def test_a_call_in_the_wrong_state_raises_and_changes_nothing(state: State, call: str) -> None:
    ours = at(state)
    assert ours.state is state
    assert ours.reading is (state in READING)
    before = everything(ours)
    if call in LEGAL[state]:
        try:
            CALLS[call](ours)
        except Cancelled:
            assert state is State.FAILED
        assert ours.state is state or ours.state in NEXT[state]
    else:
        with pytest.raises(RuntimeError, match=state.value):
            CALLS[call](ours)
        assert everything(ours) == before
    if state in (State.DONE, State.FAILED):
        assert everything(ours) == before


@pytest.mark.parametrize("state", State)
def test_cancelling_ends_it_anywhere(state: State) -> None:
    ours = at(state)
    ours.receive_failure(Cancelled())
    assert not ours.reading
    if state in (State.DRAIN, State.DONE):
        assert ours.next_action(0) == Finish()
        assert ours.reply.complete
    else:
        with pytest.raises(Cancelled):
            ours.next_action(0)
        assert not ours.reply.complete


def test_the_table_is_all_there_is() -> None:
    assert set(NEXT) == set(State)
    ours = at(State.READY)
    with pytest.raises(RuntimeError, match="cannot become"):
        ours._to(State.DONE)


def test_what_can_be_read_at_any_time() -> None:
    ours = exchange("yqcloud")
    assert (ours.state, ours.attempts, ours.status, ours.headers, ours.reusable) == (State.READY, 0, None, (), False)
    assert repr(ours) == "<Exchange with yqcloud: ready to send>"
    ours.next_action(0)
    assert ours.attempts == 1
    ours.receive_head(200, [("Content-Type", "text/plain"), ("X-Request-Id", "r1")], 0)
    assert (ours.status, ours.reply.request_id) == (200, "r1")
    ours.receive_data(b"Hel", 0)
    assert (ours.reply.text, ours.reply.complete) == ("Hel", False)
    ours.receive_data(memoryview(b"lo"), 0)
    ours.receive_data(bytearray(b"!"), 0)
    ours.receive_data(b"", 0)
    assert (ours.reply.text, ours.reply.complete, ours.reusable) == ("Hello!", True, True)
    assert ours.next_action(0) == ours.next_action(0) == Finish()


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
