"""Tape, Take, and the steps of a take: what was sent, what came, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ..errors import Cancelled, ChatError, TimedOut
from ..http_request import Headers


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of the connection: it is waited for (`waiting`, then `place`), and it is there.

    `late`, before any step but a Mark: a clock had fired by then, but its client was busy elsewhere, and came back to
    find that step there. Without it a replay, whose reader is never late, would have the clock end the take.
    `after`, of each step: the seconds since the step before, of the first since the request was sent.
    """

    after: float
    what: Literal["waiting", "place", "connected", "reused", "late"]


@dataclass(frozen=True, slots=True)
class Head:
    """The response's status and header fields."""

    after: float
    status: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """What one read of the body gave, without its content coding."""

    after: float
    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """How the take ended, the last step of each.

    `what`: `end`, the body's proper end; `closed`, as the client left before that; `TimeoutError`, as one of the
    client's clocks fired; or the name of the ChatError that sending or reading raised. `attributes`: the error's.
    """

    after: float
    what: str = "end"
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def error(self) -> ChatError | None:
        """The error that the client had there; None for the body's proper end."""
        match self.what:
            case "end":
                return None
            case "closed":
                return Cancelled("the stream was closed before its end")
            case "TimeoutError":
                return TimedOut(**self.attributes)
        return ChatError.from_dict({"class": self.what, "bases": [], "message": "", **self.attributes})


Step: TypeAlias = Mark | Head | Piece | End


@dataclass(frozen=True, slots=True)
class Take:
    """One request and what came of it: an attempt of a question, or a provider's setup request.

    `base`: the base URL of the provider, which `url` begins with unless a redirect led elsewhere. `provider`: its name.
    `headers`, `body`: the request's. The steps are in order: any number of Marks, at most one Head, then its Pieces,
    and one End; a Mark `late` may stand before each of them.
    """

    method: str
    url: str
    base: str = ""
    provider: str = ""
    headers: Headers = ()
    body: bytes = b""
    steps: tuple[Step, ...] = (End(0.0),)

    @property
    def target(self) -> str:
        """The URL without `base`: by that alone a request at another host can be told to be the same."""
        return self.url.removeprefix(self.base)

    @property
    def end(self) -> End:
        """How it ended."""
        end = self.steps[-1]
        assert isinstance(end, End), "a take ends with an End"
        return end

    @property
    def seconds(self) -> float:
        """How long it took."""
        return sum(step.after for step in self.steps)


@dataclass(frozen=True, slots=True)
class Tape:
    """The takes of a recording, in the order in which they ended."""

    takes: tuple[Take, ...] = ()

    @classmethod
    def loads(cls, data: bytes | str) -> Tape:
        """The tape that `data`, a file's content, holds. Raises BrokenTape, with the number of the line."""
        from .format import loads

        return cls(tuple(loads(data)))

    def dumps(self) -> bytes:
        """The content of a tape's file: UTF-8 text, each line ended by LF. `loads` gives the same tape again."""
        from .format import FIRST_LINE, dumps

        return FIRST_LINE + b"".join(map(dumps, self.takes))

    @classmethod
    def of(cls, takes: Iterable[Take]) -> Tape:
        """The tape of these takes."""
        return cls(tuple(takes))
