"""The answers of Google's Gemini API."""

import json
from typing import Any

import pytest
from dialect_harness import error_of, events_of, every_cut, native_items, said_by, sse
from gemini_frames import chunk, text

from sansio_core import (
    Annotation,
    AuthenticationFailed,
    ContentFiltered,
    Finished,
    Metadata,
    NativeItem,
    RateLimited,
    ReasoningDelta,
    Reply,
    ServerFailed,
    Started,
    StreamTruncated,
    TextDelta,
    ToolCallDelta,
    UnexpectedContent,
    UnknownFrame,
    UsageReport,
)


def test_text() -> None:
    meta: dict[str, Any] = {"modelVersion": "gemini-x", "responseId": "r1"}
    usage = {"promptTokenCount": 5, "totalTokenCount": 5}
    last = {"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "cachedContentTokenCount": 1}
    body = sse(
        chunk(text("Hello"), usageMetadata=usage, **meta),
        chunk(text(" there"), usageMetadata=usage, **meta),
        chunk(text(""), finish="STOP", usageMetadata=last, **meta),
    ).replace(b"\n", b"\r\n")
    assert every_cut("gemini", body) == [
        Started("r1", "gemini-x"),
        TextDelta("Hello"),
        TextDelta(" there"),
        NativeItem("gemini", {"text": "Hello there"}),
        Finished("stop", "STOP"),
        UsageReport(5, 2, 1, 3, last, more_output=3),
    ]


def test_thoughts_signatures_and_plain_text_keep_their_places() -> None:
    parts = [
        text("I th", thought=True),
        text("ink", thought=True),
        text("So", thoughtSignature="s1"),
        text(" it"),
        text(" is"),
        text("", thoughtSignature="s2"),
    ]
    reply = Reply.of(every_cut("gemini", sse(*[chunk(part) for part in parts], chunk(finish="STOP"))))
    assert (reply.reasoning, reply.text) == ("I think", "So it is")
    assert native_items(reply) == [
        {"text": "I think", "thought": True},
        {"text": "So", "thoughtSignature": "s1"},
        {"text": " it is"},
        {"text": "", "thoughtSignature": "s2"},
    ]


def test_function_calls() -> None:
    parts = [
        {"functionCall": {"name": "a", "args": {"x": "ü"}, "id": "f1"}, "thoughtSignature": "sig"},
        {"functionCall": {"name": "b", "args": {}}},
        {"functionCall": {"name": "c"}},
    ]
    events = every_cut("gemini", sse(chunk(text("See:"), parts[0]), chunk(*parts[1:]), chunk(text(""), finish="STOP")))
    reply = Reply.of(events)
    assert [(c.id, c.name, c.arguments, c.parse()) for c in reply.tool_calls] == [
        ("f1", "a", '{"x": "ü"}', {"x": "ü"}),
        (None, "b", "{}", {}),
        (None, "c", "", {}),
    ]
    assert (reply.finish_reason, reply.provider_reason) == ("tool_calls", "STOP")
    assert native_items(reply) == [text("See:"), *parts]
    assert ToolCallDelta(1, None, "b", "{}") in events


def test_parts_of_other_kinds_are_kept() -> None:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"somethingNew": 1},
    ]
    reply = Reply.of(every_cut("gemini", sse(chunk(text("a")), chunk(*parts, {}), chunk(text("b"), finish="STOP"))))
    assert native_items(reply) == [text("a"), *parts, text("b")]
    assert reply.text == "ab"
    assert reply.tool_calls == []


def test_several_candidates() -> None:
    body = sse(
        chunk(text("a"), index=0),
        chunk(text("b", thought=True), index=1),
        chunk(text("A"), index=0, finish="STOP"),
        chunk({"functionCall": {"name": "f"}}, index=1, finish="STOP"),
    )
    reply = Reply.of(every_cut("gemini", body))
    assert [choice.text for choice in reply.choices] == ["aA", ""]
    assert reply.choices[1].reasoning == "b"
    assert reply.choices[1].finish_reason == "tool_calls"
    assert reply.choices[1].message["native"]["items"] == [text("b", thought=True), {"functionCall": {"name": "f"}}]
    assert reply.complete
    unfinished = sse(chunk(text("a"), index=0, finish="STOP"), chunk(text("b"), index=1))
    assert isinstance(error_of(every_cut("gemini", unfinished)), StreamTruncated)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("MAX_TOKENS", "length"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("FUNCTION_CALL", "tool_calls"),
        ("LANGUAGE", "other"),
        ("SOMETHING_NEW", "other"),
    ],
)
def test_finish_reasons(word: str, reason: str) -> None:
    reply = Reply.of(events_of("gemini", sse(chunk(text("a"), finish=word))))
    assert (reply.finish_reason, reply.provider_reason, reply.complete) == (reason, word, True)


