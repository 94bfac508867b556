"""Spans and metrics by OpenTelemetry's conventions, as the SDK's own readers in memory see them."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from seats import Outcome, Seat

from sansio_core import ChatRequest, Exchange, Finish, Observer, RetryPolicy, Send, providers
from transports import otel
from transports.emulator import Emulator, faults

QUICK = RetryPolicy(attempts=2, first_wait=0.001, jitter=0)
KEY = "key-4711-abcdef"


class Telemetry:
    """The SDK, with everything kept in memory."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])

    def observer(self, **settings: Any) -> Observer:
        return otel.observer(tracer_provider=self.tracers, meter_provider=self.meters, **settings)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.spans
        return span

    @property
    def metrics(self) -> dict[str, Any]:
        data = self._reader.get_metrics_data()
        resources = [] if data is None else data.resource_metrics
        return {metric.name: metric for each in resources for scope in each.scope_metrics for metric in scope.metrics}

    def points(self, name: str) -> list[Any]:
        metric = self.metrics.get(f"gen_ai.client.{name}")
        return [] if metric is None else list(metric.data.data_points)

    def end(self) -> None:
        self.tracers.shutdown()
        self.meters.shutdown()


@pytest.fixture
def telemetry() -> Any:
    there = Telemetry()
    yield there
    there.end()


def client(seat: Seat, emulator: Emulator, name: str, observer: Observer, **settings: Any) -> Any:
    key = {"api_key": KEY} if providers.info(name).api_key_env else {}
    url = emulator.base_url(name)
    return seat.client(name, base_url=url, observer=observer, **({"retry": QUICK} | key | settings))


def test_a_good_answer(seat: Seat, emulator: Emulator, telemetry: Telemetry) -> None:
    ours = client(seat, emulator, "openai", telemetry.observer(), model="gpt-4o")
    reply = seat.complete(
        ours, "What is private", temperature=0, top_p=1, max_tokens=50, seed=7, stop="\n\n", n=1,
        frequency_penalty=0.5, presence_penalty=1, response_format={"type": "json_object"},
    )  # fmt: skip
    span = telemetry.span
    assert (span.name, span.kind, span.parent, span.status.status_code) == (
        "chat gpt-4o", SpanKind.CLIENT, None, StatusCode.UNSET,
    )  # fmt: skip
    about = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": reply.model,
        "server.address": "127.0.0.1",
        "server.port": emulator.port,
    }
    attributes = dict(span.attributes or {})
    assert 0 < attributes.pop("gen_ai.response.time_to_first_chunk") < 30  # type: ignore[operator]
    usage = reply.usage
    assert usage is not None
    assert attributes == about | {
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 1.0,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("\n\n",),
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.request.presence_penalty": 1.0,
        "gen_ai.output.type": "json",
        "gen_ai.response.id": reply.id,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.output_tokens": usage.output,
    } | ({} if usage.cached_tokens is None else {"gen_ai.usage.cache_read.input_tokens": usage.cached_tokens}) | (
        {} if usage.reasoning_tokens is None else {"gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens}
    )
    (duration,) = telemetry.points("operation.duration")
    assert dict(duration.attributes) == about
    assert duration.explicit_bounds[0] == 0.01
    assert duration.explicit_bounds[-1] == 81.92
    (first_chunk,) = telemetry.points("operation.time_to_first_chunk")
    assert dict(first_chunk.attributes) == about
    assert 0 < first_chunk.sum <= duration.sum
    tokens = {point.attributes["gen_ai.token.type"]: point for point in telemetry.points("token.usage")}
    assert {name: point.sum for name, point in tokens.items()} == {"input": usage.input, "output": usage.output}
    assert tokens["input"].explicit_bounds[-1] == 67108864
    units = {name: metric.unit for name, metric in telemetry.metrics.items()}
    assert units == {
        "gen_ai.client.operation.duration": "s", "gen_ai.client.operation.time_to_first_chunk": "s",
        "gen_ai.client.token.usage": "{token}",
    }  # fmt: skip


def test_an_attempt_that_is_made_again(seat: Seat, emulator: Emulator, telemetry: Telemetry) -> None:
    emulator.order(faults.Status(503))
    assert Outcome(seat, client(seat, emulator, "anthropic", telemetry.observer())).text
    (event,) = telemetry.span.events
    assert event.name == "sansio_chat.retry"
    assert dict(event.attributes or {}) == {
        "error.type": "ServerFailed", "http.response.status_code": 503, "sansio_chat.attempt": 1,
        "sansio_chat.attempts": 2, "sansio_chat.wait": 0.001,
    }  # fmt: skip
    assert telemetry.span.status.status_code is StatusCode.UNSET
    assert "error.type" not in telemetry.points("operation.duration")[0].attributes


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (faults.Status(429), "RateLimited", "RateLimited, status 429"),
        (faults.Reset(after_pieces=2), "ConnectionLost", "ConnectionLost"),
    ],
)
def test_a_failure(
    seat: Seat, emulator: Emulator, telemetry: Telemetry, fault: faults.Fault, kind: str, says: str
) -> None:
    emulator.order(fault, always=True)
    outcome = Outcome(seat, client(seat, emulator, "openai", telemetry.observer(), retry=1))
    assert type(outcome.error).__name__ == kind
    span = telemetry.span
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, says)
    assert (span.attributes or {})["error.type"] == kind
    (duration,) = telemetry.points("operation.duration")
    assert duration.attributes["error.type"] == kind
    assert len(telemetry.points("operation.time_to_first_chunk")) == bool(outcome.text)


