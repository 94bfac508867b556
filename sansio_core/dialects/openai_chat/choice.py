"""The choices of an answer: what their deltas bring, what is said about them, and how they end."""

from __future__ import annotations

from collections.abc import Container
from types import NoneType
from typing import Any

from ...events import (
    Annotation,
    ChatEvent,
    Finished,
    FinishReason,
    Metadata,
    NativeDelta,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
)
from ...tool_call import extra_fields
from ..base import as_text
from ..forms import json_text, nonempty, object_of, objects
from .quirks import NAME

# `finish_reason` of developers.openai.com/api/docs/api-reference/chat/object, and the words of hosts that differ:
# "model_length" is Mistral's, "insufficient_system_resource" DeepSeek's.
_REASONS: dict[str, FinishReason] = {
    "stop": "stop", "eos": "stop", "end_turn": "stop", "stop_sequence": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "content_filter": "content_filter", "sensitive": "content_filter", "refusal": "refusal",
    "error": "error", "insufficient_system_resource": "error",
}  # fmt: skip
_USUAL_FIELDS = frozenset({"index", "delta", "message", "text", "finish_reason", "logprobs", "error", "token_ids"})
# OpenRouter's and vLLM's own words for the end, and the filter of learn.microsoft.com/azure/ai-foundry/openai
_ABOUT = (
    "native_finish_reason", "stop_reason", "matched_stop", "seed", "content_filter_results", "content_filter_result",
    "content_filter_offsets",
)  # fmt: skip
# The fields of a delta that brings text: nearly every delta has no other.
_TEXT_FIELDS = frozenset({"role", "content", "reasoning_content", "reasoning", "name", "token_ids", "channel"})
_CALL_FIELDS = _TEXT_FIELDS | {"refusal", "tool_calls", "function_call"}
_FUNCTION_FIELDS = frozenset({"name", "arguments", "input"})
_DELTA_FIELDS = _CALL_FIELDS | {"annotations", "reasoning_details", "audio", "images"}
# Fields whose first value is the answer's: some hosts give every chunk another one (see `_ANNOUNCED` of text_template).
_TOLD_ONCE = ("system_fingerprint", "request_id")
SOURCES = ("citations", "search_results")
"""Fields of docs.perplexity.ai/api-reference/chat-completions-post that are notes on the text."""
_OTHERS = "fields of another kind"


class Notes:
    """What is said about an answer or a choice: each value once, as some hosts repeat theirs in every chunk.

    `about` names the fields that become Metadata.
    """

    __slots__ = ("_about", "_choice", "last")

    def __init__(self, about: tuple[str, ...], choice: int = 0) -> None:
        self._about, self._choice = about, choice
        self.last: dict[str, Any] = {}

    def tell(self, fields: dict[str, Any], usual: Container[str], out: list[ChatEvent]) -> None:
        """Of the fields beside the `usual` ones, those whose values are not the last ones."""
        new = {name: value for name, value in fields.items() if name not in usual and self._is_new(name, value)}
        out += [Annotation({name: new.pop(name)}, self._choice) for name in SOURCES if name in new]
        if about := {name: new.pop(name) for name in self._about if name in new}:
            out.append(Metadata(about, self._choice))
        if new:  # which no rule covers
            out.append(UnknownFrame(as_text(new), _OTHERS))

    def _is_new(self, name: str, value: Any) -> bool:
        last = self.last.get(name)
        if not value or (last and name in _TOLD_ONCE):
            return False
        self.last[name] = value
        return bool(last != value)


