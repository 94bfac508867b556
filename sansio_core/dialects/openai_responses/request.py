"""What is asked on the Responses wire: platform.openai.com/docs/api-reference/responses/create."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...request import ChatRequest, ImagePart, Message, Native, Part, TextPart
from ..forms import Payload, choice_of, format_of, function_of, json_schema, list_of, merged
from ..history import resolve_tool_ids, unsupported_history
from ..openai_chat.request import put

NAME = "openai_responses"

_FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "response_format": "text.format",
    "top_logprobs": "top_logprobs",
    "user": "user",
    "metadata": "metadata",
    "service_tier": "service_tier",
    "store": "store",
}
OPTIONS = frozenset({*_FIELDS, "logprobs", "extra"})
"""The options that this wire has a field for."""

# Models that reason: they alone give encrypted reasoning, and the others refuse to be asked for it.
_REASONS = re.compile(r"(.*/)?(o\d|gpt-[5-9]|gpt-oss|codex)")


def payload(request: ChatRequest, model: str | None) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent.

    `store` is left to the host unless it is given. With `store=False` nothing stays there that a next turn could refer
    to: then the reasoning is asked for in its encrypted form, to be sent back with the conversation
    (platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items), and what has none is not sent back.
    """
    options = request.options
    stateless = options.get("store") is False
    wire: dict[str, Any] = {} if model is None else {"model": model}
    wire |= {"input": _input(request.messages, stateless), "stream": True}
    for name, where in _FIELDS.items():
        if name in options:
            put(wire, where, _option(name, options[name]))
    include = _include(options, model or "", stateless)
    if include:
        wire["include"] = include
    return Payload(merged(wire, options.get("extra", {})), unsupported_history(request.messages, NAME))


def _include(options: Mapping[str, Any], model: str, stateless: bool) -> list[str]:
    include = ["message.output_text.logprobs"] if "logprobs" in options or "top_logprobs" in options else []
    if stateless and ("reasoning_effort" in options or _REASONS.match(model)):
        include.append("reasoning.encrypted_content")
    return include


def _option(name: str, value: Any) -> Any:
    form = _FORMS.get(name)
    return value if form is None else form(value)


def _tools(tools: Any) -> list[dict[str, Any]]:
    return [_tool(tool) for tool in list_of(tools, "tools")]


def _tool_choice(choice: Any) -> Any:
    mode, function = choice_of(choice)
    return {"type": "function", "name": function} if mode == "tool" else mode or choice


def _response_format(response_format: Any) -> dict[str, Any]:
    wanted = format_of(response_format)
    if isinstance(wanted, str):
        return {"type": "json_object" if wanted == "json" else wanted}
    return {"type": "json_schema", **json_schema(response_format)}


_FORMS: dict[str, Callable[[Any], Any]] = {
    "tools": _tools,
    "tool_choice": _tool_choice,
    "response_format": _response_format,
}


def _tool(tool: Any) -> dict[str, Any]:
    """A function, all in one object here; the wire's own kinds of tools as they are.

    What is not said to be strict is strict on this wire and not on the others: it is said, to mean the same everywhere.
    """
    function = function_of(tool)
    return dict(tool) if function is None else {"type": "function", "strict": False, **function}


def _input(messages: tuple[Message, ...], stateless: bool) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    own = [message.native for message in messages if message.native is not None and message.native.dialect == NAME]
    # Tools that take plain text: their results have a type of their own.
    custom = {item.get("call_id") for native in own for item in native.items if item.get("type") == "custom_tool_call"}
    for message in resolve_tool_ids(messages, invent_ids=True):
        if message.role == "tool":
            kind = "custom_tool_call_output" if message.tool_call_id in custom else "function_call_output"
            items.append({"type": kind, "call_id": message.tool_call_id, "output": _content(message)})
        elif message.native is not None and message.native.dialect == NAME:
            items += _own(message.native, stateless)
        else:
            items += _said_and_called(message)
    return items


def _said_and_called(message: Message) -> list[dict[str, Any]]:
    """A message, and an item for each of its calls; no message where the calls are all that it has."""
    items = [_message(message)] if any(part != TextPart("") for part in message.parts) or not message.tool_calls else []
    calls = [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments or "{}"}
        for call in message.tool_calls
    ]
    return items + calls


def _own(native: Native, stateless: bool) -> list[dict[str, Any]]:
    """Output items as they came; but reasoning that neither the host nor the item keeps is only a broken link."""
    return [
        dict(item)
        for item in native.items
        if not (stateless and item.get("type") == "reasoning" and not item.get("encrypted_content"))
    ]


def _message(message: Message) -> dict[str, Any]:
    """An assistant's words are an output item; llama.cpp takes no shorter form of it, as OpenAI does."""
    if message.role != "assistant":
        return {"role": message.role, "content": _content(message)}
    return {"type": "message", "role": "assistant", "content": [_part(part, "output_text") for part in message.parts]}


def _content(message: Message) -> str | list[dict[str, Any]]:
    if all(isinstance(part, TextPart) for part in message.parts) and len(message.parts) <= 1:
        return message.text
    return [_part(part, "input_text") for part in message.parts]


def _part(part: Part, text_type: str) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": text_type, "text": part.text}
    if isinstance(part, ImagePart):
        return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}
    return _raw(part.raw)


def _raw(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Chat Completions' file part in this wire's words; any other as it is."""
    match raw:
        case {"type": "file", "file": Mapping() as file}:
            return {"type": "input_file", **file}
    return dict(raw)
