"""Tools and tool_choice on Gemini's wire."""

from functools import partial
from typing import Any

import dialect_harness
import pytest
from dialect_harness import SCHEMA, sent

told = partial(dialect_harness.told, "gemini", "Hello")
refused = partial(dialect_harness.refused, "gemini", "Hello")
FUNCTION = {"name": "weather", "parameters": SCHEMA}
NOW = {"name": "now"}
SEARCH: dict[str, Any] = {"googleSearch": {}}


def calling(choice: Any, *tools: Any) -> dict[str, Any]:
    found: dict[str, Any] = sent("gemini", "Hello", tools=tools or [FUNCTION, NOW], tool_choice=choice)["toolConfig"]
    return found


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([], []),
        ([{"codeExecution": {}}, SEARCH], [{"codeExecution": {}}, SEARCH]),
        ([{"functionDeclarations": [NOW]}, FUNCTION], None),
        ([{"functionDeclarations": [NOW], "googleSearch": {}}], [{"functionDeclarations": [NOW]}, SEARCH]),
        (
            [
                {
                    "functionDeclarations": [
                        {"name": "f", "parameters": {"type": "OBJECT"}, "response": {"type": "STRING"}}
                    ]
                }
            ],
            [
                {
                    "functionDeclarations": [
                        {"name": "f", "parameters": {"type": "OBJECT"}, "response": {"type": "STRING"}}
                    ]
                }
            ],
        ),
    ],
)
def test_tools(tools: list[Any], expected: list[Any] | None) -> None:
    weather = {"name": "weather", "parametersJsonSchema": SCHEMA}
    both = [{"functionDeclarations": [NOW, weather]}]
    assert sent("gemini", "Hello", tools=tools)["tools"] == (both if expected is None else expected)


@pytest.mark.parametrize(
    ("model", "tools", "options", "message"),
    [
        (None, [{"type": "web_search"}], {}, "gemini has no tool 'web_search'; known are functions and googleSearch"),
        (None, [{"type": "custom", "name": "sql"}], {}, "extra={'tools': […]} sends anything as it is"),
        (None, [{"google_search": {}}], {}, "did you mean 'googleSearch'?"),
        (None, [{"functionDeclarations": 5, "googleSearch": {}}], {}, "functionDeclarations must be a list"),
        ("gemini-2.5-flash", [FUNCTION, SEARCH], {}, "takes functions or Google's tools (googleSearch), not both"),
        ("gemini-2.5-pro", [FUNCTION], {"response_format": SCHEMA}, "takes functions or a response_format, not both"),
        ("gemini-3-pro-image", [FUNCTION], {}, "gemini-3-pro-image takes no functions"),
    ],
)
def test_tools_that_cannot_be_sent(model: str | None, tools: list[Any], options: dict[str, Any], message: str) -> None:
    assert message in refused(model=model, tools=tools, **options)


def test_tools_that_are_not_mixed_stand_beside_other_answers() -> None:
    old = {"model": "gemini-2.5-flash"}
    assert "toolConfig" not in sent("gemini", "?", tools=[SEARCH], response_format=SCHEMA, **old)
    assert "toolConfig" not in sent("gemini", "?", tools=[FUNCTION], response_format={"type": "text"}, **old)
    assert "toolConfig" not in sent("gemini", "?", tools=[FUNCTION], response_format=SCHEMA)
    assert "toolConfig" not in sent("gemini", "?", tools=[FUNCTION, SEARCH], model="gemini-1.5-pro")
    assert sent("gemini", "?", tools=[SEARCH], model="gemini-3-pro-image")["tools"] == [SEARCH]


def test_what_of_a_function_has_no_field_is_told() -> None:
    marked = {**FUNCTION, "cache_control": {"type": "ephemeral"}, "returns": {}, "version": 2}
    lost = "cache_control of tools and the field returns of tools and the field version of tools"
    assert told(tools=[marked, {**marked, "name": "b"}]) == lost


OF_TYPE = {"type": "function"}
ALLOWED = {"mode": "auto", "tools": [{**OF_TYPE, "name": "weather"}]}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("now", {"mode": "ANY", "allowedFunctionNames": ["now"]}),
        ({"type": "tool", "name": "now"}, {"mode": "ANY", "allowedFunctionNames": ["now"]}),
        ({"type": "allowed_tools", **ALLOWED}, {"mode": "VALIDATED", "allowedFunctionNames": ["weather"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"function": NOW, **OF_TYPE}]}},
            {"mode": "ANY", "allowedFunctionNames": ["now"]},
        ),
        (
            {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ("now", "weather")}},
            {"mode": "ANY", "allowedFunctionNames": ["now", "weather"]},
        ),
        ({"functionCallingConfig": {"mode": "VALIDATED"}}, {"mode": "VALIDATED"}),
    ],
)  # fmt: skip
def test_tool_choice(choice: Any, expected: dict[str, Any]) -> None:
    assert calling(choice) == {"functionCallingConfig": expected}


def test_other_settings_of_tools_need_no_function() -> None:
    assert calling({"retrievalConfig": {"languageCode": "en"}}, SEARCH) == {"retrievalConfig": {"languageCode": "en"}}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("wether", "tools has no function 'wether' (did you mean 'weather'?); known are weather, now"),
        ({"functionCallingConfig": {"mode": "SOME"}}, "known are AUTO, ANY, NONE, VALIDATED"),
        ({"functionCallingConfig": {"modes": 1}}, "functionCallingConfig has no field 'modes'"),
        ({"functionCallingConfig": "ANY"}, "functionCallingConfig must be a mapping"),
        ({"type": "auto", "disable_parallel_tool_use": True}, "extra={'toolConfig': …} sends anything as it is"),
        ({"type": "allowed_tools", **ALLOWED, "mode": "any"}, "allowed_tools has no mode 'any'"),
        ({"type": "allowed_tools", **ALLOWED, "tools": [SEARCH]}, "allows functions alone"),
        ({}, "gemini's tool_choice must be 'auto'"),
    ],
)
def test_a_tool_choice_that_cannot_be_sent(choice: Any, message: str) -> None:
    assert message in refused(tools=[FUNCTION, NOW], tool_choice=choice)


def test_a_choice_needs_functions_to_choose_from() -> None:
    lost = "tool_choice (it is about functions, and tools has none)"
    assert told(tool_choice="auto") == lost
    assert told(tool_choice="none", tools=[SEARCH]) == lost
    for choice in ("required", "weather", {"type": "allowed_tools", **ALLOWED}):
        assert "tools has no function: give one" in refused(tool_choice=choice, tools=[SEARCH])
    extra = {"tools": [{"functionDeclarations": [NOW]}]}
    assert sent("gemini", "?", tool_choice="now", extra=extra) == {
        **sent("gemini", "?"),
        **extra,
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["now"]}},
    }


@pytest.mark.parametrize(
    ("choice", "mode"), [(None, "VALIDATED"), ("auto", "VALIDATED"), ("required", "ANY"), ("none", "NONE")]
)
def test_a_strict_function_asks_for_valid_calls(choice: str | None, mode: str) -> None:
    strict = {**FUNCTION, "strict": True}
    wire = sent("gemini", "?", tools=[NOW, strict], tool_choice=choice)
    assert wire["toolConfig"] == {"functionCallingConfig": {"mode": mode}}
    assert "strict" not in wire["tools"][0]["functionDeclarations"][1]
    assert "toolConfig" not in sent("gemini", "?", tools=[{**FUNCTION, "strict": False}])
