"""Types with named fields: dataclasses and TypedDicts by their annotations; pydantic's and msgspec's by themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import cached_property
from inspect import cleandoc
from typing import Any, NamedTuple, NotRequired, Required, get_origin, get_type_hints

from .errors import InvalidRequest
from .shapes import Anything, Defs, Described, Misfit, Shape, as_object, grown_or_none

ShapeOf = Callable[[Any], Shape]


def record_of(kind: type, shape_of: ShapeOf) -> Record | None:
    """What is known of the class `kind`, if it has named fields; `shape_of` says what the types of these are."""
    if hasattr(kind, "model_json_schema"):
        return _Pydantic(kind, shape_of)
    if hasattr(kind, "__struct_fields__"):
        return _Msgspec(kind, shape_of)
    if is_dataclass(kind):
        return _Dataclass(kind, shape_of)
    # Not typing.is_typeddict, which does not know those of typing_extensions.
    return _TypedDict(kind, shape_of) if issubclass(kind, dict) and hasattr(kind, "__required_keys__") else None


def plain_record(value: Any) -> Any:
    """What stands in JSON for `value`, which has named fields. Raises TypeError for others."""
    kind = type(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(kind, "__struct_fields__"):
        return sys.modules["msgspec"].to_builtins(value)
    if is_dataclass(kind):
        return {field.name: getattr(value, field.name) for field in fields(kind)}
    raise TypeError(f"it has a value of type {kind.__name__}" + (" (await it)" if hasattr(kind, "__await__") else ""))


class Field(NamedTuple):
    """A field by its name in Python and its `key` in JSON."""

    name: str
    key: str
    shape: Shape
    required: bool


class Record(Shape):
    """A type with named fields; each kind says which these are, and how a value is made of theirs."""

    def __init__(self, kind: Any, shape_of: ShapeOf) -> None:
        self._kind, self._shape_of = kind, shape_of

    @cached_property  # not at once: a class may have itself among its fields
    def fields(self) -> list[Field]:
        """The fields. Raises InvalidRequest for annotations that cannot be evaluated, or are of no known type."""
        return list(self._fields())

    def _fields(self) -> Iterable[Field]:
        raise NotImplementedError

    def _make(self, values: dict[str, Any]) -> Any:
        """The value whose fields are `values`, by their names in Python."""
        raise NotImplementedError

    def _grow(self, values: dict[str, Any]) -> Any:
        """The same of some of the fields, checked by nobody."""
        raise NotImplementedError

    def schema(self, defs: Defs) -> dict[str, Any]:
        return defs.ref(self._kind, lambda: self.body(defs))

    def body(self, defs: Defs) -> dict[str, Any]:
        """The JSON Schema itself, where `schema` gives a reference."""
        described = {"description": text} if (text := self._description()) else {}
        return {
            "type": "object",
            **described,
            "properties": {field.key: field.shape.schema(defs) for field in self.fields},
            "required": [field.key for field in self.fields if field.required],
            "additionalProperties": False,
        }

    def _description(self) -> str:
        doc = vars(self._kind).get("__doc__") or ""
        # A dataclass without a text of its own has its signature there.
        return "" if doc.startswith(f"{self._kind.__name__}(") else cleandoc(doc)

    def read(self, value: Any, place: str, exact: bool) -> Any:
        given = as_object(value, place)
        self._check(given, place, exact)
        values = {}
        for field in self.fields:
            if field.key in given:
                values[field.name] = field.shape.read(given[field.key], f"{place}.{field.key}", exact)
            elif field.required:
                raise Misfit(place, f"lacks {field.key!r}")
        try:
            return self._make(values)
        except (ValueError, TypeError) as error:  # of a __post_init__
            raise Misfit(place, _said(error)) from error

    def _check(self, given: Mapping[str, Any], place: str, exact: bool) -> None:
        if exact and (unknown := given.keys() - {field.key for field in self.fields}):
            raise Misfit(place, f"has no {min(unknown)!r}")

    def grow(self, value: Any) -> Any:
        given = as_object(value, "")
        found = [field for field in self.fields if field.key in given]
        return self._grow({field.name: grown_or_none(field.shape, given[field.key]) for field in found})

    def excludes(self, value: Any) -> bool:
        if not isinstance(value, Mapping):
            return True
        return any(field.key in value and field.shape.excludes(value[field.key]) for field in self.fields)

    def _hints(self) -> dict[str, Any]:
        try:
            return self._evaluated()
        except NameError as error:
            raise InvalidRequest(
                f"the annotations of {self._kind.__name__} cannot be evaluated: {error} (what they name must stand at "
                "the top of its module)"
            ) from None

    def _evaluated(self) -> dict[str, Any]:
        return get_type_hints(self._kind, include_extras=True)

    def _field_shape(self, name: str, kind: Any) -> Shape:
        try:
            return self._shape_of(kind)
        except InvalidRequest as error:
            raise InvalidRequest(f"{self._kind.__name__}.{name}: {error}") from None


class _Dataclass(Record):
    def _fields(self) -> Iterable[Field]:
        hints = self._hints()
        for field in fields(self._kind):
            if field.init:
                shape = self._field_shape(field.name, hints[field.name])
                if text := field.metadata.get("description"):
                    shape = Described(shape, text)
                required = field.default is MISSING and field.default_factory is MISSING
                yield Field(field.name, field.name, shape, required)

    def _make(self, values: dict[str, Any]) -> Any:
        return self._kind(**values)

    def _grow(self, values: dict[str, Any]) -> Any:
        # Without __init__ and __post_init__, which may ask for all fields.
        made = object.__new__(self._kind)
        for field in fields(self._kind):
            if field.name in values:
                value = values[field.name]
            elif field.default_factory is not MISSING:
                value = field.default_factory()
            else:
                value = None if field.default is MISSING else field.default
            object.__setattr__(made, field.name, value)  # also of a frozen one
        return made


class _TypedDict(Record):
    def _fields(self) -> Iterable[Field]:
        for name, kind in self._hints().items():
            # Where annotations are texts, __required_keys__ knows nothing of these two.
            mark = get_origin(kind)
            required = mark is Required or (mark is not NotRequired and name in self._kind.__required_keys__)
            yield Field(name, name, self._field_shape(name, kind), required)

    def _make(self, values: dict[str, Any]) -> Any:
        return values

    _grow = _make


class _Foreign(Record):
    """A type of a library that makes the schema and checks the values."""

    def read(self, value: Any, place: str, exact: bool) -> Any:
        if isinstance(value, Mapping):
            self._check(value, place, exact)
        try:
            # As JSON, in which a strict model, too, takes a date as a text.
            return self._checked(json.dumps(value))
        except ValueError as error:
            raise Misfit(place, _said(error)) from error

    def _checked(self, text: str) -> Any:
        """The value of a JSON text. Raises ValueError."""
        raise NotImplementedError

    def _known(self, kind: Any) -> Shape:
        with suppress(InvalidRequest):
            return self._shape_of(kind)
        return Anything()  # while it grows, a value of the library's own types is shown as it is in JSON


class _Pydantic(_Foreign):

    def schema(self, defs: Defs) -> dict[str, Any]:
        whole = defs.take(self._kind.model_json_schema())
        return whole if whole.keys() == {"$ref"} else defs.ref(self._kind, lambda: whole)

    def _checked(self, text: str) -> Any:
        return self._kind.model_validate_json(text)

    def _fields(self) -> Iterable[Field]:
        for name, field in self._kind.model_fields.items():
            keys = (field.validation_alias, field.alias, name)
            key = next(key for key in keys if isinstance(key, str))
            yield Field(name, key, self._known(field.annotation), field.is_required())

    def _grow(self, values: dict[str, Any]) -> Any:
        missing = {field.name: None for field in self.fields if field.required}
        return self._kind.model_construct(set(values), **{**missing, **values})


class _Msgspec(_Foreign):
    def schema(self, defs: Defs) -> dict[str, Any]:
        return defs.take(sys.modules["msgspec"].json.schema(self._kind))

    def _checked(self, text: str) -> Any:
        msgspec = sys.modules["msgspec"]
        try:
            return msgspec.json.decode(text, type=self._kind)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error

    def _fields(self) -> Iterable[Field]:
        for field in sys.modules["msgspec"].structs.fields(self._kind):
            yield Field(field.name, field.encode_name, self._known(field.type), field.required)

    def _grow(self, values: dict[str, Any]) -> Any:
        missing = {field.name: None for field in self.fields if field.required}
        try:
            return self._kind(**{**missing, **values})
        except (ValueError, TypeError) as error:  # of a __post_init__
            raise Misfit("", f"is not taken: {error}") from error


def _said(error: Exception) -> str:
    """What pydantic or msgspec says of a value, with the place, on one line."""
    faults = getattr(error, "errors", None)  # pydantic's
    if faults is None:
        return f"is not taken ({error})"
    found = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in faults(include_url=False)]
    said = [f"{place}: {what}" if place else what for place, what in found]
    more = f"; {len(said) - 3} more" if len(said) > 3 else ""
    return f"is not taken ({'; '.join(said[:3])}{more})"
