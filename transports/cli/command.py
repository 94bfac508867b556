"""main: the command's logging, and its errors as exit codes. It loads only what a subcommand needs."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from sansio_core import ChatError, OptionIgnored

from .arguments import arguments
from .epilogs import FIRST
from .exit import CLOSED_PIPE, COMPLETE, INTERRUPTED, LOCAL, code_of, message_of, say, words_of
from .terminal import write_message

_FUNCTIONS = {
    "ask": "ask.ask", "chat": "chat.chat", "batch": "batch.run_batch", "report": "report.show_report",
    "models": "models.show_models", "providers": "providers.show_providers",
    "default": "providers.default", "parse": "ask.parse", "replay": "replay.replay", "tape": "tape.show_tapes",
    "emulate": "emulate.emulate", "completion": "completion.show_script",
}  # fmt: skip
"""What runs each subcommand: a module of this folder, and its function, which takes the arguments."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv` (by default the process's arguments); returns the exit code.

    Raises SystemExit as argparse does: 2 for arguments it cannot use, 0 after --help and --version.
    """
    args = arguments(sys.argv[1:] if argv is None else argv)
    with _logged(getattr(args, "verbose", 0)), warnings.catch_warnings():
        warnings.simplefilter("always", OptionIgnored)
        warnings.showwarning = _show_warning
        try:
            code = _run(args)
        except ChatError as error:
            say(message_of(error))
            code = code_of(error)
        except KeyboardInterrupt:
            say("interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            _discard_output()
            code = CLOSED_PIPE
        except OSError as error:
            say(words_of(error))
            _discard_output()
            code = LOCAL
    return code


def _run(args: Namespace) -> int:
    if args.command is None:
        args.parser.epilog = FIRST
        args.parser.print_help()
        return COMPLETE
    if args.command not in ("emulate", "completion", "report"):
        from .config import prepare

        prepare(args)
    module, _, name = _FUNCTIONS[args.command].partition(".")
    function: Callable[[Namespace], int] = getattr(import_module(f".{module}", __package__), name)
    return function(args)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {message}")


def _discard_output() -> None:
    """After standard output broke: replace it, so that flushing its buffer does not fail again when Python exits."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


@contextlib.contextmanager
def _logged(verbosity: int) -> Iterator[None]:
    """Meanwhile write the library's log to standard error: with -v its INFO lines, with -vv DEBUG too."""
    if not verbosity:
        yield
        return
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write_message(self.format(record) + "\n")

    handler = Handler()
    handler.setFormatter(logging.Formatter("sansio-chat: %(relativeCreated)d ms %(name)s: %(message)s"))
    logger = logging.getLogger("transports")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbosity > 1 else logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


if __name__ == "__main__":
    raise SystemExit(main())