def test_a_finish_reason_in_every_chunk_is_told_when_it_changes() -> None:
    body = sse(
        chunk(text("a"), finish="FINISH_REASON_UNSPECIFIED"),
        chunk(text("b"), finish="STOP"),
        chunk(text("c"), finish="STOP", usageMetadata={"promptTokenCount": 1}),
        chunk({"functionCall": {"name": "f"}}, finish="STOP"),
        {"usageMetadata": {"promptTokenCount": 2}},
    )
    events = every_cut("gemini", body)
    finished = [event for event in events if isinstance(event, Finished)]
    assert finished == [Finished("stop", "STOP"), Finished("tool_calls", "STOP")]
    assert [event.input_tokens for event in events if isinstance(event, UsageReport)] == [1, 2]
    assert Reply.of(events).text == "abc"
    assert native_items(Reply.of(events))[:3] == [text("ab"), text("c"), {"functionCall": {"name": "f"}}]


@pytest.mark.parametrize(
    "odd",
    [
        5,
        [5],
        {"x": 1},
        {"candidates": [3]},
        {"candidates": [{"content": {"parts": [7]}}]},
    ],
)
def test_odd_frames_do_not_end_the_stream(odd: Any) -> None:
    events = every_cut("gemini", sse(chunk(text("a")), odd, chunk(text("b"), finish="STOP")))
    assert len([event for event in events if isinstance(event, UnknownFrame)]) == 1
    assert Reply.of(events).text == "ab"
    assert Reply.of(events).complete


def test_empty_and_malformed_shapes_say_nothing() -> None:
    body = sse(
        {},
        {"candidates": []},
        {"candidates": None, "modelVersion": None},
        {"candidates": [{"content": None}]},
        {"candidates": [{"content": {"parts": None}, "index": "x", "finishReason": 3}]},
        {"candidates": [{"index": None, "finishReason": None}], "usageMetadata": "much"},
        {"promptFeedback": {"safetyRatings": []}},
        {"candidates": [], "usageMetadata": [1]},
    )
    events = every_cut("gemini", body + sse(chunk(finish="STOP")) + b"data: [DONE]\n\n")
    assert events == [Finished("stop", "STOP"), UnknownFrame("[DONE]", "no proof of the end on this wire")]


def test_json_arrays_where_an_event_stream_was_asked_for() -> None:
    chunks = [chunk(text("a"), responseId="r"), chunk(text("b"), finish="STOP", usageMetadata={"promptTokenCount": 4})]
    whole = events_of("gemini", sse(*chunks))
    assert every_cut("gemini", json.dumps(chunks).encode()) == whole
    assert every_cut("gemini", json.dumps(chunks, indent=2).encode()) == whole
    assert every_cut("gemini", sse(chunks)) == whole
    alone = chunk(text("a"), finish="STOP")
    assert every_cut("gemini", json.dumps(alone, indent=1).encode()) == events_of("gemini", sse(alone))


