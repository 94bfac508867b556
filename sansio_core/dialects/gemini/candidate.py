"""One candidate of a Gemini answer: ai.google.dev/api/generate-content#v1beta.Candidate."""

from __future__ import annotations

from typing import Any

from ...events import (
    Annotation,
    ChatEvent,
    Finished,
    FinishReason,
    Metadata,
    NativeItem,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
)
from ..base import as_text
from ..forms import json_text, nonempty, object_of
from .request import TOKEN
from .streamed_args import StreamedCall

_FILTERED = (
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "MODEL_ARMOR", "ESCALATION",
)  # fmt: skip
_FAULTY = (
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE", "PUP_LIMITED_DISABLED",
)  # fmt: skip
# ai.google.dev/api/generate-content#FinishReason; any other is "other"
_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "pause",
    "FUNCTION_CALL": "tool_calls",  # of servers that imitate the API, which itself says STOP
    **dict.fromkeys(_FILTERED, "content_filter"),
    **dict.fromkeys(_FAULTY, "error"),
}
_PROPER_ENDS = ("stop", "tool_calls")  # the model came to its end, and so did a call whose arguments were coming
# FINISH_REASON_UNSPECIFIED: "Default value. This value is unused."; some versions send it in every chunk
_NO_REASONS = ("", "FINISH_REASON_UNSPECIFIED")
_USUAL_FIELDS = frozenset({"content", "parts", "role", "finishReason", "index"})
_BEFORE_THE_END = _USUAL_FIELDS | {"tokenCount", "avgLogprobs"}  # figures of the answer so far
_LOGPROBS = "logprobsResult"  # of a chunk's tokens, which may be those of the chunk before it
_NOTES = (_LOGPROBS, "citationMetadata", "groundingMetadata", "urlContextMetadata", "groundingAttributions")
"""Fields that are notes on the text, or on where it comes from; others are said of the answer."""


def tell(holder: dict[str, Any], usual: frozenset[str], seen: dict[str, Any], out: list[ChatEvent], index: int) -> None:
    """The fields of `holder` but for the `usual` ones: what is noted of the text, or said of the answer.

    What is repeated unchanged is told once; `seen` has the last values.
    """
    for name, value in holder.items():
        # servers send {} and {"safetyRatings": []} for nothing
        if name in usual or not (any(value.values()) if type(value) is dict else value):
            continue
        if name == _LOGPROBS or seen.get(name) != value:
            seen[name] = value
            out.append((Annotation if name in _NOTES else Metadata)({name: value}, index))


class Candidate:
    """One answer while its parts come.

    Parts are kept for the next turn as they came (ai.google.dev/gemini-api/docs/thought-signatures: a part with a
    signature goes back in its place, and is never merged with one without). Plain text is merged into one part.
    """

    __slots__ = ("calls", "dialect", "finished", "index", "pieces", "seen", "streamed", "thought")

    def __init__(self, index: int, dialect: str) -> None:
        self.index = index
        self.dialect = dialect
        self.calls = 0
        self.streamed: StreamedCall | None = None  # the call whose arguments are coming
        self.finished: Finished | None = None
        self.pieces: list[str] = []  # the plain text since the last part of another kind
        self.thought = False  # whether that text is a thought
        self.seen: dict[str, Any] = {}  # the last values of the fields that were told

    def take(self, value: dict[str, Any], out: list[ChatEvent]) -> bool:
        """One chunk of the candidate. Returns whether it has a finish reason."""
        content = object_of(value.get("content"))
        parts, word = content.get("parts"), value.get("finishReason")
        for part in parts if type(parts) is list else ():
            if type(part) is dict:
                self._part(part, out)
            else:
                out.append(UnknownFrame(as_text(part), "a part that is no object"))
        ended = type(word) is str and word not in _NO_REASONS
        for holder in (content, value):
            if not _USUAL_FIELDS.issuperset(holder):
                tell(holder, _USUAL_FIELDS if ended else _BEFORE_THE_END, self.seen, out, self.index)
        if ended:
            self._finish(word, parts, value.get(TOKEN), out)
        return ended

    def _part(self, part: dict[str, Any], out: list[ChatEvent]) -> None:
        text, thought = part.get("text"), part.get("thought") is True
        plain = type(text) is str and len(part) == 1 + thought  # no signature and the like beside the text
        if self.pieces and (thought is not self.thought or not plain):
            self.release(out)
        if text and type(text) is str:
            out.append(ReasoningDelta(text, self.index) if thought else TextDelta(text, self.index))
            if plain:
                self.pieces.append(text)
                self.thought = thought
        if not plain:
            self._as_it_is(part, out)

    def _as_it_is(self, part: dict[str, Any], out: list[ChatEvent]) -> None:
        """A part that goes back as it is: a function call, an image, code and its result, text with a signature."""
        call = part.get("functionCall")
        if type(call) is dict:
            self._call(part, call, out)
        elif part:
            out.append(NativeItem(self.dialect, part, self.index))

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
            out.append(NativeItem(self.dialect, part, self.index))

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
            out.append(NativeItem(self.dialect, self.streamed.item(), self.index))
            self.streamed = None

    # --- the end -------------------------------------------------------------------------------------------------

    def release(self, out: list[ChatEvent]) -> None:
        """Give the plain text so far as one part."""
        if self.pieces:
            part: dict[str, Any] = {"text": "".join(self.pieces)}
            if self.thought:
                part["thought"] = True
            self.pieces = []
            out.append(NativeItem(self.dialect, part, self.index))

    def _finish(self, word: Any, parts: Any, token: Any, out: list[ChatEvent]) -> None:
        """`token`: that of the chunk with the finish reason, by which the answer goes on."""
        reason = _REASONS.get(word, "other")
        match parts:
            case [*_, {"functionCall": {"willContinue": True}}] if reason in _PROPER_ENDS:
                pass  # the call goes on: some servers say STOP in every chunk
            case _:
                self.end_call(out, reason)
        self.release(out)  # before Finished, so that the message is whole when an answer is
        if reason == "stop" and self.calls:  # the API has no finish reason for calls: it says STOP
            reason = "tool_calls"
        if reason == "pause" and not token:
            token = self.seen.get(TOKEN)  # it may have come before; without one, nothing goes on
            reason = "pause" if token else "length"
        self._end(Finished(reason, word, self.index), token, out)

    def _end(self, finished: Finished, token: Any, out: list[ChatEvent]) -> None:
        if finished == self.finished:  # older models say STOP in every chunk
            return
        # …/generate-content/long-decode: an answer of max_tokens may have a token, too, for a question with more
        if token and finished.reason in ("pause", "length"):
            out.append(NativeItem(self.dialect, {TOKEN: token}, self.index))
        self.finished = finished
        out.append(finished)
