"""What every dialect of newline-delimited JSON shares: lines, values over several lines, and what is not JSON."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_harness import comparable
from parsers_cuts import cuts

from sansio_core import ChatEvent, Failed, StreamTruncated, TextDelta, UnexpectedContent, UnknownFrame
from sansio_core.dialects.error_mapping import page_in_place_of_an_answer
from sansio_core.dialects.json_lines import NDJSONChatParser
from sansio_core.errors import LimitExceeded


class Dialect(NDJSONChatParser):
    """A value is a text; "end" ends the answer, a stop the reading, and a line `usual` is understood undecoded."""

    def _usual(self, line: str, out: list[ChatEvent]) -> bool:
        if line == "usual":
            out.append(TextDelta("usual"))
        return line == "usual"

    def decode(self, value: Any, out: list[ChatEvent]) -> None:
        out.append(TextDelta(repr(value)))
        self.complete = self.complete or value == "end"
        if value in ("stop", {"stop": 1}):
            self.complete = self.ended = True


def texts(*values: Any) -> list[ChatEvent]:
    return [TextDelta(repr(value)) for value in values]


def stray(line: str) -> UnknownFrame:
    return UnknownFrame(line, "a line that is not JSON")


def unfinished(text: str) -> UnknownFrame:
    return UnknownFrame(text, "unfinished JSON")


TRUNCATED = Failed(StreamTruncated("the answer stopped before its end marker"))


def page(text: str) -> Failed:
    return Failed(page_in_place_of_an_answer(text))


def text_in_place(text: str) -> Failed:
    return Failed(UnexpectedContent(f"text came in place of an answer: {text}"))


BODIES: dict[str, tuple[str, list[ChatEvent]]] = {
    "lines": ('{"a":1}\n[2]\n"end"\n', texts({"a": 1}, [2], "end")),
    "blank space around": (' {"a":1} \n\t2\n"end"', texts({"a": 1}, 2, "end")),
    "an indented object": ('{\n "a":\n 1\n}\n"end"\n', texts({"a": 1}, "end")),
    "an indented object in an object": ('{\n "a":\n {"b":1}\n}\n"end"\n', texts({"a": {"b": 1}}, "end")),
    "an indented array": ("[\n1,\n2\n]\n", [*texts(1, 2), TRUNCATED]),
    "an array with an object a line": ('[\n{"a":1},\n{"b":2}\n]\n"end"', texts({"a": 1}, {"b": 2}, "end")),
    "lines of an open value, and whole objects": (
        '{\n"a"\n{"b":1}\n', [*texts({"b": 1}), unfinished('{\n"a"'), TRUNCATED],
    ),
    "an unfinished value": ('{"a":', [unfinished('{"a":'), TRUNCATED]),
    "a value over several lines that is not JSON": (
        '{\n"a"\n}\n"end"\n', [UnknownFrame('{\n"a"\n}', "not JSON"), *texts("end")],
    ),
    "two values in a line": ('{} {}\n"end"\n', [*texts({}, {}), *texts("end")]),
    "text before": ('busy\n"end"\n', [stray("busy"), *texts("end")]),
    "text at the end": ('1\nout of memory\n', [*texts(1), stray("out of memory"), text_in_place("out of memory")]),
    "text at the end, with blank space": ("1\n  oh \n", [*texts(1), stray("oh"), text_in_place("oh")]),
    "text, then a value": ("oh\n1\n", [stray("oh"), *texts(1), TRUNCATED]),
    "text, then a usual line": ("oh\nusual\n", [stray("oh"), TextDelta("usual"), TRUNCATED]),
    "text, then broken JSON": ('1\noh\n{"a\n', [*texts(1), stray("oh"), stray('{"a'), TRUNCATED]),
    "broken JSON amid a stream": ('1\n{"a":\n2\n', [*texts(1), stray('{"a":'), *texts(2), TRUNCATED]),
    "text after the end": ('"end"\nbye\n', [*texts("end"), stray("bye")]),
    "a page": ("<html><body>Busy</body></html>\n1\n", [page("<html><body>Busy</body></html>")]),
    "a page amid a stream is text": ("1\n<html>\n", [*texts(1), stray("<html>"), text_in_place("<html>")]),
    "a page in an open value": ("{\n<html>\n", [page("<html>")]),
    "a line of another blank": ("1\n\x1f\n", [*texts(1), stray("\x1f"), text_in_place("")]),
    "nothing behind a stop": ('1\n"stop"\n2\n{', texts(1, "stop")),
    "nothing behind a stop in an open value": ('[\n"stop", 1,\n2]', texts("stop")),
    "an open value at the stop": (
        '{\n"a":[\n{"a":1}\n"stop"', [*texts({"a": 1}), unfinished('{\n"a":[\n"stop"'), TRUNCATED],
    ),
    "a stop at the end of an open value": ('{\n"a":[\n{"stop":1}', texts({"stop": 1})),
    "too deep": ("[" * 99999 + "\n", [unfinished("[" * 99999), TRUNCATED]),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name: str) -> None:
    body, expected = BODIES[name]
    for pieces in [[body.encode()]] if len(body) > 999 else cuts(body.encode()):
        parser = Dialect()
        events = [event for piece in pieces for event in parser.feed(piece)] + parser.end()
        assert comparable(events) == comparable(expected)


def test_the_limit_ends_the_stream() -> None:
    parser = Dialect(max_frame_size=10)
    (failed,) = parser.feed(b'{\n"a":\n"bcdefgh"\n1\n') + parser.end()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, LimitExceeded)
