"""What may be wrong with a tape. None of these is a ChatError: no answer failed, so that nothing is tried again.

`except ChatError` in the code under test does not catch them, either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


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
    """What was to be recorded has in it what looks like a key. Nothing of the take was written.

    `where`: the part of the take; `key`: how the key begins, as "sk-…". The key itself is not quoted.
    """

    def __init__(self, where: str, key: str) -> None:
        super().__init__(where, key)
        self.where = where
        self.key = key

    @property
    def reason(self) -> str:
        """What is where, without what to do."""
        return f"{self.where} has what looks like a key ({self.key})"

    def __str__(self) -> str:
        return (
            f"not recorded: {self.reason}. Leave it out, "
            "or have it blotted: redact= takes the text itself, or a compiled pattern for it"
        )


class Difference(NamedTuple):
    """Where a request differs from a take: `method`, `target`, or a path in the body; "" is the whole body.

    `taped` and `asked` are the two values, cut, and without secrets; None where there is none.
    """

    path: str
    taped: str | None
    asked: str | None

    def __str__(self) -> str:
        taped = "not on the tape" if self.taped is None else f"taped {self.taped}"
        asked = "not asked" if self.asked is None else f"asked {self.asked}"
        return f"{self.path or 'body'}: {taped}, {asked}"


class UnmatchedRequest(AssertionError):
    """No take of the tape answers a request.

    `method` and `target` are the request's, the target relative to the base URL. `nearest` is the number of the take
    that is most like it, from 1, of `takes`; None where there is none. `used`: whether that one was played already;
    `differences`: where it differs, the most telling first; none, where it was `used` and would answer the request.
    """

    def __init__(
        self, method: str, target: str, takes: int = 0, nearest: int | None = None, used: bool = False,
        differences: Sequence[Difference] = (), more: int = 0,
    ) -> None:  # fmt: skip
        differences = tuple(differences)
        super().__init__(method, target, takes, nearest, used, differences, more)
        self.method = method
        self.target = target
        self.takes = takes
        self.nearest = nearest
        self.used = used
        self.differences = differences
        self.more = more
        """How many differences there are besides."""

    def __str__(self) -> str:
        text = f"no take of the tape answers {self.method} {self.target}"
        if self.nearest is None:
            return f"{text}: it has none; record it"
        take = f"take {self.nearest} of {self.takes}"
        if not self.differences:
            return f"{text}: {take} would, and was played already (each answers one request); record the tape anew"
        lines = [f"{text}; {take} is nearest{', and was played already' if self.used else ''}. They differ:"]
        lines += [f"  {difference}" for difference in self.differences]
        if self.more:
            lines.append(f"  and at {self.more} more places")
        paths = [each.path for each in self.differences]
        advice = "record the tape anew"
        if not {"", "method", "target"}.intersection(paths):
            names = ", ".join(f'"{path}"' for path in paths[:3])
            advice += f", or name what differs from run to run: ignore=({names}{',' if len(paths) == 1 else ''})"
        return "\n".join([*lines, advice])
