"""OpenAI's Chat Completions API, and the hosts that speak it: all in the core's table `providers/hosts.py`.

Sources: https://platform.openai.com/docs/api-reference/chat/create,
https://platform.openai.com/docs/guides/error-codes, https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sansio_core.model_facts import default_model
from sansio_core.providers.hosts import Host

from ..request import Request
from ..response import Response
from ._api import NO_MODEL, bearer, is_bad, list_of, unanswered
from ._openai_chat import CREATED, OpenAIChat, choices_in, event
from .answer import Answer, Question, is_marked, is_signature, reasoning_mark
from .base import ErrorResponse, check_fields, check_headers, check_object, dump, text_of

OTHER_MODEL = "emulated-model-2"
# What a host's list of models says besides.
LISTED: dict[str, dict[str, Any]] = {
    "openai": {"shutdown_date": None},
    "openrouter": {
        "context_length": 200_000,
        "architecture": {"input_modalities": ["text", "image"]},
        "top_provider": {"max_completion_tokens": 64_000},
        "expiration_date": "2027-06-30",
    },
    "groq": {"context_window": 131_072, "max_completion_tokens": 65_536},
    "mistral": {"max_context_length": 262_144, "capabilities": {"vision": True, "audio": False}},
}
# The parts of a message's content by its role: …/chat/create, messages. Texts go in all.
PARTS = {"user": ("text", "image_url", "input_audio", "file"), "assistant": ("text", "refusal")}
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class OpenAI(OpenAIChat):
    """One host that speaks Chat Completions."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.name = host.name
        self.base = urlsplit(host.url).path
        self.model = default_model(host.name) or "emulated-model"
        self.details = host.quirks.reasoning_details
        self._host = host

    def page(self, request: Request) -> Response | None:
        if request.method != "GET" or request.path not in self._lists():
            return None
        self._check_key(request)
        models = [
            {"id": name, "object": "model", "created": CREATED, "owned_by": self.name, **LISTED.get(self.name, {})}
            for name in (self.model, OTHER_MODEL)
        ]
        return Response("application/json", [dump({"object": "list", "data": models})])

    def _lists(self) -> tuple[str, ...]:
        """The paths of the list of models."""
        return (f"{self.base}/models",)

    def check(self, request: Request) -> Question:
        model = self._check_path(request)
        self._check_key(request)
        check_headers(request, {"content-type": "application/json"})
        body = check_object(request)
        if model is None and not (self._host.any_model and "model" not in body):
            check_fields(body, {"model": str}, 400)
        if (model or body.get("model")) == NO_MODEL:
            message = f"The model '{NO_MODEL}' does not exist or you do not have access to it."
            raise ErrorResponse(404, message, code="model_not_found")
        if body.get("stream_options") is not None:
            self._check_stream_options(body)
        messages = list_of(body.get("messages"), "messages")
        self._check_tools(messages)
        conversation = [(str(message["role"]), text_of(message.get("content"))) for message in messages]
        return Question.of(conversation, tools=bool(body.get("tools")) and body.get("tool_choice") != "none")

    def _check_path(self, request: Request) -> str | None:
        """The model that the path names; None if it names none."""
        if (request.method, request.path) != ("POST", f"{self.base}/chat/completions"):
            raise ErrorResponse(404, f"Invalid URL ({request.method} {request.path})")
        return None

    def _check_key(self, request: Request) -> None:
        key = bearer(request)
        if is_bad(key, needed=self._host.key is not None and not self._host.local):
            reason = f"Incorrect API key provided: {key}." if key else "You didn't provide an API key."
            raise ErrorResponse(401, reason, code="invalid_api_key")

    def _check_stream_options(self, body: dict[str, Any]) -> None:
        if not self._host.quirks.asks_usage:
            raise ErrorResponse(422, "Extra inputs are not permitted: stream_options")
        if not body.get("stream"):
            message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            raise ErrorResponse(400, message, param="stream_options")

    def _check_tools(self, messages: list[dict[str, Any]]) -> None:
        """Every tool call has its result in the messages after it, and every result its call before it."""
        waiting: list[object] = []
        for number, message in enumerate(messages):
            if message.get("role") not in ROLES:
                raise ErrorResponse(400, f"Invalid value: {message.get('role')!r}.", param=f"messages[{number}].role")
            if self._host.quirks.strict:
                self._check_parts(message, f"messages[{number}].content")
            if message["role"] == "tool":
                if message.get("tool_call_id") not in waiting:
                    reason = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                    raise ErrorResponse(400, reason, param=f"messages.[{number}].role")
                waiting.remove(message["tool_call_id"])
                continue
            self._check_answered(waiting)
            calls = message.get("tool_calls") or []
            waiting = [call.get("id") for call in calls]
            for call_id in waiting:
                self._check_thoughts(message, reasoning_mark(call_id, "call"))
        self._check_answered(waiting)

    @staticmethod
    def _check_parts(message: dict[str, Any], where: str) -> None:
        content = message.get("content")
        for number, part in enumerate(content if isinstance(content, list) else ()):
            kind = part.get("type") if isinstance(part, dict) else part
            if kind not in PARTS.get(message["role"], ("text",)):
                raise ErrorResponse(400, f"Invalid value: {kind!r}.", param=f"{where}[{number}].type")

    @staticmethod
    def _check_answered(waiting: list[object]) -> None:
        if missing := unanswered(waiting, ()):
            reason = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
            raise ErrorResponse(400, f"{reason} 'tool_call_id'. The following had no response: {missing}")

    def _check_thoughts(self, message: dict[str, Any], mark: str | None) -> None:
        """The reasoning before a tool call must come back: https://api-docs.deepseek.com/guides/thinking_mode,
        https://openrouter.ai/docs/use-cases/reasoning-tokens
        """
        quirks = self._host.quirks
        if mark and quirks.needs_reasoning and not is_marked(mark, message.get("reasoning_content")):
            reason = "Missing `reasoning_content` field in the assistant message: it must be passed back."
            raise ErrorResponse(400, reason)
        if mark and quirks.reasoning_details:
            match message.get("reasoning_details"):
                case [{"text": str(text), "signature": signature}] if is_marked(mark, text):
                    if is_signature(signature, text):
                        return
            raise ErrorResponse(400, "The reasoning_details of the assistant message are missing, or were modified.")

    def render(self, request: Request, answer: Answer) -> Response:
        body = request.json
        if not body.get("stream"):
            headers = [("X-Request-Id", "req-emulated")]
            return Response("application/json", [self.whole(request, answer)], headers=headers)
        options = body.get("stream_options") or {}
        return self.stream(
            self._model(request),
            answer,
            choices=choices_in(request),
            usage_chunk=bool(options.get("include_usage")),
            usage_last=not self._host.quirks.asks_usage,
        )


