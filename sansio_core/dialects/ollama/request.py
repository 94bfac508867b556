"""Requests of Ollama's own wire: docs.ollama.com/api/chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeGuard

from ...errors import InvalidRequest, safe_repr
from ...model_facts import facts_of
from ...parts import FilePart, ImagePart, Part, text_of
from ...request import ChatRequest, Message
from ...tool_call import ToolCall
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
from ..history import native_of, resolve_tool_ids, unsupported_details, unsupported_fields, unsupported_history
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
    options, facts = request.options, facts_of(NAME, model)
    given = [_in_common_form(message) for message in request.messages]
    # Calls need no id on this wire: a result names the function in `tool_name`.
    messages = [_message(message) for message in resolve_tool_ids(given, invent_ids=False)]
    wire: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    check_max_tokens(options, facts)
    put_options(wire, options, _FIELDS, _FORMS)
    if "top_logprobs" in options:  # docs.ollama.com/api/chat: how many of them, where there are any
        wire.setdefault("logprobs", True)
    unsupported = unsupported_history(given, NAME, reasoning=True) + unsupported_fields(given, cut=False)
    unsupported += unsupported_details(given)
    if "tools" in options:
        wire["tools"], lost = _tools(options["tools"])
        unsupported += lost
    if "reasoning_effort" in options:
        wire["think"] = _think(options["reasoning_effort"], facts.efforts if facts else (), model or NAME)
    unsupported += _put_format(wire, options.get("response_format"))
    return Payload(with_extra(wire, options), unsupported)


def _put_format(wire: dict[str, Any], response_format: Any) -> list[str]:
    wanted = format_of(response_format)
    if wanted.kind != "text":  # docs.ollama.com/capabilities/structured-outputs: "json", or a JSON Schema
        wire["format"] = wanted.schema or "json"
    return ["the description of response_format"] if wanted.description else []


def _think(effort: Any, efforts: tuple[str, ...], whose: str) -> bool | str:
    # docs.ollama.com/capabilities/thinking: most models that think take true and false alone, so that a plain True
    # names no level; gpt-oss takes levels alone.
    if isinstance(effort, bool) and not efforts:
        return effort
    word = word_of(effort, efforts or _LEVELS, whose)
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
        # github.com/ollama/ollama api/types.go, ToolFunction: a name, a description and parameters
        wire.append({"type": "function", "function": function_fields(tool._replace(strict=None))})
        more = {"strict": tool.strict, "cache_control": tool.cache_control, **tool.others}
        lost |= {f"{name} of tools": None for name, value in more.items() if value}
    return wire, list(lost)


def _in_common_form(message: Message) -> Message:
    """`message` with Ollama's own fields, as histories of its SDK have them, where all wires have them."""
    if _OWN.isdisjoint(message.extra):
        return message
    extra = dict(message.extra)
    images, thinking, tool_name = extra.pop("images", []), _text(extra, "thinking"), _text(extra, "tool_name")
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise InvalidRequest("a message's images must be a list of base64 texts")
    return replace(
        message,
        # the wire has no types of images
        parts=(*message.parts, *(ImagePart(f"data:image/png;base64,{image}") for image in images)),
        name=message.name or tool_name or None,
        reasoning=message.reasoning or thinking,
        extra=extra,
    )


def _text(extra: dict[str, Any], name: str) -> str:
    text = extra.pop(name, "")
    if not isinstance(text, str):
        raise InvalidRequest(f"a message's {name} must be a str, not {safe_repr(text)}")
    return text


def _message(message: Message) -> dict[str, Any]:
    text, images = _content(message)
    for item in native_of(message, NAME) or ():  # images that a model made
        images += item.get("images", ())
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
    return {"content": text} | {name: value for name, value in wire.items() if value}


def _content(message: Message) -> tuple[str, list[str]]:
    """docs.ollama.com/api/chat: `content` is a text; images stand beside it, without their places in it."""
    texts: list[Part] = []
    images: list[str] = []
    for part in message.parts:
        if _is_image(part):
            images.append(_base64(part))
        elif text_of(part) is None:
            raise no_such_part(part, NAME, "texts, files of text, and images as data")
        else:
            texts.append(part)
    return (replace(message, parts=tuple(texts)) if images else message).text, images


def _call(call: ToolCall) -> dict[str, Any]:
    # github.com/ollama/ollama/blob/main/api/types.go: the arguments are an object, not the text of one as with OpenAI
    named = {"function": {"name": call.name, "arguments": arguments_of(call)}}
    return {"id": call.id, **named} if call.id else named


def _is_image(part: Part) -> TypeGuard[ImagePart | FilePart]:
    return isinstance(part, ImagePart) or (isinstance(part, FilePart) and (part.known_type or "").startswith("image/"))


def _base64(image: ImagePart | FilePart) -> str:
    # docs.ollama.com/capabilities/vision: base64 without the head of a data URL; the server fetches no links
    if (data := image.data) is None:
        raise InvalidRequest("ollama takes an image's data only: give a data: URL or its bytes, not a link")
    return data[1]
