"""An output written anew in the order of its input. 10^6 lines take 24 MB of memory, 8 of them for the input's keys."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from itertools import accumulate, chain, repeat
from typing import BinaryIO

from .keys import BUCKETS, SHIFT
from .output_lines import chunks, numbered, read_lines

_FAILED, _AGAIN, _NO_ROW, _OTHER = 1, 2, 4, 8
"""Kinds of lines; _OTHER: its key is none of the input's, or the input has it less often."""
_PARTS = 4  # passes over the keys, each for a part of the buckets, so that less is in memory at a time
_NONE = (1 << 32) - 1  # in place of a line's number


def write_in_order(source: BinaryIO, target: BinaryIO, keys: array[int]) -> None:
    """Write to `target` the lines of `source`, an output, in the order of the `keys`; those of other keys at the end.

    `keys`: those of the input's lines, 0 for a blank one; it is used up. Each row keeps one line: its answer, or the
    last of its errors, without `again`, and with the number that its line has in the input now.
    """
    lines = _Lines(source)
    lines.take(keys)
    offsets = array("Q", accumulate(lines.sizes, initial=0))
    others = (number for number, kind in enumerate(lines.kinds) if kind == _OTHER)
    for row, number in chain(enumerate(keys, 1), zip(repeat(None), others, strict=False)):
        if number != _NONE:
            source.seek(offsets[number])
            target.write(numbered(source.read(lines.sizes[number]), row))


class _Lines:
    """The lines of an output, by their numbers: the key, the size in bytes and the kind of each."""

    def __init__(self, source: BinaryIO) -> None:
        self.keys, self.sizes, self.kinds = array("Q"), array("I"), bytearray()
        source.seek(0)
        for lines in chunks(source):
            self.sizes.extend(map(len, BytesIO(lines)))
            for said in read_lines(lines):
                if isinstance(said, bytes):
                    self.keys.append(0)
                    self.kinds.append(_NO_ROW)
                else:
                    self.keys.extend(said.keys)
                    self.kinds.extend(failed | said.again * _AGAIN for failed in said.failed)  # True is _FAILED

    def take(self, keys: array[int]) -> None:
        """Put the number of its line in the place of each of the `keys`, and free those of the lines."""
        for part in range(_PARTS):  # once replaced, a key looks like one of the first bucket: that is in the first part
            rows, numbers = _by_bucket(keys, part), _by_bucket(self.keys, part)
            while rows:
                left = self._kept_of(numbers.pop())
                for row in rows.pop():
                    keys[row] = next(left[keys[row]], _NONE) if keys[row] in left else _NONE
                for rest in left.values():
                    for number in rest:
                        self.kinds[number] = _OTHER
        self.keys = array("Q")

    def _kept_of(self, numbers: array[int]) -> dict[int, Iterator[int]]:
        """The numbers of the lines that are kept, of each key in order."""
        found: dict[int, list[int]] = defaultdict(list)
        for number in numbers:
            if self.kinds[number] != _NO_ROW:
                found[self.keys[number]].append(number)
        return {key: iter(self._kept(same)) for key, same in found.items()}

    def _kept(self, numbers: list[int]) -> list[int]:
        """Of the lines of one key those that are kept, answers first: a line for each of several equal rows."""
        kinds = self.kinds
        if len(numbers) == 1 and not kinds[numbers[0]] & _AGAIN:
            return numbers
        rows = sum(not kinds[number] & _AGAIN for number in numbers)
        answers = [number for number in numbers if not kinds[number] & _FAILED]
        errors = [number for number in numbers if kinds[number] & _FAILED]
        open_rows = max(0, rows - len(answers))
        return [*answers, *errors[len(errors) - open_rows :]]


def _by_bucket(keys: array[int], part: int) -> list[array[int]]:
    """The places of the keys of each bucket of a part."""
    size = BUCKETS // _PARTS
    buckets, first = [array("I") for _ in range(size)], part * size
    for place, key in enumerate(keys):
        if 0 <= (key >> SHIFT) - first < size:
            buckets[(key >> SHIFT) - first].append(place)
    return buckets
