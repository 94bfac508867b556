"""What every target shares: a control word before the input proper, and cutting by it."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from sansio_core import ChatError, LimitExceeded

Target = Callable[[bytes], None]
"""Takes any bytes; an exception is a finding."""


class Input(NamedTuple):
    """One input of the fuzzer: its first four bytes choose, the rest is the body."""

    choice: int
    cut: int
    size: int
    body: bytes

    @classmethod
    def of(cls, data: bytes) -> Input:
        head = data[:4].ljust(4, b"\0")
        return cls(head[0], head[1] << 8 | head[2], head[3], data[4:])

    def pieces(self) -> list[bytes]:
        return cut(self.body, self.cut)


def cut(body: Any, key: int) -> list[Any]:
    """`body` whole, by the byte, in pieces of one size, or cut at random places, as `key` says."""
    if not body or key % 256 == 0:
        return [body]
    if key % 4 == 1:
        step = 1 + (key >> 2) % 16
        return [body[at : at + step] for at in range(0, len(body), step)]
    rng = random.Random(key)
    places = sorted(rng.randrange(len(body) + 1) for _ in range(1 + key % 7))
    return [body[start:end] for start, end in pairwise([0, *places, len(body)])]


def outcome(parser: Any, pieces: list[Any]) -> list[Any]:
    """Everything that `parser` gives for `pieces` and the end, up to its LimitExceeded."""
    seen: list[Any] = []
    try:
        for piece in pieces:
            seen.extend(parser.feed(piece))
        rest = parser.close()
        seen.extend([rest] if isinstance(rest, str) else rest)
    except LimitExceeded as error:
        seen.append(repr(error))
        for call in (lambda: parser.feed(pieces[0]), parser.close):
            assert raises(LimitExceeded, call), "a parser that failed stays failed"
    return seen


def raises(kind: type[Exception], call: Callable[[], object]) -> bool:
    try:
        call()
    except kind:
        return True
    return False


def named(error: ChatError) -> str:
    """An error as what of it must be the same at every cut."""
    return f"{type(error).__name__}: {error}"


def same(one: Any, other: Any, what: str) -> None:
    """NaN is like NaN here, and 1 unlike 1.0."""
    assert repr(one) == repr(other), f"{what}:\n{one!r}\n{other!r}"
