"""Requests of Ollama's own wire: docs.ollama.com/api/chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...parts import ImagePart
from ...request import ChatRequest, Message, ToolCall
from ..forms import Payload, arguments_of, format_of, openai_tools, put_options, stop_of, with_extra
from ..history import resolve_tool_ids, unsupported_history

NAME = "ollama"
# Option -> field of the body. The parameters of docs.ollama.com/modelfile#parameter stand in the object `options`; the
# server ignores one of them that stands beside it.
_FIELDS = {
    "temperature": "options.temperature",
    "top_p": "options.top_p",
    "top_k": "options.top_k",
    "min_p": "options.min_p",
    "seed": "options.seed",
    "max_tokens": "options.num_predict",
    "stop": "options.stop",
    "presence_penalty": "options.presence_penalty",
    "frequency_penalty": "options.frequency_penalty",
    "repetition_penalty": "options.repeat_penalty",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "tools": "tools",
    "reasoning_effort": "think",
}
# The options that this wire has a field for; it has none for tool_choice.
OPTIONS = frozenset({*_FIELDS, "response_format", "extra"})


def payload(request: ChatRequest, model: str | None) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent."""
    # Calls need no id on this wire: a result names the function in `tool_name`.
    messages = [_message(message) for message in resolve_tool_ids(request.messages, invent_ids=False)]
    wire: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    put_options(wire, request.options, _FIELDS, _FORMS)
    wanted = format_of(request.options.get("response_format"))
    if wanted.kind != "text":  # docs.ollama.com/capabilities/structured-outputs: "json", or a JSON Schema
        wire["format"] = wanted.schema or "json"
    return Payload(
        with_extra(wire, request.options), unsupported_history(request.messages, NAME, reasoning=True)
    )  # fmt: skip


def _think(effort: Any) -> Any:
    # docs.ollama.com/capabilities/thinking: true or false, or a level for the models that have levels (gpt-oss), whose
    # least is "low".
    if isinstance(effort, bool):
        return effort
    if not isinstance(effort, str):
        raise InvalidRequest(
            f"ollama takes no reasoning_effort {safe_repr(effort)}: use 'low', 'medium', 'high' or 'none'"
        )
    return False if effort == "none" else "low" if effort == "minimal" else effort


_FORMS: dict[str, Callable[[Any], Any]] = {"stop": stop_of, "tools": openai_tools, "reasoning_effort": _think}


def _message(message: Message) -> dict[str, Any]:
    # docs.ollama.com/api/chat: `content` is a text; images stand beside it, without their places in it.
    texts = tuple(part for part in message.parts if not isinstance(part, ImagePart))
    wire: dict[str, Any] = {
        # the roles are "system", "user", "assistant" and "tool"
        "role": "system" if message.role == "developer" else message.role,
        "images": _images(message),
        # docs.ollama.com/capabilities/streaming: "the thinking, the tool call and the result must be passed back"
        "thinking": message.reasoning,
        "tool_calls": [_call(call) for call in message.tool_calls],
    }
    if message.role == "tool":
        wire |= {"tool_name": message.name, "tool_call_id": message.tool_call_id}
    return {"content": replace(message, parts=texts).text} | {name: value for name, value in wire.items() if value}


def _call(call: ToolCall) -> dict[str, Any]:
    # github.com/ollama/ollama/blob/main/api/types.go: the arguments are an object, not the text of one as with OpenAI
    named = {"function": {"name": call.name, "arguments": arguments_of(call)}}
    return {"id": call.id, **named} if call.id else named


def _images(message: Message) -> list[str]:
    images = [part.data for part in message.parts if isinstance(part, ImagePart)]
    # docs.ollama.com/capabilities/vision: base64 without the head of a data URL; the server fetches no links
    if None in images:
        raise InvalidRequest("ollama takes an image's data only: give a data: URL, not a link")
    return [image[1] for image in images if image]
