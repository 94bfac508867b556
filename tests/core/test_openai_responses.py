"""OpenAI's Responses wire: what its streams say, with and without all that they should say, and what is asked."""

import json
from typing import Any

import pytest
from dialect_harness import AS_SCHEMA, PIXEL, SCHEMA, WEATHER, asked, comparable, error_of, every_cut, sent, sse
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import (
    Annotation,
    ChatEvent,
    ChatRequest,
    ContextTooLong,
    Failed,
    Finished,
    InvalidRequest,
    KeepAlive,
    NativeItem,
    OptionIgnored,
    ProviderRefused,
    RateLimited,
    ReasoningDelta,
    RefusalDelta,
    Reply,
    ServerFailed,
    Started,
    StreamTruncated,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
    providers,
)
from sansio_core.dialects.openai_responses import OpenAIResponsesParser
from sansio_core.parsers import SSEJSONParser

NAME = "openai_responses"


def ev(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


def text(piece: str, **fields: Any) -> dict[str, Any]:
    return ev("output_text.delta", delta=piece, **fields)


def added(index: int | None, **item: Any) -> dict[str, Any]:
    return ev("output_item.added", item=item, **({} if index is None else {"output_index": index}))


def done(index: int | None, **item: Any) -> dict[str, Any]:
    return ev("output_item.done", item=item, **({} if index is None else {"output_index": index}))


def completed(*output: Any, status: str = "completed", **fields: Any) -> dict[str, Any]:
    return ev(status, response={"object": "response", "status": status, "output": list(output), **fields})


def message(*texts: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": t} for t in texts], **fields}


CALL = {"type": "function_call", "id": "fc1", "call_id": "call1", "name": "f", "arguments": "{}"}


def said(*values: Any) -> list[ChatEvent]:
    """The events of a stream of these values, at every cut; that it stops is told apart."""
    events = every_cut(NAME, sse(*values))
    last = events[-1]
    return events[:-1] if isinstance(last, Failed) and isinstance(last.error, StreamTruncated) else events


def native(item: Any) -> NativeItem:
    return NativeItem(NAME, item)


def test_a_stream() -> None:
    usage = {
        "input_tokens": 5,
        "output_tokens": 2,
        "input_tokens_details": {"cached_tokens": 3},
        "output_tokens_details": {"reasoning_tokens": 1},
    }
    item = message("Hello", id="m1")
    values = [
        ev("created", response={"id": "r1", "model": "m"}, sequence_number=0),
        ev("in_progress", response={"id": "r1", "model": "m"}, sequence_number=1),
        added(0, id="m1", type="message", content=[]),
        ev("content_part.added", output_index=0, content_index=0, part={"type": "output_text", "text": ""}),
        text("Hel", item_id="m1", output_index=0, content_index=0, sequence_number=4),
        text("lo", item_id="m1", output_index=0, content_index=0, sequence_number=5),
        ev("output_text.done", item_id="m1", output_index=0, content_index=0, text="Hello"),
        ev("content_part.done", item_id="m1", output_index=0, content_index=0, part=item["content"][0]),
        done(0, **item),
        completed(item, usage=usage),
    ]
    events: list[ChatEvent] = [
        Started("r1", "m"),
        TextDelta("Hel"),
        TextDelta("lo"),
        native(item),
        UsageReport(5, 2, 3, 1, usage),
        Finished("stop", "completed"),
    ]
    for body in (sse(*values), sse(*values, named=True), sse(*values) + b"data: [DONE]\n\n"):
        assert every_cut(NAME, body) == events
    bare = [{k: v for k, v in value.items() if k not in ("sequence_number", "output_index")} for value in values]
    assert said(*bare) == events
    nameless = [
        {k: v for k, v in value.items() if k != "item_id"}
        for value in bare
        if value["type"] != "response.output_item.added"
    ]
    assert said(*nameless) == events
    assert Reply.of(events).complete


def test_the_model_may_be_named_at_the_end_only() -> None:
    """As by llama.cpp."""
    events = said(ev("created", response={"id": "r1"}), text("a"), completed(id="r1", model="m"))
    assert events == [Started("r1"), TextDelta("a"), Started("r1", "m"), Finished("stop", "completed")]
    assert (Reply.of(events).id, Reply.of(events).model) == ("r1", "m")


def test_the_type_may_be_the_events_name_alone() -> None:
    body = b'event: response.output_text.delta\ndata: {"delta": "a"}\n\n'
    body += b'event: response.refusal.delta\ndata: {"delta": "b"}\n\n'
    assert every_cut(NAME, body * 2)[:-1] == [TextDelta("a"), RefusalDelta("b")] * 2


@pytest.mark.parametrize(
    "values",
    [
        [ev("output_text.done", text="Hello", output_index=0)],
        [ev("content_part.done", part={"type": "output_text", "text": "Hello"}, output_index=0)],
        [done(0, **message("Hello"))],
        [done(None, **message("Hello", id="x"))],
        [completed(message("Hello"))],
        [added(0, type="message", id="x"), completed(message("Hello", id="x"))],
        [
            text("Hello"),
            ev("output_text.done", text="Hello"),
            done(0, **message("Hello", id="x")),
            completed(message("Hello", id="x")),
        ],
        [text("Hello", output_index=3, item_id="x"), completed({"type": "other", "id": "y"}, message("Hello", id="x"))],
        [{"object": "response", "status": "completed", "output": [message("Hello")]}],
    ],
)
def test_text_is_told_once_however_it_comes(values: list[Any]) -> None:
    assert Reply.of(said(*values)).text == "Hello"


def test_parts_without_pieces_are_told_beside_those_with_pieces() -> None:
    item = message("one ", "two")
    events = said(text("one ", output_index=0, content_index=0), done(0, **item), completed(item))
    assert [e.text for e in events if isinstance(e, TextDelta)] == ["one ", "two"]


@pytest.mark.parametrize(
    ("values", "events"),
    [
        ([ev("refusal.delta", delta="no"), ev("refusal.done", refusal="no")], [RefusalDelta("no")]),
        ([ev("refusal.done", refusal="no")], [RefusalDelta("no")]),
        ([ev("reasoning_summary_text.delta", delta="r", summary_index=0)], [ReasoningDelta("r")]),
        ([ev("reasoning_text.delta", delta="r"), ev("reasoning_text.done", text="r")], [ReasoningDelta("r")]),
        (
            [
                ev("reasoning_summary_part.added"),
                ev("reasoning_summary_part.done", part={"type": "summary_text", "text": "r"}),
            ],
            [ReasoningDelta("r")],
        ),
        (
            [
                ev("output_text.annotation.added", annotation={"url": "u"}, content_index=0),
                ev(
                    "content_part.done",
                    content_index=0,
                    part={"type": "output_text", "text": "", "annotations": [{"url": "u"}]},
                ),
            ],
            [Annotation({"url": "u"})],
        ),
        (
            [
                ev(
                    "content_part.done",
                    content_index=0,
                    part={"type": "output_text", "text": "", "annotations": [{"url": "u"}]},
                )
            ]
            * 2,
            [Annotation({"url": "u"})],
        ),
        ([ev("content_part.done", part=5)], []),
        ([ev("content_part.done", part={"type": "other"})], []),
        ([text("a", logprobs=[{"token": "a"}])], [TextDelta("a"), Annotation({"logprobs": [{"token": "a"}]})]),
        ([text("")], []),
        (
            [ev("output_text.delta", delta=5)],
            [UnknownFrame('{"type": "response.output_text.delta", "delta": 5}', "a delta that is no text")],
        ),
        (
            [ev("web_search_call.searching"), ev("web_search_call.completed")],
            [KeepAlive("response.web_search_call.searching"), KeepAlive("response.web_search_call.completed")],
        ),
        (
            [ev("image_generation_call.partial_image")],
            [UnknownFrame('{"type": "response.image_generation_call.partial_image"}', "no event of this wire")],
        ),
        (
            [ev("output_item.added", item=5)],
            [UnknownFrame('{"type": "response.output_item.added", "item": 5}', "no event of this wire")],
        ),
        ([ev("output_item.done")], [UnknownFrame('{"type": "response.output_item.done"}', "no event of this wire")]),
        (
            [ev("output_text.annotation.added")],
            [UnknownFrame('{"type": "response.output_text.annotation.added"}', "no event of this wire")],
        ),
        ([{"type": 5}], [UnknownFrame('{"type": 5}', "no event of this wire")]),
        (["a"], [UnknownFrame('"a"', "no event of this wire")]),
        ([ev("created", response=5), ev("created", response={})], []),
        (["[DONE]"], [UnknownFrame('"[DONE]"', "no event of this wire")]),
        (
            [{"object": "response", "status": "queued", "id": "r"}],
            [Started("r", None), UnknownFrame('{"status": "queued"}', "a response that is not over")],
        ),
    ],
)
def test_events(values: list[Any], events: list[ChatEvent]) -> None:
    assert said(*values) == events


def test_done_proves_nothing() -> None:
    events = every_cut(NAME, sse(text("a")) + b"data: [DONE]\n\n")
    assert events[1] == UnknownFrame("[DONE]", "an end marker that this wire does not have")
    assert isinstance(error_of(events), StreamTruncated)


@pytest.mark.parametrize(
    "values",
    [
        [
            added(0, **{**CALL, "arguments": ""}),
            ev("function_call_arguments.delta", delta="{", output_index=0),
            ev("function_call_arguments.delta", delta="}", item_id="fc1"),
            ev("function_call_arguments.done", arguments="{}", output_index=0),
            done(0, **CALL),
            completed(CALL),
        ],
        [added(None, **{**CALL, "arguments": ""}), ev("function_call_arguments.delta", delta="{}"), done(None, **CALL)],
        [added(0, **CALL), ev("function_call_arguments.done", arguments="{}", output_index=0)],
        [added(0, **CALL), ev("function_call_arguments.done", arguments={}, output_index=0)],
        [ev("function_call_arguments.delta", delta="{}", output_index=0), done(0, **CALL)],
        [done(0, **CALL)],
        [completed(CALL)],
        [done(0, **{k: v for k, v in CALL.items() if k != "call_id"}, call_id="call1")],
        [
            added(0, type="custom_tool_call", id="x", call_id="call1", name="f"),
            ev("custom_tool_call_input.delta", delta="{}", output_index=0),
            ev("custom_tool_call_input.done", input="{}", output_index=0),
        ],
    ],
)
def test_a_tool_call(values: list[Any]) -> None:
    assert Reply.of(said(*values)).tool_calls == [ToolCall("call1", "f", "{}")]


def test_several_tool_calls_at_once() -> None:
    other = {**CALL, "id": "fc2", "call_id": "call2", "name": "g"}
    events = said(
        added(0, **CALL),
        added(1, **other),
        ev("function_call_arguments.delta", delta="2", output_index=1),
        ev("function_call_arguments.delta", delta="1", output_index=0),
        completed(CALL, other),
    )
    assert events[:4] == [
        ToolCallDelta(0, "call1", "f"),
        ToolCallDelta(1, "call2", "g"),
        ToolCallDelta(1, None, None, "2"),
        ToolCallDelta(0, None, None, "1"),
    ]
    reply = Reply.of(events)
    assert (reply.finish_reason, reply.provider_reason) == ("tool_calls", "completed")


@pytest.mark.parametrize(
    ("status", "fields", "reason", "word"),
    [
        ("completed", {}, "stop", "completed"),
        (
            "incomplete",
            {"incomplete_details": {"reason": "max_output_tokens"}},
            "length",
            "incomplete:max_output_tokens",
        ),
        (
            "incomplete",
            {"incomplete_details": {"reason": "content_filter"}},
            "content_filter",
            "incomplete:content_filter",
        ),
        ("incomplete", {"incomplete_details": None}, "other", "incomplete"),
        ("cancelled", {}, "other", "cancelled"),
        ("completed", {"output": [{"content": [{"type": "refusal", "refusal": "no"}]}]}, "refusal", "completed"),
    ],
)
def test_ends(status: str, fields: dict[str, Any], reason: str, word: str) -> None:
    reply = Reply.of(said(ev(status, response={"status": status, **fields})))
    assert (reply.finish_reason, reply.provider_reason, reply.complete) == (reason, word, True)
    whole = json.dumps({"object": "response", "id": "r", "status": status, **fields}, indent=1).encode()
    again = Reply.of(every_cut(NAME, whole))
    assert (again.finish_reason, again.id, again.complete) == (reason, "r", True)


def test_an_end_that_says_nothing() -> None:
    assert said(ev("completed")) == [Finished("stop", "completed")]
    assert said(ev("completed", response={"usage": 5})) == [
        UsageReport(raw={"usage": 5}),
        Finished("stop", "completed"),
    ]
    assert said(ev("completed", response={"usage": {"input_tokens": 1}}))[0] == UsageReport(1, raw={"input_tokens": 1})


@pytest.mark.parametrize(
    ("value", "kind", "detail"),
    [
        (completed(status="failed", error={"code": "rate_limit_exceeded", "message": "slow"}), RateLimited, "slow"),
        (completed(status="failed", error=None), ProviderRefused, "the response failed"),
        ({"type": "error", "code": "server_error", "message": "broke", "param": None}, ServerFailed, "broke"),
        ({"type": "error", "error": {"type": "server_error", "message": "broke"}}, ServerFailed, "broke"),
        ({"error": {"code": "context_length_exceeded", "message": "long"}}, ContextTooLong, "long"),
        ({"detail": "gone"}, ProviderRefused, "gone"),
    ],
)
def test_errors(value: dict[str, Any], kind: type[Exception], detail: str) -> None:
    for body in (sse(value), json.dumps(value).encode(), sse(text("Hi"), value)):
        error = error_of(every_cut(NAME, body))
        assert type(error) is kind
        assert error.detail == detail
    usage = completed(status="failed", error={"message": "m"}, usage={"input_tokens": 1})
    assert said(usage)[0] == UsageReport(1, raw={"input_tokens": 1})


def test_error_events_without_a_type() -> None:
    for data in (b'{"a": 1}', b'"broke"', b"broke"):
        assert isinstance(error_of(every_cut(NAME, b"event: error\ndata: " + data + b"\n\n")), ProviderRefused)


# --- the fast path, and fuzzing ---------------------------------------------------------------------------------------


def feed(parser: OpenAIResponsesParser, body: bytes, step: int) -> list[ChatEvent]:
    events: list[ChatEvent] = []
    for at in range(0, len(body), step):
        events += parser.feed(body[at : at + step])
    return events + parser.end()


def plainly(body: bytes) -> list[ChatEvent]:
    parser = OpenAIResponsesParser()
    parser._frames = SSEJSONParser()
    return feed(parser, body, len(body))


KINDS = ["output_text", "output_text", "output_text", "refusal", "reasoning_text", "function_call_arguments"]
DELTAS = st.builds(
    lambda kind, piece, index, number, padding: ev(
        f"{kind}.delta", sequence_number=number, output_index=index, delta=piece, **padding
    ),
    st.sampled_from(KINDS),
    st.text(max_size=5),
    st.sampled_from([0, 0, 0, 1]),
    st.one_of(st.integers(0, 10**17), st.sampled_from([1.5, -1, "x"])),
    st.sampled_from([{}, {"obfuscation": "abc"}, {"obfuscation": ""}, {"logprobs": []}, {"logprobs": [{"p": "x"}]}]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(DELTAS, min_size=1, max_size=15), st.data())
def test_the_fast_path_changes_nothing(values: list[Any], data: st.DataObject) -> None:
    body = sse(*values, completed())
    whole = comparable(plainly(body))
    per_event = max(1, len(body) // len(values))
    for step in (len(body), per_event, 2 * per_event, data.draw(st.integers(1, len(body)))):
        assert comparable(feed(OpenAIResponsesParser(), body, step)) == whole


def test_the_fast_path_is_taken() -> None:
    frames = OpenAIResponsesParser()._frames
    taken = 0
    for i in range(20):
        (item,) = frames.feed(sse(text(f"a{i}", sequence_number=i, output_index=0, obfuscation="x" * (i % 5))))
        assert isinstance(item, tuple)
        taken += type(item[1]) is TextDelta
    assert taken >= 17


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.sampled_from(["completed", "error"])
)
KEYS = st.sampled_from(
    [
        "type",
        "item",
        "response",
        "delta",
        "output_index",
        "item_id",
        "content",
        "part",
        "text",
        "output",
        "status",
        "usage",
        "error",
        "id",
    ]
)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=4), max_leaves=12)
TYPES = st.sampled_from(
    [
        "created",
        "output_item.added",
        "output_item.done",
        "content_part.done",
        "output_text.delta",
        "output_text.done",
        "completed",
        "failed",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_text.annotation.added",
        "refusal.done",
    ]
)
LIKELY = st.builds(
    lambda fields, kind: {**fields, "type": f"response.{kind}"}, st.dictionaries(KEYS, VALUES, max_size=4), TYPES
)
ITEMS = st.builds(
    lambda index, fields, kind: ev(kind, output_index=index, item={**CALL, **fields}),
    st.integers(0, 2) | st.none(),
    st.dictionaries(st.sampled_from(["type", "id", "call_id", "name", "arguments", "content"]), VALUES, max_size=3),
    st.sampled_from(["output_item.added", "output_item.done"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES | LIKELY | ITEMS, max_size=6), st.binary(max_size=20), st.data())
def test_anything_gives_events_and_the_same_at_every_cut(
    values: list[Any], garbage: bytes, data: st.DataObject
) -> None:
    body = sse(*values)
    body = body[: data.draw(st.integers(0, len(body)))] + garbage
    whole = comparable(feed(OpenAIResponsesParser(), body, max(1, len(body))))
    for step in (1, 5, data.draw(st.integers(1, max(1, len(body))))):
        assert comparable(feed(OpenAIResponsesParser(), body, step)) == whole
    Reply.of(feed(OpenAIResponsesParser(), body, 3)).message  # noqa: B018  # it can be read whatever came


# --- requests ---------------------------------------------------------------------------------------------------------


def test_what_is_asked() -> None:
    request = providers.create(NAME, api_key="key-1").begin(ChatRequest("Hi"), lambda: 0.5).request()
    assert request.url == "https://api.openai.com/v1/responses"
    assert ("authorization", "Bearer key-1") in request.headers
    assert json.loads(request.body) == {
        "model": "gpt-5.4-mini",
        "input": [{"role": "user", "content": "Hi"}],
        "stream": True,
    }
    keyless = providers.create(NAME, base_url="http://h").begin(ChatRequest("Hi"), lambda: 0.5).request()
    assert "authorization" not in dict(keyless.headers)
    listing = providers.create(NAME).models_request()
    assert listing is not None
    assert listing.url == "https://api.openai.com/v1/models"


def test_options() -> None:
    plain = sent(NAME, "Hi", model="m")
    short = {"name": "f", "parameters": {"type": "object"}}
    options = {
        "temperature": 1,
        "max_tokens": 5,
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": SCHEMA,
        "tools": [WEATHER, short, {"type": "web_search"}],
        "tool_choice": "f",
        "top_logprobs": 2,
        "user": "u",
        "extra": {"reasoning": {"summary": "auto"}, "previous_response_id": "r"},
    }
    assert sent(NAME, "Hi", model="m", **options) == {
        **plain,
        "temperature": 1,
        "max_output_tokens": 5,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}},
        "tools": [
            {"type": "function", "strict": False, **WEATHER["function"]},
            {"type": "function", "strict": False, **short},
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "top_logprobs": 2,
        "include": ["message.output_text.logprobs"],
        "user": "u",
        "previous_response_id": "r",
    }
    own = {"type": "web_search"}
    for choice, wire in (("auto", "auto"), (own, own)):
        assert sent(NAME, "Hi", tool_choice=choice)["tool_choice"] == wire
    for response_format, form in (
        ({"type": "json_object"}, {"type": "json_object"}),
        ({"type": "text"}, {"type": "text"}),
    ):
        assert sent(NAME, "Hi", response_format=response_format)["text"] == {"format": form}
    assert sent(NAME, "Hi", response_format=AS_SCHEMA)["text"]["format"]["schema"] == SCHEMA
    with pytest.warns(OptionIgnored, match="openai_responses has no field for seed, stop"):
        providers.create(NAME, api_key="k").begin(ChatRequest("Hi", seed=1, stop="x"), lambda: 0.5)


def test_encrypted_reasoning_is_asked_for_where_nothing_is_stored() -> None:
    for options, asked_for in (
        ({"model": "gpt-5-mini", "store": False}, True),
        ({"model": "openai/o3", "store": False}, True),
        ({"model": "gpt-4.1", "store": False, "reasoning_effort": "low"}, True),
        ({"model": "gpt-4.1", "store": False}, False),
        ({"model": "gpt-5-mini"}, False),
        ({"model": "gpt-5-mini", "store": True}, False),
    ):
        assert ("include" in sent(NAME, "Hi", **options)) == asked_for


def words(*parts: dict[str, Any]) -> dict[str, Any]:
    """An assistant's words in the only form that llama.cpp takes them in."""
    return {"type": "message", "role": "assistant", "content": [*parts]}


def test_a_conversation() -> None:
    conversation = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": PIXEL}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}, {"type": "input_audio"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        asked(),
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    assert sent(NAME, conversation)["input"] == [
        {"role": "system", "content": "Be brief"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What?"},
                {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
            ],
        },
        {"role": "user", "content": [{"type": "input_file", "file_id": "f"}, {"type": "input_audio"}]},
        words({"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}),
        words({"type": "output_text", "text": "c"}),
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"place":"Oslo"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]


def test_the_answer_goes_back_as_it_came() -> None:
    reasoning = {"type": "reasoning", "id": "rs1", "summary": [], "encrypted_content": "E"}
    plain = {"type": "reasoning", "id": "rs2", "summary": []}
    search = {"type": "web_search_call", "id": "ws1", "status": "completed"}
    custom = {"type": "custom_tool_call", "id": "x", "call_id": "call2", "name": "g", "input": "text"}
    output = [reasoning, plain, search, CALL, custom, message("Hi", id="m1")]
    reply = Reply.of(said(*(done(i, **item) for i, item in enumerate(output)), completed(*output)))
    turn = [
        {"role": "user", "content": "?"},
        json.loads(json.dumps(reply.message)),
        {"role": "tool", "tool_call_id": "call1", "content": "1"},
        {"role": "tool", "tool_call_id": "call2", "content": "2"},
    ]
    answers = [
        {"type": "function_call_output", "call_id": "call1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "call2", "output": "2"},
    ]
    assert sent(NAME, turn)["input"][1:] == [*output, *answers]
    assert sent(NAME, turn, store=False)["input"][1:] == [item for item in [*output, *answers] if item is not plain]
    with pytest.warns(OptionIgnored, match="openai_responses answers"):
        providers.create("openai", api_key="k").begin(ChatRequest(turn), lambda: 0.5)
    other = {"role": "assistant", "content": "Hi", "native": {"dialect": "gemini", "items": []}}
    with pytest.warns(OptionIgnored, match="openai_responses has no field for .* gemini answers"):
        providers.create(NAME, api_key="k").begin(ChatRequest([other]), lambda: 0.5)
    with pytest.raises(InvalidRequest):
        sent(NAME, "Hi", response_format=5)
