"""The answers of Ollama's own API: docs.ollama.com/api/chat and docs.ollama.com/api/generate.

`"done": true` proves the end of an answer.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...errors import ProviderRefused, ServerFailed
from ...events import (
    Annotation,
    ChatEvent,
    Finished,
    FinishReason,
    Metadata,
    NativeItem,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)
from ...tool_call import extra_fields
from ..base import as_text
from ..error_mapping import error_in, of_error
from ..forms import count, json_text, nonempty, objects
from ..json_lines import NDJSONChatParser
from .request import NAME

# github.com/ollama/ollama llm/server.go: DoneReason. Any other is "other", as "load" and "unload": with them the server
# answers a request without messages.
_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
_STRING = r"[ !#-\[\]-\U0010ffff]*"  # RFC 8259, section 7: unescaped


def _chunks(remote: str = "") -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The chunks of text, and those of thoughts, as Ollama itself writes them, field by field, without escapes.

    `remote` is the text of the fields that each chunk of a model of ollama.com has. Nearly all lines are such chunks
    (github.com/ollama/ollama api/types.go), and decoding one takes three times as long: 0.9 µs in place of 0.35.
    """
    head = rf'\{{"model":"{_STRING}",{re.escape(remote)}"created_at":"{_STRING}",'
    message, end = r'"message":\{"role":"assistant","content":"', r',"done":false\}'
    text = re.compile(rf'{head}(?:{message}({_STRING})"\}}|"response":"({_STRING})"){end}')
    return text, re.compile(rf'{head}{message}","thinking":"({_STRING})"\}}{end}')


_CHUNKS = _chunks()
_MESSAGE_FIELDS = frozenset({"role", "content", "thinking", "tool_calls"})
_FUNCTION_FIELDS = frozenset({"index", "name", "arguments"})
_OTHERS = "fields of another kind"
# When a chunk was made, `created_at`, differs in each, and is told by none; figures are those of usage.
_CHUNK_FIELDS = frozenset(
    {
        "model", "created_at", "message", "response", "thinking", "done", "done_reason", "logprobs", "error", "image",
        "total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration",
    }
)  # fmt: skip


