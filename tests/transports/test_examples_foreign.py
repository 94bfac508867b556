"""The core inside I/O of one's own, and of others: plain sockets, bare callbacks, trio, aiohttp and gevent.

trio and FastAPI come with the extra `test`, the others with `examples`: pip install -e ".[test,examples]"
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
import signal
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any

import pytest
from ports import closed_port, silent_port
from processes import complaints
from programs import EXAMPLES, command, load, run

from sansio_core import (
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    ProtocolViolation,
    RetryPolicy,
    StreamTruncated,
    TimedOut,
    Timeouts,
    providers,
)
from sansio_core.parsers import ServerSentEvent, SSEParser
from transports import AsyncClient
from transports.emulator import (
    DEFAULT_TEXT,
    Emulator,
    Interim,
    KeepAlives,
    RawResponse,
    Redirect,
    Reset,
    Stall,
    Status,
    TruncatedFraming,
)

FOREIGN = {
    "trio_chat.py": "trio",
    "aiohttp_relay.py": "aiohttp",
    "fastapi_relay.py": "fastapi",
    "gevent_chat.py": "gevent",
    "paced_httpx.py": "httpx",
    "protocol_callbacks.py": "h11",
    "pyodide_chat.py": "pyodide",  # its tests are in tests/interop
}
PROVIDERS = ["free_netfly", "chatgpt_free", "yqcloud", "acytoo"]


def needs(example: str) -> pytest.MarkDecorator:
    library = FOREIGN[example]
    missing = importlib.util.find_spec(library) is None
    return pytest.mark.skipif(missing, reason=f'{library} is not installed (pip install -e ".[examples]")')


def examples(*names: str) -> list[Any]:
    return [pytest.param(name, marks=needs(name)) for name in names]


def test_no_example_is_without_a_test() -> None:
    from test_examples import EXAMPLES as WITH_NOTHING_ELSE

    # test_examples.py, test_own_providers_clients.py, test_pytest_plugin.py
    elsewhere = ["observed.py", "own_provider.py", "tape_in_a_test.py"]
    assert sorted([*WITH_NOTHING_ELSE, *FOREIGN, *elsewhere]) == sorted(path.name for path in EXAMPLES.glob("[!_]*.py"))


# --- as programs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", examples("trio_chat.py", "protocol_callbacks.py"))
def test_a_program_that_chats(example: str) -> None:
    done = run(example)
    assert (done.returncode, done.stdout, complaints(done.stderr)) == (0, DEFAULT_TEXT + "\n", "")
    with Emulator(reply=lambda prompt: f"You said: {prompt}") as emulator:
        done = run(example, "--provider", "yqcloud", "--base-url", emulator.base_url("yqcloud"), "Grüß Gott")
        assert (done.returncode, done.stdout) == (0, "You said: Grüß Gott\n"), done.stderr
        emulator.order(Status(status=401))
        done = run(example, "--base-url", emulator.base_url("free_netfly"))
        assert (done.returncode, done.stdout) == (1, "")
        assert complaints(done.stderr) == "\nthe provider wants a key, and none was sent (status 401)\n"


@needs("paced_httpx.py")
def test_the_pacing_over_httpx() -> None:
    done = run("paced_httpx.py")
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    assert done.stdout.startswith("60 answers, at last with ")


@needs("gevent_chat.py")
def test_gevent_with_no_arguments() -> None:
    done = run("gevent_chat.py")
    assert (done.returncode, complaints(done.stderr)) == (0, "")
    assert told(done.stdout) == {"1": DEFAULT_TEXT, "2": DEFAULT_TEXT}


@needs("gevent_chat.py")
def test_many_greenlets_wait_at_once() -> None:
    """Every stream stands still in the middle at the same time, in one thread; then each goes on."""
    with Emulator(reply=lambda prompt: f"You said: {prompt}") as emulator:
        emulator.order(Stall(after_pieces=2), always=True)
        prompts = [f"prompt {number}" for number in range(20)]
        there = emulator.base_url("free_netfly")
        with subprocess.Popen(**command("gevent_chat.py", "--base-url", there, *prompts)) as process:
            emulator.wait_for(lambda e: e.held == len(prompts), timeout=40)
            assert process.stdout is not None
            early = [process.stdout.readline() for _ in range(2 * len(prompts))]  # all that came before the silence
            emulator.release()
            late, complained = process.communicate(timeout=40)
    assert (process.returncode, complaints(complained)) == (0, "")
    assert told("".join(early)) == {str(number): "You said:" for number in range(1, 21)}
    assert told("".join(early) + late) == {str(n): f"You said: {prompt}" for n, prompt in enumerate(prompts, 1)}


@needs("gevent_chat.py")
def test_gevent_tells_a_failure() -> None:
    with Emulator() as emulator:
        emulator.order(Status(status=401), always=True)
        done = run("gevent_chat.py", "--base-url", emulator.base_url("free_netfly"), "Hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert complaints(done.stderr).endswith("the provider wants a key, and none was sent (status 401)\n")


def told(output: str) -> dict[str, str]:
    """What each greenlet printed."""
    texts: dict[str, str] = {}
    for line in output.splitlines():
        number, _, chunk = line.partition(": ")
        texts[number] = texts.get(number, "") + ast.literal_eval(chunk)
    return texts


@needs("aiohttp_relay.py")
def test_the_relay_as_a_program() -> None:
    with subprocess.Popen(**command("aiohttp_relay.py", "--port", "0", "--provider", "yqcloud")) as process:
        assert process.stdout is not None
        url = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        with urllib.request.urlopen(urllib.request.Request(url, b"Hello")) as response:
            assert response.headers["content-type"] == "text/event-stream"
            text = relayed(response.read())
        process.send_signal(signal.SIGINT)
        _, complained = process.communicate(timeout=20)
    assert process.returncode == 0, complained
    assert text == [("text", DEFAULT_TEXT), ("done", "")]


def relayed(body: bytes) -> list[tuple[str, str]]:
    """The events of the relay's stream, text joined."""
    found: list[tuple[str, str]] = []
    for event in SSEParser().feed(body):
        assert isinstance(event, ServerSentEvent)
        if found and found[-1][0] == event.event:
            found[-1] = (event.event, found[-1][1] + json.loads(event.data))
        else:
            found.append((event.event, json.loads(event.data)))
    return found


