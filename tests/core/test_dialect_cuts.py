"""Every dialect at any cut: answers with the events that they must give, and whatever else a server may send."""

import json
from itertools import groupby
from typing import Any

import anthropic_frames as anthropic
import gemini_frames as gemini
import ollama_frames as ollama
import openai_chat_frames as chat
import openai_responses_frames as responses
import pytest
from dialect_harness import comparable, events_of, ndjson, sse
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import (
    ChatEvent,
    Failed,
    Finished,
    NativeItem,
    ReasoningDelta,
    Reply,
    Started,
    TextDelta,
    ToolCallDelta,
)

# --- answers, written as each API streams them, and their events ------------------------------------------------------

Answer = list[tuple[str, list[str]]]
"""Texts, reasoning and tool calls in their order, each in the pieces that the stream has. A call's argument is `x`."""
Written = tuple[bytes, list[ChatEvent]]


def merged(answer: Answer) -> Answer:
    """`answer` without two texts, or two reasonings, in a row: on some wires they would be one."""
    out: Answer = []
    for kind, run in groupby(answer, lambda part: part[0]):
        parts = list(run)
        out += parts if kind == "call" else [(kind, [piece for _, pieces in parts for piece in pieces])]
    return out


PIECES = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4)
ANSWERS = st.lists(st.tuples(st.sampled_from(["text", "text", "reasoning", "call"]), PIECES), max_size=4).map(merged)


def deltas(kind: str, pieces: list[str]) -> list[ChatEvent]:
    return [TextDelta(piece) if kind == "text" else ReasoningDelta(piece) for piece in pieces]


def arguments(pieces: list[str]) -> tuple[dict[str, str], list[str]]:
    """A call's arguments, and their JSON in two or three pieces."""
    value = {"x": "".join(pieces)}
    text = json.dumps(value)
    size = len(text) // 2
    return value, [text[at : at + size] for at in range(0, len(text), size)]


def anthropic_stream(answer: Answer) -> Written:
    values, events, calls = [anthropic.begin()], list[ChatEvent]([Started("msg_1", "claude")]), 0
    item: dict[str, Any]
    for i, (kind, pieces) in enumerate(answer):
        if kind == "call":
            args, pieces = arguments(pieces)
            block, field, item = {"type": "tool_use", "id": f"t{i}", "name": "f"}, "partial_json", {"input": args}
            events.append(ToolCallDelta(calls, f"t{i}", "f"))
            events += [ToolCallDelta(calls, arguments=piece) for piece in pieces]
            calls += 1
        else:
            field = "text" if kind == "text" else "thinking"
            block, item = {"type": field}, {field: "".join(pieces)}
            events += deltas(kind, pieces)
        name = "input_json_delta" if kind == "call" else f"{field}_delta"
        values += [anthropic.start(i, **block), *(anthropic.delta(i, name, **{field: piece}) for piece in pieces)]
        values.append(anthropic.stop(i))
        events.append(NativeItem("anthropic", {**block, **item}))
    word = "tool_use" if calls else "end_turn"
    events.append(Finished("tool_calls" if calls else "stop", word))
    return sse(*values, anthropic.why(word), anthropic.STOP, named=True), events


def gemini_stream(answer: Answer) -> Written:
    values, events, calls = list[Any](), list[ChatEvent](), 0
    for kind, pieces in answer:
        if kind == "call":
            part: dict[str, Any] = {"functionCall": {"name": "f", "args": arguments(pieces)[0]}}
            values.append(gemini.chunk(part))
            events.append(ToolCallDelta(calls, None, "f", json.dumps(arguments(pieces)[0], ensure_ascii=False)))
            calls += 1
        else:
            more = {} if kind == "text" else {"thought": True}
            values += [gemini.chunk(gemini.text(piece, **more)) for piece in pieces]
            events += deltas(kind, pieces)
            part = gemini.text("".join(pieces), **more)
        events.append(NativeItem("gemini", part))
    events.append(Finished("tool_calls" if calls else "stop", "STOP"))
    return sse(*values, gemini.chunk(finish="STOP")), events


def ollama_stream(answer: Answer) -> Written:
    values, events, calls = list[Any](), list[ChatEvent]([Started(None, "m")]), 0
    for kind, pieces in answer:
        if kind == "call":
            values.append(ollama.chat(tool_calls=[ollama.call("f", arguments(pieces)[0])]))
            events.append(ToolCallDelta(calls, None, "f", json.dumps(arguments(pieces)[0], ensure_ascii=False)))
            calls += 1
        else:
            values += [ollama.chat(piece) if kind == "text" else ollama.chat(thinking=piece) for piece in pieces]
            events += deltas(kind, pieces)
    events.append(Finished("tool_calls" if calls else "stop", "stop"))
    return ndjson(*values, ollama.DONE), events


