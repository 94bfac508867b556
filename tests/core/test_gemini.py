"""Google's generateContent wire and endpoint."""

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
    ContentFiltered,
    Failed,
    Finished,
    InvalidRequest,
    NativeItem,
    OptionIgnored,
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
    providers,
)


def chunk(*parts: Any, finish: str | None = None, index: int | None = None, **rest: Any) -> dict[str, Any]:
    """A chunk with one candidate; `rest` beside the candidate."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if finish is not None:
        candidate["finishReason"] = finish
    if index is not None:
        candidate["index"] = index
    return {"candidates": [candidate], **rest}


def text(text: str, **rest: Any) -> dict[str, Any]:
    return {"text": text, **rest}


def native(reply: Reply) -> list[dict[str, Any]]:
    message: dict[str, Any] = reply.message
    return list(message["native"]["items"])


# --- the stream ------------------------------------------------------------------------------------------------------


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
        UsageReport(5, 2, 1, 3, last),
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
    assert native(reply) == [
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
    assert native(reply) == [text("See:"), *parts]
    assert ToolCallDelta(1, None, "b", "{}") in events


def test_parts_of_other_kinds_are_kept() -> None:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"somethingNew": 1},
    ]
    reply = Reply.of(every_cut("gemini", sse(chunk(text("a")), chunk(*parts, {}), chunk(text("b"), finish="STOP"))))
    assert native(reply) == [text("a"), *parts, text("b")]
    assert reply.text == "ab"
    assert reply.tool_calls == []


def test_notes_on_the_text() -> None:
    citations = {"citationSources": [{"uri": "u"}]}
    ratings = [{"category": "C", "blocked": True}]
    first = chunk(text("a"))
    first["candidates"][0] |= {"citationMetadata": citations, "safetyRatings": ratings, "groundingMetadata": {}}
    last = chunk(finish="SAFETY")
    last["candidates"][0] |= {"finishMessage": "Stopped", "safetyRatings": ratings, "avgLogprobs": -1.0}
    reply = Reply.of(every_cut("gemini", sse(first, last)))
    assert reply.annotations == [
        {"citationMetadata": citations},
        {"finishMessage": "Stopped"},
        {"safetyRatings": ratings},
    ]
    assert (reply.finish_reason, reply.text, reply.complete) == ("content_filter", "a", True)


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
    assert native(Reply.of(events))[:3] == [text("ab"), text("c"), {"functionCall": {"name": "f"}}]


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


# --- ends and errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"blockReasonMessage": "Reasons"}])
def test_a_blocked_prompt(more: dict[str, Any]) -> None:
    usage = {"promptTokenCount": 9}
    events = every_cut("gemini", sse({"promptFeedback": {"blockReason": "SAFETY", **more}, "usageMetadata": usage}))
    error = error_of(events)
    assert type(error) is ContentFiltered
    assert (error.code, error.detail) == ("SAFETY", more.get("blockReasonMessage", "the prompt was blocked: SAFETY"))
    assert events[0] == UsageReport(9, raw=usage)


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
    assert native(reply) == [text("partial")]


def test_an_error_beside_candidates_and_one_of_another_shape() -> None:
    events = every_cut("gemini", sse(chunk(text("a"), error={"code": 500, "message": "Sorry"})))
    assert isinstance(error_of(events), ServerFailed)
    events = every_cut("gemini", b'event: error\ndata: {"reason": "gone"}\n\n')
    assert "gone" in str(error_of(events))


def test_an_answer_that_stops_is_truncated() -> None:
    events = every_cut("gemini", sse(chunk(text("partial"), usageMetadata={"promptTokenCount": 1})))
    assert isinstance(error_of(events), StreamTruncated)
    assert native(Reply.of(events)) == [text("partial")]
    assert isinstance(error_of(every_cut("gemini", b"")), StreamTruncated)


def test_html() -> None:
    events = every_cut("gemini", b"<html><title>Bad gateway</title></html>\n")
    assert isinstance(error_of(events), UnexpectedContent)


FRAMES: list[Any] = [
    chunk(text("a")),
    chunk(text("b", thought=True), index=1),
    chunk(text("c", thoughtSignature="s")),
    chunk({"functionCall": {"name": 3, "args": [1], "id": 2}}, finish="STOP"),
    chunk({"functionCall": 1}, {"text": None, "thought": 1}, index=1, finish="MAX_TOKENS"),
    chunk(finish="SAFETY", usageMetadata={"promptTokenCount": "x"}),
    {"candidates": {"content": 1}},
    {"promptFeedback": {"blockReason": 3}},
    {"promptFeedback": 1, "usageMetadata": 2},
    chunk({"functionCall": {"name": "f", "willContinue": True}}),
    chunk({"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": True}}),
    chunk({"functionCall": {}}, index=1),
    {"error": None, "candidates": []},
    {"error": "x"},
    [chunk(text("l")), 3, {"error": {"code": 500}}],
    None,
    "text",
]


@given(st.lists(st.sampled_from(FRAMES), max_size=8), st.integers(0, 30), st.integers(1, 50))
def test_any_frames_in_any_order_cut_anywhere(frames: list[Any], lost: int, step: int) -> None:
    body = sse(*frames)
    body = body[: len(body) - lost]
    whole = events_of("gemini", body)
    assert comparable(events_of("gemini", body, step)) == comparable(whole)
    failed = any(isinstance(event, Failed) for event in whole)
    begun = any(isinstance(event, Finished) and event.choice == 0 for event in whole)
    assert Reply.of(whole).complete is (begun and not failed)


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes(data: bytes, step: int) -> None:
    body = sse(chunk(text("a"))) + data
    assert comparable(events_of("gemini", body, step)) == comparable(events_of("gemini", body))


# --- the request -----------------------------------------------------------------------------------------------------


def test_the_request_line_and_headers() -> None:
    for base in ("https://h.example", "https://h.example/v1beta", "https://h.example/v1beta/"):
        provider = providers.create("gemini", api_key="secret-key", base_url=base)
        for model in ("gemini-x", "models/gemini-x"):
            request = provider.begin(ChatRequest("Hello", model=model), lambda: 0.5).request()
            assert request.method == "POST"
            assert request.url == "https://h.example/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    assert dict(request.headers) == {"content-type": "application/json", "x-goog-api-key": "secret-key"}
    assert "secret-key" not in request.url + repr(request)
    strange = provider.begin(ChatRequest("Hello", model="../x?key=y"), lambda: 0.5).request()
    assert "/v1beta/models/..%2Fx%3Fkey=y:streamGenerateContent?alt=sse" in strange.url
    keyless = providers.create("gemini", base_url="http://127.0.0.1:1").begin(ChatRequest("Hello"), lambda: 0.5)
    assert "x-goog-api-key" not in dict(keyless.request().headers)
    with pytest.raises(InvalidRequest, match="GEMINI_API_KEY"):
        providers.create("gemini").begin(ChatRequest("Hello"), lambda: 0.5)


def test_the_plain_payload() -> None:
    assert sent("gemini", "Hello") == {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


def test_options_have_their_own_names_here() -> None:
    payload = sent(
        "gemini",
        "Hello",
        temperature=0.1,
        top_p=0.2,
        top_k=3,
        max_tokens=9,
        stop="END",
        seed=7,
        n=2,
        presence_penalty=0.3,
        frequency_penalty=0.4,
        logprobs=True,
        top_logprobs=5,
        response_format=AS_SCHEMA,
        tools=[WEATHER, {"googleSearch": {}}, {"function": {"name": "now"}}],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        extra={"safetySettings": [], "generationConfig": {"mediaResolution": "LOW"}},
    )
    del payload["contents"]
    assert payload == {
        "generationConfig": {
            "temperature": 0.1,
            "topP": 0.2,
            "topK": 3,
            "maxOutputTokens": 9,
            "stopSequences": ["END"],
            "seed": 7,
            "candidateCount": 2,
            "presencePenalty": 0.3,
            "frequencyPenalty": 0.4,
            "responseLogprobs": True,
            "logprobs": 5,
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
            "mediaResolution": "LOW",
        },
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "weather",
                        "description": "The weather of a place",
                        "parametersJsonSchema": {"type": "object", "properties": {"place": {"type": "string"}}},
                    },
                    {"name": "now"},
                ]
            },
            {"googleSearch": {}},
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
        "safetySettings": [],
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tool_choice": "auto"}, {"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}),
        ({"tool_choice": "none"}, {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}),
        ({"tool_choice": "required"}, {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
        ({"tool_choice": {"retrievalConfig": {}}}, {"toolConfig": {"retrievalConfig": {}}}),
        ({"tools": [{"codeExecution": {}}]}, {"tools": [{"codeExecution": {}}]}),
        ({"response_format": {"type": "text"}}, {}),
        (
            {"response_format": {"type": "json_object"}},
            {"generationConfig": {"responseMimeType": "application/json"}},
        ),
    ],
)
def test_options_one_by_one(options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("gemini", "Hello", **options) == {**sent("gemini", "Hello"), **expected}


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-2.5-flash", "low", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.5-pro", "high", {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-2.5-flash", -1, {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", "high", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3-pro-preview", "none", {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", 512, {"includeThoughts": True, "thinkingBudget": 512}),
    ],
)
def test_reasoning_effort(model: str, effort: Any, expected: dict[str, Any]) -> None:
    config = sent("gemini", "Hello", model=model, reasoning_effort=effort)["generationConfig"]
    assert config == {"thinkingConfig": expected}


@pytest.mark.parametrize("effort", ["extreme", ["low"]])
def test_a_reasoning_effort_that_the_model_does_not_know(effort: Any) -> None:
    with pytest.raises(InvalidRequest, match="minimal, low, medium, high"):
        sent("gemini", "Hello", reasoning_effort=effort)


def test_the_system_instruction_and_images() -> None:
    raw = {"videoMetadata": {"fps": 1}, "type": "video"}
    payload = sent(
        "gemini",
        [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                    {"type": "image_url", "image_url": "https://x.example/a.JPG?v=1"},
                    {"type": "image_url", "image_url": "https://x.example/files/1"},
                    raw,
                ],
            },
            {"role": "assistant", "content": ""},
            {"role": "developer", "content": "And kind."},
        ],
    )
    assert payload == {
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "And kind."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                    {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/a.JPG?v=1"}},
                    {"fileData": {"fileUri": "https://x.example/files/1"}},
                    raw,
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("model", "signature"),
    [("gemini-3.5-flash-lite", {"thoughtSignature": "skip_thought_signature_validator"}), ("gemini-2.5-flash", {})],
)
def test_tool_answers_go_together_and_name_their_function(model: str, signature: dict[str, str]) -> None:
    """Of calls that another model made the first says that it has no signature, to models that ask for one."""
    calls = asked("c1")["tool_calls"] + asked(None, "time", "")["tool_calls"] + asked("c3", "sum")["tool_calls"]
    contents = sent(
        "gemini",
        [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "See:", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": '{"sky": "grey"}'},
            {"role": "tool", "name": "time", "content": "[12"},
            {"role": "tool", "tool_call_id": "c3", "content": "4"},
            {"role": "user", "content": "So?"},
        ],
        model=model,
    )["contents"]
    assert contents[1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "See:"},
                {"functionCall": {"id": "c1", "name": "weather", "args": {"place": "Oslo"}}, **signature},
                {"functionCall": {"name": "time", "args": {}}},
                {"functionCall": {"id": "c3", "name": "sum", "args": {"place": "Oslo"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "weather", "response": {"sky": "grey"}}},
                {"functionResponse": {"name": "time", "response": {"output": "[12"}}},
                {"functionResponse": {"id": "c3", "name": "sum", "response": {"output": 4}}},
            ],
        },
        {"role": "user", "parts": [{"text": "So?"}]},
    ]
    with pytest.raises(InvalidRequest, match="name"):
        sent("gemini", [{"role": "tool", "tool_call_id": "nobody's", "content": "x"}])


def test_an_answer_goes_back_with_nothing_lost() -> None:
    parts = [
        text("hm", thought=True),
        {"functionCall": {"name": "weather", "args": {"place": "Oslo"}}, "thoughtSignature": "sig"},
    ]
    message = json.loads(json.dumps(Reply.of(events_of("gemini", sse(chunk(*parts, finish="STOP")))).message))
    history = [{"role": "user", "content": "?"}, message, {"role": "tool", "name": "weather", "content": "rain"}]
    assert sent("gemini", history)["contents"][1:] == [
        {"role": "model", "parts": parts},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "rain"}}}]},
    ]
    with pytest.warns(OptionIgnored, match="reasoning and signatures of gemini answers") as told:
        call = providers.create("anthropic", api_key="k").begin(ChatRequest(history), lambda: 0.5)
    assert len(told) == 1
    assert json.loads(call.request().body)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "call_1_0", "name": "weather", "input": {"place": "Oslo"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1_0", "content": "rain"}]},
    ]


def test_models() -> None:
    provider = providers.create("gemini", api_key="k")
    request = provider.models_request()
    assert request is not None
    assert request.url == "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
    assert dict(request.headers)["x-goog-api-key"] == "k"
    models = [
        {"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/embedding-x", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/gemini-y"},
        "odd",
    ]
    assert provider.parse_models({"models": models}) == ["gemini-x", "gemini-y"]
    with pytest.raises(UnexpectedContent):
        provider.parse_models({"models": 1})


def test_reasoning_is_told_apart_in_order() -> None:
    body = sse(chunk(text("a", thought=True), text("b"), text("c", thought=True)), chunk(finish="STOP"))
    pieces = [e for e in every_cut("gemini", body) if isinstance(e, (TextDelta, ReasoningDelta, Annotation))]
    assert pieces == [ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c")]
