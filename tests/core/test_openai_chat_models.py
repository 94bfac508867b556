"""What a model of OpenAI's takes on Chat Completions: what is sent, what is named as not sent, what is refused."""

from __future__ import annotations

import json
import warnings
from types import MappingProxyType
from typing import Any

import pytest
from dialect_harness import SCHEMA, sent

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, providers

F: dict[str, Any] = {"name": "f", "parameters": SCHEMA}
TOOL = {"type": "function", "function": F}
ELSEWHERE = "http://127.0.0.1:1"


def body(model: str | None, messages: Any = "Hi", *, host: str = "openai", **options: Any) -> tuple[Any, list[str]]:
    """What is sent of the options, and what is told of the others."""
    config = {"base_url": options.pop("base_url")} if "base_url" in options else {}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        request = ChatRequest(messages, model=model, **options)
        call = providers.create(host, api_key="k", **config).begin(request, lambda: 0.5)
    wire = json.loads(call.request().body)
    assert all(warning.category is OptionIgnored for warning in told)
    return wire, [str(warning.message) for warning in told]


def fields(model: str | None, **options: Any) -> dict[str, Any]:
    """The options in the body, without a warning."""
    wire, told = body(model, **options)
    assert told == []
    return {
        name: value for name, value in wire.items() if name not in ("model", "messages", "stream", "stream_options")
    }


def refused(model: str | None, **options: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        body(model, **options)
    return str(caught.value)


# --- reasoning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "word"),
    [
        ("gpt-6.2-sol", "max", "xhigh"),  # "max" is one of the Responses endpoint
        ("gpt-6.2-sol", "minimal", "low"),
        ("gpt-5.4", "minimal", "low"),
        ("gpt-5", "minimal", "minimal"),
        ("gpt-5", "xhigh", "high"),
        ("gpt-5.4", True, "medium"),
        ("gpt-5.4", False, "none"),
        ("gpt-5.4", 1024, "low"),
        ("gpt-5.4-mini-2026-03-17", "none", "none"),
        ("a-new-model", "max", "max"),
        ("a-new-model", 0, "none"),
    ],
)
def test_an_effort_is_a_word_of_the_model(model: str, effort: Any, word: str) -> None:
    assert fields(model, reasoning_effort=effort) == {"reasoning_effort": word}


@pytest.mark.parametrize(
    ("model", "effort", "words"),
    [
        ("gpt-6-astra", "none", "gpt-6-astra always reasons: reasoning_effort is one of low, medium, high, xhigh, not"),
        ("gpt-5-mini", 0, "always reasons: reasoning_effort is one of minimal, low, medium, high"),
        ("gpt-4o", "low", "gpt-4o does not reason: leave out reasoning_effort"),
        ("gpt-5.4", "meduim", "did you mean 'medium'"),
        ("a-new-model", "much", "openai has no reasoning_effort 'much'"),
    ],
)
def test_an_effort_that_cannot_be(model: str, effort: Any, words: str) -> None:
    assert words in refused(model, reasoning_effort=effort)


def test_what_does_not_reason_needs_no_word_for_it() -> None:
    wire, told = body("gpt-4o", reasoning_effort="none")
    assert "reasoning_effort" not in wire
    assert told == ["openai does not take reasoning_effort (gpt-4o does not reason): not sent"]


# --- samplers ---------------------------------------------------------------------------------------------------------

SAMPLERS = {
    "temperature": 0.5, "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1, "logit_bias": {"5": 1},
    "logprobs": True, "top_logprobs": 2, "stop": ["END"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "effort"),
    [("gpt-4o", None), ("gpt-5.4", None), ("gpt-5.4", "none"), ("gpt-5.6-sol", "none"), ("a-new-model", "high")],
)
def test_samplers_go_to_models_that_take_them(model: str, effort: str | None) -> None:
    more = {} if effort is None else {"reasoning_effort": effort}
    assert fields(model, **SAMPLERS, **more) == {**SAMPLERS, **more}


@pytest.mark.parametrize(
    ("model", "effort", "why"),
    [
        ("gpt-5.4", "low", "gpt-5.4 takes samplers with reasoning_effort='none' alone"),
        ("gpt-5.6", None, "gpt-5.6 takes samplers with reasoning_effort='none' alone"),
        ("gpt-6-astra", None, "gpt-6-astra takes no samplers"),
        ("gpt-5", "minimal", "gpt-5 takes no samplers"),
        ("o3", None, "o3 takes no samplers"),
    ],
)
def test_samplers_are_left_out_where_they_would_be_refused(model: str, effort: str | None, why: str) -> None:
    wire, told = body(model, **SAMPLERS, reasoning_effort=effort)
    assert not wire.keys() & SAMPLERS.keys()
    assert told == [f"openai does not take {', '.join(SAMPLERS)} ({why}): not sent"]


def test_what_is_said_in_extra_is_not_judged() -> None:
    wire, told = body("gpt-5.6", temperature=0.5, tools=[F], extra={"reasoning_effort": "none"})
    assert (wire["temperature"], wire["reasoning_effort"], wire["tools"], told) == (0.5, "none", [TOOL], [])


