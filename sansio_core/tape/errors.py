"""What may be wrong with a tape. None of these is a ChatError: no answer failed, so that nothing is tried again.

`except ChatError` in the code under test does not catch them, either.
"""

from __future__ import annotations


class BrokenTape(ValueError):
    """The data is no tape, or one of a version that this release does not read. `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(line, detail)
        self.line = line
        self.detail = detail

    def __str__(self) -> str:
        return f"line {self.line}: {self.detail}"


class UnsafeTape(ValueError):
    """What was to be recorded has in it what looks like a key. Nothing of the take was written.

    `where`: the part of the take; `key`: how the key begins, as "sk-…". The key itself is not quoted.
    """

    def __init__(self, where: str, key: str) -> None:
        super().__init__(where, key)
        self.where = where
        self.key = key

    def __str__(self) -> str:
        return (
            f"not recorded: {self.where} has what looks like a key ({self.key}). Leave it out, "
            "or have it blotted: redact= takes the text itself, or a compiled pattern for it"
        )


class UnmatchedRequest(AssertionError):
    """No take of the tape answers a request."""
