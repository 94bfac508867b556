"""Tools and tool_choice of Gemini's wire: ai.google.dev/api/caching#Tool and #ToolConfig."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr, suggestion
from ..forms import Function, choice_of, list_of, one_of, tools_of
from ..schemas import gemini_schema
from .options import Asked

# github.com/googleapis/python-genai google/genai/types.py, Tool: those that Google runs, each an object of its own
_TOOLS = (
    "googleSearch", "googleMaps", "urlContext", "codeExecution", "fileSearch", "computerUse", "googleSearchRetrieval",
    "retrieval", "enterpriseWebSearch", "parallelAiSearch", "exaAiSearch", "mcpServers",
)  # fmt: skip
_OF_FUNCTIONS = ("response", "responseJsonSchema", "behavior")
_CONFIG = frozenset({"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"})
_CALLING = ("allowedFunctionNames", "mode", "streamFunctionCallArguments")
_MODES = ("AUTO", "ANY", "NONE", "VALIDATED")
# ai.google.dev/api/caching#FunctionCallingConfig: ANY with allowedFunctionNames is a call of one of these.
_COMMON = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_ALLOWED = {"auto": "VALIDATED", "required": "ANY"}  # OpenAI's modes of allowed tools: these two read the names


def tool_fields(options: Mapping[str, Any], asked: Asked, *, in_json: bool) -> tuple[dict[str, Any], list[str]]:
    """The fields `tools` and `toolConfig`, and what of the tools has none, in words.

    `in_json`: the answer is to be JSON.
    """
    functions, others = _sorted(options.get("tools", ()))
    _check_tools(functions, others, asked, in_json)
    config, lost = _config(options, functions)
    # …/gemini-api/docs/tool-combination: needed on the Gemini API, and refused by models before Gemini 3; Vertex AI has
    # no such field.
    if functions and others and not asked.older and not asked.vertex:
        config = {"includeServerSideToolInvocations": True, **config}
    wire: dict[str, Any] = {}
    if "tools" in options:
        # …/gemini-api/docs/function-calling: all functions stand in one tool.
        declared = [{"functionDeclarations": list(map(_declaration, functions))}] if functions else []
        wire["tools"] = declared + others
    if config:
        wire["toolConfig"] = config
    return wire, [*lost, *dict.fromkeys(what for function in functions for what in _lost(function))]


def _sorted(tools: Any) -> tuple[list[Function], list[dict[str, Any]]]:
    """The functions among `tools`, and the others, which Google runs."""
    functions: list[Function] = []
    others: list[dict[str, Any]] = []
    for tool in tools_of(tools):
        if isinstance(tool, Function):
            functions.append(tool)
            continue
        if declared := tool.pop("functionDeclarations", None):  # beside one of Google's
            functions += _sorted([{"functionDeclarations": list_of(declared, "functionDeclarations")}])[0]
        if unknown := next((name for name in tool if name not in _TOOLS), None):
            kind = tool.get("type") or unknown
            raise InvalidRequest(
                f"gemini has no tool {safe_repr(kind)}{suggestion(kind, _TOOLS)}; known are functions and "
                f"{', '.join(_TOOLS)}; extra={{'tools': […]}} sends anything as it is"
            )
        if tool:
            others.append(tool)
    return functions, others


def _check_tools(functions: list[Function], others: list[dict[str, Any]], asked: Asked, in_json: bool) -> None:
    if functions and "functions" not in asked.facts.can:
        raise InvalidRequest(f"{asked.model} takes no functions: leave out tools, or ask another model")
    if functions and "mixed" not in asked.facts.can and (others or in_json):
        other = f"Google's tools ({', '.join(others[0])})" if others else "a response_format"
        raise InvalidRequest(f"{asked.model} takes functions or {other}, not both: ask Gemini 3 or later")


def _declaration(function: Function) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": function.name}
    if function.description:
        wire["description"] = function.description
    if str(function.parameters.get("type")).isupper():  # a schema in Gemini's own form, of OpenAPI: "OBJECT"
        wire["parameters"] = function.parameters
    elif function.parameters:
        wire["parametersJsonSchema"] = gemini_schema(function.parameters)
    return wire | {name: value for name, value in function.others.items() if name in _OF_FUNCTIONS}


def _lost(function: Function) -> Iterator[str]:
    if function.cache_control:
        yield "cache_control of tools"
    yield from (f"the field {name} of tools" for name in function.others if name not in _OF_FUNCTIONS)


# --- tool_choice -----------------------------------------------------------------------------------------------------


def _config(options: Mapping[str, Any], functions: list[Function]) -> tuple[dict[str, Any], list[str]]:
    """The ToolConfig that a tool_choice and strict functions ask for; in words, a choice among no functions."""
    config = _chosen(options["tool_choice"]) if "tool_choice" in options else {}
    calling = config.get("functionCallingConfig", {})
    # What `extra` brings goes out unseen, so that it cannot be said what a choice chooses from.
    if calling and "tools" not in options.get("extra", ()):
        _check_choice(calling, [function.name for function in functions])
        if not functions:
            del config["functionCallingConfig"]
            return config, ["tool_choice (it is about functions, and tools has none)"]
    # …/docs/function-calling#function_calling_config: VALIDATED is AUTO, and "ensures function schema adherence"
    if calling.get("mode", "AUTO") == "AUTO" and any(function.strict for function in functions):
        config["functionCallingConfig"] = {**calling, "mode": "VALIDATED"}
    return config, []


def _check_choice(calling: Mapping[str, Any], known: list[str]) -> None:
    names = calling.get("allowedFunctionNames", ())
    # "Function calling config is set without function_declarations" is the API's answer.
    if not known and (calling.get("mode") == "ANY" or names):
        raise InvalidRequest("tool_choice forces a call, and tools has no function: give one")
    for name in names:
        one_of("function", name, known, "tools")


def _chosen(choice: Any) -> dict[str, Any]:
    """A tool_choice, in any form that is known here, as a ToolConfig."""
    if isinstance(choice, Mapping) and choice and choice.keys() <= _CONFIG:
        return _own(choice)
    match choice:
        # platform.openai.com/docs/guides/function-calling#tool-configuration, of both of OpenAI's wires
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}} | {
            "type": "allowed_tools", "mode": mode, "tools": tools,
        }:  # fmt: skip
            names = [_name(tool) for tool in list_of(tools, "tools")]
            word = _ALLOWED[one_of("mode", mode, tuple(_ALLOWED), "allowed_tools")]
            return {"functionCallingConfig": {"mode": word, "allowedFunctionNames": names}}
    mode, name = choice_of(choice)
    if not mode:
        raise InvalidRequest(
            "gemini's tool_choice must be 'auto', 'none', 'required', a function's name or {'functionCallingConfig': "
            "{'mode': …, 'allowedFunctionNames': […]}}, "
            f"not {safe_repr(choice)}; extra={{'toolConfig': …}} sends anything as it is"
        )
    return {"functionCallingConfig": {"mode": _COMMON[mode]} | ({"allowedFunctionNames": [name]} if name else {})}


def _own(choice: Mapping[str, Any]) -> dict[str, Any]:
    if "functionCallingConfig" not in choice:
        return dict(choice)
    calling = choice["functionCallingConfig"]
    if not isinstance(calling, Mapping):
        raise InvalidRequest(f"functionCallingConfig must be a mapping, not {safe_repr(calling)}")
    calling = dict(calling)
    for field in calling:
        one_of("field", field, _CALLING, "functionCallingConfig")
    if "mode" in calling:
        one_of("mode", calling["mode"], _MODES, "functionCallingConfig")
    if "allowedFunctionNames" in calling:
        calling["allowedFunctionNames"] = list_of(calling["allowedFunctionNames"], "allowedFunctionNames")
    return {**choice, "functionCallingConfig": calling}


def _name(tool: Any) -> str:
    match tool:
        case {"type": "function", "name": str(name)} | {"type": "function", "function": {"name": str(name)}}:
            return name
    raise InvalidRequest(f"gemini's tool_choice allows functions alone, not {safe_repr(tool)}")
