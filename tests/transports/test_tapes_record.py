"""Recording through both clients: what the file says of answers, failures and streams that are left."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded import DONE, EVENTS, GOOD, TEXT, body_of, ends, head, netfly, openai, sized, status_of, takes_of
from seats import Asyncio, Outcome, Seat
from servers import Peer, Server

from sansio_core import Cancelled, ChatError, ChatRequest, ConnectionLost, Exchange, InvalidRequest, Send
from sansio_core.tape import Piece, Reel, UnsafeTape
from transports import tapes
from transports.emulator import DEFAULT_TEXT, Emulator, faults


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.tape"


# --- what the file says ----------------------------------------------------------------------------------------------


MODELS = {"openai": None, "anthropic": None, "gemini": None, "ollama": "any", "yqcloud": None, "acytoo": None}


@pytest.mark.parametrize("name", MODELS)
def test_a_call_is_recorded_byte_for_byte(seat: Seat, emulator: Emulator, path: Path, name: str) -> None:
    client = seat.client(name, base_url=emulator.base_url(name), api_key="any", model=MODELS[name])
    assert Outcome(seat, client, record=path).text == DEFAULT_TEXT
    [take] = takes_of(path)
    assert (take.method, take.provider, take.base) == ("POST", name, client.provider.base_url)
    assert take.url.startswith(take.base)
    assert take.body == emulator.requests[0].body
    assert take.end.what == "end"
    exchange = Exchange(client.provider, ChatRequest("Hello", model=MODELS[name]))
    action = exchange.next_action(0.0)
    assert isinstance(action, Send)
    reel = Reel(take, exchange, action, 0.0)
    while exchange.under_way:
        reel.feed(reel.due)
    assert exchange.reply.text == DEFAULT_TEXT, "the bare core gets the answer from it"


def test_a_body_is_as_it_came_without_its_coding(seat: Seat, path: Path) -> None:
    bodies = [EVENTS[0], EVENTS[1][:-12], EVENTS[1][-12:], DONE]
    squeezed = sized(gzip.compress(b"".join(bodies)), content_encoding="gzip")

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(head(transfer_encoding="chunked"))
        for piece in bodies:
            peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        peer.send(b"0\r\n\r\n")
        peer.request()
        peer.send(squeezed)
        peer.gone()

    with Server(script) as server, tapes.record(path):
        client = netfly(seat, server)
        assert [Outcome(seat, client).text for _ in range(2)] == [TEXT, TEXT]
        seat.close_client(client)
    first, second = takes_of(path)
    assert body_of(first) == body_of(second) == b"".join(bodies)
    assert first.headers == second.headers


def test_each_request_is_a_take(seat: Seat, emulator: Emulator, path: Path) -> None:
    emulator.order(faults.Status(status=429, headers={"Retry-After": "0"}))
    assert Outcome(seat, openai(seat, emulator), record=path).text == DEFAULT_TEXT
    assert ends(path) == [(429, "end"), (200, "end")]
    emulator.order(faults.Redirect(307, "/openai/v1/chat/completions?again=1"))
    assert Outcome(seat, openai(seat, emulator), record=path).text == DEFAULT_TEXT
    first, second = takes_of(path)
    assert [status_of(first), status_of(second)] == [307, 200]
    assert second.url == f"{first.url}?again=1"
    client = seat.client("chatgpt_free", base_url=emulator.base_url("chatgpt_free"))
    assert Outcome(seat, client, record=path).text == DEFAULT_TEXT
    assert [(take.method, take.end.what) for take in takes_of(path)] == [("GET", "end"), ("POST", "end")]


def test_a_stale_connection_is_a_take_of_its_own(seat: Seat, path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(GOOD)
        if peer.number == 1:
            peer.request()
            peer.reset()
        peer.gone()

    with Server(script) as server:
        client = netfly(seat, server)
        seat.complete(client)
        assert Outcome(seat, client, record=path).text == TEXT
        seat.close_client(client)
    assert ends(path) == [(None, "ConnectionLost"), (200, "end")]
    lost, good = takes_of(path)
    assert lost.end.attributes["reused"] is True
    assert [step.what for take in (lost, good) for step in take.steps if hasattr(step, "what")] == [
        "reused", "ConnectionLost", "connected", "end",
    ]  # fmt: skip


FAILING: dict[str, tuple[bytes, str, bytes]] = {
    "cut": (head(content_length="999") + EVENTS[0], "StreamTruncated", EVENTS[0]),
    "no end marker": (sized(EVENTS[0]), "end", EVENTS[0]),
    "cut character": (head(content_length="999") + EVENTS[0] + EVENTS[1][:-12], "StreamTruncated", b""),
    "corrupt gzip": (sized(gzip.compress(GOOD)[:10] + b"\xff" * 50, content_encoding="gzip"), "ProtocolViolation", b""),
    "401": (sized(b'{"error":{"message":"no"}}', 401, content_type="application/json"), "end", b""),
    "no HTTP": (b"\r\nnonsense\r\n\r\n", "ProtocolViolation", b""),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_stream_that_fails_is_recorded_as_it_failed(seat: Seat, path: Path, name: str) -> None:
    answer, end, body = FAILING[name]

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(answer)

    with Server(script) as server:
        outcome = Outcome(seat, netfly(seat, server, retry=1), record=path)
    assert isinstance(outcome.error, ChatError)
    assert not hasattr(outcome.error, "__notes__")
    [take] = takes_of(path)
    assert take.end.what == end
    assert body_of(take).startswith(body)
    if end != "end":
        assert type(take.end.error) is type(outcome.error)
        assert str(take.end.error) == str(outcome.error)
    # a chunk of the head may come with the body: what was handed out is in the take in any case
    assert outcome.text.encode() in body_of(take).replace(b'"}}]}\n\ndata: {"choices":[{"delta":{"content":"', b"")


def test_a_reset_is_recorded_with_what_came_before(seat: Seat, path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(head(), EVENTS[0])
        assert read.wait(10)
        peer.reset()

    read = threading.Event()
    with Server(script) as server:
        stream = seat.stream(netfly(seat, server), record=path)
        assert stream.next() == "Hello"
        read.set()
        with pytest.raises(ConnectionLost) as raised:
            stream.next()
    [take] = takes_of(path)
    assert body_of(take) == EVENTS[0]
    assert take.end.what == "ConnectionLost"
    assert str(take.end.error) == str(raised.value)


def test_a_clock_is_named(seat: Seat, emulator: Emulator, path: Path) -> None:
    emulator.order(faults.Stall(after_pieces=0))
    outcome = Outcome(seat, openai(seat, emulator, timeout=0.3, retry=1), record=path)
    [take] = takes_of(path)
    assert take.end.what == "TimeoutError"
    assert take.end.attributes == {"clock": "total", "seconds": 0.3}
    assert str(take.end.error) == str(outcome.error)


def test_a_refused_key_is_asked_for_anew(seat: Seat, emulator: Emulator, path: Path) -> None:
    keys = iter(["sk-wrong", "sk-right"])
    assert Outcome(seat, openai(seat, emulator, api_key=lambda: next(keys)), record=path).text == DEFAULT_TEXT
    assert ends(path) == [(401, "end"), (200, "end")]
    assert b"sk-" not in path.read_bytes()


def no_key() -> str:
    raise LookupError("no key")


def test_what_sends_nothing_records_nothing(seat: Seat, emulator: Emulator, path: Path) -> None:
    stream = seat.stream(openai(seat, emulator, api_key=no_key), record=path)
    with pytest.raises(LookupError):
        stream.next()
    stream.close()
    seat.stream(openai(seat, emulator), record=path).close()
    assert not path.exists()
    assert not emulator.requests


def test_what_is_secret_is_not_in_the_file(seat: Seat, emulator: Emulator, path: Path) -> None:
    key = "sk-live-4711-0815-abcdef"
    headers = {"x-team": "blue-green-red-17"}
    client = openai(seat, emulator, api_key=key, cookies={"sid": "c00kie-c00kie"}, headers=headers)
    own = path.with_name("own.tape")
    with tapes.record(path, redact=["Ana Novak", re.compile(r"[0-9]{4}-[0-9]{4}")]):
        assert seat.complete(client, f"I am Ana Novak, 1234-5678, {key}", record=own).complete
    text = path.read_text() + own.read_text()
    for secret in (key, "c00kie", "blue-green", "Ana", "Novak", "1234-5678"):
        assert secret not in text
    [take] = takes_of(path)
    assert len(take.body) == len(emulator.requests[0].body)
    with pytest.raises(InvalidRequest, match="redact= takes a str"):
        tapes.record(path, redact=5)  # type: ignore[arg-type]


def test_what_looks_like_a_key_is_told_and_not_written(seat: Seat, path: Path) -> None:
    stranger = b"sk-proj-0123456789abcdefABCDEF0123456789"
    answer = GOOD.replace(b"Hello", stranger).replace(b"content-length: ", b"x: ")

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(answer)

    with Server(script) as server, tapes.record(path):
        stream = seat.stream(netfly(seat, server))
        pieces: list[str] = []
        with pytest.raises(UnsafeTape, match="key") as raised:
            pieces.extend(iter(stream.next, None))
        assert "".join(pieces) == TEXT.replace("Hello", stranger.decode())
        assert raised.value.__notes__ == [f"This request is not in the tape {path}; the stream itself went on as ever."]
        assert not takes_of(path)


# --- streams that are left -------------------------------------------------------------------------------------------


def endless(peer: Peer) -> None:
    peer.request()
    peer.send(head(), EVENTS[0])
    peer.gone()


def leave_by_close(stream: Any) -> None:
    stream.close()


def leave_by_cancel(stream: Any) -> None:
    wait = stream.in_background()
    stream.raw.cancel()
    assert isinstance(wait(), Cancelled)


def leave_by_dropping(stream: Any) -> None:
    with pytest.warns(ResourceWarning, match="dropped unfinished"):
        del stream.raw


def leave_by_break(stream: Any) -> None:
    """The raw stream's own `with`."""

    async def asynchronous() -> None:
        async with stream.raw:
            pass

    if hasattr(stream, "seat"):
        stream.seat.run(asynchronous())
    else:
        with stream.raw:
            pass


