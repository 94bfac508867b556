"""Users' types: the JSON Schemas of them, their values out of JSON, and what there is of one that still grows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, List, Literal, Optional, TypedDict  # noqa: UP035  as older code has them

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_values import (
    VALUES,
    Circle,
    City,
    Drawing,
    Everything,
    Model,
    Part,
    Ring,
    Struct,
    Tree,
    Unit,
    Whole,
    to_json,
)

from sansio_core import ChatRequest, InvalidRequest, providers
from sansio_core.annotations import format_of_type, grown, schema_of, value_of
from sansio_core.dialects.schemas import claude_schema, strict_schema
from sansio_core.partial_json import parse_partial

CLOSED = {"type": "object", "additionalProperties": False}
CITY = {
    **CLOSED,
    "description": "A city\nof Europe.",
    "properties": {
        "name": {"type": "string"},
        "people": {"type": "integer"},
        "rivers": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name"],
}
NUMBER, TEXT, NULL = {"type": "number"}, {"type": "string"}, {"type": "null"}


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (str, TEXT),
        (None, NULL),
        (Any, {}),
        (list, {"type": "array", "items": {}}),
        (List, {"type": "array", "items": {}}),  # noqa: UP006
        (Optional[int], {"anyOf": [{"type": "integer"}, NULL]}),  # noqa: UP045
        (dict, {"type": "object", "additionalProperties": True}),
        (dict[str, float], {"type": "object", "additionalProperties": NUMBER}),
        (Unit, {"enum": ["celsius", 0], "description": "Of temperatures."}),
        (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
        (tuple[int, str], {"type": "array", "items": {"anyOf": [{"type": "integer"}, TEXT]}, "minItems": 2,
                           "maxItems": 2}),
        (City, CITY),
        (list[City], {"type": "array", "items": {"$ref": "#/$defs/City"}, "$defs": {"City": CITY}}),
        (Part, {**CLOSED, "properties": {"name": TEXT, "size": {"type": "integer"}}, "required": ["name"]}),
    ],
)  # fmt: skip
def test_a_schema(kind: Any, schema: dict[str, Any]) -> None:
    assert schema_of(kind) == schema


def test_the_schema_of_everything() -> None:
    schema = schema_of(Everything)
    assert schema["properties"]["day"] == {"type": "string", "format": "date"}
    assert schema["properties"]["key"] == {"type": "string", "format": "uuid"}
    assert schema["properties"]["said"] == {"type": "string", "description": "what was said"}
    assert schema["properties"]["noted"] == {"type": "boolean", "description": "whether"}
    assert "count" not in schema["properties"]
    assert schema["required"][-1] == "raw"
    assert schema["$defs"] == {"City": CITY}
    assert "description" not in schema  # a dataclass's own signature is none


def test_a_class_that_names_itself_stands_in_the_definitions_too() -> None:
    schema = schema_of(Tree)
    assert schema["properties"]["branches"] == {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
    assert schema["$defs"]["Tree"]["properties"] == schema["properties"]


def test_classes_of_one_name_have_a_schema_each() -> None:
    other = TypedDict("City", {"mayor": str})  # type: ignore[misc]  # noqa: UP013
    schema = schema_of(tuple[City, other, Model, Struct])  # type: ignore[valid-type]
    defs = schema["$defs"]
    first, second, model, _ = [each["$ref"].removeprefix("#/$defs/") for each in schema["items"]["anyOf"]]
    assert (defs[first], list(defs[second]["properties"])) == (CITY, ["mayor"])
    city = defs[model]["properties"]["city"]["anyOf"][0]["$ref"].removeprefix("#/$defs/")
    assert city not in (first, second)
    assert defs[city]["properties"]["rivers"]["title"] == "Rivers"  # pydantic's own schema of it


@pytest.mark.parametrize("kind", [City, Tree, Drawing, Whole, Model, Struct])
def test_the_vendors_strict_rules_are_kept(kind: Any) -> None:
    asked = format_of_type(kind)["json_schema"]
    assert (asked["name"], asked["strict"]) == (kind.__name__, True)
    fit = strict_schema(asked["schema"])
    assert strict_schema(fit) == fit
    assert all(each["required"] == list(each["properties"]) for each in objects(fit))
    assert "$ref" not in fit
    if kind is not Tree:  # the API takes none that names itself
        fit = claude_schema(asked["schema"])
        assert claude_schema(fit) == fit
        assert not re.search('"(minimum|exclusiveMaximum|default)":', json.dumps(fit))
        assert all(each["additionalProperties"] is False for each in objects(fit))


def objects(schema: Any) -> list[dict[str, Any]]:
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
    return own + [each for value in inner for each in objects(value)]


@settings(max_examples=50)
@given(st.data())
def test_what_a_model_writes_gives_the_instance(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(VALUES)))
    value = data.draw(VALUES[kind])
    assert value_of(kind, json.loads(json.dumps(to_json(value))), "the answer") == value


@settings(max_examples=30)
@given(st.data())
def test_every_beginning_has_a_value(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in VALUES if isinstance(kind, type) and kind is not Whole]))
    text = json.dumps(to_json(data.draw(VALUES[kind])))
    for end in range(0, len(text), 1 + len(text) // 40):
        assert isinstance(grown(kind, parse_partial(text[:end])), (kind, type(None)))


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (City, [], "the answer does not fit City: it must be an object, not a value of type list"),
        (City, {}, "it lacks 'name'"),
        (City, {"name": "Graz", "people": True}, "people must be an int, not True"),
        (City, {"name": "Graz", "people": 1.5}, "people must be an int, not 1.5"),
        (City, {"name": "Graz", "rivers": "Mur"}, "rivers must be a list, not 'Mur'"),
        (list[City], [{"name": "Graz"}, {"name": 5}], r"does not fit list\[.*City\]: \[1\].name must be a str, not 5"),
        (dict[str, int], {"a b": "x"}, r"\['a b'\] must be an int"),
        (Literal[1], True, "it must be one of 1, not True"),
        (Unit, "x", "it must be one of 'celsius', 0, not 'x'"),
        (tuple[int, str], [1], "it must have 2 elements, not 1"),
        (set[list[int]], [[1]], "it cannot be made: unhashable type"),
        (int | None, "a", "it must be an int, not 'a'"),
        (Circle | Ring, {}, "it is none of what it may be .it lacks 'radius'; it lacks 'radius'."),
        (float, 10**400, "it must be a number, not a huge number|it must be a number, not 1000"),
        (Model, {"theName": "a", "age": -1}, "does not fit Model: it is not taken .age: Input should be greater than"),
        (Model, [], "does not fit Model: it is not taken .Input should be an object"),
        (Model, {}, r"theName: Field required; age: Field required"),
        (Struct, {"ownName": 5}, r"it is not taken .Expected `str`, got `int` - at `\$.ownName`"),
    ],
)
def test_the_place_that_does_not_fit_is_named(kind: Any, value: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        value_of(kind, value, "the answer")


@dataclass
class Checked:
    age: int

    def __post_init__(self) -> None:
        if self.age < 0:
            raise ValueError("the age is negative")


def test_what_a_class_itself_refuses() -> None:
    with pytest.raises(InvalidRequest, match=r"it is not taken .the age is negative.") as raised:
        value_of(Checked, {"age": -1}, "the answer")
    assert isinstance(raised.value.__cause__, ValueError)
    assert grown(Checked, {"age": -1}).age == -1  # what grows is not checked


def test_numbers_of_the_other_type_and_unknown_fields() -> None:
    assert value_of(City, {"name": "Graz", "people": 3.0, "mayor": "?"}, "it") == City("Graz", 3)
    assert type(value_of(float, 3, "it")) is float


def test_of_several_the_one_that_has_a_place_for_all() -> None:
    assert value_of(Circle | Ring, {"radius": 1, "width": 2, "kind": "ring"}, "it") == Ring(1.0, 2.0)
    plain = {"radius": 1.0, "width": 2.0}
    assert value_of(Circle | Ring, plain, "it") == Ring(1.0, 2.0)
    assert value_of(Circle | Ring, {**plain, "more": 3}, "it") == Circle(1.0)


@pytest.mark.parametrize(
    ("kind", "value", "there"),
    [
        (City, {}, City(None)),  # type: ignore[arg-type]
        (City, {"name": "Gr"}, City("Gr")),
        (City, {"name": None, "rivers": ["Mu", None]}, City(None, 0, ["Mu"])),  # type: ignore[arg-type]
        (Part, {"size": 1}, {"size": 1}),
        (Circle | Ring, {"radius": 1.0, "kind": "ri"}, Ring(1.0, None, None)),  # type: ignore[arg-type]
        (tuple[int, str], [1], (1,)),
        (dict[str, City], {"a": {"name": "x"}, "b": 5}, {"a": City("x"), "b": None}),
        (Literal["abc"], "ab", None),
        (Struct, {"cities": [{"name": "a"}]}, Struct(None, [City("a")])),  # type: ignore[arg-type]
        (Model, {"theName": "a", "city": {"name": "b"}}, Model.model_construct(name="a", age=None, city=City("b"))),
        (City, None, None),
        (City, "text", None),
    ],
)
def test_what_there_is_so_far(kind: Any, value: Any, there: Any) -> None:
    assert grown(kind, value) == there


@dataclass
class Odd:
    data: bytes


@dataclass
class Lost:
    where: Nowhere  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (bytes, "no JSON Schema is made of bytes: take str, int"),
        (dict[int, str], r"no JSON Schema is made of dict\[int, str\]"),
        (Odd, "Odd.data: no JSON Schema is made of bytes"),
        (Lost, "the annotations of Lost cannot be evaluated: name 'Nowhere' is not defined"),
        (Literal[b"a"], "has values that are no text, number, bool or None"),
        (5, "no JSON Schema is made of 5"),
    ],
)
def test_a_type_without_a_schema(kind: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        schema_of(kind)


@pytest.mark.parametrize("kind", [int, list[City], Unit, City | None])
def test_a_response_format_has_fields(kind: Any) -> None:
    with pytest.raises(InvalidRequest, match="response_format takes a class with named fields, not"):
        ChatRequest("Hello", response_format=kind)


def test_a_function_is_no_response_format() -> None:
    provider, request = providers.create("openai", api_key="k", model="m"), ChatRequest("Hello", response_format=print)
    with pytest.raises(InvalidRequest, match="response_format must be a class with fields, a JSON Schema, "):
        provider.begin(request, lambda: 0.5)


def test_what_is_nested_too_deeply() -> None:
    deep: Any = {"value": 1}
    for _ in range(5000):
        deep = {"value": 1, "branches": [deep]}
    with pytest.raises(InvalidRequest, match="the answer is nested too deeply"):
        value_of(Tree, deep, "the answer")
    assert grown(Tree, deep) is None
