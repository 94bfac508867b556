"""Tools, choices and formats in any vendor's form, as the common form that they mean; and what wires' bodies share."""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import InvalidRequest, ToolCall
from sansio_core.dialects.forms import (
    Format,
    Function,
    arguments_of,
    cache_mark,
    check_max_tokens,
    choice_of,
    format_of,
    function_fields,
    is_cut,
    json_schema,
    one_of,
    put_options,
    stop_of,
    tools_of,
    with_extra,
)
from sansio_core.model_facts import ModelFacts

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
MARK = {"type": "ephemeral"}


def function(**fields: Any) -> Function:
    common: dict[str, Any] = dict.fromkeys(Function._fields)
    return Function(**{**common, "name": "f", "parameters": {}, "others": {}, **fields})


# --- tools -----------------------------------------------------------------------------------------------------------

NAMED = {"name": "f", "description": "d"}


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        # OpenAI chat, and with fields beside the function
        ({"type": "function", "function": {**NAMED, "parameters": SCHEMA, "strict": True}},
         [function(description="d", parameters=SCHEMA, strict=True)]),
        ({"function": {"name": "f"}}, [function()]),
        ({"type": "function", "function": {"name": "f"}, "cache_control": MARK}, [function(cache_control=MARK)]),
        ({"type": "function", "function": {"name": "f"}, "strict": False, "more": 1},
         [function(strict=False, others={"more": 1})]),
        # OpenAI Responses
        ({"type": "function", **NAMED, "parameters": SCHEMA, "strict": None},
         [function(description="d", parameters=SCHEMA)]),
        # Anthropic
        ({**NAMED, "input_schema": SCHEMA, "cache_control": MARK},
         [function(description="d", parameters=SCHEMA, cache_control=MARK)]),
        ({"type": "custom", "name": "f", "input_schema": SCHEMA, "defer_loading": True},
         [function(parameters=SCHEMA, others={"defer_loading": True})]),
        # Gemini, in either way to write it
        ({"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}, {"name": "g"}]},
         [function(parameters=SCHEMA), function(name="g")]),
        ({"function_declarations": [{"name": "f", "parameters_json_schema": SCHEMA}]}, [function(parameters=SCHEMA)]),
        # the Model Context Protocol; and the function alone
        ({**NAMED, "inputSchema": SCHEMA, "annotations": {"title": "F"}},
         [function(description="d", parameters=SCHEMA, others={"annotations": {"title": "F"}})]),
        ({"name": "f", "parameters": None, "description": None}, [function()]),
        (MappingProxyType({"name": "f"}), [function()]),
        # a vendor's own kinds
        *((tool, [tool]) for tool in (
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
            {"type": "custom", "name": "f", "format": {"type": "text"}},
            {"type": "web_search"},
            {"googleSearch": {}},
            {"functionDeclarations": [{"name": "f"}], "googleSearch": {}},
            {},
        )),
    ],
)  # fmt: skip
def test_a_tool(tool: Any, expected: list[Any]) -> None:
    assert tools_of([tool]) == expected
    assert tools_of(iter([tool, {"name": "last"}])) == [*expected, function(name="last")]


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (5, "tools must be a list, not int"),
        ("f", "tools must be a list, not str"),
        ({"name": "f"}, "tools must be a list, not dict"),
        ([5], "a tool must be a function or a mapping: .*, not 5"),
        ([print], "a tool must be a function or a mapping"),
        ([{"name": ""}], "a tool must be a function or a mapping: .*; one has no name"),
        ([{"type": "function", "function": {}}], "one has no name"),
        ([{"functionDeclarations": [5]}], "one has no name"),
        ([{"name": "f", "parameters": 5}], "the parameters of the tool 'f' must be a JSON Schema, not 5"),
        ([{"name": "f", "description": 5}], "the description of the tool 'f' must be a str"),
        ([{"name": "f", "strict": "yes"}], "the strict of the tool 'f' must be a bool"),
    ],
)
def test_what_is_no_tool(tools: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        tools_of(tools)


def test_openais_form_of_tools() -> None:
    whole = function(description="d", parameters=SCHEMA, strict=False, cache_control=MARK)
    assert function_fields(whole) == {"name": "f", "description": "d", "parameters": SCHEMA, "strict": False}
    assert function_fields(function()) == {"name": "f"}


# --- tool_choice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "mode", "name"),
    [
        ("auto", "auto", None),
        ("none", "none", None),
        ("required", "required", None),
        ("any", "required", None),
        ("f", "tool", "f"),
        ({"type": "function", "function": {"name": "f"}}, "tool", "f"),
        ({"function": {"name": "f"}}, "tool", "f"),
        ({"type": "function", "name": "f"}, "tool", "f"),
        ({"type": "tool", "name": "f"}, "tool", "f"),
        ({"type": "auto"}, "auto", None),
        ({"type": "any"}, "required", None),
        ({"type": "none"}, "none", None),
        ({"functionCallingConfig": {"mode": "AUTO"}}, "auto", None),
        ({"functionCallingConfig": {"mode": "ANY"}}, "required", None),
        ({"functionCallingConfig": {"mode": "NONE"}}, "none", None),
        ({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}, "tool", "f"),
        # a wire's own
        *((own, "", None) for own in (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
            {"type": "allowed_tools", "mode": "auto", "tools": []},
            {"type": "web_search"},
            {"type": ["auto"]},
            {"type": "tool", "function": {"name": 5}},
            {"functionCallingConfig": {"mode": "VALIDATED"}},
            {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}},
            {"functionCallingConfig": {"mode": "ANY"}, "includeServerSideToolInvocations": True},
            {},
        )),
    ],
)  # fmt: skip
def test_a_choice(choice: Any, mode: str, name: str | None) -> None:
    assert choice_of(choice) == (mode, name)


