"""The answers of OpenAI's Chat Completions API, in every shape that hosts give them."""

import json
from typing import Any

import pytest
from dialect_harness import error_of, every_cut, sent, sse
from openai_chat_frames import DONE, calls, chunk, said

from sansio_core import (
    Annotation,
    AuthenticationFailed,
    BadRequest,
    ChatEvent,
    ChatRequest,
    ContextTooLong,
    Failed,
    Finished,
    KeepAlive,
    LimitExceeded,
    Metadata,
    NativeDelta,
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
    UnexpectedContent,
    UnknownFrame,
    UsageReport,
    providers,
)
from sansio_core.dialects.openai_chat import OpenAIChatParser


def test_a_stream() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}}
    body = sse(
        chunk({"role": "assistant", "content": ""}, id="c1", model="m"),
        chunk({"content": "Hel"}, id="c2", model="m"),
        chunk({"content": "lo"}, id="c3", model="m"),
        chunk(None, "stop"),
        chunk(None, None),  # null after stop
        {"choices": [], "usage": usage},
    )
    events = every_cut("openai", body + DONE)
    assert events == [
        Started("c1", "m"),
        TextDelta("Hel"),
        TextDelta("lo"),
        Finished("stop", "stop"),
        UsageReport(5, 2, 3, None, usage),
    ]
    assert Reply.of(events).complete


@pytest.mark.parametrize(
    ("delta", "events"),
    [
        ({"content": None}, []),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": ""}, "b"]}, ["a", "b"]),
        ({"content": {"type": "text", "text": "a"}}, ["a"]),
        ({"content": "<think>a</think>"}, ["<think>a</think>"]),
        ("a", ["a"]),
        ({"reasoning": "r"}, [ReasoningDelta("r")]),
        ({"reasoning_content": "r", "reasoning": "the same"}, [ReasoningDelta("r")]),
        ({"reasoning": {"a": 1}}, [UnknownFrame('{"a": 1}', "reasoning that is no text")]),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}, 1, "s", {"text": None}]}]},
            [ReasoningDelta("rs")],
        ),
        ({"content": [{"type": "thinking", "thinking": "r"}]}, [ReasoningDelta("r")]),
        ({"content": [{"type": "thinking", "thinking": []}]}, []),
        ({"content": [{"type": "refusal", "refusal": "no"}]}, [RefusalDelta("no")]),
        ({"content": [{"type": "refusal", "refusal": ""}]}, []),
        ({"content": [{"type": "image"}]}, [UnknownFrame('{"type": "image"}', "a content part of another kind")]),
        ({"refusal": "no"}, [RefusalDelta("no")]),
        ({"audio": {"data": "AA"}}, [NativeDelta("openai_chat", {"audio": {"data": "AA"}})]),
        ({"padding": None}, []),
        ({"annotations": [{"type": "a"}, {"type": "b"}]}, [Annotation({"type": "a"}), Annotation({"type": "b"})]),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "r"}]},
            [NativeItem("openai_chat", {"type": "reasoning.text", "text": "r"})],
        ),
        ({"tool_calls": ["x"]}, [UnknownFrame('"x"', "a tool call that is no object")]),
        (5, [UnknownFrame('{"index": 0, "delta": 5, "finish_reason": null}', "a delta that is no object")]),
    ],
)
def test_deltas(delta: Any, events: list[Any]) -> None:
    assert said(chunk(delta)) == [TextDelta(event) if isinstance(event, str) else event for event in events]


