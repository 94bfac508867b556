"""Tapes played through both clients: nothing is sent, and everything else is as it was."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from seats import Asyncio, Blocking, Outcome, Seat
from servers import PATIENCE
from takes import DONE, HOST, WORDS, head, refused, said, take, tape, text

from sansio_core import (
    Cancelled,
    ChatError,
    ChatRequest,
    ClientClosed,
    ConnectionLost,
    Exchange,
    InvalidRequest,
    Notice,
    RetryPolicy,
    ServerFailed,
    StreamMisused,
    StreamTruncated,
    TimedOut,
    Timeouts,
    providers,
)
from sansio_core.http_request import HttpRequest
from sansio_core.providers import Call, Provider
from sansio_core.providers.free_netfly import FreeNetfly
from sansio_core.tape import Deck, End, Mark, Piece, Take, play
from transports import AsyncClient, Client, g4f_compat, tapes

ROOT = Path(__file__).parents[2]
WHOLE = "".join(WORDS)
LONG = (*[text("word ", 3600.0) for _ in range(50)], End(0.0, "closed"))
"""Two days of an answer, which is not at its end even then."""


FOREVER = Timeouts(connect=None, first_event=None, idle=None, progress=None, total=None)


def client_of(seat: Seat, provider: Any = "free_netfly", **settings: Any) -> Any:
    return seat.client(provider, base_url=HOST, **{"timeout": FOREVER, **settings})


def run(seat: Seat, result: Any) -> Any:
    return seat.run(result) if isinstance(seat, Asyncio) else result


# --- what a user types -----------------------------------------------------------------------------------------------


def test_a_tape_answers_in_place_of_the_network(seat: Seat) -> None:
    client = client_of(seat)
    with tapes.replay(tape(said(), said("Again."))) as replay:
        assert Outcome(seat, client).pieces == list(WORDS)
        assert len(replay.unused) == 1
        reply = seat.complete(client)
    assert (reply.text, reply.complete) == ("Again.", True)
    assert (replay.unused, replay.unmatched) == ((), [])


def test_a_stream_goes_on_after_the_with(seat: Seat) -> None:
    with tapes.replay(tape()):
        stream = seat.stream(client_of(seat))
        assert stream.next() == WORDS[0]
    assert (stream.next(), stream.next(), stream.next()) == (*WORDS[1:], None)


def test_nothing_of_tapes_is_loaded_before_one_is_used() -> None:
    program = (
        "import sys; from transports import AsyncClient, Client\n"
        "for kind in (Client, AsyncClient): kind('free_netfly').stream('Hello')\n"
        "print([name for name in sys.modules if 'tape' in name or name.endswith(('recorder', 'replay'))])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("made", ["before", "within"])
def test_no_key_is_needed(seat: Seat, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    recorded = providers.create("openai", api_key="sk-" + "1" * 40)
    client = seat.client("openai") if made == "before" else None
    with tapes.replay(tape(said(provider=recorded), _list_of_models(recorded))):
        client = client or seat.client("openai")
        assert seat.complete(client).text == WHOLE
        assert run(seat, client.models()) == ["gpt-9"]
    assert client.provider.api_key is None
    with pytest.raises(InvalidRequest, match="needs a key"):
        client.stream("Hello")


def _list_of_models(provider: Any) -> Take:
    body = Piece(0.0, b'{"data": [{"id": "gpt-9"}]}')
    return take(head(), body, End(0.0), provider=provider, messages=None)


def test_a_key_function_is_not_called(seat: Seat) -> None:
    def key() -> str:
        raise AssertionError("the function was called")

    recorded = providers.create("openai", api_key="any")
    refusal = take(head(401), End(0.0), provider=recorded)
    with tapes.replay(tape(refusal, said(provider=recorded))) as replay:
        outcome = Outcome(seat, seat.client("openai", api_key=key))
    assert outcome.text == WHOLE  # it was asked for once more, as a key may be stale
    assert not replay.unused


def test_gpt4frees_classes() -> None:
    async def ask() -> str:
        messages = [{"role": "user", "content": "Hello"}]
        answer = g4f_compat.FreeNetfly.create_async_generator(model=None, messages=messages)
        return "".join([piece async for piece in answer])

    with tapes.replay(tape(said(provider=providers.create("free_netfly")))):
        assert asyncio.run(ask()) == WHOLE


def test_only_the_head(seat: Seat) -> None:
    with tapes.replay(tape(said())):
        stream = client_of(seat).stream("Hello")
        run(seat, stream.start())
        assert (stream.status, stream.attempts, stream.reply.text) == (200, 1, "")
        run(seat, stream.close())


@pytest.mark.parametrize("speed", [-1, math.nan, math.inf, "1", True, None])
def test_a_speed_is_a_number_from_0(speed: Any) -> None:
    with pytest.raises(InvalidRequest, match="speed must be a number from 0"):
        tapes.replay(tape(), speed=speed)


def test_a_missing_file_says_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"record.*hello\.tape"):
        tapes.replay(tmp_path / "hello.tape")


@pytest.mark.parametrize("given", [None, 7, b"# sansio-chat tape 1\n"])
def test_what_is_no_tape(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="the path of a file, a Tape or a Deck, not"):
        tapes.replay(given)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hello.tape"
    path.write_text("no tape\n")
    with pytest.raises(tapes.BrokenTape, match=r"hello\.tape, line 1: "):
        tapes.replay(path)


def test_a_deck_has_its_own_say() -> None:
    with pytest.raises(InvalidRequest, match=r"Deck\(tape, ignore="):
        tapes.replay(Deck(tape()), ignore=["seed"])


# --- no take answers -------------------------------------------------------------------------------------------------


def test_an_unmatched_request_passes_through_everything(seat: Seat) -> None:
    told: list[str] = []
    client = client_of(seat, retry=3, observer=lambda _, notice: told.append(type(notice).__name__))
    with tapes.replay(tape()) as replay:
        stream = seat.stream(client, "Something else")
        with pytest.raises(tapes.UnmatchedRequest, match="Something else") as caught:
            stream.next()
        assert not isinstance(caught.value, ChatError)
        assert replay.unmatched == [caught.value]
        assert told.count("AttemptBegan") == 1
        assert told[-1] == "Ended"
        with pytest.raises(Cancelled, match="UnmatchedRequest"):
            stream.next()
        assert seat.complete(client).text == WHOLE
    assert not replay.unused


# --- how it went ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (End(0.1, "ConnectionLost", {"detail": "reset by 127.0.0.1:4711", "reused": False}), ConnectionLost),
        (End(0.1, "TimeoutError", {"clock": "idle", "seconds": 0.1}), TimedOut),
        (End(0.1, "closed"), Cancelled),
        (End(0.1), StreamTruncated),
    ],
)
def test_a_stream_fails_as_it_did(seat: Seat, end: End, kind: type[ChatError]) -> None:
    with tapes.replay(tape(take(head(), text("So far"), end))):
        outcome = Outcome(seat, client_of(seat))
    assert type(outcome.error) is kind
    assert outcome.text == outcome.reply.text == "So far"
    assert outcome.error.reply is outcome.reply
    assert not outcome.reply.complete


def test_retry_waits_are_not_waited_for(seat: Seat) -> None:
    waits: list[float] = []

    def note(exchange: Exchange, notice: Notice) -> None:
        if type(notice).__name__ == "Waiting":
            waits.append(notice.seconds)  # type: ignore[attr-defined]

    lost = take(End(0.1, "ConnectionLost", {"detail": "reset"}))
    takes = refused(429, retry_after="50"), refused(503), lost, said()
    client = client_of(seat, retry=RetryPolicy(attempts=4, first_wait=5, jitter=0), observer=note)
    began = time.monotonic()
    with tapes.replay(tape(*takes)):
        reply = seat.complete(client)
    assert time.monotonic() - began < 5
    assert (reply.text, reply.attempts, waits) == (WHOLE, 4, [50, 10, 20])
    assert reply.elapsed == pytest.approx(sum(waits) + sum(each.seconds for each in takes), abs=0.01)


def test_the_total_counts_the_tapes_own_waits(seat: Seat) -> None:
    client = client_of(seat, retry=RetryPolicy(attempts=9, first_wait=20, factor=1, jitter=0), timeout=50)
    with tapes.replay(tape(*[refused(503)] * 9)) as replay:
        outcome = Outcome(seat, client)
    assert type(outcome.error) is ServerFailed
    assert outcome.exchange.attempts == 3
    assert len(replay.unused) == 6


@pytest.mark.parametrize("speed", [0, 2_000_000 / 8])
def test_a_clock_of_today_holds_in_a_tape_of_yesterday(seat: Seat, speed: float) -> None:
    """At that speed, the hour takes 15 ms, and what is too late comes after 3 s."""
    slow = take(head(), text("So far"), text("too late", 720_000.0), End(0.0))
    with tapes.replay(tape(slow), speed=speed):
        outcome = Outcome(seat, client_of(seat, timeout=replace(FOREVER, idle=3600.0)))
    assert str(outcome.error).startswith("no byte came within 3600 s")
    assert isinstance(outcome.error, TimedOut)
    assert outcome.error.clock == "idle"
    assert outcome.text == "So far"
    assert outcome.reply.elapsed is not None
    assert 3600 <= outcome.reply.elapsed < 720_000


def test_the_connect_clock(seat: Seat) -> None:
    silent = Take(*_request(), steps=(End(9.0, "TimedOut", {"clock": "connect", "seconds": 9.0}),))
    for seconds in (5.0, 20.0):
        with tapes.replay(tape(silent)):
            outcome = Outcome(seat, client_of(seat, timeout=Timeouts(connect=seconds), retry=1))
        assert isinstance(outcome.error, TimedOut)
        assert (outcome.error.clock, outcome.error.seconds) == ("connect", min(seconds, 9.0))


def _request() -> tuple[Any, ...]:
    one = said()
    return one.method, one.url, one.base, one.provider, one.headers, one.body


def late_by(seat: Seat, speed: float) -> float:
    """How late a piece comes at most, in seconds, which is early at none."""
    with tapes.replay(tape(said(*["w "] * 10, gap=0.02)), speed=speed):
        client, times = client_of(seat), [time.monotonic()]
        stream = seat.stream(client)
        while stream.next():
            times.append(time.monotonic())
    due = [(0.101 + 0.02 * n) / speed for n in range(1, 11)]
    late = [when - times[0] - taped for when, taped in zip(times[1:], due, strict=True)]
    assert min(late) >= -0.002
    return max(late)


@pytest.mark.parametrize("speed", [1, 2])
def test_at_the_recorded_pace(seat: Seat, speed: float) -> None:
    assert any(late_by(seat, speed) < 0.05 for _ in range(20)), "on a busy machine any may be late, but not all"


def test_a_late_reader_finds_what_has_come_by_then(seat: Seat) -> None:
    """Nor is the time lost that the reader spent, nor did a clock fire meanwhile."""
    slow = take(head(after=0.01), text("a", 0.01), text("b"), text("c"), DONE, End(0.0))

    def seconds() -> float:
        """What a late reader still waits for."""
        with tapes.replay(tape(slow), speed=1):
            stream = seat.stream(client_of(seat, timeout=replace(FOREVER, idle=0.05)))
            assert stream.next() == "a"
            time.sleep(0.25)
            began = time.monotonic()
            assert (stream.next(), stream.next(), stream.next()) == ("b", "c", None)
            return time.monotonic() - began

    assert any(seconds() < 0.1 for _ in range(20)), "on a busy machine any may take longer, but not all"


def test_what_is_told_of_it(seat: Seat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "transports")
    told: list[str] = []
    place = Mark(0.0, "waiting"), Mark(2.0, "place"), Mark(0.01, "reused")
    waited = Take(*_request(), steps=(*place, *said().steps[1:]))
    with tapes.replay(tape(refused(503), waited)):
        seat.complete(client_of(seat, observer=lambda _, notice: told.append(type(notice).__name__)))
    assert told == [
        "Asked", "AttemptBegan", "Connected", "HeadReceived", "Waiting", "AttemptBegan", "PlaceAwaited", "PlaceAwaited",
        "Connected", "HeadReceived", "FirstEvent", "FirstText", "Ended",
    ]  # fmt: skip
    lines = [record.message.partition(": ")[2] for record in caplog.records if record.name == "transports.wire"]
    assert sum(line.startswith("sends") for line in lines) == 2
    assert [line for line in lines if "status" in line] == [
        f"gets status {status}; content-type: text/event-stream" for status in (503, 200)
    ]
    assert any("status 503 after 0.101 s" in record.message for record in caplog.records)


# --- many at once, and others' business -------------------------------------------------------------------------------


def test_threads_and_tasks_share_a_deck(seat: Seat) -> None:
    deck = Deck(tape(*[said(str(n)) for n in range(20)]))
    with tapes.replay(deck) as replay:
        replies = seat.many(client_of(seat), 20)
    assert sorted(int(reply.text) for reply in replies) == list(range(20))
    assert not replay.unused


def test_chatgpt_frees_page_is_fetched_once_for_all(seat: Seat) -> None:
    recorded = providers.create("chatgpt_free", base_url=HOST)
    page = Piece(25.0, b'<div data-post-id="7" data-nonce="0a1b"></div>')
    first = take(head(), page, End(0.0), provider=recorded)
    with pytest.raises(tapes.UnmatchedRequest):  # of the question; the page is there by then
        list(play(tape(first), Exchange(recorded, ChatRequest("Hello"))))
    answers = [said("Hi", provider=recorded) for _ in range(20)]
    with tapes.replay(tape(*answers[:10], first, *answers[10:])) as replay:
        replies = seat.many(client_of(seat, "chatgpt_free"), 20)
    assert {reply.text for reply in replies} == {"Hi"}
    assert not replay.unused


def test_waiting_for_what_another_call_fetches(seat: Seat) -> None:
    """The tape does not say how long that takes, and the other call must get on: no looking as fast as it goes."""
    done, looks = threading.Event(), 0

    class Patient(Call):
        def setup_request(self, now: float) -> float | None:
            nonlocal looks
            looks += 1
            if looks == 1:
                threading.Timer(0.1, done.set).start()
            return None if done.is_set() else 60.0

    class Host(FreeNetfly):
        def call(self, request: ChatRequest, random: Any) -> Call:
            return Patient(super().call(request, random).request())

    began = time.monotonic()
    with tapes.replay(tape()):
        reply = seat.complete(seat.client(Host(base_url=HOST)))
    assert reply.text == WHOLE
    assert 2 <= looks <= 2 + (time.monotonic() - began) / 0.0005
    assert reply.elapsed is not None
    assert reply.elapsed < said().seconds + PATIENCE


def test_tasks_take_turns() -> None:
    """A stream whose pieces are all there does not keep other tasks from running."""
    turns = 0

    async def main() -> None:
        nonlocal turns
        client = AsyncClient("free_netfly", base_url=HOST, timeout=FOREVER)
        reading = asyncio.create_task(client.complete("Hello"))
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)
        assert len(reading.result().text) == 1000
        client.close()

    with tapes.replay(tape(said(*"x" * 1000))):
        asyncio.run(main())
    assert turns >= 20


def test_a_timeout_of_asyncio_ends_a_paced_read() -> None:
    async def main() -> None:
        async with AsyncClient("free_netfly", base_url=HOST) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.complete("Hello")

    with tapes.replay(tape(take(head(), *LONG)), speed=1):
        asyncio.run(main())


def test_two_loops_after_another() -> None:
    client = AsyncClient("free_netfly", base_url=HOST)

    async def ask() -> str:
        return (await client.complete("Hello")).text

    async def begin() -> Any:
        stream = client.stream("Hello")
        await anext(stream)
        return stream

    with tapes.replay(tape(said(), said(), said())):
        assert [asyncio.run(ask()) for _ in range(2)] == [WHOLE, WHOLE]
        stream = asyncio.run(begin())

        async def go_on() -> None:
            with pytest.raises((StreamMisused, Cancelled)):
                await anext(stream)

        asyncio.run(go_on())
        stream.close()
        client.close()


def test_the_clocks_do_not_count_how_long_a_take_is_looked_for(seat: Seat) -> None:
    class LongTape(Deck):
        def take(self, request: HttpRequest, provider: Provider) -> Take:
            time.sleep(0.03)
            return super().take(request, provider)

    with tapes.replay(LongTape(tape()), speed=10):
        assert Outcome(seat, client_of(seat, timeout=Timeouts(first_event=0.29), retry=1)).text == WHOLE


@pytest.mark.parametrize("speed", [0, 1])
def test_cancel_and_close(seat: Seat, speed: float) -> None:
    begun = take(head(), text("So far"), *LONG)
    with tapes.replay(tape(*[begun] * 3), speed=speed):
        for how, kind in (("cancel", Cancelled), ("close", Cancelled), ("client", ClientClosed)):
            client = client_of(seat)
            stream = seat.stream(client)
            assert stream.next() == "So far"
            match how:
                case "cancel":
                    stream.raw.cancel()
                case "close":
                    stream.close()
                case "client":
                    seat.close_client(client)
            with pytest.raises(kind) as caught:
                stream.next()
            assert type(caught.value) is kind
            assert caught.value.reply is not None
            assert caught.value.reply.text == "So far"


@pytest.mark.parametrize("how", ["cancel", "close", "client"])
def test_another_thread_ends_a_paced_wait_at_once(seat: Seat, how: str) -> None:
    with tapes.replay(tape(take(head(after=0.01), *LONG)), speed=1):
        client = client_of(seat)
        stream = seat.stream(client)
        if isinstance(seat, Blocking):
            stream.raw.start()
        else:
            seat.run(stream.raw.start())
        wait = stream.in_background()
        began = time.monotonic()
        {"cancel": stream.raw.cancel, "close": stream.raw.close, "client": client.close}[how]()
        error = wait()
    assert isinstance(error, Cancelled)
    assert (type(error) is ClientClosed) == (how == "client")
    assert time.monotonic() - began < 5


def test_two_readers_are_one_too_many(seat: Seat) -> None:
    with tapes.replay(tape(take(head(after=0.01), *LONG)), speed=1):
        stream = seat.stream(client_of(seat))
        run(seat, stream.raw.start())
        wait = stream.in_background()
        while not stream.raw._driving:
            time.sleep(0.001)
        with pytest.raises(StreamMisused, match="already being read"):
            next(stream.raw) if isinstance(seat, Blocking) else asyncio.run(anext(stream.raw))
        stream.raw.cancel()
        assert isinstance(wait(), Cancelled)


def test_a_stream_that_is_dropped_tells_so() -> None:
    with tapes.replay(tape(take(head(), *LONG))):
        stream = Client("free_netfly", base_url=HOST, timeout=FOREVER).stream("Hello")
        assert next(stream) == "word "
        with pytest.warns(ResourceWarning, match="dropped unfinished"):
            del stream


_FORK = """
import os, sys
from transports import Client, tapes
from sansio_core import StreamMisused