@pytest.mark.parametrize("choice", ["", None, 5, True, ["f"], b"auto"])
def test_what_is_no_choice(choice: Any) -> None:
    with pytest.raises(InvalidRequest, match="tool_choice must be 'auto', 'none', 'required', a tool's name or"):
        choice_of(choice)


# --- response_format -------------------------------------------------------------------------------------------------

CLOSED = {**SCHEMA, "additionalProperties": False, "title": "My Answer!"}


@pytest.mark.parametrize(
    ("given_format", "expected"),
    [
        (None, Format("text")),
        ({"type": "text"}, Format("text")),
        ({"type": "json_object"}, Format("json")),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True, "description": "d"}},
            Format("schema", SCHEMA, "n", True, "d"),
        ),
        ({"type": "json_schema", "json_schema": {"schema": SCHEMA}}, Format("schema", SCHEMA)),
        ({"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": False}, Format("schema", SCHEMA, "n", False)),
        ({"type": "json_schema", "schema": SCHEMA}, Format("schema", SCHEMA)),
        (SCHEMA, Format("schema", SCHEMA)),
        (CLOSED, Format("schema", CLOSED, "My_Answer_", True)),
        ({"anyOf": [SCHEMA]}, Format("schema", {"anyOf": [SCHEMA]})),
        ({"type": "json_schema", "json_schema": {"name": "ä" * 70, "schema": {}}}, Format("schema", {}, "_" * 64)),
    ],
)
def test_a_format(given_format: Any, expected: Format) -> None:
    assert format_of(given_format) == expected


@pytest.mark.parametrize(
    "wrong",
    [5, "json", [], {}, {"type": "json"}, {"type": "json_schema"},
     {"type": "json_schema", "json_schema": {"name": "n"}}, {"type": "json_schema", "properties": {}},
     {"type": "object"}, dict],
)  # fmt: skip
def test_what_is_no_format(wrong: Any) -> None:
    with pytest.raises(InvalidRequest, match="response_format must be a class with fields, a JSON Schema"):
        format_of(wrong)


def test_openais_fields_of_a_format() -> None:
    assert json_schema(Format("schema", SCHEMA)) == {"name": "answer", "schema": SCHEMA}
    full = Format("schema", SCHEMA, "n", False, "d")
    assert json_schema(full) == {"name": "n", "schema": SCHEMA, "strict": False, "description": "d"}