def test_reasoning_is_told_apart_in_order() -> None:
    body = sse(chunk(text("a", thought=True), text("b"), text("c", thought=True)), chunk(finish="STOP"))
    pieces = [e for e in every_cut("gemini", body) if isinstance(e, (TextDelta, ReasoningDelta, Annotation))]
    assert pieces == [ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c")]


# --- ends and errors -------------------------------------------------------------------------------------------------


def exactly(*values: Any) -> list[Any]:
    return said_by("gemini", *values)


def test_usage_that_comes_alone_and_calls_without_a_name() -> None:
    usage = {"promptTokenCount": 1}
    whole = {"functionCall": {"args": {"x": 1}}}
    assert exactly({"candidates": [], "usageMetadata": usage}, chunk(text("a")), chunk(whole, finish="STOP")) == [
        UsageReport(1, raw=usage),
        TextDelta("a"),
        NativeItem("gemini", text("a")),
        ToolCallDelta(0, None, None, '{"x": 1}'),
        NativeItem("gemini", whole),
        Finished("tool_calls", "STOP"),
    ]


def test_every_candidate_must_finish() -> None:
    events = every_cut("gemini", sse(chunk(text("b"), index=1), chunk(text("a"), index=0, finish="STOP")))
    assert isinstance(error_of(events), StreamTruncated)


def test_a_block_reason_that_is_no_text() -> None:
    error = error_of(exactly({"promptFeedback": {"blockReason": 3, "blockReasonMessage": 5}}))
    assert isinstance(error, ContentFiltered)
    assert (error.code, error.detail) == ("3", "the prompt was blocked: 3")


@pytest.mark.parametrize("more", [{}, {"blockReasonMessage": "Reasons"}])
def test_a_blocked_prompt(more: dict[str, Any]) -> None:
    usage = {"promptTokenCount": 9}
    feedback = {"blockReason": "SAFETY", **more}
    events = every_cut("gemini", sse({"promptFeedback": feedback, "usageMetadata": usage}))
    error = error_of(events)
    assert type(error) is ContentFiltered
    assert (error.code, error.detail) == ("SAFETY", more.get("blockReasonMessage", "the prompt was blocked: SAFETY"))
    assert events[:2] == [Metadata({"promptFeedback": feedback}), UsageReport(9, raw=usage)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 429, "message": "Sorry", "status": "RESOURCE_EXHAUSTED"}, RateLimited),
        ({"code": 503, "message": "Sorry", "status": "UNAVAILABLE"}, ServerFailed),
        ({"code": 401, "message": "Sorry", "status": "UNAUTHENTICATED"}, AuthenticationFailed),
    ],
)
@pytest.mark.parametrize("form", ["event", "bare", "pretty", "list", "in a list event", "no newline"])
def test_errors_amid_the_stream(error: dict[str, Any], expected: type[Exception], form: str) -> None:
    value = {"error": error}
    said = {
        "event": sse(value),
        "bare": json.dumps(value).encode() + b"\n",
        "pretty": json.dumps(value, indent=2).encode() + b"\n",
        "list": json.dumps([value]).encode(),
        "in a list event": sse([{"usageMetadata": {}}, value, chunk(text("more"))]),
        "no newline": b"data: " + json.dumps(value).encode(),
    }[form]
    usage = {"promptTokenCount": 1}
    events = every_cut("gemini", sse(chunk(text("partial"), usageMetadata=usage)) + said)
    assert type(error_of(events)) is expected
    assert "Sorry" in str(error_of(events))
    reply = Reply.of(events)
    assert reply.text == "partial"
    assert reply.usage == UsageReport(1, raw=usage)
    assert native_items(reply) == [text("partial")]


def test_an_error_beside_candidates_and_one_of_another_shape() -> None:
    events = every_cut("gemini", sse(chunk(text("a"), error={"code": 500, "message": "Sorry"})))
    assert isinstance(error_of(events), ServerFailed)
    events = every_cut("gemini", b'event: error\ndata: {"reason": "gone"}\n\n')
    assert "gone" in str(error_of(events))


def test_an_answer_that_stops_is_truncated() -> None:
    events = every_cut("gemini", sse(chunk(text("partial"), usageMetadata={"promptTokenCount": 1})))
    assert isinstance(error_of(events), StreamTruncated)
    assert native_items(Reply.of(events)) == [text("partial")]
    assert isinstance(error_of(every_cut("gemini", b"")), StreamTruncated)


def test_html() -> None:
    events = every_cut("gemini", b"<html><title>Bad gateway</title></html>\n")
    assert isinstance(error_of(events), UnexpectedContent)


def test_what_stands_beside_an_error_is_given_before_it() -> None:
    usage = {"promptTokenCount": 5}
    body = sse(chunk(text("a")), chunk(text("b"), usageMetadata=usage, error={"code": 503, "message": "busy"}))
    events = every_cut("gemini", body)
    assert events[:-1] == [
        TextDelta("a"),
        TextDelta("b"),
        NativeItem("gemini", text("ab")),
        UsageReport(5, raw=usage),
    ]
    assert isinstance(error_of(events), ServerFailed)
