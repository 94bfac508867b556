"""A tape as text."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Take

FIRST_LINE = b"# sansio-chat tape 1\n"


def dumps(take: Take) -> bytes:
    """A take as text, from the empty line before it."""
    raise NotImplementedError


def loads(data: bytes | str) -> Iterator[Take]:
    """The takes of a tape's text. Raises BrokenTape."""
    raise NotImplementedError
