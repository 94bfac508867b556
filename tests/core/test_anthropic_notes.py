"""What Anthropic's answers say of themselves: usage, notes, why they ended, and the pauses after which they go on."""

import json
from typing import Any

import pytest
from anthropic_frames import STOP, TEXT, begin, delta, start, stop, why
from dialect_harness import events_of, every_cut, sent, sse

from sansio_core import Finished, Metadata, Reply, Started, UsageReport


def test_usage_is_merged_and_what_is_said_later_counts() -> None:
    first: dict[str, Any] = {"input_tokens": 612, "cache_read_input_tokens": 3, "output_tokens": 1, "speed": "fast"}
    last = {"input_tokens": 28, "cache_read_input_tokens": None, "output_tokens": 106}
    details = {"output_tokens_details": {"thinking_tokens": 67}}
    body = sse(begin(**first), *TEXT, why(None, last), why("end_turn", details, stop_sequence=None), STOP)
    usage = Reply.of(every_cut("anthropic", body)).usage
    raw = {**first, "input_tokens": 28, "output_tokens": 106, **details}
    assert usage == UsageReport(28, 106, 3, 67, raw, more_input=3)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "pause"),
        ("compaction", "pause"),
        ("something_new", "other"),
    ],
)
def test_stop_reasons(word: str, reason: str) -> None:
    reply = Reply.of(events_of("anthropic", sse(begin(), *TEXT, why(word), STOP)))
    assert (reply.finish_reason, reply.provider_reason) == (reason, word)


def test_the_stop_sequence_is_told() -> None:
    body = sse(begin(), *TEXT, why("stop_sequence", stop_sequence="```"), STOP)
    assert Metadata({"stop_sequence": "```"}) in events_of("anthropic", body)


def test_notes_beside_the_last_delta_are_not_lost() -> None:
    notes = {"stop_details": {"category": "x"}, "context_management": {"applied_edits": [{"type": "compact_20260112"}]}}
    last = why("end_turn", stop_details=notes["stop_details"]) | {"context_management": notes["context_management"]}
    reply = Reply.of(every_cut("anthropic", sse(begin(), *TEXT, {**last, "input_transformations": None}, STOP)))
    assert reply.metadata == notes
    whole = {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "content": [],
        "usage": {},
        "stop_sequence": None,
        **notes,
    }
    assert Reply.of(events_of("anthropic", json.dumps(whole).encode())).metadata == notes


def test_what_the_message_says_of_itself_is_told_once_for_each_value() -> None:
    container, later = {"id": "c", "expires_at": "1"}, {"id": "c", "expires_at": "2"}
    first = begin()
    first["message"] |= {"container": container, "diagnostics": None, "stop_reason": None}
    lasts = [why(None, other=1), why(None, container=later), why("end_turn", container=later, other=1)]
    events = every_cut("anthropic", sse(first, *TEXT, *lasts, STOP))
    assert [event for event in events if isinstance(event, Metadata)] == [
        Metadata({"container": container}),
        Metadata({"other": 1}),
        Metadata({"container": later}),
    ]


def test_what_events_say_beside_the_message_is_told() -> None:
    frames = [
        begin() | {"region": "eu"},
        start(0, type="text", text="") | {"region": "eu"},
        *(delta(0, "text_delta", text=text) | {"part": 1} for text in "abc"),
        stop(0) | {"part": 2},
        why("end_turn"),
        STOP | {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 1}},
    ]
    events = every_cut("anthropic", sse(*frames))
    assert [event for event in events if isinstance(event, Metadata)] == [
        Metadata({"region": "eu"}),
        Metadata({"part": 1}),
        Metadata({"part": 2}),
        Metadata({"amazon-bedrock-invocationMetrics": {"inputTokenCount": 1}}),
    ]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert Reply.of(events).text == "abc"


def test_usage_can_be_compared_with_other_providers() -> None:
    """The vendor counts what the cache had, and what a compaction read and wrote, beside the rest."""
    figures: dict[str, Any] = {
        "input_tokens": 5,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "output_tokens": 7,
        "service_tier": "standard",
        "iterations": [
            {"type": "message", "input_tokens": 5, "output_tokens": 7},
            {"type": "compaction", "input_tokens": 1000, "cache_read_input_tokens": 400, "output_tokens": 30},
            {"type": "compaction", "input_tokens": 200, "output_tokens": 1},
        ],
    }
    usage = Reply.of(every_cut("anthropic", sse(begin(**figures), *TEXT, why("end_turn"), STOP))).usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens) == (5, 100, 20, 7)
    assert (usage.input, usage.output, usage.total) == (1725, 38, 1763)
    assert (usage.service_tier, usage.raw) == ("standard", figures)


ASKED = {"role": "user", "content": "?"}


@pytest.mark.parametrize(
    ("reason", "blocks"),
    [
        ("pause_turn", [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}]),
        (
            "pause_turn",
            [
                {"type": "thinking", "thinking": "", "signature": "s"},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
                {"type": "text", "text": "So"},
            ],
        ),
        ("compaction", [{"type": "compaction", "content": "Sum", "encrypted_content": "x=="}]),
    ],
)
def test_a_paused_answer_is_sent_back_and_goes_on(reason: str, blocks: list[dict[str, Any]]) -> None:
    frames = [frame for i, block in enumerate(blocks) for frame in (start(i, **block), stop(i))]
    reply = Reply.of(every_cut("anthropic", sse(begin(), *frames, why(reason), STOP)))
    assert (reply.finish_reason, reply.complete) == ("pause", True)
    message = json.loads(json.dumps(reply.message))
    for model in ("claude-opus-5-5", "claude-haiku-4-5", "m"):
        messages = sent("anthropic", [ASKED, message], model=model)["messages"]
        assert messages == [ASKED, {"role": "assistant", "content": blocks}]
