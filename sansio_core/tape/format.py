r"""A tape as text: UTF-8 lines, each ended by LF, that a person can read, grep and diff, and that keep every byte.

    # sansio-chat tape 1
                                                    an empty line begins a take: one request, and what came of it
    > POST https://api.openai.com/v1/chat/completions
    > base: https://api.openai.com/v1               the provider's base URL, at the beginning of that URL
    > provider: openai                              its name; both lines may be left out
    > authorization: [hidden]                       the request's header fields
    >
    > : {"model":"…","stream":true}                 its body, in the lines of a piece (below)
    = 0.031                                         seconds since what came before; the first, since the request
    + connected                                     or `reused`, a kept-alive connection; `waiting` for a place among
    = 0.412                                         the client's connections, and `place`, when it has one
    < 200                                           the response's status and header fields
    < content-type: text/event-stream
    = 0.009
    | data: {"choices":[…]}                         a piece: what one read of the body gave
    |
    ! end +0.021                                    how the take ended, and after how many seconds

Before any of these steps there may be `+ late`, with its own seconds: a clock had fired by then, but the client was
busy elsewhere. In an answer, that is the only `+`.

The lines of a piece, by what stands first. One blank follows it, and then the content; neither where there is none:

    |   a line that LF ends
    \   a line that CR LF ends
    :   the beginning of a line, the rest of which is in a later piece, or never came
    "   the beginning of a JSON string: one of these lines whose content ends in white space, with its line end inside
    ~   the whole piece in base64, as it is no UTF-8 or has a control character other than tab, LF and CR LF

The ends: `end`, the body's proper end; `closed`, as the client left before that; `TimeoutError`, as one of the client's
clocks fired; `ConnectionLost` or another error's class. The attributes of an error follow as JSON:

    ! TimeoutError +2.0 {"clock": "idle", "seconds": 2}

Where the request was made again, the end says after what wait: `! end +0.021 again +0.437`.

A response that never came has no `<`, and an empty body no lines. Bodies are kept without their content coding. Of a
request or header line too, what ends in white space or has a control character is a JSON string: `< "x-note: a "`. So
no line of a tape ends in white space, which editors and hooks would cut, nor has it control characters; and a tape
whose every LF became CR LF, as git may do, is still the same. Lines that begin with `#` are comments.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar, get_args

from ..parsers.lines import LF
from .errors import BrokenTape
from .model import End, Head, Mark, Piece, Step, Take, What

VERSION = "1"
FIRST_LINE = f"# sansio-chat tape {VERSION}\n".encode()

T = TypeVar("T")

_ODD = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no line of a tape has: controls but for tab, and half surrogate pairs, which UTF-8 cannot write."""
_CONTROLS = bytes({*range(32), 127}.difference(b"\t\n\r"))
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_BLANK_END = re.compile(rb"\n(?:(?<=[^!-~\r\n]\n)|(?<=[^!-~\n]\r\n))")
_REQUEST = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+)")  # a method is a token (RFC 9110 9.1)
_FIELD = re.compile(r"([!-9;-~]+): ?([^\r\n\0]*)")  # RFC 9110 5.5: a value with CR, LF or NUL is invalid
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")  # float() alone would take "1_0", "nan" and Arabic digits
_LONGEST = 1e6  # seconds: no clock of a system can be set to more than some weeks
_STATUS = re.compile(r"([1-9][0-9]{2})")
_END = re.compile(r"(\S+) \+(\S+)(?: again \+(\S+))?(?: (.+))?")
_LINE_ENDS = {"|": "\n", "\\": "\r\n", ":": ""}
_CONTENT = {
    **{mark: f"a blank behind `{mark}`" for mark in _LINE_ENDS},
    "~": "a blank and base64 behind `~`",
    '"': "a JSON string of characters that UTF-8 can write",
}
"""What the lines of a piece begin with, and what each must be."""
_MARKS: dict[str, What] = {each: each for each in get_args(What)}


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
        case Mark(_, what) if what in _MARKS:
            yield f"+ {what}"
        case Head(_, status, headers) if _STATUS.fullmatch(str(status)):
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
    if not _REQUEST.fullmatch(request):
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
    found = _FIELD.fullmatch(text)
    if found is None or found.groups() != (name, value):
        raise ValueError(f"a tape cannot have this header field, for its name or a line end in it: {name!r:.50}")
    return text


