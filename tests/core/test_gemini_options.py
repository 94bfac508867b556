"""Options of Gemini's wire, as each model takes them."""

import json
from functools import partial
from typing import Any

import dialect_harness
import pytest
from dialect_harness import AS_SCHEMA, SCHEMA, WEATHER, sent

from sansio_core import ChatRequest, OptionIgnored, providers

told = partial(dialect_harness.told, "gemini", "Hello")
refused = partial(dialect_harness.refused, "gemini", "Hello")
NOW = {"name": "now"}
SEARCH: dict[str, Any] = {"googleSearch": {}}


def config(**options: Any) -> dict[str, Any]:
    """The generationConfig of a question."""
    found: dict[str, Any] = sent("gemini", "Hello", **options).get("generationConfig", {})
    return found


def test_options_have_their_own_names_here() -> None:
    payload = sent(
        "gemini",
        "Hello",
        model="gemini-next",
        temperature=0.1,
        top_p=0.2,
        top_k=3,
        max_tokens=9,
        stop="END",
        seed=7,
        n=2,
        presence_penalty=0.3,
        frequency_penalty=0.4,
        top_logprobs=5,
        store=False,
        service_tier="flex",
        response_format=AS_SCHEMA,
        tools=[WEATHER, SEARCH, {"function": NOW}],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        extra={"safetySettings": [], "generationConfig": {"mediaResolution": "LOW"}},
    )
    del payload["contents"]
    weather = {"type": "object", "properties": {"place": {"type": "string"}}}
    assert payload == {
        "generationConfig": {
            "temperature": 0.1,
            "topP": 0.2,
            "topK": 3,
            "maxOutputTokens": 9,
            "stopSequences": ["END"],
            "seed": 7,
            "candidateCount": 2,
            "presencePenalty": 0.3,
            "frequencyPenalty": 0.4,
            "responseLogprobs": True,
            "logprobs": 5,
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
            "mediaResolution": "LOW",
        },
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "weather", "description": "The weather of a place", "parametersJsonSchema": weather},
                    NOW,
                ]
            },
            SEARCH,
        ],
        "toolConfig": {
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]},
            "includeServerSideToolInvocations": True,
        },
        "safetySettings": [],
        "serviceTier": "flex",
        "store": False,
    }


# --- reasoning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-2.5-flash", "low", 1024),
        ("gemini-2.5-flash", "max", 24576),
        ("gemini-2.5-flash", 1, 1),
        ("gemini-2.5-flash", -1, -1),
        ("gemini-2.5-flash", "none", 0),
        ("gemini-2.5-flash", False, 0),
        ("gemini-2.5-pro", "max", 32768),
        ("gemini-2.5-flash-lite", 512, 512),
        ("gemini-1.5-pro", "high", 24576),
        ("gemini-3.1-flash-lite", "minimal", "MINIMAL"),
        ("gemini-3.1-flash-lite", "max", "HIGH"),
        ("gemini-3.1-flash-lite", True, "MEDIUM"),
        ("gemini-3.1-flash-lite", 512, "LOW"),  # a budget is an error beside a level, and alone from Gemini 4 on
        ("models/gemini-3.8-flash", "minimal", "LOW"),
        ("gemini-3-pro-preview", "medium", "LOW"),
        ("gemini-3-pro-image", "low", "HIGH"),
        ("gemini-4-argon", "xhigh", "HIGH"),
        ("gemini-4-neon", "max", "XHIGH"),
        ("gemini-flash-latest", "minimal", "LOW"),
        # of models that are not known, whatever they take
        ("gemini-9", "minimal", "MINIMAL"),
        ("gemini-9", "max", "XHIGH"),
        ("gemini-9", 300, 300),
        ("gemini-9", -1, -1),
        ("gemini-9", "none", 0),
        ("gemini-9", 0, 0),
        ("gemini-robotics-er-2", "low", "LOW"),
    ],
)
def test_reasoning_effort(model: str, effort: Any, expected: str | int) -> None:
    thinking: dict[str, Any] = (
        {"thinkingLevel": expected} if isinstance(expected, str) else {"thinkingBudget": expected}
    )
    if expected:
        thinking["includeThoughts"] = True
    assert config(model=model, reasoning_effort=effort) == {"thinkingConfig": thinking}


@pytest.mark.parametrize(
    ("model", "effort", "message"),
    [
        (None, "extreme", "known are minimal, low, medium, high"),
        (None, -1, "known are minimal, low, medium, high"),
        (None, "none", "always reasons: reasoning_effort is one of minimal, low, medium, high"),
        ("gemini-4-neon", 0, "always reasons: reasoning_effort is one of low, medium, high, xhigh"),
        ("gemini-3.1-pro-preview", "none", "always reasons"),
        ("gemini-2.5-pro", "none", "always reasons: reasoning_effort is a word, or 128 tokens or more"),
        ("gemini-2.5-pro", 127, "128 to 32768 tokens, not 127"),
        ("gemini-2.5-flash", 24577, "1 to 24576 tokens"),
        ("gemini-2.5-flash", -2, "1 to 24576 tokens, not -2"),
        ("gemini-2.5-flash-image", "low", "does not reason: leave out reasoning_effort"),
        ("gemini-2.5-flash-image", "hihg", "does not reason: leave out reasoning_effort"),
        ("gemini-9", "extreme", "known are"),
    ],
)
def test_an_effort_that_the_model_does_not_take(model: str | None, effort: Any, message: str) -> None:
    assert message in refused(model=model, reasoning_effort=effort)


