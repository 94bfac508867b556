"""The messages of Anthropic's wire: what of a conversation goes back, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic_frames import STOP, begin, delta, start, why
from anthropic_requests import BRIEF, HI, MARK, NEW, PDF, PNG, SAID, refused, told
from dialect_harness import PIXEL, asked, events_of, sent, sse

from sansio_core import ChatRequest, FilePart, Reply, providers


@pytest.mark.parametrize(
    "messages", ["", [{"role": "system", "content": "a"}], [{"role": "user", "content": [" ", ""]}]]
)
def test_a_conversation_without_content(messages: Any) -> None:
    assert "needs a message of the user" in refused(messages)


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", NEW, "claude-haiku-5-5", "claude-mythos-preview"])
def test_no_prefill_on_newer_models(model: str) -> None:
    assert f"{model} does not go on with an answer (prefill)" in refused([HI, SAID], model=model)


def test_a_system_message_behind_an_answer_does_not_go_on() -> None:
    said = refused([HI, SAID, BRIEF], model=NEW)
    assert "a message of the user's, or a tool's answer, must come behind it; a system message is none" in said


def answer_of(*items: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "native": {"dialect": "anthropic", "items": items}}


SIGNED = {"type": "thinking", "thinking": "Hm", "signature": "s"}
UNSIGNED = {"type": "thinking", "thinking": "Hm", "signature": ""}
WORDS = {"type": "text", "text": "So"}


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (answer_of(UNSIGNED), []),
        (answer_of(SIGNED, WORDS, SIGNED), [SIGNED, WORDS]),
        (answer_of(SIGNED, WORDS, {"type": "redacted_thinking", "data": "x"}), [SIGNED, WORDS]),
        (answer_of(SIGNED, {"type": "text", "text": "\n"}), []),
        (answer_of(UNSIGNED, WORDS, SIGNED, WORDS), [WORDS, SIGNED, WORDS]),
        # Mistral's form
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": [WORDS]}, SIGNED, WORDS]}, [SIGNED, WORDS]),
    ],
)
@pytest.mark.parametrize("model", ["claude-haiku-4-5", NEW])
def test_thinking_that_was_cut_does_not_go_back(answer: Any, left: list[Any], model: str) -> None:
    wire, warning = told([HI, answer, HI], model=model)
    assert wire["messages"] == [HI, *([{"role": "assistant", "content": left}] if left else []), HI]
    assert warning == "thinking without a signature, or with nothing behind it"


def test_other_hosts_get_thinking_back_as_it_came() -> None:
    provider = providers.create("anthropic", api_key="k", base_url="https://api.minimax.io/anthropic")
    answer = answer_of(UNSIGNED, {"type": "tool_use", "id": "c1", "name": "f", "input": {}})
    result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    body = provider.begin(ChatRequest([HI, answer, result], model="MiniMax-M3"), lambda: 0.5).request().body
    assert json.loads(body)["messages"][1]["content"][0] == UNSIGNED


def test_an_answer_that_max_tokens_cut_while_it_thought_can_be_sent_back() -> None:
    cut = [start(0, type="thinking", thinking=""), delta(0, "thinking_delta", thinking="Hm"), why("max_tokens"), STOP]
    answer = Reply.of(events_of("anthropic", sse(begin(), *cut))).message
    assert told([HI, answer, {"role": "user", "content": "Go on."}])[0]["messages"] == [
        HI,
        {"role": "user", "content": "Go on."},
    ]


def test_no_text_of_white_space_is_sent() -> None:
    messages = [
        {"role": "system", "content": ["\n", "Be brief."]},
        {"role": "user", "content": [" ", "Hi"]},
        answer_of(
            {"type": "text", "text": "\n\n"}, asked_block := {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
        ),
        {"role": "tool", "tool_call_id": "c1", "content": " \t"},
    ]
    wire = sent("anthropic", messages)
    assert (wire["system"], wire["messages"]) == (
        "Be brief.",
        [
            HI,
            {"role": "assistant", "content": [asked_block]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1"}]},
        ],
    )


def test_a_file_of_text_is_a_text_of_the_system() -> None:
    file = FilePart("Hä?".encode(), None, "a.md", cache_control=True)
    wire = sent("anthropic", [{"role": "system", "content": ["Read:", file]}, HI])
    assert wire["system"] == [{"type": "text", "text": "Read:"}, {"type": "text", "text": "a.md:\nHä?", **MARK}]


def test_prefill_on_older_models_and_on_unknown_ones() -> None:
    for options in ({"model": "claude-haiku-4-5"}, {"model": "m", "reasoning_effort": 1024, "response_format": TEXT}):
        assert sent("anthropic", [HI, SAID], **options)["messages"][-1] == SAID
    for option in ({"reasoning_effort": 1024}, {"response_format": TEXT}):
        said = refused([HI, SAID], model="claude-haiku-4-5", **option)
        assert f"beside {next(iter(option))}: leave out one" in said


TEXT = {"type": "json_schema", "schema": {"type": "string"}}


def test_an_error_of_a_tool_carries_text_alone_and_its_files_stand_behind_all_results() -> None:
    files = [FilePart(PIXEL), FilePart(b"%PDF-1")]
    answers = [
        {"role": "tool", "tool_call_id": "a", "content": ["Bad:", *files], "is_error": True},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {"role": "tool", "tool_call_id": "c", "content": [FilePart(PIXEL)], "is_error": True},
    ]
    calls = {"role": "assistant", "tool_calls": [asked(name)["tool_calls"][0] for name in "abc"]}
    image = {"type": "image", "source": PNG}
    assert sent("anthropic", [HI, calls, *answers])["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "Bad:", "is_error": True},
        {"type": "tool_result", "tool_use_id": "b"},
        {"type": "tool_result", "tool_use_id": "c", "is_error": True},
        image,
        {"type": "document", "source": PDF},
        image,
    ]


def test_ids_of_other_vendors_are_made_fit_in_the_call_and_its_answer() -> None:
    answer = {"role": "tool", "tool_call_id": "functions.f:0", "content": "a"}
    messages = sent("anthropic", [HI, asked("functions.f:0"), answer])["messages"]
    assert messages[1]["content"][0]["id"] == messages[2]["content"][0]["tool_use_id"] == "functions_f_0"


def test_calls_that_were_cut_and_custom_ones() -> None:
    custom = {"id": "c1", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    answer = {"role": "tool", "tool_call_id": "c1", "content": "a"}
    wire = sent("anthropic", [HI, {"role": "assistant", "tool_calls": [custom]}, answer])
    assert wire["messages"][1]["content"][0]["input"] == {"input": "SELECT 1"}
    wire, warning = told([HI, asked(arguments='{"place": "Os'), answer])
    assert wire["messages"][1]["content"][0]["input"] == {"place": "Os"}
    assert warning == "the open end of a tool call's arguments, which were cut"


def test_fields_of_messages_that_the_wire_has_not() -> None:
    named = {"role": "user", "content": "Hi", "name": "bob", "mood": "good"}
    wire, warning = told([named])
    assert wire["messages"] == [HI]
    assert warning == "the name of messages and the field mood of messages"


def test_an_answer_that_another_program_stored_without_its_items() -> None:
    answer = {"role": "assistant", "content": "Said.", "native": {"dialect": "anthropic", "items": []}}
    assert sent("anthropic", [HI, answer, HI])["messages"][1] == SAID
