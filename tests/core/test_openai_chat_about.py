"""What Chat Completions' answers say besides their text: the tier, the filter, sound, figures; each value once."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_harness import every_cut, sse, unknown
from openai_chat_frames import DONE, chunk, said
from test_openai_chat_models import body

from sansio_core import (
    ChatEvent,
    Finished,
    Metadata,
    NativeDelta,
    NativeItem,
    Reply,
    Started,
    TextDelta,
    ToolCall,
    UsageReport,
)

SAFE = {"hate": {"filtered": False, "severity": "safe"}}


def test_what_every_chunk_repeats_is_told_once() -> None:
    more = {"id": "c", "service_tier": "default", "system_fingerprint": "fp_1", "provider": "OpenAI"}
    told = {name: more[name] for name in ("service_tier", "system_fingerprint", "provider")}
    assert said(*(chunk({"content": text}, **more) for text in "abcd")) == [
        Started("c", None),
        Metadata(told),
        *map(TextDelta, "abcd"),
    ]


def test_a_value_that_changes_is_told_again_but_not_a_fingerprint() -> None:
    chunks = [
        chunk({"content": "a"}, system_fingerprint="fp_1"),
        chunk({"content": "b"}, system_fingerprint="fp_2", service_tier="flex"),
        chunk({"content": "c"}),
        chunk({"content": "d"}, service_tier="flex"),
        chunk({"content": "e"}, service_tier="default"),
    ]
    assert said(*chunks) == [
        Metadata({"system_fingerprint": "fp_1"}),
        TextDelta("a"),
        Metadata({"service_tier": "flex"}),
        TextDelta("b"),
        TextDelta("c"),
        TextDelta("d"),
        Metadata({"service_tier": "default"}),
        TextDelta("e"),
    ]


@pytest.mark.parametrize(
    "field",
    [
        {"moderation": {"input": {"type": "moderation_results", "results": [{"flagged": False}]}}},
        {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}]},
        {"timings": {"predicted_ms": 5.5}},
        {"metrics": {"tokens_per_second": 5}},
        {"stats": {"time_to_first_token": 0.1}},
        {"x_request_id": "r1"},
        {"x_groq": {"id": "req_1"}},
    ],
)
def test_what_is_said_about_the_answer(field: dict[str, Any]) -> None:
    for values in ([chunk({"content": "a"}, **field)] * 2, [{"choices": [], **field}] * 2):
        events = said(*values)
        assert [event for event in events if not isinstance(event, TextDelta)] == [Metadata(field)]
    assert Reply.of(events).metadata == field


def test_what_is_said_about_a_choice() -> None:
    more = {"content_filter_results": SAFE, "native_finish_reason": None, "token_ids": [1]}
    values = [
        {"choices": [{"index": i, "delta": {"content": "a"}, "finish_reason": None, **more}]} for i in (0, 1, 0, 1)
    ]
    ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "end_turn"}]}
    reply = Reply.of(events := said(*values, ended))
    assert [event for event in events if isinstance(event, Metadata)] == [
        Metadata({"content_filter_results": SAFE}),
        Metadata({"content_filter_results": SAFE}, 1),
        Metadata({"native_finish_reason": "end_turn"}),
    ]
    assert reply.metadata == {"content_filter_results": SAFE, "native_finish_reason": "end_turn"}
    assert unknown(events) == []


def test_sound_comes_in_pieces_and_ends_as_one_item() -> None:
    pieces: list[dict[str, Any]] = [
        {"id": "a1", "transcript": "Hi"},
        {"data": "AAA="},
        {"transcript": "!"},
        {"expires_at": 5},
    ]
    item = NativeItem("openai_chat", {"type": "audio", "id": "a1", "transcript": "Hi!", "expires_at": 5}, 1)
    sounds: list[ChatEvent] = []  # and the words, which are the answer's text
    for piece in pieces:
        sounds.append(NativeDelta("openai_chat", {"audio": piece}, 1))
        sounds += [TextDelta(str(piece["transcript"]), 1)] if "transcript" in piece else []
    values = [chunk({"audio": piece}, index=1) for piece in pieces]
    assert said(*values, chunk(None, "stop", index=1)) == [*sounds, item, Finished("stop", "stop", 1)]
    assert every_cut("openai", sse(*values) + DONE) == [*sounds, item, Finished(choice=1)]
    assert said(*values) == sounds  # cut before its end
    late = chunk({"audio": {"transcript": "?"}}, index=1)
    assert item in said(*values, chunk(None, "stop", index=1), late)
    whole = {"index": 0, "message": {"content": None, "audio": {"id": "a", "data": "AA"}}, "finish_reason": "stop"}
    assert said({"choices": [whole]})[1] == NativeItem("openai_chat", {"type": "audio", "id": "a"})


def test_images_of_openrouter() -> None:
    images = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    deltas = [NativeDelta("openai_chat", {"images": images})] * 2
    events = said(*[chunk({"content": "", "images": images})] * 2, chunk(None, "stop"))
    assert events == [
        *deltas,
        NativeItem("openai_chat", {"type": "images", "images": images * 2}),
        Finished("stop", "stop"),
    ]
    history = [{"role": "user", "content": "?"}, Reply.of(events).message, {"role": "user", "content": "Bluer."}]
    wire, told = body("m", history, host="openrouter")
    assert wire["messages"][1] == {"role": "assistant", "content": "", "images": images * 2}
    assert told == []
    wire, told = body("m", history, host="vllm")
    assert wire["messages"][1] == {"role": "assistant", "content": ""}
    assert told == ["vllm does not take the field images of messages: not sent"]


def test_fields_of_a_function_that_no_rule_covers() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}", "origin": "mcp"}}
    events = said(chunk({"tool_calls": [call]}))
    assert Reply.of(events).tool_calls == [ToolCall("a", "f", "{}")]
    assert unknown(events) == [{"function": {"origin": "mcp"}}]


# --- figures ----------------------------------------------------------------------------------------------------------


def report(usage: dict[str, Any], **more: Any) -> UsageReport:
    (event,) = (event for event in said({"choices": [], "usage": usage, **more}) if isinstance(event, UsageReport))
    return event


def test_all_figures() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30, "audio_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5, "accepted_prediction_tokens": 1},
        "cost": 0.5,
    }
    assert report(usage, service_tier="flex") == UsageReport(
        100, 50, 60, 20, usage, total_tokens=150, cache_write_tokens=30, audio_tokens=12, service_tier="flex"
    )


@pytest.mark.parametrize(
    ("usage", "written"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, 5),
        # xAI: the reasoning stands beside
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22, "reasoning_tokens": 7}, 12),
        ({"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 19, "reasoning_tokens": 7}, 9),
    ],
)
def test_what_was_written_can_be_compared(usage: dict[str, Any], written: int) -> None:
    found = report(usage)
    assert (found.input, found.output, found.total) == (10, written, usage["total_tokens"])


def test_the_tier_that_was_billed() -> None:
    first = chunk({"content": "a"}, service_tier="priority")
    usage = {"choices": [], "usage": {"prompt_tokens": 1}}
    reports = [event for event in said(first, usage) if isinstance(event, UsageReport)]
    assert [event.service_tier for event in reports] == ["priority"]
    assert report({"prompt_tokens": 1, "service_tier": "default"}).service_tier == "default"  # Mistral's place