@pytest.mark.parametrize(
    ("value", "events"),
    [
        ({"choices": []}, []),
        ({"choices": [], "prompt_filter_results": [{}]}, [Metadata({"prompt_filter_results": [{}]})]),  # Azure's first
        ({"choices": None}, []),
        ({"choices": [7]}, [UnknownFrame("7", "a choice that is no object")]),
        ({"choices": [{"text": "a"}]}, [TextDelta("a")]),  # the older completions wire
        ({"choices": [{"text": ""}]}, []),
        ({"choices": [{}]}, []),
        (chunk({"content": "a"}, index=None), [TextDelta("a")]),
        (chunk({"content": "a"}, model="m"), [Started(None, "m"), TextDelta("a")]),
        ({"choices": [{"delta": "", "text": 5}]}, []),
        ({"choices": [], "id": True, "model": "m"}, [Started(None, "m")]),
        ({"choices": [], "id": 7}, [Started("7", None)]),
        (chunk({"content": "a"}, index=2), [TextDelta("a", 2)]),
        ({"usage": {"a": 1}}, [UsageReport(raw={"a": 1})]),
        (chunk({"content": "a"}, 5), [TextDelta("a")]),
        ({"choices": [], "usage": 7}, [UsageReport(raw={"usage": 7})]),
        (
            chunk(usage={"prompt_cache_hit_tokens": 4, "prompt_tokens": True}),
            [UsageReport(None, None, 4, None, {"prompt_cache_hit_tokens": 4, "prompt_tokens": True})],
        ),
        (
            chunk(x_groq={"id": "g", "usage": {"prompt_tokens": 1}}),
            [UsageReport(1, None, None, None, {"prompt_tokens": 1}), Metadata({"x_groq": {"id": "g"}})],
        ),
        (chunk(usage={"prompt_tokens": 1}, x_groq={"usage": {}}), [UsageReport(1, raw={"prompt_tokens": 1})]),
        (chunk(usage={"a": 1}, x_groq={"usage": {"b": 1}}), [UsageReport(raw={"a": 1})]),
        ({"hello": 1}, [UnknownFrame('{"hello": 1}', "no chat completion chunk")]),
        ([1], [UnknownFrame("[1]", "no chat completion chunk")]),
        ("text", [UnknownFrame('"text"', "no chat completion chunk")]),
        ({"choices": [{"delta": {}, "logprobs": {"content": [1]}}]}, [Annotation({"logprobs": {"content": [1]}})]),
        (chunk(surprise=1), [UnknownFrame('{"surprise": 1}', "fields of another kind")]),
        (
            {"choices": [{"index": 1, "delta": {}, "surprise": 1, "token_ids": [1], "stop_reason": 7}]},
            [Metadata({"stop_reason": 7}, 1), UnknownFrame('{"surprise": 1}', "fields of another kind")],
        ),
    ],
)
def test_chunks(value: Any, events: list[ChatEvent]) -> None:
    assert said(value) == events


def test_what_is_repeated_is_told_once() -> None:
    assert said(*[chunk(citations=["a"], surprise=1)] * 3, chunk(citations=["a", "b"])) == [
        Annotation({"citations": ["a"]}),
        UnknownFrame('{"surprise": 1}', "fields of another kind"),
        Annotation({"citations": ["a", "b"]}),
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
            {"index": 0, "function": {"arguments": "{}"}},
        ],
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
        ],
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": None}},
            {"index": 0, "id": "", "function": {"name": "", "arguments": "{}"}},
        ],
        [
            {"index": 0, "id": "a", "function": {"name": "f"}},
            {"index": 0, "id": "new", "function": {"arguments": "{}"}},
        ],
        [{"id": "a", "function": {"name": "f", "arguments": {}}}],
        [{"id": "a", "function": {"name": "f"}}, {"function": {"arguments": "{}"}}],
        [{"index": 0, "id": "a", "name": "f", "arguments": "{}"}],
        [{"index": 0, "id": "a", "function": None, "name": "f", "arguments": "{}"}],
        [
            {"index": 0, "id": "a", "function": {"name": "f"}},
            {"index": 0, "function": {"arguments": "{"}},
            {"index": 0, "function": {"name": "f", "arguments": "}"}},
        ],
        [
            {"index": 0, "function": {"arguments": "{"}},
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
        ],
        [
            {"index": 0, "id": "a"},
            {"index": 0, "function": {"name": "f"}},
            {"index": 0, "function": {"arguments": "{}"}},
        ],
    ],
)
def test_one_tool_call(pieces: list[dict[str, Any]]) -> None:
    assert calls(*pieces) == [ToolCall("a", "f", "{}")]
    events = said(*(chunk({"tool_calls": [piece]}) for piece in pieces))
    assert [e.name for e in events if isinstance(e, ToolCallDelta) and e.name] == ["f"]  # once


