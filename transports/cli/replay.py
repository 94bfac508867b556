"""The subcommand `replay`: the answers of a tape once more, as they came. `command.py` calls it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from time import monotonic, sleep

from sansio_core import Cancelled, ChatError, Exchange
from sansio_core.tape import Deck, UnmatchedRequest, play

from .exit import COMPLETE, LOCAL, say
from .output import Output, output_for
from .tape import tape_in
from .terminal import has_status_line


def replay(args: Namespace) -> int:
    """Show every answer of the tape; returns the exit code of the first that failed."""
    tape = tape_in(args.file)
    if tape is None:
        return LOCAL
    deck, first = Deck(tape), COMPLETE
    for exchange in questions(tape):
        output = output_for(args.output)
        if has_status_line():
            from .status import StatusLine

            exchange.observe(StatusLine(whole_answer=args.output == "json"))
        try:
            code = output.conclude(_played(deck, exchange, args.speed, output))
        except UnmatchedRequest as error:
            say(f"{args.file}: {error}")
            code = LOCAL
        first = first or code
    return first
