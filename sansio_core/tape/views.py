"""Texts as they are read, and where what was found in them stands: `view.spans(begin, end)` gives places of the first.

A body says more than it spells: JSON has escapes, forms are percent-encoded, pages have character references, and one
may stand within another.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from .frames import Place

# Texts, which the first body that needs one has compiled.
# One character each, so that a place in the text that was read leads back to the characters which wrote it.
_JSON = (
    r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]'  # RFC 8259 7
)
_WEB = (
    r"%[2-7][0-9A-Fa-f]|%[CDcd][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ee][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){2}"
    r"|%[Ff][0-7](?:%[89ABab][0-9A-Fa-f]){3}|%0[9ADad]"  # RFC 3986 2.1, of characters in UTF-8
    r"|\+"  # a blank in a form (WHATWG URL 5.1)
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});"  # HTML's character references
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class View:
    """A text that is read as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text

    def spans(self, begin: int, end: int) -> Iterator[Place]:
        """The places in the first text that what stands from `begin` to `end` was read from."""
        yield begin, end


class Joined(View):
    """The `places` of another text as one."""

    def __init__(self, of: View, places: Sequence[Place], between: str) -> None:
        super().__init__(between.join([of.text[begin:end] for begin, end in places]))
        self._of, self._places, self._gap = of, places, len(between)
        self._starts: list[int] = []  # of each place in this text; made when something was found, which is seldom

    def spans(self, begin: int, end: int) -> Iterator[Place]:
        if not self._starts:
            self._starts = list(accumulate((last - first + self._gap for first, last in self._places), initial=0))
        starts = self._starts
        at = bisect_right(starts, begin) - 1
        while at < len(self._places) and starts[at] < end:
            first, last = self._places[at]
            first, last = first + max(0, begin - starts[at]), min(last, first + end - starts[at])
            if first < last:
                yield from self._of.spans(first, last)
            at += 1


class Unescaped(View):
    """Another text without the escapes of one kind."""

    def __init__(self, of: View, text: str, escape: str) -> None:
        super().__init__(text)
        self._of, self._escape = of, escape
        # Of each escape, where it begins in this text; and there and in the other text, where it ends
        self._begins: list[int] = []
        self._ends: list[tuple[int, int, int]] = []

    def _map(self) -> None:
        gone = 0
        for found in re.finditer(self._escape, self._of.text):
            begin, length = found.start() - gone, len(_character(found))
            gone += len(found[0]) - length
            self._begins.append(begin)
            self._ends.append((begin + length, found.start(), found.end()))

    def _place(self, at: int) -> Place:
        """Where the character number `at` was read from."""
        known = bisect_right(self._begins, at) - 1
        if known < 0:
            return at, at + 1
        end, first, last = self._ends[known]
        return (first, last) if at < end else (last + at - end, last + at - end + 1)

    def spans(self, begin: int, end: int) -> Iterator[Place]:
        if not self._begins:
            self._map()
        yield from self._of.spans(self._place(begin)[0], self._place(end - 1)[1])


def unescaped(view: View) -> Iterator[View]:
    """`view` without its escapes of JSON, where it has any."""
    if "\\" in view.text and (text := re.sub(_JSON, _character, view.text)) != view.text:
        yield Unescaped(view, text, _JSON)


def decoded(view: View) -> Iterator[View]:
    """`view` without what forms and pages encode, where it has any."""
    if (text := web_text(view.text)) != view.text:
        yield Unescaped(view, text, _WEB)


def web_text(text: str) -> str:
    """`text` without what forms and pages encode."""
    if "%" in text or "&" in text:
        return re.sub(_WEB, _character, text)
    return text.replace("+", " ")  # megabytes of base64 have no other


def _character(found: re.Match[str]) -> str:
    """What an escape stands for; itself where it stands for nothing."""
    text = found[0]
    match text[0]:
        case "\\" if text[1] != "u":
            return _SHORT.get(text[1], text[1])
        case "\\":
            units = bytes.fromhex(text.replace("\\u", ""))
            return units.decode("utf-16-be", "surrogatepass")
        case "+":
            return " "
        case "%":
            return bytes.fromhex(text.replace("%", "")).decode("utf-8", "replace")
    from html import unescape  # its table takes a millisecond to load, and few bodies are pages

    return unescape(text)