@pytest.mark.parametrize(
    ("model", "option", "value"),
    [
        ("o3", "parallel_tool_calls", False),
        ("gpt-4o", "verbosity", "low"),
        ("gpt-5.6-terra", "prompt_cache_retention", "24h"),
    ],
)
def test_other_options_that_a_model_refuses(model: str, option: str, value: Any) -> None:
    wire, told = body(model, **{option: value})
    assert option not in wire
    assert told == [f"openai does not take {option} ({model} does not take it): not sent"]
    assert fields("gpt-5.4", **{option: value}) == {option: value}


# --- tools and endpoints ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort"),
    [("gpt-5.4", None), ("gpt-5.4", "none"), ("gpt-5.6", "none"), ("gpt-5.2", "high"), ("o3", None), ("gpt-4o", None),
     ("a-new-model", "high"), ("gpt-5.9", "high")],
)  # fmt: skip
def test_functions_go_to_models_that_call_them(model: str, effort: str | None) -> None:
    assert fields(model, tools=[F], reasoning_effort=effort)["tools"] == [TOOL]


@pytest.mark.parametrize(
    ("model", "effort", "none"),
    [
        ("gpt-5.4", "low", True),
        ("gpt-5.5", None, True),  # its default reasons
        ("gpt-5.6-terra", "high", True),
        ("gpt-6-luna", None, True),
        ("gpt-6-astra", None, False),
        ("gpt-6.2-astra", "low", False),
    ],
)
def test_functions_are_refused_while_newer_models_reason(model: str, effort: str | None, none: bool) -> None:
    said = refused(model, tools=[F], reasoning_effort=effort)
    assert said.startswith(f"{model} calls no functions on this endpoint")
    assert "use the provider 'openai_responses'" in said
    assert ("reasoning_effort='none'" in said) == none
    # only OpenAI's own host is known to refuse them
    assert fields(model, tools=[F], reasoning_effort=effort, base_url=ELSEWHERE)["tools"] == [TOOL]
    custom = {"type": "custom", "custom": {"name": "sql"}}
    assert fields(model, tools=[custom], reasoning_effort=effort)["tools"] == [custom]


def test_models_of_the_other_endpoint() -> None:
    for model in ("gpt-5.4-pro", "o3-pro", "gpt-5.3-codex"):
        assert refused(model) == f"{model} has the Responses endpoint alone: use the provider 'openai_responses'"
        assert fields(model, base_url=ELSEWHERE) == {}


def test_azure_has_openais_models_and_rules() -> None:
    azure = {"host": "azure_openai", "base_url": "https://res.openai.azure.com"}
    assert "always reasons" in refused("gpt-6-astra", reasoning_effort="none", **azure)
    assert "calls no functions" in refused("gpt-5.4", tools=[F], reasoning_effort="low", **azure)
    assert fields("my-deployment", temperature=0.5, tools=[F], **azure)["temperature"] == 0.5


def test_no_more_tokens_than_the_model_writes() -> None:
    assert fields("gpt-4o", max_tokens=16_384) == {"max_completion_tokens": 16_384}
    assert refused("gpt-4o", max_tokens=16_385) == "gpt-4o writes at most 16384 tokens: max_tokens is too large"


def test_a_model_without_schemas() -> None:
    assert "gpt-audio takes no JSON Schema" in refused("gpt-audio", response_format=SCHEMA)


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("service_tier", "prioity", "did you mean 'priority'"),
        ("verbosity", "loud", "openai has no verbosity 'loud'; known are low, medium, high"),
        ("prompt_cache_retention", "1h", "known are in_memory, 24h"),
        ("metadata", {"a": 1}, "16 texts"),
        ("metadata", {5: "a"}, "16 texts"),
        ("metadata", {"a" * 65: "b"}, "names of at most 64"),
        ("metadata", {"a": "b" * 513}, "512 characters"),
        ("metadata", {str(i): "b" for i in range(17)}, "at most 16"),
        ("stop", ["a"] * 5, "at most 4 texts as stop, not 5"),
        ("stop", [5], "stop must be a str"),
        ("stop", {"a": 1}, "or a list of them, not a value of type dict"),
        ("logit_bias", {"5": 0.5}, "must be an int from -100 to 100"),
        ("logit_bias", {"5": 101}, "token '5'"),
        ("top_logprobs", 21, "from 0 to 20"),
        ("response_format", {"type": "grammar"}, "response_format must be"),
        ("tool_choice", {}, "has no such tool_choice"),
    ],
)
def test_values_that_openai_does_not_have(option: str, value: Any, words: str) -> None:
    assert words in refused("gpt-5.4", **{option: value})


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({"service_tier": "fast"}, {"service_tier": "fast"}),
        ({"metadata": {"a" * 64: "b" * 512}}, {"metadata": {"a" * 64: "b" * 512}}),
        ({"stop": "END"}, {"stop": "END"}),
        ({"stop": ("a", "b", "c", "d")}, {"stop": ["a", "b", "c", "d"]}),
        ({"logit_bias": {50256: -100}}, {"logit_bias": {"50256": -100}}),
        ({"logit_bias": MappingProxyType({5: 1})}, {"logit_bias": {"5": 1}}),
        ({"metadata": MappingProxyType({"a": "b"})}, {"metadata": {"a": "b"}}),
        ({"top_logprobs": 20}, {"logprobs": True, "top_logprobs": 20}),
        ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
    ],
)
def test_values_in_openais_form(options: dict[str, Any], wire: dict[str, Any]) -> None:
    assert fields("gpt-4o", **options) == wire