class OllamaParser(NDJSONChatParser):
    """Chunks of /api/chat (`message`) and of /api/generate (`response`), or one whole answer.

    What comes after `done` is still read, because some servers say `done` twice, with the figures in the second. The
    first reason stays unless it was none or "stop": a server that has forgotten why it stopped says "stop".
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._started = False
        self._calls = 0
        self._finished: Finished | None = None
        self._figures: dict[str, Any] = {}
        self._metadata: dict[str, Any] = {}  # what was told of it
        self._chunks = _CHUNKS

    def _usual(self, line: str, out: list[ChatEvent]) -> bool:
        if not self._started:  # the first line is decoded, for the model's name
            return False
        texts, thoughts = self._chunks
        if chunk := texts.fullmatch(line):
            if text := chunk[1] or chunk[2]:
                out.append(TextDelta(text))
        elif '"thinking"' in line and (chunk := thoughts.fullmatch(line)) and (thinking := chunk[1]):
            out.append(ReasoningDelta(thinking))
        return chunk is not None

    def decode(self, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            self._no_chunk(value, out)
            return
        if not self._started and (model := nonempty(value.get("model"))):
            self._started = True
            out.append(Started(None, model))
        message = value.get("message")
        # A message may have tool calls and no text. With an `error` beside it, though, it is not part of an answer.
        known = type(message) is dict and "error" not in value
        if type(message) is not dict:
            message = _generated(value)
        if not (self._message(message, out) or known or value.get("done") is True):
            self._no_chunk(value, out)
            return
        if not _CHUNK_FIELDS.issuperset(value):
            self._tell_metadata(value, out)
        self._beside_text(message, value, out)

    def _message(self, message: dict[str, Any], out: list[ChatEvent]) -> bool:
        """Returns whether there is a field for the answer's text."""
        thinking, text = message.get("thinking"), message.get("content")
        if not _MESSAGE_FIELDS.issuperset(message):
            self._others(message, out, thoughts=not thinking)
        if thinking and type(thinking) is str:  # docs.ollama.com/capabilities/thinking
            out.append(ReasoningDelta(thinking))
        if text and type(text) is str:
            out.append(TextDelta(text))
        return type(text) is str

    def _others(self, message: dict[str, Any], out: list[ChatEvent], thoughts: bool) -> None:
        """The other fields of a message.

        Servers that imitate this API have their reasoning in the fields of OpenAI's hosts; some have it twice, which
        `thoughts` tells. What no rule knows is an UnknownFrame.
        """
        others = {name: value for name, value in message.items() if name not in _MESSAGE_FIELDS and value}
        for name in ("reasoning_content", "reasoning"):
            if type(others.get(name)) is str:
                text = others.pop(name)
                out += [ReasoningDelta(text)] if thoughts else []
        if "images" in others and _are_images(others["images"]):  # which go back in the next question
            out.append(NativeItem(NAME, {"images": others.pop("images")}))
        if others:
            out.append(UnknownFrame(as_text(others), _OTHERS))

    def _tell_metadata(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """What a chunk says besides: of models of ollama.com their name there, of /api/generate the `context`."""
        new = {
            name: said
            for name, said in value.items()
            if said is not None and said != self._metadata.get(name) and name not in _CHUNK_FIELDS
            and not _is_figure(name)
        }  # fmt: skip
        if new:
            self._metadata |= new
            out.append(Metadata(new))
        remote = {name: value[name] for name in ("remote_model", "remote_host") if name in value}
        if not remote.keys().isdisjoint(new):
            self._chunks = _chunks(json.dumps(remote, ensure_ascii=False, separators=(",", ":"))[1:-1] + ",")

    def _beside_text(self, message: dict[str, Any], value: dict[str, Any], out: list[ChatEvent]) -> None:
        # Before `_done`, which reports tool_calls as the reason only if there are calls.
        if message.get("tool_calls"):
            self._tool_calls(message["tool_calls"], out)
        if value.get("logprobs"):
            out.append(Annotation({"logprobs": value["logprobs"]}))
        if value.get("error"):  # what the chunk says besides is kept
            self._no_chunk(value, out)
        elif value.get("done") is True:
            self._done(value, out)

    def _no_chunk(self, value: Any, out: list[ChatEvent]) -> None:
        error = error_in(value)
        if error is None:
            out.append(UnknownFrame(as_text(value), "no chunk of an answer"))
            return
        fault = of_error(error)
        if type(fault) is ProviderRefused:
            # docs.ollama.com/api/errors: in mid-stream "the status code … will not be changed". Before the stream, the
            # status of an error that is a bare sentence would have been 500.
            fault = ServerFailed(None, fault.detail, code=fault.code, kind=fault.kind, param=fault.param)
        self.fail(fault, out)

    def _tool_calls(self, calls: Any, out: list[ChatEvent]) -> None:
        """docs.ollama.com/capabilities/tool-calling: each call comes whole, most often without an id."""
        for call in objects(calls):
            function = call.get("function")
            if type(function) is not dict:
                out.append(UnknownFrame(as_text(call), "a tool call without a function"))
                continue
            call_id, name = nonempty(call.get("id")), function.get("name")
            arguments = json_text(function.get("arguments"))
            name = name if isinstance(name, str) else None
            out.append(ToolCallDelta(self._calls, call_id, name, arguments, extra=extra_fields(call)))
            self._calls += 1
            if others := {field: said for field, said in function.items() if said and field not in _FUNCTION_FIELDS}:
                out.append(UnknownFrame(as_text({"function": others}), _OTHERS))

    def _done(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        self._report_usage(value, out)
        word = nonempty(value.get("done_reason"))
        earlier = self._finished.provider_reason if self._finished else None
        if earlier and (word is None or earlier != "stop"):  # else an answer cut at its length would seem finished
            word = earlier
        reason = _REASONS.get(word, "other") if word else None
        if self._calls and reason in ("stop", None):  # the API has no reason for calls: it says "stop"
            reason = "tool_calls"
        finished = Finished(reason, word)
        if finished != self._finished:
            self._finished = finished  # a second `done` that says nothing new is not reported
            out.append(finished)
        # Not `ended`, too: a second `done` may have the figures.
        self.complete = True

    def _report_usage(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """docs.ollama.com/api/usage: counts of tokens, durations in nanoseconds; the same figures are reported once."""
        figures = {name: figure for name, figure in value.items() if _is_figure(name)}
        if figures and figures != self._figures:
            # Merged, so that a second `done` with fewer figures takes none away.
            self._figures |= figures
            prompt, answer = self._figures.get("prompt_eval_count"), self._figures.get("eval_count")
            out.append(UsageReport(count(prompt), count(answer), raw=dict(self._figures)))  # a copy


def _generated(value: dict[str, Any]) -> dict[str, Any]:
    """A chunk of /api/generate as the message that it stands for."""
    message = {"content": value.get("response"), "thinking": value.get("thinking")}
    return message | ({"images": [value["image"]]} if value.get("image") else {})


def _are_images(images: Any) -> bool:
    return type(images) is list and all(type(image) is str for image in images)


def _is_figure(name: str) -> bool:
    return name.endswith(("_count", "_duration"))
