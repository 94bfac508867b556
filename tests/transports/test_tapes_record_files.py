"""Recording through both clients: which streams are recorded to which file, and what a stream is where that fails."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from recorded import DONE, EVENTS, TEXT, body_of, ends, good, head, openai, takes_of
from seats import Asyncio, Outcome, Seat
from servers import Peer, Server

from sansio_core import Cancelled, InvalidRequest, ServerFailed
from sansio_core.tape import Take
from transports import tapes
from transports.emulator import DEFAULT_TEXT, Emulator, faults
from transports.g4f_compat import FreeNetfly

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.tape"


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused(path: Path) -> None:
    """To open it takes a reader, without whom a stream would never end."""
    os.mkfifo(path)
    with pytest.raises(InvalidRequest, match="is a pipe"):
        tapes.record(path)


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
