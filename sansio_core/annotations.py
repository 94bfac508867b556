"""Types as Python's annotations name them: their JSON Schemas, and their values out of JSON.

Known are str, int, float, bool, None, Any; list, tuple, set, dict[str, …] and their abstract classes; Literal and Enum;
unions; dates, times and UUIDs as texts; dataclasses, TypedDicts, pydantic models and msgspec Structs. What stands in
Annotated[…, "text"] is described by the text. Loaded when a type is first given: other requests do not pay for it.
"""

from __future__ import annotations

from collections import abc
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from .errors import InvalidRequest
from .records import Record, plain_record, record_of
from .shapes import (
    SCALARS,
    Anything,
    Described,
    Dict,
    List,
    Literals,
    Misfit,
    OneOf,
    Shape,
    Text,
    Tuple,
    name_of,
)


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON Schema of the type `kind`; nested classes are in its `$defs`. Raises InvalidRequest for other types."""
    return shape_of(kind).whole()


def format_of_type(kind: Any) -> dict[str, Any]:
    """The response_format that asks for a `kind`. Raises InvalidRequest for what is no class with named fields."""
    shape = shape_of(kind)
    if not isinstance(shape, Record):
        raise InvalidRequest(
            f"response_format takes a class with named fields, not {name_of(kind)}: make it a field of one"
        )
    return {"type": "json_schema", "json_schema": {"name": name_of(kind), "schema": shape.whole(), "strict": True}}


def value_of(kind: Any, value: Any, what: str) -> Any:
    """The value of the type `kind` that the JSON `value` stands for.

    Fields that `kind` does not have are passed over. Raises InvalidRequest, which names the place in `what`, if `value`
    is no such value.
    """
    try:
        return shape_of(kind).read(value, "", False)
    except Misfit as misfit:
        raise InvalidRequest(f"{what} does not fit {name_of(kind)}: {misfit}") from misfit.__cause__
    except RecursionError:
        raise InvalidRequest(f"{what} is nested too deeply") from None


def grown(kind: Any, value: Any) -> Any:
    """What there is of a `kind` whose JSON `value` still grows: fields that are missing, or are not yet of their type,
    have their default or None, and elements of a list that are not are left out. None if there is nothing yet."""
    with suppress(Misfit, RecursionError):
        return shape_of(kind).grow(value)
    return None


def plain_of(value: Any) -> Any:
    """What stands in JSON for `value`, an instance of such a type. Raises TypeError for others."""
    kind = type(value)
    if isinstance(value, abc.Set):
        return list(value)
    if isinstance(value, abc.Mapping):
        return dict(value)
    if isinstance(value, Enum):
        return value.value
    if (kind.__module__, kind.__name__) in _TEXTS:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return plain_record(value)


_LISTS: dict[Any, Callable[[list[Any]], Any]] = {
    **dict.fromkeys((list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection), list),
    **dict.fromkeys((set, abc.Set, abc.MutableSet), set), frozenset: frozenset, tuple: tuple,
}  # fmt: skip
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
# By name, as the core loads no module that tells the time.
_TEXTS = {
    ("datetime", "datetime"): "date-time", ("datetime", "date"): "date", ("datetime", "time"): "time",
    ("uuid", "UUID"): "uuid",
}  # fmt: skip


def shape_of(kind: Any) -> Shape:
    """What is known of the type that the annotation `kind` names. Raises InvalidRequest if it is none of the above."""
    kind, description = _unwrapped(NoneType if kind is None else kind)
    if kind is Any or kind is object:
        shape: Shape = Anything()
    else:
        shape = _class_shape(kind) if isinstance(kind, type) and not get_args(kind) else _generic_shape(kind)
    return Described(shape, description) if description else shape


def _unwrapped(kind: Any) -> tuple[Any, str]:
    """The type itself without names for it and notes on it, and what these say of it."""
    description = ""
    while not isinstance(kind, type):
        origin = get_origin(kind)
        if origin is Annotated:
            kind, *notes = get_args(kind)
            description = description or next(filter(None, map(_note, notes)), "")
        elif origin is Required or origin is NotRequired:
            (kind,) = get_args(kind)
        elif hasattr(kind, "__supertype__"):  # a NewType
            kind = kind.__supertype__
        elif hasattr(kind, "__value__"):  # of `type X = …`
            kind = kind.__value__
        else:
            break
    return kind, description


def _class_shape(kind: Any) -> Shape:
    named = (kind.__module__, kind.__name__)
    if kind in SCALARS:
        return SCALARS[kind]
    if kind in _LISTS:
        return List(Anything(), _LISTS[kind])
    if kind in _DICTS:
        return Dict(Anything())
    if issubclass(kind, Enum):
        doc = vars(kind).get("__doc__")
        return Literals(kind, [(member.value, member) for member in kind], doc or "")
    if named in _TEXTS:
        return Text(_TEXTS[named], getattr(kind, "fromisoformat", kind))
    return _record(kind) or _foreign(kind)


@lru_cache(maxsize=128)  # a growing value is asked for at each piece of an answer
def _record(kind: Any) -> Shape | None:
    return record_of(kind, shape_of)


def _generic_shape(kind: Any) -> Shape:
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(origin, type) and not args:  # typing.List alone
        return _class_shape(origin)
    if origin is Literal:
        return Literals(kind, [(each.value if isinstance(each, Enum) else each, each) for each in args])
    return _of_others(origin, args) or _foreign(kind)


def _of_others(origin: Any, args: tuple[Any, ...]) -> Shape | None:
    if origin is Union or origin is UnionType:
        return OneOf([shape_of(each) for each in args])
    if origin is tuple and args[1:] != (...,):
        return Tuple([shape_of(each) for each in args])
    if origin in _LISTS:
        return List(shape_of(args[0]), _LISTS[origin])
    return Dict(shape_of(args[1])) if origin in _DICTS and args[0] is str else None


def _foreign(kind: Any) -> Shape:
    raise InvalidRequest(
        f"no JSON Schema is made of {name_of(kind)}: take str, int, float, bool, None, list, tuple, dict[str, …], "
        "Literal, Enum, a union, a dataclass, a TypedDict, a pydantic model or a msgspec.Struct"
    )


def _note(note: Any) -> str:
    """The description in an annotation's metadata: a text, pydantic's Field, msgspec's Meta, typing_extensions' Doc."""
    text = note if isinstance(note, str) else getattr(note, "description", None) or getattr(note, "documentation", None)
    return text if isinstance(text, str) else ""
