"""The body of a request as each vendor's SDK types it, and the judge of it."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, Required

from typing_extensions import TypedDict
from vendor_types import Fault, Judge


class Wider(NamedTuple):
    """A field of which a vendor's wire takes more than the vendor's type says.

    `owner`: the name of the type that has the field; `models`: those that take it, where not all do.
    """

    wire: str
    owner: str
    field: str
    kind: Any
    why: str
    models: tuple[str, ...] = ()


_SAMPLED = ("claude-haiku-4-5", "claude-sonnet-4-6")
_DROPPED = "dropped from version 2 of the SDK, as newer models reject it"
_GO = "github.com/ollama/ollama/blob/main/api/types.go has it, the Python SDK has not"
_MODELFILE = "docs.ollama.com/modelfile#parameter has it, the Python SDK has not"
_JSON_SCHEMA = "docs.ollama.com/api/chat: a JSON Schema, of which the Python SDK types a part"
_BODY = "MessageCreateParamsStreaming"
WIDER = (
    Wider("anthropic", _BODY, "temperature", float, _DROPPED, _SAMPLED),
    Wider("anthropic", _BODY, "top_p", float, _DROPPED, _SAMPLED),
    Wider("anthropic", _BODY, "top_k", int, _DROPPED, _SAMPLED),
    Wider("ollama", "Options", "min_p", float, _MODELFILE),
    Wider("ollama", "ToolCall", "id", str, _GO),
    Wider("ollama", "Message", "tool_call_id", str, _GO),
    Wider("ollama", "Function", "parameters", dict, _JSON_SCHEMA),
)


def on_the_wire(wire: str) -> dict[Any, Any]:
    """The types that stand on a wire for helpers of the SDK."""
    if wire == "ollama":
        from ollama import Image

        return {Image: bytes}  # its base64 text
    return {}


@cache
def judge_of(wire: str, model: str) -> Judge:
    """A judge by the types of a wire's vendor, and by what `model` takes besides."""
    rows = [row for row in WIDER if row.wire == wire and (not row.models or model in row.models)]
    return Judge(on_the_wire(wire), {(row.owner, row.field): row.kind for row in rows})


@cache
def body_type(wire: str, beta: bool = False) -> Any:
    """The type of the body of a request that asks for a stream; `beta`: of one with what is new at Anthropic."""
    match wire:
        case "openai":
            from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

            return CompletionCreateParamsStreaming
        case "openai_responses":
            from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

            return ResponseCreateParamsStreaming
        case "anthropic" if beta:
            from anthropic.types.beta.message_create_params import MessageCreateParamsStreaming as BetaParams

            return BetaParams
        case "anthropic":
            from anthropic.types.message_create_params import MessageCreateParamsStreaming

            return MessageCreateParamsStreaming
        case "gemini":
            return _gemini()
    from ollama import _types

    return _types.ChatRequest


def _gemini() -> Any:
    """The SDK takes a configuration apart on its way to the wire, so that it has no type of the body itself."""
    from google.genai import types

    fields = {  # ai.google.dev/api/generate-content#request-body
        "contents": Required[list[types.Content]],
        "systemInstruction": types.Content,
        "generationConfig": types.GenerationConfig,
        "tools": list[types.Tool],
        "toolConfig": types.ToolConfig,
        "safetySettings": list[types.SafetySetting],
        "cachedContent": str,
        "serviceTier": types.ServiceTier,
        "store": bool,
    }
    return TypedDict("GenerateContentRequest", fields, total=False)


USED: set[tuple[str, str, str]] = set()
"""The rows of WIDER, by wire, owner and field, that a body has needed so far."""


def faults(wire: str, model: str, body: Any, *, beta: bool = False) -> list[Fault]:
    """What of a body the vendor's types do not take."""
    judge = judge_of(wire, model)
    found = judge.faults(body, body_type(wire, beta))
    USED.update((wire, *row) for row in judge.used)
    return found
