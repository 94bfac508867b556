"""Earlier answers and tools' results: which call a result answers, and what of them a wire cannot carry."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_harness import asked

from sansio_core import ChatRequest, FilePart, ImagePart, InvalidRequest, Message, TextPart, ToolCall, providers
from sansio_core.dialects.history import (
    check_answered,
    resolve_tool_ids,
    unsupported_details,
    unsupported_fields,
    unsupported_history,
)
from sansio_core.parts import RawPart
from sansio_core.request import Native

MARK = {"type": "ephemeral"}
CUT = asked(arguments='{"place":"Os')


def messages(*given: Any) -> tuple[Message, ...]:
    return ChatRequest(list(given)).messages


@pytest.mark.parametrize(
    ("message", "takes", "said"),
    [
        ({"role": "user", "content": "a", "name": "bob"}, "names", "the name of messages"),
        ({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": MARK}]}, "marks",
         "cache_control of parts"),
        ({"role": "user", "content": [FilePart(b"a", cache_control=True)]}, "marks", "cache_control of parts"),
        # of a whole message: the mark of its last part
        ({"role": "user", "content": "a", "cache_control": MARK}, "marks", "cache_control of parts"),
    ],
)  # fmt: skip
def test_fields_of_messages(message: dict[str, Any], takes: str, said: str) -> None:
    assert unsupported_fields(messages(message)) == [said]
    assert unsupported_fields(messages(message, message)) == [said]
    assert unsupported_fields(messages(message), **{takes: True}) == []


def test_what_is_no_loss() -> None:
    plain = messages(
        {"role": "user", "content": "Hi"},
        {"role": "tool", "content": "a", "name": "weather", "is_error": False},
        {"role": "assistant", "content": "a", "audio": None, "annotations": [], "refusal": None},
        # a part in a wire's own form goes as it is, or is refused
        {"role": "user", "content": [{"type": "odd", "cache_control": MARK}]},
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": None}]},
        CUT,
    )
    assert isinstance(plain[3].parts[0], RawPart)
    assert unsupported_fields(plain) == []
    assert unsupported_fields(()) == []


def test_the_detail_of_images() -> None:
    plain = Message("user", (TextPart("a"), ImagePart("https://h/a"), ImagePart("https://h/b", "auto")))
    wanted = Message(
        "user", (ImagePart("https://h/a"), ImagePart("https://h/b", "low"), ImagePart("https://h/c", "high"))
    )
    assert unsupported_details((plain,)) == []
    assert unsupported_details((plain, wanted, wanted)) == ["detail of images"]


def test_calls_that_were_cut() -> None:
    said = "the open end of a tool call's arguments, which were cut"
    assert unsupported_fields(messages(CUT), cut=False) == [said]
    whole = messages(asked(), asked(arguments=""))
    custom = Message("assistant", (), (ToolCall("c", "f", '{"a', custom=True),))
    assert unsupported_fields((*whole, custom), cut=False) == []


def test_other_fields_each_once_and_in_order() -> None:
    history = messages(
        {"role": "assistant", "content": "a", "audio": {"id": "a"}, "phase": "final"},
        {"role": "assistant", "content": "b", "name": "bob", "audio": {"id": "b"}},
    )
    said = ["the field audio of messages", "the field phase of messages", "the name of messages"]
    assert unsupported_fields(history) == said
    assert unsupported_fields(history, extra={"audio"}) == said[1:]
    assert unsupported_fields(history, names=True, extra=("audio", "phase")) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ["the reasoning of earlier answers", "x of tool calls"]),
        ({"reasoning": True, "call_fields": True}, []),
        ({"reasoning_matters": False, "calls": False}, ["the tool calls of earlier answers"]),
    ],
)
def test_answers(settings: dict[str, bool], said: list[str]) -> None:
    answer = Message("assistant", (), (ToolCall("c", "f", extra={"x": 1}),), reasoning="Hm")
    assert unsupported_history([answer], **settings) == said
    assert unsupported_history([Message("assistant", (TextPart("a"),))], **settings) == []


def test_answers_of_other_wires() -> None:
    items = ({"type": "thinking", "thinking": "Hm", "signature": "S"}, {"type": "text", "text": "a"})
    answers = [Message("assistant", native=Native(name, items), reasoning="Hm") for name in ("b", "a", "own")]
    assert unsupported_history(answers, "own") == ["the reasoning and signatures of a, b answers"]
    assert unsupported_history(answers, "own", reasoning=True) == ["the signatures of a, b answers"]
    assert unsupported_history(answers[2:], "own") == []


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"type": "message", "content": []}, ""),
        ({"type": "custom_tool_call", "call_id": "c"}, ""),
        ({"type": "tool_use", "id": "c"}, ""),
        ({"text": "a"}, ""),
        ({"functionCall": {"name": "f"}}, ""),
        ({"functionCall": {"name": "f"}, "thoughtSignature": "S"}, "signatures"),
        ({"text": "a", "thought": True}, "reasoning"),
        ({"type": "reasoning", "summary": [], "encrypted_content": "E"}, "reasoning and encrypted parts"),
        ({"type": "redacted_thinking", "data": "E"}, "encrypted parts"),
        ({"type": "code_interpreter_call", "code": "1"}, "code_interpreter_call"),
        ({"inlineData": {"data": "", "mimeType": "image/png"}}, "inlineData"),
        ({"type": "compaction", "encrypted_content": "E"}, "compaction and encrypted parts"),
        ({"images": ["iVBO"]}, "images"),
    ],
)
def test_only_what_an_answer_has_besides_texts_and_calls_is_lost(item: dict[str, Any], said: str) -> None:
    answer = Message("assistant", (TextPart("a"),), native=Native("b", ({"type": "text"}, item)))
    lost = [f"the {said} of b answers"] if said else []
    assert unsupported_history([answer], "own") == lost
    plain = Message("assistant", (TextPart("a"),), native=Native("c", ({"type": "text"},)))
    assert unsupported_history([plain, answer], "own") == lost


def test_a_refusal_is_text_where_a_wire_has_no_field_for_it() -> None:
    history = messages({"role": "assistant", "content": None, "refusal": "No."})
    assert resolve_tool_ids(history, invent_ids=False)[0].parts == (TextPart("No."),)
    (kept,) = resolve_tool_ids(history, invent_ids=False, refusals=True)
    assert (kept.parts, kept.refusal) == ((), "No.")


@pytest.mark.parametrize("name", ["anthropic", "openai", "azure_openai"])
def test_an_answer_to_no_call_is_refused_where_the_vendor_refuses_it(name: str) -> None:
    config = {"base_url": "https://res.openai.azure.com"} if name == "azure_openai" else {}
    provider = providers.create(name, api_key="k", model="m", **config)
    hi, call = {"role": "user", "content": "?"}, asked("c1")
    answer = {"role": "tool", "tool_call_id": "c2", "content": "!"}
    for history in ([hi, answer], [hi, call, answer], [hi, {**answer, "tool_call_id": "c1"}, call]):
        with pytest.raises(InvalidRequest, match="which no message before it makes"):
            provider.begin(ChatRequest(history), lambda: 0.5)
    provider.begin(ChatRequest([hi, call, {**answer, "tool_call_id": "c1"}]), lambda: 0.5)
    # The calls of an answer may stand in its items alone; other hosts ask for no call.
    native = {"role": "assistant", "native": {"dialect": "anthropic", "items": [{"type": "tool_use", "id": "c2"}]}}
    check_answered(ChatRequest([hi, native, answer]).messages, name)
    providers.create("vllm").begin(ChatRequest([hi, answer]), lambda: 0.5)


@pytest.mark.parametrize("name", ["openai_responses", "anthropic", "gemini", "ollama"])
def test_a_text_with_another_wires_field_is_refused_by_that_field(name: str) -> None:
    part = {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
    request = ChatRequest([{"role": "user", "content": [part]}])
    with pytest.raises(InvalidRequest, match=f"{name} takes no text with prompt_cache_breakpoint in a message"):
        providers.create(name, api_key="k").begin(request, lambda: 0.5)
