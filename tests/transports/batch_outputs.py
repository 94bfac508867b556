"""Output files of batches, made without a run: `outputs` gives the rows, `write` puts them into a file."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sansio_core import ChatError, Finished, Reply, TextDelta, TimedOut, UsageReport
from sansio_core.errors import ContentFiltered, ContextTooLong, PermissionDenied, ServerFailed
from transports.batch.answer import Answer
from transports.batch.output_lines import dump_line

BEGIN = 1795270182.0
SETTINGS = "c01d77aa"
ERRORS: tuple[ChatError, ...] = (
    ContextTooLong(400, "212,000 tokens, of 200,000"),
    ServerFailed(500, "internal error"),
    TimedOut("idle", 60),
    ContentFiltered(None),
    PermissionDenied(403),
)
_REPLY = Reply.of([TextDelta("Ljubljana."), UsageReport(10, 20), Finished("stop")])
_ANSWERED = Answer(
    1, "a1", reply=_REPLY, tries=1, at=BEGIN, first_text=0.231, seconds=0.93, window=64, key="0" * 16
).to_line(SETTINGS)  # fmt: skip
_FAILED = [
    Answer(1, "a1", error=error, tries=1, at=BEGIN, seconds=0.12, window=64, key="0" * 16).to_line(SETTINGS)
    for error in ERRORS
]


def answered(number: int, **fields: Any) -> dict[str, Any]:
    """The output row of an answer; `fields` replace or add some."""
    own = {"row": number, "id": f"a{number}", "key": f"{number:016x}", "model": "gpt-5.4-mini", "at": BEGIN + number}
    return {**_ANSWERED, **own, **fields}


def failed(number: int, kind: int = 0, **fields: Any) -> dict[str, Any]:
    """The output row of a failure, with one of ERRORS."""
    own = {"row": number, "id": f"a{number}", "key": f"{number:016x}", "at": BEGIN + number}
    return {**_FAILED[kind], **own, **fields}


def outputs(rows: int, *, share_failed: float = 0.01, seed: int = 1, pause: float = 0.0) -> Iterator[dict[str, Any]]:
    """The rows of a run: a slow start, a server that refuses at times, failures, and a pause in its middle."""
    chance = random.Random(seed)
    now = BEGIN
    for number in range(1, rows + 1):
        window = min(64, 4 + number // 10)
        now += chance.expovariate(window * 100 / 64) + (pause if number == rows // 2 else 0)
        times: dict[str, Any] = {"at": round(now, 2), "window": window}
        if chance.random() < 0.03:
            times["refused"] = chance.randint(1, 3)
        if chance.random() < share_failed:
            kind = min(int(chance.expovariate(1)), len(ERRORS) - 1)
            yield failed(number, kind, tries=3, seconds=round(chance.uniform(0.1, 3), 3), **times)
        else:
            first, tokens = round(chance.lognormvariate(-1.4, 0.35), 3), chance.randint(10, 60)
            seconds = round(first + tokens * chance.lognormvariate(-4, 0.2), 3)
            usage = {"input": chance.randint(8, 90), "output": tokens}
            yield answered(number, usage=usage, first_text=first, seconds=seconds, **times)


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write the rows to the file as a batch does; returns its path."""
    with path.open("wb") as file:
        file.writelines(map(dump_line, rows))
    return path
