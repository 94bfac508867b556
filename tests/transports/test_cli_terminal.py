"""The command on a terminal: the status line, and messages beside the answer's text."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

import pytest
from processes import until_it_waits

from transports.cli import main
from transports.cli import status as status_module
from transports.emulator import DEFAULT_TEXT, Emulator, Fault, Reset, Stall, Status

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import struct
import termios

CLIENTS = pytest.mark.parametrize("client", [[], ["--async"]], ids=["blocking", "asyncio"])


class Terminal:
    """A pseudo-terminal as standard output and standard error, and what was written to it."""

    def __init__(self) -> None:
        self._reader, writer = pty.openpty()
        self.resize(80)
        self.stream = open(writer, "w", encoding="utf-8")  # noqa: SIM115
        self.written = ""
        self.react: dict[str, Callable[[], None]] = {}
        """What to do once a text was written that has this pattern. (A line may be drawn late, with more seconds.)"""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._reader, 65536)
            except OSError:  # EIO: the other end is closed
                return
            self.written += data.decode()
            for pattern in [pattern for pattern in self.react if re.search(pattern, self.written)]:
                self.react.pop(pattern)()

    def run(self, *arguments: str, stdout: TextIO | None = None, stderr: TextIO | None = None) -> int:
        with redirect_stdout(stdout or self.stream), redirect_stderr(stderr or self.stream):
            return main(arguments)

    def ask(self, emulator: Emulator, *arguments: str, **streams: TextIO) -> int:
        url = emulator.base_url("free_netfly")
        return self.run("ask", "-p", "free_netfly", "--base-url", url, *arguments, "Hi", **streams)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._reader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def close(self) -> None:
        if not self.stream.closed:
            self.stream.close()
            self._thread.join()
            os.close(self._reader)

    @property
    def screen(self) -> list[str]:
        """The lines as a person sees them at the end."""
        self.close()
        lines: list[list[str]] = [[]]
        column = 0
        for letter in self.written.replace("\r\n", "\n"):
            if letter == "\n":
                lines.append([])
            else:
                lines[-1][column : column + 1] = letter.strip("\r")
            column = 0 if letter in "\r\n" else column + 1
        return ["".join(line).rstrip() for line in lines]


def interrupt() -> None:
    """Press Ctrl-C."""
    until_it_waits(os.getpid())
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, even where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(status_module, "_EVERY", 0.02)
    terminal = Terminal()
    yield terminal
    terminal.close()


@CLIENTS
def test_a_connection_is_waited_for(client: list[str], terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which leaves a TLS handshake without an answer

        def hang_up() -> None:
            silent.accept()[0].close()

        terminal.react = {r"connecting to 127\.0\.0\.1 \(\d+ s\)": hang_up}
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert terminal.run("ask", "-p", "openai", "--base-url", url, "--retry", "1", *client, "Hi") == 3
    assert terminal.react == {}
    assert terminal.screen[0].startswith("sansio-chat: ")


@CLIENTS
@pytest.mark.parametrize("fault", [Stall("headers"), Stall(after_pieces=0)], ids=["head", "text"])
def test_what_is_waited_for(fault: Fault, client: list[str], emulator: Emulator, terminal: Terminal) -> None:
    emulator.order(fault)
    terminal.react = {r"waiting for gpt-3\.5-turbo \(\d+ s\)": emulator.release}
    assert terminal.ask(emulator, *client) == 0
    assert terminal.screen == DEFAULT_TEXT.split("\n")
    assert terminal.react == {}


def test_a_message_stands_over_the_sign_of_ctrl_c(terminal: Terminal) -> None:
    terminal.stream.write("^C")
    terminal.stream.flush()
    assert terminal.run("parse", "-p", "openai", "gone") == 1
    assert terminal.screen == ["sansio-chat: gone: No such file or directory", ""]


@CLIENTS
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_what_is_tried_again(columns: int, client: list[str], emulator: Emulator, terminal: Terminal) -> None:
    emulator.order(Status(503, {"retry-after": "30"}))
    terminal.resize(columns)
    line = "retrying in 30 s (attempt 2 of 2): the provider failed (status 503)"
    terminal.react = {re.escape(line[: columns - 1]).replace("30", r"\d+"): interrupt}
    assert terminal.ask(emulator, "--retry", "2", *client) == 130
    assert terminal.screen == ["sansio-chat: interrupted", ""]


def test_a_whole_answer_is_waited_for_to_its_end(emulator: Emulator, terminal: Terminal) -> None:
    emulator.order(Stall(after_pieces=1))
    terminal.react = {r"gpt-3\.5-turbo is answering \(\d+ s\)": emulator.release}
    assert terminal.ask(emulator, "--json") == 0
    assert [line[:1] for line in terminal.screen] == ["{", ""]


def test_a_list_of_models_is_waited_for(emulator: Emulator, terminal: Terminal) -> None:
    emulator.order(Stall("headers", on="page"))
    terminal.react = {r"waiting for the list of models \(\d+ s\)": emulator.release}
    assert terminal.run("models", "-p", "ollama", "--base-url", emulator.base_url("ollama")) == 0
    assert terminal.screen[0] == "NAME"


@pytest.mark.parametrize("where", ["dumb", "piped"])
def test_no_line_where_none_can_be_drawn(
    where: str, emulator: Emulator, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.order(Stall("headers"))
    streams: dict[str, TextIO] = {"stderr": io.StringIO()} if where == "piped" else {}
    monkeypatch.setenv("TERM", "dumb" if where == "dumb" else "xterm")
    before = threading.active_count()
    late = threading.Timer(0.1, emulator.release)  # five times as long as the line would wait
    late.start()
    assert terminal.ask(emulator, **streams) == 0
    assert terminal.screen == DEFAULT_TEXT.split("\n")
    assert "\r" not in terminal.written.replace("\r\n", "")
    late.join()
    assert threading.active_count() <= before


@CLIENTS
def test_a_message_begins_on_a_line_of_its_own(client: list[str], emulator: Emulator, terminal: Terminal) -> None:
    emulator.order(Reset(after_pieces=2))
    assert terminal.ask(emulator, "-v", *client) == 3
    lines = terminal.screen
    assert lines[2] == "Green leaves"
    assert all(line.startswith("sansio-chat: ") for line in (*lines[:2], *lines[3:-1]))
    assert "(ConnectionLost)" in lines[3]
    assert lines[-2:] == ["sansio-chat: the answer is incomplete", ""]


def test_a_piped_answer_is_as_it_was(emulator: Emulator, terminal: Terminal) -> None:
    emulator.order(Reset(after_pieces=2))
    assert terminal.ask(emulator, "-v", stdout=(pipe := io.StringIO())) == 3
    assert pipe.getvalue() == "Green leaves\n"
    assert "" not in terminal.screen[:-1]


@CLIENTS
def test_an_interrupted_answer_that_is_not_on_its_tape(
    client: list[str], emulator: Emulator, terminal: Terminal
) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    emulator.order(Stall(after_pieces=2))
    terminal.react = {"Green leaves": interrupt}
    assert terminal.ask(emulator, "--record", "/dev/full", *client) == 130
    assert terminal.screen[:3] == ["Green leaves", "sansio-chat: interrupted", "sansio-chat: the answer is incomplete"]
    assert "No space left on device" in terminal.screen[3]


TAPE = """\
# sansio-chat tape 1

