"""The answers of OpenAI's Responses API, with and without all events that it should have."""

import json
from typing import Any

import pytest
from dialect_harness import error_of, every_cut, sent, sse
from openai_responses_frames import CALL, NAME, added, completed, done, ev, message, native, said, text

from sansio_core import (
    Annotation,
    ChatEvent,
    ContextTooLong,
    Finished,
    KeepAlive,
    Metadata,
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
)


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
    numbered = [*events[:-1], Metadata({"sequence_number": 5}), events[-1]]
    for body in (sse(*values), sse(*values, named=True), sse(*values) + b"data: [DONE]\n\n"):
        assert every_cut(NAME, body) == numbered
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
        (
            [text("a", content_index="0"), ev("output_text.done", text="b", content_index="1")],
            [TextDelta("a"), TextDelta("b")],
        ),
        ([ev("output_text.done", text={"a": 1})], []),
        # an id that is "" is none
        (
            [ev("output_text.done", text=t, output_index=i, item_id="") for i, t in enumerate("ab")],
            [TextDelta("a"), TextDelta("b")],
        ),
        # an id stays with the item that had it first
        (
            [
                text("a", output_index=0, item_id="w"),
                ev("refusal.delta", delta="no", output_index=1, item_id="x"),
                ev("output_text.done", text="a", output_index=0, item_id="x"),
                ev("refusal.done", refusal="no", item_id="x"),
            ],
            [TextDelta("a"), RefusalDelta("no")],
        ),
        # items that have neither
        (
            [completed(message("a"), message("b"))],
            [
                *(TextDelta("a"), native(message("a")), TextDelta("b"), native(message("b"))),
                Finished("stop", "completed"),
            ],
        ),
        # indexes that are no numbers
        ([text("a", content_index={}), ev("output_text.done", text="a", content_index=[])], [TextDelta("a")]),
        ([text("a", output_index=[0], item_id={})], [TextDelta("a")]),
        # reasoning as a content, and again as a summary
        (
            [
                ev("reasoning_text.delta", delta="r", content_index=1, output_index=0),
                done(0, type="reasoning", summary=[{"type": "summary_text", "text": "r"}]),
            ],
            [
                ReasoningDelta("r"),
                native({"type": "reasoning", "summary": [{"type": "summary_text", "text": "r"}]}),
            ],
        ),
        # a summary that comes whole
        (
            [done(0, type="reasoning", summary=[{"type": "summary_text", "text": "r"}])],
            [
                ReasoningDelta("r"),
                native({"type": "reasoning", "summary": [{"type": "summary_text", "text": "r"}]}),
            ],
        ),
        # the first id is the answer's
        ([ev("created", response={"id": "r1"}), ev("in_progress", response={"id": "r2"})], [Started("r1")]),
        # an item left out of the whole response: the others have other places there
        (
            [
                ev("reasoning_text.delta", delta="r", output_index=0, item_id="w"),
                text("B", output_index=1, item_id="x"),
                completed(message("B", id="x")),
            ],
            [
                ReasoningDelta("r"),
                TextDelta("B"),
                native(message("B", id="x")),
                Finished("stop", "completed"),
            ],
        ),
        ([ev("created", response=5), ev("created", response={})], []),
        (["[DONE]"], [UnknownFrame('"[DONE]"', "no event of this wire")]),
        (
            [{"object": "response", "status": "queued", "id": "r"}],
            [Started("r", None), UnknownFrame('{"status": "queued"}', "a response that is not over")],
        ),
        (
            [ev("completed", response={"status": "in_progress"})],
            [UnknownFrame('{"status": "in_progress"}', "a response that is not over")],
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
    ],
)
def test_a_tool_call(values: list[Any]) -> None:
    assert Reply.of(said(*values)).tool_calls == [ToolCall("call1", "f", "{}")]


CUSTOM = {"type": "custom_tool_call", "id": "x", "call_id": "call1", "name": "f"}


@pytest.mark.parametrize(
    "values",
    [
        [
            added(0, **CUSTOM),
            ev("custom_tool_call_input.delta", delta="a b", output_index=0),
            ev("custom_tool_call_input.done", input="a b", output_index=0),
        ],
        [done(0, **CUSTOM, input="a b")],
    ],
)
def test_a_call_of_a_custom_tool_takes_text(values: list[Any]) -> None:
    reply = Reply.of(said(*values))
    assert reply.tool_calls == [ToolCall("call1", "f", "a b", custom=True)]
    history = [{"role": "user", "content": "q"}, reply.message, reply.tool_calls[0].answer("1")]
    (block,) = sent("anthropic", history)["messages"][1]["content"]
    assert block["input"] == {"input": "a b"}


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
    cut = completed(CALL, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert Reply.of(said(cut)).finish_reason == "length"


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
