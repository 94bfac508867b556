"""Each example runs: with no arguments against its own emulator, with --base-url against another server."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from processes import complaints
from programs import load, run

from sansio_core import (
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    ProtocolViolation,
    Reply,
    StreamTruncated,
    TimedOut,
    Timeouts,
    providers,
)
from transports.emulator import DEFAULT_TEXT, Emulator, Interim, Redirect, Reset, Stall, Status, TruncatedFraming

CHATS = ["blocking_chat.py", "asyncio_chat.py", "own_io.py", "parser_only.py"]
EXAMPLES = [*CHATS, "tool_use.py"]  # with what every installation has; test_examples_foreign.py has the others
PROVIDERS = ["free_netfly", "chatgpt_free", "yqcloud", "acytoo"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_with_no_arguments(example: str) -> None:
    done = run(example)
    assert done.returncode == 0, done.stderr
    assert done.stdout == DEFAULT_TEXT + "\n" if example in CHATS else done.stdout


@pytest.mark.parametrize("example", CHATS)
def test_against_a_host(example: str) -> None:
    with Emulator(reply=lambda prompt: f"You said: {prompt}") as emulator:
        done = run(example, "--provider", "yqcloud", "--base-url", emulator.base_url("yqcloud"), "Grüß Gott")
        assert (done.returncode, done.stdout) == (0, "You said: Grüß Gott\n"), done.stderr
        emulator.wait_for(lambda e: e.open_connections == 0)


@pytest.mark.parametrize("provider", ["openai", "openai_responses", "anthropic", "gemini", "ollama"])
def test_tool_use(provider: str) -> None:
    calls = [("temperature", {"city": "Oslo"}), ("temperature", {"town": "Oslo"}), ("humidity", {})]
    with Emulator(tool_calls=calls, reasoning="Hm.", reply="No.") as emulator:
        key = {providers.info(provider).api_key_env or "NONE": "any"}
        arguments = ["--provider", provider, "--base-url", emulator.base_url(provider), "Cold?"]
        done = run("tool_use.py", *arguments, **key)
        emulator.wait_for(lambda e: e.open_connections == 0)
    assert done.returncode == 0, done.stderr
    asked = ['[temperature {"city": "Oslo"}]', '[temperature {"town": "Oslo"}]', "[humidity ]"]
    assert done.stdout.replace("{}", "").splitlines() == [*asked, "No."]
    sent = emulator.requests[1].body.decode().replace("\\", "")
    assert '{"city":"Oslo","celsius":17}' in sent
    assert "This call failed: TypeError" in sent
    assert "This call failed: KeyError" in sent


@pytest.mark.parametrize("example", ["blocking_chat.py", "asyncio_chat.py", "own_io.py"])
def test_a_failure_is_told(example: str) -> None:
    with Emulator() as emulator:
        emulator.order(Status(status=401))
        done = run(example, "--base-url", emulator.base_url("free_netfly"))
    assert (done.returncode, done.stdout) == (1, "")
    assert complaints(done.stderr) == "\nthe provider wants a key, and none was sent (status 401)\n"


def test_own_io_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Emulator(ssl_context=context) as emulator:
        arguments = ["--provider", "chatgpt_free", "--base-url", emulator.base_url("chatgpt_free")]
        done = run("own_io.py", *arguments, SSL_CERT_FILE=str(tmp_path / "ca.pem"))
        assert (done.returncode, done.stdout) == (0, DEFAULT_TEXT + "\n"), done.stderr
        assert run("own_io.py", *arguments).returncode == 1  # nobody vouches for it


def test_parser_only_with_a_recording(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b'data: {"choices":[{"delta":{"content":"Gr\xc3\xbc\xc3\x9f Gott"}}]}\n\n')
    done = run("parser_only.py", "--body", str(body))
    assert (done.returncode, done.stdout) == (1, "Grüß Gott")
    assert done.stderr.endswith("the answer stopped before its end marker\n")
    body.write_bytes(body.read_bytes() + b"data: [DONE]\n\n")
    done = run("parser_only.py", "--body", str(body))
    assert (done.returncode, done.stdout) == (0, "Grüß Gott\n")


# --- own_io is somebody's transport, so it must hold what ours hold --------------------------------------------------


@pytest.fixture(scope="module")
def own_io() -> Any:
    return load("own_io.py")


def exchange(emulator: Emulator, provider: str = "free_netfly", **settings: Any) -> Exchange:
    there = providers.create(provider, base_url=emulator.base_url(provider))
    return Exchange(there, ChatRequest("Hello"), **{"retry": 1, **settings})


@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_own_io(provider: str, framing: Any, own_io: Any) -> None:
    with Emulator(framing=framing) as emulator:
        reply = Reply.of(own_io.stream(exchange(emulator, provider)))
    assert (reply.text, reply.complete) == (DEFAULT_TEXT, True)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Reset(before="headers"), ConnectionLost),
        (Reset(after_pieces=2), ConnectionLost),
        (TruncatedFraming(), StreamTruncated),
        (Stall(where="headers"), TimedOut),
        (Stall(after_pieces=2), TimedOut),
    ],
)
def test_own_io_fails_as_it_should(fault: Any, error: type[Exception], emulator: Emulator, own_io: Any) -> None:
    emulator.order(fault)
    with pytest.raises(error):
        list(own_io.stream(exchange(emulator, timeouts=Timeouts(total=0.3 if isinstance(fault, Stall) else 30))))
    emulator.wait_for(lambda e: e.open_connections == 0)


def test_own_io_tries_again_and_follows(emulator: Emulator, own_io: Any) -> None:
    moved = emulator.base_url("free_netfly") + "/api/openai/v1/chat/completions"
    emulator.order(Status(status=503, headers={"Retry-After": "0"}), Redirect(status=307, location=moved), Interim())
    reply = Reply.of(own_io.stream(exchange(emulator, retry=2)))
    assert (reply.text, reply.complete) == (DEFAULT_TEXT, True)
    assert len(emulator.requests) == 3


def test_own_io_bounds_its_connecting_by_every_clock(own_io: Any) -> None:
    with Emulator(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as emulator:
        emulator.order(Stall("headers", on="connect"))
        with pytest.raises(TimedOut, match="'total'"):
            list(own_io.stream(exchange(emulator, timeouts=Timeouts(connect=30, total=0.3))))


def test_own_io_that_cannot_connect(own_io: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    there = providers.create("free_netfly", base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(ConnectFailed):
        list(own_io.stream(Exchange(there, ChatRequest("Hello"), retry=1)))


def test_own_io_asks_for_no_coding(emulator: Emulator, own_io: Any) -> None:
    list(own_io.stream(exchange(emulator)))
    assert emulator.requests[0].headers["accept-encoding"] == "identity"


def test_own_io_against_no_http(own_io: Any) -> None:
    from transports.emulator import RawResponse

    with Emulator() as emulator:
        emulator.order(RawResponse(b"220 mail.example ESMTP\r\n"))
        with pytest.raises((StreamTruncated, ProtocolViolation)):
            list(own_io.stream(exchange(emulator)))
