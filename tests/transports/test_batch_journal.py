"""The output of a bulk run: its lines, and what a run that is resumed reads in them. Nothing is lost, nothing twice."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from array import array
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import (
    ConnectFailed,
    ContextTooLong,
    Finished,
    InvalidRequest,
    RefusalDelta,
    Reply,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from transports.batch import journal as journals
from transports.batch.answer import Answer
from transports.batch.journal import Journal
from transports.batch.output_lines import dump_line, read_lines

SETTINGS = "c01d77aa"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks, bounds and files")


def key_of(name: object) -> str:
    return blake2b(str(name).encode(), digest_size=8).hexdigest()


def digest_of(name: object) -> int:
    return int(key_of(name), 16)


def line_of(name: object, *, error: bool = False, again: bool = False, settings: str = SETTINGS, **fields: Any) -> Any:
    """A row of the output, whose key is that of `name`."""
    said: dict[str, Any] = {"text": f"{name}!", "finish_reason": "stop"}
    if error:
        said = {"error": {"class": "ServerFailed", "message": "no"}, "text": ""}
    head = {"row": 1, **fields, "key": key_of(name), "settings": settings}
    return {**head, **said, "tries": 1, "seconds": 0.1, **({"again": True} if again else {})}


def written(path: Path, *lines: dict[str, Any], rest: bytes = b"") -> Path:
    path.write_bytes(b"".join(map(dump_line, lines)) + rest)
    return path


def states(path: Path, *names: object, **more: Any) -> list[str]:
    with Journal(path, SETTINGS, **more) as journal:
        return [journal.history.state(digest_of(name)) for name in names]


def lines_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


# --- the lines -------------------------------------------------------------------------------------------------------


def test_an_answer_is_a_line() -> None:
    said = Reply.of([Started("r", "m-1"), TextDelta("Hi"), UsageReport(10, 20), Finished("stop")])
    answer = Answer(
        row=17, id="a1", key="9f3c41d2aa07be15", reply=said, tries=1, window=64, at=1795270182.1234, first_text=0.23149,
        seconds=0.9349, keep={"label": [1]},
    )  # fmt: skip
    assert (answer.text, answer.error) == ("Hi", None)
    assert dump_line(answer.to_line(SETTINGS)) == (
        b'{"row":17,"id":"a1","key":"9f3c41d2aa07be15","settings":"c01d77aa","text":"Hi","finish_reason":"stop",'
        b'"model":"m-1","usage":{"input":10,"output":20},"tries":1,"window":64,"at":1795270182.12,"first_text":0.231,'
        b'"seconds":0.935,"keep":{"label":[1]}}\n'
    )


def test_a_failed_row_is_a_line_with_its_error_and_the_part_that_came() -> None:
    error = ContextTooLong(400, "too long", request_id="req_1")
    answer = Answer(
        row=18, id=None, key="9f3c41d2aa07be15", error=error, reply=Reply.of([TextDelta("Hi")]), tries=2, refused=3,
        window=9, at=5.0, seconds=0.5, again=True, keep={"a": 1},
    )  # fmt: skip
    assert dump_line(answer.to_line(SETTINGS)) == (
        b'{"row":18,"key":"9f3c41d2aa07be15","settings":"c01d77aa","error":{"class":"ContextTooLong","status":400,'
        b'"message":"the conversation is too long for the model (status 400): too long [request id req_1]",'
        b'"request_id":"req_1"},"text":"Hi","tries":2,"refused":3,"window":9,"at":5.0,"seconds":0.5,"again":true,'
        b'"keep":{"a":1}}\n'
    )
    refused = ConnectFailed("no route")
    refused.hint = "try another network"
    told = Answer(row=1, id=3, error=refused).to_line(SETTINGS)
    assert told["error"] == {"class": "ConnectFailed", "message": "no route (try another network)"}
    assert (told["id"], told["text"]) == (3, "")


def test_what_an_answer_has_besides_its_text_is_in_its_line() -> None:
    events = [
        RefusalDelta("I cannot"), ToolCallDelta(0, "c1", "f", '{"a": 1}'), TextDelta("Hi"), TextDelta("Ho", choice=1),
        Finished("stop"), Finished("stop", choice=1),
    ]  # fmt: skip
    line = Answer(row=1, id=None, reply=Reply.of(events)).to_line(SETTINGS)
    assert line["refusal"] == "I cannot"
    assert line["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert line["other_texts"] == ["Ho"]
    assert "usage" not in line
    assert "reasoning" not in line


@pytest.mark.parametrize("text", ["\ud83d", "\0\x1f", "a\u2028b\u2029c\x85d", '"}\n,"again":true', "ž\udcff"])
def test_any_text_survives_in_a_line(text: str) -> None:
    line = {**line_of("a", id=text), "text": text, "keep": {text: text}}
    data = dump_line(line)
    assert json.loads(data) == line
    assert data.decode().splitlines(keepends=True) == [data.decode()]
    assert [*read_lines(data)] == [((digest_of("a"),), (SETTINGS.encode(),), [False], False)]


def test_what_json_lacks_is_null_in_a_line() -> None:
    data = dump_line({**line_of("a"), "tool_calls": [{"extra": {"score": float("nan")}}]})
    assert json.loads(data)["tool_calls"] == [{"extra": {"score": None}}]
    assert b", " not in data


_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_SCALARS = st.none() | st.booleans() | st.integers() | _FLOATS | st.text('"\\,a')


@settings(max_examples=25)
@given(_SCALARS, st.booleans(), st.booleans(), st.dictionaries(st.sampled_from(["key", "again", "error"]), _SCALARS))
def test_a_line_is_read_as_it_was_written(key: Any, error: bool, again: bool, keep: dict[str, Any]) -> None:
    line = {**line_of("a", error=error, again=again, **({} if key is None else {"id": key})), "keep": keep}
    told = ((digest_of("a"),), (SETTINGS.encode(),), [error], again)
    assert [*read_lines(dump_line(line))] == [told]
    assert [*read_lines(json.dumps(line).encode())] == [told]  # as other programs write it


# --- what is asked again ---------------------------------------------------------------------------------------------


def test_a_new_file_has_no_answers(path: Path) -> None:
    assert states(path, "a", "a") == ["new", "new"]
    assert path.read_bytes() == b""


def test_equal_rows_are_told_apart_by_count(path: Path) -> None:
    written(path, line_of("a"), line_of("b", error=True), line_of("a"))
    assert states(path, "a", "a", "a", "b", "b", "c") == ["done", "done", "new", "done", "new", "new"]


def test_rows_with_an_error_are_asked_again_where_that_is_wanted(path: Path) -> None:
    written(path, *(line_of(name, error=name != "b") for name in "abcd"), line_of("c"))
    assert states(path, "a", "b", "c", "c", "d", retry_failed=True) == ["again", "done", "done", "again", "again"]
    assert states(path, "c") == ["done"]
    assert states(path, "c", retry_failed=True) == ["done"]  # an equal line is gone: the answer stays
    with Journal(path, SETTINGS, retry_failed=True) as journal:
        assert journal.history.answered == 2
        journal.write(line_of("a", again=True))
        journal.write(line_of("c", error=True, again=True))
    names = "a", "a", "b", "c", "c", "d"
    assert states(path, *names) == ["done", "new", "done", "done", "done", "done"]
    assert states(path, *names, retry_failed=True) == ["done", "new", "done", "done", "again", "again"]


def test_an_answer_counts_though_somebody_took_its_error_out(path: Path) -> None:
    written(path, line_of("a", again=True))
    assert states(path, "a", "a") == ["done", "new"]


def test_a_line_of_another_program_counts(path: Path) -> None:
    path.write_text(json.dumps(line_of("a")) + "\r\n\n" + json.dumps(line_of("b", error=True)) + "\n")
    assert states(path, "a", "b", retry_failed=True) == ["done", "again"]


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_torn_line_is_cut_off_at_every_byte(path: Path) -> None:
    whole, torn = dump_line(line_of("a")), dump_line(line_of("b", id="ž"))
    for size in range(len(torn) - 1):
        before = b"" if size % 3 == 0 else whole
        path.write_bytes(before + torn[:size])
        assert states(path, "a", "b") == ["done" if before else "new", "new"], size
        assert path.read_bytes() == before


def test_a_line_that_lacks_its_end_alone_stays(path: Path) -> None:
    written(path, line_of("a"), line_of("b"))
    path.write_bytes(path.read_bytes()[:-1])
    with Journal(path, SETTINGS) as journal:
        assert [journal.history.state(digest_of(name)) for name in "ab"] == ["done", "done"]
        journal.write(line_of("c"))
    assert [line["text"] for line in lines_in(path)] == ["a!", "b!", "c!"]


def test_zeros_at_the_end_are_cut_off(path: Path) -> None:
    """Some file systems leave them after a power cut."""
    written(path, line_of("a"), rest=b"\0" * 5000)
    assert states(path, "a") == ["done"]
    assert lines_in(path) == [line_of("a")]


@pytest.mark.parametrize(
    "data",
    [
        b"Diary\n", b'{"prompt": "a"}\n', b'{"row":1,"text":"a"}\n', b'{"row":1}', b"\n\n", b"x" * 99, b"\0",
        b'{"key"', *(b'{"row":1,"key":"%s","settings":"","text":""}\n' % key for key in (b"-1", b"f" * 17, b"0x1")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fresh", [False, True])
def test_a_file_that_is_no_output_is_left_as_it_is(path: Path, data: bytes, fresh: bool) -> None:
    path.write_bytes(data)
    with pytest.raises(InvalidRequest, match="is no output of a batch, and is left as it is: give the output another"):
        Journal(path, SETTINGS, fresh=fresh)
    assert path.read_bytes() == data


def test_a_damaged_line_in_the_midst_is_named(path: Path) -> None:
    data = written(path, line_of("a"), line_of("b")).read_bytes().replace(b"b!", b"b\0")
    path.write_bytes(data)
    with pytest.raises(InvalidRequest, match=r"out\.jsonl, line 2, is no row of an output: it was damaged.*Delete"):
        Journal(path, SETTINGS)
    assert path.read_bytes() == data


def test_answers_of_other_settings_are_refused(path: Path) -> None:
    data = written(path, line_of("a"), line_of("b", settings="00000000")).read_bytes()
    with pytest.raises(InvalidRequest, match=r"has answers of other settings .* begin it anew with fresh=True"):
        Journal(path, SETTINGS)
    assert path.read_bytes() == data
    assert states(path, "a", fresh=True) == ["new"]
    assert path.read_bytes() == data, "until there is a row in their place"
    with Journal(path, SETTINGS, fresh=True) as journal:
        for name in "cd":
            journal.write(line_of(name))
    assert path.read_bytes() == dump_line(line_of("c")) + dump_line(line_of("d"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="is a folder: the output must be a file"):
        Journal(tmp_path, SETTINGS)
    with pytest.raises(InvalidRequest, match="the output is the path of a file, not 3"):
        Journal(3, SETTINGS)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        Journal(tmp_path / "none" / "out.jsonl", SETTINGS)
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
        for name in (tmp_path / "pipe", "/dev/null"):
            with pytest.raises(InvalidRequest, match="is a pipe or a device: the output must be a file"):
                Journal(name, SETTINGS)


@posix
def test_a_second_run_is_refused(path: Path) -> None:
    with Journal(path, SETTINGS) as journal:
        journal.write(line_of("a"))
        with pytest.raises(InvalidRequest, match="is being written by another run"):
            Journal(path, SETTINGS)
    assert states(path, "a") == ["done"]


@posix
def test_a_file_that_was_replaced_before_it_was_locked_is_not_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a run that put it in order, and ended, after this one had opened it."""
    import fcntl

    lock = fcntl.flock

    def flock(fd: int, how: int) -> None:
        if not path.stat().st_size:
            written(path.with_name("new"), line_of("a")).replace(path)
        lock(fd, how)

    path.touch()
    monkeypatch.setattr(fcntl, "flock", flock)
    with Journal(path, SETTINGS) as journal:
        assert journal.history.state(digest_of("a")) == "done"
        journal.write(line_of("b"))
    assert [line["text"] for line in lines_in(path)] == ["a!", "b!"]


