"""What every dialect's parser shares: an event stream of JSON, what stands in its place, and how a stream ends."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_harness import comparable
from parsers_cuts import cuts

from sansio_core import (
    ChatEvent,
    Failed,
    Finished,
    KeepAlive,
    ProtocolViolation,
    ProviderRefused,
    StreamTruncated,
    TextDelta,
    UnexpectedContent,
    UnknownFrame,
)
from sansio_core.dialects.base import EventStreamParser
from sansio_core.dialects.error_mapping import page_in_place_of_an_answer
from sansio_core.errors import LimitExceeded


class Dialect(EventStreamParser):
    """{"say": text}; and some words that do what a dialect may do."""

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        said = value["say"] if isinstance(value, dict) and "say" in value else repr(value)
        match said:
            case "end":
                self.complete = True
                out.append(Finished())
            case "stop":
                self.complete = self.ended = True
            case "fail":
                self.complete = True
                self.fail(ProviderRefused("first"), out)
                self.fail(ProviderRefused("second"), out)
                out.append(TextDelta("last words"))
            case "deep":
                raise RecursionError
            case _:
                out.append(TextDelta(said if event == "message" else f"{event}: {said}"))

    def done(self, out: list[ChatEvent]) -> None:
        out.append(Finished())
        self.complete = self.ended = True


def texts(*values: str) -> list[ChatEvent]:
    return [TextDelta(value) for value in values]


def refused(*words: str) -> list[ChatEvent]:
    return [Failed(ProviderRefused(*words))]


CUT = [Failed(StreamTruncated("the answer stopped before its end marker"))]
TOO_DEEP = [Failed(ProtocolViolation("the answer has JSON that is nested too deeply"))]
PAGE = "<html><body>Just a moment</body></html>"
A, END, DONE = 'data: {"say": "a"}\n\n', 'data: {"say": "end"}\n\n', "data: [DONE]\n\n"

BODIES: dict[str, tuple[str, list[ChatEvent]]] = {
    "done": (A + "event: x\n" + A + DONE + A, texts("a", "x: a")),
    "an end, and more": (A + END + A, [*texts("a"), Finished(), *texts("a")]),
    "no end": (A, [*texts("a"), *CUT]),
    "nothing": ("", [Failed(StreamTruncated("the answer is empty: its body has not a single byte"))]),
    "a blank line": ("\n", CUT),
    "an end without a blank line": (A + "data: [DONE]", texts("a")),
    "keep-alives": (": ping\n\ndata:\n\ndata:  \n\n" + DONE, [KeepAlive("ping"), KeepAlive(""), KeepAlive(" ")]),
    "data that is not JSON": (A + "data: oh\n\n" + DONE, [*texts("a"), UnknownFrame("oh", "data that is not JSON")]),
    "an error in words": (A + "event: error\ndata: oh\n\n" + A, [*texts("a"), *refused("oh")]),
    "the first fault counts, and stands last": (
        A + 'data: {"say": "fail"}\n\n' + A + END, [*texts("a", "last words"), *refused("first")],
    ),
    "nothing behind a stop": (A + 'data: {"say": "stop"}\n\n' + A, texts("a")),
    "too deep for a dialect": (A + 'data: {"say": "deep"}\n\n' + A, [*texts("a"), *TOO_DEEP]),
    "too deep at the end": (A + 'data: {"say": "deep"}\n', [*texts("a"), *TOO_DEEP]),
    "halves of an emoji": (
        'data: {"say": "\\ud83d"}\n\ndata: {"say": "\\ude00"}\n\ndata: {"say": "b\\ud83d"}\n\n' + DONE,
        texts("😀", "b", "\ufffd"),
    ),
    "a half at the very end": ('data: {"say": "end"}\n\ndata: {"say": "\\ud83d"}', [Finished(), *texts("\ufffd")]),
    # lines that are no field
    "a page": (f"\n {PAGE}\n" + A, [Failed(page_in_place_of_an_answer(" " + PAGE))]),
    "text that names a tag": ("see <html>\n" + DONE, [UnknownFrame("see <html>", "no event-stream field")]),
    "a line of blank space": (" \n" + DONE, [UnknownFrame(" ", "no event-stream field")]),
    "bare values": ('{"say": "b"}\n[{"say":\n"c"},\n{"say": "d"}]\n' + DONE, texts("b", "c", "d")),
    "a bare value behind blank space": ('  {"say": "b"}\n' + DONE, texts("b")),
    "bare JSON that is none": ('{"say"}\n' + DONE, [UnknownFrame('{"say"}', "not JSON")]),
    "an error that is bare": (A + '{"error": {"message": "oh"}}\n' + A, [*texts("a"), *refused("oh")]),
    "nothing behind a bare stop": ('[{"say": "stop"}, {"say": "b"}]\n' + A, []),
    "an open array behind a bare end": (
        '[{"say": "b"}, {"say": "end"}, \n', [*texts("b"), Finished(), UnknownFrame("[", "unfinished JSON")],
    ),
    "unfinished JSON": ('{"say":\n', [UnknownFrame('{"say":', "unfinished JSON"), *CUT]),
    "a comma, a bracket": ('[{"say": "b"}\n,]\n' + DONE, texts("b")),
    "unfinished JSON behind a stop": ('{"say":\n' + 'data: {"say": "stop"}\n\n', []),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name: str) -> None:
    body, expected = BODIES[name]
    for pieces in cuts(body.encode()):
        parser = Dialect()
        events = [event for piece in pieces for event in parser.feed(piece)] + parser.end()
        assert comparable(events) == comparable(expected + [Finished()] * ("[DONE]" in body)), pieces
        assert parser.ended
        assert parser.complete is not any(type(event) is Failed for event in events)
        assert parser.feed(A.encode()) == parser.end() == []


def test_the_limit_ends_the_stream() -> None:
    for body in (b"data: {}\n\ndata: 12345678901234567890", b'data: {}\n\n{"a":\n"12345678901"}\n'):
        parser = Dialect(max_frame_size=18)
        text, failed = parser.feed(body) + parser.end()
        assert text == TextDelta("{}")
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, LimitExceeded)


def test_close_raises_what_end_gives() -> None:
    parser = Dialect()
    assert parser.feed(A.encode() + b'data: {"say": "b"}') == [TextDelta("a")]
    with pytest.raises(StreamTruncated) as caught:
        parser.close()
    assert caught.value.events == (TextDelta("b"),)
    for last in (b"data: [DONE]", b"event: error\ndata: oh"):
        parser = Dialect()
        parser.feed(last)
        assert [type(event) for event in parser.close()] == ([Finished] if b"DONE" in last else [Failed])
    assert isinstance(page_in_place_of_an_answer(PAGE), UnexpectedContent)
