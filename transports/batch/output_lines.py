"""The lines of an output: written, and read for what resuming needs, without decoding the texts."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from sansio_core.plain import json_text

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# JSON allows them in strings, and str.splitlines breaks there.
_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})

BEGINNING = b'{"row"'
"""How each line begins."""
_AGAIN = b',"again":true'
# The order of the fields is ours (Answer.to_line).
_HEAD = re.compile(
    rb'\{"row":[0-9]+,(?:"id":(?:"(?:[^"\\]|\\.)*+"|[^",\[\]{}]++),)?+"key":"([0-9a-f]{16})","settings":"([0-9a-f]{8})",'
    rb'"(?:(text)|error)":'
)


class Said(NamedTuple):
    """What a line of the output says to a run that is resumed."""

    key: int
    settings: bytes
    failed: bool
    again: bool
    """Whether it replaces an earlier line, with an error, of the same row."""


def dump_line(line: dict[str, Any]) -> bytes:
    """A row of the output, with its line end."""
    try:
        text = _ENCODE(line)
    except (ValueError, TypeError, RecursionError):  # what a server sent may have NaN: there is null for it
        text = _ENCODE(json.loads(json_text(line)))
    if not text.isascii():
        text = text.translate(_BREAKS)
    # Half a surrogate pair has no UTF-8 form. As an escape, which backslashreplace writes as JSON does, it has one.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def read_line(line: bytes) -> Said | None:
    """What `line` says; None where it is no whole row of an output."""
    found = _HEAD.match(line)
    # An unescaped quote ends a string: so the bytes of _AGAIN are a field, if not always the row's own.
    if found and _AGAIN not in line and line.endswith(b"}\n"):
        key, settings, text = found.groups()
        return Said(int(key, 16), settings, text is None, False)
    try:
        match json.loads(line):
            case {"row": int(), "key": str(digits), "settings": str(name), "text": str(), **rest}:
                return Said(int(digits, 16), name.encode(), bool(rest.get("error")), rest.get("again") is True)
    except (ValueError, RecursionError):
        pass
    return None


def is_json(line: bytes) -> bool:
    """Whether `line` is a whole JSON value."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def without_again(line: bytes) -> bytes:
    """`line`, a whole row, as one that replaces no other."""
    if b'"again"' not in line:
        return line
    value = json.loads(line)
    value.pop("again", None)
    return dump_line(value)
