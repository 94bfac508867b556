"""The subcommand `replay`: the answers of a tape once more, as they came. `command.py` calls it."""

from __future__ import annotations

from argparse import Namespace
from time import monotonic, sleep

from sansio_core import Cancelled, ChatError, Exchange, StreamTruncated
from sansio_core.tape import Deck, UnmatchedRequest, play, questions

from .exit import COMPLETE
from .output import Output, output_for
from .tape import tape_in
from .terminal import has_status_line


def replay(args: Namespace) -> int:
    """Show each answer of a tape; returns the exit code of the first that failed. Ctrl-C ends the replay."""
    deck, code = Deck(tape_in(args.file)), COMPLETE
    speed = 1.0 if args.speed is None else args.speed
    for exchange in questions(deck):
        output = output_for(args.output)
        if speed and has_status_line():
            from .status import StatusLine

            exchange.observe(StatusLine(whole_answer=args.output == "json"))
        try:
            error = _play(deck, exchange, speed, output)
        except KeyboardInterrupt:
            return output.conclude(Cancelled("interrupted"))
        ended_with = output.conclude(error)
        code = code or ended_with
    return code


def _play(deck: Deck, exchange: Exchange, speed: float, output: Output) -> ChatError | None:
    """Give the output an answer's events when they are due; returns the error that the answer ended with."""
    began = monotonic()

    def wait_until(now: float) -> None:
        sleep(max(0.0, began + now / speed - monotonic()))

    try:
        for event in play(deck, exchange, wait_until=wait_until if speed else None):
            output.event(event)
    except ChatError as error:
        return error
    except UnmatchedRequest:  # whoever recorded the tape was killed before the answer's end
        return StreamTruncated("the tape has no more of this answer")
    except KeyboardInterrupt:
        exchange.receive_failure(Cancelled("interrupted"), (monotonic() - began) * speed)
        raise
    finally:
        output.reply = exchange.reply
    return None
