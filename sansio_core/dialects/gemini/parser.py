"""The answers of Google's Gemini API: ai.google.dev/api/generate-content, method streamGenerateContent.

The end of an answer is proven by a finish reason for every candidate. A blocked prompt has no candidate: that is an
error.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ...errors import ChatError, ContentFiltered
from ...events import ChatEvent, Failed, Metadata, Started, UnknownFrame, UsageReport
from ...parsers.json_values import decode_at
from ..base import EventStreamParser, as_text
from ..error_mapping import of_event
from ..forms import count, nonempty, objects
from .candidate import Candidate, tell
from .request import NAME, VERTEX

_OFTEN = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_CHUNK_FIELDS = _OFTEN | {"promptFeedback", "modelStatus"}
_USUAL_FIELDS = _OFTEN | {"error"}


class GeminiParser(EventStreamParser):
    """GenerateContentResponse objects: of an event stream, or the elements of one JSON array, without `alt=sse`."""

    dialect: ClassVar[str] = NAME  # of the native items
    text_fields = ("text",)
    keeps_text = True  # a NativeItem has all plain text that stands together

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._started = False
        self._candidates: dict[int, Candidate] = {}
        self._seen: dict[str, Any] = {}  # the last values of what chunks say beside the candidates
        # Every chunk has the usage so far, so only the last one is worth an event. A chunk that took the fast path was
        # not decoded: of that one, the place of its JSON is kept, and decoded if it was the last.
        self._usage: Any = None
        self._counts = False  # whether the chunk that was decoded last has usage; so have those like it
        self._undecoded: tuple[str, int] | None = None

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict or _CHUNK_FIELDS.isdisjoint(value):
            self._no_chunk(event, value, out)
            return
        if not self._started:
            self._start(value, out)
        if not _USUAL_FIELDS.issuperset(value):
            tell(value, _USUAL_FIELDS, self._seen, out, 0)
        candidates, usage = value.get("candidates"), value.get("usageMetadata")
        for candidate in candidates if type(candidates) is list else ():
            self._candidate(candidate, out)
        self._counts = bool(usage)
        if usage:
            # These figures are later than those of a chunk that was not decoded.
            self._usage, self._undecoded = usage, None
        self._after_candidates(value, out)

    def _start(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        about = nonempty(value.get("responseId")), nonempty(value.get("modelVersion"))
        if any(about):
            self._started = True
            out.append(Started(*about))
            if value.get("createTime"):
                out.append(Metadata({"createTime": value["createTime"]}))

    def _after_candidates(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        # no chunk need come after the last finish reason, or after a chunk without candidates
        if self._counts and (self.complete or not value.get("candidates")):
            self._report_usage(out)
        feedback = value.get("promptFeedback")
        if type(feedback) is dict and feedback.get("blockReason"):
            self._blocked(feedback, out)
        if value.get("error"):  # it counts even beside candidates: what they say is cut
            self._no_chunk("message", value, out)

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
                    self.decode(event, item, out)
            return
        error = of_event(event, value)
        if error is not None:
            self.fail(error, out)
        elif value != {}:
            out.append(UnknownFrame(as_text(value), "no chunk of an answer"))

    def _blocked(self, feedback: dict[str, Any], out: list[ChatEvent]) -> None:
        """PromptFeedback.blockReason: "If set, the prompt was blocked and no candidates are returned." """
        reason = str(feedback["blockReason"])
        message = nonempty(feedback.get("blockReasonMessage")) or f"the prompt was blocked: {reason}"
        self.fail(ContentFiltered(None, message, code=reason), out)

    def _candidate(self, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            out.append(UnknownFrame(as_text(value), "a candidate that is no object"))
            return
        # protobuf.dev/programming-guides/json: a field with its default value, as index 0, may be left out
        index = value.get("index", 0)
        if type(index) is not int:
            index = 0
        if index not in self._candidates:
            self._candidates[index] = Candidate(index, self.dialect)
            self.complete = False  # all that had begun may have finished, but this one has not
        if self._candidates[index].take(value, out):
            self.complete = all(known.finished for known in self._candidates.values())

    def _report_usage(self, out: list[ChatEvent]) -> None:
        """ai.google.dev/api/generate-content#UsageMetadata: the last figures, if they were not reported yet."""
        if self._undecoded is not None:
            # Only chunks like one with usage are kept there (`_counts`), so that this one has it, too.
            self._usage = decode_at(*self._undecoded)[0]["usageMetadata"]
        raw, self._usage, self._undecoded = self._usage, None, None
        if type(raw) is dict:
            out.append(_usage(raw))

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        super().read_end(proper, out)
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

    def done(self, out: list[ChatEvent]) -> None:
        # of gateways that append OpenAI's end marker to every stream
        out.append(UnknownFrame("[DONE]", "no proof of the end on this wire"))

    def fail(self, error: ChatError, out: list[ChatEvent]) -> None:
        """Keep what is whole, and of text what there is so far. A call whose arguments were cut is none."""
        first = self._candidates.get(0)  # Failed.unfinished counts the calls of the first choice
        cut = () if first is None or first.streamed is None else (first.streamed.index,)
        self._release(out)
        super().fail(error, out)
        if cut:
            out[-1] = Failed(error, cut)


class VertexParser(GeminiParser):
    """The same chunks, of Vertex AI, whose signatures and tokens are its own."""

    dialect = VERTEX


def _usage(raw: dict[str, Any]) -> UsageReport:
    """ai.google.dev/api/generate-content#UsageMetadata; of Vertex AI `trafficType`, for the service tier."""
    thoughts, results = count(raw.get("thoughtsTokenCount")), count(raw.get("toolUsePromptTokenCount"))
    # protobuf.dev/programming-guides/json: 0 may be left out, as of an answer that did not get beyond its thoughts
    written = count(raw.get("candidatesTokenCount", None if thoughts is None else 0))
    heard = [
        amount
        for name in ("promptTokensDetails", "candidatesTokensDetails", "toolUsePromptTokensDetails")
        for detail in objects(raw.get(name))
        if detail.get("modality") == "AUDIO" and (amount := count(detail.get("tokenCount"))) is not None
    ]
    return UsageReport(
        input_tokens=count(raw.get("promptTokenCount")),
        output_tokens=written,
        cached_tokens=count(raw.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
        raw=raw,
        total_tokens=count(raw.get("totalTokenCount")),
        audio_tokens=sum(heard) if heard else None,
        service_tier=nonempty(raw.get("serviceTier")) or nonempty(raw.get("trafficType")),
        more_input=results or 0,  # counted apart from the prompt and the candidates
        more_output=thoughts or 0,
    )
