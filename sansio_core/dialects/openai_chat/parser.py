"""OpenAI's Chat Completions wire: platform.openai.com/docs/api-reference/chat-streaming, and what compatible hosts
make of it. The end is proven by a finish reason for every choice, or by `data: [DONE]`."""

from __future__ import annotations

from collections.abc import Mapping
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
from ..error_mapping import error_in, of_error
from ..forms import count, json_text, objects
from ..text_template import Templates
from .request import NAME

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
# What is read, and what is known to hold nothing of the answer: ids, times, figures about the serving, settings echoed.
_CHUNK_FIELDS = frozenset(
    {
        "id", "object", "created", "model", "choices", "usage", "error", "citations", "search_results", "x_groq",
        "service_tier", "system_fingerprint", "obfuscation", "p", "provider", "prompt_filter_results",
        "prompt_token_ids", "kv_transfer_params", "timings", "metrics", "stats", "x_request_id", "request_id",
        "type", "code", "message", "detail", "nonce",
    }
)  # fmt: skip
_CHOICE_FIELDS = frozenset(
    {
        "index", "delta", "message", "text", "finish_reason", "logprobs", "error", "stop_reason",
        "native_finish_reason", "matched_stop", "token_ids", "seed", "content_filter_results",
        "content_filter_result", "content_filter_offsets",
    }
)  # fmt: skip
_DELTA_FIELDS = frozenset(
    {
        "role", "content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call",
        "annotations", "reasoning_details", "name", "token_ids", "channel",
    }
)  # fmt: skip


_NO_CHOICE: frozenset[int] = frozenset()


class OpenAIChatParser(EventStreamParser):
    """Chat completion chunks, or one whole chat completion from a server that ignored `stream`."""

    text_fields = ("content", "reasoning_content", "reasoning")

    def __init__(self, max_frame_size: int = MAX_FRAME, templates: Templates | None = None) -> None:
        super().__init__(max_frame_size, templates)
        self._started = False
        self._open: dict[int, bool] = {}  # choice -> whether it still waits for its finish reason
        self._tools: dict[int, _ToolCalls] = {}
        self._refused = _NO_CHOICE  # choices that said why they will not answer
        self._told: dict[tuple[int, str], Any] = {}

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            self._no_chunk(event, value, out)
            return
        if not self._started and (value.get("id") or value.get("model")):
            self._started = True  # some hosts give every chunk a new id: the first is the answer's
            out.append(Started(_word(value.get("id")), _word(value.get("model"))))
        choices = value.get("choices")
        if choices and type(choices) is list:
            for choice in choices:
                self._choice(choice, out)
        elif not value.get("usage"):
            self._no_chunk(event, value, out)
        groq = value.get("x_groq")  # usage, or what went wrong: console.groq.com/docs/api-reference#chat-create
        groq = groq if isinstance(groq, dict) else {}
        if value.get("usage") or groq.get("usage"):
            out.append(usage(value.get("usage") or groq["usage"]))
        notes = [name for name in ("citations", "search_results") if value.get(name)]
        out += [Annotation({name: value[name]}) for name in notes if self._is_new(-1, name, value[name])]
        if not value.keys() <= _CHUNK_FIELDS and ("choices" in value or "usage" in value):
            self._others(-1, value, _CHUNK_FIELDS, out)
        for source in (value, groq):
            if source.get("error"):
                self._fail(of_error(error_in(source)), out)

    def _ready(self, choice: int) -> bool:
        return self._started and choice in self._open

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
        elif isinstance(delta, str) or isinstance(choice.get("text"), str):  # the older completions wire
            if text := delta or choice.get("text"):
                out.append(TextDelta(text, index))
        elif delta is not None:
            out.append(UnknownFrame(as_text(choice), "a delta that is no object"))
        if choice.get("logprobs"):
            out.append(Annotation({"logprobs": choice["logprobs"]}, index))
        if not choice.keys() <= _CHOICE_FIELDS:
            self._others(index, choice, _CHOICE_FIELDS, out)
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str) and self._open[index]:
            self._open[index] = False
            out.append(Finished(self._reason(reason, index), reason, index))
            self.complete = not any(self._open.values())
        if choice.get("error"):
            self._fail(of_error(error_in(choice)), out)

    def _delta(self, delta: dict[str, Any], index: int, out: list[ChatEvent]) -> None:
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")  # DeepSeek, vLLM | OpenRouter, Groq
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
        if delta.get("refusal"):
            self._refused |= {index}
            out.append(RefusalDelta(str(delta["refusal"]), index))
        calls = delta.get("tool_calls")
        if not calls and isinstance(delta.get("function_call"), dict):  # the older form, one call
            calls = [{"index": 0, "function": delta["function_call"]}]
        if calls:
            tools = self._tools.setdefault(index, _ToolCalls())
            for call in calls if isinstance(calls, list) else [calls]:
                if isinstance(call, dict):
                    out.append(tools.delta(call, index))
                else:
                    out.append(UnknownFrame(as_text(call), "a tool call that is no object"))
        out += [Annotation(note, index) for note in objects(delta.get("annotations"))]
        # OpenRouter: signatures and encrypted reasoning, wanted back on the next turn
        out += [NativeItem(NAME, detail, index) for detail in objects(delta.get("reasoning_details"))]
        if not delta.keys() <= _DELTA_FIELDS:  # audio, for one
            others = {name: value for name, value in delta.items() if name not in _DELTA_FIELDS and value}
            out += [UnknownFrame(as_text(others), "fields of another kind")] if others else []

    def _parts(self, content: Any, index: int, out: list[ChatEvent]) -> None:
        """Content as a list: Mistral's thinking models (docs.mistral.ai/capabilities/reasoning), and hosts' parts."""
        for part in content if isinstance(content, list) else [content]:
            match part:
                case {"type": "thinking", "thinking": thinking}:
                    pieces = thinking if isinstance(thinking, list) else [thinking]
                    text = "".join(str(piece.get("text") or "") for piece in objects(pieces))
                    text += "".join(piece for piece in pieces if isinstance(piece, str))
                    out += [ReasoningDelta(text, index)] if text else []
                case {"text": str(text)} | str(text):
                    out += [TextDelta(text, index)] if text else []
                case {"type": "refusal", "refusal": str(text)}:
                    self._refused |= {index}
                    out += [RefusalDelta(text, index)] if text else []
                case _:
                    out.append(UnknownFrame(as_text(part), "a content part of another kind"))

    def _reason(self, reason: str, index: int) -> FinishReason:
        """The finish reason in our words: some hosts say "stop" after tool calls, and all of them after a refusal."""
        meant = _REASONS.get(reason, "other")
        if meant == "stop" and index in self._tools:
            return "tool_calls"
        return "refusal" if meant == "stop" and index in self._refused else meant

    def _others(self, index: int, holder: dict[str, Any], known: frozenset[str], out: list[ChatEvent]) -> None:
        """Fields that no rule covers are told as they are, when they change."""
        others = {
            name: value
            for name, value in holder.items()
            if name not in known and value and self._is_new(index, name, value)
        }
        out += [UnknownFrame(as_text(others), "fields of another kind")] if others else []

    def _is_new(self, index: int, name: str, value: Any) -> bool:
        """Whether this differs from what the same field said last: some hosts repeat themselves in every chunk."""
        known = self._told.get((index, name))
        self._told[index, name] = value
        return bool(known != value)

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        super()._decode_bare(value, out)
        if not self.ended and isinstance(value, dict) and value.get("choices"):
            self._done(out)  # a whole completion is its own end

    def _done(self, out: list[ChatEvent]) -> None:
        out += [Finished(choice=index) for index, waits in (self._open or {0: True}).items() if waits]
        self.complete = self.ended = True


