"""What is asked on the Chat Completions wire: platform.openai.com/docs/api-reference/chat/create."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...request import ChatRequest, ImagePart, Message, Native, Part, TextPart
from ..forms import Payload, choice_of, format_of, function_of, json_schema, list_of, merged
from ..history import resolve_tool_ids, unsupported_history

NAME = "openai_chat"


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where a host's wire is not OpenAI's.

    `fields`: other names for options ("a.b" is a field within an object). `asks_usage`: usage comes only when asked for
    with `stream_options`. `developer`: it has that role. `names`: messages may have a name. `reasoning_details`: it
    takes back its own, unchanged. `reasoning_content`: it wants the reasoning back with the calls that came of it.
    `null_content`: an answer without text, calls alone, must have its `content` all the same. `call_fields`: a call may
    have fields that are not OpenAI's.
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


def payload(request: ChatRequest, model: str | None, options: Iterable[str] = (), quirks: Quirks = PLAIN) -> Payload:
    """The body for `request`; of its options, those called `options`. Raises InvalidRequest for what cannot be sent."""
    wire: dict[str, Any] = {} if model is None else {"model": model}
    wire |= {"messages": messages(request.messages, quirks), "stream": True}
    if quirks.asks_usage:
        wire["stream_options"] = {"include_usage": True}
    for name, value in request.options.items():
        if name in options and name != "extra":
            put(wire, quirks.fields.get(name, name), _option(name, value))
    return Payload(merged(wire, request.options.get("extra", {})), unsupported(request.messages, quirks))


def unsupported(history: tuple[Message, ...], quirks: Quirks = PLAIN) -> list[str]:
    """What `messages` leaves out of earlier answers, in words."""
    dialect = NAME if quirks.reasoning_details else ""
    return unsupported_history(history, dialect, call_fields=quirks.call_fields, reasoning_matters=False)


def put(wire: dict[str, Any], where: str, value: Any) -> None:
    """Set the field `where`; "a.b" is the field b of the object a."""
    *objects, last = where.split(".")
    for name in objects:
        wire = wire.setdefault(name, {})
    wire[last] = value


def _option(name: str, value: Any) -> Any:
    """An option as this wire writes it: the common forms of tools, tool_choice and response_format in OpenAI's."""
    form = _FORMS.get(name)
    return value if form is None else form(value)


def _tools(tools: Any) -> list[dict[str, Any]]:
    return [tool_of(tool) for tool in list_of(tools, "tools")]


def tool_of(tool: Any) -> dict[str, Any]:
    """A tool in OpenAI's form; a host's own kinds of tools as they are."""
    function = function_of(tool)
    return dict(tool) if function is None else {"type": "function", "function": dict(function)}


def _tool_choice(choice: Any) -> Any:
    mode, function = choice_of(choice)
    return {"type": "function", "function": {"name": function}} if mode == "tool" else mode or choice


def _response_format(response_format: Any) -> Any:
    if isinstance(response_format, Mapping) and response_format.get("type", "object") not in _JSON_TYPES:
        return response_format  # OpenAI's form, or a host's own
    wanted = format_of(response_format)
    return wanted if isinstance(wanted, str) else {"type": "json_schema", "json_schema": json_schema(response_format)}


_JSON_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
"""What `type` is in a JSON Schema that stands alone."""
_FORMS = {"tools": _tools, "tool_choice": _tool_choice, "response_format": _response_format}


def messages(request_messages: tuple[Message, ...], quirks: Quirks = PLAIN) -> list[dict[str, Any]]:
    """Messages in the shape of this wire."""
    return [_message(message, quirks) for message in resolve_tool_ids(request_messages, invent_ids=True)]


def _message(message: Message, quirks: Quirks) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": "system" if message.role == "developer" and not quirks.developer else message.role}
    wire |= _content(message, quirks)
    if message.name is not None and quirks.names and message.role != "tool":
        wire["name"] = message.name
    if message.tool_calls:
        wire |= _calls(message, quirks)
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    if quirks.reasoning_details and message.native is not None and message.native.dialect == NAME:
        wire["reasoning_details"] = _details(message.native)
    return wire


def _content(message: Message, quirks: Quirks) -> dict[str, Any]:
    """The field `content`: one plain text as a string. Calls alone have none, as "" is an error to some hosts."""
    match message.parts:
        case () | (TextPart(""),) if message.tool_calls:
            # "Required unless `tool_calls` … is specified"; llama-cpp-python answers 500 to null
            return {"content": None} if quirks.null_content else {}
        case ():
            return {"content": ""}
        case (TextPart(text),):
            return {"content": text}
    return {"content": [_part(part) for part in message.parts]}


def _calls(message: Message, quirks: Quirks) -> dict[str, Any]:
    calls = [
        {
            **((quirks.call_fields and call.extra) or {}),
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for call in message.tool_calls
    ]
    reasoning = {"reasoning_content": message.reasoning} if quirks.reasoning_content and message.reasoning else {}
    return {"tool_calls": calls, **reasoning}


def _details(native: Native) -> list[dict[str, Any]]:
    """Reasoning details whole again: a stream gives each in pieces with the same `index`.

    openrouter.ai/docs/use-cases/reasoning-tokens: the sequence must be sent back as the model gave it.
    """
    whole: list[dict[str, Any]] = []
    for item in native.items:
        last = whole[-1] if whole else {}
        if item.get("index") is not None and _kind(last) == _kind(item):
            for name, value in item.items():
                known = last.get(name)
                if name in ("text", "summary", "data") and isinstance(value, str) and isinstance(known, str):
                    last[name] = known + value
                elif value is not None:
                    last[name] = value
        else:
            whole.append(dict(item))
    return whole


def _kind(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return item.get("type"), item.get("index")


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        image = {"url": part.url} if part.detail is None else {"url": part.url, "detail": part.detail}
        return {"type": "image_url", "image_url": image}
    return dict(part.raw)
