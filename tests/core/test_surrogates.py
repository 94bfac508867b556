"""Halves of surrogate pairs in texts: joined where both come, U+FFFD where one is alone, at every cut."""

from __future__ import annotations

import json

import pytest

from sansio_core import (
    ChatEvent,
    Failed,
    Finished,
    KeepAlive,
    ReasoningDelta,
    RefusalDelta,
    Reply,
    StreamTruncated,
    TextDelta,
    providers,
)
from sansio_core.dialects.surrogates import Halves

FAILED = Failed(StreamTruncated("cut"))
# What Halves makes of the events of several feeds; the last row of each is what `flush` adds.
MENDED: dict[str, list[tuple[list[ChatEvent], list[ChatEvent]]]] = {
    "the first pair of all": [([TextDelta("\ud800")], []), ([TextDelta("\udc00")], [TextDelta("\U00010000")])],
    "the last pair of all": [([TextDelta("\udbff")], []), ([TextDelta("\udfff")], [TextDelta("\U0010ffff")])],
    "two second halves": [([TextDelta("\ud83d")], []), ([TextDelta("\ude00\ude00")], [TextDelta("😀\ufffd")])],
    "a second half alone": [([TextDelta("a\ude00")], [TextDelta("a\ufffd")])],
    "a first half amid text": [([TextDelta("\ud83da")], [TextDelta("\ufffda")])],
    "two first halves": [([TextDelta("\ud83d\ud83d")], [TextDelta("\ufffd")]), ([], [TextDelta("\ufffd")])],
    "an empty text stays": [([TextDelta(""), TextDelta("a\ud83d")], [TextDelta(""), TextDelta("a")])],
    "an empty text between": [
        ([TextDelta("\ud83d")], []),
        ([TextDelta("")], [TextDelta("")]),
        ([TextDelta("\ude00")], [TextDelta("😀")]),
    ],
    "kinds of text apart": [
        ([TextDelta("\ud83d"), ReasoningDelta("\ude00")], [ReasoningDelta("\ufffd")]),
        ([RefusalDelta("\ud83d"), KeepAlive("x"), TextDelta("\ude00")], [KeepAlive("x"), TextDelta("😀")]),
        ([RefusalDelta("\ude00")], [RefusalDelta("😀")]),
    ],
    "choices apart": [
        ([TextDelta("\ud83d"), TextDelta("\ude00", 1)], [TextDelta("\ufffd", 1)]),
        ([TextDelta("\ude00")], [TextDelta("😀")]),
    ],
    "before the end": [
        ([TextDelta("a\ud83d"), Finished()], [TextDelta("a"), TextDelta("\ufffd"), Finished()]),
        ([], []),
    ],
    "before a failure": [([TextDelta("\ud83d")], []), ([FAILED], [TextDelta("\ufffd"), FAILED]), ([], [])],
    "never again": [
        ([TextDelta("\ud83d")], []),
        ([Finished()], [TextDelta("\ufffd"), Finished()]),
        ([Finished()], [Finished()]),
    ],
}


@pytest.mark.parametrize("name", MENDED)
def test_halves(name: str) -> None:
    halves = Halves()
    for given, expected in MENDED[name]:
        events = list(given)
        halves.mend(events)
        if not given:
            halves.flush(events)
        assert events == expected


def _chunk(delta: dict[str, str], choice: int = 0) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": choice, "delta": delta}]}).encode() + b"\n\n"


BODY = b"".join(
    [
        _chunk({"content": "a\ud83d"}),
        _chunk({"reasoning_content": "thinks \ud83d"}),
        _chunk({"content": "\ude00"}),
        _chunk({"content": "\ud83d"}),
        _chunk({"content": "\ud83d\ude00 \ude00 \ud83d"}),
        b": ping\n\n",
        _chunk({"content": "\ude00b\ud83d"}, choice=1),
        _chunk({"content": "c\ud83d"}),
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"},'
        b'{"index":1,"delta":{},"finish_reason":"stop"}]}\n\n',
        b"data: [DONE]\n\n",
    ]
)


@pytest.mark.parametrize("size", [1, 7, 50, len(BODY)])
def test_halves_are_joined_or_replaced(size: int) -> None:
    parser = providers.create("free_netfly").parser()
    events = [event for at in range(0, len(BODY), size) for event in parser.feed(BODY[at : at + size])] + parser.end()
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            assert event.text.encode().decode() == event.text
    reply = Reply.of(events)
    assert reply.text == "a😀\ufffd😀 \ufffd \ufffdc\ufffd"
    assert reply.reasoning == "thinks \ufffd"
    assert reply.choices[1].text == "\ufffdb\ufffd"
    assert reply.complete


def test_a_half_is_told_even_if_the_answer_breaks_off() -> None:
    parser = providers.create("free_netfly").parser()
    events = [*parser.feed(_chunk({"content": "a\ud83d"})), *parser.end()]
    assert Reply.of(events).text == "a\ufffd"
    assert [event for event in events if isinstance(event, TextDelta)] == [TextDelta("a"), TextDelta("\ufffd")]
