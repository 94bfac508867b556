"""The parts of a body in which a text may stand whole: what one field says over all frames, and all that is no JSON.

A stream splits what it says over its frames: of `{"content":"Ana"}` and `{"content":" Novak"}`, no piece has the name.
Any wire is read alike: lines of JSON, with `data:` before it or not, JSON over several lines, and other lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

Place = tuple[int, int]
"""Where a piece of a text begins and ends."""

_LINE = re.compile(r"[^\r\n]*[\r\n]*")
_LEAD = re.compile(r'(data:)?[ \t]*(["{\[])?')
_BLANK = re.compile(r"[ \t]*(?=[\r\n]|\Z)")
# RFC 8259, but for the grammar of values: a run of tokens without a gap leaves nothing unread. The quotes at a string's
# end may be missing where the body was cut. In a string no line ends, so that a stray quote hides no later line.
_TOKEN = re.compile(
    r'[ \t\r\n,:]*(?:"([^"\\\r\n]*(?:\\.[^"\\\r\n]*)*)(?:"([ \t\r\n]*:)?|\\?\Z)'
    r"|([{\[])|([}\]])|(-?[0-9][0-9.eE+-]*)|(?:true|false|null)\b)"
)
_STRING, _OPENS, _NUMBER = 1, 3, 5  # groups; the last one of a match says which token it is
POSITION = re.compile("\n[^\r]*\r")  # of an item in its list, within a path: no name of a field has a line end
_DEEPEST = 100  # levels; deeper values are read as text
_LONGEST = 100  # characters of a field's name, and of an item's indexes, that tell it from others


class Part(NamedTuple):
    """Places that are to be read as one text, with `between` between them; `kind`: how their text is written."""

    kind: str  # "string", "name" of a field and "number" of JSON; "text" of anything else
    places: list[Place]
    between: str = ""


class Frames:
    """The parts of `text`; made in linear time.

    Of each name of a field only the first is among them, as most frames have the same, unless `every_name` is true.
    """

    def __init__(self, text: str, *, every_name: bool = False) -> None:
        self._text, self._every_name = text, every_name
        # By the path of a string's field, in which a list's item is called by its field named `index`, if it has one:
        # choices and tool calls come in turns, and some frames have several of them.
        self._strings: dict[str, list[Place]] = {}
        self._frame: list[tuple[str, Place]] = []  # the strings of one frame
        self._indexes: dict[str, str] = {}  # of its list items, by their paths; of what is in none, by ""
        self._names: dict[str | int, Place] = {}
        self._numbers: list[Place] = []
        self._plain: list[Place] = []  # of lines with `data:`, what is no JSON
        self._rest: list[Place] = []
        self._end = at = 0
        while at < len(text):
            at = self._line(at)

    def __iter__(self) -> Iterator[Part]:
        alike: dict[str, list[list[Place]]] = {}
        for path, places in self._strings.items():
            alike.setdefault(POSITION.sub("\n", path), []).append(places)
        for several in alike.values():
            for places in several:
                yield Part("string", places)
            if len(several) > 1:  # a list's items may be pieces of one text as well, as Gemini's parts are
                yield Part("string", sorted(chain.from_iterable(several)))
        yield Part("name", list(self._names.values()), "\n")
        yield Part("number", self._numbers, "\n")
        yield Part("text", self._plain)
        for place in self._rest:
            yield Part("text", [place])

    def _line(self, at: int) -> int:
        """Read a line, or a value that begins in it; returns where to go on."""
        text, end = self._text, self._line_end(at)
        lead = _LEAD.match(text, at)
        if lead is None or lead[2] is None:
            self._is_text(at, end)
            if lead and lead[1]:  # the text after "data:", without the one space that belongs to it
                begin = lead.end(1) + text.startswith(" ", lead.end(1))
                self._plain.append((begin, begin + len(text[begin:end].rstrip("\r\n"))))
            return end
        last, whole = self._value(lead.start(2), end if lead[1] else len(text))
        self._end_frame()
        end = self._line_end(last) if last < len(text) else last
        if whole and _BLANK.match(text, last):
            return end
        if not whole and end == len(text):  # cut by the body's end: what was read of it was read well
            at = last
        # Else it looked like JSON and is not, or more follows in the line: it is read as text, too.
        self._is_text(at, end)
        return last if whole else end

    def _line_end(self, at: int) -> int:
        """Where the line ends in which `at` is; looked for once for all values of a line."""
        if at >= self._end:
            line = _LINE.match(self._text, at)
            self._end = line.end() if line else at
        return self._end

    def _value(self, at: int, limit: int) -> tuple[int, bool]:
        """Read the JSON value at `at`; returns where its tokens end, and whether it is whole there."""
        text, path = self._text, ""
        open_: list[tuple[str, int]] = []  # of each list and object around: its path; a list's position, an object's -1
        while (token := _TOKEN.match(text, at, limit)) is not None:
            at = token.end()
            match token.lastindex:
                case 2:  # the colon behind a name
                    name = token[_STRING]
                    if name not in self._names or self._every_name:
                        self._names[at if self._every_name else name] = token.span(_STRING)
                    if open_:
                        path = f"{open_[-1][0]}.{name[:_LONGEST]}"
                    continue
                case 1:  # _STRING
                    self._frame.append((path, token.span(_STRING)))
                case 5:  # _NUMBER
                    self._numbers.append(token.span(_NUMBER))
                    if path.endswith(("index", "Index")):
                        item = _item(path)
                        self._indexes[item] = f"{self._indexes.get(item, '')}#{token[_NUMBER]}"[:_LONGEST]
                case 3:  # _OPENS
                    if len(open_) == _DEEPEST:
                        return token.start(_OPENS), False
                    is_list = token[_OPENS] == "["
                    open_.append((path, 0 if is_list else -1))
                    path = f"{path}\n0\r" if is_list and len(open_) > 1 else path
                    continue
                case 4:  # _CLOSES; there is one to close, as the first token of a value opens it
                    open_.pop()
            if not open_:
                return at, True
            around, position = open_[-1]
            if position >= 0:
                if len(open_) == 1:  # a list around everything is a stream, and its items are the frames
                    self._end_frame()
                    path = around
                else:
                    open_[-1] = around, position + 1
                    path = f"{around}\n{position + 1}\r"
        return at, False

    def _end_frame(self) -> None:
        names: dict[str, str] = {}  # of the list items
        for path, place in self._frame:
            item = _item(path)
            self._strings.setdefault(self._name(item, names) + path[len(item) :], []).append(place)
        self._frame, self._indexes = [], {}

    def _name(self, item: str, names: dict[str, str]) -> str:
        """The path of a list's item by the indexes of it and of those around it."""
        if item not in names:
            in_list, _, position = item.rpartition("\n")
            around = _item(in_list)
            before = self._name(around, names) + in_list[len(around) :] if item else ""
            names[item] = f"{before}\n{self._indexes.get(item, position)}\r"
        return names[item]

    def _is_text(self, begin: int, end: int) -> None:
        if self._rest and self._rest[-1][1] >= begin:
            begin = min(begin, self._rest.pop()[0])
        self._rest.append((begin, end))


def _item(path: str) -> str:
    """The path of the innermost list item in which `path` is; "" for none."""
    return path[: path.rfind("\r") + 1]
