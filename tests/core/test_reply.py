"""Reply: events folded into the final message, to be looked at any time."""

from __future__ import annotations

import json
from threading import Thread
from typing import TypedDict

import pytest

from sansio_core import (
    Annotation,
    ChatEvent,
    ChatRequest,
    Failed,
    Finished,
    InvalidRequest,
    KeepAlive,
    Metadata,
    NativeDelta,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    Reply,
    ServerFailed,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
)

EVENTS = [
    Started("id-1", "model-1"),
    Started(None, None),
    KeepAlive("ping"),
    ReasoningDelta("Let "),
    ReasoningDelta("me see."),
    TextDelta("Hel"),
    UnknownFrame("?", "odd"),
    TextDelta("lo"),
    ToolCallDelta(1, "c2", "second", "{}"),
    ToolCallDelta(0, "c1", "first"),
    ToolCallDelta(0, arguments='{"a":'),
    ToolCallDelta(0, arguments=" 1}"),
    Annotation({"url": "x"}),
    NativeItem("dialect", {"signed": True}),
    UsageReport(1, 1),
    UsageReport(3, 4),
    Finished("stop", "end"),
    Finished(),
]


def test_the_fold() -> None:
    reply = Reply.of(EVENTS)
    assert (reply.text, reply.reasoning, reply.refusal) == ("Hello", "Let me see.", None)
    assert reply.tool_calls == [ToolCall("c1", "first", '{"a": 1}'), ToolCall("c2", "second", "{}")]
    assert (reply.id, reply.model, reply.usage) == ("id-1", "model-1", UsageReport(3, 4))
    assert (reply.finish_reason, reply.provider_reason, reply.complete) == ("stop", "end", True)
    assert reply.annotations == [{"url": "x"}]
    assert reply.choices == [reply]
    assert repr(reply) == "<Reply complete, 5 characters, finish_reason='stop'>"


def test_the_message_goes_back_into_the_history() -> None:
    message = Reply.of(EVENTS).message
    assert message == {
        "role": "assistant",
        "content": "Hello",
        "reasoning": "Let me see.",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "first", "arguments": '{"a": 1}'}},
            {"id": "c2", "type": "function", "function": {"name": "second", "arguments": "{}"}},
        ],
        "native": {"dialect": "dialect", "items": [{"signed": True}]},
    }
    back = ChatRequest([json.loads(json.dumps(message))]).messages[0]
    assert (back.text, back.reasoning) == ("Hello", "Let me see.")
    assert back.tool_calls == tuple(Reply.of(EVENTS).tool_calls)
    assert back.native is not None
    assert back.native.items == ({"signed": True},)
    assert Reply.of([RefusalDelta("No"), RefusalDelta(".")]).message == {"role": "assistant", "content": "No."}
    assert Reply().message == {"role": "assistant", "content": ""}


def test_content_is_what_makes_progress() -> None:
    content = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta, Annotation, NativeItem, NativeDelta)
    more = [RefusalDelta("no"), TextDelta("other", 1), NativeDelta("d", {}), Metadata({"a": 1}), Metadata({}, 1)]
    for event in [*EVENTS, *more]:
        assert Reply().extend([event]) is isinstance(event, content)
    assert Reply().extend([TextDelta("x"), KeepAlive()])
    assert not Reply().extend([])


def test_several_choices() -> None:
    reply = Reply.of(
        [TextDelta("b", 1), TextDelta("a"), Finished("stop", "stop"), TextDelta("!", 1), RefusalDelta("r", 2)]
    )
    assert [choice.text for choice in reply.choices] == ["a", "b!", ""]
    assert not reply.complete
    reply.extend([Finished("length", "length", 1), Finished(None, None, 2)])
    assert reply.complete
    assert [choice.finish_reason for choice in reply.choices] == ["stop", "length", None]


def test_what_the_provider_says_about_the_answer() -> None:
    reply = Reply()
    assert reply.metadata == {}
    first = Metadata({"service_tier": "default", "ratings": [1]})
    reply.extend([first, Metadata({"ratings": [2], "fingerprint": "f"}), Metadata({"ratings": [3]}, choice=1)])
    assert reply.metadata == {"service_tier": "default", "ratings": [2], "fingerprint": "f"}
    assert [choice.metadata for choice in reply.choices[1:]] == [{"ratings": [3]}]
    assert first.raw == {"service_tier": "default", "ratings": [1]}
    assert "metadata" not in reply.message


