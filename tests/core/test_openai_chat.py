"""OpenAI's Chat Completions wire: what its streams say, in every shape that hosts give them."""

import json
from typing import Any

import pytest
from dialect_harness import AS_SCHEMA, PIXEL, SCHEMA, WEATHER, asked, comparable, error_of, every_cut, sent, sse
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import (
    Annotation,
    AuthenticationFailed,
    BadRequest,
    ChatEvent,
    ChatRequest,
    ContextTooLong,
    Failed,
    Finished,
    InvalidRequest,
    KeepAlive,
    LimitExceeded,
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
from sansio_core.parsers import SSEJSONParser

DONE = b"data: [DONE]\n\n"


def chunk(delta: Any = None, reason: Any = None, index: Any = 0, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {} if delta is None else delta, "finish_reason": reason}], **more}


def said(*values: Any) -> list[ChatEvent]:
    """The events of a stream of these values, at every cut; that it stops is told apart."""
    events = every_cut("openai", sse(*values))
    last = events[-1]
    return events[:-1] if isinstance(last, Failed) and isinstance(last.error, StreamTruncated) else events


def calls(*values: Any) -> list[ToolCall]:
    return Reply.of(said(*(chunk({"tool_calls": [value]}) for value in values))).tool_calls


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
        ({"reasoning_content": "r", "reasoning": "r"}, [ReasoningDelta("r")]),
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
        ({"audio": {"data": "AA"}}, [UnknownFrame('{"audio": {"data": "AA"}}', "fields of another kind")]),
        ({"padding": None}, []),
        ({"annotations": [{"type": "url_citation"}]}, [Annotation({"type": "url_citation"})]),
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
        ({"choices": [], "prompt_filter_results": [{}]}, []),  # Azure's first
        ({"choices": None}, []),
        ({"choices": [7]}, [UnknownFrame("7", "a choice that is no object")]),
        ({"choices": [{"text": "a"}]}, [TextDelta("a")]),  # the older completions wire
        ({"choices": [{"text": ""}]}, []),
        ({"choices": [{}]}, []),
        (chunk({"content": "a"}, index=None), [TextDelta("a")]),
        (chunk({"content": "a"}, index=2), [TextDelta("a", 2)]),
        ({"choices": [], "usage": 7}, [UsageReport(raw={"usage": 7})]),
        (
            chunk(usage={"prompt_cache_hit_tokens": 4, "prompt_tokens": True}),
            [UsageReport(None, None, 4, None, {"prompt_cache_hit_tokens": 4, "prompt_tokens": True})],
        ),
        (
            chunk(x_groq={"id": "g", "usage": {"prompt_tokens": 1}}),
            [UsageReport(1, None, None, None, {"prompt_tokens": 1})],
        ),
        ({"hello": 1}, [UnknownFrame('{"hello": 1}', "no chat completion chunk")]),
        ([1], [UnknownFrame("[1]", "no chat completion chunk")]),
        ("text", [UnknownFrame('"text"', "no chat completion chunk")]),
        ({"choices": [{"delta": {}, "logprobs": {"content": [1]}}]}, [Annotation({"logprobs": {"content": [1]}})]),
        (chunk(surprise=1), [UnknownFrame('{"surprise": 1}', "fields of another kind")]),
        (
            {"choices": [{"index": 1, "delta": {}, "surprise": 1, "token_ids": [1], "stop_reason": 7}]},
            [UnknownFrame('{"surprise": 1}', "fields of another kind")],
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
        [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "{}"}}],
        [
            {"index": 0, "id": "a"},
            {"index": 0, "function": {"name": "f"}},
            {"index": 0, "function": {"arguments": "{}"}},
        ],
    ],
)
def test_one_tool_call(pieces: list[dict[str, Any]]) -> None:
    assert calls(*pieces) == [ToolCall("a", "f", "{}")]


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
        ToolCall("b", "g", "x", {"note": [1]}),
    ]
    assert [set(call) for call in reply.message["tool_calls"]] == [
        {"id", "type", "function", "extra_content"},
        {"id", "type", "function", "note"},
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("openai", "azure_openai", "groq", "mistral", "cerebras", "fireworks"),  # they refuse what they do not know
        *("openai_responses", "anthropic", "gemini", "ollama"),
    ],
)
def test_what_calls_have_besides_is_told_where_it_cannot_go(name: str) -> None:
    call = {"id": "a", "type": "function", "function": OSLO, **SIGNED}
    answer = {"role": "tool", "tool_call_id": "a", "content": "rain"}
    history = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "", "tool_calls": [call]}, answer]
    config = {"base_url": "https://res.openai.azure.com"} if name == "azure_openai" else {}
    with pytest.warns(OptionIgnored, match=f"^{name} has no field for extra_content of tool calls: not sent") as told:
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
        ({"tool_calls": [{"function": {"name": "f"}}]}, "stop", "tool_calls"),
        ({"tool_calls": [{"function": {"name": "f"}}]}, "tool_calls", "tool_calls"),
    ],
)
def test_finish_reasons(before: Any, word: str, reason: str) -> None:
    reply = Reply.of(said(chunk(before), chunk(None, word), chunk(None, "again")))
    assert (reply.finish_reason, reply.provider_reason, reply.complete) == (reason, word, True)


