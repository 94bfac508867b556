"""Feeding a parser in pieces, in every way that matters; and the slow way to read an event stream of JSON."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import strategies as st

from sansio_core.errors import LimitExceeded
from sansio_core.parsers import MAX_FRAME_SIZE, ServerSentEvent, SSEParser


def feed(parser: Any, pieces: Iterable[bytes | str]) -> list[Any]:
    """Everything that `parser` gives for `pieces` and the end."""
    frames = []
    for piece in pieces:
        frames += parser.feed(piece)
    rest = parser.close()
    return [*frames, rest] if isinstance(rest, str) else frames + rest


def cuts(data: Any) -> Iterator[list[Any]]:
    """`data` whole, cut in two at every place, cut into single bytes or characters, and with empty pieces between."""
    yield [data]
    for at in range(len(data) + 1):
        yield [data[:at], data[at:]]
    yield [data[at : at + 1] for at in range(len(data))]
    yield [data[at : at + 3] for at in range(0, len(data), 3)]
    yield [piece for at in range(len(data)) for piece in (data[at : at + 1], data[:0])]


def same_for_every_cut(new: Callable[[], Any], data: bytes | str, expected: list[Any]) -> None:
    for pieces in cuts(data):
        assert feed(new(), pieces) == expected, pieces


def keeps_nothing(parser: Any, pieces: Iterable[bytes | str], most: int) -> None:
    """A parser that passes its limit holds `most` bytes at the most, and none when it has failed."""
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            feed(parser, pieces)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 20_000
    assert peak < most


class SlowPath:
    """What SSEJSONParser must be the same as, feed by feed: every event by SSEParser and json.loads."""

    def __init__(self, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        self.parser = SSEParser(lenient=True, max_frame_size=max_frame_size)

    def feed(self, data: bytes) -> list[Any]:
        return [self.item(frame) for frame in self.parser.feed(data)]

    def close(self) -> list[Any]:
        return [self.item(frame) for frame in self.parser.close()]

    @staticmethod
    def item(frame: Any) -> Any:
        if not isinstance(frame, ServerSentEvent):
            return frame
        try:
            return frame.event, json.loads(frame.data)
        except (ValueError, RecursionError):
            return frame


SSE_LINES = st.sampled_from(
    [
        b"data: a",
        b"data",
        b"data:  b",
        b"event: e",
        b"event:",
        b"id: 1",
        b"id:\0",
        b"retry: 5",
        b": c",
        b"{}",
        b"",
        b"\xff",
        b"\xef\xbb\xbf",
    ]
)


@st.composite
def cut_anywhere(draw: st.DrawFn, data: st.SearchStrategy[bytes]) -> list[bytes]:
    """Some `data`, cut at places that hypothesis picks."""
    whole = draw(data)
    places = draw(st.lists(st.integers(0, len(whole)), max_size=8).map(sorted))
    return [whole[start:end] for start, end in pairwise([0, *places, len(whole)])]
