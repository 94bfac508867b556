"""Google's Gemini API, and the paths of Vertex AI: generateContent, its stream as events (CRLF) or as one JSON array.

Sources: https://ai.google.dev/api/generate-content, …/api/models, …/gemini-api/docs/thought-signatures and
function-calling; errors: https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any
from urllib.parse import parse_qs, unquote

from ..request import Request
from ..response import Response
from ._api import NO_MODEL, is_bad, list_of
from .answer import Answer, Question, is_signature, make_id, sign
from .base import ErrorResponse, System, check_fields, check_object, dump, frames, text_of

MODELS = ("gemini-3.1-flash-lite", "gemini-2.5-flash")
LIMITS = {"inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
UNSIGNED = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""A client may send one of these in place of a signature, for a call of another model (thought-signatures, "FAQs")."""
_CHAT = re.compile(
    r"/v1(?:beta1?)?/(?:(?:projects/[^/]+/locations/[^/]+/)?publishers/google/)?models/([^/:]+)"
    r":(generateContent|streamGenerateContent)"
)
Parts = list[dict[str, Any]]


class Gemini(System):
    name = "gemini"

    def page(self, request: Request) -> Response | None:
        if request.method != "GET" or request.path not in ("/v1beta/models", "/v1/models"):
            return None
        self._check_key(request)
        methods = ["generateContent", "countTokens"]
        models = [
            *(
                {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods, **LIMITS}
                for name in MODELS
            ),
            {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]},
        ]
        return Response("application/json; charset=UTF-8", [dump({"models": models}, 2)])

    def check(self, request: Request) -> Question:
        model, _ = self._target(request)
        self._check_key(request)
        body = check_object(request)
        check_fields(body, {"contents": list}, 400)
        if model == NO_MODEL:
            raise ErrorResponse(404, f"models/{NO_MODEL} is not found for API version v1beta, or is not supported")
        contents = _turns(list_of(body["contents"], "contents"))
        _check_calls(contents, strict=not re.match(r"gemini-[12]\b", model))
        conversation = [("system", text_of((body.get("systemInstruction") or {}).get("parts")))]
        conversation += [("tool" if _of(parts, "functionResponse") else role, _text(parts)) for role, parts in contents]
        mode = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
        return Question.of(conversation, tools=bool(body.get("tools")) and mode != "NONE")

    @staticmethod
    def _target(request: Request) -> tuple[str, str]:
        """The model and the method that the path names."""
        found = _CHAT.fullmatch(request.path)
        if request.method != "POST" or found is None:
            raise ErrorResponse(404, f"there is no {request.method} {request.path} here")
        return unquote(found[1]), found[2]

    @staticmethod
    def _check_key(request: Request) -> None:
        """Google's API gives 400 for a wrong key, and 403 only for none at all."""
        key = request.headers.get("x-goog-api-key") or parse_qs(request.query).get("key", [""])[0]
        key = key or request.headers.get("authorization", "").removeprefix("Bearer ")
        if not key:
            raise ErrorResponse(403, "Method doesn't allow unregistered callers. Please use API Key to call this API.")
        if is_bad(key):
            detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            raise ErrorResponse(400, "API key not valid. Please pass a valid API key.", details=[detail])

    def render(self, request: Request, answer: Answer) -> Response:
        model, method = self._target(request)
        if _budget(request) == 0:
            answer = answer.without_reasoning()
        if method == "generateContent":
            return Response("application/json; charset=UTF-8", [self.whole(request, answer)])
        costs = _usage(answer, done=False)

        def frame(part: dict[str, Any]) -> bytes:
            return self._frame(request, _chunk(model, [part], costs))

        last: dict[str, Any] = {"text": ""}
        if answer.reasoning and not answer.calls:
            last["thoughtSignature"] = sign(answer.reasoning_text)
        response = Response(
            "text/event-stream",
            frames(answer.pieces, lambda piece: frame({"text": piece}))
            + [frame(part) for part in self._calls(model, answer)],
            opening=frames(answer.reasoning, lambda piece: frame({"text": piece, "thought": True})),
            ending=[self._frame(request, _chunk(model, [last], _usage(answer), "STOP"), last=True)],
        )
        response.line_end = b"\r\n"
        if not _is_events(request):
            response.content_type, response.prefix = "application/json; charset=UTF-8", b"["
        return response

    def _calls(self, model: str, answer: Answer) -> Parts:
        """The first call of a turn has a signature: of Gemini 3 and later always, of older models after reasoning."""
        parts: Parts = []
        for number, call in enumerate(answer.calls):
            value: dict[str, Any] = {"name": call.name, "args": call.value}
            if signing := not number and bool(answer.reasoning or not re.match(r"gemini-[12]\b", model)):
                value = {"id": make_id("call", next(self._numbers), ""), **value}
            parts.append({"functionCall": value} | ({"thoughtSignature": sign(_canonical(value))} if signing else {}))
        return parts

    @staticmethod
    def _frame(request: Request, value: Mapping[str, Any], *, last: bool = False) -> bytes:
        """An event; or an element of the JSON array, with the comma or bracket after it."""
        if _is_events(request):
            return b"data: " + dump(value) + b"\n\n"
        return dump(value, 2) + (b"\n]\n" if last else b"\n,\n")

    def line(self, text: str) -> bytes:
        return text.encode() + b"\n\n"

    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        """Bare JSON, also in a stream of events, as Google's server sends it."""
        error = {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}
        body = dump({"error": error} if payload is None else payload, 2)
        return body + (b"\n" if _is_events(request) else b"\n]\n")

    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        model = self._target(request)[0]
        parts: Parts = [{"text": answer.reasoning_text, "thought": True}] if answer.reasoning else []
        parts += self._calls(model, answer) or [{"text": answer.text}]
        return dump(_chunk(model, parts, _usage(answer), "STOP"), indent)

    def keep_alive(self, request: Request) -> bytes:
        return self._frame(request, _chunk(self._target(request)[0], [{"text": ""}], {}))

    def rate_limited(self, wait: float) -> Response:
        """The wait is in the body alone: https://cloud.google.com/apis/design/errors, RetryInfo."""
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{ceil(wait)}s"}]
        reason = f"You exceeded your current quota. Please retry in {wait:.9f}s."
        return self.error_response(ErrorResponse(429, reason, details=details))

    def error_response(self, cause: ErrorResponse) -> Response:
        status = 400 if cause.status == 422 else cause.status
        error = {"code": status, "message": cause.message, "status": STATUSES.get(status, "INTERNAL")}
        return Response("application/json; charset=UTF-8", [dump({"error": error | cause.fields}, 2)], status=status)


