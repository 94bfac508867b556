"""OpenAI's Responses wire: platform.openai.com/docs/api-reference/responses-streaming. The end is proven by
`response.completed`, `response.incomplete` or `response.failed`; a `[DONE]` that some hosts add proves nothing."""

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
from ..forms import count, json_text, objects
from ..text_template import Templates
from .request import NAME

# What of a response ended, by its status and reason: platform.openai.com/docs/api-reference/responses/object
_REASONS: dict[str, FinishReason] = {
    "completed": "stop",
    "incomplete:max_output_tokens": "length",
    "incomplete:content_filter": "content_filter",
}
_ENDS = {f"response.{status}" for status in ("completed", "incomplete", "failed", "cancelled", "done")}
# Kinds of text: by the event that brings it in pieces, without its "response." and ".delta".
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
_CALLS = ("function_call", "custom_tool_call")
# Progress of tools that the provider runs itself: their items come whole, at their end.
_PROGRESS = (".in_progress", ".searching", ".interpreting", ".generating", ".completed", ".queued", ".failed")


class _Item:
    """One output item while it grows: which of its pieces came, so that whole ones are not told again."""

    __slots__ = ("call", "done", "said")

    def __init__(self) -> None:
        self.call: int | None = None  # which tool call it is
        self.said: set[tuple[str, Any]] = set()  # kind and part; None for a part that the event did not tell
        self.done = False

    def told(self, kind: str, part: Any) -> bool:
        """Whether that part came already, in pieces or whole. Of reasoning, any part: it is often given twice."""
        return any(k == kind and (p is None or p == part or kind == "reasoning") for k, p in self.said)


