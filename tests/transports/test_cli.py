"""The command, mostly called as a function; as a process where signals, pipes and start-up matter."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ports import closed_port
from processes import complaints, until_it_waits

from sansio_core import LimitExceeded, TimedOut, providers
from transports import Client
from transports.cli import main
from transports.cli.exit import SPELLED, message_of
from transports.emulator import (
    DEFAULT_TEXT,
    Ban,
    Emulator,
    Fault,
    HTMLAnswer,
    InBandError,
    JSONAnswer,
    MissingEnd,
    Reset,
    Stall,
    Status,
    TruncatedFraming,
)

ROOT = Path(__file__).parents[2]
PROVIDERS = ["free_netfly", "chatgpt_free", "yqcloud", "acytoo"]
Capture = pytest.CaptureFixture[str]

SSE = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Gr\xc3\xbc\xc3\x9f"},"finish_reason":null}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":" Gott"},"finish_reason":null}]}\n\n'
)
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def ask(emulator: Emulator, *arguments: str, provider: str = "free_netfly") -> int:
    return main(["ask", "-p", provider, "--base-url", emulator.base_url(provider), "--retry", "1", *arguments])


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def said(capsys: Capture) -> tuple[str, list[str]]:
    """Standard output, and the messages on standard error, each of which is plain."""
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert all(line.startswith("sansio-chat: ") for line in lines)
    return out, [line.removeprefix("sansio-chat: ") for line in lines]


# --- ask -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [[], ["--async"]], ids=["blocking", "asyncio"])
@pytest.mark.parametrize("provider", providers.names())
def test_ask_emulated(provider: str, client: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # no proxy stands between us and our own emulator
    monkeypatch.setenv("no_proxy", "chat.example")
    assert main(["ask", "-p", provider, "--emulate", *client, "Hello"]) == 0
    assert said(capsys) == (DEFAULT_TEXT, [])
    assert os.environ["no_proxy"] == "chat.example"


@pytest.mark.parametrize("client", [[], ["--async"]], ids=["blocking", "asyncio"])
def test_ask_with_files(client: list[str], emulator: Emulator, capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A")
    (tmp_path / "b.csv").write_text("B")
    files = ["--file", str(tmp_path / "a.txt"), "--file", str(tmp_path / "b.csv")]
    assert ask(emulator, *files, *client, "What is it?", provider="ollama") == 0
    assert said(capsys) == (DEFAULT_TEXT, [])
    assert emulator.requests[-1].json["messages"][0]["content"] == "a.txt:\nA\n\nb.csv:\nB\n\nWhat is it?"
    gone = str(tmp_path / "gone.txt")
    assert ask(emulator, "--file", gone, *client, "What is it?", provider="ollama") == 1
    assert said(capsys) == ("", [f"{gone}: No such file or directory"])


def test_ask_needs_no_provider_with_the_emulator(capsys: Capture) -> None:
    assert main(["ask", "--emulate", "Hello"]) == 0
    assert said(capsys) == (DEFAULT_TEXT, [])


def test_a_host_alone_is_taken_for_a_compatible_one(capsys: Capture) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        assert main(["ask", "--base-url", f"http://127.0.0.1:{server.server_port}", "Hi"]) == 5
        server.shutdown()
        thread.join()
    assert Echo.paths.pop() == "/v1/chat/completions"
    assert said(capsys)[0] == ""


def test_a_newline_ends_the_text(capsys: Capture) -> None:
    with Emulator(reply="Hello") as emulator:
        assert ask(emulator, "Hi") == 0
    assert said(capsys) == ("Hello\n", [])


def test_events(emulator: Emulator, capsys: Capture) -> None:
    assert ask(emulator, "--events", "Hi") == 0
    out, messages = said(capsys)
    events = [json.loads(line) for line in out.splitlines()]
    assert events[0]["type"] == "Started"
    assert "".join(event["text"] for event in events if event["type"] == "TextDelta") == DEFAULT_TEXT
    assert events[-1] == {"type": "Finished", "reason": "stop", "provider_reason": "stop", "choice": 0}
    assert "山" in out
    assert messages == []


def test_json(emulator: Emulator, capsys: Capture) -> None:
    emulator.order(JSONAnswer())
    assert ask(emulator, "--json", "Hi") == 0
    out, messages = said(capsys)
    reply = json.loads(out)
    usage = reply.pop("usage")
    assert usage["total"] == usage["input"] + usage["output"] == usage["raw"]["total_tokens"]
    assert usage["output_tokens"] == usage["raw"]["completion_tokens"]
    assert isinstance(reply.pop("metadata"), dict)
    assert reply.pop("elapsed") > 0
    assert reply == {
        "text": DEFAULT_TEXT,
        "reasoning": "",
        "refusal": None,
        "tool_calls": [],
        "finished": True,
        "finish_reason": "stop",
        "provider_reason": "stop",
        "model": "gpt-3.5-turbo",
        "id": "chatcmpl-emulated",
        "request_id": "req-emulated",
        "headers": {},
        "attempts": 1,
        "annotations": [],
        "native": None,
        "other_choices": [],
        "failed": False,
        "complete": True,
        "error": None,
    }
    assert out.count("\n") == 1
    assert messages == []


def test_what_is_asked(emulator: Emulator, capsys: Capture) -> None:
    options = ["--option", "temperature=0.25", "--option", 'stop=["A", "B"]', "--option", "user=me"]
    assert ask(emulator, "-m", "gpt-4", "--system", "Be brief.", *options, "Grüß Gott") == 0
    body = emulator.requests[0].json
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüß Gott"}]
    assert (body["model"], body["temperature"], body["stop"], body["user"]) == ("gpt-4", 0.25, ["A", "B"], "me")
    assert said(capsys)[1] == []


@pytest.mark.parametrize("typed", ["Grüß Gott\n", "\ufeffGrüß Gott\r\n", "Grüß Gott"])
def test_the_prompt_from_standard_input(typed: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, typed.encode())
    assert ask(emulator, "-") == 0
    assert emulator.requests[0].json["messages"] == [{"role": "user", "content": "Grüß Gott"}]


def test_a_proxy(emulator: Emulator, capsys: Capture) -> None:
    proxy = f"http://user:hunter22@127.0.0.1:{emulator.port}"
    url = "http://chat.example/acytoo"
    assert main(["ask", "-p", "acytoo", "--base-url", url, "--proxy", proxy, "Hi"]) == 0
    assert emulator.requests[0].headers["host"] == "chat.example"
    assert said(capsys) == (DEFAULT_TEXT, [])


def test_options_that_are_not_sent_are_told(emulator: Emulator, capsys: Capture) -> None:
    assert ask(emulator, "--option", "temperature=1", "Hi", provider="yqcloud") == 0
    assert said(capsys) == (DEFAULT_TEXT, ["warning: yqcloud does not take temperature: not sent"])


# --- how it ends -----------------------------------------------------------------------------------------------------

OVERLOADED = b'{"error": {"message": "Come back later."}}'
FAULTS: list[tuple[str, Fault, int, str, str]] = [
    ("free_netfly", Status(status=401), 5, "", "the provider wants a key, and none was sent (status 401)"),
    ("free_netfly", Status(status=503, body=OVERLOADED), 5, "", "the provider failed (status 503): Come back later."),
    ("free_netfly", InBandError(after_pieces=2), 5, "Green leaves\n", "the provider failed (in its stream): "),
    ("yqcloud", Ban(after_pieces=0), 5, "", "the provider has blocked this network address: sorry, "),
    ("free_netfly", MissingEnd(), 6, DEFAULT_TEXT, "the answer stopped before its end marker"),
    ("acytoo", TruncatedFraming(after_pieces=1, inside=False), 6, "Green\n", ""),
    ("free_netfly", Reset(after_pieces=2), 3, "Green leaves\n", ""),
    ("free_netfly", Reset(before="headers"), 3, "", ""),
    ("free_netfly", HTMLAnswer(), 7, "", "an HTML page came in place of an answer"),
    ("free_netfly", Stall(after_pieces=2), 4, "Green leaves\n", "the whole answer was not in within 0.4 s (see "),
]


@pytest.mark.parametrize("output", [[], ["--events"], ["--json"]], ids=["text", "events", "json"])
@pytest.mark.parametrize(("provider", "fault", "code", "text", "message"), FAULTS, ids=lambda it: type(it).__name__)
def test_failures(
    provider: str,
    fault: Fault,
    code: int,
    text: str,
    message: str,
    output: list[str],
    emulator: Emulator,
    capsys: Capture,
) -> None:
    stalls = isinstance(fault, Stall)
    for _ in range(20 if stalls else 1):
        emulator.order(fault)
        assert ask(emulator, *output, *(["--timeout", "0.4"] if stalls else []), "Hi", provider=provider) == code
        out, messages = said(capsys)
        assert messages[0].startswith(message)
        if len(messages) > 1:  # on a busy machine the clock may come before the text, but not each time
            break
    assert messages[1:] == (["the answer is incomplete"] if text else [])
    if output == ["--json"]:
        reply = json.loads(out)
        assert reply["text"].strip("\n") == text.strip("\n")
        assert reply["complete"] is False
        assert reply["error"]["message"] == messages[0]
    elif output == ["--events"]:
        events = [json.loads(line) for line in out.splitlines()]
        said_text = "".join(event["text"] for event in events if event["type"] == "TextDelta")
        assert said_text.strip("\n") == text.strip("\n")
        assert events[-1]["type"] == "Failed"
        assert events[-1]["error"]["message"] == messages[0]
    else:
        assert out == text


def test_nobody_there(capsys: Capture) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    assert main(["ask", "-p", "acytoo", "--base-url", url, "Hi"]) == 3
    out, messages = said(capsys)
    assert out == ""
    assert "refused" in messages[0]


def test_an_endpoint_known_not_to_work_is_told_so(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    assert main(["ask", "-p", "acytoo", "Hi"]) == 3
    assert said(capsys)[1][-1].endswith("not to work: give --base-url for another host, or --emulate)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Hi"], "choose a provider with -p NAME (`sansio-chat providers` lists them), or for good with `"),
        (["-p", "nobody", "Hi"], "there is no provider 'nobody'; known are free_netfly, "),
        (["-p", "opnai", "Hi"], "there is no provider 'opnai' (did you mean 'openai'?); known are free_netfly, "),
        (["--emulate", "--option", "timeouts=3", "Hi"], "free_netfly does not know the option 'timeouts' (did you"),
        (["--emulate", ""], "the prompt is empty"),
        (["--emulate", "-m", "gpt-99", "Hi"], "free_netfly has no model 'gpt-99'; known are "),
        (["--emulate", "--option", "temperature", "Hi"], "--option takes NAME=VALUE"),
        (["--emulate", "--option", "headers={}", "Hi"], "--option headers is not for options of the model"),
        (["--emulate", "--option", "observer=1", "Hi"], "--option observer is not for options of the model"),
        (["--emulate", "--option", "heat=1", "Hi"], "free_netfly does not know the option 'heat'; known are "),
        (["--emulate", "--option", "temperature=NaN", "Hi"], "the request cannot be written as JSON"),
        (["--emulate", "--api-key-env", "NO_SUCH_KEY", "Hi"], "the environment variable that --api-key-env names is"),
        (["--emulate", "--proxy", "ftp://proxy.example", "Hi"], "a proxy's URL cannot begin with 'ftp'"),
        (["--base-url", "http://u:p@a.test", "Hi"], "credentials do not belong in the URL 'http://a.test': use --api"),
        (["--base-url", "chat.example", "Hi"], "'chat.example' is not an http:// or https:// URL with a host"),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_asked(arguments: list[str], message: str, capsys: Capture) -> None:
    assert main(["ask", *arguments]) == 2
    out, messages = said(capsys)
    assert out == ""
    assert messages[0].startswith(message)


@pytest.mark.parametrize(
    "arguments",
    [["ask", "--emulate", "--base-url", "http://x", "Hi"], ["ask", "--json", "--events", "Hi"],
     ["parse"], ["emulate", "--port", "99999"], ["completion", "tcsh"]],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_command(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: sansio-chat")


def test_alone_it_shows_its_commands(capsys: Capture) -> None:
    assert main([]) == 0
    out, messages = said(capsys)
    assert messages == []
    for name in ("ask", "chat", "batch", "report", "models", "providers", "default", "parse", "emulate", "completion"):
        assert re.search(rf"^  {name} +[A-Z].*\.$", out, re.M)
    assert 'sansio-chat ask --emulate "Hello"' in out
    assert max(map(len, out.splitlines())) < 80


def test_a_key_that_was_not_sent_is_missed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Emulator() as emulator:
        assert main(["ask", "-p", "openai", "--base-url", emulator.base_url("openai"), "Hi"]) == 5
        last = said(capsys)[1][-1]
        assert last.startswith("the provider wants a key, and none was sent (status 401): ")
        assert "[give --api-key-env, or set the environment variable OPENAI_API_KEY]" in last
        monkeypatch.setenv("OPENAI_API_KEY", "wrong")
        assert main(["ask", "-p", "openai", "--base-url", emulator.base_url("openai"), "Hi"]) == 5
        last = said(capsys)[1][-1]
        assert last.startswith("the provider did not accept the key (status 401): ")
        assert "environment" not in last


def test_messages_name_options_and_no_python() -> None:
    assert message_of(TimedOut("connect", 10)) == "no connection was made within 10 s"
    assert message_of(LimitExceeded("frame", 16)) == "the answer has a frame of more than 16 bytes"
    files = [*(ROOT / "sansio_core").rglob("*.py"), *(ROOT / "transports").rglob("*.py")]
    library = "".join(path.read_text() for path in files)
    assert [words for words in SPELLED if library.count(words) < 2] == [], "its own table is the only place"


def test_standard_input_that_is_no_text(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"caf\xe9")
    assert main(["ask", "--emulate", "-"]) == 2
    assert said(capsys) == ("", ["standard input is not UTF-8 (byte 3); a PDF, an image or an audio goes with -a -"])


class Echo(BaseHTTPRequestHandler):
    """A provider that quotes in its refusal the key that it was sent."""

    keys: ClassVar[list[str]] = []
    paths: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.keys.append(self.headers["x-api-key"])
        self.paths.append(self.path)
        body = json.dumps({"error": {"message": f"no such key: {self.keys[-1]}"}}).encode()
        self.send_response(401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize("output", [[], ["--events"], ["--json"]], ids=lambda it: " ".join(it) or "text")
def test_a_key_is_used_and_never_shown(output: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-planted-0123456789")
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        code = main(["ask", "-p", "anthropic", "--base-url", url, "--api-key-env", "MY_KEY", *output, "Hi"])
        server.shutdown()
        thread.join()
    assert code == 5
    assert Echo.keys.pop() == "sk-planted-0123456789"
    out, err = capsys.readouterr()
    assert "no such key: [hidden]" in err
    assert "planted" not in out + err


KEY = "sk-planted-0123456789"
NOT_TAKEN = "a key is not taken on the command line"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "--api-key", KEY, "Hi"], NOT_TAKEN),
        (["ask", f"--api-key={KEY}", "Hi"], NOT_TAKEN),
        (["ask", "Hi", "--api-key", KEY], NOT_TAKEN),
        (["ask", f"--api-key {KEY}"], NOT_TAKEN),
        (["ask", "-p", "openai", "--api", KEY, "Hi"], "there is no option --api\n"),
        (["ask", f"--api_key={KEY}", "Hi"], NOT_TAKEN),
        (["ask", "--apikey", KEY, "Hi"], NOT_TAKEN),
        (["ask", f"--apikey={KEY}"], NOT_TAKEN),
        (["ask", "--key", KEY, "Hi"], NOT_TAKEN),
        (["ask", "-k", KEY, "Hi"], NOT_TAKEN),
        (["ask", f"-k{KEY}", "Hi"], NOT_TAKEN),
        (["ask", "--access-token", KEY, "Hi"], NOT_TAKEN),
        (["ask", "--api-key", f"-{KEY}", "Hi"], NOT_TAKEN),
        (["--api-key", KEY, "ask", "Hi"], NOT_TAKEN),
        (["parse", "--api-key", KEY, "-p", "openai"], NOT_TAKEN),
        (["providers", "--api-key", KEY], NOT_TAKEN),
        (["models", "--key", KEY], NOT_TAKEN),
        (["emulate", f"--api-key={KEY}"], NOT_TAKEN),
        (["ask", "--cred", KEY, "Hi"], "there is no option --cred\n"),
        (["ask", "--emulat", "Hi"], "ask: error: there is no option --emulat (did you mean '--emulate'?)\n"),
        (["ask", f"--cred={KEY}", f"-c{KEY}", "Hi"], "there is no option --cred, -c\n"),
        (["ask", f"--{KEY}", "Hi"], "there is no such option\n"),
        (["ask", "Hi", KEY], "there are too many words: a PROMPT of several goes in quotes\n"),
        (["ask", "-o", "temperature", KEY, "Hi"], "-o takes NAME=VALUE in one word, as temperature=0.2\n"),
        (["providers", KEY], "there are too many words"),
        (["--cred", KEY, "ask", "Hi"], "invalid choice (choose from "),
        ([KEY, "ask", "Hi"], "invalid choice (choose from "),
        (["ask", f"--async={KEY}", "Hi"], "ignored explicit argument\n"),
        (["ask", f"--emulate{KEY}", "Hi"], "there is no such option\n"),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)
def test_no_key_is_taken_or_quoted(arguments: list[str], message: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert message in err
    assert "planted" not in out + err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--api-key-env", KEY],
        [f"--api-key-env={KEY}"],
        ["--api-key-env", ""],
        ["--option", KEY],
        ["--option", f"={KEY}"],
        ["--option", f"api_key={KEY}"],
        ["--option", f"headers={KEY}"],
        ["--option", f"base_url=http://user:{KEY}@127.0.0.1"],
        ["--proxy", f"ftp://user:{KEY}@127.0.0.1"],
        ["--proxy", f"http://user:{KEY}@127.0.0.1:port"],
        ["--proxy", f"http://user:{KEY} @127.0.0.1:9"],
        ["--proxy", f"http://user:{KEY}#@127.0.0.1:9"],
        ["--proxy", f"http://user:9/{KEY}@127.0.0.1:9"],
        ["--proxy", f"user:9/{KEY}@127.0.0.1:9"],
        ["--proxy", f"http://user:9?{KEY}@127.0.0.1:9"],
        ["--proxy", f"socks5://user:{KEY * 20}@127.0.0.1:9"],
        ["--proxy", f"http://user:{KEY}%0a@127.0.0.1:9"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("more", [[], ["-v", "-v"], ["--async"], ["--async", "-v", "-v"]], ids=" ".join)
def test_a_wrong_value_is_not_quoted(arguments: list[str], more: list[str], capsys: Capture) -> None:
    assert main(["ask", "-p", "openai", "--emulate", *arguments, *more, "Hi"]) == 2
    out, messages = said(capsys)
    assert messages
    if arguments[0].startswith("--api-key-env"):
        assert "the NAME of a variable" in messages[0]
    assert "planted" not in out + "".join(messages)


@pytest.mark.parametrize("client", [[], ["--async"]], ids=["blocking", "asyncio"])
@pytest.mark.parametrize("proxy", ["http://user:PASS@127.0.0.1:PORT", "user:PASS@127.0.0.1:PORT"])
def test_a_proxy_that_is_not_there_is_named_without_its_password(
    proxy: str, client: list[str], capsys: Capture
) -> None:
    url = proxy.replace("PASS", KEY).replace("PORT", str(closed_port()))
    arguments = ["--base-url", "http://chat.example", "--retry", "1", "--proxy", url, "-v", "-v", *client]
    assert main(["ask", "-p", "acytoo", *arguments, "Hi"]) == 3
    out, err = capsys.readouterr()
    assert "127.0.0.1" in err
    assert "planted" not in out + err


def test_a_prompt_may_look_like_an_option(emulator: Emulator) -> None:
    assert ask(emulator, "--", "--api-key is what?") == 0
    assert emulator.requests[0].json["messages"][0]["content"] == "--api-key is what?"


def test_a_key_that_is_missing(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert main(["ask", "-p", "Anthropic", "Hi"]) == 2
    message = "anthropic needs a key: set the environment variable ANTHROPIC_API_KEY (or see --api-key-env)"
    assert said(capsys) == ("", [message])


def test_verbose(emulator: Emulator, capsys: Capture) -> None:
    logger = logging.getLogger("transports")
    before = list(logger.handlers), logger.level
    assert ask(emulator, "-v", "Hi") == 0
    lines = said(capsys)[1]
    assert re.fullmatch(r"[0-9]+ ms transports\.calls: call [0-9]+ \(free_netfly\): attempt 1: POST .*", lines[0])
    assert not any("transports.wire" in line for line in lines)
    assert ask(emulator, "-vv", "Hi") == 0
    assert any("transports.wire" in line for line in said(capsys)[1])
    assert (logger.handlers, logger.level) == before, "whoever calls main() keeps their own logging"


def test_every_exit_code_is_in_the_help(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["ask", "--help"])
    codes = capsys.readouterr().out.partition("exit codes:\n")[2].splitlines()
    assert [int(line.split()[0]) for line in codes] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 130, 141]


# --- parse -----------------------------------------------------------------------------------------------------------


def parse(tmp_path: Path, body: bytes, *arguments: str) -> int:
    file = tmp_path / "body"
    file.write_bytes(body)
    return main(["parse", "-p", "free_netfly", *arguments, str(file)])


def test_parse_a_file(tmp_path: Path, capsys: Capture) -> None:
    assert parse(tmp_path, SSE + END) == 0
    assert said(capsys) == ("Grüß Gott\n", [])


def test_parse_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, SSE * 100 + END)
    assert main(["parse", "-p", "FreeNetfly", "--events"]) == 0
    out, messages = said(capsys)
    events = [json.loads(line) for line in out.splitlines()]
    assert "".join(event.get("text", "") for event in events) == "Grüß Gott" * 100
    assert messages == []


def test_parse_raw_text(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "body"
    file.write_text("Grüß Gott", encoding="utf-8")
    assert main(["parse", "-p", "acytoo", "--json", str(file)]) == 0
    reply = json.loads(said(capsys)[0])
    assert (reply["text"], reply["complete"]) == ("Grüß Gott", True)


@pytest.mark.parametrize("body", [SSE, SSE[:-1], SSE + END[:-40].rpartition(b"data")[0]])
def test_parse_a_body_that_was_cut(body: bytes, tmp_path: Path, capsys: Capture) -> None:
    assert parse(tmp_path, body) == 6
    out, messages = said(capsys)
    assert out == "Grüß Gott\n"
    assert messages == ["the answer stopped before its end marker", "the answer is incomplete"]


def test_parse_a_body_that_is_none(tmp_path: Path, capsys: Capture) -> None:
    assert parse(tmp_path, b"Hello\nthere\n\n") == 6
    out, messages = said(capsys)
    assert out == ""
    assert messages[0] == "not understood, and left out: 2 frames (--events shows them)"


def test_parse_an_error(tmp_path: Path, capsys: Capture) -> None:
    body = SSE + b'data: {"error": {"message": "Slow down.", "type": "rate_limit_error"}}\n\n'
    assert parse(tmp_path, body) == 5
    out, messages = said(capsys)
    assert out == "Grüß Gott\n"
    assert messages[0].endswith("(in its stream): Slow down.")


def test_parse_a_reply_to_be_noted(tmp_path: Path, capsys: Capture) -> None:
    call = {"index": 0, "id": "1", "function": {"name": "clock", "arguments": '{"zone": "UTC"}'}}
    choice = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "length"}
    assert parse(tmp_path, b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\ndata: [DONE]\n\n") == 0
    notes = ['the model calls the tool clock({"zone": "UTC"})', "the answer reached the model's token limit"]
    assert said(capsys) == ("", notes)
    assert parse(tmp_path, END) == 0
    assert said(capsys) == ("", ["the answer is empty"])


def test_parse_a_file_that_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    path = str(tmp_path / "nothing")
    assert main(["parse", "-p", "acytoo", path]) == 1
    assert said(capsys) == ("", [f"{path}: No such file or directory"])


def test_parse_without_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["parse", "-p", "acytoo"]) == 2
    assert said(capsys) == ("", ["standard input is closed: name a file"])


# --- providers, emulate ----------------------------------------------------------------------------------------------


def test_providers(capsys: Capture) -> None:
    assert main(["providers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "DEFAULT", "MODEL", "WORKING", "KEY", "VARIABLE", "BASE", "URL"]
    assert lines[1].split() == ["free_netfly", "gpt-3.5-turbo", "no", "-", "https://free.netfly.top"]

    assert main(["providers", "--json"]) == 0
    facts = {info["name"]: info for info in json.loads(capsys.readouterr().out)}
    assert facts["chatgpt_free"]["model_aliases"] == {"gpt-4o-mini": "gpt-4o-mini-2024-07-18"}
    assert all(info["supports_message_history"] and info["supports_system_message"] for info in facts.values())


def test_emulate_lists_its_faults(capsys: Capture) -> None:
    assert main(["emulate", "--fault", "help"]) == 0
    out, messages = said(capsys)
    assert "status:status=503,headers={},body=\n    A response with that status" in out
    assert messages == []


def test_emulate_knows_no_such_fault(capsys: Capture) -> None:
    assert main(["emulate", "--fault", "earthquake"]) == 2
    out, messages = said(capsys)
    assert out == ""
    assert messages[0].startswith("--fault: there is no fault 'earthquake'; known are: ")


def test_emulate_on_a_port_in_use(emulator: Emulator, capsys: Capture) -> None:
    assert main(["emulate", "--port", str(emulator.port)]) == 1
    out, messages = said(capsys)
    assert out == ""
    assert messages[0].startswith(f"cannot listen on port {emulator.port}: ")


class Signalling(io.StringIO):
    """A standard output that sends this process a signal when it is written to."""

    encoding = "utf-8"

    def __init__(self, number: signal.Signals) -> None:
        super().__init__()
        self.number = number

    def flush(self) -> None:
        os.kill(os.getpid(), self.number)

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_emulate_on_a_terminal(number: signal.Signals, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    terminal = Signalling(number)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["emulate"]) == 0
    assert [line.split()[0] for line in terminal.getvalue().splitlines()][:4] == PROVIDERS
    assert said(capsys) == ("", [])
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_in_any_command(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Signalling(signal.SIGINT))
    assert main(["providers"]) == 130
    assert said(capsys) == ("", ["interrupted"])


@pytest.mark.parametrize("arguments", [["providers"], ["emulate"], ["ask", "--emulate", "Hi"]], ids=" ".join)
def test_nobody_reads(arguments: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(arguments) == 141
        monkeypatch.setattr(sys, "stdout", None)
        assert main(arguments) == 141
    assert said(capsys) == ("", [])


# --- as a process ----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Processes that we start do not ignore SIGINT, even when we were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **more}


@contextmanager
def command(*arguments: str, module: str = "transports", **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    stdin = subprocess.PIPE if "parse" in arguments else subprocess.DEVNULL  # `ask` would wait for a pipe's end
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-m", module, *arguments],
        env=environment(), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **more,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[bytes], enough: Callable[[bytes], bool]) -> bytes:
    assert process.stdout is not None
    got = b""
    while not enough(got):
        data = process.stdout.read(4096)
        assert data, f"the output ended: {got!r}"
        got += data
    return got


@pytest.mark.parametrize("output", [[], ["--events"], ["--async"], ["--json"]], ids=lambda it: " ".join(it) or "text")
def test_ctrl_c(output: list[str], emulator: Emulator) -> None:
    emulator.order(Stall(after_pieces=2))
    url = emulator.base_url("free_netfly")
    with command("ask", "-p", "free_netfly", "--base-url", url, *output, "Hi") as process:
        if output == ["--json"]:
            emulator.wait_for(lambda e: e.held == 1, timeout=40)  # as long as a process may take to begin
            got = b""
        else:
            got = read_until(process, lambda got: b" leaves" in got)
        until_it_waits(process.pid)
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate()
    assert process.returncode == 130
    lines = [line for line in err.decode().splitlines() if line.startswith("sansio-chat")]  # -X dev may say more
    assert lines[0] == "sansio-chat: interrupted"
    out = (got + rest).decode()
    if output == ["--events"]:
        assert json.loads(out.splitlines()[-1])["type"] == "Failed"
    elif output == ["--json"]:
        assert json.loads(out)["complete"] is False
    else:
        assert out == "Green leaves\n"
        assert lines[1:] == ["sansio-chat: the answer is incomplete"]


@pytest.mark.parametrize("output", [[], ["--events", "--async"]], ids=lambda it: " ".join(it) or "text")
def test_a_closed_pipe(output: list[str], emulator: Emulator) -> None:
    emulator.order(Stall(after_pieces=2))
    url = emulator.base_url("free_netfly")
    with command("ask", "-p", "free_netfly", "--base-url", url, *output, "Hi") as process:
        read_until(process, lambda got: b" leaves" in got)
        assert process.stdout is not None
        process.stdout.close()
        emulator.release()
        assert process.stderr is not None
        assert complaints(process.stderr.read().decode()) == ""
        assert process.wait() == 141


def test_text_comes_through_parse_before_its_input_ends() -> None:
    with command("parse", "-p", "free_netfly") as process:
        assert process.stdin is not None
        process.stdin.write(SSE)
        assert read_until(process, lambda got: got.endswith(b" Gott")).decode() == "Grüß Gott"
        process.stdin.write(END)  # and it need not end
        assert process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_emulate(number: signal.Signals) -> None:
    arguments = ["--reply", "Hello", "--fault", "missing-end", "--fault", "status:503", "--once", "--quiet"]
    with command("emulate", *arguments) as process:
        lines = read_until(process, lambda got: got.count(b"\n") >= len(PROVIDERS)).decode().splitlines()
        urls = dict(line.split() for line in lines)
        assert set(urls) >= set(PROVIDERS)
        with Client("acytoo", base_url=urls["acytoo"], retry=2) as client:
            assert client.complete("Hi").text == "Hello"  # the first fault is nothing to raw text
            assert client.complete("Hi").text == "Hello"  # and the second, 503, is retried
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out, complaints(err.decode())) == (0, b"", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        arguments = [sys.executable, "-m", "transports", "providers"]
        done = subprocess.run(arguments, env=environment(), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"sansio-chat: No space left on device\n"


def test_a_console_that_has_not_every_character(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes("Grüß 山".encode())
    done = subprocess.run(
        [sys.executable, "-m", "transports", "parse", "-p", "acytoo", str(tmp_path / "body")],
        env=environment(PYTHONIOENCODING="latin-1"),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"Gr\xfc\xdf \\u5c71\n"


def test_help_loads_no_transport() -> None:
    code = (
        "import sys\nfrom transports.cli import main\n"
        "try:\n    main(['ask', '--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'requests', 'urllib3', 'asyncio', 'h11', 'ssl', 'socket', 'logging'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    with command("--version", module="transports") as process:
        out, err = process.communicate()
    assert (process.returncode, out.split()[0], err) == (0, b"sansio-chat", b"")
