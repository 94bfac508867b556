"""JSON objects and arrays found in a text that comes in pieces: bare bodies, errors amid a stream, long arrays."""

from __future__ import annotations

import json
import re
from io import StringIO

from .lines import MAX_FRAME_SIZE, BoundedParser

# The first JSON value of a text from a place on, and where it ends; for who decodes thousands of them. json.loads looks
# for blank space and a byte order mark first, and takes 1.6 times as long.
decode_at = json.JSONDecoder().raw_decode
string_at = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
"""As `decode_at`, where a string begins: raw_decode only adds its own error for a place where nothing begins."""
# Regular expressions pass over what stands between, in C. A colon is not among these, since nothing is validated; a
# comma counts only between the elements of an array at the top level.
_STRUCTURE = re.compile(r'["{}\[\],]')
_IN_STRING = re.compile(r'["\\]')


class JSONValueScanner(BoundedParser):
    """Text in, the texts of complete JSON objects and arrays out, each as soon as its last bracket is in.

    An array at the top level is given element by element (scalars too): Gemini sends a whole answer as one array. Text
    outside any object or array is skipped. Brackets are counted, whatever their kind, and nothing is validated: that is
    the work of whoever decodes the texts. `max_frame_size` bounds the characters of one value. When a value is larger,
    `feed` returns the values before it, and every later call raises LimitExceeded; if there are no values before it,
    this call raises it already.
    """

    __slots__ = ("_depth", "_escaped", "_in_array", "_in_string", "_value")

    def __init__(self, *, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        super().__init__(max_frame_size=max_frame_size)
        # It grows in place: adding strings would copy a long value for each feed.
        self._value = StringIO()  # the unfinished value, from the feeds before
        self._depth = 0  # brackets that are open in the value
        self._in_array = False  # inside an array at the top level, whose brackets belong to no value
        self._in_string = False
        self._escaped = False  # the last character was a backslash in a string

    @property
    def open(self) -> bool:
        """True while an object or array has begun and not ended."""
        return self._in_array or self._depth > 0

    def feed(self, text: str) -> list[str]:
        """The values that `text` completes. Raises LimitExceeded, and RuntimeError after close()."""
        self._check()
        values: list[str] = []
        start = at = 0  # where the value begins in `text`; where to look next
        while at < len(text):
            if self._in_string:
                at = self._string(text, at)
                continue
            found = _STRUCTURE.search(text, at)
            if found is None:
                break
            at = found.end()
            start = self._structure(text, start, at, values)
            if self._failed:
                break
        # Outside a value nothing is kept, so that text between values may have any length.
        if self.open and not self._failed:
            self._keep(text[start:])
        if self._failed:
            # `_failed` was set in the middle of this feed; `_fail` decides whether this call raises or the next one.
            self._value = StringIO()
            self._fail(values)
        return values

    def close(self) -> str:
        """The text ended: its unfinished value (with the bracket of an array at the top level), or ""."""
        if self._closed:
            return ""
        self._check()
        self._closed = True
        rest = "[" * self._in_array + self._value.getvalue()
        self._value = StringIO()
        return rest

    def _held(self) -> str:
        return f"{self._value.tell()} characters"

    def _string(self, text: str, at: int) -> int:
        """Go on inside a string, from `at`. Gives where to look next."""
        # The backslash may be the last character of the feed before.
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _IN_STRING.search(text, at)
        if found is None:
            return len(text)
        self._escaped = found[0] == "\\"
        self._in_string = self._escaped
        return found.end()

    def _structure(self, text: str, start: int, at: int, values: list[str]) -> int:
        """Take in the structural character before `at`. Gives where the next value, or this one, begins."""
        match text[at - 1]:
            case '"':
                self._in_string = self.open  # outside any value it is a character of text: It's "so"
            case "[" if not self.open:
                self._in_array = True
                return at
            case "{" | "[":
                if not self.open:
                    start = at - 1
                self._depth += 1
            case "," | "]" | "}" if self._in_array and not self._depth:
                self._take(text[start : at - 1], values)  # a scalar, or the blank space behind an object or array
                self._in_array = text[at - 1] != "]"
                return at
            # Where no bracket is open, a closing one is a character of text.
            case "]" | "}" if self._depth:
                self._depth -= 1
                if not self._depth:
                    self._take(text[start:at], values)
                    return at
        return start

    def _take(self, last: str, values: list[str]) -> None:
        self._keep(last)
        if not self._failed and (value := self._value.getvalue().strip()):
            values.append(value)
        self._value = StringIO()

    def _keep(self, piece: str) -> None:
        if not self._value.tell():
            piece = piece.lstrip()  # an array may have any amount of blank space before a value: it does not count
        self._failed = self._value.tell() + len(piece) > self.max_frame_size
        if not self._failed:
            self._value.write(piece)
