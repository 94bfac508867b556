"""What a response's quota fields say: each vendor's documented fields, and any others."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core.quota import LONGEST, wait_of
from sansio_core.retry_after import duration

DATE = ("date", "Thu, 21 Aug 2025 12:41:00 GMT")
NOW = datetime(2025, 8, 21, 12, 41, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


def fields(**named: object) -> tuple[tuple[str, str], ...]:
    """Header fields, with the response's Date: `a_b` is called `a-b`."""
    return (DATE, ("content-type", "text/event-stream"), *((n.replace("_", "-"), str(v)) for n, v in named.items()))


def openai(requests: object, tokens: object, requests_reset: str, tokens_reset: str) -> Any:
    return fields(
        x_ratelimit_limit_requests=60, x_ratelimit_limit_tokens=150_000,
        x_ratelimit_remaining_requests=requests, x_ratelimit_remaining_tokens=tokens,
        x_ratelimit_reset_requests=requests_reset, x_ratelimit_reset_tokens=tokens_reset,
    )  # fmt: skip


def anthropic(reset: str = "2025-08-21T12:41:30Z", **remaining: int) -> Any:
    named: dict[str, object] = {}
    for what in ("requests", "tokens", "input-tokens", "output-tokens"):
        left = remaining.get(what.replace("-", "_"), 1000)
        named |= {f"anthropic-ratelimit-{what}-limit": 1000, f"anthropic-ratelimit-{what}-remaining": left}
        named |= {f"anthropic-ratelimit-{what}-reset": reset}
    return fields(**named)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        # developers.openai.com/api/docs/guides/rate-limits: the page's table, and the same with nothing left
        (openai(59, 149_984, "1s", "6m0s"), None),
        (openai(0, 149_984, "1s", "6m0s"), 1),
        (openai(59, 0, "1s", "6m0s"), 360),
        (openai(0, 0, "1s", "6m0s"), 360),
        # community.openai.com/t/1268905: fields as they were sent
        (openai(0, 159_976, "12ms", "9ms"), 0.012),
        (openai(0, 0, "7m12s", "6h0m0.5s"), 21_600.5),
        # learn.microsoft.com/en-us/answers/questions/5625878: Azure's resets are seconds; it sends -1 for "unknown"
        (openai(-1, -1, "0", "0"), None),
        (openai(12, 0, "10", "6"), 6),
        # console.groq.com/docs/rate-limits: requests count a day, tokens a minute
        (openai(14_370, 17_997, "2m59.56s", "7.66s"), None),
        (openai(0, 17_997, "23h59m54s", "7.66s"), 86_394),
        # inference-docs.cerebras.ai/support/rate-limits
        (
            fields(
                x_ratelimit_remaining_requests_day=999_997_455, x_ratelimit_remaining_tokens_minute=0,
                x_ratelimit_reset_requests_day="33011.382867097855",
                x_ratelimit_reset_tokens_minute="11.382867097854614",
            ),
            11.382867097854614,
        ),
        (
            fields(x_ratelimit_remaining_requests_day=0, x_ratelimit_reset_requests_day="33011.382867097855"),
            33011.382867097855,
        ),
        # platform.claude.com/docs/en/api/rate-limits: RFC 3339
        (anthropic(), None),
        (anthropic(requests=0), 30),
        (anthropic(input_tokens=0, reset="2025-08-21T12:41:59Z"), 59),
        (anthropic(output_tokens=0, tokens=0), 30),
        (anthropic(requests=0, reset="2025-08-21T12:41:00.250Z"), 0.25),
        (anthropic(requests=0, reset="2025-08-21T14:41:30+02:00"), 30),
        (anthropic(requests=0, reset="2025-08-21t12:11:30.0-00:30"), 30),
        (anthropic(requests=0, reset="2025-08-21T12:40:59Z"), None),  # over by the response's own clock
        (anthropic(requests=0, reset="2025-08-21 soon"), None),
        # …#priority-tier: without it a request is answered as well, by the standard tier
        (fields(anthropic_priority_input_tokens_remaining=0, anthropic_priority_input_tokens_reset="1s"), None),
        # openrouter.ai/docs/api_reference/limits, of its 429: milliseconds since the epoch
        (
            fields(x_ratelimit_limit=50, x_ratelimit_remaining=0, x_ratelimit_reset=EPOCH * 1000 + 40_500),
            40.5,
        ),
        # docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: seconds since the epoch
        (fields(x_ratelimit_limit=60, x_ratelimit_remaining=0, x_ratelimit_reset=EPOCH + 45), 45),
        (fields(x_ratelimit_limit=60, x_ratelimit_remaining=59, x_ratelimit_reset=EPOCH + 45), None),
        # docs.together.ai/docs/rate-limits
        (fields(x_ratelimit_remaining=0, x_ratelimit_reset=1, x_tokenlimit_remaining=0, x_tokenlimit_reset=3), 3),
        # Mistral's, as its clients read them (github.com/prism-php/prism, its tests); now it has no reset beside them
        (fields(ratelimitbysize_limit=500_000, ratelimitbysize_remaining=0, ratelimitbysize_reset=28), 28),
        (fields(x_ratelimit_limit_req_minute=720, x_ratelimit_remaining_req_minute=0), None),
        # docs.fireworks.ai/serverless/rate-limits, docs.x.ai/docs/rate-limits: no reset
        (fields(x_ratelimit_remaining_tokens_prompt=0, x_ratelimit_over_limit="yes"), None),
        # draft-ietf-httpapi-ratelimit-headers-06 and before, -07, -08 and later
        (fields(ratelimit_limit=100, ratelimit_remaining=0, ratelimit_reset=50), 50),
        (fields(ratelimit="limit=100, remaining=0, reset=50"), 50),
        (fields(ratelimit="limit=100, remaining=50, reset=50"), None),
        (fields(ratelimit='"default";r=0;t=30'), 30),
        (fields(ratelimit='"default";r=50;t=30'), None),
        (fields(ratelimit='"a,r=0";r=10;t=99, "b";pk=:QQ==:;t=7 ; r=0'), 7),
        (fields(ratelimit='"a;r=0;t=9, b";r=5;t=7'), None),
        (fields(ratelimit='"a";r=0;t=7, "b";r=0;t=9, "c";r=0'), 9),
        (fields(RateLimit='"default";r=0;t=30'), 30),
        (fields(ratelimit_policy='"default";q=100;w=60'), None),
        (fields(), None),
        ((), None),
    ],
)  # fmt: skip
def test_each_vendors_fields(headers: Any, seconds: float | None) -> None:
    found = wait_of(headers)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-6))
    named = tuple((name.title(), value) for name, value in headers if name.lower() != "ratelimit")
    assert wait_of(named) == (None if "ratelimit" in {name.lower() for name, _ in headers} else found)


