"""The value of the beginning of a JSON text: tool arguments and structured answers, read while they still grow."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

# One token of JSON with the blank space before it. The quantifiers are possessive ("*+"): nothing is tried twice, so
# that a long string costs linear time.
_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<open>[\[{])
      | (?P<close>[\]}])
      | (?P<comma>,)
      | (?P<colon>:)
      | "(?:[^"\\]*+(?P<escape>\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])[^"\\]*+)*+)(?P<quote>"?)
      | (?P<scalar>[^ \t\n\r"\[\]{},:]+)
    )""",
    re.VERBOSE,
)
# What may stand between the last whole escape of an unfinished string and the end of the text.
_CUT_ESCAPE = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z")
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")


def parse_partial(text: str) -> Any:
    """The value of `text`, the beginning of a JSON text.

    Open strings, arrays and objects are closed. At the end, a key without a value, a comma, and an unfinished literal,
    escape or surrogate pair are dropped; an unfinished number counts as far as it is one ("1.5e" as 1.5). None where no
    value has begun, and where `text` is not the beginning of JSON. Linear in the length of `text`; never raises.
    """
    beginning = _Beginning(text)
    if not beginning.read():
        return None
    closed = beginning.closed()
    try:
        return json.loads(closed)
    # Callers ask at each piece that arrives, so that an exception would only have to be caught by each of them.
    except (ValueError, RecursionError):
        return None


class _Beginning:
    """Reads the tokens of `text`, and remembers the last point where its value may end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closers: list[str] = []  # the brackets that are to be closed, the innermost last
        self._safe = 0  # where a value last ended or a bracket opened: what is behind it can be left out
        self._at = 0  # where the next token begins
        self._ending = ""  # the quote that the string lacks in which the text is cut
        self._key = False  # the next string is a key

    def read(self) -> bool:
        """Whether `text` may be the beginning of JSON; json.loads finds what this does not look at."""
        while found := _TOKEN.match(self._text, self._at):
            if self._safe and not self._closers:
                return False  # something stands behind the value
            self._at = found.end()
            if not _READERS[found.lastgroup or ""](self, found):
                return False
        return True

    def closed(self) -> str:
        """The text up to the last point where its value may end, and what closes it there."""
        return self._text[: self._safe] + self._ending + "".join(reversed(self._closers))

    def _open(self, found: re.Match[str]) -> bool:
        self._closers.append("]" if found["open"] == "[" else "}")
        self._key = found["open"] == "{"
        # An open bracket is a value already: closed here, it is an empty one.
        self._safe = self._at
        return True

    def _close(self, found: re.Match[str]) -> bool:
        self._key, self._safe = False, self._at
        return bool(self._closers) and self._closers.pop() == found["close"]

    def _comma(self, found: re.Match[str]) -> bool:
        # A slice, as a text that is no JSON may have a comma outside any bracket.
        self._key = self._closers[-1:] == ["}"]
        return True

    def _colon(self, found: re.Match[str]) -> bool:
        self._key = False
        return True

    def _string(self, found: re.Match[str]) -> bool:
        if found["quote"]:
            if not self._key:
                self._safe = self._at
            return True
        if not _CUT_ESCAPE.match(self._text, self._at):
            return False
        if not self._key:  # half a key is left out with its object's last comma
            self._safe, self._ending = _whole_characters(found, self._at), '"'
        self._at = len(self._text)
        return True

    def _scalar(self, found: re.Match[str]) -> bool:
        scalar = found["scalar"]
        # Text behind it ends a scalar. Whether it is JSON, json.loads decides.
        if self._at < len(self._text) or scalar in _LITERALS:
            self._safe = self._at
        elif number := _NUMBER.match(scalar):
            self._safe = self._at - len(scalar) + number.end()
        else:
            return any(literal.startswith(scalar) for literal in _LITERALS)  # it is left out
        return True


# By the last group of _TOKEN that matched; each tells whether the text may still be the beginning of JSON.
# A string's is always `quote`: where the string is cut, that group matches no character, but it matches.
_READERS: dict[str, Callable[[_Beginning, re.Match[str]], bool]] = {
    "open": _Beginning._open,
    "close": _Beginning._close,
    "comma": _Beginning._comma,
    "colon": _Beginning._colon,
    "quote": _Beginning._string,
    "scalar": _Beginning._scalar,
}


def _whole_characters(string: re.Match[str], end: int) -> int:
    """Where an unfinished string ends without the first half of a surrogate pair: the second may be on its way."""
    last = string.start("escape")
    return last if last >= 0 and _HIGH_SURROGATE.match(string.string, last, end) else end
