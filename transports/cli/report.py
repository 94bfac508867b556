"""The subcommand `report`: a page about the output of a batch, at any time. `command.py` calls it."""

from __future__ import annotations

import os
from argparse import Namespace

from ..batch import write_report
from .exit import COMPLETE, say


def show_report(args: Namespace) -> int:
    """Write the report of `args.file` to `args.output`; returns the exit code. Raises InvalidRequest and OSError."""
    write_report(args.file, args.output)
    say(f"the report of {args.file} is in {os.path.abspath(args.output)}")
    return COMPLETE
