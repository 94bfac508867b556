"""What several wires' requests share: users' common forms of tools, choices and formats; how options enter a body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import InvalidRequest, safe_repr
from ..request import ToolCall


class Payload(NamedTuple):
    """A request's body as a JSON object; `unsupported` says in words what of the request the wire has no field for."""

    fields: dict[str, Any]
    unsupported: list[str]


# --- options into a body ---------------------------------------------------------------------------------------------


def put(wire: dict[str, Any], where: str, value: Any) -> None:
    """Set the field `where` of the body `wire`; "a.b" is the field b of the object a."""
    *objects, last = where.split(".")
    for name in objects:
        wire = wire.setdefault(name, {})
    wire[last] = value


def put_options(
    wire: dict[str, Any],
    options: Mapping[str, Any],
    fields: Mapping[str, str],
    forms: Mapping[str, Callable[[Any], Any]],
) -> None:
    """Put those of `options` that `fields` has a row for where the row says, in the wire's form where `forms` has one.

    The order is that of the rows, so that a row "a.b" may add to the object that a row "a" before it put.
    """
    for name, where in fields.items():
        if name in options:
            form = forms.get(name)
            put(wire, where, options[name] if form is None else form(options[name]))


def with_extra(wire: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """`wire` with the option `extra` laid over it; where both hold an object under a name, their fields are merged."""
    # One level deep: so extra={"generationConfig": {…}} adds to the sampling options instead of erasing them.
    for name, value in options.get("extra", {}).items():
        known = wire.get(name)
        wire[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, Mapping) else value
    return wire


# --- users' forms ----------------------------------------------------------------------------------------------------


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments of `call` as a JSON object, for wires that take no text. Raises InvalidRequest if they are none."""
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
    """The function that `tool` declares in a common form; None for a tool in a wire's own form.

    Raises InvalidRequest for what is no mapping.
    """
    match tool:
        # OpenAI Chat Completions: {"type": "function", "function": {…}}
        case {"function": Mapping() as function}:
            return function
        # Anthropic's own form; its server tools have a `type` beside the name
        case {"input_schema": _}:
            return None
        # OpenAI Responses: the function's fields beside the type
        case {"name": str(), "type": "function"}:
            return {name: value for name, value in tool.items() if name != "type"}
        # the function alone, as frameworks derive it from a Python function
        case {"name": str()} if "type" not in tool:
            return {**tool}
        case Mapping():
            return None
    raise InvalidRequest("a tool must be a mapping: {'type': 'function', 'function': {'name': …, 'parameters': …}}")


def openai_tools(tools: Any) -> list[dict[str, Any]]:
    """`tools` in OpenAI's form, which Ollama's wire shares; a host's own kinds of tools as they are."""
    functions = [(tool, function_of(tool)) for tool in list_of(tools, "tools")]
    return [
        dict(tool) if function is None else {"type": "function", "function": dict(function)}
        for tool, function in functions
    ]


def choice_of(choice: Any) -> tuple[str, str | None]:
    """The mode ("auto", "none", "required", "tool") of a tool_choice in its common forms, and the tool's name.

    Any other str is a tool's name. The mode is "" for any other mapping: a wire's own form, to be sent as it is.
    """
    # "any" is Anthropic's and Mistral's word for OpenAI's "required".
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


# A JSON Schema that asks for something has one of these keywords (json-schema.org/draft/2020-12/json-schema-core); the
# response_format of a host's own has none.
_SCHEMA = frozenset({"properties", "items", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "$defs", "$schema"})


def format_of(response_format: Any) -> Mapping[str, Any] | str:
    """The JSON Schema that a response_format holds, or is; "json" where any JSON will do; "text" for text or None."""
    match response_format:
        case None | {"type": "text"}:
            return "text"
        case {"type": "json_object"}:
            return "json"
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
            return schema
        case Mapping() if _SCHEMA & response_format.keys() and response_format.get("type") != "json_schema":
            return response_format
    raise InvalidRequest(
        "response_format must be a JSON Schema, {'type': 'json_schema', 'json_schema': {'name': …, 'schema': {…}}}, "
        "{'type': 'json_object'} or {'type': 'text'}"
    )


def json_schema(response_format: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's fields (name, schema, strict) for a response_format in which `format_of` finds a schema."""
    if response_format.get("type") == "json_schema":
        return {"name": "answer", **response_format["json_schema"]}
    # platform.openai.com/docs/api-reference/chat/create, response_format: "Must be a-z, A-Z, 0-9, or contain
    # underscores and dashes, with a maximum length of 64."
    title = re.sub(r"[^A-Za-z0-9_-]", "_", str(response_format.get("title") or "answer"))[:64]
    # platform.openai.com/docs/guides/structured-outputs, supported schemas: strict mode rejects a schema without
    # `additionalProperties: false`, so only a schema that has it is asked for strictly.
    strict = response_format.get("additionalProperties") is False
    return {"name": title, "schema": response_format, **({"strict": True} if strict else {})}


def stop_of(stop: Any) -> list[str]:
    """`stop`, one text or several, as a list, for wires that do not take a single text."""
    return [stop] if isinstance(stop, str) else list_of(stop, "stop")


def list_of(value: Any, option: str) -> list[Any]:
    """`value` as a list. Raises InvalidRequest that names `option` for what is no list, tuple or other iterable."""
    # A str, bytes or a mapping can be iterated as well, but a list of its characters or keys is never what was meant.
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise InvalidRequest(f"{option} must be a list, not {type(value).__name__}")
    return list(value)


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
