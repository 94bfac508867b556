"""The rows of a run: a line of the input, or a Python value, as a Row: its key, and the question that it asks.

A Row's JSON is parsed when its question is asked for: a run that is resumed passes over millions of rows by their keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from io import BufferedIOBase
from itertools import chain, islice
from math import isinf
from typing import Any, Literal, NamedTuple

from sansio_core import InvalidRequest
from sansio_core.errors import safe_repr
from sansio_core.options import OPTIONS
from sansio_core.plain import json_text
from sansio_core.redact import excerpt
from sansio_core.warning import warn

from .openai_lines import question_of_line
from .output_lines import is_json
from .template import Template

_LONGEST = 16 << 20
"""Bytes: a longer line is an error row."""
_UNUSABLE = 20
"""Rows: where none of the first 20 can be used, the file or the template is at fault, and not a row."""
_BOM = b"\xef\xbb\xbf"

_OF_ALL = " (it is a setting of the whole run)"

Scalar = str | int | float | bool | None


class _Content(NamedTuple):
    """The content of a row, decoded."""

    id: Scalar
    question: dict[str, Any]
    keep: dict[str, Any]
    error: InvalidRequest | None


class Row:
    """A row: `number` counts lines from 1, `digest` is that of the line, a number of 64 bits.

    `again`: whether the row has failed in an earlier run, and is asked again.
    """

    __slots__ = ("_reader", "_source", "again", "digest", "number")

    def __init__(self, number: int, digest: int, source: bytes | _Content, reader: RowReader) -> None:
        self.number, self.digest, self.again = number, digest, False
        self._source, self._reader = source, reader

    def __repr__(self) -> str:
        return f"<Row {self.number}, key {self.key}>"

    @property
    def key(self) -> str:
        """The digest as 16 hex digits."""
        return f"{self.digest:016x}"

    @property
    def id(self) -> Scalar:
        """The row's own id; None where it has none."""
        return self._content().id

    @property
    def question(self) -> dict[str, Any]:
        """Keyword arguments of AsyncClient.stream, among them `messages`; empty where there is an `error`."""
        return self._content().question

    @property
    def keep(self) -> dict[str, Any]:
        """The fields that are copied into the output."""
        return self._content().keep

    @property
    def error(self) -> InvalidRequest | None:
        """Why the row cannot be asked; None where it can."""
        return self._content().error

    def _content(self) -> _Content:
        if not isinstance(self._source, _Content):
            self._source = self._reader.content(self._source, self.number)
        return self._source


Check = Callable[[Row], object]


