"""Requests to OpenAI's Responses API: what each model takes of the options, tools and choices among them."""

from typing import Any

import pytest
from dialect_harness import SCHEMA, WEATHER, sent
from openai_responses_frames import NAME, warned

from sansio_core import InvalidRequest

NOT_SENT = "openai_responses does not take {}: not sent"
NEW = "a-new-model"
ALWAYS = "gpt-6.2-sol"


def more(model: str, **options: Any) -> dict[str, Any]:
    """What the options add to a request."""
    plain = sent(NAME, "Hi", model=model)
    return {name: value for name, value in sent(NAME, "Hi", model=model, **options).items() if plain.get(name) != value}


# --- reasoning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "word"),
    [
        (NEW, "max", "max"),
        (NEW, 9000, "high"),
        (NEW, True, "medium"),
        ("gpt-6-sol", "max", "max"),
        ("gpt-6-sol", "minimal", "low"),
        ("gpt-5.5", "max", "xhigh"),
        ("gpt-5", "xhigh", "high"),
        ("gpt-5", "minimal", "minimal"),
        ("gpt-5.4-pro", "low", "medium"),
        ("gpt-5-pro-2025-10-06", "low", "high"),
        ("o3", 100_000, "high"),
        (ALWAYS, "minimal", "low"),
    ],
)
def test_an_effort_asks_for_the_thoughts(model: str, effort: Any, word: str) -> None:
    assert more(model, reasoning_effort=effort) == {"reasoning": {"effort": word, "summary": "auto"}}


def test_an_effort_without_a_summary() -> None:
    assert more(NEW, reasoning_effort="none") == {"reasoning": {"effort": "none"}}
    assert more("gpt-5.4", reasoning_effort=False) == {"reasoning": {"effort": "none"}}
    assert more("openai/gpt-oss-20b", reasoning_effort="low") == {"reasoning": {"effort": "low"}}  # shows its thoughts
    own = {"reasoning": {"summary": None}}  # of an organization that is not verified
    assert more("o3", reasoning_effort="low", extra=own) == {"reasoning": {"effort": "low", "summary": None}}
    body = warned("Hi", NOT_SENT.format("reasoning_effort (gpt-4o does not reason)"), model="gpt-4o",
                  reasoning_effort="none")  # fmt: skip
    assert "reasoning" not in body


