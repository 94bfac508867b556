"""What several dialects and their providers share: JSON taken with care, and the common forms of what users ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import InvalidRequest, safe_repr
from ..request import Message, ToolCall


def resolve_tool_ids(messages: Iterable[Message], *, invent_ids: bool) -> list[Message]:
    """`messages` with each tool's answer told which call it answers: its `tool_call_id` and the function's `name`.

    A call is found by its id, else by its function's name, else it is the oldest one unanswered. Some wires give calls
    no id; for those that must have one `invent_ids` makes one, always the same for the same place in the conversation.
    """
    out: list[Message] = []
    asked: list[ToolCall] = []
    waiting: list[ToolCall] = []
    for message in messages:
        if message.tool_calls:
            calls = message.tool_calls
            if invent_ids:
                calls = tuple(replace(c, id=c.id or f"call_{len(out)}_{i}") for i, c in enumerate(calls))
            asked += calls
            waiting += calls
            message = replace(message, tool_calls=calls)
        elif message.role == "tool":
            call = _answered(message, asked, waiting)
            if call is not None:
                if call in waiting:
                    waiting.remove(call)
                message = replace(message, tool_call_id=message.tool_call_id or call.id, name=call.name)
        out.append(message)
    return out


def _answered(message: Message, asked: list[ToolCall], waiting: list[ToolCall]) -> ToolCall | None:
    if message.tool_call_id:
        return next((call for call in reversed(asked) if call.id == message.tool_call_id), None)
    if message.name:
        return next((call for call in waiting if call.name == message.name), None)
    return waiting[0] if waiting else None


def unsupported_history(messages: Iterable[Message], dialect: str, *, reasoning: bool = False) -> str:
    """What `dialect` cannot take of other dialects' answers among `messages`, in words; "" where nothing is lost.

    `reasoning` tells that the wire has a field for reasoning whoever wrote it.
    """
    answers = [message for message in messages if message.native or message.reasoning or message.tool_calls]
    if not answers:
        return ""
    return " and ".join(
        filter(None, [unsupported_native(answers, dialect, reasoning), unsupported_call_fields(answers)])
    )


def unsupported_call_fields(messages: Iterable[Message]) -> str:
    """The fields that tool calls among `messages` have of their own, in words; "" where there are none."""
    names = {name for message in messages for call in message.tool_calls for name in call.extra or ()}
    return f"{', '.join(sorted(names))} of tool calls" if names else ""


def unsupported_native(messages: Iterable[Message], dialect: str, reasoning: bool = False) -> str:
    """As `unsupported_history`, but for what tool calls have of their own."""
    others = {message.native.dialect for message in messages if message.native and message.native.dialect != dialect}
    if others:
        what = "signatures and encrypted parts" if reasoning else "reasoning and signatures"
        return f"the {what} of {', '.join(sorted(others))} answers"
    if not reasoning and any(message.reasoning and not message.native for message in messages):
        return "the reasoning of earlier answers"
    return ""


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """A call's arguments as the object that some wires take. Raises InvalidRequest where they are none."""
    arguments = call.parse()
    if not isinstance(arguments, dict):
        raise InvalidRequest(f"the arguments of the tool call {call.name!r} must be a JSON object on this wire")
    return arguments


