"""Systems whose answer is the text itself, with no marker at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..record import Request
from ..response import Response
from ._openai_chat import completion
from .base import System, dump


class RawText(System):
    """Everything but the checks."""

    has_lines = False
    content_type = "text/plain; charset=utf-8"

    def render(self, request: Request, pieces: list[str]) -> Response:
        return Response(self.content_type, [piece.encode() for piece in pieces])

    def text(self, text: str) -> bytes:
        return text.encode()

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n"

    def error(self, payload: Mapping[str, Any] | None) -> bytes:
        usual = {"error": {"message": "The server is overloaded.", "type": "server_error", "code": "overloaded"}}
        return dump(usual if payload is None else payload)

    def whole(self, text: str, indent: int | None) -> bytes:
        return dump(completion("gpt-3.5-turbo", text), indent)
