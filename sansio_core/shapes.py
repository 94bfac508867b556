"""What is known of a type: its JSON Schema, its values out of JSON, and what there is of one that still grows.

The schemas keep to what all vendors take: objects are closed, and no keyword bounds a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import NoneType
from typing import Any, get_args

from .errors import InvalidRequest, safe_repr
from .redact import excerpt


def name_of(kind: Any) -> str:
    """The name of a type in a message."""
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("typing.", "")


class Misfit(Exception):
    """A value is not of its type; `place` is where it stands, "" for the whole."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place.lstrip('.') or 'it'} {what}")


class Defs:
    """The `$defs` of one schema."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self._names: dict[Any, str] = {}

    def ref(self, owner: Any, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A reference to the schema of the class `owner`, which `make` makes the first time."""
        if owner not in self._names:
            name = self._names[owner] = self._free(re.sub(r"\W", "_", owner.__name__))
            self.schemas[name] = {}  # the place is taken before the schema is made, which may refer to it
            self.schemas[name] = make()
        return {"$ref": f"#/$defs/{self._names[owner]}"}

    def take(self, whole: dict[str, Any]) -> dict[str, Any]:
        """The schema `whole`, which another library made, without its `$defs`, which go into these."""
        text, names = json.dumps(whole), {name: name for name in whole.get("$defs", ())}
        for name in names:
            if self.schemas.get(name, whole["$defs"][name]) != whole["$defs"][name]:  # another one of this name
                names[name] = self._free(name)
                text = text.replace(json.dumps(f"#/$defs/{name}"), json.dumps(f"#/$defs/{names[name]}"))
        schema: dict[str, Any] = json.loads(text)
        self.schemas |= {names[name]: inner for name, inner in schema.pop("$defs", {}).items()}
        return schema

    def _free(self, name: str) -> str:
        while name in self.schemas:
            name += "_"
        return name


class Shape:
    """What is known of a type."""

    def schema(self, defs: Defs) -> dict[str, Any]:
        """Its JSON Schema; a class goes into `defs`."""
        raise NotImplementedError

    def whole(self) -> dict[str, Any]:
        """Its JSON Schema with all that it refers to."""
        defs = Defs()
        schema = self.schema(defs)
        # Not every vendor takes a reference in place of the whole.
        name = schema.pop("$ref", "").removeprefix("#/$defs/")
        if name:
            schema = {**defs.schemas[name], **schema}
            others = {key: value for key, value in defs.schemas.items() if key != name}
            if f'"#/$defs/{name}"' not in json.dumps([schema, others]):  # else it names itself
                defs.schemas = others
        return {**schema, "$defs": defs.schemas} if defs.schemas else schema

    def read(self, value: Any, place: str, exact: bool) -> Any:
        """The value of the JSON `value`. Raises Misfit. `exact`: nothing is passed over, and an int is no float."""
        raise NotImplementedError

    def grow(self, value: Any) -> Any:
        """What there is of a value that still grows. Raises Misfit where nothing can be shown."""
        return self.read(value, "", False)

    def excludes(self, value: Any) -> bool:
        """Whether no value of this type can come of `value`, which still grows."""
        return False


class Anything(Shape):
    def schema(self, defs: Defs) -> dict[str, Any]:
        return {}

    def read(self, value: Any, place: str, exact: bool) -> Any:
        return value


class Scalar(Shape):
    """`other` is the type that stands for it as well: 5 for a float, 5.0 for an int."""

    def __init__(self, kind: type, name: str, word: str, other: type | None = None) -> None:
        self._kind, self._name, self._word, self._other = kind, name, word, other

    def schema(self, defs: Defs) -> dict[str, Any]:
        return {"type": self._name}

    def read(self, value: Any, place: str, exact: bool) -> Any:
        if type(value) is self._kind:  # not isinstance: True is an int to Python
            return value
        if type(value) is self._other and not exact:
            with suppress(OverflowError, ValueError):
                converted = self._kind(value)
                if self._kind is float or converted == value:
                    return converted
        raise Misfit(place, f"must be {self._word}, not {safe_repr(value)}")


class Text(Shape):
    """A type whose values are texts in JSON, of a `format`."""

    def __init__(self, form: str, parse: Callable[[str], Any]) -> None:
        self._form, self._parse = form, parse

    def schema(self, defs: Defs) -> dict[str, Any]:
        return {"type": "string", "format": self._form}

    def read(self, value: Any, place: str, exact: bool) -> Any:
        if isinstance(value, str):
            with suppress(ValueError):
                return self._parse(value)
        raise Misfit(place, f"must be a text of the format {self._form!r}, not {safe_repr(value)}")


class Literals(Shape):
    """One of several values, each by its JSON."""

    def __init__(self, kind: Any, values: Iterable[tuple[Any, Any]], description: str = "") -> None:
        self._values, self._description = list(values), description
        if not self._values or any(type(plain) not in SCALARS for plain, _ in self._values):
            raise InvalidRequest(f"{name_of(kind)} has values that are no text, number, bool or None")

    def schema(self, defs: Defs) -> dict[str, Any]:
        kinds = {type(plain) for plain, _ in self._values}
        schema = SCALARS[kinds.pop()].schema(defs) if len(kinds) == 1 else {}
        return described({**schema, "enum": [plain for plain, _ in self._values]}, self._description)

    def read(self, value: Any, place: str, exact: bool) -> Any:
        for plain, found in self._values:
            if type(plain) is type(value) and plain == value:
                return found
        known = ", ".join(repr(plain) for plain, _ in self._values)
        raise Misfit(place, f"must be one of {excerpt(known)}, not {safe_repr(value)}")

    def excludes(self, value: Any) -> bool:
        return not any(str(plain).startswith(str(value)) for plain, _ in self._values)