def _is_events(request: Request) -> bool:
    return parse_qs(request.query).get("alt") == ["sse"]


def _chunk(model: str, parts: Parts, usage: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    if reason:
        candidate["finishReason"] = reason
    chunk = {"candidates": [candidate | {"index": 0}], "usageMetadata": usage}
    return chunk | {"modelVersion": model, "responseId": "emulated"}


def _usage(answer: Answer, *, done: bool = True) -> dict[str, Any]:
    """The usage object; the tokens of thoughts are not among those of the candidates."""
    prompt, written, thought = answer.input_tokens, answer.output_tokens, len(answer.reasoning)
    if not done:
        return {"promptTokenCount": prompt, "totalTokenCount": prompt}
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": written, "totalTokenCount": prompt + written + thought}
    return usage | ({"thoughtsTokenCount": thought} if thought else {})


def _budget(request: Request) -> object:
    config = (request.json.get("generationConfig") or {}).get("thinkingConfig") or {}
    return config.get("thinkingBudget")


# --- checks ----------------------------------------------------------------------------------------------------------


def _turns(contents: Iterable[Mapping[str, Any]]) -> list[tuple[str, Parts]]:
    """Roles and parts. Consecutive contents of one role are one turn, as some clients send back each chunk alone."""
    turns: list[tuple[str, Parts]] = []
    for content in contents:
        role, parts = _role(content), _parts(content)
        if turns and turns[-1][0] == role:
            parts = turns.pop()[1] + parts
        turns.append((role, parts))
    return turns


def _role(turn: Mapping[str, Any]) -> str:
    role = turn.get("role", "user")
    if role not in ("user", "model", "function"):
        raise ErrorResponse(400, "Please use a valid role: user, model.")
    return str(role)


def _parts(turn: Mapping[str, Any]) -> Parts:
    parts = turn.get("parts")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) and part for part in parts):
        raise ErrorResponse(400, "* GenerateContentRequest.contents.parts: contents.parts must not be empty.")
    for part in parts:
        _check_signature(part)
    return parts


def _check_signature(part: Mapping[str, Any]) -> None:
    signature = part.get("thoughtSignature")
    if signature is None or signature in UNSIGNED:
        return
    call = part.get("functionCall")
    if not is_signature(signature, None if call is None else _canonical(call)):
        raise ErrorResponse(400, "Thought signature is not valid.")


def _check_calls(contents: list[tuple[str, Parts]], *, strict: bool) -> None:
    """A turn with calls is followed by as many responses.

    `strict`: after the user's last question, the first call of each turn must have its signature.
    """
    current = max((n for n, (role, parts) in enumerate(contents) if _asks(role, parts)), default=0)
    waiting = 0
    for number, (_, parts) in enumerate(contents):
        calls, answers = _of(parts, "functionCall"), _of(parts, "functionResponse")
        if len(answers) != waiting:
            reason = "the number of function response parts is equal to the number of function call parts"
            raise ErrorResponse(400, f"Please ensure that {reason} of the function call turn.")
        if strict and calls and number >= current and "thoughtSignature" not in calls[0]:
            reason = f"function call `default_api:{calls[0]['functionCall'].get('name')}`"
            raise ErrorResponse(400, f"Function call is missing a thought_signature in functionCall parts: {reason}")
        waiting = len(calls)
    if waiting:
        raise ErrorResponse(400, "Please ensure that function call turn comes immediately before its responses.")


def _asks(role: str, parts: Parts) -> bool:
    return role == "user" and not _of(parts, "functionResponse")


def _of(parts: Iterable[dict[str, Any]], kind: str) -> Parts:
    return [part for part in parts if kind in part]


def _text(parts: Parts) -> str:
    text = "".join(str(part.get("text", "")) for part in parts if not part.get("thought"))
    results = (part["functionResponse"] for part in _of(parts, "functionResponse"))
    return text or "".join(json.dumps(result.get("response"), ensure_ascii=False) for result in results)


def _canonical(call: object) -> str:
    return json.dumps(call, sort_keys=True)
