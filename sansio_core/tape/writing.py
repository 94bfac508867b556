"""A take as the text that `format` describes."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from ..parsers.lines import LF
from .format import FIELD, LINE_ENDS, LONGEST, MARKS, ODD, REQUEST, STATUS
from .model import End, Head, Mark, Piece, Step, Take

_CONTROLS = bytes({*range(32), 127}.difference(b"\t\n\r"))
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_BLANK_END = re.compile(rb"\n(?:(?<=[^!-~\r\n]\n)|(?<=[^!-~\n]\r\n))")


def dumps(take: Take) -> bytes:
    """A take as text, from the empty line before it. Raises ValueError for what the format has no words for.

    That is a line end in a header field, a status beyond three digits, seconds below 0 or beyond a million.
    """
    end = _common_end(take.answer)
    parts = [_text(["", *_request_lines(take)])]
    for step in take.steps:
        if isinstance(step, Piece):
            parts.append(_gap(step.after))
            parts.append((end and _quick_lines(step.data, end)) or _text(_piece_lines(step.data)))
        else:
            parts.append(_text(_step_lines(step)))
    return b"".join(parts)


def _text(lines: Iterable[str]) -> bytes:
    return "".join([f"{line}\n" for line in lines]).encode()


@lru_cache
def _gap(seconds: float) -> bytes:
    return f"= {_number(seconds)}\n".encode()


def _step_lines(step: Step) -> Iterator[str]:
    if not isinstance(step, End):
        yield f"= {_number(step.after)}"
    match step:
        case Mark(_, what) if what in MARKS:
            yield f"+ {what}"
        case Head(_, status, headers) if STATUS.fullmatch(str(status)):
            yield f"< {status}"
            for pair in headers:
                yield _line("<", _field(*pair))
        case End(after, what, attributes, again):
            line = f"! {what} +{_number(after)}" + ("" if again is None else f" again +{_number(again)}")
            yield line + (f" {_json(attributes)}" if attributes else "")
        case _:
            raise ValueError(f"a tape cannot have {step}")


def _request_lines(take: Take) -> Iterator[str]:
    request = f"{take.method} {take.url}"
    if not REQUEST.fullmatch(request):
        raise ValueError("a take needs a method, and a URL without white space")
    yield _line(">", request)
    # These two lines always: a header field that is called so can then not be taken for one of them.
    for name, value in (("base", take.base), ("provider", take.provider), *take.headers):
        yield _line(">", _field(name, value))
    if take.body:
        yield ">"
        yield from [f"> {line}" for line in _piece_lines(take.body)]


def _field(name: str, value: str) -> str:
    text = f"{name}: {value}" if value else f"{name}:"
    found = FIELD.fullmatch(text)
    if found is None or found.groups() != (name, value):
        raise ValueError(f"a tape cannot have this header field, for its name or a line end in it: {name!r:.50}")
    return text


def _line(mark: str, text: str) -> str:
    """A line of a request or response."""
    quoted = text[-1].isspace() or text[0] == '"' or ODD.search(text)
    return f"{mark} {_json(text) if quoted else text}"


def _common_end(answer: bytes) -> bytes:
    """What ends each line of `answer`, where that is the same and nothing before it needs another form; else b""."""
    if len(answer.translate(None, _CONTROLS)) != len(answer) or _C1.search(answer) or _BLANK_END.search(answer):
        return b""
    if b"\r" not in answer:
        return b"\n"
    return b"\r\n" if answer.count(b"\r") == answer.count(b"\r\n") == answer.count(b"\n") else b""


def _quick_lines(data: bytes, end: bytes) -> bytes:
    """The lines of a piece of an answer whose lines have the common `end`; b"" where the piece is cut within one."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return b""
    mark = b"|" if end == b"\n" else b"\\"
    content = data.rstrip(end)
    blank, half = divmod(len(data) - len(content), len(end))
    # The cut may be within a CR LF, or behind a blank.
    if half or not content or (content[0] == LF and len(end) > 1) or not 0x20 < content[-1] < 0x7F:
        return b""
    lines = b"%b %b" % (mark, content)
    if LF in content:
        lines = lines.replace(end, b"\n%b " % mark).replace(b"%b \n" % mark, mark + b"\n")
    if blank:
        return b"%b\n%b" % (lines, (mark + b"\n") * (blank - 1))
    last = lines.rfind(b"\n") + 1
    return b"%b:%b\n" % (lines[:last], lines[last + 1 :])


def _piece_lines(data: bytes) -> Iterable[str]:
    """The lines of a piece, or of a request's body."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if ODD.search(text.replace("\r\n", "\n") if "\r" in text else text):
        return ["~ " + binascii.b2a_base64(data, newline=False).decode()]
    *lines, rest = text.split("\n")
    written = [_content("\\", line[:-1]) if line[-1:] == "\r" else _content("|", line) for line in lines]
    return [*written, _content(":", rest)] if rest else written


def _content(mark: str, line: str) -> str:
    if not line:
        return mark
    return _json(line + LINE_ENDS[mark]) if line[-1].isspace() else f"{mark} {line}"


def _json(value: Any) -> str:
    """`value` as JSON without control characters."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _number(seconds: float) -> str:
    """The shortest decimal that is read as the same float."""
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"seconds must be a number from 0 to {LONGEST:g}, not {seconds}")
    return repr(seconds + 0.0).removesuffix(".0")  # + 0.0, as there is a negative zero
