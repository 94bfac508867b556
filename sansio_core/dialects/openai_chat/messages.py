"""The messages of a request: developers.openai.com/api/docs/api-reference/chat/create, messages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ...errors import InvalidRequest
from ...parts import TextPart
from ...request import Message, Native
from ...strict_json import dump_json
from ...tool_call import ToolCall
from ..forms import arguments_of
from ..history import check_answered, native_of, resolve_tool_ids, unsupported_fields, unsupported_history
from .parts import is_text, wire_part
from .quirks import NAME, Quirks, Target

_AUDIO = "audio"
"""The field of an answer that was spoken, and the `type` of its native item."""
_IMAGES = "images"
"""The field of an answer with images, and the `type` of their native item; all other items are reasoning details."""


def wire_messages(given: Iterable[Message], target: Target) -> list[dict[str, Any]]:
    """The field `messages`. Raises InvalidRequest for what the host cannot be told."""
    quirks = target.quirks
    messages = [_with_media_apart(message) if message.native else message for message in given]
    target.lose(*_lost_of(messages, quirks))
    wire: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []  # what tools answered besides text
    # Ids are invented where calls have none: OpenAI demands them, and Gemini's and Ollama's answers may have none.
    resolved = resolve_tool_ids(messages, invent_ids=True, refusals=quirks.strict)
    if quirks.strict:
        # "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'"
        check_answered(resolved, target.host)
    for message in resolved:
        if message.role != "tool" and shown:
            wire.append({"role": "user", "content": shown})
            shown = []
        if message.role == "tool" and not quirks.tool_parts:
            message = _texts_of_answer(message, shown, target)
        wire.append(_message(message, target))
    return [*wire, {"role": "user", "content": shown}] if shown else wire


def _lost_of(messages: list[Message], quirks: Quirks) -> list[str]:
    """In words, what of `messages` the host has no field for."""
    history = unsupported_history(
        messages,
        # whoever takes no reasoning details back loses the native items of this wire, too
        NAME if quirks.reasoning_details else "",
        call_fields=not quirks.closed,
        reasoning=bool(quirks.reasoning),
        reasoning_matters=False,
    )
    known = quirks.fields_of_messages | {_AUDIO}
    return history + unsupported_fields(messages, names=quirks.names, marks=True, extra=known)


def _with_media_apart(message: Message) -> Message:
    """`message` with an answer's sound and images where the vendors' SDKs have them, not among the native items."""
    items = native_of(message, NAME)
    if items is None:
        return message
    details: list[dict[str, Any]] = []
    media: dict[str, Any] = {}
    for item in items:
        match item:
            case {"type": "audio"}:
                media[_AUDIO] = item
            case {"type": "images", "images": images}:
                media[_IMAGES] = images
            case _:
                details.append(item)
    native = Native(NAME, tuple(details)) if details else None
    return replace(message, native=native, extra={**message.extra, **media})


def _texts_of_answer(answer: Message, shown: list[dict[str, Any]], target: Target) -> Message:
    """A tool's answer without its other parts, which go into `shown`."""
    # …/api-reference/chat/create, tool message: "For tool messages, only type `text` is supported." All answers of a
    # turn have to stand before another message, so that the images of all come in one behind them.
    others = [part for part in answer.parts if not is_text(part)]
    if not others:
        return answer
    shown.append({"type": "text", "text": f"From the tool {answer.name or ''} ({answer.tool_call_id}):"})
    shown += [wire_part(part, "user", target) for part in others]
    texts = tuple(part for part in answer.parts if is_text(part))
    return replace(answer, parts=texts or (TextPart("It is in the next message of the user."),))


def _message(message: Message, target: Target) -> dict[str, Any]:
    quirks = target.quirks
    # OpenAI's reasoning models call the system's role "developer"; most other hosts do not know that word.
    role = "system" if message.role == "developer" and not quirks.developer else message.role
    wire: dict[str, Any] = {"role": role, **_content(message, target)}
    if role == "tool":
        wire |= _answered(message, target)
    # The function's name, which a tool's result may have too, is no field of OpenAI's tool messages.
    elif message.name is not None and quirks.names:
        wire["name"] = message.name
    if message.tool_calls:
        wire |= _calls(message, target)
    if message.native or message.extra or message.refusal:
        wire |= _rest(message, quirks)
    return wire


def _answered(message: Message, target: Target) -> dict[str, Any]:
    if message.tool_call_id is not None:
        return {"tool_call_id": _id(message.tool_call_id, target.quirks)}
    if target.quirks.strict:
        raise InvalidRequest("a tool's answer answers no call: give its tool_call_id, and the call before it")
    return {}