class RowReader:
    """Makes rows of lines, or of Python values.

    `template`: makes the prompt of a row's fields. `system`: the system text of rows that have none. `keep`: the names
    of fields that are copied into the output. `own_options`: options that the provider alone has
    (`Provider.own_options`). Raises InvalidRequest for a template or names that are wrong.
    """

    def __init__(
        self, *, template: str | None = None, system: str | None = None, keep: Sequence[str] = (),
        own_options: Collection[str] = (),
    ) -> None:  # fmt: skip
        if isinstance(keep, str) or not all(isinstance(name, str) and name for name in keep):
            raise InvalidRequest(f"keep is a list of the names of fields, as ['text', 'label'], not {safe_repr(keep)}")
        self._template = None if template is None else Template(template)
        self._system, self._keep = system, tuple(keep)
        self._options = OPTIONS.union(own_options, ("model", "system"))
        self._known = self._options.union(("id", "prompt", "messages"), keep)

    def rows(self, lines: BufferedIOBase | Iterable[bytes], check: Check = lambda row: None) -> Iterator[Row]:
        """The rows of `lines`, a file open for reading bytes, or its lines. Blank lines are counted, and are no rows.

        `check` raises InvalidRequest for a row that cannot be sent to the provider. Raises InvalidRequest with the
        first row for a file that is no JSON lines, or of which none of the first 20 rows can be used, or none at all.
        """
        return _usable(self._rows(lines), self._keep, check)

    def _rows(self, lines: BufferedIOBase | Iterable[bytes]) -> Iterator[Row]:
        lines = _bounded(lines) if isinstance(lines, BufferedIOBase) else iter(lines)
        for number, line in enumerate(chain(_beginning(lines), lines), 1):
            line = line.rstrip(b"\r\n")
            if line and not line.isspace():
                yield Row(number, _digest(line), line, self)

    def row(self, value: object, number: int) -> Row:
        """The row of a Python value: a str, a list of messages, or a mapping as a line has it.

        `number` is its place, from 1.
        """
        return Row(number, _digest(json_text(value).encode()), self.content(value, number, "prompt"), self)

    def content(self, source: Any, number: int, what: Literal["line", "prompt"] = "line") -> _Content:
        """The decoded content of a row: of a line, in bytes, or of a Python value ("prompt")."""
        key: Scalar = None
        keep: dict[str, Any] = {}
        try:
            value = _parsed(source) if what == "line" else source
            if isinstance(value, str):
                fields: Any = {"prompt": value}
            elif isinstance(value, list) and what == "prompt":
                fields = {"messages": value}
            elif isinstance(value, Mapping):
                fields = value
            else:
                wanted = "an object or a text" if what == "line" else "a text, a list of messages or a mapping"
                raise InvalidRequest(f"it must be {wanted}, not {_kind(value)}")
            keep = {name: fields[name] for name in self._keep if name in fields}
            key = _id(fields)
            return _Content(key, self._with_system(self._question(fields)), keep, None)
        except InvalidRequest as error:
            return _Content(key, {}, keep, InvalidRequest(f"{what} {number}: {error}"))

    def _question(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        if self._template is not None:
            question: dict[str, Any] = {"messages": self._template.fill(fields)}
            # A field that the template names is data, whatever it is called.
            if "model" not in self._template.fields and fields.get("model") is not None:
                question["model"] = fields["model"]
            return question
        if "body" in fields:
            return question_of_line(fields)
        if not self._known.issuperset(fields):
            raise self._unknown(fields)
        question = {name: value for name, value in fields.items() if name in self._options and value is not None}
        question["messages"] = _messages(fields)
        return question

    def _with_system(self, question: dict[str, Any]) -> dict[str, Any]:
        """`question`, with the system text of all rows where it has none of its own."""
        if self._system is not None and "system" not in question:
            messages = question["messages"]
            first = messages[0] if isinstance(messages, list) and messages else None
            if not (isinstance(first, Mapping) and first.get("role") in ("system", "developer")):
                question["system"] = self._system
        return question

    def _unknown(self, fields: Mapping[str, Any]) -> InvalidRequest:
        """The error for fields that are no options."""
        if not fields.keys() & {"prompt", "messages"}:
            return _no_prompt(fields)
        from sansio_core.option_hints import SETTINGS, hint_of  # imported here, as only a mistake needs it

        unknown = sorted(str(name) for name in fields.keys() - self._known)
        known = self._options | {"prompt", "messages", "id"}
        said = {name: _OF_ALL if name in SETTINGS else hint_of(name, known, True) for name in unknown}
        text = f"no option is called {', '.join(repr(excerpt(name)) + hint for name, hint in said.items())}"
        if columns := [name for name, hint in said.items() if not hint]:
            text += f"; leave out what is data, or name it in keep, for the output: {excerpt(','.join(columns))}"
        return InvalidRequest(text)


def _digest(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


# --- lines -----------------------------------------------------------------------------------------------------------


def _beginning(lines: Iterator[bytes]) -> list[bytes]:
    """As many of the first `lines` as are needed to see that they are JSON lines, without a byte order mark.

    Raises InvalidRequest if they are not.
    """
    read: list[bytes] = []
    foreign: list[bytes] = []
    for line in lines:
        read.append(line if read else line.removeprefix(_BOM))
        if text := read[-1].strip():
            if not _is_foreign(text, first=not foreign):
                return read
            foreign.append(text)
            if len(foreign) == 2:  # one alone may be a row that is broken
                break
    if foreign and b"\0" in foreign[0]:
        raise _wrong_kind("is no text")
    if foreign:
        raise _wrong_kind(
            f"begins with {foreign[0][:60].decode(errors='replace')!r}: CSV, or plain text",
            f"pandas: read_csv(FILE).{_LINES}; "
            "of plain text, `jq -R . FILE` makes a prompt of each line",
        )
    return read


def _bounded(file: BufferedIOBase) -> Iterator[bytes]:
    """The lines of `file`; of a line that is too long only the first 16 MiB, so that no more is in memory."""
    while line := file.readline(_LONGEST + 1):
        yield line
        while len(line) > _LONGEST and not line.endswith(b"\n"):
            line = file.readline(_LONGEST + 1)


def _usable(rows: Iterator[Row], keep: Sequence[str], check: Check) -> Iterator[Row]:
    """`rows`. Raises InvalidRequest where none of the first can be used, or none at all.

    Warns of names in `keep` that the first good row has not: once all are asked, it is late for what was misspelt.
    """
    first: list[Row] = []
    why: InvalidRequest | None = None  # the first of them cannot be used
    for row in islice(rows, _UNUSABLE):
        first.append(row)
        if (problem := _problem(row, check)) is None:
            if missing := [repr(name) for name in keep if name not in row.keep]:
                warn(f"line {row.number} has no field {', '.join(missing)}, which is to be kept")
            break
        why = why or problem
    else:
        if why is not None:
            none = f"none of the first {_UNUSABLE} rows" if len(first) == _UNUSABLE else "no row"
            raise InvalidRequest(f"{none} can be used: {why}")
    yield from first
    yield from rows


def _problem(row: Row, check: Check) -> InvalidRequest | None:
    """Why `row` cannot be asked; None where it can."""
    if row.error is None:
        try:
            check(row)
        except InvalidRequest as error:
            return InvalidRequest(f"line {row.number}: {error}")
    return row.error


_LINES = "to_json('in.jsonl', orient='records', lines=True)"
_UTF16 = ("is UTF-16", "`iconv -f UTF-16 -t UTF-8 FILE` writes it so")
_MAGIC = {
    b"\x1f\x8b": ("is compressed by gzip", "`gzip -dc FILE` gives the lines"),
    b"\x28\xb5\x2f\xfd": ("is compressed by zstd", "`zstd -dc FILE` gives the lines"),
    b"\xff\xfe": _UTF16, b"\xfe\xff": _UTF16, b"PAR1": ("is Parquet",), b"ARROW1": ("is Arrow",),
    b"Obj\x01": ("is Avro",),
    b"PK\x03\x04": ("is a zip archive, or a spreadsheet", f"of one, pandas: read_excel(FILE).{_LINES}"),
    b"SQLite format 3": ("is an SQLite database",),
}  # fmt: skip


def _is_foreign(line: bytes, first: bool) -> bool:
    """Whether `line` is not JSON, nor meant to be. Raises InvalidRequest where the `first` shows what the file is."""
    if first:
        for magic, said in _MAGIC.items():
            if line.startswith(magic):
                raise _wrong_kind(*said)
        if line.startswith(b"["):
            raise _wrong_kind("is a JSON array", "`jq -c '.[]' FILE` makes lines of it")
        if line == b"{":
            raise _wrong_kind("is JSON over several lines", "`jq -c . FILE` makes a line of each object")
    return not line.startswith(b"{") and not is_json(line)


def _wrong_kind(what: str, advice: str = "write it as JSON lines, in UTF-8") -> InvalidRequest:
    return InvalidRequest(f"the input {what}, and must be JSON lines, an object or a text on each: {advice}")


# --- the fields of a row ---------------------------------------------------------------------------------------------


def _messages(fields: Mapping[str, Any]) -> Any:
    prompt, messages = fields.get("prompt"), fields.get("messages")
    if prompt is None and messages is None:
        raise _no_prompt(fields)
    if prompt is None:
        return messages
    if messages is not None:
        raise InvalidRequest("it has both 'prompt' and 'messages': give one of them")
    if not isinstance(prompt, str):
        raise InvalidRequest(f"its 'prompt' must be a text, not {_kind(prompt)}; a conversation is 'messages'")
    return prompt


def _no_prompt(fields: Mapping[str, Any]) -> InvalidRequest:
    names = [str(name) for name in fields if name != "id"]
    there = f"its fields: {excerpt(', '.join(names))}" if names else "it has no field"
    advice = f"; or make a prompt of them with a template, as '{{{names[0]}}}'" if names else ""
    if "role" in names:
        advice = "; this is a message: several, in a list, are the 'messages' of one prompt"
    return InvalidRequest(f"it has neither 'prompt' nor 'messages' ({there}{advice})")


def _id(fields: Mapping[str, Any]) -> Scalar:
    value = fields.get("custom_id" if "body" in fields and "id" not in fields else "id")
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    raise InvalidRequest(f"its 'id' must be a text or a number, not {_kind(value)}")


def _kind(value: object) -> str:
    """What `value` is in JSON's words."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return "a number" if value == value else "NaN"
        case str():
            return "a text"
        case list() | tuple():
            return "an array"
        case Mapping():
            return "an object"
    return f"a value of the type {type(value).__name__}"


# --- JSON of which nothing is guessed ------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"an object has {excerpt(twice)!r} twice")
    return value


def _constant(name: str) -> Any:
    raise InvalidRequest(f"it has {name}, which is no JSON: write null, or leave it out")


def _finite(digits: str) -> float:
    if isinf(number := float(digits)):
        raise InvalidRequest(f"the number {excerpt(digits)} is too large")
    return number


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite).decode


def _parsed(line: bytes) -> Any:
    """The value of a line. Raises InvalidRequest."""
    if len(line) > _LONGEST:
        raise InvalidRequest(f"it is longer than {_LONGEST >> 20} MiB")
    text = ""
    try:
        text = line.decode()
        return _decode(text)
    except InvalidRequest:
        raise
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1} is 0x{line[error.start]:02x}"
        advice = "`iconv -f CP1252 -t UTF-8 FILE` mends a file from Windows"
        raise InvalidRequest(f"it is not UTF-8: {place}; {advice}") from None
    except json.JSONDecodeError as error:
        near = text[max(0, error.pos - 20) :][:40]
        said = error.msg.removesuffix(" at")  # some of them end so
        raise InvalidRequest(f"it is not JSON: {said} at character {error.pos + 1}, near {near!r}") from None
    except ValueError:  # more digits than Python reads (sys.set_int_max_str_digits)
        raise InvalidRequest("it has a number of too many digits") from None
    except RecursionError:
        raise InvalidRequest("it is nested too deeply") from None
