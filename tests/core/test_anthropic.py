"""Anthropic's Messages wire and endpoint."""

import json
from typing import Any

import pytest
from dialect_harness import (
    AS_SCHEMA,
    PIXEL,
    SCHEMA,
    WEATHER,
    asked,
    comparable,
    error_of,
    events_of,
    every_cut,
    sent,
    sse,
)
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    Annotation,
    AuthenticationFailed,
    ChatRequest,
    Failed,
    Finished,
    InvalidRequest,
    KeepAlive,
    NativeItem,
    OptionIgnored,
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
    providers,
)


def begin(name: str = "msg_1", **usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": name, "model": "claude", "content": [], "usage": usage}}


def start(index: Any, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: Any, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: Any) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def why(reason: str | None, usage: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **rest}, "usage": usage or {}}


STOP = {"type": "message_stop"}
TEXT = [
    start(0, type="text", text=""),
    delta(0, "text_delta", text="Hi"),
    delta(0, "text_delta", text=""),
    stop(0),
]


def native(reply: Reply) -> list[dict[str, Any]]:
    message: dict[str, Any] = reply.message
    return list(message["native"]["items"])


# --- the stream ------------------------------------------------------------------------------------------------------


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
    assert native(reply) == [
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
    assert [item["input"] for item in native(reply)] == [{"x": 2}, {"n": 1}, {}]  # in their order, though 1 ended first
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
    assert [item["input"] for item in native(reply)] == [{"a": [1, 2]}, {}]


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
    assert native(reply) == [
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
    unknown = [json.loads(event.raw) for event in events if isinstance(event, UnknownFrame)]
    assert unknown == [delta(0, "new_delta", new=1), {"type": "new_event", "x": 1}]


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
    block, said = native(reply)
    assert block == {"type": "compaction", **begun, **changes, **expected}
    assert said == {"type": "text", "text": "Hi"}
    whole = {"type": "message", "id": "msg_1", "content": [block, said], "stop_reason": "end_turn"}
    assert native(Reply.of(events_of("anthropic", json.dumps(whole).encode()))) == [block, said]
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
    assert [item.get("text") or item["thinking"] for item in native(reply)] == ["Hi", "again", "!", "??", "hm"]


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
    assert [json.loads(event.raw) for event in events if isinstance(event, UnknownFrame)] == [odd]
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
    assert [item["type"] for item in native(reply)] == ["tool_use", "text"]


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
    assert native(reply) == message["content"]
    other = json.dumps({**message, "id": "msg_2"})
    assert isinstance(error_of(events_of("anthropic", sse(begin()) + other.encode())), ProtocolViolation)


def test_too_deep_json_is_an_error_of_ours() -> None:
    deep = json.loads('{"x":' * 400 + "1" + "}" * 400)
    body = sse(begin(), start(0, type="tool_use", id="t", name="f", input=deep), stop(0), STOP)
    assert Reply.of(events_of("anthropic", body)).complete
    call = start(0, type="tool_use", id="t", name="f")
    bad = sse(begin(), call, delta(0, "input_json_delta", partial_json="["), STOP)
    bad = bad.replace(b'"["', b'"' + b"[" * 100_000 + b'"')
    assert native(Reply.of(events_of("anthropic", bad)))[0]["input"] == {}


FRAMES: list[Any] = [
    begin(input_tokens=1),
    begin("msg_2"),
    *TEXT,
    start(1, type="tool_use", id="t", name="f", input={"a": 1}),
    delta(1, "input_json_delta", partial_json="{"),
    delta(1, "signature_delta", signature="s"),
    delta(1, "compaction_delta", content=None, encrypted_content=5),
    stop(1),
    start(None, type="thinking", thinking=1, citations=[1, {}]),
    delta("0", "thinking_delta", thinking="x"),
    why("end_turn", {"input_tokens": "many", "output_tokens_details": 3}),
    {"type": "message_delta", "delta": None, "usage": 4},
    {"type": "message_delta", "delta": {"stop_reason": 5}},
    {"type": "message", "content": 3, "stop_reason": 4},
    {"type": "error"},
    {"error": "x"},
    STOP,
    None,
    "text",
    [[]],
]


@given(st.lists(st.sampled_from(FRAMES), max_size=8), st.integers(0, 30), st.integers(1, 50))
def test_any_frames_in_any_order_cut_anywhere(frames: list[Any], lost: int, step: int) -> None:
    body = sse(*frames)
    body = body[: len(body) - lost]
    whole = events_of("anthropic", body)
    assert comparable(events_of("anthropic", body, step)) == comparable(whole)
    assert Reply.of(whole).complete == any(isinstance(event, Finished) for event in whole[-1:])


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes(data: bytes, step: int) -> None:
    body = sse(begin()) + data
    assert comparable(events_of("anthropic", body, step)) == comparable(events_of("anthropic", body))


# --- the request -----------------------------------------------------------------------------------------------------


def test_the_request_line_and_headers() -> None:
    for base in ("https://h.example", "https://h.example/", "https://h.example/v1", "https://h.example/v1/"):
        provider = providers.create("anthropic", api_key="secret-key", base_url=base)
        request = provider.begin(ChatRequest("Hello"), lambda: 0.5).request()
        assert (request.method, request.url) == ("POST", "https://h.example/v1/messages")
    assert dict(request.headers) == {
        "anthropic-version": "2023-06-01",
        "accept": "text/event-stream, application/json",
        "content-type": "application/json",
        "x-api-key": "secret-key",
    }
    assert "secret-key" not in repr(request)
    keyless = providers.create("anthropic", base_url="http://127.0.0.1:1").begin(ChatRequest("Hello"), lambda: 0.5)
    assert "x-api-key" not in dict(keyless.request().headers)
    with pytest.raises(InvalidRequest, match="ANTHROPIC_API_KEY"):
        providers.create("anthropic").begin(ChatRequest("Hello"), lambda: 0.5)


def test_the_plain_payload() -> None:
    assert sent("anthropic", "Hello", model="m") == {
        "model": "m",
        "max_tokens": 8192,
        "stream": True,
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_options_have_their_own_names_here() -> None:
    payload = sent(
        "anthropic",
        "Hello",
        temperature=0.1,
        top_p=0.2,
        top_k=3,
        max_tokens=9,
        stop="END",
        reasoning_effort="minimal",
        response_format=AS_SCHEMA,
        user="u",
        metadata={"k": "v"},
        service_tier="auto",
        tools=[WEATHER, {"type": "web_search_20250305", "name": "web_search"}],
        tool_choice="required",
        parallel_tool_calls=False,
        extra={"output_config": {"task_budget": 1}, "container": "c"},
    )
    del payload["messages"]
    assert payload == {
        "model": "claude-sonnet-4-6",
        "stream": True,
        "temperature": 0.1,
        "top_p": 0.2,
        "top_k": 3,
        "max_tokens": 9,
        "stop_sequences": ["END"],
        "metadata": {"k": "v", "user_id": "u"},
        "service_tier": "auto",
        "tools": [
            {
                "name": "weather",
                "description": "The weather of a place",
                "input_schema": WEATHER["function"]["parameters"],  # type: ignore[index]  # a literal of mixed values
            },
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}, "task_budget": 1},
        "container": "c",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        (
            {"reasoning_effort": 2048},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 8192 + 2048},
        ),
        (
            {"reasoning_effort": 2048, "max_tokens": 5000},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 5000},
        ),
        ({"tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"tool_choice": {"type": "none"}}),
        ({"parallel_tool_calls": True}, {"tool_choice": {"type": "auto"}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "tool", "name": "f"}},
        ),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": {"type": "any"}}),
        ({"response_format": {"type": "text"}}, {}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        *(
            ({"tools": [tool]}, {"tools": [{"name": "f", "input_schema": {"type": "object"}}]})
            for tool in (
                {"function": {"name": "f"}},
                {"type": "function", "name": "f"},
                {"name": "f", "parameters": {}},
                {"name": "f", "input_schema": {"type": "object"}},
            )
        ),
        ({"tool_choice": "f"}, {"tool_choice": {"type": "tool", "name": "f"}}),
        ({"response_format": SCHEMA}, {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}),
    ],
)
def test_options_one_by_one(options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("anthropic", "Hello", **options) == {**sent("anthropic", "Hello"), **expected}


@pytest.mark.parametrize(
    "options",
    [
        {"tools": 1},
        {"tools": ["f"]},
        {"tool_choice": 1},
        {"response_format": 1},
        {"stop": 1},
        {"extra": 1},
        {"metadata": 1, "user": "u"},
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        sent("anthropic", "Hello", **options)


def test_the_system_prompt_and_images() -> None:
    cached = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}
    payload = sent(
        "anthropic",
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}, "What?"]},
            {"role": "assistant", "content": ""},
            {"role": "developer", "content": [cached]},
            {"role": "user", "content": [{"type": "image_url", "image_url": "https://x.example/a.png"}]},
        ],
    )
    assert payload["system"] == [{"type": "text", "text": "Be brief."}, cached]
    assert payload["messages"] == [
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                },
                {"type": "text", "text": "What?"},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}],
        },
    ]
    one = [{"role": "system", "content": "One."}, {"role": "user", "content": "?"}]
    assert sent("anthropic", one)["system"] == "One."


