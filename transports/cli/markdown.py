"""An answer on a terminal, its Markdown rendered while it comes. It needs rich, of the extra `cli`.

A terminal can redraw no line above its top edge, so an answer that is rendered anew as a whole would show its upper
lines many times over. Here each block (a paragraph, a list, a table, a code block) is printed once, when the next one
has begun: of the last block alone the lines that have room are redrawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from time import monotonic
from typing import TextIO

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from sansio_core import ChatError

from .output import Text
from .terminal import CONTROLS

# Without what would hide text: HTML, as the `<String>` of `List<String>`, and definitions of links.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).disable("reference")
_A_SECOND = 12  # how often the last block is redrawn, and it is looked for the next one


class MarkdownText(Text):
    """As Text, with the Markdown rendered on `console`, which writes to `out`."""

    def __init__(self, console: Console, out: TextIO) -> None:
        super().__init__(out)
        self._console = console
        self._open = ""  # the text from the last block's beginning on
        self._printed = False
        self._looked = 0.0  # when it was last looked for blocks
        self._live: Live | None = None

    def write(self, text: str) -> None:
        self._open += text.translate(CONTROLS)
        # Not at every line: a list of a thousand would be parsed a thousand times.
        if "\n" in text and monotonic() > self._looked + 1 / _A_SECOND:
            # Whole lines alone tell which blocks there are: `**` may become a rule, or begin a bold word.
            end = self._open.rfind("\n") + 1
            *finished, last = blocks(self._open[:end]) or [Block([], self._open[:end])]
            self._open = last.text + self._open[end:]
            if finished:
                self._print(finished)
            self._looked = monotonic()
        if self._live is None:
            self._live = Live(
                console=self._console, transient=True, refresh_per_second=_A_SECOND, vertical_overflow="crop",
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._live.start()
        self._live.update(_Tail(self._open, apart=self._printed))

    def end(self, error: ChatError | None) -> None:
        self._print(blocks(self._open))

    def _print(self, finished: list[Block]) -> None:
        with self._console:  # all of it is written at once
            # Not above what is redrawn, as rich offers: its thread may redraw in the midst of that, and count wrong.
            live, self._live = self._live, None
            if live is not None:
                try:
                    live.update("")
                finally:  # a second Ctrl-C must not leave it drawing
                    live.stop()
            for block in finished:
                if self._printed:
                    self._console.print()
                self._console.print(block)
                self._printed = True


class Block:
    """One block of Markdown, with the text from its beginning on."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        self.text = text
        self._tokens = tokens

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # Links with their URLs, which nobody should open unseen.
        rendered = Markdown("", hyperlinks=False, justify="default")
        rendered.parsed = self._tokens
        lines = console.render_lines(rendered, options.update(height=None), pad=False)
        # The empty lines around it are MarkdownText's: rich has them around some blocks and not around others.
        filled = [n for n, line in enumerate(lines) if any(map(_is_seen, line))]
        for line in lines[filled[0] : filled[-1] + 1] if filled else []:
            # Without blanks up to the edge, which would be copied.
            while line and not _is_seen(line[-1]):
                line.pop()
            yield from line
            yield Segment.line()


def _is_seen(segment: Segment) -> bool:
    return bool(segment.text.strip() or (segment.style and segment.style.bgcolor))


def blocks(text: str) -> list[Block]:
    """The blocks of a text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tokens = _PARSER.parse(text)
    lines = text.split("\n")
    starts = [n for n, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
    found = []
    for start, end in pairwise([*starts, len(tokens)]):
        place = tokens[start].map
        found.append(Block(list(_shown(tokens[start:end])), "\n".join(lines[place[0] if place else 0 :])))
    return found


def _shown(tokens: list[Token]) -> Iterator[Token]:
    """`tokens` with line ends as they were written: those of a poem or an address mean something."""
    for token in tokens:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"
        yield token


class _Tail:
    """The last lines of a text's blocks, as many as the terminal has room for."""

    def __init__(self, text: str, *, apart: bool) -> None:
        self._text = text
        self._apart = apart

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = console.height - 1
        lines: list[list[Segment]] = []
        for block in blocks(self._text):
            lines += [[]] if lines or self._apart else []
            lines += console.render_lines(block, options.update(height=None), pad=False)
        for line in lines[-room:]:
            yield from line
            yield Segment.line()
