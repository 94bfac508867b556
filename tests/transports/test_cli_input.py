"""What `ask` takes besides its PROMPT: what is piped in, and files."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from transports.cli import main, piped
from transports.emulator import DEFAULT_TEXT, Emulator

Capture = pytest.CaptureFixture[str]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def ask(emulator: Emulator, *arguments: str, provider: str = "openai") -> int:
    return main(["ask", "-p", provider, "--base-url", emulator.base_url(provider), "--retry", "1", *arguments])


@pytest.fixture(autouse=True)
def a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "emulated")


def content(emulator: Emulator) -> Any:
    """The content of the one message that the emulator was asked with."""
    (message,) = emulator.requests[-1].json["messages"]
    return message["content"]


@pytest.fixture
def pipe_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A function that makes standard input a pipe, socket or file with the given bytes."""
    opened: list[Any] = []

    def put(data: bytes, kind: str = "pipe", *, end: bool = True) -> Any:
        writer: Any = None
        if kind == "file":
            (tmp_path / "input").write_bytes(data)
            reader = os.open(tmp_path / "input", os.O_RDONLY | getattr(os, "O_BINARY", 0))
        elif kind == "socket":
            ours, theirs = socket.socketpair()
            reader, writer = ours.detach(), theirs.detach()
        else:
            reader, writer = os.pipe()
        if writer is not None:
            writer = open(writer, "wb", buffering=0)  # noqa: SIM115  # the fixture closes it
            writer.write(data)
            opened.append(writer)
            if end:
                writer.close()
        source = open(reader, encoding="utf-8")  # noqa: SIM115
        opened.append(source)
        monkeypatch.setattr(sys, "stdin", source)
        return writer

    yield put
    for file in opened:
        file.close()


@contextmanager
def patience(monkeypatch: pytest.MonkeyPatch, quiet: float, seconds: float) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(piped, "_QUIET", quiet)
        patch.setattr(piped, "_PATIENCE", seconds)
        yield


KINDS = ["pipe", "file", pytest.param("socket", marks=pytest.mark.skipif(os.name == "nt", reason="no descriptor"))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("words", "data", "asked"),
    [
        ([], "Grüß Gott\n", "Grüß Gott"),
        (["What is it?"], "\ufeffa,b\r\n", "a,b\n\nWhat is it?"),
        (["What is it?"], "", "What is it?"),
        (["What is it?"], " \n", "What is it?"),
        (["-"], "One\n\nTwo\n", "One\n\nTwo"),
        (["-f", "-", "What is it?"], "a,b\n", "a,b\n\nWhat is it?"),
    ],
    ids=["alone", "beside", "empty", "blank", "dash", "file-dash"],
)
def test_what_is_piped_in(
    words: list[str], data: str, asked: str, kind: str, emulator: Emulator, pipe_in: Any
) -> None:
    pipe_in(data.encode(), kind)
    assert ask(emulator, *words) == 0
    sent = content(emulator)
    assert (sent if isinstance(sent, str) else "\n\n".join(part["text"].strip() for part in sent)) == asked


@pytest.mark.parametrize("words", [[], ["-"], [""]], ids=["none", "dash", "empty"])
def test_nothing_is_asked(words: list[str], emulator: Emulator, pipe_in: Any, capsys: Capture) -> None:
    pipe_in(b"\n")
    assert ask(emulator, *words) == 2
    assert "sansio-chat: " in capsys.readouterr().err
    assert emulator.requests == []


