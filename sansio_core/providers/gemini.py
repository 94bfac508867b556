"""Google's Gemini API: ai.google.dev/api/generate-content."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..dialects import ChatParser, gemini
from ..dialects.base import MAX_FRAME
from ..dialects.forms import (
    arguments_of,
    choice_of,
    format_of,
    function_of,
    list_of,
    merged,
    resolve_tool_ids,
    stop_of,
    unsupported_history,
)
from ..errors import InvalidRequest, safe_repr
from ..http_request import Headers, HttpRequest, quote_segment
from ..request import ChatRequest, ImagePart, Message, Part, TextPart, ToolCall, dump_json
from .base import Call, Provider, ProviderInfo, warn
from .models import default_model

_JSON = (("content-type", "application/json"),)
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


class Gemini(Provider):
    """generativelanguage.googleapis.com. `base_url` may end with `/v1beta` or not. The key is sent as a header.

    `reasoning_effort` is "minimal" to "high", "none", or a number of tokens; thoughts are then shown. What else there
    is (`safetySettings`, `cachedContent`, more of `generationConfig`, …) goes in `extra`.
    """

    info = ProviderInfo(
        name="gemini",
        url="https://generativelanguage.googleapis.com",
        default_model=default_model("gemini"),
        api_key_env="GEMINI_API_KEY",
        needs_key=True,
    )
    options = frozenset({*_FIELDS, "stop", "reasoning_effort", "tools", "tool_choice", "response_format", "extra"})
    roles = ("system", "developer", "user", "assistant", "tool")

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        if lost := unsupported_history(request.messages, gemini.NAME):
            warn(f"gemini has no field for {lost}: not sent")
        model = (self.resolve_model(request.model) or "").removeprefix("models/")
        system, contents = _contents(request.messages, signed=not _is_older(model))
        payload: dict[str, Any] = {"contents": contents}
        if system:
            payload["systemInstruction"] = {"parts": system}
        _options(request.options, model, payload)
        # ai.google.dev/api#stream-content: without alt=sse the chunks come as one JSON array
        url = self._url(f"models/{quote_segment(model)}:streamGenerateContent?alt=sse")
        body = dump_json(merged(payload, request.options.get("extra", {})))
        return Call(self.http(request, "POST", url, body, _JSON, self._key))

    def models_request(self) -> HttpRequest | None:
        return self.http(ChatRequest("models"), "GET", self._url("models?pageSize=1000"), b"", self._key)

    def parse_models(self, value: Any) -> list[str]:
        """As Provider's, without the prefix `models/`, and without those that do not generate text."""
        if isinstance(value, dict) and isinstance(value.get("models"), list):
            value = [item for item in value["models"] if isinstance(item, dict) and _generates(item)]
        return [name.removeprefix("models/") for name in super().parse_models(value)]

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return gemini.GeminiParser(max_frame_size, self.templates)

    def _url(self, path: str) -> str:
        return f"{self.base_url.removesuffix('/v1beta')}/v1beta/{path}"

    @property
    def _key(self) -> Headers:
        return () if self.api_key is None else (("x-goog-api-key", self.api_key),)


def _generates(model: dict[str, Any]) -> bool:
    methods = model.get("supportedGenerationMethods")
    return not isinstance(methods, list) or "generateContent" in methods


def _options(options: Mapping[str, Any], model: str, payload: dict[str, Any]) -> None:
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
    if config:
        payload["generationConfig"] = config
    if "tools" in options:
        payload["tools"] = _tools(list_of(options["tools"], "tools"))
    if "tool_choice" in options:
        payload["toolConfig"] = _tool_config(options["tool_choice"])


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
    if message.native is not None and message.native.dialect == gemini.NAME:
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