# --- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "arguments", "cut"),
    [
        (ToolCall(None, "f", '{"a": 1}'), {"a": 1}, False),
        (ToolCall(None, "f"), {}, False),
        (ToolCall(None, "f", '{"a": [1, {"b": "x'), {"a": [1, {"b": "x"}]}, True),
        (ToolCall(None, "f", " {"), {}, True),
        (ToolCall(None, "f", "ls -l", custom=True), {"input": "ls -l"}, False),
        (ToolCall(None, "f", '{"a', custom=True), {"input": '{"a'}, False),
    ],
)
def test_the_arguments_of_a_call(call: ToolCall, arguments: Any, cut: bool) -> None:
    assert is_cut(call) is cut
    assert arguments_of(call) == arguments


@pytest.mark.parametrize("text", ["[1]", "5", "null", '"a"', "no", '[{"a"'])
def test_arguments_that_are_no_object(text: str) -> None:
    call = ToolCall(None, "f", text)
    assert not is_cut(call)
    with pytest.raises(InvalidRequest, match="the arguments of the tool call 'f'"):
        arguments_of(call)


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (None, None), (False, None), ({}, None), (True, MARK), (MARK, MARK),
        ({**MARK, "ttl": "1h"}, {**MARK, "ttl": "1h"}), (MappingProxyType(MARK), MARK),
    ],
)  # fmt: skip
def test_a_cache_mark(mark: Any, expected: Any) -> None:
    assert cache_mark(mark) == expected


@pytest.mark.parametrize("mark", ["ephemeral", 5, {"type": "persistent"}, {"ttl": "5m"}, {**MARK, "more": 1}])
def test_what_is_no_cache_mark(mark: Any) -> None:
    with pytest.raises(InvalidRequest, match="cache_control must be True or"):
        cache_mark(mark)


def test_small_things() -> None:
    facts = ModelFacts("m", "s", "2026-11-22", output=10)
    check_max_tokens({"max_tokens": 10}, facts)
    check_max_tokens({"max_tokens": 11}, None)
    check_max_tokens({}, facts)
    with pytest.raises(InvalidRequest, match="m writes at most 10 tokens: max_tokens is too large"):
        check_max_tokens({"max_tokens": 11}, facts)
    assert one_of("verbosity", "low", ("low", "high"), "m") == "low"
    with pytest.raises(InvalidRequest, match=r"m has no verbosity 'lwo'.*known are low, high"):
        one_of("verbosity", "lwo", ("low", "high"), "m")
    assert (stop_of("a"), stop_of(("a", "b")), stop_of([])) == (["a"], ["a", "b"], [])
    for wrong in (5, {"a": 1}, b"a", ["a", None]):
        with pytest.raises(InvalidRequest, match="stop must be a"):
            stop_of(wrong)
    for empty in ("", ["a", ""]):
        with pytest.raises(InvalidRequest, match="stop has an empty text, at which no answer can end: leave it out"):
            stop_of(empty)


def test_options_in_a_body() -> None:
    wire: dict[str, Any] = {}
    put_options(wire, {"a": 1, "b": 2, "c": 3}, {"b": "x.y", "a": "x.z", "d": "d"}, {"b": str})
    assert wire == {"x": {"y": "2", "z": 1}}
    assert with_extra(wire, {"extra": {"x": {"z": None}, "w": 5}}) == {"x": {"y": "2", "z": None}, "w": 5}
    assert with_extra({"a": 1}, {}) == {"a": 1}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["auto", "function", "json_schema"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["type", "name", "function", "parameters", "input_schema", "functionDeclarations", "functionCallingConfig", "mode",
     "allowedFunctionNames", "json_schema", "schema", "strict", "description", "properties", "title"]
)  # fmt: skip
INNER = st.dictionaries(NAMES, JSON, max_size=4)


@given(st.dictionaries(NAMES, JSON | INNER | st.lists(INNER, max_size=2), max_size=4) | JSON)
def test_anything_is_understood_or_refused(value: Any) -> None:
    for read in (tools_of, choice_of, format_of, stop_of, cache_mark, lambda it: tools_of([it])):
        with suppress(InvalidRequest):
            read(value)  # type: ignore[operator]