class Choice:
    """One choice of an answer."""

    # Members that few answers need are None until the first event for them, as those of Reply.
    __slots__ = ("_calls", "_images", "_notes", "_sound", "_stop", "index", "open")

    def __init__(self, index: int) -> None:
        self.index = index
        self.open = True  # the finish reason is still to come
        self._calls: ToolCalls | None = None
        self._notes: Notes | None = None
        self._sound: dict[str, Any] | None = None  # what is known of an answer that is spoken
        self._images: list[Any] | None = None  # those that the model made
        # What the word "stop" means: some hosts say it after tool calls, and all of them after a refusal.
        self._stop: FinishReason = "stop"

    def read(self, choice: dict[str, Any], out: list[ChatEvent]) -> None:
        """One more chunk's object of this choice."""
        delta = choice.get("delta")
        if type(delta) is not dict:
            delta = self._instead_of_delta(choice, out)
        # api-docs.deepseek.com/guides/reasoning_model, vLLM | openrouter.ai/docs/use-cases/reasoning-tokens, Groq
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            self._reasoning(reasoning, out)
        content = delta.get("content")
        if type(content) is str:
            if content:
                out.append(TextDelta(content, self.index))
        elif content:
            self._parts(content, out)
        if not delta.keys() <= _TEXT_FIELDS:
            self._beside_text(delta, out)
        if choice.get("logprobs"):
            out.append(Annotation({"logprobs": choice["logprobs"]}, self.index))
        if not choice.keys() <= _USUAL_FIELDS:
            self._about(choice, out)

    def finish(self, word: Any, out: list[ChatEvent]) -> None:
        """The end, with the host's `word` for its reason; None where the stream ended without one."""
        # only the first finish reason counts: some hosts send another chunk after it, with a second one
        if not self.open or not isinstance(word, (str, NoneType)):
            return
        self.open = False
        if self._sound and "id" in self._sound:
            # the answer goes back by this id, which stands for the sound until it expires
            out.append(NativeItem(NAME, dict(self._sound), self.index))
        if self._images:
            out.append(NativeItem(NAME, {"type": "images", "images": self._images}, self.index))
        reason = _REASONS.get(word, "other") if word else None
        out.append(Finished(self._stop if reason == "stop" else reason, word, self.index))

    def _about(self, choice: dict[str, Any], out: list[ChatEvent]) -> None:
        self._notes = self._notes or Notes(_ABOUT, self.index)
        self._notes.tell(choice, _USUAL_FIELDS, out)

    def _instead_of_delta(self, choice: dict[str, Any], out: list[ChatEvent]) -> dict[str, Any]:
        """The `message` of a whole completion, or the `text` of the older completions API."""
        delta, text = choice.get("delta"), choice.get("text")
        if delta is None:
            delta = choice.get("message")
        if isinstance(delta, dict):
            return delta
        if isinstance(delta, str) or isinstance(text, str):
            return {"content": nonempty(delta) or nonempty(text)}
        if delta is not None:
            out.append(UnknownFrame(as_text(choice), "a delta that is no object"))
        return {}

    def _reasoning(self, reasoning: Any, out: list[ChatEvent]) -> None:
        if isinstance(reasoning, str):
            out.append(ReasoningDelta(reasoning, self.index))
        else:
            out.append(UnknownFrame(as_text(reasoning), "reasoning that is no text"))

    def _parts(self, content: Any, out: list[ChatEvent]) -> None:
        """Content as a list: Mistral's thinking models (docs.mistral.ai/capabilities/reasoning), and hosts' parts."""
        for part in content if isinstance(content, list) else [content]:
            match part:
                case {"type": "thinking", "thinking": thinking}:
                    if text := _thinking_text(thinking):
                        out.append(ReasoningDelta(text, self.index))
                case {"text": str(text)} | str(text):
                    if text:
                        out.append(TextDelta(text, self.index))
                case {"type": "refusal", "refusal": str(text)}:
                    self._refusal(text, out)
                case _:
                    out.append(UnknownFrame(as_text(part), "a content part of another kind"))

    def _beside_text(self, delta: dict[str, Any], out: list[ChatEvent]) -> None:
        if delta.get("refusal"):
            self._refusal(str(delta["refusal"]), out)
        function = delta.get("function_call")  # the field before `tool_calls`, of one call
        one = {"index": 0, "function": function} if isinstance(function, dict) else None
        if calls := delta.get("tool_calls") or one:
            self._tool_calls(calls, out)
        if not delta.keys() <= _CALL_FIELDS:
            self._rest(delta, out)

    def _refusal(self, text: str, out: list[ChatEvent]) -> None:
        if self._stop == "stop":
            self._stop = "refusal"
        if text:
            out.append(RefusalDelta(text, self.index))

    def _tool_calls(self, calls: Any, out: list[ChatEvent]) -> None:
        self._stop = "tool_calls"
        known = self._calls = self._calls or ToolCalls()
        for call in calls if isinstance(calls, list) else [calls]:  # some hosts send one call without a list
            if isinstance(call, dict):
                out.append(known.delta(call, self.index))
                function = call.get("function")
                if type(function) is dict and len(function) > 1 and not function.keys() <= _FUNCTION_FIELDS:
                    others = {name: value for name, value in function.items() if name not in _FUNCTION_FIELDS}
                    out.append(UnknownFrame(as_text({"function": others}), _OTHERS))
            else:
                out.append(UnknownFrame(as_text(call), "a tool call that is no object"))

    def _rest(self, delta: dict[str, Any], out: list[ChatEvent]) -> None:
        out += [Annotation(note, self.index) for note in objects(delta.get("annotations"))]
        # openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks: signatures and encrypted reasoning,
        # which the provider wants back on the next turn
        out += [NativeItem(NAME, detail, self.index) for detail in objects(delta.get("reasoning_details"))]
        if audio := object_of(delta.get("audio")):
            out.append(NativeDelta(NAME, {"audio": audio}, self.index))
            self._hear(audio, out)
        if images := delta.get("images"):  # openrouter.ai/docs/features/multimodal/image-generation
            out.append(NativeDelta(NAME, {"images": images}, self.index))
            self._images = [*(self._images or ()), *objects(images)]
        # each delta has another piece of what it brings, so that none is a repetition
        if others := {name: value for name, value in delta.items() if name not in _DELTA_FIELDS and value}:
            out.append(UnknownFrame(as_text(others), _OTHERS))

    def _hear(self, audio: dict[str, Any], out: list[ChatEvent]) -> None:
        """A piece of a spoken answer, with its words: developers.openai.com/api/docs/guides/audio."""
        sound = self._sound = self._sound or {"type": "audio"}
        sound |= {name: audio[name] for name in ("id", "expires_at") if audio.get(name)}
        if said := nonempty(audio.get("transcript")):
            sound["transcript"] = sound.get("transcript", "") + said
            out.append(TextDelta(said, self.index))