@pytest.mark.parametrize(
    "reset",
    [
        "", "0", "0s", "-1", "-5s", "+5", "1_0", "1e3", "NaN", "nan", "inf", "Infinity", "\u0665", "\u0665s", "5 s",
        " 5", "s", "ms", "1d", "soon", "31536000", "8761h", "99999999999999999999", "999999999999h", "2679000",
        "2025-13-01T00:00:00Z", "2025-08-21T25:00:00Z", "2025-08-21T12:41:30", "2026-08-21T12:41:00Z",
        str(EPOCH - 5), str(EPOCH + 40 * 86_400), "4" * 13,
    ],
)  # fmt: skip
def test_what_is_no_reason(reset: str) -> None:
    assert wait_of(fields(x_ratelimit_remaining=0, x_ratelimit_reset=reset)) is None
    assert wait_of(fields(ratelimit=f'"a";r=0;t={reset}, "b";r=0;t=5')) == 5, "another's wait is one"


@pytest.mark.parametrize("left", ["1", "00", "-1", "-0", "0.5", "", "none", "\u0660", "nan"])
def test_only_a_count_of_nothing_is_a_reason(left: str) -> None:
    assert wait_of(fields(x_ratelimit_remaining_requests=left, x_ratelimit_reset_requests="9s")) is None
    assert wait_of(fields(ratelimit=f'"a";r={left};t=9')) is None


