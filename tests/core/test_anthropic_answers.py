"""The answers of Anthropic's Messages API."""

import json
from typing import Any

import pytest
from anthropic_frames import STOP, TEXT, begin, delta, start, stop, why
from dialect_harness import error_of, events_of, every_cut, native_items, sent, sse, unknown

from sansio_core import (
    Annotation,
    AuthenticationFailed,
    Failed,
    Finished,
    KeepAlive,
    NativeItem,
    ProtocolViolation,
    RateLimited,
    ReasoningDelta,
    Reply,
    ServerFailed,
    Started,
    StreamTruncated,
    TextDelta,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)


@pytest.mark.parametrize("named", [True, False])
def test_text_with_and_without_event_lines(named: bool) -> None:
    body = sse(begin(input_tokens=11, output_tokens=1), {"type": "ping"}, *TEXT, why("end_turn"), STOP, named=named)
    assert every_cut("anthropic", body) == [
        Started("msg_1", "claude"),
        UsageReport(11, 1, raw={"input_tokens": 11, "output_tokens": 1}),
        KeepAlive("ping"),
        TextDelta("Hi"),
        NativeItem("anthropic", {"type": "text", "text": "Hi"}),
        Finished("stop", "end_turn"),
    ]


def test_thinking_keeps_its_signature_and_redacted_thinking_goes_back() -> None:
    redacted = {"type": "redacted_thinking", "data": "x=="}
    body = sse(
        begin(),
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "thinking_delta", thinking="m."),
        delta(0, "signature_delta", signature="sig"),
        stop(0),
        start(1, **redacted),
        stop(1),
        start(2, type="thinking", thinking="Whole"),
        stop(2),
        start(3, type="text", text=""),
        stop(3),
        why("end_turn"),
        STOP,
    )
    reply = Reply.of(every_cut("anthropic", body))
    assert reply.reasoning == "Hmm.Whole"
    assert native_items(reply) == [
        {"type": "thinking", "thinking": "Hmm.", "signature": "sig"},
        redacted,
        {"type": "thinking", "thinking": "Whole"},
    ]


def test_tool_calls_in_pieces_whole_and_without_arguments() -> None:
    body = sse(
        begin(),
        start(0, type="tool_use", id="t0", name="a", input={}),
        start(1, type="tool_use", id="t1", name="b", input={"n": 1}),
        start(2, type="tool_use", id="t2", name="c"),
        delta(0, "input_json_delta", partial_json=""),
        delta(0, "input_json_delta", partial_json='{"x"'),
        delta(1, "input_json_delta", partial_json=""),
        delta(0, "input_json_delta", partial_json=":2}"),
        stop(1),
        stop(0),
        stop(2),
        why("tool_use"),
        STOP,
    )
    events = every_cut("anthropic", body)
    reply = Reply.of(events)
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [
        ("t0", "a", '{"x":2}'),
        ("t1", "b", '{"n": 1}'),
        ("t2", "c", ""),
    ]
    assert [call.parse() for call in reply.tool_calls] == [{"x": 2}, {"n": 1}, {}]
    assert (reply.finish_reason, reply.provider_reason) == ("tool_calls", "tool_use")
    assert [item["input"] for item in native_items(reply)] == [
        {"x": 2},
        {"n": 1},
        {},
    ]  # in their order, though 1 ended first
    assert ToolCallDelta(0, None, None, ":2}") in events


def test_arguments_cut_at_max_tokens_are_shown_and_what_came_goes_back() -> None:
    body = sse(
        begin(),
        start(0, type="tool_use", id="t", name="f", input={}),
        delta(0, "input_json_delta", partial_json='{"a": [1, 2'),
        start(1, type="tool_use", id="u", name="g", input={}),
        delta(1, "input_json_delta", partial_json="oops"),
        why("max_tokens"),
        STOP,
    )
    reply = Reply.of(every_cut("anthropic", body))
    assert [call.arguments for call in reply.tool_calls] == ['{"a": [1, 2', "oops"]
    assert reply.complete
    assert reply.finish_reason == "length"
    assert [item["input"] for item in native_items(reply)] == [{"a": [1, 2]}, {}]


