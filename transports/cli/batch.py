"""The subcommand `batch`: the lines of a file asked, the answers in another. `command.py` calls it."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from inspect import signature
from threading import Event

from sansio_core import AuthenticationFailed, InvalidRequest
from sansio_core.redact import excerpt

from ..aio import AsyncClient
from ..batch.run import Batch, Summary
from .ask import client_settings, options_of
from .exit import COMPLETE, INTERRUPTED, LOCAL, ROWS_FAILED, code_of, message_of, say, words_of
from .progress import Progress, clock, counted
from .report import where
from .terminal import columns, has_status_line, show_status

_UNORDERED = (
    "{} has all rows, in the order in which they were done; the same command puts them into the order of the input, "
    "and asks nothing"
)


def run_batch(args: Namespace) -> int:
    """Ask the rows that have no answer yet; returns the exit code. Raises InvalidRequest before anything is sent."""
    if args.report is not None:
        from ..batch.report import check_place  # imported here, as few runs write a report

        if args.report == args.output:
            raise InvalidRequest("--report: OUT has the answers: give the page another name")
        try:
            check_place(args.report)
        except OSError as error:
            raise InvalidRequest(f"--report: {words_of(error)}") from None
    with ExitStack() as stack:
        batch = _batch(args, stack)
        failure: OSError | None = None
        stack.enter_context(_interrupted_at_once())
        try:
            with nullcontext() if args.quiet else _progress(batch, args.input):
                batch.run()
        except KeyboardInterrupt:
            say(_left(batch.summary, args))
            return INTERRUPTED
        except OSError as error:
            if not batch.summary.window:  # it did not begin
                raise
            failure = error
        code = _conclude(batch.summary, failure, args)
        if args.report is not None:
            _write_report(args)
    return code


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """SIGINT and SIGTERM raise KeyboardInterrupt where the output is read or put into order, or the report is written.

    While rows are asked, they are the batch's. asyncio's own handler would wait until the event loop goes on.
    """

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        if callable(handler := signal.getsignal(number)) or handler == signal.SIG_DFL:  # not where it is ignored
            with suppress(ValueError):  # in another thread than the main one
                before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _left(summary: Summary, args: Namespace) -> str:
    """What is there where a run is interrupted while no rows are asked."""
    if not summary.ordering:
        return "interrupted before a row was asked: the same command goes on"
    return f"interrupted: {_UNORDERED.format(args.output)}"


def _batch(args: Namespace, stack: ExitStack) -> Batch:
    options = options_of(args.option)
    if taken := sorted(options.keys() & {*signature(Batch).parameters, *signature(AsyncClient).parameters}):
        raise InvalidRequest(f"--option {taken[0]} is not for options of the model; see `sansio-chat batch --help`")
    return Batch(
        args.input,
        args.output,
        **client_settings(args, stack),
        **options,
        template=args.template,
        concurrency=args.concurrency,
        rate=args.rate and args.rate.per_second,
        order=args.order,
        retry_failed=args.retry_failed,
        max_wait=args.max_wait,
        fresh=args.fresh,
        keep=args.keep,
        system=args.system,
    )


def _progress(batch: Batch, path: str) -> Progress:
    """The display of the run's progress on standard error."""
    if path == "-" and sys.stdin is not None and sys.stdin.isatty():
        say("reading from the terminal: Ctrl-D on a line of its own ends it")
    draw = partial(show_status, over=Event()) if has_status_line() else None
    return Progress(lambda: batch.summary, path, say, draw, lambda: columns() - 1)


def _write_report(args: Namespace) -> None:
    from ..batch.report import write_report

    if has_status_line() and not args.quiet:
        show_status("the report is being written", Event())
    try:
        write_report(args.output, args.report)
    except KeyboardInterrupt:
        say(f"the report was not written: `sansio-chat report {args.output} -o {args.report}` writes it")
        raise
    if not args.quiet:
        say(where(args.report))


def _conclude(summary: Summary, failure: OSError | None, args: Namespace) -> int:
    """Say how it went, and what to do next; returns the exit code."""
    code = COMPLETE
    if failure is not None:
        say(f"stopped: {words_of(failure)}")
        code = LOCAL
    elif summary.stopped is not None:
        say(f"stopped: {message_of(summary.stopped)}")
        code = code_of(summary.stopped)
    elif summary.interrupted:
        code = INTERRUPTED
    elif summary.failed or summary.failed_before:
        code = ROWS_FAILED
    if not args.quiet:
        how = "interrupted: " if code == INTERRUPTED else ""
        say(how + _summary(summary, done=code in (COMPLETE, ROWS_FAILED)))
        say(_example(summary))
        say(_advice(summary, code, args))
    return code


def _summary(summary: Summary, done: bool) -> str:
    """How many rows were done, now and before, and how fast. `done`: all are."""
    before = summary.skipped - summary.failed_before if done else summary.answered_before
    if not summary.rows:
        return _nothing_new(summary, before, done)
    answered = f"{counted(summary.answered, 'row')} answered" + (f" ({before:,} before)" if before else "")
    failed = f", {summary.failed:,} failed ({_classes(summary)})" if summary.failed else ""
    seconds = max(summary.seconds, 0.001)
    time = f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
    tokens = f"; {summary.input_tokens:,} tokens in, {summary.output_tokens:,} out" if summary.output_tokens else ""
    refused = f"; {counted(summary.refused, 'request')} refused" if summary.refused else ""
    again = ", and sent again" if refused and done else ""
    return f"{answered}{failed} in {time} ({summary.rows / seconds:,.1f} rows/s{tokens}){refused}{again}"


def _nothing_new(summary: Summary, before: int, done: bool) -> str:
    """The summary of a run in which no row was done; `before`: how many were answered earlier."""
    if not summary.skipped:
        return "the input has no rows" if done else "no row was answered"
    failed = f", {summary.failed_before:,} failed" if summary.failed_before else ""
    return f"{'every row is done already' if done else 'as before'}: {before:,} answered{failed}"


def _example(summary: Summary) -> str:
    """Why the first row failed."""
    if summary.first_failed is None or summary.first_failed.error is None:
        return ""
    row = summary.first_failed.row
    words = excerpt(message_of(summary.first_failed.error).removeprefix(f"line {row}: "))
    return f"{'the first of them is' if summary.failed > 1 else 'it is'} row {row}: {words}"


def _advice(summary: Summary, code: int, args: Namespace) -> str:
    """What to do next; "" for nothing."""
    if code == COMPLETE:
        return ""
    if code == ROWS_FAILED:
        failed = summary.failed + summary.failed_before
        if summary.errors["InvalidRequest"] == failed:
            return f"{args.output} has their errors; once the input is mended, the same command asks the new lines"
        these = "this row" if failed == 1 else f"these {failed:,} rows"
        return f"{args.output} has their errors; --retry-failed asks {these} again"
    if summary.ordering:
        return _UNORDERED.format(args.output)
    same = "the same command" + (" without --fresh" if args.fresh and summary.rows else "")
    mended = "once the key is right, " if type(summary.stopped) is AuthenticationFailed else ""
    return f"the rows that are not done stay open: {mended}{same} goes on with them"


def _classes(summary: Summary) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in summary.errors.most_common())
