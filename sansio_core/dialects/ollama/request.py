"""Requests of Ollama's own wire: docs.ollama.com/api/chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...model_facts import facts_of
from ...parts import FilePart, ImagePart, Part, text_of
from ...request import ChatRequest, Message, ToolCall
from ..forms import (
    Function,
    Payload,
    arguments_of,
    check_max_tokens,
    format_of,
    function_fields,
    no_such_part,
    put_options,
    stop_of,
    tools_of,
    with_extra,
)
from ..history import native_of, resolve_tool_ids, unsupported_fields, unsupported_history
from ..reasoning import word_of

NAME = "ollama"
# Option -> field of the body. The parameters of docs.ollama.com/modelfile#parameter stand in the object `options`; the
# server ignores one of them that stands beside it.
_FIELDS = {
    "temperature": "options.temperature",
    "top_p": "options.top_p",
    "top_k": "options.top_k",
    "min_p": "options.min_p",
    "seed": "options.seed",
    "max_tokens": "options.num_predict",
    "stop": "options.stop",
    "presence_penalty": "options.presence_penalty",
    "frequency_penalty": "options.frequency_penalty",
    "repetition_penalty": "options.repeat_penalty",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
}
# The options that this wire has a field for; it has none for tool_choice.
OPTIONS = frozenset({*_FIELDS, "tools", "reasoning_effort", "response_format", "extra"})
_FORMS: dict[str, Callable[[Any], Any]] = {"stop": stop_of}
# docs.ollama.com/capabilities/thinking: true, false or a level; github.com/ollama/ollama/issues/18091: "max" is the
# highest of models that have more than three.
_LEVELS = ("none", "low", "medium", "high", "max")
# A message's fields in Ollama's own form, beside those that all forms share: github.com/ollama/ollama api/types.go
_OWN = frozenset({"thinking", "images", "tool_name"})


def payload(request: ChatRequest, model: str | None) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent."""
    options = request.options
    given = [_in_common_form(message) for message in request.messages]
    # Calls need no id on this wire: a result names the function in `tool_name`.
    messages = [_message(message) for message in resolve_tool_ids(given, invent_ids=False)]
    wire: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    check_max_tokens(options, facts_of(NAME, model))
    put_options(wire, options, _FIELDS, _FORMS)
    unsupported = unsupported_history(given, NAME, reasoning=True) + unsupported_fields(given, cut=False)
    if any(isinstance(part, ImagePart) and part.detail for message in given for part in message.parts):
        unsupported.append("detail of images")
    if "tools" in options:
        wire["tools"], lost = _tools(options["tools"])
        unsupported += lost
    if "reasoning_effort" in options:
        wire["think"] = _think(options["reasoning_effort"], model)
    wanted = format_of(options.get("response_format"))
    if wanted.kind != "text":  # docs.ollama.com/capabilities/structured-outputs: "json", or a JSON Schema
        wire["format"] = wanted.schema or "json"
    if wanted.description:
        unsupported.append("the description of response_format")
    return Payload(with_extra(wire, options), unsupported)


def _think(effort: Any, model: str | None) -> bool | str:
    facts = facts_of(NAME, model)
    # docs.ollama.com/capabilities/thinking: most models that think take true and false alone, so that a plain True
    # names no level; gpt-oss takes levels alone.
    if isinstance(effort, bool) and not (facts and facts.efforts):
        return effort
    word = word_of(effort, facts.efforts if facts and facts.efforts else _LEVELS, model or NAME)
    return False if word == "none" else word


def _tools(tools: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """`tools` as functions, the one kind that the wire has; and in words, what of them it has no field for."""
    wire: list[dict[str, Any]] = []
    lost: dict[str, None] = {}
    for tool in tools_of(tools):
        if not isinstance(tool, Function):
            kind = tool.get("type") or next(iter(tool), "")
            raise InvalidRequest(
                f"ollama has no tool of the kind {safe_repr(kind)}: it takes functions; extra={{'tools': […]}} is sent "
                "as it is"
            )
        fields = function_fields(tool)
        # github.com/ollama/ollama api/types.go, ToolFunction: a name, a description and parameters
        more = {"strict": fields.pop("strict", None), "cache_control": tool.cache_control, **tool.others}
        lost |= {f"{name} of tools": None for name, value in more.items() if value}
        wire.append({"type": "function", "function": fields})
    return wire, list(lost)


def _in_common_form(message: Message) -> Message:
    """`message` with Ollama's own fields, as histories of its SDK have them, where all wires have them."""
    own = {name: value for name, value in message.extra.items() if name in _OWN}
    if not own:
        return message
    images = own.get("images", [])
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise InvalidRequest("a message's images must be a list of base64 texts")
    for name in ("thinking", "tool_name"):
        if not isinstance(own.get(name, ""), str):
            raise InvalidRequest(f"a message's {name} must be a str, not {safe_repr(own[name])}")
    return replace(
        message,
        # the wire has no types of images
        parts=(*message.parts, *(ImagePart(f"data:image/png;base64,{image}") for image in images)),
        name=message.name or own.get("tool_name"),
        reasoning=message.reasoning or own.get("thinking", ""),
        extra={name: value for name, value in message.extra.items() if name not in _OWN},
    )


def _message(message: Message) -> dict[str, Any]:
    # docs.ollama.com/api/chat: `content` is a text; images stand beside it, without their places in it.
    images = [image for part in message.parts if (image := _image(part)) is not None]
    for item in native_of(message, NAME) or ():  # images that a model made
        images += item.get("images", ())
    texts = replace(message, parts=tuple(part for part in message.parts if not _is_image(part)))
    for part in texts.parts:
        if text_of(part) is None:
            raise no_such_part(part, NAME, "texts, files of text, and images as data")
    wire: dict[str, Any] = {
        # the roles are "system", "user", "assistant" and "tool"
        "role": "system" if message.role == "developer" else message.role,
        "images": images,
        # docs.ollama.com/capabilities/streaming: "the thinking, the tool call and the result must be passed back"
        "thinking": message.reasoning,
        "tool_calls": [_call(call) for call in message.tool_calls],
    }
    if message.role == "tool":
        wire |= {"tool_name": message.name, "tool_call_id": message.tool_call_id}
    return {"content": texts.text} | {name: value for name, value in wire.items() if value}


def _call(call: ToolCall) -> dict[str, Any]:
    # github.com/ollama/ollama/blob/main/api/types.go: the arguments are an object, not the text of one as with OpenAI
    named = {"function": {"name": call.name, "arguments": arguments_of(call)}}
    return {"id": call.id, **named} if call.id else named


def _is_image(part: Part) -> bool:
    return isinstance(part, ImagePart) or (isinstance(part, FilePart) and (part.known_type or "").startswith("image/"))


def _image(part: Part) -> str | None:
    """The base64 text of an image; None for another part."""
    if not isinstance(part, (ImagePart, FilePart)) or not _is_image(part):
        return None
    # docs.ollama.com/capabilities/vision: base64 without the head of a data URL; the server fetches no links
    data = part.data
    if data is None:
        raise InvalidRequest("ollama takes an image's data only: give a data: URL or its bytes, not a link")
    return data[1]
