"""Requests of the Chat Completions wire: platform.openai.com/docs/api-reference/chat/create."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...parts import FilePart, ImagePart, Part, TextPart
from ...request import ChatRequest, Message
from ..forms import (
    Payload,
    choice_of,
    format_of,
    json_schema,
    no_such_part,
    openai_tools,
    put_options,
    with_extra,
)
from ..history import native_of, resolve_tool_ids, unsupported_history

NAME = "openai_chat"


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where a host's wire is not OpenAI's.

    `fields`: a host's own names of options ("a.b" is a field within an object). `asks_usage`: the host counts tokens
    only if `stream_options` asks for it. `developer`: it has that role. `names`: messages may have a name.
    `reasoning_details`: it takes its own reasoning details back. `reasoning_content`: it demands the reasoning back
    with the calls that followed from it. `null_content`: an answer of calls alone must have a `content`, null.
    `call_fields`: a call may have fields that are not OpenAI's.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    asks_usage: bool = True
    developer: bool = False
    names: bool = True
    reasoning_details: bool = False
    reasoning_content: bool = False
    null_content: bool = False
    call_fields: bool = True


PLAIN = Quirks()


def payload(request: ChatRequest, model: str | None, options: Container[str] = (), quirks: Quirks = PLAIN) -> Payload:
    """The body for `request`; of its options, those called `options`. Raises InvalidRequest for what cannot be sent."""
    # Servers of one's own answer with the model that they have loaded where the body names none.
    wire: dict[str, Any] = {} if model is None else {"model": model}
    # Ids are invented where calls have none: OpenAI demands them, and Gemini's and Ollama's answers may have none.
    messages = resolve_tool_ids(request.messages, invent_ids=True)
    wire |= {"messages": [_message(message, quirks) for message in messages], "stream": True}
    if quirks.asks_usage:
        wire["stream_options"] = {"include_usage": True}
    fields = {name: quirks.fields.get(name, name) for name in request.options if name in options and name != "extra"}
    put_options(wire, request.options, fields, _FORMS)
    # A native item of this wire is a reasoning detail; whoever takes none back loses it.
    dialect = NAME if quirks.reasoning_details else ""
    unsupported = unsupported_history(
        request.messages, dialect, call_fields=quirks.call_fields, reasoning_matters=False
    )  # fmt: skip
    return Payload(with_extra(wire, request.options), unsupported)


def _tool_choice(choice: Any) -> Any:
    mode, function = choice_of(choice)
    return {"type": "function", "function": {"name": function}} if mode == "tool" else mode or choice


# What `type` is in a JSON Schema (json-schema.org/draft/2020-12/json-schema-validation, 6.1.1). The types of a
# response_format are others: OpenAI's text, json_object and json_schema, and the hosts' own, as Fireworks' grammar.
_JSON_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


def _response_format(response_format: Any) -> Any:
    if isinstance(response_format, Mapping) and response_format.get("type", "object") not in _JSON_TYPES:
        return response_format
    return {"type": "json_schema", "json_schema": json_schema(format_of(response_format))}


_FORMS: dict[str, Callable[[Any], Any]] = {
    "tools": openai_tools,
    "tool_choice": _tool_choice,
    "response_format": _response_format,
}


def _message(message: Message, quirks: Quirks) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": _role(message, quirks), **_content(message, quirks)}
    # The function's name, which a tool's result may have too, is no field of OpenAI's tool messages.
    if message.name is not None and quirks.names and message.role != "tool":
        wire["name"] = message.name
    if message.tool_calls:
        wire |= _calls(message, quirks)
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    if quirks.reasoning_details and (details := native_of(message, NAME)) is not None:
        wire["reasoning_details"] = _joined(details)
    return wire


def _role(message: Message, quirks: Quirks) -> str:
    # OpenAI's reasoning models call the system's role "developer"; most other hosts do not know that word.
    return "system" if message.role == "developer" and not quirks.developer else message.role


def _content(message: Message, quirks: Quirks) -> dict[str, Any]:
    """The field `content`; one plain text as a string, which every host takes."""
    match message.parts:
        case () | (TextPart(""),) if message.tool_calls:
            # OpenAI: "Required unless `tool_calls` … is specified". An empty text is an error to some hosts, and
            # llama-cpp-python answers 500 to null.
            return {"content": None} if quirks.null_content else {}
        case ():
            return {"content": ""}
        case (TextPart(text),):
            return {"content": text}
    return {"content": [_part(part) for part in message.parts]}


def _calls(message: Message, quirks: Quirks) -> dict[str, Any]:
    calls = [
        {
            # Google's OpenAI endpoint puts a call's signature in `extra_content`, and demands it back with the call:
            # ai.google.dev/gemini-api/docs/thought-signatures.
            **((quirks.call_fields and call.extra) or {}),
            "id": call.id,
            "type": "function",
            # The arguments are JSON text; vLLM parses it for the model's chat template, and "" is no JSON.
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for call in message.tool_calls
    ]
    # api-docs.deepseek.com/guides/thinking_mode: of answers with calls "the reasoning_content must be fully passed back
    # to the API in all subsequent requests"; without them it is ignored.
    reasoning = {"reasoning_content": message.reasoning} if quirks.reasoning_content and message.reasoning else {}
    return {"tool_calls": calls, **reasoning}


def _joined(details: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reasoning details made whole: a stream gives each in pieces that have the same type and `index`."""
    # openrouter.ai/docs/use-cases/reasoning-tokens: the sequence must go back as the model gave it, unmodified.
    whole: list[dict[str, Any]] = []
    for item in details:
        last = whole[-1] if whole else {}
        if item.get("index") is None or (last.get("type"), last.get("index")) != (item.get("type"), item["index"]):
            whole.append(item)
            continue
        for name, value in item.items():
            known = last.get(name)
            if name in ("text", "summary", "data") and isinstance(value, str) and isinstance(known, str):
                last[name] = known + value
            elif value is not None:  # a signature comes with the last piece, null with those before it
                last[name] = value
    return whole


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        # platform.openai.com/docs/guides/images-vision: `detail` is optional, and not every host has it
        image = {"url": part.url} if part.detail is None else {"url": part.url, "detail": part.detail}
        return {"type": "image_url", "image_url": image}
    if isinstance(part, FilePart):
        raise no_such_part(part, "openai", "texts and images")
    return dict(part.raw)
