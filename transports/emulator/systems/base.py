"""System: what every emulated provider implements; and the checks that several share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count
from math import ceil
from typing import Any, ClassVar, TypeAlias

from ..limit import duration
from ..request import Request
from ..response import Response
from .answer import Answer, Question

Fields: TypeAlias = Mapping[str, type | tuple[type, ...]]
"""The types that the value of each field of a body may have."""


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # json.dumps would make one for each value
_GAP = "\ue000gap\ue000"
"""A text, with characters for private use, that no request has in place of a model's name."""


class ErrorResponse(Exception):
    """Raised for a request that the system answers with an error: its status (>= 400) and message.

    `fields`: more fields of the vendor's error object (`code`, `param`, …), in place of its usual ones.
    """

    def __init__(self, status: int, message: str, **fields: Any) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.fields = fields


class System(ABC):
    """The server side of one provider. Each emulator has an instance of its own, which may keep state."""

    name: str
    """The provider's name, and the first segment of every path."""
    base: str = ""
    """The path of its base URL, which follows the name in every path."""
    has_lines: ClassVar[bool] = True
    """Whether the format consists of lines; in raw text all line ends belong to the text."""

    def __init__(self) -> None:
        self._numbers = count(1)  # for the ids of tool calls

    def page(self, request: Request) -> Response | None:
        """The response to a request for a page or a list of models; None for any other request."""
        return None

    @abstractmethod
    def check(self, request: Request) -> Question:
        """The question of a valid chat request. Raises ErrorResponse for any other request."""

    @abstractmethod
    def render(self, request: Request, answer: Answer) -> Response:
        """The response with `answer`, piece by piece."""

    @abstractmethod
    def line(self, text: str) -> bytes:
        """`text` as one frame of the format, for the fault GarbageLine."""

    @abstractmethod
    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        """The frame of an error inside an answer; `payload` None: the system's usual error object."""

    @abstractmethod
    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        """The JSON body of the whole answer, as without streaming."""

    def keep_alive(self, request: Request) -> bytes:
        """A frame without content. Raises ErrorResponse where the format has no such frame."""
        raise ErrorResponse(500, f"{self.name} has no keep-alive frames")

    def go_stale(self) -> None:
        """Make all nonces invalid that were sent so far. Raises ErrorResponse where the system has none."""
        raise ErrorResponse(500, f"{self.name} has no nonces")

    def rate_limited(self, wait: float) -> Response:
        """The error response to a request that came `wait` seconds too early; Retry-After has whole seconds."""
        reason = f"Rate limit reached for requests. Please try again in {duration(wait)}."
        response = self.error_response(ErrorResponse(429, reason, type="requests", code="rate_limit_exceeded"))
        response.headers.append(("Retry-After", str(ceil(wait))))
        return response

    def error_response(self, cause: ErrorResponse) -> Response:
        """The error response for `cause`: with OpenAI's error object, which most other vendors use too."""
        kind = "invalid_request_error" if cause.status < 500 else "server_error"
        error = {"message": cause.message, "type": kind, "param": None, "code": None, **cause.fields}
        return Response("application/json", [dump({"error": error})], status=cause.status)


def dump(value: object, indent: int | None = None) -> bytes:
    """JSON in UTF-8, without \\u escapes, as most servers send it."""
    if indent:
        return json.dumps(value, ensure_ascii=False, indent=indent).encode()
    return _COMPACT.encode(value).encode()


def frames(pieces: Iterable[str], frame: Callable[[str], bytes]) -> list[bytes]:
    """`frame(piece)` for each piece, for a `frame` whose JSON is the same but for that text."""
    parts = frame(_GAP).split(dump(_GAP))
    return [dump(piece).join(parts) for piece in pieces]


# --- checks: each raises ErrorResponse for a bad request --------------------------------------------------------------


def check_endpoint(request: Request, method: str, path: str) -> None:
    """404 unless the request is for that method and path."""
    if (request.method, request.path) != (method, path):
        raise ErrorResponse(404, f"there is no {request.method} {request.path} here, only {method} {path}")


def check_headers(request: Request, exact: Mapping[str, str], present: Iterable[str] = ()) -> None:
    """400 unless each header of `exact` has its value and each of `present` has any."""
    for name in (*exact, *present):
        if not request.headers.get(name):
            raise ErrorResponse(400, f"the header {name!r} is missing")
    for name, value in exact.items():
        got = request.media_type if name == "content-type" else request.headers[name]
        if got != value:
            raise ErrorResponse(400, f"the header {name!r} must be {value!r}, not {got!r}")


def check_object(request: Request) -> dict[str, Any]:
    """The JSON object of the body."""
    if not isinstance(request.json, dict):
        raise ErrorResponse(400, "the body is not a JSON object")
    return request.json


def check_fields(body: Mapping[str, Any], kinds: Fields, status: int = 422) -> None:
    """422 (or `status`) unless each field is there with a value of its type; a boolean is not a number."""
    for name, kind in kinds.items():
        if name not in body:
            raise ErrorResponse(status, f"the field {name!r} is missing")
        value = body[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ErrorResponse(status, f"the field {name!r} has a value of the wrong kind: {value!r}")


def check_messages(messages: object, roles: Collection[str], *, tools: bool = False) -> Question:
    """The question of a list of messages. `tools`: the request offers tools."""
    if not isinstance(messages, list) or not messages:
        raise ErrorResponse(422, "the field 'messages' must be a list with at least one message")
    conversation: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in roles:
            raise ErrorResponse(422, f"messages[{number}] needs a role, one of: {', '.join(roles)}")
        content = message.get("content")
        if not isinstance(content, str) and not is_parts(content) and not message.get("tool_calls"):
            raise ErrorResponse(422, f"messages[{number}] needs content: a text, or a list of parts with a type each")
        conversation.append((message["role"], text_of(content)))
    return Question.of(conversation, tools=tools)


def is_parts(content: object) -> bool:
    """Whether `content` is a list of objects that each have a `type`."""
    return isinstance(content, list) and all(isinstance(part, dict) and "type" in part for part in content)


def text_of(content: object) -> str:
    """The text of a message's content, which is a text, or a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
