"""Each example runs: with no arguments against its own emulator, with --base-url against another server."""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path

import pytest
import trustme
from processes import complaints
from programs import run

from sansio_core import (
    providers,
)
from transports.emulator import DEFAULT_TEXT, Emulator, Status

CHATS = ["blocking_chat.py", "asyncio_chat.py", "own_io.py", "parser_only.py"]
TWICE = {
    "unix_socket.py": "Hello from a socket file, 127.0.0.1:11434.",
    "in_memory.py": "Hello from memory.",
}
"""What both clients print."""
EXAMPLES = [*CHATS, *TWICE, "tool_use.py"]  # with what every installation has; test_examples_foreign.py has the others


@pytest.mark.parametrize("example", EXAMPLES)
def test_with_no_arguments(example: str) -> None:
    done = run(example)
    assert done.returncode == 0, done.stderr
    assert done.stdout == DEFAULT_TEXT + "\n" if example in CHATS else done.stdout
    if example in TWICE:
        assert done.stdout.splitlines() == [TWICE[example]] * 2


@pytest.mark.parametrize("example", CHATS)
def test_against_a_host(example: str) -> None:
    with Emulator(reply=lambda prompt: f"You said: {prompt}") as emulator:
        done = run(example, "--provider", "yqcloud", "--base-url", emulator.base_url("yqcloud"), "Grüß Gott")
        assert (done.returncode, done.stdout) == (0, "You said: Grüß Gott\n"), done.stderr
        emulator.wait_for(lambda e: e.open_connections == 0)


@pytest.mark.parametrize("example", ["blocking_chat.py", "asyncio_chat.py"])
def test_a_conversation(example: str) -> None:
    with Emulator(reply=lambda prompt: f"You said: {prompt}") as emulator:
        done = run(example, "--base-url", emulator.base_url("free_netfly"), "Hello", "Again")
    history = "User: Hello\nAssistant: You said: Hello\nUser: Again\nAssistant:"  # as this host takes it
    assert done.stdout == f"You said: Hello\nYou said: {history}\n", done.stderr


def test_observed() -> None:
    done = run("observed.py")
    assert done.returncode == 0, done.stderr
    told, _, span = re.sub(r"\d+\.\d s", "T s", done.stdout).partition("{")
    assert re.sub(r"\d+ tokens read, \d+ written", "N", told).splitlines() == [
        "attempt 1 of 3: ServerFailed, again in T s", "first text after T s", "N",
        f"complete after T s: {len(DEFAULT_TEXT)} characters",
    ]  # fmt: skip
    assert json.loads("{" + span)["attributes"]["gen_ai.provider.name"] == "ollama"


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
    assert "the arguments of 'temperature' do not fit: it has no parameter 'town'" in sent
    assert "no tool 'humidity'; there are temperature" in sent
    assert sent.count('"is_error":true') + sent.count('"error":"') + sent.count("Error: ") == 2
    assert complaints(done.stderr) == ""


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
