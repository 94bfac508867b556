"""Tools of Anthropic's wire, and the choice among them: platform.claude.com/docs/en/agents-and-tools/tool-use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest
from ..forms import Function, choice_of, tools_of
from ..schemas import claude_schema
from .content import NAME, marked, with_mark

# …/define-tools: "Must match the regex ^[a-zA-Z0-9_-]{1,128}$."
_NAMES = re.compile(r"[a-zA-Z0-9_-]{1,128}")
# "ToolUnion" of …/docs/en/api/messages: each kind has a date, also those to come; but for the last few.
_KINDS = re.compile(r"[a-z_]+_20\d{6}|tool_search_tool_(bm25|regex)|mcp_toolset")
_FIELDS = ("defer_loading", "eager_input_streaming", "input_examples", "allowed_callers")


def tools_of_wire(tools: Any, unsupported: list[str]) -> list[dict[str, Any]]:
    """`tools` as the wire has them; what functions have besides is added to `unsupported`."""
    lost: dict[str, None] = {}
    wire = [_function(tool, lost) if isinstance(tool, Function) else _own(tool) for tool in tools_of(tools)]
    names = [tool["name"] for tool in wire if "name" in tool]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(f"two tools are called {name!r}: each needs a name of its own")
    if lost:
        unsupported.append(f"{', '.join(lost)} of tools")
    return wire


def _own(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool that the API itself runs, or whose form it knows: its kind is a type."""
    kind = tool.get("type")
    if isinstance(kind, str) and _KINDS.fullmatch(kind):
        return with_mark(tool)
    named = f"type {kind!r}" if kind else f"the form {{{', '.join(map(repr, tool))}}}"
    raise InvalidRequest(
        f"anthropic has no tool of {named}; it takes functions, and its own tools, as "
        "{'type': 'web_search_20250305', 'name': 'web_search'}; extra={'tools': […]} sends anything as it is"
    )


def _function(function: Function, lost: dict[str, None]) -> dict[str, Any]:
    if not _NAMES.fullmatch(function.name):
        raise InvalidRequest(
            f"anthropic takes names of tools of 1 to 128 letters, digits, _ and -, not {function.name!r}"
        )
    # input_schema is required, also of a function without parameters, and must be of the type object
    schema: dict[str, Any] = {"type": "object", **function.parameters}
    if schema["type"] != "object":
        raise InvalidRequest(f"the parameters of the tool {function.name!r} must be of the type 'object'")
    wire: dict[str, Any] = {"name": function.name, "description": function.description, "input_schema": schema}
    if not function.description:
        del wire["description"]
    if function.strict:
        # one without parameters takes none, where a strict object without properties would be refused
        wire |= {
            "input_schema": claude_schema(schema if function.parameters else {**schema, "properties": {}}),
            "strict": True,
        }
    for name, value in function.others.items():
        if name in _FIELDS:
            wire[name] = value
        else:
            lost[name] = None
    return marked(wire, function.cache_control)


def choice(options: Mapping[str, Any]) -> dict[str, Any]:
    """The `tool_choice` for the options tool_choice and parallel_tool_calls, one of which is given."""
    # …/parallel-tool-use: the flag is a field of tool_choice, so that parallel_tool_calls alone needs a tool_choice
    # too, "auto", which is the default.
    given = options.get("tool_choice", "auto")
    single = options.get("parallel_tool_calls") is False
    match given:
        case {"type": kind, "disable_parallel_tool_use": bool(single), **rest}:
            given = {"type": kind, **rest}
    mode, name = choice_of(given)
    if not mode:
        raise InvalidRequest(
            f"{NAME} has no such tool_choice as {dict(given)!r}: give 'auto', 'none', 'required' or a tool's name"
        )
    wire: dict[str, Any] = {"type": "any" if mode == "required" else mode} | ({} if name is None else {"name": name})
    # "none" has no such field
    return wire | ({"disable_parallel_tool_use": True} if single and mode != "none" else {})
