"""What is asked on Google's Gemini wire: ai.google.dev/api/generate-content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...request import ChatRequest, ImagePart, Message, Part, TextPart, ToolCall
from ..forms import Payload, arguments_of, choice_of, format_of, function_of, list_of, merged, stop_of
from ..history import resolve_tool_ids, unsupported_history

NAME = "gemini"
# ai.google.dev/api/generate-content#generationconfig
_FIELDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
# ai.google.dev/gemini-api/docs/openai#thinking: what the words mean to models that take a budget of tokens
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
_LEVELS = ("minimal", "low", "medium", "high")
# ai.google.dev/gemini-api/docs/thought-signatures, FAQs: what stands for the signature of another model's call
_UNSIGNED = "skip_thought_signature_validator"
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_IMAGES = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "gif": "gif", "heic": "heic", "heif": "heif"}
OPTIONS = frozenset({*_FIELDS, "stop", "reasoning_effort", "tools", "tool_choice", "response_format", "extra"})
"""The options that this wire has a field for."""


def payload(request: ChatRequest, model: str) -> Payload:
    """The body for `request` to `model`, which the URL names. Raises InvalidRequest for what cannot be sent."""
    system, contents = _contents(request.messages, signed=not _is_older(model))
    wire: dict[str, Any] = {"contents": contents}
    if system:
        wire["systemInstruction"] = {"parts": system}
    _put_options(request.options, model, wire)
    return Payload(merged(wire, request.options.get("extra", {})), unsupported_history(request.messages, NAME))


def _put_options(options: Mapping[str, Any], model: str, payload: dict[str, Any]) -> None:
    if config := _generation_config(options, model):
        payload["generationConfig"] = config
    if "tools" in options:
        payload["tools"] = _tools(list_of(options["tools"], "tools"))
    if "tool_choice" in options:
        payload["toolConfig"] = _tool_config(options["tool_choice"])


def _generation_config(options: Mapping[str, Any], model: str) -> dict[str, Any]:
    """ai.google.dev/api/generate-content#generationconfig"""
    config = {field: options[name] for name, field in _FIELDS.items() if name in options}
    if "stop" in options:
        config["stopSequences"] = stop_of(options["stop"])
    if "reasoning_effort" in options:
        config["thinkingConfig"] = _thinking(options["reasoning_effort"], model)
    wanted = format_of(options["response_format"]) if "response_format" in options else "text"
    if wanted != "text":
        config["responseMimeType"] = "application/json"
    if not isinstance(wanted, str):  # responseSchema would take a subset of OpenAPI's schema only
        config["responseJsonSchema"] = wanted
    return config


def _is_older(model: str) -> bool:
    """Whether `model` is of a generation before Gemini 3, which thinks by a budget and asks for no signatures."""
    return any(generation in model for generation in ("gemini-1", "gemini-2"))


def _thinking(effort: Any, model: str) -> dict[str, Any]:
    """ai.google.dev/gemini-api/docs/thinking: a level for Gemini 3 and later, a budget for 2.5; never both."""
    if isinstance(effort, str) and effort in _LEVELS and not _is_older(model):
        return {"includeThoughts": True, "thinkingLevel": effort.upper()}
    budget = effort if type(effort) is int else _BUDGETS.get(effort) if isinstance(effort, str) else None
    if budget is None:
        raise InvalidRequest(
            f"{model} has no reasoning_effort {safe_repr(effort)}; "
            f"known are {', '.join(_BUDGETS)}, or a number of tokens"
        )
    return {"includeThoughts": True, "thinkingBudget": budget} if budget else {"thinkingBudget": 0}


def _tools(tools: list[Any]) -> list[dict[str, Any]]:
    """ai.google.dev/gemini-api/docs/function-calling; `parametersJsonSchema` takes any JSON Schema as it is."""
    functions: list[dict[str, Any]] = []
    wire: list[dict[str, Any]] = []
    for tool in tools:
        function = function_of(tool)
        if function is None:  # googleSearch, codeExecution, …
            wire.append(dict(tool))
            continue
        declaration = {key: function[key] for key in ("name", "description") if function.get(key)}
        if function.get("parameters"):
            declaration["parametersJsonSchema"] = function["parameters"]
        functions.append(declaration)
    return [{"functionDeclarations": functions}, *wire] if functions else wire


def _tool_config(choice: Any) -> dict[str, Any]:
    mode, name = choice_of(choice)
    if not mode:
        return dict(choice)
    config: dict[str, Any] = {"mode": _MODES[mode]}
    if name is not None:
        config["allowedFunctionNames"] = [name]
    return {"functionCallingConfig": config}


def _contents(messages: Iterable[Message], *, signed: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The parts of the system instruction, and the turns: `user` and `model`; tools' answers are the user's."""
    system: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    results: list[dict[str, Any]] | None = None  # of the turn before: all answers to one turn's calls go in one turn
    for message in resolve_tool_ids(messages, invent_ids=False):
        if message.role in ("system", "developer"):
            system += [_part(part) for part in message.parts]
        elif message.role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "parts": results})
            results.append(_result(message))
        else:
            results = None
            assistant = message.role == "assistant"
            parts = _model(message, signed) if assistant else [_part(part) for part in message.parts]
            if parts:  # "contents.parts must not be empty"
                turns.append({"role": "model" if assistant else "user", "parts": parts})
    return system, turns


def _model(message: Message, signed: bool) -> list[dict[str, Any]]:
    """The parts of a turn of the model's; `signed` tells that it refuses calls without a signature."""
    if message.native is not None and message.native.dialect == NAME:
        return [dict(item) for item in message.native.items]
    text = [_part(part) for part in message.parts if not (isinstance(part, TextPart) and not part.text)]
    calls: list[dict[str, Any]] = [{"functionCall": _call(call)} for call in message.tool_calls]
    if calls and signed:
        calls[0]["thoughtSignature"] = _UNSIGNED
    return text + calls


def _call(call: ToolCall) -> dict[str, Any]:
    named = {"name": call.name, "args": arguments_of(call)}
    return named if call.id is None else {"id": call.id, **named}


def _result(message: Message) -> dict[str, Any]:
    """ "Use "output" key to specify function output": for what is no JSON object itself."""
    if not message.name:
        raise InvalidRequest(
            "a tool's answer needs the tool_call_id of an earlier call, or the function's name in 'name'"
        )
    try:
        response = json.loads(message.text)
    except (ValueError, RecursionError):
        response = message.text
    result = {"name": message.name, "response": response if isinstance(response, dict) else {"output": response}}
    return {"functionResponse": result if not message.tool_call_id else {"id": message.tool_call_id, **result}}


def _part(part: Part) -> dict[str, Any]:
    """ai.google.dev/api/caching#Part"""
    if isinstance(part, TextPart):
        return {"text": part.text}
    if isinstance(part, ImagePart):
        if part.data is None:
            kind = _IMAGES.get(part.url.partition("?")[0].rpartition(".")[2].lower())
            return {"fileData": ({"mimeType": f"image/{kind}"} if kind else {}) | {"fileUri": part.url}}
        media_type, data = part.data
        return {"inlineData": {"mimeType": media_type, "data": data}}
    return dict(part.raw)