client = Client("free_netfly", base_url=sys.argv[2])
with tapes.replay(sys.argv[1]) as replay, client.stream("Hello") as stream:
    first = next(stream)
    if (child := os.fork()) == 0:
        try:
            next(stream)
        except StreamMisused:
            print("child:", client.complete("Hello").text, len(replay.unused), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("parent:", first + "".join(stream), len(replay.unused))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Unix alone has these")
def test_a_fork_has_a_tape_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "two.tape"
    path.write_bytes(tape(said(), said()).dumps())
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", _FORK, str(path), HOST]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert done.stdout.splitlines() == [f"child: {WHOLE} 0", f"parent: {WHOLE} 1"], done.stderr


# --- one tape inside another ------------------------------------------------------------------------------------------


def test_the_innermost_replay_has_the_last_word(seat: Seat) -> None:
    client = client_of(seat)
    with tapes.replay(tape(said("outer")), speed=1) as outer:
        with tapes.replay(tape(said("inner", gap=300.0))) as inner:
            assert seat.complete(client).text == "inner"
        assert not inner.unused
        assert seat.complete(client).text == "outer"
    assert not outer.unused


def test_the_innermost_replay_has_its_own_time(seat: Seat) -> None:
    began = time.monotonic()
    with tapes.replay(tape()), tapes.replay(tape(said("slow")), speed=4):
        seat.complete(client_of(seat))
    assert time.monotonic() - began >= said("slow").seconds / 4 - 0.002


def test_a_recording_in_a_replay_copies(seat: Seat, tmp_path: Path) -> None:
    client = client_of(seat, retry=2)
    with tapes.replay(tape(refused(503), said())), tapes.record(tmp_path / "copy.tape"):
        assert seat.complete(client).text == WHOLE
    with tapes.replay(tmp_path / "copy.tape") as replay:
        assert [each.seconds for each in replay.unused] == [each.seconds for each in (refused(503), said())]
        assert [each.end for each in replay.unused] == [End(0.0, again=2.0), End(0.0)]
        assert seat.complete(client).attempts == 2


def test_a_replay_in_a_recording_is_not_recorded(seat: Seat, tmp_path: Path) -> None:
    with tapes.record(tmp_path / "empty.tape"), tapes.replay(tape()):
        assert seat.complete(client_of(seat)).text == WHOLE
    assert tapes.replay(tmp_path / "empty.tape").unused == ()
