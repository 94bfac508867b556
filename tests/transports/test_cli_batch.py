"""The subcommands `batch` and `report`: their messages and exit codes, and the progress."""

from __future__ import annotations

import errno
import itertools
import os
import re
import signal
import sys
import threading
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batches import Files
from ports import closed_port

from sansio_core import ConnectFailed, providers
from transports.batch.run import Summary
from transports.cli import main
from transports.cli import progress as progress_module
from transports.cli.progress import Progress, clock
from transports.cli.values import count, duration, names
from transports.emulator import Emulator, Stall, Status

Capture = pytest.CaptureFixture[str]
KEY = "sk-planted-0123456789"
ROOT = Path(__file__).parents[2]
BAD = Status(400, {}, b'{"error":{"message":"no good"}}')
NO_CREDIT = Status(429, {}, b'{"error":{"message":"Pay.","type":"insufficient_quota","code":"insufficient_quota"}}')


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def at(url: str) -> list[str]:
    return ["-p", "openai", "-m", "m", "--base-url", url, "--concurrency", "4"]


def batch(emulator: Emulator, *arguments: str) -> int:
    return main(["batch", "in.jsonl", "out.jsonl", *at(emulator.base_url("openai")), *arguments])


def said(capsys: Capture) -> list[str]:
    """The messages; times are put as T, speeds as V."""
    out, err = capsys.readouterr()
    assert out == ""
    assert KEY not in err
    lines = [line.removeprefix("sansio-chat: ") for line in err.splitlines()]
    return [re.sub(r"in [0-9.:]+ s \([0-9.,]+ rows/s; ", "in T (V; ", line) for line in lines]


def test_it_is_asked_once(emulator: Emulator, tmp_path: Path, capsys: Capture) -> None:
    files = Files(tmp_path, [{"text": "a", "label": 7, "id": "x"}, {"text": "b"}])
    arguments = ["--template", "Say {text}", "--keep", "label, other", "-s", "Brief", "-o", "temperature=0"]
    assert batch(emulator, *arguments, "--rate", "9000/m", "--order", "input", "--concurrency", "1") == 0
    missing = "warning: line 1 has no field 'other', which is to be kept"
    assert said(capsys) == [missing, "2 rows answered in T (V; 12 tokens in, 64 out)"]
    assert [line.get("keep") for line in files.lines] == [{"label": 7}, None]
    body = emulator.requests[0].json
    assert (body["temperature"], [message["content"] for message in body["messages"]]) == (0, ["Brief", "Say a"])
    assert batch(emulator, *arguments) == 0
    assert said(capsys) == [missing, "every row is done already: 2 answered"]
    assert batch(emulator, *arguments, "-q", "--fresh") == 0
    assert said(capsys) == [missing]
    assert emulator.received == 4
    assert batch(emulator, "--template", "Tell {text}") == 2
    assert said(capsys)[0].endswith("give the output another name, or begin it anew with --fresh, which deletes them")


def test_rows_that_fail(emulator: Emulator, tmp_path: Path, capsys: Capture) -> None:
    files = Files(tmp_path, 3)
    emulator.order(None, BAD, BAD)
    assert batch(emulator, "--concurrency", "1") == 8
    failed = "1 row answered, 2 failed (2 BadRequest) in T (V; 2 tokens in, 32 out)"
    first = "the first of them is row 2: the provider could not use the request (status 400): no good"
    again = "out.jsonl has their errors; --retry-failed asks these 2 rows again"
    assert said(capsys) == [failed, first, again]
    assert batch(emulator) == 8
    assert said(capsys) == ["every row is done already: 1 answered, 2 failed", again]
    emulator.order(None, BAD)
    assert batch(emulator, "--retry-failed", "--concurrency", "1") == 8
    assert said(capsys)[-1] == "out.jsonl has their errors; --retry-failed asks this row again"
    files.input.write_text("\n".join(files.input.read_text().splitlines()[:2]))
    assert batch(emulator) == 0, "the row that failed is in the input no more"
    assert said(capsys) == ["every row is done already: 2 answered"]