def chat_stream(answer: Answer) -> Written:
    values, events, calls = list[Any](), list[ChatEvent]([Started("c", None)]), 0
    for kind, pieces in answer:
        if kind == "call":
            head = {"index": calls, "id": f"t{calls}", "function": {"name": "f", "arguments": ""}}
            pieces = arguments(pieces)[1]
            values.append({"tool_calls": [head]})
            values += [{"tool_calls": [{"index": calls, "function": {"arguments": piece}}]} for piece in pieces]
            events.append(ToolCallDelta(calls, f"t{calls}", "f"))
            events += [ToolCallDelta(calls, arguments=piece) for piece in pieces]
            calls += 1
        else:
            values += [{"content" if kind == "text" else "reasoning": piece} for piece in pieces]
            events += deltas(kind, pieces)
    events.append(Finished("tool_calls" if calls else "stop", "stop"))
    chunks = [chat.chunk(value, id="c") for value in values]
    return sse(*chunks, chat.chunk(None, "stop", id="c")) + chat.DONE, events


def responses_stream(answer: Answer) -> Written:
    values, events, output, calls = list[Any](), list[ChatEvent](), list[Any](), 0
    for i, (kind, pieces) in enumerate(answer):
        item: dict[str, Any]
        if kind == "call":
            pieces = arguments(pieces)[1]
            name, item = "function_call_arguments", {**responses.CALL, "id": f"i{i}", "arguments": "".join(pieces)}
            events.append(ToolCallDelta(calls, "call1", "f"))
            events += [ToolCallDelta(calls, arguments=piece) for piece in pieces]
            calls += 1
        elif kind == "text":
            name, item = "output_text", responses.message("".join(pieces), id=f"i{i}")
            events += deltas(kind, pieces)
        else:
            part = {"type": "reasoning_text", "text": "".join(pieces)}
            name, item = "reasoning_text", {"type": "reasoning", "id": f"i{i}", "content": [part]}
            events += deltas(kind, pieces)
        values.append(responses.added(i, **item))
        values += [responses.ev(f"{name}.delta", output_index=i, item_id=f"i{i}", delta=piece) for piece in pieces]
        values.append(responses.done(i, **item))
        events.append(responses.native(item))
        output.append(item)
    events.append(Finished("tool_calls" if calls else "stop", "completed"))
    return sse(*values, responses.completed(*output), named=True), events


STREAMS = {
    "anthropic": anthropic_stream,
    "gemini": gemini_stream,
    "ollama": ollama_stream,
    "openai": chat_stream,
    "openai_responses": responses_stream,
}


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=60)
@given(answer=ANSWERS, step=st.integers(1, 200))
def test_an_answer_gives_its_events_at_any_cut(name: str, answer: Answer, step: int) -> None:
    body, events = STREAMS[name](answer)
    for size in (step, len(body)):
        assert events_of(name, body, size) == events, size


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_a_long_text_gives_its_events_at_any_cut(name: str, kind: str) -> None:
    """Long enough for the fast path, which a parser takes once it was fed some events of one shape."""
    body, events = STREAMS[name]([(kind, [f"w{i} " for i in range(20)])])
    for step in (100, 200, 500, len(body)):
        assert events_of(name, body, step) == events, step


# --- frames in any order, and garbage ---------------------------------------------------------------------------------

