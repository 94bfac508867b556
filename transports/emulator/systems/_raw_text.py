"""RawText: systems whose body is the answer's text itself, without an end marker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..request import Request
from ..response import Response
from .answer import Answer
from .base import System, dump


class RawText(System):
    """All of such a system but the checks of a request."""

    has_lines = False
    content_type = "text/plain; charset=utf-8"

    def render(self, request: Request, answer: Answer) -> Response:
        return Response(self.content_type, [piece.encode() for piece in answer.pieces])

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n"

    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        usual = {"error": {"message": "The server is overloaded.", "type": "server_error", "code": "overloaded"}}
        return dump(usual if payload is None else payload)

    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": answer.text}, "finish_reason": "stop"}
        return dump({"object": "chat.completion", "model": "gpt-3.5-turbo", "choices": [choice]}, indent)
