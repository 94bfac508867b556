"""Anthropic's Messages API.

Sources: https://platform.claude.com/docs/en/api/messages, …/build-with-claude/streaming, …/api/errors; on thinking
with tools: …/build-with-claude/extended-thinking
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..request import Request
from ..response import Response
from ._api import NO_MODEL, bearer, is_bad, list_of, unanswered
from .answer import Answer, Question, is_marked, is_signature, make_id, reasoning_mark, sign
from .base import (
    ErrorResponse,
    System,
    check_endpoint,
    check_fields,
    check_headers,
    check_object,
    dump,
    frames,
    is_parts,
    text_of,
)

MODELS = ("claude-sonnet-4-6", "claude-haiku-4-5")
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
HEADERS = [("request-id", "req_emulated"), ("Cache-Control", "no-cache")]
Blocks = list[dict[str, Any]]


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event; its type stands in `event` and in the data."""
    return f"event: {kind}\ndata: ".encode() + dump({"type": kind, **fields}) + b"\n\n"


def _start(index: int, block: Mapping[str, Any]) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def _delta(index: int, kind: str, field: str, text: str) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, field: text})


def _stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


class Anthropic(System):
    name = "anthropic"

    def page(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("GET", "/v1/models"):
            return None
        self._check_access(request)
        able = {name: {"supported": True} for name in ("image_input", "pdf_input")}
        facts = {"max_input_tokens": 200_000, "max_tokens": 64_000, "capabilities": able, "retires_at": None}
        data = [{"type": "model", "id": name, "display_name": name, "created_at": TIME, **facts} for name in MODELS]
        return Response("application/json", [dump({"data": data, "has_more": False})], headers=list(HEADERS))

    def check(self, request: Request) -> Question:
        check_endpoint(request, "POST", "/v1/messages")
        self._check_access(request)
        check_headers(request, {"content-type": "application/json"})
        body = check_object(request)
        check_fields(body, {"model": str, "max_tokens": int, "messages": list}, 400)
        if body["model"] == NO_MODEL:
            raise ErrorResponse(404, f"model: {NO_MODEL}")
        messages = list_of(body["messages"], "messages")
        turns = [_blocks(message, number) for number, message in enumerate(messages)]
        roles = [_role(message, turn) for message, turn in zip(messages, turns, strict=True)]
        _check_system(roles, turns)
        _check_tools(roles, turns)
        _check_marks(body, turns)
        conversation = [("system", text_of(body.get("system"))), *zip(roles, map(_text, turns), strict=True)]
        tools = bool(body.get("tools")) and (body.get("tool_choice") or {}).get("type") != "none"
        return Question.of(conversation, tools=tools)

    @staticmethod
    def _check_access(request: Request) -> None:
        key = request.headers.get("x-api-key") or bearer(request)
        if is_bad(key):
            raise ErrorResponse(401, "invalid x-api-key" if key else "x-api-key header is required")
        if not re.fullmatch(r"20\d\d-\d\d-\d\d", version := request.headers.get("anthropic-version", "")):
            reason = f'"{version}" is not a valid version' if version else "header is required"
            raise ErrorResponse(400, f"anthropic-version: {reason}")

    def render(self, request: Request, answer: Answer) -> Response:
        answer = _thinking(request, answer)
        if not request.json.get("stream"):
            return Response("application/json", [self.whole(request, answer)], headers=list(HEADERS))
        message = {**self._message(request, answer), "content": [], "stop_reason": None}
        opening = [event("message_start", message=message | {"usage": _usage(answer, 1)})]
        if answer.reasoning:
            opening.append(_start(0, {"type": "thinking", "thinking": "", "signature": ""}))
            opening += [_delta(0, "thinking_delta", "thinking", piece) for piece in answer.reasoning]
            opening += [_delta(0, "signature_delta", "signature", sign(answer.reasoning_text)), _stop(0)]
        first = 1 if answer.reasoning else 0
        ending: list[bytes] = []
        if answer.calls:
            opening.append(self.keep_alive(request))
            pieces = self._calls(first, answer)
        else:
            opening += [_start(first, {"type": "text", "text": ""}), self.keep_alive(request)]
            pieces = frames(answer.pieces, lambda piece: _delta(first, "text_delta", "text", piece))
            ending.append(_stop(first))
        reason = {"stop_reason": _reason(answer), "stop_sequence": None}
        ending += [event("message_delta", delta=reason, usage=_usage(answer)), event("message_stop")]
        return Response("text/event-stream; charset=utf-8", pieces, opening, ending, headers=list(HEADERS))

    def _calls(self, first: int, answer: Answer) -> list[bytes]:
        frames: list[bytes] = []
        for index, call in enumerate(answer.calls, first):
            use = {"type": "tool_use", "id": self._id(answer), "name": call.name, "input": {}}
            # a call without arguments gets one empty piece
            pieces = ("", *(() if call.arguments == "{}" else call.pieces))
            deltas = [_delta(index, "input_json_delta", "partial_json", piece) for piece in pieces]
            frames += [_start(index, use), *deltas, _stop(index)]
        return frames

    def _id(self, answer: Answer) -> str:
        return make_id("toolu", next(self._numbers), answer.reasoning_text)

    def _message(self, request: Request, answer: Answer) -> dict[str, Any]:
        content: Blocks = []
        if answer.reasoning:
            thinking = answer.reasoning_text
            content.append({"type": "thinking", "thinking": thinking, "signature": sign(thinking)})
        if answer.text:
            content.append({"type": "text", "text": answer.text})
        content += [
            {"type": "tool_use", "id": self._id(answer), "name": call.name, "input": call.value}
            for call in answer.calls
        ]
        model = request.json.get("model") if isinstance(request.json, dict) else MODELS[0]
        named = {"id": "msg_emulated", "type": "message", "role": "assistant", "model": model, "content": content}
        return {**named, "stop_reason": _reason(answer), "stop_sequence": None, "usage": _usage(answer)}

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n\n"

    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        usual = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return b"event: error\ndata: " + dump(usual if payload is None else payload) + b"\n\n"

    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        return dump(self._message(request, answer), indent)

    def keep_alive(self, request: Request) -> bytes:
        return event("ping")

    def error_response(self, cause: ErrorResponse) -> Response:
        status = 400 if cause.status == 422 else cause.status
        error = {"type": KINDS.get(status, "api_error"), "message": cause.message}
        body = {"type": "error", "error": error, "request_id": "req_emulated"}
        return Response("application/json", [dump(body)], status=status, headers=HEADERS[:1])


TIME = "2025-01-01T00:00:00Z"


def _thinking(request: Request, answer: Answer) -> Answer:
    """`answer`, without its reasoning if the request switched thinking off."""
    off = (request.json.get("thinking") or {}).get("type") in ("disabled", "between_tools")
    return answer.without_reasoning() if off else answer


def _reason(answer: Answer) -> str:
    return "tool_use" if answer.calls else "end_turn"


def _usage(answer: Answer, output: int | None = None) -> dict[str, Any]:
    written = answer.output_tokens + len(answer.reasoning) if output is None else output
    return {
        "input_tokens": answer.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": written,
    }


# --- checks ----------------------------------------------------------------------------------------------------------


def _blocks(message: dict[str, Any], number: int) -> Blocks:
    """The content blocks of a message."""
    if message.get("role") not in ("user", "assistant", "system"):
        raise ErrorResponse(400, f'messages.{number}.role: Input should be "user", "assistant" or "system"')
    content = message.get("content")
    if isinstance(content, str) and content:
        return [{"type": "text", "text": content}]
    if not content or not is_parts(content):
        reason = "Input should be text or a list of content blocks, not empty"
        raise ErrorResponse(400, f"messages.{number}.content: {reason}")
    for index, block in enumerate(content):
        _check_block(block, f"messages.{number}.content.{index}")
    return list(content)


def _check_block(block: Mapping[str, Any], where: str) -> None:
    if block["type"] == "text" and not block.get("text"):
        raise ErrorResponse(400, f"{where}: text content blocks must be non-empty")
    if block["type"] == "thinking" and not is_signature(block.get("signature"), block.get("thinking")):
        raise ErrorResponse(400, f"{where}: Invalid `signature` in `thinking` block")
    inner = block.get("content")
    if block.get("is_error") and isinstance(inner, list) and inner != _of(inner, "text"):
        raise ErrorResponse(400, f"{where}.tool_result: all content must be type `text` if `is_error` is true")


def _check_system(roles: list[str], turns: list[Blocks]) -> None:
    """A message of the system is text alone, behind a turn of the user's, and before one of the assistant's."""
    for number, role in enumerate(roles):
        if role != "system":
            continue
        if not number:
            raise ErrorResponse(400, "messages.0: use the top-level 'system' parameter for the initial system prompt")
        ends_in_result = str(turns[number - 1][-1]["type"]).endswith("_tool_result")
        if (roles[number - 1] == "assistant" and not ends_in_result) or roles[number + 1 :][:1] in (["user"], ["tool"]):
            reason = "must immediately follow a `user` turn, and must precede an `assistant` turn or end the array"
            raise ErrorResponse(400, f"messages.{number}: role 'system' {reason}")
        if turns[number] != _of(turns[number], "text"):
            raise ErrorResponse(400, f"messages.{number}.content: Input should be text")


def _check_marks(body: Mapping[str, Any], turns: list[Blocks]) -> None:
    inner = [block.get("content") for turn in turns for block in _of(turn, "tool_result")]
    lists = [body.get("tools"), body.get("system"), *turns, *inner]
    found = sum("cache_control" in block for blocks in lists if isinstance(blocks, list) for block in blocks)
    if found > 4:
        raise ErrorResponse(400, f"A maximum of 4 blocks with cache_control may be provided. Found {found}.")


def _check_tools(roles: list[str], turns: list[Blocks]) -> None:
    """Each tool call has its result in the next turn, and each result its call in the turn before.

    In the turns after the last question of the user, calls must come with the thinking that led to them.
    """
    calls: list[object] = []
    current = max((number for number, role in enumerate(roles) if role == "user"), default=0)
    for number, turn in enumerate(turns):
        _check_results(turn, calls, number)
        calls = [block.get("id") for block in _of(turn, "tool_use")]
        marks = [mark for call in calls if (mark := reasoning_mark(call, "toolu"))]
        if marks and number >= current:
            _check_thinking(turn, marks[0], f"messages.{number}.content.0")
    if missing := unanswered(calls, ()):
        reason = "`tool_use` ids were found without `tool_result`"
        raise ErrorResponse(400, f"messages.{len(turns) - 1}: {reason}: {missing}")


def _check_results(turn: Blocks, calls: list[object], number: int) -> None:
    answered = [block.get("tool_use_id") for block in _of(turn, "tool_result")]
    if missing := unanswered(calls, answered):
        reason = "`tool_use` ids were found without `tool_result` blocks immediately after"
        raise ErrorResponse(400, f"messages.{number - 1}: {reason}: {missing}")
    if strange := unanswered(answered, calls):
        reason = "unexpected `tool_use_id` found in `tool_result` blocks"
        raise ErrorResponse(400, f"messages.{number}.content: {reason}: {strange}")


def _check_thinking(turn: Blocks, mark: str, where: str) -> None:
    if turn[0]["type"] != "thinking":
        reason = f"Expected `thinking` or `redacted_thinking`, but found `{turn[0]['type']}`."
        raise ErrorResponse(
            400, f"{where}.type: {reason} A final `assistant` message must start with a thinking block."
        )
    if not is_marked(mark, turn[0].get("thinking")):
        raise ErrorResponse(400, f"{where}: `thinking` blocks in the latest assistant message cannot be modified.")


def _of(turn: Blocks, kind: str) -> Blocks:
    return [block for block in turn if block["type"] == kind]


def _role(message: dict[str, Any], turn: Blocks) -> str:
    return "tool" if _of(turn, "tool_result") else str(message["role"])


def _text(turn: Blocks) -> str:
    return text_of(turn) or "".join(text_of(block.get("content")) for block in _of(turn, "tool_result"))
