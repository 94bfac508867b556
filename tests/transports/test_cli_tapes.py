"""The command and tapes: ask --record, replay, tape, emulate --tape."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import sys
from pathlib import Path
from time import monotonic

import pytest

from sansio_core.tape import Tape
from transports import Client, tapes
from transports.cli import main
from transports.emulator import (
    DEFAULT_TEXT,
    Emulator,
    Fault,
    HTMLAnswer,
    InBandError,
    MissingEnd,
    Reset,
    Status,
)

Capture = pytest.CaptureFixture[str]
CLIENTS = pytest.mark.parametrize("client", [[], ["--async"]], ids=["blocking", "asyncio"])
OUTPUTS = pytest.mark.parametrize("output", [[], ["--json"], ["--events"]], ids=["text", "json", "events"])
KEY = "sk-planted-0123456789"

HELLO = """\
# sansio-chat tape 1

> POST https://api.openai.com/v1/chat/completions
> base: https://api.openai.com/v1
> provider: openai
> authorization: [hidden]
> content-type: application/json
>
> : {"model":"gpt-5.4-mini","messages":[{"role":"user","content":"Hello"}],"stream":true}
= 0.1
< 200
< content-type: text/event-stream
= 0.1
| data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}
|
= 0.1
| data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
|
| data: [DONE]
|
! end +0
"""
BUSY = """\

