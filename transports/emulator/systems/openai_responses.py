"""OpenAI's Responses API.

Sources: https://platform.openai.com/docs/api-reference/responses, …/responses-streaming; on reasoning with tools:
https://platform.openai.com/docs/guides/reasoning
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from ..request import Request
from ..response import Response
from ._api import NO_MODEL, bearer, is_bad, list_of, unanswered
from ._openai_chat import CREATED, model_in
from .answer import Answer, Question, is_signature, make_id, reasoning_mark, sign
from .base import ErrorResponse, System, check_endpoint, check_fields, check_headers, check_object, dump, text_of

MODELS = ("gpt-5.4-mini", "gpt-4.1-mini")
HEADERS = [("x-request-id", "req-emulated"), ("Cache-Control", "no-cache")]
ENCRYPTED = "reasoning.encrypted_content"
ROLES = ("user", "assistant", "system", "developer")
OUTPUTS = ("function_call_output", "custom_tool_call_output")
Items = list[dict[str, Any]]


class OpenAIResponses(System):
    name = "openai_responses"
    base = "/v1"

    def page(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("GET", "/v1/models"):
            return None
        self._check_key(request)
        facts = {"object": "model", "created": CREATED, "owned_by": "openai", "shutdown_date": "2027-10-23"}
        models = [{"id": name, **facts} for name in MODELS]
        return Response("application/json", [dump({"object": "list", "data": models})])

    def check(self, request: Request) -> Question:
        check_endpoint(request, "POST", "/v1/responses")
        self._check_key(request)
        check_headers(request, {"content-type": "application/json"})
        body = check_object(request)
        check_fields(body, {"model": str, "input": (str, list)}, 400)
        if body["model"] == NO_MODEL:
            raise ErrorResponse(400, f"The requested model '{NO_MODEL}' does not exist.", code="model_not_found")
        if body.get("previous_response_id"):
            reason = f"Previous response with id '{body['previous_response_id']}' not found."
            raise ErrorResponse(400, reason, param="previous_response_id", code="previous_response_not_found")
        given = body["input"]
        items = [{"role": "user", "content": given}] if isinstance(given, str) else list_of(given, "input")
        _check_items(items, stored=body.get("store") is not False)
        conversation = [("developer", text_of(body.get("instructions"))), *map(_role_and_text, items)]
        return Question.of(conversation, tools=bool(body.get("tools")) and body.get("tool_choice") != "none")

    @staticmethod
    def _check_key(request: Request) -> None:
        if is_bad(key := bearer(request)):
            reason = f"Incorrect API key provided: {key}." if key else "You didn't provide an API key."
            raise ErrorResponse(401, reason, code="invalid_api_key")

    def render(self, request: Request, answer: Answer) -> Response:
        if not request.json.get("stream"):
            return Response("application/json", [self.whole(request, answer)], headers=list(HEADERS))
        items = self._output(request, answer)
        events = _Events(request)
        unfinished = _response(request, answer, [], "in_progress")
        opening = [events(f"response.{word}", response=unfinished) for word in ("created", "in_progress")]
        pieces: list[bytes] = []
        ending: list[bytes] = []
        for index, item in enumerate(items):
            match item["type"]:
                case "reasoning":
                    opening += events.reasoning(index, item, answer.reasoning)
                case "message":
                    begin, pieces, done = events.message(index, item, answer.pieces)
                    opening += begin
                    ending += done
                case _:
                    call = answer.calls[index - len(items)]
                    pieces += events.call(index, item, call.pieces)
        ending.append(events("response.completed", response=_response(request, answer, items, "completed")))
        return Response("text/event-stream; charset=utf-8", pieces, opening, ending, headers=list(HEADERS))

    def _output(self, request: Request, answer: Answer) -> Items:
        items: Items = []
        encrypts = ENCRYPTED in (request.json.get("include") or ())
        # Reasoning that is neither stored nor sent in encrypted form cannot come back from the client.
        thought = answer.reasoning_text if encrypts or request.json.get("store") is not False else ""
        if answer.reasoning:
            summary = [{"type": "summary_text", "text": answer.reasoning_text}]
            number = next(self._numbers)
            item = {"id": make_id("rs", number, answer.reasoning_text), "type": "reasoning", "summary": summary}
            if encrypts:
                item["encrypted_content"] = sign(answer.reasoning_text)
            items.append(item)
        for call in answer.calls:
            number = next(self._numbers)
            ids = {"id": make_id("fc", number, thought), "call_id": make_id("call", number, "")}
            call_fields = {"name": call.name, "arguments": call.arguments, "status": "completed"}
            items.append({"type": "function_call", **ids, **call_fields})
        if not answer.calls:
            part = {"type": "output_text", "annotations": [], "logprobs": [], "text": answer.text}
            named = {"id": make_id("msg", next(self._numbers), ""), "type": "message", "status": "completed"}
            items.append({**named, "content": [part], "role": "assistant"})
        return items

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n\n"

    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        usual = {"type": "error", "code": "server_error", "message": "The server is overloaded.", "param": None}
        return b"event: error\ndata: " + dump(usual if payload is None else payload) + b"\n\n"

    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        return dump(_response(request, answer, self._output(request, answer), "completed"), indent)

    def keep_alive(self, request: Request) -> bytes:
        return b": keep-alive\n\n"


class _Events:
    """Makes the events of one answer, in the order of sending, as each has the next `sequence_number`."""

    def __init__(self, request: Request) -> None:
        options = request.json.get("stream_options") or {}
        self._obscured = options.get("include_obfuscation") is not False
        self._number = 0

    def __call__(self, kind: str, **fields: Any) -> bytes:
        data = {"type": kind, **fields, "sequence_number": self._number}
        self._number += 1
        return f"event: {kind}\ndata: ".encode() + dump(data) + b"\n\n"

    def _delta(self, kind: str, text: str, **fields: Any) -> bytes:
        """A piece of text, with padding, so that the event's length does not reveal the text's ("obfuscation")."""
        if self._obscured:
            padding = sha256(f"{self._number}".encode()).hexdigest()
            fields["obfuscation"] = padding[: 1 + -(len(text) + 1) % 16]
        return self(kind, delta=text, **fields)

    def _added(self, index: int, item: Mapping[str, Any], **fields: Any) -> bytes:
        status = {"status": "in_progress"} if "status" in item else {}
        return self("response.output_item.added", item={**item, **status, **fields}, output_index=index)

    def _done(self, index: int, item: Mapping[str, Any]) -> bytes:
        return self("response.output_item.done", item=item, output_index=index)

    def reasoning(self, index: int, item: Mapping[str, Any], pieces: list[str]) -> list[bytes]:
        """The events of a reasoning item with a summary."""
        where: dict[str, Any] = {"item_id": item["id"], "output_index": index, "summary_index": 0}
        kind = "response.reasoning_summary"
        whole = item["summary"][0]
        return [
            self._added(index, item, summary=[]),
            self(f"{kind}_part.added", **where, part={**whole, "text": ""}),
            *(self._delta(f"{kind}_text.delta", piece, **where) for piece in pieces),
            self(f"{kind}_text.done", **where, text=whole["text"]),
            self(f"{kind}_part.done", **where, part=whole),
            self._done(index, item),
        ]

    def message(
        self, index: int, item: Mapping[str, Any], pieces: list[str]
    ) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """The events of a message: its beginning, its text, its end."""
        where: dict[str, Any] = {"item_id": item["id"], "output_index": index, "content_index": 0}
        whole = item["content"][0]
        begin = [
            self._added(index, item, content=[]),
            self("response.content_part.added", **where, part={**whole, "text": ""}),
        ]
        deltas = [self._delta("response.output_text.delta", piece, **where, logprobs=[]) for piece in pieces]
        done = [
            self("response.output_text.done", **where, logprobs=[], text=whole["text"]),
            self("response.content_part.done", **where, part=whole),
            self._done(index, item),
        ]
        return begin, deltas, done

    def call(self, index: int, item: Mapping[str, Any], pieces: tuple[str, ...]) -> list[bytes]:
        """The events of a function call, with its arguments in pieces."""
        where: dict[str, Any] = {"item_id": item["id"], "output_index": index}
        kind = "response.function_call_arguments"
        return [
            self._added(index, item, arguments=""),
            *(self._delta(f"{kind}.delta", piece, **where) for piece in pieces),
            self(f"{kind}.done", **where, name=item["name"], arguments=item["arguments"]),
            self._done(index, item),
        ]


def _response(request: Request, answer: Answer, output: Items, status: str) -> dict[str, Any]:
    body = request.json
    fields: dict[str, Any] = {
        "id": "resp_emulated",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model_in(request, MODELS[0]),
        "output": output,
        "usage": None if status == "in_progress" else _usage(answer),
    }
    usual: dict[str, Any] = {
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
    }
    return fields | {name: body.get(name, value) for name, value in usual.items()}


def _usage(answer: Answer) -> dict[str, Any]:
    thought = len(answer.reasoning)
    read, written = answer.input_tokens, answer.output_tokens + thought
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": read + written,
    }


# --- checks ----------------------------------------------------------------------------------------------------------


def _role_and_text(item: Mapping[str, Any]) -> tuple[str, str]:
    if item.get("type") in OUTPUTS:
        return "tool", text_of(item.get("output"))
    return str(item.get("role", "")), text_of(item.get("content"))


def _check_items(items: Items, *, stored: bool) -> None:
    """Each call has its output, each output its call; a call that followed reasoning has that reasoning before it."""
    calls: list[object] = []
    outputs = [item.get("call_id") for item in items if item.get("type") in OUTPUTS]
    thoughts: set[str | None] = set()
    for number, item in enumerate(items):
        match item.get("type", "message"):
            case "message":
                _check_message(item, number)
            case "reasoning":
                _check_reasoning(item, items[number + 1 :], stored)
                thoughts.add(reasoning_mark(item.get("id"), "rs"))
            case "function_call" | "custom_tool_call":
                calls.append(item.get("call_id"))
                _check_call(item, thoughts)
            case kind if kind in OUTPUTS and item.get("call_id") not in calls:
                reason = f"No tool call found for function call output with call_id {item.get('call_id')}."
                raise ErrorResponse(400, reason, param="input")
    if missing := unanswered(calls, outputs):
        raise ErrorResponse(400, f"No tool output found for function call {missing}.", param="input")


def _check_message(item: Mapping[str, Any], number: int) -> None:
    if item.get("role") not in ROLES or not isinstance(item.get("content"), (str, list)):
        raise ErrorResponse(400, f"Invalid value: {item.get('role')!r}.", param=f"input[{number}].role")


def _check_call(item: Mapping[str, Any], thoughts: Collection[str | None]) -> None:
    if (mark := reasoning_mark(item.get("id"), "fc")) and mark not in thoughts:
        reason = f"Item '{item['id']}' of type 'function_call' was provided without its required"
        raise ErrorResponse(400, f"{reason} 'reasoning' item.", param="input")


def _check_reasoning(item: Mapping[str, Any], later: Items, stored: bool) -> None:
    encrypted = item.get("encrypted_content")
    if encrypted is None and not stored:
        reason = f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false."
        raise ErrorResponse(404, reason, param="input")
    if encrypted is not None and not is_signature(encrypted):
        reason = "The encrypted content could not be verified. Reason: it could not be decrypted or parsed."
        raise ErrorResponse(400, reason, code="invalid_encrypted_content")
    follows = later[0] if later else {"type": None}
    if follows.get("type", "message") not in ("function_call", "message", "reasoning") or follows.get("role") == "user":
        reason = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
        raise ErrorResponse(400, reason, param="input")
