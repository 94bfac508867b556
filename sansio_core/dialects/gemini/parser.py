"""Google's generateContent wire: ai.google.dev/api/generate-content. The end is proven by a finish reason for every
candidate, or by a blocked prompt."""

from __future__ import annotations

import json
from typing import Any

from ...errors import ChatError, ContentFiltered
from ...events import (
    Annotation,
    ChatEvent,
    Failed,
    Finished,
    FinishReason,
    NativeItem,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)
from ..base import MAX_FRAME, EventStreamParser, as_text
from ..error_mapping import error_in, of_error
from ..forms import count, json_text
from ..text_template import Templates
from .streamed_args import StreamedCall

NAME = "gemini"

# ai.google.dev/api/generate-content#FinishReason; those not here are "other"
_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "FUNCTION_CALL": "tool_calls",  # of servers that imitate it: the API itself says STOP
    **dict.fromkeys(
        (
            "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
        ),
        "content_filter",
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE",
        ),
        "error",
    ),
}  # fmt: skip
_WHOLE = ("stop", "tool_calls")  # the model came to its end: so did the call whose arguments were coming
_UNUSED = "FINISH_REASON_UNSPECIFIED"  # "Default value. This value is unused."; some versions send it in every chunk
_PLAIN = frozenset({"content", "finishReason", "index", "tokenCount", "avgLogprobs", "safetyRatings"})
"""Fields of a candidate that are no notes on its text."""
_JSON = json.JSONDecoder()
_KNOWN = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"})