> POST https://api.openai.com/v1/chat/completions
> base: https://api.openai.com/v1
> provider: openai
>
> : {"model":"gpt-5.4-mini"}
= 2
< 503
< retry-after: 2
! end +0

> POST https://api.openai.com/v1/chat/completions
> base: https://api.openai.com/v1
> provider: openai
>
> : {"model":"gpt-5.4-mini"}
= 2
< 200
< content-type: text/event-stream
= 0
| data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":"stop"}]}
|
| data: [DONE]
|
! end +0
"""


@pytest.mark.usefixtures("terminal")
def test_a_replay_shows_what_was_waited_for(tmp_path: Path) -> None:
    tape = tmp_path / "t.tape"
    tape.write_text(TAPE)
    for speed in ("20", "5", "1"):  # on a busy machine nothing may be drawn in the first one's 0.1 s
        terminal = Terminal()
        assert terminal.run("replay", "--speed", speed, str(tape)) == 0
        assert terminal.screen == ["Hello", ""]
        shown = re.findall(r"connecting to api\.openai\.com(?:, attempt 2 of 2)? \(|retrying in ", terminal.written)
        if len(set(shown)) == 3:
            break
    assert re.search(r"connecting to api\.openai\.com \(\d s\)", terminal.written)
    assert re.search(r"retrying in \d s \(attempt 2 of 2\): the provider failed \(status 503\)", terminal.written)
    assert re.search(r"connecting to api\.openai\.com, attempt 2 of 2 \(\d s\)", terminal.written)


def test_an_answer_gives_the_terminal_no_commands(terminal: Terminal, tmp_path: Path) -> None:
    tape = tmp_path / "t.tape"
    escape = r"\u001b]0;title\u0007\u009b31m"
    tape.write_text(TAPE.replace("Hello", f"Hello{escape}").replace("= 2\n", "= 0\n"))
    assert terminal.run("replay", "--speed", "0", str(tape)) == 0
    refused = f'= 0\n: {{"error":{{"message":"no{escape}"}}}}\n'
    tape.write_text(TAPE[: TAPE.rindex("\n\n") + 1].replace("503", "401").replace("< retry-after: 2\n", refused))
    assert terminal.run("replay", "--speed", "0", str(tape)) == 5
    terminal.close()
    assert not {"\x1b", "\x07", "\x9b"}.intersection(terminal.written)
    assert "Hello�]0;title��31m" in terminal.written
    assert "no�]0;title��31m" in terminal.written