class List(Shape):
    def __init__(self, item: Shape, make: Callable[[list[Any]], Any]) -> None:
        self._item, self._make = item, make

    def schema(self, defs: Defs) -> dict[str, Any]:
        return {"type": "array", "items": self._item.schema(defs)}

    def read(self, value: Any, place: str, exact: bool) -> Any:
        items = _list(value, place)
        return self._made([self._item.read(item, f"{place}[{i}]", exact) for i, item in enumerate(items)], place)

    def grow(self, value: Any) -> Any:
        items = []
        for item in _list(value, ""):
            with suppress(Misfit):
                items.append(self._item.grow(item))
        return self._made(items, "")

    def _made(self, items: list[Any], place: str) -> Any:
        try:
            return self._make(items)
        except TypeError as error:  # a set of lists
            raise Misfit(place, f"cannot be made: {error}") from error


class Tuple(Shape):
    """A tuple of a fixed length."""

    def __init__(self, items: list[Shape]) -> None:
        self._items = items

    def schema(self, defs: Defs) -> dict[str, Any]:
        # Not prefixItems, which OpenAI and Anthropic do not take.
        items = [item.schema(defs) for item in self._items]
        distinct = [item for i, item in enumerate(items) if item not in items[:i]]
        of = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
        return {"type": "array", "items": of, "minItems": len(items), "maxItems": len(items)}

    def read(self, value: Any, place: str, exact: bool) -> Any:
        items = _list(value, place)
        if len(items) != len(self._items):
            raise Misfit(place, f"must have {len(self._items)} elements, not {len(items)}")
        pairs = enumerate(zip(self._items, items, strict=True))
        return tuple(shape.read(item, f"{place}[{i}]", exact) for i, (shape, item) in pairs)

    def grow(self, value: Any) -> Any:
        items = _list(value, "")
        return tuple(grown_or_none(shape, item) for shape, item in zip(self._items, items, strict=False))


class Dict(Shape):
    def __init__(self, item: Shape) -> None:
        self._item = item

    def schema(self, defs: Defs) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self._item.schema(defs) or True}

    def read(self, value: Any, place: str, exact: bool) -> Any:
        return {key: self._item.read(item, f"{place}[{key!r}]", exact) for key, item in as_object(value, place).items()}

    def grow(self, value: Any) -> Any:
        return {key: grown_or_none(self._item, item) for key, item in as_object(value, "").items()}


class OneOf(Shape):
    def __init__(self, members: list[Shape]) -> None:
        self._members = members

    def schema(self, defs: Defs) -> dict[str, Any]:
        return {"anyOf": [member.schema(defs) for member in self._members]}

    def read(self, value: Any, place: str, exact: bool) -> Any:
        # First the member that has a place for all of it: one record may have some of another's fields.
        misfits: list[Misfit] = []
        for strictly in (True,) if exact else (True, False):
            misfits = []
            for member in self._members:
                try:
                    return member.read(value, place, strictly)
                except Misfit as misfit:
                    misfits.append(misfit)
        null = SCALARS[NoneType]
        said = [misfit for member, misfit in zip(self._members, misfits, strict=True) if member is not null]
        if len(said) == 1:
            raise said[0]
        raise Misfit(place, f"is none of what it may be ({'; '.join(map(str, said))})")

    def grow(self, value: Any) -> Any:
        with suppress(Misfit):
            return self.read(value, "", True)
        for member in self._members:
            if not member.excludes(value):
                with suppress(Misfit):
                    return member.grow(value)
        raise Misfit("", "is none of what it may be")


class Described(Shape):
    """A type with a description of one place."""

    def __init__(self, shape: Shape, description: str) -> None:
        self._shape, self._description = shape, description

    def schema(self, defs: Defs) -> dict[str, Any]:
        return described(self._shape.schema(defs), self._description)

    def read(self, value: Any, place: str, exact: bool) -> Any:
        return self._shape.read(value, place, exact)

    def grow(self, value: Any) -> Any:
        return self._shape.grow(value)

    def excludes(self, value: Any) -> bool:
        return self._shape.excludes(value)


SCALARS: dict[type, Shape] = {
    str: Scalar(str, "string", "a str"),
    int: Scalar(int, "integer", "an int", float),
    float: Scalar(float, "number", "a number", int),
    bool: Scalar(bool, "boolean", "True or False"),
    NoneType: Scalar(NoneType, "null", "None"),
}


def described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description} if description else schema


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise Misfit(place, f"must be a list, not {safe_repr(value)}")
    return list(value)


def as_object(value: Any, place: str) -> Mapping[str, Any]:
    """`value`, if it is a JSON object. Raises Misfit."""
    if not isinstance(value, Mapping):
        raise Misfit(place, f"must be an object, not {safe_repr(value)}")
    return value


def grown_or_none(shape: Shape, value: Any) -> Any:
    with suppress(Misfit):
        return shape.grow(value)
    return None
