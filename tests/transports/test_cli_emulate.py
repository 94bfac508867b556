"""The subcommand `emulate`: its tool calls, and its line for each request."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from transports import Client
from transports.cli import main

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
    assert capsys.readouterr().err.endswith(f"argument --pace: {pace!r} is no number of seconds\n")


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
