"""Feeding a parser in pieces, in every way that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st


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


@st.composite
def cut_anywhere(draw: st.DrawFn, data: st.SearchStrategy[bytes]) -> list[bytes]:
    """Some `data`, cut at places that hypothesis picks."""
    whole = draw(data)
    places = draw(st.lists(st.integers(0, len(whole)), max_size=8).map(sorted))
    return [whole[start:end] for start, end in pairwise([0, *places, len(whole)])]