def _rest(message: Message, quirks: Quirks) -> dict[str, Any]:
    wire = {name: value for name, value in message.extra.items() if name in quirks.fields_of_messages}
    if message.refusal and quirks.strict:
        wire["refusal"] = message.refusal
    if quirks.reasoning_details and (details := native_of(message, NAME)):
        wire["reasoning_details"] = _joined(details)
    return wire


# --- contents --------------------------------------------------------------------------------------------------------


def _content(message: Message, target: Target) -> dict[str, Any]:
    """The field `content`, one plain text as a string, which every host takes; or the sound of an answer."""
    sound = _sound(message, target) if _AUDIO in message.extra else {}
    match message.parts:
        case (TextPart(text, None),) if text:
            # the id stands for these words as well
            said = sound.keys() == {_AUDIO} and text == message.extra[_AUDIO].get("transcript")
            return sound if said else {"content": text} | sound
        case () | (TextPart("", None),):
            return sound or _no_text(message, target.quirks)
    parts = [wire_part(part, message.role, target) for part in message.parts]
    only_text = len(parts) == 1 and parts[0].keys() == {"type", "text"}
    return {"content": parts[0]["text"] if only_text else parts} | sound


def _no_text(message: Message, quirks: Quirks) -> dict[str, Any]:
    if message.tool_calls:
        # OpenAI: "Required unless `tool_calls` … is specified". An empty text is an error to some hosts, and
        # llama-cpp-python answers 500 to null.
        return {"content": None} if quirks.null_content else {}
    return {"content": None if message.refusal and quirks.strict else ""}


def _sound(message: Message, target: Target) -> dict[str, Any]:
    """The field for an earlier answer that was spoken: …/guides/audio, multi-turn conversations."""
    sound = message.extra[_AUDIO] if message.role == "assistant" else None
    match sound:
        case {"id": str(sound_id)} if target.quirks.audio and target.takes("audio"):
            return {"audio": {"id": sound_id}}
    target.lose("the sound of messages")
    match sound:
        case {"transcript": str(words)} if words and all(part == TextPart("") for part in message.parts):
            return {"content": words}
    return {}


# --- calls -----------------------------------------------------------------------------------------------------------


def _calls(message: Message, target: Target) -> dict[str, Any]:
    quirks = target.quirks
    calls = [
        # Google's OpenAI endpoint puts a call's signature in `extra_content`, and demands it back with the call:
        # ai.google.dev/gemini-api/docs/thought-signatures.
        {**((not quirks.closed and call.extra) or {}), "id": _id(call.id, quirks), **_call(call, target)}
        for call in message.tool_calls
    ]
    # api-docs.deepseek.com/guides/thinking_mode: of answers with calls "the reasoning_content must be fully passed
    # back to the API in all subsequent requests", else 400; a space does for an answer of another model.
    reasoning = message.reasoning or (" " if quirks.needs_reasoning else "")
    return {"tool_calls": calls, **({quirks.reasoning: reasoning} if quirks.reasoning and reasoning else {})}


def _id(call_id: str | None, quirks: Quirks) -> str | None:
    # "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9", of some of Mistral's models:
    # github.com/pydantic/pydantic-ai, models/mistral.py. Made from the id alone, so that call and answer keep the same.
    if not quirks.short_ids or call_id is None or re.fullmatch("[a-zA-Z0-9]{9}", call_id):
        return call_id
    return hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:9]


def _call(call: ToolCall, target: Target) -> dict[str, Any]:
    # …/guides/function-calling, custom tools
    if call.custom and target.customs:
        return {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    arguments = dump_json(arguments_of(call)).decode() if call.custom else call.arguments
    # The arguments are JSON text; vLLM parses it for the model's chat template, and "" is no JSON.
    return {"type": "function", "function": {"name": call.name, "arguments": arguments or "{}"}}


# --- reasoning -------------------------------------------------------------------------------------------------------


def _joined(details: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reasoning details made whole: a stream gives each in pieces that have the same type and `index`."""
    # openrouter.ai/docs/use-cases/reasoning-tokens: the sequence must go back as the model gave it, unmodified.
    whole: list[dict[str, Any]] = []
    for item in details:
        last = whole[-1] if whole else {}
        if item.get("index") is None or (last.get("type"), last.get("index")) != (item.get("type"), item["index"]):
            whole.append(item)
            continue
        for name, value in item.items():
            known = last.get(name)
            if name in ("text", "summary", "data") and isinstance(value, str) and isinstance(known, str):
                last[name] = known + value
            elif value is not None:  # a signature comes with the last piece, null with those before it
                last[name] = value
    return whole
