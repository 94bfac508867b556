"""Tools, and the forms that an answer may be bound to: developers.openai.com/api/docs/guides/function-calling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ..forms import Function, choice_of, format_of, function_fields, json_schema, tools_of
from ..schemas import strict_schema
from .quirks import Target

FORCED = ("required",)
"""The words of a tool_choice that force a call."""


def tool_forms(tools: Any, target: Target) -> tuple[list[dict[str, Any]], list[str]]:
    """`tools` in the wire's form, and in words what of them it has no field for."""
    lost: dict[str, None] = {}
    wire: list[dict[str, Any]] = []
    for tool in tools_of(tools):
        if isinstance(tool, Function):
            fields = ["cache_control"] if tool.cache_control else []
            lost |= {f"{name} of tools": None for name in (*fields, *tool.others)}
            wire.append({"type": "function", "function": _function(tool)})
        else:
            wire.append(_other(tool, target))
    return wire, list(lost)


def _function(function: Function) -> dict[str, Any]:
    if function.strict:
        # …/guides/structured-outputs: strict mode takes a schema of closed objects alone
        schema = function.parameters or {"type": "object", "properties": {}}
        function = function._replace(parameters=strict_schema(schema))
    return function_fields(function)


def _other(tool: dict[str, Any], target: Target) -> dict[str, Any]:
    """A tool that is no function: a custom one, or one of the host's own."""
    match tool:
        case {"type": "custom", "custom": Mapping()}:
            return tool
        case {"type": "custom", "name": str(name), **fields}:  # of the Responses endpoint
            known = {key: value for key, value in fields.items() if key in ("description", "format")}
            match known.get("format"):
                case {"type": "grammar", **grammar}:
                    known["format"] = {"type": "grammar", "grammar": grammar.get("grammar", grammar)}
            return {"type": "custom", "custom": {"name": name, **known}}
        case {"type": str()} if not target.quirks.strict:
            return tool
    kind = tool.get("type") or ", ".join(map(str, tool))
    hint = "; the provider 'openai_responses' has others" if target.quirks.strict else ""
    raise InvalidRequest(
        f"{target.host} has no tool of the kind {safe_repr(kind)}: on this endpoint tools are functions"
        f"{' and custom tools' if target.quirks.strict else ''}{hint} (extra={{'tools': […]}} sends anything as it is)"
    )


def choice_form(choice: Any, tools: Iterable[Mapping[str, Any]], target: Target) -> Any:
    """A tool_choice in the wire's form; `tools` are those of the request, in that form."""
    mode, name = choice_of(choice)
    if mode == "tool" and not target.quirks.forces_one:
        if [tool.get("function", {}).get("name") for tool in tools] != [name]:
            raise InvalidRequest(f"{target.host} forces no certain tool: give only that one, or tool_choice='required'")
        return "required"
    if mode == "tool":
        custom = any(tool["custom"].get("name") == name for tool in tools if tool.get("type") == "custom")
        kind = "custom" if custom else "function"
        return {"type": kind, kind: {"name": name}}
    if mode:
        return mode
    match choice:
        case {"type": "custom", "custom": {"name": str(name)}} | {"type": "custom", "name": str(name)}:
            return {"type": "custom", "custom": {"name": name}}
        case {"type": "allowed_tools", "allowed_tools": Mapping()}:
            return choice
        case {"type": "allowed_tools", "mode": str(allowed), "tools": [*named]}:  # of the Responses endpoint
            return {"type": "allowed_tools", "allowed_tools": {"mode": allowed, "tools": list(map(_named, named))}}
        case {"type": str()} if not target.quirks.strict:
            return choice
    raise InvalidRequest(
        f"{target.host} has no such tool_choice: it takes 'auto', 'none', 'required', a tool's name, "
        "{'type': 'function', 'function': {'name': …}} and {'type': 'allowed_tools', …}"
    )


def _named(tool: Any) -> Any:
    match tool:
        case {"type": "function" | "custom" as kind, "name": str(name)}:
            return {"type": kind, kind: {"name": name}}
    return tool


# What `type` is in a JSON Schema (json-schema.org/draft/2020-12/json-schema-validation, 6.1.1). The types of a
# response_format are others: OpenAI's own, and the hosts', as Fireworks' grammar.
_JSON_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_FORMATS = ("text", "json_object", "json_schema")


def format_form(response_format: Any, target: Target) -> Any:
    """A response_format in the wire's form."""
    if isinstance(response_format, Mapping) and not target.quirks.strict:
        kind = response_format.get("type", "object")
        if isinstance(kind, str) and kind not in _JSON_TYPES + _FORMATS:
            return response_format
    wanted = format_of(response_format)
    if wanted.kind != "schema":
        return {"type": "json_object" if wanted.kind == "json" else "text"}
    if not target.quirks.schemas or not target.takes("schemas"):
        who = target.model if target.quirks.schemas else target.host
        raise InvalidRequest(
            f"{who} takes no JSON Schema as response_format: take {{'type': 'json_object'}} or {{'type': 'text'}}, and "
            "describe the fields in a message"
        )
    if wanted.strict:
        wanted = wanted._replace(schema=strict_schema(wanted.schema))
    return {"type": "json_schema", "json_schema": json_schema(wanted)}