def test_what_never_reasons_need_not_be_told() -> None:
    assert config(model="gemini-2.5-flash-image", reasoning_effort="none") == {}


# --- hints, and options that change what is asked --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "options", "lost", "kept"),
    [
        (
            "gemini-3.8-flash",
            {"temperature": 0, "top_k": 1, "seed": 1},
            "temperature, top_k (gemini-3.8-flash ignores samplers)",
            {"seed": 1},
        ),
        (
            None,
            {"temperature": 0, "presence_penalty": 0.5, "frequency_penalty": 0},
            "presence_penalty (gemini-3.1-flash-lite takes no penalties)",
            {"temperature": 0, "frequencyPenalty": 0},
        ),
        (
            "gemini-4-neon",
            {"top_p": 1, "presence_penalty": 1},
            "top_p (gemini-4-neon ignores samplers) and presence_penalty (gemini-4-neon takes no penalties)",
            {},
        ),
    ],
)
def test_hints_that_a_model_has_no_use_for(
    model: str | None, options: dict[str, Any], lost: str, kept: dict[str, Any]
) -> None:
    assert told(model=model, **options) == lost
    with pytest.warns(OptionIgnored):
        call = providers.create("gemini", api_key="k").begin(ChatRequest("Hello", model=model, **options), lambda: 0.5)
    assert json.loads(call.request().body).get("generationConfig", {}) == kept


def test_the_same_hints_to_a_model_that_is_not_known() -> None:
    assert config(model="gemini-9", temperature=0, presence_penalty=1, n=2) == {
        "temperature": 0,
        "presencePenalty": 1,
        "candidateCount": 2,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 2}, "gemini-3.1-flash-lite gives one answer to a question: leave out n, and ask 2 times"),
        ({"max_tokens": 65_537}, "writes at most 65536 tokens"),
        ({"service_tier": "default"}, "no service_tier 'default'; known are standard, flex, priority"),
        ({"top_logprobs": 21}, "0 to 20 top_logprobs, not 21"),
        ({"response_format": {"responseMimeType": "text/html"}}, "known are text/plain, application/json, text/x.enum"),
    ],
)
def test_options_that_cannot_be_sent(options: dict[str, Any], message: str) -> None:
    assert message in refused(**options)


def test_one_answer_is_what_all_models_give_and_a_long_one_comes_in_turns() -> None:
    assert config(n=1, model="gemini-4-neon", max_tokens=200_000) == {"candidateCount": 1, "maxOutputTokens": 200_000}
    assert config(n=2, model="gemini-2.5-flash") == {"candidateCount": 2}


# --- answers in JSON -------------------------------------------------------------------------------------------------

JSON = "application/json"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": "text"}, {}),
        ({"type": "json_object"}, {"responseMimeType": JSON}),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "description": "A place.", "schema": SCHEMA}},
            {"responseMimeType": JSON, "responseJsonSchema": {**SCHEMA, "description": "A place."}},
        ),
        (
            {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}},
            {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}},
        ),
    ],
)
def test_response_formats(wanted: Any, expected: dict[str, Any]) -> None:
    assert config(response_format=wanted) == expected


def test_a_schema_is_made_fit_and_the_users_stays_as_it_was() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"const": "a"},
            "size": {"const": 2, "type": "number"},
            "sure": {"const": True},
            "place": {"$ref": "#/$defs/Place", "description": "Where."},
            "bare": {"$ref": "#/$defs/Place"},
        },
        "additionalProperties": {"const": 1.5},
        "$defs": {"Place": {"type": "string"}},
    }
    before = repr(schema)
    fit = config(response_format=schema)["responseJsonSchema"]
    assert fit["properties"] == {
        "kind": {"enum": ["a"], "type": "string"},
        "size": {"enum": [2], "type": "number"},
        "sure": {"const": True},
        "place": {"anyOf": [{"$ref": "#/$defs/Place"}], "description": "Where."},
        "bare": {"$ref": "#/$defs/Place"},
    }
    assert fit["additionalProperties"] == {"enum": [1.5], "type": "number"}
    assert repr(schema) == before
    assert sent("gemini", "?", tools=[{"name": "f", "parameters": schema}])["tools"] == [
        {"functionDeclarations": [{"name": "f", "parametersJsonSchema": fit}]}
    ]