def test_lines_that_cannot_be_used(emulator: Emulator, tmp_path: Path, capsys: Capture) -> None:
    Files(tmp_path, [{"promt": "b"}, {"prompt": "a"}])
    assert batch(emulator) == 8
    _, first, advice = said(capsys)
    assert first.startswith("it is row 1: it has neither 'prompt' nor 'messages' (its fields: promt")
    assert advice == "out.jsonl has their errors; once the input is mended, the same command asks the new lines"
    (tmp_path / "in.jsonl").write_text("\n")
    assert batch(emulator, "--fresh") == 0
    assert said(capsys) == ["the input has no rows"]


@pytest.mark.parametrize(
    ("fault", "arguments", "code", "message"),
    [
        (Status(401, {}, b"{}"), [], 5, "the provider did not accept the key (status 401)"),
        (NO_CREDIT, [], 5, "the account's quota or credit is used up (status 429): Pay."),
        (Status(429, {"retry-after": "40"}, b"{}"), ["--max-wait", "30s"], 5, "--max-wait is 30 s]"),
        (None, ["--base-url", "CLOSED", "--retry", "1"], 3, "no connection to 127.0.0.1:"),
    ],
    ids=["key", "quota", "hold", "host"],
)
def test_what_stops_a_run(
    fault: Status | None, arguments: list[str], code: int, message: str, emulator: Emulator, tmp_path: Path,
    capsys: Capture,
) -> None:  # fmt: skip
    files = Files(tmp_path, 5)
    assert batch(emulator, "-m", "other", "-q") == 0
    before = files.lines
    if fault is not None:
        emulator.order(fault, always=True)
    url = f"http://127.0.0.1:{closed_port()}/v1"
    assert batch(emulator, "--fresh", *(word.replace("CLOSED", url) for word in arguments)) == code
    stop, how, advice = said(capsys)
    assert stop.startswith("stopped: ")
    assert message in stop
    assert how == "no row was answered"
    mended = "once the key is right, " if "the key" in message else ""
    assert advice == f"the rows that are not done stay open: {mended}the same command goes on with them"
    assert files.lines == before, "what is there falls with the first row that is asked, and none was"


def test_a_stop_tells_all_that_were_answered_before(emulator: Emulator, tmp_path: Path, capsys: Capture) -> None:
    Files(tmp_path, 3)
    assert batch(emulator, "-q") == 0
    Files(tmp_path, [{"id": number, "prompt": f"Question {number}"} for number in (0, 7, 8, 9, 1, 2)])
    emulator.order(Status(401, {}, b"{}"), always=True)
    assert batch(emulator, "--concurrency", "1") == 5
    assert said(capsys)[1] == "as before: 3 answered"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothere", "out"], "there is no input 'nothere'"),
        (["in.jsonl", "-"], "the output must be a file, which a run that is resumed reads again"),
        (["in.jsonl", "in.jsonl"], "the output is the input"),
        (["in.jsonl", "notes"], "{}/notes is no output of a batch, and is left as it is"),
        (["in.jsonl", "out", "--report", "notes"], "'notes' is there, and is no page of HTML"),
        (["in.jsonl", "out", "--report", "out"], "--report: OUT has the answers: give the page another name"),
        (["in.jsonl", "out", "--report", "-"], "the report must be a file: give it a name, as out.html"),
        (["in.jsonl", "out", "--report", "no/x"], "there is no folder 'no' for the report: make it first"),
        (["in.jsonl", "out", "--concurrency", "999999999"], "--concurrency 999999999 needs 1000000063 open files"),
        (["in.jsonl", "out", "-o", "keep=a"], "--option keep is not for options of the model; see `sansio-chat batch"),
        (["in.jsonl", "out", "-o", "verify=false"], "--option verify is not for options of the model"),
        (["in.jsonl", "out", "-o", "heat=1"], "openai does not know the option 'heat'"),
        (["in.jsonl", "out", "--template", "Say"], "the template names no field of a row"),
        (["notes", "out"], "the input begins with 'my notes': CSV, or plain text, and must be JSON lines"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_refused(arguments: list[str], message: str, tmp_path: Path, capsys: Capture) -> None:
    Files(tmp_path, 1)
    (tmp_path / "notes").write_text("my notes\n")
    assert main(["batch", *arguments, *at("http://127.0.0.1:9/v1")[:6]]) == 2
    assert said(capsys)[0].startswith(message.format(tmp_path))
    assert (tmp_path / "notes").read_text() == "my notes\n"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("batch --retry 0", "'0' is no whole number from 1"),
        ("batch --retry x", "'x' is no whole number from 1"),
        ("batch --concurrency 0", "'0' is no whole number from 1"),
        ("batch --timeout 0", "'0' leaves no time for an answer: a number of seconds, or 30s, 10m, 1h, 2d"),
        ("batch --timeout 99999d", "'99999d' is no duration: a number of seconds"),
        ("batch --max-wait -1", "'-1' is no duration: a number of seconds, or 30s, 10m, 1h, 2d"),
        ("batch --rate 0", "'0' is no rate: N/s, N/m, N/h or N/d"),
        ("emulate --burst 0", "'0' is no whole number from 1"),
    ],
)
def test_a_value_of_no_use_is_told_with_its_option(argument: str, words: str, capsys: Capture) -> None:
    command, option, value = argument.split()
    with pytest.raises(SystemExit, match="2"):
        main([command, *(("in", "out") if command == "batch" else ()), option, value])
    assert f"error: argument {option}: {words}" in capsys.readouterr().err


