"""Types of users, each way to write one, and values of them."""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any, Literal, NewType, NotRequired, Required, TypedDict

import msgspec
import pydantic
from hypothesis import strategies as st

Metres = NewType("Metres", float)


class Unit(enum.Enum):
    """Of temperatures."""

    CELSIUS = "celsius"
    KELVIN = 0


@dataclass
class City:
    """A city
    of Europe."""

    name: str
    people: int = 0
    rivers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    unit: Unit
    day: datetime.date
    hour: datetime.time
    instant: datetime.datetime
    key: uuid.UUID
    height: Metres
    home: City
    also: Sequence[City]
    pair: tuple[int, str]
    point: tuple[float, float]
    some: tuple[bool, ...]
    kinds: frozenset[Literal["a", "b", 1, True, None]]
    prices: Mapping[str, float]
    raw: Any
    maybe: City | None = None
    number: int | float | None = None
    said: Annotated[str, "what was said"] = ""
    noted: bool = field(default=False, metadata={"description": "whether"})
    count: int = field(init=False, default=7)


@dataclass
class Tree:
    value: int
    branches: list[Tree] = field(default_factory=list)


@dataclass
class Circle:
    radius: float
    kind: Literal["circle"] = "circle"


@dataclass
class Ring:
    radius: float
    width: float
    kind: Literal["ring"] = "ring"


@dataclass
class Drawing:
    shapes: list[Circle | Ring]


class Part(TypedDict, total=False):
    name: Required[str]
    size: int


class Whole(TypedDict):
    parts: list[Part]
    note: NotRequired[str]


class Model(pydantic.BaseModel):
    """A pydantic model."""

    name: str = pydantic.Field(alias="theName", description="its name")
    age: int = pydantic.Field(ge=0, lt=200)
    city: City | None = None
    day: datetime.date = datetime.date(2026, 1, 1)


class Struct(msgspec.Struct, rename="camel"):
    own_name: str
    cities: list[City] = []


CITIES = st.builds(City, st.text(), st.integers(), st.lists(st.text(), max_size=2))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TREES = st.recursive(
    st.builds(Tree, st.integers()), lambda inner: st.builds(Tree, st.integers(), st.lists(inner, max_size=2))
)
CIRCLES = st.builds(Circle, NUMBERS) | st.builds(Ring, NUMBERS, NUMBERS)
PARTS = st.fixed_dictionaries({"name": st.text()}, optional={"size": st.integers()})
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    City: CITIES,
    Everything: st.builds(
        Everything,
        unit=st.sampled_from(Unit), day=st.dates(), hour=st.times(), instant=st.datetimes(), key=st.uuids(),
        height=NUMBERS, home=CITIES, also=st.lists(CITIES, max_size=2), pair=st.tuples(st.integers(), st.text()),
        point=st.tuples(NUMBERS, NUMBERS), some=st.lists(st.booleans(), max_size=2).map(tuple),
        kinds=st.frozensets(st.sampled_from(["a", "b", 1, None])), prices=st.dictionaries(st.text(), NUMBERS),
        raw=st.none() | st.lists(st.text()), maybe=st.none() | CITIES, number=st.none() | st.integers() | NUMBERS,
        said=st.text(), noted=st.booleans(),
    ),
    Tree: TREES,
    Drawing: st.builds(Drawing, st.lists(CIRCLES, max_size=3)),
    Whole: st.fixed_dictionaries({"parts": st.lists(PARTS, max_size=2)}, optional={"note": st.text()}),
    Model: st.builds(
        Model, theName=st.text(), age=st.integers(0, 199), city=st.none() | CITIES, day=st.dates()
    ),
    Struct: st.builds(Struct, st.text(), st.lists(CITIES, max_size=2)),
    dict[str, list[City]]: st.dictionaries(st.text(), st.lists(CITIES, max_size=1), max_size=2),
}  # fmt: skip


def to_json(value: Any) -> Any:
    """`value` as the JSON value that a model would write."""
    match value:
        case pydantic.BaseModel():
            return value.model_dump(mode="json", by_alias=True)
        case msgspec.Struct():
            return msgspec.to_builtins(value)
        case enum.Enum():
            return value.value
        case datetime.date() | datetime.time():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case dict():
            return {key: to_json(inner) for key, inner in value.items()}
        case list() | tuple() | frozenset():
            return [to_json(inner) for inner in value]
        case City() | Everything() | Tree() | Circle() | Ring() | Drawing():
            fields = type(value).__dataclass_fields__
            return {name: to_json(getattr(value, name)) for name in fields if fields[name].init}
    return value


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def around(*args: Any, **named: Any) -> Any:
        return "around", function(*args, **named)

    return around
