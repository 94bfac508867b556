"""OpenTelemetry: a span and metrics for each question, by the semantic conventions for generative AI.

    from transports import Client, otel

    client = Client("openai", observer=otel.observer())

For AsyncClient and the core's Exchange it is the same object. It needs the extra `otel` (OpenTelemetry's API); the SDK
and its exporters are the application's choice.

The names are those of release 1.41.1 of the conventions, the last that has them: since then they stand in a repository
of their own, github.com/open-telemetry/semantic-conventions-genai, which has released none. All are in the status
"Development", so that a later release of this package may follow a later one of theirs.

A span begins when the stream is first read, as a child of the span that is current there, and ends with the answer. One
span covers all attempts: each that is tried again is an event of it, `sansio_chat.retry`; an answer that its reader
closed or cancelled is no error, and has the event `sansio_chat.cancelled`. `error.type` is the class of the ChatError
(`RateLimited`, `TimedOut`, …), or of what a function of yours raised (`api_key=`, `connect=`). No key, cookie or nonce
is in any attribute; questions, answers and errors' texts, which may quote them, are there with `content=True` alone. A
ModelList is no such operation: it has no span.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sansio_core import (
    Asked,
    AttemptBegan,
    Cancelled,
    ChatError,
    ChatRequest,
    Choice,
    Ended,
    Exchange,
    FilePart,
    FirstEvent,
    HTTPStatusError,
    ImagePart,
    Message,
    ModelList,
    Notice,
    Observer,
    Reply,
    TextPart,
    ToolCall,
    UsageReport,
    Waiting,
    __version__,
)
from sansio_core.http_request import origin
from sansio_core.parts import Part, RawPart
from sansio_core.redact import redact

from ._shared.course import kind

try:
    from opentelemetry.metrics import Histogram, MeterProvider, get_meter
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, get_tracer
except ImportError:
    raise ImportError("transports.otel needs OpenTelemetry: pip install 'sansio-chat[otel]'") from None

__all__ = ["observer"]

_SCHEMA = "https://opentelemetry.io/schemas/1.41.1"

# docs/gen-ai/gen-ai-metrics.md
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4.0**n for n in range(14))

# docs/gen-ai/gen-ai-spans.md, the well-known values of `gen_ai.provider.name`; other hosts keep our names.
_PROVIDERS = {
    "openai_responses": "openai", "azure_openai": "azure.ai.openai", "gemini": "gcp.gemini", "mistral": "mistral_ai",
    "xai": "x_ai",
}  # fmt: skip
_VERTEX = "aiplatform."  # in the host's name; the same page: `gcp.vertex_ai`

# The same page: our options that are attributes of the request, with the type that the page gives them.
_OPTIONS: dict[str, tuple[str, type]] = {
    "temperature": ("temperature", float),
    "top_p": ("top_p", float),
    "top_k": ("top_k", float),
    "max_tokens": ("max_tokens", int),
    "seed": ("seed", int),
    "frequency_penalty": ("frequency_penalty", float),
    "presence_penalty": ("presence_penalty", float),
}
_USAGE = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached_tokens": "cache_read.input_tokens",
    "cache_write_tokens": "cache_creation.input_tokens",
    "reasoning_tokens": "reasoning.output_tokens",
}
# docs/gen-ai/gen-ai-output-messages.json, FinishReason; our other words pass, as the schema takes any.
_FINISHES = {"tool_calls": "tool_call", "refusal": "content_filter"}


def observer(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    content: bool = False,
) -> Observer:
    """An observer for any number of clients and exchanges; None is the application's global provider.

    `content`: whether spans also have the messages of questions and answers, and errors' texts. Files and images are
    named there by their kind alone.
    """
    return _Telemetry(tracer_provider, meter_provider, content)


class _Operation:
    """One question: its span, and what is known of it before its end."""

    __slots__ = ("about", "first_chunk", "messages", "span")

    def __init__(self, span: Span, about: dict[str, Any], messages: Sequence[Message]) -> None:
        self.span = span
        self.about = about
        self.messages = messages  # those that the span is still to have
        self.first_chunk: float | None = None


class _Telemetry:
    """The observer; it takes notices of many exchanges at once, from any thread."""

    def __init__(self, tracers: TracerProvider | None, meters: MeterProvider | None, content: bool) -> None:
        self._content = content
        # Weak, as an embedder may drop an exchange before its end, and then no notice tells of it.
        self._operations: WeakKeyDictionary[Exchange, _Operation] = WeakKeyDictionary()
        self._tracer = get_tracer("sansio_chat", __version__, tracers, _SCHEMA)
        meter = get_meter("sansio_chat", __version__, meters, _SCHEMA)

        def histogram(name: str, unit: str, bounds: Sequence[float], description: str) -> Histogram:
            return meter.create_histogram(
                f"gen_ai.client.{name}", unit, description, explicit_bucket_boundaries_advisory=bounds
            )

        self._duration = histogram("operation.duration", "s", _SECONDS, "GenAI operation duration.")
        self._first_chunk = histogram(
            "operation.time_to_first_chunk", "s", _SECONDS,
            "Time to receive the first chunk, measured from when the client issues the generation request to when the "
            "first chunk is received in the response stream.",
        )  # fmt: skip
        self._usage = histogram("token.usage", "{token}", _TOKENS, "Number of input and output tokens used.")

    def __call__(self, exchange: Exchange, notice: Notice) -> None:
        if isinstance(notice, Asked):
            if not isinstance(exchange, ModelList):
                self._begin(exchange, notice.request)
            return
        operation = self._operations.get(exchange)
        if operation is None:
            return
        match notice:
            case AttemptBegan() if operation.messages:  # not before: from here on, the exchange knows all secrets
                _set_messages(exchange, operation.span, "input", [_input(message) for message in operation.messages])
            case FirstEvent(seconds):  # of the last attempt, where an earlier one had an event and no content
                operation.first_chunk, operation.messages = seconds, ()
            case Waiting(seconds, error, attempt, of):
                operation.span.add_event("sansio_chat.retry", _retry(seconds, error, attempt, of))
            case Ended(seconds, error, reply):
                del self._operations[exchange]
                self._end(exchange, operation, seconds, error, reply)

    def _begin(self, exchange: Exchange, request: ChatRequest) -> None:
        about = _about(exchange, request)
        # docs/gen-ai/gen-ai-spans.md, Inference: the span's name and kind
        name = " ".join(str(about[key]) for key in ("gen_ai.operation.name", "gen_ai.request.model") if key in about)
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes={**about, **_asked(request)})
        messages = request.messages if self._content and span.is_recording() else ()
        self._operations[exchange] = _Operation(span, about, messages)

    def _end(
        self, exchange: Exchange, operation: _Operation, seconds: float, error: ChatError | None, reply: Reply
    ) -> None:
        span, about = operation.span, operation.about
        if reply.model:
            about["gen_ai.response.model"] = reply.model
        self._describe(exchange, operation, reply)
        failed = error.__cause__ if isinstance(error, Cancelled) else error
        if failed is not None:
            # docs/general/recording-errors.md
            about = {**about, "error.type": type(failed).__name__}
            span.set_attribute("error.type", type(failed).__name__)
            span.set_status(Status(StatusCode.ERROR, str(error) if self._content else kind(error)))
        elif error is not None:
            span.add_event("sansio_chat.cancelled")
        self._duration.record(seconds, about)
        span.end()

    def _describe(self, exchange: Exchange, operation: _Operation, reply: Reply) -> None:
        """What is said of an answer, or of as much of it as came, however it ended."""
        span, about, first_chunk = operation.span, operation.about, operation.first_chunk
        if span.is_recording():
            span.set_attributes({**about, **_answered(reply)})
            if first_chunk is not None:
                span.set_attribute("gen_ai.response.time_to_first_chunk", first_chunk)
            if self._content:
                _set_messages(exchange, span, "output", [_output(choice) for choice in reply.choices])
        for token_type in ("input", "output"):
            count = getattr(reply.usage, token_type, None)
            if count is not None:
                self._usage.record(count, {**about, "gen_ai.token.type": token_type})
        if first_chunk is not None:
            self._first_chunk.record(first_chunk, about)


def _about(exchange: Exchange, request: ChatRequest) -> dict[str, Any]:
    """What the span and all metrics have: docs/gen-ai/gen-ai-spans.md and gen-ai-metrics.md."""
    provider = exchange.provider
    name, (_, host, port) = provider.info.name, origin(provider.base_url)
    about = {
        # The page's example of `generate_content` is Gemini's.
        "gen_ai.operation.name": "generate_content" if name == "gemini" else "chat",
        "gen_ai.provider.name": "gcp.vertex_ai" if name == "gemini" and _VERTEX in host else _PROVIDERS.get(name, name),
        "server.address": host,
        "server.port": port,
    }
    if model := provider.resolve_model(request.model):
        about["gen_ai.request.model"] = model
    return about


def _asked(request: ChatRequest) -> dict[str, Any]:
    """The attributes of a request's options: docs/gen-ai/gen-ai-spans.md."""
    options = request.options
    found: dict[str, Any] = {"gen_ai.request.stream": True}
    for option, (name, kind_of_number) in _OPTIONS.items():
        if option in options:
            found[f"gen_ai.request.{name}"] = kind_of_number(options[option])
    if options.get("n", 1) != 1:
        found["gen_ai.request.choice.count"] = options["n"]
    if stop := options.get("stop"):
        found["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if form := options.get("response_format"):
        text = form == "text" or (isinstance(form, Mapping) and form.get("type") == "text")
        found["gen_ai.output.type"] = "text" if text else "json"
    return found


def _answered(reply: Reply) -> dict[str, Any]:
    """The attributes of an answer, or of as much of it as came: docs/gen-ai/gen-ai-spans.md."""
    usage = reply.usage or UsageReport()
    found = {
        "gen_ai.response.finish_reasons": _reasons(reply),
        "gen_ai.response.id": reply.id or None,
        **{f"gen_ai.usage.{name}": getattr(usage, field) for field, name in _USAGE.items()},
    }
    return {name: value for name, value in found.items() if value is not None}


def _reasons(reply: Reply) -> list[str] | None:
    """Why each choice ended; None where none has yet."""
    reasons = [choice.provider_reason or choice.finish_reason for choice in reply.choices]
    return [reason or "error" for reason in reasons] if any(reasons) else None


def _retry(seconds: float, error: ChatError, attempt: int, of: int) -> dict[str, Any]:
    """The attributes of the event of an attempt that failed, and is made again after `seconds`."""
    about: dict[str, Any] = {
        "error.type": type(error).__name__,
        "sansio_chat.attempt": attempt,
        "sansio_chat.attempts": of,
        "sansio_chat.wait": seconds,
    }
    if isinstance(error, HTTPStatusError) and error.status is not None:
        about["http.response.status_code"] = error.status
    return about


# --- content: docs/gen-ai/gen-ai-input-messages.json and gen-ai-output-messages.json ---------------------------------


def _set_messages(exchange: Exchange, span: Span, which: str, messages: list[dict[str, Any]]) -> None:
    # As JSON text: the page allows it "if structured format is not supported", which is so in most exporters.
    secrets = tuple(json.dumps(secret, ensure_ascii=False)[1:-1] for secret in exchange.secrets)
    span.set_attribute(f"gen_ai.{which}.messages", redact(json.dumps(messages, ensure_ascii=False), secrets))


def _input(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        # a text as it is, as nearly all results are one
        parts = [_part(part) for part in message.parts]
        response = parts[0]["content"] if len(parts) == 1 and "content" in parts[0] else parts
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": message.tool_call_id, "response": response}],
        }
    parts = [{"type": "reasoning", "content": message.reasoning}] if message.reasoning else []
    parts += [_part(part) for part in message.parts if part != TextPart("")]
    return {"role": message.role, "parts": parts + [_call(call) for call in message.tool_calls]}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text):
            return {"type": "text", "content": text}
        case ImagePart():
            return {"type": "image"}
        case FilePart():
            return {"type": "file", "mime_type": part.known_type}
        case RawPart(raw):
            return {"type": str(raw.get("type"))}


def _output(choice: Choice) -> dict[str, Any]:
    parts = [{"type": "reasoning", "content": choice.reasoning}] if choice.reasoning else []
    if text := choice.text or choice.refusal:
        parts.append({"type": "text", "content": text})
    parts += [_call(call) for call in choice.tool_calls]
    reason = choice.finish_reason or ("stop" if choice.finished else "error")
    return {"role": "assistant", "parts": parts, "finish_reason": _FINISHES.get(reason, reason)}


def _call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = call.parse()
    except ChatError:  # the model wrote no JSON, or its answer was cut: as it is
        arguments = call.arguments
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}
