"""The rows that an output has already, counted by key."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress
from operator import not_
from typing import Literal

from .keys import Keys


class History:
    """The rows of an output: its lines are added first, then `state` is asked for each row of the input."""

    def __init__(self, retry_failed: bool = False) -> None:
        self.answered = 0
        """How many rows have an answer."""
        self.failed_before = 0
        """How many of the rows whose `state` was "done" have an error."""
        self._answers, self._errors, self._failed = Keys(), Keys(), False
        self._mended = array("Q")
        self._retry_failed = retry_failed

    def add(self, keys: Sequence[int], failed: Sequence[bool], again: bool) -> None:
        """Count lines; `again`: they replace earlier ones, with an error, of equal rows."""
        errors = sum(failed)
        self.answered += len(keys) - errors
        if again:
            self._mended.extend(key for key, error in zip(keys, failed, strict=True) if not error)
            return
        if errors:
            self._failed = True
            self._errors.add(compress(keys, failed))
            keys = [*compress(keys, map(not_, failed))]
        self._answers.add(keys)

    def settle(self) -> None:
        """No more lines are added."""
        self._errors.settle()
        for key in self._mended:
            self._errors.take(key)
        self._answers.add(self._mended)
        self._mended = array("Q")
        self._answers.settle()

    def state(self, key: int) -> Literal["new", "done", "again"]:
        """Whether the next row of this key has a line: "done", or "new"; each of several equal rows has its own.

        Those with an answer come first: where some of the equal rows are gone from the input, the answers stay.

        "again", with `retry_failed` alone: its line has an error, and the row is to be asked again and written with
        `again`.
        """
        if self._answers.take(key):
            return "done"
        if not (self._failed and self._errors.take(key)):
            return "new"
        if self._retry_failed:
            return "again"
        self.failed_before += 1
        return "done"
