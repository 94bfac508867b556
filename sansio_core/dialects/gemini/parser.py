"""The answers of Google's Gemini API: ai.google.dev/api/generate-content, method streamGenerateContent.

The end of an answer is proven by a finish reason for every candidate. A blocked prompt has no candidate: that is an
error.
"""

from __future__ import annotations

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
from ...parsers.json_values import decode_at
from ..base import MAX_FRAME, EventStreamParser, as_text
from ..error_mapping import of_event
from ..forms import count, json_text, nonempty
from ..text_template import Templates
from .request import NAME
from .streamed_args import StreamedCall

# ai.google.dev/api/generate-content#FinishReason; any other is "other"
_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "FUNCTION_CALL": "tool_calls",  # of servers that imitate the API, which itself says STOP
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
_PROPER_ENDS = ("stop", "tool_calls")  # the model came to its end, and so did a call whose arguments were coming
# FINISH_REASON_UNSPECIFIED: "Default value. This value is unused."; some versions send it in every chunk
_NO_REASONS = ("", "FINISH_REASON_UNSPECIFIED")
_NO_NOTES = frozenset({"content", "finishReason", "index", "tokenCount", "avgLogprobs", "safetyRatings"})
"""Fields of a candidate that are no notes on its text. Safety ratings are one where they stopped the answer."""
_CHUNK_FIELDS = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"})