@pytest.mark.parametrize("stdin", [None, os.devnull], ids=["closed", "null"])
def test_nothing_is_piped_in(
    stdin: str | None, emulator: Emulator, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(stdin or os.devnull, encoding="utf-8") as source:
        monkeypatch.setattr(sys, "stdin", stdin and source)
        assert ask(emulator, "Hi") == 0
        assert content(emulator) == "Hi"
        assert capsys.readouterr() == (DEFAULT_TEXT, "")
        assert ask(emulator) == 2
    assert "there is no question: give a PROMPT, or pipe one in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-", "-f", "-"], "- stands for standard input, which can be read only once"),
        (["-f", "-", "-a", "-"], "- stands for standard input, which can be read only once"),
        (["What?"], "standard input is not UTF-8 (byte 3); a PDF, an image or an audio goes with -a -"),
        (["-"], "standard input is not UTF-8 (byte 3); a PDF, an image or an audio goes with -a -"),
        (["-f", "-"], "standard input is not UTF-8 (byte 3); a PDF, an image or an audio goes with -a -"),
    ],
)
def test_what_cannot_be_read(
    words: list[str], message: str, emulator: Emulator, pipe_in: Any, capsys: Capture
) -> None:
    pipe_in(b"caf\xe9")
    assert ask(emulator, *words) == 2
    assert capsys.readouterr().err == f"sansio-chat: {message}\n"


def test_too_much(emulator: Emulator, pipe_in: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped, "_MOST", 1 << 20)
    pipe_in(bytes((1 << 20) + 1), "file")
    assert ask(emulator, "Hi") == 2
    assert capsys.readouterr().err == "sansio-chat: standard input has more than 1 MiB: no provider takes that\n"


@pytest.mark.skipif(os.name == "nt", reason="there, nothing tells that a pipe is silent")
def test_a_pipe_that_stays_silent(
    emulator: Emulator, pipe_in: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = pipe_in(b"", end=False)
    with patience(monkeypatch, 0.01, 0.02):
        assert ask(emulator, "Hi") == 2
    assert capsys.readouterr().err.splitlines() == [
        "sansio-chat: waiting for standard input; give </dev/null if there is none",
        "sansio-chat: nothing came on standard input within 0.02 s: give </dev/null if there is none, "
        "or -f - to wait for it",
    ]
    with patience(monkeypatch, 0.01, 60):
        late = threading.Timer(0.05, lambda: (writer.write(b"late"), writer.close()))
        late.start()
        assert ask(emulator, "Hi") == 0
        late.join()
    assert content(emulator) == "late\n\nHi"


def test_the_lines_of_a_loop_are_left_to_it(emulator: Emulator, pipe_in: Any, capsys: Capture) -> None:
    pipe_in(b"one\ntwo\n", "file")
    os.lseek(sys.stdin.fileno(), 4, os.SEEK_SET)  # as a shell's `read` leaves it
    assert ask(emulator, "one") == 0
    assert content(emulator) == "one"
    assert os.lseek(sys.stdin.fileno(), 0, os.SEEK_CUR) == 4
    assert "left to the program that has begun to read it" in capsys.readouterr().err
    assert ask(emulator) == 0
    assert content(emulator) == "two"


def test_files(emulator: Emulator, pipe_in: Any, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n")
    (tmp_path / "pixel").write_bytes(PNG)
    pipe_in(PNG)
    assert ask(emulator, "-s", "Be brief.", "-f", str(tmp_path / "Makefile"), "-a", "-", "-o", "temperature=0") == 0
    body = emulator.requests[-1].json
    assert body["temperature"] == 0
    system, question = body["messages"]
    assert system["content"] == "Be brief."
    assert [part["type"] for part in question["content"]] == ["text", "image_url"]
    assert question["content"][0]["text"].strip() == "Makefile:\nall:"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.txt", "a file with nothing in it: {path!r}"),
        ("data.bin", "{path!r} is no text in UTF-8, and neither its name nor its first bytes tell what it is"),
    ],
)
def test_files_that_cannot_be_sent(
    name: str, message: str, emulator: Emulator, capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "data.bin").write_bytes(b"\0\xff")
    path = str(tmp_path / name)
    assert ask(emulator, "-f", path, "What is it?") == 2
    assert capsys.readouterr().err.startswith(f"sansio-chat: {message.format(path=path)}")


def test_an_argument_that_is_no_text(emulator: Emulator, capsys: Capture) -> None:
    assert ask(emulator, "caf\udcc3\udca9") == 0  # UTF-8, but in a locale of another encoding
    assert emulator.requests[-1].json["messages"][0]["content"] == "café"
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["ask", "--emulate", "caf\udce9"])
    assert capsys.readouterr().err.endswith("argument PROMPT: it is not UTF-8; pipe it in, through iconv\n")
