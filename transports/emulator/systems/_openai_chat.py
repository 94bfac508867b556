"""The event stream of OpenAI's Chat Completions, for all systems that speak it.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..request import Request
from ..response import Response
from .answer import Answer, make_id, sign
from .base import System, dump, frames

ID = "chatcmpl-emulated"
CREATED = 1_700_000_000
DONE = b"data: [DONE]\n\n"


def event(payload: object) -> bytes:
    """One server-sent event with JSON data."""
    return b"data: " + dump(payload) + b"\n\n"


def usage(answer: Answer) -> dict[str, Any]:
    """The usage object; its completion tokens include those of the reasoning."""
    thought = len(answer.reasoning)
    prompt, completion = answer.input_tokens, answer.output_tokens + thought
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


class OpenAIChat(System):
    """A system whose answers are streams of `chat.completion.chunk` objects."""

    model = "gpt-3.5-turbo"
    details = False
    """Whether reasoning has OpenRouter's fields: `reasoning`, and `reasoning_details` with a signature."""

    def stream(
        self, model: str, answer: Answer, *, choices: int = 1, usage_chunk: bool = False, usage_last: bool = False
    ) -> Response:
        """In this order: role, reasoning, text or tool calls, finish reason, usage, `[DONE]`.

        `usage_chunk`: the usage is in a chunk of its own, and null in all before (stream_options.include_usage).
        `usage_last`: the usage is in the chunk with the finish reason, without having been asked for.
        """

        def chunk(delta: Mapping[str, Any], reason: str | None = None, **fields: Any) -> bytes:
            fields = {"usage": None, **fields} if usage_chunk else fields
            return b"".join(event(_chunk(model, [_choice(i, delta, reason)], **fields)) for i in range(choices))

        thoughts = frames(answer.reasoning, lambda piece: chunk(self._thinking(piece)))
        if answer.reasoning and self.details:
            thoughts.append(chunk(_signature(answer.reasoning_text)))
        reason = "tool_calls" if answer.calls else "stop"
        cost = usage(answer)
        ending = [chunk({}, reason, usage=cost) if usage_last else chunk({}, reason)]
        if usage_chunk:
            ending.append(event(_chunk(model, [], usage=cost)))
        return Response(
            "text/event-stream",
            frames(answer.pieces, lambda piece: chunk({"content": piece}))
            + [chunk(delta) for delta in self._calls(answer)],
            opening=[chunk({"role": "assistant", "content": ""}), *thoughts],
            ending=[*ending, DONE],
            headers=[("Cache-Control", "no-cache"), ("X-Request-Id", "req-emulated")],
        )

    def completion(self, model: str, answer: Answer, choices: int = 1) -> dict[str, Any]:
        """The `chat.completion` object, for a request without `stream`."""
        message: dict[str, Any] = {"role": "assistant", "content": None if answer.calls else answer.text}
        if answer.reasoning:
            message |= self._thinking(answer.reasoning_text)
            if self.details:
                message["reasoning_details"][0] |= _signature(answer.reasoning_text)["reasoning_details"][0]
        if answer.calls:
            message["tool_calls"] = [
                {"id": self._id(answer), "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in answer.calls
            ]
        reason = "tool_calls" if answer.calls else "stop"
        listed = [{"index": i, "message": message, "finish_reason": reason} for i in range(choices)]
        return _chunk(model, listed, object="chat.completion", usage=usage(answer))

    def _id(self, answer: Answer) -> str:
        return make_id("call", next(self._numbers), answer.reasoning_text)

    def _calls(self, answer: Answer) -> list[dict[str, Any]]:
        """For one call after the other: a delta with its id and name, then its arguments in pieces."""
        deltas: list[dict[str, Any]] = []
        for index, call in enumerate(answer.calls):
            named = {"index": index, "id": self._id(answer), "type": "function"}
            deltas.append({"tool_calls": [named | {"function": {"name": call.name, "arguments": ""}}]})
            deltas += [{"tool_calls": [{"index": index, "function": {"arguments": p}}]} for p in call.pieces]
        return deltas

    def _thinking(self, text: str) -> dict[str, Any]:
        if not self.details:
            return {"reasoning_content": text}
        return {"reasoning": text, "reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]}

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n\n"

    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        usual = {"error": {"message": "The server is overloaded.", "type": "server_error", "code": "overloaded"}}
        return event(usual if payload is None else payload)

    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        return dump(self.completion(self._model(request), answer, choices_in(request)), indent)

    def _model(self, request: Request) -> str:
        return model_in(request, self.model)

    def keep_alive(self, request: Request) -> bytes:
        return b": keep-alive\n\n"


def model_in(request: Request, default: str) -> str:
    """The model that the body names, or `default`."""
    model = request.json.get("model") if isinstance(request.json, dict) else None
    return model if isinstance(model, str) else default


def choices_in(request: Request) -> int:
    """How many choices the body asks for."""
    n = request.json.get("n") if isinstance(request.json, dict) else None
    return n if isinstance(n, int) else 1


def _choice(index: int, delta: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": reason}


def _chunk(model: str, choices: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    named = {"id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": model, "choices": choices}
    return {**named, **fields}


def _signature(thought: str) -> dict[str, Any]:
    return {"reasoning_details": [{"type": "reasoning.text", "signature": sign(thought), "index": 0}]}
