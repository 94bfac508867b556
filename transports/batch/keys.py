"""Multisets of keys in little memory: 10^6 keys take 12 MB, where a Counter takes 130."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable

BUCKETS, SHIFT = 256, 56
"""`key >> SHIFT`, the first byte of 64 bits, is a key's bucket: digests fill all alike. For `order` and `tally`."""
_FREE, _TAKEN = 0, 1  # in place of a key: no digest in 10^19 is one of them
_TABLES, _SHIFT = 16, 60  # few and large ones: the system gets their memory back at once when they are freed
_EQUAL = 4  # equal keys that have a place each in a table; to search past more of them would take long


class Keys:
    """A multiset of digests, numbers of 64 bits: all are added first, and then taken."""

    def __init__(self) -> None:
        # Hash tables with linear probing (Knuth, volume 3, section 6.4), once `settle` has made them of the keys.
        self._tables = [array("Q") for _ in range(_TABLES)]
        self._more = Counter[int]()  # of the equal keys beyond those

    def add(self, keys: Iterable[int]) -> None:
        """Add each of `keys` once more."""
        tables = self._tables
        for key in keys:
            tables[key >> _SHIFT].append(key)

    def settle(self) -> None:
        """No more keys are added."""
        for number, keys in enumerate(self._tables):
            self._tables[number] = self._table(keys)

    def take(self, key: int) -> bool:
        """Take `key` out once; False where it is not there any more."""
        table = self._tables[key >> _SHIFT]
        place = key % len(table)
        while (held := table[place]) != key:
            if held == _FREE:
                return self._take_more(key)
            place -= 1  # from the first place to the last
        table[place] = _TAKEN
        return True

    def _take_more(self, key: int) -> bool:
        left = self._more.get(key, 0)
        if left:
            self._more[key] = left - 1
        return left > 0

    def _table(self, keys: array[int]) -> array[int]:
        size = len(keys) * 3 // 2 + 1
        table = array("Q", [_FREE]) * size
        for key in keys:
            place, equal = key % size, 0
            while (held := table[place]) != _FREE:
                equal += held == key
                place -= 1
            if equal < _EQUAL:
                table[place] = key
            else:
                self._more[key] += 1
        return table