FRAMES: dict[str, list[Any]] = {
    "anthropic": [
        anthropic.begin(input_tokens=1),
        anthropic.begin("msg_2"),
        *anthropic.TEXT,
        anthropic.start(1, type="tool_use", id="t", name="f", input={"a": 1}),
        anthropic.delta(1, "input_json_delta", partial_json="{"),
        anthropic.delta(1, "signature_delta", signature="s"),
        anthropic.delta(1, "compaction_delta", content=None, encrypted_content=5),
        anthropic.stop(1),
        anthropic.start(None, type="thinking", thinking=1, citations=[1, {}]),
        anthropic.delta("0", "thinking_delta", thinking="x"),
        anthropic.why("end_turn", {"input_tokens": "many", "output_tokens_details": 3}),
        {"type": "message_delta", "delta": None, "usage": 4},
        {"type": "message_delta", "delta": {"stop_reason": 5}},
        {"type": "message", "content": 3, "stop_reason": 4},
        {"type": "error"},
        {"error": "x"},
        anthropic.STOP,
        None,
        "text",
        [[]],
    ],
    "gemini": [
        gemini.chunk(gemini.text("a")),
        gemini.chunk(gemini.text("b", thought=True), index=1),
        gemini.chunk(gemini.text("c", thoughtSignature="s")),
        gemini.chunk({"functionCall": {"name": 3, "args": [1], "id": 2}}, finish="STOP"),
        gemini.chunk({"functionCall": 1}, {"text": None, "thought": 1}, index=1, finish="MAX_TOKENS"),
        gemini.chunk(finish="SAFETY", usageMetadata={"promptTokenCount": "x"}),
        {"candidates": {"content": 1}},
        {"promptFeedback": {"blockReason": 3}},
        {"promptFeedback": 1, "usageMetadata": 2},
        gemini.chunk({"functionCall": {"name": "f", "willContinue": True}}),
        gemini.chunk(
            {"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": True}}
        ),
        gemini.chunk({"functionCall": {}}, index=1),
        {"error": None, "candidates": []},
        {"error": "x"},
        [gemini.chunk(gemini.text("l")), 3, {"error": {"code": 500}}],
        None,
        "text",
    ],
    "ollama": [
        ollama.chat("a"),
        ollama.chat("b", thinking="t"),
        ollama.chat(3, thinking=4, tool_calls=[ollama.call(), ollama.call(1, 2, id=3), {}]),
        ollama.chat(done=True),
        ollama.chat("c", done=True, done_reason="length", eval_count="x"),
        {"response": "r", "done": False},
        {"response": 1, "done": 1},
        {"message": None, "done": True, "error": None},
        {"model": 5, "message": {}},
        {"error": "x"},
        None,
        "text",
        [{"error": "listed"}],
    ],
}
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5)


def values(names: str) -> st.SearchStrategy[Any]:
    """JSON of objects with these fields."""
    fields = st.sampled_from(names.split())
    scalars = SCALARS | st.sampled_from(["completed", "error"])
    return st.recursive(
        scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(fields, v, max_size=4), max_leaves=12
    )


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names.split()), values(names), max_size=3)


CHAT_FIELDS = (
    "choices delta content index finish_reason tool_calls function name arguments id type text usage error message "
    "thinking refusal reasoning reasoning_details annotations x_groq logprobs code detail citations custom "
    "extra_content"
)
RESPONSE_FIELDS = (
    "type item response delta output_index item_id content_index content part text output status usage error id "
    "call_id name arguments"
)
RESPONSE_TYPES = (
    "created output_item.added output_item.done content_part.done output_text.delta output_text.done completed failed "
    "function_call_arguments.delta function_call_arguments.done output_text.annotation.added refusal.done"
)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.sampled_from(frames) for name, frames in FRAMES.items()},
    "openai": values(CHAT_FIELDS)
    | st.builds(
        lambda delta, reason, more: {**more, **chat.chunk(delta, reason)},
        objects(CHAT_FIELDS),
        SCALARS,
        objects(CHAT_FIELDS),
    ),
    "openai_responses": values(RESPONSE_FIELDS)
    | st.builds(
        lambda fields, kind: {**fields, "type": f"response.{kind}"},
        objects(RESPONSE_FIELDS),
        st.sampled_from(RESPONSE_TYPES.split()),
    )
    | st.builds(
        lambda index, fields, kind: responses.ev(kind, output_index=index, item={**responses.CALL, **fields}),
        st.integers(0, 2) | st.none(),
        objects(RESPONSE_FIELDS),
        st.sampled_from(["output_item.added", "output_item.done"]),
    ),
}


@pytest.mark.parametrize("name", LIKELY)
@settings(max_examples=75)
@given(data=st.data(), garbage=st.just(b"") | st.binary(max_size=40))
def test_anything_gives_the_same_events_at_any_cut(name: str, data: st.DataObject, garbage: bytes) -> None:
    frames = data.draw(st.lists(LIKELY[name], max_size=8))
    body = ndjson(*frames) if name == "ollama" else sse(*frames)
    body = body[: len(body) - data.draw(st.integers(0, 30))] + garbage
    whole = events_of(name, body)
    for step in (1, 5, data.draw(st.integers(1, 60))):
        assert comparable(events_of(name, body, step)) == comparable(whole), step
    failed = any(isinstance(event, Failed) for event in whole)
    finished = any(isinstance(event, Finished) and event.choice == 0 for event in whole)
    reply = Reply.of(whole)
    assert reply.complete is (finished and not failed)
    assert failed == (type(whole[-1]) is Failed) if whole else not failed
    assert reply.message  # it can be read whatever came


MARKS = [b'{"', b"}", b"[", b"]\n", b"\n", b"1", b"x", b'"', b"<html>", b"\xff"]


@given(st.lists(st.sampled_from(MARKS), max_size=12))
def test_bodies_of_marks_alone(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    for data in (body, ndjson(ollama.chat("a")) + body):
        whole = comparable(events_of("ollama", data))
        assert all(comparable(events_of("ollama", data, step)) == whole for step in (1, 2, 5))
