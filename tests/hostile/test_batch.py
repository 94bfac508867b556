"""Batches against bad servers: each way to fail on the command and in map_prompts, courses at random, and secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from batches import QUICK, Files, settings
from hostile_server import Server
from matrix import sized
from ports import closed_port
from servers import Peer
from test_secrets import COOKIE, KEY, PROXY_WORD, QUERY, echo, echo_as_reason, echo_in_band, found, to

from sansio_core import ChatError
from sansio_core.providers.openai import OpenAI
from transports.batch import Answer, Batch, Summary, map_prompts
from transports.cli import main
from transports.emulator import Emulator, Order
from transports.emulator.faults import HTMLAnswer, Redirect, Reset, Status, TruncatedFraming

# --- what happens, and what follows ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """What a server does, and what becomes of the rows: `failed` by their numbers, all others are answered.

    `stopped`: the class of the error that ends the run; what was not done by then is open. `code`: the command's exit
    code. `tries`: how many requests counted as attempts; `rows`: how many there are, asked one after another.
    """

    faults: Sequence[Order] = ()
    always: Order = None
    failed: Mapping[int, str] = field(default_factory=dict)
    stopped: str = ""
    code: int = 0
    tries: int = 3
    rows: int = 3
    text: str = ""


def coded(status: int, code: str) -> Status:
    return Status(status, body=json.dumps({"error": {"code": code, "message": "no"}}).encode())


def slowly(status: int, seconds: float = 0.01) -> Status:
    return Status(status, {"retry-after-ms": f"{seconds * 1000:g}"}, b"{}")


def all_fail(kind: str) -> dict[int, str]:
    return dict.fromkeys((1, 2, 3), kind)


COURSES = {
    "all is well": Course(),
    **{f"{status} once": Course([None, slowly(status)]) for status in (429, 503, 529)},
    "a wait above --max-wait": Course([None, slowly(429, 90)], stopped="RateLimited", code=5, tries=1),
    "a 500 once": Course([Status(500)], tries=4),
    "500 always": Course(always=Status(500), failed=all_fail("ServerFailed"), code=8, tries=9),
    "a reset once": Course([Reset(before="headers")], tries=4),
    "a stream that is cut once": Course([Reset(after_pieces=2)], tries=4),
    "all streams cut": Course(
        always=TruncatedFraming(), failed=all_fail("StreamTruncated"), code=8, tries=9, text="Green"
    ),
    "400": Course([None, Status(400)], failed={2: "BadRequest"}, code=8),
    "a context too long": Course([coded(400, "context_length_exceeded")], failed={1: "ContextTooLong"}, code=8),
    "a filter": Course([coded(400, "content_filter")], failed={1: "ContentFiltered"}, code=8),
    "401": Course(always=Status(401), stopped="AuthenticationFailed", code=5, tries=0),
    "403": Course(always=Status(403), stopped="PermissionDenied", code=5, tries=0),
    "404": Course(always=Status(404), stopped="NotFound", code=5, tries=0),
    "403 for one row": Course([None, Status(403)], failed={2: "PermissionDenied"}, code=8),
    "401 from the second row on": Course(
        [None], always=Status(401), stopped="AuthenticationFailed", code=5, tries=1, rows=30
    ),
    "no credit": Course([None, coded(429, "insufficient_quota")], stopped="QuotaExhausted", code=5, tries=1),
    "a login page": Course(always=HTMLAnswer(), stopped="UnexpectedContent", code=7, tries=0),
    "a redirect to a login": Course(
        always=Redirect(302, "http://portal.invalid/"), stopped="UnexpectedRedirect", code=5, tries=0
    ),
}  # fmt: skip


def check(course: Course, emulator: Emulator, ended: Mapping[int, tuple[str, str]], tries: int) -> None:
    """`ended`: the class of each row's error, "" for none, and its text."""
    done = 1 if course.stopped and course.tries else 0 if course.stopped else course.rows
    assert {row: kind for row, (kind, _) in ended.items()} == {
        row: course.failed.get(row, "") for row in range(1, done + 1)
    }
    assert all(text == course.text for kind, text in ended.values() if kind)
    assert tries == course.tries
    assert emulator.received <= course.tries + 21


