"""What may be wrong with a tape. None of these is a ChatError: no answer failed, so that nothing is tried again.

`except ChatError` in the code under test does not catch them, either.
"""

from __future__ import annotations


class BrokenTape(ValueError):
    """The data is no tape, or one of a version that this release does not read. `line` counts from 1.

    `detail` quotes nothing of the data. `path`: the file, where whoever read it has set that.
    """

    path = ""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(line, detail)
        self.line = line
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path}{self.path and ', '}line {self.line}: {self.detail}"


class UnsafeTape(ValueError):
    """What was to be recorded has in it what looks like a key. Nothing of the take was written."""


class UnmatchedRequest(AssertionError):
    """No take of the tape answers a request."""
