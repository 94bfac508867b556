"""The answers of OpenAI's Chat Completions API, and of the hosts that imitate it.

platform.openai.com/docs/api-reference/chat-streaming. The end of an answer is proven by a finish reason for every
choice, or by `data: [DONE]`: some hosts send only the one, some only the other.
"""

from __future__ import annotations

from typing import Any

from ...events import (
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
from ...request import extra_fields
from ..base import MAX_FRAME, EventStreamParser, as_text
from ..error_mapping import error_in, of_error, of_event
from ..forms import count, json_text, nonempty, object_of, objects
from ..text_template import Templates
from .quirks import NAME

# `finish_reason` of platform.openai.com/docs/api-reference/chat/object, and the words of hosts that differ
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
# The choices, and fields that hold nothing of the answer: ids, times, figures about the serving, the settings of the
# request. `usage` is null in all chunks but the last one, where the request asks for it.
_USUAL_CHUNK_FIELDS = frozenset(
    {
        "id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint", "obfuscation",
        "p", "provider", "prompt_filter_results", "prompt_token_ids", "kv_transfer_params", "timings", "metrics",
        "stats", "x_request_id", "request_id", "type", "code", "message", "detail", "nonce",
    }
)  # fmt: skip
_CHUNK_FIELDS = _USUAL_CHUNK_FIELDS | {"error", "citations", "search_results", "x_groq"}
_CHOICE_FIELDS = frozenset(
    {
        "index", "delta", "message", "text", "finish_reason", "logprobs", "error", "stop_reason",
        "native_finish_reason", "matched_stop", "token_ids", "seed", "content_filter_results",
        "content_filter_result", "content_filter_offsets",
    }
)  # fmt: skip
# The fields of a delta that brings text: nearly every delta has no other.
_TEXT_FIELDS = frozenset({"role", "content", "reasoning_content", "reasoning", "name", "token_ids", "channel"})
_DELTA_FIELDS = _TEXT_FIELDS | {"refusal", "tool_calls", "function_call", "annotations", "reasoning_details"}
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
        self._tools: dict[int, _ToolCalls] = {}
        self._declined = _NO_CHOICE  # the choices in which the model declined
        self._seen: dict[tuple[int, str], Any] = {}  # by choice and field: the last value of a field that may repeat

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            self._no_chunk(event, value, out)
            return
        if not self._started:
            self._start(value, out)
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
            out.append(Started(_id(value.get("id")), _id(value.get("model"))))

    def _beside_choices(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """What a chunk says of the whole answer."""
        # console.groq.com/docs/api-reference#chat-create: usage, or what went wrong, in an object of Groq's own
        groq = object_of(value.get("x_groq"))
        if figures := value.get("usage") or groq.get("usage"):
            out.append(usage(figures))
        # docs.perplexity.ai/api-reference/chat-completions-post
        out += [
            Annotation({name: value[name]})
            for name in ("citations", "search_results")
            if value.get(name) and self._is_new(_WHOLE_ANSWER, name, value[name])
        ]
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
        if not choice.keys() <= _CHOICE_FIELDS:
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
        if calls := delta.get("tool_calls") or _deprecated_call(delta.get("function_call")):
            self._tool_calls(calls, index, out)
        if not delta.keys() <= _CALL_DELTA_FIELDS:
            out += [Annotation(note, index) for note in objects(delta.get("annotations"))]
            # openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks: signatures and encrypted
            # reasoning, which the provider wants back on the next turn
            out += [NativeItem(NAME, detail, index) for detail in objects(delta.get("reasoning_details"))]
            others = {name: value for name, value in delta.items() if name not in _DELTA_FIELDS and value}
            out += _unknown(others)  # audio, for one; each delta has another piece of it, so none is a repetition

    def _tool_calls(self, calls: Any, index: int, out: list[ChatEvent]) -> None:
        tools = self._tools.setdefault(index, _ToolCalls())
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

    def _others(self, index: int, holder: dict[str, Any], known: frozenset[str], out: list[ChatEvent]) -> None:
        """One UnknownFrame for the fields that no rule covers: with their values, where those are new."""
        fields = [(name, value) for name, value in holder.items() if name not in known and value]
        out += _unknown({name: value for name, value in fields if self._is_new(index, name, value)})

    def _is_new(self, index: int, name: str, value: Any) -> bool:
        """Whether the field's last value differs: some hosts repeat citations and the like in every chunk."""
        known = self._seen.get((index, name))
        self._seen[index, name] = value
        return bool(known != value)

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        super()._decode_bare(value, out)
        if not self.ended and isinstance(value, dict) and value.get("choices"):
            self._done(out)  # a whole completion: no event can follow it

    def _done(self, out: list[ChatEvent]) -> None:
        # choices without a finish reason; and a stream of `[DONE]` alone is an answer too, of no text
        out += [Finished(choice=index) for index, waits in (self._open or {0: True}).items() if waits]
        self.complete = self.ended = True


class _ToolCalls:
    """One choice's tool calls: which of them a delta belongs to, and what in the delta is new.

    OpenAI numbers calls by `index` and sends id and name once. Other hosts repeat id and name, leave `index` out or
    always send 0, give every delta a new id, send `id: ""`, `arguments: null`, or the arguments as an object. A field
    of the call's own (ai.google.dev/gemini-api/docs/thought-signatures: `extra_content`) may come in a delta without
    the rest.
    """

    def __init__(self) -> None:
        self._calls: list[list[str | None]] = []  # the id and the name of each
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str | None, int] = {}

    def delta(self, call: dict[str, Any], choice: int) -> ToolCallDelta:
        # platform.openai.com/docs/guides/function-calling#custom-tools: a custom tool takes text, as its `input`.
        # Some hosts have the name and the arguments beside the id, without an object for the function.
        function = object_of(call.get("function") or call.get("custom") or call)
        call_id, name = _id(call.get("id")), nonempty(function.get("name"))
        at = self._find(call.get("index"), call_id, name)
        known = self._calls[at]
        # an event has the id and the name once, so that whoever joins them gets each whole
        new_id = call_id if known[0] is None else None
        new_name = name if known[1] is None else None
        if new_id:
            known[0] = new_id
            self._by_id[new_id] = at
        known[1] = known[1] or name
        arguments = json_text(function.get("arguments", function.get("input")))
        return ToolCallDelta(at, new_id, new_name, arguments, choice, extra_fields(call))

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
        self._calls.append([None, None])
        return len(self._calls) - 1


def usage(raw: Any) -> UsageReport:
    """The figures of platform.openai.com/docs/api-reference/chat/object, or of hosts whose names differ."""
    if not isinstance(raw, dict):
        return UsageReport(raw={"usage": raw})
    prompt = object_of(raw.get("prompt_tokens_details"))
    completion = object_of(raw.get("completion_tokens_details"))
    return UsageReport(
        input_tokens=count(raw.get("prompt_tokens")),
        output_tokens=count(raw.get("completion_tokens")),
        # api-docs.deepseek.com/guides/kv_cache
        cached_tokens=count(prompt.get("cached_tokens", raw.get("prompt_cache_hit_tokens"))),
        reasoning_tokens=count(completion.get("reasoning_tokens", raw.get("reasoning_tokens"))),
        raw=raw,
    )


def _thinking_text(thinking: Any) -> str:
    """The text of a thinking part, whose pieces are objects with a text, or texts."""
    pieces = thinking if isinstance(thinking, list) else [thinking]
    text = "".join(str(piece.get("text") or "") for piece in objects(pieces))
    return text + "".join(piece for piece in pieces if isinstance(piece, str))


def _deprecated_call(function: Any) -> list[Any]:
    """The one call of `function_call`, the field before `tool_calls`, as a delta of `tool_calls` would have it."""
    return [{"index": 0, "function": function}] if isinstance(function, dict) else []


def _unknown(fields: dict[str, Any]) -> list[UnknownFrame]:
    return [UnknownFrame(as_text(fields), "fields of another kind")] if fields else []


def _id(value: Any) -> str | None:
    """An id or a model's name; hosts send "" for none, and some send numbers."""
    return str(value) if isinstance(value, (str, int)) and value and value is not True else None
