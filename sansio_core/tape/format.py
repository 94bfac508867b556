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
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

from .errors import BrokenTape
from .model import End, Head, Mark, Piece, Step, Take, What

VERSION = "1"
FIRST_LINE = f"# sansio-chat tape {VERSION}\n".encode()

T = TypeVar("T")

ODD = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no line of a tape has: controls but for tab, and half surrogate pairs, which UTF-8 cannot write."""
REQUEST = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+)")  # a method is a token (RFC 9110 9.1)
FIELD = re.compile(r"([!-9;-~]+): ?([^\r\n\0]*)")  # RFC 9110 5.5: a value with CR, LF or NUL is invalid
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")  # float() alone would take "1_0", "nan" and Arabic digits
LONGEST = 1e6  # seconds: no clock of a system can be set to more than some weeks
STATUS = re.compile(r"([1-9][0-9]{2})")
_END = re.compile(r"(\S+) \+(\S+)(?: again \+(\S+))?(?: (.+))?")
LINE_ENDS = {"|": "\n", "\\": "\r\n", ":": ""}
_CONTENT = {
    **{mark: f"a blank behind `{mark}`" for mark in LINE_ENDS},
    "~": "a blank and base64 behind `~`",
    '"': "a JSON string of characters that UTF-8 can write",
}
"""What the lines of a piece begin with, and what each must be."""
MARKS: dict[str, What] = {each: each for each in get_args(What)}


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
    if odd := ODD.search(text):
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
    method, url = lines.matched(">", REQUEST, "`> METHOD URL`")
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
        name, value = lines.matched(mark, FIELD, f"`{mark} name: value`")
        fields.append((name, value))
        lines.advance()
    return fields


def _steps(lines: _Lines) -> Iterator[Step]:
    headed = False
    while (text := lines.behind("=")) is not None:
        after = lines.read(_seconds, text, "`= SECONDS`, a decimal number up to a million")
        lines.advance()
        if (what := lines.behind("+")) is not None:
            if what not in MARKS or (headed and what != "late"):
                known = "`+ connected`, `+ reused`, `+ waiting`, `+ place` or "
                raise lines.broken("`+ late`" if headed else f"{known}`+ late`")
            lines.advance()
            yield Mark(after, MARKS[what])
        elif headed:
            yield Piece(after, _data(lines))
        else:
            (status,) = lines.matched("<", STATUS, "`< STATUS`, of three digits, or `+ connected` before it")
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
    return (text[2:] + LINE_ENDS[mark]).encode()


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
    if not _SECONDS.fullmatch(text) or (seconds := float(text)) > LONGEST:
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