class GeminiParser(EventStreamParser):
    """GenerateContentResponse objects: of an event stream, or the elements of one JSON array, without `alt=sse`."""

    text_fields = ("text",)
    keeps_text = True  # a NativeItem has all plain text that stands together

    def __init__(self, max_frame_size: int = MAX_FRAME, templates: Templates | None = None) -> None:
        super().__init__(max_frame_size, templates)
        self._started = False
        self._candidates: dict[int, _Candidate] = {}
        # Every chunk has the usage so far, so only the last one is worth an event. A chunk that took the fast path was
        # not decoded: of that one, the place of its JSON is kept, and decoded if it was the last.
        self._usage: Any = None
        self._counts = False  # whether the chunk that was decoded last has usage; so have those like it
        self._undecoded: tuple[str, int] | None = None

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        # an error counts even beside candidates: what they say is cut
        if type(value) is not dict or value.get("error") or _CHUNK_FIELDS.isdisjoint(value):
            self._no_chunk(event, value, out)
            return
        if not self._started and (value.get("responseId") or value.get("modelVersion")):
            self._started = True
            out.append(Started(nonempty(value.get("responseId")), nonempty(value.get("modelVersion"))))
        candidates = value.get("candidates")
        if type(candidates) is list:
            for candidate in candidates:
                self._candidate(candidate, out)
        usage = value.get("usageMetadata")
        self._counts = bool(usage)
        if usage:
            # These figures are later than those of a chunk that was not decoded.
            self._usage, self._undecoded = usage, None
        self._after_candidates(value, out)

    def _after_candidates(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        # no chunk need come after the last finish reason, or after a chunk without candidates
        if self._counts and (self.complete or not value.get("candidates")):
            self._report_usage(out)
        feedback = value.get("promptFeedback")
        if type(feedback) is dict and feedback.get("blockReason"):
            self._blocked(feedback, out)

    def _goes_on(self, frame: Any, out: list[ChatEvent]) -> None:
        _, delta, text, at = frame
        self._candidates[delta.choice].pieces.append(delta.text)
        if self._counts:
            self._undecoded = text, at
            if self.complete:
                self._report_usage(out)

    def _no_chunk(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is list:  # all of the array as one event
            for item in value:
                if not self.ended:
                    self._decode(event, item, out)
            return
        error = of_event(event, value)
        if error is not None:
            self._fail(error, out)
        elif value != {}:
            out.append(UnknownFrame(as_text(value), "no chunk of an answer"))

    def _blocked(self, feedback: dict[str, Any], out: list[ChatEvent]) -> None:
        """PromptFeedback.blockReason: "If set, the prompt was blocked and no candidates are returned." """
        reason = str(feedback["blockReason"])
        message = nonempty(feedback.get("blockReasonMessage")) or f"the prompt was blocked: {reason}"
        self._fail(ContentFiltered(None, message, code=reason), out)

    def _candidate(self, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            out.append(UnknownFrame(as_text(value), "a candidate that is no object"))
            return
        # protobuf.dev/programming-guides/json: a field with its default value, as index 0, may be left out
        index = value.get("index", 0)
        if type(index) is not int:
            index = 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index)
            self.complete = False  # all that had begun may have finished, but this one has not
        content = value.get("content")
        parts = content.get("parts") if type(content) is dict else None
        if type(parts) is list:
            candidate.parts(parts, out)
        if not value.keys() <= _NO_NOTES:
            candidate.annotate(value, out)
        reason = value.get("finishReason")
        if type(reason) is str and reason not in _NO_REASONS:
            candidate.finish(reason, parts, value.get("safetyRatings"), out)
            self.complete = all(known.finished for known in self._candidates.values())

    def _report_usage(self, out: list[ChatEvent]) -> None:
        """ai.google.dev/api/generate-content#UsageMetadata: the last figures, if they were not reported yet."""
        if self._undecoded is not None:
            # Only chunks like one with usage are kept there (`_counts`), so that this one has it, too.
            self._usage = decode_at(*self._undecoded)[0]["usageMetadata"]
        raw, self._usage, self._undecoded = self._usage, None, None
        if type(raw) is dict:  # the API counts thoughts apart from the candidates' tokens
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
            # a call may begin or go on after a finish reason; now nothing more can come of it
            for candidate in self._candidates.values():
                if candidate.finished is not None:
                    candidate.end_call(out, candidate.finished.reason)
            self._release(out)

    def _release(self, out: list[ChatEvent]) -> None:
        """What is held back until the end of the stream: the last text as a NativeItem, and the usage."""
        for candidate in self._candidates.values():
            candidate.release(out)
        self._report_usage(out)

    def _done(self, out: list[ChatEvent]) -> None:
        # of gateways that append OpenAI's end marker to every stream
        out.append(UnknownFrame("[DONE]", "no proof of the end on this wire"))

    def _fail(self, error: ChatError, out: list[ChatEvent]) -> None:
        """Keep what is whole, and of text what there is so far. A call whose arguments were cut is none."""
        first = self._candidates.get(0)  # Failed.unfinished counts the calls of the first choice
        cut = () if first is None or first.streamed is None else (first.streamed.index,)
        self._release(out)
        super()._fail(error, out)
        if cut:
            out[-1] = Failed(error, cut)


class _Candidate:
    """One answer while its parts come.

    Parts are kept for the next turn as they came (ai.google.dev/gemini-api/docs/thought-signatures: a part with a
    signature goes back in its place, and is never merged with one without). Plain text is merged into one part.
    """

    __slots__ = ("calls", "finished", "index", "pieces", "streamed", "thought")

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = 0
        self.streamed: StreamedCall | None = None  # the call whose arguments are coming
        self.finished: Finished | None = None
        self.pieces: list[str] = []  # the plain text since the last part of another kind
        self.thought = False  # whether that text is a thought

    def parts(self, parts: list[Any], out: list[ChatEvent]) -> None:
        for part in parts:
            text = part.get("text") if type(part) is dict and len(part) == 1 else None
            if text and type(text) is str and self.pieces and not self.thought:  # nearly all parts
                self.pieces.append(text)
                out.append(TextDelta(text, self.index))
            else:
                self._part(part, out)

    def _part(self, part: Any, out: list[ChatEvent]) -> None:
        if type(part) is not dict:
            out.append(UnknownFrame(as_text(part), "a part that is no object"))
            return
        text, thought = part.get("text"), part.get("thought") is True
        if type(text) is not str:
            self.release(out)
            self._no_text(part, out)
            return
        plain = len(part) == 1 + thought  # no signature and the like beside the text
        if self.pieces and (thought is not self.thought or not plain):
            self.release(out)
        if text:
            out.append(ReasoningDelta(text, self.index) if thought else TextDelta(text, self.index))
        if not plain:
            self._no_text(part, out)
        elif text:
            self.pieces.append(text)
            self.thought = thought

    def _no_text(self, part: dict[str, Any], out: list[ChatEvent]) -> None:
        """A part that goes back as it is: a function call, an image, code and its result, text with a signature."""
        call = part.get("functionCall")
        if type(call) is dict:
            self._call(part, call, out)
        elif part:
            out.append(NativeItem(NAME, part, self.index))

    # --- function calls ------------------------------------------------------------------------------------------

    def _call(self, part: dict[str, Any], call: dict[str, Any], out: list[ChatEvent]) -> None:
        """ai.google.dev/api/caching#FunctionCall: a whole call, or one part of a call whose arguments are streamed.

        Of a streamed call, the first part alone has the name. A call whose last part is missing ends with the next one.
        """
        name, call_id = nonempty(call.get("name")), nonempty(call.get("id"))
        # A name begins another call, unless a server repeats it with the id of the call that is under way.
        if self.streamed is not None and name and (call_id is None or call_id != self.streamed.id):
            self.end_call(out)
        if self.streamed is not None:
            self._go_on(self.streamed, part, out)
        elif not name and "args" not in call:
            out.append(UnknownFrame(as_text(part), "a part of no call"))
        elif call.get("willContinue") is True or call.get("partialArgs"):
            self.streamed = StreamedCall(self.calls)
            self.calls += 1
            self._go_on(self.streamed, part, out, name)
        else:
            # "args: the function parameters and values in JSON object format"; the id is optional
            out.append(ToolCallDelta(self.calls, call_id, name, json_text(call.get("args")), self.index))
            self.calls += 1
            out.append(NativeItem(NAME, part, self.index))

    def _go_on(
        self, streamed: StreamedCall, part: dict[str, Any], out: list[ChatEvent], name: str | None = None
    ) -> None:
        known = streamed.id
        text = streamed.take(part, out)
        call = part["functionCall"]
        new_id = None if known else nonempty(call.get("id"))  # an event has it once, a server may repeat it
        if text or new_id:
            out.append(ToolCallDelta(streamed.index, new_id, name, text, self.index))
        if call.get("willContinue") is not True:
            self.end_call(out)

    def end_call(self, out: list[ChatEvent], reason: FinishReason | None = "tool_calls") -> None:
        """End the call whose arguments are coming: it is whole, or the answer was cut for another `reason`.

        The arguments of a call that was cut stay open, so that they are no JSON. What came of them goes back closed,
        because the API takes an object only.
        """
        if self.streamed is not None:
            end = self.streamed.end()
            if reason in _PROPER_ENDS:
                out.append(ToolCallDelta(self.streamed.index, arguments=end, choice=self.index))
            out.append(NativeItem(NAME, self.streamed.item(), self.index))
            self.streamed = None

    # --- the end -------------------------------------------------------------------------------------------------

    def annotate(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """citationMetadata, groundingMetadata, finishMessage and the like, each a note of its own."""
        out += [Annotation({name: value[name]}, self.index) for name in value if name not in _NO_NOTES and value[name]]

    def release(self, out: list[ChatEvent]) -> None:
        """Give the plain text so far as one part."""
        if self.pieces:
            part: dict[str, Any] = {"text": "".join(self.pieces)}
            if self.thought:
                part["thought"] = True
            self.pieces = []
            out.append(NativeItem(NAME, part, self.index))

    def finish(self, word: str, parts: Any, ratings: Any, out: list[ChatEvent]) -> None:
        reason = _REASONS.get(word, "other")
        match parts:
            case [*_, {"functionCall": {"willContinue": True}}] if reason in _PROPER_ENDS:
                pass  # the call goes on: some servers say STOP in every chunk
            case _:
                self.end_call(out, reason)
        self.release(out)  # before Finished, so that the message is whole when an answer is
        if reason == "stop" and self.calls:  # the API has no finish reason for calls: it says STOP
            reason = "tool_calls"
        if reason == "content_filter" and ratings:
            out.append(Annotation({"safetyRatings": ratings}, self.index))
        finished = Finished(reason, word, self.index)
        if finished != self.finished:  # older models say STOP in every chunk
            self.finished = finished
            out.append(finished)
