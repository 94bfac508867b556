"""What is sent again, when, and when not."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_driver import PAGE, TEXT, Answer, Run, chunk, exchange, sse, stream

from sansio_core import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    RateLimited,
    RetryPolicy,
    Send,
    ServerFailed,
    State,
    TimedOut,
    TLSFailed,
    Wait,
)

GOOD = Answer(stream("Hello"))
LOST = ConnectionLost("reset by peer")


def failing(*answers: Any, name: str = "free_netfly", **settings: Any) -> tuple[ChatError, Run]:
    run = Run(exchange(name, **settings))
    with pytest.raises(ChatError) as caught:
        run.over(*answers)
    return caught.value, run


# --- trying again ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [ConnectFailed("refused"), LOST, TimedOut("connect", 10), TLSFailed("x"), Answer(b"", 503), Answer(b"")]
)
def test_free_netfly_tries_five_times(failure: Any) -> None:
    retried = not isinstance(failure, TLSFailed)
    error, run = failing(*[failure] * (5 if retried else 1))
    assert run.waits == ([2, 4, 8, 16] if retried else [])
    assert len(run.sent) == run.exchange.attempts == (5 if retried else 1)
    assert len({id(request) for request in run.requests}) <= len(run.sent)
    assert run.exchange.state is State.FAILED
    assert error.reply is not None


def test_it_goes_on_where_it_works_again() -> None:
    run = Run(exchange("free_netfly")).over(LOST, Answer(b"", 503), Answer(sse({"choices": []})), GOOD)
    assert run.waits == [2, 4, 8]
    assert run.text == run.exchange.reply.text == "Hello"
    assert run.exchange.attempts == 4
    assert run.exchange.reply.complete
    assert len(set(run.requests)) == 1, "the same question each time"


def test_a_wait_is_told_as_long_as_it_lasts() -> None:
    ours = exchange("free_netfly")
    ours.next_action(0)
    ours.receive_failure(LOST, 1)
    assert [ours.next_action(now) for now in (1, 1.5, 2.75)] == [Wait(2), Wait(1.5), Wait(0.25)]
    assert ours.attempts == 1
    assert isinstance(ours.next_action(3), Send)
    assert ours.attempts == 2


@pytest.mark.parametrize("name", ["chatgpt_free", "yqcloud", "acytoo"])
def test_the_others_try_once_unless_told(name: str) -> None:
    _, run = failing(LOST, name=name)
    assert len(run.sent) == 1
    _, run = failing(LOST, LOST, LOST, name=name, retry=3, random=lambda: 0.0)
    assert (len(run.sent), run.waits) == (3, [0.375, 0.75])


def test_jitter_is_drawn_from_what_is_given() -> None:
    draws = iter([0.0, 1 - 2**-53])
    policy = RetryPolicy(attempts=3, first_wait=4, factor=2, jitter=0.5)
    _, run = failing(LOST, LOST, LOST, retry=policy, random=lambda: next(draws))
    assert run.waits == [pytest.approx(2), pytest.approx(8)]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_statuses_tried_again(status: int) -> None:
    assert Run(exchange("free_netfly")).over(Answer(b"", status), GOOD).waits == [2]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 413, 422, 501, 505, 529])
def test_statuses_not_tried_again(status: int) -> None:
    assert len(failing(Answer(b"", status))[1].sent) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ([("retry-after", "7")], 7),
        ([("Retry-After", "0")], 0),
        ([("retry-after", "50")], 50),
        ([("retry-after-ms", "1500"), ("retry-after", "9")], 1.5),
        ([("retry-after", "Wed, 21 Oct 2015 07:28:09 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")], 9),
        ([("retry-after", "+5")], 2),
        ([("retry-after", "\u0665")], 2),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_may_say_how_long_to_wait(status: int, headers: Any, wait: float) -> None:
    policy = RetryPolicy(attempts=2, first_wait=2, jitter=0, max_retry_after=50)
    run = Run(exchange("free_netfly", retry=policy)).over(Answer(b"", status, headers), GOOD)
    assert sum(run.waits) == wait


@pytest.mark.parametrize(
    ("asked", "settings", "said"),
    [
        ("3600", {}, "[it asks to wait 3600 s, and max_retry_after is 60 s]"),
        ("51", {"retry": RetryPolicy(max_retry_after=50)}, "[it asks to wait 51 s, and max_retry_after is 50 s]"),
        ("45", {"timeouts": 30}, "[it asks to wait 45 s, and 30 s are left of the total]"),
        ("3600", {"retry": 1}, "[it asks to wait 3600 s]"),
    ],
)
def test_a_longer_wait_than_is_allowed_ends_it_at_once(asked: str, settings: Any, said: str) -> None:
    error, run = failing(Answer(b"", 429, [("retry-after", asked)]), **settings)
    assert isinstance(error, RateLimited)
    assert str(error) == f"the provider's rate limit was reached (status 429) {said}"
    assert (run.waits, error.retry_after, error.attempts) == ([], float(asked), 1)


def test_the_bound_is_named_for_the_last_error_alone() -> None:
    answers = (Answer(b"", 503, [("retry-after", "20")]), Answer(b"", 503, [("retry-after", "20")]))
    error, run = failing(*answers, timeouts=30)
    assert run.waits == [20]
    assert str(error).endswith("[it asks to wait 20 s, and 10 s are left of the total] (after 2 attempts)")


def test_no_less_than_nothing_is_left_of_the_total() -> None:
    error = ServerFailed(503)
    assert RetryPolicy().after(error, 1, lambda: 0.5, -0.04) is None
    assert error.bound == "0 s are left of the total"


def test_errors_count_their_attempts() -> None:
    for make in (
        lambda: ConnectFailed("no"), lambda: TimedOut("idle", 1), lambda: Answer(b"", 503), lambda: Answer(b""),
    ):  # fmt: skip
        once, _ = failing(make(), retry=1)
        error, run = failing(make(), make(), retry=2)
        assert (once.attempts, error.attempts, run.exchange.reply.attempts) == (1, 2, 2)
        assert str(error) == f"{once} (after 2 attempts)"


def test_in_band_errors_are_tried_again_as_their_status_would_be() -> None:
    limited = Answer(sse({"error": {"message": "slow", "type": "rate_limit_error"}}))
    assert Run(exchange("free_netfly")).over(limited, GOOD).waits == [2]
    assert len(failing(Answer(sse({"error": "no"})))[1].sent) == 1
    assert len(failing(Answer(sse({"error": {"message": "no", "code": "invalid_api_key"}})))[1].sent) == 1


@pytest.mark.parametrize(
    "content",
    [
        chunk("a"),
        {"choices": [{"delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"refusal": "no"}}]},
        {"choices": [{"delta": {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}}]},
    ],
)
def test_nothing_is_sent_again_once_content_was_handed_out(content: Any) -> None:
    for end in (LOST, b"", TimedOut("idle", 5)):
        _, run = failing(Answer(sse(content), end=end))
        assert len(run.sent) == 1
    _, run = failing(Answer(sse(content, {"error": {"message": "sick", "code": 503}})))
    assert len(run.sent) == 1


def test_what_is_no_content_does_not_hinder_trying_again() -> None:
    noise = b": ping\n\ndata: garbage\n\n" + sse({"id": "x", "model": "m", "choices": []}, chunk(""))
    run = Run(exchange("free_netfly")).over(Answer(noise, end=LOST), GOOD)
    assert (run.text, run.exchange.reply.text) == ("Hello", "Hello")
    assert run.exchange.reply.id is None, "nothing of the failed attempt is left in the reply"


def test_a_wait_that_would_pass_the_total_is_not_begun() -> None:
    error, run = failing(LOST, Answer(b"", 503, [("retry-after", "58")]))
    assert isinstance(error, ServerFailed)
    assert run.waits == [2]
    assert error.retry_after == 58
    error, run = failing(Answer(b"", 429, [("retry-after", "60")]))
    assert isinstance(error, RateLimited)
    assert run.waits == []
    assert "60 s" in str(error)


def test_no_number_of_attempts_outlasts_the_total() -> None:
    error, run = failing(*[LOST] * 20, retry=RetryPolicy(attempts=100, first_wait=7, factor=1, jitter=0))
    assert isinstance(error, ConnectionLost)
    assert sum(run.waits) == 56
    assert run.exchange.attempts == 9


# --- kept-alive connections ------------------------------------------------------------------------------------------


def test_a_kept_alive_connection_that_was_dead_is_not_counted() -> None:
    stale = ConnectionLost("closed", reused=True)
    run = Run(exchange("acytoo")).over(stale, Answer(b"Hello", headers=TEXT))
    assert [send.fresh for send in run.sent] == [False, True]
    assert (run.waits, run.exchange.attempts) == ([], 1)
    _, run = failing(stale, stale, name="acytoo")
    assert len(run.sent) == 2
    _, run = failing(stale, stale, stale, stale, retry=2)
    assert [send.fresh for send in run.sent] == [False, True, False, True]
    assert len(run.waits) == 1


def test_a_page_that_needed_a_fresh_connection_leaves_the_question_free_to_reuse_it() -> None:
    stale = ConnectionLost("closed", reused=True)
    run = Run(exchange("chatgpt_free")).over(stale, Answer(PAGE), stale, GOOD)
    assert [(send.request.method, send.fresh) for send in run.sent] == [
        ("GET", False), ("GET", True), ("POST", False), ("POST", True),
    ]  # fmt: skip
    assert run.exchange.attempts == 1
