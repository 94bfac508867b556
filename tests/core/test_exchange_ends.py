"""How an exchange ends: completion is proven, never assumed; and it does not wait long for what it does not need."""

from __future__ import annotations

import pytest
from exchange_driver import JSON, SSE, TEXT, Answer, Run, chunk, exchange, sse, stream

from sansio_core import (
    Cancelled,
    ConnectionLost,
    Finish,
    RateLimited,
    Send,
    State,
    StreamTruncated,
    TimedOut,
    Timeouts,
    Wait,
)
from sansio_core import (
    exchange as module,
)
from sansio_core._clocks import DRAIN, GRACE
from sansio_core.exchange import Exchange


def reading(name: str = "free_netfly", *, headers: object = SSE, **settings: object) -> Exchange:
    """An exchange at the beginning of its answer, at time 0."""
    ours = exchange(name, **settings)
    assert isinstance(ours.next_action(0), Send)
    ours.receive_head(200, headers, 0)  # type: ignore[arg-type]
    return ours


def finish(ours: Exchange, now: float = 0) -> None:
    assert ours.next_action(now) == Finish()
    assert ours.reply.complete


def test_a_marker_that_comes_alone_is_the_end_too() -> None:
    ours = reading()
    ours.receive_data(sse(chunk("a", "stop")), 1)
    assert ours.receive_data(sse("[DONE]"), 1) == []
    assert ours.state is State.DRAIN
    assert ours.deadline == 1 + DRAIN


def test_the_end_of_the_body_after_the_marker_makes_the_connection_reusable() -> None:
    ours = reading()
    ours.receive_data(stream("a"), 1)
    assert ours.reading
    assert not ours.reusable
    ours.receive_data(b"", 1)
    assert ours.reusable
    finish(ours)


def test_a_server_that_holds_open_after_the_marker_is_left_after_a_moment() -> None:
    ours = reading()
    ours.receive_data(stream("a"), 1)
    assert ours.deadline == 1 + DRAIN
    assert ours.receive_timeout(1 + DRAIN) == []
    assert not ours.reusable
    finish(ours)


def test_a_body_that_goes_on_after_its_marker_is_left() -> None:
    ours = reading()
    ours.receive_data(stream("a") + b"x" * 10, 1)
    for _ in range(70):
        if ours.reading:
            assert ours.receive_data(b"data: {}\n\n" * 100, 1) == []
    assert not ours.reusable
    finish(ours)


def test_what_comes_after_the_marker_is_no_part_of_the_answer() -> None:
    run = Run(exchange("free_netfly")).over(Answer(stream("a") + sse(chunk("b"), {"error": {"message": "no"}})))
    assert run.text == "a"


def test_a_reason_without_a_marker_is_enough_after_a_while() -> None:
    ours = reading()
    ours.receive_data(sse(chunk("a", "stop")), 1)
    assert ours.deadline == 1 + GRACE
    ours.receive_data(b": ping\n\n", 3)
    ours.receive_data(sse({"choices": [], "usage": {"prompt_tokens": 1}}), 4)
    assert ours.deadline == 1 + GRACE, "keep-alives do not lengthen it"
    ours.receive_timeout(1 + GRACE)
    finish(ours)
    assert ours.reply.usage is not None


def test_content_after_a_reason_lengthens_the_wait_for_the_end() -> None:
    ours = reading()
    ours.receive_data(sse(chunk("a", "stop")), 1)
    ours.receive_data(sse(chunk("b")), 4)
    assert ours.deadline == 4 + GRACE


def test_half_an_event_does_not_lengthen_the_grace() -> None:
    ours = reading()
    ours.receive_data(sse(chunk("a", "stop")), 1)
    ours.receive_data(b"da", 3)
    assert ours.deadline == 1 + GRACE


def test_a_choice_that_begins_after_another_ended_is_awaited() -> None:
    ours = reading()
    second = {"choices": [{"index": 1, "delta": {"role": "assistant"}}]}
    ours.receive_data(sse(chunk("a", "stop")), 1)
    ours.receive_data(sse(second), 2)
    assert ours.deadline == 60, "the total, no grace"
    ours.receive_failure(ConnectionLost("reset"), 2)
    with pytest.raises(ConnectionLost) as caught:
        ours.next_action(2)
    assert caught.value.reply is ours.reply
    assert not ours.reply.complete


@pytest.mark.parametrize("failure", [ConnectionLost("reset"), StreamTruncated("mid-chunk"), Cancelled()])
@pytest.mark.parametrize("body", [stream("a"), sse(chunk("a", "stop"))])
def test_a_failure_after_the_proven_end_changes_nothing(failure: Exception, body: bytes) -> None:
    ours = reading()
    ours.receive_data(body, 1)
    assert ours.receive_failure(failure, 2) == []  # type: ignore[arg-type]
    finish(ours)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (b"", StreamTruncated),
        (ConnectionLost("reset"), ConnectionLost),
        (StreamTruncated("the body ended in mid-chunk"), StreamTruncated),
        (TimedOut("idle", 1.0), TimedOut),
        (Cancelled(), Cancelled),
    ],
)
@pytest.mark.parametrize("name", ["free_netfly", "yqcloud"])
def test_an_answer_cut_short_is_never_complete(name: str, end: object, error: type[Exception]) -> None:
    body, headers = (sse(chunk("half an")), SSE) if name == "free_netfly" else (b"half an", TEXT)
    if name == "yqcloud" and end == b"":
        return  # there the framing's end is the proof
    run = Run(exchange(name, retry=5))
    with pytest.raises(error) as caught:
        run.over(Answer(body, headers=headers, end=end))
    assert len(run.sent) == 1, "nothing is sent again once text was handed out"
    assert run.text == "half an"
    reply = caught.value.reply  # type: ignore[attr-defined]
    assert reply is run.exchange.reply
    assert reply.text == "half an"
    assert not reply.complete
    with pytest.raises(error):
        run.exchange.next_action(0)


