"""What every emulated system offers, and the checks they share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

from ..record import Request
from ..response import Response
from .answer import Answer, Question

Fields: TypeAlias = Mapping[str, type | tuple[type, ...]]
"""What kinds of value each field of a body may have."""


class Refused(Exception):
    """A request that the system would not answer: the status it gives, and words that say what was wrong.

    `fields` are more of the vendor's error object (`code`, `param`, …), in place of its usual ones.
    """

    def __init__(self, status: int, message: str, **fields: Any) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.fields = fields


class System(ABC):
    """One provider's server side. An emulator has its own instance of each, so an instance may remember things."""

    name: str
    """The provider's name, and the first segment of every path."""
    base: str = ""
    """The path of its base URL, which comes next."""
    has_lines: ClassVar[bool] = True
    """Whether the format is made of lines; in raw text the line ends are the text's own."""

    def page(self, request: Request) -> Response | None:
        """The answer to a request for a page or list apart from chats; None when it is not for one."""
        return None

    @abstractmethod
    def check(self, request: Request) -> Question:
        """What a good chat request asks. Raises Refused for any other."""

    @abstractmethod
    def render(self, request: Request, answer: Answer) -> Response:
        """The response that gives `answer`, piece by piece."""

    @abstractmethod
    def line(self, text: str) -> bytes:
        """A line of the caller's own as one frame."""

    @abstractmethod
    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        """An error object inside an answer; None is the system's usual one."""

    @abstractmethod
    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        """The JSON body that says it all at once."""

    def keep_alive(self, request: Request) -> bytes:
        """A frame that says nothing. Raises Refused where the format has none."""
        raise Refused(500, f"{self.name} has no keep-alive frames")

    def go_stale(self) -> None:
        """Forget every nonce given out. Raises Refused where there are none."""
        raise Refused(500, f"{self.name} has no nonces")

    def refusal(self, refused: Refused) -> Response:
        """The response to a request that was refused: in OpenAI's shape, which most others took over."""
        kind = "invalid_request_error" if refused.status < 500 else "server_error"
        error = {"message": refused.message, "type": kind, "param": None, "code": None, **refused.fields}
        return Response("application/json", [dump({"error": error})], status=refused.status)


def dump(value: object, indent: int | None = None) -> bytes:
    """JSON in UTF-8, with characters as they are, as most servers send it."""
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=None if indent else (",", ":")).encode()


# --- checks: each raises Refused, or returns what was asked for -------------------------------------------------------


def check_endpoint(request: Request, method: str, path: str) -> None:
    """404 for any other method or path."""
    if (request.method, request.path) != (method, path):
        raise Refused(404, f"there is no {request.method} {request.path} here, only {method} {path}")


def check_headers(request: Request, exact: Mapping[str, str], present: Iterable[str] = ()) -> None:
    """400 unless each header of `exact` has its value and each of `present` has any."""
    for name in (*exact, *present):
        if not request.headers.get(name):
            raise Refused(400, f"the header {name!r} is missing")
    for name, value in exact.items():
        got = request.media_type if name == "content-type" else request.headers[name]
        if got != value:
            raise Refused(400, f"the header {name!r} must be {value!r}, not {got!r}")


def check_object(request: Request) -> dict[str, Any]:
    """The JSON object of the body."""
    if not isinstance(request.json, dict):
        raise Refused(400, "the body is not a JSON object")
    return request.json


def check_fields(body: Mapping[str, Any], kinds: Fields, status: int = 422) -> None:
    """422 (or `status`) unless each field is there with a value of its kind; a boolean is no number."""
    for name, kind in kinds.items():
        if name not in body:
            raise Refused(status, f"the field {name!r} is missing")
        value = body[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Refused(status, f"the field {name!r} has a value of the wrong kind: {value!r}")


def check_messages(messages: object, roles: Collection[str]) -> Question:
    """The question that a list of messages of text is."""
    if not isinstance(messages, list) or not messages:
        raise Refused(422, "the field 'messages' must be a list with at least one message")
    said: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in roles:
            raise Refused(422, f"messages[{number}] needs a role, one of: {', '.join(roles)}")
        content = message.get("content")
        if not isinstance(content, str) and not is_parts(content) and not message.get("tool_calls"):
            raise Refused(422, f"messages[{number}] needs content: a text, or a list of parts with a type each")
        said.append((message["role"], text_of(content)))
    return Question.of(said)


def is_parts(content: object) -> bool:
    """Whether it is a list of objects with a type each."""
    return isinstance(content, list) and all(isinstance(part, dict) and "type" in part for part in content)


def text_of(content: object) -> str:
    """The text of a message's content: itself, or that of its parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
