"""The subcommand `emulate`: its tool calls, and its line for each request."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from argparse import ArgumentTypeError
from contextlib import ExitStack, suppress
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from transports import Client
from transports.cli import main
from transports.cli.values import rate

Capture = pytest.CaptureFixture[str]
KEY = "sk-planted-0123456789"


@pytest.mark.parametrize("call", ["clock=[]", "={}", "clock={"])
def test_emulate_takes_no_such_call(call: str, capsys: Capture) -> None:
    assert main(["emulate", "--tool-call", call]) == 2
    assert capsys.readouterr().err.startswith("sansio-chat: --tool-call takes NAME, or NAME=ARGUMENTS with a JSON obj")


@pytest.mark.parametrize("pace", ["-1", "nan", "inf", "x"])
def test_emulate_takes_no_such_pace(pace: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["emulate", "--pace", pace, "--fault", "help"])
    said = f"argument --pace: {pace!r} is no duration: a number of seconds, or 30s, 10m, 1h, 2d\n"
    assert capsys.readouterr().err.endswith(said)


@pytest.mark.parametrize(
    ("text", "requests", "seconds"),
    [("100/s", 100, 1), ("500/m", 500, 60), ("7.5/h", 7.5, 3600), ("10000/d", 10_000, 86_400)],
)
def test_rates(text: str, requests: float, seconds: int) -> None:
    assert rate(text) == (requests, seconds)
    assert rate(text).per_second == requests / seconds


@pytest.mark.parametrize("text", ["100", "0/s", "-1/s", "1e3/s", "5/min", "/s", "nan/s", "5 / s", "٣/s"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no rate: N/s, N/m, N/h or N/d, as 500/m"):
        rate(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--burst", "3"], "--burst and --limit-headers go with --limit N/s"),
        (["--limit-headers", "none"], "--burst and --limit-headers go with --limit N/s"),
        (["--tape", "x", "--limit", "3/s", "--delay", "1"], "--tape answers with what is on the tape, as it is: --del"),
        (["--fault", "reset:share=2"], "--fault: share must be from 0 to 1, not 2"),
    ],
)
def test_emulate_takes_no_such_limit(arguments: list[str], words: str, capsys: Capture) -> None:
    assert main(["emulate", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"sansio-chat: {words}")


LOG = """\
TIME POST /v1/chat/completions (openai gpt-5.4-mini): 503, S, N bytes
TIME POST /v1/chat/completions (openai gpt-5.4-mini): no status, S, 0 bytes, reset
TIME POST /v1/chat/completions (openai gpt-5.4-mini): 200, S, N bytes
TIME GET / (nobody): 404, S, N bytes
"""


def test_emulate_logs_calls_and_reasons(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        """Asks, once the URLs are written to it, and then presses Ctrl-C."""

        encoding = "utf-8"

        def flush(self) -> None:
            urls = dict(line.split() for line in self.getvalue().splitlines())
            with Client("openai", base_url=urls["openai"], api_key=KEY, retry=3) as client:
                tool = {"name": "weather", "parameters": {"type": "object", "properties": {}}}
                reply = client.complete("Hi", tools=[tool])
            self.heard = reply.tool_calls[0].name, reply.tool_calls[0].arguments
            with suppress(HTTPError):
                urlopen(urls["openai"].replace("openai/v1", f"nobody?key={KEY}")).close()
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    faults = ["--fault", "status:503", "--fault", "reset:before=headers", "--once"]
    assert main(["emulate", "--tool-call", 'weather={"city": "Kranj"}', "--reasoning", "So.", *faults]) == 0
    assert terminal.heard == ("weather", '{"city": "Kranj"}')
    lines = capsys.readouterr().err.replace("sansio-chat: ", "")
    lines = re.sub(r"^\d\d:\d\d:\d\d", "TIME", lines, flags=re.M)
    lines = re.sub(r"\d+\.\d{3} s,", "S,", lines)
    assert re.sub(r"[1-9]\d* bytes", "N bytes", lines) == LOG


PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from transports.cli import main
sys.exit(main(sys.argv[1:]))
"""
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}).encode()
QUESTION = b"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n" + (
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


def test_emulate_has_many_connections_and_ends_at_once_under_load() -> None:
    command = [sys.executable, "-c", PROGRAM, "emulate", "-q", "--pace", "60", "--limit", "150/s", "--limit-headers"]
    with (
        subprocess.Popen([*command, "openai"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        assert process.stdout is not None
        port = int(re.findall(r"\d+", process.stdout.readline().partition("127.0.0.1:")[2])[0])
        callers = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(151)]
        for caller in callers:
            caller.sendall(QUESTION)
            head = caller.recv(4096)
        assert head.startswith(b"HTTP/1.1 ")
        assert b"\r\nx-ratelimit-limit-requests: 150\r\n" in head
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10)[1] == ""
        assert process.returncode == 0
        assert all(caller.recv(4096) == b"" for caller in callers[:150])
