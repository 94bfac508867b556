"""Tools, and the forms that an answer may be bound to: developers.openai.com/api/docs/guides/function-calling."""

from __future__ import annotations

import re
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ..forms import Function, choice_of, format_of, function_fields, json_schema, tools_of
from ..schemas import strict_schema
from .quirks import Target

Tools = list[dict[str, Any]]

# Tools that no host of this wire has: custom ones, and Anthropic's ("ToolUnion" of platform.claude.com/docs/en/api)
_FOREIGN = re.compile(r"custom|[a-z_]+_20\d{6}|tool_search_tool_(bm25|regex)|mcp_toolset")
# Choices, which OpenAI has as texts: Anthropic's have fields beside the type, as `disable_parallel_tool_use`
_ANTHROPICS = ("auto", "any", "none", "tool", "custom")


def put_tools(options: dict[str, Any], reasons: bool | None, target: Target) -> None:
    """Put the tools and the choice among them into the wire's forms; `reasons` says whether the model does."""
    tools = [_tool(tool, target) for tool in tools_of(options.pop("tools", ()))]
    if tools:  # an empty list is "too short" to OpenAI
        options["tools"] = tools
    if any(tool.get("type") == "function" for tool in tools):
        _check_functions(reasons, target)
    if "tool_choice" in options:
        options["tool_choice"] = choice = _choice(options["tool_choice"], tools, target)
        if target.quirks.thinks and reasons and _forces(choice):
            # of a forced tool: "Thinking mode does not support this tool_choice"
            raise InvalidRequest(f"{target.host} forces no tool while its model thinks: add reasoning_effort='none'")


def _check_functions(reasons: bool | None, target: Target) -> None:
    # "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions. To use function
    # tools, use /v1/responses or set reasoning_effort to 'none'."
    if target.takes("chat tools"):
        return
    what = f"{target.model} calls no functions on this endpoint"
    if not target.takes("chat tools at none"):
        raise InvalidRequest(f"{what}: use the provider 'openai_responses'")
    if reasons:
        raise InvalidRequest(
            f"{what} while it reasons: use the provider 'openai_responses', or reasoning_effort='none'"
        )


def _tool(tool: Function | dict[str, Any], target: Target) -> dict[str, Any]:
    if not isinstance(tool, Function):
        return _other(tool, target)
    others = ["cache_control", *tool.others] if tool.cache_control else tool.others
    target.lose(*(f"{name} of tools" for name in others))
    if tool.strict and target.strict_schemas:
        tool = tool._replace(parameters=strict_schema(tool.parameters or {"type": "object", "properties": {}}))
    return {"type": "function", "function": function_fields(tool)}


def _other(tool: dict[str, Any], target: Target) -> dict[str, Any]:
    """A tool that is no function: a custom one, or one of the host's own."""
    match _nested(tool, "custom"):
        case {"type": "custom", "custom": {"name": str(name), **fields}} if target.customs:
            known = {key: _nested(fields.pop(key), "grammar") for key in ("description", "format") if key in fields}
            target.lose(*(f"{key} of tools" for key in fields))
            return {"type": "custom", "custom": {"name": name, **known}}
        case {"type": str(kind)} if not target.quirks.strict and not _FOREIGN.fullmatch(kind):
            return tool
    kind = tool.get("type") or ", ".join(map(str, tool))
    others = " and custom tools; the provider 'openai_responses' has others" if target.quirks.strict else ""
    raise InvalidRequest(
        f"{target.host} has no tool of the kind {safe_repr(kind)}: on this endpoint tools are functions{others} "
        "(extra={'tools': […]} sends anything as it is)"
    )


def _nested(given: Any, *kinds: str) -> Any:
    """What stands beside its type on the Responses wire, and here in an object with the name of that."""
    match given:
        case {"type": str(kind), **fields} if kind in kinds and kind not in fields:
            return {"type": kind, kind: fields}
    return given


def _choice(given: Any, tools: Tools, target: Target) -> Any:
    """A tool_choice in the wire's form; `tools` are those of the request, in that form."""
    mode, name = choice_of(given)
    if mode == "tool":
        return _forced(name, tools, target)
    if mode:
        return mode
    match _nested(given, "custom", "allowed_tools"):
        case {"type": "custom", "custom": {"name": str(name)}} if target.customs:
            return {"type": "custom", "custom": {"name": name}}
        case {"type": "allowed_tools", "allowed_tools": {"mode": str(mode), "tools": [*tools]}}:
            named = [_nested(tool, "function", "custom") for tool in tools]
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": named}}
        case {"type": str(kind)} if not target.quirks.strict and kind not in _ANTHROPICS:
            return given
    raise InvalidRequest(
        f"{target.host} has no such tool_choice: it takes 'auto', 'none', 'required', a tool's name, "
        "{'type': 'function', 'function': {'name': …}} and {'type': 'allowed_tools', …}"
    )


def _forces(choice: Any) -> bool:
    match choice:
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode}}:
            return bool(mode == "required")
    return choice == "required" or isinstance(choice, dict)


def _forced(name: str | None, tools: Tools, target: Target) -> Any:
    if not target.quirks.forces_one:
        if [tool.get("function", {}).get("name") for tool in tools] != [name]:
            raise InvalidRequest(f"{target.host} forces no certain tool: give only that one, or tool_choice='required'")
        return "required"
    custom = any(tool["custom"].get("name") == name for tool in tools if tool.get("type") == "custom")
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": name}}


# What `type` is in a JSON Schema (json-schema.org/draft/2020-12/json-schema-validation, 6.1.1) and in OpenAI's formats.
# The types of the hosts' own formats are others, as Fireworks' grammar.
_TYPES = (
    "object", "array", "string", "number", "integer", "boolean", "null", "text", "json_object", "json_schema",
)  # fmt: skip


def wire_format(response_format: Any, target: Target) -> Any:
    """A response_format in the wire's form."""
    match response_format:
        case {"type": str(kind)} if kind not in _TYPES and not target.quirks.strict:
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
    if wanted.strict and target.strict_schemas:
        wanted = wanted._replace(schema=strict_schema(wanted.schema))
    return {"type": "json_schema", "json_schema": json_schema(wanted)}