def test_what_was_written_is_on_the_disk_soon(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Semaphore(0)
    sync = os.fsync

    def fsync(fd: int) -> None:
        sync(fd)
        if os.fstat(fd).st_size and threading.current_thread() is not threading.main_thread():
            synced.release()

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(journals, "_SYNC", 0.001)
    with Journal(path, SETTINGS) as journal:
        for _ in range(3):
            journal.write(line_of("a"))
            assert synced.acquire(timeout=10)
        assert not synced.acquire(timeout=0.05)  # nothing was written since


def test_a_new_file_has_its_name_on_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda fd: folders.append(stat.S_ISDIR(os.fstat(fd).st_mode)))
    with Journal(path, SETTINGS) as journal:
        assert folders == [os.name == "posix"]  # Windows opens no folders
        journal.write(line_of("a"))
    folders.clear()
    states(path)
    assert folders == []


def test_nothing_is_written_behind_a_torn_line_that_cannot_be_cut_off(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def torn(fd: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:-9])

    def ftruncate(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def run() -> None:
        with Journal(path, SETTINGS) as journal:
            with monkeypatch.context() as patch:
                patch.setattr(os, "write", torn)
                patch.setattr(os, "ftruncate", ftruncate)
                with pytest.raises(OSError, match="No space"):
                    journal.write(line_of("a"))
            journal.write(line_of("b"))

    with pytest.raises(OSError, match="Input/output error"):
        run()
    assert states(path, "a", "b") == ["new", "new"]


@posix
@pytest.mark.parametrize(("number", "opens"), [(errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_file_system_without_locks_has_none(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, opens: bool
) -> None:
    def flock(fd: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    if opens:
        assert states(path, "a") == ["new"]
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            Journal(path, SETTINGS)


def test_a_disk_that_fails_ends_the_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def run() -> None:
        with Journal(path, SETTINGS) as journal:
            while True:
                journal.write(line_of("a"))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(journals, "_SYNC", 0.001)
    with pytest.raises(OSError, match=r"out\.jsonl"):
        run()


@posix
def test_a_full_disk_leaves_whole_lines(path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    whole = written(path, line_of("a"), line_of("b")).read_bytes()
    with Journal(path, SETTINGS) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, before[1]))
        try:
            for _ in range(2):
                with pytest.raises(OSError, match=r"out\.jsonl"):
                    journal.write(line_of("c"))
                assert path.read_bytes() == whole
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) - 1, before[1]))
            with pytest.raises(OSError, match="in-order~"):
                journal.in_order(array("Q", map(digest_of, "ba")))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        journal.write(line_of("d"))
    assert [line["text"] for line in lines_in(path)] == ["a!", "b!", "d!"]
    assert [*path.parent.iterdir()] == [path]


def test_a_link_to_the_output_is_followed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with Journal(link, SETTINGS) as journal:
        journal.write(line_of("a"))
        journal.write(line_of("b"))
        journal.in_order(array("Q", map(digest_of, "ba")))
    assert link.is_symlink()
    assert [line["text"] for line in lines_in(path)] == ["b!", "a!"]


# --- runs that are killed --------------------------------------------------------------------------------------------

_WRITER = """
import sys
from transports.batch.journal import Journal
from transports.batch.rows import RowReader
path, source = sys.argv[1:]
with open(source, "rb") as lines, Journal(path, "c01d77aa") as journal:
    for row in RowReader().rows(lines):
        if journal.history.state(row.digest) != "done":
            sys.stdin.readline()
            print(row.number, flush=True)
            journal.write({"row": row.number, "key": row.key, "settings": "c01d77aa", "text": "x" * 30000})
"""


def test_a_run_that_is_killed_loses_nothing_and_asks_nothing_twice(path: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'"question {n % 70}"\n' for n in range(100)))  # the first 30 twice
    asked = Counter[str]()
    for stop in (3, 40, None):
        command = [sys.executable, "-c", _WRITER, str(path), str(source)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.PIPE) as run:
            assert run.stdin is not None
            assert run.stdout is not None
            run.stdin.write("\n" * (100 if stop is None else stop + 5))  # a few rows more than it lives to see
            run.stdin.flush()
            for count, number in enumerate(run.stdout):
                asked[number] += 1
                if count == stop:
                    run.kill()
        assert run.returncode == (0 if stop is None else -signal.SIGKILL if os.name == "posix" else 1)
    rows = [line["row"] for line in lines_in(path)]
    assert sorted(rows) == list(range(1, 101))
    assert sum(asked.values()) <= 102  # the one row that was under way at each kill


