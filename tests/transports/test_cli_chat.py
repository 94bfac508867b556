"""The subcommand `chat`: with lines that are piped in, and on a terminal."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import until_it_waits

from transports.cli import main
from transports.cli.conversation import Conversation
from transports.cli.lines import has_extra
from transports.emulator import Emulator, Stall, Status

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]
Talk = Callable[..., int]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which conversations are kept."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "sansio-chat" / "conversations"


@pytest.fixture
def echo() -> Iterator[Emulator]:
    """An emulator whose answers quote the question."""

    def reply(prompt: str) -> str:  # of a longer conversation "User: …\nAssistant: …\nUser: …\nAssistant:"
        return f"You said {prompt.rpartition('User: ')[2].removesuffix(chr(10) + 'Assistant:')}."

    with Emulator(reply=reply) as emulator:
        yield emulator


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Talk:
    """A function that pipes lines into `chat`."""

    def run(lines: str | bytes, *arguments: str) -> int:
        typed = lines if isinstance(lines, bytes) else lines.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
        return main(["chat", *arguments])

    return run


def at(emulator: Emulator, provider: str = "openai") -> list[str]:
    os.environ["A_KEY"] = "emulated"
    url = emulator.base_url(provider)
    return ["-p", provider, "--base-url", url, "--api-key-env", "A_KEY", "--retry", "1"]


def asked(emulator: Emulator) -> list[Any]:
    """The messages of the last question, as role and content."""
    return [(message["role"], message["content"]) for message in emulator.requests[-1].json["messages"]]


# --- lines that are piped in -----------------------------------------------------------------------------------------


def test_a_conversation(echo: Emulator, talk: Talk, capsys: Capture, data: Path) -> None:
    assert talk("\ufeffGrüß Gott\r\n\nTwo\n /etc is what?\n", *at(echo), "-s", "Be brief.", "-o", "temperature=0") == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("You said Grüß Gott.\nYou said Two.\nYou said /etc is what?.\n", "")
    history = [("user", "Grüß Gott"), ("assistant", "You said Grüß Gott."), ("user", "Two")]
    assert asked(echo)[:4] == [("system", "Be brief."), *history]
    assert echo.requests[-1].json["temperature"] == 0
    (file,) = data.iterdir()
    first, *lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert first["provider"] == "openai"
    assert lines[1:4] == [{"role": role, "content": content} for role, content in history]
    assert "emulated" not in file.read_text("utf-8")
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_commands(echo: Emulator, talk: Talk, capsys: Capture) -> None:
    assert talk("One\n/undo\nTwo\n/model gpt-5.4\n/MODEL\nThree\n/exit\nFour\n", *at(echo)) == 0
    out, err = capsys.readouterr()
    answers = ["You said One.", "You said Two.", "openai, gpt-5.4", "openai, gpt-5.4", "You said Three."]
    assert (out.splitlines(), err) == (answers, "sansio-chat: dropped: One\n")
    assert asked(echo) == [("user", "Two"), ("assistant", "You said Two."), ("user", "Three")]
    assert echo.requests[-1].json["model"] == "gpt-5.4"
    assert talk("/help\n", *at(echo)) == 0
    assert "/save FILE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("/modle", 2, "there is no command /modle (did you mean 'model'?); /help lists them, and a line with a blank"),
        ("/undo", 2, "there is no question to drop"),
        ("/file", 2, "/file takes the path of a file, or a URL"),
        ("/file gone", 1, "gone: No such file"),
        ("/save", 2, "/save takes the name of a new file"),
        ("/save /nowhere/a.md", 1, "/nowhere/a.md: No such file"),
        ("caf\udce9", 2, "standard input is not UTF-8"),
    ],
)
def test_lines_that_cannot_be_used(
    line: str, code: int, message: str, echo: Emulator, talk: Talk, capsys: Capture
) -> None:
    assert talk(f"{line}\nHi\n".encode(errors="surrogateescape"), *at(echo)) == code
    assert capsys.readouterr().err.startswith(f"sansio-chat: {message}")
    assert echo.requests == []


def test_files_go_with_the_next_question(echo: Emulator, talk: Talk, capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A")
    markdown, values = tmp_path / "b.md", tmp_path / "b.json"
    lines = f"/file {tmp_path / 'a.txt'}\nOne\nTwo\n/save {markdown}\n/save {values}\n/save {values}\n"
    assert talk(lines, *at(echo, "ollama")) == 1
    assert asked(echo)[0] == ("user", "a.txt:\nA\n\nOne")
    assert asked(echo)[-1] == ("user", "Two")
    assert capsys.readouterr().err.splitlines()[-1] == f"sansio-chat: {values}: File exists"
    assert markdown.read_text("utf-8").startswith("## You\n\n*a.txt*\n\nOne\n\n## Answer\n\nYou said ")
    assert [message["role"] for message in json.loads(values.read_text())] == ["user", "assistant"] * 2


def test_an_error_ends_what_is_piped_in(echo: Emulator, talk: Talk, capsys: Capture, data: Path) -> None:
    echo.order(None, Status(status=429))
    assert talk("One\nTwo\nThree\n", *at(echo)) == 5
    out, err = capsys.readouterr()
    assert out == "You said One.\n"
    assert err.startswith("sansio-chat: the provider's rate limit was reached (status 429)")
    assert len(echo.requests) == 2
    assert talk("Four\n", "-c", "--retry", "1") == 0
    assert asked(echo) == [("user", "One"), ("assistant", "You said One."), ("user", "Four")]
    assert len(list(data.iterdir())) == 1


def test_going_on(echo: Emulator, talk: Talk, capsys: Capture, data: Path) -> None:
    assert talk("One\n", "-c") == 2
    assert capsys.readouterr().err == "sansio-chat: there is no conversation to go on with: begin one without -c\n"
    assert talk("One\n", *at(echo), "-m", "gpt-5.4", "-o", "temperature=0.5", "-o", "seed=1") == 0
    assert talk("Two\n", "-c", "-o", "seed=2", "-s", "Be brief.") == 0
    body = echo.requests[-1].json
    assert (body["model"], body["temperature"], body["seed"]) == ("gpt-5.4", 0.5, 2)
    assert [role for role, _ in asked(echo)] == ["system", "user", "assistant", "user"]
    assert talk("Three\n", "-c", "-p", "yqcloud", "--base-url", echo.base_url("yqcloud"), "-o", "temperature=null") == 0
    (file,) = data.iterdir()
    first = json.loads(file.read_text("utf-8").splitlines()[0])
    assert (first["provider"], first["model"], first["api_key_env"]) == ("yqcloud", None, None)
    file.write_text("{}\nno JSON\n")
    capsys.readouterr()
    assert talk("Two\n", "-c") == 2
    assert capsys.readouterr().err == f"sansio-chat: {file}, line 2: this is no line of a conversation\n"


def test_what_is_not_kept(talk: Talk, echo: Emulator, capsys: Capture, data: Path) -> None:
    assert talk("One\n", "--emulate") == 0
    assert not data.exists()
    data.parents[1].touch()
    capsys.readouterr()
    assert talk("One\nTwo\n", *at(echo)) == 0
    out, err = capsys.readouterr()
    assert out == "You said One.\nYou said Two.\n"
    assert err.startswith(f"sansio-chat: this conversation is not kept: {data.parents[1]}")
    assert err.count("\n") == 1


def test_two_commands_go_on_with_one_conversation(
    echo: Emulator, talk: Talk, capsys: Capture, data: Path
) -> None:
    assert talk("One\n", *at(echo)) == 0
    first = Conversation.last()
    assert talk("Two\n", "-c") == 0
    assert capsys.readouterr().err == ""
    first.messages.append({"role": "user", "content": "Three"})
    first.keep()
    first.keep()
    assert capsys.readouterr().err.count("it is kept as one of its own") == 1
    told = [[line["content"] for line in map(json.loads, file.read_text().splitlines()[1:])] for file in data.iterdir()]
    assert sorted(told) == [["One", "You said One.", "Three"], ["One", "You said One.", "Two", "You said Two."]]


# --- Markdown --------------------------------------------------------------------------------------------------------

PIECES = [
    "# Title\n", "text", "**bold**", "*", "\n", "\n\n", "- one\n", "1. two\n", "```\n", "code\n", "    indented\n",
    "a | b\n", "---|---\n", "1 | 2\n", "---\n", "===\n", "> quote\n", "<b>", "List<String>", "[1]: http://x.example\n",
    "[a](http://x.example)", "\r\n", "\x1b[2J", "  ",
]  # fmt: skip


def rendered(pieces: list[str], *, slow: bool = True) -> str:
    """The pieces as a terminal shows them; `slow`: they come so slowly that each is looked at."""
    from rich.console import Console

    from transports.cli.markdown import MarkdownText

    out = io.StringIO()
    view = MarkdownText(Console(file=out, width=40, _environ={}), out)
    for piece in pieces:
        if slow:
            view._looked = -1.0
        view.write(piece)
    view.end(None)
    return out.getvalue()


@settings(max_examples=20)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data())
def test_markdown_is_the_same_at_every_cut(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert rendered([part for part in parts if part]) == rendered([text])
    assert "\x1b" not in rendered([text])


def test_a_long_list_is_not_parsed_at_every_line() -> None:
    began = time.thread_time()
    assert rendered(["- one\n"] * 600, slow=False).count("• one") == 600
    assert time.thread_time() - began < 3  # it took eleven seconds


def test_markdown_hides_no_text() -> None:
    text = "Of List<String>\nsee [x][1] and [y](http://y.example)\n\n<b>\n\n[1]: http://x.example\n"
    assert rendered([text]) == (
        "Of List<String>\nsee [x][1] and y (http://y.example)\n\n<b>\n\n[1]: http://x.example\n"
    )


def test_markdown_redraws_no_line_above_the_top_edge() -> None:
    from rich.console import Console

    from transports.cli.markdown import MarkdownText

    out = io.StringIO()
    view = MarkdownText(Console(file=out, width=40, height=8, force_terminal=True, color_system=None, _environ={}), out)
    for n in range(30):
        view.write(f"- line {n}\n")
        view._live.refresh()
        assert out.getvalue().endswith(f"line {n}")
    view.write("\nThe end.")
    view.end(None)
    redrawn = re.findall(r"(?:\x1b\[1A(?:\x1b\[2K)?)+", out.getvalue())
    assert max(text.count("\x1b[1A") for text in redrawn) < 8
    last = out.getvalue().rpartition("line 0\n")[2]
    assert re.findall(r"line (\d+)\n", last) == [str(n) for n in range(1, 30)]


# --- on a terminal ---------------------------------------------------------------------------------------------------

WITHOUT_EXTRA = "import sys; sys.modules['rich'] = None; from transports.cli import main; raise SystemExit(main())"


@pytest.fixture
def terminal() -> Iterator[Callable[..., Any]]:
    """A function that runs `chat` on a terminal."""
    pexpect = pytest.importorskip("pexpect")
    if not hasattr(pexpect, "spawn"):
        pytest.skip("there is no such terminal here")
    children = []

    def run(*arguments: str, code: str = "", **environment: str) -> Any:
        how = ["-c", code] if code else ["-m", "transports"]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **environment}
        child = pexpect.spawn(
            sys.executable, [*how, "chat", *arguments], env=env, timeout=40, encoding="utf-8", dimensions=(24, 80)
        )
        child.delaybeforesend = None
        children.append(child)
        return child

    yield run
    for child in children:
        child.delayafterclose = child.ptyproc.delayafterclose = 0
        child.close(force=True)


READY = "\x1b\\[\\?2004h"  # the editor lets the terminal mark what is pasted


def test_a_terminal(terminal: Any, echo: Emulator, data: Path) -> None:
    echo.order(None, Status(status=429), None, Stall(after_pieces=2))
    child = terminal(*at(echo))
    child.expect_exact("/help lists the commands, Ctrl-D leaves.")
    for typed, seen in (
        ("\x1b[200~*One*\nline\x1b[201~\r", "said \x1b[3mOne\x1b[0m"),  # pasted
        ("Two\r", "(status 429)"),
        ("\r", "You said Two."),  # the line that failed is there again
        ("/bar\r", "there is no command /bar"),
        ("Three\r", "You said"),
        ("\x03", "sansio-chat: interrupted"),
        ("cleared\x03Four\r", "You said Four."),
        ("\x03", "Ctrl-C again, or Ctrl-D, leaves"),
    ):
        if "interrupted" in seen:
            echo.wait_for(lambda e: e.held == 1, timeout=40)
            until_it_waits(child.pid)
        else:
            child.expect(READY)
        child.send(typed)
        child.expect_exact(seen)
        assert "^C" not in child.before
    child.expect(READY)
    child.send("\x04")
    assert child.read() is not None  # to its end
    assert child.wait() == 0
    assert [content for _, content in asked(echo)][::2] == ["*One*\nline", "Two", "Three", "Four"]
    assert asked(echo)[5] == ("assistant", "You said […]")
    assert len(list(data.iterdir())) == 1


def test_a_plain_terminal(terminal: Any, echo: Emulator) -> None:
    child = terminal(*at(echo), code=WITHOUT_EXTRA)
    child.expect_exact('pip install "sansio-chat[cli]"')
    child.expect_exact("> ")
    child.send("*One*\r")
    child.expect_exact("You said *One*.")
    child.expect_exact("> ")
    until_it_waits(child.pid)
    child.sendintr()
    child.expect_exact("Ctrl-C again, or Ctrl-D, leaves")
    until_it_waits(child.pid)
    child.sendintr()
    assert child.read() is not None  # to its end
    assert child.wait() == 0


def test_a_dumb_terminal_has_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert has_extra()
    monkeypatch.setenv("TERM", "dumb")
    assert not has_extra()
