"""Ollama's own wire: docs.ollama.com/api/chat and /api/generate. The end is proven by `"done": true`."""

from __future__ import annotations

import re
from typing import Any

from ...errors import ProviderRefused, ServerFailed
from ...events import (
    Annotation,
    ChatEvent,
    Finished,
    FinishReason,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)
from ..base import MAX_FRAME, as_text
from ..error_mapping import error_in, of_error
from ..forms import count, json_text, objects
from ..json_lines import NDJSONChatParser

NAME = "ollama"

# github.com/ollama/ollama llm/server.go: DoneReason; "load" and "unload" answer a question without messages
_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
# A piece of text as Ollama itself writes it, field by field (github.com/ollama/ollama api/types.go), without escapes.
# Nearly all lines are such, and decoding one costs three times what this does. Measured: 0.35 µs in place of 0.9.
_STRING = r"[ !#-\[\]-\U0010ffff]*"  # RFC 8259, section 7: unescaped
_PIECE = re.compile(
    rf'\{{"model":"{_STRING}","created_at":"{_STRING}",'
    rf'(?:"message":\{{"role":"assistant","content":"({_STRING})"\}}|"response":"({_STRING})"),"done":false\}}'
)
_MESSAGE = frozenset({"role", "content", "thinking", "tool_calls"})


class OllamaParser(NDJSONChatParser):
    """Chunks of /api/chat (`message`) and of /api/generate (`response`), or one whole answer.

    What comes after `done` is still read: some servers say it twice, with the figures in the second. The first reason
    stays, unless it was none or "stop": that is what a server says which no longer knows why it stopped.
    """

    def __init__(self, max_frame_size: int = MAX_FRAME) -> None:
        super().__init__(max_frame_size)
        self._started = False
        self._calls = 0
        self._finished: Finished | None = None
        self._figures: dict[str, Any] = {}

    def _usual(self, line: str, out: list[ChatEvent]) -> bool:
        if not self._started or (piece := _PIECE.fullmatch(line)) is None:
            return False
        if text := piece[1] or piece[2]:
            out.append(TextDelta(text))
        return True

    def _decode(self, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            self._no_chunk(value, out)
            return
        if not self._started and (model := value.get("model")) and type(model) is str:
            self._started = True
            out.append(Started(None, model))
        message = value.get("message")
        if type(message) is dict:
            thinking, text = message.get("thinking"), message.get("content")
        else:
            thinking, text = value.get("thinking"), value.get("response")
        if thinking and type(thinking) is str:
            out.append(ReasoningDelta(thinking))
        if type(text) is str:
            if text:
                out.append(TextDelta(text))
            elif type(message) is dict and not thinking and not message.keys() <= _MESSAGE:
                self._others(message, out)
        elif value.get("done") is not True and (type(message) is not dict or "error" in value):
            self._no_chunk(value, out)
            return
        if type(message) is dict and message.get("tool_calls"):
            self._tool_calls(message["tool_calls"], out)
        if value.get("logprobs"):
            out.append(Annotation({"logprobs": value["logprobs"]}))
        if value.get("error"):
            self._no_chunk(value, out)
        elif value.get("done") is True:
            self._done(value, out)

    def _others(self, message: dict[str, Any], out: list[ChatEvent]) -> None:
        """A message without text: servers that imitate this wire think under OpenAI hosts' names; the rest is told."""
        others = {name: value for name, value in message.items() if name not in _MESSAGE and value}
        thoughts = [name for name in ("reasoning_content", "reasoning") if type(others.get(name)) is str]
        out += [ReasoningDelta(others.pop(name)) for name in thoughts]
        if others:
            out.append(UnknownFrame(as_text(others), "fields of another kind"))

    def _no_chunk(self, value: Any, out: list[ChatEvent]) -> None:
        error = error_in(value)
        if error is None:
            out.append(UnknownFrame(as_text(value), "no chunk of an answer"))
            return
        fault = of_error(error)
        if type(fault) is ProviderRefused:
            # docs.ollama.com/api/errors: in mid-stream "the status code … will not be changed"; it would have been 500
            fault = ServerFailed(None, fault.detail)
        self._fail(fault, out)

    def _tool_calls(self, calls: Any, out: list[ChatEvent]) -> None:
        """docs.ollama.com/capabilities/tool-calling: each call comes whole, most often without an id."""
        for call in objects(calls):
            function = call.get("function")
            if type(function) is not dict:
                out.append(UnknownFrame(as_text(call), "a tool call without a function"))
                continue
            call_id, name = call.get("id"), function.get("name")
            out.append(
                ToolCallDelta(
                    self._calls,
                    call_id if isinstance(call_id, str) and call_id else None,
                    name if isinstance(name, str) else None,
                    json_text(function.get("arguments")),
                )
            )
            self._calls += 1

    def _done(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        # docs.ollama.com/api/usage: counts of tokens, durations in nanoseconds
        figures = {key: figure for key, figure in value.items() if key.endswith(("_count", "_duration"))}
        if figures and figures != self._figures:
            self._figures |= figures
            prompt, answer = self._figures.get("prompt_eval_count"), self._figures.get("eval_count")
            out.append(UsageReport(count(prompt), count(answer), raw=dict(self._figures)))
        word = value.get("done_reason")
        word = word if isinstance(word, str) and word else None
        said = self._finished.provider_reason if self._finished else None
        if said and (word is None or said != "stop"):  # else an answer cut at its length would read as finished
            word = said
        reason = _REASONS.get(word, "other") if word else None
        if self._calls and reason in ("stop", None):  # the wire has no word of its own for it
            reason = "tool_calls"
        finished = Finished(reason, word)
        if finished != self._finished:
            self._finished = finished
            out.append(finished)
        self.complete = True
