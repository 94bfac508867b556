"""The answers of AI Power, WordPress's chat plugin: with and without a stream."""

import json
from typing import Any

import pytest
from dialect_harness import comparable, error_of, fed, sse
from openai_chat_frames import chunk

from sansio_core import Finished, ProviderRefused, TextDelta, UnknownFrame
from sansio_core.dialects.wpaicg import NonceRefused, WpaicgParser

CHUNK = chunk({"content": "a"}, "stop")
EVENTS = [TextDelta("a"), Finished("stop", "stop")]
ZERO = UnknownFrame("0", "no event-stream field")
WORDS = UnknownFrame("words", "no event-stream field")


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"data": "Hi"}', [TextDelta("Hi"), Finished()]),
        (b'{"status": "success", "data": ""}', [Finished()]),
        (json.dumps({"data": 1, **CHUNK}).encode(), [*EVENTS, UnknownFrame('{"data": 1}', "fields of another kind")]),
        (sse(CHUNK), EVENTS),
        # within an answer, 0 is no word of WordPress
        (b"\n" + sse(CHUNK) + b"0\n", [*EVENTS, ZERO]),
        (b"words\n0\n" + sse(CHUNK), [WORDS, ZERO, *EVENTS]),
    ],
)
def test_answers(body: bytes, events: list[Any]) -> None:
    for step in range(1, len(body) + 1):
        assert fed(WpaicgParser(), body, step) == events, step


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        (b"-1", NonceRefused, "WordPress answered -1: the page's nonce was not accepted"),
        (b"\n 0\n", NonceRefused, "WordPress answered 0: the page's nonce was not accepted"),
        (b'{"data": 5, "msg": "Sorry"}', ProviderRefused, "Sorry"),
        (b'{"data": null}', ProviderRefused, "it answered without data"),
        (b'{"status": "error", "msg": "Sorry", "data": "x"}', ProviderRefused, "Sorry"),
        (b'{"success": false, "message": "Sorry", "data": "x"}', ProviderRefused, "Sorry"),
    ],
)
def test_errors(body: bytes, kind: type[Exception], detail: str) -> None:
    for step in range(1, len(body) + 1):
        events = fed(WpaicgParser(), body, step)
        assert comparable(events) == comparable(fed(WpaicgParser(), body))
        assert (type(error_of(events)), error_of(events).detail) == (kind, detail)
