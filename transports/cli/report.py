"""The subcommand `report`: a page about the output of a batch, at any time. `command.py` calls it, and `batch.py`."""

from __future__ import annotations

import os
from argparse import Namespace
from importlib.util import find_spec

from .exit import COMPLETE, say


def show_report(args: Namespace) -> int:
    """Write the report of `args.file` to `args.output`; returns the exit code. Raises InvalidRequest and OSError."""
    from ..batch import write_report  # imported here, as `batch` needs `where` alone

    page = args.output or f"{os.path.splitext(args.file)[0]}.html"
    write_report(args.file, page)
    say(where(page, f"the report of {args.file}"))
    return COMPLETE


def where(page: str, what: str = "the report") -> str:
    """The words that say where the report is, and why it has no plots where it has none."""
    plots = "" if find_spec("matplotlib") else ', without plots: they need pip install "sansio-chat[report]"'
    return f"{what} is in {os.path.abspath(page)}{plots}"
