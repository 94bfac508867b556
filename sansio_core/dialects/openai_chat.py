"""OpenAI's Chat Completions wire: platform.openai.com/docs/api-reference/chat-streaming, and what compatible hosts
make of it. The end is proven by a finish reason for every choice, or by `data: [DONE]`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..events import (
    Annotation,
    ChatEvent,
    Finished,
    FinishReason,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)
from ..request import ImagePart, Message, Part, TextPart
from ._base import MAX_FRAME, EventStreamParser, as_text
from ._refusals import error_in, of_error

NAME = "openai_chat"

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "error": "error",
    "insufficient_system_resource": "error",  # DeepSeek
}


class OpenAIChatParser(EventStreamParser):
    """Chat completion chunks, or one whole chat completion from a server that ignored `stream`."""

    text_field = "content"

    def __init__(self, max_frame_size: int = MAX_FRAME) -> None:
        super().__init__(max_frame_size)
        self._started = False
        self._open: dict[int, bool] = {}  # choice -> whether it still waits for its finish reason
        self._tools: dict[int, _ToolCalls] = {}
        self._notes: dict[str, Any] = {}

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            self._no_chunk(event, value, out)
            return
        if not self._started and (value.get("id") or value.get("model")):
            self._started = True  # some hosts give every chunk a new id: the first is the answer's
            out.append(Started(value.get("id") or None, value.get("model") or None))
        choices = value.get("choices")
        if choices and type(choices) is list:
            for choice in choices:
                self._choice(choice, out)
        elif not value.get("usage"):
            self._no_chunk(event, value, out)
        if value.get("usage"):
            out.append(usage(value["usage"]))
        if "citations" in value:
            self._note("citations", value["citations"], out)
        if value.get("error") and not self.ended:
            self._fail(of_error(error_in(value)), out)

    def _no_chunk(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        error = error_in(value)
        if error is None and event == "error":
            error = value
        if error is not None:
            self._fail(of_error(error), out)
        elif not (isinstance(value, dict) and "choices" in value):  # choices: [] is a chunk with nothing to say
            out.append(UnknownFrame(as_text(value), "no chat completion chunk"))

    def _choice(self, choice: Any, out: list[ChatEvent]) -> None:
        if type(choice) is not dict:
            out.append(UnknownFrame(as_text(choice), "a choice that is no object"))
            return
        index = choice.get("index")
        if type(index) is not int:
            index = 0
        if index not in self._open:
            self._open[index] = True
            self.complete = False
        delta = choice.get("delta")
        if delta is None:
            delta = choice.get("message")  # a whole completion
        if type(delta) is dict:
            self._delta(delta, index, out)
        elif isinstance(choice.get("text"), str) and choice["text"]:  # the older completions wire
            out.append(TextDelta(choice["text"], index))
        elif delta is not None:
            out.append(UnknownFrame(as_text(choice), "a delta that is no object"))
        if choice.get("logprobs"):
            out.append(Annotation({"logprobs": choice["logprobs"]}, index))
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason and self._open[index]:
            self._open[index] = False
            out.append(Finished(_REASONS.get(reason, "other"), reason, index))
            self.complete = not any(self._open.values())
        if choice.get("error"):
            self._fail(of_error(error_in(choice)), out)

    def _delta(self, delta: dict[str, Any], index: int, out: list[ChatEvent]) -> None:
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")  # DeepSeek, vLLM | OpenRouter, Groq
        if isinstance(reasoning, str) and reasoning:
            out.append(ReasoningDelta(reasoning, index))
        content = delta.get("content")
        if type(content) is str:
            if content:
                out.append(TextDelta(content, index))
        elif content:
            self._parts(content, index, out)
        if delta.get("refusal"):
            out.append(RefusalDelta(str(delta["refusal"]), index))
        calls = delta.get("tool_calls")
        if calls is None and isinstance(delta.get("function_call"), dict):  # the older form, one call
            calls = [{"index": 0, "function": delta["function_call"]}]
        if calls:
            tools = self._tools.setdefault(index, _ToolCalls())
            out += [tools.delta(call, index) for call in _objects(calls)]
        out += [Annotation(note, index) for note in _objects(delta.get("annotations"))]
        # OpenRouter: signatures and encrypted reasoning, wanted back on the next turn
        out += [NativeItem(NAME, detail, index) for detail in _objects(delta.get("reasoning_details"))]

    def _parts(self, content: Any, index: int, out: list[ChatEvent]) -> None:
        """Content as a list: Mistral's thinking models, and hosts that stream parts."""
        for part in content if isinstance(content, list) else [content]:
            match part:
                case {"type": "thinking", "thinking": thinking}:
                    pieces = thinking if isinstance(thinking, list) else [thinking]
                    text = "".join(p if isinstance(p, str) else str(p.get("text", "")) for p in pieces if p)
                    if text:
                        out.append(ReasoningDelta(text, index))
                case {"text": str(text)} | str(text):
                    if text:
                        out.append(TextDelta(text, index))
                case _:
                    out.append(UnknownFrame(as_text(part), "a content part of another kind"))

    def _note(self, key: str, note: Any, out: list[ChatEvent]) -> None:
        """A note that some hosts repeat in every chunk is told when it changes."""
        if note and self._notes.get(key) != note:
            self._notes[key] = note
            out.append(Annotation({key: note}))

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        super()._decode_bare(value, out)
        if not self.ended and isinstance(value, dict) and value.get("choices"):
            self._done(out)  # a whole completion is its own end

    def _done(self, out: list[ChatEvent]) -> None:
        for index in [index for index, waits in (self._open or {0: True}).items() if waits]:
            out.append(Finished(choice=index))
        self.complete = self.ended = True


