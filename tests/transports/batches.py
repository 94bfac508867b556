"""A batch run against the emulator, and what its output says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sansio_core import RetryPolicy
from transports.batch import Batch
from transports.emulator import Emulator

QUICK = RetryPolicy(attempts=3, first_wait=0.01)


def settings(emulator: Emulator, provider: str = "openai") -> dict[str, Any]:
    """What a client of the emulator needs."""
    return {"provider": provider, "api_key": "sk-1", "base_url": emulator.base_url(provider), "model": "m"}


class Files:
    """An input with these rows (a number: so many prompts), and the output beside it."""

    def __init__(self, folder: Path, rows: int | Iterable[Any]) -> None:
        self.input, self.output = folder / "in.jsonl", folder / "out.jsonl"
        if isinstance(rows, int):
            rows = [{"id": number, "prompt": f"Question {number}"} for number in range(rows)]
        self.input.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def batch(self, emulator: Emulator, **more: Any) -> Batch:
        files = {"input": self.input, "output": self.output}
        return Batch(**{**files, "retry": QUICK, **settings(emulator), **more})

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The rows of the output."""
        return [json.loads(line) for line in self.output.read_text().splitlines()] if self.output.exists() else []

    @property
    def answered(self) -> list[Any]:
        """The ids of the rows that were answered, in their order."""
        return sorted(line["id"] for line in self.lines if "error" not in line)

    @property
    def failed(self) -> Mapping[Any, str]:
        """The class of the error of each row that failed, by its id, or its number where it has none."""
        return {line.get("id", line["row"]): line["error"]["class"] for line in self.lines if "error" in line}
