"""What went wrong live goes wrong in the same words when it is played; test_matrix plays all rows of the matrix."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_server import Server
from matrix import BARE, CLOCK, TEN, TEXT, head, sized, sse
from replaying import facts, plays_alike
from seats import Asyncio, Blocking, Outcome, Seat
from servers import Peer

from sansio_core import AuthenticationFailed, Cancelled, Exchange, Notice, RetryPolicy, TimedOut, Timeouts, Waiting
from transports import tapes
from transports.emulator import DEFAULT_TEXT, Emulator, faults

KEY = "gateway-key-of-Ana-0123456789"


def echoes_the_key(peer: Peer) -> None:
    said = {"error": {"message": f"no such key: {KEY}, said {peer.sock.getsockname()}"}}
    peer.send(sized(json.dumps(said).encode(), 401, "application/json"))


def test_a_key_in_an_error_is_hidden_as_it_was(seat: Seat, tmp_path: Path) -> None:
    tape = tmp_path / "key.tape"
    with Server(echoes_the_key, b"") as server, tapes.record(tape):
        client = seat.client("openai", base_url=f"http://127.0.0.1:{server.port}", api_key=KEY)
        outcome = Outcome(seat, client)
    assert type(outcome.error) is AuthenticationFailed
    assert "no such key: [hidden], said ('127.0.0.1'" in str(outcome.error)
    assert KEY.encode() not in tape.read_bytes()
    plays_alike(seat, client, "Hello", outcome, tape)


def stands_still(peer: Peer) -> None:
    peer.send(head(), sse("Hello", end=False))
    peer.gone()


def test_who_waits_for_a_connection_in_vain(seat: Seat, tmp_path: Path) -> None:
    """The wire says more of that timeout than the exchange would."""
    with Server(stands_still, b"") as server:
        client = seat.client("free_netfly", base_url=f"http://127.0.0.1:{server.port}", max_connections=1, retry=1)
        held = seat.stream(client, timeout=TEN)
        assert held.next() == "Hello"
        with tapes.record(tmp_path / "waits.tape"):
            outcome = Outcome(seat, client, timeout=CLOCK)
        held.close()
    assert isinstance(outcome.error, TimedOut)
    assert "see max_connections=" in str(outcome.error)
    plays_alike(seat, client, "Hello", outcome, tmp_path / "waits.tape", timeout=CLOCK)


def test_a_reader_that_was_late_is_no_timeout(seat: Seat, tmp_path: Path) -> None:
    """What came in time was there when the reader came back, long after the clocks: so it is when it is played."""
    said, heard = threading.Event(), threading.Event()

    def fault(peer: Peer) -> None:
        peer.send(head(), sse("Hello", end=False))
        assert heard.wait(10)
        peer.send(sse(", world"))
        said.set()
        peer.gone()

    clocks = Timeouts(idle=BARE, progress=BARE, first_event=5)
    with Server(fault, b"") as server:
        client = seat.client("free_netfly", base_url=f"http://127.0.0.1:{server.port}", timeout=clocks, retry=1)
        stream = seat.stream(client, record=tmp_path / "late.tape")
        assert stream.next() == "Hello"
        heard.set()
        assert said.wait(10)
        time.sleep(BARE * 1.5)
        assert (stream.next(), stream.next()) == (", world", None)
    with tapes.replay(tmp_path / "late.tape"):
        played = Outcome(seat, client)
    assert (played.text, played.error) == (TEXT, None)


@pytest.mark.parametrize("how", ["cancel", "close", "client", "drop"])
def test_a_stream_that_its_reader_left(seat: Seat, how: str, tmp_path: Path) -> None:
    with Server(stands_still, b"") as server:
        url = f"http://127.0.0.1:{server.port}"
        client = seat.client("free_netfly", base_url=url)
        stream = seat.stream(client, record=tmp_path / "left.tape")
        assert stream.next() == "Hello"
        match how:
            case "cancel":
                stream.raw.cancel()
                with pytest.raises(Cancelled):
                    stream.next()
            case "close":
                stream.close()
            case "client":
                seat.close_client(client)
                with pytest.raises(Cancelled):
                    stream.next()
            case "drop":
                with pytest.warns(ResourceWarning, match="dropped"):
                    del stream
    with tapes.replay(tmp_path / "left.tape"):
        played = Outcome(seat, seat.client("free_netfly", base_url=url))
    assert isinstance(played.error, Cancelled)
    assert played.text == "Hello"
    assert played.error.reply is played.reply
    assert not played.reply.complete


def test_observers_are_told_the_same(seat: Seat, emulator: Emulator, tmp_path: Path) -> None:
    told: list[Any] = []

    def note(exchange: Exchange, notice: Notice) -> None:
        seconds = pytest.approx(getattr(notice, "seconds", None), abs=0.1)
        told.append((type(notice).__name__, exchange.state, exchange.status, seconds))

    emulator.order(faults.Status(503, {"retry-after-ms": "200"}))
    client = seat.client("openai", base_url=emulator.base_url("openai"), api_key=KEY, observer=note)
    with tapes.record(tmp_path / "told.tape"):
        outcome = Outcome(seat, client)
    assert outcome.text == DEFAULT_TEXT
    live, told[:] = told[:], []
    plays_alike(seat, client, "Hello", outcome, tmp_path / "told.tape")
    assert [(*facts, seconds.expected) for *facts, seconds in told] == live


def test_the_waits_before_new_attempts_are_those_of_the_tape(seat: Seat, emulator: Emulator, tmp_path: Path) -> None:
    waits: list[float] = []

    def note(exchange: Exchange, notice: Notice) -> None:
        if isinstance(notice, Waiting):
            waits.append(notice.seconds)

    emulator.order(faults.Status(503), faults.Status(503))
    retry = RetryPolicy(3, first_wait=0.02, jitter=1)
    client = seat.client("openai", base_url=emulator.base_url("openai"), api_key=KEY, retry=retry, observer=note)
    with tapes.record(tmp_path / "waits.tape"):
        outcome = Outcome(seat, client)
    live, waits[:] = waits[:], []
    plays_alike(seat, client, "Hello", outcome, tmp_path / "waits.tape")
    assert waits == pytest.approx(live, abs=0.001)


@pytest.mark.parametrize("recorder", [Blocking, Asyncio])
def test_what_one_client_recorded_the_other_plays(
    recorder: Callable[[], Seat], emulator: Emulator, tmp_path: Path
) -> None:
    seat, other = recorder(), Asyncio() if recorder is Blocking else Blocking()
    emulator.order(faults.Status(429), faults.Reset(after_pieces=3))
    settings = {"base_url": emulator.base_url("yqcloud"), "retry": 2}
    try:
        with tapes.record(tmp_path / "one.tape"):
            outcome = Outcome(seat, seat.client("yqcloud", **settings))
        assert outcome.error is not None
        with tapes.replay(tmp_path / "one.tape"):
            assert facts(Outcome(other, other.client("yqcloud", **settings))) == facts(outcome)
    finally:
        seat.end()
        other.end()


def test_chatgpt_frees_page_and_its_nonce(seat: Seat, emulator: Emulator, tmp_path: Path) -> None:
    """Ten calls at once share a page; the next session has another nonce than the tape."""
    url = emulator.base_url("chatgpt_free")
    with tapes.record(tmp_path / "page.tape"):
        replies = seat.many(seat.client("chatgpt_free", base_url=url), 10)
    assert {reply.text for reply in replies} == {DEFAULT_TEXT}
    with tapes.replay(tmp_path / "page.tape") as replay:
        replies = seat.many(seat.client("chatgpt_free", base_url=url), 10)
    assert {reply.text for reply in replies} == {DEFAULT_TEXT}
    assert not replay.unused
