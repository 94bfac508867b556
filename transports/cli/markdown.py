"""An answer on a terminal, its Markdown rendered while it comes. It needs rich, of the extra `cli`.

A terminal can redraw no line above its top edge, so an answer that is rendered anew as a whole would show its upper
lines many times over. Here each block (a paragraph, a list, a table, a code block) is printed once, when the next one
has begun: of the last block alone the lines that have room are redrawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from sansio_core import ChatError

from .output import Text

# Without what would hide text: HTML, as the `<String>` of `List<String>`, and definitions of links.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).disable("reference")
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160)], "�")
"""What a terminal may take for commands."""
_A_SECOND = 12  # how often the last block is redrawn


class MarkdownText(Text):
    """As Text, with the Markdown rendered on `console`, which writes to `out`."""

    def __init__(self, console: Console, out: TextIO) -> None:
        super().__init__(out)
        self._console = console
        self._open = ""  # the text from the last block's beginning on
        self._printed = False
        self._live = Live(
            console=console, transient=True, refresh_per_second=_A_SECOND, vertical_overflow="crop",
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def write(self, text: str) -> None:
        self._open += text.translate(_CONTROLS)
        finished: list[Block] = []
        if "\n" in text:
            # Whole lines alone tell which blocks there are: `**` may become a rule, or begin a bold word.
            end = self._open.rfind("\n") + 1
            *finished, last = blocks(self._open[:end]) or [Block([], self._open)]
            self._open = last.text + self._open[end:]
        apart = self._printed or bool(finished)
        self._live.update(_Tail(self._open, apart=apart))
        self._print(finished)
        self._live.start()

    def end(self, error: ChatError | None) -> None:
        self._live.update("")
        self._live.stop()
        self._print(blocks(self._open))

    def _print(self, finished: list[Block]) -> None:
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
        rendered = Markdown("", hyperlinks=False)  # links with their URLs, which nobody should open unseen
        rendered.parsed = self._tokens
        yield rendered


def blocks(text: str) -> list[Block]:
    """The blocks of a text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tokens = _PARSER.parse(text)
    lines = text.split("\n")
    starts = [n for n, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
    found = []
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
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