def _line(mark: str, text: str) -> str:
    """A line of a request or response."""
    quoted = text[-1].isspace() or text[0] == '"' or _ODD.search(text)
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
        if not data.isascii():
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
    if _ODD.search(text.replace("\r\n", "\n") if "\r" in text else text):
        return ["~ " + binascii.b2a_base64(data, newline=False).decode()]
    *lines, rest = text.split("\n")
    written = [_content("\\", line[:-1]) if line[-1:] == "\r" else _content("|", line) for line in lines]
    return [*written, _content(":", rest)] if rest else written


def _content(mark: str, line: str) -> str:
    if not line:
        return mark
    return _json(line + _LINE_ENDS[mark]) if line[-1].isspace() else f"{mark} {line}"


def _json(value: Any) -> str:
    """`value` as JSON without control characters."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _number(seconds: float) -> str:
    """The shortest decimal that is read as the same float."""
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"seconds must be a number from 0 to {_LONGEST:g}, not {seconds}")
    return repr(seconds + 0.0).removesuffix(".0")  # + 0.0, as there is a negative zero


def loads(data: bytes | str) -> Iterator[Take]:
    """The takes of a tape's text. Raises BrokenTape for what is no tape of this version, when it comes to the line."""
    lines = _Lines(_checked(data))
    while lines.to_next_take():
        yield _take(lines)