def test_tool_answers_go_together_in_one_turn_of_the_user() -> None:
    calls = asked("c1")["tool_calls"] + asked("c2", "time", "")["tool_calls"]
    messages = sent(
        "anthropic",
        [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "tool", "tool_call_id": "c2", "content": ["12", "00"]},
            {"role": "user", "content": "So?"},
        ],
    )["messages"]
    assert messages[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"place": "Oslo"}},
                {"type": "tool_use", "id": "c2", "name": "time", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "rain"},
                {
                    "type": "tool_result",
                    "tool_use_id": "c2",
                    "content": [{"type": "text", "text": "12"}, {"type": "text", "text": "00"}],
                },
            ],
        },
        {"role": "user", "content": "So?"},
    ]


def test_calls_without_ids_get_some_and_their_answers_find_them() -> None:
    calls = [asked(None, name)["tool_calls"][0] for name in ("a", "b", "a")]
    messages = sent(
        "anthropic",
        [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "name": "b", "content": "B"},
            {"role": "tool", "content": "A1"},
            {"role": "tool", "name": "a", "content": "A2"},
            {"role": "tool", "tool_call_id": "known elsewhere", "content": "?"},
            {"role": "tool", "tool_call_id": "call_1_1", "content": "B again"},
        ],
    )["messages"]
    assert [block["id"] for block in messages[1]["content"]] == ["call_1_0", "call_1_1", "call_1_2"]
    answered = [(block["tool_use_id"], block["content"]) for block in messages[2]["content"]]
    assert answered == [
        ("call_1_1", "B"),
        ("call_1_0", "A1"),
        ("call_1_2", "A2"),
        ("known elsewhere", "?"),
        ("call_1_1", "B again"),
    ]
    with pytest.raises(InvalidRequest, match="tool_call_id"):
        sent("anthropic", [{"role": "tool", "content": "an answer to nothing"}])


