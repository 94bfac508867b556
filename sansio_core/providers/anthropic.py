"""Anthropic's Messages API: platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..dialects import ChatParser, anthropic
from ..dialects.base import MAX_FRAME
from ..dialects.forms import (
    arguments_of,
    choice_of,
    format_of,
    function_of,
    list_of,
    mapping_of,
    merged,
    resolve_tool_ids,
    stop_of,
    unsupported_history,
)
from ..errors import InvalidRequest
from ..http_request import Headers, HttpRequest
from ..request import ChatRequest, ImagePart, Message, Part, TextPart, dump_json
from ..retry import RETRIED_STATUSES, RetryPolicy
from .base import Call, Provider, ProviderInfo, warn
from .models import default_model

MAX_TOKENS = 8192
"""`max_tokens` where the caller gives none, as this wire requires it: what every model offered today can write at
least (platform.claude.com/docs/en/about-claude/models/overview); a larger one is refused by the smaller models."""


class Anthropic(Provider):
    """api.anthropic.com. `base_url` may end with `/v1` or not.

    `reasoning_effort` is "low" to "max" (`output_config.effort`), a number of tokens (a thinking budget, for models
    that take one), or "none". What else there is (`thinking`, `cache_control`, `container`, …) goes in `extra`.
    """

    info = ProviderInfo(
        name="anthropic",
        url="https://api.anthropic.com",
        default_model=default_model("anthropic"),
        api_key_env="ANTHROPIC_API_KEY",
        needs_key=True,
    )
    # platform.claude.com/docs/en/api/errors: 529 overloaded_error
    retry = RetryPolicy(statuses=RETRIED_STATUSES | {529})
    options = frozenset(
        {
            "temperature", "top_p", "top_k", "max_tokens", "stop", "reasoning_effort", "tools", "tool_choice",
            "parallel_tool_calls", "response_format", "user", "metadata", "service_tier", "extra",
        }
    )  # fmt: skip
    roles = ("system", "developer", "user", "assistant", "tool")
    # platform.claude.com/docs/en/api/versioning
    base_headers = (("anthropic-version", "2023-06-01"),)

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        system, messages = _messages(request.messages)
        payload: dict[str, Any] = {
            "model": self.resolve_model(request.model),
            "max_tokens": MAX_TOKENS,
            "stream": True,
            "messages": messages,
        }
        if system:
            payload["system"] = system
        unsent = [unsupported_history(request.messages, anthropic.NAME), _options(request.options, payload)]
        if lost := [what for what in unsent if what]:
            warn(f"anthropic has no field for {' and '.join(lost)}: not sent")
        body = dump_json(merged(payload, request.options.get("extra", {})))
        return Call(self.http(request, "POST", self._url("messages"), body, _STREAM, self._key))

    def models_request(self) -> HttpRequest | None:
        return self.http(ChatRequest("models"), "GET", self._url("models?limit=1000"), b"", self._key)

    def _url(self, path: str) -> str:
        return f"{self.base_url.removesuffix('/v1')}/v1/{path}"

    @property
    def _key(self) -> Headers:
        return () if self.api_key is None else (("x-api-key", self.api_key),)

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return anthropic.AnthropicParser(max_frame_size, self.templates)


def _options(options: Mapping[str, Any], payload: dict[str, Any]) -> str:
    """Put the options into `payload`; what this wire cannot carry of them, in words, or ""."""
    payload |= {name: options[name] for name in _SAME if name in options}
    if "stop" in options:
        payload["stop_sequences"] = stop_of(options["stop"])
    if "user" in options:  # "An external identifier for the user who is associated with the request"
        payload["metadata"] = {**mapping_of(payload.get("metadata", {}), "metadata"), "user_id": options["user"]}
    if "tools" in options:
        payload["tools"] = [_tool(tool) for tool in list_of(options["tools"], "tools")]
    if "tool_choice" in options or "parallel_tool_calls" in options:
        payload["tool_choice"] = _tool_choice(options)
    output: dict[str, Any] = {}
    if "reasoning_effort" in options:
        _effort(options["reasoning_effort"], "max_tokens" in options, payload, output)
    wanted = format_of(options["response_format"]) if "response_format" in options else "text"
    if not isinstance(wanted, str):  # platform.claude.com/docs/en/build-with-claude/structured-outputs
        output["format"] = {"type": "json_schema", "schema": wanted}
    if output:
        payload["output_config"] = output
    return "response_format json_object (give a JSON Schema)" if wanted == "json" else ""


_STREAM = (("accept", "text/event-stream, application/json"), ("content-type", "application/json"))
_SAME = ("temperature", "top_p", "top_k", "max_tokens", "metadata", "service_tier")


def _effort(effort: Any, limited: bool, payload: dict[str, Any], output: dict[str, Any]) -> None:
    if effort == "none":
        payload["thinking"] = {"type": "disabled"}
    elif type(effort) is int:
        # platform.claude.com/docs/en/build-with-claude/extended-thinking: the budget is part of max_tokens
        payload["thinking"] = {"type": "enabled", "budget_tokens": effort}
        payload["max_tokens"] += 0 if limited else effort
    else:
        # platform.claude.com/docs/en/build-with-claude/effort: works with thinking and without; it knows no "minimal"
        output["effort"] = "low" if effort == "minimal" else effort


def _tool(tool: Any) -> dict[str, Any]:
    """platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools; a server tool is in the wire's own form."""
    function = function_of(tool)
    if function is None:
        return dict(tool)
    wire = {"name": function.get("name"), "input_schema": function.get("parameters") or {"type": "object"}}
    return wire | {key: function[key] for key in ("description", "strict") if function.get(key)}


