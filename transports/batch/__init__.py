"""Bulk: many prompts asked at once, from a file to a file or from Python values; nothing is lost, nothing is twice.

The map, in reading order:

rows        a line of the input as a Row: its key, and the question
answer      Answer: what became of a row, and its line in the output
journal     the output file, which is the journal: what is in it is not asked again
rules       what follows the outcome of an attempt
asking      the engine: rows in, answers out, at the pace of sansio_core.pacing
maps        map_prompts, amap_prompts: Python values in place of files
run         Batch: a file of prompts to a file of answers
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answer import Answer
    from .maps import amap_prompts, map_prompts
    from .run import Batch, Summary

_WHERE = {
    "Answer": "answer", "Batch": "run", "Summary": "run", "amap_prompts": "maps", "map_prompts": "maps",
}  # fmt: skip

__all__ = ["Answer", "Batch", "Summary", "amap_prompts", "map_prompts"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