def test_an_option_of_the_model_given_as_one_of_the_command(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["batch", "in", "out", "--max-tokens", "9"])
    words = "error: there is no option --max-tokens: -o max_tokens=VALUE gives the model's options\n"
    assert capsys.readouterr().err.endswith(words)


@pytest.mark.skipif(sys.platform == "win32" or not os.geteuid(), reason="who may write everywhere")
def test_a_report_where_nothing_can_be_written_is_told_at_once(tmp_path: Path, capsys: Capture) -> None:
    Files(tmp_path, 1)
    (tmp_path / "no").mkdir(0o555)
    assert main(["batch", "in.jsonl", "out", "--report", "no/x", *at("http://127.0.0.1:9/v1")[:6]]) == 2
    assert said(capsys) == ["the folder 'no' cannot be written to: give the report another one"]


def test_an_output_that_cannot_be_put_into_order(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    files = Files(tmp_path, 5)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.replace", full)
    assert batch(emulator, "--order", "input") == 1
    stopped, how, advice = said(capsys)
    assert stopped == f"stopped: {tmp_path}/out.jsonl.in-order~: No space left on device"
    assert how.startswith("5 rows answered in T")
    assert advice.startswith("out.jsonl has all rows, in the order in which they were done; the same command puts them")
    assert len(files.lines) == 5


def test_a_template_of_several_words_without_quotes(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["batch", "in.jsonl", "out.jsonl", "--template", "Summarise:", "{text}"])
    assert capsys.readouterr().err.endswith("there are too many words: a --template of several goes in quotes\n")


def test_an_emulators_answers_are_not_the_hosts_own(emulator: Emulator, tmp_path: Path, capsys: Capture) -> None:
    files = Files(tmp_path, 1)
    providers.register_host("mine", url=emulator.base_url("openai"), key="OPENAI_API_KEY", model="m")
    with Emulator() as other:
        assert main(["batch", "in.jsonl", "out.jsonl", "-p", "mine", "--base-url", other.base_url("openai")]) == 0
    before = files.lines
    assert main(["batch", "in.jsonl", "out.jsonl", "-p", "mine"]) == 2
    assert "answers of other settings (another model, template, system text, option or host)" in said(capsys)[-1]
    assert files.lines == before


@pytest.mark.usefixtures("no_plots")
def test_a_report(emulator: Emulator, tmp_path: Path, capsys: Capture) -> None:
    Files(tmp_path, 2)
    plots = ', without plots: they need pip install "sansio-chat[report]"'
    assert batch(emulator, "--report", "page.html") == 0
    done = "2 rows answered in T (V; 4 tokens in, 64 out)"
    assert said(capsys) == [done, f"the report is in {tmp_path}/page.html{plots}"]
    assert main(["report", "out.jsonl"]) == 0
    assert said(capsys) == [f"the report of out.jsonl is in {tmp_path}/out.html{plots}"]
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "out.html").read_bytes()


