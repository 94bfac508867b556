"""The answers of Anthropic's Messages API: platform.claude.com/docs/en/build-with-claude/streaming.

`message_stop` proves the end of an answer. A stop reason without it does not: the stream was cut before its last event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...errors import ChatError, ProtocolViolation
from ...events import (
    Annotation,
    ChatEvent,
    Failed,
    Finished,
    FinishReason,
    KeepAlive,
    Metadata,
    NativeDelta,
    NativeItem,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)
from ..base import EventStreamParser, as_text
from ..error_mapping import of_event
from ..forms import count, json_text, nonempty, object_of, objects
from .blocks import Block
from .content import NAME

# platform.claude.com/docs/en/build-with-claude/handling-stop-reasons, and …/compaction. Any other is "other": those
# that are newer than this table.
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}
# "Content block delta types" of the page above: the delta's field with the text, the field of the content block which
# that text goes on, and its event. A signature is for the next request alone; arguments need their call's index.
_TEXT_DELTAS: dict[Any, tuple[str, str, type[TextDelta] | type[ReasoningDelta] | None]] = {
    "text_delta": ("text", "text", TextDelta),
    "thinking_delta": ("thinking", "thinking", ReasoningDelta),
    "signature_delta": ("signature", "signature", None),
    "input_json_delta": ("partial_json", "input", None),
}
_NO_NOTES = frozenset(
    {
        "type", "id", "role", "model", "content", "usage", "delta", "stop_reason", "message", "index", "content_block",
    }
)  # fmt: skip
"""Fields of an event, a message and its last delta that have events of their own; any other is told as Metadata."""


class AnthropicParser(EventStreamParser):
    """The events of one message, told apart by the `type` in their data; or one whole message.

    A whole message is what compatible servers send that ignore `stream`. Content blocks may overlap, and a
    `content_block_stop` may be missing. A block becomes a NativeItem once it and all blocks before it have ended: the
    API wants blocks back in their order.
    """

    text_fields = ("text", "thinking")
    keeps_text = True  # a NativeItem has the text of its whole block

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._begun: tuple[Any] | None = None  # the id of the message that began
        self._open: dict[int, Block] = {}  # by the index on the wire
        self._writing: list[str] = []  # the pieces of the field that the last delta was added to
        self._order: list[Block] = []  # blocks of which no NativeItem was given yet, in the order of their beginnings
        self._last = -1  # the index of the block that began last, for hosts that leave indexes out
        self._calls = 0
        self._usage: dict[str, Any] = {}
        self._told: dict[str, Any] = {}  # as Metadata
        self._reason: str | None = None

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        kind: Any = event
        if type(value) is dict:
            kind = value.get("type") or event  # the API says it in both places, some hosts in one
            handle = _HANDLERS.get(kind) if type(kind) is str else None
            if handle is not None and handle(self, value, out):
                if not (value.keys() <= _NO_NOTES or self.ended):
                    self._tell(value, out)
                return
        # "Error events": in a stream they take the place of the HTTP status, as 529 for overloaded_error
        error = of_event(kind, value)
        if error is None:
            out.append(UnknownFrame(as_text(value), "no event of a message"))
        else:
            self.fail(error, out)

    def _goes_on(self, frame: Any, out: list[ChatEvent]) -> None:
        self._writing.append(frame[1].text)

    # --- content blocks ------------------------------------------------------------------------------------------

    def _block_start(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        index, content = value.get("index"), value.get("content_block")
        if type(content) is not dict:
            return False
        if type(index) is not int:
            index = self._last + 1
        self._close([index], out)  # a block that is still open under this index ends here: its stop was left out
        self._last = index
        block = self._open[index] = Block(content)
        self._order.append(block)
        kind = content.get("type")
        # Only a tool_use waits for the user's answer: the provider itself runs the tool of a server_tool_use, and sends
        # the result as a block (platform.claude.com/docs/en/agents-and-tools/tool-use/overview).
        if kind == "tool_use":
            block.call, self._calls = self._calls, self._calls + 1
            out.append(ToolCallDelta(block.call, nonempty(content.get("id")), nonempty(content.get("name"))))
        elif kind in ("text", "thinking") and (text := nonempty(content.get(kind))):
            out.append(TextDelta(text) if kind == "text" else ReasoningDelta(text))
        if content.get("citations"):
            out += [Annotation(citation) for citation in objects(content["citations"])]
        return True

    def _block_stop(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        index = value.get("index")
        self._close([index if type(index) is int else self._last], out)
        return True

    def _block_delta(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        delta, index = value.get("delta"), value.get("index")
        if type(delta) is dict:
            kind = delta.get("type")
            block = self._open.get(index if type(index) is int else self._last)
            # The block's start was left out. Only text is worth a block all the same: arguments would be of a call
            # without a name, and a signature would sign nothing.
            if block is None and kind in ("text_delta", "thinking_delta"):
                field = kind.removesuffix("_delta")
                self._block_start({"index": index, "content_block": {"type": field, field: ""}}, out)
                block = self._open[self._last]
            if block is not None and type(kind) is str and self._grow(block, kind, delta, out):
                return True
        out.append(UnknownFrame(as_text(value), "a delta of another kind"))
        return True

    def _grow(self, block: Block, kind: str, delta: dict[str, Any], out: list[ChatEvent]) -> bool:
        """Add a delta to its block. Returns whether there is a rule for such a delta."""
        row = _TEXT_DELTAS.get(kind)
        if row is None:
            return self._grow_at_once(block, kind, delta, out)
        name, field, event = row
        text = delta.get(name)
        if type(text) is not str:
            return False
        self._writing = block.pieces[field]
        self._writing.append(text)
        if text:  # the API's own streams begin arguments with ""
            if event is not None:
                out.append(event(text))
            elif field == "input" and block.call is not None:
                out.append(ToolCallDelta(block.call, arguments=text))
            elif field == "input":  # the input of a tool that the provider itself runs, as of its code
                out.append(NativeDelta(NAME, delta))
        # of thinking that is not shown: how much there was since the last delta, "a progress indicator"
        if (tokens := delta.get("estimated_tokens")) is not None:
            out.append(NativeDelta(NAME, {"type": kind, "estimated_tokens": tokens}))
        return True

    def _grow_at_once(self, block: Block, kind: str, delta: dict[str, Any], out: list[ChatEvent]) -> bool:
        if kind == "citations_delta" and type(citation := delta.get("citation")) is dict:
            block.citations.append(citation)  # they come one by one, and go back as a list
            out.append(Annotation(citation))
            return True
        if kind == "compaction_delta" and block.compact(delta):
            out.append(NativeDelta(NAME, delta))
            return True
        return False

    def _close(self, indexes: Iterable[int], out: list[ChatEvent]) -> None:
        """End blocks. An index without one is ignored, as of a block whose start was left out."""
        for block in [self._open.pop(index) for index in indexes if index in self._open]:
            block.done = True
            whole = block.content.get("input")
            # some hosts send all arguments with the block's start; the API sends {} there, and the arguments in deltas
            if block.call is not None and whole and not any(block.pieces["input"]):
                out.append(ToolCallDelta(block.call, arguments=json_text(whole)))
        self._release(out)

    def _release(self, out: list[ChatEvent]) -> None:
        """Give the NativeItem of each block that has ended, up to the first one that has not."""
        while self._order and self._order[0].done:
            item = self._order.pop(0).item()
            if item.get("type") != "text" or item.get("text"):  # the API does not take empty text back
                out.append(NativeItem(NAME, item))

    # --- the message ---------------------------------------------------------------------------------------------

    def _message_start(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        message = value.get("message")
        if type(message) is not dict:
            return False
        begun = (message.get("id"),)
        if self._begun is None:
            self._begun = begun
            out.append(Started(nonempty(message.get("id")), nonempty(message.get("model"))))
        elif begun != self._begun:
            # seen where a proxy appends a second attempt to the first: the two are not one answer
            self.fail(ProtocolViolation("a second message began (message_start) before the first had ended"), out)
            return True
        self._tell(message, out)
        self._count(message.get("usage"), out)
        return True

    def _message_delta(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        delta = value.get("delta")
        if type(delta) is dict:
            if reason := nonempty(delta.get("stop_reason")):
                self._reason = reason
                self._close(list(self._open), out)  # at max_tokens the block's stop may be missing
            self._tell(delta, out)  # stop_sequence, stop_details, container
        self._count(value.get("usage"), out)
        return True

    def _tell(self, fields: dict[str, Any], out: list[ChatEvent]) -> None:
        """Give those of the fields that have no event of their own, each once for each value."""
        new = {
            name: value
            for name, value in fields.items()
            if name not in _NO_NOTES and value is not None and self._told.get(name) != value
        }
        if new:
            self._told |= new
            out.append(Metadata(new))

    def _count(self, usage: Any, out: list[ChatEvent]) -> None:
        """ "The token counts shown in the usage field of the message_delta event are cumulative."

        An event repeats only some of the figures, so the figures of all events are merged.
        """
        if isinstance(usage, dict) and usage:
            # null says nothing, and must not take the place of an earlier figure
            self._usage |= {name: figure for name, figure in usage.items() if figure is not None}
            out.append(_report(self._usage))

    def _message_stop(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        self._close(list(self._open), out)
        self._tell(value, out)  # of Amazon Bedrock: amazon-bedrock-invocationMetrics
        self._finish(out)
        self.complete = self.ended = True
        return True

    def _finish(self, out: list[ChatEvent]) -> None:
        reason = self._reason  # none where a host sends message_stop alone
        out.append(Finished(None if reason is None else _REASONS.get(reason, "other"), reason))

    def _ping(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        out.append(KeepAlive("ping"))
        return True

    def _whole(self, message: dict[str, Any], out: list[ChatEvent]) -> bool:
        """A message that was not streamed, taken as the events that a stream would have had."""
        if "content" not in message:
            return False
        self._message_start({"message": message}, out)
        if not self.ended:
            for content in objects(message["content"]):
                self._block_start({"content_block": content}, out)
                self._block_stop({}, out)
            self._message_delta({"delta": message}, out)
            self._message_stop(message, out)
        return True

    def done(self, out: list[ChatEvent]) -> None:
        # of gateways that append OpenAI's end marker to every stream
        out.append(UnknownFrame("[DONE]", "no proof of the end on this wire"))

    def fail(self, error: ChatError, out: list[ChatEvent]) -> None:
        """Keep the blocks that are whole, and of text what there is so far.

        A tool call that was cut is none, and the API takes no thinking back whose signature was cut.
        """
        cut = [block.call for block in self._open.values() if block.call is not None]
        for block in self._open.values():
            block.done = block.content.get("type") == "text"
        self._open.clear()
        self._order = [block for block in self._order if block.done]
        self._release(out)
        if self._reason is not None:  # the model had ended: the partial reply says why
            self._finish(out)
        super().fail(error, out)
        if cut:
            out[-1] = Failed(error, tuple(cut))


_HANDLERS: dict[str, Callable[[AnthropicParser, dict[str, Any], list[ChatEvent]], bool]] = {
    "content_block_delta": AnthropicParser._block_delta,
    "content_block_start": AnthropicParser._block_start,
    "content_block_stop": AnthropicParser._block_stop,
    "message_start": AnthropicParser._message_start,
    "message_delta": AnthropicParser._message_delta,
    "message_stop": AnthropicParser._message_stop,
    "ping": AnthropicParser._ping,
    "message": AnthropicParser._whole,
}
"""What takes in an event, by its type; it returns whether the event has what its type promises."""


_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def _report(figures: dict[str, Any]) -> UsageReport:
    read, written = count(figures.get("cache_read_input_tokens")), count(figures.get("cache_creation_input_tokens"))
    # "Total input tokens in a request is the summation of `input_tokens`, `cache_creation_input_tokens`, and
    # `cache_read_input_tokens`"; "a `compaction` entry's tokens are not included in the top-level `usage` fields".
    more_input, more_output = (read or 0) + (written or 0), 0
    for one in objects(figures.get("iterations")):
        if one.get("type") == "compaction":
            more_input += sum(count(one.get(name)) or 0 for name in _INPUT)
            more_output += count(one.get("output_tokens")) or 0
    return UsageReport(
        count(figures.get("input_tokens")),
        count(figures.get("output_tokens")),
        read,
        count(object_of(figures.get("output_tokens_details")).get("thinking_tokens")),
        dict(figures),  # a copy, as later events change the figures
        cache_write_tokens=written,
        service_tier=nonempty(figures.get("service_tier")),
        more_input=more_input,
        more_output=more_output,
    )
