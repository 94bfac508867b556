"""The emulator against plain sockets, with h11 as the judge of HTTP: what it answers, refuses, records and leaves."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import re
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import h11
import pytest
from emulator_caller import MESSAGES, PROVIDERS, TEXT, Caller, question
from processes import complaints

from transports import emulator as emulation
from transports.emulator import DEFAULT_TEXT, Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(reply=TEXT) as running:
        yield running


@pytest.fixture
def caller(emulator: Emulator) -> Iterator[Caller]:
    with Caller(emulator) as caller:
        yield caller


# --- the right answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_good_request_is_answered_and_recorded(emulator: Emulator, caller: Caller, provider: str) -> None:
    answer = caller.ask(emulator, provider)
    assert (answer.status, answer.text, answer.ended) == (200, TEXT, True)
    record = emulator.requests[-1]
    assert (record.system, record.method, record.base) == (provider, "POST", emulator.base_url(provider))
    assert (
        record.path
        == {
            "free_netfly": "/api/openai/v1/chat/completions",
            "chatgpt_free": "/wp-admin/admin-ajax.php",
            "yqcloud": "/api/generateStream",
            "acytoo": "/api/completions",
        }[provider]
    )
    if provider == "chatgpt_free":
        assert [(r.method, r.path) for r in emulator.requests] == [("GET", "/"), ("POST", record.path)]
        assert record.form is not None
        assert record.form["message"] == "Hi"
        assert record.json is None
        assert record.cookies["wp_lang"] == "en"
    else:
        assert record.json == json.loads(record.body)
        assert record.form is None
    assert record.headers["accept"] == dict(record.raw_headers)["accept"]


@pytest.mark.parametrize(("size", "pieces"), [(None, ["one ", "two\n", "three"]), (5, ["one t", "wo\nth", "ree"])])
def test_pieces_are_words_or_as_long_as_asked_and_one_chunk_each(size: int | None, pieces: list[str]) -> None:
    with Emulator(reply="one two\nthree", chunk_size=size) as emulator, Caller(emulator) as caller:
        assert [c.decode().strip() for c in caller.ask(emulator, "yqcloud").chunks] == [p.strip() for p in pieces]


def test_a_reply_may_depend_on_the_prompt() -> None:
    history = [{"role": "system", "content": [{"type": "text", "text": "Be"}]}, *MESSAGES]
    with Emulator(reply=str.upper) as emulator, Caller(emulator) as caller:
        assert caller.ask(emulator, "acytoo", fields={"messages": history}).text == "SYSTEM: BE\nUSER: HI\nASSISTANT:"


def test_what_goes_wrong_in_a_reply_is_raised_by_stop() -> None:
    emulator = Emulator(reply={"Ho": "Hum"}.__getitem__)
    emulator.start()
    with Caller(emulator) as caller:
        assert caller.ask(emulator, "acytoo").status == 0
    with pytest.raises(KeyError, match="Hi"):
        emulator.stop()


def test_what_was_served_is_told() -> None:
    served: list[emulation.Served] = []
    faults = [None, emulation.Reset(before="headers"), emulation.RawResponse(b"??"), emulation.Stall(after_pieces=1)]
    with Emulator(reply="one two", faults=faults, on_request=served.append) as emulator:
        for _ in faults[:3]:
            with Caller(emulator) as caller:
                caller.ask(emulator, "acytoo")
        with Caller(emulator) as caller:
            caller.send(*question(emulator, "acytoo"))
            emulator.wait_for(lambda e: e.held == 1)
        emulator.wait_for(lambda e: e.open_connections == 0)
        with Caller(emulator) as caller:
            caller.ask(emulator, "acytoo", method="GET")
    assert [told.request for told in served] == emulator.requests
    assert [(told.status, told.end) for told in served] == [
        (200, "complete"), (None, "reset"), (None, "complete"), (200, "gone"), (404, "complete"),
    ]  # fmt: skip
    assert [told.sent for told in served][1:3] == [0, 2]
    assert all(told.sent > 50 for told in (served[0], *served[3:]))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
def test_the_first_piece_is_readable_before_the_last_is_written(framing: Any, compressed: bool) -> None:
    with Emulator(reply=TEXT, framing=framing, gzip=compressed) as emulator, Caller(emulator) as caller:
        emulator.order(emulation.Stall(after_pieces=1))
        caller.send(*question(emulator, "yqcloud", headers={"accept-encoding": "gzip"}))
        decoder = zlib.decompressobj(31) if compressed else None
        text, kinds = b"", []
        for event in caller.events():
            kinds.append(type(event))
            if isinstance(event, h11.Data):
                text += decoder.decompress(event.data) if decoder else event.data
                if text == b"Hello,":
                    emulator.wait_for(lambda e: e.held == 1)
                    emulator.release()
        assert text.decode() == TEXT
        assert kinds[-1] is h11.EndOfMessage


def test_pace_waits_between_pieces() -> None:
    with Emulator(reply="a b c", pace=0.02) as emulator, Caller(emulator) as caller:
        start = asyncio.new_event_loop()
        began = start.time()
        assert caller.ask(emulator, "acytoo").text == "a b c"
        assert start.time() - began >= 0.04
        start.close()


# --- what is refused -------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    *((provider, {"method": "PUT"}, 404, "PUT") for provider in PROVIDERS),
    *((provider, {"path": "/elsewhere"}, 404, "/elsewhere") for provider in PROVIDERS),
    *((provider, {"headers": {"content-type": "text/plain"}}, 400, "") for provider in PROVIDERS),
    *((provider, {"without": "accept"}, 400, "'accept' is missing") for provider in PROVIDERS),
    ("free_netfly", {"headers": {"origin": "https://free.netfly.top"}}, 400, "'origin' must be"),
    ("free_netfly", {"without": "dnt"}, 400, "'dnt' is missing"),
    ("free_netfly", {"without": "top_p"}, 422, "'top_p' is missing"),
    ("free_netfly", {"fields": {"stream": 1}}, 422, "'stream' has a value of the wrong kind"),
    ("free_netfly", {"fields": {"temperature": True}}, 422, "'temperature'"),
    ("free_netfly", {"fields": {"model": "gpt-5"}}, 404, "gpt-5"),
    ("free_netfly", {"fields": {"messages": []}}, 422, "at least one"),
    ("free_netfly", {"fields": {"messages": [{"role": "me", "content": ""}]}}, 422, "messages[0] needs a role"),
    ("free_netfly", {"fields": {"messages": [{"role": "user", "content": [1]}]}}, 422, "messages[0] needs content"),
    ("yqcloud", {"headers": {"referer": "https://x/"}}, 400, "'referer' must be"),
    ("yqcloud", {"without": "withoutContext"}, 422, "'withoutContext' is missing"),
    ("yqcloud", {"fields": {"prompt": ""}}, 422, "'prompt' is empty"),
    ("acytoo", {"without": "password"}, 422, "'password' is missing"),
    ("acytoo", {"fields": {"model": "gpt-4"}}, 422, "gpt-4"),
    ("chatgpt_free", {"without": "authority"}, 400, "'authority' is missing"),
    ("chatgpt_free", {"without": "bot_id"}, 400, "'bot_id' is missing"),
    ("chatgpt_free", {"fields": {"url": "https://chatgptfree.ai"}}, 400, "'url' must be"),
    ("chatgpt_free", {"fields": {"_wpnonce": "0123456789"}}, 403, "nonce"),
    ("chatgpt_free", {"fields": {"post_id": "1"}}, 403, "post_id"),
    ("chatgpt_free", {"cookie": "wp_lang=en"}, 403, "cookies"),
]


@pytest.mark.parametrize(("provider", "changes", "status", "words"), REFUSED)
def test_a_wrong_request_is_refused_in_words(
    emulator: Emulator, caller: Caller, provider: str, changes: dict[str, Any], status: int, words: str
) -> None:
    emulator.order(emulation.Status(503))
    answer = caller.ask(emulator, provider, **changes)
    assert (answer.status, answer.header("content-type")) == (status, "application/json")
    said = json.loads(answer.body)
    assert words in (said["msg"] if provider == "chatgpt_free" else said["error"]["message"])
    assert caller.ask(emulator, provider).status == 503  # the fault waited for a good request


def test_other_systems_pages_bodies_and_http_are_refused(emulator: Emulator, caller: Caller) -> None:
    method, target, headers, _ = question(emulator, "acytoo")
    caller.send(method, target, headers, b"[1]")
    assert b"not a JSON object" in caller.receive().body
    caller.send("GET", "/nobody/x?y=1", headers, b"")
    assert caller.receive().status == 404
    assert (emulator.requests[-1].path, emulator.requests[-1].query) == ("/x", "y=1")
    assert caller.page(emulator, accept="text/html").status == 400
    assert emulator.connections == 1
    caller.socket.sendall(b"NONSENSE\r\n\r\n")
    assert caller.socket.recv(12) == b"HTTP/1.1 400"


def test_the_page_escapes_and_reorders_its_attributes(emulator: Emulator, caller: Caller) -> None:
    pages = [caller.page(emulator).body.decode() for _ in range(2)]
    assert [page.index("data-nonce") < page.index("data-post-id") for page in pages] == [False, True]
    assert all(re.search('data-nonce="&#x[0-9a-f]+;', page) for page in pages)


# --- connections and life --------------------------------------------------------------------------------------------


def test_connections_are_kept_alive_and_counted(emulator: Emulator, caller: Caller) -> None:
    assert [caller.ask(emulator, "acytoo").text for _ in range(3)] == [TEXT] * 3
    assert (emulator.connections, emulator.open_connections) == (1, 1)
    assert caller.ask(emulator, "acytoo", headers={"connection": "close"}).header("connection") == "close"
    assert caller.socket.recv(1) == b""
    emulator.wait_for(lambda e: e.open_connections == 0)
    assert {record.connection for record in emulator.requests} == {1}


def test_pipelined_absolute_and_expectant_requests(emulator: Emulator, caller: Caller) -> None:
    method, target, headers, body = question(emulator, "acytoo", headers={"expect": "100-continue"})
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"{method} http://elsewhere{target} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode()
    caller.socket.sendall(request)
    assert caller.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.socket.sendall(body + request + body)
    seen = b""
    while seen.count(b"0\r\n\r\n") < 2:
        seen += caller.socket.recv(65536)
    assert seen.count(b"HTTP/1.1 200 OK") == 2


def test_http_1_0_gets_no_chunks(emulator: Emulator, caller: Caller) -> None:
    method, target, headers, body = question(emulator, "acytoo")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    caller.socket.sendall(f"{method} {target} HTTP/1.0\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    answer = b"".join(iter(lambda: caller.socket.recv(65536), b""))
    assert answer.partition(b"\r\n\r\n")[2].decode() == TEXT
    caller.close()
    with Caller(emulator) as other:
        assert other.ask(emulator, "acytoo", method="HEAD").status == 404
        assert emulator.requests[-1].version == "1.1"


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="framing must be one of"):
        Emulator(framing="none")  # type: ignore[arg-type]  # that is the test
    with pytest.raises(ValueError, match="chunk_size must be at least 1"):
        Emulator(chunk_size=0)
    with Emulator(host="::1") as emulator:
        assert emulator.base_url("acytoo") == f"http://[::1]:{emulator.port}/acytoo"
        assert emulator.providers[:4] == PROVIDERS
        with pytest.raises(ValueError, match="does not speak 'x'; it speaks: free_netfly"):
            emulator.base_url("x")


def test_the_usual_reply_has_characters_of_every_length() -> None:
    assert {len(character.encode()) for character in DEFAULT_TEXT} == {1, 2, 3, 4}
    with Emulator() as emulator, Caller(emulator) as caller:
        assert caller.ask(emulator, "chatgpt_free").text == DEFAULT_TEXT


def test_a_slow_reader_gets_all_and_no_more_than_it_takes() -> None:
    text = "x" * (16 << 20)
    with Emulator(reply=text, chunk_size=1 << 20) as emulator, Caller(emulator) as caller:
        caller.send(*question(emulator, "acytoo"))
        emulator.wait_for(lambda e: len(e.requests) == 1)
        assert caller.receive().text == text


def test_a_client_that_leaves_ends_its_handler(emulator: Emulator) -> None:
    emulator.order(emulation.Stall("headers"), emulation.KeepAlives(), emulation.Hang())
    callers = [Caller(emulator) for _ in range(3)]
    for caller in callers:
        caller.send(*question(emulator, "free_netfly"))
    emulator.wait_for(lambda e: len(e.requests) == 3 and e.held == 2)
    for caller in callers:
        caller.close()
    emulator.wait_for(lambda e: e.open_connections == 0 and e.held == 0)


def test_stop_leaves_no_thread_and_no_socket() -> None:
    threads = threading.enumerate()
    emulator = Emulator(reply=TEXT, faults=[emulation.Stall()])
    with pytest.raises(RuntimeError, match="not started"):
        emulator.base_url("acytoo")
    emulator.start()
    with pytest.raises(RuntimeError, match="already running"):
        emulator.start()
    with Caller(emulator) as caller:
        caller.send(*question(emulator, "acytoo"))
        emulator.wait_for(lambda e: e.held == 1)
        emulator.stop()
        emulator.stop()
        assert threading.enumerate() == threads
        answer = caller.receive()
        assert (answer.status, answer.ended) == (200, False)
    with pytest.raises(ConnectionRefusedError):
        Caller(emulator)
    with pytest.raises(TimeoutError):
        emulator.wait_for(lambda e: e.held == 1, timeout=0)
    with Emulator() as taken, pytest.raises(OSError, match="in use"), Emulator(port=taken.port):
        pass
    assert threading.enumerate() == threads


def test_a_connection_that_comes_as_it_stops_is_closed() -> None:
    """None is left open, which a ResourceWarning would tell."""
    for _ in range(20):
        with Emulator() as emulator:
            late = socket.create_connection(("127.0.0.1", emulator.port), timeout=10)
        with late, contextlib.suppress(ConnectionError):
            assert late.recv(1) == b""
    gc.collect()


def test_nothing_is_left_unclosed_in_development_mode() -> None:
    script = """
