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
        ({"type": "object"}, {"type": "object", **CLOSED}),
        (thing(a=TEXT, b=TEXT), strict(a=TEXT, b=TEXT)),
        ({**thing(a=TEXT, b=TEXT), "required": ["b"]}, strict(a=TEXT, b=TEXT)),
        (thing(a=thing(b=TEXT)), strict(a=strict(b=TEXT))),
        ({"type": "array", "items": thing(a=TEXT)}, {"type": "array", "items": strict(a=TEXT)}),
        ({"anyOf": [thing(a=TEXT), {"type": "null"}]}, {"anyOf": [strict(a=TEXT), {"type": "null"}]}),
        # what the user said of other properties stays
        ({**thing(), "additionalProperties": TEXT}, {**strict(), "additionalProperties": TEXT}),
        # one schema of allOf takes its own place
        ({"allOf": [thing(a=TEXT)], "title": "T"}, {**strict(a=TEXT), "title": "T"}),
        ({"allOf": [TEXT, TEXT]}, {"allOf": [TEXT, TEXT]}),
        (
            {"$defs": {"P": TEXT}, **thing(p={"allOf": [{"$ref": "#/$defs/P"}], "title": "Q"})},
            {"$defs": {"P": TEXT}, **strict(p={**TEXT, "title": "Q"})},
        ),
        # null is no default there, others stay
        ({"type": "string", "default": None}, TEXT),
        ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
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
        (thing(a=True), strict(a=True)),
        # names of properties are no keywords
        (thing(default=TEXT, properties=thing(a=TEXT)), strict(default=TEXT, properties=strict(a=TEXT))),
    ],
)
def test_strict_schema(given: dict[str, Any], fit: dict[str, Any]) -> None:
    before = copy.deepcopy(given)
    assert strict_schema(given) == fit
    assert given == before
    assert strict_schema(fit) == fit


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
