"""What the hosts of the Chat Completions wire take otherwise than OpenAI: efforts, thinking, tools, formats."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_harness import SCHEMA
from test_openai_chat_models import ELSEWHERE, body, fields, refused

GLM = "accounts/fireworks/models/glm-5p3-flash"


@pytest.mark.parametrize(
    ("host", "model", "effort", "word"),
    [
        ("groq", "openai/gpt-oss-120b", "max", "high"),
        ("groq", "qwen/qwen3.8-27b", "none", "none"),
        ("groq", "qwen/qwen3.8-27b", "default", "default"),
        ("mistral", "mistral-small-latest", "low", "high"),  # it has none and high
        ("mistral", "magistral-medium-latest", "low", "low"),  # of which nothing is known
        ("xai", "grok-4.3", "none", "none"),
        ("xai", "grok-4.7", "max", "xhigh"),
        ("xai", "grok-4.5", "xhigh", "high"),
        ("cerebras", "kimi-k3", "medium", "low"),
        ("fireworks", GLM, "xhigh", "high"),
        ("fireworks", GLM, "max", "max"),
        ("together", "deepseek-ai/DeepSeek-V4-Pro", "low", "high"),
        ("ollama_openai", "any", "max", "high"),
        ("vllm", "any", "xhigh", "xhigh"),
        ("vllm", "any", 1024, "low"),
    ],
)
def test_an_effort_is_a_word_of_the_hosts_model(host: str, model: str, effort: Any, word: str) -> None:
    wire, told = body(model, host=host, reasoning_effort=effort)
    assert wire["reasoning_effort"] == word
    # much more than was asked for
    assert told == (
        [
            f"{host} does not take reasoning_effort 'low' (the least that {model} has is 'high', which is sent): "
            "not sent"
        ]
        if (effort, word) == ("low", "high")
        else []
    )


@pytest.mark.parametrize(
    ("host", "model"),
    [("groq", None), ("cerebras", "gpt-oss-120b"), ("together", None), ("fireworks", GLM), ("xai", "grok-4.6")],
)
def test_models_that_always_reason(host: str, model: str | None) -> None:
    assert "always reasons" in refused(model, host=host, reasoning_effort="none")


def test_the_word_of_openrouter_stands_in_an_object() -> None:
    assert fields("m", host="openrouter", reasoning_effort=False) == {"reasoning": {"effort": "none"}}


# --- DeepSeek, which thinks until it is told not to -------------------------------------------------------------------


def test_deepseek_is_told_not_to_think() -> None:
    assert fields(None, host="deepseek", reasoning_effort="none") == {"thinking": {"type": "disabled"}}
    assert fields(None, host="deepseek", reasoning_effort="xhigh") == {"reasoning_effort": "xhigh"}


def test_what_has_no_effect_while_deepseek_thinks() -> None:
    given = {"temperature": 0.5, "frequency_penalty": 1, "top_p": 0.5, "stop": "a"}
    wire, told = body(None, host="deepseek", **given)
    assert (wire["top_p"], wire["stop"]) == (0.5, "a")
    assert told == [
        "deepseek does not take temperature, frequency_penalty (without effect while the model thinks): not sent"
    ]
    assert fields(None, host="deepseek", reasoning_effort="none", **given)["temperature"] == 0.5
    thinking = {"thinking": {"type": "disabled"}}
    assert fields(None, host="deepseek", extra=thinking, **given) == {**given, **thinking}


@pytest.mark.parametrize("choice", ["required", "f", {"type": "function", "function": {"name": "f"}}])
def test_deepseek_forces_no_tool_while_it_thinks(choice: Any) -> None:
    tools = {"tools": [{"name": "f", "parameters": SCHEMA}], "tool_choice": choice}
    assert "add reasoning_effort='none'" in refused(None, host="deepseek", **tools)
    assert "tool_choice" in fields(None, host="deepseek", reasoning_effort="none", **tools)
    assert fields(None, host="deepseek", **{**tools, "tool_choice": "auto"})["tool_choice"] == "auto"


def test_deepseek_takes_no_schema() -> None:
    assert "deepseek takes no JSON Schema" in refused(None, host="deepseek", response_format=SCHEMA)
    json_object = {"type": "json_object"}
    assert fields(None, host="deepseek", response_format=json_object) == {"response_format": json_object}


# --- others -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({"logprobs": True}, 1),
        ({"top_logprobs": 5}, 5),
        ({"logprobs": True, "top_logprobs": 5}, 5),
        ({"logprobs": False}, 0),
    ],
)
def test_together_counts_logprobs(options: dict[str, Any], number: int) -> None:
    wire = fields("m", host="together", **options)
    assert wire == {"logprobs": number}
    assert type(wire["logprobs"]) is int


def test_llama_cpp_takes_a_named_tool_if_it_is_the_only_one() -> None:
    f, g = {"name": "f"}, {"name": "g"}
    assert fields("m", host="llama_cpp", tools=[f], tool_choice="f")["tool_choice"] == "required"
    assert "llama_cpp forces no certain tool" in refused("m", host="llama_cpp", tools=[f, g], tool_choice="f")


def test_formats_and_choices_of_a_hosts_own() -> None:
    for options in ({"response_format": {"type": "grammar", "grammar": "a"}}, {"tool_choice": {"type": "own"}}):
        assert fields("m", host="fireworks", **options) == options
    flat = {"type": "json_schema", "name": "n", "schema": SCHEMA}
    wire = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    assert fields("m", host="fireworks", response_format=flat) == {"response_format": wire}


SEARCH = {"type": "web_search_20250305", "name": "web_search"}
CUSTOM = {"type": "custom", "custom": {"name": "sql"}}


@pytest.mark.parametrize("host", ["groq", "vllm", "mistral", "huggingface", "openrouter"])
def test_tools_and_choices_of_other_wires(host: str) -> None:
    for tool in (SEARCH, CUSTOM, {"type": "custom", "name": "sql"}, {"googleSearch": {}}, {"type": "mcp_toolset"}):
        assert f"{host} has no tool of the kind" in refused("m", host=host, tools=[tool])
    for choice in (
        {"type": "auto", "disable_parallel_tool_use": True},
        {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        {"type": "custom", "name": "sql"},
    ):
        assert f"{host} has no such tool_choice" in refused("m", host=host, tools=[{"name": "f"}], tool_choice=choice)
    own = {"type": "web_search"}
    assert fields("m", host=host, tools=[own]) == {"tools": [own]}


def test_custom_tools_of_openais_models_behind_a_gateway() -> None:
    assert fields("gpt-5.4", base_url=ELSEWHERE, tools=[CUSTOM]) == {"tools": [CUSTOM]}
    assert "no tool of the kind 'custom'" in refused("m", base_url=ELSEWHERE, tools=[CUSTOM])


def test_strict_schemas_have_optional_fields_but_at_openai_and_its_like() -> None:
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    fit = {**loose, "required": ["a"], "additionalProperties": False}
    asked = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": loose}}
    for host, model, schema in (
        ("openai", "gpt-5.4", fit), ("groq", "m", fit), ("openrouter", "openai/gpt-5.4", fit),
        ("openrouter", "qwen/qwen3", loose), ("vllm", "m", loose), ("mistral", "m", loose), ("cerebras", "m", loose),
    ):  # fmt: skip
        wire = fields(model, host=host, tools=[{"name": "f", "strict": True, "parameters": loose}])
        assert wire["tools"][0]["function"] == {"name": "f", "strict": True, "parameters": schema}
        assert fields(model, host=host, response_format=asked)["response_format"]["json_schema"]["schema"] == schema


def test_a_choice_among_allowed_tools_forces_none() -> None:
    f = {"type": "function", "function": {"name": "f"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [f]}}
    wire = fields(None, host="deepseek", tools=[{"name": "f"}], tool_choice=choice)
    assert wire["tool_choice"] == choice
    choice["allowed_tools"] = {"mode": "required", "tools": [f]}
    assert "forces no tool" in refused(None, host="deepseek", tools=[{"name": "f"}], tool_choice=choice)


@pytest.mark.parametrize(
    ("host", "option", "known", "unknown"),
    [
        ("groq", "service_tier", "performance", "priority"),
        ("cerebras", "service_tier", "priority", "scale"),
        ("fireworks", "service_tier", "priority", "scale"),
        ("vllm", "reasoning_effort", "max", "ultra"),
    ],
)
def test_words_of_a_host(host: str, option: str, known: str, unknown: str) -> None:
    assert fields("m", host=host, **{option: known}) == {option: known}
    assert f"has no {option} '{unknown}'" in refused("m", host=host, **{option: unknown})


def test_the_most_logprobs_of_fireworks() -> None:
    assert fields("m", host="fireworks", top_logprobs=5)["top_logprobs"] == 5
    assert "fireworks has top_logprobs from 0 to 5, not 6" in refused("m", host="fireworks", top_logprobs=6)