def test_a_point_in_time_needs_the_servers_own_clock() -> None:
    for reset in ("2025-08-21T12:41:30Z", str(EPOCH + 30)):
        headers = fields(x_ratelimit_remaining=0, x_ratelimit_reset=reset)
        assert wait_of(headers) == 30
        assert wait_of(headers[1:]) is None
        assert wait_of((("date", "today"), *headers[1:])) is None


@given(st.timedeltas(timedelta(milliseconds=1), timedelta(seconds=LONGEST)), st.booleans())
def test_any_wait_in_any_form(wait: timedelta, named: bool) -> None:
    then, seconds = NOW + wait, wait.total_seconds()
    zone = timedelta(hours=5, minutes=30) if named else timedelta(0)
    written = (then + zone).strftime("%Y-%m-%dT%H:%M:%S.%f") + ("+05:30" if named else "Z")
    millis = calendar.timegm(then.timetuple()) * 1000 + then.microsecond // 1000
    minutes, rest = divmod(seconds, 60)
    lengths = (f"{seconds:.6f}", f"{seconds:.6f}s", f"{minutes:.0f}m{rest:.6f}s", f"{seconds * 1000:.3f}ms")
    for form in (written, *lengths, millis):
        found = wait_of(fields(x_ratelimit_remaining=0, x_ratelimit_reset=form))
        assert found == pytest.approx(seconds, abs=0.002) or (found is None and not 0.002 < seconds < LONGEST - 0.002)


NAMES = st.sampled_from(
    ["date", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset", "X-RateLimit-Remaining-Tokens", "age",
     "x-ratelimit-reset-tokens", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"]
)  # fmt: skip
SCRAPS = st.sampled_from(
    ["0", "1", "9" * 20, "-", ".", "e", ";", "=", ",", '"', "r=0", "t=", "remaining=0", "reset=", "s", "ms", "m", "h",
     "Z", "T", ":", "2025-08-21T12:41:30", DATE[1], "nan", "\u0665", " "]
)  # fmt: skip
NUMBERS = st.integers().map(str) | st.floats().map(str)
VALUES = st.lists(SCRAPS, max_size=5).map("".join) | st.text(max_size=12) | NUMBERS


@given(st.lists(st.tuples(NAMES | st.text(max_size=8), VALUES), max_size=6).map(tuple))
@example((("ratelimit", '"' * 9 + ";r=0;t=5"),))
@example((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9" * 12 + "h")))
def test_any_fields_give_a_wait_that_may_be_waited_or_none(headers: tuple[tuple[str, str], ...]) -> None:
    found = wait_of(headers)
    assert found is None or (isfinite(found) and 0 < found <= LONGEST)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        # protobuf.dev/programming-guides/json, "Duration": none, three, six or nine digits of a fraction
        ("34s", 34), ("0.5s", 0.5), ("1.000340012s", 1.000340012), ("34.074824224s", 34.074824224), ("0s", 0),
        ("315576000000s", 315_576_000_000),
        # pkg.go.dev/time#Duration.String
        ("1h15m30.918s", 4530.918), ("6h0m0.5s", 21_600.5), ("12ms", 0.012), ("7m12s", 432), ("1.5\u00b5s", 1.5e-6),
        ("2us", 2e-6), ("100ns", 1e-7), ("1.s", 1), ("1m", 60),
    ],
)  # fmt: skip
def test_a_length_of_time(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", "-5s", "+5s", ".5s", "5 s", "5s ", "1_0s", "1e3s", "nans", "infs", "\u0665s", "5S", "5s!", "1..5s"],
)
def test_what_is_no_length_of_time(text: str) -> None:
    assert duration(text) is None


@given(st.lists(SCRAPS, max_size=6).map("".join) | st.text())
@example("1h" * 5000)
def test_any_text_is_a_length_of_time_or_none(text: str) -> None:
    found = duration(text)
    assert found is None or (isfinite(found) and found >= 0)