@pytest.mark.parametrize(
    ("model", "effort", "words"),
    [
        (ALWAYS, "none", "gpt-6.2-sol always reasons: reasoning_effort is one of low, medium, high, xhigh, max, not"),
        ("o3", False, "o3 always reasons"),
        ("gpt-4.1-mini", "low", "gpt-4.1-mini does not reason: leave out reasoning_effort"),
        (NEW, "banana", "a-new-model has no reasoning_effort 'banana'; known are none, minimal, low"),
        (NEW, -1, "no reasoning_effort -1"),
    ],
)
def test_an_effort_that_a_model_does_not_have(model: str, effort: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        sent(NAME, "Hi", model=model, reasoning_effort=effort)


# --- what not every model takes --------------------------------------------------------------------------------------

SAMPLERS = {"temperature": 0.5, "top_p": 0.9, "top_logprobs": 2}
SAMPLED = {**SAMPLERS, "include": ["message.output_text.logprobs"]}


@pytest.mark.parametrize(
    ("model", "options", "fields"),
    [
        (NEW, {}, SAMPLED),
        ("gpt-4o", {}, SAMPLED),
        ("gpt-5.4", {}, SAMPLED),  # does not reason unless asked to
        ("gpt-6-sol", {"reasoning_effort": "none"}, {**SAMPLED, "reasoning": {"effort": "none"}}),
        ("gpt-6-sol", {"extra": {"reasoning": {"effort": "none"}}}, {**SAMPLED, "reasoning": {"effort": "none"}}),
        ("gpt-5.3-codex", {}, SAMPLED),  # of which nobody knows whether it does
    ],
)
def test_samplers_of_a_model_that_takes_them(model: str, options: dict[str, Any], fields: dict[str, Any]) -> None:
    assert more(model, **SAMPLERS, **options) == fields


@pytest.mark.parametrize(
    ("model", "options", "when"),
    [
        ("gpt-6-sol", {}, " while it reasons"),
        ("gpt-5.4", {"reasoning_effort": "low"}, " while it reasons"),
        (ALWAYS, {}, ""),
        ("o3", {}, ""),
    ],
)
def test_samplers_of_a_model_that_takes_none(model: str, options: dict[str, Any], when: str) -> None:
    lost = NOT_SENT.format(f"temperature, top_p, top_logprobs ({model} takes no samplers{when})")
    assert warned("Hi", lost, model=model, **SAMPLERS, **options) == sent(NAME, "Hi", model=model, **options)
    assert more(model, logprobs=False) == {}


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("gpt-4o", {"verbosity": "low"}),
        ("o3", {"parallel_tool_calls": False}),
        ("gpt-5.6-sol", {"prompt_cache_retention": "24h"}),
    ],
)
def test_a_hint_that_a_model_does_not_take(model: str, options: dict[str, Any]) -> None:
    lost = NOT_SENT.format(f"{next(iter(options))} ({model} does not take it)")
    assert warned("Hi", lost, model=model, **options) == sent(NAME, "Hi", model=model)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "gpt-audio"}, "gpt-audio is not served by this endpoint: ask the provider 'openai'"),
        ({"model": "gpt-4o", "max_tokens": 20_000}, "gpt-4o writes at most 16384 tokens"),
        ({"max_tokens": 15}, "takes max_tokens from 16 on, not 15"),
        ({"top_logprobs": 21}, "takes top_logprobs from 0 to 20, not 21"),
        ({"top_logprobs": -1}, "takes top_logprobs from 0 to 20"),
        ({"verbosity": "loud"}, "no verbosity 'loud'; known are low, medium, high"),
        ({"service_tier": "standard_only"}, "no service_tier 'standard_only'.*ultrafast"),
        ({"prompt_cache_retention": "1h"}, "no prompt_cache_retention '1h'"),
        ({"metadata": {"a": 1}}, "not 'a': 1"),
        ({"metadata": {"a" * 65: "b"}}, "up to 64 characters"),
        ({"metadata": {"a": "b" * 513}}, "texts of up to 512"),
        ({"metadata": {str(i): "" for i in range(17)}}, "16 pairs at most, not 17"),
    ],
)
def test_values_that_the_api_rejects(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        sent(NAME, "Hi", **options)


def test_another_host_is_asked_as_it_is() -> None:
    """Gateways and servers differ in what they take, whatever their models are called."""
    host = {"base_url": "http://h/v1", "model": ALWAYS}
    options = {"temperature": 0.5, "max_tokens": 5, "service_tier": "on_demand", "reasoning_effort": "none",
               "top_logprobs": 30, "tools": [{"type": "x_search"}], "tool_choice": {"type": "x_search"}}  # fmt: skip
    body = sent(NAME, "Hi", **host, **options)
    assert body["reasoning"] == {"effort": "none"}
    assert body["max_output_tokens"] == 5
    assert all(body[name] == options[name] for name in ("temperature", "service_tier", "tools", "tool_choice"))


def test_what_extra_includes_stands_beside_what_options_include() -> None:
    own = {"include": ["web_search_call.action.sources", "reasoning.encrypted_content"]}
    body = sent(NAME, "Hi", model=NEW, logprobs=True, store=False, reasoning_effort="low", extra=own)
    assert body["include"] == [
        "message.output_text.logprobs",
        "reasoning.encrypted_content",
        "web_search_call.action.sources",
    ]
    assert sent(NAME, "Hi", extra=own)["include"] == own["include"]


# --- tools -----------------------------------------------------------------------------------------------------------

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
CUSTOM = {"type": "custom", "name": "sql", "format": GRAMMAR}
CHATS = {"type": "custom", "custom": {"name": "sql", "format": {"type": "grammar", "grammar": {
    "syntax": "lark", "definition": "start: /a/"}}}}  # fmt: skip
NO_PARAMETERS = {"type": "object", "properties": {}}
FIT = {**SCHEMA, "additionalProperties": False, "required": ["n"]}


@pytest.mark.parametrize(
    ("tool", "wire"),
    [
        (CUSTOM, CUSTOM),
        (CHATS, CUSTOM),
        ({"type": "custom", "custom": {"name": "sql"}}, {"type": "custom", "name": "sql"}),
        ({"name": "now"}, {"type": "function", "name": "now", "strict": False, "parameters": NO_PARAMETERS}),
        (
            {"name": "f", "input_schema": SCHEMA, "strict": True},
            {"type": "function", "name": "f", "strict": True, "parameters": FIT},
        ),
        (
            {"type": "function", "name": "f", "parameters": SCHEMA, "defer_loading": True, "async": True},
            {"type": "function", "name": "f", "strict": False, "parameters": SCHEMA, "defer_loading": True,
             "async": True},
        ),
        *(
            ({"type": kind}, {"type": kind})
            for kind in ("web_search", "web_search_2025_08_26", "web_search_preview_2025_03_11", "shell", "apply_patch",
                         "computer_use_preview", "computer", "programmatic_tool_calling", "image_generation")
        ),
        ({"type": "mcp", "server_label": "x"}, {"type": "mcp", "server_label": "x"}),
    ],
)  # fmt: skip
def test_a_tool(tool: dict[str, Any], wire: dict[str, Any]) -> None:
    assert more(NEW, tools=[tool]) == {"tools": [wire]}


@pytest.mark.parametrize(
    ("tool", "named"),
    [
        ({"type": "web_search_20250305", "name": "web_search"}, "'web_search_20250305'"),
        ({"type": "bash_20250124", "name": "bash"}, "'bash_20250124'"),
        ({"googleSearch": {}}, "'googleSearch'"),
        ({"name": 5}, "'name'"),
    ],
)
def test_a_tool_of_another_wire(tool: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"has no tool {named}; extra=.*sends anything"):
        sent(NAME, "Hi", tools=[tool])


def test_fields_of_tools_that_the_wire_does_not_have() -> None:
    tool = {"name": "f", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}, "version": 2}
    body = warned("Hi", NOT_SENT.format("cache_control of tools and version of tools"), tools=[tool, tool])
    assert body["tools"] == [{"type": "function", "name": "f", "strict": False, "parameters": SCHEMA}] * 2


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("any", "required"),
        ("none", "none"),
        ("weather", {"type": "function", "name": "weather"}),
        ("sql", {"type": "custom", "name": "sql"}),
        ({"type": "tool", "name": "weather"}, {"type": "function", "name": "weather"}),
        ({"type": "custom", "custom": {"name": "sql"}}, {"type": "custom", "name": "sql"}),
        ({"type": "custom", "name": "sql"}, {"type": "custom", "name": "sql"}),
        ({"type": "web_search_preview"}, {"type": "web_search_preview"}),
        ({"type": "mcp", "server_label": "x", "name": "f"}, {"type": "mcp", "server_label": "x", "name": "f"}),
        ({"type": "apply_patch"}, {"type": "apply_patch"}),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
                {"type": "function", "function": {"name": "weather"}}, {"type": "mcp", "server_label": "x"}]}},
            {"type": "allowed_tools", "mode": "required", "tools": [
                {"type": "function", "name": "weather"}, {"type": "mcp", "server_label": "x"}]},
        ),
    ],
)  # fmt: skip
def test_a_choice_among_tools(choice: Any, wire: Any) -> None:
    assert sent(NAME, "Hi", tools=[WEATHER, CUSTOM], tool_choice=choice)["tool_choice"] == wire


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "auto", "disable_parallel_tool_use": True},
        {"function_calling_config": {}},
        {},
        {"type": "web_search"},
        {"type": "custom"},
        {"type": "allowed_tools", "mode": "any", "tools": []},
    ],
)
def test_a_choice_of_another_wire(choice: Any) -> None:
    with pytest.raises(InvalidRequest, match="has no tool_choice"):
        sent(NAME, "Hi", tools=[WEATHER], tool_choice=choice)


def test_a_strict_format_is_made_fit() -> None:
    given = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}
    wire = sent(NAME, "Hi", response_format=given)["text"]["format"]
    assert wire == {"type": "json_schema", "name": "a", "strict": True, "schema": FIT}
    assert "required" not in SCHEMA