class OpenAIResponsesParser(EventStreamParser):
    """Typed events of a response, told apart by `type` alone; or one whole response from a host without streams."""

    text_fields = ("delta",)

    def __init__(self, max_frame_size: int = MAX_FRAME, templates: Templates | None = None) -> None:
        super().__init__(max_frame_size, templates)
        self._started = Started()
        self._refused = False
        self._items: dict[Any, _Item] = {}  # by output_index and by id
        self._last: _Item | None = None
        self._nameless = False  # the last item has neither place nor id yet: the next that is told is its own
        self._calls = 0

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        kind = value.get("type", event) if type(value) is dict else event
        if type(value) is not dict or type(kind) is not str:
            self._unknown(event, value, out)
        elif kind.endswith(".delta") and kind[9:-6] in _KINDS:
            self._delta(_KINDS[kind[9:-6]], self._item(value), value, out)
        elif kind in _ENDS:
            self._end_of(kind[9:], value.get("response"), out)
        else:
            handle = _HANDLERS.get(kind)
            if handle is not None:
                handle(self, value, out)
            elif kind.endswith(".done") and kind[9:-5] in _KINDS:
                whole = value.get("text", value.get("refusal", value.get("arguments", value.get("input"))))
                self._whole(_KINDS[kind[9:-5]], self._item(value), _part(value), whole, out)
            elif value.get("object") == "response":  # a whole one
                self._end_of(str(value.get("status")), value, out)
            elif kind.startswith("response.") and kind.endswith(_PROGRESS):
                out.append(KeepAlive(kind))
            else:
                self._unknown(event, value, out)

    # --- pieces --------------------------------------------------------------------------------------------------

    def _item(self, value: dict[str, Any], item_id: Any = None) -> _Item:
        """The item that an event is about: by its place, else by its id, else the last one."""
        index, item_id = value.get("output_index"), item_id or value.get("item_id")
        keys = [key for key in (index, item_id) if type(key) in (int, str) and key != ""]
        found = next((self._items[key] for key in keys if key in self._items), None)
        if found is None and (self._nameless or not keys):
            found = self._last
            self._nameless = self._nameless and not keys
        if found is None:
            found, self._nameless = _Item(), not keys
        self._last = found
        for key in keys:
            self._items.setdefault(key, found)
        return found

    def _delta(self, kind: str, item: _Item, value: dict[str, Any], out: list[ChatEvent]) -> None:
        piece = value.get("delta")
        if isinstance(piece, str) and piece:
            item.said.add((kind, _part(value)))
            self._say(kind, item, piece, out)
        elif piece:
            out.append(UnknownFrame(as_text(value), "a delta that is no text"))
        if value.get("logprobs"):
            out.append(Annotation({"logprobs": value["logprobs"]}))

    def _whole(self, kind: str, item: _Item, part: Any, whole: Any, out: list[ChatEvent]) -> None:
        """A text that is complete: told only if none of it came in pieces."""
        if isinstance(whole, dict) and kind == "arguments":
            whole = json_text(whole)
        if isinstance(whole, str) and whole and not item.told(kind, part):
            item.said.add((kind, part))
            self._say(kind, item, whole, out)

    def _say(self, kind: str, item: _Item, text: str, out: list[ChatEvent]) -> None:
        if kind == "text":
            out.append(TextDelta(text))
        elif kind == "reasoning":
            out.append(ReasoningDelta(text))
        elif kind == "refusal":
            self._refused = True
            out.append(RefusalDelta(text))
        else:
            if item.call is None:
                item.call, self._calls = self._calls, self._calls + 1
            out.append(ToolCallDelta(item.call, arguments=text))

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
        """A tool call's id and name, once."""
        if ("name", None) not in item.said:
            item.said.add(("name", None))
            if item.call is None:
                item.call, self._calls = self._calls, self._calls + 1
            call_id, name = call.get("call_id") or call.get("id"), call.get("name")
            out.append(ToolCallDelta(item.call, _word(call_id), _word(name)))

    def _done_item(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        item = value.get("item")
        if isinstance(item, dict):
            self._finish(self._item(value, item.get("id")), item, out)
        else:
            self._unknown("", value, out)

    def _finish(self, item: _Item, done: dict[str, Any], out: list[ChatEvent]) -> None:
        """An item that is complete: what of it did not come in pieces, and the item itself."""
        if item.done:
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
        match part:
            case {"type": "output_text" | "text", "text": text}:
                self._whole("text", item, i, text, out)
            case {"type": "refusal", "refusal": text}:
                self._whole("refusal", item, i, text, out)
            case {"type": "reasoning_text" | "summary_text", "text": text}:
                self._whole("reasoning", item, i, text, out)
            case _:
                pass
        if (notes := list(objects(part.get("annotations")))) and not item.told("note", i):
            item.said.add(("note", i))
            out += [Annotation(note) for note in notes]

    def _done_part(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        part = value.get("part")
        if isinstance(part, dict):
            self._content(self._item(value), part, _part(value), out)

    def _note(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        note = value.get("annotation")
        if isinstance(note, dict):
            self._item(value).said.add(("note", _part(value)))
            out.append(Annotation(note))
        else:
            self._unknown("", value, out)

    # --- the response --------------------------------------------------------------------------------------------

    def _begun(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        response = value.get("response")
        if isinstance(response, dict):
            known = self._started
            started = Started(known.id or _word(response.get("id")), known.model or _word(response.get("model")))
            if started != known:  # llama.cpp names the model at the end only
                self._started = started
                out.append(started)

    def _end_of(self, status: str, response: Any, out: list[ChatEvent]) -> None:
        """The response is over, and whole here as well: what of it did not come before, usage, and why it ended."""
        response = response if isinstance(response, dict) else {}
        self._begun({"response": response}, out)
        said = response.get("status")
        status = said if isinstance(said, str) and said else status
        for i, item in enumerate(objects(response.get("output"))):
            item_id = item.get("id")
            by_place = i in self._items and not (isinstance(item_id, str) and item_id in self._items)
            self._finish(self._item({"output_index": i} if by_place else {}, item_id or f"output {i}"), item, out)
        if response.get("usage"):
            out.append(usage(response["usage"]))
        error = error_in(response)
        if error is not None or status == "failed":
            self._fail(of_error(error or {"message": "the response failed", **response}), out)
        elif status in ("queued", "in_progress"):
            out.append(UnknownFrame(as_text({"status": status}), "a response that is not over"))
        else:
            details = response.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, dict) else None
            word = f"{status}:{reason}" if isinstance(reason, str) and reason else status
            out.append(Finished(self._reason(word), word))
            self.complete = self.ended = True

    def _reason(self, word: str) -> FinishReason:
        meant = _REASONS.get(word, "other")
        if meant == "stop" and self._calls:
            return "tool_calls"
        return "refusal" if meant == "stop" and self._refused else meant

    def _error(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        self._fail(of_error(error_in(value) or value), out)

    def _unknown(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        error = value if event == "error" and isinstance(value, (dict, str)) else error_in(value)
        if error is not None:
            self._fail(of_error(error), out)
        else:
            out.append(UnknownFrame(as_text(value), "no event of this wire"))

    def _done(self, out: list[ChatEvent]) -> None:
        out.append(UnknownFrame("[DONE]", "an end marker that this wire does not have"))


_HANDLERS: dict[str, Callable[[OpenAIResponsesParser, dict[str, Any], list[ChatEvent]], None]] = {
    "response.created": OpenAIResponsesParser._begun,
    "response.in_progress": OpenAIResponsesParser._begun,
    "response.queued": OpenAIResponsesParser._begun,
    "response.output_item.added": OpenAIResponsesParser._added,
    "response.output_item.done": OpenAIResponsesParser._done_item,
    "response.content_part.added": lambda parser, value, out: None,  # its text follows
    "response.reasoning_summary_part.added": lambda parser, value, out: None,
    "response.content_part.done": OpenAIResponsesParser._done_part,
    "response.reasoning_summary_part.done": OpenAIResponsesParser._done_part,
    "response.output_text.annotation.added": OpenAIResponsesParser._note,
    "error": OpenAIResponsesParser._error,
}


def _part(value: dict[str, Any]) -> Any:
    """Which part of its item an event is about, where it says so."""
    return value.get("content_index", value.get("summary_index"))


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def usage(raw: Any) -> UsageReport:
    """Usage in this wire's words; what is no object stands in `raw` alone."""
    if not isinstance(raw, dict):
        return UsageReport(raw={"usage": raw})
    cached, reasoning = raw.get("input_tokens_details"), raw.get("output_tokens_details")
    return UsageReport(
        input_tokens=count(raw.get("input_tokens")),
        output_tokens=count(raw.get("output_tokens")),
        cached_tokens=count(cached.get("cached_tokens")) if isinstance(cached, dict) else None,
        reasoning_tokens=count(reasoning.get("reasoning_tokens")) if isinstance(reasoning, dict) else None,
        raw=raw,
    )