> POST https://api.openai.com/v1/chat/completions
> base: https://api.openai.com/v1
> provider: openai
>
> : {"model":"gpt-5.4-mini","messages":[{"role":"user","content":"And now?"}],"stream":true}
= 0.2
< 401
< content-type: application/json
= 0
: {"error":{"message":"no"}}
! end +0
"""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.tape"


def ask(emulator: Emulator, *arguments: str, provider: str = "openai") -> int:
    url = emulator.base_url(provider)
    return main(["ask", "-p", provider, "--base-url", url, *arguments, "Hi"])


def said(capsys: Capture) -> tuple[str, list[str]]:
    """Standard output, and the messages on standard error, each of which is plain."""
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert all(line.startswith("sansio-chat: ") for line in lines)
    return out, [line.removeprefix("sansio-chat: ") for line in lines]


# --- ask --record and replay -----------------------------------------------------------------------------------------


@CLIENTS
@OUTPUTS
def test_an_answer_comes_again(output: list[str], client: list[str], path: Path, capsys: Capture) -> None:
    with Emulator() as emulator:
        assert ask(emulator, "--record", str(path), *client, *output) == 0
    first = said(capsys)
    assert main(["replay", str(path), *output, "--speed", "0"]) == 0
    again = said(capsys)
    assert timeless(again) == timeless(first)
    assert len(Tape.loads(path.read_bytes()).takes) == 1


def timeless(said: tuple[str, list[str]]) -> tuple[str, list[str]]:
    """What was written, without the seconds that --json tells."""
    return re.sub(r'"(elapsed|first_text)": ?[0-9.e-]+', "", said[0]), said[1]


@CLIENTS
@OUTPUTS
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Status(400), 5),
        (Status(503, {"retry-after": "0"}), 5),
        (Reset(after_pieces=2), 3),
        (MissingEnd(), 6),
        (InBandError(), 5),
        (HTMLAnswer(), 7),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, Fault) else "",
)
def test_a_failure_comes_again(
    fault: Fault, code: int, output: list[str], client: list[str], path: Path, capsys: Capture
) -> None:
    with Emulator() as emulator:
        emulator.order(fault, always=True)
        assert ask(emulator, "--record", str(path), "--retry", "2", *client, *output) == code
    first = said(capsys)
    assert main(["replay", str(path), *output, "--speed", "0"]) == code
    assert timeless(said(capsys)) == timeless(first)


@CLIENTS
def test_a_tape_that_cannot_be_made(client: list[str], tmp_path: Path, emulator: Emulator, capsys: Capture) -> None:
    path = str(tmp_path / "gone" / "t.tape")
    assert ask(emulator, "--record", path, *client) == 1
    assert said(capsys) == ("", [f"{path}: No such file or directory"])
    assert emulator.requests == []


@CLIENTS
@OUTPUTS
def test_a_full_disk_loses_no_text(
    output: list[str], client: list[str], emulator: Emulator, capsys: Capture
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    assert ask(emulator, "--record", "/dev/full", *client, *output) == 1
    out, messages = said(capsys)
    assert out == DEFAULT_TEXT if not output else out.endswith("}\n")
    assert messages == ["the answer is not on the tape: /dev/full: No space left on device"]


@CLIENTS
@pytest.mark.parametrize(
    ("error", "code", "messages"),
    [(errno.EPIPE, 141, []), (errno.ENOSPC, 1, ["No space left on device"])],
    ids=["closed pipe", "full disk"],
)
def test_a_standard_output_that_breaks_is_not_blamed_on_the_tape(
    error: int, code: int, messages: list[str], client: list[str], path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Broken(io.StringIO):
        """A standard output that breaks when the whole answer is in."""

        encoding = "utf-8"

        def write(self, text: str) -> int:
            if "Finished" in text:
                raise OSError(error, os.strerror(error))
            return len(text)

    monkeypatch.setattr(sys, "stdout", Broken())
    arguments = ["ask", "-p", "openai", "--record", str(path), "--events", *client, "Hello"]
    with tapes.replay(Tape.loads(HELLO), ignore=["stream_options"]):
        assert main(arguments) == code
    assert said(capsys)[1] == messages


@CLIENTS
def test_what_looks_like_a_key_is_on_no_tape(client: list[str], path: Path, capsys: Capture) -> None:
    key = "sk-another-0123456789abcdef"
    with Emulator(reply=f"It is {key}.") as emulator:
        assert ask(emulator, "--record", str(path), *client) == 1
    reason = "the answer is not on the tape: the answer has what looks like a key (sk-…)"
    assert said(capsys) == (f"It is {key}.\n", [reason])
    assert Tape.loads(path.read_bytes()) == Tape()


def test_each_question_of_a_tape(path: Path, capsys: Capture) -> None:
    path.write_text(HELLO + BUSY + HELLO.partition("\n")[2])
    assert main(["replay", str(path), "--speed", "0"]) == 5
    out, messages = said(capsys)
    assert out == "Hello\nHello\n"
    assert len(messages) == 1


def test_a_tape_from_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds() -> float:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HELLO.encode())))
        before = monotonic()
        assert main(["replay", "-", "--speed", "3"]) == 0
        assert said(capsys) == ("Hello\n", [])
        return monotonic() - before

    took = [seconds()]
    while took[-1] >= 0.3:  # as the tape's own pace is; on a busy machine any may take longer, but not all
        assert len(took) < 20
        took.append(seconds())
    assert min(took) >= 0.1


def test_ctrl_c_ends_a_replay(path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    class Signalling(io.StringIO):
        """A standard output that interrupts this process at the first text."""

        encoding = "utf-8"

        def flush(self) -> None:
            if self.getvalue() == "Hello":
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sys, "stdout", out := Signalling())
    path.write_text(HELLO + HELLO.partition("\n")[2])
    assert main(["replay", str(path)]) == 130
    assert out.getvalue() == "Hello\n"
    assert said(capsys)[1] == ["interrupted", "the answer is incomplete"]


@pytest.mark.parametrize("subcommand", [["replay"], ["tape"], ["emulate", "--tape"]], ids=lambda it: it[0])
def test_what_is_no_tape(subcommand: list[str], path: Path, capsys: Capture) -> None:
    assert main([*subcommand, str(path)]) == 1
    assert said(capsys) == ("", [f"{path}: No such file or directory"])
    path.write_text("PNG")
    assert main([*subcommand, str(path)]) == 1
    out, messages = said(capsys)
    assert out == ""
    assert len(messages) == 1
    assert messages[0].startswith(f"{path}, line 1: ")


@pytest.mark.parametrize(
    ("before", "after", "code", "message"),
    [
        ("< 200", "< 307\n< location: /v1/elsewhere", 6, "the tape has no more of this answer"),
        (HELLO[HELLO.index("= 0.1") :], "! end +0\n", 3, "the tape has no response to this request"),
        ("https://api.openai.com/v1/chat", "http://[", 2, "that is not a URL: its host or port cannot be read"),
        (
            "> base: https://api.openai.com/v1\n> provider: openai\n", "> provider: acme\n", 2,
            "take 1 is of the provider 'acme', which is not known here: "
            "add its host with `sansio-chat providers --add`",
        ),
    ],
    ids=["killed", "no response", "no URL", "unknown"],
)  # fmt: skip
def test_a_tape_that_does_not_play(
    before: str, after: str, code: int, message: str, path: Path, capsys: Capture
) -> None:
    path.write_text(HELLO.replace(before, after))
    assert main(["replay", "--speed", "0", str(path)]) == code
    assert said(capsys) == ("", [message])


def test_a_failed_answer_that_is_not_on_the_tape(emulator: Emulator, capsys: Capture) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    emulator.order(Reset(after_pieces=2))
    assert ask(emulator, "--record", "/dev/full", "--retry", "1") == 3
    out, messages = said(capsys)
    assert out == "Green leaves\n"
    assert messages[1] == "the answer is incomplete"
    assert "No space left on device" in messages[2]


# --- tape ------------------------------------------------------------------------------------------------------------

TABLE = """\
TAKE  PROVIDER  REQUEST                 STATUS  ENDED BY  PIECES  BYTES  FIRST BYTE  SECONDS
1     openai    POST /chat/completions  200     end       2       142    0.200       0.300
2     openai    POST /chat/completions  401     end       1       26     0.200       0.200
safe to commit: nothing in it looks like a key
"""


def test_a_table_of_the_takes(path: Path, capsys: Capture) -> None:
    path.write_text(HELLO + BUSY)
    assert main(["tape", str(path)]) == 0
    assert said(capsys) == (TABLE, [])
    assert main(["tape", "--json", str(path)]) == 0
    out, messages = said(capsys)
    assert json.loads(out)[1] == {
        "file": str(path), "take": 2, "provider": "openai", "method": "POST", "target": "/chat/completions",
        "status": 401, "ended_by": "end", "pieces": 1, "bytes": 26, "first_byte": 0.2, "seconds": 0.2, "unsafe": None,
    }  # fmt: skip
    assert messages == []


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("authorization: [hidden]", f"authorization: Bearer {KEY}", "authorization"),
        ("< content-type: text", f"< set-cookie: session={KEY}\n< content-type: text", "set-cookie"),
        ("completions\n", f"completions?key={KEY}\n", "URL"),
        ("https://api.openai.com/v1/chat", f"http://[{KEY}", "URL"),
        ('"content":"Hello"}}', f'"content":"{KEY}abcdefghijkl"}}}}', "the answer"),
        ('"stream":true', '"api_key":"gateway-0123456789"', "the request's body"),
    ],
    ids=["request", "response", "url", "no url", "body", "key in the body"],
)
def test_an_unsafe_tape(before: str, after: str, where: str, path: Path, capsys: Capture) -> None:
    path.write_text(HELLO.replace(before, after))
    other = path.with_name("other.tape")
    other.write_text(BUSY.replace("\n", "# sansio-chat tape 1\n\n", 1))
    assert main(["tape", str(other), str(path), str(path.with_name("gone.tape"))]) == 1
    out, messages = said(capsys)
    assert [line.split()[0] for line in out.splitlines()] == ["TAKE", f"{other}:1", f"{path}:1"]
    assert "safe to commit" not in out
    assert messages[0].endswith("gone.tape: No such file or directory")
    assert messages[1].startswith(f"{path}, take 1: ")
    assert where in messages[1]
    assert messages[2:] == ["not safe to commit"]
    assert KEY not in out + str(messages)


# --- emulate --tape --------------------------------------------------------------------------------------------------

LOG = """\
TIME POST /v1/chat/completions (openai gpt-5.4-mini): 200, S, N bytes
TIME POST /v1/chat/completions (openai gpt-5.4-mini): 400, S, N bytes
no take of the tape answers POST /chat/completions; take 1 of 1 is nearest, and was played already. They differ:
  messages.0.content: taped "Hi", asked "Hello"
