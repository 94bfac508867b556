"""Requests of Anthropic's Messages wire: platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ...errors import InvalidRequest
from ...parts import FilePart, ImagePart, Part, TextPart
from ...request import ChatRequest, Message, as_mapping
from ..forms import (
    Function,
    Payload,
    arguments_of,
    choice_of,
    format_of,
    no_such_part,
    put,
    put_options,
    stop_of,
    tools_of,
    with_extra,
)
from ..history import native_of, resolve_tool_ids, system_and_turns, unsupported_history

NAME = "anthropic"
# Option -> field of the body. `metadata` stands before its field user_id, so that both are sent.
_FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "service_tier": "service_tier",
    "stop": "stop_sequences",
    "tools": "tools",
    "metadata": "metadata",
    "user": "metadata.user_id",  # "An external identifier for the user who is associated with the request"
}
# The options that this wire has a field for.
OPTIONS = frozenset(
    {*_FIELDS, "reasoning_effort", "tool_choice", "parallel_tool_calls", "response_format", "extra"}
)  # fmt: skip
# The wire demands `max_tokens`. Where the caller gives none, this is sent: it is what every model sold today can write
# (platform.claude.com/docs/en/about-claude/models/overview), and the smaller models answer 400 to a larger number.
MAX_TOKENS = 8192


def payload(request: ChatRequest, model: str | None) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent."""
    options = request.options
    system, turns = system_and_turns(resolve_tool_ids(request.messages, invent_ids=True))
    wire: dict[str, Any] = {"model": model, "max_tokens": MAX_TOKENS, "stream": True, "messages": _turns(turns)}
    # The wire has no role "system": the prompt is a field of its own.
    if prompt := [block for message in system for block in _content(message)]:
        wire["system"] = _short(prompt)
    put_options(wire, options, _FIELDS, _FORMS)
    if "reasoning_effort" in options:
        _put_effort(wire, options["reasoning_effort"], limited="max_tokens" in options)
    if "tool_choice" in options or "parallel_tool_calls" in options:
        wire["tool_choice"] = _tool_choice(options)
    unsupported = unsupported_history(request.messages, NAME)
    wanted = format_of(options.get("response_format"))
    if wanted.kind == "schema":  # platform.claude.com/docs/en/build-with-claude/structured-outputs
        put(wire, "output_config.format", {"type": "json_schema", "schema": wanted.schema})
    elif wanted.kind == "json":  # this wire has no JSON mode without a schema
        unsupported.append("response_format json_object (give a JSON Schema)")
    return Payload(with_extra(wire, options), unsupported)


def _put_effort(wire: dict[str, Any], effort: Any, *, limited: bool) -> None:
    """Put `reasoning_effort` into `wire`; `limited`: the caller gave max_tokens."""
    if effort == "none":
        wire["thinking"] = {"type": "disabled"}
    elif type(effort) is int:
        # platform.claude.com/docs/en/build-with-claude/extended-thinking: budget_tokens must be less than max_tokens,
        # which it is a part of. Our default is for the answer alone, so the budget is added to it.
        wire["thinking"] = {"type": "enabled", "budget_tokens": effort}
        wire["max_tokens"] += 0 if limited else effort
    else:
        # platform.claude.com/docs/en/build-with-claude/effort: it works with thinking and without. "minimal" is
        # OpenAI's word; the least here is "low".
        wire["output_config"] = {"effort": "low" if effort == "minimal" else effort}


def _tools(tools: Any) -> list[dict[str, Any]]:
    # A mapping is the wire's own form, as of a server tool: platform.claude.com/docs/en/agents-and-tools
    return [_function(tool) if isinstance(tool, Function) else tool for tool in tools_of(tools)]


def _function(function: Function) -> dict[str, Any]:
    # platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools: input_schema is required, also of a function
    # without parameters, and must be of the type object.
    wire: dict[str, Any] = {"name": function.name, "input_schema": function.parameters or {"type": "object"}}
    wire |= {"description": function.description} if function.description else {}
    return wire | ({"strict": True} if function.strict else {}) | dict(function.others)


_FORMS: dict[str, Callable[[Any], Any]] = {
    "stop": stop_of,
    "tools": _tools,
    "metadata": partial(as_mapping, "metadata"),  # a copy, as user_id may be added to it
}


def _tool_choice(options: Mapping[str, Any]) -> dict[str, Any]:
    # platform.claude.com/docs/en/agents-and-tools/tool-use/parallel-tool-use: the flag is a field of tool_choice, so
    # that parallel_tool_calls alone needs a tool_choice too, "auto", which is the default.
    mode, name = choice_of(options.get("tool_choice", "auto"))
    choice: dict[str, Any]
    if not mode:
        choice = dict(options["tool_choice"])
    elif mode == "tool":
        choice = {"type": "tool", "name": name}
    else:
        choice = {"type": "any" if mode == "required" else mode}
    if options.get("parallel_tool_calls") is False and mode != "none":  # "none" has no such field
        choice["disable_parallel_tool_use"] = True
    return choice


def _turns(turns: list[list[Message]]) -> list[dict[str, Any]]:
    wire = [_turn(turn) for turn in turns]
    # "all messages must have non-empty content except for the optional final assistant message"
    return [turn for turn in wire if turn["content"]]


def _turn(turn: list[Message]) -> dict[str, Any]:
    message = turn[0]
    if message.role == "tool":  # tool results are content of the user's: …/tool-use/handle-tool-calls
        return {"role": "user", "content": [_result(result) for result in turn]}
    content = _assistant(message) if message.role == "assistant" else _content(message)
    return {"role": message.role, "content": _short(content)}


def _short(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Content of one plain text as a string, which the API has as a shorthand for one block of the type text."""
    match content:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
    return content


def _assistant(message: Message) -> list[dict[str, Any]]:
    # platform.claude.com/docs/en/build-with-claude/extended-thinking: "pass the thinking blocks back … complete,
    # unmodified", as their signature is checked.
    if (blocks := native_of(message, NAME)) is not None:
        return blocks
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
    # "text content blocks must be non-empty" is the API's answer to an empty text.
    return [_part(part) for part in message.parts if part != TextPart("")]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):  # platform.claude.com/docs/en/build-with-claude/vision
        if part.data is None:
            return {"type": "image", "source": {"type": "url", "url": part.url}}
        media_type, data = part.data
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
    if isinstance(part, FilePart):
        raise no_such_part(part, "anthropic", "texts and images")
    return dict(part.raw)
