"""Multisets of keys in little memory: 10^6 keys take 12 MB, where a Counter takes 130."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter

BUCKETS, SHIFT = 256, 56
"""`key >> SHIFT`, the first byte of 64 bits, is a key's bucket: digests fill all alike."""


class Keys:
    """A multiset of numbers of 64 bits: all are added first, and then taken."""

    def __init__(self) -> None:
        self._keys = [array("Q") for _ in range(BUCKETS)]
        self._left: list[array[int]] = []

    def add(self, key: int) -> None:
        """Add `key` once more."""
        self._keys[key >> SHIFT].append(key)

    def settle(self) -> None:
        """No more keys are added: each is kept once, in order, with its count."""
        for bucket, keys in enumerate(self._keys):
            counts = Counter(keys)
            self._keys[bucket] = array("Q", sorted(counts))
            self._left.append(array("I", (counts[key] for key in self._keys[bucket])))

    def take(self, key: int) -> bool:
        """Take `key` out once; False where it is not there any more."""
        keys, left = self._keys[key >> SHIFT], self._left[key >> SHIFT]
        place = bisect_left(keys, key)
        if place == len(keys) or keys[place] != key or not left[place]:
            return False
        left[place] -= 1
        return True
