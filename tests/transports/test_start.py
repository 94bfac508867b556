"""start(), status, headers and attempts of a stream, on both clients."""

from __future__ import annotations

from typing import Any

import pytest
from seats import Asyncio, Outcome, Seat

from sansio_core import Cancelled, RateLimited, RetryPolicy, StreamMisused, TextDelta
from transports.emulator import DEFAULT_TEXT, Emulator, faults

QUICK = RetryPolicy(attempts=3, first_wait=0.01, jitter=0)


def stream_of(seat: Seat, emulator: Emulator, **settings: Any) -> Any:
    client = seat.client("openai", base_url=emulator.base_url("openai"), api_key="sk-1", **settings)
    return client.stream("Hello")


def run(seat: Seat, result: Any) -> Any:
    return seat.run(result) if isinstance(seat, Asyncio) else result


def rest(seat: Seat, stream: Any) -> str:
    async def read() -> str:
        return "".join([text async for text in stream])

    return str(seat.run(read())) if isinstance(seat, Asyncio) else "".join(stream)


def test_it_returns_the_stream_once_the_head_is_in(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Stall("body", after_pieces=0))
    stream = stream_of(seat, emulator)
    assert (stream.status, stream.headers, stream.attempts) == (None, {}, 0)
    assert run(seat, stream.start()) is stream
    assert (stream.status, stream.attempts, stream.reply.text) == (200, 1, "")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert run(seat, stream.start()) is stream, "the server has said no more: there is nothing to be read"
    emulator.release()
    assert rest(seat, stream) == DEFAULT_TEXT
    assert run(seat, stream.start()) is stream
    assert stream.reply.complete
    assert stream.reply.attempts == 1
    assert 0 < stream.reply.elapsed < 60
    run(seat, stream.close())


def test_nothing_is_lost_where_it_is_called_amid_the_answer(seat: Seat, emulator: Emulator) -> None:
    stream = stream_of(seat, emulator)
    events = stream.events()

    def event() -> Any:
        return run(seat, events.__anext__()) if isinstance(seat, Asyncio) else next(events)

    first = event()
    while not isinstance(first, TextDelta):
        first = event()
    run(seat, stream.start())
    assert first.text + rest(seat, stream) == DEFAULT_TEXT


def test_it_raises_the_refusal(seat: Seat, emulator: Emulator) -> None:
    fields = {"retry-after": "3600", "set-cookie": "session=s3cret", "X-RateLimit-Limit": "5"}
    emulator.order(faults.Status(429, fields))
    stream = stream_of(seat, emulator)
    for _ in range(2):
        with pytest.raises(RateLimited, match="3600 s, and max_retry_after is 60 s") as caught:
            run(seat, stream.start())
        assert caught.value.retry_after == 3600
    assert (stream.status, stream.attempts) == (429, 1)
    assert (stream.headers["retry-after"], stream.headers["x-ratelimit-limit"]) == ("3600", "5")
    assert "s3cret" not in str(stream.headers)


def test_it_tries_again_first(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Status(503), faults.Status(503))
    stream = run(seat, stream_of(seat, emulator, retry=QUICK).start())
    assert (stream.status, stream.attempts) == (200, 3)
    assert rest(seat, stream) == DEFAULT_TEXT


def test_a_closed_stream_is_not_started(seat: Seat, emulator: Emulator) -> None:
    stream = stream_of(seat, emulator)
    run(seat, stream.close())
    with pytest.raises(Cancelled):
        run(seat, stream.start())
    assert emulator.requests == []


def test_one_reader_at_a_time(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Stall("headers"))
    stream = stream_of(seat, emulator)
    wait = seat_stream(seat, stream).in_background()
    emulator.wait_for(lambda emulator: emulator.held == 1)
    other = type(seat)()
    with pytest.raises(StreamMisused):
        run(other, stream.start())
    other.end()
    emulator.release()
    assert wait() is None


def seat_stream(seat: Seat, stream: Any) -> Any:
    """`stream` behind the face of the seat's own."""
    face: Any = seat.stream(seat.client("acytoo", base_url="http://127.0.0.1:9"))
    face.raw = stream
    return face


def test_the_last_error_says_how_many_attempts_there_were(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Status(503), always=True)
    client = seat.client("openai", base_url=emulator.base_url("openai"), api_key="sk-1", retry=QUICK)
    outcome = Outcome(seat, client)
    assert outcome.error is not None
    assert outcome.error.attempts == outcome.reply.attempts == 3
    assert str(outcome.error).endswith("(after 3 attempts)")