record the tape anew, or name what differs from run to run: --ignore 'messages.0.content'
"""


def test_a_tape_as_a_server(path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        """Asks twice, once the URLs are written to it, and then presses Ctrl-C."""

        encoding = "utf-8"

        def flush(self) -> None:
            self.urls = dict(line.split() for line in self.getvalue().splitlines())
            with Client("openai", base_url=self.urls["openai"], api_key=KEY, model="gpt-5.4-mini") as client:
                self.heard = client.complete("Hi").text
                with pytest.raises(Exception, match="take"):
                    client.complete("Hello")
            os.kill(os.getpid(), signal.SIGINT)

    with Emulator(reply="Hello") as emulator:
        assert ask(emulator, "-m", "gpt-5.4-mini", "--record", str(path)) == 0
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    assert main(["emulate", "--tape", str(path), "--speed", "0"]) == 0
    assert terminal.heard == "Hello"
    assert list(terminal.urls) == ["openai"]
    lines = capsys.readouterr().err.replace("sansio-chat: ", "")
    lines = re.sub(r"^\d\d:\d\d:\d\d", "TIME", lines, flags=re.M)
    assert re.sub(r"[1-9]\d* bytes", "N bytes", re.sub(r"\d+\.\d{3} s,", "S,", lines)) == LOG


def test_fields_that_need_not_be_as_taped(path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def flush(self) -> None:
            url = self.getvalue().split()[1]
            with Client("openai", base_url=url, api_key=KEY, model="gpt-5.4-mini") as client:
                self.heard = client.complete("Good day", temperature=0).text
            os.kill(os.getpid(), signal.SIGINT)

    path.write_text(HELLO)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    fields = ["--ignore", "messages.*.content", "--ignore", "temperature", "--ignore", "stream_options"]
    assert main(["emulate", "--tape", str(path), "--speed", "0", "--quiet", *fields]) == 0
    assert terminal.heard == "Hello"
    assert said(capsys)[1] == []


def test_an_unsafe_tape_is_not_served(path: Path, capsys: Capture) -> None:
    path.write_text(HELLO.replace('"content":"Hello"}}', '"content":"sk-another-0123456789abcdef"}}'))
    assert main(["emulate", "--tape", str(path)]) == 1
    assert said(capsys) == ("", [f"{path} is not served: the answer has what looks like a key (sk-…)"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speed", "2"], "--speed and --ignore go with --tape FILE (--pace is for the emulator's own answers)"),
        (
            ["--tape", "x", "--tool-call", "a", "--once"],
            "--tape answers with what is on the tape, as it is: --tool-call, --once cannot change it",
        ),
    ],
    ids=["speed", "tape"],
)
def test_what_does_not_go_together(arguments: list[str], message: str, capsys: Capture) -> None:
    assert main(["emulate", *arguments]) == 2
    assert said(capsys) == ("", [message])
