"""Output files of batches, made without a run: `outputs` gives the rows, `write` puts them into a file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BEGIN = 1795270182.0
ERRORS = (
    ("ContextTooLong", 400, "the conversation is too long for the model (status 400): 212,000 tokens, of 200,000"),
    ("ServerFailed", 500, "the provider failed (status 500): internal error (after 3 attempts)"),
    ("TimedOut", None, "no byte came within 60 s (the 'idle' clock; see Timeouts)"),
    ("ContentFiltered", None, "the provider's content filter stopped it (in its stream)"),
)


def answered(number: int, **fields: Any) -> dict[str, Any]:
    """The output row of an answer; `fields` replace or add some."""
    row = {
        "row": number, "id": f"a{number}", "key": f"{number:016x}", "settings": "c01d77aa", "text": "Ljubljana.",
        "finish_reason": "stop", "model": "gpt-5.4-mini", "usage": {"input": 10, "output": 20},
        "tries": 1, "window": 64, "at": BEGIN + number, "first_text": 0.231, "seconds": 0.93,
    }  # fmt: skip
    return {**row, **fields}


def failed(number: int, error: tuple[str, int | None, str] = ERRORS[0], **fields: Any) -> dict[str, Any]:
    """The output row of a failure."""
    name, status, message = error
    row = {
        "row": number, "id": f"a{number}", "key": f"{number:016x}", "settings": "c01d77aa",
        "error": {"class": name, "status": status, "message": message, "request_id": None}, "text": "",
        "tries": 1, "window": 64, "at": BEGIN + number, "seconds": 0.12,
    }  # fmt: skip
    return {**row, **fields}


def outputs(rows: int, *, share_failed: float = 0.01, seed: int = 1, pause: float = 0.0) -> Iterator[dict[str, Any]]:
    """The rows of a run: a slow start, a limit that refuses at times, failures, and a pause in its middle."""
    chance = random.Random(seed)
    now, rate = BEGIN, 100.0
    for number in range(1, rows + 1):
        window = min(64, 4 + number // 10)
        now += chance.expovariate(rate * window / 64)
        if number == rows // 2:
            now += pause
        times = {"at": round(now, 2), "window": window}
        if chance.random() < 0.03:
            times["refused"] = chance.randint(1, 3)
        if chance.random() < share_failed:
            error = ERRORS[min(int(chance.expovariate(1)), len(ERRORS) - 1)]
            yield failed(number, error, tries=3, seconds=round(chance.uniform(0.1, 3), 3), **times)
        else:
            first = round(chance.lognormvariate(-1.4, 0.35), 3)
            tokens = chance.randint(10, 60)
            seconds = round(first + tokens * chance.lognormvariate(-4, 0.2), 3)
            usage = {"input": chance.randint(8, 90), "output": tokens}
            yield answered(number, usage=usage, first_text=first, seconds=seconds, **times)


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write the rows to the file as a batch does; returns its path."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    return path
