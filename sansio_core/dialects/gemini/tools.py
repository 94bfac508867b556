"""Tools and tool_choice of Gemini's wire: ai.google.dev/api/caching#Tool and #ToolConfig."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr, suggestion
from ...model_facts import ModelFacts
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
_CALLING = frozenset({"mode", "allowedFunctionNames", "streamFunctionCallArguments"})
_MODES = ("AUTO", "ANY", "NONE", "VALIDATED")
# ai.google.dev/api/caching#FunctionCallingConfig: ANY with allowedFunctionNames is a call of one of these.
_COMMON = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}


class Tools:
    """The fields of a request's tools, with what of them is `unsupported`; `in_json`: the answer is to be JSON."""

    def __init__(self, options: Mapping[str, Any], asked: Asked, *, in_json: bool) -> None:
        self.unsupported: list[str] = []
        self.functions: list[Function] = []
        self._given = "tools" in options
        self._others: list[dict[str, Any]] = []
        self._take(options.get("tools", ()))
        if asked.facts is not None:
            self._check(asked.model, asked.facts, in_json)
        self._config = _config(options["tool_choice"]) if "tool_choice" in options else {}
        # What `extra` brings goes out unseen, so that it cannot be said what a choice chooses from.
        if "tools" not in options.get("extra", ()):
            self._check_choice()
        # …/gemini-api/docs/tool-combination: needed on the Gemini API, and refused by models before Gemini 3; Vertex AI
        # has no such field.
        if self.functions and self._others and not asked.older and not asked.vertex:
            self._config = {"includeServerSideToolInvocations": True, **self._config}

    def _take(self, tools: Any) -> None:
        for tool in tools_of(tools):
            if isinstance(tool, Function):
                self.functions.append(tool)
                continue
            if functions := tool.pop("functionDeclarations", None):
                self._take([{"functionDeclarations": list_of(functions, "functionDeclarations")}])
            for name in tool:
                if name not in _TOOLS:
                    kind = tool.get("type") or name
                    raise InvalidRequest(
                        f"gemini has no tool {safe_repr(kind)}{suggestion(kind, _TOOLS)}; known are functions and "
                        f"{', '.join(_TOOLS)}; extra={{'tools': […]}} sends anything as it is"
                    )
            if tool:
                self._others.append(tool)

    def _check(self, model: str, facts: ModelFacts, in_json: bool) -> None:
        if self.functions and "functions" not in facts.can:
            raise InvalidRequest(f"{model} takes no functions: leave out tools, or ask another model")
        if self.functions and "mixed" not in facts.can and (self._others or in_json):
            other = f"Google's tools ({', '.join(self._others[0])})" if self._others else "a response_format"
            raise InvalidRequest(f"{model} takes functions or {other}, not both: ask Gemini 3 or later")

    def _check_choice(self) -> None:
        calling = self._config.get("functionCallingConfig", {})
        names = calling.get("allowedFunctionNames", ())
        known = [function.name for function in self.functions]
        if known:
            for name in names:
                one_of("function", name, known, "tools")
        # "Function calling config is set without function_declarations" is the API's answer.
        elif calling.get("mode") == "ANY" or names:
            raise InvalidRequest("tool_choice forces a call, and tools has no function: give one")
        elif calling:
            del self._config["functionCallingConfig"]
            self.unsupported.append("tool_choice (it is about functions, and tools has none)")

    def fields(self) -> dict[str, Any]:
        """`tools` and `toolConfig`, where there is something to say."""
        wire: dict[str, Any] = {}
        # …/gemini-api/docs/function-calling: all functions stand in one tool.
        declared = [{"functionDeclarations": [self._declaration(one) for one in self.functions]}]
        if self._given:
            wire["tools"] = [*(declared if self.functions else ()), *self._others]
        config = self._config
        # …/docs/function-calling#function_calling_config: VALIDATED is AUTO, and "ensures function schema adherence"
        if any(function.strict for function in self.functions):
            calling = config.get("functionCallingConfig", {})
            if calling.get("mode", "AUTO") == "AUTO":
                config = {**config, "functionCallingConfig": {**calling, "mode": "VALIDATED"}}
        if config:
            wire["toolConfig"] = config
        return wire

    def _declaration(self, function: Function) -> dict[str, Any]:
        wire: dict[str, Any] = {"name": function.name}
        if function.description:
            wire["description"] = function.description
        if str(function.parameters.get("type")).isupper():  # a schema in Gemini's own form, of OpenAPI: "OBJECT"
            wire["parameters"] = function.parameters
        elif function.parameters:
            wire["parametersJsonSchema"] = gemini_schema(function.parameters)
        wire |= {name: value for name, value in function.others.items() if name in _OF_FUNCTIONS}
        if function.cache_control:
            self._lost("cache_control of tools")
        for name in function.others:
            if name not in _OF_FUNCTIONS:
                self._lost(f"the field {name} of tools")
        return wire

    def _lost(self, what: str) -> None:
        if what not in self.unsupported:
            self.unsupported.append(what)


def _config(choice: Any) -> dict[str, Any]:
    """A tool_choice, in any form that is known here, as a ToolConfig."""
    if isinstance(choice, Mapping) and choice and choice.keys() <= _CONFIG:
        return _own(choice)
    match choice:
        # platform.openai.com/docs/guides/function-calling#tool-configuration, of both of OpenAI's wires
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}} | {
            "type": "allowed_tools", "mode": mode, "tools": tools,
        }:  # fmt: skip
            names = [_name(tool) for tool in list_of(tools, "tools")]
            return {"functionCallingConfig": {"mode": _allowed(mode), "allowedFunctionNames": names}}
    mode, name = choice_of(choice)
    if not mode:
        raise InvalidRequest(
            "gemini's tool_choice must be 'auto', 'none', 'required', a function's name or {'functionCallingConfig': "
            "{'mode': …, 'allowedFunctionNames': […]}}, "
            f"not {safe_repr(choice)}; extra={{'toolConfig': …}} sends anything as it is"
        )
    return {"functionCallingConfig": {"mode": _COMMON[mode]} | ({"allowedFunctionNames": [name]} if name else {})}


def _own(choice: Mapping[str, Any]) -> dict[str, Any]:
    calling = choice.get("functionCallingConfig", {})
    if not isinstance(calling, Mapping):
        raise InvalidRequest(f"functionCallingConfig must be a mapping, not {safe_repr(calling)}")
    for field in calling:
        one_of("field", field, sorted(_CALLING), "functionCallingConfig")
    if "mode" in calling:
        one_of("mode", calling["mode"], _MODES, "functionCallingConfig")
    names = list_of(calling.get("allowedFunctionNames", ()), "allowedFunctionNames")
    return {**choice, **({"functionCallingConfig": {**calling, **_listed(names)}} if calling else {})}


def _listed(names: Collection[Any]) -> dict[str, Any]:
    return {"allowedFunctionNames": [*names]} if names else {}


def _allowed(mode: Any) -> str:
    """OpenAI's modes of allowed tools; of Gemini's, ANY and VALIDATED read the names."""
    return {"auto": "VALIDATED", "required": "ANY"}[one_of("mode", mode, ("auto", "required"), "allowed_tools")]


def _name(tool: Any) -> str:
    match tool:
        case {"type": "function", "name": str(name)} | {"type": "function", "function": {"name": str(name)}}:
            return name
    raise InvalidRequest(f"gemini's tool_choice allows functions alone, not {safe_repr(tool)}")
