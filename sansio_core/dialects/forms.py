"""What several wires' requests share: users' common forms of tools, choices and formats; how options enter a body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, NamedTuple

from ..errors import InvalidRequest, safe_repr, suggestion
from ..model_facts import ModelFacts
from ..parts import CacheControl, Part, kind_of
from ..tool_call import ToolCall


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
    """The arguments of `call` as a JSON object, for wires that take no text. Raises InvalidRequest if they are none.

    A custom tool's text is the field `input` of the object; of arguments that were cut, there is what came of them.
    """
    if call.custom:
        return {"input": call.arguments}
    arguments = call.partial() if is_cut(call) else call.parse()
    if not isinstance(arguments, dict):
        raise InvalidRequest(f"the arguments of the tool call {call.name!r} must be a JSON object on this wire")
    return arguments


def is_cut(call: ToolCall) -> bool:
    """Whether the arguments of `call` are the beginning of a JSON object, as of an answer that ended at max_tokens."""
    if call.custom or not call.arguments.lstrip().startswith("{"):
        return False
    try:
        json.loads(call.arguments)
    except (ValueError, RecursionError):
        return isinstance(call.partial(), dict)
    return False


def json_text(value: Any) -> str:
    """A call's arguments, which some wires give as an object, as the JSON text of a ToolCallDelta."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Function(NamedTuple):
    """A function that the model may call, in whichever vendor's form it was declared.

    `parameters`: its JSON Schema; `strict`: whether the model must keep to it; `others`: what no common form has.
    """

    name: str
    description: str | None
    parameters: Mapping[str, Any]
    strict: bool | None
    cache_control: CacheControl
    others: Mapping[str, Any]


def tools_of(tools: Any) -> list[Function | dict[str, Any]]:
    """`tools` as Functions; a vendor's own kind of tool as a mapping. Raises InvalidRequest for what is no tool."""
    found: list[Function | dict[str, Any]] = []
    for tool in list_of(tools, "tools"):
        match tool:
            # Gemini: all functions in one tool; its SDK takes the fields' names in Python's form, too
            case {"functionDeclarations": [*functions], **others} | {
                "function_declarations": [*functions],
                **others,
            } if not others:
                found += [_function(function) for function in functions]
            # OpenAI Chat Completions
            case {"function": Mapping() as function, **beside}:
                found.append(_function({**beside, **function}))
            # OpenAI Responses; Anthropic, whose other tools have a type of their own; the function alone, as
            # frameworks derive it from a Python function
            case {"name": str(), **rest} if rest.get("type", "function") == "function" or "input_schema" in rest:
                found.append(_function(tool))
            case Mapping():
                found.append(dict(tool))
            case _:
                raise InvalidRequest(f"{_TOOL}, not {safe_repr(tool)}")
    return found


_TOOL = "a tool must be a function or a mapping: {'type': 'function', 'function': {'name': …, 'parameters': …}}"
# OpenAI's, Anthropic's, Gemini's (and as its SDK writes it), the Model Context Protocol's
_SCHEMAS = ("parameters", "input_schema", "parametersJsonSchema", "parameters_json_schema", "inputSchema")


_COMMON = frozenset({"type", "name", "description", "strict", "cache_control", *_SCHEMAS})


def _function(given: Any) -> Function:
    name = nonempty(given.get("name")) if isinstance(given, Mapping) else None
    if name is None:
        raise InvalidRequest(f"{_TOOL}; one has no name")
    schema: Any = next(filter(None, map(given.get, _SCHEMAS)), {})
    if not isinstance(schema, Mapping):
        raise InvalidRequest(f"the parameters of the tool {name!r} must be a JSON Schema, not {safe_repr(schema)}")
    description, strict = given.get("description"), given.get("strict")
    if not isinstance(description, (str, NoneType)):
        raise InvalidRequest(f"the description of the tool {name!r} must be a str")
    if not isinstance(strict, (bool, NoneType)):
        raise InvalidRequest(f"the strict of the tool {name!r} must be a bool")
    others = {key: value for key, value in given.items() if key not in _COMMON and value is not None}
    return Function(name, description, schema, strict, given.get("cache_control"), others)


def function_fields(function: Function) -> dict[str, Any]:
    """OpenAI's object for a Function; one without parameters takes none (…/guides/function-calling)."""
    fields = {
        "name": function.name,
        "description": function.description,
        "parameters": function.parameters or None,
        "strict": function.strict,
    }
    return {name: value for name, value in fields.items() if value is not None}


def no_such_part(part: Part, whose: str, takes: str) -> InvalidRequest:
    """The error for a part that the wire of `whose` has no form for; `takes` says which it has."""
    return InvalidRequest(f"{whose} takes no {kind_of(part).partition(' ')[2]} in a message; it takes {takes}")


def cache_mark(mark: CacheControl) -> dict[str, Any] | None:
    """A part's or tool's `cache_control` as Anthropic's object; None where there is none."""
    if not mark:
        return None
    if mark is True:
        return {"type": "ephemeral"}
    if not isinstance(mark, Mapping) or mark.get("type") != "ephemeral" or mark.keys() - {"type", "ttl"}:
        raise InvalidRequest(
            f"cache_control must be True or {{'type': 'ephemeral', 'ttl': '5m' or '1h'}}, not {safe_repr(mark)}"
        )
    return dict(mark)


