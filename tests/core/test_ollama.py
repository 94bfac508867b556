"""Ollama's wire and endpoint, and bodies of newline-delimited JSON."""

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
    ndjson,
    sent,
    sse,
)
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    Annotation,
    ChatEvent,
    ChatRequest,
    ContextTooLong,
    Failed,
    Finished,
    InvalidRequest,
    LimitExceeded,
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
from sansio_core.dialects.ollama import OllamaParser


def chat(content: Any = "", **rest: Any) -> dict[str, Any]:
    """A chunk of /api/chat; `thinking` and `tool_calls` go into the message, the rest beside it."""
    message = {"role": "assistant", "content": content}
    message |= {key: rest.pop(key) for key in ("thinking", "tool_calls") if key in rest}
    return {"model": "m", "created_at": "2025", "message": message, "done": False, **rest}


def call(name: Any = "weather", arguments: Any = None, **rest: Any) -> dict[str, Any]:
    return {**rest, "function": {"name": name, "arguments": arguments}}


DONE = chat(done=True, done_reason="stop")


# --- the stream ------------------------------------------------------------------------------------------------------


def test_chat() -> None:
    figures = {"total_duration": 9, "prompt_eval_count": 5, "eval_count": 2, "eval_duration": 7}
    body = ndjson(chat("Hel", thinking=""), chat("lo"), chat(done=True, done_reason="stop", **figures))
    expected = [
        Started(None, "m"),
        TextDelta("Hel"),
        TextDelta("lo"),
        UsageReport(5, 2, raw=figures),
        Finished("stop", "stop"),
    ]
    assert every_cut("ollama", body) == expected
    assert every_cut("ollama", body.rstrip()) == expected  # no newline after the last line
    assert every_cut("ollama", body.replace(b"\n", b"\r\n\r\n")) == expected
    assert every_cut("ollama", b" " + body.replace(b"\n", b" \n\t")) == expected


def test_generate() -> None:
    body = ndjson(
        {"model": "m", "thinking": "hm", "response": "", "done": False},
        {"model": "m", "response": "Hi", "done": False},
        {"model": "m", "response": "", "done": True, "done_reason": "length", "context": [1, 2]},
    )
    assert every_cut("ollama", body) == [
        Started(None, "m"),
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        Finished("length", "length"),
    ]


def test_thinking_and_logprobs() -> None:
    logprobs = [{"token": "a", "logprob": -1}]
    body = ndjson(chat(thinking="h"), chat(None, thinking="m"), chat("a", logprobs=logprobs), DONE)
    events = every_cut("ollama", body)
    reply = Reply.of(events)
    assert (reply.reasoning, reply.text) == ("hm", "a")
    assert Annotation({"logprobs": logprobs}) in events


def test_messages_with_other_fields() -> None:
    """Servers that imitate this wire think under other hosts' names; what is new is told."""
    body = ndjson(
        chat(message={"role": "assistant", "content": "", "reasoning_content": "Hm"}),
        chat(message={"role": "assistant", "content": "", "reasoning": "!", "images": ["aGk="], "tool_name": ""}),
        DONE,
    )
    events = every_cut("ollama", body)
    assert [event for event in events if isinstance(event, (ReasoningDelta, UnknownFrame))] == [
        ReasoningDelta("Hm"),
        ReasoningDelta("!"),
        UnknownFrame('{"images": ["aGk="]}', "fields of another kind"),
    ]


def test_tool_calls() -> None:
    body = ndjson(
        chat(tool_calls=[call("a", {"x": "ü"}), call("b", {}, id="c2")]),
        chat(tool_calls=[call("c", '{"y":1}'), call("d"), {"odd": 1}, 5, call(4)]),
        chat(tool_calls=3),
        chat(done=True, done_reason="stop", tool_calls=[call("last", {"z": 1})]),
    )
    events = every_cut("ollama", body)
    reply = Reply.of(events)
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == [
        (None, "a", '{"x": "ü"}'),
        ("c2", "b", "{}"),
        (None, "c", '{"y":1}'),
        (None, "d", ""),
        (None, "", ""),
        (None, "last", '{"z": 1}'),
    ]
    assert ToolCallDelta(0, None, "a", '{"x": "ü"}') in events
    assert (reply.finish_reason, reply.provider_reason, reply.complete) == ("tool_calls", "stop", True)
    assert [event.why for event in events if isinstance(event, UnknownFrame)] == ["a tool call without a function"]
    unsaid = Reply.of(events_of("ollama", ndjson(chat(tool_calls=[call()], done=True))))
    assert (unsaid.finish_reason, unsaid.provider_reason) == ("tool_calls", None)