def test_no_finish_reason_ever() -> None:
    reply = Reply.of(every_cut("openai", sse(chunk({"content": "a"}, "")) + DONE))
    assert (reply.text, reply.finish_reason, reply.complete) == ("a", None, True)
    assert every_cut("openai", DONE) == [Finished()]


def test_several_choices() -> None:
    events = said(chunk({"content": "a"}), chunk(None, "stop"), chunk({"content": "b"}, index=1))
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
    del whole["choices"][0]["finish_reason"]
    assert every_cut("openai", json.dumps(whole).encode())[-1] == Finished()


# --- the fast path ----------------------------------------------------------------------------------------------------


def plainly(body: bytes, step: int) -> list[ChatEvent]:
    """The events without the fast path."""
    parser = OpenAIChatParser()
    parser._frames = SSEJSONParser()
    return feed(parser, body, step)


def feed(parser: OpenAIChatParser, body: bytes, step: int) -> list[ChatEvent]:
    events: list[ChatEvent] = []
    for at in range(0, len(body), step):
        events += parser.feed(body[at : at + step])
    return events + parser.end()


TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(['{"content":"x"}', "\\", '"', "\n", "\u2028", "é", "\ud83d", "\x00"])
)
PADDED = st.fixed_dictionaries(
    {}, optional={"obfuscation": st.sampled_from(["", "ab", "xyz1", 'q"', 5]), "p": st.just("x")}
)
DELTAS = st.one_of(
    st.builds(lambda text: {"content": text}, TEXTS),
    st.sampled_from(
        [
            {"role": "assistant"},
            {"reasoning": "r"},
            {"content": None},
            {"content": "a", "content ": 1},
            {"audio": {"obfuscation": "x"}, "content": "a"},
        ]
    ),
)
CHUNKS = st.builds(
    lambda name, delta, index, reason, padding, same: {
        **name,
        "choices": [{"index": index, "delta": delta, "finish_reason": reason}],
        **padding,
        **same,
    },
    st.sampled_from([{"id": "c"}, {"id": "c"}, {"id": "d"}, {"id": "d", "created": 5}, {"id": "", "model": "m"}, {}]),
    DELTAS,
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([None, None, None, "stop"]),
    PADDED,
    st.sampled_from([{}, {}, {"created": 1}, {"x": {"p": "1"}}, {"content": "outer"}, {"x": {"obfuscation": "y"}}]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(CHUNKS, st.builds(lambda text: chunk({"content": text}), TEXTS)), min_size=1, max_size=12),
    st.data(),
)
def test_the_fast_path_changes_nothing(chunks: list[Any], data: st.DataObject) -> None:
    spaced = data.draw(st.booleans())
    ascii_only = data.draw(st.booleans())
    texts = [json.dumps(c, ensure_ascii=ascii_only, separators=None if spaced else (",", ":")) for c in chunks]
    body = "".join(f"data: {text}\n\n" for text in texts).encode("utf-8", "surrogatepass")
    whole = comparable(plainly(body, len(body)))
    per_event = max(1, len(body) // len(chunks))
    for step in (len(body), per_event, 2 * per_event, 7, data.draw(st.integers(1, len(body)))):
        assert comparable(feed(OpenAIChatParser(), body, step)) == whole


@pytest.mark.parametrize("varying", ["", "obfuscation", "id"])
def test_the_fast_path_is_taken(varying: str) -> None:
    frames = OpenAIChatParser()._frames
    taken = 0
    for i in range(10):
        more = {"id": "c"} | ({varying: "x" * i} if varying else {})
        (item,) = frames.feed(sse(chunk({"content": f"a{i}\n"}, **more)))
        assert isinstance(item, tuple)
        taken += type(item[1]) is TextDelta
    assert taken >= 7


def test_what_follows_the_template_in_one_feed() -> None:
    first = sse(chunk({"content": "a"}))
    for bad in (first.replace(b'"a"', b'"a\x01"'), first.replace(b'"a"', b'"a'), first[:-4] + b"\n\n"):
        for before in ([first, first], [b": a comment\n\n"]):  # with a template, and without one yet
            parser = OpenAIChatParser()
            events = [event for piece in [*before, bad + first] for event in parser.feed(piece)] + parser.end()
            assert comparable(events) == comparable(plainly(b"".join(before) + bad + first, 10**6))


def test_what_looks_like_the_template_and_is_not() -> None:
    first = sse(chunk({"content": "a"}))
    odd = first.replace(b'"a"', b'"a\x01"')  # a control character within a string is no JSON
    cut = first.replace(b'"a"', b'"a')
    for body in (first * 3 + odd, first * 3 + cut, first * 3 + odd * 2 + cut * 2 + first):
        for step in (len(first), len(body)):
            assert comparable(feed(OpenAIChatParser(), body, step)) == comparable(plainly(body, step))
    two = sse(
        chunk({"content": "a"}, content="b"), chunk({"content": "a"}, content="b"), chunk({"content": "a"}, content="c")
    )
    escaped = two.replace(b'"finish_reason"', b'"\\u0066inish_reason"')
    for body in (two, escaped):
        assert comparable(feed(OpenAIChatParser(), body, len(body) // 3)) == comparable(plainly(body, len(body)))


# --- fuzzing ----------------------------------------------------------------------------------------------------------

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=5))
KEYS = st.sampled_from(
    [
        "choices",
        "delta",
        "content",
        "index",
        "finish_reason",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "id",
        "type",
        "text",
        "usage",
        "error",
        "message",
        "thinking",
        "refusal",
        "reasoning",
        "reasoning_details",
        "annotations",
        "x_groq",
        "logprobs",
        "code",
        "detail",
        "citations",
        "custom",
        "extra_content",
    ]
)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=4), max_leaves=12)
LIKELY = st.builds(
    lambda d, r, more: {**more, **chunk(d, r)},
    st.dictionaries(KEYS, VALUES, max_size=3),
    SCALARS,
    st.dictionaries(KEYS, VALUES, max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES | LIKELY, max_size=5), st.binary(max_size=20), st.data())
