"""The rows that an output has already, counted by key."""

from __future__ import annotations

from array import array
from typing import Literal

from .keys import Keys


class History:
    """The rows of an output: its lines are added first, then `state` is asked for each row of the input."""

    def __init__(self) -> None:
        self.answered = 0
        """How many rows have an answer."""
        self.failed_before = 0
        """How many of the rows whose `state` was "done" have an error."""
        self._rows, self._errors = Keys(), Keys()
        self._mended = array("Q")

    def add(self, key: int, failed: bool, again: bool) -> None:
        """Count a line; `again`: it replaces an earlier line, with an error, of an equal row."""
        self.answered += not failed
        if not again:
            self._rows.add(key)
            if failed:
                self._errors.add(key)
        elif not failed:
            self._mended.append(key)

    def settle(self) -> None:
        """No more lines are added."""
        self._errors.settle()
        for key in self._mended:
            if not self._errors.take(key):  # somebody took the line with the error out
                self._rows.add(key)
        self._mended = array("Q")
        self._rows.settle()

    def state(self, key: int, retry_failed: bool) -> Literal["new", "done", "again"]:
        """Whether the next row of this key has a line: "done", or "new"; each of several equal rows has its own.

        "again", with `retry_failed` alone: its line has an error, and it is to be asked again.
        """
        if not self._rows.take(key):
            return "new"
        if not self._errors.take(key):
            return "done"
        if retry_failed:
            return "again"
        self.failed_before += 1
        return "done"