@pytest.mark.parametrize(
    ("word", "reason"), [("stop", "stop"), ("length", "length"), ("load", "other"), (None, None), (3, None), ("", None)]
)
def test_done_reasons(word: Any, reason: str | None) -> None:
    reply = Reply.of(every_cut("ollama", ndjson(chat("a"), chat(done=True, done_reason=word))))
    assert (reply.finish_reason, reply.complete) == (reason, True)


def test_done_twice() -> None:
    first = chat(done=True)
    second = chat("!", done=True, done_reason="stop", prompt_eval_count=3)
    events = every_cut("ollama", ndjson(chat("a"), first, second, second, chat(done=True)))
    assert events == [
        Started(None, "m"),
        TextDelta("a"),
        Finished(),
        TextDelta("!"),
        UsageReport(3, raw={"prompt_eval_count": 3}),
        Finished("stop", "stop"),
        TextDelta("!"),
    ]
    assert Reply.of(events).complete


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["length", "stop"], ["length"]),
        (["length", None], ["length"]),
        (["length", "load"], ["length"]),
        (["load", "length", "stop"], ["load"]),
        (["stop", "length", "stop"], ["stop", "length"]),
        ([None, "length", "stop"], [None, "length"]),
        (["stop", None, "stop"], ["stop"]),
    ],
)
def test_a_reason_is_not_replaced_by_a_later_stop(words: list[Any], told: list[Any]) -> None:
    dones = [chat(done=True, done_reason=word, eval_count=n) for n, word in enumerate(words)]
    events = every_cut("ollama", ndjson(chat("a"), *dones))
    assert [event.provider_reason for event in events if isinstance(event, Finished)] == told
    reply = Reply.of(events)
    assert (reply.provider_reason, reply.complete) == (told[-1], True)
    assert reply.usage == UsageReport(None, len(words) - 1, raw={"eval_count": len(words) - 1})


def test_calls_after_the_first_done() -> None:
    for first, last, reason in (
        ("stop", None, "tool_calls"),
        ("stop", "stop", "tool_calls"),
        ("length", "stop", "length"),
    ):
        late = chat(done=True, done_reason=last, tool_calls=[call()])
        reply = Reply.of(every_cut("ollama", ndjson(chat(done=True, done_reason=first), late)))
        assert (reply.finish_reason, reply.provider_reason) == (reason, first)
        assert len(reply.tool_calls) == 1


def test_a_whole_answer_printed_for_people() -> None:
    asked = [call("f", {"x": [1, {}, "s"]})]
    whole = chat('{"a": ["}"]}', done=True, done_reason="stop", tool_calls=asked, n=[1])
    expected = events_of("ollama", ndjson(whole))
    assert every_cut("ollama", json.dumps(whole, indent=2).encode()) == expected
    assert every_cut("ollama", json.dumps(whole, indent="\t").encode() + b"\n\n") == expected
    assert every_cut("ollama", json.dumps([whole], indent=1).encode()) == expected


def test_a_broken_first_line_does_not_swallow_the_answer() -> None:
    events = every_cut("ollama", b'{"model": "m", "mess\n' + ndjson(chat("a"), DONE))
    assert Reply.of(events).text == "a"
    assert Reply.of(events).complete


# --- ends and errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("an error was encountered while running the model", ServerFailed),
        ({"message": "Sorry", "type": "rate_limit_error"}, RateLimited),
        ({"message": "the prompt exceeds the context length", "code": 400}, ContextTooLong),
    ],
)
def test_errors_amid_the_stream(error: Any, expected: type[Exception]) -> None:
    said = error if isinstance(error, str) else error["message"]
    for line in (json.dumps({"error": error}), json.dumps({"error": error}, indent=1), json.dumps(chat(error=error))):
        bodies = [line.encode()]
        if "\n" not in line:
            bodies.append(ndjson(chat("partial")) + line.encode())
        for body in bodies:
            events = every_cut("ollama", body)
            assert type(error_of(events)) is expected
            assert said in str(error_of(events))
    assert Reply.of(events).text == "partial"


def test_an_error_after_done() -> None:
    events = every_cut("ollama", ndjson(chat("a"), DONE, {"error": "late"}))
    assert "late" in str(error_of(events))
    assert Reply.of(events).text == "a"


