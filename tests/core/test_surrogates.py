"""Halves of surrogate pairs in texts: joined where both come, U+FFFD where one is alone, at every cut."""

from __future__ import annotations

import json

import pytest

from sansio_core import ReasoningDelta, Reply, TextDelta, providers


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
