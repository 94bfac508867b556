"""The answers of OpenAI's Responses API: developers.openai.com/api/reference/resources/responses/streaming-events.

`response.completed`, `response.incomplete` or `response.failed` proves the end of an answer. A `[DONE]`, which some
hosts add, does not: this API has no such marker, so a proxy may have written it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...events import (
    Annotation,
    ChatEvent,
    Finished,
    KeepAlive,
    Metadata,
    NativeDelta,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
)
from ...parsers.json_values import decode_at
from ..base import EventStreamParser, as_text
from ..error_mapping import error_in, of_error
from ..forms import json_text, nonempty, object_of, objects
from .items import Item, Items, part_of
from .request import NAME
from .response import facts_of, facts_of_error, reason_of, usage_of, word_of

# The page lists the first three. A response in the background may be cancelled; `done` is from the Realtime API.
_ENDS = ("completed", "incomplete", "failed", "cancelled", "done")
# What a text is, by the name that its events have between "response." and ".delta" or ".done".
_KINDS = {
    "output_text": "text",
    "refusal": "refusal",
    "reasoning_text": "reasoning",
    "reasoning_summary_text": "reasoning",
    "reasoning": "reasoning",
    "reasoning_summary": "reasoning",
    "function_call_arguments": "arguments",
    "custom_tool_call_input": "arguments",
}
# The same, by the `type` of a part of an item's content or summary.
_PART_KINDS = {
    "output_text": "text",
    "text": "text",
    "refusal": "refusal",
    "reasoning_text": "reasoning",
    "summary_text": "reasoning",
}
_EVENTS: dict[str, type[TextDelta | ReasoningDelta | RefusalDelta]] = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "refusal": RefusalDelta,
}
_CALLS = ("function_call", "custom_tool_call")
# What is made besides text, by the name that its events have between "response." and ".delta" or ".done".
_MADE = ("code_interpreter_call_code", "mcp_call_arguments", "shell_call_command", "shell_call_output_content")
# Events of tools that the provider runs itself say only how far they are: the item comes whole, at its end.
_PROGRESS = (
    ".in_progress", ".searching", ".interpreting", ".generating", ".completed", ".queued", ".failed",
)  # fmt: skip


class OpenAIResponsesParser(EventStreamParser):
    """The events of one response, told apart by the `type` in their data; or one whole response.

    A whole response is what hosts send that ignore `stream`.
    """

    text_fields = ("delta",)
    keeps_text = True  # not the text: the number of the event that brought it

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._started = Started()
        self._declined = False  # whether the model declined to answer
        self._items = Items()
        self._calls = 0
        self._last_type = ""  # of the items that came whole
        self._facts: dict[str, Any] = {}  # what the response says besides the answer: told at the end
        # The last event's number. Of one that took the fast path, the place of its JSON is kept.
        self._number: Any = None
        self._undecoded: tuple[str, int] | None = None

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        kind = value.get("type", event) if type(value) is dict else None
        if type(kind) is not str:
            self._unknown(event, value, out)
            return
        if "sequence_number" in value:
            self._number, self._undecoded = value["sequence_number"], None
        # First of all: `response.completed` and `response.failed` end with words of _PROGRESS, too.
        handle = _HANDLERS.get(kind)
        if handle is not None:
            handle(self, value, out)
        # A whole response has no `type`.
        elif value.get("object") == "response":
            self._end_of(str(value.get("status")), value, out)
        # github.com/openai/openai-node/issues/1964: `keepalive` is not documented, but sent
        elif kind == "keepalive" or (kind.startswith("response.") and kind.endswith(_PROGRESS)):
            out.append(KeepAlive(kind))
        else:
            self._unknown(event, value, out)

    def _goes_on(self, item: Any, out: list[ChatEvent]) -> None:
        _, _, text, at = item
        self._undecoded = text, at

    # --- texts ---------------------------------------------------------------------------------------------------

    def _delta(self, kind: str, value: dict[str, Any], out: list[ChatEvent]) -> None:
        item, piece = self._items.find(value), value.get("delta")
        if isinstance(piece, str) and piece:
            item.given.add((kind, part_of(value)))
            self._give(kind, item, piece, out)
        elif piece:
            out.append(UnknownFrame(as_text(value), "a delta that is no text"))
        if value.get("logprobs"):
            self._odds(item, part_of(value), value["logprobs"], out)

    def _odds(self, item: Item, part: Any, logprobs: Any, out: list[ChatEvent]) -> None:
        item.given.add(("odds", part))
        out.append(Annotation({"logprobs": logprobs}))

    def _text_done(self, kind: str, value: dict[str, Any], out: list[ChatEvent]) -> None:
        item, part = self._items.find(value), part_of(value)
        whole = value.get("text", value.get("refusal", value.get("arguments", value.get("input"))))
        self._whole(kind, item, part, whole, out)
        if value.get("logprobs") and not item.has_given("odds", part):
            self._odds(item, part, value["logprobs"], out)

    def _whole(self, kind: str, item: Item, part: Any, whole: Any, out: list[ChatEvent]) -> None:
        """A whole text, which is given only if none of it was."""
        if isinstance(whole, dict) and kind == "arguments":  # of hosts: the API has a string
            whole = json_text(whole)
        if isinstance(whole, str) and whole and not item.has_given(kind, part):
            item.given.add((kind, part))
            self._give(kind, item, whole, out)

    def _give(self, kind: str, item: Item, text: str, out: list[ChatEvent]) -> None:
        if kind == "arguments":
            out.append(ToolCallDelta(self._index_of(item), arguments=text))
        else:
            self._declined |= kind == "refusal"  # the API has no status for it
            out.append(_EVENTS[kind](text))

    def _index_of(self, item: Item) -> int:
        """The index of an item's tool call."""
        if item.call is None:
            item.call, self._calls = self._calls, self._calls + 1
        return item.call

    # --- what is made besides text ---------------------------------------------------------------------------------

    def _made(self, name: str, value: dict[str, Any], out: list[ChatEvent]) -> None:
        self._items.find(value).given.add((name, part_of(value, "command_index")))
        out.append(NativeDelta(NAME, value))

    def _made_whole(self, name: str, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """All of what came in pieces, which is given only if no piece was: its item comes whole as well."""
        if not self._items.find(value).has_given(name, part_of(value, "command_index")):
            self._made(name, value, out)

    def _command(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """A shell command that begins, nearly always with none of its text."""
        if value.get("command"):
            self._made("shell_call_command", value, out)
        else:
            self._native(value, out)

    def _native(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """A piece that no later event repeats, as one of audio; or that something is begun or done."""
        out.append(NativeDelta(NAME, value))

    # --- items ---------------------------------------------------------------------------------------------------

    def _added(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        new = value.get("item")
        if isinstance(new, dict):
            item = self._items.find(value, new.get("id"))
            if new.get("type") in _CALLS:
                self._call(item, new, out)
        else:
            self._unknown("", value, out)

    def _call(self, item: Item, call: dict[str, Any], out: list[ChatEvent]) -> None:
        """A tool call's id and name, once. `id` is the item's; an answer to the call quotes `call_id`."""
        if ("name", None) not in item.given:
            item.given.add(("name", None))
            call_id, name = call.get("call_id") or call.get("id"), call.get("name")
            custom = call.get("type") == "custom_tool_call"
            out.append(ToolCallDelta(self._index_of(item), nonempty(call_id), nonempty(name), custom=custom))

    def _done_item(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        item = value.get("item")
        if isinstance(item, dict):
            self._finish(self._items.find(value, item.get("id")), item, out)
        else:
            self._unknown("", value, out)

    def _finish(self, item: Item, done: dict[str, Any], out: list[ChatEvent]) -> None:
        """A whole item: those of its texts that were not given yet, and the item itself, to be sent back."""
        if item.done:  # both the item's own event and the last one have it
            return
        item.done = True
        self._last_type = nonempty(done.get("type")) or ""
        if self._last_type in _CALLS:
            self._call(item, done, out)
            self._whole("arguments", item, None, done.get("arguments", done.get("input")), out)
        for name in ("content", "summary"):
            for i, part in enumerate(objects(done.get(name))):
                self._content(item, part, i, out)
        out.append(NativeItem(NAME, done))

    def _content(self, item: Item, part: dict[str, Any], i: Any, out: list[ChatEvent]) -> None:
        """A whole part of an item's content or summary."""
        word = part.get("type")
        kind = _PART_KINDS.get(word) if type(word) is str else None
        if kind is not None:
            self._whole(kind, item, i, part.get("refusal" if kind == "refusal" else "text"), out)
        notes = list(objects(part.get("annotations")))
        if notes and not item.has_given("note", i):
            item.given.add(("note", i))
            out += [Annotation(note) for note in notes]
        if part.get("logprobs") and not item.has_given("odds", i):
            self._odds(item, i, part["logprobs"], out)

    def _done_part(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        part = value.get("part")
        if isinstance(part, dict):
            self._content(self._items.find(value), part, part_of(value), out)

    def _note(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        note = value.get("annotation")
        if isinstance(note, dict):
            self._items.find(value).given.add(("note", part_of(value)))
            out.append(Annotation(note))
        elif note is None and "annotation" in value:  # the API's type allows it
            out.append(KeepAlive("response.output_text.annotation.added"))
        else:
            self._unknown("", value, out)

    def _ignore(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """A part that begins: its text follows."""

    # --- the response --------------------------------------------------------------------------------------------

    def _begun(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        response = value.get("response")
        if isinstance(response, dict):
            self._facts |= facts_of(response)
            known = self._started
            started = Started(known.id or nonempty(response.get("id")), known.model or nonempty(response.get("model")))
            if started != known:  # llama.cpp names the model only at the end
                self._started = started
                out.append(started)

    def _ended(self, status: str, value: dict[str, Any], out: list[ChatEvent]) -> None:
        self._end_of(status, object_of(value.get("response")), out)

    def _end_of(self, status: str, response: dict[str, Any], out: list[ChatEvent]) -> None:
        """The last event's response, or one that came whole: it has all of the answer, of which a host may have
        streamed nothing."""
        self._begun({"response": response}, out)
        # Surer than the event's name: the `done` of `response.done` is no status.
        status = nonempty(response.get("status")) or status
        # Also of a response that failed: what was not streamed is given before the Failed.
        self._output(response.get("output"), out)
        if response.get("usage"):  # a response that failed was paid for as well
            out.append(usage_of(response))
        error = error_in(response)
        self._tell_facts(error, out)
        if error is not None or status == "failed":
            self.fail(of_error(error or {"message": "the response failed", **response}), out)
        elif status in ("queued", "in_progress"):  # of a response that was asked for in the background
            out.append(UnknownFrame(as_text({"status": status}), "a response that is not over"))
        else:
            word = word_of(status, response)
            out.append(Finished(reason_of(word, self._last_type, self._calls > 0, self._declined), word))
            self.complete = self.ended = True

    def _tell_facts(self, error: Any, out: list[ChatEvent]) -> None:
        """All that was said besides the answer, once: a response repeats it in several events."""
        if self._undecoded is not None:
            self._number, self._undecoded = decode_at(*self._undecoded)[0].get("sequence_number"), None
        # …/guides/background#streaming-a-background-response: whoever goes on with a stream names the last event's
        number = {} if self._number is None else {"sequence_number": self._number}
        if facts := {**self._facts, **facts_of_error(error), **number}:
            out.append(Metadata(facts))
        self._facts = {}

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        super().read_end(proper, out)
        if not self.ended:
            self._tell_facts(None, out)

    def _output(self, output: Any, out: list[ChatEvent]) -> None:
        for i, item in enumerate(objects(output)):
            self._finish(self._items.in_output(i, item.get("id")), item, out)

    def _error(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        # …/streaming-events has the error's fields in the event itself; the API sends them in an `error`
        error = error_in(value) or value
        self._tell_facts(error, out)
        self.fail(of_error(error), out)

    def _unknown(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        error = value if event == "error" and isinstance(value, (dict, str)) else error_in(value)
        if error is not None:
            self.fail(of_error(error), out)
        else:
            out.append(UnknownFrame(as_text(value), "no event of this wire"))

    def done(self, out: list[ChatEvent]) -> None:
        out.append(UnknownFrame("[DONE]", "an end marker that this wire does not have"))


_Handler = Callable[[OpenAIResponsesParser, dict[str, Any], list[ChatEvent]], None]


def _of(method: Callable[[OpenAIResponsesParser, str, dict[str, Any], list[ChatEvent]], None], what: str) -> _Handler:
    return lambda parser, value, out: method(parser, what, value, out)


_HANDLERS: dict[str, _Handler] = {
    "response.created": OpenAIResponsesParser._begun,
    "response.in_progress": OpenAIResponsesParser._begun,
    "response.queued": OpenAIResponsesParser._begun,
    "response.output_item.added": OpenAIResponsesParser._added,
    "response.output_item.done": OpenAIResponsesParser._done_item,
    "response.content_part.added": OpenAIResponsesParser._ignore,
    "response.reasoning_summary_part.added": OpenAIResponsesParser._ignore,
    "response.content_part.done": OpenAIResponsesParser._done_part,
    "response.reasoning_summary_part.done": OpenAIResponsesParser._done_part,
    "response.output_text.annotation.added": OpenAIResponsesParser._note,
    "response.audio.delta": OpenAIResponsesParser._native,
    "response.audio.transcript.delta": OpenAIResponsesParser._native,
    "response.audio.done": OpenAIResponsesParser._native,
    "response.audio.transcript.done": OpenAIResponsesParser._native,
    "response.compaction.compacting": OpenAIResponsesParser._native,
    "response.image_generation_call.partial_image": OpenAIResponsesParser._native,
    "response.shell_call_command.added": OpenAIResponsesParser._command,
    "error": OpenAIResponsesParser._error,
    **{f"response.{name}.delta": _of(OpenAIResponsesParser._delta, kind) for name, kind in _KINDS.items()},
    **{f"response.{name}.done": _of(OpenAIResponsesParser._text_done, kind) for name, kind in _KINDS.items()},
    **{f"response.{name}.delta": _of(OpenAIResponsesParser._made, name) for name in _MADE},
    **{f"response.{name}.done": _of(OpenAIResponsesParser._made_whole, name) for name in _MADE},
    **{f"response.{status}": _of(OpenAIResponsesParser._ended, status) for status in _ENDS},
}
"""What takes in an event, by its type."""
