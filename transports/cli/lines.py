"""Where the subcommand `chat` reads its lines: an editor on a terminal, with prompt_toolkit; else standard input."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from sansio_core import InvalidRequest

from .exit import say

Reader = Callable[[str], str]
"""Gives the next line; the text that it takes stands there already, where it can be edited. Raises EOFError."""

PROMPT = "> "


def on_terminal() -> bool:
    """Whether a person sits at both ends."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty())


def has_extra() -> bool:
    """Whether the libraries for terminals are there, and the terminal can do more than print lines."""
    return os.environ.get("TERM") not in ("dumb", "unknown") and all(map(find_spec, ("prompt_toolkit", "rich")))


@contextmanager
def unechoed() -> Iterator[None]:
    """Meanwhile the terminal shows nothing that is typed, as ^C, in the midst of an answer: the next line has it."""
    if not on_terminal() or os.name == "nt":
        yield
        return
    import termios

    before = termios.tcgetattr(sys.stdin)
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def reader(earlier: Sequence[str]) -> Reader:
    """What reads the lines. `earlier`: those that the arrow keys bring back."""
    if not on_terminal():
        return _piped()
    if has_extra():
        return _editor(earlier)
    if not all(map(find_spec, ("prompt_toolkit", "rich"))):
        say('pip install "sansio-chat[cli]" gives editing of several lines, and Markdown')
    with suppress(ImportError):  # it is not there on Windows
        import readline  # noqa: F401  # input() has its arrow keys thereby
    return _plain


def _plain(_: str) -> str:
    try:
        return input(PROMPT)
    except (EOFError, KeyboardInterrupt):
        sys.stdout.write("\n")  # after the prompt, or ^C
        raise


def _piped() -> Reader:
    if sys.stdin is None:
        raise InvalidRequest("standard input is closed")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")

    def read(_: str) -> str:
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError:
            raise InvalidRequest("standard input is not UTF-8") from None
        if not line:
            raise EOFError
        return line

    return read


def _editor(earlier: Sequence[str]) -> Reader:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("c-c")
    def clear(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    @keys.add("escape", "enter")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    history = InMemoryHistory(list(earlier))
    session: PromptSession[str] = PromptSession(
        history=history, key_bindings=keys, enable_suspend=True, reserve_space_for_menu=0
    )
    return lambda text: session.prompt(PROMPT, default=text)
