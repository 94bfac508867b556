"""Tape, Take, and the steps of a take: what was sent, what came, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from math import isfinite
from types import NoneType
from typing import Any, Literal, TypeAlias

from .. import errors
from ..errors import Cancelled, ChatError, InvalidRequest, suggestion
from ..http_request import Headers
from ..plain import json_text
from ..redact import redact_url

What: TypeAlias = Literal["waiting", "place", "connected", "reused", "late"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of the connection: it is waited for (`waiting`, then `place`), and it is there.

    `late`, before any other step: a clock had fired by then, but its client was busy elsewhere, and came back to find
    that step there. Without it a replay, whose reader is never late, would have the clock end the take.
    `after`, of each step: the seconds since the step before, of the first since the request was sent.
    """

    after: float
    what: What


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """The response's status and header fields."""

    after: float
    status: int
    headers: Headers = ()

    def __repr__(self) -> str:  # here and below numbers, as a repr ends up in logs
        return f"Head(after={self.after}, status={self.status}, headers=<{len(self.headers)} fields>)"


@dataclass(frozen=True, slots=True, repr=False)
class Piece:
    """What one read of the body gave, without its content coding. Raises ValueError for none: the body's end is an End.
    """

    after: float
    data: bytes

    def __post_init__(self) -> None:
        if not self.data:
            raise ValueError("a Piece has data: the end of the body is an End")

    def __repr__(self) -> str:
        return f"Piece(after={self.after}, data=<{len(self.data)} bytes>)"


_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("detail", "hint", "body", "bound", "clock", "limit"), (str,)),
    **dict.fromkeys(("url", "request_id", "code", "kind", "param"), (str, NoneType)),
    **dict.fromkeys(("seconds", "retry_after"), (int, float, NoneType)),
    **dict.fromkeys(("attempts", "size"), (int,)),
    "status": (int, NoneType),
    **dict.fromkeys(("reused", "key_sent"), (bool,)),
}
"""What attributes of errors may be: the machine that is given the error of an edited tape reckons with them."""


@dataclass(frozen=True, slots=True, repr=False)
class End:
    """How the take ended, the last step of each.

    `what`: `end`, the body's proper end; `closed`, as the client left before that; `TimeoutError`, as one of the
    client's clocks fired; or the name of the ChatError that sending or reading raised. `attributes`: the error's, as
    plain JSON values; `bases` and `message` among them where the class is a user's own. `again`: the seconds that were
    waited then, before a new attempt; None where there was none. Raises ValueError for another name, and for attributes
    that do not make that error.
    """

    after: float
    what: str = "end"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    again: float | None = None

    def __post_init__(self) -> None:
        if self.what in ("end", "closed"):
            if self.attributes:
                raise ValueError(f"{self.what!r} has no attributes")
            return
        if not _is_plain(self.attributes):
            raise ValueError(f"the attributes of {self.what} must be plain JSON values")
        _ = self.error

    def __repr__(self) -> str:
        attributes = f", attributes=<{', '.join(self.attributes)}>" if self.attributes else ""
        return f"End(after={self.after}, what={self.what!r}{attributes})"

    @classmethod
    def of(cls, after: float, error: ChatError) -> End:
        """The end by `error`, which sending or reading raised."""
        attributes = json.loads(json_text(error.to_dict()))
        what = attributes.pop("class")
        if error.hint == type(error).hint:
            del attributes["hint"]
        if type(_error(what, attributes)) is type(error):  # else its bases tell the nearest class that is known
            del attributes["bases"], attributes["message"]
        return cls(after, what, attributes)

    @property
    def error(self) -> ChatError | None:
        """The error that the client had there, a new one each time; None for the body's proper end."""
        match self.what:
            case "end":
                return None
            case "closed":
                return Cancelled("the stream was closed before its end")
            case "TimeoutError":
                return _error("TimedOut", self.attributes)
        return _error(self.what, self.attributes)


def _is_plain(value: Any, levels: int = 100) -> bool:
    """Whether `value` is one of JSON, of at most so many levels."""
    match value:
        case dict():
            return levels > 0 and all(isinstance(name, str) and _is_plain(value[name], levels - 1) for name in value)
        case list():
            return levels > 0 and all(_is_plain(item, levels - 1) for item in value)
        case float():
            return isfinite(value)
    return value is None or isinstance(value, (str, int))


_ERRORS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ChatError)}