def test_an_answer_that_stops_is_truncated() -> None:
    for body in (b"", ndjson(chat("a")), ndjson(chat("a")) + b'{"model": "m", "mess'):
        assert type(error_of(every_cut("ollama", body))) is StreamTruncated


def test_text_in_place_of_json_is_the_error_where_the_stream_ends_with_it() -> None:
    for body in (b"internal server error\n", b" internal server error", ndjson(chat("a")) + b"internal server error"):
        events = every_cut("ollama", body)
        assert type(error_of(events)) is UnexpectedContent
        assert "internal server error" in str(error_of(events))
    cut = every_cut("ollama", b"noise\n" + ndjson(chat("a")))
    assert type(error_of(cut)) is StreamTruncated


def test_garbage_among_good_lines_is_skipped_and_told() -> None:
    events = every_cut("ollama", ndjson(chat("a")) + b"noise\n[1, 2\n{3}\n" + ndjson(chat("b"), 5, {"x": 1}, DONE))
    assert Reply.of(events).text == "ab"
    assert Reply.of(events).complete
    unknown = [event.raw for event in events if isinstance(event, UnknownFrame)]
    assert unknown == ["noise", "[1, 2", "{3}", "5", '{"x": 1}']


@pytest.mark.parametrize("odd", ["\x1f", " \x1c ", "\x85", "\u2028", "\u3000"])
def test_a_line_of_what_only_str_takes_for_blank_is_garbage(odd: str) -> None:
    events = every_cut("ollama", ndjson(chat("a")) + f"{odd}\n".encode() + ndjson(chat("b"), DONE) + odd.encode())
    assert Reply.of(events).text == "ab"
    assert Reply.of(events).complete
    told = [event for event in events if isinstance(event, UnknownFrame)]
    assert told == [UnknownFrame(line, "a line that is not JSON") for line in (odd.strip(" "), odd.strip(" "))]
    assert type(error_of(every_cut("ollama", odd.encode()))) is UnexpectedContent


def test_html() -> None:
    events = every_cut("ollama", b"<html><title>Bad gateway</title></html>\n<p>more</p>\n")
    assert type(error_of(events)) is UnexpectedContent
    assert "Bad gateway" in str(error_of(events))


def test_json_that_is_none_and_json_that_never_ends() -> None:
    events = every_cut("ollama", b"{a:\n1}\n" + ndjson(chat("a"), DONE))
    assert UnknownFrame("{a:\n1}", "not JSON") in events
    assert Reply.of(events).complete
    events = every_cut("ollama", b'{"a":\n')
    assert UnknownFrame('{"a":', "unfinished JSON") in events
    assert type(error_of(events)) is StreamTruncated


def test_too_deep_and_too_long() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000 + b"\n"
    events = events_of("ollama", deep + ndjson(chat("a"), DONE))
    assert Reply.of(events).text == "a"
    assert Reply.of(events).complete
    parser = providers.create("ollama").parser(max_frame_size=100)
    assert isinstance(error_of(parser.feed(b"x" * 200)), LimitExceeded)
    parser = providers.create("ollama").parser(max_frame_size=100)
    assert isinstance(error_of(parser.feed(b'{\n"a":\n' * 40)), LimitExceeded)


FRAMES: list[Any] = [
    chat("a"),
    chat("b", thinking="t"),
    chat(3, thinking=4, tool_calls=[call(), call(1, 2, id=3), {}]),
    chat(done=True),
    chat("c", done=True, done_reason="length", eval_count="x"),
    {"response": "r", "done": False},
    {"response": 1, "done": 1},
    {"message": None, "done": True, "error": None},
    {"model": 5, "message": {}},
    {"error": "x"},
    None,
    "text",
    [{"error": "listed"}],
]


@given(st.lists(st.sampled_from(FRAMES), max_size=8), st.integers(0, 30), st.integers(1, 50))
def test_any_frames_in_any_order_cut_anywhere(frames: list[Any], lost: int, step: int) -> None:
    body = ndjson(*frames)
    body = body[: len(body) - lost]
    whole = events_of("ollama", body)
    assert comparable(events_of("ollama", body, step)) == comparable(whole)
    assert Reply.of(whole).complete is not any(isinstance(event, Failed) for event in whole)