@pytest.mark.parametrize("arguments", ["[1]", "{"])
def test_arguments_that_this_wire_cannot_carry(arguments: str) -> None:
    with pytest.raises(InvalidRequest, match="weather"):
        sent("anthropic", [{"role": "user", "content": "?"}, asked(arguments=arguments)])


def test_an_answer_goes_back_with_nothing_lost() -> None:
    body = sse(
        begin(),
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="sig"),
        stop(0),
        start(1, type="tool_use", id="t", name="weather", input={}),
        delta(1, "input_json_delta", partial_json='{"place":"Oslo"}'),
        stop(1),
        why("tool_use"),
        STOP,
    )
    message = json.loads(json.dumps(Reply.of(events_of("anthropic", body)).message))
    history = [{"role": "user", "content": "?"}, message, {"role": "tool", "tool_call_id": "t", "content": "rain"}]
    assert sent("anthropic", history)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "t", "name": "weather", "input": {"place": "Oslo"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "rain"}]},
    ]
    with pytest.warns(OptionIgnored, match="reasoning and signatures of anthropic answers") as told:
        call = providers.create("gemini", api_key="k").begin(ChatRequest(history), lambda: 0.5)
    assert len(told) == 1
    assert b'"sig"' not in call.request().body


def test_one_warning_tells_all_that_is_not_sent() -> None:
    provider = providers.create("anthropic", api_key="k")
    history = [{"role": "assistant", "content": "a", "reasoning": "hm"}, {"role": "user", "content": "?"}]
    with pytest.warns(OptionIgnored) as told:
        provider.begin(ChatRequest(history, response_format={"type": "json_object"}), lambda: 0.5)
    assert [str(warning.message) for warning in told] == [
        "anthropic has no field for the reasoning of earlier answers and response_format json_object "
        "(give a JSON Schema): not sent"
    ]
    with pytest.warns(OptionIgnored, match="seed"):
        provider.begin(ChatRequest("?", seed=1), lambda: 0.5)


def test_models() -> None:
    provider = providers.create("anthropic", api_key="k")
    request = provider.models_request()
    assert request is not None
    assert (request.method, request.url) == ("GET", "https://api.anthropic.com/v1/models?limit=1000")
    assert dict(request.headers)["x-api-key"] == "k"
    assert provider.parse_models({"data": [{"id": "a"}, {"id": "b"}], "has_more": False}) == ["a", "b"]


def test_an_overloaded_provider_is_asked_again() -> None:
    provider = providers.create("anthropic", api_key="k")
    error = provider.error_response(
        529, (), b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    )
    assert isinstance(error, ServerFailed)
    assert provider.retry.retries(error)


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
