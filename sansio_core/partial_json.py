"""The value of a JSON text that still grows: tool arguments and structured answers, looked at while they come."""

from __future__ import annotations

import json
import re
from typing import Any

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
_CUT_ESCAPE = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z")
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")


def parse_partial(text: str) -> Any:
    """The value of `text`, the beginning of a JSON text, as far as it has come.

    Open strings, arrays and objects are closed; a key without a value, a comma, and an unfinished literal, escape or
    surrogate pair at the end are dropped; of an unfinished number what is a number already is taken. None where nothing
    has begun, and where what is there is not JSON. Linear in the length of `text`; never raises.
    """
    closed = _close(text)
    if not closed:
        return None
    try:
        return json.loads(closed)
    except (ValueError, RecursionError):
        return None


def _close(text: str) -> str:
    """`text` up to the last point where a value may end, and the brackets that are open there; "" if there is none."""
    closers: list[str] = []
    safe = at = 0  # where a value last ended or a bracket opened; where the next token begins
    ending = ""  # what closes the string or ends the number that text is cut in
    key = False  # the next string is a key
    while found := _TOKEN.match(text, at):
        if safe and not closers:
            return ""  # something stands after the value
        at = found.end()
        match found.lastgroup:
            case "open":
                closers.append("]" if found["open"] == "[" else "}")
                key = found["open"] == "{"
                safe = at
            case "close":
                if not closers or closers.pop() != found["close"]:
                    return ""
                key, safe = False, at
            case "comma":
                key = bool(closers) and closers[-1] == "}"
            case "colon":
                key = False
            case "quote" if found["quote"]:
                safe = safe if key else at
            case "quote":
                if not _CUT_ESCAPE.match(text, at):
                    return ""
                if not key:
                    safe, ending = _whole_characters(found, at), '"'
                break
            case _:
                safe = _scalar(found["scalar"], at, len(text), safe)
                if safe < 0:
                    return ""
    closers.reverse()
    return text[:safe] + ending + "".join(closers)


def _whole_characters(string: re.Match[str], end: int) -> int:
    """Where an unfinished string ends without half a surrogate pair."""
    last = string.start("escape")
    return last if last >= 0 and _HIGH_SURROGATE.match(string.string, last, end) else end


def _scalar(scalar: str, at: int, end: int, safe: int) -> int:
    """Where the last value ends after `scalar`, which ends at `at` of a text of length `end`; -1 if it is hopeless."""
    if at < end:
        return at
    if number := _NUMBER.match(scalar):
        return at - len(scalar) + number.end()
    if any(literal.startswith(scalar) for literal in _LITERALS):
        return at if scalar in _LITERALS else safe
    return -1
