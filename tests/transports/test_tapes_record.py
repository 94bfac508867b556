"""Recording through both clients: what the file says, and what a stream is when its recording fails."""

from __future__ import annotations

import gzip
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from seats import Asyncio, Outcome, Seat
from servers import Peer, Server

from sansio_core import Cancelled, ChatError, ChatRequest, ConnectionLost, Exchange, InvalidRequest, Send, ServerFailed
from sansio_core.tape import Head, Piece, Reel, Take, Tape, UnsafeTape
from transports import tapes
from transports.emulator import DEFAULT_TEXT, Emulator, faults
from transports.g4f_compat import FreeNetfly

ROOT = Path(__file__).parents[2]
EVENTS = [b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text for text in (b"Hello", b", w\xc3\xb6rld")]
DONE = b"data: [DONE]\n\n"
TEXT = "Hello, wörld"


def head(status: int = 200, **fields: str) -> bytes:
    given = {"content_type": "text/event-stream", **fields}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""]).encode()


def sized(body: bytes, status: int = 200, **fields: str) -> bytes:
    return head(status, content_length=str(len(body)), **fields) + body


GOOD = sized(b"".join(EVENTS) + DONE)


def takes_of(path: Path) -> tuple[Take, ...]:
    return Tape.loads(path.read_bytes()).takes


def body_of(take: Take) -> bytes:
    return b"".join(step.data for step in take.steps if isinstance(step, Piece))


def status_of(take: Take) -> int | None:
    return next((step.status for step in take.steps if isinstance(step, Head)), None)


