"""Batch, from a file to a file, against the emulator: each way that a run can go, and that it goes on from there."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from batches import Files, settings

from sansio_core import (
    AuthenticationFailed,
    ConnectFailed,
    InvalidRequest,
    Limits,
    NotFound,
    OptionIgnored,
    QuotaExhausted,
    RateLimited,
    RetryPolicy,
)
from transports.batch import Batch, Summary, map_prompts
from transports.emulator import DEFAULT_TEXT, Emulator
from transports.emulator.faults import Hang, InBandError, Reset, Stall, Status
from transports.emulator.systems import ErrorResponse

NO_CREDIT = Status(429, body=b'{"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}')


def refusal(status: int = 429, after: str = "") -> Status:
    fields = {"retry-after": after} if after else {"retry-after-ms": "20"}
    return Status(status, fields, b'{"error": {"message": "slow down"}}')


def test_every_row_is_answered_once_and_a_second_run_asks_nothing(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 30)
    summary = files.batch(emulator, keep=["prompt"]).run()
    assert (summary.rows, summary.answered, summary.failed, summary.skipped) == (30, 30, 0, 0)
    assert files.answered == list(range(30))
    assert all(line["keep"]["prompt"] == f"Question {line['id']}" for line in files.lines)
    assert summary.input_tokens == sum(line["usage"]["input"] for line in files.lines) > 0
    asked = emulator.received
    batch = files.batch(emulator, keep=["prompt"])
    for _ in range(2):  # the same object as well
        again = batch.run()
        assert (again.rows, again.skipped, again.answered_before, emulator.received) == (0, 30, 30, asked)


def test_rows_may_be_added_and_moved(emulator: Emulator, tmp_path: Path) -> None:
    Files(tmp_path, 5).batch(emulator).run()
    rows: list[Any] = [{"id": number, "prompt": f"Question {number}"} for number in (7, 4, 3, 6, 1, 0, 0)]
    files = Files(tmp_path, rows)
    assert files.batch(emulator).run().rows == 3  # a second 0 is a row of its own
    assert files.answered == [0, 0, 1, 2, 3, 4, 6, 7]


def test_nothing_is_sent_while_everybody_waits(tmp_path: Path) -> None:
    times: list[float] = []
    files = Files(tmp_path, 3)
    with Emulator(on_request=lambda served: times.append(time.monotonic())) as emulator:
        emulator.order(None, Status(429, {"retry-after-ms": "300"}, b"{}"))
        summary = files.batch(emulator, retry=1).run()  # a refusal costs no attempt
    assert (summary.answered, summary.failed, summary.refused) == (3, 0, 1)
    assert sum(line.get("refused", 0) for line in files.lines) == 1
    assert {line["tries"] for line in files.lines} == {1}
    assert times[3] - times[1] >= 0.29  # the second was refused; the first and the third may have come beside it


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "a", "temperature": "hot"}, "line 1: temperature must be a number"),
        ({"messages": [{"role": "user"}]}, r"line 1: messages\[0\] has no content"),
        ({"messages": []}, "line 1: "),
        ({"prompt": "a", "tools": 7}, "line 1: "),
        ({"prompt": "a", "system": 5}, "line 1: system"),
    ],
    ids=str,
)
def test_rows_that_the_client_refuses_are_of_no_use_either(
    emulator: Emulator, tmp_path: Path, row: dict[str, Any], said: str
) -> None:
    for rows, how in (([row] * 25, "none of the first 20 rows"), ([row], "no row")):
        with pytest.raises(InvalidRequest, match=f"^{how} can be used: {said}"):
            Files(tmp_path, rows).batch(emulator).run()
    files = Files(tmp_path, [row, {"prompt": "b"}])
    summary = files.batch(emulator).run()
    assert (summary.answered, files.failed, emulator.received) == (1, {1: "InvalidRequest"}, 1)


def test_a_row_is_asked_again_by_the_retry_policy(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 4)
    # a reset and a 500 before any text; an answer that is cut after some: nobody has seen it, so it is asked again
    emulator.order(Reset(before="headers"), None, Status(500), None, Reset(after_pieces=2), None)
    # one row may have met all three
    assert files.batch(emulator, retry=RetryPolicy(attempts=4, first_wait=0.01)).run().answered == 4
    assert sum(line["tries"] for line in files.lines) == 7
    assert {line["text"] for line in files.lines} == {DEFAULT_TEXT}


def test_then_it_is_an_error_row_with_the_partial_text(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 3)
    emulator.order(Reset(after_pieces=2), always=True)
    summary = files.batch(emulator).run()
    assert (summary.answered, summary.failed, dict(summary.errors)) == (0, 3, {"ConnectionLost": 3})
    assert {line["text"] for line in files.lines} == {"Green leaves"}
    assert {line["tries"] for line in files.lines} == {3}
    # such rows are done, until they are asked for; a later line is then the row's
    emulator.order(always=True)
    assert files.batch(emulator).run().rows == 0
    summary = files.batch(emulator, retry_failed=True).run()
    assert (summary.answered, files.answered) == (3, [0, 1, 2])
    assert [line.get("again") for line in files.lines] == [None] * 3 + [True] * 3
    assert files.batch(emulator, retry_failed=True).run().rows == 0


def test_an_answer_without_an_end_is_an_error_row_without_its_text(tmp_path: Path) -> None:
    with Emulator(reply="word " * 1000) as emulator:
        files = Files(tmp_path, 2)
        summary = files.batch(emulator, limits=Limits(decompressed=10_000)).run()
        assert (summary.failed, dict(summary.errors), emulator.received) == (2, {"LimitExceeded": 2}, 2)
        assert {(line["text"], line["error"]["message"]) for line in files.lines} == {
            ("", "the answer passed the limit 'decompressed' of 10000 bytes (see Limits)")
        }


def test_what_no_attempt_changes_is_an_error_row_at_once(emulator: Emulator, tmp_path: Path) -> None:
    filtered = Status(400, body=b'{"error": {"code": "content_filter", "message": "no"}}')
    long = Status(400, body=b'{"error": {"code": "context_length_exceeded", "message": "too long"}}')
    emulator.order(Status(400), filtered, long)
    rows: list[Any] = [{"prompt": "a"}, {"prompt": "b"}, {"prompt": "c"}, {"pormpt": "d"}, 5]
    rows += [{"prompt": "e", "temperature": "hot"}, {"prompt": "f", "tools": 7}, {"prompt": "g"}]
    files = Files(tmp_path, rows)
    summary = files.batch(emulator, concurrency=1).run()
    assert files.failed == {
        1: "BadRequest", 2: "ContentFiltered", 3: "ContextTooLong", 4: "InvalidRequest", 5: "InvalidRequest",
        6: "InvalidRequest", 7: "InvalidRequest",
    }  # fmt: skip
    assert (summary.answered, summary.failed, emulator.received) == (1, 7, 4)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"api_key": "wrong"}, AuthenticationFailed),
        ({"model": "no-such-model"}, NotFound),
        ({"base_url": "http://127.0.0.1:9/v1"}, ConnectFailed),
    ],
    ids=["wrong key", "wrong model", "no such host"],
)  # fmt: skip
@pytest.mark.parametrize("count", [1, 10])
def test_what_all_rows_share_stops_the_run_and_no_row_has_failed(
    emulator: Emulator, tmp_path: Path, change: dict[str, Any], error: type[Exception], count: int
) -> None:
    files = Files(tmp_path, count)
    summary = files.batch(emulator, retry=1, **change).run()
    assert isinstance(summary.stopped, error)
    assert (summary.rows, summary.interrupted, files.lines) == (0, False, [])
    assert emulator.received < 10
    settings = {"fresh": True} if "model" in change else {}
    assert files.batch(emulator, **settings).run().answered == count


def test_twenty_running_stop_a_run_that_went_well_before(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 60)
    emulator.order(*[None] * 5, *[Status(403)] * 12, *[None] * 2, *[Status(401)] * 40)
    summary = files.batch(emulator, concurrency=1).run()
    assert isinstance(summary.stopped, AuthenticationFailed)
    assert (summary.answered, summary.failed) == (7, 12)  # the twelve are their rows' own fault: others were answered
    with Emulator() as healthy:
        assert files.batch(healthy).run().answered == 41
    assert sorted(line["row"] for line in files.lines) == list(range(1, 61))


def test_a_used_up_quota_stops_the_run(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 20)
    emulator.order(*[None] * 5, NO_CREDIT, NO_CREDIT)
    summary = files.batch(emulator, concurrency=2).run()
    assert isinstance(summary.stopped, QuotaExhausted)
    assert "credit" in str(summary.stopped)
    assert (summary.failed, files.failed) == (0, {})
    summary = files.batch(emulator).run()
    while summary.stopped:  # the second refusal
        summary = files.batch(emulator).run()
    assert files.answered == list(range(20))


def test_a_wait_that_is_too_long_stops_the_run(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 5)
    emulator.order(None, refusal(after="120"))
    summary = files.batch(emulator, max_wait=60, concurrency=1).run()
    assert isinstance(summary.stopped, RateLimited)
    assert "it asks to wait 120 s, and max_wait is 60 s" in str(summary.stopped)
    assert (summary.answered, summary.failed) == (1, 0)
    assert files.batch(emulator).run().answered == 4


def test_a_wait_that_is_just_short_enough_is_waited_for(emulator: Emulator, tmp_path: Path) -> None:
    emulator.order(Status(429, {"retry-after-ms": "50"}, b"{}"))
    assert Files(tmp_path, 1).batch(emulator, max_wait=0.05).run().answered == 1


@pytest.mark.parametrize("rows", [1, 5])
def test_a_quota_that_is_used_up_for_long_by_the_header_fields_stops_the_run_if_rows_are_left(
    tmp_path: Path, rows: int
) -> None:
    body = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop","index":0}]}\n\ndata: [DONE]\n\n'
    fields = {
        "content-type": "text/event-stream",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "7h2m",
    }
    with Emulator() as emulator:
        emulator.order(Status(200, fields, body))
        summary = Files(tmp_path, rows).batch(emulator, concurrency=1).run()
        assert (summary.answered, emulator.received) == (1, 1)
        assert isinstance(summary.stopped, RateLimited) == (rows > 1)
        assert summary.stopped is None or summary.stopped.retry_after == 25320


def test_nothing_is_waited_for_where_no_row_is_left(emulator: Emulator, tmp_path: Path) -> None:
    batch = Files(tmp_path, 1).batch(emulator, rate=0.001)
    assert asyncio.run(asyncio.wait_for(batch.arun(), 20)).answered == 1


def test_a_server_that_refuses_everything_stops_the_run(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 5)
    emulator.order(refusal(503), always=True)
    summary = files.batch(emulator, max_wait=0.2).run()
    assert summary.stopped is not None
    assert "every request was refused" in str(summary.stopped)
    assert (summary.rows, files.lines) == (0, [])
    assert summary.refused >= 1


class Away:
    """What connects to the emulator, but not at the times of `away`, counted from 1."""

    def __init__(self, *away: int) -> None:
        self.times, self.away = 0, away

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.times += 1
        if self.times in self.away:
            raise ConnectionRefusedError
        return await asyncio.open_connection(host, port)


def test_everybody_waits_for_a_server_that_has_answered_and_is_away(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transports.batch.asking._AWAY", (0.02, 0.02))
    emulator.order(None, Reset(before="headers"), refusal(500), None)
    away, files = Away(*range(2, 20)), Files(tmp_path, 5)
    summary = files.batch(emulator, connect=away.connect, concurrency=1).run()
    assert (summary.answered, summary.failed, summary.refused, summary.away) == (5, 0, 0, None)
    assert sum(line["tries"] for line in files.lines) == 6  # five answers, a 500; not what did not reach the server


def test_a_server_that_stays_away_stops_the_run(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transports.batch.asking._AWAY", (0.02, 0.02))
    emulator.order(None, Reset(before="headers"))
    files, away = Files(tmp_path, 5), Away(*range(2, 1000))
    summary = files.batch(emulator, connect=away.connect, concurrency=1, max_wait=0.1).run()
    assert isinstance(summary.stopped, ConnectFailed)
    assert "max_wait is 0.1 s" in str(summary.stopped)
    assert isinstance(summary.away, ConnectFailed)
    assert (summary.failed, files.failed) == (0, {})
    assert files.batch(emulator).run().failed == 0
    assert files.answered == list(range(5))


def test_an_attempt_that_took_too_long_is_followed_by_another(emulator: Emulator, tmp_path: Path) -> None:
    emulator.order(Hang(), None)
    files = Files(tmp_path, 1)
    retry = RetryPolicy(attempts=50, first_wait=0.01, factor=1)  # on a busy machine others may take too long as well
    assert files.batch(emulator, timeout=0.3, retry=retry).run().answered == 1
    assert files.lines[0]["tries"] >= 2


def test_rows_that_wait_to_be_asked_again_are_few(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transports.batch.asking._WAITING", 4)
    emulator.order(Status(500, {"retry-after-ms": "300"}), always=True)
    asked: list[int] = []  # before each row that ended

    def look(summary: Summary) -> None:
        asked.append(emulator.received if summary.rows else 12)

    assert Files(tmp_path, 12).batch(emulator, concurrency=2, retry=2, progress=look).run().failed == 12
    assert min(asked) <= 4 + 2 + 2  # those that wait, those in flight, and two of these again


@pytest.mark.parametrize("in_its_stream", [False, True])
def test_one_row_that_is_refused_for_ever_holds_up_no_other(tmp_path: Path, in_its_stream: bool) -> None:
    overloaded: dict[str, Any] = {"error": {"type": "overloaded_error", "message": "Overloaded"}}

    def reply(prompt: str) -> str:
        if prompt != "Question 7":
            return "good"
        if in_its_stream:
            emulator.order(InBandError(payload=overloaded))
            return "some text"
        raise ErrorResponse(503, "upstream connect error")  # as a gateway says of a server that a row has crashed

    with Emulator(reply=reply) as emulator:
        files = Files(tmp_path, 40)
        summary = files.batch(emulator, concurrency=4).run()
        assert files.failed == {7: "ServerFailed"}
        refused = [line.get("refused", 0) for line in files.lines if line["id"] == 7]
        assert (summary.answered, [summary.refused]) == (39, refused)
        assert summary.refused <= 8


def test_a_server_that_is_overloaded_in_every_answer_stops_the_run(emulator: Emulator, tmp_path: Path) -> None:
    overloaded: dict[str, Any] = {"error": {"type": "overloaded_error", "message": "Overloaded"}}
    emulator.order(InBandError(payload=overloaded), always=True)
    files = Files(tmp_path, 50)
    summary = files.batch(emulator, max_wait=0.6).run()
    assert "every request was refused" in str(summary.stopped)
    assert (summary.rows, files.lines) == (0, [])


def test_a_server_that_fails_at_once_is_asked_no_faster_for_it(emulator: Emulator, tmp_path: Path) -> None:
    emulator.order(Status(500), always=True)
    files = Files(tmp_path, 6)
    assert files.batch(emulator, retry=1).run().failed == 6
    assert {line["window"] for line in files.lines} == {4}


def test_other_settings_are_refused_and_the_output_is_as_it_was(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, [{"id": 1, "text": "a"}])
    files.batch(emulator, template="Say {text}", temperature=0).run()
    before = files.output.read_bytes()
    for change in ({"model": "n"}, {"template": "Tell {text}"}, {"temperature": 1}, {"system": "Be brief"}):
        with pytest.raises(InvalidRequest, match="other settings"):
            files.batch(emulator, **{"template": "Say {text}", "temperature": 0, **change}).run()
    assert files.output.read_bytes() == before
    # the key, clocks and pace are no such settings
    changes: dict[str, Any] = {
        "api_key": "sk-2",
        "timeout": 7,
        "retry": 9,
        "concurrency": 2,
        "rate": 50,
        "order": "input",
    }
    assert files.batch(emulator, template="Say {text}", temperature=0, **changes).run().skipped == 1


def test_begun_fresh_the_old_answers_fall_with_the_first_new_one(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 3)
    files.batch(emulator).run()
    before = files.output.read_bytes()
    files.input.write_text('{"text": "a"}\n' * 3)
    with pytest.raises(InvalidRequest, match="no row can be used"):
        files.batch(emulator, fresh=True).run()
    with pytest.raises(InvalidRequest, match="no row can be used"):
        files.batch(emulator, fresh=True, template="Say {txet}").run()
    assert files.output.read_bytes() == before
    assert files.batch(emulator, fresh=True, template="Say {text}").run().answered == len(files.lines) == 3
    files.input.write_text("")
    files.batch(emulator, fresh=True).run()
    assert files.lines == []


def test_the_summary_knows_at_once_that_rows_are_asked(emulator: Emulator, tmp_path: Path) -> None:
    emulator.order(Stall(where="headers"), always=True)
    batch = Files(tmp_path, 1).batch(emulator)

    async def main() -> int:
        task = asyncio.create_task(batch.arun())
        await asyncio.to_thread(emulator.wait_for, lambda e: e.received > 0)
        window = batch.summary.window
        task.cancel()
        await asyncio.wait([task])
        return window

    assert asyncio.run(main()) > 0


def test_functions_and_classes_as_options_are_the_same_settings_in_every_run(
    emulator: Emulator, tmp_path: Path
) -> None:
    files = Files(tmp_path, 1)

    def lookup(city: str) -> str:
        """The weather."""
        return city

    def make() -> Batch:
        return files.batch(emulator, tools=[lookup], metadata={"b": "1", "a": "2"})

    make().run()
    assert make().run().skipped == 1


def test_the_order_of_the_input(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(
        tmp_path, [{"id": 0, "prompt": "0"}, {"id": 1, "prompt": "1"}, {"id": 2, "odd": 1}, {"id": 3, "prompt": "3"}]
    )
    emulator.order(Reset(before="headers"))
    files.batch(emulator, order="input", keep=["id"]).run()
    assert [line["id"] for line in files.lines] == [0, 1, 2, 3]


def test_the_numbers_of_rows_that_were_moved_and_of_equal_ones_that_failed(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, ["one", "two", "two"])
    emulator.order(None, None, Status(400))
    files.batch(emulator, concurrency=1).run()
    files.input.write_text('\n"two"\n"two"\n \n"one"\n')
    assert files.batch(emulator, retry_failed=True, order="input").run().rows == 1
    assert [(line["row"], "error" in line) for line in files.lines] == [(2, False), (3, False), (5, False)]


def test_an_answer_is_written_as_soon_as_it_is_whole(emulator: Emulator, tmp_path: Path) -> None:
    emulator.order(Stall(where="body"))
    files = Files(tmp_path, 5)
    seen: list[int] = []

    def progress(summary: Summary) -> None:
        seen.append(summary.rows)
        if summary.rows == 4:
            assert len(files.lines) == 4
            emulator.release()

    assert files.batch(emulator, progress=progress).run().answered == 5
    assert [rows for rows, _ in groupby(filter(None, seen))] == [1, 2, 3, 4, 5]  # each second it is told again


def test_the_progress_is_told_while_no_row_ends(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transports.batch.run._TICK", 0.01)
    emulator.order(Stall(where="headers"))
    seen: list[tuple[int, int]] = []

    def progress(summary: Summary) -> None:
        seen.append((summary.rows, summary.in_flight))
        if seen[-1] == (0, 1):
            emulator.release()

    assert Files(tmp_path, 1).batch(emulator, progress=progress).run().answered == 1
    assert (0, 1) in seen


def test_a_programs_own_signal_handlers_are_back_after_a_run(emulator: Emulator, tmp_path: Path) -> None:
    def own(number: int, frame: object) -> None:
        """Does nothing."""

    before = {number: signal.signal(number, own) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        Files(tmp_path, 1).batch(emulator).run()
        assert [signal.getsignal(number) for number in before] == [own, own]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupted(files: Files, emulator: Emulator, count: int, how: Callable[[Batch], None], **more: Any) -> Summary:
    """The summary of a run at which `how` is done once `count` rows are answered and all others hang."""
    batch = files.batch(emulator, **more)
    done = False

    def progress(summary: Summary) -> None:
        nonlocal done
        if summary.rows >= count and not done:
            done = True
            threading.Thread(target=how, args=[batch]).start()

    batch._progress = progress
    return batch.run()


def test_stop_lets_what_is_in_flight_end(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 20)
    emulator.order(None, None, Stall(), Stall(), always=False)

    def how(batch: Batch) -> None:
        batch.stop()
        while not batch.summary.interrupted:
            time.sleep(0.001)
        emulator.release()

    summary = interrupted(files, emulator, 2, how, concurrency=2)
    assert (summary.interrupted, summary.stopped) == (True, None)
    assert 2 <= summary.answered <= 6
    assert len(files.lines) == summary.answered == emulator.received
    assert files.batch(emulator).run().answered == 20 - summary.answered


def test_a_second_stop_cancels_what_is_in_flight(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 20)
    emulator.order(None, None, *[Hang()] * 30)

    def how(batch: Batch) -> None:
        batch.stop()
        batch.stop()

    summary = interrupted(files, emulator, 2, how, concurrency=4)
    assert (summary.interrupted, summary.answered, summary.failed) == (True, 2, 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_run_whose_input_is_a_pipe_that_nobody_writes_can_be_stopped(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 0)
    files.input.unlink()
    os.mkfifo(files.input)
    batch = files.batch(emulator)

    def stop() -> None:
        while not batch.summary.window:
            time.sleep(0.001)
        batch.stop()

    threading.Thread(target=stop).start()
    assert batch.run().interrupted
    os.close(os.open(files.input, os.O_WRONLY | os.O_NONBLOCK))  # the thread that opened it goes on, and ends


def test_what_does_not_end_in_time_after_a_stop_is_cancelled(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transports.batch.run.GRACE", 0.05)
    emulator.order(None, *[Hang()] * 30)
    summary = interrupted(Files(tmp_path, 20), emulator, 1, Batch.stop, concurrency=4)
    assert (summary.interrupted, summary.answered, summary.failed) == (True, 1, 0)


@pytest.mark.usefixtures("no_plots")  # they take a second to load
def test_the_report_is_written_at_the_end_of_a_run_that_was_stopped_too(emulator: Emulator, tmp_path: Path) -> None:
    emulator.order(None, NO_CREDIT)
    files, report = Files(tmp_path, 5), tmp_path / "out.html"
    assert files.batch(emulator, concurrency=1, report=report).run().stopped
    assert "</html>" in report.read_text()


def test_a_task_that_runs_a_batch_may_be_cancelled(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 20)
    emulator.order(None, None, *[Hang()] * 30)

    async def main() -> None:
        two = asyncio.Event()

        def progress(summary: Summary) -> None:
            if summary.rows == 2:
                two.set()

        batch = files.batch(emulator, concurrency=4, progress=progress)
        task = asyncio.create_task(batch.arun())
        await two.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert len(files.lines) == 2


def test_run_within_a_running_loop(emulator: Emulator, tmp_path: Path) -> None:
    files, seen, variable = Files(tmp_path, 3), [], ContextVar("variable", default=0)

    def key() -> str:
        seen.append(variable.get())
        return "sk-1"

    async def notebook() -> Summary:
        variable.set(7)
        return files.batch(emulator, api_key=key).run()

    assert asyncio.run(notebook()).answered == 3
    assert seen == [7] * 3  # the context variables are those of the caller


def test_a_warning_comes_once(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.warns(OptionIgnored) as caught:
        Files(tmp_path, 8).batch(emulator, provider="anthropic", base_url=emulator.base_url("anthropic"), seed=1).run()
    assert len(caught) == 1
    assert caught[0].filename.endswith("batches.py")


def test_the_rows_own_options_and_system_text_go_first(emulator: Emulator, tmp_path: Path) -> None:
    rows = [
        {"prompt": "a"},
        {"prompt": "b", "system": "own", "temperature": 1, "model": "n"},
        {"messages": [{"role": "system", "content": "in it"}, {"role": "user", "content": "c"}]},
    ]
    Files(tmp_path, rows).batch(emulator, temperature=0.5, system="of all").run()
    bodies = sorted((request.json for request in emulator.requests), key=lambda body: body["messages"][1]["content"])
    assert [body["messages"][0]["content"] for body in bodies] == ["of all", "own", "in it"]
    assert [len(body["messages"]) for body in bodies] == [2, 2, 2]
    assert [(body["temperature"], body["model"]) for body in bodies] == [(0.5, "m"), (1, "n"), (0.5, "m")]


def test_keys_from_a_function_and_an_observer(emulator: Emulator, tmp_path: Path) -> None:
    keys = iter(range(100))
    notices: list[Any] = []

    async def key() -> str:
        return f"sk-{next(keys)}"

    Files(tmp_path, 3).batch(emulator, api_key=key, observer=lambda exchange, notice: notices.append(notice)).run()
    assert {request.headers["authorization"] for request in emulator.requests} == {f"Bearer sk-{n}" for n in range(3)}
    assert sum(type(notice).__name__ == "Ended" for notice in notices) == 3


def test_what_the_key_function_raises_is_raised(emulator: Emulator, tmp_path: Path) -> None:
    def key() -> str:
        raise LookupError("no vault")

    with pytest.raises(LookupError, match="no vault"):
        Files(tmp_path, 3).batch(emulator, api_key=key).run()


@pytest.mark.parametrize(("key", "said"), [(None, "gave no key"), ("", "gave no key"), ("k\n", "a stray newline")])
def test_a_function_that_gives_no_key_stops_the_run_and_no_row_has_failed(
    emulator: Emulator, tmp_path: Path, key: Any, said: str
) -> None:
    files, keys = Files(tmp_path, 5), iter(["sk-1", "sk-1", key, key])
    summary = files.batch(emulator, api_key=lambda: next(keys), concurrency=1).run()
    assert (summary.answered, summary.failed, len(files.lines), emulator.received) == (2, 0, 2, 2)
    assert isinstance(summary.stopped, InvalidRequest)
    assert said in str(summary.stopped)
    assert files.batch(emulator).run().answered == 3
    given = []
    with pytest.raises(InvalidRequest, match=said):
        given += map_prompts(["a", "b"], **{**settings(emulator), "api_key": lambda: key})
    assert given == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"concurrency": 0}, "concurrency must be a whole number from 1, not 0"),
        ({"concurrency": 10**7}, "needs 10000064 open files"),
        ({"rate": "fast"}, "rate must be a positive number of requests a second, not .fast."),
        ({"rate": 0}, "a positive number"),
        ({"max_wait": -1}, "max_wait must be a number of seconds from 0, not -1"),
        ({"order": "x"}, "order must be 'done' or 'input', not 'x'"),
        ({"template": "{a.b}"}, "template"),
        ({"keep": "text"}, "keep"),
        ({"concurency": 5}, "there is no setting 'concurency' .did you mean 'concurrency'"),
        ({"temprature": 5}, "did you mean 'temperature'"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"api_key": None, "base_url": None}, "needs a key"),
        ({"system": 5}, "system"),
        ({"provider": "opnai", "base_url": None}, "did you mean 'openai'"),
        ({"report": "/no/such/folder/x.html"}, "there is no folder '/no/such/folder' for the report"),
        ({"input": ["a"]}, "input must be the path of a file, not a value of type list; map_prompts takes the prompts"),
        ({"output": None}, "output must be the path of a file, not a value of type NoneType$"),
        ({"report": 5}, "report must be the path of a file, not 5$"),
        ({"progress": True}, "progress must be a function, not True"),
        ({"report": __file__}, "is there, and is no page of HTML"),
    ],
    ids=str,
)  # fmt: skip
def test_parameters_of_no_use_are_told_at_once(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidRequest, match=said):
        Files(tmp_path, 1).batch(emulator, **change)


def test_files_of_no_use_are_told_at_once(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, 1)
    there = files.input
    for input, output, said in (
        (tmp_path / "no.jsonl", tmp_path / "out", "there is no input"),
        (tmp_path, tmp_path / "out", "is a folder"),
        (there, there, "the output is the input"),
        (there, tmp_path / "no" / "out", "there is no folder"),
    ):
        with pytest.raises(InvalidRequest, match=said):
            Batch(input, output, "openai", api_key="k", base_url=emulator.base_url("openai"), model="m")
    with pytest.raises(InvalidRequest, match="the report is the output"):
        files.batch(emulator, report=files.output)


def test_a_model_may_stand_in_each_row(emulator: Emulator, tmp_path: Path) -> None:
    files = Files(tmp_path, [{"id": 1, "prompt": "a", "model": "m"}, {"id": 2, "prompt": "b"}])
    files.batch(emulator, provider="azure_openai", base_url=emulator.base_url("azure_openai"), model=None).run()
    assert files.answered == [1]
    assert files.failed == {2: "InvalidRequest"}
