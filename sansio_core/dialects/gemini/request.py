"""Requests of Google's Gemini wire: ai.google.dev/api/generate-content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...errors import InvalidRequest
from ...parts import Part, TextPart
from ...request import ChatRequest, Message
from ...tool_call import ToolCall
from ..forms import Payload, arguments_of, check_max_tokens, put, with_extra
from ..history import (
    native_of,
    resolve_tool_ids,
    system_and_turns,
    unsupported_details,
    unsupported_fields,
    unsupported_history,
)
from .options import NAME, OPTIONS, VERTEX, Asked, asked_of, format_fields, put_generation
from .parts import part_of, result_of, system_part
from .tools import tool_fields

__all__ = ["NAME", "OPTIONS", "TOKEN", "VERTEX", "payload"]

TOKEN = "continuationToken"
"""ai.google.dev/gemini-api/docs/generate-content/long-decode: the field, of a candidate and of a request, by which an
answer goes on; as a native item it is no part, but a sign that the question is to be asked again."""
# ai.google.dev/gemini-api/docs/thought-signatures, FAQs: Gemini 3 answers 400 to a call in the history without a
# signature; for a call that another model made, this stands in its place.
_UNSIGNED = "skip_thought_signature_validator"


def payload(request: ChatRequest, model: str, *, vertex: bool = False) -> Payload:
    """The body for `request` to `model`, which the URL names; `vertex`: that of Vertex AI.

    Raises InvalidRequest for what cannot be sent.
    """
    options, asked = request.options, asked_of(model, vertex)
    check_max_tokens(options, asked.facts)
    messages, token = _going_on(request.messages, asked.dialect)
    wire, unsupported = _contents(messages, asked)
    if token:
        wire[TOKEN] = token
    form = format_fields(options.get("response_format"))
    if "tools" in options or "tool_choice" in options:
        in_json = form.get("responseMimeType", "text/plain") != "text/plain"
        fields, lost = tool_fields(options, asked, in_json=in_json)
        wire |= fields
        unsupported += lost
    unsupported += put_generation(wire, options, asked)
    for name, value in form.items():
        put(wire, f"generationConfig.{name}", value)
    return Payload(with_extra(wire, options), unsupported)


def _going_on(messages: Sequence[Message], dialect: str) -> tuple[Sequence[Message], str | None]:
    """`messages` without the unfinished answers at their end, and the token by which the last of these goes on."""
    # …/generate-content/long-decode: "the same request" with the token, and never the answer so far.
    token = None
    while messages and (found := [item[TOKEN] for item in native_of(messages[-1], dialect) or () if TOKEN in item]):
        messages, token = messages[:-1], token or found[0]
    return messages, token


def _contents(messages: Sequence[Message], asked: Asked) -> tuple[dict[str, Any], list[str]]:
    """The messages' fields of the body, and what of the messages has none."""
    # A call's id is optional on this wire: results are matched by the function's name.
    system, turns = system_and_turns(resolve_tool_ids(messages, invent_ids=False, errors=True))
    # "contents.parts must not be empty" is the API's answer to a turn without parts.
    wire: dict[str, Any] = {
        "contents": [content for turn in turns for content in _turn(turn, asked) if content["parts"]]
    }
    if not wire["contents"]:
        raise InvalidRequest("gemini needs a message beside the system's, with something in it: ask something")
    # The wire has no role "system": the prompt is a field of its own.
    if prompt := [system_part(part) for message in system for part in _filled(message)]:
        wire["systemInstruction"] = {"parts": prompt}
    unsupported = unsupported_history(messages, asked.dialect, call_fields=True) + _lost_fields(messages)
    unsupported += unsupported_fields(messages, cut=False) + unsupported_details(messages)
    return wire, unsupported


def _lost_fields(messages: Iterable[Message]) -> list[str]:
    fields = {
        name
        for message in messages
        for call in message.tool_calls
        for name in call.extra or ()
        if name != "extra_content" or not _signature(call)
    }
    return [f"{', '.join(sorted(fields))} of tool calls"] if fields else []


def _filled(message: Message) -> list[Part]:
    """The parts of `message` without empty texts, which Vertex AI rejects ("it has an empty text parameter")."""
    return [part for part in message.parts if not isinstance(part, TextPart) or part.text]


def _turn(turn: list[Message], asked: Asked) -> list[dict[str, Any]]:
    # ai.google.dev/api/caching#Content: the roles are "user" and "model"; tools' results are the user's.
    message = turn[0]
    if message.role == "assistant":
        return [{"role": "model", "parts": _model(message, asked)}]
    if message.role != "tool":
        return [{"role": "user", "parts": [part_of(part) for part in _filled(message)]}]
    # ai.google.dev/gemini-api/docs/function-calling#multimodal: from Gemini 3 on, files stand within an answer
    results = [result_of(result, with_files=not asked.older) for result in turn]
    files = [part for _, behind in results for part in behind]
    # In a content of their own: one with answers and other parts is taken for the model's
    # (github.com/pydantic/pydantic-ai/issues/4210).
    return [{"role": "user", "parts": parts} for parts in ([result for result, _ in results], files)]


def _model(message: Message, asked: Asked) -> list[dict[str, Any]]:
    # ai.google.dev/gemini-api/docs/thought-signatures: signatures go back in the parts in which they came.
    parts = native_of(message, asked.dialect)
    if parts is None:
        parts = _without_signatures(message)
    # "Invalid thought signature" is the answer to a part that has nothing else.
    parts = [part for part in parts if part.keys() not in ({TOKEN}, {"thoughtSignature"})]
    calls = [part for part in parts if "functionCall" in part]
    # The same page: of parallel calls only the first has a signature. A model before Gemini 3 would take the stand-in
    # for a signature of its own.
    if calls and not asked.older:
        calls[0].setdefault("thoughtSignature", _UNSIGNED)
    return parts


def _without_signatures(message: Message) -> list[dict[str, Any]]:
    """The parts of an answer of another wire; or of the other API with this wire, but for its thoughts."""
    parts = native_of(message, NAME) or native_of(message, VERTEX)
    if parts is None:
        return [part_of(part) for part in _filled(message)] + [_call(call) for call in message.tool_calls]
    return [bare for part in parts if not part.get("thought") and (bare := _bare(part)) not in ({}, {"text": ""})]


def _bare(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "thoughtSignature"}


def _call(call: ToolCall) -> dict[str, Any]:
    named = {"name": call.name, "args": arguments_of(call)}
    part: dict[str, Any] = {"functionCall": named if call.id is None else {"id": call.id, **named}}
    return part | ({"thoughtSignature": signature} if (signature := _signature(call)) else {})


def _signature(call: ToolCall) -> str | None:
    """The signature of a call that came by Gemini's endpoint of OpenAI's wire (…/docs/thought-signatures#openai)."""
    match call.extra:
        case {"extra_content": {"google": {"thought_signature": str(signature)}}}:
            return signature
    return None
