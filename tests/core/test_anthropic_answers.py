"""The answers of Anthropic's Messages API."""

import json
from typing import Any

import pytest
from anthropic_frames import STOP, TEXT, begin, delta, start, stop, why
from dialect_harness import events_of, every_cut, native_items, said_by, sent, sse, unknown

from sansio_core import (
    Finished,
    KeepAlive,
    NativeDelta,
    NativeItem,
    ReasoningDelta,
    Reply,
    Started,
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
    assert (reply.finish_reason, reply.provider_reason) == ("pause", "pause_turn")
    assert reply.annotations == [{"cited_text": "a"}, {"cited_text": "b"}]
    assert reply.metadata == {"stop_details": {"k": 1}}
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


CALL = {"type": "tool_use", "id": "t", "name": "f"}


@pytest.mark.parametrize(
    ("values", "events"),
    [
        # ids and names of other types are none
        ([{"type": "message_start", "message": {"id": 5, "model": ""}}], [Started(None, None)]),
        (
            [start(0, **{**CALL, "id": 5, "name": ""}), stop(0)],
            [
                ToolCallDelta(0, None, None),
                NativeItem("anthropic", {"type": "tool_use", "id": 5, "name": "", "input": {}}),
            ],
        ),
        # arguments with the block's start, and again in deltas
        (
            [
                start(0, **CALL, input={"n": 1}),
                *(delta(0, "input_json_delta", partial_json=piece) for piece in ("", '{"n":2}')),
                stop(0),
            ],
            [
                ToolCallDelta(0, "t", "f"),
                ToolCallDelta(0, arguments='{"n":2}'),
                NativeItem("anthropic", {**CALL, "input": {"n": 2}}),
            ],
        ),
        # a signature is no argument
        (
            [start(0, **CALL), delta(0, "signature_delta", signature="s"), stop(0)],
            [ToolCallDelta(0, "t", "f"), NativeItem("anthropic", {**CALL, "signature": "s", "input": {}})],
        ),
        # text with the block's start, and more in deltas; the block begun last has not the highest index
        (
            [
                start(5, type="text", text=""),
                start(2, type="text", text="He"),
                delta(None, "text_delta", text="llo"),
                stop(2),
                stop(5),
            ],
            [TextDelta("He"), TextDelta("llo"), NativeItem("anthropic", {"type": "text", "text": "Hello"})],
        ),
        (
            [start(0, type="compaction", content="a"), delta(0, "compaction_delta", content=None), stop(0)],
            [
                NativeDelta("anthropic", {"type": "compaction_delta", "content": None}),
                NativeItem("anthropic", {"type": "compaction", "content": "a"}),
            ],
        ),
        # how much is thought where no thought is shown; what a tool of the provider's is asked
        (
            [
                start(0, type="thinking", thinking="", signature=""),
                delta(0, "thinking_delta", thinking="", estimated_tokens=50),
                delta(0, "thinking_delta", thinking="", estimated_tokens=None),
                delta(0, "signature_delta", signature="s"),
                stop(0),
                start(1, type="server_tool_use", id="s", name="web_search", input={}),
                delta(1, "input_json_delta", partial_json=""),
                delta(1, "input_json_delta", partial_json="{}"),
                stop(1),
            ],
            [
                NativeDelta("anthropic", {"type": "thinking_delta", "estimated_tokens": 50}),
                NativeItem("anthropic", {"type": "thinking", "thinking": "", "signature": "s"}),
                NativeDelta("anthropic", {"type": "input_json_delta", "partial_json": "{}"}),
                NativeItem("anthropic", {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            ],
        ),
        # the type may stand in the event's line alone
        ([{"type": "", "x": 1}], [UnknownFrame('{"type": "", "x": 1}', "no event of a message")]),
        # each report has the figures of its own time
        (
            [begin(input_tokens=1), why(None, {"output_tokens": 2})],
            [
                Started("msg_1", "claude"),
                UsageReport(1, raw={"input_tokens": 1}),
                UsageReport(1, 2, raw={"input_tokens": 1, "output_tokens": 2}),
            ],
        ),
    ],
)
def test_events(values: list[Any], events: list[Any]) -> None:
    assert said_by("anthropic", *values) == events


def test_the_type_may_be_the_events_name_alone() -> None:
    body = b"".join(b"event: %s\ndata: {}\n\n" % kind for kind in (b"ping", b"message_stop"))
    assert every_cut("anthropic", body) == [KeepAlive("ping"), Finished()]


def test_reasoning_and_text_interleave_in_order() -> None:
    thoughts = [delta(0, "thinking_delta", thinking=piece) for piece in "ac"]
    blocks = [start(0, type="thinking", thinking=""), start(1, type="text", text="")]
    said = [thoughts[0], delta(1, "text_delta", text="b"), thoughts[1]]
    body = sse(begin(), *blocks, *said, stop(1), stop(0), why("end_turn"), STOP)
    pieces = [e for e in every_cut("anthropic", body) if isinstance(e, (TextDelta, ReasoningDelta))]
    assert pieces == [ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c")]
