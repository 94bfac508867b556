"""Bulk: many prompts asked at once, from a file to a file or from Python values; nothing is lost, nothing is twice.

The map, in reading order:

template     a prompt with places for the fields of a row
openai_lines lines of OpenAI's batch files
rows         a line of the input, or a Python value, as a Row: its key, and the question that it asks
answer       Answer: what became of a row, and its line in the output
output_lines such lines written and read
keys         multisets of keys in little memory
history      what an output says of the rows that were asked before
order        an output put into the order of its input
locking      a file that one process alone writes
journal      Journal: the output file, which is the journal: what is in it is not asked again
rules        which errors ask to slow down, and which end a run
asking       Asking, the engine: rows in, answers out, at the pace of sansio_core.pacing
settings     Setup: the parameters that Batch, map_prompts, amap_prompts and AskBatch share
loop_thread  LoopThread: an event loop in a thread, for callers that are not async
supply       Supply: a queue that an iterator fills from another thread or task
maps         map_prompts, amap_prompts: Python values in place of files
run          Batch: a file of prompts to a file of answers
tables       tables of pyarrow and pandas, and mappings, read and extended
ask_batch    AskBatch: tables in the workers of Ray Data, Dask and Spark
bins         histograms, and what happened over time, in flat memory
tally        Tally: what an output file says, counted in one pass
page, plots  the parts of the report's page
report       write_report: a page of HTML about an output file
typed        the types of settings, for type checkers and editors
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answer import Answer
    from .ask_batch import AskBatch
    from .maps import amap_prompts, map_prompts
    from .report import write_report
    from .run import Batch, Summary
    from .typed import ClientSettings

_WHERE = {
    "Answer": "answer", "AskBatch": "ask_batch", "Batch": "run", "ClientSettings": "typed", "Summary": "run",
    "amap_prompts": "maps", "map_prompts": "maps", "write_report": "report",
}  # fmt: skip

__all__ = [
    "Answer", "AskBatch", "Batch", "ClientSettings", "Summary", "amap_prompts", "map_prompts", "write_report",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