def test_anything_gives_events_and_the_same_at_every_cut(
    values: list[Any], garbage: bytes, data: st.DataObject
) -> None:
    body = sse(*values)
    body = body[: data.draw(st.integers(0, len(body)))] + garbage
    whole = comparable(feed(OpenAIChatParser(), body, max(1, len(body))))
    for step in (1, 5, data.draw(st.integers(1, max(1, len(body))))):
        assert comparable(feed(OpenAIChatParser(), body, step)) == whole
    Reply.of(feed(OpenAIChatParser(), body, 3)).message  # noqa: B018  # it can be read whatever came


# --- requests ---------------------------------------------------------------------------------------------------------


def test_what_is_asked() -> None:
    assert sent("openai", "Hi", temperature=0, max_tokens=5, seed=1, extra={"stream_options": {"x": 1}, "y": 2}) == {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True, "x": 1},
        "temperature": 0,
        "max_completion_tokens": 5,
        "seed": 1,
        "y": 2,
    }


def test_messages() -> None:
    conversation = [
        {"role": "developer", "content": "Be brief", "name": "us"},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": PIXEL}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y", "detail": "low"}}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
        asked(),
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        asked(None, arguments=""),
        {"role": "tool", "name": "weather", "content": "rain"},
    ]
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"Oslo"}'}}
    other = {"id": "call_6_0", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    assert sent("openai", conversation)["messages"] == [
        {"role": "developer", "content": "Be brief", "name": "us"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": PIXEL}}],
        },
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y", "detail": "low"}}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
        {"role": "assistant", "tool_calls": [other]},
        {"role": "tool", "content": "rain", "tool_call_id": "call_6_0"},
    ]
    groq = sent("groq", conversation)["messages"]
    assert groq[0] == {"role": "system", "content": "Be brief"}


def test_tools() -> None:
    short = {"name": "f", "parameters": {"type": "object"}}
    own = {"type": "web_search"}
    assert sent("openai", "Hi", tools=[WEATHER, short, own])["tools"] == [
        WEATHER,
        {"type": "function", "function": short},
        own,
    ]
    named = {"type": "function", "function": {"name": "f"}}
    for given_choice, wire in (("auto", "auto"), ("required", "required"), ("f", named), (named, named), (own, own)):
        assert sent("openai", "Hi", tool_choice=given_choice)["tool_choice"] == wire
    for options in ({"tools": "f"}, {"tools": [1]}, {"tool_choice": 1}):
        with pytest.raises(InvalidRequest):
            sent("openai", "Hi", **options)


def test_response_formats() -> None:
    def wire(response_format: Any) -> Any:
        return sent("openai", "Hi", response_format=response_format)["response_format"]

    assert wire(AS_SCHEMA) == AS_SCHEMA
    assert wire({"type": "json_object"}) == {"type": "json_object"}
    assert wire(SCHEMA) == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    strict = {"title": "An Answer", "additionalProperties": False, "anyOf": []}
    assert wire(strict)["json_schema"] == {"name": "An_Answer", "schema": strict, "strict": True}
    for bad in ("json", {"a": 1}, 5):
        with pytest.raises(InvalidRequest, match="response_format"):
            wire(bad)


def test_reasoning_details_go_back_whole() -> None:
    pieces = [
        {"type": "reasoning.text", "text": "a", "index": 0, "signature": None},
        {"type": "reasoning.text", "text": "b", "index": 0, "signature": "s", "format": None},
        {"type": "reasoning.encrypted", "data": "d", "index": 1},
        {"type": "reasoning.summary", "summary": "x"},
        {"type": "reasoning.summary", "summary": "y"},
    ]
    message = Reply.of(
        said(*(chunk({"reasoning_details": [piece]}) for piece in pieces), chunk({"content": "Hi"}))
    ).message
    messages = [{"role": "user", "content": "?"}, message, {"role": "user", "content": "!"}]
    assert sent("openrouter", messages)["messages"][1] == {
        "role": "assistant",
        "content": "Hi",
        "reasoning_details": [{**pieces[0], "text": "ab", "signature": "s"}, *pieces[2:]],
    }
    for other in ("openai", "groq"):
        with pytest.warns(OptionIgnored, match="reasoning"):
            providers.create(other, api_key="k").begin(ChatRequest(messages), lambda: 0.5)


def test_reasoning_content_goes_back_with_its_calls() -> None:
    deltas = [{"reasoning_content": "r"}, {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}]
    message = Reply.of(said(*map(chunk, deltas))).message
    messages = [{"role": "user", "content": "?"}, message, {"role": "tool", "tool_call_id": "c", "content": "!"}]
    assert sent("deepseek", messages)["messages"][1]["reasoning_content"] == "r"
    assert "reasoning_content" not in sent("openai", messages)["messages"][1]


def test_bare_json_that_passes_the_limit_with_its_last_line_is_told_at_the_end() -> None:
    parser = OpenAIChatParser(max_frame_size=20)
    assert parser.feed(b'{"aaaaaaaaaa":\n"bbbbbbbbbb"') == []
    (failed,) = parser.close()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, LimitExceeded)