def json_text(value: Any) -> str:
    """A call's arguments, which some wires give as an object, as the JSON text of a ToolCallDelta."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def function_of(tool: Any) -> Mapping[str, Any] | None:
    """The function of a tool in a common form; None for a wire's own form.

    Common are OpenAI's, {"type": "function", "function": {…}}, and the function alone: {"name": …, "parameters": …}.
    """
    match tool:
        case {"function": Mapping() as function}:
            return function
        case {"input_schema": _}:
            return None
        case {"name": str(), "type": "function"}:
            return {name: value for name, value in tool.items() if name != "type"}
        case {"name": str()} if "type" not in tool:
            return {**tool}
        case Mapping():
            return None
    raise InvalidRequest("a tool must be a mapping: {'type': 'function', 'function': {'name': …, 'parameters': …}}")


def choice_of(choice: Any) -> tuple[str, str | None]:
    """The mode ("auto", "none", "required", "tool") of a tool_choice in its common forms, and the tool's name.

    Any other str is a tool's name. The mode is "" for any other mapping: a wire's own form, to be sent as it is.
    """
    if isinstance(choice, str) and choice in ("auto", "none", "required", "any"):
        return ("required" if choice == "any" else choice), None
    if isinstance(choice, str) and choice:
        return "tool", choice
    if isinstance(choice, Mapping):
        function = choice.get("function")
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            return "tool", function["name"]
        return "", None
    raise InvalidRequest(
        "tool_choice must be 'auto', 'none', 'required', a tool's name or "
        f"{{'type': 'function', 'function': {{'name': …}}}}, not {safe_repr(choice)}"
    )


def format_of(response_format: Any) -> Mapping[str, Any] | str:
    """The JSON Schema of a response_format; "json" where any JSON will do, "text" for plain text.

    It is given in OpenAI's form, or is the schema itself.
    """
    if isinstance(response_format, Mapping):
        match response_format:
            case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
                return schema
            case {"type": "json_object"}:
                return "json"
            case {"type": "text"}:
                return "text"
            case Mapping() if _SCHEMA & response_format.keys() and response_format.get("type") != "json_schema":
                return response_format
    raise InvalidRequest(
        "response_format must be a JSON Schema, {'type': 'json_schema', 'json_schema': {'name': …, 'schema': {…}}}, "
        "{'type': 'json_object'} or {'type': 'text'}"
    )


_SCHEMA = frozenset({"properties", "items", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "$defs", "$schema"})
"""One of these a JSON Schema worth asking for has; a wire's own response_format has none."""


def json_schema(response_format: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's `json_schema` object of a response_format that `format_of` finds a schema in: name, schema, strict.

    A schema that stands alone is asked for strictly if it allows nothing beside what it names, which OpenAI's strict
    mode demands (platform.openai.com/docs/guides/structured-outputs: supported schemas).
    """
    if response_format.get("type") == "json_schema":
        return {"name": "answer", **response_format["json_schema"]}
    title = re.sub(r"[^A-Za-z0-9_-]", "_", str(response_format.get("title") or "answer"))[:64]
    strict = response_format.get("additionalProperties") is False
    return {"name": title, "schema": response_format, **({"strict": True} if strict else {})}


def stop_of(stop: Any) -> list[str]:
    """`stop`, one text or several, as a list."""
    return [stop] if isinstance(stop, str) else list_of(stop, "stop")


def mapping_of(value: Any, option: str) -> Mapping[str, Any]:
    """`value`, if it is a mapping. Raises InvalidRequest that names the option where it is none."""
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{option} must be a mapping, not {type(value).__name__}")
    return value


def list_of(value: Any, option: str) -> list[Any]:
    """`value`, if it is a list or the like. Raises InvalidRequest that names the option where it is none."""
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise InvalidRequest(f"{option} must be a list, not {type(value).__name__}")
    return list(value)


def merged(payload: dict[str, Any], extra: Any) -> dict[str, Any]:
    """`payload` with `extra` laid over it; where both hold an object under a name, its fields are laid over."""
    for name, value in mapping_of(extra, "extra").items():
        known = payload.get(name)
        payload[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, Mapping) else value
    return payload


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Those items of a JSON list that are objects; none where it is no list."""
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def object_of(value: Any) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one: a field that is null or malformed says nothing."""
    return value if isinstance(value, dict) else {}


def nonempty(value: Any) -> str | None:
    """`value` if it is a text with something in it; hosts send "" for an id or a name that they do not have."""
    return value if isinstance(value, str) and value else None


def count(value: Any) -> int | None:
    """A number of tokens; None for anything else, as for null, true or 1.5."""
    return value if type(value) is int else None