def _error(name: str, attributes: Mapping[str, Any]) -> ChatError:
    """The error of the class `name`, or of the nearest base. Raises ValueError for attributes that do not make it."""
    if name not in _ERRORS and "bases" not in attributes:
        known = f"no error is called {name}{suggestion(name, _ERRORS)}"
        raise ValueError(f"{known}; of a class of your own, the attribute 'bases' must name the bases")
    for each, value in attributes.items():
        # `in_band` is a property, and what can be called a method.
        if each[:1] in ("", "_") or each == "in_band" or callable(getattr(ChatError, each, None)):
            raise ValueError(f"no error has an attribute {each!r:.50}")
        if not isinstance(value, types := _TYPES.get(each, (object,))):
            kinds = " or ".join("null" if kind is NoneType else kind.__name__ for kind in types)
            raise ValueError(f"the attribute {each!r} must be {kinds}, not {type(value).__name__}")
    try:
        return ChatError.from_dict({"bases": [], "message": "", **attributes, "class": name})
    except (InvalidRequest, AttributeError):
        parameters = signature(_ERRORS.get(name, ChatError)).parameters.values()
        needed = [repr(each.name) for each in parameters if each.default is each.empty and each.name not in attributes]
        needs = f", which needs {', '.join(needed)}" if needed else ""
        raise ValueError(f"the attributes do not make a {name}{needs}") from None


Step: TypeAlias = Mark | Head | Piece | End


@dataclass(frozen=True, slots=True, repr=False)
class Take:
    """One request and what came of it: an attempt of a question, or a provider's setup request.

    `base`: the base URL of the provider, which `url` begins with unless a redirect led elsewhere. `provider`: its name.
    `headers`, `body`: the request's. The steps are in order: any number of Marks, at most one Head, then its Pieces,
    and one End; a Mark `late` may stand before each of them. Raises ValueError for another order.
    """

    method: str
    url: str
    base: str = ""
    provider: str = ""
    headers: Headers = ()
    body: bytes = b""
    steps: tuple[Step, ...] = (End(0.0),)

    def __post_init__(self) -> None:
        if not _ORDER.fullmatch("".join([_letter(step) for step in self.steps])):
            raise ValueError("a take's steps are any number of Marks, at most one Head with its Pieces, and one End")

    def __repr__(self) -> str:
        pieces = sum(type(step) is Piece for step in self.steps)
        status = None if self.head is None else self.head.status
        return (
            f"Take({self.method!r}, {shown_url(self.url)!r}, body=<{len(self.body)} bytes>, status={status}, "
            f"answer=<{len(self.answer)} bytes in {pieces} pieces>, end={self.end.what!r})"
        )

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
    def head(self) -> Head | None:
        """The response's head; None where none came."""
        return next((step for step in self.steps if isinstance(step, Head)), None)

    @property
    def answer(self) -> bytes:
        """The response's body, as much as came."""
        return b"".join([step.data for step in self.steps if isinstance(step, Piece)])

    @property
    def seconds(self) -> float:
        """How long it took."""
        return sum(step.after for step in self.steps)


_ORDER = re.compile("[ML]*(H[PL]*)?E")  # by the first letters of the steps' classes; L is a Mark `late`


def _letter(step: Step) -> str:
    return "L" if type(step) is Mark and step.what == "late" else type(step).__name__[0]


def shown_url(url: str) -> str:
    """`url` without secrets, for a log; what is no URL is not shown."""
    try:
        return redact_url(url)
    except ValueError:
        return "[hidden]"


@dataclass(frozen=True, slots=True, repr=False)
class Tape:
    """The takes of a recording, in the order in which they ended."""

    takes: tuple[Take, ...] = ()

    def __repr__(self) -> str:
        return f"Tape(<{len(self.takes)} takes>)"

    @classmethod
    def loads(cls, data: bytes | str) -> Tape:
        """The tape that `data`, a file's content, holds. Raises BrokenTape, with the number of the line."""
        from .format import loads

        return cls(tuple(loads(data)))

    def dumps(self) -> bytes:
        """The content of a tape's file: UTF-8 text, each line ended by LF. `loads` gives the same tape again."""
        from .format import FIRST_LINE
        from .writing import dumps

        return FIRST_LINE + b"".join(map(dumps, self.takes))

    @classmethod
    def of(cls, takes: Iterable[Take]) -> Tape:
        """The tape of these takes."""
        return cls(tuple(takes))
