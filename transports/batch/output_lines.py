"""The lines of an output: written, and read again as far as a resumed run needs it, without decoding the texts."""

from __future__ import annotations

import json
import re
from typing import Any

from sansio_core.plain import json_text

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# JSON allows them in strings, and str.splitlines breaks there.
_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})

BEGINNING = b'{"row"'
"""How each line begins."""
_AGAIN, _KEY = b',"again":true', b',"key":"'
# The order of the fields is ours (Answer.to_line). An unescaped quote begins or ends a string, so that these bytes are
# never within one: the first _KEY is the row's own, as only a number and a scalar stand before it.
_FIELDS = re.compile(rb',"key":"([0-9a-f]{16})","settings":"([0-9a-f]{8})","(?:(text)|error)":')
_KEY_FORM = re.compile("[0-9a-f]{16}")

Said = tuple[int, bytes, bool, bool]
"""What a resumed run reads of a line: its key and settings, whether it has an error, and whether it replaces an earlier
line of the same row that has one. (As NamedTuples they take a fifth more time.)"""


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
    """What `line` says; None where it is not a whole row of an output."""
    # A zero is in no JSON: a power cut may leave some in place of what was not on the disk yet.
    if _AGAIN not in line and b"\0" not in line and line.startswith(BEGINNING) and line.endswith(b"}\n"):
        found = _FIELDS.match(line, line.find(_KEY))
        if found:
            key, settings, text = found.groups()
            return int(key, 16), settings, text is None, False
    try:
        match json.loads(line):
            case {"row": int(), "key": key, "settings": str(name), "text": str(), **rest}:
                if (number := key_number(key)) is not None:
                    return number, name.encode(), bool(rest.get("error")), rest.get("again") is True
    except (ValueError, RecursionError):
        pass
    return None


def key_number(key: object) -> int | None:
    """The number that a key, 16 hex digits, stands for; None for anything else."""
    return int(key, 16) if isinstance(key, str) and _KEY_FORM.fullmatch(key) else None


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