@given(st.lists(st.sampled_from([b'{"', b"}", b"[", b"]\n", b"\n", b"1", b"x", b'"', b"<html>", b"\xff"]), max_size=12))
def test_any_bytes(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    for data in (body, ndjson(chat("a")) + body):
        whole = comparable(events_of("ollama", data))
        assert all(comparable(events_of("ollama", data, step)) == whole for step in (1, 2, 5))


def test_an_event_stream_is_no_answer_here() -> None:
    assert isinstance(error_of(every_cut("ollama", sse(chat("a")))), UnexpectedContent)


# --- pieces of text as Ollama writes them, which are not decoded as JSON ---------------------------------------------


class Decoding(OllamaParser):
    """Decodes every line."""

    def _usual(self, line: str, out: list[ChatEvent]) -> bool:
        return False


AT = '{"model":"m","created_at":"2025-10-26T17:15:24.097767Z",'
SAID = AT + '"message":{"role":"assistant","content":"a"},"done":false}'
GIVEN = AT + '"response":"a","done":false}'
TEXTS = ["", "é日😀", "\\n", "\\", "\\ud83d", '"', "\x7f", "\x1f", "\t"]
ENDS = ["true", "null", 'false,"done_reason":"stop"', ""]
NEARLY = [
    *(line.replace('"a"', f'"{text}"') for line in (SAID, GIVEN) for text in TEXTS),
    *(line.replace("false", end) for line in (SAID, GIVEN) for end in ENDS),
    *(line + end for line in (SAID, GIVEN) for end in (" ", "}", "{}", "\u2028", "\r", "1")),
    *(" " + line for line in (SAID, GIVEN)),
    SAID.replace('"a"', '"a","thinking":"t"'),
    SAID.replace('"a"', '"a","content":"b"'),
    SAID.replace('"a"}', '"a"'),
    SAID.replace("assistant", "tool"),
    GIVEN.replace('"a"', '"a"}'),
    AT.replace('"m"', "5") + '"response":"b","done":false}',
    "text",
    '{"response":',
    '"c"}',
    "[",
]  # fmt: skip


@pytest.mark.parametrize("first", [DONE, {"message": {}}, {"model": "m", "response": "b"}, None])
@pytest.mark.parametrize("line", NEARLY)
def test_a_piece_of_text_says_the_same_undecoded(line: str, first: Any) -> None:
    same_undecoded(ndjson(first) + line.encode() + b"\n" + SAID.encode())


@given(st.lists(st.sampled_from([SAID, GIVEN, *NEARLY]), max_size=6))
def test_pieces_of_text_say_the_same_undecoded(lines: list[str]) -> None:
    same_undecoded("".join(f"{line}\n" for line in lines).encode())


def same_undecoded(body: bytes) -> None:
    for step in (1000, 100):
        quick, plain = (kind() for kind in (OllamaParser, Decoding))
        for at in range(0, len(body), step):
            assert comparable(quick.feed(body[at : at + step])) == comparable(plain.feed(body[at : at + step]))
        assert comparable(quick.end()) == comparable(plain.end())


def test_pieces_of_text_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the properties above compare the plain path with itself."""
    parser = OllamaParser()
    assert parser.feed(f"{SAID}\n".encode()) == [Started(None, "m"), TextDelta("a")]
    monkeypatch.setattr(OllamaParser, "_decode", None)
    assert parser.feed(f"{SAID}\n{GIVEN}\n".encode()) == [TextDelta("a")] * 2


# --- the request -----------------------------------------------------------------------------------------------------


def test_the_request_line_and_headers() -> None:
    request = providers.create("ollama").begin(ChatRequest("Hello"), lambda: 0.5).request()
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:11434/api/chat")
    assert dict(request.headers) == {"content-type": "application/json"}
    for base in ("https://ollama.com", "https://ollama.com/api/"):
        provider = providers.create("ollama", api_key="secret-key", base_url=base)
        request = provider.begin(ChatRequest("Hello"), lambda: 0.5).request()
        assert request.url == "https://ollama.com/api/chat"
        assert dict(request.headers)["authorization"] == "Bearer secret-key"
        assert "secret-key" not in repr(request)


def test_the_plain_payload() -> None:
    assert sent("ollama", "Hello", model="qwen3") == {
        "model": "qwen3",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }


def test_options_have_their_own_names_here() -> None:
    payload = sent(
        "ollama",
        "Hello",
        temperature=0.1,
        top_p=0.2,
        top_k=3,
        min_p=0.05,
        max_tokens=9,
        stop="END",
        seed=7,
        presence_penalty=0.3,
        frequency_penalty=0.4,
        repetition_penalty=1.1,
        logprobs=True,
        top_logprobs=2,
        reasoning_effort="high",
        response_format=AS_SCHEMA,
        tools=[WEATHER, {"name": "now"}, {"type": "other"}],
        extra={"keep_alive": "5m", "options": {"num_ctx": 8192}},
    )
    del payload["messages"]
    assert payload == {
        "model": "llama3.2",
        "stream": True,
        "options": {
            "temperature": 0.1,
            "top_p": 0.2,
            "top_k": 3,
            "min_p": 0.05,
            "num_predict": 9,
            "stop": ["END"],
            "seed": 7,
            "presence_penalty": 0.3,
            "frequency_penalty": 0.4,
            "repeat_penalty": 1.1,
            "num_ctx": 8192,
        },
        "logprobs": True,
        "top_logprobs": 2,
        "think": "high",
        "format": SCHEMA,
        "tools": [WEATHER, {"type": "function", "function": {"name": "now"}}, {"type": "other"}],
        "keep_alive": "5m",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"reasoning_effort": "none"}, {"think": False}),
        ({"reasoning_effort": "minimal"}, {"think": "low"}),
        ({"reasoning_effort": True}, {"think": True}),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        ({"response_format": {"type": "text"}}, {}),
    ],
)
def test_options_one_by_one(options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("ollama", "Hello", **options) == {**sent("ollama", "Hello"), **expected}


def test_what_cannot_be_sent() -> None:
    with pytest.raises(InvalidRequest, match="reasoning_effort"):
        sent("ollama", "Hello", reasoning_effort=1024)
    link = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    with pytest.raises(InvalidRequest, match="data: URL"):
        sent("ollama", [{"role": "user", "content": [link]}])
    with pytest.raises(InvalidRequest, match="input_audio"):
        sent("ollama", [{"role": "user", "content": [{"type": "input_audio"}]}])
    with pytest.warns(OptionIgnored, match="tool_choice"):
        providers.create("ollama").begin(ChatRequest("Hello", tool_choice="auto"), lambda: 0.5)


def test_messages() -> None:
    calls = asked("c1")["tool_calls"] + asked(None, "time", "")["tool_calls"]
    messages = sent(
        "ollama",
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": ["What ", {"type": "image_url", "image_url": {"url": PIXEL}}, "is it?"]},
            {"role": "assistant", "content": "See:", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "tool", "content": "12"},
            {"role": "tool", "tool_call_id": "nobody's", "content": "?"},
            {"role": "tool", "content": "??"},
        ],
    )["messages"]
    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "content": "See:",
            "tool_calls": [
                {"id": "c1", "function": {"name": "weather", "arguments": {"place": "Oslo"}}},
                {"function": {"name": "time", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "rain", "tool_name": "weather", "tool_call_id": "c1"},
        {"role": "tool", "content": "12", "tool_name": "time"},
        {"role": "tool", "content": "?", "tool_call_id": "nobody's"},
        {"role": "tool", "content": "??"},
    ]


def test_an_answer_goes_back_with_nothing_lost() -> None:
    body = ndjson(chat(thinking="hm"), chat("See:", tool_calls=[call("weather", {"place": "Oslo"})]), DONE)
    message = json.loads(json.dumps(Reply.of(events_of("ollama", body)).message))
    history = [{"role": "user", "content": "?"}, message, {"role": "tool", "content": "rain"}]
    assert sent("ollama", history)["messages"][1:] == [
        {
            "role": "assistant",
            "content": "See:",
            "thinking": "hm",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"place": "Oslo"}}}],
        },
        {"role": "tool", "content": "rain", "tool_name": "weather"},
    ]
    native = {"role": "assistant", "content": "a", "native": {"dialect": "gemini", "items": [{"text": "a"}]}}
    with pytest.warns(OptionIgnored, match="signatures and encrypted parts of gemini answers") as told:
        providers.create("ollama").begin(ChatRequest([native, *history]), lambda: 0.5)
    assert len(told) == 1


def test_models() -> None:
    provider = providers.create("ollama")
    request = provider.models_request()
    assert request is not None
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:11434/api/tags")
    assert provider.parse_models({"models": [{"name": "llama3.2:latest", "size": 1}]}) == ["llama3.2:latest"]