def test_what_the_provider_does_itself_is_no_call_of_the_user() -> None:
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]}
    body = sse(
        begin(),
        start(0, type="server_tool_use", id="s", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query": "q"}'),
        stop(0),
        start(1, **result),
        stop(1),
        start(2, type="text", text="", citations=[{"cited_text": "a"}]),
        delta(2, "citations_delta", citation={"cited_text": "b"}),
        delta(2, "text_delta", text="so"),
        stop(2),
        why("pause_turn", stop_details={"k": 1}, stop_sequence=None),
        STOP,
    )
    reply = Reply.of(every_cut("anthropic", body))
    assert reply.tool_calls == []
    assert (reply.finish_reason, reply.provider_reason) == ("other", "pause_turn")
    assert reply.annotations == [{"cited_text": "a"}, {"cited_text": "b"}, {"stop_details": {"k": 1}}]
    assert native_items(reply) == [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        result,
        {"type": "text", "text": "so", "citations": [{"cited_text": "a"}, {"cited_text": "b"}]},
    ]


def test_unknown_blocks_and_deltas_are_kept() -> None:
    body = sse(
        begin(),
        start(0, type="fallback", to={"model": "m"}),
        delta(0, "new_delta", new=1),
        delta(0, "text_delta", text="t"),
        stop(0),
        {"type": "new_event", "x": 1},
        why("end_turn"),
        STOP,
    )
    events = every_cut("anthropic", body)
    assert NativeItem("anthropic", {"type": "fallback", "to": {"model": "m"}, "text": "t"}) in events
    assert unknown(events) == [delta(0, "new_delta", new=1), {"type": "new_event", "x": 1}]


@pytest.mark.parametrize("begun", [{"content": None}, {"content": ""}, {}, {"content": None, "encrypted_content": ""}])
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([{"content": "Sum\U0001f600"}], {"content": "Sum\U0001f600"}),
        ([{"content": "Sum"}, {"content": "mary"}], {"content": "Summary"}),
        ([{"content": "Sum", "encrypted_content": "x=="}], {"content": "Sum", "encrypted_content": "x=="}),
        ([{"content": "Sum"}, {"encrypted_content": "x=="}], {"content": "Sum", "encrypted_content": "x=="}),
        ([{"content": None, "encrypted_content": None}], {"content": None, "encrypted_content": None}),
        ([{"content": "Sum", "encrypted_content": None}], {"content": "Sum", "encrypted_content": None}),
    ],
)
def test_a_compaction_goes_back_as_one_that_was_never_streamed(
    begun: dict[str, Any], pieces: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    changes = {"tool_changes": [], "signature": "sig"}
    body = sse(
        begin(),
        start(0, type="compaction", **begun, **changes),
        *[delta(0, "compaction_delta", **piece) for piece in pieces],
        stop(0),
        start(1, type="text", text=""),
        delta(1, "text_delta", text="Hi"),
        stop(1),
        why("end_turn"),
        STOP,
    )
    events = every_cut("anthropic", body)
    assert not [event for event in events if isinstance(event, UnknownFrame)]
    reply = Reply.of(events)
    assert reply.text == "Hi"
    block, said = native_items(reply)
    assert block == {"type": "compaction", **begun, **changes, **expected}
    assert said == {"type": "text", "text": "Hi"}
    whole = {"type": "message", "id": "msg_1", "content": [block, said], "stop_reason": "end_turn"}
    assert native_items(Reply.of(events_of("anthropic", json.dumps(whole).encode()))) == [block, said]
    history = [
        {"role": "user", "content": "?"},
        json.loads(json.dumps(reply.message)),
        {"role": "user", "content": "!"},
    ]
    assert sent("anthropic", history)["messages"][1] == {"role": "assistant", "content": [block, said]}


def test_a_cut_compaction_does_not_go_back() -> None:
    summary = delta(0, "compaction_delta", content="Sum")
    reply = Reply.of(every_cut("anthropic", sse(begin(), start(0, type="compaction", content=None), summary)))
    assert "native" not in reply.message


def test_overlapping_blocks_missing_starts_stops_and_indexes() -> None:
    body = sse(
        *TEXT[:2],
        start(0, type="text", text="again"),  # the first one never stopped
        delta(5, "text_delta", text="!"),  # never started
        delta(5, "thinking_delta", thinking="?"),
        delta(9, "thinking_delta", thinking="??"),
        {"type": "content_block_start", "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": ""}},
        {"type": "content_block_stop"},
        stop(77),
        STOP,
    )
    reply = Reply.of(every_cut("anthropic", body))
    assert reply.text == "Hiagain!"
    assert reply.reasoning == "???hm"
    assert (reply.complete, reply.finish_reason) == (True, None)
    assert [item.get("text") or item["thinking"] for item in native_items(reply)] == ["Hi", "again", "!", "??", "hm"]