@pytest.fixture(params=COURSES.values(), ids=COURSES)
def course(request: pytest.FixtureRequest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Course:
    course: Course = request.param
    monkeypatch.setattr(OpenAI, "retry", QUICK)
    emulator.order(*course.faults)
    emulator.order(course.always, always=True)
    return course


def test_the_command(course: Course, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    files = Files(tmp_path, course.rows)
    where = ["-p", "openai", "-m", "m", "--base-url", emulator.base_url("openai")]
    command = ["batch", str(files.input), str(files.output), *where, "--concurrency", "1", "--max-wait", "1m", "-q"]
    assert main(command) == course.code
    lines = files.lines
    ended = {line["row"]: (line.get("error", {"class": ""})["class"], line["text"]) for line in lines}
    check(course, emulator, ended, sum(line["tries"] for line in lines))


def test_map_prompts(course: Course, emulator: Emulator) -> None:
    answers: list[Answer] = []
    stopped = ""
    try:
        answers.extend(map_prompts(map(str, range(course.rows)), concurrency=1, max_wait=60, **settings(emulator)))
    except ChatError as error:
        stopped = type(error).__name__
    assert stopped == course.stopped
    kinds = {answer.row: "" if answer.error is None else type(answer.error).__name__ for answer in answers}
    ended = {answer.row: (kinds[answer.row], answer.text) for answer in answers}
    check(course, emulator, ended, sum(answer.tries for answer in answers))


# --- courses at random -----------------------------------------------------------------------------------------------


def faults(lots: random.Random) -> list[Order]:
    """What happens to some share of all requests."""
    kinds: tuple[Callable[[float], Any], ...] = (
        lambda share: Status(429, {"retry-after-ms": "5"}, b"{}", share=share),
        lambda share: Status(500, share=share),
        lambda share: Status(400, share=share),
        lambda share: Status(401, share=share),
        lambda share: HTMLAnswer(share=share),
        lambda share: Reset(before="headers", share=share),
        lambda share: Reset(after_pieces=2, share=share),
        lambda share: TruncatedFraming(after_pieces=1, share=share),
    )
    return [kind(lots.choice([0, 0.02, 0.1])) for kind in kinds]


def run(batch: Batch, lots: random.Random) -> bool:
    """Run until the end, or until something ends it after some rows; returns whether it came to its end."""
    how, after = lots.choice(["end", "stop", "two stops", "cancel"]), lots.randrange(20)
    task: asyncio.Task[Summary] | None = None

    def progress(summary: Summary) -> None:
        if summary.rows == after and how != "end":
            if how == "cancel":
                assert task is not None
                task.cancel()
            else:
                batch.stop()
                if how == "two stops":
                    batch.stop()

    async def main() -> bool:
        nonlocal task
        task = asyncio.create_task(batch.arun())
        await asyncio.wait([task])
        return not task.cancelled() and not task.result().interrupted and task.result().stopped is None

    batch._progress = progress
    return asyncio.run(main())


@pytest.mark.parametrize("seed", [1, *(pytest.param(None, marks=pytest.mark.load) for _ in range(30))])
def test_each_row_has_one_line_and_its_own_answer_whatever_happens(tmp_path: Path, seed: int | None) -> None:
    seed = random.randrange(10**6) if seed is None else seed
    print("seed", seed)
    lots = random.Random(seed)
    # Some rows are equal, and some cannot be used.
    rows: list[dict[str, Any]] = [{"prompt": f"Question {lots.choice([n, n % 7])}"} for n in range(60)]
    rows[20] = rows[40] = {"promt": 1}
    with Emulator(reply=lambda prompt: f"Re: {prompt}") as emulator:
        emulator.order(*faults(lots), always=True)
        ended = False
        while not ended:
            lots.shuffle(rows)
            files = Files(tmp_path, rows)
            order, retry_failed = lots.choice(["done", "input"]), lots.random() < 0.5
            ended = run(
                files.batch(emulator, concurrency=lots.choice([1, 8]), order=order, retry_failed=retry_failed), lots
            )
            if not ended and files.output.exists() and files.lines:  # a power cut may tear the last line anywhere
                data = files.output.read_bytes()
                files.output.write_bytes(data[: lots.randrange(data[:-1].rfind(b"\n") + 1, len(data) + 1)])
        emulator.order(always=True)
        files.batch(emulator, retry_failed=True).run()
    prompts = Counter(row["prompt"] for row in rows if "prompt" in row)
    assert Counter(line["text"] for line in files.lines if "error" not in line) == Counter(
        {f"Re: {prompt}": count for prompt, count in prompts.items()}
    )
    assert sum("again" not in line for line in files.lines) == len(rows)


# --- secrets ---------------------------------------------------------------------------------------------------------


def echo_in_names(peer: Peer) -> None:
    """A good answer whose id, model, finish reason and tool call's id are all that it was told."""
    told = peer.last.decode("latin-1").replace("\r\n", " ").replace('"', "'")
    call = {"index": 0, "id": told, "function": {"name": "f", "arguments": "{}"}}
    choice = {"index": 0, "delta": {"content": "Hello", "tool_calls": [call]}, "finish_reason": told}
    answer = json.dumps({"id": told, "model": told, "choices": [choice]})
    peer.send(sized(f"data: {answer}\n\ndata: [DONE]\n\n".encode()))


SERVERS: dict[str, Any] = {
    "400": echo(400), "401": echo(401), "403": echo(403), "429": echo(429), "500": echo(500), "503": echo(503),
    "an error in the stream": echo_in_band, "an answer's own names": echo_in_names, "a status line": echo_as_reason,
    "a redirect": to(f"http://localhost:1/x?key={QUERY}"),
}  # fmt: skip


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that the library logs."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    logger, handler = logging.getLogger("transports"), Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize("fault", SERVERS.values(), ids=SERVERS)
def test_no_secret_is_where_others_may_read_it(fault: Any, tmp_path: Path, logged: list[str]) -> None:
    given: dict[str, Any] = {
        "provider": "openai", "model": "m", "api_key": KEY, "cookies": {"s": COOKIE},
        "headers": {"x-gate-token": QUERY}, "retry": QUICK, "max_wait": 0.0, "concurrency": 1,
    }  # fmt: skip
    files = Files(tmp_path, 2)
    with Server(fault, fault) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        batch = Batch(files.input, files.output, base_url=url, report=tmp_path / "out.html", **given)
        summary = batch.run()
        told: list[Any] = [repr(batch), repr(summary), str(summary.stopped), summary.stopped, summary.first_failed]
        try:
            told += map_prompts(["One?", "Two?"], base_url=url, **given)
        except ChatError as error:
            told += [error, str(error)]
        proxy = f"http://user:{PROXY_WORD}@127.0.0.1:{closed_port()}"
        told.append(Batch(files.input, tmp_path / "other.jsonl", base_url=url, proxy=proxy, **given).run().stopped)
    told += [path.read_bytes() for path in tmp_path.iterdir()]
    assert [request for _, request in server.requests if KEY.encode() in request]
    assert found(" ".join(logged)) == []
    assert {word for each in told for word in found(pickle.dumps(each).decode("latin-1"))} == set()