def test_several_tool_calls() -> None:
    f, g = {"name": "f", "arguments": "1"}, {"name": "g", "arguments": "2"}
    both = [ToolCall("a", "f", "1"), ToolCall("b", "g", "2")]
    assert calls({"index": 0, "id": "a", "function": f}, {"index": 1, "id": "b", "function": g}) == both
    assert calls({"index": 0, "id": "a", "function": f}, {"index": 0, "id": "b", "function": g}) == both
    assert calls({"id": "a", "function": f}, {"id": "b", "function": g}) == both
    assert calls({"function": f}, {"function": g}) == [ToolCall(None, "f", "1"), ToolCall(None, "g", "2")]
    assert (
        calls(
            {"index": 0, "id": "a", "function": {"name": "f"}},
            {"index": 1, "id": "b", "function": {"name": "g"}},
            {"index": 1, "function": {"arguments": "2"}},
            {"index": 0, "function": {"arguments": "1"}},
        )
        == both
    )
    events = said(chunk({"function_call": {"name": "f", "arguments": "1"}}), chunk({"function_call": 1}))
    assert events == [ToolCallDelta(0, None, "f", "1")]
    assert said(chunk({"tool_calls": {"id": "a", "function": {}}})) == [ToolCallDelta(0, "a")]
    assert said(chunk({"tool_calls": [{"function": 1}]})) == [ToolCallDelta(0)]


GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"
SIGNED: dict[str, Any] = {"extra_content": {"google": {"thought_signature": "sig/+=\u00fc"}}}
OSLO = {"name": "weather", "arguments": '{"place":"Oslo"}'}
ROME = {"name": "weather", "arguments": '{"place":"Rome"}'}


@pytest.mark.parametrize(
    "deltas",
    [
        # as captured: without an index, each call whole
        [[{**SIGNED, "function": OSLO, "id": "a", "type": "function"}], [{"function": ROME, "id": "b"}]],
        [[{**SIGNED, "function": OSLO, "id": "a"}, {"function": ROME, "id": "b"}]],
        # the signature alone: after its call, before its arguments, or again in each delta
        [[{"function": OSLO, "id": "a"}], [SIGNED], [{"function": ROME, "id": "b"}]],
        [
            [{"index": 0, "id": "a", "function": {"name": "weather", "arguments": ""}, **SIGNED}],
            [{"index": 1, "id": "b", "function": ROME, "extra_content": None}],
            [{"index": 0, "function": {"arguments": OSLO["arguments"]}, **SIGNED}],
        ],
    ],
)
def test_what_a_call_has_besides_goes_back_with_it(deltas: list[list[dict[str, Any]]]) -> None:
    reply = Reply.of(said(*(chunk({"tool_calls": delta}) for delta in deltas), chunk(None, "stop")))
    assert reply.tool_calls == [
        ToolCall("a", "weather", OSLO["arguments"], SIGNED),
        ToolCall("b", "weather", ROME["arguments"]),
    ]
    assert reply.finish_reason == "tool_calls"
    wire = [
        {"id": "a", "type": "function", "function": OSLO, **SIGNED},
        {"id": "b", "type": "function", "function": ROME},
    ]
    answers = [call.answer("rain") for call in reply.tool_calls]
    history = [{"role": "user", "content": "?"}, json.loads(json.dumps(reply.message)), *answers]
    for name, config in (("openai", {"base_url": GOOGLE}), ("openrouter", {})):
        assert sent(name, history, model="m", **config)["messages"][1]["tool_calls"] == wire
    own = {"role": "assistant", "content": None, "tool_calls": wire}  # as OpenAI's library gives it
    assert sent("openai", [history[0], own, *answers], model="m", base_url=GOOGLE)["messages"][1]["tool_calls"] == wire


