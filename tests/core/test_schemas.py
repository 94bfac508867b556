"""JSON Schemas made fit for Claude's structured outputs and strict tools."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sansio_core import InvalidRequest
from sansio_core.dialects.schemas import claude_schema

TEXT = {"type": "string"}
PLACE = {"type": "object", "properties": {"city": TEXT}, "required": ["city"]}
CLOSED = {**PLACE, "additionalProperties": False}
EMPTY = {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "fit"),
    [
        # objects are closed, at every depth; what is optional stays so
        (PLACE, CLOSED),
        ({"properties": {"a": PLACE}}, {"type": "object", "properties": {"a": CLOSED}, "additionalProperties": False}),
        ({"type": "object", "properties": {}}, EMPTY),
        ({"type": "object", "additionalProperties": False}, EMPTY),
        ({**PLACE, "additionalProperties": True}, CLOSED),
        (
            {**PLACE, "additionalProperties": TEXT},
            {**CLOSED, "description": '{additionalProperties: {"type": "string"}}'},
        ),
        ({"type": "array", "items": PLACE}, {"type": "array", "items": CLOSED}),
        ({"type": "array", "items": TEXT, "minItems": 1}, {"type": "array", "items": TEXT, "minItems": 1}),
        (
            {"type": "array", "items": TEXT, "minItems": 2},
            {"type": "array", "items": TEXT, "description": "{minItems: 2}"},
        ),
        # what the API rejects goes into the description
        (
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "A digit."},
            {"type": "integer", "description": "A digit.\n\n{minimum: 1, maximum: 9}"},
        ),
        ({**TEXT, "format": "date"}, {**TEXT, "format": "date"}),
        ({**TEXT, "format": "regex"}, {**TEXT, "description": '{format: "regex"}'}),
        ({**TEXT, "format": ["date"]}, {**TEXT, "description": '{format: ["date"]}'}),
        # words
        ({**TEXT, "enum": ["ä", None]}, {"enum": ["ä", None]}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"enum": ["a", None]}),
        ({"const": 1, "title": "One"}, {"const": 1, "title": "One"}),
        ({"type": "array", "enum": [["a"]]}, {"type": "array", "description": '{enum: [["a"]]}'}),
        ({"type": "array", "const": ["a"]}, {"type": "array", "description": '{const: ["a"]}'}),
        # alternatives
        ({"oneOf": [PLACE, {"type": "null"}]}, {"anyOf": [CLOSED, {"type": "null"}]}),
        ({"anyOf": [TEXT], "oneOf": [TEXT]}, {"anyOf": [TEXT], "description": '{oneOf: [{"type": "string"}]}'}),
        ({"allOf": [PLACE, {"type": "object", "properties": {}}]}, {"allOf": [CLOSED, EMPTY]}),
        (
            {"type": ["string", "integer", "null"], "minLength": 2, "title": "T"},
            {
                "title": "T",
                "anyOf": [
                    {**TEXT, "description": "{minLength: 2}"},
                    {"type": "integer", "description": "{minLength: 2}"},
                    {"type": "null"},
                ],
            },
        ),
        # references: alone as they are, else with what they name in their place
        ({"$ref": "#/$defs/P", "$defs": {"P": PLACE}}, {"$defs": {"P": CLOSED}, "$ref": "#/$defs/P"}),
        (
            {"definitions": {"P": PLACE}, "type": "array", "items": {"$ref": "#/definitions/P"}},
            {"definitions": {"P": CLOSED}, "type": "array", "items": {"$ref": "#/definitions/P"}},
        ),
        (
            {"$defs": {"P": PLACE}, "type": "array", "items": {"$ref": "#/$defs/P", "description": "Where."}},
            {"$defs": {"P": CLOSED}, "type": "array", "items": {"description": "Where.", **CLOSED}},
        ),
        (
            {"$defs": {"P": PLACE}, "type": "array", "items": {"allOf": [{"$ref": "#/$defs/P"}], "title": "Where"}},
            {"$defs": {"P": CLOSED}, "type": "array", "items": {"title": "Where", **CLOSED}},
        ),
        (
            {"$defs": {"P": PLACE}, "allOf": [{"$ref": "#/$defs/P"}, PLACE]},
            {"$defs": {"P": CLOSED}, "allOf": [CLOSED, CLOSED]},
        ),
        (
            {"$defs": {"P": PLACE}, "allOf": [{"$ref": "#/$defs/P", "description": "Where."}, PLACE]},
            {"$defs": {"P": CLOSED}, "allOf": [{"description": "Where.", **CLOSED}, CLOSED]},
        ),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", **TEXT}, TEXT),
    ],
)
def test_a_schema_that_claude_takes(schema: dict[str, Any], fit: dict[str, Any]) -> None:
    before = copy.deepcopy(schema)
    assert claude_schema(schema) == fit
    assert schema == before
    assert claude_schema(fit) == fit


def test_a_keyword_beside_an_allof_of_one_is_not_replaced() -> None:
    numbers = {"type": "object", "properties": {"n": {"type": "integer"}}}
    both = claude_schema({"allOf": [PLACE], **numbers})
    assert both["allOf"] == [CLOSED]
    assert both["properties"] == numbers["properties"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "object", "additionalProperties": TEXT}, "list of objects"),
        ({"type": "object", "additionalProperties": True}, "list of objects"),
        ({"type": "object"}, "takes no object of any keys .* at # in .* list of objects"),
        ({"type": "array", "items": {"type": "object"}}, "at #/items in"),
        ({"type": "object", "properties": {"a": {"title": "Any"}}}, "the JSON Schema at #/properties/a needs a type"),
        ({"type": "object", "properties": {"a": True}}, "an object at every place, not True at #/properties/a"),
        (
            {
                "$defs": {
                    "P": {"type": "object", "properties": {"a": {"$ref": "#/$defs/Q"}}},
                    "Q": {"type": "array", "items": {"$ref": "#/$defs/P"}},
                },
                **PLACE,
            },
            "names itself, as '#/.defs/.' does",
        ),
        ({"$defs": {"P": {"$ref": "#/$defs/P"}}, **PLACE}, "names itself"),
        ({"type": "array", "items": {"$ref": "#"}}, "names itself, as '#' does"),
        ({"type": "array", "items": {"$ref": "#/$defs/P"}}, "leads nowhere"),
        ({"$defs": {"P": PLACE}, "allOf": [{"$ref": "#/$defs/P"}, True]}, "an object at every place, not True"),
        ({"$ref": "#/$defs/P", "title": "T"}, "leads nowhere"),
        ({"$defs": {"P": {"title": "T", "$ref": "#/$defs/P"}}, "$ref": "#/$defs/P", "title": "U"}, "endlessly"),
    ],
)
def test_a_schema_that_would_leave_no_answer(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        claude_schema(schema)


@pytest.mark.interop
@pytest.mark.parametrize(
    "schema",
    [
        PLACE,
        {"type": "array", "items": PLACE, "minItems": 0},
        {**TEXT, "enum": ["a"], "title": "T"},
        {"oneOf": [TEXT, {"type": "null"}], "description": "D"},
        {"$ref": "#/$defs/P", "$defs": {"P": PLACE}},
    ],
)
def test_the_vendors_own_sdk_makes_the_same(schema: dict[str, Any]) -> None:
    sdk = pytest.importorskip("anthropic.lib._parse._transform")
    assert claude_schema(schema) == sdk.transform_schema(schema)