def test_an_unterminated_last_event_is_given_once_at_the_end() -> None:
    body = sse(chunk("a")) + b"data: " + sse(chunk("b", "stop"))[6:].rstrip()
    run = Run(exchange("free_netfly")).over(Answer(body))
    assert run.text == "ab"
    assert run.exchange.reply.complete


def test_what_the_stream_says_tells_more_than_how_it_broke() -> None:
    run = Run(exchange("free_netfly", retry=1))
    error = b'data: {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}'
    with pytest.raises(RateLimited, match="slow down"):
        run.over(Answer(sse(chunk("a")) + error, end=ConnectionLost("reset")))


def test_a_stream_that_says_its_error_and_its_usage_in_one_chunk_has_failed() -> None:
    failed = {"choices": [{"index": 0, "delta": {"content": ""}, "error": {"code": 502, "message": "gone"}}]}
    run = Run(exchange("free_netfly", retry=1))
    with pytest.raises(module.ChatError, match="gone"):
        run.over(Answer(sse(chunk("a"), {**failed, "usage": {"prompt_tokens": 3}})))
    assert run.exchange.reply.usage is not None
    assert not run.exchange.reply.complete


def test_a_whole_completion_in_place_of_a_stream() -> None:
    body = b'{"id": "c1", "choices": [{"message": {"role": "assistant", "content": "all"}, "finish_reason": "stop"}]}'
    run = Run(exchange("free_netfly")).over(Answer(body, headers=JSON))
    assert run.text == "all"
    assert run.exchange.reply.complete


def test_without_a_clock_it_was_the_transports_own_that_fired() -> None:
    ours = exchange("free_netfly", timeouts=Timeouts(None, None, None, None, None))
    assert ours.next_action(5).connect_deadline is None  # type: ignore[union-attr]
    assert ours.deadline is None
    ours.receive_timeout(10**9)
    assert ours.state is State.WAITING
    error, seconds = ours.error, 2
    assert isinstance(error, TimedOut)
    assert (error.clock, error.seconds) == ("idle", None)
    assert ours.next_action(10**9) == Wait(seconds)


# --- Content-Length, which an embedder's own HTTP may not hold (http.client's read1 gives b"" for a body cut short)


@pytest.mark.parametrize("length", [7, 8, 700])
@pytest.mark.parametrize("pieces", [[b"half an"], [b"half", b" an"], [bytes([byte]) for byte in b"half an"]])
def test_a_body_short_of_its_length_was_cut(length: int, pieces: list[bytes]) -> None:
    ours = reading("yqcloud", headers=(*TEXT, ("Content-Length", str(length))), retry=3)
    for piece in pieces:
        ours.receive_data(piece, 1)
    ours.receive_data(b"", 1)
    if length == 7:
        assert ours.reusable
        finish(ours)
        return
    assert not ours.reusable
    with pytest.raises(StreamTruncated, match=f"ended {length - 7} bytes before its Content-Length") as caught:
        ours.next_action(1)
    assert caught.value.reply is not None
    assert caught.value.reply.text == "half an"
    assert not caught.value.reply.complete


@pytest.mark.parametrize(
    "fields",
    [
        [("content-length", "700"), ("content-encoding", "gzip")],
        [("content-length", "700"), ("transfer-encoding", "chunked")],
        [("content-length", "7"), ("content-length", "700")],
        [("content-length", "7_0")],
        [("content-length", "+70")],
        [("content-length", "3")],
        [],
    ],
)
def test_a_length_of_other_bytes_proves_nothing(fields: list[tuple[str, str]]) -> None:
    ours = reading("yqcloud", headers=(*TEXT, *fields))
    ours.receive_data(b"half an", 1)
    ours.receive_data(b"", 1)
    finish(ours)


@pytest.mark.parametrize(
    "fields",
    [
        [("content-length", "9"), ("content-encoding", "identity")],
        [("content-length", " 9 "), ("x", "y")],
        [("content-length", "9, 9")],
    ],
)
def test_identity_is_no_coding_and_a_list_of_one_length_is_one(fields: list[tuple[str, str]]) -> None:
    ours = reading("yqcloud", headers=(*TEXT, *fields))
    ours.receive_data(b"half an", 1)
    ours.receive_data(b"", 1)
    assert ours.state is State.FAILED


def test_an_end_that_the_stream_proves_needs_no_length() -> None:
    ours = reading(headers=(*SSE, ("content-length", "99999")))
    ours.receive_data(sse(chunk("a", "stop")), 1)
    ours.receive_data(b"", 1)
    finish(ours)


def test_each_response_has_its_own_length() -> None:
    """A refusal that is cut is a refusal; the answer to the next attempt is counted anew."""
    ours = exchange("yqcloud", retry=2)
    assert isinstance(ours.next_action(0), Send)
    ours.receive_head(503, (*TEXT, ("content-length", "50")), 0)
    ours.receive_data(b"busy", 0)
    ours.receive_data(b"", 0)
    wait = ours.next_action(0)
    assert isinstance(wait, Wait)
    assert isinstance(ours.next_action(wait.seconds), Send)
    ours.receive_head(200, TEXT, wait.seconds)
    ours.receive_data(b"whole", wait.seconds)
    ours.receive_data(b"", wait.seconds)
    finish(ours, wait.seconds)
