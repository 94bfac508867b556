"""What an exchange and its reply say of how it went: the head's fields, the attempts, the seconds."""

from __future__ import annotations

import pytest
from exchange_driver import SSE, TEXT, Answer, Run, chunk, exchange, sse, stream

from sansio_core import Cancelled, ConnectionLost, Exchange, ServerFailed, State
from sansio_core.http_request import public_headers

LOST = ConnectionLost("reset by peer")


def begun(**settings: object) -> Exchange:
    ours = exchange("openai", config={"base_url": "http://h"}, **settings)
    ours.next_action(100)
    return ours


def test_the_seconds_run_from_the_first_action_to_the_answers_end() -> None:
    ours = begun()
    ours.receive_head(200, SSE, 101)
    ours.receive_data(sse(chunk("Hello")), 102)
    assert (ours.reply.attempts, ours.reply.elapsed) == (1, None)
    ours.receive_data(sse(chunk(None, "stop"), "[DONE]"), 103.5)
    ours.receive_data(b"", 103.7)
    assert ours.state is State.DONE
    assert ours.reply.elapsed == 3.5, "the end of the body is not waited for by whoever reads"


def test_an_answer_that_the_bodys_end_ends() -> None:
    ours = exchange("acytoo")
    ours.next_action(100)
    ours.receive_head(200, TEXT, 101)
    ours.receive_data(b"Hello", 102)
    ours.receive_data(b"", 104)
    assert ours.reply.elapsed == 4


def test_a_failed_answer_has_them_too_with_all_attempts_and_waits() -> None:
    run = Run(exchange("free_netfly", retry=3), now=50)
    with pytest.raises(ServerFailed) as caught:
        run.over(LOST, Answer(b"", 503), Answer(b"", 503))
    reply = caught.value.reply
    assert reply is not None
    assert (reply.attempts, reply.elapsed) == (3, 6)


def test_a_reply_of_a_later_attempt_counts_them_all() -> None:
    run = Run(exchange("free_netfly"), now=50).over(LOST, Answer(stream("Hello")))
    assert (run.exchange.reply.attempts, run.exchange.reply.elapsed) == (2, 2)


def test_whoever_cancels_may_know_no_time() -> None:
    ours = begun()
    ours.receive_failure(Cancelled(), 0.0)
    assert (ours.reply.attempts, ours.reply.elapsed) == (1, None)


@pytest.mark.parametrize("state", State)
def test_when_a_response_is_accepted_as_the_answer(state: State) -> None:
    ours = exchange("free_netfly")
    ours.state = state
    assert ours.answering is (state in (State.STREAM, State.DRAIN, State.DONE))


def test_the_header_fields_that_anybody_may_see() -> None:
    fields = (
        ("Content-Type", "text/event-stream"), ("X-RateLimit-Remaining-Tokens", "9"), ("Retry-After", "5"),
        ("Vary", "origin"), ("vary", "accept"), ("Set-Cookie", "s=1"), ("x-api-key", "k"), ("X-Auth-Token", "t"),
        ("Location", "https://h/?key=s3cret"), ("Link", "<https://h/?key=s3cret>"), ("x-echo", "Bearer sk-123"),
    )  # fmt: skip
    assert public_headers(fields, ("sk-123",)) == {
        "content-type": "text/event-stream",
        "x-ratelimit-remaining-tokens": "9",
        "retry-after": "5",
        "vary": "origin, accept",
        "x-echo": "Bearer [hidden]",
    }
