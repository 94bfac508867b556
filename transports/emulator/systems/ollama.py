"""Ollama's own chat API: newline-delimited JSON.

Sources: https://docs.ollama.com/api/chat, …/api/streaming, …/api/errors, …/capabilities/thinking and tool-calling
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from ..request import Request
from ..response import Response
from ._api import NO_MODEL, bearer, is_bad, list_of
from ._openai_chat import model_in
from .answer import Answer, Question, make_id
from .base import ErrorResponse, System, check_endpoint, check_fields, check_object, dump, frames

MODELS = ("llama3.2:latest", "qwen3:latest")
TIME = "2025-01-01T00:00:00Z"
LEVELS = ("low", "medium", "high", "max")
MILLISECOND = 1_000_000


class Ollama(System):
    name = "ollama"

    def page(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("GET", "/api/tags"):
            return None
        self._check_key(request)
        facts = {"modified_at": TIME, "size": 1, "digest": "0" * 64, "details": {"format": "gguf"}}
        models = [{"name": name, "model": name, **facts} for name in MODELS]
        return Response("application/json", [dump({"models": models})])

    def check(self, request: Request) -> Question:
        check_endpoint(request, "POST", "/api/chat")
        self._check_key(request)
        body = check_object(request)
        check_fields(body, {"model": str, "messages": list}, 400)
        if body["model"] == NO_MODEL:
            raise ErrorResponse(404, f"model '{NO_MODEL}' not found")
        conversation: list[tuple[str, str]] = []
        for message in list_of(body["messages"], "messages"):
            content = message.get("content", "")
            if not isinstance(message.get("role"), str) or not isinstance(content, str):
                raise ErrorResponse(400, "a message needs a role, and content that is a string")
            if message.get("images"):
                _check_images(message["images"])
            conversation.append((str(message["role"]), content))
        _check_options(body)
        return Question.of(conversation, tools=bool(body.get("tools")))

    @staticmethod
    def _check_key(request: Request) -> None:
        if is_bad(bearer(request), needed=False):
            raise ErrorResponse(401, "unauthorized")

    def render(self, request: Request, answer: Answer) -> Response:
        if request.json.get("think") is False:
            answer = answer.without_reasoning()
        if request.json.get("stream") is False:
            return Response("application/json; charset=utf-8", [self.whole(request, answer)])
        return Response(
            "application/x-ndjson",
            frames(answer.pieces, lambda piece: _chunk(request, {"content": piece}))
            + [_chunk(request, {"content": "", "tool_calls": [call]}) for call in self._calls(answer)],
            opening=frames(answer.reasoning, lambda piece: _chunk(request, {"content": "", "thinking": piece})),
            ending=[_chunk(request, {"content": ""}, **_figures(answer))],
        )

    def _calls(self, answer: Answer) -> list[dict[str, Any]]:
        return [
            {
                "id": make_id("call", next(self._numbers), ""),
                "function": {"index": index, "name": call.name, "arguments": call.value},
            }
            for index, call in enumerate(answer.calls)
        ]

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n"

    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        usual = {"error": "an error was encountered while running the model"}
        return dump(usual if payload is None else payload) + b"\n"

    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        fields: dict[str, Any] = {"content": answer.text}
        if answer.reasoning:
            fields["thinking"] = answer.reasoning_text
        if answer.calls:
            fields["tool_calls"] = self._calls(answer)
        return dump(_fields(request, fields, **_figures(answer)), indent)

    def keep_alive(self, request: Request) -> bytes:
        return _chunk(request, {"content": ""})

    def error_response(self, cause: ErrorResponse) -> Response:
        body = dump({"error": cause.message})
        return Response("application/json; charset=utf-8", [body], status=cause.status)


def _check_images(images: object) -> None:
    try:
        for image in images if isinstance(images, list) else ["!"]:
            b64decode(str(image), validate=True)
    except ValueError:
        raise ErrorResponse(400, "illegal base64 data at input byte 0") from None


def _check_options(body: Mapping[str, Any]) -> None:
    think = body.get("think")
    if not (think is None or isinstance(think, bool) or think in LEVELS):
        raise ErrorResponse(400, f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)')
    if not (body.get("format") in (None, "", "json") or isinstance(body["format"], dict)):
        raise ErrorResponse(400, 'invalid format: expected "json" or a JSON schema')
    for tool in body.get("tools") or ():
        if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
            raise ErrorResponse(400, "a tool needs a function")


def _fields(request: Request, message: Mapping[str, Any], done: bool = False, **figures: Any) -> dict[str, Any]:
    message = {"role": "assistant", **message}
    return {"model": model_in(request, MODELS[0]), "created_at": TIME, "message": message, "done": done, **figures}


def _chunk(request: Request, message: Mapping[str, Any], **figures: Any) -> bytes:
    return dump(_fields(request, message, **figures)) + b"\n"


def _figures(answer: Answer) -> dict[str, Any]:
    written = answer.output_tokens + len(answer.reasoning)
    return {
        "done": True,
        "done_reason": "stop",  # with tool calls too
        "total_duration": (written + 2) * MILLISECOND,
        "load_duration": MILLISECOND,
        "prompt_eval_count": answer.input_tokens,
        "prompt_eval_duration": MILLISECOND,
        "eval_count": written,
        "eval_duration": written * MILLISECOND,
    }