_RUN = st.tuples(st.integers(0, 9), st.booleans(), st.randoms())


@settings(max_examples=25)
@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(_RUN, max_size=4))
def test_any_history_of_runs_ends_with_each_row_once(
    tmp_path_factory: pytest.TempPathFactory, names: Sequence[str], runs: Sequence[tuple[int, bool, Any]]
) -> None:
    """Runs that ask some rows, of which some fail, each torn at any byte; then one that asks all the rest."""
    path = tmp_path_factory.mktemp("runs") / "out.jsonl"
    for count, retry, random in [*runs, (99, True, None)]:
        with Journal(path, SETTINGS, retry_failed=retry) as journal:
            told = [(name, state) for name in names if (state := journal.history.state(digest_of(name))) != "done"]
            for name, state in told[:count]:
                error = random is not None and random.random() < 0.5
                journal.write(line_of(name, error=error, again=state == "again"))
        data = path.read_bytes()
        if random is not None and data:
            path.write_bytes(data[: random.randrange(len(data) + 1)])
    found = lines_in(path)
    assert Counter(line["key"] for line in found if "again" not in line) == Counter(map(key_of, names))
    assert Counter(line["key"] for line in found if "error" not in line) == Counter(map(key_of, names))


# --- the input's order -----------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_gone_or_another_is_told(path: Path, replaced: bool, ordered: bool) -> None:
    moved = path.with_name("moved.jsonl")
    journal = Journal(path, SETTINGS)
    journal.write(line_of("a"))
    path.rename(moved)
    if replaced:
        path.write_text("another")
    with pytest.raises(OSError, match=r"moved, deleted or replaced .*; put it back first") as gone:
        journal.in_order(array("Q", [digest_of("a")])) if ordered else journal.close()
    journal.close()
    assert gone.value.filename == str(path)
    assert lines_in(moved) == [line_of("a")]
    assert not replaced or path.read_text() == "another"