class ToolCalls:
    """One choice's tool calls: which of them a delta belongs to, and what in the delta is new.

    OpenAI numbers calls by `index` and sends id and name once. Other hosts repeat id and name, leave `index` out or
    always send 0, give every delta a new id, send `id: ""`, `arguments: null`, or the arguments as an object. A field
    of the call's own (ai.google.dev/gemini-api/docs/thought-signatures: `extra_content`) may come in a delta without
    the rest.
    """

    __slots__ = ("_by_id", "_by_index", "_calls")

    def __init__(self) -> None:
        self._calls: list[tuple[str | None, str | None]] = []  # the id and the name of each
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str | None, int] = {}

    def delta(self, call: dict[str, Any], choice: int) -> ToolCallDelta:
        # developers.openai.com/api/docs/guides/function-calling#custom-tools: a custom tool takes text, as its `input`.
        # Some hosts have the name and the arguments beside the id, without an object for the function.
        function = object_of(call.get("function") or call.get("custom") or call)
        call_id, name = id_of(call.get("id")), nonempty(function.get("name"))
        at = self._find(call.get("index"), call_id, name)
        known = self._calls[at]
        # an event has the id and the name once, so that whoever joins them gets each whole
        new_id = call_id if known[0] is None else None
        new_name = name if known[1] is None else None
        if new_id:
            self._by_id[new_id] = at
        self._calls[at] = known[0] or call_id, known[1] or name
        arguments = json_text(function.get("arguments", function.get("input")))
        custom = call.get("type") == "custom" or "custom" in call
        return ToolCallDelta(at, new_id, new_name, arguments, choice, extra_fields(call), custom)

    def _find(self, index: Any, call_id: str | None, name: str | None) -> int:
        """The place of a delta's call: found by its id, else by its index; a new place for a new call."""
        at = self._by_id.get(call_id)
        if at is not None:
            return at
        if type(index) is not int:  # what has no index, no id and no name can only go on with the last call
            goes_on = call_id is None and name is None and self._calls
            return len(self._calls) - 1 if goes_on else self._add()
        at = self._by_index.get(index)
        # another id with a name is another call, on hosts that number every call 0; another id alone is none
        if at is None or (call_id and name and self._calls[at][0]):
            at = self._by_index[index] = self._add()
        return at

    def _add(self) -> int:
        self._calls.append((None, None))
        return len(self._calls) - 1


def id_of(value: Any) -> str | None:
    """An id or a model's name; hosts send "" for none, and some send numbers."""
    return str(value) if isinstance(value, (str, int)) and value and value is not True else None


def _thinking_text(thinking: Any) -> str:
    """The text of a thinking part, whose pieces are objects with a text, or texts."""
    pieces = thinking if isinstance(thinking, list) else [thinking]
    return "".join(piece if isinstance(piece, str) else str(object_of(piece).get("text") or "") for piece in pieces)
