"""Anthropic's Messages wire: platform.claude.com/docs/en/build-with-claude/streaming. The end is proven by
`message_stop`; a stop reason without it is an answer that was cut."""

from __future__ import annotations

import json
from typing import Any

from ...errors import ChatError, ProtocolViolation
from ...events import (
    Annotation,
    ChatEvent,
    Failed,
    Finished,
    FinishReason,
    KeepAlive,
    NativeItem,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)
from ...partial_json import parse_partial
from ..base import MAX_FRAME, EventStreamParser, as_text
from ..error_mapping import error_in, of_error
from ..forms import count, json_text, objects
from ..text_template import Templates

NAME = "anthropic"

# platform.claude.com/docs/en/build-with-claude/handling-stop-reasons; pause_turn and what is new are "other"
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
# the texts of a delta, and which field of its block each goes on with ("Content block delta types")
_FIELDS: dict[str, dict[str, str]] = {
    "text_delta": {"text": "text"},
    "thinking_delta": {"thinking": "thinking"},
    "signature_delta": {"signature": "signature"},
    "input_json_delta": {"partial_json": "input"},
    # platform.claude.com/docs/en/build-with-claude/compaction: the summary in one delta; null where it failed
    "compaction_delta": {"content": "content", "encrypted_content": "encrypted_content"},
}
_READ = frozenset({"type", "id", "role", "model", "content", "usage", "delta", "stop_reason"})
"""Fields of a message and of its last delta that are no notes on it."""


