"""The answers of OpenAI's Chat Completions API, and of the hosts that imitate it.

developers.openai.com/api/docs/api-reference/chat/streaming. The end of an answer is proven by a finish reason for every
choice, or by `data: [DONE]`: some hosts send only the one, some only the other.
"""

from __future__ import annotations

from typing import Any

from ...events import ChatEvent, Started, UnknownFrame, UsageReport
from ..base import EventStreamParser, as_text
from ..error_mapping import error_in, of_error, of_event
from ..forms import nonempty, object_of
from .choice import SOURCES, Choice, Notes, id_of

# What hosts say in every chunk about the answer: who gave it, and at which price.
_EVERY_CHUNK = ("service_tier", "system_fingerprint", "provider")
# The choices, those fields, and fields that hold nothing of the answer: ids, times, noise. `usage` is null in all
# chunks but the last one, where the request asks for it.
_USUAL_FIELDS = frozenset({
    "id", "object", "created", "model", "choices", "usage", *_EVERY_CHUNK, "obfuscation", "p", "type", "code",
    "message", "detail", "nonce",
})  # fmt: skip
_KNOWN_FIELDS = _USUAL_FIELDS | {"error"}
# What is said about the answer, by OpenAI (…/guides/moderation), Azure, vLLM, llama.cpp, SambaNova, LM Studio and Groq
_ABOUT = (
    *_EVERY_CHUNK, "moderation", "prompt_filter_results", "prompt_token_ids", "kv_transfer_params", "timings",
    "metrics", "stats", "x_request_id", "request_id", "x_groq",
)  # fmt: skip


class OpenAIChatParser(EventStreamParser):
    """Chat completion chunks, or one whole chat completion from a server that ignored `stream`."""

    text_fields = ("content", "reasoning_content", "reasoning")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._started = False
        self._choices: dict[int, Choice] = {}
        self._notes = Notes(_ABOUT)
        self._said: tuple[Any, ...] = (None, None, None)  # the last values of _EVERY_CHUNK

    def _ready(self, choice: int) -> bool:
        return self._started and choice in self._choices

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            self._no_chunk(event, value, out)
            return
        if not self._started:
            self._start(value, out)
        said = value.get("service_tier"), value.get("system_fingerprint"), value.get("provider")
        if said != self._said:
            self._said = said
            self._notes.tell(dict(zip(_EVERY_CHUNK, said, strict=True)), (), out)
        choices = value.get("choices")
        if choices and type(choices) is list:
            for choice in choices:
                self._choice(choice, out)
        elif not value.get("usage"):  # the last chunk has usage and no choice
            self._no_chunk(event, value, out)
        if value.get("usage") or not value.keys() <= _USUAL_FIELDS:
            self._beside_choices(value, out)

    def _start(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        if value.get("id") or value.get("model"):
            self._started = True  # some hosts give every chunk a new id: the first is the answer's
            out.append(Started(id_of(value.get("id")), id_of(value.get("model"))))

    def _no_chunk(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        error = of_event(event, value)
        if error is not None:
            self.fail(error, out)
        # `choices: []` is a chunk that says nothing: Azure sends its filter's results in one, before the answer
        elif not (isinstance(value, dict) and "choices" in value):
            out.append(UnknownFrame(as_text(value), "no chat completion chunk"))

    def _choice(self, value: Any, out: list[ChatEvent]) -> None:
        if type(value) is not dict:
            out.append(UnknownFrame(as_text(value), "a choice that is no object"))
            return
        index = value.get("index")
        if type(index) is not int:  # some hosts leave it out
            index = 0
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Choice(index)
            self.complete = False  # all choices that had begun may have finished, but this one has not
        choice.read(value, out)
        if word := value.get("finish_reason"):
            choice.finish(word, out)
            self.complete = not any(choice.open for choice in self._choices.values())
        if value.get("error"):
            self._fail_if(value, out)

    def _beside_choices(self, value: dict[str, Any], out: list[ChatEvent]) -> None:
        """What a chunk says of the whole answer."""
        # console.groq.com/docs/api-reference#chat-create: usage, or what went wrong, in an object of Groq's own
        groq = object_of(value.get("x_groq"))
        if figures := value.get("usage") or groq.get("usage"):
            out.append(usage_of(figures, nonempty(self._notes.last.get("service_tier"))))
        if not value.keys() <= _KNOWN_FIELDS:
            about = {name: fact for name, fact in groq.items() if name not in ("usage", "error") and fact}
            said = {**value, "x_groq": about}
            if not value.keys() & {"choices", "usage"}:  # an UnknownFrame has it all
                said = {name: said[name] for name in (*_ABOUT, *SOURCES) if name in said}
            self._notes.tell(said, _KNOWN_FIELDS, out)
        self._fail_if(value, out)
        self._fail_if(groq, out)

    def _fail_if(self, holder: dict[str, Any], out: list[ChatEvent]) -> None:
        if holder.get("error"):
            self.fail(of_error(error_in(holder)), out)

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        super()._decode_bare(value, out)
        if not self.ended and isinstance(value, dict) and value.get("choices"):
            self.done(out)  # a whole completion: no event can follow it

    def done(self, out: list[ChatEvent]) -> None:
        # choices without a finish reason; and a stream of `[DONE]` alone is an answer too, of no text
        for choice in self._choices.values() if self._choices else [Choice(0)]:
            choice.finish(None, out)
        self.complete = self.ended = True


def usage_of(raw: Any, service_tier: str | None) -> UsageReport:
    """The figures of developers.openai.com/api/docs/api-reference/chat/object; `service_tier` is the answer's."""
    if not isinstance(raw, dict):
        return UsageReport(raw={"usage": raw}, service_tier=service_tier)
    tokens = _counts(raw)
    read, written = _counts(raw.get("prompt_tokens_details")), _counts(raw.get("completion_tokens_details"))
    reasoning = written.get("reasoning_tokens", tokens.get("reasoning_tokens"))
    sounds = [details["audio_tokens"] for details in (read, written) if "audio_tokens" in details]
    # docs.x.ai/docs/guides/reasoning: the tokens of the reasoning are no part of completion_tokens there, and the total
    # tells: it is the sum of all three.
    beside = reasoning or 0
    if tokens.get("total_tokens") != tokens.get("prompt_tokens", 0) + tokens.get("completion_tokens", 0) + beside:
        beside = 0
    return UsageReport(
        input_tokens=tokens.get("prompt_tokens"),
        output_tokens=tokens.get("completion_tokens"),
        # api-docs.deepseek.com/guides/kv_cache
        cached_tokens=read.get("cached_tokens", tokens.get("prompt_cache_hit_tokens")),
        reasoning_tokens=reasoning,
        raw=raw,
        total_tokens=tokens.get("total_tokens"),
        cache_write_tokens=read.get("cache_write_tokens"),
        audio_tokens=sum(sounds) if sounds else None,
        # Mistral has it among the figures
        service_tier=nonempty(raw.get("service_tier")) or service_tier,
        more_output=beside,
    )


def _counts(figures: Any) -> dict[str, int]:
    """Those of an object's figures that are numbers of tokens, by their names."""
    return {name: value for name, value in object_of(figures).items() if type(value) is int}
