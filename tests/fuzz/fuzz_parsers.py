"""The parsers against plain renderings of their rules, and against themselves at other cuts."""

from __future__ import annotations

import json
import re
import zlib
from gzip import compress
from typing import Any

from cutting import Input, Target, cut, outcome, same

from sansio_core import ChatError, StreamTruncated
from sansio_core.content_coding import ContentDecoder
from sansio_core.parsers import (
    Comment,
    JSONValueScanner,
    NDJSONParser,
    ServerSentEvent,
    SSEJSONParser,
    SSEParser,
    StrayLine,
    TextParser,
)
from sansio_core.partial_json import parse_partial

BIG = 1 << 24


def by_the_book(body: bytes, lenient: bool) -> list[Any]:
    """An event stream as section 9.2.6 of the WHATWG HTML standard has it, on the whole text at once."""
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    lines = re.split("\r\n|\n|\r", text)
    unfinished = lines.pop()
    if lenient:
        lines += [unfinished, ""] if unfinished else [""]
    frames: list[Any] = []
    data: list[str] = []
    event = last_id = ""
    for line in lines:
        name, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                frames.append(ServerSentEvent(event or "message", "\n".join(data), last_id))
            data, event = [], ""
        elif colon and not name:
            frames.append(Comment(value))
        elif name == "data":
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id":
            last_id = last_id if "\0" in value else value
        elif name != "retry" and lenient:
            frames.append(StrayLine(line))
    return frames


def sse(data: bytes) -> None:
    given = Input.of(data)
    lenient = bool(given.choice & 1)
    same(outcome(SSEParser(lenient=lenient), given.pieces()), by_the_book(given.body, lenient), "the standard")
    limit = 1 + given.size
    whole = outcome(SSEParser(lenient=lenient, max_frame_size=limit), [given.body])
    same(outcome(SSEParser(lenient=lenient, max_frame_size=limit), given.pieces()), whole, "with a limit")


class PlainPath:
    """What SSEJSONParser must be the same as."""

    def __init__(self, limit: int) -> None:
        self._parser = SSEParser(lenient=True, max_frame_size=limit)

    def feed(self, data: bytes) -> list[Any]:
        return [self._item(frame) for frame in self._parser.feed(data)]

    def close(self) -> list[Any]:
        return [self._item(frame) for frame in self._parser.close()]

    @staticmethod
    def _item(frame: Any) -> Any:
        if isinstance(frame, ServerSentEvent):
            try:
                return frame.event, json.loads(frame.data)
            except (ValueError, RecursionError):
                pass
        return frame


def sse_json(data: bytes) -> None:
    given = Input.of(data)
    pieces, limit = given.pieces(), 1 + given.size * 16 if given.size else BIG
    wanted = outcome(PlainPath(limit), pieces)
    for fast in (False, True):
        same(outcome(SSEJSONParser(max_frame_size=limit, fast=fast), pieces), wanted, f"the plain path, fast={fast}")


def ndjson(data: bytes) -> None:
    given = Input.of(data)
    lines = given.body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    wanted = [line.decode("utf-8", "replace") for line in (line.removesuffix(b"\r") for line in lines) if line.strip()]
    same(outcome(NDJSONParser(), given.pieces()), wanted, "lines")
    limit = 1 + given.size
    whole = outcome(NDJSONParser(max_frame_size=limit), [given.body])
    same(outcome(NDJSONParser(max_frame_size=limit), given.pieces()), whole, "with a limit")


def text(data: bytes) -> None:
    given = Input.of(data)
    pieces = outcome(TextParser(), given.pieces())
    assert "" not in pieces
    same("".join(pieces), given.body.decode("utf-8", "replace").removeprefix("\ufeff"), "text")


def coding(data: bytes) -> None:
    given = Input.of(data)
    name = ("gzip", "deflate", "gzip, deflate", "x-gzip, identity")[given.choice & 3]
    body = given.body
    if given.choice & 4:  # begin with something whole, which the fuzzer then need not find
        body = compress(body) if "gzip" in name else zlib.compress(body)
        if given.choice & 8:
            body = body[: given.cut % (len(body) + 1)]
    limit = 64 << (given.size & 15)

    def decode(pieces: list[bytes]) -> tuple[bytes, str]:
        decoder, out = ContentDecoder(name, limit), b""
        try:
            for piece in pieces:
                out += decoder.decode(piece)
                while decoder.pending:
                    out += decoder.decode(b"")
            decoder.finish()
        except ChatError as error:
            assert len(out) <= limit
            return out, "truncated" if isinstance(error, StreamTruncated) else "corrupt, or too much"
        return out, ""

    out, error = decode([body])  # where a body is both, the cut decides which comes first
    if name in ("gzip", "deflate") and given.choice & 12 == 4 and len(given.body) <= limit:
        same((out, error), (given.body, ""), "what was compressed")
    cut_out, cut_error = decode(cut(body, given.cut))
    same(cut_error, error, "the error at another cut")
    assert not error or out.startswith(cut_out) or cut_out.startswith(out)
    assert error or out == cut_out


def json_values(data: bytes) -> None:
    given = Input.of(data)
    text = given.body.decode("utf-8", "replace")
    limit = 1 + given.size * 4 if given.size else BIG
    whole = outcome(JSONValueScanner(max_frame_size=limit), [text])
    same(outcome(JSONValueScanner(max_frame_size=limit), cut(text, given.cut)), whole, "another cut")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if given.size == 0 and isinstance(value, (dict, list)):
        found = [json.loads(item) for item in whole if item]
        same(found, value if isinstance(value, list) else [value], "values")


def partial(data: bytes) -> None:
    given = Input.of(data)
    text = given.body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        parse_partial(text)
        return
    same(parse_partial(text), value, "the whole")
    at = given.cut % (len(text) + 1)
    if isinstance(value, dict) and text[:at].strip():
        grown = parse_partial(text[:at])
        assert isinstance(grown, dict), "the beginning of an object"
        assert set(grown) <= set(value)


TARGETS: dict[str, Target] = {
    "sse": sse,
    "sse-json": sse_json,
    "ndjson": ndjson,
    "text": text,
    "coding": coding,
    "json-values": json_values,
    "partial": partial,
}