class _ToolCalls:
    """One choice's tool calls: which call a delta belongs to, and what of it is new.

    OpenAI numbers calls by `index` and sends id and name once. Other hosts repeat id and name, leave `index` out or
    always 0, give every delta a new id, send `id: ""`, `arguments: null`, or the arguments as an object. A call's own
    fields (ai.google.dev/gemini-api/docs/thought-signatures: `extra_content`) may come in a delta without the rest.
    """

    def __init__(self) -> None:
        self._calls: list[list[str | None]] = []  # id and name of each
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str, int] = {}

    def delta(self, call: dict[str, Any], choice: int) -> ToolCallDelta:
        function = call.get("function") or call.get("custom") or call  # a custom tool takes text, `input`
        if not isinstance(function, dict):
            function = {}
        call_id = _word(call.get("id"))
        name = function.get("name") if isinstance(function.get("name"), str) and function["name"] else None
        at = self._find(call.get("index"), call_id, name)
        known = self._calls[at]
        new_id = call_id if known[0] is None else None
        new_name = name if known[1] is None else None
        if new_id:
            known[0] = new_id
            self._by_id[new_id] = at
        known[1] = known[1] or name
        arguments = json_text(function.get("arguments", function.get("input")))
        return ToolCallDelta(at, new_id, new_name, arguments, choice, extra_fields(call))

    def _find(self, index: Any, call_id: str | None, name: str | None) -> int:
        if call_id is not None and call_id in self._by_id:
            return self._by_id[call_id]
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
        input_tokens=count(raw.get("prompt_tokens")),
        output_tokens=count(raw.get("completion_tokens")),
        cached_tokens=count(prompt.get("cached_tokens", raw.get("prompt_cache_hit_tokens"))),
        reasoning_tokens=count(completion.get("reasoning_tokens", raw.get("reasoning_tokens"))),
        raw=raw,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _word(value: Any) -> str | None:
    """An id or name, where there is one."""
    return str(value) if isinstance(value, (str, int)) and value and value is not True else None
