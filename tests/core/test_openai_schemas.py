"""JSON Schemas made fit for OpenAI's strict mode, by the rules of OpenAI's own SDK (lib/_pydantic.py)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sansio_core import InvalidRequest
from sansio_core.dialects.schemas import strict_schema

TEXT = {"type": "string"}
CLOSED: dict[str, Any] = {"additionalProperties": False}


def thing(**properties: Any) -> dict[str, Any]:
    """An object of these properties, as users write it."""
    return {"type": "object", "properties": properties}


def strict(**properties: Any) -> dict[str, Any]:
    """The same in strict mode."""
    return {**thing(**properties), **CLOSED, "required": list(properties)}


@pytest.mark.parametrize(
    ("given", "fit"),
    [
        (thing(), strict()),
        (thing(a=TEXT, b=TEXT), strict(a=TEXT, b=TEXT)),
        ({**thing(a=TEXT, b=TEXT), "required": ["b"]}, strict(a=TEXT, b=TEXT)),
        ({"properties": {"a": TEXT}}, strict(a=TEXT)),
        ({"type": "object", **CLOSED}, {"type": "object", **CLOSED}),
        # one schema of allOf takes its own place
        ({"allOf": [thing(a=TEXT)], "title": "T"}, {**strict(a=TEXT), "title": "T"}),
        (
            {"$defs": {"P": TEXT}, **thing(p={"allOf": [{"$ref": "#/$defs/P"}], "title": "Q"})},
            {"$defs": {"P": TEXT}, **strict(p={**TEXT, "title": "Q"})},
        ),
        # a reference alone stays; with other keywords what it names takes its place, and theirs count
        (
            {"$defs": {"P": thing(a=TEXT)}, **thing(p={"$ref": "#/$defs/P"})},
            {"$defs": {"P": strict(a=TEXT)}, **strict(p={"$ref": "#/$defs/P"})},
        ),
        (
            {"$defs": {"P": {**TEXT, "title": "P"}}, **thing(p={"$ref": "#/$defs/P", "title": "Q"})},
            {"$defs": {"P": {**TEXT, "title": "P"}}, **strict(p={**TEXT, "title": "Q"})},
        ),
        (
            {"definitions": {"a/b~c": thing(x=TEXT)}, **thing(p={"$ref": "#/definitions/a~1b~0c", "description": "d"})},
            {"definitions": {"a/b~c": strict(x=TEXT)}, **strict(p={**strict(x=TEXT), "description": "d"})},
        ),
        # a schema that names itself
        (
            {"$defs": {"N": thing(next={"$ref": "#/$defs/N"})}, **thing(n={"$ref": "#/$defs/N"})},
            {"$defs": {"N": strict(next={"$ref": "#/$defs/N"})}, **strict(n={"$ref": "#/$defs/N"})},
        ),
        # names of properties are no keywords
        (thing(default=TEXT, properties=thing(a=TEXT)), strict(default=TEXT, properties=strict(a=TEXT))),
    ],
)
def test_strict_schema(given: dict[str, Any], fit: dict[str, Any]) -> None:
    before = copy.deepcopy(given)
    assert strict_schema(given) == fit
    assert given == before
    assert strict_schema(fit) == fit


@pytest.mark.parametrize(
    ("given", "fit"),
    [
        (thing(b=TEXT), strict(b=TEXT)),
        ({"type": ["object", "null"], "properties": {"b": TEXT}}, {**strict(b=TEXT), "type": ["object", "null"]}),
        ({"type": "array", "items": thing(a=TEXT)}, {"type": "array", "items": strict(a=TEXT)}),
        ({"anyOf": [thing(a=TEXT), {"type": "null"}]}, {"anyOf": [strict(a=TEXT), {"type": "null"}]}),
        ({"oneOf": [thing(a=TEXT), {"type": "null"}]}, {"anyOf": [strict(a=TEXT), {"type": "null"}]}),
        # null is no default there, others stay
        ({"type": "string", "default": None}, TEXT),
        ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
        ({"enum": ["a"]}, {"enum": ["a"]}),
        ({"const": 1}, {"const": 1}),
    ],
)
def test_strict_properties(given: dict[str, Any], fit: dict[str, Any]) -> None:
    assert strict_schema(thing(p=given)) == strict(p=fit)


NEVER = "strict mode takes no {} in a JSON Schema, as at #/properties/a: leave it or strict out"
ANY_KEYS = "strict mode takes no object of any keys (additionalProperties), as at #/properties/a in the JSON Schema"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"allOf": [TEXT, TEXT]}, NEVER.format("allOf")),
        ({"allOf": [thing(b=TEXT)], "properties": {"c": TEXT}}, NEVER.format("allOf")),
        ({"anyOf": [TEXT], "oneOf": [TEXT]}, NEVER.format("oneOf")),
        ({**TEXT, "not": {"enum": ["a"]}}, NEVER.format("not")),
        ({**thing(), "if": thing()}, NEVER.format("if")),
        ({**thing(), "patternProperties": {"^a": TEXT}}, NEVER.format("patternProperties")),
        ({"type": "array", "items": TEXT, "uniqueItems": True}, NEVER.format("uniqueItems")),
        ({"type": "object"}, ANY_KEYS),
        ({**thing(), "additionalProperties": TEXT}, ANY_KEYS),
        ({**thing(b=TEXT), "additionalProperties": True}, ANY_KEYS),
        (True, "strict mode takes a JSON Schema that is an object at #/properties/a, not True"),
        ({}, "strict mode needs a type, an enum or an anyOf in the JSON Schema at #/properties/a"),
        ({"type": "array"}, "strict mode needs the items of the array in the JSON Schema at #/properties/a"),
        ({"type": "array", "items": {}}, "an anyOf in the JSON Schema at #/properties/a/items"),
        ({"anyOf": [TEXT, {}]}, "an anyOf in the JSON Schema at #/properties/a/anyOf/1"),
    ],
)
def test_what_strict_mode_does_not_take(schema: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        strict_schema(thing(a=schema))
    assert said in str(caught.value)


@pytest.mark.parametrize("schema", [TEXT, {"type": "array", "items": TEXT}, {"anyOf": [thing(), thing(a=TEXT)]}])
def test_a_strict_answer_is_an_object(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="of the type 'object' that is no choice"):
        strict_schema(schema)


def test_required_properties_keep_their_order() -> None:
    assert strict_schema(thing(b=TEXT, a=TEXT, c=TEXT))["required"] == ["b", "a", "c"]


@pytest.mark.parametrize("ref", ["#/$defs/Q", "other.json", "#/properties/a/x"])
def test_a_reference_that_leads_nowhere(ref: str) -> None:
    with pytest.raises(InvalidRequest, match="leads nowhere in it"):
        strict_schema(thing(a={"$ref": ref, "title": "T"}))


def test_endless_nesting() -> None:
    endless: dict[str, Any] = thing()
    endless["properties"]["again"] = endless
    for schema in (endless, {"$defs": {"N": {"$ref": "#/$defs/N", "title": "N"}}}):
        with pytest.raises(InvalidRequest, match="endlessly"):
            strict_schema(schema)
