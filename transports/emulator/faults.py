"""The faults, as data: each is an immutable value, and `effects.apply` alone knows what it does.

`on`: which request gets it: the next "chat" request, the next "page" request, or the next connection as it is accepted
("connect", before TLS; for Hang, Reset, Stall and RawResponse). `share`: which part of those get it, from 0 to 1; drawn
by lot, with the same outcome in each run. `after_pieces`: where in the body: 0 is straight after the headers, N after N
pieces of the reply's text, None after the whole body and before the framing's end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from types import UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

Aim: TypeAlias = Literal["chat", "page", "connect"]

BAN = "sorry, 您的ip已由于触发防滥用检测而被封禁"
"""Yqcloud's sentence for a blocked IP address ("your ip was banned by the abuse protection"), sent as the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The base class of all faults."""

    on: Aim = "chat"
    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {self.share!r}")
        if self.on not in get_args(Aim):
            raise ValueError(f"on must be one of {get_args(Aim)}, not {self.on!r}")
        if self.on == "connect" and not isinstance(self, (Hang, Reset, Stall, RawResponse)):
            raise ValueError(f"{type(self).__name__} needs a request to answer: it cannot be aimed at 'connect'")


# --- another answer in place of the right one ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status(Fault):
    """A response with that status, headers and body (Content-Length framing)."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Redirect(Fault):
    """A redirect to `location`, which is sent as it stands."""

    status: int
    location: str


@dataclass(frozen=True, slots=True)
class RawResponse(Fault):
    """These bytes are the whole response, sent as they are; then the connection is closed, or kept open."""

    data: bytes
    close: bool = True


@dataclass(frozen=True, slots=True)
class HTMLAnswer(Fault):
    """An HTML page, as gateways and captive portals send it."""

    status: int = 200


@dataclass(frozen=True, slots=True)
class JSONAnswer(Fault):
    """One application/json completion in place of a stream; `indent` spreads it over several lines."""

    indent: int | None = None


@dataclass(frozen=True, slots=True)
class StaleNonce(Fault):
    """ChatgptFree's nonces go stale: status 403, or status 200 with a body of "-1" or "0"."""

    form: Literal["403", "-1", "0"] = "403"


@dataclass(frozen=True, slots=True)
class Hang(Fault):
    """No answer, for ever; on="connect": the request is not even read."""


# --- the answer's content --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContentType(Fault):
    """Another Content-Type; None for no such header."""

    value: str | None


@dataclass(frozen=True, slots=True)
class GarbageLine(Fault):
    """A line that means nothing, among good ones, as its own frame."""

    text: str = 'data: {"choices": [oops'
    after_pieces: int | None = 1


@dataclass(frozen=True, slots=True)
class InBandError(Fault):
    """An error object inside an answer that began well, and nothing after it; None is the system's usual one."""

    payload: Mapping[str, Any] | None = None
    after_pieces: int | None = 1


@dataclass(frozen=True, slots=True)
class Ban(Fault):
    """The ban sentence as a piece of text; the answer then ends as if all were well."""

    after_pieces: int | None = 0
    text: str = BAN


@dataclass(frozen=True, slots=True)
class MissingEnd(Fault):
    """No finish reason and no end marker; the framing stays intact."""


@dataclass(frozen=True, slots=True)
class KeepAlives(Fault):
    """`count` keep-alive frames (None: without end), `interval` seconds apart."""

    count: int | None = None
    interval: float = 0.01
    after_pieces: int | None = 0


@dataclass(frozen=True, slots=True)
class Trailing(Fault):
    """More bytes after the end marker; `beyond`: even after the end of the framing."""

    data: bytes
    beyond: bool = False


# --- how its bytes are cut -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OneByte(Fault):
    """Every byte of the response, head and framing too, is its own write, `interval` seconds apart."""

    interval: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut(Fault):
    """The body is cut every `size` bytes, wherever that falls; short pieces are glued."""

    size: int = 1


@dataclass(frozen=True, slots=True)
class SplitCharacter(Fault):
    """The body is cut after the first byte of every multi-byte character."""


@dataclass(frozen=True, slots=True)
class LineEnds(Fault):
    """The lines of the format (not those of the reply's text) end with `end`."""

    end: Literal["\n", "\r\n", "\r"] = "\r\n"


@dataclass(frozen=True, slots=True)
class SplitCRLF(Fault):
    """LineEnds, and the body is cut between CR and LF."""


# --- HTTP and TCP ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interim(Fault):
    """A 1xx response first (RFC 9110 15.2)."""

    status: int = 103
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gzip(Fault):
    """Content-Encoding gzip, even if the client does not accept it; `damage`: without its end, or corrupt inside."""

    damage: Literal["truncated", "corrupt"] | None = None


@dataclass(frozen=True, slots=True)
class Reset(Fault):
    """A TCP reset, before the headers or in mid-body."""

    before: Literal["headers"] | None = None
    after_pieces: int | None = 1


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """Silence, before the headers or in mid-body, until `Emulator.release` or `stop`; then the answer goes on."""

    where: Literal["headers", "body"] = "body"
    after_pieces: int | None = 1


@dataclass(frozen=True, slots=True)
class TruncatedFraming(Fault):
    """The connection ends cleanly before the framing does: `inside` the next chunk or piece, or right before it."""

    after_pieces: int | None = 1
    inside: bool = True


# --- by name ---------------------------------------------------------------------------------------------------------


def _kebab(kind: type[Fault]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", kind.__name__).lower()


FAULTS: dict[str, type[Fault]] = {
    _kebab(kind): kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Fault) and kind is not Fault
}
"""Every fault under its name for a command line: `missing-end`, `split-crlf`, …"""


_COMMON = [item.name for item in fields(Fault)]
"""The fields that all faults have."""


def parameters(kind: type[Fault]) -> list[Field[Any]]:
    """The fields of a fault's own."""
    return [item for item in fields(kind) if item.name not in _COMMON]


def parse_fault(text: str) -> Fault:
    """The fault of a text on a command line: `status:429`, `reset:before=headers`, `reset,share=0.1`.

    A value without a name is the fault's first field. Raises ValueError, whose text names the faults and fields.
    """
    name, *rest = re.split("[:,]", text, maxsplit=1)
    arguments = "".join(rest)
    kind = FAULTS.get(name)
    if kind is None:
        raise ValueError(f"there is no fault {name!r}; known are: {', '.join(sorted(FAULTS))}")
    known = [*(item.name for item in parameters(kind)), *_COMMON]
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for argument in filter(None, arguments.split(",")):
        key, equals, value = argument.partition("=")
        if not equals:
            key, value = known[0], argument
        if key not in known:
            raise ValueError(f"the fault {name!r} has no field {key!r}; it has: {', '.join(known)}")
        values[key] = _value(key, value)
        if key != "on" and not _fits(values[key], hints[key]):
            raise ValueError(f"the fault {name!r} cannot have {value!r} as its {key}")
    try:
        return kind(**values)
    except TypeError:
        raise ValueError(f"the fault {name!r} needs a value for each of: {', '.join(known)}") from None


def _fits(value: Any, hint: Any) -> bool:
    """Whether `value` is of the type `hint`, that of a fault's field."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) in (Union, UnionType):  # Optional[...] has the one origin, `X | Y` the other
        return any(_fits(value, one) for one in get_args(hint))
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, get_origin(hint) or hint) and (hint is bool or not isinstance(value, bool))


def _value(key: str, text: str) -> Any:
    if key in ("data", "body"):
        return text.encode()
    if key in ("form", "text"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
