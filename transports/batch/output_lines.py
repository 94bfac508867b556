"""The lines of an output: written, and read again as far as a resumed run needs it, without decoding the texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from struct import unpack
from typing import Any, BinaryIO, NamedTuple

from sansio_core.plain import json_text

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# JSON allows them in strings, and str.splitlines breaks there.
_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})

BEGINNING = b'{"row"'
"""How each line begins."""
CHUNK = 1 << 18
"""Bytes of an output that are read, or written, at once."""
_FEW = 1 << 14
"""Bytes of lines that are read one by one if one of them is not as it was written, or replaces another."""
# A row as Answer.to_line orders it. A quote that is not escaped begins or ends a string: `"error":` is within none.
_ROW = re.compile(
    rb'^\{"row":\d+(?:,"id":(?:"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[\w.+-]+))?'
    rb',"key":"([0-9a-f]{16})","settings":"([0-9a-f]{8})","(?:(text)|error":\{".*\},"text)":".*\}\n',
    re.MULTILINE,
)
_KEY_FORM = re.compile("[0-9a-f]{16}")


class Rows(NamedTuple):
    """What a resumed run reads of a line, or of several at once: the key and settings of each, whether it has an error.

    `again`: it replaces an earlier line of the same row, which has an error; such a line is alone.
    """

    keys: Sequence[int]
    settings: Sequence[bytes]
    failed: Sequence[bool]
    again: bool = False


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of `file`, of which each piece ends with a whole line."""
    return iter(lambda: file.read(CHUNK) + file.readline(), b"")


def read_lines(lines: bytes) -> Iterator[Rows | bytes]:
    """What `lines` say, in their order; of one that is not a whole row of an output, the line itself."""
    if (rows := _plain(lines)) is not None:
        yield rows
        return
    middle = lines.find(b"\n", len(lines) // 2) + 1
    if len(lines) < _FEW or not 0 < middle < len(lines):
        yield from map(_read, BytesIO(lines))
    else:
        yield from read_lines(lines[:middle])
        yield from read_lines(lines[middle:])


def _plain(lines: bytes) -> Rows | None:
    """What `lines` say, read at once; None unless all are as they were written, and replace no others."""
    # A zero is in no JSON: a power cut may leave some in place of what was not on the disk yet.
    if b'"again":' in lines or b"\0" in lines or not lines.endswith(b"\n"):
        return None
    found = _ROW.findall(lines)
    if len(found) != lines.count(b"\n"):
        return None
    keys, settings, texts = zip(*found, strict=True)
    failed = [not text for text in texts]
    if lines.count(b'"error":') != sum(failed):
        return None
    return Rows(unpack(f">{len(keys)}Q", bytes.fromhex(b"".join(keys).decode())), settings, failed)


def _read(line: bytes) -> Rows | bytes:
    try:
        match json.loads(line):
            case {"row": int(), "key": key, "settings": str(name), "text": str(), **rest}:
                if (number := key_number(key)) is not None:
                    return Rows((number,), (name.encode(),), [bool(rest.get("error"))], rest.get("again") is True)
    except (ValueError, RecursionError):
        pass
    return line


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


def numbered(line: bytes, row: int | None) -> bytes:
    """`line`, a whole row, as one that replaces no other: that of the input's line `row`, unless that is None."""
    if b'"again"' in line or not (row is None or line.startswith(b'{"row":')):
        value = json.loads(line)
        value.pop("again", None)
        line = dump_line(value if row is None else {**value, "row": row})
    elif row is not None:
        line = b'{"row":%d%b' % (row, line[line.index(b",") :])
    return line
