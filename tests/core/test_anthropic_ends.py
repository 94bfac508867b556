"""How answers of Anthropic's Messages API end: whole, cut, and with errors."""

import json

import pytest
from anthropic_frames import STOP, TEXT, begin, delta, start, stop, why
from dialect_harness import error_of, events_of, every_cut, native_items, sse

from sansio_core import (
    AuthenticationFailed,
    Failed,
    ProtocolViolation,
    RateLimited,
    Reply,
    ServerFailed,
    StreamTruncated,
    UnknownFrame,
    UsageReport,
)


def test_only_message_stop_proves_the_end() -> None:
    events = every_cut("anthropic", sse(begin(), *TEXT, why("end_turn")) + b"data: [DONE]\n\n")
    assert isinstance(error_of(events), StreamTruncated)
    assert UnknownFrame("[DONE]", "no proof of the end on this wire") in events
    reply = Reply.of(events)
    assert (reply.text, reply.provider_reason) == ("Hi", "end_turn")


def test_nothing_counts_after_message_stop() -> None:
    body = sse(begin(), *TEXT, why("end_turn"), STOP)
    assert events_of("anthropic", body + sse(*TEXT)) == events_of("anthropic", body)


def test_a_cut_answer_keeps_whole_blocks_and_text_but_no_cut_call() -> None:
    body = sse(
        begin(),
        start(0, type="thinking", thinking=""),
        delta(0, "thinking_delta", thinking="hm"),  # without its signature it cannot go back
        start(1, type="tool_use", id="t0", name="whole", input={}),
        stop(1),
        start(2, type="tool_use", id="t1", name="cut", input={}),
        delta(2, "input_json_delta", partial_json='{"x": "rm'),
        start(3, type="text", text=""),
        delta(3, "text_delta", text="so f"),
    )
    events = every_cut("anthropic", body)
    assert isinstance(events[-1], Failed)
    assert events[-1].unfinished == (1,)
    reply = Reply.of(events)
    assert (reply.text, reply.reasoning) == ("so f", "hm")
    assert [call.name for call in reply.tool_calls] == ["whole"]
    assert [item["type"] for item in native_items(reply)] == ["tool_use", "text"]


def test_a_second_message_is_a_violation_and_the_same_again_is_not() -> None:
    again = sse(begin(), start(0, type="text", text="a"), begin(), stop(0), why("end_turn"), STOP)
    assert Reply.of(every_cut("anthropic", again)).complete
    spliced = sse(begin(), start(0, type="tool_use", id="t", name="f"), begin("msg_2"), *TEXT, why("end_turn"), STOP)
    events = every_cut("anthropic", spliced)
    assert isinstance(error_of(events), ProtocolViolation)
    assert Reply.of(events).tool_calls == []
    assert Reply.of(events).id == "msg_1"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", ServerFailed),
        ("api_error", ServerFailed),
        ("rate_limit_error", RateLimited),
        ("authentication_error", AuthenticationFailed),
    ],
)
@pytest.mark.parametrize("head", ["event: error\ndata: ", "data: ", ""])
def test_errors_amid_the_stream(kind: str, expected: type[Exception], head: str) -> None:
    error = json.dumps({"type": "error", "error": {"type": kind, "message": "Sorry"}})
    events = every_cut("anthropic", sse(begin(), *TEXT[:2]) + (head + error).encode())
    assert type(error_of(events)) is expected
    assert "Sorry" in str(error_of(events))
    assert "200" not in str(error_of(events))
    assert Reply.of(events).text == "Hi"


def test_an_error_event_of_another_shape() -> None:
    events = every_cut("anthropic", b'event: error\ndata: {"reason": "gone"}\n\n')
    assert "gone" in str(error_of(events))


def test_a_whole_message_where_the_stream_was_asked_for() -> None:
    message = {
        "type": "message",
        "id": "msg_1",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "Hi", "citations": None},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "ü"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    events = every_cut("anthropic", json.dumps(message, indent=1).encode())
    assert [event for event in events if isinstance(event, UsageReport)] == [UsageReport(1, 2, raw=message["usage"])]
    reply = Reply.of(events)
    assert (reply.text, reply.reasoning, reply.id, reply.complete) == ("Hi", "hm", "msg_1", True)
    assert [call.arguments for call in reply.tool_calls] == ['{"a": "ü"}']
    assert reply.finish_reason == "tool_calls"
    assert native_items(reply) == message["content"]
    other = json.dumps({**message, "id": "msg_2"})
    second = events_of("anthropic", sse(begin()) + other.encode())
    assert isinstance(error_of(second), ProtocolViolation)
    assert Reply.of(second).text == ""


def test_too_deep_json_is_an_error_of_ours() -> None:
    deep = json.loads('{"x":' * 400 + "1" + "}" * 400)
    body = sse(begin(), start(0, type="tool_use", id="t", name="f", input=deep), stop(0), STOP)
    assert Reply.of(events_of("anthropic", body)).complete
    call = start(0, type="tool_use", id="t", name="f")
    bad = sse(begin(), call, delta(0, "input_json_delta", partial_json="["), STOP)
    bad = bad.replace(b'"["', b'"' + b"[" * 100_000 + b'"')
    assert native_items(Reply.of(events_of("anthropic", bad)))[0]["input"] == {}