def test_what_calls_of_a_whole_completion_have_besides() -> None:
    calls = [
        {"id": "a", "type": "function", "function": OSLO, **SIGNED},
        {"id": "b", "type": "custom", "custom": {"name": "g", "input": "x"}, "index": 1, "note": [1], "gone": None},
    ]
    whole = {"id": "w", "choices": [{"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}
    reply = Reply.of(every_cut("openai", json.dumps(whole, indent=1).encode()))
    assert reply.tool_calls == [
        ToolCall("a", "weather", OSLO["arguments"], SIGNED),
        ToolCall("b", "g", "x", {"note": [1]}, custom=True),
    ]
    assert [set(call) for call in reply.message["tool_calls"]] == [
        {"id", "type", "function", "extra_content"},
        {"id", "type", "custom", "note"},
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("openai", "azure_openai", "groq", "mistral", "cerebras", "fireworks"),  # they refuse what they do not know
        *("openai_responses", "anthropic", "ollama"),
    ],
)
def test_what_calls_have_besides_is_told_where_it_cannot_go(name: str) -> None:
    call = {"id": "a", "type": "function", "function": OSLO, **SIGNED}
    answer = {"role": "tool", "tool_call_id": "a", "content": "rain"}
    history = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "", "tool_calls": [call]}, answer]
    config = {"base_url": "https://res.openai.azure.com"} if name == "azure_openai" else {}
    with pytest.warns(OptionIgnored, match=f"^{name} does not take extra_content of tool calls: not sent") as told:
        begun = providers.create(name, api_key="k", **config).begin(ChatRequest(history, model="m"), lambda: 0.5)
    assert len(told) == 1
    assert b"extra_content" not in begun.request().body


@pytest.mark.parametrize(
    ("before", "word", "reason"),
    [
        ({"content": "a"}, "stop", "stop"),
        ({"content": "a"}, "length", "length"),
        ({"content": "a"}, "content_filter", "content_filter"),
        ({"content": "a"}, "surprise", "other"),
        ({"refusal": "no"}, "stop", "refusal"),
        ({"content": [{"type": "refusal", "refusal": "no"}]}, "stop", "refusal"),
        ({"tool_calls": [{"function": {"name": "f"}}]}, "stop", "tool_calls"),
        ({"tool_calls": [{"function": {"name": "f"}}]}, "tool_calls", "tool_calls"),
        ({"tool_calls": [{"function": {"name": "f"}}]}, "length", "length"),
    ],
)
def test_finish_reasons(before: Any, word: str, reason: str) -> None:
    reply = Reply.of(said(chunk(before), chunk(None, word), chunk(None, "again")))
    assert (reply.finish_reason, reply.provider_reason, reply.complete) == (reason, word, True)


def test_a_refusal_behind_a_call_leaves_the_call() -> None:
    call = chunk({"tool_calls": [{"function": {"name": "f"}}]})
    assert Reply.of(said(call, chunk({"refusal": "no"}), chunk(None, "stop"))).finish_reason == "tool_calls"


def test_no_finish_reason_ever() -> None:
    reply = Reply.of(every_cut("openai", sse(chunk({"content": "a"}, "")) + DONE))
    assert (reply.text, reply.finish_reason, reply.complete) == ("a", None, True)
    assert every_cut("openai", DONE) == [Finished()]