# "any" is Anthropic's, Gemini's and Mistral's word for OpenAI's "required".
_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def choice_of(choice: Any) -> tuple[str, str | None]:
    """The mode ("auto", "none", "required", "tool") of a tool_choice in any vendor's form, and the tool's name.

    Any other str is a tool's name. The mode is "" for any other mapping: a wire's own form, which no other has.
    """
    match choice:
        case str() if choice:
            return (_MODES[choice], None) if choice in _MODES else ("tool", choice)
        case {"type": str(mode), **others} if mode in _MODES and not others:  # Anthropic
            return _MODES[mode], None
        case {"function": {"name": str(name)}}:  # OpenAI Chat Completions
            return "tool", name
        case {"type": "function" | "tool", "name": str(name), **others} if not others:  # OpenAI Responses; Anthropic
            return "tool", name
        case {"functionCallingConfig": Mapping() as config, **others} if not others:
            return _gemini_choice(config)
        case Mapping():
            return "", None
    raise InvalidRequest(
        "tool_choice must be 'auto', 'none', 'required', a tool's name or "
        f"{{'type': 'function', 'function': {{'name': …}}}}, not {safe_repr(choice)}"
    )


def _gemini_choice(config: Mapping[str, Any]) -> tuple[str, str | None]:
    match config:
        case {"mode": "AUTO" | "NONE" | "ANY" as mode, **others} if not others:
            return _MODES[mode.lower()], None
        case {"mode": "ANY", "allowedFunctionNames": [str(name)], **others} if not others:
            return "tool", name
    return "", None


class Format(NamedTuple):
    """What a response_format asks for: `kind` is "text", "json" (any JSON) or "schema" (JSON that fits `schema`)."""

    kind: str
    schema: Mapping[str, Any] = {}
    name: str = "answer"
    strict: bool | None = None
    description: str | None = None


# A JSON Schema that asks for something has one of these keywords (json-schema.org/draft/2020-12/json-schema-core); the
# response_format of a host's own has none.
_SCHEMA = frozenset({"properties", "items", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "$defs", "$schema"})


def format_of(response_format: Any) -> Format:
    """What a response_format in any vendor's form asks for; a JSON Schema alone does as well."""
    match response_format:
        case None | {"type": "text"}:
            return Format("text")
        case {"type": "json_object"}:
            return Format("json")
        # OpenAI Chat Completions; beside the type, OpenAI Responses and Anthropic
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema, **fields}}:
            return _format(schema, fields)
        case {"type": "json_schema", "schema": Mapping() as schema, **fields}:
            return _format(schema, fields)
        case Mapping() if _SCHEMA & response_format.keys() and response_format.get("type") != "json_schema":
            # developers.openai.com/api/docs/guides/structured-outputs: strict mode rejects a schema without
            # `additionalProperties: false`, so only a schema that has it is asked for strictly.
            strict = True if response_format.get("additionalProperties") is False else None
            return Format("schema", response_format, _name(response_format.get("title")), strict)
    raise InvalidRequest(
        "response_format must be a class with fields, a JSON Schema, "
        "{'type': 'json_schema', 'json_schema': {'name': …, 'schema': {…}}}, "
        "{'type': 'json_object'} or {'type': 'text'}"
    )


def _format(schema: Mapping[str, Any], fields: Mapping[Any, Any]) -> Format:
    return Format("schema", schema, _name(fields.get("name")), fields.get("strict"), fields.get("description"))


def _name(name: Any) -> str:
    # platform.openai.com/docs/api-reference/chat/create, response_format: "Must be a-z, A-Z, 0-9, or contain
    # underscores and dashes, with a maximum length of 64."
    return re.sub(r"[^A-Za-z0-9_-]", "_", str(name or "answer"))[:64]


def json_schema(wanted: Format) -> dict[str, Any]:
    """OpenAI's fields for a Format with a schema."""
    given = {"strict": wanted.strict, "description": wanted.description}
    fields = {key: value for key, value in given.items() if value is not None}
    return {"name": wanted.name, "schema": wanted.schema, **fields}


def check_max_tokens(options: Mapping[str, Any], facts: ModelFacts | None) -> None:
    """Raises InvalidRequest for a `max_tokens` above what the model of `facts` can write."""
    if facts and facts.output and options.get("max_tokens", 0) > facts.output:
        raise InvalidRequest(f"{facts.name} writes at most {facts.output} tokens: max_tokens is too large")


def one_of(option: str, value: Any, words: Collection[str], whose: str) -> Any:
    """`value`, if it is one of `words`. Raises InvalidRequest, which names all of them, if it is not."""
    if value not in words:
        near = suggestion(value, words)
        raise InvalidRequest(f"{whose} has no {option} {safe_repr(value)}{near}; known are {', '.join(words)}")
    return value


def stop_of(stop: Any) -> list[str]:
    """`stop`, one text or several, as a list, for wires that do not take a single text."""
    words = [stop] if isinstance(stop, str) else list_of(stop, "stop")
    for word in words:
        if not isinstance(word, str):
            raise InvalidRequest(f"stop must be a str or a list of them; one is {safe_repr(word)}")
        if not word:
            raise InvalidRequest("stop has an empty text, at which no answer can end: leave it out")
    return words


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
    """A number of tokens; None for anything else, as for null, true, 1.5 or -1."""
    return value if type(value) is int and value >= 0 else None