def _tool_choice(options: Mapping[str, Any]) -> dict[str, Any]:
    mode, name = choice_of(options.get("tool_choice", "auto"))
    choice: dict[str, Any]
    if not mode:
        choice = dict(options["tool_choice"])
    elif mode == "tool":
        choice = {"type": "tool", "name": name}
    else:
        choice = {"type": "any" if mode == "required" else mode}
    if options.get("parallel_tool_calls") is False and mode != "none":
        choice["disable_parallel_tool_use"] = True
    return choice


def _messages(messages: Iterable[Message]) -> tuple[str | list[dict[str, Any]], list[dict[str, Any]]]:
    """The system prompt and the turns. This wire has no system role, and tools' answers are the user's."""
    system: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    results: list[dict[str, Any]] | None = None  # of the turn before: answers to one turn's calls go in one turn
    for message in resolve_tool_ids(messages, invent_ids=True):
        if message.role in ("system", "developer"):
            system += _content(message)
        elif message.role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "content": results})
            results.append(_result(message))
        else:
            results = None
            content = _assistant(message) if message.role == "assistant" else _content(message)
            if content:  # the API refuses a turn without content
                turns.append({"role": message.role, "content": _short(content)})
    return _short(system), turns


def _short(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Content of one plain text as a string."""
    match content:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
    return content


def _assistant(message: Message) -> list[dict[str, Any]]:
    if message.native is not None and message.native.dialect == anthropic.NAME:
        # "pass the thinking blocks back … complete, unmodified" (…/build-with-claude/extended-thinking)
        return [dict(item) for item in message.native.items]
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_of(call)}
        for call in message.tool_calls
    ]
    return _content(message) + calls


def _result(message: Message) -> dict[str, Any]:
    if not message.tool_call_id:
        raise InvalidRequest("a tool's answer needs the tool_call_id of the call that it answers")
    return {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": _short(_content(message))}


def _content(message: Message) -> list[dict[str, Any]]:
    """Content blocks; the API refuses empty text."""
    return [_part(part) for part in message.parts if not (isinstance(part, TextPart) and not part.text)]


def _part(part: Part) -> dict[str, Any]:
    """platform.claude.com/docs/en/build-with-claude/vision"""
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        if part.data is None:
            return {"type": "image", "source": {"type": "url", "url": part.url}}
        media_type, data = part.data
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
    return dict(part.raw)