import socket, ssl, trustme
from transports.emulator import *
ca = trustme.CA()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ca.issue_cert("localhost").configure_cert(context)
for options in ({}, {"ssl_context": context}):
    with Emulator(**options) as emulator:
        emulator.order(Hang(on="connect"))
        sockets = [socket.create_connection(("127.0.0.1", emulator.port)) for _ in range(4)]
        sockets[1].sendall(b"GET /half HTTP/1.1\\r\\n")
        sockets[2].sendall(b"\\x16\\x03\\x01")
        emulator.wait_for(lambda e: e.connections == 4 and e.held == 1)
    for each in sockets:
        each.close()
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, complaints(done.stderr)) == (0, "")


def test_in_a_running_loop_and_under_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def exchange() -> bytes:
        emulator = Emulator(reply=TEXT)
        async with emulator:
            reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
            method, target, headers, body = question(emulator, "acytoo", headers={"connection": "close"})
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"{method} {target} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            idle, left = await asyncio.open_connection("127.0.0.1", emulator.port)
            await asyncio.to_thread(emulator.wait_for, lambda e: e.connections == 2)
            with pytest.raises(RuntimeError, match="already running"):
                await emulator.serve()
        assert emulator.open_connections == 0
        assert await idle.read() == b""
        left.close()
        serving = asyncio.create_task(emulator.serve())
        await asyncio.to_thread(emulator.wait_for, lambda e: e.running)
        emulator.stop()
        await serving
        return answer

    with asyncio.Runner() as plain, asyncio.Runner(loop_factory=uvloop.new_event_loop) as quick:
        for runner in (plain, quick):
            assert runner.run(exchange()).endswith(b"\r\n0\r\n\r\n")