class AzureOpenAI(OpenAI):
    """Azure's two forms of the URL: a deployment's with an `api-version`, and /openai/v1; and its header `api-key`."""

    _CHAT = re.compile(r"/openai/(?:deployments/([^/]+)|v1)/chat/completions")

    def _check_path(self, request: Request) -> str | None:
        found = self._CHAT.fullmatch(request.path)
        if request.method != "POST" or not found or (found[1] and not parse_qs(request.query).get("api-version")):
            raise ErrorResponse(404, "Resource not found", code="404")
        if found[1] and unquote(found[1]) == NO_MODEL:
            raise ErrorResponse(404, "The API deployment for this resource does not exist.", code="DeploymentNotFound")
        return unquote(found[1]) if found[1] else None

    def _check_key(self, request: Request) -> None:
        if is_bad(request.headers.get("api-key") or bearer(request)):
            reason = "Access denied due to invalid subscription key or wrong API endpoint."
            raise ErrorResponse(
                401, f"{reason} Make sure to provide a valid key for an active subscription.", code="401"
            )

    def _lists(self) -> tuple[str, ...]:
        return ("/openai/models", "/openai/v1/models")

    def render(self, request: Request, answer: Answer) -> Response:
        response = super().render(request, answer)
        if response.opening:
            results = [{"prompt_index": 0, "content_filter_results": {}}]
            empty = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": results}
            response.opening.insert(0, event(empty))
        return response

    def _model(self, request: Request) -> str:
        return self._check_path(request) or super()._model(request)


def make(host: Host) -> OpenAI:
    """The system for a row of the core's table."""
    return AzureOpenAI(host) if host.name == "azure_openai" else OpenAI(host)
