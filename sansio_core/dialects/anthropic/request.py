"""What is asked on Anthropic's Messages wire: platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InvalidRequest
from ...request import ChatRequest, ImagePart, Message, Part, TextPart
from ..forms import Payload, arguments_of, choice_of, format_of, function_of, list_of, mapping_of, merged, stop_of
from ..history import resolve_tool_ids, unsupported_history

NAME = "anthropic"
OPTIONS = frozenset(
    {
        "temperature", "top_p", "top_k", "max_tokens", "stop", "reasoning_effort", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "user", "metadata", "service_tier", "extra",
    }
)  # fmt: skip
"""The options that this wire has a field for."""
MAX_TOKENS = 8192
"""`max_tokens` where the caller gives none, as this wire requires it: what every model offered today can write at
least (platform.claude.com/docs/en/about-claude/models/overview); the smaller models reject a larger one."""


def payload(request: ChatRequest, model: str | None) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent."""
    system, messages = _messages(request.messages)
    wire: dict[str, Any] = {"model": model, "max_tokens": MAX_TOKENS, "stream": True, "messages": messages}
    if system:
        wire["system"] = system
    unsupported = unsupported_history(request.messages, NAME) + _put_options(request.options, wire)
    return Payload(merged(wire, request.options.get("extra", {})), unsupported)


def _put_options(options: Mapping[str, Any], payload: dict[str, Any]) -> list[str]:
    """Put the options into `payload`. Returns what this wire cannot carry of them, in words."""
    payload |= {name: options[name] for name in _SAME if name in options}
    if "reasoning_effort" in options:
        _put_effort(options["reasoning_effort"], "max_tokens" in options, payload)
    if "stop" in options:
        payload["stop_sequences"] = stop_of(options["stop"])
    if "user" in options:  # "An external identifier for the user who is associated with the request"
        payload["metadata"] = {**mapping_of(payload.get("metadata", {}), "metadata"), "user_id": options["user"]}
    if "tools" in options:
        payload["tools"] = [_tool(tool) for tool in list_of(options["tools"], "tools")]
    if "tool_choice" in options or "parallel_tool_calls" in options:
        payload["tool_choice"] = _tool_choice(options)
    wanted = format_of(options["response_format"]) if "response_format" in options else "text"
    if not isinstance(wanted, str):  # platform.claude.com/docs/en/build-with-claude/structured-outputs
        payload.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": wanted}
    return ["response_format json_object (give a JSON Schema)"] if wanted == "json" else []


_SAME = ("temperature", "top_p", "top_k", "max_tokens", "metadata", "service_tier")


def _put_effort(effort: Any, limited: bool, payload: dict[str, Any]) -> None:
    """`limited` tells that the caller set max_tokens."""
    if effort == "none":
        payload["thinking"] = {"type": "disabled"}
    elif type(effort) is int:
        # platform.claude.com/docs/en/build-with-claude/extended-thinking: the budget is part of max_tokens
        payload["thinking"] = {"type": "enabled", "budget_tokens": effort}
        payload["max_tokens"] += 0 if limited else effort
    else:
        # platform.claude.com/docs/en/build-with-claude/effort: works with thinking and without; it knows no "minimal"
        payload["output_config"] = {"effort": "low" if effort == "minimal" else effort}


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
    if message.native is not None and message.native.dialect == NAME:
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
