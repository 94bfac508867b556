"""What follows an attempt at a row: who waits, which rows are suspects, what stops a run."""

from __future__ import annotations

import pytest

from sansio_core import (
    AuthenticationFailed,
    BadRequest,
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    IPBlocked,
    NotFound,
    PermissionDenied,
    ProxyFailed,
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    TimedOut,
    TLSFailed,
    UnexpectedContent,
    UnexpectedRedirect,
)
from transports.batch import Answer
from transports.batch.rules import Suspects, refused, unreached

WRONG_KEY, NO_MODEL = AuthenticationFailed(401), NotFound(404)


@pytest.mark.parametrize(
    "error",
    [
        RateLimited(429), RateLimited(None), ServerFailed(503), ServerFailed(529),
        ServerFailed(None, kind="overloaded_error"),
    ],
    ids=str,
)  # fmt: skip
def test_these_ask_everybody_to_wait(error: ChatError) -> None:
    assert refused(error)


@pytest.mark.parametrize(
    "error",
    [
        ServerFailed(500), ServerFailed(None, kind="server_error"), QuotaExhausted(429), ConnectionLost("gone"),
        RateLimited(429, "Request too large for m on tokens per min (TPM): Limit 10, Requested 20"), BadRequest(400),
    ],
    ids=str,
)  # fmt: skip
def test_these_do_not(error: ChatError) -> None:
    assert not refused(error)


def test_a_host_that_is_away_is_told_from_one_that_does_not_want() -> None:
    away = [ConnectFailed("a"), TimedOut("connect"), ProxyFailed("a"), ProxyFailed("a", 502)]
    there = [ProxyFailed("a", 407), TLSFailed("a"), ConnectionLost("gone"), TimedOut("idle"), ServerFailed(502)]
    assert [error for error in [*away, *there] if unreached(error)] == away


def after(*errors: ChatError | None) -> tuple[list[list[int]], bool]:
    """The rows that are handed out after each of these outcomes, by their numbers, and whether the run stops."""
    suspects = Suspects()
    answers = [Answer(number, None, error) for number, error in enumerate(errors)]
    return [[each.row for each in suspects.after(answer)] for answer in answers], suspects.error is not None


def test_three_rows_that_fail_alike_at_first_stop_a_run() -> None:
    assert after(WRONG_KEY, NO_MODEL, PermissionDenied(403)) == ([[], [], []], True)
    assert after(ConnectFailed("a"), ConnectFailed("b"), TimedOut("connect"))[1]
    # a row that was not sent, or whose connection broke, tells nothing of the key
    errors = [WRONG_KEY, InvalidRequest("odd"), NO_MODEL, ConnectionLost("gone")]
    assert after(*errors) == ([[], [1], [], [3]], False)
    assert after(*errors, WRONG_KEY)[1]


def test_one_row_that_was_answered_clears_those_before_it() -> None:
    assert after(WRONG_KEY, NO_MODEL, None, NO_MODEL, None) == ([[], [], [0, 1, 2], [], [3, 4]], False)
    # 400 says that the host has taken the key, but not that it would answer a row
    assert after(WRONG_KEY, WRONG_KEY, BadRequest(400), WRONG_KEY, WRONG_KEY, WRONG_KEY)[1]


SHARED = [
    WRONG_KEY, NO_MODEL, IPBlocked("no"), ConnectFailed("a"), UnexpectedContent("an HTML page came"),
    UnexpectedRedirect(302, "to another origin"),
]  # fmt: skip


@pytest.mark.parametrize("error", SHARED, ids=str)
def test_twenty_running_stop_any_run(error: ChatError) -> None:
    assert after(None, *[error] * 19) == ([[0], *[[]] * 19], False)
    assert after(None, *[error] * 20)[1]


def test_a_used_up_quota_stops_at_once() -> None:
    assert after(None, QuotaExhausted(429)) == ([[0], []], True)


def test_a_run_of_few_rows_ends_in_a_stop_where_none_was_answered() -> None:
    suspects, failed = Suspects(), Answer(1, None, WRONG_KEY)
    assert suspects.rest() == []
    assert suspects.error is None
    suspects.after(failed)
    assert suspects.rest() == []
    assert suspects.error is WRONG_KEY
    answered = Suspects()
    answered.after(Answer(1, None))
    answered.after(failed)
    assert answered.rest() == [failed]
    assert answered.error is None
