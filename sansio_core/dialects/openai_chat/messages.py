"""The messages of a request, and their parts: developers.openai.com/api/docs/api-reference/chat/create, messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...errors import InvalidRequest
from ...parts import CacheControl, FilePart, ImagePart, Part, RawPart, TextPart
from ...request import Message, Native, ToolCall, dump_json
from ..forms import arguments_of, cache_mark, no_such_part, one_of
from ..history import native_of, resolve_tool_ids, unsupported_fields, unsupported_history
from .files import file_part
from .quirks import NAME, Target

_DETAILS = ("auto", "low", "high", "original")
_TEXTS = ("text", "input_text", "output_text")
# OpenAI's other parts, which stand in a user's messages alone
_USERS = ("image_url", "input_audio", "file")
# Parts of other vendors' wires, which no host of this one has
_FOREIGN = frozenset(
    {
        "tool_use", "tool_result", "server_tool_use", "redacted_thinking", "reasoning", "image", "document",
        "input_image", "input_file", "search_result",
    }
)  # fmt: skip
_MARK = "prompt_cache_breakpoint"
_AUDIO = "audio"
"""The `type` of the native item that stands for an answer's sound; all others are OpenRouter's reasoning details."""


def wire_messages(messages: tuple[Message, ...], target: Target) -> tuple[list[dict[str, Any]], list[str]]:
    """The field `messages`, and in words what of them the host has no field for."""
    writer = _Writer(target)
    quirks = target.quirks
    # Ids are invented where calls have none: OpenAI demands them, and Gemini's and Ollama's answers may have none.
    wire = writer.messages(resolve_tool_ids(messages, invent_ids=True, refusals=quirks.strict))
    # A native item of this wire is a reasoning detail, or stands for sound; whoever takes no details back loses them.
    lost = unsupported_history(
        map(_without_audio, messages),
        NAME if quirks.reasoning_details else "",
        call_fields=quirks.call_fields,
        reasoning=bool(quirks.reasoning),
        reasoning_matters=False,
    )
    known = quirks.fields_of_messages | {_AUDIO}
    lost += unsupported_fields(messages, names=quirks.names, marks=True, extra=known)
    return wire, [*lost, *writer.lost]


class _Writer:
    """Writes the messages of one request; `lost` gathers in words what of their parts the host has no field for."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._quirks = target.quirks
        self.lost: dict[str, None] = {}  # each once, in order

    def messages(self, messages: Iterable[Message]) -> list[dict[str, Any]]:
        wire: list[dict[str, Any]] = []
        shown: list[dict[str, Any]] = []  # what tools answered besides text
        for message in messages:
            if message.role == "tool":
                if not self._quirks.tool_parts:
                    message = self._texts_of_answer(message, shown)
            elif shown:
                wire.append({"role": "user", "content": shown})
                shown = []
            wire.append(self._message(message))
        return [*wire, {"role": "user", "content": shown}] if shown else wire

    def _texts_of_answer(self, answer: Message, shown: list[dict[str, Any]]) -> Message:
        """A tool's answer without its other parts, which go into `shown`."""
        # …/api-reference/chat/create, tool message: "For tool messages, only type `text` is supported." All answers of
        # a turn have to stand before another message, so that the images of all come in one behind them.
        texts = tuple(part for part in answer.parts if _is_text(part))
        if len(texts) == len(answer.parts):
            return answer
        others = [self._part(part, "user") for part in answer.parts if not _is_text(part)]
        shown += [{"type": "text", "text": f"From the tool {answer.name or ''} ({answer.tool_call_id}):"}, *others]
        return replace(answer, parts=texts or (TextPart("It is in the next message of the user."),))

    def _message(self, message: Message) -> dict[str, Any]:
        quirks = self._quirks
        # OpenAI's reasoning models call the system's role "developer"; most other hosts do not know that word.
        role = "system" if message.role == "developer" and not quirks.developer else message.role
        wire: dict[str, Any] = {"role": role, **self._content(message)}
        # The function's name, which a tool's result may have too, is no field of OpenAI's tool messages.
        if message.name is not None and quirks.names and role != "tool":
            wire["name"] = message.name
        if message.tool_calls:
            wire |= self._calls(message)
        if role == "tool":
            wire |= self._answered(message)
        if message.refusal and quirks.strict:
            wire["refusal"] = message.refusal
        own = (native_of(message, NAME) or []) if quirks.reasoning_details else []
        if details := _joined([item for item in own if item.get("type") != _AUDIO]):
            wire["reasoning_details"] = details
        for name, value in message.extra.items():
            if name in quirks.fields_of_messages:
                wire.setdefault(name, value)
        return wire

    def _answered(self, message: Message) -> dict[str, Any]:
        if message.tool_call_id is not None:
            return {"tool_call_id": message.tool_call_id}
        if self._quirks.strict:
            raise InvalidRequest("a tool's answer answers no call: give its tool_call_id, and the call before it")
        return {}

    # --- contents ------------------------------------------------------------------------------------------------

    def _content(self, message: Message) -> dict[str, Any]:
        """The field `content`, one plain text as a string, which every host takes; or the sound of an answer."""
        sound = self._sound(message) if message.native or message.extra else {}
        match message.parts:
            case (TextPart(text, None),) if text:
                return {"content": text} | sound
            case () | (TextPart("", None),):
                return self._no_text(message, sound)
        parts = [self._part(part, message.role) for part in message.parts]
        only_text = len(parts) == 1 and parts[0].keys() == {"type", "text"}
        return {"content": parts[0]["text"] if only_text else parts} | sound

    def _no_text(self, message: Message, sound: dict[str, Any]) -> dict[str, Any]:
        if sound:
            return sound
        if message.tool_calls:
            # OpenAI: "Required unless `tool_calls` … is specified". An empty text is an error to some hosts, and
            # llama-cpp-python answers 500 to null.
            return {"content": None} if self._quirks.null_content else {}
        return {"content": None if message.refusal and self._quirks.strict else ""}

    def _sound(self, message: Message) -> dict[str, Any]:
        """The field for an earlier answer that was spoken: …/guides/audio, multi-turn conversations."""
        own = message.native.items if message.native and message.native.dialect == NAME else ()
        sound = next((item for item in own if item.get("type") == _AUDIO), message.extra.get("audio"))
        if sound is None:
            return {}
        said = sound if isinstance(sound, Mapping) and message.role == "assistant" else {}
        if isinstance(said.get("id"), str) and self._quirks.audio and self._target.takes("audio"):
            return {"audio": {"id": said["id"]}}
        self.lost["the sound of messages"] = None
        words = said.get("transcript")
        return {"content": words} if isinstance(words, str) and words and not _has_text(message) else {}

    def _part(self, part: Part, role: str) -> dict[str, Any]:
        if isinstance(part, RawPart):
            return self._raw(part, role)
        mark = self._mark(part.cache_control) if part.cache_control else {}
        if isinstance(part, TextPart):
            return {"type": "text", "text": part.text, **mark}
        if isinstance(part, FilePart):
            part = self._file(part)
            if isinstance(part, TextPart):
                return {"type": "text", "text": part.text, **mark}
        self._check_role(part, role)
        if isinstance(part, ImagePart):
            if not self._target.takes("images"):
                raise no_such_part(part, self._target.model, "texts")
            return {**self._image(part), **mark}
        return {**file_part(part, self._target), **mark}

    def _file(self, part: FilePart) -> FilePart | ImagePart | TextPart:
        """The part that carries a file: a file of text is a text, and one of an image an image."""
        kind = part.known_type or ""
        if kind.startswith("image/"):
            data = part.data
            return ImagePart(part.url or f"data:{kind};base64,{data[1] if data else ''}")
        text = part.text if kind else None
        if text is None:
            return part
        return TextPart(f"{part.file_name}:\n{text}" if part.file_name else text)

    def _image(self, part: ImagePart) -> dict[str, Any]:
        # …/guides/images-vision: `detail` is optional, and not every host has it
        if part.detail is None:
            return {"type": "image_url", "image_url": {"url": part.url}}
        if self._quirks.strict:
            one_of("detail of images", part.detail, _DETAILS, self._target.host)
        return {"type": "image_url", "image_url": {"url": part.url, "detail": part.detail}}

    def _check_role(self, part: Part, role: str) -> None:
        if self._quirks.strict and role != "user":
            raise no_such_part(part, f"the role {role!r} of {self._target.host}", "texts: put it in a user's message")

    def _raw(self, part: RawPart, role: str) -> dict[str, Any]:
        raw, strict = part.raw, self._quirks.strict
        kind = raw.get("type")
        if kind in _TEXTS and isinstance(raw.get("text"), str):
            return dict(raw) if kind == "text" and not strict else self._known(raw, "text", "text")
        if kind == "refusal" and isinstance(raw.get("refusal"), str):
            if strict and role == "assistant":
                return self._known(raw, "refusal", "refusal")
            return {"type": "text", "text": raw["refusal"]}
        if strict and kind in _USERS:
            self._check_role(part, role)
            return self._known(raw, kind, kind)
        # Mistral's thinking is a list, Anthropic's a text, which nobody takes here.
        if strict or kind in _FOREIGN or (kind == "thinking" and not isinstance(raw["thinking"], list)):
            takes = "texts and refusals" if role == "assistant" else "texts, images and files"
            raise no_such_part(part, self._target.host, takes)
        return dict(raw)

    def _known(self, raw: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
        """A part of OpenAI's own with the fields that OpenAI has; the others are lost."""
        mark = _MARK if self._quirks.marks == _MARK and self._target.takes("breakpoints") else name
        lost = [field for field, value in raw.items() if value and field not in ("type", name, mark)]
        self.lost |= {f"the field {field} of parts": None for field in lost}
        return {"type": kind, name: raw[name], **({mark: raw[mark]} if mark in raw else {})}

    def _mark(self, given: CacheControl) -> dict[str, Any]:
        mark = cache_mark(given) or {}
        if self._quirks.marks == "cache_control":
            # openrouter.ai/docs/features/prompt-caching: Anthropic's own mark
            return {"cache_control": mark}
        facts = self._target.facts
        if self._quirks.marks != _MARK or facts is None or "breakpoints" not in facts.can:
            self.lost["cache_control of parts"] = None
            return {}
        # …/guides/prompt-caching, explicit breakpoints: on this endpoint the `ttl` is "30m", which it is without one.
        if mark.get("ttl", "30m") != "30m":
            self.lost["the ttl of cache_control"] = None
        return {_MARK: {"mode": "explicit"}}

    # --- calls ---------------------------------------------------------------------------------------------------

    def _calls(self, message: Message) -> dict[str, Any]:
        quirks = self._quirks
        calls = [
            # Google's OpenAI endpoint puts a call's signature in `extra_content`, and demands it back with the call:
            # ai.google.dev/gemini-api/docs/thought-signatures.
            {**((quirks.call_fields and call.extra) or {}), "id": call.id, **self._call(call)}
            for call in message.tool_calls
        ]
        # api-docs.deepseek.com/guides/thinking_mode: of answers with calls "the reasoning_content must be fully passed
        # back to the API in all subsequent requests", else 400; a space does for an answer of another model.
        reasoning = message.reasoning or (" " if quirks.needs_reasoning else "")
        return {"tool_calls": calls, **({quirks.reasoning: reasoning} if quirks.reasoning and reasoning else {})}

    def _call(self, call: ToolCall) -> dict[str, Any]:
        # …/guides/function-calling, custom tools
        if call.custom and self._quirks.strict:
            return {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
        arguments = dump_json(arguments_of(call)).decode() if call.custom else call.arguments
        # The arguments are JSON text; vLLM parses it for the model's chat template, and "" is no JSON.
        return {"type": "function", "function": {"name": call.name, "arguments": arguments or "{}"}}


def _is_text(part: Part) -> bool:
    match part:
        case TextPart():
            return True
        case FilePart():
            return part.known_type is not None and part.text is not None
        case RawPart(raw):
            return raw.get("type") in (*_TEXTS, "refusal")
    return False


def _has_text(message: Message) -> bool:
    return any(part != TextPart("") for part in message.parts)


def _without_audio(message: Message) -> Message:
    if message.native is None or message.native.dialect != NAME:
        return message
    items = tuple(item for item in message.native.items if item.get("type") != _AUDIO)
    return replace(message, native=Native(NAME, items) if items else None)


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