def test_an_answer_that_its_reader_closes_is_no_error(seat: Seat, emulator: Emulator, telemetry: Telemetry) -> None:
    emulator.order(faults.Stall(after_pieces=2))
    stream = seat.stream(client(seat, emulator, "openai", telemetry.observer()))
    stream.next()
    assert not telemetry.spans
    stream.close()
    assert [event.name for event in telemetry.span.events] == ["sansio_chat.cancelled"]
    assert telemetry.span.status.status_code is StatusCode.UNSET
    assert len(telemetry.points("operation.duration")) == 1
    stream.close()
    assert len(telemetry.spans) == 1


def test_a_function_of_the_users_that_fails_is_an_error(seat: Seat, emulator: Emulator, telemetry: Telemetry) -> None:
    def key() -> str:
        raise KeyError("no key for you")

    url = emulator.base_url("openai")
    ours = seat.client("openai", base_url=url, api_key=key, observer=telemetry.observer())
    with pytest.raises(KeyError):
        seat.stream(ours).next()
    assert telemetry.span.attributes is not None
    assert telemetry.span.attributes["error.type"] == "KeyError"
    assert telemetry.span.status.description == "Cancelled by KeyError"
    assert not telemetry.span.events


def test_the_parent_is_the_span_in_which_the_stream_is_first_read(
    seat: Seat, emulator: Emulator, telemetry: Telemetry
) -> None:
    ours = client(seat, emulator, "openai", telemetry.observer())
    tracer = telemetry.tracers.get_tracer("test")
    with tracer.start_as_current_span("outer"):
        stream = seat.stream(ours)
        stream.next()
    while stream.next() is not None:
        pass
    inner, outer = sorted(telemetry.spans, key=lambda span: span.name)
    assert inner.parent is not None
    assert inner.parent.span_id == outer.get_span_context().span_id  # type: ignore[union-attr]
    stream.close()


def test_many_at_once_never_mix(seat: Seat, emulator: Emulator, telemetry: Telemetry) -> None:
    ours = client(seat, emulator, "openai", telemetry.observer(content=True))
    streams = [seat.stream(ours, f"Question {n}") for n in range(5)]
    for stream in streams:
        stream.next()
    for stream in reversed(streams):
        while stream.next() is not None:
            pass
        stream.close()
    asked = [json.loads(str((span.attributes or {})["gen_ai.input.messages"])) for span in telemetry.spans]
    assert [messages[0]["parts"][0]["content"] for messages in asked] == [f"Question {n}" for n in (4, 3, 2, 1, 0)]
    assert sum(point.count for point in telemetry.points("operation.duration")) == 5


def messages(telemetry: Telemetry) -> tuple[Any, Any]:
    attributes = telemetry.span.attributes or {}
    return tuple(json.loads(str(attributes[f"gen_ai.{which}.messages"])) for which in ("input", "output"))


def test_content_where_it_is_asked_for(seat: Seat, telemetry: Telemetry) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Kranj"}'}}
    conversation = [
        {"role": "system", "content": f"Be brief. {KEY}"},
        {"role": "user", "content": [{"type": "text", "text": "Look:"},
                                     {"type": "image_url", "image_url": {"url": "https://h/x.png?sig=s3cr3t"}}]},
        {"role": "assistant", "content": "", "tool_calls": [call], "reasoning": "Hm."},
        {"role": "tool", "tool_call_id": "c1", "content": "17 °C"},
        {"role": "user", "content": "And in Oslo?"},
    ]  # fmt: skip
    with Emulator(tool_calls=[("weather", {"city": "Oslo"})], reasoning="A city.") as emulator:
        ours = client(seat, emulator, "openai", telemetry.observer(content=True))
        tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
        reply = seat.complete(ours, conversation, tools=[tool])
        seat.close_client(ours)
    asked, answered = messages(telemetry)
    assert asked == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief. [hidden]"}]},
        {"role": "user", "parts": [{"type": "text", "content": "Look:"}, {"type": "image"}]},
        {"role": "assistant", "parts": [
            {"type": "reasoning", "content": "Hm."},
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Kranj"}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "17 °C"}]},
        {"role": "user", "parts": [{"type": "text", "content": "And in Oslo?"}]},
    ]  # fmt: skip
    (call,) = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": {"city": "Oslo"}}
        for call in reply.tool_calls
    ]
    reasoning = [{"type": "reasoning", "content": reply.reasoning}] if reply.reasoning else []
    assert answered == [{"role": "assistant", "parts": [*reasoning, call], "finish_reason": "tool_call"}]


