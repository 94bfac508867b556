"""Requests of the five wires: the rules that one option or one message shows, a row each."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from dialect_harness import AS_SCHEMA, PIXEL, SCHEMA, asked, sent

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, providers

LIST = {"type": "array", "items": {"type": "integer"}}
UNNAMED = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
WITHOUT_FUNCTION = {"type": "own", "function": {"name": 5}}
CLOSED = {**SCHEMA, "additionalProperties": False}
FIT = {**SCHEMA, "additionalProperties": False, "required": ["n"]}
STRICT = {"name": "f", "parameters": SCHEMA, "strict": True}
OWN = {"name": "f", "input_schema": SCHEMA}
FLAT = {"type": "function", "name": "f", "parameters": SCHEMA}


@pytest.mark.parametrize(
    ("name", "options", "fields"),
    [
        # extra: its fields win, what is no object replaces
        ("gemini", {"top_k": 1, "extra": {"generationConfig": {"topK": 2}}}, {"generationConfig": {"topK": 2}}),
        ("gemini", {"top_k": 1, "extra": {"generationConfig": None}}, {"generationConfig": None}),
        ("acytoo", {"extra": {"key": "k"}}, {"key": "k"}),
        ("yqcloud", {"extra": {"network": False}, "user_id": 1}, {"network": False, "userId": "#/chat/1"}),
        # tools
        ("anthropic", {"tools": [OWN]}, {"tools": [OWN]}),
        ("anthropic", {"tools": [STRICT]}, {"tools": [{"name": "f", "input_schema": CLOSED, "strict": True}]}),
        (
            "openai",
            {"tools": [FLAT]},
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]},
        ),
        ("openai_responses", {"tools": [STRICT]}, {"tools": [{"type": "function", **STRICT, "parameters": FIT}]}),
        (
            "free_netfly",
            {"tools": [STRICT]},
            {"tools": [{"type": "function", "function": {**STRICT, "parameters": FIT}}]},
        ),
        # tool_choice
        ("openai", {"tool_choice": "any"}, {"tool_choice": "required"}),
        ("vllm", {"tool_choice": WITHOUT_FUNCTION}, {"tool_choice": WITHOUT_FUNCTION}),
        # response_format
        (
            "openai_responses",
            {"response_format": UNNAMED},
            {"text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}}},
        ),
        (
            "openai",
            {"response_format": LIST},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": LIST}}},
        ),
        ("fireworks", {"response_format": {"type": "grammar"}}, {"response_format": {"type": "grammar"}}),
        # reasoning_effort
        ("ollama", {"reasoning_effort": False}, {"think": False}),
        (
            "gemini",
            {"reasoning_effort": "minimal", "model": "gemini-2.5-flash"},
            {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024}}},
        ),
        (
            "gemini",
            {"reasoning_effort": "high", "model": "gemini-1.5-pro"},
            {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 24576}}},
        ),
        (
            "gemini",
            {"reasoning_effort": "medium", "model": "gemini-next"},
            {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "MEDIUM"}}},
        ),
    ],
)
def test_an_option_in_the_body(name: str, options: dict[str, Any], fields: dict[str, Any]) -> None:
    plain = {key: options[key] for key in ("model", "user_id") if key in options}
    assert sent(name, "Hello", **options) == {**sent(name, "Hello", **plain), **fields}


def test_a_long_title_is_cut_to_what_openai_takes() -> None:
    wire = sent("openai", "Hello", response_format={**SCHEMA, "title": "a" * 70})
    assert wire["response_format"]["json_schema"]["name"] == "a" * 64


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("openai", {"tool_choice": ""}),
        ("anthropic", {"response_format": {"type": "json_schema", "properties": {}}}),
        ("openai", {"response_format": {"type": "object"}}),
        ("anthropic", {"stop": {"a": 1}}),
        ("anthropic", {"metadata": 5}),
        ("gemini", {"reasoning_effort": None, "stop": b"ab"}),
        ("free_netfly", {"tool_choice": 5}),
    ],
)
def test_an_option_that_cannot_be_meant(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        sent(name, "Hello", **options)


def test_what_the_caller_gave_is_not_changed() -> None:
    metadata, extra = {"user_id": "a"}, {"metadata": {"c": "d"}}
    wire = sent("anthropic", "Hello", metadata=metadata, user="u", extra=extra)
    assert wire["metadata"] == {"user_id": "u", "c": "d"}
    assert (metadata, extra) == ({"user_id": "a"}, {"metadata": {"c": "d"}})
    pieces = [{"type": "reasoning.text", "text": text, "index": 0} for text in "ab"]
    answer = {"role": "assistant", "content": "Hi", "native": {"dialect": "openai_chat", "items": pieces}}
    before = copy.deepcopy(answer)
    assert sent("openrouter", [answer]) == sent("openrouter", [answer])
    assert answer == before


# --- messages --------------------------------------------------------------------------------------------------------

CACHED = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}
EMPTY_CALL = asked(arguments="")
FUNCTION = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("name", "message", "wire"),
    [
        ("anthropic", {"role": "user", "content": [CACHED]}, {"role": "user", "content": [CACHED]}),
        (
            "anthropic",
            EMPTY_CALL,
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {}}]},
        ),
        ("openai", {"role": "user", "content": []}, {"role": "user", "content": ""}),
        ("openai", EMPTY_CALL, {"role": "assistant", "tool_calls": [FUNCTION]}),
        (
            "deepseek",
            EMPTY_CALL,
            {"role": "assistant", "content": None, "tool_calls": [FUNCTION], "reasoning_content": " "},
        ),
        ("openai", {"role": "user", "content": "Hi", "name": "bob"}, {"role": "user", "content": "Hi", "name": "bob"}),
        (
            "deepseek",
            {**EMPTY_CALL, "reasoning": "Hm."},
            {"role": "assistant", "content": None, "tool_calls": [FUNCTION], "reasoning_content": "Hm."},
        ),
        (
            "mistral",
            {**asked("D681PevKs", arguments=""), "reasoning": "Hm."},
            {"role": "assistant", "tool_calls": [{**FUNCTION, "id": "D681PevKs"}]},
        ),
        (
            "ollama",
            {"role": "user", "content": "Hi", "tool_call_id": "c"},
            {"role": "user", "content": "Hi"},
        ),
        (
            "openai_responses",
            {"role": "assistant", "content": ""},
            {"role": "assistant", "content": ""},
        ),
        (
            "openai_responses",
            EMPTY_CALL,
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        ),
        (
            "openai_responses",
            {"role": "user", "content": ["a", "b"]},
            {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
        ),
        (
            "openai_responses",
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}]},
            {"role": "user", "content": [{"type": "input_image", "image_url": PIXEL, "detail": "low"}]},
        ),
        (
            "gemini",
            {"role": "user", "content": [{"type": "image_url", "image_url": "https://x.example/a.heic"}]},
            {
                "role": "user",
                "parts": [{"fileData": {"mimeType": "image/heic", "fileUri": "https://x.example/a.heic"}}],
            },
        ),
    ],
)
def test_a_message_in_the_body(name: str, message: dict[str, Any], wire: dict[str, Any]) -> None:
    field = {"gemini": "contents", "openai_responses": "input"}.get(name, "messages")
    # a model of which no vendor has said what it takes: Claude's newer ones take no answer as the last message
    model = {"model": "m"} if name == "anthropic" else {}
    assert sent(name, [message], **model)[field] == [wire]


def test_of_calls_with_the_same_id_a_result_answers_the_last() -> None:
    """A server may count its ids anew in each answer."""
    result = {"role": "tool", "tool_call_id": "c1", "content": "?"}
    contents = sent("gemini", [asked("c1", "first"), result, asked("c1", "second"), result])["contents"]
    assert [contents[at]["parts"][0]["functionResponse"]["name"] for at in (1, 3)] == ["first", "second"]


def test_a_system_message_between_results_does_not_part_them() -> None:
    results = [{"role": "tool", "tool_call_id": name, "content": name} for name in ("a", "b")]
    answer = {"role": "assistant", "tool_calls": [*asked("a")["tool_calls"], *asked("b")["tool_calls"]]}
    amid = [answer, results[0], {"role": "system", "content": "Be brief."}, results[1]]
    wire = sent("anthropic", amid, model="claude-opus-5")
    assert [message["role"] for message in wire["messages"]] == ["assistant", "user", "system"]
    assert [len(message["content"]) for message in wire["messages"][:2]] == [2, 2]
    with_question = sent("gemini", [answer, results[0], {"role": "user", "content": "?"}, results[1]])
    assert [content["role"] for content in with_question["contents"]] == ["model", "user", "user", "user"]


@pytest.mark.parametrize("field", ["text", "summary", "data"])
def test_pieces_of_a_reasoning_detail_are_joined(field: str) -> None:
    pieces = [{"type": "reasoning.x", field: text, "index": 0} for text in "ab"]
    answer = {"role": "assistant", "content": "Hi", "native": {"dialect": "openai_chat", "items": pieces}}
    (message,) = sent("openrouter", [answer])["messages"]
    assert message["reasoning_details"] == [{"type": "reasoning.x", field: "ab", "index": 0}]


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("gpt-5.4-mini", True),
        ("o3", True),
        ("openai/gpt-oss-120b", True),
        ("codex-mini-latest", True),
        ("gpt-4o", False),
        ("gpt-5-chat-latest", False),
        ("gpt-5.2-chat-latest", False),
        ("foo-o3", False),
    ],
)
def test_encrypted_reasoning_is_asked_of_models_that_reason(model: str, reasons: bool) -> None:
    wire = sent("openai_responses", "Hello", model=model, store=False)
    assert wire.get("include") == (["reasoning.encrypted_content"] if reasons else None)


def test_the_warning_names_all_fields_of_calls_in_order() -> None:
    call = {**FUNCTION, "b": 1, "a": 2, "d": 3, "c": 4}
    history = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": "?"}]
    with pytest.warns(OptionIgnored, match=r"^groq does not take a, b, c, d of tool calls: not sent$"):
        providers.create("groq", api_key="k").begin(ChatRequest(history), lambda: 0.5)


def test_openai_names_a_schema_that_is_given_its_way() -> None:
    named = {"type": "json_schema", "json_schema": {"name": "mine", "schema": SCHEMA, "strict": True}}
    wire = sent("openai", "Hello", response_format=named)["response_format"]
    assert wire == {"type": "json_schema", "json_schema": {"name": "mine", "schema": FIT, "strict": True}}
    wire = sent("openai_responses", "Hello", response_format=named)["text"]["format"]
    assert wire == {"type": "json_schema", "name": "mine", "schema": FIT, "strict": True}
    assert sent("ollama", "Hello", response_format=AS_SCHEMA)["format"] == SCHEMA