# --- in this process: somebody's transports must hold what ours hold --------------------------------------------------


def over_sockets(exchange: Exchange) -> None:
    for event in load("own_io.py").stream(exchange):
        print(getattr(event, "text", ""), end="")


def over_trio(exchange: Exchange) -> None:
    import trio

    trio.run(load("trio_chat.py").chat, exchange)


def over_callbacks(exchange: Exchange) -> None:
    asyncio.run(load("protocol_callbacks.py").chat(exchange))


def over_aiohttp(exchange: Exchange) -> None:
    import aiohttp

    relay = load("aiohttp_relay.py")

    async def chat() -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            async for events in relay.stream(exchange, session):
                for event in events:
                    print(getattr(event, "text", ""), end="")

    asyncio.run(chat())


Drive = Callable[[Exchange], None]
drives = pytest.mark.parametrize(
    "drive",
    [
        pytest.param(over_sockets, id="sockets"),
        pytest.param(over_trio, marks=needs("trio_chat.py"), id="trio"),
        pytest.param(over_callbacks, id="callbacks"),
        pytest.param(over_aiohttp, marks=needs("aiohttp_relay.py"), id="aiohttp"),
    ],
)


def exchange(base_url: str, provider: str = "free_netfly", **settings: Any) -> Exchange:
    there = providers.create(provider, base_url=base_url)
    return Exchange(there, ChatRequest("Hello"), **{"retry": 1, **settings})


@drives
@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_framing(drive: Drive, provider: str, framing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator(framing=framing) as emulator:
        ours = exchange(emulator.base_url(provider), provider)
        drive(ours)
        emulator.wait_for(lambda e: e.open_connections == 0)
    assert (ours.reply.text, ours.reply.complete) == (DEFAULT_TEXT, True)
    assert capsys.readouterr().out == DEFAULT_TEXT


@drives
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Reset(before="headers"), ConnectionLost),
        (Reset(after_pieces=2), ConnectionLost),
        (TruncatedFraming(after_pieces=2), (StreamTruncated, ConnectionLost)),
        (RawResponse(b"220 mail.example ESMTP\r\n"), (StreamTruncated, ProtocolViolation, ConnectionLost)),
    ],
)
def test_a_fault(drive: Drive, fault: Any, error: Any, emulator: Emulator) -> None:
    emulator.order(fault)
    ours = exchange(emulator.base_url("free_netfly"))
    with pytest.raises(error) as caught:
        drive(ours)
    assert caught.value.reply is ours.reply
    assert not ours.reply.complete
    emulator.wait_for(lambda e: e.open_connections == 0)


@drives
@pytest.mark.parametrize(
    ("fault", "timeouts", "clock", "text"),
    [
        (Stall(where="headers"), Timeouts(first_event=0.2), "first_event", ""),
        (Stall(after_pieces=2), Timeouts(idle=0.3), "idle", "Green leaves"),
        (KeepAlives(after_pieces=2), Timeouts(progress=0.3), "progress", "Green leaves"),
        (Stall(after_pieces=2), Timeouts(total=0.4), "total", "Green leaves"),
    ],
)
def test_a_clock(drive: Drive, fault: Any, timeouts: Timeouts, clock: str, text: str, emulator: Emulator) -> None:
    def heard() -> str:
        emulator.order(fault)
        ours = exchange(emulator.base_url("free_netfly"), timeouts=timeouts)
        with pytest.raises(TimedOut) as caught:
            drive(ours)
        assert caught.value.clock == clock
        emulator.wait_for(lambda e: e.open_connections == 0)
        return ours.reply.text

    assert any(heard() == text for _ in range(20)), "on a busy machine the clock may come first, but not each time"