class _ToolCalls:
    """One choice's tool calls: which call a delta belongs to, and what of it is new.

    OpenAI numbers calls by `index` and sends id and name once. Other hosts repeat id and name, leave `index` out or
    always 0, send `id: ""`, `arguments: null`, or the arguments as an object.
    """

    def __init__(self) -> None:
        self._calls: list[list[str | None]] = []  # id and name of each
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str, int] = {}

    def delta(self, call: dict[str, Any], choice: int) -> ToolCallDelta:
        function = call.get("function")
        if not isinstance(function, dict):
            function = {}
        call_id = str(call["id"]) if call.get("id") else None
        name = function.get("name") if isinstance(function.get("name"), str) and function["name"] else None
        at = self._find(call.get("index"), call_id, name)
        known = self._calls[at]
        new_id = call_id if known[0] is None else None
        new_name = name if known[1] is None else None
        if new_id:
            known[0] = new_id
            self._by_id[new_id] = at
        known[1] = known[1] or name
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        return ToolCallDelta(at, new_id, new_name, arguments, choice)

    def _find(self, index: Any, call_id: str | None, name: str | None) -> int:
        if call_id in self._by_id:
            return self._by_id[call_id or ""]
        if type(index) is int and index in self._by_index:
            at = self._by_index[index]
            if not (call_id and self._calls[at][0] and name):  # else: another call under an index in use
                return at
        elif type(index) is not int and call_id is None and name is None and self._calls:
            return len(self._calls) - 1
        self._calls.append([None, None])
        if type(index) is int:
            self._by_index[index] = len(self._calls) - 1
        return len(self._calls) - 1


def usage(raw: Any) -> UsageReport:
    """Usage in OpenAI's words, and in those of hosts that differ."""
    if not isinstance(raw, Mapping):
        return UsageReport(raw={"usage": raw})
    prompt = _mapping(raw.get("prompt_tokens_details"))
    completion = _mapping(raw.get("completion_tokens_details"))
    return UsageReport(
        input_tokens=_count(raw.get("prompt_tokens")),
        output_tokens=_count(raw.get("completion_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens", raw.get("prompt_cache_hit_tokens"))),
        reasoning_tokens=_count(completion.get("reasoning_tokens")),
        raw=raw,
    )


def messages(request_messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Messages in the shape of this wire."""
    return [_message(message) for message in request_messages]


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role}
    if all(isinstance(part, TextPart) for part in message.parts) and len(message.parts) <= 1:
        wire["content"] = message.text if message.parts or not message.tool_calls else None
    else:
        wire["content"] = [_part(part) for part in message.parts]
    if message.name is not None:
        wire["name"] = message.name
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        image = {"url": part.url} if part.detail is None else {"url": part.url, "detail": part.detail}
        return {"type": "image_url", "image_url": image}
    return dict(part.raw)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    return value if type(value) is int else None
