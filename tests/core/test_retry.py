"""RetryPolicy: what is tried again and when; and what a server's Retry-After means."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core import (
    AuthenticationFailed,
    BadRequest,
    Cancelled,
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    LimitExceeded,
    ProtocolViolation,
    ProviderRefused,
    ProxyFailed,
    RateLimited,
    RetryPolicy,
    ServerFailed,
    StreamTruncated,
    TimedOut,
    TLSFailed,
    UnexpectedContent,
)
from sansio_core.errors import safe_repr
from sansio_core.retry import middle
from sansio_core.retry_after import retry_after


def test_a_total_that_has_just_passed_leaves_nothing() -> None:
    error = ServerFailed(503)
    assert RetryPolicy().after(error, 1, middle, left=-0.0004) is None
    assert error.bound == "0 s are left of the total"


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectFailed("refused"), True),
        (ConnectionLost("reset"), True),
        (ConnectionLost("closed", reused=True), True),
        (StreamTruncated(), True),
        (ProxyFailed("unreachable"), True),
        (ProxyFailed("bad gateway", 502), True),
        (ProxyFailed("who are you", 407), False),
        (TLSFailed("expired"), False),
        (TimedOut("connect"), True),
        (TimedOut("first_event"), True),
        (TimedOut("idle"), True),
        (TimedOut("progress"), True),
        (TimedOut("total"), False),
        (Cancelled(), False),
        (RateLimited(429), True),
        (RateLimited(None), True),
        (ServerFailed(503), True),
        (ServerFailed(501), False),
        (ServerFailed(None), True),
        (BadRequest(408), True),
        (BadRequest(425), True),
        (BadRequest(422), False),
        (BadRequest(None), False),
        (AuthenticationFailed(401), False),
        (ProviderRefused("no"), False),
        (ProtocolViolation("what"), False),
        (LimitExceeded("frame", 1), False),
        (UnexpectedContent("page"), False),
        (InvalidRequest("no"), False),
    ],
)
def test_what_is_tried_again(error: ChatError, again: bool) -> None:
    assert RetryPolicy().retries(error) is again


def test_the_defaults() -> None:
    statuses = frozenset({408, 425, 429, 500, 502, 503, 504})
    assert RetryPolicy() == RetryPolicy(3, 0.5, 2, 30, 0.25, 60, statuses)


def test_which_statuses_is_to_choose() -> None:
    policy = RetryPolicy(statuses=frozenset({529}))
    assert policy.retries(ServerFailed(529))
    assert not policy.retries(ServerFailed(503))


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        (RetryPolicy(first_wait=2, factor=2, max_wait=16, jitter=0), [2, 4, 8, 16, 16]),
        (RetryPolicy(first_wait=3, factor=1, jitter=0), [3, 3, 3]),
        (RetryPolicy(first_wait=0, jitter=0), [0, 0]),
        (RetryPolicy(first_wait=1, factor=10**9, max_wait=5, jitter=0), [1, 5, 5]),
        (RetryPolicy(first_wait=4, factor=2, jitter=1), [2, 4, 8]),
        (RetryPolicy(first_wait=4, factor=2, jitter=0.5), [3, 6, 12]),
    ],
)
def test_waits(policy: RetryPolicy, waits: list[float]) -> None:
    assert [policy.wait(n, middle) for n in range(1, len(waits) + 1)] == waits


def test_waits_stay_in_bounds() -> None:
    policy = RetryPolicy(first_wait=1, factor=2, max_wait=30, jitter=0.25)
    assert policy.wait(1, lambda: 0.0) == 0.75
    assert policy.wait(1, lambda: 1 - 2**-53) <= 1
    assert policy.wait(10_000, middle) == 30 * 0.875, "also where the power is too large for a number"
    assert RetryPolicy(factor=1.5, jitter=0).wait(10**6, middle) == 30


def test_the_servers_word_takes_the_place_of_ours() -> None:
    policy = RetryPolicy(first_wait=1)
    assert policy.wait(3, middle, 7.5) == 7.5
    assert policy.wait(3, middle, 0.0) == 0
    assert policy.wait(3, middle, 1e9) == 1e9


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        *[("attempts", wrong, "a whole number from 1") for wrong in (0, -1, 1.5, True, "3", None)],
        *[("jitter", wrong, "a number from 0 to 1") for wrong in (1.1, -0.1, nan, "x")],
        *[("first_wait", wrong, "a number from 0") for wrong in (-1, True, 1.1e9)],
        ("factor", inf, "a number from 0"), ("max_wait", nan, "a number from 0"),
        ("max_retry_after", "5", "a number from 0"),
    ],
)  # fmt: skip
def test_what_is_no_policy(name: str, wrong: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RetryPolicy(**{name: wrong})
    assert str(caught.value) == f"{name} must be {said}, not {safe_repr(wrong)}"


def test_a_number_too_large_for_a_float_is_no_wait() -> None:
    with pytest.raises(InvalidRequest, match="max_wait must be a number from 0, not 1000"):
        RetryPolicy(max_wait=10**400)


def test_the_bounds_themselves_are_good() -> None:
    policy = RetryPolicy(1, first_wait=0, factor=0, max_wait=1e9, jitter=1, max_retry_after=1e9)
    assert (policy.jitter, policy.max_wait, RetryPolicy(jitter=0).jitter) == (1, 1e9, 0)


def test_a_number_is_that_many_attempts_of_the_default() -> None:
    default = RetryPolicy(5, 2, 3, 4, 0.5, 6, frozenset({500}))
    assert RetryPolicy.of(None, default) is default
    assert RetryPolicy.of(2, default) == RetryPolicy(2, 2, 3, 4, 0.5, 6, frozenset({500}))
    given = RetryPolicy(7)
    assert RetryPolicy.of(given, default) is given
    with pytest.raises(InvalidRequest):
        RetryPolicy.of(0, default)


# --- Retry-After -----------------------------------------------------------------------------------------------------

NOW = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("7", 7), ("007", 7), (" 7 ", 7), ("99999999999", 99999999999),
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30),
        ("Sunday, 06-Nov-94 08:50:07 GMT", 30), ("Sun Nov  6 08:50:07 1994", 30),
        ("Mon, 07 Nov 1994 08:49:37 GMT", 86400), ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
        ("Wednesday, 06-Nov-30 08:49:37 GMT", 1136073600),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0), ("Wednesday, 06-Nov-69 08:49:37 GMT", 2366841600),
    ],
)  # fmt: skip
def test_how_long_a_server_asks_to_wait(value: str, seconds: float) -> None:
    assert retry_after((NOW, ("RETRY-AFTER", value))) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "", "+5", "-5", "5.5", "1_000", "1e3", "0x10", "\u0665", "\u00b2", "5 s", "5, 6", "soon", "9" * 19,
        "nan", "inf", "Sun, 06 Nov 1994 08:50:07", "Sun, 06 Nov 1994 08:50:07 CET", "Sun, 06 Foo 1994 08:50:07 GMT",
        "Sun, \u0660\u0666 Nov 1994 08:50:07 GMT", "06 Nov 1994", "1994-11-06T08:50:07Z",
    ],
)  # fmt: skip
def test_what_says_no_time(value: str) -> None:
    assert retry_after((NOW, ("retry-after", value))) == (5 if value == "5\n" else None)


def test_a_date_needs_the_servers_own_clock() -> None:
    assert retry_after((("retry-after", NOW[1]),)) is None
    assert retry_after((("retry-after", NOW[1]), ("date", "yesterday"))) is None
    assert retry_after(()) is None


@pytest.mark.parametrize(
    ("value", "seconds"), [("1500", 1.5), ("0", 0), ("12.5", 0.0125), ("+5", 9), ("x", 9), ("", 9)]
)
def test_milliseconds_go_before_seconds(value: str, seconds: float) -> None:
    assert retry_after((("retry-after", "9"), ("Retry-After-Ms", value))) == seconds


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)), st.integers(0, 10**6))
@example(datetime(2100, 2, 28), 86400)  # no leap year
@example(datetime(2000, 2, 28), 2 * 86400)  # a leap year, and the last of 400
@example(datetime(2004, 2, 28), 2 * 86400)
def test_any_two_dates(when: datetime, seconds: int) -> None:
    def written(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")

    start = calendar.timegm(when.timetuple())
    headers = (("date", written(start)), ("retry-after", written(start + seconds)))
    assert retry_after(headers) == seconds
