"""Tools of the Responses wire, the choice among them, and the format of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ..forms import Function, choice_of, format_of, json_schema, object_of, objects, tools_of
from ..schemas import strict_schema
from .options import NAME, Asked

# …/responses/create, tools: the kinds beside functions. A date behind one is that of its version.
_KINDS = re.compile(
    r"(apply_patch|code_interpreter|computer(_use(_preview)?)?|custom|file_search|image_generation|local_shell|mcp"
    r"|namespace|programmatic_tool_calling|shell|tool_search|web_search(_preview)?)(_\d{4}_\d\d_\d\d)?"
)
# …/responses/create, tool_choice: the kinds that can be forced. `web_search` is not among them.
_FORCED = re.compile(
    r"(apply_patch|code_interpreter|computer(_use(_preview)?)?|file_search|image_generation|mcp"
    r"|programmatic_tool_calling|shell|web_search_preview(_\d{4}_\d\d_\d\d)?)"
)
_FUNCTION_FIELDS = ("allowed_callers", "async", "defer_loading", "output_schema")


def wire_tools(tools: Any, asked: Asked) -> list[dict[str, Any]]:
    """`tools` as this wire has them."""
    return [
        _function(tool, asked) if isinstance(tool, Function) else _own(_flat(tool, "custom"), asked.at_openai)
        for tool in tools_of(tools)
    ]


def _function(function: Function, asked: Asked) -> dict[str, Any]:
    # …/guides/function-calling, strict mode: where `strict` is not given, this wire makes the schema strict (optional
    # fields become required), and Chat Completions does not. False means the same on all wires.
    parameters = function.parameters or {"type": "object", "properties": {}}
    fields = {"type": "function", "name": function.name, "strict": bool(function.strict)}
    if function.description is not None:
        fields["description"] = function.description
    fields["parameters"] = strict_schema(parameters) if function.strict else parameters
    if function.cache_control:
        asked.lose("cache_control of tools")
    for name, value in function.others.items():
        if name in _FUNCTION_FIELDS:
            fields[name] = value
        else:
            asked.lose(f"{name} of tools")
    return fields


def _own(tool: dict[str, Any], at_openai: bool) -> dict[str, Any]:
    kind = tool.get("type")
    # Other hosts have kinds of their own, such as xAI's x_search.
    if not isinstance(kind, str) or (at_openai and not _KINDS.fullmatch(kind)):
        named = safe_repr(kind or next(iter(tool), ""))
        raise InvalidRequest(f"{NAME} has no tool {named}; extra={{'tools': […]}} sends anything as it is")
    if kind != "custom" or "format" not in tool:
        return tool
    # Chat Completions has a grammar in an object of its own, and this wire beside the type.
    return {**tool, "format": _flat(object_of(tool["format"]), "grammar")}


def _flat(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Fields that stand on Chat Completions in an object with the name of their type, and here beside the type."""
    inner = fields.get(name)
    if fields.get("type") != name or not isinstance(inner, Mapping):
        return dict(fields)
    return {**{key: value for key, value in fields.items() if key != name}, **inner}


def wire_choice(choice: Any, tools: list[dict[str, Any]], at_openai: bool) -> Any:
    """A tool_choice as this wire has it. Raises InvalidRequest for one that it does not have."""
    mode, name = choice_of(choice)
    if mode == "tool":
        custom = {"type": "custom", "name": name}
        return custom if any(custom.items() <= tool.items() for tool in tools) else {**custom, "type": "function"}
    if mode:
        return mode
    own = _flat(_flat(choice, "allowed_tools"), "custom")
    match own:
        case {"type": "allowed_tools", "mode": "auto" | "required", "tools": [*_]}:
            return {**own, "tools": [_flat(tool, "function") for tool in objects(own["tools"])]}
        case {"type": "custom", "name": str()}:
            return own
        case {"type": str(kind)} if not at_openai or _FORCED.fullmatch(kind):
            return own
    raise InvalidRequest(
        f"{NAME} has no tool_choice {safe_repr(choice)}: it takes 'auto', 'none', 'required', a tool's name, and the "
        "forms of OpenAI's wires; extra={'tool_choice': …} sends anything as it is"
    )


def wire_format(response_format: Any) -> dict[str, Any]:
    """A response_format as the value of `text.format`."""
    wanted = format_of(response_format)
    if wanted.kind != "schema":
        return {"type": "json_object" if wanted.kind == "json" else "text"}
    if wanted.strict:
        wanted = wanted._replace(schema=strict_schema(wanted.schema))
    # …/guides/migrate-to-responses: name, schema and strict stand beside the type
    return {"type": "json_schema", **json_schema(wanted)}
