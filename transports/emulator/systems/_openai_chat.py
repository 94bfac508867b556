"""The event stream of OpenAI's Chat Completions, for every system that speaks it.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..response import Response
from .base import System, dump

ID = "chatcmpl-emulated"
CREATED = 1_700_000_000
DONE = b"data: [DONE]\n\n"


def event(payload: object) -> bytes:
    """One server-sent event with JSON data."""
    return b"data: " + dump(payload) + b"\n\n"


def chunk(model: str, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
    """One `chat.completion.chunk` as an event."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({"id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": model, "choices": [choice]})


def completion(model: str, text: str) -> dict[str, Any]:
    """The `chat.completion` object that a request without `stream` gets."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [choice],
        "usage": usage,
    }


class OpenAIChat(System):
    """A system whose answers are such streams."""

    model = "gpt-3.5-turbo"

    def stream(self, model: str, pieces: list[str]) -> Response:
        """The role, the text, the finish reason, the marker."""
        return Response(
            "text/event-stream",
            [chunk(model, {"content": piece}) for piece in pieces],
            opening=[chunk(model, {"role": "assistant", "content": ""})],
            ending=[chunk(model, {}, "stop"), DONE],
            headers=[("Cache-Control", "no-cache"), ("X-Request-Id", "req-emulated")],
        )

    def text(self, text: str) -> bytes:
        return chunk(self.model, {"content": text})

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n\n"

    def error(self, payload: Mapping[str, Any] | None) -> bytes:
        usual = {"error": {"message": "The server is overloaded.", "type": "server_error", "code": "overloaded"}}
        return event(usual if payload is None else payload)

    def whole(self, text: str, indent: int | None) -> bytes:
        return dump(completion(self.model, text), indent)

    def keep_alive(self) -> bytes:
        return b": keep-alive\n\n"