def test_several_choices() -> None:
    values = [chunk({"content": "a"}), chunk(None, "stop"), chunk({"content": "b"}, index=1)]
    for begun in (values, [values[0], values[2], values[1]]):
        assert isinstance(error_of(every_cut("openai", sse(*begun))), StreamTruncated)
    events = said(*values)
    assert not Reply.of(events).complete
    reply = Reply.of([*events, *said(chunk(None, "length", index=1))])
    assert [choice.text for choice in reply.choices] == ["a", "b"]
    assert reply.complete


def test_comments_and_event_types() -> None:
    body = b": OPENROUTER PROCESSING\n\n" + sse(chunk({"content": "a"})) + b"event: x\n" + sse(chunk(None, "stop"))
    assert every_cut("openai", body) == [KeepAlive("OPENROUTER PROCESSING"), TextDelta("a"), Finished("stop", "stop")]


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        (sse({"error": "text"}), ProviderRefused, "text"),
        (sse({"error": {"message": "slow", "code": "rate_limit_exceeded"}}), RateLimited, "slow"),
        (sse({"error": {"message": "slow", "code": 429}}), RateLimited, "slow"),
        (sse({"detail": "gone"}), ProviderRefused, "gone"),
        (sse({"message": "bad", "code": 401}), AuthenticationFailed, "bad"),
        (sse([{"error": {"message": "busy", "status": "UNAVAILABLE"}}]), ServerFailed, "busy"),
        (sse({"error": {"message": "m", "code": "context_length_exceeded"}}), ContextTooLong, "m"),
        (b'event: error\ndata: {"message": "odd", "code": "x"}\n\n', ProviderRefused, "odd"),
        (b"event: error\ndata: it broke\n\n", ProviderRefused, "it broke"),
        (b'event: error\ndata: "it broke"\n\n', ProviderRefused, "it broke"),
        (b'data: {"error": {"message": "cut", "type": "server_error"}}', ServerFailed, "cut"),  # with no newline
        (b'{"error": {"message": "bare", "type": "server_error"}}', ServerFailed, "bare"),
        (b'{\n "error":\n {"message": "bare", "type": "invalid_request_error"}\n}', BadRequest, "bare"),
        (sse(chunk({"content": ""}, "error", error={"code": 502, "message": "upstream"})), ServerFailed, "upstream"),
        (sse({"choices": [{"error": {"code": 502, "message": "inner"}}], "usage": {"a": 1}}), ServerFailed, "inner"),
        (sse(chunk(x_groq={"error": "no tool"})), ProviderRefused, "no tool"),
        (b"<!doctype html><title>Bad gateway</title>", UnexpectedContent, "Bad gateway"),
    ],
)
def test_errors(body: bytes, kind: type[Exception], detail: str) -> None:
    text = sse(chunk({"content": "Hi"}))
    for before in (b"", text):
        events = every_cut("openai", before + body)
        error = error_of(events)
        assert type(error) is kind
        assert detail in error.detail
        assert "status 200" not in str(error)
        assert Reply.of(events).text == ("Hi" if before else "")


def test_a_whole_completion() -> None:
    whole: dict[str, Any] = {
        "id": "w",
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
    }
    for body in (json.dumps(whole).encode(), json.dumps(whole, indent=1).encode(), sse(whole)):
        assert every_cut("openai", body) == [Started("w", None), TextDelta("Hi"), Finished("stop", "stop")]
    failed = {"choices": [{"message": {"content": "Hi"}, "error": {"message": "upstream"}}]}
    assert [type(event) for event in every_cut("openai", json.dumps(failed).encode())] == [TextDelta, Failed]
    del whole["choices"][0]["finish_reason"]
    assert every_cut("openai", json.dumps(whole).encode())[-1] == Finished()


def test_bare_json_that_passes_the_limit_with_its_last_line_is_told_at_the_end() -> None:
    parser = OpenAIChatParser(max_frame_size=20)
    assert parser.feed(b'{"aaaaaaaaaa":\n"bbbbbbbbbb"') == []
    (failed,) = parser.close()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, LimitExceeded)