def test_lines_are_put_in_the_inputs_order(path: Path) -> None:
    written(
        path, line_of("b", error=True), line_of("gone", error=True), line_of("a", n=1), line_of("c", error=True, n=1),
        line_of("b", again=True), line_of("a", n=2), line_of("c", error=True, again=True, n=2), line_of("gone too"),
    )  # fmt: skip
    path.chmod(0o640)
    leftover = path.with_name("out.jsonl.in-order~")
    leftover.write_text("of a run that was killed")
    with Journal(path, SETTINGS) as journal:
        journal.in_order(array("Q", [digest_of("a"), 0, *map(digest_of, ["new", "b", "c", "a", "b"])]))
    expected = [
        line_of("a", n=1), line_of("b", row=4), line_of("c", error=True, row=5, n=2), line_of("a", row=6, n=2),
        line_of("gone", error=True), line_of("gone too"),
    ]  # fmt: skip
    assert lines_in(path) == expected
    assert [*path.parent.iterdir()] == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert states(path, "a", "a", "b", "c", "b", retry_failed=True) == ["done", "done", "done", "again", "new"]


def test_of_equal_lines_that_are_fewer_now_the_answer_has_the_place(path: Path) -> None:
    written(path, line_of("a", error=True), line_of("b"), line_of("a", n=1))
    with Journal(path, SETTINGS) as journal:
        journal.in_order(array("Q", map(digest_of, "ab")))
    assert lines_in(path) == [line_of("a", n=1), line_of("b", row=2), line_of("a", error=True)]


_LINES = st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=12)


@settings(max_examples=25)
@given(_LINES, st.lists(st.sampled_from("abcd"), max_size=12))
def test_no_answer_falls_out(tmp_path_factory: pytest.TempPathFactory, lines: Any, names: Sequence[str]) -> None:
    path = tmp_path_factory.mktemp("order") / "out.jsonl"
    before = [line_of(name, error=error, again=again, n=n) for n, (name, error, again) in enumerate(lines)]
    written(path, *before)
    with Journal(path, SETTINGS, retry_failed=True) as journal:
        told = [journal.history.state(digest_of(name)) for name in names]
        journal.in_order(array("Q", map(digest_of, names)))
    after = lines_in(path)
    answers = [line for line in before if "error" not in line]
    assert sorted(line["n"] for line in after if "error" not in line) == [line["n"] for line in answers]
    assert not any("again" in line for line in after)
    assert Counter(states(path, *names, retry_failed=True)) == Counter(told)
    first = [line["key"] for line in after]
    there = Counter(first)
    expected = []
    for name in map(key_of, names):
        if there[name]:
            there[name] -= 1
            expected.append(name)
    assert first[: len(expected)] == expected
