"""The answers of Ollama's own API, and bodies of newline-delimited JSON."""

import json
from typing import Any

import pytest
from dialect_harness import error_of, events_of, every_cut, ndjson, sse
from ollama_frames import DONE, call, chat

from sansio_core import (
    Annotation,
    ContextTooLong,
    Failed,
    Finished,
    LimitExceeded,
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
    providers,
)


def test_chat() -> None:
    figures = {"total_duration": 9, "prompt_eval_count": 5, "eval_count": 2, "eval_duration": 7}
    body = ndjson(chat("Hel", thinking=""), chat("lo"), chat(done=True, done_reason="stop", **figures))
    usage = UsageReport(5, 2, raw=figures)
    assert (usage.input, usage.output, usage.total) == (5, 2, 7)
    expected = [
        Started(None, "m"),
        TextDelta("Hel"),
        TextDelta("lo"),
        usage,
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
        Metadata({"context": [1, 2]}),
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
    """Servers that imitate this wire think under other hosts' names; what is new is told, beside a text too."""
    body = ndjson(
        chat(message={"role": "assistant", "content": "", "reasoning_content": "Hm"}),
        chat(message={"role": "assistant", "content": "a", "reasoning": "!", "images": ["aGk="], "tool_name": ""}),
        chat(message={"content": "b", "thinking": "?", "reasoning": "?", "mood": 1}),
        DONE,
    )
    assert every_cut("ollama", body) == [
        Started(None, "m"),
        ReasoningDelta("Hm"),
        ReasoningDelta("!"),
        NativeItem("ollama", {"images": ["aGk="]}),
        TextDelta("a"),
        UnknownFrame('{"mood": 1}', "fields of another kind"),
        ReasoningDelta("?"),
        TextDelta("b"),
        Finished("stop", "stop"),
    ]


def compact(*values: Any) -> bytes:
    """Lines as Ollama itself writes them, which are matched before they are decoded."""
    return b"".join(json.dumps(value, separators=(",", ":")).encode() + b"\n" for value in values)


def test_models_of_ollama_com_are_told_once() -> None:
    def remote(text: str, model: str = "gpt-oss:120b", **rest: Any) -> dict[str, Any]:
        host = {"remote_model": model, "remote_host": "https://ollama.com:443"}
        chunk = chat(text)
        return {"model": chunk.pop("model"), **host, **chunk, **rest}

    other = remote("c", "another")
    body = compact(remote("a"), remote("b"), other, other, chat("d"), remote("e"), remote("", done=True))
    assert every_cut("ollama", body) == [
        Started(None, "m"),
        TextDelta("a"),
        Metadata({"remote_model": "gpt-oss:120b", "remote_host": "https://ollama.com:443"}),
        TextDelta("b"),
        TextDelta("c"),
        Metadata({"remote_model": "another"}),
        TextDelta("c"),
        TextDelta("d"),
        TextDelta("e"),
        Metadata({"remote_model": "gpt-oss:120b"}),
        Finished(),
    ]
    late = every_cut("ollama", compact(chat("a"), remote("b"), DONE))
    assert [type(event) for event in late] == [Started, TextDelta, TextDelta, Metadata, Finished]


def test_an_image_that_was_generated() -> None:
    body = ndjson(
        {"model": "m", "completed": 1, "total": 2, "done": False, "response": ""},
        {"model": "m", "image": "aGk=", "done": True, "done_reason": "stop"},
    )
    assert every_cut("ollama", body) == [
        Started(None, "m"),
        Metadata({"completed": 1, "total": 2}),
        NativeItem("ollama", {"images": ["aGk="]}),
        Finished("stop", "stop"),
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


@pytest.mark.parametrize(
    ("values", "events"),
    [
        ([{"model": "m", "done": True, "done_reason": "stop"}], [Started(None, "m"), Finished("stop", "stop")]),
        (
            [{"model": 5, **call("f", id=3), "message": {"tool_calls": [call("f", id=3)]}}],
            [Metadata({"id": 3, "function": {"name": "f", "arguments": None}}), ToolCallDelta(0, None, "f")],
        ),
        ([{"response": "a", "done": 1}], [TextDelta("a")]),
        ([{"message": {}}], []),
        (
            [{"message": {}, "error": None}],
            [UnknownFrame('{"message": {}, "error": null}', "no chunk of an answer")],
        ),
        ([{"message": {"content": "", "thinking": "h", "reasoning": "h"}}], [ReasoningDelta("h")]),
        (
            [{"done": True, "prompt_eval_count": 1}, {"done": True, "eval_count": 2}],
            [
                UsageReport(1, None, raw={"prompt_eval_count": 1}),
                Finished(),
                UsageReport(1, 2, raw={"prompt_eval_count": 1, "eval_count": 2}),
            ],
        ),
    ],
)
def test_chunks(values: list[Any], events: list[Any]) -> None:
    said = every_cut("ollama", ndjson(*values))
    assert [event for event in said if not isinstance(event, Failed)] == events
    assert any(isinstance(event, Failed) for event in said) != any(isinstance(event, Finished) for event in events)


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


def test_an_event_stream_is_no_answer_here() -> None:
    assert isinstance(error_of(every_cut("ollama", sse(chat("a")))), UnexpectedContent)


def test_an_error_keeps_its_codes() -> None:
    error = error_of(
        every_cut("ollama", ndjson(chat("a"), {"error": "boom", "code": "c1", "type": "t1", "param": "p1"}))
    )
    assert isinstance(error, ServerFailed)
    assert (error.detail, error.code, error.kind, error.param) == ("boom", "c1", "t1", "p1")


@pytest.mark.parametrize("images", [3.5, "aGk=", [1], {"a": "b"}])
def test_images_that_are_none_are_not_kept_for_the_next_turn(images: Any) -> None:
    odd = chat("a")
    odd["message"]["images"] = images
    for body in (ndjson(odd, DONE), ndjson({"model": "m", "response": "a", "image": [images], "done": True})):
        events = every_cut("ollama", body)
        assert any(isinstance(event, UnknownFrame) for event in events)
        assert "native" not in Reply.of(events).message


def test_further_fields_of_a_call() -> None:
    made = call("f", {}, id="1", type="function", note="n")
    made["function"] |= {"index": 0, "strict": True}
    events = events_of("ollama", ndjson(chat(tool_calls=[made]), DONE))
    assert ToolCallDelta(0, "1", "f", "{}", extra={"note": "n"}) in events
    assert UnknownFrame('{"function": {"strict": true}}', "fields of another kind") in events