def test_nothing_of_a_question_an_answer_or_an_error_where_it_is_not_asked_for(
    seat: Seat, emulator: Emulator, telemetry: Telemetry
) -> None:
    emulator.order(faults.Status(400, body=b'{"error": {"message": "What is private is no question"}}'))
    ours = client(seat, emulator, "openai", telemetry.observer(), headers={"x-gateway": "header-4711-abcdef"})
    for _ in range(2):
        Outcome(seat, ours, "What is private")
    told = "".join(span.to_json() for span in telemetry.spans) + str(telemetry.metrics)
    assert "BadRequest" in told
    assert not [word for word in ("private", "mountain", KEY, "header-4711-abcdef") if word in told]


def test_a_list_of_models_has_no_span(seat: Seat, emulator: Emulator, telemetry: Telemetry) -> None:
    ours = client(seat, emulator, "openai", telemetry.observer())
    listed = ours.models()
    assert seat.run(listed) if seat.name == "asyncio" else listed  # type: ignore[union-attr]
    assert not telemetry.spans
    assert not telemetry.metrics


# --- the core alone --------------------------------------------------------------------------------------------------


def drive(ours: Exchange, body: bytes) -> None:
    while not isinstance(ours.next_action(0), Finish):
        ours.receive_head(200, [("content-type", "text/event-stream")], 1)
        ours.receive_data(body, 2)
        ours.receive_data(b"", 3)


BODY = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def test_the_core_alone_has_the_same(telemetry: Telemetry) -> None:
    provider = providers.create("mistral", api_key=KEY, model="small")
    request = ChatRequest("Hello", n=3, stop=["a", "b"], response_format={"type": "text"})
    drive(Exchange(provider, request, observer=telemetry.observer(content=True)), BODY)
    attributes = dict(telemetry.span.attributes or {})
    assert telemetry.span.name == "chat small"
    assert attributes["gen_ai.provider.name"] == "mistral_ai"
    assert (attributes["server.address"], attributes["server.port"]) == ("api.mistral.ai", 443)
    assert attributes["gen_ai.request.choice.count"] == 3
    assert attributes["gen_ai.request.stop_sequences"] == ("a", "b")
    assert attributes["gen_ai.output.type"] == "text"
    assert attributes["gen_ai.response.time_to_first_chunk"] == 2
    assert telemetry.points("operation.duration")[0].sum == 3
    assert messages(telemetry)[1] == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hi"}], "finish_reason": "stop"}
    ]
    assert not telemetry.points("token.usage")


VERTEX = "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1"


@pytest.mark.parametrize(
    ("name", "config", "provider", "operation"),
    [
        ("openai_responses", {}, "openai", "chat"),
        ("azure_openai", {"base_url": "https://me.openai.azure.com", "model": "mine"}, "azure.ai.openai", "chat"),
        ("gemini", {}, "gcp.gemini", "generate_content"),
        ("gemini", {"base_url": VERTEX}, "gcp.vertex_ai", "generate_content"),
        ("anthropic", {}, "anthropic", "chat"),
        ("groq", {}, "groq", "chat"),
        ("xai", {}, "x_ai", "chat"),
        ("deepseek", {}, "deepseek", "chat"),
        ("vllm", {}, "vllm", "chat"),
    ],
)
def test_providers_and_operations_by_their_well_known_names(
    name: str, config: dict[str, Any], provider: str, operation: str, telemetry: Telemetry
) -> None:
    config = {"api_key": KEY, "model": "m"} | config
    ours = Exchange(providers.create(name, **config), ChatRequest("Hello"), observer=telemetry.observer())
    assert isinstance(ours.next_action(0), Send)
    ours.receive_head(404, [], 1)
    ours.receive_data(b"", 2)
    attributes = dict(telemetry.span.attributes or {})
    assert attributes["gen_ai.provider.name"] == provider
    assert attributes["gen_ai.operation.name"] == operation
    assert telemetry.span.name == f"{operation} {config['model']}"


def test_an_exchange_that_is_dropped_is_let_go(telemetry: Telemetry) -> None:
    observer: Any = telemetry.observer()
    ours = Exchange(providers.create("acytoo"), ChatRequest("Hello"), observer=observer)
    ours.next_action(0)
    assert len(observer._operations) == 1
    del ours
    assert not observer._operations


def test_without_opentelemetry_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    monkeypatch.delitem(sys.modules, "transports.otel")
    with pytest.raises(ImportError, match=r"pip install 'sansio-chat\[otel\]'"):
        importlib.import_module("transports.otel")