class GeminiParser(EventStreamParser):
    """GenerateContentResponse chunks: as an event stream, or as the elements of one JSON array without `alt=sse`."""

    text_fields = ("text",)
    keeps_text = True

    def __init__(self, max_frame_size: int = MAX_FRAME, templates: Templates | None = None) -> None:
        super().__init__(max_frame_size, templates)
        self._started = False
        self._candidates: dict[int, _Candidate] = {}
        self._usage: Any = None  # the last figures that were not yet told: every chunk repeats them
        self._counts = False  # whether the last decoded chunk had some
        self._later: tuple[str, int] | None = None  # where a chunk stands that had later ones, and was not decoded

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        candidates = value.get("candidates") if type(value) is dict else None
        if (candidates is None and (type(value) is not dict or not _KNOWN & value.keys())) or value.get("error"):
            self._no_chunk(event, value, out)
            return
        if not self._started and (value.get("responseId") or value.get("modelVersion")):
            self._started = True
            out.append(Started(_word(value.get("responseId")), _word(value.get("modelVersion"))))
        if type(candidates) is list:
            for candidate in candidates:
                self._candidate(candidate, out)
        usage = value.get("usageMetadata")
        self._counts = bool(usage)
        if usage:
            self._usage, self._later = usage, None
            if self.complete or not candidates:
                self._tell_usage(out)
        feedback = value.get("promptFeedback")
        if type(feedback) is dict and feedback.get("blockReason"):
            self._blocked(feedback, out)

    def _goes_on(self, frame: Any, out: list[ChatEvent]) -> None:
        _, delta, text, at = frame
        self._candidates[delta.choice].pieces.append(delta.text)
        if self._counts:
            self._later = text, at
            if self.complete:
                self._tell_usage(out)

    def _no_chunk(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is list:  # a whole array as one event
            for item in value:
                if not self.ended:
                    self._decode(event, item, out)
            return
        error = error_in(value)
        if error is None and event == "error":
            error = value
        if error is not None:
            self._fail(of_error(error), out)
        elif value != {}:
            out.append(UnknownFrame(as_text(value), "no chunk of an answer"))

    def _blocked(self, feedback: dict[str, Any], out: list[ChatEvent]) -> None:
        """ "If set, the prompt was blocked and no candidates are returned." """
        reason = str(feedback["blockReason"])
        message = _word(feedback.get("blockReasonMessage")) or f"the prompt was blocked: {reason}"
        self._fail(ContentFiltered(None, message, code=reason), out)

    def _candidate(self, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            out.append(UnknownFrame(as_text(value), "a candidate that is no object"))
            return
        index = value.get("index", 0)
        if type(index) is not int:
            index = 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index)
            self.complete = False
        content = value.get("content")
        parts = content.get("parts") if type(content) is dict else None
        if type(parts) is list:
            for part in parts:
                text = part.get("text") if type(part) is dict and len(part) == 1 else None
                if text and type(text) is str and candidate.pieces and not candidate.thought:
                    candidate.pieces.append(text)  # nearly all parts are this
                    out.append(TextDelta(text, index))
                else:
                    candidate.part(part, out)
        if not value.keys() <= _PLAIN:  # citationMetadata, groundingMetadata, finishMessage, …
            out += [Annotation({key: value[key]}, index) for key in value if key not in _PLAIN and value[key]]
        reason = value.get("finishReason")
        if isinstance(reason, str) and reason and reason != _UNUSED:
            candidate.finish(reason, parts, value.get("safetyRatings"), out)
            self.complete = all(known.finished is not None for known in self._candidates.values())

    def _tell_usage(self, out: list[ChatEvent]) -> None:
        if self._later is not None:
            self._usage = _JSON.raw_decode(*self._later)[0]["usageMetadata"]
        raw, self._usage, self._later = self._usage, None, None
        if type(raw) is dict:
            out.append(
                UsageReport(
                    count(raw.get("promptTokenCount")),
                    count(raw.get("candidatesTokenCount")),
                    count(raw.get("cachedContentTokenCount")),
                    count(raw.get("thoughtsTokenCount")),
                    raw,
                )
            )

    def _end(self, out: list[ChatEvent], proper: bool) -> None:
        super()._end(out, proper)
        if not self.ended:
            for candidate in self._candidates.values():
                if candidate.finished is not None:
                    candidate.end_call(out, candidate.finished.reason)
            self._rest(out)

    def _rest(self, out: list[ChatEvent]) -> None:
        for candidate in self._candidates.values():
            candidate.release(out)
        self._tell_usage(out)

    def _done(self, out: list[ChatEvent]) -> None:
        out.append(UnknownFrame("[DONE]", "no proof of the end on this wire"))

    def _fail(self, error: ChatError, out: list[ChatEvent]) -> None:
        """Keep what is whole, and text as far as it came; a call that was cut is none."""
        first = self._candidates.get(0)
        cut = () if first is None or first.streamed is None else (first.streamed.index,)
        self._rest(out)
        super()._fail(error, out)
        if cut:
            out[-1] = Failed(error, cut)


class _Candidate:
    """One answer while it grows.

    Its parts are kept as they came for the next turn (ai.google.dev/gemini-api/docs/thought-signatures: a part with
    a signature goes back in its place, and is never merged with one without); plain text is merged.
    """

    __slots__ = ("calls", "finished", "index", "pieces", "streamed", "thought")

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = 0
        self.streamed: StreamedCall | None = None  # the call whose arguments are coming
        self.finished: Finished | None = None
        self.pieces: list[str] = []  # of the plain text under way
        self.thought = False  # whether that is a thought

    def part(self, part: Any, out: list[ChatEvent]) -> None:
        if type(part) is not dict:
            out.append(UnknownFrame(as_text(part), "a part that is no object"))
            return
        text, thought = part.get("text"), part.get("thought") is True
        if type(text) is not str:
            self.release(out)
            self._other(part, out)
            return
        plain = len(part) == 1 + thought
        if self.pieces and (thought is not self.thought or not plain):
            self.release(out)
        if text:
            out.append(ReasoningDelta(text, self.index) if thought else TextDelta(text, self.index))
        if not plain:
            self._other(part, out)
        elif text:
            self.pieces.append(text)
            self.thought = thought

    def _other(self, part: dict[str, Any], out: list[ChatEvent]) -> None:
        """A part that is kept as it is."""
        call = part.get("functionCall")
        if type(call) is dict and self._streams(part, call, out):
            return
        if type(call) is dict:
            # "args: the function parameters and values in JSON object format"; an id is optional
            arguments = json_text(call.get("args"))
            out.append(ToolCallDelta(self.calls, _word(call.get("id")), _word(call.get("name")), arguments, self.index))
            self.calls += 1
        if part:
            out.append(NativeItem(NAME, part, self.index))

    def _streams(self, part: dict[str, Any], call: dict[str, Any], out: list[ChatEvent]) -> bool:
        """Take a part of a call whose arguments are streamed; False if it is a call by itself.

        The first part has the name, and later ones have none; what ends without its last part is ended by the next.
        """
        name, call_id, goes_on = _word(call.get("name")), _word(call.get("id")), call.get("willContinue") is True
        if self.streamed is not None and name and (call_id is None or call_id != self.streamed.id):
            self.end_call(out)
        begun = self.streamed
        if begun is None:
            if not name and "args" not in call:
                out.append(UnknownFrame(as_text(part), "a part of no call"))
                return True
            if not goes_on and not call.get("partialArgs"):
                return False
            begun = self.streamed = StreamedCall(self.calls)
            self.calls += 1
        else:
            name = None
        known = begun.id
        text = begun.take(part, out)
        if text or (call_id and not known):
            out.append(ToolCallDelta(begun.index, None if known else call_id, name, text, self.index))
        if not goes_on:
            self.end_call(out)
        return True

    def end_call(self, out: list[ChatEvent], reason: FinishReason | None = "tool_calls") -> None:
        """Nothing more comes of the call whose arguments are coming: it is whole, or was cut for another `reason`.

        Of one that was cut the arguments are left open, and what came of them goes back: the wire takes an object only.
        """
        if self.streamed is not None:
            end = self.streamed.end()
            if reason in _WHOLE:
                out.append(ToolCallDelta(self.streamed.index, arguments=end, choice=self.index))
            out.append(NativeItem(NAME, self.streamed.item(), self.index))
            self.streamed = None

    def release(self, out: list[ChatEvent]) -> None:
        """Give out the plain text under way as one part."""
        if self.pieces:
            part: dict[str, Any] = {"text": "".join(self.pieces)}
            if self.thought:
                part["thought"] = True
            self.pieces = []
            out.append(NativeItem(NAME, part, self.index))

    def finish(self, word: str, parts: Any, ratings: Any, out: list[ChatEvent]) -> None:
        reason = _REASONS.get(word, "other")
        match parts:
            case [*_, {"functionCall": {"willContinue": True}}] if reason in _WHOLE:
                pass  # the call goes on: a server may say STOP in every chunk
            case _:
                self.end_call(out, reason)
        self.release(out)
        if reason == "stop" and self.calls:  # the wire has no word of its own for it
            reason = "tool_calls"
        if reason == "content_filter" and ratings:
            out.append(Annotation({"safetyRatings": ratings}, self.index))
        finished = Finished(reason, word, self.index)
        if finished != self.finished:  # older models say STOP in every chunk
            self.finished = finished
            out.append(finished)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
