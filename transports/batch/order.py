"""An output written anew in the order of its input. 10^6 lines take 20 MB of memory."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge
from io import BytesIO
from itertools import accumulate
from typing import BinaryIO

from .keys import BUCKETS, SHIFT
from .output_lines import CHUNK, read_lines, without_again

_FAILED, _AGAIN = 2, 1  # in the two lowest bits of a place, above which is the line's offset
_PARTS = 2  # the output is read so often, each time for as many of the buckets: it takes less memory, and longer
_NONE = (1 << SHIFT) - 1  # in place of an offset: there is no line
_RUN = 1 << 16  # offsets that are sorted at once


def write_in_order(source: BinaryIO, target: BinaryIO, keys: array[int]) -> None:
    """Write to `target` the lines of `source`, an output, in the order of the `keys`; those of other keys at the end.

    Each row keeps one line: its answer, or the last of its errors, without `again`. `keys` is used up.
    """
    others = array("Q")
    # Once a key is replaced by an offset, it looks like one of the first bucket: their part is the first.
    for part in range(_PARTS):
        _replace(keys, range(part * BUCKETS // _PARTS, (part + 1) * BUCKETS // _PARTS), source, others)
    runs = [array("Q", sorted(others[begin : begin + _RUN])) for begin in range(0, len(others), _RUN)]
    for offsets in (keys, merge(*runs)):
        for offset in offsets:
            if offset != _NONE:
                source.seek(offset)
                target.write(without_again(source.readline()))


def _replace(keys: array[int], buckets: range, source: BinaryIO, others: array[int]) -> None:
    """Put the offset of its line in the place of each key of the `buckets`; `others` gets those of the other lines."""
    rows = {bucket: array("I") for bucket in buckets}
    for row, key in enumerate(keys):
        if key >> SHIFT in rows:
            rows[key >> SHIFT].append(row)
    lines = {bucket: (array("Q"), array("Q")) for bucket in buckets}
    for key, place in _places(source):
        if key >> SHIFT in lines:
            known, places = lines[key >> SHIFT]
            known.append(key)
            places.append(place)
    for bucket in buckets:
        offsets = _offsets(*lines.pop(bucket))
        for row in rows.pop(bucket):
            keys[row] = next(offsets[keys[row]], _NONE) if keys[row] in offsets else _NONE
        for rest in offsets.values():
            others.extend(rest)


def _places(source: BinaryIO) -> Iterator[tuple[int, int]]:
    """The key of each line, and its place."""
    source.seek(0)
    begin = 0
    while lines := source.read(CHUNK) + source.readline():
        for offset, said in zip(accumulate(map(len, BytesIO(lines)), initial=begin), read_lines(lines), strict=False):
            if not isinstance(said, bytes):
                key, _, failed, again = said
                yield key, offset << 2 | failed * _FAILED | again * _AGAIN
        begin += len(lines)


def _offsets(keys: Iterable[int], places: Iterable[int]) -> dict[int, Iterator[int]]:
    """The offsets of the lines that are kept, of each key in order."""
    found: dict[int, list[int]] = defaultdict(list)
    for key, place in zip(keys, places, strict=True):
        found[key].append(place)
    return {key: iter(_kept(places)) for key, places in found.items()}


def _kept(places: list[int]) -> Iterable[int]:
    """The offsets of the lines of one key that are kept, in order: a line for each of several equal rows."""
    if len(places) > 1 or places[0] & _AGAIN:
        rows = sum(not place & _AGAIN for place in places)
        answers = [place for place in places if not place & _FAILED]
        errors = [place for place in places if place & _FAILED]
        open_rows = max(0, rows - len(answers))
        places = [*merge(answers, errors[len(errors) - open_rows :])]
    return [place >> 2 for place in places]
