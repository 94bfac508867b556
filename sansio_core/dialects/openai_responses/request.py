"""Requests of the Responses wire: platform.openai.com/docs/api-reference/responses/create."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...parts import FilePart, ImagePart, Part, TextPart
from ...request import ChatRequest, Message
from ..forms import (
    Function,
    Payload,
    choice_of,
    format_of,
    function_fields,
    json_schema,
    no_such_part,
    put_options,
    tools_of,
    with_extra,
)
from ..history import native_of, resolve_tool_ids, unsupported_history

NAME = "openai_responses"
# Option -> field of the body.
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
# The options that this wire has a field for; `logprobs` becomes a member of `include`.
OPTIONS = frozenset({*_FIELDS, "logprobs", "extra"})
# The models that reason. They alone can give encrypted reasoning; others answer 400, "Encrypted content is not
# supported with this model": github.com/pydantic/pydantic-ai/issues/2865, and of gpt-5-chat-latest /3326.
_REASONS = re.compile(r"(.*/)?(o\d|gpt-[5-9](?!.*-chat)|gpt-oss|codex)")


def payload(request: ChatRequest, model: str | None) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent.

    `store` is left to the host unless the caller gives it.
    """
    options = request.options
    stateless = options.get("store") is False
    wire: dict[str, Any] = {} if model is None else {"model": model}
    wire |= {"input": _input(request.messages, stateless), "stream": True}
    put_options(wire, options, _FIELDS, _FORMS)
    if include := _include(options, model or "", stateless):
        wire["include"] = include
    return Payload(with_extra(wire, options), unsupported_history(request.messages, NAME))


def _include(options: Mapping[str, Any], model: str, stateless: bool) -> list[str]:
    # The wire has no field `logprobs`: they are asked for as a part of the output.
    include = ["message.output_text.logprobs"] if "logprobs" in options or "top_logprobs" in options else []
    # platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items: with store=False nothing stays at the host
    # that a next turn could refer to, so the reasoning is asked for, encrypted, to go back with the conversation.
    if stateless and ("reasoning_effort" in options or _REASONS.match(model)):
        include.append("reasoning.encrypted_content")
    return include


def _tools(tools: Any) -> list[dict[str, Any]]:
    return [_function(tool) if isinstance(tool, Function) else tool for tool in tools_of(tools)]


def _function(function: Function) -> dict[str, Any]:
    # platform.openai.com/docs/guides/function-calling, strict mode: where `strict` is not given, this wire makes the
    # schema strict (optional fields become required), and Chat Completions does not. False means the same on all wires.
    return {"type": "function", "strict": False, **function_fields(function)}


def _tool_choice(choice: Any) -> Any:
    mode, function = choice_of(choice)
    return {"type": "function", "name": function} if mode == "tool" else mode or choice


def _response_format(response_format: Any) -> dict[str, Any]:
    wanted = format_of(response_format)
    if wanted.kind != "schema":
        return {"type": "json_object" if wanted.kind == "json" else "text"}
    # platform.openai.com/docs/guides/migrate-to-responses: name, schema and strict stand beside the type
    return {"type": "json_schema", **json_schema(wanted)}


_FORMS: dict[str, Callable[[Any], Any]] = {
    "tools": _tools,
    "tool_choice": _tool_choice,
    "response_format": _response_format,
}


def _input(messages: tuple[Message, ...], stateless: bool) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    custom: set[Any] = set()  # the ids of calls of custom tools, which take text and no JSON
    for message in resolve_tool_ids(messages, invent_ids=True):
        if message.role == "tool":
            # platform.openai.com/docs/guides/function-calling, custom tools: their results have a type of their own.
            kind = "custom_tool_call_output" if message.tool_call_id in custom else "function_call_output"
            items.append({"type": kind, "call_id": message.tool_call_id, "output": _content(message)})
        elif (own := native_of(message, NAME)) is not None:
            custom |= {item.get("call_id") for item in own if item.get("type") == "custom_tool_call"}
            items += [item for item in own if not (stateless and _is_only_a_reference(item))]
        else:
            items += _message_and_calls(message)
    return items


def _is_only_a_reference(item: Mapping[str, Any]) -> bool:
    # "Item with id 'rs_…' not found. Items are not persisted when `store` is set to false": reasoning that has not been
    # encrypted is only an id, which a host that stored nothing cannot resolve.
    return item.get("type") == "reasoning" and not item.get("encrypted_content")


def _message_and_calls(message: Message) -> list[dict[str, Any]]:
    """A message, and an item for each of its calls; no message for an answer that has calls alone."""
    calls = [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments or "{}"}
        for call in message.tool_calls
    ]
    said = any(part != TextPart("") for part in message.parts)
    return [_message(message), *calls] if said or not calls else calls


def _message(message: Message) -> dict[str, Any]:
    if message.role != "assistant":
        return {"role": message.role, "content": _content(message)}
    # OpenAI takes an answer in the short form of the other messages, too; llama.cpp's server takes only an output item.
    return {"type": "message", "role": "assistant", "content": [_part(part, "output_text") for part in message.parts]}


def _content(message: Message) -> str | list[dict[str, Any]]:
    if all(isinstance(part, TextPart) for part in message.parts) and len(message.parts) <= 1:
        return message.text
    return [_part(part, "input_text") for part in message.parts]


def _part(part: Part, text_type: str) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": text_type, "text": part.text}
    if isinstance(part, ImagePart):
        # …/responses/create, input_image: `detail` is required here and "auto" its default
        return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}
    if isinstance(part, FilePart):
        raise no_such_part(part, "openai_responses", "texts and images")
    match part.raw:
        # Users write files as Chat Completions has them, {"type": "file", "file": {…}}; this wire has the fields beside
        # the type.
        case {"type": "file", "file": Mapping() as file}:
            return {"type": "input_file", **file}
    return dict(part.raw)
