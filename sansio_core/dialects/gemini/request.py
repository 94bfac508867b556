"""Requests of Google's Gemini wire: ai.google.dev/api/generate-content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...parts import FilePart, ImagePart, Part, TextPart
from ...request import ChatRequest, Message, ToolCall
from ..forms import (
    Function,
    Payload,
    arguments_of,
    choice_of,
    format_of,
    no_such_part,
    put,
    put_options,
    stop_of,
    tools_of,
    with_extra,
)
from ..history import native_of, resolve_tool_ids, system_and_turns, unsupported_history

NAME = "gemini"
# Option -> field of the body: ai.google.dev/api/generate-content#generationconfig. The boolean is `responseLogprobs`
# there; `logprobs` is the number of alternatives, which is top_logprobs everywhere else.
_FIELDS = {
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "max_tokens": "generationConfig.maxOutputTokens",
    "stop": "generationConfig.stopSequences",
    "seed": "generationConfig.seed",
    "n": "generationConfig.candidateCount",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "logprobs": "generationConfig.responseLogprobs",
    "top_logprobs": "generationConfig.logprobs",
    "tools": "tools",
    "tool_choice": "toolConfig",
}
# The options that this wire has a field for.
OPTIONS = frozenset({*_FIELDS, "reasoning_effort", "response_format", "extra"})
# ai.google.dev/gemini-api/docs/openai#thinking: what OpenAI's words mean to models that take a budget of tokens
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
# ai.google.dev/gemini-api/docs/thinking: thinking levels
_LEVELS = ("minimal", "low", "medium", "high")
# ai.google.dev/gemini-api/docs/thought-signatures, FAQs: Gemini 3 answers 400 to a call in the history without a
# signature; for a call that another model made, this stands in its place.
_UNSIGNED = "skip_thought_signature_validator"
# ai.google.dev/api/caching#FunctionCallingConfig: ANY with allowedFunctionNames is a call of that function.
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
# ai.google.dev/gemini-api/docs/image-understanding: the supported image types, by the ends of links' names
_IMAGES = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "gif": "gif", "heic": "heic", "heif": "heif"}


def payload(request: ChatRequest, model: str) -> Payload:
    """The body for `request` to `model`, which the URL names. Raises InvalidRequest for what cannot be sent."""
    options = request.options
    # Gemini 3 rejects calls without a signature; a model before it would take the stand-in for a signature of its own.
    signed = not _is_older(model)
    # A call's id is optional on this wire: results are matched by the function's name.
    system, turns = system_and_turns(resolve_tool_ids(request.messages, invent_ids=False))
    contents = [_content(turn, signed) for turn in turns]
    # "contents.parts must not be empty" is the API's answer to a turn without parts.
    wire: dict[str, Any] = {"contents": [content for content in contents if content["parts"]]}
    # The wire has no role "system": the prompt is a field of its own.
    if prompt := [_part(part) for message in system for part in message.parts]:
        wire["systemInstruction"] = {"parts": prompt}
    put_options(wire, options, _FIELDS, _FORMS)
    if "reasoning_effort" in options:
        put(wire, "generationConfig.thinkingConfig", _thinking(options["reasoning_effort"], model))
    wanted = format_of(options.get("response_format"))
    if wanted.kind != "text":  # ai.google.dev/gemini-api/docs/structured-output
        put(wire, "generationConfig.responseMimeType", "application/json")
    if wanted.kind == "schema":
        # Not `responseSchema`: it takes only a subset of OpenAPI's schema objects, and users give JSON Schemas.
        put(wire, "generationConfig.responseJsonSchema", wanted.schema)
    return Payload(with_extra(wire, options), unsupported_history(request.messages, NAME))


def _is_older(model: str) -> bool:
    """Whether `model` is of a generation before Gemini 3, which thinks by a budget and asks for no signatures."""
    # The old generations are named, so that a model with a new name is taken for a new one.
    return any(generation in model for generation in ("gemini-1", "gemini-2"))


def _thinking(effort: Any, model: str) -> dict[str, Any]:
    # ai.google.dev/gemini-api/docs/thinking: a level for Gemini 3 and later, a budget for 2.5; both are an error.
    # Thoughts are asked for, as they are not sent otherwise.
    if isinstance(effort, str) and effort in _LEVELS and not _is_older(model):
        return {"includeThoughts": True, "thinkingLevel": effort.upper()}
    budget = effort if type(effort) is int else _BUDGETS.get(effort) if isinstance(effort, str) else None
    if budget is None:
        raise InvalidRequest(
            f"{model} has no reasoning_effort {safe_repr(effort)}; "
            f"known are {', '.join(_BUDGETS)}, or a number of tokens"
        )
    return {"includeThoughts": True, "thinkingBudget": budget} if budget else {"thinkingBudget": 0}


def _tools(tools: Any) -> list[dict[str, Any]]:
    functions: list[dict[str, Any]] = []
    wire: list[dict[str, Any]] = []
    for tool in tools_of(tools):
        if not isinstance(tool, Function):  # googleSearch, codeExecution, …: each is a tool of its own
            wire.append(tool)
            continue
        declaration: dict[str, Any] = {"name": tool.name}
        if tool.description:
            declaration["description"] = tool.description
        # Not `parameters`: ai.google.dev/api/caching#FunctionDeclaration, that takes OpenAPI's schema objects only.
        if tool.parameters:
            declaration["parametersJsonSchema"] = tool.parameters
        functions.append(declaration)
    # ai.google.dev/gemini-api/docs/function-calling: all functions stand in one tool.
    return [{"functionDeclarations": functions}, *wire] if functions else wire


def _tool_config(choice: Any) -> dict[str, Any]:
    mode, name = choice_of(choice)
    if not mode:
        return dict(choice)
    config: dict[str, Any] = {"mode": _MODES[mode]}
    if name is not None:
        config["allowedFunctionNames"] = [name]
    return {"functionCallingConfig": config}


_FORMS: dict[str, Callable[[Any], Any]] = {"stop": stop_of, "tools": _tools, "tool_choice": _tool_config}


def _content(turn: list[Message], signed: bool) -> dict[str, Any]:
    # ai.google.dev/api/caching#Content: the roles are "user" and "model"; tools' results are the user's.
    message = turn[0]
    if message.role == "tool":
        return {"role": "user", "parts": [_result(result) for result in turn]}
    if message.role == "assistant":
        return {"role": "model", "parts": _model(message, signed)}
    return {"role": "user", "parts": [_part(part) for part in message.parts]}


def _model(message: Message, signed: bool) -> list[dict[str, Any]]:
    """The parts of an answer; `signed`: the model that is asked rejects calls without a signature."""
    # ai.google.dev/gemini-api/docs/thought-signatures: signatures go back in the parts in which they came.
    if (parts := native_of(message, NAME)) is not None:
        return parts
    text = [_part(part) for part in message.parts if part != TextPart("")]
    calls: list[dict[str, Any]] = [{"functionCall": _call(call)} for call in message.tool_calls]
    # The same page: of parallel calls only the first has a signature.
    if calls and signed:
        calls[0]["thoughtSignature"] = _UNSIGNED
    return text + calls


def _call(call: ToolCall) -> dict[str, Any]:
    named = {"name": call.name, "args": arguments_of(call)}
    return named if call.id is None else {"id": call.id, **named}


def _result(message: Message) -> dict[str, Any]:
    if not message.name:
        raise InvalidRequest(
            "a tool's answer needs the tool_call_id of an earlier call, or the function's name in 'name'"
        )
    try:
        response = json.loads(message.text)
    except (ValueError, RecursionError):
        response = message.text
    # ai.google.dev/api/caching#FunctionResponse: the response is a JSON object; 'Use "output" key to specify function
    # output' for any other value.
    result = {"name": message.name, "response": response if isinstance(response, dict) else {"output": response}}
    return {"functionResponse": result if not message.tool_call_id else {"id": message.tool_call_id, **result}}


def _part(part: Part) -> dict[str, Any]:
    # ai.google.dev/api/caching#Part
    if isinstance(part, TextPart):
        return {"text": part.text}
    if isinstance(part, ImagePart):
        if part.data is None:
            # The type is optional beside a link: one that its name does not tell is left for the server to find out.
            kind = _IMAGES.get(part.url.partition("?")[0].rpartition(".")[2].lower())
            return {"fileData": ({"mimeType": f"image/{kind}"} if kind else {}) | {"fileUri": part.url}}
        media_type, data = part.data
        return {"inlineData": {"mimeType": media_type, "data": data}}
    if isinstance(part, FilePart):
        raise no_such_part(part, "gemini", "texts and images")
    return dict(part.raw)