def test_values_of_other_hosts_are_theirs() -> None:
    options = {"service_tier": "flex+", "metadata": {"a": 1}, "verbosity": "loud"}
    assert fields("m", host="openrouter", **options) == options
    assert fields("m", host="xai", reasoning_effort="own word") == {"reasoning_effort": "own word"}


# --- tools, choices and formats ---------------------------------------------------------------------------------------

SQL = {"type": "custom", "custom": {"name": "sql", "description": "Runs it."}}
GRAMMAR = {"syntax": "lark", "definition": "start: /a/"}


@pytest.mark.parametrize(
    ("given", "wire"),
    [
        (SQL, SQL),
        ({"type": "custom", "name": "sql", "description": "Runs it."}, SQL),
        (
            {"type": "custom", "name": "sql", "format": {"type": "grammar", **GRAMMAR}},
            {"type": "custom", "custom": {"name": "sql", "format": {"type": "grammar", "grammar": GRAMMAR}}},
        ),
        (
            {"type": "custom", "name": "sql", "format": {"type": "text"}},
            {"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}},
        ),
        (
            {**F, "strict": True},
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "strict": True,
                    "parameters": {**SCHEMA, "additionalProperties": False, "required": ["n"]},
                },
            },
        ),
        (
            {"name": "now", "strict": True},
            {
                "type": "function",
                "function": {
                    "name": "now",
                    "strict": True,
                    "parameters": {"type": "object", "properties": {}, "additionalProperties": False, "required": []},
                },
            },
        ),
    ],
)
def test_a_tool(given: dict[str, Any], wire: dict[str, Any]) -> None:
    before = json.dumps(given)
    assert sent("openai", "Hi", tools=[given])["tools"] == [wire]
    assert json.dumps(given) == before


def test_what_a_tool_has_besides_is_named() -> None:
    for host in ("openai", "groq"):
        wire, told = body("m", host=host, tools=[{**F, "cache_control": True, "returns": 5}])
        assert wire["tools"] == [TOOL]
        assert told == [f"{host} does not take cache_control of tools and returns of tools: not sent"]
    responses = {"type": "custom", "name": "sql", "description": "Runs it.", "defer_loading": True}
    wire, told = body("m", tools=[responses])
    assert wire["tools"] == [SQL]
    assert told == ["openai does not take defer_loading of tools: not sent"]


def test_another_wires_tool_is_refused_by_its_kind() -> None:
    for tool, kind in (({"type": "web_search"}, "'web_search'"), ({"googleSearch": {}}, "'googleSearch'")):
        said = refused("gpt-4o", tools=[F, tool])
        assert f"openai has no tool of the kind {kind}" in said
        assert "extra={'tools': […]}" in said
    assert fields("gpt-4o", extra={"tools": [{"type": "web_search"}]}) == {"tools": [{"type": "web_search"}]}


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("sql", {"type": "custom", "custom": {"name": "sql"}}),
        ("f", {"type": "function", "function": {"name": "f"}}),
        ({"type": "custom", "name": "sql"}, {"type": "custom", "custom": {"name": "sql"}}),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "x"}]},
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "x"}],
                },
            },
        ),
    ],
)
def test_a_choice_among_tools(choice: Any, wire: Any) -> None:
    assert fields("gpt-4o", tools=[F, SQL], tool_choice=choice)["tool_choice"] == wire
    if isinstance(wire, dict):
        assert fields("gpt-4o", tools=[F, SQL], tool_choice=wire)["tool_choice"] == wire


def test_a_format_keeps_its_name_and_description() -> None:
    given = {"name": "mine", "description": "An n.", "schema": SCHEMA}
    for form in ({"type": "json_schema", "json_schema": given}, {"type": "json_schema", **given}):
        assert fields("gpt-4o", response_format=form) == {
            "response_format": {"type": "json_schema", "json_schema": given}
        }


def test_a_strict_format_is_made_fit() -> None:
    given = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    fit = {**SCHEMA, "additionalProperties": False, "required": ["n"]}
    assert fields("gpt-4o", response_format=given)["response_format"]["json_schema"]["schema"] == fit
    loose = {**given, "json_schema": {"name": "n", "schema": SCHEMA}}
    assert fields("gpt-4o", response_format=loose) == {"response_format": loose}