def test_a_pipe_that_waits_holds_nothing_up(
    emulator: Emulator, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path, [])
    reader, writer = os.pipe()
    got: list[int] = []

    def write() -> None:
        with open(writer, "w") as pipe:
            for number in range(3):
                pipe.write(f'"Question {number}"\n')
                pipe.flush()
                emulator.wait_for(lambda e, number=number: e.received > number)
                while len(files.lines) <= number:  # the test's own time is the bound
                    threading.Event().wait(0.005)
                got.append(number)

    thread = threading.Thread(target=write, daemon=True)
    with open(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        thread.start()
        assert main(["batch", "-", "out.jsonl", *at(emulator.base_url("openai"))]) == 0
        thread.join()
    assert got == [0, 1, 2]
    assert said(capsys)[-1].startswith("3 rows answered in T")


# --- the progress ----------------------------------------------------------------------------------------------------


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "_LOOK", 0.001)
    monkeypatch.setattr(progress_module, "_LINE", 0.002)


class Screen:
    """What a Progress says and draws, and how it is waited for."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.drawn: list[str] = []
        self._changed = threading.Condition()

    def say(self, line: str) -> None:
        self._add(self.said, line)

    def draw(self, line: str) -> None:
        self._add(self.drawn, line)

    def _add(self, lines: list[str], line: str) -> None:
        with self._changed:
            lines.append(line)
            self._changed.notify_all()

    def wait_for(self, words: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(words in line for line in [*self.said, *self.drawn]), 10)


def going(**fields: Any) -> Summary:
    return Summary(**{"window": 8, "in_flight": 8, **fields})


@pytest.mark.usefixtures("seen")
def test_plain_lines(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('"a"\n' * 1233 + '"a"')
    screen, summary = Screen(), Summary()
    with Progress(lambda: summary, str(path), screen.say):
        screen.wait_for("the output is being read")
        summary = going(answered_before=120, skipped=121, rows=2)
        screen.wait_for("123 of 1,234 rows, 0 rows/s, 8 at once")
        summary = going(skipped=121, rows=102, failed=3, refused=2, output_tokens=9000)
        screen.wait_for("223 of 1,234 rows, 3 failed, ")
        screen.wait_for(" tokens/s, 8 at once, 2 refused")
        summary = going(rows=102, held=34.0)
        screen.wait_for("102 of 1,234 rows, waiting 34 s, ")
        summary = going(rows=102, away=ConnectFailed("refused"))
        screen.wait_for("refused: everybody waits for it")
        summary = going(rows=102, interrupted=True)
        screen.wait_for("102 of 1,234 rows, 8 in flight may end, ")
        summary = going(rows=1234, ordering=True)
        screen.wait_for("put into the order of the input")
        summary = going(rows=1300)  # the file has grown
        screen.wait_for("1,300 rows, ")
    assert [line for line in screen.said if " rows, " not in line and not line.startswith("the output is being")] == [
        "120 rows answered already, and not asked again",
        "the server asks to slow down: everybody waits 34 s",
        "refused: everybody waits for it",
        "no new rows; 8 in flight may end (10 s), Ctrl-C again cancels them",
    ]


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("drawn", [True, False])
def test_rows_that_are_passed_over_are_no_slow_rows(drawn: bool) -> None:
    screen, skipped = Screen(), itertools.count(1000, 1000)
    with Progress(lambda: going(in_flight=0, skipped=next(skipped)), "-", screen.say, screen.draw if drawn else None):
        screen.wait_for("passing over rows that are done: ")
    assert all(line.startswith("passing over") for line in screen.said + screen.drawn)


@pytest.mark.usefixtures("seen")
def test_where_nothing_is_asked_nothing_is_said_not_to_be_asked_again() -> None:
    screen = Screen()
    with Progress(lambda: going(answered_before=2, skipped=2, in_flight=0), "-", screen.say):
        screen.wait_for("2 rows, ")
    assert [line for line in screen.said if "answered already" in line] == []


def test_the_speed_of_slow_rows_is_that_of_more_than_a_minute() -> None:
    progress = Progress(Summary, "-", print)
    for now in range(0, 301, 100):
        progress._mark(going(rows=now // 50), now)
    assert progress._speeds(going(rows=6), 300) == (0.02, 0)
    for now in range(301, 400):
        progress._mark(going(rows=now - 200), now)
    assert progress._speeds(going(rows=200), 400) == (1, 0)


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("width", [100, 30])
def test_a_bar(width: int, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('"a"\n' * 200)
    screen, summary = Screen(), going(rows=50, failed=1)
    with Progress(lambda: summary, "in.jsonl", screen.say, screen.draw, lambda: width):
        screen.wait_for(" of 200 rows")
        summary = going(rows=100, failed=1)
        screen.wait_for("100 of 200 rows" + (", 1 failed, " if width > 50 else ""))
    assert re.fullmatch(r" 50% █+[▏▎▍▌▋▊▉]? +100 of 200 rows.*", screen.drawn[-1])
    assert len(screen.drawn[-1]) == width
    assert screen.said == []


@pytest.mark.usefixtures("seen")
def test_without_tqdm_a_terminal_has_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    screen = Screen()
    with Progress(lambda: going(rows=5), "-", screen.say, screen.draw):
        screen.wait_for("5 rows, 0 rows/s, 8 at once")
    assert screen.drawn == []


@pytest.mark.usefixtures("seen")
def test_a_pipe_is_not_counted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    screen = Screen()
    with Progress(lambda: going(rows=5), "fifo", screen.say):
        screen.wait_for("5 rows, ")
        with pytest.raises(OSError, match="No such device"):  # nobody reads it, who would take the run's lines
            os.open("fifo", os.O_WRONLY | os.O_NONBLOCK)


def test_durations() -> None:
    assert list(map(clock, (0.2, 34, 59.1, 341, 3941))) == ["1 s", "34 s", "1:00", "5:41", "1:05:41"]
    assert list(map(duration, ("90", ".5", "30s", "1.5m", "1h", "2d"))) == [90, 0.5, 30, 90, 3600, 172_800]
    for text in ("", "s", "-1", "1y", "nan", "inf", "1 0"):
        with pytest.raises(ArgumentTypeError, match="is no duration: a number of seconds, or 30s, 10m, 1h, 2d"):
            duration(text)
    assert count("64") == 64
    with pytest.raises(ArgumentTypeError, match="'0' is no whole number from 1"):
        count("0")
    assert names("text, label,") == ["text", "label"]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Any]:
    """A function that starts the command on a terminal."""
    pexpect = pytest.importorskip("pexpect")
    if not hasattr(pexpect, "spawn"):
        pytest.skip("there is no such terminal here")
    children = []

    def start(*arguments: str) -> Any:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
        command = ["-m", "transports", "batch", "in.jsonl", "out.jsonl", *arguments]
        child = pexpect.spawn(sys.executable, command, env=env, timeout=30, encoding="utf-8", dimensions=(24, 80))
        children.append(child)
        return child

    yield start
    for child in children:
        child.delayafterclose = child.ptyproc.delayafterclose = 0
        child.close(force=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals that one sends to oneself")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("fcntl.flock", ["interrupted before a row was asked: the same command goes on"]),
        (
            "os.replace",
            ["interrupted: out.jsonl has all rows, in the order in which they were done; the same command puts them "
             "into the order of the input, and asks nothing"],
        ),
    ],
    ids=["the output is read", "it is put into order"],
)  # fmt: skip
def test_a_signal_while_no_row_is_asked(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, stage: str,
    message: list[str], number: signal.Signals,
) -> None:  # fmt: skip
    files, before = Files(tmp_path, 9), signal.getsignal(number)
    assert batch(emulator) == 0
    lines, asked = sorted(files.output.read_text().splitlines()), emulator.received
    said(capsys)
    with monkeypatch.context() as patch:
        patch.setattr(stage, lambda *_: os.kill(os.getpid(), number))
        assert batch(emulator, "--order", "input", "-q") == 130
    assert said(capsys) == message
    assert sorted(files.output.read_text().splitlines()) == lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]
    assert signal.getsignal(number) == before
    assert batch(emulator, "--order", "input") == 0
    assert [line["id"] for line in files.lines] == list(range(9))
    assert emulator.received == asked


def test_a_terminal(terminal: Any, emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 200)
    emulator.order(*[None] * 20, Stall(where="headers"), Stall(where="headers"), always=False)
    child = terminal(*at(emulator.base_url("openai")))
    child.expect(r"10% █.* of 200 rows, .* 4 at once|\d+% .* of 200 rows")
    emulator.wait_for(lambda e: e.held == 2, timeout=30)
    child.setwinsize(24, 40)
    child.sendintr()
    child.expect(r"no new rows; [2-4] in flight may end \(10 s\), Ctrl-C again cancels them")
    child.sendintr()
    child.expect("the rows that are not done stay open: the same command goes on with them")
    child.expect_exact("\r\n")
    child.wait()
    assert child.exitstatus == 130
    assert 20 <= len(files.lines) < 200