@pytest.mark.parametrize("leave", [leave_by_close, leave_by_cancel, leave_by_dropping, leave_by_break])
def test_a_stream_that_is_left_is_recorded_so_far(seat: Seat, path: Path, leave: Callable[[Any], None]) -> None:
    with Server(endless) as server:
        client = netfly(seat, server)
        stream = seat.stream(client, record=path)
        assert stream.next() == "Hello"
        assert not takes_of(path), "a take is written when it ends"
        leave(stream)
        [take] = takes_of(path)
        seat.close_client(client)
    assert body_of(take) == EVENTS[0]
    assert isinstance(take.end.error, Cancelled)
    assert take.end.what == ("Cancelled" if leave is leave_by_cancel else "closed")


def test_nothing_is_withheld(seat: Seat, path: Path) -> None:
    """Each piece is handed out before the next one is sent."""
    turn = threading.Semaphore(0)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(head(transfer_encoding="chunked"))
        for piece in (*EVENTS, DONE):
            peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            assert turn.acquire(timeout=10)
        peer.send(b"0\r\n\r\n")

    with Server(script) as server:
        stream = seat.stream(netfly(seat, server), record=path)
        for text in ("Hello", ", wörld"):
            assert stream.next() == text
            turn.release()
        turn.release()
        assert stream.next() is None
    [take] = takes_of(path)
    assert [step.data for step in take.steps if isinstance(step, Piece)] == [*EVENTS, DONE]


def test_start_waits_for_the_head_alone(seat: Seat, path: Path) -> None:
    with Server(endless) as server:
        stream = seat.stream(netfly(seat, server), record=path)
        started = stream.raw.start()
        if isinstance(seat, Asyncio):
            seat.run(started)
        assert stream.next() == "Hello"
        stream.close()
    assert [body_of(take) for take in takes_of(path)] == [EVENTS[0]]
