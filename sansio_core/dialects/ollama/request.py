"""What is asked on Ollama's own wire: docs.ollama.com/api/chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...request import ChatRequest, ImagePart, Message, ToolCall
from ..forms import Payload, arguments_of, format_of, function_of, list_of, merged, stop_of
from ..history import resolve_tool_ids, unsupported_history

NAME = "ollama"
# docs.ollama.com/modelfile#parameter: what goes into `options`
_FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "max_tokens": "num_predict",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "repetition_penalty": "repeat_penalty",
}
_TOP = ("logprobs", "top_logprobs")
OPTIONS = frozenset({*_FIELDS, *_TOP, "stop", "reasoning_effort", "tools", "response_format", "extra"})
"""The options that this wire has a field for."""


def payload(request: ChatRequest, model: str | None) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent."""
    wire: dict[str, Any] = {"model": model, "messages": _messages(request.messages), "stream": True}
    _put_options(request.options, wire)
    return Payload(
        merged(wire, request.options.get("extra", {})), unsupported_history(request.messages, NAME, reasoning=True)
    )


def _put_options(options: Mapping[str, Any], payload: dict[str, Any]) -> None:
    payload |= {name: options[name] for name in _TOP if name in options}
    fields = {field: options[name] for name, field in _FIELDS.items() if name in options}
    if "stop" in options:
        fields["stop"] = stop_of(options["stop"])
    if fields:
        payload["options"] = fields
    if "tools" in options:
        payload["tools"] = [_tool(tool) for tool in list_of(options["tools"], "tools")]
    wanted = format_of(options["response_format"]) if "response_format" in options else "text"
    if wanted != "text":  # docs.ollama.com/capabilities/structured-outputs: "json", or a JSON Schema
        payload["format"] = wanted
    if "reasoning_effort" in options:
        payload["think"] = _think(options["reasoning_effort"])


def _tool(tool: Any) -> dict[str, Any]:
    function = function_of(tool)
    return dict(tool) if function is None else {"type": "function", "function": dict(function)}


def _think(effort: Any) -> Any:
    """docs.ollama.com/capabilities/thinking: true or false, or a level for models that know levels."""
    if isinstance(effort, bool):
        return effort
    if not isinstance(effort, str):
        raise InvalidRequest(
            f"ollama takes no reasoning_effort {safe_repr(effort)}: use 'low', 'medium', 'high' or 'none'"
        )
    return False if effort == "none" else "low" if effort == "minimal" else effort


def _messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [_message(message) for message in resolve_tool_ids(messages, invent_ids=False)]


def _message(message: Message) -> dict[str, Any]:
    images = [_image(part) for part in message.parts if isinstance(part, ImagePart)]
    others = tuple(part for part in message.parts if not isinstance(part, ImagePart))
    wire = {
        "role": "system" if message.role == "developer" else message.role,
        "content": Message(message.role, others).text,
        "images": images,
        # "the thinking, the tool call and the result must be passed back" (docs.ollama.com/capabilities/streaming)
        "thinking": message.reasoning,
        "tool_calls": [_call(call) for call in message.tool_calls],
        "tool_name": message.name if message.role == "tool" else None,
        "tool_call_id": message.tool_call_id if message.role == "tool" else None,
    }
    return {name: value for name, value in wire.items() if value or name == "content"}


def _call(call: ToolCall) -> dict[str, Any]:
    named = {"function": {"name": call.name, "arguments": arguments_of(call)}}
    return {"id": call.id, **named} if call.id else named


def _image(image: ImagePart) -> str:
    if image.data is None:
        raise InvalidRequest("ollama takes an image's data only: give a data: URL, not a link")
    return image.data[1]
