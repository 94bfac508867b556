"""An output written anew in the order of its input. 10^6 lines take 27 MB of memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import BinaryIO

from .keys import BUCKETS, SHIFT
from .output_lines import Said, read_line, without_again

_FAILED, _AGAIN = 2, 1  # in the two lowest bits of a place, above which is the line's offset


def write_in_order(source: BinaryIO, target: BinaryIO, keys: Iterable[str]) -> None:
    """Write to `target` the lines of `source`, an output, in the order of the `keys`; those of other keys at the end.

    Each row keeps one line: its answer, or the last of its errors, without `again`.
    """
    places = _Places(source)
    for key in keys:
        if (offset := places.take(int(key, 16))) is not None:
            source.seek(offset)
            target.write(without_again(source.readline()))
    for line in places.rest(source):
        target.write(without_again(line))


class _Places:
    """The offsets of the lines that are kept, by their keys."""

    def __init__(self, source: BinaryIO) -> None:
        keys = [array("Q") for _ in range(BUCKETS)]
        places = [array("Q") for _ in range(BUCKETS)]
        for offset, (key, _, failed, again), _ in _read(source):
            keys[key >> SHIFT].append(key)
            places[key >> SHIFT].append(offset << 2 | failed * _FAILED | again * _AGAIN)
        self._buckets = []
        keys.reverse()
        places.reverse()
        while keys:  # the arrays of each bucket are freed as soon as they are read
            self._buckets.append(_Bucket(keys.pop(), places.pop()))

    def take(self, key: int) -> int | None:
        """The offset of the first line of this key that was not taken; None where there is none."""
        return self._buckets[key >> SHIFT].take(key)

    def rest(self, source: BinaryIO) -> Iterator[bytes]:
        """The lines that were not taken."""
        if any(bucket.left for bucket in self._buckets):
            for offset, (key, *_), line in _read(source):
                if self._buckets[key >> SHIFT].has(key, offset):
                    yield line


class _Bucket:
    """The keys that begin with the same byte, and the offsets of their lines."""

    __slots__ = ("_ends", "_keys", "_next", "_offsets", "left")

    def __init__(self, keys: array[int], places: array[int]) -> None:
        lines: dict[int, array[int]] = {}
        for key, place in zip(keys, places, strict=True):
            lines.setdefault(key, array("Q")).append(place)
        del keys, places
        self._keys = array("Q", sorted(lines))
        self._offsets, self._next, self._ends = array("Q"), array("I"), array("I")
        for key in self._keys:
            self._next.append(len(self._offsets))
            self._offsets.extend(_kept(lines.pop(key)))
            self._ends.append(len(self._offsets))
        self.left = len(self._offsets)

    def take(self, key: int) -> int | None:
        place = self._place(key)
        if place is None or self._next[place] == self._ends[place]:
            return None
        self.left -= 1
        self._next[place] += 1
        return self._offsets[self._next[place] - 1]

    def has(self, key: int, offset: int) -> bool:
        """Whether the line of `key` at `offset` was not taken."""
        place = self._place(key)
        if place is None:
            return False
        found = bisect_left(self._offsets, offset, self._next[place], self._ends[place])
        return found < self._ends[place] and self._offsets[found] == offset

    def _place(self, key: int) -> int | None:
        place = bisect_left(self._keys, key)
        return place if place < len(self._keys) and self._keys[place] == key else None


def _kept(places: array[int]) -> array[int]:
    """The offsets of the lines of one key that are kept, in order: a line for each of several equal rows."""
    if len(places) > 1 or places[0] & _AGAIN:
        rows = sum(not place & _AGAIN for place in places)
        answers = array("Q", (place for place in places if not place & _FAILED))
        errors = array("Q", (place for place in places if place & _FAILED))
        open_rows = max(0, rows - len(answers))
        places = array("Q", merge(answers, errors[len(errors) - open_rows :]))
    return array("Q", (place >> 2 for place in places))


def _read(source: BinaryIO) -> Iterator[tuple[int, Said, bytes]]:
    """The offset of each line, what it says, and the line."""
    source.seek(0)
    offset = 0
    for line in source:
        if (said := read_line(line)) is not None:
            yield offset, said, line
        offset += len(line)