def ends(path: Path) -> list[tuple[int | None, str]]:
    """The status of each take, and how it ended."""
    return [(status_of(take), take.end.what) for take in takes_of(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.tape"


def openai(seat: Seat, emulator: Emulator, **settings: Any) -> Any:
    return seat.client("openai", **{"base_url": emulator.base_url("openai"), "api_key": "sk-test", **settings})


def netfly(seat: Seat, server: Server, **settings: Any) -> Any:
    return seat.client("free_netfly", base_url=f"http://127.0.0.1:{server.port}", **settings)


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
    outcome = Outcome(seat, openai(seat, emulator, timeout=0.05, retry=1), record=path)
    [take] = takes_of(path)
    assert take.end.what == "TimeoutError"
    assert take.end.attributes == {"clock": "total", "seconds": 0.05}
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


# --- every client of the process -------------------------------------------------------------------------------------


def test_every_client_is_recorded(seat: Seat, emulator: Emulator, path: Path) -> None:
    client = openai(seat, emulator)
    early = seat.stream(client)
    with tapes.record(path, redact="Ana Novak") as recorder:
        assert repr(recorder) == f"<Recorder to {path}>"
        replies = seat.many(client, 5)
        names = client.models() if not isinstance(seat, Asyncio) else seat.run(client.models())
        assert early.next()
    assert seat.complete(client)
    early.close()
    assert all(reply.text == DEFAULT_TEXT for reply in replies)
    assert [(take.method, take.end.what) for take in takes_of(path)] == [("POST", "end")] * 5 + [("GET", "end")]
    assert names[0].encode() in body_of(takes_of(path)[-1])


def test_the_four_classes_are_recorded(emulator: Emulator, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = Asyncio()
    monkeypatch.setattr(FreeNetfly, "url", emulator.base_url("free_netfly"))

    async def ask() -> str:
        answer = FreeNetfly.create_async_generator("gpt-3.5-turbo", [{"role": "user", "content": "Hello"}])
        return "".join([text async for text in answer])

    with tapes.record(path):
        assert seat.run(ask()) == DEFAULT_TEXT
    seat.end()
    assert ends(path) == [(200, "end")]


def test_a_call_within_a_block_is_recorded_to_both(seat: Seat, emulator: Emulator, tmp_path: Path) -> None:
    outer, inner, own = (tmp_path / name for name in ("outer", "inner", "own"))
    client = openai(seat, emulator)
    with tapes.record(outer):
        with tapes.record(inner):
            seat.complete(client, record=own)
        seat.complete(client, record=outer)  # it is recorded to that already
    assert [len(takes_of(path)) for path in (outer, inner, own)] == [2, 1, 1]
    assert body_of(takes_of(own)[0]) == body_of(takes_of(inner)[0]) != b""


def test_a_stream_that_is_open_at_the_end_of_the_block_is_recorded_to_its_own(
    seat: Seat, emulator: Emulator, path: Path
) -> None:
    client = openai(seat, emulator)
    with tapes.record(path):
        stream, later = seat.stream(client), seat.stream(client)
        assert stream.next()
    with pytest.raises(InvalidRequest, match=r"t\.tape is being recorded to already"), tapes.record(path):
        pass
    assert not takes_of(path)
    while stream.next() is not None or later.next() is not None:
        pass
    assert ends(path) == [(200, "end")] * 2
    with tapes.record(path):
        assert not takes_of(path)
    seat.complete(client)
    assert not takes_of(path)


def test_two_streams_at_once_share_a_file(seat: Seat, emulator: Emulator, path: Path) -> None:
    emulator.order(faults.Status(429, {"retry-after": "0"}))
    client = openai(seat, emulator)
    first, second = (seat.stream(client, record=path) for _ in range(2))
    while first.next() is not None and second.next() is not None:
        pass
    first.close()
    second.close()
    assert [status for status, _ in ends(path)] == [429, 200, 200]
    seat.complete(client, record=path)
    assert len(takes_of(path)) == 1, "nobody records to it any more: it is begun anew"


def test_a_recorder_is_for_several_calls(seat: Seat, emulator: Emulator, path: Path) -> None:
    recorder = tapes.record(path)
    client = openai(seat, emulator)
    for _ in range(2):
        seat.complete(client, record=recorder)
    assert len(takes_of(path)) == 2
    with recorder:  # a block begins the file anew
        seat.complete(client)
    assert len(takes_of(path)) == 1


_FORK = """
import asyncio, os, sys, threading
from transports import AsyncClient, Client, tapes
from transports._shared import recorder

kind, url, path = sys.argv[1:]
client = (Client if kind == "blocking" else AsyncClient)("free_netfly", base_url=url)

def ask():
    return client.complete("Hello").text if kind == "blocking" else asyncio.run(client.complete("Hello")).text

held, forked = threading.Event(), threading.Event()

def write():
    with recorder._files.lock:
        held.set()
        forked.wait()

with tapes.record(path):
    open_still = client.stream("Hello")
    if kind == "blocking":
        next(open_still)
    threading.Thread(target=write).start()
    held.wait()
    child = os.fork()
    forked.set()
    for _ in range(10):
        assert ask() == "Hello, w\u00f6rld"
    if not child:
        open_still.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    open_still.close()
"""


def program(text: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", text, *map(str, arguments)],
        capture_output=True, text=True, timeout=50, cwd=ROOT, check=False,
    )  # fmt: skip


def good(peer: Peer) -> None:
    while True:
        peer.request()
        peer.send(GOOD)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Unix alone has it")
def test_a_forked_process_records_to_the_same_file(seat: Seat, path: Path) -> None:
    with Server(good) as server:
        done = program(_FORK, seat.name, f"http://127.0.0.1:{server.port}", path)
    assert done.returncode == 0, done.stderr
    assert [status for status, _ in ends(path)] == [200] * (20 + (seat.name == "blocking"))


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_made_is_told_before_anything_is_asked(
    seat: Seat, emulator: Emulator, tmp_path: Path
) -> None:
    client = openai(seat, emulator)
    for path, error in ((tmp_path / "none" / "t.tape", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(error, match=str(path)) as raised:
            seat.complete(client, record=path)
        assert getattr(raised.value, "__notes__", []) == (
            [f"Make the folder {path.parent} first: a recording makes none."] if error is FileNotFoundError else []
        )
        with pytest.raises(error, match=str(path)), tapes.record(path):
            pass
    for bad in ("", 5, b"t.tape", "a\0b"):
        with pytest.raises(InvalidRequest, match="a tape is recorded to the path of a file, not to "):
            seat.stream(client, record=bad)
    assert not emulator.requests
    assert seat.complete(client).complete, "no block is entered"


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links of Unix")
def test_the_file_is_made_as_others_are(seat: Seat, emulator: Emulator, path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    with tapes.record(path):
        seat.complete(openai(seat, emulator), record=link)  # the same file
    assert len(takes_of(path)) == 1
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    assert link.is_symlink()


def test_a_relative_path_is_that_of_the_call(
    seat: Seat, emulator: Emulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    stream = seat.stream(openai(seat, emulator), record=path.name)
    monkeypatch.chdir("/")
    assert stream.next()
    stream.close()
    assert len(takes_of(path)) == 1


# --- a recording that fails ------------------------------------------------------------------------------------------

FULL = Path("/dev/full")
full = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")


@full
def test_a_full_disk_is_told_at_the_end(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Status(status=429, headers={"Retry-After": "0"}))
    stream = seat.stream(openai(seat, emulator), record=FULL)
    pieces: list[str] = []
    with pytest.raises(OSError, match="No space left on device: '/dev/full'") as raised:
        pieces.extend(iter(stream.next, None))
    assert "".join(pieces) == DEFAULT_TEXT
    assert stream.raw.reply.complete
    assert raised.value.__notes__ == [
        "This request is not in the tape /dev/full; the stream itself went on as ever."
    ]
    assert stream.next() is None, "once"
    stream.close()
    with pytest.raises(OSError, match="/dev/full"):
        seat.complete(openai(seat, emulator), record=FULL)


@full
def test_a_full_disk_is_told_where_a_stream_is_closed(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Stall("body", after_pieces=3))
    stream = seat.stream(openai(seat, emulator), record=FULL)
    assert stream.next()
    with pytest.raises(OSError, match="/dev/full"):
        stream.close()
    stream.close()
    with pytest.raises(Cancelled):  # the exchange has ended all the same
        stream.raw._exchange.next_action(0.0)


@full
def test_a_stream_that_fails_raises_its_own_error_with_a_note(seat: Seat, emulator: Emulator) -> None:
    for _ in range(2):
        emulator.order(faults.Status())
    client = openai(seat, emulator, retry=1)
    outcome = Outcome(seat, client, record=FULL)
    assert isinstance(outcome.error, ServerFailed)
    assert outcome.error.__notes__ == [
        "Besides, the recording failed: OSError: [Errno 28] No space left on device: '/dev/full'"
    ]
    # where nobody need have seen the note, the block raises it
    with pytest.raises(OSError, match="/dev/full"), tapes.record(FULL):
        assert isinstance(Outcome(seat, client).error, ServerFailed)


@full
def test_an_error_of_the_block_goes_before(seat: Seat, emulator: Emulator) -> None:
    client = openai(seat, emulator, retry=1)
    emulator.order(faults.Status())
    with pytest.raises(ServerFailed) as raised, tapes.record(FULL):
        seat.complete(client)
    assert len(raised.value.__notes__) == 1
    with pytest.raises(OSError, match="/dev/full") as told, tapes.record(FULL):
        seat.complete(client)
    assert len(told.value.__notes__) == 1
    with tapes.record(FULL), pytest.raises(OSError, match="/dev/full"):  # the block does not tell it again
        seat.complete(client)


@full
def test_a_cancellation_goes_before(emulator: Emulator) -> None:
    seat = Asyncio()
    client = openai(seat, emulator)

    async def within() -> None:
        async with client.stream("Hello", record=FULL) as stream:
            await anext(stream)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        seat.run(within())
    assert "/dev/full" in raised.value.__notes__[0]
    seat.end()


class Slow(tapes.Recorder):
    """A file of a network that does not answer."""

    def write(self, take: Take) -> None:
        raise TimeoutError(110, "Connection timed out", self.path)


def test_a_disk_that_times_out_is_no_clock(seat: Seat, emulator: Emulator, path: Path) -> None:
    stream = seat.stream(openai(seat, emulator), record=Slow(path))
    with pytest.raises(OSError, match="Connection timed out") as raised:
        list(iter(stream.next, None))
    assert type(raised.value) is OSError
    assert stream.raw.reply.complete


_LIMITED = """
import asyncio, os, resource, sys
from transports import AsyncClient, Client, tapes

kind, url, path = sys.argv[1:]

def ask():
    if kind == "blocking":
        return Client("free_netfly", base_url=url).complete("Hello")
    return asyncio.run(AsyncClient("free_netfly", base_url=url).complete("Hello"))

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

limit(10)  # less than the first line, which comes with the first take then
with tapes.record(path):
    limit(resource.RLIM_INFINITY)
    ask()
    limit(os.path.getsize(path) * 5 // 2)
    ask()
    try:
        ask()
    except OSError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Unix alone has limits")
def test_a_take_that_is_cut_is_taken_out_again(seat: Seat, path: Path) -> None:
    with Server(good) as server:
        done = program(_LIMITED, seat.name, f"http://127.0.0.1:{server.port}", path)
    assert done.stdout == f"[Errno 27] File too large: '{path}'\n", done.stderr
    assert ends(path) == [(200, "end")] * 2


_KILLED = """
import asyncio, sys
from transports import AsyncClient, Client, tapes

kind, url, path = sys.argv[1:]

async def ask():
    async for text in AsyncClient("free_netfly", base_url=url).stream("Hello"):
        print(text, end="", flush=True)

with tapes.record(path):
    for _ in range(3):
        if kind == "asyncio":
            asyncio.run(ask())
        else:
            for text in Client("free_netfly", base_url=url).stream("Hello"):
                print(text, end="", flush=True)
"""


def test_a_killed_process_leaves_the_takes_that_ended(seat: Seat, path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(head(), EVENTS[0])
        if server.connections == 3:
            killed.wait(10)
        peer.send(EVENTS[1] + DONE)

    killed = threading.Event()
    with Server(script) as server:
        arguments = [seat.name, f"http://127.0.0.1:{server.port}", str(path)]
        with subprocess.Popen([sys.executable, "-c", _KILLED, *arguments], cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.read(len((TEXT * 2 + "Hello").encode())).decode() == TEXT * 2 + "Hello"
            process.kill()
        killed.set()
    assert process.returncode == -signal.SIGKILL
    assert ends(path) == [(200, "end")] * 2
    assert [body_of(take) for take in takes_of(path)] == [b"".join(EVENTS) + DONE] * 2