class AnthropicParser(EventStreamParser):
    """Message events, told apart by the `type` in their data, or one whole message where `stream` was ignored.

    Blocks may overlap, and their stops be missing. Each block is given as a NativeItem once it and those before it
    ended: in the order in which they have to go back.
    """

    text_fields = ("text", "thinking")
    keeps_text = True

    def __init__(self, max_frame_size: int = MAX_FRAME, templates: Templates | None = None) -> None:
        super().__init__(max_frame_size, templates)
        self._id: Any = None
        self._started = False
        self._open: dict[int, _Block] = {}
        self._writing: list[str] = []  # what the last delta's text was added to
        self._order: list[_Block] = []  # every block that is not given out yet
        self._last = -1  # the index of the block begun last, for hosts that leave indexes out
        self._calls = 0
        self._usage: dict[str, Any] = {}
        self._reason: str | None = None

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is dict:
            kind = value.get("type") or event
            if kind == "content_block_delta":
                self._delta(value, out)
                return
            match kind:
                case "content_block_start" if type(value.get("content_block")) is dict:
                    self._start(value.get("index"), value["content_block"], out)
                case "content_block_stop":
                    self._stop(value.get("index"), out)
                case "message_start" if type(value.get("message")) is dict:
                    self._message_start(value["message"], out)
                case "message_delta":
                    self._message_delta(value, out)
                case "message_stop":
                    self._message_stop(out)
                case "ping":
                    out.append(KeepAlive("ping"))
                case "message" if "content" in value:
                    self._whole(value, out)
                case _:
                    self._no_event(kind, value, out)
        else:
            self._no_event(event, value, out)

    def _goes_on(self, frame: Any, out: list[ChatEvent]) -> None:
        self._writing.append(frame[1].text)

    def _no_event(self, kind: Any, value: Any, out: list[ChatEvent]) -> None:
        # "Error events": in a stream they take the place of the status, as 529 for overloaded_error
        error = error_in(value)
        if error is None and kind == "error":
            error = value
        if error is None:
            out.append(UnknownFrame(as_text(value), "no event of a message"))
        else:
            self._fail(of_error(error), out)

    def _delta(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        delta, index = value.get("delta"), value.get("index")
        if type(delta) is dict:
            kind = delta.get("type")
            block = self._open.get(index if type(index) is int else self._last)
            if kind == "text_delta" and block is not None and type(text := delta.get("text")) is str:
                self._writing = block.text
                block.text.append(text)
                if text:
                    out.append(TextDelta(text))
                return
            if block is None and kind in ("text_delta", "thinking_delta"):
                field = kind.removesuffix("_delta")
                block = self._start(index, {"type": field, field: ""}, out)
            if block is not None and self._grow(block, kind, delta, out):
                return
        out.append(UnknownFrame(as_text(value), "a delta of another kind"))

    def _grow(self, block: _Block, kind: Any, delta: dict[str, Any], out: list[ChatEvent]) -> bool:
        """Take in a delta; False where no rule covers it."""
        if kind == "citations_delta" and type(citation := delta.get("citation")) is dict:
            block.citations.append(citation)
            out.append(Annotation(citation))
            return True
        covered = False
        for name, field in _FIELDS.get(kind, {}).items() if isinstance(kind, str) else ():
            text = delta.get(name)
            if type(text) is str:
                covered = True
                self._writing = block.pieces.setdefault(field, [])
                self._writing.append(text)
                if text:
                    self._tell(block, field, text, out)
            elif text is None and name in delta and kind == "compaction_delta":
                covered = True
                block.content[field] = block.content.get(field) or None  # the API does not take "" back here
        return covered

    def _tell(self, block: _Block, field: str, text: str, out: list[ChatEvent]) -> None:
        if field == "thinking":
            out.append(ReasoningDelta(text))
        elif field == "text":
            out.append(TextDelta(text))
        elif field == "input" and block.call is not None:
            out.append(ToolCallDelta(block.call, arguments=text))

    def _start(self, index: Any, content: dict[str, Any], out: list[ChatEvent]) -> _Block:
        if type(index) is not int:
            index = self._last + 1
        self._stop(index, out)
        self._last = index
        block = self._open[index] = _Block(content)
        self._order.append(block)
        kind, text, thinking = content.get("type"), content.get("text"), content.get("thinking")
        if kind == "tool_use":  # the user's to answer; server_tool_use and its results are the provider's own affair
            block.call, self._calls = self._calls, self._calls + 1
            out.append(ToolCallDelta(block.call, _word(content.get("id")), _word(content.get("name"))))
        elif kind == "text" and isinstance(text, str) and text:
            out.append(TextDelta(text))
        elif kind == "thinking" and isinstance(thinking, str) and thinking:
            out.append(ReasoningDelta(thinking))
        out += [Annotation(citation) for citation in objects(content.get("citations"))]
        return block

    def _stop(self, index: Any, out: list[ChatEvent]) -> None:
        block = self._open.pop(index if type(index) is int else self._last, None)
        if block is not None:
            self._close(block, out)
            self._release(out)

    def _close(self, block: _Block, out: list[ChatEvent]) -> None:
        block.done = True
        whole = block.content.get("input")
        if block.call is not None and whole and not any(block.pieces.get("input", ())):
            out.append(ToolCallDelta(block.call, arguments=json_text(whole)))  # hosts that send arguments in one piece

    def _release(self, out: list[ChatEvent]) -> None:
        while self._order and self._order[0].done:
            item = self._order.pop(0).item()
            if item.get("type") != "text" or item.get("text"):  # the API does not take empty text back
                out.append(NativeItem(NAME, item))

    def _message_start(self, message: dict[str, Any], out: list[ChatEvent]) -> None:
        if self._started and message.get("id") != self._id:
            # seen where a proxy glues a second attempt to the first: the two are not one answer
            self._fail(ProtocolViolation("a second message began (message_start) before the first had ended"), out)
            return
        if not self._started:
            self._started, self._id = True, message.get("id")
            out.append(Started(_word(self._id), _word(message.get("model"))))
        self._count(message.get("usage"), out)

    def _message_delta(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        delta = value.get("delta")
        if type(delta) is dict:
            reason = delta.get("stop_reason")
            if isinstance(reason, str) and reason:
                self._reason = reason
                for block in self._open.values():  # content_block_stop may be missing, as at max_tokens
                    self._close(block, out)
                self._open.clear()
                self._release(out)
            # stop_sequence, stop_details, container; beside the delta context_management and input_transformations
            said = [*delta.items(), *value.items()]
            notes = {key: note for key, note in said if key not in _READ and note is not None}
            if notes:
                out.append(Annotation(notes))
        self._count(value.get("usage"), out)

    def _count(self, usage: Any, out: list[ChatEvent]) -> None:
        """ "The token counts shown in the usage field of the message_delta event are cumulative." """
        if isinstance(usage, dict) and usage:
            self._usage |= {key: figure for key, figure in usage.items() if figure is not None}
            details = self._usage.get("output_tokens_details")
            out.append(
                UsageReport(
                    count(self._usage.get("input_tokens")),
                    count(self._usage.get("output_tokens")),
                    count(self._usage.get("cache_read_input_tokens")),
                    count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
                    dict(self._usage),
                )
            )

    def _message_stop(self, out: list[ChatEvent]) -> None:
        for block in self._open.values():
            self._close(block, out)
        self._open.clear()
        self._release(out)
        self._finish(out)
        self.complete = self.ended = True

    def _finish(self, out: list[ChatEvent]) -> None:
        reason = self._reason
        out.append(Finished(None if reason is None else _REASONS.get(reason, "other"), reason))

    def _whole(self, message: dict[str, Any], out: list[ChatEvent]) -> None:
        self._message_start(message, out)
        if not self.ended:
            for content in objects(message["content"]):
                self._start(None, content, out)
                self._stop(None, out)
            self._message_delta({**message, "usage": None, "delta": {"stop_reason": message.get("stop_reason")}}, out)
            self._message_stop(out)

    def _done(self, out: list[ChatEvent]) -> None:
        out.append(UnknownFrame("[DONE]", "no proof of the end on this wire"))

    def _fail(self, error: ChatError, out: list[ChatEvent]) -> None:
        """Keep what is whole, and text as far as it came; a call or signature that was cut is neither."""
        cut = [block.call for block in self._open.values() if block.call is not None]
        for block in self._open.values():
            block.done = block.content.get("type") == "text"
        self._open.clear()
        self._order = [block for block in self._order if block.done]
        self._release(out)
        if self._reason is not None:
            self._finish(out)
        super()._fail(error, out)
        if cut:
            out[-1] = Failed(error, tuple(cut))


class _Block:
    """A content block while it grows."""

    __slots__ = ("call", "citations", "content", "done", "pieces", "text")

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.text: list[str] = []
        self.pieces: dict[str, list[str]] = {"text": self.text}
        self.citations: list[dict[str, Any]] = []
        self.call: int | None = None
        self.done = False

    def item(self) -> dict[str, Any]:
        """The block as one that was never streamed."""
        item = dict(self.content)
        for field, pieces in self.pieces.items():
            text = "".join(pieces)
            if field == "input":
                item["input"] = _arguments(text) if text else item.get("input") or {}
            elif text:
                item[field] = f"{item.get(field) or ''}{text}"
        if self.citations:
            item["citations"] = [*objects(item.get("citations")), *self.citations]
        if item.get("type") == "tool_use":
            item.setdefault("input", {})  # the API requires it
        return item


def _arguments(text: str) -> Any:
    """A tool's arguments; of those that max_tokens cut, as much as came: the wire takes an object only."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = parse_partial(text)
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