@pytest.mark.parametrize(
    ("usage", "figures"),
    [
        (UsageReport(), (None, None, None)),
        (UsageReport(5, 3), (5, 3, 8)),
        # OpenAI: cached and reasoning tokens are counted in both
        (UsageReport(5, 3, cached_tokens=4, reasoning_tokens=2, total_tokens=8), (5, 3, 8)),
        # Anthropic, Gemini: they are not
        (UsageReport(5, 3, cached_tokens=90, reasoning_tokens=2, more_input=100, more_output=2), (105, 5, 110)),
        # what the provider has in its total alone was written, too
        (UsageReport(5, None, total_tokens=9), (5, None, 9)),
        (UsageReport(None, 3, total_tokens=9), (None, 3, 9)),
        (UsageReport(5, 3, total_tokens=9), (5, 4, 9)),
        (UsageReport(10, 5, total_tokens=115), (10, 105, 115)),
        (UsageReport(10, 5, total_tokens=12), (10, 5, 15)),
        (UsageReport(0, 0, total_tokens=9), (0, 9, 9)),
        (UsageReport(None, None, more_input=5, more_output=6), (None, None, None)),
    ],
)
def test_usage_that_can_be_compared(usage: UsageReport, figures: tuple[int | None, ...]) -> None:
    assert (usage.input, usage.output, usage.total) == figures


def test_what_failed_is_not_complete() -> None:
    reply = Reply.of([TextDelta("a"), Finished("stop"), Failed(ServerFailed(None, "sick"))])
    assert not reply.complete
    assert repr(reply) == "<Reply failed, 1 characters, finish_reason='stop'>"
    assert repr(Reply()) == "<Reply incomplete, 0 characters, finish_reason=None>"


def test_before_the_first_event() -> None:
    reply = Reply()
    assert (reply.id, reply.model, reply.request_id, reply.usage) == (None, None, None, None)
    assert (reply.finished, reply.failed, reply.complete) == (False, False, False)
    assert (reply.finish_reason, reply.provider_reason, reply.refusal) == (None, None, None)
    assert (reply.text, reply.reasoning, reply.tool_calls, reply.annotations) == ("", "", [], [])
    assert (reply.metadata, reply.headers) == ({}, {})


def test_what_a_call_lacks_and_what_its_pieces_add() -> None:
    pieces = [ToolCallDelta(0, extra={"a": 1}), ToolCallDelta(0, arguments="{}", extra={"b": 2})]
    reply = Reply.of(pieces)
    assert reply.tool_calls == [ToolCall(None, "", "{}", {"a": 1, "b": 2})]
    assert reply.message["tool_calls"] == [
        {"a": 1, "b": 2, "id": None, "type": "function", "function": {"name": "", "arguments": "{}"}}
    ]


def test_a_call_that_the_failure_cut_is_none() -> None:
    events = [ToolCallDelta(0, "c1", "f", "{}"), ToolCallDelta(1, "c2", "g", '{"a'), Failed(ServerFailed(None), (1, 7))]
    assert Reply.of(events).tool_calls == [ToolCall("c1", "f", "{}")]


def test_a_structured_answer() -> None:
    reply = Reply()
    assert reply.partial() is None
    reply.extend([TextDelta('{"a": [1, 2')])
    assert reply.partial() == {"a": [1, 2]}
    with pytest.raises(InvalidRequest, match="the answer is not JSON"):
        reply.parse()
    reply.extend([TextDelta("]}")])
    assert reply.parse() == {"a": [1, 2]}


class Point(TypedDict):
    x: int
    y: int


def test_a_structured_answer_of_a_class() -> None:
    reply = Reply(Point)
    assert reply.partial() is None
    reply.extend([TextDelta('{"x": 1, "y'), TextDelta('{"x": 2, "y": 3}', 1)])
    assert (reply.partial(), reply.choices[1].parse()) == ({"x": 1}, {"x": 2, "y": 3})
    reply.extend([TextDelta('": 2.5}')])
    with pytest.raises(InvalidRequest, match=r"the answer does not fit Point: y must be an int, not 2\.5"):
        reply.parse()
    assert reply.parse(dict[str, float]) == {"x": 1.0, "y": 2.5}
    assert reply.answer_type is reply.choices[1].answer_type is Point


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([RefusalDelta("I'd rather not.")], "the model refused to answer: I'd rather not."),
        ([TextDelta("{"), Finished("length")], "the answer is cut, as it reached the limit of tokens"),
        ([TextDelta("{"), Finished("content_filter")], "the answer is cut by the provider's content filter"),
        ([ToolCallDelta(0, "c", "f"), Finished("tool_calls")], "the model calls tools first, and has not answered yet"),
        ([TextDelta("{")], "the answer is not JSON yet: it has 1 characters, and no end"),
        ([Finished("stop")], "the answer has no text"),
        ([TextDelta("Sure!"), Finished("stop")], "the answer is not JSON: Expecting value"),
    ],
)
def test_why_there_is_no_value(events: list[ChatEvent], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        Reply.of(events).parse()


def test_it_may_be_looked_at_by_another_thread_while_it_grows() -> None:
    reply, over = Reply(), False
    seen: list[str] = []

    def look() -> None:
        while not over:
            seen.append(reply.text)

    looker = Thread(target=look)
    looker.start()
    for _ in range(20_000):
        reply.extend([TextDelta("ab")])
    over = True
    looker.join()
    assert reply.text == "ab" * 20_000
    assert all(reply.text.startswith(text) for text in seen[::50])
