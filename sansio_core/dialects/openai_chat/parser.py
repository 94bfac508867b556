"""The answers of OpenAI's Chat Completions API, and of the hosts that imitate it.

developers.openai.com/api/docs/api-reference/chat/streaming. The end of an answer is proven by a finish reason for every
choice, or by `data: [DONE]`: some hosts send only the one, some only the other.
"""

from __future__ import annotations

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
    Started,
    TextDelta,
    UnknownFrame,
)
from ..base import MAX_FRAME, EventStreamParser, as_text
from ..error_mapping import error_in, of_error, of_event
from ..forms import nonempty, object_of, objects
from ..text_template import Templates
from .calls import ToolCalls, deprecated_call, id_of
from .quirks import NAME
from .usage import usage_of

# `finish_reason` of developers.openai.com/api/docs/api-reference/chat/object, and the words of hosts that differ
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
    "refusal": "refusal",
    "error": "error",
    "insufficient_system_resource": "error",  # DeepSeek
}
# What hosts say in every chunk about the answer: who gave it, and at which price.
_EVERY_CHUNK = ("service_tier", "system_fingerprint", "provider")
# The choices, those fields, and fields that hold nothing of the answer: ids, times, noise. `usage` is null in all
# chunks but the last one, where the request asks for it.
_USUAL_CHUNK_FIELDS = frozenset(
    {
        "id", "object", "created", "model", "choices", "usage", *_EVERY_CHUNK, "obfuscation", "p", "type", "code",
        "message", "detail", "nonce",
    }
)  # fmt: skip
# What else is said about the answer: by OpenAI (…/guides/moderation), Azure, vLLM, llama.cpp, SambaNova, LM Studio.
_ABOUT = (
    "moderation", "prompt_filter_results", "prompt_token_ids", "kv_transfer_params", "timings", "metrics", "stats",
    "x_request_id", "request_id",
)  # fmt: skip
_CHUNK_FIELDS = _USUAL_CHUNK_FIELDS | {*_ABOUT, "error", "citations", "search_results", "x_groq"}
_USUAL_CHOICE_FIELDS = frozenset({"index", "delta", "message", "text", "finish_reason", "logprobs", "error"})
# OpenRouter's and vLLM's own words for the end, and the filter of learn.microsoft.com/azure/ai-foundry/openai
_ABOUT_CHOICE = (
    "native_finish_reason", "stop_reason", "matched_stop", "seed", "content_filter_results", "content_filter_result",
    "content_filter_offsets",
)  # fmt: skip
_CHOICE_FIELDS = _USUAL_CHOICE_FIELDS | {*_ABOUT_CHOICE, "token_ids"}
# Fields whose first value is the answer's: some hosts give every chunk another one (see `_ANNOUNCED` of text_template).
_TOLD_ONCE = ("system_fingerprint", "request_id")
# The fields of a delta that brings text: nearly every delta has no other.
_TEXT_FIELDS = frozenset({"role", "content", "reasoning_content", "reasoning", "name", "token_ids", "channel"})
_DELTA_FIELDS = _TEXT_FIELDS | {
    "refusal", "tool_calls", "function_call", "annotations", "reasoning_details", "audio", "images"
}  # fmt: skip
_CALL_DELTA_FIELDS = _TEXT_FIELDS | {"refusal", "tool_calls", "function_call"}
_WHOLE_ANSWER = -1
"""In the place of a choice's index: the field stands beside all choices."""
_NO_CHOICE: frozenset[int] = frozenset()  # one for all parsers, as most never need another