@pytest.mark.parametrize(
    "odd",
    [
        [1],
        {"type": "content_block_start", "index": 0},
        {"type": "message_start"},
        {"type": "message"},
        {"type": "content_block_delta", "index": 0},
        {"type": ["x"]},
        delta(4, "input_json_delta", partial_json="{"),
        delta(4, "text_delta"),
        delta(4, "citations_delta", citation=1),
        delta(4, "compaction_delta"),
        delta(4, "compaction_delta", content="never started"),
        {"type": "content_block_delta", "index": 0, "delta": {"type": ["text_delta"]}},
    ],
)
def test_odd_frames_do_not_end_the_stream(odd: Any) -> None:
    events = every_cut("anthropic", sse(begin(), odd, *TEXT, why("end_turn"), STOP))
    assert unknown(events) == [odd]
    assert Reply.of(events).text == "Hi"
    assert Reply.of(events).complete


def test_usage_is_merged_and_what_is_said_later_counts() -> None:
    first: dict[str, Any] = {"input_tokens": 612, "cache_read_input_tokens": 3, "output_tokens": 1, "speed": "fast"}
    last = {"input_tokens": 28, "cache_read_input_tokens": None, "output_tokens": 106}
    details = {"output_tokens_details": {"thinking_tokens": 67}}
    body = sse(begin(**first), *TEXT, why(None, last), why("end_turn", details, stop_sequence=None), STOP)
    usage = Reply.of(every_cut("anthropic", body)).usage
    raw = {**first, "input_tokens": 28, "output_tokens": 106, **details}
    assert usage == UsageReport(28, 106, 3, 67, raw)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("something_new", "other"),
    ],
)
def test_stop_reasons(word: str, reason: str) -> None:
    reply = Reply.of(events_of("anthropic", sse(begin(), *TEXT, why(word), STOP)))
    assert (reply.finish_reason, reply.provider_reason) == (reason, word)


def test_annotations_of_a_stop_sequence() -> None:
    body = sse(begin(), *TEXT, why("stop_sequence", stop_sequence="```"), STOP)
    assert Annotation({"stop_sequence": "```"}) in events_of("anthropic", body)


def test_notes_beside_the_last_delta_are_not_lost() -> None:
    notes = {"stop_details": {"category": "x"}, "context_management": {"applied_edits": [{"type": "compact_20260112"}]}}
    last = why("end_turn", stop_details=notes["stop_details"]) | {"context_management": notes["context_management"]}
    reply = Reply.of(every_cut("anthropic", sse(begin(), *TEXT, {**last, "input_transformations": None}, STOP)))
    assert reply.annotations == [notes]
    whole = {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "content": [],
        "usage": {},
        "stop_sequence": None,
        **notes,
    }
    assert Reply.of(events_of("anthropic", json.dumps(whole).encode())).annotations == [notes]


def test_reasoning_and_text_interleave_in_order() -> None:
    body = sse(
        begin(),
        start(0, type="thinking", thinking=""),
        start(1, type="text", text=""),
        delta(0, "thinking_delta", thinking="a"),
        delta(1, "text_delta", text="b"),
        delta(0, "thinking_delta", thinking="c"),
        stop(1),
        stop(0),
        why("end_turn"),
        STOP,
    )
    pieces = [e for e in every_cut("anthropic", body) if isinstance(e, (TextDelta, ReasoningDelta))]
    assert pieces == [ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c")]


# --- ends and errors -------------------------------------------------------------------------------------------------


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
    reply = Reply.of(events)
    assert (reply.text, reply.reasoning, reply.id, reply.complete) == ("Hi", "hm", "msg_1", True)
    assert [call.arguments for call in reply.tool_calls] == ['{"a": "ü"}']
    assert reply.finish_reason == "tool_calls"
    assert native_items(reply) == message["content"]
    other = json.dumps({**message, "id": "msg_2"})
    assert isinstance(error_of(events_of("anthropic", sse(begin()) + other.encode())), ProtocolViolation)


def test_too_deep_json_is_an_error_of_ours() -> None:
    deep = json.loads('{"x":' * 400 + "1" + "}" * 400)
    body = sse(begin(), start(0, type="tool_use", id="t", name="f", input=deep), stop(0), STOP)
    assert Reply.of(events_of("anthropic", body)).complete
    call = start(0, type="tool_use", id="t", name="f")
    bad = sse(begin(), call, delta(0, "input_json_delta", partial_json="["), STOP)
    bad = bad.replace(b'"["', b'"' + b"[" * 100_000 + b'"')
    assert native_items(Reply.of(events_of("anthropic", bad)))[0]["input"] == {}