def _checked(data: bytes | str) -> str:
    """The text of a tape, with LF as its line ends, each line without control characters."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")  # some editors on Windows write a BOM
    except UnicodeDecodeError as error:
        raise BrokenTape(error.object.count(b"\n", 0, error.start) + 1, "this is not UTF-8, as a tape is") from None
    text = text.replace("\r\n", "\n")  # of a tape's own lines none has a CR: git, or an editor, wrote these
    first, end, _ = text.partition("\n")
    if first != (wanted := FIRST_LINE.decode().rstrip()):
        if other := re.fullmatch("# sansio-chat tape ([0-9]{1,9})", first):
            raise BrokenTape(
                1, f"a tape of version {other[1]}; this release reads version {VERSION}: update sansio-chat"
            )
        raise BrokenTape(1, f"no tape: the first line of one is {wanted!r}")
    if odd := _ODD.search(text):
        raise BrokenTape(
            text.count("\n", 0, odd.start()) + 1,
            f"the character U+{ord(odd[0]):04X} cannot stand in a tape as it is: a piece that has it is written in "
            "base64, another line as a JSON string",
        )
    if not end or text[-1] != "\n":
        raise BrokenTape(text.count("\n") + 1, "the last line has no line end: the tape may have been cut here")
    return text


class _Lines:
    """The lines of a tape behind its first, one after another; comments are passed over."""

    def __init__(self, text: str) -> None:
        self._rest = enumerate(text.split("\n")[1:-1], 2)
        self._began = 0  # the line at which the take began; 0 before the first
        self.number = 1
        """The current line's number; at the tape's end, that of the last one."""
        self.line: str | None = ""
        """The current line; None at the tape's end."""
        self.advance()

    def advance(self) -> None:
        """Go on to the next line."""
        for number, line in self._rest:
            if line[:1] != "#":
                self.number, self.line = number, line
                return
        self.line = None

    def to_next_take(self) -> bool:
        """Pass over the empty lines before a take, which the first one may lack; returns whether one follows."""
        if self.line and self._began:
            raise self.broken("an empty line, which begins a take")
        while self.line == "":
            self.advance()
        self._began = self.number
        return self.line is not None

    def behind(self, mark: str) -> str | None:
        """What stands behind `mark` in the current line; None where it begins otherwise."""
        line = self.line
        if not line or line[0] != mark:
            return None
        if line[1:2] not in ("", " "):
            raise self.broken(f"a blank behind `{mark}`")
        return line[2:]

    def matched(self, mark: str, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
        """The groups of `pattern`, which the line behind `mark` matches, or the string that stands there as JSON."""
        text = self.behind(mark) or ""
        found = pattern.fullmatch(self.read(_string, text, "a JSON string") if text[:1] == '"' else text)
        if found is None:
            raise self.broken(expected)
        return found.groups()

    def read(self, read: Callable[[str], T], text: str, expected: str) -> T:
        """What `read` makes of `text`, which stands in the current line."""
        try:
            return read(text)
        except (ValueError, RecursionError):
            raise self.broken(expected) from None

    def broken(self, expected: str) -> BrokenTape:
        """The error that the line is none of those `expected`."""
        if self.line is not None:
            return BrokenTape(self.number, f"expected {expected}")
        detail = f"the tape ends here, in the midst of the take that begins at line {self._began}; expected {expected}"
        return BrokenTape(self.number, detail)


def _take(lines: _Lines) -> Take:
    method, url = lines.matched(">", _REQUEST, "`> METHOD URL`")
    lines.advance()
    fields = _fields(lines, ">")
    own = {"base": "", "provider": ""}
    for name in own:
        if fields and fields[0][0] == name:
            own[name] = fields.pop(0)[1]
    body = b""
    if lines.behind(">") == "":
        lines.advance()
        if lines.behind(">") is not None:
            body = _data(lines, ">")
    return Take(method, url, own["base"], own["provider"], tuple(fields), body, tuple(_steps(lines)))


def _fields(lines: _Lines, mark: str) -> list[tuple[str, str]]:
    fields = []
    while lines.behind(mark):
        name, value = lines.matched(mark, _FIELD, f"`{mark} name: value`")
        fields.append((name, value))
        lines.advance()
    return fields


def _steps(lines: _Lines) -> Iterator[Step]:
    headed = False
    while (text := lines.behind("=")) is not None:
        after = lines.read(_seconds, text, "`= SECONDS`, a decimal number up to a million")
        lines.advance()
        if (what := lines.behind("+")) is not None:
            if what not in _MARKS or (headed and what != "late"):
                known = "`+ connected`, `+ reused`, `+ waiting`, `+ place` or "
                raise lines.broken("`+ late`" if headed else f"{known}`+ late`")
            lines.advance()
            yield Mark(after, _MARKS[what])
        elif headed:
            yield Piece(after, _data(lines))
        else:
            (status,) = lines.matched("<", _STATUS, "`< STATUS`, of three digits, or `+ connected` before it")
            lines.advance()
            yield Head(after, int(status), tuple(_fields(lines, "<")))
            headed = True
    yield _end(lines)


def _data(lines: _Lines, mark: str = "") -> bytes:
    """The data of a piece, the lines of which stand behind `mark`."""
    parts = []
    ended = True
    while (text := lines.behind(mark) if mark else lines.line) and text[0] in _CONTENT:
        if not ended:
            raise lines.broken("`= SECONDS`, as the piece ended in the midst of a line")
        part = lines.read(_part, text, _CONTENT[text[0]])
        ended = part[-1:] == b"\n" and text[0] != "~"
        parts.append(part)
        lines.advance()
    data = b"".join(parts)
    if not data:
        raise lines.broken("a line of a piece, which is not empty: `| …`, `\\ …`, `: …`, `~ BASE64` or a JSON string")
    return data


def _part(text: str) -> bytes:
    """The data of one line of a piece."""
    mark = text[0]
    if mark == '"':
        return _string(text).encode()
    if text[1:2] not in ("", " "):
        raise ValueError
    if mark == "~":
        return binascii.a2b_base64(text[2:], strict_mode=True)
    return (text[2:] + _LINE_ENDS[mark]).encode()


def _end(lines: _Lines) -> End:
    expected = "`= SECONDS` and what came then, or how the take ended: `! end +SECONDS`"
    what, seconds, wait, attributes = lines.matched("!", _END, expected)
    number = "seconds behind `+`, a decimal number up to a million"
    after = lines.read(_seconds, seconds, number)
    again = lines.read(_seconds, wait, number) if wait else None
    given = lines.read(_object, attributes or "{}", "the error's attributes as a JSON object")
    try:
        end = End(after, what, given, again)
    except ValueError as error:
        raise BrokenTape(lines.number, str(error)) from None
    lines.advance()
    return end


def _seconds(text: str) -> float:
    if not _SECONDS.fullmatch(text) or (seconds := float(text)) > _LONGEST:
        raise ValueError
    return seconds


def _string(text: str) -> str:
    match json.loads(text):
        case str(value):
            return value
    raise ValueError


def _object(text: str) -> dict[str, Any]:
    match json.loads(text):
        case dict(value):
            return value
    raise ValueError