@drives
def test_it_tries_again_and_follows_and_passes_over_interim_responses(drive: Drive, emulator: Emulator) -> None:
    moved = emulator.base_url("free_netfly") + "/api/openai/v1/chat/completions"
    emulator.order(Status(status=503), Redirect(status=307, location=moved), Interim())
    ours = exchange(emulator.base_url("free_netfly"), retry=RetryPolicy(attempts=2, first_wait=0.05))
    drive(ours)
    assert (ours.reply.text, ours.reply.complete, ours.attempts) == (DEFAULT_TEXT, True, 2)
    assert len(emulator.requests) == 3


def test_own_io_asks_for_no_coding(emulator: Emulator) -> None:
    over_sockets(exchange(emulator.base_url("free_netfly")))
    assert emulator.requests[0].headers["accept-encoding"] == "identity"


def test_own_io_bounds_its_connecting_by_every_clock() -> None:
    with Emulator(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as emulator:
        emulator.order(Stall("headers", on="connect"))
        with pytest.raises(TimedOut, match="'total'"):
            over_sockets(exchange(emulator.base_url("free_netfly"), timeouts=Timeouts(connect=30, total=0.3)))


@drives
def test_nobody_listens(drive: Drive) -> None:
    with pytest.raises(ConnectFailed):
        drive(exchange(f"http://127.0.0.1:{closed_port()}"))


@contextmanager
def full_queue() -> Iterator[str]:
    """A listener whose queue is full: the system drops further connections' first packets."""
    with silent_port() as port:
        yield f"http://127.0.0.1:{port}"


@drives
def test_the_connect_clock(drive: Drive) -> None:
    with full_queue() as there, pytest.raises(TimedOut) as caught:
        drive(exchange(there, timeouts=Timeouts(connect=0.2)))
    assert (caught.value.clock, caught.value.seconds) == ("connect", 0.2)


# --- the relay --------------------------------------------------------------------------------------------------------


@needs("aiohttp_relay.py")
def test_a_relay_hands_on_at_once_and_leaves_with_its_caller(emulator: Emulator) -> None:
    from aiohttp import web
    from aiohttp.test_utils import TestServer

    relay = load("aiohttp_relay.py")

    async def chat() -> None:
        import aiohttp

        app = relay.application(providers.create("free_netfly", base_url=emulator.base_url("free_netfly")))
        assert isinstance(app, web.Application)
        async with TestServer(app, handler_cancellation=True) as server, aiohttp.ClientSession() as caller:
            emulator.order(Stall(after_pieces=2), Status(status=401), Reset(after_pieces=2))
            response = await caller.post(server.make_url("/"), data="Hello")
            begun = b""
            while not begun.endswith(b'leaves"\n\n'):
                begun += await response.content.readany()
            assert relayed(begun) == [("text", "Green leaves")]  # while the rest is not even sent
            response.close()
            await asyncio.to_thread(emulator.wait_for, lambda e: e.open_connections == 0)  # he left: so do we

            async with caller.post(server.make_url("/"), data="Hello") as response:
                said = "the provider wants a key, and none was sent (status 401)"
                assert relayed(await response.read()) == [("error", said)]
            async with caller.post(server.make_url("/"), data="Hello") as response:
                kinds = [kind for kind, _ in relayed(await response.read())]
            assert kinds == ["text", "error"]

    asyncio.run(chat())


@needs("fastapi_relay.py")
def test_a_fastapi_relay_hands_on_answers_and_refusals_and_leaves_with_its_caller(emulator: Emulator) -> None:
    import uvicorn

    relay = load("fastapi_relay.py")
    listener = socket.create_server(("127.0.0.1", 0))

    async def serve() -> None:
        async with AsyncClient("free_netfly", base_url=emulator.base_url("free_netfly"), retry=1) as client:
            server = uvicorn.Server(uvicorn.Config(relay.relay(client), log_level="critical"))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(server.serve([listener]))
                try:
                    await asyncio.to_thread(callers)
                finally:
                    server.should_exit = True

    @contextmanager
    def asked() -> Iterator[HTTPResponse]:
        with closing(HTTPConnection(*listener.getsockname(), timeout=20)) as connection:
            connection.request("POST", "/chat", json.dumps({"question": "Hello"}), {"content-type": "application/json"})
            with connection.getresponse() as response:
                yield response

    def callers() -> None:
        with asked() as response:
            assert (response.status, response.read().decode()) == (200, DEFAULT_TEXT)
        for status, told in {429: 429, 401: 502, 400: 400, 503: 503, 404: 502}.items():
            emulator.order(Status(status, {"retry-after-ms": "1500"}))
            with asked() as response:
                assert (response.status, response.headers["retry-after"]) == (told, "2")
                assert b"(status %d" % status in response.read()
        emulator.order(Reset(after_pieces=2), Stall(after_pieces=2))
        with asked() as response, pytest.raises(IncompleteRead):
            response.read()
        with asked() as response:
            assert response.read(12) == b"Green leaves"  # while the rest is not even sent
        emulator.wait_for(lambda e: e.open_connections == 0)  # the caller left: so does the relay

    asyncio.run(serve())
