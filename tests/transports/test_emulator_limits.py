"""The emulator's limit and its quota fields, its delay, what it keeps of requests, and faults for a share of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from emulator_apis import APIS, Answer, ask
from emulator_caller import Caller, question
from seats import Seat

from sansio_core import RateLimited, RetryPolicy
from transports.emulator import Emulator, Limit, Request, Status
from transports.emulator.limit import Bucket, duration
from transports.emulator.response import Pause, Step

OPENAI = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
ONCE = RetryPolicy(attempts=1)


def refused(emulator: Emulator, name: str, **changes: Any) -> Answer:
    """The answer to a second question, where the limit is one."""
    assert ask(emulator, name).status == 200
    return ask(emulator, name, **changes)


def steps(emulator: Emulator, answers: int = 1) -> list[Step]:
    """What the emulator does for that many good questions, without doing it."""
    with Caller(emulator) as caller:
        method, target, headers, body = question(emulator, "acytoo")
        caller.close()
    request = Request.received(
        method, target, list(headers.items()), body, version="1.1", scheme="http", connection=1
    )
    return [step for _ in range(answers) for step in emulator.respond(request)]


# --- the limit -------------------------------------------------------------------------------------------------------


def test_a_burst_at_once_and_then_the_rate() -> None:
    bucket = Bucket(Limit(100, burst=20))
    assert [bucket.take(5.0) for _ in range(20)] == [0.0] * 20
    assert bucket.take(5.0) == pytest.approx(0.01)
    assert bucket.take(5.004) == pytest.approx(0.006)  # what was refused took nothing
    assert [bucket.take(5.0 + n / 100) for n in range(1, 50)] == [0.0] * 49
    assert bucket.take(5.49) > 0
    assert [bucket.take(9.0) for _ in range(21)] == [0.0] * 20 + [pytest.approx(0.01)]  # no more than its burst


@pytest.mark.parametrize(("rate", "burst"), [(100, 100), (2.5, 2), (0.01, 1)])
def test_the_usual_burst_is_a_seconds_worth(rate: float, burst: int) -> None:
    bucket = Bucket(Limit(rate))
    assert [bucket.take(0.0) for _ in range(burst + 1)] == [0.0] * burst + [pytest.approx(1 / rate, rel=1)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.0121, "13ms"), (1, "1s"), (8.64, "8.64s"), (360, "6m0s"), (432.5, "7m12.5s"), (86_399, "23h59m59s")],
)
def test_a_reset_is_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((0,), "rate must be a positive number"), ((float("inf"),), "rate must be"), ((1, 0), "burst must be at least"),
        ((1, 1, "groq"), "headers must be one of"),
    ],
)  # fmt: skip
def test_no_such_limit(settings: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Limit(*settings)


@pytest.mark.parametrize("name", [*APIS, "groq"])
def test_what_is_too_much_gets_the_vendors_own_response(name: str) -> None:
    with Emulator(limit=Limit(1 / 60, 1), faults=[None, Status(503)]) as emulator:
        answer = refused(emulator, name)
        assert answer.status == 429
        assert not [field for field in answer.headers if "ratelimit" in field]
        assert answer.headers.get("retry-after") == (None if name == "gemini" else "60")
        match name:
            case "anthropic":
                assert (answer.json["type"], answer.json["error"]["type"]) == ("error", "rate_limit_error")
            case "gemini":
                error = answer.json["error"]
                assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
                assert error["details"] == [
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "60s"}
                ]
            case "ollama":
                assert answer.json["error"].startswith("Rate limit reached")
            case _:
                error = answer.json["error"]
                assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")


def test_the_limit_is_of_all_good_questions_together() -> None:
    with Emulator(limit=Limit(1 / 60, 2)) as emulator:
        assert ask(emulator, "openai", headers={"authorization": "Bearer wrong"}).status == 401
        assert ask(emulator, "openai", method="GET", path="/models").status == 200
        assert [ask(emulator, name).status for name in ("openai", "anthropic", "gemini")] == [200, 200, 429]
        assert ask(emulator, "openai", method="GET", path="/models").status == 200


def test_openais_quota_fields() -> None:
    with Emulator(limit=Limit(0.1, 2, "openai"), faults=[None, Status(503)]) as emulator:
        answers = [ask(emulator, "openai") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 503, 429]
        said = [tuple(answer.headers[field] for field in OPENAI) for answer in answers]
        assert [found[:2] for found in said] == [("2", "1"), ("2", "0"), ("2", "0")]
        assert said[0][2] == "10s"
        assert 9_000 < int(answers[2].headers["retry-after-ms"]) <= 10_000
        assert answers[2].headers["retry-after"] == "10"
        assert "retry-after-ms" not in answers[0].headers


def test_anthropics_quota_fields() -> None:
    with Emulator(limit=Limit(1 / 60, 1, "anthropic")) as emulator:
        before = datetime.now(UTC)
        answers = [ask(emulator, "anthropic") for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 429]
        for answer in answers:
            assert answer.headers["anthropic-ratelimit-requests-limit"] == "1"
            assert answer.headers["anthropic-ratelimit-requests-remaining"] == "0"
            reset = datetime.strptime(answer.headers["anthropic-ratelimit-requests-reset"], "%Y-%m-%dT%H:%M:%S%z")
            assert timedelta(seconds=59) < reset - before < timedelta(seconds=70)
        assert answers[1].headers["retry-after"] == "60"


def test_a_client_waits_as_it_is_told(seat: Seat) -> None:
    with Emulator(limit=Limit(20, 1, "openai")) as emulator:
        client = seat.client("openai", base_url=emulator.base_url("openai"), api_key="test")
        began = time.monotonic()
        assert all(seat.complete(client).complete for _ in range(2))
        assert time.monotonic() - began >= 0.05


def test_a_client_is_told_how_long_to_wait(seat: Seat) -> None:
    with Emulator(limit=Limit(1 / 60, 1, "openai")) as emulator:
        client = seat.client("openai", base_url=emulator.base_url("openai"), api_key="test", retry=ONCE)
        assert seat.complete(client).complete
        with pytest.raises(RateLimited, match="Rate limit reached for requests") as raised:
            seat.complete(client)
        assert raised.value.retry_after is not None
        assert raised.value.retry_after % 1  # of retry-after-ms; Retry-After has whole seconds
        assert raised.value.retry_after < 60


# --- the delay -------------------------------------------------------------------------------------------------------


def test_a_delay_is_before_the_first_byte_and_pieces_come_one_by_one() -> None:
    with Emulator(reply="one two three", pace=0.5, delay=2, limit=Limit(1 / 60, 1)) as emulator:
        delay, first, pace, second, again, third = steps(emulator)
        assert (delay, pace, again) == (Pause(2), Pause(0.5), Pause(0.5))
        assert isinstance(first, bytes)
        assert first.startswith(b"HTTP/1.1 200 OK\r\n")
        assert first.endswith(b"\r\n3\r\none\r\n")
        assert (second, third) == (b"4\r\n two\r\n", b"6\r\n three\r\n0\r\n\r\n")
        [refusal] = steps(emulator)  # at once
        assert isinstance(refusal, bytes)
        assert refusal.startswith(b"HTTP/1.1 429 ")
    with pytest.raises(ValueError, match="delay must be a number of seconds"):
        Emulator(delay=-1)


def test_what_nothing_keeps_apart_is_one_write() -> None:
    with Emulator(reply="one two three") as emulator:
        [whole] = steps(emulator)
        assert isinstance(whole, bytes)
        assert whole.endswith(b"\r\n3\r\none\r\n4\r\n two\r\n6\r\n three\r\n0\r\n\r\n")
    with Emulator(reply="x" * 200_000, chunk_size=1000) as emulator:
        writes = steps(emulator)
        assert [len(write) > 60_000 for write in writes if isinstance(write, bytes)] == [True, True, True, False]


def test_a_client_sees_the_delay(seat: Seat) -> None:
    with Emulator(delay=0.05) as emulator:
        client = seat.client("anthropic", base_url=emulator.base_url("anthropic"), api_key="test")
        stream = seat.stream(client)
        began = time.monotonic()
        assert stream.next() is not None
        assert time.monotonic() - began >= 0.05
        stream.close()


# --- what it keeps ---------------------------------------------------------------------------------------------------


def test_the_last_requests_are_kept_and_all_are_counted() -> None:
    with Emulator(keep=2) as emulator, Caller(emulator) as caller:
        for word in ("one", "two", "three"):
            caller.ask(emulator, "acytoo", fields={"password": word})
        emulator.wait_for(lambda e: e.received == 3)
        assert [request.json["password"] for request in emulator.requests] == ["two", "three"]
    with pytest.raises(ValueError, match="keep must be a number of requests"):
        Emulator(keep=-1)


@pytest.mark.parametrize(("keep", "kept"), [({}, 1000), ({"keep": None}, 1001), ({"keep": 0}, 0)])
def test_how_many_requests_are_kept(keep: dict[str, Any], kept: int) -> None:
    with Emulator(reply="one", **keep) as emulator:
        steps(emulator, 1001)
        assert (len(emulator.requests), emulator.received) == (kept, 1001)


# --- faults for a share ----------------------------------------------------------------------------------------------


def test_a_fault_befalls_its_share_of_the_answers() -> None:
    counts = []
    for share in (0.25, 0.25, 0, 1):
        with Emulator(reply="one") as emulator:
            emulator.order(Status(500, share=share), always=True)
            failed = [step.startswith(b"HTTP/1.1 500") for step in steps(emulator, 200) if isinstance(step, bytes)]
            counts.append(failed)
    assert 30 <= sum(counts[0]) <= 70
    assert counts[0] == counts[1]  # whoever rehearses a run can repeat it
    assert (sum(counts[2]), sum(counts[3])) == (0, 200)
    with pytest.raises(ValueError, match="share must be from 0 to 1"):
        Status(500, share=1.5)


