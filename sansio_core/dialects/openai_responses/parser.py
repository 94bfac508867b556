"""The answers of OpenAI's Responses API: platform.openai.com/docs/api-reference/responses-streaming.

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
    FinishReason,
    KeepAlive,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)
from ..base import MAX_FRAME, EventStreamParser, as_text
from ..error_mapping import error_in, of_error
from ..forms import count, json_text, nonempty, object_of, objects
from ..text_template import Templates
from .request import NAME

# By status and incomplete_details.reason: platform.openai.com/docs/api-reference/responses/object; others are "other"
_REASONS: dict[str, FinishReason] = {
    "completed": "stop",
    "incomplete:max_output_tokens": "length",
    "incomplete:content_filter": "content_filter",
}
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
_CALLS = ("function_call", "custom_tool_call")
# Events of tools that the provider runs itself say only how far they are: the item comes whole, at its end.
_PROGRESS = (".in_progress", ".searching", ".interpreting", ".generating", ".completed", ".queued", ".failed")


class _Item:
    """One output item while its events come.

    A text comes up to four times: in deltas, and whole in the `done` events of the text, of its part and of its item.
    The item knows which texts were given already, so that each is given once.
    """

    __slots__ = ("call", "done", "given")

    def __init__(self) -> None:
        self.call: int | None = None  # the index of the tool call that the item is
        self.given: set[tuple[str, Any]] = set()  # kind of text and index of its part; None where an event has no index
        self.done = False

    def has_given(self, kind: str, part: Any) -> bool:
        """Whether that text was given, in deltas or whole.

        Reasoning counts for all parts: hosts give the same reasoning as a content and as a summary.
        """
        return any(k == kind and (p is None or p == part or kind == "reasoning") for k, p in self.given)


class OpenAIResponsesParser(EventStreamParser):
    """The events of one response, told apart by the `type` in their data; or one whole response.

    A whole response is what hosts send that ignore `stream`.
    """

    text_fields = ("delta",)

    def __init__(self, max_frame_size: int = MAX_FRAME, templates: Templates | None = None) -> None:
        super().__init__(max_frame_size, templates)
        self._started = Started()
        self._declined = False  # whether the model declined to answer
        self._items: dict[Any, _Item] = {}  # by output_index and by id
        self._last: _Item | None = None
        self._nameless = False  # whether no event gave the last item an index or id: the next event may give it those
        self._calls = 0

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        kind = value.get("type", event) if type(value) is dict else None
        if type(kind) is not str:
            self._unknown(event, value, out)
            return
        # First of all: `response.completed` and `response.failed` end with words of _PROGRESS, too.
        handle = _HANDLERS.get(kind)
        if handle is not None:
            handle(self, value, out)
        # A whole response has no `type`.
        elif value.get("object") == "response":
            self._end_of(str(value.get("status")), value, out)
        elif kind.startswith("response.") and kind.endswith(_PROGRESS):
            out.append(KeepAlive(kind))
        else:
            self._unknown(event, value, out)

    # --- texts ---------------------------------------------------------------------------------------------------

    def _item(self, value: dict[str, Any], item_id: Any = None) -> _Item:
        """The item that an event is about: by its output_index, else by its id, else the last one."""
        # some hosts leave out the index, some the id, some both, and some give an item's id in its last event only
        keys = _keys(value.get("output_index"), item_id or value.get("item_id"))
        found = None
        for key in keys:
            if found is None:
                found = self._items.get(key)
        if found is None and (self._nameless or not keys):
            found = self._last
            self._nameless = self._nameless and not keys
        if found is None:
            found, self._nameless = _Item(), not keys
        self._last = found
        for key in keys:
            self._items.setdefault(key, found)  # an index or id stays with the item that had it first
        return found

    def _delta(self, kind: str, value: dict[str, Any], out: list[ChatEvent]) -> None:
        item, piece = self._item(value), value.get("delta")
        if isinstance(piece, str) and piece:
            item.given.add((kind, _part(value)))
            self._give(kind, item, piece, out)
        elif piece:
            out.append(UnknownFrame(as_text(value), "a delta that is no text"))
        if value.get("logprobs"):
            out.append(Annotation({"logprobs": value["logprobs"]}))

    def _text_done(self, kind: str, value: dict[str, Any], out: list[ChatEvent]) -> None:
        whole = value.get("text", value.get("refusal", value.get("arguments", value.get("input"))))
        self._whole(kind, self._item(value), _part(value), whole, out)

    def _whole(self, kind: str, item: _Item, part: Any, whole: Any, out: list[ChatEvent]) -> None:
        """A whole text, which is given only if none of it was."""
        if isinstance(whole, dict) and kind == "arguments":  # of hosts: the API has a string
            whole = json_text(whole)
        if isinstance(whole, str) and whole and not item.has_given(kind, part):
            item.given.add((kind, part))
            self._give(kind, item, whole, out)

    def _give(self, kind: str, item: _Item, text: str, out: list[ChatEvent]) -> None:
        if kind == "text":
            out.append(TextDelta(text))
        elif kind == "reasoning":
            out.append(ReasoningDelta(text))
        elif kind == "refusal":
            self._declined = True  # the API has no status for it
            out.append(RefusalDelta(text))
        else:
            out.append(ToolCallDelta(self._index_of(item), arguments=text))

    def _index_of(self, item: _Item) -> int:
        """The index of an item's tool call."""
        if item.call is None:
            item.call, self._calls = self._calls, self._calls + 1
        return item.call

    # --- items ---------------------------------------------------------------------------------------------------

    def _added(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        new = value.get("item")
        if isinstance(new, dict):
            item = self._item(value, new.get("id"))
            if new.get("type") in _CALLS:
                self._call(item, new, out)
        else:
            self._unknown("", value, out)

    def _call(self, item: _Item, call: dict[str, Any], out: list[ChatEvent]) -> None:
        """A tool call's id and name, once. `id` is the item's; an answer to the call quotes `call_id`."""
        if ("name", None) not in item.given:
            item.given.add(("name", None))
            call_id, name = call.get("call_id") or call.get("id"), call.get("name")
            out.append(ToolCallDelta(self._index_of(item), nonempty(call_id), nonempty(name)))

    def _done_item(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        item = value.get("item")
        if isinstance(item, dict):
            self._finish(self._item(value, item.get("id")), item, out)
        else:
            self._unknown("", value, out)

    def _finish(self, item: _Item, done: dict[str, Any], out: list[ChatEvent]) -> None:
        """A whole item: those of its texts that were not given yet, and the item itself, to be sent back."""
        if item.done:  # both the item's own event and the last one have it
            return
        item.done = True
        if done.get("type") in _CALLS:
            self._call(item, done, out)
            self._whole("arguments", item, None, done.get("arguments", done.get("input")), out)
        for name in ("content", "summary"):
            for i, part in enumerate(objects(done.get(name))):
                self._content(item, part, i, out)
        out.append(NativeItem(NAME, done))

    def _content(self, item: _Item, part: dict[str, Any], i: Any, out: list[ChatEvent]) -> None:
        """A whole part of an item's content or summary."""
        word = part.get("type")
        kind = _PART_KINDS.get(word) if type(word) is str else None
        if kind is not None:
            self._whole(kind, item, i, part.get("refusal" if kind == "refusal" else "text"), out)
        notes = list(objects(part.get("annotations")))
        if notes and not item.has_given("note", i):
            item.given.add(("note", i))
            out += [Annotation(note) for note in notes]

    def _done_part(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        part = value.get("part")
        if isinstance(part, dict):
            self._content(self._item(value), part, _part(value), out)

    def _note(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        note = value.get("annotation")
        if isinstance(note, dict):
            self._item(value).given.add(("note", _part(value)))
            out.append(Annotation(note))
        else:
            self._unknown("", value, out)

    def _ignore(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """A part that begins: its text follows."""

    # --- the response --------------------------------------------------------------------------------------------

    def _begun(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        response = value.get("response")
        if isinstance(response, dict):
            known = self._started
            started = Started(known.id or nonempty(response.get("id")), known.model or nonempty(response.get("model")))
            if started != known:  # llama.cpp names the model only at the end
                self._started = started
                out.append(started)

    def _end_of(self, status: str, value: Any, out: list[ChatEvent]) -> None:
        """The last event, or a whole response: it has all of the answer, of which a host may have streamed nothing."""
        response = object_of(value)
        self._begun({"response": response}, out)
        # Surer than the event's name: the `done` of `response.done` is no status.
        status = nonempty(response.get("status")) or status
        # Also of a response that failed: what was not streamed is given before the Failed.
        self._output(response.get("output"), out)
        if response.get("usage"):  # a response that failed was paid for as well
            out.append(usage(response["usage"]))
        error = error_in(response)
        if error is not None or status == "failed":
            self._fail(of_error(error or {"message": "the response failed", **response}), out)
        elif status in ("queued", "in_progress"):  # of a response that was asked for in the background
            out.append(UnknownFrame(as_text({"status": status}), "a response that is not over"))
        else:
            reason = nonempty(object_of(response.get("incomplete_details")).get("reason"))
            word = f"{status}:{reason}" if reason else status
            out.append(Finished(self._reason(word), word))
            self.complete = self.ended = True

    def _output(self, output: Any, out: list[ChatEvent]) -> None:
        for i, item in enumerate(objects(output)):
            item_id = item.get("id")
            # An id is surer than a place, as some hosts leave items out here. An item with neither of them in any event
            # so far is a new one, under a key that no event can have.
            by_place = i in self._items and not (isinstance(item_id, str) and item_id in self._items)
            self._finish(self._item({"output_index": i} if by_place else {}, item_id or f"output {i}"), item, out)

    def _reason(self, word: str) -> FinishReason:
        """The API says "completed" after tool calls, and after the model declined to answer."""
        reason = _REASONS.get(word, "other")
        if reason == "stop" and self._calls:
            return "tool_calls"
        return "refusal" if reason == "stop" and self._declined else reason

    def _error(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        # the API's event is the error object itself; some hosts have it in an `error`, as an error response has
        self._fail(of_error(error_in(value) or value), out)

    def _unknown(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        error = value if event == "error" and isinstance(value, (dict, str)) else error_in(value)
        if error is not None:
            self._fail(of_error(error), out)
        else:
            out.append(UnknownFrame(as_text(value), "no event of this wire"))

    def _done(self, out: list[ChatEvent]) -> None:
        out.append(UnknownFrame("[DONE]", "an end marker that this wire does not have"))


_Handler = Callable[[OpenAIResponsesParser, dict[str, Any], list[ChatEvent]], None]


def _delta_of(kind: str) -> _Handler:
    return lambda parser, value, out: parser._delta(kind, value, out)


def _text_done_of(kind: str) -> _Handler:
    return lambda parser, value, out: parser._text_done(kind, value, out)


def _end_with(status: str) -> _Handler:
    return lambda parser, value, out: parser._end_of(status, value.get("response"), out)


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
    "error": OpenAIResponsesParser._error,
    **{f"response.{name}.delta": _delta_of(kind) for name, kind in _KINDS.items()},
    **{f"response.{name}.done": _text_done_of(kind) for name, kind in _KINDS.items()},
    **{f"response.{status}": _end_with(status) for status in _ENDS},
}
"""What takes in an event, by its type."""


def _keys(*keys: Any) -> list[int | str]:
    """Those of an index and an id that an event has."""
    # By type(): True would count as the index 1, and a list has no hash.
    return [key for key in keys if type(key) in (int, str) and key != ""]


def _part(value: dict[str, Any]) -> int | str | None:
    """The index of the part of its item's content that an event is about; None where the event has none.

    A summary's index is not needed: reasoning counts for all parts.
    """
    index = value.get("content_index")
    return index if type(index) in (int, str) else None


def usage(raw: Any) -> UsageReport:
    """The figures of platform.openai.com/docs/api-reference/responses/object."""
    if not isinstance(raw, dict):
        return UsageReport(raw={"usage": raw})
    return UsageReport(
        input_tokens=count(raw.get("input_tokens")),
        output_tokens=count(raw.get("output_tokens")),
        cached_tokens=count(object_of(raw.get("input_tokens_details")).get("cached_tokens")),
        reasoning_tokens=count(object_of(raw.get("output_tokens_details")).get("reasoning_tokens")),
        raw=raw,
    )