class OpenAIChatParser(EventStreamParser):
    """Chat completion chunks, or one whole chat completion from a server that ignored `stream`."""

    text_fields = ("content", "reasoning_content", "reasoning")

    def __init__(self, max_frame_size: int = MAX_FRAME, templates: Templates | None = None) -> None:
        super().__init__(max_frame_size, templates)
        self._started = False
        self._open: dict[int, bool] = {}  # by choice: whether its finish reason is still to come
        self._tools: dict[int, ToolCalls] = {}
        self._declined = _NO_CHOICE  # the choices in which the model declined
        self._seen: dict[tuple[int, str], Any] = {}  # by choice and field: the last value of a field that may repeat
        self._said: tuple[Any, ...] = (None, None, None)  # the last values of _EVERY_CHUNK
        self._tier: str | None = None
        self._sounds: dict[int, dict[str, Any]] | None = None  # by choice: what is known of an answer that is spoken

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            self._no_chunk(event, value, out)
            return
        if not self._started:
            self._start(value, out)
        said = value.get("service_tier"), value.get("system_fingerprint"), value.get("provider")
        if said != self._said:
            self._said = said
            self._tier = nonempty(said[0]) or self._tier
            self._about(_WHOLE_ANSWER, value, _EVERY_CHUNK, out)
        choices = value.get("choices")
        if choices and type(choices) is list:
            for choice in choices:
                self._choice(choice, out)
        elif not value.get("usage"):  # the last chunk has usage and no choice
            self._no_chunk(event, value, out)
        if value.get("usage") or not value.keys() <= _USUAL_CHUNK_FIELDS:
            self._beside_choices(value, out)

    def _start(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        if value.get("id") or value.get("model"):
            self._started = True  # some hosts give every chunk a new id: the first is the answer's
            out.append(Started(id_of(value.get("id")), id_of(value.get("model"))))

    def _beside_choices(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """What a chunk says of the whole answer."""
        # console.groq.com/docs/api-reference#chat-create: usage, or what went wrong, in an object of Groq's own
        groq = object_of(value.get("x_groq"))
        if figures := value.get("usage") or groq.get("usage"):
            out.append(usage_of(figures, self._tier))
        # docs.perplexity.ai/api-reference/chat-completions-post
        out += [
            Annotation({name: value[name]})
            for name in ("citations", "search_results")
            if value.get(name) and self._is_new(_WHOLE_ANSWER, name, value[name])
        ]
        self._about(_WHOLE_ANSWER, value, _ABOUT, out)
        if about := {name: fact for name, fact in groq.items() if name not in ("usage", "error") and fact}:
            self._about(_WHOLE_ANSWER, {"x_groq": about}, ("x_groq",), out)
        if "choices" in value or "usage" in value:
            self._others(_WHOLE_ANSWER, value, _CHUNK_FIELDS, out)
        for source in (value, groq):
            if source.get("error"):
                self._fail(of_error(error_in(source)), out)

    def _ready(self, choice: int) -> bool:
        return self._started and choice in self._open

    def _no_chunk(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        error = of_event(event, value)
        if error is not None:
            self._fail(error, out)
        # `choices: []` is a chunk that says nothing: Azure sends its filter's results in one, before the answer
        elif not (isinstance(value, dict) and "choices" in value):
            out.append(UnknownFrame(as_text(value), "no chat completion chunk"))

    # --- choices -------------------------------------------------------------------------------------------------

    def _choice(self, choice: Any, out: list[ChatEvent]) -> None:
        if type(choice) is not dict:
            out.append(UnknownFrame(as_text(choice), "a choice that is no object"))
            return
        index = choice.get("index")
        if type(index) is not int:  # some hosts leave it out
            index = 0
        if index not in self._open:
            self._open[index] = True
            self.complete = False  # all choices that had begun may have finished, but this one has not
        delta = choice.get("delta")
        if type(delta) is dict:
            self._delta(delta, index, out)
        else:
            self._no_delta(choice, index, out)
        if choice.get("logprobs"):
            out.append(Annotation({"logprobs": choice["logprobs"]}, index))
        if not choice.keys() <= _USUAL_CHOICE_FIELDS:
            self._about(index, choice, _ABOUT_CHOICE, out)
            self._others(index, choice, _CHOICE_FIELDS, out)
        if choice.get("finish_reason"):
            self._finish(choice["finish_reason"], index, out)
        if choice.get("error"):
            self._fail(of_error(error_in(choice)), out)

    def _no_delta(self, choice: dict[str, Any], index: int, out: list[ChatEvent]) -> None:
        """A choice of a whole completion, which has a `message`, or of the older completions API, with its `text`."""
        delta, text = choice.get("delta"), choice.get("text")
        if delta is None:
            delta = choice.get("message")
        if isinstance(delta, dict):
            self._delta(delta, index, out)
        elif isinstance(delta, str) or isinstance(text, str):
            if said := nonempty(delta) or nonempty(text):
                out.append(TextDelta(said, index))
        elif delta is not None:
            out.append(UnknownFrame(as_text(choice), "a delta that is no object"))

    def _finish(self, word: Any, index: int, out: list[ChatEvent]) -> None:
        # only the first finish reason counts: some hosts send another chunk after it, with a second one
        if isinstance(word, str) and self._open[index]:
            self._open[index] = False
            self._sound_ends(index, out)
            out.append(Finished(self._reason(word, index), word, index))
            self.complete = not any(self._open.values())

    def _reason(self, word: str, index: int) -> FinishReason:
        """Some hosts say "stop" after tool calls, and all of them say it after the model declined to answer."""
        reason = _REASONS.get(word, "other")
        if reason == "stop" and index in self._tools:
            return "tool_calls"
        return "refusal" if reason == "stop" and index in self._declined else reason

    # --- deltas --------------------------------------------------------------------------------------------------

    def _delta(self, delta: dict[str, Any], index: int, out: list[ChatEvent]) -> None:
        # api-docs.deepseek.com/guides/reasoning_model, vLLM | openrouter.ai/docs/use-cases/reasoning-tokens, Groq
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if reasoning and isinstance(reasoning, str):
            out.append(ReasoningDelta(reasoning, index))
        elif reasoning:
            out.append(UnknownFrame(as_text(reasoning), "reasoning that is no text"))
        content = delta.get("content")
        if type(content) is str:
            if content:
                out.append(TextDelta(content, index))
        elif content:
            self._parts(content, index, out)
        if not delta.keys() <= _TEXT_FIELDS:
            self._beside_text(delta, index, out)

    def _beside_text(self, delta: dict[str, Any], index: int, out: list[ChatEvent]) -> None:
        if delta.get("refusal"):
            self._declined |= {index}
            out.append(RefusalDelta(str(delta["refusal"]), index))
        if calls := delta.get("tool_calls") or deprecated_call(delta.get("function_call")):
            self._tool_calls(calls, index, out)
        if not delta.keys() <= _CALL_DELTA_FIELDS:
            out += [Annotation(note, index) for note in objects(delta.get("annotations"))]
            # openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks: signatures and encrypted
            # reasoning, which the provider wants back on the next turn
            out += [NativeItem(NAME, detail, index) for detail in objects(delta.get("reasoning_details"))]
            if audio := object_of(delta.get("audio")):
                self._sound(audio, index, out)
            if delta.get("images"):  # openrouter.ai/docs/features/multimodal/image-generation
                out.append(NativeDelta(NAME, {"images": delta["images"]}, index))
            # each delta has another piece of what it brings, so that none is a repetition
            out += _unknown({name: value for name, value in delta.items() if name not in _DELTA_FIELDS and value})

    def _sound(self, audio: dict[str, Any], index: int, out: list[ChatEvent]) -> None:
        """A piece of a spoken answer, with its words: developers.openai.com/api/docs/guides/audio."""
        out.append(NativeDelta(NAME, {"audio": audio}, index))
        self._sounds = self._sounds or {}
        known = self._sounds.setdefault(index, {"type": "audio"})
        known |= {name: audio[name] for name in ("id", "expires_at") if audio.get(name)}
        if isinstance(said := audio.get("transcript"), str):
            known["transcript"] = known.get("transcript", "") + said

    def _sound_ends(self, index: int, out: list[ChatEvent]) -> None:
        """The answer as it goes back: by its id, which stands for the sound until it expires."""
        if self._sounds and (known := self._sounds.pop(index, None)) and "id" in known:
            out.append(NativeItem(NAME, known, index))

    def _tool_calls(self, calls: Any, index: int, out: list[ChatEvent]) -> None:
        tools = self._tools.setdefault(index, ToolCalls())
        for call in calls if isinstance(calls, list) else [calls]:  # some hosts send one call without a list
            if isinstance(call, dict):
                out.append(tools.delta(call, index))
            else:
                out.append(UnknownFrame(as_text(call), "a tool call that is no object"))

    def _parts(self, content: Any, index: int, out: list[ChatEvent]) -> None:
        """Content as a list: Mistral's thinking models (docs.mistral.ai/capabilities/reasoning), and hosts' parts."""
        kind: type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta]
        for part in content if isinstance(content, list) else [content]:
            match part:
                case {"type": "thinking", "thinking": thinking}:
                    kind, text = ReasoningDelta, _thinking_text(thinking)
                case {"text": str(text)} | str(text):
                    kind = TextDelta
                case {"type": "refusal", "refusal": str(text)}:
                    kind = RefusalDelta
                    self._declined |= {index}
                case _:
                    out.append(UnknownFrame(as_text(part), "a content part of another kind"))
                    continue
            if text:
                out.append(kind(text, index))

    # --- the rest ------------------------------------------------------------------------------------------------

    def _about(self, index: int, holder: dict[str, Any], names: tuple[str, ...], out: list[ChatEvent]) -> None:
        """One Metadata for those fields called `names` whose values are new."""
        said = {name: holder[name] for name in names if holder.get(name) and self._is_new(index, name, holder[name])}
        if said:
            out.append(Metadata(said, max(index, 0)))

    def _others(self, index: int, holder: dict[str, Any], known: frozenset[str], out: list[ChatEvent]) -> None:
        """One UnknownFrame for the fields that no rule covers: with their values, where those are new."""
        fields = [(name, value) for name, value in holder.items() if name not in known and value]
        out += _unknown({name: value for name, value in fields if self._is_new(index, name, value)})

    def _is_new(self, index: int, name: str, value: Any) -> bool:
        """Whether the field's last value differs: some hosts repeat citations and the like in every chunk."""
        known = self._seen.get((index, name))
        if known and name in _TOLD_ONCE:
            return False
        self._seen[index, name] = value
        return bool(known != value)

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        super()._decode_bare(value, out)
        if not self.ended and isinstance(value, dict) and value.get("choices"):
            self._done(out)  # a whole completion: no event can follow it

    def _done(self, out: list[ChatEvent]) -> None:
        # choices without a finish reason; and a stream of `[DONE]` alone is an answer too, of no text
        for index in [index for index, waits in (self._open or {0: True}).items() if waits]:
            self._sound_ends(index, out)
            out.append(Finished(choice=index))
        self.complete = self.ended = True


def _thinking_text(thinking: Any) -> str:
    """The text of a thinking part, whose pieces are objects with a text, or texts."""
    pieces = thinking if isinstance(thinking, list) else [thinking]
    text = "".join(str(piece.get("text") or "") for piece in objects(pieces))
    return text + "".join(piece for piece in pieces if isinstance(piece, str))


def _unknown(fields: dict[str, Any]) -> list[UnknownFrame]:
    return [UnknownFrame(as_text(fields), "fields of another kind")] if fields else []
